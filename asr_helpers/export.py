"""From the trained `.keras` model to what runs elsewhere: TFLite in four precisions, ONNX in two.

The full-int8 model takes three steps that no converter does for us: the BatchNormalization after each LSTM is
folded into the layer that follows, the LSTMs are traced in a form that TFLite knows how to fuse into one
integer kernel, and the range of every activation is calibrated on real features.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import uuid
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from tqdm.auto import tqdm

from asr_helpers.features import MELS
from asr_helpers.model import rebuild

REFERENCE = "crnn.keras"
VARIANTS = (
    "crnn.float32.tflite",
    "crnn.float16.tflite",
    "crnn.dynamic.tflite",
    "crnn.int8.tflite",
    "crnn.float32.onnx",
    "crnn.int8.onnx",
)


class ExportError(ValueError):
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
            utterances. The full-int8 model takes the range of its activations from them.

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
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out, prefix=".") as work:
        shutil.copyfile(model_path, Path(work, REFERENCE))
        np.savez(Path(work, "calibration.npz"), *calibration)
        command = [sys.executable, "-m", "asr_helpers.export", work, *variants]
        made = _made_apart(command, model_path, [REFERENCE, *variants])
        for name in tqdm(made, "converting", total=1 + len(variants), unit="file"):
            os.replace(Path(work, name), out / name)
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
    Left in place, such a norm ruins the int8 model: the LSTM's output, which needs steps of 1/128, gets the
    norm's coarse ones.
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
    model = fold_norms(model, lstms=precision == "int8")
    signature = [tf.TensorSpec((1, None, MELS, 1), tf.float32, name="log_mel")]
    function = tf.function(lambda log_mel: model(log_mel, training=False), input_signature=signature)
    weights = tf.Module()  # given a Keras 3 model instead, the converter would write a file without weights
    weights.variables_of_model = [variable.value for variable in model.variables]
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function.get_concrete_function()], weights)
    if precision != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if precision == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if precision == "int8":
        converter.representative_dataset = lambda: ([x[None, :, :, None]] for x in calibration)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = tf.int8
    return converter.convert()


# ------------------------------------------------------------------------------------------------------- ONNX


def to_onnx(model: keras.Model, precision: str) -> bytes:
    """Return `model` as an ONNX file, from `log_mel` (batch, frames, 80, 1) to `logits`; it knows no padding.

    Written by hand, not by tf2onnx, which makes a loop of small ops of each LSTM; ONNX has one op for it.

    Args:
        precision: "float32", or "int8" (dynamic: the LSTMs and the last product; convolutions stay float).
    """
    import onnx
    from onnx import TensorProto, helper

    graph = _Graph("log_mel")
    graph.add("Transpose", perm=[0, 3, 1, 2])  # Keras has channels last, ONNX has them second
    for block in (1, 2):
        graph.conv(model.get_layer(f"conv{block}"), model.get_layer(f"conv{block}_norm"))
        graph.add("Relu")
        graph.add("MaxPool", kernel_shape=[2, 2], strides=[2, 2])
    # To (frames, batch, mels, channels): ONNX's LSTM has time first. In a shape, 0 keeps a size.
    graph.add("Transpose", perm=[2, 0, 3, 1])
    graph.add("Reshape", np.array([0, 0, -1]))
    for layer in _lstms(model):
        graph.lstm(layer)
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
    written = helper.make_model(proto, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    onnx.checker.check_model(written, full_check=True)
    return (_quantize_onnx(written) if precision == "int8" else written).SerializeToString()


class _Graph:
    """An ONNX graph that grows as a chain: each node's first input is the output of the one before."""

    def __init__(self, start: str):
        self.nodes, self.weights, self.last = [], [], start

    def add(self, op: str, *weights: np.ndarray, output: str | None = None, **attributes):
        from onnx import helper, numpy_helper

        name = f"{op.lower()}{len(self.nodes)}"
        named = {f"{name}_weight{i}": np.ascontiguousarray(array) for i, array in enumerate(weights)}
        self.weights += [numpy_helper.from_array(array, key) for key, array in named.items()]
        inputs, self.last = [self.last, *named], output or name
        self.nodes.append(helper.make_node(op, inputs, [self.last], name=name, **attributes))

    def conv(self, conv, norm):
        """Add a Conv2D with its block's BatchNormalization folded into the kernel and a bias (`fold_norms`)."""
        scale, shift = _scale_and_shift(norm)
        kernel = conv.get_weights()[0] * scale  # (rows, columns, channels in, channels out)
        self.add("Conv", kernel.transpose(3, 2, 0, 1), shift, auto_pad="SAME_UPPER")

    def lstm(self, layer):
        """Add a bidirectional LSTM, whose output is (frames, direction, batch, units)."""
        units = layer.forward_layer.units

        def gates(matrix):  # (rows, 4 * units), gates i, f, c, o -> (4 * units, rows), gates i, o, f, c
            return matrix.T.reshape(4, units, -1)[[0, 3, 1, 2]].reshape(4 * units, -1)

        weights = layer.get_weights()  # kernel, recurrent kernel and bias, forward and then backward
        kernel, recurrent, bias = (
            np.stack([gates(np.atleast_2d(array)) for array in weights[kind::3]]) for kind in range(3)
        )
        bias = np.concatenate([bias, np.zeros_like(bias)], axis=1)[..., 0]  # ONNX has a recurrent bias, too
        self.add("LSTM", kernel, recurrent, bias, direction="bidirectional", hidden_size=units)


