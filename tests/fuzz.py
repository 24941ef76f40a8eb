"""Damaged input by the thousand: python tests/fuzz.py KIND TRIALS [FIRST] ends with 0 if each trial ended well.

A trial ends well with a result, or with one line that names the file (a OneLineError or OSError); not with another
error, a crash, a hang of 20 s or more than 6 GB. Trials are seeded by their number, so one can be run alone.
`tests/test_fuzz.py` runs a sample, `make fuzz` the whole.
"""

import json
import os
import random
import resource
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import soundfile
from fuzz_own_data import captions, flip, importer

ROOT = Path(__file__).resolve().parent.parent
SECONDS, MEMORY = 20, 6 << 30
Trial = Callable[[random.Random], Iterator[Callable[[], object]]]


def mutate(value, rng: random.Random):
    """Return a JSON value with one of its parts replaced or left out."""
    value, places = json.loads(json.dumps(value)), []

    def walk(part):
        for key in part if isinstance(part, dict) else range(len(part)) if isinstance(part, list) else ():
            places.append((part, key))
            walk(part[key])

    walk(value)
    if not places:
        return None
    part, key = rng.choice(places)
    odd = [None, -1, 1e308, float("nan"), "x", "../../etc/passwd", [], {}, True, [[]], 10**40]
    part[key] = rng.choice(odd)
    if rng.random() < 0.1:
        del part[key]
    return value


# ------------------------------------------------------------------------------------------------------ kinds


def audio(folder: Path) -> Trial:
    """Clips of every container and coding: read, checked as a corpus, converted, transcribed."""
    from asr_helpers import corpus, sound
    from asr_helpers.corpus import conversion
    from asr_helpers.own_data import read_recording
    from asr_helpers.recognizer import Recognizer

    recognizer = Recognizer.load(ROOT / "data/models/crnn.fast.onnx")
    samples = (np.random.default_rng(0).normal(size=12_000) * 3000).astype(np.int16)
    kinds = [("FLAC", "PCM_16"), ("FLAC", "PCM_24"), ("WAV", "PCM_16"), ("WAV", "PCM_24"), ("WAV", "FLOAT")]
    kinds += [("WAV", "IMA_ADPCM"), ("WAV", "MS_ADPCM"), ("WAV", "ULAW"), ("WAV", "GSM610"), ("CAF", "PCM_16")]
    kinds += [(kind, "PCM_16") for kind in ("RF64", "W64", "AIFF", "AU", "NIST", "WAVEX")]
    kinds += [("OGG", "VORBIS"), ("MP3", "MPEG_LAYER_III")]
    whole = []
    for kind, coding in kinds:
        soundfile.write(folder / "whole", samples, 16_000, coding, format=kind)
        whole.append(("flac" if kind == "FLAC" else "wav", (folder / "whole").read_bytes()))
    (folder / "1-1.trans.txt").write_text("1-1-0000 A\n")

    def trial(rng):
        suffix, content = rng.choice(whole)
        for old in folder.glob("1-1-0000.*"):
            old.unlink()
        clip = folder / f"1-1-0000.{suffix}"
        clip.write_bytes(flip(content, rng))

        def load():
            found = corpus.load_corpus(folder)
            assert len(found) + len(found.problems) == 1 and not any("\n" in line for line in found.problems)

        yield load
        yield lambda: recognizer.transcribe(sound.read_audio(clip))
        yield lambda: conversion.convert_file(clip, folder / ".out.wav")
        if b"ID3" not in content[:3]:  # ffmpeg, a process each time, is asked for what libsndfile does not read
            yield lambda: read_recording(clip)

    return trial


WORDS = ["HELLO", "it's", "a-b", "Ünï", "101", "<b>", "\u202eRTL", "\0", "\x1b[31m", "ﬁ", "ß", "İ", "\u2028", "\x85"]
WORDS += ["\x0b", "\x0c", "\t", "’", "\ufeff", "A" * 100_000, "'", "ſ", "\xa0", "\u200b", "日本", "🎤", "%s", "$(x)"]
KEYS = ["", "../x", "1-1", "1-1-0000 1-1-0001", "\x1b[2J-1-1", "é-1-1", "1--1", "\u2028"]


