"""Every exercise takes a right answer, hints at a wrong one, and survives nonsense; no answer is given away."""

import io
import json
import math
import re
import subprocess
import sys
import unicodedata
from functools import cache

import numpy as np
import pytest
import soundfile

from asr_helpers import augment, checks, decoding
from asr_helpers.alignment import MOST_DOUBT, doubts
from asr_helpers.corpus import Corpus, data_dir, load_corpus, read_audio
from asr_helpers.features import features, mel_to_hz, num_frames
from asr_helpers.importing import spoken
from asr_helpers.lm import estimate
from asr_helpers.metrics import paired_difference, score, word_errors
from asr_helpers.recognizer import Recognizer, shipped_model
from asr_helpers.text import BLANK, ENGLISH, Alphabet

GERMAN = Alphabet(" 'ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÜ")
MINI = data_dir() / "mini"
TEST = load_corpus(MINI / "test-mini").utterances
REAL = load_corpus(data_dir() / "real").utterances
UNHEARD = [each for each in TEST if each.speaker == "9007"]
OLD = sum(each.seconds for each in load_corpus(MINI / "train-mini"))
NEW = sum(each.seconds for each in UNHEARD[::2])
INTEGERS = soundfile.read(next(each for each in TEST if each.speaker == "9002").path, dtype="int16")[0]
READER = read_audio(next(each for each in REAL if each.id == "672-122797-0069").path)
HISSES = read_audio(next(each for each in REAL if each.id == "5105-28240-0017").path)
BULLETIN = read_audio(next(each for each in TEST if each.id == "9002-1-0002").path)
LENGTHS = np.array([num_frames(each.samples) for each in load_corpus(MINI / "dev-mini")])
NONSENSE = (
    None,
    ...,
    "",
    "seven",
    -1e9,
    float("nan"),
    [],
    [1, 2, 3],
    {},
    object(),
    len,
    np.zeros((2, 3)),
    True,
)


@cache
def model():
    return Recognizer.load(shipped_model())


def heard(clips):
    return [model().transcribe(read_audio(each.path)) for each in clips]


def wer(clips):
    return score([each.text for each in clips], heard(clips))["wer"]


def flac_share(integers):
    sizes = []
    for kind in ("FLAC", "WAV"):
        file = io.BytesIO()
        soundfile.write(file, integers, 16000, format=kind)
        sizes.append(len(file.getvalue()))
    return sizes[0] / sizes[1]


def bits(values):
    share = np.unique(values, return_counts=True)[1] / len(values)
    return -(share * np.log2(share)).sum()


def sharp_frames(quietest=1e-3):
    padded = np.pad(HISSES, 256)
    taper = np.pad(np.hanning(401)[:-1], 56)
    power = np.abs(np.fft.rfft(np.lib.stride_tricks.sliding_window_view(padded, 512)[::160] * taper)) ** 2
    total = power.sum(axis=1)
    return (power[:, 96:].sum(axis=1) > 0.5 * total) & (total > quietest * total.max())


def band(low, high):
    from scipy.signal import butter, sosfiltfilt

    return sosfiltfilt(butter(4, [low, high], "bandpass", fs=16000, output="sos"), BULLETIN)


def padding(lengths):
    batches = [lengths[i : i + 14] for i in range(0, len(lengths), 14)]
    return 1 - sum(map(sum, batches)) / sum(len(batch) * max(batch) for batch in batches)


def doubt(scale=0.04):
    asked = Recognizer.load(data_dir() / "models" / "crnn.keras")
    log_probs = asked.log_probs(features(read_audio(TEST[3].path)))
    best = log_probs.argmax(-1)
    starts = [t for t in range(len(best)) if best[t] not in (BLANK, best[t - 1] if t else -1)]
    return scale * min(starts, key=lambda t: log_probs[t].max())


def gains():
    lines = (data_dir() / "models" / "history.csv").read_text().splitlines()
    columns = [lines[0].split(",").index(name) for name in ("val_wer", "mean_wer")]
    rows = [[line.split(",")[column] for column in columns] for line in lines[1:]]
    return [100 * (float(own) - float(mean)) for own, mean in rows if own and mean]


