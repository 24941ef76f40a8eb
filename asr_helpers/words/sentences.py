"""The sentences of corpora and text files, normalised, for a language model."""

from collections.abc import Iterator
from pathlib import Path

from asr_helpers.corpus.reading import find_transcripts
from asr_helpers.system.characters import one_spelling
from asr_helpers.system.text_files import read_lines, read_transcript
from asr_helpers.text import ENGLISH, Alphabet, AlphabetError
from asr_helpers.words.arpa import LanguageModelError


def read_sentences(*sources: Path | str, alphabet: Alphabet = ENGLISH) -> Iterator[str]:
    """Yield the normalised sentences of corpora and text files; a source given twice is read twice.

    In a folder every `*.trans.txt` beneath it is read, with or without its audio. A file, plain, `.gz` or `.xz`, has
    one sentence per line, after an id if the file's name contains `.trans.txt`.

    Raises:
        CorpusError: a folder holds no transcript.
        TextError: a file is missing or unreadable.
        LanguageModelError: a line has a character outside the alphabet.
    """
    for file, number, text in read_texts(*sources):
        try:
            yield alphabet.normalize(text)
        except AlphabetError as error:
            raise LanguageModelError(f"{file}: line {number}: {error}; correct the line") from None


def read_texts(*sources: Path | str) -> Iterator[tuple[Path, int, str]]:
    """Yield (file, line number, text) of the lines that `read_sentences` reads, unchanged.

    Lines that are blank or hold only hyphens, dashes and invisible characters are skipped.
    """
    for source in map(Path, sources):
        for file in find_transcripts(source) if source.is_dir() else [source]:
            if ".trans.txt" in file.name:
                numbered = ((number, text) for number, _, text in read_transcript(file))
            else:
                numbered = enumerate(read_lines(file), start=1)
            yield from ((file, number, text) for number, text in numbered if one_spelling(text).strip("- \t\f\v"))
