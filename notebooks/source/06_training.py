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
# You will watch a network that has never heard speech learn to write it down, from random weights, on your own
# CPU, and kill the training halfway to see that nothing is lost.
#
# | | |
# |---|---|
# | **Objectives** | train a CRNN from scratch · read its curves and its mistakes · know what each callback is for · resume a killed run so that nobody can tell |
# | **Needs** | notebooks 04 and 05; no network, no GPU |
# | **Minutes** | ci: 1 · fast: 10 · workshop: about an hour on two cores (81 hours of audio; the real run below did 94 seconds of audio per second) · full: days |

# %%
import csv
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

from asr_helpers.batches import Splicer, batches_per_epoch, cut_speech, join, load_speech, training_batches
from asr_helpers.corpus import data_dir
from asr_helpers.network import ctc_loss, disagreement, pack_targets, peakiness
from asr_helpers.recognizer import Recognizer, shipped_model

# %%
from asr_helpers.show import plots
from asr_helpers.show.plots import live_curves
from asr_helpers.show.widgets import player
from asr_helpers.sound import FILL, SAMPLE_RATE, read_audio
from asr_helpers.teaching import check
from asr_helpers.text import decode
from asr_helpers.training import PROFILES, WarmUpAndDecay, new_model, train
from asr_helpers.words import ErrorRate, greedy, paired_difference, score

PROFILE = os.environ.get("ASR_PROFILE", "fast")
RUNS = data_dir().parent / "runs"
plots.style()
print("profile", PROFILE, "· Keras", keras.__version__)

# %% [markdown]
# ## What will be learned from what?
#
# In the fast profile, the embedded corpus: half an hour of harbour radio. In `workshop` and `full`, real speech
# that `asr download` has put under data/LibriSpeech.

# %%
places = {
    "workshop": ("LibriSpeech/train-clean-5", "LibriSpeech/dev-clean-2"),
    "full": ("LibriSpeech/train-clean-100", "LibriSpeech/dev-clean"),
    "ci": ("mini/dev-mini", "mini/dev-mini"),
}
folders = places.get(PROFILE, ("mini/train-mini", "mini/dev-mini"))
speech, valid = (load_speech(data_dir() / folder) for folder in folders)
print(speech.summary(), valid.summary(), sep="\n")

# %% [markdown]
# ## What does an untrained network say?

# %%
profile = PROFILES[PROFILE]
model = new_model(profile)
print(f"{model.count_params():,} parameters;", batches_per_epoch(speech, profile.batch_seconds), "steps an epoch")

# %% [markdown]
# ## How fast should it learn?
#
# The first steps of a random network are wild, so the learning rate warms up. The last ones should only polish,
# so it decays. In between it stays as high as training bears. And no step is longer than a bound: where the gradient of a
# batch exceeds length 1, it is shortened to 1 (*[clipping](https://arxiv.org/abs/1211.5063)*), so that one strange clip cannot throw the weights away.

# %%
steps = 1000
rates = [profile.learning_rate * max(0.002, min(1, (s / steps + 1e-3) * 20, (1 - s / steps) * 2)) for s in range(steps)]
figure, ax = plots.new(size=(8, 1.8), alt="learning rate over the run: a short rise, a plateau, a linear fall")
ax.plot(np.arange(steps) / steps * 100, rates)
ax.set(xlabel="share of the run (%)", ylabel="learning rate", ylim=(0, None))
figure

# %% [markdown]
# Is that what the callback does? Ask it.

# %%
watched = WarmUpAndDecay(profile.learning_rate, steps)
watched.set_model(model)
for step in (0, 200, 900):
    model.optimizer.iterations.assign(step)
    watched.on_train_batch_begin(0)
    assert np.isclose(float(model.optimizer.learning_rate), rates[step])

