"""Players and widgets for the notebooks: sound in the page, and controls that redraw in place."""

import asyncio
import base64
import io
from collections.abc import Callable
from functools import cached_property
from html import escape
from pathlib import Path

import anywidget
import ipywidgets
import numpy as np
import traitlets

from asr_helpers import augment, plots
from asr_helpers.alignment import align
from asr_helpers.corpus import Utterance, data_dir, read_audio
from asr_helpers.decoding import default_decoder
from asr_helpers.features import (
    FFT,
    HOP,
    LOG_FLOOR,
    SAMPLE_RATE,
    STD_FLOOR,
    features,
    level,
    log_mel,
    mel_filterbank,
    normalise,
)
from asr_helpers.features import WINDOW as FRAME
from asr_helpers.recognizer import Recognizer, shipped_model


def mp3(samples: np.ndarray) -> bytes:
    """Return `samples` as a mono MP3 file, 40 kB for 10 s; what exceeds full scale is turned down first."""
    import soundfile

    file = io.BytesIO()
    soundfile.write(
        file,
        augment.limit(np.asarray(samples, np.float32)),
        SAMPLE_RATE,
        format="MP3",
        bitrate_mode="CONSTANT",
        compression_level=0.85,
    )
    return file.getvalue()


def player_html(samples: np.ndarray, label: str = "recording") -> str:
    """Return an HTML audio player that carries its sound in the page, named `label` for eye and ear."""
    data = base64.b64encode(mp3(samples)).decode()
    return (
        f'<div style="display:flex;align-items:center;gap:1em">'
        f'<audio controls preload="metadata" aria-label="{escape(label)}" '
        f'src="data:audio/mpeg;base64,{data}"></audio><span>{escape(label)}</span></div>'
    )


def player(samples: np.ndarray, label: str = "recording"):
    """Return a player of mono samples at 16 kHz, for a cell to end with."""
    from IPython.display import HTML

    return HTML(player_html(samples, label))


