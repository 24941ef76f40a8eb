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
# # 06 · Training
#
# You will train a network that has never heard speech until it writes down this sentence, on your own CPU. Then you
# will kill a training halfway, and lose nothing.

# %% jupyter={"source_hidden": true}
import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import replace

import keras
import numpy as np
import tensorflow as tf

from asr_helpers.batches import batches_per_epoch, load_speech, training_batches
from asr_helpers.corpus import data_dir
from asr_helpers.recognizer import Recognizer
from asr_helpers.show import plots
from asr_helpers.show.plots import live_curves
from asr_helpers.show.widgets import player
from asr_helpers.sound import features, read_audio
from asr_helpers.teaching import check
from asr_helpers.text import BLANK
from asr_helpers.training import PROFILES, new_model, train
from asr_helpers.words import greedy, score

# %% jupyter={"source_hidden": true}
PROFILE = os.environ.get("ASR_PROFILE", "fast")
RUNS = data_dir().parent / "runs"
places = {
    "workshop": ("LibriSpeech/train-clean-5", "LibriSpeech/dev-clean-2"),
    "full": ("LibriSpeech/train-clean-100", "LibriSpeech/dev-clean"),
    "ci": ("mini/dev-mini", "mini/dev-mini"),
}
folders = places.get(PROFILE, ("mini/train-mini", "mini/dev-mini"))
speech, valid = (load_speech(data_dir() / folder) for folder in folders)
plots.style()
clip = next((each for each in valid.utterances if each.text.startswith("EXPECT LIGHT SNOW")), valid.utterances[0])
player(read_audio(clip.path), clip.text.lower())

# %% [markdown] tags=["about"]
# | | |
# |---|---|
# | **Objectives** | write a training step · train a CRNN from scratch · read its curves and its mistakes · resume a killed run so that nobody can tell |
# | **Needs** | notebooks 04 and 05; no network, no GPU |
# | **Minutes** | ci: 1 · fast: 12 · workshop: about an hour on two cores (81 hours of audio) · full: days |

# %% [markdown]
# ## What does an untrained network say?
#
# In the profile `fast` we train on the embedded corpus: half an hour of harbour radio. (In `workshop` and `full` it is
# real speech, which `asr download` puts under data/LibriSpeech.) The network is that of notebook 05, with random
# weights. Ask it about the sentence above:

# %%
recipe = replace(PROFILES[PROFILE], intermediate_weight=0, smoothness_weight=0, consistency_weight=0)
recipe = replace(recipe, epochs=min(30, recipe.epochs))  # plain CTC; appendix A2 has what was set to 0
keras.utils.set_random_seed(1)
model = new_model(recipe)
logits = model(features(read_audio(clip.path))[None, ..., None])[0]
print(speech.summary(), valid.summary(), f"{model.count_params():,} parameters", sep="\n")
print("said  ", clip.text, "\nheard ", greedy(logits.numpy()))

# %% [markdown]
# Nonsense. Random weights happen to favour a few of the 29 outputs, for many frames in a row. Once the repeats are
# merged, little is left.
#
# ## One training step
#
# A step takes a batch, asks the network, and moves every weight a little in the direction that lowers the loss.
# `GradientTape` records the computation, and finds that direction, the *gradient*. If its length exceeds 1, it is
# shortened to 1 (*[clipping](https://arxiv.org/abs/1211.5063)*), so that one strange clip cannot ruin the weights.
# *Adam* chooses the size of each weight's move.


# %%
def training_step(model, optimizer, batch, targets):
    frames, labels = targets[:, 0], targets[:, 1:]  # each clip's own output frames; its characters, then -1
    length = tf.reduce_sum(tf.cast(labels >= 0, tf.int32), axis=1)
    with tf.GradientTape() as tape:
        logits = model(batch, training=True)
        losses = tf.nn.ctc_loss(tf.maximum(labels, 0), logits, length, frames, False, blank_index=BLANK)
        loss = tf.reduce_mean(losses / tf.cast(length, tf.float32))  # nats per character
    gradients = tape.gradient(loss, model.trainable_variables)
    gradients, norm = tf.clip_by_global_norm(gradients, 1)
    optimizer.apply(gradients, model.trainable_variables)
    return float(loss), float(norm)


