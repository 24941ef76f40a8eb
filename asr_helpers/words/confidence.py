"""The probability that a recognised word is right, from the network's confidence in it.

Confidence is how well the sound fits the letters. It is no probability: greedy decoding writes the letters that fit
best, so they fit where the word is wrong, too; a language model writes words that fit badly and are right. Platt
scaling, a logistic regression on the confidence's log-odds, corrects that with two numbers for each decoder (Platt,
1999, "Probabilistic outputs for support vector machines", Advances in Large Margin Classifiers). They hold for the
shipped models; for others they are a guess.
"""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from asr_helpers.text import ENGLISH, Alphabet
from asr_helpers.words.alignment import Word

DOUBTFUL = 0.7  # a less probable word is marked
# Slope and offset of the log-odds, fitted on dev-clean-tune: benchmarks/confidence.py --tune LibriSpeech/dev-clean-tune
PLATT = {"greedy": (1.20, -1.78), "beam": (0.70, 0.65)}
LIMITS = 0.001, 0.999  # of a confidence, whose log-odds would be infinite at 0 and 1


def log_odds(confidence: np.ndarray) -> np.ndarray:
    """Return the log-odds of confidences, limited to `LIMITS`."""
    limited = np.clip(confidence, *LIMITS)
    return np.log(limited / (1 - limited))


def probability(confidence: np.ndarray, decoder: str) -> np.ndarray:
    """Return the probabilities that words of these confidences are right.

    Args:
        confidence: any shape, from 0 to 1.
        decoder: what wrote the words: "greedy", or "beam" for beam search with a language model.

    Example:
        >>> probability(np.array([0.2, 0.9]), "beam").round(2), probability(np.array([0.2, 0.9]), "greedy").round(2)
        (array([0.42, 0.9 ]), array([0.03, 0.7 ]))
    """
    slope, offset = PLATT[decoder]
    return 1 / (1 + np.exp(-(slope * log_odds(confidence) + offset)))


def with_probability(words: Iterable[Word], decoder: str) -> list[Word]:
    """Return `words` with `Word.probability`; `decoder` as in `probability`."""
    return [replace(word, probability=float(probability(word.confidence, decoder))) for word in words]


def doubtful(word: Word) -> bool:
    """Return whether a word is to be marked; one without a probability is not."""
    return word.probability is not None and word.probability < DOUBTFUL


def default_kind(alphabet: Alphabet) -> str:
    """Return which of `PLATT` the decoder is that `default_decoder` gives an alphabet."""
    return "beam" if alphabet == ENGLISH else "greedy"
