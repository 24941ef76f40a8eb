"""The spectrogram bench: the effect of window, hop and mel bins on the picture and on the sound."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import ipywidgets
import numpy as np

from asr_helpers.corpus.reading import Utterance
from asr_helpers.show import plots
from asr_helpers.show.plots.live import Colors
from asr_helpers.show.widgets.page import (
    PLACEHOLDER,
    REDRAW_SECONDS,
    TRANSCRIBE_SECONDS,
    WIDE,
    Debounced,
    RecognizerPage,
    Slider,
    clip_name,
    dropdown,
    picture,
    show,
    slider,
)
from asr_helpers.show.widgets.players import player_html
from asr_helpers.sound.audio import SAMPLE_RATE, read_audio
from asr_helpers.sound.inverse import play_back, spectra
from asr_helpers.sound.mel import LOG_FLOOR, level, mel_filterbank, normalize_mel_bins
from asr_helpers.words.alignment import align

BENCH_SLIDERS = {
    "window": Slider(5, 60, 5, 25, "window (ms)", "how much sound one column is made from"),
    "hop": Slider(2, 40, 1, 10, "hop (ms)", "the time from one column to the next"),
    "mels": Slider(8, 160, 4, 80, "mel bins", "how many triangular filters sum up the frequencies"),
}


class Scale(NamedTuple):
    """A way to draw power: a conversion, and the colours of the result."""

    convert: Callable[[np.ndarray], np.ndarray]
    colors: Colors


SCALES = {
    "log": Scale(lambda power: np.log(power + LOG_FLOOR), Colors("log power", -10, 4)),
    "dB": Scale(lambda power: 10 * np.log10(power / power.max() + 1e-10), Colors("dB below the peak", -70, 0)),
    "power": Scale(lambda power: power / power.max(), Colors("share of the peak", 0, 0.5)),
}


class SpectrogramBench(RecognizerPage):
    """Change the settings of a spectrogram, see it beside its mel spectrogram, and hear what the mel bins keep.

    Args:
        utterances: the clips to choose from.
        model: path of a model file, which aligns the words; None stands for the shipped model.

    Attributes:
        clip, sliders, fft, scale, normalized: the controls; sliders are window and hop in ms, and mels.
        power, mels: the spectrograms, (frames, bins).
        sound: reconstructed from the mel spectrogram, (samples,).
        picture, facts, before, after: the outputs.
    """

    def __init__(self, utterances: list[Utterance], model: Path | str | None = None):
        self.utterances, self.model = {clip_name(each): each for each in utterances}, model
        self.clip = dropdown(list(self.utterances), "clip", "the recording", **WIDE)
        self.sliders = {key: slider(each) for key, each in BENCH_SLIDERS.items()}
        self.fft = dropdown([256, 512, 1024, 2048], "FFT", "its length in samples, zeros around the window", value=512)
        self.scale = dropdown(list(SCALES), "colours", "the logarithm shows quiet beside loud")
        self.normalized = ipywidgets.Checkbox(
            False, description="normalise each mel bin", tooltip="mean 0, deviation 1, as the recogniser reads it"
        )
        self.picture = picture()
        self.facts, self.before, self.after = (ipywidgets.HTML() for _ in range(3))
        self._drawing = self._playing = self.utterance = None
        answers = self.facts, self.picture, self.before, self.after
        self._answer = Debounced(self.answering(self.update, *answers), REDRAW_SECONDS)
        self._sound = Debounced(self.answering(self.play, self.after), TRANSCRIBE_SECONDS)
        choices = ipywidgets.Box([self.fft, self.scale, self.normalized], layout={"flex_flow": "row wrap"})
        turns = ipywidgets.Box(list(self.sliders.values()), layout={"flex_flow": "row wrap"})
        super().__init__(
            [self.clip, turns, choices, *answers],
            "asr-spectra",
            "waveform with its words, spectrogram and mel spectrogram of the clip",
        )
        self.update()
        for control in (self.clip, self.fft, self.scale, self.normalized, *self.sliders.values()):
            control.observe(self._answer, "value")

    def _load(self, utterance: Utterance):
        samples = read_audio(utterance.path)
        log_probs = self.recognizer.audio_log_probs(samples)
        self.words = align(log_probs, utterance.text, alphabet=self.recognizer.alphabet)
        self.samples, self.utterance = level(samples), utterance  # the level that the recogniser reads

    @property
    def settings(self) -> dict[str, int]:
        """Window, hop and FFT length, in samples, and the number of mel bins."""
        window, hop = (self.sliders[key].value * SAMPLE_RATE // 1000 for key in ("window", "hop"))
        return {"window": window, "hop": hop, "fft": self.fft.value, "mels": self.sliders["mels"].value}

    def update(self):
        """Compute and draw the spectrograms; the sound follows later."""
        if self.utterance is not self.utterances[self.clip.value]:
            self._load(self.utterances[self.clip.value])
        settings, note = self.settings, ""
        if settings["window"] > settings["fft"]:  # the FFT follows the window
            fits = next(fft for fft in self.fft.options if fft >= settings["window"])
            note = f"FFT {fits}, not {settings['fft']}: it must hold the window's {settings['window']} samples"
            self.fft.unobserve(self._answer, "value")  # otherwise the next update would drop the note
            self.fft.value = settings["fft"] = fits
            self.fft.observe(self._answer, "value")
        self.power, self.mels = spectra(self.samples, **settings)
        show(self.picture, self._draw(settings["hop"] / SAMPLE_RATE))
        show(self.facts, self._facts(note, **settings))
        show(self.before, player_html(self.samples, "recorded"))
        if self._playing != (self.clip.value, settings):  # colours do not change the sound
            show(self.after, PLACEHOLDER)  # the sound of another setting would mislead
            self._sound()

    def _draw(self, hop: float) -> bytes:
        convert, colors = SCALES[self.scale.value]
        mel, mel_colors = convert(self.mels), colors
        if self.normalized.value:
            mel, mel_colors = normalize_mel_bins(mel), Colors("deviations", -2, 4)
        key = self.clip.value, self.scale.value, self.normalized.value
        if self._drawing is None or self._drawing[0] != key:  # other colours
            self._drawing = key, plots.LiveSpectra(self.samples, self.words, [colors, mel_colors])
        bins = f"{self.power.shape[1]} frequencies", f"{self.mels.shape[1]} mel bins"
        titles = [f"{len(self.mels)} columns of {each}" for each in bins]
        if self.normalized.value:
            titles[1] += ", normalised"
        return self._drawing[1].update([convert(self.power), mel], hop, titles)

    def _facts(self, note: str, window: int, hop: int, fft: int, mels: int) -> str:
        empty = int((mel_filterbank(mels, fft).max(axis=0) == 0).sum())
        facts = [
            f"{2 * SAMPLE_RATE / window:.0f} Hz: closer tones merge",
            f"{1000 * window / SAMPLE_RATE:.0f} ms: closer bursts merge",
            f"{mels * SAMPLE_RATE // hop} numbers a second",
        ]
        if empty:
            facts.append(f"<b>{empty} of {mels} filters are empty: they fall between two frequencies</b>")
        if note:
            facts.append(f"<b>{note}</b>")
        return f'<span aria-live="polite">{" · ".join(facts)}</span>'

    def play(self):
        """Reconstruct a sound from the mel spectrogram alone."""
        settings = self.settings
        self._playing = self.clip.value, self.settings
        mels = settings.pop("mels")
        self.sound = play_back(self.mels, **settings)
        show(self.after, player_html(self.sound, f"played back from {mels} mel bins"))
