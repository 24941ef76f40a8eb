"""Shallow fusion: what a word n-gram adds to the score of a text during beam search."""

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from asr_helpers.text import ENGLISH, Alphabet
from asr_helpers.words.arguments import check_letters
from asr_helpers.words.hotwords import BOOST, Hotwords, boosted, phrase_boosts
from asr_helpers.words.ngram import END, LN10, UNKNOWN, NGram

WEIGHT = 1.0
WORD_BONUS = -2.0  # nats
INTERNAL_LM_WEIGHT = 0.8
BIGRAM_FLOOR = 0.01  # share of a letter's probability for letters that follow it in no word
MAX_WORD_LETTERS = 100  # longer words are left out of the vocabulary


@dataclass(frozen=True)
class LMState:
    """The language model's state after a prefix of a text.

    Attributes:
        score: the terms for all whole words and all letters so far.
        state: the n-gram's state after the whole words.
        word: the last word, not yet complete.
        spelling: ln P of that word's letters.

    Example:
        >>> LMState(score=-7.2, state=("<s>", "A"), word="CA", spelling=-2.3).word  # after "A CA"
        'CA'
    """

    score: float
    state: tuple[str, ...]
    word: str = ""
    spelling: float = 0.0


class Fusion:
    """A word language model's terms in the score of beam search ("shallow fusion").

    score = ln P(text | audio) + `weight` · (ln P(words) - `internal_lm_weight` · ln P(letters))
            + `word_bonus` · number of words

    The network has learnt an internal language model from its transcripts; adding an external one would count that
    prior twice. We approximate the internal model by letter bigrams (`letter_bigrams`) and subtract
    `internal_lm_weight` · ln P(letters), as in MAP decoding for CTC (Kanda et al., 2016, "Maximum a posteriori based
    decoding for CTC acoustic models", Interspeech).

    A word outside the vocabulary has the probability of `<unk>` times that of its letters: the longer the word, the
    less probable, but none is impossible.

    The language model scores whole words, but the beam is pruned in the middle of them. With language-model look-ahead
    (Ortmanns, Ney & Eiden, 1996, "Language-model look-ahead for large vocabulary speech recognition", ICSLP) a prefix
    of a word scores what the most frequent word with that prefix would add, regardless of context; at the end of the
    word the true term replaces it. A prefix of no known word is charged as an unknown word at once.

    Example:
        >>> from asr_helpers.words.kneser_ney import estimate
        >>> fusion = Fusion(estimate(["A CAB", "A CAT"]))
        >>> fusion.extend(fusion.extend(fusion.start, "C"), "A").word
        'CA'
    """

    def __init__(
        self,
        lm: NGram,
        weight: float = WEIGHT,
        word_bonus: float = WORD_BONUS,
        internal_lm_weight: float = INTERNAL_LM_WEIGHT,
        alphabet: Alphabet = ENGLISH,
        look_ahead: bool = True,
        hotwords: Hotwords = (),
        boost: float = BOOST,
    ):
        """Prepare the letter bigrams and the look-ahead of a language model.

        Args:
            lm: the word n-gram.
            weight: of the language model, relative to the acoustic one.
            word_bonus: nats for each word; a negative value favours fewer, longer words.
            internal_lm_weight: how much of the internal language model to subtract, times `weight`.
            alphabet: the model's.
            look_ahead: whether a prefix of a word scores anything but its letters.
            hotwords: names and phrases to be expected, {text: boost in nats} or texts alone, see `hotwords`.
            boost: of the texts alone.

        Raises:
            LanguageModelError: `lm` is in another language, see `check_letters`.
            AlphabetError: a hotword cannot be spelt.
        """
        check_letters(lm.words, alphabet)
        self.weight, self.word_bonus = weight, word_bonus
        self.letter_weight = weight * internal_lm_weight
        self.alphabet, self.look_ahead = alphabet, look_ahead
        known = _unigrams(lm, alphabet)
        self.pairs = letter_bigrams(known, alphabet)  # (letters, letters)
        if hotwords:
            lm = boosted(lm, phrase_boosts(hotwords, boost, alphabet, known, lm.order))
            known = _unigrams(lm, alphabet)
        self.lm = lm
        self.vocabulary = frozenset(known)
        best: dict[str, float] = defaultdict(lambda: -math.inf)  # prefix -> log10 P of its most frequent word
        for word, log10 in known.items():
            for end in range(len(word) + 1):
                best[word[:end]] = max(best[word[:end]], log10)
        self.ahead = {prefix: weight * LN10 * log10 + word_bonus for prefix, log10 in best.items()}
        self.start = LMState(0.0, lm.start)

    def extend(self, state: LMState, character: str) -> LMState:
        """Return the state after one more character; a space ends a word."""
        if character == " ":
            return self._end_word(state) if state.word else state
        pair = self._pair(state.word[-1:] or " ", character)
        score = state.score - self.letter_weight * pair
        return LMState(score, state.state, state.word + character, state.spelling + pair)

    def lookahead_score(self, state: LMState) -> float:
        """Return the score of an unfinished prefix, with look-ahead for its last word."""
        if not self.look_ahead:
            return state.score
        if state.word in self.ahead:
            return state.score + self.ahead[state.word]
        log_prob = LN10 * self.lm.grams[(UNKNOWN,)][0] + state.spelling
        return state.score + self.weight * log_prob + self.word_bonus

    def finish(self, state: LMState) -> float:
        """Return the score of a whole text, with its last word and the end of the sentence."""
        state = self._end_word(state) if state.word else state
        return state.score + self.weight * LN10 * self.lm.score(state.state, END)[0]

    def _end_word(self, state: LMState) -> LMState:
        known, last = state.word in self.vocabulary, self._pair(state.word[-1], " ")
        log10_prob, after = self.lm.score(state.state, state.word if known else UNKNOWN)
        log_prob = LN10 * log10_prob + (0 if known else state.spelling + last)
        return LMState(state.score + self.weight * log_prob + self.word_bonus - self.letter_weight * last, after)

    def _pair(self, first: str, second: str) -> float:
        return float(self.pairs[self.alphabet.characters.index(first), self.alphabet.characters.index(second)])


