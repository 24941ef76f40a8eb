"""A quiz in JupyterLab: an answer opens on a click and on Enter, without a kernel; the set-up cell adds a score."""

import nbformat
import pytest
from browsing import Notebook


@pytest.fixture(scope="module")
def notebook(lab, browser):
    import build

    folder, address = lab
    notebook = build.learner(build.read_source("01_conversion"))
    quiz = [cell for cell in notebook.cells if build.tagged(cell, "quiz")]
    style = nbformat.v4.new_code_cell("from asr_helpers.show import plots\nplots.style()", id="one")
    notebook.cells = [*quiz, style]
    nbformat.write(notebook, folder / "quiz.ipynb")
    opened = Notebook(browser.new_page(), address("quiz.ipynb"))
    opened.run()
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


def colour(answer, what):
    return answer.evaluate(f"element => getComputedStyle(element).{what}")


def test_an_opened_answer_is_coloured_and_counts(notebook):
    answers = notebook.page.locator(".jp-RenderedMarkdown details")
    borders = {kind: colour(answers.nth(place).locator("p"), "borderLeftColor") for place, kind in enumerate("wr")}
    assert borders == {"w": "rgb(213, 94, 0)", "r": "rgb(0, 158, 115)"}
    grounds = [colour(answers.nth(place).locator("summary"), "backgroundColor") for place in range(3)]
    assert len(set(grounds)) == 3, "wrong, right, and not opened"
    score = notebook.page.locator(".quiz-score")
    counted = "element => getComputedStyle(element, '::before').content"
    assert "counter(quiz-right)" in score.evaluate(counted)
    high = score.bounding_box()["height"]
    assert high > 10, "the score is not shown"


def test_a_question_is_nearer_to_its_own_answers_than_to_the_last_ones(notebook):
    above, question, below = (
        notebook.page.locator(selector).bounding_box()
        for selector in (
            ".jp-RenderedMarkdown details >> nth=5",
            ".jp-RenderedMarkdown p:has(strong) >> text=/^3/",
            ".jp-RenderedMarkdown details >> nth=6",
        )
    )
    before = question["y"] - above["y"] - above["height"]
    after = below["y"] - question["y"] - question["height"]
    assert before > 2 * after > 0


def test_the_page_logged_no_error(notebook):
    assert notebook.errors == []
