# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 05 · CRNN and CTC
#
# You will see a network that reads a spectrogram in both directions, and the trick that lets it learn from a
# sentence and a sound without ever being told which letter is spoken when.
#
# | | |
# |---|---|
# | **Objectives** | read the network layer by layer · count its frames, parameters and field of view · derive CTC by brute force, then efficiently · see an alignment that nobody drew · recognise CTC's classic failures |
# | **Needs** | notebook 02; the shipped model; no network |
# | **Minutes** | ci, fast, workshop, full: under 1 (all use the embedded corpus) |

# %%
import itertools
import os

import keras
import numpy as np
import tensorflow as tf

from asr_helpers.corpus import data_dir, load_corpus
from asr_helpers.network import build_model, ctc_loss, pack_targets
from asr_helpers.show import plots
from asr_helpers.sound import features, output_frames, read_audio
from asr_helpers.teaching import check
from asr_helpers.text import ALPHABET, BLANK, decode, encode
from asr_helpers.words import collapse, greedy, lattice, log_likelihood, min_frames

PROFILE = os.environ.get("ASR_PROFILE", "fast")
plots.style()
keras.utils.set_random_seed(0)
print("profile", PROFILE, "· Keras", keras.__version__, "· TensorFlow", tf.__version__)

# %% [markdown]
# ## What goes in, what comes out?
#
# A spectrogram of 80 mel bins goes in, one frame every 10 ms. Out come 29 numbers every 40 ms: how strongly each
# letter, the space, the apostrophe or *nothing new* (the blank) is heard.

# %%
model = build_model(lstm_layers=2, lstm_units=128)
clip = load_corpus(data_dir() / "mini" / "test-mini").utterances[3]
spectrogram = features(read_audio(clip.path))
logits = model(spectrogram[None, ..., None])
print(clip.text, spectrogram.shape, "→", tuple(logits.shape[1:]))

# %% [markdown]
# ## What is in between?
#
# Two blocks look at the picture (convolution, normalisation, ReLU, pooling), two LSTMs read the columns from left
# to right and from right to left, and one Dense layer spells.

# %%
main = [
    layer for layer in model.layers if layer.count_params() or (layer.name.startswith("conv") and "pool" in layer.name)
]
for layer in main:
    shape = tuple(size or "·" for size in layer.output.shape)
    print(f"{layer.name:12s} {type(layer).__name__:20s} {shape!s:18s} {layer.count_params():>9,}")
print(f"{model.count_params():,} parameters")

# %% [markdown]
# The same, drawn from those layers. A block is as wide as it has frames and as tall as it has values in each (both
# on a root scale). The field of view grows by what each kernel and each pooling adds: 3 frames, then twice as far
# a step, and then, with the first LSTM, all of it.

# %%
plots.save(plots.network(model), "05_network")

# %%
figure, ax = plots.new(size=(8, 2.2), alt="bars: parameters of each layer; the first LSTM holds most")
counts = {layer.name: layer.count_params() for layer in main if layer.count_params() > 500}
ax.bar(list(counts), np.array(list(counts.values())) / 1e3, color=plots.BLUE)
ax.set(ylabel="parameters (thousands)", title="where the parameters are")
plots.save(figure, "05_parameters")

# %% [markdown]
# ## How does an LSTM read?
#
# A convolution sees a few frames and forgets them. An S, a pause and a vowel may belong together over half a second, so
# something must remember. An LSTM (*long short-term memory*,
# [Hochreiter & Schmidhuber 1997](https://doi.org/10.1162/neco.1997.9.8.1735)) reads one column after the other and keeps a
# memory: one number for each of its units. At each step three *gates*, numbers from 0 to 1, decide.

# %%
plots.save(plots.lstm_cell(), "05_lstm")

