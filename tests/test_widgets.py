"""The players carry the sound they were given; the widget's controls lead to the right sound and picture."""

import asyncio
import base64
import copy
import io
import re
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import soundfile

from asr_helpers import sound
from asr_helpers.corpus import Utterance
from asr_helpers.recognizer import Recognizer, shipped_model
from asr_helpers.show import plots, widgets
from asr_helpers.show.widgets import augmentation, modules, page
from asr_helpers.show.widgets.instrument_view import esm
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
def recognizer():
    return Recognizer.load(shipped_model())


@pytest.fixture(scope="module")
def shared(utterances):
    return widgets.AugmentationBench(utterances)


@pytest.fixture
def bench(shared):
    """Return a bench whose controls are where they were at the start."""
    values = {name: {key: each.first for key, each in panel.items()} for name, panel in augmentation.SLIDERS.items()}
    shared.setting = {"clip": 0, "effect": "noise", "values": values, "kind": "white", "seed": 0, "turn": 0}
    return shared


def turn(bench, effect=None, parameters=None, **change):
    """Set controls as the browser does."""
    effect, values = effect or bench.setting["effect"], copy.deepcopy(bench.setting["values"])
    values[effect] |= parameters or {}
    bench.setting = {**bench.setting, **change, "effect": effect, "values": values, "turn": bench.setting["turn"] + 1}


def rng(seed=0):
    return np.random.default_rng(seed)


def pcm(content):
    return np.frombuffer(content, "<i2") / 32767


def test_the_bench_starts_with_a_sound_and_its_words(bench, utterances):
    samples = read_audio(utterances[0].path)
    np.testing.assert_allclose(pcm(bench.recorded["samples"]), samples, atol=2e-5)
    np.testing.assert_array_equal(bench.result, effects.limit(effects.noise(samples, 10, rng())))
    np.testing.assert_allclose(pcm(bench.answer["samples"]), bench.result, atol=2e-5)
    assert bench.answer["label"] == "noise (snr_db 10, sound white)" and "WER" in bench.answer["diff"]
    assert not bench.problem


def test_an_answer_names_the_turn_that_it_is_for(bench):
    turn(bench, parameters={"snr_db": -10})
    assert bench.answer["turn"] == bench.setting["turn"] == 1
    assert bench.answer["label"].startswith("noise (snr_db -10")


def test_another_clip_is_loaded(bench, utterances):
    before = bench.recorded
    turn(bench, clip=1)
    assert len(bench.result) == utterances[1].samples
    assert bench.recorded != before and bench.chance["clip"] == 1


@pytest.mark.parametrize("kind", ["white", "pink", "babble"])
def test_the_browser_gets_the_chance_that_the_kernel_draws(bench, kind):
    """With it, JavaScript makes the samples that `effects` makes; tests/browser compares them."""
    turn(bench, kind=kind, seed=7)
    noise = np.frombuffer(bench.chance["noise"], "<f4").astype(float)
    change = bench.result.astype(float) - bench.samples
    assert (change @ noise) / np.linalg.norm(change) / np.linalg.norm(noise) > 0.9999
    room = np.frombuffer(bench.chance["room"], "<f4")[: round(1.2 * 0.3 * RATE)]
    echoes = room * 10 ** (-3 * np.arange(len(room)) / RATE / 0.3)
    np.testing.assert_allclose(echoes / np.linalg.norm(echoes), effects.room_response(0.3, rng(7)), atol=1e-6)
    holed = effects.gaps(np.ones(len(bench.samples)), 4, 0.08, rng(7))
    starts = bench.chance["gaps"]["0.08"][4]
    assert len(starts) == 4 and all(np.all(holed[start : start + 1280] < 0.5) for start in starts)


@pytest.mark.parametrize("effect", augment.EFFECTS)
def test_every_effect_works_at_both_ends_of_its_sliders(bench, effect):
    for end in ("low", "high"):
        parameters = {key: getattr(each, end) for key, each in augmentation.SLIDERS[effect].items()}
        turn(bench, effect, parameters)
        expected = augment.Augmenter().apply(bench.samples, [(effect, parameters)], rng())
        np.testing.assert_array_equal(bench.result, expected)
        assert not bench.problem


