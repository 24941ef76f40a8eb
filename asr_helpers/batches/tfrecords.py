"""Sharded TFRecords: a corpus as a few large files, which disks and networks read faster than many small ones.

A record holds the waveform as 16-bit samples, not features: samples can still be augmented.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from tqdm import tqdm

from asr_helpers.corpus.reading import CorpusError, Utterance
from asr_helpers.sound.audio import AudioError, read_audio, to_pcm16
from asr_helpers.system import files
from asr_helpers.system.claims import Maker
from asr_helpers.system.errors import first_line

if TYPE_CHECKING:
    import tensorflow as tf

INDEX = "index.json"
PLAN = "plan.json"  # which shards are being written; the index replaces it when all are there
PER_SHARD = 1000  # utterances: about 400 MB of LibriSpeech, 70 MB of the embedded corpus
_FRAME_BYTES = 16  # that TFRecord adds to a record: its length, and a checksum of each
_SHARDS = "[0-9][0-9][0-9][0-9]-of-[0-9][0-9][0-9][0-9].tfrecord"
MAKER = Maker("asr prepare", (INDEX, PLAN, f"{_SHARDS}*"), signs=((f"{_SHARDS}.json", b"[["),))


def write_records(
    utterances: list[Utterance], folder: Path | str, seed: int = 0, shard: tuple[int, int] = (0, 1)
) -> list[str]:
    """Write `utterances` in random order as TFRecord shards, with an index; return a line for each unreadable clip.

    A complete shard of the same clips and texts is kept: a killed run resumes where it stopped, and changed clips are
    written again. The index is written last, so a folder without one is unfinished.

    Args:
        utterances: the corpus. Clips that cannot be read are left out.
        folder: of the shards.
        seed: of the order.
        shard: parallel writing: process r of n, `shard=(r, n)`, writes shards r, r+n, … of a shared folder. Shards do
            not depend on n, so a killed run may be resumed with another n. The process that completes the last shard
            writes the index.

    Raises:
        CorpusError: the folder holds the records of another corpus, another process is writing such records there,
            or the folder cannot be written.
        NotOursError: the folder holds files of such names that `write_records` did not write.
    """
    folder, (job, jobs) = Path(folder), shard
    order = np.random.default_rng(seed).permutation(len(utterances))
    parts = [order[start : start + PER_SHARD] for start in range(0, len(order), PER_SHARD)]
    shards = {
        folder / name: [utterances[position] for position in members]
        for name, members in zip(_names(len(parts)), parts, strict=True)
    }
    sources = {path: [_source(utterance) for utterance in members] for path, members in shards.items()}
    mine = list(shards)[job::jobs]
    MAKER.claim_folder(folder)
    problems: list[str] = []
    total = sum(len(shards[path]) for path in mine)
    with (
        files.exclusive(folder, f"share-{job + 1}-of-{jobs}"),
        tqdm(total=total, desc=f"writing {folder.name}", unit="utt", delay=2) as bar,
    ):
        plan = _begin(folder, sources, jobs)
        for path in mine:
            if _read_listing(path) == sources[path]:
                bar.update(len(shards[path]))
            else:
                problems += _write_shard(path, shards[path], sources[path], bar)
        _finish(folder, plan)
    return problems


def _names(count: int) -> list[str]:
    return [f"{number:04d}-of-{count:04d}.tfrecord" for number in range(count)]


def _begin(folder: Path, sources: dict[Path, list[list]], jobs: int) -> dict:
    """Store and return the plan of the processes that write here; remove the listings of other shards."""
    digest = hashlib.sha256(json.dumps(list(sources.values())).encode()).hexdigest()
    plan = {"shards": len(sources), "of": digest}
    with files.exclusive(folder, "plan"):
        earlier = _read_plan(folder)
        if earlier == plan:
            return plan
        if earlier and jobs > 1:
            raise CorpusError(
                f"{folder}: was started with other corpora, or they have changed; give every --shard the same, "
                f"or delete {PLAN} to start again"
            )
        present = {shard: _read_listing(shard) for shard in folder.glob(_SHARDS)}
        ids = {entry[0] for listing in present.values() for entry in listing or []}
        if ids and ids.isdisjoint(entry[0] for entries in sources.values() for entry in entries):
            raise CorpusError(f"{folder}: holds records of another corpus; choose an empty folder")
        if present != sources:
            (folder / INDEX).unlink(missing_ok=True)  # it is about to become outdated
        for shard, listing in present.items():
            if listing != sources.get(shard):
                Path(f"{shard}.json").unlink(missing_ok=True)
        files.write(folder / PLAN, json.dumps(plan))
    return plan


def _finish(folder: Path, plan: dict) -> None:
    """Write the index if all shards of `plan` are complete and no other process has written it."""
    with files.exclusive(folder, "plan"):
        if _read_plan(folder) != plan or missing_shards(folder):
            return
        files.remove_partials(folder)
        names = _names(plan["shards"])
        files.write(folder / INDEX, json.dumps(names))
        for shard in folder.glob(_SHARDS):  # of a smaller or larger corpus
            if shard.name not in names:
                shard.unlink()
                Path(f"{shard}.json").unlink(missing_ok=True)
        (folder / PLAN).unlink()


def _read_plan(folder: Path) -> dict | None:
    plan = _read_json(folder / PLAN)
    valid = isinstance(plan, dict) and type(plan.get("shards")) is int and 0 < plan["shards"] < 10_000
    return plan if valid else None


def missing_shards(folder: Path | str) -> list[str]:
    """Return the names of the planned shards in `folder` that are incomplete."""
    plan = _read_plan(Path(folder))
    names = _names(plan["shards"] if plan else 0)
    return [name for name in names if _read_listing(Path(folder) / name) is None]


def _source(utterance: Utterance) -> list:
    """Return the id, text, samples, bytes and modification time of a clip, by which a change is detected."""
    try:
        status = utterance.path.stat()
    except OSError:  # reading it will report the error
        return [utterance.id, utterance.text, utterance.samples, None, None]
    return [utterance.id, utterance.text, utterance.samples, status.st_size, status.st_mtime_ns]


def _write_shard(shard: Path, members: list[Utterance], sources: list[list], bar: tqdm) -> list[str]:
    """Write a shard, then its listing; return a line for each unreadable clip."""
    import tensorflow as tf

    listing, problems, end = [], [], 0
    try:
        with files.atomic_write(shard) as part, tf.io.TFRecordWriter(str(part)) as writer:
            for utterance, source in zip(members, sources, strict=True):
                bar.update()
                try:
                    samples = read_audio(utterance.path)
                except AudioError as error:
                    problems.append(str(error))
                    continue
                record = _encode(utterance, samples)
                writer.write(record)
                end += _FRAME_BYTES + len(record)
                listing.append([*source, end])
        files.write(f"{shard}.json", json.dumps(listing))
    except tf.errors.OpError as error:
        reason = first_line(error.message)
        raise CorpusError(f"{shard}: cannot be written ({reason}); free some space and run this again") from None
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


def parse_example(record: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Return the id and the samples, float32 (samples,), of one serialised record."""
    import tensorflow as tf

    fields = {name: tf.io.FixedLenFeature([], tf.string) for name in ("id", "pcm")}
    parsed = tf.io.parse_single_example(record, fields)
    samples = tf.cast(tf.io.decode_raw(parsed["pcm"], tf.int16), tf.float32) / 32768
    return parsed["id"], samples


