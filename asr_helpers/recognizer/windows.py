"""Long recordings: cut in pauses for the network, or into overlapping windows; and cut in pauses for the decoder."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from asr_helpers.sound.audio import HOP, SAMPLE_RATE
from asr_helpers.sound.mel import OUTPUT_HOP, TIME_POOLING
from asr_helpers.sound.speech import frame_power, speech_frames
from asr_helpers.text import ENGLISH, Alphabet

MAX_UNCUT_SAMPLES = 30 * SAMPLE_RATE  # longer audio is cut: no training clip was longer
MIN_PIECE_SAMPLES = 3 * SAMPLE_RATE  # of what is cut off: the features' mean and deviation need some speech
EARLY_SAMPLES = 15 * SAMPLE_RATE  # up to here the first clear pause is taken, beyond it the longest of any
CLEAR_PAUSE_FRAMES = 40  # without speech; with the margins around speech, 0.8 s of silence
WINDOW_SAMPLES = 20 * SAMPLE_RATE  # where there is no pause
OVERLAP_SAMPLES = 4 * SAMPLE_RATE


class Piece(NamedTuple):
    """A stretch of a recording for the network, with the parts of it that its neighbours cover."""

    samples: np.ndarray
    before: int  # samples at the start that belong to the piece before
    after: int  # samples at the end that belong to the next piece
    in_pause: bool  # whether the cut after it lies in a pause


def window_starts(samples: int) -> list[int]:
    """Return where the windows of a long recording without pauses start, in samples; the last one is up to 30 s long.

    Example:
        >>> [start / SAMPLE_RATE for start in window_starts(60 * SAMPLE_RATE)]
        [0.0, 16.0, 32.0]
    """
    step = WINDOW_SAMPLES - OVERLAP_SAMPLES
    return list(range(0, max(0, samples - MAX_UNCUT_SAMPLES + step - 1) + 1, step))


def pieces(blocks: Iterable[np.ndarray]) -> Iterator[Piece]:
    """Yield the pieces of a recording that arrives in `blocks`, each as soon as enough has arrived.

    Audio of at most `MAX_UNCUT_SAMPLES` is one piece. Longer audio is cut in pauses, because the next speaker may be
    another one. Where there is no pause, windows overlap and meet in the middle of the overlap.
    """
    held, before, cutting = np.zeros(0, np.float32), 0, False
    for block in blocks:
        held = np.append(held, block) if len(held) else block
        while len(held) > MAX_UNCUT_SAMPLES:
            cutting = True
            if cut := _pause(held[:MAX_UNCUT_SAMPLES]):
                yield Piece(held[:cut], before, 0, True)
                held, before = held[cut:], 0
            else:
                yield Piece(held[:WINDOW_SAMPLES], before, OVERLAP_SAMPLES // 2, False)
                held, before = held[WINDOW_SAMPLES - OVERLAP_SAMPLES :], OVERLAP_SAMPLES // 2
    while cutting and len(held) > EARLY_SAMPLES and (cut := _pause(held)):
        yield Piece(held[:cut], before, 0, True)
        held, before = held[cut:], 0
    yield Piece(held, before, 0, False)


def _pause(samples: np.ndarray) -> int | None:
    """Return the middle of the pause in which to cut, in samples, on an output frame; None if there is no pause."""
    silent = ~speech_frames(frame_power(samples))
    edges = np.flatnonzero(np.diff(np.concatenate([[False], silent, [False]]).astype(int)))
    inner = [(start, end) for start, end in edges.reshape(-1, 2).tolist() if start and end < len(silent)]
    pauses = [(end - start, (start + end) // 2) for start, end in inner]  # (length, middle) in frames
    pauses = [(length, middle) for length, middle in pauses if middle * HOP >= MIN_PIECE_SAMPLES]
    if not pauses:
        return None
    clear = [
        (length, middle) for length, middle in pauses if length >= CLEAR_PAUSE_FRAMES and middle * HOP <= EARLY_SAMPLES
    ]
    _, middle = clear[0] if clear else max(pauses)
    return middle // TIME_POOLING * OUTPUT_HOP


def segments(pieces: Iterable[np.ndarray], alphabet: Alphabet = ENGLISH) -> Iterator[tuple[int, np.ndarray]]:
    """Yield (first frame, log-probabilities) of stretches of at most `MAX_UNCUT_SAMPLES`, cut in pauses.

    A long recording is thus decoded and aligned in bounded memory, and its text appears while the rest is still being
    read. Each cut that `Recognizer.stream` makes in a pause ends a stretch, so the language model starts a new sentence
    there. A longer stretch is cut in its longest pause, where the most probable labels are blanks and spaces.

    `pieces` are log-probabilities (frames, classes) of consecutive parts of the recording, of any lengths.

    Example:
        >>> [first for first, _ in segments([np.eye(29)[[9, 9, 28, 10]]])]
        [0]
    """
    held, held_start = np.zeros((0, alphabet.blank + 1)), 0
    for piece in pieces:
        held = np.concatenate([held, piece]) if len(held) else piece
        while cut := _stretch(held, alphabet):
            yield held_start, held[:cut]
            held, held_start = held[cut:], held_start + cut
    if len(held) or not held_start:
        yield held_start, held


def _stretch(log_probs: np.ndarray, alphabet: Alphabet) -> int:
    """Return the length of the first stretch in frames, or 0 if it has no end yet."""
    most = MAX_UNCUT_SAMPLES // OUTPUT_HOP
    cuts = np.flatnonzero(_marks(log_probs[:most], alphabet))
    if len(cuts):
        return int(cuts[0]) + 1
    return _longest_pause(log_probs[:most], most // 3, alphabet) if len(log_probs) > most else 0


def _marks(log_probs: np.ndarray, alphabet: Alphabet) -> np.ndarray:
    """Return which frames mark a cut in a pause, bool (frames,): a certain space, the other labels equally unlikely."""
    if " " not in alphabet.characters:
        return np.zeros(len(log_probs), bool)
    space = alphabet.characters.index(" ")
    others = np.delete(log_probs, space, axis=1)
    return (others.max(axis=1) == others.min(axis=1)) & (log_probs[:, space] > others[:, 0])


def _longest_pause(log_probs: np.ndarray, earliest: int, alphabet: Alphabet) -> int:
    """Return the frame in the middle of the longest pause from frame `earliest` on; if there is none, the end."""
    best = log_probs[earliest:].argmax(axis=1)
    space = best == alphabet.characters.index(" ")
    silent = space | (best == alphabet.blank)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], silent, [False]]).astype(int)))
    pauses = edges.reshape(-1, 2).tolist()
    if not pauses:
        return len(log_probs)

    def rank(pause: list[int]) -> tuple[bool, int, int]:
        """Prefer a pause with a space (blanks also occur within words), then the longer one, then the later one."""
        start, end = pause
        return bool(space[start:end].any()), end - start, start

    start, end = max(pauses, key=rank)
    return earliest + (start + end + 1) // 2
