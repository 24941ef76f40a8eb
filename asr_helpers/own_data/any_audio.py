"""Any recording as mono samples at 16 kHz, block by block, in bounded memory.

A corpus is strict (`sound.read_audio`); a recording to transcribe may have any format. libsndfile reads WAV of every
bit depth, FLAC, Ogg, Opus, MP3 and more; ffmpeg, if it is installed, reads video, M4A and the rest.
"""

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from io import BufferedIOBase
from itertools import chain
from pathlib import Path
from typing import BinaryIO

import numpy as np
import soundfile

from asr_helpers.own_data.joined import MP3_SLACK, Part, Slice, find_parts
from asr_helpers.own_data.wav_pipe import Wav, read_blocks, read_header
from asr_helpers.sound.audio import MIN_SAMPLES, SAMPLE_RATE
from asr_helpers.sound.headers import UNKNOWN_LENGTH, check_promise
from asr_helpers.sound.opening import AudioError, reason, sound_file

STDIN, COPY = "-", "copy of a pipe"
BLOCK_SECONDS = 10
FFMPEG_SECONDS = 60  # for a block: ffmpeg reads a file hundreds of times faster than it plays
# What ffmpeg may read: files that hold their sound themselves. Others, such as playlists, make it open other files.
_FFMPEG_FORMATS = (
    "aac,ac3,eac3,aiff,amr,amrnb,amrwb,ape,asf,au,avi,caf,dsf,dts,dtshd,flac,flv,g722,g729,gsm,iff,matroska,mlp,mov,mp3,"
    "mpc,mpc8,mpeg,mpegts,mxf,nist,nut,oga,ogg,ogv,qcp,rm,smjpeg,sox,swf,tak,truehd,tta,voc,w64,wav,webm,wtv,wv,xa,xwma"
)


@dataclass(frozen=True)
class Recording:
    """An open recording: its name, its length if that is known, and its sound, which can be read once."""

    name: str
    seconds: float | None
    blocks: Iterator[np.ndarray]  # float32 (samples,), mono at `SAMPLE_RATE`, of about ten seconds, or as they arrive
    remark: str = ""  # one line: a change that its owner may not want, and how to avoid it


class _Mixer:
    """Averages channels, and notes whether they cancel out: opposite signs leave silence of what was said."""

    def __init__(self, path: Path | str, name: str):
        self._path, self._name = path, name
        self._heard = self._left = 0.0  # energy of the channels, and of their mean

    def mono(self, block: np.ndarray) -> np.ndarray:
        """Return the mean, (samples,), of a block of (samples, channels)."""
        if block.shape[1] == 1:
            return block[:, 0]
        mono = block.mean(axis=1)
        self._heard += float(np.vdot(block, block)) / block.shape[1] ** 2  # what is left of unrelated channels
        self._left += float(np.vdot(mono, mono))
        return mono

    def check(self) -> None:
        """Check at the end of the sound that the mean holds it.

        Raises:
            AudioError: less than a tenth is left of the energy that unrelated channels would leave.
        """
        if self._left < self._heard / 10:
            how = f"run {_first_channel_command(self._path)}" if str(self._path) != STDIN else "send one channel only"
            raise AudioError(f"{self._name}: its channels cancel out in their mean; for the first alone, {how}")


@contextmanager
def open_recording(path: Path | str) -> Iterator[Recording]:
    """Open the recording at `path`, of any rate and number of channels; `-` is standard input.

    Channels are averaged, and libsoxr (its "HQ" setting) changes the rate. A WAV in a pipe is read as it arrives. Any
    other pipe is first written to a temporary file, because few formats can be read sequentially. Of several recordings
    in one file (chained Ogg, or what `cat` joined) each is read, one after the other.

    Raises:
        AudioError: the file is missing, unreadable, cut off or empty, or its channels cancel out; raised here or while
            `blocks` are read.
    """
    name = "standard input" if str(path) == STDIN else str(path)
    with ExitStack() as opened:
        file, mixer = Path(path), _Mixer(path, name)
        if is_pipe(path):
            pipe = sys.stdin.buffer if str(path) == STDIN else opened.enter_context(open(path, "rb"))
            begin, wav = read_header(pipe)
            if wav:
                remark = _channels_remark(STDIN, name, wav.channels) if wav.channels > 1 else ""
                yield Recording(name, wav.seconds, _checked(name, mixer, _pipe_blocks(pipe, wav, name, mixer)), remark)
                return
            file = opened.enter_context(_copied(begin, pipe))
        else:
            _check_file(file, name)
        try:
            content = opened.enter_context(open(file, "rb"))
            sounds, parts = _open(file, content, opened)
            unread = next(filter(None, map(_unread, parts, sounds)), "")
            damage = next(filter(None, (_damage(content, part) for part in parts)), "")
        except OSError as error:
            raise AudioError(f"{name}: cannot be read ({error.strerror}); correct its permissions") from None
        except soundfile.SoundFileError as error:
            sounds, unread = [], f"not readable as audio ({reason(error)})"
        if unread:
            yield Recording(name, None, _checked(name, mixer, _ffmpeg_blocks(file, name, unread, mixer)))
            return
        if damage:
            raise AudioError(f"{name}: {damage}")
        known = all(sound.frames < UNKNOWN_LENGTH for sound in sounds)
        seconds = sum(sound.frames / sound.samplerate for sound in sounds) if known else None
        channels = max(sound.channels for sound in sounds)
        remark = _channels_remark(path, name, channels) if channels > 1 else ""
        blocks = chain.from_iterable(_soundfile_blocks(sound, name, mixer) for sound in sounds)
        yield Recording(name, seconds, _checked(name, mixer, blocks), remark)


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
    return f"{remark}; if they differ, and for the first alone, run {_first_channel_command(path)}"


