"""What was read as it stands there is kept, as a corpus; what was not is named; and all of it goes when asked to."""

import shutil
import subprocess
from html import escape
from pathlib import Path

import numpy as np
import pytest
import soundfile
from test_recorder import arrive

from asr_helpers.corpus import data_dir, load_corpus
from asr_helpers.own_data import VoiceCorpus
from asr_helpers.recognizer import Recognizer, shipped_model
from asr_helpers.show.widgets import PrompterBench, recorder
from asr_helpers.sound import SAMPLE_RATE, read_audio, to_pcm16
from asr_helpers.system import files
from asr_helpers.text import Alphabet
from asr_helpers.words import alignment, missing_words

CLIPS = load_corpus(data_dir() / "mini" / "test-mini").utterances[:4]
MODEL = Recognizer.load(shipped_model())
TEXTS = [clip.text for clip in CLIPS]
NOISE = np.random.default_rng(0).uniform(-0.1, 0.1, 16000).astype(np.float32)


def shown(text):
    return escape(text.capitalize())


def integers(number):
    return to_pcm16(read_audio(CLIPS[number].path))


@pytest.fixture
def corpus(tmp_path):
    return VoiceCorpus(tmp_path / "voice", TEXTS)


@pytest.fixture
def bench(corpus):
    return PrompterBench(corpus)


def test_it_is_a_corpus_in_two_halves(corpus):
    for text in TEXTS[:3]:
        corpus.keep(text, NOISE)
    found = load_corpus(corpus.folder)
    assert [(each.id, each.text) for each in found] == [
        ("9101-1-0000", TEXTS[0]),
        ("9101-1-0001", TEXTS[2]),
        ("9101-2-0000", TEXTS[1]),
    ]
    assert not found.problems
    assert [len(load_corpus(half)) for half in corpus.halves] == [2, 1]
    info = soundfile.info(found.utterances[0].path)
    assert (info.format, info.samplerate, info.subtype) == ("FLAC", 16000, "PCM_16")
    np.testing.assert_allclose(read_audio(found.utterances[0].path), NOISE, atol=1 / 32768)


def test_what_was_kept_is_not_asked_for_again(corpus, tmp_path):
    corpus.keep(TEXTS[1], NOISE)
    again = VoiceCorpus(tmp_path / "voice", [*TEXTS, "my own   sentence", TEXTS[0]])
    assert again.waiting() == [TEXTS[0], *TEXTS[2:], "MY OWN SENTENCE"]
    assert PrompterBench(again).sentence == TEXTS[0]


def test_a_sentence_that_cannot_be_spelt_is_named(tmp_path):
    with pytest.raises(ValueError, match="'7' is outside the alphabet"):
        VoiceCorpus(tmp_path, ["at 7"])


def test_a_recording_that_was_taken_away_is_asked_for_again(corpus):
    first, _, third = (corpus.keep(text, NOISE) for text in TEXTS[:3])
    first.unlink()
    assert corpus.waiting() == [TEXTS[0], TEXTS[3]]
    assert corpus.keep(TEXTS[0], NOISE) == first
    assert not load_corpus(corpus.folder).problems and corpus.kept()[TEXTS[2]] == third


def test_a_kill_between_sound_and_transcript_loses_that_sentence_only(corpus, monkeypatch):
    corpus.keep(TEXTS[0], NOISE)
    write = files.write

    def killed(path, content, **how):
        if str(path).endswith(".txt"):
            raise KeyboardInterrupt
        write(path, content, **how)

    for text in TEXTS[1:3]:
        with monkeypatch.context() as patch:
            patch.setattr(files, "write", killed)
            with pytest.raises(KeyboardInterrupt):
                corpus.keep(text, NOISE)
    assert list(corpus.kept()) == [TEXTS[0]]
    for text in TEXTS[1:]:
        corpus.keep(text, NOISE)
    assert len(load_corpus(corpus.folder)) == 4 and not load_corpus(corpus.folder).problems


def test_deleting_takes_the_recordings_and_nothing_else(corpus, tmp_path):
    for text in TEXTS:
        corpus.keep(text, NOISE)
    (corpus.halves[0] / "notes.txt").write_text("mine")
    (tmp_path / "voice" / "other.flac").write_text("mine")
    corpus.delete()
    left = {path.name for path in (tmp_path / "voice").rglob("*") if path.is_file()}
    assert left == {"notes.txt", "other.flac"} and corpus.waiting() == TEXTS
    corpus.delete()  # twice does no harm


