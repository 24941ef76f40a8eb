"""The live bench in a browser: a microphone that plays a file, names, and no microphone.

JupyterLab is left out: the page's messages go to a `LiveBench` in this process, which answers as the kernel would.
"""

import base64
import difflib
import time

import numpy as np
import pytest
import soundfile
from browsing import SCREENSHOTS, save_figure, wait_for

from asr_helpers.corpus import data_dir
from asr_helpers.show.widgets import LiveBench
from asr_helpers.show.widgets.instrument_view import css, esm
from asr_helpers.sound import SAMPLE_RATE, read_audio

READER = data_dir() / "real" / "test-clean-sample" / "4446" / "2275"
NAMED = READER.parents[1] / "5639" / "40744" / "5639-40744-0007.flac"  # MEANWHILE RODOLFO HAD LEOCADIA SAFE …
SAID = "THE WORLD IS ALL THERE JUST AS IT USED TO BE BUT I CAN'T GET AT IT ANY MORE"
FAKE = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
PAGE = """<!doctype html><meta charset="utf-8"><link rel="stylesheet" href="style.css"><body><script type="module">
import bench from "./live_bench.js";
const bytes = (text) => new DataView(Uint8Array.from(atob(text), (each) => each.charCodeAt(0)).buffer);
const text = (buffer) => btoa(Array.from(new Uint8Array(buffer), (byte) => String.fromCharCode(byte)).join(""));
const state = await kernel({}, []);
state.example = bytes(state.example);
let receive;
const model = {
  get: (key) => state[key], set: (key, value) => (state[key] = value), save_changes() {},
  on: (what, handler) => what === "msg:custom" && (receive = handler), off() {},
  send: async (content, _, buffers) => {
    const [answer, made] = await kernel(content, buffers.map(text));
    receive(answer, made.map(bytes));
  },
};
bench.render({ model, el: document.body });
</script>"""


class Opened:
    """The bench in a page, and what went wrong there."""

    def __init__(self, context, address):
        self.bench, self.errors = LiveBench(read_audio(NAMED)), []
        self.page = context.new_page()
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.expose_function("kernel", self._answer)
        self.page.goto(address)
        self.speak = self.page.locator(".live .bench-row button").first
        self.speak.wait_for()

    def _answer(self, content, buffers):
        if not content:
            state = {key: getattr(self.bench.input, key) for key in ("example", "hotwords", "settings", "problem")}
            return {k: base64.b64encode(v).decode() if isinstance(v, bytes) else v for k, v in state.items()}
        sent = []
        self.bench.input.send = lambda answer, made: sent.extend([answer, [base64.b64encode(m).decode() for m in made]])
        self.bench.input._answer(None, content, [base64.b64decode(each) for each in buffers])
        return sent

    def text(self, part):
        return self.page.locator(f".live .{part}").inner_text().replace("\n", " ").strip()

    @property
    def status(self):
        return self.page.locator(".live .bench-facts").inner_text()


@pytest.fixture(scope="module")
def address(serve, tmp_path_factory):
    folder = tmp_path_factory.mktemp("bench")
    (folder / "live_bench.js").write_text(esm("live_bench.js"))
    (folder / "style.css").write_text(css())
    (folder / "index.html").write_text(PAGE)
    return serve(folder)


@pytest.fixture(scope="module")
def opened(address, launch, tmp_path_factory):
    """The bench in a browser whose microphone plays a clip, again and again."""
    wav = tmp_path_factory.mktemp("microphone") / "clip.wav"
    clip = read_audio(READER / "4446-2275-0019.flac")
    soundfile.write(wav, np.concatenate([np.zeros(4000), clip, np.zeros(20_000)]), SAMPLE_RATE, "PCM_16")
    opened = Opened(launch(*FAKE, f"--use-file-for-fake-audio-capture={wav}"), address)
    yield opened
    opened.page.close()


def test_captions_grow_while_somebody_speaks(opened, report):
    opened._answer({"kind": "begin", "rate": SAMPLE_RATE, "hotwords": ""}, [])  # the models are loaded
    began = time.monotonic()
    opened.speak.click()
    wait_for(lambda: opened.text("grey"), 60, "nothing is written")
    first = time.monotonic() - began
    wait_for(lambda: opened.text("black"), 60, "no word becomes black")
    wait_for(lambda: len(opened.text("final").split()) >= 12, 60, "no line ends")
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    opened.page.locator(".live").screenshot(path=SCREENSHOTS / "live_bench.png")
    save_figure(SCREENSHOTS / "live_bench.png")
    opened.speak.click()
    wait_for(lambda: "Stopped" in opened.status, 60, "it does not stop")
    report(f"the first grey word {first:.1f} s after the click; {opened.status}")
    # The file may be played from anywhere on: compare with its loop.
    found = opened.text("final").split()
    matches = difflib.SequenceMatcher(None, f"{SAID} {SAID}".split(), found).get_matching_blocks()
    assert sum(match.size for match in matches) > 0.6 * len(found)
    colours = "canvas => new Set(canvas.getContext('2d').getImageData(400, 0, 400, 80).data).size"
    assert opened.page.locator(".live canvas").evaluate(colours) > 50
    assert opened.errors == []


def test_names_are_typed_in_and_a_recording_is_played(opened):
    opened.page.locator(".live input").fill("Leocadia, 42")
    opened.page.get_by_role("button", name="play a reading").click()
    wait_for(lambda: "left out: '42'" in opened.status, 60, "what cannot be spelt is not named")
    wait_for(lambda: "LEOCADIA" in opened.text("captions"), 60, "the name is not expected")
    wait_for(lambda: "Stopped" in opened.status, 60, "it does not end with the recording")
    assert opened.text("grey") == opened.text("black") == "" and len(opened.bench.lines) == 1
    assert opened.errors == []


def test_without_a_microphone_the_way_on_is_named(browser, address):
    alone = Opened(browser, address)
    alone.speak.click()
    wait_for(lambda: "play a reading" in alone.status, 60, "no clear word")
    assert alone.speak.is_enabled()
    alone.page.close()