# %% [markdown]
# The *forget* gate multiplies the memory: at 1 all of it stays, at 0 it is gone. The *input* gate says how much of a new
# value is added. The *output* gate says how much of the memory is shown to the next layer. All of them look at the same:
# this column, and what was shown one step before. Why gates and not plain sums? Because the memory runs through with
# nothing but a product and a sum, a letter can wait there for many steps, and in training its error finds the way back.
#
# The whole of it is four lines:


# %%
def lstm_step(column, shown, memory, kernel, recurrent, bias):
    gates = column @ kernel + shown @ recurrent + bias
    write, keep, new, show = np.split(gates, 4)  # Keras's order: input, forget, candidate, output
    write, keep, show = (1 / (1 + np.exp(-gate)) for gate in (write, keep, show))
    memory = keep * memory + write * np.tanh(new)
    return show * np.tanh(memory), memory


# %% [markdown]
# Is it Keras's? Twenty columns of noise, an LSTM of eight units:

# %%
layer, columns_in = keras.layers.LSTM(8), np.random.default_rng(0).normal(size=(20, 5)).astype(np.float32)
theirs = layer(columns_in[None])[0].numpy()
shown, memory = np.zeros(8), np.zeros(8)
for column in columns_in:
    shown, memory = lstm_step(column, shown, memory, *layer.get_weights())
np.testing.assert_allclose(shown, theirs, atol=1e-5)
print("equal, to 1e-5:", shown.round(3))

# %% [markdown]
# Our network has two of them in each layer. One reads from left to right, one from right to left, so that each answer also
# knows what comes after it. That is a *BiLSTM*; and the convolutions before it make it a *CRNN*.
#
# ## How far does one output see?
#
# Feed a spectrogram in which a single frame differs, and look which outputs change. Through the convolutions
# alone it is a few frames; through the LSTMs, all of them.

# %%
columns = keras.Model(model.input, model.get_layer("columns").output)
noise = np.random.default_rng(0).normal(size=(1, 160, 80, 1)).astype(np.float32)
poked = noise.copy()
poked[:, 80] += 1.0
change = {
    name: np.abs(part(poked) - part(noise))[0].max(-1) for name, part in (("convolutions", columns), ("all", model))
}

# %%
figure, ax = plots.new(size=(8, 2.2), alt="change of each output frame when one input frame changes")
for (name, values), colour in zip(change.items(), (plots.ORANGE, plots.BLUE), strict=True):
    ax.plot(values / values.max(), color=colour, label=name)
ax.set(
    yscale="log",
    ylim=(1e-6, 2),
    xlabel="model frame (40 ms)",
    ylabel="relative change",
    title="input frame 80 was changed",
)
ax.legend()
plots.save(figure, "05_field_of_view")

# %% [markdown]
# ## Does padding leak?
#
# In a batch, short utterances are padded with zeros. A convolution would smear them into the last frames, a
# backward LSTM would *start* in them. The model zeroes padding after every convolution and lets the LSTMs skip it.

# %%
padded = np.pad(spectrogram, [(0, 200), (0, 0)])
alone, in_batch = logits[0], model(padded[None, ..., None])[0]
print("largest difference:", float(np.abs(alone - in_batch[: len(alone)]).max()))

# %% [markdown]
# ## The problem: which frame is which letter?
#
# The clip has a text of some 30 letters and twice as many frames. Nobody has marked where a letter begins. CTC
# (Graves et al., 2006) gives up asking: it lets the network emit one symbol a frame, and says how such a *path*
# is read: merge what repeats, then drop the blanks.


# %%
def read(path):
    merged = [symbol for symbol, _ in itertools.groupby(path)]
    return "".join(symbol for symbol in merged if symbol != "–")


for path in ("CC–AATT", "C–A–––T", "–CAAA–T", "CA–A–TT"):
    print(path, "→", read(path))

# %% [markdown]
# Three of these paths spell CAT. The fourth does not, since a blank between two equal letters keeps both, which is
# how BALLOON gets its double letters.
#
# ## Brute force: every path there is
#
# Take the word CAT, its letters and the blank, and five frames: 1024 paths, each with a probability. What a text is
# worth is the sum over the paths that spell it.

