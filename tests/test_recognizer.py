import functools
import json
import os
import random
import re
import shutil
import subprocess
import sys
import venv
import zipfile
from importlib.metadata import version

import fuzz
import keras
import numpy as np
import pytest
import soundfile

from asr_helpers.corpus import data_dir, load_corpus
from asr_helpers.export import REFERENCE, VARIANTS, quantize
from asr_helpers.network import build_model
from asr_helpers.recognizer import (
    MAX_UNCUT_SAMPLES,
    OVERLAP_SAMPLES,
    WINDOW_SAMPLES,
    Recognizer,
    RecognizerError,
    compare,
    comparison,
    evaluate,
    runtimes,
    segments,
    shipped_model,
    window_starts,
    windows,
)
from asr_helpers.sound import OUTPUT_HOP, SAMPLE_RATE, num_frames, read_audio
from asr_helpers.sound import mel as front_end
from asr_helpers.text import ALPHABET, BLANK, NUM_CLASSES
from asr_helpers.words import default_decoder, greedy, word_errors

pytestmark = pytest.mark.slow

FLOAT = ["crnn.float32.tflite", "crnn.float32.onnx"]
NEARLY_FLOAT = ["crnn.float16.tflite", "crnn.dynamic.tflite", "crnn.int8.onnx", "crnn.fast.onnx"]


@pytest.fixture(scope="module")
def utterances(mini):
    return load_corpus(mini / "test-mini").utterances[:6]


@pytest.fixture(scope="module")
def clips(utterances):
    return [read_audio(utterance.path) for utterance in utterances]


@pytest.fixture(scope="module")
def folder(clips, tmp_path_factory):
    """Every variant of a small CRNN, untrained, but its norms fit the audio and every label is used."""
    keras.utils.set_random_seed(1)
    model = build_model(lstm_layers=2, lstm_units=16, filters=(8, 16))
    spectrograms = [front_end.features(clip) for clip in clips]
    for layer in model.layers:
        if layer.name.startswith("lstm") and layer.weights and not layer.name.endswith("norm"):
            gains = [3, 1, 1] * 2  # inputs strong enough to drive the cells
            layer.set_weights([w * gain for w, gain in zip(layer.get_weights(), gains, strict=True)])
        if layer.name.endswith("_norm"):
            layer.momentum = 0.5
    for features in spectrograms * 2:
        model(features[None, :, :, None], training=True)
    logits = np.concatenate([model(features[None, :, :, None])[0] for features in spectrograms])
    kernel, bias = model.get_layer("logits").get_weights()
    model.get_layer("logits").set_weights([kernel * 4, (bias - logits.mean(axis=0)) * 4])
    path = tmp_path_factory.mktemp("models") / "small.keras"
    model.save(path)
    quantize(path, path.parent, spectrograms)
    path.unlink()
    return path.parent


@pytest.fixture(scope="module")
def recognizers(folder):
    return {name: Recognizer.load(folder / name) for name in (REFERENCE, *VARIANTS)}


@pytest.fixture(scope="module")
def long_audio(clips):
    """A recording of more than a minute, of voices one after the other."""
    return np.concatenate(clips * 4)[: 70 * SAMPLE_RATE + 1234]


# ----------------------------------------------------------------------------------- the same on each runtime


