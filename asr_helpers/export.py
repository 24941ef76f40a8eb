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
import sys
import tempfile
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from tqdm.auto import tqdm

from asr_helpers import files, processes
from asr_helpers.features import HOP, MELS, OUTPUT_HOP, SAMPLE_RATE
from asr_helpers.model import alphabet_of, rebuild
from asr_helpers.text import ALPHABET_KEY, ENGLISH, Alphabet, OneLineError

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


# ----------------------------------------------------------------------------------------- the full-int8 form


@keras.saving.register_keras_serializable("asr_helpers")
class FusableLSTM(keras.layers.LSTM):
    """Keras's LSTM, traced so that TFLite's converter makes one UNIDIRECTIONAL_SEQUENCE_LSTM of its loop.

    The converter fuses any function that has this signature and carries these attributes (a "composite
    function": TensorFlow's mlir/lite/transforms/prepare_composite_functions_tf.cc); what stands inside it
    matters only where the layer runs in TensorFlow. It takes no mask.
    """

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.use_cudnn = False

    def inner_loop(self, sequences, initial_state, mask, training=False):
        keras_loop = super().inner_loop

        def lstm(inputs, hidden, cell, kernel, recurrent_kernel, bias):
            last, outputs, (hidden, cell) = keras_loop(inputs, [hidden, cell], None)
            return last, outputs, hidden, cell, tf.constant(1.0)

        attributes = {
            "api_implements": f"lstm_{uuid.uuid4()}",
            "time_major": False,
            "go_backwards": self.go_backwards,
        }
        fusable = tf.function(lstm, autograph=False, experimental_attributes=attributes)
        weights = map(tf.convert_to_tensor, (self.cell.kernel, self.cell.recurrent_kernel, self.cell.bias))
        last, outputs, hidden, cell, _ = fusable(sequences, *initial_state, *weights)
        return last, outputs, [hidden, cell]


def fold_norms(model: keras.Model, lstms: bool = True) -> keras.Model:
    """Return a twin of a `build_model` model for one utterance, without norms (the logits differ by 1e-4).

    A norm is x * scale + shift. One in a convolution block goes into the convolution before it, through the
    pooling in between: the maximum does not mind a scale that is not negative. With `lstms`, one after an LSTM
    goes into the layer that reads it, which multiplies by a kernel anyway, and the LSTMs become FusableLSTMs.
    Left in place, such a norm ruins the int8 model: the converter writes the norm's coarse scale on the
    LSTM's output, the kernel fills it in steps of 1/128 all the same, and what follows reads it many times too
    large.
    """
    fused = {"lstm_norms": False, "lstm": FusableLSTM} if lstms else {}
    twin = rebuild(model, masked=False, conv_norms=False, batch=1, **fused)
    for block in (1, 2):
        scale, shift = _scale_and_shift(model.get_layer(f"conv{block}_norm"))
        kernel = model.get_layer(f"conv{block}").get_weights()[0]
        twin.get_layer(f"conv{block}").set_weights([kernel * scale, shift])
    names = [layer.name for layer in _lstms(model)] if lstms else []
    for name, reader in zip(names, [*names[1:], "logits"], strict=bool(names)):
        weights = twin.get_layer(reader).get_weights()
        twin.get_layer(reader).set_weights(_fold(weights, *_scale_and_shift(model.get_layer(f"{name}_norm"))))
    return twin


def _lstms(model) -> list:
    return [layer for layer in model.layers if isinstance(layer, keras.layers.Bidirectional)]


def _scale_and_shift(norm) -> tuple[np.ndarray, np.ndarray]:
    gamma, beta, mean, variance = norm.get_weights()
    scale = gamma / np.sqrt(variance + norm.epsilon)
    return scale, beta - mean * scale


def clip_kernels(folded: keras.Model, model: keras.Model) -> None:
    """Clip and round those kernels of `folded` that took a norm of `model` in, so that int8 costs them least.

    All weights of an LSTM's gate share one step, and the largest weight sets it. A norm makes a few weights very
    large, those of inputs that hardly move; rounded in steps of these, the others keep four or five levels.
    """
    names = [layer.name for layer in _lstms(model)]
    for name, reader in pairwise(names):
        _, _, mean, variance = model.get_layer(f"{name}_norm").get_weights()
        weights = folded.get_layer(reader).get_weights()  # kernel, recurrent kernel, bias, of both directions
        both = [*_clip(*weights[:3], mean, variance), *_clip(*weights[3:], mean, variance)]
        folded.get_layer(reader).set_weights(both)


