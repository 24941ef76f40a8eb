"""Judges of notebook 14's exercises."""

import math
from itertools import pairwise

import numpy as np

from asr_helpers.teaching.checks.judging import Hint, as_numbers, call_answer, judge
from asr_helpers.words.alignment import Word
from asr_helpers.words.hotwords import boosted
from asr_helpers.words.ngram import NGram


def _agreed(updates):
    black, last, shown = [], [], []
    for words in updates:
        new = words[len(black) :]
        same = [one == other for one, other in zip(last, new, strict=False)]
        count = [*same, False].index(False)
        black, last = black + new[:count], new[count:]
        shown.append(black)
    return shown


@judge("14.1")
def local_agreement(answer):
    shown = [["WELL"], ["WELL", "NOAH"], ["WELL", "NOW", "ENNIS"], ["WELL", "NOW", "ENNIS", "I"]]
    rng = np.random.default_rng(14)
    more = [[[str(word) for word in rng.choice(["A", "B"], length)] for length in range(1, 9)] for _ in range(20)]
    for updates in (shown, [], [[], ["A"], [], ["A"], ["A"]], *more):
        found = call_answer(answer, [list(words) for words in updates])
        try:
            found = [list(words) for words in found]
        except TypeError:  # not a list of lists
            raise Hint("a list with the black words after each update is wanted, one list of words each.") from None
        if len(found) != len(updates):
            raise Hint(f"for {len(updates)} updates there should be as many lists; there are {len(found)}.")
        if found and found[0]:
            raise Hint("after the first update there is nothing yet to agree with.")
        if any(now[: len(before)] != before for before, now in pairwise(found)):
            raise Hint("a black word changed. Keep the black words, and add to them.")
        expected = _agreed(updates)
        if found != expected:
            few = sum(map(len, found)) < sum(map(len, expected))
            raise Hint(
                "a word that two updates in a row agree on stays grey."
                if few
                else "a black word is missing from the update before, or comes after a word on which the two differ."
            )
    return "what was read twice in a row is black, and stays."


def _words(*times):
    return [Word("WORD", start, end, 0.9) for start, end in times]


@judge("14.2")
def when_a_line_ends(answer):
    cases = [
        ([], 99.0, False, "without words there is no line that could end."),
        (_words((1.0, 1.4)), 1.6, False, "0.2 s after a word it is too early."),
        (_words((1.0, 1.4)), 2.3, True, "0.9 s after the last word the line has ended."),
        (_words((1.0, 1.4), (1.5, 2.9)), 2.3, False, "measure the pause from the last word, not from the first."),
        (_words((1.0, 2.4)), 2.6, False, "measure the pause from the word's end, not from its start."),
        (_words((1.0, 1.4), (25.6, 25.9)), 26.1, True, "25 s after its start a line ends, even without a pause."),
        (_words((9.0, 9.4), (29.0, 29.4)), 29.5, False, "the 25 s begin with the line's first word, not at 0."),
    ]
    for words, now, expected, hint in cases:
        found = call_answer(answer, words, now)
        if not isinstance(found, (bool, np.bool_)):
            raise Hint(f"True or False is wanted, not `{type(found).__name__}`.")
        if found != expected:
            raise Hint(hint)
    return "a pause ends a line, and so does its length."


@judge("14.3")
def a_boost(answer):
    toy = {("<unk>",): (-2.0, 0.0), ("A",): (-0.5, -0.3), ("CAB",): (-1.0, -0.1), ("A", "CAB"): (-0.2, 0.0)}
    toy |= {("CAB", "A"): (-0.4, 0.0)}
    for word, nats in (("CAB", 2.0), ("ZOE", 5.5), ("A", -1.0)):
        before = dict(toy)
        found = call_answer(answer, before, word, nats)
        if before != toy:
            raise Hint("it changed the dictionary that it was given. Make a new one.")
        if not isinstance(found, dict):
            raise Hint(f"a dictionary is wanted, not `{type(found).__name__}`.")
        expected = boosted(NGram(2, dict(toy)), {(word,): nats}).grams
        if found.keys() != expected.keys():
            raise Hint("there should be the old n-grams, and the word's unigram if it was not there.")
        for gram, (log10, backoff) in expected.items():
            value, its_backoff = as_numbers(found[gram], 2, "log10 P and log10 back-off")
            if not np.isclose(its_backoff, backoff):
                raise Hint("a back-off changed. Only log10 P gains the boost.")
            if np.isclose(value, log10):
                continue
            if np.isclose(value, log10 + nats * (1 - 1 / math.log(10))):
                raise Hint("the boost is in nats, and the model counts in log10: divide by ln 10.")
            raise Hint(f"{' '.join(gram)}: {value:.2f} is not what it should be. Does the n-gram end in the word?")
    return "a hotword is an edit of the language model, so both searches find it."
