"""Log-mel features: one definition, as NumPy (anywhere) and as TensorFlow graph ops (inside tf.data).

The features are librosa's ``melspectrogram(sr=16000, n_fft=512, win_length=400, hop_length=160, n_mels=80, power=2)``
of the clip at a standard loudness, then the logarithm, then a normalisation. Loudness and normalisation are taken from
the frames that are speech (`sound.speech`). Changing any number here or there invalidates every trained model.
"""

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from asr_helpers.sound.audio import HOP, SAMPLE_RATE
from asr_helpers.sound.speech import frame_power, frame_power_tf, speech_frames, speech_frames_tf

if TYPE_CHECKING:
    import tensorflow as tf

WINDOW = 400  # samples, 25 ms: long enough for two periods of a low voice
FFT = 512  # samples: the window, centred in the next power of two
MELS = 80
TIME_POOLING = 4  # feature frames per output frame: the network's two 2x2 poolings
OUTPUT_HOP = TIME_POOLING * HOP  # samples from one output frame to the next, 40 ms
LEVEL = 0.05  # standard deviation of a clip's samples after `level`, -26 dBFS, as in read speech
QUIETEST = 1e-4  # deviation below which a clip is not raised further, -80 dBFS, the noise of a converter's last bits
LOG_FLOOR = 1e-6  # power added before the logarithm; -60 dB of a full-scale sine's bin
STD_FLOOR = 0.1  # added to a mel bin's deviation, so that a constant bin (above an MP3's cut-off) is not blown up


def output_frames(frames: Any) -> Any:
    """Return the number of output frames for `frames` feature frames, an integer or an integer tensor.

    Example:
        >>> output_frames(101)
        25
    """
    return frames // TIME_POOLING


def hz_to_mel(hz: np.ndarray | float) -> np.ndarray:
    """Return frequencies on Slaney's mel scale (Auditory Toolbox, 1998): linear to 1 kHz, logarithmic above.

    Example:
        >>> hz_to_mel([500, 1000, 6400]).tolist()
        [7.5, 15.0, 42.0]
    """
    hz = np.asarray(hz, dtype=np.float64)
    return np.where(hz < 1000, hz * 3 / 200, 15 + np.log(np.maximum(hz, 1000) / 1000) * 27 / np.log(6.4))


def mel_to_hz(mel: np.ndarray | float) -> np.ndarray:
    """Return the frequency in Hz of a mel value: the inverse of `hz_to_mel`.

    Example:
        >>> mel_to_hz([7.5, 15]).tolist()
        [500.0, 1000.0]
    """
    mel = np.asarray(mel, dtype=np.float64)
    return np.where(mel < 15, mel * 200 / 3, 1000 * np.exp((np.maximum(mel, 15) - 15) * np.log(6.4) / 27))


@cache
def mel_filterbank(mels: int = MELS, fft: int = FFT) -> np.ndarray:
    """Return the triangular filters as float32 (fft // 2 + 1, mels), each of unit area (Slaney's norm).

    Example:
        >>> mel_filterbank().shape
        (257, 80)
    """
    bins = np.linspace(0, SAMPLE_RATE / 2, fft // 2 + 1)  # (fft // 2 + 1,), Hz
    edges = mel_to_hz(np.linspace(0, hz_to_mel(SAMPLE_RATE / 2), mels + 2))  # (mels + 2,), Hz
    width = np.diff(edges)  # (mels + 1,)
    rising = (bins[:, None] - edges[:-2]) / width[:-1]  # (fft // 2 + 1, mels)
    falling = (edges[2:] - bins[:, None]) / width[1:]
    triangles = np.maximum(0, np.minimum(rising, falling))
    return (triangles * 2 / (edges[2:] - edges[:-2])).astype(np.float32)


@cache
def analysis_window(window: int = WINDOW, fft: int = FFT, dtype: type | np.dtype = np.float32) -> np.ndarray:
    """Return the periodic Hann window of `window` samples, centred in the FFT, (fft,).

    Example:
        >>> analysis_window(4, 6).tolist()
        [0.0, 0.0, 0.5, 1.0, 0.5, 0.0]
    """
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(window) / window)  # (window,)
    margin = (fft - window) // 2
    return np.pad(hann, (margin, fft - window - margin)).astype(dtype)