# %% [markdown]
# `frames` and `length` keep the padding out of the loss. Is this what Keras does? Take three steps by hand, and the
# same three with `fit`, on a twin with the same weights and the same dropout. If a gradient, the clipping or Adam
# differed, the second loss or the third would.

# %%
keras.utils.set_random_seed(1)
twin, adam, by_hand = new_model(recipe), keras.optimizers.Adam(recipe.learning_rate), []
batches = training_batches(speech, recipe.batch_seconds, 0, recipe.augmenter, recipe.spec_augment)
for batch, targets in batches.take(3):
    loss, norm = training_step(model, adam, batch, targets)
    theirs = twin.fit(batch, targets, batch_size=len(batch), shuffle=False, verbose=0).history["loss"][0]
    print(f"loss by hand {loss:.4f}, by fit {theirs:.4f}; the gradient's length was {norm:.1f}")
    np.testing.assert_allclose(loss, theirs, rtol=1e-3)
    by_hand.append(loss)

# %% [markdown]
# ## Train
#
# All the rest is repetition. `train` takes such steps, with a learning rate that rises at first and falls in the end.
# After each epoch it measures loss, word error rate (WER) and character error rate (CER) on clean validation speech.
# After every fifth epoch it prints a line, and one sentence as said and as heard. Watch the words come.

# %%
run, first = RUNS / f"06-{PROFILE}", []
shutil.rmtree(run, ignore_errors=True)
note = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: first.append(logs["loss"]))
print(batches_per_epoch(speech, recipe.batch_seconds), "steps an epoch")
history = train(speech, valid, run, recipe, sentences=1, every=5, callbacks=[live_curves(run), note])
_ = plots.save(plots.learning_curves(history), "06_curves")

# %% [markdown]
# The first step of `train` was our first step by hand:

# %%
np.testing.assert_allclose(first[0], by_hand[0], rtol=2e-3)
print(f"{first[0]:.4f} and {by_hand[0]:.4f}")

# %% [markdown]
# Look at the sentences again, from top to bottom. First come the frequent letters, then words as they sound, then
# words as they are spelt.
#
# Why is the training loss above the validation loss? Because training speech is stretched, noisy and masked, and
# dropout switches a tenth of the network off. Validation speech is clean, and the whole network listens.
#
# ## What was learned?
#
# The validation speech chose the checkpoint, so it can't be the judge. Use speech that played no part in training. One
# of its voices the network has never heard at all.

# %%
test = load_speech(data_dir() / "mini" / "test-mini")
recognizer = Recognizer.load(run / "best.keras")
heard = [recognizer.transcribe(read_audio(each.path), greedy) for each in test.utterances]
result = score([each.text for each in test.utterances], heard)
print(f"test-mini: WER {result['wer']:.1%}, 95 % interval {result['wer_ci95'][0]:.1%} to {result['wer_ci95'][1]:.1%}")

# %%
for each, text in list(zip(test.utterances, heard, strict=True))[::19]:
    print(f"said  {each.text}\nheard {text}\n")

# %%
known = {each.speaker for each in speech.utterances}
for name, inside in (("voices of the training", True), ("the voice never heard", False)):
    pairs = [(c.text, text) for c, text in zip(test.utterances, heard, strict=True) if (c.speaker in known) == inside]
    if pairs:
        part = score(*map(list, zip(*pairs, strict=True)))
        low, high = part["wer_ci95"]
        print(f"{name}: WER {part['wer']:.1%} ({low:.1%} to {high:.1%}) on {len(pairs)} sentences")

# %% [markdown]
# The new voice has far more errors than new sentences from known voices. But it is a single voice; another might have
# more, or fewer.
#
# ## What is on disk?

# %%
for path in sorted(run.iterdir()):
    print(f"{path.name:18s} {path.stat().st_size / 1e6:6.2f} MB")

