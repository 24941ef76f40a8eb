"""The bench of notebook 03 in JupyterLab: sound and picture follow a slider at once, the words a moment later."""

import time

import numpy as np
import pytest
from browsing import BULLETIN as CLIP
from browsing import LISTEN, played, restart_kernel, wait_for

from asr_helpers.sound import augment, read_audio


def until_bench(source):
    return any(
        word in source for word in ("find_spec", "import AugmentationBench", "load_corpus(", "AugmentationBench(")
    )


@pytest.fixture(scope="module")
def notebook(open_notebook):
    opened = open_notebook("03_augmentation", cells=until_bench)
    opened.page.evaluate(LISTEN)
    opened.page.locator(".bench").scroll_into_view_if_needed()
    yield opened
    opened.page.close()


@pytest.fixture
def bench(notebook):
    return Bench(notebook.page)


class Bench:
    """What a learner sees of the bench."""

    def __init__(self, page):
        self.page, self.box = page, page.locator(".bench")

    def choose(self, effect, **sliders):
        """Choose an effect and set its sliders; return the milliseconds that the browser computes for the last."""
        self.box.get_by_role("button", name=effect, exact=True).click()
        spent = 0.0
        for name, value in sliders.items():
            slider = self.box.get_by_role("slider", name=name.replace("_", " "))
            spent = slider.evaluate(
                """(slider, value) => {
                    slider.value = value;
                    const start = performance.now();
                    slider.dispatchEvent(new Event("input"));
                    return performance.now() - start;
                }""",
                value,
            )
        return spent

    def sound(self):
        return played(self.box)

    def settle(self, label):
        wait_for(lambda: f"changed by: {label}" in self.box.inner_text(), 60, f"no words after {label}")


def test_the_bench_starts_with_letters_and_words(bench):
    bench.settle("noise (snr_db 10")
    assert "WER" in bench.box.locator("[aria-live=polite]").first.inner_text()
    assert bench.box.locator(".instrument-words button").count() > 3


@pytest.mark.parametrize(
    ("effect", "sliders", "plan", "tolerance"),
    [
        ("noise", {"SNR_(dB)": 5}, {"snr_db": 5}, 1e-3),
        ("reverb", {"RT60_(s)": 0.7}, {"rt60": 0.7, "mix": 0.4}, 1e-3),
        ("speed", {"factor": 1.25}, {"factor": 1.25}, 3e-2),  # another resampling filter
        ("frequency mask", {"centre_(Hz)": 2000}, {"center": 2000, "width": 1000}, 1e-3),
        ("gaps", {"count": 7}, {"count": 7, "seconds": 0.08}, 1e-3),
    ],
)
def test_the_browser_makes_the_samples_that_python_makes(bench, report, effect, sliders, plan, tolerance):
    spent = bench.choose(effect, **sliders)
    report(f"{effect}: sound and picture after {spent:.0f} ms in the browser")
    sound, name = bench.sound(), effect.replace(" ", "_")
    expected = augment.Augmenter().apply(read_audio(CLIP), [(name, plan)], np.random.default_rng(0))
    inner = slice(1000, -1000)
    assert len(sound) == len(expected)
    assert np.abs(sound - expected)[inner].max() <= tolerance * np.abs(expected).max()
    first, value = next(iter(plan.items()))
    bench.settle(f"{name} ({first} {value:.3g}")


def test_rolling_again_takes_the_next_seed(bench):
    bench.choose("noise", **{"SNR_(dB)": 5})
    bench.box.get_by_role("button", name="Roll again").click()
    expected = augment.Augmenter().apply(read_audio(CLIP), [("noise", {"snr_db": 5})], np.random.default_rng(1))

    def same():
        sound = bench.sound()
        return np.abs(sound - expected).max() < 1e-3

    wait_for(same, 30, "the noise is not that of seed 1")


def test_the_kernel_makes_the_others(bench):
    bench.choose("time stretch", rate=0.85)
    bench.settle("time_stretch (rate 0.85")
    result = augment.Augmenter().apply(read_audio(CLIP), [("time_stretch", {"rate": 0.85})], np.random.default_rng(1))
    sound = bench.sound()
    assert len(sound) == len(result) and np.abs(sound - result).max() < 1e-3


def test_one_goes_to_and_fro_between_the_clip_and_what_became_of_it(bench):
    bench.box.get_by_role("button", name="A as recorded").click()
    assert np.abs(bench.sound() - read_audio(CLIP)).max() < 1e-3
    bench.box.get_by_role("button", name="B changed").click()
    assert len(bench.sound()) > 1.1 * len(read_audio(CLIP))


def test_the_code_is_folded_until_it_is_asked_for(bench):
    assert not bench.box.locator("pre").is_visible()
    bench.box.get_by_text("The code that makes these samples").click()
    wait_for(lambda: '"time_stretch"' in bench.box.locator("pre").inner_text(), 10, "no code")


def test_keys_stay_in_the_bench(bench):
    bench.box.get_by_role("slider", name="rate").focus()
    bench.page.keyboard.type("00")  # in JupyterLab: restart the kernel
    bench.page.wait_for_timeout(500)
    assert not bench.page.locator(".jp-Dialog").count()


def test_what_a_learner_sees(notebook, bench):
    bench.choose("noise", **{"SNR_(dB)": 0})
    bench.box.get_by_label("kind").select_option("babble")
    bench.settle("noise (snr_db 0, sound babble")
    start = time.monotonic()
    wait_for(lambda: bench.box.locator("del, ins").count(), 30, "no word is lost in the babble")
    assert time.monotonic() - start < 30
    bench.box.locator("details").evaluate("listing => listing.open = false")  # or it reaches below the window
    notebook.screenshot("augmentation_bench", ".bench")


def test_the_page_logged_no_error(notebook):
    assert notebook.errors == []


def test_a_restarted_kernel_is_noticed(bench):
    restart_kernel(bench.page)
    wait_for(lambda: "kernel was restarted" in bench.box.get_by_role("alert").last.inner_text(), 60, "no word")
