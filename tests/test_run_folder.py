"""Run folders: one from before the package had rooms still resumes, and a bug is not reported as a damaged file."""

import json
import math
import shutil
from dataclasses import replace
from pathlib import Path

import keras
import pytest

from asr_helpers.batches import load_speech
from asr_helpers.network import FastBidirectional, RegularizedCTC
from asr_helpers.training import PROFILES, RunFolder, TrainingError, WarmUpAndDecay, WeightAverage, new_model, train
from asr_helpers.training import run_folder as module

pytestmark = pytest.mark.slow

# One epoch of commit 0bd4ab1 with second=0.3, smooth=0.2 and average=2; its zip files were compressed afterwards.
OLD_RUN = Path(__file__).parent / "data" / "run-before-rooms"
OLD_PROFILE = replace(
    PROFILES["ci"],
    lstm_layers=2,
    lstm_units=2,
    filters=(2, 2),
    batch_seconds=20,
    intermediate_weight=0.3,
    smoothness_weight=0.2,
    averaged_epochs=2,
)
RENAMED = {
    "second": "intermediate_weight",
    "smooth": "smoothness_weight",
    "consistent": "consistency_weight",
    "average": "averaged_epochs",
    "plateau": "reduce_on_plateau",
}


@pytest.fixture
def old_run(tmp_path):
    return shutil.copytree(OLD_RUN, tmp_path / "run")


@pytest.fixture
def speech(mini):
    whole = load_speech(mini / "dev-mini")
    return replace(whole, utterances=whole.utterances[:6])


def opened(folder) -> RunFolder:
    config = json.loads((OLD_RUN / "state.json").read_text())["config"]
    return RunFolder(folder, config, WarmUpAndDecay(1e-3, 10), WeightAverage(2))


def test_a_run_from_before_the_rooms_resumes(old_run, speech):
    first = json.loads((old_run / "state.json").read_text())["history"]
    assert len(first) == 1
    history = train(speech, speech, old_run, replace(OLD_PROFILE, epochs=2), resume=True, sentences=0)
    assert history[0] == first[0] and [row["epoch"] for row in history] == [1, 2]
    assert history[1].keys() == history[0].keys()
    assert all(map(math.isfinite, history[1].values()))
    assert history[1]["loss"] == pytest.approx(4.379, abs=0.02)  # 4.429 before
    state = json.loads((old_run / "state.json").read_text())
    assert state["weights"] == ["weights-0001.npz", "weights-0002.npz"]
    assert state["config"]["intermediate_weight"] == 0.3 and not RENAMED.keys() & state["config"].keys()


@pytest.mark.parametrize(("old", "new"), RENAMED.items())
def test_an_old_runs_settings_are_compared_under_their_new_names(old_run, speech, old, new):
    state = json.loads((old_run / "state.json").read_text())
    state["config"][old] = not state["config"][old] if old == "plateau" else state["config"][old] + 1
    (old_run / "state.json").write_text(json.dumps(state))
    with pytest.raises(TrainingError, match=f"was trained with another {new};"):
        train(speech, speech, old_run, replace(OLD_PROFILE, epochs=2), resume=True)


def test_an_old_model_lends_its_weights(old_run):
    model = new_model(OLD_PROFILE, old_run / "best.keras")
    assert model.count_params() == keras.saving.load_model(old_run / "best.keras").count_params()


def broken(error):
    def bug(*_, **__):
        raise error("planted")

    return bug


BUGS = [TypeError, AttributeError, IndexError]


@pytest.mark.parametrize("error", BUGS)
@pytest.mark.parametrize(
    ("owner", "name"),
    [
        (module, "dropout_states"),
        (module, "_check_state"),
        (FastBidirectional, "from_config"),
        (RegularizedCTC, "from_config"),
        (module.np, "load"),
    ],
)
def test_a_bug_in_reading_is_not_a_damaged_file(old_run, monkeypatch, owner, name, error):
    monkeypatch.setattr(owner, name, broken(error))
    with pytest.raises(error, match="planted") as caught:
        opened(old_run).load()
    assert not isinstance(caught.value, TrainingError)


@pytest.mark.parametrize("error", BUGS)
def test_a_bug_in_a_layer_is_not_an_unusable_start(old_run, monkeypatch, error):
    monkeypatch.setattr(FastBidirectional, "from_config", broken(error))
    with pytest.raises(error, match="planted"):
        new_model(OLD_PROFILE, old_run / "epoch-0001.keras")


@pytest.mark.parametrize("error", BUGS)
def test_a_bug_in_writing_is_not_a_full_disk(old_run, monkeypatch, error):
    run = opened(old_run)
    run.set_model(run.load())
    monkeypatch.setattr(keras.Model, "save", broken(error))
    with pytest.raises(error, match="planted"):
        run.on_epoch_end(1, {"loss": 1.0, "val_wer": 2.0})
    assert not list(old_run.glob("*part*"))


def test_a_start_with_a_foreign_layer_is_one_line(tmp_path):
    @keras.saving.register_keras_serializable("elsewhere")
    class Foreign(keras.layers.Layer):
        def call(self, x):
            return x

    keras.Sequential([keras.Input((3,)), Foreign()]).save(tmp_path / "foreign.keras")
    del keras.saving.get_custom_objects()["elsewhere>Foreign"]
    with pytest.raises(TrainingError, match=r"foreign\.keras: cannot be loaded") as error:
        new_model(OLD_PROFILE, tmp_path / "foreign.keras")
    assert "\n" not in str(error.value)


DAMAGE = {
    "not an object": lambda state: [state],
    "no checkpoint": lambda state: {name: value for name, value in state.items() if name != "checkpoint"},
    "no dropout": lambda state: {name: value for name, value in state.items() if name != "dropout"},
    "checkpoint": lambda state: state | {"checkpoint": 3},
    "weights": lambda state: state | {"weights": None},
    "config": lambda state: state | {"config": []},
    "best": lambda state: state | {"best": "good"},
    "best is not a number": lambda state: state | {"best": math.nan},
    "a rate that is not a number": lambda state: state | {"history": [state["history"][0] | {"val_wer": math.nan}]},
    "empty history": lambda state: state | {"history": []},
    "a row too many": lambda state: state | {"history": state["history"] * 2},
    "row": lambda state: state | {"history": [None]},
    "figure": lambda state: state | {"history": [state["history"][0] | {"loss": "low"}]},
    "huge figure": lambda state: state | {"history": [state["history"][0] | {"loss": 10**400}]},
    "rows that differ": lambda state: state | {"history": [state["history"][0], {"epoch": 2, "loss": 1, "val_wer": 1}]},
    "plateau": lambda state: state | {"plateau": {"patience": 1}},
    "plateau's figure": lambda state: state | {"plateau": {"wait": None}},
    "dropout": lambda state: state | {"dropout": 3},
    "few dropout": lambda state: state | {"dropout": state["dropout"][1:]},
    "odd dropout": lambda state: state | {"dropout": [[1], *state["dropout"][1:]]},
    "large dropout": lambda state: state | {"dropout": [[1, 1 << 32], *state["dropout"][1:]]},
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_state_that_no_run_writes_is_damage(old_run, monkeypatch, damage):
    model = keras.saving.load_model(old_run / "epoch-0001.keras", compile=False)
    monkeypatch.setattr(module, "load_model", lambda *_, **__: model)
    file = old_run / "state.json"
    file.write_text(json.dumps(damage(json.loads(file.read_text()))))
    with pytest.raises(TrainingError, match=r"state\.json: missing or damaged"):
        opened(old_run).load()
