"""The packed language model: the format, what two readers make of it, damage, and pruning to a size."""

import gzip
import itertools
import json
import math
import random
import re
from collections import Counter

import numpy as np
import pytest

from asr_helpers.corpus import data_dir
from asr_helpers.system import OneLineError
from asr_helpers.words import (
    END,
    START,
    UNKNOWN,
    FastBeamSearch,
    LanguageModelError,
    NGram,
    estimate,
    read_sentences,
    shipped_lm,
)
from asr_helpers.words.fast import Automaton
from asr_helpers.words.packed import LEAST_LOG10, is_packed, pack, read_packed, unpack
from asr_helpers.words.pruning import _arrays, prune, pruned, read_trie

TEXT = ["THE CAT SAT", "THE CAT RAN", "A DOG SAT", "THE DOG RAN HOME", "A CAT RAN", "THE CAT SAT DOWN", "ÄH DON'T"]


@pytest.fixture(scope="module")
def sentences(mini):
    return list(read_sentences(mini / "dev-mini"))


@pytest.fixture(scope="module")
def model(sentences):
    return estimate(sentences)


def sums_to_one(model, within):
    outcomes = [gram[0] for gram in model.grams if len(gram) == 1 and gram[0] != START]
    contexts = {gram[:-1] for gram in model.grams}
    for context in [(), (START,), ("NEVER", "HEARD"), *sorted(contexts)[::20]]:
        total = sum(10 ** model.score(context, word)[0] for word in outcomes)
        assert total == pytest.approx(1, abs=within), context
    return True


def as_documented(content: bytes) -> dict:
    """The n-grams of a file, read byte by byte as the docstring of `packed` describes it."""
    content = gzip.decompress(content)
    assert content[:4] == b"ASRL"
    size = int.from_bytes(content[4:8], "little")
    header, at = json.loads(content[8 : 8 + size]), 8 + size
    assert header["version"] == 1 and len(header["counts"]) == header["order"]
    streams = []
    for each in header["sizes"]:
        streams.append(iter(content[at : at + each]))
        at += each
    assert at == len(content)
    words = bytes(streams.pop(0)).decode().split("\n")
    assert header["letters"] == "".join(sorted(set("".join(words[3:]))))
    values = [
        [np.float32(low + step * byte) for byte in streams.pop(0)]
        for low, step in header["scales"]  # the parts of values come first
    ]
    assert all(len(set(each)) <= header["steps"] for each in values)

    def number(stream):
        value = shift = 0
        while (byte := next(stream)) & 128:
            value, shift = value | (byte & 127) << shift, shift + 7
        return value | byte << shift

    found, level = {}, [(word,) for word in words]
    while True:
        probs = values.pop(0)
        backoffs = values.pop(0) if values else [0.0] * len(probs)
        found |= zip(level, zip(probs, backoffs, strict=True), strict=True)
        if not values:
            return found
        counts, deltas, longer = streams.pop(0), streams.pop(0), []
        for gram in level:
            last = -1
            for _ in range(number(counts)):
                last += number(deltas) + 1
                longer.append((*gram, words[last]))
        level = longer


@pytest.mark.parametrize("order", [1, 2, 3, 5])
def test_the_format_is_what_its_docstring_says(sentences, tmp_path, order):
    model = estimate(sentences, order)
    path = tmp_path / "model.lm"
    model.write(path)
    read, documented = NGram.read(path), as_documented(path.read_bytes())
    assert read.order == order and read.grams.keys() == documented.keys() == model.grams.keys()
    assert read.grams[(START,)][0] == model.grams[(START,)][0] == -99
    for length in range(1, order + 1):
        grams = [gram for gram in model.grams if len(gram) == length]
        models = (model.grams, read.grams, documented)
        given, kept, other = (np.array([each[gram] for gram in grams]).reshape(-1, 2) for each in models)
        nothing = given == -99  # <s> follows nothing
        given[nothing] = kept[nothing] = other[nothing] = -1
        np.testing.assert_allclose(kept, other, atol=1e-6)
        half_a_step = np.ptp(given, axis=0) / 255 / 2 if grams else 0
        assert (np.abs(kept - given) <= half_a_step + 1e-6).all()
    first = path.read_bytes()
    model.write(path)
    assert path.read_bytes() == first


