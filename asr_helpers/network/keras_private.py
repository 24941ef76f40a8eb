"""What this package uses of Keras beyond its public API: after an upgrade of Keras, look here first."""

import uuid
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from traceback import walk_tb

import keras
import tensorflow as tf

from asr_helpers.system.errors import first_line

PLATEAU_STATE = ("wait", "best", "cooldown_counter")  # what ReduceLROnPlateau remembers from epoch to epoch


class ModelFileError(ValueError):
    """A `.keras` file is missing or damaged, or Keras cannot rebuild its content; the message is one line."""


def load_model(path: Path, **options) -> keras.Model:
    """Return `keras.saving.load_model(path, **options)`.

    Raises:
        ModelFileError: the file is at fault. A bug in a layer or loss of this package keeps its own exception.
    """
    try:
        return keras.saving.load_model(path, **options)
    except (
        OSError,  # missing, or HDF5 that is cut off
        ValueError,  # Keras: not a .keras file, weights of other shapes; JSON and UTF-8
        KeyError,  # zipfile and HDF5: a name is missing
        EOFError,
        RuntimeError,  # HDF5; zipfile: encrypted, or (NotImplementedError) compressed by another method
        zipfile.BadZipFile,
        zlib.error,
    ) as error:
        raise ModelFileError(first_line(error)) from error
    except TypeError as error:  # Keras: an unknown class, or one with other arguments
        if not _raised_by_keras(error):
            raise
        raise ModelFileError(first_line(error)) from error


def _raised_by_keras(error: BaseException | None) -> bool:
    """Return whether Keras raised `error` and each error that it wraps."""
    while error is not None:
        *_, (frame, _) = walk_tb(error.__traceback__)
        if not frame.f_globals["__name__"].startswith("keras."):
            return False
        error = error.__context__
    return True


def set_moments(layer: keras.layers.BatchNormalization, moments: Callable) -> None:
    """Make a BatchNorm take its mean and variance from `moments(inputs, mask)`."""
    layer._moments = moments


def set_train_step(model: keras.Model, train_step: Callable) -> None:
    """Make `fit` call `train_step(data)`, which returns the metrics, for each batch.

    Keras's documented way is a subclass, which a checkpoint would then name.
    """
    model.train_step = train_step


def metric_of(model: keras.Model, name: str) -> keras.metrics.Metric:
    """Return the metric `name` of a compiled model, such as its loss; Keras groups those of `compile`."""
    metrics = [metric for group in model.metrics for metric in getattr(group, "metrics", [group])]
    return next(metric for metric in metrics if metric.name == name)


def dropout_states(model: keras.Model) -> list[keras.Variable]:
    """Return the states of the dropout layers' random generators, (2,) each."""
    return [variable for variable in model.non_trainable_variables if "seed_generator" in variable.path]


@keras.saving.register_keras_serializable("asr_helpers")
class FusableLSTM(keras.layers.LSTM):
    """Keras's LSTM, traced so that TFLite's converter fuses its loop into one UNIDIRECTIONAL_SEQUENCE_LSTM.

    The converter fuses any function with this signature and these attributes (a "composite function": TensorFlow's
    mlir/lite/transforms/prepare_composite_functions_tf.cc). The function's body matters only when the layer runs in
    TensorFlow. The layer takes no mask.
    """

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.use_cudnn = False

    def inner_loop(self, sequences, initial_state, mask, training=False):
        keras_loop = super().inner_loop

        def lstm(inputs, hidden, cell, kernel, recurrent_kernel, bias):
            last, outputs, (hidden, cell) = keras_loop(inputs, [hidden, cell], None)
            return last, outputs, hidden, cell, tf.constant(1.0)

        attributes = {"api_implements": f"lstm_{uuid.uuid4()}", "time_major": False, "go_backwards": self.go_backwards}
        fusable = tf.function(lstm, autograph=False, experimental_attributes=attributes)
        weights = map(tf.convert_to_tensor, (self.cell.kernel, self.cell.recurrent_kernel, self.cell.bias))
        last, outputs, hidden, cell, _ = fusable(sequences, *initial_state, *weights)
        return last, outputs, [hidden, cell]