def read_index(folder: Path | str) -> dict[str, list[Utterance]] | None:
    """Return each shard's path and utterances, or None if `folder` holds no records.

    Raises:
        CorpusError: the records are unfinished, or the index, a listing or a shard is damaged or missing.
    """
    index = Path(folder) / INDEX
    if not index.exists():
        if any(index.parent.glob(f"{_SHARDS}*")) or _read_plan(index.parent):
            lacking = missing_shards(folder)
            which = ", ".join(lacking[:3])
            if len(lacking) > 3:
                which += " and more"
            raise CorpusError(
                f"{folder}: holds unfinished records{f', {which} missing' if lacking else ''}; "
                "to go on, run `asr prepare` again as before, or without --shard"
            )
        return None
    names = _read_json(index)
    if not isinstance(names, list) or not all(isinstance(name, str) and Path(name).match(_SHARDS) for name in names):
        raise CorpusError(f"{index}: damaged; delete it and run `asr prepare` again")
    shards = {}
    for shard in (index.parent / Path(name).name for name in names):
        listing = _read_listing(shard)
        if listing is None:
            raise CorpusError(f"{shard}: missing, cut off or damaged; run `asr prepare` again")
        shards[str(shard)] = [Utterance(key, shard, text, samples) for key, text, samples, *_ in listing]
    return shards


def damage(shards: list[str]) -> str | None:
    """Return an error message for the first shard with an unreadable record, or None."""
    import tensorflow as tf

    for shard in shards:
        try:
            for _ in untuned(tf.data.TFRecordDataset(shard).map(parse_example)):
                pass
        except tf.errors.OpError:
            return f"{shard}: missing or damaged; run `asr prepare` again"
    return None


def untuned(dataset: tf.data.Dataset) -> tf.data.Dataset:
    """Return `dataset` without tf.data's autotuner, which has nothing to choose where every number is given.

    An iterator that is deleted waits for the autotuner's thread, which sleeps for up to a minute between its rounds.
    TensorFlow 2.21 wakes it, but often before the thread can see that it is to end, and it goes back to sleep
    (`Model::OptimizeLoop` in tensorflow/core/framework/model.cc).
    """
    import tensorflow as tf

    options = tf.data.Options()
    options.autotune.enabled = False
    return dataset.with_options(options)


@dataclass(frozen=True)
class CheckedBatches:
    """A data set over `shards` whose errors name the damaged shard, unlike those of tf.data.

    Raises:
        CorpusError: on iteration, if a batch cannot be made.
    """

    batches: tf.data.Dataset
    shards: list[str]

    def __iter__(self) -> Iterator:
        import tensorflow as tf

        try:
            yield from self.batches
        except tf.errors.OpError as error:
            raise CorpusError(damage(self.shards) or first_line(error.message)) from None


def _read_listing(shard: Path) -> list[list] | None:
    """Return the `_source` of each clip in a shard, or None if the shard is incomplete.

    The listing also holds where each record ends. Only the last end is checked, against the size of the file: reading
    all records of a large corpus would take minutes.
    """
    listing = _read_json(Path(f"{shard}.json"))
    if not isinstance(listing, list) or not all(map(_is_entry, listing)):
        return None
    try:
        complete = shard.stat().st_size == (listing[-1][-1] if listing else 0)
    except OSError:
        return None
    return [entry[:-1] for entry in listing] if complete else None


def _is_entry(entry: Any) -> bool:
    return (
        isinstance(entry, list)
        and len(entry) == 6
        and isinstance(entry[0], str)
        and isinstance(entry[1], str)
        and type(entry[2]) is int
        and 0 < entry[2] < 2**40
    )


def _read_json(path: Path) -> Any:
    """Return the content of a JSON file, or None if it cannot be read."""
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
