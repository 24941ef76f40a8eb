"""A word n-gram language model: how probable a sentence is, whatever the audio.

`kneser_ney` estimates it (interpolated modified Kneser-Ney smoothing, Chen & Goodman, 1999); `arpa` and `packed` keep
it in a file. Logarithms are to base 10, as in those files.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from asr_helpers.words.arpa import END, START, UNKNOWN, broken, read_arpa, write_arpa
from asr_helpers.words.packed import NGramTrie, is_packed, read_packed

LN10 = math.log(10)


@dataclass(frozen=True)
class NGram:
    """A back-off model: `grams` maps each n-gram, a tuple of words, to (log10 probability, log10 back-off).

    Example:
        >>> from asr_helpers.words.kneser_ney import estimate
        >>> model = estimate(["THE CAT SAT", "THE CAT RAN"])
        >>> log10_prob, state = model.score(model.start, "THE")
        >>> state, round(10**log10_prob, 2)
        (('<s>', 'THE'), 0.58)
    """

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

        A word outside the vocabulary counts as `<unk>`. If an n-gram is not listed, the model backs off: it drops the
        first word and adds the back-off weight of the context.
        """
        gram = (*state, word if word in self else UNKNOWN)
        after = gram[-(self.order - 1) :] if self.order > 1 else ()
        backed_off = 0.0
        while gram not in self.grams:
            backed_off += self.grams.get(gram[:-1], (0.0, 0.0))[1]
            gram = gram[1:]
        return backed_off + self.grams[gram][0], after

    def sentence(self, words: Iterable[str]) -> float:
        """Return log10 P(words, end of the sentence)."""
        total, state = 0.0, self.start
        for word in (*words, END):
            log_prob, state = self.score(state, word)
            total += log_prob
        return total

    def perplexity(self, sentences: Iterable[str]) -> float:
        """Return the perplexity per word; sentence ends count as words, and unknown words as `<unk>`."""
        total, count = 0.0, 0
        for sentence in sentences:
            words = sentence.split()
            total, count = total + self.sentence(words), count + len(words) + 1
        return 10 ** (-total / count)

    def write(self, path: Path | str) -> None:
        """Write the model, packed if the name ends in `.lm`, otherwise as ARPA, gzipped if it ends in `.gz`.

        The same model gives the same bytes.
        """
        if Path(path).suffix == ".lm":
            return self.trie().write(path)
        by_length = [sorted(gram for gram in self.grams if len(gram) == n) for n in range(1, self.order + 1)]
        sections = (
            ((self.grams[gram][0], " ".join(gram), self.grams[gram][1]) for gram in grams) for grams in by_length
        )
        write_arpa(path, list(map(len, by_length)), sections)

    def trie(self) -> NGramTrie:
        """Return the model in arrays. A mark that the model lacks is added, all but impossible.

        Raises:
            LanguageModelError: the model lists an n-gram without its beginning.
        """
        return NGramTrie.of(self.order, self.grams, self.score)

    @classmethod
    def of(cls, trie: NGramTrie) -> "NGram":
        """Return the model that `trie` holds in arrays."""
        return cls(len(trie.levels), trie.grams())

    @classmethod
    def read(cls, path: Path | str) -> "NGram":
        """Return the model of a file: packed, or ARPA, plain or gzipped.

        Raises:
            TextError: the file is missing or cannot be read.
            LanguageModelError: it is cut off, or neither.
        """
        if is_packed(path):
            return cls.of(read_packed(path))
        grams: dict[tuple[str, ...], tuple[float, float]] = {}
        known: dict[str, str] = {}  # holds each word in memory once
        for length, lines in read_arpa(path):
            for line in lines:
                try:
                    number, *words = line.split()
                    log_prob, backoff = float(number), float(words.pop()) if len(words) > length else 0.0
                    gram = tuple([known[word] for word in words]) if length > 1 else tuple(words)
                except (ValueError, KeyError):
                    raise broken(path, line) from None
                if len(gram) != length or gram in grams or not log_prob <= 0 or not math.isfinite(backoff):
                    raise broken(path, line)
                grams[gram] = log_prob, backoff
                if length == 1:
                    known[gram[0]] = gram[0]
        # Some programs write <UNK>. Without either, an unknown word is all but impossible, as in KenLM.
        if ("<UNK>",) in grams:
            grams[(UNKNOWN,)] = grams.pop(("<UNK>",))
        grams.setdefault((UNKNOWN,), (-100.0, 0.0))
        return cls(length, grams)


NO_LM = NGram(1, {(UNKNOWN,): (0.0, 0.0)})  # scores every text equally, for a search without a language model