def transcripts(folder: Path) -> Trial:
    """Transcripts of odd ids, words, line ends and bytes: read as a corpus, and as a language model's text."""
    from asr_helpers import corpus
    from asr_helpers.text import ALPHABET
    from asr_helpers.words import kneser_ney, ngram, sentences

    samples = (np.random.default_rng(0).normal(size=8000) * 3000).astype(np.int16)
    for number in range(3):
        soundfile.write(folder / f"1-1-000{number}.wav", samples, 16_000)
    transcript = folder / "1-1.trans.txt"

    def trial(rng):
        lines = []
        for number in range(3):
            key = rng.choice([f"1-1-000{number}"] * 2 * len(KEYS) + KEYS)
            words = [rng.choice(WORDS) if rng.random() < 0.4 else "HELLO" for _ in range(rng.randrange(6))]
            lines.append(f"{key}{rng.choice([' ', '  ', chr(9), '', chr(0xA0)])}{' '.join(words)}")
        content = rng.choice(["\n", "\r\n", "\r", "\n\n"]).join(lines).encode("utf-8", "surrogatepass")
        transcript.write_bytes(flip(content, rng, 3) if rng.random() < 0.2 else content)

        def load():
            found = corpus.load_corpus(folder)
            assert all(set(utterance.text) <= set(ALPHABET) for utterance in found)
            assert all(line.isprintable() for line in found.problems)

        def estimate():
            model = kneser_ney.estimate(list(sentences.read_sentences(transcript)), 3)
            model.write(folder / "out.arpa")
            assert len(ngram.NGram.read(folder / "out.arpa").grams) == len(model.grams)

        yield load
        yield estimate

    return trial


ODD_LINES = ["\\x-grams:", "\\-grams:", "\\9999999999-grams:", "\\0-grams:", "\\-1-grams:", "ngram ", "ngram 1"]
ODD_LINES += ["ngram 1=", "ngram 4=3", "ngram 1=-5", "ngram 1=0", "ngram 2=9223372036854775807", "ngram x=y", "\\end\\"]
ODD_LINES += ["\\data\\", "\0\0", "x" * 1_000_000, "-1.0\t", "nan\tA\tnan", "\\"]
ODD_NUMBERS = ["nan", "inf", "-inf", "1e999", "abc", "", "5.0", "-1e38", "0x10", "1_0", "٣"]


def arpa(folder: Path) -> Trial:
    """Language models with bytes, lines, counts and numbers changed: read by us, and by each decoder."""
    import gzip

    from asr_helpers.words import FastBeamSearch, Fusion, beam_search, kneser_ney, ngram, sentences

    kneser_ney.estimate(list(sentences.read_sentences(ROOT / "data/mini/dev-mini/9001")), 3).write(
        folder / "whole.arpa"
    )
    whole = (folder / "whole.arpa").read_text().splitlines()
    log_probs = np.log(np.random.default_rng(1).dirichlet(np.ones(29) * 0.1, 40) + 1e-9).astype(np.float32)

    def trial(rng):
        lines, how = list(whole), rng.randrange(5)
        place = rng.randrange(len(lines) if rng.random() < 0.7 else 10)
        if how == 1:
            del lines[place]
        elif how == 2:
            lines.insert(place, rng.choice(ODD_LINES))
        elif how == 3:
            place = rng.choice([number for number, line in enumerate(lines) if "\t" in line])
            fields = lines[place].split("\t")
            fields[rng.choice([0, -1])] = rng.choice(ODD_NUMBERS)
            lines[place] = "\t".join(fields)
        elif how == 4:
            place = rng.choice([number for number, line in enumerate(lines) if line.startswith("ngram ")])
            lines[place] = rng.choice([line for line in ODD_LINES if line.startswith("ngram")])
        content = "\n".join(lines).encode() + b"\n"
        content = content if how else flip(content, rng, 20)
        model = folder / "model.arpa"
        if rng.random() < 0.15:
            model, content = folder / "model.arpa.gz", flip(gzip.compress(content), rng, 2)
        model.write_bytes(content)
        yield lambda: ngram.NGram.read(model)
        yield lambda: beam_search(log_probs, 16, fusion=Fusion(ngram.NGram.read(model)))
        yield lambda: FastBeamSearch(model, 16)(log_probs)

    return trial


def packed(folder: Path) -> Trial:
    """Packed language models with bytes, parts of the header, or the gzip stream changed: read by each decoder."""
    import gzip

    from asr_helpers.words import FastBeamSearch, Fusion, beam_search, kneser_ney, ngram, packed, pruning, sentences

    texts = list(sentences.read_sentences(ROOT / "data/mini/dev-mini/9001"))
    whole = gzip.decompress(packed.pack(kneser_ney.KneserNey.of(texts, 3).trie()))
    begin = 8 + int.from_bytes(whole[4:8], "little")
    header = json.loads(whole[8:begin])
    log_probs = np.log(np.random.default_rng(1).dirichlet(np.ones(29) * 0.1, 40) + 1e-9).astype(np.float32)
    model = folder / "model.lm"

    def trial(rng):
        how, content = rng.randrange(4), whole
        if how == 0:
            content = flip(content, rng)
        elif how == 1:
            head = json.dumps(mutate(header, rng)).encode()
            content = whole[:4] + len(head).to_bytes(4, "little") + head + whole[begin:]
        elif how == 2:
            content = whole[:begin] + flip(whole[begin:], rng, 3)
        if how == 3 or rng.random() < 0.3:
            content = gzip.compress(content)
        model.write_bytes(flip(content, rng, 2) if how == 3 else content)
        yield lambda: beam_search(log_probs, 16, fusion=Fusion(ngram.NGram.read(model)))
        yield lambda: FastBeamSearch(model, 16)(log_probs)
        yield lambda: pruning.prune(pruning.read_trie(model), 0.003)

    return trial