# %% [markdown]
# If you do not know beforehand how long you will train, `Profile(reduce_on_plateau=True)` uses Keras's ReduceLROnPlateau
# instead: it halves the rate when the validation loss has not fallen for two epochs.
#
# ## Who works between two epochs?
#
# Keras calls its callbacks one after the other, and the order matters: each may read what those before it wrote into
# the logs.
#
# | Callback | After each epoch | Why there |
# |---|---|---|
# | `WeightAverage` | the mean of the weights that the last epochs ended with (two in `workshop`, five in `full`) | first: it is what is measured and kept |
# | `WordErrorRate` | loss, WER and CER on validation speech | all others watch its figures |
# | `WarmUpAndDecay` or `ReduceLROnPlateau` | the learning rate | needs the validation loss |
# | `RunFolder` | `best.keras` where the WER fell, and all that a resumed run needs | must know the rate's patience |
# | `Progress` | a line and a few sentences | once an epoch is safe on disk |
# | your own, such as `live_curves` | the curves, redrawn in place | reads what `RunFolder` wrote |
#
# ## What helps where there is little speech?
#
# `fast` and `full` minimise more than the CTC loss. What helps them is thrown away afterwards.
#
# **A second output** reads the LSTM below the last, and must spell the same text
# ([Lee & Watanabe, 2021](https://arxiv.org/abs/2102.03216)). Three tenths of the loss are its. So the lower layers are
# told directly what they are for.
#
# **Smoothing**. CTC says a letter in one frame, and is surer of it than it is right. Here each frame is drawn towards the
# mean of itself and its two neighbours ([Yao et al., 2024](https://arxiv.org/abs/2410.05101)). How far is it from there?
# That is the divergence between the two, summed over the frames and divided by the number of letters:

# %%
spike = np.full((9, 29), -3.0, np.float32)
spike[:, 28] = 4  # the blank, nine frames long, but for an A in the middle
spike[4, [2, 28]] = 5, -3
before = np.exp(spike) / np.exp(spike).sum(1, keepdims=True)
mean = (before[:-2] + 2 * before[1:-1] + before[2:]) / 4
divergence = np.sum(mean * np.log(mean / before[1:-1]))
targets = pack_targets([np.array([2])], [9])  # the A has number 2
assert np.isclose(divergence, peakiness(targets, spike[None])[0], rtol=1e-3)

# %% [markdown]
# And what does it do to a letter? One A in nine frames, learned by three hundred steps downhill: by CTC alone, and with
# a fifth of this added.

# %%
hint = np.zeros((1, 9, 29), np.float32)
hint[0, :, 2] = np.exp(-(((np.arange(9) - 4) / 1.5) ** 2))  # the A is more likely in the middle, to begin with
learned = {}
for share in (0, 0.2):
    logits = tf.Variable(hint)
    for _ in range(300):
        with tf.GradientTape() as tape:
            loss = ctc_loss(targets, logits) + share * peakiness(targets, logits)
        logits.assign_sub(tape.gradient(loss, logits))
    learned[share] = tf.nn.softmax(logits[0]).numpy()[:, 2]

# %%
alt = "probability of the letter A in nine frames: by CTC alone all or nothing, with smoothing a hill with slopes"
figure, ax = plots.new(size=(7, 2), alt=alt)
ax.plot(learned[0], "s--", color=plots.GREY, label="CTC alone")
ax.plot(learned[0.2], "o-", color=plots.BLUE, label="with smoothing")
ax.set(xlabel="frame of 40 ms", ylabel="probability of A", ylim=(0, 1.05))
ax.legend(loc="upper left")
plots.save(figure, "06_smoothing")

# %% [markdown]
# CTC alone is all or nothing; smoothed, a letter has slopes, and a frame in doubt may say so. `fast` takes it, for it
# spares a voice that was never heard some errors; `full` does not: see the ladder below.
#
# **Two views**, in `full` only. Each clip stands in the batch twice, under different masks
# ([the same paper](https://arxiv.org/abs/2410.05101)). Where one view is masked, the other can hear, and the first learns
# to guess what the second knows: each frame is drawn towards the other view's answer. Half of each pair is extra work,
# so an epoch takes twice as long. It pays where the same speech is heard so often that the network knows it by heart.
# One clip in two views (white: masked), and what the shipped model makes of each:

