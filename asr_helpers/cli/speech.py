"""asr transcribe, align."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from tqdm import tqdm

from asr_helpers.cli.common import load_model, report, stream_recording
from asr_helpers.cli.decoding import chosen_decoder, chosen_kind  # live.py takes the first from here
from asr_helpers.cli.formats import OutputFolder, Transcript
from asr_helpers.system.errors import OneLineError, printable

if TYPE_CHECKING:
    from asr_helpers.recognizer.recognizer import Recognizer
    from asr_helpers.text import Alphabet
    from asr_helpers.words.alignment import Word

UNDERLINE, PLAIN = "\x1b[4m", "\x1b[24m"


def transcribe(options: Namespace) -> int:
    """Print the text of each recording, one line each; or, with --format, captions or the words with their times.

    Each word has the probability that it is right; in a terminal, doubtful words of the text are underlined. What a
    pipe holds is printed as it arrives, a line for each stretch up to a pause.
    """
    formats = list(dict.fromkeys(options.format)) or ["text"]
    if options.output_dir is None:
        show = partial(print_transcript, single_format(formats, options.audio), len(options.audio) > 1)
    else:
        show = OutputFolder(options.output_dir, options.audio, formats).write
    recognizer = load_model(options.model, options.threads)
    decode = chosen_decoder(options, recognizer)
    with_words = formats != ["text"] or (options.output_dir is None and sys.stdout.isatty())
    quiet = len(options.audio) == 1 or (options.output_dir is None and sys.stdout.isatty())  # text shows the progress
    problems = []
    for path in tqdm(options.audio, "transcribing", unit="file", delay=1, disable=quiet or None):
        try:
            for found in transcripts(options, recognizer, decode, path, with_words):
                show(found)
        except OneLineError as error:
            problems.append(str(error))
    report(problems)
    if not problems:
        return 0
    return 1 if len(problems) < len(options.audio) else 2


def single_format(formats: list[str], recordings: list[Path]) -> str:
    """Return the format for standard output.

    Raises:
        OneLineError: there are several formats, or several recordings for a format of one.
    """
    if len(formats) > 1:
        raise OneLineError(f"--format {' and '.join(formats)}: several formats need --output-dir")
    if formats[0] in ("srt", "vtt") and len(recordings) > 1:
        raise OneLineError(f"--format {formats[0]}: captions belong to one recording; write files with --output-dir")
    return formats[0]


def transcripts(
    options: Namespace, recognizer: Recognizer, decode: Callable, path: Path, with_words: bool
) -> Iterator[Transcript]:
    """Yield what was said in one recording, once, or stretch by stretch as a pipe brings it; words if `with_words`.

    Raises:
        OneLineError: the recording cannot be read, or the model fails on it.
    """
    from asr_helpers.own_data.any_audio import is_pipe
    from asr_helpers.recognizer.windows import segments
    from asr_helpers.sound.audio import HOP, SAMPLE_RATE
    from asr_helpers.sound.mel import OUTPUT_HOP
    from asr_helpers.words import alignment, confidence

    texts: list[str] = []
    words: list[Word] = []
    frames, printed = 0, False
    alphabet = recognizer.alphabet
    kind = chosen_kind(options, alphabet)
    arrives = is_pipe(path) and options.output_dir is None and set(options.format) <= {"text", "words"}

    def made() -> Transcript:
        end = (frames * OUTPUT_HOP - HOP) / SAMPLE_RATE  # the sound lasts to the middle of the last frame at least
        text, its_words = " ".join(filter(None, texts)), list(words)
        if options.lower:
            text = alphabet.lower(text)
            its_words = [replace(word, text=alphabet.lower(word.text)) for word in words]
        return Transcript(path, text, its_words, end)

    for first, log_probs in segments(stream_recording(recognizer, path), alphabet):
        frames = first + len(log_probs)
        texts.append(decode(log_probs).strip())
        if with_words:
            found = alignment.align(log_probs, texts[-1], first, alphabet)
            words += confidence.with_probability(found, kind)
        if arrives and texts[-1]:
            yield made()
            printed = True
            texts.clear()
            words.clear()
    if not printed:
        yield made()


def print_transcript(form: str, several: bool, found: Transcript) -> None:
    """Print a transcript; if there are several, each line of text or words begins with the recording's name."""
    if form == "text" and sys.stdout.isatty():
        found = replace(found, text=" ".join(map(underlined, found.words)))
    rendered = found.rendered(form)
    if several and form in ("text", "words"):
        rendered = "".join(f"{printable(str(found.path))}\t{line}\n" for line in rendered.splitlines())
    tqdm.write(rendered, end="")  # above the progress bar
    sys.stdout.flush()


def underlined(word: Word) -> str:
    """Return the text of a word, underlined for a terminal if the word is doubtful."""
    from asr_helpers.words.confidence import doubtful

    return f"{UNDERLINE}{word.text}{PLAIN}" if doubtful(word) else word.text


def align(options: Namespace) -> int:
    """Print when each word of TEXT is said in AUDIO, with a confidence; numbers are read as `asr import` reads them.

    A text that was not said is aligned, too. It then has a line on stderr, and the exit status is 1.
    """
    import numpy as np

    from asr_helpers.words import alignment

    recognizer = load_model(options.model)
    alphabet = recognizer.alphabet
    text = spoken_text(options, alphabet)
    log_probs = np.concatenate(list(stream_recording(recognizer, options.audio)))
    try:
        words = alignment.align(log_probs, text, alphabet=alphabet)
    except alignment.AlignmentError as error:
        raise OneLineError(f"{options.audio}: {error}; check that the text belongs to it") from None
    print_transcript(options.format, False, Transcript(options.audio, text, words))
    unsaid = alignment.unsaid_words(log_probs, words, alphabet)
    if unsaid:
        report([unsaid_line(options.audio, unsaid, len(words))])
    return 1 if unsaid else 0


def unsaid_line(audio: Path, unsaid: list[Word], total: int) -> str:
    """Return the line about words that were not said."""
    first = " ".join(word.text for word in unsaid[:5]) + (" …" if len(unsaid) > 5 else "")
    return (
        f"{audio}: {len(unsaid)} of {total} words do not fit the sound, from {unsaid[0].start:.2f} s: {first}; "
        "check that the text belongs to it"
    )


def spoken_text(options: Namespace, alphabet: Alphabet) -> str:
    """Return TEXT, or the text of the file that it names, as the words of the model's alphabet.

    Raises:
        OneLineError: a character may be read in several ways, or is outside the alphabet; or there is no text.
    """
    from asr_helpers.own_data.spelling import spell_out
    from asr_helpers.system.text_files import read_lines
    from asr_helpers.text import ENGLISH

    text = " ".join(read_lines(options.text)) if os.path.isfile(options.text) else options.text
    try:
        if options.language or alphabet == ENGLISH:
            text, _ = spell_out(text, options.language or "en")
        return alphabet.normalize(text)
    except OneLineError as error:
        hint = "write it as words" if options.language or alphabet == ENGLISH else "name its language by --language"
        raise OneLineError(f"{options.text[:60] or 'TEXT'}: {error}; {hint}") from None
