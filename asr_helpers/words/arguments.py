"""Checks of the arguments of decoders: shapes, settings, and whether both models are in the same language."""

import unicodedata
from collections.abc import Collection

import numpy as np

from asr_helpers.system.errors import OneLineError
from asr_helpers.text import ENGLISH, Alphabet
from asr_helpers.words.arpa import LanguageModelError


class DecodingError(OneLineError):
    """A decoder cannot be set up as the user asks."""


def check_shape(log_probs: np.ndarray, alphabet: Alphabet) -> None:
    """Raise ValueError if `log_probs` is not of shape (frames, classes)."""
    if np.ndim(log_probs) != 2 or np.shape(log_probs)[1] != alphabet.classes:
        raise ValueError(f"log_probs has shape {np.shape(log_probs)} where (frames, {alphabet.classes}) is needed")


def check_width(width: int) -> None:
    """Raise DecodingError if `width` is below 1."""
    if width < 1:
        raise DecodingError(f"the beam needs a width of at least 1, not {width}")


def check_letters(words: Collection[str], alphabet: Alphabet, name: str = "the language model") -> None:
    """Raise an error unless the words of a language model and the letters of a model may be of the same language.

    They are not if more than a tenth of the words have letters that the model lacks. Nor are they if the model has
    letters beyond English's, and less than a thousandth of a vocabulary of 200 words or more uses them: English can be
    spelt with German letters, but a search with an English vocabulary never finds an Ä.

    `words` is the vocabulary, `alphabet` the model's; the message begins with `name`.

    Raises:
        LanguageModelError: they are of different languages.
    """
    used = {c for c in set().union(*words) if unicodedata.category(c)[0] in "LM"}
    strange = _with_letters(words, used - set(alphabet.characters))
    remedy = f"the model's letters ({alphabet}); make one from text like its own: asr lm TEXT --alphabet MODEL.keras"
    if len(strange) > len(words) / 10:
        raise LanguageModelError(
            f"{name}: {len(strange)} of its {len(words)} words, such as {strange[0]!r}, cannot be spelt with {remedy}"
        )
    own = set(alphabet.characters) - set(ENGLISH.characters)
    if own and len(words) >= 200 and len(_with_letters(words, own)) < len(words) / 1000:
        raise LanguageModelError(
            f"{name}: its {len(words)} words do without {' '.join(sorted(own))}, which are among {remedy}"
        )


def _with_letters(words: Collection[str], letters: set[str]) -> list[str]:
    """Return the words that contain one of `letters`."""
    return [word for word in words if not letters.isdisjoint(word)]