def _clip(kernel, recurrent, bias, mean, variance) -> list[np.ndarray]:
    """Return the weights of one LSTM, with each gate's kernel (inputs, units) on int8 steps.

    The clip is the one with the least squared error behind inputs of this `variance`; what the error adds to the
    mean is taken off the bias (Nagel et al. 2019, arXiv:1906.04721).
    """
    kernel, bias = kernel.copy(), bias.copy()
    for gate in np.split(np.arange(kernel.shape[1]), 4):
        exact = kernel[:, gate]
        steps = np.abs(exact).max() / 127 * np.linspace(0.05, 1, 96)
        rounded = [np.clip(np.rint(exact / step), -127, 127) * step for step in steps]
        best = min(rounded, key=lambda each: variance @ np.square(each - exact).sum(axis=1))
        kernel[:, gate] = best
        bias[gate] += mean @ (exact - best)
    return [kernel, recurrent, bias]


def _fold(weights: list[np.ndarray], scale: np.ndarray, shift: np.ndarray) -> list[np.ndarray]:
    """Fold a norm into [kernel, bias], or into [kernel, recurrent kernel, bias] of both directions."""
    if len(weights) == 6:
        return _fold(weights[:3], scale, shift) + _fold(weights[3:], scale, shift)
    kernel, *recurrent, bias = weights
    return [kernel * scale[:, None], *recurrent, bias + shift @ kernel]


# ----------------------------------------------------------------------------------------------------- TFLite


def to_tflite(model: keras.Model, precision: str, calibration: list[np.ndarray]) -> bytes:
    """Return `model` as a TFLite file for one utterance of any length, (1, frames, 80, 1).

    Args:
        precision: "float32"; "float16" (weights only); "dynamic" (int8 weights, activations quantised on the
            fly, float in between); "int8" (everything, inputs and outputs too).
        calibration: as for `quantize`; read for "int8" only.
    """
    # Loops run faster than fused LSTMs, and the LSTMs' weights are rounded less where no norm is folded into
    # them: int8 takes both because it works with nothing else.
    folded = fold_norms(model, lstms=precision == "int8")
    if precision == "int8":
        clip_kernels(folded, model)
    signature = [tf.TensorSpec((1, None, MELS, 1), tf.float32, name="log_mel")]
    dense = folded.get_layer("logits")
    body = keras.Model(folded.input, dense.input)

    def logits(log_mel):
        # Keras's Dense, with the frames as rows: its bias then goes into the product, which is rounded once.
        rows = tf.reshape(body(log_mel, training=False), (-1, dense.kernel.shape[0]))
        return tf.reshape(rows @ dense.kernel + dense.bias, (1, -1, dense.units))

    function = tf.function(logits, input_signature=signature)
    weights = tf.Module()  # given a Keras 3 model instead, the converter would write a file without weights
    weights.variables_of_model = [variable.value for variable in folded.variables]
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function.get_concrete_function()], weights)
    if precision != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if precision == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if precision == "int8":
        converter.representative_dataset = lambda: ([x[None, :, :, None]] for x in calibration)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = tf.int8
        return _with_alphabet(one_grid(converter.convert()), alphabet_of(model))
    return _with_alphabet(converter.convert(), alphabet_of(model))


def _with_alphabet(content: bytes, alphabet: Alphabet) -> bytes:
    """Return the TFLite file `content` with the alphabet in its metadata, as UTF-8; English needs none."""
    from ai_edge_litert import schema_py_generated as schema
    from ai_edge_litert.tools import flatbuffer_utils as tflite

    if alphabet == ENGLISH:
        return content
    model, entry, buffer = (
        tflite.read_model_from_bytearray(bytearray(content)),
        schema.MetadataT(),
        schema.BufferT(),
    )
    buffer.data = np.frombuffer(alphabet.characters.encode(), np.uint8)
    entry.name, entry.buffer = ALPHABET_KEY, len(model.buffers)
    model.buffers.append(buffer)
    model.metadata = [*(model.metadata or []), entry]
    return bytes(tflite.convert_object_to_bytearray(model))


