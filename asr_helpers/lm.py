"""A word n-gram language model: how probable a sentence is before anything was heard.

Estimated with interpolated modified Kneser-Ney smoothing (Chen & Goodman, 1999, "An empirical study of smoothing
techniques for language modeling", Computer Speech & Language 13) and kept as ARPA, the format that every
decoder reads. Logarithms in it are to the base 10.
"""

import gzip
import math
import os
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from asr_helpers.text import normalise

START, END, UNKNOWN = "<s>", "</s>", "<unk>"
NEVER = -99.0  # ARPA's way of writing log10(0): nothing is ever followed by <s>


class LanguageModelError(ValueError):
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
        path = Path(path)
        part = path.with_name(f".part-{path.name}")
        content = "\n".join(self._lines()).encode() + b"\n"
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(gzip.compress(content, 9, mtime=0) if path.suffix == ".gz" else content)
        os.replace(part, path)

    def _lines(self) -> Iterator[str]:
        by_length = [sorted(gram for gram in self.grams if len(gram) == n) for n in range(1, self.order + 1)]
        yield "\\data\\"
        yield from (f"ngram {n}={len(grams)}" for n, grams in enumerate(by_length, start=1))
        for n, grams in enumerate(by_length, start=1):
            yield f"\n\\{n}-grams:"
            for gram in grams:
                log_prob, backoff = self.grams[gram]
                weight = f"\t{backoff:.3f}" if backoff else ""
                yield f"{log_prob:.3f}\t{' '.join(gram)}{weight}"
        yield "\n\\end\\"

    @classmethod
    def read(cls, path: Path | str) -> "NGram":
        """Return the model of an ARPA file, plain or gzipped.

        Raises:
            LanguageModelError: the file is missing, cut off, or not ARPA.
        """
        path = Path(path)
        grams: dict[tuple[str, ...], tuple[float, float]] = {}
        promised, ended = 0, False
        for line in read_lines(path):
            fields = line.split()
            if line.startswith("ngram "):
                promised += int(line.split("=")[1])
            elif line.startswith("\\"):
                ended = line.startswith("\\end\\")
                length = int(line[1 : line.index("-")]) if "-grams:" in line else 0
            elif fields and promised:
                try:
                    backoff = float(fields[length + 1]) if len(fields) > length + 1 else 0.0
                    grams[tuple(fields[1 : length + 1])] = (float(fields[0]), backoff)
                except (ValueError, IndexError):
                    raise LanguageModelError(f"{path}: not ARPA at {line.strip()!r}; make it anew") from None
        if not ended or len(grams) != promised:
            raise LanguageModelError(f"{path}: not a whole ARPA file; fetch or make it again with `asr lm`")
        # Some write <UNK>. Where there is none, an unknown word is all but impossible, as KenLM has it.
        grams[(UNKNOWN,)] = grams.pop(("<UNK>",), None) or grams.get((UNKNOWN,), (-100.0, 0.0))
        return cls(max(map(len, grams)), grams)


def read_vocabulary(path: Path | str) -> list[str]:
    """Return the words of an ARPA file, of which no more is read than that.

    Raises:
        LanguageModelError: the file is missing or is not ARPA.
    """
    words, inside = [], False
    for line in read_lines(Path(path)):
        if line.startswith("\\2-grams:") or line.startswith("\\end\\"):
            break
        fields = line.split()
        if inside and len(fields) >= 2 and fields[1] not in (START, END, UNKNOWN, "<UNK>"):
            words.append(fields[1])
        inside = inside or line.startswith("\\1-grams:")
    if not inside:
        raise LanguageModelError(f"{path}: not an ARPA file; make one with `asr lm`")
    return words


def estimate(sentences: Iterable[str], order: int = 3, min_counts: tuple[int, ...] = (1, 1, 2)) -> NGram:
    """Return the model of `sentences`, words parted by spaces.

    Args:
        min_counts: for each length, how often an n-gram must have been counted to be kept; the probability of
            the others goes to the back-off, so that the sum stays one. The last holds for all longer ones.

    Raises:
        ValueError: there is no sentence, or `order` is below 1.
    """
    if order < 1:
        raise ValueError(f"an n-gram model needs an order of at least 1, not {order}")
    counts = _count(sentences, order)
    if not counts[0]:
        raise ValueError("there is no sentence to estimate a language model from")
    uniform = 1 / (len(counts[0]) + 1)  # over all words, the end, and <unk>
    probability = {(): uniform}
    backoff: dict[tuple[str, ...], float] = {}
    for length, found in enumerate(counts, start=1):
        threshold = min_counts[min(length, len(min_counts)) - 1]
        _add_length(found, threshold, probability, backoff)
        if length == 1:
            probability[(UNKNOWN,)] = backoff[()] * uniform
    grams = {
        gram: (math.log10(value), math.log10(backoff.get(gram, 1.0)))
        for gram, value in probability.items()
        if gram
    }
    grams[(START,)] = (NEVER, math.log10(backoff.get((START,), 1.0)))
    return NGram(order, grams)


