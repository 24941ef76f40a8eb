"""Spectrograms with any settings, and sound from a mel spectrogram (Griffin-Lim)."""

from typing import Any

import numpy as np

from asr_helpers.sound.audio import HOP
from asr_helpers.sound.mel import FFT, STD_FLOOR, WINDOW, level, log_mel, mel_filterbank, power_spectrogram


def spectra(samples: np.ndarray, window: int, hop: int, fft: int, mels: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the power spectrogram (frames, fft // 2 + 1) and the mel spectrogram (frames, `mels`), both float32.

    At 400, 160, 512 and 80 the logarithm of the latter is `log_mel`, except for the floor.

    Args:
        samples: mono audio at 16 kHz, (samples,).
        window: length of the analysis window in samples.
        hop: samples from one frame to the next.
        fft: length of the FFT in samples.
        mels: number of mel bins.

    Raises:
        ValueError: the window is longer than the FFT.
    """
    if window > fft:
        raise ValueError(f"a window of {window} samples does not fit into an FFT of {fft}")
    power = power_spectrogram(np.asarray(samples, np.float32), window, hop, fft)
    return power, power @ mel_filterbank(mels, fft)


def play_back(mels: np.ndarray, window: int, hop: int, fft: int, rounds: int = 16) -> np.ndarray:
    """Return a sound, float32 (samples,), whose mel spectrogram is about `mels`.

    The phases, which `mels` lacks, are found by iterating between spectrogram and sound (Griffin & Lim 1984,
    IEEE Transactions on Acoustics, Speech, and Signal Processing).

    Args:
        mels: a mel power spectrogram, (frames, bins).
        window: length of the analysis window in samples, as `mels` was made with.
        hop: samples from one frame to the next.
        fft: length of the FFT in samples.
        rounds: iterations; each costs one inverse and one forward transform.
    """
    from librosa import istft, stft

    settings: dict[str, Any] = {"n_fft": fft, "hop_length": hop, "win_length": window}
    power = mels @ np.linalg.pinv(mel_filterbank(mels.shape[1], fft))  # (frames, fft // 2 + 1)
    magnitude = np.sqrt(np.maximum(power, 0)).T
    phase = np.exp(2j * np.pi * np.random.default_rng(0).random(magnitude.shape))
    for _ in range(rounds):
        phase = np.exp(1j * np.angle(stft(istft(magnitude * phase, **settings), **settings)))
    return istft(magnitude * phase, **settings).astype(np.float32)


def play_features(changed: np.ndarray, samples: np.ndarray) -> np.ndarray:
    """Return the sound, float32 (samples,), of `changed`, features (frames, MELS) of `samples` after a change.

    The mean and deviation of each mel bin, which features lack, are taken from `samples`.
    """
    log_mels = log_mel(level(samples))
    mels = np.exp(changed * (log_mels.std(axis=0) + STD_FLOOR) + log_mels.mean(axis=0))
    return play_back(mels, WINDOW, HOP, FFT)


def loudness(samples: np.ndarray) -> float:
    """Return the mean power of `samples` in dB below full scale (dBFS, 0 being a full-scale square wave)."""
    return 10 * float(np.log10(np.mean(np.square(samples, dtype=np.float64)) + 1e-10))
