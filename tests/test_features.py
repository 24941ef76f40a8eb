"""The log-mel definition equals librosa's, and the TensorFlow twin equals NumPy's."""

import librosa
import numpy as np
import pytest

from asr_helpers.sound import (
    FFT,
    HOP,
    LEVEL,
    LOG_FLOOR,
    MELS,
    SAMPLE_RATE,
    STD_FLOOR,
    WINDOW,
    features,
    features_tf,
    frame_power,
    hz_to_mel,
    level,
    log_mel,
    log_mel_tf,
    mel_filterbank,
    mel_to_hz,
    normalize_mel_bins,
    num_frames,
    output_frames,
    power_spectrogram,
)


@pytest.fixture(scope="module")
def sweep():
    """Return two seconds of a sweep through every mel bin, over quiet noise."""
    rng = np.random.default_rng(0)
    rising = librosa.chirp(fmin=50, fmax=7900, sr=SAMPLE_RATE, duration=2)
    return (0.3 * rising + 0.01 * rng.standard_normal(len(rising))).astype(np.float32)


def test_filterbank_is_librosas():
    theirs = librosa.filters.mel(sr=SAMPLE_RATE, n_fft=FFT, n_mels=MELS).T
    np.testing.assert_allclose(mel_filterbank(), theirs, atol=1e-7)


def test_mel_scale_is_librosas_and_inverts():
    hz = np.linspace(0, 8000, 200)
    np.testing.assert_allclose(hz_to_mel(hz), librosa.hz_to_mel(hz), rtol=1e-12)
    np.testing.assert_allclose(mel_to_hz(hz_to_mel(hz)), hz, atol=1e-9)


def test_log_mel_is_librosas(sweep):
    power = librosa.feature.melspectrogram(
        y=sweep, sr=SAMPLE_RATE, n_fft=FFT, win_length=WINDOW, hop_length=HOP, n_mels=MELS, power=2
    )
    np.testing.assert_allclose(log_mel(sweep), np.log(power + LOG_FLOOR).T, atol=1e-4)


@pytest.mark.parametrize(("window", "hop", "fft"), [(400, 160, 512), (256, 80, 256), (1024, 256, 1024)])
@pytest.mark.parametrize("pad", ["constant", "reflect"])
def test_power_spectrogram_is_librosas(sweep, window, hop, fft, pad):
    theirs = np.abs(librosa.stft(sweep, n_fft=fft, hop_length=hop, win_length=window, pad_mode=pad)) ** 2
    power = power_spectrogram(sweep, window, hop, fft, pad)
    assert power.dtype == np.float32
    np.testing.assert_allclose(power, theirs.T, atol=1e-4 * theirs.max())
    exact = power_spectrogram(sweep.astype(np.float64), window, hop, fft, pad)
    assert exact.dtype == np.float64
    np.testing.assert_allclose(power, exact, atol=1e-6 * theirs.max())


@pytest.mark.parametrize("samples", [400, 401, 799, 800, 31999])
def test_tensorflow_twin_is_numpys(sweep, samples):
    clip = sweep[:samples]
    np.testing.assert_allclose(log_mel_tf(clip).numpy(), log_mel(clip), atol=1e-4)
    np.testing.assert_allclose(features_tf(clip).numpy(), features(clip), atol=1e-3)


def test_a_tone_lands_in_the_bin_of_its_frequency():
    tone = np.sin(2 * np.pi * 1000 * np.arange(SAMPLE_RATE) / SAMPLE_RATE)
    centers = mel_to_hz(np.linspace(0, hz_to_mel(8000), MELS + 2))[1:-1]
    loudest = log_mel(tone).mean(axis=0).argmax()
    assert abs(centers[loudest] - 1000) < 50


def test_silence_is_the_floor():
    np.testing.assert_allclose(log_mel(np.zeros(1600)), np.log(LOG_FLOOR), rtol=1e-6)
    np.testing.assert_allclose(features(np.zeros(1600)), 0, atol=1e-4)


@pytest.mark.parametrize("samples", [400, 559, 560, 16000, 31999])
def test_num_frames_counts_the_frames(sweep, samples):
    assert log_mel(sweep[:samples]).shape == (num_frames(samples), MELS)


@pytest.mark.parametrize(("frames", "output"), [(3, 0), (4, 1), (7, 1), (8, 2), (101, 25)])
def test_four_frames_make_one_output_frame(frames, output):
    assert output_frames(frames) == output


def test_normalise_centres_each_bin_and_scales_it(sweep):
    spectrogram = log_mel(sweep)
    normalised = normalize_mel_bins(spectrogram)
    assert normalised.dtype == np.float32
    np.testing.assert_allclose(normalised.mean(axis=0), 0, atol=1e-4)
    deviation = spectrogram.std(axis=0)
    np.testing.assert_allclose(normalised.std(axis=0), deviation / (deviation + STD_FLOOR), rtol=1e-3)


@pytest.mark.parametrize(
    "change", [lambda x: 0.01 * x, lambda x: 2 * x, lambda x: x + 0.1], ids=["-40 dB", "+6 dB", "offset"]
)
def test_features_hear_neither_loudness_nor_an_offset(sweep, change):
    changed = change(sweep).astype(np.float32)
    np.testing.assert_allclose(features(changed), features(sweep), atol=1e-3)
    np.testing.assert_allclose(features_tf(changed).numpy(), features(changed), atol=1e-3)


def test_at_its_own_level_a_clip_has_librosas_log_mel(sweep):
    at_level = level(sweep)
    assert frame_power(at_level).mean() == pytest.approx(LEVEL**2, rel=1e-3)  # a sweep is equally loud all the time
    np.testing.assert_allclose(features(sweep), normalize_mel_bins(log_mel(at_level)), atol=1e-6)


def test_a_converters_last_bits_are_not_raised_to_speech():
    hiss = np.random.default_rng(0).normal(scale=1e-5, size=16000)
    assert level(hiss).std() < LEVEL / 5


@pytest.mark.parametrize("shape", [(0,), (399,), (16000, 2)])
def test_too_short_or_not_mono_raises(shape):
    with pytest.raises(ValueError, match=r"mono audio of at least 400 samples \(25 ms\)"):
        log_mel(np.zeros(shape, np.float32))