def _count(sentences: Iterable[str], order: int) -> list[Counter]:
    """Return the counts of n-grams by length.

    Those of full length, and those that begin a sentence, count as often as they occur; a shorter one counts
    how many different words stand before it. That is Kneser and Ney's idea: FRANCISCO may be frequent, but
    follows SAN alone, so it is not what to expect where SAN is not.
    """
    counts = [Counter() for _ in range(order)]
    for sentence in sentences:
        words = (START, *sentence.split(), END)
        for last in range(1, len(words)):
            gram = words[max(0, last - order + 1) : last + 1]
            counts[len(gram) - 1][gram] += 1
    for length in range(order - 1, 0, -1):
        counts[length - 1].update(gram[1:] for gram in counts[length])
    return counts


def _add_length(found: Counter, threshold: int, probability: dict, backoff: dict) -> None:
    """Add the n-grams of one length to `probability`, and what their contexts leave over to `backoff`."""
    discount = _discounts(found)
    totals, taken = Counter(), defaultdict(float)
    kept = {}
    for gram, count in found.items():
        totals[gram[:-1]] += count
        whole = len(gram) == 1 or (gram[:-1] in probability or gram[:-1] == (START,))
        if count >= threshold and whole and gram[1:] in probability:
            kept[gram] = count - discount[min(count, 3)]
            taken[gram[:-1]] += kept[gram]
    for context, total in totals.items():
        backoff[context] = 1 - taken[context] / total
    for gram, count in kept.items():
        context = gram[:-1]
        probability[gram] = count / totals[context] + backoff[context] * probability[gram[1:]]


def _discounts(found: Counter) -> list[float]:
    """Return what to take off a count of 1, 2, and 3 or more (at these indices), by Chen & Goodman's formula.

    It needs n-grams counted once, twice, three and four times; too small a text has none, and gets 0.5, 1, 1.5.
    """
    times = Counter(found.values())
    if not all(times[count] for count in (1, 2, 3, 4)):
        return [0.0, 0.5, 1.0, 1.5]
    y = times[1] / (times[1] + 2 * times[2])
    discounts = [count - (count + 1) * y * times[count + 1] / times[count] for count in (1, 2, 3)]
    if not all(0 < value < count for count, value in enumerate(discounts, start=1)):
        return [0.0, 0.5, 1.0, 1.5]
    return [0.0, *discounts]


# ------------------------------------------------------------------------------------------------------- text


def read_sentences(*sources: Path | str) -> Iterator[str]:
    """Yield the normalised sentences of corpora and text files.

    A folder gives every `*.trans.txt` beneath it, whether or not the audio is there; a file, plain or gzipped,
    one sentence a line, after an id if its name ends in `.trans.txt` or `.trans.txt.gz`.

    Raises:
        LanguageModelError: a source is missing, holds no sentence, or a line has a character outside the alphabet.
    """
    for source in map(Path, sources):
        files = sorted(source.rglob("*.trans.txt")) if source.is_dir() else [source]
        if not files:
            raise LanguageModelError(f"{source}: holds no *.trans.txt; name a corpus or a text file")
        for file in files:
            yield from _sentences_of(file)


def _sentences_of(file: Path) -> Iterator[str]:
    has_ids = ".trans.txt" in file.name
    for number, line in enumerate(read_lines(file), start=1):
        text = line.partition(" ")[2] if has_ids else line
        if text.strip():
            try:
                yield normalise(text)
            except ValueError as error:
                raise LanguageModelError(f"{file}: line {number}: {error}; correct the line") from None


def read_lines(path: Path) -> Iterator[str]:
    """Yield the lines of a text file, plain or gzipped."""
    try:
        open_text = gzip.open if path.suffix == ".gz" else open
        with open_text(path, "rt", encoding="utf-8") as file:
            yield from file
    except FileNotFoundError:
        raise LanguageModelError(f"{path}: no such file; check the path") from None
    except (OSError, EOFError, UnicodeDecodeError, zlib.error) as error:
        raise LanguageModelError(f"{path}: cannot be read ({error}); fetch or make it again") from None
