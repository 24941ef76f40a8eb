"""Estimate an n-gram language model: interpolated modified Kneser-Ney smoothing, pruned by entropy.

The smoothing is that of S. F. Chen and J. Goodman, 1999, "An empirical study of smoothing techniques for language
modeling", Computer Speech & Language 13(4), 359-394, doi:10.1006/csla.1999.0128.
"""

import itertools
from array import array
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from asr_helpers.words.arpa import END, LOG10_ZERO, START, UNKNOWN, LanguageModelError
from asr_helpers.words.ngram import NGram
from asr_helpers.words.packed import Level, NGramTrie


def estimate(
    sentences: Iterable[str],
    order: int = 3,
    min_counts: tuple[int, ...] = (1, 1, 2),
    vocabulary: int | None = None,
    keep: int | None = None,
) -> NGram:
    """Return the n-gram model of `sentences`; arguments and errors are those of `KneserNey.of`."""
    return KneserNey.of(sentences, order, min_counts, vocabulary, keep).ngram()


@dataclass
class Order:
    """All n-grams of one length in arrays, one entry for each, in alphabetical order.

    An n-gram is its context, an n-gram one word shorter, and its last word. Both are numbers, and together they fit
    into one 64-bit integer at any length, so that counting n-grams is sorting integers.

    Attributes:
        context: index, in the order below, of the n-gram without its last word; 0 for single words.
        word: number of the last word.
        suffix: index, in the order below, of the n-gram without its first word; 0 for single words.
        times: occurrences in the text.
        count: the count from which the probability is estimated, see `_adjust`.
        prob: P(last word | words before).
        backoff: back-off weight.
    """

    context: np.ndarray
    word: np.ndarray
    suffix: np.ndarray
    times: np.ndarray
    count: np.ndarray | None = None
    prob: np.ndarray | None = None
    backoff: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.word)

    def sums(self, values: np.ndarray, contexts: int) -> np.ndarray:
        """Return, for each of the `contexts`, the sum of `values` over the n-grams with that context."""
        return np.bincount(self.context, values, contexts)


