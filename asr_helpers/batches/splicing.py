"""Splicing: new sentences from recorded phrases, as data augmentation.

A network that hears the same sentences fifty times memorises them. Masks and noise change how a sentence sounds, but
not its word order. Here clips are cut in the pauses between words, and pieces are replaced by others of the same
speaker, with their text. Each epoch then has sentences of its own, most of them nonsense, so only the sound tells what
a word is. Cf. Lam et al. 2021, "On-the-fly aligned data augmentation", arXiv:2104.01393, where single words are
replaced.
"""

import json
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from tqdm.auto import tqdm

from asr_helpers.batches.pipeline import Speech
from asr_helpers.corpus.reading import CorpusError, Utterance
from asr_helpers.sound.audio import SAMPLE_RATE, AudioError, read_audio
from asr_helpers.sound.mel import OUTPUT_HOP
from asr_helpers.system import files
from asr_helpers.text import ENGLISH, Alphabet
from asr_helpers.words.alignment import AlignmentError, viterbi

MAX_CUT_DB = -20.0  # power at a cut, relative to the clip's mean
POWER_WINDOW_SAMPLES = SAMPLE_RATE // 50  # 20 ms, over which power is measured
MIN_PIECE_SAMPLES = round(0.4 * SAMPLE_RATE)  # mostly a single word
MAX_PIECE_SAMPLES = 3 * SAMPLE_RATE  # of a replacement
LENGTH_TOLERANCE = 0.2  # of a replacement, relative to the piece, so that the clips of a batch stay of similar length
FADE_SAMPLES = SAMPLE_RATE // 200  # 5 ms, against clicks
SAVE_EVERY_CLIPS = 500  # the most that a killed run loses


@dataclass(frozen=True)
class Piece:
    """Samples `start` to `end` of the clip at `path`, and the text spoken in them."""

    path: Path
    start: int
    end: int
    text: str


def find_cuts(
    log_probs: np.ndarray, samples: np.ndarray, text: str, alphabet: Alphabet = ENGLISH
) -> list[tuple[int, int]]:
    """Return where a clip can be cut, as (sample, number of words before it), in order.

    Forced alignment gives the last letter of each word and the first of the next. The cut is at the quietest moment
    between them, if that is 20 dB below the clip's mean power; words that run together are not cut apart.

    `log_probs` are (output frames, classes), `samples` float32 (samples,), `text` the normalised transcript.

    Raises:
        ValueError: as `words.viterbi`.
    """
    path = viterbi(log_probs, alphabet.encode(text))
    power = np.convolve(
        samples.astype(np.float64) ** 2, np.full(POWER_WINDOW_SAMPLES, 1 / POWER_WINDOW_SAMPLES), "same"
    )
    quiet = np.mean(power) * 10 ** (MAX_CUT_DB / 10)
    cuts: list[tuple[int, int]] = []
    gaps = [place for place, character in enumerate(text) if character == " "]
    for words, gap in enumerate(gaps, start=1):
        last, first = np.flatnonzero(path == 2 * gap - 1)[-1], np.flatnonzero(path == 2 * gap + 3)[0]
        start, end = last * OUTPUT_HOP + OUTPUT_HOP // 2, first * OUTPUT_HOP + OUTPUT_HOP // 2
        at = int(start + power[start:end].argmin())
        previous = cuts[-1][0] if cuts else 0
        if power[at] < quiet and at - previous >= MIN_PIECE_SAMPLES and len(samples) - at >= MIN_PIECE_SAMPLES:
            cuts.append((at, words))
    return cuts


def cut_speech(log_probs: Callable[[np.ndarray], np.ndarray], speech: Speech, file: Path) -> dict[str, list[list[int]]]:
    """Return the cuts (`find_cuts`) of each clip of `speech`, by its id.

    Args:
        log_probs: a function from samples, float32 (samples,), to log-probabilities (output frames, classes), such as
            `Recognizer.audio_log_probs`. It is not called for clips that `file` lists.
        speech: the clips.
        file: JSON of the cuts, saved after every `SAVE_EVERY_CLIPS` clips.

    Raises:
        CorpusError: `speech` is a folder of records, `file` is damaged, or `log_probs` has another alphabet.
    """
    if speech.shards:
        raise CorpusError(f"{speech.name}: is a folder of records; splicing takes the corpora themselves")
    clips = {utterance.id: utterance for utterance in speech.utterances}
    cuts = read_cuts(file, speech) if file.exists() else {}
    missing = [clip for name, clip in clips.items() if name not in cuts]
    if not missing:
        return cuts
    for done, clip in enumerate(tqdm(missing, "cutting", unit="utt", disable=None, delay=2), start=1):
        try:
            samples = read_audio(clip.path)
        except AudioError:  # training will report it
            cuts[clip.id] = []
        else:
            cuts[clip.id] = _cuts_of(clip, samples, log_probs(samples), speech)
        if done % SAVE_EVERY_CLIPS == 0 or done == len(missing):
            files.write(file, json.dumps(cuts))
    return cuts


