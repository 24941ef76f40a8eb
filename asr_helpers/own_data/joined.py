"""Files that hold several recordings, one behind the other: libsndfile reads the first of them, in silence.

Radio streams are chained Ogg; `cat` joins files of any kind; and an MP3 need not say how long it is.
"""

import io
import mmap
import os
import re
import struct
from typing import BinaryIO, NamedTuple

from asr_helpers.sound.headers import UNKNOWN_SIZE

_STARTS = {  # by the first bytes: what each recording of such a file begins with
    b"RIFF": rb"RIFF....WAVE",
    b"RF64": rb"RF64....WAVE",
    b"FORM": rb"FORM....AIF[FC]",
    b"fLaC": rb"fLaC[\x00\x80]\x00\x00\x22",  # a STREAMINFO block of 34 bytes
}
_OGG_PAGE = re.compile(rb"OggS\0([\x00-\x07])")
_OGG_BEGINS = 2  # in a page's flags: it begins a stream
_MP3_LENGTH = re.compile(rb"Xing|Info|VBRI")  # in the first frame of a file, near its beginning
_MP3_SYNC = re.compile(rb"\xff[\xe2-\xff]")
_MP3_RATES = (44100, 48000, 32000)
_MP3_KILOBITS = {  # by (MPEG 1, layer)
    (True, 3): (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (True, 2): (0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (False, 3): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, 2): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
MP3_SLACK = 4608  # samples: the decoder drops what the encoder added before and behind, at most four frames


class Part(NamedTuple):
    """A recording in a file, from byte `start` to `end`; of an MP3 also its samples, counted by its frames.

    `missing` is how many bytes its last page or frame lacks, in an Ogg or MP3 that is cut off.
    """

    start: int
    end: int
    samples: int = 0
    missing: int = 0


class Slice(io.RawIOBase):
    """The bytes `start` to `end` of an open file, as a file of their own; several may read the same file in turn."""

    def __init__(self, file: BinaryIO, part: Part):
        self._file = file
        self._start, self._size, self._place = part.start, part.end - part.start, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._place = max(0, offset + (0, self._place, self._size)[whence])
        return self._place

    def tell(self) -> int:
        return self._place

    def readinto(self, buffer) -> int:
        self._file.seek(self._start + self._place)
        content = self._file.read(max(0, min(len(buffer), self._size - self._place)))
        buffer[: len(content)] = content
        self._place += len(content)
        return len(content)


def find_parts(file: BinaryIO, mp3: bool) -> list[Part]:
    """Return the recordings in an open WAV, AIFF, FLAC, Ogg or, if `mp3` is set, MP3; none if it is of another kind.

    Only a decoder knows an MP3. In the samples of other files, what looks like a frame of it may be everywhere.
    """
    begin, size = file.read(8), os.fstat(file.fileno()).st_size
    kind, order = begin[:4], "big" if begin[:4] == b"FORM" else "little"
    if kind in (b"RIFF", b"FORM") and size <= int.from_bytes(begin[4:], order) + 9 < UNKNOWN_SIZE:
        return [Part(0, size)]  # nothing is behind it
    try:
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except ValueError:  # it is empty, or one of the kernel's
        return []
    with mapped as content:
        if kind in _STARTS:
            starts = [found.start() for found in re.finditer(_STARTS[kind], content, re.DOTALL)]
        elif kind == b"OggS":
            starts = _ogg_starts(content)
        else:
            return _mp3_parts(content) if mp3 else []
        ends = [*starts[1:], len(content)] if starts else []  # none: its first page is damaged
        parts = [Part(*both) for both in zip(starts, ends, strict=True)]
        if kind == b"OggS" and parts:
            parts[-1] = parts[-1]._replace(missing=_ogg_missing(content))
        return parts


def _ogg_starts(content: mmap.mmap) -> list[int]:
    """Return where a stream begins behind the pages of another; streams that are interleaved begin together."""
    starts, between = [], True
    for page in _OGG_PAGE.finditer(content):
        begins = bool(page[1][0] & _OGG_BEGINS)
        if begins and between:
            starts.append(page.start())
        between = not begins
    return starts


def _ogg_missing(content: mmap.mmap) -> int:
    """Return how many bytes the last page lacks: behind its header of 27 bytes stand the sizes of its segments."""
    page = content[content.rfind(b"OggS\0") :]
    if len(page) < 27 or len(page) < 27 + page[26]:
        return 1
    return max(0, 27 + page[26] + sum(page[27 : 27 + page[26]]) - len(page))


def _mp3_parts(content: mmap.mmap) -> list[Part]:
    """Return the recordings of an MP3: each begins with an ID3 tag or with a frame that holds its length."""
    parts: list[Part] = []
    place, start, in_step, stated = 0, 0, False, 0
    while place < len(content):
        if content[place : place + 3] == b"ID3":
            start, size = place, content[place + 6 : place + 10].ljust(4, b"\0")
            place += 10 + sum((byte & 127) << shift for byte, shift in zip(size, (21, 14, 7, 0), strict=True))
            continue
        frame = _mp3_frame(content, place)
        if frame is None or not (in_step or place + frame[0] == len(content) or _mp3_frame(content, place + frame[0])):
            in_step, found = False, _MP3_SYNC.search(content, place + 1)
            tag = content.find(b"ID3", place + 1, found.start() if found else len(content))
            if found is None and tag < 0:
                break
            place = tag if tag >= 0 else found.start()
            continue
        in_step, (size, samples) = True, frame
        length = _MP3_LENGTH.search(content, place, place + 48)
        if length and not parts and (frames := _frames_to_end(content, place, length.start())):
            return [Part(0, len(content), frames * samples)]  # as most are: no need to look at each frame
        if length and not parts:
            stated = samples * int.from_bytes(content[length.start() + 8 : length.start() + 12], "big")
        if not parts or length or start >= parts[-1].end:
            first = start if not parts or start >= parts[-1].end else place
            parts.append(Part(first, place, 0))
        begin, _, counted, _ = parts[-1]
        place += size
        parts[-1] = Part(begin, place, counted + (0 if length else samples))
    if len(parts) == 1 and place > len(content) and parts[0].samples <= stated:
        return [parts[0]._replace(missing=place - len(content))]
    return parts


def _frames_to_end(content: mmap.mmap, place: int, length: int) -> int:
    """Return how many frames a Xing header at `length` states; 0 if it does not state that they fill the file.

    The header lies in the frame at `place`, from which its bytes count; a tag of 128 bytes may follow them.
    """
    flags, frames, size = struct.unpack(">III", content[length + 4 : length + 16].ljust(12, b"\0"))
    tag = 128 if content[-128:-125] == b"TAG" else 0
    return frames if flags & 3 == 3 and place + size == len(content) - tag else 0


def _mp3_frame(content: mmap.mmap, place: int) -> tuple[int, int] | None:
    """Return the (bytes, samples) of the MPEG audio frame at `place`; None if there is none, or one of layer I."""
    header = content[place : place + 4]
    if len(header) < 4 or header[0] != 0xFF or header[1] < 0xE2:
        return None
    version, layer, row = header[1] >> 3 & 3, 4 - (header[1] >> 1 & 3), header[2] >> 4
    if version == 1 or layer not in (2, 3) or row in (0, 15) or header[2] >> 2 & 3 == 3:
        return None
    first = version == 3  # MPEG 1; 2 is MPEG 2 with half its rates, 0 is MPEG 2.5 with a quarter
    rate = _MP3_RATES[header[2] >> 2 & 3] // {3: 1, 2: 2, 0: 4}[version]
    samples = 1152 if first or layer == 2 else 576
    return samples * 125 * _MP3_KILOBITS[first, layer][row] // rate + (header[2] >> 1 & 1), samples
