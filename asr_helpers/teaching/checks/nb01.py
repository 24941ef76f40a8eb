"""Judges of notebook 01's exercises."""

import io
import tempfile
from pathlib import Path

import numpy as np

from asr_helpers.sound.audio import SAMPLE_RATE
from asr_helpers.teaching.checks.given import ten_bit_steps
from asr_helpers.teaching.checks.judging import Hint, as_array, call_answer, judge


def _flac_share(integers: np.ndarray) -> float:
    import soundfile

    def size(kind):
        file = io.BytesIO()
        soundfile.write(file, integers, SAMPLE_RATE, format=kind)
        return len(file.getvalue())

    return size("FLAC") / size("WAV")


@judge("01.1")
def six_bits_filled(answer):
    integers, _ = ten_bit_steps()
    found = as_array(answer, (len(integers),), "the clip with its bits filled")
    if getattr(answer, "dtype", None) != np.int16:
        raise Hint("16 bits are wanted: `.astype(np.int16)`.")
    added = found - integers
    if not added.any():
        raise Hint("the six bits are still empty.")
    if added.min() < 0 or added.max() > 63:
        raise Hint("the upper ten bits have changed. Six bits hold 0 to 63.")
    if np.bincount(added.astype(int), minlength=64).min() < len(added) / 128:
        raise Hint("some of the values from 0 to 63 are missing, or rare.")
    if np.abs(np.corrcoef(added[1:], added[:-1])[0, 1]) > 0.1:
        raise Hint("what you added can be predicted from sample to sample. Noise cannot.")
    share = _flac_share(answer)
    return f"FLAC takes {100 * share:.0f} % of the WAV now: noise cannot be predicted, so it is stored bit by bit."


def _bits_each(values: np.ndarray) -> float:
    share = np.unique(values, return_counts=True)[1] / len(values)
    return float(-(share * np.log2(share)).sum())


@judge("01.2")
def cubic_prediction(answer):
    _, steps = ten_bit_steps()
    found = as_array(answer, (None,), "the array of errors")
    for order, hint in ((2, "those are the errors of the straight line."), (3, "that is one step too short.")):
        if np.array_equal(np.abs(found), np.abs(np.diff(steps, n=order))):
            raise Hint(hint)
    truth = np.diff(steps, n=4)
    if len(found) == len(steps):
        raise Hint("the first four samples have no four before them: leave them out.")
    if len(found) != len(truth):
        raise Hint(f"{len(truth)} errors are wanted, one for each sample with four before it; there are {len(found)}.")
    if np.array_equal(found, steps[4:] - truth):
        raise Hint("those are the predictions. Subtract them from the samples.")
    if not np.array_equal(np.abs(found), np.abs(truth)):
        raise Hint("these are other errors. Is *a* the sample just before, and *d* the fourth before?")
    line, cubic = _bits_each(np.diff(steps, n=2)), _bits_each(truth)
    return (
        f"{cubic:.2f} bits against the line's {line:.2f}: noise is in every sample, and the cubic adds more of it up."
    )


@judge("01.3")
def a_check_of_ones_own(answer):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for chapter, texts, sounds in (("1-1", "012", "013"), ("2-1", "0", "01"), ("3-1", "", "")):
            place = folder.joinpath(*chapter.split("-"))
            place.mkdir(parents=True)
            lines = [f"{chapter}-000{number} GOOD MORNING\n" for number in texts]
            (place / f"{chapter}.trans.txt").write_text("".join(lines))
            for number in sounds:
                (place / f"{chapter}-000{number}.flac").touch()
        found = call_answer(answer, folder)
    if isinstance(found, str) or not isinstance(found, (set, frozenset, list, tuple)):
        raise Hint(f"the function should return a set of ids, not `{type(found).__name__}`.")
    found = {str(each) for each in found}
    without_sound, without_text = {"1-1-0002"}, {"1-1-0003", "2-1-0001"}
    if found == without_sound:
        raise Hint("it misses the sounds without a line.")
    if found == without_text:
        raise Hint("it misses the lines without a sound.")
    if any("flac" in each or "/" in each for each in found):
        raise Hint("ids are wanted, without folder and suffix: `path.stem`.")
    if found < without_sound | without_text:
        raise Hint("it misses some. Does it look into every folder beneath?")
    if found != without_sound | without_text:
        raise Hint("some of these ids have both, a line and a sound.")
    return "a corpus that passes can still hold a wrong transcript. For that you need ears."
