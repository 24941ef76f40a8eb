"""Written text as spoken words: numbers spelled out, punctuation dropped."""

import re
import unicodedata
from collections.abc import Callable
from functools import cache

from asr_helpers.own_data.numerals import SpellingError, language_tag, say_numbers
from asr_helpers.system.characters import JOINERS, SPELLED_DOT, neighbors, one_spelling
from asr_helpers.text import ALPHABET, canonical_form

_ENGLISH_SYMBOLS = {"&": " and ", "%": " percent "}
# Of the characters that Unicode calls punctuation, those that are read aloud or enclose what was not said.
_SPOKEN_MARKS = re.compile(
    "PERCENT|PER MILLE|PER TEN|AMPERSAND|COMMERCIAL AT|NUMBER SIGN|ASTERISK|SOLIDUS|SECTION SIGN|PILCROW|DAGGER"
    "|PRIME$|SQUARE BRACKET|CURLY BRACKET|GERSHAYIM|LOW LINE"
)
_WITHIN_WORDS = re.compile("ARMENIAN (EMPHASIS|EXCLAMATION|QUESTION) MARK")  # they are written above a vowel


def spell_out(text: str, language: str = "en") -> tuple[str, list[str]]:
    """Return `text` as spoken words, in capitals, and the names of the rules that changed it.

    - numbers: spelled out by num2words, in `language`. 1,234.5 in English is 1.234,5 in German and 1 234,5 in French.
      A number that begins with 0 or has more than nine digits is read digit by digit. In English 1st, 2nd … are
      ordinals, 1990s is a decade, and four digits from 1100 to 1999 are a year.
    - symbols: in English & is AND and % is PERCENT.
    - punctuation: marks of any script are dropped, and so are apostrophes without a letter on both sides.
    - accents: in English é is E.

    Any other character may be read in several ways, or not at all: [noise], $5, 1/2, 10:30, 5-7, 5km, @.

    Args:
        text: as it was written.
        language: its BCP 47 tag: en, en-US, pt-BR.

    Raises:
        SpellingError: such a character remains, or no text does; or num2words does not know the language.
        LanguageError: `language` is no tag.
    """
    tag = language_tag(language)
    english = tag.split("_")[0] == "en"
    steps: dict[str, Callable[[str], str]] = {}
    if english:
        steps["symbols"] = lambda text: re.sub("[&%]", lambda found: _ENGLISH_SYMBOLS[found[0]], text)
    steps["numbers"] = lambda text: say_numbers(text, tag)
    steps["punctuation"] = _punctuation
    if english:
        steps["accents"] = lambda text: re.sub(r"[\u0300-\u036f]", "", unicodedata.normalize("NFD", text))
    text = one_spelling(text)
    changes = []
    for name, step in steps.items():
        after = step(text)
        if after.split() != text.split():
            changes.append(name)
        text = after
    text = canonical_form(text, turkish=tag.split("_")[0] in ("tr", "az"))
    strangers = sorted(c for c in set(SPELLED_DOT.sub("", text)) if not _is_letter(c, english))
    if strangers:
        raise SpellingError(f"holds {' '.join(strangers)!r}, which may be read in several ways")
    if not text:
        raise SpellingError("holds no word")
    return text, changes


def _is_letter(character: str, english: bool) -> bool:
    """Return whether a character is spoken as a part of a word."""
    if english:
        return character in ALPHABET
    if character in " '" + JOINERS:
        return True
    return unicodedata.category(character)[0] in "LM" and "<super>" not in unicodedata.decomposition(character)  # 1ª


_TITLES = {"mr": "mister", "mrs": "missus", "dr": "doctor", "st": "saint"}
_MONEY = {"$": "dollars", "£": "pounds", "€": "euros"}


def spoken(text: str) -> str:
    """Return a recogniser's formatted output as spoken words, in capitals; "" for empty text.

    A recogniser that writes "Mr. Smith's £5" and one that writes MISTER SMITH'S FIVE POUNDS are then scored alike.
    Titles (Mr, Mrs, Dr, St) and sums of money are spelled out, notes in brackets are dropped, and the rules of
    `spell_out` do the rest. Characters that they refuse are dropped: one odd character must not cost a sentence.
    """
    text = re.sub(r"\[[^\]]*\]|\([^)]*\)", " ", text)
    text = re.sub(r"\b(mr|mrs|dr|st)\b\.?", lambda found: _TITLES[found[1].lower()], text, flags=re.IGNORECASE)
    text = re.sub(r"([$£€])\s*(\d(?:[\d,.]*\d)?)", lambda found: f"{found[2]} {_MONEY[found[1]]}", text)
    try:
        return spell_out(text)[0]
    except SpellingError:
        plain = re.sub(r"[\u0300-\u036f]", "", unicodedata.normalize("NFD", one_spelling(text)))
        words = re.findall(
            r"\d+(?:st|nd|rd|th|s)\b|\d+(?:,\d{3})*(?:\.\d+)?|[A-Za-z']*[A-Za-z][A-Za-z']*", plain, re.ASCII
        )
        return " ".join(filter(None, map(_word_or_nothing, words)))


def _word_or_nothing(word: str) -> str:
    """Return a word or number alone as it is spoken; "" if that is not known."""
    try:
        return spell_out(word)[0]
    except SpellingError:
        return ""


def _punctuation(text: str) -> str:
    """Return `text` without silent marks, and without apostrophes that lack a letter on either side."""
    text = re.sub(r"[^\w\s']", _without_mark, text)
    return re.sub(r"(?<![^\W\d_])'|'(?![^\W\d_])", " ", text)


def _without_mark(found: re.Match) -> str:
    """Return what a character that is no letter becomes: itself if it is read aloud."""
    mark, (before, after) = found[0], neighbors(found)
    if mark == "·" and before.lower() != before.upper() and after.lower() != after.upper():
        return mark  # in words: Catalan l·l, but French étudiant·e·s
    return _silent_mark(mark)


@cache
def _silent_mark(mark: str) -> str:
    """Return a space for a silent mark, "" for one within a word, any other character itself."""
    name = unicodedata.name(mark, "")
    if unicodedata.category(mark)[0] != "P" or _SPOKEN_MARKS.search(name):
        return mark
    return "" if _WITHIN_WORDS.search(name) else " "
