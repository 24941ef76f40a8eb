"""The CRNN: two convolution blocks over the spectrogram, bidirectional LSTMs over time, a Dense layer over letters."""

from collections.abc import Callable
from typing import Any

import keras
from keras import layers, ops

from asr_helpers.sound.mel import MELS
from asr_helpers.text import ENGLISH, Alphabet


def build_model(
    lstm_layers: int = 2,
    lstm_units: int = 128,
    filters: tuple[int, int] = (32, 64),
    dropout: float = 0.2,
    masked: bool = True,
    conv_norms: bool = True,
    lstm_norms: bool = True,
    batch: int | None = None,
    bidirectional: Callable = layers.Bidirectional,
    lstm: Callable = layers.LSTM,
    alphabet: Alphabet = ENGLISH,
) -> keras.Model:
    """Return the untrained CRNN (Shi et al., 2015, arXiv:1507.05717, on log-mel frames, with CTC outputs).

    Input: float32 (batch, frames, 80, 1), 4 frames or more, shorter utterances padded at the end with zeros.
    Output: logits (batch, frames // 4, classes), 29 for English, the CTC blank last.

    A frame whose 80 values are all exactly 0 is padding. It is zeroed again after each block, and the LSTMs
    skip it, so that an utterance gives the same logits alone and inside a padded batch.

    Each block pools before it normalises. Max-pooling commutes with a norm (whose scale is constrained to be
    non-negative) and with a ReLU, so both then process a quarter of the values. On a CPU this halves the time of
    the convolution blocks.

    Args:
        lstm_layers: number of stacked bidirectional LSTMs: 2 in the `fast` profile, 3 in `full`.
        lstm_units: units per direction: 128 in the `fast` profile, 256 in `full`.
        filters: channels of the two convolution blocks.
        dropout: fraction of values dropped after each LSTM; half as much after each convolution block.
        masked: handle padding; False for single utterances of exact length (`export`).
        conv_norms: BatchNormalization in each block; False once its weights are folded away (`export`).
        lstm_norms: the same after each LSTM.
        batch: a fixed batch size, if a converter needs one.
        bidirectional: a class with the weights of Keras's Bidirectional, for training.
        lstm: a class with the weights of Keras's LSTM, for training or export.
        alphabet: the output classes. The model's name encodes it, also in every saved file (`alphabet_of`).

    Example:
        >>> build_model(lstm_layers=1, lstm_units=8, filters=(4, 8)).compute_output_shape((1, 100, 80, 1))
        (1, 25, 29)
    """
    frames = keras.Input((None, MELS, 1), batch_size=batch, name="log_mel")  # (batch, frames, 80, 1)
    x: Any = frames
    real: Any = None
    if masked:
        real = ops.cast(ops.any(ops.not_equal(frames, 0.0), axis=2, keepdims=True), "float32")  # (batch, frames, 1, 1)
    for block, channels in enumerate(filters, start=1):
        name = f"conv{block}"
        conv = layers.Conv2D(channels, 3, padding="same", use_bias=not conv_norms, name=name)
        pool = layers.MaxPooling2D(2, name=f"{name}_pool")
        norm = layers.BatchNormalization(
            momentum=0.95, gamma_constraint=keras.constraints.NonNeg(), name=f"{name}_norm"
        )
        relu = layers.ReLU(name=f"{name}_relu")
        x = relu(norm(pool(conv(x)))) if conv_norms else pool(relu(conv(x)))
        if masked:
            real = real[:, 1::2]  # a window that is half padding is padding
            x = layers.Multiply(name=f"{name}_mask")([x, real])
        x = layers.Dropout(dropout / 2, name=f"{name}_dropout")(x)  # (batch, frames // 2 or 4, 40 or 20, channels)
    x = layers.Reshape((-1, MELS // 4 * filters[-1]), name="columns")(x)  # (batch, frames // 4, 20 * channels)
    mask = ops.not_equal(ops.squeeze(real, axis=(2, 3)), 0.0) if masked else None
    for n in range(1, lstm_layers + 1):
        # (batch, frames // 4, 2 * units)
        x = bidirectional(lstm(lstm_units, return_sequences=True), name=f"lstm{n}")(x, mask=mask)
        x = layers.Dropout(dropout, name=f"lstm{n}_dropout")(x)
        if lstm_norms:
            x = layers.BatchNormalization(momentum=0.95, name=f"lstm{n}_norm")(x, mask=mask)
    if masked:
        # Zero the padding, and drop Keras's implicit mask, which would multiply every loss.
        x = ops.multiply(x, ops.squeeze(real, axis=3))
    logits = layers.Dense(alphabet.classes, name="logits")(x)  # (batch, frames // 4, classes)
    return keras.Model(frames, logits, name=alphabet.model_name)


def alphabet_of(model: keras.Model) -> Alphabet:
    """Return the alphabet of a `build_model` model.

    Example:
        >>> alphabet_of(build_model(lstm_layers=1, lstm_units=8, filters=(4, 8))).classes
        29
    """
    return Alphabet.of_model_name(model.name)


def rebuild(model: keras.Model, **changes: Any) -> keras.Model:
    """Return a copy of a `build_model` model with the same weights and the given arguments changed.

    Example:
        >>> small = build_model(lstm_layers=1, lstm_units=8, filters=(4, 8))
        >>> rebuild(small, batch=1).input_shape
        (1, None, 80, 1)
    """
    arguments = {
        "lstm_layers": sum(isinstance(layer, layers.Bidirectional) for layer in model.layers),
        "lstm_units": model.get_layer("lstm1").forward_layer.units,
        "filters": tuple(model.get_layer(f"conv{block}").filters for block in (1, 2)),
        "dropout": model.get_layer("lstm1_dropout").rate,
        "alphabet": alphabet_of(model),
    }
    twin = build_model(**(arguments | changes))
    for layer in twin.layers:
        weights = model.get_layer(layer.name).get_weights() if layer.weights else []
        if len(weights) == len(layer.weights):  # a folded layer has one weight more, which the caller sets
            layer.set_weights(weights)
    return twin
