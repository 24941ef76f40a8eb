"""Judges of notebook 04's exercises."""

import numpy as np

from asr_helpers.sound.audio import SAMPLE_RATE, num_frames
from asr_helpers.sound.mel import FFT, MELS
from asr_helpers.teaching.checks.given import clips_of
from asr_helpers.teaching.checks.judging import Hint, as_number, as_numbers, expect_close, judge


@judge("04.1")
def padding_when_sorted(answer):
    lengths = np.array([num_frames(each.samples) for each in clips_of("mini/dev-mini")])

    def padding(order):
        batches = [order[start : start + 14] for start in range(0, len(order), 14)]
        return 1 - sum(map(sum, batches)) / sum(len(each) * max(each) for each in batches)

    truth = padding(np.sort(lengths))
    slips = {
        1 - truth: "that is the share of speech.",
        padding(lengths): "those batches are in the corpus's order: sort the lengths first.",
        float(1 - lengths.mean() / lengths.max()): "that is one batch of everything. Cut it into batches of 14.",
    }
    expect_close(as_number(answer), truth, 0.003, slips)
    return "as little as buckets leave, or less. But each epoch's batches are the same, long ones always together."


@judge("04.2")
def epochs_a_minute(answer):
    seconds, epochs = as_numbers(answer, 2, "the seconds of one epoch, and the epochs in a minute")
    if not 0.01 < seconds < 600:
        raise Hint("no epoch of this corpus takes so long. Is the first number in seconds?")
    slips = {
        1 / seconds: "that is epochs per second.",
        seconds / 60: "upside down: that is minutes per epoch.",
        seconds * 60: "the longer an epoch takes, the fewer fit.",
    }
    expect_close(epochs, 60 / seconds, 0.05 * 60 / seconds, slips)
    return "compare it with notebook 06: the network takes far longer, so the pipeline is not what holds it up."


@judge("04.3")
def memory_of_a_buffer(answer):
    megabytes = 500 * 12.7 * 100 * MELS * 4 / 1e6
    slips = {
        megabytes / 4: "those are numbers, each of which takes four bytes.",
        500 * 12.7 * SAMPLE_RATE * 4 / 1e6: "that is for waveforms, or for numbers of eight bytes.",
        500 * 12.7 * 100 * (FFT // 2 + 1) * 4 / 1e6: "a frame has 80 mel bins, not 257 frequencies.",
        megabytes / 100: "a second has 100 frames.",
    }
    expect_close(as_number(answer), megabytes, 2, slips)
    return "for half a thousand clips out of 28 539: a small buffer mixes little and still costs much."
