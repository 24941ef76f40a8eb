"""The converting process of `quantize`: TFLite's converter can crash the process it runs in."""

import io
import json
import os
import sys
import tempfile
import traceback
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from tensorflow.lite.python.convert import ConverterError

from asr_helpers.export.onnx import to_onnx
from asr_helpers.export.tflite import to_tflite
from asr_helpers.export.variants import REFERENCE
from asr_helpers.system.errors import OneLineError, first_line


def main(*variants: str) -> None:
    """Convert the model from stdin to `variants`, and write the reference and each of them to stdout.

    A file is a line of JSON, {"bytes": its size}, and then its content. The last line may be {"error": one line}
    if the model is at fault, or {"traceback": …} after a bug.
    """
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # the converter's C++ code prints on stdout

    def answer(content: bytes = b"", **message) -> None:
        answers.write(json.dumps(message).encode() + b"\n" + content)
        answers.flush()

    try:
        with np.load(io.BytesIO(sys.stdin.buffer.read())) as sent:
            content, *calibration = sent.values()
        model = load(content.tobytes())
        answer(content.tobytes(), bytes=content.nbytes)
        for variant in variants:
            converted = convert(model, variant, calibration)
            answer(converted, bytes=len(converted))
    except OneLineError as error:
        answer(error=str(error))
    except Exception:
        answer(traceback=traceback.format_exc())


def load(content: bytes) -> keras.Model:
    """Return the model of a `.keras` file.

    Raises:
        OneLineError: Keras cannot load it.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, REFERENCE)
        path.write_bytes(content)
        try:
            return keras.saving.load_model(path, compile=False)
        except Exception as error:  # Keras builds whatever the file's JSON describes, so anything may be raised
            raise OneLineError(f"cannot be loaded: {first_line(error)}") from error


def convert(model: keras.Model, variant: str, calibration: list[np.ndarray]) -> bytes:
    """Return the file `variant` of a `build_model` network.

    Raises:
        OneLineError: it is another network, or the converter refuses it.
    """
    needed = {"conv1", "conv1_norm", "conv2", "conv2_norm", "lstm1", "lstm1_norm", "logits"}
    missing = sorted(needed - {layer.name for layer in getattr(model, "layers", [])})
    if missing:
        raise OneLineError(f"{variant} failed: no layer {', '.join(missing)}; is it a model of `asr train`?")
    _, precision, form = variant.split(".")
    try:
        return to_tflite(model, precision, calibration) if form == "tflite" else to_onnx(model, precision, calibration)
    except (ConverterError, tf.errors.OpError) as error:
        raise OneLineError(f"{variant} failed: {first_line(error)}") from error


if __name__ == "__main__":
    main(*sys.argv[1:])
