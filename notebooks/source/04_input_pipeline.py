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
# You will watch clips become batches, and see why the network never has to wait for them.

# %% jupyter={"source_hidden": true}
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

# %% jupyter={"source_hidden": true}
speech = pipeline.load_speech(FOLDER)
batch, targets = map(np.asarray, next(iter(pipeline.validation_batches(speech, 40))))
rows = np.linspace(0, len(batch) - 1, 6).astype(int)
figure, axes = plots.new(6, 1, (7, 4.2), sharex=True)
for ax, row in zip(axes, rows, strict=True):
    spoken = int(np.abs(batch[row, :, :, 0]).sum(1).nonzero()[0].max()) + 1
    ax.imshow(batch[row, :spoken, :, 0].T, origin="lower", aspect="auto", extent=(0, spoken / 100, 0, 80))
    ax.axvspan(spoken / 100, batch.shape[1] / 100, facecolor="none", edgecolor=plots.GREY, hatch="///", linewidth=0)
    ax.set(yticks=[], xlim=(0, batch.shape[1] / 100))
    text = decode(targets[row, 1:][targets[row, 1:] >= 0]).lower()
    ax.set_title(text if len(text) < 70 else text[:67] + "…", fontsize=9, pad=2)
axes[-1].set_xlabel("time (s)")
figure.alt = (
    "six spectrograms of one batch above each other, each under its sentence; the hatched end of a row is padding"
)
figure.caption = f"Six of the {len(batch)} clips of one batch. Hatched: padding, which costs as much as speech does."
plots.save(figure, "04_batch")

# %% [markdown] tags=["about"]
# The network learns from such batches: spectrograms of similar length, padded to the longest.
# This notebook makes them, and measures what every step costs.
#
# | | |
# |---|---|
# | **Objectives** | build a `tf.data` pipeline stage by stage · know what each stage costs · measure what bucketing saves · shuffle without filling the memory · pack a corpus into TFRecords |
# | **Needs** | notebooks [02](02_spectrograms.ipynb) and [03](03_augmentation.ipynb); no network |
# | **Minutes** | under 1 |

# %% [markdown]
# ## What goes in?
#
# A data set starts as a list of names. Loading it reads only the file headers, so even the 28 539 utterances of
# train-clean-100 take seconds. Unusable clips are left out, and one line says how many and why.

# %%
print(speech.summary())

# %%
strict = pipeline.load_speech(FOLDER, max_seconds=4.0)
print(strict.summary())

# %% [markdown]
# ## What does each stage cost?
#
# Each stage is a function of one utterance. How many seconds of audio does it process per second, on your machine?

# %%
clips = speech.utterances[:40]
waves = [read_audio(clip.path) for clip in clips]
seconds = sum(clip.seconds for clip in clips)
rng = np.random.default_rng(0)
augment, mask = Augmenter(), SpecAugment()


def rate(stage, items):
    """Return the seconds of audio that `stage` processes per second."""
    for item in items:
        stage(item)  # the first round imports, compiles and caches
    start = time.perf_counter()
    for item in items:
        stage(item)
    return seconds / (time.perf_counter() - start)


# %% [markdown]
# The same clips come in three containers: FLAC, as in LibriSpeech; WAV, as in notebook 01; and a TFRecord, which packs
# them all into one file. How many megabytes is a minute?

# %%
folder = Path(tempfile.mkdtemp())
wavs = [folder / f"{clip.id}.wav" for clip in clips]
for path, wave in zip(wavs, waves, strict=True):
    soundfile.write(path, wave, 16000)
tfrecords.write_records(clips, folder / "records")
shard = next((folder / "records").glob("*.tfrecord"))

# %%
for name, paths in {"FLAC": [clip.path for clip in clips], "WAV": wavs, "TFRecord": [shard]}.items():
    size = sum(path.stat().st_size for path in paths)
    print(f"{name:9s} {size / 1e6 / (seconds / 60):.2f} MB a minute")


