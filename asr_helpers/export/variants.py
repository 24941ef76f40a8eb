"""From the trained `.keras` model to what runs elsewhere: TFLite in four precisions, ONNX in three.

The fast model is ONNX: int8 where it pays and float elsewhere (`to_onnx`). The full-int8 model needs more than a
converter. The BatchNormalization after each LSTM is folded into the next layer, and the large weights that result are
clipped. The LSTMs are traced in a form that TFLite's converter fuses into one integer kernel, and they share one
grid of int8 steps. The range of every activation is calibrated on real features.
"""

import io
import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO

import numpy as np
from tqdm.auto import tqdm

from asr_helpers.export.report import OpReport, op_report
from asr_helpers.sound.mel import MELS
from asr_helpers.system import files, processes
from asr_helpers.system.claims import Maker
from asr_helpers.system.errors import OneLineError

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
MAKER = Maker("asr quantize", (REFERENCE, *VARIANTS))


class ExportError(OneLineError):
    """A model could not be converted; the message names the model and the variant."""


def quantize(
    model_path: Path | str, out: Path | str, calibration: list[np.ndarray], variants: tuple[str, ...] = VARIANTS
) -> list[OpReport]:
    """Write `variants` of the `.keras` model to the folder `out`, and return the `op_report` of each.

    The `.keras` file is copied in as `crnn.keras`, the reference that `recognizer.compare` measures against. Each
    file is written atomically, and those made before a failure stay. The conversions run in a process of their own,
    because TFLite's converter can crash the one it runs in.

    Args:
        model_path: a `.keras` file of a `build_model` network.
        out: the folder, created if needed.
        calibration: features of real speech, each float32 (frames, 80), of any length; about a hundred utterances.
            The full-int8 and the fast model take their activation ranges from them.
        variants: file names from `VARIANTS`.

    Raises:
        ValueError: a variant is unknown, or the calibration features are missing or of another shape.
        ExportError: the model cannot be read or converted.
        NotOursError: `out` holds files of these names that `quantize` did not make.
    """
    model_path, out = Path(model_path), Path(out)
    unknown = sorted(set(variants) - set(VARIANTS))
    if unknown:
        raise ValueError(f"unknown variant {unknown[0]}; there are {', '.join(VARIANTS)}")
    if not calibration or any(np.ndim(x) != 2 or np.shape(x)[1] != MELS for x in calibration):
        raise ValueError(f"calibration needs the features of at least one utterance, each (frames, {MELS})")
    if not model_path.is_file():
        raise ExportError(f"{model_path}: no such file; train a model first, or check the path")
    MAKER.writing(REFERENCE, *variants).claim_folder(out, model_path)
    with files.exclusive(out):
        files.remove_partials(out)
        command = processes.child_command("asr_helpers.export", *variants)
        made = convert_apart(command, model_path, calibration, [REFERENCE, *variants])
        for name, content in tqdm(made, "converting", total=1 + len(variants), unit="file"):
            files.write(out / name, content)
    return [op_report(out / name) for name in variants]


def convert_apart(
    command: list, model_path: Path, calibration: list[np.ndarray], expected: list[str]
) -> Iterator[tuple[str, bytes]]:
    """Run `command`, a process of `__main__`, and yield the name and content of each file that it makes.

    Input and output go through pipes: neither process leaves files behind, however it ends.

    `expected` names the files, in the order in which they are made.

    Raises:
        ExportError: the process reports an error, or crashes.
        RuntimeError: the process ended with a traceback, which the message holds.
    """
    sent = io.BytesIO()
    np.savez(sent, np.frombuffer(model_path.read_bytes(), np.uint8), *calibration)
    # No GPU may be visible: on it, Keras would trace cuDNN ops, which no other runtime has.
    environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=environment, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL) as process:
        assert process.stdin and process.stdout
        try:
            with suppress(BrokenPipeError):  # the process has died: its exit status says how
                process.stdin.write(sent.getbuffer())
                process.stdin.close()
            for name in expected:
                content = _receive(process.stdout, model_path)
                if content is None:
                    code = process.wait()
                    cause = signal.Signals(-code).name if code < 0 else f"exit status {code}"
                    raise ExportError(f"{model_path}: {name} crashed the converter ({cause}); leave it out")
                yield name, content
        finally:
            process.kill()


def _receive(stream: IO[bytes], model_path: Path) -> bytes | None:
    """Return the next file from the converting process, or None if the stream ends before or within it."""
    line = stream.readline()
    if not line:
        return None
    message = json.loads(line)
    if "error" in message:
        raise ExportError(f"{model_path}: {message['error']}")
    if "traceback" in message:
        raise RuntimeError(f"{model_path}: converting it failed\n{message['traceback']}")
    content = stream.read(message["bytes"])
    return content if len(content) == message["bytes"] else None
