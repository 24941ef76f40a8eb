"""Load a model in its runtime (Keras, LiteRT or ONNX Runtime); every refusal of a file is one error."""

import json
import mmap
import struct
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from asr_helpers.sound.audio import HOP, SAMPLE_RATE
from asr_helpers.sound.mel import MELS
from asr_helpers.system.errors import OneLineError, first_line
from asr_helpers.text import ALPHABET_KEY, ENGLISH, Alphabet, AlphabetError

ONNX_GRACE_SECONDS = 10  # plus twice the audio's length: an ONNX file that runs longer is taken to hang
Logits = Callable[[np.ndarray], np.ndarray]


class RecognizerError(OneLineError):
    """A model cannot be loaded, run or compared."""


def load_model(path: Path, threads: int = 1, mode: str = "") -> tuple[Logits, Alphabet]:
    """Return a function from features (frames, 80) to logits, and their alphabet.

    The arguments and errors are those of `Recognizer.load`.
    """
    if path.suffix not in LOADERS:
        raise RecognizerError(f"{path}: not a model; expected a name in {', '.join(LOADERS)}")
    if not path.is_file():
        raise RecognizerError(f"{path}: no such file; check the path, or make it with `asr quantize`")
    if mode and mode not in ALTERNATIVE_MODES[path.suffix]:
        raise ValueError(f"{path}: no mode is called {mode!r}")
    try:
        return LOADERS[path.suffix](path, threads, mode)
    except ModuleNotFoundError as error:
        package = PACKAGES.get(str(error.name).split(".")[0], error.name)
        raise RecognizerError(f"{path}: needs a package that is missing: pip install {package}") from None


def check_logits(logits: np.ndarray, frames: int, classes: int, name: str) -> None:
    """Check what a runtime returned: finite logits (frames, classes), or one frame more.

    The extra frame stems from a remainder of up to three feature frames, which a runtime's pooling drops or keeps.

    Raises:
        RecognizerError: they have another shape, or are not finite.
    """
    shape = np.shape(logits)
    if len(shape) != 2 or shape[1] != classes or shape[0] - frames not in (0, 1):
        raise RecognizerError(f"{name}: gives {shape} where {frames, classes} is needed; is it a model of `asr train`?")
    if not np.isfinite(logits).all():
        raise RecognizerError(f"{name}: its output is not finite (NaN or infinity); make it again")


def stored_alphabet(path: Path | str) -> Alphabet:
    """Return the alphabet of a `.keras` file without loading the model.

    Raises:
        RecognizerError: the file is missing, or is not a model that Keras wrote.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            name = json.loads(archive.read("config.json"))["config"]["name"]
    except FileNotFoundError:
        raise RecognizerError(f"{path}: no such file; check the path") from None
    except (OSError, *_BAD_CONTENT, NotImplementedError) as error:
        raise RecognizerError(f"{path}: cannot be loaded ({first_line(error)}); make it again") from None
    if not isinstance(name, str):
        raise RecognizerError(f"{path}: names no model; make it again")
    try:
        return Alphabet.of_model_name(name)
    except AlphabetError as error:
        raise RecognizerError(f"{path}: cannot be loaded ({first_line(error)}); make it again") from None


# What decoders of JSON, zip archives, flatbuffers and alphabets raise on damaged bytes.
_BAD_CONTENT = (ValueError, LookupError, TypeError, OverflowError, RecursionError, zipfile.BadZipFile, struct.error)


@contextmanager
def _naming(path: Path, what: str, *errors: type[Exception]) -> Iterator[None]:
    """Turn a runtime's `errors` into a RecognizerError that names the file; any other error is a bug and passes.

    Only a runtime's own calls belong inside: some of its errors are types that a bug of ours would raise, too.
    """
    try:
        yield
    except errors as error:
        raise RecognizerError(f"{path}: {what} ({first_line(error)}); make it again") from error


def _load_keras(path: Path, threads: int, mode: str) -> tuple[Logits, Alphabet]:
    import keras
    import tensorflow as tf

    from asr_helpers.network import fast_lstm  # noqa: F401  checkpoints of a run hold its layer

    if not zipfile.is_zipfile(path):  # for which Keras says that there is no file
        raise RecognizerError(f"{path}: cannot be loaded (cut off, or no .keras file); make it again")
    # Keras builds whatever the file's JSON describes, so the JSON determines what is raised, and where.
    errors = (
        *_BAD_CONTENT,
        OSError,
        AttributeError,
        NotImplementedError,
        RuntimeError,
        AssertionError,
        tf.errors.OpError,
    )
    with _naming(path, "cannot be loaded", *errors):
        model = keras.saving.load_model(path, compile=False)
        alphabet = Alphabet.of_model_name(model.name)
    signature = [tf.TensorSpec((1, None, MELS, 1), tf.float32)]  # one trace serves every length
    compiled = tf.function(lambda x: model(x, training=False), input_signature=signature)
    calls = {
        "": compiled,
        "predict": lambda x: model.predict(x, verbose=0),
        "eager": lambda x: model(x, training=False),
    }

    def logits(features: np.ndarray) -> np.ndarray:
        with _naming(path, "fails when it runs", *errors):
            return np.asarray(calls[mode](features[None, :, :, None]))[0]

    return logits, alphabet


def _load_tflite(path: Path, threads: int, mode: str) -> tuple[Logits, Alphabet]:
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    kernels = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES if mode == "no XNNPACK" else OpResolverType.AUTO
    errors = (ValueError, RuntimeError)
    with _naming(path, "cannot be loaded", *errors):
        interpreter = Interpreter(str(path), num_threads=threads, experimental_op_resolver_type=kernels)
        inputs, outputs = interpreter.get_input_details(), interpreter.get_output_details()
    for ends in (inputs, outputs):
        if not ends or not (ends[0]["dtype"] == np.float32 or np.issubdtype(ends[0]["dtype"], np.integer)):
            raise RecognizerError(f"{path}: cannot be loaded (no float32 or integer input or output); make it again")

    def logits(features: np.ndarray) -> np.ndarray:
        x = features[None, :, :, None]
        with _naming(path, "fails when it runs", *errors):
            source, target = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
            if tuple(source["shape"]) != x.shape:
                interpreter.resize_tensor_input(source["index"], x.shape)
                interpreter.allocate_tensors()
            interpreter.reset_all_variables()  # a fused LSTM would keep its state from the last utterance
        x = _to_integers(x, source)
        with _naming(path, "fails when it runs", *errors):
            interpreter.set_tensor(source["index"], x)
            interpreter.invoke()
            y = interpreter.get_tensor(target["index"])
        return _to_floats(y, target)[0]

    with _naming(path, "cannot be loaded", *_BAD_CONTENT):
        return logits, _tflite_alphabet(path)


def _tflite_alphabet(path: Path) -> Alphabet:
    """Return the alphabet in the file's metadata, without unpacking anything else."""
    from ai_edge_litert import schema_py_generated as schema

    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        model = schema.Model.GetRootAs(content)
        for entry in map(model.Metadata, range(model.MetadataLength())):
            if entry.Name() == ALPHABET_KEY.encode():
                buffer = model.Buffers(entry.Buffer())
                return Alphabet(bytes(map(buffer.Data, range(buffer.DataLength()))).decode())
    return ENGLISH


