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
# You will see a network that found out by itself which letter is spoken when. You will build it in twenty lines, and
# derive the loss that taught it.

# %% jupyter={"source_hidden": true}
import itertools
import os

import keras
import numpy as np
import tensorflow as tf
from IPython.display import display
from keras import layers, ops

from asr_helpers.corpus import data_dir, load_corpus
from asr_helpers.network import build_model, ctc_loss, pack_targets
from asr_helpers.recognizer import Recognizer, shipped_model
from asr_helpers.show import plots
from asr_helpers.show.widgets import Trellis, instrument
from asr_helpers.sound import features, output_frames, read_audio
from asr_helpers.teaching import check
from asr_helpers.text import ALPHABET, BLANK, decode, encode
from asr_helpers.words import collapse, greedy, lattice, log_likelihood, min_frames

PROFILE = os.environ.get("ASR_PROFILE", "fast")
plots.style()
keras.utils.set_random_seed(0)

# %% jupyter={"source_hidden": true}
clip = load_corpus(data_dir() / "mini" / "test-mini").utterances[3]
spectrogram = features(read_audio(clip.path))
shipped = keras.saving.load_model(data_dir() / "models" / "crnn.keras", compile=False)
log_probs = tf.nn.log_softmax(shipped(spectrogram[None, ..., None])[0]).numpy()
display(instrument(read_audio(clip.path), Recognizer.load(shipped_model()), text=clip.text, label=clip.text.lower()))
plots.save(plots.spelling(log_probs, spectrogram), "05_posteriors")

# %% [markdown] tags=["about"]
# | | |
# |---|---|
# | **Objectives** | build the network in Keras · count its frames, parameters and field of view · derive CTC by brute force, then efficiently · see an alignment that nobody drew · recognise CTC's classic failures |
# | **Needs** | notebook 02; the shipped model; no network |
# | **Minutes** | ci, fast, workshop, full: under 1 (all use the embedded corpus) |

# %% [markdown]
# Above is the beginning of a clip that the shipped network never heard in training. Each letter appears where it is
# spoken. Yet nobody ever marked a letter in any clip: the network was given sounds and sentences, nothing else. This
# notebook explains how.
#
# ## What goes in, what comes out?
#
# A spectrogram of 80 mel bins goes in, with one frame every 10 ms. Every 40 ms, 29 numbers come out: one for each
# letter, the space, the apostrophe, and the *blank*, which means *nothing new*.
#
# ## The network in twenty lines
#
# Two blocks of convolution and pooling look at small patches of the picture. Each halves both axes, so four frames
# become one. Then two LSTMs read the columns, in both directions. One Dense layer spells.
#
# `real` is 1 where there is speech and 0 in padding. More about it soon.


# %%
def crnn(units=128, filters=(16, 32), dropout=0.1):
    picture = keras.Input((None, 80, 1))  # (frames, mel bins, 1)
    real = ops.cast(ops.any(ops.not_equal(picture, 0), axis=2, keepdims=True), "float32")
    x = picture
    for channels in filters:
        x = layers.Conv2D(channels, 3, padding="same", use_bias=False)(x)
        x = layers.MaxPooling2D(2)(x)
        x = layers.BatchNormalization(momentum=0.95)(x)
        x = layers.ReLU()(x)
        real = real[:, 1::2]
        x = layers.Dropout(dropout / 2)(x * real)
    x = layers.Reshape((-1, 20 * filters[-1]), name="columns")(x)  # (frames / 4, 20 bins × channels)
    mask = real[:, :, 0, 0] > 0
    for _ in range(2):
        x = layers.Bidirectional(layers.LSTM(units, return_sequences=True))(x, mask=mask)
        x = layers.Dropout(dropout)(x)
        x = layers.BatchNormalization(momentum=0.95)(x, mask=mask)
    return keras.Model(picture, layers.Dense(29)(x * real[..., 0]))  # 29 logits every 40 ms


# %% [markdown]
# Is this the harbour network, which notebook 06 trains? Compare it with `build_model`, layer by layer.

# %%
model, helper = crnn(), build_model(lstm_layers=2, lstm_units=128, filters=(16, 32), dropout=0.1)
ours, theirs = ([layer for layer in each.layers if layer.weights or "pool" in layer.name] for each in (model, helper))
for mine, its in zip(ours, theirs, strict=True):
    assert type(mine) is type(its) and mine.output.shape == its.output.shape
    shape = tuple(size or "·" for size in mine.output.shape)
    print(f"{its.name:11s} {type(mine).__name__:19s} {shape!s:18s} {mine.count_params():>8,}")
