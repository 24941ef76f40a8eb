"""The players carry the sound they were given; the widget's controls lead to the right sound and picture."""

import base64
import io
import re

import numpy as np
import pytest
import soundfile

from asr_helpers import augment, widgets

RATE = 16000


def speechlike(seed, seconds=1.0):
    """Return noise that comes and goes four times a second."""
    samples = int(seconds * RATE)
    rise_and_fall = np.sin(4 * np.pi * np.arange(samples) / RATE) ** 2
    return (0.1 * np.random.default_rng(seed).standard_normal(samples) * rise_and_fall).astype(np.float32)


def heard(html):
    """Return the sound of each player in `html`."""
    data = re.findall(r'src="data:audio/mpeg;base64,([^"]+)"', html)
    return [soundfile.read(io.BytesIO(base64.b64decode(text)), dtype="float32") for text in data]


def test_mp3_is_the_sound_and_small():
    tone = (0.5 * np.sin(2 * np.pi * 440 * np.arange(10 * RATE) / RATE)).astype(np.float32)
    [(samples, rate)] = heard(widgets.player_html(tone))
    assert rate == RATE and len(samples) == pytest.approx(10 * RATE, abs=0.1 * RATE)
    spectrum = np.abs(np.fft.rfft(samples))
    assert np.argmax(spectrum) * RATE / len(samples) == pytest.approx(440, abs=1)
    assert np.sqrt(np.mean(samples**2)) == pytest.approx(0.5 / np.sqrt(2), rel=0.1)
    assert len(widgets.player_html(tone)) < 60_000


def test_a_loud_clip_is_turned_down_rather_than_clipped():
    [(samples, _)] = heard(widgets.player_html(4 * np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE)))
    assert np.sqrt(np.mean(samples**2)) == pytest.approx(np.sqrt(0.5), rel=0.1)  # a clipped sine has more


def test_the_player_is_named_for_eye_and_ear():
    html = widgets.player(speechlike(0), 'before <"x">').data
    assert 'aria-label="before &lt;&quot;x&quot;&gt;"' in html
    assert ">before &lt;&quot;x&quot;&gt;</span>" in html


@pytest.fixture
def box():
    return widgets.listen_and_plot({"one": speechlike(1), "two": speechlike(2, 0.5)})


def test_the_widget_starts_with_a_sound_and_a_picture(box):
    assert len(heard(box.sound.value)) == 2 and bytes(box.picture.value).startswith(b"\x89PNG")
    expected = augment.limit(augment.noise(speechlike(1), 10, np.random.default_rng(0)))
    np.testing.assert_array_equal(box.result, expected)


def test_a_slider_changes_sound_and_picture_in_place(box):
    children, sound, picture = box.children, box.sound.value, box.picture.value
    box.sliders["snr_db"].value = -10
    assert box.children == children
    assert box.sound.value != sound and box.picture.value != picture
    assert "snr_db -10" in box.sound.value
    box.sliders["snr_db"].value = 10
    assert box.sound.value == sound and box.picture.value == picture


def test_rolling_again_takes_the_next_seed(box):
    before = box.result
    box.roll.click()
    assert box.seed.value == 1 and not np.array_equal(box.result, before)
    box.seed.value = 0
    np.testing.assert_array_equal(box.result, before)


def test_another_clip_is_loaded(box):
    box.clip.value = "two"
    assert len(box.result) == RATE // 2 and "before: two" in box.sound.value


@pytest.mark.parametrize("effect", widgets.SLIDERS)
def test_every_effect_works_at_both_ends_of_its_sliders(box, effect):
    box.effect.value = effect
    assert not np.array_equal(box.result, speechlike(1))
    for end in ("min", "max"):
        for slider in box.sliders.values():
            slider.value = getattr(slider, end)
        rng, parameters = np.random.default_rng(0), {key: s.value for key, s in box.sliders.items()}
        expected = augment.Augmenter().apply(speechlike(1), [(effect, parameters)], rng)
        np.testing.assert_array_equal(box.result, expected)


def test_sliders_wait_until_they_are_let_go(box):
    assert not any(slider.continuous_update for slider in box.sliders.values())


def test_the_last_choice_draws_as_training_does(box):
    box.effect.value = widgets.DRAWN
    assert not box.sliders
    box.seed.value = next(seed for seed in range(99) if augment.Augmenter().draw(np.random.default_rng(seed)))
    rng = np.random.default_rng(box.seed.value)
    np.testing.assert_array_equal(box.result, augment.Augmenter()(speechlike(1), rng))
    plan = augment.Augmenter().draw(np.random.default_rng(box.seed.value))
    assert widgets.describe(plan) in box.sound.value


def test_a_plan_is_told_in_one_line():
    assert widgets.describe([("gaps", {"count": 2, "seconds": 0.0512})]) == "gaps (count 2, seconds 0.0512)"
    assert widgets.describe([]) == "nothing drawn: unchanged"


def test_the_live_curve_is_one_picture_that_grows(tmp_path, monkeypatch):
    shown = []

    class Handle:
        def update(self, picture):
            shown[-1] = picture

    def display(picture, display_id):
        assert display_id
        shown.append(picture)
        return Handle()

    monkeypatch.setattr("IPython.display.display", display)
    live = widgets.live_curves(tmp_path)
    drawn = []
    for epochs in (1, 2):
        rows = "".join(f"{n},{3 / n},{1 / n}\n" for n in range(1, epochs + 1))
        (tmp_path / "history.csv").write_text("epoch,loss,val_wer\n" + rows)
        live.on_epoch_end(epochs - 1, {})
        assert len(shown) == 1 and shown[0].alt
        drawn.append(shown[0].data)
    assert drawn[0] != drawn[1]
