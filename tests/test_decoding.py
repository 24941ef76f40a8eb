import gzip
import itertools
import json
import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from asr_helpers.corpus import load_corpus
from asr_helpers.system import OneLineError
from asr_helpers.text import BLANK, NUM_CLASSES, Alphabet, encode
from asr_helpers.words import (
    BEAM_WIDTH,
    END,
    LETTER_BONUS,
    LN10,
    START,
    UNKNOWN_LETTER,
    WEIGHT,
    WORD_BONUS,
    DecodingError,
    FastBeamSearch,
    Fusion,
    KneserNey,
    LanguageModelError,
    NGram,
    beam_search,
    best_text,
    collapse,
    default_decoder,
    estimate,
    greedy,
)
from asr_helpers.words.fast import Automaton, automaton, compiling


def log_softmax(logits):
    return logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))


def only(labels, probabilities):
    """Log-probabilities (frames, 29) that are impossible but for `labels`."""
    log_probs = np.full((len(probabilities), NUM_CLASSES), -math.inf)
    with np.errstate(divide="ignore"):
        log_probs[:, labels] = np.log(probabilities)
    return log_probs


def exhaustive(log_probs, labels):
    """The probability of every text, by adding up all len(labels) ** frames alignments one by one."""
    texts = {}
    for alignment in itertools.product(labels, repeat=len(log_probs)):
        text, previous = "", None
        for label in alignment:
            if label not in (previous, BLANK):
                text += " 'ABCDEFGHIJKLMNOPQRSTUVWXYZ"[label]
            previous = label
        probability = math.exp(sum(log_probs[frame, label] for frame, label in enumerate(alignment)))
        text = " ".join(text.split())
        texts[text] = texts.get(text, 0) + probability
    return texts


@pytest.mark.parametrize(
    ("alignment", "labels"),
    [
        ([], []),
        ([BLANK, BLANK], []),
        ([3, 3, 3], [3]),
        ([3, BLANK, 3], [3, 3]),
        ([BLANK, 2, 2, BLANK, 2, 5, 5, BLANK], [2, 2, 5]),
        (np.array([0, 0, 27, 27, 0]), [0, 27, 0]),
    ],
)
def test_collapse(alignment, labels):
    assert collapse(alignment) == labels


def test_greedy_spells_the_best_alignment():
    alignment = [*encode("H"), BLANK, *encode("EEL"), BLANK, *encode("LO"), BLANK]
    assert greedy(np.log(np.eye(NUM_CLASSES)[alignment] + 1e-6)) == "HELLO"


def test_greedy_of_no_frames_is_empty():
    assert greedy(np.zeros((0, NUM_CLASSES))) == ""
    assert [(best.text, best.score) for best in beam_search(np.zeros((0, NUM_CLASSES)))] == [("", 0)]


def test_beam_search_finds_the_text_that_greedy_misses():
    # The best alignment is blank, blank (0.36), but three alignments spell A: 0.24 + 0.24 + 0.16 = 0.64.
    log_probs = only([2, BLANK], [[0.4, 0.6], [0.4, 0.6]])
    assert greedy(log_probs) == ""
    best, other = beam_search(log_probs, width=3)
    assert (best.text, other.text) == ("A", "")
    assert math.exp(best.score) == pytest.approx(0.64) and math.exp(other.score) == pytest.approx(0.36)


@pytest.mark.parametrize("seed", range(5))
def test_wide_beam_without_pruning_equals_exhaustive_search(seed):
    labels = [0, 2, 3, BLANK]
    rng = np.random.default_rng(seed)
    log_probs = only(labels, rng.dirichlet(np.ones(len(labels)), size=6))
    expected = exhaustive(log_probs, labels)
    found = {hyp.text: math.exp(hyp.score) for hyp in beam_search(log_probs, 10**6, -math.inf, margin=math.inf)}
    assert found.keys() == expected.keys()
    assert sum(found.values()) == pytest.approx(1)
    for text, probability in expected.items():
        assert found[text] == pytest.approx(probability, rel=1e-9), text


@pytest.mark.parametrize("seed", range(5))
def test_exhaustive_search_never_ranks_greedy_above_the_beam(seed):
    labels = [2, 3, BLANK]
    log_probs = only(labels, np.random.default_rng(seed).dirichlet(np.ones(3), size=7))
    texts = exhaustive(log_probs, labels)
    best = beam_search(log_probs, 10**6, -math.inf, margin=math.inf)[0]
    assert texts[best.text] == max(texts.values()) >= texts[greedy(log_probs)]


