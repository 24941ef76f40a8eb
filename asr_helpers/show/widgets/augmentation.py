"""The augmentation bench: the effect of each augmentation on a clip and on its transcript."""

from pathlib import Path

import numpy as np
import traitlets

from asr_helpers.corpus.reading import Utterance, data_dir
from asr_helpers.show.said_and_heard import word_diff
from asr_helpers.show.widgets.instrument_view import RecognizerWidget, esm, settings, timed, version
from asr_helpers.show.widgets.page import TRANSCRIBE_SECONDS, Debounced, Slider, clip_name
from asr_helpers.sound import augment, effects
from asr_helpers.sound.audio import read_audio
from asr_helpers.sound.inverse import play_features
from asr_helpers.sound.mel import features

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
VOICES = 4  # in the babble


class AugmentationBench(RecognizerWidget):
    """Apply an effect to a clip; hear and see the result, and read its transcript.

    The browser computes noise, reverb, speed, frequency mask and gaps while a slider moves, from the chance that the
    kernel has drawn; the kernel computes the rest, and what the recogniser hears, a moment later.

    Args:
        utterances: the clips to choose from.
        model: path of a model file, loaded when first needed; None stands for the shipped model.

    Attributes:
        setting: what the controls say: {"clip", "effect", "values": {effect: {parameter: value}}, "kind" (of noise),
            "seed", "turn"}.
        chance: what the seed draws for the browser: {"noise", "room", "gaps"}, and the setting that it is for.
        answer: {"turn", "samples", "log_probs", "words", "diff", "label", "code"}.
        samples, result: the clip before and after the effect, (samples,).
        code: Python that computes `result`.
    """

    _esm = esm("augmentation.js")
    clips = traitlets.List().tag(sync=True)
    effects = traitlets.Dict().tag(sync=True)
    panels = traitlets.Dict().tag(sync=True)
    setting = traitlets.Dict().tag(sync=True)
    chance = traitlets.Dict().tag(sync=True)
    answer = traitlets.Dict().tag(sync=True)

    def __init__(self, utterances: list[Utterance], model: Path | str | None = None):
        self.utterances, self.model, self.utterance = list(utterances), model, None
        values = {name: {key: each.first for key, each in panel.items()} for name, panel in SLIDERS.items()}
        super().__init__(
            clips=[clip_name(each) for each in self.utterances],
            effects=TOOLTIPS,
            panels={
                name: {key: each._asdict() | {"drawn": drawn(name, key)} for key, each in panel.items()}
                for name, panel in SLIDERS.items()
            },
            setting={"clip": 0, "effect": "noise", "values": values, "kind": "white", "seed": 0, "turn": 0},
        )
        self._answer = Debounced(self.update, TRANSCRIBE_SECONDS)
        self.update()
        self.observe(self._turned, "setting")

    def _turned(self, _):
        if self._drawn != self._for:
            self.safely(self._draw_chance)  # at once: the browser waits for it
        self._answer()

    @property
    def _for(self) -> tuple:
        return tuple(self.setting[key] for key in ("clip", "seed", "kind"))

    @property
    def parameters(self) -> dict:
        """The values of the visible sliders."""
        return self.setting["values"][self.setting["effect"]]

    def update(self):
        """Compute the sound, the transcript and the code for the current controls."""
        if not self.safely(self._update):
            nothing = {"diff": "", "label": "", "code": "", **version(np.zeros(400))}
            self.answer = {"turn": self.setting["turn"], **nothing}

    def _update(self):
        self._draw_chance()
        name, seed = self.setting["effect"], self.setting["seed"]
        rng, kind = np.random.default_rng(seed), {"sound": self.setting["kind"]} if name == "noise" else {}
        label, masked = describe([(name, self.parameters | kind)]), None
        if name == "chain":
            augmenter = augment.Augmenter(**self.parameters)
            plan = augmenter.draw(rng)
            self.result, label = augmenter.apply(self.samples, plan, rng), describe(plan)
        elif name == "SpecAugment":
            masked = augment.SpecAugment(**self.parameters)(features(self.samples), (seed, 0)).numpy()
            self.result = play_features(masked, self.samples)
        else:
            parameters = self.parameters | self._noise(rng)
            self.result = augment.Augmenter().apply(self.samples, [(name, parameters)], rng)
        self.masked, self.code = masked, self._code()
        recognizer = self.recognizer
        log_probs = recognizer.audio_log_probs(self.result) if masked is None else recognizer.log_probs(masked)
        heard = self.hear(log_probs)
        rows = {"heard before": self._before, "heard after": heard}
        both = None if masked is None else [each.astype("<f4").tobytes() for each in (features(self.samples), masked)]
        self.answer = {
            **version(self.result, log_probs, timed(log_probs, heard, recognizer)),
            "turn": self.setting["turn"],
            "diff": word_diff(self.utterance.text, rows).data,
            "label": label,
            "code": self.code,
            "features": both,
        }

    def _load(self, utterance: Utterance):
        self.samples = read_audio(utterance.path)
        self.utterance = utterance
        self._others = [each for each in self.utterances if each.speaker != utterance.speaker][:VOICES]
        log_probs = self.recognizer.audio_log_probs(self.samples)
        heard = self.hear(log_probs)
        self._before = heard
        self.settings = settings(self.recognizer.alphabet.characters)
        self.recorded = version(self.samples, log_probs, timed(log_probs, heard, self.recognizer))

    _drawn = None

    def _draw_chance(self):
        """Load the clip, and draw what the browser needs of chance for the effects that it computes."""
        clip, seed, kind = self._for
        if self.utterance is not self.utterances[clip]:
            self._drawn = None
            self._load(self.utterances[clip])
        if self._drawn == self._for:
            return
        rng, length = np.random.default_rng(seed), len(self.samples)
        sound = self._noise(rng, "noise").get("sound", kind)
        noise = effects.noise(np.ones(length), 0, rng, sound) - 1
        longest = len(effects.room_response(SLIDERS["reverb"]["rt60"].high, np.random.default_rng(seed)))
        room = np.random.default_rng(seed).standard_normal(longest)
        sizes, counts = SLIDERS["gaps"]["seconds"], SLIDERS["gaps"]["count"]
        gaps = {
            f"{each:.2f}": [_starts(length, count, each, seed) for count in range(counts.low, counts.high + 1)]
            for each in np.arange(sizes.low, sizes.high + sizes.step / 2, sizes.step)
        }
        as_bytes = {"noise": noise.astype("<f4").tobytes(), "room": room.astype("<f4").tobytes()}
        self._drawn = self._for
        self.chance = {"clip": clip, "seed": seed, "kind": kind, "gaps": gaps, **as_bytes}

    def _noise(self, rng: np.random.Generator, effect: str = "") -> dict:
        """Return the parameter `sound` of `effects.noise`, unless it is the default, white."""
        kind = self.setting["kind"]
        if (effect or self.setting["effect"]) != "noise" or kind == "white":
            return {}
        if kind == "pink":
            return {"sound": "pink"}
        voices = [read_audio(each.path) for each in self._others]
        return {"sound": effects.babble(voices, len(self.samples), rng)}

    def _code(self) -> str:
        name, seed = self.setting["effect"], self.setting["seed"]
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
            if name == "noise" and self.setting["kind"] == "babble":
                paths = ",\n    ".join(_source(each) for each in self._others)
                lines.append(f"voices = [read_audio(path) for path in (\n    {paths},\n)]")
                lines.append("crowd = effects.babble(voices, len(samples), rng)")
                parameters += ', "sound": crowd'
            elif name == "noise" and self.setting["kind"] == "pink":
                parameters += ', "sound": "pink"'
            lines.append(f'plan = [("{name}", {{{parameters}}})]')
            lines.append("result = augment.Augmenter().apply(samples, plan, rng)")
        imports = [
            "import numpy as np",
            "from asr_helpers.corpus import data_dir",
            "from asr_helpers.sound import augment, effects, features, play_features, read_audio",
        ]
        return "\n".join(imports + lines)


