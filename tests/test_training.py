import csv
import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import pytest

from asr_helpers.batches import Speech, load_speech, validation_batches, write_records
from asr_helpers.corpus import CorpusError, load_corpus
from asr_helpers.network import build_model, ctc_loss, rebuild
from asr_helpers.recognizer import Recognizer, shipped_model
from asr_helpers.system import files
from asr_helpers.training import (
    PROFILES,
    Progress,
    RunFolder,
    TrainingError,
    WarmUpAndDecay,
    WeightAverage,
    new_model,
    train,
    trapezoid,
)

pytestmark = pytest.mark.slow

TINY = replace(PROFILES["ci"], epochs=3, batch_seconds=60, filters=(4, 4), lstm_units=8, averaged_epochs=2)


@pytest.fixture(scope="module")
def speech(mini):
    return load_speech(mini / "dev-mini")


@pytest.fixture(scope="module")
def recognizer():
    return Recognizer.load(shipped_model())


def run(speech, folder, profile=TINY, **options):
    return train(speech, speech, folder, profile, **options)


@pytest.fixture(scope="module")
def unbroken(speech, tmp_path_factory):
    folder = tmp_path_factory.mktemp("unbroken")
    return folder, run(speech, folder)


def test_it_learns_and_keeps_the_best(unbroken, capsys):
    folder, history = unbroken
    assert [row["epoch"] for row in history] == [1, 2, 3]
    assert history[-1]["loss"] < history[0]["loss"]
    best = keras.saving.load_model(folder / "best.keras", safe_mode=True)
    assert not best.compiled
    assert all(type(layer).__module__.startswith("keras.") for layer in best.layers)
    with (folder / "history.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert float(rows[2]["val_wer"]) == pytest.approx(history[2]["val_wer"], rel=1e-5)
    assert sorted(path.name for path in folder.iterdir()) == [
        "best.keras",
        "epoch-0003.keras",
        "history.csv",
        "state.json",
        "weights-0002.npz",
        "weights-0003.npz",
    ]


def test_what_is_measured_and_kept_is_the_mean_of_the_last_epochs(speech, unbroken, tmp_path):
    folder = shutil.copytree(unbroken[0], tmp_path / "run")
    state = json.loads((folder / "state.json").read_text())
    (folder / "state.json").write_text(json.dumps(state | {"best": None}))  # the next epoch will be the best
    history = run(speech, folder, replace(TINY, epochs=4), resume=True)
    last_two = [list(np.load(folder / f"weights-000{epoch}.npz").values()) for epoch in (3, 4)]
    best = keras.saving.load_model(folder / "best.keras")
    for kept, *pair in zip(best.weights, *last_two, strict=True):
        if "seed_generator" not in kept.path:
            np.testing.assert_allclose(kept, np.mean(pair, axis=0), rtol=1e-5, atol=1e-7, err_msg=kept.path)
            assert "kernel" not in kept.path or not np.allclose(*pair, atol=1e-5)
    losses = [ctc_loss(targets, best(x)) for x, targets in validation_batches(speech, TINY.batch_seconds)]
    assert history[3]["val_loss"] == pytest.approx(np.concatenate(losses).mean(), rel=1e-4)


KILLED_RUN = """
import os, signal, sys
from pathlib import Path
import keras
from asr_helpers.batches import load_speech
from tests.test_training import run

class Kill(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        if (self.epoch, batch) == (1, 2):
            os.kill(os.getpid(), signal.SIGKILL)

run(load_speech(sys.argv[1]), Path(sys.argv[2]), callbacks=[Kill()])
"""


def test_killed_in_the_middle_of_an_epoch_and_resumed_it_equals_the_unbroken_run(mini, speech, unbroken, tmp_path):
    script = [sys.executable, "-c", KILLED_RUN, str(mini / "dev-mini"), str(tmp_path)]
    environment = os.environ | {"PYTHONPATH": str(mini.parent.parent)}
    assert subprocess.run(script, env=environment, capture_output=True).returncode == -signal.SIGKILL
    assert len(json.loads((tmp_path / "state.json").read_text())["history"]) == 1
    history = run(speech, tmp_path, resume=True)
    for ours, theirs in zip(history, unbroken[1], strict=True):
        for name, value in theirs.items():
            assert ours[name] == pytest.approx(value, rel=2e-3), name


@pytest.mark.parametrize(
    ("done", "rate"), [(0, 0.02), (0.024, 0.5), (0.049, 1), (0.5, 1), (0.75, 0.5), (0.999, 0.002), (1.2, 0.002)]
)
def test_the_learning_rate_is_a_trapezoid(done, rate):
    assert trapezoid(done) == pytest.approx(rate)


def test_the_plateau_remembers_its_patience(speech, tmp_path):
    profile = replace(TINY, reduce_on_plateau=True)
    run(speech, tmp_path, replace(profile, epochs=1))
    state = json.loads((tmp_path / "state.json").read_text())
    state["plateau"] = {"wait": 1, "best": 0.0, "cooldown_counter": 0}  # one bad epoch seen, one more to go
    (tmp_path / "state.json").write_text(json.dumps(state))
    history = run(speech, tmp_path, replace(profile, epochs=2), resume=True)
    assert history[1]["learning_rate"] == pytest.approx(TINY.learning_rate)
    assert json.loads((tmp_path / "state.json").read_text())["plateau"]["wait"] == 0  # reduced, counting anew


def test_a_folder_is_not_trained_over(speech, unbroken, tmp_path):
    with pytest.raises(TrainingError, match="already holds a run"):
        run(speech, unbroken[0])
    with pytest.raises(TrainingError, match="no run to resume"):
        run(speech, tmp_path, resume=True)
    with pytest.raises(TrainingError, match="another lstm_units"):
        run(speech, unbroken[0], replace(TINY, lstm_units=9), resume=True)


def copied(unbroken, tmp_path):
    return shutil.copytree(unbroken[0], tmp_path / "run")


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("state.json", lambda content: b""),
        ("state.json", lambda content: b"{}"),
        ("state.json", lambda content: b"[" * 100_000),
        ("state.json", lambda content: content.replace(b'"history": [', b'"history": null, "x": [')),
        ("state.json", lambda content: content.replace(b"epoch-0003.keras", b"../../etc/passwd")),
        ("epoch-0003.keras", lambda content: b""),
        ("epoch-0003.keras", lambda content: content[: len(content) // 2]),
        ("epoch-0003.keras", None),
        ("weights-0002.npz", lambda content: content[: len(content) // 2]),
        ("weights-0003.npz", None),
    ],
)
def test_a_damaged_run_names_the_file(unbroken, tmp_path, name, damage):
    file = copied(unbroken, tmp_path) / name
    content = file.read_bytes()
    file.unlink()
    if damage:
        file.write_bytes(damage(content))
    config = json.loads((unbroken[0] / "state.json").read_text())["config"]
    run_folder = RunFolder(tmp_path / "run", config, WarmUpAndDecay(1e-3, 10), WeightAverage(2))
    with pytest.raises(TrainingError, match="missing or damaged") as error:
        run_folder.load()
    assert str(error.value).startswith(f"{file}: ") and "\n" not in str(error.value)


def test_a_run_notices_other_speech(speech, unbroken, tmp_path):
    folder = copied(unbroken, tmp_path)
    changed = replace(speech.utterances[0], text="SOMETHING ELSE")
    other = replace(speech, utterances=[changed, *speech.utterances[1:]])
    with pytest.raises(TrainingError, match="another training speech, validation speech; restore that"):
        run(other, folder, replace(TINY, epochs=4), resume=True)


def test_the_checkpoint_before_stays_until_the_next_epoch_counts(speech, tmp_path, monkeypatch):
    seen, real = [], files.atomic_write

    def atomic_write(path, *rest):
        seen.append((path.name, sorted(each.name for each in tmp_path.glob("epoch-*"))))
        return real(path, *rest)

    monkeypatch.setattr(files, "atomic_write", atomic_write)
    run(speech, tmp_path, replace(TINY, epochs=2))
    assert ("state.json", ["epoch-0001.keras", "epoch-0002.keras"]) in seen
    assert [path.name for path in tmp_path.glob("epoch-*")] == ["epoch-0002.keras"]


def test_a_full_disk_is_one_line_that_names_the_file_and_keeps_the_epoch_before(speech, tmp_path, monkeypatch):
    real = keras.Model.save

    def save(model, path, *rest, **options):
        if "epoch-0002" in str(path):
            Path(path).write_bytes(b"half")
            raise RuntimeError("Unable to write to file\n(errno = 28, No space left on device)")
        return real(model, path, *rest, **options)

    monkeypatch.setattr(keras.Model, "save", save)
    with pytest.raises(TrainingError, match=r"epoch-0002\.keras: cannot be written") as error:
        run(speech, tmp_path, replace(TINY, epochs=2))
    assert "\n" not in str(error.value)
    assert sorted(path.name for path in tmp_path.glob("*epoch*")) == ["epoch-0001.keras"]
    monkeypatch.undo()
    assert len(run(speech, tmp_path, replace(TINY, epochs=2), resume=True)) == 2


@pytest.mark.parametrize("which", ["training", "validation"])
def test_speech_that_vanishes_ends_the_training_with_one_line(mini, tmp_path, which):
    for name in ("training", "validation"):
        shutil.copytree(next((mini / "dev-mini").iterdir()), tmp_path / name / "9001")

    class Vanish(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 1:
                shutil.rmtree(tmp_path / which)

    speech, valid = load_speech(tmp_path / "training"), load_speech(tmp_path / "validation")
    with pytest.raises(TrainingError, match="can be read any more") as error:
        train(speech, valid, tmp_path / "run", replace(TINY, epochs=9, batch_seconds=4), callbacks=[Vanish()])
    assert "\n" not in str(error.value)
    assert 1 <= len(json.loads((tmp_path / "run/state.json").read_text())["history"]) < 9


@pytest.mark.parametrize("which", ["training", "validation"])
def test_a_shard_that_is_damaged_inside_is_named(mini, tmp_path, which):
    clips = load_corpus(next((mini / "dev-mini").iterdir())).utterances
    write_records(clips, tmp_path / "records")
    (shard,) = (tmp_path / "records").glob("*.tfrecord")
    content = bytearray(shard.read_bytes())
    content[len(content) // 2] ^= 1
    shard.write_bytes(content)
    damaged, whole = load_speech(tmp_path / "records"), Speech("whole", clips)
    with pytest.raises(CorpusError, match=r"tfrecord: missing or damaged; run `asr prepare`") as error:
        list(validation_batches(damaged, 20))
    assert str(error.value).startswith(str(shard)) and "\n" not in str(error.value)
    both = (damaged, whole) if which == "training" else (whole, damaged)
    with pytest.raises(TrainingError) as again:
        train(*both, tmp_path / "run", replace(TINY, epochs=1), sentences=0)
    assert str(again.value) == f"{error.value}, then continue with --resume"


def test_training_starts_from_the_weights_of_a_model(unbroken):
    best = unbroken[0] / "best.keras"
    for ours, theirs in zip(new_model(TINY, best).weights, keras.saving.load_model(best).weights, strict=True):
        if "seed_generator" not in theirs.path:
            np.testing.assert_array_equal(ours, theirs, ours.path)
    with pytest.raises(TrainingError, match=r"best.keras: .* weights, where the profile has"):
        new_model(replace(TINY, lstm_units=9), best)
    with pytest.raises(TrainingError, match=r"nosuch\.keras: cannot be loaded"):
        new_model(TINY, best.with_name("nosuch.keras"))


def test_a_spliced_run_goes_on_spliced(speech, recognizer, unbroken, tmp_path):
    whole, half = tmp_path / "whole", tmp_path / "half"
    history = run(speech, whole, replace(TINY, epochs=2), splice=recognizer.audio_log_probs)
    assert history[0]["loss"] != pytest.approx(unbroken[1][0]["loss"], rel=1e-4)  # it heard other sentences
    run(speech, half, replace(TINY, epochs=1), splice=recognizer.audio_log_probs)
    with pytest.raises(TrainingError, match="another splice; restore that"):
        run(speech, half, resume=True)
    (whole / "cuts.json").replace(half / "cuts.json")
    # The schedule is of another length, so only what was heard is compared: the first epoch of both.
    again = run(speech, half, replace(TINY, epochs=2), resume=True, splice=not_called)
    assert again[1]["loss"] == pytest.approx(history[1]["loss"], rel=0.05)


def not_called(samples):
    raise AssertionError("all clips have their cuts")


@pytest.mark.parametrize("consistency", [0.0, 0.2])
def test_what_helps_in_training_is_not_kept(speech, tmp_path, consistency):
    profile = replace(
        TINY, lstm_layers=2, intermediate_weight=0.3, smoothness_weight=0.2, consistency_weight=consistency, epochs=1
    )
    run(speech, tmp_path, profile)
    history = run(speech, tmp_path, replace(profile, epochs=2), resume=True)
    assert history[1]["loss"] < history[0]["loss"]
    assert history[0].keys() == {"epoch", "loss", "val_loss", "val_wer", "val_cer", "learning_rate"}
    trained = keras.saving.load_model(tmp_path / "epoch-0002.keras", compile=False)
    best = keras.saving.load_model(tmp_path / "best.keras")
    assert trained.output_shape[-1] == 2 * best.output_shape[-1]
    assert "second" not in [layer.name for layer in best.layers]


class Break(keras.callbacks.Callback):
    """Puts a NaN among the weights in the second epoch."""

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 1:
            kernel = self.model.get_layer("logits").kernel
            kernel.assign(kernel * np.nan)


def test_weights_gone_wrong_are_not_written_over_good_ones(speech, tmp_path):
    with pytest.raises(TrainingError, match=r"no longer finite \(epoch 2, batch 1\)"):
        run(speech, tmp_path, callbacks=[Break()])
    assert len(json.loads((tmp_path / "state.json").read_text())["history"]) == 1
    for name in ("best.keras", "epoch-0001.keras"):
        model = keras.saving.load_model(tmp_path / name, compile=False)
        assert all(np.isfinite(weights).all() for weights in model.get_weights())


def test_a_long_run_prints_its_first_and_last_epoch_and_one_in_every(capsys):
    watcher = SimpleNamespace(pairs=[("SAID", "HEARD")])
    speech = Speech("speech", [])
    progress = Progress(speech, speech, watcher, sentences=1, every=3)
    progress.set_params({"epochs": 8, "steps": 1})
    for epoch in range(8):
        progress.on_epoch_begin(epoch)
        progress.on_epoch_end(epoch, dict.fromkeys(("loss", "val_loss", "val_wer", "val_cer", "learning_rate"), 1.0))
    lines = capsys.readouterr().out.splitlines()
    assert [int(line.split("/")[0].split()[1]) for line in lines if line.startswith("epoch")] == [1, 3, 6, 8]
    assert sum("HEARD" in line for line in lines) == 4


@pytest.mark.parametrize(("capability", "kind"), [((8, 0), "bfloat16"), ((7, 5), "float32"), ((0, 0), "float32")])
def test_a_gpu_gets_the_lstm_that_cudnn_takes(monkeypatch, rng, capability, kind):
    plain = build_model(2, 16, (4, 8))
    monkeypatch.setattr("asr_helpers.training.network.gpu_capability", lambda: capability)
    model = new_model(replace(PROFILES["fast"], lstm_units=16, filters=(4, 8)))
    model.set_weights(plain.get_weights())
    assert model.jit_compile is False
    for layer in (model.get_layer("lstm1"), model.get_layer("lstm2")):
        assert type(layer) is keras.layers.Bidirectional
        for lstm in (layer.forward_layer, layer.backward_layer):
            assert lstm.compute_dtype == kind and lstm.variable_dtype == "float32"
            # What cuDNN asks for, by Keras's documentation of LSTM.
            assert (lstm.activation.__name__, lstm.recurrent_activation.__name__) == ("tanh", "sigmoid")
            assert lstm.use_bias and not lstm.recurrent_dropout and not lstm.unroll
    speech = rng.normal(size=(2, 40, 80, 1)).astype(np.float32)
    logits = model(speech)
    assert logits.dtype == "float32"
    np.testing.assert_allclose(logits, plain(speech), atol=0 if kind == "float32" else 0.05)
    best = rebuild(model, bidirectional=keras.layers.Bidirectional)
    assert best.get_layer("lstm1").forward_layer.compute_dtype == "float32"
