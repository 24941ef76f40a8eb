"""One reader for each data set format: Common Voice, LJSpeech, JSON lines, Kaldi, sound with text beside it.

A reader yields what it found in each row, unchecked; `list_clips` has each row checked by the one schema in `rows`.
"""

import json
import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from asr_helpers.corpus.reading import CorpusError, walk
from asr_helpers.own_data.lj_columns import is_same_text, third_is_text
from asr_helpers.own_data.rows import MAX_CHARACTERS, Row, RowError, brief, check_row
from asr_helpers.own_data.timit import strip_sample_numbers
from asr_helpers.sound.audio import SOUND_SUFFIXES
from asr_helpers.system.errors import printable
from asr_helpers.system.text_files import TextError, read_lines

_COMMON_VOICE = ("validated.tsv", "train.tsv", "dev.tsv", "test.tsv")
_COLUMNS = ("client_id", "path", "sentence")
_OTHER_TIMES = {"start", "end", "start_time", "end_time", "begin", "stop"}  # of other programs' JSON lines
# Where a row stands, and the arguments of `check_row`; or why it has none.
Found = tuple[str, dict[str, Any] | RowError]


def list_clips(source: Path | str) -> tuple[list[Row], list[str]]:
    """Return the clips of a data set, in its own order, and one line for each row left out.

    Raises:
        CorpusError: the source does not exist, has an unknown format, or lists nothing.
    """
    source = Path(source)
    if not source.exists():
        raise CorpusError(f"{source}: no such file or folder; check the path")
    clips: list[Row] = []
    problems: list[str] = []
    try:
        for place, fields in _reader(source)(source, problems):
            try:
                if isinstance(fields, RowError):
                    raise fields
                row = check_row(place, **fields)
                path, speaker, name = _as_stored(row.path), _composed(row.speaker), _composed(row.name)
                clips.append(replace(row, path=path, speaker=speaker, name=name))
            except RowError as error:
                path = "" if isinstance(fields, RowError) else brief(str(fields["path"]), 200)
                where = ": ".join(dict.fromkeys(filter(None, (place, path))))
                problems.append(printable(f"{where}: {error}; left out"))
    except TextError as error:
        raise CorpusError(str(error)) from None
    if not clips:
        raise CorpusError(_nothing_listed(source, problems))
    return clips, problems


def _nothing_listed(source: Path, problems: list[str]) -> str:
    """Return the message about a source without a usable row; it names the table that was meant, if one is near."""
    for table in sorted(source.glob("*/validated.tsv")):
        return f"{source}: holds Common Voice one folder further down; name {table.parent}"
    return f"{source}: {problems[0] if problems else 'lists no clip; see `asr import --help` for the formats'}"


def _reader(source: Path) -> Callable[[Path, list[str]], Iterator[Found]]:
    """Return the reader of the format that the names in `source` reveal."""
    if source.is_file():
        return _common_voice if source.suffix.lower() == ".tsv" else _json_lines
    if (source / "wav.scp").is_file():
        return _kaldi
    if (source / "metadata.csv").is_file():
        return _lj_speech
    if (source / "clips").is_dir() and any(source.glob("*.tsv")):
        return _common_voice
    return _beside


def _numbered(table: Path) -> Iterator[tuple[str, str]]:
    """Yield (place, line) for each line of a table that is not blank; a damaged line does not stop the rest."""
    for number, line in enumerate(read_lines(table, lenient=True), start=1):
        if line.strip():
            yield f"{table}: line {number}", line


