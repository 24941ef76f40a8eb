"""From blocks of samples to frames of log-probabilities while the sound still arrives, in windows of four seconds.

The network works in both directions, so it needs some future: without any, three words of four are wrong instead of
two of five. A window holds some past, a new chunk, and a look-ahead as long as the chunk. The later half of the past
is replaced as well: its frames now have more future than when they were new.
"""

from collections.abc import Callable, Iterator

import numpy as np

from asr_helpers.live.voice import FRAME_SAMPLES
from asr_helpers.recognizer.recognizer import Recognizer
from asr_helpers.sound.audio import MIN_SAMPLES, SAMPLE_RATE, num_frames
from asr_helpers.sound.mel import OUTPUT_HOP, output_frames
from asr_helpers.text import Alphabet

WINDOW_SECONDS = 4.0
VOICE_THRESHOLD = 0.5  # of the voice detector's probability
VOICE_PAD_SECONDS = 0.4  # kept before and after what it takes for speech: it misses soft beginnings and ends
Detector = Callable[[np.ndarray], np.ndarray]  # the next samples to probabilities, such as `VoiceDetector`
Frames = tuple[int, np.ndarray]  # log-probabilities (frames, classes), and the number of the first of them


class Hearing:
    """Log-probabilities of a stream, in chunks; where the chunks begin depends on the samples' number alone."""

    def __init__(self, recognizer: Recognizer, delay: float = 2.0, detector: Detector | None = None):
        """Set the delay.

        Args:
            recognizer: the network.
            delay: seconds from a sound to the frames that have heard it, at most: chunk and look-ahead.
            detector: where it hears nobody, frames are silent; None takes everything for speech.
        """
        self._recognizer, self._voice = recognizer, Voice(detector) if detector else None
        self._chunk = in_frames(delay / 2)
        self._past = in_frames(WINDOW_SECONDS) - 2 * self._chunk
        self._samples, self._start = np.zeros(0, np.float32), 0  # not yet heard, and the past; its first frame
        self._heard = 0  # frames that have been yielded

    def push(self, samples: np.ndarray) -> Iterator[Frames]:
        """Yield the frames of each chunk that `samples` and its look-ahead complete, with earlier ones to replace."""
        self._samples = np.append(self._samples, np.asarray(samples, np.float32))
        while len(self._samples) >= (needed := (self._heard + 2 * self._chunk - self._start) * OUTPUT_HOP):
            yield self._window(self._samples[:needed], self._heard + self._chunk)
            self._heard += self._chunk
            passed = max(0, self._heard - self._past - self._start)
            self._samples, self._start = self._samples[passed * OUTPUT_HOP :], self._start + passed

    def close(self) -> Frames:
        """Return the last frames, whose look-ahead ends with the sound."""
        end = self._start + output_frames(num_frames(len(self._samples)))
        if end <= self._heard or len(self._samples) < MIN_SAMPLES:
            return self._heard, silence(0, self._recognizer.alphabet)
        return self._window(self._samples, end)

    def _window(self, samples: np.ndarray, end: int) -> Frames:
        """Return the frames up to `end` that a window of samples gives, replaced ones first."""
        first = max(self._start, self._heard - self._past // 2)
        silent = silence(end - first, self._recognizer.alphabet)
        voiced = np.ones(end - first, bool)
        if self._voice:
            voiced = self._voice(samples, self._start, np.arange(first, end))
        if not voiced[self._heard - first :].any():
            return self._heard, silent[self._heard - first :]  # the network need not hear it
        heard = self._recognizer.audio_log_probs(samples)[first - self._start : end - self._start]
        return first, np.where(voiced[:, None], heard, silent)


class Voice:
    """Which frames of a stream are speech, or near it."""

    def __init__(self, detector: Detector):
        self._detector = detector
        self._given = self._answers = 0  # samples that the detector has had, probabilities that it has given
        self._speech = np.zeros(0)  # where it has heard speech, in samples

    def __call__(self, samples: np.ndarray, start: int, frames: np.ndarray) -> np.ndarray:
        """Return whether each of `frames` (their numbers) is speech, or near it: bool, as `frames`.

        `samples` are of a window from frame `start` on; it reaches beyond the last `frames`.
        """
        probabilities = self._detector(samples[self._given - start * OUTPUT_HOP :])
        self._given = start * OUTPUT_HOP + len(samples)
        places = (np.arange(self._answers, self._answers + len(probabilities)) + 0.5) * FRAME_SAMPLES
        self._answers += len(probabilities)
        pad = VOICE_PAD_SECONDS * SAMPLE_RATE
        middles = (frames + 0.5) * OUTPUT_HOP
        speech = np.append(self._speech, places[probabilities >= VOICE_THRESHOLD])
        self._speech = speech[np.searchsorted(speech, middles[0] - pad) :]
        return np.searchsorted(speech, middles + pad) > np.searchsorted(speech, middles - pad)


def silence(frames: int, alphabet: Alphabet) -> np.ndarray:
    """Return log-probabilities (frames, classes) where nobody speaks: a blank or a space, for words end there."""
    silent = np.full((frames, alphabet.classes), -30.0, np.float32)
    silent[:, [alphabet.blank, alphabet.characters.index(" ")]] = np.log(0.5)
    return silent


def in_frames(seconds: float) -> int:
    """Return how many output frames fit into `seconds`."""
    return int(seconds * SAMPLE_RATE + 1e-6) // OUTPUT_HOP
