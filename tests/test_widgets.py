"""The players carry the sound they were given; the widget's controls lead to the right sound and picture."""

import asyncio
import base64
import html
import io
import re
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import soundfile

from asr_helpers import sound
from asr_helpers.corpus import Utterance
from asr_helpers.show import plots, widgets
from asr_helpers.show.widgets import augmentation, page, spectrogram
from asr_helpers.sound import augment, effects, features, log_mel, read_audio

pytestmark = pytest.mark.slow

RATE = 16000


def speechlike(seed, seconds=1.0):
    """Return noise that comes and goes four times a second."""
    samples = int(seconds * RATE)
    rise_and_fall = np.sin(4 * np.pi * np.arange(samples) / RATE) ** 2
    return (0.1 * np.random.default_rng(seed).standard_normal(samples) * rise_and_fall).astype(np.float32)


def heard(page):
    """Return the sound of each player in `page`."""
    data = re.findall(r'src="data:audio/mpeg;base64,([^"]+)"', page)
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
    page = widgets.player(speechlike(0), 'before <"x">').data
    assert 'aria-label="before &lt;&quot;x&quot;&gt;"' in page
    assert ">before &lt;&quot;x&quot;&gt;</span>" in page


@pytest.fixture(scope="module")
def utterances(tmp_path_factory):
    """Return three clips of three speakers, as a corpus holds them."""
    folder = tmp_path_factory.mktemp("corpus")
    found = []
    for speaker in (1, 2, 3):
        path = folder / f"{speaker}-1-0000.wav"
        soundfile.write(path, speechlike(speaker, 1.5 - speaker / 4), RATE)
        found.append(Utterance(path.stem, path, "CALLING ALL SHIPS", soundfile.info(path).frames))
    return found


@pytest.fixture(scope="module")
def shared(utterances):
    return widgets.AugmentationBench(utterances)


@pytest.fixture
def bench(shared):
    """Return a bench whose controls are where they were at the start."""
    shared.clip.index, shared.effect.value, shared.sound.value, shared.seed.value = 0, "noise", "white", 0
    for name, sliders in shared.panels.items():
        for key, each in sliders.items():
            each.value = augmentation.SLIDERS[name][key].first
    return shared


def rng(seed=0):
    return np.random.default_rng(seed)


def test_the_bench_starts_with_a_sound_and_a_picture(bench, utterances):
    samples = read_audio(utterances[0].path)
    assert bench.before.value == widgets.player_html(samples, "before")
    expected = effects.limit(effects.noise(samples, 10, rng()))
    np.testing.assert_array_equal(bench.result, expected)
    assert bench.after.value == widgets.player_html(expected, "after: noise (snr_db 10, sound white)")
    assert bytes(bench.picture.value).startswith(b"\x89PNG")


def test_a_slider_changes_sound_and_picture_in_place(bench):
    children, sound, picture = bench.children, bench.after.value, bench.picture.value
    bench.panels["noise"]["snr_db"].value = -10
    assert bench.children == children
    assert bench.after.value != sound and bench.picture.value != picture
    bench.panels["noise"]["snr_db"].value = 10
    assert bench.after.value == sound and bench.picture.value == picture


def test_rolling_again_takes_the_next_seed(bench):
    before = bench.result
    bench.roll.click()
    assert bench.seed.value == 1 and not np.array_equal(bench.result, before)
    bench.seed.value = 0
    np.testing.assert_array_equal(bench.result, before)


def test_another_clip_is_loaded(bench, utterances):
    before, picture = bench.before.value, bench.picture.value
    bench.clip.index = 1
    assert len(bench.result) == utterances[1].samples
    assert bench.before.value != before and bench.picture.value != picture


@pytest.mark.parametrize("effect", augment.EFFECTS)
def test_every_effect_works_at_both_ends_of_its_sliders(bench, effect):
    bench.effect.value = effect
    sliders = bench.panels[effect]
    assert bench._panel.children[-len(sliders) :] == tuple(sliders.values())
    for end in ("min", "max"):
        for each in sliders.values():
            each.value = getattr(each, end)
        plan = [(effect, {key: each.value for key, each in sliders.items()})]
        expected = augment.Augmenter().apply(bench.samples, plan, rng())
        np.testing.assert_array_equal(bench.result, expected)


