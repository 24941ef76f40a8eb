"""Data-parallel training: several processes, on one machine or on many, train one network together.

Each worker has the whole network and processes some rows of every batch. Gradients are summed over all workers, so that
every worker makes the same step. The environment variable TF_CONFIG, which the launchers of Slurm, Kubernetes and
Vertex set for TensorFlow, lists the workers.

Why this way: `fit` on a model made under `MultiWorkerMirroredStrategy` fails in Keras 3 (keras#20585: it passes
distributed values to a model that it is about to build), and a custom training loop would have to repeat what `fit` and
its callbacks do. So each worker calls `fit` on a plain model of its own, and the strategy only sums gradients, losses
and BatchNorm statistics over all workers. On one machine, `OneMachine` sums instead, because that strategy opens a port
to all networks.
"""

import contextlib
import json
import os
import socket
import threading
from collections.abc import Callable, Iterator

import keras
import numpy as np
import tensorflow as tf

from asr_helpers.network.keras_private import dropout_states, metric_of, set_moments, set_train_step
from asr_helpers.system import files
from asr_helpers.system.errors import first_line
from asr_helpers.training.one_machine import OneMachine, WorkersError, is_loopback, reserve_port

NOTICE_SECONDS = 15  # how often a waiting worker prints which others are missing
# What TensorFlow raises when another worker has ended.
_GONE = (
    tf.errors.UnavailableError,
    tf.errors.AbortedError,
    tf.errors.DeadlineExceededError,
    tf.errors.InternalError,
    tf.errors.CancelledError,
)


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
        self.strategy: OneMachine | tf.distribute.Strategy | None = None
        self._in_step = False
        if self.count > 1:
            if len(tf.config.get_visible_devices("GPU")) > 1:
                raise WorkersError(
                    "TF_CONFIG: a worker takes one GPU; start a process for each, "
                    "with CUDA_VISIBLE_DEVICES set to its own"
                )
            on_one = all(map(is_loopback, self.addresses))
            self.strategy = self._connect_one_machine() if on_one else self._connect_machines()

    def _connect_one_machine(self) -> OneMachine:
        machine = OneMachine(self.addresses, self.rank)
        with _missing_workers_named(lambda: machine.missing):
            machine.connect()
        return machine

    def _connect_machines(self) -> tf.distribute.Strategy:
        reserve_port(self.addresses[self.rank], everywhere=True).close()
        if self.chief:
            files.print_notice(
                "TF_CONFIG: anyone who reaches a worker's port can read and write files as you; "
                "only the machines of this training may reach it (SECURITY.md)"
            )
        with _missing_workers_named(lambda: [each for each in self.addresses if not _answers(each)]):
            try:
                return tf.distribute.MultiWorkerMirroredStrategy()
            except (RuntimeError, tf.errors.OpError) as error:
                raise WorkersError(f"TF_CONFIG: the workers do not connect ({first_line(error)})") from error

    def close(self) -> None:
        """End the connections to the other workers of this machine; those of a strategy last as long as the process."""
        if isinstance(self.strategy, OneMachine):
            self.strategy.close()

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
            return self._together(self._sum, values).numpy().tolist()
        except (tf.errors.OpError, OSError) as error:
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

    def check(self, error: Exception) -> None:
        """Raise WorkersError if `error` means that another worker has ended."""
        if isinstance(self.strategy, OneMachine):
            gone = self.strategy.broken
        else:
            gone = self.strategy and isinstance(error, _GONE)
        if gone:
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
                set_moments(layer, self._common_moments)

        def train_step(data):
            features, targets, weights = data

            def gradients(features, targets, weights):
                with tf.GradientTape() as tape:
                    logits = model(features, training=True)
                    loss = model.compute_loss(features, targets, logits, weights, training=True)
                    if isinstance(self.strategy, OneMachine):  # within a strategy Keras does this
                        loss *= 1 / self.count
                loss, *sums = self._sum([loss, *tape.gradient(loss, model.trainable_variables)])
                return logits, loss, sums

            logits, loss, sums = self._together(gradients, features, targets, weights)
            model.optimizer.apply(sums, model.trainable_variables)
            metric_of(model, "loss").update_state(loss, tf.cast(tf.shape(features)[0], tf.float32) / weights[0])
            return model.compute_metrics(features, targets, logits)

        set_train_step(model, train_step)

    def _together(self, function: Callable, *arguments):
        """Return `function(*arguments)`, which all workers call at the same time; it may call `_sum`."""
        self._in_step = True
        try:
            return self.strategy.run(function, args=arguments)
        finally:
            self._in_step = False

    def _sum(self, values):
        """Return `values`, a tensor or a list of tensors, summed over all workers; call it within `_together`."""
        if isinstance(self.strategy, OneMachine):
            return self.strategy.sum(values)
        return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, values)

    def _common_moments(self, x, mask):
        """Return a BatchNorm's mean and variance over the unmasked frames of all workers, float32 (channels,) each.

        Keras's own `synchronized=True` ignores masks.
        """
        axes = list(range(x.shape.rank - 1))
        real = tf.ones_like(x[..., :1]) if mask is None else tf.cast(mask, x.dtype)[..., None]
        # Outside a common step nothing is summed: `fit` calls the model once to learn its shapes.
        total = self._sum if self._in_step else tf.identity
        count = total(tf.reduce_sum(real * tf.ones_like(x), axes))
        mean = total(tf.reduce_sum(real * x, axes)) / count
        return mean, total(tf.reduce_sum(real * tf.square(x - mean), axes)) / count


def parse_tf_config(config: str) -> tuple[list[str], int]:
    """Return the addresses of all workers in order, and this worker's rank, from the text of TF_CONFIG.

    Without a cluster in it there are no addresses.

    Raises:
        WorkersError: the text cannot be understood, or this process is not one that trains.
    """
    try:
        content = json.loads(config or "{}")
        cluster = content.get("cluster") or {}
        kinds = [kind for kind in ("chief", "worker") if cluster.get(kind)]
        addresses = [address for kind in kinds for address in cluster[kind]]
        if not cluster:
            return [], 0
        task = content["task"]
        if task["type"] not in ("chief", "worker"):
            raise ValueError(f"{task['type']!r} does not train: start only the chief and the workers")
        rank = addresses.index(cluster[task["type"]][int(task["index"])])
        if not all(address.rpartition(":")[2].isdigit() for address in addresses):
            raise ValueError("each address is HOST:PORT")
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        example = '{"cluster": {"worker": ["HOST:PORT", …]}, "task": {"type": "worker", "index": 0}}'
        raise WorkersError(f"TF_CONFIG cannot be understood ({error}); it reads {example}") from None
    return addresses, rank


def _answers(address: str) -> bool:
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=2).close()
    except OSError:
        return False
    return True


@contextlib.contextmanager
def _missing_workers_named(missing: Callable[[], list[str]]) -> Iterator[None]:
    """While the block waits for the workers, print every `NOTICE_SECONDS` which of them are missing."""

    def watch():
        while not connected.wait(NOTICE_SECONDS):
            if absent := missing():
                files.print_notice(f"waiting for the worker at {', '.join(absent)}")

    connected = threading.Event()
    threading.Thread(target=watch, daemon=True).start()
    try:
        yield
    finally:
        connected.set()
