"""Prefix beam search with shallow fusion, compiled: `beam_search` and `Fusion` in arrays, a hundred times as fast.

Numba translates the functions marked `@compiled` to machine code on the first call, which takes some seconds, and
caches it on disk. Read `words/prefix_beam_search.py` and `words/fusion.py` first: tests hold the two searches to the
same texts and scores.

Three trees and graphs are stored in arrays:
- the language model, a finite-state automaton (`automaton.States`): its states are n-grams, its transitions words;
- the vocabulary, a trie (`trie.WordTrie`): its nodes are prefixes of words, its edges letters;
- the texts of the search, a prefix tree (`Texts`): a beam entry is a node and how its alignments end.
"""

import math
from typing import NamedTuple

import numpy as np

from asr_helpers.words.fast.automaton import States, score_word
from asr_helpers.words.fast.compiling import EMPTY, compiled
from asr_helpers.words.ngram import LN10

IN_BLANK, IN_LETTER = 0, 1  # how an entry's alignments end
FIRST_TEXTS = 1 << 12  # texts for which there is room at first
LOWEST = -1e300  # nats: a lower score is log 0


class Pruning(NamedTuple):
    """Which labels a frame offers and which entries are kept after it, as in `beam_search`."""

    width: int
    min_log_prob: float
    margin: float


class LanguageModel(NamedTuple):
    """The language model and its vocabulary in arrays."""

    states: States  # of the automaton
    start: int  # the state before a sentence's first word
    end: int  # the word number of </s>
    unknown: int  # the word number of <unk>
    children: np.ndarray  # of the `WordTrie`
    word: np.ndarray  # of the `WordTrie`
    letter_bonuses: np.ndarray  # nats for each letter, by the letter before it, (letters, letters)
    lookahead: np.ndarray  # for each trie node, what its most probable word would add to a score
    unknown_lookahead: float  # the same outside the trie, without the letters' share


class Terms(NamedTuple):
    """The weights of `Fusion`'s score."""

    weight: float
    word_bonus: float
    unknown_letter: float  # ln P of each letter of an unknown word
    look_ahead: bool


class Texts(NamedTuple):
    """The prefix tree of the search, one entry per text; text 0 is the empty one."""

    parents: np.ndarray  # int32: the text without its last letter
    letters: np.ndarray  # int16: the last letter
    first: np.ndarray  # int32: the first child, or EMPTY
    sibling: np.ndarray  # int32: the parent's next child, or EMPTY
    places: np.ndarray  # int32: the last word's node in the word trie, EMPTY outside it
    states: np.ndarray  # int32: the language model's state after the words before the last
    lm_scores: np.ndarray  # float64: `LMState.score`, for whole words and all letters
    lookahead_scores: np.ndarray  # float64: the same with look-ahead, as `Fusion.lookahead_score`
    lengths: np.ndarray  # int32: the letters of the last word
    sums: np.ndarray  # float64 (texts, 2): ln P(alignments ending in blank, in a letter) up to this frame
    seen: np.ndarray  # int32: the frame in which the text was last reached


class Beam(NamedTuple):
    """The entries that are kept after a frame."""

    texts: np.ndarray  # int32
    ends: np.ndarray  # int8: IN_BLANK or IN_LETTER
    scores: np.ndarray  # float64: ln P of the alignments, without the language model


