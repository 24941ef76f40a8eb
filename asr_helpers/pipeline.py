"""tf.data: decode → augment → features → filter → shuffle → bucket → prefetch.

Only names are shuffled, never audio or spectrograms: a full shuffle of train-clean-100 costs 28 539 integers.
Whatever is random is drawn from (seed, epoch, index), so a resumed run sees what an unbroken one would have.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import tensorflow as tf

from asr_helpers import records
from asr_helpers.augment import Augmenter, SpecAugment
from asr_helpers.corpus import (
    SAMPLE_RATE,
    Corpus,
    CorpusError,
    Utterance,
    find_transcripts,
    load_corpus,
    read_audio,
)
from asr_helpers.features import HOP, MELS, WINDOW, features_tf, num_frames
from asr_helpers.model import output_frames
from asr_helpers.text import ENGLISH, Alphabet, TextError, first_line, min_frames, read_transcript

READ_AHEAD = 2  # batches made while the network works, and clips decoded side by side
EPOCHS_APART = 1_000_003  # a seed's epochs are numbered seed * this + epoch, so no two seeds share one
VIEWS_APART = 1 << 32  # a clip's second view is masked like a clip that no corpus is large enough to have
RECORD_SHUFFLE = 512  # records are in random order already; the buffer only mixes neighbours


@dataclass
class Speech:
    """The utterances a data set will give, and those it will not.

    `dropped` has one line for each utterance left out, with the reason; clips that prove unreadable only when
    they are decoded are added to it then.
    """

    name: str
    utterances: list[Utterance]
    dropped: list[str] = field(default_factory=list)
    alphabet: Alphabet = ENGLISH
    shards: list[str] = field(default_factory=list)  # TFRecord files, where `asr prepare` made the corpus

    @property
    def seconds(self) -> float:
        return sum(utterance.seconds for utterance in self.utterances)

    def summary(self) -> str:
        """Return one line: what is used, what was dropped and for which reasons."""
        total = len(self.utterances) + len(self.dropped)
        line = f"{self.name}: {len(self.utterances)} of {total} utterances, {self.seconds / 60:.1f} min"
        if self.dropped:
            line += "; dropped " + "; ".join(self.dropped[:3])
            line += f"; and {len(self.dropped) - 3} more" if len(self.dropped) > 3 else ""
        return line


def load_speech(*folders, max_seconds: float = 20.0, alphabet: Alphabet = ENGLISH) -> Speech:
    """Return the speech of corpora (LibriSpeech layout) or of one folder written by `asr prepare`.

    A corpus named several times is heard as often in each epoch: so a small one keeps its weight beside a large.

    Left out, each with a line that says why: what `load_corpus` reports (a transcript outside `alphabet`, say),
    clips longer than `max_seconds` (one of them would set the memory of a whole batch), and transcripts that CTC
    cannot spell in the clip's frames.

    Raises:
        CorpusError: a folder does not exist, holds no transcripts or damaged records, or nothing usable is left.
    """
    times = Counter(map(Path, folders))
    name = ", ".join(folder.name if n == 1 else f"{n} x {folder.name}" for folder, n in times.items())
    shards = records.read_index(folders[0])
    if shards is None:
        corpus = load_corpus(*times, alphabet=alphabet)
    elif len(folders) == 1:  # records are read as they lie: once an epoch
        corpus = Corpus([utterance for held in shards.values() for utterance in held], [])
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


def find_alphabet(*folders) -> Alphabet:
    """Return the alphabet that the transcripts of corpora, or of one folder of records, are written in.

    Raises:
        ValueError: a folder does not exist, a transcript cannot be read, or there is no letter in them.
    """
    shards = records.read_index(folders[0])
    if shards is not None:
        return Alphabet.of_texts(utterance.text for held in shards.values() for utterance in held)
    files = [file for folder in folders for file in find_transcripts(folder)]
    try:
        return Alphabet.of_texts(text for file in files for _, _, text in read_transcript(file))
    except TextError:
        raise
    except ValueError as error:
        raise CorpusError(f"{folders[0]}: {error}; its transcripts hold no letter") from None


def _unusable(utterance: Utterance, max_seconds: float, alphabet: Alphabet) -> str | None:
    strangers = sorted(set(utterance.text) - set(alphabet.characters))
    if strangers:  # in records, which were prepared for another alphabet
        return f"{' '.join(strangers)!r} is outside the alphabet ({alphabet})"
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
    share: tuple[int, int] = (0, 1),
    splicer: Callable | None = None,
) -> tf.data.Dataset:
    """Return an endless stream of batches, epoch after epoch, `batches_per_epoch` of them in each.

    A batch is (features, targets): float32 (batch, frames, 80, 1) and int32 (batch, 1 + characters), see
    `ctc.pack_targets`. Every epoch has an order of its own and is augmented anew. Where clips prove unreadable, an
    epoch's first batches come again in their place, so that every epoch begins where it would have begun.

    With two `views` a batch holds each utterance twice, with masks of its own each time: first all in one view, then
    all in the other (`ctc.disagreement`). `batch_seconds` counts an utterance once.

    With a `splicer` (`splicing.Splicer`), pieces of clips and of their texts give way to others before anything else.

    With a `share` (r, n) of n workers, a batch holds every n-th of the rows that it would have, from the r-th on, and a
    third array, float32 (batch,), with which the sum of the workers' mean losses, over n, is the mean of them all. A
    batch with fewer rows than workers is left out. Each worker decodes whole batches, for the longest row of all, as
    augmentation left it, says how far every row is padded. So together they train no faster than one of them decodes:
    some 800 seconds of audio a second and core, six times what a core trains on, and less than a GPU.

    The stream raises tf.errors.FailedPreconditionError where not one clip of an epoch can be read.
    """
    load = _loader(speech, augmenter, seed, splicer)

    @tf.autograph.experimental.do_not_convert  # its loops are over utterances: converted, half a minute for 1 000 hours
    def one_epoch(epoch):
        def example(position, samples):
            return _example(load, epoch, position, samples, spec_augment, seed, views)

        clips = _clips(speech, order_seed=epoch + seed * EPOCHS_APART + 1)  # tf.data takes 0 for "no seed"
        examples = clips.map(example, num_parallel_calls=READ_AHEAD)
        batches = _bucket(examples, speech, batch_seconds, views, share)
        return batches.repeat().take(steps).apply(tf.data.experimental.assert_cardinality(steps))

    steps = batches_per_epoch(speech, batch_seconds, workers=share[1])
    return tf.data.Dataset.range(first_epoch, tf.int64.max).flat_map(one_epoch).prefetch(prefetch)


def validation_batches(speech: Speech, batch_seconds: float) -> Iterable[tuple[tf.Tensor, tf.Tensor]]:
    """Return the batches of one pass over `speech`, in the corpus's order, nothing augmented.

    Each time they are gone through, they are made anew; it raises CorpusError where a shard is damaged inside.
    """
    load = _loader(speech, None, seed=0)
    clips = _clips(speech, order_seed=None)
    examples = clips.map(lambda position, samples: _example(load, 0, position, samples), READ_AHEAD)
    return _Pass(_bucket(examples, speech, batch_seconds).prefetch(READ_AHEAD), speech.shards)


@dataclass(frozen=True)
class _Pass:
    """A data set as a plain iterable, because an error of tf.data's own names no file."""

    batches: tf.data.Dataset
    shards: list[str]

    def __iter__(self):
        try:
            yield from self.batches
        except tf.errors.OpError as error:
            raise CorpusError(records.damage(self.shards) or first_line(error.message)) from None


