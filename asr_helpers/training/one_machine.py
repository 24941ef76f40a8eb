"""Sums over the workers of one machine, which connect through a Unix socket in a folder that only their user can enter.

TensorFlow's own server for workers listens on all addresses of a machine, and runs any operation for anyone who
connects, such as writing a file. The address is fixed in its source (tensorflow/core/distributed_runtime/rpc/
grpc_server_lib.cc: "0.0.0.0:" and the port), so workers on one machine do not start it.
"""

import ipaddress
import os
import socket
import stat
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import tensorflow as tf

from asr_helpers.system.errors import OneLineError

RETRY_SECONDS = 0.2  # how often a worker tries to reach a chief that has not started


class WorkersError(OneLineError):
    """The workers cannot train together."""


def is_loopback(address: str) -> bool:
    """Return whether HOST:PORT can only be reached from its own machine; names other than localhost are not looked up.

    Example:
        >>> [is_loopback(address) for address in ("127.0.0.1:2000", "[::1]:2000", "localhost:2000", "node07:2000")]
        [True, True, True, False]
    """
    host = address.rpartition(":")[0].strip("[]")
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def reserve_port(address: str, everywhere: bool = False) -> socket.socket:
    """Return a socket that holds the port of HOST:PORT on this machine until it is closed. It accepts no connections.

    Args:
        address: the worker's.
        everywhere: hold the port on all addresses of the machine, as TensorFlow's server does; else on the loopback.

    Raises:
        WorkersError: the port is in use.
    """
    port, reserved = int(address.rpartition(":")[2]), socket.socket()
    if everywhere:  # connections of the last run may linger, which do not disturb the server
        reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        reserved.bind(("" if everywhere else "127.0.0.1", port))
    except (OSError, OverflowError) as error:
        reserved.close()
        raise WorkersError(
            f"TF_CONFIG: port {port} of this worker cannot be used ({getattr(error, 'strerror', None) or error}); "
            "end what uses it, or name another"
        ) from None
    return reserved


class OneMachine:
    """The connections between the workers of one machine; worker 0, the chief, adds and sends the sums to all others.

    `run` and `sum` have the meaning of `run` and `all_reduce` of TensorFlow's strategies. The ports only name the
    workers: each holds its own, so that no two processes take the same place, and none listens.

    Args:
        addresses: the workers as HOST:PORT, the chief first.
        rank: which of them this process is.

    Raises:
        WorkersError: the port of this worker is in use, or the socket cannot be made.

    Attributes:
        missing: the addresses that have not connected yet.
        broken: whether the connection to another worker has ended.
    """

    def __init__(self, addresses: list[str], rank: int):
        self.rank = rank
        self.missing = [address for address in addresses if address != addresses[rank]]
        self.broken = False
        self._addresses = addresses
        self._others: dict[int, socket.socket] = {}
        self._place = reserve_port(addresses[rank])

    def connect(self) -> None:
        """Wait until the workers are connected: the chief with all others, each other with the chief."""
        path = _private_folder() / self._addresses[0]
        try:
            if self.rank:
                self._others[0] = _reach(path)
                self._others[0].sendall(self.rank.to_bytes(4, "big"))
                self.missing = []
            else:
                self._accept(path)
        except OSError as error:
            raise WorkersError(
                f"TF_CONFIG: the workers do not connect ({path}: {error.strerror or error}); "
                "set TMPDIR to another folder, the same for all"
            ) from None

    def _accept(self, path: Path) -> None:
        path.unlink(missing_ok=True)  # of a killed chief: a living one would hold the port
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(path))
            listener.listen(len(self._addresses))
            while self.missing:
                other, _ = listener.accept()
                if rank := other.recv(4):  # nothing comes from a process that has ended meanwhile
                    self._others[int.from_bytes(rank, "big")] = other
                self.missing = [each for rank, each in enumerate(self._addresses) if rank and rank not in self._others]
        path.unlink()

    def close(self) -> None:
        """End the connections; workers that still wait for a sum are informed that this one is gone."""
        for connection in (self._place, *self._others.values()):
            connection.close()

    def run(self, function: Callable, args: Iterable = ()):
        """Return `function(*args)`; all workers call this at the same time."""
        return function(*args)

    def sum(self, values):
        """Return `values`, a tensor or a list of tensors of one type, summed over all workers; it has a gradient."""

        @tf.custom_gradient
        def total(*parts):
            return self._total(parts), lambda *upstream: self._total(upstream)

        flat = tf.nest.flatten(values)
        return tf.nest.pack_sequence_as(values, tf.nest.flatten(total(*flat)))

    def _total(self, parts: Iterable[tf.Tensor]) -> list[tf.Tensor]:
        # TensorFlow runs stateful operations of a graph in the order of the program, which all workers share.
        sums = tf.numpy_function(self._exchange, parts, [part.dtype for part in parts], stateful=True)
        return [tf.ensure_shape(each, part.shape) for each, part in zip(tf.nest.flatten(sums), parts, strict=True)]

    def _exchange(self, *arrays: np.ndarray) -> list[np.ndarray]:
        """Return the sums over all workers of `arrays`, which have one type and the same shapes on all."""
        numbers = np.concatenate([array.ravel() for array in arrays])
        try:
            if self.rank:
                self._others[0].sendall(numbers)
                _receive(self._others[0], numbers)
            else:
                part = np.empty_like(numbers)
                for rank in sorted(self._others):
                    _receive(self._others[rank], part)
                    numbers += part
                for other in self._others.values():
                    other.sendall(numbers)
        except OSError:
            self.broken = True
            raise
        pieces = np.split(numbers, np.cumsum([array.size for array in arrays])[:-1])
        return [piece.reshape(array.shape) for piece, array in zip(pieces, arrays, strict=True)]


def _private_folder() -> Path:
    """Return the folder of the sockets, which only this user can enter; create it if needed.

    Raises:
        WorkersError: others can enter it, or it is not this user's.
    """
    folder = Path(tempfile.gettempdir()) / f"asr-{os.getuid()}"
    try:
        folder.mkdir(0o700, exist_ok=True)
        state = folder.lstat()  # not of what a link leads to
    except OSError as error:
        raise WorkersError(f"{folder}: {error.strerror}; set TMPDIR to a folder that can be written") from None
    if not stat.S_ISDIR(state.st_mode) or state.st_uid != os.getuid() or state.st_mode & 0o077:
        raise WorkersError(f"{folder}: is not a folder of yours that only you can enter; remove it, or set TMPDIR")
    return folder


def _reach(path: Path) -> socket.socket:
    """Return a connection to the chief, which may start later."""
    while True:
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.connect(str(path))
        except (FileNotFoundError, ConnectionRefusedError):  # not started; or killed, and not started again
            connection.close()
            time.sleep(RETRY_SECONDS)
        else:
            return connection


def _receive(connection: socket.socket, numbers: np.ndarray) -> None:
    """Fill `numbers` from the connection.

    Raises:
        ConnectionError: the connection has ended.
    """
    rest = memoryview(numbers).cast("B")
    while rest:
        count = connection.recv_into(rest)
        if not count:
            raise ConnectionAbortedError("the other worker has ended")
        rest = rest[count:]
