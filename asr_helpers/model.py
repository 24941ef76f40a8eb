"""The CRNN: convolutions that look at the spectrogram, LSTMs that read it both ways, one Dense layer that spells."""

import keras
from keras import layers, ops

from asr_helpers.features import MELS, TIME_POOLING
from asr_helpers.text import ENGLISH, Alphabet


def output_frames(frames: int) -> int:
    """Return how many output frames the model gives for `frames` feature frames (an integer, or a tensor of it)."""
    return frames // TIME_POOLING


def build_model(
    lstm_layers: int = 2,
    lstm_units: int = 128,
    filters: tuple[int, int] = (32, 64),
    dropout: float = 0.2,
    masked: bool = True,
    conv_norms: bool = True,
    lstm_norms: bool = True,
    batch: int | None = None,
    bidirectional=layers.Bidirectional,
    lstm=layers.LSTM,
    alphabet: Alphabet = ENGLISH,
) -> keras.Model:
    """Return the untrained CRNN (Shi et al., 2015, arXiv:1507.05717, on log-mel frames, with CTC outputs).

    Input: float32 (batch, frames, 80, 1), 4 frames or more, shorter utterances padded at the end with zeros.
    Output: logits (batch, frames // 4, classes), 29 for English, the CTC blank last.

    A frame whose 80 values are all exactly 0 is padding. It is zeroed again after each block, and the LSTMs
    skip it, so that an utterance gives the same logits alone and inside a padded batch.

    Each block pools before it normalises. The maximum of a window is the same before and after a norm (its
    scale is kept from turning negative) and a ReLU, and these now work on a quarter of the values: that is
    what training on a CPU spends its time on, and the front end takes half as long.

    Args:
        lstm_layers, lstm_units: the recurrent part; 2 x 128 is the `fast` profile, 3 x 256 the real one.
        filters: channels of the two convolution blocks.
        dropout: share of values dropped after each LSTM; half as much after each convolution block.
        masked: leave the handling of padding out where one utterance of exact length is fed (`export`).
        conv_norms, lstm_norms: BatchNormalization in each block and after each LSTM, left out once its weights
            are folded away (`export`).
        batch: a fixed batch size, where a converter needs one.
        bidirectional, lstm: layer classes with the weights of Keras's own, for training or export.
        alphabet: what the model is to write. Its name tells which, so its file does, too (`alphabet_of`).
    """
    frames = keras.Input((None, MELS, 1), batch_size=batch, name="log_mel")
    x, real = frames, None
    if masked:
        real = ops.cast(ops.any(ops.not_equal(frames, 0.0), axis=2, keepdims=True), "float32")
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
        x = layers.Dropout(dropout / 2, name=f"{name}_dropout")(x)
    x = layers.Reshape((-1, MELS // 4 * filters[-1]), name="columns")(x)
    mask = ops.not_equal(ops.squeeze(real, axis=(2, 3)), 0.0) if masked else None
    for n in range(1, lstm_layers + 1):
        x = bidirectional(lstm(lstm_units, return_sequences=True), name=f"lstm{n}")(x, mask=mask)
        x = layers.Dropout(dropout, name=f"lstm{n}_dropout")(x)
        if lstm_norms:
            x = layers.BatchNormalization(momentum=0.95, name=f"lstm{n}_norm")(x, mask=mask)
    if masked:
        # Zeroes the padding, and sheds Keras's implicit mask, which every loss would multiply itself by.
        x = ops.multiply(x, ops.squeeze(real, axis=3))
    logits = layers.Dense(alphabet.classes, name="logits")(x)
    return keras.Model(frames, logits, name=alphabet.model_name)


def alphabet_of(model: keras.Model) -> Alphabet:
    """Return the alphabet of a `build_model` model."""
    return Alphabet.of_model_name(model.name)


def rebuild(model: keras.Model, **changes) -> keras.Model:
    """Return a twin of a `build_model` model with the same weights and the given arguments changed."""
    size = {
        "lstm_layers": sum(isinstance(layer, layers.Bidirectional) for layer in model.layers),
        "lstm_units": model.get_layer("lstm1").forward_layer.units,
        "filters": tuple(model.get_layer(f"conv{block}").filters for block in (1, 2)),
        "dropout": model.get_layer("lstm1_dropout").rate,
        "alphabet": alphabet_of(model),
    }
    twin = build_model(**{**size, **changes})
    for layer in twin.layers:
        weights = model.get_layer(layer.name).get_weights() if layer.weights else []
        if len(weights) == len(layer.weights):  # a folded layer has one weight more, its caller's to set
            layer.set_weights(weights)
    return twin