def words_off(a, b):
    row = list(range(len(b) + 1))
    for i, left in enumerate(a, start=1):
        above, row = row, [i]
        for j, right in enumerate(b, start=1):
            row.append(min(above[j] + 1, row[-1] + 1, above[j - 1] + (left != right)))
    return row[-1]


def oracle(choose):
    def rate(lists, references):
        pairs = zip(lists, references, strict=True)
        errors = [choose(words_off(said.split(), text.split()) for text in texts) for texts, said in pairs]
        return sum(errors) / sum(len(said.split()) for said in references)

    return rate


def one_step(highest=1000):
    clips = [features(read_audio(each.path)) for each in load_corpus(MINI / "train-mini").utterances[::91]]
    return (max(highest, *(each.max() for each in clips)) - min(each.min() for each in clips)) / 255


def best_share(count):
    weights, top = checks._lstm_kernel(), 2 ** (count - 1) - 1
    shares = np.linspace(0.05, 1, 20)
    steps = shares * np.abs(weights).max() / top
    errors = [np.mean((np.clip(np.round(weights / s), -top, top) * s - weights) ** 2) for s in steps]
    return shares[int(np.argmin(errors))]


def one_batch(order):
    clips = [features(read_audio(each.path)) for each in REAL[:20]]
    batch = [x[:100] for x in clips if len(x) >= 100][:8][::order]
    return np.array([model().log_probs(x) for x in batch])


def telephone(samples, rng):
    from scipy.signal import butter, sosfiltfilt

    edges = rng.uniform(300, 600), rng.uniform(2100, 2700)
    return augment.limit(sosfiltfilt(butter(3, edges, "bandpass", fs=16000, output="sos"), samples))


def with_language_model():
    fusion = decoding.Fusion(estimate([each.text for each in load_corpus(MINI / "train-mini")]), weight=0.6)
    return lambda log_probs: decoding.beam_search(log_probs, 8, fusion=fusion)[0].text


@cache
def sent_back(limit):
    highest = [max(doubts(model().audio_log_probs(read_audio(each.path)), each.text)) for each in UNHEARD]
    return float(np.mean([each > limit for each in highest]))


@cache
def by_language_model():
    texts = [each.text for each in UNHEARD]
    spelt = [model().transcribe(read_audio(each.path), decoding.default_decoder()) for each in UNHEARD]
    change, ends = paired_difference(word_errors(texts, heard(UNHEARD)), word_errors(texts, spelt))
    return [change, *ends]


def mean_over(axis):
    return lambda ears, x: decoding.greedy(np.mean([ear.log_probs(x) for ear in ears], axis=axis))


def count_sentences(rules, text="{sentence}"):
    slots = re.findall(r"{(\w+)}", text)
    return math.prod(sum(count_sentences(rules, each) for each in rules[slot]) for slot in slots)


def count_otherwise(together):
    """As above, with the slots of a line put together in another way."""

    def count(rules, text="{sentence}"):
        slots = re.findall(r"{(\w+)}", text)
        return together(sum(count(rules, each) for each in rules[slot]) for slot in slots) if slots else 1

    return count


def fold(text, alphabet):
    bare = ((c, unicodedata.normalize("NFD", c)[0]) for c in text)
    return "".join(b if c not in alphabet.characters and b in alphabet.characters else c for c, b in bare)


OURS, TINY, MOON = "ours + language model", "Whisper tiny.en", "Moonshine tiny"


def errors(system, corpus):
    log = json.loads((data_dir().parent / "benchmarks" / "pretrained.json").read_text())
    row = next(row for row in log["systems"] if row["name"] == system)
    said = load_corpus(data_dir() / ("real" if corpus == "people" else "mini/test-mini")).utterances
    texts = [[spoken(text) for text in each] for each in ([clip.text for clip in said], row["texts"][corpus])]
    return word_errors(*texts).errors


def spoken_words():
    return sum(len(each.text.split()) for each in load_corpus(data_dir() / "real"))