print(f"{model.count_params():,} parameters")

# %% [markdown]
# The dots are the sizes of the batch and of the clip, which may vary. Most parameters are in the first LSTM, which
# reads 640 numbers per column. With equal weights, both networks must also give equal answers:

# %%
helper.set_weights(model.get_weights())
logits = model(spectrogram[None, ..., None])
np.testing.assert_allclose(logits, helper(spectrogram[None, ..., None]), atol=1e-5)
print(spectrogram.shape, "→", tuple(logits.shape[1:]))

# %% [markdown]
# The helper adds one thing, for training only: its norms keep their scale non-negative. Then pooling before the norm
# gives what pooling after it would, for a quarter of the work.
#
# Here is the same network as a drawing. A wider block has more frames, a taller one more values per frame.

# %% jupyter={"source_hidden": true}
plots.save(plots.network(helper), "05_network")

# %% [markdown]
# ## How does an LSTM read?
#
# A convolution sees a few frames and forgets them. But an S, a pause and a vowel may belong together over half a
# second, so something must remember. An LSTM (*long short-term memory*,
# [Hochreiter & Schmidhuber 1997](https://doi.org/10.1162/neco.1997.9.8.1735)) reads one column after the other and
# keeps a memory, one number for each of its units. At each step three *gates*, numbers from 0 to 1, decide.

# %% jupyter={"source_hidden": true}
plots.save(plots.lstm_cell(), "05_lstm")

# %% [markdown]
# The *forget* gate multiplies the memory: at 1 all of it stays, at 0 it is gone. The *input* gate says how much of a
# new value is added. The *output* gate says how much of the memory the next layer gets to see. All three see the same
# input: this column and the previous step's output. Why gates? Because only a product and a sum touch the memory, it
# can carry a letter over many steps, and in training the error finds its way back.
#
# The whole cell is five lines:


# %%
def lstm_step(column, shown, memory, kernel, recurrent, bias):
    gates = column @ kernel + shown @ recurrent + bias
    write, keep, new, show = np.split(gates, 4)  # Keras's order: input, forget, candidate, output
    write, keep, show = (1 / (1 + np.exp(-gate)) for gate in (write, keep, show))
    memory = keep * memory + write * np.tanh(new)
    return show * np.tanh(memory), memory


# %% [markdown]
# Does it compute what Keras's does? Try twenty columns of noise and an LSTM of eight units:

# %%
layer, columns_in = layers.LSTM(8), np.random.default_rng(0).normal(size=(20, 5)).astype(np.float32)
theirs = layer(columns_in[None])[0].numpy()
shown, memory = np.zeros(8), np.zeros(8)
for column in columns_in:
    shown, memory = lstm_step(column, shown, memory, *layer.get_weights())
np.testing.assert_allclose(shown, theirs, atol=1e-5)

# %% [markdown]
# Each layer of our network has two of them. One reads from left to right, the other from right to left, so each answer
# also knows what comes after it. That makes a *BiLSTM*; with convolutions before it, the whole is a *CRNN*.
#
# ## How far does one output see?
#
# Change a single frame of a spectrogram and see which outputs change: after the convolutions, and after the LSTMs.

# %%
columns = keras.Model(model.input, model.get_layer("columns").output)
noise = np.random.default_rng(0).normal(size=(1, 160, 80, 1)).astype(np.float32)
poked = noise.copy()
poked[:, 80] += 1
parts = {"convolutions": columns, "with LSTMs": model}
change = {name: np.abs(part(poked) - part(noise))[0].max(-1) for name, part in parts.items()}

# %% jupyter={"source_hidden": true}
plots.save(plots.reach(change, at=20), "05_field_of_view")

# %% [markdown]
# The convolutions look a few hundredths of a second to each side. The LSTMs look everywhere. In this untrained network
# the effect fades with the distance.
#
# ## Does padding leak?
#
# In a batch, short clips are padded with zeros. A convolution would smear them into the last frames, and a backward
# LSTM would *start* in them. So the network zeroes the padding after every block and lets the LSTMs skip it. Compare
# the clip alone with the clip and two seconds of padding:

# %%
padded = np.pad(spectrogram, [(0, 200), (0, 0)])[None, ..., None]
alone, in_batch = logits[0], model(padded)[0]
print("largest difference:", float(np.abs(alone - in_batch[: len(alone)]).max()))

# %% [markdown]
# ## CTC in one picture
#
# The clip has 46 characters, spaces included, and 75 output frames. Which frame is which character? *CTC*
# ([Graves and others 2006](https://www.cs.toronto.edu/~graves/icml_2006.pdf)) does not ask. The network writes one
# symbol per frame, a character or the blank (–). Such a row of symbols is a *path*. To read it, merge repeats, then
# drop the blanks:

