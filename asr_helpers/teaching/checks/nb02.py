"""Judges of notebook 02's exercises."""

from functools import cache

import numpy as np

from asr_helpers.sound.audio import HOP, SAMPLE_RATE
from asr_helpers.sound.mel import FFT, MELS, mel_filterbank, mel_to_hz
from asr_helpers.sound.mel import hz_to_mel as to_mel
from asr_helpers.teaching.checks.given import HISSES, clips_of, error_rate, power_of, shipped_recognizer
from asr_helpers.teaching.checks.judging import Hint, as_array, as_number, expect_close, judge


@judge("02.1")
def where_the_s_is(answer):
    power = power_of(HISSES)
    total = power.sum(axis=1)
    high = power[:, 96:].sum(axis=1) > 0.5 * total
    truth = high & (total > 1e-3 * total.max())
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
def bins_below_1000(answer):
    centers = mel_to_hz(np.linspace(0, to_mel(SAMPLE_RATE / 2), MELS + 2))[1:-1]
    htk = 700 * (10 ** (np.linspace(0, 2595 * np.log10(1 + 8000 / 700), MELS + 2) / 2595) - 1)[1:-1]
    slips = {
        MELS / 8: "that would be right if the bins were equally wide in Hz. They are equally wide in mels.",
        int(np.sum(htk < 1000)): "that is another mel scale (HTK's). Use `mel_to_hz`.",
        int(np.sum(np.linspace(0, 8000, FFT // 2 + 1) < 1000)): "those are the FFT's frequencies.",
    }
    expect_close(as_number(answer), int(np.sum(centers < 1000)), 0, slips)
    return "a third of the bins for an eighth of the frequencies: vowels live there."


@cache
def _share_right(mels: int) -> float:
    """Return the fraction of words recognised correctly in four clips that are played back from `mels` bins."""
    from asr_helpers.sound.inverse import play_back

    clips = [each for each in clips_of("mini/test-mini") if each.speaker == "9002"][:4]
    sounds = [play_back(power_of(each.id) @ mel_filterbank(mels), 400, HOP, FFT) for each in clips]
    return 1 - error_rate(clips, heard=[shipped_recognizer().transcribe(sound) for sound in sounds])


@judge("02.3")
def hear_less(answer):
    value = as_number(answer)
    counts = (40, 20, 10, 5)
    if value not in counts:
        raise Hint("one of 40, 20, 10 and 5 is wanted: a number of bins.")
    enough = [count for count in counts if _share_right(count) >= 0.5]
    if value not in enough:
        raise Hint("with so few it gets less than half of the words right. Count them with `word_errors`.")
    if value != min(enough):
        raise Hint("that is enough, but so are fewer.")
    return "and it was trained on 80. Much of what the picture holds is said twice."
