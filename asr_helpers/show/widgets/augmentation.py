"""The augmentation bench: the effect of each augmentation on a clip and on its transcript."""

from html import escape
from pathlib import Path

import ipywidgets
import numpy as np

from asr_helpers.corpus.reading import Utterance, data_dir
from asr_helpers.show import plots
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
from asr_helpers.sound import augment, effects
from asr_helpers.sound.audio import SAMPLE_RATE, read_audio
from asr_helpers.sound.inverse import play_features
from asr_helpers.sound.mel import features, log_mel

# {effect: {parameter: its slider}}. The ranges exceed those of training: excess shows best what an effect does.
SLIDERS = {
    "noise": {"snr_db": Slider(-10, 40, 1, 10, "SNR (dB)", "speech power over noise power: lower is noisier")},
    "reverb": {
        "rt60": Slider(0.1, 2.0, 0.1, 0.6, "RT60 (s)", "until the echoes have fallen by 60 dB"),
        "mix": Slider(0.0, 1.0, 0.05, 0.4, "mix", "the weight of the echoes: 0 is dry, 1 is echoes alone"),
    },
    "speed": {"factor": Slider(0.5, 2.0, 0.05, 1.2, "factor", "faster and higher above 1, as a record")},
    "time_stretch": {"rate": Slider(0.5, 2.0, 0.05, 0.8, "rate", "faster above 1, at the same pitch")},
    "frequency_mask": {
        "center": Slider(600, 6400, 100, 1500, "centre (Hz)", "the middle of the band that is removed"),
        "width": Slider(100, 1100, 100, 1000, "width (Hz)", "from the lower to the upper edge of that band"),
    },
    "segment_shuffle": {
        "segment_seconds": Slider(0.01, 0.4, 0.01, 0.05, "segment (s)", "the length of the pieces that are swapped"),
        "share": Slider(0.0, 1.0, 0.1, 0.5, "share", "how many of all neighbouring pairs are swapped"),
    },
    "gaps": {
        "count": Slider(0, 20, 1, 6, "count", "how many pieces are lost"),
        "seconds": Slider(0.02, 0.3, 0.02, 0.08, "each (s)", "the length of one gap"),
    },
    "silence": {
        "before": Slider(0, 3, 0.5, 2, "before (s)", "how long nobody speaks before the sentence"),
        "after": Slider(0, 3, 0.5, 2, "after (s)", "how long nobody speaks after the sentence"),
        "level_db": Slider(-70, -10, 5, -40, "noise (dB)", "power of the room's noise relative to the speech"),
        "tilt": Slider(0, 2, 0.5, 1, "tilt", "the noise's colour: 0 is white, 1 pink"),
    },
    "SpecAugment": {
        "time_masks": Slider(0, 4, 1, 2, "time masks", "how many stretches of time are covered"),
        "time_width": Slider(0, 100, 5, 40, "time (frames)", "the longest of them, in frames of 10 ms"),
        "frequency_masks": Slider(0, 4, 1, 2, "bands", "how many bands of frequency are covered"),
        "frequency_width": Slider(0, 40, 1, 15, "band (mels)", "the widest of them, in mel bins of 80"),
    },
    "chain": {
        f"{name}_probability": Slider(
            0.0,
            1.0,
            0.01,
            getattr(augment.Augmenter(), f"{name}_probability"),
            name.replace("_", " "),
            f"how probable it is that the chain draws {name.replace('_', ' ')}",
        )
        for name in augment.EFFECTS
    },
}


