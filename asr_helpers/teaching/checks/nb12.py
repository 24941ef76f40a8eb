"""Judges of notebook 12's exercises."""

import math
from functools import cache

import numpy as np

from asr_helpers import words
from asr_helpers.corpus.reading import Utterance
from asr_helpers.teaching.checks.given import clips_of, log_probs_of
from asr_helpers.teaching.checks.judging import Hint, as_number, as_numbers, call_answer, expect_close, judge
from asr_helpers.words.alignment import MISSING_THRESHOLD, pronunciation_scores
from asr_helpers.words.metrics import paired_difference, word_errors


def _stranger() -> list[Utterance]:
    return [each for each in clips_of("mini/test-mini") if each.speaker == "9007"]


@cache
def _doubts() -> list[list[float]]:
    return [pronunciation_scores(log_probs_of(each.id), each.text) for each in _stranger()]


def _highest_doubts() -> np.ndarray:
    return np.array([max(each) for each in _doubts()])


def _all_doubts() -> np.ndarray:
    return np.concatenate(_doubts())


@judge("12.1")
def a_stricter_prompter(answer):
    for limit in (2.0, MISSING_THRESHOLD, 1.0):
        share = as_number(call_answer(answer, limit))
        truth = float(np.mean(_highest_doubts() > limit))
        slips = {
            truth * len(_stranger()): f"at {limit:g}, that is how many; their fraction is wanted.",
            100 * truth: f"at {limit:g}, those are percent; a fraction is wanted.",
            1 - truth: f"at {limit:g}, that is the share that would be kept.",
            float(np.mean(_all_doubts() > limit)): "that is a share of words; count recordings, by their worst word.",
        }
        expect_close(share, truth, 0.005, slips)
    return "a stricter limit sends more right readings back, above all of a voice that the model does not know."


@judge("12.2")
def how_often_to_say_it(answer):
    for old, new, share in ((300.0, 10.0, 0.26), (3000.0, 70.0, 0.5), (100.0, 60.0, 0.2)):
        repeated = as_number(call_answer(answer, old, new, share))
        exact = share / (1 - share) * old / new
        given = f"{old:g} s of old speech, {new:g} s of new and a share of {share:g}"
        slips = {
            math.ceil(share * old / new): f"{given}: then the new is that share of the old, not of the whole.",
            exact: f"{given}: speech cannot be repeated {exact:.2f} times; which whole number is enough?",
            math.floor(exact): f"{given}: that falls just short of the share.",
        }
        slips = {value: hint for value, hint in slips.items() if value != math.ceil(exact)}
        expect_close(repeated, math.ceil(exact), 0.001, slips)
    return "that is how often an epoch repeats each sentence, and augmentation makes it different each time."


@judge("12.3")
def a_language_model_instead(answer):
    change, low, high = as_numbers(answer, 3, "the change in points and the two ends of its interval")
    clips = _stranger()
    first, second = (
        word_errors([each.text for each in clips], [spell(log_probs_of(each.id)) for each in clips])
        for spell in (words.greedy, words.default_decoder())
    )
    truth, ends = paired_difference(first, second)
    if abs(change - truth) < 0.005:
        raise Hint("those are fractions; points are wanted, a hundred times as much.")
    slips = {
        -100 * truth: "check the sign: paired_difference takes the earlier system first, and less is better.",
        100 * second.rate: "that is the rate with the language model; the change is wanted.",
    }
    expect_close(change, 100 * truth, 0.1, slips)
    for value, end in zip((low, high), ends, strict=True):
        expect_close(value, 100 * end, 1.0)
    return "it needs no recording. For a voice that is nearly understood, that is the cheaper remedy."
