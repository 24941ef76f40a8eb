"""The recogniser in a page: how much there is to download, and what its engine costs.

    python benchmarks/web.py [MODEL] [--page DIR] [--corpus CORPUS] [--no-browser] [--json]

Writes the page of MODEL (default: the shipped one), or takes the one in DIR. The engine runs in wasmtime, without a
browser, on the clips of CORPUS (default: data/real). Then Chromium opens the page. Prints

- the bytes to download, by kind: the network, the language model, the engine, the clips, everything else
- the engine's CPU time in milliseconds for a second of audio, and ONNX Runtime's on one thread, each the median of
  three rounds that take turns
- the engine's memory after the longest clip, and after half a minute, the longest piece that the page gives it
- in which share of all frames both find the same letter the most probable
- in Chromium, with nothing in its store: the seconds from the address to the first words, and from a tap on another
  clip to its words; the memory that the tab's process has of its own (PSS) before and after these
- in Chromium, while each slider moves for two seconds: the time from a move to its picture, median and 95th percentile
- in Chromium, on all clips of CORPUS: the CPU time of the tab's process, all threads, in milliseconds for a second of
  audio, from samples to words; the word error rate, and Python's with the same network and language model
"""

import contextlib
import functools
import http.server
import json
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from common import arguments

from asr_helpers.cli.entry import main
from asr_helpers.corpus import data_dir, load_corpus
from asr_helpers.recognizer import Recognizer, shipped_model
from asr_helpers.sound import MELS, SAMPLE_RATE, TIME_POOLING, features, num_frames, read_audio
from asr_helpers.web import Engine, pack_model
from asr_helpers.words import FastBeamSearch, word_errors

ROUNDS = 3
LONGEST_SECONDS = 30
HEARD = """new Promise((done) => setInterval(() => {
    if (document.querySelector("#status").textContent.startsWith("Heard")) done();
}, 10))"""
LOAD = """async (files) => {
    const { decode } = await import("/page/sound_input.js"), { Recogniser } = await import("/page/recogniser.js");
    const bytes = async (name) => new Uint8Array(await (await fetch("/page/" + name)).arrayBuffer());
    const unpacked = async (name) => new Uint8Array(await new Response(
        new Blob([await bytes(name)]).stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer());
    const settings = JSON.parse(new TextDecoder().decode(await bytes("recogniser.json")));
    const { engine, network, language_model, features } = settings;
    globalThis.recogniser = await Recogniser.create(settings, await bytes(engine), await unpacked(network));
    if (language_model) recogniser.useLanguageModel(await unpacked(language_model));
    globalThis.sounds = [];
    for (const file of files) sounds.push(await decode(await (await fetch(file)).blob(), file, features.sample_rate));
}"""
WATCH = """globalThis.log = [];
const begun = Worker.prototype.postMessage, note = (kind) => log.push([kind, performance.now()]);
Worker.prototype.postMessage = function (message, ...rest) {
    if (message.kind === "recognise") note("asked");
    return begun.call(this, message, ...rest);
};
const { set } = Object.getOwnPropertyDescriptor(Worker.prototype, "onmessage");
Object.defineProperty(Worker.prototype, "onmessage", { set(use) {
    set.call(this, (event) => {
        use(event);
        if (event.data.kind === "picture") note("drawn");
    });
} });"""
DRAG = """async (id) => {
    const slider = document.getElementById(id), { min, max, defaultValue } = slider, moves = [];
    const move = (value) => {
        slider.value = value;
        slider.dispatchEvent(new Event("input", { bubbles: true }));
    };
    log.length = 0;
    for (let i = 1; i <= 40; i++) {
        moves.push(performance.now());
        move(Number(min) + (max - min) * i / 40);
        await new Promise((done) => setTimeout(done, 50));
    }
    await new Promise((done) => setTimeout(done, 1500));
    const of = (kind) => log.filter(([each]) => each === kind).map(([, time]) => time);
    const asked = of("asked"), drawn = of("drawn");
    move(defaultValue);
    await new Promise((done) => setTimeout(done, 500));
    return moves.map((time) => drawn[asked.findIndex((each) => each >= time)] - time);
}"""
SLIDERS = "noise", "echo", "pace", "mask", "gaps"
TEXTS = "sounds.map((samples) => recogniser.decode(recogniser.logProbs(samples)).text)"


def download(folder: Path) -> dict[str, int]:
    """Return the bytes of a page's files, by kind and in all."""
    settings = json.loads((folder / "recogniser.json").read_text(encoding="utf-8"))
    size = {name: (folder / name).stat().st_size for name in settings["files"]}
    found = {kind: size.get(settings[kind], 0) for kind in ("network", "language_model", "engine")}
    found["clips"] = sum(size[clip["file"]] for clip in settings["clips"])
    found["page"] = sum(size.values()) - sum(found.values())
    return found | {"total": sum(size.values())}


