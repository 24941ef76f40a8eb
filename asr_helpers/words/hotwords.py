"""Hotwords: names and phrases that a recogniser should expect, as an edit of the language model.

Only the n-grams change, so both searches find hotwords without a line of their own:

- a word that the model does not know becomes a unigram, log10 P = `NEW_WORD`;
- a phrase becomes an n-gram, with the probability that backing off gave it before;
- every n-gram that ends in a hotword gains the word's boost, so each way to that word gains it exactly once.

Look-ahead then favours the beginning of a hotword, and takes the boost back where the word goes on differently.
"""

import math
import os
from collections.abc import Collection, Container, Iterable, Mapping

from asr_helpers.system.text_files import read_lines
from asr_helpers.text import Alphabet, AlphabetError
from asr_helpers.words.ngram import LN10, NGram

# Chosen on dev-clean-tune, see benchmarks/hotwords.py: the first two together, then the third.
BOOST = 5.5  # nats
NEW_WORD = -5.5  # log10 P of a word that the language model does not know
HOTWORD_MIN_LOG_PROB = -6.0  # nats; a name may be spelt by letters that the network finds less probable
MAX_BOOST = 100.0  # nats; more would write the hotword whatever is heard

Hotwords = Mapping[str, float] | Collection[str]
Phrase = tuple[str, ...]


def read_hotwords(
    sources: Iterable[str], alphabet: Alphabet, boost: float = BOOST
) -> tuple[dict[str, float], list[str]]:
    """Return {hotword: boost} and a remark on each one that cannot be used.

    Args:
        sources: hotwords, and names of files that list them: one a line, if need be with a tab and its boost in nats.
        alphabet: the model's, which spells the hotwords; hyphens become spaces.
        boost: of those without a number.

    Raises:
        TextError: a file cannot be read.
    """
    found, remarks = {}, []
    for source in sources:
        listed = os.path.isfile(source)
        for line in filter(str.strip, read_lines(source)) if listed else [source]:
            text, _, number = line.partition("\t")
            try:
                nats = float(number) if number.strip() else boost
                if not abs(nats) <= MAX_BOOST:
                    raise ValueError
                found[alphabet.normalize(text)] = nats
            except AlphabetError as error:
                remarks.append(f"{text.strip()!r} ({error})" if listed else f"{text!r} (no such file, and {error})")
            except ValueError:
                remarks.append(
                    f"{text.strip()!r} (its boost, {number.strip()!r}, is not a number within ±{MAX_BOOST:g})"
                )
    return found, remarks


def phrase_boosts(
    hotwords: Hotwords, boost: float, alphabet: Alphabet, known: Container[str], order: int
) -> dict[Phrase, float]:
    """Return the boost in nats of each n-gram to be boosted.

    A word that is not `known` is boosted wherever it occurs, even if it is listed only in a phrase. Of a phrase longer
    than `order`, the longest n-gram of the model, the last words count.

    Raises:
        AlphabetError: a hotword cannot be spelt.

    Example:
        >>> from asr_helpers.text import ENGLISH
        >>> phrase_boosts(["Count Orsino"], 6.0, ENGLISH, known={"COUNT"}, order=3)
        {('COUNT', 'ORSINO'): 6.0, ('ORSINO',): 6.0}
    """
    hotwords = [hotwords] if isinstance(hotwords, str) else hotwords
    weighted = hotwords if isinstance(hotwords, Mapping) else dict.fromkeys(hotwords, boost)
    spelt = {tuple(alphabet.normalize(text).split()): nats for text, nats in weighted.items()}
    boosts = {phrase[-order:]: nats for phrase, nats in spelt.items()}
    for phrase, nats in spelt.items():
        for word in phrase:
            if word not in known:
                boosts.setdefault((word,), nats)
    return boosts


def boosted(lm: NGram, boosts: Mapping[Phrase, float]) -> NGram:
    """Return a copy of a language model in which each n-gram that ends in one of `boosts` gains it, in nats.

    The sums are no longer probabilities.

    Example:
        >>> grams = {("<unk>",): (-2.0, 0.0), ("A",): (-0.5, -0.3), ("CAB",): (-1.0, 0.0), ("A", "CAB"): (-0.2, 0.0)}
        >>> lm = NGram(2, grams)
        >>> larger = boosted(lm, {("CAB",): LN10, ("ZOE",): LN10})
        >>> [round(larger.score(("A",), word)[0], 2) for word in ("CAB", "ZOE", "A")]
        [0.8, -5.3, -0.8]
    """
    larger = NGram(lm.order, dict(lm.grams))
    for phrase in sorted(boosts, key=len):
        for length in range(1, len(phrase) + 1):
            *context, word = gram = phrase[:length]
            if gram not in larger.grams:
                log10 = larger.score(tuple(context), word)[0] if context else NEW_WORD
                larger.grams[gram] = log10, 0.0
    for gram, (log10, backoff) in larger.grams.items():
        nats = math.fsum(boosts.get(gram[first:], 0.0) for first in range(len(gram)))
        larger.grams[gram] = log10 + nats / LN10, backoff
    return larger
