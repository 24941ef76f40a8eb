"""Figures over time: waveforms, spectrograms, character probabilities, words."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from asr_helpers.show.plots.drawing import BLUE, GREY, SKY, new
from asr_helpers.sound.audio import HOP, SAMPLE_RATE
from asr_helpers.sound.mel import MELS, hz_to_mel, log_mel, mel_filterbank
from asr_helpers.text import ENGLISH, Alphabet
from asr_helpers.words.alignment import FRAME_SECONDS, Word

DECIBELS = 10 / np.log(10)  # in one unit of natural log power


def waveform(samples: np.ndarray, ax: Axes | None = None, title: str = "", color: str = BLUE) -> Figure:
    """Draw mono samples at 16 kHz, (samples,), over time in seconds."""
    ax = ax or new(alt=f"waveform: {title}")[1]
    thickness = 0.5 if len(samples) > 4000 else 1
    ax.plot(np.arange(len(samples)) / SAMPLE_RATE, samples, linewidth=thickness, color=color)
    ax.set(title=title, xlabel="time (s)", ylabel="amplitude", xlim=(0, len(samples) / SAMPLE_RATE))
    return ax.figure


def spectrogram(mels: np.ndarray, ax: Axes | None = None, title: str = "", unit: str = "log power", **image) -> Figure:
    """Draw log-mels or features over time in seconds and frequency in Hz.

    Args:
        mels: (frames, MELS).
        ax: where to draw.
        title: of the figure.
        unit: label of the colour bar; if empty, there is no bar.
        **image: more arguments of `imshow`, such as `vmin` and `vmax` for a fixed range.
    """
    ax = ax or new(alt=f"spectrogram: {title}")[1]
    extent = (-HOP / 2 / SAMPLE_RATE, (len(mels) - 0.5) * HOP / SAMPLE_RATE, -0.5, MELS - 0.5)
    drawn = ax.imshow(mels.T, origin="lower", aspect="auto", interpolation="nearest", extent=extent, **image)
    hz = np.array([500, 1000, 2000, 4000])
    places = hz_to_mel(hz) / hz_to_mel(SAMPLE_RATE / 2) * (MELS + 1) - 1
    ax.set_yticks(places, [f"{value}" for value in hz])
    ax.set(title=title, xlabel="time (s)", ylabel="frequency (Hz)")
    if unit:
        ax.figure.colorbar(drawn, ax=ax, label=unit, pad=0.01)
    return ax.figure


def compare_spectrograms(
    before: np.ndarray, after: np.ndarray, name: str = "after", alt: str = "", caption: str = ""
) -> Figure:
    """Draw the log-mels of two clips above each other and, if they are equally long, the change below, all in dB.

    0 dB is the loudest place of `before`, so that two figures of the same clip can be compared. `name` is the title of
    the second clip; `alt` and `caption` are the figure's.
    """
    rows = 3 if len(before) == len(after) else 2
    figure, axes = new(rows, 1, (7, 1.9 * rows), alt or f"before and {name}", caption, sharex=True)
    high = log_mel(before).max()
    levels = [DECIBELS * (log_mel(clip) - high) for clip in (before, after)]
    spectrogram(levels[0], axes[0], "before", "dB", vmin=-50, vmax=0)
    spectrogram(levels[1], axes[1], name, "dB", vmin=-50, vmax=0)
    if rows == 3:
        title = "change: orange is louder, purple is quieter"
        spectrogram(levels[1] - levels[0], axes[2], title, "dB", cmap="PuOr_r", vmin=-35, vmax=35)
    axes[0].set_xlim(0, max(len(before), len(after)) / SAMPLE_RATE)
    for ax in axes[:-1]:
        ax.set_xlabel("")
    return figure


def mel_filters(ax: Axes | None = None, every: int = 4) -> Figure:
    """Draw every `every`-th triangular mel filter over frequency in Hz."""
    ax = ax or new(alt="triangular filters over frequency, narrow and dense below 1000 Hz, wide above")[1]
    filters = mel_filterbank()[:, ::every]
    ax.plot(np.linspace(0, SAMPLE_RATE / 2, len(filters)), filters, linewidth=1)
    ax.set(xlabel="frequency (Hz)", ylabel="weight", xlim=(0, SAMPLE_RATE / 2), ylim=(0, None))
    ax.set_title(f"one in {every} of the {MELS} mel filters")
    return ax.figure


def posteriors(log_probs: np.ndarray, mels: np.ndarray, title: str = "", alphabet: Alphabet = ENGLISH) -> Figure:
    """Draw the probability of each character over time, below the features.

    A character is labelled where it is the most probable; the blank is grey.

    `log_probs` are (output frames, classes); `mels` are features, (frames, MELS).
    """
    figure, (above, below) = new(2, 1, (8, 4), f"spectrogram above character probabilities: {title}", sharex=True)
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


def words_in_time(words: list[Word], mels: np.ndarray, title: str = "") -> Figure:
    """Draw aligned words above their log-mels, (frames, MELS); a darker background means more confidence."""
    figure, (above, below) = new(
        2, 1, (9, 3), f"words above the spectrogram: {title}", sharex=True, height_ratios=(1, 4)
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