def _first_channel_command(path: Path | str) -> str:
    """Return the shell command that writes the first channel of a recording to a file of its own."""
    alone = Path(path).with_name(f"{Path(path).stem}-16k.wav")
    command = ["ffmpeg", "-i", f"file:{path}", "-af", "pan=mono|c0=c0"]  # "file:" as in `_ffmpeg_blocks`
    return shlex.join([*command, "-ar", str(SAMPLE_RATE), f"file:{alone}"])


def is_pipe(path: Path | str) -> bool:
    """Return whether sound comes from standard input or from a named pipe."""
    return str(path) == STDIN or Path(path).is_fifo()


def _check_file(path: Path, name: str) -> None:
    """Check that there is a file to read.

    Raises:
        AudioError: there is none, or it is a folder or a device.
    """
    if path.is_dir():
        raise AudioError(f"{name}: a folder; name the recordings in it")
    if not path.exists():
        raise AudioError(f"{name}: no such file; check the path")
    if path.is_char_device() or path.is_block_device():
        raise AudioError(f"{name}: a device, which may have no end; record from it to a file first")


@contextmanager
def _copied(begin: bytes, pipe: BufferedIOBase) -> Iterator[Path]:
    """Yield the path of a temporary file that holds `begin` and what a pipe holds after it."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, COPY)
        with open(copy, "wb") as target:
            target.write(begin)
            shutil.copyfileobj(pipe, target)
        yield copy


def _open(file: Path, content: BinaryIO, opened: ExitStack) -> tuple[list[soundfile.SoundFile], list[Part]]:
    """Return the sounds of a file with this `content`, and where each lies in it: several if it has several parts.

    Raises:
        SoundFileError: libsndfile cannot open one.
    """
    sounds, failure = [], None
    try:
        sounds.append(opened.enter_context(sound_file(file)))
    except soundfile.SoundFileError as error:  # as with joined WAVs
        failure = error
    parts = find_parts(content, mp3=any(sound.format == "MP3" for sound in sounds))
    if len(parts) > 1:
        sounds = [opened.enter_context(soundfile.SoundFile(Slice(content, part))) for part in parts]
    elif failure:
        raise failure
    return sounds, parts or [Part(0, os.fstat(content.fileno()).st_size)]


def _damage(content: BinaryIO, part: Part) -> str:
    """Return how the size of a part differs from what it states, and the remedy; "" if it does not."""
    missing, unread = check_promise(Slice(content, part), part.end - part.start)
    if missing := missing or part.missing:
        return f"cut off, {missing} bytes of sound are missing; fetch it again"
    if unread:
        return f"its header does not count {unread} bytes at the end; correct the header, or save the sound again"
    return ""


def _unread(part: Part, sound: soundfile.SoundFile) -> str:
    """Return how much of an MP3 libsndfile leaves unread, because its length is nowhere stated; "" if nothing."""
    if sound.format != "MP3" or part.samples <= sound.frames + MP3_SLACK:
        return ""
    return f"libsndfile reads {sound.frames} of {part.samples} samples"


def _checked(name: str, mixer: _Mixer, blocks: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
    """Yield the blocks that are not empty.

    Raises:
        AudioError: a sample is not a number, all samples together are less than one analysis window, or the channels
            cancel out.
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
    mixer.check()


