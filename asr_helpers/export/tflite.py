"""TFLite files in four precisions."""

import keras
import numpy as np
import tensorflow as tf

from asr_helpers.export.folding import clip_kernels, fold_norms
from asr_helpers.network.model import alphabet_of
from asr_helpers.sound.mel import MELS
from asr_helpers.text import ALPHABET_KEY, ENGLISH, Alphabet


def to_tflite(model: keras.Model, precision: str, calibration: list[np.ndarray]) -> bytes:
    """Return `model` as a TFLite file for one utterance of any length, (1, frames, 80, 1).

    Args:
        model: a `build_model` network.
        precision: "float32"; "float16" (weights only); "dynamic" (int8 weights, activations quantised on the
            fly, float in between); "int8" (everything, inputs and outputs too).
        calibration: as for `quantize`; used for "int8" only.
    """
    # A loop runs faster than a fused LSTM, and an LSTM's weights are rounded less without a folded norm. Only the int8
    # form has fused LSTMs and folded norms, because it does not work without them.
    folded = fold_norms(model, lstms=precision == "int8")
    if precision == "int8":
        clip_kernels(folded, model)
    signature = [tf.TensorSpec((1, None, MELS, 1), tf.float32, name="log_mel")]
    dense = folded.get_layer("logits")
    body = keras.Model(folded.input, dense.input)

    def logits(log_mel):
        # Keras's Dense, with frames as rows: the converter then puts the bias into the product, which is rounded once.
        rows = tf.reshape(body(log_mel, training=False), (-1, dense.kernel.shape[0]))
        return tf.reshape(rows @ dense.kernel + dense.bias, (1, -1, dense.units))

    function = tf.function(logits, input_signature=signature)
    weights = tf.Module()  # from a Keras 3 model the converter would write a file without weights
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
    """Return the TFLite file `content` with the alphabet in its metadata, as UTF-8; English is left out."""
    from ai_edge_litert import schema_py_generated as schema
    from ai_edge_litert.tools import flatbuffer_utils as tflite

    if alphabet == ENGLISH:
        return content
    model, entry, buffer = (tflite.read_model_from_bytearray(bytearray(content)), schema.MetadataT(), schema.BufferT())
    buffer.data = np.frombuffer(alphabet.characters.encode(), np.uint8)
    entry.name, entry.buffer = ALPHABET_KEY, len(model.buffers)
    model.buffers.append(buffer)
    model.metadata = [*(model.metadata or []), entry]
    return bytes(tflite.convert_object_to_bytearray(model))


def one_grid(content: bytes) -> bytes:
    """Return the int8 TFLite file `content` with one grid (scale and zero point) for all outputs of a pair of LSTMs.

    The kernel writes the same integers as output and state, the ops that reverse and join the outputs copy them, and
    the next op reads them on the grid of the joined output. But the converter gives each of these tensors a grid of
    its own, from its calibrated range. An LSTM's values lie between -1 and 1, so the zero point is 0 or -1 by chance.
    If two grids differ, every value is read one step too low.
    """
    from ai_edge_litert.tools import flatbuffer_utils as tflite

    model = tflite.read_model_from_bytearray(bytearray(content))
    names = op_names(model)
    (graph,) = model.subgraphs
    readers = {tensor: op for op in graph.operators for tensor in op.inputs}
    for lstm in graph.operators:
        if names[lstm.opcodeIndex] != "UNIDIRECTIONAL_SEQUENCE_LSTM":
            continue
        # The state, the output before a projection, the output; and, for a backward LSTM, the reversed output.
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


def op_names(model) -> list[str]:
    """Return the op names of a TFLite `model`, indexed by its operators' `opcodeIndex`."""
    from ai_edge_litert.tools import flatbuffer_utils as tflite

    return [
        code.customCode.decode() if code.customCode else tflite.opcode_to_name(model, index)
        for index, code in enumerate(model.operatorCodes)
    ]