@dataclass
class KneserNey:
    """An interpolated modified Kneser-Ney model in arrays.

    Attributes:
        words: the vocabulary with its marks; a word's number is its index.
        levels: the n-grams of each length, single words first.
    """

    words: list[str]
    levels: list[Order]

    @classmethod
    def of(
        cls,
        sentences: Iterable[str],
        order: int = 3,
        min_counts: tuple[int, ...] = (1, 1, 2),
        vocabulary: int | None = None,
        keep: int | None = None,
    ) -> "KneserNey":
        """Return the model of `sentences`. This takes some 60 bytes of memory per word of text.

        Args:
            sentences: words separated by spaces.
            order: words in the longest n-gram.
            min_counts: for each length, the count below which an n-gram is dropped; its probability goes to the
                back-off, so that the sum stays 1. The last value holds for all longer n-grams.
            vocabulary: the number of most frequent words to keep; every other word is `<unk>`.
            keep: the most n-grams to keep, see `prune`.

        Raises:
            LanguageModelError: there is no sentence, or `order`, `vocabulary` or `keep` is below 1.
        """
        for name, value in (("order", order), ("vocabulary", vocabulary), ("number of n-grams", keep)):
            if value is not None and value < 1:
                raise LanguageModelError(f"an n-gram model needs a {name} of at least 1, not {value}")
        words, tokens = _count_words(sentences, min_counts[0], vocabulary)
        model = cls(words, _count(tokens, words, order))
        del tokens
        _adjust(model.levels, words.index(START))
        model._select(_smooth(model.levels, words.index(START), min_counts))
        if keep is not None:
            model.prune(keep)
        return model

    def __len__(self) -> int:
        return sum(map(len, self.levels))

    def _select(self, kept: list[np.ndarray]) -> None:
        """Keep the n-grams of the masks `kept`, one for each order; their contexts and suffixes must be kept, too."""
        below = np.zeros(1, np.int32)
        for level, mask in zip(self.levels, kept, strict=True):
            for name, values in vars(level).items():
                setattr(level, name, None if values is None else values[mask])
            level.context, level.suffix = below[level.context], below[level.suffix]
            below = np.cumsum(mask, dtype=np.int32) - 1

    def prune(self, keep: int) -> None:
        """Drop n-grams until at most `keep` are left, those that change the model least first.

        A dropped n-gram gets its probability from the back-off. The change is the relative entropy of the two models,
        weighted by the frequency of the context (Stolcke, 1998, "Entropy-based pruning of backoff language models",
        DARPA Broadcast News workshop). That is the context's frequency in the text, not the one that Kneser-Ney's lower
        orders would give; Chelba et al. (2010, "Study on interaction between entropy pruning and Kneser-Ney smoothing",
        Interspeech) say why. An n-gram stays as long as a longer one begins or ends with it. Single words always stay.
        """
        losses = [np.full(len(self.words), np.inf), *map(self.losses, self.levels, self.levels[1:])]
        for n in range(len(losses) - 1, 0, -1):  # an n-gram is worth as much as any longer one that needs it
            for needed in (self.levels[n].context, self.levels[n].suffix):
                np.maximum.at(losses[n - 1], needed, losses[n])
        every = np.concatenate(losses)
        if keep >= len(every):
            return
        threshold = -np.partition(-every, keep)[keep]
        self.drop([(loss <= threshold) & np.isfinite(loss) for loss in losses])

    def drop(self, dropped: list[np.ndarray]) -> None:
        """Drop the n-grams of the masks `dropped`, one for each order; their probabilities go to the back-off.

        An n-gram must be dropped with its context and its suffix. A dropped word counts as `<unk>` from then on.
        """
        rests = [
            _left_over_mass(below, level)[0] + level.sums(np.where(mask, level.prob, 0), len(below))
            for (below, level), mask in zip(itertools.pairwise(self.levels), dropped[1:], strict=True)
        ]
        unknown = np.arange(len(self.words)) == self.words.index(UNKNOWN)
        self.levels[0].prob = self.levels[0].prob + unknown * self.levels[0].prob[dropped[0]].sum()
        self._select([~mask for mask in dropped])
        number = np.cumsum(~dropped[0], dtype=np.int32) - 1
        self.words = [word for word, gone in zip(self.words, dropped[0].tolist(), strict=True) if not gone]
        for level in self.levels:
            level.word = number[level.word]
        for (below, level), rest, gone in zip(itertools.pairwise(self.levels), rests, dropped[:-1], strict=True):
            rest_below = _left_over_mass(below, level)[1]
            seen = level.sums(np.ones(len(level)), len(below))
            below.backoff = np.where(seen, rest[~gone] / rest_below, 1.0)

    def losses(self, below: Order, level: Order) -> np.ndarray:
        """Return the cost of dropping each n-gram of `level` alone, in nats per word of text."""
        rest, rest_below = (each[level.context] for each in _left_over_mass(below, level))
        backed_off = below.prob[level.suffix]
        weight = (rest + level.prob) / (rest_below + backed_off)  # back-off weight without the n-gram
        change = np.log(weight) - np.log(rest / rest_below)
        cost = level.prob * (np.log(level.prob) - np.log(backed_off * weight)) - rest * change
        return below.times[level.context] / self.levels[0].times.sum() * cost

    def trie(self) -> NGramTrie:
        """Return the model as an `NGramTrie`."""
        return NGramTrie(self.words, [Level(each.context, each.word, *_logarithms(each)) for each in self.levels])

    def ngram(self) -> NGram:
        """Return the model as an `NGram`."""
        return NGram.of(self.trie())

    def write(self, path: Path | str) -> None:
        """Write the model to a file, as `NGram.write` does."""
        self.trie().write(path)


def _count_words(sentences: Iterable[str], least: int, most: int | None) -> tuple[list[str], np.ndarray]:
    """Return the vocabulary in alphabetical order, and the text as word numbers, both with the marks.

    The vocabulary holds the `most` most frequent of the words that occur at least `least` times.
    """
    numbers = {START: 0, END: 1, UNKNOWN: 2}
    marks = list(numbers.values())
    tokens = array("i")
    for sentence in sentences:
        tokens.append(numbers[START])
        tokens.extend([numbers.setdefault(word, len(numbers)) for word in sentence.split()])
        tokens.append(numbers[END])
    if not tokens:
        raise LanguageModelError("there is no sentence to estimate a language model from")
    tokens = np.frombuffer(tokens, np.int32)
    times, names = np.bincount(tokens, minlength=len(numbers)).tolist(), list(numbers)
    frequent = [number for number in range(len(marks), len(names)) if times[number] >= least]
    frequent.sort(key=lambda number: (-times[number], names[number]))
    known = sorted([*marks, *frequent[:most]], key=names.__getitem__)
    words = [names[number] for number in known]
    again = np.full(len(names), words.index(UNKNOWN), np.int32)
    again[known] = np.arange(len(known))
    return words, again[tokens]