# %%
symbols = "ACT–"
table = np.random.default_rng(4).dirichlet(np.ones(4), size=5)  # (frames, symbols), rows sum to 1
paths = list(itertools.product(range(4), repeat=5))
worth, spelt = {}, {}
for path in paths:
    text = read([symbols[k] for k in path])
    worth[text] = worth.get(text, 0) + np.prod(table[range(5), path])
    spelt[text] = spelt.get(text, 0) + 1
print(len(paths), "paths spell", len(worth), "texts; all together", round(sum(worth.values()), 12))

# %%
for text in ("CAT", "ACT", "TACT", "TT"):
    print(f"{text:5s} {spelt[text]:3d} paths, together {worth[text]:.6f}")

# %% [markdown]
# Twelve seconds of speech have 300 frames and 29 symbols: more paths than atoms in the universe. But most share
# their beginnings, so the sums can be carried along, frame by frame.
#
# ## Forward: carry the sums
#
# Write the text with blanks around every letter. At each frame, stay, step on, or skip a blank (not the blank
# that parts two equal letters).


# %%
def forward(table, labels, blank):
    states = [blank]
    for label in labels:
        states += [label, blank]
    alpha = np.zeros(len(states))
    alpha[:2] = table[0, states[:2]]
    for row in table[1:]:
        before = alpha.copy()
        for s in range(len(states)):
            skip = s > 1 and states[s] not in (blank, states[s - 2])
            arriving = before[s] + (before[s - 1] if s else 0) + (before[s - 2] if skip else 0)
            alpha[s] = arriving * row[states[s]]
    return alpha[-2:].sum()


# %% [markdown]
# Four answers to one question: brute force, these fifteen lines, the helper, and TensorFlow.

# %%
logs = np.log(table).astype(np.float32)
for text in ("CAT", "ACT", "TACT", "TT"):
    word = np.array([symbols.index(letter) for letter in text])
    ours = forward(table, word, blank=3)
    helper = np.exp(log_likelihood(np.log(table), word, blank=3))
    theirs = np.exp(-tf.nn.ctc_loss(word[None], logs[None], [len(word)], [5], False, blank_index=3)[0])
    np.testing.assert_allclose([ours, helper, theirs], worth[text], rtol=1e-4)
    print(f"{text:5s} {worth[text]:.6f} {ours:.6f} {helper:.6f} {theirs:.6f}")

# %% [markdown]
# How much is saved? Brute force multiplies five numbers 1024 times; `forward` fills a table of five frames and seven
# states. The table, drawn: each square is the probability of standing there, given that the text is CAT.

# %%
ups, downs = lattice(np.log(table), np.array([1, 0, 2]), blank=3)
standing = np.exp(ups + downs) / worth["CAT"]
print("each column sums to", standing.sum(1).round(6))
plots.ctc_lattice(standing, "CAT", title="CAT in five frames: forward times backward")

# %% [markdown]
# The helper does the same with logarithms, because 300 factors below one underflow. And the loss that trains the
# network is minus that logarithm. Is TensorFlow's the same number?

# %%
labels = encode(clip.text)
log_probs = tf.nn.log_softmax(logits[0]).numpy()
target = pack_targets([labels], [len(log_probs)])
print("TensorFlow:", float(ctc_loss(target, logits)[0]), "· lattice:", -log_likelihood(log_probs, labels) / len(labels))

# %% [markdown]
# (Per letter, so that long and short sentences weigh the same.)
#
# ## An alignment nobody drew
#
# Forward sums up to a state and backward sums on from it: together they say how probable it is that the path
# stands in this state at this frame. Here, what the shipped model makes of a clip it never heard.

# %%
trained = keras.saving.load_model(data_dir() / "models" / "crnn.keras", compile=False)
log_probs = tf.nn.log_softmax(trained(spectrogram[None, ..., None])[0]).numpy()
plots.save(plots.posteriors(log_probs, spectrogram, clip.text), "05_posteriors")

