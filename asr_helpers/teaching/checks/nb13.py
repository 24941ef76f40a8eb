"""Judges of notebook 13's exercises."""

import numpy as np

from asr_helpers.teaching.checks.judging import Hint, as_number, as_numbers, call_answer, expect_close, judge

GRADIENTS = 6.34e6  # as in the notebook, four bytes each


@judge("13.1")
def weights_of_the_workers(answer):
    for count, workers in ((7, 3), (10, 4), (6, 3)):
        found = as_numbers(call_answer(answer, count, workers), workers, "a weight for each worker")
        rows = np.array([len(range(rank, count, workers)) for rank in range(workers)])
        _expect_weights(found, rows, f"{count} rows, {workers} workers: ")
    return "their sum is the number of workers, and no row counts more than another."


def _expect_weights(found: list[float], rows: np.ndarray, case: str) -> None:
    """Raise `Hint` unless `found` are the weights of workers with as many `rows`."""
    truth = len(rows) * rows / rows.sum()
    if np.allclose(found, truth, rtol=0.005):
        return
    slips = {
        "those are the shares of the rows; the sum of the weighted means is still divided by the workers.": rows
        / sum(rows),
        "with equal weights, a row of a smaller share counts more than one of a larger share.": np.ones(len(rows)),
        "that is how many rows each has. Scale them so that equal numbers would give 1 each.": rows,
        "the other way round: the worker with more rows must count more.": 1 / truth,
        "which worker has most, if the first takes the first row?": truth[::-1],
    }
    for hint, slip in slips.items():
        if np.allclose(found, slip, rtol=0.01):
            raise Hint(case + hint)
    raise Hint(case + "with these weights the result is not the mean over all rows.")


@judge("13.2")
def a_server_instead_of_a_ring(answer):
    for workers, gigabits in ((12, 10), (64, 10), (2, 1)):
        once = GRADIENTS * 4 * 8 / (gigabits * 1e9)
        truth = 2 * workers * once
        slips = {
            truth / 8: "a byte has 8 bits.",
            truth / 4: "each number takes four bytes.",
            truth / 2: "that is one way only: the sums must go back to the workers.",
            2 * (workers - 1) * once: "the server is a machine of its own, so all workers must send.",
            2 * (workers - 1) / workers * once: "that is a ring.",
            2 * once: "that would do for one worker; the link of the server carries the gradients of all.",
            1000 * truth: "those are milliseconds.",
        }
        expect_close(as_number(call_answer(answer, workers, gigabits)), truth, 0.01 * truth, slips)
    return "64 workers wait 2.6 seconds for a server, and 0.04 for a ring, where every link carries its share."


@judge("13.3")
def how_many_for_twice_the_speed(answer):
    for computing, gigabits in ((1.28, 1), (1.28, 10), (0.068, 10), (0.068, 1), (0.5, 100)):
        once = GRADIENTS * 4 * 8 / (gigabits * 1e9)
        steps = {n: computing / n + 2 * (n - 1) / n * once for n in range(1, 65)}
        truth = next((n for n, seconds in steps.items() if seconds <= computing / 2), 0)
        found = as_number(call_answer(answer, computing, gigabits))
        case = f"{computing} s at {gigabits} Gbit/s: "
        if found == 2 != truth:
            raise Hint(case + "two would do if the sums took no time.")
        if truth == 0 and found:
            raise Hint(case + "no number of workers is twice as fast, so 0 is asked for.")
        if found != truth:
            raise Hint(case + ("too many." if found > truth else "too few, or none where there is one."))
    return "a slow worker gains from company even on a slow network; a fast one needs a fast network."