# %% jupyter={"source_hidden": true}
plots.save(plots.collapse(["CC–AAA–TT–", "BO–OOK––"]), "05_collapse")

# %% [markdown]
# The blank between the two O keeps them apart. Without it they would merge, and BOOK would read BOK.


# %%
def read(path):
    merged = [symbol for symbol, _ in itertools.groupby(path)]
    return "".join(symbol for symbol in merged if symbol != "–")


for path in ("CC–AATT", "C–A–––T", "–CAAA–T", "CA–A–TT"):
    print(path, "→", read(path))

# %% [markdown]
# Three of these paths read CAT. CTC does not prefer one of them: the probability of a text is the *sum* over all paths
# that read it. Training raises that sum, and which path to use is left to the network.
#
# ## Brute force: every path there is
#
# Take the letters A, C, T, the blank, and five frames. That makes 4⁵ = 1024 paths. Each has a probability: the product
# of its five symbols' probabilities.

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
# Twelve seconds of speech have 300 output frames and 29 symbols: more paths than there are atoms in the universe.
#
# ## The trellis: carry the sums
#
# Most paths share their beginnings, so add them up once, frame by frame. Write CAT with a blank around every letter:
# seven *states*. From one frame to the next, a path may *stay* in its state, *step* to the next, or *skip* a blank.
#
# Below, each node is a state in a frame. The number in it sums all paths that reach it: add what the arrows bring, and
# multiply by the probability of the node's symbol in its frame. Move the first slider to sum frame by frame. Then step
# through the 28 paths with the second, or drag the orange path, and watch their products add up to the same total.

# %% jupyter={"source_hidden": true}
Trellis(table, symbols, "CAT")

# %% [markdown]
# No kernel? This is its last frame, with one of the 28 paths.

# %% jupyter={"source_hidden": true}
plots.save(plots.trellis(table, symbols, "CAT", path=[1, 3, 3, 5, 6]), "05_trellis")

# %% [markdown]
# Now the same in code. One skip is forbidden: the blank between two equal letters must stay.


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
# Four answers to one question: brute force, these thirteen lines, the helper, and TensorFlow.

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
# Brute force multiplies five numbers 1024 times. `forward` fills five times seven nodes.
#
# The helper computes with logarithms, because 300 factors below one underflow. Minus the logarithm of the sum is the
# *loss* that trains the network. We divide it by the number of characters, so that long and short sentences weigh the
# same. Does TensorFlow agree on the real clip?

# %%
labels = encode(clip.text)
untrained = tf.nn.log_softmax(logits[0]).numpy()
target = pack_targets([labels], [len(untrained)])
print("TensorFlow:", float(ctc_loss(target, logits)[0]), "· lattice:", -log_likelihood(untrained, labels) / len(labels))

# %% [markdown]
# ## An alignment nobody drew
#
# How does a network come to spell in the right places? We kept its outputs for one test clip at five moments of a
# long run on real speech (with the harbour radio's training clips among it; `benchmarks/epoch_posteriors.py` made the
# file). The sums up to a node, times the sums from it to the end, tell how probable it is that the path runs through
# it. So `lattice` finds the frame of each character in the last epoch. How sure of that character was the network
# there, epoch by epoch?

# %%
kept = np.load(data_dir() / "epoch_posteriors.npz")
spoken = str(kept["text"])
at = sum(lattice(kept["log_probs"][-1], encode(spoken)))[:, 1::2].argmax(axis=0)  # the frame of each character
near = np.clip(at + np.array([[-1], [0], [1]]), 0, None)  # it may move by a frame
sure = np.exp(kept["log_probs"][:, near, encode(spoken)].astype(np.float32)).max(axis=1)  # (epochs, characters)
plots.save(plots.by_epoch(sure[:, :23], kept["epochs"], spoken[:23]), "05_epochs")

# %%
for epoch, rows, each in zip(kept["epochs"], kept["log_probs"].astype(np.float32), sure, strict=True):
    blanks = np.mean(rows.argmax(-1) == BLANK)
    print(f"epoch {epoch:2d}: {blanks:4.0%} blank, characters {each.mean():.2f} sure on average · {greedy(rows)}")
print(
    f"{np.sum(np.diff(sure, axis=0).min(axis=0) < -0.05)} of {len(spoken)} characters lose more than 0.05 once or more"
)

