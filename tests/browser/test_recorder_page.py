"""The recorder of notebook 00 in a browser: a microphone that plays a file, a refused one, and files."""

import base64
import difflib
import io
import re

import numpy as np
import pytest
import soundfile
from browsing import BULLETIN as CLIP
from browsing import restart_kernel, wait_for

from asr_helpers.recognizer import Recognizer, shipped_model
from asr_helpers.sound import read_audio

FAKE = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")


def until_recorder(source):
    return "import" in source or "RecorderBench" in source


@pytest.fixture(scope="module")
def expected():
    """What the recogniser makes of the clip itself."""
    return Recognizer.load(shipped_model()).transcribe(read_audio(CLIP))


@pytest.fixture(scope="module")
def speaking(open_notebook, launch, tmp_path_factory):
    """Notebook 00 in a browser whose microphone plays the clip, again and again."""
    wav = tmp_path_factory.mktemp("microphone") / "clip.wav"
    soundfile.write(wav, np.concatenate([np.zeros(8000), read_audio(CLIP), np.zeros(8000)]), 16000, "PCM_16")
    context = launch(*FAKE, f"--use-file-for-fake-audio-capture={wav}")
    opened = open_notebook("00_start_here", context=context)
    opened.page.locator(".asr-recorder").scroll_into_view_if_needed()
    yield opened
    opened.page.close()


@pytest.fixture(scope="module")
def mute(open_notebook):
    """The recorder in a browser that grants no microphone."""
    opened = open_notebook("00_start_here", cells=until_recorder)
    yield opened
    opened.page.close()


def words(notebook):
    return notebook.page.locator(".asr-recorder-bench [aria-live]").last.inner_text()


def status(notebook):
    return notebook.page.locator(".asr-recorder [role=status]").inner_text()


def sound(notebook):
    """Return the samples in the player."""
    address = notebook.page.locator(".asr-recorder-bench audio").get_attribute("src")
    return soundfile.read(io.BytesIO(base64.b64decode(address.split(",")[1])), dtype="float32")[0]


def likeness(samples, clip):
    """Return the highest correlation of `clip` with any stretch of `samples`, 1 for the clip itself."""
    from scipy.signal import fftconvolve

    match = fftconvolve(samples, clip[::-1], "full")
    power = fftconvolve(samples**2, np.ones(len(clip)), "full")
    return np.max(match / np.sqrt(np.maximum(power, 1e-3) * np.sum(clip**2)))


def test_what_the_microphone_hears_is_shown_and_written_down(speaking, expected, report):
    page, clip = speaking.page, read_audio(CLIP)
    button = page.locator(".asr-recorder button")
    button.click()
    wait_for(lambda: "Recording: 4 s" in status(speaking), 60, "it does not record")
    assert page.locator(".asr-recorder meter").count() == 1
    assert button.evaluate("button => document.activeElement === button")  # the next press of Enter stops
    page.keyboard.press("Enter")
    page.locator(".asr-recorder-bench audio").wait_for(timeout=60_000)
    assert button.inner_text() == "● record"
    samples = sound(speaking)
    assert 3 < len(samples) / 16000 < 15
    # Opus keeps the sound, not the waveform; the file is played from anywhere on, so compare with its loop.
    loop = clip[len(clip) // 4 : len(clip) // 2]
    assert likeness(samples, loop) > 0.7
    assert likeness(np.random.default_rng(0).normal(size=len(samples)), loop) < 0.3
    # The model reads the sound of the page's player as it read the recording, but for what MP3 takes away.
    wait_for(lambda: not words(speaking).startswith("recording"), 60, "no words come")
    heard, again = words(speaking), Recognizer.load(shipped_model()).transcribe(samples)
    report(f"the clip heard as “{expected}”, through the microphone as “{heard}”")
    assert len(heard) > 10 and difflib.SequenceMatcher(None, heard, again).ratio() > 0.6
    assert page.locator(".asr-recorder-bench img").is_visible()


def test_a_file_is_decoded_exactly_and_transcribed(speaking, expected):
    speaking.page.locator(".asr-recorder input[type=file]").set_input_files(CLIP)
    bench = speaking.page.locator(".asr-recorder-bench")
    # The words alone would do no good: those from the microphone can be the same.
    wait_for(lambda: "9002-1-0002.flac, 2.4 s" in bench.inner_text(), 60, "the file is not shown")
    wait_for(lambda: words(speaking) == expected, 60, f"not heard as “{expected}”")
    assert "9002-1-0002.flac: 2.4 seconds" in status(speaking)
    assert bench.locator("audio").count() == 1
    speaking.screenshot("recorder", ".asr-recorder-bench")


def test_what_is_no_sound_is_named(speaking):
    speaking.page.locator(".asr-recorder input[type=file]").set_input_files(
        {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"not a sound"}
    )
    wait_for(lambda: re.search("notes.txt.*cannot read", status(speaking)), 60, "no clear word")
    box = speaking.page.locator(".asr-recorder-bench")
    wait_for(lambda: box.locator("audio").count() == 0, 60, "the words of an earlier recording stay")
    assert not box.locator("img").is_visible() and box.locator("[aria-live]").count() == 1


def test_a_file_that_is_too_long_is_named(speaking, tmp_path):
    soundfile.write(tmp_path / "long.wav", np.zeros(61 * 16000), 16000)
    speaking.page.locator(".asr-recorder input[type=file]").set_input_files(tmp_path / "long.wav")
    wait_for(lambda: "61 seconds are too long" in status(speaking), 60, "no clear word")


def test_a_stereo_file_of_another_rate_is_dropped_onto_the_field(mute, tmp_path):
    from librosa import resample

    file = io.BytesIO()
    high = resample(read_audio(CLIP), orig_sr=16000, target_sr=44100)
    soundfile.write(file, np.stack([high, 0 * high], axis=1), 44100, format="WAV")
    data = base64.b64encode(file.getvalue()).decode()
    mute.page.locator(".asr-recorder").evaluate(
        """(zone, data) => {
            const bytes = Uint8Array.from(atob(data), character => character.charCodeAt(0))
            const dataTransfer = new DataTransfer()
            dataTransfer.items.add(new File([bytes], "holiday.wav", {type: "audio/wav"}))
            zone.dispatchEvent(new DragEvent("drop", {dataTransfer, bubbles: true, cancelable: true}))
        }""",
        data,
    )
    mute.page.locator(".asr-recorder-bench audio").wait_for(timeout=60_000)
    assert likeness(sound(mute), read_audio(CLIP)) > 0.95


def test_without_a_microphone_the_way_on_is_told(mute):
    mute.page.locator(".asr-recorder button").click()
    wait_for(lambda: "microphone" in status(mute), 60, "no clear word")
    assert "sound file" in status(mute)
    assert mute.page.locator(".asr-recorder button").is_enabled()


def test_the_pages_logged_no_error(speaking, mute):
    assert speaking.errors == [] and mute.errors == []


def test_a_restarted_kernel_is_told(mute):
    restart_kernel(mute.page)
    mute.page.locator(".asr-recorder-bench [role=alert]", has_text="kernel was restarted").wait_for(timeout=60_000)
    mute.page.locator(".asr-recorder input[type=file]").set_input_files(CLIP)
    wait_for(lambda: "kernel was restarted" in status(mute), 60, "no clear word")
