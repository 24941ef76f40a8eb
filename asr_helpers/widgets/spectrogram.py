"""The spectrogram bench: what window, hop and mel bins do to the picture and to the sound."""

from pathlib import Path

import ipywidgets
import numpy as np

from asr_helpers import plots
from asr_helpers.alignment import align
from asr_helpers.corpus import Utterance, read_audio
from asr_helpers.features import (
    FFT,
    HOP,
    LOG_FLOOR,
    SAMPLE_RATE,
    STD_FLOOR,
    level,
    log_mel,
    mel_filterbank,
    normalise,
)
from asr_helpers.features import WINDOW as FRAME
from asr_helpers.widgets.page import (
    LATER,
    THINK,
    WAIT,
    WIDE,
    Bench,
    Debounced,
    clip_name,
    dropdown,
    picture,
    show,
    slider,
)
from asr_helpers.widgets.players import player_html


def spectra(samples, window: int, hop: int, fft: int, mels: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the power spectrogram (frames, fft // 2 + 1) and its mels (frames, `mels`); lengths in samples.

    At 400, 160, 512 and 80, the logarithm of the mels is `features.log_mel`.

    Raises:
        ValueError: the window is longer than the FFT.
    """
    if window > fft:
        raise ValueError(f"a window of {window} samples does not fit into an FFT of {fft}")
    margin = fft - window
    taper = np.pad(np.hanning(window + 1)[:-1], (margin // 2, margin - margin // 2))
    frames = np.lib.stride_tricks.sliding_window_view(np.pad(samples, fft // 2), fft)[::hop]
    power = np.abs(np.fft.rfft(frames * taper.astype(np.float32))).astype(np.float32) ** 2
    return power, power @ mel_filterbank(mels, fft)


def play_back(mels: np.ndarray, window: int, hop: int, fft: int, rounds: int = 16) -> np.ndarray:
    """Return a sound, (samples,), whose mel spectrogram is about `mels` (frames, bins), a power.

    The phases, which `mels` does not hold, are found by going back and forth between spectrogram and sound
    (Griffin & Lim 1984, IEEE Transactions on Acoustics, Speech, and Signal Processing).
    """
    from librosa import istft, stft

    settings = {"n_fft": fft, "hop_length": hop, "win_length": window}
    power = mels @ np.linalg.pinv(mel_filterbank(mels.shape[1], fft))
    size = np.sqrt(np.maximum(power, 0)).T
    phase = np.exp(2j * np.pi * np.random.default_rng(0).random(size.shape))
    for _ in range(rounds):
        phase = np.exp(1j * np.angle(stft(istft(size * phase, **settings), **settings)))
    return istft(size * phase, **settings).astype(np.float32)


def play_features(changed: np.ndarray, samples: np.ndarray) -> np.ndarray:
    """Return the sound (samples,) of features (frames, MELS) that were `samples`' own before they were changed.

    Mean and deviation of each mel bin, which features do not hold, are taken from `samples`.
    """
    logs = log_mel(level(samples))
    mels = np.exp(changed * (logs.std(axis=0) + STD_FLOOR) + logs.mean(axis=0))
    return play_back(mels, FRAME, HOP, FFT)


BENCH_SLIDERS = {
    "window": (5, 60, 5, 25, "window (ms)", "how much sound one column is made from"),
    "hop": (2, 40, 1, 10, "hop (ms)", "the time from one column to the next"),
    "mels": (8, 160, 4, 80, "mel bins", "how many triangular filters sum up the frequencies"),
}
SCALES = {  # name: (what is drawn, its unit, the darkest and brightest colour)
    "log": (lambda power: np.log(power + LOG_FLOOR), "log power", -10, 4),
    "dB": (lambda power: 10 * np.log10(power / power.max() + 1e-10), "dB below the peak", -70, 0),
    "power": (lambda power: power / power.max(), "share of the peak", 0, 0.5),
}


class SpectrogramBench(Bench):
    """Turn the settings of the spectrograms of each of `utterances`, see both, and hear what the mels keep.

    Attributes: `clip`, `sliders` (window and hop in ms, mels), `fft`, `scale`, `normalised`, and what they lead
    to: `power` and `mels` (frames, bins), `sound` (samples,) and on the page `picture`, `facts`, `before`,
    `after`. `model`, as in `AugmentationBench`, says when each word is spoken.
    """

    def __init__(self, utterances: list[Utterance], model: Path | str | None = None):
        self.utterances, self.model = {clip_name(each): each for each in utterances}, model
        self.clip = dropdown(list(self.utterances), "clip", "the recording", **WIDE)
        self.sliders = {key: slider(*each) for key, each in BENCH_SLIDERS.items()}
        self.fft = dropdown(
            [256, 512, 1024, 2048], "FFT", "its length in samples, zeros around the window", value=512
        )
        self.scale = dropdown(list(SCALES), "colours", "the logarithm shows quiet beside loud")
        self.normalised = ipywidgets.Checkbox(
            False,
            description="normalise each mel bin",
            tooltip="mean 0, deviation 1, as the recogniser reads it",
        )
        self.picture = picture()
        self.facts, self.before, self.after = (ipywidgets.HTML() for _ in range(3))
        self._drawing = self._playing = self.utterance = None
        answers = self.facts, self.picture, self.before, self.after
        self._answer = Debounced(self.answering(self.update, *answers), WAIT)
        self._sound = Debounced(self.answering(self.play, self.after), THINK)
        choices = ipywidgets.Box([self.fft, self.scale, self.normalised], layout={"flex_flow": "row wrap"})
        turns = ipywidgets.Box(list(self.sliders.values()), layout={"flex_flow": "row wrap"})
        super().__init__(
            [self.clip, turns, choices, *answers],
            "asr-spectra",
            "waveform with its words, spectrogram and mel spectrogram of the clip",
        )
        self.update()
        for control in (self.clip, self.fft, self.scale, self.normalised, *self.sliders.values()):
            control.observe(self._answer, "value")

    def _load(self, utterance: Utterance):
        samples = read_audio(utterance.path)
        log_probs = self.recognizer.audio_log_probs(samples)
        self.words = align(log_probs, utterance.text, alphabet=self.recognizer.alphabet)
        self.samples, self.utterance = level(samples), utterance  # as loud as the recogniser reads it

    @property
    def settings(self) -> dict[str, int]:
        """Window, hop, FFT length (all in samples) and number of mel bins."""
        window, hop = (self.sliders[key].value * SAMPLE_RATE // 1000 for key in ("window", "hop"))
        return {"window": window, "hop": hop, "fft": self.fft.value, "mels": self.sliders["mels"].value}

    def update(self):
        """Compute and draw the spectrograms; the sound comes later."""
        if self.utterance is not self.utterances[self.clip.value]:
            self._load(self.utterances[self.clip.value])
        settings, note = self.settings, ""
        if settings["window"] > settings["fft"]:  # the FFT follows the window
            fits = next(fft for fft in self.fft.options if fft >= settings["window"])
            note = (
                f"FFT {fits}, not {settings['fft']}: it must hold the window's {settings['window']} samples"
            )
            self.fft.unobserve(self._answer, "value")  # or the next answer would know nothing of the note
            self.fft.value = settings["fft"] = fits
            self.fft.observe(self._answer, "value")
        self.power, self.mels = spectra(self.samples, **settings)
        show(self.picture, self._draw(settings["hop"] / SAMPLE_RATE))
        show(self.facts, self._facts(note, **settings))
        show(self.before, player_html(self.samples, "recorded"))
        if self._playing != (self.clip.value, settings):  # colours change nothing to hear
            show(self.after, LATER)  # another setting's sound would mislead
            self._sound()

    def _draw(self, hop: float) -> bytes:
        shown, *colours = SCALES[self.scale.value]
        mel, mel_colours = shown(self.mels), colours
        if self.normalised.value:
            mel, mel_colours = normalise(mel), ["deviations", -2, 4]
        key = self.clip.value, self.scale.value, self.normalised.value
        if self._drawing is None or self._drawing[0] != key:  # other colours
            self._drawing = key, plots.LiveSpectra(self.samples, self.words, [colours, mel_colours])
        bins = f"{self.power.shape[1]} frequencies", f"{self.mels.shape[1]} mel bins"
        titles = [f"{len(self.mels)} columns of {each}" for each in bins]
        titles[1] += ", normalised" if self.normalised.value else ""
        return self._drawing[1].update([shown(self.power), mel], hop, titles)

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
        """Make the sound that the mels alone can be turned back into."""
        settings = self.settings
        self._playing = self.clip.value, self.settings
        mels = settings.pop("mels")
        self.sound = play_back(self.mels, **settings)
        show(self.after, player_html(self.sound, f"played back from {mels} mel bins"))
