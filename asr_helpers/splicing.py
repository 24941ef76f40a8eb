"""Splicing: sentences that nobody said, put together from phrases that somebody did.

A network that hears the same sentences for the fiftieth time knows them by heart. Masks and noise change how a sentence
sounds, never what follows what. Here clips are cut where it is quiet between two words, and a piece gives way to
another one by the same speaker, with its text. So each epoch has sentences of its own, most of them nonsense: what a
word is, only its sound can tell. Cf. Lam et al. 2021, "On-the-fly aligned data augmentation", arXiv:2104.01393, where
single words are replaced.
"""

import json
from bisect import bisect_left, bisect_right
from collections import defaultdict
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from tqdm.auto import tqdm

from asr_helpers import files
from asr_helpers.alignment import viterbi
from asr_helpers.corpus import CorpusError, Utterance, read_audio
from asr_helpers.features import OUTPUT_HOP, SAMPLE_RATE
from asr_helpers.pipeline import Speech
from asr_helpers.recognizer import Recognizer
from asr_helpers.text import ENGLISH, Alphabet

QUIET_DB = -20.0  # against the clip's mean power: here one may cut
HEARD = SAMPLE_RATE // 50  # samples, 20 ms, over which loudness is measured
SHORTEST = round(0.4 * SAMPLE_RATE)  # of a piece; a single word, mostly
LONGEST = 3 * SAMPLE_RATE  # of a piece that takes another's place
ALIKE = 0.2  # how much longer or shorter it may be, so that the clips of a batch stay of like length
FADE = SAMPLE_RATE // 200  # samples, 5 ms: no clicks
KEPT_EVERY = 500  # clips that a kill may cost


@dataclass(frozen=True)
class Piece:
    """Samples `start` to `end` of the clip at `path`, in which `text` is said."""

    path: Path
    start: int
    end: int
    text: str


