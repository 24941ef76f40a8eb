"""A WAV in a pipe, as it arrives. It is the one common format whose sound can be read before its end is there."""

import io
import re
import struct
from collections.abc import Iterator
from io import BufferedIOBase
from typing import NamedTuple

import numpy as np
import soundfile

from asr_helpers.sound.headers import UNKNOWN_SIZE
from asr_helpers.sound.opening import AudioError

_SUBTYPES = {  # by a WAV's (format, bits)
    (1, 8): "PCM_U8",
    (1, 16): "PCM_16",
    (1, 24): "PCM_24",
    (1, 32): "PCM_32",
    (3, 32): "FLOAT",
    (3, 64): "DOUBLE",
    (6, 8): "ALAW",
    (7, 8): "ULAW",
}
_EXTENSIBLE = 0xFFFE  # the format stands further on
_MOST_HEADER = 2**20  # bytes before the sound: a picture may lie there
_BLOCK_BYTES = 2**16
_MOST_RUBBISH = 4096  # bytes behind the sound that are neither a chunk nor a tag
_CHUNK, _TAG = re.compile(rb"[ -~]{4}"), re.compile(rb"ID3|TAG|.[ -~]{4}", re.DOTALL)  # a chunk may be one byte late


class Wav(NamedTuple):
    """What a WAV's header says about its sound."""

    rate: int  # Hz
    channels: int
    subtype: str  # as libsndfile names it
    frame: int  # bytes of one sample of all channels
    size: int | None  # of the sound, in bytes; None if the header leaves it open

    @property
    def seconds(self) -> float | None:
        """The length of the sound, if the header states it."""
        return self.size / self.frame / self.rate if self.size else None


def read_header(pipe: BufferedIOBase, begin: bytes = b"") -> tuple[bytes, Wav | None]:
    """Return the bytes up to a WAV's sound, and what they say; None if this is no WAV, or one of a rare kind.

    `begin` are bytes that have been read already, at most 12.
    """
    begin, found = begin + pipe.read(12 - len(begin)), None
    if begin[:4] != b"RIFF" or begin[8:] != b"WAVE":
        return begin, None
    while len(begin) < _MOST_HEADER:
        header = pipe.read(8)
        begin += header
        if len(header) < 8:
            break
        name, size = struct.unpack("<4sI", header)
        if name == b"data":
            known = 0 < size < UNKNOWN_SIZE
            return begin, found and found._replace(size=size if known else None)
        if size > _MOST_HEADER:
            break
        content = pipe.read(size + size % 2)
        begin += content
        if name == b"fmt ":
            found = _format(content)
    return begin, None


def _format(content: bytes) -> Wav | None:
    """Return what a chunk `fmt ` says, without the size of the sound; None if libsndfile should look at it."""
    if len(content) < 16:
        return None
    kind, channels, rate, _, frame, bits = struct.unpack("<HHIIHH", content[:16])
    if kind == _EXTENSIBLE and len(content) >= 26:
        kind = int.from_bytes(content[24:26], "little")
    subtype = _SUBTYPES.get((kind, bits))
    if not subtype or not rate or not channels or frame != channels * bits // 8:
        return None
    return Wav(rate, channels, subtype, frame, None)


def read_blocks(pipe: BufferedIOBase, wav: Wav, name: str) -> Iterator[tuple[Wav, np.ndarray]]:
    """Yield the blocks, float32 (samples, channels), of a WAV whose header has been read, and of any joined to it.

    Each recording ends with an empty block.

    Raises:
        AudioError: the sound is cut off, or its header states less sound than there is.
    """
    following: Wav | None = wav
    while following:
        yield from ((following, block) for block in _sound(pipe, following, name))
        following = _behind(pipe, following, name)


def _sound(pipe: BufferedIOBase, wav: Wav, name: str) -> Iterator[np.ndarray]:
    """Yield the blocks of one recording as they arrive, and an empty one at its end."""
    held, read = b"", 0
    while content := pipe.read1(_BLOCK_BYTES if wav.size is None else min(_BLOCK_BYTES, wav.size - read)):
        read += len(content)
        held += content
        whole = len(held) // wav.frame * wav.frame
        if whole:
            yield _decoded(held[:whole], wav)
        held = held[whole:]
    if wav.size and read < wav.size:
        raise AudioError(f"{name}: cut off, {wav.size - read} bytes of sound are missing; fetch it again")
    yield np.zeros((0, wav.channels), np.float32)


def _decoded(content: bytes, wav: Wav) -> np.ndarray:
    """Return whole samples, float32 (samples, channels)."""
    settings = {"samplerate": wav.rate, "channels": wav.channels, "subtype": wav.subtype, "endian": "LITTLE"}
    samples, _ = soundfile.read(io.BytesIO(content), dtype="float32", always_2d=True, format="RAW", **settings)
    return samples


def _behind(pipe: BufferedIOBase, wav: Wav, name: str) -> Wav | None:
    """Return the WAV that is joined behind a sound, if there is one; chunks, tags and zeros are read and dropped."""
    if wav.size is None:
        return None  # it has lasted until the pipe's end
    pipe.read(wav.size % 2)
    while len(header := pipe.read(8)) == 8:
        if header[:4] == b"RIFF":
            return read_header(pipe, header)[1]
        if not _CHUNK.match(header):
            break
        size = int.from_bytes(header[4:], "little")
        _drain(pipe, size + size % 2)
    harmless = not header.strip(b"\0") or _TAG.match(header)
    rest = len(header) + _drain(pipe)
    if rest > _MOST_RUBBISH and not harmless:
        why = f"its header does not count {rest} bytes at the end; correct the header, or save the sound again"
        raise AudioError(f"{name}: {why}")
    return None


def _drain(pipe: BufferedIOBase, most: int = 2**63) -> int:
    """Read and drop `most` bytes, or all if there are fewer; return how many there were."""
    left = most
    while left and (content := pipe.read1(min(_BLOCK_BYTES, left))):
        left -= len(content)
    return most - left
