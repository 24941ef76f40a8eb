"""CTC's trellis of a short word, to step through: the browser's part, trellis.js, adds up the paths."""

from pathlib import Path

import anywidget
import numpy as np
import traitlets

from asr_helpers.words.ctc_lattice import ctc_states


class Trellis(anywidget.AnyWidget):
    """A trellis with two sliders, forward sums up to a frame and path after path; the path can be dragged, too.

    Args:
        table: probabilities, (frames, symbols), the blank last; a handful of frames, since every path is listed.
        symbols: one character for each column of `table`.
        text: the word, of these characters.

    Example:
        >>> Trellis(np.full((3, 3), 1 / 3), "AB–", "AB").names
        ['–', 'A', '–', 'B', '–']
    """

    _esm = Path(__file__).with_name("trellis.js")
    probs = traitlets.List(help="of each state in each frame").tag(sync=True)
    names = traitlets.List(help="of the states").tag(sync=True)
    skips = traitlets.List(help="whether a path may skip the state before").tag(sync=True)
    word = traitlets.Unicode().tag(sync=True)
    alt = traitlets.Unicode(help="what the drawing shows").tag(sync=True)

    def __init__(self, table: np.ndarray, symbols: str, text: str):
        states, may_skip = ctc_states([symbols.index(character) for character in text], len(symbols) - 1)
        super().__init__(
            probs=table[:, states].tolist(),
            names=[symbols[state] for state in states],
            skips=may_skip.tolist(),
            word=text,
            alt=f"CTC's trellis of {text}: {len(table)} frames by {len(states)} states",
        )
