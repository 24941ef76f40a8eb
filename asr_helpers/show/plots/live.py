"""Figures that are redrawn quickly while a slider moves or a network trains."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from asr_helpers.show import plots
from asr_helpers.show.plots.drawing import SKY, as_text, new
from asr_helpers.show.plots.signals import spectrogram, waveform
from asr_helpers.sound.audio import HOP, SAMPLE_RATE
from asr_helpers.sound.mel import MELS, hz_to_mel
from asr_helpers.words.alignment import Word

if TYPE_CHECKING:
    import keras


class Colors(NamedTuple):
    """The unit of an image, and the values of its darkest and brightest colours."""

    unit: str
    low: float
    high: float


class BlittedFigure:
    """A figure of which only `artists` are redrawn; the rest is drawn once (blitting).

    A full draw of the same figure takes several times as long.
    """

    def __init__(self, figure: Figure, artists: list):
        self.artists = artists
        for artist in artists:
            artist.set_animated(True)  # excluded from the background
        as_text(figure)
        self._canvas = FigureCanvasAgg(figure)
        self._canvas.draw()
        self._background = self._canvas.copy_from_bbox(figure.bbox)

    def png(self) -> bytes:
        """Return the current figure as the bytes of a PNG file."""
        from PIL import Image

        self._canvas.restore_region(self._background)
        for artist in self.artists:
            artist.axes.draw_artist(artist)
        content = io.BytesIO()  # compressed for speed, not size: it stays on this machine
        Image.fromarray(np.asarray(self._canvas.buffer_rgba())).convert("RGB").save(content, "png", compress_level=1)
        return content.getvalue()


class LiveComparison(BlittedFigure):
    """The spectrograms before and after a change, and their difference, with fixed axes and colours.

    Args:
        before: log-mels or features, float32 (frames, MELS).
        seconds: end of the time axes.
        unit: label of the colour bar.
        limits: the values of the darkest and brightest colours.
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
        """Return the PNG with `after`, (frames, MELS); for the difference, `before` is stretched to the same length."""
        _, image, change = self.images
        same = len(after) == len(self.before)
        stretched = np.linspace(0, len(self.before) - 1, len(after)).round().astype(int)  # frames of before
        image.set_data(after.T)
        change.set_data((after - self.before[stretched]).T)
        end = (len(after) - 0.5) * HOP / SAMPLE_RATE
        for each in (image, change):
            each.set_extent((-HOP / 2 / SAMPLE_RATE, end, -0.5, MELS - 0.5))
        self.title.set_text("difference" if same else "difference, “before” at the new pace")
        return self.png()


class LiveSpectra(BlittedFigure):
    """The waveform of a clip with its words, its spectrogram and its mel spectrogram, on one time axis.

    Args:
        samples: mono at 16 kHz, (samples,).
        words: from `words.align`, written above the waveform.
        colors: of the spectrogram and the mel spectrogram.
    """

    def __init__(self, samples: np.ndarray, words: list[Word], colors: list[Colors]):
        self.seconds = len(samples) / SAMPLE_RATE
        figure, axes = new(3, 1, (10, 6), sharex=True, height_ratios=[1, 2, 2])
        waveform(samples, axes[0])
        peak = np.abs(samples).max()
        for word in words:
            axes[0].axvspan(word.start, word.end, color=SKY, alpha=0.25, linewidth=0)
            axes[0].text((word.start + word.end) / 2, 1.15 * peak, word.text, ha="center", fontsize=8, clip_on=True)
        axes[0].set(xlabel="", ylim=(-peak, 1.5 * peak))
        empty, self.images = np.zeros((2, 2)), []
        top = float(hz_to_mel(SAMPLE_RATE / 2))
        for ax, (unit, low, high), height in zip(axes[1:], colors, (SAMPLE_RATE / 2, top), strict=True):
            extent = (0, self.seconds, 0, height)
            image = ax.imshow(
                empty, origin="lower", aspect="auto", extent=extent, interpolation="nearest", vmin=low, vmax=high
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
        """Return the PNG with a new spectrogram and mel spectrogram, (frames, bins), and a `hop` in seconds."""
        for image, spectrum, title, text in zip(self.images, spectra, self.titles, titles, strict=True):
            image.set_data(spectrum.T)
            *_, low, high = image.get_extent()
            image.set_extent((-hop / 2, (len(spectrum) - 0.5) * hop, low, high))
            image.axes.set_xlim(0, self.seconds)
            title.set_text(text)
        return self.png()


def live_curves(folder: Path | str) -> keras.callbacks.Callback:
    """Return a Keras callback that redraws the learning curves of the run in `folder` after each epoch.

    One picture is updated in place, in JupyterLab, in VS Code and in a notebook executed headlessly. The curves of a
    resumed run include the epochs before it was killed.
    """
    import keras
    from IPython.display import HTML, Image, display

    handle = None

    def redraw(epoch, logs):
        nonlocal handle
        figure = plots.learning_curves(Path(folder) / "history.csv")
        picture = Image(plots.png(figure), alt=figure.alt)
        if handle is None:
            handle = display(picture, display_id=True)
            display(HTML(plots.caption(figure.alt)))
        else:
            handle.update(picture)

    return keras.callbacks.LambdaCallback(on_epoch_end=redraw)