# %% jupyter={"source_hidden": true}
def rate_records():
    """As `rate`, of one whole shard: records are streamed, not opened by name."""
    stream = tf.data.TFRecordDataset(str(shard)).map(tfrecords.parse_example)
    list(stream)
    start = time.perf_counter()
    for _ in stream:
        pass
    return seconds / (time.perf_counter() - start)


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
rates = {"read TFRecord": rate_records()}
rates |= {name: rate(stage, items) for name, (stage, items) in stages.items()}

# %% jupyter={"source_hidden": true}
slowest = min(rates, key=rates.get)
figure, ax = plots.new(size=(7, 2.8))
bars = ax.barh(list(rates), list(rates.values()), color=[plots.ORANGE if n == slowest else plots.BLUE for n in rates])
ax.bar_label(bars, [f" {value:,.0f}" for value in rates.values()])
limits = min(rates.values()) / 2, 4 * max(rates.values())
ax.set(xscale="log", xlabel="seconds of audio per second (one core)", xlim=limits)
ax.invert_yaxis()
figure.alt = "bars: " + ", ".join(f"{name} {value:,.0f}" for name, value in rates.items()) + " seconds per second"
figure.caption = (
    f"“{slowest.capitalize()}” is the slowest stage (orange): the pipeline is as fast as its slowest stage."
)
plots.save(figure, "04_stage_costs")

# %% [markdown]
# Reading is cheap in every container; TFRecords help on slow disks, not on fast ones. The waveform effects and the features
# cost most. The network is far slower: on two cores it trains on tens to hundreds of seconds of audio per second
# (notebook 06). So the pipeline keeps up, if it works *while* the network does.
#
# ## How does one utterance become an example?
#
# The network needs the features. The loss, [CTC](05_crnn_and_ctc.ipynb), needs the labels, and the number of frames
# that the network will output. Notebook 05 explains why.

