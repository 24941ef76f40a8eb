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
# # A2 · Appendix: the log of a real run
#
# You will read how the recogniser of notebook 00 was trained, what each trick bought, and hear a sentence that nobody
# ever said. You need none of this to train a network. It is for the day when yours stops getting better.

# %% jupyter={"source_hidden": true}
import csv
import json
import os

import keras
import numpy as np
import tensorflow as tf

from asr_helpers.batches import Splicer, cut_speech, join, load_speech, training_batches
from asr_helpers.corpus import data_dir
from asr_helpers.network import ctc_loss, disagreement, pack_targets, peakiness
from asr_helpers.recognizer import Recognizer, shipped_model
from asr_helpers.show import plots
from asr_helpers.show.widgets import player
from asr_helpers.sound import FILL, SAMPLE_RATE, read_audio
from asr_helpers.text import decode
from asr_helpers.training import PROFILES, WarmUpAndDecay, new_model, trapezoid
from asr_helpers.words import ErrorRate, greedy, paired_difference, score

PROFILE = os.environ.get("ASR_PROFILE", "fast")
RUNS = data_dir().parent / "runs"
BENCHMARKS = data_dir().parent / "benchmarks"
plots.style()

# %% jupyter={"source_hidden": true}
with open(data_dir() / "models" / "history.csv", newline="") as file:
    log = [{name: float(value or "nan") for name, value in row.items()} for row in csv.DictReader(file)]
names = ["1 held back", "2 less dropout", "3 helpers", "4 no smoothing", "5 spliced", "6 on a GPU", "7 low rate"]
epochs = np.arange(1, len(log) + 1)
alt = "word error rate on real speech over 123 epochs in seven parts, from 106 to 38 percent; below, the learning rate"
take_away = "From 106 to 38 % in seven parts. The error rises a little where a new part begins."
figure, (above, below) = plots.new(2, 1, (8, 5), alt, take_away, sharex=True, height_ratios=(3, 1))
for key, label, colour in (("val_wer", "each epoch", plots.GREY), ("mean_wer", "mean of the last epochs", plots.BLUE)):
    rates = np.array([100 * row[key] for row in log])
    known = np.isfinite(rates) | (key == "val_wer")  # in part 6 the mean was measured every third epoch
    above.plot(epochs[known], rates[known], ".-", color=colour, label=label)
_ = below.plot(epochs, [row["learning_rate"] for row in log], color=plots.ORANGE)

# %% jupyter={"source_hidden": true}
for part, name in enumerate(names, start=1):
    begin, end = (sum(row["part"] < each for row in log) for each in (part, part + 1))
    above.text(begin + 1, 140, name, va="top", ha="left", rotation=90)
    for ax in (above, below):
        ax.axvspan(begin + 0.5, end + 0.5, color=plots.GREY, alpha=0.15 * (part % 2), linewidth=0)
above.set(ylabel="word error rate (%)", ylim=(30, 142), yticks=range(40, 101, 20))
above.legend(loc="center right")
below.set(xlabel="epoch", ylabel="learning rate", ylim=(0, None))
plots.save(figure, "A2_real_speech", alt)

# %% [markdown] tags=["about"]
# | | |
# |---|---|
# | **Objectives** | read a long log · know what a learning rate, a second output, smoothing, two views and splicing do · compare recipes in pairs |
# | **Needs** | [06 · Training](06_training.ipynb); no network, no GPU |
# | **Minutes** | ci, fast, workshop, full: under 2 |

# %% [markdown]
# ## Seven parts
#
# This is the log of the recogniser of notebook 00: `train`, on twelve hours of people reading aloud
# ([its card](../data/README.md#the-shipped-models)). The validation speech is that of four speakers of dev-clean,
# decoded greedily.

# %%
for part, name in enumerate(names, start=1):
    last = [row for row in log if row["part"] == part][-1]
    wer = np.nanmin([last["val_wer"], last["mean_wer"]])
    print(f"after part {name:15s} training loss {last['loss']:.2f}, validation {last['val_loss']:.2f}, WER {wer:.1%}")

