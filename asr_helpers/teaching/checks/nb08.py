"""Judges of notebook 08's exercises."""

import io
import zipfile
from functools import cache

import numpy as np

from asr_helpers.corpus.reading import data_dir
from asr_helpers.sound.audio import read_audio
from asr_helpers.sound.mel import features
from asr_helpers.teaching.checks.given import clips_of
from asr_helpers.teaching.checks.judging import as_number, as_numbers, expect_close, judge


@judge("08.1")
def one_click(answer):
    speech = [features(read_audio(each.path)) for each in clips_of("mini/train-mini")[::91]]
    low, high = min(each.min() for each in speech), max(each.max() for each in speech)
    truth = float(1000 - low) / 255
    slips = {
        1000 / 127: "that is for a range on both sides of zero. The input has a zero point.",
        float(high - low) / 255: "that is the scale without the click.",
        1 / truth: "upside down: the scale is the width of one step.",
        1000 / 16: "a range of 8 bits has 255 steps.",
    }
    expect_close(as_number(answer), truth, truth / 50, slips)
    return "one step, and speech has a deviation of 1: a single value decides what the other millions are worth."


@cache
def _lstm_kernel() -> np.ndarray:
    """Return the kernel of the first LSTM, read from the shipped .keras file (an HDF5 file in a zip)."""
    import h5py

    with zipfile.ZipFile(data_dir() / "models" / "crnn.keras") as archive:
        weights = h5py.File(io.BytesIO(archive.read("model.weights.h5")))
        return weights["layers/bidirectional/forward_layer/cell/vars/0"][()]


@cache
def _clipped_snr(bits: int) -> tuple[np.ndarray, np.ndarray]:
    """Return clipping points as fractions of the maximum, and the SNR in dB of the kernel in `bits` bits at each."""
    weights, top = _lstm_kernel(), 2 ** (bits - 1) - 1
    shares = np.linspace(0.05, 1, 39)
    ratios = []
    for step in shares * np.abs(weights).max() / top:
        back = np.clip(np.round(weights / step), -top, top) * step
        ratios.append(10 * np.log10(np.mean(weights**2) / np.mean((back - weights) ** 2)))
    return shares, np.array(ratios)


@judge("08.2")
def clip_on_purpose(answer):
    shares, ratios = _clipped_snr(3)
    slips = {
        shares[_clipped_snr(8)[1].argmax()]: "that is the best share at 8 bits.",
        shares[_clipped_snr(4)[1].argmax()]: "that is the best share at 4 bits.",
        ratios.max() - ratios[-1]: "that is the gain in dB. The share of the maximum is wanted.",
        1.0: "at the whole maximum nothing is clipped, and the steps are coarse.",
    }
    expect_close(as_number(answer), shares[ratios.argmax()], 0.04, slips)
    return "the fewer the bits, the harder one clips: few large weights are spoilt, all others gain."


@judge("08.3")
def grid_by_hand(answer):
    scale, zero_point = as_numbers(answer, 2, "the scale and the zero point")
    slips = {
        6 / 256: "256 values have 255 steps between them.",
        4 / 127: "that is a grid on both sides of zero: without a zero point, a third of it is wasted.",
        4 / 255: "the range begins at −2, not at 0.",
        255 / 6: "upside down: the scale is the width of one step.",
    }
    expect_close(scale, 6 / 255, 1e-5, slips)
    slips = {
        round(2 / (6 / 255)): "that is the zero point of a uint8, 0 to 255. An int8 begins at −128.",
        round(-128 - 2 / (6 / 255)): "it lies outside −128 to 127: look at the sign of `low`.",
        0: "then half of the integers below zero would stand for values that never come.",
    }
    expect_close(zero_point, round(-128 + 2 / (6 / 255)), 0, slips)
    return "zero itself is met exactly, and nothing of the range is wasted."
