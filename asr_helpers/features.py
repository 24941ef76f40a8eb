"""Log-mel features: one definition, as NumPy (anywhere) and as TensorFlow graph ops (inside tf.data).

What librosa computes with ``melspectrogram(sr=16000, n_fft=512, win_length=400, hop_length=160, n_mels=80,
power=2)`` of the clip at one standard loudness, then the logarithm, then one normalisation. Change a number here
and every trained model is void.
"""

from functools import cache

import numpy as np

from asr_helpers.corpus import SAMPLE_RATE

WINDOW = 400  # samples, 25 ms: long enough for two periods of a low voice
HOP = 160  # samples, 10 ms: short enough for the burst of a T or a K
FFT = 512  # the window, centred in the next power of two
MELS = 80
TIME_POOLING = 4  # feature frames that the network's two 2x2 poolings make one output frame from
OUTPUT_HOP = TIME_POOLING * HOP  # samples from one output frame to the next, 40 ms
LEVEL = 0.05  # standard deviation that a clip's samples are brought to, -26 dBFS: that of read speech
QUIETEST = 1e-4  # deviation below which a clip is not raised further, -80 dBFS: a converter's last bits
LOG_FLOOR = 1e-6  # power added before the logarithm; -60 dB of a full-scale sine's bin
STD_FLOOR = 0.1  # keeps a mel bin that never changes (above an MP3's cut-off) from being blown up


def num_frames(samples: int) -> int:
    """Return how many feature frames `samples` audio samples give (one centred on every hop)."""
    return 1 + samples // HOP


def hz_to_mel(hz):
    """Return Slaney's mel scale (Auditory Toolbox, 1998): linear to 1 kHz, logarithmic above."""
    hz = np.asarray(hz, dtype=np.float64)
    return np.where(hz < 1000, hz * 3 / 200, 15 + np.log(np.maximum(hz, 1000) / 1000) * 27 / np.log(6.4))


def mel_to_hz(mel):
    """Return the inverse of `hz_to_mel`."""
    mel = np.asarray(mel, dtype=np.float64)
    return np.where(mel < 15, mel * 200 / 3, 1000 * np.exp((np.maximum(mel, 15) - 15) * np.log(6.4) / 27))


@cache
def mel_filterbank(mels: int = MELS, fft: int = FFT) -> np.ndarray:
    """Return the triangular filters as float32 (fft // 2 + 1, mels), each of unit area (Slaney's norm)."""
    bins = np.linspace(0, SAMPLE_RATE / 2, fft // 2 + 1)
    edges = mel_to_hz(np.linspace(0, hz_to_mel(SAMPLE_RATE / 2), mels + 2))
    width = np.diff(edges)
    rising = (bins[:, None] - edges[:-2]) / width[:-1]
    falling = (edges[2:] - bins[:, None]) / width[1:]
    triangles = np.maximum(0, np.minimum(rising, falling))
    return (triangles * 2 / (edges[2:] - edges[:-2])).astype(np.float32)


@cache
def analysis_window() -> np.ndarray:
    """Return the periodic Hann window centred in the FFT's length, float32 (FFT,)."""
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW) / WINDOW)
    margin = (FFT - WINDOW) // 2
    return np.pad(hann, (margin, FFT - WINDOW - margin)).astype(np.float32)


def log_mel(samples: np.ndarray) -> np.ndarray:
    """Return the log-mel spectrogram of mono float32 audio in [-1, 1] at 16 kHz, float32 (frames, MELS).

    Raises:
        ValueError: the audio is not one channel, or shorter than one 25 ms window.
    """
    samples = np.asarray(samples, dtype=np.float32)
    if samples.ndim != 1 or len(samples) < WINDOW:
        raise ValueError(
            f"expected mono audio of at least {WINDOW} samples (25 ms), got shape {samples.shape}"
        )
    padded = np.pad(samples, FFT // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, FFT)[::HOP]
    power = np.abs(np.fft.rfft(frames * analysis_window())).astype(np.float32) ** 2
    return np.log(power @ mel_filterbank() + LOG_FLOOR)


def level(samples: np.ndarray) -> np.ndarray:
    """Return the float32 `samples` at the standard loudness: mean 0, standard deviation `LEVEL`.

    The floor under the logarithm is an absolute power. Without this step a quiet clip would lie closer to it, its
    soft sounds would vanish in it, and the network would hear another spectrogram. The mean is a converter's
    constant offset: it leaks into the lowest mel bins.
    """
    exact = np.asarray(samples, dtype=np.float64)
    return ((exact - exact.mean()) * (LEVEL / max(exact.std(), QUIETEST))).astype(np.float32)


def normalise(spectrogram: np.ndarray) -> np.ndarray:
    """Return `spectrogram` (frames, MELS) with each mel bin at mean 0 and about unit deviation.

    The statistics are the utterance's own, so that nothing of the microphone's colour is left. A
    long recording is cut into windows first (`recognizer`), each normalised as the utterance it is.
    """
    # In float64: a float32 sum over a minute of frames drifts.
    mean, std = (getattr(spectrogram, name)(axis=0, dtype=np.float64) for name in ("mean", "std"))
    return ((spectrogram - mean) / (std + STD_FLOOR)).astype(np.float32)


def features(samples: np.ndarray) -> np.ndarray:
    """Return what the model is fed for `samples`: the normalised log-mel, float32 (frames, MELS).

    It hears no loudness: a clip and the same clip 40 dB lower give the same features.
    """
    return normalise(log_mel(level(samples)))


def log_mel_tf(samples):
    """`log_mel` as TensorFlow ops: a float32 tensor (samples,) to (frames, MELS)."""
    import tensorflow as tf

    padded = tf.pad(samples, [[FFT // 2, FFT // 2]])
    frames = tf.signal.frame(padded, FFT, HOP)
    power = tf.abs(tf.signal.rfft(frames * analysis_window())) ** 2
    return tf.math.log(power @ mel_filterbank() + LOG_FLOOR)


def features_tf(samples):
    """`features` as TensorFlow ops: a float32 tensor (samples,) to (frames, MELS)."""
    import tensorflow as tf

    exact = tf.cast(samples, tf.float64)
    gain = LEVEL / tf.maximum(tf.math.reduce_std(exact), QUIETEST)
    spectrogram = log_mel_tf(tf.cast((exact - tf.reduce_mean(exact)) * gain, tf.float32))
    exact = tf.cast(spectrogram, tf.float64)
    mean, variance = tf.nn.moments(exact, axes=[0])
    return tf.cast((exact - mean) / (tf.sqrt(variance) + STD_FLOOR), tf.float32)
