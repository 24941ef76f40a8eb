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
SIZE = (8, 3)  # inches: at 100 dots per inch, the width of a notebook page
FIGURES = Path(__file__).resolve().parents[3] / "figures"


def style() -> None:
    """Set matplotlib's defaults to the style of this series."""
    plt.rcParams.update(
        {
            "axes.prop_cycle": plt.cycler(color=[BLUE, ORANGE, GREEN, PINK, SKY]),
            "axes.spines.right": False,
            "axes.spines.top": False,
            "axes.titlesize": 10,
            "axes.titlelocation": "left",
            "figure.constrained_layout.use": True,
            "figure.dpi": 100,
            "figure.figsize": SIZE,
            "font.size": 9,
            "image.cmap": "magma",
            "legend.frameon": False,
            "savefig.dpi": 100,
        }
    )


class Picture(Figure):
    """A figure that a notebook stores as a small reproducible PNG with its alt text as a caption.

    JupyterLab, GitHub and nbconvert all drop the alt text of a PNG output, so the caption shows it to every reader.
    """

    alt = ""

    def _ipython_display_(self):
        from IPython.display import HTML, Image, display

        display(Image(png(self), alt=self.alt))
        if self.alt:
            display(HTML(caption(self.alt)))


def caption(text: str) -> str:
    """Return the HTML of a caption below a picture."""
    return f'<p style="font-size:0.9em;opacity:0.8;margin:0">{escape(text)}</p>'


def new(rows: int = 1, columns: int = 1, size: tuple[float, float] = SIZE, alt: str = "", **grid):
    """Return a new `Picture` and its axes, as `plt.subplots` does, without displaying it.

    `size` is width and height in inches; `grid` holds more arguments of `plt.subplots`.
    """
    figure, axes = plt.subplots(rows, columns, figsize=size, layout="constrained", FigureClass=Picture, **grid)
    figure.alt = alt
    plt.close(figure)
    return figure, axes


def as_text(figure: Figure) -> None:
    """Switch off mathtext in all labels but the tick labels of log axes: a `$` in a file name is shown literally."""
    for text in figure.findobj(lambda each: isinstance(each, Text) and each.get_text()):
        text.set_parse_math("\\mathdefault" in text.get_text())


def png(figure: Figure) -> bytes:
    """Return `figure` as the bytes of a PNG file with at most 256 colours; equal figures give equal bytes."""
    from PIL import Image

    as_text(figure)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    pixels = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
    content = io.BytesIO()
    # Maximum coverage keeps the rare colours of a colour bar; 256 colours take a third of the bytes.
    pixels.quantize(256, method=Image.Quantize.MAXCOVERAGE, dither=0).save(content, "png", optimize=True)
    return content.getvalue()


def save(figure: Picture, name: str, alt: str = "") -> Picture:
    """Write `figure` to `figures/<name>.png` and return it.

    With `ASR_PROFILE=ci` nothing is written: a shortened run must not replace the figures of the real run. If `alt` is
    empty, the figure keeps its own alt text.
    """
    figure.alt = alt or figure.alt
    if os.environ.get("ASR_PROFILE") != "ci":
        FIGURES.mkdir(exist_ok=True)
        files.write(FIGURES / f"{name}.png", png(figure))
    return figure
