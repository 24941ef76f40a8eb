"""ARPA, the text format for back-off n-grams that every decoder reads: log10 probability, words, log10 back-off."""

import gzip
import itertools
import re
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import BinaryIO, cast

from tqdm import tqdm

from asr_helpers.system import files
from asr_helpers.system.claims import Maker
from asr_helpers.system.errors import OneLineError
from asr_helpers.system.text_files import read_lines

START, END, UNKNOWN = "<s>", "</s>", "<unk>"
LOG10_ZERO = -99.0  # ARPA's log10(0), for `<s>`, which follows nothing
_MAX_COMMENT_LINES = 1000  # before the n-grams
_KENLM = b"mmap lm http://kheafield.com/code"
MAKER = Maker("asr lm", signs=(("*.lm", b"ASRL"),))  # a packed model begins so


class LanguageModelError(OneLineError):
    """A language model, its text or its settings are unusable."""


def write_arpa(path: Path | str, sizes: list[int], sections: Iterable[Iterable[tuple[float, str, float]]]) -> None:
    """Write n-grams as ARPA, gzipped if the name ends in `.gz`; the same n-grams give the same bytes.

    Args:
        path: the file.
        sizes: the number of n-grams of each length.
        sections: for each length, its n-grams: log10 probability, words, log10 back-off.

    Raises:
        NotOursError: the file exists, and was not written by this function.
    """
    path = Path(path)
    MAKER.check_file(path)
    with files.atomic_write(path) as part:
        _write_lines(part, sizes, sections, packed=path.suffix == ".gz")


def _write_lines(part: Path, sizes: list[int], sections: Iterable, packed: bool) -> None:
    with ExitStack() as opened:
        file: BinaryIO = opened.enter_context(open(part, "wb"))
        if packed:
            file = cast(BinaryIO, opened.enter_context(gzip.GzipFile("", "wb", 9, file, mtime=0)))
        bar = opened.enter_context(tqdm(total=sum(sizes), desc="writing", disable=None, delay=1))
        counts = (f"ngram {length}={size}\n" for length, size in enumerate(sizes, start=1))
        file.write((f"# {MAKER.signature}\n\\data\\\n" + "".join(counts)).encode())
        for length, section in enumerate(sections, start=1):
            file.write(f"\n\\{length}-grams:\n".encode())
            for log_prob, words, backoff in section:
                weight = f"\t{backoff:.3f}" if backoff else ""
                file.write(f"{log_prob:.3f}\t{words}{weight}\n".encode())
                bar.update()
        file.write(b"\n\\end\\\n")


def read_arpa(path: Path | str) -> Iterator[tuple[int, Iterator[str]]]:
    """Yield each length of n-grams with its lines, plain or gzipped; the caller must read all lines.

    Raises:
        TextError: the file is missing or cannot be read.
        LanguageModelError: it is not ARPA, or cut off.
    """
    with suppress(OSError), open(path, "rb") as file:
        if file.read(len(_KENLM)) == _KENLM:
            raise LanguageModelError(
                f"{path}: a binary file of KenLM, not ARPA; name the ARPA file that it was made from"
            )
    lines = filter(str.strip, read_lines(path))
    if not any(line.startswith("\\data\\") for line in itertools.islice(lines, _MAX_COMMENT_LINES)):
        raise LanguageModelError(f"{path}: not an ARPA file; make one with `asr lm`")
    sizes: list[int] = []
    for line in lines:
        size = re.fullmatch(rf"ngram\s+{len(sizes) + 1}\s*=\s*([0-9]{{1,18}})\s*", line)
        if not size:
            break
        sizes.append(int(size[1]))
    if not sizes:
        raise LanguageModelError(f"{path}: names no n-grams; make it again with `asr lm`")
    for length, count in enumerate(sizes, start=1):
        if line.strip() != f"\\{length}-grams:":
            raise broken(path, line)
        yield length, itertools.islice(lines, count)
        line = next(lines, "its end")
    if line.strip() != "\\end\\":
        raise broken(path, line)


def broken(path: Path | str, line: str) -> LanguageModelError:
    """Return the error for a line that is not valid ARPA at its place."""
    return LanguageModelError(f"{path}: incomplete, or not ARPA, at {line[:60]!r}; fetch or make it again")