# %% [markdown]
# Each letter comes where it is heard, though nobody has ever marked a place for it. How long a letter is held, and
# whether blanks (grey) stand between two letters, CTC leaves to the network: every path that reads the same is as good.
#
# ## How do the spikes come?
#
# From a long run on real speech, with this corpus's training clips among it, the posteriors of one test clip after
# several epochs (a file of a few kilobytes: the probabilities, not the weights; `benchmarks/epoch_posteriors.py` made
# it). Take from the last epoch when each letter is said. How sure of it was the network there, epoch by epoch?

# %%
kept = np.load(data_dir() / "epoch_posteriors.npz")
spoken = str(kept["text"])
at = sum(lattice(kept["log_probs"][-1], encode(spoken)))[:, 1::2].argmax(axis=0)  # the frame of each letter
near = np.clip(at + np.array([[-1], [0], [1]]), 0, None)  # it may move by a frame
sure = np.exp(kept["log_probs"][:, near, encode(spoken)].astype(np.float32)).max(axis=1)
plots.save(plots.by_epoch(sure, kept["epochs"], spoken), "05_epochs")

# %%
for epoch, rows in zip(kept["epochs"], kept["log_probs"].astype(np.float32), strict=True):
    share, sure = np.mean(rows.argmax(-1) == BLANK), np.exp(rows.max(-1)).mean()
    print(f"epoch {epoch:2d}: {share:4.0%} blank, winner {sure:.2f} on average · {greedy(rows)}")

# %% [markdown]
# Read the picture from top to bottom: the letters light up, the clear ones first, and each grows surer from epoch to
# epoch. They rise out of the blank, which is the safest thing to say where nothing is known: these are CTC's spikes. How
# much blank stays between them depends on the room. This clip has 46 letters in 75 frames, so most blanks must go in the
# end; slow speech, or
# word pieces instead of letters, leaves far more of them. Back to the shipped network and the clip above:

# %%
best = log_probs.argmax(-1)
print(
    f"{np.mean(best == BLANK):.0%} of the frames are blank; “{greedy(log_probs)}” takes {len(collapse(best))} of {len(best)}"
)

# %%
said = clip.text.split()[0]
ups, downs = lattice(log_probs, labels)
together = np.exp(ups + downs - log_likelihood(log_probs, labels))
states = 2 * len(said) + 1
last = np.flatnonzero(together[:, :states].sum(axis=1) > 0.5)[-1] + 1  # until the path has left the word
plots.save(plots.ctc_lattice(together[:last, :states], said, title=f"the word {said} of “{clip.text}”"), "05_lattice")

# %%
print("said ", clip.text)
print("heard", greedy(log_probs))

# %% [markdown]
# ## Break it: the padded length
#
# The most common fault in published CTC code: the loss is given the length of the padded batch instead of the
# utterance's own. Then the network is asked to spell the text somewhere in frames that are not there.

# %%
in_batch = trained(padded[None, ..., None])
for name, frames in (("true length", output_frames(len(spectrogram))), ("padded length", in_batch.shape[1])):
    loss = ctc_loss(pack_targets([labels], [frames]), in_batch)
    print(f"{name:14s} {frames:4d} frames   loss {float(loss[0]):.3f}")

# %% [markdown]
# The loss changes though the speech has not: the network is punished for how far its neighbour in the batch
# happens to be longer.
#
# ## Break it: a text longer than the frames
#
# With fewer frames than letters no path exists: the probability is 0 and the loss infinite. TensorFlow's sparse loss
# stops the training then.

# %%
few = min_frames(labels)
for frames in (few, few - 1):
    print(frames, "frames: loss", -log_likelihood(log_probs[:frames], labels))

# %%
try:
    ctc_loss(pack_targets([labels], [few - 1]), in_batch[:, : few - 1])
except tf.errors.InvalidArgumentError as error:
    print(error.message.split(")0")[0] + ")")