def _quantize_onnx(model):
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "int8.onnx")
        # Weights of 7 bits (reduce_range): x86 processors older than VNNI add pairs of products in 16 bits.
        ops = ["LSTM", "MatMul"]
        quantize_dynamic(model, path, ops, weight_type=QuantType.QInt8, reduce_range=True)
        return onnx.load(path)


# --------------------------------------------------------------------------------------------- what is inside


def op_report(path: Path | str) -> dict:
    """Return what a `.tflite` or `.onnx` file computes, and in which number formats.

    Returns:
        name, bytes;
        ops: list of {op, inputs, weights, count}, the dtypes as text: `inputs` of the first input (None in
            ONNX, which does not record it), `weights` of a matrix product's weights (else None);
        float_compute_ops: names of the ops that multiply matrices and take floating-point inputs;
        custom_ops: names of the ops beyond the runtime's own, such as TensorFlow's ("Flex…");
        and for TFLite subgraphs (each loop has two), input and output: {dtype, scale, zero_point}.
    """
    path = Path(path)
    found = _tflite_ops(path) if path.suffix == ".tflite" else _onnx_ops(path)
    return {"name": path.name, "bytes": path.stat().st_size, **found}


def format_report(report: dict) -> str:
    """Return an `op_report` as text: a heading, a line for each kind of matrix product, one for the rest."""
    heading = f"{report['name']}: {report['bytes'] / 1e6:.2f} MB"
    if "subgraphs" in report:
        ends = [f"{report[end]['dtype']} {end}" for end in ("input", "output")]
        heading += f", {report['subgraphs']} subgraph(s), {', '.join(ends)}"
    products, others = [], Counter()
    for op in report["ops"]:
        if op["op"] in _PRODUCTS:
            inputs = f"{op['inputs']} inputs, " if op["inputs"] else ""
            products.append(f"  {op['count']} {op['op']}: {inputs}{op['weights']} weights")
        else:
            others[op["op"]] += op["count"]
    rest = ", ".join(f"{count} {op}" for op, count in others.most_common())
    return "\n".join([heading, *products, f"  besides: {rest}"])


_FLOAT_ONNX = ("Conv", "LSTM", "MatMul")  # quantised, an ONNX op has another name
_PRODUCTS = (
    *("CONV_2D", "FULLY_CONNECTED", "BATCH_MATMUL", "UNIDIRECTIONAL_SEQUENCE_LSTM"),
    *(*_FLOAT_ONNX, "MatMulInteger", "DynamicQuantizeLSTM"),
)