def test_log_probs_are_the_log_softmax_of_the_models_logits(recognizers, folder, clips):
    features = front_end.features(clips[0])
    logits = keras.saving.load_model(folder / REFERENCE, compile=False)(features[None, :, :, None])
    expected = keras.ops.log_softmax(logits)[0].numpy()
    log_probs = recognizers[REFERENCE].log_probs(features)
    assert log_probs.dtype == np.float32 and log_probs.shape == (len(features) // 4, 29)
    assert log_probs == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("name", FLOAT)
def test_float_runtimes_equal_keras(recognizers, clips, name):
    for samples in [*clips, clips[0][:400], clips[0][:1601]]:
        features = front_end.features(samples)
        expected = recognizers[REFERENCE].log_probs(features)
        assert recognizers[name].log_probs(features) == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize(("name", "least"), [*((name, 0.9) for name in NEARLY_FLOAT), ("crnn.int8.tflite", 0.7)])
def test_quantised_runtimes_agree_on_most_frames(recognizers, clips, name, least):
    labels = [recognizers[REFERENCE].audio_log_probs(samples).argmax(-1) for samples in clips]
    assert len(set(np.concatenate(labels))) > 20  # else agreement would be cheap
    same = [recognizers[name].audio_log_probs(s).argmax(-1) == label for s, label in zip(clips, labels, strict=True)]
    assert np.mean(np.concatenate(same)) > least


@pytest.mark.parametrize("name", [REFERENCE, *VARIANTS])
def test_an_utterance_leaves_nothing_behind(recognizers, clips, name):
    first = recognizers[name].audio_log_probs(clips[0])
    assert np.array_equal(recognizers[name].audio_log_probs(clips[0]), first)  # same length
    recognizers[name].transcribe(clips[1])
    assert np.array_equal(recognizers[name].audio_log_probs(clips[0]), first)


@pytest.mark.parametrize("name", [REFERENCE, *VARIANTS])
def test_silence_has_no_text(recognizers, name):
    assert recognizers[name].transcribe(np.zeros(SAMPLE_RATE, np.float32)) == ""
    assert recognizers[name].transcribe(np.zeros(40 * SAMPLE_RATE, np.float32)) == ""
    log_probs = recognizers[name].log_probs(np.zeros((9, 80), np.float32))
    assert log_probs.shape == (2, 29) and np.exp(log_probs).sum(axis=1) == pytest.approx(1)


def test_transcribe_hands_the_log_probs_to_the_decoder(recognizers, clips):
    recognizer = recognizers["crnn.float32.tflite"]
    assert recognizer.transcribe(clips[0]) == greedy(recognizer.audio_log_probs(clips[0])) != ""
    assert recognizer.transcribe(clips[0], decoder=lambda log_probs: str(log_probs.shape)) == "(83, 29)"


# -------------------------------------------------------------------------------------------- long recordings


@pytest.mark.parametrize(
    "samples", [MAX_UNCUT_SAMPLES + 1, 36 * SAMPLE_RATE, 36 * SAMPLE_RATE + 1, 61 * SAMPLE_RATE + 77]
)
def test_windows_cover_the_recording(samples):
    starts = np.array(window_starts(samples))
    assert starts[0] == 0 and not (starts % OUTPUT_HOP).any()
    assert (np.diff(starts) == WINDOW_SAMPLES - OVERLAP_SAMPLES).all()
    assert WINDOW_SAMPLES - 2 * OVERLAP_SAMPLES < samples - starts[-1] <= MAX_UNCUT_SAMPLES


def test_every_frame_of_a_long_recording_comes_from_the_window_that_hears_most_around_it(
    recognizers, long_audio, monkeypatch
):
    monkeypatch.setattr(windows, "_pause", lambda samples: None)
    recognizer = recognizers["crnn.float32.tflite"]
    joined = recognizer.audio_log_probs(long_audio)
    assert joined.shape == (num_frames(len(long_audio)) // 4, 29)
    alone = np.full((4, *joined.shape), np.nan, np.float32)
    heard = np.full((4, len(joined)), -1)  # frames up to the nearer end of the window
    starts = window_starts(len(long_audio))
    for row, start in enumerate(starts):
        end = start + WINDOW_SAMPLES if row < len(starts) - 1 else len(long_audio)
        window = recognizer.audio_log_probs(long_audio[start:end])
        here = slice(start // OUTPUT_HOP, start // OUTPUT_HOP + len(window))
        alone[row, here] = window
        before = np.arange(len(window)) if start else np.inf
        after = np.arange(len(window))[::-1] if here.stop < len(joined) else np.inf
        heard[row, here] = np.minimum(np.minimum(before, after), 999)
    best = heard.argmax(axis=0)
    certain = (heard == heard.max(axis=0)).sum(axis=0) == 1  # in the very middle either will do
    assert set(best) == {0, 1, 2, 3} and certain.sum() >= len(joined) - 4
    assert np.array_equal(joined[certain], alone[best, np.arange(len(joined))][certain])


@pytest.mark.parametrize("seconds", [0.5, 29.99, 30, 30.01, 36, 36.01, 37, 100, 121.3])
@pytest.mark.parametrize("block", [0.7, 10, 200])
def test_a_stream_is_heard_as_the_whole(rng, seconds, block):
    recognizer = Recognizer(lambda features: features)
    # Not a softmax of it, which would be flat.
    recognizer.log_probs = lambda features: np.repeat(features[3::4, :1], NUM_CLASSES, axis=1)
    samples = rng.normal(size=round(seconds * SAMPLE_RATE)).astype(np.float32)
    step = round(block * SAMPLE_RATE)
    pieces = list(recognizer.stream(samples[at : at + step] for at in range(0, len(samples), step)))
    assert np.array_equal(np.concatenate(pieces), recognizer.audio_log_probs(samples))
    assert len(pieces) == len(window_starts(len(samples)))


@pytest.mark.parametrize("block", [0.7, 10, 200])
def test_a_recording_is_cut_in_its_pauses(rng, block):
    """Sixty times a second of sound and a second of silence; the stand-in writes an A in the middle of each sound."""

    def sounds(features):
        assert len(features) <= 16 * 100  # a piece
        logits = np.zeros((len(features) // 4, NUM_CLASSES), np.float32)
        logits[:, BLANK] = 9
        loud = features.mean(axis=1) > 0
        edges = np.flatnonzero(np.diff(loud.astype(int), prepend=0, append=0)).reshape(-1, 2)
        logits[edges.mean(axis=1).astype(int) // 4, 2] = 19
        return logits

    samples = rng.normal(size=120 * SAMPLE_RATE) * np.repeat([0.1, 1e-4] * 60, SAMPLE_RATE)
    samples, step = samples.astype(np.float32), round(block * SAMPLE_RATE)
    recognizer = Recognizer(sounds)
    pieces = list(recognizer.stream(samples[at : at + step] for at in range(0, len(samples), step)))
    joined = np.concatenate(pieces)
    assert np.array_equal(joined, recognizer.audio_log_probs(samples))
    assert len(joined) == num_frames(len(samples)) // 4
    best = joined.argmax(axis=1)
    assert np.abs(np.flatnonzero(best == 2) * 0.04 - (0.5 + 2 * np.arange(60))).max() < 0.2
    assert (best == ALPHABET.index(" ")).sum() == len(pieces) - 1 > 25


def test_the_network_sees_no_silence_at_the_ends(rng):
    shown = []

    def stand_in(features):
        shown.append(len(features))
        return np.zeros((len(features) // 4, NUM_CLASSES), np.float32)

    samples = rng.normal(size=12 * SAMPLE_RATE) * np.repeat(
        [1e-4, 0.1, 1e-4], [5 * SAMPLE_RATE, 2 * SAMPLE_RATE, 5 * SAMPLE_RATE]
    )
    log_probs = Recognizer(stand_in).audio_log_probs(samples.astype(np.float32))
    assert 200 <= shown[0] <= 260 and log_probs.shape == (300, NUM_CLASSES)
    assert (log_probs[[*range(115), *range(185, 300)]].argmax(axis=1) == BLANK).all()
    assert (log_probs[125:175] == log_probs[150]).all()


def test_segments_are_cut_in_pauses(rng):
    """Two minutes of words of 8 frames, a space after each, and every 25 words a second of nothing."""
    frames = []
    for number in range(300):
        frames += [2 + number % 26, BLANK] * 4 + [ALPHABET.index(" ")] + [BLANK] * (25 if number % 25 == 24 else 1)
    log_probs = np.log(np.eye(NUM_CLASSES)[frames] + rng.uniform(1e-6, 2e-6, (len(frames), NUM_CLASSES)))
    parts = list(segments(np.array_split(log_probs, 7)))
    assert np.array_equal(np.concatenate([part for _, part in parts]), log_probs)
    assert [first for first, _ in parts] == np.cumsum([0, *(len(part) for _, part in parts)])[:-1].tolist()
    assert max(len(part) for _, part in parts) <= 750 and len(parts) < 9
    for _, part in parts[1:]:
        assert len(part) < 100 or (part[:12].argmax(axis=1) == BLANK).all()  # half of the second of nothing
    assert " ".join(greedy(part).strip() for _, part in parts) == greedy(log_probs).strip()


def test_a_cut_in_a_pause_ends_a_segment():
    """The language model then starts a new sentence, as it does between two recordings."""
    recognizer = Recognizer.load(shipped_model())
    people = load_corpus(data_dir() / "real").utterances[:8]
    gap = np.full(SAMPLE_RATE // 2, 1e-4, np.float32)
    samples = np.concatenate([part for each in people for part in (gap, read_audio(each.path), gap)])
    pieces = list(recognizer.stream([samples]))
    for blocks in (pieces, [np.concatenate(pieces)], np.array_split(np.concatenate(pieces), 9)):
        parts = [part for _, part in segments(blocks)]
        assert [len(part) for part in parts] == [len(piece) for piece in pieces] and len(parts) > 2


def test_nothing_but_noise_is_cut_too():
    parts = list(segments([np.eye(NUM_CLASSES)[[3] * 2000], np.eye(NUM_CLASSES)[[BLANK] * 3000]]))
    assert sum(len(part) for _, part in parts) == 5000 and max(len(part) for _, part in parts) <= 750


def test_clicks_stay_in_their_place_in_a_long_recording(rng):
    """A stand-in for a model says "A" wherever it hears a click, so nothing but the joining can err."""

    def click_detector(features):
        loudness = np.pad(features.mean(axis=1), (0, -len(features) % 4)).reshape(-1, 4).max(axis=1)
        logits = np.zeros((len(loudness), 29), np.float32)
        logits[:, BLANK], logits[:, 2] = 5, np.where(loudness > 3, 9, 0)
        return logits

    samples = (rng.normal(size=75 * SAMPLE_RATE) * 1e-3).astype(np.float32)
    clicks = np.arange(40 * OUTPUT_HOP + 160, len(samples), 100 * OUTPUT_HOP)
    samples[clicks] = 1
    heard = np.flatnonzero(Recognizer(click_detector).audio_log_probs(samples).argmax(-1) == 2)
    assert heard.tolist() == (clicks // OUTPUT_HOP).tolist()
    assert Recognizer(click_detector).transcribe(samples).replace(" ", "") == "A" * len(clicks)


# ----------------------------------------------------------------------------------------- without TensorFlow


def run(script: str, *arguments) -> str:
    command = [sys.executable, "-c", script, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_what_runs_a_model_imports_no_tensorflow():
    script = (
        "import sys; from asr_helpers import text; from asr_helpers.sound import mel;"
        "from asr_helpers.words import decoders, metrics; from asr_helpers.recognizer import evaluation, recognizer;"
        "print(*{'tensorflow', 'keras', 'onnxruntime', 'jiwer', 'librosa', 'scipy'} & set(sys.modules))"
    )
    assert run(script) == ""


def test_tflite_transcribes_where_tensorflow_is_not_installed(recognizers, folder, utterances, clips):
    name = "crnn.dynamic.tflite"
    script = (
        "import sys; sys.modules.update(dict.fromkeys(['tensorflow', 'keras', 'librosa', 'scipy']));"
        "from asr_helpers.recognizer import Recognizer; from asr_helpers.sound import read_audio;"
        "print(Recognizer.load(sys.argv[1]).transcribe(read_audio(sys.argv[2])))"
    )
    assert run(script, folder / name, utterances[0].path) == recognizers[name].transcribe(clips[0]).strip()


def test_the_shipped_model_hears_what_its_card_says(mini):
    """Its fast form; that the two are near each other is what `asr compare` shows."""
    recognizer = Recognizer.load(shipped_model())
    test = load_corpus(mini / "test-mini").utterances
    texts = [each.text for each in test]
    outputs = [recognizer.audio_log_probs(read_audio(each.path)) for each in test]
    alone, fused = (
        word_errors(texts, [decoder(each) for each in outputs]).rate for decoder in (greedy, default_decoder())
    )
    assert fused <= alone  # the shipped language model knows the harbour radio, too
    card = (mini.parent / "README.md").read_text()
    stated = float(re.search(r"`test-mini`, greedy \| WER ([\d.]+) %", card).group(1))
    assert 100 * alone == pytest.approx(stated, abs=1.5)


def test_a_fresh_process_with_the_shipped_model_is_light(clips, tmp_path):
    """What `asr transcribe` takes for ten seconds of speech, from nothing, without and with the language model."""
    soundfile.write(tmp_path / "ten.wav", np.resize(np.concatenate(clips), 10 * SAMPLE_RATE), SAMPLE_RATE)
    script = (
        "import sys, time; from asr_helpers.cli.entry import main; assert main(['transcribe', *sys.argv[1:]]) == 0;"
        "from asr_helpers.recognizer import peak_rss_mb; print(time.process_time(), peak_rss_mb() or 0)"
    )
    default_decoder()  # is compiled the first time
    for options, most_seconds, most_megabytes in ((["--no-lm"], 1.0, 150), ([], 3.5, 375)):
        *_, figures = run(script, tmp_path / "ten.wav", *options).splitlines()
        seconds, megabytes = map(float, figures.split())
        assert seconds < most_seconds  # of computing: waiting for a busy processor is not its own doing
        assert megabytes < most_megabytes


def test_a_bare_environment_is_enough(recognizers, folder, utterances, clips, mini, tmp_path):
    """ai-edge-litert, NumPy, soundfile and what these bring along: that is all a `.tflite` file needs."""
    venv.create(tmp_path / "bare", with_pip=False)
    python = tmp_path / "bare" / ("Scripts" if os.name == "nt" else "bin") / "python"
    packages = [f"{name}=={version(name)}" for name in ("ai-edge-litert", "numpy", "soundfile")]
    install = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-compile", *packages]
    try:
        pip = subprocess.run(install, capture_output=True, text=True, timeout=55)
    except subprocess.TimeoutExpired:
        pytest.skip("pip took more than 55 s to install ai-edge-litert, NumPy and soundfile")
    if pip.returncode:
        pytest.skip(f"pip could not install ai-edge-litert: {(pip.stderr.strip().splitlines() or ['?'])[-1]}")
    name = "crnn.dynamic.tflite"
    command = [python, "-m", "asr_helpers", "transcribe", utterances[0].path, "--no-lm", "--model", folder / name]
    environment = {**os.environ, "PYTHONPATH": str(mini.parents[1])}
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == recognizers[name].transcribe(clips[0]).strip() != ""
    missing = subprocess.run([python, "-c", "import tensorflow"], capture_output=True, text=True)
    assert "No module named 'tensorflow'" in missing.stderr


# ----------------------------------------------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("model.h5", "not a model"),
        ("gone.tflite", "no such file"),
        ("broken.tflite", "cannot be loaded"),
        ("broken.onnx", "cannot be loaded"),
        ("broken.keras", "cannot be loaded"),
    ],
)
def test_a_file_that_is_no_model_is_named(tmp_path, name, message):
    if name.startswith("broken"):
        (tmp_path / name).write_text("not a model at all")
    with pytest.raises(RecognizerError, match=message) as caught:
        Recognizer.load(tmp_path / name)
    assert str(tmp_path / name) in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("name", [REFERENCE, "crnn.fast.onnx"])  # LiteRT may crash on such a file
def test_a_damaged_model_runs_or_is_named(folder, tmp_path, clips, name):
    """Bytes changed all over the file: it still runs, or is refused in one line, when loaded or when run."""
    whole, features = (folder / name).read_bytes(), front_end.features(clips[0])
    for seed in range(12):
        (tmp_path / name).write_bytes(fuzz.flip(whole, random.Random(seed)))
        try:
            Recognizer.load(tmp_path / name).log_probs(features)
        except RecognizerError as error:
            assert str(error).startswith(str(tmp_path / name)) and "\n" not in str(error)


@pytest.mark.parametrize("share", [0, 0.01, 0.5, 0.99])
@pytest.mark.parametrize("name", [REFERENCE, "crnn.int8.tflite", "crnn.fast.onnx"])
def test_a_model_cut_off_is_named(folder, tmp_path, name, share):
    whole = (folder / name).read_bytes()
    (tmp_path / name).write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(RecognizerError, match=f"{name}: cannot be loaded") as error:
        Recognizer.load(tmp_path / name)
    assert "not found" not in str(error.value)


@pytest.mark.parametrize("path", ["config", "config.layers", "config.layers.3", "config.name", "registered_name"])
@pytest.mark.parametrize("value", [None, "x", []])
def test_a_keras_file_of_another_description_is_named(folder, tmp_path, clips, path, value):
    """JSON that is JSON still, but describes no model."""
    content = {
        name: zipfile.ZipFile(folder / REFERENCE).read(name) for name in zipfile.ZipFile(folder / REFERENCE).namelist()
    }
    described = json.loads(content["config.json"])
    *outer, last = [int(part) if part.isdecimal() else part for part in path.split(".")]
    functools.reduce(lambda part, key: part[key], outer, described)[last] = value
    with zipfile.ZipFile(tmp_path / "m.keras", "w") as archive:
        for name, each in content.items():
            archive.writestr(name, json.dumps(described) if name == "config.json" else each)
    try:
        Recognizer.load(tmp_path / "m.keras").log_probs(front_end.features(clips[0]))
    except RecognizerError as error:
        assert str(error).startswith(str(tmp_path / "m.keras")) and "\n" not in str(error)


@pytest.mark.parametrize("name", [REFERENCE, "crnn.int8.tflite", "crnn.fast.onnx"])
def test_a_bug_beside_a_runtime_is_not_the_files_fault(folder, clips, monkeypatch, name):
    def bug(*_):
        return np.zeros(2) + np.zeros(3)

    recognizer = Recognizer.load(folder / name)
    for helper in ("check_logits", "_log_softmax"):
        with monkeypatch.context() as patch, pytest.raises(ValueError, match="broadcast") as caught:
            patch.setattr(f"asr_helpers.recognizer.recognizer.{helper}", bug)
            recognizer.log_probs(front_end.features(clips[0]))
        assert not isinstance(caught.value, RecognizerError)


def test_a_bug_in_the_way_to_and_from_integers_is_not_the_files_fault(folder, clips, monkeypatch):
    recognizer = Recognizer.load(folder / "crnn.int8.tflite")
    monkeypatch.setattr(runtimes, "_to_integers", lambda *_: np.zeros(2) + np.zeros(3))
    with pytest.raises(ValueError, match="broadcast") as caught:
        recognizer.log_probs(front_end.features(clips[0]))
    assert not isinstance(caught.value, RecognizerError)


@pytest.mark.parametrize(("module", "package", "name"), [
    ("onnxruntime", "onnxruntime", "crnn.int8.onnx"),
    ("ai_edge_litert.interpreter", "ai-edge-litert", "crnn.int8.tflite"),
])  # fmt: skip
def test_a_missing_runtime_is_named_as_pip_knows_it(folder, monkeypatch, module, package, name):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(RecognizerError, match=f"pip install {package}$"):
        Recognizer.load(folder / name)


@pytest.mark.parametrize(
    ("mode", "name"), [("predict", REFERENCE), ("eager", REFERENCE), ("no XNNPACK", "crnn.float32.tflite")]
)
def test_other_ways_of_running_a_model_say_the_same(recognizers, folder, clips, mode, name):
    expected = recognizers[REFERENCE].audio_log_probs(clips[0])
    other = Recognizer.load(folder / name, mode=mode).audio_log_probs(clips[0])
    assert other == pytest.approx(expected, abs=1e-3)


def test_an_unknown_way_is_named(folder):
    with pytest.raises(ValueError, match="'eager'"):
        Recognizer.load(folder / "crnn.fast.onnx", mode="eager")


@pytest.mark.parametrize(
    ("logits", "message"),
    [
        (lambda features: np.zeros((len(features) // 4, 5)), "m.onnx: gives .*is it a model"),
        (lambda features: np.zeros((3, len(features) // 4, 29)), "m.onnx: gives .*is it a model"),
        (lambda features: np.full((len(features) // 4, 29), np.nan), "m.onnx: .*NaN"),
    ],
)
def test_a_model_that_fails_when_it_runs_is_named(rng, logits, message):
    with pytest.raises(RecognizerError, match=message) as caught:
        Recognizer(logits, name="m.onnx").log_probs(rng.normal(size=(40, 80)))
    assert len(str(caught.value).splitlines()) == 1


def test_a_function_that_fails_is_a_bug(rng):
    def failing(features):
        raise RuntimeError("a bug")

    with pytest.raises(RuntimeError, match=r"^a bug$"):
        Recognizer(failing, name="m.onnx").log_probs(rng.normal(size=(40, 80)))


def test_a_model_that_never_ends_is_stopped(tmp_path, monkeypatch, rng):
    from onnx import TensorProto, helper, numpy_helper

    def tensor(name, shape, dtype=TensorProto.FLOAT):
        return helper.make_tensor_value_info(name, dtype, shape)

    def same(source, target):
        return helper.make_node("Identity", [source], [target])

    inside = [tensor("n", [], TensorProto.INT64), tensor("go", [], TensorProto.BOOL), tensor("a", None)]
    after = [tensor("went", [], TensorProto.BOOL), tensor("b", None)]
    body = helper.make_graph([same("go", "went"), same("a", "b")], "body", inside, after)
    loop = helper.make_node("Loop", ["most", "on", "log_mel"], ["logits"], body=body)
    often = [numpy_helper.from_array(np.int64(2**62), "most"), numpy_helper.from_array(np.bool_(True), "on")]
    ends = [[tensor(name, ["b", "f", 80, 1])] for name in ("log_mel", "logits")]
    graph = helper.make_graph([loop], "endless", *ends, often)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    (tmp_path / "endless.onnx").write_bytes(model.SerializeToString())
    monkeypatch.setattr(runtimes, "ONNX_GRACE_SECONDS", 0.2)
    with pytest.raises(RecognizerError, match=r"endless.onnx: fails when it runs \("):
        Recognizer.load(tmp_path / "endless.onnx").log_probs(rng.normal(size=(8, 80)))


@pytest.mark.parametrize("shape", [(0, 80), (10, 40), (1, 10, 80)])
def test_features_of_another_shape_are_refused(recognizers, shape):
    with pytest.raises(ValueError, match="frames, 80"):
        recognizers["crnn.float32.onnx"].log_probs(np.ones(shape, np.float32))


# ------------------------------------------------------------------------------------------------- comparison


def test_compare_measures_every_model_in_a_folder(folder, utterances, recognizers, clips, tmp_path):
    names = [REFERENCE, "crnn.int8.onnx", "crnn.float32.tflite", "crnn.int8.tflite"]
    for name in names:
        (tmp_path / name).symlink_to(folder / name)
    (tmp_path / "notes.txt").write_text("not a model")
    found = compare(tmp_path, utterances, threads=(1,), other_modes=True)
    assert found.utterances == 6
    assert found.audio_seconds == pytest.approx(sum(map(len, clips)) / SAMPLE_RATE)
    assert [variant.name for variant in found.variants] == names
    keras_, _, tflite, int8 = found.variants
    assert keras_.frame_agreement == tflite.frame_agreement == 1 > int8.frame_agreement > 0.7
    assert keras_.cer == tflite.cer > 0
    assert keras_.wer_change == 0 and keras_.wer_change_ci95 == [0, 0]
    assert int8.wer_change == pytest.approx(int8.wer - keras_.wer)
    assert int8.wer_change_ci95[0] <= int8.wer_change <= int8.wer_change_ci95[1]
    assert set(keras_.other_modes) == {"predict", "eager"} and set(tflite.other_modes) == {"no XNNPACK"}
    assert keras_.other_modes["eager"]["1"] > keras_.ms_per_audio_second["1"] > 0
    for variant in found.variants:
        low, high = variant.ms_quartiles["1"]
        assert low <= variant.ms_per_audio_second["1"] <= high
        assert variant.load_seconds > 0
        assert variant.bytes == (folder / variant.name).stat().st_size
        assert variant.wer_ci95[0] <= variant.wer <= variant.wer_ci95[1]
        assert list(variant.ms_per_audio_second) == ["1"] and 0 < variant.ms_per_audio_second["1"] < 1000
    # This process holds TensorFlow; a fresh one with TFLite must not be charged for that.
    assert 20 < tflite.peak_rss_mb < 200 < keras_.peak_rss_mb


def test_compare_names_what_is_missing_or_broken(tmp_path, utterances):
    with pytest.raises(RecognizerError, match="holds no model"):
        compare(tmp_path, utterances)
    with pytest.raises(RecognizerError, match="no utterance"):
        compare(tmp_path, [])
    broken = tmp_path / "crnn.int8.tflite"
    broken.write_text("not a model")
    with pytest.raises(RecognizerError, match=r"crnn\.int8\.tflite: cannot be loaded") as caught:
        comparison.measure_apart(broken, 1, [utterances[0].path])  # in another process
    assert str(caught.value).startswith(str(tmp_path)) and "\n" not in str(caught.value)


def test_a_model_that_fails_costs_the_others_nothing(tmp_path, utterances):
    shutil.copy(shipped_model(), tmp_path / "crnn.fast.onnx")
    shutil.copy(data_dir() / "models" / "silero_vad.onnx", tmp_path / "a.onnx")
    found = compare(tmp_path, utterances[:1], threads=(1,))
    assert [variant.name for variant in found.variants] == ["crnn.fast.onnx"]
    assert len(found.problems) == 1 and found.problems[0].startswith(str(tmp_path / "a.onnx"))


def test_a_bug_in_the_measuring_process_is_a_traceback(folder):
    with pytest.raises(RuntimeError, match=r"(?s)Traceback.*IndexError") as caught:
        comparison.measure_apart(folder / "crnn.fast.onnx", 1, [])  # a mistake of the caller's, not of a file
    assert not isinstance(caught.value, RecognizerError)


# ------------------------------------------------------------------------------------------------- evaluation


def test_evaluate_scores_times_and_adds_up(recognizers, utterances, clips):
    recognizer = recognizers["crnn.float32.tflite"]
    found = recognizer.evaluate(utterances)
    texts = [recognizer.transcribe(samples) for samples in clips]
    assert found.wer == word_errors([each.text for each in utterances], texts).rate
    assert found.cer_ci95[0] <= found.cer <= found.cer_ci95[1]
    assert found.utterances == 6
    assert found.audio_seconds == pytest.approx(sum(map(len, clips)) / SAMPLE_RATE, abs=0.01)
    assert 0 < found.decoder_ms_per_audio_second < 1000 * found.real_time_factor < 1000


def test_evaluate_decodes_with_the_given_decoder(utterances, clips):
    recognizer = Recognizer(lambda features: np.zeros((len(features) // 4, NUM_CLASSES)))
    spoken = iter([each.text for each in utterances])
    found = evaluate(recognizer, zip(utterances, clips, strict=True), decoder=lambda log_probs: next(spoken))
    assert (found.wer, found.cer, found.wer_ci95_by) == (0, 0, "rule of three")
    assert found.wer_ci95 == [0, 3 / sum(len(each.text.split()) for each in utterances)]
