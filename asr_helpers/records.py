"""Sharded TFRecords: a corpus as a few large files, which disks and networks read faster than many small ones.

A record holds the waveform as 16-bit samples (so that it can still be augmented), not features.
"""

import hashlib
import json
from pathlib import Path

import numpy as np
from tqdm import tqdm

from asr_helpers import files
from asr_helpers.corpus import CorpusError, Utterance, read_audio, to_pcm16
from asr_helpers.text import first_line

INDEX = "index.json"
PLAN = "plan.json"  # what is being written, until the index says that it is done
PER_SHARD = 1000  # utterances: about 400 MB of LibriSpeech, 70 MB of the embedded corpus
_AROUND = 16  # bytes that TFRecord puts around a record: its length, and a checksum of either
_SHARDS = "[0-9][0-9][0-9][0-9]-of-[0-9][0-9][0-9][0-9].tfrecord"


def write_records(
    utterances: list[Utterance], folder, seed: int = 0, share: tuple[int, int] = (0, 1)
) -> list[str]:
    """Write `utterances` in a random order as TFRecord shards, and an index of what they hold.

    A shard that is whole, and was made of the same clips and texts, is kept, so a killed run goes on where it
    stopped, and what was added or mended since is renewed. The index is written last: a folder without one is
    not finished.

    Several processes, on machines that all see the folder, may take a `share` (r, n) each: every n-th shard from
    the r-th on. A shard is the same whoever writes it, so n may be another when a share is done again. Whoever
    finds that no shard is missing writes the index.

    Returns:
        one line for each utterance of the share whose audio could not be read (it is left out).

    Raises:
        CorpusError: the folder holds the records of another corpus, other shares of it are being written from
            another one, or it cannot be written.
    """
    folder, (job, jobs) = Path(folder), share
    order = np.random.default_rng(seed).permutation(len(utterances))
    parts = [order[start : start + PER_SHARD] for start in range(0, len(order), PER_SHARD)]
    shards = {
        folder / name: [utterances[position] for position in members]
        for name, members in zip(_names(len(parts)), parts, strict=True)
    }
    sources = {shard: [_source(utterance) for utterance in members] for shard, members in shards.items()}
    mine, problems = list(shards)[job::jobs], []
    total = sum(len(shards[shard]) for shard in mine)
    with (
        files.alone(folder, f"share-{job + 1}-of-{jobs}"),
        tqdm(total=total, desc=f"writing {folder.name}", unit="utt", delay=2) as bar,
    ):
        plan = _begin(folder, sources, jobs)
        for shard in mine:
            if _read_listing(shard) == sources[shard]:
                bar.update(len(shards[shard]))
            else:
                problems += _write_shard(shard, shards[shard], sources[shard], bar)
        _finish(folder, plan)
    return problems


def _names(count: int) -> list[str]:
    return [f"{number:04d}-of-{count:04d}.tfrecord" for number in range(count)]


def _begin(folder: Path, sources: dict[Path, list[list]], jobs: int) -> dict:
    """Note the plan that all who write here agree on, remove the listings of what is not part of it, and return it."""
    digest = hashlib.sha256(json.dumps(list(sources.values())).encode()).hexdigest()
    plan = {"shards": len(sources), "of": digest}
    with files.alone(folder, "plan"):
        begun = _read_plan(folder)
        if begun == plan:
            return plan
        if begun and jobs > 1:
            raise CorpusError(
                f"{folder}: was begun with other corpora, or they have changed since; give the same to every share, "
                f"or delete {PLAN} there to begin again"
            )
        there = {shard: _read_listing(shard) for shard in folder.glob(_SHARDS)}
        held = {entry[0] for listing in there.values() for entry in listing or []}
        if held and held.isdisjoint(entry[0] for entries in sources.values() for entry in entries):
            raise CorpusError(f"{folder}: holds records of another corpus; choose an empty folder")
        if there != sources:
            (folder / INDEX).unlink(missing_ok=True)  # what it says is about to be untrue
        for shard, listing in there.items():
            if listing != sources.get(shard):
                Path(f"{shard}.json").unlink(missing_ok=True)
        files.write(folder / PLAN, json.dumps(plan))
    return plan


