import itertools
import math
import tracemalloc
from contextlib import suppress

import numpy as np
import pytest

from asr_helpers.corpus import data_dir, load_corpus
from asr_helpers.recognizer import Recognizer, shipped_model
from asr_helpers.sound import read_audio
from asr_helpers.text import BLANK, NUM_CLASSES, encode
from asr_helpers.words import (
    FRAME_SECONDS,
    AlignmentError,
    Word,
    align,
    collapse,
    ctm,
    lattice,
    missing_words,
    pronunciation_scores,
    unsaid_words,
    viterbi,
)


def random_log_probs(seed, frames):
    logits = np.random.default_rng(seed).normal(scale=2, size=(frames, NUM_CLASSES))
    return logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))


def spelt(path, labels):
    """The label of each frame of a path of states."""
    return [BLANK if state % 2 == 0 else int(labels[state // 2]) for state in path]


@pytest.mark.parametrize("text", ["A", "AB", "AA", "A B", "BAB"])
@pytest.mark.parametrize("seed", range(3))
def test_viterbi_is_the_best_of_all_paths(text, seed):
    labels, frames = encode(text), 6
    log_probs = random_log_probs(seed, frames)
    path = viterbi(log_probs, labels)
    assert collapse(spelt(path, labels)) == labels.tolist()
    found = sum(log_probs[t, label] for t, label in enumerate(spelt(path, labels)))
    best = max(
        sum(log_probs[t, label] for t, label in enumerate(way))
        for way in itertools.product({*labels.tolist(), BLANK}, repeat=frames)
        if collapse(way) == labels.tolist()
    )
    assert found == pytest.approx(best, abs=1e-9)


def test_a_long_recording_takes_little_memory():
    labels = np.random.default_rng(0).integers(2, BLANK, 1500)
    frames = np.repeat(np.stack([labels, np.full(1500, BLANK)], 1).ravel(), 2)
    log_probs = np.log(0.9 * np.eye(NUM_CLASSES, dtype=np.float32)[frames] + 0.1 / NUM_CLASSES)
    tracemalloc.start()
    path = viterbi(log_probs, labels)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert spelt(path, labels) == frames.tolist()
    assert peak < len(frames) * len(labels)  # half of what one byte for each step would take


def test_nothing_said_is_all_blanks():
    assert viterbi(random_log_probs(0, 5), encode("")).tolist() == [0] * 5
    assert align(random_log_probs(0, 5), "") == []
    assert viterbi(np.zeros((0, NUM_CLASSES)), encode("")).tolist() == []


def test_words_have_the_times_and_confidence_they_were_given():
    path = [BLANK, *encode("AA"), BLANK, *encode("B"), BLANK, *encode(" "), BLANK, BLANK, *encode("CC"), BLANK]
    log_probs = np.log(0.8 * np.eye(NUM_CLASSES)[path] + 0.2 / NUM_CLASSES)
    first, second = align(log_probs, "AB C")
    assert (first.text, second.text) == ("AB", "C")
    assert (first.start, first.end) == pytest.approx((1 * FRAME_SECONDS, 5 * FRAME_SECONDS))
    assert (second.start, second.end) == pytest.approx((9 * FRAME_SECONDS, 11 * FRAME_SECONDS))
    assert first.confidence == pytest.approx(0.8 + 0.2 / NUM_CLASSES)


def test_words_stand_where_their_characters_are():
    labels = encode("AB C")
    log_probs = np.full((20, 29), -10.0)
    log_probs[:, 28] = -0.01
    for frame, label in zip((3, 5, 9, 12), labels, strict=True):
        log_probs[frame] = -10.0
        log_probs[frame, label] = -0.01
    found = align(log_probs, "AB C")
    assert [word.text for word in found] == ["AB", "C"]
    np.testing.assert_allclose([(word.start, word.end) for word in found], [(0.12, 0.24), (0.48, 0.52)])


def test_a_text_too_long_for_the_audio_is_refused():
    with pytest.raises(AlignmentError, match=r"0.1 s .* 0.1 s"):
        viterbi(random_log_probs(0, 2), encode("AA"))
    viterbi(random_log_probs(0, 3), encode("AA"))


def test_ctm():
    words = [Word("A", 0.04, 0.12, 0.5), Word("B", 0.2, 0.36, 1.0)]
    assert ctm(words, "my clip") == "my_clip 1 0.04 0.08 A 0.500\nmy_clip 1 0.20 0.16 B 1.000\n"


def test_on_speech_the_alignment_is_where_the_lattice_says(mini):
    """The sum over all paths is another computation: at nearly every frame it must see the path as likely."""
    from asr_helpers.recognizer import Recognizer, shipped_model

    recognizer = Recognizer.load(shipped_model())
    shares, offsets = [], []
    for utterance in load_corpus(mini / "dev-mini").utterances[::6]:
        log_probs, labels = recognizer.audio_log_probs(read_audio(utterance.path)), encode(utterance.text)
        path = viterbi(log_probs, labels)
        forward, backward = lattice(log_probs, labels)
        posterior = np.exp(forward + backward - np.logaddexp.reduce(forward[-1, -2:]))
        shares.extend(posterior[np.arange(len(path)), path])
        times = np.arange(len(path))
        for state in range(1, posterior.shape[1], 2):  # a character's middle, by the path and by the posteriors
            expected = (times * posterior[:, state]).sum() / posterior[:, state].sum()
            offsets.append(np.flatnonzero(path == state).mean() - expected)
        words = align(log_probs, utterance.text)
        assert [word.text for word in words] == utterance.text.split()
        assert all(a.start < a.end <= b.start for a, b in itertools.pairwise(words))
        assert 0 < min(word.confidence for word in words) <= max(word.confidence for word in words) <= 1
        assert words[-1].end <= math.ceil(utterance.seconds / FRAME_SECONDS) * FRAME_SECONDS
    assert np.mean(shares) > 0.8
    assert np.median(np.abs(offsets)) < 0.5 and np.mean(np.abs(offsets) < 2) > 0.95


@pytest.mark.parametrize("seed", range(3))
def test_a_doubt_is_what_the_word_costs_against_anything_in_its_place(seed):
    frames, text = 7, "A B"
    log_probs = random_log_probs(seed, frames)
    free = log_probs.max(axis=1)
    space, a, b = encode(" AB")

    def best(score, spells):
        ways = itertools.product({space, a, b, BLANK, -1}, repeat=frames)
        return max(score(way) for way in ways if collapse(way) == spells)

    def score(way):  # -1: anything
        return sum(free[t] if label < 0 else log_probs[t, label] for t, label in enumerate(way))

    whole = best(score, [a, space, b])
    without = best(score, [-1, space, b]), best(score, [a, space, -1])
    assert pronunciation_scores(log_probs, text) == pytest.approx([(each - whole) / 2 for each in without], abs=1e-9)


def test_nothing_is_heard_of_what_does_not_fit():
    assert (
        pronunciation_scores(random_log_probs(0, 5), "") == pronunciation_scores(np.zeros((0, NUM_CLASSES)), "") == []
    )
    assert missing_words(random_log_probs(0, 4), "A BACK") == ["A", "BACK"]
    with pytest.raises(AlignmentError):
        pronunciation_scores(random_log_probs(0, 1), "ABACK")
    with pytest.raises(ValueError, match="'7' is outside the alphabet"):
        missing_words(random_log_probs(0, 5), "7")


def test_the_shipped_model_notices_words_that_were_not_said():
    """As notebook 12 counts it, on every fourth clip of the harbour's test speech."""
    recognizer, rng = Recognizer.load(shipped_model()), np.random.default_rng(0)
    clips = load_corpus(data_dir() / "mini" / "test-mini").utterances[::4]
    words = sorted({word for clip in clips for word in clip.text.split()})
    noticed = {"right": [], "missing": [], "replaced": [], "alone": []}
    for clip in clips:
        log_probs, said = recognizer.audio_log_probs(read_audio(clip.path)), clip.text.split()
        place, other = rng.integers(len(said)), str(rng.choice(words))
        other = "SALT" if other == said[place] else other
        more, changed = (
            missing_words(log_probs, " ".join([*said[:place], other, *said[rest:]])) for rest in (place, place + 1)
        )
        noticed["right"].append(bool(missing_words(log_probs, clip.text)))
        noticed["missing"].append(other in more)
        noticed["replaced"].append(other in changed)
        noticed["alone"].append(changed == [other])
    rates = {kind: np.mean(each) for kind, each in noticed.items()}
    assert rates["right"] < 0.1 and min(rates["missing"], rates["replaced"], rates["alone"]) > 0.9, rates


def test_a_text_that_was_not_said_is_noticed_and_one_that_was_is_not(mini):
    recognizer = Recognizer.load(shipped_model())
    people = load_corpus(mini.parent / "real").utterances
    heard = [recognizer.audio_log_probs(read_audio(each.path)) for each in people]
    unsaid = {"own": [], "another's": []}
    for place, log_probs in enumerate(heard):
        for kind, other in (("own", place), ("another's", (place + 7) % len(people))):
            with suppress(AlignmentError):  # too long for the sound
                words = align(log_probs, people[other].text)
                unsaid[kind].append(len(unsaid_words(log_probs, words)) / len(words))
    assert (len(unsaid["own"]), max(unsaid["own"])) == (40, 0)
    assert len(unsaid["another's"]) == 35 and min(unsaid["another's"]) > 0 and np.mean(unsaid["another's"]) > 0.8
    assert unsaid_words(heard[0], []) == []
