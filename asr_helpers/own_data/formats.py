"""One reader for each data set format: Common Voice, LJSpeech, JSON lines, Kaldi, sound with text beside it."""

import csv
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from asr_helpers.corpus.reading import CorpusError, walk
from asr_helpers.sound.audio import SOUND_SUFFIXES
from asr_helpers.system.errors import printable
from asr_helpers.system.text_files import TextError, read_lines


@dataclass(frozen=True)
class Clip:
    """A clip as its data set describes it: a sound file, or its part from `start` to `end` in seconds."""

    name: str
    path: Path
    speaker: str
    text: str
    start: float = 0.0
    end: float | None = None


def list_clips(source: Path | str) -> tuple[list[Clip], list[str]]:
    """Return the clips of a data set, in its own order, and one line per unusable entry.

    Raises:
        CorpusError: the source does not exist, has an unknown format, or lists nothing.
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
    """Return the reader of the format that the names in `source` reveal."""
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
        tables = [validated] if validated.is_file() else [source / f"{name}.tsv" for name in ("train", "dev", "test")]
    for table in filter(Path.is_file, tables):
        rows = csv.DictReader(read_lines(table), delimiter="\t", quoting=csv.QUOTE_NONE)
        if not {"client_id", "path", "sentence"} <= set(rows.fieldnames or ()):
            raise TextError(f"{table}: lacks Common Voice's columns client_id, path and sentence; add them")
        try:
            listed = list(rows)
        except csv.Error as error:
            raise TextError(f"{table}: {error}; save it as tab-separated text") from None
        for row in listed:
            name = row["path"] or ""
            path = table.parent / "clips" / (name if Path(name).suffix else f"{name}.mp3")
            yield Clip(path.stem, path, row["client_id"] or "", row["sentence"] or "")


def _lj_speech(source: Path, problems: list[str]) -> Iterator[Clip]:
    """LJSpeech: lines `name|text|text with numbers spelled out` of one speaker; the sound is in wavs/."""
    table = source / "metadata.csv"
    for number, line in enumerate(read_lines(table), start=1):
        fields = line.split("|")
        if len(fields) < 2:
            if line.strip():
                problems.append(printable(f"{table}: line {number}: no | between name and text; left out"))
            continue
        text = fields[2] if len(fields) > 2 and fields[2].strip() else fields[1]
        yield Clip(fields[0], source / "wavs" / f"{fields[0]}.wav", source.resolve().name, text)


def _json_lines(source: Path, problems: list[str]) -> Iterator[Clip]:
    """NeMo's manifests: per line an object with audio_filepath and text, optionally offset, duration and speaker."""
    for number, line in enumerate(read_lines(source), start=1):
        if not line.strip():
            continue
        try:
            entry = json.loads(line)
            path = source.parent / entry["audio_filepath"]
            start, length = float(entry.get("offset") or 0), entry.get("duration")
            end = start + float(length) if start and length else None
            _check_times(start, end)
            speaker, text = str(entry.get("speaker") or source.stem), str(entry["text"])
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError, OverflowError):
            line = f"{source}: line {number}: is no JSON object with audio_filepath, text and possible times; left out"
            problems.append(printable(line))
        else:
            yield Clip(path.stem, path, speaker, text, start, end)


def _check_times(start: float, end: float | None) -> None:
    """Raise ValueError unless a part of a recording can lie between these seconds."""
    if not (0 <= start < 1e9 and (end is None or start <= end < 1e9)):
        raise ValueError("no time of a recording")


def _kaldi(source: Path, problems: list[str]) -> Iterator[Clip]:
    """Kaldi: recordings in `wav.scp`, words in `text`; optionally speakers in `utt2spk` and parts in `segments`."""
    recordings, texts = dict(_keyed(source / "wav.scp")), dict(_keyed(source / "text"))
    speakers, segments = dict(_keyed(source / "utt2spk")), dict(_keyed(source / "segments"))
    for name, text in texts.items():
        recording, *times = (segments[name].split() if name in segments else [name]) or [""]
        place = recordings.get(recording, "")
        if not place or place.endswith("|") or len(times) not in (0, 2):
            what = "is a command, which is not run" if place.endswith("|") else "names no recording"
            problems.append(printable(f"{source / 'wav.scp'}: {name}: {what}; left out"))
            continue
        path = Path(place) if Path(place).exists() else source / place
        try:
            start, end = map(float, times) if times else (0.0, None)
            _check_times(start, end)
        except ValueError:
            problems.append(printable(f"{source / 'segments'}: {name}: its times are no numbers; left out"))
            continue
        yield Clip(name, path, speakers.get(name, source.resolve().name), text, start, end)


def _keyed(file: Path) -> Iterator[tuple[str, str]]:
    """Yield (first word, rest) of each line of a file; nothing if there is no file."""
    for line in read_lines(file) if file.is_file() else ():
        key, *rest = line.split(maxsplit=1)[:2] or [""]
        if key:
            yield key, rest[0].strip() if rest else ""


def _beside(source: Path, problems: list[str]) -> Iterator[Clip]:
    """Sound with a .txt of the same name beside it; the first folder beneath `source` is the speaker's name."""
    for _, listed in walk(source, problems):
        texts = {file.stem: file for file in listed if file.suffix.lower() == ".txt"}
        for file in listed:
            if file.suffix.lower() not in SOUND_SUFFIXES:
                continue
            if file.stem not in texts:
                problems.append(printable(f"{file}: no {file.stem}.txt beside it; left out"))
                continue
            folders = file.relative_to(source).parts[:-1]
            speaker = folders[0] if folders else source.resolve().name
            try:
                yield Clip(file.stem, file, speaker, " ".join(read_lines(texts[file.stem])))
            except TextError as error:
                problems.append(str(error))
