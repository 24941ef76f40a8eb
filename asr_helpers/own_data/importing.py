"""Import other data sets as a corpus in LibriSpeech's layout.

`formats` has one reader per format, which lists the clips; the rest is shared. Sound becomes 16 kHz mono FLAC, text
becomes words by the rules of `spell_out`, and a table lists what was changed in each clip, or why it was left out.
"""

import hashlib
import json
import os
import re
import stat
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from asr_helpers.corpus.reading import CorpusError, disk_error
from asr_helpers.own_data.cutting import cut
from asr_helpers.own_data.formats import list_clips
from asr_helpers.own_data.rows import Row, brief
from asr_helpers.own_data.spelling import SpellingError, spell_out
from asr_helpers.sound.audio import MIN_SAMPLES, SAMPLE_RATE, as_flac
from asr_helpers.sound.opening import flac_comment
from asr_helpers.system import files
from asr_helpers.system.claims import Maker
from asr_helpers.system.errors import OneLineError, printable
from asr_helpers.system.processes import map_processes
from asr_helpers.system.text_files import TextError, read_transcript

TABLE = "import.tsv"
MAKER = Maker("asr import", ("*",), signs=((TABLE, b"id\tfile\t"),))
_RECORD = "import.json"  # names the source: another one is refused
_NOTE = "imported from "  # begins the comment in each FLAC
_MOST_LETTERS = 100, 50  # of a text, and more per second of its sound: fast readers say 25 a second
_LOUDEST = 10  # floats should lie within ±1, and a few do not; integers that became floats lie within ±32768
_EDGE = SAMPLE_RATE // 10  # samples, where a filter makes a click of an offset's beginning and end
_QUIETEST = 2**-11  # the peak of a clip, 16 steps of 16-bit sound: what is said below can no longer be understood


@dataclass(frozen=True)
class Import:
    """Result of an import: counts of clips, speakers and changed texts; `problems`, one line for each clip left out."""

    clips: int
    speakers: int
    changed: int
    problems: list[str]


def import_corpus(
    source: Path | str, destination: Path | str, language: str = "en", workers: int | None = None
) -> Import:
    """Write the data set `source` as a corpus in the folder `destination`; the source is not changed.

    A clip becomes `<speaker>/1/<speaker>-1-<name>.flac`, where both names keep only letters and digits. `import.tsv`
    lists for every clip its id, its file, the text before and after, and what was changed or why it was left out. Each
    FLAC holds a digest of its source's path, size and time stamp in a comment, so a killed run resumes where it
    stopped, and a file that has changed since is read again. Clips that an earlier import of this source wrote, and
    that it no longer lists, are removed.

    Args:
        source: a folder of Common Voice (or one of its .tsv files), LJSpeech, Kaldi (`wav.scp` and `text`), or sound
            files with a .txt beside each; or a file of JSON lines, like NeMo's manifests.
        destination: folder to write to, outside `source`.
        language: its BCP 47 tag, such as en-GB or de. The spelt-out text must consist of A to Z in English,
            of letters in other languages.
        workers: number of processes, see `corpus.convert`; None starts one for each core.

    Raises:
        CorpusError: the source is none of these, `destination` lies in it, holds another corpus or cannot be written,
            or a worker process dies.
    """
    source, destination = Path(source), Path(destination)
    if source.is_dir() and destination.resolve().is_relative_to(source.resolve()):
        raise CorpusError(f"{destination}: lies in the source folder; choose a folder outside {source}")
    clips, problems = list_clips(source)
    rows, kept = [], []
    for key, clip in _with_ids(clips):
        try:
            text, changes = spell_out(clip.text, language)
        except SpellingError as error:
            why = brief(str(error), 300)
            rows.append([key, clip.path, clip.text, "", f"left out: {why}"])
            problems.append(printable(f"{clip.where}: {why}; correct the text; left out"))
            continue
        rows.append([key, clip.path, clip.text, text, ", ".join(changes)])
        kept.append((key, clip, text))
    contradicted = _contradicted(kept)
    try:
        MAKER.claim_folder(destination, source, *{clip.path.parent for clip in clips})
        with files.exclusive(destination):
            _claim(destination, source)
            _remove_stale(destination, {key: text for key, _, text in kept if key not in contradicted})
            sound = [(key, clip) for key, clip, _ in kept if key not in contradicted]
            outcomes = contradicted | _write_sound(sound, destination, workers or os.cpu_count() or 1)
            for row in rows:
                if outcomes.get(row[0]):
                    row[3], row[4] = "", f"left out: {outcomes[row[0]]}"
                    problems.append(outcomes[row[0]])
            whole = {key: text for key, _, text in kept if not outcomes[key]}
            _write_texts(whole, rows, destination)
            _remove_stale(destination, whole)
            files.sync_disks()
    except OSError as error:
        raise disk_error(error, destination) from None
    changed = sum(bool(row[4]) for row in rows if row[3])
    return Import(len(whole), len({key.split("-")[0] for key in whole}), changed, problems)