def _common_voice(source: Path, problems: list[str]) -> Iterator[Found]:
    """Common Voice: client_id, path and sentence in `validated.tsv`, or in train.tsv, dev.tsv and test.tsv."""
    tables = [source]
    if source.is_dir():
        tables = [source / name for name in _COMMON_VOICE if (source / name).is_file()]
        if not tables:
            there = ", ".join(str(table) for table in sorted(source.glob("*.tsv"))[:5])
            raise TextError(f"{source}: has none of {', '.join(_COMMON_VOICE)}; name the table to read: {there}")
        tables = tables[:1] if tables[0].name == _COMMON_VOICE[0] else tables
    for table in tables:
        rows = _numbered(table)
        header = next(rows, ("", ""))[1].split("\t")
        if any(header.count(column) != 1 for column in _COLUMNS):
            raise TextError(f"{table}: lacks Common Voice's columns client_id, path and sentence; add them, once each")
        for place, line in rows:
            fields = line.split("\t")  # no csv: quotation marks stand for themselves
            row = dict(zip(header, fields, strict=False))  # spreadsheets drop empty fields at a row's end
            if len(fields) > len(header):
                yield place, RowError(f"has {len(fields)} fields, the header {len(header)}; remove the tab in its text")
            elif not set(_COLUMNS) <= row.keys():
                yield place, RowError(f"has only {len(fields)} of the header's {len(header)} fields; complete it")
            else:
                name = row["path"].strip()
                path = table.parent / "clips" / (name if Path(name).suffix else f"{name}.mp3") if name else ""
                speaker = row["client_id"].strip() or table.stem
                yield place, {"path": path, "text": row["sentence"], "speaker": speaker}


def _lj_speech(source: Path, problems: list[str]) -> Iterator[Found]:
    """LJSpeech: lines `name|text|text with numbers spelled out` of one speaker; the sound is in wavs/.

    In other data sets the third column is the speaker or the emotion: it is taken only if it is the text again.
    """
    table = source / "metadata.csv"
    use_third = third_is_text(line.split("|") for _, line in _numbered(table))
    if use_third is False:
        problems.append(printable(f"{table}: the third column is not the text again; the second is taken as the text"))
    speaker = source.resolve().name
    for place, line in _numbered(table):
        name, *texts = line.split("|")
        if not texts:
            yield place, RowError("no | between name and text; write name|text")
            continue
        written, said = texts[0], texts[1] if len(texts) > 1 and texts[1].strip() else texts[0]
        if use_third and not is_same_text(written, said):
            yield place, RowError(f"the third column, {brief(said)!r}, is not the text again; correct the row")
            continue
        path = source / "wavs" / f"{name}.wav" if name.strip() else ""
        yield place, {"path": path, "text": said if use_third else written, "speaker": speaker}


