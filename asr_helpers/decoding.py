"""From CTC log-probabilities to text: greedy, and prefix beam search, with or without a language model.

Everywhere, `log_probs` is float of shape (frames, classes), 29 for English: the log-softmax of the model's output,
blank last.
"""

import functools
import math
import sys
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np

from asr_helpers.corpus import data_dir
from asr_helpers.lm import END, UNKNOWN, LanguageModelError, NGram
from asr_helpers.text import BLANK, ENGLISH, Alphabet, OneLineError

LN10 = math.log(10)
# The best on dev-clean-tune, see benchmarks/decoder_tuning.py and notebook 07.
WIDTH = 1024
MARGIN = 12.0
MIN_LOG_PROB = -5.0
WEIGHT = 1.0
WORD_BONUS = -2.0
PRIOR = 0.8
UNHEARD_OF = 0.01  # what is left of each letter's probabilities for those that follow it in no word
HYPOTHESES = 100  # of the fast search
NOTHING = NGram(1, {(UNKNOWN,): (0.0, 0.0)})  # where there is no language model
LONGEST_WORD = 100  # letters; longer ones are left out of the vocabulary


def collapse(indices, blank: int = BLANK) -> list[int]:
    """Return the labels that a CTC alignment spells: repeats merged, then blanks dropped."""
    return [int(label) for label, _ in groupby(indices) if label != blank]


def greedy(log_probs: np.ndarray, alphabet: Alphabet = ENGLISH) -> str:
    """Return the text of the single most probable alignment (not always the most probable text).

    Raises:
        ValueError: `log_probs` is not of shape (frames, classes).
    """
    _check_shape(log_probs, alphabet)
    return alphabet.decode(collapse(np.argmax(log_probs, axis=-1), alphabet.blank))


@dataclass(frozen=True)
class Hypothesis:
    """A text, and the natural logarithm of its probability: the sum over the alignments that spell it.

    With a language model, `score` has its opinion added, see `Fusion`, and is no longer a probability.
    """

    text: str
    score: float


@dataclass(frozen=True)
class Reading:
    """What a language model makes of a prefix: the score of whole words and of all letters, the state after the words.

    `word` is the rest, the word that has begun, and `spelling` is ln of its letters' probability.
    """

    score: float
    state: tuple[str, ...]
    word: str = ""
    spelling: float = 0.0


class Fusion:
    """A word language model's say in beam search ("shallow fusion").

    A text's score is ln P(text | audio) + `weight` · (ln P(words) - `prior` · ln P(letters)) + `word_bonus` · number of
    words.

    From its transcripts the network has learned how words are spelt, too. What it says is part hearing and part
    expectation, and with a language model expectation counts twice. So what was to be expected is taken off again, as
    far as that is known: how probable the text is letter by letter, each after the one before it (`letter_pairs`).
    Kanda et al., 2016, "Maximum a posteriori based decoding for CTC acoustic models", Interspeech.

    A word outside the vocabulary has the probability of `<unk>`, times that of its letters: it is improbable, and the
    more so the longer it is, not impossible.

    The language model knows whole words, but the beam is pruned in the midst of them. So a beginning is given what the
    most frequent word that begins so would add, whatever came before, until the word is whole and its own share takes
    the place of that: language-model look-ahead (Ortmanns, Ney & Eiden, 1996, "Language-model look-ahead for large
    vocabulary speech recognition", ICSLP). A beginning that no known word has pays for an unknown word at once.
    """

    def __init__(
        self,
        lm: NGram,
        weight: float = WEIGHT,
        word_bonus: float = WORD_BONUS,
        prior: float = PRIOR,
        alphabet: Alphabet = ENGLISH,
        look_ahead: bool = True,
    ):
        """`alphabet` is the model's. Without `look_ahead` beginnings of words are worth nothing.

        Raises:
            LanguageModelError: `lm` is of another language, see `check_letters`.
        """
        check_letters(lm.words, alphabet)
        self.lm, self.weight, self.word_bonus, self.price = lm, weight, word_bonus, weight * prior
        self.alphabet, self.look_ahead = alphabet, look_ahead
        known = {word: lm.grams[(word,)][0] for word in spellable(lm.words, alphabet)}
        self.vocabulary = frozenset(known)
        self.pairs = letter_pairs(known, alphabet)
        best = defaultdict(lambda: -math.inf)  # log10 of the most frequent word, by its beginning
        for word, log10 in known.items():
            for end in range(len(word) + 1):
                best[word[:end]] = max(best[word[:end]], log10)
        self.ahead = {beginning: weight * LN10 * log10 + word_bonus for beginning, log10 in best.items()}
        self.start = Reading(0.0, lm.start)

    def extend(self, reading: Reading, character: str) -> Reading:
        """Return the reading of a prefix made longer by `character`; a space ends a word."""
        if character == " ":
            return self._end_word(reading) if reading.word else reading
        pair = self._pair(reading.word[-1:] or " ", character)
        score = reading.score - self.price * pair
        return Reading(score, reading.state, reading.word + character, reading.spelling + pair)

    def so_far(self, reading: Reading) -> float:
        """Return the score of an unfinished prefix, with what its last word may come to."""
        if not self.look_ahead:
            return reading.score
        if reading.word in self.ahead:
            return reading.score + self.ahead[reading.word]
        log_prob = LN10 * self.lm.grams[(UNKNOWN,)][0] + reading.spelling
        return reading.score + self.weight * log_prob + self.word_bonus

    def finish(self, reading: Reading) -> float:
        """Return the score of a whole text: its last word and the end of the sentence are counted, too."""
        reading = self._end_word(reading) if reading.word else reading
        return reading.score + self.weight * LN10 * self.lm.score(reading.state, END)[0]

    def _end_word(self, reading: Reading) -> Reading:
        known, last = reading.word in self.vocabulary, self._pair(reading.word[-1], " ")
        log10_prob, state = self.lm.score(reading.state, reading.word if known else UNKNOWN)
        log_prob = LN10 * log10_prob + (0 if known else reading.spelling + last)
        return Reading(reading.score + self.weight * log_prob + self.word_bonus - self.price * last, state)

    def _pair(self, first: str, second: str) -> float:
        return float(
            self.pairs[self.alphabet.characters.index(first), self.alphabet.characters.index(second)]
        )


