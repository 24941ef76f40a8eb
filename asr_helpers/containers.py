"""How much sound a file's header promises, whatever the container: libsndfile takes what is there and says nothing."""

import math
import os
import re
import struct
from pathlib import Path

# Written where the length was not known yet: 0 or 2**32 - 1 by most, 0x7ffff000 by SoX, 0x80000000 by arecord.
_UNKNOWN = 0x7FFF0000

# First bytes: (where the first chunk stands, a chunk's header, what its size leaves out of account, alignment).
_CHUNKED = {
    b"RIFF": (12, "<4sI", 0, 2),
    b"RIFX": (12, ">4sI", 0, 2),
    b"RF64": (12, "<4sI", 0, 2),
    b"FORM": (12, ">4sI", 0, 2),  # AIFF
    b"riff": (40, "<4s12xQ", 24, 8),  # Wave64, whose sizes count the chunk's header
    b"caff": (8, ">4sQ", 0, 1),
}


def missing_bytes(path: Path | str) -> int:
    """Return how many bytes of sound the header promises that are not in the file; 0 where it makes no promise.

    Only the sound counts: what the header says about the whole file, or what lies behind the sound, is often
    wrong, and harmless. Of a FLAC, an Ogg or an MP3 nothing is known before it is decoded.
    """
    size = os.path.getsize(path)
    with open(path, "rb") as file:
        begin = file.read(1024)
        place, promised = _chunked_sound(file, size) if begin[:4] in _CHUNKED else _headed_sound(begin)
    return max(0, place + promised - size)


def _chunked_sound(file, size: int) -> tuple[int, int]:
    """Return where the sound begins and how many bytes of it there should be, by walking the chunks."""
    file.seek(0)
    kind = file.read(4)
    place, header, counted, alignment = _CHUNKED[kind]
    long = None  # RF64: the true size stands in a chunk of its own
    for _ in range(1000):  # more chunks than any file needs: zeros, read as chunks, would take long
        if place + struct.calcsize(header) > size:
            break
        file.seek(place)
        name, length = struct.unpack(header, file.read(struct.calcsize(header)))
        length -= min(counted, length)
        place += struct.calcsize(header)
        if name == b"ds64":
            long = struct.unpack("<8xQ", file.read(16).ljust(16, b"\0"))[0]
        if name in (b"data", b"SSND"):
            known = long is not None or kind in (b"riff", b"caff") or length < _UNKNOWN
            length = long if long is not None and length == 2**32 - 1 else length
            return place, length if known and length < 2**62 else 0
        place += -(-length // alignment) * alignment
    return 0, 0  # no sound: libsndfile's own affair


def _headed_sound(begin: bytes) -> tuple[int, int]:
    """Return the same of Sun's and NIST's files, which have one header and then the sound."""
    if begin[:4] in (b".snd", b"dns."):
        place, length = struct.unpack(">II" if begin[:4] == b".snd" else "<II", begin[4:12].ljust(8, b"\0"))
        return place, length if length < _UNKNOWN else 0
    if header := re.match(rb"NIST_1A\n\s*(\d+)", begin):
        counts = dict(re.findall(rb"(sample_count|sample_n_bytes|channel_count) -i (\d{1,12})\b", begin))
        return int(header[1]), math.prod(int(count) for count in counts.values()) if len(counts) == 3 else 0
    return 0, 0
