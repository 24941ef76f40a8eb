"""What several benchmarks share: speech, batches, a network's answers, measurements in a fresh process, options.

TensorFlow is imported where it is used: a process whose memory is measured must not load it for nothing.
"""

import argparse
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from tqdm import tqdm

from asr_helpers.corpus import Utterance, load_corpus
from asr_helpers.pretrained import whisper
from asr_helpers.recognizer import Recognizer
from asr_helpers.sound import HOP, MELS, features, read_audio
from asr_helpers.system import files
from asr_helpers.text import ENGLISH

if TYPE_CHECKING:
    import keras

    from asr_helpers.batches import Speech

Batch = tuple[np.ndarray, np.ndarray]  # inputs (batch, frames, values) and targets of `pack_targets`


def arguments(doc: str, script: str, *parts: str) -> argparse.ArgumentParser:
    """Return a parser that shows the docstring of a benchmark, with the options that several benchmarks have.

    Args:
        doc: the docstring.
        script: the `__file__` of the benchmark; its result lies beside it.
        *parts: which options: "train" (corpora), "valid", "start" (a model), "run" (a folder), "out", "json".
    """
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    options: dict[str, tuple[str, dict[str, Any]]] = {
        "train": ("train", {"metavar": "TRAIN", "type": Path, "nargs": "+"}),
        "valid": ("--valid", {"type": Path, "required": True, "help": "corpus to measure on"}),
        "start": ("--start", {"metavar": "MODEL", "type": Path, "required": True, "help": "model to begin with"}),
        "run": ("--run", {"metavar": "DIR", "type": Path, "required": True, "help": "folder of the trainings"}),
        "out": ("--out", {"metavar": "FILE", "type": Path, "default": Path(script).with_suffix(".json")}),
        "json": ("--json", {"action": "store_true", "help": "print one JSON object"}),
    }
    for part in parts:
        name, settings = options[part]
        parser.add_argument(name, **settings)
    return parser


