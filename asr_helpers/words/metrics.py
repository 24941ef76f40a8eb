"""Word and character error rate, each with its confidence interval."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import jiwer


@dataclass(frozen=True)
class ErrorRate:
    """Edits and reference lengths of each utterance, both int arrays of shape (utterances,).

    An edit is a substitution, deletion or insertion of a unit (word or character) in a shortest alignment of reference
    and hypothesis.
    """

    errors: np.ndarray
    lengths: np.ndarray

    @property
    def rate(self) -> float:
        """All edits over all reference units, as a fraction; insertions can raise it above 1."""
        return float(self.errors.sum() / self.lengths.sum())

    def interval(self, seed: int = 0, samples: int = 1000) -> tuple[float, float]:
        """Return the 95 % confidence interval of `rate`: a percentile bootstrap over utterances.

        Utterances are drawn, not words, because errors within an utterance are correlated (Bisani & Ney, 2004,
        "Bootstrap estimates for confidence intervals in ASR performance evaluation", ICASSP).

        Without any error, the bootstrap would give the interval from 0 to 0, and claim certainty. The rule of three
        gives it from 0 to 3 / n instead: if no error was found in n units, the true rate is below 3 / n with 95 %
        confidence, for (1 - 3 / n) ** n is about 0.05 (Hanley & Lippman-Hand, 1983, "If nothing goes wrong, is
        everything all right?", JAMA).
        """
        if not self.errors.any():
            return 0.0, min(1.0, 3 / float(self.lengths.sum()))
        return _bootstrap(self._rate_of, len(self.errors), seed, samples)

    @property
    def interval_by(self) -> str:
        """How `interval` finds it, for tables and JSON."""
        return "bootstrap" if self.errors.any() else "rule of three"

    def summary(self, unit: str = "words") -> str:
        """Return the rate and its interval as text; without any error, the rule of three's bound instead.

        Example:
            >>> ErrorRate(np.zeros(2, int), np.array([50, 100])).summary()
            'no error in 150 words: below 2.0%'
        """
        low, high = self.interval()
        if not self.errors.any():
            return f"no error in {self.lengths.sum()} {unit}: below {high:.1%}"
        return f"{self.rate:.1%} ({low:.1%} to {high:.1%})"

    def _rate_of(self, drawn: np.ndarray) -> float:
        return self.errors[drawn].sum() / self.lengths[drawn].sum()


def word_errors(references: list[str], hypotheses: list[str]) -> ErrorRate:
    """Return the word errors of `hypotheses`, one for each of `references`.

    An empty hypothesis counts each reference word as a deletion.

    Raises:
        ValueError: the lists are empty or differ in length, or a reference holds no word.
    """
    import jiwer

    _check_pairs(references, hypotheses)
    return _count(jiwer.process_words(references, hypotheses))


def character_errors(references: list[str], hypotheses: list[str]) -> ErrorRate:
    """Return the character errors, spaces between words included; otherwise like `word_errors`."""
    import jiwer

    _check_pairs(references, hypotheses)
    return _count(jiwer.process_characters(references, hypotheses))


def score(references: list[str], hypotheses: list[str]) -> dict:
    """Return `wer` and `cer` as fractions, `wer_ci95` and `cer_ci95` as [low, high], and `utterances`.

    `wer_ci95_by` and `cer_ci95_by` name the interval's method, see `ErrorRate.interval`.

    Raises:
        ValueError: as `word_errors`.
    """
    words = word_errors(references, hypotheses)
    characters = character_errors(references, hypotheses)
    return {
        "wer": words.rate,
        "wer_ci95": list(words.interval()),
        "wer_ci95_by": words.interval_by,
        "cer": characters.rate,
        "cer_ci95": list(characters.interval()),
        "cer_ci95_by": characters.interval_by,
        "utterances": len(references),
    }


def paired_difference(
    first: ErrorRate, second: ErrorRate, seed: int = 0, samples: int = 1000
) -> tuple[float, tuple[float, float]]:
    """Return `second.rate - first.rate` and its 95 % confidence interval by a paired bootstrap over utterances.

    Both systems are scored on the same drawn utterances, so the difficulty of an utterance cancels out and the interval
    is narrower than two separate ones suggest. If it excludes 0, the systems differ.

    Raises:
        ValueError: the two were not scored against the same references.
    """
    if not np.array_equal(first.lengths, second.lengths):
        raise ValueError("the two systems were not scored against the same references")
    interval = _bootstrap(
        lambda drawn: second._rate_of(drawn) - first._rate_of(drawn), len(first.errors), seed, samples
    )
    return second.rate - first.rate, interval


def _check_pairs(references: list[str], hypotheses: list[str]) -> None:
    if len(references) != len(hypotheses):
        raise ValueError(f"{len(references)} references but {len(hypotheses)} hypotheses")
    if not references:
        raise ValueError("there is nothing to score")
    for number, reference in enumerate(references):
        if not reference.strip():
            raise ValueError(f"reference {number} is empty: it leaves no rate to compute")


def _count(output: "jiwer.WordOutput | jiwer.CharacterOutput") -> ErrorRate:
    """Count each utterance's edits in jiwer's alignments: runs of equal, substituted, deleted or inserted units."""
    errors = [
        sum(
            max(chunk.ref_end_idx - chunk.ref_start_idx, chunk.hyp_end_idx - chunk.hyp_start_idx)
            for chunk in chunks
            if chunk.type != "equal"
        )
        for chunks in output.alignments
    ]
    return ErrorRate(np.array(errors), np.array([len(reference) for reference in output.references]))


def _bootstrap(
    statistic: Callable[[np.ndarray], float], utterances: int, seed: int, samples: int
) -> tuple[float, float]:
    """Return the 2.5 % and 97.5 % quantiles of `statistic` over utterances drawn with replacement."""
    rng = np.random.default_rng(seed)
    values = [statistic(rng.integers(utterances, size=utterances)) for _ in range(samples)]
    low, high = np.quantile(values, [0.025, 0.975])
    return float(low), float(high)
