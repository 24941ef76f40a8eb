"""The schema of a data set's rows: whatever a reader found becomes a `Row` here, or a `RowError`."""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from asr_helpers.system.errors import OneLineError

MAX_CHARACTERS = {"path": 4096, "text": 100_000, "speaker": 1000}  # two hours of speech are about 100 000 characters
MAX_SECONDS = 1e9
_MISSING = {"nan", "NaN", "null", "NULL", "None"}  # what programs write where there is no text
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)


class RowError(OneLineError):
    """A row does not fit; the message holds the reason and the remedy, and does not name the row."""


@dataclass(frozen=True)
class Row:
    """A checked row: the sound file `path`, or its part from `start` to `end` in seconds, in which `text` is said.

    `name` is for the clip's id. `place` is where the row stands, for messages: "m.json: line 3"; "" if the sound file
    says it all.
    """

    path: Path
    text: str
    speaker: str
    start: float
    end: float | None  # None: to the end of the recording
    name: str
    place: str

    @property
    def where(self) -> str:
        """The row's place and sound file, for messages."""
        return ": ".join(filter(None, (self.place, brief(str(self.path), 200))))


def check_row(
    place: str,
    path: Any,
    text: Any,
    speaker: Any,
    start: Any = None,
    end: Any = None,
    length: Any = None,
    name: str | None = None,
) -> Row:
    """Return a row of a data set, checked: types, ranges, and that nothing is empty.

    Args:
        place: where the row stands, for messages.
        path: the sound file; a `Path` is one that a folder listed.
        text: what is said in it.
        speaker: a name or a number.
        start: of the part, in seconds; None is the beginning.
        end: of the part, in seconds; None is the end of the recording, unless `length` is given.
        length: of the part, in seconds, instead of `end`.
        name: of the clip; None takes it from `path`.

    Raises:
        RowError: a value does not fit.

    Example:
        >>> check_row("m.json: line 3", "a.wav", "hello", 17, start=0, length=2.5).end
        2.5
    """
    path, text = _string(path, "path"), _string(text, "text")
    if text.strip() in _MISSING:
        raise RowError(f"its text is {text.strip()}, as programs write a missing one; if it was said, add a full stop")
    if isinstance(speaker, int) and not isinstance(speaker, bool):
        speaker = str(speaker)
    speaker = _string(speaker, "speaker")
    first = 0.0 if start is None else _seconds(start, "start")
    last = None if end is None else _seconds(end, "end")
    if length is not None:
        last = first + _seconds(length, "length")
    if last is not None and last <= first:
        raise RowError(f"its part ends at {last:g} s, but begins at {first:g} s; correct its times")
    return Row(Path(path), text, speaker, first, last, name or Path(path).stem, place)


def brief(value: object, most: int = 60) -> str:
    """Return a value as text of at most about `most` characters, for messages."""
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= most else f"{text[: most // 2]}…{text[-most // 2 :]}"


def _string(value: Any, what: str) -> str:
    """Return a value that must be a text which is not empty.

    Raises:
        RowError: it is none, is empty or too long, or holds what no file or transcript can.
    """
    if isinstance(value, Path):
        value = str(value)
    if not isinstance(value, str):
        found = "missing" if value is None else f"{brief(value)}, no text in quotation marks"
        raise RowError(f"its {what} is {found}; correct the row")
    if not value.strip():
        raise RowError(f"its {what} is empty; complete the row")
    if len(value) > MAX_CHARACTERS[what]:
        raise RowError(f"its {what} has {len(value)} characters, more than {MAX_CHARACTERS[what]}; correct the row")
    if "\0" in value or re.search(r"\r(?!\n)", value):
        found = "the character NUL" if "\0" in value else "a carriage return without a line feed"
        raise RowError(f"its {what} holds {found}; remove it, or save the table with ordinary line ends")
    try:
        os.fsencode(value) if what == "path" else value.encode()
    except UnicodeEncodeError:
        raise RowError(f"its {what} holds bytes that are not UTF-8; save it as UTF-8") from None
    return value


def _seconds(value: Any, what: str) -> float:
    """Return a number, or its text, that must be a time in a recording.

    Raises:
        RowError: it is none.
    """
    if isinstance(value, str) and len(value) < 100 and _NUMBER.fullmatch(value):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise RowError(f"its {what} is {brief(value)}, which is not a number; write seconds, such as 2.5")
    if not 0 <= value < MAX_SECONDS:  # nor NaN
        raise RowError(f"its {what} is {brief(value)}, which is not a time of a recording; write seconds from 0 on")
    return float(value)
