"""Figures: each function takes data and gives back the matplotlib figure it drew.

Given an `ax`, a function draws there; without one it makes its own figure, which a notebook shows where a
cell ends with it. Colour-blind readers tell the colours apart, too (Okabe & Ito 2008; "magma", "PuOr").
"""

import csv
import io
import os
from html import escape
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from asr_helpers import files
from asr_helpers.alignment import FRAME_SECONDS
from asr_helpers.features import HOP, MELS, SAMPLE_RATE, hz_to_mel, log_mel, mel_filterbank
from asr_helpers.text import ENGLISH, Alphabet

BLUE, ORANGE, GREEN, PINK, SKY, GREY = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#8A8A8A"
SIZE = (8, 3)  # inches; at 100 dots an inch, the width of a notebook's page
FIGURES = Path(__file__).resolve().parents[1] / "figures"


def style() -> None:
    """Make every later figure look like this series' own."""
    plt.rcParams.update(
        {
            "axes.prop_cycle": plt.cycler(color=[BLUE, ORANGE, GREEN, PINK, SKY]),
            "axes.spines.right": False,
            "axes.spines.top": False,
            "axes.titlesize": 10,
            "axes.titlelocation": "left",
            "figure.constrained_layout.use": True,
            "figure.dpi": 100,
            "figure.figsize": SIZE,
            "font.size": 9,
            "image.cmap": "magma",
            "legend.frameon": False,
            "savefig.dpi": 100,
        }
    )


class Picture(Figure):
    """A figure that a notebook keeps small, equal on every run, and with its text below it.

    Neither JupyterLab nor GitHub nor nbconvert hands a PNG's `alt` on to those who cannot see it: so it stands there
    for everybody.
    """

    alt = ""

    def _ipython_display_(self):
        from IPython.display import HTML, Image, display

        display(Image(png(self), alt=self.alt))
        if self.alt:
            display(HTML(caption(self.alt)))


def caption(text: str) -> str:
    """Return `text` as the HTML of a line below a picture."""
    return f'<p style="font-size:0.9em;opacity:0.8;margin:0">{escape(text)}</p>'


def new(rows: int = 1, columns: int = 1, size: tuple[float, float] = SIZE, alt: str = "", **grid):
    """Return a figure and its axes, as `plt.subplots` does; it is shown only where a cell ends with it."""
    figure, axes = plt.subplots(
        rows, columns, figsize=size, layout="constrained", FigureClass=Picture, **grid
    )
    figure.alt = alt
    plt.close(figure)
    return figure, axes


def as_text(figure) -> None:
    """Let every text of `figure` mean itself: a clip called "US$5 or $6" is no formula.

    The powers of ten that matplotlib writes along a logarithmic axis, when it draws, stay formulas.
    """
    for text in figure.findobj(lambda each: isinstance(each, Text) and each.get_text()):
        text.set_parse_math("\\mathdefault" in text.get_text())


def png(figure) -> bytes:
    """Return `figure` as a PNG file's bytes, the same for the same figure, in at most 256 colours."""
    from PIL import Image

    as_text(figure)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    pixels = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
    content = io.BytesIO()
    # Maximum coverage keeps a colour bar's rare colours; 256 colours take a third of the bytes.
    pixels.quantize(256, method=Image.Quantize.MAXCOVERAGE, dither=0).save(content, "png", optimize=True)
    return content.getvalue()


def save(figure: Picture, name: str, alt: str = "") -> Picture:
    """Write `figure` to `figures/<name>.png` and return it, described by `alt` where a notebook shows it.

    Nothing is written under `ASR_PROFILE=ci`: a shrunken run must not replace the real run's figures.
    """
    figure.alt = alt or figure.alt
    if os.environ.get("ASR_PROFILE") != "ci":
        FIGURES.mkdir(exist_ok=True)
        files.write(FIGURES / f"{name}.png", png(figure))
    return figure


# ---------------------------------------------------------------------------------------- sound and features


def waveform(samples: np.ndarray, ax=None, title: str = "", colour: str = BLUE):
    """Draw samples (samples,) over time in seconds."""
    ax = ax or new(alt=f"waveform: {title}")[1]
    thickness = 0.5 if len(samples) > 4000 else 1
    ax.plot(np.arange(len(samples)) / SAMPLE_RATE, samples, linewidth=thickness, color=colour)
    ax.set(title=title, xlabel="time (s)", ylabel="amplitude", xlim=(0, len(samples) / SAMPLE_RATE))
    return ax.figure