# %% [markdown]
# Read the picture from top to bottom. On average the characters grow surer, and the text comes out of the noise. But
# the climb is not steady: more than half of the characters clearly fall back at least once. In the first epoch, four
# frames in ten are blank, the safest answer for a network that knows nothing. Later the blanks give way to letters.
# They have to: 46 characters leave at most 29 of 75 frames for blanks.
#
# Here is what the shipped network makes of the same clip:

# %%
best = log_probs.argmax(-1)
print(f"{np.mean(best == BLANK):.0%} of the frames are blank; {len(collapse(best))} of {len(best)} begin a character")
print("said ", clip.text)
print("heard", greedy(log_probs))

# %% [markdown]
# ## Break it: the padded length
#
# The most common mistake in published CTC code: the loss gets the length of the padded batch instead of the
# utterance's own. Then the path must also run through frames that hold no speech.

# %%
in_batch = shipped(padded)
for name, frames in (("true length", output_frames(len(spectrogram))), ("padded length", in_batch.shape[1])):
    loss = ctc_loss(pack_targets([labels], [frames]), in_batch)
    print(f"{name:14s} {frames:4d} frames   loss {float(loss[0]):.3f}")

# %% [markdown]
# The loss changes though the speech does not: the network is penalised for how much longer its neighbour in the batch
# is.
#
# ## Break it: a text longer than the frames
#
# With too few frames no path exists. The probability is 0 and the loss infinite. TensorFlow's sparse loss complains:

# %%
few = min_frames(labels)
for frames in (few, few - 1):
    print(frames, "frames: loss", -log_likelihood(log_probs[:frames], labels))
try:
    ctc_loss(pack_targets([labels], [few - 1]), in_batch[:, : few - 1])
except tf.errors.InvalidArgumentError as error:
    print(error.message.split("}} ")[-1].split(")0")[0] + ")")

# %% [markdown]
# But it counts characters only, not the blanks that double letters need. BALLOON has seven letters and two doubles:

# %%
word = encode("BALLOON")
for frames in (9, 8, 7):
    print(frames, "frames: loss", float(ctc_loss(pack_targets([word], [frames]), in_batch[:, :frames])[0]))

# %% [markdown]
# An infinite loss, and no complaint. From this clip on, the epoch's mean is infinite too, and the callbacks that watch
# it see nothing else. One such clip in a whole corpus is enough. `min_frames` finds it beforehand, and the pipeline
# drops it.
#
# ## Break it: the wrong blank
#
# TensorFlow's `tf.nn.ctc_loss` can take any class as the blank. In Keras's and PyTorch's own losses it is class 0 by
# default; here it is the last. If you mix them up, training runs without complaint, but towards the wrong goal. In
# decoding, the symbol taken for the blank vanishes (here the space), and the real blank is printed (here as _):

# %%
wrong = tf.nn.ctc_loss(labels[None], in_batch, [len(labels)], [output_frames(len(spectrogram))], False, blank_index=0)
print("loss with blank 0:", float(wrong[0]) / len(labels))
printed = [k for k, _ in itertools.groupby(best) if k != 0]
print("decoded with blank 0:", "".join((ALPHABET + "_")[k] for k in printed)[:60])

# %% [markdown]
# ## Break it: softmax twice
#
# A Dense layer with `activation="softmax"` is a habit. But the loss takes logits and applies its own softmax. Give it
# probabilities, and even the surest frame, one class at 1 and 28 at 0, comes out nearly flat:

# %%
print(f"the surest frame counts as {np.e / (np.e + 28):.3f}; a guess is 1/29 = {1 / 29:.3f}")
own = pack_targets([labels], [len(log_probs)])
for name, given in (("logits", log_probs), ("probabilities", np.exp(log_probs))):
    print(f"{name:14s} loss {float(ctc_loss(own, given[None])[0]):.3f}, reads “{greedy(given)[:20]}…”")

# %% [markdown]
# The network still writes the same text, but to this loss a trained network looks untrained. In training the loss
# would fall a little and then stay far above zero. (A *log*-softmax twice does no harm: its exponentials sum to 1.)
#
# ## Break it: lower case
#
# The alphabet is upper-case. What happens to a transcript in lower case?

# %%
quiet = clip.text.lower()
try:
    encode(quiet)
except ValueError as error:
    print(error)
careless = [ALPHABET.find(character) for character in quiet]  # -1 where there is none
print("careless code keeps", repr(decode(k for k in careless if k >= 0)), "of", repr(quiet))

