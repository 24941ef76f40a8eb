"""The alphabet, the way between transcripts and the integers that a CTC model learns, and the one reader of texts."""

import gzip
import re
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

ALPHABET = " 'ABCDEFGHIJKLMNOPQRSTUVWXYZ"
BLANK = len(ALPHABET)  # the CTC blank is the last class: 28
NUM_CLASSES = len(ALPHABET) + 1

_INDEX = {character: index for index, character in enumerate(ALPHABET)}
_SPELLINGS = str.maketrans({"’": "'", "‘": "'", "-": " ", "–": " ", "—": " "})
_LONGEST_LINE = 10_000_000  # characters: a gzipped file of 2 MB can hold a line of 2 GB


class OneLineError(ValueError):
    """What a user can mend: the message is one line, whatever names, texts or libraries it quotes."""

    def __init__(self, message: str):
        super().__init__(printable(message))


class TextError(OneLineError):
    """A text file cannot be read; the message names the file and the mend."""


def printable(text: str) -> str:
    """Return `text` with what is not printable as escapes: line ends, control codes, bytes that are not UTF-8."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


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


def read_lines(path: Path | str) -> Iterator[str]:
    """Yield the lines of a UTF-8 text, plain or gzipped (`.gz`), without their ends.

    Lines end in \\n or \\r\\n; what else Unicode calls a line break stays inside. A byte order mark is skipped.

    Raises:
        TextError: the file is missing, not UTF-8, cut off, or has a line that no text has.
    """
    path = Path(path)
    try:
        opened = gzip.open if path.suffix == ".gz" else open
        with opened(path, "rt", encoding="utf-8-sig", newline="\n") as file:
            while line := file.readline(_LONGEST_LINE):
                if len(line) == _LONGEST_LINE:
                    raise TextError(
                        f"{path}: holds a line of more than {_LONGEST_LINE} characters; choose a text"
                    )
                yield line.removesuffix("\n").removesuffix("\r")
    except FileNotFoundError:
        raise TextError(f"{path}: no such file; check the path") from None
    except UnicodeDecodeError as error:
        raise TextError(f"{path}: not readable as UTF-8 text ({error}); save it as UTF-8") from None
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or error
        raise TextError(f"{path}: cannot be read ({reason}); fetch or make it again") from None


def read_transcript(path: Path | str) -> Iterator[tuple[int, str, str]]:
    """Yield (line number, id, text) for each line of a `*.trans.txt`, `<id> <TRANSCRIPT>`; blank ones are skipped.

    Any whitespace parts the id from the text; the text is as it stands there, and may be empty.

    Raises:
        TextError: as `read_lines`.
    """
    for number, line in enumerate(read_lines(path), start=1):
        if line.strip():
            key, *text = line.split(maxsplit=1)
            yield number, key, text[0] if text else ""
