"""A WAV in a pipe: the same sound as in a file, as it arrives."""

import io
import os
import struct
import sys
import threading
import types

import numpy as np
import pytest
import soundfile

from asr_helpers.cli.entry import main
from asr_helpers.own_data import open_recording, read_recording
from asr_helpers.sound import SAMPLE_RATE, AudioError, read_audio

CLIP = "real/test-clean-sample/1089/134686/1089-134686-0010.flac"


@pytest.fixture
def pipe_in(monkeypatch):
    """Return a function that makes bytes the standard input; its answer is the pipe."""

    def give(content):
        pipe = io.BufferedReader(io.BytesIO(content))
        monkeypatch.setattr(sys, "stdin", types.SimpleNamespace(buffer=pipe))
        return pipe

    return give


def wav(samples, rate=SAMPLE_RATE, subtype="PCM_16", kind="WAV"):
    file = io.BytesIO()
    soundfile.write(file, samples, rate, subtype, format=kind)
    return file.getvalue()


def noise(count=9000, channels=1):
    return np.random.default_rng(7).uniform(-0.5, 0.5, (count, channels))


@pytest.mark.parametrize("kind, subtype", [("WAV", "PCM_U8"), ("WAV", "PCM_16"), ("WAVEX", "PCM_24"), ("WAV", "ULAW")])
@pytest.mark.parametrize("rate, channels", [(16_000, 1), (44_100, 2)])
def test_it_is_the_sound_of_the_file(kind, subtype, rate, channels, tmp_path, pipe_in):
    content = wav(noise(9000, channels), rate, subtype, kind)
    (tmp_path / "a.wav").write_bytes(content)
    pipe_in(content)
    np.testing.assert_allclose(read_recording("-"), read_recording(tmp_path / "a.wav"), atol=1e-6)


def test_every_format_of_samples_is_read(tmp_path, pipe_in):
    for subtype in ("PCM_32", "FLOAT", "DOUBLE", "ALAW", "IMA_ADPCM"):  # the last is read once it has arrived whole
        (tmp_path / "a.wav").write_bytes(content := wav(noise(), 16_000, subtype))
        pipe_in(content)
        np.testing.assert_array_equal(read_recording("-"), read_recording(tmp_path / "a.wav"))


def test_what_cat_has_joined_is_read(pipe_in):
    pipe_in(wav(noise(4001), subtype="PCM_U8") + wav(noise(8000, 2), 8000) + b"LIST\4\0\0\0abcd" + bytes(9))
    with open_recording("-") as recording:
        assert recording.seconds == 4001 / SAMPLE_RATE
        assert sum(map(len, recording.blocks)) == pytest.approx(4001 + 16_000, abs=2)


@pytest.mark.parametrize("size", [0, 0x7FFFF000, 0x80000000, 0xFFFFFFFF])
def test_a_header_may_leave_the_length_open(size, pipe_in):
    content = wav(noise())
    place = content.index(b"data") + 4
    pipe_in(content[:place] + struct.pack("<I", size) + content[place + 4 :])
    with open_recording("-") as recording:
        assert recording.seconds is None and sum(map(len, recording.blocks)) == 9000


def test_blocks_come_before_the_end(monkeypatch):
    source, target = os.pipe()
    with open(source, "rb") as pipe:
        monkeypatch.setattr(sys, "stdin", types.SimpleNamespace(buffer=pipe))
        content = wav(noise())
        os.write(target, content[:6001])
        with open_recording("-") as recording:
            first = next(recording.blocks)
            assert 0 < len(first) <= (6001 - 44) // 2
            os.write(target, content[6001:])
            os.close(target)
            assert len(first) + sum(map(len, recording.blocks)) == 9000


@pytest.mark.parametrize(
    "content, message",
    [
        (wav(noise())[:-999], "standard input: cut off, 999 bytes of sound are missing"),
        (wav(noise(999)) + b"\xff\xfe" * 3000, "standard input: its header does not count 6000 bytes at the end"),
        (wav(noise(99)), "standard input: 99 samples, less than one"),
        (wav(noise(9000) * [[1.0, -1.0]]), "send one channel only"),
        (b"RIFF\0\0\0\0WAVEfmt \xff\xff\xff\xff", "standard input"),
        (b"RIFF\0\0\0\0WAVE", "standard input"),
        (b"", "standard input"),
    ],
)
def test_a_bad_one_is_one_line(content, message, pipe_in):
    pipe_in(content)
    with pytest.raises(AudioError, match=message) as found:
        read_recording("-")
    assert "\n" not in str(found.value)


class Lines(io.StringIO):
    """An output that knows when something was written to it."""

    def __init__(self):
        super().__init__()
        self.written = threading.Event()

    def write(self, text):
        self.written.set()
        return super().write(text)


def test_transcribe_writes_text_before_the_pipe_ends(monkeypatch, mini, tmp_path, capsys):
    clip = np.append(read_audio(mini.parent / CLIP), np.zeros(SAMPLE_RATE, np.float32))
    content = wav(np.tile(clip, -(-64 * SAMPLE_RATE // len(clip))))
    (tmp_path / "a.wav").write_bytes(content)
    assert main(["transcribe", str(tmp_path / "a.wav"), "--no-lm"]) == 0
    expected = capsys.readouterr().out
    source, target = os.pipe()
    lines, before_the_end = Lines(), []

    def write():
        with open(target, "wb") as file:
            file.write(content[:-100])
            file.flush()
            before_the_end.append(lines.written.wait(60))
            file.write(content[-100:])

    writer = threading.Thread(target=write)
    writer.start()
    with open(source, "rb") as pipe:
        monkeypatch.setattr(sys, "stdin", types.SimpleNamespace(buffer=pipe))
        monkeypatch.setattr(sys, "stdout", lines)
        assert main(["transcribe", "-", "--no-lm"]) == 0
    writer.join()
    assert before_the_end == [True]
    assert lines.getvalue().split() == expected.split() and len(lines.getvalue().splitlines()) > 1


def test_listen_hears_a_wav_in_a_pipe_and_refuses_other_formats(pipe_in, mini, capsys):
    samples = read_audio(mini.parent / CLIP)
    pipe_in(wav(np.stack([samples, samples], 1)))
    assert main(["listen", "-", "--no-lm", "--vad", "none"]) == 0
    assert "YOU HAVE A HEAD" in capsys.readouterr().out
    pipe_in((mini.parent / CLIP).read_bytes())
    assert main(["listen", "-", "--no-lm"]) == 2
    error = capsys.readouterr().err
    assert "neither raw samples nor a WAV (fLaC); decode it first" in error and len(error.splitlines()) == 1
