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
# # 04 · Input pipeline
#
# You will watch clips become batches: read, augmented, turned into features, shuffled, put into buckets of like
# length, and handed over while the network is still busy with the batch before.
#
# | | |
# |---|---|
# | **Objectives** | build a `tf.data` pipeline stage by stage · know what each stage costs · measure what bucketing saves · shuffle without filling the memory · pack a corpus into TFRecords |
# | **Needs** | notebooks 02 and 03; no network |
# | **Minutes** | ci, fast, workshop, full: under 1 (all use the embedded corpus) |

# %%
import os
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile
import tensorflow as tf

from asr_helpers.batches import pipeline, tfrecords
from asr_helpers.corpus import data_dir, load_corpus
from asr_helpers.show import plots
from asr_helpers.sound import Augmenter, SpecAugment, features, features_tf, num_frames, read_audio
from asr_helpers.teaching import check
from asr_helpers.text import decode, encode
from asr_helpers.words import min_frames

PROFILE = os.environ.get("ASR_PROFILE", "fast")
FOLDER = data_dir() / "mini" / ("dev-mini" if PROFILE == "ci" else "train-mini")
plots.style()
print("profile", PROFILE, "· TensorFlow", tf.__version__)

# %% [markdown]
# ## What goes in?
#
# A data set starts as a list of names. Loading it reads file headers only, so even 28 539 utterances of
# train-clean-100 take seconds. What cannot be used is left out, and the line says how much and why.

# %%
speech = pipeline.load_speech(FOLDER)
print(speech.summary())

# %%
strict = pipeline.load_speech(FOLDER, max_seconds=4.0)
print(strict.summary())

# %% [markdown]
# ## What does each stage cost?
#
# Every stage is a function on one utterance. How many seconds of audio does each get through in one second, on
# the machine you are sitting at?

# %%
clips = speech.utterances[:40]
waves = [read_audio(clip.path) for clip in clips]
rng = np.random.default_rng(0)
augment, mask = Augmenter(), SpecAugment()


def rate(stage, items):
    """Seconds of audio per second that `stage` gets through."""
    for item in items:
        stage(item)  # the first round imports, compiles and caches
    start = time.perf_counter()
    for item in items:
        stage(item)
    return sum(clip.seconds for clip in clips) / (time.perf_counter() - start)


# %% [markdown]
# The same clips in three containers: as FLAC (how LibriSpeech comes), as WAV (notebook 01), and packed into one
# TFRecord (below). What does a minute weigh, and how fast is it read?

# %%
folder = Path(tempfile.mkdtemp())
wavs = [folder / f"{clip.id}.wav" for clip in clips]
for path, wave in zip(wavs, waves, strict=True):
    soundfile.write(path, wave, 16000)
tfrecords.write_records(clips, folder / "records")
shard = next((folder / "records").glob("*.tfrecord"))
places = {"FLAC": [clip.path for clip in clips], "WAV": wavs, "TFRecord": [shard]}
minutes = sum(clip.seconds for clip in clips) / 60
for name, paths in places.items():
    print(f"{name:9s} {sum(path.stat().st_size for path in paths) / 1e6 / minutes:.2f} MB a minute")


# %%
def rate_records():
    """As `rate`, of one whole shard: a record is not opened by name but streamed with the others."""
    stream = tf.data.TFRecordDataset(str(shard)).map(tfrecords.parse_example)
    list(stream)
    start = time.perf_counter()
    for _ in stream:
        pass
    return minutes * 60 / (time.perf_counter() - start)


# %%
mels = [tf.constant(features(wave)) for wave in waves]
graph = tf.function(features_tf, input_signature=[tf.TensorSpec([None])])
masked = tf.function(mask, input_signature=[tf.TensorSpec([None, 80]), tf.TensorSpec([2], tf.int64)])
stages = {
    "read FLAC": (lambda clip: read_audio(clip.path), clips),
    "read WAV": (read_audio, wavs),
    "augment the waveform": (lambda wave: augment(wave, rng), waves),
    "features": (graph, waves),
    "mask the features": (lambda mel: masked(mel, [1, 2]), mels),
}
rates = {name: rate(stage, items) for name, (stage, items) in stages.items()}
rates = {"read TFRecord": rate_records()} | rates