def batches_per_epoch(speech: Speech, batch_seconds: float, workers: int = 1) -> int:
    """Return how many batches one epoch has: the same in every epoch, whatever augmentation does to lengths."""
    bounds, sizes = buckets(batch_seconds, workers)
    frames = [num_frames(utterance.samples) for utterance in speech.utterances]
    counts = np.bincount(np.searchsorted(bounds, frames, side="right"), minlength=len(sizes))
    return int(np.sum(counts // sizes + (counts % sizes >= workers)))


def buckets(batch_seconds: float, least: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Return the bucket bounds in frames, and how many utterances a batch of each bucket holds.

    Utterances of like length share a batch, so little of it is padding, and every batch holds about
    `batch_seconds` of audio: of short utterances many, of long ones few, and `least` of the longest.
    """
    bounds = np.unique(np.geomspace(100, 3500, 26).astype(int))  # each bucket is 15 % wider than the last
    sizes = np.maximum(least, int(batch_seconds * SAMPLE_RATE / HOP) // np.append(bounds, bounds[-1]))
    return bounds, sizes


def _bucket(
    examples: tf.data.Dataset,
    speech: Speech,
    batch_seconds: float,
    views: int = 1,
    share: tuple[int, int] = (0, 1),
) -> tf.data.Dataset:
    """Return (position, features, targets) as padded batches of (features, targets), the views one after the other.

    Of the rows only this worker's `share`, with a weight for each where there are others.
    """
    worker, workers = share
    bounds, sizes = buckets(batch_seconds, workers)
    frames = tf.constant([num_frames(utterance.samples) for utterance in speech.utterances])
    readable = examples.filter(lambda position, spectrogram, targets: targets[0] > 0)
    batches = readable.bucket_by_sequence_length(
        lambda position, spectrogram, targets: frames[position],
        bucket_boundaries=bounds.tolist(),
        bucket_batch_sizes=sizes.tolist(),
        padded_shapes=([], [None, MELS, views], [None]),
        padding_values=(np.int64(0), 0.0, -1),
    )

    def arranged(positions, spectrograms, targets):
        mine = spectrograms[worker::workers]
        features = tf.concat(tf.split(mine, views, axis=-1), axis=0)
        batch = features, tf.tile(targets[worker::workers], [views, 1])
        if workers == 1:
            return batch
        weight = workers * tf.shape(mine)[0] / tf.shape(positions)[0]
        return *batch, tf.fill(tf.shape(features)[:1], tf.cast(weight, tf.float32))

    if workers > 1:
        batches = batches.filter(lambda positions, spectrograms, targets: tf.size(positions) >= workers)
    return batches.map(arranged)


def _loader(speech: Speech, augmenter: Augmenter | None, seed: int, splicer: Callable | None = None):
    """Return the Python part of the pipeline: (epoch, position, samples or none yet) to (labels, samples)."""

    def load(epoch, position, samples):
        utterance = speech.utterances[position]
        labels = speech.alphabet.encode(utterance.text)
        if not len(samples):
            try:
                samples = read_audio(utterance.path)
            except CorpusError as error:  # one bad file must not end a long run
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
    """Return (position, samples or none yet) of every utterance, shuffled if there is a seed (a tensor)."""

    def shuffled(items, among):
        return (
            items if order_seed is None else items.shuffle(among, order_seed, reshuffle_each_iteration=False)
        )

    if not speech.shards:
        positions = shuffled(tf.data.Dataset.range(len(speech.utterances)), len(speech.utterances))
        return positions.map(lambda position: (position, tf.zeros([0])))

    position_of = {utterance.id.encode(): position for position, utterance in enumerate(speech.utterances)}

    def parse(record):
        name, samples = records.decode(record)
        position = tf.numpy_function(lambda name: np.int64(position_of.get(name, -1)), [name], tf.int64)
        return tf.ensure_shape(position, []), samples

    shards = shuffled(tf.data.Dataset.from_tensor_slices(speech.shards), len(speech.shards))
    clips = shuffled(tf.data.TFRecordDataset(shards), RECORD_SHUFFLE).map(parse)
    return clips.filter(lambda position, samples: position >= 0)  # -1: dropped by `load_speech`


def _example(
    load, epoch, position, samples, spec_augment: SpecAugment | None = None, seed: int = 0, views: int = 1
):
    """Return (position, features, targets) of one clip, its views as channels; targets[0] is 0 if it is unreadable."""
    labels, samples = tf.numpy_function(load, [epoch, position, samples], [tf.int32, tf.float32])
    labels, samples = tf.ensure_shape(labels, [None]), tf.ensure_shape(samples, [None])
    readable = tf.size(samples) >= WINDOW
    spectrogram = tf.cond(readable, lambda: features_tf(samples), lambda: tf.zeros([1, MELS]))
    spectrogram = tf.ensure_shape(spectrogram, [None, MELS])
    spectrograms = [spectrogram] * views
    if spec_augment is not None:
        places = [position + view * VIEWS_APART for view in range(views)]
        spectrograms = [
            spec_augment(spectrogram, tf.stack([epoch + seed * EPOCHS_APART, place])) for place in places
        ]
    frames = tf.where(readable, output_frames(tf.shape(spectrogram)[0]), 0)
    return position, tf.stack(spectrograms, axis=-1), tf.concat([frames[None], labels], 0)
