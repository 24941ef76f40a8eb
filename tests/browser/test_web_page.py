"""The recogniser in a page: its JavaScript computes what Python does, and the page serves a visitor with a phone."""

import itertools
import json
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
from browsing import wait_for

from asr_helpers.corpus import data_dir, load_corpus
from asr_helpers.live import Final, Hearing, Listener, Windows
from asr_helpers.recognizer import Recognizer, segments, shipped_model
from asr_helpers.recognizer.windows import pieces
from asr_helpers.sound import SAMPLE_RATE, effects, features, read_audio
from asr_helpers.text import ENGLISH
from asr_helpers.web import pack_model, write_page
from asr_helpers.words import FastBeamSearch, KneserNey, align, vtt
from asr_helpers.words.confidence import with_probability
from asr_helpers.words.ctc_lattice import lattice, log_likelihood

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "web"))

from small_networks import small_network

HEARD = "document.querySelector('#status').textContent.startsWith('Heard')"
NO_MICROPHONE = "() => Promise.reject(new DOMException('', 'NotFoundError'))"
FIRST = "IT WAS IN A CORNER THAT HE LAY AMONG WEEDS AND NETTLES"


@pytest.fixture(scope="module")
def people():
    return load_corpus(data_dir() / "real").utterances


@pytest.fixture(scope="module")
def recognizer():
    return Recognizer.load(shipped_model())


@pytest.fixture(scope="module")
def language_model(people, tmp_path_factory):
    """A small model, so that some words are unknown: it has those of half the sentences, and the harbour's."""
    path = tmp_path_factory.mktemp("lm") / "small.lm"
    harbour = load_corpus(data_dir() / "mini" / "train-mini").utterances
    KneserNey.of([FIRST, *(each.text for each in [*people[::2], *harbour])]).write(path)
    return path


@pytest.fixture(scope="module")
def search(language_model):
    return FastBeamSearch(language_model)


@pytest.fixture(scope="module")
def site(people, language_model, serve, tmp_path_factory):
    """The page, served: its folder, its address, and a function that lays numbers beside it."""
    folder = tmp_path_factory.mktemp("site") / "page"
    first = next(each for each in people if each.text == FIRST)
    clips = [first, *(each for each in people[::2] if each is not first and each.seconds < 5)][:3]
    write_page(pack_model(shipped_model()), folder, language_model.read_bytes(), clips)

    def lay(name, numbers):
        (folder / name).write_bytes(np.asarray(numbers, "<f4").tobytes())
        return name

    return SimpleNamespace(address=serve(folder), folder=folder, clips=clips, lay=lay)


@pytest.fixture(scope="module")
def modules(browser, site):
    """An empty page of the same origin, in which the page's modules are called."""
    page = browser.new_page()
    page.goto(site.address + "recogniser.json")
    page.evaluate("""async () => {
        globalThis.settings = await (await fetch('recogniser.json')).json();
        const bytes = async (name) => (await fetch(name, { cache: 'no-store' })).arrayBuffer();
        const gunzip = () => new DecompressionStream('gzip');
        const unpacked = async (name) => new Uint8Array(await new Response(
            new Blob([await bytes(name)]).stream().pipeThrough(gunzip())).arrayBuffer());
        globalThis.floats = async (name) => new Float32Array(await bytes(name));
        const { Recogniser } = await import('/recogniser.js');
        const [wasm, network] = [await bytes(settings.engine), await unpacked(settings.network)];
        globalThis.recogniser = await Recogniser.create(settings, wasm, network);
        recogniser.useLanguageModel(await unpacked(settings.language_model));
    }""")
    yield page
    page.close()


def test_features_are_pythons(modules, site, people, rng):
    hiss = 1e-3 * rng.standard_normal(3 * SAMPLE_RATE).astype(np.float32)
    sounds = [read_audio(each.path) for each in people[::8]]
    sounds += [np.concatenate([hiss, sounds[0], hiss]), 1e-3 * sounds[1] + 0.1, hiss, hiss[:400]]
    for samples in sounds:
        names = [site.lay("samples", samples), site.lay("features", features(samples))]
        difference = modules.evaluate(
            """async ([samples, features]) => {
                const mine = recogniser.features.features(await floats(samples)).features;
                const theirs = await floats(features);
                if (mine.length !== theirs.length) return Infinity;
                return mine.reduce((most, value, i) => Math.max(most, Math.abs(value - theirs[i])), 0);
            }""",
            names,
        )
        assert difference < 1e-4


