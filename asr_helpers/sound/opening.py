"""Open a sound file and read its samples; every fault of the file is an `AudioError`."""

import os
from pathlib import Path

import numpy as np
import soundfile

from asr_helpers.sound.headers import UNKNOWN_LENGTH, conversion_command, missing_bytes
from asr_helpers.system.errors import OneLineError

_BLOCK_SAMPLES = 2**22  # per read: a damaged header may promise more than fits in memory


class AudioError(OneLineError):
    """A sound file is unusable."""


def open_audio(path: Path) -> soundfile.SoundFile:
    """Open a sound file whose header states its length, and which is not visibly cut off.

    Raises:
        AudioError: the file is missing, unreadable or cut off, or its header does not state the length.
    """
    if not path.is_file():
        wrong = "is a folder or a pipe; name a file" if path.exists() else "no such file; check the path"
        raise AudioError(f"{path}: {wrong}")
    try:
        missing = missing_bytes(path)
        audio = sound_file(path)
    except OSError as error:
        raise AudioError(f"{path}: cannot be read ({error.strerror}); correct its permissions") from None
    except soundfile.SoundFileError as error:
        raise AudioError(f"{path}: not readable as audio ({reason(error)}); replace the file") from None
    if audio.frames > UNKNOWN_LENGTH:
        audio.close()
        raise AudioError(f"{path}: the header does not state the length; rewrite the file with ffmpeg")
    if missing:
        audio.close()
        raise AudioError(f"{path}: cut off, the header promises {missing} more bytes; fetch or convert it again")
    return audio


def sound_file(path: Path) -> soundfile.SoundFile:
    """Open a sound file; its name need not be UTF-8."""
    if path.suffix.lower() == ".raw":  # soundfile would take the name for a format, and ask for its rate
        return soundfile.SoundFile(os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0)))
    return soundfile.SoundFile(os.fsencode(path) if os.name == "posix" else path)


def check_format(path: Path, audio: soundfile.SoundFile, rate: int) -> None:
    """Check that an open file is at `rate` Hz, mono and not empty.

    Raises:
        AudioError: it is not; the message holds the command that converts it.
    """
    if (audio.samplerate, audio.channels) != (rate, 1):
        found = f"{audio.samplerate} Hz, {audio.channels} channel{'s' if audio.channels > 1 else ''}"
        raise AudioError(f"{path}: {found} where {rate} Hz mono is needed; run {conversion_command(path, rate)}")
    if audio.frames == 0:
        raise AudioError(f"{path}: holds no samples; remove or replace the file")


def read_samples(
    path: Path, audio: soundfile.SoundFile, dtype: str, start: int = 0, end: int | None = None
) -> np.ndarray:
    """Return the samples `start` to `end` of an open file, (samples,).

    Args:
        path: of the file, for messages.
        audio: the open file, at its beginning.
        dtype: of the result: "float32" in [-1, 1), or "int32", left-aligned.
        start: the first sample.
        end: one past the last sample; None reads to the end.

    Raises:
        AudioError: the decoder fails, or gives fewer samples than the header promises.
    """
    remedy = "fetch or convert it again"
    missing = (audio.frames if end is None else min(end, audio.frames)) - start
    blocks: list[np.ndarray] = []
    try:
        if start:
            audio.seek(start)
        while missing or not blocks:
            blocks.append(audio.read(min(missing, _BLOCK_SAMPLES), dtype))
            missing -= len(blocks[-1])
            if missing and not len(blocks[-1]):
                raise AudioError(f"{path}: cut off, {missing} of {audio.frames} samples are missing; {remedy}")
    except soundfile.SoundFileError as error:
        raise AudioError(f"{path}: not decodable ({reason(error)}); {remedy}") from None
    return np.concatenate(blocks) if len(blocks) > 1 else blocks[0]


def flac_comment(flac: Path) -> str | None:
    """Return the comment that `as_flac` wrote to a FLAC; None if there is no such file."""
    try:
        with soundfile.SoundFile(flac) as file:
            return file.comment
    except (OSError, soundfile.SoundFileError):
        return None


def reason(error: soundfile.SoundFileError) -> str:
    """Return libsndfile's message for an error, without its prefix and full stop."""
    return str(getattr(error, "error_string", error)).strip().rstrip(".")