def _json_lines(source: Path, problems: list[str]) -> Iterator[Found]:
    """NeMo's manifests: per line an object with audio_filepath and text, optionally offset, duration and speaker."""
    for place, line in _numbered(source):
        try:
            entry = json.loads(line, object_pairs_hook=_once)
        except RowError as error:
            yield place, error
            continue
        except (ValueError, RecursionError):
            entry = None
        if not isinstance(entry, dict):
            yield place, RowError("is no JSON object; write one object a line")
            continue
        if other := _OTHER_TIMES & entry.keys():
            yield place, RowError(f"has {min(other)}, which is not read; write the times as offset and duration")
            continue
        path, speaker = entry.get("audio_filepath"), entry.get("speaker")
        yield (
            place,
            {
                "path": source.parent / path if isinstance(path, str) and path.strip() else path,
                "text": entry.get("text"),
                "speaker": source.stem if speaker in (None, "") else speaker,
                "start": entry.get("offset"),
                "length": entry.get("duration"),
            },
        )


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the dictionary of a JSON object's pairs.

    Raises:
        RowError: a key stands twice, so that one of two values would be lost.
    """
    found = dict(pairs)
    if len(found) < len(pairs):
        raise RowError("a key is there twice; remove one")
    return found


def _kaldi(source: Path, problems: list[str]) -> Iterator[Found]:
    """Kaldi: recordings in `wav.scp`, words in `text`; optionally speakers in `utt2spk` and parts in `segments`."""
    names = "wav.scp", "text", "utt2spk", "segments"
    recordings, texts, speakers, segments = (_keyed(source / name) for name in names)
    for name, (place, _) in texts.items():
        where = f"{place}: {brief(name)}"
        try:
            recording, times = name, []
            if name in segments:
                recording, *times = _only(segments, name).split() or [""]
                if len(times) != 2:
                    raise RowError(f"has {len(times)} times in segments; write recording, start and end")
            path = _kaldi_path(source, _only(recordings, recording) if recording in recordings else "")
            fields = {"path": path, "name": name, "text": _only(texts, name)}
            fields["speaker"] = _only(speakers, name) if name in speakers else source.resolve().name
            if times:
                to_the_end = re.fullmatch(r"-1(\.0*)?", times[1])
                fields |= {"start": times[0], "end": None if to_the_end else times[1]}
        except RowError as error:
            yield where, error
        else:
            yield where, fields


def _kaldi_path(source: Path, place: str) -> Path:
    """Return the sound file that `wav.scp` names: from the current folder, as in Kaldi, or from its own.

    Raises:
        RowError: it names none, names a command, or names two files.
    """
    if not place or place.endswith("|") or place.startswith("|"):
        if place:
            raise RowError("is a command, which is not run; write its output to a file")
        raise RowError("names no recording of wav.scp; add it there")
    if len(place) > MAX_CHARACTERS["path"] or "\0" in place:
        return Path(place)  # for `check_row` to refuse
    found = [path for path in (Path(place), source / place) if _is_there(path)]
    if len(found) == 2 and not found[0].samefile(found[1]):
        raise RowError(f"{brief(place)} is in the current folder and in {source}; write the whole path in wav.scp")
    return found[0] if found else source / place


def _as_stored(path: Path) -> Path:
    """Return `path`, with its name's accents composed or not, whichever there is a file of."""
    if path.name.isascii() or _is_there(path):
        return path
    forms = [path.with_name(unicodedata.normalize(form, path.name)) for form in ("NFC", "NFD")]
    return next(filter(_is_there, forms), path)


def _composed(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def _is_there(path: Path) -> bool:
    """Return whether there is a file, also for a name that no file can have."""
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def _keyed(file: Path) -> dict[str, tuple[str, str | None]]:
    """Return {first word: (place, rest)} of the lines of a file; the rest is None if two lines differ in it."""
    found: dict[str, tuple[str, str | None]] = {}
    for place, line in _numbered(file) if file.is_file() else ():
        key, *rest = re.split(r"[ \t]+", line.strip(" \t"), maxsplit=1)  # no lone carriage return: it parts two lines
        value = rest[0].strip() if rest else ""
        if key in found and found[key][1] != value:
            value = None
        found[key] = place, value
    return found


def _only(table: dict[str, tuple[str, str | None]], key: str) -> str:
    """Return the one value of a key.

    Raises:
        RowError: there are several.
    """
    place, value = table[key]
    if value is None:
        raise RowError(f"is listed twice with different content, see {place}; remove the wrong line")
    return value


def _beside(source: Path, problems: list[str]) -> Iterator[Found]:
    """Sound with a .txt of the same name beside it; the first folder beneath `source` is the speaker's name."""
    for _, listed in walk(source, problems):
        texts = {_composed(file.stem): file for file in listed if file.suffix.lower() == ".txt"}
        for file in listed:
            if file.suffix.lower() not in SOUND_SUFFIXES:
                continue
            name = _composed(file.stem)
            folders = file.relative_to(source).parts[:-1]
            fields = {"path": file, "speaker": folders[0] if folders else source.resolve().name}
            if name not in texts:
                yield str(file), RowError(f"no {file.stem}.txt beside it; write one")
                continue
            try:
                size = texts[name].stat().st_size  # the kernel's files, which may have no end, have a size of 0
                if size > 4 * MAX_CHARACTERS["text"]:  # UTF-8 has at most 4 bytes for one
                    raise RowError(f"{texts[name].name} is too long for one clip; cut both into parts")
                text = " ".join(read_lines(texts[name])).replace("\r", " ") if size else ""
                yield "", strip_sample_numbers(file, fields | {"text": text})
            except RowError as error:
                yield str(file), error
            except TextError as error:
                problems.append(str(error))