# %% [markdown]
# - **Part 1** was held back too hard for so short a run. On its own training speech it made nearly as many errors as on
#   strangers': 51 % against 63 % (`asr evaluate part1/best.keras train-clean-5`).
# - **Part 2** starts from those weights, with less dropout and lighter masks. By its end the network knew its own twelve
#   hours much better than strangers' speech.
# - **Part 3** adds what helps where there is little speech (below): two epochs with a second output and smoothed
#   posteriors, then two views and heavier masks.
# - **Part 4** drops the smoothing, because it costs words in greedy decoding (the ladder, below). Its training loss
#   fell to 0.43 and its validation loss only to 0.62: it learned its sentences by heart.
# - **Part 5** gives it sentences that nobody ever said: splicing (below).
# - **Part 6** does the same on a GPU, 61 epochs in eleven minutes. Its first half took twice the masks and more dropout.
#   The training loss rose above one nat, and five minutes brought the errors from 44.0 to 42.1 %. Then the masks became
#   as light as before while the rate fell, and the next five minutes brought 37.9 %. How much of that came from the masks
#   and how much from the rate, we did not measure.
# - **Part 7** is four more epochs on two cores at a low rate. Its end is the model that ships.
#
# ## How fast should it learn?
#
# The first gradients of random weights are large and erratic, so the learning rate *warms up*. The last steps should
# only polish, so it decays. In between it stays as high as training tolerates.

# %%
profile, steps = PROFILES[PROFILE], 1000
rates = [profile.learning_rate * trapezoid(step / steps) for step in range(steps)]
watched, model = WarmUpAndDecay(profile.learning_rate, steps), new_model(profile)
watched.set_model(model)
for step in (0, 200, 900):  # is that what the callback sets?
    model.optimizer.iterations.assign(step)
    watched.on_train_batch_begin(0)
    assert np.isclose(float(model.optimizer.learning_rate), rates[step])

# %% jupyter={"source_hidden": true}
alt, take_away = "learning rate over the run: a short rise, a plateau, a linear fall", "Warm up, hold, decay."
figure, ax = plots.new(size=(7, 2.2), alt=alt, caption=take_away)
ax.plot(np.arange(steps) / steps * 100, rates, linewidth=2.5)
ax.set(xlabel="steps done (%)", ylabel="learning rate", ylim=(0, None))
figure

# %% [markdown]
# If you do not know beforehand how long you will train, `Profile(reduce_on_plateau=True)` halves the rate whenever the
# validation loss has not fallen for two epochs (Keras's ReduceLROnPlateau).
#
# Look at part 2 in the log. While the rate is high, the mean of the last epochs' weights (blue) is better than any single
# epoch (grey), for free. When the rate falls, the single epochs catch up, and the mean only lags behind. So average
# where you do not decay ([Izmailov and others 2018](https://arxiv.org/abs/1803.05407)). The most that the mean gained
# in an epoch, and what it gained in the last one that has both numbers:

# %%
gains = np.array([100 * (row["val_wer"] - row["mean_wer"]) for row in log])
print(
    f"{np.nanmax(gains):.1f} points in epoch {1 + np.nanargmax(gains)}, {gains[np.isfinite(gains)][-1]:.1f} in the last"
)

# %% [markdown]
# ## Who works between two epochs?
#
# Keras calls its callbacks one after the other. The order matters: each may read what those before it wrote.
#
# | Callback | After each epoch | Why there |
# |---|---|---|
# | `WeightAverage` | averages the weights of the last epochs (two in `workshop`, five in `full`) | first: the mean is what is measured and kept |
# | `WordErrorRate` | measures loss, WER and CER on validation speech | all others watch its figures |
# | `WarmUpAndDecay` or `ReduceLROnPlateau` | sets the learning rate | needs the validation loss |
# | `RunFolder` | saves `best.keras` where the WER fell, and all that a resumed run needs | must know the rate's patience |
# | `Progress` | prints a line and a few sentences | after the epoch is safe on disk |
# | your own, such as `live_curves` | redraws the curves | reads what `RunFolder` wrote |
#
# ## A second output
#
# The profiles `fast` and `full` minimise more than the CTC loss. What helps them is thrown away afterwards. A second
# Dense layer reads the LSTM below the last, and must spell the same text
# ([Lee & Watanabe 2021](https://arxiv.org/abs/2102.03216)). It contributes three tenths of the loss, so the lower layers
# learn directly what they are for.
#
# ## Smoothing
#
# CTC alone makes a letter all or nothing: near 1 in every frame that it takes, near 0 in the next. *Smoothing* draws
# each frame towards the mean of itself and its two neighbours
# ([Yao and others 2024](https://arxiv.org/abs/2410.05101)). The penalty is the Kullback-Leibler divergence from that
# mean, summed over the frames and divided by the number of letters. For one A in nine frames:

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
# What does it do to a letter? Learn one A in nine frames by three hundred steps downhill, with CTC alone, and with a
# fifth of this penalty added.