# %%
views = training_batches(valid, 40, spec_augment=PROFILES["full"].spec_augment, views=2)
features, both_targets = (array.numpy() for array in next(iter(views)))
pair = [0, len(features) // 2]  # the first clip, and the same clip in the batch's second half
shipped = keras.saving.load_model(data_dir() / "models" / "crnn.keras")
answers = shipped(features[pair]).numpy()
alt = "two spectrograms of one sentence, bands of time and of frequency masked in each, at different places"
figure, axes = plots.new(2, 1, size=(8, 3.8), alt=alt, sharex=True)
length = 4 * both_targets[0, 0]  # frames without the batch's padding
for ax, view, answer in zip(axes, features[pair, :length, :, 0], answers, strict=True):
    plots.spectrogram(np.where(view == FILL, np.nan, view), ax, f"heard: {greedy(answer)}", unit="normalised")
axes[0].set_xlabel("")
apart = disagreement(both_targets[pair], answers)[0]
print(f"said:  {decode(both_targets[0, 1:][both_targets[0, 1:] >= 0])}")
print(f"The first view's answer is {apart:.2f} nats a character away from the other's.")
figure

# %% [markdown]
# What the first two helpers buy is
# measured where it matters, on a voice that was kept out of the training (`python benchmarks/unheard_voice.py`):

# %%
unheard = json.loads((data_dir().parent / "benchmarks" / "unheard_voice.json").read_text())
for row in unheard["runs"]:
    print(f"{row['run']:14s} WER on voice {unheard['voice']}, never heard: {row['unheard_wer']:.1%}; ", end="")
    print(f"on the others: {row['heard_wer']:.1%}")

# %% [markdown]
# ## Train
#
# Every fifth epoch ends with a line: the loss on augmented training speech, and loss, word error rate (WER) and character
# error rate (CER) on clean validation speech; then one sentence, as it was said and as the network heard it.
# Watch the words come.

# %%
run = RUNS / f"06-{PROFILE}"
shutil.rmtree(run, ignore_errors=True)
history = train(speech, valid, run, profile, sentences=1, every=5, callbacks=[live_curves(run)])

# %%
plots.save(plots.learning_curves(history), "06_curves")

# %% [markdown]
# Why is the training loss above the validation loss? Because training speech is stretched, noisy and masked, and
# dropout switches a tenth of the network off while it is measured.
#
# ## What was learned?
#
# On speech that was neither trained on nor used to choose the checkpoint. One of these voices was never heard in
# training.

# %%
test = load_speech(data_dir() / "mini" / "test-mini")
recognizer = Recognizer.load(run / "best.keras")
heard = [recognizer.transcribe(read_audio(clip.path), greedy) for clip in test.utterances]
result = score([clip.text for clip in test.utterances], heard)
print(f"test-mini: WER {result['wer']:.1%}, 95 % interval {result['wer_ci95'][0]:.1%} to {result['wer_ci95'][1]:.1%}")

# %%
for clip, text in list(zip(test.utterances, heard, strict=True))[::19]:
    print(f"said  {clip.text}\nheard {text}\n")

# %%
voices = sorted({clip.speaker for clip in test.utterances})
new_voice = [voice for voice in voices if voice not in {clip.speaker for clip in speech.utterances}]
for name, kept in (("voices of the training", set(voices) - set(new_voice)), ("the voice never heard", set(new_voice))):
    pairs = [(clip.text, text) for clip, text in zip(test.utterances, heard, strict=True) if clip.speaker in kept]
    if pairs:
        print(f"{name}: WER {score(*map(list, zip(*pairs, strict=True)))['wer']:.1%} on {len(pairs)} sentences")

# %% [markdown]
# ## What is on disk?

# %%
for path in sorted(run.iterdir()):
    print(f"{path.name:18s} {path.stat().st_size / 1e6:6.2f} MB")

# %% [markdown]
# `best.keras` is the model to keep: stock Keras layers, no optimizer. The other checkpoint has the optimizer too,
# and `state.json` holds what Keras's checkpoints leave out: the best so far, the patience of the plateau, and where
# dropout's random numbers stand. All are written under another name and renamed, so a kill leaves no half file.

# %% [markdown]
# ## Break it: too small, too large
#
# Three networks: eight LSTM units and a dozen filters on the whole of the training speech; the network from above on
# two and a half minutes of it, with nothing to hold it back; and the same on the same, with augmentation and more
# dropout. Before you look on: which losses will part, and which will not?

# %%
bare = replace(profile, dropout=0.0, augmenter=None, spec_augment=None, intermediate_weight=0, smoothness_weight=0)
too_small = replace(bare, epochs=min(8, profile.epochs), lstm_layers=1, lstm_units=8, filters=(4, 8))
too_large = replace(bare, epochs=min(20, profile.epochs))
held_back = replace(profile, epochs=too_large.epochs, dropout=0.3)

# %%
little = load_speech(data_dir() / "mini" / "dev-mini")
curves = {}
for name, recipe, taught, judge in (
    ("too small", too_small, speech, valid),
    ("too large", too_large, little, test),
    ("as large, held back", held_back, little, test),
):
    folder = RUNS / f"06-{name}".replace(", ", " ").replace(" ", "-")
    shutil.rmtree(folder, ignore_errors=True)
    print(f"{name}:")
    curves[name] = train(taught, judge, folder, recipe, sentences=0, every=5)

# %%
alt = "too small: both losses stay high; too large: training falls to nothing, validation climbs; held back: less"
figure, axes = plots.new(1, 3, (9, 2.8), alt, sharey=True)
for ax, (name, rows) in zip(axes, curves.items(), strict=True):
    for key, label in (("loss", "training"), ("val_loss", "validation")):
        ax.plot(range(1, len(rows) + 1), [row[key] for row in rows], "o-", markersize=3, label=label)
    ax.set(title=name, xlabel="epoch")
axes[0].set(ylabel="nats per character", ylim=(0, None))
axes[0].legend()
plots.save(figure, "06_too_small_too_large")

# %% [markdown]
# - **Underfitting**: the two losses lie on each other, and stay high. More speech of the same kind would change
#   little: the network has no room for what it hears. Give it more units.
# - **Overfitting**: the training loss goes to nothing, while the validation loss turns and climbs. The network has room to
#   learn the sentences by heart, and does. Give it more speech; if there is none, change what there is (notebook 03) and
#   add dropout: the third network never meets the same clip twice. Or stop at the turn: `best.keras` is that stop.
#
# In both cases the *gap* between the losses tells, and the height of the training loss which way to go.
#
# ## Break it: kill the run
#
# A small training in one go, for comparison. (Always the `ci` recipe, on the smallest subset.)

# %%
small = replace(PROFILES["ci"], epochs=6)
corpus = data_dir() / "mini" / "dev-mini"
tiny = load_speech(corpus)
for name in ("06-whole", "06-killed"):
    shutil.rmtree(RUNS / name, ignore_errors=True)
whole = train(tiny, tiny, RUNS / "06-whole", small, sentences=0, every=3)

# %% [markdown]
# Now the same as a process of its own, from the command line, as you would leave it overnight. When two epochs are on
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
# And on, here in the notebook. `asr train … --resume` would do the same.

# %%
before = epochs_done()
resumed = train(tiny, tiny, killed, small, resume=True, sentences=0, every=3)
np.testing.assert_allclose([row["loss"] for row in resumed], [row["loss"] for row in whole], rtol=2e-3)

# %%
epochs = np.arange(1, 7)
figure, axes = plots.new(1, 2, (9, 2.8), "the unbroken run's curve under the killed and resumed run's points")
for ax, key, name in zip(axes, ("loss", "val_loss"), ("training", "validation"), strict=True):
    values = np.array([row[key] for row in resumed])
    ax.plot(epochs, [row[key] for row in whole], color=plots.GREY, linewidth=7, alpha=0.4, label="unbroken")
    ax.plot(epochs[:before], values[:before], "o-", color=plots.ORANGE, label="until the kill")
    ax.plot(epochs[before:], values[before:], "o-", color=plots.BLUE, label="resumed")
    ax.axvline(before + 0.5, color=plots.GREY, linestyle=":")
    ax.set(title=f"{name} loss (dotted: SIGKILL)", xlabel="epoch", ylabel="nats per character")
axes[0].legend()
plots.save(figure, "06_killed")

# %% [markdown]
# The half epoch that the kill destroyed was trained again, on the same clips in the same order, with the same noise on
# them: all of that is drawn from (seed, epoch, index).
#
# Resuming without the state would start dropout and shuffling anew: a different run, and nobody would know.

# %% [markdown]
# ## The same, on twelve hours of real speech
#
# The recogniser of notebook 00 was trained by the same function, on people reading aloud
# ([its card](../data/README.md#the-shipped-models)). Its log lies beside it.

# %%
with open(data_dir() / "models" / "history.csv", newline="") as file:
    log = [{name: float(value or "nan") for name, value in row.items()} for row in csv.DictReader(file)]
PARTS = int(log[-1]["part"])

# %%
epochs = np.arange(1, len(log) + 1)
alt = "word error rate on real speech over the epochs, of each epoch and averaged; below, the learning rate"
figure, (above, below) = plots.new(2, 1, (9, 4), alt, sharex=True, height_ratios=(3, 1))
for name, label, colour in (("val_wer", "each epoch", plots.GREY), ("mean_wer", "mean of the last epochs", plots.BLUE)):
    rates = np.array([100 * row[name] for row in log])
    known = ~np.isnan(rates) | (name == "val_wer")  # in part 6 the mean was measured every third epoch
    above.plot(epochs[known], rates[known], ".-", color=colour, label=label)
below.plot(epochs, [row["learning_rate"] for row in log], color=plots.ORANGE)
for part in range(2, PARTS + 1):
    begin = sum(row["part"] < part for row in log) + 0.5
    above.text(begin, 100, f" {part}", va="top")
    for ax in (above, below):
        ax.axvline(begin, color=plots.GREY, linestyle=":")
above.set(ylabel="word error rate (%)", title="four speakers of dev-clean, greedy decoding")
above.legend()
below.set(xlabel="epoch", ylabel="learning rate", ylim=(0, None))
plots.save(figure, "06_real_speech")

# %% [markdown]
# The numbers above are those of the parts it was trained in. Part 2 begins with the weights of part 1, but less dropout
# and lighter masks: part 1 had been held back too hard for so short a run. On its own training speech it made nearly as
# many errors as on strangers': WER 51 % against 63 % (`asr evaluate part1/best.keras train-clean-5`).
#
# Follow the blue line, then the orange one. While the rate is high, every epoch ends somewhere near a good place, and
# the mean of five is nearer to it than any of them, for nothing. When the rate falls, the single epochs
# come down to the mean, pass it, and the mean only lags behind. So: average where you do not decay.
#
# By the end of part 2 the network knew its own twelve hours much better than strangers' speech. Part 3 goes on with all
# that helps where there is little speech, as above: two epochs with the second output and smoothed posteriors, then
# with two views and heavier masks. Part 4 leaves the smoothing out, because the ladder below found that it costs
# words, greedily read; mostly the mean alone was measured.
#
# Then it stood still. One more epoch like those before brought the loss on training speech to 0.43, and on strangers
# *up* to 0.67: it learned its sentences by heart. Part 5 gives it sentences that nobody ever said ("New sentences from
# old ones", next). Part 6 does the same on a GPU: 61 epochs in eleven minutes. Its first half was a mistake to learn
# from: with twice the masks and more dropout the training loss went beyond one nat, and five minutes brought the errors
# from 44.0 to 42.1 %; then the masks became as light as before while the rate fell, and the next five brought 37.9 %.
# (How much of that the masks bought and how much the rate, we did not measure.) Part 7 is four more epochs on two cores
# at a low rate; its end is what ships.

# %%
for part in range(1, PARTS + 1):
    last = [row for row in log if row["part"] == part][-1]
    print(
        f"after part {part}: loss on training speech {last['loss']:.2f} nats, on strangers {last['val_loss']:.2f}; "
        f"WER {np.nanmin([last['val_wer'], last['mean_wer']]):.1%}"
    )

# %% [markdown]
# ## New sentences from old ones
#
# Masks, noise and views change how a sentence sounds, and never which word follows which. A network of six million weights
# that hears twelve hours a hundred times comes to know the sentences. So let it hear sentences that nobody said: find
# where a reader pauses (forced alignment tells the gap between two words, as in notebook 07; the cut is where it is
# quietest, if it is quiet there), and let pieces change places with others *of the same reader*, the text with the sound:
# [splicing](../notebooks/GLOSSARY.md#splicing). The sense is gone. That is the point: what a word is, only its sound can tell.
#
# Here is the idea on the harbour radio, in the code that `asr train --splice MODEL` uses; MODEL is what aligns.

# %%
few = replace(valid, utterances=valid.utterances[:60])
cuts = cut_speech(Recognizer.load(shipped_model()).audio_log_probs, few, RUNS / f"06-{PROFILE}-cuts.json")
splicer = Splicer(cuts, few, probability=1.0)
clip = max(few.utterances, key=lambda utterance: len(cuts[utterance.id]))
old, new = splicer.pieces[clip.id], splicer.choose(clip, np.random.default_rng(29))

# %%
alt = "a clip's waveform cut at its pauses into phrases, and a new one, some phrases of which are from other clips"
figure, axes = plots.new(2, 1, size=(9, 3.6), alt=alt, sharex=True, sharey=True)
for ax, pieces, title in zip(axes, (old, new), ("said", "spliced"), strict=True):
    start = 0
    for piece in pieces:
        sound = read_audio(piece.path, piece.start, piece.end)
        seconds = (start + np.arange(len(sound))) / SAMPLE_RATE
        ax.plot(seconds, sound, linewidth=0.5, color=plots.BLUE if piece in old else plots.ORANGE)
        ax.text(seconds.mean(), 0.5, piece.text.lower(), ha="center", va="bottom", fontsize=8)
        ax.axvline(seconds[-1], color=plots.GREY, linestyle=":")
        start += len(sound)
    ax.set(ylabel=title, ylim=(-0.5, 0.7))
axes[1].set_xlabel("time (s); blue: this clip's own, orange: from the reader's other clips")
plots.save(figure, "06_splicing")

# %% [markdown]
# Cuts are faded over 5 ms, and still sound like cuts. Listen, and read along:

# %%
samples, text = join(new)
player(samples, text.lower())

# %% [markdown]
# Now a test of memory. The shipped model has heard the harbour radio in each of its epochs, and never spliced. Give it
# voices that it knows, in sentences as they were said, and spliced:

# %%
recognizer = Recognizer.load(shipped_model())
spliced = [splicer(each, read_audio(each.path), np.random.default_rng(4)) for each in few.utterances]
for name, clips in (
    ("as they were said", [(read_audio(each.path), each.text) for each in few.utterances]),
    ("spliced", spliced),
):
    heard = [recognizer.transcribe(samples) for samples, _ in clips]
    print(f"{name:18} WER {score([text for _, text in clips], heard)['wer']:5.1%}")

# %% [markdown]
# The same voices, the same words, yet several times as many are wrong. Some have lost an edge to a cut; for the rest, the
# sentence was what the network knew. Take it away, and what is left is what it hears.
#
# Is it worth anything? The ladder, next, has a run with it.
#
# ## The ladder: what each trick buys
#
# Take the network as it was after part 2, and two hours of people reading, always the same two. It trains on and hears eight
# hours of audio each time: the two hours four times over; or twice, where each clip is heard in two views. Only the
# recipe changes. That is an hour of two cores, so here it is drawn from the log that
# `python benchmarks/ladder.py tricks` wrote. The dots (…) stand for "SpecAugment, Augmenter"; the dotted lines for the
# network before.


# %%
def study(name):
    return json.loads((data_dir().parent / "benchmarks" / f"ladder_{name}.json").read_text())


tricks = study("tricks")
before, *rungs = tricks["runs"]
figure = plots.ladder(rungs, before)
plots.save(figure, "06_ladder")

# %%
print(f"{'said':26}                      {before['said'][1]}")
for run in [before, *rungs]:
    end = run.get("history", [{"loss": np.nan, "val_loss": np.nan}])[-1]
    gap = f"gap {end['val_loss'] - end['loss']:+.2f}" if run is not before else ""
    print(f"{run['run']:26} {gap:10} CER {run['greedy']['cer']:.1%}  {run['greedy']['heard'][1]}")

# %% [markdown]
# Look at the gap first. Without augmentation the network learns two hours by heart: the training loss is less
# than a sixth of the validation loss. Whatever changes what it hears closes the gap, and at the same time the validation loss falls: most
# where masks are heavy and two views must agree.
#
# Then the errors. All are a little above the dotted lines: the network came from twelve hours, and ten of them are
# missing now. Between the recipes there seems to be nothing. Is there? 282 sentences, the same for all: compare in pairs
# (notebook 08 explains the intervals), each with the third recipe.

# %%
third, lengths = rungs[2], np.array(tricks["words"])
alt = "difference in words wrong to the third recipe: greedy only smoothing stands out, for the worse; with a language model two views are best, and splicing and smoothing are good"
figure, ax = plots.new(size=(8, 3.6), alt=alt)
others = [run for run in rungs if run is not third]
kinds = {"greedy": ("greedy", -0.15, plots.GREEN), "lm": ("with the language model", 0.15, plots.BLUE)}
for decoder, (label, shift, colour) in kinds.items():
    for place, run in enumerate(others):
        pair = [ErrorRate(np.array(each[decoder]["errors"]), lengths) for each in (third, run)]
        points, (low, high) = paired_difference(*pair)
        ax.hlines(place + shift, 100 * low, 100 * high, color=colour, alpha=0.4, linewidth=4)
        ax.plot(100 * points, place + shift, "o", color=colour, label=None if place else label)

# %%
ax.axvline(0, color=plots.GREY, linestyle=":")
ax.set_yticks(range(len(others)), [run["run"] for run in others])
ax.invert_yaxis()
ax.set(xlabel="points of word error rate, and 95 % interval (left is better)")
ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))
plots.save(figure, "06_ladder_pairs")

