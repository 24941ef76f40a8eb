"""Judges of notebook 15's exercises."""

import numpy as np

from asr_helpers.sound.mel import analysis_window, hz_to_mel, mel_to_hz
from asr_helpers.teaching.checks.judging import Hint, as_array, as_number, call_answer, judge

TWINS = ("hz_to_mel", "mel_to_hz", "hann", "triangle")


def _javascript(line: object, **values: object) -> np.ndarray:
    """Return the value of a line of JavaScript arithmetic, read by NumPy."""
    if not isinstance(line, str):
        raise Hint(f"each line is text (a str), not `{type(line).__name__}`.")
    python = line.replace("Math.min", "np.minimum").replace("Math.PI", "np.pi").replace("Math.", "np.")
    try:
        return np.asarray(eval(python, {"np": np}, values), float)
    except Exception as error:
        raise Hint(f"{line[:60]!r} cannot be computed: {error}") from None


@judge("15.1")
def the_planted_bug(answer):
    if not isinstance(answer, dict) or set(answer) != set(TWINS):
        raise Hint(f"a dict is wanted, with the keys {', '.join(TWINS)}.")
    hz, mel, i = np.linspace(1000, 8000, 50), np.linspace(15, 40, 50), np.arange(400)
    low, middle, high, tone = 200.0, 300.0, 500.0, np.linspace(210, 490, 15)
    slopes = np.minimum((tone - low) / (middle - low), (high - tone) / (high - middle)) * 2 / (high - low)
    found = {
        "hz_to_mel": (_javascript(answer["hz_to_mel"], hz=hz), hz_to_mel(hz)),
        "mel_to_hz": (_javascript(answer["mel_to_hz"], mel=mel), mel_to_hz(mel)),
        "hann": (_javascript(answer["hann"], i=i, window=400), analysis_window(400, 400)),
        "triangle": (_javascript(answer["triangle"], hz=tone, low=low, middle=middle, high=high), slopes),
    }
    for name, (page, python) in found.items():
        if page.shape != python.shape or not np.allclose(page, python, rtol=1e-5, atol=1e-6):
            raise Hint(f"{'a line' if name == 'hann' else name} still differs from its twin in Python.")
    if not np.allclose(_javascript(answer["hann"], i=i[:200], window=200), analysis_window(200, 200), atol=1e-6):
        raise Hint("it is right for a window of 400 samples alone: use `window`.")
    return "the page's window reached its last zero one sample early. All four lines are Python's now."


@judge("15.2")
def bytes_of_your_own(answer):
    rng = np.random.default_rng(15)
    cases = {
        "mixed signs": rng.standard_normal(400),
        "all positive": rng.uniform(3, 5, 100),
        "all negative": rng.uniform(-2, -1, (10, 10)),
        "all zero": np.zeros(8),
    }
    for name, values in cases.items():
        x = values.astype(np.float32)
        result = call_answer(answer, x.copy())
        if not isinstance(result, tuple) or len(result) != 2:
            raise Hint("the function should return two things: `steps, step`.")
        steps, step = as_array(result[0], x.shape, f"the steps of numbers that are {name}"), as_number(result[1])
        if not np.array_equal(steps, np.rint(steps)):
            raise Hint(f"{name}: steps are whole numbers.")
        if steps.max(initial=0) - steps.min(initial=0) > 255:
            raise Hint(f"{name}: those are more than 256 steps, if 0 is one of them.")
        span = max(0.0, float(x.max())) - min(0.0, float(x.min()))
        # Half a step, and as much again at the ends: the zero is rounded to a step, too.
        if np.abs(steps * step - x).max() > 1.01 * span / 255:
            raise Hint(f"{name}: 256 steps can come closer than {np.abs(steps * step - x).max():.3g}.")
    return "256 steps over the whole range, 0 among them. That is DynamicQuantizeLinear, without its name."


@judge("15.3")
def from_48_to_16(answer):
    seconds = np.arange(9600) / 48000
    inner = slice(200, 3000)
    for hz in (200, 1000, 3000, 5900, 10100, 10500, 15000, 23000):
        tone = np.sin(2 * np.pi * hz * seconds)
        made = as_array(call_answer(answer, tone.astype(np.float32)), (3200,), f"0.2 s of a tone of {hz} Hz")
        if hz < 8000 and np.abs(made - tone[::3])[inner].max() > 0.01:
            if np.abs(made[inner]).max() < 0.5:
                raise Hint(f"a tone of {hz} Hz is lost. Does the filter let through what lies below 8 kHz?")
            raise Hint(f"a tone of {hz} Hz changes. Is it delayed, or is the filter's sum not 1?")
        if hz > 8000 and np.abs(made[inner]).max() > 0.01:
            left = np.abs(made[inner]).max()
            raise Hint(f"a tone of {hz} Hz comes through with {left:.0%} of its height, as another tone: filter first.")
    return "what 16 kHz can hold stays, and nothing else comes through under a false name."
