"""The spectrogram bench: the effect of window, hop and mel bins on the picture and on the sound."""

from pathlib import Path

import traitlets

from asr_helpers.corpus.reading import Utterance
from asr_helpers.show.widgets.instrument_view import RecognizerWidget, esm, settings, version
from asr_helpers.show.widgets.page import TRANSCRIBE_SECONDS, Debounced, Slider, clip_name
from asr_helpers.sound.audio import SAMPLE_RATE, read_audio
from asr_helpers.sound.inverse import play_back, spectra
from asr_helpers.sound.mel import level
from asr_helpers.words.alignment import align

BENCH_SLIDERS = {
    "window": Slider(5, 60, 5, 25, "window (ms)", "how much sound one column is made from"),
    "hop": Slider(2, 40, 1, 10, "hop (ms)", "the time from one column to the next"),
    "mels": Slider(8, 160, 4, 80, "mel bins", "how many triangular filters sum up the frequencies"),
}
FIRST = {"clip": 0, "fft": 512, "scale": "log power", "normalized": False, "note": "", "turn": 0}


class SpectrogramBench(RecognizerWidget):
    """Change the settings of a spectrogram, see it above its mel spectrogram, and hear what the mel bins keep.

    The browser draws while a slider moves; the kernel turns the mel bins back into a sound a moment later.

    Args:
        utterances: the clips to choose from.
        model: path of a model file, which aligns the words; None stands for the shipped model.

    Attributes:
        setting: what the controls say: {"clip", "window" and "hop" in ms, "mels", "fft", "scale", "normalized", …}.
        samples: the clip at the level that the recogniser reads, (samples,).
        words: of the clip, aligned.
        sound: reconstructed from the mel spectrogram, (samples,).
    """

    _esm = esm("spectrogram.js")
    clips = traitlets.List().tag(sync=True)
    panel = traitlets.Dict().tag(sync=True)
    setting = traitlets.Dict().tag(sync=True)
    played = traitlets.Dict().tag(sync=True)

    def __init__(self, utterances: list[Utterance], model: Path | str | None = None):
        self.utterances, self.model, self.utterance = list(utterances), model, None
        super().__init__(
            clips=[clip_name(each) for each in self.utterances],
            panel={key: each._asdict() for key, each in BENCH_SLIDERS.items()},
            setting=FIRST | {key: each.first for key, each in BENCH_SLIDERS.items()},
            settings=settings(),
        )
        self._answer = Debounced(self.update, TRANSCRIBE_SECONDS)
        self.update()
        self.observe(lambda _: self._answer(), "setting")

    def update(self):
        """Load the clip, and reconstruct a sound from the mel spectrogram of the current settings alone."""
        self.safely(self._play)

    def _play(self):
        self._load(self.utterances[self.setting["clip"]])
        window, hop = (self.setting[key] * SAMPLE_RATE // 1000 for key in ("window", "hop"))
        fft = self.setting["fft"]
        mels = spectra(self.samples, window, hop, fft, self.setting["mels"])[1]
        self.sound = play_back(mels, window, hop, fft)
        self.played = {"turn": self.setting["turn"], "samples": version(self.sound)["samples"]}

    def _load(self, utterance: Utterance):
        if self.utterance is utterance:
            return
        samples = read_audio(utterance.path)
        log_probs = self.recognizer.audio_log_probs(samples)
        self.words = align(log_probs, utterance.text, alphabet=self.recognizer.alphabet)
        self.samples, self.utterance = level(samples), utterance  # the level that the recogniser reads
        self.recorded = {**version(self.samples, None, self.words), "clip": self.setting["clip"]}
