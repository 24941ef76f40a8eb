"""Other data sets into a corpus in LibriSpeech's layout: Common Voice, LJSpeech, JSON lines, Kaldi, sound beside text.

Each format has a reader that lists its clips; what follows is the same for all. Sound becomes 16 kHz mono FLAC, a text
becomes words by the few rules of `spell_out`, and a table says of every clip what was changed, or why it was left out.
"""

import csv
import io
import json
import multiprocessing
import os
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import numpy as np
import soundfile
from tqdm.auto import tqdm

from asr_helpers import files
from asr_helpers.corpus import MIN_SAMPLES, SAMPLE_RATE, SOUND, CorpusError, _disk_error, _walk, to_pcm16
from asr_helpers.processes import deaf_children, end_with
from asr_helpers.recordings import read_recording
from asr_helpers.text import ALPHABET, TextError, printable, read_lines, upper

TABLE = "import.tsv"


@dataclass(frozen=True)
class Clip:
    """A clip as its data set describes it: the sound, or a part of it from `start` to `end` in seconds; who; what."""

    name: str
    path: Path
    speaker: str
    text: str
    start: float = 0.0
    end: float | None = None


@dataclass(frozen=True)
class Import:
    """How many clips are there, of how many speakers, how many texts were changed, and a line about each left out."""

    clips: int
    speakers: int
    changed: int
    problems: list[str]


def import_corpus(
    source: Path | str, destination: Path | str, language: str = "en", workers: int | None = None
) -> Import:
    """Write the data set `source` as a corpus in the folder `destination`; nothing of the source is touched.

    A clip becomes `<speaker>/1/<speaker>-1-<name>.flac`, where both names keep their letters and digits. `import.tsv`
    beside them lists every clip: its id, its file, the text as it was and as it is, and what was changed; or why it is
    left out. Each FLAC notes in a comment what it was made from, so a run that was killed goes on where it stopped,
    and a file that has changed since is read again. The work is spread over `workers` processes, see `corpus.convert`.

    Args:
        source: a folder of Common Voice (or one of its .tsv), LJSpeech, Kaldi (`wav.scp` and `text`), or of sound
            with a .txt beside each; or a file of JSON lines as NeMo's manifests are.
        language: of the numbers, as num2words names it. English texts must be spelt in A to Z after all; those of
            other languages in letters.

    Raises:
        CorpusError: the source is none of these, `destination` lies in it or cannot be written.
    """
    source, destination = Path(source), Path(destination)
    if source.is_dir() and destination.resolve().is_relative_to(source.resolve()):
        raise CorpusError(f"{destination}: lies in the source folder; choose a folder outside {source}")
    clips, problems = list_clips(source)
    rows, kept = [], []
    for key, clip in _with_ids(clips):
        try:
            text, changes = spell_out(clip.text, language)
        except ValueError as error:
            rows.append([key, clip.path, clip.text, "", f"left out: {error}"])
            problems.append(printable(f"{clip.path}: {error}; left out"))
            continue
        rows.append([key, clip.path, clip.text, text, ", ".join(changes)])
        kept.append((key, clip, text))
    try:
        with files.alone(destination):
            outcomes = _write_sound(kept, destination, workers or os.cpu_count())
            for row in rows:
                if outcomes.get(row[0]):
                    row[3], row[4] = "", f"left out: {outcomes[row[0]]}"
                    problems.append(outcomes[row[0]])
            whole = [(key, text) for key, _, text in kept if not outcomes[key]]
            _write_texts(whole, rows, destination)
            files.flush()
    except OSError as error:
        raise _disk_error(error, destination) from None
    except BrokenProcessPool:
        raise CorpusError(
            f"{destination}: a worker process died; free memory and run this again to go on"
        ) from None
    changed = sum(bool(row[4]) for row in rows if row[3])
    return Import(len(whole), len({key.split("-")[0] for key, _ in whole}), changed, problems)


# ------------------------------------------------------------------------------------------------------- text

_SILENT = '.,;:!?…"“”„‟«»‹›()¿¡‐‑‒–—-'
_ENGLISH_SYMBOLS = {"&": " and ", "%": " percent "}


