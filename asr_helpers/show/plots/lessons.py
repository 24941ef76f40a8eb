"""Diagrams: CTC's paths and trellis, the letters of a clip, the prefix tree, the network, an LSTM cell."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from asr_helpers.show.plots.drawing import BLUE, GREEN, GREY, ORANGE, new
from asr_helpers.show.plots.signals import spectrogram
from asr_helpers.sound.mel import MELS
from asr_helpers.text import ENGLISH, Alphabet
from asr_helpers.words.alignment import FRAME_SECONDS
from asr_helpers.words.ctc_lattice import ctc_states, lattice

if TYPE_CHECKING:
    import keras


def collapse(paths: list[str], blank: str = "–") -> Figure:
    """Draw how CTC reads each of `paths`: merge repeats, then drop the blanks.

    A path has one symbol per frame. Symbols that merge share a colour; blanks are grey.
    """
    alt = "each path, one symbol per frame: repeats merge, blanks drop out, and what is left is the text"
    take_away = "To read a path, merge what repeats, then drop the blanks. A blank keeps two equal letters apart."
    figure, axes = new(len(paths), 1, (7, 2.3 * len(paths)), alt, take_away, squeeze=False)
    for ax, path in zip(axes[:, 0], paths, strict=True):
        starts = [at for at in range(len(path)) if not at or path[at] != path[at - 1]]
        ends = [*starts[1:], len(path)]
        letters = itertools.cycle((BLUE, ORANGE))
        colors = [GREY if path[at] == blank else next(letters) for at in starts]
        text = "".join(path[at] for at in starts if path[at] != blank)
        for color, start, end in zip(colors, starts, ends, strict=True):
            middle, symbol = (start + end - 1) / 2, path[start]
            boxed = {"boxstyle": "square,pad=0.35", "fc": color, "ec": "none", "alpha": 0.35 if color == GREY else 1}
            ink = {"ha": "center", "va": "center", "color": "black" if color == GREY else "white", "fontsize": 15}
            for frame in range(start, end):
                ax.text(frame, 2, symbol, bbox=boxed, **ink)
                ax.plot([frame, middle], [1.62, 1.38], color=color, linewidth=1.5)
            ax.text(middle, 1, symbol, bbox=boxed, **ink)
            if symbol != blank:
                ax.plot([middle, middle], [0.62, 0.38], color=color, linewidth=1.5)
                ax.text(middle, 0, symbol, bbox=boxed, **ink)
        for row, name in ((2, "path"), (1, "merged"), (0, text)):
            ax.text(-1, row, name, ha="right", va="center", fontsize=13, weight="bold" if row == 0 else "normal")
        ax.set(xlim=(-2.6, len(path) - 0.4), ylim=(-0.5, 2.5))
        ax.axis("off")
    return figure


def trellis(table: np.ndarray, symbols: str, text: str, path: list[int] | None = None) -> Figure:
    """Draw CTC's trellis of `text`: a node for each frame and state, with the forward sum in it, and the legal arrows.

    Only nodes on some path that spells the text are drawn. `table` holds probabilities, (frames, symbols), the blank
    last; `path` is a state for each frame, drawn as a broad orange line.
    """
    labels = [symbols.index(character) for character in text]
    states, may_skip = ctc_states(labels, len(symbols) - 1)
    forward, backward = map(np.exp, lattice(np.log(table), labels))
    frames, alive = len(table), forward * backward > 0
    total = forward[-1, -2:].sum()
    alt = f"the trellis of {text}: {frames} frames by {len(states)} states; arrows stay, step or skip a blank; "
    alt += f"each node holds the sum of all paths that reach it, and the last two make {total:.4f}"
    take_away = "Each node sums all paths that reach it. Filled: more than half of the probability passes here."
    figure, ax = new(size=(7, 0.9 + 0.72 * len(states)), alt=alt, caption=take_away)
    kinds = {0: ("stay", GREY, "-"), 1: ("step", BLUE, "-"), 2: ("skip a blank", GREEN, "--")}
    for t, s in np.argwhere(alive[:-1]):
        for jump, (_, color, style) in kinds.items():
            to = s + jump
            if to < len(states) and alive[t + 1, to] and (jump < 2 or may_skip[to]):
                arrow = {"arrowstyle": "-|>", "color": color, "linestyle": style, "shrinkA": 20, "shrinkB": 20}
                ax.annotate("", (t + 1, to), (t, s), arrowprops=arrow | {"linewidth": 1.6})
    if path:
        ax.plot(range(frames), path, color=ORANGE, linewidth=12, alpha=0.45, solid_capstyle="round", zorder=1)
    for t, s in np.argwhere(alive):
        share = forward[t, s] * backward[t, s] / total
        ink = "white" if share > 0.5 else "black"
        ax.scatter(t, s, s=1400, color=BLUE if share > 0.5 else "white", edgecolor=BLUE, linewidth=1.5, zorder=2)
        label = f"{forward[t, s]:.2g}".removeprefix("0")
        size = 11 if len(label) < 6 else 9  # it must not touch the circle
        ax.text(t, s, label, ha="center", va="center", color=ink, fontsize=size)
    for jump, (name, color, style) in kinds.items():
        ax.plot([], [], color=color, linestyle=style, label=name, linewidth=2, zorder=jump)
    ax.set_xticks(range(frames), [f"frame {t + 1}" for t in range(frames)], fontsize=12)
    ax.set_yticks(range(len(states)), [symbols[state] for state in states], fontsize=15)
    ax.set(xlim=(-0.45, frames - 0.55), ylim=(len(states) - 0.45, -0.55))
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    ax.legend(loc="lower left", fontsize=12, handlelength=1.5)
    ax.set_title(f"the last two nodes add up to P({text}) = {total:.4f}", fontsize=13)
    return figure


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


def spelling(log_probs: np.ndarray, mels: np.ndarray, seconds: float = 1.48, alphabet: Alphabet = ENGLISH) -> Figure:
    """Draw the first `seconds` of a spectrogram, and below it each letter where the network is surest of it.

    `log_probs` are (output frames, classes); `mels` are features, (frames, MELS). The line is the winner's probability.
    """
    probs = np.exp(log_probs[: round(seconds / FRAME_SECONDS)])
    best, times = probs.argmax(axis=1), np.arange(len(probs)) * FRAME_SECONDS
    heard = alphabet.decode([c for c, _ in itertools.groupby(best) if c != alphabet.blank])
    alt = f"a spectrogram, and below it the letters {heard} at the moments when they are spoken"
    take_away = "Each letter appears where it is spoken, though nobody ever marked a place for it."
    figure, (above, below) = new(2, 1, (7, 4), alt, take_away, sharex=True, height_ratios=(2, 1))
    spectrogram(mels[: round(seconds * 100)], above, unit="")
    above.set_xlabel("")
    edges = np.flatnonzero(np.diff(best, prepend=-1, append=-1))
    for place, (start, end) in enumerate(itertools.pairwise(edges)):
        if best[start] == alphabet.blank:
            below.axvspan(times[start] - 0.02, times[end - 1] + 0.02, color=GREY, alpha=0.3, linewidth=0)
            continue
        color, peak = (BLUE, ORANGE)[place % 2], start + probs[start:end, best[start]].argmax()
        below.bar(times[start:end], probs[start:end, best[start]], 0.036, color=color)
        name = alphabet.decode([best[start]]).replace(" ", "␣")
        below.text(times[peak], 1.08, name, ha="center", fontsize=13, weight="bold", color=color)
        above.axvline(times[peak], color="white", linewidth=0.6, alpha=0.6)
    below.set(xlabel="time (s); grey: blank", ylabel="probability", ylim=(0, 1.35), yticks=[0, 1])
    return figure


def reach(changes: dict[str, np.ndarray], at: int, around: int = 12) -> Figure:
    """Draw which outputs change when one input frame changes: a row of squares for each name in `changes`.

    The values are relative changes of the output frames, (frames,); `at` is the output frame over the changed input.
    """
    rows = np.array([values[at - around : at + around + 1] / values.max() for values in changes.values()])
    counts = [f"{name}: {np.sum(row > 1e-6)} of {len(row)}" for name, row in zip(changes, rows, strict=True)]
    alt = f"outputs near the changed input that change, {'; '.join(counts)}"
    take_away = "A convolution sees its neighbours. An LSTM sees everything, far things less (untrained, as here)."
    figure, ax = new(size=(7, 2.3), alt=alt, caption=take_away)
    norm, cmap = LogNorm(1e-4, 1), colormaps["Blues"].with_extremes(under="white")
    drawn = ax.pcolormesh(np.clip(rows, 1e-9, 1), norm=norm, cmap=cmap, edgecolor="0.8", linewidth=0.5)
    ax.set_yticks(np.arange(len(rows)) + 0.5, list(changes), fontsize=12)
    ticks = np.arange(-around, around + 1, 4)
    ax.set_xticks(ticks + around + 0.5, ticks * 40, fontsize=11)
    ax.set_xlabel("distance of the output from the changed input (ms)", fontsize=11)
    ax.tick_params(length=0)
    ax.invert_yaxis()
    ax.spines[:].set_visible(False)
    figure.colorbar(drawn, ax=ax, label="relative change", pad=0.01)
    return figure


def prefix_tree(
    beams: list[dict[str, float]], seconds: list[float], best: str, ax: Axes | None = None, title: str = ""
) -> Figure:
    """Draw the prefixes in a beam over time as a tree whose trunk, in orange, is spelt by `best`.

    A branch leaves the line of the prefix that is one character shorter, below it, and no two lines cross. A letter
    stands where a prefix appears, and the whole text at the end of a branch. A line's width shows the share of its
    prefix; the line ends when the prefix leaves the beam. Prefixes that never reach a share of 0.02 are omitted.

    Args:
        beams: for each step, {prefix: its share of the probability in the beam}.
        seconds: the time of each step.
        best: the final text.
        ax: where to draw.
        title: of the figure.
    """
    rows = _rows(beams, best)
    count = 1 + max(rows.values())
    ax = ax or new(size=(8, 0.8 + 0.3 * count), alt=f"the texts in the beam on the way to “{best}”")[1]
    for text, row in rows.items():
        color = ORANGE if row == rows[best] else BLUE
        inside = [i for i, beam in enumerate(beams) if text in beam]
        for i in inside:
            from_row = row if i and text in beams[i - 1] else rows.get(text[:-1], row)
            width = 0.8 + 6 * beams[i][text]
            ax.plot(
                [seconds[max(0, i - 1)], seconds[i]], [from_row, row], color=color, lw=width, solid_capstyle="round"
            )
        letter = text[-1:].replace(" ", "␣")
        ax.annotate(
            letter, (seconds[inside[0]], row), (0, 5), textcoords="offset points", ha="center", color=color, size=11
        )
        if not any(other[:-1] == text for other in rows):
            name = text.replace(" ", "␣")
            place = seconds[inside[-1]], row
            ax.annotate(name, place, (7, 0), textcoords="offset points", va="center", color=color, size=11)
    ax.spines["left"].set_visible(False)
    ax.set(title=title, xlabel="time (s)", yticks=[], ylim=(count - 0.4, -0.9))
    ax.set_xlim(seconds[0], seconds[-1] + 0.25 * (seconds[-1] - seconds[0]))
    return ax.figure


def _rows(beams: list[dict[str, float]], best: str) -> dict[str, int]:
    """Return the row of each prefix: that of its main continuation, and branches below it, the latest nearest."""
    first: dict[str, int] = {}  # the step in which a prefix appears
    share: dict[str, float] = {}
    for i, beam in enumerate(beams):
        for text, part in beam.items():
            first.setdefault(text, i)
            share[text] = max(part, share.get(text, 0.0))
    drawn = {text for text, part in share.items() if part >= 0.02 or best.startswith(text)}
    rows: dict[str, int] = {}
    waiting = sorted((text for text in drawn if text[:-1] not in drawn or not text), key=lambda text: best[:1] in text)
    while waiting:
        trunk = [waiting.pop()]
        while later := [text for text in drawn if text and text[:-1] == trunk[-1]]:
            trunk.append(max(later, key=lambda text: (best.startswith(text), share[text])))
        row = 1 + max(rows.values(), default=-1)
        rows |= dict.fromkeys(trunk, row)
        branches = [text for text in drawn if text and text[:-1] in trunk and text not in trunk]
        waiting += sorted(branches, key=lambda text: first[text])
    return rows


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
    alt = f"{len(blocks)} blocks from top to bottom: " + "; ".join(f"{each[0]} {each[1]}" for each in blocks)
    take_away = "Pooling shortens the clip to a quarter of its frames. The LSTMs hold most of the weights."
    figure, ax = new(size=(7, 5.6), alt=alt, caption=take_away)
    for place, (name, shape, values, length, seen, weights) in enumerate(blocks):
        width, height = 2.6 * np.sqrt(length / (seconds * 100)), 0.78 * np.sqrt(values / 1280)
        color = ORANGE if name.startswith("conv") else GREEN if name == "logits" else BLUE
        ax.barh(place, width, height, -width / 2, color=GREY if place == 0 else color)
        ax.text(-1.5, place, f"{name}\n{shape}", ha="right", va="center", fontsize=13)
        ax.text(1.5, place, f"sees {seen}\n{weights:,} weights", ha="left", va="center", fontsize=13)
        if place:
            ax.annotate("", (0, place - 0.41), (0, place - 0.59), arrowprops={"arrowstyle": "->", "color": GREY})
    ax.set(xlim=(-3.6, 3.8), ylim=(len(blocks) - 0.5, -0.5))
    ax.set_title(f"{seconds:g} seconds of speech in the network (frames × values)", fontsize=13)
    ax.axis("off")
    return figure


def lstm_cell() -> Figure:
    """Draw one step of an LSTM: the memory, and the gates that decide what is kept, written and output."""
    figure, ax = new(
        size=(7, 5.2),
        alt="one step of an LSTM: the memory passes from left to right; a forget gate scales it, an input gate adds "
        "something new to it, an output gate lets a part of it out",
        caption="The memory meets one product and one sum. Three gates decide what is kept, written and shown.",
    )

    def arrow(start, end, color=GREY):
        ax.annotate("", end, start, arrowprops={"arrowstyle": "->", "color": color, "linewidth": 2})

    def knot(x, y, sign):
        ax.text(x, y, sign, ha="center", va="center", bbox={"boxstyle": "circle", "fc": "white", "ec": GREY})

    gates = {1.15: ("forget", "how much\nstays?"), 3.55: ("input", "how much\nis new?")}
    gates |= {5.95: ("candidate", "what would\nbe new?"), 8.35: ("output", "how much\nis shown?")}
    for x, (name, question) in gates.items():
        color = GREEN if name == "candidate" else ORANGE
        kind = "tanh,\n−1 to 1" if name == "candidate" else "sigmoid,\n0 to 1"
        ax.text(
            x, 2.3, f"{name}\n{question}\n({kind})", ha="center", va="center", fontsize=12,
            bbox={"boxstyle": "round", "fc": "white", "ec": color, "linewidth": 2},
        )  # fmt: skip
        arrow((x, 0.55), (x, 1.5))
    ax.plot([0.4, 8.35], [0.55, 0.55], color=GREY, linewidth=2)
    ax.text(0.3, 0.1, "this column, and what was shown one step before", fontsize=12)
    arrow((0.3, 5.9), (9.9, 5.9), BLUE)
    ax.text(0.2, 6.15, "memory before", color=BLUE, fontsize=12)
    ax.text(9.9, 6.15, "memory after", color=BLUE, fontsize=12, ha="right")
    arrow((1.15, 3.1), (1.15, 5.6))
    for x in (3.55, 5.95):
        arrow((x, 3.1), (4.75 + (x - 4.75) / 4, 4.35))
    arrow((4.75, 4.8), (4.75, 5.6))
    arrow((8.35, 3.1), (8.35, 4.3))
    arrow((8.35, 5.9), (8.35, 4.9), BLUE)
    ax.text(8.2, 5.35, "tanh", fontsize=12, ha="right")
    arrow((8.6, 4.6), (9.9, 4.6))
    ax.text(9.9, 4.2, "shown", fontsize=12, ha="right")
    for x, y, sign in ((1.15, 5.9, "×"), (4.75, 4.6, "×"), (4.75, 5.9, "+"), (8.35, 4.6, "×")):
        knot(x, y, sign)
    ax.set(xlim=(0, 10), ylim=(-0.1, 6.6))
    ax.axis("off")
    return figure
