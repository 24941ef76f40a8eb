"""The alphabet, the way between transcripts and the integers that a CTC model learns, and the one reader of texts."""

import gzip
import lzma
import re
import unicodedata
import zlib
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

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


def first_line(error: object) -> str:
    """Return the first line of what an error says, or its kind where it says nothing: libraries write pages."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]


@dataclass(frozen=True)
class Alphabet:
    """The characters that a model writes, in the order of its classes; the CTC blank is the class after the last.

    Each is one code point, upper case, composed (Unicode's NFC); the space, which parts words, is among them. An
    alphabet travels inside the model's file, see `model_name`.
    """

    characters: str

    def __post_init__(self):
        twice = [character for character, times in Counter(self.characters).items() if times > 1]
        if " " not in self.characters or len(self.characters) < 2 or twice:
            raise ValueError(
                f"{self.characters!r} is no alphabet: a space and letters, each once, are needed"
            )

    @property
    def blank(self) -> int:
        return len(self.characters)

    @property
    def classes(self) -> int:
        return len(self.characters) + 1

    def normalise(self, text: str) -> str:
        """Return `text` as a LibriSpeech transcript: upper case, single spaces, straight apostrophes.

        Hyphens and dashes become spaces. Nothing else is dropped or guessed: what a numeral or a comma should
        sound like is the corpus author's decision.

        Raises:
            ValueError: the text holds a character outside the alphabet, or nothing at all.
        """
        clean = upper(text, _is_turkish(self.characters))
        if not clean:
            raise ValueError("the transcript is empty")
        strangers = sorted(set(clean) - set(self.characters))
        if strangers:
            raise ValueError(f"{' '.join(strangers)!r} is outside the alphabet ({self})")
        return clean

    def encode(self, text: str) -> np.ndarray:
        """Return the label indices of a normalised `text`, int32 of shape (characters,).

        Raises:
            ValueError: a character is outside the alphabet.
        """
        index = {character: index for index, character in enumerate(self.characters)}
        try:
            return np.array([index[character] for character in text], dtype=np.int32)
        except KeyError as error:
            raise ValueError(f"{error.args[0]!r} is outside the alphabet ({self})") from None

    def decode(self, indices) -> str:
        """Return the text of label `indices` (any integers below `blank`): the inverse of `encode`."""
        return "".join(self.characters[index] for index in indices)

    def __str__(self):
        return "A-Z, space, apostrophe" if self == ENGLISH else f"{self.characters.strip()} and the space"

    @property
    def model_name(self) -> str:
        """The name of a Keras model that writes this alphabet: so the `.keras` file holds it, whoever saves it.

        `crnn` for English; else the code points in hexadecimal, as TensorFlow takes only ASCII in names.
        """
        return "crnn" if self == ENGLISH else "-".join(["crnn", *(f"{ord(c):x}" for c in self.characters)])

    @classmethod
    def of_model_name(cls, name: str) -> "Alphabet":
        """Return the alphabet of a model of this name: the inverse of `model_name`; English where it tells none."""
        if not re.fullmatch(r"crnn(-[0-9a-f]{1,6})+", name):
            return ENGLISH
        return cls("".join(chr(int(code, 16)) for code in name.split("-")[1:]))

    @classmethod
    def of_texts(cls, texts: Iterable[str]) -> "Alphabet":
        """Return the alphabet that `texts` are written in: their letters, marks and apostrophes, and the space.

        Raises:
            ValueError: there is no letter.
        """
        found = set()
        for text in texts:
            found.update(_composed(text))
        turkish = _is_turkish(found)
        capitals = {capital for character in found for capital in upper(character, turkish)}
        letters = sorted(c for c in capitals if c == "'" or unicodedata.category(c)[0] in "LM")
        return cls(" " + "".join(letters))

    @classmethod
    def read(cls, path: Path | str) -> "Alphabet":
        """Return the alphabet that a text file lists, in its order; the space comes first where it is not listed.

        Raises:
            TextError: the file cannot be read, or lists no letter.
        """
        listed = " ".join(read_lines(path))
        listed = upper(listed, _is_turkish(listed))
        letters = "".join(dict.fromkeys(listed.replace(" ", "")))
        try:
            return cls(f" {letters}")
        except ValueError as error:
            raise TextError(f"{path}: {error}") from None


ALPHABET_KEY = (
    "alphabet"  # its characters' place in the metadata of `.tflite` and `.onnx`; without it, English
)
ENGLISH = Alphabet(" 'ABCDEFGHIJKLMNOPQRSTUVWXYZ")
ALPHABET, BLANK, NUM_CLASSES = ENGLISH.characters, ENGLISH.blank, ENGLISH.classes
normalise, encode, decode = ENGLISH.normalise, ENGLISH.encode, ENGLISH.decode


def upper(text: str, turkish: bool) -> str:
    """Return `text` composed, in capitals, with single spaces and straight apostrophes; in Turkish i becomes İ."""
    text = _composed(text).translate(_SPELLINGS)
    text = text.replace("i", "İ") if turkish else text
    return re.sub(r"\s+", " ", _composed(text.upper())).strip()


def _is_turkish(text: Collection[str]) -> bool:
    """Whether `text` tells dotted from dotless i (Turkish, Azerbaijani), which other capitals do not."""
    return "İ" in text or "ı" in text


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def ctc_states(labels: np.ndarray, blank: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the states of CTC's lattice for a text: what each says, and whether a path may skip the one before it.

    Both (2 * characters + 1,): the labels with a blank before, between and after. Only a blank may be skipped, and not
    the one that parts two equal letters.
    """
    states = np.full(2 * len(labels) + 1, blank)
    states[1::2] = labels
    may_skip = np.zeros(len(states), dtype=bool)
    may_skip[3::2] = states[3::2] != states[1:-2:2]
    return states, may_skip


def min_frames(labels: np.ndarray) -> int:
    """Return the fewest model frames in which CTC can spell `labels`.

    One frame a character, and one blank between two equal neighbours (Graves et al., 2006, ICML).
    """
    labels = np.asarray(labels)
    return len(labels) + int(np.sum(labels[1:] == labels[:-1]))


def read_lines(path: Path | str) -> Iterator[str]:
    """Yield the lines of a UTF-8 text, plain or packed (`.gz`, `.xz`), without their ends.

    Lines end in \\n or \\r\\n; what else Unicode calls a line break stays inside. A byte order mark is skipped.

    Raises:
        TextError: the file is missing, not UTF-8, cut off, or has a line that no text has.
    """
    path = Path(path)
    try:
        opened = {".gz": gzip.open, ".xz": lzma.open}.get(path.suffix, open)
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
    except (OSError, EOFError, zlib.error, lzma.LZMAError) as error:
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