def spectrogram(mels: np.ndarray, ax=None, title: str = "", unit: str = "log power", **image):
    """Draw log-mels or features (frames, MELS): time in seconds across, frequency in Hz upwards.

    `unit` names the colours in a bar beside them (none, if empty); `image` goes to `imshow`, such as `vmin`
    and `vmax` for a fixed range.
    """
    ax = ax or new(alt=f"spectrogram: {title}")[1]
    extent = (-HOP / 2 / SAMPLE_RATE, (len(mels) - 0.5) * HOP / SAMPLE_RATE, -0.5, MELS - 0.5)
    drawn = ax.imshow(mels.T, origin="lower", aspect="auto", interpolation="nearest", extent=extent, **image)
    hz = np.array([250, 500, 1000, 2000, 4000])
    places = hz_to_mel(hz) / hz_to_mel(SAMPLE_RATE / 2) * (MELS + 1) - 1
    ax.set_yticks(places, [f"{value}" for value in hz])
    ax.set(title=title, xlabel="time (s)", ylabel="frequency (Hz)")
    if unit:
        ax.figure.colorbar(drawn, ax=ax, label=unit, pad=0.01)
    return ax.figure


def compare(before: np.ndarray, after: np.ndarray, name: str = "after", seconds: float | None = None):
    """Draw two clips (samples,) as waveforms and log-mels, and what the second has more than the first.

    All time axes run to `seconds` and all colours have one range, taken from `before`, so that two figures of
    the same clip can be compared. Clips of different lengths have no difference to draw.
    """
    columns = 3 if len(before) == len(after) else 2
    figure, axes = new(2, columns, (10, 4.2), f"before and {name}", sharex=True, height_ratios=[1, 2])
    mels = [log_mel(clip) for clip in (before, after)]
    high, peak = mels[0].max(), 1.2 * np.abs(before).max()
    waveform(before, axes[0, 0], "before")
    waveform(after, axes[0, 1], name)
    spectrogram(mels[0], axes[1, 0], unit="", vmin=high - 12, vmax=high)
    spectrogram(mels[1], axes[1, 1], vmin=high - 12, vmax=high)
    if columns == 3:
        waveform(after - before, axes[0, 2], "difference", ORANGE)
        spectrogram(mels[1] - mels[0], axes[1, 2], unit="change", cmap="PuOr_r", vmin=-8, vmax=8)
    axes[0, 0].set_xlim(0, seconds or max(len(before), len(after)) / SAMPLE_RATE)
    for ax in axes[0]:
        ax.set(ylim=(-peak, peak), xlabel="")
    for ax in axes[:, 1:].flat:
        ax.set_ylabel("")
    return figure


def mel_filters(ax=None, every: int = 4):
    """Draw one in `every` of the triangular mel filters over frequency in Hz."""
    ax = ax or new(alt="triangular filters over frequency, narrow and dense below 1000 Hz, wide above")[1]
    filters = mel_filterbank()[:, ::every]
    ax.plot(np.linspace(0, SAMPLE_RATE / 2, len(filters)), filters, linewidth=1)
    ax.set(xlabel="frequency (Hz)", ylabel="weight", xlim=(0, SAMPLE_RATE / 2), ylim=(0, None))
    ax.set_title(f"one in {every} of the {MELS} mel filters")
    return ax.figure


# -------------------------------------------------------------------------------------------- the recogniser


def posteriors(log_probs: np.ndarray, mels: np.ndarray, title: str = "", alphabet: Alphabet = ENGLISH):
    """Draw what the model hears (frames, MELS) above what it thinks: log-probabilities (model frames, 29).

    One line a character, named where it is the most probable of all; the blank is grey.
    """
    figure, (above, below) = new(
        2, 1, (8, 4), f"spectrogram above character probabilities: {title}", sharex=True
    )
    spectrogram(mels, above, title, unit="features")
    above.set_xlabel("")
    probs = np.exp(log_probs)
    times = np.arange(len(probs)) * FRAME_SECONDS
    below.fill_between(times, probs[:, alphabet.blank], color=GREY, alpha=0.3, linewidth=0)
    for index, character in enumerate(alphabet.characters):
        (line,) = below.plot(times, probs[:, index], linewidth=1)
        wins = probs.argmax(axis=1) == index
        for start, end in np.flatnonzero(np.diff(np.pad(wins, 1).astype(np.int8))).reshape(-1, 2):
            peak = start + probs[start:end, index].argmax()
            name = "␣" if character == " " else character
            below.text(times[peak], 1.04, name, color=line.get_color(), ha="center", fontsize=8)
    below.set(xlabel="time (s)", ylabel="probability", ylim=(0, 1.15))
    below.text(1.01, 0.45, "blank", color=GREY, transform=below.transAxes, in_layout=False)
    return figure