@pytest.mark.parametrize("corpus", ["real", "mini/test-mini"])
def test_the_search_finds_pythons_words_and_times(modules, site, recognizer, search, corpus):
    clips = load_corpus(data_dir() / corpus).utterances
    all_log_probs = [recognizer.audio_log_probs(read_audio(clip.path)) for clip in clips]
    expected = [with_probability(align(each, search(each)[0].text), "beam") for each in all_log_probs]
    site.lay("log_probs", np.concatenate(all_log_probs))
    found = modules.evaluate(
        """async (lengths) => {
            const all = await floats('log_probs'), { classes } = recogniser;
            let at = 0;
            return lengths.map((length) => recogniser.decode(all.subarray(at, (at += length * classes))).words);
        }""",
        [len(each) for each in all_log_probs],
    )
    assert [[word["text"] for word in each] for each in found] == [[word.text for word in each] for each in expected]
    keys = ("start", "end", "confidence", "probability")
    timed = [[word[key] for key in keys] for each in found for word in each]
    assert timed == [pytest.approx([vars(word)[key] for key in keys], abs=1e-5) for each in expected for word in each]
    assert len(found) == {"real": 40, "mini/test-mini": 94}[corpus]


def test_hotwords_are_found_as_in_python(modules, site, people, recognizer, language_model):
    """A name that is unknown, a known word, a phrase with an unknown word, and one longer than the model's n-grams."""
    listed = "Valentin’s, corner; the count orsino\nIT WAS IN A CORNER THAT, Zoë"
    clips = people[1::3]
    names = sorted({word for clip in clips for word in clip.text.split() if len(word) > 6})[::2]
    hotwords = ["VALENTIN'S", "CORNER", "THE COUNT ORSINO", "IT WAS IN A CORNER THAT", *names]
    search = FastBeamSearch(language_model, hotwords=hotwords)
    plain = FastBeamSearch(language_model)
    all_log_probs = [recognizer.audio_log_probs(read_audio(clip.path)) for clip in clips]
    site.lay("log_probs", np.concatenate(all_log_probs))
    found = modules.evaluate(
        """async ([lengths, listed]) => {
            const { readHotwords } = await import('/hotwords.js');
            const all = await floats('log_probs'), { classes } = recogniser;
            const { words, strangers } = readHotwords(listed, recogniser.alphabet);
            recogniser.useHotwords(words);
            let at = 0;
            const texts = lengths.map((length) => recogniser.decode(all.subarray(at, (at += length * classes))).text);
            recogniser.useHotwords([]);
            return { words, strangers, texts };
        }""",
        [[len(each) for each in all_log_probs], "\n".join([listed, *names])],
    )
    assert found["words"] == hotwords and found["strangers"] == ["Zoë"]
    expected = [search(each)[0].text for each in all_log_probs]
    assert found["texts"] == expected
    assert expected != [plain(each)[0].text for each in all_log_probs]  # the list matters


def test_live_captions_turn_black_as_in_python(modules, site, people, recognizer, search, rng):
    pause = 1e-3 * rng.standard_normal(SAMPLE_RATE).astype(np.float32)
    samples = np.concatenate([read_audio(people[0].path), pause, read_audio(people[1].path)])
    listener = Listener(recognizer, lambda log_probs: search(log_probs)[0].text)
    chunks, expected = list(Hearing(Windows(recognizer)).push(samples)), []
    for chunk in chunks:
        finals = [texts(event.words) for event in listener._step(chunk) if isinstance(event, Final)]
        expected.append([finals, texts(listener._black), texts(listener._grey)])
    site.lay("log_probs", np.concatenate([log_probs for _, log_probs in chunks]))
    site.lay("samples", samples)
    found = modules.evaluate(
        """async ([chunks]) => {
            const { Hearing, Listener } = await import('/listener.js');
            const { classes, frameSeconds, outputHop } = recogniser;
            const all = await floats('log_probs'), samples = await floats('samples');
            const shift = (words, by) => words.map((each) => ({ ...each, start: each.start + by, end: each.end + by }));
            const read = (frames, first) => shift(recogniser.decode(frames).words, first * frameSeconds);
            const listener = new Listener(read, classes, frameSeconds);
            const texts = (words) => words.map((each) => each.text);
            let at = 0;
            const events = chunks.map(([first, frames]) => {
                const logProbs = all.subarray(at, (at += frames * classes));
                const { finals, black, grey } = listener.step({ first, logProbs });
                return [finals.map(texts), texts(black), texts(grey)];
            });
            const hearing = new Hearing((samples) => recogniser.logProbs(samples), classes, outputHop), heard = [];
            for (let i = 0; i < samples.length; i += 1700) heard.push(...hearing.push(samples.subarray(i, i + 1700)));
            return { events, chunks: heard.map(({ first, logProbs }) => [first, logProbs.length / classes]) };
        }""",
        [[[first, len(log_probs)] for first, log_probs in chunks]],
    )
    assert found["events"] == expected
    assert found["chunks"] == [[first, len(log_probs)] for first, log_probs in chunks]  # whatever the blocks' sizes
    assert sum(len(finals) for finals, _, _ in expected) and any(black for _, black, _ in expected)


