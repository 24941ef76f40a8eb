import gzip
import io
import itertools
import lzma
import math
from collections import Counter

import numpy as np
import pytest

from asr_helpers.system import OneLineError
from asr_helpers.words import END, START, UNKNOWN, KneserNey, LanguageModelError, NGram, estimate, read_sentences
from asr_helpers.words.arpa import LOG10_ZERO, write_arpa
from asr_helpers.words.fast import Automaton
from asr_helpers.words.kneser_ney import discounts

TEXT = ["THE CAT SAT", "THE CAT RAN", "A DOG SAT", "THE DOG RAN HOME", "A CAT RAN", "THE CAT SAT DOWN"]


def harbour(mini, subset):
    return list(read_sentences(mini / subset))


def sums_to_one(model):
    """Whether the probabilities after any context do."""
    outcomes = [gram[0] for gram in model.grams if len(gram) == 1 and gram[0] != START]
    assert {END, UNKNOWN} <= set(outcomes)
    contexts = {gram[-(model.order - 1) :] if model.order > 1 else () for gram in model.grams}
    for context in [(), (START,), ("NEVER", "HEARD"), *sorted(contexts)[::20]]:
        total = sum(10 ** model.score(context, word)[0] for word in outcomes)
        assert total == pytest.approx(1, abs=1e-9), context
    return True


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
    assert sums_to_one(estimate(harbour(mini, "dev-mini"), order, min_counts))


def plain(sentences, order, min_counts):
    """What `estimate` does, with dictionaries: {n-gram: (probability, back-off)}."""
    counts = [Counter() for _ in range(order)]
    for sentence in sentences:
        words = (START, *sentence.split(), END)
        for last in range(1, len(words)):
            gram = words[max(0, last - order + 1) : last + 1]
            counts[len(gram) - 1][gram] += 1
    for length in range(order - 1, 0, -1):
        counts[length - 1].update(gram[1:] for gram in counts[length])
    uniform = 1 / (len(counts[0]) + 1)
    probability, backoff = {(): uniform, (START,): 0.0}, {}
    for found, threshold in zip(counts, min_counts, strict=True):
        off = discounts(np.array(list(found.values())))
        totals, taken, kept = Counter(), Counter(), {}
        for gram, count in found.items():
            totals[gram[:-1]] += count
            if count >= threshold and gram[:-1] in probability and gram[1:] in probability:
                kept[gram] = count - off[min(count, 3)]
                taken[gram[:-1]] += kept[gram]
        backoff |= {context: 1 - taken[context] / total for context, total in totals.items()}
        for gram, left in kept.items():
            probability[gram] = left / totals[gram[:-1]] + backoff[gram[:-1]] * probability[gram[1:]]
    probability[(UNKNOWN,)] = backoff[()] * uniform
    return {gram: (value, backoff.get(gram, 1.0)) for gram, value in probability.items() if gram}


@pytest.mark.parametrize("min_counts", [(1,), (1, 1), (1, 1, 2), (1, 2, 3), (1, 1, 1, 2), (1, 1, 2, 2, 2, 2, 2)])
def test_packed_integers_count_as_tuples_do(mini, min_counts):
    sentences = harbour(mini, "dev-mini")
    expected, model = (plain(sentences, len(min_counts), min_counts), estimate(sentences, len(min_counts), min_counts))
    assert model.grams.keys() == expected.keys()
    for gram, (log_prob, backoff) in model.grams.items():
        probability = 10**log_prob if log_prob > LOG10_ZERO else 0.0
        assert (probability, 10**backoff) == pytest.approx(expected[gram], rel=1e-9), gram


def test_the_most_frequent_words_are_known_and_all_others_alike(mini):
    sentences = harbour(mini, "train-mini")
    model = estimate(sentences, vocabulary=50)
    frequent = Counter(" ".join(sentences).split()).most_common(50)
    assert len(model.words) == 50 and {word for word, times in frequent if times > frequent[-1][1]} <= set(model.words)
    assert model.score((START,), UNKNOWN) == model.score((START,), "ZEBRA")
    assert sums_to_one(model)
    assert any(UNKNOWN in gram for gram in model.grams if len(gram) > 1)  # they are counted


