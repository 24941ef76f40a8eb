"""Sharded TFRecords: a corpus as a few large files, which disks and networks read faster than many small ones.

A record holds the waveform as 16-bit samples (so that it can still be augmented), not features.
"""

import json
from pathlib import Path

import numpy as np
from tqdm import tqdm

from asr_helpers import files
from asr_helpers.corpus import CorpusError, Utterance, read_audio, to_pcm16

INDEX = "index.json"
PER_SHARD = 1000  # utterances: about 400 MB of LibriSpeech, 70 MB of the embedded corpus
_SHARDS = "[0-9][0-9][0-9][0-9]-of-[0-9][0-9][0-9][0-9].tfrecord"


def write_records(utterances: list[Utterance], folder, seed: int = 0) -> list[str]:
    """Write `utterances` in a random order as TFRecord shards, and an index of what they hold.

    A shard that is whole, and was made of the same clips and texts, is kept, so a killed run goes on where it
    stopped, and what was added or mended since is renewed. The index is written last: a folder without one is
    not finished.

    Returns:
        one line for each utterance whose audio could not be read (it is left out).

    Raises:
        CorpusError: the folder holds the records of another corpus, or cannot be written.
    """
    folder = Path(folder)
    order = np.random.default_rng(seed).permutation(len(utterances))
    parts = [order[start : start + PER_SHARD] for start in range(0, len(order), PER_SHARD)]
    shards = {
        folder / f"{number:04d}-of-{len(parts):04d}.tfrecord": [utterances[position] for position in members]
        for number, members in enumerate(parts)
    }
    problems = []
    with (
        files.alone(folder),
        tqdm(total=len(order), desc=f"writing {folder.name}", unit="utt", delay=2) as bar,
    ):
        files.clear(folder)
        there = {entry[0] for shard in folder.glob(_SHARDS) for entry in _read_listing(shard) or []}
        if there and there.isdisjoint(utterance.id for utterance in utterances):
            raise CorpusError(f"{folder}: holds records of another corpus; choose an empty folder")
        for shard, members in shards.items():
            sources = [_source(utterance) for utterance in members]
            if _read_listing(shard) == sources and _count(shard) == len(sources):
                bar.update(len(members))
                continue
            (folder / INDEX).unlink(missing_ok=True)  # what it says is about to be untrue
            problems += _write_shard(shard, members, sources, bar)
        files.write(folder / INDEX, json.dumps([shard.name for shard in shards]))
        for shard in set(folder.glob(_SHARDS)) - set(shards):  # of a smaller or larger corpus
            shard.unlink()
            Path(f"{shard}.json").unlink(missing_ok=True)
    return problems


def _source(utterance: Utterance) -> list:
    """Return what tells whether a clip or its text is another than when a shard was written."""
    try:
        status = utterance.path.stat()
    except OSError:  # reading it will say what is wrong
        return [utterance.id, utterance.text, utterance.samples, None, None]
    return [utterance.id, utterance.text, utterance.samples, status.st_size, status.st_mtime_ns]


def _write_shard(shard: Path, members: list[Utterance], sources: list[list], bar: tqdm) -> list[str]:
    """Write a shard, then the listing that says what a whole one holds; return a line for each unreadable clip."""
    import tensorflow as tf

    held, problems = [], []
    try:
        with files.whole(shard) as part, tf.io.TFRecordWriter(str(part)) as writer:
            for utterance, source in zip(members, sources, strict=True):
                bar.update()
                try:
                    samples = read_audio(utterance.path)
                except CorpusError as error:
                    problems.append(str(error))
                    continue
                writer.write(_encode(utterance, samples))
                held.append(source)
        files.write(f"{shard}.json", json.dumps(held))
    except tf.errors.OpError as error:
        reason = str(error.message).splitlines()[0]
        raise CorpusError(f"{shard}: cannot be written ({reason}); make room and run this again") from None
    return problems


def _encode(utterance: Utterance, samples: np.ndarray) -> bytes:
    import tensorflow as tf

    def text(value):
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))

    feature = {
        "id": text(utterance.id.encode()),
        "text": text(utterance.text.encode()),
        "pcm": text(to_pcm16(samples).tobytes()),
    }
    example = tf.train.Example(features=tf.train.Features(feature=feature))
    return example.SerializeToString(deterministic=True)


def decode(record):
    """Return (id, samples float32 (n,)) of one serialised record, as TensorFlow ops."""
    import tensorflow as tf

    fields = {name: tf.io.FixedLenFeature([], tf.string) for name in ("id", "pcm")}
    parsed = tf.io.parse_single_example(record, fields)
    samples = tf.cast(tf.io.decode_raw(parsed["pcm"], tf.int16), tf.float32) / 32768
    return parsed["id"], samples


def read_index(folder) -> dict[str, list[Utterance]] | None:
    """Return each shard's path and utterances, or None where `folder` holds no finished records.

    Raises:
        CorpusError: the index, a listing or a shard is damaged or missing.
    """
    index = Path(folder) / INDEX
    if not index.exists():
        if any(index.parent.glob(f"{_SHARDS}*")):
            raise CorpusError(f"{folder}: holds unfinished records; run `asr prepare` again to go on")
        return None
    names = _read_json(index)
    if not isinstance(names, list) or not all(
        isinstance(name, str) and Path(name).match(_SHARDS) for name in names
    ):
        raise CorpusError(f"{index}: damaged; delete it and run `asr prepare` again")
    shards = {}
    for shard in (index.parent / Path(name).name for name in names):
        listing = _read_listing(shard)
        if listing is None or _count(shard) != len(listing):
            raise CorpusError(f"{shard}: missing, cut off or damaged; run `asr prepare` again")
        shards[str(shard)] = [Utterance(key, shard, text, samples) for key, text, samples, *_ in listing]
    return shards


def damaged(shards: list[str]) -> str | None:
    """Return the first of the shards whose records cannot all be read, if there is one."""
    import tensorflow as tf

    for shard in shards:
        try:
            for _ in tf.data.TFRecordDataset(shard).map(decode):
                pass
        except tf.errors.OpError:
            return shard
    return None


def _read_listing(shard: Path) -> list[list] | None:
    """Return what a shard is said to hold, [id, text, samples, bytes, age] each, or None if nothing sensible."""
    listing = _read_json(Path(f"{shard}.json"))
    if not isinstance(listing, list) or not all(map(_is_entry, listing)):
        return None
    return listing


def _is_entry(entry) -> bool:
    return (
        isinstance(entry, list)
        and len(entry) == 5
        and isinstance(entry[0], str)
        and isinstance(entry[1], str)
        and type(entry[2]) is int
        and 0 < entry[2] < 2**40
    )


def _read_json(path: Path):
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None


def _count(shard: Path) -> int:
    """Return how many whole records a file holds, by the lengths that stand before them; -1 if the last is cut off."""
    try:
        size, place, count = shard.stat().st_size, 0, 0
        with open(shard, "rb") as file:
            while place < size:
                file.seek(place)
                place += 16 + int.from_bytes(
                    file.read(8), "little"
                )  # the length, its sum, the record, its sum
                count += 1
    except OSError:
        return -1
    return count if place == size else -1
