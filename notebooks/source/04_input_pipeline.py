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

import numpy as np
import tensorflow as tf

from asr_helpers import pipeline, plots, records
from asr_helpers.augment import Augmenter, SpecAugment
from asr_helpers.corpus import data_dir, load_corpus, read_audio
from asr_helpers.features import features, features_tf, num_frames
from asr_helpers.text import decode, encode, min_frames

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
    stage(items[0])  # the first call compiles and caches
    start = time.perf_counter()
    for item in items:
        stage(item)
    return sum(clip.seconds for clip in clips) / (time.perf_counter() - start)


# %%
mels = [tf.constant(features(wave)) for wave in waves]
graph = tf.function(features_tf, input_signature=[tf.TensorSpec([None])])
masked = tf.function(mask, input_signature=[tf.TensorSpec([None, 80]), tf.TensorSpec([2], tf.int64)])
stages = {
    "decode FLAC": (lambda clip: read_audio(clip.path), clips),
    "augment the waveform": (lambda wave: augment(wave, rng), waves),
    "features (NumPy)": (features, waves),
    "features (TensorFlow)": (graph, waves),
    "mask the features": (lambda mel: masked(mel, [1, 2]), mels),
}
rates = {name: rate(stage, items) for name, (stage, items) in stages.items()}

# %%
figure, ax = plots.new(size=(8, 2.4), alt="bars: audio-seconds per second for each stage of the pipeline")
bars = ax.barh(list(rates), list(rates.values()), color=plots.BLUE)
ax.bar_label(bars, [f" {value:,.0f}" for value in rates.values()])
ax.set(xscale="log", xlabel="seconds of audio per second (one core)", xlim=(30, 30_000))
ax.invert_yaxis()
plots.save(figure, "04_stage_costs")

# %% [markdown]
# The waveform effects are the slow part, and the longest bar is still not the network: training runs at one to
# two hundred audio-seconds per second on two cores. So the pipeline can keep ahead of it, if it works *while* the
# network does.
#
# ## How is one utterance made into an example?
#
# The network wants features; CTC wants the number of frames that come out of the network, and the labels.

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
sizes = {
    "spectrograms": audio * 100 * 80 * 4,
    "waveforms": audio * 16000 * 4,
    "names": len(speech.utterances) * 8,
}
for kind, size in sizes.items():
    hundred = size / audio * 100.6 * 3600
    print(f"{kind:12s} {size / 1e6:8.2f} MB here   {hundred / 1e9:10.4f} GB for train-clean-100")

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


