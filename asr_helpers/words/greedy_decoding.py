"""Greedy CTC decoding: the text of the single most probable alignment."""

from collections.abc import Iterable
from itertools import groupby

import numpy as np

from asr_helpers.text import BLANK, ENGLISH, Alphabet
from asr_helpers.words.arguments import check_shape


def collapse(indices: Iterable[int], blank: int = BLANK) -> list[int]:
    """Return the labels that a CTC alignment spells: repeats merged, then blanks dropped.

    Example:
        >>> collapse([3, 3, BLANK, 3, 4])
        [3, 3, 4]
    """
    return [int(label) for label, _ in groupby(indices) if label != blank]


def greedy(log_probs: np.ndarray, alphabet: Alphabet = ENGLISH) -> str:
    """Return the text of the single most probable alignment (not always the most probable text).

    Raises:
        ValueError: `log_probs` is not of shape (frames, classes).

    Example:
        >>> greedy(np.log(np.eye(29)[[3, 3, 28, 2, 28, 5]] + 1e-6))
        'BAD'
    """
    check_shape(log_probs, alphabet)
    best = np.argmax(log_probs, axis=-1)  # (frames,)
    return alphabet.decode(collapse(best, alphabet.blank))
