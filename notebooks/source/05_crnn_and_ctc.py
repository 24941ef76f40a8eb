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

from asr_helpers import plots
from asr_helpers.corpus import data_dir, load_corpus, read_audio
from asr_helpers.ctc import ctc_loss, lattice, log_likelihood, pack_targets
from asr_helpers.decoding import collapse, greedy
from asr_helpers.features import features
from asr_helpers.model import build_model, output_frames
from asr_helpers.text import ALPHABET, BLANK, decode, encode, min_frames

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
    layer
    for layer in model.layers
    if layer.count_params() or (layer.name.startswith("conv") and "pool" in layer.name)
]
for layer in main:
    shape = tuple(size or "·" for size in layer.output.shape)
    print(f"{layer.name:12s} {type(layer).__name__:20s} {shape!s:18s} {layer.count_params():>9,}")
print(f"{model.count_params():,} parameters")

# %%
figure, ax = plots.new(size=(8, 2.2), alt="bars: parameters of each layer; the first LSTM holds most")
counts = {layer.name: layer.count_params() for layer in main if layer.count_params() > 500}
ax.bar(list(counts), np.array(list(counts.values())) / 1e3, color=plots.BLUE)
ax.set(ylabel="parameters (thousands)", title="where the parameters are")
plots.save(figure, "05_parameters")

# %% [markdown]
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
    name: np.abs(part(poked) - part(noise))[0].max(-1)
    for name, part in (("convolutions", columns), ("all", model))
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
# Take three symbols and four frames: 81 paths, each with a probability. What the text is worth is the sum over
# the paths that spell it.

# %%
symbols = "AT–"
table = np.random.default_rng(4).dirichlet(np.ones(3), size=4)  # (frames, symbols), rows sum to 1
paths = list(itertools.product(range(3), repeat=4))
worth = {}
for path in paths:
    text = read([symbols[k] for k in path])
    worth[text] = worth.get(text, 0) + np.prod([table[t, k] for t, k in enumerate(path)])
print({text: round(float(p), 3) for text, p in sorted(worth.items(), key=lambda item: -item[1])[:6]})

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


# %%
for text in ("AT", "TA", "TT"):
    ours = forward(table, [symbols.index(letter) for letter in text], blank=2)
    helper = np.exp(
        log_likelihood(np.log(table), np.array([symbols.index(letter) for letter in text]), blank=2)
    )
    assert np.isclose(ours, worth[text]) and np.isclose(helper, worth[text])
    print(
        text,
        f"{ours:.6f}",
        "is the sum over",
        sum(read([symbols[k] for k in path]) == text for path in paths),
        "paths",
    )

# %% [markdown]
# The helper does the same with logarithms, because 300 factors below one underflow. And the loss that trains the
# network is minus that logarithm. Is TensorFlow's the same number?

# %%
labels = encode(clip.text)
log_probs = tf.nn.log_softmax(logits[0]).numpy()
target = pack_targets([labels], [len(log_probs)])
print(
    "TensorFlow:",
    float(ctc_loss(target, logits)[0]),
    "· lattice:",
    -log_likelihood(log_probs, labels) / len(labels),
)

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
# This small network holds its letters; ones trained for longer on more speech end in narrow spikes among blanks.

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
last = int(np.argmax(together[:, states - 2])) + 4
plots.save(
    plots.ctc_lattice(together[:last, :states], said, title=f"the word {said} of “{clip.text}”"), "05_lattice"
)

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
# With fewer frames than letters no path exists: the probability is 0 and the loss infinite. Some implementations
# return that infinity, which ruins every weight at the next step; TensorFlow's sparse loss stops the training.

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
# One such pair in 28 539 utterances is enough. `min_frames` tells beforehand, and the pipeline leaves the pair out.
#
# ## Break it: the wrong blank
#
# Keras's own CTC loss takes class 0 as the blank, PyTorch's does by default, TensorFlow's takes the last if told
# so. Mixed up, training runs without complaint, towards something else. And in decoding, the symbol that is taken
# for the blank vanishes (here the spaces), while the real blank is printed:

# %%
wrong = tf.nn.ctc_loss(
    labels[None], in_batch, [len(labels)], [output_frames(len(spectrogram))], False, blank_index=0
)
print("loss with blank 0:", float(wrong[0]) / len(labels))
shown = [k for k, _ in itertools.groupby(best) if k != 0]
print("decoded with blank 0:", "".join((ALPHABET + "_")[k] for k in shown)[:60])

# %% [markdown]
# ## Exercises
#
# 1. How many of the 81 paths spell nothing at all, and how probable is that? Guess first.
# 2. Give `forward` the labels of TT with only two frames. Why is the result 0?
# 3. Which letters of the clip are the least certain? Use `log_probs`.

# %% tags=["solution"]
nothing = [path for path in paths if not read([symbols[k] for k in path])]
print(
    len(nothing),
    "path, probability",
    round(float(worth[""]), 4),
    "· TT in two frames:",
    forward(table[:2], [1, 1], 2),
)

# %% tags=["solution"]
starts = [t for t in range(len(best)) if best[t] != BLANK and (t == 0 or best[t] != best[t - 1])]
for t in sorted(starts, key=lambda t: log_probs[t].max())[:3]:
    print(f"{decode([best[t]])!r} at {t * 0.04:.2f} s: {np.exp(log_probs[t].max()):.2f}")
assert collapse(best) == [best[t] for t in starts]

# %% [markdown]
# ## Recap
#
# - Convolutions see a few frames, LSTMs the whole sentence; two poolings leave one output every 40 ms.
# - CTC sums over every alignment that spells the text; the forward pass makes that sum cheap.
# - The length it is given is the utterance's own, after pooling.
# - Where the letters fall, the network finds out by itself: that is the alignment nobody drew.
#
# Next: [06 · Training](06_training.ipynb), from noise to sentences in a few minutes.
