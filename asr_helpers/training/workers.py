"""Data-parallel training: several processes, on one machine or on many, train one network together.

Each worker has the whole network and processes some rows of every batch. Gradients are summed over all workers, so that
every worker makes the same step. The environment variable TF_CONFIG, which the launchers of Slurm, Kubernetes and
Vertex set for TensorFlow, lists the workers.

Why this way: `fit` on a model made under `MultiWorkerMirroredStrategy` fails in Keras 3 (keras#20585: it passes
distributed values to a model that it is about to build), and a custom training loop would have to repeat what `fit` and
its callbacks do. So each worker calls `fit` on a plain model of its own, and the strategy only sums gradients, losses
and BatchNorm statistics over all workers.
"""

import contextlib
import json
import os
import socket
import sys
import threading
from collections.abc import Iterator

import keras
import numpy as np
import tensorflow as tf

from asr_helpers.network.keras_private import dropout_states, metric_of, set_moments, set_train_step
from asr_helpers.system.errors import OneLineError, first_line

NOTICE_SECONDS = 15  # how often a waiting worker prints which others do not answer


class WorkersError(OneLineError):
    """The workers cannot train together."""


class Workers:
    """The processes that train together, from TF_CONFIG: `count` of them, of which this one is number `rank`.

    Number 0 is the chief. Without TF_CONFIG, or with one address in it, this process trains alone.

    Raises:
        WorkersError: TF_CONFIG cannot be parsed, this worker's port is in use, the worker sees several GPUs, or
            TensorFlow is already initialised in this process and can no longer connect to others.
    """

    def __init__(self):
        self.addresses, self.rank = parse_tf_config(os.environ.get("TF_CONFIG", ""))
        self.count = len(self.addresses) or 1
        self.strategy = None
        if self.count > 1:
            _check_port(self.addresses[self.rank])
            with _missing_workers_named(self.addresses):
                try:
                    self.strategy = tf.distribute.MultiWorkerMirroredStrategy()
                except (RuntimeError, tf.errors.OpError) as error:
                    raise WorkersError(f"TF_CONFIG: the workers do not connect ({first_line(error)})") from error
            if self.strategy.num_replicas_in_sync != self.count:
                raise WorkersError(
                    "TF_CONFIG: a worker takes one GPU; start a process for each, "
                    "with CUDA_VISIBLE_DEVICES set to its own"
                )

    @property
    def chief(self) -> bool:
        """Whether this is the worker that writes files and prints."""
        return self.rank == 0

    def total(self, *numbers: float) -> list[float]:
        """Return the sums of `numbers` over all workers; every worker must call this.

        Raises:
            WorkersError: another worker has ended.
        """
        if not self.strategy:
            return list(numbers)
        values = tf.constant(numbers, tf.float64)
        try:
            return self.strategy.run(_sum, args=(values,)).numpy().tolist()
        except tf.errors.OpError as error:
            self.check(error)
            raise

    def barrier(self) -> None:
        """Wait until every worker has called this; raises as `total`."""
        self.total(0)

    def agree(self, what: str, digest: str) -> None:
        """Check that all workers have the same `digest`, a hexadecimal number, of `what`.

        Raises:
            WorkersError: the digests differ, or another worker has ended.
        """
        parts = [int(digest[at : at + 8], 16) for at in (0, 8)]
        if self.total(*parts) != [part * self.count for part in parts]:
            raise WorkersError(
                f"worker {self.rank} of {self.count}: {what} of the workers differ; start all with the same"
            )

    def check(self, error: tf.errors.OpError) -> None:
        """Raise WorkersError if `error` means that another worker has ended."""
        gone = (tf.errors.UnavailableError, tf.errors.AbortedError, tf.errors.DeadlineExceededError)
        if self.strategy and isinstance(error, (*gone, tf.errors.InternalError, tf.errors.CancelledError)):
            raise WorkersError(
                f"worker {self.rank} of {self.count}: another worker is gone; start all again with --resume"
            ) from error

    def distribute(self, model: keras.Model) -> None:
        """Replace `model.train_step` by one that all-reduces gradients, loss and BatchNorm statistics over the workers.

        The model must be compiled. Its data are then the (features, targets, weights) of `training_batches(worker=…)`.
        Dropout differs from worker to worker.
        """
        for variable in dropout_states(model):
            variable.assign(variable + np.array([self.rank, 0], variable.dtype))
        if not self.strategy:
            return
        for layer in model.layers:
            if isinstance(layer, keras.layers.BatchNormalization):
                set_moments(layer, _common_moments)

        def train_step(data):
            features, targets, weights = data

            def gradients(features, targets, weights):
                with tf.GradientTape() as tape:
                    logits = model(features, training=True)
                    # Keras divides the loss by the number of workers.
                    loss = model.compute_loss(features, targets, logits, weights, training=True)
                loss, *sums = _sum([loss, *tape.gradient(loss, model.trainable_variables)])
                return logits, loss, sums

            logits, loss, sums = self.strategy.run(gradients, args=(features, targets, weights))
            model.optimizer.apply(sums, model.trainable_variables)
            metric_of(model, "loss").update_state(loss, tf.cast(tf.shape(features)[0], tf.float32) / weights[0])
            return model.compute_metrics(features, targets, logits)

        set_train_step(model, train_step)