def ctc_lattice(probs: np.ndarray, text: str, ax=None, title: str = ""):
    """Draw the probability of each state of CTC's lattice at each frame, (frames, 2 * len(text) + 1).

    See `ctc.lattice`: the states are the characters of `text` with a blank (–) before, between and after; the
    first is on top.
    """
    ax = ax or new(size=(8, 1.2 + 0.18 * probs.shape[1]), alt=f"CTC lattice of “{text}”")[1]
    drawn = ax.imshow(probs.T, aspect="auto", interpolation="nearest", vmin=0, vmax=1)
    names = "–" + "".join(f"{'␣' if character == ' ' else character}–" for character in text)
    ax.set_yticks(range(len(names)), names)
    ax.set(title=title, xlabel="model frame", ylabel="state, in order of the text")
    ax.figure.colorbar(drawn, ax=ax, label="probability", pad=0.01)
    return ax.figure


def prefix_tree(beams: list[dict[str, float]], seconds: list[float], best: str, ax=None, title: str = ""):
    """Draw how the texts in a beam grow and die: each beam takes a text to its share; `seconds` are their times.

    A text is a line from the moment it enters the beam until it drops out, as thick as its share; it branches
    off the text that is one character shorter. What became part of `best` is orange; what never held a hundredth is
    left out.
    """
    texts = sorted({text for beam in beams for text, share in beam.items() if share >= 0.01})
    ax = ax or new(size=(10, 0.6 + 0.19 * len(texts)), alt=f"the texts in the beam on the way to “{best}”")[1]
    rows = {text: row for row, text in enumerate(texts)}
    for text, row in rows.items():
        colour = ORANGE if best.startswith(text) else BLUE
        inside = [i for i, beam in enumerate(beams) if text in beam]
        for i in inside:
            begin = seconds[max(0, i - 1)]
            came_from = row if i and text in beams[i - 1] else rows.get(text[:-1], row)
            width = 0.6 + 5 * beams[i][text]
            ax.plot(
                [begin, seconds[i]], [came_from, row], color=colour, linewidth=width, solid_capstyle="round"
            )
        name = text.replace(" ", "␣") or "(empty)"
        ax.annotate(
            name,
            (seconds[inside[-1]], row),
            (4, 0),
            textcoords="offset points",
            va="center",
            color=colour,
            fontsize=8,
        )
    ax.spines["left"].set_visible(False)
    ax.set(title=title, xlabel="time (s)", yticks=[], ylim=(len(texts) - 0.2, -0.8))
    ax.margins(x=0.02)
    ax.set_xlim(right=seconds[-1] + 0.12 * (seconds[-1] - seconds[0]))
    return ax.figure


def heat_map(values: np.ndarray, rows: list, columns: list, ax=None, title: str = "", unit: str = "%"):
    """Draw a grid of figures, the smallest framed; `rows` and `columns` name its settings."""
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


def words_in_time(words: list, mels: np.ndarray, title: str = ""):
    """Draw the words of `alignment.align` above the log-mels (frames, MELS) that they were found in.

    The fuller a word's ground, the surer the model is of it.
    """
    figure, (above, below) = new(
        2,
        1,
        (9, 3),
        f"words above the spectrogram: {title}",
        sharex=True,
        height_ratios=(1, 4),
    )
    spectrogram(mels, below, unit="")
    for word in words:
        above.axvspan(word.start, word.end, color=SKY, alpha=0.1 + 0.7 * word.confidence, linewidth=0)
        middle = (word.start + word.end) / 2
        above.text(middle, 0.5, word.text, ha="center", va="center", fontsize=8, rotation=30)
        for edge in (word.start, word.end):
            below.axvline(edge, color="white", linewidth=0.8, alpha=0.7)
    above.set(ylim=(0, 1), title=title)
    above.set_axis_off()
    return figure