def runs(folder: Path) -> Trial:
    """Run folders (state, checkpoint, weights) and records (index, listing, shard): resumed, read."""
    from dataclasses import replace

    import keras

    from asr_helpers import corpus, training
    from asr_helpers.batches import pipeline, tfrecords

    clips = corpus.load_corpus(ROOT / "data/mini/dev-mini/9001").utterances
    tfrecords.write_records(clips, folder / "records")
    speech = pipeline.load_speech(folder / "records")
    tiny = replace(training.PROFILES["ci"], lstm_units=4, filters=(2, 2), batch_seconds=60, averaged_epochs=2)
    training.train(speech, speech, folder / "run", tiny, sentences=0)
    whole = {path: path.read_bytes() for name in ("run", "records") for path in (folder / name).iterdir()}
    unread = "best.keras", "history.csv", "made-by-asr-prepare"
    whole = {path: content for path, content in whole.items() if path.name not in unread}
    (checkpoint,) = (folder / "run").glob("epoch-*.keras")
    config = json.loads((folder / "run/state.json").read_text())["config"]
    load_model, good = keras.saving.load_model, keras.saving.load_model(checkpoint, compile=False)

    def load_once(path, **options):  # half a second each time, and the checkpoint is seldom what is damaged
        return good if Path(path).read_bytes() == whole[checkpoint] else load_model(path, **options)

    keras.saving.load_model = load_once

    def resume():
        average = training.WeightAverage(2)
        run = training.RunFolder(folder / "run", config, training.WarmUpAndDecay(1e-3, 10), average)
        model = run.load()
        average.set_model(model)
        average.on_train_begin()
        average.on_epoch_end(0)
        assert run.epochs_done == 2 and min(row["val_wer"] for row in run.state["history"]) <= 1e400

    def read():
        found = pipeline.load_speech(folder / "records")
        for _ in pipeline.validation_batches(found, 20):
            pass

    def trial(rng):
        for path, content in whole.items():
            path.write_bytes(content)
        path = rng.choice([folder / "run/state.json"] * 4 + list(whole))
        content = whole[path]
        if path.suffix == ".json" and rng.random() < 0.6:
            path.write_text(json.dumps(mutate(json.loads(content), rng)))
        else:
            path.write_bytes(flip(content, rng))
        yield resume if path.parent.name == "run" else read

    return trial


KINDS = {
    "audio": audio,
    "transcripts": transcripts,
    "arpa": arpa,
    "packed": packed,
    "runs": runs,
    "importer": importer,
    "captions": captions,
}


# ----------------------------------------------------------------------------------------------------- trials


def ends_well(step: Callable[[], object]) -> str:
    """Run one step and return what is wrong with how it ended, or nothing."""
    from asr_helpers.system import OneLineError

    try:
        step()
    except (OneLineError, OSError) as error:
        lines = str(error).splitlines()
        return "" if len(lines) == 1 else f"{len(lines)} lines: {error!r}"
    except Exception:
        return traceback.format_exc()
    return ""


def main(kind: str, trials: int, first: int = 0) -> int:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    faults = 0
    with tempfile.TemporaryDirectory() as folder:
        trial = KINDS[kind](Path(folder))
        resource.setrlimit(resource.RLIMIT_AS, (virtual_size() + MEMORY, -1))
        for number in range(first, first + trials):
            print(f"{kind} {number}", flush=True)  # the last one is the one that crashed or hung
            for step in trial(random.Random(number)):
                limit(SECONDS)
                if wrong := ends_well(step):
                    faults += 1
                    print(f"FAULT in {kind} {number}: {wrong}", flush=True)
                limit(0)
    print(f"{kind}: {trials} trials, {faults} faults")
    return min(faults, 1)


def limit(seconds: int) -> None:
    """End this process after so much CPU time, or ten times as much by the clock if it waits; 0 sets no limit."""
    signal.setitimer(signal.ITIMER_PROF, seconds)
    signal.alarm(10 * seconds)


def virtual_size() -> int:
    return int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], *map(int, sys.argv[2:])))