def _cuts_of(clip: Utterance, samples: np.ndarray, log_probs: np.ndarray, speech: Speech) -> list[list[int]]:
    """Return `find_cuts` of a clip of `speech`; none if it is too fast for the model that aligns it."""
    have, need = log_probs.shape[1], speech.alphabet.classes
    if have != need:
        raise CorpusError(f"{speech.name}: {have} classes where its alphabet needs {need}")
    try:
        return [list(cut) for cut in find_cuts(log_probs, samples, clip.text, speech.alphabet)]
    except AlignmentError:
        return []


def read_cuts(file: Path, speech: Speech) -> dict[str, list[list[int]]]:
    """Return the cuts in a file of `cut_speech`.

    Raises:
        CorpusError: the file is missing or damaged.
    """
    try:
        cuts = json.loads(file.read_text())
        if not isinstance(cuts, dict) or not all(map(_is_cut_list, cuts.values())):
            raise ValueError("no cuts of clips")
        Splicer(cuts, speech)  # raises ValueError for cuts that are not in order
        return cuts
    except (OSError, ValueError, RecursionError) as error:
        raise CorpusError(f"{file}: missing or damaged ({error}); delete it, and it is made again") from None


def _is_cut_list(value: Any) -> bool:
    """Return whether this is a list of pairs of whole numbers."""
    return isinstance(value, list) and all(
        isinstance(cut, list) and len(cut) == 2 and all(type(number) is int for number in cut) for cut in value
    )


class Splicer:
    """Replaces pieces of clips by others of the same speaker.

    Args:
        cuts: what `find_cuts` returns for each clip, by its id.
        speech: the clips.
        probability: that a clip is spliced at all.
        replaced: the fraction of its pieces that are replaced.
    """

    def __init__(self, cuts: dict, speech: Speech, probability: float = 0.8, replaced: float = 0.5):
        self.probability, self.replaced = probability, replaced
        self.pieces: dict[str, list[Piece]] = {}
        by_speaker: dict[str, list[Piece]] = defaultdict(list)
        for utterance in speech.utterances:
            if utterance.id not in self.pieces:
                self.pieces[utterance.id] = _pieces(utterance, cuts.get(utterance.id, []))
                by_speaker[utterance.speaker] += self.pieces[utterance.id]
        self.others = {
            speaker: sorted((piece for piece in pieces if _length(piece) <= MAX_PIECE_SAMPLES), key=_length)
            for speaker, pieces in by_speaker.items()
        }

    def __call__(self, utterance: Utterance, samples: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, str]:
        """Return spliced samples and their text; unchanged by chance, or if another clip cannot be read."""
        if rng.random() >= self.probability:
            return samples, utterance.text
        chosen = self.choose(utterance, rng)
        if chosen == self.pieces[utterance.id]:
            return samples, utterance.text
        try:
            return join(chosen)
        except AudioError:  # of another clip, which is reported when it is read itself
            return samples, utterance.text

    def choose(self, utterance: Utterance, rng: np.random.Generator) -> list[Piece]:
        """Return the pieces of `utterance`, some replaced by others of similar length."""
        return [
            self._replacement(utterance, piece, rng) if rng.random() < self.replaced else piece
            for piece in self.pieces[utterance.id]
        ]

    def _replacement(self, utterance: Utterance, piece: Piece, rng: np.random.Generator) -> Piece:
        others, length = self.others[utterance.speaker], _length(piece)
        low = bisect_left(others, (1 - LENGTH_TOLERANCE) * length, key=_length)
        high = bisect_right(others, (1 + LENGTH_TOLERANCE) * length, key=_length)
        return others[rng.integers(low, high)] if high > low else piece


def join(pieces: list[Piece]) -> tuple[np.ndarray, str]:
    """Return the pieces' samples, each faded in and out, float32 (samples,), and their text.

    Raises:
        AudioError: a clip cannot be read.
    """
    sounds, ramp = [], np.linspace(0, 1, FADE_SAMPLES, dtype=np.float32)
    for piece in pieces:
        sound = read_audio(piece.path, piece.start, piece.end)
        sound[:FADE_SAMPLES] *= ramp
        sound[-FADE_SAMPLES:] *= ramp[::-1]
        sounds.append(sound)
    return np.concatenate(sounds), " ".join(piece.text for piece in pieces)


def _pieces(utterance: Utterance, cuts: list) -> list[Piece]:
    words = utterance.text.split()
    ends = [(0, 0), *map(tuple, cuts), (utterance.samples, len(words))]
    if sorted(set(ends)) != ends:
        raise ValueError(f"the cuts of {utterance.id} are not in order")
    return [
        Piece(utterance.path, start, end, " ".join(words[first:last])) for (start, first), (end, last) in pairwise(ends)
    ]


def _length(piece: Piece) -> int:
    return piece.end - piece.start
