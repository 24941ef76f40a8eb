"""What is inside a file: its ops, the number formats they work in, and how much work each does."""

from collections import Counter
from pathlib import Path

import numpy as np

from asr_helpers.export.onnx import MICROSOFT
from asr_helpers.export.tflite import op_names
from asr_helpers.features import HOP, MELS, OUTPUT_HOP, SAMPLE_RATE


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


def _tflite_ops(path: Path) -> tuple[dict, Counter, Counter]:
    from ai_edge_litert.tools import flatbuffer_utils as tflite

    model = tflite.read_model(path)
    names, counts, work = op_names(model), Counter(), _Work()
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
    domains = ("", "ai.onnx", MICROSOFT)
    custom = sorted({node.op_type for node in graph.node if node.domain not in domains})
    return {"input": plain, "output": plain, "custom_ops": custom}, counts, work.by_dtype
