import keras
import numpy as np
import pytest
import tensorflow as tf

from asr_helpers.network import FastBidirectional


@pytest.fixture(params=[None, [9, 4, 1]], ids=["whole", "padded"])
def mask(request):
    return None if request.param is None else tf.sequence_mask(request.param, 9)


@pytest.mark.parametrize(("policy", "tolerance"), [("float32", 2e-6), ("mixed_bfloat16", 0.05)])
def test_outputs_and_gradients_equal_those_of_keras(rng, mask, policy, tolerance):
    layer = keras.layers.LSTM(6, return_sequences=True)
    plain, fast = keras.layers.Bidirectional(layer), FastBidirectional(layer, dtype=policy)
    x = tf.constant(rng.normal(size=(3, 9, 5)).astype(np.float32))
    plain(x), fast(x)
    weights = [rng.normal(size=weight.shape).astype(np.float32) for weight in plain.weights]
    plain.set_weights(weights), fast.set_weights(weights)
    upstream = rng.normal(size=(3, 9, 12)).astype(np.float32)
    results = []
    for bidirectional in (plain, fast):
        with tf.GradientTape() as tape:
            tape.watch(x)
            outputs = bidirectional(x, mask=mask)
            total = tf.reduce_sum(outputs * upstream)
        results.append([outputs, *tape.gradient(total, [x, *(w.value for w in bidirectional.trainable_weights)])])
    for ours, keras_own in zip(results[1], results[0], strict=True):
        assert ours.dtype == tf.float32
        scale = max(1.0, float(np.abs(keras_own).max()))
        assert ours.numpy() == pytest.approx(keras_own.numpy(), abs=tolerance * scale)


def test_its_file_reads_as_either_layer(tmp_path):
    fast = FastBidirectional(keras.layers.LSTM(4, return_sequences=True))
    model = keras.Sequential([keras.Input((None, 3)), fast])
    model.save(tmp_path / "fast.keras")
    assert isinstance(keras.saving.load_model(tmp_path / "fast.keras").layers[0], FastBidirectional)


def test_a_given_state_is_refused(rng):
    fast = FastBidirectional(keras.layers.LSTM(4, return_sequences=True))
    with pytest.raises(ValueError, match="zero state"):
        fast(np.zeros((1, 2, 3), np.float32), initial_state=[np.zeros((1, 4))] * 4)
