import io
import os
import shlex
import shutil
import subprocess
import sys
import threading

import numpy as np
import pytest
import soundfile
import soxr

from asr_helpers.own_data import open_recording, read_recording
from asr_helpers.recognizer import Recognizer, shipped_model
from asr_helpers.sound import SAMPLE_RATE, AudioError, read_audio


def tone(rate, seconds=2.5, hertz=440.0):
    return 0.5 * np.sin(2 * np.pi * hertz * np.arange(round(rate * seconds)) / rate)


@pytest.fixture(scope="module")
def sentence(mini):
    """A sentence of which the upper half of the spectrum, which a telephone does not carry, is not needed."""
    return mini / "test-mini/9006/1/9006-1-0000.flac"


@pytest.fixture(scope="module")
def recognizer():
    return Recognizer.load(shipped_model())


@pytest.mark.parametrize(
    ("name", "rate", "channels", "how"),
    [
        ("talk.mp3", 48000, 2, {}),
        ("telephone.wav", 8000, 1, {"subtype": "ULAW"}),
        ("take.wav", 48000, 2, {"subtype": "PCM_24", "format": "WAVEX"}),
        ("take.flac", 44100, 1, {}),
        ("music.ogg", 44100, 2, {}),
        ("voice.opus", 48000, 1, {"format": "OGG", "subtype": "OPUS"}),
    ],
)
def test_the_same_words_whatever_the_recording(sentence, recognizer, tmp_path, name, rate, channels, how):
    samples = read_audio(sentence)
    sound = soxr.resample(samples, SAMPLE_RATE, rate)
    soundfile.write(tmp_path / name, np.stack([sound] * channels, 1), rate, **how)
    again = read_recording(tmp_path / name)
    assert again.dtype == np.float32 and abs(len(again) - len(samples)) < 0.1 * SAMPLE_RATE
    assert recognizer.transcribe(again) == recognizer.transcribe(samples) != ""


def test_what_is_right_already_is_not_touched(sentence):
    assert np.array_equal(read_recording(sentence), read_audio(sentence))


@pytest.mark.parametrize("rate", [8000, 11025, 44100, 96000])
def test_a_tone_keeps_its_pitch_and_length_over_many_blocks(tmp_path, rate):
    soundfile.write(tmp_path / "tone.wav", tone(rate, 25.3), rate, "FLOAT")
    with open_recording(tmp_path / "tone.wav") as recording:
        assert recording.seconds == pytest.approx(25.3, abs=1e-4)
        blocks = list(recording.blocks)
    found = np.concatenate(blocks)
    assert len(blocks) > 2 and max(map(len, blocks)) < 11 * SAMPLE_RATE
    assert len(found) == pytest.approx(25.3 * SAMPLE_RATE, abs=2)
    middle = slice(1000, -1000)  # at either end there is nothing beyond to resample with
    assert found[middle] == pytest.approx(tone(SAMPLE_RATE, 25.3)[: len(found)][middle], abs=1e-3)


def test_channels_are_averaged(tmp_path):
    soundfile.write(tmp_path / "two.wav", np.stack([tone(16000), np.zeros(40000)], 1), SAMPLE_RATE, "FLOAT")
    assert read_recording(tmp_path / "two.wav") == pytest.approx(tone(SAMPLE_RATE) / 2, abs=1e-6)


@pytest.mark.skipif(not shutil.which("ffmpeg"), reason="needs ffmpeg")
def test_two_channels_are_remarked_upon_and_one_can_be_had_alone(tmp_path):
    path = tmp_path / "12:30 it's two.wav"
    soundfile.write(path, np.stack([tone(44100), np.zeros(110250)], 1), 44100, "PCM_24", format="WAVEX")
    with open_recording(path) as recording:
        remark = recording.remark
    assert remark.startswith(f"{path}: the mean of 2 channels was heard; ") and "\n" not in remark
    command = shlex.split(remark.split("; if they differ, and for the first alone, run ")[1])
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, capture_output=True)
    with open_recording(tmp_path / "12:30 it's two-16k.wav") as alone:
        first = np.concatenate(list(alone.blocks))
    assert alone.remark == ""
    assert first[1000:39000] == pytest.approx(tone(SAMPLE_RATE)[1000:39000], abs=1e-2)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_read(sentence, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=lambda: (tmp_path / "pipe").write_bytes(sentence.read_bytes()))
    writer.start()
    assert np.array_equal(read_recording(tmp_path / "pipe"), read_audio(sentence))
    writer.join()


def test_standard_input_is_read(sentence, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(sentence.read_bytes())))
    assert np.array_equal(read_recording("-"), read_audio(sentence))


@pytest.mark.skipif(not shutil.which("ffmpeg"), reason="needs ffmpeg")
@pytest.mark.parametrize("name", ["12:30.m4a", "-take1.mkv", "film.mp4"])
def test_ffmpeg_reads_the_rest(tmp_path, name, monkeypatch):
    monkeypatch.chdir(tmp_path)
    soundfile.write("tone.wav", np.stack([tone(44100)] * 2, 1), 44100)
    picture = ["-f", "lavfi", "-i", "testsrc=duration=2:size=64x64"] if name == "film.mp4" else []
    command = ["ffmpeg", "-v", "error", *picture, "-i", "tone.wav", f"file:{name}"]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    found = read_recording(name)
    assert len(found) == pytest.approx(2.5 * SAMPLE_RATE, rel=0.1)
    assert np.abs(np.fft.rfft(found)).argmax() * SAMPLE_RATE / len(found) == pytest.approx(440, abs=2)


@pytest.fixture(scope="module")
def bad_recordings(tmp_path_factory):
    folder, sound = tmp_path_factory.mktemp("bad"), io.BytesIO()
    soundfile.write(sound, tone(16000), SAMPLE_RATE, format="FLAC")
    (folder / "cut.flac").write_bytes(sound.getvalue()[:-9000])
    soundfile.write(folder / "empty.wav", np.zeros(0), 44100)
    soundfile.write(folder / "short.wav", np.zeros(99), 44100)
    soundfile.write(folder / "nan.wav", np.full(9999, np.nan), 44100, "FLOAT")
    soundfile.write(folder / "whole.wav", tone(16000), SAMPLE_RATE)
    (folder / "cut.wav").write_bytes((folder / "whole.wav").read_bytes()[:-9000])
    (folder / "notes.m4a").write_text("no sound at all\n" * 99)
    return folder


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("cut.flac", "cut off|not decodable"),
        ("empty.wav", "0 samples"),
        ("short.wav", "less than one 25 ms"),
        ("nan.wav", "not numbers"),
        ("cut.wav", "cut off"),
        ("notes.m4a", "not readable as audio"),
        ("missing.mp3", "no such file"),
        (".", "a folder"),
    ],
)
def test_what_cannot_be_heard_is_one_line_that_names_the_file(bad_recordings, name, message):
    with pytest.raises(AudioError, match=message) as caught:
        read_recording(bad_recordings / name)
    assert str(bad_recordings / name) in str(caught.value) and len(str(caught.value).splitlines()) == 1


def test_without_ffmpeg_one_is_told_to_install_it(tmp_path, monkeypatch):
    (tmp_path / "film.mp4").write_bytes(b"\0" * 999)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(AudioError, match="install ffmpeg"):
        read_recording(tmp_path / "film.mp4")
