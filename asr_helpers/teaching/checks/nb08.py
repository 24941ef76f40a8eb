"""Judges of notebook 08's exercises."""

import numpy as np

from asr_helpers.teaching.checks.judging import Hint, as_number, as_numbers, call_answer, expect_close, judge


def _expect_named(name: str, answer: float, truth: float, tolerance: float, slips: dict[float, str]) -> None:
    """Raise `Hint` as `expect_close` does, with the `name` of the number that is wrong before it."""
    try:
        expect_close(answer, truth, tolerance, slips)
    except Hint as hint:
        raise Hint(f"{name}: {hint}") from None


def _expect_grid(scale: float, zero_point: float, low: float, high: float) -> None:
    """Raise `Hint` unless these are the scale and the zero point of int8 from `low` < 0 to `high` > 0."""
    truth = (high - low) / 255
    slips = {
        (high - low) / 256: "256 values have 255 steps between them.",
        max(high, -low) / 127: "that is a grid with the zero point 0: a part of it is never used.",
        high / 255: "the range begins below 0.",
        1 / truth: "upside down: the scale is the width of one step.",
    }
    _expect_named("the scale", scale, truth, truth / 1000, slips)
    slips = {
        round(-low / truth): "that is the zero point of a uint8, 0 to 255. An int8 begins at −128.",
        round(-128 + low / truth): "it lies outside −128 to 127: look at the sign of the lowest value.",
        0: "then half of the integers would represent values below zero, which are less than half of the range.",
    }
    _expect_named("the zero point", zero_point, round(-128 - low / truth), 0.5, slips)


@judge("08.1")
def one_click(answer):
    rng = np.random.default_rng(0)
    speech = [rng.uniform(-4, 6, (frames, 80)).astype(np.float32) for frames in (50, 70, 60)]
    clicked = [each.copy() for each in speech]
    clicked[1][0, 0] = 1000
    for spectrograms in (speech, clicked):
        found = as_numbers(call_answer(answer, spectrograms), 2, "the scale and the zero point")
        low, high = (float(end([end(each) for each in spectrograms])) for end in (np.min, np.max))
        first = float(np.ptp(spectrograms[0])) / 255
        if abs(found[0] - first) < 1e-6 < abs(first - (high - low) / 255):
            raise Hint("the range is that of all spectrograms, not of the first.")
        _expect_grid(*found, low, high)
    return "one step after the click is almost 4, and speech has a deviation of 1: one value spoils all others."


def _matrix(seed: int) -> np.ndarray:
    """Return a matrix of weights with a few large ones, as trained matrices have them."""
    return np.random.default_rng(seed).standard_t(4, (200, 150))


def _ratios(matrix: np.ndarray, bits: int, shares: np.ndarray) -> np.ndarray:
    """Return the SNR in dB of `matrix` in `bits` bits, clipped at each of `shares` of its maximum."""
    top, steps = 2 ** (bits - 1) - 1, shares * np.abs(matrix).max()
    back = [np.clip(np.round(matrix / step * top), -top, top) * step / top for step in steps]
    return np.array([10 * np.log10(np.mean(matrix**2) / np.mean((each - matrix) ** 2)) for each in back])


@judge("08.2")
def clip_on_purpose(answer):
    for seed, bits in ((0, 3), (1, 6)):
        matrix, shares = _matrix(seed), np.linspace(0.02, 1, 99)
        ratios = _ratios(matrix, bits, shares)
        share = as_number(call_answer(answer, matrix, bits))
        if not 0 < share <= 1:
            hint = "is it the gain in dB, or the clip itself?" if share > 1 else "a clip at 0 leaves nothing."
            raise Hint(f"a share of the maximum lies between 0 and 1: {hint}")
        loss = ratios.max() - _ratios(matrix, bits, np.array([share]))[0]
        if loss > 0.5 and share > 0.99:
            raise Hint(f"at the whole maximum nothing is clipped, and in {bits} bits the steps are coarse.")
        if loss > 0.5:
            best = shares[ratios.argmax()]
            raise Hint(
                f"in {bits} bits, another share has a higher SNR: yours is too {'high' if share > best else 'low'}."
            )
    return "the fewer the bits, the harder one clips: a few large weights are spoilt, and all others gain."


@judge("08.3")
def grid_by_hand(answer):
    scale, zero_point = as_numbers(answer, 2, "the scale and the zero point")
    if scale < 0 < zero_point < 1:
        raise Hint("the two are swapped: the scale comes first.")
    _expect_grid(scale, zero_point, -2, 4)
    return "zero itself is met exactly, and nothing of the range is wasted."
