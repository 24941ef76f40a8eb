import itertools

import numpy as np
import pytest
import tensorflow as tf

from asr_helpers.network import RegularizedCTC, ctc_loss, disagreement, main_ctc_loss, pack_targets, peakiness
from asr_helpers.text import BLANK, NUM_CLASSES, encode
from asr_helpers.words import collapse, lattice, log_likelihood, min_frames


def random_log_probs(rng, frames, classes=NUM_CLASSES):
    return tf.nn.log_softmax(rng.normal(size=(frames, classes)).astype(np.float32)).numpy()


@pytest.mark.parametrize("labels", [[0], [0, 1], [0, 0], [1, 0, 1], [0, 0, 0], []])
def test_likelihood_is_the_sum_over_every_alignment(rng, labels):
    frames, classes = 5, 3  # 243 alignments, all of them tried; the blank is class 2
    log_probs = random_log_probs(rng, frames, classes)
    total = 0.0
    for path in itertools.product(range(classes), repeat=frames):
        spelled = [k for k, _ in itertools.groupby(path) if k != classes - 1]
        if spelled == labels:
            total += np.exp(sum(log_probs[t, k] for t, k in enumerate(path)))
    assert log_likelihood(log_probs, np.array(labels, int), blank=classes - 1) == pytest.approx(np.log(total))


def test_lattice_gives_the_same_likelihood_at_every_frame(rng):
    labels = encode("HELLO")
    forward, backward = lattice(random_log_probs(rng, 30), labels)
    totals = np.logaddexp.reduce(forward + backward, axis=1)
    assert totals == pytest.approx(np.full(30, totals[0]), abs=1e-9)


def test_loss_equals_the_lattice_per_character(rng):
    texts, frames = ["HELLO", "IT'S", "A"], [40, 25, 9]
    logits = rng.normal(size=(3, 40, NUM_CLASSES)).astype(np.float32)
    targets = pack_targets([encode(text) for text in texts], frames)
    losses = ctc_loss(targets, logits).numpy()
    for text, count, row, loss in zip(texts, frames, logits, losses, strict=True):
        alone = -log_likelihood(tf.nn.log_softmax(row[:count]).numpy(), encode(text))
        assert loss == pytest.approx(alone / len(text), rel=1e-5)


def test_what_lies_behind_an_utterance_does_not_count(rng):
    logits = rng.normal(size=(1, 30, NUM_CLASSES)).astype(np.float32)
    targets = pack_targets([encode("HELLO")], [20])
    before = ctc_loss(targets, logits).numpy()
    logits[:, 20:] = 9 * rng.normal(size=(1, 10, NUM_CLASSES))
    assert ctc_loss(targets, logits).numpy() == pytest.approx(before)


def test_gradient_equals_the_dense_loss_of_tensorflow(rng):
    logits = tf.constant(rng.normal(size=(2, 30, NUM_CLASSES)).astype(np.float32))
    labels, frames = [encode("SEVEN"), encode("BOATS")], [30, 22]
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(logits)
        ours = tf.reduce_sum(ctc_loss(pack_targets(labels, frames), logits) * 5)
        dense = tf.reduce_sum(tf.nn.ctc_loss(np.stack(labels), logits, [5, 5], frames, False, blank_index=BLANK))
    assert ours.numpy() == pytest.approx(dense.numpy(), rel=1e-4)
    assert tape.gradient(ours, logits).numpy() == pytest.approx(tape.gradient(dense, logits).numpy(), abs=1e-4)


def test_min_frames_is_where_the_likelihood_stops_being_zero(rng):
    labels = encode("BALLOON")
    need = min_frames(labels)
    assert log_likelihood(random_log_probs(rng, need), labels) > -np.inf
    assert log_likelihood(random_log_probs(rng, need - 1), labels) == -np.inf
    assert collapse(labels) != labels.tolist()  # why: repeats need a blank between them


def test_peakiness_is_the_divergence_from_the_smoothed_posteriors(rng):
    logits = rng.normal(size=(2, 30, NUM_CLASSES)).astype(np.float32)
    targets = pack_targets([encode("SEVEN"), encode("BOATS")], [30, 22])
    for row, frames, value in zip(logits, (30, 22), peakiness(targets, logits).numpy(), strict=True):
        p = np.exp(tf.nn.log_softmax(row[:frames]).numpy())
        smooth = (p[:-2] + 2 * p[1:-1] + p[2:]) / 4
        assert value == pytest.approx(np.sum(smooth * np.log(smooth / p[1:-1])) / 5, rel=1e-4)


def test_disagreement_is_the_divergence_from_the_other_view(rng):
    logits = rng.normal(size=(4, 30, NUM_CLASSES)).astype(np.float32)
    frames = (30, 22, 30, 22)  # two utterances, then the same two in another view
    targets = pack_targets([encode("SEVEN"), encode("BOATS")] * 2, frames)
    log_probs = tf.nn.log_softmax(logits).numpy()
    for row, other in ((0, 2), (1, 3), (2, 0), (3, 1)):
        ours, aim = log_probs[row, : frames[row]], log_probs[other, : frames[row]]
        expected = np.sum(np.exp(aim) * (aim - ours)) / 5
        assert disagreement(targets, logits).numpy()[row] == pytest.approx(expected, rel=1e-4)
    assert disagreement(targets, np.tile(logits[:2], (2, 1, 1))).numpy() == pytest.approx(0, abs=1e-4)


def test_the_regularized_loss_is_of_both_outputs_smooth_and_alike(rng):
    targets = pack_targets([encode("SEVEN"), encode("BOATS")], [30, 22])
    main, intermediate = (rng.normal(size=(2, 30, NUM_CLASSES)).astype(np.float32) for _ in range(2))
    both = np.concatenate([main, intermediate], axis=-1)
    losses = [
        ctc_loss(targets, x) + 0.2 * peakiness(targets, x) + 0.4 * disagreement(targets, x)
        for x in (main, intermediate)
    ]
    loss = RegularizedCTC(intermediate_weight=0.3, smoothness_weight=0.2, consistency_weight=0.4)
    assert loss.call(targets, both).numpy() == pytest.approx(0.7 * losses[0] + 0.3 * losses[1], rel=1e-5)
    again = RegularizedCTC.from_config(loss.get_config())
    assert again(targets, both).numpy() == pytest.approx(np.mean(loss.call(targets, both)))
    assert main_ctc_loss(targets, both).numpy() == pytest.approx(ctc_loss(targets, main).numpy())


def test_following_peakiness_down_makes_posteriors_smoother(rng):
    targets = pack_targets([encode("SEVEN")], [30])
    logits = tf.Variable(4 * rng.normal(size=(1, 30, NUM_CLASSES)).astype(np.float32))
    before = peakiness(targets, logits).numpy()
    for _ in range(20):
        with tf.GradientTape() as tape:
            loss = peakiness(targets, logits)
        logits.assign_sub(10 * tape.gradient(loss, logits))
    assert peakiness(targets, logits).numpy() < 0.5 * before
