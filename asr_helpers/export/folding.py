"""The network without its norms: what int8 needs, and what TFLite's converter does not do for us."""

import uuid
from itertools import pairwise

import keras
import numpy as np
import tensorflow as tf

from asr_helpers.model import rebuild


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
        scale, shift = scale_and_shift(model.get_layer(f"conv{block}_norm"))
        kernel = model.get_layer(f"conv{block}").get_weights()[0]
        twin.get_layer(f"conv{block}").set_weights([kernel * scale, shift])
    names = [layer.name for layer in lstm_layers(model)] if lstms else []
    for name, reader in zip(names, [*names[1:], "logits"], strict=bool(names)):
        weights = twin.get_layer(reader).get_weights()
        twin.get_layer(reader).set_weights(_fold(weights, *scale_and_shift(model.get_layer(f"{name}_norm"))))
    return twin


def lstm_layers(model) -> list:
    return [layer for layer in model.layers if isinstance(layer, keras.layers.Bidirectional)]


def scale_and_shift(norm) -> tuple[np.ndarray, np.ndarray]:
    gamma, beta, mean, variance = norm.get_weights()
    scale = gamma / np.sqrt(variance + norm.epsilon)
    return scale, beta - mean * scale


def clip_kernels(folded: keras.Model, model: keras.Model) -> None:
    """Clip and round those kernels of `folded` that took a norm of `model` in, so that int8 costs them least.

    All weights of an LSTM's gate share one step, and the largest weight sets it. A norm makes a few weights very
    large, those of inputs that hardly move; rounded in steps of these, the others keep four or five levels.
    """
    names = [layer.name for layer in lstm_layers(model)]
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
