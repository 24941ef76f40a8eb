"""The static site, as a reader sees it: on a phone and on a screen, in the light and in the dark, without a server."""

import re
import sys
from pathlib import Path

import pytest
from browsing import SCREENSHOTS, save_figure, wait_for
from bs4 import BeautifulSoup

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "notebooks" / "tools"))

import publish

STATUS = "document.querySelector('#status').textContent"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    if not (publish.ROOT / "notebooks" / "solutions").exists():
        pytest.skip("the notebooks are not executed: make notebooks")
    return publish.build(tmp_path_factory.mktemp("site")).parent


@pytest.fixture(scope="module")
def address(site, serve):
    """The address of the site on a server."""
    return serve(site)


@pytest.fixture(scope="module")
def pages(site):
    return {path: BeautifulSoup(path.read_text(), "html.parser") for path in sorted(site.rglob("*.html"))}


def test_every_link_leads_somewhere(pages):
    anchors = {path: {element["id"] for element in page.find_all(id=True)} for path, page in pages.items()}
    for path, page in pages.items():
        for link in page.find_all("a", href=True):
            file, _, anchor = link["href"].partition("#")
            if re.match(r"[a-z]+:", file):
                continue
            target = (path.parent / file).resolve() if file else path
            assert target.exists(), f"{path.name}: {link['href']}"
            if anchor and target in anchors:
                assert anchor in anchors[target], f"{path.name}: {link['href']}"


def test_every_picture_is_there_and_described_and_nothing_is_a_raw_repr(pages):
    for path, page in pages.items():
        for image in page.find_all("img"):
            source = image["src"]
            assert source.startswith("data:") or (path.parent / source).exists(), f"{path.name}: {source}"
            assert image["alt"].strip() and not image["alt"].startswith("No description"), path.name
        assert not re.search(r"<(IPython\.|Figure size|matplotlib\.)", page.get_text()), path.name


def test_a_page_needs_no_network(pages):
    for path, page in pages.items():
        loaded = [*page.find_all(src=True), *page.find_all("link", href=True)]
        for element in loaded:
            assert not re.match("(https?:)?//", element.get("src") or element["href"]), f"{path.name}: {element}"
        assert "$$" not in page.get_text(), f"{path.name}: a formula that nothing draws"


def test_a_notebook_brings_its_players_and_its_quiz(site, pages):
    page = pages[site / "notebooks" / "02_spectrograms.html"]
    assert len(page.find_all("audio")) >= 3
    assert page.find("main").find("details")


@pytest.fixture(scope="module")
def phone(browser):
    page = browser.new_page()
    page.set_viewport_size({"width": 400, "height": 800})
    yield page
    page.close()


def test_nothing_sticks_out_on_a_phone(phone, pages):
    for path in pages:
        phone.goto(path.as_uri())
        assert phone.evaluate("document.documentElement.scrollWidth") <= 400, path.name


def test_the_search_finds_a_page(phone, site):
    phone.goto((site / "notebooks" / "01_conversion.html").as_uri())
    phone.get_by_role("searchbox").fill("mel filters griffin")
    found = phone.locator("#found a")
    assert found.count() >= 1
    found.first.click()
    assert "02_spectrograms" in phone.url
    phone.wait_for_load_state()  # the script comes at the end of a long page
    phone.get_by_role("searchbox").fill("xyzzy")
    assert phone.locator("#found").inner_text() == "nothing found"


def test_it_is_dark_where_the_reader_is(phone, site):
    phone.goto((site / "index.html").as_uri())
    colours = []
    for scheme in ("light", "dark"):
        phone.emulate_media(color_scheme=scheme)
        colours.append(phone.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert colours == ["rgb(255, 255, 255)", "rgb(22, 24, 28)"]


def test_the_first_page_recognises_speech_where_a_server_serves_it(phone, address):
    phone.goto(f"{address}index.html")
    (frame,) = wait_for(lambda: phone.frames[1:], 20, "the recogniser's frame does not open")
    status = frame.locator("#status")  # it waits for the page, which replaces the frame's empty first one
    wait_for(lambda: status.inner_text().startswith("Heard"), 60, "the recogniser does not start")
    assert len(frame.locator("#text").inner_text().split()) > 5
    assert phone.locator("img[src$='page.png']").is_hidden() and phone.locator("iframe").is_visible()
    inside = frame.evaluate("document.body.scrollHeight")
    wait_for(lambda: phone.locator("iframe").bounding_box()["height"] >= inside, 5, "the frame is too low")
    assert phone.evaluate("document.documentElement.scrollWidth") <= 400


@pytest.mark.parametrize("name", ["02_spectrograms", "03_augmentation"])
def test_a_bench_runs_without_a_kernel(browser, address, name):
    page = browser.new_page()
    page.goto(f"{address}notebooks/{name}.html")
    place = page.locator("iframe")
    place.scroll_into_view_if_needed()
    (frame,) = wait_for(lambda: page.frames[1:], 20, "the bench does not open")
    wait_for(lambda: "words right" in frame.locator("#score").inner_text(), 60, "the recogniser does not start")
    assert page.locator("img[src$='_bench.png']").is_hidden() and frame.locator("h1").is_hidden()
    frame.locator("#noise").fill("45")
    wait_for(lambda: "wrong" in frame.locator("#score").inner_text(), 30, "noise changes no word")
    page.close()


def test_without_a_server_the_first_page_shows_a_picture(phone, site):
    phone.goto((site / "index.html").as_uri())
    assert phone.locator("img[src$='page.png']").is_visible() and phone.locator("iframe").is_hidden()


def test_words_are_lost_in_noise(browser, address):
    """This is what the README shows first."""
    page = browser.new_page()
    page.set_viewport_size({"width": 860, "height": 1000})
    page.goto(f"{address}recogniser/index.html")
    wait_for(lambda: page.evaluate(STATUS).startswith("Heard"), 60, "the recogniser does not start")
    page.locator("#clips button").nth(2).click()
    wait_for(lambda: "10 words right" in page.locator("#score").inner_text(), 20, "the clean clip is not recognised")
    page.locator("#noise").fill("38")
    wait_for(lambda: "wrong" in page.locator("#score").inner_text(), 20, "the noise changes no word")
    page.evaluate("scrollTo(0, 0)")  # filling the slider has scrolled to it
    page.wait_for_timeout(500)  # until the picture is drawn
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / "page.png", clip={"x": 0, "y": 0, "width": 860, "height": 940})
    save_figure(SCREENSHOTS / "page.png")
    page.close()
