"""Which decoder the options name: one rule for `asr evaluate`, `transcribe` and `listen`."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from asr_helpers.cli.common import chosen_hotwords
from asr_helpers.system.errors import OneLineError

if TYPE_CHECKING:
    import numpy as np

    from asr_helpers.recognizer.recognizer import Recognizer
    from asr_helpers.text import Alphabet


def chosen_lm(options: Namespace, alphabet: Alphabet) -> Path | None:
    """Return --lm's language model; without one, the shipped model for English. None with --no-lm."""
    from asr_helpers.text import ENGLISH
    from asr_helpers.words.decoders import shipped_lm

    if options.no_lm:
        return None
    return options.lm or (shipped_lm() if alphabet == ENGLISH else None)


def chosen_kind(options: Namespace, alphabet: Alphabet, decoder: str | None = None) -> str:
    """Return "beam" or "greedy": what --decoder names, else "beam" where there is a language model.

    Raises:
        OneLineError: greedy decoding, and --lm or --hotwords; or hotwords without a language model.
    """
    lm = chosen_lm(options, alphabet)
    if decoder == "greedy" and options.lm:
        raise OneLineError("--lm goes with beam search: leave --decoder greedy out")
    if options.hotwords and (decoder == "greedy" or not lm):
        raise OneLineError("--hotwords needs a language model: name one with --lm, or leave out --no-lm")
    return decoder or ("beam" if lm else "greedy")


def chosen_decoder(
    options: Namespace, recognizer: Recognizer, decoder: str | None = None, **settings: float
) -> Callable[[np.ndarray], str]:
    """Return the decoder that the options name: log-probabilities (frames, classes) to text.

    For English this is beam search with the shipped language model. Without a language model it is greedy decoding,
    unless `decoder` is "beam".

    Args:
        options: --lm, --no-lm and --hotwords.
        recognizer: its alphabet and its greedy decoder.
        decoder: --decoder, see `chosen_kind`.
        settings: of `FastBeamSearch`, if they are not its defaults.

    Raises:
        OneLineError: as `chosen_kind`; or a language model or a hotword is unusable.
    """
    from asr_helpers.words import decoders

    alphabet = recognizer.alphabet
    if chosen_kind(options, alphabet, decoder) == "greedy":
        return recognizer.greedy
    lm = chosen_lm(options, alphabet)
    if lm == decoders.shipped_lm() and not (options.hotwords or settings):
        return decoders.default_decoder(alphabet)  # read once for several recordings or commands
    hotwords = chosen_hotwords(options.hotwords, alphabet)
    return decoders.best_text(decoders.FastBeamSearch(lm, alphabet=alphabet, hotwords=hotwords, **settings))
