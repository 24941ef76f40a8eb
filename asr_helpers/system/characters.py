"""One spelling for characters that read alike, by their Unicode properties; invisible ones are dropped."""

import re
import unicodedata

JOINERS = "\u200c\u200d"
SPELLED_DOT = re.compile("(?<=[lL])·(?=[lL])|(?<=[nNsS])·(?=[hH])")  # a dot that is no mark: Catalan l·l, Occitan n·h
_ZERO_WIDTH = re.compile(f"[\u200b{JOINERS}]+")  # with the zero-width space
# Invisible, too (Unicode's Default_Ignorable_Code_Point), though of other categories than Cf: fillers, variants.
_IGNORED = re.compile("[\u034f\u115f\u1160\u3164\uffa0\ufe00-\ufe0f\U000e0100-\U000e01ef]")
_FORMS = "<wide>", "<narrow>", "<initial>", "<medial>", "<final>", "<isolated>"  # of characters made for old fonts


def one_spelling(text: str) -> str:
    """Return `text` with one spelling for what reads alike.

    It is composed (Unicode's NFC). Dashes are hyphens, apostrophes straight; ligatures, wide and narrow characters and
    Arabic's positional forms become ordinary letters. What is invisible goes (soft hyphens, marks of direction), but
    for the joiners that a script spells with.

    Example:
        >>> one_spelling("don\u02bct so\u00adftly – ﬁne")
        "don't softly - fine"
    """
    if text.isascii():
        return text
    text = unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).translate(_TABLE))
    return _ZERO_WIDTH.sub(_zero_width, text)


class _Table(dict[int, str]):
    """For `str.translate`: how each character is spelt, found when it first occurs."""

    def __missing__(self, code: int) -> str:
        self[code] = spelt = _spelling(chr(code))
        return spelt


def _spelling(character: str) -> str:
    category, form = unicodedata.category(character), unicodedata.decomposition(character).split(" ")[0]
    if category == "Pd":
        return "-"
    if (category == "Cf" and not _ZERO_WIDTH.match(character)) or _IGNORED.match(character):
        return ""
    if form in _FORMS or (form.startswith("<") and category in ("Lu", "Ll", "Lt")):
        return unicodedata.normalize("NFKC", character)
    return character


_TABLE = _Table(
    {ord(mark): "'" for mark in "’‘‛ʼʻ՚׳´＇"}
    | {ord("—"): " - ", ord("―"): " - ", ord("ẞ"): "SS", ord("ŉ"): "'n", ord("ـ"): ""}  # ـ only stretches a word
)


def _zero_width(found: re.Match) -> str:
    """Return what a run of zero-width spaces and joiners spells: nothing, unless the letters around it need it."""
    before, after = neighbors(found)
    if not before or not after or before.isspace() or after.isspace():
        return ""
    if found[0][-1] in JOINERS:
        virama = 9 in (unicodedata.combining(before), unicodedata.combining(after))  # Sinhala, Malayalam …
        arabic = unicodedata.bidirectional(before) in ("AL", "NSM") and unicodedata.bidirectional(after) == "AL"
        return found[0][-1] if virama or arabic else ""
    return " " if unicodedata.category(before) in ("Lo", "Mn", "Mc") else ""  # Thai, Khmer: a space between words


def neighbors(found: re.Match) -> tuple[str, str]:
    """Return the characters before and after a match, "" at an end of the text."""
    start, end = found.span()
    return found.string[max(start - 1, 0) : start], found.string[end : end + 1]
