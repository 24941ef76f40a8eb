import gzip
import math

import numpy as np
import pytest

from asr_helpers.lm import (
    END,
    START,
    UNKNOWN,
    NGram,
    estimate,
    read_sentences,
    read_vocabulary,
)
from asr_helpers.text import OneLineError

TEXT = ["THE CAT SAT", "THE CAT RAN", "A DOG SAT", "THE DOG RAN HOME", "A CAT RAN", "THE CAT SAT DOWN"]


def harbour(mini, subset):
    return list(read_sentences(mini / subset))


@pytest.fixture(scope="module")
def model(mini):
    return estimate(harbour(mini, "train-mini"))


def test_a_model_by_hand():
    # Bigrams counted once to twice only, so the discounts are 0.5 and 1. Of the continuations: A and B follow
    # <s>, B and </s> follow A, </s> follows B. Five kinds of bigrams: A 1, B 2, </s> 2; the vocabulary is A, B,
    # </s>, <unk>.
    model = estimate(["A B", "A", "B"], order=2, min_counts=(1,))
    share = (0.5 + 1 + 1) / 5  # what the unigrams' discounts leave over
    unigram = {"A": 0.5 / 5 + share / 4, "B": 1 / 5 + share / 4, END: 1 / 5 + share / 4, UNKNOWN: share / 4}
    for word, value in unigram.items():
        assert 10 ** model.grams[(word,)][0] == pytest.approx(value)
    # After <s>: A twice, B once, so (2 - 1) / 3 and (1 - 0.5) / 3 are kept and 0.5 is left over.
    assert 10 ** model.score((START,), "A")[0] == pytest.approx(1 / 3 + 0.5 * unigram["A"])
    assert 10 ** model.score((START,), "B")[0] == pytest.approx(0.5 / 3 + 0.5 * unigram["B"])
    assert 10 ** model.score((START,), "ZEBRA")[0] == pytest.approx(0.5 * unigram[UNKNOWN])


@pytest.mark.parametrize("order", [1, 2, 3, 4])
@pytest.mark.parametrize("min_counts", [(1,), (1, 1, 2), (1, 2, 3)])
def test_after_any_context_the_probabilities_sum_to_one(mini, order, min_counts):
    model = estimate(harbour(mini, "dev-mini"), order, min_counts)
    outcomes = [gram[0] for gram in model.grams if len(gram) == 1 and gram[0] != START]
    assert {END, UNKNOWN} <= set(outcomes)
    contexts = {gram[-(order - 1) :] if order > 1 else () for gram in model.grams}
    for context in [(), (START,), ("NEVER", "HEARD"), *sorted(contexts)[::40]]:
        total = sum(10 ** model.score(context, word)[0] for word in outcomes)
        assert total == pytest.approx(1, abs=1e-9), context


def test_a_longer_context_predicts_better(mini):
    train, held_out = harbour(mini, "train-mini"), harbour(mini, "dev-mini")
    one, two, three = (estimate(train, order, (1,)).perplexity(held_out) for order in (1, 2, 3))
    assert three < two / 1.5 < one / 10


def test_discounts_are_the_published_formula():
    # n1..n4 = 4, 3, 2, 1: Y = 4 / (4 + 6) = 0.4
    from asr_helpers.lm import _discounts

    found = np.array([1] * 4 + [2] * 3 + [3] * 2 + [4])
    assert _discounts(found) == pytest.approx([0, 1 - 2 * 0.4 * 3 / 4, 2 - 3 * 0.4 * 2 / 3, 3 - 4 * 0.4 / 2])


def test_kneser_ney_counts_contexts_and_not_occurrences():
    model = estimate(["SAN FRANCISCO"] * 50 + ["A CAT", "THE CAT", "MY CAT"], order=2, min_counts=(1,))
    assert model.score(("NEVER",), "CAT")[0] > model.score(("NEVER",), "FRANCISCO")[0]


@pytest.mark.parametrize("name", ["model.arpa", "model.arpa.gz"])
def test_arpa_there_and_back(model, mini, tmp_path, name):
    path = tmp_path / name
    model.write(path)
    again = NGram.read(path)
    assert again.order == model.order and again.grams.keys() == model.grams.keys()
    for gram, (log_prob, backoff) in model.grams.items():
        assert again.grams[gram] == pytest.approx((log_prob, backoff), abs=5.1e-4)
    held_out = harbour(mini, "dev-mini")
    assert again.perplexity(held_out) == pytest.approx(model.perplexity(held_out), rel=1e-3)
    assert read_vocabulary(path) == (model.order, sorted(model.words))
    first = path.read_bytes()
    model.write(path)
    assert path.read_bytes() == first
    assert [file.name for file in tmp_path.iterdir()] == [name]