# %% [markdown]
# But it counts letters only, not the blanks that double letters need. BALLOON has seven letters and two doubles:

# %%
word = encode("BALLOON")
for frames in (9, 8, 7):
    print(frames, "frames: loss", float(ctc_loss(pack_targets([word], [frames]), in_batch[:, :frames])[0]))

# %% [markdown]
# An infinite loss, and not a word of complaint: from this clip on the epoch's mean is infinite, too, and the callbacks
# that watch it are blind. One such pair in 28 539 utterances is enough. `min_frames` tells beforehand, and the pipeline leaves the pair out.
#
# ## Break it: the wrong blank
#
# Keras's own CTC loss takes class 0 as the blank, PyTorch's does by default, TensorFlow's takes the last if told
# so. Mixed up, training runs without complaint, towards something else. And in decoding, the symbol that is taken
# for the blank vanishes (here the spaces), while the real blank is printed:

# %%
wrong = tf.nn.ctc_loss(labels[None], in_batch, [len(labels)], [output_frames(len(spectrogram))], False, blank_index=0)
print("loss with blank 0:", float(wrong[0]) / len(labels))
shown = [k for k, _ in itertools.groupby(best) if k != 0]
print("decoded with blank 0:", "".join((ALPHABET + "_")[k] for k in shown)[:60])

# %% [markdown]
# ## Break it: softmax twice
#
# A Dense layer with `activation="softmax"` is a habit. The loss takes logits and applies its own softmax. Give it
# probabilities, and none of 29 can get far above the others: at best one class stands at 1, 28 at 0.

# %%
ceiling = np.e / (np.e + 28)
print(f"the surest frame there is counts as {ceiling:.3f}, where 1/29 = {1 / 29:.3f} is a shrug")

# %%
own = pack_targets([labels], [len(log_probs)])
for name, given in (("logits", log_probs), ("probabilities", np.exp(log_probs))):
    given = tf.constant(given[None])
    with tf.GradientTape() as tape:
        tape.watch(given)
        loss = ctc_loss(own, given)
    size = float(tf.norm(tape.gradient(loss, given)))
    print(f"{name:14s} loss {float(loss[0]):.3f}, gradient {size:.3f}, reads “{greedy(given[0].numpy())[:20]}…”")

# %% [markdown]
# The same network, reading the same: a trained one looks untrained to this loss. In training the loss falls a little
# and stays, far above zero, whatever the network says. (A *log*-softmax twice does no harm: its exponentials sum to 1.)
#
# ## Break it: lower case
#
# The alphabet is upper-case. What becomes of a transcript in lower case?

# %%
quiet = clip.text.lower()
try:
    encode(quiet)
except ValueError as error:
    print(error)
careless = [ALPHABET.find(character) for character in quiet]  # -1 where there is none
print("careless code keeps", repr(decode(k for k in careless if k >= 0)), "of", repr(quiet))

# %% [markdown]
# −1 is also what labels are padded with, so nobody complains: a network trained on this learns to write spaces, with
# a fine, low loss. `encode` refuses, and `load_corpus` normalises what it reads.
#
# ## Exercises
#
# Write into the empty cells and let `check` judge: it says what is right, and gives a hint where something is not.
# [All of them solved](../notebooks/solutions/05_crnn_and_ctc.ipynb).

# %% [markdown] tags=["exercise"]
# ### Exercise 05.1 · Nothing at all
#
# *easy · 5 minutes*
#
# How many of the 1024 paths spell nothing, and how probable is it that they do? Guess first. `answer` holds both numbers.

# %% tags=["solution"]
nothing = [path for path in paths if not read([symbols[k] for k in path])]
answer = len(nothing), worth[""]
print(f"{answer[0]} path, probability {answer[1]:.4f}")

# %% tags=["check"]
check("05.1", answer)

