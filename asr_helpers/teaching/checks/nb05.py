"""Judges of notebook 05's exercises."""

import math

import numpy as np

from asr_helpers.corpus.reading import data_dir
from asr_helpers.recognizer.recognizer import Recognizer
from asr_helpers.sound.audio import read_audio
from asr_helpers.sound.mel import TIME_POOLING
from asr_helpers.teaching.checks.given import clips_of
from asr_helpers.teaching.checks.judging import Hint, as_number, as_numbers, expect_close, judge
from asr_helpers.text import BLANK, encode
from asr_helpers.words.ctc_lattice import min_frames


@judge("05.1")
def nothing_at_all(answer):
    paths, probability = as_numbers(answer, 2, "the number of paths, and their probability")
    table = np.random.default_rng(4).dirichlet(np.ones(4), size=5)
    truth = float(np.prod(table[:, 3]))
    if paths < 1:
        raise Hint("the number of paths is too low: is there no way to say nothing?")
    if paths > 1:
        raise Hint("the number of paths is too high: merge and drop, and look at what remains of each.")
    slips = {
        float(np.prod(table[:, 2])): "the blank is the last of the four symbols.",
        float(table[:, 3].sum()): "along a path, probabilities are multiplied.",
        1 / 1024: "the paths are not all equally probable: look into `table`.",
        math.log(truth): "that is its logarithm.",
        100 * truth: "that looks like percent: a probability is wanted.",
    }
    if abs(probability - truth) > truth / 50:
        near = [hint for wrong, hint in slips.items() if abs(probability - wrong) <= abs(wrong) / 50]
        raise Hint(near[0] if near else f"the probability is too {'high' if probability > truth else 'low'}.")
    return "a blank in every frame: any letter at all would be read."


@judge("05.2")
def double_letters(answer):
    word = "COMMITTEE"
    slips = {
        len(word): "that is the number of letters. What does CTC need between two equal ones?",
        2 * len(word) + 1: "that is the number of states; a path may skip most of the blanks.",
        len(word) + 1: "there is more than one double letter.",
        min_frames(encode(word)) * TIME_POOLING: "those are frames of the spectrogram, before the pooling.",
    }
    expect_close(as_number(answer), min_frames(encode(word)), 0, slips)
    return "one frame for each letter, and a blank in the middle of each double one."


@judge("05.3")
def least_certain(answer):
    value = as_number(answer)
    # The notebook's model: the fast one hesitates elsewhere, where two letters are about equally doubtful.
    recognizer = Recognizer.load(data_dir() / "models" / "crnn.keras")
    log_probs = recognizer.audio_log_probs(read_audio(clips_of("mini/test-mini")[3].path))
    best = log_probs.argmax(-1)
    starts = [t for t in range(len(best)) if best[t] != BLANK and (t == 0 or best[t] != best[t - 1])]
    order = sorted(starts, key=lambda t: log_probs[t].max())
    close = [t for t in order if log_probs[t].max() < log_probs[order[0]].max() + 0.15]
    if any(abs(value - 0.04 * t) < 0.021 for t in close):
        return "there the network hesitated. The letter is right all the same: doubt is not yet an error."
    if any(value == t for t in close):
        raise Hint("that is the frame. One output frame lasts 40 ms.")
    if any(abs(value - 0.01 * t) < 0.006 for t in close):
        raise Hint("off by the pooling: four frames of 10 ms make one output frame.")
    if abs(value - 0.04 * order[-1]) < 0.021:
        raise Hint("that is where it is surest.")
    if any(abs(value - 0.04 * t) < 0.021 for t in range(len(best)) if t not in starts):
        raise Hint("no letter begins there: leave out blanks, and frames that continue a letter.")
    raise Hint("another letter is less certain.")
