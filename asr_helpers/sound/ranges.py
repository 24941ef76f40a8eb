"""What each effect accepts: the ranges of its parameters, and mono samples."""

from collections.abc import Callable

import numpy as np

from asr_helpers.sound.audio import SAMPLE_RATE

# Valid parameters of each effect: (predicate, error message). `Augmenter` checks both ends of every range against
# these when it is constructed, so that a bad range fails at once and not in the middle of a training run.
VALID_RANGES: dict[str, tuple[Callable[..., bool], str]] = {
    "speed": (lambda factor: 0.5 <= factor <= 2, "the speed must be between 0.5 and 2"),
    "time_stretch": (lambda rate: 0.25 <= rate <= 4, "the stretch rate must be between 0.25 and 4"),
    "reverb": (
        lambda rt60, mix: 0.01 <= rt60 <= 10 and 0 <= mix <= 1,
        "the reverberation time must be 0.01 to 10 seconds, and the mix between 0 and 1",
    ),
    "silence": (
        lambda before, after, level_db, tilt: (
            0 <= before <= 60 and 0 <= after <= 60 and -200 <= level_db <= 0 and 0 <= tilt <= 2
        ),
        "silence takes 0 to 60 seconds before and after, a level of -200 to 0 dB, and a tilt between 0 and 2",
    ),
    "noise": (lambda snr_db: -200 <= snr_db <= 200, "the signal-to-noise ratio must be -200 to 200 dB"),
    "frequency_mask": (
        lambda center, width: 0 < center - width / 2 < center + width / 2 < SAMPLE_RATE / 2,
        "the masked band must lie within 0 and 8000 Hz",
    ),
    "segment_shuffle": (
        lambda segment_seconds, share=0: round(segment_seconds * SAMPLE_RATE) >= 1 and 0 <= share <= 1,
        "segments must be longer than 0 s, and their share between 0 and 1",
    ),
    "gaps": (
        lambda count, seconds: 0 <= count == int(count) and round(seconds * SAMPLE_RATE) >= 1,
        "the number of gaps must be whole, 0 or more, and their length above 0 s",
    ),
}


def check_parameters(effect: str, **parameters: float) -> None:
    """Check the parameters of an effect against `VALID_RANGES`.

    Raises:
        ValueError: they are out of range, or not numbers.

    Example:
        >>> check_parameters("speed", factor=1.1)
    """
    accepts, demand = VALID_RANGES[effect]
    try:
        good = accepts(**parameters)
    except (TypeError, ValueError, OverflowError):  # not a number, or not finite
        good = False
    if not good:
        given = ", ".join(f"{name} {value}" for name, value in parameters.items())
        raise ValueError(f"{demand}, not {given}")


def as_mono(samples: np.ndarray) -> np.ndarray:
    """Return `samples` as float32 (samples,).

    Raises:
        ValueError: they have several channels, or are empty.

    Example:
        >>> as_mono([0, 1]).dtype
        dtype('float32')
    """
    samples = np.asarray(samples, dtype=np.float32)
    if samples.ndim != 1 or not len(samples):
        raise ValueError(f"expected mono audio of at least one sample, got shape {samples.shape}")
    return samples