def spell_out(text: str, language: str = "en") -> tuple[str, list[str]]:
    """Return `text` as the words that were said, in capitals, and the names of the rules that changed something.

    - numbers: spelled out by num2words, in `language`. 1,234.5 in English is 1.234,5 elsewhere. A number that begins
      with 0 or has more than nine digits is read digit by digit. In English 1st, 2nd … are ordinals, and four digits
      from 1100 to 1999 a year.
    - symbols: in English & is AND and % is PERCENT.
    - punctuation: marks that are not spoken go; so does an apostrophe that has not a letter on both sides.
    - accents: in English é is E.

    Anything else that is no letter might have been spoken in several ways, or not at all: [noise], $5, 1/2, @.

    Raises:
        ValueError: such a character is left, or nothing is; or num2words does not know the language.
    """
    english = language.split("_")[0] == "en"
    steps: dict[str, Callable[[str], str]] = {}
    if english:
        steps["symbols"] = lambda text: re.sub("[&%]", lambda found: _ENGLISH_SYMBOLS[found[0]], text)
    steps["numbers"] = lambda text: _numbers(text, language)
    steps["punctuation"] = _punctuation
    if english:
        steps["accents"] = lambda text: re.sub(r"[\u0300-\u036f]", "", unicodedata.normalize("NFD", text))
    text = " ".join(unicodedata.normalize("NFC", text.replace("’", "'").replace("‘", "'")).split())
    changes = []
    for name, step in steps.items():
        after = " ".join(step(text).split())
        changes += [name] * (after != text)
        text = after
    text = upper(text, turkish=language in ("tr", "az"))
    known = set(ALPHABET) if english else set(" '")
    strangers = sorted(
        c for c in set(text) if c not in known and (english or unicodedata.category(c)[0] not in "LM")
    )
    if strangers:
        raise ValueError(f"holds {' '.join(strangers)!r}, which may be read in several ways")
    if not text:
        raise ValueError("holds no word")
    return text, changes


_TITLES = {"mr": "mister", "mrs": "missus", "dr": "doctor", "st": "saint"}
_MONEY = {"$": "dollars", "£": "pounds", "€": "euros"}


def spoken(text: str) -> str:
    """Return what a recogniser wrote for readers as the words that it heard, in capitals; nothing for nothing.

    So that one that writes "Mr. Smith's £5" and one that writes MISTER SMITH'S FIVE POUNDS are scored alike. Titles
    (Mr, Mrs, Dr, St) and sums of money are said in full, notes in brackets are dropped, and the rules of `spell_out`
    do the rest. What they leave open is dropped: a recogniser must not lose a sentence to one odd sign.
    """
    text = re.sub(r"\[[^\]]*\]|\([^)]*\)", " ", text)
    text = re.sub(
        r"\b(mr|mrs|dr|st)\b\.?", lambda found: _TITLES[found[1].lower()], text, flags=re.IGNORECASE
    )
    text = re.sub(r"([$£€])\s*(\d(?:[\d,.]*\d)?)", lambda found: f"{found[2]} {_MONEY[found[1]]}", text)
    try:
        return spell_out(text)[0]
    except ValueError:
        plain = unicodedata.normalize("NFD", text.replace("’", "'"))
        plain = re.sub(r"[^A-Za-z0-9,.' \u0300-\u036f-]", " ", plain)
        return spell_out(plain)[0] if re.search("[A-Za-z0-9]", plain) else ""


def _numbers(text: str, language: str) -> str:
    english = language.split("_")[0] == "en"
    group, point = (",", ".") if english else (".", ",")
    integer = rf"\d{{1,3}}(?:\{group}\d{{3}})+(?!\d)|\d+"

    def spoken(found: re.Match) -> str:
        whole, rest, ordinal = found["whole"].replace(group, ""), found["rest"], found["ordinal"]
        if ordinal:
            words = _say(int(whole), language, to="ordinal")
        elif rest:
            words = _say(Decimal(f"{whole}.{rest}"), language)
        elif len(whole) > 9 or (whole[0] == "0" and len(whole) > 1):
            words = " ".join(_say(int(digit), language) for digit in whole)
        elif english and whole == found["whole"] and 1100 <= int(whole) <= 1999:
            words = _say(int(whole), language, to="year")
        else:
            words = _say(int(whole), language)
        return f" {words} "

    ordinal = "(?P<ordinal>st|nd|rd|th)" if english else "(?P<ordinal>(?!))"
    return re.sub(rf"(?P<whole>{integer})(?:\{point}(?P<rest>\d+))?(?:{ordinal}\b)?", spoken, text)


def _say(number: int | Decimal, language: str, **how) -> str:
    from num2words import num2words

    try:
        return num2words(number, lang=language, **how).replace(",", "")
    except NotImplementedError:
        raise ValueError(f"holds {number}, and num2words knows no language {language!r}") from None


def _punctuation(text: str) -> str:
    text = text.translate({ord(mark): " " for mark in _SILENT})
    return re.sub(r"(?<![^\W\d_])'|'(?![^\W\d_])", " ", text)


# ---------------------------------------------------------------------------------------------------- formats