def one_grid(content: bytes) -> bytes:
    """Return the int8 TFLite file `content` with one scale and zero point for all that a pair of LSTMs writes.

    The kernel writes its output and its state alike, the ops that turn and join the outputs copy the integers, and
    what follows reads them on the grid of the joined output. The converter, though, gives each of these tensors a
    grid by its own calibrated range. As an LSTM's values reach from -1 to 1, the zero point is 0 for one and -1 for
    the next, by chance; where they differ, every value is read one step too low.
    """
    from ai_edge_litert.tools import flatbuffer_utils as tflite

    model = tflite.read_model_from_bytearray(bytearray(content))
    names = _tflite_op_names(model)
    (graph,) = model.subgraphs
    readers = {tensor: op for op in graph.operators for tensor in op.inputs}
    for lstm in graph.operators:
        if names[lstm.opcodeIndex] != "UNIDIRECTIONAL_SEQUENCE_LSTM":
            continue
        # Its state, its output before a projection, its output; and that turned round, if it went backwards.
        written, reader = [lstm.inputs[18], lstm.intermediates[4], *lstm.outputs], readers[lstm.outputs[0]]
        while names[reader.opcodeIndex] == "REVERSE_V2":
            written += reader.outputs
            reader = readers[reader.outputs[0]]
        (joined,) = reader.outputs
        grid = graph.tensors[joined].quantization
        for tensor in written:
            graph.tensors[tensor].quantization.scale = grid.scale
            graph.tensors[tensor].quantization.zeroPoint = grid.zeroPoint
    return bytes(tflite.convert_object_to_bytearray(model))


# ------------------------------------------------------------------------------------------------------- ONNX


def to_onnx(model: keras.Model, precision: str, calibration: list[np.ndarray]) -> bytes:
    """Return `model` as an ONNX file, from `log_mel` (batch, frames, 80, 1) to `logits`; it knows no padding.

    Written by hand, not by tf2onnx, which makes a loop of small ops of each LSTM; ONNX has one op for it.

    Args:
        precision: "float32"; "int8" (the LSTMs' weights; their inputs are quantised on the fly); "fast" (the
            second convolution too, inputs and all). What is left in float is about 1 % of the work: the first
            convolution, of one channel, is slower in int8, and the last product decides between letters.
        calibration: as for `quantize`; read for "fast" only.
    """
    import onnx
    from onnx import TensorProto, helper

    int8 = precision != "float32"
    graph = _Graph("log_mel")
    graph.add("Transpose", perm=[0, 3, 1, 2])  # Keras has channels last, ONNX has them second
    if precision == "fast":
        graph.convs_in_int8(model, calibration)
    else:
        graph.conv(model, 1)
        graph.conv(model, 2)
        graph.add("Transpose", perm=[0, 2, 3, 1])
    # To (frames, batch, mels, channels): ONNX's LSTM has time first. In a shape, 0 keeps a size.
    graph.add("Transpose", perm=[1, 0, 2, 3])
    graph.add("Reshape", np.array([0, 0, -1]))
    if precision == "fast":
        graph.add("DequantizeLinear", *graph.scheme)
    for layer in _lstms(model):
        graph.lstm(layer, int8)
        graph.add("Transpose", perm=[0, 2, 1, 3])  # to (frames, batch, direction, units)
        graph.add("Reshape", np.array([0, 0, -1]))
        scale, shift = _scale_and_shift(model.get_layer(f"{layer.name}_norm"))
        graph.add("Mul", scale)
        graph.add("Add", shift)
    kernel, bias = model.get_layer("logits").get_weights()
    graph.add("MatMul", kernel)
    graph.add("Add", bias)
    graph.add("Transpose", perm=[1, 0, 2], output="logits")

    float32 = TensorProto.FLOAT
    inputs = [helper.make_tensor_value_info("log_mel", float32, ["batch", "frames", MELS, 1])]
    outputs = [helper.make_tensor_value_info("logits", float32, ["batch", "output_frames", len(bias)])]
    proto = helper.make_graph(graph.nodes, "crnn", inputs, outputs, graph.weights)
    # Old versions on purpose: newer runtimes read them too.
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid(_MICROSOFT, 1)]
    written = helper.make_model(proto, opset_imports=opsets, ir_version=8)
    if alphabet_of(model) != ENGLISH:
        helper.set_model_props(written, {ALPHABET_KEY: alphabet_of(model).characters})
    onnx.checker.check_model(written, full_check=True)
    return written.SerializeToString()


_MICROSOFT = "com.microsoft"  # ops of ONNX Runtime's own
_MICROSOFTS = ("DynamicQuantizeLSTM", "QLinearConv", "NhwcMaxPool")