# %% [markdown]
# For the greedy decoder, only one recipe stands clear of 0, to the wrong side: smoothing costs it two points. All else is
# within the luck of 282 sentences. Then read the blue dots. With the language model two views win three points, splicing
# nearly two, and smoothing, the loser, wins two: a network that is as sure as it can be of every letter leaves a language model nothing
# to choose from; one that admits where it hesitates is worth more to it. (Notebook 07's search reads both alike.) So
# which recipe is best depends on who reads what the network says.
#
# And heavy masks? Eight hours of audio are a short run, and the validation loss, which counts every letter, sees what
# words do not show yet. So with splicing, which closes the gap more than masks do. The recipe of `full` is heavy masks and
# two views; `--splice` comes to it when the speech is known by heart. Such ladders say what to try; only the
# long run says what it was worth.
#
# ## What more hours buy
#
# The same script gives the whole recipe a quarter, a half and all of the twelve hours (`python benchmarks/ladder.py
# hours`). Each run hears 48 hours of audio, a quarter of an hour's work: the quarter goes round four times as often as
# the whole.

# %%
hours = study("hours")["runs"]
figure = plots.ladder(hours)
plots.save(figure, "06_quarter_half_all")

# %% [markdown]
# Read the gap again. The quarter is learned better than what is new: a gap, small but there. With the half and the whole
# there is none, and the training loss is *higher*: the network has not even learned what it could. So the last doubling
# buys next to nothing, not because six hours were enough, but because a small network in a quarter of an hour is what
# holds it back now. More speech only helps one that has the size and the time to use it.
#
# Here are these runs on one axis with the recogniser of notebook 00 (the same twelve hours, five times the network, and
# many times the training), and with what others reached on five and on a hundred hours of the same kind of speech.

