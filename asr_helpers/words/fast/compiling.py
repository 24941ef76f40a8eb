"""Shared by the compiled modules: Numba with a cache on disk, and a hash table of integers."""

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numba
import numpy as np

EMPTY = -1


def compiled(function: Callable) -> Callable:
    """Return `function` compiled by Numba on its first call, with a cache on disk if one can be written."""
    try:
        return numba.njit(cache=True)(function)
    except RuntimeError:
        return numba.njit(function)


@contextmanager
def announced() -> Iterator[None]:
    """Print a line to stderr if the block takes over 4 s, which happens only while functions are compiled."""
    line = "compiling the beam search for this machine; the next start will be fast"
    timer = threading.Timer(4, print, [line], {"file": sys.stderr})
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


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
