"""Atomic writes, and folders that one process locks; `claims` decides what may be replaced."""

import errno
import hashlib
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path

from asr_helpers.system.errors import printable

PART = ".part-"  # prefix of a temporary file; its suffix stays, because libraries choose a format by it
LOCK = ".lock-"  # prefix of the lock of a file
LONGEST_NAME = 255  # bytes, of a file's name on the common file systems
_locked: set[Path] = set()  # folders that this process has locked: their files need no locks of their own


@contextmanager
def atomic_write(path: Path | str, bulk: bool = False) -> Iterator[Path]:
    """Write `path` atomically: yield a temporary path in the same folder, and rename it to `path` on success.

    Data and directory entry are fsynced first, so a crash leaves the old file or the new one, never half. On an
    exception the temporary file is deleted.

    `bulk` is for thousands of small files: no fsync, which one `sync_disks` at the end replaces, and no lock of the
    file's own, which `exclusive` on the whole folder replaces.

    Raises:
        OSError: the writing failed, or `path` is a device or a pipe; the error names a file.
    """
    path = Path(path)
    if path.exists() and not (path.is_file() or path.is_dir()):  # root may replace /dev/null
        raise OSError(errno.EINVAL, "is not a regular file", str(path))
    part = _companion(path, PART)
    lock_held = bulk or path.parent.resolve() in _locked
    with nullcontext() if lock_held else exclusive(path.parent, path.name):
        try:
            yield part
            if bulk:
                os.replace(part, path)
            else:
                replace_durably(part, path)
        except BaseException as error:
            with suppress(OSError):
                part.unlink()
            if isinstance(error, OSError) and error.errno and not error.filename:
                raise OSError(error.errno, error.strerror, str(path)) from error
            raise


def _companion(path: Path, prefix: str) -> Path:
    """Return the path of the temporary file or of the lock that accompanies `path` while it is written."""
    name = prefix + path.name
    if len(os.fsencode(name)) > LONGEST_NAME:
        name = prefix + hashlib.sha256(os.fsencode(path.name)).hexdigest() + path.suffix
    return path.with_name(name)


def write(path: Path | str, content: bytes | str, bulk: bool = False) -> None:
    """Write `content` to `path` by `atomic_write`, text as UTF-8."""
    with atomic_write(path, bulk) as part:
        part.write_bytes(content.encode() if isinstance(content, str) else content)


def replace_durably(source: Path | str, target: Path | str) -> None:
    """Rename `source` to `target`, with an fsync of the data before and of the directory entry after."""
    _fsync(Path(source))
    os.replace(source, target)
    _fsync(Path(target).parent)


def _fsync(path: Path) -> None:
    """Wait until the disk holds the data of a file, or the entries of a folder."""
    if path.is_dir() and os.name != "posix":
        return  # Windows cannot open a folder, and writes entries in order
    descriptor = os.open(path, os.O_RDONLY if os.name == "posix" else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_disks() -> None:
    """Wait until everything written is on the disks: one wait for many files."""
    if hasattr(os, "sync"):  # not on Windows
        os.sync()


def remove_partials(folder: Path | str) -> None:
    """Remove the temporary files that killed runs left in `folder`; call it while holding `exclusive` there."""
    for part in Path(folder).glob(f"{PART}*"):
        if not part.is_dir():
            part.unlink(missing_ok=True)


def check_writable(path: Path | str) -> None:
    """Create the folder of `path` and check that a file can be written there, before hours of work.

    Raises:
        OSError: no file can be written there.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_dir():
        raise OSError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    part = _companion(path, PART)
    part.touch()
    part.unlink(missing_ok=True)


def print_notice(line: str) -> None:
    """Print `line` to stderr, as a message of the `asr` command."""
    print(f"asr: {line}", file=sys.stderr)


@contextmanager
def exclusive(folder: Path | str, what: str = "", notify: Callable[[str], None] = print_notice) -> Iterator[bool]:
    """Hold an exclusive lock on `folder`, or on the file `what` in it; create the folder if needed.

    It is an OS file lock, so a killed process releases it; the lock file is removed on exit.

    Args:
        folder: the folder to lock.
        what: name of a file in `folder` to lock instead.
        notify: called with one line before this process waits for another.

    Yields:
        True if this process had to wait.
    """
    from filelock import FileLock, Timeout

    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    path = _companion(folder / what, LOCK) if what else folder / ".lock"
    lock, waited = FileLock(path), False
    try:
        lock.acquire(timeout=0)
    except Timeout:
        waited = True
        notify(printable(f"{folder / what}: another process is working here; waiting for it to finish"))
        lock.acquire()
    if not what:
        _locked.add(folder.resolve())
    try:
        yield waited
    finally:
        if not what:
            _locked.discard(folder.resolve())
        with suppress(OSError):  # Windows keeps a file that is open
            path.unlink()  # a waiting process does not take a lock whose file is gone; it makes a new one
        lock.release()