def test_an_n_gram_is_kept_only_with_its_beginning_and_its_end(mini):
    model = estimate(harbour(mini, "train-mini"), 3, (1, 3, 1))
    longer = [gram for gram in model.grams if len(gram) > 1]
    assert longer and all(gram[:-1] in model.grams and gram[1:] in model.grams for gram in longer)


def test_agrees_with_kenlm(model, mini, tmp_path):
    """KenLM reads the file inside ctc-beam-decoder, and its score of a sentence is taken off what it decodes."""
    pytest.importorskip("ctc_beam_decoder")
    from asr_helpers.decoding import LN10, FastBeamSearch
    from asr_helpers.text import BLANK, NUM_CLASSES, encode

    path = tmp_path / "model.arpa"
    model.write(path)
    read = NGram.read(path)
    heard = FastBeamSearch(path, weight=1.0, word_bonus=0.0, unknown=0.0)
    alone = FastBeamSearch(weight=1.0)
    for sentence in [*harbour(mini, "dev-mini")[:20], "THE ZEBRA ATE THE QUAY"]:
        path = [label for character in encode(sentence) for label in (character, BLANK)]
        log_probs = np.log(np.eye(NUM_CLASSES)[path] + 1e-9)
        log_probs -= np.log(np.exp(log_probs).sum(axis=1, keepdims=True))
        theirs, acoustic = heard(log_probs)[0], alone(log_probs)[0]
        assert theirs.text == acoustic.text == sentence
        expected = read.sentence(sentence.split()) * LN10
        assert theirs.score - acoustic.score == pytest.approx(expected, abs=1e-3)


def test_sentences_from_a_corpus_without_audio_and_from_text_files(tmp_path):
    folder = tmp_path / "corpus" / "1" / "2"
    folder.mkdir(parents=True)
    (folder / "1-2.trans.txt").write_text("1-2-0000 THE CAT SAT\n1-2-0001 The cat’s gone\n")
    plain, packed = tmp_path / "plain.txt", tmp_path / "all.trans.txt.gz"
    plain.write_text("a well-known dog\n\n")
    packed.write_bytes(gzip.compress(b"9-9-0000 PACKED WORDS\n"))
    assert list(read_sentences(tmp_path / "corpus", plain, packed)) == [
        "THE CAT SAT",
        "THE CAT'S GONE",
        "A WELL KNOWN DOG",
        "PACKED WORDS",
    ]


def test_what_cannot_be_read_is_named(tmp_path, model):
    empty, numeral = tmp_path / "empty", tmp_path / "numeral.txt"
    empty.mkdir()
    numeral.write_text("ALL IS WELL\nAT 9\n")
    for source, words in (
        (empty, "no \\*.trans.txt"),
        (tmp_path / "gone.txt", "no such file"),
        (numeral, "line 2"),
    ):
        with pytest.raises(OneLineError, match=words):
            list(read_sentences(source))
    whole = tmp_path / "whole.arpa.gz"
    model.write(whole)
    cut, text = tmp_path / "cut.arpa.gz", tmp_path / "text.arpa"
    cut.write_bytes(whole.read_bytes()[:5000])
    text.write_text("ONCE UPON A TIME\n")
    for path, words in ((cut, "cannot be read"), (text, "not an ARPA")):
        with pytest.raises(OneLineError, match=words):
            NGram.read(path)
    with pytest.raises(OneLineError, match="not an ARPA"):
        read_vocabulary(text)


def test_nothing_to_estimate_from_is_refused():
    with pytest.raises(ValueError, match="no sentence"):
        estimate([])
    with pytest.raises(ValueError, match="order"):
        estimate(TEXT, order=0)


def test_a_sentence_is_the_product_of_its_words():
    model = estimate(TEXT)
    a, state = model.score(model.start, "THE")
    b, state = model.score(state, "CAT")
    c, _ = model.score(state, END)
    assert model.sentence(["THE", "CAT"]) == pytest.approx(a + b + c)
    assert model.perplexity(["THE CAT"]) == pytest.approx(math.pow(10, -(a + b + c) / 3))


def test_other_writers_ways_with_unknown_words(tmp_path):
    arpa = "\\data\\\nngram 1={n}\n\n\\1-grams:\n-99\t<s>\t-0.5\n-1\tA\n{unknown}-1\t</s>\n\n\\end\\\n"
    path = tmp_path / "other.arpa"
    for n, line, expected in ((4, "-2\t<UNK>\n", -2), (4, "-2 <unk> -0.1\n", -2), (3, "", -100)):
        path.write_text(arpa.format(n=n, unknown=line))
        assert NGram.read(path).score((), "ZEBRA")[0] == expected
        assert read_vocabulary(path) == (1, ["A"])