def learning_curves(history: str | Path | list[dict]):
    """Draw the loss, and any error rate in %, over the epochs of a run's `history.csv` (or its rows)."""
    if not isinstance(history, list):
        with open(history, newline="") as file:
            history = list(csv.DictReader(file))
    figure, axes = new(1, 2, alt="loss and error rate over the epochs")
    names = {
        "loss": (0, "training"),
        "val_loss": (0, "validation"),
        "val_wer": (1, "word error rate"),
        "val_cer": (1, "character error rate"),
    }
    for key, (side, label) in names.items():
        if key in history[0]:
            values = np.array([float(row[key]) for row in history]) * (100 if side else 1)
            axes[side].plot(range(1, len(values) + 1), values, marker=".", label=label)
    axes[0].set(title="loss", xlabel="epoch", ylabel="nats per character", ylim=(0, None))
    axes[1].set(title="error on the validation set", xlabel="epoch", ylabel="%", ylim=(0, None))
    for ax in axes:
        ax.legend()
    return figure


def ladder(runs: list[dict], before: dict | None = None):
    """Draw how the `runs` of `benchmarks/ladder.py` ended: both losses, the gap between them, and the error rates.

    Dotted lines show the error rates of the network that all of them began with, where `before` holds them.
    """
    alt = "per run, training and validation loss at the end as two dots, the gap between them; error rates as bars"
    figure, (left, right) = new(1, 2, (9, 0.7 + 0.55 * len(runs)), alt, sharey=True)
    places = np.arange(len(runs))
    ends = [run["history"][-1] for run in runs]
    learnt, strange = (np.array([end[key] for end in ends]) for key in ("loss", "val_loss"))
    left.hlines(places, learnt, strange, color=GREY, alpha=0.5, linewidth=4)
    left.scatter(learnt, places, color=BLUE, label="training", zorder=2)
    left.scatter(strange, places, color=ORANGE, label="validation", zorder=2)
    left.set(title="loss at the end, and the gap", xlabel="nats per character")
    left.set_xlim(0, 1.1 * max(learnt.max(), strange.max()))
    left.set_yticks(places, [run["run"] for run in runs])
    left.invert_yaxis()
    left.legend(loc="lower left")
    kinds = {"words": ("greedy", "wer", GREEN), "characters": ("greedy", "cer", PINK)}
    if "lm" in runs[0]:
        kinds["words, language model"] = ("lm", "wer", BLUE)
    height = 0.8 / len(kinds)
    for number, (label, (decoder, rate, colour)) in enumerate(kinds.items()):
        at = places - 0.4 + (number + 0.5) * height
        bars = right.barh(at, [100 * run[decoder][rate] for run in runs], 0.9 * height, color=colour)
        right.bar_label(bars, fmt=" %.1f", fontsize=8)
        right.text(0.5, at[0], label, color="white", va="center", fontsize=8)
        if before:
            right.axvline(100 * before[decoder][rate], color=colour, linestyle=":", linewidth=1)
    right.set(title="error rate at the end", xlabel="%")
    right.set_xlim(0, 115 * max(run["greedy"]["wer"] for run in runs))
    return figure


def error_against_speed(variants: list[dict], threads: int = 1):
    """Draw the `variants` of `asr compare --json`, the fastest on top: speed, size on disk, WER with its interval."""
    at_threads = str(threads)  # JSON's keys are texts
    rows = sorted(variants, key=lambda row: row["ms_per_audio_second"][at_threads])
    alt = "the forms of the model from fast to slow: milliseconds, megabytes, and nearly the same word error rate"
    figure, (speed, size, errors) = new(
        1, 3, (10, 0.9 + 0.3 * len(rows)), alt, sharey=True, width_ratios=(4, 2, 3)
    )
    places = np.arange(len(rows))
    milliseconds = [row["ms_per_audio_second"][at_threads] for row in rows]
    megabytes = [row["bytes"] / 1e6 for row in rows]
    for ax, values, form in ((speed, milliseconds, " %.1f"), (size, megabytes, " %.1f")):
        ax.bar_label(ax.barh(places, values, color=BLUE), fmt=form)
    speed.set(title=f"ms per second of audio, threads: {threads}", xlim=(0, 1.15 * max(milliseconds)))
    size.set(title="MB on disk", xlim=(0, 1.3 * max(megabytes)))
    for place, row in enumerate(rows):
        errors.hlines(place, *(100 * end for end in row["wer_ci95"]), color=GREY, alpha=0.5, linewidth=4)
        errors.plot(100 * row["wer"], place, "o", color=ORANGE)
    errors.set(title="word error rate and its 95 % interval (%)", xlim=(0, None))
    speed.set_yticks(places, [row["name"] for row in rows])
    speed.invert_yaxis()
    for ax in (speed, size):
        ax.set_xticks([])
        ax.minorticks_off()
        ax.spines["bottom"].set_visible(False)
    return figure


