"""tf.data: shuffle → decode → augment → features → mask → bucket → prefetch.

Positions are shuffled, not audio or spectrograms: a full shuffle of train-clean-100 takes 28 539 integers.
Every random choice is drawn from (seed, epoch, position), so a resumed run sees the same data as an unbroken one.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import tensorflow as tf

from asr_helpers.batches import tfrecords
from asr_helpers.corpus.reading import Corpus, CorpusError, Utterance, find_transcripts, load_corpus
from asr_helpers.sound.audio import HOP, SAMPLE_RATE, AudioError, num_frames, read_audio
from asr_helpers.sound.augment import Augmenter, SpecAugment
from asr_helpers.sound.mel import MELS, WINDOW, features_tf, output_frames
from asr_helpers.system.text_files import read_transcript
from asr_helpers.text import ENGLISH, Alphabet, AlphabetError
from asr_helpers.words.ctc_lattice import min_frames

READ_AHEAD = 2  # batches prepared while the network computes, and clips decoded in parallel
EPOCHS_APART = 1_000_003  # shuffling and masks are seeded by seed * this + epoch, so that seeds share no epoch
# Added to a clip's position to seed the masks of its second view; larger than any corpus, so the seeds of two views
# never collide.
VIEWS_APART = 1 << 32
RECORD_SHUFFLE = 512  # records; they are in random order already, and the buffer only mixes neighbours


@dataclass
class Speech:
    """The utterances of a data set, and the reasons for those left out.

    `dropped` has one line for each utterance left out. A clip that proves unreadable when it is decoded is added then.

    Example:
        >>> Speech("none", []).summary()
        'none: 0 of 0 utterances, 0.0 min'
    """

    name: str
    utterances: list[Utterance]
    dropped: list[str] = field(default_factory=list)
    alphabet: Alphabet = ENGLISH
    shards: list[str] = field(default_factory=list)  # TFRecord files, if the corpus is a folder of records

    @property
    def seconds(self) -> float:
        return sum(utterance.seconds for utterance in self.utterances)

    def summary(self) -> str:
        """Return one line: how much speech is used, how much was dropped and why."""
        total = len(self.utterances) + len(self.dropped)
        line = f"{self.name}: {len(self.utterances)} of {total} utterances, {self.seconds / 60:.1f} min"
        if self.dropped:
            line += "; dropped " + "; ".join(self.dropped[:3])
        if len(self.dropped) > 3:
            line += f"; and {len(self.dropped) - 3} more"
        return line


def load_speech(*folders: Path | str, max_seconds: float = 20.0, alphabet: Alphabet = ENGLISH) -> Speech:
    """Return the speech of corpora (LibriSpeech layout) or of one folder written by `asr prepare`.

    A corpus named n times appears n times in each epoch, so that a small one keeps its weight beside a large one.
    Each utterance left out has its reason in `dropped`.

    Args:
        folders: corpora, or one folder of records.
        max_seconds: longer clips are left out: a single one would set the memory of a whole batch.
        alphabet: utterances with other characters are left out, as are those with fewer frames than CTC needs.

    Raises:
        CorpusError: a folder does not exist, holds no transcripts or damaged records, or nothing usable is left.

    Example:
        >>> from asr_helpers.corpus.reading import data_dir
        >>> load_speech(data_dir() / "mini" / "dev-mini").summary()
        'dev-mini: 55 of 55 utterances, 2.6 min'
    """
    times = Counter(map(Path, folders))
    name = ", ".join(folder.name if n == 1 else f"{n} x {folder.name}" for folder, n in times.items())
    shards = tfrecords.read_index(folders[0])
    if shards is None:
        corpus = load_corpus(*times, alphabet=alphabet)
    elif len(folders) == 1:  # records are read in their order, once an epoch
        corpus = Corpus([utterance for members in shards.values() for utterance in members], [])
    else:
        raise CorpusError(f"{folders[0]}: is a folder of records; prepare all corpora into one such folder")
    speech = Speech(name, [], list(corpus.problems), alphabet, list(shards or []))
    for utterance in corpus.utterances:
        reason = _unusable(utterance, max_seconds, alphabet)
        if reason:
            speech.dropped.append(f"{utterance.id}: {reason}")
        else:
            parents = Path(utterance.path).parents
            speech.utterances += [utterance] * max(n for folder, n in times.items() if folder in parents)
    if not speech.utterances:
        raise CorpusError(f"{name}: no usable utterance; {speech.summary()}")
    return speech


def find_alphabet(*folders: Path | str) -> Alphabet:
    """Return the alphabet of the transcripts of corpora, or of one folder of records.

    Raises:
        CorpusError: a folder does not exist, or the transcripts hold no letter.
        TextError: a transcript cannot be read.

    Example:
        >>> from asr_helpers.corpus.reading import data_dir
        >>> find_alphabet(data_dir() / "mini" / "dev-mini").characters
        " 'ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    """
    shards = tfrecords.read_index(folders[0])
    if shards is not None:
        return Alphabet.of_texts(utterance.text for members in shards.values() for utterance in members)
    files = [file for folder in folders for file in find_transcripts(folder)]
    try:
        return Alphabet.of_texts(text for file in files for _, _, text in read_transcript(file))
    except AlphabetError as error:
        raise CorpusError(f"{folders[0]}: {error}; its transcripts hold no letter") from None


