"""What the notebooks' "break it" cells claim: each failure still fails as told, and its diagnosis still holds."""

import itertools
from dataclasses import replace

import keras
import numpy as np
import pytest
import soundfile
import tensorflow as tf

from asr_helpers.batches import load_speech
from asr_helpers.corpus import load_corpus
from asr_helpers.network import ctc_loss, pack_targets
from asr_helpers.sound import features, features_tf, num_frames, output_frames, read_audio
from asr_helpers.text import ALPHABET, BLANK, NUM_CLASSES, decode, encode
from asr_helpers.training import PROFILES, train
from asr_helpers.words import greedy, log_likelihood, min_frames

pytestmark = pytest.mark.slow

TEXT = "HELLO IT'S ME"


@pytest.fixture(scope="module")
def sure():
    """Return (labels, logits) of a network that is sure of TEXT: each letter for two frames, then a blank."""
    labels = encode(TEXT)
    path = [symbol for label in labels for symbol in (label, label, BLANK)]
    return labels, 12 * np.eye(NUM_CLASSES, dtype=np.float32)[path]


def test_a_padded_length_makes_a_right_answer_look_wrong(sure):
    labels, logits = sure
    # What a network says on padding is not trained: here, a shrug.
    padded = np.concatenate([logits, np.zeros((20, NUM_CLASSES), np.float32)])[None]
    right = float(ctc_loss(pack_targets([labels], [len(logits)]), padded)[0])
    wrong = float(ctc_loss(pack_targets([labels], [len(logits) + 20]), padded)[0])
    assert right < 0.01
    assert wrong > 2


def test_the_shipped_model_is_punished_for_its_neighbours_length(mini):
    clip = load_corpus(mini / "test-mini").utterances[3]
    model = keras.saving.load_model(mini.parent / "models" / "crnn.keras", compile=False)
    mels = features(read_audio(clip.path))
    logits = model(np.pad(mels, [(0, 200), (0, 0)])[None, ..., None])
    labels = encode(clip.text)
    own, padded = (
        float(ctc_loss(pack_targets([labels], [frames]), logits)[0])
        for frames in (output_frames(len(mels)), logits.shape[1])
    )
    assert abs(padded - own) > 0.1


def test_too_few_frames_are_infinite_and_only_fewer_than_letters_raise(rng):
    labels = encode("BALLOON")
    logits = rng.normal(size=(1, 9, NUM_CLASSES)).astype(np.float32)
    assert min_frames(labels) == 9 and len(labels) == 7

    def loss(frames):
        return float(ctc_loss(pack_targets([labels], [frames]), logits[:, :frames])[0])

    assert np.isfinite(loss(9))
    for frames in (8, 7):  # enough for the letters, not for the blanks in LL and OO: no error
        assert loss(frames) == np.inf
        assert log_likelihood(tf.nn.log_softmax(logits[0, :frames]).numpy(), labels) == -np.inf
    with pytest.raises(tf.errors.InvalidArgumentError, match="Not enough time"):
        loss(6)


def test_the_pipeline_leaves_such_a_pair_out_and_says_so(tmp_path, rng):
    for number, seconds in enumerate((0.5, 5)):
        soundfile.write(tmp_path / f"1-1-000{number}.wav", 0.1 * rng.normal(size=int(16000 * seconds)), 16000)
    text = "A SENTENCE THAT NOBODY CAN SAY IN HALF A SECOND"
    (tmp_path / "1-1.trans.txt").write_text(f"1-1-0000 {text}\n1-1-0001 {text}\n")
    speech = load_speech(tmp_path)
    assert [clip.id for clip in speech.utterances] == ["1-1-0001"]
    need, have = min_frames(encode(text)), output_frames(num_frames(8000))
    assert speech.dropped == [f"1-1-0000: {need} frames needed to spell it, {have} there"]


