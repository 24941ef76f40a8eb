"""From blocks of samples to frames of log-probabilities while the sound still arrives.

The network works in both directions, so it needs some future: without any, three words of four are wrong instead of
two of five. So it hears windows: some past, a new chunk, and a look-ahead. What it makes of the look-ahead is shown as
far as that has some future of its own, and replaced with the next chunk.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from asr_helpers.live.streaming import StreamingNetwork
from asr_helpers.live.voice import FRAME_SAMPLES
from asr_helpers.recognizer.recognizer import Recognizer
from asr_helpers.sound.audio import MIN_SAMPLES, SAMPLE_RATE, num_frames
from asr_helpers.sound.mel import OUTPUT_HOP, output_frames
from asr_helpers.text import Alphabet

VOICE_THRESHOLD = 0.5  # of the voice detector's probability
VOICE_PAD_SECONDS = 0.4  # kept before and after what it takes for speech: it misses soft beginnings and ends
Detector = Callable[[np.ndarray], np.ndarray]  # the next samples to probabilities, such as `VoiceDetector`
Frames = tuple[int, np.ndarray]  # log-probabilities (frames, classes), and the number of the first of them


class Sizes(NamedTuple):
    """What a window holds besides the past, in frames of 40 ms."""

    chunk: int  # from one window to the next
    ahead: int  # look-ahead
    future: int  # of the last frame that is shown; the latest a sound is shown is after chunk + future


SIZES = {2: Sizes(25, 25, 25), 1: Sizes(16, 16, 9)}  # for a delay in seconds


class Windows:
    """A recogniser of any runtime, which computes each window again."""

    window_frames = 100  # 4 s

    def __init__(self, recognizer: Recognizer):
        self._recognizer, self.alphabet = recognizer, recognizer.alphabet

    def forget(self) -> None:
        """Begin again: there is nothing to forget."""

    def __call__(self, samples: np.ndarray, start: int, new: int, chunk: int | None) -> Frames:
        """Return the frames of a window from the middle of its past on: now they have more future than when new.

        Args:
            samples: past, chunk and look-ahead.
            start: the number of the first frame of `samples`.
            new: the number of the chunk's first frame.
            chunk: how many frames are new; None at the end of the sound.
        """
        first = (start + new) // 2 if start else 0  # what lies before has too little past in this window
        return first, self._recognizer.audio_log_probs(samples)[first - start :]


class Hearing:
    """Log-probabilities of a stream, in chunks; where the chunks begin depends on the samples' number alone."""

    def __init__(self, network: Windows | StreamingNetwork, sizes: Sizes = SIZES[2], detector: Detector | None = None):
        """Set the delay.

        Args:
            network: it may go on from chunk to chunk, or compute each window again.
            sizes: of chunk and look-ahead.
            detector: where it hears nobody, frames are silent; None takes everything for speech.
        """
        self._network, self._voice = network, Voice(detector) if detector else None
        network.forget()
        self._sizes, self._past = sizes, network.window_frames - sizes.chunk - sizes.ahead
        self._samples, self._start = np.zeros(0, np.float32), 0  # the past, and what is not yet heard; its first frame
        self._heard = 0  # frames that have been yielded

    def push(self, samples: np.ndarray) -> Iterator[Frames]:
        """Yield the frames of each chunk that `samples` and its look-ahead complete, and earlier ones to replace."""
        self._samples = np.append(self._samples, np.asarray(samples, np.float32))
        chunk, ahead, future = self._sizes
        while len(self._samples) >= (needed := (self._heard + chunk + ahead - self._start) * OUTPUT_HOP):
            yield self._hear(self._samples[:needed], self._heard + chunk + ahead - future, chunk)
            self._heard += chunk
            passed = max(0, self._heard - self._past - self._start)
            self._samples, self._start = self._samples[passed * OUTPUT_HOP :], self._start + passed

    def close(self) -> Frames:
        """Return the last frames, whose look-ahead ends with the sound."""
        end = self._start + output_frames(num_frames(len(self._samples)))
        if end <= self._heard or len(self._samples) < MIN_SAMPLES:
            return self._heard, silence(0, self._network.alphabet)
        return self._hear(self._samples, end, None)

    def _hear(self, samples: np.ndarray, end: int, chunk: int | None) -> Frames:
        """Return the frames of a window up to `end`; `chunk` as in `Windows`."""
        voiced = np.ones(end - self._start, bool)
        if self._voice:
            voiced = self._voice(samples, self._start, np.arange(self._start, end))
        if not voiced[self._heard - self._start :].any():
            self._network.forget()
            return self._heard, silence(end - self._heard, self._network.alphabet)
        first, heard = self._network(samples, self._start, self._heard, chunk)
        voiced = voiced[first - self._start :, None]
        return first, np.where(voiced, heard[: len(voiced)], silence(len(voiced), self._network.alphabet))


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
    silent[:, alphabet.blank] = np.log(0.5)
    if " " in alphabet.characters:
        silent[:, alphabet.characters.index(" ")] = np.log(0.5)
    return silent