def _contradicted(kept: list[tuple[str, Row, str]]) -> dict[str, str]:
    """Return {id: message} of the clips of which other rows say something else: one of the texts is wrong."""
    texts, sounds = defaultdict(set), {}
    for key, clip, text in kept:
        sounds[key] = os.path.realpath(clip.path), clip.start, clip.end  # a file may be named in several ways
        texts[sounds[key]].add(text)
    why = "has different texts in several rows; keep the right one; left out"
    return {key: printable(f"{clip.where}: {why}") for key, clip, _ in kept if len(texts[sounds[key]]) > 1}


def _claim(destination: Path, source: Path) -> None:
    """Record in the folder `destination` that it holds the import of `source`.

    Raises:
        CorpusError: it holds another import, or another corpus.
    """
    record, name = destination / _RECORD, str(source.resolve())
    if record.is_file():
        try:
            before = json.loads(record.read_bytes())["source"]
        except (ValueError, LookupError, TypeError):
            before = "another data set"
        if before != name:
            raise CorpusError(f"{destination}: holds the import of {before}; choose another folder, or remove this one")
    elif (destination / TABLE).exists() or any(destination.rglob("*.trans.txt")):
        raise CorpusError(f"{destination}: holds a corpus that is no import of {source}; choose another folder")
    else:
        files.write(record, json.dumps({"source": name}) + "\n")


def _remove_stale(destination: Path, texts: dict[str, str]) -> None:
    """Remove what earlier imports wrote and is not in `texts`, {id: text}: clips, and transcripts with other texts.

    Before sound is written, this keeps a run that is killed from leaving new sound under an old text.
    """
    for transcript in destination.glob("*/1/*-1.trans.txt"):
        with suppress(TextError):
            lines = list(read_transcript(transcript))
            outdated = [key for _, key, text in lines if texts.get(key) != text]
            if any(_is_ours(transcript.with_name(f"{key}.flac")) for key in outdated):
                transcript.unlink()
    for flac in destination.glob("*/1/*-1-*.flac"):
        if flac.stem not in texts and _is_ours(flac):
            flac.unlink()
    for folder in [*destination.glob("*/1"), *destination.glob("*")]:
        with suppress(OSError):  # it is a file, or not empty
            folder.rmdir()


def _is_ours(flac: Path) -> bool:
    """Return whether an import wrote this clip, or would have: a file of somebody else is kept."""
    return not flac.exists() or (flac_comment(flac) or "").startswith(_NOTE)


def _with_ids(clips: Iterable[Row]) -> Iterator[tuple[str, Row]]:
    """Yield each clip with a unique id `<speaker>-1-<name>` of letters and digits; equal names are numbered.

    Names that differ in case only are equal, as on many disks.
    """
    speakers: dict[str, str] = {}
    taken: Counter = Counter()

    def plain(name: str, scope: str) -> str:
        letters = re.sub(r"[\W_]", "", name)[-40:] or "unknown"
        same = scope, letters.casefold()
        taken[same] += 1
        return letters if taken[same] == 1 else plain(f"{letters}x{taken[same]}", scope)

    for clip in clips:
        if clip.speaker not in speakers:
            speakers[clip.speaker] = plain(clip.speaker[:12], "")
        speaker = speakers[clip.speaker]
        yield f"{speaker}-1-{plain(clip.name, speaker)}", clip