def texts(words):
    return [word.text for word in words]


def test_the_trellis_sums_as_in_python(modules, site, rng):
    log_probs = np.log(rng.dirichlet(np.ones(5), size=9)).astype(np.float32)
    for labels in ([0, 0, 3], [2], [1, 2, 3, 0]):
        forward, backward = lattice(log_probs, labels)
        made = modules.evaluate(
            """async ([name, labels]) => {
                const { lattice } = await import('/lattice.js'), ways = lattice(await floats(name), 5, labels);
                const finite = (numbers) => Array.from(numbers, (each) => Math.max(each, -1e9));
                const { path, best, total, classOf } = ways;
                const [forward, backward] = [finite(ways.forward), finite(ways.backward)];
                return { forward, backward, path: [...path], best, total, classOf };
            }""",
            [site.lay("log_probs", log_probs), labels],
        )
        for mine, theirs in (("forward", forward), ("backward", backward)):
            assert np.allclose(np.reshape(made[mine], theirs.shape), np.maximum(theirs, -1e9), atol=1e-5)
        assert made["total"] == pytest.approx(log_likelihood(log_probs, labels), abs=1e-5)
        classes = np.array(made["classOf"])[made["path"]]
        assert made["best"] == pytest.approx(log_probs[np.arange(9), classes].sum(), abs=1e-4)
        assert [each for each, _ in itertools.groupby(classes) if each != 4] == labels


def test_the_beams_scores_split_into_sound_and_language(modules, site, recognizer, search, people):
    log_probs = recognizer.audio_log_probs(read_audio(people[0].path))
    found = modules.evaluate(
        """async (name) => {
            const logProbs = await floats(name), frames = logProbs.length / recogniser.classes;
            return recogniser.candidates(logProbs, frames - 3, frames, 6);
        }""",
        site.lay("log_probs", log_probs),
    )
    assert len(found) == 3 and all(1 <= len(each) <= 6 for each in found)
    totals = [[each["sound"] + each["language"] for each in frame] for frame in found]
    assert all(each == sorted(each, reverse=True) for each in totals)
    best = search(log_probs)[0].text
    assert best in [each["text"].strip() for each in found[-1]]
    exact = log_likelihood(log_probs, ENGLISH.encode(found[-1][0]["text"]))
    assert found[-1][0]["sound"] == pytest.approx(exact, abs=1.0)  # the beam has left some ways out


def test_a_long_recording_is_cut_as_in_python(modules, site, people, recognizer, search, rng):
    pause = 1e-3 * rng.standard_normal(SAMPLE_RATE).astype(np.float32)
    clips = [read_audio(each.path) for each in people[:10]]
    samples = np.concatenate([clips[0], pause, pause, clips[1], pause, *clips[2:]])
    expected = recognizer.audio_log_probs(samples)
    found = modules.evaluate(
        """async (name) => {
            const { pieces } = await import('/windows.js'), samples = await floats(name);
            const cuts = pieces(samples, settings).map((each) => {
                return [each.samples.length, each.before, each.after, each.inPause];
            });
            return { cuts, logProbs: Array.from(recogniser.logProbs(samples)) };
        }""",
        site.lay("samples", samples),
    )
    cuts = [[len(each.samples), each.before, each.after, each.in_pause] for each in pieces([samples])]
    assert found["cuts"] == cuts and {each[3] for each in cuts} == {True, False}
    log_probs = np.reshape(found["logProbs"], expected.shape)
    assert np.mean(log_probs.argmax(1) == expected.argmax(1)) > 0.99
    # The search cuts as Python does, too: from the page's own log-probabilities it gets Python's text.
    site.lay("log_probs", log_probs)
    text = modules.evaluate("async () => recogniser.decode(await floats('log_probs')).text")
    log_probs = log_probs.astype(np.float32)
    assert text.split() == [word for _, each in segments([log_probs]) for word in search(each)[0].text.split()]


def test_without_a_language_model_each_frames_best_letter_counts(modules, site, recognizer, people):
    log_probs = recognizer.audio_log_probs(read_audio(people[3].path))
    found = modules.evaluate(
        """async (name) => {
            const other = Object.setPrototypeOf({ search: null }, recogniser);
            return other.decode(await floats(name));
        }""",
        site.lay("log_probs", log_probs),
    )
    assert found["letters"] == recognizer.greedy(log_probs).strip()
    assert found["text"] == " ".join(found["letters"].split())