def _to_integers(x: np.ndarray, details: dict) -> np.ndarray:
    if details["dtype"] == np.float32:
        return x
    scale, zero_point = details["quantization"]
    limits = np.iinfo(details["dtype"])
    return np.clip(np.round(x / scale) + zero_point, limits.min, limits.max).astype(details["dtype"])


def _to_floats(y: np.ndarray, details: dict) -> np.ndarray:
    if details["dtype"] == np.float32:
        return y
    scale, zero_point = details["quantization"]
    return (y.astype(np.float32) - zero_point) * np.float32(scale)


def onnx_session(model: Path | bytes, threads: int = 1) -> Any:
    """Return ONNX Runtime's session for a file, or for the content of one, on the CPU."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def _load_onnx(path: Path, threads: int, mode: str) -> tuple[Logits, Alphabet]:
    import onnxruntime
    from onnxruntime.capi import onnxruntime_pybind11_state as native

    refusals = (value for value in vars(native).values() if isinstance(value, type) and issubclass(value, Exception))
    # ValueError: an input is missing, or a name in the file is not UTF-8. IndexError: there is no output.
    errors = (*refusals, RuntimeError, ValueError, IndexError)
    with _naming(path, "cannot be loaded", *errors):
        session = onnx_session(path, threads)
        stored = session.get_modelmeta().custom_metadata_map.get(ALPHABET_KEY)
        alphabet = Alphabet(stored) if stored else ENGLISH

    def logits(features: np.ndarray) -> np.ndarray:
        x, run = features[None, :, :, None], onnxruntime.RunOptions()
        limit_seconds = ONNX_GRACE_SECONDS + 2 * len(features) * HOP / SAMPLE_RATE
        watch = threading.Timer(limit_seconds, setattr, (run, "terminate", True))
        watch.daemon = True
        watch.start()
        try:
            with _naming(path, "fails when it runs", *errors):
                return session.run(None, {"log_mel": x}, run)[0][0]
        finally:
            watch.cancel()

    return logits, alphabet


LOADERS = {".keras": _load_keras, ".tflite": _load_tflite, ".onnx": _load_onnx}
ALTERNATIVE_MODES = {".keras": ("predict", "eager"), ".tflite": ("no XNNPACK",), ".onnx": ()}
PACKAGES = {"ai_edge_litert": "ai-edge-litert"}  # if the import's name is not the package's