# %%
ours = [(run["hours"], 100 * run["history"][-1]["val_wer"]) for run in hours]
tuning = json.loads((data_dir().parent / "benchmarks" / "decoder_tuning.json").read_text())
larger = [100 * tuning["report"]["decoders"][name]["wer"] for name in ("greedy", "beam + LM")]
alone = [(12.1, larger[0], "notebook 00"), (100, 23.18, "SUPERB"), (100, 9.6, "ESPnet"), (100, 6.73, "icefall")]
helped = [(12.1, larger[1], "notebook 00"), (5, 6.84, "Kaldi"), (100, 18.97, "wav2letter"), (100, 15.21, "SUPERB")]

# %%
alt = "word error rate against hours of speech: the small network stays at 85, the larger comes to half, others to 7"
figure, ax = plots.new(size=(8, 4.2), alt=alt)
ax.plot(*zip(*ours, strict=True), "o-", label="small network, 48 hours heard")
for points, fill, label in ((alone, plots.ORANGE, "network alone"), (helped, "none", "with a language model")):
    hours, wer, _ = zip(*points, strict=True)
    ax.scatter(hours, wer, edgecolor=plots.ORANGE, facecolor=fill, label=label)
    for point in points:
        ax.annotate(point[2], point[:2], (6, -3), textcoords="offset points", fontsize=8)