def test_what_was_read_is_kept_and_the_next_is_shown(bench, corpus):
    assert "Read aloud, sentence 1 of 4" in bench.prompt.value and shown(TEXTS[0]) in bench.prompt.value
    assert "Recordings will be in" in bench.place.value and bench.delete.disabled
    arrive(bench.recorder, integers(0), "recording")
    assert list(corpus.kept()) == [TEXTS[0]] and not bench.problem.value
    assert "Kept. Read aloud, sentence 2 of 4" in bench.prompt.value and bench.sentence == TEXTS[1]
    assert "1 recording is in" in bench.place.value and str(corpus.folder) in bench.place.value
    assert "<audio" in bench.sound.value and not bench.delete.disabled


def test_a_word_that_was_not_heard_is_named(tmp_path):
    words = TEXTS[0].split()
    corpus = VoiceCorpus(tmp_path, [" ".join([*words[:3], "SALT", *words[3:]])])
    bench = PrompterBench(corpus)
    arrive(bench.recorder, integers(0))
    assert "Read again: <i>salt</i> was not heard." in bench.prompt.value and not corpus.kept()
    assert "<audio" in bench.sound.value


def test_a_refused_reading_can_be_kept_and_the_corpus_says_what_was_not_heard(tmp_path):
    words = TEXTS[0].split()
    sentences = [" ".join([*words[:3], "SALT", *words[3:]]), *TEXTS[1:3]]
    corpus = VoiceCorpus(tmp_path, sentences)
    bench = PrompterBench(corpus)
    assert bench.anyway.layout.display == "none"
    arrive(bench.recorder, integers(0))
    assert bench.anyway.layout.display is None and not corpus.kept() and not corpus.doubts()
    bench.anyway.click()
    assert list(corpus.kept()) == sentences[:1] and "Kept. Read aloud, sentence 2 of 3" in bench.prompt.value
    assert corpus.doubts() == {"9101-1-0000": "SALT"} and bench.anyway.layout.display == "none"
    arrive(bench.recorder, integers(1))  # heard whole: no doubt is noted
    assert len(corpus.kept()) == 2 and VoiceCorpus(tmp_path, sentences).doubts() == {"9101-1-0000": "SALT"}
    corpus.kept()[sentences[0]].unlink()
    assert not corpus.doubts()
    corpus.keep(sentences[0], NOISE)  # takes the id again
    assert not corpus.doubts()
    corpus.keep(sentences[2], NOISE, ["SALT"])
    corpus.delete()
    assert not corpus.folder.exists()


def test_the_offer_to_keep_ends_with_the_sentence_it_was_made_for(bench, corpus):
    for go_on in (bench.skip.click, lambda: bench.recorder._handle_custom_msg({"name": "next"}, [])):
        arrive(bench.recorder, to_pcm16(NOISE))
        assert bench.anyway.layout.display is None
        go_on()
        assert bench.anyway.layout.display == "none"
    assert not corpus.kept()


@pytest.mark.parametrize("number", [1, None])
def test_another_sentence_and_noise_are_refused(bench, corpus, number):
    arrive(bench.recorder, to_pcm16(NOISE) if number is None else integers(number))
    assert "Most of it was not heard" in bench.prompt.value and not corpus.kept()


@pytest.mark.parametrize("seconds", [1, 3])
@pytest.mark.parametrize("kind", ["hiss", "fan", "hum", "gusts"])
@pytest.mark.parametrize("sentence", ["YES", "OPEN THE GATE", "GOOD MORNING"])
def test_noise_is_kept_as_no_sentence(kind, seconds, sentence):
    hiss, time = (
        np.random.default_rng(0).normal(size=SAMPLE_RATE * seconds),
        np.arange(SAMPLE_RATE * seconds) / SAMPLE_RATE,
    )
    fan = np.cumsum(hiss) - np.linspace(0, hiss.sum(), len(hiss))
    fan *= 0.1 / np.abs(fan).max()
    noises = {"hiss": hiss / 33, "fan": fan, "hum": np.sin(100 * np.pi * time) / 20 + hiss / 1000}
    noises["gusts"] = fan * np.maximum(np.sin(4.4 * time), 0) + hiss / 1000
    log_probs = MODEL.audio_log_probs(noises[kind].astype(np.float32))
    assert missing_words(log_probs, sentence) == sentence.split()


def test_real_readings_are_kept_as_before(monkeypatch):
    clips = [clip for clip in load_corpus(data_dir() / "real").utterances if clip.seconds < 4][:6]
    for clip in clips:
        log_probs = MODEL.audio_log_probs(read_audio(clip.path))
        found = missing_words(log_probs, clip.text)
        with monkeypatch.context() as without:
            without.setattr(alignment, "SPEECH_THRESHOLD", -np.inf)
            assert found == missing_words(log_probs, clip.text)


def test_a_turkish_sentence_is_shown_in_turkish_letters(tmp_path):
    sentence = "IŞIK İÇİN ILIK"
    bench = PrompterBench(VoiceCorpus(tmp_path, [sentence], alphabet=Alphabet.of_texts([sentence])))
    assert "Işık için ılık." in bench.prompt.value


