"""Judges of notebook 06's exercises."""

import numpy as np

from asr_helpers.corpus.reading import data_dir
from asr_helpers.teaching.checks.given import clips_of
from asr_helpers.teaching.checks.judging import Hint, as_number, as_numbers, as_text, expect_close, judge
from asr_helpers.text import ALPHABET


@judge("06.1")
def without_augmentation(answer):
    plain, augmented = as_numbers(answer, 2, "the gap without augmentation, and the gap with it")
    if abs(plain) > 10 or abs(augmented) > 10:
        raise Hint("a gap of that size? Subtract the losses of the *last* epoch, in nats per character.")
    if plain < augmented:
        raise Hint("then augmentation widens the gap. Is it validation less training, and the plain run first?")
    if plain == augmented:
        raise Hint("equal to the last digit: is it the same run twice?")
    return "what is heard once more in the same words and sounds is learnt by heart sooner."


@judge("06.2")
def untrained(answer):
    text = as_text(answer)
    said = clips_of("mini/test-mini")[0].text
    if not text:
        raise Hint("not a letter? Look at what `transcribe` returned.")
    if set(text) - set(ALPHABET):
        raise Hint("there are characters in it that the network cannot write.")
    if set(text.split()) & {word for word in said.split() if len(word) > 2}:
        raise Hint("words! That network has been trained. `model` is the one that has not.")
    return "it starts with the habits of random weights: a few letters, over and over, whatever is said."


@judge("06.3")
def what_averaging_bought(answer):
    import csv

    with open(data_dir() / "models" / "history.csv", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["mean_wer"] and row["val_wer"]]
    gains = np.array([100 * (float(row["val_wer"]) - float(row["mean_wer"])) for row in rows])
    slips = {
        gains[-1]: "that is the last epoch, when the learning rate had fallen.",
        float(gains.mean()): "that is the mean over the epochs; the largest is wanted.",
        gains.min(): "that is the smallest.",
    }
    expect_close(as_number(answer), gains.max(), 0.06, slips)
    return "for nothing but a mean of weights. And where the rate falls, nothing: it has then done the same work."
