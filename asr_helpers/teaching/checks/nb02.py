"""Judges of notebook 02's exercises."""

from functools import cache

import numpy as np

from asr_helpers.sound.audio import HOP
from asr_helpers.sound.mel import FFT, MELS, mel_filterbank
from asr_helpers.teaching.checks.given import HISSES, clips_of, error_rate, power_of, shipped_recognizer
from asr_helpers.teaching.checks.judging import Hint, as_array, as_number, call_answer, expect_close, judge


@judge("02.1")
def where_the_s_is(answer):
    power = power_of(HISSES)
    total = power.sum(axis=1)
    high = power[:, 96:].sum(axis=1) > 0.5 * total
    truth = high & (total > 1e-3 * total.max())
    if isinstance(answer, str) or not np.ndim(answer):
        raise Hint(f"one True or False for each of the {len(truth)} frames is wanted.")
    found = np.asarray(answer)
    if found.dtype == bool:
        found = np.flatnonzero(found)
        if np.shape(answer) != truth.shape:
            raise Hint(f"one True or False for each of the {len(truth)} frames is wanted.")
    found = as_array(found, (None,), "a list of frames")
    if len(found) and not np.allclose(found, np.round(found)):
        raise Hint("frames are counted in whole numbers. Are those seconds? A frame begins every 10 ms.")
    if len(found) and found.max() >= len(truth):
        raise Hint(f"there are only {len(truth)} frames. Are those samples? {HOP} of them make a frame.")
    wrong = np.setxor1d(found, np.flatnonzero(truth))
    if len(wrong) <= 3:
        return "look at the picture again: S, SH and the burst of a T all live up there."
    if len(np.setxor1d(found, np.flatnonzero(high))) <= 3:
        raise Hint("the pauses are included, too: their hiss has no low sounds. Ask for some power as well.")
    if any(len(np.setxor1d(found + off, np.flatnonzero(truth))) <= 3 for off in (-1, 1)):
        raise Hint("off by one frame throughout.")
    if len(np.intersect1d(found, np.flatnonzero(truth))) < truth.sum() / 3:
        raise Hint("most frames of an S are not among these. Which columns of `power` lie above 3000 Hz?")
    raise Hint("too many frames." if len(found) > truth.sum() else "too few frames.")


@judge("02.2")
def a_filter_bank(answer):
    for bins in (40, MELS):
        truth = mel_filterbank(bins)
        found = as_array(call_answer(answer, bins), (None, None), "the filter bank")
        if found.shape == truth.T.shape:
            raise Hint("it is transposed: one row for each frequency is wanted, and one column for each bin.")
        if found.shape == (len(truth), bins + 2):
            raise Hint("two columns too many: a triangle has a left neighbour and a right one.")
        found = as_array(found, truth.shape, f"the filter bank of {bins} bins")
        if np.allclose(found, truth, atol=1e-6):
            continue
        if np.allclose(found / found.max(axis=0).clip(1e-9), truth / truth.max(axis=0).clip(1e-9), atol=1e-3):
            raise Hint("the triangles are in place, and their heights are not: each has area 1.")
        if np.allclose(found.argmax(axis=0), np.linspace(0, len(truth) - 1, bins + 2)[1:-1], atol=2):
            raise Hint("the steps are equal in Hz. They should be equal in mels.")
        raise Hint("these are other triangles. Is it `hz_to_mel` and `mel_to_hz`, from 0 to 8000 Hz?")
    return "26 of 80 bins, a third, lie in an eighth of the frequencies: vowels live there."


@cache
def _fraction_right(mels: int) -> float:
    """Return the fraction of words recognised correctly in four clips that are played back from `mels` bins."""
    from asr_helpers.sound.inverse import play_back

    clips = [each for each in clips_of("mini/test-mini") if each.speaker == "9002"][:4]
    sounds = [play_back(power_of(each.id) @ mel_filterbank(mels), 400, HOP, FFT) for each in clips]
    return 1 - error_rate(clips, heard=[shipped_recognizer().transcribe(sound) for sound in sounds])


@judge("02.3")
def hear_less(answer):
    counts, near = (40, 20, 10, 5), 0.06  # two words of 35: an int8 network differs by as much from run to run
    if not isinstance(answer, dict):
        raise Hint("a dictionary is wanted, {number of bins: fraction of the words that are right}.")
    if set(answer) != set(counts):
        raise Hint("its keys are the numbers of bins: 40, 20, 10 and 5.")
    for count in counts:
        value, truth = as_number(answer[count]), _fraction_right(count)
        if abs(value - truth) > near:
            if 0 < truth < 1 and abs(value - (1 - truth)) <= near:
                raise Hint(f"for {count} bins, that is the fraction that was wrong.")
            expect_close(value, truth, near, {100 * truth: "that looks like percent: a fraction is wanted."})
    few = min(count for count in counts if _fraction_right(count) >= 0.5)
    return f"with {few} bins it still gets half of the words, and it was trained on {MELS}."