class _Graph:
    """An ONNX graph that grows as a chain: each node's first input is the output of the one before."""

    def __init__(self, start: str):
        self.nodes, self.weights, self.last = [], [], start

    def add(self, op: str, *weights: np.ndarray | None, output: str | None = None, **attributes):
        """Add a node; None stands for an optional input that is left out."""
        from onnx import helper, numpy_helper

        name, inputs = f"{op.lower()}{len(self.nodes)}", [self.last]
        for place, array in enumerate(weights):
            inputs.append("" if array is None else f"{name}_weight{place}")
            if array is not None:
                self.weights.append(numpy_helper.from_array(np.ascontiguousarray(array), inputs[-1]))
        self.last = output or name
        domain = _MICROSOFT if op in _MICROSOFTS else None
        self.nodes.append(helper.make_node(op, inputs, [self.last], name=name, domain=domain, **attributes))

    def conv(self, model, block: int):
        """Add a block of `model`, its norm folded into the convolution (`fold_norms`)."""
        self.add("Conv", *_folded_conv(model, block), auto_pad="SAME_UPPER")
        self.add("Relu")
        self.add("MaxPool", kernel_shape=[2, 2], strides=[2, 2])

    def convs_in_int8(self, model, calibration: list[np.ndarray]):
        """Add both blocks, the second in integers and with channels last, as the kernels for int8 like them.

        What goes into it and comes out was cut off at 0 by a ReLU: unsigned bytes with the zero point 0 hold it,
        and do the cutting off, too. `scheme`, the (scale, zero point) of the output, is left behind.
        """
        probe = keras.Model(model.input, [model.get_layer(f"conv{block}_relu").output for block in (1, 2)])
        highs = [[float(keras.ops.max(y)) for y in probe(x[None, :, :, None])] for x in calibration]
        source, target = ((np.float32(high / 255), np.uint8(0)) for high in np.max(highs, axis=0))
        kernel, bias = _folded_conv(model, 1)
        self.add("Conv", kernel, auto_pad="SAME_UPPER")
        self.add("MaxPool", kernel_shape=[2, 2], strides=[2, 2])
        self.add("Transpose", perm=[0, 2, 3, 1])
        # Not in the Conv: ONNX Runtime would pull the QuantizeLinear up to it, and pool integers, slowly.
        self.add("Add", bias)
        self.add("QuantizeLinear", *source)
        kernel, bias = _folded_conv(model, 2)
        kernel, *kernel_scheme = _to_int8(kernel, axis=(1, 2, 3))
        bias = np.round(bias / (source[0] * kernel_scheme[0])).astype(np.int32)
        rest = [*source, kernel, *kernel_scheme, *target, bias]
        self.add("QLinearConv", *rest, auto_pad="SAME_UPPER", channels_last=1)
        self.add("NhwcMaxPool", kernel_shape=[2, 2], strides=[2, 2])
        self.scheme = target

    def lstm(self, layer, int8: bool):
        """Add a bidirectional LSTM, whose output is (frames, direction, batch, units)."""
        units = layer.forward_layer.units

        def gates(matrix):  # (rows, 4 * units), gates i, f, c, o -> (4 * units, rows), gates i, o, f, c
            return matrix.T.reshape(4, units, -1)[[0, 3, 1, 2]].reshape(4 * units, -1)

        weights = layer.get_weights()  # kernel, recurrent kernel and bias, forward and then backward
        kernel, recurrent, bias = (
            np.stack([gates(np.atleast_2d(array)) for array in weights[kind::3]]) for kind in range(3)
        )
        bias = np.concatenate([bias, np.zeros_like(bias)], axis=1)[..., 0]  # ONNX has a recurrent bias, too
        size = {"direction": "bidirectional", "hidden_size": units}
        if not int8:
            self.add("LSTM", kernel, recurrent, bias, **size)
            return
        (kernel, *kernel_scheme), (recurrent, *scheme) = (
            _to_int8(matrix.transpose(0, 2, 1), axis=1) for matrix in (kernel, recurrent)
        )
        states = [None] * 4  # lengths, first states and peepholes: not used
        self.add("DynamicQuantizeLSTM", kernel, recurrent, bias, *states, *kernel_scheme, *scheme, **size)


