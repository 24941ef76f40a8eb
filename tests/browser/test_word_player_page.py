"""The word player in a browser, without any kernel: a word is played alone, and framed while it sounds."""

import numpy as np
import pytest
from browsing import wait_for

from asr_helpers.show.widgets import word_player_html
from asr_helpers.words import Word

WORDS = [Word("ONE", 0.2, 0.8, 1.0), Word("TWO", 1.0, 1.6, 0.5), Word("THREE", 1.9, 2.7, 0.9)]
TONE = 0.3 * np.sin(np.arange(48000) / 5).astype(np.float32)


@pytest.fixture
def page(browser):
    opened = browser.new_page()
    opened.set_content(word_player_html(TONE, WORDS))
    yield opened
    opened.close()


def framed(page):
    return [button.inner_text() for button in page.locator("button[aria-current=true]").all()]


def test_a_word_is_framed_while_it_plays_and_the_sound_ends_with_it(page):
    page.get_by_role("button", name="TWO").click()
    wait_for(lambda: framed(page) == ["TWO"], 20, "the word is not framed")
    audio = page.locator("audio")
    wait_for(lambda: audio.evaluate("audio => audio.paused"), 20, "the sound goes on")
    assert 1.5 < audio.evaluate("audio => audio.currentTime") < 1.9
    wait_for(lambda: framed(page) == [], 20, "the frame stays")


def test_the_frame_goes_from_word_to_word_with_the_whole(page):
    page.locator("audio").evaluate("audio => audio.play()")
    for word in WORDS:
        wait_for(lambda word=word: framed(page) == [word.text], 20, f"{word.text} is not framed")
