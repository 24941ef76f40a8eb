"""How answers are judged: the registry of judges, `check`, and conversions and comparisons that judges share.

A judge computes the right answer from the corpus, the shipped files and the helpers, as the exercise asks; no answer is
stored. It returns a comment on a right answer and raises `Hint` for any other. A hint names the mistake (the wrong
unit, off by the hop, too high) and never the answer. No judge needs TensorFlow.
"""

import math
from collections.abc import Callable, Iterable

import numpy as np

from asr_helpers.sound.audio import HOP, SAMPLE_RATE


class Hint(Exception):
    """What is wrong with an answer, as a sentence for the learner."""


JUDGES: dict[str, Callable[[object], str]] = {}  # {number of the exercise: its judge}


def check(number: str, answer: object) -> None:
    """Print whether `answer` solves the exercise `number`, such as "02.1", or a hint.

    Raises:
        ValueError: there is no such exercise.
    """
    right, words = verdict(number, answer)
    print(f"{number} {'✔ right' if right else '✘ not yet'}: {words}")


def verdict(number: str, answer: object) -> tuple[bool, str]:
    """Return whether an answer is right, and the comment or hint that `check` prints.

    Raises:
        ValueError: there is no such exercise.
    """
    if number not in JUDGES:
        raise ValueError(f"no exercise is called {number!r}; there are {', '.join(sorted(JUDGES))}")
    if answer is None or answer is ...:
        return False, "nothing here yet. Put what you found into `answer` and run both cells again."
    try:
        return True, JUDGES[number](answer)
    except Hint as hint:
        return False, str(hint)


def judge(number: str) -> Callable[[Callable], Callable]:
    """Return a decorator that registers a function as the judge of the exercise `number`."""

    def register(function: Callable) -> Callable:
        JUDGES[number] = function
        return function

    return register


def as_number(answer: object) -> float:
    """Return `answer` as a float.

    Raises:
        Hint: it is not a finite number.
    """
    if isinstance(answer, str):
        raise Hint(f"a number is wanted, and {answer[:30]!r} is text.")
    if np.ndim(answer) or isinstance(answer, (bool, np.bool_)) or not np.isreal(answer):
        raise Hint(f"one number is wanted, not `{type(answer).__name__}`.")
    try:
        value = float(answer)
    except (TypeError, ValueError):
        raise Hint(f"a number is wanted, not `{type(answer).__name__}`.") from None
    if not math.isfinite(value):
        raise Hint(f"{value} is not a number that can be compared. Is there a division by zero?")
    return value


def as_text(answer: object) -> str:
    """Return `answer`, a str.

    Raises:
        Hint: it is not a str.
    """
    if not isinstance(answer, str):
        raise Hint(f"a text is wanted (a str), not `{type(answer).__name__}`.")
    return answer


def as_numbers(answer: object, count: int, names: str) -> list[float]:
    """Return `answer`, a sequence of numbers, as floats.

    `count` numbers are expected; `names` says what they are, for the hint.

    Raises:
        Hint: it holds anything else.
    """
    if isinstance(answer, str) or not isinstance(answer, Iterable) or isinstance(answer, dict):
        raise Hint(f"{count} numbers are wanted, {names}, as in `answer = (…, …)`.")
    values = list(answer)
    if len(values) != count:
        raise Hint(f"{count} numbers are wanted, {names}; there are {len(values)}.")
    return [as_number(value) for value in values]


def as_array(answer: object, shape: tuple[int | None, ...], what: str) -> np.ndarray:
    """Return `answer` as a float64 array.

    In `shape`, None stands for any size; `what` names the array in the hint.

    Raises:
        Hint: it has another shape, or holds anything but finite numbers.
    """
    try:
        array = np.asarray(answer, dtype=np.float64)
    except (TypeError, ValueError):
        raise Hint(f"{what} is wanted: an array of numbers, not `{type(answer).__name__}`.") from None
    if array.ndim != len(shape) or any(want not in (None, have) for want, have in zip(shape, array.shape, strict=True)):
        wanted = " × ".join("any" if size is None else str(size) for size in shape)
        raise Hint(f"{what} should have the shape {wanted}; this has {array.shape}.")
    if not np.isfinite(array).all():
        raise Hint("some of its values are not numbers (nan or infinity).")
    return array


def call_answer(answer: object, *arguments: object) -> object:
    """Return the result of the learner's function `answer` for `arguments`.

    Raises:
        Hint: it is not a function, fails, or returns None.
    """
    if not callable(answer):
        raise Hint(f"a function is wanted, not `{type(answer).__name__}`: its name alone, without brackets.")
    try:
        result = answer(*arguments)
    except Exception as error:  # a mistake in a learner's function is a hint, not a traceback
        raise Hint(f"your function stops with {type(error).__name__}: {error}") from None
    if result is None:
        raise Hint("your function returns nothing. Is the `return` missing?")
    return result


UNIT_SLIPS = {  # {factor between a wrong answer and the right one: hint at the unit}
    100: "that looks like percent: a fraction is wanted, 0.25 for 25 %.",
    0.01: "off by a factor of 100: is it a fraction where percent, or points, are wanted?",
    1000: "1000 times too high: look at the unit.",
    0.001: "1000 times too low: look at the unit.",
    1e6: "a million times too high: look at the unit.",
    1e-6: "a million times too low: look at the unit.",
    HOP: f"off by the hop: {HOP} samples make one frame.",
    1 / HOP: f"off by the hop: {HOP} samples make one frame.",
    SAMPLE_RATE: f"off by the sample rate: {SAMPLE_RATE} samples make one second.",
    1 / SAMPLE_RATE: f"off by the sample rate: {SAMPLE_RATE} samples make one second.",
    60: "60 times too high: seconds or minutes?",
    1 / 60: "60 times too low: seconds or minutes?",
    8: "8 times too high: bits or bytes?",
    1 / 8: "8 times too low: bits or bytes?",
    -1: "the size is right, the sign is not.",
}


def expect_close(answer: float, truth: float, tolerance: float, slips: dict[float, str] | None = None) -> None:
    """Raise `Hint` unless `answer` is within `tolerance` of `truth`.

    Args:
        answer: the learner's.
        truth: the right answer.
        tolerance: the largest accepted difference.
        slips: {typical wrong answer: hint at its cause}. Wrong units are recognised without an entry.

    Raises:
        Hint: the answer is wrong.
    """
    if abs(answer - truth) <= tolerance:
        return
    known = dict(slips or {})
    if truth:
        for factor, hint in UNIT_SLIPS.items():
            known.setdefault(truth * factor, hint)
    for wrong, hint in known.items():
        scale = max(1.0, abs(wrong / (truth or 1)))
        margin = min(tolerance * scale, abs(wrong) / 20)
        if abs(answer - wrong) <= max(1e-9, margin):
            raise Hint(hint)
    raise Hint("too high." if answer > truth else "too low.")
