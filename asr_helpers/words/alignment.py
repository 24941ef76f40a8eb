"""Forced alignment of a text with the audio, by Viterbi on CTC's lattice: the words' times, and whether they were said.

In all functions `log_probs` is float (frames, classes): the log-softmax of the model's output, blank last, one frame
every 40 ms.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from asr_helpers.sound.audio import SAMPLE_RATE
from asr_helpers.sound.mel import OUTPUT_HOP
from asr_helpers.system.errors import OneLineError, printable
from asr_helpers.text import ENGLISH, Alphabet
from asr_helpers.words.ctc_lattice import ctc_states, min_frames

FRAME_SECONDS = OUTPUT_HOP / SAMPLE_RATE


class AlignmentError(OneLineError):
    """A text cannot be aligned with the audio."""


@dataclass(frozen=True)
class Word:
    """A word with its start and end in seconds.

    Attributes:
        confidence: how well the sound fits the letters, from 0 to 1, see `align`; no probability.
        probability: that the word is right, see `confidence.with_probability`; None where that is unknown.
    """

    text: str
    start: float
    end: float
    confidence: float
    probability: float | None = None

    @property
    def shown(self) -> float:
        """The probability, or the confidence if there is none."""
        return self.confidence if self.probability is None else self.probability


def viterbi(log_probs: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the most probable path that spells `labels` through CTC's lattice: states, int (frames,).

    State 2 i + 1 is the i-th label, the even ones are the blanks before, between and after, as in `lattice`, which
    sums over all paths; this function takes the maximum and traces it back.

    Raises:
        AlignmentError: there are too few frames to spell the labels.
    """
    labels, log_probs = np.asarray(labels, dtype=int), np.asarray(log_probs, dtype=np.float64)
    _check_length(log_probs, labels)
    if not len(log_probs):
        return np.zeros(0, dtype=int)
    states, may_skip = ctc_states(labels, log_probs.shape[1] - 1)

    # Back pointers take frames x states bytes: 1 GB for twenty minutes. So the forward pass keeps only the scores of
    # every k-th frame, and the traceback recomputes each stretch between two of them (Grice, Hughey & Speck,
    # 1997, "Reduced space sequence alignment", CABIOS 13).
    every = math.isqrt(len(log_probs)) + 1
    score = _first(log_probs, states)
    kept = [score]
    for start in range(1, len(log_probs), every):
        score, _ = _steps(score, log_probs[start : start + every], states, may_skip)
        kept.append(score)

    path = np.zeros(len(log_probs), dtype=int)
    path[-1] = len(states) - 1  # the blank after the last label, or that label itself
    if len(states) > 1 and score[-2] > score[-1]:
        path[-1] -= 1
    for number, start in reversed(list(enumerate(range(1, len(log_probs), every)))):
        _, back = _steps(kept[number], log_probs[start : start + every], states, may_skip, remember=True)
        for t in range(start + len(back) - 1, start - 1, -1):
            path[t - 1] = path[t] - back[t - start, path[t]]
    return path


def _check_length(log_probs: np.ndarray, labels: np.ndarray) -> None:
    """Raise AlignmentError if there are too few frames to spell the labels."""
    if len(log_probs) < min_frames(labels):
        need = f"{min_frames(labels) * FRAME_SECONDS:.1f} s"
        have = f"{len(log_probs) * FRAME_SECONDS:.1f} s"
        raise AlignmentError(f"the text is too long for the audio: {need} at least, and there are {have}")


def _first(log_probs: np.ndarray, states: np.ndarray) -> np.ndarray:
    """Return the states' scores after the first frame; a path begins with the first label or the blank before it."""
    score = np.full(len(states), -np.inf)
    score[:2] = log_probs[0, states[:2]]
    return score


