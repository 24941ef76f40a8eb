"""How much sound a file's header promises, in any container: libsndfile reads a cut-off file without complaint."""

import math
import os
import re
import shlex
import struct
from pathlib import Path
from typing import BinaryIO, NamedTuple

UNKNOWN_LENGTH = 2**62  # samples: libsndfile reports about 2**63 if a header leaves the length open
# Sizes from here up mean "not known yet": most programs write 2**32 - 1, SoX 0x7ffff000, arecord 0x80000000.
UNKNOWN_SIZE = 0x7FFF0000
_MOST_RUBBISH = 4096  # bytes
_CHUNK_OR_TAG = re.compile(rb"[\0-\xff]?[ -~]{4}|ID3|TAG", re.DOTALL)  # chunks begin at even places, or should
_MAX_CHUNKS = 1000  # more than any file needs: zeros, read as chunks, would take long


class Chunks(NamedTuple):
    """The layout of a container of chunks."""

    first: int  # offset of the first chunk, in bytes
    header: str  # a chunk's name and size, as `struct` writes them
    alignment: int  # bytes
    header_counted: int = 0  # bytes of the chunk's header that its size includes


_CONTAINERS = {  # by the first four bytes
    b"RIFF": Chunks(12, "<4sI", alignment=2),
    b"RIFX": Chunks(12, ">4sI", alignment=2),
    b"RF64": Chunks(12, "<4sI", alignment=2),
    b"FORM": Chunks(12, ">4sI", alignment=2),  # AIFF
    b"riff": Chunks(40, "<4s12xQ", alignment=8, header_counted=24),  # Wave64
    b"caff": Chunks(8, ">4sQ", alignment=1),
}


def conversion_command(path: Path, rate: int) -> str:
    """Return a shell command that converts a clip in place to `rate` Hz mono, and keeps the original as `.orig`."""
    new, kind = f"{path}.16k", "flac" if path.suffix.lower() == ".flac" else "wav"
    # "file:" keeps ffmpeg from taking 12:30.wav for a protocol.
    convert = ["ffmpeg", "-i", f"file:{path}", "-ac", "1", "-ar", str(rate), "-f", kind, f"file:{new}"]
    moves = ["mv", "--", str(path), f"{path}.orig"], ["mv", "--", new, str(path)]
    return " && ".join(map(shlex.join, [convert, *moves]))


def missing_bytes(path: Path | str) -> int:
    """Return how many bytes of sound the header promises that are not in the file; 0 if it promises none.

    Only the sound counts: the size of the whole file in the header, and anything after the sound, are often wrong and
    harmless. A FLAC, Ogg or MP3 file promises nothing before it is decoded.
    """
    with open(path, "rb") as file:
        return check_promise(file, os.path.getsize(path))[0]


def check_promise(file: BinaryIO, size: int) -> tuple[int, int]:
    """Return (missing, unread) of a file of `size` bytes: see `missing_bytes`; and the bytes that no reader will read.

    The latter lie behind the sound of a WAV, and are no chunk: its header states less sound than there is. Zeros, tags
    and less than `_MOST_RUBBISH` bytes are harmless.
    """
    file.seek(0)
    begin = file.read(1024)
    start, promised = _sound_chunk(file, size) if begin[:4] in _CONTAINERS else _sound_after_header(begin)
    end = start + promised
    if begin[:4] == b"RIFF" and promised and size - end > _MOST_RUBBISH:
        file.seek(end)
        behind = file.read(_MOST_RUBBISH)
        if behind.strip(b"\0") and not _CHUNK_OR_TAG.match(behind):
            return 0, size - end
    return max(0, end - size), 0


def _sound_chunk(file: BinaryIO, size: int) -> tuple[int, int]:
    """Return the offset of the sound and its promised length, both in bytes, by walking the chunks."""
    file.seek(0)
    kind = file.read(4)
    layout = _CONTAINERS[kind]
    place, header_bytes = layout.first, struct.calcsize(layout.header)
    long = None  # RF64: the true size, in a chunk of its own
    for _ in range(_MAX_CHUNKS):
        if place + header_bytes > size:
            break
        file.seek(place)
        name, length = struct.unpack(layout.header, file.read(header_bytes))
        length -= min(layout.header_counted, length)
        place += header_bytes
        if name == b"ds64":
            long = struct.unpack("<8xQ", file.read(16).ljust(16, b"\0"))[0]
        if name in (b"data", b"SSND"):
            known = long is not None or kind in (b"riff", b"caff") or length < UNKNOWN_SIZE
            length = long if long is not None and length == 2**32 - 1 else length
            return place, length if known and length < UNKNOWN_LENGTH else 0
        place += -(-length // layout.alignment) * layout.alignment  # in integers: length has up to 64 bits
    return 0, 0  # no sound: libsndfile reports that


def _sound_after_header(begin: bytes) -> tuple[int, int]:
    """Return the same as `_sound_chunk` for Sun's and NIST's files: one header, then the sound."""
    if begin[:4] in (b".snd", b"dns."):
        place, length = struct.unpack(">II" if begin[:4] == b".snd" else "<II", begin[4:12].ljust(8, b"\0"))
        return place, length if length < UNKNOWN_SIZE else 0
    if header := re.match(rb"NIST_1A\n\s*(\d+)", begin):
        counts = dict(re.findall(rb"(sample_count|sample_n_bytes|channel_count) -i (\d{1,12})\b", begin))
        return int(header[1]), math.prod(int(count) for count in counts.values()) if len(counts) == 3 else 0
    return 0, 0