def _soundfile_blocks(audio: soundfile.SoundFile, name: str, mixer: _Mixer) -> Iterator[np.ndarray]:
    """Yield the blocks of a file that libsndfile reads, (samples,) each, mono at 16 kHz."""
    resample, read = _resampler(audio.samplerate), 0
    while True:
        try:
            frames = max(1, BLOCK_SECONDS * audio.samplerate // audio.channels)
            block = audio.read(frames, dtype="float32", always_2d=True)
        except soundfile.SoundFileError as error:
            raise AudioError(f"{name}: not decodable ({reason(error)}); fetch it again") from None
        read += len(block)
        yield resample(mixer.mono(block), not len(block))
        if not len(block):
            break
    if audio.format == "FLAC" and read < audio.frames < UNKNOWN_LENGTH:
        raise AudioError(f"{name}: cut off after {read} of {audio.frames} samples; fetch it again")


def _pipe_blocks(pipe: BufferedIOBase, wav: Wav, name: str, mixer: _Mixer) -> Iterator[np.ndarray]:
    """Yield the blocks of a WAV in a pipe as they arrive, (samples,) each, mono at 16 kHz."""
    resample = None
    for following, block in read_blocks(pipe, wav, name):
        resample = resample or _resampler(following.rate)
        yield resample(mixer.mono(block), not len(block))
        if not len(block):
            resample = None  # the next recording may have another rate


def _resampler(rate: int) -> Callable[[np.ndarray, bool], np.ndarray]:
    """Return a function from the next mono samples at `rate` Hz, and whether they are the last, to those at 16 kHz."""
    if rate == SAMPLE_RATE:
        return lambda samples, last: samples
    import soxr  # only if the rate differs: a small device may lack it

    stream = soxr.ResampleStream(rate, SAMPLE_RATE, 1, dtype="float32")
    return lambda samples, last: stream.resample_chunk(samples, last=last)


def _ffmpeg_blocks(path: Path, name: str, reason: str, mixer: _Mixer) -> Iterator[np.ndarray]:
    """Yield the blocks of a file that ffmpeg reads, (samples,) each, mono at 16 kHz.

    Messages contain `name`, and `reason`, why libsndfile cannot read the file.

    Raises:
        AudioError: ffmpeg is not installed, or cannot read the file.
    """
    if not shutil.which("ffmpeg"):
        raise AudioError(f"{name}: {reason}; install ffmpeg, which reads video, M4A and more, or replace the file")
    # "file:" keeps ffmpeg from taking 12:30.m4a for a protocol, and -take1 for an option. Playlists, which name other
    # files and addresses, are none of the formats.
    command = ["ffmpeg", "-nostdin", "-v", "error", "-xerror", "-protocol_whitelist", "file,pipe"]
    command += ["-format_whitelist", _FFMPEG_FORMATS, "-i", f"file:{path}", "-map", "0:a:0"]
    command += ["-af", "aformat=channel_layouts=mono|stereo", "-ar", str(SAMPLE_RATE), "-c:a", "pcm_f32be"]
    command += ["-f", "au", "-"]  # Sun's header states the number of channels
    with (
        tempfile.TemporaryFile() as errors,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors) as process,
    ):
        try:
            yield from _au_blocks(process, name, mixer)
            process.wait()
        finally:
            process.kill()  # in case the reader stopped before the end
        if process.returncode:
            errors.seek(0)
            lines = errors.read().decode(errors="replace").replace(f"file:{path}: ", "").strip().splitlines()
            what = lines[0] if lines else f"ffmpeg: exit status {process.returncode}"
            what = "a playlist, or no format for sound" if "whitelist" in what else what
            remedy = "pipe raw samples to `asr listen -`" if path.name == COPY else "replace the file"
            raise AudioError(f"{name}: not readable as audio ({what}); {remedy}")


def _au_blocks(process: subprocess.Popen, name: str, mixer: _Mixer) -> Iterator[np.ndarray]:
    """Yield the blocks, (samples,), of a Sun file of big-endian floats that a process writes; nothing if it fails.

    Raises:
        AudioError: the process writes nothing for a minute.
    """
    header = _read_in_time(process, 24, name)
    if len(header) < 24:
        return
    first, channels = (int.from_bytes(header[place : place + 4], "big") for place in (4, 20))
    _read_in_time(process, first - len(header), name)
    while content := _read_in_time(process, 4 * channels * BLOCK_SECONDS * SAMPLE_RATE, name):
        whole = content[: len(content) // (4 * channels) * 4 * channels]
        yield mixer.mono(np.frombuffer(whole, ">f4").astype(np.float32).reshape(-1, channels))


def _read_in_time(process: subprocess.Popen, size: int, name: str) -> bytes:
    """Return the next `size` bytes of a process's output, fewer at its end.

    Raises:
        AudioError: they do not come within `FFMPEG_SECONDS`; the process is killed.
    """
    late = threading.Event()
    timer = threading.Timer(FFMPEG_SECONDS, lambda: (late.set(), process.kill()))
    timer.start()
    try:
        content = process.stdout.read(size)
    finally:
        timer.cancel()
    if late.is_set():
        raise AudioError(f"{name}: ffmpeg read no sound for {FFMPEG_SECONDS} s; replace the file")
    return content
