"""Augmentation: seven effects on waveforms (NumPy), and SpecAugment on features (TensorFlow).

Every effect takes and returns mono float32 samples at 16 kHz and leaves its input as it was. All chance comes
from a generator the caller seeds, ``np.random.default_rng((seed, epoch, index))``: same seed, same samples.
"""

from dataclasses import dataclass, fields
from itertools import product

import numpy as np

from asr_helpers.features import SAMPLE_RATE

STRETCH_FFT = 1024  # samples, 64 ms: long enough to tell apart the harmonics of a low voice
GAP_GAIN = 1e-3  # -60 dB: a lost packet, yet not the digital zero that real recordings never hold
FILL = 1e-3  # SpecAugment's masked value: the mean (0), but not the exact zeros that mark padding


# What each effect takes, and what it says to all else. `Augmenter` holds both ends of its ranges to it when it is made:
# a draw that an effect refuses would stop a training hours later.
TAKES = {
    "speed": (lambda factor: 0.5 <= factor <= 2, "the speed must be between 0.5 and 2"),
    "time_stretch": (lambda rate: 0.25 <= rate <= 4, "the stretch rate must be between 0.25 and 4"),
    "reverb": (
        lambda rt60, mix: 0.01 <= rt60 <= 10 and 0 <= mix <= 1,
        "the reverberation time must be 0.01 to 10 seconds, and the mix between 0 and 1",
    ),
    "noise": (lambda snr_db: -200 <= snr_db <= 200, "the signal-to-noise ratio must be -200 to 200 dB"),
    "frequency_mask": (
        lambda centre, width: 0 < centre - width / 2 < centre + width / 2 < SAMPLE_RATE / 2,
        "the masked band must lie within 0 and 8000 Hz",
    ),
    "segment_shuffle": (
        lambda segment_seconds, share=0: round(segment_seconds * SAMPLE_RATE) >= 1 and 0 <= share <= 1,
        "segments must be longer than 0 s, and their share between 0 and 1",
    ),
    "gaps": (
        lambda count, seconds: 0 <= count == int(count) and round(seconds * SAMPLE_RATE) >= 1,
        "gaps need a whole number of them, 0 or more, and a length above 0 s",
    ),
}


def _check(effect: str, **parameters) -> None:
    accepts, demand = TAKES[effect]
    try:
        good = accepts(**parameters)
    except (TypeError, ValueError, OverflowError):  # no number, or one that is not finite
        good = False
    if not good:
        told = ", ".join(f"{name} {value}" for name, value in parameters.items())
        raise ValueError(f"{demand}, not {told}")


def _mono(samples) -> np.ndarray:
    samples = np.asarray(samples, dtype=np.float32)
    if samples.ndim != 1 or not len(samples):
        raise ValueError(f"expected mono audio of at least one sample, got shape {samples.shape}")
    return samples


def noise(
    samples: np.ndarray, snr_db: float, rng: np.random.Generator, sound: str | np.ndarray = "white"
) -> np.ndarray:
    """Add a noise that is `snr_db` decibels below the mean power of `samples` (above, if negative).

    `sound` is "white" (equal power at all frequencies), "pink" (3 dB less an octave, as rain and traffic), or
    recorded noise (samples,), repeated or cut to length: `babble`, for one.

    Raises:
        ValueError: `snr_db` is beyond 200 either way, or `sound` is no such name, or silent.
    """
    samples = _mono(samples)
    _check("noise", snr_db=snr_db)
    if not isinstance(sound, str):
        hiss = np.resize(_mono(sound), len(samples))
    elif sound in ("white", "pink"):
        hiss = rng.standard_normal(len(samples), dtype=np.float32)
        hiss = _pink(hiss) if sound == "pink" else hiss
    else:
        raise ValueError(f'the noise must be "white", "pink" or recorded samples, not "{sound}"')
    if not hiss.any():
        raise ValueError("the noise is silent: no gain brings it to the asked ratio")
    gain = np.sqrt(np.mean(samples**2) / np.mean(hiss**2) / 10 ** (snr_db / 10))
    return (samples + gain * hiss).astype(np.float32)


