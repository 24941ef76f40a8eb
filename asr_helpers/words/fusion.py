"""Shallow fusion: what a word n-gram adds to the score of a text during beam search."""

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from asr_helpers.text import ENGLISH, Alphabet
from asr_helpers.words.arguments import check_letters
from asr_helpers.words.hotwords import BOOST, Hotwords, boosted, phrase_boosts
from asr_helpers.words.ngram import END, LN10, UNKNOWN, NGram

WEIGHT = 1.0
WORD_BONUS = 0.0  # nats
LETTER_BONUS = 2.0  # nats
UNKNOWN_LETTER = -3.3  # ln P of each letter of an unknown word, about that of one in 28
MAX_WORD_LETTERS = 100  # longer words are left out of the vocabulary


@dataclass(frozen=True)
class LMState:
    """The language model's state after a prefix of a text.

    Attributes:
        score: the terms for all whole words and all letters so far.
        state: the n-gram's state after the whole words.
        word: the last word, not yet complete.

    Example:
        >>> LMState(score=-7.2, state=("<s>", "A"), word="CA").word  # after "A CA"
        'CA'
    """

    score: float
    state: tuple[str, ...]
    word: str = ""


class Fusion:
    """A word language model's terms in the score of beam search ("shallow fusion").

    score = ln P(text | audio) + `weight` · ln P(words) + `word_bonus` · number of words
            + `letter_bonus` · number of letters

    Each letter costs some of ln P(text | audio), however well it is heard, and each word some of ln P(words). Without
    the two bonuses short texts of few words would win. Notebook A3 measures them, and compares the letters' bonus with
    an internal language model.

    A word outside the vocabulary has the probability of `<unk>` times that of its letters, `UNKNOWN_LETTER` each: the
    longer the word, the less probable, but none is impossible.

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
        letter_bonus: float = LETTER_BONUS,
        alphabet: Alphabet = ENGLISH,
        look_ahead: bool = True,
        hotwords: Hotwords = (),
        boost: float = BOOST,
    ):
        """Prepare the look-ahead of a language model.

        Args:
            lm: the word n-gram.
            weight: of the language model, relative to the acoustic one.
            word_bonus: nats for each word; a negative value favours fewer, longer words.
            letter_bonus: nats for each letter.
            alphabet: the model's.
            look_ahead: whether a prefix of a word scores anything but its letters.
            hotwords: names and phrases to be expected, {text: boost in nats} or texts alone, see `hotwords`.
            boost: of the texts alone.

        Raises:
            LanguageModelError: `lm` is in another language, see `check_letters`.
            AlphabetError: a hotword cannot be spelt.
        """
        check_letters(lm.words, alphabet)
        self.weight, self.word_bonus, self.letter_bonus = weight, word_bonus, letter_bonus
        self.alphabet, self.look_ahead = alphabet, look_ahead
        known = _unigrams(lm, alphabet)
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
        return LMState(state.score + self.letter_bonus, state.state, state.word + character)

    def lookahead_score(self, state: LMState) -> float:
        """Return the score of an unfinished prefix, with look-ahead for its last word."""
        if not self.look_ahead:
            return state.score
        if state.word in self.ahead:
            return state.score + self.ahead[state.word]
        log_prob = LN10 * self.lm.grams[(UNKNOWN,)][0] + UNKNOWN_LETTER * len(state.word)
        return state.score + self.weight * log_prob + self.word_bonus

    def finish(self, state: LMState) -> float:
        """Return the score of a whole text, with its last word and the end of the sentence."""
        state = self._end_word(state) if state.word else state
        return state.score + self.weight * LN10 * self.lm.score(state.state, END)[0]

    def _end_word(self, state: LMState) -> LMState:
        known = state.word in self.vocabulary
        log10_prob, after = self.lm.score(state.state, state.word if known else UNKNOWN)
        log_prob = LN10 * log10_prob + (0 if known else UNKNOWN_LETTER * len(state.word))
        return LMState(state.score + self.weight * log_prob + self.word_bonus, after)


def _unigrams(lm: NGram, alphabet: Alphabet) -> dict[str, float]:
    """Return {word: log10 probability without context} for the words of a model that `alphabet` spells."""
    return {word: lm.grams[(word,)][0] for word in spellable(lm.words, alphabet)}


def spellable(words: Iterable[str], alphabet: Alphabet) -> list[str]:
    """Return the words that can be spelt in `alphabet`, up to `MAX_WORD_LETTERS` long.

    Example:
        >>> spellable(["CAT", "KÄSE"], ENGLISH)
        ['CAT']
    """
    letters = set(alphabet.characters) - {" "}
    return [word for word in words if len(word) <= MAX_WORD_LETTERS and letters.issuperset(word)]
