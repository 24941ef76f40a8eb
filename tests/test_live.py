"""The recogniser while somebody speaks: rules, blocks of any size, voice detection, microphone, `asr listen`."""

import io
import itertools
import os
import signal
import sys
import types

import numpy as np
import pytest

from asr_helpers.cli.entry import main
from asr_helpers.cli.live import terminal_captions, until_interrupted, wrapped
from asr_helpers.live import (
    SIZES,
    Final,
    Hearing,
    Listener,
    Partial,
    SourceError,
    StreamingNetwork,
    VoiceDetector,
    after,
    best_network,
    microphone,
    raw_blocks,
)
from asr_helpers.live.listener import SETTLED_SECONDS
from asr_helpers.recognizer import Recognizer, shipped_model
from asr_helpers.sound import OUTPUT_HOP, SAMPLE_RATE, features, num_frames, output_frames, read_audio, to_pcm16
from asr_helpers.text import ENGLISH
from asr_helpers.words import Word, greedy

CLIP = "real/test-clean-sample/1089/134686/1089-134686-0010.flac"
REAL, UNSURE, NOISE = 90, 25, 5  # per cent of a letter; the rest is the blank's


def say(text, percent=REAL):
    """Return sound that `StandIn` hears as `text`: two frames a letter; a digit is that many seconds of silence."""
    frames = []
    for character in text:
        if character.isdigit():
            frames += [0] * (int(character) * 25)
        else:
            frames += [100 * (ENGLISH.encode(character)[0] + 1) + percent, 0]
    return np.repeat(np.array(frames, np.float32) / 10_000, OUTPUT_HOP)


class StandIn:
    """A recogniser of what `say` says. As the real one, it hears the end of a window badly: all letters are X."""

    alphabet = ENGLISH

    def __init__(self, deaf=0):
        self.deaf, self.heard = deaf, 0

    def audio_log_probs(self, samples):
        frames = output_frames(num_frames(len(samples)))
        self.heard += frames
        codes = np.round(np.pad(samples, (0, OUTPUT_HOP))[: frames * OUTPUT_HOP : OUTPUT_HOP] * 10_000).astype(int)
        letters, shares = codes // 100 - 1, codes % 100 / 100
        letters[(letters >= 0) & (np.arange(frames) >= frames - self.deaf)] = ENGLISH.encode("X")[0]
        probs = np.full((frames, ENGLISH.classes), 1e-9)
        probs[:, ENGLISH.blank] = 1 - shares
        probs[np.arange(frames), letters] = np.maximum(shares, 1e-9)  # -1, nothing, is the blank
        probs[letters < 0, ENGLISH.blank] = 1
        return np.log(probs).astype(np.float32)


def eager(log_probs):
    """Return every letter that has a few per cent, as a beam search with a language model finds them."""
    heard = log_probs.copy()
    heard[heard[:, :-1].max(axis=1) > np.log(0.02), ENGLISH.blank] = -99
    return greedy(heard, ENGLISH)


def events(sound, block=1600, recognizer=None, **settings):
    listener = Listener(recognizer or StandIn(), eager, **settings)
    found = [event for start in range(0, len(sound), block) for event in listener.push(sound[start : start + block])]
    return found + listener.close()


def finals(found):
    return [(" ".join(word.text for word in event.words), event.doubtful) for event in found if type(event) is Final]


def texts(words):
    return [word.text for word in words]


SPEECH = np.concatenate([say("1HELLO THERE YOU2"), say("AH AH", NOISE), say("3GOOD DAY TO YOU ALL")])


@pytest.mark.parametrize("delay", [1, 2])
@pytest.mark.parametrize("block", [160, 700, 16_000, 160_000, 10**9])
def test_the_events_do_not_depend_on_the_blocks(block, delay):
    settings = {"recognizer": StandIn(3), "delay": delay}
    assert events(SPEECH, block, **settings) == events(SPEECH, **settings)


