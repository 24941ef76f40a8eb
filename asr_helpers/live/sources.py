"""Where live sound comes from: a microphone, or raw samples in a pipe."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BufferedIOBase
from queue import SimpleQueue
from typing import Any

import numpy as np

from asr_helpers.sound.audio import SAMPLE_RATE
from asr_helpers.system.errors import OneLineError, first_line

BLOCK_SECONDS = 0.1
SAMPLE_BYTES = 2  # of a raw sample, s16le


class SourceError(OneLineError):
    """There is no sound to listen to."""


def raw_blocks(pipe: BufferedIOBase) -> Iterator[np.ndarray]:
    """Yield float32 samples of a pipe as they arrive: it holds signed 16-bit little-endian samples, mono at 16 kHz.

    Args:
        pipe: with `read1`, such as `sys.stdin.buffer`.
    """
    held = b""
    while content := pipe.read1(int(BLOCK_SECONDS * SAMPLE_RATE) * SAMPLE_BYTES):
        held += content
        whole = len(held) // SAMPLE_BYTES * SAMPLE_BYTES
        yield np.frombuffer(held[:whole], "<i2").astype(np.float32) / 32768
        held = held[whole:]


def resampled(blocks: Iterator[np.ndarray], rate: int) -> Iterator[np.ndarray]:
    """Yield blocks of mono samples at `rate` Hz as blocks at 16 kHz."""
    if rate == SAMPLE_RATE:
        yield from blocks
        return
    import soxr

    stream = soxr.ResampleStream(rate, SAMPLE_RATE, 1, dtype="float32")
    for block in blocks:
        yield stream.resample_chunk(block)
    yield stream.resample_chunk(np.zeros(0, np.float32), last=True)


@dataclass
class Microphone:
    """An open microphone; `blocks` go on until an exception ends the wait for the next one, such as Ctrl-C."""

    name: str
    rate: int  # its own, in Hz: many refuse 16 kHz
    overflows: int = 0  # how many times the system lost sound because nobody fetched it
    queue: SimpleQueue = field(default_factory=SimpleQueue)

    @property
    def blocks(self) -> Iterator[np.ndarray]:
        """The blocks of samples, float32 (samples,) at 16 kHz; those that arrived before the first request as well."""
        return resampled(self._queued(), self.rate)

    def _queued(self) -> Iterator[np.ndarray]:
        while (block := self.queue.get()) is not None:
            yield block

    def receive(self, samples: np.ndarray, frames: int, time: Any, status: Any) -> None:
        """Queue a block, (samples, channels); the sound system calls this in a thread that must not wait."""
        self.overflows += bool(status.input_overflow)
        self.queue.put(samples[:, 0].copy())


@contextmanager
def microphone(device: str | None = None) -> Iterator[Microphone]:
    """Open a microphone: its number, a part of its name, or None for the system's default.

    Raises:
        SourceError: sounddevice or PortAudio is missing, or there is no such device, or it cannot be opened.
    """
    sounddevice = _sounddevice()
    with _naming_faults(sounddevice.PortAudioError, ValueError):
        wanted = int(device) if device and device.isdecimal() else device
        found = sounddevice.query_devices(wanted, "input")
        opened = Microphone(found["name"], int(found["default_samplerate"]))
        stream = sounddevice.InputStream(
            device=wanted,
            channels=1,
            samplerate=opened.rate,
            blocksize=int(BLOCK_SECONDS * opened.rate),
            dtype="float32",
            callback=opened.receive,
            finished_callback=lambda: opened.queue.put(None),  # it was unplugged
        )
    with stream:
        yield opened


def _sounddevice() -> Any:
    try:
        import sounddevice
    except ModuleNotFoundError:
        raise SourceError("a microphone needs sounddevice: pip install sounddevice, or pipe samples to `-`") from None
    except OSError as error:
        remedy = "apt install libportaudio2, or the like; or pipe samples to `-`"
        raise SourceError(f"a microphone needs PortAudio ({first_line(error)}): {remedy}") from None
    return sounddevice


@contextmanager
def _naming_faults(*errors: type[Exception]) -> Iterator[None]:
    try:
        yield
    except errors as error:
        remedy = "`python -m sounddevice` lists what there is; or pipe samples to `-`"
        raise SourceError(f"no microphone ({first_line(error)}); {remedy}") from None
