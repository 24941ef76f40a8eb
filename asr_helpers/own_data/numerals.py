"""Numbers of a written text in words, by num2words, where they can be read in one way only.

num2words says a number; which number is written is decided here, by the language's separators as CLDR lists them
(unicode.org/cldr, "Number symbols").
"""

import re
import sys
from decimal import Decimal
from itertools import pairwise

from asr_helpers.own_data.rows import brief
from asr_helpers.system.characters import one_spelling
from asr_helpers.system.errors import OneLineError

MAX_DIGITS = 300  # of a number; num2words names none so large
_MAX_CALLS = 100_000  # of functions, to say a number; most take some hundred, and Amharic's 1234567 never ends


def _tags(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


# Languages, and regions where theirs differ.
_POINT = _tags("am ar bn ce cy en fa he ja kn ko te th es_GT es_MX es_NI es_PE es_US de_CH de_LI it_CH")  # 1.5, not 1,5
_SPACED = _tags("be bg cs eo et fi fr hu kk lt lv nb no pl ru sk sv tg uk")  # 1 000 is a thousand
_POINT_ORDINALS = _tags("az bs cs da de et eu fi hr hu is lt lv nb no pl sk sl sr tr")  # German: am 3. Mai
_YEARS = _tags("da de en nb no")  # 1984 is said as a year, and num2words does so
_YEARS_UNKNOWN = _tags("is nl sv")  # and num2words does not
_OWN_DECIMALS = _tags("cs hu pl ru uk")  # num2words says two whole and five tenths
_DECIMALS_UNKNOWN = _tags("az sk sl")  # num2words reads a comma as a point, or in one case only
_COMMA = {"ca": "coma", "es": "coma"}  # num2words knows the point only
_NUM2WORDS_NAMES = {"kk": "kz", "nb": "no"}
_NO_BREAK = "\u00a0\u202f\u2009"  # spaces within a number, in any language


class SpellingError(OneLineError):
    """A text cannot be read as words in a single way."""


class LanguageError(OneLineError):
    """A language's name is not understood."""


def language_tag(name: str) -> str:
    """Return a language's name (BCP 47: "en-US", or "en_US" as num2words writes it) in one form: "en_US".

    Raises:
        LanguageError: it begins with no code of two or three letters, or with three of one that has two.

    Example:
        >>> language_tag("EN-us"), language_tag("tr")
        ('en_US', 'tr')
    """
    code, *more = re.split("[-_]", name)
    if not re.fullmatch("[A-Za-z]{2,3}", code) or not all(re.fullmatch("[A-Za-z0-9]{1,8}", part) for part in more):
        raise LanguageError(f"language {name!r} is not a tag such as en, en-GB or tr; correct it")
    shorter = {"eng": "en", "tur": "tr", "aze": "az"}.get(code.lower())
    if shorter:
        raise LanguageError(f"language {name!r} has a shorter tag, {shorter}; use that")
    region = [part.upper() for part in more if len(part) == 2 and part.isalpha()]
    return "_".join([code.lower(), *region[:1]])


def say_numbers(text: str, tag: str) -> str:
    """Return `text` with its numbers in words; `tag` as `language_tag` returns it.

    Raises:
        SpellingError: a number may be read in several ways, or cannot be said in the language.
    """
    if not re.search(r"\d", text):
        return text
    text = re.sub(r"\d", lambda digit: str(int(digit[0])), text)  # of any script
    text = re.sub(rf"(?<!\d)[{_NO_BREAK}]|[{_NO_BREAK}](?!\d{{3}}(?!\d))", " ", text)  # 5 %, but 5 000
    text = re.sub(r"(?<![\d.,'])[1-9]\d{0,2}(?: \d{3})+(?![\d])", lambda found: _spaced(found[0], tag), text)
    chunks = re.split(rf"([^\S{_NO_BREAK}]+)", text)
    said, last = list(chunks), max(place for place, chunk in enumerate(chunks) if chunk and not chunk.isspace())
    for place in range(0, len(chunks), 2):
        if re.search(r"\d", chunks[place]):
            before = chunks[max(place - 4, 0) : place : 2]
            said[place] = f" {_say_chunk(chunks[place], tag, before, place < last)} "
    return "".join(said)


def _spaced(number: str, tag: str) -> str:
    """Return digits that spaces group, with no-break spaces: 1 000 000.

    Raises:
        SpellingError: the language groups them otherwise, so they may be several numbers.
    """
    if tag not in _SPACED and tag.split("_")[0] not in _SPACED:
        raise SpellingError(f"holds {brief(number)!r}, which may be one number or several")
    return number.replace(" ", _NO_BREAK[0])


_EDGE = re.compile(rf"[^\w\s{_NO_BREAK}\-−+$£€¥#@&%/*°]*")  # marks around a number that say nothing about it


def _say_chunk(chunk: str, tag: str, before: list[str], more: bool) -> str:
    """Return what stands between two spaces, and holds a digit, in words.

    Args:
        chunk: the text.
        tag: the language.
        before: at most two chunks before it.
        more: whether any text follows.

    Raises:
        SpellingError: it may be read in several ways.
    """
    language = tag.split("_")[0]
    strange = SpellingError(f"holds {brief(chunk)!r}, which may be read in several ways")
    start, end = (len(found[0]) if (found := _EDGE.match(text)) else 0 for text in (chunk, chunk[::-1]))
    opening, core, close = chunk[:start], chunk[start : len(chunk) - end], chunk[len(chunk) - end :]
    ranged = bool(before) and re.search(r"\d\W*$", before[-1])  # 10 -5
    dash = before[-1:] == ["-"] and re.search(r"\d\W*$", "".join(before[:-1]))  # 10 - 5
    if opening.endswith((".", ",")) or dash:
        raise strange
    if close.startswith(".") and more and language in _POINT_ORDINALS:
        raise strange
    sign = re.match("[-−](?=.)", core)
    if sign and ranged:
        raise strange
    parts = core[1 if sign else 0 :].split("-")
    for one, two in pairwise(parts):
        digits = bool(re.search(r"\d$", one)), bool(re.match(r"\d", two))
        if not one or not two or all(digits) or (digits[0] and language != "en"):  # 5-7; Russian 5-го
            raise strange
    spoken = []
    for part in parts:
        words = _say_part(part, tag) if re.search(r"\d", part) else part
        if words is None:
            raise strange
        spoken.append(words)
    if sign:
        spoken[0] = f"{_minus(tag)} {spoken[0]}"
    return opening + " ".join(spoken) + close


def _say_part(part: str, tag: str) -> str | None:
    """Return a number in words, with what the language writes beside it; None if that is not understood."""
    english = tag.split("_")[0] == "en"
    point = _point(tag)
    group = "," if point == "." else "."
    number = rf"(?P<whole>[1-9]\d{{0,2}}(?P<group>[{group}'{_NO_BREAK}])\d{{3}}(?:(?P=group)\d{{3}})*|\d+)"
    number += rf"(?:[{point}](?P<rest>\d+))?"
    form = rf"{number}(?P<end>st|nd|rd|th|s|'s)?" if english else rf"(?P<elided>[^\W\d_]+')?{number}"
    found = re.fullmatch(form, part, re.IGNORECASE)
    if not found:
        return None
    whole, rest = re.sub(r"\D", "", found["whole"]), found["rest"]
    if len(whole) + len(rest or "") > MAX_DIGITS:
        raise SpellingError(f"holds a number of {len(whole) + len(rest or '')} digits")
    if rest and len(whole) > 1 and whole[0] == "0":
        return None
    if not english:
        return (found["elided"] or "") + _say_number(whole, rest, bool(found["group"]), tag)
    end = (found["end"] or "").lower()
    if not end or (end == "'s" and whole[-1] != "0"):
        return _say_number(whole, rest, bool(found["group"]), tag) + end
    if rest or whole[0] == "0":
        return None
    if end in ("s", "'s"):
        return _decade(whole, tag)
    teen = whole[-2:-1] == "1"
    if end != ("th" if teen else {"1": "st", "2": "nd", "3": "rd"}.get(whole[-1], "th")):
        return None
    return _say(int(whole), tag, to="ordinal")


def _say_number(whole: str, rest: str | None, grouped: bool, tag: str) -> str:
    """Return a number of these digits, before and after the point, in words."""
    language = tag.split("_")[0]
    if rest:
        return _say_decimal(whole, rest, tag)
    if not grouped and (len(whole) > 9 or (whole[0] == "0" and len(whole) > 1)):
        return " ".join(_say(int(digit), tag) for digit in whole)
    if not grouped and 1100 <= int(whole) <= 1999:
        if language in _YEARS_UNKNOWN:
            raise SpellingError(f"holds {whole}, which num2words reads differently as a year in {tag!r}")
        if language in _YEARS:
            return _say(int(whole), tag, to="year")
    return _say(int(whole), tag)


def _say_decimal(whole: str, rest: str, tag: str) -> str:
    """Return a decimal fraction in words, digit by digit after the point.

    Raises:
        SpellingError: num2words says fractions of the language otherwise, and its ways are not known to be right.
    """
    from num2words import CONVERTER_CLASSES
    from num2words.base import Num2Word_Base

    language, whole_words = tag.split("_")[0], _say(int(whole), tag)
    if language in _OWN_DECIMALS and not rest.endswith("0"):
        return _say(Decimal(f"{whole}.{rest}"), tag)
    converter = CONVERTER_CLASSES[_num2words_name(tag)]
    digit_by_digit = getattr(type(converter), "to_cardinal_float", None) is Num2Word_Base.to_cardinal_float
    point = str(getattr(converter, "pointword", ""))
    if _point(tag) == ",":
        point = _COMMA.get(language, point)
    if language in _OWN_DECIMALS | _DECIMALS_UNKNOWN or not (digit_by_digit and point.isalpha()):
        raise SpellingError(f"holds {whole}.{rest}, whose fraction num2words may read wrongly in {tag!r}")
    return " ".join([whole_words, point, *(_say(int(digit), tag) for digit in rest)])


def _point(tag: str) -> str:
    """Return the mark before the fraction of a number."""
    return "." if tag in _POINT or tag.split("_")[0] in _POINT else ","


def _decade(whole: str, tag: str) -> str | None:
    """Return the English name of a decade or century: 1990 for 1990s, 90 for 90s; None if it is none."""
    if whole[-1] != "0" or not (20 <= int(whole) <= 90 or 1100 <= int(whole) <= 2090):
        return None
    words = _say(int(whole), tag, to="year" if len(whole) == 4 else "cardinal")
    return words[:-1] + "ies" if words.endswith("y") else words + "s"


def _minus(tag: str) -> str:
    """Return the word for minus.

    Raises:
        SpellingError: num2words says no negative numbers in the language.
    """
    negative, positive = _say(-1, tag), _say(1, tag)
    if not negative.endswith(positive) or negative == positive:
        raise SpellingError(f"holds a negative number, which num2words cannot say in {tag!r}")
    return negative.removesuffix(positive).strip()


def _num2words_name(tag: str) -> str:
    """Return num2words' name of a language, or of its variety in a region where it knows one."""
    from num2words import CONVERTER_CLASSES

    language = tag.split("_")[0]
    return tag if tag in CONVERTER_CLASSES else _NUM2WORDS_NAMES.get(language, language)


def _say(number: int | Decimal, tag: str, **how) -> str:
    """Return a number in words.

    Raises:
        SpellingError: num2words does not know the language, or cannot say the number: some of its languages raise
            errors of every kind, leave the number out, or never end.
    """
    from num2words import CONVERTER_CLASSES, num2words

    calls = 0

    def count(*_: object) -> None:
        nonlocal calls
        calls += 1
        if calls > _MAX_CALLS:
            raise OverflowError

    name = _num2words_name(tag)
    if name not in CONVERTER_CLASSES:  # num2words would take the first two letters, and Filipino (fil) for Finnish
        raise SpellingError(f"holds {number}, and num2words knows no language {tag!r}")
    counted = tag.split("_")[0] != "en" and not sys.getprofile()  # English says every number of `MAX_DIGITS`
    if counted:
        sys.setprofile(count)
    try:
        words = num2words(number, lang=name, **how)
    except Exception:  # KeyError, TypeError, ValueError …: each language has its own
        words = ""
    finally:
        if counted:
            sys.setprofile(None)
    if not words or not words.strip() or re.search(r"\d|(\w)\1\1", words):  # Swedish: etttusen
        raise SpellingError(f"holds {number}, for which num2words has no word in {tag!r}")
    return one_spelling(words.replace(",", ""))
