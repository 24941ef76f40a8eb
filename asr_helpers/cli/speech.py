"""asr transcribe, align."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from asr_helpers.cli.common import chosen_hotwords, load_model, report, stream_recording
from asr_helpers.system.errors import OneLineError, printable

if TYPE_CHECKING:
    import numpy as np

    from asr_helpers.recognizer.recognizer import Recognizer
    from asr_helpers.words.alignment import Word

UNDERLINE, PLAIN = "\x1b[4m", "\x1b[24m"


def transcribe(options: Namespace) -> int:
    """Print the text of each recording, one line each, or with --words or --format the words with their times.

    Beside each word stands the probability that it is right; in a terminal, doubtful words of the text are underlined.
    """
    if options.format in ("srt", "vtt") and len(options.audio) > 1:
        raise OneLineError(f"--format {options.format}: captions belong to one recording; transcribe them one by one")
    recognizer = load_model(options.model)
    decode = chosen_decoder(options, recognizer)
    problems = []
    for path in options.audio:
        try:
            print_transcript(options, recognizer, decode, path)
        except OneLineError as error:
            problems.append(str(error))
    report(problems)
    if not problems:
        return 0
    return 1 if len(problems) < len(options.audio) else 2


def chosen_decoder(options: Namespace, recognizer: Recognizer) -> Callable[[np.ndarray], str]:
    """Return the decoder that --lm, --no-lm and --hotwords name: beam search with a language model, or greedy decoding.

    Raises:
        OneLineError: there are hotwords, and no language model.
    """
    from asr_helpers.text import ENGLISH
    from asr_helpers.words import decoders

    alphabet = recognizer.alphabet
    if options.hotwords and (options.no_lm or not (options.lm or alphabet == ENGLISH)):
        raise OneLineError("--hotwords needs a language model: name one with --lm, or leave out --no-lm")
    if options.no_lm:
        return recognizer.greedy
    if options.lm or options.hotwords:
        lm, hotwords = options.lm or decoders.shipped_lm(), chosen_hotwords(options.hotwords, alphabet)
        return decoders.best_text(decoders.FastBeamSearch(lm, alphabet=alphabet, hotwords=hotwords))
    return decoders.default_decoder(alphabet)


def print_transcript(options: Namespace, recognizer: Recognizer, decode: Callable, path: Path) -> None:
    """Print the text or the words of one recording, as --format and --words specify.

    Raises:
        OneLineError: the recording cannot be read, or the model fails on it.
    """
    from asr_helpers.recognizer.windows import segments
    from asr_helpers.sound.audio import HOP, SAMPLE_RATE
    from asr_helpers.sound.mel import OUTPUT_HOP
    from asr_helpers.words import alignment, captions, confidence

    texts: list[str] = []
    words: list[Word] = []
    frames = 0
    name, alphabet, underline = printable(str(path)), recognizer.alphabet, sys.stdout.isatty()
    kind = "greedy" if options.no_lm else "beam" if options.lm else confidence.default_kind(alphabet)
    for first, log_probs in segments(stream_recording(recognizer, path), alphabet):
        frames = first + len(log_probs)
        texts.append(decode(log_probs).strip())
        if options.words or options.format != "text" or underline:
            found = alignment.align(log_probs, texts[-1], first, alphabet)
            words += confidence.with_probability(found, kind)
    if options.format == "ctm":
        print(alignment.ctm(words, path.stem), end="")
    elif options.format != "text":
        form = {"json": captions.json_line, "srt": captions.srt, "vtt": captions.vtt}[options.format]
        end = (frames * OUTPUT_HOP - HOP) / SAMPLE_RATE  # the sound lasts to the middle of the last frame at least
        print(form(words, name, end), end="")
    else:
        text = " ".join(map(underlined, words) if underline else filter(None, texts))
        lines = captions.tab_lines(words).splitlines() if options.words else [text]
        for line in lines:
            print(f"{name}\t{line}" if len(options.audio) > 1 else line, flush=True)


def underlined(word: Word) -> str:
    """Return the text of a word, underlined for a terminal if the word is doubtful."""
    from asr_helpers.words.confidence import doubtful

    return f"{UNDERLINE}{word.text}{PLAIN}" if doubtful(word) else word.text


def align(options: Namespace) -> None:
    """Print when each word of TEXT is said in AUDIO: CTM, with start and duration in seconds, and a confidence."""
    import numpy as np

    from asr_helpers.system.text_files import read_lines
    from asr_helpers.text import AlphabetError
    from asr_helpers.words import alignment

    recognizer = load_model(options.model)
    text = " ".join(read_lines(options.text)) if os.path.isfile(options.text) else options.text
    try:
        text = recognizer.alphabet.normalize(text)
    except AlphabetError as error:
        raise OneLineError(f"{options.text[:60]}: {error}; write it as LibriSpeech does, numbers as words") from None
    log_probs = np.concatenate(list(stream_recording(recognizer, options.audio)))
    try:
        words = alignment.align(log_probs, text, alphabet=recognizer.alphabet)
    except alignment.AlignmentError as error:
        raise OneLineError(f"{options.audio}: {error}; check that the text belongs to it") from None
    print(alignment.ctm(words, options.audio.stem), end="")