def test_frequent_words_come_first_and_numbers_of_two_bytes_are_written():
    texts = [f"W{number}" for number in range(300) for _ in range(300 - number)]
    trie = unpack(pack(estimate(texts, 2).trie()))
    assert trie.words[:5] == [START, END, UNKNOWN, "W0", "W1"]
    assert trie.levels[1].word.max() > 255


@pytest.mark.parametrize("order", [1, 2, 3, 5])
def test_both_readers_give_the_same_probabilities(sentences, tmp_path, order):
    path = tmp_path / "model.lm"
    estimate(sentences, order, (1,), keep=None if order == 1 else 900).write(path)
    slow, fast = NGram.read(path), Automaton.read(path)
    assert fast.vocabulary == slow.words and fast.order == slow.order == order
    for text in [*sentences[:20], "THE ZEBRA ATE THE TIDE", "TIDE TIDE TIDE"]:
        mine, theirs = slow.start, fast.start
        for word in (*text.split(), END):
            (expected, mine), (found, theirs) = slow.score(mine, word), fast.score(theirs, word)
            assert found == pytest.approx(expected, abs=1e-5)


def test_it_costs_hardly_any_perplexity(model, mini, tmp_path):
    model.write(tmp_path / "model.lm")
    held_out = list(read_sentences(mini / "test-mini"))
    assert NGram.read(tmp_path / "model.lm").perplexity(held_out) == pytest.approx(model.perplexity(held_out), rel=5e-3)


def test_a_file_is_known_by_its_first_bytes_and_not_by_its_name(model, tmp_path):
    packed, arpa, unpacked = tmp_path / "packed.arpa.gz", tmp_path / "arpa.lm", tmp_path / "unpacked"
    model.write(tmp_path / "model.lm")
    (tmp_path / "model.lm").rename(packed)
    model.write(tmp_path / "model.arpa")
    (tmp_path / "model.arpa").rename(arpa)
    unpacked.write_bytes(gzip.decompress(packed.read_bytes()))
    assert [is_packed(path) for path in (packed, arpa, unpacked, tmp_path / "gone")] == [True, False, True, False]
    for path in (packed, arpa, unpacked):
        assert NGram.read(path).grams.keys() == model.grams.keys() == NGram.of(read_trie(path)).grams.keys()
        assert len(Automaton.read(path).vocabulary) == len(model.words)


def test_an_n_gram_without_its_end_gets_it_and_one_without_its_beginning_is_refused(model):
    three = next(gram for gram in model.grams if len(gram) == 3)
    without = NGram(3, {gram: values for gram, values in model.grams.items() if gram != three[1:]})
    assert without.grams.keys() != model.grams.keys()
    completed = NGram.of(without.trie())
    assert three[1:] in completed.grams
    for word in ("THE", END, three[2]):
        for state in (three[:2], three[1:2], three[1:]):
            assert completed.score(state, word)[0] == pytest.approx(without.score(state, word)[0])
    del without.grams[three[:2]]
    without.grams[three] = model.grams[three]
    with pytest.raises(LanguageModelError, match="without its beginning"):
        without.trie()


def test_marks_that_a_model_lacks_are_all_but_impossible(tmp_path):
    NGram(1, {("A",): (-0.1, 0.0), (END,): (-0.7, 0.0)}).write(tmp_path / "bare.lm")
    read = NGram.read(tmp_path / "bare.lm")
    assert read.score((), "ZEBRA")[0] == pytest.approx(LEAST_LOG10) and read.words == ["A"]


def test_the_shipped_model_is_what_its_card_says():
    card = (data_dir() / "README.md").read_text()
    named = re.search(r"the ([\d ]+) most frequent words, ([\d ]+) pairs, ([\d ]+) triples", card).groups()
    model = read_packed(shipped_lm())
    words, *longer = map(len, model.levels)
    assert [words - 3, *longer] == [int(number.replace(" ", "")) for number in named]
    assert f"| Size | {shipped_lm().stat().st_size / 1e6:.2f} MB" in card


