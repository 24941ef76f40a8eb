"""Networks of other sizes than the shipped one."""

import numpy as np
import onnx

from asr_helpers.recognizer import shipped_model
from asr_helpers.text import ALPHABET_KEY


def small_network(units: int = 8, filters: tuple[int, int] = (8, 8), layers: int = 3, alphabet: str = "") -> bytes:
    """Return a `crnn.fast.onnx` with parts of the shipped one's weights: other sizes without TensorFlow.

    It has at most 256 units, 32 and 64 filters, 3 LSTMs and 28 characters. Its text makes no sense.
    """
    model = onnx.load(shipped_model())
    sizes = {32: filters[0], 64: filters[1], 1280: 20 * filters[1], 29: len(alphabet) + 1 if alphabet else 29}
    sizes |= {times * 256: times * units for times in (1, 2, 4, 8)}
    kept = [*model.graph.node[: 11 + 5 * layers], *model.graph.node[26:]]
    kept[-3].input[0] = kept[-4].output[0]
    for node in kept:
        for attribute in node.attribute:
            if attribute.name == "hidden_size":
                attribute.i = units
    del model.graph.node[:]
    model.graph.node.extend(kept)
    for tensor in model.graph.initializer:
        array = onnx.numpy_helper.to_array(tensor)
        part = array[tuple(slice(sizes.get(length, length)) for length in array.shape)]
        tensor.CopyFrom(onnx.numpy_helper.from_array(np.ascontiguousarray(part), tensor.name))
    model.graph.output[0].type.tensor_type.shape.dim[2].dim_value = sizes[29]
    if alphabet:
        onnx.helper.set_model_props(model, {ALPHABET_KEY: alphabet})
    return model.SerializeToString()