def _pink(white: np.ndarray) -> np.ndarray:
    """Return white noise (samples,) with its power divided by the frequency."""
    spectrum = np.fft.rfft(white)
    spectrum /= np.sqrt(np.maximum(1, np.arange(len(spectrum))))
    return np.fft.irfft(spectrum, len(white)).astype(np.float32)


def babble(voices: list[np.ndarray], length: int, rng: np.random.Generator) -> np.ndarray:
    """Return people talking at once, (length,): all `voices` equally loud, each from a random place on.

    Raises:
        ValueError: there are no voices, or one is silent.
    """
    voices = [_mono(voice) for voice in voices]
    if not voices or not all(voice.any() for voice in voices):
        raise ValueError("babble needs at least one voice, and none that is silent")
    crowd = np.zeros(length, np.float32)
    for voice in voices:
        turned = np.roll(voice, -rng.integers(len(voice)))
        crowd += np.resize(turned, length) / np.sqrt(np.mean(voice**2))
    return crowd


def room_response(rt60: float, rng: np.random.Generator) -> np.ndarray:
    """Return the echoes of a synthetic room, float32 (samples,): noise that falls by 60 dB in `rt60` seconds.

    Polack's model of a room's late reverberation, scaled to energy 1.

    Raises:
        ValueError: `rt60` is not between 0.01 and 10 seconds.
    """
    _check("reverb", rt60=rt60, mix=1)
    seconds = np.arange(round(1.2 * rt60 * SAMPLE_RATE)) / SAMPLE_RATE
    echoes = rng.standard_normal(len(seconds)) * 10 ** (-3 * seconds / rt60)
    return (echoes / np.linalg.norm(echoes)).astype(np.float32)


def reverb(samples: np.ndarray, rt60: float, mix: float, rng: np.random.Generator) -> np.ndarray:
    """Put `samples` into a room of reverberation time `rt60` seconds; the length stays.

    `mix` is the weight of the echoes: 0 leaves the direct sound alone, 1 leaves only the echoes. The direct
    sound comes first, so that words stay where the transcript's alignment has them.

    Raises:
        ValueError: `rt60` is not between 0.01 and 10 seconds, or `mix` not between 0 and 1.
    """
    from scipy.signal import oaconvolve

    samples = _mono(samples)
    _check("reverb", rt60=rt60, mix=mix)
    echoes = oaconvolve(samples, room_response(rt60, rng))[: len(samples)]
    return ((1 - mix) * samples + mix * echoes).astype(np.float32)


def time_stretch(samples: np.ndarray, rate: float) -> np.ndarray:
    """Speak `rate` times as fast at the same pitch and power (phase vocoder): (samples,) to (samples / rate,).

    Audio shorter than the vocoder's 64 ms window is returned unchanged.

    Raises:
        ValueError: `rate` is not between 0.25 and 4.
    """
    from librosa.effects import time_stretch as vocoder

    samples = _mono(samples)
    _check("time_stretch", rate=rate)
    if len(samples) < STRETCH_FFT:
        return samples.copy()
    stretched = vocoder(samples, rate=rate, n_fft=STRETCH_FFT)
    # Columns whose phases do not quite fit cancel each other: a third of the amplitude would be gone.
    lost = np.sqrt(np.mean(samples**2) / max(np.mean(stretched**2), np.finfo(np.float32).tiny))
    return (stretched * lost).astype(np.float32)


def speed(samples: np.ndarray, factor: float) -> np.ndarray:
    """Play `samples` `factor` times as fast: pace, pitch and formants move together, as with another speaker.

    Speed perturbation (Ko et al. 2015, Interspeech), by resampling.

    Raises:
        ValueError: `factor` is not between 0.5 and 2.
    """
    from librosa import resample

    samples = _mono(samples)
    _check("speed", factor=factor)
    return resample(samples, orig_sr=SAMPLE_RATE * factor, target_sr=SAMPLE_RATE, res_type="soxr_mq")


def frequency_mask(samples: np.ndarray, centre: float, width: float) -> np.ndarray:
    """Remove the band of `width` Hz around `centre` Hz (Butterworth band-stop, run both ways: no delay).

    Raises:
        ValueError: the band is empty or reaches beyond 0 to 8000 Hz.
    """
    from scipy.signal import butter, sosfiltfilt

    samples = _mono(samples)
    _check("frequency_mask", centre=centre, width=width)
    sections = butter(
        4, [centre - width / 2, centre + width / 2], btype="bandstop", fs=SAMPLE_RATE, output="sos"
    )
    return sosfiltfilt(sections, samples, padlen=min(len(samples) - 1, 800)).astype(np.float32)


