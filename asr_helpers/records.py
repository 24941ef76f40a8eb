"""Sharded TFRecords: a corpus as a few large files, which disks and networks read faster than many small ones.

A record holds the waveform as 16-bit samples (so that it can still be augmented), not features.
"""

import json
from pathlib import Path

import numpy as np
from tqdm import tqdm

from asr_helpers.corpus import CorpusError, Utterance, read_audio

INDEX = "index.json"
PER_SHARD = 1000  # utterances: about 400 MB of LibriSpeech, 70 MB of the embedded corpus


def write_records(utterances: list[Utterance], folder, seed: int = 0) -> list[str]:
    """Write `utterances` in a random order as TFRecord shards, and an index of what they hold.

    A shard that is already whole is kept, so a killed run goes on where it stopped. The index is written last:
    a folder without one is not finished.

    Returns:
        one line for each utterance whose audio could not be read (it is left out).

    Raises:
        CorpusError: the folder holds the records of another corpus.
    """
    import tensorflow as tf

    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    order = np.random.default_rng(seed).permutation(len(utterances))
    shards = [order[start : start + PER_SHARD] for start in range(0, len(order), PER_SHARD)]
    names, problems = [], []
    with tqdm(total=len(order), desc=f"writing {folder.name}", unit="utt", delay=2) as bar:
        for number, members in enumerate(shards):
            name = f"{number:04d}-of-{len(shards):04d}.tfrecord"
            listing = folder / f"{name}.json"  # written after its shard: what a whole one holds
            if listing.exists():
                bar.update(len(members))
            else:
                held = []
                part = folder / f".{name}.part"
                with tf.io.TFRecordWriter(str(part)) as writer:
                    for position in members:
                        bar.update()
                        utterance = utterances[position]
                        try:
                            samples = read_audio(utterance.path)
                        except CorpusError as error:
                            problems.append(str(error))
                            continue
                        writer.write(_encode(utterance, samples))
                        held.append([utterance.id, utterance.text, len(samples)])
                part.rename(folder / name)
                _write_json(listing, held)
            known = {utterances[position].id for position in members}
            if not {entry[0] for entry in json.loads(listing.read_text())} <= known:
                raise CorpusError(f"{folder}: holds records of another corpus; choose an empty folder")
            names.append(name)
    _write_json(folder / INDEX, names)
    return problems


def _encode(utterance: Utterance, samples: np.ndarray) -> bytes:
    import tensorflow as tf

    def text(value):
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))

    pcm = np.round(samples * 32768).astype("<i2").tobytes()
    feature = {
        "id": text(utterance.id.encode()),
        "text": text(utterance.text.encode()),
        "pcm": text(pcm),
    }
    return tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString()


def decode(record):
    """Return (id, samples float32 (n,)) of one serialised record, as TensorFlow ops."""
    import tensorflow as tf

    fields = {name: tf.io.FixedLenFeature([], tf.string) for name in ("id", "pcm")}
    parsed = tf.io.parse_single_example(record, fields)
    samples = tf.cast(tf.io.decode_raw(parsed["pcm"], tf.int16), tf.float32) / 32768
    return parsed["id"], samples


def read_index(folder) -> dict[str, list[Utterance]] | None:
    """Return each shard's path and utterances, or None where `folder` holds no finished records."""
    index = Path(folder) / INDEX
    if not index.exists():
        return None
    shards = {}
    for shard in (index.parent / name for name in json.loads(index.read_text())):
        listing = json.loads(Path(f"{shard}.json").read_text())
        shards[str(shard)] = [Utterance(key, shard, text, samples) for key, text, samples in listing]
    return shards


def _write_json(path: Path, value) -> None:
    part = path.with_name(f".{path.name}.part")
    part.write_text(json.dumps(value))
    part.rename(path)
