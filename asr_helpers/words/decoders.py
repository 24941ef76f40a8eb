"""Decoders ready for use: the compiled beam search, the shipped language model, the default for an alphabet."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from asr_helpers.corpus.reading import data_dir
from asr_helpers.text import ENGLISH, Alphabet
from asr_helpers.words.arguments import DecodingError, check_letters, check_shape, check_width
from asr_helpers.words.arpa import LanguageModelError
from asr_helpers.words.fusion import LETTER_BONUS, UNKNOWN_LETTER, WEIGHT, WORD_BONUS, spellable
from asr_helpers.words.greedy_decoding import greedy
from asr_helpers.words.hotwords import BOOST, HOTWORD_MIN_LOG_PROB, Hotwords, phrase_boosts
from asr_helpers.words.ngram import LN10, NO_LM
from asr_helpers.words.prefix_beam_search import BEAM_MARGIN, BEAM_WIDTH, MIN_LOG_PROB, Hypothesis

if TYPE_CHECKING:
    from asr_helpers.words.fast.automaton import Automaton

HYPOTHESES = 100  # the most that the fast search returns


class FastBeamSearch:
    """Prefix beam search, compiled (`words/fast`): the same scores as `beam_search`, a hundred times as fast."""

    def __init__(
        self,
        lm: Path | str | None = None,
        width: int = BEAM_WIDTH,
        weight: float = WEIGHT,
        word_bonus: float = WORD_BONUS,
        letter_bonus: float | np.ndarray = LETTER_BONUS,
        min_log_prob: float | None = None,
        margin: float = BEAM_MARGIN,
        alphabet: Alphabet = ENGLISH,
        look_ahead: bool = True,
        hotwords: Hotwords = (),
        boost: float = BOOST,
    ):
        """Load the language model and compile the search.

        Args:
            lm: a packed model or an ARPA file, see `NGram.read`; without one, only the audio counts.
            width: the most entries that are kept after a frame.
            weight: of the language model, see `Fusion`.
            word_bonus: nats for each word.
            letter_bonus: nats for each letter; or an array (letters, letters) of nats by the letter before it, in which
                the space also stands before and after each word.
            min_log_prob: a frame offers its best label and all others of at least this log-probability; by default
                `MIN_LOG_PROB`, with hotwords `HOTWORD_MIN_LOG_PROB`.
            margin: how far below the best an entry may score and be kept, in nats.
            alphabet: the model's.
            look_ahead: whether a prefix of a word scores anything but its letters.
            hotwords: names and phrases to be expected, {text: boost in nats} or texts alone, see `hotwords`.
            boost: of the texts alone.

        Raises:
            TextError: the file is missing or cannot be read.
            LanguageModelError: the file is no language model, or in another language, see `check_letters`.
            AlphabetError: a hotword cannot be spelt.
            DecodingError: `width` is below 1, there are hotwords without a language model, or Numba is not installed.
        """
        try:
            # Late, because Numba takes half a second to load, and greedy decoding needs none.
            from asr_helpers.words.fast import automaton, boosting, compiling, search, trie
        except ModuleNotFoundError as error:
            raise DecodingError(f"beam search needs {error.name}: pip install {error.name}, or --no-lm") from None

        check_width(width)
        if hotwords and lm is None:
            raise DecodingError("hotwords need a language model, which knows words; name one")
        if min_log_prob is None:
            min_log_prob = HOTWORD_MIN_LOG_PROB if hotwords else MIN_LOG_PROB
        if lm is None:
            weight, word_bonus, letter_bonus, look_ahead = 0.0, 0.0, 0.0, False
        with compiling.announced():
            model = automaton.Automaton.read(lm) if lm else automaton.Automaton.of(NO_LM)
            if lm:
                check_letters(model.vocabulary, alphabet, str(lm))
            known = _unigrams(model, alphabet)
            if lm and not known:
                raise LanguageModelError(f"{lm}: has no word that the model can spell; make it again with `asr lm`")
            space = alphabet.characters.index(" ")
            if isinstance(letter_bonus, np.ndarray):
                letter_bonuses = letter_bonus
            else:
                letter_bonuses = np.full(2 * [len(alphabet.characters)], float(letter_bonus))
                letter_bonuses[:, space] = 0.0
            if hotwords:
                boosts = phrase_boosts(hotwords, boost, alphabet, known, model.order)
                model = boosting.boosted(model, boosts)
                known = _unigrams(model, alphabet)
            vocabulary = trie.WordTrie.of(model, known, alphabet)
            self._alphabet = alphabet
            self._search = search.search
            self._settings = {
                "space": space,
                "pruning": search.Pruning(int(width), float(min_log_prob), float(margin)),
                "lm": search.LanguageModel(
                    states=model.states,
                    start=model.start,
                    end=model.end,
                    unknown=model.unknown,
                    children=vocabulary.children,
                    word=vocabulary.word,
                    letter_bonuses=letter_bonuses,
                    lookahead=weight * LN10 * vocabulary.best + word_bonus if look_ahead else vocabulary.best,
                    unknown_lookahead=float(weight * LN10 * model.unigrams[model.unknown] + word_bonus),
                ),
                "terms": search.Terms(float(weight), float(word_bonus), UNKNOWN_LETTER, bool(look_ahead)),
            }
            self._search(np.zeros((1, alphabet.classes)), **self._settings)  # compiles it now

    def __call__(self, log_probs: np.ndarray) -> list[Hypothesis]:
        """Return the best `HYPOTHESES` hypotheses for log-probabilities (frames, classes), the best first."""
        return self._found(log_probs, spelt=HYPOTHESES)

    def best_text(self, log_probs: np.ndarray) -> str:
        """Return the text of the best hypothesis: a fifth faster, because the others are not spelt."""
        return self._found(log_probs, spelt=1)[0].text

    def _found(self, log_probs: np.ndarray, spelt: int) -> list[Hypothesis]:
        """Return the best `spelt` hypotheses and those that score as the last of them does, `HYPOTHESES` at most."""
        check_shape(log_probs, self._alphabet)
        log_probs = np.ascontiguousarray(log_probs, dtype=np.float64)
        parents, letters, nodes, scores = self._search(log_probs, **self._settings)
        best = np.argsort(-scores, kind="stable")[:HYPOTHESES]
        best = best[scores[best] >= scores[best[:spelt][-1]]]
        found = [Hypothesis(self._spell(parents, letters, nodes[i]), float(scores[i])) for i in best]
        return sorted(found, key=lambda hypothesis: (-hypothesis.score, hypothesis.text))

    def _spell(self, parents: np.ndarray, letters: np.ndarray, node: int) -> str:
        text = []
        while node:
            text.append(self._alphabet.characters[letters[node]])
            node = parents[node]
        return "".join(reversed(text))


def _unigrams(model: "Automaton", alphabet: Alphabet) -> dict[str, float]:
    """Return {word: log10 probability without context} for the words of a model that `alphabet` spells."""
    log10 = model.unigrams.tolist()
    return {word: log10[model.numbers[word]] for word in spellable(model.vocabulary, alphabet)}


def shipped_lm() -> Path:
    """Return the path of the shipped language model, see data/README.md."""
    return data_dir() / "models" / "english.3gram.lm"


@functools.cache
def default_decoder(alphabet: Alphabet = ENGLISH) -> Callable[[np.ndarray], str]:
    """Return the default decoder, log-probabilities (frames, classes) to text, made once per alphabet.

    For English this is beam search with the shipped language model, which takes half a second to load. For other
    alphabets none ships, so they get greedy decoding.
    """
    if alphabet != ENGLISH:
        return functools.partial(greedy, alphabet=alphabet)
    return best_text(FastBeamSearch(shipped_lm()))


def best_text(search: Callable[[np.ndarray], list[Hypothesis]]) -> Callable[[np.ndarray], str]:
    """Return a decoder, log-probabilities to text, that gives the best hypothesis of `search`."""
    return search.best_text if isinstance(search, FastBeamSearch) else lambda log_probs: search(log_probs)[0].text
