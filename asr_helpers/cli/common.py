"""What the commands share: models, alphabets, corpora, and problems reported on stderr."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from tqdm import tqdm

if TYPE_CHECKING:
    import numpy as np

    from asr_helpers.corpus.reading import Utterance
    from asr_helpers.recognizer.recognizer import Recognizer
    from asr_helpers.text import Alphabet


def load_model(path: Path | None, threads: int = 1) -> Recognizer:
    """Return the recogniser of the model at `path`; None means the shipped one."""
    from asr_helpers.recognizer.recognizer import Recognizer, shipped_model

    return Recognizer.load(path or shipped_model(), threads)


def stream_recording(recognizer: Recognizer, path: Path) -> Iterator[np.ndarray]:
    """Yield the log-probabilities of a recording while it is read, with a progress bar if that takes long."""
    from asr_helpers.own_data.any_audio import open_recording
    from asr_helpers.sound.audio import SAMPLE_RATE

    with (
        open_recording(path) as recording,
        tqdm(desc=recording.name, total=recording.seconds, unit="s", disable=None, delay=2, leave=None) as bar,
    ):
        bar.bar_format = "{l_bar}{bar}| {n:.0f}/{total:.0f} s" if recording.seconds else "{desc}: {n:.0f} s"

        def counted() -> Iterator[np.ndarray]:
            for block in recording.blocks:
                yield block
                bar.update(len(block) / SAMPLE_RATE)

        yield from recognizer.stream(counted())
    if recording.remark:
        report([recording.remark])


def chosen_hotwords(sources: list[str], alphabet: Alphabet) -> dict[str, float]:
    """Return {hotword: boost} for what --hotwords names, with one line on stderr for those that cannot be used.

    Raises:
        OneLineError: none of them can be used, or a file cannot be read.
    """
    from asr_helpers.system.errors import OneLineError
    from asr_helpers.words.hotwords import read_hotwords

    hotwords, remarks = read_hotwords(sources, alphabet)
    more = f" and {len(remarks) - 5} more" if len(remarks) > 5 else ""
    line = f"hotwords left out: {', '.join(remarks[:5])}{more}"
    if sources and not hotwords:
        raise OneLineError(f"{line}; none is left" if remarks else f"{sources[0]}: lists no hotword")
    if remarks:
        report([line])
    return hotwords


def chosen_alphabet(name: str | None, *corpora: Path) -> Alphabet:
    """Return the alphabet that `--alphabet` names: that of the transcripts ("auto"), that of a file, or English (None).

    Raises:
        OneLineError: the file holds no alphabet, or the transcripts hold no letter.
    """
    from asr_helpers.recognizer.runtimes import stored_alphabet
    from asr_helpers.text import ENGLISH, Alphabet

    if name == "auto":
        from asr_helpers.batches.pipeline import find_alphabet

        return find_alphabet(*corpora)
    if name and name.endswith(".keras"):
        return stored_alphabet(name)
    return Alphabet.read(name) if name else ENGLISH


def load_utterances(*corpora: Path, alphabet: Alphabet | None = None) -> list[Utterance]:
    """Return the utterances of corpora, with a line on stderr for each one left out; None means English."""
    from asr_helpers.corpus.reading import load_corpus
    from asr_helpers.text import ENGLISH

    corpus = load_corpus(*corpora, alphabet=alphabet or ENGLISH)
    report(corpus.problems)
    return corpus.utterances


def read_clips(utterances: Iterable[Utterance], limit: int | None = None) -> Iterator[tuple[Utterance, np.ndarray]]:
    """Yield the first `limit` clips as (utterance, samples), with a line on stderr for each unreadable one.

    Raises:
        CorpusError: there are none.
    """
    from asr_helpers.corpus.reading import CorpusError
    from asr_helpers.sound.audio import AudioError, read_audio

    found = 0
    for utterance in utterances:
        if found == limit:
            return
        try:
            samples = read_audio(utterance.path)
        except AudioError as error:
            report([str(error)])
            continue
        found += 1
        yield utterance, samples
    if not found:
        raise CorpusError("the corpus holds no usable utterance")


def say(line: str) -> None:
    """Print a line that holds names of files, with their control characters as escapes."""
    from asr_helpers.system.errors import printable

    print(printable(line))


def report(problems: list[str]) -> None:
    """Print each problem as one line on stderr."""
    from asr_helpers.system.errors import printable

    for problem in problems:
        print(f"asr: {printable(problem)}", file=sys.stderr)
