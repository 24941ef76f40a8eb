import json
from pathlib import Path

import numpy as np
import pytest

from asr_helpers.corpus import load_corpus
from asr_helpers.recognizer import Recognizer, shipped_model
from asr_helpers.sound import read_audio
from asr_helpers.text import ENGLISH, NUM_CLASSES, AlphabetError, encode
from asr_helpers.words import LN10, DecodingError, FastBeamSearch, Fusion, KneserNey, NGram, beam_search, estimate
from asr_helpers.words.fast import Automaton
from asr_helpers.words.fast.boosting import boosted as boosted_automaton
from asr_helpers.words.hotwords import BOOST, HOTWORD_MIN_LOG_PROB, NEW_WORD, boosted, phrase_boosts, read_hotwords

LISTED = {
    "TIDE": 2.0,
    "ORSINO": 5.0,
    "THE TIDE": 1.5,
    "KING CLAUDIUS": 4.0,
    "AT THE OLD HARBOUR": 3.0,
    "AND THE TIDE": -1.0,
}


@pytest.fixture(scope="module")
def texts(mini):
    return [each.text for each in load_corpus(mini / "dev-mini")]


@pytest.fixture(scope="module")
def lm(texts, tmp_path_factory):
    path = tmp_path_factory.mktemp("lm") / "model.arpa"
    KneserNey.of(texts, 3, keep=900).write(path)
    return path


@pytest.mark.parametrize("order", [1, 2, 3, 5])
def test_the_automaton_with_hotwords_gives_what_the_model_gives(texts, tmp_path, order):
    path = tmp_path / "model.arpa"
    KneserNey.of(texts, order, keep=None if order == 1 else 900).write(path)
    plain, automaton = NGram.read(path), Automaton.read(path)
    boosts = phrase_boosts(LISTED, 6.0, ENGLISH, plain, order)
    slow, fast = boosted(plain, boosts), boosted_automaton(automaton, boosts)
    assert sorted(fast.vocabulary) == sorted(slow.words) == sorted({*plain.words, *" ".join(LISTED).split()})
    rng = np.random.default_rng(order)
    words = np.array([*" ".join(LISTED).split(), *rng.choice(slow.words, 10)])
    for _ in range(300):
        mine, theirs = slow.start, fast.start
        for word in (*rng.choice(words, 4), "AT", "THE", "OLD", "HARBOUR", *rng.choice(words, 3), "</s>"):
            (expected, mine), (found, theirs) = slow.score(mine, word), fast.score(theirs, word)
            assert found == pytest.approx(expected, abs=1e-4)
    for text in texts[:9]:  # what was read is as it was
        assert plain.sentence(text.split()) == NGram.read(path).sentence(text.split())


@pytest.fixture(scope="module")
def heard(mini):
    """What the shipped model hears of MEANWHILE RODOLFO HAD LEOCADIA SAFE IN HIS CUSTODY AND IN HIS OWN APARTMENT."""
    clip = mini.parent / "real" / "test-clean-sample" / "5639" / "40744" / "5639-40744-0007.flac"
    return Recognizer.load(shipped_model()).audio_log_probs(read_audio(clip))


@pytest.mark.parametrize("look_ahead", [True, False])
def test_both_searches_find_the_same_with_hotwords(heard, lm, look_ahead):
    hotwords = {"Rodolfo": 4.0, "LEOCADIA": 6.0, "HIS CUSTODY": 3.0, "OWN APARTMENT": 2.0}
    settings = dict(hotwords=hotwords, look_ahead=look_ahead)
    mine = beam_search(heard, 48, HOTWORD_MIN_LOG_PROB, Fusion(NGram.read(lm), **settings))
    theirs = FastBeamSearch(lm, 48, **settings)(heard)
    assert [each.text for each in mine] == [each.text for each in theirs]
    assert [each.score for each in mine] == pytest.approx([each.score for each in theirs], abs=1e-3)
    if look_ahead:
        assert "LEOCADIA" in mine[0].text.split()
        assert "LEOCADIA" not in FastBeamSearch(lm, 48)(heard)[0].text


SENTENCES = ["A BAD CAB", "A CAB", "A BAD DAD", "DAD A CAB", "A DAB", "BAD DAD", "A CAB A CAB"]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    path = tmp_path_factory.mktemp("lm") / "tiny.arpa"
    estimate(SENTENCES, min_counts=(1,)).write(path)
    return path


