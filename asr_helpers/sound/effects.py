"""Waveform effects: noise, silence, reverberation, speed, time stretch, frequency mask, segment shuffle, gaps."""

import numpy as np

from asr_helpers.sound.audio import SAMPLE_RATE
from asr_helpers.sound.ranges import as_mono, check_parameters

STRETCH_FFT = 1024  # samples, 64 ms: long enough to resolve the harmonics of a low voice
ZERO_DB = -60  # silence at this level or below is digital zero, as editors and players leave it
GAP_GAIN = 1e-3  # -60 dB: a lost packet, yet not the digital zero that real recordings never hold


def noise(
    samples: np.ndarray, snr_db: float, rng: np.random.Generator, sound: str | np.ndarray = "white"
) -> np.ndarray:
    """Return `samples` with added noise, float32 (samples,).

    Args:
        samples: mono audio, (samples,).
        snr_db: signal-to-noise ratio: how far the noise's mean power lies below that of `samples`, in dB.
        rng: draws the noise.
        sound: "white" (equal power at all frequencies), "pink" (3 dB less per octave, like rain and traffic), or
            recorded noise (samples,), repeated or cut to length, such as `babble`.

    Raises:
        ValueError: `snr_db` is beyond ±200, or `sound` is an unknown name, or silent.

    Example:
        >>> noise(np.ones(400), 10, np.random.default_rng(0)).shape
        (400,)
    """
    samples = as_mono(samples)
    check_parameters("noise", snr_db=snr_db)
    if not isinstance(sound, str):
        hiss = np.resize(as_mono(sound), len(samples))  # (samples,)
    elif sound in ("white", "pink"):
        hiss = rng.standard_normal(len(samples), dtype=np.float32)
        hiss = _tilted(hiss, 1) if sound == "pink" else hiss
    else:
        raise ValueError(f'the noise must be "white", "pink" or recorded samples, not "{sound}"')
    if not hiss.any():
        raise ValueError("the noise is silent: no gain brings it to the requested ratio")
    gain = np.sqrt(np.mean(samples**2) / np.mean(hiss**2) / 10 ** (snr_db / 10))
    return (samples + gain * hiss).astype(np.float32)


def _tilted(white: np.ndarray, tilt: float) -> np.ndarray:
    """Return white noise (samples,) with its power divided by the frequency to the power of `tilt`; 1 is pink."""
    spectrum = np.fft.rfft(white)
    spectrum /= np.maximum(1, np.arange(len(spectrum))) ** (tilt / 2)
    return np.fft.irfft(spectrum, len(white)).astype(np.float32)


def silence(
    samples: np.ndarray, before: float, after: float, level_db: float, tilt: float, rng: np.random.Generator
) -> np.ndarray:
    """Return `samples` with the noise of an empty room before and after them, float32 (longer,).

    Args:
        samples: mono audio, (samples,).
        before: seconds of it before the samples.
        after: seconds of it after the samples.
        level_db: power of the room's noise relative to the clip's mean power, in dB; at -60 and below it is digital
            zero.
        tilt: its colour: 0 is white, 1 pink.
        rng: draws the noise.

    Raises:
        ValueError: a length, the level or the tilt is out of range.

    Example:
        >>> silence(np.ones(400), 0.5, 1, -40, 0, np.random.default_rng(0)).shape
        (24400,)
    """
    samples = as_mono(samples)
    check_parameters("silence", before=before, after=after, level_db=level_db, tilt=tilt)
    first, last = round(before * SAMPLE_RATE), round(after * SAMPLE_RATE)
    room = np.zeros(first + last, np.float32)
    if len(room) and level_db > ZERO_DB:
        room = _tilted(rng.standard_normal(len(room), dtype=np.float32), tilt)
        power = np.mean(room**2) or 1.0
        room *= np.float32(np.sqrt(np.mean(samples**2) / power * 10 ** (level_db / 10)))
    return np.concatenate([room[:first], samples, room[first:]])


