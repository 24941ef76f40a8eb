"""The live bench without a browser: what Python answers to blocks of a microphone's sound."""

import numpy as np
import pytest

from asr_helpers.live import Final, Listener, VoiceDetector, best_network
from asr_helpers.recognizer import Recognizer, shipped_model
from asr_helpers.show.widgets import LiveBench
from asr_helpers.sound import SAMPLE_RATE, log_mel, read_audio, to_pcm16
from asr_helpers.words import default_decoder

CLIP = "real/test-clean-sample/1089/134686/1089-134686-0010.flac"


@pytest.fixture(scope="module")
def bench():
    return LiveBench()


@pytest.fixture(scope="module")
def speech(mini):
    return read_audio(mini.parent / CLIP)


def speak(bench, pcm, rate=SAMPLE_RATE, hotwords=""):
    """Send a recording as the page does; return the answers."""
    sent = [{"kind": "begin", "rate": rate, "hotwords": hotwords}]
    blocks = [pcm[start : start + rate // 10].tobytes() for start in range(0, len(pcm), rate // 10)]
    answers = [bench._receive(sent[0], [])]
    answers += [bench._receive({"kind": "block"}, [block]) for block in blocks]
    return [*answers, bench._receive({"kind": "end"}, [])]


def test_it_answers_as_the_listener_does_and_in_time(bench, speech):
    pcm = to_pcm16(speech)
    answers = speak(bench, pcm)
    recognizer = Recognizer.load(shipped_model())
    listener = Listener(best_network(recognizer), default_decoder(recognizer.alphabet), 1, VoiceDetector())
    expected = listener.push(pcm.astype(np.float32) / 32768) + listener.close()
    assert bench.lines == [" ".join(w.text for w in event.words) for event in expected if isinstance(event, Final)]
    shown = [answer["shown"] for answer, _ in answers if answer.get("shown")]
    assert any(each["grey"] for each in shown) and any(each["black"] for each in shown)
    assert shown[-1] == {"black": [], "grey": [], "doubtful": False}
    assert np.median(bench.milliseconds) < 50


def test_the_columns_are_those_of_the_spectrogram(bench, speech):
    answers = speak(bench, to_pcm16(speech))
    columns = np.concatenate([np.frombuffer(made[0], "<f4").reshape(-1, 80) for _, made in answers[1:]])
    expected = log_mel(speech)
    assert abs(len(columns) - len(expected)) < 4
    middle = slice(10, len(columns) - 10)
    assert np.abs(columns[middle] - np.roll(expected, 2, axis=0)[: len(columns)][middle]).max() < 0.2


def test_a_sound_card_of_another_rate_is_resampled(bench, speech):
    from librosa import resample

    speak(bench, to_pcm16(speech))
    once = bench.lines[:]
    speak(bench, to_pcm16(resample(speech, orig_sr=SAMPLE_RATE, target_sr=48_000)), 48_000)
    assert bench.lines[0].split()[-6:] == once[0].split()[-6:]


def test_names_are_expected_and_what_cannot_be_spelt_is_said(bench):
    answer, _ = bench._receive({"kind": "begin", "rate": 16_000, "hotwords": "Leonato, 北京"}, [])
    assert answer["ready"] and answer["remark"].startswith("left out: '北京'") and len(bench._decoders) == 1


@pytest.mark.parametrize(
    "message, problem",
    [
        ({"kind": "begin", "rate": 1, "hotwords": ""}, "a microphone at 1 Hz"),
        ({"kind": "block"}, "nothing listens; start again"),
        ({"kind": "other"}, "nothing listens; start again"),
    ],
)
def test_what_fails_is_answered(bench, message, problem, monkeypatch):
    sent = []
    bench._listener = None
    monkeypatch.setattr(bench.input, "send", lambda answer, buffers: sent.append(answer))
    bench.input._answer(None, message, [])
    assert sent[0]["problem"].startswith(problem)
