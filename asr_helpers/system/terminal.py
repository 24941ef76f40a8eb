"""What goes to the terminal goes as text: no escape sequence of a file's content or name is obeyed."""

import re
from typing import TextIO

_CONTROLS = r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]"  # all but line end and tab; halves of surrogate pairs


class PlainText:
    """A text stream that writes control characters as escapes, such as `\\x1b`; else it is `stream`.

    Args:
        stream: the stream to write to.
        sequences: the control sequences to let through.

    Example:
        >>> import sys
        >>> _ = PlainText(sys.stdout).write("\\x1b[31mred\\n")
        \\x1b[31mred
    """

    def __init__(self, stream: TextIO, *sequences: str):
        self._stream = stream
        self._sequences = sequences
        self._pattern = re.compile("|".join([*map(re.escape, sequences), _CONTROLS]))

    def write(self, text: str) -> int:
        """Write `text`, with its control characters as escapes, and return its length."""
        self._stream.write(self._pattern.sub(self._escaped, text))
        return len(text)

    def _escaped(self, found: re.Match) -> str:
        return found[0] if found[0] in self._sequences else repr(found[0])[1:-1]

    def __getattr__(self, name: str):
        return getattr(self._stream, name)