def power_spectrogram(
    samples: np.ndarray, window: int = WINDOW, hop: int = HOP, fft: int = FFT, pad: Any = "constant"
) -> np.ndarray:
    """Return the power |STFT|² of mono samples, (frames, fft // 2 + 1): one frame centred on every hop.

    Args:
        samples: (samples,), float32 or float64; the result has the same precision.
        window: length of the Hann window in samples, at most `fft`.
        hop: samples from one frame to the next.
        fft: length of the FFT in samples.
        pad: `np.pad`'s mode for half an FFT before and after the samples: "constant" (zeros) or "reflect".

    Example:
        >>> power_spectrogram(np.zeros(16_000, np.float32)).shape
        (101, 257)
    """
    padded = np.pad(samples, fft // 2, mode=pad)  # (samples + fft,)
    frames = np.lib.stride_tricks.sliding_window_view(padded, fft)[::hop]  # (frames, fft)
    tapered = frames * analysis_window(window, fft, np.result_type(samples, np.float32))
    return np.abs(np.fft.rfft(tapered)) ** 2  # (frames, fft // 2 + 1)


def log_mel(samples: np.ndarray) -> np.ndarray:
    """Return the log-mel spectrogram of mono float32 audio in [-1, 1] at 16 kHz, float32 (frames, MELS).

    Raises:
        ValueError: the audio is not one channel, or shorter than one 25 ms window.

    Example:
        >>> log_mel(np.zeros(16_000)).shape
        (101, 80)
    """
    samples = np.asarray(samples, dtype=np.float32)
    if samples.ndim != 1 or len(samples) < WINDOW:
        raise ValueError(f"expected mono audio of at least {WINDOW} samples (25 ms), got shape {samples.shape}")
    power = power_spectrogram(samples)  # (frames, 257)
    return np.log(power @ mel_filterbank() + LOG_FLOOR)  # (frames, 80)


def level(samples: np.ndarray, power: np.ndarray | None = None) -> np.ndarray:
    """Return the samples at the standard loudness, float32 (samples,): mean 0, and power `LEVEL`² in the speech.

    `LOG_FLOOR` is an absolute power: without this step, the soft sounds of a quiet clip would vanish below it, and the
    network would receive a different spectrogram. The mean is a converter's constant offset, which leaks into the
    lowest mel bins. `power` is the samples' `frame_power`, where it is known.

    Example:
        >>> level(np.array([0.5, 0.3])).tolist()
        [0.05000000074505806, -0.05000000074505806]
    """
    exact, power = np.asarray(samples, dtype=np.float64), frame_power(samples) if power is None else power
    loudness = np.sqrt(power[speech_frames(power)].mean())  # of the speech, as a standard deviation
    return ((exact - exact.mean()) * (LEVEL / max(loudness, QUIETEST))).astype(np.float32)


def normalize_mel_bins(spectrogram: np.ndarray, speech: np.ndarray | slice = slice(None)) -> np.ndarray:
    """Return `spectrogram` (frames, MELS) with each mel bin at mean 0 and about unit deviation over `speech`, float32.

    The statistics are the utterance's own, so the microphone's frequency response cancels. They are taken over the
    frames `speech`, bool (frames,), so silence does not shift them. A long recording is cut first
    (`recognizer.windows`), and each piece is normalised as an utterance of its own.

    Example:
        >>> normalize_mel_bins(np.array([[0.0], [1.8]])).round(3).tolist()
        [[-0.8999999761581421], [0.8999999761581421]]
    """
    mean = spectrogram[speech].mean(axis=0, dtype=np.float64)  # (80,); a float32 sum over a minute of frames drifts
    std = spectrogram[speech].std(axis=0, dtype=np.float64)  # (80,)
    return ((spectrogram - mean) / (std + STD_FLOOR)).astype(np.float32)


def features(samples: np.ndarray, power: np.ndarray | None = None) -> np.ndarray:
    """Return the model's input for `samples`: the normalised log-mel, float32 (frames, MELS).

    Loudness has no effect: a clip and the same clip 40 dB lower give the same features. Nor has silence before and
    after: the features of the speech stay the same. `power` is the samples' `frame_power`, where it is known.

    Example:
        >>> features(np.zeros(16_000)).shape
        (101, 80)
    """
    power = frame_power(samples) if power is None else power
    return normalize_mel_bins(log_mel(level(samples, power)), speech_frames(power))


def log_mel_tf(samples: "tf.Tensor") -> "tf.Tensor":
    """Return `log_mel` as TensorFlow ops: float32 (samples,) to (frames, MELS).

    Example:
        >>> log_mel_tf(np.zeros(16_000, np.float32)).shape
        TensorShape([101, 80])
    """
    import tensorflow as tf

    padded = tf.pad(samples, [[FFT // 2, FFT // 2]])
    frames = tf.signal.frame(padded, FFT, HOP)  # (frames, 512)
    power = tf.abs(tf.signal.rfft(frames * analysis_window())) ** 2  # (frames, 257)
    return tf.math.log(power @ mel_filterbank() + LOG_FLOOR)  # (frames, 80)


def features_tf(samples: "tf.Tensor") -> "tf.Tensor":
    """Return `features` as TensorFlow ops: float32 (samples,) to (frames, MELS).

    Example:
        >>> features_tf(np.zeros(16_000, np.float32)).shape
        TensorShape([101, 80])
    """
    import tensorflow as tf

    exact = tf.cast(samples, tf.float64)
    power = frame_power_tf(exact)
    speech = speech_frames_tf(power)
    gain = LEVEL / tf.maximum(tf.sqrt(tf.reduce_mean(power[speech])), QUIETEST)
    spectrogram = tf.cast(log_mel_tf(tf.cast((exact - tf.reduce_mean(exact)) * gain, tf.float32)), tf.float64)
    mean, variance = tf.nn.moments(spectrogram[speech], axes=[0])  # (80,) each
    return tf.cast((spectrogram - mean) / (tf.sqrt(variance) + STD_FLOOR), tf.float32)
