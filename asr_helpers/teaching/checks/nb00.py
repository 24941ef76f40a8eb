"""Judges of notebook 00's exercises."""

from asr_helpers.sound.audio import SAMPLE_RATE, read_audio
from asr_helpers.teaching.checks.given import (
    READER,
    clip_by_id,
    clips_of,
    error_rate,
    shipped_recognizer,
    transcript_of,
)
from asr_helpers.teaching.checks.judging import Hint, as_number, as_text, expect_close, judge
from asr_helpers.words.metrics import character_errors


@judge("00.1")
def the_voice_kept_out(answer):
    harbour = clips_of("mini/test-mini")
    theirs = [each for each in harbour if each.speaker == "9007"]
    truth = error_rate(theirs[:8])
    slips = {
        error_rate(theirs[:8], character_errors): "that is the character error rate; the word error rate is wanted.",
        error_rate(theirs): "that is the rate over all clips of 9007; the first eight are wanted.",
        error_rate(harbour[:8]): "those are the first eight clips of the test set, of another speaker.",
        1 - truth: "that is the fraction that was right.",
        error_rate(theirs[:1]): "that is one clip. Eight are wanted, scored together.",
    }
    expect_close(as_number(answer), truth, 0.005, slips)
    return "several times as many errors as on voices it knows. A new voice is the hardest test there is here."


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
        raise Hint("you reversed the letters. Turn the sound round, and let the model spell it.")
    raise Hint("the model hears something else. Is it the clip `samples`, all of it, reversed by [::-1]?")


@judge("00.3")
def numbers_of_ten_minutes(answer):
    truth = 10 * 60 * SAMPLE_RATE
    slips = {
        2 * truth: "those are bytes of 16 bits, or two channels. Count numbers.",
        10 * 60 * 44100: "that is for a CD. How many numbers a second are there here?",
    }
    expect_close(as_number(answer), truth, 0.5, slips)
    return "and the network reads them all, 16 000 for every second."
