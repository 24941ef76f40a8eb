"""New sentences from pieces of old ones: cut where it is quiet, and sound and text still belong together."""

import json
from itertools import pairwise

import numpy as np
import pytest

from asr_helpers.batches import (
    Speech,
    Splicer,
    cut_speech,
    find_cuts,
    load_speech,
    read_cuts,
    training_batches,
    write_records,
)
from asr_helpers.batches.splicing import FADE_SAMPLES, MAX_PIECE_SAMPLES, MIN_PIECE_SAMPLES
from asr_helpers.corpus import CorpusError, Utterance
from asr_helpers.recognizer import Recognizer, shipped_model
from asr_helpers.sound import read_audio, to_pcm16
from asr_helpers.text import ENGLISH, Alphabet, decode
from asr_helpers.words import align, score

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def recognizer():
    return Recognizer.load(shipped_model())


@pytest.fixture(scope="module")
def speech(mini):
    return load_speech(mini / "dev-mini")


@pytest.fixture(scope="module")
def cuts(recognizer, speech, tmp_path_factory):
    file = tmp_path_factory.mktemp("cuts") / "cuts.json"
    return cut_speech(recognizer.audio_log_probs, speech, file)


def not_called(samples):
    raise AssertionError("all clips have their cuts")


def test_cuts_lie_in_the_pauses_between_words(recognizer, mini):
    utterance = load_speech(mini / "test-mini").utterances[0]
    samples = read_audio(utterance.path)
    pause = np.zeros(8000, np.float32)
    twice, text = np.concatenate([samples, pause, samples]), f"{utterance.text} {utterance.text}"
    cuts = find_cuts(recognizer.audio_log_probs(twice), twice, text)
    here = [at for at, words in cuts if words == len(utterance.text.split())]
    assert len(here) == 1 and len(samples) - 1600 < here[0] < len(samples) + len(pause) + 1600
    words = align(recognizer.audio_log_probs(twice), text)
    edges = [0, *(at for at, _ in cuts), len(twice)]
    assert all(end - start >= MIN_PIECE_SAMPLES for start, end in pairwise(edges))
    for at, before in cuts:  # a word starts in the frame of its first letter: up to 40 ms early or late
        assert words[before - 1].start < at / 16000 < words[before].end
        assert np.mean(twice[at - 80 : at + 80] ** 2) < np.mean(twice**2) / 50


def test_where_it_is_never_quiet_there_is_no_cut(recognizer, speech, rng):
    utterance = speech.utterances[0]
    samples = read_audio(utterance.path)
    log_probs = recognizer.audio_log_probs(samples)
    hum = np.sqrt(np.mean(samples**2)) * np.sin(2 * np.pi * 100 / 16000 * np.arange(len(samples)))
    assert find_cuts(log_probs, samples, utterance.text)
    assert not find_cuts(log_probs, samples + hum.astype(np.float32), utterance.text)
    assert not find_cuts(log_probs, samples, utterance.text.replace(" ", ""))


def test_a_new_sentence_is_of_one_speakers_pieces_and_says_its_text(speech, cuts, recognizer, rng):
    splicer = Splicer(cuts, speech, probability=1.0)
    new = []
    for utterance in speech.utterances[:20]:
        samples, text = splicer(utterance, read_audio(utterance.path), rng)
        assert samples.dtype == np.float32 and len(samples) == pytest.approx(utterance.samples, rel=0.25)
        if text != utterance.text:
            theirs = {word for u in speech.utterances if u.speaker == utterance.speaker for word in u.text.split()}
            assert set(text.split()) <= theirs
            new.append((text, recognizer.transcribe(samples)))
    assert len(new) >= 10
    said, heard = map(list, zip(*new, strict=True))
    # 15 %; 3 % as they were read, which the network has seen so written. A wrong text would make it 100.
    assert score(said, heard)["wer"] < 0.25


def test_pieces_are_copied_to_the_sample(speech, cuts, rng):
    utterance = next(u for u in speech.utterances if len(cuts[u.id]) >= 2)
    splicer = Splicer(cuts, speech, probability=1.0, replaced=1.0)
    samples, text = splicer(utterance, read_audio(utterance.path), np.random.default_rng(3))
    again, same = splicer(utterance, read_audio(utterance.path), np.random.default_rng(3))
    assert same == text and np.array_equal(again, samples)
    pieces = [piece for own in splicer.pieces.values() for piece in own]
    start = 0
    while start < len(samples):  # each stretch is a piece of some clip, but for the fades
        fit = [
            piece
            for piece in pieces
            if start + piece.end - piece.start <= len(samples)
            and text.startswith(piece.text)
            and np.array_equal(
                samples[start + FADE_SAMPLES : start + piece.end - piece.start - FADE_SAMPLES],
                read_audio(piece.path)[piece.start + FADE_SAMPLES : piece.end - FADE_SAMPLES],
            )
        ]
        assert fit and fit[0].end - fit[0].start <= MAX_PIECE_SAMPLES
        assert abs(samples[start]) <= abs(read_audio(fit[0].path)[fit[0].start]) * 0.01
        start += fit[0].end - fit[0].start
        text = text[len(fit[0].text) + 1 :]
    assert text == ""


