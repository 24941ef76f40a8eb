"""The bench of notebook 02 in JupyterLab: its sliders change the picture at once, and what is played back."""

import numpy as np
import pytest
from browsing import LISTEN, played, wait_for
from browsing import SENTENCE as CLIP

from asr_helpers import sound
from asr_helpers.sound import read_audio
from asr_helpers.sound.mel import level, mel_filterbank


def until_bench(source):
    return any(word in source for word in ("from asr_helpers.corpus", "load_corpus(", "SpectrogramBench("))


@pytest.fixture(scope="module")
def notebook(open_notebook):
    opened = open_notebook("02_spectrograms", cells=until_bench)
    opened.page.evaluate(LISTEN)
    opened.page.locator(".bench").scroll_into_view_if_needed()
    yield opened
    opened.page.close()


@pytest.fixture
def box(notebook):
    return notebook.page.locator(".bench")


def test_a_slider_leads_to_another_picture_at_once_and_then_to_another_sound(notebook, box, report):
    canvas = box.locator("canvas")
    before = canvas.screenshot()
    spent = box.get_by_role("slider", name="mel bins").evaluate(
        """(slider) => {
            slider.value = 40;
            const start = performance.now();
            slider.dispatchEvent(new Event("input"));
            return performance.now() - start;
        }"""
    )
    report(f"40 mel bins: the picture after {spent:.0f} ms in the browser")
    assert "4000 numbers a second" in box.inner_text() and canvas.screenshot() != before
    versions = box.get_by_role("button", name="B from the mel bins alone")
    wait_for(versions.is_visible, 60, "nothing is played back")
    _, mels = sound.spectra(level(read_audio(CLIP)), 400, 160, 512, 40)
    expected = sound.play_back(mels, 400, 160, 512)
    np.testing.assert_allclose(played(box), expected / max(1, np.abs(expected).max()), atol=1e-4)
    box.get_by_role("button", name="A recorded").click()
    np.testing.assert_allclose(played(box), level(read_audio(CLIP)), atol=1e-4)


def test_colours_change_at_a_click(notebook, box):
    before = box.locator("canvas").screenshot()
    box.get_by_label("normalise each mel bin").check()
    normal = box.locator("canvas").screenshot()
    box.get_by_label("colours").select_option("dB")
    assert len({before, normal, box.locator("canvas").screenshot()}) == 3
    notebook.screenshot("spectrogram_bench", ".bench")


def test_the_fft_follows_a_window_that_is_longer(box):
    box.get_by_label("FFT").select_option("256")
    assert "FFT 512, not 256: it must hold the window's 400 samples" in box.inner_text()
    assert box.get_by_label("FFT").input_value() == "512"


def test_empty_filters_are_named(box):
    box.get_by_role("slider", name="window").fill("10")
    box.get_by_label("FFT").select_option("256")
    box.get_by_role("slider", name="mel bins").fill("160")
    empty = int((mel_filterbank(160, 256).max(axis=0) == 0).sum())
    assert empty and f"{empty} of 160 filters are empty" in box.inner_text()


def test_the_page_logged_no_error(notebook):
    assert notebook.errors == []
