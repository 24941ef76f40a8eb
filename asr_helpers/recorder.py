"""A recorder in the page: speak or drop a file, see it, have it transcribed. The browser's part is recorder.js."""

from html import escape
from pathlib import Path

import anywidget
import ipywidgets
import numpy as np
import traitlets

from asr_helpers import plots
from asr_helpers.corpus import MIN_SAMPLES, SAMPLE_RATE
from asr_helpers.features import log_mel
from asr_helpers.recognizer import RecognizerError
from asr_helpers.widgets import Bench, player_html


class Recorder(anywidget.AnyWidget):
    """A record button, a level meter and a place to drop a sound file.

    Attributes: `samples`, float32 (samples,) in [-1, 1) at 16 kHz, the last that came, or None; `name`, what
    it was called. Both are set before the observers of `samples` are told.
    """

    _esm = Path(__file__).with_name("recorder.js")
    longest = traitlets.Int(60, help="seconds").tag(sync=True)
    samples = traitlets.Instance(np.ndarray, allow_none=True)

    def __init__(self, **settings):
        super().__init__(**settings)
        self.name = ""
        self.on_msg(self._receive)

    def _receive(self, _, content: dict, buffers: list):
        self.name = content["name"]
        self.samples = np.frombuffer(buffers[0], "<i2").astype(np.float32) / 32768


class RecorderBench(Bench):
    """A `Recorder`, and below it what came in: the sound, its spectrogram, and the recogniser's words.

    `model` is loaded when the first recording comes; the shipped one, if not given. Attributes: `recorder`,
    `text`, and on the page `sound`, `picture`, `heard`.
    """

    def __init__(self, model: Path | str | None = None):
        self.model, self.text = model, ""
        self.recorder = Recorder()
        self.sound, self.heard = ipywidgets.HTML(), ipywidgets.HTML()
        self.picture = ipywidgets.Image(format="png", layout={"max_width": "100%", "display": "none"})
        super().__init__([self.recorder, self.sound, self.picture, self.heard])
        self.add_class("asr-recorder-bench")
        self.recorder.observe(self._show, "samples")

    def _show(self, _=None):
        samples, name = self.recorder.samples, self.recorder.name
        self.text, self.sound.value, self.picture.layout.display = "", "", "none"
        problem = self._problem(samples)
        if problem:
            self.heard.value = f"<b>{escape(name)}: {problem}</b>"
            return
        self.sound.value = player_html(samples, f"{name}, {len(samples) / SAMPLE_RATE:.1f} s")
        self.picture.value = plots.png(plots.spectrogram(log_mel(samples), title=name))
        self.picture.layout.display = ""
        try:
            self.text = self.recognizer.transcribe(samples)
            words = escape(self.text) or "<i>no word</i>"
        except RecognizerError as error:  # else nobody would see it: no cell is running
            words = escape(str(error))
        self.heard.value = f'<div aria-live="polite" style="font-size:1.3em">{words}</div>'

    @staticmethod
    def _problem(samples: np.ndarray) -> str:
        if len(samples) < MIN_SAMPLES:
            return "shorter than one window of 25 ms. Record a little longer."
        if np.abs(samples).max() < 1e-3:
            return "silence. Is the microphone muted, or another one chosen in the browser?"
        return ""