def test_a_speakers_name_is_one_whichever_way_its_accent_is_written(tmp_path):
    VoiceCorpus(tmp_path, TEXTS, speaker="jose\u0301").keep(TEXTS[0], NOISE)
    again = VoiceCorpus(tmp_path, TEXTS, speaker="jos\u00e9")
    assert TEXTS[0] in again.kept() and len(load_corpus(again.folder)) == 1


PULLED_OUT = """
import { readFileSync } from "node:fs";
const module = await import("data:text/javascript;base64," + readFileSync(process.argv[2]).toString("base64"));
const parts = {};
for (const name of ["div", "button", "meter", "input", "[role=status]"]) parts[name] = { textContent: "" };
let recorder, finished;
const done = new Promise((finish) => (finished = finish));
const stream = { getTracks: () => [{ stop() {} }] };
Object.defineProperty(globalThis, "navigator", { value: { mediaDevices: { getUserMedia: async () => stream } } });
globalThis.MediaRecorder = class {
  constructor() { recorder = this; this.state = "inactive"; }
  start() { this.state = "recording"; }
  stop() { if (this.state === "inactive") throw new Error("InvalidStateError"); }
};
globalThis.OfflineAudioContext = class {
  async decodeAudioData() {
    return { length: 1600, numberOfChannels: 1, getChannelData: () => new Float32Array(1600) };
  }
};
globalThis.AudioContext = class {
  createAnalyser() { return { fftSize: 8, getFloatTimeDomainData() {} }; }
  createMediaStreamSource() { return { connect() {} }; }
  close() {}
};
const model = { get: () => 15, send: (message, _, buffers) => buffers.length && finished(buffers[0].byteLength) };
module.default.render({ model, el: { innerHTML: "", querySelector: (name) => parts[name] } });
await parts.button.onclick();
recorder.state = "inactive"; // the standard: the track has ended, so the recorder stops by itself
recorder.ondataavailable({ data: new Uint8Array(10) });
recorder.onstop();
const bytes = await done;
await new Promise((go) => setTimeout(go));
console.log([bytes, parts.button.textContent, parts["[role=status]"].textContent].join());
process.exit(0);
"""


@pytest.mark.skipif(not shutil.which("node"), reason="needs Node.js")
def test_a_microphone_that_is_pulled_out_ends_the_recording(tmp_path):
    (tmp_path / "page.mjs").write_text(PULLED_OUT)
    script = Path(recorder.__file__).with_name("recorder.js")
    found = subprocess.run(["node", tmp_path / "page.mjs", script], capture_output=True, text=True, timeout=60)
    assert found.stdout.strip() == "3200,● record,recording: 0.1 seconds.", found.stderr


@pytest.mark.parametrize(("samples", "word"), [([0] * 9000, "silence"), ([9000] * 100, "shorter")])
def test_silence_and_a_slip_are_named(bench, corpus, samples, word):
    arrive(bench.recorder, samples)
    assert word in bench.problem.value and not corpus.kept() and not bench.sound.value
    bench.recorder._handle_custom_msg({"name": "next"}, [])  # "another one comes"
    assert not bench.problem.value


def test_a_sentence_can_wait(bench, corpus):
    bench.skip.click()
    assert bench.sentence == TEXTS[1] and "sentence 1 of 4" in bench.prompt.value
    for number in (1, 2, 3):
        arrive(bench.recorder, integers(number))
    assert bench.sentence == TEXTS[0] and bench.skip.disabled
    arrive(bench.recorder, integers(0))
    assert "All 4 are kept." in bench.prompt.value and bench.sentence is None
    arrive(bench.recorder, integers(0))  # once more, by mistake
    assert len(load_corpus(corpus.folder)) == 4


def test_recordings_are_deleted_after_a_second_word(bench, corpus):
    arrive(bench.recorder, integers(0))
    assert bench._question.layout.display == "none"
    bench.delete.click()
    assert bench._question.layout.display == "flex" and corpus.kept()
    bench.rather_not.click()
    assert bench._question.layout.display == "none" and corpus.kept()
    bench.delete.click()
    bench.sure.click()
    assert not corpus.kept() and bench.sentence == TEXTS[0] and not bench.sound.value
    assert "deleted" in bench.prompt.value and bench._question.layout.display == "none"


def test_a_corpus_that_cannot_be_written_is_told_in_the_page(bench, corpus):
    corpus.folder.parent.mkdir()
    corpus.folder.write_text("a file where the folder should be")
    arrive(bench.recorder, integers(0))
    assert str(corpus.folder) in bench.problem.value and "role=" in bench.problem.value


def test_a_sentence_is_text_and_not_html(tmp_path):
    bench = PrompterBench(VoiceCorpus(tmp_path / "<b>", ["I'll"]))
    assert "&lt;b&gt;" in bench.place.value and "I&#x27;ll" in bench.prompt.value
