"""Judges of notebook 03's exercises."""

import math

import numpy as np

from asr_helpers.sound.audio import SAMPLE_RATE, read_audio
from asr_helpers.sound.augment import EFFECTS, FILL, Augmenter
from asr_helpers.sound.mel import features
from asr_helpers.teaching.checks.given import BULLETIN, HISSES, clip_by_id
from asr_helpers.teaching.checks.judging import Hint, as_array, as_number, call_answer, expect_close, judge


@judge("03.1")
def telephone(answer):
    for key in (BULLETIN, HISSES):
        samples = read_audio(clip_by_id(key).path)
        _expect_telephone(
            samples, as_array(call_answer(answer, samples.copy()), (len(samples),), "the clip, filtered,")
        )
    return "S and F differ mostly above 3400 Hz: that is why one spells names on the telephone."


def _expect_telephone(samples: np.ndarray, sound: np.ndarray) -> None:
    """Raise `Hint` unless `sound` is the part of `samples` that a telephone passes."""

    def gain(low, high):
        inside = slice(int(low * len(samples) / SAMPLE_RATE), int(high * len(samples) / SAMPLE_RATE))
        before, after = (np.sum(np.abs(np.fft.rfft(each)[inside]) ** 2) for each in (samples, sound))
        return 10 * math.log10((after + 1e-12) / (before + 1e-12))

    if gain(500, 3000) < -3:
        raise Hint("what a telephone passes is gone. Is `fs=16000` given, and `btype` a bandpass?")
    if gain(500, 3000) > 3:
        raise Hint("it is louder than before: a filter only removes.")
    if gain(4500, 7900) > -15:
        raise Hint("there is still much above 3400 Hz.")
    if gain(20, 150) > -15:
        raise Hint("there is still much below 300 Hz.")
    if np.argmax(np.correlate(sound[8000:16000], samples[8000:16000], "full")) != 7999:
        raise Hint("it comes later than the original. `sosfiltfilt` runs both ways and so has no delay.")


@judge("03.2")
def time_mask(answer):
    picture = features(read_audio(clip_by_id(BULLETIN).path))
    masks = [_covered_frames(answer, picture, seed) for seed in range(40)]
    if masks[0] != _covered_frames(answer, picture, 0):
        raise Hint("the same generator gave another mask the second time: take all random numbers from it.")
    widths, starts = {len(mask) for mask in masks}, {mask[0] for mask in masks if mask}
    if widths == {0}:
        raise Hint("nothing is covered.")
    if len(widths) == 1:
        raise Hint("the mask is always equally long: let the generator draw its length, too.")
    if len(starts) < 5:
        raise Hint("the mask begins at the same few places every time.")
    return "the network cannot rely on any single moment, and no frame looks like padding."


def _covered_frames(answer: object, picture: np.ndarray, seed: int) -> list[int]:
    """Return the frames that the learner's mask covers; raises `Hint` if it is not a time mask."""
    given = picture.copy()
    found = as_array(call_answer(answer, given, np.random.default_rng(seed)), picture.shape, "the features, covered,")
    if not np.array_equal(given, picture):
        raise Hint("your function changes the features that it was given: work on a copy.")
    changed = found != picture
    frames = np.flatnonzero(changed.any(axis=1))
    if np.any(found[changed] == 0):
        raise Hint("covered with exact zeros: the model would take those frames for padding.")
    if not np.allclose(found[changed], FILL, atol=1e-6):
        raise Hint("the covered places must be 0.001.")
    if not np.allclose(found[frames], FILL, atol=1e-6):
        raise Hint("a covered frame must be covered in all its mel bins.")
    if np.any(np.diff(frames) > 1):
        raise Hint("it covers more than one stretch.")
    if len(frames) > len(picture) / 5:
        raise Hint(f"it covers {len(frames)} of {len(picture)} frames: more than a fifth.")
    return frames.tolist()


@judge("03.3")
def left_alone(answer):
    for augmenter in (Augmenter(), Augmenter(noise_probability=0.5, gaps_probability=0.25, silence_probability=0.1)):
        chances = np.array([getattr(augmenter, f"{name}_probability") for name in EFFECTS])
        truth = float(np.prod(1 - chances))
        slips = {
            1 - truth: "that is how often something happens to it.",
            float(1 - chances.sum()): "probabilities of independent effects do not add up: two may come together.",
            float(np.prod(chances)): "that is how often all of them come at once.",
            float(1 - chances.mean()): "the mean of the probabilities does not say it: all of them must stay away.",
        }
        expect_close(as_number(call_answer(answer, augmenter)), truth, 0.002, slips)
    return "all of them must stay away, so the chances that they do are multiplied."
