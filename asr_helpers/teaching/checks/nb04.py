"""Judges of notebook 04's exercises."""

import numpy as np

from asr_helpers.sound.audio import num_frames
from asr_helpers.sound.mel import FFT, MELS
from asr_helpers.teaching.checks.given import clips_of
from asr_helpers.teaching.checks.judging import Hint, as_array, as_number, call_answer, expect_close, judge


@judge("04.1")
def batches_of_sorted_lengths(answer):
    lengths = np.sort([num_frames(each.samples) for each in clips_of("mini/dev-mini")])
    try:
        batches = [np.asarray(batch, int).ravel() for batch in answer]
    except (TypeError, ValueError):
        raise Hint("a list of batches is asked for, each an array of lengths in frames.") from None
    if not batches or max(map(len, batches)) > 14:
        raise Hint("a batch has more than 14 clips." if batches else "there is no batch in the list.")
    found = np.concatenate(batches)
    if len(found) != len(lengths):
        raise Hint(f"dev-mini has {len(lengths)} clips, and your batches have {len(found)}.")
    if not np.array_equal(np.sort(found), lengths):
        slip = np.array_equal(np.sort(found), np.sort([each.samples for each in clips_of("mini/dev-mini")]))
        raise Hint("those are samples: `num_frames` makes frames of them." if slip else "those are not the lengths.")
    if np.any(np.diff(found) < 0) and np.any(np.diff(found) > 0):
        raise Hint("the batches hold all the clips, but in another order: sort the lengths first.")
    if any(len(batch) != 14 for batch in batches[:-1]):
        raise Hint("only the last batch may have fewer than 14 clips.")
    return "next to no padding. But every epoch has the same batches: long clips always meet, and nothing is mixed."


@judge("04.2")
def order_of_an_epoch(answer):
    def order(epoch):
        return as_array(call_answer(answer, epoch, 50), (50,), "an order of 50 clips")

    first = order(3)
    if not np.array_equal(np.sort(first), np.arange(50)):
        raise Hint("of 50 clips, each position from 0 to 49 must come once.")
    np.random.random(7)
    if not np.array_equal(first, order(3)):
        raise Hint("the same epoch gave another order the second time: seed a generator with the epoch.")
    if np.array_equal(first, np.arange(50)):
        raise Hint("that order is not random.")
    if np.array_equal(first, order(4)):
        raise Hint("epochs 3 and 4 have the same order: the seed must depend on the epoch.")
    return "the order needs no memory of what was drawn before, so a resumed run draws it again."


@judge("04.3")
def memory_of_a_buffer(answer):
    for clips, seconds in ((500, 12.7), (3, 2.0)):
        found = as_number(call_answer(answer, clips, seconds))
        megabytes = clips * seconds * 100 * MELS * 4 / 1e6
        slips = {
            megabytes / 4: "those are numbers, each of which takes four bytes.",
            2 * megabytes: "that is for waveforms, or for numbers of eight bytes.",
            clips * seconds * 100 * (FFT // 2 + 1) * 4 / 1e6: "a frame has 80 mel bins, not 257 frequencies.",
            megabytes / 100: "a second has 100 frames.",
            1e6 * megabytes: "those are bytes.",
        }
        expect_close(found, megabytes, 0.01 * megabytes, slips)
    return "a buffer of 500 clips takes 203 MB, and mixes only 500 of 28 539."