def test_a_wrong_blank_changes_the_loss_and_eats_a_symbol(sure):
    labels, logits = sure
    wrong = tf.nn.ctc_loss(labels[None], logits[None], [len(labels)], [len(logits)], False, blank_index=0)
    right = ctc_loss(pack_targets([labels], [len(logits)]), logits[None])
    assert float(wrong[0]) / len(labels) > float(right[0]) + 1
    best = logits.argmax(-1)
    shown = "".join((ALPHABET + "_")[k] for k, _ in itertools.groupby(best) if k != 0)
    assert " " not in shown and "_" in shown
    assert greedy(logits) == TEXT


def test_softmax_twice_hides_a_right_answer_and_log_softmax_twice_does_not(sure):
    labels, logits = sure
    target = pack_targets([labels], [len(logits)])
    once, twice, log_twice = (
        float(ctc_loss(target, given[None])[0]) for given in (logits, tf.nn.softmax(logits), tf.nn.log_softmax(logits))
    )
    assert once < 0.01
    assert log_twice == pytest.approx(once, abs=1e-5)
    assert twice > 2  # a perfect network, and no training could make it better
    assert float(tf.nn.softmax(tf.one_hot(0, NUM_CLASSES))[0]) == pytest.approx(np.e / (np.e + 28), rel=1e-5)
    assert greedy(tf.nn.softmax(logits).numpy()) == TEXT  # and decoding shows nothing


def test_float64_stops_the_graph_and_the_data_set(rng):
    wave = rng.normal(size=16000)  # NumPy's own type
    graph = tf.function(features_tf, input_signature=[tf.TensorSpec([None])])
    with pytest.raises(TypeError, match="float64"):
        graph(tf.constant(wave))
    halved = tf.data.Dataset.range(1).map(lambda k: tf.numpy_function(lambda k: wave / 2, [k], tf.float32))
    with pytest.raises(tf.errors.InvalidArgumentError, match="double"):
        next(iter(halved))


def test_lower_case_is_refused_and_carelessness_keeps_only_spaces():
    quiet = TEXT.lower()
    with pytest.raises(ValueError, match="outside the alphabet"):
        encode(quiet)
    careless = [ALPHABET.find(character) for character in quiet]
    assert decode(k for k in careless if k >= 0) == " ' "


def test_spatial_dropout_computes_the_same_with_and_without_the_layout_optimizer(rng):
    picture = rng.normal(size=(1, 40, 80, 1)).astype(np.float32)

    def conv_and_dropout(layout):
        tf.config.optimizer.set_experimental_options({"layout_optimizer": layout})
        keras.utils.set_random_seed(5)
        conv = keras.layers.Conv2D(8, 3, padding="same")
        drop = keras.layers.SpatialDropout2D(0.5, seed=5)
        return tf.function(lambda x: drop(conv(x), training=True))(picture).numpy()

    try:
        on, off = conv_and_dropout(True), conv_and_dropout(False)
    finally:
        tf.config.optimizer.set_experimental_options({"layout_optimizer": True})
    np.testing.assert_allclose(on, off, atol=1e-5)
    whole = (on == 0).all((0, 1, 2))
    assert 0 < whole.sum() < 8  # whole channels are dropped, and not all of them


def test_too_small_cannot_learn_its_own_speech_and_too_large_learns_nothing_else(mini, tmp_path):
    few, others = load_speech(mini / "dev-mini"), load_speech(mini / "test-mini")
    few = replace(few, utterances=few.utterances[::4])
    others = replace(others, utterances=others.utterances[::5])
    bare = {"augmenter": None, "spec_augment": None, "intermediate_weight": 0, "smoothness_weight": 0}
    large = replace(PROFILES["fast"], dropout=0.0, epochs=40, **bare)
    small = replace(large, lstm_layers=1, lstm_units=8, filters=(4, 8))
    underfitted, overfitted = (
        train(few, others, tmp_path / name, profile, sentences=0)
        for name, profile in (("small", small), ("large", large))
    )
    assert underfitted[-1]["loss"] > 1
    assert overfitted[-1]["loss"] < 0.3
    validation = [row["val_loss"] for row in overfitted]
    assert validation[-1] > 1.15 * min(validation)