TOOLTIPS = {
    "noise": "white, pink, or other voices, by signal-to-noise ratio",
    "reverb": "a room, by its reverberation time",
    "speed": "pace and pitch together, by resampling",
    "time_stretch": "pace alone, by a phase vocoder",
    "frequency_mask": "a band of frequencies removed",
    "segment_shuffle": "neighbouring pieces swapped",
    "gaps": "pieces lost, as on a bad line",
    "silence": "an empty room before and after",
    "SpecAugment": "bands of time and frequency covered in the features",
    "chain": "all eight, each with its probability, as training draws them",
}
SLOWEST = {"speed": 0.5, "time_stretch": 0.5, "chain": 0.75}  # the lowest pace, which sets the length of the time axis
SILENT_SECONDS = sum(SLIDERS["silence"][end].high for end in ("before", "after"))  # by which silence lengthens it
VOICES = 4  # in the babble
CHANCES = "How probable is each effect for a clip, from 0, never, to 1, always?"


class AugmentationBench(RecognizerPage):
    """Apply an effect to a clip; hear and see the result, and read its transcript.

    Sound and picture follow each change of clip, effect, slider or seed; the transcript comes a moment later.

    Args:
        utterances: the clips to choose from.
        model: path of a model file, loaded when first needed; None stands for the shipped model.

    Attributes:
        clip, effect, panels, sound, seed, roll: the controls; panels is {effect: {parameter: slider}}, sound is the
            kind of noise.
        samples, result: the clip before and after the effect, (samples,).
        code: Python that computes `result`.
        before, after, picture, heard, listing: the outputs.
    """

    def __init__(self, utterances: list[Utterance], model: Path | str | None = None):
        self.utterances, self.model = {clip_name(each): each for each in utterances}, model
        self.clip = dropdown(list(self.utterances), "clip", "the recording to start from", **WIDE)
        self.effect = ipywidgets.ToggleButtons(
            options=[(name.replace("_", " "), name) for name in SLIDERS],
            tooltips=[TOOLTIPS[name] for name in SLIDERS],
            style={"button_width": "auto"},
        )
        self.panels = {
            name: {key: slider(each) for key, each in parameters.items()} for name, parameters in SLIDERS.items()
        }
        self.sound = dropdown(["white", "pink", "babble"], "kind", f"babble: {VOICES} other voices at once")
        self.seed = ipywidgets.BoundedIntText(0, min=0, max=9999, description="seed", tooltip="of the random generator")
        self.roll = ipywidgets.Button(description="roll again", tooltip="take the next seed", icon="refresh")
        self.before, self.after, self.heard, self.listing = (ipywidgets.HTML() for _ in range(4))
        self.picture = picture()
        self._panel = ipywidgets.Box(layout={"flex_flow": "row wrap", "min_height": "5em"})
        self._drawing, self._plain, self.utterance = None, {}, None
        answers = self.before, self.after, self.picture, self.heard, self.listing
        self._answer = Debounced(self.answering(self.update, *answers), REDRAW_SECONDS)
        self._words = Debounced(self.answering(self.transcribe, self.heard), TRANSCRIBE_SECONDS)
        top = ipywidgets.HBox([self.clip, self.seed, self.roll], layout={"flex_flow": "row wrap"})
        code = ipywidgets.Accordion([self.listing], titles=["the code that makes these samples"], selected_index=0)
        super().__init__(
            [top, self.effect, self._panel, *answers[:4], code],
            "asr-bench",
            "spectrograms of the clip before and after, and their difference",
        )
        self._show_panel()
        self.update()
        self._listen()

    def _listen(self):
        self.roll.on_click(lambda _: setattr(self.seed, "value", (self.seed.value + 1) % 10000))
        self.effect.observe(self._show_panel, "value")
        sliders = [each for panel in self.panels.values() for each in panel.values()]
        for control in (self.clip, self.effect, self.sound, self.seed, *sliders):
            control.observe(self._answer, "value")

    def _load(self, utterance: Utterance):
        self.samples = read_audio(utterance.path)
        self.utterance = utterance
        others = [each for each in self.utterances.values() if each.speaker != self.utterance.speaker]
        self._others = others[:VOICES]

    def _show_panel(self, _=None):
        first = {"noise": [self.sound], "chain": [ipywidgets.HTML(CHANCES, layout={"width": "100%"})]}
        effect = self.effect.value
        self._panel.children = (*first.get(effect, []), *self.panels[effect].values())

    @property
    def parameters(self) -> dict:
        """The values of the visible sliders."""
        return {key: _tidy(each.value) for key, each in self.panels[self.effect.value].items()}

    def update(self):
        """Compute the sound, the picture and the code for the current controls; the transcript follows later."""
        self._words.cancel()
        if self.utterance is not self.utterances[self.clip.value]:
            self._load(self.utterances[self.clip.value])
        name, rng = self.effect.value, np.random.default_rng(self.seed.value)
        kind = {"sound": self.sound.value} if name == "noise" else {}
        self.masked, label = None, describe([(name, self.parameters | kind)])
        if name == "chain":
            augmenter = augment.Augmenter(**self.parameters)
            plan = augmenter.draw(rng)
            self.result, label = augmenter.apply(self.samples, plan, rng), describe(plan)
        elif name == "SpecAugment":
            masks = augment.SpecAugment(**self.parameters)
            self.result = self.samples
            self.masked = masks(features(self.samples), (self.seed.value, 0)).numpy()
        else:
            parameters = self.parameters | self._noise(rng)
            self.result = augment.Augmenter().apply(self.samples, [(name, parameters)], rng)
        self.code = self._code()
        self._publish(label)
        self._words()

    def _noise(self, rng) -> dict:
        """Return the parameter `sound` of `effects.noise`, unless it is the default, white."""
        if self.effect.value != "noise" or self.sound.value == "white":
            return {}
        if self.sound.value == "pink":
            return {"sound": "pink"}
        voices = [read_audio(each.path) for each in self._others]
        return {"sound": effects.babble(voices, len(self.samples), rng)}

    def _publish(self, label: str):
        self._label = f"after: {label}"
        show(self.before, player_html(self.samples, "before"))
        # Reconstructing a sound from masked features takes longer; it comes with the transcript.
        show(self.after, player_html(self.result, self._label) if self.masked is None else PLACEHOLDER)
        show(self.picture, self._draw())
        show(self.listing, f'<pre style="line-height:1.3">{escape(self.code)}</pre>')
        show(self.heard, self._words_html("…"))  # never show the transcript of another sound

    def _draw(self) -> bytes:
        seconds = len(self.samples) / SAMPLE_RATE / SLOWEST.get(self.effect.value, 1)
        seconds += SILENT_SECONDS if self.effect.value == "silence" else 0
        key = (self.clip.value, seconds, self.masked is None)
        if self._drawing is None or self._drawing[0] != key:  # other axes
            if self.masked is None:
                before, unit = log_mel(self.samples), "log power"
                limits = before.max() - 12, before.max()
            else:
                before, unit, limits = features(self.samples), "deviations", (-2, 4)
            self._drawing = key, plots.LiveComparison(before, seconds, unit, limits)
        after = log_mel(self.result) if self.masked is None else self.masked
        return self._drawing[1].update(after)

    def transcribe(self):
        """Show the transcripts of the clip before and after the effect."""
        if self.masked is not None:
            self.result = play_features(self.masked, self.samples)
            show(self.after, player_html(self.result, f"{self._label}, played back from what is left"))
        if self.clip.value not in self._plain:
            self._plain[self.clip.value] = self._hypothesis(self.recognizer.transcribe(self.samples, self.hear))
        if self.masked is None:
            heard = self.recognizer.transcribe(self.result, self.hear)
        else:
            heard = self.hear(self.recognizer.log_probs(self.masked))
        show(self.heard, self._words_html(self._hypothesis(heard)))

    def _hypothesis(self, heard: str) -> str:
        return hypothesis_html(self.utterance.text, heard)

    def _words_html(self, heard: str) -> str:
        before = self._plain.get(self.clip.value, "…")
        rows = {"said": escape(self.utterance.text), "heard before": before, "heard after": heard}
        return (
            '<table aria-live="polite">'
            + "".join(
                f'<tr><th style="text-align:left;padding-right:1em">{name}</th><td>{row}</td></tr>'
                for name, row in rows.items()
            )
            + "</table>"
        )

    def _code(self) -> str:
        name, seed = self.effect.value, self.seed.value
        lines = [f"samples = read_audio({_source(self.utterance)})", f"rng = np.random.default_rng({seed})"]
        if name == "chain":
            usual = augment.Augmenter()
            settings = {key: value for key, value in self.parameters.items() if getattr(usual, key) != value}
            lines.append(f"result = augment.Augmenter({_arguments(settings)})(samples, rng)")
        elif name == "SpecAugment":
            lines.pop()  # it draws from the seed itself
            lines.append(f"masks = augment.SpecAugment({_arguments(self.parameters)})")
            lines.append(f"masked = masks(features(samples), ({seed}, 0)).numpy()")
            lines.append("result = play_features(masked, samples)")
        else:
            parameters = ", ".join(f'"{key}": {value!r}' for key, value in self.parameters.items())
            if name == "noise" and self.sound.value == "babble":
                paths = ",\n    ".join(_source(each) for each in self._others)
                lines.append(f"voices = [read_audio(path) for path in (\n    {paths},\n)]")
                lines.append("crowd = effects.babble(voices, len(samples), rng)")
                parameters += ', "sound": crowd'
            elif name == "noise" and self.sound.value == "pink":
                parameters += ', "sound": "pink"'
            lines.append(f'plan = [("{name}", {{{parameters}}})]')
            lines.append("result = augment.Augmenter().apply(samples, plan, rng)")
        imports = [
            "import numpy as np",
            "from asr_helpers.corpus import data_dir",
            "from asr_helpers.sound import augment, effects, features, play_features, read_audio",
        ]
        return "\n".join(imports + lines)


