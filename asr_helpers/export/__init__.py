"""From the trained `.keras` model to what runs elsewhere: TFLite in four precisions, ONNX in three.

The fast model is ONNX, int8 in everything that pays and in nothing else (`to_onnx`). The full-int8 model takes
what no converter does for us: the BatchNormalization after each LSTM is folded into the layer that follows, and
the large weights which that makes are clipped; the LSTMs are traced in a form that TFLite knows how to fuse into one
integer kernel, and given one grid of int8 steps; and the range of every activation is calibrated on real features.
"""

import io
import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
from tqdm.auto import tqdm

from asr_helpers import files, processes
from asr_helpers.export.folding import FusableLSTM, clip_kernels, fold_norms
from asr_helpers.export.onnx import to_onnx
from asr_helpers.export.report import format_report, op_report
from asr_helpers.export.tflite import one_grid, to_tflite
from asr_helpers.features import MELS
from asr_helpers.text import OneLineError

__all__ = [
    "REFERENCE",
    "VARIANTS",
    "ExportError",
    "FusableLSTM",
    "clip_kernels",
    "fold_norms",
    "format_report",
    "one_grid",
    "op_report",
    "quantize",
    "to_onnx",
    "to_tflite",
]

REFERENCE = "crnn.keras"
VARIANTS = (
    "crnn.float32.tflite",
    "crnn.float16.tflite",
    "crnn.dynamic.tflite",
    "crnn.int8.tflite",
    "crnn.float32.onnx",
    "crnn.int8.onnx",
    "crnn.fast.onnx",
)


class ExportError(OneLineError):
    """A model could not be converted; the message is one line that names the model and the variant."""


def quantize(
    model_path: Path | str,
    out: Path | str,
    calibration: list[np.ndarray],
    variants: tuple[str, ...] = VARIANTS,
) -> list[dict]:
    """Make `variants` of the `.keras` model in the folder `out`, and return the `op_report` of each.

    The `.keras` file is copied in as `crnn.keras`, the reference that `recognizer.compare` measures against.
    Each file appears whole or not at all, and those made before a failure stay. The conversions run in a
    process of their own, because TFLite's converter can crash the one it runs in.

    Args:
        calibration: features of real speech, each float32 (frames, 80), any length; about a hundred
            utterances. The full-int8 and the fast model take the ranges of activations from them.

    Raises:
        ValueError: a variant is unknown, or the calibration features are missing or of another shape.
        ExportError: the model cannot be read or converted.
    """
    model_path, out = Path(model_path), Path(out)
    unknown = sorted(set(variants) - set(VARIANTS))
    if unknown:
        raise ValueError(f"unknown variant {unknown[0]}; there are {', '.join(VARIANTS)}")
    if not calibration or any(np.ndim(x) != 2 or np.shape(x)[1] != MELS for x in calibration):
        raise ValueError(f"calibration needs the features of at least one utterance, each (frames, {MELS})")
    if not model_path.is_file():
        raise ExportError(f"{model_path}: no such file; train a model first, or check the path")
    with files.alone(out):
        files.clear(out)
        command = processes.command("asr_helpers.export", *variants)
        made = _made_apart(command, model_path, calibration, [REFERENCE, *variants])
        for name, content in tqdm(made, "converting", total=1 + len(variants), unit="file"):
            files.write(out / name, content)
    return [op_report(out / name) for name in variants]


def _made_apart(
    command: list[str], model_path: Path, calibration: list[np.ndarray], names: list[str]
) -> Iterator[tuple[str, bytes]]:
    """Run `command` (`__main__` in a new process) and yield the name and content of each of the files `names` it makes.

    What goes there and what comes back goes through pipes: nothing is left behind, however either of the two ends.
    """
    sent = io.BytesIO()
    np.savez(sent, np.frombuffer(model_path.read_bytes(), np.uint8), *calibration)
    # Out of sight of any GPU, where Keras would trace cuDNN ops that no other runtime has.
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, env=environment, **pipes) as process:
        try:
            with suppress(BrokenPipeError):  # it died: what follows says how
                process.stdin.write(sent.getbuffer())
                process.stdin.close()
            for line in process.stdout:
                message = json.loads(line)
                if "error" in message:
                    raise ExportError(f"{model_path}: {message['error']}")
                content = process.stdout.read(message["bytes"])
                if len(content) < message["bytes"]:
                    break
                names = names[1:]
                yield message["made"], content
            code = process.wait()
            if names:
                cause = signal.Signals(-code).name if code < 0 else f"exit status {code}"
                raise ExportError(f"{model_path}: {names[0]} crashed the converter ({cause}); leave it out")
        finally:
            process.kill()
