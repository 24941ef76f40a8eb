"""The alphabet: from transcripts to the integers that a CTC model learns, and back."""

import re
import sys
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from asr_helpers.system.characters import JOINERS, SPELLED_DOT, one_spelling
from asr_helpers.system.errors import OneLineError
from asr_helpers.system.text_files import TextError, read_lines


class AlphabetError(OneLineError):
    """Characters do not form an alphabet, or a text is not spelt in one."""


@dataclass(frozen=True)
class Alphabet:
    """The characters that a model writes, in the order of its classes; the CTC blank is the class after the last.

    Each is one code point, upper case, composed (Unicode's NFC). The space, which separates words, is among them. An
    alphabet travels inside the model's file, see `model_name`.

    Raises:
        AlphabetError: a character occurs twice or is a control character; there is no space, or nothing but the space.

    Example:
        >>> Alphabet(" AB").blank, Alphabet(" AB").classes
        (3, 4)
    """

    characters: str

    def __post_init__(self):
        twice = [character for character, times in Counter(self.characters).items() if times > 1]
        if " " not in self.characters or len(self.characters) < 2 or twice:
            raise AlphabetError(f"{self.characters!r} is not an alphabet: it needs a space and letters, each once")
        if any(unicodedata.category(character) in ("Cc", "Cs") for character in self.characters):
            raise AlphabetError(f"{self.characters!r} is not an alphabet: control characters are not letters")

    @property
    def blank(self) -> int:
        return len(self.characters)

    @property
    def classes(self) -> int:
        return len(self.characters) + 1

    def normalize(self, text: str) -> str:
        """Return `text` as a LibriSpeech transcript: upper case, single spaces, straight apostrophes.

        Hyphens and dashes become spaces. Nothing else is dropped or guessed: what a numeral or a comma should
        sound like is the corpus author's decision.

        Raises:
            AlphabetError: the text holds a character outside the alphabet, or is empty.

        Example:
            >>> ENGLISH.normalize("It’s well-known")
            "IT'S WELL KNOWN"
        """
        clean = canonical_form(text, _is_turkish(self.characters))
        if not clean:
            raise AlphabetError("the transcript is empty")
        strangers = sorted(set(clean) - set(self.characters))
        if strangers:
            raise AlphabetError(f"{' '.join(strangers)!r} is outside the alphabet ({self})")
        return clean

    def encode(self, text: str) -> np.ndarray:
        """Return the label indices of a normalised `text`, int32 (characters,).

        Raises:
            AlphabetError: a character is outside the alphabet.

        Example:
            >>> ENGLISH.encode("A CAT").tolist()
            [2, 0, 4, 2, 21]
        """
        index = {character: index for index, character in enumerate(self.characters)}
        try:
            return np.fromiter(map(index.__getitem__, text), np.int32, len(text))  # (characters,)
        except KeyError as error:
            raise AlphabetError(f"{error.args[0]!r} is outside the alphabet ({self})") from None

    def decode(self, indices: Iterable[int]) -> str:
        """Return the text of label `indices` (integers below `blank`): the inverse of `encode`.

        Example:
            >>> ENGLISH.decode([2, 0, 4, 2, 21])
            'A CAT'
        """
        return "".join(self.characters[index] for index in indices)

    def lower(self, text: str) -> str:
        """Return a normalised `text` in small letters.

        Example:
            >>> Alphabet(" IİŞK").lower("IŞIK")
            'ışık'
        """
        return (text.replace("I", "ı").replace("İ", "i") if _is_turkish(self.characters) else text).lower()

    def __str__(self) -> str:
        return "A-Z, space, apostrophe" if self == ENGLISH else f"{self.characters.strip()} and the space"

    @property
    def model_name(self) -> str:
        """The name of a Keras model that writes this alphabet; any program that saves the model keeps it.

        English is `crnn`. Other alphabets add their code points in hexadecimal, because TensorFlow accepts only
        ASCII in names.

        Example:
            >>> Alphabet(" ÄZ").model_name
            'crnn-20-c4-5a'
        """
        return "crnn" if self == ENGLISH else "-".join(["crnn", *(f"{ord(c):x}" for c in self.characters)])

    @classmethod
    def of_model_name(cls, name: str) -> "Alphabet":
        """Return the alphabet in a model's name: the inverse of `model_name`; English if the name holds none.

        Example:
            >>> Alphabet.of_model_name("crnn-20-c4-5a").characters
            ' ÄZ'
        """
        if not re.fullmatch(r"crnn(-[0-9a-f]{1,6})+", name):
            return ENGLISH
        codes = [int(code, 16) for code in name.split("-")[1:]]
        if max(codes) > sys.maxunicode:
            raise AlphabetError(f"{name!r} holds a number that is not a character")
        return cls("".join(map(chr, codes)))

    @classmethod
    def of_texts(cls, texts: Iterable[str]) -> "Alphabet":
        """Return the alphabet that `texts` are written in: their letters, marks and apostrophes, and the space.

        Raises:
            AlphabetError: there is no letter.

        Example:
            >>> Alphabet.of_texts(["Öl, bitte!"]).characters
            ' BEILTÖ'
        """
        found: set[str] = set()
        times: Counter[str] = Counter()  # of each letter i
        for text in map(one_spelling, texts):
            found.update(canonical_form(text, turkish=False))
            found.update(SPELLED_DOT.findall(text) if "·" in text else "")
            times.update({i: text.count(i) for i in "ıİiI"})
        # One Turkish name must not change the i of another language: a quarter of all i's are Turkish, or none.
        if 0 < times["i"] + times["I"] <= 3 * (times["ı"] + times["İ"]) and times["i"] + times["İ"]:
            found.add("İ")
        letters = sorted(c for c in found if c in "'·" or c in JOINERS or unicodedata.category(c)[0] in "LM")
        return cls(" " + "".join(letters))

    @classmethod
    def read(cls, path: Path | str) -> "Alphabet":
        """Return the alphabet that a text file lists, in the file's order, after the space.

        Raises:
            TextError: the file cannot be read, or lists no letter.
        """
        listed = " ".join(read_lines(path))
        listed = canonical_form(listed, _is_turkish(listed))
        letters = "".join(dict.fromkeys(listed.replace(" ", "")))
        try:
            return cls(f" {letters}")
        except AlphabetError as error:
            raise TextError(f"{path}: {error}") from None


ALPHABET_KEY = "alphabet"  # key of the characters in the metadata of `.tflite` and `.onnx`; if absent, English
ENGLISH = Alphabet(" 'ABCDEFGHIJKLMNOPQRSTUVWXYZ")
ALPHABET, BLANK, NUM_CLASSES = ENGLISH.characters, ENGLISH.blank, ENGLISH.classes
normalize, encode, decode = ENGLISH.normalize, ENGLISH.encode, ENGLISH.decode


def canonical_form(text: str, turkish: bool) -> str:
    """Return `text` in capitals and in one spelling, with single spaces; hyphens and dashes become spaces.

    In Turkish i becomes İ; in other languages İ becomes I.

    Example:
        >>> canonical_form("iyi  gün", turkish=True)
        'İYİ GÜN'
    """
    text = one_spelling(text).replace("-", " ")
    text = text.replace("i", "İ") if turkish else text
    text = unicodedata.normalize("NFC", text.upper())
    return " ".join((text if turkish else text.replace("İ", "I")).split())


def _is_turkish(text: Collection[str]) -> bool:
    """Return whether letters distinguish dotted from dotless i, as only Turkish and its relatives do."""
    return "İ" in text or "ı" in text