def list_clips(source: Path | str) -> tuple[list[Clip], list[str]]:
    """Return the clips of a data set, in its own order, and a line about each entry that is none.

    Raises:
        CorpusError: the source does not exist, is of no known format, or lists nothing.
    """
    source = Path(source)
    if not source.exists():
        raise CorpusError(f"{source}: no such file or folder; check the path")
    problems: list[str] = []
    try:
        clips = list(_reader(source)(source, problems))
    except TextError as error:
        raise CorpusError(str(error)) from None
    if not clips:
        raise CorpusError(f"{source}: {problems[0] if problems else 'lists no clip'}")
    return clips, problems


def _reader(source: Path) -> Callable[[Path, list[str]], Iterator[Clip]]:
    if source.is_file():
        return _common_voice if source.suffix == ".tsv" else _json_lines
    if (source / "wav.scp").is_file():
        return _kaldi
    if (source / "metadata.csv").is_file():
        return _lj_speech
    if (source / "clips").is_dir() and any(source.glob("*.tsv")):
        return _common_voice
    return _beside


def _common_voice(source: Path, problems: list[str]) -> Iterator[Clip]:
    """Common Voice: client_id, path and sentence in `validated.tsv`, or in train.tsv, dev.tsv and test.tsv."""
    tables = [source]
    if source.is_dir():
        validated = source / "validated.tsv"
        tables = (
            [validated]
            if validated.is_file()
            else [source / f"{name}.tsv" for name in ("train", "dev", "test")]
        )
    for table in filter(Path.is_file, tables):
        rows = csv.DictReader(read_lines(table), delimiter="\t", quoting=csv.QUOTE_NONE)
        if not {"client_id", "path", "sentence"} <= set(rows.fieldnames or ()):
            raise TextError(
                f"{table}: needs the columns client_id, path and sentence, as Common Voice has them"
            )
        for row in rows:
            name = row["path"] or ""
            path = table.parent / "clips" / (name if Path(name).suffix else f"{name}.mp3")
            yield Clip(path.stem, path, row["client_id"] or "", row["sentence"] or "")


def _lj_speech(source: Path, problems: list[str]) -> Iterator[Clip]:
    """LJSpeech: `name|text|the same with numbers spelled out`, all of one speaker, in wavs/."""
    table = source / "metadata.csv"
    for number, line in enumerate(read_lines(table), start=1):
        fields = line.split("|")
        if len(fields) < 2:
            problems += [printable(f"{table}: line {number}: no | between name and text; left out")] * bool(
                line.strip()
            )
            continue
        text = fields[2] if len(fields) > 2 and fields[2].strip() else fields[1]
        yield Clip(fields[0], source / "wavs" / f"{fields[0]}.wav", source.resolve().name, text)


def _json_lines(source: Path, problems: list[str]) -> Iterator[Clip]:
    """NeMo's manifests: an object a line with audio_filepath and text; offset, duration and speaker where known."""
    for number, line in enumerate(read_lines(source), start=1):
        if not line.strip():
            continue
        try:
            entry = json.loads(line)
            path = source.parent / entry["audio_filepath"]
            start, length = float(entry.get("offset") or 0), entry.get("duration")
            end = start + float(length) if start and length else None
            yield Clip(
                path.stem, path, str(entry.get("speaker") or source.stem), str(entry["text"]), start, end
            )
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
            line = f"{source}: line {number}: is no JSON object with audio_filepath and text; left out"
            problems.append(printable(line))


def _kaldi(source: Path, problems: list[str]) -> Iterator[Clip]:
    """Kaldi: recordings in `wav.scp`, words in `text`; speakers in `utt2spk`, parts in `segments`, if there are any."""
    recordings, texts, speakers, segments = (
        dict(_keyed(source / name)) for name in ("wav.scp", "text", "utt2spk", "segments")
    )
    for name, text in texts.items():
        recording, *times = segments[name].split() if name in segments else [name]
        place = recordings.get(recording, "")
        if not place or place.endswith("|") or len(times) not in (0, 2):
            what = "is a command, and none is run" if place.endswith("|") else "names no recording"
            problems.append(printable(f"{source / 'wav.scp'}: {name}: {what}; left out"))
            continue
        path = Path(place) if Path(place).exists() else source / place
        try:
            start, end = map(float, times or (0, "inf"))
        except ValueError:
            problems.append(printable(f"{source / 'segments'}: {name}: its times are no numbers; left out"))
            continue
        yield Clip(name, path, speakers.get(name, source.resolve().name), text, start, end if times else None)