@pytest.mark.parametrize(("order", "vocabulary"), [(2, None), (3, None), (3, 60), (5, None)])
@pytest.mark.parametrize("share", [0.9, 0.5, 0.15])
def test_pruned_probabilities_sum_to_one(mini, order, vocabulary, share):
    sentences = harbour(mini, "dev-mini")
    whole = estimate(sentences, order, (1,), vocabulary)
    keep = max(int(share * len(whole.grams)), len(whole.words) + 3)
    pruned = estimate(sentences, order, (1,), vocabulary, keep)
    assert 0.8 * keep < len(pruned.grams) <= keep and pruned.words == whole.words
    assert sums_to_one(pruned)
    longer = [gram for gram in pruned.grams if len(gram) > 1]
    assert all(gram[:-1] in pruned.grams and gram[1:] in pruned.grams for gram in longer)
    assert all(pruned.grams[gram][0] == whole.grams[gram][0] for gram in longer)  # only back-off weights change


def test_pruning_that_has_nothing_to_do_changes_nothing(mini):
    sentences = harbour(mini, "dev-mini")
    whole = estimate(sentences)
    assert estimate(sentences, keep=len(whole.grams)).grams == whole.grams


def test_the_loss_of_an_n_gram_is_the_relative_entropy_that_dropping_it_costs():
    sentences = [*TEXT, "THE DOG SAT DOWN", "A DOG RAN HOME"]
    model = KneserNey.of(sentences, order=2, min_counts=(1,))
    ngram, (below, level) = model.ngram(), model.levels
    outcomes = [*ngram.words, END, UNKNOWN]
    losses = model.losses(below, level)
    for i in range(len(level)):
        first, second = model.words[level.context[i]], model.words[level.word[i]]
        without = dict(ngram.grams)
        del without[first, second]
        seen = [gram[1] for gram in without if gram[0] == first and len(gram) == 2]
        rest = 1 - sum(10 ** without[first, word][0] for word in seen)
        lower = 1 - sum(10 ** ngram.grams[(word,)][0] for word in seen)
        gone = NGram(2, without | {(first,): (ngram.grams[(first,)][0], math.log10(rest / lower))})
        before = [ngram.score((first,), word)[0] for word in outcomes]
        after = [gone.score((first,), word)[0] for word in outcomes]
        entropy = sum(10**p * math.log(10) * (p - q) for p, q in zip(before, after, strict=True))
        often = sum(" ".join((START, *each.split(), END)).split().count(first) for each in sentences)
        tokens = sum(len(each.split()) + 2 for each in sentences)
        assert losses[i] == pytest.approx(often / tokens * entropy, abs=1e-12), (first, second)


def test_pruning_by_entropy_beats_dropping_the_rare(mini):
    train, held_out = harbour(mini, "train-mini"), harbour(mini, "dev-mini")
    rare = estimate(train, 3, (1, 3, 3))
    pruned = estimate(train, 3, (1,), keep=len(rare.grams))
    assert pruned.perplexity(held_out) < 0.9 * rare.perplexity(held_out)


def test_a_longer_context_predicts_better(mini):
    train, held_out = harbour(mini, "train-mini"), harbour(mini, "dev-mini")
    one, two, three = (estimate(train, order, (1,)).perplexity(held_out) for order in (1, 2, 3))
    assert three < two / 1.5 < one / 10


def testdiscounts_are_the_published_formula():
    # n1..n4 = 4, 3, 2, 1: Y = 4 / (4 + 6) = 0.4
    found = np.array([1] * 4 + [2] * 3 + [3] * 2 + [4])
    assert discounts(found) == pytest.approx([0, 1 - 2 * 0.4 * 3 / 4, 2 - 3 * 0.4 * 2 / 3, 3 - 4 * 0.4 / 2])


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
    fast = Automaton.read(path)
    assert (fast.order, sorted(fast.vocabulary)) == (model.order, sorted(model.words))
    first = path.read_bytes()
    model.write(path)
    assert path.read_bytes() == first
    assert [file.name for file in tmp_path.iterdir()] == [name]


def test_an_n_gram_is_kept_only_with_its_beginning_and_its_end(mini):
    model = estimate(harbour(mini, "train-mini"), 3, (1, 3, 1))
    longer = [gram for gram in model.grams if len(gram) > 1]
    assert longer and all(gram[:-1] in model.grams and gram[1:] in model.grams for gram in longer)


