"""The alphabet, and the way between transcripts and the integers that a CTC model learns."""

import re

import numpy as np

ALPHABET = " 'ABCDEFGHIJKLMNOPQRSTUVWXYZ"
BLANK = len(ALPHABET)  # the CTC blank is the last class: 28
NUM_CLASSES = len(ALPHABET) + 1

_INDEX = {character: index for index, character in enumerate(ALPHABET)}
_SPELLINGS = str.maketrans({"’": "'", "‘": "'", "-": " ", "–": " ", "—": " "})


def normalise(text: str) -> str:
    """Return `text` as a LibriSpeech transcript: upper case, single spaces, straight apostrophes.

    Hyphens and dashes become spaces. Nothing else is dropped or guessed: what a numeral or a comma should
    sound like is the corpus author's decision.

    Raises:
        ValueError: the text holds a character outside the alphabet, or nothing at all.
    """
    clean = re.sub(r"\s+", " ", text.translate(_SPELLINGS)).strip().upper()
    if not clean:
        raise ValueError("the transcript is empty")
    strangers = sorted(set(clean) - set(ALPHABET))
    if strangers:
        raise ValueError(f"{' '.join(strangers)!r} is outside the alphabet (A-Z, space, apostrophe)")
    return clean


def encode(text: str) -> np.ndarray:
    """Return the label indices of a normalised `text`, int32 of shape (characters,).

    Raises:
        ValueError: a character is outside the alphabet.
    """
    try:
        return np.array([_INDEX[character] for character in text], dtype=np.int32)
    except KeyError as error:
        raise ValueError(f"{error.args[0]!r} is outside the alphabet (A-Z, space, apostrophe)") from None


def decode(indices) -> str:
    """Return the text of label `indices` (any integers below `BLANK`): the inverse of `encode`."""
    return "".join(ALPHABET[index] for index in indices)


def min_frames(labels: np.ndarray) -> int:
    """Return the fewest model frames in which CTC can spell `labels`.

    One frame a character, and one blank between two equal neighbours (Graves et al., 2006, ICML).
    """
    labels = np.asarray(labels)
    return len(labels) + int(np.sum(labels[1:] == labels[:-1]))
