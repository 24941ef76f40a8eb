"""The recogniser in a page: how much there is to download, and what its engine costs.

    python benchmarks/web.py [MODEL] [--page DIR] [--corpus CORPUS] [--json]

Writes the page of MODEL (default: the shipped one), or takes the one in DIR. The engine runs in wasmtime, without a
browser, on the clips of CORPUS (default: data/real). Prints

- the bytes to download, by kind: the network, the language model, the engine, the clips, everything else
- the engine's CPU time in milliseconds for a second of audio, and ONNX Runtime's on one thread, each the median of
  three rounds that take turns
- the engine's memory after the longest clip, and after half a minute, the longest piece that the page gives it
- in which share of all frames both find the same letter the most probable
"""

import contextlib
import json
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from common import arguments

from asr_helpers.cli.entry import main
from asr_helpers.corpus import data_dir, load_corpus
from asr_helpers.recognizer import Recognizer, shipped_model
from asr_helpers.sound import MELS, SAMPLE_RATE, TIME_POOLING, features, num_frames, read_audio
from asr_helpers.web import Engine, pack_model

ROUNDS = 3
LONGEST_SECONDS = 30


def download(folder: Path) -> dict[str, int]:
    """Return the bytes of a page's files, by kind and in all."""
    settings = json.loads((folder / "recogniser.json").read_text(encoding="utf-8"))
    size = {name: (folder / name).stat().st_size for name in settings["files"]}
    found = {kind: size.get(settings[kind], 0) for kind in ("network", "language_model", "engine")}
    found["clips"] = sum(size[clip["file"]] for clip in settings["clips"])
    found["page"] = sum(size.values()) - sum(found.values())
    return found | {"total": sum(size.values())}


def compare(model: Path, corpus: Path) -> dict[str, float]:
    """Return times, memory and agreement of the engine and ONNX Runtime on a corpus."""
    recordings = [read_audio(clip.path) for clip in load_corpus(corpus).utterances]
    heard = [features(samples) for samples in recordings]
    seconds = sum(map(len, recordings)) / SAMPLE_RATE
    network, recognizer = pack_model(model), Recognizer.load(model)
    engine = Engine(network)

    def ms_per_second(function) -> float:
        start = time.process_time()
        for each in heard:
            function(each)
        return 1000 * (time.process_time() - start) / seconds

    rounds = [(ms_per_second(engine), ms_per_second(recognizer.log_probs)) for _ in range(ROUNDS)]
    engine_ms, onnxruntime_ms = np.median(rounds, axis=0).tolist()
    clips_mb = engine.memory_bytes / 1e6
    same = [
        engine(each).argmax(axis=1) == recognizer.log_probs(each)[: len(each) // TIME_POOLING].argmax(axis=1)
        for each in heard
    ]
    engine(np.zeros((num_frames(LONGEST_SECONDS * SAMPLE_RATE), MELS), np.float32))
    return {
        "clips": len(heard),
        "audio_seconds": seconds,
        "engine_ms_per_second": engine_ms,
        "onnxruntime_ms_per_second": onnxruntime_ms,
        "memory_mb": clips_mb,
        "memory_mb_30_seconds": engine.memory_bytes / 1e6,
        "frames": sum(map(len, same)),
        "same_letter": float(np.mean(np.concatenate(same))),
    }


if __name__ == "__main__":
    parser = arguments(__doc__, __file__, "json")
    parser.add_argument("model", metavar="MODEL", type=Path, nargs="?", default=shipped_model(), help="crnn.fast.onnx")
    parser.add_argument("--page", metavar="DIR", type=Path, help="written by asr web")
    parser.add_argument("--corpus", metavar="CORPUS", type=Path, default=data_dir() / "real")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        with contextlib.redirect_stdout(sys.stderr):
            if not options.page and main(["web", str(options.model), "--out", folder]):
                sys.exit(2)
        found = {"bytes": download(options.page or Path(folder)), **compare(options.model, options.corpus)}
    if options.json:
        print(json.dumps(found))
    else:
        for kind, size in found.pop("bytes").items():
            print(f"{kind:26} {size / 1e6:9.3f} MB")
        for name, value in found.items():
            print(f"{name:26} {value:9.4g}")
