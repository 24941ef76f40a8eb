"""Several processes, on one machine or on many, that train one network together.

Each worker has the whole network and takes its share of every batch; the gradients are summed over all, so that every
worker makes the same step. TF_CONFIG tells it who the others are: the variable that Slurm's, Kubernetes' and Vertex's
launchers set for TensorFlow.

Why in this way: `fit` on a model made under `MultiWorkerMirroredStrategy` fails in Keras 3 (keras#20585; it hands
distributed values to a model that it is about to build), and a loop of our own would have to do again what `fit` and
its callbacks do. So each worker calls `fit` on a plain model of its own, and the strategy is asked for one thing only:
sums over all workers, of the gradients, the losses and what BatchNorm measures.
"""

import contextlib
import json
import os
import socket
import sys
import threading

import keras
import tensorflow as tf

from asr_helpers.text import OneLineError, first_line

PATIENCE = 15  # seconds before a worker says whom it is waiting for


class WorkersError(OneLineError):
    """The workers cannot train together; the message is one line that says what to do."""


class Workers:
    """Who trains together, as TF_CONFIG says: `count` processes, this one being number `rank`; the first is the chief.

    Without TF_CONFIG, or with one address in it, there is this process alone, and nothing is shared.

    Raises:
        WorkersError: TF_CONFIG cannot be understood, this worker's port is taken, it sees several GPUs, or TensorFlow
            has already begun to work in this process and can no longer be told of others.
    """

    def __init__(self):
        self.addresses, self.rank = _read(os.environ.get("TF_CONFIG", ""))
        self.count = len(self.addresses) or 1
        self.strategy = None
        if self.count > 1:
            _check_port(self.addresses[self.rank])
            with _saying_who_is_missing(self.addresses):
                try:
                    self.strategy = tf.distribute.MultiWorkerMirroredStrategy()
                except (RuntimeError, tf.errors.OpError) as error:
                    raise WorkersError(
                        f"TF_CONFIG: the workers do not come together ({first_line(error)})"
                    ) from error

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
        """Return the sums of `numbers` over all workers, each of which calls this at the same time.

        Raises:
            WorkersError: one of them is gone.
        """
        if not self.strategy:
            return list(numbers)
        values = tf.constant(numbers, tf.float64)
        try:
            return self.strategy.run(_sum, args=(values,)).numpy().tolist()
        except tf.errors.OpError as error:
            self.check(error)
            raise

    def agree(self, what: str, digest: str) -> None:
        """Make sure that all workers have the same `digest`, a hexadecimal number, of `what`.

        Raises:
            WorkersError: they have not, or one of them is gone.
        """
        parts = [int(digest[at : at + 8], 16) for at in (0, 8)]
        if self.total(*parts) != [part * self.count for part in parts]:
            raise WorkersError(
                f"worker {self.rank} of {self.count}: {what} of the workers differ; start all with the same"
            )

    def check(self, error: tf.errors.OpError) -> None:
        """Raise WorkersError in place of `error` where it says that another worker is gone."""
        gone = (tf.errors.UnavailableError, tf.errors.AbortedError, tf.errors.DeadlineExceededError)
        if self.strategy and isinstance(error, (*gone, tf.errors.InternalError, tf.errors.CancelledError)):
            raise WorkersError(
                f"worker {self.rank} of {self.count}: another worker is gone; start all again with --resume"
            ) from error

    def share(self, model: keras.Model) -> None:
        """Make the training steps of a compiled `model` the workers' common ones.

        Its data are then (features, targets, weights) of `training_batches(share=…)`: this worker's rows, and for each
        row the weight with which the sum of the workers' mean losses is the mean over all rows.
        """
        if not self.strategy:
            return
        for layer in model.layers:
            if isinstance(layer, keras.layers.BatchNormalization):
                layer._moments = _common_moments(layer)

        def train_step(data):
            features, targets, weights = data

            def gradients(features, targets, weights):
                with tf.GradientTape() as tape:
                    logits = model(features, training=True)
                    # Keras divides a loss by the number of workers.
                    loss = model.compute_loss(features, targets, logits, weights, training=True)
                loss, *sums = _sum([loss, *tape.gradient(loss, model.trainable_variables)])
                return logits, loss, sums

            logits, loss, sums = self.strategy.run(gradients, args=(features, targets, weights))
            model.optimizer.apply(sums, model.trainable_variables)
            tracker = next(metric for metric in model.metrics if metric.name == "loss")
            tracker.update_state(loss, tf.cast(tf.shape(features)[0], tf.float32) / weights[0])
            return model.compute_metrics(features, targets, logits)

        model.train_step = train_step


def _sum(values):
    """Return `values`, a tensor or a list of tensors, summed over all workers: within `strategy.run`."""
    return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, values)


def _common_moments(layer: keras.layers.BatchNormalization):
    """Return what gives a BatchNorm its mean and variance over the frames of all workers.

    Keras's own `synchronized=True` does not count with masks.
    """

    def moments(x, mask):
        axes = list(range(x.shape.rank - 1))
        real = tf.ones_like(x[..., :1]) if mask is None else tf.cast(mask, x.dtype)[..., None]
        # Outside of a common step nothing is summed: `fit` tries a model's shapes out before it trains it.
        total = _sum if tf.distribute.has_strategy() else tf.identity
        count = total(tf.reduce_sum(real * tf.ones_like(x), axes))
        mean = total(tf.reduce_sum(real * x, axes)) / count
        return mean, total(tf.reduce_sum(real * tf.square(x - mean), axes)) / count

    return moments


def _read(config: str) -> tuple[list[str], int]:
    """Return the addresses of all workers in the order of their numbers, and this worker's number."""
    if not config:
        return [], 0
    try:
        config = json.loads(config)
        task, cluster = config["task"], config["cluster"]
        kinds = [kind for kind in ("chief", "worker") if cluster.get(kind)]
        addresses = [address for kind in kinds for address in cluster[kind]]
        rank = addresses.index(cluster[task["type"]][int(task["index"])])
        if {address.rpartition(":")[2].isdigit() for address in addresses} != {True}:
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


@contextlib.contextmanager
def _saying_who_is_missing(addresses: list[str]):
    """Print now and then, while the block waits for them, which workers do not answer."""

    def missing(address):
        host, _, port = address.rpartition(":")
        try:
            socket.create_connection((host, int(port)), timeout=2).close()
        except OSError:
            return True

    def watch():
        while not here.wait(PATIENCE):
            if absent := [address for address in addresses if missing(address)]:
                print(f"asr: waiting for the worker at {', '.join(absent)}", file=sys.stderr, flush=True)

    here = threading.Event()
    threading.Thread(target=watch, daemon=True).start()
    try:
        yield
    finally:
        here.set()