def test_hypotheses_come_best_first_and_no_more_than_the_width():
    log_probs = log_softmax(np.random.default_rng(0).normal(size=(12, NUM_CLASSES)))
    hypotheses = beam_search(log_probs, width=7)
    assert len(hypotheses) == 7 == len({hyp.text for hyp in hypotheses})
    scores = [hyp.score for hyp in hypotheses]
    assert scores == sorted(scores, reverse=True)


def test_a_wider_beam_finds_a_more_probable_text():
    log_probs = log_softmax(np.random.default_rng(1).normal(size=(30, NUM_CLASSES)))
    narrow, wide = beam_search(log_probs, width=2)[0], beam_search(log_probs, width=64)[0]
    assert wide.score > narrow.score


def test_a_frame_offers_its_best_label_and_those_above_the_threshold():
    log_probs = np.full((3, NUM_CLASSES), -12.0)
    log_probs[0, 4] = log_probs[2, 4] = -5.5  # C: below the threshold, and still the best of its frame
    log_probs[1, BLANK], log_probs[1, 2], log_probs[1, 3] = 0, -4.9, -5.1

    def offered(min_log_prob):
        return set("".join(hyp.text for hyp in beam_search(log_probs, 1000, min_log_prob, margin=math.inf)))

    assert offered(-5) == {"A", "C"}
    assert offered(-5.5) == {"A", "B", "C"}
    assert len(offered(-math.inf)) == 28


def test_the_margin_drops_what_is_far_below_the_best():
    log_probs = only([2, 3, BLANK], [[0.7, 0.2, 0.1]])
    assert [each.text for each in beam_search(log_probs, margin=math.log(3.6))] == ["A", "B"]
    assert [each.text for each in beam_search(log_probs, margin=math.log(3.4))] == ["A"]


def test_spaces_only_part_words():
    path = [0, 2, 0, BLANK, 0, 3, 0]
    assert beam_search(np.log(np.eye(NUM_CLASSES)[path] + 1e-12))[0].text == "A B"


def test_a_long_recording_does_not_underflow():
    log_probs = log_softmax(np.random.default_rng(2).normal(size=(1000, NUM_CLASSES)).astype(np.float32))
    best = beam_search(log_probs, width=2, min_log_prob=-1)[0]
    assert -math.inf < best.score < math.log(np.finfo(float).tiny)  # the probability itself is 0 in a double


def test_agrees_with_tensorflow():
    import tensorflow as tf

    rng = np.random.default_rng(3)
    log_probs = log_softmax(4 * rng.normal(size=(40, NUM_CLASSES))).astype(np.float32)
    frames = np.array([len(log_probs)], np.int32)
    paths, _ = tf.nn.ctc_beam_search_decoder(log_probs[:, None], frames, beam_width=200)
    labels = paths[0].values.numpy().astype(np.int32)
    best = beam_search(log_probs, width=200)[0]
    assert encode(best.text).tolist() == labels.tolist()
    loss = tf.nn.ctc_loss(labels[None], log_probs[:, None], [len(labels)], frames, blank_index=BLANK)
    assert best.score == pytest.approx(-float(loss[0]), abs=0.01)
    assert best.score <= -float(loss[0]) + 1e-4  # what the beam dropped can only be missing


@pytest.mark.parametrize("decoder", [greedy, beam_search])
@pytest.mark.parametrize("shape", [(29,), (1, 10, 29), (10, 28)])
def test_wrong_shape_is_refused(decoder, shape):
    with pytest.raises(ValueError, match=r"\(frames, 29\) is needed"):
        decoder(np.zeros(shape))


@pytest.mark.parametrize("search", [beam_search, lambda log_probs, width: FastBeamSearch(width=width)(log_probs)])
def test_no_width_is_refused(search):
    with pytest.raises(DecodingError, match="at least 1"):
        search(np.zeros((3, NUM_CLASSES)), width=0)


# ------------------------------------------------------------------------------------------ with a language model


SENTENCES = ["A BAD CAB", "A CAB", "A BAD DAD", "DAD A CAB", "A DAB", "BAD DAD", "A CAB A CAB"]


@pytest.fixture(scope="module")
def lm():
    return estimate(SENTENCES, min_counts=(1,))


