"""A recogniser that listens while somebody speaks: blocks of samples in, words out.

The frames since the last pause are decoded again with each chunk, so the text may still change: it is grey. What two
decodings in a row agree on is black and never changes again (LocalAgreement-2: Liu, Spanakis & Niehues, 2020,
"Low-latency sequence-to-sequence speech recognition and translation by partial hypothesis selection"). A word that is
old enough becomes black in any case, so one that keeps changing does not hold back those after it.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from asr_helpers.live.hearing import SIZES, Detector, Frames, Hearing, Windows, silence
from asr_helpers.live.streaming import StreamingNetwork
from asr_helpers.recognizer.recognizer import Recognizer
from asr_helpers.words.alignment import FRAME_SECONDS, Word, align

# Three rules end a stretch of text, after sherpa-onnx's: a pause after words, nothing for a while, too long a stretch.
PAUSE_SECONDS = 0.8
IDLE_SECONDS = 2.4
LONGEST_SECONDS = 25.0
SETTLED_SECONDS = 2.0  # of sound after a word's end, after which it is black
DROPPED_BELOW = 0.1  # confidence of a word that only the language model hears, in noise
DOUBTFUL_BELOW = 0.4  # mean confidence of words that nobody said, in music or among many voices


@dataclass(frozen=True)
class Partial:
    """The text since the last pause: `black` never changes again, `grey` may."""

    black: list[Word]
    grey: list[Word]
    doubtful: bool = False  # perhaps nobody spoke: the words' mean confidence is low, and none becomes black


@dataclass(frozen=True)
class Final:
    """What was said up to a pause; it begins with the black words of the last `Partial`."""

    words: list[Word]
    doubtful: bool = False


Event = Partial | Final


class Listener:
    """Words from blocks of samples as they arrive.

    It has no clock, no thread and no device: the same samples give the same events, whatever the blocks' sizes.

    Example:
        >>> listener = Listener(Recognizer.load(shipped_model()), default_decoder())
        >>> for block in blocks:
        ...     events = listener.push(block)
        >>> events = listener.close()
    """

    def __init__(
        self,
        recognizer: Recognizer | StreamingNetwork,
        decoder: Callable[[np.ndarray], str],
        delay: int = 2,
        detector: Detector | None = None,
    ):
        """Start to listen.

        Args:
            recognizer: computes each window again; a `StreamingNetwork` goes on from chunk to chunk, in half the time.
            decoder: log-probabilities (frames, classes) to text.
            delay: seconds from a sound to the first text that has heard it, at most, a key of `SIZES`: 2 or 1.
            detector: where it hears nobody, no word is written, such as `VoiceDetector()`.
        """
        self._decoder, self._alphabet = decoder, recognizer.alphabet
        network = recognizer if isinstance(recognizer, StreamingNetwork) else Windows(recognizer)
        self._hearing = Hearing(network, SIZES[delay], detector)
        self._frames, self._first = silence(0, self._alphabet), 0  # since the last pause; the first one's number
        self._black: list[Word] = []
        self._grey: list[Word] = []
        self._shown = Partial([], [])

    def push(self, samples: np.ndarray) -> list[Event]:
        """Return the events of the next samples, mono float32 at 16 kHz, of which there may be any number."""
        return [event for frames in self._hearing.push(samples) for event in self._step(frames)]

    def close(self) -> list[Event]:
        """Return the events of the sound's end; the last is final."""
        self._take(self._hearing.close())
        events, _ = self._end_at_pauses()
        return events + self._end(len(self._frames))

    def _take(self, frames: Frames) -> None:
        """Append frames, and replace those that are there already."""
        number, log_probs = frames
        skipped = max(0, self._first - number)  # they belong to a stretch that has ended
        self._frames = np.concatenate([self._frames[: number + skipped - self._first], log_probs[skipped:]])

    def _step(self, frames: Frames) -> list[Event]:
        """Return the events of a chunk."""
        self._take(frames)
        events, words = self._end_at_pauses()
        new = after(self._black, words)
        doubtful = is_doubtful(self._black + new)
        if not doubtful:
            settled = (self._first + len(self._frames)) * FRAME_SECONDS - SETTLED_SECONDS
            count = max(agreement(self._grey, new), sum(word.end <= settled for word in new))
            self._black, new = self._black + new[:count], new[count:]
        self._grey = new
        shown = Partial(self._black, self._grey, doubtful)
        if shown != self._shown:
            self._shown = shown
            events.append(shown)
        return events

    def _end_at_pauses(self) -> tuple[list[Event], list[Word]]:
        """End each stretch that has ended; return the final events, and the words of the stretch that goes on."""
        events: list[Event] = []
        words = self._read(self._frames)
        while (end := find_end(words, self._first, len(self._frames))) is not None:
            events += self._end(end)
            words = self._read(self._frames)
        return events, words

    def _read(self, frames: np.ndarray) -> list[Word]:
        """Return the words in log-probabilities from `self._first` on, without those that nobody said."""
        words = align(frames, self._decoder(frames).strip(), self._first, self._alphabet) if len(frames) else []
        return [word for word in words if confidence(word) >= DROPPED_BELOW]

    def _end(self, end: int) -> list[Event]:
        """End a stretch at frame `end` of `self._frames`; return its final event, or none if nothing was said."""
        seconds = (self._first + end) * FRAME_SECONDS
        black = [word for word in self._black if middle(word) < seconds]
        words = black + after(black, self._read(self._frames[:end]))
        self._black, self._grey = self._black[len(black) :], []
        self._frames, self._first = self._frames[end:], self._first + end
        if words:
            self._shown = Partial([], [])
        return [Final(words, is_doubtful(words))] if words else []


