"""The bench of notebook 03 in a browser: a slider leads to the sound, the picture and the words it should."""

import re
import time

import numpy as np
import pytest
from browsing import BULLETIN as CLIP
from browsing import picture, restart_kernel, wait_for

from asr_helpers.show import widgets
from asr_helpers.sound import SAMPLE_RATE, augment, read_audio


@pytest.fixture(scope="module")
def notebook(open_notebook):
    """Notebook 03, run from its first cell to its last."""
    opened = open_notebook("03_augmentation")
    opened.page.locator(".asr-bench").scroll_into_view_if_needed()
    yield opened
    opened.page.close()


@pytest.fixture
def bench(notebook):
    return Bench(notebook.page)


class Bench:
    """What a learner sees of the bench."""

    def __init__(self, page):
        self.page, self.box = page, page.locator(".asr-bench")

    def sound(self, place=1):
        return self.box.locator("audio").nth(place).get_attribute("src")

    def picture(self):
        return picture(self.box)

    def words(self):
        return self.box.locator("table").inner_text()

    def code(self):
        return self.box.locator("pre").text_content()

    def seconds(self):
        """The length of what the code makes."""
        names = {}
        exec(self.code(), names)
        return len(names["result"]) / SAMPLE_RATE

    def slider(self, name):
        return self.box.get_by_role("slider", name=name)

    def turn(self, name, key, times=1):
        """Press an arrow key on the slider `name`; return seconds to the new sound and picture, and to the words."""
        sound, image = self.sound(), self.box.locator("img").get_attribute("src")
        self.slider(name).focus()
        start = time.monotonic()
        for _ in range(times):
            self.page.keyboard.press(key)
        changed = lambda: self.sound() != sound and self.box.locator("img").get_attribute("src") != image  # noqa: E731
        wait_for(changed, 60, f"no new sound and picture after {key} on {name}")
        answered = time.monotonic() - start
        wait_for(lambda: "…" not in self.words(), 60, "the recogniser says nothing")
        return answered, time.monotonic() - start

    def settle(self, sound):
        wait_for(lambda: self.sound() == sound, 60, "another sound than the helper's")


def address(plan, seed=0):
    """Return the address of the sound that `plan` makes of the clip, as the page should hold it."""
    result = augment.Augmenter().apply(read_audio(CLIP), plan, np.random.default_rng(seed))
    return re.search(r'src="([^"]+)"', widgets.player_html(result)).group(1)


def clean_address():
    return re.search(r'src="([^"]+)"', widgets.player_html(read_audio(CLIP))).group(1)


def test_the_bench_starts_with_what_its_controls_say(bench):
    assert bench.sound(0) == clean_address()
    bench.settle(address([("noise", {"snr_db": 10})]))
    assert "WER" in bench.words()


def test_a_slider_leads_to_new_sound_picture_and_words(bench, report):
    image, players = bench.picture(), bench.box.locator("audio").count()
    waits = [bench.turn("SNR (dB)", "ArrowLeft") for _ in range(5)]
    bench.settle(address([("noise", {"snr_db": 5})]))
    assert bench.picture() != image
    assert bench.box.locator("audio").count() == players == 2  # nothing is piled up
    assert bench.box.locator("img").count() == 1
    answer, words = 1000 * np.median(waits, axis=0)
    report(f"a slider's answer: sound and picture after {answer:.0f} ms, words after {words:.0f} ms (median of 5)")


def test_many_moves_at_once_end_with_the_last(bench):
    bench.turn("SNR (dB)", "ArrowRight", times=12)
    bench.settle(address([("noise", {"snr_db": 17})]))
    wait_for(lambda: '"snr_db": 17' in bench.code(), 5, "the code is of another sound")
    names = {}
    exec(bench.code(), names)
    assert re.search(r'src="([^"]+)"', widgets.player_html(names["result"])).group(1) == bench.sound()


def test_rolling_again_takes_the_next_seed(bench):
    bench.box.get_by_role("button", name="roll again").click()
    bench.settle(address([("noise", {"snr_db": 17})], seed=1))


@pytest.mark.parametrize(
    ("effect", "name", "plan"),
    [
        ("reverb", "RT60", [("reverb", {"rt60": 0.7, "mix": 0.4})]),
        ("time stretch", "rate", [("time_stretch", {"rate": 0.85})]),
        ("gaps", "count", [("gaps", {"count": 7, "seconds": 0.08})]),
    ],
)
def test_the_other_effects(bench, effect, name, plan):
    bench.box.get_by_role("button", name=effect, exact=True).click()
    bench.slider(name).wait_for()
    wait_for(lambda: f'"{plan[0][0]}"' in bench.code(), 60, f"{effect} does not come up")
    bench.turn(name, "ArrowRight")
    bench.settle(address(plan, seed=1))