# %%
ax.set(xscale="log", xlim=(2, 200), ylim=(0, 100), ylabel="word error rate (%)")
ax.set_xlabel("hours of transcribed speech")
ax.set_xticks([3, 6, 12, 25, 50, 100], ["3", "6", "12", "25", "50", "100"])
ax.minorticks_off()
ax.legend()
plots.save(figure, "06_hours")

# %% [markdown]
# Compare heights, not decimals: ours are measured on speakers of dev-clean, Kaldi's on dev-clean-2, the others' on
# test-clean. SUPERB's network is our nearest kin, two BiLSTM layers on log-mels with CTC. ESPnet's and icefall's hear all
# of a sentence at once (self-attention) and write pieces of words. And Kaldi on five hours? It is *told* what all others
# must learn: a dictionary of pronunciations, and an alignment for every frame. With little speech, that is worth more
# than any network.
#
# Where the numbers stand: [wav2letter's tutorial](https://github.com/flashlight/wav2letter/tree/main/tutorials/1-librispeech_clean),
# [SUPERB](https://arxiv.org/abs/2105.01051) (FBANK),
# [ESPnet](https://github.com/espnet/espnet/tree/master/egs2/librispeech_100/asr1) (E-Branchformer with CTC),
# [icefall](https://github.com/k2-fsa/icefall/blob/master/egs/librispeech/ASR/RESULTS-100hours.md) (without distillation),
# [Kaldi](https://github.com/kaldi-asr/kaldi/blob/master/egs/mini_librispeech/s5/local/chain/tuning/run_cnn_tdnn_1c.sh).
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
# Train the small network once more (`small` on `tiny`, as the unbroken run `whole` above), without augmentation. How does
# the gap change, the validation loss less the training loss after the last epoch? `answer` holds two gaps: without
# augmentation, and with it.