def _finish(folder: Path, plan: dict) -> None:
    """Write the index if no shard of `plan` is missing any more, unless another process has."""
    with files.alone(folder, "plan"):
        if _read_plan(folder) != plan or missing(folder):
            return
        files.clear(folder)
        names = _names(plan["shards"])
        files.write(folder / INDEX, json.dumps(names))
        for shard in folder.glob(_SHARDS):  # of a smaller or larger corpus
            if shard.name not in names:
                shard.unlink()
                Path(f"{shard}.json").unlink(missing_ok=True)
        (folder / PLAN).unlink()


def _read_plan(folder: Path) -> dict | None:
    plan = _read_json(folder / PLAN)
    sound = isinstance(plan, dict) and type(plan.get("shards")) is int and 0 < plan["shards"] < 10_000
    return plan if sound else None


def missing(folder) -> list[str]:
    """Return the names of the shards that are still to be written in `folder`, by whoever writes there."""
    plan = _read_plan(Path(folder))
    names = _names(plan["shards"] if plan else 0)
    return [name for name in names if _read_listing(Path(folder) / name) is None]


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

    held, problems, end = [], [], 0
    try:
        with files.whole(shard) as part, tf.io.TFRecordWriter(str(part)) as writer:
            for utterance, source in zip(members, sources, strict=True):
                bar.update()
                try:
                    samples = read_audio(utterance.path)
                except CorpusError as error:
                    problems.append(str(error))
                    continue
                record = _encode(utterance, samples)
                writer.write(record)
                end += _AROUND + len(record)
                held.append([*source, end])
        files.write(f"{shard}.json", json.dumps(held))
    except tf.errors.OpError as error:
        reason = first_line(error.message)
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
        if any(index.parent.glob(f"{_SHARDS}*")) or _read_plan(index.parent):
            lacking = missing(folder)
            which = f", {', '.join(lacking[:3])}{' and more' * (len(lacking) > 3)} missing" if lacking else ""
            raise CorpusError(
                f"{folder}: holds unfinished records{which}; "
                "to go on, run `asr prepare` again as before, or without --shard"
            )
        return None
    names = _read_json(index)
    if not isinstance(names, list) or not all(
        isinstance(name, str) and Path(name).match(_SHARDS) for name in names
    ):
        raise CorpusError(f"{index}: damaged; delete it and run `asr prepare` again")
    shards = {}
    for shard in (index.parent / Path(name).name for name in names):
        listing = _read_listing(shard)
        if listing is None:
            raise CorpusError(f"{shard}: missing, cut off or damaged; run `asr prepare` again")
        shards[str(shard)] = [Utterance(key, shard, text, samples) for key, text, samples, *_ in listing]
    return shards


def damage(shards: list[str]) -> str | None:
    """Return what to do about the first of the shards whose records cannot all be read, if there is one."""
    import tensorflow as tf

    for shard in shards:
        try:
            for _ in tf.data.TFRecordDataset(shard).map(decode):
                pass
        except tf.errors.OpError:
            return f"{shard}: missing or damaged; run `asr prepare` again"
    return None


def _read_listing(shard: Path) -> list[list] | None:
    """Return what a shard holds, [id, text, samples, bytes, age] each, or None if it is not whole.

    Its listing says, too, where each record ends. The last one's end is the size of a whole shard: to look at each of
    the records of a large corpus would take minutes.
    """
    held = _read_json(Path(f"{shard}.json"))
    if not isinstance(held, list) or not all(map(_is_entry, held)):
        return None
    try:
        whole = shard.stat().st_size == (held[-1][-1] if held else 0)
    except OSError:
        return None
    return [entry[:-1] for entry in held] if whole else None


def _is_entry(entry) -> bool:
    return (
        isinstance(entry, list)
        and len(entry) == 6
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
