"""The prompter of notebook 12 in a browser whose microphone plays one of its sentences, again and again."""

import numpy as np
import pytest
import soundfile
from browsing import restart_kernel, wait_for

from asr_helpers.corpus import data_dir, load_corpus
from asr_helpers.sound import read_audio

CLIP = next(clip for clip in load_corpus(data_dir() / "mini" / "test-mini") if clip.id == "9007-1-0002")


def until_prompter(source):
    return source.startswith(("import", "test =", "prompts =", "own ="))


@pytest.fixture(scope="module")
def reading(open_notebook, launch, tmp_path_factory):
    wav = tmp_path_factory.mktemp("microphone") / "clip.wav"
    silence = np.zeros(16000)
    soundfile.write(wav, np.concatenate([silence, read_audio(CLIP.path), *6 * [silence]]), 16000)
    flags = "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"
    context = launch(*flags, f"--use-file-for-fake-audio-capture={wav}")
    opened = open_notebook("12_your_voice", cells=until_prompter, context=context)
    opened.page.locator(".asr-prompter-bench").scroll_into_view_if_needed()
    yield opened
    opened.page.close()


def bench(opened):
    return opened.page.locator(".asr-prompter-bench")


def said(opened):
    return bench(opened).locator("[aria-live]").first.inner_text()


def press(opened, name, key="Enter"):
    """Press a button by the keyboard."""
    button = bench(opened).get_by_role("button", name=name)
    button.focus()
    opened.page.keyboard.press(key)
    return button


def recordings(lab):
    folder = lab[0].parent / "runs" / "voice"
    return load_corpus(folder).utterances if list(folder.rglob("*.trans.txt")) else []


def wait_for_sentence(opened, text, seconds=60):
    wait_for(lambda: text in said(opened), seconds, f"{text!r} does not come, but {said(opened)!r}")


def record(opened, seconds):
    """Record by the keyboard, with the focus staying where it is."""
    press(opened, "● record")
    status = bench(opened).locator(".asr-recorder [role=status]")
    wait_for(lambda: f"Recording: {seconds} s" in status.inner_text(), 60, "it does not record")
    opened.page.keyboard.press("Enter")


def test_another_sentence_is_refused(reading, lab):
    wait_for_sentence(reading, "Read aloud, sentence 1 of 72")
    record(reading, 4)
    wait_for_sentence(reading, "not heard")
    assert recordings(lab) == [] and bench(reading).locator("audio").count() == 1
    assert bench(reading).get_by_role("button", name="keep it anyway").is_visible()


def test_the_sentence_itself_is_kept(reading, lab):
    for _ in range(2):
        press(reading, "another sentence")
    wait_for_sentence(reading, CLIP.text.capitalize())
    for _ in range(4):  # if the microphone's file is played from anywhere on, some recordings cut the sentence
        record(reading, 9)
        wait_for(lambda: "sentence 2" in said(reading) or "not heard" in said(reading), 60, "no verdict")
        if "sentence 2" in said(reading):
            break
    (kept,) = recordings(lab)
    assert kept.text == CLIP.text and kept.speaker == "9101"
    assert "1 recording is in" in bench(reading).inner_text()


def test_how_it_looks(reading):
    place = bench(reading).locator("code")
    place.evaluate("place => place.textContent = place.textContent.replace(/.*(?=runs)/, '…/')")
    reading.screenshot("prompter", ".asr-prompter-bench")


def test_a_refused_recording_is_kept_by_keyboard(reading, lab):
    anyway = bench(reading).get_by_role("button", name="keep it anyway")
    assert not anyway.is_visible()
    record(reading, 4)  # the clip, which is another sentence than the one shown
    anyway.wait_for(timeout=60_000)
    for _ in range(20):  # from the record button onwards
        reading.page.keyboard.press("Tab")
        if "keep it anyway" in reading.page.evaluate("document.activeElement.textContent"):
            break
    reading.page.keyboard.press("Enter")
    wait_for_sentence(reading, "sentence 3 of")
    (log,) = (lab[0].parent / "runs" / "voice").rglob("doubts.tsv")
    (line,) = log.read_text().splitlines()
    assert line.startswith("9101-2-0000\t") and len(recordings(lab)) == 2
    wait_for(lambda: not anyway.is_visible(), 20, "the button stays")
    assert "another sentence" in reading.page.evaluate("document.activeElement.textContent")


def test_recordings_are_deleted_by_keyboard_after_a_second_word(reading, lab):
    yes = bench(reading).get_by_role("button", name="yes, delete them all")
    assert not yes.is_visible()
    press(reading, "delete my recordings")
    yes.wait_for(timeout=30_000)
    focused = "document.activeElement.textContent"
    wait_for(lambda: "no, keep" in reading.page.evaluate(focused), 30, "the focus is not where it does no harm")
    assert len(recordings(lab)) == 2
    press(reading, "yes, delete them all", "Space")
    wait_for_sentence(reading, "deleted")
    runs = lab[0].parent / "runs"
    assert not [*runs.rglob("*.flac"), *runs.rglob("doubts.tsv")] and not yes.is_visible()
    wait_for(lambda: "another sentence" in reading.page.evaluate(focused), 30, "the focus is lost")


def test_the_page_logged_no_error_and_tells_when_the_kernel_is_gone(reading):
    assert reading.errors == []
    restart_kernel(reading.page)
    bench(reading).locator("[role=alert]", has_text="kernel was restarted").wait_for(timeout=60_000)