def letter_pairs(words: dict[str, float], alphabet: Alphabet) -> np.ndarray:
    """Return ln of each letter's probability after each, (letters, letters), in words of these log10 probabilities.

    A space stands before and behind each word. A hundredth is left for letters that follow in none (`UNHEARD_OF`).
    """
    texts = " ".join(["", *words, ""])
    labels = np.asarray(alphabet.encode(texts), dtype=int)
    word_of = np.cumsum(labels == alphabet.characters.index(" "))[:-1] - 1
    counts = np.zeros((len(alphabet.characters), len(alphabet.characters)))
    np.add.at(counts, (labels[:-1], labels[1:]), 10 ** np.array([*words.values()])[word_of])
    totals = counts.sum(axis=1, keepdims=True)
    shares = np.divide(counts, totals, out=np.full_like(counts, 1 / len(counts)), where=totals > 0)
    return np.log((1 - UNHEARD_OF) * shares + UNHEARD_OF / len(counts))


def beam_search(
    log_probs: np.ndarray,
    width: int = WIDTH,
    min_log_prob: float = MIN_LOG_PROB,
    fusion: Fusion | None = None,
    margin: float = MARGIN,
    alphabet: Alphabet = ENGLISH,
) -> list[Hypothesis]:
    """Return the hypotheses that are left at the end, the best first, by prefix beam search.

    The search goes through the frames once. An entry of its beam is the beginning of a text together with the
    label its alignments end in, that character or the blank, because only after a blank does a repeated
    character begin a new one; all alignments of an entry are summed. After each frame the `width` best entries
    stay, those at most `margin` below the first. A frame offers its labels of at least `min_log_prob`, and its
    best one. Spaces only part words: there is none at either end, and never two.

    Whatever is dropped on the way is lost for good, so a score is a lower bound of what the text is worth; it
    is exact where `width` covers every entry, `min_log_prob` is `-math.inf` and `margin` is `math.inf`.

    Graves & Jaitly, 2014, "Towards end-to-end speech recognition with recurrent neural networks", ICML;
    Hannun et al., 2014, "First-pass large vocabulary continuous speech recognition using bi-directional
    recurrent DNNs", arXiv:1408.2873 (with the language model).

    Raises:
        ValueError: `log_probs` is not of shape (frames, classes), `width` is below 1, or `fusion` has another
            alphabet.
    """
    _check_shape(log_probs, alphabet)
    _check_width(width)
    if fusion and fusion.alphabet != alphabet:
        raise ValueError(
            f"`fusion` was made for other letters than the model's ({alphabet}); name them there, too"
        )
    beam = {("", alphabet.blank): 0.0}
    readings = {"": fusion.start} if fusion else {}
    log_probs = np.asarray(log_probs, dtype=np.float64)
    for frame in log_probs:
        beam = advance(beam, frame, min_log_prob, alphabet)
        total = _with_language(beam, readings, fusion) if fusion else beam
        floor = max(max(total.values()) - margin, -sys.float_info.max)  # what is impossible goes in any case
        possible = [entry for entry in total if total[entry] >= floor]
        beam = {entry: beam[entry] for entry in sorted(possible, key=lambda e: (-total[e], e))[:width]}
        readings = {text: readings[text] for text, _ in beam} if fusion else {}
    return _finish(beam, readings, fusion)