def language_score(text, lm, weight, word_bonus, letter_bonus):
    """What is added to a text's log-probability, by its definition: word by word, and letter by letter."""
    language, state = letter_bonus * len(text.replace(" ", "")), (START,)
    for word in (*text.split(), END):
        log10_prob, state = lm.score(state, word)
        language += weight * LN10 * log10_prob
        if word != END:
            language += word_bonus + (0 if word in lm else weight * UNKNOWN_LETTER * len(word))
    return language


@pytest.mark.parametrize("seed", range(4))
def test_fusion_finds_the_best_text_of_all(lm, tmp_path, seed):
    labels = [0, 2, 3, BLANK]  # space, A, B
    log_probs = only(labels, np.random.default_rng(seed).dirichlet(np.ones(4), size=6))
    settings = dict(weight=0.7, word_bonus=0.9, letter_bonus=0.3)
    found = beam_search(log_probs, 10**6, -math.inf, Fusion(lm, **settings), math.inf)
    texts = exhaustive(log_probs, labels)
    expected = {text: math.log(worth) + language_score(text, lm, 0.7, 0.9, 0.3) for text, worth in texts.items()}
    assert {each.text for each in found} == set(texts)
    for each in found:
        assert each.score == pytest.approx(expected[each.text], abs=1e-9)
    assert found[0].text == max(expected, key=expected.get)
    lm.write(tmp_path / "exact.arpa")
    fast = FastBeamSearch(tmp_path / "exact.arpa", 10**6, **settings, min_log_prob=-math.inf, margin=math.inf)
    for each in fast(log_probs):
        assert each.score == pytest.approx(expected[each.text], abs=0.02)  # ARPA has three digits


def test_a_language_model_prefers_words_and_leaves_unknown_ones_possible(lm):
    path = [*encode("A CA"), BLANK, *encode("D")]
    log_probs = np.log(0.4 * np.eye(NUM_CLASSES)[path] + 0.4 * np.eye(NUM_CLASSES)[[*path[:-1], 3]] + 1e-3)
    log_probs[-1, 4] += 0.1  # the ear alone prefers A CAD, and CAD is no word
    assert beam_search(log_probs)[0].text in ("A CAD", "A CAB")
    assert beam_search(log_probs, fusion=Fusion(lm))[0].text == "A CAB"
    sure = np.log(np.eye(NUM_CLASSES)[path] + 1e-9)
    assert beam_search(sure, fusion=Fusion(lm))[0].text == "A CAD"


def test_a_bonus_per_letter_helps_the_longer_word():
    lm = estimate(["TEN", "TENT"])
    path = np.eye(NUM_CLASSES)[[*encode("TENT")]]
    path[-1, [encode("T")[0], BLANK]] = 0.4, 0.6
    log_probs = np.log(path + 1e-9)
    texts = [beam_search(log_probs, fusion=Fusion(lm, letter_bonus=bonus))[0].text for bonus in (0.0, 0.39, 0.42)]
    assert texts == ["TEN", "TEN", "TENT"]  # ln (0.6 / 0.4) = 0.405


def test_the_fast_decoder_takes_a_bonus_for_each_pair_of_letters(lm, tmp_path):
    lm.write(tmp_path / "pairs.arpa")
    log_probs = only([0, 2, 3, BLANK], np.random.default_rng(0).dirichlet(np.ones(4), size=6))
    bonuses = np.random.default_rng(1).normal(size=(28, 28))
    found = {}
    for name, bonus in (("none", 0.0), ("pairs", bonuses)):
        search = FastBeamSearch(
            tmp_path / "pairs.arpa", 10**6, letter_bonus=bonus, min_log_prob=-math.inf, margin=math.inf
        )
        found[name] = {each.text: each.score for each in search(log_probs)}
    both = found["none"].keys() & found["pairs"].keys()  # each search returns its best hundred
    assert len(both) > 20
    for text in both:
        pairs = itertools.pairwise(encode(f" {text} " if text else ""))
        added = sum(bonuses[pair] for pair in pairs)
        assert found["pairs"][text] - found["none"][text] == pytest.approx(added)


def test_a_beginning_is_worth_what_its_best_word_would_be(lm):
    fusion = Fusion(lm, weight=0.5, word_bonus=0.7, letter_bonus=0)

    def so_far(text, fusion=fusion):
        state = fusion.start
        for character in text:
            state = fusion.extend(state, character)
        return fusion.lookahead_score(state)

    def worth(word, letters=0):
        return 0.5 * (LN10 * lm.grams[(word,)][0] + letters * UNKNOWN_LETTER) + 0.7

    assert lm.grams[("DAD",)] > lm.grams[("DAB",)]
    assert so_far("D") == so_far("DA") == so_far("DAD") == pytest.approx(worth("DAD"))
    assert so_far("DAB") == pytest.approx(worth("DAB"))
    assert so_far("CX") == pytest.approx(worth("<unk>", 2))
    assert so_far("CXXX") == pytest.approx(worth("<unk>", 4))
    assert so_far("A ") - so_far("") == pytest.approx(0.5 * LN10 * lm.score(lm.start, "A")[0] + 0.7)
    assert so_far("DA", Fusion(lm, letter_bonus=0, look_ahead=False)) == 0