# %%
hint = np.zeros((1, 9, 29), np.float32)
hint[0, :, 2] = np.exp(-(((np.arange(9) - 4) / 1.5) ** 2))  # the A is more likely in the middle, to begin with
learned = {}
for weight in (0, 0.2):
    logits = tf.Variable(hint)
    for _ in range(300):
        with tf.GradientTape() as tape:
            loss = ctc_loss(targets, logits) + weight * peakiness(targets, logits)
        logits.assign_sub(tape.gradient(loss, logits))
    learned[weight] = tf.nn.softmax(logits[0]).numpy()[:, 2]

# %% jupyter={"source_hidden": true}
alt = "probability of the letter A in nine frames: by CTC alone a plateau with steep sides, with smoothing a hill"
take_away = "Smoothed, a letter has slopes: a frame in doubt may say so."
figure, ax = plots.new(size=(7, 2.6), alt=alt, caption=take_away)
ax.plot(learned[0], "s--", color=plots.GREY, label="CTC alone", markersize=7)
ax.plot(learned[0.2], "o-", color=plots.BLUE, label="smoothed", markersize=7)
ax.set(xlabel="output frame (40 ms)", ylabel="probability of A", ylim=(0, 1.05))
ax.legend(loc="upper left")
plots.save(figure, "A2_smoothing", alt)

# %% [markdown]
# `fast` uses both helpers. The reason is one experiment on a voice that was kept out of the training
# (`python benchmarks/unheard_voice.py`):

# %%
unheard = json.loads((BENCHMARKS / "unheard_voice.json").read_text())
for row in unheard["runs"]:
    print(f"{row['run']:14s} WER on voice {unheard['voice']}, never heard: {row['unheard_wer']:.1%}; ", end="")
    print(f"on the others: {row['heard_wer']:.1%}")

# %% [markdown]
# It is one run of each, without an interval, and with both helpers at once. So it does not show what smoothing alone
# does, nor that another seed would agree. Read it as a hint.
#
# ## Two views
#
# `full` puts each clip into the batch twice, under different masks ([the same paper](https://arxiv.org/abs/2410.05101)).
# Where one view is masked, the other can hear. Each frame is drawn towards the other view's answer, so one learns to
# guess what the other knows. The second view is extra work, and an epoch takes twice as long. One clip in two views
# (white: masked), and what the shipped model makes of each:

# %%
valid = load_speech(data_dir() / "mini" / "dev-mini")
views = training_batches(valid, 40, spec_augment=PROFILES["full"].spec_augment, views=2)
features, both_targets = (array.numpy() for array in next(iter(views)))
pair = [0, len(features) // 2]  # the first clip, and the same clip in the batch's second half
shipped = keras.saving.load_model(data_dir() / "models" / "crnn.keras")
answers = shipped(features[pair]).numpy()

# %% jupyter={"source_hidden": true}
alt = "two spectrograms of one sentence, bands of time and of frequency masked in each, at different places"
take_away = "What one view hides, the other shows."
figure, axes = plots.new(2, 1, (7, 4.4), alt, take_away, sharex=True)
length = 4 * both_targets[0, 0]  # frames without the batch's padding
for ax, view, answer in zip(axes, features[pair, :length, :, 0], answers, strict=True):
    plots.spectrogram(np.where(view == FILL, np.nan, view), ax, f"heard: {greedy(answer)}", unit="")
    ax.set_facecolor("white")
axes[0].set_xlabel("")
print(f"said:  {decode(both_targets[0, 1:][both_targets[0, 1:] >= 0])}")
print(
    f"The first view's answer is {disagreement(both_targets[pair], answers)[0]:.2f} nats a character from the other's."
)
figure

# %% [markdown]
# ## Splicing: new sentences from old ones
#
# Masks, noise and views change how a sentence sounds, never which word follows which. A network of six million weights
# that hears twelve hours a hundred times comes to know the sentences. So let it hear sentences that nobody said.
# Forced alignment (notebook 07) finds the pauses between words; cut where it is quietest, and exchange pieces with
# others *of the same reader*, the text with the sound. The sense is gone. That is the point: only its sound can tell
# what a word is.
#
# Here is [splicing](../notebooks/GLOSSARY.md#splicing) on the harbour radio, in the code that `asr train --splice MODEL`
# uses; MODEL does the aligning.

# %%
few = load_speech(data_dir() / "mini" / "dev-mini")
few.utterances = few.utterances[: 12 if PROFILE == "ci" else 60]
cuts = cut_speech(Recognizer.load(shipped_model()).audio_log_probs, few, RUNS / f"A2-{PROFILE}-cuts.json")
splicer = Splicer(cuts, few, probability=1.0)
clip = max(few.utterances, key=lambda utterance: len(cuts[utterance.id]))
old, new = splicer.pieces[clip.id], splicer.choose(clip, np.random.default_rng(29))

# %% jupyter={"source_hidden": true}
alt = "a clip's waveform cut at its pauses into phrases, and a new one, some phrases of which are from other clips"
take_away = "Blue: the clip's own phrases. Orange: phrases from the reader's other clips."
figure, axes = plots.new(2, 1, (8, 4), alt, take_away, sharex=True, sharey=True)
for ax, pieces, title in zip(axes, (old, new), ("said", "spliced"), strict=True):
    start = 0
    for piece in pieces:
        sound = read_audio(piece.path, piece.start, piece.end)
        seconds = (start + np.arange(len(sound))) / SAMPLE_RATE
        ax.plot(seconds, sound, linewidth=0.5, color=plots.BLUE if piece in old else plots.ORANGE)
        ax.text(seconds.mean(), 0.5, piece.text.lower().replace(" ", "\n", 1), ha="center", va="bottom", fontsize=9)
        ax.axvline(seconds[-1], color=plots.GREY, linestyle=":")
        start += len(sound)
    ax.set(ylabel=title, ylim=(-0.5, 0.95))
axes[1].set_xlabel("time (s)")
plots.save(figure, "A2_splicing", alt)

# %% [markdown]
# Each cut is faded over 5 ms, and still sounds like a cut. Listen, and read along:

# %%
samples, text = join(new)
player(samples, text.lower())

# %% [markdown]
# Now a test of memory. The shipped model heard other clips of these voices, and of these sentences' pattern, in each of
# its epochs. Give it the clips as they were said, and spliced:

# %%
recognizer = Recognizer.load(shipped_model())
spliced = [splicer(each, read_audio(each.path), np.random.default_rng(4)) for each in few.utterances]
plain = [(read_audio(each.path), each.text) for each in few.utterances]
for name, clips in (("as they were said", plain), ("spliced", spliced)):
    result = score([text for _, text in clips], [recognizer.transcribe(samples) for samples, _ in clips])
    low, high = result["wer_ci95"]
    print(f"{name:18} WER {result['wer']:5.1%} ({low:.1%} to {high:.1%})")

# %% [markdown]
# The same voices and the same words, yet several times as many errors. Some words lost an edge to a cut; for the rest,
# the network had been relying on the sentence. How much is which, this test does not say.
#
# ## The ladder: what each trick buys
#
# Take the network after part 2 and two hours of people reading, always the same two. Every run hears eight hours of
# audio: the two hours four times over, or twice in two views. Only the recipe changes. That took an hour on two cores,
# so it is drawn from the log of `python benchmarks/ladder.py tricks`. The dots (…) stand for "SpecAugment, Augmenter".
# Each recipe is compared with that one, sentence by sentence (notebook 08 explains the intervals).

# %%
tricks = json.loads((BENCHMARKS / "ladder_tricks.json").read_text())
start, *runs = tricks["runs"]
lengths, third = np.array(tricks["words"]), runs[2]


def against(other, run, decoder):
    return paired_difference(*(ErrorRate(np.array(each[decoder]["errors"]), lengths) for each in (other, run)))


runs.sort(key=lambda run: run["lm"]["wer"])

# %% jupyter={"source_hidden": true}
alt = "per recipe, training and validation loss as two dots; difference in word errors, with and without language model"
take_away = "Left: the gap. Right: with the language model, two views win most; greedily, only smoothing stands out, for the worse."
figure, (left, right) = plots.new(1, 2, (8, 5.5), alt, take_away, sharey=True)
for place, run in enumerate(runs):
    end = run["history"][-1]
    left.plot([end["loss"], end["val_loss"]], [place, place], color=plots.GREY, alpha=0.5, linewidth=4)
    left.plot(end["loss"], place, "o", color=plots.SKY, label="" if place else "training")
    left.plot(end["val_loss"], place, "o", color=plots.ORANGE, label="" if place else "validation")
    for decoder, label, shift, colour in (
        ("lm", "with LM", -0.14, plots.BLUE),
        ("greedy", "greedy", 0.14, plots.GREEN),
    ):
        points, (low, high) = against(third, run, decoder)
        right.hlines(place + shift, 100 * low, 100 * high, color=colour, alpha=0.4, linewidth=4)
        right.plot(100 * points, place + shift, "o", color=colour, label="" if place else label)

# %% jupyter={"source_hidden": true}
right.axvline(0, color=plots.GREY, linestyle=":")
left.set_yticks(range(len(runs)), [run["run"] for run in runs])
left.invert_yaxis()
left.set(xlabel="nats per character", xlim=(0, None), title="loss at the end")
right.set(xlabel="points of WER (left is better)", title="against “SpecAugment,\nAugmenter”")
figure.legend(loc="outside lower center", ncols=4)
plots.save(figure, "A2_ladder", alt)

# %%
print(f"{len(lengths)} sentences, {lengths.sum()} words; at the start: WER {start['greedy']['wer']:.1%}, ", end="")
print(f"with the language model {start['lm']['wer']:.1%}")
for run in runs:
    end = run["history"][-1]
    points, (low, high) = (100 * np.array(each) for each in against(start, run, "lm"))
    print(f"{run['run']:26} gap {end['val_loss'] - end['loss']:+.2f}, validation loss {end['val_loss']:.3f}, ", end="")
    print(f"LM {run['lm']['wer']:.1%}: {points:+.1f} ({low:+.1f} to {high:+.1f}) against the start")

# %% [markdown]
# **The gap.** Without augmentation, the training loss ends below a sixth of the validation loss: the two hours are known
# by heart. SpecAugment alone narrows the gap, but only by raising the training loss; the validation loss stays the same
# (0.918). With the Augmenter, smoothing, splicing or two views, the validation loss falls too. Heavy masks and five masks
# close the gap further than splicing does. A closed gap is not the aim, though: a lower validation loss is.
#
# **The errors, greedily.** No recipe is better than the network it started from: that came from twelve hours, and ten of
# them are missing here. Against the third recipe, all but one are within the luck of 273 sentences. Smoothing costs two
# points.
#
# **The errors, with the language model.** Here the order changes. Two views gain 3.3 points, heavy masks with two views
# 2.6 (1.3 to 4.0), and smoothing and splicing 1.9 and 1.8, all with intervals clear of 0. Only the two views end clearly
# below the start. A network that is as sure as it can be of every letter leaves a language model nothing to choose from.
# So which recipe is best depends on what reads the network's output.
#
# Eleven recipes were compared here, on one seed each. With that many comparisons, one interval that barely clears 0 means
# little. A ladder says what to try; only the long run says what it was worth.
#
# ## What more hours buy
#
# The same script gives the whole recipe to a small network, with a quarter, a half and all of the twelve hours
# (`python benchmarks/ladder.py hours`). Each run hears 48 hours of audio, so the quarter goes round four times as often
# as the whole.

# %%
hours = json.loads((BENCHMARKS / "ladder_hours.json").read_text())["runs"]
for run in hours:
    end = run["history"][-1]
    print(f"{run['run']}: training loss {end['loss']:.2f}, validation {end['val_loss']:.2f}, WER {end['val_wer']:.1%}")

# %% [markdown]
# The quarter is learned better than unseen speech: there is a gap. With the half and the whole there is none, and the
# training loss is *higher*: the network has not even learned what it heard. The last doubling buys less than half a point.
# At this size and this length of training, more hours cannot help much. Which of the two, size or time, holds it back,
# these runs cannot say: they share both.
#
# Here they are on one axis with the recogniser of notebook 00 (the same twelve hours, five times the network, many times
# the training), and with what others reached on five and on a hundred hours of the same kind of speech.

# %%
ours = [(run["hours"], 100 * run["history"][-1]["val_wer"]) for run in hours]
tuning = json.loads((BENCHMARKS / "decoder_tuning.json").read_text())
larger = [100 * tuning["report"]["decoders"][name]["wer"] for name in ("greedy", "beam + LM")]
alone = [(12.1, larger[0], "notebook 00"), (100, 23.18, "SUPERB"), (100, 9.6, "ESPnet"), (100, 6.73, "icefall")]
helped = [(12.1, larger[1], "notebook 00"), (5, 6.84, "Kaldi"), (100, 18.97, "wav2letter"), (100, 15.21, "SUPERB")]

# %% jupyter={"source_hidden": true}
alt = "word error rate against hours of speech: the small network stays at 85, the larger comes to half, others to 7"
take_away = "More hours help only a network that has the size and the time to use them."
figure, ax = plots.new(size=(7, 4.4), alt=alt, caption=take_away)
ax.plot(*zip(*ours, strict=True), "o-", label="small network, 48 hours heard")
for points, fill, label in ((alone, plots.ORANGE, "network alone"), (helped, "none", "with a language model")):
    x, wer, _ = zip(*points, strict=True)
    ax.scatter(x, wer, edgecolor=plots.ORANGE, facecolor=fill, label=label, s=50)
    for name, *point in ((name, hour, rate) for hour, rate, name in points):
        left = name in ("wav2letter", "ESPnet")  # others are close to these
        ax.annotate(name, point, (-8 if left else 8, -4), textcoords="offset points", ha="right" if left else "left")
ax.set(xscale="log", xlim=(2, 300), ylim=(0, 100), ylabel="word error rate (%)", xlabel="hours of transcribed speech")
ax.set_xticks([3, 6, 12, 25, 50, 100], ["3", "6", "12", "25", "50", "100"])
ax.minorticks_off()
ax.legend()
plots.save(figure, "A2_hours", alt)

# %% [markdown]
# Compare heights, not decimals: ours are measured on speakers of dev-clean, Kaldi's on dev-clean-2, the others' on
# test-clean. SUPERB's network is our nearest relative, two BiLSTM layers on log-mels with CTC. ESPnet's and icefall's
# hear the whole sentence at once (self-attention) and write pieces of words. And Kaldi on five hours? It is given what
# all others must learn: a dictionary of pronunciations, and an alignment for every frame.
#
# Sources: [wav2letter's tutorial](https://github.com/flashlight/wav2letter/tree/main/tutorials/1-librispeech_clean),
# [SUPERB](https://arxiv.org/abs/2105.01051) (FBANK),
# [ESPnet](https://github.com/espnet/espnet/tree/master/egs2/librispeech_100/asr1) (E-Branchformer with CTC),
# [icefall](https://github.com/k2-fsa/icefall/blob/master/egs/librispeech/ASR/RESULTS-100hours.md) (without distillation),
# [Kaldi](https://github.com/kaldi-asr/kaldi/blob/master/egs/mini_librispeech/s5/local/chain/tuning/run_cnn_tdnn_1c.sh).
#
# ## Further reading
#
# - [Izmailov and others (2018), averaging weights](https://arxiv.org/abs/1803.05407): why the mean of several good places is better.
# - [Lam and others (2021), aligned data augmentation](https://arxiv.org/abs/2104.01393): splicing word by word, where ours goes by the breath.
# - [Yao and others (2024), CR-CTC](https://arxiv.org/abs/2410.05101): two views, and smoothing.
#
# Back to [06 · Training](06_training.ipynb).