def test_text_comes_while_it_is_spoken_and_pauses_end_it():
    found = events(SPEECH)
    assert finals(found) == [("HELLO THERE YOU", False), ("GOOD DAY TO YOU ALL", False)]
    assert type(found[0]) is Partial and "HELLO THERE YOU".startswith(" ".join(texts(found[0].grey)))


@pytest.mark.parametrize("deaf", [0, 3, 12])
def test_black_words_never_change(deaf):
    found = events(SPEECH, recognizer=StandIn(deaf), delay=1)
    black = []
    for event in found:
        new = texts(event.words if type(event) is Final else event.black)
        assert new[: len(black)] == black
        black = [] if type(event) is Final else new
    assert any(event.black for event in found if type(event) is Partial)


def test_a_word_that_keeps_changing_is_black_after_two_seconds():
    readings = itertools.cycle(["GOOD", "WOOD"])
    listener = Listener(StandIn(), lambda log_probs: eager(log_probs).replace("GOOD", next(readings)), delay=1)
    sound, seen = say("1GOOD DAY TO YOU ALL AND TO THE OTHERS AND MORE AND MORE AND MORE"), {}
    for end in range(1600, len(sound), 1600):
        for event in listener.push(sound[end - 1600 : end]):
            seen |= {word.text: end / SAMPLE_RATE - word.end for word in event.black if word.text not in seen}
    assert {"GOOD", "WOOD"} & seen.keys() and len(seen) > 5
    chunk, ahead, _ = (frames * 0.04 for frames in SIZES[1])
    assert max(seen.values()) <= SETTLED_SECONDS + chunk + ahead + 0.1


def test_frames_are_replaced_once_more_of_their_future_is_known():
    assert finals(events(SPEECH, recognizer=StandIn(13), delay=1))[0] == ("HELLO THERE YOU", False)


def test_words_have_their_times():
    (final,) = events(say("2HI HO1"))[-1:]
    assert [(word.text, round(word.start, 2), round(word.end, 2)) for word in final.words] == [
        ("HI", 2.0, 2.12),
        ("HO", 2.24, 2.36),
    ]


def test_a_pause_ends_a_sentence_before_the_sound_ends():
    listener = Listener(StandIn(), eager)
    found = listener.push(say("1HELLO4"))
    assert finals(found) == [("HELLO", False)] and listener.close() == []


def test_what_nobody_said_is_dropped_and_what_is_doubtful_stays_grey():
    assert events(say("AH AH AH5", NOISE)) == []
    found = events(say("OH NO NO NO NO NO NO NO NO NO NO NO5", UNSURE))
    assert all(event.doubtful and not event.black for event in found if type(event) is Partial)
    assert [doubtful for _, doubtful in finals(found)] == [True]


def test_silence_is_not_kept():
    listener = Listener(StandIn(), eager)
    for _ in range(30):
        assert listener.push(np.zeros(SAMPLE_RATE, np.float32)) == []
    assert len(listener._frames) < 4 * 25 and len(listener._hearing._samples) <= 4 * SAMPLE_RATE


def test_a_long_sentence_is_cut_in_its_longest_pause():
    text = " ".join(["WORD"] * 70)  # 28 s without a pause of 0.8 s
    sound = np.concatenate([say(text[:175]), np.zeros(8 * OUTPUT_HOP, np.float32), say(text[175:])])
    found = finals(events(sound))
    assert [len(text.split()) for text, _ in found] == [35, 35] and text == " ".join(text for text, _ in found)


def test_no_sound_has_no_events():
    assert events(np.zeros(0, np.float32)) == events(np.zeros(399, np.float32)) == []


@pytest.mark.parametrize(
    "black, words, rest",
    [
        ("", "A B", "A B"),
        ("A B", "A B C", "C"),
        ("A B", "A X C", "C"),
        ("A B", "A", ""),
        ("A", "X A B", "B"),
        ("SOME BODY IS", "SOMEBODY IS HERE", "HERE"),
    ],
)
def test_another_reading_goes_on_after_the_black_words(black, words, rest):
    def spoken(text):
        return [Word(each, 0, 1, 1) for each in text.split()]

    assert texts(after(spoken(black), spoken(words))) == rest.split()


