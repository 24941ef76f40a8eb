"""Speech corpora in LibriSpeech's layout: find and check their utterances.

A corpus is any folder. Every `*.trans.txt` beneath it counts; each line is `<id> <TRANSCRIPT>`, and the audio lies
beside the file as `<id>.flac` or `<id>.wav`, where an id is `<speaker>-<chapter>-<number>`.
"""

import os
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from asr_helpers.sound.audio import CORPUS_SUFFIXES, MIN_SAMPLES, SAMPLE_RATE
from asr_helpers.sound.opening import AudioError, check_format, open_audio
from asr_helpers.system.errors import OneLineError, printable
from asr_helpers.system.text_files import TextError, read_transcript
from asr_helpers.text import ENGLISH, Alphabet, AlphabetError

_ID = re.compile(r"[^\W_]+-[^\W_]+-[^\W_]+")  # of an id without its marks: é may be e and an accent


class _LineError(OneLineError):
    """A line of a transcript is unusable; the message does not name the file."""


class CorpusError(OneLineError):
    """A corpus, clip or download is unusable."""


@dataclass(frozen=True)
class Utterance:
    """One clip and its normalised transcript; `samples` is the length in the audio's header."""

    id: str
    path: Path
    text: str
    samples: int

    @property
    def speaker(self) -> str:
        """The first part of the id."""
        return self.id.split("-")[0]

    @property
    def chapter(self) -> str:
        """The second part of the id."""
        return self.id.split("-")[1]

    @property
    def seconds(self) -> float:
        return self.samples / SAMPLE_RATE


@dataclass(frozen=True)
class Corpus:
    """The usable utterances of a corpus, sorted by id; `problems`, one line for each clip left out."""

    utterances: list[Utterance]
    problems: list[str]

    def __len__(self) -> int:
        return len(self.utterances)

    def __iter__(self) -> Iterator[Utterance]:
        return iter(self.utterances)


def data_dir() -> Path:
    """Return the folder that holds the embedded corpus and the shipped models: the repository's `data/`.

    The environment variable `ASR_DATA` overrides it, for a package installed outside its repository.

    Raises:
        CorpusError: the folder does not exist.
    """
    folder = Path(os.environ.get("ASR_DATA") or Path(__file__).resolve().parents[2] / "data")
    if not folder.is_dir():
        raise CorpusError(f"{folder}: no such folder; set ASR_DATA to the data/ folder of the repository")
    return folder


def load_corpus(*folders: Path | str, alphabet: Alphabet = ENGLISH) -> Corpus:
    """Return every usable utterance beneath `folders`, sorted by id, with one line for each clip left out.

    Only headers are read, so a cut-off FLAC is noticed only by `read_audio`. The first of two equal ids is kept. A
    transcript must be spelt in `alphabet`.

    Raises:
        CorpusError: a folder does not exist, cannot be listed, or holds no `*.trans.txt`.
    """
    from tqdm.auto import tqdm  # here, as in `own_data.importing`: each worker process imports this module

    found: dict[str, Utterance] = {}
    problems: list[str] = []
    for folder in map(Path, folders):
        chapters = [listed for _, listed in walk(folder, problems)]
        if not any(is_transcript(file) for listed in chapters for file in listed):
            raise CorpusError(f"{folder}: holds no *.trans.txt; the transcripts belong beside the audio")
        for listed in tqdm(chapters, f"checking {folder.name}", unit="folder", delay=2):
            for utterance in _read_chapter(listed, problems, alphabet):
                first = found.setdefault(utterance.id, utterance)
                if first is not utterance:
                    if first.path.resolve() == utterance.path.resolve():
                        line = f"{utterance.path}: listed twice; the first text is kept"
                    else:
                        line = f"{utterance.path}: same id as {first.path}, which is kept; rename it"
                    problems.append(printable(line))
    return Corpus([found[key] for key in sorted(found)], problems)


def find_transcripts(folder: Path | str) -> list[Path]:
    """Return every `*.trans.txt` beneath `folder`, whether or not audio lies beside it.

    Raises:
        CorpusError: the folder does not exist or holds none.
    """
    found = [file for _, listed in walk(Path(folder), []) for file in listed if is_transcript(file)]
    if not found:
        raise CorpusError(f"{folder}: holds no *.trans.txt; the transcripts belong beside the audio")
    return found


def check_folder(folder: Path) -> None:
    """Check that `folder` is a folder.

    Raises:
        CorpusError: it is not.
    """
    if not folder.is_dir():
        raise CorpusError(f"{folder}: no such folder; check the path, or fetch a corpus with `asr download`")


