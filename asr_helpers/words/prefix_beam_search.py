"""Prefix beam search over CTC log-probabilities, with or without a language model."""

import math
import sys
from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from asr_helpers.text import ENGLISH, Alphabet
from asr_helpers.words.arguments import check_shape, check_width
from asr_helpers.words.fusion import Fusion, LMState

# The best settings on dev-clean-tune, see benchmarks/decoder_tuning.py and notebook 07.
BEAM_WIDTH = 1024
BEAM_MARGIN = 12.0  # nats
MIN_LOG_PROB = -5.0  # nats

Entry = tuple[str, int]  # of a beam: a text, and the label that its alignments end in


@dataclass(frozen=True)
class Hypothesis:
    """A text and its score: ln P(text | audio), summed over the alignments that spell it.

    With a language model `score` includes its terms, see `Fusion`, and is no longer a log-probability.

    Example:
        >>> Hypothesis("A CAB", score=-0.5).text
        'A CAB'
    """

    text: str
    score: float


def beam_search(
    log_probs: np.ndarray,
    width: int = BEAM_WIDTH,
    min_log_prob: float = MIN_LOG_PROB,
    fusion: Fusion | None = None,
    margin: float = BEAM_MARGIN,
    alphabet: Alphabet = ENGLISH,
) -> list[Hypothesis]:
    """Return the hypotheses that remain after the last frame, the best first, by prefix beam search.

    An entry of the beam is a prefix of a text together with the label its alignments end in, its last character or the
    blank: only after a blank does a repeated character begin a new one. All alignments of an entry are summed. A text
    has no space at either end and never two together.

    Pruned entries are lost, so a score is a lower bound. It is exact if `width` covers every entry,
    `min_log_prob` is `-math.inf` and `margin` is `math.inf`.

    Graves & Jaitly, 2014, "Towards end-to-end speech recognition with recurrent neural networks", ICML;
    Hannun et al., 2014, "First-pass large vocabulary continuous speech recognition using bi-directional
    recurrent DNNs", arXiv:1408.2873 (with the language model).

    Args:
        log_probs: (frames, classes) natural logarithms, the blank last.
        width: the most entries that are kept after a frame.
        min_log_prob: a frame offers its best label and all others of at least this log-probability.
        fusion: the language model's terms.
        margin: how far below the best an entry may score and be kept, in nats.
        alphabet: the model's.

    Raises:
        ValueError: `log_probs` is not of shape (frames, classes), or `fusion` has another alphabet.
        DecodingError: `width` is below 1.

    Example:
        >>> frame = np.log(np.eye(29)[2] * 0.4 + np.eye(29)[28] * 0.6 + 1e-9)  # A 0.4, blank 0.6
        >>> [(each.text, round(math.exp(each.score), 2)) for each in beam_search(np.stack([frame, frame]), width=3)]
        [('A', 0.64), ('', 0.36)]
    """
    check_shape(log_probs, alphabet)
    check_width(width)
    if fusion and fusion.alphabet != alphabet:
        raise ValueError(f"`fusion` was made for other letters than the model's ({alphabet}); give `Fusion` the same")
    beam: dict[Entry, float] = {("", alphabet.blank): 0.0}
    lm_states = {"": fusion.start} if fusion else {}
    for frame in np.asarray(log_probs, dtype=np.float64):  # (classes,)
        beam = advance(beam, frame, min_log_prob, alphabet)
        total = _with_language(beam, lm_states, fusion) if fusion else beam
        floor = max(max(total.values()) - margin, -sys.float_info.max)  # an impossible entry is dropped in any case
        possible = [entry for entry in total if total[entry] >= floor]
        beam = {entry: beam[entry] for entry in sorted(possible, key=lambda e: (-total[e], e))[:width]}
        lm_states = {text: lm_states[text] for text, _ in beam} if fusion else {}
    return _finish(beam, lm_states, fusion)


def advance(
    beam: dict[Entry, float], frame: np.ndarray, min_log_prob: float = -math.inf, alphabet: Alphabet = ENGLISH
) -> dict[Entry, float]:
    """Return the entries of a beam after one more frame: (text, last label) -> log-probability.

    `frame` is (classes,) natural logarithms; `min_log_prob` as in `beam_search`.

    Example:
        >>> sorted(advance({("", 28): 0.0}, np.log(np.eye(29)[2] + 1e-9), min_log_prob=-5.0))
        [('A', 2)]
    """
    after: dict[Entry, float] = defaultdict(lambda: -math.inf)
    offered = np.flatnonzero((frame >= min_log_prob) | (frame == frame.max())).tolist()
    log_prob = frame.tolist()  # plain floats, much faster to read one by one than NumPy's
    for (text, last), score in beam.items():
        for label in offered:
            same = label in (alphabet.blank, last)
            longer = text if same else _append(text, alphabet.characters[label])
            entry = longer, label
            after[entry] = log_add(after[entry], score + log_prob[label])
    return after


def _append(text: str, character: str) -> str:
    """Return `text` + `character`, without a space at the beginning or after another."""
    return text if character == " " and (not text or text[-1] == " ") else text + character


def _with_language(beam: dict[Entry, float], lm_states: dict[str, LMState], fusion: Fusion) -> dict[Entry, float]:
    """Return the entries' scores with the language model's; add the states of new texts to `lm_states`."""
    for text, _ in beam:
        if text not in lm_states:
            lm_states[text] = fusion.extend(lm_states[text[:-1]], text[-1])
    lookahead = {text: fusion.lookahead_score(state) for text, state in lm_states.items()}
    return {(text, last): score + lookahead[text] for (text, last), score in beam.items()}


def _finish(beam: dict[Entry, float], lm_states: dict[str, LMState], fusion: Fusion | None) -> list[Hypothesis]:
    """Return the beam's texts with their final scores, the best first; a text with a space at its end is the same."""
    acoustic: dict[str, float] = defaultdict(lambda: -math.inf)
    language = {}
    for (text, _), score in beam.items():
        acoustic[text.strip()] = log_add(acoustic[text.strip()], score)
        language[text.strip()] = fusion.finish(lm_states[text]) if fusion else 0.0
    found = [Hypothesis(text, score + language[text]) for text, score in acoustic.items()]
    return sorted(found, key=lambda hypothesis: (-hypothesis.score, hypothesis.text))


def log_add(a: float, b: float) -> float:
    """Return log(exp(a) + exp(b)) in the log domain, where long products do not underflow.

    Example:
        >>> round(math.exp(log_add(math.log(0.25), math.log(0.5))), 3)
        0.75
    """
    low, high = (a, b) if a < b else (b, a)
    return high if low == -math.inf else high + math.log1p(math.exp(low - high))