def compare(model: Path, corpus: Path) -> dict[str, float]:
    """Return times, memory and agreement of the engine and ONNX Runtime on a corpus."""
    recordings = [read_audio(clip.path) for clip in load_corpus(corpus).utterances]
    heard = [features(samples) for samples in recordings]
    seconds = sum(map(len, recordings)) / SAMPLE_RATE
    network, recognizer = pack_model(model), Recognizer.load(model)
    engine = Engine(network)

    def ms_per_second(function) -> float:
        start = time.process_time()
        for each in heard:
            function(each)
        return 1000 * (time.process_time() - start) / seconds

    rounds = [(ms_per_second(engine), ms_per_second(recognizer.log_probs)) for _ in range(ROUNDS)]
    engine_ms, onnxruntime_ms = np.median(rounds, axis=0).tolist()
    clips_mb = engine.memory_bytes / 1e6
    same = [
        engine(each).argmax(axis=1) == recognizer.log_probs(each)[: len(each) // TIME_POOLING].argmax(axis=1)
        for each in heard
    ]
    engine(np.zeros((num_frames(LONGEST_SECONDS * SAMPLE_RATE), MELS), np.float32))
    return {
        "clips": len(heard),
        "audio_seconds": seconds,
        "engine_ms_per_second": engine_ms,
        "onnxruntime_ms_per_second": onnxruntime_ms,
        "memory_mb": clips_mb,
        "memory_mb_30_seconds": engine.memory_bytes / 1e6,
        "frames": sum(map(len, same)),
        "same_letter": float(np.mean(np.concatenate(same))),
    }


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@contextlib.contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve a folder; yield its address."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://localhost:{server.server_port}/"
    server.shutdown()


def in_chromium(page: Path, model: Path, corpus: Path) -> dict[str, float]:
    """Return what the page costs in Chromium, and how many words are wrong there and in Python."""
    from playwright.sync_api import sync_playwright

    clips = load_corpus(corpus).utterances
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        root = Path(folder)
        (root / "page").symlink_to(page.resolve())
        (root / "corpus").symlink_to(corpus.resolve())
        names = [f"corpus/{clip.path.resolve().relative_to(corpus.resolve()).as_posix()}" for clip in clips]
        flags = ["--no-sandbox", "--autoplay-policy=no-user-gesture-required"]
        with served(root) as address, playwright.chromium.launch(executable_path=chromium, args=flags) as browser:
            found = visit(browser, address + "page/")
            texts, found["chromium_ms_per_second"] = hear(browser, address, names, sum(clip.seconds for clip in clips))
        lm = page / "lm.bin.gz"
        search = FastBeamSearch(shutil.copy(lm, root / "page.lm")) if lm.exists() else None
        recognizer = Recognizer.load(model)
        decoder = (lambda log_probs: search(log_probs)[0].text) if search else None
        spoken = [clip.text for clip in clips]
        python = [recognizer.transcribe(read_audio(clip.path), decoder) for clip in clips]
    found |= {"chromium_wer": word_errors(spoken, texts).rate, "python_wer": word_errors(spoken, python).rate}
    return found | {"same_texts": sum(mine == theirs for mine, theirs in zip(texts, python, strict=True))}


def visit(browser, address: str) -> dict[str, float]:
    """Return how long a first visitor waits, and the tab's memory."""
    tab = browser.new_page()
    tab.add_init_script(WATCH)
    _, empty = processes(browser)
    start = time.perf_counter()
    tab.goto(address)
    tab.evaluate(HEARD)
    loaded = time.perf_counter()
    tab.evaluate("document.querySelector('#status').textContent = ''")
    tab.get_by_role("button", name="Reader 2").click()
    tab.evaluate(HEARD)
    tapped = time.perf_counter()
    _, full = processes(browser)
    waits = [wait for slider in SLIDERS for wait in tab.evaluate(DRAG, slider)]
    median, late = np.nanquantile(np.array(waits, float), [0.5, 0.95]).tolist()
    tab.close()
    return {
        "drag_ms": median,
        "drag_ms_95": late,
        "first_words_seconds": loaded - start,
        "tap_seconds": tapped - loaded,
        "empty_tab_mb": empty,
        "tab_mb": full,
    }


def hear(browser, address: str, names: list[str], seconds: float) -> tuple[list[str], float]:
    """Return the texts of recordings, and the CPU time for a second of them in milliseconds."""
    tab = browser.new_page()
    tab.goto(address + "page/recogniser.json")
    tab.evaluate(LOAD, [f"/{name}" for name in names])
    before, _ = processes(browser)
    texts = tab.evaluate(TEXTS)
    after, _ = processes(browser)
    return texts, 1000 * (after - before) / seconds


def processes(browser) -> tuple[float, float]:
    """Return the CPU time of all tabs in seconds, and the memory of the largest in megabytes."""
    infos = browser.new_browser_cdp_session().send("SystemInfo.getProcessInfo")["processInfo"]
    tabs = [info for info in infos if info["type"] == "renderer"]
    sizes = [Path(f"/proc/{tab['id']}/smaps_rollup").read_text().split("Pss:")[1].split()[0] for tab in tabs]
    return sum(tab["cpuTime"] for tab in tabs), max(map(int, sizes)) * 1024 / 1e6


if __name__ == "__main__":
    parser = arguments(__doc__, __file__, "json")
    parser.add_argument("model", metavar="MODEL", type=Path, nargs="?", default=shipped_model(), help="crnn.fast.onnx")
    parser.add_argument("--page", metavar="DIR", type=Path, help="written by asr web")
    parser.add_argument("--corpus", metavar="CORPUS", type=Path, default=data_dir() / "real")
    parser.add_argument("--no-browser", action="store_true", help="leave Chromium's part out")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        with contextlib.redirect_stdout(sys.stderr):
            if not options.page and main(["web", str(options.model), "--out", folder]):
                sys.exit(2)
        page = options.page or Path(folder)
        found = {"bytes": download(page), **compare(options.model, options.corpus)}
        if not options.no_browser:
            found |= in_chromium(page, options.model, options.corpus)
    if options.json:
        print(json.dumps(found))
    else:
        for kind, size in found.pop("bytes").items():
            print(f"{kind:26} {size / 1e6:9.3f} MB")
        for name, value in found.items():
            print(f"{name:26} {value:9.4g}")