def _write_sound(clips: list[tuple[str, Row]], destination: Path, workers: int) -> dict[str, str]:
    """Write the clips' sound and return {id: error message or ""}; a file with several clips is read once."""
    from tqdm.auto import tqdm  # here, because each worker process imports this module, and tqdm costs 40 ms

    by_path = defaultdict(list)
    for key, clip in clips:
        speaker = key.split("-")[0]
        by_path[clip.path].append((key, clip, destination / speaker / "1" / f"{key}.flac"))
    for folder in {target.parent for jobs in by_path.values() for _, _, target in jobs}:
        folder.mkdir(parents=True, exist_ok=True)
        files.remove_partials(folder)
    outcomes: dict[str, str] = {}
    died = CorpusError(f"{destination}: a worker process died; free memory and run this again to go on")
    done = map_processes(_write_clips, by_path.values(), workers, died, chunksize=8)
    for outcome in tqdm(done, "importing", total=len(by_path), unit="file", delay=1):
        outcomes |= outcome
    return outcomes


def _write_clips(jobs: list[tuple[str, Row, Path]]) -> dict[str, str]:
    """Write the missing parts of one recording and return {id: error message or ""}."""
    path = jobs[0][1].path
    outcomes = {key: "" for key, _, _ in jobs}
    places = {key: f"{clip.place}: " if clip.place else "" for key, clip, _ in jobs}
    try:
        state, whole_path = path.stat(), os.fsencode(os.path.abspath(path))
        wrong = "" if stat.S_ISREG(state.st_mode) else "is a folder, a pipe or a device; name a file"
        wrong = wrong if wrong or state.st_size else "is empty; replace the file"  # or is the kernel's, and has no end
    except (OSError, ValueError):  # ValueError: a name that no file can have, with NUL or half a surrogate pair
        wrong = "no such file; correct the path"
    if wrong:
        return {key: printable(f"{place}{path}: {wrong}; left out") for key, place in places.items()}
    made_from = hashlib.sha1(whole_path + f" {state.st_size} {state.st_mtime_ns}".encode()).hexdigest()
    notes = {key: f"{_NOTE}{made_from} {clip.start} {clip.end}" for key, clip, _ in jobs}
    letters = {key: len(clip.text) for key, clip, _ in jobs}
    missing = {key: (clip.start, clip.end) for key, clip, target in jobs if flac_comment(target) != notes[key]}

    def encoded(key: str, samples: np.ndarray) -> bytes:
        seconds = len(samples) / SAMPLE_RATE
        if len(samples) < MIN_SAMPLES:
            raise CorpusError(f"{path}: {len(samples)} samples, less than one 25 ms window; left out")
        if np.abs(samples).max() > _LOUDEST:
            raise CorpusError(f"{path}: its samples exceed ±{_LOUDEST} instead of ±1; scale them; left out")
        inner = samples[_EDGE:-_EDGE] if len(samples) > 4 * _EDGE else samples
        if np.ptp(inner) / 2 < _QUIETEST:  # an offset is no sound
            raise CorpusError(f"{path}: silence, although it has a text; replace the recording; left out")
        if letters[key] > _MOST_LETTERS[0] + _MOST_LETTERS[1] * seconds:
            raise CorpusError(f"{path}: a text of {letters[key]} letters in {seconds:.1f} s; correct one; left out")
        return as_flac(samples, notes[key])

    try:
        flacs = cut(path, missing, encoded) if missing else {}
    except OneLineError as error:
        flacs = dict.fromkeys(missing, error)
    for key, _, target in jobs:
        if isinstance(flacs.get(key), OneLineError):
            outcomes[key] = f"{printable(places[key])}{flacs[key]}"
        elif key in flacs:
            files.write(target, flacs[key], bulk=True)
    return outcomes


def _write_texts(whole: dict[str, str], rows: list[list], destination: Path) -> None:
    """Write the transcripts of {id: text}, and the table of all clips."""
    chapters = defaultdict(list)
    for key, text in sorted(whole.items()):
        chapters[key.split("-")[0]].append(f"{key} {text}\n")
    for speaker, lines in chapters.items():
        files.write(destination / speaker / "1" / f"{speaker}-1.trans.txt", "".join(lines))
    table = [["id", "file", "was", "is", "changed"], *rows]
    lines = ("\t".join(printable(" ".join(str(field).split())) for field in row) + "\n" for row in table)
    files.write(destination / TABLE, "".join(lines))