# %% [markdown] tags=["exercise"]
# ### Exercise 05.2 · Double letters
#
# *medium · 8 minutes*
#
# Give `forward` the labels of TT with only two frames: why is the result 0? And in how many frames of the network's
# output can COMMITTEE be spelt at all?

# %% tags=["solution"]
print("TT in two frames:", forward(table[:2], [2, 2], 3))
answer = min_frames(encode("COMMITTEE"))
print(answer, "frames: nine letters, and a blank in each of the three pairs")

# %% tags=["check"]
check("05.2", answer)

# %% [markdown] tags=["exercise"]
# ### Exercise 05.3 · In doubt
#
# *hard · 12 minutes*
#
# At which letter of the clip was the shipped network least certain? A letter begins where the winner of `log_probs` is
# not the blank and not the winner of the frame before. `answer` is that moment in *seconds*.

# %% tags=["solution"]
starts = [t for t in range(len(best)) if best[t] != BLANK and (t == 0 or best[t] != best[t - 1])]
assert collapse(best) == [best[t] for t in starts]
doubts = sorted(starts, key=lambda t: log_probs[t].max())
answer = 0.04 * doubts[0]
for t in doubts[:3]:
    print(f"{decode([best[t]])!r} at {t * 0.04:.2f} s: {np.exp(log_probs[t].max()):.2f}")

# %% tags=["check"]
check("05.3", answer)

# %% [markdown] tags=["quiz"]
# ## Quiz
#
# **1. How is the path H H E L – L O read?**
#
# - [ ] HELO | The blank parts the two L: both stay.
# - [x] HELLO | Merge what repeats, then drop the blanks.
# - [ ] HHELLO | What repeats is merged, unless a blank stands between.
#
# **2. In how few frames can BOOK be spelt?**
#
# - [ ] 4 | Then O O would be merged into one.
# - [x] 5 | Four letters, and a blank in the double one.
# - [ ] 9 | A blank may stand around every letter, but only one must.
#
# **3. Which length is CTC given?**
#
# - [ ] that of the padded batch | Then it asks for letters in frames where nothing is.
# - [ ] that of the spectrogram | Pooling has left a quarter of it.
# - [x] the utterance's own, after pooling | So many frames come out of the network that belong to it.
#
# **4. What is a text worth, for CTC?**
#
# - [ ] its best path | That is what greedy decoding and forced alignment look at.
# - [x] the sum of all paths that spell it | And the lattice makes the sum cheap.
# - [ ] the product of its letters' largest probabilities | The letters must also come in their order.
#
# **5. Why does one LSTM run backwards?**
#
# - [x] so that each output also knows what comes after it | The end of a sound often tells what its beginning was.
# - [ ] so that training takes half the time | It takes twice the work.
# - [ ] for languages that are written from right to left | The sound of any language runs forwards.

# %% [markdown]
# ## Recap
#
# - Convolutions see a few frames, LSTMs the whole sentence; two poolings leave one output every 40 ms.
# - CTC sums over every alignment that spells the text; the forward pass makes that sum cheap.
# - The length it is given is the utterance's own, after pooling.
# - Where the letters fall, the network finds out by itself: that is the alignment nobody drew.
#
# ## Further reading
#
# - [Graves and others (2006), CTC](https://www.cs.toronto.edu/~graves/icml_2006.pdf): the paper; you have now derived its first half.
# - [Hannun (2017), *Sequence Modeling with CTC*](https://distill.pub/2017/ctc/): the same, with pictures to move.
# - [Olah (2015), *Understanding LSTM Networks*](https://colah.github.io/posts/2015-08-Understanding-LSTMs/): the cell, gate by gate.
# - [Hochreiter & Schmidhuber (1997), LSTM](https://doi.org/10.1162/neco.1997.9.8.1735): the paper.
# - [Amodei and others (2015), Deep Speech 2](https://arxiv.org/abs/1512.02595): our network's large ancestor.
#
# Next: [06 · Training](06_training.ipynb), from noise to sentences in a few minutes.
