"""The clips, log-probabilities and error rates that several judges need, computed once."""

from collections.abc import Callable
from functools import cache

import numpy as np

from asr_helpers.corpus.reading import Utterance, data_dir, load_corpus
from asr_helpers.recognizer.recognizer import Recognizer, shipped_model
from asr_helpers.sound.audio import read_audio
from asr_helpers.sound.mel import power_spectrogram
from asr_helpers.words.greedy_decoding import greedy
from asr_helpers.words.metrics import ErrorRate, word_errors


@cache
def shipped_recognizer() -> Recognizer:
    """Return the shipped recogniser."""
    return Recognizer.load(shipped_model())


@cache
def clips_of(folder: str) -> list[Utterance]:
    """Return the clips of a corpus in `data_dir()`."""
    return load_corpus(data_dir() / folder).utterances


@cache
def clip_by_id(key: str) -> Utterance:
    """Return a clip of test-mini or of the real speech."""
    return next(each for each in clips_of("mini/test-mini") + clips_of("real") if each.id == key)


@cache
def log_probs_of(key: str) -> np.ndarray:
    """Return the shipped recogniser's log-probabilities of a clip, (output frames, classes)."""
    return shipped_recognizer().audio_log_probs(read_audio(clip_by_id(key).path))


def transcript_of(key: str) -> str:
    """Return the greedy transcript of a clip."""
    return greedy(log_probs_of(key))


def error_rate(
    utterances: list[Utterance],
    count: Callable[[list[str], list[str]], ErrorRate] = word_errors,
    heard: list[str] | None = None,
) -> float:
    """Return the error rate of transcripts.

    Args:
        utterances: the clips, with their texts.
        count: `word_errors` or `character_errors`.
        heard: the transcripts; None stands for the shipped recogniser's.
    """
    texts = [transcript_of(each.id) for each in utterances] if heard is None else heard
    return count([each.text for each in utterances], texts).rate


@cache
def ten_bit_steps() -> tuple[np.ndarray, np.ndarray]:
    """Return the clip of notebook 01 as 16-bit integers, and in steps of its ten bits, both (samples,)."""
    import soundfile

    clip = next(each for each in clips_of("mini/test-mini") if each.speaker == "9002")
    integers, _ = soundfile.read(clip.path, dtype="int16")
    return integers, integers.astype(int) // np.gcd.reduce(integers.astype(int))


# the clips of notebooks 00, 02 and 03
READER, HISSES, BULLETIN = "672-122797-0069", "5105-28240-0017", "9002-1-0002"


@cache
def power_of(key: str) -> np.ndarray:
    """Return the power spectrogram of a clip, (frames, 257)."""
    return power_spectrogram(read_audio(clip_by_id(key).path))