def test_chance_may_leave_a_clip_as_it_is(speech, cuts, rng):
    utterance = speech.utterances[0]
    samples = read_audio(utterance.path)
    for splicer in (Splicer(cuts, speech, probability=0.0), Splicer({}, speech, probability=1.0)):
        same, text = splicer(utterance, samples, rng)
        assert same is samples or np.array_equal(same[FADE_SAMPLES:-FADE_SAMPLES], samples[FADE_SAMPLES:-FADE_SAMPLES])
        assert text == utterance.text or not cuts[utterance.id]


def test_a_clip_that_cannot_be_read_any_more_costs_only_itself(speech, cuts, tmp_path, rng):
    utterance = next(u for u in speech.utterances if len(cuts[u.id]) >= 1)
    samples = read_audio(utterance.path)
    gone = [
        u if u is utterance else Utterance(u.id, tmp_path / "gone.flac", u.text, u.samples) for u in speech.utterances
    ]
    same, text = Splicer(cuts, Speech("gone", gone), 1.0, 1.0)(utterance, samples, rng)
    assert same is samples and text == utterance.text


def test_training_reads_the_new_text_with_the_new_sound(speech, cuts, monkeypatch):
    seen = {}

    class Noting(Splicer):
        def __call__(self, utterance, samples, rng):
            spliced, text = super().__call__(utterance, samples, rng)
            seen[text] = 1 + len(spliced) // 160
            return spliced, text

    splicer = Noting(cuts, speech, probability=1.0)
    batches = iter(training_batches(speech, 60, splicer=splicer))
    texts = []
    for features, targets in (next(batches) for _ in range(3)):
        for view, row in zip(features.numpy(), targets.numpy(), strict=True):
            texts.append(decode(row[1:][row[1:] >= 0]))
            assert seen[texts[-1]] // 4 == row[0]
            assert np.count_nonzero(view.any(axis=(1, 2))) == seen[texts[-1]]
    assert len(set(texts) - {utterance.text for utterance in speech.utterances}) > len(texts) / 3


def test_what_was_cut_before_a_kill_is_not_cut_again(recognizer, speech, cuts, tmp_path):
    file = tmp_path / "cuts.json"
    half = dict(list(cuts.items())[: len(cuts) // 2])
    half[next(iter(half))] = [[8000, 1]]  # something that would be found nowhere
    file.write_text(json.dumps(half))
    whole = cut_speech(recognizer.audio_log_probs, speech, file)
    assert whole == cuts | half == read_cuts(file, speech)
    assert cut_speech(not_called, speech, file) == whole


@pytest.mark.parametrize("error", [TypeError, ValueError])
def test_a_bug_in_the_recognizer_is_no_clip_without_cuts(speech, tmp_path, error):
    def bug(samples):
        raise error("planted")

    with pytest.raises(error, match="planted"):
        cut_speech(bug, speech, tmp_path / "cuts.json")


def test_a_clip_too_fast_for_the_model_has_no_cuts(speech, tmp_path):
    few = Speech("few", speech.utterances[:1])
    log_probs = np.zeros((5, ENGLISH.classes), np.float32)
    assert cut_speech(lambda samples: log_probs, few, tmp_path / "cuts.json") == {few.utterances[0].id: []}


@pytest.mark.parametrize("content", ["", "{", "[]", '{"ID": 3}', '{"ID": [[9, 1], [5, 2]]}', '{"ID": [["a", 1]]}'])
def test_damaged_cuts_are_one_line_that_names_the_file(speech, tmp_path, content):
    file = tmp_path / "cuts.json"
    file.write_text(content.replace("ID", speech.utterances[0].id))
    with pytest.raises(CorpusError, match=r"cuts\.json: missing or damaged.*delete it") as error:
        cut_speech(not_called, speech, file)
    assert "\n" not in str(error.value)


def test_records_and_other_alphabets_are_refused(recognizer, speech, tmp_path):
    write_records(speech.utterances, tmp_path / "records")
    with pytest.raises(CorpusError, match="folder of records"):
        cut_speech(not_called, load_speech(tmp_path / "records"), tmp_path / "cuts.json")
    other = Speech(speech.name, speech.utterances, alphabet=Alphabet(ENGLISH.characters + "É"))
    with pytest.raises(CorpusError, match=r"29 classes where its alphabet needs 30"):
        cut_speech(recognizer.audio_log_probs, other, tmp_path / "cuts.json")


def test_a_stretch_of_a_clip_is_read_alone(speech):
    utterance = speech.utterances[0]
    whole = to_pcm16(read_audio(utterance.path))
    assert np.array_equal(to_pcm16(read_audio(utterance.path, 1234, 5678)), whole[1234:5678])
    assert np.array_equal(to_pcm16(read_audio(utterance.path, 1234)), whole[1234:])
