"""The network with its norms folded into other layers, which int8 needs and TFLite's converter does not do."""

from itertools import pairwise

import keras
import numpy as np

from asr_helpers.network.keras_private import FusableLSTM
from asr_helpers.network.model import rebuild


def fold_norms(model: keras.Model, lstms: bool = True) -> keras.Model:
    """Return a copy of a `build_model` model for one utterance, without norms (the logits differ by 1e-4).

    A norm is x * scale + shift. A convolution block's norm is folded into the convolution before it, across the
    pooling in between: max-pooling commutes with a non-negative scale.

    With `lstms`, a norm after an LSTM is folded into the next layer's kernel and bias, and the LSTMs become
    FusableLSTMs. Left in place, such a norm ruins the int8 model: the converter gives the LSTM's output the norm's
    coarse scale, but the kernel still writes steps of 1/128, so the next layer reads values many times too large.
    """
    fused = {"lstm_norms": False, "lstm": FusableLSTM} if lstms else {}
    twin = rebuild(model, masked=False, conv_norms=False, batch=1, **fused)
    for block in (1, 2):
        scale, shift = scale_and_shift(model.get_layer(f"conv{block}_norm"))
        kernel = model.get_layer(f"conv{block}").get_weights()[0]
        twin.get_layer(f"conv{block}").set_weights([kernel * scale, shift])
    if lstms:
        for name, reader in pairwise([*(layer.name for layer in lstm_layers(model)), "logits"]):
            weights = twin.get_layer(reader).get_weights()
            twin.get_layer(reader).set_weights(_fold(weights, *scale_and_shift(model.get_layer(f"{name}_norm"))))
    return twin


def lstm_layers(model: keras.Model) -> list[keras.layers.Bidirectional]:
    """Return the bidirectional LSTMs of a `build_model` model, in order."""
    return [layer for layer in model.layers if isinstance(layer, keras.layers.Bidirectional)]


def scale_and_shift(norm: keras.layers.BatchNormalization) -> tuple[np.ndarray, np.ndarray]:
    """Return the (scale, shift) of a norm at inference, float32 (channels,) each: it computes x * scale + shift."""
    gamma, beta, mean, variance = norm.get_weights()
    scale = gamma / np.sqrt(variance + norm.epsilon)
    return scale, beta - mean * scale


def clip_kernels(folded: keras.Model, model: keras.Model) -> None:
    """Clip and round the LSTM kernels of `folded` into which a norm of `model` was folded, for the least int8 error.

    All weights of an LSTM gate share one step, which the largest weight sets. A norm makes the weights of inputs that
    hardly vary very large; in steps set by these few, the other weights keep only four or five levels.
    """
    names = [layer.name for layer in lstm_layers(model)]
    for name, reader in pairwise(names):
        _, _, mean, variance = model.get_layer(f"{name}_norm").get_weights()
        weights = folded.get_layer(reader).get_weights()  # kernel, recurrent kernel, bias, of both directions
        both = [*_clip(*weights[:3], mean, variance), *_clip(*weights[3:], mean, variance)]
        folded.get_layer(reader).set_weights(both)


def _clip(kernel, recurrent, bias, mean, variance) -> list[np.ndarray]:
    """Return the weights of one LSTM, with each gate's kernel (inputs, units) on int8 steps.

    The clip minimises the squared error of the product for inputs of this `variance`. The mean of the error is
    subtracted from the bias (Nagel et al. 2019, arXiv:1906.04721).

    Args:
        kernel: (inputs, 4 * units), gate by gate.
        recurrent: returned unchanged.
        bias: (4 * units,).
        mean, variance: of each input, (inputs,).
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