def test_look_ahead_keeps_what_a_narrow_beam_loses(lm):
    """A D is heard a little better, but hardly any word goes on so; without look-ahead that shows too late."""
    model = estimate(["A CAB"] * 9 + ["MY CAB", "THE CAB", "A DAB"], min_counts=(1,))
    path = np.log(np.eye(NUM_CLASSES)[[*encode("A CAB")]] + 1e-9)
    path[2, encode("CD")] = np.log([0.4, 0.6])
    path -= np.log(np.exp(path).sum(axis=1, keepdims=True))
    found = {
        (width, ahead): beam_search(path, width, fusion=Fusion(model, look_ahead=ahead, letter_bonus=0))[0].text
        for width in (1, 9)
        for ahead in (True, False)
    }
    assert found == {(1, True): "A CAB", (1, False): "A DAB", (9, True): "A CAB", (9, False): "A CAB"}


def test_the_default_decoder_is_loaded_once_and_for_english():
    assert default_decoder() is default_decoder()
    other = Alphabet(" ÄB")
    log_probs = np.log(np.eye(other.classes)[[1, 2, 0, 1]] + 1e-6)
    assert default_decoder(other)(log_probs) == "ÄB Ä"


@pytest.fixture(scope="module")
def tuned():
    file = Path(__file__).resolve().parents[1] / "benchmarks" / "decoder_tuning.json"
    return json.loads(file.read_text())["tuning"]


def test_the_default_weights_are_about_the_best_that_was_measured(tuned):
    row, column = tuned["weights"].index(WEIGHT), tuned["word_bonuses"].index(WORD_BONUS)
    assert tuned["wer"][row][column] <= 1.03 * min(map(min, tuned["wer"]))


@pytest.mark.parametrize(
    ("values", "found", "value"),
    [("widths", "width_wer", BEAM_WIDTH), ("letter_bonuses", "letter_bonus_wer", LETTER_BONUS)],
)
def test_the_default_settings_are_about_the_best_that_was_measured(tuned, values, found, value):
    assert tuned[found][tuned[values].index(value)] <= 1.03 * min(tuned[found])


@pytest.mark.parametrize("width", [1, 8, 50])
@pytest.mark.parametrize("order", [1, 2, 3, 5])
def test_the_fast_decoder_gives_the_same_hypotheses(tmp_path, width, order):
    path = tmp_path / "tiny.arpa.gz"
    estimate(["A CAB", "A BAD CAB IS A CAB", "A DAB A CAD"] * 2, order).write(path)
    settings = dict(weight=0.8, word_bonus=1.1, letter_bonus=0.5, look_ahead=order != 2)
    fusion = Fusion(NGram.read(path), **settings)
    fast, alone = FastBeamSearch(path, width, **settings), FastBeamSearch(width=width)
    rng = np.random.default_rng(width)
    for _ in range(20):
        log_probs = only([0, *range(2, 6), BLANK], rng.dirichlet(np.full(6, 0.3), size=25))
        log_probs = log_softmax(np.maximum(log_probs, -30))
        for mine, theirs in (
            (beam_search(log_probs, width, fusion=fusion), fast(log_probs)),
            (beam_search(log_probs, width), alone(log_probs)),
        ):
            assert [each.text for each in mine] == [each.text for each in theirs]
            assert [each.score for each in mine] == pytest.approx([each.score for each in theirs], abs=1e-3)


def test_the_fast_decoder_takes_a_space_at_the_end_as_silence(lm, tmp_path):
    path = tmp_path / "tiny.arpa.gz"
    lm.write(path)
    frames = [*encode("A CAB"), BLANK, 0, BLANK]
    log_probs = log_softmax(np.log(0.9 * np.eye(NUM_CLASSES)[frames] + 0.1 * np.eye(NUM_CLASSES)[3] + 1e-4))
    mine, theirs = beam_search(log_probs, fusion=Fusion(lm))[0], FastBeamSearch(path)(log_probs)[0]
    assert mine.text == theirs.text == "A CAB"
    assert mine.score == pytest.approx(theirs.score, abs=0.05)


