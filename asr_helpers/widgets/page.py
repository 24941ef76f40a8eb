"""What the widgets share: controls, places that are redrawn, and a page that answers for them."""

import asyncio
from collections.abc import Callable
from functools import cached_property
from html import escape
from pathlib import Path

import anywidget
import ipywidgets
import numpy as np
import traitlets

from asr_helpers import plots
from asr_helpers.corpus import Utterance
from asr_helpers.decoding import default_decoder
from asr_helpers.recognizer import Recognizer, shipped_model

LATER = '<div style="min-height:54px">…</div>'  # where a player will be
WAIT = 0.04  # seconds without a further change before a picture is drawn
THINK = 0.15  # seconds after it before the recogniser, which takes longer, sets to work


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


class Bench(Page):
    """A page that transcribes with `model`, a file, or the shipped one if None; loaded when first asked."""

    model: Path | str | None

    @cached_property
    def recognizer(self) -> Recognizer:
        return Recognizer.load(self.model or shipped_model())

    def hear(self, log_probs: np.ndarray) -> str:
        """Return the text, as `asr transcribe` does by default."""
        return default_decoder(self.recognizer.alphabet)(log_probs)


def clip_name(utterance: Utterance) -> str:
    return f"{utterance.speaker}: {utterance.text.lower()}"


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
