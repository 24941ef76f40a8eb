"""Which frames are speech, and that silence around it changes no feature of it."""

import numpy as np
import pytest

from asr_helpers.sound import HOP, SAMPLE_RATE, features, features_tf, frame_power, level, speech_frames


@pytest.fixture(scope="module")
def syllables():
    """Return two seconds that resemble speech: bursts of a harmonic tone, and soft noise."""
    rng = np.random.default_rng(1)
    time = np.arange(2 * SAMPLE_RATE) / SAMPLE_RATE
    voice = sum(np.sin(2 * np.pi * 120 * n * time) / n for n in range(1, 30))
    bursts = np.clip(np.sin(2 * np.pi * 2 * time), 0, 1)
    return (0.1 * voice * bursts + 1e-4 * rng.standard_normal(len(time))).astype(np.float32)


def in_a_room(clip, seconds, level_db):
    """Return `clip` with a room's noise under it, and `seconds` of that noise before and after."""
    rng, count = np.random.default_rng(0), round(seconds * SAMPLE_RATE)
    padded = np.pad(clip, count)
    return (padded + clip.std() * 10 ** (level_db / 20) * rng.standard_normal(len(padded))).astype(np.float32)


@pytest.mark.parametrize("level_db", [-np.inf, -60, -40, -30, -20])
def test_silence_around_speech_does_not_change_its_features(syllables, level_db):
    long = in_a_room(syllables, 5, level_db)
    short = long[4 * SAMPLE_RATE : -4 * SAMPLE_RATE]
    alone = features(short)
    inside = features(long)[4 * SAMPLE_RATE // HOP :][: len(alone)]
    assert np.abs(alone - inside)[5:-5].max() < 0.1  # the estimate of a constant offset reaches the lowest bin
    speech = speech_frames(frame_power(long))
    assert 180 <= speech.sum() <= 245 and speech[500:700].mean() > 0.9


@pytest.mark.parametrize(("seconds", "level_db"), [(0, 0), (0.1, -40), (1, -20), (5, -40), (5, -np.inf)])
def test_tensorflow_finds_the_same_frames(syllables, seconds, level_db):
    clip = in_a_room(syllables, seconds, level_db)
    np.testing.assert_allclose(features_tf(clip).numpy(), features(clip), atol=1e-3)
    np.testing.assert_allclose(features(clip / 100), features(clip), atol=1e-3)


def test_the_standard_level_is_that_of_the_speech(syllables):
    at_level = level(in_a_room(syllables, 5, -40))
    power = frame_power(at_level)
    assert power[speech_frames(power)].mean() == pytest.approx(0.05**2, rel=1e-3)


def test_a_click_does_not_set_what_is_loud(syllables):
    clip = in_a_room(syllables, 2, -40)
    clicked = clip.copy()
    clicked[1000:1016] = 1
    assert (speech_frames(frame_power(clicked))[200:400] == speech_frames(frame_power(clip))[200:400]).all()


@pytest.mark.parametrize("sound", ["noise", "tone", "zero", "dither"])
def test_where_all_frames_are_equally_loud_all_count(sound):
    rng = np.random.default_rng(0)
    samples = {
        "noise": 0.1 * rng.standard_normal(32000),
        "tone": np.sin(0.3 * np.arange(32000)),
        "zero": np.zeros(32000),
        "dither": rng.integers(-1, 2, 32000) / 32768,
    }[sound]
    assert speech_frames(frame_power(samples)).all()
    assert np.isfinite(features(samples)).all()
