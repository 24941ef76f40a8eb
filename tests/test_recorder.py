"""What the page sends becomes samples, a sound, a picture and words; what is no speech is named."""

import html
import re
import tomllib
from pathlib import Path

import numpy as np
import pytest

from asr_helpers.corpus import data_dir
from asr_helpers.recognizer import Recognizer, shipped_model
from asr_helpers.show import widgets
from asr_helpers.show.widgets import recorder as module
from asr_helpers.sound import read_audio
from asr_helpers.words import default_decoder


def arrive(recorder, integers, name="hello.wav"):
    """Let `recorder` get what the page's model.send() sends."""
    recorder._handle_custom_msg({"name": name}, [memoryview(np.asarray(integers, "<i2").tobytes())])


@pytest.fixture
def bench():
    return module.RecorderBench()


def test_integers_become_samples():
    recorder = module.Recorder()
    arrive(recorder, [0, 16384, -32768])
    assert recorder.samples.dtype == np.float32 and recorder.name == "hello.wav"
    np.testing.assert_array_equal(recorder.samples, [0, 0.5, -1])


def test_a_recording_is_heard_seen_and_written_down(bench):
    samples = read_audio(data_dir() / "mini" / "test-mini" / "9007" / "1" / "9007-1-0016.flac")
    arrive(bench.recorder, np.round(samples * 32768), "<me>.wav")
    np.testing.assert_array_equal(bench.recorder.samples, samples)
    assert bench.sound.value == widgets.player_html(samples, f"<me>.wav, {len(samples) / 16000:.1f} s")
    assert bytes(bench.picture.value).startswith(b"\x89PNG") and bench.picture.layout.display is None
    assert bench.text == Recognizer.load(shipped_model()).transcribe(samples, default_decoder()) != ""
    read = html.unescape(re.sub("<div style.*", "", bench.heard.value))  # without the line that explains the dots
    assert re.sub("<[^>]*>", "", read) == bench.text


@pytest.mark.parametrize(("samples", "word"), [([], "shorter"), (np.zeros(300), "shorter"), (np.ones(9000), "silence")])
def test_what_is_no_speech_is_named_and_shows_nothing_old(bench, samples, word):
    arrive(bench.recorder, np.random.default_rng(0).integers(-9000, 9000, 16000))
    arrive(bench.recorder, samples)
    assert word in bench.problem.value and "hello.wav" in bench.problem.value
    assert bench.text == bench.sound.value == bench.heard.value == "" and bench.picture.layout.display == "none"


def test_a_missing_model_is_named_in_the_page():
    bench = module.RecorderBench("nowhere.tflite")
    arrive(bench.recorder, np.random.default_rng(0).integers(-9000, 9000, 16000))
    assert "nowhere.tflite: no such file" in bench.problem.value and not bench.text


def test_what_the_page_cannot_read_leaves_nothing_of_an_earlier_recording(bench):
    arrive(bench.recorder, np.random.default_rng(0).integers(-9000, 9000, 16000))
    assert bench.sound.value and bench.heard.value
    bench.recorder._handle_custom_msg({"name": "notes.txt"}, [])  # "another one comes": and then it is no sound
    assert bench.sound.value == bench.heard.value == bench.text == "" and bench.picture.layout.display == "none"


def test_a_name_is_text_and_no_formula(bench):
    arrive(bench.recorder, np.random.default_rng(0).integers(-9000, 9000, 16000), "US$5_vs_$6^.wav")
    assert not bench.problem.value and "US$5_vs_$6^.wav" in bench.sound.value and bench.heard.value


def test_the_page_loads_nothing_from_elsewhere_and_is_packaged():
    text = Path(module.__file__).with_name("recorder.js").read_text()
    assert module.Recorder()._esm == text
    assert "http:" not in text and "https:" not in text and "import " not in text
    project = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text())
    assert project["tool"]["setuptools"]["package-data"]["asr_helpers.show.widgets"] == ["*.css", "*.js"]
