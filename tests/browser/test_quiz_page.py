"""A quiz in JupyterLab: an answer opens on a click and on Enter, without a kernel's help."""

import nbformat
import pytest
from browsing import Notebook


@pytest.fixture(scope="module")
def notebook(lab, browser):
    import build

    folder, address = lab
    notebook = build.learner(build.read_source("01_conversion"))
    quiz = [cell for cell in notebook.cells if build.tagged(cell, "quiz")]
    notebook.cells = [*quiz, nbformat.v4.new_code_cell("1", id="one")]
    nbformat.write(notebook, folder / "quiz.ipynb")
    opened = Notebook(browser.new_page(), address("quiz.ipynb"))
    yield opened
    opened.page.close()


def test_an_answer_tells_whether_it_is_right(notebook):
    answers = notebook.page.locator(".jp-RenderedMarkdown details")
    assert answers.count() == 15
    wrong, right = answers.nth(0), answers.nth(1)
    assert not right.locator("p").is_visible()
    right.locator("summary").click()
    assert "✔ Right." in right.locator("p").inner_text()
    wrong.locator("summary").focus()
    notebook.page.keyboard.press("Enter")
    assert "✘ No." in wrong.locator("p").inner_text()
    notebook.screenshot("quiz", ".jp-MarkdownCell")


def test_the_page_logged_no_error(notebook):
    assert notebook.errors == []
