"""Judges of notebook 13's exercises."""

import numpy as np

from asr_helpers.teaching.checks.judging import Hint, as_number, as_numbers, expect_close, judge

GRADIENT_BYTES = 25.4e6  # as in the exercises


def _ring(workers: int, gigabits: float) -> float:
    """Return the seconds that a ring of workers takes to sum the gradients."""
    return 2 * (workers - 1) / workers * GRADIENT_BYTES * 8 / (gigabits * 1e9)


@judge("13.1")
def seven_rows_three_workers(answer):
    found = as_numbers(answer, 3, "a weight for each worker")
    rows = np.array([3, 2, 2])
    truth = 3 * rows / rows.sum()
    hints = {
        "those are the shares of the rows; the sum of the weighted means is still divided by 3.": truth / 3,
        "with equal weights, a row of worker 1 counts more than one of worker 0.": np.ones(3),
        "that is how many rows each has. Scale them so that equal numbers would give 1 each.": rows,
        "the other way round: the worker with more rows must count more.": 1 / truth,
        "worker 0 takes rows 0, 3 and 6: which worker has most?": truth[::-1],
    }
    for hint, slip in hints.items():
        if np.allclose(found, slip, rtol=0.01):
            raise Hint(hint)
    for value, right in zip(found, truth, strict=True):
        expect_close(value, right, 0.005)
    return "their sum is the number of workers, and no row counts more than another."


@judge("13.2")
def how_long_the_sum_takes(answer):
    truth = 1000 * _ring(8, 10)
    slips = {
        truth / 8: "10 gigabits are 1.25 gigabytes: bytes and bits are mixed.",
        1000 * GRADIENT_BYTES * 8 / 10e9: "that is to send all gradients once; a ring sends nearly twice as much.",
        2000 * GRADIENT_BYTES * 8 / 10e9: "nearly: no worker needs to send its own part, so (N - 1)/N remains.",
        truth * 8: "that is what all eight send, but they send at the same time.",
    }
    expect_close(as_number(answer), truth, 0.1, slips)
    return "with a hundred workers it would hardly be longer: that is what the ring is for."


@judge("13.3")
def how_many_for_twice_the_speed(answer):
    truth = next(n for n in range(1, 65) if 1.28 / n + _ring(n, 1) <= 1.28 / 2)
    slips = {
        2: "two would do if the sum took no time. How long does it take on this network?",
        3: "nearly twice as fast, but not yet: the sum takes longer than with two.",
        1: "one worker is as fast as one worker.",
    }
    expect_close(as_number(answer), truth, 0.01, slips)
    return "and at three times the speed it is over, however many there are: the sums take two fifths of a second."
