"""What a model's file computes: its ops, the number formats they work in, and how much work each does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, NotRequired, TypedDict

import numpy as np

from asr_helpers.export.onnx import MICROSOFT
from asr_helpers.export.tflite import op_names
from asr_helpers.sound.audio import HOP, SAMPLE_RATE
from asr_helpers.sound.mel import MELS, OUTPUT_HOP


class OpCount(TypedDict):
    """How often an op occurs with given number formats: of its first input, and of a product's weights."""

    op: str
    inputs: str | None
    weights: str | None
    count: int


class Quantization(TypedDict):
    """A tensor's number format; scale and zero point are None for floats."""

    dtype: str
    scale: float | None
    zero_point: int | None


class OpReport(TypedDict):
    """What `op_report` finds in a file."""

    name: str
    bytes: int
    subgraphs: NotRequired[int]  # TFLite only; each loop has two
    input: Quantization
    output: Quantization
    custom_ops: list[str]  # beyond the runtime's own, such as TensorFlow's ("Flex…")
    ops: list[OpCount]
    macs_per_second: int  # multiply-accumulates for one second of audio, one utterance at a time
    int8_mac_share: float  # the fraction of them with int8 weights; the other factor is int8 or is quantised on the fly
    float_ops: list[str]  # with floating-point inputs
    float_compute_ops: list[str]  # those among them that multiply matrices


class _Contents(NamedTuple):
    """What one format's reader finds: report fields, ops by (op, inputs, weights), MACs by dtype of weights."""

    fields: dict
    counts: Counter
    macs: Counter


def op_report(path: Path | str) -> OpReport:
    """Return what a `build_model` network in a `.tflite` or `.onnx` file computes, and in which number formats."""
    path = Path(path)
    fields, counts, macs = _tflite_ops(path) if path.suffix == ".tflite" else _onnx_ops(path)
    in_float = {op for op, inputs, _ in counts if inputs in ("float32", "float16")}
    return OpReport(
        name=path.name,
        bytes=path.stat().st_size,
        **fields,
        ops=[
            OpCount(op=op, inputs=inputs, weights=weights, count=count)
            for (op, inputs, weights), count in counts.items()
        ],
        macs_per_second=round(sum(macs.values())),
        int8_mac_share=macs["int8"] / sum(macs.values()) if macs else 0.0,
        float_ops=sorted(in_float),
        float_compute_ops=sorted(in_float & set(_PRODUCTS)),
    )


def format_report(report: OpReport) -> str:
    """Return an `op_report` as text: size and formats, a line per kind of product, a line per format of other ops."""
    heading = f"{report['name']}: {report['bytes'] / 1e6:.2f} MB"
    if "subgraphs" in report:
        heading += f", {report['subgraphs']} subgraph(s)"
    for end, scheme in (("input", report["input"]), ("output", report["output"])):
        heading += f", {scheme['dtype']} {end}"
        if scheme["scale"]:
            heading += f" (scale {scheme['scale']:.4g}, zero point {scheme['zero_point']})"
    share, macs = report["int8_mac_share"], report["macs_per_second"] / 1e6
    work = f"  {share:.1%} of {macs:.0f} million multiply–accumulates for a second of audio have int8 weights"
    products: list[str] = []
    others: Counter = Counter()
    for op in report["ops"]:
        if op["op"] in _PRODUCTS:
            products.append(f"  {op['count']} {op['op']}: {op['inputs']} inputs, {op['weights']} weights")
        else:
            others[op["op"], op["inputs"] or "no input"] += op["count"]
    lines = [heading, work, *products]
    for kind in dict.fromkeys(kind for _, kind in others):
        ops = ", ".join(f"{count} {op}" for (op, each), count in others.most_common() if each == kind)
        lines.append(f"  besides, {kind}: {ops}")
    return "\n".join(lines)


# Ops that multiply matrices, and the positions of their weights among their inputs.
_PRODUCTS: dict[str, Sequence[int]] = {
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

    A convolution's weights serve every mel bin of every frame. Each of the two convolutions is followed by a pooling
    that keeps a quarter of these positions. All other weights serve every output frame once.
    """

    def __init__(self) -> None:
        self.by_dtype: Counter = Counter()
        self.positions = MELS * SAMPLE_RATE / HOP

    def count(self, op: str, dtype: str, weights: int) -> None:
        if "conv" in op.lower():
            self.by_dtype[dtype] += weights * self.positions
            self.positions /= 4
        else:
            self.by_dtype[dtype] += weights * SAMPLE_RATE / OUTPUT_HOP


def _tflite_ops(path: Path) -> _Contents:
    from ai_edge_litert.tools import flatbuffer_utils as tflite

    model = tflite.read_model(path)
    names, work = op_names(model), _Work()
    counts: Counter = Counter()
    for graph in model.subgraphs:
        dtypes = [tflite.type_to_name(tensor.type).lower() for tensor in graph.tensors]
        for op in graph.operators:  # in order of execution
            name, inputs = names[op.opcodeIndex], [dtypes[i] for i in op.inputs]
            if name == "DEQUANTIZE" and inputs[0] == "float16":
                dtypes[op.outputs[0]] = "float16"  # stored weights; the product that reads them is in float32
            counts[name, inputs[0] if inputs else None, inputs[1] if name in _PRODUCTS else None] += 1
            for place in _PRODUCTS.get(name, []):
                work.count(name, inputs[1], int(np.prod(graph.tensors[op.inputs[place]].shape)))
    main = model.subgraphs[0]
    fields = {
        "subgraphs": len(model.subgraphs),
        "input": _quantization(main.tensors[main.inputs[0]]),
        "output": _quantization(main.tensors[main.outputs[0]]),
        "custom_ops": sorted({code.customCode.decode() for code in model.operatorCodes if code.customCode}),
    }
    return _Contents(fields, counts, work.by_dtype)


def _quantization(tensor) -> Quantization:
    from ai_edge_litert.tools import flatbuffer_utils as tflite

    dtype, scheme = tflite.type_to_name(tensor.type).lower(), tensor.quantization
    if scheme is None or scheme.scale is None:
        return {"dtype": dtype, "scale": None, "zero_point": None}
    return {"dtype": dtype, "scale": float(scheme.scale[0]), "zero_point": int(scheme.zeroPoint[0])}


def _onnx_ops(path: Path) -> _Contents:
    import onnx

    graph = onnx.load(path).graph
    weights = {w.name: str(onnx.helper.tensor_dtype_to_np_dtype(w.data_type)) for w in graph.initializer}
    sizes = {w.name: int(np.prod(w.dims)) for w in graph.initializer}
    dtype, work = "float32", _Work()
    counts: Counter = Counter()
    for node in graph.node:  # a chain: each node's output is the next one's input
        places = _PRODUCTS.get(node.op_type, [])
        counts[node.op_type, dtype, weights[node.input[places[0]]] if places else None] += 1
        for place in places:
            work.count(node.op_type, weights[node.input[place]], sizes[node.input[place]])
        dtype = {"QuantizeLinear": "uint8", "DequantizeLinear": "float32"}.get(node.op_type, dtype)
    plain = {"dtype": "float32", "scale": None, "zero_point": None}
    domains = ("", "ai.onnx", MICROSOFT)
    custom = sorted({node.op_type for node in graph.node if node.domain not in domains})
    return _Contents({"input": plain, "output": plain, "custom_ops": custom}, counts, work.by_dtype)
