"""Judges of notebook 00's exercises."""

import numpy as np

from asr_helpers.sound.audio import SAMPLE_RATE, read_audio
from asr_helpers.teaching.checks.given import (
    READER,
    clip_by_id,
    clips_of,
    error_rate,
    shipped_recognizer,
    transcript_of,
)
from asr_helpers.teaching.checks.judging import Hint, as_array, as_text, judge


@judge("00.1")
def the_voice_kept_out(answer):
    clips = [each for each in clips_of("mini/test-mini") if each.speaker == "9007"]
    if isinstance(answer, str) or not isinstance(answer, (list, tuple)):
        raise Hint("a list of transcripts is wanted: one text for each clip.")
    texts = [as_text(each) for each in answer]
    if len(texts) != 8:
        raise Hint(f"the first eight clips are wanted, and there are {len(texts)} texts.")
    if texts == [each.text for each in clips[:8]]:
        raise Hint("that is what was said. Let the model transcribe the sound.")
    known = [transcript_of(each.id) for each in clips_of("mini/test-mini")[:8]]
    if texts == known:
        raise Hint("those are the first eight clips of the test set, by another speaker.")
    if texts != [transcript_of(each.id) for each in clips[:8]]:
        raise Hint("letter by letter the model hears something else. Is there a decoder, or another order of clips?")
    theirs, others = error_rate(clips[:8]), error_rate(clips_of("mini/test-mini")[:8])
    return f"WER {100 * theirs:.0f} %, and {100 * others:.0f} % on eight clips of a voice it knows."


@judge("00.2")
def nonsense(answer):
    text = as_text(answer)
    clip = clip_by_id(READER)
    samples = read_audio(clip.path)
    if text == shipped_recognizer().transcribe(samples[::-1].copy()):
        return "letters, even words, out of nonsense: the model cannot say that it did not understand."
    if text in (transcript_of(clip.id), clip.text):
        raise Hint("that is the sentence forwards: reverse the samples, then transcribe.")
    if text[::-1] in (transcript_of(clip.id), clip.text):
        raise Hint("you reversed the letters. Reverse the sound, and let the model spell it.")
    raise Hint("the model hears something else. Is it the clip `samples`, all of it, reversed by [::-1]?")


@judge("00.3")
def a_tone(answer):
    if isinstance(answer, str) or not hasattr(answer, "dtype"):
        raise Hint("an array of samples is wanted, as NumPy makes it.")
    if np.ndim(answer) != 1:
        raise Hint("one channel is wanted: an array with one axis.")
    sound = as_array(answer, (None,), "the sound")
    if len(sound) == 2 * 44100:
        raise Hint("that is a CD's rate. How many samples a second does the model take?")
    if len(sound) != 2 * SAMPLE_RATE:
        raise Hint(f"two seconds are wanted, and {len(sound)} samples last {len(sound) / SAMPLE_RATE:.2f} s.")
    if np.abs(sound).max() > 1:
        raise Hint("it leaves [-1, 1]: multiply it by a number below 1.")
    power = np.abs(np.fft.rfft(sound)) ** 2
    peak = power.argmax() / 2  # Hz: the transform of two seconds has steps of half a Hz
    if np.isclose(peak, 440 / (2 * np.pi), atol=1):
        raise Hint("too low by 2π: a sine takes an angle, 2π for each period.")
    if abs(peak - 440) > 1:
        raise Hint(f"that sounds at {peak:.0f} Hz.")
    if power[870:891].sum() < 0.99 * power.sum():
        raise Hint("the tone is there, but it is not pure.")
    return f"the model writes {shipped_recognizer().transcribe(sound.astype(np.float32))!r} for it."
