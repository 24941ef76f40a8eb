"""Which frames are speech, by their power: the features take their statistics there, and nowhere else.

However long a speaker is silent before and after, the same frames count, so the features of the speech stay the same.
"""

from typing import TYPE_CHECKING

import numpy as np

from asr_helpers.sound.audio import HOP, num_frames

if TYPE_CHECKING:
    import tensorflow as tf

RADIUS = 3 * HOP  # samples on either side of a frame's centre over which its power is measured, 30 ms
LOUD_FRAMES = 20  # frames, 0.2 s: a clip is as loud as it is for that long; a click is shorter
SPEECH_DB = (-35, -20)  # relative to the loud frames: speech is at least the first, and anything above the second
ABOVE_NOISE_DB = 9  # between the two, speech is that much louder than the quietest tenth of the clip
MARGIN = 20  # frames, 0.2 s, before and after speech that count as well: a soft F or TH, short pauses


def frame_power(samples: np.ndarray) -> np.ndarray:
    """Return the mean power within 30 ms of each frame's centre, without the clip's constant offset, float64 (frames,).

    Example:
        >>> frame_power(np.tile([0.5, 0.3], 160)).round(4).tolist()
        [0.01, 0.01, 0.01]
    """
    exact = np.asarray(samples, dtype=np.float64)
    total = np.concatenate([[0], np.cumsum((exact - exact.mean()) ** 2)])  # (samples + 1,)
    centers = HOP * np.arange(num_frames(len(exact)))  # (frames,)
    start, end = np.maximum(centers - RADIUS, 0), np.minimum(centers + RADIUS, len(exact))
    return (total[end] - total[start]) / (end - start)


def speech_frames(power: np.ndarray) -> np.ndarray:
    """Return which frames are speech or lie within 0.2 s of it, by their power: bool (frames,).

    The threshold comes from the clip itself: its loudest 0.2 s and its quietest tenth. Where all frames are about
    equally loud (noise, music, silence), all of them count.

    Example:
        >>> np.flatnonzero(speech_frames(np.repeat([1e-6, 1e-2, 1e-6], [100, 50, 100])))[[0, -1]].tolist()
        [80, 169]
    """
    ordered = np.sort(power)
    loud, noise = ordered[-min(LOUD_FRAMES, len(power))], ordered[len(power) // 10]
    least, most = (loud * 10 ** (db / 10) for db in SPEECH_DB)
    speech = power >= np.clip(noise * 10 ** (ABOVE_NOISE_DB / 10), least, most)  # (frames,)
    return np.convolve(speech, np.ones(2 * MARGIN + 1))[MARGIN : MARGIN + len(speech)] > 0.5


def frame_power_tf(samples: "tf.Tensor") -> "tf.Tensor":
    """Return `frame_power` as TensorFlow ops: float64 (samples,) to (frames,).

    Example:
        >>> frame_power_tf(np.tile([0.5, 0.3], 160)).shape
        TensorShape([3])
    """
    import tensorflow as tf

    total = tf.concat([[0.0], tf.cumsum((samples - tf.reduce_mean(samples)) ** 2)], 0)
    count = tf.size(samples)
    centers = HOP * tf.range(1 + count // HOP)
    start, end = tf.maximum(centers - RADIUS, 0), tf.minimum(centers + RADIUS, count)
    return (tf.gather(total, end) - tf.gather(total, start)) / tf.cast(end - start, tf.float64)


def speech_frames_tf(power: "tf.Tensor") -> "tf.Tensor":
    """Return `speech_frames` as TensorFlow ops: float64 (frames,) to bool (frames,).

    Example:
        >>> speech_frames_tf(np.ones(100)).numpy().all()
        np.True_
    """
    import tensorflow as tf

    ordered = tf.sort(power)
    frames = tf.size(power)
    loud, noise = ordered[-tf.minimum(LOUD_FRAMES, frames)], ordered[frames // 10]
    least, most = (loud * 10 ** (db / 10) for db in SPEECH_DB)
    speech = power >= tf.clip_by_value(noise * 10 ** (ABOVE_NOISE_DB / 10), least, most)
    near = tf.nn.max_pool1d(tf.cast(speech, tf.float32)[None, :, None], 2 * MARGIN + 1, 1, "SAME")
    return near[0, :, 0] > 0.5