def hypothesis_html(text: str, heard: str) -> str:
    """Return the transcript `heard` of `text` as HTML, with its word error rate and with wrong words bold."""
    import jiwer

    from asr_helpers.words.metrics import word_errors

    marked, words = [], heard.split()
    for chunk in jiwer.process_words(text, heard).alignments[0]:
        said = " ".join(text.split()[chunk.ref_start_idx : chunk.ref_end_idx])
        wrong = escape(" ".join(words[chunk.hyp_start_idx : chunk.hyp_end_idx]) or "–")
        good = chunk.type == "equal"
        marked.append(wrong if good else f'<u title="said: {escape(said) or "nothing"}"><b>{wrong}</b></u>')
    return f"{' '.join(marked)} <span>(WER {word_errors([text], [heard]).rate:.0%})</span>"


def _source(utterance: Utterance) -> str:
    """Return Python code for the path of a clip, relative to `data_dir()` if it lies in it."""
    if utterance.path.is_relative_to(data_dir()):
        return f"data_dir() / {utterance.path.relative_to(data_dir()).as_posix()!r}"
    return repr(utterance.path.as_posix())


def _arguments(settings: dict) -> str:
    return ", ".join(f"{key}={value!r}" for key, value in settings.items())


def _tidy(value: float) -> float:
    """Return a slider's value without rounding errors such as that of 0.1 + 0.2."""
    return round(value, 6)


def describe(plan: list[tuple[str, dict]]) -> str:
    """Return a plan of `Augmenter.draw` as one line, such as "noise (snr_db 12.3), gaps (count 2, …)"."""

    def formatted(value):
        return value if isinstance(value, str) else f"{value:.3g}"

    parts = (
        f"{name} ({', '.join(f'{key} {formatted(value)}' for key, value in parameters.items())})"
        for name, parameters in plan
    )
    return ", ".join(parts) or "nothing drawn: unchanged"