def token_starts(looks):
    """The best of all ways, by trying them: for each token and frame, where the token began."""
    rows, frames = looks.shape
    best, began = np.full((rows, frames), -np.inf), np.zeros((rows, frames), int)
    best[0] = np.cumsum(looks[0])
    for row in range(1, rows):
        for frame in range(row, frames):
            ways = best[row - 1, :frame] + looks[row].cumsum()[frame] - looks[row].cumsum()[:frame]
            best[row, frame], began[row, frame] = ways.max(), ways.argmax() + 1
    starts, frame = [], frames - 1
    for row in reversed(range(rows)):
        starts.append(began[row, frame])
        frame = began[row, frame] - 1
    return starts[::-1]


# exercise → a right answer, and wrong ones with a word of the hint that fits; functions are called, to be computed late
def late(function, *arguments):
    return lambda: function(*arguments)


CASES = {
    "00.1": (
        late(wer, UNHEARD[:8]),
        {
            late(wer, UNHEARD): "first eight",
            lambda: 100 * wer(UNHEARD[:8]): "percent",
            lambda: 0.01: "too low",
        },
    ),
    "00.2": (
        lambda: model().transcribe(READER[::-1].copy()),
        {
            lambda: model().transcribe(READER): "forwards",
            lambda: model().transcribe(READER)[::-1]: "Turn the sound",
            lambda: "HELLO": "something else",
        },
    ),
    "00.3": (
        lambda: 9_600_000,
        {lambda: 160_000: "minutes", lambda: 19_200_000: "bytes", lambda: 600: "sample rate"},
    ),
    "01.1": (
        lambda: flac_share(
            INTEGERS + np.random.default_rng(7).integers(0, 64, len(INTEGERS)).astype("int16")
        ),
        {lambda: flac_share(INTEGERS): "empty", lambda: 0.9: "too high"},
    ),
    "01.2": (
        lambda: bits(np.diff(INTEGERS.astype(int) // 64, n=4)),
        {lambda: bits(np.diff(INTEGERS.astype(int) // 64, n=2)): "straight line", lambda: 1.0: "too low"},
    ),
    "01.3": (
        lambda: lambda busy, idle, audio: audio / 60 / (busy - idle),
        {
            lambda: lambda busy, idle, audio: audio / 60 / busy: "start of the worker",
            lambda: lambda busy, idle, audio: audio / 3600 / (busy - idle): "in a second of work",
            lambda: lambda busy, idle: 0: "TypeError",
            lambda: lambda *_: None: "`return`",
        },
    ),
    "02.1": (
        sharp_frames,
        {
            late(sharp_frames, 0): "pauses",
            lambda: np.flatnonzero(sharp_frames()) + 1: "off by one",
            lambda: np.flatnonzero(sharp_frames()) * 160: "samples",
            lambda: np.flatnonzero(sharp_frames()) / 100: "seconds",
            lambda: ~sharp_frames(): "most frames of an S",
        },
    ),
    "02.2": (
        lambda: int(np.sum(mel_to_hz(np.linspace(0, 45.245640471924965, 82))[1:-1] < 1000)),
        {lambda: 10: "equally wide", lambda: 32: "FFT", lambda: 70: "too high"},
    ),
    "02.3": (
        lambda: min(n for n in (40, 20, 10, 5) if checks._share_right(n) >= 0.5),
        {lambda: 40: "fewer", lambda: 5: "less than half", lambda: 30: "one of 40"},
    ),
    "03.1": (
        late(band, 300, 3400),
        {
            late(band, 20, 3400): "below 300",
            late(band, 300, 7900): "above 3400",
            late(band, 3400, 7000): "passes is gone",
            lambda: 4 * band(300, 3400): "louder",
            lambda: np.roll(band(300, 3400), 40): "later",
        },
    ),
    "03.2": (lambda: "babble", {lambda: "white": "more harm", lambda: "rain": "one of"}),
    "03.3": (
        lambda: 0.5 * 0.9 * 0.9 * 0.8 * 0.9 * 0.98 * 0.95,
        {lambda: 0.729: "something happens", lambda: -0.07: "add up", lambda: 27.1: "percent"},
    ),
    "04.1": (
        lambda: padding(np.sort(LENGTHS)),
        {lambda: 1 - padding(np.sort(LENGTHS)): "speech", late(padding, LENGTHS): "sort"},
    ),
    "04.2": (
        lambda: (2.5, 24.0),
        {
            lambda: (2.5, 0.4): "second",
            lambda: (2.5, 150): "fewer",
            lambda: 24: "2 numbers",
            lambda: (0, 1): "in seconds",
        },
    ),
    "04.3": (
        lambda: 203.2,
        {
            lambda: 203.2e6: "million",
            lambda: 50.8: "four bytes",
            lambda: 406.4: "waveforms",
            lambda: 2.032: "100 frames",
        },
    ),
    "05.1": (
        lambda: (1, np.prod(np.random.default_rng(4).dirichlet(np.ones(4), size=5)[:, 3])),
        {lambda: (32, 0.001): "too high", lambda: (1, 1 / 1024): "equally probable", lambda: 1: "2 numbers"},
    ),
    "05.2": (
        lambda: 12,
        {lambda: 9: "equal ones", lambda: 19: "states", lambda: 48: "pooling", lambda: 11: "too low"},
    ),
    "05.3": (
        doubt,
        {late(doubt, 0.01): "pooling", late(doubt, 1): "the frame", lambda: 99.0: "another letter"},
    ),
    "06.1": (
        lambda: (0.4, 0.1),
        {lambda: (0.1, 0.4): "widens", lambda: (0.3, 0.3): "same run", lambda: (90, 1): "size"},
    ),
    "06.2": (lambda: "LJCJTUJTKT", {lambda: TEST[0].text: "has been trained", lambda: "hm": "cannot write"}),
    "06.3": (
        lambda: max(gains()),
        {lambda: gains()[-1]: "last epoch", lambda: max(gains()) / 100: "points", lambda: 40: "too high"},
    ),
    "07.1": (lambda: 0.7071, {lambda: 0.5: "greedy", lambda: 70.71: "percent", lambda: 0.8: "too high"}),
    "07.2": (
        late(oracle, min),
        {
            late(oracle, next): "first text",
            late(oracle, max): "too high",
            lambda: lambda a, b: 1 / 8: "all words",
        },
    ),
    "07.3": (
        lambda: lambda words: np.mean([word.confidence for word in words]) > 0.5,
        {
            lambda: lambda words: True: "every text",
            lambda: lambda words: False: "no text",
            lambda: lambda words: np.mean([word.confidence for word in words]) < 0.5: "coin",
        },
    ),
    "08.1": (
        one_step,
        {lambda: 1000 / 127: "both sides", late(one_step, 0): "without the click", lambda: 9.0: "too high"},
    ),
    "08.2": (
        late(best_share, 3),
        {late(best_share, 8): "8 bits", lambda: 1.0: "whole maximum", lambda: 10.1: "in dB"},
    ),
    "08.3": (
        lambda: (6 / 255, -43),
        {
            lambda: (6 / 256, -43): "255 steps",
            lambda: (6 / 255, 85): "uint8",
            lambda: (6 / 255, -213): "sign",
            lambda: (4 / 127, 0): "both sides",
        },
    ),
    "09.1": (
        late(mean_over, 0),
        {
            lambda: lambda ears, x: decoding.greedy(ears[1].log_probs(x)): "not listened to",
            late(mean_over, 1): "axis 0",
        },
    ),
    "09.2": (
        late(one_batch, 1),
        {late(one_batch, -1): "not the answers", lambda: np.zeros((1, 25, 29)): "8 × 25"},
    ),
    "09.3": (
        lambda: {"features": 0.2, "network": 1.0, "decoding": 0.01},
        {
            lambda: {"features": 0.0002, "network": 0.001, "decoding": 0.00001}: "milliseconds",
            lambda: {"network": 1.0}: "keys",
            lambda: {"features": 0.2, "network": 1.0, "decoding": 1.1}: "once more",
        },
    ),
    "10.1": (
        lambda: int(np.sum((errors(OURS, "harbour") == 0) & (errors(TINY, "harbour") > 0))),
        {
            lambda: int(np.sum(errors(OURS, "harbour") == 0)): "without an error. And",
            lambda: 1: "too low",
        },
    ),
    "10.2": (
        lambda: np.minimum(errors(TINY, "people"), errors(MOON, "people")).sum() / spoken_words(),
        {
            lambda: min(errors(TINY, "people").sum(), errors(MOON, "people").sum()) / spoken_words(): "anew",
            lambda: int(np.minimum(errors(TINY, "people"), errors(MOON, "people")).sum()): "rate",
        },
    ),
    "10.3": (
        lambda: token_starts,
        {
            lambda: lambda looks: looks.argmax(axis=1): "begin",
            lambda: lambda looks: range(len(looks)): "better way",
            lambda: lambda looks: [1] * len(looks): "frame 0",
            lambda: 3: "function",
        },
    ),
    "11.1": (
        lambda: count_sentences,
        {
            lambda: lambda rules: 0: "one sentence",
            late(count_otherwise, sum): "goes with each",
            lambda: lambda rules: math.prod(map(len, rules.values())): "one sentence",
            lambda: lambda: 0: "TypeError",
        },
    ),
    "11.2": (
        lambda: fold,
        {
            lambda: lambda text, alphabet: unicodedata.normalize("NFD", text): "left over",
            lambda: lambda text, alphabet: checks._bare(text): "must stay",
            lambda: (
                lambda text, alphabet: "".join(c for c in text if c in alphabet.characters)
            ): "becomes 'CAF'",
            lambda: lambda text, alphabet: text: "becomes 'CAFÉ'",
        },
    ),
    "11.3": (
        lambda: 257,
        {
            lambda: 256: "bias",
            lambda: 129: "both directions",
            lambda: 1028: "bytes",
            lambda: 9999: "too high",
        },
    ),
    "12.1": (
        late(sent_back, 2),
        {
            late(sent_back, MOST_DOUBT): "MOST_DOUBT",
            lambda: 28 * sent_back(2): "how many",
            lambda: 0.99: "high",
        },
    ),
    "12.2": (
        lambda: int(np.ceil(OLD / 3 / NEW)),
        {
            lambda: int(np.ceil(OLD / 4 / NEW)): "a fifth",
            lambda: OLD / 3 / NEW: "whole number",
            lambda: int(np.ceil(OLD / 3 / sum(each.seconds for each in UNHEARD))): "all 28",
        },
    ),
    "12.3": (
        lambda: [100 * each for each in by_language_model()],
        {
            by_language_model: "fractions",
            lambda: [-100 * by_language_model()[0], 0, 0]: "the sign",
            lambda: [100 * by_language_model()[0], -99, 0]: "too low",
            lambda: -20: "3 numbers",
        },
    ),
    "13.1": (
        lambda: (9 / 7, 6 / 7, 6 / 7),
        {
            lambda: (3 / 7, 2 / 7, 2 / 7): "still divided by 3",
            lambda: (1, 1, 1): "equal weights",
            lambda: (3, 2, 2): "how many rows",
            lambda: (7 / 9, 7 / 6, 7 / 6): "the other way round",
            lambda: (6 / 7, 6 / 7, 9 / 7): "worker 0 takes",
            lambda: (1.5, 0.75, 0.75): "too high",
            lambda: (9 / 7, 6 / 7): "3 numbers",
        },
    ),
    "13.2": (
        lambda: 1000 * 2 * 7 / 8 * 25.4e6 * 8 / 10e9,
        {
            lambda: 1000 * 2 * 7 / 8 * 25.4e6 / 10e9: "bytes and bits",
            lambda: 25.4 * 8 / 10: "nearly twice as much",
            lambda: 2 * 25.4 * 8 / 10: "its own",
            lambda: 99: "too high",
        },
    ),
    "13.3": (
        lambda: 4,
        {lambda: 2: "took no time", lambda: 3: "not yet", lambda: 8: "too high", lambda: 0: "too low"},
    ),
    "effect": (
        lambda: telephone,
        {
            lambda: lambda samples, rng: samples: "one recording more",
            lambda: lambda samples, rng: samples * np.float32(rng.uniform(0.5, 1)): "too mild",
            lambda: lambda samples, rng: augment.noise(samples / 9, -5, rng): "too strong",
            lambda: lambda samples, rng: samples + rng.normal(size=len(samples)): "float32",
            lambda: lambda samples, rng: samples[1:]: "shape",
        },
    ),
    "decoder": (
        with_language_model,
        {lambda: decoding.greedy: "half of the errors", lambda: lambda x: 3: "text"},
    ),
    "language": (
        None,
        {
            lambda: (shipped_model(), MINI / "test-mini"): "English",
            lambda: shipped_model(): "two paths",
            lambda: ("nowhere.onnx", MINI): "no such file",
            lambda: (1, 2): "*paths*",
        },
    ),
    "model": (None, {shipped_model: "MB", lambda: "nowhere.tflite": "no such file", lambda: 3: "path"}),
}


def test_every_exercise_has_its_cases():
    assert CASES.keys() == checks.JUDGES.keys()


@pytest.mark.parametrize("number", [number for number, (right, _) in CASES.items() if right])
def test_a_right_answer(number):
    right, words = checks.verdict(number, CASES[number][0]())
    assert right, words
    assert words.endswith(".")


@pytest.mark.parametrize("number", CASES)
def test_a_wrong_answer_gets_the_hint_that_fits(number):
    for wrong, hint in CASES[number][1].items():
        right, words = checks.verdict(number, wrong())
        assert not right and hint in words, f"{words!r} instead of {hint!r}"


@pytest.mark.parametrize("number", CASES)
def test_nonsense_gets_a_line_too(number):
    for answer in NONSENSE:
        right, words = checks.verdict(number, answer)
        assert not right and words and "\n" not in words, answer


def test_no_hint_tells_a_number_that_is_the_answer():
    for number, (right, wrongs) in CASES.items():
        choice = number == "02.3"  # of four numbers, which the hint repeats
        value = right() if right and not choice and number not in ("effect", "decoder") else None
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            told = [checks.verdict(number, wrong())[1] for wrong in wrongs]
            assert not any(re.search(rf"\b{re.escape(f'{value:g}')}\b", words) for words in told), number


def test_a_model_of_ones_own(tmp_path, monkeypatch):
    path = tmp_path / "mine.onnx"
    path.write_bytes(b"0" * 1000)
    monkeypatch.setattr(checks.Recognizer, "load", lambda path: model_that_hears(1.0))
    assert checks.verdict("model", path)[0]
    monkeypatch.setattr(checks.Recognizer, "load", lambda path: model_that_hears(0.5))
    assert "the most" in checks.verdict("model", path)[1]


def test_a_language_of_ones_own(monkeypatch):
    for share, said in ((1.0, "WER 0.0% with the letters"), (0.5, "25% is the most")):
        monkeypatch.setattr(
            checks.Recognizer, "load", lambda path, share=share: model_that_hears(share, GERMAN)
        )
        assert said in checks.verdict("language", ("a.onnx", MINI / "test-mini"))[1]
    monkeypatch.setattr(checks, "load_corpus", lambda folder, alphabet: Corpus(TEST[:9], []))
    assert "luck decides" in checks.verdict("language", ("a.onnx", MINI / "test-mini"))[1]


def model_that_hears(share, its_alphabet=ENGLISH):
    """Stand in for a recogniser that gets a share of the test clips right and is silent at the others."""
    texts = iter([each.text if place < share * len(TEST) else "" for place, each in enumerate(TEST)] * 9)

    class Heard:
        alphabet = its_alphabet
        transcribe = staticmethod(lambda samples: next(texts))

    return Heard


def test_the_line_that_a_learner_sees(capsys):
    checks.check("05.2", ...)
    checks.check("05.2", 9)
    checks.check("05.2", 12)
    nothing, wrong, right = capsys.readouterr().out.splitlines()
    assert "nothing here yet" in nothing
    assert wrong.startswith("05.2 ✘") and right.startswith("05.2 ✔ right")
    with pytest.raises(ValueError, match=r"no exercise is called '5\.2'; there are 00\.1"):
        checks.check("5.2", 12)


def test_checks_need_no_tensorflow():
    code = "import asr_helpers.checks as c, sys; c.verdict('00.1', 0.4); c.verdict('08.2', 0.2)"
    code += "; print('tensorflow' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
