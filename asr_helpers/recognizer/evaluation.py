"""Error rates and speed of a recogniser on utterances whose text is known."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from asr_helpers.corpus.reading import Utterance
from asr_helpers.recognizer.recognizer import Recognizer
from asr_helpers.words.metrics import score


@dataclass(frozen=True)
class Evaluation:
    """Error rates as fractions, each with its 95 % interval [low, high], and the time taken.

    Attributes:
        wer, wer_ci95: the word error rate.
        cer, cer_ci95: the character error rate.
        wer_ci95_by, cer_ci95_by: "bootstrap", or "rule of three" without any error.
        utterances: their number.
        audio_seconds: their total length.
        real_time_factor: seconds from samples to text, per second of audio.
        decoder_ms_per_audio_second: the decoder's part of it, in milliseconds.
    """

    wer: float
    wer_ci95: list[float]
    wer_ci95_by: str
    cer: float
    cer_ci95: list[float]
    cer_ci95_by: str
    utterances: int
    audio_seconds: float
    real_time_factor: float
    decoder_ms_per_audio_second: float


def evaluate(
    recognizer: Recognizer,
    clips: Iterable[tuple[Utterance, np.ndarray]],
    decoder: Callable[[np.ndarray], str] | None = None,
) -> Evaluation:
    """Return the error rates and the speed of `recognizer` on `clips`, (utterance, samples) each.

    Args:
        recognizer: the model.
        clips: audio, mono float32 at 16 kHz, with its transcript. Reading it is not timed.
        decoder: from log-probabilities (frames, classes) to text; None is greedy decoding.

    Raises:
        ValueError: there are no clips.
        RecognizerError: the model fails.
    """
    decode = decoder or recognizer.greedy
    references, hypotheses = [], []
    network_seconds = decoder_seconds = audio_seconds = 0.0
    for utterance, samples in clips:
        start = time.perf_counter()
        log_probs = recognizer.audio_log_probs(samples)
        heard = time.perf_counter()
        hypotheses.append(decode(log_probs))
        network_seconds += heard - start
        decoder_seconds += time.perf_counter() - heard
        references.append(utterance.text)
        audio_seconds += utterance.seconds
    rates = score(references, hypotheses)
    return Evaluation(
        **rates,
        audio_seconds=round(audio_seconds, 2),
        real_time_factor=round((network_seconds + decoder_seconds) / audio_seconds, 5),
        decoder_ms_per_audio_second=round(1000 * decoder_seconds / audio_seconds, 4),
    )
