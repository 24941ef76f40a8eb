"""The CTC loss in Keras, and its regularisers for small data.

Connectionist temporal classification: Graves, Fernández, Gomez, Schmidhuber, ICML 2006.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras
import numpy as np

from asr_helpers.network import fast_lstm  # noqa: F401  checkpoints name its layer and this loss: one import serves both

if TYPE_CHECKING:
    import tensorflow as tf


def pack_targets(labels: list[np.ndarray], frames: list[int]) -> np.ndarray:
    """Return a batch's targets for the loss as one int32 array, each row [output frames, label, label, …, -1, -1].

    Example:
        >>> pack_targets([np.array([7, 4]), np.array([0])], frames=[12, 9]).tolist()
        [[12, 7, 4], [9, 0, -1]]
    """
    longest = max(len(label) for label in labels)
    packed = np.full((len(labels), 1 + longest), -1, dtype=np.int32)
    for row, label, count in zip(packed, labels, frames, strict=True):
        row[0] = count
        row[1 : 1 + len(label)] = label
    return packed


def ctc_loss(targets: tf.Tensor | np.ndarray, logits: tf.Tensor | np.ndarray) -> tf.Tensor:
    """Return each utterance's CTC loss, in nats per character, float32 (batch,).

    It is `-log P(text | audio)`, summed over all alignments, divided by the length of the text: a batch of long
    sentences then weighs as much as one of short sentences. Sparse labels select TensorFlow's C++ kernel, which is
    fifty times faster on a CPU than the one for dense labels.

    Args:
        targets: int32 (batch, 1 + characters), as `pack_targets` returns them: the number of *output* frames of the
            utterance itself (not of the padded batch), its labels, then -1 as padding.
        logits: float32 (batch, output frames, classes), the blank last.

    Example:
        >>> targets = pack_targets([np.array([7, 4])], frames=[3])
        >>> ctc_loss(targets, np.zeros((1, 3, 29), np.float32)).numpy().round(3)  # 5 of 29³ paths spell it
        array([4.246], dtype=float32)
    """
    import tensorflow as tf

    targets = tf.cast(targets, tf.int32)
    frames, labels = targets[:, 0], targets[:, 1:]  # (batch,) and (batch, characters)
    where = tf.where(labels >= 0)
    sparse = tf.SparseTensor(where, tf.gather_nd(labels, where), tf.shape(labels, out_type=tf.int64))
    loss = tf.nn.ctc_loss(
        labels=sparse, logits=logits, label_length=None, logit_length=frames, logits_time_major=False, blank_index=-1
    )
    return loss / _characters(targets)


@keras.saving.register_keras_serializable("asr_helpers")
class RegularizedCTC(keras.losses.Loss):
    """CTC with regularisers for small data: (1 - w)·L(output) + w·L(intermediate output).

    w is `intermediate_weight` (InterCTC, Lee & Watanabe 2021, arXiv:2102.03216), and L is CTC +
    `smoothness_weight`·`peakiness` (SR-CTC) + `consistency_weight`·`disagreement` (CR-CTC; both Yao et al. 2024,
    arXiv:2410.05101). Returns float32 (batch,), in nats per character. With a consistency weight, the batch holds two
    views of each utterance.

    `call` takes targets as for `ctc_loss`, and logits float32 (batch, output frames, 2 * classes): the network's
    own, then those of the intermediate output.

    Example:
        >>> loss = RegularizedCTC(intermediate_weight=0.3, smoothness_weight=0.2, consistency_weight=0.0)
        >>> targets = pack_targets([np.array([7, 4])], frames=[3])
        >>> loss.call(targets, np.zeros((1, 3, 2 * 29), np.float32)).numpy().round(3)  # both outputs are flat
        array([4.246], dtype=float32)
    """

    def __init__(
        self,
        intermediate_weight: float,
        smoothness_weight: float,
        consistency_weight: float,
        name: str = "regularized_ctc",
        **options,
    ):
        super().__init__(name=name, **options)
        self.intermediate_weight = intermediate_weight
        self.smoothness_weight = smoothness_weight
        self.consistency_weight = consistency_weight

    def call(self, targets, logits):
        import tensorflow as tf

        main, intermediate = tf.split(logits, 2, axis=-1)  # (batch, output frames, classes) each
        w = self.intermediate_weight
        return (1 - w) * self._loss(targets, main) + w * self._loss(targets, intermediate)

    def _loss(self, targets, logits):
        loss = ctc_loss(targets, logits)
        if self.smoothness_weight:
            loss += self.smoothness_weight * peakiness(targets, logits)
        if self.consistency_weight:
            loss += self.consistency_weight * disagreement(targets, logits)
        return loss

    def get_config(self):
        return super().get_config() | {
            "intermediate_weight": self.intermediate_weight,
            "smoothness_weight": self.smoothness_weight,
            "consistency_weight": self.consistency_weight,
        }

    @classmethod
    def from_config(cls, config):
        # Checkpoints from before December 2026 have shorter names.
        names = {"second": "intermediate_weight", "smooth": "smoothness_weight", "consistent": "consistency_weight"}
        return cls(**{names.get(name, name): value for name, value in config.items()})


def main_ctc_loss(targets: tf.Tensor | np.ndarray, logits: tf.Tensor | np.ndarray) -> tf.Tensor:
    """Return `ctc_loss` of the network's own output, the first half of the logits of `RegularizedCTC`.

    Example:
        >>> targets = pack_targets([np.array([7, 4])], frames=[3])
        >>> main_ctc_loss(targets, np.zeros((1, 3, 2 * 29), np.float32)).numpy().round(3)
        array([4.246], dtype=float32)
    """
    return ctc_loss(targets, logits[..., : logits.shape[-1] // 2])


def peakiness(targets: tf.Tensor | np.ndarray, logits: tf.Tensor | np.ndarray) -> tf.Tensor:
    """Return the divergence of the posteriors from themselves smoothed over time, nats per character, float32 (batch,).

    CTC learns to write a letter in a single frame with blanks around it, and becomes overconfident. This regulariser
    (SR-CTC: Yao et al. 2024, arXiv:2410.05101) draws each frame towards the mean of itself and its neighbours
    (1/4, 1/2, 1/4). It is a Kullback-Leibler divergence, summed over frames; no gradient flows through the mean.
    Arguments as for `ctc_loss`.

    Example:
        >>> targets = pack_targets([np.array([7, 4])], frames=[3])
        >>> peakiness(targets, np.zeros((1, 3, 29), np.float32)).numpy().round(3)  # flat is smooth
        array([0.], dtype=float32)
    """
    import tensorflow as tf

    log_probs = tf.nn.log_softmax(logits)
    probs = tf.exp(log_probs)  # (batch, output frames, classes)
    smooth = tf.stop_gradient(0.25 * probs[:, :-2] + 0.5 * probs[:, 1:-1] + 0.25 * probs[:, 2:])
    # The first frame and each utterance's own last have only one neighbour, and are left out.
    return _divergence(targets, smooth, log_probs[:, 1:-1], targets[:, 0] - 2)


def disagreement(targets: tf.Tensor | np.ndarray, logits: tf.Tensor | np.ndarray) -> tf.Tensor:
    """Return the divergence of the posteriors from those of the other view, nats per character, float32 (batch,).

    The second half of a batch of `training_batches(views=2)` holds the utterances of its first half under other
    masks. What one view hides the other may show, so each learns from the other. This regulariser (CR-CTC: Yao et al.
    2024, arXiv:2410.05101) is the Kullback-Leibler divergence from the other view's posteriors, summed over frames;
    no gradient flows through those. Arguments as for `ctc_loss`.

    Example:
        >>> targets = pack_targets([np.array([7, 4])] * 2, frames=[3, 3])
        >>> disagreement(targets, np.zeros((2, 3, 29), np.float32)).numpy().round(3)  # two equal views
        array([0., 0.], dtype=float32)
    """
    import tensorflow as tf

    log_probs = tf.nn.log_softmax(logits)
    first, second = tf.split(tf.exp(log_probs), 2)
    other = tf.stop_gradient(tf.concat([second, first], axis=0))
    return _divergence(targets, other, log_probs, targets[:, 0])


def _divergence(targets, aims, log_probs, frames):
    """Return KL(aims || exp(log_probs)) over the first `frames` frames, in nats per character, float32 (batch,)."""
    import tensorflow as tf

    divergence = tf.reduce_sum(aims * (tf.math.log(aims + 1e-10) - log_probs), axis=-1)  # (batch, frames)
    own = tf.sequence_mask(frames, tf.shape(divergence)[1], divergence.dtype)
    return tf.reduce_sum(divergence * own, axis=1) / _characters(targets)


def _characters(targets):
    """Return the number of labels of each utterance, float32 (batch,)."""
    import tensorflow as tf

    return tf.cast(tf.reduce_sum(tf.cast(targets[:, 1:] >= 0, tf.int32), axis=1), tf.float32)