@pytest.mark.parametrize("choice", [*augmentation.SLIDERS, "pink", "babble"])
def test_the_code_makes_what_is_heard(bench, choice):
    if choice in ("pink", "babble"):
        turn(bench, kind=choice, seed=5)
    else:
        first, each = next(iter(augmentation.SLIDERS[choice].items()))
        turn(bench, choice, {first: each.high}, seed=5)
    names = {}
    exec(bench.code, names)
    if choice == "SpecAugment":
        np.testing.assert_array_equal(names["masked"], bench.masked)
        assert (bench.masked == augment.FILL).any() and len(bench.answer["features"]) == 2
    np.testing.assert_array_equal(names["result"], bench.result)
    assert not np.array_equal(bench.result[: len(bench.samples)], bench.samples[: len(bench.result)])
    assert bench.answer["code"] == bench.code


def test_the_chain_draws_as_training_does(bench):
    seed = next(seed for seed in range(99) if augment.Augmenter().draw(rng(seed)))
    turn(bench, "chain", seed=seed)
    np.testing.assert_array_equal(bench.result, augment.Augmenter()(bench.samples, rng(seed)))
    assert bench.answer["label"] == widgets.describe(augment.Augmenter().draw(rng(seed)))
    turn(bench, "chain", dict.fromkeys(augmentation.SLIDERS["chain"], 0))
    np.testing.assert_array_equal(bench.result, bench.samples)
    assert "nothing drawn" in bench.answer["label"]


def test_what_training_draws_is_marked():
    assert augmentation.drawn("noise", "snr_db") == augment.Augmenter().noise_snr_db
    assert augmentation.drawn("chain", "noise_probability") is augmentation.drawn("SpecAugment", "time_masks") is None
    ranges = {
        (name, key): augmentation.drawn(name, key) for name in augment.EFFECTS for key in augmentation.SLIDERS[name]
    }
    assert {key for key, drawn in ranges.items() if drawn is None} <= {("segment_shuffle", "share")}


def test_the_recogniser_hears_the_clip_before_and_after(bench, monkeypatch):
    monkeypatch.setattr(bench, "hear", lambda log_probs: "CALLING OLD <SHIPS>")
    turn(bench, seed=1)
    assert "OLD</ins>" in bench.answer["diff"] and "&lt;SHIPS&gt;" in bench.answer["diff"]


def test_a_missing_model_is_named_in_the_page(utterances):
    bench = widgets.AugmentationBench(utterances, model="nowhere.tflite")
    assert "nowhere.tflite: no such file" in bench.problem and not bench.answer["diff"]


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


def test_whatever_goes_wrong_behind_a_control_is_said_and_leaves_nothing_old(tmp_path):
    bench = widgets.AugmentationBench([lone(tmp_path)])
    turn(bench, kind="babble")  # of other speakers, and there are none
    assert "at least one voice" in bench.problem
    assert bench.answer["diff"] == bench.answer["code"] == ""
    turn(bench, kind="pink")
    assert not bench.problem and "CALLING" in bench.answer["diff"]


def test_errors_of_any_class_are_said_as_text(utterances, monkeypatch):
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
    bench.setting = {**bench.setting, "clip": 1, "turn": 1}
    assert "no such file" in bench.problem
    bench.setting = {**bench.setting, "clip": 0, "turn": 2}
    assert not bench.problem and bench.played["turn"] == 2


def test_the_code_reads_a_path_with_quotes(tmp_path):
    folder = tmp_path / 'Bob\'s "best" takes'
    folder.mkdir()
    bench = widgets.AugmentationBench([lone(folder)])
    names = {}
    exec(bench.code, names)
    np.testing.assert_array_equal(names["result"], bench.result)


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


def test_the_spectrogram_bench_plays_back_what_its_sliders_say(spectrograms):
    spectrograms.setting = {**spectrograms.setting, "mels": 20, "hop": 20, "turn": 1}
    _, mels = sound.spectra(spectrograms.samples, 400, 320, 512, 20)
    np.testing.assert_array_equal(spectrograms.sound, sound.play_back(mels, 400, 320, 512))
    np.testing.assert_allclose(pcm(spectrograms.played["samples"]), effects.limit(spectrograms.sound), atol=2e-5)
    assert spectrograms.played["turn"] == 1


