"""When each word was said, and whether it was: forced alignment of a text with the audio, by Viterbi on CTC's lattice.

Everywhere, `log_probs` is float of shape (frames, classes): the log-softmax of the model's output, blank last, one
frame for every 40 ms.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from asr_helpers.features import OUTPUT_HOP, SAMPLE_RATE
from asr_helpers.text import ENGLISH, Alphabet, ctc_states, min_frames, printable

FRAME_SECONDS = OUTPUT_HOP / SAMPLE_RATE


@dataclass(frozen=True)
class Word:
    """A word, its start and end in seconds, and how sure the model is of it, from 0 to 1."""

    text: str
    start: float
    end: float
    confidence: float


def viterbi(log_probs: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the most probable path that spells `labels` through CTC's lattice, int (frames,).

    Each entry is a state: 2 i + 1 for the i-th label, even numbers for the blanks before, between and after, as in
    `ctc.lattice`. Where that sums over all paths, this takes the maximum and remembers where it came from.

    Raises:
        ValueError: there are too few frames to spell the labels in.
    """
    labels, log_probs = np.asarray(labels, dtype=int), np.asarray(log_probs, dtype=np.float64)
    _check_length(log_probs, labels)
    if not len(log_probs):
        return np.zeros(0, dtype=int)
    states, may_skip = ctc_states(labels, log_probs.shape[1] - 1)

    # Where each state came from takes frames x states bytes: 1 GB for twenty minutes. So only the scores of every
    # k-th frame are kept on the way there, and on the way back each stretch between two of them is gone through
    # again (Grice, Hughey & Speck, 1997, "Reduced space sequence alignment", CABIOS 13).
    every = math.isqrt(len(log_probs)) + 1
    score = _first(log_probs, states)
    kept = [score]
    for start in range(1, len(log_probs), every):
        score, _ = _steps(score, log_probs[start : start + every], states, may_skip)
        kept.append(score)

    path = np.zeros(len(log_probs), dtype=int)
    # It ends in the last label, or the blank after it.
    path[-1] = len(states) - 1 - (len(states) > 1 and score[-2] > score[-1])
    for number, start in reversed(list(enumerate(range(1, len(log_probs), every)))):
        _, back = _steps(kept[number], log_probs[start : start + every], states, may_skip, remember=True)
        for t in range(start + len(back) - 1, start - 1, -1):
            path[t - 1] = path[t] - back[t - start, path[t]]
    return path


def _check_length(log_probs: np.ndarray, labels: np.ndarray) -> None:
    if len(log_probs) < min_frames(labels):
        need = f"{min_frames(labels) * FRAME_SECONDS:.1f} s"
        have = f"{len(log_probs) * FRAME_SECONDS:.1f} s"
        raise ValueError(f"the text is too long for the audio: {need} at least, and there are {have}")


def _first(log_probs: np.ndarray, states: np.ndarray) -> np.ndarray:
    """Return the states' scores after the first frame: a path begins with the first label, or a blank before it."""
    score = np.full(len(states), -np.inf)
    score[:2] = log_probs[0, states[:2]]
    return score


def _steps(score, log_probs, states, may_skip, remember=False) -> tuple[np.ndarray, np.ndarray | None]:
    """Return the states' scores after the frames of `log_probs`; and how many states back each came from, int8."""
    back = np.zeros((len(log_probs), len(states)), np.int8) if remember else None
    two = np.full(len(states), -np.inf)
    for t, frame in enumerate(log_probs):
        one = np.append(-np.inf, score[:-1])
        two[2:] = np.where(may_skip[2:], score[:-2], -np.inf)
        best = np.maximum(np.maximum(score, one), two)
        if remember:
            back[t] = np.where(score == best, 0, np.where(one == best, 1, 2))
        score = best + frame[states]
    return score, back


def align(log_probs: np.ndarray, text: str, first: int = 0, alphabet: Alphabet = ENGLISH) -> list[Word]:
    """Return the words of a normalised `text` with their times: from the first frame of the first character to the
    end of the last one's last frame. `first` is the number of the first frame, in a recording that began earlier.

    A word's confidence is the geometric mean of its characters' probabilities, each taken at its best frame.

    Raises:
        ValueError: a character is outside the alphabet, or the text is too long for the audio.
    """
    labels = alphabet.encode(text)
    if not text.strip():
        return []  # hours of silence are through at once
    path = viterbi(log_probs, labels)
    words, begin = [], 0
    for word in text.split(" "):
        places = range(begin, begin + len(word))
        begin += len(word) + 1
        if word:
            frames = [np.flatnonzero(path == 2 * place + 1) for place in places]
            sure = [log_probs[at, labels[place]].max() for at, place in zip(frames, places, strict=True)]
            start, end = (frames[0][0] + first) * FRAME_SECONDS, (frames[-1][-1] + 1 + first) * FRAME_SECONDS
            words.append(Word(word, float(start), float(end), float(np.exp(np.mean(sure)))))
    return words