def test_silence_is_no_word(modules):
    heard = modules.evaluate("recogniser.decode(recogniser.logProbs(new Float32Array(16000))).text")
    nothing = modules.evaluate("recogniser.decode(recogniser.logProbs(new Float32Array(0))).text")
    assert heard == nothing == ""


def test_wrong_words_are_found(modules):
    found = modules.evaluate(
        """async () => {
            const { matched, wordErrors } = await import('/metrics.js');
            const [heard, said] = ['A B X C'.split(' '), 'B Y C'.split(' ')];
            return [matched(heard, said), wordErrors(heard, said), wordErrors([], said), wordErrors(said, said)];
        }"""
    )
    assert found == [[False, True, False, True], 2, 3, 0]


def test_captions_are_pythons(modules, people, recognizer, search):
    words, end = [], 0.0
    for clip in people[:12]:
        log_probs = recognizer.audio_log_probs(read_audio(clip.path))
        words += align(log_probs, search(log_probs)[0].text, first=round(25 * end))
        end += clip.seconds + 0.04 * (len(words) % 40)
    made = modules.evaluate(
        "async (words) => (await import('/captions.js')).vtt(words)", [vars(word) for word in words]
    )
    assert made == vtt(words)


@pytest.mark.parametrize("rate", [44_100, 48_000, 22_050])
def test_a_microphone_of_any_rate(modules, rate):
    heard = modules.evaluate(
        """async (rate) => {
            const { Resampler } = await import('/resample.js'), resampler = new Resampler(rate, 16000), heard = [];
            const tone = (hz, i) => 0.5 * Math.sin(2 * Math.PI * hz * i / rate);
            const sound = Float32Array.from({ length: rate }, (_, i) => tone(3000, i) + tone(10500, i));
            for (let at = 0; at < rate; at += 4410) heard.push(...resampler.push(sound.slice(at, at + 4410)));
            return [...heard, ...resampler.end()];
        }""",
        rate,
    )
    wanted = 0.5 * np.sin(2 * np.pi * 3000 * np.arange(16_000) / 16_000)  # 10.5 kHz is above what 16 kHz can hold
    assert len(heard) == 16_000
    assert np.abs(heard - wanted)[500:-500].max() < 2e-4


class Drawn:
    """A generator that has drawn before."""

    def __init__(self, values):
        self.values = values

    def standard_normal(self, size, dtype=float):
        return self.values[:size].astype(dtype)

    def choice(self, *_, **__):
        return np.array([100, 400, 900])


@pytest.mark.parametrize(
    ("call", "expected", "tolerance"),
    [
        ("addNoise(sound, hiss, 7)", lambda sound, rng: effects.noise(sound, 7, rng), 1e-5),
        (
            "reverb(sound, roomResponse(0.2, hiss.subarray(0, 3840), 16000), 0.4)",
            lambda sound, rng: effects.reverb(sound, 0.2, 0.4, rng),
            1e-5,
        ),
        ("frequencyMask(sound, 1500, 1000, 16000)", lambda sound, _: effects.frequency_mask(sound, 1500, 1000), 1e-4),
        ("gaps(sound, [100, 720, 1540], 320)", lambda sound, rng: effects.gaps(sound, 3, 0.02, rng), 1e-7),
        ("speed(sound, 1.25, 16000)", lambda sound, _: effects.speed(sound, 1.25), 2e-2),  # another resampling filter
    ],
)
def test_effects_are_pythons(modules, site, rng, call, expected, tolerance):
    sound, hiss = read_audio(site.clips[0].path)[:20000], rng.standard_normal(20000).astype(np.float32)
    made = modules.evaluate(
        f"""async (names) => {{
            const {{ addNoise, frequencyMask, gaps, reverb, roomResponse, speed }} = await import('/effects.js');
            const [sound, hiss] = [await floats(names[0]), await floats(names[1])];
            return Array.from({call});
        }}""",
        [site.lay("sound", sound), site.lay("hiss", hiss)],
    )
    wanted = expected(sound, Drawn(hiss))
    inner = slice(1000, -1000)  # SciPy's filter and librosa's resampler treat the ends in other ways
    assert len(made) == len(wanted)
    assert np.abs(made - wanted)[inner].max() <= tolerance * np.abs(wanted).max()


