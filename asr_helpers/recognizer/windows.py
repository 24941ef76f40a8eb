"""Long recordings: overlapping windows for the network, and pauses at which to cut the text."""

from collections.abc import Iterable, Iterator

import numpy as np

from asr_helpers.sound.audio import SAMPLE_RATE
from asr_helpers.sound.mel import OUTPUT_HOP
from asr_helpers.text import ENGLISH, Alphabet

MAX_UNCUT_SAMPLES = 30 * SAMPLE_RATE  # longer audio is cut into windows: no training clip was longer
WINDOW_SAMPLES = 20 * SAMPLE_RATE
OVERLAP_SAMPLES = 4 * SAMPLE_RATE


def window_starts(samples: int) -> list[int]:
    """Return where the windows of a long recording start, in samples, each on an output frame.

    The last window is moved back to have its full length: a short remainder would give the features a poor mean and
    deviation.
    """
    last = -(-(samples - WINDOW_SAMPLES) // OUTPUT_HOP) * OUTPUT_HOP
    return [*range(0, last, WINDOW_SAMPLES - OVERLAP_SAMPLES), last]


def windows(blocks: Iterable[np.ndarray]) -> Iterator[tuple[int, np.ndarray]]:
    """Yield (start, samples) of each window of `window_starts`, as soon as enough has arrived.

    Samples are held from the last window's start on, because the end of the recording may move the next window back.
    """
    held, held_start, due = np.zeros(0, np.float32), 0, 0
    for block in blocks:
        held = np.append(held, block) if len(held) else block
        while held_start + len(held) > max(MAX_UNCUT_SAMPLES, due + WINDOW_SAMPLES):
            held, held_start = held[due - held_start :], due
            yield held_start, held[:WINDOW_SAMPLES]
            due += WINDOW_SAMPLES - OVERLAP_SAMPLES
    samples = held_start + len(held)
    last = window_starts(samples)[-1] if samples > MAX_UNCUT_SAMPLES else 0
    yield last, held[last - held_start :]


def segments(pieces: Iterable[np.ndarray], alphabet: Alphabet = ENGLISH) -> Iterator[tuple[int, np.ndarray]]:
    """Yield (first frame, log-probabilities) of stretches of at most `MAX_UNCUT_SAMPLES`, cut in pauses.

    A long recording is thus decoded and aligned in bounded memory, and its text appears while the rest is still being
    read. In a pause, the most probable labels are blanks and spaces. The longest pause is cut in two.

    `pieces` are log-probabilities (frames, classes) of consecutive parts of the recording, of any lengths.
    """
    held, held_start, most = None, 0, MAX_UNCUT_SAMPLES // OUTPUT_HOP
    for piece in pieces:
        held = piece if held is None else np.concatenate([held, piece])
        while len(held) > most:
            cut = _longest_pause(held[:most], most // 3, alphabet)
            yield held_start, held[:cut]
            held, held_start = held[cut:], held_start + cut
    if held is not None:
        yield held_start, held


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
