"""Any recording as mono samples at 16 kHz, block by block, in bounded memory.

A corpus is strict (`sound.read_audio`); a recording to transcribe may have any format. libsndfile reads WAV of every
bit depth, FLAC, Ogg, Opus, MP3 and more; ffmpeg, if it is installed, reads video, M4A and the rest.
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

from asr_helpers.sound.audio import MIN_SAMPLES, SAMPLE_RATE
from asr_helpers.sound.headers import UNKNOWN_LENGTH, missing_bytes
from asr_helpers.sound.opening import AudioError, reason, sound_file

STDIN = "-"
BLOCK_SECONDS = 10


@dataclass(frozen=True)
class Recording:
    """An open recording: its name, its length if that is known, and its sound, which can be read once."""

    name: str
    seconds: float | None
    blocks: Iterator[np.ndarray]  # float32 (samples,), mono at `SAMPLE_RATE`, about ten seconds each
    remark: str = ""  # one line: a change that its owner may not want, and how to avoid it


@contextmanager
def open_recording(path: Path | str) -> Iterator[Recording]:
    """Open the recording at `path`, of any rate and number of channels; `-` is standard input.

    Channels are averaged, and libsoxr (its "HQ" setting) changes the rate. A pipe is first written to a
    temporary file, because few formats can be read sequentially.

    Raises:
        AudioError: the file is missing, unreadable, cut off or empty; raised here or while `blocks` are read.
    """
    name = "standard input" if str(path) == STDIN else str(path)
    with _as_file(path, name) as file:
        audio, reason = _open(file)
        if audio is None:
            yield Recording(name, None, _checked(name, _ffmpeg_blocks(file, name, reason)))
            return
        with audio:
            if missing := missing_bytes(file):
                raise AudioError(f"{name}: cut off, {missing} bytes of sound are missing; fetch it again")
            seconds = audio.frames / audio.samplerate if audio.frames < UNKNOWN_LENGTH else None
            remark = _channels_remark(path, name, audio.channels) if audio.channels > 1 else ""
            yield Recording(name, seconds, _checked(name, _soundfile_blocks(audio, name)), remark)


def read_recording(path: Path | str) -> np.ndarray:
    """Return the whole recording at `path` as float32 (samples,), mono at 16 kHz; see `open_recording`.

    Raises:
        AudioError: as `open_recording`.
    """
    with open_recording(path) as recording:
        return np.concatenate(list(recording.blocks))


def _channels_remark(path: Path | str, name: str, channels: int) -> str:
    """Return the remark about a recording of several channels: an interview may have one speaker on each."""
    remark = f"{name}: the mean of {channels} channels was heard"
    if str(path) == STDIN:
        return remark
    alone = Path(path).with_name(f"{Path(path).stem}-16k.wav")
    command = ["ffmpeg", "-i", f"file:{path}", "-af", "pan=mono|c0=c0"]  # "file:" as in `_ffmpeg_blocks`
    command += ["-ar", str(SAMPLE_RATE), f"file:{alone}"]
    return f"{remark}; if they differ, and for the first alone, run {shlex.join(command)}"


@contextmanager
def _as_file(path: Path | str, name: str) -> Iterator[Path]:
    """Yield the path of a regular file that holds the sound: the recording's own, or a temporary copy of a pipe.

    Raises:
        AudioError: there is no such file, or it is a folder.
    """
    path = Path(path)
    if path.is_file() and str(path) != STDIN:
        yield path
        return
    if path.is_dir():
        raise AudioError(f"{name}: a folder; name the recordings in it")
    if str(path) != STDIN and not path.exists():
        raise AudioError(f"{name}: no such file; check the path")
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
    """Return (the opened file, ""), or (None, why libsndfile cannot open it)."""
    try:
        return sound_file(file), ""
    except soundfile.SoundFileError as error:
        return None, reason(error)


def _checked(name: str, blocks: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
    """Yield the blocks that are not empty.

    Raises:
        AudioError: a sample is not a number, or all samples together are less than one analysis window.
    """
    samples = 0
    for block in blocks:
        if not np.isfinite(block).all():
            raise AudioError(f"{name}: holds samples that are not numbers; replace the file")
        samples += len(block)
        if len(block):
            yield block
    if samples < MIN_SAMPLES:
        raise AudioError(f"{name}: {samples} samples, less than one 25 ms window; replace the file")


def _soundfile_blocks(audio: soundfile.SoundFile, name: str) -> Iterator[np.ndarray]:
    """Yield the blocks of a file that libsndfile reads, (samples,) each, mono at 16 kHz."""
    resampler, read = None, 0
    if audio.samplerate != SAMPLE_RATE:
        import soxr  # only if the rate differs: a small device may lack it

        resampler = soxr.ResampleStream(audio.samplerate, SAMPLE_RATE, 1, dtype="float32")
    while True:
        try:
            frames = max(1, BLOCK_SECONDS * audio.samplerate // audio.channels)
            block = audio.read(frames, dtype="float32", always_2d=True)
        except soundfile.SoundFileError as error:
            raise AudioError(f"{name}: not decodable ({reason(error)}); fetch it again") from None
        read += len(block)
        mono = block[:, 0] if block.shape[1] == 1 else block.mean(axis=1)  # (samples, channels) to (samples,)
        last = not len(block)
        yield resampler.resample_chunk(mono, last=last) if resampler else mono
        if last:
            break
    if audio.format == "FLAC" and read < audio.frames < UNKNOWN_LENGTH:
        raise AudioError(f"{name}: cut off after {read} of {audio.frames} samples; fetch it again")


def _ffmpeg_blocks(path: Path, name: str, reason: str) -> Iterator[np.ndarray]:
    """Yield the blocks of a file that ffmpeg reads, (samples,) each, mono at 16 kHz.

    Messages contain `name`, and `reason`, why libsndfile cannot read the file.

    Raises:
        AudioError: ffmpeg is not installed, or cannot read the file.
    """
    if not shutil.which("ffmpeg"):
        remedy = "if it is video, M4A or the like, install ffmpeg; else replace the file"
        raise AudioError(f"{name}: not readable as audio ({reason}); {remedy}")
    # "file:" keeps ffmpeg from taking 12:30.m4a for a protocol, and -take1 for an option.
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
            process.kill()  # in case the reader stopped before the end
        if process.returncode:
            errors.seek(0)
            lines = errors.read().decode(errors="replace").replace(f"file:{path}: ", "").strip().splitlines()
            what = lines[0] if lines else f"ffmpeg: exit status {process.returncode}"
            raise AudioError(f"{name}: not readable as audio ({what}); replace the file")