@pytest.mark.parametrize(("center", "width"), [(500, 1000), (400, 1000), (7500, 1000), (1500, 0), (600, 1199)])
def test_a_frequency_mask_that_python_refuses_is_refused_with_the_same_words(modules, center, width):
    try:
        effects.frequency_mask(np.ones(1600, np.float32), center, width)
        refused = None
    except ValueError as error:
        refused = str(error)
    said, finite = modules.evaluate(
        """async ([center, width]) => {
            const { frequencyMask } = await import('/effects.js');
            try {
                const masked = frequencyMask(new Float32Array(1600).fill(1), center, width, 16000);
                return [null, masked.every(Number.isFinite)];
            } catch (error) {
                return [error.message, true];
            }
        }""",
        [center, width],
    )
    assert (said, finite) == (refused, True)


def test_chance_is_what_it_should_be(modules):
    white, again, starts = modules.evaluate(
        """async () => {
            const { whiteNoise, gapStarts, randomNumbers } = await import('/effects.js');
            const noise = () => Array.from(whiteNoise(20000, randomNumbers(1)));
            return [noise(), noise(), gapStarts(16000, 20, 400, randomNumbers(3))];
        }"""
    )
    assert white == again
    assert abs(np.mean(white)) < 0.03 and abs(np.std(white) - 1) < 0.03
    assert abs(np.corrcoef(white[1:], white[:-1])[0, 1]) < 0.03
    assert len(starts) == 20 and min(np.diff(starts)) >= 400 and starts[-1] <= 15600


class Visitor:
    """A page, what it logged, and whom it asked."""

    def __init__(self, context, address):
        self.page, self.errors, self.asked = context.new_page(), [], []
        self.page.on("console", lambda message: message.type == "error" and self.errors.append(message.text))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        context.on("request", lambda request: self.asked.append(request.url))
        self.page.goto(address)

    def until(self, condition, complaint="nothing was heard"):
        """Wait for a JavaScript expression; `wait_for_function` would need what the page's policy forbids."""
        wait_for(lambda: self.page.evaluate(condition), 60, complaint)

    def text(self, selector="#text"):
        return " ".join(self.page.locator(selector).inner_text().split())


@pytest.fixture(scope="module")
def visitor(launch, site):
    opened = Visitor(launch(), site.address)
    opened.until(HEARD)
    yield opened
    opened.page.close()


def test_examples_are_heard(visitor, site, recognizer, search):
    assert visitor.text() == FIRST  # the first one by itself
    for number, clip in enumerate(site.clips[1:], start=2):
        visitor.page.get_by_role("button", name=f"Reader {number}").click()
        visitor.until(f"document.querySelector('#status').textContent === 'Heard Reader {number}.'")
        expected = recognizer.transcribe(read_audio(clip.path), lambda log_probs: search(log_probs)[0].text)
        assert visitor.text() == expected
    visitor.page.get_by_role("button", name="Reader 1").click()
    visitor.until(f"document.querySelector('#text').textContent.trim() === '{FIRST}'")


def test_the_instrument_plays_with_the_keyboard(visitor):
    page, playhead = visitor.page, visitor.page.get_by_role("slider", name="Position in the sound")
    playhead.press("ArrowRight")
    playhead.press("Shift+ArrowRight")
    assert playhead.get_attribute("aria-valuetext").startswith("1.1 of 5.0 seconds")
    playhead.press(" ")
    visitor.until("document.querySelector('.instrument-play').textContent.includes('Pause')", "it does not play")
    visitor.until("document.querySelector('.instrument-playhead').ariaValueNow > 1.3", "the playhead stands still")
    playhead.press(" ")
    assert "Play" in page.locator(".instrument-play").inner_text()
    page.get_by_role("button", name="CORNER").focus()
    page.keyboard.press("Enter")
    visitor.until(
        "document.querySelector('.instrument-words [aria-current=true]')?.textContent === 'CORNER'", "no word plays"
    )
    visitor.until("document.querySelector('.instrument-play').textContent.includes('Play')", "it plays on")


def test_a_mouse_chooses_a_stretch_that_plays_alone(visitor):
    canvas, time = (
        visitor.page.locator(".instrument canvas"),
        "document.querySelector('.instrument-playhead').ariaValueNow",
    )
    box = canvas.bounding_box()
    visitor.page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 40)
    visitor.page.mouse.down()
    visitor.page.mouse.move(box["x"] + 0.4 * box["width"], box["y"] + 40, steps=3)
    visitor.page.mouse.up()
    visitor.until("document.querySelector('.instrument-play').textContent.includes('Pause')", "it does not play")
    assert 2.0 <= float(visitor.page.evaluate(time)) <= 2.5
    visitor.until("document.querySelector('.instrument-play').textContent.includes('Play')", "it plays on")
    assert visitor.page.locator(".instrument-selection").is_visible()
    canvas.click(position={"x": 10, "y": 40})  # from here, to the end
    assert not visitor.page.locator(".instrument-selection").is_visible()
    visitor.page.get_by_role("button", name="Pause").click()