@pytest.mark.parametrize("choice", [*augmentation.SLIDERS, "pink", "babble"])
def test_the_code_makes_what_is_heard(bench, choice):
    if choice in ("pink", "babble"):
        bench.sound.value = choice
    else:
        bench.effect.value = choice
        first = next(iter(bench.panels[choice].values()))
        first.value = first.max
    bench.seed.value = 5
    names = {}
    exec(bench.code, names)
    if choice == "SpecAugment":
        np.testing.assert_array_equal(names["masked"], bench.masked)
        assert (bench.masked == augment.FILL).any()
    np.testing.assert_array_equal(names["result"], bench.result)
    assert not np.array_equal(bench.result[: len(bench.samples)], bench.samples[: len(bench.result)])
    assert re.search(r'src="[^"]+"', widgets.player_html(bench.result)).group() in bench.after.value
    assert html.escape(bench.code) in bench.listing.value


def test_the_chain_draws_as_training_does(bench):
    bench.effect.value = "chain"
    bench.seed.value = next(seed for seed in range(99) if augment.Augmenter().draw(rng(seed)))
    np.testing.assert_array_equal(bench.result, augment.Augmenter()(bench.samples, rng(bench.seed.value)))
    plan = augment.Augmenter().draw(rng(bench.seed.value))
    assert html.escape(widgets.describe(plan)) in bench.after.value
    for each in bench.panels["chain"].values():
        each.value = 0
    np.testing.assert_array_equal(bench.result, bench.samples)
    assert "nothing drawn" in bench.after.value


def test_the_recogniser_hears_the_clip_before_and_after(bench, utterances, monkeypatch):
    class Echo:
        def transcribe(self, samples, decoder):
            return "CALLING ALL SHIPS" if np.array_equal(samples, bench.samples) else "CALLING OLD <SHIPS>"

    monkeypatch.setitem(bench.__dict__, "recognizer", Echo())
    bench._plain.clear()
    bench.update()
    rows = re.findall("<tr>.*?</tr>", bench.heard.value)
    assert [re.sub("<[^>]+>", " ", row).split() for row in rows] == [
        ["said", "CALLING", "ALL", "SHIPS"],
        ["heard", "before", "CALLING", "ALL", "SHIPS", "(WER", "0%)"],
        ["heard", "after", "CALLING", "OLD", "&lt;SHIPS&gt;", "(WER", "67%)"],
    ]
    assert "<b>OLD &lt;SHIPS&gt;</b>" in rows[2] and "<b>" not in rows[1]
    bench._plain.clear()


def test_a_missing_model_is_named_in_the_page_and_the_sound_still_comes(utterances):
    bench = widgets.AugmentationBench(utterances, model="nowhere.tflite")
    assert "nowhere.tflite: no such file" in bench.problem.value and not bench.heard.value
    assert len(heard(bench.after.value)) == 1


def test_covered_features_are_heard_without_what_is_covered():
    """A band of frequencies that SpecAugment covers is gone from the "after" player, too."""
    samples = speechlike(3)
    covered = features(samples)
    covered[:, 60:] = augment.FILL
    whole, rest = (log_mel(sound.play_features(each, samples)) for each in (features(samples), covered))
    swing = np.std(rest, axis=0) / np.std(whole, axis=0)  # what is covered is its mean, all the time
    assert swing[62:78].mean() < 0.5 and swing[5:55].mean() == pytest.approx(1, abs=0.2)


def lone(folder, name="1-1-0000.wav"):
    """Return the one clip of a folder, as a corpus of it would."""
    soundfile.write(folder / name, speechlike(1), RATE)
    return Utterance("1-1-0000", folder / name, "CALLING ALL SHIPS", RATE)


def test_whatever_goes_wrong_behind_a_control_is_told_and_leaves_nothing_old(tmp_path):
    bench = widgets.AugmentationBench([lone(tmp_path)])
    bench.sound.value = "babble"  # of other speakers, and there are none
    assert "at least one voice" in bench.problem.value
    assert bench.after.value == bench.heard.value == bench.listing.value == ""
    assert bench.picture.layout.display == "none" and not bytes(bench.picture.value)
    bench.sound.value = "pink"
    assert not bench.problem.value and bench.picture.layout.display is None
    assert "CALLING" in bench.heard.value and len(heard(bench.after.value)) == 1


