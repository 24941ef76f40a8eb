"""What the page loads, packed: the network as model.bin, which engine.c computes, and the language model.

The layout of model.bin, little-endian; each array starts at a multiple of 16 bytes:

| part | arrays |
|---|---|
| sizes | 8 × uint32: the format (1), mels, channels of the two convolutions, LSTM layers, units, classes, 0 |
| convolution 1 | float32: kernel (3, 3, channels1); bias (channels1,); step of the output |
| convolution 2 | int8: kernel (channels2, 3, 3, channels1) |
| | int32: bias (channels2,) in steps of the product |
| | float32: factor from these to steps of the output (channels2,); step of the output |
| each LSTM | int8: kernel (2, 4 · units, inputs); recurrent kernel (2, 4 · units, units); gates i, o, f, c |
| | float32: bias, steps of the kernel, steps of the recurrent kernel, each (2, 4 · units) |
| | float32: scale and shift of the output, each (2 · units,) |
| dense layer | float32: kernel (classes, 2 · units); bias (classes,) |

The engine computes eight numbers at a time, so channels and units are filled up with zeros to multiples of eight. This
changes no logit: a channel or a unit without weights gives 0.
"""

import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from asr_helpers.corpus.reading import data_dir, load_corpus
from asr_helpers.sound.audio import read_audio
from asr_helpers.sound.mel import MELS, TIME_POOLING, features
from asr_helpers.system.errors import OneLineError, first_line
from asr_helpers.text import ALPHABET_KEY, ENGLISH, Alphabet
from asr_helpers.words.arguments import check_letters
from asr_helpers.words.ngram import END, START, UNKNOWN

FAST = "crnn.fast.onnx"
CALIBRATION_CLIPS = 100
FORMAT = 1
LANES = 8
ALIGNMENT = 16  # bytes
BEFORE_LSTMS = [
    *("Transpose", "Conv", "MaxPool", "Transpose", "Add", "QuantizeLinear", "QLinearConv", "NhwcMaxPool"),
    *("Transpose", "Reshape", "DequantizeLinear"),
]
LSTM = ["DynamicQuantizeLSTM", "Transpose", "Reshape", "Mul", "Add"]
AFTER_LSTMS = ["MatMul", "Add", "Transpose"]

Weights = list[Any]  # of one node: arrays, or None for an input that is left out


class PackError(OneLineError):
    """A model cannot be packed for the page, or the page's folder cannot be written; the message names the remedy."""


class Network(NamedTuple):
    """A network for the page: the name of its file, model.bin and its alphabet."""

    name: str
    content: bytes
    alphabet: Alphabet


