"""Any recording, as the recogniser hears it: mono at 16 kHz, block after block, in bounded memory.

A corpus is strict (`corpus.read_audio`); what one wants transcribed comes as it is. libsndfile reads WAV of every
depth, FLAC, Ogg, Opus, MP3 and more; for video, M4A and the rest ffmpeg is asked, where it is installed.
"""

import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from asr_helpers.containers import missing_bytes
from asr_helpers.corpus import MIN_SAMPLES, SAMPLE_RATE, CorpusError, _reason, sound_file

STDIN = "-"
BLOCK_SECONDS = 10
_UNKNOWN_LENGTH = 2**62  # libsndfile reports about 2**63 samples where a header leaves the length open


@dataclass(frozen=True)
class Recording:
    """A recording that is open: its name, its length where that is known, and its sound, to be read once."""

    name: str
    seconds: float | None
    blocks: Iterator[np.ndarray]  # float32 (samples,), mono at `SAMPLE_RATE`, about ten seconds each
    remark: str = ""  # what was done to it that may not be what its owner wants, and the mend; one line


@contextmanager
def open_recording(path: Path | str) -> Iterator[Recording]:
    """Open the recording at `path`, of any rate and number of channels; `-` is standard input.

    Channels are averaged, and the rate is changed by libsoxr (its "HQ" setting). A pipe is first written to a
    temporary file, because few formats can be read in one go.

    Raises:
        CorpusError: the file is missing, unreadable, cut off or empty; also while `blocks` are read.
    """
    name = "standard input" if str(path) == STDIN else str(path)
    with _as_file(path, name) as file:
        audio, reason = _open(file)
        if audio is None:
            yield Recording(name, None, _checked(name, _ffmpeg_blocks(file, name, reason)))
            return
        with audio:
            if missing := missing_bytes(file):
                raise CorpusError(f"{name}: cut off, {missing} bytes of sound are missing; fetch it again")
            seconds = audio.frames / audio.samplerate if audio.frames < _UNKNOWN_LENGTH else None
            remark = _averaged(path, name, audio.channels) if audio.channels > 1 else ""
            yield Recording(name, seconds, _checked(name, _soundfile_blocks(audio, name)), remark)


def read_recording(path: Path | str) -> np.ndarray:
    """Return the whole recording at `path` as float32 (samples,), mono at `SAMPLE_RATE`; see `open_recording`."""
    with open_recording(path) as recording:
        return np.concatenate(list(recording.blocks))


def _averaged(path: Path | str, name: str, channels: int) -> str:
    """Return what is said of a recording of several channels: an interview may have one speaker on each."""
    remark = f"{name}: the mean of {channels} channels was heard"
    if str(path) == STDIN:
        return remark
    alone = Path(path).with_name(f"{Path(path).stem}-16k.wav")
    command = ["ffmpeg", "-i", f"file:{path}", "-af", "pan=mono|c0=c0"]  # "file:" as in `_ffmpeg_blocks`
    command += ["-ar", str(SAMPLE_RATE), f"file:{alone}"]
    return f"{remark}; if they differ, and for the first alone, run {shlex.join(command)}"


@contextmanager
def _as_file(path: Path | str, name: str) -> Iterator[Path]:
    """Give a path at which the sound lies in a regular file."""
    path = Path(path)
    if path.is_file() and str(path) != STDIN:
        yield path
        return
    if path.is_dir():
        raise CorpusError(f"{name}: a folder; name the recordings in it")
    if str(path) != STDIN and not path.exists():
        raise CorpusError(f"{name}: no such file; check the path")
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, "recording")
        with open(copy, "wb") as target:
            if str(path) == STDIN:
                shutil.copyfileobj(sys.stdin.buffer, target)
            else:
                with open(path, "rb") as pipe:
                    shutil.copyfileobj(pipe, target)
        yield copy


def _open(file: Path) -> tuple[soundfile.SoundFile | None, str]:
    """Return what libsndfile opens, or why it does not."""
    try:
        return sound_file(file), ""
    except soundfile.SoundFileError as error:
        return None, _reason(error)


def _checked(name: str, blocks: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
    """Yield the blocks that hold something, if all of it is numbers and there is enough of it."""
    samples = 0
    for block in blocks:
        if not np.isfinite(block).all():
            raise CorpusError(f"{name}: holds samples that are not numbers; replace the file")
        samples += len(block)
        if len(block):
            yield block
    if samples < MIN_SAMPLES:
        raise CorpusError(f"{name}: {samples} samples, less than one 25 ms window; replace the file")


def _soundfile_blocks(audio: soundfile.SoundFile, name: str) -> Iterator[np.ndarray]:
    resampler, read = None, 0
    if audio.samplerate != SAMPLE_RATE:
        import soxr  # not needed where everything is at 16 kHz, on a device with little installed

        resampler = soxr.ResampleStream(audio.samplerate, SAMPLE_RATE, 1, dtype="float32")
    while True:
        try:
            frames = max(1, BLOCK_SECONDS * audio.samplerate // audio.channels)
            block = audio.read(frames, dtype="float32", always_2d=True)
        except soundfile.SoundFileError as error:
            raise CorpusError(f"{name}: not decodable ({_reason(error)}); fetch it again") from None
        read += len(block)
        mono = block[:, 0] if block.shape[1] == 1 else block.mean(axis=1)
        last = not len(block)
        yield resampler.resample_chunk(mono, last=last) if resampler else mono
        if last:
            break
    if audio.format == "FLAC" and read < audio.frames < _UNKNOWN_LENGTH:
        raise CorpusError(f"{name}: cut off after {read} of {audio.frames} samples; fetch it again")


def _ffmpeg_blocks(path: Path, name: str, reason: str) -> Iterator[np.ndarray]:
    if not shutil.which("ffmpeg"):
        mend = "if it is video, M4A or the like, install ffmpeg; else replace the file"
        raise CorpusError(f"{name}: not readable as audio ({reason}); {mend}")
    # "file:" keeps a name like 12:30.m4a from being taken for a protocol, and one like -take1 for an option.
    command = ["ffmpeg", "-nostdin", "-v", "error", "-xerror", "-i", f"file:{path}", "-map", "0:a:0"]
    command += ["-ac", "1", "-ar", str(SAMPLE_RATE), "-f", "f32le", "-"]
    with (
        tempfile.TemporaryFile() as errors,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors) as process,
    ):
        try:
            while content := process.stdout.read(4 * BLOCK_SECONDS * SAMPLE_RATE):
                yield np.frombuffer(content[: len(content) // 4 * 4], np.float32)
            process.wait()
        finally:
            process.kill()  # where the reader has gone before the end
        if process.returncode:
            errors.seek(0)
            said = errors.read().decode(errors="replace").replace(f"file:{path}: ", "").strip().splitlines()
            what = said[0] if said else f"ffmpeg: exit status {process.returncode}"
            raise CorpusError(f"{name}: not readable as audio ({what}); replace the file")
