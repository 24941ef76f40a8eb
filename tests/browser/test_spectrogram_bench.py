"""The bench of notebook 02 in a browser: its settings lead to the picture and the sound they should."""

import re
import time

import pytest
from browsing import SENTENCE as CLIP
from browsing import picture, wait_for

from asr_helpers import sound
from asr_helpers.show import widgets
from asr_helpers.sound import level, read_audio


def until_bench(source):
    return any(word in source for word in ("from asr_helpers.corpus", "load_corpus(", "SpectrogramBench("))


@pytest.fixture(scope="module")
def notebook(open_notebook):
    opened = open_notebook("02_spectrograms", cells=until_bench)
    opened.page.locator(".asr-spectra").scroll_into_view_if_needed()
    yield opened
    opened.page.close()


def address(window, hop, fft, mels):
    """Return the address of the sound that the mels of these settings are played back as."""
    _, found = sound.spectra(level(read_audio(CLIP)), window, hop, fft, mels)
    html = widgets.player_html(sound.play_back(found, window, hop, fft))
    return re.search(r'src="([^"]+)"', html).group(1)


def test_a_slider_leads_to_another_picture_and_sound(notebook, report):
    box, page = notebook.page.locator(".asr-spectra"), notebook.page
    players = box.locator("audio")
    wait_for(lambda: players.count() == 2, 60, "nothing is played back")
    assert players.nth(1).get_attribute("src") == address(400, 160, 512, 80)
    before = picture(box)
    box.get_by_role("slider", name="mel bins").focus()
    start = time.monotonic()
    for _ in range(10):
        page.keyboard.press("ArrowLeft")
    wait_for(lambda: "4000 numbers a second" in box.inner_text(), 60, "no other facts")
    wait_for(lambda: picture(box) != before, 60, "no other picture")
    seen = time.monotonic() - start
    expected = address(400, 160, 512, 40)
    wait_for(lambda: players.count() == 2 and players.nth(1).get_attribute("src") == expected, 60, "another sound")
    report(
        f"ten steps to 40 mel bins: the picture after {1000 * seen:.0f} ms, "
        f"the sound after {1000 * (time.monotonic() - start):.0f} ms"
    )
    assert box.locator("img").count() == 1


def test_colours_change_at_a_click(notebook):
    box = notebook.page.locator(".asr-spectra")
    before = picture(box)
    box.get_by_label("normalise each mel bin").check()
    wait_for(lambda: picture(box) != before, 60, "no other picture")
    before = picture(box)
    box.get_by_label("colours").select_option("dB")
    wait_for(lambda: picture(box) != before, 60, "no other picture")
    notebook.screenshot("spectrogram_bench", ".asr-spectra")


def test_an_fft_that_is_too_short_is_told(notebook):
    box = notebook.page.locator(".asr-spectra")
    box.get_by_label("FFT").select_option("256")
    wait_for(lambda: "FFT 512, not 256" in box.inner_text(), 60, "no word")
    notebook.page.wait_for_timeout(1000)
    assert "FFT 512, not 256" in box.inner_text() and box.get_by_label("FFT").input_value() == "512"


def test_the_page_logged_no_error(notebook):
    assert notebook.errors == []