def search(
    log_probs: np.ndarray, space: int, pruning: Pruning, lm: LanguageModel, terms: Terms
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return the remaining texts and their scores, as the tree that spells them: (parents, letters, nodes, scores).

    `nodes` are the numbers of the remaining texts, `scores` their scores. The `letters` of a node, its parent and so on
    up to node 0 spell a text backwards.

    Args:
        log_probs: float64 (frames, classes), the blank last.
        space: the label of the space.
        pruning: which labels and entries to keep.
        lm: the language model; the terms decide whether it counts.
        terms: the weights; all zero for no language model.
    """
    # Plain tuples, because Numba takes 0.7 ms at each call to recognise named ones.
    return _search(log_probs, space, tuple(pruning), (tuple(lm.states), *lm[1:]), tuple(terms))


@compiled
def _search(log_probs, space, pruning, lm, terms):
    pruning, terms = Pruning(*pruning), Terms(*terms)
    lm = LanguageModel(States(*lm[0]), *lm[1:])
    texts, count = _first_text(space, lm, terms), 1
    beam = Beam(np.zeros(1, np.int32), np.full(1, IN_BLANK, np.int8), np.zeros(1))
    for t in range(len(log_probs)):
        frame = log_probs[t]
        offered = np.flatnonzero((frame >= pruning.min_log_prob) | (frame == frame.max()))
        needed = count + len(beam.texts) * len(offered)
        if needed > len(texts.parents):
            texts = _grown(texts, 2 * needed)
        reached, count = _advance(texts, count, beam, t, frame, offered, space, lm, terms)
        beam = _pruned(texts, reached, pruning)
    nodes, scores = _finish(texts, count, beam, space, lm, terms)
    return texts.parents[:count], texts.letters[:count], nodes, scores


@compiled
def _first_text(space, lm, terms):
    """Return the tree that holds only the empty text. Its letter is a space, so that no text begins with a space."""
    size = FIRST_TEXTS
    texts = Texts(
        np.empty(size, np.int32),
        np.empty(size, np.int16),
        np.empty(size, np.int32),
        np.empty(size, np.int32),
        np.empty(size, np.int32),
        np.empty(size, np.int32),
        np.empty(size),
        np.empty(size),
        np.empty(size, np.int32),
        np.empty((size, 2)),
        np.empty(size, np.int32),
    )
    texts.parents[0], texts.letters[0], texts.first[0], texts.sibling[0] = EMPTY, space, EMPTY, EMPTY
    texts.places[0], texts.states[0], texts.lengths[0], texts.seen[0] = 0, lm.start, 0, EMPTY
    texts.lm_scores[0] = 0.0
    texts.lookahead_scores[0] = lm.lookahead[0] if terms.look_ahead else 0.0
    return texts


@compiled
def _grown(texts, size):
    """Return the tree with room for `size` texts. `sums` are not copied: each frame resets them."""
    return Texts(
        _longer(texts.parents, size),
        _longer(texts.letters, size),
        _longer(texts.first, size),
        _longer(texts.sibling, size),
        _longer(texts.places, size),
        _longer(texts.states, size),
        _longer(texts.lm_scores, size),
        _longer(texts.lookahead_scores, size),
        _longer(texts.lengths, size),
        np.empty((size, 2)),
        _longer(texts.seen, size),
    )


@compiled
def _longer(array, size):
    longer = np.empty(size, array.dtype)
    longer[: len(array)] = array
    return longer


@compiled
def _advance(texts, count, beam, t, frame, offered, space, lm, terms):
    """Extend every entry by every label on offer, as `advance` does; return the texts reached and the new count.

    A new text is scored as `Fusion.extend` and `Fusion.lookahead_score` do.
    """
    # Local variables: Numba counts references at each access to a tuple's array, which takes nearly three times as
    # long.
    parents, letters, first, sibling, places, states, lm_scores, lookahead_scores, lengths, sums, seen = texts
    entries, ends, scores = beam
    children, bonuses, lookahead = lm.children, lm.letter_bonuses, lm.lookahead
    blank = len(frame) - 1
    reached, found = np.empty(len(entries) * len(offered), np.int32), 0
    for entry in range(len(entries)):
        text, end, last = entries[entry], ends[entry], letters[entries[entry]]
        for offer in range(len(offered)):
            label = offered[offer]
            if label == blank or (label == last and (end == IN_LETTER or label == space)):
                after = text
            else:
                after = first[text]
                while after != EMPTY and letters[after] != label:
                    after = sibling[after]
                if after == EMPTY:
                    after, count = count, count + 1
                    parents[after], letters[after], first[after] = text, label, EMPTY
                    sibling[after], first[text], seen[after] = first[text], after, EMPTY
                    place, bonus = places[text], bonuses[letters[text], label]
                    if label == space:
                        added, states[after] = _end_word(lm, terms, place, states[text], lengths[text])
                        places[after], lengths[after] = 0, 0
                    else:
                        added, states[after] = 0.0, states[text]
                        places[after] = children[place, label] if place >= 0 else EMPTY
                        lengths[after] = lengths[text] + 1
                    lm_scores[after] = lm_scores[text] + added + bonus
                    lookahead_scores[after] = lm_scores[after]
                    if terms.look_ahead:
                        by_letters = lm.unknown_lookahead + terms.weight * terms.unknown_letter * lengths[after]
                        lookahead_scores[after] += lookahead[places[after]] if places[after] >= 0 else by_letters
            if seen[after] != t:
                seen[after], reached[found], found = t, after, found + 1
                sums[after, IN_BLANK] = sums[after, IN_LETTER] = -np.inf
            how = IN_BLANK if label == blank else IN_LETTER
            sums[after, how] = _log_add(sums[after, how], scores[entry] + frame[label])
    return reached[:found], count


@compiled
def _end_word(lm, terms, place, state, length):
    """Return what a word of `length` letters adds to the score when it ends at a node of the trie; the state after it.

    The letters' bonuses are not part of it.
    """
    number = lm.word[place] if place >= 0 else EMPTY
    by_letters = 0.0
    if number == EMPTY:
        number, by_letters = lm.unknown, terms.unknown_letter * length
    log10_prob, state = score_word(lm.states, state, number)
    return terms.weight * (LN10 * log10_prob + by_letters) + terms.word_bonus, state


@compiled
def _pruned(texts, reached, pruning):
    """Return the entries of the texts `reached` within the margin of the best one, `width` of them at most."""
    sums, lookahead_scores = texts.sums, texts.lookahead_scores
    totals = np.empty(2 * len(reached))
    for i in range(len(reached)):
        for how in range(2):
            totals[2 * i + how] = sums[reached[i], how] + lookahead_scores[reached[i]]
    kept = np.flatnonzero(totals >= max(totals.max() - pruning.margin, LOWEST))
    if len(kept) > pruning.width:
        least = np.partition(totals[kept], len(kept) - pruning.width)[len(kept) - pruning.width]
        kept = kept[totals[kept] >= least][: pruning.width]
    entries, ends, scores = np.empty(len(kept), np.int32), np.empty(len(kept), np.int8), np.empty(len(kept))
    for i in range(len(kept)):
        text, how = reached[kept[i] // 2], kept[i] % 2
        entries[i], ends[i], scores[i] = text, how, sums[text, how]
    return Beam(entries, ends, scores)


@compiled
def _finish(texts, count, beam, space, lm, terms):
    """Return the beam's texts and their full scores; a text with and without a space at its end is the same."""
    sums = texts.sums[:count, 0]
    sums[:] = -np.inf
    nodes, found = np.empty(len(beam.texts), np.int32), 0
    for entry in range(len(beam.texts)):
        text, score = beam.texts[entry], beam.scores[entry]
        if text > 0 and texts.letters[text] == space:
            text = texts.parents[text]
        if sums[text] == -np.inf:
            nodes[found], found = text, found + 1
        sums[text] = _log_add(sums[text], score)
    nodes = nodes[:found]
    scores = np.empty(found)
    for i, text in enumerate(nodes):
        scores[i] = sums[text] + texts.lm_scores[text]
        state = texts.states[text]
        if text > 0:
            added, state = _end_word(lm, terms, texts.places[text], state, texts.lengths[text])
            scores[i] += added + lm.letter_bonuses[texts.letters[text], space]
        scores[i] += terms.weight * LN10 * score_word(lm.states, state, lm.end)[0]
    return nodes, scores


@compiled
def _log_add(a, b):
    """Return log(exp(a) + exp(b)): the compiled twin of `log_add`."""
    if a < b:
        a, b = b, a
    return a if b == -np.inf else a + math.log1p(math.exp(b - a))
