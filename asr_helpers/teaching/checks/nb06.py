"""Judges of notebook 06's exercises."""

import json
from pathlib import Path

import numpy as np

from asr_helpers.teaching.checks.judging import Hint, as_array, as_number, call_answer, judge


@judge("06.1")
def without_augmentation(answer):
    if not isinstance(answer, (str, Path)) or not str(answer):
        raise Hint("the path of the run's folder is wanted, the third argument of `train`.")
    file = Path(answer) / "state.json"
    try:
        state = json.loads(file.read_text())
        config, history = state["config"], state["history"]
    except (OSError, ValueError, KeyError, TypeError):
        raise Hint(f"{answer}: no run is there. Was it trained to its end, and is this its folder?") from None
    if config["train"] != "dev-mini" or config["lstm_units"] != 32:
        raise Hint("that run has another network or other speech. Start from `small`, and train on `tiny`.")
    if config["augmenter"] is not None:
        raise Hint("that run was augmented. `replace` can set `augmenter` to None.")
    if config["spec_augment"] is not None:
        raise Hint("its spectrograms were masked. `replace` can set `spec_augment` to None, too.")
    if len(history) != 6:
        raise Hint(f"it has {len(history)} epochs and `whole` has six: a gap can only be compared at the same age.")
    gap = history[-1]["val_loss"] - history[-1]["loss"]
    return f"a gap of {gap:+.2f} nats. A clip that always sounds the same is learned by heart sooner."


@judge("06.2")
def which_epoch(answer):
    columns = {
        "loss": (3.0, 1.0, 0.5, 0.2, 0.1),
        "val_loss": (3.1, 1.2, 0.9, 1.0, 1.3),
        "val_wer": (1.0, 0.6, 0.45, 0.4, 0.5),
        "val_cer": (0.9, 0.3, 0.2, 0.21, 0.19),
    }
    hints = {
        1: "that keeps the first epoch of a run that learns.",
        3: "that goes by the validation loss. What will a user count?",
        5: "that keeps the last epoch, whatever it is worth on validation speech.",
    }
    rows = [{"epoch": at + 1} | {name: values[at] for name, values in columns.items()} for at in range(5)]
    for order in (rows, rows[::-1]):  # the second history reads as if each row had been overtaken
        history = [row | {"epoch": at} for at, row in enumerate(order, start=1)]
        kept = as_number(call_answer(answer, history))
        truth = next(row["epoch"] for row in history if row["val_wer"] == 0.4)
        if kept == truth:
            continue
        if kept == 0.4:
            raise Hint("the number of the epoch is wanted: the row's `epoch`, which counts from 1.")
        raise Hint(hints.get(kept if order is rows else 0, "another epoch has fewer wrong words on validation speech."))
    return "the fewest wrong words on speech that was not trained on. `best.keras` is kept by this rule."


@judge("06.3")
def clip_yourself(answer):
    gradients, bound = [np.array([[3.0, 0.0], [0.0, 4.0]]), np.array([12.0])], 2.0  # together 13 long
    given = call_answer(answer, [each.copy() for each in gradients], bound)
    try:
        clipped = [as_array(mine, each.shape, "each gradient") for mine, each in zip(given, gradients, strict=True)]
    except (TypeError, ValueError):
        raise Hint("a list is wanted, with one array for each of those given.") from None
    flat, truth = (np.concatenate([each.ravel() for each in arrays]) for arrays in (clipped, gradients))
    each_alone = np.concatenate([(each * bound / np.linalg.norm(each)).ravel() for each in gradients])
    if np.allclose(flat, truth):
        raise Hint("gradients of length 13 come back unchanged with a bound of 2.")
    if np.allclose(flat, each_alone):
        raise Hint("each array is shortened by itself. Together they point elsewhere now: one factor for all.")
    if np.allclose(flat, np.clip(truth, -bound, bound)):
        raise Hint("each *number* is cut off at the bound. That changes the direction: scale all by one factor.")
    if not np.allclose(flat, truth * bound / np.linalg.norm(truth)):
        raise Hint(f"gradients of length 13 become {np.linalg.norm(flat):.3g} long with a bound of 2.")
    short = [np.array([0.3]), np.array([0.4])]
    if not np.allclose(np.concatenate(list(call_answer(answer, short, bound))), [0.3, 0.4]):
        raise Hint("a short gradient comes back changed. Only one that is longer than the bound is shortened.")
    return "one factor for all, so the direction stays; and a short step stays as it is."
