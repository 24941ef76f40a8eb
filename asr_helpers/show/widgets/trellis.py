"""CTC's trellis of a short word, to step through, as in the page of `asr web`, whose JavaScript adds up the paths."""

from pathlib import Path

import anywidget
import numpy as np
import traitlets

from asr_helpers.show.widgets.modules import STATIC, joined


class Trellis(anywidget.AnyWidget):
    """A trellis with two sliders, forward sums up to a frame and path after path; the path can be dragged, too.

    Args:
        table: probabilities, (frames, symbols), the blank last; a handful of frames, since every path is listed.
        symbols: one character for each column of `table`.
        text: the word, of these characters.

    Raises:
        ValueError: the text has another character, or the blank, or the table another number of columns.

    Example:
        >>> Trellis(np.full((3, 3), 1 / 3), "AB–", "AB").text
        'AB'
    """

    _esm = joined(Path(__file__).with_name("trellis_view.js"))
    _css = "".join((STATIC / name).read_text("utf-8") for name in ("instrument.css", "trellis.css"))
    table = traitlets.List(help="of each symbol in each frame").tag(sync=True)
    symbols = traitlets.Unicode(help="the blank last").tag(sync=True)
    text = traitlets.Unicode().tag(sync=True)

    def __init__(self, table: np.ndarray, symbols: str, text: str):
        if table.ndim != 2 or table.shape[1] != len(symbols):
            raise ValueError(f"a table of shape {table.shape} has no column for each of the {len(symbols)} symbols")
        if strange := set(text) - set(symbols[:-1]):
            raise ValueError(f"{text!r} has {', '.join(map(repr, sorted(strange)))}, which the table does not have")
        super().__init__(table=table.tolist(), symbols=symbols, text=text)
