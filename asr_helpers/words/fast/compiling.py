"""Shared by the compiled modules: Numba with a cache on disk, and a hash table of integers."""

import hashlib
import os
import pickle
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numba
import numpy as np
from numba.core import event
from numba.core.caching import FunctionCache, IndexDataCacheFile

EMPTY = -1


class _CheckedFile(IndexDataCacheFile):
    """A function's files in the cache, each with its SHA-256 at the end, where pickle does not look.

    Numba does not wait for the disk, so a power cut may leave files with zeros inside; such machine code would crash.
    """

    def _dump(self, obj) -> bytes:
        content = super()._dump(obj)
        return content + hashlib.sha256(content).digest()

    def _load_data(self, name):
        stored = Path(self._data_path(name)).read_bytes()
        content, digest = stored[:-32], stored[-32:]
        if hashlib.sha256(content).digest() != digest:
            raise ValueError(f"{name}: damaged")
        return pickle.loads(content)


class _Cache(FunctionCache):
    """Numba's cache of a function; one that cannot be read is dropped, one that cannot be written is done without."""

    def __init__(self, function: Callable):
        super().__init__(function)
        known = self._cache_file
        self._cache_file = _CheckedFile(self._cache_path, self._impl.filename_base, known._source_stamp)

    def load_overload(self, sig, target_context):
        try:
            return super().load_overload(sig, target_context)
        except Exception:  # unpickling a damaged file may raise anything
            with suppress(OSError):
                os.unlink(self._cache_file._index_path)
            return None

    def save_overload(self, sig, data) -> None:
        with suppress(Exception):  # a full disk, or an index that can neither be read nor removed
            super().save_overload(sig, data)


def compiled(function: Callable) -> Callable:
    """Return `function` compiled by Numba on its first call, with a cache on disk if one can be written."""
    dispatcher = numba.njit(function)
    with suppress(RuntimeError):  # no folder for a cache
        dispatcher._cache = _Cache(function)
    return dispatcher


class _Announcer(event.Listener):
    """Prints a line if functions are compiled for more than a second; a cached function is not compiled."""

    LINE = "compiling the beam search for this machine; the next start will be fast"
    SECONDS = 1.0

    def __init__(self):
        # Jupyter shows stderr on red, as if something were wrong.
        target = sys.stdout if type(sys.stdout).__module__ == "ipykernel.iostream" else sys.stderr
        self.timer = threading.Timer(self.SECONDS, print, [self.LINE], {"file": target})

    def on_start(self, event) -> None:
        if self.timer.ident is None:
            self.timer.start()

    def on_end(self, event) -> None:
        pass


@contextmanager
def announced() -> Iterator[None]:
    """Print a line if functions are compiled in the block for more than a second."""
    announcer = _Announcer()
    try:
        with event.install_listener("numba:compile", announcer):
            yield
    finally:
        announcer.timer.cancel()


@compiled
def place_of(keys, key):
    """Return the index of `key` in a table, or of its free slot: open addressing, linear probing."""
    mixed = key * np.int64(-7046029254386353131)
    place = (mixed ^ (mixed >> np.int64(29))) & (len(keys) - 1)
    while keys[place] != EMPTY and keys[place] != key:
        place = (place + 1) & (len(keys) - 1)
    return place


@compiled
def get(keys, values, key):
    """Return the value of `key` in a table, or EMPTY."""
    place = place_of(keys, key)
    return values[place] if keys[place] == key else np.int32(EMPTY)


def table(size: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the keys and values of an empty table for `size` entries; at least a quarter of it stays free."""
    room = 1 << (size * 4 // 3 + 1).bit_length()
    return np.full(room, EMPTY, np.int64), np.zeros(room, np.int32)