figure, axes = plots.new(
    1, 2, (9, 2.6), "utterances of one batch as bars: random lengths, like lengths", sharex=True
)
for ax, batches, name in zip(axes, (random_batches, bucketed), ("random", "bucketed"), strict=True):
    batch = np.sort(batches[len(batches) // 2])[::-1]
    ax.barh(range(len(batch)), max(batch) / 100, color=plots.ORANGE, height=1, label="padding")
    ax.barh(range(len(batch)), batch / 100, color=plots.BLUE, height=0.9, label="speech")
    ax.set(title=f"{name}: {padding(batches):.0%} of all batches is padding", xlabel="time (s)", yticks=[])
axes[0].set_ylabel("utterances of a batch")
axes[1].legend(loc="lower right", frameon=True)
plots.save(figure, "04_padding")

# %% [markdown]
# Padding costs as much computation as speech does. LibriSpeech, whose clips run from 1.4 to 17 s, wastes far
# more of a random batch than this corpus of short radio messages.
#
# `buckets` also gives short utterances larger batches, so that each holds about the same seconds of audio.

# %%
for bound, size in list(zip(bounds, batch_sizes, strict=False))[2:12:3]:
    print(
        f"below {bound / 100:4.1f} s: {size:3d} utterances a batch, at most {bound * size / 100:.0f} s of audio"
    )

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
plots.spectrogram(
    batch[row, :, :, 0].numpy(), title="one row of a batch: masked, and padded with zeros at the end"
)

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
def run(dataset, batches=8 if PROFILE == "ci" else 20):
    """Return when each batch was asked for, came, and was trained on (a sleep), in seconds."""
    times, now = [], time.perf_counter
    iterator, start = iter(dataset), now()
    for _ in range(batches):
        asked = now() - start
        next(iterator)
        came = now() - start
        time.sleep(0.1)
        times.append((asked, came, now() - start))
    return np.array(times)


slow = pipeline.training_batches(speech, 40, 0, Augmenter(), SpecAugment(), prefetch=0)
runs = {"no prefetch": run(slow), "prefetch": run(stream)}

# %%
figure, ax = plots.new(size=(9, 2), alt="time line of waiting and training, without and with prefetching")
for y, times in enumerate(runs.values()):
    ax.barh(y, times[:, 1] - times[:, 0], left=times[:, 0], color=plots.ORANGE, label="waiting for a batch")
    ax.barh(y, times[:, 2] - times[:, 1], left=times[:, 1], color=plots.BLUE, label="training")
ax.set(yticks=range(2), yticklabels=list(runs), xlabel="time (s)")
ax.legend(*[part[:2] for part in ax.get_legend_handles_labels()], loc="upper right", frameon=True)
plots.save(figure, "04_prefetch")

# %% [markdown]
# ## TFRecords: many small files become a few large ones
#
# On a network disk, opening 28 539 files is what takes the time. `asr prepare CORPUS --out DIR` writes them as
# shards. A record holds the waveform, not features: a waveform can still be augmented.

# %%
folder = tempfile.mkdtemp()
utterances = load_corpus(data_dir() / "mini" / "dev-mini").utterances
problems = records.write_records(utterances, folder)
packed = pipeline.load_speech(folder)
print(len(packed.utterances), "utterances in", len(packed.shards), "shard;", len(problems), "problems")

# %%
name, samples = records.decode(next(iter(tf.data.TFRecordDataset(packed.shards))))
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

# %% [markdown]
# ## Break it: float64
#
# NumPy computes in float64 unless told otherwise; a TensorFlow graph that expects float32 will not take it.

# %%
drifted = waves[0] / np.float64(2)
try:
    graph(tf.constant(drifted * np.ones(len(drifted))))
except TypeError as error:
    print(type(error).__name__, "·", str(error).splitlines()[0][:90])

# %% [markdown]
# `Augmenter` therefore promises float32 in and out, and a test holds it to that.
#
# ## Exercises
#
# 1. How much padding is left if every bucket is 30 % wider than the last, instead of 15 %? And with only one?
# 2. How many epochs would fit into one minute if the pipeline were all there is? Time one epoch of `stream`.

# %% tags=["solution"]
for growth in (1.15, 1.3, 100):
    edges = 100 * growth ** np.arange(0, np.log(35) / np.log(growth) + 1)
    groups = np.searchsorted(edges, shuffled, side="right")
    split = [shuffled[groups == k] for k in np.unique(groups)]
    chunks = [part[i : i + 14] for part in split for i in range(0, len(part), 14)]
    print(f"{growth - 1:6.0%} wider: {padding(chunks):.1%} padding")

# %% tags=["solution"]
start = time.perf_counter()
seen = sum(len(targets) for _, targets in stream.take(steps))
print(f"{seen} utterances in {time.perf_counter() - start:.1f} s")

# %% [markdown]
# ## Recap
#
# - A data set is a list of names until the last moment; shuffle the names.
# - Everything random hangs on (seed, epoch, index): a resumed run repeats nothing and skips nothing.
# - Buckets keep padding small and batches equal in audio; prefetching hides the pipeline behind the network.
# - TFRecords turn many files into a few; ours hold waveforms, so augmentation stays possible.
#
# Next: [05 · CRNN and CTC](05_crnn_and_ctc.ipynb), the network, and how it learns without being told *when*.
