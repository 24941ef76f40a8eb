"""Judges of the capstone exercises."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from asr_helpers.corpus.reading import load_corpus
from asr_helpers.recognizer.recognizer import Recognizer
from asr_helpers.recognizer.runtimes import RecognizerError
from asr_helpers.sound.audio import read_audio
from asr_helpers.system.errors import OneLineError
from asr_helpers.teaching.checks.given import clips_of, error_rate, log_probs_of, shipped_recognizer
from asr_helpers.teaching.checks.judging import Hint, as_array, as_text, call_answer, judge
from asr_helpers.text import ENGLISH


@judge("effect")
def effect_of_your_own(answer):
    clips = clips_of("mini/test-mini")[2::12]
    heard = []
    for number, each in enumerate(clips):
        samples = read_audio(each.path)
        first, again, *others = (
            call_answer(answer, samples.copy(), np.random.default_rng(seed)) for seed in (number, number, 100, 101, 102)
        )
        if getattr(first, "dtype", None) != np.float32:
            raise Hint("it should return float32: `.astype(np.float32)` at the end.")
        sound = as_array(first, (len(samples),), "the sound after the effect")
        if np.abs(sound).max() > 1:
            raise Hint("it leaves [-1, 1]: `sound.limit` turns it down.")
        if not np.array_equal(first, again):
            raise Hint("the same `rng` should give the same sound: draw everything random from it.")
        if all(np.array_equal(first, other) for other in others):
            raise Hint("another `rng` gives the same sound, so it adds one recording, not many.")
        heard.append(shipped_recognizer().transcribe(first))
    clean, spoilt = error_rate(clips), error_rate(clips, heard=heard)
    if spoilt < clean + 0.03:
        raise Hint(f"too mild: WER {clean:.0%} before and {spoilt:.0%} after. It would teach nothing new.")
    if spoilt > clean + 0.4:
        raise Hint(f"too strong: WER {clean:.0%} before and {spoilt:.0%} after. Would you still write it all down?")
    return f"WER {clean:.0%} before, {spoilt:.0%} after: hard, and still the same words. Train with it (notebook 06)."


@judge("decoder")
def decoder_of_your_own(answer):
    clips = clips_of("mini/test-mini")
    outputs = [log_probs_of(each.id) for each in clips]
    texts = [as_text(call_answer(answer, each)) for each in outputs]
    before, after = error_rate(clips), error_rate(clips, heard=texts)
    figures = f"WER {before:.1%} with greedy decoding, {after:.1%} with yours"
    if after > before / 2:
        raise Hint(f"{figures}: half of the errors must go.")
    return f"{figures}."


MAX_MODEL_BYTES = 2e6
MAX_MODEL_WER = 0.35  # on test-mini


@judge("model")
def model_of_your_own(answer):
    if not isinstance(answer, (str, Path)):
        raise Hint(f"the path of a model file is wanted, not `{type(answer).__name__}`.")
    try:
        recognizer = Recognizer.load(answer)
    except RecognizerError as error:
        raise Hint(f"{error}.") from None
    size = Path(answer).stat().st_size
    if size > MAX_MODEL_BYTES:
        raise Hint(f"{size / 1e6:.1f} MB: {MAX_MODEL_BYTES / 1e6:.0f} MB is the most.")
    clips = clips_of("mini/test-mini")
    rate = error_rate(clips, heard=[recognizer.transcribe(read_audio(each.path)) for each in clips])
    if rate > MAX_MODEL_WER:
        raise Hint(f"WER {rate:.1%} on test-mini: {MAX_MODEL_WER:.0%} is the most. More epochs?")
    return f"{size / 1e6:.2f} MB, WER {rate:.1%} on test-mini. It is yours, from random weights."


MAX_LANGUAGE_WER = 0.25


@judge("language")
def language_of_your_own(answer):
    if isinstance(answer, str) or not isinstance(answer, Iterable) or len(paths := list(answer)) != 2:
        raise Hint("two paths are wanted, as in `answer = (MODEL, FOLDER)`: a model file and its test corpus.")
    if not all(isinstance(path, (str, Path)) for path in paths):
        raise Hint("two *paths* are wanted: a model file and a folder.")
    try:
        recognizer = Recognizer.load(paths[0])
        clips = load_corpus(paths[1], alphabet=recognizer.alphabet).utterances
    except OneLineError as error:
        raise Hint(f"{error}.") from None
    if recognizer.alphabet == ENGLISH:
        raise Hint("it writes the English alphabet: A to Z and the apostrophe.")
    words = len({word for clip in clips for word in clip.text.split()})
    if len(clips) < 30 or words < 40:
        raise Hint(f"{len(clips)} sentences with {words} words: at least 30 and 40 are needed, or luck decides.")
    rate = error_rate(clips, heard=[recognizer.transcribe(read_audio(each.path)) for each in clips])
    if rate > MAX_LANGUAGE_WER:
        raise Hint(f"WER {rate:.1%}: {MAX_LANGUAGE_WER:.0%} is the most. More sentences, or more epochs?")
    return f"WER {rate:.1%} with the letters {recognizer.alphabet}. One more language that a machine can write down."
