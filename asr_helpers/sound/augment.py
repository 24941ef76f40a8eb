"""Random augmentation of waveforms (`Augmenter`) and of features (`SpecAugment`)."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from asr_helpers.sound.effects import (
    frequency_mask,
    gaps,
    limit,
    noise,
    reverb,
    segment_shuffle,
    silence,
    speed,
    time_stretch,
)
from asr_helpers.sound.ranges import as_mono, check_parameters

if TYPE_CHECKING:
    import tensorflow as tf

FILL = 1e-3  # SpecAugment's masked value: the mean (0), but not the exact zeros that mark padding

# The order in which sound travels: the speaker, the room, its noise, the microphone, the line.
EFFECTS: dict[str, Callable[..., np.ndarray]] = {
    effect.__name__: effect
    for effect in (speed, time_stretch, reverb, silence, noise, frequency_mask, segment_shuffle, gaps)
}
_NEEDS_RNG = {"reverb", "silence", "noise", "segment_shuffle", "gaps"}


@dataclass(frozen=True)
class Augmenter:
    """Random augmentation of waveforms: each effect's probability, and the range of each of its parameters.

    Attributes are named `<effect>_probability` and `<effect>_<parameter>`. The latter are pairs (lowest, highest), in
    the effect's units, between which values are drawn uniformly.

    Raises:
        ValueError: a probability is not between 0 and 1, or a range is reversed or exceeds `VALID_RANGES`.
    """

    speed_probability: float = 0.5
    speed_factor: tuple[float, float] = (0.87, 1.15)
    time_stretch_probability: float = 0.1
    time_stretch_rate: tuple[float, float] = (0.9, 1.1)
    reverb_probability: float = 0.1
    reverb_rt60: tuple[float, float] = (0.1, 0.5)
    reverb_mix: tuple[float, float] = (0.1, 0.4)
    silence_probability: float = 0.0  # it lengthens clips, and training takes that much longer
    silence_before: tuple[float, float] = (0, 3)
    silence_after: tuple[float, float] = (0, 3)
    silence_level_db: tuple[float, float] = (-65, -25)
    silence_tilt: tuple[float, float] = (0, 1)
    noise_probability: float = 0.2
    noise_snr_db: tuple[float, float] = (10, 30)
    frequency_mask_probability: float = 0.1
    frequency_mask_center: tuple[float, float] = (300, 5000)
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
                    check_parameters(name, **dict(zip(ranges, ends, strict=True)))
                except ValueError as error:
                    raise ValueError(f"Augmenter's ranges of {name}: {error}") from None

    def ranges(self, name: str) -> dict[str, tuple]:
        """Return {parameter: (lowest, highest)} of the effect `name`."""
        prefix = f"{name}_"
        names = [field.name for field in fields(self) if field.name.startswith(prefix)]
        return {field.removeprefix(prefix): getattr(self, field) for field in names[1:]}

    def draw(self, rng: np.random.Generator) -> list[tuple[str, dict]]:
        """Return the plan for one clip: (effect, parameters) in order, often none."""

        def value(parameter: str, low: Any, high: Any) -> int | float:
            return int(rng.integers(low, high + 1)) if parameter == "count" else rng.uniform(low, high)

        plan = []
        for name in EFFECTS:
            probability = getattr(self, f"{name}_probability")
            if probability and rng.random() < probability:
                plan.append((name, {key: value(key, *limits) for key, limits in self.ranges(name).items()}))
        return plan

    def apply(self, samples: np.ndarray, plan: list[tuple[str, dict]], rng: np.random.Generator) -> np.ndarray:
        """Return `samples` after the effects of `plan`, float32 within [-1, 1].

        `plan` comes from `draw`; `rng` serves the effects that are themselves random.
        """
        samples = as_mono(samples)
        for name, parameters in plan:
            randomness = {"rng": rng} if name in _NEEDS_RNG else {}
            samples = EFFECTS[name](samples, **parameters, **randomness)
        return limit(samples) if plan else samples

    def __call__(self, samples: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return `samples` augmented as `rng` decides, float32 within [-1, 1]; often unchanged."""
        return self.apply(samples, self.draw(rng), rng)


@dataclass(frozen=True)
class SpecAugment:
    """Random masks of time and frequency bands in normalised log-mels (Park et al. 2019, arXiv:1904.08779).

    Each mask's width is drawn between 0 and its maximum. All time masks together cover at most `time_share` of the
    clip, so that a short one keeps its words. Masked values become the mean, which is 0 in normalised features.
    The model treats a frame of exact zeros as padding, so `FILL` replaces 0.

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

    def __call__(self, features: "tf.Tensor", seed: "tf.Tensor") -> "tf.Tensor":
        """Return `features`, float32 (frames, mels), masked as `seed`, an integer tensor (2,), decides."""
        import tensorflow as tf

        def mask(size, count, widest, seeds):
            """Return which of `size` places are covered by any of `count` random bands, bool (size,)."""
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