def live_curves(folder: Path | str):
    """Return a Keras callback for `train`: the learning curves of the run in `folder`, redrawn after each epoch.

    The picture stays in one place, in JupyterLab, VS Code and a notebook executed without a screen alike, and
    a resumed run's curves begin with the epochs before the kill.
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


class Debounced:
    """Calls `action` once no call has come for `seconds`: a slider that is pulled leaves one picture, not fifty.

    Where no event loop runs (a script, a test), it calls at once.
    """

    def __init__(self, action: Callable[[], None], seconds: float):
        self.action, self.seconds, self._timer = action, seconds, None

    def __call__(self, *_):
        self.cancel()
        try:
            self._timer = asyncio.get_running_loop().call_later(self.seconds, self.action)
        except RuntimeError:
            self.action()

    def cancel(self):
        if self._timer:
            self._timer.cancel()


def slider(low, high, step, first, name, tooltip):
    """Return a slider from `low` to `high`, labelled `name`; integer bounds make an integer slider."""
    kind = ipywidgets.IntSlider if isinstance(step, int) else ipywidgets.FloatSlider
    return kind(
        first,
        min=low,
        max=high,
        step=step,
        description=name,
        tooltip=tooltip,
        style={"description_width": "9em"},
        layout={"width": "25em"},
    )


def dropdown(options, name, tooltip, **more):
    """Return a choice among `options`, labelled `name`."""
    return ipywidgets.Dropdown(options=options, description=name, tooltip=tooltip, **more)


WIDE = {"layout": {"width": "32em"}}


def picture() -> ipywidgets.Image:
    """Return a place for a picture: as large as it is, or as the page is wide, and in its own proportions."""
    return ipywidgets.Image(
        format="png",
        layout={"max_width": "100%", "align_self": "flex-start", "object_fit": "contain"},
    )


def show(place: ipywidgets.HTML | ipywidgets.Image, content: str | bytes) -> None:
    """Show `content` in its place; without any, an image would be a broken one."""
    place.layout.display = None if content else "none"
    place.value = content or (b"" if isinstance(place, ipywidgets.Image) else "")


class Manners(anywidget.AnyWidget):
    """What ipywidgets leaves out for the controls around it, see manners.js."""

    _esm = Path(__file__).with_name("manners.js")
    alt = traitlets.Unicode(help="what the page's picture shows").tag(sync=True)


class Page(ipywidgets.VBox):
    """A widget that answers for its controls: what goes wrong behind one stands in the page, as `problem`."""

    def __init__(self, children: list, name: str, alt: str):
        """`alt` says what the picture among `children` shows."""
        self.problem = ipywidgets.HTML()
        super().__init__([*children, self.problem, Manners(alt=alt)])
        self.add_class("asr-page")
        self.add_class(name)

    def answering(self, action: Callable[[], None], *places) -> Callable:
        """Return `action` for a control to call. Whatever it raises is told in the page, since no cell is running that
        could show it, and its `places`, which would hold what belongs to an earlier answer, are emptied.
        """

        def answer(*_):
            try:
                action()
            except Exception as error:
                for place in places:
                    show(place, "")
                kind = "" if isinstance(error, ValueError) else f"{type(error).__name__}: "
                self.problem.value = f'<b role="alert">{escape(kind + str(error))}</b>'
            else:
                self.problem.value = ""

        return answer


def hypothesis_html(text: str, heard: str) -> str:
    """Return what was heard of `text` as HTML: its word error rate, and what is wrong bold and underlined."""
    import jiwer

    from asr_helpers.metrics import word_errors

    marked, words = [], heard.split()
    for chunk in jiwer.process_words(text, heard).alignments[0]:
        said = " ".join(text.split()[chunk.ref_start_idx : chunk.ref_end_idx])
        wrong = escape(" ".join(words[chunk.hyp_start_idx : chunk.hyp_end_idx]) or "–")
        good = chunk.type == "equal"
        marked.append(wrong if good else f'<u title="said: {escape(said) or "nothing"}"><b>{wrong}</b></u>')
    return f"{' '.join(marked)} <span>(WER {word_errors([text], [heard]).rate:.0%})</span>"


# ---------------------------------------------------------------------------------- the augmentation bench

# What the sliders offer: wider than training ever draws, for an effect is learnt where it is too strong.
# effect: {parameter: (lowest, highest, step, first shown, its name and unit, what it means)}
SLIDERS = {
    "noise": {"snr_db": (-10, 40, 1, 10, "SNR (dB)", "speech power over noise power: lower is noisier")},
    "reverb": {
        "rt60": (0.1, 2.0, 0.1, 0.6, "RT60 (s)", "until the echoes have fallen by 60 dB"),
        "mix": (0.0, 1.0, 0.05, 0.4, "mix", "the weight of the echoes: 0 is dry, 1 is echoes alone"),
    },
    "speed": {"factor": (0.5, 2.0, 0.05, 1.2, "factor", "faster and higher above 1, as a record")},
    "time_stretch": {"rate": (0.5, 2.0, 0.05, 0.8, "rate", "faster above 1, at the same pitch")},
    "frequency_mask": {
        "centre": (600, 6400, 100, 1500, "centre (Hz)", "the middle of the band that is removed"),
        "width": (100, 1100, 100, 1000, "width (Hz)", "from the lower to the upper edge of that band"),
    },
    "segment_shuffle": {
        "segment_seconds": (
            0.01,
            0.4,
            0.01,
            0.05,
            "segment (s)",
            "the length of the pieces that are swapped",
        ),
        "share": (0.0, 1.0, 0.1, 0.5, "share", "how many of all neighbouring pairs are swapped"),
    },
    "gaps": {
        "count": (0, 20, 1, 6, "count", "how many pieces are lost"),
        "seconds": (0.02, 0.3, 0.02, 0.08, "each (s)", "the length of one gap"),
    },
    "SpecAugment": {
        "time_masks": (0, 4, 1, 2, "time masks", "how many stretches of time are covered"),
        "time_width": (0, 100, 5, 40, "time (frames)", "the longest of them, in frames of 10 ms"),
        "frequency_masks": (0, 4, 1, 2, "bands", "how many bands of frequency are covered"),
        "frequency_width": (0, 40, 1, 15, "band (mels)", "the widest of them, in mel bins of 80"),
    },
    "chain": {
        f"{name}_probability": (
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
    "SpecAugment": "bands of time and frequency covered in the features",
    "chain": "all seven, each with its probability, as training draws them",
}
SLOWEST = {"speed": 0.5, "time_stretch": 0.5, "chain": 0.75}  # how slow a clip can get: room on the time axis
VOICES = 4  # talking at once in the babble
CHANCES = "How probable is each effect for a clip, from 0, never, to 1, always?"
LATER = '<div style="min-height:54px">…</div>'  # where a player will be
WAIT = 0.04  # seconds without a further change before a picture is drawn
THINK = 0.15  # seconds after it before the recogniser, which takes longer, sets to work


class Bench(Page):
    """A page that transcribes with `model`, a file, or the shipped one if None; loaded when first asked."""

    model: Path | str | None

    @cached_property
    def recognizer(self) -> Recognizer:
        return Recognizer.load(self.model or shipped_model())

    def hear(self, log_probs: np.ndarray) -> str:
        """Return the text, as `asr transcribe` does by default."""
        return default_decoder(self.recognizer.alphabet)(log_probs)


class AugmentationBench(Bench):
    """Hear, see and have recognised what each effect makes of each of `utterances`.

    Choose a clip and an effect, move its sliders, roll another seed: sound and pictures follow, then the
    recogniser's words, loaded from `model` at the first need. `code` is what makes the same samples elsewhere.

    Attributes: `clip`, `effect`, `panels` (effect: {parameter: slider}), `sound` (the kind of noise), `seed`,
    `roll`, and what they lead to: `samples` and `result` (samples,), `code`, and on the page `before`, `after`,
    `picture`, `heard`, `listing`.
    """

    def __init__(self, utterances: list[Utterance], model: Path | str | None = None):
        self.utterances, self.model = {_name(each): each for each in utterances}, model
        self.clip = dropdown(list(self.utterances), "clip", "the recording to start from", **WIDE)
        self.effect = ipywidgets.ToggleButtons(
            options=[(name.replace("_", " "), name) for name in SLIDERS],
            tooltips=[TOOLTIPS[name] for name in SLIDERS],
            style={"button_width": "auto"},
        )
        self.panels = {
            name: {key: slider(*each) for key, each in parameters.items()}
            for name, parameters in SLIDERS.items()
        }
        self.sound = dropdown(["white", "pink", "babble"], "kind", f"babble: {VOICES} other voices at once")
        self.seed = ipywidgets.BoundedIntText(
            0, min=0, max=9999, description="seed", tooltip="what decides all that is left to chance"
        )
        self.roll = ipywidgets.Button(description="roll again", tooltip="take the next seed", icon="refresh")
        self.before, self.after, self.heard, self.listing = (ipywidgets.HTML() for _ in range(4))
        self.picture = picture()
        self._panel = ipywidgets.Box(layout={"flex_flow": "row wrap", "min_height": "5em"})
        self._drawing, self._plain, self.utterance = None, {}, None
        answers = self.before, self.after, self.picture, self.heard, self.listing
        self._answer = Debounced(self.answering(self.update, *answers), WAIT)
        self._words = Debounced(self.answering(self.transcribe, self.heard), THINK)
        top = ipywidgets.HBox([self.clip, self.seed, self.roll], layout={"flex_flow": "row wrap"})
        code = ipywidgets.Accordion(
            [self.listing], titles=["the code that makes these samples"], selected_index=0
        )
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
        """What the visible sliders say."""
        return {key: _tidy(each.value) for key, each in self.panels[self.effect.value].items()}

    def update(self):
        """Make the sound, the pictures and the code for what the controls say; the words come later."""
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
        """Return the parameter `sound` of `augment.noise`, where it is not the usual white one."""
        if self.effect.value != "noise" or self.sound.value == "white":
            return {}
        if self.sound.value == "pink":
            return {"sound": "pink"}
        voices = [read_audio(each.path) for each in self._others]
        return {"sound": augment.babble(voices, len(self.samples), rng)}

    def _publish(self, label: str):
        self._label = f"after: {label}"
        show(self.before, player_html(self.samples, "before"))
        # What masked features can be turned back into takes longer, and comes with the words.
        show(self.after, player_html(self.result, self._label) if self.masked is None else LATER)
        show(self.picture, self._draw())
        show(self.listing, f'<pre style="line-height:1.3">{escape(self.code)}</pre>')
        show(self.heard, self._words_html("…"))  # the words of another sound must not stand beside this one

    def _draw(self) -> bytes:
        seconds = len(self.samples) / SAMPLE_RATE / SLOWEST.get(self.effect.value, 1)
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
        """Write down what the recogniser makes of the clip before and after."""
        if self.masked is not None:
            self.result = play_features(self.masked, self.samples)
            show(self.after, player_html(self.result, f"{self._label}, played back from what is left"))
        if self.clip.value not in self._plain:
            self._plain[self.clip.value] = self._hypothesis(
                self.recognizer.transcribe(self.samples, self.hear)
            )
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
            lines[1] = (
                "from asr_helpers.features import features\nfrom asr_helpers.widgets import play_features"
            )
            lines.append(f"masks = augment.SpecAugment({_arguments(self.parameters)})")
            lines.append(f"masked = masks(features(samples), ({seed}, 0)).numpy()")
            lines.append("result = play_features(masked, samples)")
        else:
            parameters = ", ".join(f'"{key}": {value!r}' for key, value in self.parameters.items())
            if name == "noise" and self.sound.value == "babble":
                paths = ",\n    ".join(_source(each) for each in self._others)
                lines.append(f"voices = [read_audio(path) for path in (\n    {paths},\n)]")
                lines.append("crowd = augment.babble(voices, len(samples), rng)")
                parameters += ', "sound": crowd'
            elif name == "noise" and self.sound.value == "pink":
                parameters += ', "sound": "pink"'
            lines.append(f'plan = [("{name}", {{{parameters}}})]')
            lines.append("result = augment.Augmenter().apply(samples, plan, rng)")
        imports = [
            "import numpy as np",
            "from asr_helpers import augment",
            "from asr_helpers.corpus import data_dir, read_audio",
        ]
        return "\n".join(imports + lines)


def _name(utterance: Utterance) -> str:
    return f"{utterance.speaker}: {utterance.text.lower()}"


def _source(utterance: Utterance) -> str:
    """Return the path of a clip as code; below `data_dir()`, it holds on every machine."""
    if utterance.path.is_relative_to(data_dir()):
        return f"data_dir() / {utterance.path.relative_to(data_dir()).as_posix()!r}"
    return repr(utterance.path.as_posix())


def _arguments(settings: dict) -> str:
    return ", ".join(f"{key}={value!r}" for key, value in settings.items())


def _tidy(value):
    return round(value, 6)  # a slider's 0.1 + 0.2 is not 0.3


def describe(plan: list[tuple[str, dict]]) -> str:
    """Return a plan of `Augmenter.draw` as one line, such as "noise (snr_db 12.3), gaps (count 2, …)"."""

    def told(value):
        return value if isinstance(value, str) else f"{value:.3g}"

    parts = (
        f"{name} ({', '.join(f'{key} {told(value)}' for key, value in parameters.items())})"
        for name, parameters in plan
    )
    return ", ".join(parts) or "nothing drawn: unchanged"


# ---------------------------------------------------------------------------------- the spectrogram bench


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
        self.utterances, self.model = {_name(each): each for each in utterances}, model
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


# ------------------------------------------------------------------------------------------- the explorer


class Explorer(Page):
    """Pick a speaker and one of their `utterances`: hear it, read it, see its waveform.

    Attributes: `speaker`, `clip`, and what they lead to: `utterance`, `samples` and on the page `sound`,
    `facts`, `picture`.
    """

    def __init__(self, utterances: list[Utterance]):
        self.utterances = utterances
        self.speaker = dropdown(sorted({each.speaker for each in utterances}), "speaker", "whose voice")
        self.clip = dropdown([], "utterance", "what is said", **WIDE)
        self.next = ipywidgets.Button(
            description="next", tooltip="this speaker's next utterance", icon="step-forward"
        )
        self.sound, self.facts = ipywidgets.HTML(), ipywidgets.HTML()
        self.picture = picture()
        choices = ipywidgets.Box([self.speaker, self.clip, self.next], layout={"flex_flow": "row wrap"})
        answers = self.sound, self.facts, self.picture
        super().__init__([choices, *answers], "asr-explorer", "waveform of the clip")
        self.next.on_click(self._next)
        self.clip.observe(self.answering(self._show, *answers), "value")
        self.speaker.observe(self._list, "value")
        self._list()

    def _list(self, _=None):
        theirs = [each for each in self.utterances if each.speaker == self.speaker.value]
        self.clip.options = [(f"{each.id}: {each.text.lower()}", each.id) for each in theirs]
        self.clip.index = 0

    def _next(self, _=None):
        self.clip.index = (self.clip.index + 1) % len(self.clip.options)

    def _show(self):
        self.utterance = next(each for each in self.utterances if each.id == self.clip.value)
        self.samples = read_audio(self.utterance.path)
        text, seconds = self.utterance.text, self.utterance.seconds
        show(self.sound, player_html(self.samples, self.utterance.id))
        show(
            self.facts,
            f'<div style="font-size:1.2em">{escape(text)}</div>{seconds:.1f} s · {len(text.split())} words · '
            f"{len(text) / seconds:.0f} characters a second · {loudness(self.samples):.0f} dBFS",
        )
        show(self.picture, plots.png(plots.waveform(self.samples, title=text)))


def loudness(samples: np.ndarray) -> float:
    """Return the mean power of `samples` in dB, 0 being full scale and all else below (dBFS of a square wave)."""
    return 10 * float(np.log10(np.mean(np.square(samples, dtype=np.float64)) + 1e-10))