# ------------------------------------------------------------------------------------------------------- damage


def changed(content: bytes, **fields) -> bytes:
    """A file, unpacked, with fields of its header replaced."""
    content = gzip.decompress(content)
    size = int.from_bytes(content[4:8], "little")
    head = json.dumps(json.loads(content[8 : 8 + size]) | fields).encode()
    return content[:4] + len(head).to_bytes(4, "little") + head + content[8 + size :]


@pytest.fixture(scope="module")
def small():
    return pack(estimate(TEXT, 3, (1,)).trie())


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda whole: whole[:-9], "gzip stream"),
        (lambda whole: whole + b"more", "gzip stream"),
        (lambda whole: whole[:100] + b"\0" + whole[101:], "damaged"),
        (lambda whole: gzip.decompress(whole)[:-1], "not as long"),
        (lambda whole: gzip.decompress(whole)[:7], "does not hold its header"),
        (lambda whole: gzip.compress(b"ASRL" + bytes(10_000_000), 1), "gzip stream"),
        (lambda whole: b"ASRL\xff\xff\xff\xff" + gzip.decompress(whole)[8:], "does not hold its header"),
        (lambda whole: changed(whole, version=2), "version 2 .* update it"),
        (lambda whole: changed(whole, version="x" * 10_000), "version"),
        (lambda whole: changed(whole, order=2), "counts"),
        (lambda whole: changed(whole, order=10**9), "no order"),
        (lambda whole: changed(whole, counts=[12, 10**12, 3]), "contradicts"),
        (lambda whole: changed(whole, counts=[10**12, 3, 3]), "number of words"),
        (lambda whole: changed(whole, counts=[True, 3, 3]), "counts"),
        (lambda whole: changed(whole, counts=None), "counts"),
        (lambda whole: changed(whole, sizes=[-1] * 10), "counts"),
        (lambda whole: changed(whole, scales=[["a", 0]] * 5), "scales"),
        (lambda whole: changed(whole, scales=[[math.nan, 0]] * 5), "scales"),
        (lambda whole: changed(whole, scales=[[1, 0.1]] * 5), "above 1"),
        (lambda whole: changed(whole, scales=[[1, 0.1]] * 4), "scales"),
        (lambda whole: gzip.decompress(whole).replace(b"\nCAT\n", b"\nDOG\n"), "words"),
        (lambda whole: gzip.decompress(whole).replace(b"\nCAT\n", b"\nC T\n"), "words"),
        (lambda whole: gzip.decompress(whole).replace(b"\nCAT\n", b"\nC\xffT\n"), "UTF-8"),
        (lambda whole: gzip.decompress(whole).replace(b"<unk>", b"<ung>"), "words"),
        (lambda whole: gzip.decompress(whole)[:-1] + b"\x80", "lacks numbers"),
        (lambda whole: gzip.decompress(whole)[:-1] + b"\x7f", "does not list"),
    ],
)
def test_a_damaged_file_is_one_line_that_names_it(small, tmp_path, damage, words):
    path = tmp_path / "damaged.lm"
    path.write_bytes(damage(small))
    for read in (NGram.read, Automaton.read, FastBeamSearch, read_trie):
        with pytest.raises(LanguageModelError, match=words) as caught:
            read(path)
        message = str(caught.value)
        assert message.startswith(str(path)) and len(message.splitlines()) == 1 and len(message) < 300


def test_bytes_at_random_are_a_model_or_one_line(small, tmp_path):
    """`make fuzz` has more of these."""
    content, path, refused = gzip.decompress(small), tmp_path / "random.lm", 0
    for seed in range(300):
        rng, some = random.Random(seed), bytearray(content)
        for _ in range(rng.choice([1, 3])):
            some[rng.randrange(8, len(some))] = rng.randrange(256)
        path.write_bytes(bytes(some))
        try:
            Automaton.read(path)
        except OneLineError:
            refused += 1
    assert 100 < refused < 300


# ------------------------------------------------------------------------------------------------------ pruning


