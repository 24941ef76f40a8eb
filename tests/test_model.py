import keras
import numpy as np
import pytest

from asr_helpers.network import FastBidirectional, build_model, rebuild
from asr_helpers.sound import output_frames


@pytest.fixture(scope="module")
def model():
    """A small CRNN whose every weight and statistic is off its starting value, as after training."""
    keras.utils.set_random_seed(1)
    rng = np.random.default_rng(1)
    model = build_model(lstm_layers=2, lstm_units=12, filters=(4, 6))
    for variable in model.variables:
        if "float" in variable.dtype:
            variable.assign(variable + np.abs(rng.normal(size=variable.shape) * 0.1))
    return model


@pytest.fixture
def batch(rng):
    lengths = [101, 100, 78, 35, 4]
    x = rng.normal(size=(5, 101, 80, 1)).astype(np.float32)
    for row, length in zip(x, lengths, strict=True):
        row[length:] = 0
    return x, lengths


@pytest.mark.slow
def test_padding_changes_nothing(model, batch):
    x, lengths = batch
    together = model(x).numpy()
    for row, logits, length in zip(x, together, lengths, strict=True):
        alone = model(row[None, :length]).numpy()[0]
        assert alone.shape == (output_frames(length), 29)
        assert logits[: len(alone)] == pytest.approx(alone, abs=1e-4)


@pytest.mark.parametrize("changes", [{"bidirectional": FastBidirectional}, {"masked": False, "batch": 1}])
def test_a_rebuilt_twin_gives_the_same_logits(model, batch, changes):
    x = batch[0][:1]
    assert rebuild(model, **changes)(x).numpy() == pytest.approx(model(x).numpy(), abs=1e-5)


def test_it_loads_in_safe_mode_and_holds_stock_layers_only(model, batch, tmp_path):
    model.save(tmp_path / "m.keras")
    loaded = keras.saving.load_model(tmp_path / "m.keras", safe_mode=True, compile=False)
    assert loaded(batch[0]).numpy() == pytest.approx(model(batch[0]).numpy(), abs=1e-6)
    assert all(type(layer).__module__.startswith("keras.") for layer in loaded.layers)


def test_parameters_stay_within_the_promise():
    assert build_model(lstm_layers=3, lstm_units=256).count_params() <= 6_500_000