def _steps(
    score: np.ndarray, log_probs: np.ndarray, states: np.ndarray, may_skip: np.ndarray, remember: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """Return the states' scores after the frames of `log_probs`, and with `remember` the back pointers.

    Back pointers are int8 (frames, states): how many states back the best path comes from, 0, 1 or 2.
    """
    back = np.zeros((len(log_probs) if remember else 0, len(states)), np.int8)
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
    """Return the words of a normalised `text` with their times and confidences.

    A word lasts from the first frame of its first character to the end of its last character's last frame. Its
    confidence is the geometric mean of its characters' probabilities, each at its best frame.

    `first` is the number of the first frame, if the recording began earlier.

    Raises:
        AlignmentError: the text is too long for the audio.
        ValueError: a character is outside the alphabet.
    """
    labels = alphabet.encode(text)
    if not text.strip():
        return []  # no search through hours of silence
    path = viterbi(log_probs, labels)
    words, begin = [], 0
    for word in text.split(" "):
        places = range(begin, begin + len(word))
        begin += len(word) + 1
        if word:
            frames = [np.flatnonzero(path == 2 * place + 1) for place in places]
            best = [log_probs[at, labels[place]].max() for at, place in zip(frames, places, strict=True)]
            start, end = (frames[0][0] + first) * FRAME_SECONDS, (frames[-1][-1] + 1 + first) * FRAME_SECONDS
            words.append(Word(word, float(start), float(end), float(np.exp(np.mean(best)))))
    return words


def pronunciation_scores(log_probs: np.ndarray, text: str, alphabet: Alphabet = ENGLISH) -> list[float]:
    """Return how much worse each word of a normalised `text` fits than anything would, in nats per character.

    The score is the best-path score with the word replaced by a wildcard (each frame's most probable class) minus the
    best-path score of the text, divided by the word's characters and the space after it. The neighbouring words are
    free to move. A word that was not spoken, or mispronounced, scores high; 0 is perfect. It is a relative of the
    goodness of pronunciation, which is per phone and frame (Witt & Young, 2000, Speech Communication 30).

    Raises:
        AlignmentError: the text is too long for the audio.
        ValueError: a character is outside the alphabet.
    """
    return _Fit(log_probs, alphabet).scores([list(alphabet.encode(word)) for word in text.split()])


class _Fit:
    """The best-path score of words, each a list of labels: [ANYTHING] is the wildcard, and [] stands for no word."""

    ANYTHING = -1

    def __init__(self, log_probs: np.ndarray, alphabet: Alphabet):
        # One more class before all others, each frame's most probable one; the blank stays last.
        self.log_probs = np.hstack([np.max(log_probs, axis=1, keepdims=True), log_probs])
        self.gap = alphabet.encode(" ")[0]

    def __call__(self, words: list[list[int]]) -> float:
        """Return the best path's log-probability."""
        labels = [label + 1 for word in filter(None, words) for label in (*word, self.gap)][:-1]
        labels = np.array(labels, dtype=int)
        _check_length(self.log_probs, labels)
        return _best_score(self.log_probs, labels)

    def scores(self, words: list[list[int]]) -> list[float]:
        """Return each word's goodness of pronunciation."""
        whole = self(words) if words else 0.0
        return [
            (self(_changed(words, place, [self.ANYTHING])) - whole) / (len(word) + 1)
            for place, word in enumerate(words)
        ]


def _changed(words: list, place: int, word: list[int]) -> list:
    """Return `words` with `word` at `place`."""
    return [*words[:place], word, *words[place + 1 :]]


def _best_score(log_probs: np.ndarray, labels: np.ndarray) -> float:
    """Return the log-probability of the best path that spells `labels`."""
    log_probs = np.asarray(log_probs, dtype=np.float64)
    states, may_skip = ctc_states(labels, log_probs.shape[1] - 1)
    score, _ = _steps(_first(log_probs, states), log_probs[1:], states, may_skip)
    return float(score[-2:].max())


SPEECH_THRESHOLD = 2.8  # nats per character by which a text that was read beats silence, see `missing_words`
MISSING_THRESHOLD = 4.0  # nats per character; words that were read correctly score less, see `missing_words`


def missing_words(log_probs: np.ndarray, text: str, alphabet: Alphabet = ENGLISH) -> list[str]:
    """Return the words of a normalised `text` that are probably missing from the audio.

    Their pronunciation score is above `MISSING_THRESHOLD`, which was chosen with the shipped model on `dev-mini` and
    four readers of LibriSpeech's dev-clean; notebook 12 counts how often it is right. If the audio is too short for the
    text, all words are missing. They are, too, if the best path of the text is hardly better than that of silence, all
    blanks: in noise (a fan, hum, hiss) no label is probable, so any word fits about as well as the best one.
    `SPEECH_THRESHOLD` lies between what noises score and what the readings of `data/real` and dev-clean do.

    Raises:
        ValueError: a character is outside the alphabet.
    """
    words, missing = text.split(), set()
    spelt, fit = [list(alphabet.encode(word)) for word in words], _Fit(log_probs, alphabet)
    if len(log_probs) < min_frames(alphabet.encode(text)):
        return words
    if fit(spelt) - fit([]) < SPEECH_THRESHOLD * len(text):
        return words
    # A word that does not fit pulls its neighbours out of place. So each round counts only the worst one as missing,
    # and replaces it by the wildcard or by nothing; its neighbours then return to their places.
    while len(missing) < len(words):
        found = [0 if place in missing else score for place, score in enumerate(fit.scores(spelt))]
        worst = int(np.argmax(found))
        if found[worst] <= MISSING_THRESHOLD:
            break
        missing.add(worst)
        spelt = max((_changed(spelt, worst, instead) for instead in ([fit.ANYTHING], [])), key=fit)
    return [words[place] for place in sorted(missing)]


UNSAID_RUN = 5  # words that are judged together: a single one may be misheard
UNSAID_THRESHOLD = 3.0  # nats per character, see `unsaid_words`


def unsaid_words(log_probs: np.ndarray, words: list[Word], alphabet: Alphabet = ENGLISH) -> list[Word]:
    """Return those of the aligned `words` that are part of a run of words that were not said.

    `missing_words` judges each word of a sentence; this judges runs of five words of a text of any length, in time that
    grows with the text. A run was not said if each frame's best class beats its letters by more than `UNSAID_THRESHOLD`
    nats per character. The threshold was chosen with the shipped model on dev-clean-tune; a test counts how often it is
    right on `data/real`.

    Raises:
        ValueError: a character is outside the alphabet.
    """
    letters = np.array([len(word.text) + 1 for word in words])  # with the space after each
    nats = np.zeros(len(words))
    for place, word in enumerate(words):
        frames = log_probs[round(word.start / FRAME_SECONDS) : round(word.end / FRAME_SECONDS)]
        nats[place] = frames.max(axis=1).sum() - _best_score(frames, np.asarray(alphabet.encode(word.text)))
    alone = nats > UNSAID_THRESHOLD * letters
    found: set[int] = set()
    for first in range(len(words) - UNSAID_RUN + 1) if len(words) > UNSAID_RUN else [0]:
        run = slice(first, first + UNSAID_RUN)
        if nats[run].sum() > UNSAID_THRESHOLD * letters[run].sum():
            worst = first + np.flatnonzero(alone[run])  # the words at the edges may have been said
            found.update(range(worst[0], worst[-1] + 1))
    return [words[place] for place in sorted(found)]


def ctm(words: Iterable[Word], recording: str, channel: str = "1") -> str:
    """Return `words` as lines of NIST's CTM: recording, channel, start, duration, word, confidence.

    Fields are separated by spaces, so those in `recording` become _ (NIST SCTK documentation, "sclite", file formats:
    ctm).
    """
    name = printable("_".join(recording.split()))
    return "".join(
        f"{name} {channel} {word.start:.2f} {word.end - word.start:.2f} {word.text} {word.shown:.3f}\n"
        for word in words
    )
