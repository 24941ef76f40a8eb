"""Trials of `fuzz.py`: data sets with odd rows to import, and timed words to write as captions."""

import json
import os
import random
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import soundfile

Trial = Callable[[random.Random], Iterator[Callable[[], object]]]
NAMES = "alpha", "beta", "gamma", "delta", "epsilon"


def flip(content: bytes, rng: random.Random, most: int = 64) -> bytes:
    """Return `content` with some bytes changed, most of them near its beginning, or cut off."""
    if rng.random() < 0.25:
        return content[: rng.randrange(len(content))]
    changed, end = bytearray(content), rng.choice([64, 200, len(content)])
    for _ in range(rng.choice([1, 2, 8, most])):
        place = rng.randrange(min(end, len(changed)))
        changed[place] = rng.choice([0, 255, 128, rng.randrange(256), changed[place] ^ (1 << rng.randrange(8))])
    return bytes(changed)


# Values of a row: each that fits with what becomes of it, and those that do not fit. The sound lasts two seconds.
GOOD_TEXTS = {"one two": "ONE TWO", "It’s 3 o'clock!": "IT'S THREE O'CLOCK", "a\x85b\u2028c": "A B C", "Naïve": "NAIVE"}
BAD_TEXTS = ["", " ", "nan", "None", "NULL", "[noise]", "$5", "hi\0", "hi\udcff", "\u200b", "x" * 200_000, "a " * 150]
BAD_TEXTS += ["1" * 400, "1" * 400 + "th", "0." + "1" * 400, "日本", "...", "hi\x1b[2J", "<b>hi</b>"]
GOOD_TIMES = {(None, None): 2.0, (0, 1): 1.0, ("0.5", "1.5"): 1.0, (1, None): 1.0, (0.0, 2.25): 2.0}
GOOD_TIMES[1e-320, 0.5] = 0.5
BAD_TIMES = [(-1, 1), (float("nan"), 1), (0, float("inf")), (1.5, 0.5), (1, 1), (3, None), (0, 9), ("x", 1), (0, "1s")]
BAD_TIMES += [(1e308, None), (0, -2), ("1_0", "2_0"), (0, 1e-9), (10**400, None), ("٣", "٤"), (float("-inf"), None)]
BAD_PATHS = [
    "",
    "missing.wav",
    "hi\0.wav",
    "hi\ud800.wav",
    "x" * 300,
    "x/" * 9000,
    "/dev/zero",
    "pipe.wav",
    "folder.wav",
]
BAD_PATHS += ["empty.wav", "silent.wav", "text.wav", "loop.wav", "..", "-", "http://127.0.0.1/a.wav"]
BAD_JSON = [None, 5, True, [], {}, ["a"], 10**400]  # for any field but a time, which may be None or 5
GOOD_SPEAKERS = ["anna", "../x", "Ünï 日本", "\x1b[31m", "-", "x" * 999]


def importer(folder: Path) -> Trial:
    """Data sets of five odd rows and a good one, in each format: what fits comes in as it is, the rest has its line."""
    from asr_helpers import corpus
    from asr_helpers.own_data import importing

    importing.map_processes = lambda function, jobs, *_, **__: map(function, jobs)
    importing.files.sync_disks = lambda: None
    sys.set_int_max_str_digits(0)  # to write numbers of 400 digits and more
    noise = (np.random.default_rng(0).normal(size=32_000) * 3000).astype(np.int16)
    sounds = folder / "sounds"
    (sounds / "folder.wav").mkdir(parents=True)
    for name in ("control", *NAMES):
        soundfile.write(sounds / f"{name}.wav", noise, 16_000)
    soundfile.write(sounds / "silent.wav", 0 * noise, 16_000)
    (sounds / "empty.wav").touch()
    (sounds / "text.wav").write_text("no sound\n")
    os.mkfifo(sounds / "pipe.wav")
    os.symlink("loop.wav", sounds / "loop.wav")

    def odd_row(name, form, rng):
        """Return a row (path, speaker, text, start, end), and (text, seconds) if it fits, else None."""
        text, times = rng.choice(list(GOOD_TEXTS)), rng.choice(list(GOOD_TIMES))
        if form not in ("json", "kaldi"):
            times = (None, None)
        row, fits = [f"{name}.wav", rng.choice(GOOD_SPEAKERS), text, *times], (GOOD_TEXTS[text], GOOD_TIMES[times])
        if rng.random() < 0.25:
            return row, fits
        field = rng.choice([0, 2, 3] if form in ("json", "kaldi") else [0, 2])
        if field == 3:
            row[3:] = rng.choice(BAD_TIMES)
        elif form == "json" and rng.random() < 0.4:
            field = rng.choice([0, 1, 2])
            row[field] = rng.choice(BAD_JSON)
            if field == 1 and row[1] in (None, 5, 10**400) and not isinstance(row[1], bool):
                row[1] = [row[1]]  # alone they are names
        else:
            row[field] = rng.choice(BAD_PATHS if field == 0 else BAD_TEXTS)
        return row, None

    def written(form, rows, rng):
        """Return {file: lines} of a data set of these rows."""
        if form == "json":
            keys = "audio_filepath", "speaker", "text", "offset", "duration"
            entries = [dict(zip(keys, row, strict=True)) for row in rows]
            for entry in entries:
                start, end = entry["offset"], entry["duration"]
                if (start, end) in GOOD_TIMES and None not in (start, end):
                    entry["duration"] = type(end)(float(end) - float(start))
                elif start == 1.5 or (start, end) == (1, 1):
                    entry["duration"] = end - start
            return {"m.json": [json.dumps(entry, ensure_ascii=rng.random() < 0.5) for entry in entries]}
        if form == "tsv":
            lines = [f"{speaker}\t{path}\t{text}\t" for path, speaker, text, *_ in rows]
            return {"validated.tsv": ["client_id\tpath\tsentence\tage", *lines]}
        if form == "lj":
            return {"metadata.csv": [f"{path.removesuffix('.wav')}|{text}" for path, _, text, *_ in rows]}
        files = {"wav.scp": [], "text": [], "segments": [], "utt2spk": []}
        for number, (path, speaker, text, start, end) in enumerate(rows):
            files["wav.scp"].append(
                f"r{number} {sounds / path if path.removesuffix('.wav') in ('control', *NAMES) else path}"
            )
            files["text"].append(f"u{number} {text}")
            files["utt2spk"].append(f"u{number} {speaker}")
            if (start, end) != (None, None):
                files["segments"].append(f"u{number} r{number} {start or 0} {-1 if end is None else end}")
            else:
                files["segments"].append(f"u{number} r{number} 0 -1")
        return files

    places = {"json": "m.json", "tsv": "clips", "lj": "wavs", "kaldi": "."}

    def trial(rng):
        form = rng.choice(list(places))
        source, out = (Path(tempfile.mkdtemp(dir=folder)) for _ in range(2))
        for file in sounds.iterdir():
            beside = source if form in ("json", "kaldi") else source / places[form]
            beside.mkdir(exist_ok=True)
            os.symlink(file, beside / file.name)
        rows = [odd_row(name, form, rng) for name in NAMES]
        place = rng.randrange(6)
        rows.insert(place, (["control.wav", "carl", "the good row", None, None], ("THE GOOD ROW", 2.0)))
        flipped = rng.random() < 0.2
        for name, lines in written(form, [row for row, _ in rows], rng).items():
            contents = [line.encode("utf-8", "surrogatepass") for line in lines]
            if flipped:
                kept = b"client_id", b"control", b"good row", b"u%d " % place, b"r%d " % place
                contents = [line if any(map(line.__contains__, kept)) else flip(line, rng, 4) for line in contents]
            (source / name).write_bytes(b"\n".join(contents) + b"\n")

        def run():
            importing.import_corpus(source / "m.json" if form == "json" else source, out, workers=1)
            found = corpus.load_corpus(out)
            assert found.problems == []
            kept = sorted((each.text, each.seconds) for each in found)
            fit = sorted(fits for _, fits in rows if fits)
            if flipped:
                assert ("THE GOOD ROW", 2.0) in kept
            else:
                assert kept == fit, f"{form}: kept {kept}, fit {fit}"

        yield run
        shutil.rmtree(source)
        shutil.rmtree(out)

    return trial


