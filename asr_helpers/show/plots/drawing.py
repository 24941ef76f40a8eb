"""Style, create and save the figures.

The colours are distinguishable for colour-blind readers (Okabe & Ito 2008; the maps "magma" and "PuOr").
"""

import io
import os
from html import escape
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from asr_helpers.system import files

BLUE, ORANGE, GREEN, PINK, SKY, GREY = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#8A8A8A"
CARD = "#F6F5F1"  # the figures' ground, light on light pages and on dark ones
SIZE = (7, 3)  # inches; on a phone, 400 pixels wide, text of 11 points has nine pixels
PIXELS = 2  # of the stored PNG for each one shown: sharp on fine screens, and when enlarged
CORNER = 0.1  # inches, the radius of the card's corners
FIGURES = Path(__file__).resolve().parents[3] / "figures"
STYLE_SHEET = Path(__file__).with_name("page.css")


def style() -> None:
    """Set matplotlib's defaults to the style of this series."""
    plt.rcParams.update(
        {
            "axes.prop_cycle": plt.cycler(color=[BLUE, ORANGE, GREEN, PINK, SKY]),
            "axes.spines.right": False,
            "axes.spines.top": False,
            "axes.facecolor": CARD,
            "axes.titlesize": 12,
            "axes.titlelocation": "left",
            "figure.constrained_layout.use": True,
            "figure.constrained_layout.h_pad": 0.08,
            "figure.constrained_layout.w_pad": 0.08,
            "figure.dpi": 100,
            "figure.facecolor": CARD,
            "figure.figsize": SIZE,
            "font.size": 11,
            "image.cmap": "magma",
            "legend.frameon": False,
            "savefig.dpi": 100,
        }
    )
    _style_page()


def _style_page() -> None:
    """Give the notebook in whose kernel this runs the style sheet of the quiz."""
    import sys

    if "ipykernel" in sys.modules:
        from IPython.display import HTML, display

        display(HTML(f"<style>{STYLE_SHEET.read_text(encoding='utf-8')}</style>"))


class Picture(Figure):
    """A figure that a notebook stores as a reproducible PNG, with a caption and its alt text below.

    `alt` says what the picture shows, for readers who do not see it; `caption` is the take-away. JupyterLab, GitHub and
    nbconvert all drop the alt text of a PNG output, so it stands in the page, hidden from those who see the picture.
    """

    alt = ""
    caption = ""

    def _ipython_display_(self):
        from IPython.display import HTML, Image, display

        display(Image(png(self), alt=self.alt, width=round(self.get_figwidth() * self.dpi)))
        if self.alt or self.caption:
            display(HTML(caption(self.caption, self.alt)))


HIDDEN = "position:absolute;width:1px;height:1px;overflow:hidden;white-space:nowrap"


def caption(text: str, alt: str = "") -> str:
    """Return the HTML of a caption below a picture; `alt` is read aloud, and shown only if there is no `text`.

    Example:
        >>> caption("", "two bars")
        '<p style="font-size:0.9em;opacity:0.8;margin:0">two bars</p>'
    """
    spoken = f'<span class="alt" style="{HIDDEN}"> {escape(alt)}</span>' if text and alt else ""
    return f'<p style="font-size:0.9em;opacity:0.8;margin:0">{escape(text or alt)}{spoken}</p>'


def new(rows: int = 1, columns: int = 1, size: tuple[float, float] = SIZE, alt: str = "", caption: str = "", **grid):
    """Return a new `Picture` and its axes, as `plt.subplots` does, without displaying it.

    `size` is width and height in inches: wider than 8, text is too small on a phone, so put panels above each other.
    `alt` says what the figure shows, `caption` what to take away from it; `grid` holds more arguments of
    `plt.subplots`.
    """
    figure, axes = plt.subplots(rows, columns, figsize=size, layout="constrained", FigureClass=Picture, **grid)
    figure.alt, figure.caption = alt, caption
    plt.close(figure)
    return figure, axes


def as_text(figure: Figure) -> None:
    """Switch off mathtext in all labels but the tick labels of log axes: a `$` in a file name is shown literally."""
    for text in figure.findobj(lambda each: isinstance(each, Text) and each.get_text()):
        text.set_parse_math("\\mathdefault" in text.get_text())


def png(figure: Figure) -> bytes:
    """Return `figure` as the bytes of a PNG file: a card with round corners, of at most 256 colours.

    It has `PIXELS` times as many pixels as are shown, in each direction. Equal figures give equal bytes.
    """
    from PIL import Image

    as_text(figure)
    shown = figure.dpi
    try:
        figure.set_dpi(PIXELS * shown)
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        drawn = np.asarray(canvas.buffer_rgba())
        radius = CORNER * figure.dpi
    finally:
        figure.set_dpi(shown)
    # Maximum coverage keeps the rare colours of a colour bar; 256 colours take a third of the bytes.
    few = Image.fromarray(drawn).convert("RGB").quantize(254, method=Image.Quantize.MAXCOVERAGE, dither=0)
    ground, outside = 254, 255  # two more entries of the palette: the card, exactly, and nothing
    card = [round(255 * part) for part in figure.get_facecolor()[:3]]
    used = few.getpalette()[: 3 * ground]
    few.putpalette([*used, *[0] * (3 * ground - len(used)), *card, 255, 255, 255])
    few.paste(ground, mask=Image.fromarray((drawn[..., :3] == card).all(axis=-1)))
    few.paste(outside, mask=Image.fromarray(_corners(few.height, few.width, radius)))
    content = io.BytesIO()
    few.save(content, "png", optimize=True, transparency=outside)
    return content.getvalue()


def _corners(height: int, width: int, radius: float) -> np.ndarray:
    """Return bool (height, width): the pixels outside a rectangle with round corners."""
    rows, columns = np.arange(height)[:, None] + 0.5, np.arange(width)[None] + 0.5
    beyond = [np.maximum(radius - np.minimum(at, size - at), 0) for at, size in ((rows, height), (columns, width))]
    return np.hypot(*beyond) > radius


def save(figure: Picture, name: str, alt: str = "", caption: str = "") -> Picture:
    """Write `figure` to `figures/<name>.png` and return it.

    With `ASR_PROFILE=ci` nothing is written: a shortened run must not replace the figures of the real run. Where `alt`
    or `caption` is empty, the figure keeps its own.
    """
    figure.alt, figure.caption = alt or figure.alt, caption or figure.caption
    if os.environ.get("ASR_PROFILE") != "ci":
        FIGURES.mkdir(exist_ok=True)
        files.write(FIGURES / f"{name}.png", png(figure))
    return figure