def babble(voices: list[np.ndarray], length: int, rng: np.random.Generator) -> np.ndarray:
    """Return people talking at once, float32 (length,): all `voices` equally loud, each from a random start.

    The voices are mono, (samples,) each; short ones repeat.

    Raises:
        ValueError: there are no voices, or one is silent.

    Example:
        >>> babble([np.ones(300), np.ones(500)], 400, np.random.default_rng(0)).shape
        (400,)
    """
    voices = [as_mono(voice) for voice in voices]
    if not voices or not all(voice.any() for voice in voices):
        raise ValueError("babble needs at least one voice, and none that is silent")
    crowd = np.zeros(length, np.float32)
    for voice in voices:
        turned = np.roll(voice, -rng.integers(len(voice)))
        crowd += np.resize(turned, length) / np.sqrt(np.mean(voice**2))
    return crowd


def room_response(rt60: float, rng: np.random.Generator) -> np.ndarray:
    """Return a synthetic room's impulse response, float32 (samples,): noise that decays by 60 dB in `rt60` seconds.

    Polack's model of a room's late reverberation, scaled to energy 1.

    Raises:
        ValueError: `rt60` is not between 0.01 and 10 seconds.

    Example:
        >>> room_response(0.5, np.random.default_rng(0)).shape
        (9600,)
    """
    check_parameters("reverb", rt60=rt60, mix=1)
    seconds = np.arange(round(1.2 * rt60 * SAMPLE_RATE)) / SAMPLE_RATE
    echoes = rng.standard_normal(len(seconds)) * 10 ** (-3 * seconds / rt60)
    return (echoes / np.linalg.norm(echoes)).astype(np.float32)


def reverb(samples: np.ndarray, rt60: float, mix: float, rng: np.random.Generator) -> np.ndarray:
    """Return `samples` as heard in a room, float32 (samples,), of the same length.

    The direct sound is not delayed, so an alignment of the words stays valid.

    Args:
        samples: mono audio, (samples,).
        rt60: reverberation time: seconds in which the echoes decay by 60 dB.
        mix: weight of the echoes: 0 gives the direct sound alone, 1 only the echoes.
        rng: draws the room.

    Raises:
        ValueError: `rt60` is not between 0.01 and 10 seconds, or `mix` not between 0 and 1.

    Example:
        >>> reverb(np.ones(400), 0.5, 0.3, np.random.default_rng(0)).shape
        (400,)
    """
    from scipy.signal import oaconvolve

    samples = as_mono(samples)
    check_parameters("reverb", rt60=rt60, mix=mix)
    echoes = oaconvolve(samples, room_response(rt60, rng))[: len(samples)]
    return ((1 - mix) * samples + mix * echoes).astype(np.float32)


def time_stretch(samples: np.ndarray, rate: float) -> np.ndarray:
    """Return `samples` `rate` times as fast at the same pitch and power (phase vocoder): float32 (samples / rate,).

    Audio shorter than the vocoder's 64 ms window is returned unchanged.

    Raises:
        ValueError: `rate` is not between 0.25 and 4.

    Example:
        >>> time_stretch(np.ones(16_000), 1.25).shape
        (12800,)
    """
    from librosa.effects import time_stretch as vocoder

    samples = as_mono(samples)
    check_parameters("time_stretch", rate=rate)
    if len(samples) < STRETCH_FFT:
        return samples.copy()
    stretched = vocoder(samples, rate=rate, n_fft=STRETCH_FFT)
    # Overlapping frames whose phases differ cancel in part: a third of the amplitude would be lost.
    gain = np.sqrt(np.mean(samples**2) / max(np.mean(stretched**2), np.finfo(np.float32).tiny))
    return (stretched * gain).astype(np.float32)


def speed(samples: np.ndarray, factor: float) -> np.ndarray:
    """Return `samples` played `factor` times as fast: float32 (samples / factor,).

    Pace, pitch and formants move together, as with another speaker. Speed perturbation (Ko et al. 2015,
    Interspeech), by resampling.

    Raises:
        ValueError: `factor` is not between 0.5 and 2.

    Example:
        >>> speed(np.ones(16_000), 1.25).shape
        (12800,)
    """
    from librosa import resample

    samples = as_mono(samples)
    check_parameters("speed", factor=factor)
    return resample(samples, orig_sr=SAMPLE_RATE * factor, target_sr=SAMPLE_RATE, res_type="soxr_mq")