def segment_shuffle(
    samples: np.ndarray, segment_seconds: float, rng: np.random.Generator, share: float = 0.1
) -> np.ndarray:
    """Swap neighbouring segments of `segment_seconds` each, in a random `share` of all neighbouring pairs.

    Be sparing: the transcript stays as it was, so the sound no longer follows its text. Segments well under
    a phone's length (below 0.05 s) blur a transition; segments of a word's length teach the wrong order.

    Raises:
        ValueError: `segment_seconds` is not positive, or `share` not between 0 and 1.
    """
    samples = _mono(samples).copy()
    _check("segment_shuffle", segment_seconds=segment_seconds, share=share)
    size = round(segment_seconds * SAMPLE_RATE)
    count = len(samples) // (2 * size)
    pairs = samples[: count * 2 * size].reshape(count, 2, size)
    chosen = rng.permutation(count)[: int(np.ceil(share * count))]
    pairs[chosen] = pairs[chosen][:, ::-1]
    return samples


def gaps(samples: np.ndarray, count: int, seconds: float, rng: np.random.Generator) -> np.ndarray:
    """Turn `count` separate stretches of `seconds` each down by 60 dB, as lost packets do.

    At most half of the audio is taken: a short clip gets fewer gaps.

    Raises:
        ValueError: `count` is negative or no whole number, or `seconds` is not positive.
    """
    samples = _mono(samples).copy()
    _check("gaps", count=count, seconds=seconds)
    size = round(seconds * SAMPLE_RATE)
    count = min(int(count), len(samples) // (2 * size))
    # Distinct places in what remains, then moved apart by the gaps before them: they never touch.
    starts = np.sort(rng.choice(len(samples) - count * size, count, replace=False)) + size * np.arange(count)
    for start in starts:
        samples[start : start + size] *= GAP_GAIN
    return samples


def limit(samples: np.ndarray) -> np.ndarray:
    """Return `samples` within [-1, 1]: turned down as a whole where a peak exceeds it, never clipped."""
    return (samples / max(1.0, np.max(np.abs(samples)))).astype(np.float32)


# The order in which sound travels: the speaker, the room, its noise, the microphone, the line.
EFFECTS = {
    effect.__name__: effect
    for effect in (speed, time_stretch, reverb, noise, frequency_mask, segment_shuffle, gaps)
}
_NEEDS_RNG = {"reverb", "noise", "segment_shuffle", "gaps"}


@dataclass(frozen=True)
class Augmenter:
    """Each effect's probability, and the ranges its parameters are drawn from, uniformly.

    Attributes are named `<effect>_probability` and, after the effect's own parameters, `<effect>_<parameter>`
    as a pair (lowest, highest), in the units of the effect.

    Raises:
        ValueError: a probability is not between 0 and 1, or a range is upside down or reaches beyond what its
            effect takes.
    """

    speed_probability: float = 0.5
    speed_factor: tuple[float, float] = (0.87, 1.15)
    time_stretch_probability: float = 0.1
    time_stretch_rate: tuple[float, float] = (0.9, 1.1)
    reverb_probability: float = 0.1
    reverb_rt60: tuple[float, float] = (0.1, 0.5)
    reverb_mix: tuple[float, float] = (0.1, 0.4)
    noise_probability: float = 0.2
    noise_snr_db: tuple[float, float] = (10, 30)
    frequency_mask_probability: float = 0.1
    frequency_mask_centre: tuple[float, float] = (300, 5000)
    frequency_mask_width: tuple[float, float] = (100, 500)
    segment_shuffle_probability: float = 0.02
    segment_shuffle_segment_seconds: tuple[float, float] = (0.01, 0.03)
    gaps_probability: float = 0.05
    gaps_count: tuple[int, int] = (1, 3)
    gaps_seconds: tuple[float, float] = (0.02, 0.08)

    def __post_init__(self):
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name.endswith("_probability"):
                if not 0 <= value <= 1:
                    raise ValueError(f"{field.name} must be between 0 and 1, not {value}")
            elif np.shape(value) != (2,) or not value[0] <= value[1]:
                raise ValueError(f"{field.name} must be (lowest, highest), not {value}")
        for name in EFFECTS:
            ranges = self.ranges(name)
            for ends in product(*ranges.values()):
                try:
                    _check(name, **dict(zip(ranges, ends, strict=True)))
                except ValueError as error:
                    raise ValueError(f"Augmenter's ranges of {name}: {error}") from None

    def ranges(self, name: str) -> dict[str, tuple]:
        """Return the parameters of the effect `name` and the range of each."""
        prefix = f"{name}_"
        names = [field.name for field in fields(self) if field.name.startswith(prefix)]
        return {field.removeprefix(prefix): getattr(self, field) for field in names[1:]}

    def draw(self, rng: np.random.Generator) -> list[tuple[str, dict]]:
        """Return what to do to one utterance: (effect, parameters) in order, often nothing at all."""

        def value(parameter, low, high):
            return int(rng.integers(low, high + 1)) if parameter == "count" else rng.uniform(low, high)

        plan = []
        for name in EFFECTS:
            if rng.random() < getattr(self, f"{name}_probability"):
                plan.append((name, {key: value(key, *limits) for key, limits in self.ranges(name).items()}))
        return plan

    def apply(self, samples: np.ndarray, plan: list, rng: np.random.Generator) -> np.ndarray:
        """Return `samples` after the effects of `plan`, float32 within [-1, 1]."""
        samples = _mono(samples)
        for name, parameters in plan:
            chance = {"rng": rng} if name in _NEEDS_RNG else {}
            samples = EFFECTS[name](samples, **parameters, **chance)
        return limit(samples) if plan else samples

    def __call__(self, samples: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return `samples` augmented as `rng` decides, float32 within [-1, 1]; often unchanged."""
        return self.apply(samples, self.draw(rng), rng)


@dataclass(frozen=True)
class SpecAugment:
    """Masks bands of time and frequency in normalised log-mels (Park et al. 2019, arXiv:1904.08779).

    Each mask's width is drawn between 0 and its maximum. All time masks together cover at most `time_share`
    of the utterance, so that a short one keeps its words. Masked values become the mean, which is 0 in
    normalised features; but a frame of exact zeros tells the model "padding", so `FILL` stands in for it.

    Raises:
        ValueError: a number or width is negative or not whole, or `time_share` is not between 0 and 1.
    """

    time_masks: int = 2
    time_width: int = 40  # frames of 10 ms
    time_share: float = 0.2
    frequency_masks: int = 2
    frequency_width: int = 15  # mel bins

    def __post_init__(self):
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name == "time_share":
                if not 0 <= value <= 1:
                    raise ValueError(f"time_share must be between 0 and 1, not {value}")
            elif not isinstance(value, int | np.integer) or value < 0:
                raise ValueError(f"{field.name} must be a whole number, 0 or more, not {value}")

    def __call__(self, features, seed):
        """Return `features`, float32 (frames, mels), masked as `seed`, an integer tensor (2,), decides."""
        import tensorflow as tf

        def mask(size, count, widest, seeds):
            """Return which of `size` places any of `count` random bands covers, bool (size,)."""
            widths = tf.random.stateless_uniform([count], seeds[0], 0, widest + 1, tf.int32)
            spare = tf.cast(size - widths + 1, tf.float32)
            starts = tf.cast(tf.random.stateless_uniform([count], seeds[1]) * spare, tf.int32)
            places = tf.range(size)[:, None]
            return tf.reduce_any((places >= starts) & (places < starts + widths), axis=1)

        frames, mels = tf.unstack(tf.shape(features))
        seeds = tf.random.split(tf.cast(seed, tf.int64), 4)  # the same masks for a seed of either width
        share = tf.cast(tf.cast(frames, tf.float32) * self.time_share / max(1, self.time_masks), tf.int32)
        in_time = mask(frames, self.time_masks, tf.minimum(self.time_width, share), seeds[:2])
        in_frequency = mask(mels, self.frequency_masks, tf.minimum(self.frequency_width, mels), seeds[2:])
        return tf.where(in_time[:, None] | in_frequency, FILL, features)