def start_apart(
    script: str, *arguments: str, cores: set[int] | None = None, stdin: Any = None, **environment: str
) -> subprocess.Popen:
    """Start a benchmark's script in a fresh process; `finish` waits for it.

    Args:
        script: its `__file__`.
        *arguments: of its command line.
        cores: the only ones that it may use, where the system can restrict them (Linux).
        stdin: sent to it as JSON.
        **environment: variables added to this process's environment.
    """
    pinned = cores and hasattr(os, "sched_setaffinity")
    process = subprocess.Popen(
        [sys.executable, script, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
        preexec_fn=(lambda: os.sched_setaffinity(0, cores)) if pinned else None,
    )
    assert process.stdin
    process.stdin.write(json.dumps(stdin))
    process.stdin.close()
    process.stdin = None
    return process


def finish(*processes: subprocess.Popen) -> list[Any]:
    """Wait for processes and return the JSON that each printed on its last line; if one fails, exit with its error."""
    outputs = [process.communicate() for process in processes]
    for process, (_, error) in zip(processes, outputs, strict=True):
        if process.returncode:
            sys.exit(f"a measuring process failed: {error[-2000:]}")
    return [json.loads(out.splitlines()[-1]) for out, _ in outputs]


def measure_apart(script: str, *arguments: str, **settings: Any) -> Any:
    """Return the JSON that a benchmark's script prints in a fresh process; `settings` are those of `start_apart`."""
    (found,) = finish(start_apart(script, *arguments, **settings))
    return found


def subset(speech: "Speech", hours: float) -> "Speech":
    """Return `hours` of `speech`: always the same utterances, spread over all speakers by a hash of their ids."""
    by_hash = sorted(speech.utterances, key=lambda clip: hashlib.md5(clip.id.encode()).digest())
    chosen, seconds = [], 0.0
    for clip in by_hash:
        if seconds + clip.seconds <= hours * 3600:
            chosen.append(clip)
            seconds += clip.seconds
    return replace(speech, name=f"{hours:.1f} h of {speech.name}", utterances=chosen, dropped=[])


def listen(model: Path, folder: Path, limit: int | None) -> tuple[list[Utterance], list[np.ndarray]]:
    """Return the first utterances of a corpus and the model's log-probabilities of each, cached in runs/.

    Args:
        model: a model file.
        folder: the corpus.
        limit: how many utterances; None is all.
    """
    utterances = load_corpus(folder).utterances[:limit]
    probe = features(np.random.default_rng(0).normal(size=16_000).astype(np.float32))  # changes with their definition
    key = hashlib.sha256(model.read_bytes() + probe.tobytes()).hexdigest()[:12]
    file = Path("runs") / f"log-probs-{key}-{folder.name}.npz"
    kept = dict(np.load(file)) if file.is_file() else {}
    missing = [each for each in utterances if each.id not in kept]
    if missing:
        recognizer = Recognizer.load(model)
        for each in tqdm(missing, folder.name, unit="utt"):
            kept[each.id] = recognizer.audio_log_probs(read_audio(each.path))
        with files.atomic_write(file) as part:
            np.savez(part, **kept)
    return utterances, [kept[each.id] for each in utterances]


def right_words(references: list[str], texts: list[str]) -> list[np.ndarray]:
    """Return for each text which of its words are right, bool (words,), in a shortest alignment with the reference."""
    import jiwer

    found = []
    for heard, chunks in zip(texts, jiwer.process_words(references, texts).alignments, strict=True):
        right = np.zeros(len(heard.split()), dtype=bool)
        for chunk in chunks:
            right[chunk.hyp_start_idx : chunk.hyp_end_idx] = chunk.type == "equal"
        found.append(right)
    return found


def hear(encoder: "keras.Model", clips: list[Utterance], kept: Path) -> dict[str, np.ndarray]:
    """Return {id: float16 (frames, …)}, the output of Whisper's encoder for clips, 20 ms a frame; cached in `kept`."""
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        encode = of_any_length(encoder)
        heard = {each.id: encode(mels(each)[None])[0].numpy().astype(np.float16) for each in tqdm(clips, kept.stem)}
        with files.atomic_write(kept) as part, part.open("wb") as file:
            np.savez(file, **heard)
    with np.load(kept) as stored:
        return {each.id: stored[each.id] for each in clips}


def mels(clip: Utterance) -> np.ndarray:
    """Return Whisper's log-mels of a clip, (4 n, 80), of at most the half minute that it has positions for."""
    heard = whisper.whisper_log_mel(read_audio(clip.path)[: whisper.FRAMES * HOP], None)
    return heard[: len(heard) // 4 * 4]


def pairs(heard: np.ndarray) -> np.ndarray:
    """Return neighbouring frames joined in pairs: 40 ms suffice to tell letters apart, and CTC takes half the time."""
    return heard[: len(heard) // 2 * 2].reshape(-1, 2 * heard.shape[1])


def batches(clips: list[Utterance], inputs: dict[str, np.ndarray], max_frames: int) -> list[Batch]:
    """Return batches of clips of similar length, padded.

    Args:
        clips: with their texts.
        inputs: {id: (frames, values)}.
        max_frames: model frames in a batch, padding included.
    """
    from asr_helpers.network import pack_targets

    pooling = 4 if inputs[clips[0].id].shape[1] == MELS else 1  # spectrogram frames to a model frame
    made, group = [], []
    by_length = sorted(clips, key=lambda each: len(inputs[each.id]))
    for each, longer in zip(by_length, [*by_length[1:], None], strict=True):
        group.append(each)
        if longer is None or len(inputs[longer.id]) // pooling * (len(group) + 1) > max_frames:
            longest, arrays = len(inputs[each.id]), [inputs[clip.id] for clip in group]
            padded = [np.pad(array, [(0, longest - len(array)), (0, 0)], "edge") for array in arrays]
            labels = [ENGLISH.encode(clip.text) for clip in group]
            made.append((np.stack(padded), pack_targets(labels, [len(array) // pooling for array in arrays])))
            group = []
    return made


def in_turns(made: list[Batch], steps: int) -> Iterator[Batch]:
    """Yield `steps` batches with a progress bar: pass after pass, each in a new random order."""
    rng = np.random.default_rng(0)
    order = [place for _ in range(-(-steps // len(made))) for place in rng.permutation(len(made))]
    for place in tqdm(order[:steps], leave=False):
        yield made[place]


def planned(steps: int, rate: float) -> "keras.optimizers.Adam":
    """Return an Adam optimizer whose learning rate rises to `rate` and then falls to 0 over `steps` steps."""
    import keras

    falling = keras.optimizers.schedules.CosineDecay(0.0, steps, warmup_target=rate, warmup_steps=steps // 20)
    return keras.optimizers.Adam(falling, global_clipnorm=1.0)


def of_any_length(model: "keras.Model") -> Callable:
    """Return the model as a graph that is traced once and not for each length anew."""
    import tensorflow as tf

    signature = [tf.TensorSpec(model.input_shape)]
    return tf.function(lambda x: model(x, training=False), signature, autograph=False)