@pytest.mark.parametrize("keep", [None, 1000])
def test_agrees_with_kenlm(mini, tmp_path, keep):
    """KenLM reads the file inside ctc-beam-decoder, and its score of a sentence is taken off what it decodes.

    The file has been packed before it is written for KenLM, which reads ARPA.
    """
    library = pytest.importorskip("ctc_beam_decoder")
    from asr_helpers.text import BLANK, NUM_CLASSES, encode
    from asr_helpers.words import LN10

    path = tmp_path / "model.arpa"
    KneserNey.of(harbour(mini, "train-mini"), keep=keep).write(tmp_path / "model.lm")
    NGram.read(tmp_path / "model.lm").write(path)
    read = NGram.read(path)
    letters = [*" 'ABCDEFGHIJKLMNOPQRSTUVWXYZ", ""]
    kenlm = dict(kenlm_model_path=str(path), unigrams=read.words, alpha=1.0, beta=0.0, unk_score_offset=0.0)
    heard, alone = library.BeamSearchDecoder(letters, **kenlm), library.BeamSearchDecoder(letters)
    for sentence in [*harbour(mini, "dev-mini")[:20], "THE ZEBRA ATE THE QUAY"]:
        path = [label for character in encode(sentence) for label in (character, BLANK)]
        log_probs = np.log(np.eye(NUM_CLASSES)[path] + 1e-9)
        log_probs -= np.log(np.exp(log_probs).sum(axis=1, keepdims=True))
        theirs, acoustic = (each.decode_beams(log_probs.astype(np.float32))[0] for each in (heard, alone))
        assert theirs[0] == acoustic[0] == sentence
        expected = read.sentence(sentence.split()) * LN10
        assert theirs[-1] - acoustic[-1] == pytest.approx(expected, abs=1e-3)


def test_sentences_from_a_corpus_without_audio_and_from_text_files(tmp_path):
    folder = tmp_path / "corpus" / "1" / "2"
    folder.mkdir(parents=True)
    (folder / "1-2.trans.txt").write_text("1-2-0000 THE CAT SAT\n1-2-0001 The cat’s gone\n")
    plain, packed = tmp_path / "plain.txt", tmp_path / "all.trans.txt.gz"
    plain.write_bytes("\ufeffa well-known dog\r\n\r\n".encode())
    (folder / "._1-2.trans.txt").write_bytes(b"\0\xff")  # a Mac's
    (tmp_path / "linked").symlink_to(tmp_path / "corpus")
    packed.write_bytes(gzip.compress(b"9-9-0000\tPACKED WORDS\n"))
    tight = tmp_path / "tight.txt.xz"
    tight.write_bytes(lzma.compress(b"TIGHTER STILL\n"))
    assert list(read_sentences(tmp_path / "linked", plain, packed, tight, tight)) == [
        "THE CAT SAT",
        "THE CAT'S GONE",
        "A WELL KNOWN DOG",
        "PACKED WORDS",
        "TIGHTER STILL",
        "TIGHTER STILL",
    ]


@pytest.mark.parametrize(
    ("source", "words"), [("empty", r"no \*.trans.txt"), ("gone.txt", "no such file"), ("numeral.txt", "line 2")]
)
def test_a_text_that_cannot_be_read_is_named(tmp_path, source, words):
    (tmp_path / "empty").mkdir()
    (tmp_path / "numeral.txt").write_text("ALL IS WELL\nAT 9\n")
    with pytest.raises(OneLineError, match=words) as caught:
        list(read_sentences(tmp_path / source))
    assert source in str(caught.value)


@pytest.mark.parametrize("read", [NGram.read, Automaton.read])
@pytest.mark.parametrize(("name", "words"), [("cut.arpa.gz", "cannot be read"), ("text.arpa", "not an ARPA")])
def test_a_model_that_cannot_be_read_is_named(tmp_path, model, read, name, words):
    whole = tmp_path / "whole.arpa.gz"
    model.write(whole)
    (tmp_path / "cut.arpa.gz").write_bytes(whole.read_bytes()[:5000])
    (tmp_path / "text.arpa").write_text("ONCE UPON A TIME\n")
    with pytest.raises(OneLineError, match=words) as caught:
        read(tmp_path / name)
    assert name in str(caught.value)


def test_nothing_to_estimate_from_is_refused():
    with pytest.raises(LanguageModelError, match="no sentence"):
        estimate([])


@pytest.mark.parametrize("wrong", ["order", "vocabulary", "keep"])
def test_a_size_below_one_is_refused(wrong):
    with pytest.raises(LanguageModelError, match="at least 1, not 0"):
        estimate(TEXT, **{wrong: 0})


def test_a_full_disk_leaves_nothing_behind(tmp_path):
    def sections():
        yield iter([(-1.0, "A", 0.0)])
        raise OSError(28, "No space left on device")

    write_arpa(tmp_path / "model.arpa", [1], [[(-1.0, "A", 0.0)]])
    before = (tmp_path / "model.arpa").read_text()
    with pytest.raises(OSError, match=r"No space left on device: .*model\.arpa"):
        write_arpa(tmp_path / "model.arpa", [1, 1], sections())
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("model.arpa", before)]


