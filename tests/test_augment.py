"""Each effect does what its parameter says, measured on signals whose answer is known."""

import numpy as np
import pytest

from asr_helpers.corpus import data_dir
from asr_helpers.sound import Augmenter, SpecAugment, augment, effects, read_audio

RATE = 16000
OFF = {f"{name}_probability": 0.0 for name in augment.EFFECTS}


def rng(seed=0):
    return np.random.default_rng(seed)


def tone(hz, seconds=1.0):
    return (0.5 * np.sin(2 * np.pi * hz * np.arange(int(seconds * RATE)) / RATE)).astype(np.float32)


def amplitude(samples, hz):
    """Return the amplitude of the `hz` component of a one-second clip, away from its edges."""
    middle = samples[2000:-2000]
    window = np.hanning(len(middle))
    turn = np.exp(-2j * np.pi * hz * np.arange(len(middle)) / RATE)
    return 2 * abs(np.sum(middle * window * turn)) / window.sum()


@pytest.mark.parametrize("snr_db", [-5, 0, 20])
def test_noise_has_the_asked_snr(snr_db):
    clean = tone(440)
    added = effects.noise(clean, snr_db, rng()) - clean
    assert 10 * np.log10(np.mean(clean**2) / np.mean(added**2)) == pytest.approx(snr_db, abs=0.01)


@pytest.mark.parametrize("sound", ["pink", tone(1000, 0.3)])
def test_other_noises_have_the_asked_snr_too(sound):
    clean = tone(440)
    added = effects.noise(clean, 5, rng(), sound) - clean
    assert 10 * np.log10(np.mean(clean**2) / np.mean(added**2)) == pytest.approx(5, abs=0.01)


def test_pink_noise_has_equal_power_in_every_octave():
    clean = tone(440, 8)
    power = np.abs(np.fft.rfft(effects.noise(clean, 0, rng(), "pink") - clean)) ** 2
    hz = np.arange(len(power)) / 8
    octaves = [power[(hz >= low) & (hz < 2 * low)].sum() for low in (250, 500, 1000, 2000, 4000)]
    assert np.ptp(10 * np.log10(octaves)) < 1


def test_babble_holds_every_voice_equally_loud():
    crowd = effects.babble([tone(300), 0.01 * tone(1000, 0.5)], 2 * RATE, rng())
    assert len(crowd) == 2 * RATE
    first, second = (amplitude(crowd[:RATE], hz) for hz in (300, 1000))
    assert first == pytest.approx(second, rel=0.1)
    assert not np.array_equal(crowd, effects.babble([tone(300), tone(1000, 0.5)], 2 * RATE, rng(1)))


@pytest.mark.parametrize(
    "call",
    [
        lambda: effects.noise(tone(440), 5, rng(), "brown"),
        lambda: effects.noise(tone(440), 5, rng(), np.zeros(100)),
        lambda: effects.babble([], 100, rng()),
        lambda: effects.babble([np.zeros(100)], 100, rng()),
    ],
)
def test_noise_that_cannot_be_made_is_refused(call):
    with pytest.raises(ValueError, match=r"noise|voice"):
        call()


def test_the_draws_of_a_training_run_stay_as_they_were():
    """A run that is resumed with this version must go on as it began: these numbers never change."""
    plans = [Augmenter().draw(rng((35, epoch, 0))) for epoch in range(40)]
    summary = [(name, round(float(next(iter(values.values()))), 6)) for plan in plans for name, values in plan]
    assert len(summary) == 42
    assert summary[:3] == [("speed", 0.998379), ("noise", 10.01784), ("speed", 1.142336)]
    hiss = effects.noise(tone(440), 10, rng(3)) - tone(440)
    np.testing.assert_allclose(hiss[:3], [0.269725, 0.0159306, -0.0572097], rtol=1e-4)


def test_noise_leaves_silence_silent():
    assert not effects.noise(np.zeros(1000, np.float32), 10, rng()).any()