def _tflite_ops(path: Path) -> dict:
    from ai_edge_litert.tools import flatbuffer_utils as tflite

    model = tflite.read_model(path)
    names = [
        code.customCode.decode() if code.customCode else tflite.opcode_to_name(model, index)
        for index, code in enumerate(model.operatorCodes)
    ]
    counts = Counter()
    for graph in model.subgraphs:
        dtypes = [tflite.type_to_name(tensor.type).lower() for tensor in graph.tensors]
        for op in graph.operators:  # in order of execution
            name, inputs = names[op.opcodeIndex], [dtypes[i] for i in op.inputs]
            if name == "DEQUANTIZE" and inputs[0] == "float16":
                dtypes[op.outputs[0]] = "float16"  # weights in storage; the product after it is in float32
            counts[name, inputs[0] if inputs else None, inputs[1] if name in _PRODUCTS else None] += 1
    main = model.subgraphs[0]
    return {
        "subgraphs": len(model.subgraphs),
        "input": _quantisation(main.tensors[main.inputs[0]]),
        "output": _quantisation(main.tensors[main.outputs[0]]),
        "ops": _listed(counts),
        "float_compute_ops": sorted({op for op, kind, _ in counts if op in _PRODUCTS and kind == "float32"}),
        "custom_ops": sorted({code.customCode.decode() for code in model.operatorCodes if code.customCode}),
    }


def _quantisation(tensor) -> dict:
    from ai_edge_litert.tools import flatbuffer_utils as tflite

    dtype, scheme = tflite.type_to_name(tensor.type).lower(), tensor.quantization
    if scheme is None or scheme.scale is None:
        return {"dtype": dtype, "scale": None, "zero_point": None}
    return {"dtype": dtype, "scale": float(scheme.scale[0]), "zero_point": int(scheme.zeroPoint[0])}


def _onnx_ops(path: Path) -> dict:
    import onnx

    graph = onnx.load(path).graph
    weights = {w.name: str(onnx.helper.tensor_dtype_to_np_dtype(w.data_type)) for w in graph.initializer}
    counts = Counter()
    for node in graph.node:
        counts[node.op_type, None, weights.get(node.input[1]) if node.op_type in _PRODUCTS else None] += 1
    domains = ("", "ai.onnx", "com.microsoft")  # the last is onnxruntime's own
    return {
        "ops": _listed(counts),
        "float_compute_ops": sorted({op for op, *_ in counts if op in _FLOAT_ONNX}),
        "custom_ops": sorted({node.op_type for node in graph.node if node.domain not in domains}),
    }


def _listed(counts: Counter) -> list[dict]:
    return [
        {"op": op, "inputs": inputs, "weights": weights, "count": count}
        for (op, inputs, weights), count in counts.items()
    ]


# ---------------------------------------------------------------------------------- the process that converts


def _made_apart(command: list[str], model_path: Path, names: list[str]) -> Iterator[str]:
    """Run `command` (`_main` in a new process) and yield the `names` of the files as each is made."""
    # Out of sight of any GPU, where Keras would trace cuDNN ops that no other runtime has.
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
    ) as process:
        try:
            for line in process.stdout:
                message = json.loads(line)
                if "error" in message:
                    raise ExportError(f"{model_path}: {message['error']}")
                names = names[1:]
                yield message["made"]
            code = process.wait()
            if names:
                cause = signal.Signals(-code).name if code < 0 else f"exit status {code}"
                raise ExportError(f"{model_path}: {names[0]} crashed the converter ({cause}); leave it out")
        finally:
            process.kill()


def _main(work: str, *variants: str) -> None:
    """Write `variants` of the model in the folder `work` there; tell of each on a line of JSON on stdout."""
    messages = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # the converter's C++ code prints on stdout
    doing = "cannot be loaded"
    try:
        model = keras.saving.load_model(Path(work, REFERENCE), compile=False)
        print(json.dumps({"made": REFERENCE}), file=messages)
        with np.load(Path(work, "calibration.npz")) as archive:
            calibration = list(archive.values())
        for variant in variants:
            doing = f"{variant} failed"
            _, precision, form = variant.split(".")
            made = to_tflite(model, precision, calibration) if form == "tflite" else to_onnx(model, precision)
            Path(work, variant).write_bytes(made)
            print(json.dumps({"made": variant}), file=messages)
    except Exception as error:
        reason = str(error).strip().splitlines() or [type(error).__name__]
        print(json.dumps({"error": f"{doing}: {reason[0]}"}), file=messages)


if __name__ == "__main__":
    _main(*sys.argv[1:])
