"""A word n-gram language model: how probable a sentence is before anything was heard.

Estimated with interpolated modified Kneser-Ney smoothing (Chen & Goodman, 1999, "An empirical study of smoothing
techniques for language modeling", Computer Speech & Language 13) and kept as ARPA, the format that every
decoder reads. Logarithms in it are to the base 10.
"""

import gzip
import itertools
import math
import re
from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from asr_helpers import files
from asr_helpers.corpus import find_transcripts
from asr_helpers.text import ENGLISH, Alphabet, OneLineError, read_lines, read_transcript

START, END, UNKNOWN = "<s>", "</s>", "<unk>"
NEVER = -99.0  # ARPA's way of writing log10(0): nothing is ever followed by <s>


class LanguageModelError(OneLineError):
    """A language model or its text is unusable; the message is one line that names the file and the mend."""


@dataclass(frozen=True)
class NGram:
    """A back-off model: `grams` takes each n-gram, a tuple of words, to (log10 probability, log10 back-off)."""

    order: int
    grams: dict[tuple[str, ...], tuple[float, float]]

    def __contains__(self, word: str) -> bool:
        return (word,) in self.grams

    @property
    def start(self) -> tuple[str, ...]:
        """The state before a sentence's first word."""
        return (START,)

    @property
    def words(self) -> list[str]:
        """The vocabulary, without the marks for start, end and unknown words."""
        return [gram[0] for gram in self.grams if len(gram) == 1 and gram[0] not in (START, END, UNKNOWN)]

    def score(self, state: tuple[str, ...], word: str) -> tuple[float, tuple[str, ...]]:
        """Return log10 P(word | state) and the state after it: the last words, fewer than `order`.

        A word outside the vocabulary counts as `<unk>`. Where the n-gram was not seen, its first word is dropped
        at the price of the back-off weight of what preceded the word.
        """
        gram = (*state, word if word in self else UNKNOWN)
        after = gram[-(self.order - 1) :] if self.order > 1 else ()
        price = 0.0
        while gram not in self.grams:
            price += self.grams.get(gram[:-1], (0.0, 0.0))[1]
            gram = gram[1:]
        return price + self.grams[gram][0], after

    def sentence(self, words: Iterable[str]) -> float:
        """Return log10 P(words, end of the sentence)."""
        total, state = 0.0, self.start
        for word in (*words, END):
            log_prob, state = self.score(state, word)
            total += log_prob
        return total

    def perplexity(self, sentences: Iterable[str]) -> float:
        """Return the perplexity per word, ends of sentences counted, words outside the vocabulary as `<unk>`."""
        total, count = 0.0, 0
        for sentence in sentences:
            words = sentence.split()
            total, count = total + self.sentence(words), count + len(words) + 1
        return 10 ** (-total / count)

    def write(self, path: Path | str) -> None:
        """Write the model as ARPA, gzipped if the name ends in `.gz`; the same model gives the same bytes."""
        by_length = [sorted(gram for gram in self.grams if len(gram) == n) for n in range(1, self.order + 1)]
        sections = (
            ((self.grams[gram][0], " ".join(gram), self.grams[gram][1]) for gram in grams)
            for grams in by_length
        )
        write_arpa(path, list(map(len, by_length)), sections)

    @classmethod
    def read(cls, path: Path | str) -> "NGram":
        """Return the model of an ARPA file, plain or gzipped.

        Raises:
            ValueError: the file is missing (`TextError`), cut off, or not ARPA (`LanguageModelError`).
        """
        grams: dict[tuple[str, ...], tuple[float, float]] = {}
        known: dict[str, str] = {}  # so that each word is in memory once
        for length, _, lines in _read_arpa(path):
            for line in lines:
                try:
                    log_prob, *words = line.split()
                    log_prob, backoff = float(log_prob), float(words.pop()) if len(words) > length else 0.0
                    gram = tuple([known[word] for word in words] if length > 1 else words)
                except (ValueError, KeyError):
                    raise _broken(path, line) from None
                if len(gram) != length or gram in grams or not log_prob <= 0 or not math.isfinite(backoff):
                    raise _broken(path, line)
                grams[gram] = log_prob, backoff
                if length == 1:
                    known[gram[0]] = gram[0]
        # Some write <UNK>. Where there is none, an unknown word is all but impossible, as KenLM has it.
        grams[(UNKNOWN,)] = grams.pop(("<UNK>",), None) or grams.get((UNKNOWN,), (-100.0, 0.0))
        return cls(length, grams)


