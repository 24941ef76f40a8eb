"""Whose is the file that a command is about to replace? Each command that writes asks here, before any work.

A command may replace what it made itself, and nothing that it reads. Its files are known by a signature within their
first bytes, its folders by a marker, an empty file. A path that does not exist, or an empty file, is free.
"""

import gzip
import os
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from pathlib import Path

from asr_helpers.system.errors import OneLineError

_HEAD = 4096  # bytes of a file in which its signature lies


class NotOursError(OneLineError):
    """A command would replace a file that it reads, or one that it did not make."""


@dataclass(frozen=True)
class Maker:
    """A command that writes, and what it may replace.

    Args:
        command: its name, such as `asr lm`.
        writes: for a command that writes to a folder: patterns of the names at its top, such as `epoch-*.keras`.
        signs: patterns of names and the first bytes of such files, by which a file without the signature is known, and
            a folder without a marker: one of an older version, or a finished run.

    Example:
        >>> maker = Maker("asr lm")
        >>> maker.check_file("new.arpa", "book.txt")
        >>> maker.signature
        'made by `asr lm` of asr_helpers'
    """

    command: str
    writes: tuple[str, ...] = ()
    signs: tuple[tuple[str, bytes], ...] = ()

    def writing(self, *writes: str) -> "Maker":
        """Return this command where it writes to these names only."""
        return replace(self, writes=writes)

    @property
    def signature(self) -> str:
        """What the command writes near the beginning of each of its files, for `check_file` to find."""
        return f"made by `{self.command}` of asr_helpers"

    @property
    def marker(self) -> str:
        """Name of the empty file that the command leaves in each folder that it writes to."""
        return f"made-by-{self.command.replace(' ', '-')}"

    def check_file(self, path: Path | str, *reads: Path | str | None) -> None:
        """Check that the file `path` is free, or was made by this command, and is none of `reads`.

        Raises:
            NotOursError: it is not.
            OSError: the file cannot be read.
        """
        path = Path(path)
        if not os.path.lexists(path) or path.is_dir():  # writing to a folder fails anyway
            return
        remedy = "give the output another name"
        if any(_same_file(path, read) for read in reads):
            raise NotOursError(f"{path}: `{self.command}` reads this file and would replace it; {remedy}")
        if not path.is_file():
            raise NotOursError(f"{path}: is not a regular file; {remedy}")
        if path.stat().st_size and not self._made(path):
            raise NotOursError(f"{path}: exists, and `{self.command}` did not make it; {remedy}, or delete that file")

    def _made(self, path: Path) -> bool:
        head = _head(path)
        signed = any(fnmatch(path.name, pattern) and head.startswith(first) for pattern, first in self.signs)
        return signed or self.signature.encode() in head

    def check_folder(self, folder: Path | str, *reads: Path | str | None) -> None:
        """Check that `folder` has none of `writes`, or was written by this command; and that none of `reads` is one.

        Raises:
            NotOursError: it is not.
        """
        folder = Path(folder)
        remedy = "choose another folder to write to"
        for read in reads:
            if any(fnmatch(name, pattern) for name in _name_within(folder, read) for pattern in self.writes):
                raise NotOursError(f"{read}: `{self.command}` reads this and would replace it; {remedy}")
        if (folder / self.marker).exists() or self._has_sign(folder):
            return
        for path in sorted(path for pattern in self.writes for path in folder.glob(pattern)):
            if not path.name.startswith("."):  # our locks, and what systems leave in folders
                raise NotOursError(f"{path}: exists, and `{self.command}` did not make it; {remedy}, or delete that")

    def _has_sign(self, folder: Path) -> bool:
        found = ((path, first) for pattern, first in self.signs for path in folder.glob(pattern) if path.is_file())
        return any(_head(path).startswith(first) for path, first in found)

    def claim_folder(self, folder: Path | str, *reads: Path | str | None) -> None:
        """Create `folder` if needed, and mark it as this command's, after `check_folder`.

        Raises:
            NotOursError: the folder is another's.
            OSError: it cannot be written.
        """
        self.check_folder(folder, *reads)
        Path(folder).mkdir(parents=True, exist_ok=True)
        Path(folder, self.marker).touch()


def _same_file(path: Path, read: Path | str | None) -> bool:
    """Return whether both are one file, also through links."""
    try:
        return read is not None and os.path.samefile(path, read)
    except (OSError, ValueError):  # one of them does not exist; ValueError: a name that no file can have
        return False


def _name_within(folder: Path, read: Path | str | None) -> Iterator[str]:
    """Yield the name of the entry of `folder` that is `read` or holds it; "." if `read` is the folder; else nothing."""
    if read is not None:
        try:
            inside = Path(os.path.realpath(read)).relative_to(os.path.realpath(folder))
        except ValueError:  # it lies elsewhere, or can be no file
            return
        yield inside.parts[0] if inside.parts else "."


def _head(path: Path) -> bytes:
    """Return the first bytes of a file, unzipped."""
    with open(path, "rb") as file:
        head = file.read(_HEAD)
    if head[:2] == b"\x1f\x8b":
        try:
            with gzip.open(path) as unzipped:
                return unzipped.read(_HEAD)
        except (OSError, EOFError, zlib.error):
            pass
    return head