def pack_model(path: Path | str) -> Network:
    """Return the network of a `.keras` model, or of its fast form, `crnn.fast.onnx`.

    A `.keras` model is converted in a process of its own. The int8 ranges of its convolutions come from the embedded
    corpus, whatever the language. The features are normalised, so the ranges hardly matter: on data/real, the shipped
    network's best letters equal Keras's in 98.6 % of frames with ranges from LibriSpeech, and in 98.5 % with these.

    Raises:
        PackError: the file is missing, or something else.
        ExportError: the `.keras` model cannot be read or converted.
    """
    path = Path(path)
    if path.suffix not in (".keras", ".onnx"):
        raise PackError(f"{path}: cannot become a page; give a .keras model, or its {FAST}")
    if not path.is_file():
        raise PackError(f"{path}: no such file; train a model first, or check the path")
    if path.suffix == ".onnx":
        return pack_network(path.read_bytes(), path)
    from asr_helpers.export.variants import quantize

    speech = load_corpus(data_dir() / "mini" / "train-mini").utterances
    speech = speech[:: max(1, len(speech) // CALIBRATION_CLIPS)]
    with tempfile.TemporaryDirectory() as folder:
        quantize(path, folder, [features(read_audio(clip.path)) for clip in speech], (FAST,))
        return pack_network(Path(folder, FAST).read_bytes(), path)


def pack_language_model(path: Path | str, megabytes: float, alphabet: Alphabet) -> bytes:
    """Return the content of lm.bin.gz: a language model, packed and pruned to a size.

    Args:
        path: an ARPA file or a packed model.
        megabytes: 10^6 bytes; the most that it may have.
        alphabet: the network's.

    Raises:
        TextError: the file cannot be read.
        LanguageModelError: it is no language model, is in another language, or does not fit.
    """
    from asr_helpers.words.pruning import prune, read_trie

    model = read_trie(path)
    check_letters([word for word in model.words if word not in (START, END, UNKNOWN)], alphabet, str(path))
    return prune(model, megabytes)


def pack_network(content: bytes, path: Path) -> Network:
    """Return the network in the content of a `crnn.fast.onnx`; `path` is for its name and for messages.

    Raises:
        PackError: it is something else.
    """
    name = str(path)
    nodes, alphabet = _read(content, name)
    ops, weights = [op for op, _ in nodes], [arrays for _, arrays in nodes]
    layers = (len(ops) - len(BEFORE_LSTMS) - len(AFTER_LSTMS)) // len(LSTM)
    refusal = PackError(f"{name}: is not the fast form of a network; give the .keras model, or its {FAST}")
    if layers < 1 or ops != BEFORE_LSTMS + layers * LSTM + AFTER_LSTMS:
        raise refusal
    try:
        sizes, arrays = _arrays(weights, layers)
    except (ValueError, TypeError, AttributeError, IndexError) as error:  # a shape or a weight is not `to_onnx`'s
        raise refusal from error
    if sizes[-1] != alphabet.classes:
        raise PackError(f"{name}: has {sizes[-1]} classes, and its alphabet {alphabet.classes}; make it again")
    head = np.array([FORMAT, MELS, *sizes, 0], "<u4")
    return Network(path.name, b"".join(map(_aligned, [head, *arrays])), alphabet)


def _read(content: bytes, name: str) -> tuple[list[tuple[str, Weights]], Alphabet]:
    """Return the op and the weights of each node of an ONNX file, and its alphabet."""
    import onnx
    from google.protobuf.message import DecodeError

    try:
        model = onnx.load_model_from_string(content)
        stored = {entry.key: entry.value for entry in model.metadata_props}.get(ALPHABET_KEY)
        alphabet = Alphabet(stored) if stored else ENGLISH
        arrays = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    except (DecodeError, ValueError, TypeError, LookupError) as error:
        raise PackError(f"{name}: cannot be read ({first_line(error)}); make it again with `asr quantize`") from error
    return [(node.op_type, [arrays.get(each) for each in node.input[1:]]) for node in model.graph.node], alphabet


def _arrays(weights: list[Weights], layers: int) -> tuple[list[int], list[np.ndarray]]:
    """Return [channels1, channels2, layers, units, classes] and the arrays of model.bin.

    Raises:
        ValueError: an array has another size or type, or a zero point is not 0.
    """
    _, (kernel1,), _, _, (bias1,), (step1, zero1), conv2, *_ = weights
    _, _, kernel2, kernel2_steps, kernel2_zero, step2, zero2, bias2 = conv2
    (dense,), (dense_bias,), _ = weights[-len(AFTER_LSTMS) :]
    channels1, channels2, units, classes = len(kernel1), len(kernel2), len(dense) // 2, len(dense_bias)
    factor = (step1 * kernel2_steps / step2).astype(np.float32)
    kernel2 = kernel2.reshape(channels2, channels1, 9).transpose(0, 2, 1)
    arrays = [
        _filled(kernel1.reshape(channels1, 9).T, 1),
        _filled(bias1.reshape(channels1), 0),
        step1.reshape(1),
        _filled(_filled(kernel2, 2), 0),
        _filled(bias2.reshape(channels2), 0),
        _filled(factor.reshape(channels2), 0),
        step2.reshape(1),
    ]
    sizes = [len(arrays[1]), len(arrays[4]), layers, units + -units % LANES, classes]
    zeros = [zero1, kernel2_zero, zero2]
    parts, inputs = MELS // TIME_POOLING, channels2  # an LSTM reads `parts` times `inputs` values
    for start in range(len(BEFORE_LSTMS), len(weights) - len(AFTER_LSTMS), len(LSTM)):
        lstm, _, _, (scale,), (shift,) = weights[start : start + len(LSTM)]
        kernel, recurrent, bias, *_, kernel_steps, kernel_zero, recurrent_steps, recurrent_zero = lstm
        kernel = kernel.reshape(2, parts * inputs, 4 * units).transpose(0, 2, 1)
        recurrent = recurrent.reshape(2, units, 4 * units).transpose(0, 2, 1)
        bias = bias.reshape(2, 2, 4 * units).sum(axis=1)  # ONNX has one of the kernel and one of the recurrent kernel
        arrays += [_filled(_filled(kernel, 2, parts), 1, 4), _filled(_filled(recurrent, 2), 1, 4)]
        arrays += [_filled(each.reshape(2, 4 * units), 1, 4) for each in (bias, kernel_steps, recurrent_steps)]
        arrays += [_filled(each.reshape(2 * units), 0, 2) for each in (scale, shift)]
        zeros += [kernel_zero, recurrent_zero]
        parts, inputs = 2, units
    arrays += [_filled(dense.reshape(2 * units, classes).T, 1, 2), dense_bias.reshape(classes)]
    if any(zero.any() for zero in zeros) or {each.dtype.name for each in arrays} != {"float32", "int32", "int8"}:
        raise ValueError("the integers are of another kind")
    return sizes, arrays


def _filled(array: np.ndarray, axis: int, parts: int = 1) -> np.ndarray:
    """Return `array` with each of `parts` equal parts of an axis filled up with zeros to a multiple of `LANES`."""
    before, after = array.shape[:axis], array.shape[axis + 1 :]
    apart = array.reshape(*before, parts, -1, *after)
    widths = [(0, 0)] * apart.ndim
    widths[axis + 1] = (0, -apart.shape[axis + 1] % LANES)
    return np.pad(apart, widths).reshape(*before, -1, *after)


def _aligned(array: np.ndarray) -> bytes:
    """Return the bytes of an array, little-endian, up to a multiple of `ALIGNMENT`."""
    content = array.astype(array.dtype.newbyteorder("<")).tobytes()
    return content + bytes(-len(content) % ALIGNMENT)