WORDS = "\\1-grams:\n-99\t<s>\t-0.5\n-1\tA\n-1\t</s>\n"
ARPA = f"\\data\\\nngram 1=3\nngram 2=1\n\n{WORDS}\n\\2-grams:\n-1\tA A\n\n\\end\\\n"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("\\data\\", ""),
        ("ngram 1=3\n", ""),
        ("ngram 1=3", "ngram 1"),
        ("ngram 1=3", "ngram 1=" + "9" * 5000),
        ("ngram 1=3", "ngram 1=-3"),
        ("ngram 2=1", "ngram 2=18446744073709551615"),
        ("ngram 2=1", "ngram 3=1"),
        ("\\1-grams:", "\\x-grams:"),
        ("\\2-grams:", "\\-grams:"),
        ("-1\tA\n", "nan\tA\n"),
        ("-1\tA\n", "5\tA\n"),
        ("-0.5", "inf"),
        ("-1\tA\n", "\n"),
        ("-1\tA\n", "-1\n"),
        ("A A", "A"),
        ("A A", "A B"),
        ("\\end\\", ""),
    ],
)
def test_a_damaged_arpa_file_is_one_line(tmp_path, old, new):
    path = tmp_path / "model.arpa"
    path.write_text(ARPA)
    assert NGram.read(path).order == 2 and Automaton.read(path).vocabulary == ["A"]
    path.write_text(ARPA.replace(old, new, 1))
    for read in (NGram.read, Automaton.read):
        with pytest.raises(LanguageModelError) as caught:
            read(path)
        assert str(path) in str(caught.value) and len(str(caught.value).splitlines()) == 1


def test_a_sentence_is_the_product_of_its_words():
    model = estimate(TEXT)
    a, state = model.score(model.start, "THE")
    b, state = model.score(state, "CAT")
    c, _ = model.score(state, END)
    assert model.sentence(["THE", "CAT"]) == pytest.approx(a + b + c)
    assert model.perplexity(["THE CAT"]) == pytest.approx(math.pow(10, -(a + b + c) / 3))


@pytest.mark.parametrize(("n", "line", "expected"), [(4, "-2\t<UNK>\n", -2), (4, "-2 <unk> -0.1\n", -2), (3, "", -100)])
def test_other_writers_ways_with_unknown_words(tmp_path, n, line, expected):
    arpa = "\\data\\\nngram 1={n}\n\n\\1-grams:\n-99\t<s>\t-0.5\n-1\tA\n{unknown}-1\t</s>\n\n\\end\\\n"
    path = tmp_path / "other.arpa"
    path.write_text(arpa.format(n=n, unknown=line))
    assert NGram.read(path).score((), "ZEBRA")[0] == expected
    fast = Automaton.read(path)
    assert fast.vocabulary == ["A"] and fast.score(0, "ZEBRA")[0] == expected


@pytest.mark.parametrize("fill", ["\n", "    \n", "# a comment\n"])
@pytest.mark.parametrize("place", ["\\data\\", "\\1-grams:", "-1\tA", "\\end\\"])
def test_a_file_of_blank_lines_is_refused_before_it_is_read(tmp_path, monkeypatch, fill, place):
    """They would take minutes: two megabytes of gzip hold two billion."""
    read = []
    endless = itertools.chain(ARPA.partition(place)[0].splitlines(True), itertools.repeat(fill, 30_000))

    class Text(io.StringIO):
        def readline(self, size=-1):
            read.append(1)
            return next(endless, "")

    monkeypatch.setattr("asr_helpers.system.text_files._MAX_BLANK_CHARACTERS", 10_000)
    monkeypatch.setattr("asr_helpers.system.text_files.open", lambda *_, **__: Text(), raising=False)
    with pytest.raises(OneLineError) as error:
        NGram.read(tmp_path / "bomb.arpa")
    assert "bomb.arpa" in str(error.value) and len(read) <= 10_020


def test_blank_lines_between_sentences_are_skipped(tmp_path):
    (tmp_path / "book.txt").write_text("\n" * 900_000 + "HELLO\n" + "\n" * 900_000 + "WORLD\n")
    assert list(read_sentences(tmp_path / "book.txt")) == ["HELLO", "WORLD"]


@pytest.mark.parametrize("read", [NGram.read, Automaton.read])
def test_a_binary_file_of_kenlm_is_named_so(tmp_path, read):
    path = tmp_path / "lm.binary"
    path.write_bytes(b"mmap lm http://kheafield.com/code format version 5\n\0" + bytes(range(256)))
    with pytest.raises(LanguageModelError, match=r"lm\.binary: a binary file of KenLM, not ARPA; name the ARPA file"):
        read(path)