def _unusable(utterance: Utterance, max_seconds: float, alphabet: Alphabet) -> str | None:
    """Return why an utterance cannot be used, or None."""
    unknown = sorted(set(utterance.text) - set(alphabet.characters))
    if unknown:  # in records, which were prepared for another alphabet
        return f"{' '.join(unknown)!r} is outside the alphabet ({alphabet})"
    if utterance.seconds > max_seconds:
        return f"{utterance.seconds:.1f} s, longer than {max_seconds:g} s"
    have, need = output_frames(num_frames(utterance.samples)), min_frames(alphabet.encode(utterance.text))
    return f"{need} frames needed to spell it, {have} there" if need > have else None


def training_batches(
    speech: Speech,
    batch_seconds: float,
    first_epoch: int = 0,
    augmenter: Augmenter | None = None,
    spec_augment: SpecAugment | None = None,
    seed: int = 0,
    prefetch: int = READ_AHEAD,
    views: int = 1,
    worker: tuple[int, int] = (0, 1),
    splicer: Callable | None = None,
) -> tf.data.Dataset:
    """Return an endless stream of batches, epoch after epoch, `batches_per_epoch` in each.

    A batch is (features, targets): float32 (batch, frames, 80, 1) and int32 (batch, 1 + characters), see
    `network.pack_targets`. Every epoch is shuffled and augmented afresh. If clips are unreadable, the epoch's first
    batches are repeated in their place, so that the next epoch begins at the same step.

    Args:
        speech: the utterances.
        batch_seconds: audio in a batch; with two views each utterance counts once.
        first_epoch: the number of the stream's first epoch, from 0; a resumed run starts at a later one.
        augmenter: changes waveforms.
        spec_augment: masks features.
        seed: of all random choices.
        prefetch: batches prepared while the network computes.
        views: with 2, a batch holds each utterance twice under different masks: first all rows in one view, then all
            rows in the other (`network.disagreement`).
        worker: data-parallel training: with `worker=(rank, workers)` each batch keeps rows rank, rank+workers, … and
            gains a third element, sample weights float32 (rows,), chosen so that averaging the workers' weighted mean
            losses gives the mean over the full batch. Batches with fewer rows than workers are dropped. Every worker
            still decodes the whole batch, because all must pad to the same length; decoding (about 800 s of audio per
            second and core) therefore bounds the total speed.
        splicer: replaces pieces of a clip and its text before everything else (`Splicer`).

    Raises:
        tf.errors.FailedPreconditionError: on iteration, if no clip of an epoch can be read.

    Example:
        >>> from asr_helpers.corpus.reading import data_dir
        >>> stream = training_batches(load_speech(data_dir() / "mini" / "dev-mini"), batch_seconds=20)
        >>> [array.shape for array in stream.element_spec]
        [TensorShape([None, None, 80, 1]), TensorShape([None, None])]
    """
    load = _loader(speech, augmenter, seed, splicer)
    steps = batches_per_epoch(speech, batch_seconds, worker[1], augmenter)
    lengthens = isinstance(augmenter, Augmenter) and augmenter.silence_probability > 0  # it may be another function

    @tf.autograph.experimental.do_not_convert  # converting its loops over utterances takes 30 s for 1 000 hours
    def one_epoch(epoch):
        def example(position, samples):
            return _example(load, epoch, position, samples, spec_augment, seed, views)

        clips = _clips(speech, order_seed=epoch + seed * EPOCHS_APART + 1)  # tf.data takes 0 for "no seed"
        examples = clips.map(example, num_parallel_calls=READ_AHEAD)
        batches = _bucket(examples, speech, batch_seconds, views, worker, by_features=lengthens)
        return batches.repeat().take(steps).apply(tf.data.experimental.assert_cardinality(steps))

    epochs = tf.data.Dataset.range(first_epoch, tf.int64.max)
    return tfrecords.untuned(epochs.flat_map(one_epoch).prefetch(prefetch))


