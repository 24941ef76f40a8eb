"""Notebook 05's trellis in a browser: its sums are Python's, and its paths can be gone through and dragged."""

import itertools
import json

import numpy as np
import pytest
from browsing import SCREENSHOTS, wait_for

from asr_helpers.show.widgets import Trellis
from asr_helpers.words.ctc_lattice import ctc_states, lattice, log_likelihood

PAGE = """<!doctype html><meta charset="utf-8"><link rel="stylesheet" href="style.css"><body><script type="module">
import view from "./view.js";
const state = STATE;
view.render({ model: { get: (key) => state[key] }, el: document.body });
</script>"""
SYMBOLS = "ACT–"


@pytest.fixture
def table():
    return np.random.default_rng(4).dirichlet(np.ones(4), size=5)  # the notebook's


@pytest.fixture
def shown(browser, serve, tmp_path):
    """A function that shows a trellis in a page."""
    pages = []

    def show(widget):
        state = {key: getattr(widget, key) for key in ("table", "symbols", "text")}
        (tmp_path / "view.js").write_text(widget._esm)
        (tmp_path / "style.css").write_text(widget._css)
        (tmp_path / "index.html").write_text(PAGE.replace("STATE", json.dumps(state)))
        pages.append(browser.new_page())
        pages[-1].errors = []
        pages[-1].on("pageerror", lambda error: pages[-1].errors.append(str(error)))
        pages[-1].goto(serve(tmp_path))
        return pages[-1]

    yield show
    for page in pages:
        page.close()


def spelling(table, word):
    """Return all paths, lists of states, whose symbols spell `word`."""
    labels = [SYMBOLS.index(letter) for letter in word]
    states, may_skip = ctc_states(labels, 3)

    def legal(path):
        steps = zip(np.diff(path), path[1:], strict=True)
        return all(step in (0, 1) or (step == 2 and may_skip[s]) for step, s in steps)

    ends = {len(states) - 1, len(states) - 2}
    every = itertools.product(range(len(states)), repeat=len(table))
    return [path for path in every if path[0] < 2 and path[-1] in ends and legal(path)], states


def test_sums_and_paths_are_pythons(shown, table):
    page = shown(Trellis(table, SYMBOLS, "CAT"))
    paths, states = spelling(table, "CAT")
    frame, path = (page.get_by_role("slider", name=f"{each} of the trellis") for each in ("Frame", "Path"))
    said = page.locator(".stepper-said")
    assert (frame.get_attribute("max"), path.get_attribute("max")) == ("4", str(len(paths) - 1)) == ("4", "27")
    assert said.first.inner_text().startswith("Sums up to frame 1 of 5. Node – in frame 1: ")
    frame.press("End")
    labels = np.array([SYMBOLS.index(letter) for letter in "CAT"])
    total = np.exp(log_likelihood(np.log(table), labels, blank=3))
    assert said.first.inner_text().endswith(f"The last two nodes: P(CAT) = {total:.6f}.")
    sums = np.exp(lattice(np.log(table), labels)[0])
    for node in page.locator(".trellis-node").all():
        t, s = map(int, node.get_attribute("data-node").split(","))
        assert float(node.text_content()) == pytest.approx(sums[t, s], rel=0.05)  # two digits
    path.press("End")
    assert said.last.inner_text().endswith(f"Paths 1 to 28 add up to {total:.6f}.")
    path.press("Home")
    product = np.prod(table[np.arange(5), np.array(states)[list(min(paths))]])
    assert said.last.inner_text().endswith(f"Paths 1 to 1 add up to {product:.6f}.")
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.locator(".trellis").screenshot(path=SCREENSHOTS / "trellis.png")
    assert page.errors == []


def test_a_path_is_dragged_and_its_node_spelt_out(shown, table):
    page = shown(Trellis(table, SYMBOLS, "CAT"))
    said = page.locator(".stepper-said")
    page.get_by_role("slider", name="Frame of the trellis").press("End")
    page.locator("[data-node='2,5']").click()
    assert said.first.inner_text().startswith("Sums up to frame 5 of 5. Node T in frame 3: (")
    assert page.locator("[data-node='2,5']").get_attribute("class") == "trellis-node trellis-on"
    for place in ("2,5", "2,1"):  # from one to the other
        box = page.locator(f"[data-node='{place}']").bounding_box()
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        page.mouse.down()
    page.mouse.up()
    assert ", C C C A T:" in said.last.inner_text()
    page.get_by_role("button", name="One path on").click()
    assert "Node T in frame 5" in said.first.inner_text()


def test_between_two_equal_letters_the_blank_stays(shown):
    table = np.random.default_rng(1).dirichlet(np.ones(4), size=6)
    page = shown(Trellis(table, "BOK–", "BOOK"))
    assert "".join(page.locator(".trellis-names text").all_text_contents()) == "–B–O–O–K–"
    skips = page.locator("g:has(> .trellis-line.trellis-skip)")
    assert {each.get_attribute("data-to") for each in skips.all()} == {"3", "7"}  # the first O and K
    few = shown(Trellis(table[:4], "BOK–", "BOOK"))
    assert "4 frames are too few for BOOK" in few.locator(".trellis").inner_text()


def test_a_page_that_turns_dark_takes_the_trellis_along(shown, table):
    page = shown(Trellis(table, SYMBOLS, "CAT"))
    ink = "getComputedStyle(document.querySelector('.trellis-names text')).fill"
    light = page.evaluate(ink)
    page.emulate_media(color_scheme="dark")
    wait_for(lambda: page.evaluate(ink) != light, 10, "it stays light")