# %% [markdown]
# `best.keras` is the model to keep: the epoch with the lowest validation WER, in stock Keras layers, without the
# optimizer. The other checkpoint includes the optimizer. `state.json` holds what Keras's checkpoints leave out: the
# best WER so far, and the state of dropout's random numbers. Each file is written under another name and then renamed
# (an *atomic write*), so a kill never leaves half a file.
#
# ## Break it: too small, too large
#
# Three networks:
#
# - *too small*: eight LSTM units and a dozen filters, on all the training speech, with nothing to hold it back;
# - *too large*: the network from above on two and a half minutes of speech, with nothing to hold it back;
# - *held back*: the same on the same, with augmentation and more dropout.
#
# Before you scroll: which pairs of losses, training and validation, will diverge?

# %%
bare = replace(recipe, dropout=0.0, augmenter=None, spec_augment=None)
too_small = replace(bare, lstm_layers=1, lstm_units=8, filters=(4, 8))  # as many epochs as the run above
too_large = replace(bare, epochs=min(20, recipe.epochs))
held_back = replace(recipe, epochs=too_large.epochs, dropout=0.3)

# %%
little = load_speech(data_dir() / "mini" / "dev-mini")
curves = {}
for name, changed, taught, judge in (
    ("too small", too_small, speech, valid),
    ("too large", too_large, little, test),
    ("held back", held_back, little, test),
):
    folder = RUNS / f"06-{name.replace(' ', '-')}"
    shutil.rmtree(folder, ignore_errors=True)
    print(f"{name}:")
    curves[name] = train(taught, judge, folder, changed, sentences=0, every=10)

# %% jupyter={"source_hidden": true}
alt = (
    "too small: both losses stay high and together; too large: training falls to 0, validation climbs; held back: less"
)
take_away = "Underfitting: both losses stay high. Overfitting: they part. Dotted: the network trained above."
figure, axes = plots.new(1, 3, (8, 3.2), alt, take_away, sharey=True)
for ax, (name, rows) in zip(axes, curves.items(), strict=True):
    for key, label in (("loss", "training"), ("val_loss", "validation")):
        ax.plot(range(1, len(rows) + 1), [row[key] for row in rows], linewidth=2.5, label=label)
    ax.set_title(name, fontsize=13)
    ax.set_xlabel("epoch", fontsize=12)
axes[0].plot([row["loss"] for row in history], ":", color=plots.GREY, linewidth=2.5, label="training,\nharbour network")
axes[0].set_ylabel("nats per character", fontsize=12)
axes[0].set_ylim(0, None)
axes[0].legend(fontsize=11)
plots.save(figure, "06_too_small_too_large")

# %%
small_end, large_end = curves["too small"][-1], history[-1]
print(f"training loss after {len(history)} epochs of the same speech: {small_end['loss']:.2f} with 8 units, ", end="")
print(f"{large_end['loss']:.2f} in the run above, though its speech is augmented")

# %% [markdown]
# - **Underfitting**: the two losses stay close together, and high. Is it the size, or the time? Both runs took the
#   same number of epochs on the same speech, and the small network had the easier task. So at this length of training
#   it is the size. Give it more units. (More epochs would lower its loss further; how far, we did not measure.)
# - **Overfitting**: the training loss goes to nothing, while the validation loss turns and climbs. The network is large
#   enough to learn the sentences by heart, and does. Give it more speech. If there is none, change what there is
#   (notebook 03) and add dropout: the third network never hears the same sound twice. Or stop at the turn: `best.keras`
#   is that stop.
#
# So look at two things: the *gap* between the losses, and the height of the training loss.
#
# ## Break it: kill the run
#
# First a small training in one go, for comparison (always the `ci` recipe, on the smallest subset):

# %%
small = replace(PROFILES["ci"], epochs=6)
corpus = data_dir() / "mini" / "dev-mini"
tiny = load_speech(corpus)
for name in ("06-whole", "06-killed"):
    shutil.rmtree(RUNS / name, ignore_errors=True)
whole = train(tiny, tiny, RUNS / "06-whole", small, sentences=0, every=3)

# %% [markdown]
# Now the same as a separate process, from the command line, as you would leave it overnight. When two epochs are on
# disk and the third is under way, it gets SIGKILL: no warning, no chance to save anything.

# %%
killed = RUNS / "06-killed"
command = ["train", "--train", str(corpus), "--valid", str(corpus), "--run", str(killed), "--epochs", "6"]


def epochs_done():
    state = killed / "state.json"
    return len(json.loads(state.read_text())["history"]) if state.exists() else 0