def validation_batches(speech: Speech, batch_seconds: float) -> Iterable[tuple[tf.Tensor, tf.Tensor]]:
    """Return the batches of one pass over `speech`, in the corpus's order, without augmentation.

    Each iteration prepares them again, and raises CorpusError if a shard is damaged.

    Example:
        >>> from asr_helpers.corpus.reading import data_dir
        >>> speech = load_speech(data_dir() / "mini" / "dev-mini")
        >>> sum(len(targets) for _, targets in validation_batches(speech, batch_seconds=20))
        55
    """
    load = _loader(speech, None, seed=0)
    clips = _clips(speech, order_seed=None)
    examples = clips.map(lambda position, samples: _example(load, 0, position, samples), READ_AHEAD)
    batches = _bucket(examples, speech, batch_seconds).prefetch(READ_AHEAD)
    return tfrecords.CheckedBatches(tfrecords.untuned(batches), speech.shards)


def batches_per_epoch(
    speech: Speech, batch_seconds: float, workers: int = 1, augmenter: Augmenter | None = None
) -> int:
    """Return the number of batches in an epoch, the same in every epoch, although augmentation changes lengths.

    If `augmenter` puts silence around clips, it is the number for one random draw of it.

    Example:
        >>> from asr_helpers.corpus.reading import data_dir
        >>> batches_per_epoch(load_speech(data_dir() / "mini" / "dev-mini"), batch_seconds=20)
        11
    """
    bounds, sizes = buckets(batch_seconds, workers)
    frames = np.array([num_frames(utterance.samples) for utterance in speech.utterances])
    if isinstance(augmenter, Augmenter) and augmenter.silence_probability:
        rng = np.random.default_rng(0)
        chosen = rng.random(len(frames)) < augmenter.silence_probability
        for low, high in (augmenter.silence_before, augmenter.silence_after):
            seconds = rng.uniform(low, high, len(frames))
            frames = frames + np.where(chosen, seconds * SAMPLE_RATE / HOP, 0).astype(int)
    counts = np.bincount(np.searchsorted(bounds, frames, side="right"), minlength=len(sizes))
    return int(np.sum(counts // sizes + (counts % sizes >= workers)))


def buckets(batch_seconds: float, least: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Return the bucket bounds in frames (buckets - 1,), and the utterances in a batch of each bucket (buckets,).

    A batch holds utterances of similar length, so that little of it is padding, and about `batch_seconds` of audio:
    many short utterances or few long ones, but not fewer than `least`.

    Example:
        >>> bounds, sizes = buckets(batch_seconds=20)
        >>> int(bounds[0]), int(sizes[0]), int(bounds[-1]), int(sizes[-1])  # 20 clips of 1 s, one of 35 s
        (100, 20, 3500, 1)
    """
    bounds = np.unique(np.geomspace(100, 3500, 26).astype(int))  # each bucket is 15 % wider than the last
    sizes = np.maximum(least, int(batch_seconds * SAMPLE_RATE / HOP) // np.append(bounds, bounds[-1]))
    return bounds, sizes


def _bucket(
    examples: tf.data.Dataset,
    speech: Speech,
    batch_seconds: float,
    views: int = 1,
    worker: tuple[int, int] = (0, 1),
    by_features: bool = False,
) -> tf.data.Dataset:
    """Return the examples of `_example` as padded batches: (features, targets), or with several workers also weights.

    The rows of a batch are this worker's clips in the first view, then the same clips in the second. Clips are sorted
    by the length of their recordings, or `by_features` by that of their features, which silence may have lengthened.
    """
    rank, workers = worker
    bounds, sizes = buckets(batch_seconds, workers)
    frames = tf.constant([num_frames(utterance.samples) for utterance in speech.utterances])
    readable = examples.filter(lambda position, spectrogram, targets: targets[0] > 0)
    batches = readable.bucket_by_sequence_length(
        lambda position, spectrogram, targets: tf.shape(spectrogram)[0] if by_features else frames[position],
        bucket_boundaries=bounds.tolist(),
        bucket_batch_sizes=sizes.tolist(),
        padded_shapes=([], [None, MELS, views], [None]),
        padding_values=(np.int64(0), 0.0, -1),
    )

    def arrange(positions, spectrograms, targets):
        mine = spectrograms[rank::workers]  # (clips, frames, 80, views): `_example` stacks a clip's views as channels
        features = tf.concat(tf.split(mine, views, axis=-1), axis=0)  # (views * clips, frames, 80, 1)
        batch = features, tf.tile(targets[rank::workers], [views, 1])
        if workers == 1:
            return batch
        weight = workers * tf.shape(mine)[0] / tf.shape(positions)[0]
        return *batch, tf.fill(tf.shape(features)[:1], tf.cast(weight, tf.float32))

    if workers > 1:
        batches = batches.filter(lambda positions, spectrograms, targets: tf.size(positions) >= workers)
    return batches.map(arrange)


def _loader(speech: Speech, augmenter: Augmenter | None, seed: int, splicer: Callable | None = None):
    """Return the part of the pipeline that runs in Python: (epoch, position, samples) to (labels, samples).

    Empty samples are read from the clip's file; if that fails, they stay empty.
    """

    def load(epoch, position, samples):
        utterance = speech.utterances[position]
        labels = speech.alphabet.encode(utterance.text)
        if not len(samples):
            try:
                samples = read_audio(utterance.path)
            except AudioError as error:  # one unreadable file must not end a long run
                if str(error) not in speech.dropped:
                    speech.dropped.append(str(error))
                return labels, samples
        rng = np.random.default_rng((seed, epoch, position))
        if splicer is not None:
            spliced, text = splicer(utterance, samples, rng)
            new = speech.alphabet.encode(text)
            if output_frames(num_frames(len(spliced))) >= min_frames(new):
                labels, samples = new, spliced
        if augmenter is not None:
            augmented = augmenter(samples, rng)
            if output_frames(num_frames(len(augmented))) >= min_frames(labels):
                samples = augmented
        return labels, samples

    return load


def _clips(speech: Speech, order_seed) -> tf.data.Dataset:
    """Return (position, samples) of every utterance, shuffled if there is a seed (a tensor).

    Samples, float32 (samples,), are empty if they are yet to be read from the clip's file.
    """

    def shuffled(items, buffer_size):
        return items if order_seed is None else items.shuffle(buffer_size, order_seed, reshuffle_each_iteration=False)

    if not speech.shards:
        positions = shuffled(tf.data.Dataset.range(len(speech.utterances)), len(speech.utterances))
        return positions.map(lambda position: (position, tf.zeros([0])))

    position_of = {utterance.id.encode(): position for position, utterance in enumerate(speech.utterances)}

    def parse(record):
        name, samples = tfrecords.parse_example(record)
        position = tf.numpy_function(lambda name: np.int64(position_of.get(name, -1)), [name], tf.int64)
        return tf.ensure_shape(position, []), samples

    shards = shuffled(tf.data.Dataset.from_tensor_slices(speech.shards), len(speech.shards))
    clips = shuffled(tf.data.TFRecordDataset(shards), RECORD_SHUFFLE).map(parse)
    return clips.filter(lambda position, samples: position >= 0)  # -1: dropped by `load_speech`


def _example(load, epoch, position, samples, spec_augment: SpecAugment | None = None, seed: int = 0, views: int = 1):
    """Return (position, features, targets) of one clip; targets[0] is 0 if the clip is unreadable.

    Features are float32 (frames, 80, views). The views of a clip are stacked as channels so that they reach the same
    batch and are padded alike; `_bucket` makes rows of them.
    """
    labels, samples = tf.numpy_function(load, [epoch, position, samples], [tf.int32, tf.float32])
    labels, samples = tf.ensure_shape(labels, [None]), tf.ensure_shape(samples, [None])
    readable = tf.size(samples) >= WINDOW
    spectrogram = tf.cond(readable, lambda: features_tf(samples), lambda: tf.zeros([1, MELS]))
    spectrogram = tf.ensure_shape(spectrogram, [None, MELS])  # (frames, 80)
    spectrograms = [spectrogram] * views
    if spec_augment is not None:
        seeds = [tf.stack([epoch + seed * EPOCHS_APART, position + view * VIEWS_APART]) for view in range(views)]
        spectrograms = [spec_augment(spectrogram, view_seed) for view_seed in seeds]
    frames = tf.where(readable, output_frames(tf.shape(spectrogram)[0]), 0)
    return position, tf.stack(spectrograms, axis=-1), tf.concat([frames[None], labels], 0)
