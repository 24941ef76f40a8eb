"""From CTC log-probabilities to text: greedy, and prefix beam search.

Everywhere, `log_probs` is float of shape (frames, 29): the log-softmax of the model's output, blank last.
"""

import math
from collections import defaultdict
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from asr_helpers.text import BLANK, NUM_CLASSES, decode


def collapse(indices) -> list[int]:
    """Return the labels that a CTC alignment spells: repeats merged, then blanks dropped."""
    return [int(label) for label, _ in groupby(indices) if label != BLANK]


def greedy(log_probs: np.ndarray) -> str:
    """Return the text of the single most probable alignment (not always the most probable text).

    Raises:
        ValueError: `log_probs` is not of shape (frames, 29).
    """
    _check_shape(log_probs)
    return decode(collapse(np.argmax(log_probs, axis=-1)))


@dataclass(frozen=True)
class Hypothesis:
    """A text, and the natural logarithm of its probability: the sum over the alignments that spell it."""

    text: str
    score: float


def beam_search(log_probs: np.ndarray, width: int = 16, min_log_prob: float = -5.0) -> list[Hypothesis]:
    """Return up to `width` hypotheses, the most probable first, by prefix beam search.

    The search goes through the frames once and keeps the `width` most probable prefixes. The alignments of a
    prefix are counted in two groups, those that end in a blank and those that end in its last character,
    because only after a blank does a repeated character begin a new one. A frame offers its characters of at
    least `min_log_prob`, and its best one.

    Whatever a beam or a threshold drops is lost for good, so a score is a lower bound of the text's
    log-probability; it is exact where `width` covers every prefix and `min_log_prob` is `-math.inf`.

    Graves & Jaitly, 2014, "Towards end-to-end speech recognition with recurrent neural networks", ICML;
    Hannun et al., 2014, "First-pass large vocabulary continuous speech recognition using bi-directional
    recurrent DNNs", arXiv:1408.2873.

    Raises:
        ValueError: `log_probs` is not of shape (frames, 29), or `width` is below 1.
    """
    _check_shape(log_probs)
    if width < 1:
        raise ValueError(f"the beam needs a width of at least 1, not {width}")
    beam = {
        (): (0.0, -math.inf)
    }  # prefix, as labels -> log P(ends in blank), log P(ends in its last character)
    for frame in np.asarray(log_probs, dtype=np.float64):
        ends_in_blank, ends_in_character = _advance(beam, frame, min_log_prob)
        total = {
            prefix: _log_add(ends_in_blank[prefix], ends_in_character[prefix])
            for prefix in ends_in_blank.keys() | ends_in_character.keys()
        }
        possible = [prefix for prefix in total if total[prefix] > -math.inf]
        best = sorted(possible, key=lambda prefix: (-total[prefix], prefix))[:width]
        beam = {prefix: (ends_in_blank[prefix], ends_in_character[prefix]) for prefix in best}
    return [Hypothesis(decode(prefix), _log_add(*parts)) for prefix, parts in beam.items()]


def _advance(
    beam: dict[tuple, tuple[float, float]], frame: np.ndarray, min_log_prob: float
) -> tuple[dict[tuple, float], dict[tuple, float]]:
    """Return what the prefixes of `beam` become in one more frame, by what they end in."""
    ends_in_blank = defaultdict(lambda: -math.inf)
    ends_in_character = defaultdict(lambda: -math.inf)
    offered = _offered(frame, min_log_prob)
    log_prob = frame.tolist()  # plain floats: much faster than NumPy's one by one
    for prefix, (blank, character) in beam.items():
        last = prefix[-1] if prefix else None
        either = _log_add(blank, character)
        ends_in_blank[prefix] = either + log_prob[BLANK]
        if prefix:  # the last character goes on sounding
            ends_in_character[prefix] = _log_add(ends_in_character[prefix], character + log_prob[last])
        for new in offered:
            before = blank if new == last else either
            longer = (*prefix, new)
            ends_in_character[longer] = _log_add(ends_in_character[longer], before + log_prob[new])
    return ends_in_blank, ends_in_character


def _offered(frame: np.ndarray, min_log_prob: float) -> list[int]:
    """Return the labels of the characters worth trying in this frame."""
    characters = frame[:BLANK]
    return np.flatnonzero((characters >= min_log_prob) | (characters == characters.max())).tolist()


def _log_add(a: float, b: float) -> float:
    """Return log(exp(a) + exp(b)) without leaving the log domain, where long products would underflow."""
    low, high = (a, b) if a < b else (b, a)
    return high if low == -math.inf else high + math.log1p(math.exp(low - high))


def _check_shape(log_probs: np.ndarray) -> None:
    if np.ndim(log_probs) != 2 or np.shape(log_probs)[1] != NUM_CLASSES:
        raise ValueError(f"log_probs has shape {np.shape(log_probs)} where (frames, {NUM_CLASSES}) is needed")