# %%
wave, text = waves[0], clips[0].text
example = features(wave)[..., None]
target = np.append([num_frames(len(wave)) // 4], encode(text))
print(text)
print("features", example.shape, "· output frames", target[0], "· labels", target[1:9], "…")

# %% [markdown]
# ## Why not shuffle the spectrograms?
#
# `dataset.shuffle(n)` keeps `n` elements in memory. How large must the buffer be to mix all of train-clean-100
# (100.6 hours, 28 539 clips), if an element is a spectrogram, a waveform, or a name?

# %%
audio = 100.6 * 3600
sizes = {"spectrograms": audio * 100 * 80 * 4, "waveforms": audio * 16000 * 4, "names": 28_539 * 8}
for kind, size in sizes.items():
    print(f"{kind:12s} {size / 1e9:8.4f} GB")

# %% jupyter={"source_hidden": true}
gigabytes = {kind: size / 1e9 for kind, size in sizes.items()}
figure, ax = plots.new(size=(7, 2.2))
bars = ax.barh(list(gigabytes), list(gigabytes.values()), color=[plots.ORANGE, plots.ORANGE, plots.BLUE])
ax.bar_label(bars, [f" {value:.1f} GB" if value > 0.1 else f" {1000 * value:.1f} MB" for value in gigabytes.values()])
ax.axvline(16, color=plots.GREY, linestyle="--")
ax.text(15.8, 2.2, "a laptop with 16 GB ", ha="right", color="#666666")
ax.set(xlabel="GB in the buffer", xlim=(0, 29))
ax.invert_yaxis()
figure.alt = "bars: spectrograms 11.6 GB, waveforms 23.2 GB, names 0.2 MB; a dashed line at 16 GB"
figure.caption = "A buffer of names weighs nothing; a buffer of sound fills a laptop."
plots.save(figure, "04_shuffle_memory")

# %% [markdown]
# A buffer must also be filled again in every epoch, before the first batch comes. A smaller buffer fits, but it mixes
# only neighbours: with 500 places, a clip of the first chapter never meets the last one. The recipe that this series
# grew from shuffled spectrograms, and ran out of memory here.
#
# So we shuffle *positions in the list*, before anything is read. The order depends on just two numbers, the seed and the
# epoch:


# %%
def order(epoch, seed=0):
    positions = tf.data.Dataset.range(len(speech.utterances))
    return positions.shuffle(len(speech.utterances), seed + epoch + 1, reshuffle_each_iteration=False)


for epoch in (0, 0, 1):
    print(f"epoch {epoch}:", *order(epoch).take(6).as_numpy_iterator())

# %% [markdown]
# A run that is killed in epoch 7 and resumed draws the order of epoch 7 again, and the same augmentation.
#
# ## How much of a batch is padding?
#
# Every utterance in a batch is padded to the longest one. Take batches of 14 in random order: what fraction of them is
# padding?

# %%
lengths = np.array([num_frames(clip.samples) for clip in speech.utterances])
shuffled = np.random.default_rng(1).permutation(lengths)


def in_batches(lengths, size):
    return [lengths[start : start + size] for start in range(0, len(lengths), size)]


def padding(batches):
    padded = sum(len(batch) * max(batch) for batch in batches)
    return 1 - sum(map(sum, batches)) / padded


random_batches = in_batches(shuffled, 14)
print(f"{padding(random_batches):.0%}")

# %% [markdown]
# Now sort the clips into *buckets* of similar length first, and make batches within a bucket. Short clips get larger
# batches, so that every batch holds about 40 seconds of audio.

# %%
bounds, batch_sizes = pipeline.buckets(40)
bucket = np.searchsorted(bounds, shuffled, side="right")
bucketed = []
for number in np.unique(bucket):
    bucketed += in_batches(shuffled[bucket == number], batch_sizes[number])
print(f"{padding(bucketed):.0%}")

# %% jupyter={"source_hidden": true}
figure, axes = plots.new(2, 1, (7, 4.2), sharex=True)
for ax, batches, name in zip(axes, (random_batches, bucketed), ("random order", "buckets"), strict=True):
    one = np.sort(batches[len(batches) // 2])[::-1]
    full = ax.barh(
        range(len(one)), max(one) / 100, 0.9, facecolor="none", edgecolor=plots.GREY, hatch="////", linewidth=0
    )
    said = ax.barh(range(len(one)), one / 100, 0.9, color=plots.BLUE)
    ax.set(title=f"{name}: {padding(batches):.0%} of all batches is padding", ylabel="utterances", yticks=[])
axes[0].legend([said, full], ["speech", "padding"], loc="upper left", bbox_to_anchor=(1, 1))
axes[1].set_xlabel("time (s)")
figure.alt = (
    "two batches as bars, one row an utterance: in random order a quarter is hatched, in buckets nearly nothing"
)
figure.caption = "One batch of each kind. Buckets leave little padding, so little computation is wasted."
plots.save(figure, "04_padding")

# %% [markdown]
# LibriSpeech, whose clips last 1 to 35 s, wastes far more of a random batch than these short radio messages do.

# %%
for bound, size in list(zip(bounds, batch_sizes, strict=False))[2:12:3]:
    print(f"below {bound / 100:4.1f} s: {size:3d} utterances a batch, at most {bound * size / 100:.0f} s of audio")

# %% [markdown]
# ## The whole pipeline, on the page
#
# A `tf.data` pipeline is a chain. This one has every stage that you have just met: shuffled positions, the sound, the
# features, buckets, prefetching.


# %%
def example_of(position):
    clip = speech.utterances[position]
    wave = read_audio(clip.path)
    return features(wave)[..., None], np.append([num_frames(len(wave)) // 4], encode(clip.text)).astype(np.int32)


def example(position):
    mel, target = tf.numpy_function(example_of, [position], (tf.float32, tf.int32))
    return tf.ensure_shape(mel, (None, 80, 1)), tf.ensure_shape(target, (None,))


# %%
ours = (
    order(epoch=0)
    .map(example, num_parallel_calls=2)
    .bucket_by_sequence_length(
        lambda mel, target: tf.shape(mel)[0], bounds.tolist(), batch_sizes.tolist(), padding_values=(0.0, -1)
    )
    .prefetch(2)
)
ours_batch, ours_targets = next(iter(ours))
print(ours_batch.shape, "features,", ours_targets.shape, "targets")

# %% [markdown]
# The helper `training_batches` chains the same stages, and adds augmentation, masks and further epochs. Without these
# three, are its batches equal to ours?

# %%
theirs = pipeline.training_batches(speech, 40)
theirs_batch, theirs_targets = next(iter(theirs))
np.testing.assert_allclose(ours_batch, theirs_batch, atol=2e-4)
np.testing.assert_array_equal(ours_targets, theirs_targets)
print("equal:", decode(ours_targets[0, 1:][ours_targets[0, 1:] >= 0].numpy()))

# %% [markdown]
# With augmentation (notebook 03), a row looks like this. It is masked, and padded at the end:

# %%
stream = pipeline.training_batches(speech, 40, 0, Augmenter(), SpecAugment())
batch, targets = next(iter(stream))
row = int(np.argmin(targets[:, 0]))

# %% jupyter={"source_hidden": true}
spoken = 4 * int(targets[row, 0])
figure, ax = plots.new(size=(7, 2.8))
plots.spectrogram(batch[row, :spoken, :, 0].numpy(), ax, unit="deviations")
end = batch.shape[1] / 100
ax.axvspan(spoken / 100, end, facecolor="none", edgecolor=plots.GREY, hatch="///", linewidth=0)
ax.text((spoken / 100 + end) / 2, 40, "padding", ha="center", bbox={"facecolor": "white", "edgecolor": "none"})
ax.set(xlim=(0, end), title="")
figure.alt = "a spectrogram with flat bands where masks are; its end is hatched and labelled padding"
figure.caption = "One row of a training batch: flat bands are masks, the hatched end is padding."
figure

# %% [markdown]
# ## What does prefetching buy?
#
# Suppose the network takes 0.1 s per batch. Without prefetching, making a batch and training on it take turns. With
# `prefetch`, the next batches are made while the network trains.


# %% jupyter={"source_hidden": true}
class Clock:
    """An augmenter that records when it works. It is the slowest stage, so this is nearly all the pipeline's work."""

    def __init__(self):
        self.times = []

    def __call__(self, samples, rng):
        start = time.perf_counter()
        changed = augment(samples, rng)
        self.times.append((start, time.perf_counter()))
        return changed


# %%
def run(prefetch, batches=6 if PROFILE == "ci" else 14):
    """Return when clips were made and when batches were trained on (a sleep), as rows of start and end."""
    clock, trained = Clock(), []
    iterator = iter(pipeline.training_batches(speech, 40, 0, clock, SpecAugment(), prefetch=prefetch))
    next(iterator)  # the first batch fills the buckets: every pipeline makes the network wait for it
    begin = time.perf_counter()
    for _ in range(batches):
        start = time.perf_counter()
        time.sleep(0.1)
        trained.append((start, time.perf_counter()))
        next(iterator)
    end = trained[-1][1]
    made = np.array([row for row in clock.times if begin < row[0] and row[1] < end])
    return made.reshape(-1, 2) - begin, np.array(trained) - begin


runs = {"no prefetching": run(0), "prefetch(2)": run(pipeline.READ_AHEAD)}

# %% jupyter={"source_hidden": true}
longest = max(trained[-1, 1] for _, trained in runs.values())
waits = {}
figure, axes = plots.new(2, 1, (7, 3.4), sharex=True)
for ax, (name, lanes) in zip(axes, runs.items(), strict=True):
    for y, (times, color) in enumerate(zip(lanes, (plots.ORANGE, plots.BLUE), strict=True)):
        ax.barh(y, times[:, 1] - times[:, 0], 0.8, times[:, 0], color=color)
    waits[name] = lanes[1][-1, 1] - np.diff(lanes[1]).sum()
    title = (
        f"{name}: {len(lanes[1])} batches in {lanes[1][-1, 1]:.2f} s, of which the network waits {waits[name]:.2f} s"
    )
    ax.set(title=title, xlim=(0, longest), yticks=[0, 1], yticklabels=["makes clips", "trains"])
    ax.invert_yaxis()
axes[1].set_xlabel("time after the first batch (s)")
figure.alt = "two lanes, making clips and training; " + "; ".join(
    f"{k}: {v:.2f} s of waiting" for k, v in waits.items()
)
figure.caption = "White gaps in the lower lanes are time the network spends waiting. Prefetching closes them."
plots.save(figure, "04_prefetch")

# %% [markdown]
# Prefetching makes no stage faster. If making a batch takes longer than training on it, the gaps only shrink. (Clips are
# decoded two at a time, with and without prefetching.)
#
# ## TFRecords: many small files become a few large ones
#
# On a network disk, opening 28 539 files is what takes time. `asr prepare CORPUS --out DIR` writes them as a few large
# *shards*. A record holds the waveform, not the features, because a waveform can still be augmented.

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
# ## Break it: labels that do not fit
#
# CTC needs at least one output frame for each character. A clip of one second with a text of 40 characters has too few
# frames, and so may a clip that has got another one's transcript. Then the loss becomes infinite. The loader finds
# such pairs before training does:

# %%
long_text = "A SENTENCE THAT NOBODY CAN SAY IN HALF A SECOND"
print("needs", min_frames(encode(long_text)), "output frames; half a second has", num_frames(8000) // 4)

# %%
folder = Path(tempfile.mkdtemp("broken"))
for number, samples in enumerate((8000, 80_000)):  # half a second, and five
    soundfile.write(folder / f"1-1-000{number}.wav", 0.1 * rng.normal(size=samples), 16000)
(folder / "1-1.trans.txt").write_text(f"1-1-0000 {long_text}\n1-1-0001 {long_text}\n")
print(*pipeline.load_speech(folder).dropped)

# %% [markdown]
# ## Break it: float64
#
# NumPy computes in float64 by default. A TensorFlow graph that expects float32 rejects it.

# %%
drifted = waves[0] * np.ones(len(waves[0]))  # np.ones is float64, and so is the product
try:
    graph(tf.constant(drifted))
except TypeError as error:
    print(type(error).__name__, "·", str(error).splitlines()[0][:90])

# %% [markdown]
# Inside `tf.data` the error comes later and is less clear. `numpy_function` is given a type, trusts it, and fails only
# when the first element is fetched.


# %%
def of_the_wrong_type(position):
    return tf.numpy_function(lambda _: drifted, [position], tf.float32)


stream64 = tf.data.Dataset.range(1).map(of_the_wrong_type)
try:
    next(iter(stream64))
except tf.errors.InvalidArgumentError as error:
    print(type(error).__name__, "·", error.message.splitlines()[0].split("Iterator::")[-1])

# %% [markdown]
# `Augmenter` therefore promises float32 in and out, and a test checks it.
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
# Sort all clips of dev-mini by their length in frames (`num_frames`), and cut them into batches of 14. What fraction of
# the batches is padding now? And why does nobody train this way? `answer` is the list of batches, each an array of
# lengths.

# %% tags=["solution"]
dev = load_corpus(data_dir() / "mini" / "dev-mini").utterances
answer = in_batches(np.sort([num_frames(clip.samples) for clip in dev]), 14)
print(f"{padding(answer):.1%} padding, but every epoch has the same neighbours")

# %% tags=["check"]
check("04.1", answer)

# %% [markdown] tags=["exercise"]
# ### Exercise 04.2 · An order that survives a power cut
#
# *medium · 8 minutes*
#
# Write the shuffling in NumPy: a function of an epoch and a number of clips that returns the positions 0 to number − 1
# in random order. The same epoch must always give the same order, even after other random numbers have been drawn;
# another epoch must give another order. `answer` is the function.


# %% tags=["solution"]
def answer(epoch, number):
    return np.random.default_rng([0, epoch]).permutation(number)


print(answer(0, 8), answer(0, 8), answer(1, 8))

# %% tags=["check"]
check("04.2", answer)

# %% [markdown] tags=["exercise"]
# ### Exercise 04.3 · A small buffer
#
# *easy · 5 minutes*
#
# Write a function of a number of clips and their seconds that returns how many megabytes (millions of bytes) a shuffle
# buffer of their spectrograms takes, in float32. Then call it for 500 clips of 12.7 s, as in train-clean-100. `answer` is
# the function.


# %% tags=["solution"]
def answer(clips, seconds):
    return clips * seconds * 100 * 80 * 4 / 1e6


print(f"{answer(500, 12.7):.0f} MB")

# %% tags=["check"]
check("04.3", answer)

# %% [markdown]
# ### Open task · When does the network wait?
#
# *15 minutes, alone or in pairs*
#
# Change the 0.1 s of `run` until the network waits although `prefetch` is on. A good answer has three parts:
#
# | | |
# |---|---|
# | **a prediction** | the seconds per batch at which waiting begins, from the figure of the stages and before you run anything |
# | **a measurement** | three settings around it, each run three times, as a table with the spread |
# | **a remedy** | one change to the pipeline that moves the point, and by how much |

# %% [markdown] tags=["quiz"]
# ## Quiz
#
# **1. Why is the list of names shuffled, and not the spectrograms?**
#
# - [x] a name takes bytes, a spectrogram half a megabyte | The whole list fits into memory, so the mixing is perfect.
# - [ ] `tf.data` cannot shuffle arrays | It can, as long as the memory holds them.
# - [ ] names can be shuffled the same way again, spectrograms cannot | With a seed, both can.
#
# **2. What are buckets for?**
#
# - [ ] they train short sentences first | Batches come in any order.
# - [x] utterances of similar length share a batch, so there is less padding | Padding costs as much computation as speech.
# - [ ] they make shuffling unnecessary | The order is drawn first, in each epoch.
#
# **3. What does prefetching do?**
#
# - [ ] it runs each stage on more cores | No stage gets faster.
# - [ ] it keeps the corpus in memory | It keeps two batches or so.
# - [x] it makes the next batches while the network works on this one | The two overlap, so the network waits less.
#
# **4. The slowest stage of the pipeline makes 400 s of audio per second, and the network trains on 100. What should be made faster?**
#
# - [x] the network | The pipeline already keeps up, if it works ahead.
# - [ ] the pipeline | It would only wait longer for the network.
# - [ ] both equally | Only the slower of the two counts.
#
# **5. Why do the records hold waveforms and not features?**
#
# - [ ] waveforms are smaller | They are larger: 16 000 numbers per second against 8000.
# - [x] a waveform can still be augmented | Noise, rooms and speeds are applied to sound.
# - [ ] features would lose precision as float32 | Our features are float32 in any case.

# %% [markdown]
# ## Recap
#
# - A data set is a list of names until the last moment; shuffle the names.
# - Every random choice depends on (seed, epoch, index), so a resumed run repeats nothing and skips nothing.
# - Buckets keep padding small and batches equal in audio; prefetching hides the pipeline behind the network.
# - TFRecords turn many files into a few; ours hold waveforms, so augmentation stays possible.
#
# ## Further reading
#
# - [Better performance with tf.data](https://www.tensorflow.org/guide/data_performance): TensorFlow's own guide, with timelines like ours.
# - [TFRecord and tf.train.Example](https://www.tensorflow.org/tutorials/load_data/tfrecord): the file format, from the inside.
# - [Murray and others (2021), tf.data](https://arxiv.org/abs/2101.12127): why it was built, and how people use it.
#
# Next: [05 · CRNN and CTC](05_crnn_and_ctc.ipynb), the network, and how it learns *when* each letter was said.
