"""Speech from text, where the extra `language` is installed; and one clear line where it is not."""

import os
import subprocess
import sys
import threading

import numpy as np
import pytest

from asr_helpers.own_data import SpeechError, sounds, speak
from asr_helpers.own_data import espeak as module

TEXT = "Fünf große Bären"


@pytest.mark.parametrize("function", [speak, sounds])
def test_without_the_extra_one_line_says_what_to_install(monkeypatch, function):
    module._library.cache_clear()
    monkeypatch.setitem(sys.modules, "espeakng_loader", None)
    with pytest.raises(SpeechError, match=r"^speech needs .*: pip install espeakng-loader$"):
        function(TEXT, "de")


@pytest.fixture
def espeak():
    pytest.importorskip("espeakng_loader", reason="the extra `language` is not installed")


@pytest.mark.usefixtures("espeak")
class TestSpeech:
    def test_it_is_mono_at_16_khz_and_as_long_as_it_should_be(self):
        samples = speak(TEXT, "de")
        assert samples.dtype == np.float32 and samples.ndim == 1
        assert 0.8 < len(samples) / 16000 < 2 and 0.1 < np.abs(samples).max() <= 1
        assert len(speak("", "de")) < 1600

    def test_speed_pitch_and_variant_are_heard(self):
        def pitch_of(samples):
            """Hz of the voice: the lag at which the sound is most like itself."""
            likeness = np.correlate(samples, samples, "full")[len(samples) - 1 :]
            return 16000 / (50 + likeness[50:320].argmax())

        assert len(speak(TEXT, "de", speed=100)) > 1.5 * len(speak(TEXT, "de", speed=250))
        assert pitch_of(speak("aaa", "de", pitch=90)) > 1.2 * pitch_of(speak("aaa", "de", pitch=10))
        assert pitch_of(speak("aaa", "de", "f2")) > 1.2 * pitch_of(speak("aaa", "de", "m1"))

    def test_each_language_has_its_own_sounds(self):
        assert sounds("Zug", "de") == "tsˈuːk"
        assert sounds("Die Tür. Der Hund", "de").count(" ") == 3
        assert len({sounds("train", language) for language in ("de", "es", "fr", "pl", "tr")}) > 3
        assert sounds("", "de") == ""

    @pytest.mark.parametrize("function", [speak, sounds])
    @pytest.mark.parametrize("language", ["xx", "", "../de", "de+f1"])
    def test_an_unknown_language_is_one_line(self, language, function):
        with pytest.raises(SpeechError, match=r"does not speak .*try a code") as caught:
            function(TEXT, language)
        assert len(str(caught.value).splitlines()) == 1

    @pytest.mark.parametrize("variant", ["m99", "../../de_dict"])
    def test_an_unknown_variant_is_one_line(self, variant):
        with pytest.raises(SpeechError, match="no variant"):
            speak(TEXT, "de", variant)
        assert len(speak(TEXT, "de"))  # and the next call is none the worse

    def test_threads_take_turns(self):
        lengths = {voice: len(speak(TEXT, "de", voice)) for voice in ("m1", "f1", "m7", "f4")}
        heard = []
        threads = [
            threading.Thread(target=lambda voice=voice: heard.append((voice, len(speak(TEXT, "de", voice)))))
            for voice in lengths
            for _ in range(5)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(heard) == 20
        assert all(abs(length - lengths[voice]) < 0.02 * lengths[voice] for voice, length in heard)

    def test_the_same_calls_give_the_same_sound(self):
        script = (
            "from asr_helpers.own_data import speak; print([hash(speak(str(i), 'de').tobytes()) for i in range(9)])"
        )
        command = [sys.executable, "-c", script]
        first, second = (
            subprocess.run(
                command, env=os.environ | {"PYTHONHASHSEED": "0"}, capture_output=True, text=True, check=True
            ).stdout
            for _ in range(2)
        )
        assert first == second