def confidence(word: Word) -> float:
    """Return how sure the network is of a word, from 0 to 1."""
    return word.confidence


def is_doubtful(words: list[Word]) -> bool:
    """Return whether perhaps nobody said the words."""
    return bool(words) and float(np.mean([confidence(word) for word in words])) < DOUBTFUL_BELOW


def middle(word: Word) -> float:
    """Return the middle of a word in seconds."""
    return (word.start + word.end) / 2


def agreement(last: list[Word], new: list[Word]) -> int:
    """Return how many words at the beginning of two texts are the same."""
    same = [one.text == other.text for one, other in zip(last, new, strict=False)]
    return [*same, False].index(False)


def after(black: list[Word], words: list[Word]) -> list[Word]:
    """Return the words that go on after `black`, where `words` are another reading of the whole stretch.

    They follow the longest of those prefixes of `words` that have the least edit distance to `black`.
    """
    distances = list(range(len(words) + 1))  # of each prefix of `words` to the black words so far
    for count, one in enumerate(black, start=1):
        row = [count]
        for place, other in enumerate(words):
            substituted = distances[place] + (one.text != other.text)
            row.append(min(substituted, distances[place + 1] + 1, row[place] + 1))
        distances = row
    least = min(distances)
    return words[max(place for place, distance in enumerate(distances) if distance == least) :]


def find_end(words: list[Word], first: int, frames: int) -> int | None:
    """Return the frame at which a stretch of text ends, counted from its first frame; None if it goes on.

    Args:
        words: of the stretch.
        first: the number of its first frame.
        frames: how many there are.
    """
    pause, idle, longest = (
        round(seconds / FRAME_SECONDS) for seconds in (PAUSE_SECONDS, IDLE_SECONDS, LONGEST_SECONDS)
    )
    if not words:
        return frames - pause if frames >= idle else None  # the last frames may begin a word
    ends = [round(word.end / FRAME_SECONDS) - first for word in words]
    starts = [*(round(word.start / FRAME_SECONDS) - first for word in words[1:]), frames]
    for end, start in zip(ends, starts, strict=True):
        if start - end >= pause:
            return end + pause // 2
    if frames < longest:
        return None
    gaps = [(start - end, (start + end) // 2) for end, start in zip(ends, starts, strict=True) if end > frames // 3]
    return max(gaps)[1]