def _source(utterance: Utterance) -> str:
    """Return Python code for the path of a clip, relative to `data_dir()` if it lies in it."""
    if utterance.path.is_relative_to(data_dir()):
        return f"data_dir() / {utterance.path.relative_to(data_dir()).as_posix()!r}"
    return repr(utterance.path.as_posix())


def _arguments(settings: dict) -> str:
    return ", ".join(f"{key}={value!r}" for key, value in settings.items())


def drawn(effect: str, parameter: str) -> tuple[float, float] | None:
    """Return the range from which training draws a parameter of an effect; None where it draws none."""
    return augment.Augmenter().ranges(effect).get(parameter) if effect in augment.EFFECTS else None


def _starts(length: int, count: int, seconds: float, seed: int) -> list[int]:
    """Return where `effects.gaps` begins its gaps."""
    holed = effects.gaps(np.ones(length), count, round(float(seconds), 6), np.random.default_rng(seed))
    return np.flatnonzero(np.diff(holed, prepend=1) < 0).tolist()


def describe(plan: list[tuple[str, dict]]) -> str:
    """Return a plan of `Augmenter.draw` as one line, such as "noise (snr_db 12.3), gaps (count 2, …)"."""

    def formatted(value):
        return value if isinstance(value, str) else f"{value:.3g}"

    parts = (
        f"{name} ({', '.join(f'{key} {formatted(value)}' for key, value in parameters.items())})"
        for name, parameters in plan
    )
    return ", ".join(parts) or "nothing drawn: unchanged"