def test_the_instrument_has_the_sound_the_letters_and_the_words(recognizer, utterances):
    samples = read_audio(utterances[0].path)
    shown = widgets.instrument(samples, recognizer, 0.5 * samples, text=utterances[0].text, label="a <call>")
    log_probs = recognizer.audio_log_probs(samples)
    np.testing.assert_allclose(pcm(shown.recorded["samples"]), samples, atol=2e-5)
    np.testing.assert_array_equal(np.frombuffer(shown.recorded["log_probs"], "<f4"), log_probs.ravel())
    assert [word["text"] for word in shown.recorded["words"]] == utterances[0].text.split()
    np.testing.assert_allclose(pcm(shown.changed["changed"]["samples"]), 0.5 * samples, atol=2e-5)
    assert shown.settings["alphabet"] == recognizer.alphabet.characters
    assert shown.still.startswith(b"\x89PNG") and shown.alt.endswith("heard: CALLING ALL SHIPS")


def test_without_a_kernel_a_picture_is_folded_under_the_instrument(monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda each, **_: shown.append(each))
    widgets.instrument(speechlike(1), label="a <call>")._ipython_display_()
    live, still = shown
    assert "application/vnd.jupyter.widget-view+json" in live
    assert still.data.startswith('<details class="no-kernel"><summary>No kernel?')
    assert 'alt="spectrogram of a &lt;call&gt;"' in still.data
    shown.clear()
    drawn = plots.spectrogram(log_mel(speechlike(2)))
    drawn.alt, drawn.caption = "a cloud", "It rains."
    widgets.instrument(speechlike(1), picture=drawn, unfolded=True)._ipython_display_()
    assert shown[1].data.startswith('<details class="no-kernel" open>') and 'alt="a cloud"' in shown[1].data
    assert ">It rains.</p></details>" in shown[1].data


def test_an_instrument_goes_to_and_fro_between_several_changes():
    calm, wild = (factor * speechlike(1) for factor in (0.5, 2))
    shown = widgets.instrument(speechlike(1), changed={"calm": calm, "<wild>": wild}, label="waves")
    assert list(shown.changed) == ["calm", "<wild>"]
    np.testing.assert_allclose(pcm(shown.changed["calm"]["samples"]), calm, atol=2e-5)
    assert shown.players.count("<audio") == 3 and "waves, &lt;wild&gt;" in shown.players


def test_an_instrument_gets_the_beam_best_text_first():
    beam = [{"": (-0.1, 0.0)}, {"A": (-2.0, 0.5), "": (-1.0, 0.0)}, {"A": (-2.0, 0.5), "B": (-0.5, -3.0)}]
    shown = widgets.instrument(speechlike(1), beam=beam)
    assert [[each["text"] for each in frame] for frame in shown.beam] == [[""], ["", "A"], ["A", "B"]]
    assert shown.beam[2][1] == {"text": "B", "sound": -0.5, "language": -3.0}


def test_modules_become_one_that_node_or_a_browser_can_read(tmp_path):
    (tmp_path / "a.js").write_text('import { b } from "./b.js";\nconst own = 1;\nexport default { sum: own + b() };\n')
    (tmp_path / "b.js").write_text("const own = 2;\nexport function b() {\n  return own;\n}\n")
    text = modules.joined(tmp_path / "a.js")
    assert "import" not in text and text.index("own = 2") < text.index("own = 1") and text.count("export ") == 1
    (tmp_path / "a.js").write_text('import { missing } from "./b.js";\nexport default 1;\n')
    with pytest.raises(ValueError, match=r"missing, which b\.js does not export"):
        modules.joined(tmp_path / "a.js")


@pytest.mark.parametrize("name", ["instrument_view.js", "augmentation.js", "spectrogram.js"])
def test_a_widget_has_all_modules_of_the_page_that_it_needs(name):
    text = esm(name)
    assert not re.search("^import |^export (?!default)", text, re.MULTILINE)
    assert text.index('modules["static/instrument.js"] =') < text.index(f'modules["widgets/{name}"] =')


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