@pytest.mark.parametrize("order", [1, 2, 6, 7])
def test_any_order_is_read(tmp_path, order):
    labels = [label for character in encode("A CAB") for label in (character, BLANK)]
    log_probs = np.log(np.eye(NUM_CLASSES)[labels] + 1e-6)
    path = tmp_path / f"{order}.arpa"
    estimate(["A CAB", "A BAD CAB IS A CAB TO ABHOR"] * 2, order).write(path)
    assert FastBeamSearch(path)(log_probs)[0].text == "A CAB"


@pytest.mark.parametrize("order", [1, 2, 3, 7])
@pytest.mark.parametrize("usual", [True, False])
def test_the_automaton_gives_what_the_model_gives(mini, tmp_path, order, usual):
    texts = [each.text for each in load_corpus(mini / "dev-mini")]
    path = tmp_path / "model.arpa"
    KneserNey.of(texts, order, keep=None if order == 1 else 900).write(path)
    if not usual:  # a comment before it, which only the strict reader takes
        path.write_text("made by hand\n" + path.read_text())
    slow, fast = NGram.read(path), Automaton.read(path)
    assert sorted(fast.vocabulary) == sorted(slow.words) and fast.order == order
    for text in [*texts[:20], "THE ZEBRA ATE THE TIDE", "THE TIDE", "TIDE TIDE TIDE"]:
        mine, theirs = slow.start, fast.start
        for word in (*text.split(), END):
            (expected, mine), (found, theirs) = slow.score(mine, word), fast.score(theirs, word)
            assert found == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("ngram 1=", "ngram 1=9"),
        ("\\2-grams:", "\\3-grams:"),
        ("\\end\\", ""),
        ("\tCAB", "\tA"),
        ("\tA CAB", "\tA ZEBRA"),
        ("\tA CAB", "\tA  CAB\t-0.1\t-0.2"),
        ("\tA CAB", "\tA"),
        ("-", "+"),
        ("-0", "-0x"),
        ("-0", "-"),
        ("\t", "\v"),
        ("CAB", "CAB\x00"),
        ("CAB", "C\u3000AB"),
    ],
)
def test_the_fast_reader_refuses_what_the_strict_one_refuses(lm, tmp_path, old, new):
    path = tmp_path / "damaged.arpa"
    lm.write(path)
    content = path.read_text()
    assert old in content and automaton.parse_arpa(content.encode())
    path.write_text(content.replace(old, new), encoding="utf-8")
    try:
        strict = NGram.read(path)
    except ValueError as error:
        with pytest.raises(type(error)) as caught:
            Automaton.read(path)
        assert str(caught.value) == str(error)
    else:
        assert sorted(Automaton.read(path).vocabulary) == sorted(strict.words)


def test_a_file_that_unpacks_without_end_is_not_unpacked(tmp_path):
    path = tmp_path / "bomb.arpa.gz"
    path.write_bytes(gzip.compress(b"\\data\\\nngram 1=1\n\n\\1-grams:\n-1 " + b"A" * (100 << 20), 1))
    assert automaton.arpa_bytes(path) == b""
    with pytest.raises(OneLineError, match=r"line of .*10000000"):
        FastBeamSearch(path)


def test_an_n_gram_without_its_beginning_is_named(lm, tmp_path):
    path = tmp_path / "model.arpa"
    lm.write(path)
    lines = path.read_text().splitlines(keepends=True)
    three = next(line for line in lines if line.count(" ") == 2 and "\t" in line)
    beginning = " ".join(three.split()[1:3])
    kept = [line for line in lines if line.rstrip("\n").split("\t")[1:2] != [beginning]]
    size = next(line for line in lines if line.startswith("ngram 2="))
    path.write_text("".join(kept).replace(size, f"ngram 2={int(size[8:]) - 1}\n"))
    with pytest.raises(LanguageModelError, match="without its beginning") as caught:
        FastBeamSearch(path)
    assert str(path) in str(caught.value) and len(str(caught.value).splitlines()) == 1


def test_a_model_without_unknown_words_or_marks_is_read(tmp_path):
    path = tmp_path / "bare.arpa"
    path.write_text("\\data\\\nngram 1=2\n\n\\1-grams:\n-0.3\tA\n-1.5e-1 CAB\n\n\\end\\\n")
    assert automaton.parse_arpa(path.read_bytes()).vocabulary == ["A", "CAB"]
    log_probs = np.log(np.eye(NUM_CLASSES)[[*encode("A CAB")]] + 1e-6)
    mine, theirs = (beam_search(log_probs, fusion=Fusion(NGram.read(path)))[0], FastBeamSearch(path)(log_probs)[0])
    assert mine.text == theirs.text == "A CAB" and mine.score == pytest.approx(theirs.score, abs=1e-3)


