"""The recorder: speak or drop a file, see and transcribe it (recorder.js is the browser's part)."""

from pathlib import Path

import anywidget
import ipywidgets
import numpy as np
import traitlets

from asr_helpers.show import plots
from asr_helpers.show.widgets.doubtful_words import words_html
from asr_helpers.show.widgets.page import RecognizerPage, picture, show
from asr_helpers.show.widgets.players import player_html
from asr_helpers.sound.audio import MIN_SAMPLES, SAMPLE_RATE
from asr_helpers.sound.mel import log_mel
from asr_helpers.words.alignment import align
from asr_helpers.words.confidence import default_kind, with_probability


class Recorder(anywidget.AnyWidget):
    """A record button, a level meter and a place to drop a sound file.

    Attributes:
        samples: the latest recording, float32 (samples,) in [-1, 1) at 16 kHz; None before the first one and while
            another is being read.
        name: of the recording, set before the observers of `samples` are called.
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
        self.samples = np.frombuffer(buffers[0], "<i2").astype(np.float32) / 32768 if buffers else None

    def speech(self) -> np.ndarray:
        """Return `samples`, if they may be speech.

        Raises:
            ValueError: they are shorter than a window, or silent.
        """
        if len(self.samples) < MIN_SAMPLES:
            raise ValueError(f"{self.name}: shorter than one window of 25 ms. Record a little longer.")
        if np.abs(self.samples).max() < 1e-3:
            raise ValueError(f"{self.name}: silence. Is the microphone muted, or another one chosen in the browser?")
        return self.samples


class RecorderBench(RecognizerPage):
    """A `Recorder` with the sound, the spectrogram and the transcript of the recording below it.

    Args:
        model: path of a model file, loaded at the first recording; None stands for the shipped model.

    Attributes:
        recorder: the `Recorder`.
        text: the transcript.
        sound, picture, heard: the outputs.
    """

    def __init__(self, model: Path | str | None = None):
        self.model, self.text = model, ""
        self.recorder = Recorder()
        self.sound, self.heard = ipywidgets.HTML(), ipywidgets.HTML()
        self.picture = picture()
        super().__init__(
            [self.recorder, self.sound, self.picture, self.heard], "asr-recorder-bench", "spectrogram of the recording"
        )
        self._clear()
        self.recorder.observe(self.answering(self._show), "samples")

    def _clear(self):
        """Clear the outputs, so that an earlier recording is never shown under the next one's name."""
        self.text = ""
        for place in (self.sound, self.picture, self.heard):
            show(place, "")

    def _show(self):
        self._clear()
        if self.recorder.samples is None:
            return
        samples, name = self.recorder.speech(), self.recorder.name
        show(self.sound, player_html(samples, f"{name}, {len(samples) / SAMPLE_RATE:.1f} s"))
        show(self.picture, plots.png(plots.spectrogram(log_mel(samples), title=name)))
        log_probs = self.recognizer.audio_log_probs(samples)
        self.text = self.hear(log_probs)
        alphabet = self.recognizer.alphabet
        found = with_probability(align(log_probs, self.text, alphabet=alphabet), default_kind(alphabet))
        words = words_html(found) or "<i>no word</i>"
        show(self.heard, f'<div aria-live="polite" style="font-size:1.3em">{words}</div>')