def _unigrams(lm: NGram, alphabet: Alphabet) -> dict[str, float]:
    """Return {word: log10 probability without context} for the words of a model that `alphabet` spells."""
    return {word: lm.grams[(word,)][0] for word in spellable(lm.words, alphabet)}


def letter_bigrams(words: dict[str, float], alphabet: Alphabet) -> np.ndarray:
    """Return ln P(letter | letter before it) in words with these log10 probabilities, float64 (letters, letters).

    A space stands before and after each word. `BIGRAM_FLOOR` of each row is spread evenly over all letters.

    Example:
        >>> pairs = np.exp(letter_bigrams({"A": 0.0}, ENGLISH))  # row A, column space
        >>> float(pairs[2, 0].round(4)), float(pairs[2].sum().round(4))
        (0.9904, 1.0)
    """
    labels = np.asarray(alphabet.encode(" ".join(["", *words, ""])), dtype=int)  # (characters,)
    word_of = np.cumsum(labels == alphabet.characters.index(" "))[:-1] - 1
    counts = np.zeros((len(alphabet.characters), len(alphabet.characters)))  # (letters, letters)
    np.add.at(counts, (labels[:-1], labels[1:]), 10 ** np.array([*words.values()])[word_of])
    totals = counts.sum(axis=1, keepdims=True)
    shares = np.divide(counts, totals, out=np.full_like(counts, 1 / len(counts)), where=totals > 0)
    return np.log((1 - BIGRAM_FLOOR) * shares + BIGRAM_FLOOR / len(counts))


def spellable(words: Iterable[str], alphabet: Alphabet) -> list[str]:
    """Return the words that can be spelt in `alphabet`, up to `MAX_WORD_LETTERS` long.

    Example:
        >>> spellable(["CAT", "KÄSE"], ENGLISH)
        ['CAT']
    """
    letters = set(alphabet.characters) - {" "}
    return [word for word in words if len(word) <= MAX_WORD_LETTERS and letters.issuperset(word)]