def _folded_conv(model, block: int) -> tuple[np.ndarray, np.ndarray]:
    """Return a convolution's kernel, (channels out, channels in, rows, columns), and bias, its norm in both."""
    scale, shift = _scale_and_shift(model.get_layer(f"conv{block}_norm"))
    return (model.get_layer(f"conv{block}").get_weights()[0] * scale).transpose(3, 2, 0, 1), shift


def _to_int8(weights: np.ndarray, axis) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return `weights` in steps, the step of each channel (`axis` holds the others), and zero points (all 0).

    From -63 to 63, 7 bits: x86 processors older than VNNI add pairs of products in 16 bits, which twice
    127 * 255 would overflow.
    """
    step = np.abs(weights).max(axis=axis, keepdims=True) / 63
    step[step == 0] = 1
    scale = step.squeeze(axis).astype(np.float32)
    return np.round(weights / step).astype(np.int8), scale, np.zeros(scale.shape, np.int8)


# --------------------------------------------------------------------------------------------- what is inside


def op_report(path: Path | str) -> dict:
    """Return what a `build_model` network in a `.tflite` or `.onnx` file computes, and in which number formats.

    Returns:
        name, bytes;
        ops: list of {op, inputs, weights, count}, the dtypes as text: `inputs` of the first input, `weights`
            of a matrix product's weights (else None);
        macs_per_second: multiply-accumulates for one second of audio, one utterance at a time;
        int8_mac_share: the share of them whose weights are int8 (the other factor is, or becomes so on the fly);
        float_ops: names of the ops that take floating-point inputs; float_compute_ops: those of them that
            multiply matrices;
        custom_ops: names of the ops beyond the runtime's own, such as TensorFlow's ("Flex…");
        input, output: {dtype, scale, zero_point};
        and for TFLite subgraphs (each loop has two).
    """
    path = Path(path)
    found, counts, macs = _tflite_ops(path) if path.suffix == ".tflite" else _onnx_ops(path)
    in_float = {op for op, inputs, _ in counts if inputs in ("float32", "float16")}
    return {
        "name": path.name,
        "bytes": path.stat().st_size,
        **found,
        "ops": [
            {"op": op, "inputs": inputs, "weights": weights, "count": count}
            for (op, inputs, weights), count in counts.items()
        ],
        "macs_per_second": round(sum(macs.values())),
        "int8_mac_share": macs["int8"] / sum(macs.values()) if macs else 0.0,
        "float_ops": sorted(in_float),
        "float_compute_ops": sorted(in_float & set(_PRODUCTS)),
    }


def format_report(report: dict) -> str:
    """Return an `op_report` as text: size and formats, a line for each kind of product, one for the rest."""
    heading = f"{report['name']}: {report['bytes'] / 1e6:.2f} MB"
    if "subgraphs" in report:
        heading += f", {report['subgraphs']} subgraph(s)"
    for end in ("input", "output"):
        scheme = report[end]
        heading += f", {scheme['dtype']} {end}"
        if scheme["scale"]:
            heading += f" (scale {scheme['scale']:.4g}, zero point {scheme['zero_point']})"
    share, macs = report["int8_mac_share"], report["macs_per_second"] / 1e6
    work = f"  {share:.1%} of {macs:.0f} million multiply–accumulates for a second of audio have int8 weights"
    products, others = [], Counter()
    for op in report["ops"]:
        if op["op"] in _PRODUCTS:
            products.append(f"  {op['count']} {op['op']}: {op['inputs']} inputs, {op['weights']} weights")
        else:
            others[op["op"], op["inputs"] or "no input"] += op["count"]
    kinds = dict.fromkeys(kind for _, kind in others)
    listed = {
        kind: ", ".join(f"{n} {op}" for (op, each), n in others.most_common() if each == kind)
        for kind in kinds
    }
    return "\n".join(
        [heading, work, *products, *(f"  besides, {kind}: {ops}" for kind, ops in listed.items())]
    )


# Ops that multiply matrices, and where their weights stand among their inputs.
_PRODUCTS = {
    "CONV_2D": [1],
    "FULLY_CONNECTED": [1],
    "UNIDIRECTIONAL_SEQUENCE_LSTM": range(1, 9),
    "Conv": [1],
    "QLinearConv": [3],
    "LSTM": [1, 2],
    "DynamicQuantizeLSTM": [1, 2],
    "MatMul": [1],
}


class _Work:
    """Multiply-accumulates for a second of audio, by the weights' dtype, counted product by product.

    A convolution's weights serve every mel bin of every frame, and each of the two is followed by a pooling
    that leaves a quarter of both together; all other weights serve every output frame once.
    """

    def __init__(self):
        self.by_dtype, self.positions = Counter(), MELS * SAMPLE_RATE / HOP

    def count(self, op: str, dtype: str, weights: int):
        if "conv" in op.lower():
            self.by_dtype[dtype] += weights * self.positions
            self.positions /= 4
        else:
            self.by_dtype[dtype] += weights * SAMPLE_RATE / OUTPUT_HOP


def _tflite_op_names(model) -> list[str]:
    """Return the names that the `opcodeIndex` of the operators of a TFLite `model` points at."""
    from ai_edge_litert.tools import flatbuffer_utils as tflite

    return [
        code.customCode.decode() if code.customCode else tflite.opcode_to_name(model, index)
        for index, code in enumerate(model.operatorCodes)
    ]


def _tflite_ops(path: Path) -> tuple[dict, Counter, Counter]:
    from ai_edge_litert.tools import flatbuffer_utils as tflite

    model = tflite.read_model(path)
    names, counts, work = _tflite_op_names(model), Counter(), _Work()
    for graph in model.subgraphs:
        dtypes = [tflite.type_to_name(tensor.type).lower() for tensor in graph.tensors]
        for op in graph.operators:  # in order of execution
            name, inputs = names[op.opcodeIndex], [dtypes[i] for i in op.inputs]
            if name == "DEQUANTIZE" and inputs[0] == "float16":
                dtypes[op.outputs[0]] = "float16"  # weights in storage; the product after it is in float32
            counts[name, inputs[0] if inputs else None, inputs[1] if name in _PRODUCTS else None] += 1
            for place in _PRODUCTS.get(name, []):
                work.count(name, inputs[1], int(np.prod(graph.tensors[op.inputs[place]].shape)))
    main = model.subgraphs[0]
    found = {
        "subgraphs": len(model.subgraphs),
        "input": _quantisation(main.tensors[main.inputs[0]]),
        "output": _quantisation(main.tensors[main.outputs[0]]),
        "custom_ops": sorted({code.customCode.decode() for code in model.operatorCodes if code.customCode}),
    }
    return found, counts, work.by_dtype


def _quantisation(tensor) -> dict:
    from ai_edge_litert.tools import flatbuffer_utils as tflite

    dtype, scheme = tflite.type_to_name(tensor.type).lower(), tensor.quantization
    if scheme is None or scheme.scale is None:
        return {"dtype": dtype, "scale": None, "zero_point": None}
    return {"dtype": dtype, "scale": float(scheme.scale[0]), "zero_point": int(scheme.zeroPoint[0])}


def _onnx_ops(path: Path) -> tuple[dict, Counter, Counter]:
    import onnx

    graph = onnx.load(path).graph
    weights = {w.name: str(onnx.helper.tensor_dtype_to_np_dtype(w.data_type)) for w in graph.initializer}
    sizes = {w.name: int(np.prod(w.dims)) for w in graph.initializer}
    dtype, counts, work = "float32", Counter(), _Work()
    for node in graph.node:  # a chain: what one gives, the next takes
        places = _PRODUCTS.get(node.op_type, [])
        counts[node.op_type, dtype, weights[node.input[places[0]]] if places else None] += 1
        for place in places:
            work.count(node.op_type, weights[node.input[place]], sizes[node.input[place]])
        dtype = {"QuantizeLinear": "uint8", "DequantizeLinear": "float32"}.get(node.op_type, dtype)
    plain = {"dtype": "float32", "scale": None, "zero_point": None}
    domains = ("", "ai.onnx", _MICROSOFT)
    custom = sorted({node.op_type for node in graph.node if node.domain not in domains})
    return {"input": plain, "output": plain, "custom_ops": custom}, counts, work.by_dtype


# ---------------------------------------------------------------------------------- the process that converts


def _made_apart(
    command: list[str], model_path: Path, calibration: list[np.ndarray], names: list[str]
) -> Iterator[tuple[str, bytes]]:
    """Run `command` (`_main` in a new process) and yield the name and content of each of the files `names` it makes.

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


def _main(*variants: str) -> None:
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
        reason = str(error).strip().splitlines() or [type(error).__name__]
        answer(error=f"{doing}: {reason[0]}")


if __name__ == "__main__":
    _main(*sys.argv[1:])