def find_cuts(
    log_probs: np.ndarray, samples: np.ndarray, text: str, alphabet: Alphabet = ENGLISH
) -> list[tuple[int, int]]:
    """Return where a clip can be cut: (sample, number of words before it), in order.

    Between the last letter of a word and the first of the next, as forced alignment has them, lies the quietest moment;
    it must be 20 dB below the clip's mean power. Where words run together, there is none.

    Args:
        log_probs: (model frames, classes), of the clip. samples: float32 (samples,). text: normalised.

    Raises:
        ValueError: as `alignment.viterbi`.
    """
    path = viterbi(log_probs, alphabet.encode(text))
    power = np.convolve(samples.astype(np.float64) ** 2, np.full(HEARD, 1 / HEARD), "same")
    quiet = np.mean(power) * 10 ** (QUIET_DB / 10)
    cuts = []
    gaps = [place for place, character in enumerate(text) if character == " "]
    for words, gap in enumerate(gaps, start=1):
        last, first = np.flatnonzero(path == 2 * gap - 1)[-1], np.flatnonzero(path == 2 * gap + 3)[0]
        start, end = ((frame * OUTPUT_HOP + OUTPUT_HOP // 2) for frame in (last, first))
        at = int(start + power[start:end].argmin())
        previous = cuts[-1][0] if cuts else 0
        if power[at] < quiet and at - previous >= SHORTEST and len(samples) - at >= SHORTEST:
            cuts.append((at, words))
    return cuts


def cut_speech(model: Path | str, speech: Speech, file: Path) -> dict[str, list[list[int]]]:
    """Return the `find_cuts` of each clip of `speech` by its id, made with the recogniser at `model`.

    They are kept in `file` (JSON), with each `KEPT_EVERY` clips anew: what it has is not made again.

    Raises:
        CorpusError: `speech` is a folder of records, or `file` is damaged.
        ValueError: `model` cannot be loaded, or writes another alphabet.
    """
    if speech.shards:
        raise CorpusError(f"{speech.name}: is a folder of records; splicing takes the corpora themselves")
    clips = {utterance.id: utterance for utterance in speech.utterances}
    cuts = read_cuts(file, speech) if file.exists() else {}
    missing = [clip for name, clip in clips.items() if name not in cuts]
    if not missing:
        return cuts
    recognizer = Recognizer.load(model)
    if recognizer.alphabet != speech.alphabet:
        raise ValueError(f"{model}: writes {recognizer.alphabet}; {speech.name} is read by {speech.alphabet}")
    for done, clip in enumerate(tqdm(missing, "cutting", unit="utt", disable=None, delay=2), start=1):
        try:
            samples = read_audio(clip.path)
            found = find_cuts(recognizer.audio_log_probs(samples), samples, clip.text, speech.alphabet)
            cuts[clip.id] = list(map(list, found))
        except ValueError:  # unreadable, which training will say; or said too fast for this model
            cuts[clip.id] = []
        if done % KEPT_EVERY == 0 or done == len(missing):
            files.write(file, json.dumps(cuts))
    return cuts


def read_cuts(file: Path, speech: Speech) -> dict[str, list[list[int]]]:
    """Return what `cut_speech` has written.

    Raises:
        CorpusError: it is missing or damaged.
    """
    try:
        cuts = json.loads(file.read_text())
        Splicer(cuts, speech)
        return cuts
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise CorpusError(f"{file}: missing or damaged ({error}); delete it, and it is made anew") from None


class Splicer:
    """Replaces pieces of clips by others of the same speaker.

    Args:
        cuts: of each clip, by its id, as `find_cuts` returns them. speech: the clips.
        probability: of a clip to be spliced at all. share: of its pieces that are replaced.
    """

    def __init__(self, cuts: dict, speech: Speech, probability: float = 0.8, share: float = 0.5):
        self.probability, self.share = probability, share
        self.pieces: dict[str, list[Piece]] = {}
        by_speaker = defaultdict(list)
        for utterance in speech.utterances:
            if utterance.id not in self.pieces:
                self.pieces[utterance.id] = _pieces(utterance, cuts.get(utterance.id, []))
                by_speaker[utterance.speaker] += self.pieces[utterance.id]
        self.others = {
            speaker: sorted((piece for piece in pieces if _length(piece) <= LONGEST), key=_length)
            for speaker, pieces in by_speaker.items()
        }

    def __call__(
        self, utterance: Utterance, samples: np.ndarray, rng: np.random.Generator
    ) -> tuple[np.ndarray, str]:
        """Return new samples and their text; or what came, if chance has it so or another clip cannot be read."""
        if rng.random() >= self.probability:
            return samples, utterance.text
        chosen = self.choose(utterance, rng)
        if chosen == self.pieces[utterance.id]:
            return samples, utterance.text
        try:
            return join(chosen)
        except CorpusError:  # of another clip, whose own turn reports it
            return samples, utterance.text

    def choose(self, utterance: Utterance, rng: np.random.Generator) -> list[Piece]:
        """Return the pieces of `utterance`, some of them replaced by others of about their length."""
        return [
            self._another(utterance, piece, rng) if rng.random() < self.share else piece
            for piece in self.pieces[utterance.id]
        ]

    def _another(self, utterance: Utterance, piece: Piece, rng: np.random.Generator) -> Piece:
        others, length = self.others[utterance.speaker], _length(piece)
        low = bisect_left(others, (1 - ALIKE) * length, key=_length)
        high = bisect_right(others, (1 + ALIKE) * length, key=_length)
        return others[rng.integers(low, high)] if high > low else piece


def join(pieces: list[Piece]) -> tuple[np.ndarray, str]:
    """Return the pieces' samples, each faded in and out, float32 (samples,), and their text.

    Raises:
        CorpusError: a clip cannot be read.
    """
    sounds, ramp = [], np.linspace(0, 1, FADE, dtype=np.float32)
    for piece in pieces:
        sound = read_audio(piece.path, piece.start, piece.end)
        sound[:FADE] *= ramp
        sound[-FADE:] *= ramp[::-1]
        sounds.append(sound)
    return np.concatenate(sounds), " ".join(piece.text for piece in pieces)


def _pieces(utterance: Utterance, cuts: list) -> list[Piece]:
    words = utterance.text.split()
    ends = [(0, 0), *map(tuple, cuts), (utterance.samples, len(words))]
    if sorted(set(ends)) != ends:
        raise ValueError(f"cuts of {utterance.id} that are not in order")
    return [
        Piece(utterance.path, start, end, " ".join(words[first:last]))
        for (start, first), (end, last) in pairwise(ends)
    ]


def _length(piece: Piece) -> int:
    return piece.end - piece.start