# %%
process = subprocess.Popen(
    [sys.executable, "-m", "asr_helpers", *command],
    cwd=data_dir().parent,
    env=os.environ | {"ASR_PROFILE": "ci"},
    stdout=subprocess.DEVNULL,
    stderr=subprocess.DEVNULL,
)
while epochs_done() < 2 and process.poll() is None:
    time.sleep(0.02)
time.sleep(0.2)
process.kill()
print("ended by signal", -process.wait(), "with", epochs_done(), "of 6 epochs on disk")

# %% [markdown]
# Now resume it, here in the notebook. `asr train … --resume` would do the same.

# %%
before = epochs_done()
resumed = train(tiny, tiny, killed, small, resume=True, sentences=0, every=3)
np.testing.assert_allclose([row["loss"] for row in resumed], [row["loss"] for row in whole], rtol=2e-3)

# %% jupyter={"source_hidden": true}
epochs = np.arange(1, 7)
alt = "the losses of the killed and resumed run, as points, lie on the curve of the unbroken run"
take_away = "The resumed run continues on the curve of the unbroken one."
figure, axes = plots.new(1, 2, (8, 3.2), alt, take_away)
for ax, key, name in zip(axes, ("loss", "val_loss"), ("training", "validation"), strict=True):
    values = np.array([row[key] for row in resumed])
    ax.plot(epochs, [row[key] for row in whole], color=plots.GREY, linewidth=9, alpha=0.4, label="unbroken")
    ax.plot(epochs[:before], values[:before], "o-", color=plots.ORANGE, label="until the kill", markersize=8)
    ax.plot(epochs[before:], values[before:], "o-", color=plots.BLUE, label="resumed", markersize=8)
    ax.axvline(before + 0.5, color=plots.GREY, linestyle=":")
    ax.set_title(f"{name} loss (dotted: SIGKILL)", fontsize=12)
    ax.set_xlabel("epoch", fontsize=12)
axes[0].set_ylabel("nats per character", fontsize=12)
axes[0].legend(fontsize=11)
plots.save(figure, "06_killed")

# %% [markdown]
# The kill destroyed part of an epoch. That epoch was trained again, on the same clips in the same order with the same
# noise, because all of these are drawn from (seed, epoch, index). Without the saved state, dropout would begin again:
# a different run, and nobody would know.
#
# [Appendix A2](A2_training_log.ipynb) reads the log of a real run, the one behind the recogniser of notebook 00: its
# learning rate, its helpers, and what each trick and each hour of speech bought.
#
# ## Exercises
#
# Write into the empty cells and let `check` judge: it says what is right, and gives a hint where something is not.
# [All of them solved](../notebooks/solutions/06_training.ipynb).

# %% [markdown] tags=["exercise"]
# ### Exercise 06.1 · Nothing but the speech
#
# *medium · 10 minutes*
#
# Train `small` on `tiny` once more, for six epochs as in `whole`, but with neither augmentation nor masks, in a new
# folder. First guess: will the gap, validation loss less training loss after the last epoch, be wider or narrower than
# in `whole`? `answer` is the run's folder.

# %% tags=["solution"]
answer = RUNS / "06-bare"
shutil.rmtree(answer, ignore_errors=True)
unchanged = replace(small, augmenter=None, spec_augment=None)
plain = train(tiny, tiny, answer, unchanged, sentences=0, every=3)
for name, rows in (("with augmentation", whole), ("without", plain)):
    print(f"{name}: gap {rows[-1]['val_loss'] - rows[-1]['loss']:+.2f}")

# %% tags=["check"]
check("06.1", answer)

# %% [markdown] tags=["exercise"]
# ### Exercise 06.2 · Which epoch to keep?
#
# *easy · 5 minutes*
#
# Write a function that takes a history, as `train` returns it, and returns the number of the epoch whose weights you
# would keep. Each row has the keys `epoch`, `loss`, `val_loss`, `val_wer` and `val_cer`. `answer` is the function. A
# start: `def answer(history): return history[-1]["epoch"]`.


# %% tags=["solution"]
def answer(history):
    return min(history, key=lambda row: row["val_wer"])["epoch"]


print("kept above: epoch", answer(history), "of", len(history))

