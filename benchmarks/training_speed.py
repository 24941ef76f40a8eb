"""How fast does the CRNN train on this machine?

    python benchmarks/training_speed.py [--json]

Three ways to train a network of the same size (3 × BiLSTM-256) on utterances as long as LibriSpeech's. They take turns
in one run, so that other load affects all alike:

- ours: the layers and batches of `training`
- keras: the same network and batches, with Keras's own bidirectional LSTM
- original: the recipe from which this project grew: two convolutions in each block, 4 × BiLSTM-256, batches of random
  lengths padded to the longest, and Keras's `ctc_batch_cost`

The features are noise: only the time counts. Prints the median of audio-seconds per second.
"""

import json
import time

import keras
import numpy as np
import tensorflow as tf
from common import arguments
from keras import layers

from asr_helpers.batches import buckets
from asr_helpers.network import build_model, pack_targets
from asr_helpers.sound import MELS, output_frames
from asr_helpers.text import BLANK, NUM_CLASSES
from asr_helpers.training import PROFILES, new_model

BATCH_SECONDS = 160
CHARACTERS_PER_SECOND = 14.6  # of train-clean-5


def lengths(rng: np.random.Generator, count: int) -> np.ndarray:
    """Return utterance lengths in frames, (count,), distributed roughly as in train-clean-5: 73 % of 11.5 to 16.5 s."""
    seconds = np.where(rng.random(count) < 0.73, rng.uniform(11.5, 16.5, count), rng.uniform(1.5, 11.5, count))
    return (seconds * 100).astype(int)


def batch(rng: np.random.Generator, frames: np.ndarray) -> tuple[tf.Tensor, tf.Tensor, float]:
    """Return (features, targets, seconds of audio) of utterances of these lengths, padded to the longest."""
    x = rng.normal(size=(len(frames), frames.max(), MELS, 1)).astype(np.float32)
    for row, count in zip(x, frames, strict=True):
        row[count:] = 0
    labels = [rng.integers(0, BLANK, int(count * CHARACTERS_PER_SECOND / 100)) for count in frames]
    return (tf.constant(x), tf.constant(pack_targets(labels, [output_frames(n) for n in frames])), frames.sum() / 100)


def bucketed(rng: np.random.Generator, count: int) -> list[tuple[tf.Tensor, tf.Tensor, float]]:
    """Return `count` batches of utterances of similar length, as `batches.pipeline` makes them."""
    bounds, sizes = buckets(BATCH_SECONDS)
    pool = np.sort(lengths(rng, 5000))
    chosen = []
    for start in rng.choice(len(pool) - 200, count, replace=False):
        size = sizes[np.searchsorted(bounds, pool[start], side="right")]
        chosen.append(batch(rng, pool[start : start + size]))
    return chosen


def original_model() -> keras.Model:
    """Return the original's network, compiled with its loss."""
    x = frames = keras.Input((None, MELS, 1))
    for filters in (32, 64):
        for _ in range(2):
            x = layers.Conv2D(filters, 3, padding="same")(x)
            x = layers.BatchNormalization()(x)
            x = layers.ReLU()(x)
        x = layers.MaxPooling2D(2, padding="same")(x)
        x = layers.Dropout(0.2)(x)
    x = layers.Reshape((-1, MELS // 4 * 64))(x)
    for _ in range(4):
        x = layers.Bidirectional(layers.LSTM(256, return_sequences=True))(x)
        x = layers.Dropout(0.2)(x)
        x = layers.BatchNormalization()(x)
    model = keras.Model(frames, layers.Dense(NUM_CLASSES, activation="softmax")(x))

    def loss(targets, probabilities):
        labels = tf.maximum(targets[:, 1:], 0)
        characters = tf.reduce_sum(tf.cast(targets[:, 1:] >= 0, tf.int32), axis=1, keepdims=True)
        return tf.keras.backend.ctc_batch_cost(labels, probabilities, targets[:, :1], characters)

    model.compile(keras.optimizers.Adam(1e-3), loss=loss, jit_compile=False)
    return model


def main() -> None:
    parser = arguments(__doc__, __file__, "json")
    parser.add_argument("--rounds", type=int, default=4, help="timed batches of each")
    options = parser.parse_args()
    tf.get_logger().setLevel("ERROR")  # it warns about every new shape
    rng = np.random.default_rng(0)
    ours = new_model(PROFILES["workshop"])
    plain = build_model(3, 256)
    plain.compile(keras.optimizers.Adam(1e-3, global_clipnorm=1.0), loss=ours.loss, jit_compile=False)
    like = bucketed(rng, options.rounds)
    mixed = [batch(rng, lengths(rng, 16)) for _ in range(options.rounds)]
    runs = {"ours": (ours, like), "keras": (plain, like), "original": (original_model(), mixed)}
    for model, batches in runs.values():
        for features, targets, _ in batches:
            model.train_on_batch(features, targets)  # untimed: builds the graph of each new shape
    speeds = {name: [] for name in runs}
    for turn in range(options.rounds):
        for name, (model, batches) in runs.items():
            features, targets, seconds = batches[turn]
            start = time.perf_counter()
            model.train_on_batch(features, targets)
            speeds[name].append(seconds / (time.perf_counter() - start))
    result = {name: round(float(np.median(values)), 1) for name, values in speeds.items()}
    if options.json:
        print(json.dumps(result))
        return
    for name, speed in result.items():
        print(f"{name:10}{speed:8.1f} audio-s/s{result['ours'] / speed:8.2f} × slower than ours")


if __name__ == "__main__":
    main()
