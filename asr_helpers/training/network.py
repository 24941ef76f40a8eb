"""The compiled network: new or from a file, with the layers that train fastest on this machine."""

from functools import partial
from pathlib import Path

import keras
import tensorflow as tf

from asr_helpers.network.fast_lstm import FastBidirectional, has_bfloat16
from asr_helpers.network.keras_private import ModelFileError, load_model
from asr_helpers.network.loss import RegularizedCTC, ctc_loss, main_ctc_loss
from asr_helpers.network.model import alphabet_of, build_model
from asr_helpers.text import ENGLISH, Alphabet
from asr_helpers.training.callbacks import TrainingError
from asr_helpers.training.profiles import INTERMEDIATE, Profile


def new_model(profile: Profile, start: Path | None = None, alphabet: Alphabet = ENGLISH) -> keras.Model:
    """Return the compiled CRNN of `profile`, with the fastest LSTM layers for this machine (`recurrent_layers`).

    Args:
        profile: the recipe.
        start: a model file of the profile's size to take the weights from; None for random weights.
        alphabet: the output classes.

    Raises:
        TrainingError: `start` cannot be loaded, or has another size or alphabet.
    """
    model = build_model(
        profile.lstm_layers,
        profile.lstm_units,
        profile.filters,
        profile.dropout,
        alphabet=alphabet,
        **recurrent_layers(gpu_capability()),
    )
    if start:
        source = _load(start)
        if alphabet_of(source) != alphabet:
            raise TrainingError(f"{start}: writes {alphabet_of(source)}; the speech needs {alphabet}")
        try:
            model.set_weights(source.get_weights())
        except (ValueError, IndexError):
            raise TrainingError(
                f"{start}: {source.count_params()} weights, where the profile has {model.count_params()}; "
                "choose the ASR_PROFILE it was trained with"
            ) from None
    return _compiled(model, profile, ctc_loss)


def gpu_capability() -> tuple[int, int] | None:
    """Return the compute capability of the first GPU that TensorFlow sees, such as (8, 0), or None without a GPU."""
    gpus = tf.config.list_physical_devices("GPU")
    if not gpus:
        return None
    return tf.config.experimental.get_device_details(gpus[0]).get("compute_capability", (0, 0))


def recurrent_layers(capability: tuple[int, int] | None) -> dict:
    """Return the layer arguments of `build_model` for a GPU of this compute capability, or for a CPU (None).

    On a CPU the LSTM is that of `fast_lstm`; on a GPU it is Keras's own, which uses cuDNN. Matrix products are in
    bfloat16 where the hardware supports it (GPUs from 8.0 on); bfloat16 has the range of float32, so no loss scaling is
    needed. Weights and all other layers are float32.
    """
    if capability is None:
        kind = "mixed_bfloat16" if has_bfloat16() else "float32"
        return {"bidirectional": partial(FastBidirectional, dtype=kind)}
    kind = "mixed_bfloat16" if capability >= (8, 0) else "float32"
    return {"lstm": partial(keras.layers.LSTM, dtype=kind)}


def add_intermediate_output(model: keras.Model, profile: Profile) -> keras.Model:
    """Return `model` with an intermediate output, compiled with `RegularizedCTC`.

    Output: (batch, frames // 4, 2 * classes), the model's own logits, then those of the intermediate output.
    """
    below = model.get_layer(f"lstm{profile.lstm_layers - 1}_norm").output
    unmasked = keras.ops.multiply(below, 1.0)  # drops Keras's implicit mask, which would multiply every loss
    intermediate = keras.layers.Dense(model.output.shape[-1], name=INTERMEDIATE)(unmasked)
    both = keras.ops.concatenate([model.output, intermediate], axis=-1)
    two_outputs = keras.Model(model.input, both, name=model.name)
    loss = RegularizedCTC(profile.intermediate_weight, profile.smoothness_weight, profile.consistency_weight)
    return _compiled(two_outputs, profile, loss, [main_ctc_loss])


def _compiled(model: keras.Model, profile: Profile, loss, metrics=()) -> keras.Model:
    # The CTC kernel does not compile under XLA. Clipping limits the first steps, whose gradients are large.
    optimizer = keras.optimizers.Adam(profile.learning_rate, global_clipnorm=1.0)
    model.compile(optimizer, loss=loss, metrics=list(metrics), jit_compile=False)
    return model


def _load(path: Path) -> keras.Model:
    try:
        return load_model(path, compile=False)
    except ModelFileError as error:
        raise TrainingError(f"{path}: cannot be loaded ({error}); choose a .keras file of `asr train`") from error
