"""Figures of results: learning curves, error rates with intervals, error against speed."""

import csv
from collections.abc import Sequence
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from asr_helpers.show.plots.drawing import BLUE, GREY, ORANGE, new


def heat_map(
    values: np.ndarray, rows: list, columns: list, ax: Axes | None = None, title: str = "", unit: str = "%"
) -> Figure:
    """Draw a grid of numbers, (rows, columns), as coloured cells, with a frame around the smallest.

    `rows` and `columns` label the settings; `unit` labels the colour bar.
    """
    values = np.asarray(values)
    ax = ax or new(size=(6, 3), alt=title)[1]
    drawn = ax.imshow(values, cmap="viridis_r", aspect="auto", vmax=np.quantile(values, 0.8))
    ax.set_xticks(range(len(columns)), columns)
    ax.set_yticks(range(len(rows)), rows)
    middle = (drawn.norm.vmin + drawn.norm.vmax) / 2
    for (row, column), value in np.ndenumerate(values):
        shade = "white" if value > middle else "black"
        ax.text(column, row, f"{value:.1f}", ha="center", va="center", fontsize=8, color=shade)
    row, column = np.unravel_index(values.argmin(), values.shape)
    frame = plt.Rectangle((column - 0.5, row - 0.5), 1, 1, fill=False, edgecolor=ORANGE, linewidth=2.5)
    ax.add_patch(frame)
    ax.set_title(title)
    ax.figure.colorbar(drawn, ax=ax, label=unit, pad=0.01)
    return ax.figure


def learning_curves(history: str | Path | list[dict]) -> Figure:
    """Draw loss, and error rates in %, over the epochs of a run's `history.csv` (its path, or its rows)."""
    if not isinstance(history, list):
        with open(history, newline="") as file:
            history = list(csv.DictReader(file))
    take_away = "Left: the loss that training lowers. Right: the errors that a reader of the text sees."
    figure, axes = new(1, 2, alt="loss and error rate over the epochs", caption=take_away)
    names = {
        "loss": (0, "training"),
        "val_loss": (0, "validation"),
        "val_wer": (1, "word error rate"),
        "val_cer": (1, "character error rate"),
    }
    for key, (side, label) in names.items():
        if key in history[0]:
            values = np.array([float(row[key]) for row in history])
            if side == 1:
                values = 100 * values  # %
            axes[side].plot(range(1, len(values) + 1), values, marker=".", label=label)
    axes[0].set(title="loss", xlabel="epoch", ylabel="nats per character", ylim=(0, None))
    axes[1].set(title="error on the validation set", xlabel="epoch", ylabel="%", ylim=(0, None))
    for ax in axes:
        ax.legend()
    return figure


def error_against_speed(variants: list[dict], threads: int = 1) -> Figure:
    """Draw speed, size and WER (with its interval) of the `variants` of `asr compare --json`, the fastest on top."""
    at_threads = str(threads)  # keys are strings in JSON
    rows = sorted(variants, key=lambda row: row["ms_per_audio_second"][at_threads])
    milliseconds = [row["ms_per_audio_second"][at_threads] for row in rows]
    labels = [f"{row['name']}, {row['bytes'] / 1e6:.0f} MB" for row in rows]
    spoken = [
        f"{label} {ms:.1f} ms, WER {100 * row['wer']:.1f} %"
        for label, ms, row in zip(labels, milliseconds, rows, strict=True)
    ]
    alt = "for each file, from fast to slow: " + "; ".join(spoken)
    take_away = "The files hear nearly the same, at very different speeds (dots with 95 % intervals)."
    figure, (speed, errors) = new(2, 1, (7, 1.4 + 0.6 * len(rows)), alt, take_away)
    places = np.arange(len(rows))
    speed.bar_label(speed.barh(places, milliseconds, color=BLUE), fmt=" %.1f")
    speed.set(title=f"ms per second of audio, threads: {threads}", xlim=(0, 1.15 * max(milliseconds)), xticks=[])
    for place, row in enumerate(rows):
        errors.hlines(place, *(100 * end for end in row["wer_ci95"]), color=GREY, alpha=0.5, linewidth=4)
        errors.plot(100 * row["wer"], place, "o", color=ORANGE)
    errors.set(title="word error rate (%)", xlim=(0, None))
    for ax in (speed, errors):
        ax.set_yticks(places, labels)
        ax.invert_yaxis()
        ax.minorticks_off()
    speed.spines["bottom"].set_visible(False)
    return figure


def by_epoch(sure: np.ndarray, epochs: Sequence[int], text: str) -> Figure:
    """Draw the probability of each letter of `text` after each epoch of a run.

    `sure` holds the probabilities, (epochs, letters), and `epochs` the number of each epoch.
    """
    alt = f"one row an epoch, one column a letter of “{text}”: from row to row most letters grow brighter, not all"
    take_away = "Letters grow surer from epoch to epoch, on average; many fall back on the way."
    figure, ax = new(size=(7, 1 + 0.35 * len(epochs)), alt=alt, caption=take_away)
    drawn = ax.imshow(sure, aspect="auto", interpolation="nearest", vmin=0, vmax=1)
    ax.set_xticks(range(len(text)), text.replace(" ", "␣"))
    ax.set_yticks(range(len(epochs)), [f"epoch {epoch}" for epoch in epochs])
    ax.tick_params(length=0)
    figure.colorbar(drawn, ax=ax, label="probability", pad=0.01)
    return figure