@pytest.mark.parametrize("rt60", [0.2, 0.5, 1.0])
def test_the_room_has_the_asked_reverberation_time(rt60):
    response = effects.room_response(rt60, rng())
    decay = 10 * np.log10(np.cumsum(response[::-1] ** 2)[::-1])  # Schroeder (1965): backward integration
    fitted = (decay < -5) & (decay > -35)
    slope = np.polyfit(np.flatnonzero(fitted) / RATE, decay[fitted], 1)[0]
    assert -60 / slope == pytest.approx(rt60, rel=0.1)


def test_reverb_keeps_the_length_and_the_direct_sound_first():
    click = np.zeros(8000, np.float32)
    click[1000] = 1
    wet = effects.reverb(click, rt60=0.3, mix=0.4, rng=rng())
    assert len(wet) == len(click)
    assert np.abs(wet[:1000]).max() < 1e-6
    assert np.argmax(np.abs(wet)) == 1000
    assert np.sum(wet[1001:] ** 2) == pytest.approx(0.4**2, rel=0.05)


def test_dry_reverb_changes_nothing():
    np.testing.assert_allclose(effects.reverb(tone(440), 0.3, 0, rng()), tone(440))


@pytest.mark.parametrize("rate", [0.8, 1.25])
def test_stretch_changes_the_length_and_keeps_the_pitch(rate):
    stretched = effects.time_stretch(tone(440, 2), rate)
    assert len(stretched) == round(2 * RATE / rate)
    spectrum = np.abs(np.fft.rfft(stretched * np.hanning(len(stretched))))
    assert np.argmax(spectrum) * RATE / len(stretched) == pytest.approx(440, abs=2)


def test_stretch_keeps_the_power():
    clip = read_audio(data_dir() / "mini" / "test-mini" / "9002" / "1" / "9002-1-0002.flac")
    assert np.std(effects.time_stretch(clip, 0.75)) == pytest.approx(np.std(clip), rel=0.01)
    assert not effects.time_stretch(np.zeros(RATE, np.float32), 0.75).any()


def test_frequency_mask_removes_its_band_and_no_more():
    hz = {"masked": 1000, "octave below": 500, "octave above": 2000}
    masked = effects.frequency_mask(sum(tone(f) for f in hz.values()), center=1000, width=300)
    change = {name: 20 * np.log10(amplitude(masked, f) / 0.5) for name, f in hz.items()}
    assert change["masked"] < -20
    assert abs(change["octave below"]) < 1 and abs(change["octave above"]) < 1


def test_shuffle_permutes_the_samples_and_moves_none_far():
    ramp = np.arange(RATE, dtype=np.float32)
    shuffled = effects.segment_shuffle(ramp, 0.02, rng())
    np.testing.assert_array_equal(np.sort(shuffled), ramp)
    moved = np.abs(shuffled - ramp)
    assert set(moved) == {0, 320}
    assert (moved > 0).sum() == 3 * 640  # a tenth of 25 pairs, rounded up


@pytest.mark.parametrize("seed", range(20))
def test_gaps_are_as_many_and_as_long_as_asked(seed):
    quiet = effects.gaps(np.ones(RATE, np.float32), 5, 0.05, rng(seed)) < 0.5
    assert np.sum(np.diff(quiet.astype(int), prepend=0) == 1) == 5
    assert quiet.sum() == 5 * 800


def test_gaps_take_at_most_half_of_a_short_clip():
    quiet = effects.gaps(np.ones(1000, np.float32), 100, 0.01, rng()) < 0.5
    assert quiet.sum() == 480


@pytest.mark.parametrize(
    "call",
    [
        lambda x: effects.noise(x, np.nan, rng()),
        lambda x: effects.noise(np.stack([x, x]), 10, rng()),
        lambda x: effects.noise(x[:0], 10, rng()),
        lambda x: effects.reverb(x, 0, 0.3, rng()),
        lambda x: effects.reverb(x, 0.3, 1.5, rng()),
        lambda x: effects.time_stretch(x, 0),
        lambda x: effects.frequency_mask(x, 100, 300),
        lambda x: effects.frequency_mask(x, 1000, 0),
        lambda x: effects.segment_shuffle(x, 0, rng()),
        lambda x: effects.gaps(x, -1, 0.1, rng()),
        lambda x: Augmenter(noise_probability=1.2),
        lambda x: Augmenter(noise_snr_db=(20, 5)),
        lambda x: Augmenter(noise_snr_db=10),
        lambda x: SpecAugment(time_share=2),
        lambda x: SpecAugment(time_width=-1),
        lambda x: SpecAugment(frequency_masks=1.5),
    ],
)
def test_nonsense_raises_one_clear_line(call):
    with pytest.raises(ValueError) as error:
        call(tone(440))
    assert len(str(error.value)) > 20 and "\n" not in str(error.value)