def advance(
    beam: dict[tuple[str, int], float],
    frame: np.ndarray,
    min_log_prob: float = -math.inf,
    alphabet: Alphabet = ENGLISH,
) -> dict[tuple[str, int], float]:
    """Return what the entries of a beam become in one more frame: (text, last label) -> log-probability."""
    after = defaultdict(lambda: -math.inf)
    offered = np.flatnonzero((frame >= min_log_prob) | (frame == frame.max())).tolist()
    log_prob = frame.tolist()  # plain floats: much faster than NumPy's one by one
    for (text, last), score in beam.items():
        for label in offered:
            same = label in (alphabet.blank, last)
            longer = text if same else _append(text, alphabet.characters[label])
            entry = longer, label
            after[entry] = _log_add(after[entry], score + log_prob[label])
    return after


def _append(text: str, character: str) -> str:
    return text if character == " " and (not text or text[-1] == " ") else text + character


def _with_language(beam: dict, readings: dict[str, Reading], fusion: Fusion) -> dict[tuple[str, int], float]:
    """Return the entries' scores with the language model's; `readings` gains those of the new texts."""
    for text, _ in beam:
        if text not in readings:
            readings[text] = fusion.extend(readings[text[:-1]], text[-1])
    so_far = {text: fusion.so_far(reading) for text, reading in readings.items()}
    return {(text, last): score + so_far[text] for (text, last), score in beam.items()}


def _finish(beam: dict, readings: dict[str, Reading], fusion: Fusion | None) -> list[Hypothesis]:
    acoustic = defaultdict(lambda: -math.inf)
    language = {}
    for (text, _), score in beam.items():
        acoustic[text.strip()] = _log_add(acoustic[text.strip()], score)
        language[text.strip()] = fusion.finish(readings[text]) if fusion else 0.0
    found = [Hypothesis(text, score + language[text]) for text, score in acoustic.items()]
    return sorted(found, key=lambda hypothesis: (-hypothesis.score, hypothesis.text))


class FastBeamSearch:
    """`beam_search`, compiled (`fast_beam`): the same scores, some hundred times as fast."""

    def __init__(
        self,
        lm: Path | str | None = None,
        width: int = WIDTH,
        weight: float = WEIGHT,
        word_bonus: float = WORD_BONUS,
        prior: float = PRIOR,
        min_log_prob: float = MIN_LOG_PROB,
        margin: float = MARGIN,
        alphabet: Alphabet = ENGLISH,
        look_ahead: bool = True,
    ):
        """`lm` is an ARPA file, plain or gzipped; the rest as in `beam_search` and `Fusion`.

        Raises:
            ValueError: the file is missing (`TextError`), is not ARPA, or is of another language than the alphabet
                (`LanguageModelError`, see `check_letters`); `width` is below 1; or Numba is not installed.
        """
        try:
            from asr_helpers import fast_beam  # takes half a second to load; greedy decoding does without
        except ModuleNotFoundError as error:
            raise OneLineError(
                f"beam search needs {error.name}: pip install {error.name}, or --no-lm"
            ) from None

        _check_width(width)
        with fast_beam.announced():
            model = fast_beam.Automaton.read(lm) if lm else fast_beam.Automaton.of(NOTHING)
            if lm:
                check_letters(model.vocabulary, alphabet, str(lm))
            unigrams = model.unigrams
            known = {word: unigrams[model.numbers[word]] for word in spellable(model.vocabulary, alphabet)}
            tree, pairs = fast_beam.Tree.of(model, known, alphabet), letter_pairs(known, alphabet)
            language = bool(lm), model.arrays, tree.arrays, pairs
            terms = float(weight), float(word_bonus), float(weight * prior), model.unknown, bool(look_ahead)
            ahead = weight * LN10 * tree.best + word_bonus
            unknown_ahead = float(weight * LN10 * unigrams[model.unknown] + word_bonus)
            pruning = int(width), float(min_log_prob), float(margin), alphabet.characters.index(" ")
            self._alphabet = alphabet
            self._settings = *pruning, *language, terms, ahead, unknown_ahead, model.start, model.end
            self._search = fast_beam.search
            self._search(np.zeros((1, alphabet.classes)), *self._settings)  # so that it is compiled now

    def __call__(self, log_probs: np.ndarray) -> list[Hypothesis]:
        """Return the hypotheses for log-probabilities (frames, classes), the best `HYPOTHESES`, the best first."""
        _check_shape(log_probs, self._alphabet)
        log_probs = np.ascontiguousarray(log_probs, dtype=np.float64)
        parents, letters, nodes, scores = self._search(log_probs, *self._settings)
        best = np.argsort(-scores, kind="stable")[:HYPOTHESES]
        found = [Hypothesis(self._spell(parents, letters, nodes[i]), float(scores[i])) for i in best]
        return sorted(found, key=lambda hypothesis: (-hypothesis.score, hypothesis.text))

    def _spell(self, parents: np.ndarray, letters: np.ndarray, node: int) -> str:
        text = []
        while node:
            text.append(self._alphabet.characters[letters[node]])
            node = parents[node]
        return "".join(reversed(text))