def test_a_word_unfolds(visitor):
    page = visitor.page
    page.locator("#inside summary").click()
    page.get_by_role("button", name="WEEDS").click()
    visitor.until("document.querySelector('#inside-word').textContent === 'WEEDS'", "the word is not shown")
    visitor.until("document.querySelector('#candidates tbody tr') !== null", "no candidates")
    assert page.get_by_role("img", name="Trellis of  WEEDS").get_attribute("aria-label").count("W") > 1
    said = page.locator("#trellis .stepper-said")
    assert "All ways together" in said.inner_text()
    frame = page.get_by_role("slider", name="Frame of the trellis")
    frame.press("Home")
    assert said.inner_text().startswith("Frame 1 of ")
    page.locator("#trellis").get_by_role("button", name="Play").click()
    visitor.until("document.querySelector('#trellis input').value > 1", "the trellis does not play")
    frame.press("ArrowRight")
    assert page.locator("#trellis").get_by_role("button", name="Play").is_visible()  # it has stopped
    page.locator("#trellis [data-node='2,1']").click()
    assert said.inner_text().startswith("Frame 3 of ")
    beam = page.get_by_role("slider", name="Frame of the beam")
    last = page.locator("#candidates tbody tr").first.inner_text()
    beam.press("Home")
    assert page.locator("#candidates tbody tr").first.inner_text() != last
    page.locator("#inside summary").click()


def test_names_are_expected(visitor):
    page = visitor.page
    page.get_by_label("Names to expect").fill("Orsino, 7")
    page.get_by_label("Names to expect").press("Enter")
    assert visitor.text("#names-said").startswith("Expected: ORSINO. This network cannot write 7")
    page.get_by_label("Names to expect").fill("")
    page.get_by_role("button", name="Listen for them").click()
    assert visitor.text("#names-said") == "No name is expected."
    visitor.until(f"document.querySelector('#text').textContent.trim() === '{FIRST}'")


LISTEN = """
    AudioBufferSourceNode.prototype.start = new Proxy(AudioBufferSourceNode.prototype.start, {
        apply(start, node, given) {
            played.push([node.buffer.duration, ...given]);
            Reflect.apply(start, node, given);
        },
    });
    globalThis.played = [];
"""


def test_a_letter_lights_up_where_it_is_heard(visitor):
    letters = visitor.page.get_by_role("listbox")
    dark = visitor.page.locator(".instrument canvas").screenshot()
    for _ in range(5):  # space, apostrophe, A, B, C
        letters.press("ArrowDown")
    assert visitor.page.get_by_role("option", selected=True).inner_text() == "C"
    assert visitor.text(".instrument-said").startswith("C: at 1.")
    assert visitor.page.locator(".instrument canvas").screenshot() != dark


def test_a_letter_is_heard_alone(visitor):
    visitor.page.evaluate(LISTEN)
    canvas = visitor.page.locator(".instrument canvas")
    canvas.click(position={"x": 0.5 * canvas.bounding_box()["width"], "y": 162})
    letters = visitor.page.get_by_role("listbox")
    for key in (*["ArrowDown"] * 5, "Enter"):
        letters.press(key)
    played = visitor.page.evaluate("played")
    assert len(played) == 2 and all(0.1 < seconds < 0.5 for *_, seconds in played)
    assert 2 < played[0][2] < 3 and 0.9 < played[1][2] < 2  # the middle of the picture, and the C of CORNER
    visitor.until("document.querySelector('.instrument-play').textContent.includes('Play')", "it plays on")


def test_noise_costs_words_and_the_clean_sound_brings_them_back(visitor):
    page, shown = visitor.page, "document.querySelector('#text').textContent.trim()"
    page.get_by_role("slider", name="Noise").fill("45")
    visitor.until(f"{shown} !== '{FIRST}'", "noise changes nothing")
    assert visitor.text("output[for=noise]") == "5 dB above the voice"
    assert "words wrong" in visitor.text("#score")
    for name, value in (("Echo", "0.5"), ("Speed", "125"), ("Missing tones", "1500"), ("Gaps", "4")):
        page.get_by_role("slider", name=name).fill(value)
    visitor.until(
        "document.querySelector('.instrument-time').textContent.endsWith('/ 4.0 s')", "the sound is no faster"
    )
    visitor.until("document.querySelector('#text .wrong')", "no wrong word is marked")
    page.evaluate(LISTEN)
    page.locator(".instrument canvas").click(position={"x": 10, "y": 40})
    visitor.until("played.at(-1)[0] < 4.1", "what plays does not go on with the changed sound")
    page.get_by_role("button", name="A as recorded").press("Enter")
    page.get_by_role("button", name="Pause").click()
    seconds, _, begin, _ = page.evaluate("played.at(-1)")
    assert seconds == pytest.approx(5, abs=0.05) and 0 < begin < 3  # from where it was
    page.get_by_role("button", name="Back to the clean sound").click()
    visitor.until(f"{shown} === '{FIRST}'", "the words do not come back")
    assert visitor.text("#score") == "All 12 words right."
    assert page.get_by_role("button", name="A as recorded").count() == 0


