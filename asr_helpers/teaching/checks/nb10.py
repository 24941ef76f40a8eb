"""Judges of notebook 10's exercises."""

import json
from functools import cache

import numpy as np

from asr_helpers.corpus.reading import data_dir
from asr_helpers.own_data.spelling import spoken
from asr_helpers.teaching.checks.given import clips_of
from asr_helpers.teaching.checks.judging import Hint, as_array, as_number, call_answer, expect_close, judge
from asr_helpers.words.metrics import word_errors


@cache
def _others() -> tuple[str, dict[str, dict[str, list[str]]]]:
    """Return the reference system of benchmarks/pretrained.json, and {system: {corpus: transcripts}}."""
    log = json.loads((data_dir().parent / "benchmarks" / "pretrained.json").read_text())
    return log["reference"], {row["name"]: row["texts"] for row in log["systems"]}


def _errors_of(system: str, corpus: str) -> np.ndarray:
    """Return the word errors of a system in each clip, (clips,)."""
    clips = clips_of("mini/test-mini" if corpus == "harbour" else "real")
    heard = [spoken(text) for text in _others()[1][system][corpus]]
    return word_errors([spoken(each.text) for each in clips], heard).errors


@judge("10.1")
def no_error_where_others_err(answer):
    own, other = (_errors_of(name, "harbour") for name in (_others()[0], "Whisper tiny.en"))
    if isinstance(answer, (int, float, np.number)):
        raise Hint("not how many, but which: True or False for each of the 94 sentences.")
    given = as_array(answer, own.shape, "an array of True and False, one for each sentence,")
    if not np.isin(given, (0, 1)).all():
        raise Hint("each value should be True or False.")
    slips = [
        (own == 0, "those are all that ours writes without an error. And where Whisper errs?"),
        (other > 0, "those are all where Whisper errs. And where ours does not?"),
        (own < other, "fewer errors are not yet none at all."),
        ((own > 0) & (other == 0), "the other way round: ours without an error, Whisper with one."),
    ]
    right = (own == 0) & (other > 0)
    if (given == right).all():
        return f"{right.sum()} sentences of its own world: its voices, and its phrases."
    for wrong, hint in slips:
        if (given == wrong).all():
            raise Hint(hint)
    raise Hint(f"{np.sum(given != right)} of the {len(right)} are wrong. `errors_of(…).errors == 0` is a start.")


@judge("10.2")
def the_better_of_two(answer):
    rng = np.random.default_rng(10)
    pairs = [tuple(_errors_of(name, "people") for name in ("Whisper tiny.en", "Moonshine tiny"))]
    pairs += [tuple(rng.integers(0, 6, (2, 12)))]
    for first, second in pairs:
        words = rng.integers(6, 30, len(first))
        right = np.minimum(first, second).sum() / words.sum()
        slips = {
            min(first.sum(), second.sum()) / words.sum(): "that is the better system. Choose again for each clip.",
            float(
                np.minimum(first, second).sum()
            ): "those are errors. The rate divides them by the words that were said.",
            np.mean(
                np.minimum(first, second) / words
            ): "that is the mean of the clips' rates. Add up errors and words first.",
        }
        given = as_number(call_answer(answer, first.copy(), second.copy(), words))
        expect_close(given, float(right), 1e-6, slips)
    return "they err in different places, so a system that knew which to trust would be better than both."


@judge("10.3")
def when_each_token_begins(answer):
    rng = np.random.default_rng(10)
    for rows, frames in ((1, 5), (4, 4), (5, 30), (8, 60)):
        looks = rng.random((rows, frames)) ** 4
        given = call_answer(answer, looks.copy())
        starts = as_array(given, (rows,), "a list of the frames where the tokens begin")
        if (starts != np.round(starts)).any() or starts.min() < 0 or starts.max() >= frames:
            raise Hint(f"frames are whole numbers from 0 to {frames - 1} here.")
        if starts[0] != 0:
            raise Hint("the first token begins with frame 0: every frame belongs to one.")
        if (np.diff(starts) < 1).any():
            raise Hint("each token has at least one frame, and none begins before the previous one.")
        owner = np.searchsorted(starts, np.arange(frames), side="right") - 1
        best = np.full(rows, -np.inf)
        best[0] = 0
        for frame, column in enumerate(looks.T):
            best = (np.maximum(best, np.append(-np.inf, best[:-1])) if frame else best) + column
        if looks[owner, np.arange(frames)].sum() < best[-1] - 1e-6:
            raise Hint("there is a better way through: it may pay to wait. Keep the best sum for each token.")
    return "dynamic time warping. With it, a recogniser with attention can say when each word was spoken."