@pytest.mark.parametrize(
    "wrong",
    [
        {"speed_factor": (0.4, 1)},
        {"time_stretch_rate": (0.9, 5)},
        {"reverb_rt60": (0, 0.5)},
        {"reverb_mix": (0, 2)},
        {"noise_snr_db": (float("-inf"), 30)},
        {"noise_snr_db": (0, 5000)},
        {"frequency_mask_center": (300, 7990)},
        {"frequency_mask_width": (0, 100)},
        {"segment_shuffle_segment_seconds": (0, 0.1)},
        {"gaps_count": (0.5, 3)},
        {"gaps_seconds": (0.1, float("inf"))},
    ],
)
def test_a_range_that_its_effect_would_refuse_is_refused_when_made(wrong):
    (name,) = wrong
    with pytest.raises(ValueError, match="Augmenter's ranges of " + name.rpartition("_")[0].split("_")[0]):
        Augmenter(**wrong)


@pytest.mark.parametrize("seed", range(20))
def test_the_ends_of_the_widest_ranges_are_taken(seed):
    widest = Augmenter(
        **{f"{name}_probability": 1.0 for name in augment.EFFECTS},
        speed_factor=(0.5, 2),
        time_stretch_rate=(0.25, 4),
        reverb_rt60=(0.01, 10),
        reverb_mix=(0, 1),
        noise_snr_db=(-200, 200),
        frequency_mask_center=(2000, 6000),
        frequency_mask_width=(0.1, 3999),
        segment_shuffle_segment_seconds=(0.0001, 9),
        gaps_count=(0, 1000),
        gaps_seconds=(0.0001, 9),
    )
    assert np.isfinite(widest(tone(440, 0.1), rng(seed))).all()


def test_probability_zero_returns_the_input_unchanged():
    for seed in range(10):
        np.testing.assert_array_equal(Augmenter(**OFF)(tone(440), rng(seed)), tone(440))


@pytest.mark.parametrize("name", augment.EFFECTS)
def test_probability_one_always_applies(name):
    augmenter = Augmenter(**(OFF | {f"{name}_probability": 1.0}))
    speech = rng(9).standard_normal(RATE).astype(np.float32) * 0.1
    for seed in range(5):
        [(drawn, parameters)] = augmenter.draw(rng(seed))
        assert drawn == name and parameters.keys() == augmenter.ranges(name).keys()
        for parameter, (low, high) in augmenter.ranges(name).items():
            assert low <= parameters[parameter] <= high
        assert not np.array_equal(augmenter(speech, rng(seed)), speech)


def everything():
    return Augmenter(**{f"{name}_probability": 1.0 for name in augment.EFFECTS})


@pytest.mark.parametrize("samples", [1, 7, 400, 1600, RATE])
def test_any_length_is_float32_within_one_and_leaves_the_input_alone(samples):
    clip = np.full(samples, 0.99, np.float32)
    before = clip.copy()
    for seed in range(5):
        augmented = everything()(clip, rng(seed))
        assert augmented.dtype == np.float32 and augmented.ndim == 1 and len(augmented)
        assert np.isfinite(augmented).all() and np.abs(augmented).max() <= 1
    np.testing.assert_array_equal(clip, before)


def test_the_same_seed_gives_the_same_bytes_and_another_seed_does_not():
    first, again, other = (everything()(tone(440), rng((0, epoch, 7))) for epoch in (1, 1, 2))
    assert first.tobytes() == again.tobytes() != other.tobytes()


def test_a_drawn_plan_applied_is_the_call():
    generator = rng(3)
    plan = everything().draw(generator)
    by_hand = everything().apply(tone(440), plan, generator)
    assert [name for name, _ in plan] == list(augment.EFFECTS)
    assert by_hand.tobytes() == everything()(tone(440), rng(3)).tobytes()