def frequency_mask(samples: np.ndarray, center: float, width: float) -> np.ndarray:
    """Return `samples` without the band of `width` Hz around `center` Hz, float32 (samples,).

    The filter is a Butterworth band-stop, run forwards and backwards, which cancels its delay.

    Raises:
        ValueError: the band is empty or reaches beyond 0 to 8000 Hz.

    Example:
        >>> frequency_mask(np.ones(400), 1000, 300).shape
        (400,)
    """
    from scipy.signal import butter, sosfiltfilt

    samples = as_mono(samples)
    check_parameters("frequency_mask", center=center, width=width)
    sections = butter(4, [center - width / 2, center + width / 2], btype="bandstop", fs=SAMPLE_RATE, output="sos")
    return sosfiltfilt(sections, samples, padlen=min(len(samples) - 1, 800)).astype(np.float32)


def segment_shuffle(
    samples: np.ndarray, segment_seconds: float, rng: np.random.Generator, share: float = 0.1
) -> np.ndarray:
    """Return `samples` with some neighbouring segments swapped, float32 (samples,).

    Use it sparingly: the transcript stays, so the sound no longer follows its text. Segments well under a phone's
    length (below 0.05 s) blur a transition; segments of a word's length teach the wrong order.

    Args:
        samples: mono audio, (samples,).
        segment_seconds: length of a segment.
        rng: draws the pairs to swap.
        share: fraction of the pairs to swap.

    Raises:
        ValueError: `segment_seconds` is not positive, or `share` not between 0 and 1.

    Example:
        >>> segment_shuffle(np.arange(4), 1 / 16_000, np.random.default_rng(1), share=0.5).tolist()
        [1.0, 0.0, 2.0, 3.0]
    """
    samples = as_mono(samples).copy()
    check_parameters("segment_shuffle", segment_seconds=segment_seconds, share=share)
    size = round(segment_seconds * SAMPLE_RATE)
    count = len(samples) // (2 * size)
    pairs = samples[: count * 2 * size].reshape(count, 2, size)  # a view: (pairs, 2, samples)
    chosen = rng.permutation(count)[: int(np.ceil(share * count))]
    pairs[chosen] = pairs[chosen][:, ::-1]
    return samples


def gaps(samples: np.ndarray, count: int, seconds: float, rng: np.random.Generator) -> np.ndarray:
    """Return `samples` with separate stretches attenuated by 60 dB, like lost packets, float32 (samples,).

    Args:
        samples: mono audio, (samples,).
        count: number of gaps; fewer if they would cover more than half of the audio.
        seconds: length of a gap.
        rng: draws their positions.

    Raises:
        ValueError: `count` is negative or not a whole number, or `seconds` is not positive.

    Example:
        >>> int(np.sum(gaps(np.ones(1600), 2, 0.01, np.random.default_rng(0)) < 0.5))
        320
    """
    samples = as_mono(samples).copy()
    check_parameters("gaps", count=count, seconds=seconds)
    size = round(seconds * SAMPLE_RATE)
    count = min(int(count), len(samples) // (2 * size))
    # Distinct positions in the audio without its gaps, each then shifted by the gaps before it: gaps never touch.
    starts = np.sort(rng.choice(len(samples) - count * size, count, replace=False)) + size * np.arange(count)
    for start in starts:
        samples[start : start + size] *= GAP_GAIN
    return samples


def limit(samples: np.ndarray) -> np.ndarray:
    """Return `samples` within [-1, 1], float32: attenuated as a whole if a peak exceeds 1, never clipped.

    Example:
        >>> limit(np.array([0.5, -2])).tolist()
        [0.25, -1.0]
    """
    return (samples / max(1.0, np.max(np.abs(samples)))).astype(np.float32)
