"""Sound files of a corpus: 16 kHz mono, complete; read as float32, written as 16-bit FLAC."""

import io
from pathlib import Path

import numpy as np
import soundfile

from asr_helpers.sound.opening import AudioError, check_format, open_audio, read_samples

SAMPLE_RATE = 16_000
HOP = 160  # samples from one feature frame to the next, 10 ms: short enough for the burst of a T or a K
MIN_SAMPLES = SAMPLE_RATE * 25 // 1000  # one 25 ms analysis window
CORPUS_SUFFIXES = (".wav", ".flac")
OTHER_SUFFIXES = (".mp3", ".ogg", ".opus", ".aiff", ".aif", ".au", ".sph", ".m4a", ".aac", ".wma", ".webm", ".mp4")
SOUND_SUFFIXES = CORPUS_SUFFIXES + OTHER_SUFFIXES  # usual names of what `own_data.open_recording` reads


def read_audio(path: Path | str, start: int = 0, end: int | None = None) -> np.ndarray:
    """Return the clip at `path`, or its samples `start` to `end`, as float32 (samples,), in [-1, 1), at 16 kHz.

    Raises:
        AudioError: the file is missing, unreadable, cut off, empty, not mono, or of another sample rate.

    Example:
        >>> read_audio("data/mini/test-mini/9002/1/9002-1-0002.flac", 8000, 8400).shape
        (400,)
    """
    path = Path(path)
    with open_audio(path) as audio:
        check_format(path, audio, SAMPLE_RATE)
        samples = read_samples(path, audio, "float32", start, end)
    if not np.isfinite(samples).all():
        raise AudioError(f"{path}: holds samples that are not numbers; replace the file")
    return samples


def to_pcm16(samples: np.ndarray) -> np.ndarray:
    """Return float samples as 16-bit integers; values at full scale or beyond are clipped, not wrapped round.

    Example:
        >>> to_pcm16(np.array([0.5, -1.0, 1.0])).tolist()
        [16384, -32768, 32767]
    """
    return np.clip(np.round(samples * 32768), -32768, 32767).astype("<i2")


def as_flac(samples: np.ndarray, comment: str = "") -> bytes:
    """Return float samples at 16 kHz as a 16-bit FLAC; values beyond full scale are clipped.

    Example:
        >>> as_flac(np.zeros(400))[:4]
        b'fLaC'
    """
    content = io.BytesIO()
    with soundfile.SoundFile(content, "w", SAMPLE_RATE, 1, "PCM_16", format="FLAC") as file:
        if comment:
            file.comment = comment
        file.write(to_pcm16(samples))
    return content.getvalue()


def num_frames(samples: int) -> int:
    """Return the number of feature frames in `samples` audio samples: one centred on every hop.

    Example:
        >>> num_frames(16_000)
        101
    """
    return 1 + samples // HOP