def _keyed(file: Path) -> Iterator[tuple[str, str]]:
    for line in read_lines(file) if file.is_file() else ():
        key, *rest = line.split(maxsplit=1)[:2] or [""]
        if key:
            yield key, rest[0].strip() if rest else ""


def _beside(source: Path, problems: list[str]) -> Iterator[Clip]:
    """Sound with a .txt of the same name beside it; the first folder on the way names the speaker."""
    for _, listed in _walk(source, problems):
        texts = {file.stem: file for file in listed if file.suffix.lower() == ".txt"}
        for file in listed:
            if file.suffix.lower() not in SOUND:
                continue
            if file.stem not in texts:
                problems.append(printable(f"{file}: no {file.stem}.txt beside it; left out"))
                continue
            speaker = (*file.relative_to(source).parts[:-1], source.resolve().name)[0]
            try:
                yield Clip(file.stem, file, speaker, " ".join(read_lines(texts[file.stem])))
            except TextError as error:
                problems.append(str(error))


def _with_ids(clips: Iterable[Clip]) -> Iterator[tuple[str, Clip]]:
    """Yield each clip with an id `<speaker>-1-<name>` of its own: letters and digits, numbered where two coincide."""
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


# ------------------------------------------------------------------------------------------------------ sound


def _write_sound(kept: list[tuple[str, Clip, str]], destination: Path, workers: int) -> dict[str, str]:
    """Write the clips' sound; return for each id what is wrong, or nothing. Parts of one file are read together."""
    by_path = defaultdict(list)
    for key, clip, _ in kept:
        speaker = key.split("-")[0]
        by_path[clip.path].append((key, clip, destination / speaker / "1" / f"{key}.flac"))
    for folder in {target.parent for jobs in by_path.values() for _, _, target in jobs}:
        folder.mkdir(parents=True, exist_ok=True)
        files.clear(folder)
    outcomes: dict[str, str] = {}
    context = multiprocessing.get_context("spawn")  # see `corpus.convert`
    with ProcessPoolExecutor(workers, context, end_with, [os.getpid()]) as pool:
        with deaf_children():
            done = pool.map(_write_clips, by_path.values(), chunksize=8)
        for outcome in tqdm(done, "importing", total=len(by_path), unit="file", delay=1):
            outcomes |= outcome
    return outcomes


def _write_clips(jobs: list[tuple[str, Clip, Path]]) -> dict[str, str]:
    """Write the parts of one recording that are not there; return for each id what is wrong, or nothing."""
    path = jobs[0][1].path
    try:
        state = path.stat()
        made_from = f"{path.name} {state.st_size} {state.st_mtime_ns}"
    except OSError:
        return {key: f"{path}: no such file; left out" for key, _, _ in jobs}
    outcomes, samples = {key: "" for key, _, _ in jobs}, None
    for key, clip, target in jobs:
        note = f"{made_from} {clip.start} {clip.end}"
        if _note_of(target) == note:
            continue
        try:
            samples = read_recording(path) if samples is None else samples
            part = samples[round(clip.start * SAMPLE_RATE) : clip.end and round(clip.end * SAMPLE_RATE)]
            if len(part) < MIN_SAMPLES:
                raise CorpusError(f"{path}: {key}: {len(part)} samples, less than one 25 ms window; left out")
            files.write(target, as_flac(part, note), bulk=True)
        except CorpusError as error:
            outcomes[key] = str(error)
    return outcomes


def as_flac(samples: np.ndarray, comment: str = "") -> bytes:
    """Return float samples at `SAMPLE_RATE` as a FLAC of 16 bits; what is too loud is clipped."""
    content = io.BytesIO()
    with soundfile.SoundFile(content, "w", SAMPLE_RATE, 1, "PCM_16", format="FLAC") as file:
        if comment:
            file.comment = comment
        file.write(to_pcm16(samples))
    return content.getvalue()


def _note_of(flac: Path) -> str | None:
    """Return the comment of a FLAC that `as_flac` made; None where there is none."""
    try:
        with soundfile.SoundFile(flac) as file:
            return file.comment
    except (OSError, soundfile.SoundFileError):
        return None


def _write_texts(whole: list[tuple[str, str]], rows: list[list], destination: Path) -> None:
    chapters = defaultdict(list)
    for key, text in sorted(whole):
        chapters[key.split("-")[0]].append(f"{key} {text}\n")
    for speaker, lines in chapters.items():
        files.write(destination / speaker / "1" / f"{speaker}-1.trans.txt", "".join(lines))
    table = [["id", "file", "was", "is", "changed"], *rows]
    lines = ("\t".join(printable(" ".join(str(field).split())) for field in row) + "\n" for row in table)
    files.write(destination / TABLE, "".join(lines))