def _sum(values):
    """Return `values`, a tensor or a list of tensors, summed over all workers; call it within `strategy.run`."""
    return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, values)


def _common_moments(x, mask):
    """Return a BatchNorm's mean and variance over the unmasked frames of all workers, float32 (channels,) each.

    Keras's own `synchronized=True` ignores masks.
    """
    axes = list(range(x.shape.rank - 1))
    real = tf.ones_like(x[..., :1]) if mask is None else tf.cast(mask, x.dtype)[..., None]
    # Outside a common step nothing is summed: `fit` calls the model once to learn its shapes.
    total = _sum if tf.distribute.has_strategy() else tf.identity
    count = total(tf.reduce_sum(real * tf.ones_like(x), axes))
    mean = total(tf.reduce_sum(real * x, axes)) / count
    return mean, total(tf.reduce_sum(real * tf.square(x - mean), axes)) / count


def parse_tf_config(config: str) -> tuple[list[str], int]:
    """Return the addresses of all workers in order, and this worker's rank, from the text of TF_CONFIG."""
    if not config:
        return [], 0
    try:
        content = json.loads(config)
        task, cluster = content["task"], content["cluster"]
        kinds = [kind for kind in ("chief", "worker") if cluster.get(kind)]
        addresses = [address for kind in kinds for address in cluster[kind]]
        rank = addresses.index(cluster[task["type"]][int(task["index"])])
        if not all(address.rpartition(":")[2].isdigit() for address in addresses):
            raise ValueError("each address is HOST:PORT")
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        example = '{"cluster": {"worker": ["HOST:PORT", …]}, "task": {"type": "worker", "index": 0}}'
        raise WorkersError(f"TF_CONFIG cannot be understood ({error}); it reads {example}") from None
    return addresses, rank


def _check_port(address: str) -> None:
    port = int(address.rpartition(":")[2])
    with socket.socket() as attempt:
        attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            attempt.bind(("", port))
        except OSError as error:
            raise WorkersError(
                f"TF_CONFIG: port {port} of this worker cannot be used ({error.strerror}); "
                "end what uses it, or name another"
            ) from None


def _answers(address: str) -> bool:
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=2).close()
    except OSError:
        return False
    return True


@contextlib.contextmanager
def _missing_workers_named(addresses: list[str]) -> Iterator[None]:
    """While the block waits for the workers, print every `NOTICE_SECONDS` which of them do not answer."""

    def watch():
        while not connected.wait(NOTICE_SECONDS):
            if absent := [address for address in addresses if not _answers(address)]:
                print(f"asr: waiting for the worker at {', '.join(absent)}", file=sys.stderr, flush=True)

    connected = threading.Event()
    threading.Thread(target=watch, daemon=True).start()
    try:
        yield
    finally:
        connected.set()
