"""Files that are there whole or not at all, whatever ends the process, and folders where one process works."""

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path

from asr_helpers.text import printable

_ours: set[Path] = set()  # folders where this process is alone: their files need no locks of their own
PART = ".part-"  # begins the name of what is being written; the name's end stays, by which libraries choose a format


@contextmanager
def whole(path: Path | str, bulk: bool = False) -> Iterator[Path]:
    """Yield a hidden name beside `path` to write to; on leaving, what is there becomes `path`.

    The bytes are on the disk before the name is, and the name is when this returns, so neither a kill nor a power
    cut leaves half a file or loses the one before. After an error nothing is left of the attempt.

    Args:
        bulk: for thousands of small files: leave the disk its own time, until one `flush` at the end; and rely on
            `alone` for the whole folder.

    Raises:
        OSError: as the writing raised it, with a file's name.
    """
    path = Path(path)
    part = path.with_name(PART + path.name)
    ours = bulk or path.parent.resolve() in _ours
    with nullcontext() if ours else alone(path.parent, path.name):
        try:
            yield part
            if bulk:
                os.replace(part, path)
            else:
                settle(part, path)
        except BaseException as error:
            with suppress(OSError):
                part.unlink()
            if isinstance(error, OSError) and error.errno and not error.filename:
                raise OSError(error.errno, error.strerror, str(path)) from error
            raise


def write(path: Path | str, content: bytes | str, bulk: bool = False) -> None:
    """Write `content` to `path`, text as UTF-8; `whole` says how, and what `bulk` is."""
    with whole(path, bulk) as part:
        part.write_bytes(content.encode() if isinstance(content, str) else content)


def settle(source: Path | str, target: Path | str) -> None:
    """Rename `source`, once the disk has all of it, and wait until the disk has the new name."""
    _force(Path(source))
    os.replace(source, target)
    _force(Path(target).parent)


def _force(path: Path) -> None:
    """Wait until the disk has what was written to a file, or the names in a folder."""
    if path.is_dir() and os.name != "posix":
        return  # Windows opens no folder, and writes names in order
    descriptor = os.open(path, os.O_RDONLY if os.name == "posix" else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def flush() -> None:
    """Wait until the disks have everything that was written: one wait for many files."""
    getattr(os, "sync", lambda: None)()


def clear(folder: Path | str) -> None:
    """Remove what killed runs left half-written in `folder`; to be called where one is `alone`."""
    for part in Path(folder).glob(f"{PART}*"):
        if not part.is_dir():
            part.unlink(missing_ok=True)


def check_writable(path: Path | str) -> None:
    """Make the folder of `path` and see that a file can be written there, before hours of work for it.

    Raises:
        OSError: it cannot.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_dir():
        raise OSError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    part = path.with_name(PART + path.name)
    part.touch()
    part.unlink(missing_ok=True)


@contextmanager
def alone(folder: Path | str, what: str = "") -> Iterator[bool]:
    """Make `folder` and work there (on the file `what` there) while no other process does; True if that meant to wait.

    Whoever comes second says so in a line on stderr and waits. The lock is the operating system's, so that a kill
    releases it; its file, `.lock…`, goes with the work.
    """
    from filelock import FileLock, Timeout

    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f".lock{'-' * bool(what)}{what}"
    lock, waited = FileLock(path), False
    try:
        lock.acquire(timeout=0)
    except Timeout:
        waited = True
        print(
            printable(f"asr: {folder / what}: another process works here; waiting for its end"),
            file=sys.stderr,
        )
        lock.acquire()
    if not what:
        _ours.add(folder.resolve())
    try:
        yield waited
    finally:
        if not what:
            _ours.discard(folder.resolve())
        with suppress(OSError):  # Windows keeps a file that is open
            path.unlink()  # whoever waits does not take a lock whose file is gone, but makes a new one
        lock.release()
