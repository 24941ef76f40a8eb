"""Shared parts of the widgets: controls, outputs, and a page that shows the errors of its callbacks."""

import asyncio
from collections.abc import Callable
from functools import cached_property
from html import escape
from pathlib import Path
from typing import NamedTuple

import anywidget
import ipywidgets
import numpy as np
import traitlets

from asr_helpers.corpus.reading import Utterance
from asr_helpers.recognizer.recognizer import Recognizer, shipped_model
from asr_helpers.words.decoders import default_decoder

TRANSCRIBE_SECONDS = 0.15  # without another change, before the recogniser, which takes longer, starts


class Debounced:
    """Calls `action` once no call has come for `seconds`, so that a dragged slider asks for words once, not often.

    Without an event loop (in a script or a test) it calls `action` at once.
    """

    def __init__(self, action: Callable[[], None], seconds: float):
        self.action, self.seconds, self._timer = action, seconds, None

    def __call__(self, *_):
        self.cancel()
        try:
            self._timer = asyncio.get_running_loop().call_later(self.seconds, self.action)
        except RuntimeError:
            self.action()

    def cancel(self) -> None:
        """Drop a pending call."""
        if self._timer:
            self._timer.cancel()


class Slider(NamedTuple):
    """Settings of a slider: range, step, first value, label with unit, and tooltip."""

    low: float
    high: float
    step: float
    first: float
    name: str
    tooltip: str


def dropdown(options: list, name: str, tooltip: str, **more) -> ipywidgets.Dropdown:
    """Return a drop-down menu of `options` with the label `name`."""
    return ipywidgets.Dropdown(options=options, description=name, tooltip=tooltip, **more)


WIDE = {"layout": {"width": "32em"}}


def picture() -> ipywidgets.Image:
    """Return an empty image widget that shows its picture at full size, at most as wide as the page."""
    return ipywidgets.Image(
        format="png", layout={"max_width": "100%", "align_self": "flex-start", "object_fit": "contain"}
    )


def show(place: ipywidgets.HTML | ipywidgets.Image, content: str | bytes) -> None:
    """Show `content` in the widget `place`; hide the widget if it is empty, since an empty image looks broken."""
    place.layout.display = None if content else "none"
    place.value = content or (b"" if isinstance(place, ipywidgets.Image) else "")


class KeyboardAndAlt(anywidget.AnyWidget):
    """What ipywidgets lacks: labels and alt texts for screen readers, keys kept from JupyterLab, news of a dead kernel.

    The browser's part is manners.js.
    """

    _esm = Path(__file__).with_name("manners.js")
    alt = traitlets.Unicode(help="what the page's picture shows").tag(sync=True)


class Page(ipywidgets.VBox):
    """A widget that shows the errors of its callbacks in the page, in its last output `problem`.

    `name` is its CSS class, and `alt` the alt text of the picture among the children.
    """

    def __init__(self, children: list, name: str, alt: str):
        self.problem = ipywidgets.HTML()
        super().__init__([*children, self.problem, KeyboardAndAlt(alt=alt)])
        self.add_class("asr-page")
        self.add_class(name)

    def answering(self, action: Callable[[], None], *places) -> Callable:
        """Wrap a callback: an exception clears `places`, its outdated outputs, and is shown in the page.

        No running cell could show it.
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


class RecognizerPage(Page):
    """A page with a recogniser, which is loaded from `model` (None: the shipped one) when first needed."""

    model: Path | str | None

    @cached_property
    def recognizer(self) -> Recognizer:
        """The recogniser of `model`."""
        return Recognizer.load(self.model or shipped_model())

    def hear(self, log_probs: np.ndarray) -> str:
        """Return the text of log-probabilities (frames, classes), decoded as `asr transcribe` does by default."""
        return default_decoder(self.recognizer.alphabet)(log_probs)


def clip_name(utterance: Utterance) -> str:
    """Return the speaker and the text of an utterance, as a menu entry."""
    return f"{utterance.speaker}: {utterance.text.lower()}"
