"""Written text as spoken words: numbers spelled out, punctuation dropped."""

import re
import sys
import unicodedata
from collections.abc import Callable
from decimal import Decimal

from asr_helpers.system.errors import OneLineError
from asr_helpers.text import ALPHABET, canonical_form

_SILENT = '.,;:!?…"“”„‟«»‹›()¿¡‐‑‒–—-'
_ENGLISH_SYMBOLS = {"&": " and ", "%": " percent "}


MAX_DIGITS = 300  # of a number; num2words names none so large
_MAX_CALLS = 100_000  # of functions, to say a number; most take some hundred, and Amharic's 1234567 never ends


class SpellingError(OneLineError):
    """A text cannot be read as words in a single way."""


def spell_out(text: str, language: str = "en") -> tuple[str, list[str]]:
    """Return `text` as spoken words, in capitals, and the names of the rules that changed it.

    - numbers: spelled out by num2words, in `language`. 1,234.5 in English is 1.234,5 elsewhere. A number that begins
      with 0 or has more than nine digits is read digit by digit. In English 1st, 2nd … are ordinals, and four digits
      from 1100 to 1999 are a year.
    - symbols: in English & is AND and % is PERCENT.
    - punctuation: marks are dropped, and so are apostrophes without a letter on both sides.
    - accents: in English é is E.

    Any other character may be read in several ways, or not at all: [noise], $5, 1/2, @.

    Raises:
        SpellingError: such a character remains, or no text does; or num2words does not know the language.
    """
    english = language.split("_")[0] == "en"
    steps: dict[str, Callable[[str], str]] = {}
    if english:
        steps["symbols"] = lambda text: re.sub("[&%]", lambda found: _ENGLISH_SYMBOLS[found[0]], text)
    steps["numbers"] = lambda text: _numbers(text, language)
    steps["punctuation"] = _punctuation
    if english:
        steps["accents"] = lambda text: re.sub(r"[\u0300-\u036f]", "", unicodedata.normalize("NFD", text))
    text = " ".join(unicodedata.normalize("NFC", text.replace("’", "'").replace("‘", "'")).split())
    changes = []
    for name, step in steps.items():
        after = " ".join(step(text).split())
        if after != text:
            changes.append(name)
        text = after
    text = canonical_form(text, turkish=language in ("tr", "az"))
    known = set(ALPHABET) if english else set(" '")
    strangers = sorted(c for c in set(text) if c not in known and (english or unicodedata.category(c)[0] not in "LM"))
    if strangers:
        raise SpellingError(f"holds {' '.join(strangers)!r}, which may be read in several ways")
    if not text:
        raise SpellingError("holds no word")
    return text, changes


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
        plain = unicodedata.normalize("NFD", text.replace("’", "'"))
        plain = re.sub(r"[^A-Za-z0-9,.' \u0300-\u036f-]", " ", plain)
        return spell_out(plain)[0] if re.search("[A-Za-z0-9]", plain) else ""


def _numbers(text: str, language: str) -> str:
    """Return `text` with its numbers spelled out."""
    english = language.split("_")[0] == "en"
    group, point = (",", ".") if english else (".", ",")
    integer = rf"\d{{1,3}}(?:\{group}\d{{3}})+(?!\d)|\d+"

    def in_words(found: re.Match) -> str:
        whole, rest, ordinal = found["whole"].replace(group, ""), found["rest"], found["ordinal"]
        if len(whole) + len(rest or "") > MAX_DIGITS:
            raise SpellingError(f"holds a number of {len(whole) + len(rest or '')} digits")
        if ordinal:
            words = _say(int(whole), language, to="ordinal")
        elif rest:
            words = _say(Decimal(f"{whole}.{rest}"), language)
        elif len(whole) > 9 or (whole[0] == "0" and len(whole) > 1):
            words = " ".join(_say(int(digit), language) for digit in whole)
        elif english and whole == found["whole"] and 1100 <= int(whole) <= 1999:
            words = _say(int(whole), language, to="year")
        else:
            words = _say(int(whole), language)
        return f" {words} "

    ordinal = "(?P<ordinal>st|nd|rd|th)" if english else "(?P<ordinal>(?!))"
    return re.sub(rf"(?P<whole>{integer})(?:\{point}(?P<rest>\d+))?(?:{ordinal}\b)?", in_words, text)


def _say(number: int | Decimal, language: str, **how) -> str:
    """Return a number in words.

    Raises:
        SpellingError: num2words does not know the language, or cannot say the number: some of its languages raise
            errors of every kind, leave the number out, or never end.
    """
    from num2words import num2words

    calls = 0

    def count(*_: object) -> None:
        nonlocal calls
        calls += 1
        if calls > _MAX_CALLS:
            raise OverflowError

    counted = language.split("_")[0] != "en" and not sys.getprofile()  # English says every number of `MAX_DIGITS`
    if counted:
        sys.setprofile(count)
    try:
        words = num2words(number, lang=language, **how)
    except NotImplementedError:
        raise SpellingError(f"holds {number}, and num2words knows no language {language!r}") from None
    except Exception:  # KeyError, TypeError, ValueError …: each language has its own
        words = ""
    finally:
        if counted:
            sys.setprofile(None)
    if not words or not words.strip():
        raise SpellingError(f"holds {number}, for which num2words has no word in {language!r}")
    return words.replace(",", "")


def _punctuation(text: str) -> str:
    """Return `text` without silent marks, and without apostrophes that lack a letter on either side."""
    text = text.translate({ord(mark): " " for mark in _SILENT})
    return re.sub(r"(?<![^\W\d_])'|'(?![^\W\d_])", " ", text)
