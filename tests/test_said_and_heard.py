"""What was said beside what was heard: every word of both is there once, whole, and marked by more than colour."""

import re

import pytest

from asr_helpers.show import word_diff
from asr_helpers.show.said_and_heard import LABEL, TEXT


def cells(html):
    return [
        re.sub(r"<small.*?</small>", "", cell).strip()
        for cell in re.findall(rf'<span style="{TEXT}">(.*?)</span>', html.data)
    ]


def test_lost_wrong_and_additional_words_are_marked():
    said, heard = cells(word_diff("A STEEP HILL LAY AHEAD", "A STEP HILL HAS LAY"))
    assert said == "A STEEP HILL LAY AHEAD"
    assert re.findall(r"<del .*?>(.*?)</del>", heard) == ["STEEP", "AHEAD"]
    assert re.findall(r"<ins .*?>(.*?)</ins>", heard) == ["STEP", "HAS"]
    assert re.sub(r"<(del|ins).*?</\1>", "", heard).split() == ["A", "HILL", "LAY"]
    assert heard.count("line-through") == 2 and heard.count("underline 2px") == 2


def test_nothing_heard_shows_what_was_lost_word_by_word():
    _, heard = cells(word_diff("OH NO", ""))
    assert re.findall(r"<del .*?>(.*?)</del>", heard) == ["OH", "NO"]


def test_several_transcripts_have_a_row_each_and_their_rate():
    html = word_diff("A B", {"by ear": "A C", "with a model": "A B"})
    assert re.findall(rf'<span style="{LABEL}">(.*?)</span>', html.data) == ["said", "by ear", "with a model"]
    assert re.findall(r"WER (\d+) %", html.data) == ["50", "0"]


def test_a_text_is_text():
    assert "<b>" not in word_diff("<b>A", {"<b>": "<b>B"}).data
    with pytest.raises(ValueError, match="empty"):
        word_diff(" ", "A")