def spellable(words: Iterable[str], alphabet: Alphabet) -> list[str]:
    """Return the words that a text in `alphabet` can hold."""
    letters = set(alphabet.characters) - {" "}
    return [word for word in words if len(word) <= LONGEST_WORD and letters.issuperset(word)]


def check_letters(words: Collection[str], alphabet: Alphabet, name: str = "the language model") -> None:
    """See to it that the words of a language model and the letters of a model can be of one language.

    They are not where the model has no letters for more than a tenth of the words; nor where a vocabulary that is not
    tiny has next to no word with one of the letters that the model has beyond English's: an English one can be spelt
    with German letters, but who searches with it never finds an Ä.

    Raises:
        LanguageModelError: they are not; the message begins with `name`.
    """
    used = {c for c in set().union(*words) if unicodedata.category(c)[0] in "LM"}
    strange = _with_letters(words, used - set(alphabet.characters))
    mend = f"the model's letters ({alphabet}); make one from text like the model's: asr lm TEXT --alphabet MODEL.keras"
    if len(strange) > len(words) / 10:
        raise LanguageModelError(
            f"{name}: {len(strange)} of its {len(words)} words, such as {strange[0]!r}, cannot be spelt with {mend}"
        )
    own = set(alphabet.characters) - set(ENGLISH.characters)
    if own and len(words) >= 200 and len(_with_letters(words, own)) < len(words) / 1000:
        raise LanguageModelError(
            f"{name}: its {len(words)} words do without {' '.join(sorted(own))}, which are among {mend}"
        )


def _with_letters(words: Collection[str], letters: set[str]) -> list[str]:
    """Return the words that hold one of `letters`."""
    return [word for word in words if not letters.isdisjoint(word)]


def shipped_lm() -> Path:
    """Return the path of the language model that ships with the project, see data/README.md."""
    return data_dir() / "models" / "english.3gram.arpa.gz"


@functools.cache
def default_decoder(alphabet: Alphabet = ENGLISH) -> Callable[[np.ndarray], str]:
    """Return what turns a model's log-probabilities into text by default, the same at each call.

    For English that is beam search with the shipped language model, which takes a second to load; for another
    alphabet, of which nothing ships, greedy decoding.
    """
    if alphabet != ENGLISH:
        return functools.partial(greedy, alphabet=alphabet)
    return best_text(FastBeamSearch(shipped_lm()))


def best_text(search: Callable[[np.ndarray], list[Hypothesis]]) -> Callable[[np.ndarray], str]:
    """Return `search` as a decoder, log-probabilities to text, that takes its first hypothesis."""
    return lambda log_probs: search(log_probs)[0].text


def _log_add(a: float, b: float) -> float:
    """Return log(exp(a) + exp(b)) without leaving the log domain, where long products would underflow."""
    low, high = (a, b) if a < b else (b, a)
    return high if low == -math.inf else high + math.log1p(math.exp(low - high))


def _check_width(width: int) -> None:
    if width < 1:
        raise ValueError(f"the beam needs a width of at least 1, not {width}")


def _check_shape(log_probs: np.ndarray, alphabet: Alphabet) -> None:
    if np.ndim(log_probs) != 2 or np.shape(log_probs)[1] != alphabet.classes:
        found, needed = np.shape(log_probs), alphabet.classes
        raise ValueError(f"log_probs has shape {found} where (frames, {needed}) is needed")