# %%
figure, ax = plots.new(size=(8, 2.4), alt="bars: audio-seconds per second for each stage of the pipeline")
colours = [plots.ORANGE if value == min(rates.values()) else plots.BLUE for value in rates.values()]
bars = ax.barh(list(rates), list(rates.values()), color=colours)
ax.bar_label(bars, [f" {value:,.0f}" for value in rates.values()])
ax.set(
    xscale="log",
    xlabel="seconds of audio per second (one core)",
    xlim=(min(rates.values()) / 2, 3 * max(rates.values())),
)
ax.invert_yaxis()
plots.save(figure, "04_stage_costs")

# %% [markdown]
# Reading is cheap whatever the container; TFRecords are for slow disks, not for a fast one. The waveform effects
# and the features take the most, and the network is slower by far: on two cores it trains at a few tens to two hundred
# audio-seconds per second. So the pipeline can keep up, if it works *while* the network does.
#
# ## How is one utterance made into an example?
#
# The network wants features; *CTC* wants the number of frames that come out of the network, and the labels. CTC is the loss
# of notebook 05, in short: the network says one symbol a frame, a letter or "nothing new", without being told when each
# letter is spoken. All ways to say the text in these frames are added up, and training makes that sum larger.

# %%
wave, text = waves[0], clips[0].text
example = features(wave)[..., None]
target = np.append([num_frames(len(wave)) // 4], encode(text))
print(text)
print("features", example.shape, "· model frames", target[0], "· labels", target[1:9], "…")

# %% [markdown]
# ## Why not shuffle the spectrograms?
#
# `dataset.shuffle(n)` keeps `n` elements in memory. How large is a buffer that mixes the whole corpus, if an
# element is a spectrogram, a waveform, or a name?

# %%
audio = speech.seconds
sizes = {"spectrograms": audio * 100 * 80 * 4, "waveforms": audio * 16000 * 4, "names": len(speech.utterances) * 8}
hundred = {kind: size / audio * 100.6 * 3600 / 1e9 for kind, size in sizes.items()}
for kind, size in sizes.items():
    print(f"{kind:12s} {size / 1e6:8.2f} MB here   {hundred[kind]:10.4f} GB for train-clean-100")

# %%
figure, ax = plots.new(size=(8, 1.9), alt="bars: memory of a shuffle buffer against a laptop of 16 GB")
bars = ax.barh(list(hundred), list(hundred.values()), color=[plots.ORANGE, plots.ORANGE, plots.BLUE])
ax.bar_label(bars, [f" {value:.2g} GB" for value in hundred.values()])
ax.axvline(16, color=plots.GREY, linestyle="--")
ax.text(15.8, 2.2, "a laptop's memory ", ha="right", color=plots.GREY)
ax.set(title="a buffer that shuffles all of train-clean-100", xlabel="GB", xlim=(0, 27))
ax.invert_yaxis()
plots.save(figure, "04_shuffle_memory")

# %% [markdown]
# That is before anything else runs, and a buffer is filled anew each epoch before the first batch comes. A smaller
# buffer fits, but it mixes only neighbours: with 500 places, a clip of the first chapter never meets the last one.
# The recipe this series grew from shuffled spectrograms, and ran out of memory here.

# %% [markdown]
# So the order is drawn over *positions in the list*, before anything is read. And it hangs on two numbers only,
# the seed and the epoch:


# %%
def order(epoch, seed=0):
    positions = tf.data.Dataset.range(len(speech.utterances))
    return positions.shuffle(len(speech.utterances), seed + epoch + 1, reshuffle_each_iteration=False)


first, again, second = (list(order(epoch).take(5).as_numpy_iterator()) for epoch in (0, 0, 1))
print("epoch 0:", *first, "· again:", *again, "· epoch 1:", *second)

# %% [markdown]
# A run that is killed in epoch 7 and resumed draws epoch 7's order and its augmentation once more, the same.
#
# ## How much of a batch is padding?
#
# Utterances in a batch are padded to the longest one. Each box below is a batch: time across, one row per
# utterance, dark where there is speech.

# %%
lengths = np.array([num_frames(clip.samples) for clip in speech.utterances])
shuffled = np.random.default_rng(1).permutation(lengths)
bounds, batch_sizes = pipeline.buckets(40)
place = np.searchsorted(bounds, shuffled, side="right")
random_batches = [shuffled[i : i + 14] for i in range(0, len(shuffled), 14)]
bucketed = [
    members[i : i + batch_sizes[k]]
    for k in np.unique(place)
    for members in [shuffled[place == k]]
    for i in range(0, len(members), batch_sizes[k])
]


# %%
def padding(batches):
    return 1 - sum(map(sum, batches)) / sum(len(batch) * max(batch) for batch in batches)


figure, axes = plots.new(1, 2, (9, 2.6), "utterances of one batch as bars: random lengths, like lengths", sharex=True)
for ax, batches, name in zip(axes, (random_batches, bucketed), ("random", "bucketed"), strict=True):
    batch = np.sort(batches[len(batches) // 2])[::-1]
    ax.barh(range(len(batch)), max(batch) / 100, color=plots.ORANGE, height=1, label="padding")
    ax.barh(range(len(batch)), batch / 100, color=plots.BLUE, height=0.9, label="speech")
    ax.set(title=f"{name}: {padding(batches):.0%} of all batches is padding", xlabel="time (s)", yticks=[])
axes[0].set_ylabel("utterances of a batch")
axes[1].legend(loc="lower right", frameon=True)
plots.save(figure, "04_padding")

# %% [markdown]
# Padding costs as much computation as speech does. LibriSpeech, whose clips run from 1 to 35 s, wastes far more of a
# random batch than this corpus of short radio messages.
#
# `buckets` also gives short utterances larger batches, so that each holds about the same seconds of audio.

# %%
for bound, size in list(zip(bounds, batch_sizes, strict=False))[2:12:3]:
    print(f"below {bound / 100:4.1f} s: {size:3d} utterances a batch, at most {bound * size / 100:.0f} s of audio")

# %% [markdown]
# ## The whole pipeline
#
# `training_batches` puts it together: an endless stream, epoch after epoch.

# %%
steps = pipeline.batches_per_epoch(speech, 40)
stream = pipeline.training_batches(speech, 40, 0, Augmenter(), SpecAugment())
batch, targets = next(iter(stream))
print(steps, "batches an epoch; the first:", batch.shape, "features,", targets.shape, "targets")
print("its first text:", decode(targets[0, 1:][targets[0, 1:] >= 0].numpy()))

# %%
row = np.argmin(targets[:, 0])
title = "one row of a batch: masked, and padded with zeros at the end"
plots.spectrogram(batch[row, :, :, 0].numpy(), title=title, unit="deviations")

# %% [markdown]
# Is a row of a batch what notebook 02 would have made of the clip? Without augmentation it must be.

# %%
plain, plain_targets = next(iter(pipeline.validation_batches(speech, 40)))
spoken = decode(plain_targets[0, 1:][plain_targets[0, 1:] >= 0].numpy())
clip = next(clip for clip in speech.utterances if clip.text == spoken)
expected = features(read_audio(clip.path))
np.testing.assert_allclose(plain[0, : len(expected), :, 0], expected, atol=2e-4)
print("equal:", spoken)

# %% [markdown]
# ## What does prefetching buy?
#
# Suppose the network takes 0.1 s a batch. One after the other, reading and training add up; with `prefetch`, the
# next batches are made meanwhile.


# %%
class Clock:
    """An augmenter that notes when it works: the pipeline's slowest stage, so nearly all of what it does."""

    def __init__(self):
        self.times = []

    def __call__(self, samples, rng):
        start = time.perf_counter()
        changed = augment(samples, rng)
        self.times.append((start, time.perf_counter()))
        return changed


# %%
def run(prefetch, batches=6 if PROFILE == "ci" else 14):
    """Return (when clips were made, when batches were trained on, a sleep), as rows of start and end."""
    clock, trained = Clock(), []
    iterator = iter(pipeline.training_batches(speech, 40, 0, clock, SpecAugment(), prefetch=prefetch))
    begin = time.perf_counter()
    for _ in range(batches):
        next(iterator)
        start = time.perf_counter()
        time.sleep(0.1)
        trained.append((start, time.perf_counter()))
    made = np.array([row for row in clock.times if row[1] < trained[-1][1]])
    return made - begin, np.array(trained) - begin


runs = {"prefetch=0": run(0), "prefetch=2": run(pipeline.READ_AHEAD)}

# %%
longest = max(trained[-1, 1] for _, trained in runs.values())
figure, axes = plots.new(2, 1, (9, 2.8), "two lanes, producer and consumer, without and with prefetch", sharex=True)
for ax, (name, lanes) in zip(axes, runs.items(), strict=True):
    for y, (times, colour) in enumerate(zip(lanes, (plots.ORANGE, plots.BLUE), strict=True)):
        ax.barh(y, times[:, 1] - times[:, 0], 0.8, times[:, 0], color=colour)
    waiting = lanes[1][-1, 1] - len(lanes[1]) * 0.1
    ax.set(title=f"{name}: the network waits {waiting:.2f} s of {lanes[1][-1, 1]:.2f} s", xlim=(0, longest))
    ax.set(yticks=[0, 1], yticklabels=["makes clips", "trains"])
    ax.invert_yaxis()
axes[1].set_xlabel("time (s)")
plots.save(figure, "04_prefetch")

# %% [markdown]
# The white gaps of the lower lane are a network that waits. The upper lane works ahead of the first batch too, and
# with prefetching it goes on while the network is busy. Prefetching makes nothing faster: if making a batch takes
# longer than training on it, the gaps only shrink. (Clips are also decoded two at a time, even without it.)
#
# ## TFRecords: many small files become a few large ones
#
# On a network disk, opening 28 539 files is what takes the time. `asr prepare CORPUS --out DIR` writes them as
# shards. A record holds the waveform, not features: a waveform can still be augmented.

# %%
folder = Path(tempfile.mkdtemp())
utterances = load_corpus(data_dir() / "mini" / "dev-mini").utterances
problems = tfrecords.write_records(utterances, folder)
packed = pipeline.load_speech(folder)
print(len(packed.utterances), "utterances in", len(packed.shards), "shard;", len(problems), "problems")

# %%
name, samples = tfrecords.parse_example(next(iter(tf.data.TFRecordDataset(packed.shards))))
original = next(clip for clip in utterances if clip.id == name.numpy().decode())
print(original.id, "is bit for bit the FLAC:", np.array_equal(samples, read_audio(original.path)))

# %% [markdown]
# ## Break it: the label that does not fit
#
# CTC needs at least one frame a character. Speech of 40 characters a second, or a transcript that belongs to
# another clip, has none, and the loss becomes infinite. The loader finds such pairs before training does:

# %%
long_text = "A SENTENCE THAT NOBODY CAN SAY IN HALF A SECOND"
print("needs", min_frames(encode(long_text)), "model frames; half a second has", num_frames(8000) // 4)

# %%
folder = Path(tempfile.mkdtemp("broken"))
for number, samples in enumerate((8000, 80_000)):  # half a second, and five
    soundfile.write(folder / f"1-1-000{number}.wav", 0.1 * rng.normal(size=samples), 16000)
(folder / "1-1.trans.txt").write_text(f"1-1-0000 {long_text}\n1-1-0001 {long_text}\n")
print(*pipeline.load_speech(folder).dropped)

# %% [markdown]
# ## Break it: float64
#
# NumPy computes in float64 unless told otherwise; a TensorFlow graph that expects float32 will not take it.

# %%
drifted = waves[0] * np.ones(len(waves[0]))  # np.ones is float64, and so is the product
try:
    graph(tf.constant(drifted))
except TypeError as error:
    print(type(error).__name__, "·", str(error).splitlines()[0][:90])

# %% [markdown]
# Inside `tf.data` it is later and less clear: `numpy_function` is told which type will come, believes it, and fails
# only when the first element is fetched.


# %%
def load(position):
    return drifted


stream64 = tf.data.Dataset.range(1).map(lambda k: tf.numpy_function(load, [k], tf.float32))
try:
    next(iter(stream64))
except tf.errors.InvalidArgumentError as error:
    print(type(error).__name__, "·", error.message.splitlines()[0].split("Iterator::")[-1])

# %% [markdown]
# `Augmenter` therefore promises float32 in and out, and a test holds it to that.
#
# ## Exercises
#
# Write into the empty cells and let `check` judge: it says what is right, and gives a hint where something is not.
# [All of them solved](../notebooks/solutions/04_input_pipeline.ipynb).

# %% [markdown] tags=["exercise"]
# ### Exercise 04.1 · Sorted
#
# *medium · 8 minutes*
#
# Take the lengths of dev-mini in frames (`num_frames`), sort them, and cut them into batches of 14. Which share of all
# batches is padding? And why does nobody train so?

# %% tags=["solution"]
dev = load_corpus(data_dir() / "mini" / "dev-mini").utterances
ordered = np.sort([num_frames(clip.samples) for clip in dev])
answer = padding([ordered[i : i + 14] for i in range(0, len(ordered), 14)])
print(f"{answer:.1%} padding, but the same neighbours in every epoch")

# %% tags=["check"]
check("04.1", answer)

# %% [markdown] tags=["exercise"]
# ### Exercise 04.2 · Epochs a minute
#
# *easy · 5 minutes*
#
# How many epochs would fit into one minute, if the pipeline were all there is? Time one epoch of `stream` (it has
# `steps` batches). `answer` holds two numbers: the seconds of one epoch, and the epochs in a minute.

# %% tags=["solution"]
start = time.perf_counter()
seen = sum(len(targets) for _, targets in stream.take(steps))
took = time.perf_counter() - start
answer = took, 60 / took
print(f"{seen} utterances in {took:.1f} s: {answer[1]:.0f} epochs a minute")

# %% tags=["check"]
check("04.2", answer)

# %% [markdown] tags=["exercise"]
# ### Exercise 04.3 · A small buffer
#
# *easy · 5 minutes*
#
# How many megabytes (millions of bytes) does a shuffle buffer of 500 spectrograms take, if a clip lasts 12.7 s, as in
# train-clean-100, and each value is a float32?

# %% tags=["solution"]
answer = 500 * 12.7 * 100 * 80 * 4 / 1e6
print(f"{answer:.0f} MB")

# %% tags=["check"]
check("04.3", answer)

# %% [markdown] tags=["quiz"]
# ## Quiz
#
# **1. Why is the list of names shuffled, and not the spectrograms?**
#
# - [x] a name takes bytes, a spectrogram half a megabyte | The whole list fits into memory, so the mixing is perfect.
# - [ ] spectrograms cannot be shuffled | They can, if the memory holds them.
# - [ ] because the names are sorted | They are, but that is not why.
#
# **2. What are buckets for?**
#
# - [ ] they train short sentences first | Batches come in any order.
# - [x] utterances of like length share a batch, so there is less padding | Padding costs as much computation as speech.
# - [ ] they make shuffling unnecessary | The order is drawn before, anew for each epoch.
#
# **3. What does prefetching do?**
#
# - [ ] it makes augmentation faster | Nothing is faster.
# - [ ] it keeps the corpus in memory | It keeps two batches or so.
# - [x] the next batches are made while the network works on this one | Waiting and working overlap.
#
# **4. The slowest stage of the pipeline makes 400 s of audio in a second, and the network trains on 100. What should be made faster?**
#
# - [x] the network | The pipeline is done in time, if it works ahead.
# - [ ] the pipeline | It would only wait longer for the network.
# - [ ] both equally | Only the slower of the two counts.
#
# **5. Why do the records hold waveforms and not features?**
#
# - [ ] waveforms are smaller | They are larger: 16 000 numbers a second against 8000.
# - [x] a waveform can still be augmented | Noise, rooms and speeds happen to sound.
# - [ ] TFRecords cannot hold floats | They can.

# %% [markdown]
# ## Recap
#
# - A data set is a list of names until the last moment; shuffle the names.
# - Everything random hangs on (seed, epoch, index): a resumed run repeats nothing and skips nothing.
# - Buckets keep padding small and batches equal in audio; prefetching hides the pipeline behind the network.
# - TFRecords turn many files into a few; ours hold waveforms, so augmentation stays possible.
#
# ## Further reading
#
# - [Better performance with tf.data](https://www.tensorflow.org/guide/data_performance): TensorFlow's own guide, with timelines like ours.
# - [TFRecord and tf.train.Example](https://www.tensorflow.org/tutorials/load_data/tfrecord): the file format, from the inside.
# - [Murray and others (2021), tf.data](https://arxiv.org/abs/2101.12127): why it was built, and what users of it get wrong.
#
# Next: [05 · CRNN and CTC](05_crnn_and_ctc.ipynb), the network, and how it learns without being told *when*.
