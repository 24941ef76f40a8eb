"""Judges of notebook 03's exercises."""

import math

import numpy as np

from asr_helpers.sound import effects
from asr_helpers.sound.audio import SAMPLE_RATE, read_audio
from asr_helpers.sound.augment import EFFECTS, Augmenter
from asr_helpers.teaching.checks.given import BULLETIN, clip_by_id, clips_of, error_rate, shipped_recognizer
from asr_helpers.teaching.checks.judging import Hint, as_array, as_number, as_text, expect_close, judge


@judge("03.1")
def telephone(answer):
    samples = read_audio(clip_by_id(BULLETIN).path)
    sound = as_array(answer, (len(samples),), "the clip, filtered,")

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
    return "F and S differ mostly above 3400 Hz: that is why one spells names on the telephone."


@judge("03.2")
def worst_noise(answer):
    text = as_text(answer).strip().lower()
    kinds = ("white", "pink", "babble")
    if text not in kinds:
        raise Hint(f"one of {', '.join(kinds)} is wanted, as a text.")
    clips = clips_of("mini/test-mini")[::6]
    others = [each for each in clips_of("mini/test-mini") if each.id.endswith("-0003") and each.speaker != "9002"][:4]
    voices = [read_audio(each.path) for each in others]
    rates = {}
    for kind in kinds:
        heard = []
        for number, each in enumerate(clips):
            samples, rng = read_audio(each.path), np.random.default_rng((3, number))
            sound = effects.babble(voices, len(samples), rng) if kind == "babble" else kind
            heard.append(shipped_recognizer().transcribe(effects.noise(samples, 5, rng, sound)))
        rates[kind] = error_rate(clips, heard=heard)
    if text != max(rates, key=rates.get):
        raise Hint("another one does more harm. Was each at 5 dB, and was the set larger than one clip?")
    return "its stripes look like words, because they are words."


@judge("03.3")
def left_alone(answer):
    chances = np.array([getattr(Augmenter(), f"{name}_probability") for name in EFFECTS])
    truth = float(np.prod(1 - chances))
    slips = {
        1 - truth: "that is how often something happens to it.",
        float(1 - chances.sum()): "probabilities of independent effects do not add up: two may come together.",
        float(np.prod(chances)): "that is how often all of them come at once.",
        float(1 - chances.mean()): "the mean of the probabilities does not say it: all of them must stay away.",
    }
    expect_close(as_number(answer), truth, 0.002, slips)
    return "all of them must stay away, so the chances that they do are multiplied."