# %% [markdown]
# −1 also pads the labels, so nothing complains. A network trained on this learns to write spaces and apostrophes, with
# a deceptively low loss. `encode` refuses, and `load_corpus` normalises what it reads.
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
# How many of the 1024 paths spell nothing, and how probable is it that they do? Guess first. `answer` holds both
# numbers. `read`, `paths`, `symbols` and `worth` are from above.

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
# Give `forward` the labels of TT, `[2, 2]`, and only the first two rows of `table`. Why is the result 0? Then answer:
# what is the smallest number of output frames that can spell COMMITTEE?

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
# At which letter of the clip was the shipped network least certain? A letter begins where the winner of `log_probs`
# (its row's largest value) is not the blank and not the winner of the frame before. `answer` is that moment in
# *seconds*. Was the letter right?

# %% tags=["solution"]
starts = [t for t in range(len(best)) if best[t] != BLANK and (t == 0 or best[t] != best[t - 1])]
assert collapse(best) == [best[t] for t in starts]
doubts = sorted(starts, key=lambda t: log_probs[t].max())
answer = 0.04 * doubts[0]
for t in doubts[:3]:
    print(f"{decode([best[t]])!r} at {t * 0.04:.2f} s: {np.exp(log_probs[t].max()):.2f}")

# %% tags=["check"]
check("05.3", answer)

# %% [markdown]
# ### Open task · Explain BOOK
#
# *20 minutes, alone or in pairs*
#
# Make a table of six frames for the letters B, O, K and the blank, and show `Trellis(table, "BOK–", "BOOK")`. Before
# you look: which kind of arrow, present in the trellis of CAT, is missing here in one place? Then explain the blank to
# somebody who has never heard of CTC, in five sentences and one drawing of your own. A good answer has four parts:
#
# | | |
# |---|---|
# | **the arrow** | which one is missing, and what the text would be with it |
# | **two paths** | of the same text, to show that CTC sums and does not choose |
# | **blank and space** | what each is for, with an example |
# | **numbers** | from your table, confirmed by the widget |

# %% [markdown] tags=["quiz"]
# ## Quiz
#
# **1. How is the path H H E L – L O read?**
#
# - [ ] HELO | The blank separates the two L, so both stay.
# - [x] HELLO | Merge repeats, then drop the blanks.
# - [ ] HHELLO | Repeats merge unless a blank separates them, and the two H have none between them.
#
# **2. What is the smallest number of frames that can spell BOOK?**
#
# - [ ] 4 | Then O O would merge into one.
# - [x] 5 | Four letters, and a blank inside the double one.
# - [ ] 9 | A blank may surround every letter, but only one has to.
#
# **3. Which length does CTC get?**
#
# - [ ] that of the padded batch | Then the path must run through frames that hold no speech.
# - [ ] that of the spectrogram | Pooling leaves a quarter of its frames.
# - [x] the utterance's own, after pooling | That is how many output frames belong to the utterance.
#
# **4. What is the probability of a text, for CTC?**
#
# - [ ] that of its best path | Forced alignment looks for that one path; the loss does not.
# - [x] the sum over all paths that read it | And the trellis makes the sum cheap.
# - [ ] that of the most probable symbol in each frame | That is greedy decoding, which looks for a text; here the text is given.
#
# **5. Why does one LSTM of each layer read backwards?**
#
# - [x] so that each output also knows what comes after it | The end of a sound often tells what its beginning was.
# - [ ] so that its memory lasts twice as long | Each direction forgets as fast as before.
# - [ ] so that padding does no harm | A backward LSTM would *start* in the padding; the mask protects it.

# %% [markdown]
# ## Recap
#
# - Convolutions see a few frames, LSTMs the whole sentence. Two poolings leave one output every 40 ms.
# - CTC sums over all paths that read the text. The trellis makes that sum cheap.
# - CTC needs the utterance's own length, after pooling.
# - Nobody marks the letters. The network finds their places because they make the sum large.
#
# ## Further reading
#
# - [Graves and others (2006), CTC](https://www.cs.toronto.edu/~graves/icml_2006.pdf): the paper; you have now derived its first half.
# - [Hannun (2017), *Sequence Modeling with CTC*](https://distill.pub/2017/ctc/): the same idea, and what came after it.
# - [Olah (2015), *Understanding LSTM Networks*](https://colah.github.io/posts/2015-08-Understanding-LSTMs/): the cell, gate by gate.
# - [Hochreiter & Schmidhuber (1997), LSTM](https://doi.org/10.1162/neco.1997.9.8.1735): the paper.
# - [Amodei and others (2015), Deep Speech 2](https://arxiv.org/abs/1512.02595): our network's large ancestor.
#
# Next: [06 · Training](06_training.ipynb), from noise to sentences in a few minutes.