def test_limit_turns_down_the_whole_and_only_when_needed():
    np.testing.assert_allclose(effects.limit(np.float32([0.5, -2])), [0.25, -1])
    np.testing.assert_array_equal(effects.limit(np.float32([0.5, -0.9])), np.float32([0.5, -0.9]))


def runs(mask):
    """Return the lengths of the unbroken stretches of True in `mask`."""
    edges = np.flatnonzero(np.diff(np.pad(mask.astype(int), 1)))
    return edges[1::2] - edges[::2]


def test_specaugment_masks_whole_bands_no_wider_than_asked():
    features = np.ones((500, 80), np.float32)
    for index in range(30):
        masked = SpecAugment()(features, (0, index)).numpy() == np.float32(augment.FILL)
        in_time, in_frequency = masked.all(axis=1), masked.all(axis=0)
        np.testing.assert_array_equal(masked, in_time[:, None] | in_frequency)
        assert runs(in_time).sum() <= 80 and len(runs(in_time)) <= 2
        assert runs(in_frequency).sum() <= 30 and len(runs(in_frequency)) <= 2


def test_specaugment_reaches_every_place_and_every_width():
    one, features = SpecAugment(time_masks=1, time_share=1), np.ones((50, 80), np.float32)
    masks = [one(features, (1, index)).numpy() < 0.5 for index in range(300)]
    widths = {int(mask.all(axis=1).sum()) for mask in masks}
    assert min(widths) == 0 and max(widths) == 40
    assert np.any([mask.all(axis=1) for mask in masks], axis=0).all()
    assert np.any([mask.all(axis=0) for mask in masks], axis=0).all()


@pytest.mark.parametrize("frames", [1, 9, 50])
def test_specaugment_spares_short_utterances(frames):
    for index in range(20):
        masked = SpecAugment()(np.ones((frames, 80), np.float32), (0, index)).numpy() < 0.5
        assert masked.all(axis=1).sum() <= 0.2 * frames


def test_specaugment_leaves_no_frame_that_reads_as_padding():
    greedy = SpecAugment(time_masks=2, time_width=500, time_share=1.0, frequency_width=80)
    for index in range(10):
        assert np.all(np.any(greedy(np.ones((100, 80), np.float32), (0, index)).numpy() != 0, axis=1))


def test_specaugment_is_deterministic_inside_tf_data():
    import tensorflow as tf

    features = rng().standard_normal((300, 80)).astype(np.float32)
    dataset = tf.data.Dataset.range(3).map(lambda i: SpecAugment()(features, tf.stack([7, i])))
    eager = [SpecAugment()(features, (7, i)).numpy() for i in range(3)]
    for inside, outside in zip(dataset.as_numpy_iterator(), eager, strict=True):
        np.testing.assert_array_equal(inside, outside)
    assert not np.array_equal(eager[0], eager[1])


def test_silence_is_put_around_and_is_as_loud_as_asked():
    clip = 0.1 * rng().standard_normal(16000).astype(np.float32)
    longer = effects.silence(clip, before=0.5, after=1, level_db=-30, tilt=1, rng=rng())
    assert len(longer) == 40000
    np.testing.assert_array_equal(longer[8000:24000], clip)
    room = np.concatenate([longer[:8000], longer[24000:]])
    assert 10 * np.log10(np.mean(room**2) / np.mean(clip**2)) == pytest.approx(-30, abs=0.1)


def test_silence_below_60_db_is_digital_zero():
    clip = 0.1 * rng().standard_normal(1600).astype(np.float32)
    assert not effects.silence(clip, 1, 0, level_db=-61, tilt=0, rng=rng())[:16000].any()
    np.testing.assert_array_equal(effects.silence(clip, 0, 0, level_db=-30, tilt=0, rng=rng()), clip)


def test_no_silence_by_default_and_no_draw_spent_on_it():
    a, b = (Augmenter(silence_tilt=tilt).draw(rng(3)) for tilt in ((0, 1), (1, 1)))
    assert a == b and "silence" not in dict(a)
