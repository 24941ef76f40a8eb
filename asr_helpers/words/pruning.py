"""A language model for a given number of megabytes: fewer n-grams, fewer words, coarser values."""

import itertools
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from asr_helpers.words.arpa import END, START, LanguageModelError
from asr_helpers.words.kneser_ney import KneserNey, Order
from asr_helpers.words.ngram import NGram
from asr_helpers.words.packed import MARKS, NGramTrie, is_packed, pack, read_packed

STEPS = 32
WORDS_PER_ROOT = 60  # times the square root of the number of n-grams: the words that are kept
TRIALS = 8
ROUNDS = 30  # of the power iteration


def read_trie(path: Path | str) -> NGramTrie:
    """Return the model of a file in arrays, as `NGram.read` returns it in a dictionary, with the same errors."""
    return read_packed(path) if is_packed(path) else NGram.read(path).trie()


def prune(model: NGramTrie, megabytes: float, steps: int = STEPS) -> bytes:
    """Return the content of the packed file of `model`, pruned until it is at most `megabytes` (10^6 bytes) long.

    The values are rounded to `steps` different ones. N-grams are dropped by `KneserNey.prune`. Of the words, the most
    probable are kept, 60 times the square root of the number of n-grams; the others become `<unk>`.

    Raises:
        LanguageModelError: not even the words fit.
    """
    limit, arrays = megabytes * 1e6, _arrays(model)
    content, keep, largest = pack(model, steps), len(model), len(model)
    fitting, smallest = b"", 0
    for _ in range(TRIALS):
        if len(content) <= limit:
            fitting, smallest = max(fitting, content, key=len), keep
            if keep == len(model) or len(content) > 0.98 * limit:
                break
        else:
            largest = keep
        keep = int(keep * 0.99 * limit / len(content))
        if not smallest < keep < largest:
            keep = (smallest + largest) // 2
        content = pack(_pruned(arrays, keep, int(WORDS_PER_ROOT * keep**0.5)), steps)
    if not fitting:
        raise LanguageModelError(f"a language model of {megabytes} MB is too small to hold anything; allow it more")
    return fitting


def pruned(model: NGramTrie, keep: int, vocabulary: int) -> NGramTrie:
    """Return `model` with at most `keep` n-grams, of the `vocabulary` most frequent words."""
    return _pruned(_arrays(model), keep, vocabulary)


def _pruned(whole: KneserNey, keep: int, vocabulary: int) -> NGramTrie:
    marks = [whole.words.index(mark) for mark in MARKS]
    frequent = np.argsort(-whole.levels[0].times, kind="stable")
    kept = np.zeros(len(whole.words), bool)
    kept[marks] = kept[frequent[~np.isin(frequent, marks)][:vocabulary]] = True
    dropped = [~kept]
    for level in whole.levels[1:]:
        dropped.append(dropped[-1][level.context] | ~kept[level.word])
    arrays = KneserNey(whole.words, [replace(level) for level in whole.levels])
    arrays.drop(dropped)
    arrays.prune(keep)
    return arrays.trie()


def _arrays(model: NGramTrie) -> KneserNey:
    """Return the model with suffixes, and with each n-gram's share of a long text that the model itself writes."""
    size = len(model.words)
    orders: list[Order] = []
    keys, suffix = np.zeros(1, np.int64), np.zeros(1, np.int64)  # of the empty n-gram
    for level in model.levels:
        ends = suffix[level.context] * size + level.word if orders else np.zeros(size, np.int64)
        suffix = np.minimum(np.searchsorted(keys, ends), len(keys) - 1)
        if (keys[suffix] != ends).any():
            raise LanguageModelError("the language model lists an n-gram without its end; make it again with `asr lm`")
        keys = level.context * np.int64(size) + level.word
        prob, backoff = 10.0**level.log_prob, 10.0**level.backoff
        orders.append(Order(level.context, level.word, suffix, prob, prob=prob, backoff=backoff))
    start, end = model.words.index(START), model.words.index(END)
    for order, shares in zip(orders, _stationary(orders, start, end), strict=False):
        order.times = shares
    for below, order in itertools.pairwise(orders[1:]):
        order.times = below.times[order.context] * order.prob
    return KneserNey(model.words, orders)


def _stationary(orders: list[Order], start: int, end: int) -> Iterator[np.ndarray]:
    """Yield the shares of the single words, and of the pairs, in a long text that the model's first three orders write.

    This is a power iteration. A pair that is not listed, like a listed one that backs off, leaves to its second word
    what comes next.
    """
    single = orders[0]
    share = single.prob / single.prob.sum()
    if len(orders) == 1:
        yield share
        return
    pairs = orders[1]
    pair_share = share[pairs.context] * pairs.prob
    beyond_backoff = pairs.prob - single.backoff[pairs.context] * single.prob[pairs.word]
    for _ in range(ROUNDS):
        left = np.maximum(share - np.bincount(pairs.word, pair_share * (1 - pairs.backoff), len(share)), 0)
        left[end] = 0  # after </s> comes <s>, which is no outcome
        share = np.bincount(pairs.word, left[pairs.context] * beyond_backoff, len(share))
        share += (left * single.backoff).sum() * single.prob
        before, pair_share = pair_share, left[pairs.context] * pairs.prob
        for triples in orders[2:3]:
            backed_off = pairs.backoff[triples.context] * pairs.prob[triples.suffix]
            more = before[triples.context] * (triples.prob - backed_off)
            share += np.bincount(triples.word, more, len(share))
            pair_share += np.bincount(triples.suffix, more, len(pairs))
        share[start] = share[end]
        share = np.maximum(share, 1e-12)
        share, pair_share = share / share.sum(), np.maximum(pair_share, 1e-15) / share.sum()
    yield from (share, pair_share)