def doubts(log_probs: np.ndarray, text: str, alphabet: Alphabet = ENGLISH) -> list[float]:
    """Return for each word of a normalised `text` how much better the audio fits without it, 0 or more.

    The best path of the text is compared with the best one on which the word may be anything at all: each frame in its
    place says what it likes best. The difference, in nats, is divided by the word's characters and the space after
    it. So 0 is a word that nothing else fits better; a word that was not said, or said wrongly, has a high number. It
    is the goodness of pronunciation (Witt & Young 2000, Speech Communication 30), with the neighbours free to move.

    Raises:
        ValueError: as `align`.
    """
    return _Fit(log_probs, alphabet).doubts([list(alphabet.encode(word)) for word in text.split()])


class _Fit:
    """How well audio fits words, each a list of labels: [ANYTHING] fits everything, and [] stands for no word."""

    ANYTHING = -1

    def __init__(self, log_probs: np.ndarray, alphabet: Alphabet):
        # One more class before all others, for what each frame likes best; the blank is still the last.
        self.log_probs = np.hstack([np.max(log_probs, axis=1, keepdims=True), log_probs])
        self.gap = alphabet.encode(" ")[0]

    def __call__(self, words: list[list[int]]) -> float:
        """Return the log-probability of the best path."""
        labels = [label + 1 for word in filter(None, words) for label in (*word, self.gap)][:-1]
        labels = np.array(labels, dtype=int)
        _check_length(self.log_probs, labels)
        return _best_score(self.log_probs, labels)

    def doubts(self, words: list[list[int]]) -> list[float]:
        whole = self(words) if words else 0.0
        return [
            (self(_changed(words, place, [self.ANYTHING])) - whole) / (len(word) + 1)
            for place, word in enumerate(words)
        ]


def _changed(words: list, place: int, word: list[int]) -> list:
    """Return `words` with another one at `place`."""
    return [*words[:place], word, *words[place + 1 :]]


def _best_score(log_probs: np.ndarray, labels: np.ndarray) -> float:
    """Return the log-probability of the best path that spells `labels`."""
    log_probs = np.asarray(log_probs, dtype=np.float64)
    states, may_skip = ctc_states(labels, log_probs.shape[1] - 1)
    score, _ = _steps(_first(log_probs, states), log_probs[1:], states, may_skip)
    return float(score[-2:].max())


MOST_DOUBT = 4.0  # nats a character; right readings have less, see `unheard`


def unheard(log_probs: np.ndarray, text: str, alphabet: Alphabet = ENGLISH) -> list[str]:
    """Return the words of a normalised `text` that the audio does not hold, as far as the model can tell.

    `MOST_DOUBT` parts them. It was chosen, with the shipped model, on `dev-mini` and four readers of LibriSpeech's
    dev-clean; notebook 12 counts how often it is right. Audio that is too short for the text holds no word of it.

    Raises:
        ValueError: a character is outside the alphabet.
    """
    words, missing = text.split(), set()
    spelt, fit = [list(alphabet.encode(word)) for word in words], _Fit(log_probs, alphabet)
    if len(log_probs) < min_frames(alphabet.encode(text)):
        return words
    # A word that does not fit drags its neighbours away from their places. So only the worst one is taken for missing;
    # once another word may be there instead, or none, its neighbours find back.
    while len(missing) < len(words):
        found = [0 if place in missing else doubt for place, doubt in enumerate(fit.doubts(spelt))]
        worst = int(np.argmax(found))
        if found[worst] <= MOST_DOUBT:
            break
        missing.add(worst)
        spelt = max((_changed(spelt, worst, instead) for instead in ([fit.ANYTHING], [])), key=fit)
    return [words[place] for place in sorted(missing)]


def ctm(words: Iterable[Word], recording: str, channel: str = "1") -> str:
    """Return `words` as lines of NIST's CTM: recording, channel, start, duration, word, confidence.

    NIST, "sclite", SCTK documentation, file formats: ctm. Spaces part its fields, so those in `recording` become _.
    """
    name = printable("_".join(recording.split()))
    return "".join(
        f"{name} {channel} {word.start:.2f} {word.end - word.start:.2f} {word.text} {word.confidence:.3f}\n"
        for word in words
    )