def test_specaugment_covers_the_picture_and_is_heard(bench):
    bench.box.get_by_role("button", name="SpecAugment").click()
    players = bench.box.locator("audio")
    wait_for(lambda: players.count() == 2 and "what is left" in bench.box.inner_text(), 60, "nothing played back")
    image, sound = bench.picture(), bench.sound()
    assert sound != bench.sound(0)
    bench.slider("bands").focus()
    bench.page.keyboard.press("ArrowLeft")
    wait_for(lambda: bench.picture() != image, 60, "no new picture")
    wait_for(lambda: players.count() == 2 and bench.sound() != sound, 60, "no new sound")


def test_the_chain_draws_what_training_draws(bench):
    seed = next(seed for seed in range(99) if augment.Augmenter().draw(np.random.default_rng(seed)))
    bench.box.get_by_role("button", name="chain").click()
    number = bench.box.locator("input[type=number]")
    number.fill(str(seed))
    number.press("Enter")
    result = augment.Augmenter()(read_audio(CLIP), np.random.default_rng(seed))
    bench.settle(re.search(r'src="([^"]+)"', widgets.player_html(result)).group(1))
    plan = widgets.describe(augment.Augmenter().draw(np.random.default_rng(seed)))
    assert plan in bench.box.locator("audio").nth(1).locator("..").inner_text()


def test_the_sound_plays(bench):
    audio = bench.box.locator("audio").nth(1)
    audio.evaluate("audio => audio.play()")
    wait_for(lambda: audio.evaluate("audio => audio.currentTime > 0.1"), 60, "the sound does not play")
    assert audio.evaluate("audio => audio.duration") == pytest.approx(bench.seconds(), abs=0.15)


def test_lists_keep_their_keys_to_themselves(bench):
    clip = bench.box.get_by_label("clip")
    first, cell = (
        clip.input_value(),
        bench.page.locator(".jp-mod-active").first.get_attribute("data-windowed-list-index"),
    )
    clip.focus()
    bench.page.keyboard.press("ArrowDown")
    wait_for(lambda: clip.input_value() != first, 10, "ArrowDown does not lead to the next clip")
    bench.page.keyboard.type("00")  # in JupyterLab: restart the kernel
    bench.page.wait_for_timeout(500)
    assert not bench.page.locator(".jp-Dialog").count()
    assert bench.page.locator(".jp-mod-active").first.get_attribute("data-windowed-list-index") == cell
    clip.select_option(first)
    wait_for(lambda: bench.sound(0) == clean_address(), 60, "the first clip does not come back")


def test_the_code_stays_folded_where_it_was_folded(bench):
    bench.box.get_by_text("the code that makes these samples").click()
    wait_for(lambda: not bench.box.locator("pre").is_visible(), 10, "it does not fold")
    bench.box.get_by_role("button", name="noise", exact=True).click()
    bench.turn("SNR (dB)", "ArrowLeft")
    assert not bench.box.locator("pre").is_visible()
    bench.box.get_by_text("the code that makes these samples").click()
    bench.turn("SNR (dB)", "ArrowRight")


def test_the_picture_is_not_blown_up(bench):
    size = "image => [image.clientWidth, image.naturalWidth, image.clientHeight, image.naturalHeight]"
    width, natural, height, high = bench.box.locator("img").evaluate(size)
    assert bench.box.locator("img").get_attribute("alt").startswith("spectrograms")
    assert width <= natural and height / width == pytest.approx(high / natural, rel=0.02)


def test_the_chain_says_that_it_takes_probabilities(bench):
    bench.box.get_by_role("button", name="chain").click()
    wait_for(lambda: "How probable" in bench.box.inner_text(), 10, "no word about probabilities")


def test_every_control_is_reached_by_tab_and_named(bench):
    bench.box.locator("select").first.focus()
    seen = []
    for _ in range(40):
        seen.append(
            bench.page.evaluate("document.activeElement.closest('.asr-bench') && document.activeElement.tagName")
        )
        bench.page.keyboard.press("Tab")
    assert {"SELECT", "INPUT", "BUTTON", "AUDIO"} <= set(seen)
    assert all(name for name in bench.box.get_by_role("slider").evaluate_all("all => all.map(each => each.ariaLabel)"))
    assert all(title for title in bench.box.locator("button").evaluate_all("all => all.map(each => each.title)"))


def test_what_a_learner_sees(notebook, bench):
    bench.box.get_by_role("button", name="noise", exact=True).click()
    bench.box.get_by_label("kind").select_option("babble")
    wait_for(lambda: "crowd" in bench.code() and "…" not in bench.words(), 60, "no babble")
    notebook.screenshot("augmentation_bench", ".asr-bench")


def test_the_page_logged_no_error(notebook):
    assert notebook.errors == []


def test_a_restarted_kernel_is_told(bench):
    restart_kernel(bench.page)
    wait_for(lambda: "kernel was restarted" in bench.box.get_by_role("alert").last.inner_text(), 60, "no word")