def test_where_nothing_can_be_written_the_search_is_compiled_all_the_same(monkeypatch):
    def no_cache(function):
        raise RuntimeError("cannot cache function: no locator available")

    monkeypatch.setattr(compiling, "_Cache", no_cache)
    assert compiling.compiled(lambda x: x + 1)(1) == 2


CACHED = """
import numpy as np
from asr_helpers.words.fast import compiling
keys, values = compiling.table(4)
assert compiling.get(keys, values, np.int64(3)) == compiling.EMPTY
print(*(sum(each.stats.cache_hits.values()) for each in (compiling.get, compiling.place_of)))
"""


def test_a_damaged_cache_of_machine_code_is_made_again(tmp_path):
    def hits():
        environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)}
        done = subprocess.run([sys.executable, "-c", CACHED], env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return sum(map(int, done.stdout.split()))

    assert hits() == 0
    whole = {path: path.read_bytes() for path in tmp_path.rglob("*.nb[ic]")}
    damages = [
        ("*.nbi", lambda content: b""),
        ("*.nbc", lambda content: b""),
        ("*.nb?", lambda content: bytes(len(content))),
        ("*.nbc", lambda content: content[: len(content) // 2] + bytes(len(content) - len(content) // 2)),
    ]
    for pattern, damage in damages:
        for path in tmp_path.rglob(pattern):
            path.write_bytes(damage(whole[path]))
        assert hits() == 0
    assert {path: path.read_bytes() for path in whole} == whole or hits() > 0  # and kept


@pytest.mark.parametrize("method", ["_open_for_write", "_load_index"])
def test_a_cache_that_cannot_be_written_or_read_is_done_without(monkeypatch, method):
    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(compiling._CheckedFile, method, fail)
    assert compiling.compiled(lambda x: x + 1)(1) == 2


@pytest.mark.parametrize(
    ("damage", "words"), [(str.lower, "cannot be spelt"), (lambda text: text.replace("\\end\\", ""), "make it again")]
)
def test_a_vocabulary_that_cannot_be_spelt_and_a_damaged_file_are_one_line(lm, tmp_path, damage, words):
    path = tmp_path / "model.arpa"
    lm.write(path)
    path.write_text(damage(path.read_text()))
    with pytest.raises(LanguageModelError, match=words) as caught:
        FastBeamSearch(path)
    assert str(path) in str(caught.value) and len(str(caught.value).splitlines()) == 1


def test_without_numba_there_is_one_line(monkeypatch):
    for name in [name for name in sys.modules if name.startswith("asr_helpers.words.fast")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delattr("asr_helpers.words.fast", raising=False)
    monkeypatch.setitem(sys.modules, "numba", None)
    with pytest.raises(OneLineError, match="pip install numba, or --no-lm"):
        FastBeamSearch()


def test_the_fast_decoder_of_no_frames_and_wrong_shapes(lm):
    assert FastBeamSearch()(np.zeros((0, NUM_CLASSES)))[0].text == ""
    with pytest.raises(ValueError, match=r"\(frames, 29\) is needed"):
        FastBeamSearch()(np.zeros((10, 28)))


def test_the_best_text_alone_is_the_first_hypothesis_and_alone_is_spelt(monkeypatch, tmp_path):
    path = tmp_path / "exact.arpa"
    estimate(["A CAB", "A DAB", "CAB"]).write(path)
    rng = np.random.default_rng(28)
    random = [np.log(rng.dirichlet(np.full(NUM_CLASSES, 0.1), 12) + 1e-9) for _ in range(20)]
    alike = np.full((3, NUM_CLASSES), -math.log(NUM_CLASSES))  # many texts share the best score
    for search in (FastBeamSearch(path), FastBeamSearch()):
        for log_probs in (*random, alike, np.zeros((0, NUM_CLASSES))):
            assert search.best_text(log_probs) == search(log_probs)[0].text
    spelt = []
    monkeypatch.setattr(FastBeamSearch, "_spell", lambda *arguments: spelt.append(arguments) or "A")
    assert best_text(FastBeamSearch())(random[0]) == "A" and len(spelt) == 1
