"""The explorer of notebook 01 in a browser: another speaker, another clip, another sound and picture."""

import re

import pytest
from browsing import picture, wait_for

from asr_helpers.corpus import data_dir, load_corpus
from asr_helpers.show import widgets
from asr_helpers.sound import read_audio


@pytest.fixture(scope="module")
def notebook(open_notebook):
    opened = open_notebook("01_conversion", cells=lambda source: "import io" in source or "Explorer(" in source)
    yield opened
    opened.page.close()


def test_the_lists_lead_to_the_clip(notebook):
    box = notebook.page.locator(".asr-explorer")
    theirs = [u for u in load_corpus(data_dir() / "mini" / "train-mini") if u.speaker == "9005"]
    before = picture(box)
    box.get_by_label("speaker").select_option("9005")
    wait_for(lambda: theirs[0].text in box.inner_text(), 60, "the speaker's first clip does not come")
    box.get_by_role("button", name="next").click()
    wait_for(lambda: theirs[1].text in box.inner_text(), 60, "the button does not lead to the next clip")
    wait_for(lambda: picture(box) != before, 60, "no other picture")
    html = widgets.player_html(read_audio(theirs[1].path))
    assert box.locator("audio").get_attribute("src") == re.search(r'src="([^"]+)"', html).group(1)
    assert box.locator("audio").count() == box.locator("img").count() == 1
    notebook.screenshot("explorer", ".asr-explorer")


def test_the_page_logged_no_error(notebook):
    assert notebook.errors == []