def write_arpa(
    path: Path | str, sizes: list[int], sections: Iterable[Iterable[tuple[float, str, float]]]
) -> None:
    """Write n-grams as ARPA, gzipped if the name ends in `.gz`; the same n-grams give the same bytes.

    Args:
        sizes: how many n-grams there are of each length.
        sections: for each length the n-grams: log10 probability, words, log10 back-off.
    """
    path = Path(path)
    with files.whole(path) as part:
        _write_lines(part, sizes, sections, packed=path.suffix == ".gz")


def _write_lines(part: Path, sizes: list[int], sections: Iterable, packed: bool) -> None:
    with ExitStack() as opened:
        file = opened.enter_context(open(part, "wb"))
        if packed:
            file = opened.enter_context(gzip.GzipFile("", "wb", 9, file, mtime=0))
        bar = opened.enter_context(tqdm(total=sum(sizes), desc="writing", disable=None, delay=1))
        counts = (f"ngram {length}={size}\n" for length, size in enumerate(sizes, start=1))
        file.write(("\\data\\\n" + "".join(counts)).encode())
        for length, section in enumerate(sections, start=1):
            file.write(f"\n\\{length}-grams:\n".encode())
            for log_prob, words, backoff in section:
                weight = f"\t{backoff:.3f}" if backoff else ""
                file.write(f"{log_prob:.3f}\t{words}{weight}\n".encode())
                bar.update()
        file.write(b"\n\\end\\\n")


def _read_arpa(path: Path | str) -> Iterator[tuple[int, int, Iterator[str]]]:
    """Yield for each length of n-grams: the length, the longest length, and their lines, all of which must be read."""
    lines = filter(str.strip, read_lines(path))
    if not any(line.startswith("\\data\\") for line in lines):  # what stands before is a comment
        raise LanguageModelError(f"{path}: not an ARPA file; make one with `asr lm`")
    sizes = []
    for line in lines:
        size = re.fullmatch(rf"ngram\s+{len(sizes) + 1}\s*=\s*([0-9]{{1,18}})\s*", line)
        if not size:
            break
        sizes.append(int(size[1]))
    if not sizes:
        raise LanguageModelError(f"{path}: names no n-grams; make it anew with `asr lm`")
    for length, size in enumerate(sizes, start=1):
        if line.strip() != f"\\{length}-grams:":
            raise _broken(path, line)
        yield length, len(sizes), itertools.islice(lines, size)
        line = next(lines, "its end")
    if line.strip() != "\\end\\":
        raise _broken(path, line)


def _broken(path: Path | str, line: str) -> LanguageModelError:
    return LanguageModelError(f"{path}: not whole, or not ARPA, at {line[:60]!r}; fetch or make it again")


# ------------------------------------------------------------------------------------------------- estimation


def estimate(
    sentences: Iterable[str],
    order: int = 3,
    min_counts: tuple[int, ...] = (1, 1, 2),
    vocabulary: int | None = None,
    keep: int | None = None,
) -> NGram:
    """Return the model of `sentences`; the arguments, and what is raised, are those of `Estimate.of`."""
    return Estimate.of(sentences, order, min_counts, vocabulary, keep).ngram()