def test_errors_of_any_class_are_told_as_text(utterances, monkeypatch):
    def broken(*_):
        raise KeyError("<b>")

    explorer = widgets.Explorer(utterances)
    monkeypatch.setattr(widgets.explorer, "read_audio", broken)
    explorer.speaker.value = "2"
    assert "KeyError" in explorer.problem.value and "&lt;b&gt;" in explorer.problem.value
    assert explorer.sound.value == explorer.facts.value == ""


def test_a_clip_that_vanished_is_named_and_another_one_still_works(tmp_path, utterances):
    gone = lone(tmp_path)
    bench = widgets.SpectrogramBench([utterances[0], replace(gone, text="GONE")])
    gone.path.unlink()
    bench.clip.index = 1
    assert "no such file" in bench.problem.value and not bench.before.value
    bench.clip.index = 0
    assert not bench.problem.value and len(heard(bench.before.value)) == 1


def test_the_code_reads_a_path_with_quotes(tmp_path):
    folder = tmp_path / 'Bob\'s "best" takes'
    folder.mkdir()
    bench = widgets.AugmentationBench([lone(folder)])
    names = {}
    exec(bench.code, names)
    np.testing.assert_array_equal(names["result"], bench.result)


def test_what_was_missed_is_marked_as_a_gap():
    assert ">–</b>" in widgets.hypothesis_html("CALLING ALL", "CALLING")
    assert "said: nothing" in widgets.hypothesis_html("CALLING", "CALLING ALL")


def test_a_pulled_slider_is_answered_once_and_with_its_last_value():
    async def pull():
        value, seen = 0, []
        late = page.Debounced(lambda: seen.append(value), 0.02)
        for value in range(5):  # noqa: B007
            late()
        assert not seen
        await asyncio.sleep(0.1)
        late()
        late.cancel()
        await asyncio.sleep(0.1)
        return seen

    assert asyncio.run(pull()) == [4]


def test_in_a_kernel_the_words_come_after_sound_and_picture(utterances, monkeypatch):
    async def move():
        bench = widgets.AugmentationBench(utterances)
        bench.panels["noise"]["snr_db"].value = 0
        assert bench.result is not None
        heard = []
        bench.heard.observe(lambda change: heard.append(change.new), "value")
        sound = bench.after.value
        await asyncio.sleep(0.02 + page.REDRAW_SECONDS)
        assert bench.after.value != sound
        await asyncio.sleep(1)
        return heard

    heard = asyncio.run(move())
    assert "WER" in heard[-1] and "…" not in heard[-1]


def test_a_plan_is_told_in_one_line():
    assert widgets.describe([("gaps", {"count": 2, "seconds": 0.0512})]) == "gaps (count 2, seconds 0.0512)"
    assert widgets.describe([]) == "nothing drawn: unchanged"


def test_the_live_curve_is_one_picture_that_grows(tmp_path, monkeypatch):
    shown, captions = [], []

    class Handle:
        def update(self, picture):
            shown[-1] = picture

    def display(picture, display_id=False):
        if not display_id:  # the text below it
            return captions.append(picture.data)
        shown.append(picture)
        return Handle()

    monkeypatch.setattr("IPython.display.display", display)
    live = plots.live_curves(tmp_path)
    drawn = []
    for epochs in (1, 2):
        rows = "".join(f"{n},{3 / n},{1 / n}\n" for n in range(1, epochs + 1))
        (tmp_path / "history.csv").write_text("epoch,loss,val_wer\n" + rows)
        live.on_epoch_end(epochs - 1, {})
        assert len(shown) == 1 and shown[0].alt
        drawn.append(shown[0].data)
    assert drawn[0] != drawn[1]
    assert len(captions) == 1 and shown[0].alt in captions[0]


def test_spectra_are_the_features_own_at_their_settings():
    samples = speechlike(4)
    power, mels = sound.spectra(samples, 400, 160, 512, 80)
    assert power.shape == (101, 257)
    np.testing.assert_allclose(np.log(mels + 1e-6), log_mel(samples), atol=1e-5)
    with pytest.raises(ValueError, match="does not fit"):
        sound.spectra(samples, 600, 160, 512, 80)


