"""`make lab`, by the Makefile's own command: 00 is open, and the pictures that a notebook links to are there."""

import shlex
import shutil
import subprocess

import pytest
from browsing import ROOT, jupyter, wait_for


@pytest.fixture(scope="module")
def page(browser, tmp_path_factory):
    if not shutil.which("make"):
        pytest.skip("no make found")
    if not (ROOT / ".venv" / "ready").exists():
        pytest.skip("no .venv made by `make`")
    recipe = subprocess.run(
        ["make", "--no-print-directory", "--dry-run", "--assume-old=.venv/ready", "lab"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    (line,) = recipe.splitlines()
    with jupyter(shlex.split(line), tmp_path_factory.mktemp("make_lab"), ROOT) as address:
        opened = browser.new_page()
        opened.goto(address)
        opened.wait_for_selector(".jp-Notebook .jp-MarkdownCell", timeout=90_000)
        yield opened
        opened.close()


def test_the_first_notebook_is_open(page):
    assert page.locator(".jp-Notebook h1").first.inner_text().startswith("00 · Start here")


def test_its_linked_pictures_are_there(page):
    pictures = page.locator(".jp-MarkdownCell img")
    wait_for(lambda: pictures.count(), 60, "it shows no picture")
    loaded = "all => all.every(image => image.complete && image.naturalWidth > 0 && image.alt)"
    wait_for(lambda: pictures.evaluate_all(loaded), 60, "a picture is missing, or has no alternative text")
