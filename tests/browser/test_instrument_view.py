"""The instrument in JupyterLab: it goes to and fro between several changes of a sound, and steps through a beam."""

import nbformat
import numpy as np
import pytest
from browsing import BULLETIN, LISTEN, Notebook, played, wait_for

from asr_helpers.sound import read_audio

CELL = f"""\
from pathlib import Path

from asr_helpers.recognizer import Recognizer, shipped_model
from asr_helpers.show.widgets import instrument
from asr_helpers.sound import read_audio

samples = read_audio(Path({str(BULLETIN)!r}))
changed = {{"quiet": 0.25 * samples, "backwards": samples[::-1].copy()}}
beam = [{{"D": (-1.0, 0.5), "T": (-3.0, 0.5)}}, {{"TO": (-4.0, 2.0), "DO": (-1.5, 0.0)}}]
instrument(samples, Recognizer.load(shipped_model()), changed, beam=beam, unfolded=True)"""


@pytest.fixture(scope="module")
def notebook(lab, browser):
    folder, address = lab
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3 (ipykernel)"}}
    made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(CELL)], metadata=kernel)
    nbformat.write(made, folder / "instrument.ipynb")
    opened = Notebook(browser.new_page(), address("instrument.ipynb"))
    opened.run()
    wait_for(opened.page.locator(".instrument canvas").is_visible, 60, "there is no instrument")
    opened.page.evaluate(LISTEN)
    yield opened
    opened.page.close()


@pytest.fixture
def box(notebook):
    return notebook.page.locator(".jp-OutputArea")


SHADES = """(canvas) => {
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    return new Set(new Uint32Array(data.buffer)).size;
}"""  # how many colours a canvas shows


def test_the_picture_outlives_a_change_of_theme(notebook, box):
    page, canvas = notebook.page, box.locator(".instrument canvas")
    assert canvas.evaluate(SHADES) > 100
    for name, light in (("Dark", "false"), ("Light", "true")):
        page.keyboard.press("Control+Shift+C")  # works while no part of the instrument has the focus
        palette = page.locator(".jp-ModalCommandPalette input")
        palette.fill(f"Use Theme: JupyterLab {name}")
        page.wait_for_timeout(700)  # the palette searches only when one pauses
        palette.press("Enter")
        page.locator(f'body[data-jp-theme-light="{light}"]').wait_for(state="attached")
        page.wait_for_timeout(1000)
        dark = "instrument-dark" in box.locator(".instrument").get_attribute("class").split()
        assert dark == (name == "Dark")
        assert canvas.evaluate(SHADES) > 100, f"nothing is drawn after the change to {name}"


def test_a_change_is_chosen_heard_and_compared_with_the_recording(notebook, box):
    samples = read_audio(BULLETIN)
    np.testing.assert_allclose(played(box), 0.25 * samples, atol=1e-4)
    box.get_by_role("button", name="backwards", exact=True).click()
    np.testing.assert_allclose(played(box), samples[::-1], atol=1e-4)
    backwards = box.locator(".instrument-words").inner_text()
    box.get_by_role("button", name="A as recorded").click()
    np.testing.assert_allclose(played(box), samples, atol=1e-4)
    assert "SOUP" in box.locator(".instrument-words").inner_text() and "SOUP" not in backwards
    box.get_by_role("button", name="quiet", exact=True).click()  # which leads back to B
    assert box.get_by_role("button", name="B quiet").get_attribute("aria-pressed") == "true"
    np.testing.assert_allclose(played(box), 0.25 * samples, atol=1e-4)


def test_the_beam_is_unfolded_and_stepped_through_with_the_keyboard(box):
    box.get_by_text("The beam, frame by frame").click()
    rows = box.locator(".candidates tbody tr")
    assert rows.first.inner_text().split()[0] == "DO"
    box.get_by_role("slider", name="Frame of the beam").press("ArrowLeft")
    assert rows.first.inner_text().split()[0] == "D"
    assert "Frame 1 of 2" in box.locator(".stepper-said").inner_text()


def test_what_stands_there_without_a_kernel_makes_way(notebook, box):
    fold = box.locator("details.no-kernel")
    assert fold.count() == 1 and not fold.is_visible()
    notebook.screenshot("instrument", ".jp-OutputArea")
    assert notebook.errors == []