@pytest.mark.parametrize("vocabulary", [10_000, 60])
@pytest.mark.parametrize("share", [0.9, 0.4])
def test_pruned_probabilities_sum_to_one(sentences, vocabulary, share):
    whole = estimate(sentences, 3, (1,))
    smaller = NGram.of(pruned(whole.trie(), int(share * len(whole.grams)), vocabulary))
    assert sums_to_one(smaller, 1e-9)
    assert len(smaller.words) == min(vocabulary, len(whole.words))
    assert len(smaller.words) + 3 < len(smaller.grams) <= share * len(whole.grams)
    frequent = sorted(whole.words, key=lambda word: -" ".join(sentences).split().count(word))
    assert {*frequent[:20]} <= {*smaller.words}
    kept = [gram for gram in smaller.grams if len(gram) > 1]
    assert all(gram[1:] in smaller.grams for gram in kept)
    assert [smaller.grams[gram][0] for gram in kept] == pytest.approx([whole.grams[gram][0] for gram in kept])


def test_a_model_with_rounded_values_is_pruned_about_as_well(mini, sentences):
    whole = estimate(read_sentences(mini / "train-mini"), 3, (1,)).trie()
    rounded = unpack(pack(whole, 64))
    keep = len(whole) // 3
    exact, other = (NGram.of(pruned(each, keep, 10_000)) for each in (whole, rounded))
    assert other.perplexity(sentences) == pytest.approx(exact.perplexity(sentences), rel=0.03)
    assert sums_to_one(other, 0.1)


@pytest.mark.parametrize("order", [1, 2, 3])
def test_the_share_of_a_long_text_is_about_the_share_of_the_text(sentences, order):
    model = estimate(sentences, order, (1,)).trie()
    levels = _arrays(model).levels
    text = " ".join(f"{START} {sentence} {END}" for sentence in sentences).split()
    times = Counter(text)
    assert levels[0].times.sum() == pytest.approx(1)
    for word in ("THE", "AT", "AND"):
        share = levels[0].times[model.words.index(word)]
        assert share == pytest.approx(times[word] / len(text), rel=0.5 if order == 1 else 0.25)
    if order > 1:
        pairs, times = levels[1], Counter(itertools.pairwise(text))
        (pair, often), *_ = times.most_common(1)
        first, second = map(model.words.index, pair)
        share = pairs.times[(pairs.context == first) & (pairs.word == second)]
        assert share == pytest.approx(often / len(text), rel=0.25)


def test_the_share_of_a_long_text_is_what_random_sentences_show():
    model = estimate(TEXT, 3, (1,))
    arrays, rng = _arrays(model.trie()), np.random.default_rng(0)
    outcomes = [*model.words, END, UNKNOWN]
    tables, found, state = {}, Counter(), model.start
    for _ in range(20_000):
        if state not in tables:
            tables[state] = np.cumsum([10 ** model.score(state, word)[0] for word in outcomes])
        word = outcomes[min(np.searchsorted(tables[state], rng.random()), len(outcomes) - 1)]
        found[(state[-1], word)] += 1
        state = model.score(state, word)[1] if word != END else model.start
    pairs, total = arrays.levels[1], sum(found.values()) + sum(found[gram] for gram in found if gram[1] == END)
    for place in range(len(pairs)):
        gram = (arrays.words[pairs.context[place]], arrays.words[pairs.word[place]])
        expected = found[gram] / total
        assert pairs.times[place] == pytest.approx(expected, abs=4 * (expected / 20_000) ** 0.5 + 1e-3), gram


@pytest.mark.parametrize("megabytes", [1.0, 0.02, 0.01, 0.002])
def test_a_model_is_pruned_to_a_size(model, megabytes):
    trie = model.trie()
    content = prune(trie, megabytes)
    size = min(megabytes * 1e6, len(pack(trie, 32)))
    assert 0.9 * size < len(content) <= size
    smaller = unpack(content)
    assert all(len(set(level.log_prob.tolist())) <= 33 for level in smaller.levels)
    assert sums_to_one(NGram.of(smaller), 0.5)  # in 32 steps


def test_a_size_that_holds_nothing_is_refused(model):
    with pytest.raises(LanguageModelError, match=r"0\.0001 MB"):
        prune(model.trie(), 0.0001)
