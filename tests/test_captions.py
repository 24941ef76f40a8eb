import itertools
import json

import numpy as np
import pytest

from asr_helpers.words import Word, captions, json_line, split_captions, srt, tab_lines, vtt
from asr_helpers.words.captions import MAX_LINE_CHARACTERS, MAX_SECONDS


def said(text, pauses=None, start=0.0, each=0.3):
    """Words of `each` seconds, 0.1 s apart, with longer `pauses` (place: seconds) before some."""
    words = []
    for place, word in enumerate(text.split()):
        start += (pauses or {}).get(place, 0.1)
        words.append(Word(word, start, start + each, 0.9))
        start += each
    return words


def test_a_pause_ends_a_caption():
    first, second = split_captions(said("ONE TWO THREE FOUR", {2: 1.0}))
    assert (first.lines, second.lines) == (["ONE TWO"], ["THREE FOUR"])
    assert first.start == pytest.approx(0.1) and second.start == pytest.approx(1.8)


@pytest.mark.parametrize("seed", range(20))
def test_captions_hold_every_word_once_and_fit_the_screen(seed):
    rng = np.random.default_rng(seed)
    text = " ".join("X" * rng.integers(1, 12) for _ in range(rng.integers(1, 200)))
    pauses = {int(place): 1.2 for place in rng.integers(0, 200, 4)}
    words = said(text, pauses, each=rng.uniform(0.1, 0.6))
    found = list(split_captions(words))
    assert " ".join(line for each in found for line in each.lines) == text
    for one, after in itertools.pairwise(found):
        assert one.end <= after.start
    for each in found:
        assert len(each.lines) <= 2 and max(map(len, each.lines)) <= MAX_LINE_CHARACTERS
        assert 0 < each.end - each.start <= MAX_SECONDS + 0.1


def test_a_long_stretch_is_parted_where_the_speaker_breathes():
    words = said("B " * 50, {17: 0.5}, each=0.05)
    assert " ".join(next(split_captions(words)).lines).split() == ["B"] * 17


def test_the_work_grows_with_the_words(monkeypatch):
    """Counted in characters put together, not timed: a speaker who never pauses, 1 000 words and then 4 000."""
    done, work, text_of = [], [], captions._text
    monkeypatch.setattr(captions, "_text", lambda words: done.append(len(words)) or text_of(words))
    for count in (1000, 4000):
        done.clear()
        assert sum(len(text.split()) for each in split_captions(said("WORDS " * count)) for text in each.lines) == count
        work.append(sum(done))
    assert work[1] < 6 * work[0]


@pytest.mark.parametrize(("end", "shown"), [(0.75, 0.75), (1.05, 1.05), (9.0, 1.1)])
def test_no_caption_stays_after_the_sound(end, shown):
    (caption,) = split_captions(said("JUMP IN", each=0.2), end)
    assert (caption.start, caption.end) == pytest.approx((0.1, shown))
    assert f"--> 00:00:0{shown:.3f}" in vtt(said("JUMP IN", each=0.2), end=end)


def test_lines_are_of_like_length():
    (caption,) = split_captions(said("NOW AND THEN THE WIND IS NOT WHAT IT WAS BEFORE", each=0.2))
    assert [len(line) for line in caption.lines] == [24, 22]


def test_a_word_longer_than_a_line_stands_alone():
    assert [caption.lines for caption in split_captions(said("X" * 60))] == [["X" * 60]]


def test_subrip():
    words = said("ONE TWO", {0: 3599.2, 1: 2.0})
    assert srt(words) == ("1\n00:59:59,200 --> 01:00:00,200\nONE\n\n2\n01:00:01,500 --> 01:00:02,500\nTWO\n")
    assert srt([]) == ""


def test_webvtt():
    assert vtt(said("R&D")) == "WEBVTT\n\n00:00:00.100 --> 00:00:01.100\nR&amp;D\n"
    assert vtt([]) == "WEBVTT\n"


def test_json_and_lines():
    words = said("ÄRA ONE")
    found = json.loads(json_line(words, "talk.mp3"))
    assert found["recording"] == "talk.mp3" and found["text"] == "ÄRA ONE"
    assert found["words"][1] == {"text": "ONE", "start": 0.5, "end": 0.8, "confidence": 0.9}
    assert tab_lines(words) == "0.10\t0.40\t0.900\tÄRA\n0.50\t0.80\t0.900\tONE\n"