# ------------------------------------------------------------------------- pictures that follow a slider


class Live:
    """A figure whose axes stand still: they are drawn once, then only `artists` anew.

    Matplotlib calls this blitting. A full draw of the same figure takes several times as long.
    """

    def __init__(self, figure: Figure, artists: list):
        self.artists = artists
        for artist in artists:
            artist.set_animated(True)  # leaves them out of the drawing of the background
        as_text(figure)
        self._canvas = FigureCanvasAgg(figure)
        self._canvas.draw()
        self._background = self._canvas.copy_from_bbox(figure.bbox)

    def png(self) -> bytes:
        """Return the figure as it is now, as a PNG file's bytes."""
        from PIL import Image

        self._canvas.restore_region(self._background)
        for artist in self.artists:
            artist.axes.draw_artist(artist)
        content = io.BytesIO()  # packed for speed, not for size: it stays on this machine
        Image.fromarray(np.asarray(self._canvas.buffer_rgba())).convert("RGB").save(
            content, "png", compress_level=1
        )
        return content.getvalue()


class LiveComparison(Live):
    """Two spectrograms, before and after, and their difference, on axes and colours that stand still.

    Args:
        before: log-mels or features, float32 (frames, MELS).
        seconds: where the time axes end.
        limits: the values of the darkest and the brightest colour.
    """

    def __init__(self, before: np.ndarray, seconds: float, unit: str, limits: tuple[float, float]):
        self.before = before
        figure, axes = new(1, 3, (10, 2.9), sharex=True, sharey=True)
        low, high = limits
        spectrogram(before, axes[0], "before", unit="", vmin=low, vmax=high)
        spectrogram(before, axes[1], "after", unit, vmin=low, vmax=high)
        spectrogram(0 * before, axes[2], " ", "change", cmap="PuOr_r", vmin=-8, vmax=8)
        for ax in axes:
            ax.set(xlim=(0, seconds), facecolor="0.92")
        for ax in axes[1:]:
            ax.set_ylabel("")
        self.images = [ax.images[0] for ax in axes]
        self.title = axes[2].set_title("difference", loc="left")
        super().__init__(figure, [*self.images, self.title])

    def update(self, after: np.ndarray) -> bytes:
        """Return the picture with `after`, (frames, MELS); where paces differ, `before` is stretched alike."""
        _, image, change = self.images
        same = len(after) == len(self.before)
        alike = np.linspace(0, len(self.before) - 1, len(after)).round().astype(int)
        image.set_data(after.T)
        change.set_data((after - self.before[alike]).T)
        end = (len(after) - 0.5) * HOP / SAMPLE_RATE
        for each in (image, change):
            each.set_extent((-HOP / 2 / SAMPLE_RATE, end, -0.5, MELS - 0.5))
        self.title.set_text("difference" if same else "difference, “before” at the new pace")
        return self.png()


class LiveSpectra(Live):
    """A clip's waveform and words, its spectrogram and its mel spectrogram, aligned in time.

    Args:
        words: of `alignment.align`, written above the waveform.
        colours: of the spectrogram and of the mel spectrogram: the unit, and the darkest and brightest value.
    """

    def __init__(self, samples: np.ndarray, words: list, colours: list[tuple[str, float, float]]):
        self.seconds = len(samples) / SAMPLE_RATE
        figure, axes = new(3, 1, (10, 6), sharex=True, height_ratios=[1, 2, 2])
        waveform(samples, axes[0])
        peak = np.abs(samples).max()
        for word in words:
            axes[0].axvspan(word.start, word.end, color=SKY, alpha=0.25, linewidth=0)
            axes[0].text(
                (word.start + word.end) / 2, 1.15 * peak, word.text, ha="center", fontsize=8, clip_on=True
            )
        axes[0].set(xlabel="", ylim=(-peak, 1.5 * peak))
        empty, self.images = np.zeros((2, 2)), []
        top = float(hz_to_mel(SAMPLE_RATE / 2))
        for ax, (unit, low, high), height in zip(axes[1:], colours, (SAMPLE_RATE / 2, top), strict=True):
            extent = (0, self.seconds, 0, height)
            image = ax.imshow(
                empty,
                origin="lower",
                aspect="auto",
                extent=extent,
                interpolation="nearest",
                vmin=low,
                vmax=high,
            )
            figure.colorbar(image, ax=ax, label=unit, pad=0.01)
            ax.set(facecolor="0.92", ylabel="frequency (Hz)")
            self.images.append(image)
        hz = [250, 500, 1000, 2000, 4000]
        axes[2].set_yticks(hz_to_mel(hz), hz)
        axes[2].set_xlabel("time (s)")
        self.titles = [ax.set_title(" ", loc="left") for ax in axes[1:]]
        super().__init__(figure, [*self.images, *self.titles])

    def update(self, spectra: list[np.ndarray], hop: float, titles: list[str]) -> bytes:
        """Return the picture of two spectrograms (frames, bins), one column every `hop` seconds."""
        for image, spectrum, title, text in zip(self.images, spectra, self.titles, titles, strict=True):
            image.set_data(spectrum.T)
            *_, low, high = image.get_extent()
            image.set_extent((-hop / 2, (len(spectrum) - 0.5) * hop, low, high))
            image.axes.set_xlim(0, self.seconds)
            title.set_text(text)
        return self.png()