def walk(top: Path, problems: list[str], lenient: bool = False) -> Iterator[tuple[Path, list[Path]]]:
    """Yield every folder in and beneath `top` with its files, in sorted order, without hidden ones.

    Links are followed, but each folder is visited once, so a link to a folder above does no harm.

    Args:
        top: the folder to start from.
        problems: receives a line for each clip or text that is not a file (a pipe, a broken link).
        lenient: if a folder beneath `top` cannot be listed, add a line to `problems` and continue.

    Raises:
        CorpusError: `top` is not a folder, or a folder cannot be listed.
    """
    check_folder(top)
    seen: set[tuple[int, int]] = set()  # (device, inode)
    waiting = [top]
    while waiting:
        folder = waiting.pop()
        try:
            status = folder.stat()
            listing = _list_folder(folder)
        except OSError as error:
            unlisted = CorpusError(f"{folder}: cannot be listed ({error.strerror}); correct its permissions")
            if not lenient or folder == top:
                raise unlisted from None
            problems.append(str(unlisted))
            continue
        if (status.st_dev, status.st_ino) in seen:
            continue
        seen.add((status.st_dev, status.st_ino))
        for path in listing.others:
            if path.suffix.lower() in (".flac", ".wav", ".txt"):
                problems.append(printable(f"{path}: is not a file (but a pipe, or a broken link); remove it"))
        waiting += reversed(listing.folders)
        yield folder, listing.files


class Listing(NamedTuple):
    """The entries of a folder, sorted by name, without hidden ones."""

    folders: list[Path]
    files: list[Path]
    others: list[Path]  # pipes, devices, broken links


def _list_folder(folder: Path) -> Listing:
    """Return what is in `folder`; links count as what they point to."""
    found = Listing([], [], [])
    with os.scandir(folder) as entries:
        visible = sorted((entry for entry in entries if not entry.name.startswith(".")), key=lambda entry: entry.name)
    for entry in visible:
        try:
            kind = found.folders if entry.is_dir() else found.files if entry.is_file() else found.others
        except OSError:  # a link to itself
            kind = found.others
        kind.append(folder / entry.name)
    return found


def is_transcript(file: Path) -> bool:
    """Return whether a file is a transcript, by its name."""
    return file.name.endswith(".trans.txt")


def audio_by_id(listed: list[Path], kinds: tuple[str, ...] = CORPUS_SUFFIXES) -> dict[str, Path]:
    """Return {id: audio file} of one folder; of several files with one id, the suffix first in `kinds` is kept."""
    found = [file for file in listed if file.suffix.lower() in kinds]
    return {
        unicodedata.normalize("NFC", file.stem): file
        for file in sorted(found, key=lambda file: -kinds.index(file.suffix.lower()))
    }


def _read_chapter(listed: list[Path], problems: list[str], alphabet: Alphabet) -> Iterator[Utterance]:
    """Yield the usable utterances of a folder; add a line to `problems` for each other clip."""
    audio = audio_by_id(listed)
    transcribed = set()
    for transcript in filter(is_transcript, listed):
        try:
            lines = list(read_transcript(transcript))
        except TextError as error:
            problems.append(str(error))
            continue
        for _, key, text in lines:
            key = unicodedata.normalize("NFC", key)
            transcribed.add(key)
            try:
                yield _read_utterance(key, text, audio, alphabet)
            except (AudioError, CorpusError) as error:
                problems.append(str(error))
            except (AlphabetError, _LineError) as error:
                problems.append(printable(f"{transcript}: {key}: {error}; correct the line"))
    for key in sorted(audio.keys() - transcribed):
        problems.append(printable(f"{audio[key]}: no transcript; add its words to a .trans.txt beside it"))


def _read_utterance(key: str, text: str, audio: dict[str, Path], alphabet: Alphabet) -> Utterance:
    """Return the utterance of one line of a transcript.

    Raises:
        AudioError: the clip is unusable.
        CorpusError: the clip is too short.
        _LineError: the line or its clip is missing something; the message names no file.
    """
    if not _ID.fullmatch("".join(c for c in key if not unicodedata.category(c).startswith("M"))):
        raise _LineError("the id is not <speaker>-<chapter>-<number>")
    text = alphabet.normalize(text)
    if key not in audio:
        raise _LineError(f"there is no {key}.flac or {key}.wav beside it")
    with open_audio(audio[key]) as file:
        check_format(audio[key], file, SAMPLE_RATE)
        samples = file.frames
    if samples < MIN_SAMPLES:
        raise CorpusError(f"{audio[key]}: {samples} samples, less than one 25 ms window; remove the clip")
    return Utterance(key, audio[key], text, samples)


def disk_error(error: OSError, folder: Path) -> CorpusError:
    """Return the one-line error for a failed write in or beneath `folder`."""
    reason = error.strerror or type(error).__name__
    return CorpusError(f"{error.filename or folder}: {reason}; correct that and run this again to go on")
