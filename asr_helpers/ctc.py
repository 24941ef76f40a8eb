"""The CTC loss for training, and the forward-backward lattice behind it for teaching.

Connectionist temporal classification: Graves, Fernández, Gomez, Schmidhuber, ICML 2006.
"""

import keras
import numpy as np

from asr_helpers import fast_lstm  # noqa: F401  checkpoints name its layer and this loss: one import serves both
from asr_helpers.text import ctc_states


def pack_targets(labels: list[np.ndarray], frames: list[int]) -> np.ndarray:
    """Return what the loss needs of a batch as one int32 array: [model frames, label, label, …, -1, -1]."""
    longest = max(len(label) for label in labels)
    packed = np.full((len(labels), 1 + longest), -1, dtype=np.int32)
    for row, label, count in zip(packed, labels, frames, strict=True):
        row[0] = count
        row[1 : 1 + len(label)] = label
    return packed


def ctc_loss(targets, logits):
    """Return each utterance's CTC loss per character, in nats, float32 (batch,).

    `-log P(text | audio)`, summed over all alignments, divided by the text's length so that a batch of long
    sentences does not outweigh one of short ones. The sparse form of the labels takes TensorFlow's C++
    kernel, fifty times faster on a CPU than the dense one.

    Args:
        targets: int32 (batch, 1 + characters): the number of *model* frames of the utterance itself (not of
            the padded batch), then its labels, then -1 as padding. See `pack_targets`.
        logits: float32 (batch, model frames, classes), the blank last.
    """
    import tensorflow as tf

    targets = tf.cast(targets, tf.int32)
    frames, labels = targets[:, 0], targets[:, 1:]
    where = tf.where(labels >= 0)
    sparse = tf.SparseTensor(where, tf.gather_nd(labels, where), tf.shape(labels, out_type=tf.int64))
    loss = tf.nn.ctc_loss(
        labels=sparse,
        logits=logits,
        label_length=None,
        logit_length=frames,
        logits_time_major=False,
        blank_index=-1,
    )
    return loss / tf.cast(tf.reduce_sum(tf.cast(labels >= 0, tf.int32), axis=1), tf.float32)


@keras.saving.register_keras_serializable("asr_helpers")
class HelpedCTC(keras.losses.Loss):
    """The loss that training with little speech minimises instead of `ctc_loss`, float32 (batch,).

    A `second` share of it is that of a second output, which reads one LSTM below the last and must spell the text too
    (Lee & Watanabe 2021, arXiv:2102.03216). To the CTC loss of both outputs are added `smooth` times `peakiness` and
    `consistent` times `disagreement`, the latter where the batch holds two views of each utterance.

    `call` takes targets as for `ctc_loss`, and logits float32 (batch, model frames, 2 * classes), the network's own and
    the second output's.
    """

    def __init__(self, second: float, smooth: float, consistent: float, name: str = "helped_ctc", **options):
        super().__init__(name=name, **options)
        self.weights = {"second": second, "smooth": smooth, "consistent": consistent}

    def call(self, targets, logits):
        import tensorflow as tf

        def loss(output):
            total = ctc_loss(targets, output)
            for weight, distance in (("smooth", peakiness), ("consistent", disagreement)):
                if self.weights[weight]:
                    total += self.weights[weight] * distance(targets, output)
            return total

        own, second = map(loss, tf.split(logits, 2, axis=-1))
        return (1 - self.weights["second"]) * own + self.weights["second"] * second

    def get_config(self):
        return super().get_config() | self.weights


