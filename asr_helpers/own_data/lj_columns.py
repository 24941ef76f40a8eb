"""Whether the third column of an LJSpeech table is the text again, with numbers spelled out."""

import re
from collections.abc import Iterable


def third_is_text(rows: Iterable[list[str]]) -> bool | None:
    """Return whether the third column of most rows repeats the text of the second; None if there is no third column.

    Rows whose second column holds numbers only do not count: "1455" and "fourteen fifty-five" have no word in common.
    """
    same = other = 0
    for row in rows:
        if len(row) > 2 and row[2].strip():
            alike = _alike(row[1], row[2])
            same, other = same + (alike is True), other + (alike is False)
    return same >= other if same or other else None


def is_same_text(written: str, said: str) -> bool:
    """Return whether `said` may be `written` with numbers and abbreviations spelled out.

    Example:
        >>> is_same_text("in 1455", "in fourteen fifty-five"), is_same_text("hello there", "anna")
        (True, False)
    """
    if written == said:
        return True
    few_words = re.search(r"[\d.]", written) and len(_words(written)) < 3
    return bool(few_words) or _alike(written, said) is not False


def _alike(written: str, said: str) -> bool | None:
    """Return whether two texts share most of their words or characters; None if the first has no word."""
    if written == said:
        return True
    words = _words(written)
    if not words:
        return None
    if 2 * len(words & _words(said)) >= len(words):
        return True
    from difflib import SequenceMatcher  # here: only this format needs it

    return SequenceMatcher(None, written[:500], said[:500]).ratio() >= 0.5


def _words(text: str) -> set[str]:
    return set(re.findall(r"[^\W\d_]+", text.lower()))