# %% tags=["solution"]
shutil.rmtree(RUNS / "06-plain", ignore_errors=True)
unchanged = replace(small, augmenter=None, spec_augment=None)
plain = train(tiny, tiny, RUNS / "06-plain", unchanged, sentences=0, every=3)
answer = tuple(rows[-1]["val_loss"] - rows[-1]["loss"] for rows in (plain, whole))
print(f"gap {answer[0]:+.2f} without augmentation, {answer[1]:+.2f} with it")

# %% tags=["check"]
check("06.1", answer)

# %% [markdown] tags=["exercise"]
# ### Exercise 06.2 · Before the first step
#
# *easy · 5 minutes*
#
# What does an untrained network say? Save `model` under a name that ends in `.keras`, load it as a `Recognizer`, and
# transcribe the first clip of `test` with it.

# %% tags=["solution"]
model.save(RUNS / "untrained.keras")
answer = Recognizer.load(RUNS / "untrained.keras").transcribe(read_audio(test.utterances[0].path))
print(repr(answer[:60]))

# %% tags=["check"]
check("06.2", answer)

# %% [markdown] tags=["exercise"]
# ### Exercise 06.3 · What did averaging buy?
#
# *medium · 8 minutes*
#
# In the log of the real run (`log`), `val_wer` is the word error rate of each epoch's own weights, and `mean_wer` that of
# the mean of the last five. What is the most that the mean gained in any epoch, in percentage *points*?