WORDS = ["HELLO", "IT'S", "A", "É", "日本", "<B>", "&", "&AMP;", "-->", "X" * 100, "Y" * 43, "1", "{}", "%S"]


def captions(folder: Path) -> Trial:
    """Odd words and times, in order, as SubRip, WebVTT and CTM: each cue parses, and no two are shown at once."""
    import html

    from asr_helpers.words import captions as writer
    from asr_helpers.words.alignment import Word, ctm

    clock = r"(\d\d+):([0-5]\d):([0-5]\d)[.,](\d{3})"
    cue = re.compile(rf"{clock} --> {clock}")

    def seconds(hours, minutes, seconds, milliseconds):
        return 3600 * int(hours) + 60 * int(minutes) + int(seconds) + int(milliseconds) / 1000

    def blocks(text):
        return [block.splitlines() for block in re.split(r"\n\n+", text.strip("\n")) if block]

    def check(blocks, words, unescape):
        cues = [(cue.fullmatch(lines[0]), lines[1:]) for lines in blocks]
        assert all(found for found, _ in cues), blocks
        times = [(seconds(*found.groups()[:4]), seconds(*found.groups()[4:])) for found, _ in cues]
        assert all(start < end for start, end in times), times
        assert all(end <= following for (_, end), (following, _) in pairwise(times)), times
        text = " ".join(unescape(line) for _, lines in cues for line in lines)
        assert text == " ".join(word.text for word in words)
        assert all(1 <= len(lines) <= 2 and all(lines) for _, lines in cues)
        # A short last caption stays on screen for `MIN_SECONDS`.
        assert not times or times[-1][1] <= max(words[-1].end, times[-1][0] + writer.MIN_SECONDS) + 0.001

    def trial(rng):
        words, time = [], rng.choice([0.0, 0.04, 59.96, 3599.99, 359_999.5])
        for _ in range(rng.choice([0, 1, 2, 10, 60])):
            time += rng.choice([0, 0, 0.04, 0.2, 0.79, 0.8, 5])
            length = rng.choice([0.04, 0.2, 0.36, 1.0, 7.0])
            words.append(Word(rng.choice(WORDS), time, time + length, rng.random()))
            time += length

        def srt():
            found = blocks(writer.srt(words))
            assert [lines.pop(0) for lines in found] == [str(number) for number in range(1, len(found) + 1)]
            check(found, words, str)

        def vtt():
            header, *found = blocks(writer.vtt(words))
            assert header == ["WEBVTT"]
            check(found, words, html.unescape)

        def lines():
            name = rng.choice(["talk", "my talk", "a\nb", "\x1b[31m", "日本"])
            for line, word in zip(ctm(words, name).splitlines(), words, strict=True):
                _, _, start, length, text, confidence = line.split(" ")
                assert text == word.text and 0 <= float(confidence) <= 1
                assert abs(float(start) - word.start) < 0.006 and float(length) > 0

        yield from (srt, vtt, lines)

    return trial