def test_every_way_to_a_hotword_gains_its_boost_once(tiny):
    plain = NGram.read(tiny)
    boosts = phrase_boosts({"CAB": 2.0, "A CAB": 0.5, "BAD DAD": 1.0, "ZED": 3.0}, 6.0, ENGLISH, plain, plain.order)
    lm = boosted(plain, boosts)

    def gains(word, *contexts):
        return [LN10 * (lm.score(each, word)[0] - plain.score(each, word)[0]) for each in map(tuple, contexts)]

    assert gains("CAB", [], ["BAD"], ["DAD", "DAD"]) == pytest.approx([2, 2, 2])  # whether listed or backed off to
    assert gains("CAB", ["A"], ["CAB", "A"], ["<s>", "A"]) == pytest.approx([2.5, 2.5, 2.5])
    assert gains("DAD", ["BAD"], ["A", "BAD"], []) == pytest.approx([1, 1, 0])
    assert gains("BAD", [], ["BAD"]) == gains("</s>", ["A"], ["CAB"]) == [0, 0]
    assert lm.score((), "ZED")[0] == pytest.approx(NEW_WORD + 3 / LN10)


def test_phrases_are_found_behind_n_grams_that_are_listed_without_their_ends():
    """Pruning keeps the beginnings of n-grams, not their ends; a longer n-gram must then back off to the new phrase."""
    full, rng = estimate(SENTENCES * 2, 4, min_counts=(1,)), np.random.default_rng(0)
    ends = [("BAD", "CAB"), ("A", "CAB")]
    plain = NGram(4, {gram: value for gram, value in full.grams.items() if gram[:2] not in ends})
    assert {("A", "BAD", "CAB"), ("DAD", "A", "CAB")} <= plain.grams.keys()
    boosts = {(*end, "DAD"): 1.0 for end in ends} | {ends[0]: 2.0, ("BAD", "CAB", "A", "DAB"): 0.5}
    slow, fast = boosted(plain, boosts), boosted_automaton(Automaton.of(plain), boosts)
    for _ in range(200):
        mine, theirs = slow.start, fast.start
        for word in (*rng.choice(plain.words, 8), "</s>"):
            (expected, mine), (found, theirs) = slow.score(mine, word), fast.score(theirs, word)
            assert found == pytest.approx(expected, abs=1e-4)


def test_no_boost_is_merely_to_be_known(tiny):
    frames = np.log(
        0.5 * np.eye(NUM_CLASSES)[[*encode("A ZAB")]] + 0.5 * np.eye(NUM_CLASSES)[[*encode("A DAB")]] + 1e-4
    )
    texts = [FastBeamSearch(tiny, hotwords=["zab"], boost=boost)(frames)[0].text for boost in (0.0, 15.0)]
    assert [*texts, FastBeamSearch(tiny)(frames)[0].text] == ["A DAB", "A ZAB", "A DAB"]


def test_files_and_words_are_read_and_what_cannot_be_spelt_is_named(tmp_path):
    path = tmp_path / "names.txt"
    path.write_text("Leonato\n\nKing Claudius\t8\nJean-Luc \t -2.5\nNº 5\nHero\tmuch\nUrsula\t1e9\n", encoding="utf-8")
    found, remarks = read_hotwords([str(path), "o’brien", "Zoë"], ENGLISH, boost=3.0)
    assert found == {"LEONATO": 3.0, "KING CLAUDIUS": 8.0, "JEAN LUC": -2.5, "O'BRIEN": 3.0}
    assert [remark.partition(" (")[0] for remark in remarks] == ["'Nº 5'", "'Hero'", "'Ursula'", "'Zoë'"]
    assert "no such file" in remarks[-1] and "'much'" in remarks[1]


def test_a_hotword_that_cannot_be_spelt_is_an_error_in_a_program(tiny):
    with pytest.raises(AlphabetError, match="Ë"):
        FastBeamSearch(tiny, hotwords=["Zoë"])
    with pytest.raises(DecodingError, match="need a language model"):
        FastBeamSearch(hotwords=["ZOE"])


def test_the_boost_in_use_finds_names_and_spares_the_rest():
    measured = json.loads((Path(__file__).resolve().parents[1] / "benchmarks" / "hotwords.json").read_text())
    rows = {row["boost"]: row for row in measured["rows"]}
    without, chosen = rows[None], rows[BOOST]
    assert chosen["new_found"] >= 0.3 * chosen["new_said"] and chosen["false_share"] <= 0.001
    assert abs(chosen["wer_other_clips"] - without["wer_other_clips"]) <= 0.001


def test_one_word_is_not_taken_for_its_letters(tiny):
    assert phrase_boosts("Zoe", 6.0, ENGLISH, NGram.read(tiny), 3) == {("ZOE",): 6.0}
