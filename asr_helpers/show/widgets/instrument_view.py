"""The instrument: a spectrogram that plays, with letters and words, as in the page of `asr web`.

The page's JavaScript draws it (web/static/instrument.js); the kernel gives it sound, log-probabilities and words.
"""

import base64
from collections.abc import Callable
from functools import cached_property
from html import escape
from pathlib import Path
from typing import Any

import anywidget
import numpy as np
import traitlets

from asr_helpers.recognizer.recognizer import Recognizer, shipped_model
from asr_helpers.show import plots
from asr_helpers.show.widgets.modules import STATIC, joined
from asr_helpers.show.widgets.players import player_html
from asr_helpers.sound import mel, speech
from asr_helpers.sound.effects import limit
from asr_helpers.words.alignment import Word, align
from asr_helpers.words.confidence import DOUBTFUL, default_kind, with_probability
from asr_helpers.words.decoders import default_decoder

HERE = Path(__file__).parent
FEATURE_NUMBERS = {
    name.lower(): value
    for module in (mel, speech)
    for name, value in vars(module).items()
    if name.isupper() and type(value) in (int, float, tuple)
}  # by the names that features.js knows them by


def esm(name: str) -> str:
    """Return the browser's part of a widget, widgets/`name`, with what it imports."""
    return joined(HERE / name)


def css() -> str:
    """Return the style of the instrument, of what one may unfold under it, and of the controls around it."""
    sheets = STATIC / "instrument.css", STATIC / "inside.css", HERE / "controls.css"
    return "".join(sheet.read_text("utf-8") for sheet in sheets)


class InstrumentWidget(anywidget.AnyWidget):
    """The instrument in a notebook, see `instrument`.

    Attributes:
        settings: what does not change: the alphabet, the numbers of the features, the frame's length.
        recorded: the sound as it was, as `version` returns it.
        changed: {name: the same after a change}; may be empty.
        beam: for each frame, the texts that a search kept, best first: [{"text", "sound", "language"}]; may be empty.
        problem: a line to show in place of an answer.
    """

    _esm = esm("instrument_view.js")
    _css = css()
    settings = traitlets.Dict().tag(sync=True)
    recorded = traitlets.Dict().tag(sync=True)
    changed = traitlets.Dict().tag(sync=True)
    beam = traitlets.List().tag(sync=True)
    problem = traitlets.Unicode().tag(sync=True)
    still = b""  # a PNG, what it shows, and the HTML of players: for readers without a kernel
    alt = caption = ""
    players = ""
    unfolded = False

    def _ipython_display_(self):
        """Display the widget and, for readers without a kernel, a picture and players, folded unless `unfolded`.

        In JupyterLab, the widget hides those (controls.css).
        """
        from IPython.display import HTML, display

        data, metadata = self._repr_mimebundle_()
        display(data, metadata=metadata, raw=True)
        if self.still:
            source = f"data:image/png;base64,{base64.b64encode(self.still).decode()}"
            display(
                HTML(
                    f'<details class="no-kernel"{" open" * self.unfolded}>'
                    "<summary>No kernel? A picture and the sound.</summary>"
                    f'{self.players}<img alt="{escape(self.alt)}" src="{source}" style="max-width:100%">'
                    f"{plots.caption(self.caption) if self.caption else ''}</details>"
                )
            )


class RecognizerWidget(InstrumentWidget):
    """An instrument with a recogniser, which is loaded from `model` (None: the shipped one) when first needed."""

    model: Path | str | None = None

    @cached_property
    def recognizer(self) -> Recognizer:
        """The recogniser of `model`."""
        return Recognizer.load(self.model or shipped_model())

    def safely(self, action: Callable[[], None]) -> bool:
        """Call `action`, and say whether it succeeded; an error becomes `problem`: no running cell could show it."""
        try:
            action()
        except Exception as error:
            kind = "" if isinstance(error, ValueError) else f"{type(error).__name__}: "
            self.problem = f"{kind}{error}"
            return False
        self.problem = ""
        return True

    def hear(self, log_probs: np.ndarray) -> str:
        """Return the text of log-probabilities (frames, classes), decoded as `asr transcribe` does by default."""
        return default_decoder(self.recognizer.alphabet)(log_probs)


