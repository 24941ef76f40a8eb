"""Text files (UTF-8, plain or compressed) and LibriSpeech's transcripts, read by the same rules everywhere."""

import gzip
import lzma
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TextIO

from asr_helpers.system.errors import OneLineError

_MAX_LINE_CHARACTERS = 10_000_000  # a gzipped file of 2 MB can hold a line of 2 GB
_MAX_BLANK_CHARACTERS = 1_000_000  # in a row, on blank lines: a gzipped file of 2 MB can hold 2 billion


class TextError(OneLineError):
    """A text file cannot be read."""


def read_lines(path: Path | str, lenient: bool = False) -> Iterator[str]:
    """Yield the lines of a UTF-8 text, plain or compressed (`.gz`, `.xz`), without their ends.

    Lines end in \\n or \\r\\n, in a file without any \\n in \\r (old Macs). Unicode's other line breaks stay text.
    A byte order mark is skipped, in a file that `cat` joined those of all its parts.

    Args:
        path: of the file.
        lenient: for a table whose rows are checked one by one: a byte that is not UTF-8 becomes half a surrogate pair
            (Python's "surrogateescape"), and a line of more than ten million characters is cut there.

    Raises:
        TextError: the file is missing, not UTF-8, cut off, has a line of ten million characters or more, or blank
            lines of a million characters in a row.
    """
    path = Path(path)
    try:
        openers: dict[str, Callable[..., TextIO]] = {".gz": gzip.open, ".xz": lzma.open}
        how = "surrogateescape" if lenient else "strict"
        with openers.get(path.suffix, open)(path, "rt", encoding="utf-8-sig", errors=how, newline="\n") as file:
            first, blank = True, 0
            while line := file.readline(_MAX_LINE_CHARACTERS):
                blank = blank + len(line) if line.isspace() else 0
                if blank >= _MAX_BLANK_CHARACTERS:
                    raise TextError(f"{path}: holds {blank} blank characters in a row; choose a text")
                if len(line) == _MAX_LINE_CHARACTERS and not line.endswith("\n"):
                    if not lenient:
                        what = f"holds a line of {_MAX_LINE_CHARACTERS} characters or more"
                        raise TextError(f"{path}: {what}; choose a text")
                    while (rest := file.readline(_MAX_LINE_CHARACTERS)) and not rest.endswith("\n"):
                        pass
                if first and not line.endswith("\n"):  # the whole file
                    yield from line.removesuffix("\r").split("\r")
                else:
                    yield line.removesuffix("\n").removesuffix("\r").removeprefix("\ufeff")
                first = False
    except FileNotFoundError:
        raise TextError(f"{path}: no such file; check the path") from None
    except UnicodeDecodeError as error:
        raise TextError(f"{path}: not readable as UTF-8 text ({error}); save it as UTF-8") from None
    except (OSError, EOFError, zlib.error, lzma.LZMAError) as error:
        reason = getattr(error, "strerror", None) or error
        raise TextError(f"{path}: cannot be read ({reason}); fetch or make it again") from None


def read_transcript(path: Path | str) -> Iterator[tuple[int, str, str]]:
    """Yield (line number, id, text) for each line of a `*.trans.txt`, `<id> <TRANSCRIPT>`; blank lines are skipped.

    Any whitespace separates the id from the text. The text is returned unchanged, and may be empty.

    Raises:
        TextError: as `read_lines`.
    """
    for number, line in enumerate(read_lines(path), start=1):
        if line.strip():
            key, *text = line.split(maxsplit=1)
            yield number, key, text[0] if text else ""