# %% tags=["solution"]
gains = np.array([100 * (row["val_wer"] - row["mean_wer"]) for row in log])
answer = np.nanmax(gains)  # in the other parts there is only one of the two
last = gains[np.isfinite(gains)][-1]
print(f"{answer:.1f} points in epoch {1 + np.nanargmax(gains)}, {last:.1f} in the last one of part 2")

# %% tags=["check"]
check("06.3", answer)

# %% [markdown] tags=["quiz"]
# ## Quiz
#
# **1. The training loss falls, the validation loss climbs. What is it?**
#
# - [ ] underfitting | Then both would stay high.
# - [x] overfitting | What is learnt is the training speech by heart.
# - [ ] a learning rate that is too low | Then both would fall, slowly.
#
# **2. Both losses lie on each other and stay high. What helps?**
#
# - [ ] more augmentation | It makes what is too hard still harder.
# - [ ] stopping earlier | There is nothing to be saved from.
# - [x] a larger network, or more time | It has no room, or had no time, for what it hears.
#
# **3. Why does the learning rate begin low?**
#
# - [x] the first steps of random weights are wild | Large steps in a random direction are hard to undo.
# - [ ] to save energy | A step costs the same at any rate.
# - [ ] so that the first epoch is not overfitted | Nothing is learnt yet that could be.
#
# **4. Why is the training loss above the validation loss here?**
#
# - [ ] the validation speech was in the training | Then look again: it is another subset.
# - [x] training speech is spoilt on purpose, and dropout is on | Validation is measured on clean speech, with the whole network.
# - [ ] it is always so | Without augmentation and dropout it is the other way round.
#
# **5. Which weights are kept?**
#
# - [ ] those after the last epoch | They may have passed the best place.
# - [ ] those with the lowest training loss | They know the training speech best, and that is another thing.
# - [x] those with the lowest word error rate on validation speech | That is what the user will see, measured on speech that was not trained on.

# %% [markdown]
# ## Recap
#
# - Warm up, hold, decay; clip the gradients; keep the checkpoint with the lowest validation WER.
# - Read the sentences, not only the curves: first a few common letters, then words as they sound, at last as they are
#   spelt.
# - A run that can be killed at any moment is one you can trust overnight.
# - From here: `ASR_PROFILE=workshop` for Mini LibriSpeech, `full` for train-clean-100.
#
# ## Further reading
#
# - [Karpathy (2019), *A Recipe for Training Neural Networks*](https://karpathy.github.io/2019/04/25/recipe/): how to look for what is wrong, in which order.
# - [*Deep Learning Tuning Playbook*](https://github.com/google-research/tuning_playbook): what to try next, and how to know that it helped.
# - [Kingma & Ba (2014), Adam](https://arxiv.org/abs/1412.6980): the optimizer that is used here.
# - [Srivastava and others (2014), dropout](https://jmlr.org/papers/v15/srivastava14a.html): why switching off a tenth helps.
# - [Izmailov and others (2018), averaging weights](https://arxiv.org/abs/1803.05407): why the mean of several good places is better.
# - [Lam and others (2021), aligned data augmentation](https://arxiv.org/abs/2104.01393): splicing by the word, where ours goes by the breath.
#
# Next: [07 · Decoding](07_decoding.ipynb), from frames to words.