def instrument(
    samples: np.ndarray,
    recognizer: Recognizer | None = None,
    changed: np.ndarray | dict[str, np.ndarray] | None = None,
    text: str | None = None,
    label: str = "recording",
    *,
    beam: list[dict[str, tuple[float, float]]] | None = None,
    picture: plots.Picture | None = None,
    unfolded: bool = False,
) -> InstrumentWidget:
    """Return a widget that shows a sound and plays it, with the letters and words that a recogniser hears.

    Args:
        samples: mono audio at 16 kHz, (samples,).
        recognizer: None shows the spectrogram alone.
        changed: the same after a change, or {name: the same after one of several}; a button goes to and fro.
        text: the words that are shown, aligned to the sound; None stands for what the recogniser hears.
        label: names the recording, in the alt text of the picture for readers without a kernel.
        beam: what a search kept after each frame, {text: (the score of its sound, that of its language)}, in nats; it
            can be unfolded and stepped through.
        picture: for readers without a kernel; None stands for the spectrogram, with the letters if there are any.
        unfolded: whether those readers see the picture and the players at once.

    Raises:
        ValueError: the samples are not mono, or shorter than 25 ms.

    Example:
        >>> instrument(np.zeros(16_000), label="a second of silence").alt
        'spectrogram of a second of silence'
    """
    alphabet = recognizer.alphabet if recognizer else None

    def heard(sound: np.ndarray) -> dict:
        if recognizer is None:
            return version(sound)
        log_probs = recognizer.audio_log_probs(sound)
        said = default_decoder(alphabet)(log_probs) if text is None else text
        return version(sound, log_probs, timed(log_probs, said, recognizer))

    others = {} if changed is None else changed if isinstance(changed, dict) else {"changed": changed}
    widget = InstrumentWidget(
        settings=settings(alphabet.characters if alphabet else ""),
        recorded=heard(samples),
        changed={name: heard(sound) for name, sound in others.items()},
        beam=[ranked(texts) for texts in beam or ()],
    )
    words = " ".join(word["text"] for word in widget.recorded["words"])
    widget.alt = f"spectrogram of {label}" + (f" and the letters over time; heard: {words}" if words else "")
    if picture is not None:
        widget.alt, widget.caption = picture.alt or widget.alt, picture.caption
    elif recognizer is None:
        picture = plots.spectrogram(mel.log_mel(samples), title=label)
    else:
        picture = plots.posteriors(recognizer.audio_log_probs(samples), mel.features(samples), label, alphabet)
    widget.still, widget.unfolded = plots.png(picture), unfolded
    widget.players = player_html(samples, label)
    widget.players += "".join(player_html(sound, f"{label}, {name}") for name, sound in others.items())
    return widget


def ranked(texts: dict[str, tuple[float, float]]) -> list[dict[str, Any]]:
    """Return {text: (sound, language)} as the browser reads it, best first."""
    best = sorted(texts, key=lambda text: -sum(texts[text]))
    return [{"text": text, "sound": float(texts[text][0]), "language": float(texts[text][1])} for text in best]


def settings(alphabet: str = "") -> dict[str, Any]:
    """Return what an instrument needs to know once; without an alphabet it shows no letters."""
    return {"alphabet": alphabet, "doubtful": DOUBTFUL, "features": FEATURE_NUMBERS}


def version(samples: np.ndarray, log_probs: np.ndarray | None = None, words: list[Word] | None = None) -> dict:
    """Return a sound as an instrument reads it: {"samples": 16-bit PCM, "log_probs": float32, "words": a list}."""
    return {
        "samples": np.round(32767 * limit(np.asarray(samples, np.float32))).astype("<i2").tobytes(),
        "log_probs": b"" if log_probs is None else log_probs.astype("<f4").tobytes(),
        "words": [{key: value for key, value in vars(word).items() if value is not None} for word in words or ()],
    }


def timed(log_probs: np.ndarray, text: str, recognizer: Recognizer) -> list[Word]:
    """Return the words of `text` with their times and probabilities; none, where it does not fit into the frames."""
    try:
        words = align(log_probs, text, alphabet=recognizer.alphabet)
    except ValueError:  # the sound is too short for so long a text
        return []
    return with_probability(words, default_kind(recognizer.alphabet))
