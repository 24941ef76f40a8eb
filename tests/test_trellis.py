"""The trellis widget gives the browser the states of the lattice, and each state's probability in each frame."""

import numpy as np

from asr_helpers.show.widgets import Trellis


def test_the_browser_gets_the_states_their_probabilities_and_the_legal_skips():
    table = np.array([[0.5, 0.2, 0.3], [0.1, 0.6, 0.3], [0.2, 0.2, 0.6]])
    widget = Trellis(table, "AB–", "ABB")
    assert "".join(widget.names) == "–A–B–B–" and widget.word == "ABB"
    assert widget.skips == [False, False, False, True, False, False, False]  # the blank between two B must stay
    assert widget.probs[1] == [0.3, 0.1, 0.3, 0.6, 0.3, 0.6, 0.3]
    assert "3 frames by 7 states" in widget.alt