def test_what_is_played_back_has_the_mels_it_was_made_from():
    samples = speechlike(4)
    _, mels = sound.spectra(samples, 400, 160, 512, 80)
    again = sound.play_back(mels, 400, 160, 512)
    heard = np.log(sound.spectra(again, 400, 160, 512, 80)[1] + 1e-6)
    assert np.abs(heard - np.log(mels[: len(heard)] + 1e-6)).mean() < 0.5
    other = np.log(sound.spectra(speechlike(5), 400, 160, 512, 80)[1] + 1e-6)
    assert np.abs(heard - other[: len(heard)]).mean() > 0.6


@pytest.fixture(scope="module")
def spectrograms(utterances):
    return widgets.SpectrogramBench(utterances[:1])


def test_the_spectrogram_bench_writes_the_words_where_forced_alignment_finds_them(spectrograms, utterances):
    words = spectrograms.words
    assert " ".join(word.text for word in words) == utterances[0].text
    assert words[0].start >= 0 and words[-1].end <= utterances[0].seconds + 0.04
    assert all(before.end <= after.start for before, after in pairwise(words))


def test_the_spectrogram_bench_draws_what_its_sliders_say(spectrograms):
    picture, after = spectrograms.picture.value, spectrograms.after.value
    spectrograms.sliders["mels"].value = 20
    spectrograms.sliders["hop"].value = 20
    power, mels = sound.spectra(spectrograms.samples, 400, 320, 512, 20)
    np.testing.assert_array_equal(spectrograms.mels, mels)
    np.testing.assert_array_equal(spectrograms.power, power)
    np.testing.assert_array_equal(spectrograms.sound, sound.play_back(mels, 400, 320, 512))
    assert spectrograms.after.value == widgets.player_html(spectrograms.sound, "played back from 20 mel bins")
    assert spectrograms.picture.value != picture and spectrograms.after.value != after
    assert "1000 numbers a second" in spectrograms.facts.value


def test_the_fft_follows_a_window_that_is_longer(spectrograms):
    spectrograms.sliders["window"].value = 40
    assert spectrograms.fft.value == 1024
    spectrograms.fft.value = 256  # too short for 40 ms
    assert spectrograms.fft.value == 1024 and spectrograms.power.shape[1] == 513
    assert "FFT 1024, not 256: it must hold the window's 640 samples" in spectrograms.facts.value
    spectrograms.sliders["hop"].value = 30
    assert "FFT 1024" not in spectrograms.facts.value


@pytest.mark.parametrize("scale", spectrogram.SCALES)
def test_scales_and_normalisation_change_the_picture(spectrograms, scale):
    spectrograms.normalized.value, spectrograms.scale.value = False, scale
    plain = spectrograms.picture.value
    spectrograms.normalized.value = True
    assert spectrograms.picture.value != plain


def test_empty_filters_are_named(spectrograms):
    spectrograms.sliders["window"].value, spectrograms.fft.value = 10, 256
    spectrograms.sliders["mels"].value = 160
    assert re.search(r"\d+ of 160 filters are empty", spectrograms.facts.value)


def test_the_explorer_shows_the_chosen_clip_of_the_chosen_speaker(utterances):
    explorer = widgets.Explorer(utterances)
    assert explorer.utterance == utterances[0] and explorer.speaker.options == ("1", "2", "3")
    picture = explorer.picture.value
    explorer.speaker.value = "2"
    assert explorer.clip.options == (("2-1-0000: calling all ships", "2-1-0000"),)
    assert explorer.sound.value == widgets.player_html(read_audio(utterances[1].path), "2-1-0000")
    assert "CALLING ALL SHIPS" in explorer.facts.value and "1.0 s · 3 words" in explorer.facts.value
    assert explorer.picture.value != picture


def test_the_explorer_goes_on_to_the_next_clip_and_round(utterances):
    one_voice = [replace(each, id=f"1-1-000{n}") for n, each in enumerate(utterances)]
    explorer = widgets.Explorer(one_voice)
    for expected in (*one_voice[1:], one_voice[0]):
        explorer.next.click()
        assert explorer.utterance == expected and explorer.clip.value == expected.id


def test_loudness_is_in_decibels_from_full_scale_down():
    assert sound.loudness(np.ones(100)) == pytest.approx(0, abs=0.01)
    assert sound.loudness(0.1 * np.ones(100)) == pytest.approx(-20, abs=0.01)
    assert sound.loudness(np.zeros(100)) == pytest.approx(-100)
