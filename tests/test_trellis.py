"""The trellis widget gives the browser the table, and refuses one that does not fit."""

import numpy as np
import pytest

from asr_helpers.show.widgets import Trellis

TABLE = np.array([[0.5, 0.2, 0.3], [0.1, 0.6, 0.3], [0.2, 0.2, 0.6]])


def test_the_browser_gets_the_table_and_the_pages_own_modules():
    widget = Trellis(TABLE, "AB–", "ABB")
    assert widget.table == TABLE.tolist() and (widget.symbols, widget.text) == ("AB–", "ABB")
    assert 'modules["static/trellis.js"]' in widget._esm


@pytest.mark.parametrize(("table", "text", "said"), [(TABLE[:, :2], "AB", "no column"), (TABLE, "A–C", "'C', '–'")])
def test_what_does_not_fit_is_refused(table, text, said):
    with pytest.raises(ValueError, match=said):
        Trellis(table, "AB–", text)
