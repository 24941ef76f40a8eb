"""The log-mel definition equals librosa's, and the TensorFlow twin equals NumPy's."""

import librosa
import numpy as np
import pytest

from asr_helpers import features as f


@pytest.fixture(scope="module")
def sweep():
    """Return two seconds of a sweep through every mel bin, over quiet noise."""
    rng = np.random.default_rng(0)
    rising = librosa.chirp(fmin=50, fmax=7900, sr=f.SAMPLE_RATE, duration=2)
    return (0.3 * rising + 0.01 * rng.standard_normal(len(rising))).astype(np.float32)


def test_filterbank_is_librosas():
    theirs = librosa.filters.mel(sr=f.SAMPLE_RATE, n_fft=f.FFT, n_mels=f.MELS).T
    np.testing.assert_allclose(f.mel_filterbank(), theirs, atol=1e-7)


def test_mel_scale_is_librosas_and_inverts():
    hz = np.linspace(0, 8000, 200)
    np.testing.assert_allclose(f.hz_to_mel(hz), librosa.hz_to_mel(hz), rtol=1e-12)
    np.testing.assert_allclose(f.mel_to_hz(f.hz_to_mel(hz)), hz, atol=1e-9)


def test_log_mel_is_librosas(sweep):
    power = librosa.feature.melspectrogram(
        y=sweep, sr=f.SAMPLE_RATE, n_fft=f.FFT, win_length=f.WINDOW, hop_length=f.HOP, n_mels=f.MELS, power=2
    )
    np.testing.assert_allclose(f.log_mel(sweep), np.log(power + f.LOG_FLOOR).T, atol=1e-4)


@pytest.mark.parametrize("samples", [400, 401, 799, 800, 31999])
def test_tensorflow_twin_is_numpys(sweep, samples):
    clip = sweep[:samples]
    np.testing.assert_allclose(f.log_mel_tf(clip).numpy(), f.log_mel(clip), atol=1e-4)
    np.testing.assert_allclose(f.features_tf(clip).numpy(), f.features(clip), atol=1e-3)


def test_a_tone_lands_in_the_bin_of_its_frequency():
    tone = np.sin(2 * np.pi * 1000 * np.arange(f.SAMPLE_RATE) / f.SAMPLE_RATE)
    centres = f.mel_to_hz(np.linspace(0, f.hz_to_mel(8000), f.MELS + 2))[1:-1]
    loudest = f.log_mel(tone).mean(axis=0).argmax()
    assert abs(centres[loudest] - 1000) < 50


def test_silence_is_the_floor():
    np.testing.assert_allclose(f.log_mel(np.zeros(1600)), np.log(f.LOG_FLOOR), rtol=1e-6)
    np.testing.assert_allclose(f.features(np.zeros(1600)), 0, atol=1e-4)


@pytest.mark.parametrize("samples", [400, 559, 560, 16000, 31999])
def test_num_frames_counts_the_frames(sweep, samples):
    assert f.log_mel(sweep[:samples]).shape == (f.num_frames(samples), f.MELS)


def test_normalise_centres_each_bin_and_scales_it(sweep):
    spectrogram = f.log_mel(sweep)
    normalised = f.normalise(spectrogram)
    assert normalised.dtype == np.float32
    np.testing.assert_allclose(normalised.mean(axis=0), 0, atol=1e-4)
    deviation = spectrogram.std(axis=0)
    np.testing.assert_allclose(normalised.std(axis=0), deviation / (deviation + f.STD_FLOOR), rtol=1e-3)


@pytest.mark.parametrize(
    "change", [lambda x: 0.01 * x, lambda x: 2 * x, lambda x: x + 0.1], ids=["-40 dB", "+6 dB", "offset"]
)
def test_features_hear_neither_loudness_nor_an_offset(sweep, change):
    changed = change(sweep).astype(np.float32)
    np.testing.assert_allclose(f.features(changed), f.features(sweep), atol=1e-3)
    np.testing.assert_allclose(f.features_tf(changed).numpy(), f.features(changed), atol=1e-3)


def test_at_its_own_level_a_clip_has_librosas_log_mel(sweep):
    at_level = f.level(sweep)
    assert at_level.std() == pytest.approx(f.LEVEL, rel=1e-5)
    np.testing.assert_allclose(f.features(sweep), f.normalise(f.log_mel(at_level)), atol=1e-6)


def test_a_converters_last_bits_are_not_raised_to_speech():
    hiss = np.random.default_rng(0).normal(scale=1e-5, size=16000)
    assert f.level(hiss).std() < f.LEVEL / 5


@pytest.mark.parametrize("shape", [(0,), (399,), (16000, 2)])
def test_too_short_or_not_mono_raises(shape):
    with pytest.raises(ValueError, match=r"mono audio of at least 400 samples \(25 ms\)"):
        f.log_mel(np.zeros(shape, np.float32))