def test_the_text_is_taken_along(visitor):
    for button, begin in (("Save as text", FIRST), ("Save as captions", "WEBVTT\n\n00:00:0")):
        with visitor.page.expect_download() as download:
            visitor.page.get_by_role("button", name=button).click()
        assert download.value.path().read_text().startswith(begin)


def test_a_file_that_is_no_sound(visitor):
    visitor.page.locator("#file").set_input_files({"name": "x.wav", "mimeType": "audio/wav", "buffer": b"no sound"})
    visitor.until("!document.querySelector('#error').hidden", "no word about the file")
    assert visitor.text("#error").startswith("x.wav: this browser cannot read it as sound")


def test_a_phone_hears_the_microphone_and_needs_no_network(launch, playwright, site, tmp_path):
    clip = next(each for each in site.clips if each.text == FIRST)
    heard = np.concatenate([np.zeros(SAMPLE_RATE // 2), read_audio(clip.path), np.zeros(SAMPLE_RATE // 2)])
    soundfile.write(tmp_path / "voice.wav", heard, SAMPLE_RATE, subtype="PCM_16")
    phone = playwright.devices["iPhone 14"]
    device = {name: value for name, value in phone.items() if name != "default_browser_type"}
    microphone = f"--use-file-for-fake-audio-capture={tmp_path / 'voice.wav'}%noloop"
    flags = ("--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream", microphone)
    context = launch(*flags, **device, permissions=["microphone"])
    visitor = Visitor(context, site.address)
    visitor.until(HEARD)
    assert visitor.page.evaluate("document.documentElement.scrollWidth") == device["viewport"]["width"]
    visitor.page.tap("#speak")
    visitor.until("document.querySelector('#status').textContent.startsWith('Listening. Press')", "it does not listen")
    for word in ("CORNER", "WEEDS"):  # while the others are still to come, or while they may change
        visitor.until(f"document.querySelector('#text').textContent.includes('{word}')", "no word while one speaks")
    visitor.until("document.querySelector('#text span:not(.grey)') !== null", "no word is certain")
    visitor.page.tap("#speak")
    visitor.until(HEARD)
    assert len(set(FIRST.split()) - set(visitor.text().split())) <= 2, visitor.text()
    assert all(url.startswith((site.address, "blob:", "data:")) for url in visitor.asked)

    visitor.page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    visitor.page.reload()  # now under the service worker
    visitor.until(HEARD)
    context.set_offline(True)
    visitor.page.reload()
    visitor.until(HEARD)
    assert visitor.text() == FIRST
    assert visitor.errors == []
    context.close()


@pytest.mark.parametrize(
    ("spoil", "button", "message"),
    [
        ("delete Navigator.prototype.mediaDevices", True, "only to pages with an https address, or to localhost"),
        (f"navigator.mediaDevices.getUserMedia = {NO_MICROPHONE}", True, "No microphone was found. Plug one in"),
        ("WebAssembly.validate = () => false", False, "This browser cannot run the recogniser"),
        ("delete globalThis.WebAssembly", False, "WebAssembly must be switched on"),
    ],
)
def test_what_is_missing_is_named(browser, site, spoil, button, message):
    page = browser.new_page()
    page.add_init_script(spoil)
    page.goto(site.address)
    if button:
        page.locator("#speak:enabled").click()
    page.locator("#error:visible").wait_for()
    assert message in page.locator("#error").inner_text()
    page.close()


@pytest.mark.parametrize(
    ("name", "spoil", "said"),
    [
        ("recogniser.json", lambda content: b"<!doctype html>", "recogniser.json is missing or damaged"),
        ("recogniser.json", lambda content: content.replace(b'"format": 1', b'"format": 2'), "of another version"),
        ("engine.wasm", lambda content: content[:2000], "engine.wasm or model.bin.gz is missing or damaged"),
        ("model.bin.gz", lambda content: content[:-2000], "model.bin.gz is missing or damaged"),
        ("model.bin.gz", lambda content: b"<!doctype html>" * 9, "it is another network"),
        ("lm.bin.gz", lambda content: content[:9000] + bytes(9) + content[9009:], "lm.bin.gz is missing or damaged"),
        ("lm.bin.gz", lambda content: b"<!doctype html>", "it is no language model"),
    ],
)
def test_a_damaged_file_is_named(browser, serve, site, name, spoil, said):
    page = browser.new_page()
    page.goto(serve(site.folder, {f"/{name}": (spoil((site.folder / name).read_bytes()), {})}))
    page.locator("#error:visible").wait_for()
    error = page.locator("#error").inner_text()
    assert name in error and said in error and error.endswith("Reload the page.")
    page.close()


def test_a_server_that_labels_gz_and_a_folder_far_below(browser, serve, site):
    packed = {
        f"/page/{path.name}": (path.read_bytes(), {"Content-Encoding": "gzip"}) for path in site.folder.glob("*.gz")
    }
    visitor = Visitor(browser, serve(site.folder.parent, packed) + "page/")
    visitor.until(HEARD)
    assert visitor.text() == FIRST and visitor.errors == []
    visitor.page.close()


def test_the_second_visit_says_that_there_is_a_newer_version(browser, serve, site, people, tmp_path):
    """Files may be kept by the browser for an hour, and another page of the same server keeps its own."""
    network = pack_model(shipped_model())
    for folder in ("a", "b"):
        write_page(network, tmp_path / folder, clips=site.clips[:1])
    address = serve(tmp_path, cache="max-age=3600")
    for folder in ("a/", "b/"):
        visitor = Visitor(browser, address + folder)
        visitor.until("navigator.serviceWorker.controller !== null", "no service worker")
        visitor.page.close()
    write_page(network, tmp_path / "b", clips=[people[0]])
    visitor = Visitor(browser, address + "b/")
    visitor.until("!document.querySelector('#newer').hidden", "no word of the newer version")
    assert visitor.page.locator(".clips button").get_attribute("title") == FIRST.lower()
    visitor.page.reload()
    visitor.page.locator(".clips button").wait_for()
    assert visitor.page.locator(".clips button").get_attribute("title") == people[0].text.lower()
    scopes = visitor.page.evaluate("caches.keys()")
    assert sorted(scope.split()[2] for scope in scopes) == [address + "a/", address + "b/"]
    visitor.page.close()


def test_a_network_with_other_letters(browser, serve, site, tmp_path):
    """The shipped network under a Cyrillic alphabet: it hears English, and writes it in these letters."""
    cyrillic, path = " '" + "АБЦДЕФГХИЙКЛМНОПЯРСТУВШЬЫЗ", tmp_path / "crnn.fast.onnx"
    path.write_bytes(small_network(units=256, filters=(32, 64), alphabet=cyrillic))
    write_page(pack_model(path), tmp_path / "page")
    visitor = Visitor(browser, serve(tmp_path / "page"))
    visitor.page.locator("#file:enabled").set_input_files(site.clips[0].path)
    visitor.until(HEARD)
    assert visitor.text() == Recognizer.load(path).transcribe(read_audio(site.clips[0].path))
    assert "ТХАТ ХЕ" in visitor.text()
    assert "".join(visitor.page.get_by_role("option").all_inner_texts()) == f"␣{cyrillic[1:]}–"
    visitor.page.locator("#inside summary").click()
    assert visitor.page.get_by_role("img", name="Trellis of").is_visible()
    assert visitor.page.locator("#beam").is_hidden() and visitor.page.locator("#names").is_hidden()
    assert visitor.errors == []
    visitor.page.close()


def test_a_microphone_that_ends(browser, site):
    page = browser.new_page()
    page.add_init_script("""navigator.mediaDevices.getUserMedia = async () => {
        globalThis.stream = new AudioContext().createMediaStreamDestination().stream;
        return stream;
    }""")
    page.goto(site.address)
    page.locator("#speak:enabled").click()
    page.locator("#speak[aria-pressed=true]").wait_for()
    page.evaluate("stream.getTracks()[0].dispatchEvent(new Event('ended'))")
    page.locator("#error:visible").wait_for()
    assert "disconnected" in page.locator("#error").inner_text()
    assert page.locator("#speak").inner_text().strip() == "Speak"
    wait_for(lambda: "No word was heard" in page.locator("#status").inner_text(), 20, "it does not recognise")
    page.close()


def test_the_page_logged_no_error_and_asked_nobody_else(visitor, site):
    assert visitor.errors == []
    assert all(url.startswith((site.address, "blob:", "data:")) for url in visitor.asked)
    settings = json.loads(visitor.page.request.get(site.address + "recogniser.json").body())
    assert sum(settings["bytes"].values()) < 7.5e6