# ------------------------------------------------------------------------------------ how a network works and learns


def network(model, seconds: float = 3.0):
    """Draw a `build_model` network for an utterance of `seconds`: each block's shape, weights, and how far it sees.

    Shapes, weights and the field of view are read from the model's own layers. A block is as tall as it has
    values a frame, and as wide as it has frames (both on a root scale).
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
        colour = ORANGE if name.startswith("conv") else GREEN if name == "logits" else BLUE
        ax.bar(place, height, width, -height / 2, color=GREY if place == 0 else colour)
        ax.text(place, 0.62, f"{name}\n{shape}", ha="center", va="bottom", fontsize=9)
        ax.text(place, -0.62, f"sees {seen}\n{weights:,} weights", ha="center", va="top", fontsize=8)
        if place:
            ax.annotate(
                "", (place - 0.4, 0), (place - 0.6, 0), arrowprops={"arrowstyle": "->", "color": GREY}
            )
    ax.set(xlim=(-0.6, len(blocks) - 0.4), ylim=(-1, 1.05))
    ax.set_title(f"{seconds:g} seconds of speech on their way through the network (frames × values)")
    ax.axis("off")
    return figure


def lstm_cell():
    """Draw one step of an LSTM: the memory runs through, three gates decide what is kept, written and shown."""
    figure, ax = new(
        size=(8.5, 3.6),
        alt="one step of an LSTM: the memory passes from left to right; a forget gate scales it, an input gate adds "
        "something new to it, an output gate lets a part of it out",
    )

    def arrow(start, end, colour=GREY):
        ax.annotate("", end, start, arrowprops={"arrowstyle": "->", "color": colour, "linewidth": 1.5})

    def knot(x, y, sign):
        ax.text(x, y, sign, ha="center", va="center", bbox={"boxstyle": "circle", "fc": "white", "ec": GREY})

    gates = {2.0: ("forget", "how much stays?"), 4.0: ("input", "how much is new?")}
    gates |= {5.6: ("candidate", "what would be new?"), 7.6: ("output", "how much is shown?")}
    for x, (name, question) in gates.items():
        colour = GREEN if name == "candidate" else ORANGE
        kind = "tanh, −1 to 1" if name == "candidate" else "sigmoid, 0 to 1"
        ax.text(
            x, 1.6, f"{name}\n{question}\n({kind})", ha="center", va="center", fontsize=8,
            bbox={"boxstyle": "round", "fc": "white", "ec": colour, "linewidth": 2},
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


def by_epoch(sure: np.ndarray, epochs, text: str):
    """Draw how sure a network was of each letter of `text` after each of a training's `epochs`: (epochs, letters)."""
    alt = f"one row an epoch, one column a letter of “{text}”: the letters light up, the clear ones first"
    figure, ax = new(size=(10, 1 + 0.35 * len(epochs)), alt=alt)
    drawn = ax.imshow(sure, aspect="auto", interpolation="nearest", vmin=0, vmax=1)
    ax.set_xticks(range(len(text)), text.replace(" ", "␣"))
    ax.set_yticks(range(len(epochs)), [f"epoch {epoch}" for epoch in epochs])
    ax.tick_params(length=0)
    figure.colorbar(drawn, ax=ax, label="probability", pad=0.01)
    return figure