# --------------------------------------------------------------------------------------------- voice detection


class Loud:
    """A voice detector for `say`: a frame of 512 samples is speech if one of its samples is not zero."""

    def __init__(self):
        self.rest = np.zeros(0, np.float32)

    def __call__(self, samples):
        held = np.append(self.rest, samples)
        whole = len(held) // 512 * 512
        self.rest = held[whole:]
        return held[:whole].reshape(-1, 512).any(axis=1).astype(np.float32)


def test_the_network_hears_only_speech_and_words_stay_whole():
    alone, gated = StandIn(), StandIn()
    expected = events(SPEECH, recognizer=alone)
    assert finals(events(SPEECH, recognizer=gated, detector=Loud())) == finals(expected)
    assert gated.heard < alone.heard
    settings = {"detector": lambda samples: np.zeros(len(samples) // 512)}
    assert events(SPEECH, **settings) == []


@pytest.mark.parametrize("block", [700, 160_000])
def test_the_blocks_do_not_matter_to_the_detector_either(block):
    assert events(SPEECH, block, detector=Loud(), delay=1) == events(SPEECH, detector=Loud(), delay=1)


def test_the_shipped_detector_knows_speech(mini, rng):
    speech = read_audio(mini.parent / CLIP)
    whole = VoiceDetector()(speech)
    assert len(whole) == len(speech) // 512 and np.mean(whole > 0.5) > 0.7
    detector = VoiceDetector()
    np.testing.assert_array_equal(np.concatenate([detector(part) for part in np.array_split(speech, 50)]), whole)
    chord = sum(np.sin(2 * np.pi * hz * np.arange(SAMPLE_RATE * 2) / SAMPLE_RATE) for hz in (220, 277, 330)) / 10
    for sound in (chord, 0.05 * rng.standard_normal(SAMPLE_RATE * 2), np.zeros(SAMPLE_RATE)):
        assert (VoiceDetector()(sound.astype(np.float32)) < 0.5).all()


def test_a_detector_without_its_file_is_one_line(tmp_path):
    with pytest.raises(ValueError, match=r"none\.onnx: no such file.*--vad none"):
        VoiceDetector(tmp_path / "none.onnx")
    (tmp_path / "bad.onnx").write_bytes(b"no model")
    with pytest.raises(ValueError, match=r"bad\.onnx: cannot be loaded.*--vad none"):
        VoiceDetector(tmp_path / "bad.onnx")


# -------------------------------------------------------------------------------------------------- the real network


@pytest.fixture(scope="module")
def recognizer():
    return Recognizer.load(shipped_model())


@pytest.fixture(scope="module")
def speech(mini):
    return read_audio(mini.parent / CLIP)


def test_given_one_chunk_the_streaming_network_is_the_one_that_was_trained(recognizer, speech):
    speech = speech[: len(speech) // OUTPUT_HOP * OUTPUT_HOP - 1]  # no feature frame beyond the last output frame
    first, found = StreamingNetwork(shipped_model())(speech, 0, 0, None)
    assert first == 0
    np.testing.assert_allclose(found, recognizer.log_probs(features(speech)), atol=0.01)


def test_the_streaming_network_goes_on_from_chunk_to_chunk(recognizer, speech):
    hearing, found = Hearing(StreamingNetwork(shipped_model())), np.zeros((0, 29))
    for first, frames in [*hearing.push(speech), hearing.close()]:
        found = np.concatenate([found[:first], frames])
    offline = recognizer.audio_log_probs(speech)
    assert len(found) == len(offline) and np.mean(found.argmax(1) == offline.argmax(1)) > 0.9


def test_what_the_streaming_network_forgets(speech):
    network, chunk = StreamingNetwork(shipped_model()), speech[: 50 * OUTPUT_HOP]
    begun = network(chunk, 0, 0, 25)[1]
    assert network(chunk, 0, 20, 25)[0] == 0  # soon after the beginning it hears everything again
    first, gone_on = network(chunk, 0, 40, 5)
    assert first == 40 and np.abs(gone_on - begun[40:]).max() > 0.1
    network.forget()
    np.testing.assert_array_equal(network(chunk, 0, 0, 25)[1], begun)


def test_the_streaming_network_has_the_features_of_its_window(speech):
    network = StreamingNetwork(shipped_model())
    for start, end in [(0, 50), (0, 75), (10, 100), (60, 110)]:
        window = speech[start * OUTPUT_HOP : end * OUTPUT_HOP]
        found = network._features(window, start * 4)
        np.testing.assert_allclose(found[2:], features(window)[2:], atol=0.15)  # the window cuts off its own first two


def test_other_models_are_heard_in_windows(recognizer):
    assert type(best_network(recognizer)) is StreamingNetwork
    other = Recognizer(recognizer.log_probs)
    assert best_network(other) is other


@pytest.mark.parametrize("network", ["windows", "streaming"])
def test_a_real_clip_reads_as_offline_and_the_same_from_all_blocks(network, recognizer, speech):
    found = []
    for block in (len(speech), 1603):
        heard = recognizer if network == "windows" else best_network(recognizer)
        listener = Listener(heard, recognizer.greedy, detector=VoiceDetector())
        found.append([e for at in range(0, len(speech), block) for e in listener.push(speech[at : at + block])])
        found[-1] += listener.close()
    assert found[0] == found[1]
    live, offline = finals(found[0])[0][0].split(), recognizer.transcribe(speech).split()
    assert len(set(live) & set(offline)) > 0.7 * len(offline)


# ------------------------------------------------------------------------------------------------------ sources


def test_raw_samples_come_as_they_arrive():
    source, target = os.pipe()
    with open(source, "rb") as pipe:
        blocks = raw_blocks(pipe)
        os.write(target, np.array([16384, -32768], "<i2").tobytes() + b"\x00")
        assert next(blocks).tolist() == [0.5, -1.0]
        os.write(target, b"\x40")
        assert next(blocks).tolist() == [0.5]
        os.close(target)
        assert list(blocks) == []


class PortAudioError(Exception):
    pass


@pytest.fixture
def sound_system(monkeypatch):
    """A sound system with one microphone at 48 kHz that hears a second of a tone, and loses sound once."""

    class InputStream:
        def __init__(self, samplerate, blocksize, callback, finished_callback, **_):
            tone = np.sin(2 * np.pi * 440 * np.arange(samplerate) / samplerate).astype(np.float32)[:, None]
            for number, start in enumerate(range(0, samplerate, blocksize)):
                block = tone[start : start + blocksize]
                callback(block, len(block), None, types.SimpleNamespace(input_overflow=number == 3))
            finished_callback()

        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

    def query_devices(device, kind):
        if device == 7:
            raise PortAudioError("Error querying device 7")
        return {"name": "Desk", "default_samplerate": 48_000.0}

    module = types.SimpleNamespace(
        InputStream=InputStream, query_devices=query_devices, PortAudioError=PortAudioError, default=None
    )
    monkeypatch.setitem(sys.modules, "sounddevice", module)


def test_a_microphone_is_heard_at_its_own_rate(sound_system):
    with microphone() as source:
        sound = np.concatenate(list(source.blocks))
    assert source.overflows == 1 and abs(len(sound) - SAMPLE_RATE) <= 1
    assert np.abs(np.fft.rfft(sound[:16_000])).argmax() == 440


def test_no_microphone_is_one_line(sound_system, monkeypatch):
    with pytest.raises(SourceError, match=r"Error querying device 7.*python -m sounddevice"), microphone("7"):
        pass
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    with pytest.raises(SourceError, match="pip install sounddevice"), microphone():
        pass


def test_a_missing_portaudio_is_one_line(monkeypatch, tmp_path):
    (tmp_path / "sounddevice.py").write_text("raise OSError('PortAudio library not found')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "sounddevice", raising=False)
    with pytest.raises(SourceError, match=r"PortAudio library not found.*apt install"), microphone():
        pass


def test_ctrl_c_ends_the_wait_but_not_the_work():
    def blocks():
        yield 1
        os.kill(os.getpid(), signal.SIGINT)
        yield 2

    assert list(until_interrupted(blocks())) == [1]
    done = []
    for block in until_interrupted(iter([1, 2])):
        os.kill(os.getpid(), signal.SIGINT)
        done.append(block)
    assert done == [1]


# ----------------------------------------------------------------------------------------------------- asr listen


def test_listen_reads_a_pipe_and_writes_captions(capsys, monkeypatch, tmp_path, speech):
    monkeypatch.setattr(
        sys, "stdin", types.SimpleNamespace(buffer=io.BufferedReader(io.BytesIO(to_pcm16(speech).tobytes())))
    )
    captions = tmp_path / "live.vtt"
    assert main(["listen", "-", "--no-lm", "--vtt", str(captions)]) == 0
    out, err = capsys.readouterr()
    assert len(out.splitlines()) == 1 and "YOU HAVE A HEAD" in out and err == ""
    assert captions.read_text().startswith("WEBVTT\n\n00:00:0") and "YOU HAVE A HEAD" in captions.read_text().replace(
        "\n", " "
    )
    assert main(["listen", "-", "--no-lm", "--vtt", str(captions)]) == 2
    assert "live.vtt: is there already" in capsys.readouterr().err


def test_listen_reads_a_file_and_says_that_there_is_no_microphone(capsys, monkeypatch, mini):
    assert main(["listen", "--file", str(mini.parent / CLIP), "--no-lm", "--delay", "1", "--vad", "none"]) == 0
    assert "HEAD" in capsys.readouterr().out
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    assert main(["listen", "--no-lm"]) == 2
    assert capsys.readouterr().err.startswith("asr: a microphone needs sounddevice")


def test_realtime_waits_as_long_as_the_sound_lasts(monkeypatch, mini):
    from asr_helpers.cli import live

    clock = [0.0]
    monkeypatch.setattr(live.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(live.time, "sleep", lambda seconds: clock.__setitem__(0, clock[0] + seconds))
    with live.file_blocks(mini.parent / CLIP, realtime=True) as blocks:
        sent = 0
        for block in blocks:
            sent += len(block)
            assert len(block) <= 1600 and clock[0] == pytest.approx(sent / SAMPLE_RATE)


def test_captions_are_redrawn_in_place(capsys, monkeypatch):
    words = [Word(text, 0, 1, 1) for text in ("ONE", "TWO", "THREE")]
    monkeypatch.setattr("shutil.get_terminal_size", lambda *_, **__: os.terminal_size((9, 24)))
    draw = terminal_captions()
    draw(Partial(words[:1], words[1:]))
    draw(Final(words))
    draw(Final(words[:1], doubtful=True))
    grey = "\x1b[90m{}\x1b[0m".format
    assert capsys.readouterr().out == (
        f"\r\x1b[JONE{grey(' TWO')}\n{grey('THREE')}"
        + "\r\x1b[1A\x1b[JONE TWO\nTHREE\n"
        + f"\r\x1b[J{grey('ONE (?)')}\n"
    )


@pytest.mark.parametrize("black, grey", [("ONE TWO", "THREE FOUR"), ("", "ONE"), ("ONE", ""), ("ONE TWO THREE", "")])
def test_lines_have_all_words_and_grey_ones_are_grey(black, grey):
    lines = wrapped(black, grey, 12)
    plain = " ".join(lines).replace("\x1b[0m", "").replace("\x1b[90m", "")
    assert plain == f"{black} {grey}".strip()
    assert all(len(line) <= 12 + len("\x1b[90m\x1b[0m") for line in lines)
    assert ("\x1b[90m" in "".join(lines)) == bool(grey)
