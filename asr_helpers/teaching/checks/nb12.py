"""Judges of notebook 12's exercises."""

import math
from functools import cache

import numpy as np

from asr_helpers import words
from asr_helpers.corpus.reading import Utterance
from asr_helpers.teaching.checks.given import clips_of, log_probs_of
from asr_helpers.teaching.checks.judging import Hint, as_number, as_numbers, expect_close, judge
from asr_helpers.words.alignment import MISSING_THRESHOLD, pronunciation_scores
from asr_helpers.words.metrics import paired_difference, word_errors


def _stranger() -> list[Utterance]:
    return [each for each in clips_of("mini/test-mini") if each.speaker == "9007"]


@cache
def _highest_doubts() -> np.ndarray:
    return np.array([max(pronunciation_scores(log_probs_of(each.id), each.text)) for each in _stranger()])


@judge("12.1")
def a_stricter_prompter(answer):
    truth = float(np.mean(_highest_doubts() > 2))
    slips = {
        float(np.mean(_highest_doubts() > MISSING_THRESHOLD)): "that is the share at `MISSING_THRESHOLD`.",
        truth * len(_stranger()): "that is how many; their fraction is wanted.",
        1 - truth: "that is the share that would be kept.",
    }
    expect_close(as_number(answer), truth, 0.005, slips)
    return "a stricter line costs right readings, of a voice that the model does not know above all."


@judge("12.2")
def how_often_to_say_it(answer):
    old = sum(each.seconds for each in clips_of("mini/train-mini"))
    whole = [each.seconds for each in _stranger()]
    slips = {
        math.ceil(old / 4 / sum(whole[::2])): "then the new is a quarter of the old, and a fifth of both.",
        math.ceil(old / 3 / sum(whole)): "that is for all 28 sentences; only half of them are learned from.",
        old / 3 / sum(whole[::2]): "a corpus cannot be named a fraction of a time: which whole number is enough?",
    }
    expect_close(as_number(answer), math.ceil(old / 3 / sum(whole[::2])), 0.01, slips)
    return "so often does an epoch bring each sentence, and augmentation makes each time another."


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
        raise Hint("those are fractions; points are wanted, a hundred times as many.")
    slips = {
        -100 * truth: "the sign: paired_difference takes the one before first, and less is better.",
        100 * second.rate: "that is the rate with the language model; the change is wanted.",
    }
    expect_close(change, 100 * truth, 0.1, slips)
    for value, end in zip((low, high), ends, strict=True):
        expect_close(value, 100 * end, 1.0)
    return "it knows the harbour's sentences, and needs no recording. Both together go further still."