def own_ctc_loss(targets, logits):
    """Return `ctc_loss` of the network's own output among the logits of `HelpedCTC`."""
    return ctc_loss(targets, logits[..., : logits.shape[-1] // 2])


def peakiness(targets, logits):
    """Return how far each utterance's posteriors are from themselves smoothed over time, float32 (batch,).

    CTC learns to say a letter in one frame and the blank around it, as surely as it can: surer than it is right. Here
    each frame is drawn towards the mean of itself and its neighbours (1/4, 1/2, 1/4), which no gradient moves. It is
    the regulariser of SR-CTC (Yao et al. 2024, arXiv:2410.05101), a Kullback-Leibler divergence in nats, summed over
    frames and divided by the text's length as `ctc_loss` is. Arguments as there.
    """
    import tensorflow as tf

    log_probs = tf.nn.log_softmax(logits)
    probs = tf.exp(log_probs)
    smooth = tf.stop_gradient(0.25 * probs[:, :-2] + 0.5 * probs[:, 1:-1] + 0.25 * probs[:, 2:])
    # The first frame and each utterance's own last have only one neighbour, and are left alone.
    return _divergence(targets, smooth, log_probs[:, 1:-1], targets[:, 0] - 2)


def disagreement(targets, logits):
    """Return how far each utterance's posteriors are from those of its other view, float32 (batch,).

    A batch of `training_batches(views=2)` holds in its second half the utterances of its first, masked elsewhere: what
    one view hides the other may hear, and each learns from it. It is the regulariser of CR-CTC (Yao et al. 2024,
    arXiv:2410.05101): the Kullback-Leibler divergence, in nats, from the other view's posteriors, which no gradient
    moves; summed over frames and divided by the text's length as `ctc_loss` is. Arguments as there.
    """
    import tensorflow as tf

    log_probs = tf.nn.log_softmax(logits)
    other = tf.stop_gradient(tf.concat(tf.split(tf.exp(log_probs), 2)[::-1], axis=0))
    return _divergence(targets, other, log_probs, targets[:, 0])


def _divergence(targets, aims, log_probs, frames):
    """Return KL(aims || exp(log_probs)) over the first `frames` frames, by the character, float32 (batch,)."""
    import tensorflow as tf

    divergence = tf.reduce_sum(aims * (tf.math.log(aims + 1e-10) - log_probs), axis=-1)
    own = tf.sequence_mask(frames, tf.shape(divergence)[1], divergence.dtype)
    characters = tf.reduce_sum(tf.cast(targets[:, 1:] >= 0, divergence.dtype), axis=1)
    return tf.reduce_sum(divergence * own, axis=1) / characters


def lattice(log_probs: np.ndarray, labels: np.ndarray, blank: int = -1) -> tuple[np.ndarray, np.ndarray]:
    """Return the forward and backward log-probabilities of CTC's lattice, in float64.

    The states are the labels with a blank before, between and after: (blank, l1, blank, l2, …, blank).
    `forward[t, s]` sums all paths that are in state s at frame t, that frame included; `backward[t, s]` all ways
    on from there to the end, that frame left out. So `logsumexp(forward[t] + backward[t])` is log P(text) at
    every t, and `exp(forward + backward - log P)` is the probability of being in a state.

    Args:
        log_probs: (frames, classes) natural logarithms. labels: (characters,) indices. blank: the last class.

    Returns:
        two arrays (frames, 2 * characters + 1).
    """
    log_probs = np.asarray(log_probs, dtype=np.float64)
    states, may_skip = ctc_states(labels, range(log_probs.shape[1])[blank])
    forward = np.full((len(log_probs), len(states)), -np.inf)
    forward[0, :2] = log_probs[0, states[:2]]
    for t in range(1, len(log_probs)):
        forward[t] = _arrivals(forward[t - 1], may_skip) + log_probs[t, states]

    backward = np.full_like(forward, -np.inf)
    backward[-1, -2:] = 0
    # Seen from the end the lattice is the same lattice: reverse the states and which of them may be skipped to.
    may_skip_back = np.append(may_skip[2:], [False, False])[: len(states)][::-1]
    for t in range(len(log_probs) - 2, -1, -1):
        onward = backward[t + 1] + log_probs[t + 1, states]
        backward[t] = _arrivals(onward[::-1], may_skip_back)[::-1]
    return forward, backward


def _arrivals(previous: np.ndarray, may_skip: np.ndarray) -> np.ndarray:
    """Return, for each state, the log-sum over staying, stepping one on, and (where allowed) two on."""
    one = np.append(-np.inf, previous[:-1])
    two = np.where(may_skip, np.append([-np.inf, -np.inf], previous)[: len(previous)], -np.inf)
    return np.logaddexp(np.logaddexp(previous, one), two)


def log_likelihood(log_probs: np.ndarray, labels: np.ndarray, blank: int = -1) -> float:
    """Return log P(labels | audio), in nats: minus the CTC loss of one utterance (not per character)."""
    forward, _ = lattice(log_probs, labels, blank)
    return float(np.logaddexp.reduce(forward[-1, -2:]))
