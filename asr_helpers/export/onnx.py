"""ONNX files in three precisions, the fast model among them."""

import keras
import numpy as np

from asr_helpers.export.folding import lstm_layers, scale_and_shift
from asr_helpers.network.model import alphabet_of
from asr_helpers.sound.mel import MELS
from asr_helpers.text import ALPHABET_KEY, ENGLISH

MICROSOFT = "com.microsoft"  # the domain of ONNX Runtime's own ops
MICROSOFT_OPS = ("DynamicQuantizeLSTM", "QLinearConv", "NhwcMaxPool")


def to_onnx(model: keras.Model, precision: str, calibration: list[np.ndarray]) -> bytes:
    """Return `model` as an ONNX file, from `log_mel` (batch, frames, 80, 1) to `logits`, without support for padding.

    The graph is written node by node. tf2onnx would turn each LSTM into a loop of small ops; ONNX has one op for it.

    Args:
        model: a `build_model` network.
        precision: "float32"; "int8" (the LSTMs' weights; their inputs are quantised on the fly); "fast" (the second
            convolution too, with its inputs). About 1 % of the work stays in float: the first convolution, which has
            one channel and is slower in int8, and the last product, which decides between letters.
        calibration: as for `quantize`; used for "fast" only.
    """
    import onnx
    from onnx import TensorProto, helper

    int8 = precision != "float32"
    graph = _Graph("log_mel")
    graph.add("Transpose", perm=[0, 3, 1, 2])  # channels are last in Keras, second in ONNX
    if precision == "fast":
        scheme = graph.convs_in_int8(model, calibration)
    else:
        graph.conv(model, 1)
        graph.conv(model, 2)
        graph.add("Transpose", perm=[0, 2, 3, 1])
    # To (frames, batch, mels, channels): ONNX's LSTM takes time first. A 0 in the shape keeps that dimension.
    graph.add("Transpose", perm=[1, 0, 2, 3])
    graph.add("Reshape", np.array([0, 0, -1]))
    if precision == "fast":
        graph.add("DequantizeLinear", *scheme)
    for layer in lstm_layers(model):
        graph.lstm(layer, int8)
        graph.add("Transpose", perm=[0, 2, 1, 3])  # to (frames, batch, direction, units)
        graph.add("Reshape", np.array([0, 0, -1]))
        scale, shift = scale_and_shift(model.get_layer(f"{layer.name}_norm"))
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
    # Old versions, which newer runtimes also read.
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid(MICROSOFT, 1)]
    written = helper.make_model(proto, opset_imports=opsets, ir_version=8)
    if alphabet_of(model) != ENGLISH:
        helper.set_model_props(written, {ALPHABET_KEY: alphabet_of(model).characters})
    onnx.checker.check_model(written, full_check=True)
    return written.SerializeToString()


class _Graph:
    """An ONNX graph that grows as a chain: each node's first input is the output of the node before."""

    def __init__(self, start: str):
        self.nodes: list = []
        self.weights: list = []
        self.last = start

    def add(self, op: str, *weights: np.ndarray | None, output: str | None = None, **attributes) -> None:
        """Append a node; a weight of None is an optional input that is left out."""
        from onnx import helper, numpy_helper

        name, inputs = f"{op.lower()}{len(self.nodes)}", [self.last]
        for place, array in enumerate(weights):
            inputs.append("" if array is None else f"{name}_weight{place}")
            if array is not None:
                self.weights.append(numpy_helper.from_array(np.ascontiguousarray(array), inputs[-1]))
        self.last = output or name
        domain = MICROSOFT if op in MICROSOFT_OPS else None
        self.nodes.append(helper.make_node(op, inputs, [self.last], name=name, domain=domain, **attributes))

    def conv(self, model: keras.Model, block: int) -> None:
        """Append a convolution block of `model`, its norm folded into the convolution (`fold_norms`)."""
        self.add("Conv", *_folded_conv(model, block), auto_pad="SAME_UPPER")
        self.add("Relu")
        self.add("MaxPool", kernel_shape=[2, 2], strides=[2, 2])

    def convs_in_int8(self, model: keras.Model, calibration: list[np.ndarray]) -> tuple[np.float32, np.uint8]:
        """Append both blocks, the second in integers; return (scale, zero point) of the output.

        The second has channels last, the layout of the int8 kernels. ReLUs keep its input and output at 0 or above, so
        unsigned bytes with zero point 0 hold both, and the conversion to bytes acts as the ReLU.
        """
        probe = keras.Model(model.input, [model.get_layer(f"conv{block}_relu").output for block in (1, 2)])
        maxima = [[float(keras.ops.max(y)) for y in probe(x[None, :, :, None])] for x in calibration]  # (clips, 2)
        source, target = ((np.float32(maximum / 255), np.uint8(0)) for maximum in np.max(maxima, axis=0))
        kernel, bias = _folded_conv(model, 1)
        self.add("Conv", kernel, auto_pad="SAME_UPPER")
        self.add("MaxPool", kernel_shape=[2, 2], strides=[2, 2])
        self.add("Transpose", perm=[0, 2, 3, 1])
        # The bias stays out of the Conv; otherwise ONNX Runtime would move the QuantizeLinear up to it and pool
        # integers, which is slow.
        self.add("Add", bias)
        self.add("QuantizeLinear", *source)
        kernel, bias = _folded_conv(model, 2)
        kernel, *kernel_scheme = _to_int8(kernel, axis=(1, 2, 3))
        bias = np.round(bias / (source[0] * kernel_scheme[0])).astype(np.int32)
        rest = [*source, kernel, *kernel_scheme, *target, bias]
        self.add("QLinearConv", *rest, auto_pad="SAME_UPPER", channels_last=1)
        self.add("NhwcMaxPool", kernel_shape=[2, 2], strides=[2, 2])
        return target

    def lstm(self, layer: keras.layers.Bidirectional, int8: bool) -> None:
        """Append a bidirectional LSTM, whose output is (frames, direction, batch, units)."""
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
        unused = [None] * 4  # lengths, initial states and peepholes
        self.add("DynamicQuantizeLSTM", kernel, recurrent, bias, *unused, *kernel_scheme, *scheme, **size)


def _folded_conv(model: keras.Model, block: int) -> tuple[np.ndarray, np.ndarray]:
    """Return a convolution's kernel (channels out, channels in, rows, columns) and bias, its norm folded into both."""
    scale, shift = scale_and_shift(model.get_layer(f"conv{block}_norm"))
    return (model.get_layer(f"conv{block}").get_weights()[0] * scale).transpose(3, 2, 0, 1), shift


def _to_int8(weights: np.ndarray, axis: int | tuple[int, ...]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return `weights` as int8 steps, and the scale and zero point (0) of each channel; `axis` lists the other axes.

    The steps range from -63 to 63, 7 bits: x86 processors without VNNI add pairs of products in 16 bits, which
    2 * 127 * 255 would overflow.
    """
    step = np.abs(weights).max(axis=axis, keepdims=True) / 63
    step[step == 0] = 1
    scale = step.squeeze(axis).astype(np.float32)
    return np.round(weights / step).astype(np.int8), scale, np.zeros(scale.shape, np.int8)
