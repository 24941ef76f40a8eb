"""The process that converts, for `quantize` alone: TFLite's converter can crash the one it runs in."""

import io
import json
import os
import sys
import tempfile
from pathlib import Path

import keras
import numpy as np

from asr_helpers.export import REFERENCE, to_onnx, to_tflite
from asr_helpers.text import first_line


def main(*variants: str) -> None:
    """Make `variants` of what comes on stdin; write a line of JSON, then the file, for each to stdout."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # the converter's C++ code prints on stdout

    def answer(content: bytes = b"", **message):
        answers.write(json.dumps(message).encode() + b"\n" + content)
        answers.flush()

    doing = "cannot be loaded"
    try:
        with np.load(io.BytesIO(sys.stdin.buffer.read())) as sent:
            content, *calibration = sent.values()
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, REFERENCE)
            path.write_bytes(content.tobytes())
            model = keras.saving.load_model(path, compile=False)
        answer(content.tobytes(), made=REFERENCE, bytes=content.nbytes)
        for variant in variants:
            doing = f"{variant} failed"
            _, precision, form = variant.split(".")
            convert = to_tflite if form == "tflite" else to_onnx
            converted = convert(model, precision, calibration)
            answer(converted, made=variant, bytes=len(converted))
    except Exception as error:
        answer(error=f"{doing}: {first_line(error)}")


if __name__ == "__main__":
    main(*sys.argv[1:])
