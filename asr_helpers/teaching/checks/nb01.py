"""Judges of notebook 01's exercises."""

import io

import numpy as np

from asr_helpers.sound.audio import SAMPLE_RATE
from asr_helpers.teaching.checks.given import ten_bit_steps
from asr_helpers.teaching.checks.judging import as_number, call_answer, expect_close, judge


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
    noise = np.random.default_rng(1).integers(0, 64, len(integers)).astype(np.int16)
    truth = _flac_share(integers + noise)
    slips = {
        _flac_share(integers): "it was that large before. Are the six bits still empty?",
        1 / truth: "upside down: FLAC's bytes over the WAV's.",
        1 - truth: "that is what FLAC saves; what it takes is wanted.",
    }
    expect_close(as_number(answer), truth, 0.015, slips)
    return "noise cannot be predicted, so it is stored bit by bit. The WAV has 16 bits for any number."


def _bits_each(values: np.ndarray) -> float:
    share = np.unique(values, return_counts=True)[1] / len(values)
    return float(-(share * np.log2(share)).sum())


@judge("01.2")
def cubic_prediction(answer):
    _, steps = ten_bit_steps()
    truth = _bits_each(np.diff(steps, n=4))
    slips = {
        _bits_each(np.diff(steps, n=2)): "those are the errors of the straight line.",
        _bits_each(np.diff(steps, n=3)): "those are the errors of the guess 3a − 3b + c: one step further.",
        _bits_each(steps): "those are the samples themselves; the errors of the guess are wanted.",
    }
    expect_close(as_number(answer), truth, 0.02, slips)
    return "more bits than the line's: noise is in every step, and the cubic guess adds up more of it."


@judge("01.3")
def hours_a_minute(answer):
    for busy, idle, audio in ((3.0, 1.0, 7200.0), (10.0, 4.0, 600.0)):
        slips = {
            audio / 3600 / (busy / 60): "the start of the worker is still included. Subtract `idle`.",
            audio / 3600 / (busy - idle): "that is hours of speech in a second of work, not in a minute.",
            audio / ((busy - idle) / 60): "those are seconds of speech, not hours.",
        }
        found = as_number(call_answer(answer, busy, idle, audio))
        expect_close(found, audio / 3600 / ((busy - idle) / 60), 1e-6, slips)
    return "a second worker halves `busy - idle` and adds an `idle` of its own."