def _count(tokens: np.ndarray, words: list[str], order: int) -> list[Order]:
    """Return the n-grams of the text with their counts, order by order; none crosses a sentence end."""
    size, start = len(words), words.index(START)
    none = np.zeros(size, np.int32)
    levels = [Order(none, np.arange(size, dtype=np.int32), none, np.bincount(tokens, minlength=size))]
    ending = tokens  # for each position in the text, the n-gram that ends there; -1 if the sentence is too short
    for length in tqdm(range(2, order + 1), "counting", unit=" length", disable=None, delay=1):
        inside = (ending[:-1] >= 0) & (tokens[1:] != start)
        keys = ending[:-1][inside].astype(np.int64) * size + tokens[1:][inside]
        if length < order:
            keys, which, times = np.unique(keys, return_inverse=True, return_counts=True)
            ending = np.full(len(tokens), -1, np.int32)
            ending[1:][inside] = which
            del which
        else:
            keys, times = np.unique(keys, return_counts=True)
        context, word = (each.astype(np.int32) for each in np.divmod(keys, size))
        below = levels[-1]
        shorter = below.context.astype(np.int64) * size + below.word
        suffix = np.searchsorted(shorter, below.suffix[context].astype(np.int64) * size + word)
        levels.append(Order(context, word, suffix.astype(np.int32), times))
    return levels


def _adjust(levels: list[Order], start: int) -> None:
    """Set the counts from which the probabilities are estimated.

    An n-gram of full length, or at the beginning of a sentence, counts its occurrences; a shorter one counts the
    different words that precede it. That is Kneser and Ney's idea: FRANCISCO may be frequent, but it only follows SAN,
    so it is improbable after any other word.
    """
    begins = levels[0].word == start
    for level, above in itertools.pairwise(levels):
        begins = begins if level is levels[0] else begins[level.context]
        level.count = np.where(begins, level.times, np.bincount(above.suffix, minlength=len(level)))
    levels[-1].count = levels[-1].times
    levels[0].count = np.where(levels[0].word == start, 0, levels[0].count)  # <s> follows nothing


def _smooth(levels: list[Order], start: int, min_counts: tuple[int, ...]) -> list[np.ndarray]:
    """Set probabilities and back-off weights; return masks of the n-grams that reach their minimum count."""
    below = Order(*np.zeros((4, 1), np.int32), prob=np.full(1, 1 / (len(levels[0]) - 1)))  # uniform
    kept = [np.full(1, True)]
    for length, level in enumerate(levels, start=1):
        threshold = min_counts[min(length, len(min_counts)) - 1] if length > 1 else 0
        kept.append((level.count >= threshold) & kept[-1][level.context] & kept[-1][level.suffix])
        held = np.where(kept[-1], level.count - discounts(level.count)[np.minimum(level.count, 3)], 0)
        total, taken = level.sums(level.count, len(below)), level.sums(held, len(below))
        below.backoff = 1 - np.divide(taken, total, out=np.zeros(len(below)), where=total > 0)
        level.prob = held / total[level.context] + below.backoff[level.context] * below.prob[level.suffix]
        below = level
    levels[0].prob[start] = 0
    levels[-1].backoff = np.ones(len(levels[-1]))
    return kept[1:]


def discounts(count: np.ndarray) -> np.ndarray:
    """Return the discounts of counts 0, 1, 2 and 3 or more, at indices 0 to 3, by Chen & Goodman's formula.

    The formula needs n-grams with counts of 1, 2, 3 and 4. A text too small to have them gets 0.5, 1 and 1.5.
    """
    simple = np.array([0.0, 0.5, 1.0, 1.5])
    n = [float(np.sum(count == times)) for times in range(5)]
    if not all(n[1:]):
        return simple
    y = n[1] / (n[1] + 2 * n[2])
    discounts = [0.0, *(k - (k + 1) * y * n[k + 1] / n[k] for k in (1, 2, 3))]
    return np.array(discounts) if all(0 < discounts[k] < k for k in (1, 2, 3)) else simple


def _left_over_mass(below: Order, level: Order) -> tuple[np.ndarray, np.ndarray]:
    """Return for each context 1 minus the sum of its probabilities, and of their back-off probabilities; above 0.

    The first is the second times the back-off weight, also in a model whose probabilities are rounded.
    """
    rest_below = np.maximum(1 - level.sums(below.prob[level.suffix], len(below)), 1e-12)
    return below.backoff * rest_below, rest_below


def _logarithms(level: Order) -> tuple[np.ndarray, np.ndarray]:
    """Return log10 of probabilities and back-off weights, as ARPA stores them."""
    with np.errstate(divide="ignore"):
        return np.maximum(np.log10(level.prob), LOG10_ZERO), np.log10(level.backoff)