# %% tags=["check"]
check("06.2", answer)

# %% [markdown] tags=["exercise"]
# ### Exercise 06.3 · Clip it yourself
#
# *medium · 8 minutes*
#
# Write what `tf.clip_by_global_norm` does: a function of a list of NumPy arrays, the gradients of all weights, and a
# bound. It returns the arrays, shortened so that the length of all of them *together* is at most the bound. Their
# common direction must not change. `answer` is the function.


# %% tags=["solution"]
def answer(gradients, bound):
    norm = np.sqrt(sum(np.sum(each**2) for each in gradients))
    return [each * min(1, bound / norm) for each in gradients]


print(answer([np.array([3.0, 0.0]), np.array([4.0])], 1))

# %% tags=["check"]
check("06.3", answer)

# %% [markdown]
# ### Open task · One change
#
# *30 minutes, most of them training, alone or in pairs*
#
# Change *one* thing in the recipe of "Train": the learning rate, the dropout, the masks, the filters. Train it twice,
# with `seed=0` and `seed=1`, and the unchanged recipe with `seed=1`. A good answer has four parts:
#
# | | |
# |---|---|
# | **a forecast** | what will happen to both losses and to the WER, and why, written down before the run |
# | **a fair test** | the same number of epochs, and the WER on `test`, not on the speech that chose the checkpoint |
# | **luck** | how much two seeds of the same recipe differ, beside the difference between the recipes |
# | **a limit** | what your runs do *not* show |

# %% [markdown] tags=["quiz"]
# ## Quiz
#
# **1. The training loss falls, the validation loss climbs. What is it?**
#
# - [ ] underfitting | Then both would stay high.
# - [x] overfitting | The network learns the training speech by heart.
# - [ ] a learning rate that is too low | Then both would fall, slowly.
#
# **2. Both losses are close together and stay high. What helps?**
#
# - [ ] more augmentation | It makes a task that is already too hard still harder.
# - [ ] stopping earlier | There is no better epoch to go back to.
# - [x] a larger network, or more time | Either the network or the run is too small; a run with more of one shows which.
#
# **3. Why does the learning rate begin low?**
#
# - [x] the first gradients of random weights are large and erratic | Large steps in a poor direction are hard to undo.
# - [ ] so that the first epoch is not overfitted | Nothing is learned yet that could be.
# - [ ] so that the clipping has less to do | Clipping looks at the gradient, whatever the learning rate.
#
# **4. Why is the training loss above the validation loss here?**
#
# - [ ] the validation speech was part of the training | In `fast` it was not: the two subsets share no clip.
# - [x] training speech is augmented, and dropout is on | Validation speech is clean, and the whole network listens.
# - [ ] it is always so | Without augmentation and dropout it is the other way round.
#
# **5. Which weights are kept?**
#
# - [ ] those after the last epoch | They may have passed the best place.
# - [ ] those with the lowest training loss | They know the training speech best, which is not the aim.
# - [x] those with the lowest word error rate on validation speech | It is what the user will notice, on speech that was not trained on.

# %% [markdown]
# ## Recap
#
# - A step: tape, masked CTC, clipped gradients, Adam. Training repeats it.
# - Read the sentences, not only the curves.
# - The gap between the losses shows overfitting; two high losses show a network that is too small, or a run too short.
# - A run that can be killed at any moment is one that you can trust overnight.
# - From here: `ASR_PROFILE=workshop` for Mini LibriSpeech, `full` for train-clean-100.
#
# ## Further reading
#
# - [Karpathy (2019), *A Recipe for Training Neural Networks*](https://karpathy.github.io/2019/04/25/recipe/): how to look for what is wrong, and in which order.
# - [*Deep Learning Tuning Playbook*](https://github.com/google-research/tuning_playbook): what to try next, and how to know that it helped.
# - [Kingma & Ba (2014), Adam](https://arxiv.org/abs/1412.6980): the optimizer used here.
# - [Pascanu and others (2013)](https://arxiv.org/abs/1211.5063): why gradients explode, and clipping.
# - [Srivastava and others (2014), dropout](https://jmlr.org/papers/v15/srivastava14a.html): why switching off a tenth helps.
#
# Next: [07 · Decoding](07_decoding.ipynb), from frames to words.
