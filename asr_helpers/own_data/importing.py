"""Import other data sets as a corpus in LibriSpeech's layout.

`formats` has one reader per format, which lists the clips; the rest is shared. Sound becomes 16 kHz mono FLAC, text
becomes words by the rules of `spell_out`, and a table lists what was changed in each clip, or why it was left out.
"""

import os
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tqdm.auto import tqdm

from asr_helpers.corpus.reading import CorpusError, disk_error
from asr_helpers.own_data.any_audio import read_recording
from asr_helpers.own_data.formats import Clip, list_clips
from asr_helpers.own_data.spelling import SpellingError, spell_out
from asr_helpers.sound.audio import MIN_SAMPLES, SAMPLE_RATE, as_flac
from asr_helpers.sound.opening import flac_comment
from asr_helpers.system import files
from asr_helpers.system.claims import Maker
from asr_helpers.system.errors import OneLineError, printable
from asr_helpers.system.processes import map_processes

TABLE = "import.tsv"
MAKER = Maker("asr import", ("*",), signs=((TABLE, b"id\tfile\t"),))


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
    FLAC holds its source's name, size and time stamp in a comment, so a killed run resumes where it stopped, and a file
    that has changed since is read again.

    Args:
        source: a folder of Common Voice (or one of its .tsv files), LJSpeech, Kaldi (`wav.scp` and `text`), or sound
            files with a .txt beside each; or a file of JSON lines, like NeMo's manifests.
        destination: folder to write to, outside `source`.
        language: of the numbers, by its name in num2words. The spelt-out text must consist of A to Z in English,
            of letters in other languages.
        workers: number of processes, see `corpus.convert`; None starts one for each core.

    Raises:
        CorpusError: the source is none of these, `destination` lies in it or cannot be written, or a worker process
            dies.
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
            rows.append([key, clip.path, clip.text, "", f"left out: {error}"])
            problems.append(printable(f"{clip.path}: {error}; left out"))
            continue
        rows.append([key, clip.path, clip.text, text, ", ".join(changes)])
        kept.append((key, clip, text))
    try:
        MAKER.claim_folder(destination, source, *{clip.path.parent for clip in clips})
        with files.exclusive(destination):
            outcomes = _write_sound(kept, destination, workers or os.cpu_count() or 1)
            for row in rows:
                if outcomes.get(row[0]):
                    row[3], row[4] = "", f"left out: {outcomes[row[0]]}"
                    problems.append(outcomes[row[0]])
            whole = [(key, text) for key, _, text in kept if not outcomes[key]]
            _write_texts(whole, rows, destination)
            files.sync_disks()
    except OSError as error:
        raise disk_error(error, destination) from None
    changed = sum(bool(row[4]) for row in rows if row[3])
    return Import(len(whole), len({key.split("-")[0] for key, _ in whole}), changed, problems)


def _with_ids(clips: Iterable[Clip]) -> Iterator[tuple[str, Clip]]:
    """Yield each clip with a unique id `<speaker>-1-<name>` of letters and digits; equal names are numbered."""
    speakers: dict[str, str] = {}
    taken: Counter = Counter()

    def plain(name: str, scope: str) -> str:
        letters = re.sub(r"[\W_]", "", name)[-40:] or "unknown"
        taken[scope, letters] += 1
        return letters if taken[scope, letters] == 1 else plain(f"{letters}x{taken[scope, letters]}", scope)

    for clip in clips:
        if clip.speaker not in speakers:
            speakers[clip.speaker] = plain(clip.speaker[:12], "")
        speaker = speakers[clip.speaker]
        yield f"{speaker}-1-{plain(clip.name, speaker)}", clip


def _write_sound(kept: list[tuple[str, Clip, str]], destination: Path, workers: int) -> dict[str, str]:
    """Write the clips' sound and return {id: error message or ""}; a file with several clips is read once."""
    by_path = defaultdict(list)
    for key, clip, _ in kept:
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


def _write_clips(jobs: list[tuple[str, Clip, Path]]) -> dict[str, str]:
    """Write the missing parts of one recording and return {id: error message or ""}."""
    path = jobs[0][1].path
    try:
        state = path.stat()
        made_from = f"{path.name} {state.st_size} {state.st_mtime_ns}"
    except (OSError, ValueError):  # ValueError: a name that no file can have, with NUL or half a surrogate pair
        return {key: f"{path}: no such file; left out" for key, _, _ in jobs}
    outcomes, samples = {key: "" for key, _, _ in jobs}, None
    for key, clip, target in jobs:
        note = f"{made_from} {clip.start} {clip.end}"
        if flac_comment(target) == note:
            continue
        try:
            samples = read_recording(path) if samples is None else samples
            part = samples[round(clip.start * SAMPLE_RATE) : clip.end and round(clip.end * SAMPLE_RATE)]
            if len(part) < MIN_SAMPLES:
                raise CorpusError(f"{path}: {key}: {len(part)} samples, less than one 25 ms window; left out")
            files.write(target, as_flac(part, note), bulk=True)
        except OneLineError as error:
            outcomes[key] = str(error)
    return outcomes


def _write_texts(whole: list[tuple[str, str]], rows: list[list], destination: Path) -> None:
    """Write the transcripts of the (id, text) pairs, and the table of all clips."""
    chapters = defaultdict(list)
    for key, text in sorted(whole):
        chapters[key.split("-")[0]].append(f"{key} {text}\n")
    for speaker, lines in chapters.items():
        files.write(destination / speaker / "1" / f"{speaker}-1.trans.txt", "".join(lines))
    table = [["id", "file", "was", "is", "changed"], *rows]
    lines = ("\t".join(printable(" ".join(str(field).split())) for field in row) + "\n" for row in table)
    files.write(destination / TABLE, "".join(lines))
