"""Diagrams: CTC's lattice, the prefix tree, the network, an LSTM cell."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from asr_helpers.show.plots.drawing import BLUE, GREEN, GREY, ORANGE, new
from asr_helpers.sound.mel import MELS

if TYPE_CHECKING:
    import keras


def ctc_lattice(probs: np.ndarray, text: str, ax: Axes | None = None, title: str = "") -> Figure:
    """Draw the occupation probability of each CTC state at each frame, with the first state on top.

    `probs` come from `words.lattice`, (frames, 2 * len(text) + 1). The states are the characters of `text` with a blank
    (–) before, between and after them.
    """
    ax = ax or new(size=(8, 1.2 + 0.18 * probs.shape[1]), alt=f"CTC lattice of “{text}”")[1]
    drawn = ax.imshow(probs.T, aspect="auto", interpolation="nearest", vmin=0, vmax=1)
    names = "–" + "".join(f"{'␣' if character == ' ' else character}–" for character in text)
    ax.set_yticks(range(len(names)), names)
    ax.set(title=title, xlabel="model frame", ylabel="state, in order of the text")
    ax.figure.colorbar(drawn, ax=ax, label="probability", pad=0.01)
    return ax.figure


def prefix_tree(
    beams: list[dict[str, float]], seconds: list[float], best: str, ax: Axes | None = None, title: str = ""
) -> Figure:
    """Draw the prefixes in a beam over time, each as a line that starts at the prefix one character shorter.

    A line's width shows the share of its prefix; it ends when the prefix leaves the beam. Prefixes of `best` are
    orange. Prefixes that never reach a share of 0.01 are omitted.

    Args:
        beams: for each step, {prefix: its share of the probability in the beam}.
        seconds: the time of each step.
        best: the final text.
        ax: where to draw.
        title: of the figure.
    """
    texts = sorted({text for beam in beams for text, share in beam.items() if share >= 0.01})
    ax = ax or new(size=(10, 0.6 + 0.19 * len(texts)), alt=f"the texts in the beam on the way to “{best}”")[1]
    rows = {text: row for row, text in enumerate(texts)}
    for text, row in rows.items():
        color = ORANGE if best.startswith(text) else BLUE
        inside = [i for i, beam in enumerate(beams) if text in beam]
        for i in inside:
            begin = seconds[max(0, i - 1)]
            came_from = row if i and text in beams[i - 1] else rows.get(text[:-1], row)
            width = 0.6 + 5 * beams[i][text]
            ax.plot([begin, seconds[i]], [came_from, row], color=color, linewidth=width, solid_capstyle="round")
        name = text.replace(" ", "␣") or "(empty)"
        ax.annotate(
            name, (seconds[inside[-1]], row), (4, 0), textcoords="offset points", va="center", color=color, fontsize=8
        )
    ax.spines["left"].set_visible(False)
    ax.set(title=title, xlabel="time (s)", yticks=[], ylim=(len(texts) - 0.2, -0.8))
    ax.margins(x=0.02)
    ax.set_xlim(right=seconds[-1] + 0.12 * (seconds[-1] - seconds[0]))
    return ax.figure


def network(model: keras.Model, seconds: float = 3.0) -> Figure:
    """Draw the blocks of a `build_model` network with shape, weights and receptive field, for `seconds` of speech.

    All numbers are read from the model's layers. The height of a block shows its values per frame, and its width its
    frames, both on a square-root scale.
    """
    frames, bins, channels, field, step = int(seconds * 100), MELS, 1, 1, 1
    blocks = [("log-mel", f"{frames} × {bins}", bins, frames, "25 ms", 0)]
    for layer in model.layers:
        kind, weights = type(layer).__name__, layer.count_params()
        if kind == "Conv2D":
            field, channels = field + (layer.kernel_size[0] - 1) * step, layer.filters
            waiting = weights
        elif kind == "MaxPooling2D":
            pool = layer.pool_size[0]
            field, step = field + (pool - 1) * step, step * pool
            frames, bins = frames // pool, bins // layer.pool_size[1]
            seen = f"{(field - 1) * 10 + 25} ms"
            name = layer.name.removesuffix("_pool")
            blocks.append((name, f"{frames} × {bins} × {channels}", bins * channels, frames, seen, waiting))
        elif "Bidirectional" in kind or kind == "Dense":
            values = layer.output.shape[-1]
            blocks.append((layer.name, f"{frames} × {values}", values, frames, "everything", weights))
    figure, ax = new(size=(9, 2.8), alt="the network as blocks: shape, weights and field of view of each")
    for place, (name, shape, values, length, seen, weights) in enumerate(blocks):
        width, height = 0.75 * np.sqrt(length / (seconds * 100)), np.sqrt(values / 1280)
        color = ORANGE if name.startswith("conv") else GREEN if name == "logits" else BLUE
        ax.bar(place, height, width, -height / 2, color=GREY if place == 0 else color)
        ax.text(place, 0.62, f"{name}\n{shape}", ha="center", va="bottom", fontsize=9)
        ax.text(place, -0.62, f"sees {seen}\n{weights:,} weights", ha="center", va="top", fontsize=8)
        if place:
            ax.annotate("", (place - 0.4, 0), (place - 0.6, 0), arrowprops={"arrowstyle": "->", "color": GREY})
    ax.set(xlim=(-0.6, len(blocks) - 0.4), ylim=(-1, 1.05))
    ax.set_title(f"{seconds:g} seconds of speech on their way through the network (frames × values)")
    ax.axis("off")
    return figure


def lstm_cell() -> Figure:
    """Draw one step of an LSTM: the memory, and the gates that decide what is kept, written and output."""
    figure, ax = new(
        size=(8.5, 3.6),
        alt="one step of an LSTM: the memory passes from left to right; a forget gate scales it, an input gate adds "
        "something new to it, an output gate lets a part of it out",
    )

    def arrow(start, end, color=GREY):
        ax.annotate("", end, start, arrowprops={"arrowstyle": "->", "color": color, "linewidth": 1.5})

    def knot(x, y, sign):
        ax.text(x, y, sign, ha="center", va="center", bbox={"boxstyle": "circle", "fc": "white", "ec": GREY})

    gates = {2.0: ("forget", "how much stays?"), 4.0: ("input", "how much is new?")}
    gates |= {5.6: ("candidate", "what would be new?"), 7.6: ("output", "how much is shown?")}
    for x, (name, question) in gates.items():
        color = GREEN if name == "candidate" else ORANGE
        kind = "tanh, −1 to 1" if name == "candidate" else "sigmoid, 0 to 1"
        ax.text(
            x, 1.6, f"{name}\n{question}\n({kind})", ha="center", va="center", fontsize=8,
            bbox={"boxstyle": "round", "fc": "white", "ec": color, "linewidth": 2},
        )  # fmt: skip
        arrow((x, 0.55), (x, 1.22))
    ax.plot([0.4, 7.6], [0.55, 0.55], color=GREY, linewidth=1.5)
    ax.text(0.3, 0.2, "this column, and what was shown one step before", fontsize=9)
    arrow((0.3, 4), (9.5, 4), BLUE)
    ax.text(0.3, 4.15, "memory before", color=BLUE, fontsize=9)
    ax.text(9.5, 4.15, "memory after", color=BLUE, fontsize=9, ha="right")
    arrow((2, 1.98), (2, 3.78))
    for x in (4.0, 5.6):
        arrow((x, 1.98), (4.8 + (x - 4.8) / 4, 2.85))
    arrow((4.8, 3.15), (4.8, 3.75))
    arrow((7.6, 1.98), (7.6, 2.78))
    arrow((7.6, 4), (7.6, 3.25), BLUE)
    ax.text(7.75, 3.5, "tanh", fontsize=8)
    arrow((7.8, 3), (9.5, 3))
    ax.text(9.5, 2.7, "shown", fontsize=9, ha="right")
    for x, y, sign in ((2, 4, "×"), (4.8, 3, "×"), (4.8, 4, "+"), (7.6, 3, "×")):
        knot(x, y, sign)
    ax.set(xlim=(0, 9.8), ylim=(0, 4.5))
    ax.axis("off")
    return figure