@dataclass
class Level:
    """All n-grams of one length, in arrays with an entry for each, in alphabetical order.

    An n-gram is its context, which is an n-gram one shorter, and a last word: two whole numbers that fit into one
    integer of 64 bits, whatever the length. So counting n-grams is sorting integers.

    Attributes:
        context: where the n-gram without its last word stands in the level below; for single words 0.
        word: the number of the last word.
        suffix: where the n-gram without its first word stands in the level below; for single words 0.
        times: how often it occurs.
        count: what its probability is estimated from, see `_adjust`.
        prob, backoff: its probability, and the weight of the back-off after it.
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
        """Return, for each of the `contexts`, the sum of the `values` of the n-grams that go on from it."""
        return np.bincount(self.context, values, contexts)


@dataclass
class Estimate:
    """A model as it is made: `levels[n - 1]` holds the n-grams of n words, `words` the words by their numbers."""

    words: list[str]
    levels: list[Level]

    @classmethod
    def of(
        cls,
        sentences: Iterable[str],
        order: int = 3,
        min_counts: tuple[int, ...] = (1, 1, 2),
        vocabulary: int | None = None,
        keep: int | None = None,
    ) -> "Estimate":
        """Return the model of `sentences`, words parted by spaces. It takes some 60 bytes of memory a word of text.

        Args:
            min_counts: for each length, how often an n-gram must have been counted to be kept; the probability of
                the others goes to the back-off, so that the sum stays one. The last holds for all longer ones.
            vocabulary: how many words to know, the most frequent ones; every other word is `<unk>`.
            keep: how many n-grams to keep at most, see `prune`.

        Raises:
            ValueError: there is no sentence, or `order`, `vocabulary` or `keep` is below 1.
        """
        for name, value in (("order", order), ("vocabulary", vocabulary), ("number of n-grams", keep)):
            if value is not None and value < 1:
                raise ValueError(f"an n-gram model needs a {name} of at least 1, not {value}")
        words, tokens = _number(sentences, min_counts[0], vocabulary)
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
        """Keep the n-grams of the masks `kept`, one for each level; no kept one may need one that is not."""
        below = np.zeros(1, np.int32)
        for level, mask in zip(self.levels, kept, strict=True):
            for name, values in vars(level).items():
                setattr(level, name, None if values is None else values[mask])
            level.context, level.suffix = below[level.context], below[level.suffix]
            below = np.cumsum(mask, dtype=np.int32) - 1

    def prune(self, keep: int) -> None:
        """Drop n-grams until at most `keep` are left, first those without which the model changes least.

        Without an n-gram, its probability comes from the back-off. How far that takes the model from what it was
        is measured by the relative entropy of the two, weighed by how often the context occurs (Stolcke, 1998,
        "Entropy-based pruning of backoff language models", DARPA Broadcast News workshop). Chelba et al. (2010,
        "Study on interaction between entropy pruning and Kneser-Ney smoothing", Interspeech) say why the context's
        frequency is that in the text, not one that Kneser-Ney's lower orders would give. An n-gram stays as long as a
        longer one begins or ends with it. The single words stay in any case.
        """
        losses = [np.full(len(self.words), np.inf), *map(self._loss, self.levels, self.levels[1:])]
        for n in range(len(losses) - 1, 0, -1):  # what a longer one needs is worth as much
            for needed in (self.levels[n].context, self.levels[n].suffix):
                np.maximum.at(losses[n - 1], needed, losses[n])
        every = np.concatenate(losses)
        if keep >= len(every):
            return
        threshold = -np.partition(-every, keep)[keep]
        self._select([(loss > threshold) | np.isinf(loss) for loss in losses])
        for below, level in itertools.pairwise(self.levels):
            rest, rest_below = _rests(below, level)
            seen = level.sums(np.ones(len(level)), len(below))
            below.backoff = np.where(seen, rest / rest_below, 1.0)

    def _loss(self, below: Level, level: Level) -> np.ndarray:
        """Return what dropping each n-gram of `level` alone would cost, in nats for each word of text."""
        rest, rest_below = (each[level.context] for each in _rests(below, level))
        backed_off = below.prob[level.suffix]
        weight = (rest + level.prob) / (rest_below + backed_off)  # the back-off's without the n-gram
        change = np.log(weight) - np.log(rest / rest_below)
        cost = level.prob * (np.log(level.prob) - np.log(backed_off * weight)) - rest * change
        return below.times[level.context] / self.levels[0].times.sum() * cost

    def ngram(self) -> NGram:
        """Return the model as decoders use it."""
        grams, contexts = {}, [()]
        for level in self.levels:
            contexts = [
                (*contexts[context], self.words[word])
                for context, word in zip(level.context.tolist(), level.word.tolist(), strict=True)
            ]
            grams |= zip(contexts, zip(*_logarithms(level), strict=True), strict=True)
        return NGram(len(self.levels), grams)

    def write(self, path: Path | str) -> None:
        """Write the model as `NGram.write` does."""
        write_arpa(path, [len(level) for level in self.levels], self._sections())

    def _sections(self) -> Iterator[Iterator[tuple[float, str, float]]]:
        texts = [""]
        for level in self.levels:
            texts = [
                f"{texts[context]} {self.words[word]}".lstrip()
                for context, word in zip(level.context.tolist(), level.word.tolist(), strict=True)
            ]
            log_probs, backoffs = _logarithms(level)
            yield zip(log_probs, texts, backoffs, strict=True)


def _number(sentences: Iterable[str], least: int, most: int | None) -> tuple[list[str], np.ndarray]:
    """Return the words to know, in alphabetical order, and the text as their numbers, marks among them.

    A word is known that occurs `least` times, and is one of the `most` most frequent.
    """
    numbers = defaultdict[str, int]()
    numbers.default_factory = numbers.__len__  # a new word gets the next number
    marks = [numbers[mark] for mark in (START, END, UNKNOWN)]
    tokens = array("i")
    for sentence in sentences:
        tokens.append(numbers[START])
        tokens.extend([numbers[word] for word in sentence.split()])
        tokens.append(numbers[END])
    if not tokens:
        raise ValueError("there is no sentence to estimate a language model from")
    tokens = np.frombuffer(tokens, np.int32)
    times, names = np.bincount(tokens, minlength=len(numbers)).tolist(), list(numbers)
    frequent = [number for number in range(len(marks), len(names)) if times[number] >= least]
    frequent.sort(key=lambda number: (-times[number], names[number]))
    known = sorted([*marks, *frequent[:most]], key=names.__getitem__)
    words = [names[number] for number in known]
    again = np.full(len(names), words.index(UNKNOWN), np.int32)
    again[known] = np.arange(len(known))
    return words, again[tokens]


def _count(tokens: np.ndarray, words: list[str], order: int) -> list[Level]:
    """Return the n-grams of the text and how often they occur; none goes beyond a sentence."""
    size, start = len(words), words.index(START)
    none = np.zeros(size, np.int32)
    levels = [Level(none, np.arange(size, dtype=np.int32), none, np.bincount(tokens, minlength=size))]
    ending = (
        tokens  # for each place in the text, which n-gram of the level ends there; -1: it would begin earlier
    )
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
        levels.append(Level(context, word, suffix.astype(np.int32), times))
    return levels


def _adjust(levels: list[Level], start: int) -> None:
    """Set what the n-grams count for.

    Those of full length, and those that begin a sentence, count as often as they occur; a shorter one counts
    how many different words stand before it. That is Kneser and Ney's idea: FRANCISCO may be frequent, but
    follows SAN alone, so it is not what to expect where SAN is not.
    """
    begins = levels[0].word == start
    for level, above in itertools.pairwise(levels):
        begins = begins if level is levels[0] else begins[level.context]
        level.count = np.where(begins, level.times, np.bincount(above.suffix, minlength=len(level)))
    levels[-1].count = levels[-1].times
    levels[0].count = np.where(levels[0].word == start, 0, levels[0].count)  # nothing is ever followed by <s>


def _smooth(levels: list[Level], start: int, min_counts: tuple[int, ...]) -> list[np.ndarray]:
    """Set probabilities and back-off weights; return masks of the n-grams that were counted often enough."""
    below = Level(
        *np.zeros((4, 1), np.int32), prob=np.full(1, 1 / (len(levels[0]) - 1))
    )  # all outcomes alike
    kept = [np.full(1, True)]
    for length, level in enumerate(levels, start=1):
        threshold = min_counts[min(length, len(min_counts)) - 1] if length > 1 else 0
        kept.append((level.count >= threshold) & kept[-1][level.context] & kept[-1][level.suffix])
        held = np.where(kept[-1], level.count - _discounts(level.count)[np.minimum(level.count, 3)], 0)
        total, taken = level.sums(level.count, len(below)), level.sums(held, len(below))
        below.backoff = 1 - np.divide(taken, total, out=np.zeros(len(below)), where=total > 0)
        level.prob = held / total[level.context] + below.backoff[level.context] * below.prob[level.suffix]
        below = level
    levels[0].prob[start] = 0
    levels[-1].backoff = np.ones(len(levels[-1]))
    return kept[1:]


def _discounts(count: np.ndarray) -> np.ndarray:
    """Return what to take off a count of 1, 2, and 3 or more (at these indices), by Chen & Goodman's formula.

    It needs n-grams counted once, twice, three and four times; too small a text has none, and gets 0.5, 1, 1.5.
    """
    simple = np.array([0.0, 0.5, 1.0, 1.5])
    n = [float(np.sum(count == times)) for times in range(5)]
    if not all(n[1:]):
        return simple
    y = n[1] / (n[1] + 2 * n[2])
    discounts = [0.0, *(k - (k + 1) * y * n[k + 1] / n[k] for k in (1, 2, 3))]
    return np.array(discounts) if all(0 < discounts[k] < k for k in (1, 2, 3)) else simple


def _rests(below: Level, level: Level) -> tuple[np.ndarray, np.ndarray]:
    """Return what is left of 1, for each context, by its probabilities and by those one shorter. Never quite 0."""
    sums = (level.sums(each, len(below)) for each in (level.prob, below.prob[level.suffix]))
    rest, rest_below = (np.maximum(1 - each, 1e-12) for each in sums)
    return rest, rest_below


def _logarithms(level: Level) -> tuple[list[float], list[float]]:
    """Return probabilities and back-off weights as ARPA holds them."""
    with np.errstate(divide="ignore"):
        return np.maximum(np.log10(level.prob), NEVER).tolist(), np.log10(level.backoff).tolist()


# ------------------------------------------------------------------------------------------------------- text


def read_sentences(*sources: Path | str, alphabet: Alphabet = ENGLISH) -> Iterator[str]:
    """Yield the normalised sentences of corpora and text files; what is named twice comes twice.

    A folder gives every `*.trans.txt` beneath it, whether or not the audio is there; a file, plain or packed as
    `.gz` or `.xz`, one sentence a line, after an id if its name has `.trans.txt` in it.

    Raises:
        ValueError: a source is missing or unreadable, holds no transcript, or has a character outside the alphabet.
    """
    for file, number, text in read_texts(*sources):
        try:
            yield alphabet.normalise(text)
        except ValueError as error:
            raise LanguageModelError(f"{file}: line {number}: {error}; correct the line") from None


def read_texts(*sources: Path | str) -> Iterator[tuple[Path, int, str]]:
    """Yield (file, line number, text) of what `read_sentences` reads, as it stands there; blank lines are skipped."""
    for source in map(Path, sources):
        for file in find_transcripts(source) if source.is_dir() else [source]:
            if ".trans.txt" in file.name:
                numbered = ((number, text) for number, _, text in read_transcript(file))
            else:
                numbered = enumerate(read_lines(file), start=1)
            yield from ((file, number, text) for number, text in numbered if text.strip())
