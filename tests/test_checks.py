"""Every exercise takes a right answer, hints at a wrong one, and survives nonsense; no answer is given away."""

import json
import math
import re
import subprocess
import sys
import tempfile
import unicodedata
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile

from asr_helpers import teaching
from asr_helpers.corpus import Corpus, data_dir, load_corpus
from asr_helpers.own_data import spoken
from asr_helpers.recognizer import Recognizer, shipped_model
from asr_helpers.sound import effects, features, mel_filterbank, num_frames, play_back, power_spectrogram, read_audio
from asr_helpers.teaching.checks import capstones, judging, nb14
from asr_helpers.text import ENGLISH, Alphabet
from asr_helpers.words import (
    MISSING_THRESHOLD,
    Fusion,
    beam_search,
    default_decoder,
    estimate,
    greedy,
    paired_difference,
    pronunciation_scores,
    word_errors,
)

pytestmark = pytest.mark.slow

GERMAN = Alphabet(" 'ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÜ")
MINI = data_dir() / "mini"
TEST = load_corpus(MINI / "test-mini").utterances
REAL = load_corpus(data_dir() / "real").utterances
UNHEARD = [each for each in TEST if each.speaker == "9007"]
FRAMES = [num_frames(each.samples) for each in load_corpus(MINI / "dev-mini").utterances]
READER = read_audio(next(each for each in REAL if each.id == "672-122797-0069").path)
BULLETIN = read_audio(next(each for each in TEST if each.id == "9002-1-0002").path)
# the frames of 5105-28240-0017 that have most of their power above 3000 Hz, and frames of its pauses that do
SHARP_RANGES = [(54, 63), (96, 99), (100, 101), (102, 107), (109, 115), (147, 158), (190, 202), (208, 219), (414, 415)]
SHARP = np.concatenate([np.arange(*each) for each in [*SHARP_RANGES, (512, 523)]])
SHARP_PAUSES = [160, 162, 163, 511]
INTEGERS = soundfile.read(next(each for each in TEST if each.speaker == "9002").path, dtype="int16")[0]
STEPS = INTEGERS.astype(int) // 64
NOISE = np.random.default_rng(0).integers(0, 64, len(INTEGERS)).astype(np.int16)
NONSENSE = (None, ..., "", "seven", -1e9, float("nan"), [], [1, 2, 3], {}, object(), len, np.zeros((2, 3)), True)


@cache
def model():
    return Recognizer.load(shipped_model())


def heard(clips):
    return [model().transcribe(read_audio(each.path)) for each in clips]


def batches_of(lengths, size=14):
    return [lengths[start : start + size] for start in range(0, len(lengths), size)]


def ids(folder, suffix):
    return {path.stem for path in folder.rglob(f"*{suffix}")}


def unmatched(folder):
    lines = [line for path in folder.rglob("*.txt") for line in path.read_text().splitlines()]
    return ids(folder, ".flac") ^ {line.split()[0] for line in lines}


def tone(hertz=440.0, seconds=2, rate=16000):
    return 0.3 * np.sin(2 * np.pi * hertz * np.arange(seconds * rate) / rate)


def band(low, high):
    from scipy.signal import butter, sosfiltfilt

    sections = butter(4, [low, high], "bandpass", fs=16000, output="sos")
    return lambda samples: sosfiltfilt(sections, samples)


def time_mask(fill=0.001, share=0.2, width=None, start=None, copy=True):
    def mask(picture, rng):
        covered = picture.copy() if copy else picture
        frames = width or rng.integers(1, int(share * len(picture)) + 1)
        first = rng.integers(0, len(picture) - frames) if start is None else start
        covered[first : first + frames] = fill
        return covered

    return mask


def chances(augmenter):
    return [value for name, value in vars(augmenter).items() if name.endswith("_probability")]


def left_alone(augmenter):
    return math.prod(1 - chance for chance in chances(augmenter))


def shared(rows, workers):
    return np.array([rows // workers + (rank < rows % workers) for rank in range(workers)])


def twice_as_fast(computing, gigabits):
    """The closed form: c/N + 2(N - 1)/N s <= c/2, with s the seconds to send all gradients once."""
    spare = computing / 2 - 2 * 0.20288 / gigabits
    workers = math.ceil((computing - 2 * 0.20288 / gigabits) / spare) if spare > 0 else 0
    return workers if workers <= 64 else 0


def words_off(a, b):
    row = list(range(len(b) + 1))
    for i, left in enumerate(a, start=1):
        above, row = row, [i]
        for j, right in enumerate(b, start=1):
            row.append(min(above[j] + 1, row[-1] + 1, above[j - 1] + (left != right)))
    return row[-1]


def oracle(choose):
    def rate(lists, references):
        both = zip(lists, references, strict=True)
        errors = [choose(words_off(said.split(), text.split()) for text in texts) for texts, said in both]
        return sum(errors) / sum(len(said.split()) for said in references)

    return rate


def one_batch(order):
    clips = [features(read_audio(each.path)) for each in REAL[:20]]
    batch = [x[:100] for x in clips if len(x) >= 100][:8][::order]
    return np.array([model().log_probs(x) for x in batch])


def telephone(samples, rng):
    from scipy.signal import butter, sosfiltfilt

    edges = rng.uniform(300, 600), rng.uniform(2100, 2700)
    return effects.limit(sosfiltfilt(butter(3, edges, "bandpass", fs=16000, output="sos"), samples))


def with_language_model():
    fusion = Fusion(estimate([each.text for each in load_corpus(MINI / "train-mini")]), weight=0.6)
    return lambda log_probs: beam_search(log_probs, 8, fusion=fusion)[0].text


@cache
def fractions_right():
    clips = [each for each in TEST if each.speaker == "9002"][:4]
    powers = [power_spectrogram(read_audio(each.path)) for each in clips]
    sounds = {
        bins: [play_back(each @ mel_filterbank(bins), 400, 160, 512) for each in powers] for bins in (40, 20, 10, 5)
    }
    texts = {bins: [model().transcribe(each) for each in those] for bins, those in sounds.items()}
    return {bins: 1 - word_errors([each.text for each in clips], those).rate for bins, those in texts.items()}


@cache
def sent_back(limit):
    highest = [max(pronunciation_scores(model().audio_log_probs(read_audio(each.path)), each.text)) for each in UNHEARD]
    return float(np.mean([each > limit for each in highest]))


@cache
def by_language_model():
    texts = [each.text for each in UNHEARD]
    spelt = [model().transcribe(read_audio(each.path), default_decoder()) for each in UNHEARD]
    change, ends = paired_difference(word_errors(texts, heard(UNHEARD)), word_errors(texts, spelt))
    return [change, *ends]


def calibrated(spectrograms):
    low, high = min(each.min() for each in spectrograms), max(each.max() for each in spectrograms)
    return (high - low) / 255, round(-128 - low * 255 / (high - low))


def best_share(matrix, bits):
    top, shares = 2 ** (bits - 1) - 1, np.linspace(0.05, 1, 39)
    steps = shares * np.abs(matrix).max() / top
    errors = [np.mean((np.clip(np.round(matrix / step), -top, top) * step - matrix) ** 2) for step in steps]
    return shares[np.argmin(errors)]


def mean_over(axis):
    return lambda ears, x: greedy(np.mean([ear.log_probs(x) for ear in ears], axis=axis))


def count_sentences(rules, text="{sentence}"):
    slots = re.findall(r"{(\w+)}", text)
    return math.prod(sum(count_sentences(rules, each) for each in rules[slot]) for slot in slots)


def count_otherwise(together):
    """As above, with the slots of a line put together in another way."""

    def count(rules, text="{sentence}"):
        slots = re.findall(r"{(\w+)}", text)
        return together(sum(count(rules, each) for each in rules[slot]) for slot in slots) if slots else 1

    return count


def bare(text):
    return "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))


def fold(text, alphabet):
    bare = ((c, unicodedata.normalize("NFD", c)[0]) for c in text)
    return "".join(b if c not in alphabet.characters and b in alphabet.characters else c for c, b in bare)


def harbour_errors(system):
    """The errors of a system in benchmarks/pretrained.json, sentence by sentence."""
    log = json.loads((data_dir().parent / "benchmarks" / "pretrained.json").read_text())
    (heard,) = (row["texts"]["harbour"] for row in log["systems"] if row["name"] == system)
    return word_errors([spoken(each.text) for each in TEST], [spoken(text) for text in heard]).errors


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


def run_folder(epochs=6, **config):
    """Return the folder of a run as `train` leaves it, as far as the judge reads it."""
    folder = Path(tempfile.mkdtemp())
    config = {"train": "dev-mini", "lstm_units": 32, "augmenter": None, "spec_augment": None} | config
    state = {"config": config, "history": [{"loss": 2.9, "val_loss": 3.2}] * epochs}
    (folder / "state.json").write_text(json.dumps(state))
    return folder


def clip_together(gradients, bound):
    norm = np.sqrt(sum(np.sum(each**2) for each in gradients))
    return [each * min(1, bound / norm) for each in gradients]


class Late:
    """An answer that is computed when it is needed, and not when the tests are collected."""

    def __init__(self, function, *arguments, **more):
        self.function, self.arguments, self.more = function, arguments, more


def answer(given):
    return given.function(*given.arguments, **given.more) if isinstance(given, Late) else given


PAGE_LINES = {
    "hz_to_mel": "15 + (Math.log(hz / 1000) * 27) / Math.log(6.4)",
    "mel_to_hz": "1000 * Math.exp(((mel - 15) * Math.log(6.4)) / 27)",
    "hann": "0.5 - 0.5 * Math.cos((2 * Math.PI * i) / window)",
    "triangle": "Math.min((hz - low) / (middle - low), (high - hz) / (high - middle)) * 2 / (high - low)",
}


def in_bytes(x):
    low, high = min(0.0, float(x.min())), max(0.0, float(x.max()))
    step = (high - low) / 255 or 1.0
    zero = np.rint(-low / step)
    return np.clip(np.rint(x / step), -zero, 255 - zero), step


def a_third(x):
    n = np.arange(-36, 37)
    low_pass = np.sinc(n / 3) * (0.54 + 0.46 * np.cos(np.pi * n / 36))
    return np.convolve(x, low_pass / low_pass.sum(), "same")[::3]


# Readings of one sentence, and the words that are black after each. The judge of 14.1 must agree with them.
AGREED = [
    (["I", "I SEE", "I SEE A", "I SEE A SHIP"], ["", "I", "I SEE", "I SEE A"]),
    (["I SEE", "EYES SEA", "EYES SEA A"], ["", "", "EYES SEA"]),  # the second word waits for the first
    (["A B", "A B", "C D E", "C D E"], ["", "A B", "A B", "A B E"]),  # what is black stays, whatever is read later
    (["A B", "A", "A B", "A B"], ["", "A", "A", "A B"]),
    (["", "A", "", "A", "A"], ["", "", "", "", "A"]),
    (["A B C", "A X C", "A X C"], ["", "A", "A X C"]),
]


def black_words(updates):
    """Return the right answer to 14.1: behind what is black, as far as an update equals the one before."""
    shown, black = [], []
    for before, words in pairwise([[], *updates]):
        alike = len(black)
        while words[alike : alike + 1] and words[alike : alike + 1] == before[alike : alike + 1]:
            alike += 1
        black = [*black, *words[len(black) : alike]]
        shown.append(black)
    return shown


def boosted_by(factor, place=-1):
    """Return an answer to 14.3 that boosts the n-grams whose word at `place` is the hotword."""

    def boost(grams, word, nats):
        larger = {(word,): (-5.5, 0.0), **grams}
        return {
            gram: (log10 + factor * nats * (gram[place] == word), backoff) for gram, (log10, backoff) in larger.items()
        }

    return boost


# {exercise: (a right answer, [(a wrong answer, words of the hint that fits)])}. Numbers are literals, computed once
# from the corpora and the logs. What the shipped int8 model hears may differ by a word between CPUs, and is computed.
CASES = {
    "00.1": (
        Late(heard, UNHEARD[:8]),
        [
            (Late(heard, UNHEARD), "first eight"),
            (Late(heard, TEST[:8]), "another speaker"),
            ([each.text for each in UNHEARD[:8]], "what was said"),
            (["NO"] * 8, "something else"),
        ],
    ),
    "00.2": (
        Late(lambda: model().transcribe(READER[::-1].copy())),
        [
            (Late(lambda: model().transcribe(READER)), "forwards"),
            (Late(lambda: model().transcribe(READER)[::-1]), "Reverse the sound"),
            ("HELLO", "something else"),
        ],
    ),
    "00.3": (
        tone(),
        [
            (tone(rate=44100), "a CD"),
            (tone(seconds=1), "last 1.00 s"),
            (4 * tone(), "leaves"),
            (tone(440 / (2 * np.pi)), "2π"),
            (tone(880), "at 880 Hz"),
            (np.sign(tone()), "not pure"),
            (np.stack([tone(), tone()]), "one channel"),
        ],
    ),
    "01.1": (
        INTEGERS + NOISE,
        [
            (INTEGERS, "still empty"),
            ((INTEGERS + NOISE).astype(int), "astype"),
            (INTEGERS + 2 * NOISE, "upper ten bits"),
            (INTEGERS + NOISE // 2, "are missing"),
            (INTEGERS + np.sort(NOISE), "predicted"),
        ],
    ),
    "01.2": (
        np.diff(STEPS, n=4),
        [
            (np.diff(STEPS, n=2), "straight line"),
            (np.diff(STEPS, n=3), "one step too short"),
            (STEPS[4:] - np.diff(STEPS, n=4), "the predictions"),
            (STEPS, "leave them out"),
            (STEPS[4:], "other errors"),
            (STEPS[9:], "one for each sample"),
        ],
    ),
    "01.3": (
        unmatched,
        [
            (lambda folder: unmatched(folder) & ids(folder, ".flac"), "lines without a sound"),
            (lambda folder: unmatched(folder) - ids(folder, ".flac"), "sounds without a line"),
            (lambda folder: {"1-1-0003.flac"}, "`path.stem`"),
            (lambda folder: unmatched(folder) - {"2-1-0001"}, "every folder"),
            (lambda folder: ids(folder, ".flac"), "have both"),
            (lambda folder: len(unmatched(folder)), "a set of ids"),
            (lambda *_: None, "`return`"),
        ],
    ),
    "02.1": (
        SHARP,
        [
            ([*SHARP, *SHARP_PAUSES], "pauses"),
            (SHARP + 1, "off by one"),
            (SHARP * 160, "samples"),
            (SHARP / 100, "seconds"),
            (np.setdiff1d(np.arange(567), SHARP), "most frames of an S"),
            (3, "one True or False"),
            ("s", "one True or False"),
        ],
    ),
    "02.2": (
        mel_filterbank,
        [
            (lambda bins: mel_filterbank(bins).T, "transposed"),
            (lambda bins: mel_filterbank(bins + 2), "two columns too many"),
            (lambda bins: mel_filterbank(bins) / mel_filterbank(bins).max(axis=0), "area 1"),
            (lambda bins: np.eye(257)[:, np.linspace(0, 256, bins + 2)[1:-1].astype(int)], "equal in Hz"),
            (lambda bins: np.roll(mel_filterbank(bins), 30, axis=0), "other triangles"),
            (26, "a function is wanted"),
        ],
    ),
    "02.3": (
        Late(fractions_right),
        [
            (Late(lambda: {bins: 1 - share for bins, share in fractions_right().items()}), "was wrong"),
            (Late(lambda: {bins: 100 * share for bins, share in fractions_right().items()}), "percent"),
            ({20: 0.5}, "its keys"),
            (20, "a dictionary"),
        ],
    ),
    "03.1": (
        band(300, 3400),
        [
            (band(20, 3400), "below 300"),
            (band(300, 7900), "above 3400"),
            (band(3400, 7000), "passes is gone"),
            (lambda samples: 4 * band(300, 3400)(samples), "louder"),
            (lambda samples: np.roll(band(300, 3400)(samples), 40), "later"),
            (BULLETIN, "a function"),
        ],
    ),
    "03.2": (
        time_mask(),
        [
            (lambda picture, rng: picture, "nothing is covered"),
            (time_mask(fill=0), "padding"),
            (time_mask(fill=0.1), "must be 0.001"),
            (time_mask(share=0.5), "more than a fifth"),
            (time_mask(width=20), "equally long"),
            (time_mask(start=7), "same few places"),
            (time_mask(copy=False), "a copy"),
            (lambda picture, rng: time_mask()(picture, np.random.default_rng()), "second time"),
            (lambda picture, rng: time_mask()(picture.T.copy(), rng).T, "all its mel bins"),
            (lambda picture, rng: time_mask()(time_mask(share=0.09)(picture, rng), rng), "more than one stretch"),
        ],
    ),
    "03.3": (
        left_alone,
        [
            (lambda augmenter: 1 - left_alone(augmenter), "something happens"),
            (lambda augmenter: 1 - sum(chances(augmenter)), "add up"),
            (lambda augmenter: 100 * left_alone(augmenter), "percent"),
            (lambda augmenter: 0.27148, "too high"),
            (0.27148, "a function"),
        ],
    ),
    "04.1": (
        batches_of(np.sort(FRAMES)),
        [
            (batches_of(FRAMES), "sort the lengths"),
            (batches_of(np.sort(FRAMES), 16), "more than 14"),
            (batches_of(np.sort(FRAMES)[1:]), "your batches have"),
            (0.0748, "a list of batches"),
        ],
    ),
    "04.2": (
        lambda epoch, number: np.random.default_rng([1, epoch]).permutation(number),
        [
            (lambda epoch, number: np.random.permutation(number), "the second time"),
            (lambda epoch, number: np.random.default_rng(1).permutation(number), "depend on the epoch"),
            (lambda epoch, number: np.arange(number), "not random"),
            (lambda epoch, number: np.arange(1, number + 1), "must come once"),
            ([1, 0, 2], "a function"),
        ],
    ),
    "04.3": (
        lambda clips, seconds: clips * seconds * 0.032,
        [
            (lambda clips, seconds: clips * seconds * 32e3, "bytes"),
            (lambda clips, seconds: clips * seconds * 0.008, "four bytes"),
            (lambda clips, seconds: 203.2, "too high"),
            (203.2, "a function"),
        ],
    ),
    "05.1": (
        (1, 1.271e-4),
        [
            ((32, 0.001), "paths is too high"),
            ((0, 0), "paths is too low"),
            ((1, 0.001), "probability is too high"),
            ((1, 1 / 1024), "equally probable"),
            (1, "2 numbers"),
        ],
    ),
    "05.2": (12, [(9, "equal ones"), (19, "states"), (48, "pooling"), (11, "too low")]),
    "05.3": (2.32, [(0.58, "pooling"), (58, "the frame"), (99.0, "another letter")]),
    "06.1": (
        Late(run_folder),
        [
            (Late(run_folder, augmenter={}), "augmented"),
            (Late(run_folder, spec_augment={}), "masked"),
            (Late(run_folder, epochs=2), "2 epochs"),
            (Late(run_folder, lstm_units=128), "another network"),
            ("nowhere", "no run"),
            ((2, 1), "folder"),
        ],
    ),
    "06.2": (
        lambda history: min(history, key=lambda row: row["val_wer"])["epoch"],
        [
            (lambda history: history[-1]["epoch"], "last epoch"),
            (lambda history: min(history, key=lambda row: row["val_loss"])["epoch"], "validation loss"),
            (lambda history: 4, "fewer wrong words"),
            (lambda history: min(row["val_wer"] for row in history), "the row's `epoch`"),
            (4, "function"),
        ],
    ),
    "06.3": (
        clip_together,
        [
            (lambda gradients, bound: gradients, "unchanged"),
            (lambda gradients, bound: [each * bound / np.linalg.norm(each) for each in gradients], "one factor"),
            (lambda gradients, bound: [np.clip(each, -bound, bound) for each in gradients], "*number*"),
            (lambda gradients, bound: [each / 13 * bound for each in gradients], "a short gradient"),
            (lambda gradients, bound: [each / 2 for each in gradients], "6.5 long"),
            (lambda gradients, bound: 3, "a list"),
        ],
    ),
    "07.1": (
        lambda b: b * b > 0.5,
        [(lambda b: b > 0.5, "greedy"), (lambda b: b * b < 0.5, "other way"), (lambda b: b > 0.75, "b = 0.72")],
    ),
    "07.2": (oracle(min), [(oracle(next), "first text"), (oracle(max), "too high"), (lambda a, b: 1 / 8, "all words")]),
    "07.3": (
        lambda words: np.mean([word.confidence for word in words]) > 0.5,
        [
            (lambda words: True, "every text"),
            (lambda words: False, "no text"),
            (lambda words: np.mean([word.confidence for word in words]) < 0.5, "coin"),
        ],
    ),
    "08.1": (
        calibrated,
        [
            (lambda clips: calibrated(clips[:1]), "not of the first"),
            (lambda clips: (max(abs(each).max() for each in clips) / 127, 0), "never used"),
            (lambda clips: calibrated(clips)[::-1], "the scale: "),
            (lambda clips: (calibrated(clips)[0], 128 + calibrated(clips)[1]), "uint8"),
            (3.935, "function"),
        ],
    ),
    "08.2": (
        best_share,
        [
            (lambda matrix, bits: 1.0, "whole maximum"),
            (lambda matrix, bits: best_share(matrix, 8), "3 bits, another share"),
            (lambda matrix, bits: best_share(matrix, 3), "6 bits, another share"),
            (lambda matrix, bits: 10.1, "in dB"),
            (0.2, "function"),
        ],
    ),
    "08.3": (
        (6 / 255, -43),
        [
            ((6 / 256, -43), "255 steps"),
            ((6 / 255, 85), "uint8"),
            ((6 / 255, -213), "sign"),
            ((4 / 127, 0), "never used"),
            ((0.03, -43), "the scale: too high"),
            ((6 / 255, -42), "the zero point: too high"),
            ((-43, 6 / 255), "swapped"),
        ],
    ),
    "09.1": (mean_over(0), [(lambda ears, x: greedy(ears[1].log_probs(x)), "ignores one"), (mean_over(1), "axis 0")]),
    "09.2": (Late(one_batch, 1), [(Late(one_batch, -1), "not the outputs"), (np.zeros((1, 25, 29)), "8 × 25")]),
    "09.3": (
        {"features": 0.2, "network": 1.0, "decoding": 0.01},
        [
            ({"features": 0.0002, "network": 0.001, "decoding": 0.00001}, "milliseconds"),
            ({"network": 1.0}, "keys"),
            ({"features": 0.2, "network": 1.0, "decoding": 1.1}, "network again"),
        ],
    ),
    "10.1": (
        Late(
            lambda: np.less(harbour_errors("ours + language model"), np.minimum(1, harbour_errors("Whisper tiny.en")))
        ),
        [
            (Late(lambda: harbour_errors("ours + language model") == 0), "without an error. And"),
            (Late(lambda: harbour_errors("Whisper tiny.en") > 0), "ours does not"),
            (53, "which"),
            ([False] * 93, "shape"),
            ([True] * 94, "are wrong"),
        ],
    ),
    "10.2": (
        lambda first, second, words: sum(map(min, first, second)) / sum(words),
        [
            (lambda first, second, words: min(sum(first), sum(second)) / sum(words), "for each clip"),
            (lambda first, second, words: sum(map(min, first, second)), "divides"),
            (lambda first, second, words: np.mean(np.minimum(first, second) / words), "mean of the clips"),
            (0.0339, "function"),
        ],
    ),
    "10.3": (
        token_starts,
        [
            (lambda looks: looks.argmax(axis=1), "begin"),
            (lambda looks: range(len(looks)), "better way"),
            (lambda looks: [1] * len(looks), "frame 0"),
            (3, "function"),
        ],
    ),
    "11.1": (
        count_sentences,
        [
            (lambda rules: 0, "one sentence"),
            (count_otherwise(sum), "goes with each"),
            (lambda rules: math.prod(map(len, rules.values())), "one sentence"),
            (lambda: 0, "TypeError"),
        ],
    ),
    "11.2": (
        fold,
        [
            (lambda text, alphabet: unicodedata.normalize("NFD", text), "left over"),
            (lambda text, alphabet: bare(text), "must stay"),
            (lambda text, alphabet: "".join(c for c in text if c in alphabet.characters), "becomes 'CAF'"),
            (lambda text, alphabet: text, "becomes 'CAFÉ'"),
        ],
    ),
    "11.3": (
        lambda units: 2 * units + 1,
        [
            (lambda units: 2 * units, "bias"),
            (lambda units: units + 1, "both directions"),
            (lambda units: 8 * units + 4, "bytes"),
            (lambda units: 257, "too high"),  # right for this notebook's network alone
            (257, "function"),
        ],
    ),
    "12.1": (
        sent_back,
        [
            (lambda limit: sent_back(MISSING_THRESHOLD), "too low"),
            (lambda limit: 28 * sent_back(limit), "how many"),
            (lambda limit: 100 * sent_back(limit), "percent"),
            (lambda limit: 1 - sent_back(limit), "would be kept"),
            (0.99, "function"),
        ],
    ),
    "12.2": (
        lambda old, new, share: math.ceil(share / (1 - share) * old / new),
        [
            (lambda old, new, share: math.ceil(share * old / new), "not of the whole"),
            (lambda old, new, share: share / (1 - share) * old / new, "whole number"),
            (lambda old, new, share: share / (1 - share) * old // new, "falls just short"),
            (19, "function"),
        ],
    ),
    "12.3": (
        Late(lambda: [100 * each for each in by_language_model()]),
        [
            (Late(by_language_model), "fractions"),
            (Late(lambda: [-100 * by_language_model()[0], 0, 0]), "the sign"),
            (Late(lambda: [100 * by_language_model()[0], -99, 0]), "too low"),
            (-20, "3 numbers"),
        ],
    ),
    "13.1": (
        lambda rows, workers: workers * shared(rows, workers) / rows,
        [
            (lambda rows, workers: shared(rows, workers) / rows, "still divided by"),
            (lambda rows, workers: [1] * workers, "equal weights"),
            (shared, "how many rows"),
            (lambda rows, workers: rows / workers / shared(rows, workers), "the other way round"),
            (lambda rows, workers: workers * shared(rows, workers)[::-1] / rows, "takes the first row"),
            (lambda rows, workers: [9 / 7, 6 / 7, 6 / 7], "4 numbers"),
            ((9 / 7, 6 / 7, 6 / 7), "a function"),
        ],
    ),
    "13.2": (
        lambda workers, gigabits: workers * 0.40576 / gigabits,
        [
            (lambda workers, gigabits: workers * 0.05072 / gigabits, "8 bits"),
            (lambda workers, gigabits: workers * 0.20288 / gigabits, "one way only"),
            (lambda workers, gigabits: (workers - 1) * 0.40576 / gigabits, "all workers must send"),
            (lambda workers, gigabits: (workers - 1) / workers * 0.40576 / gigabits, "a ring"),
            (lambda workers, gigabits: 0.40576 / gigabits, "gradients of all"),
            (lambda workers, gigabits: 0.486912, "too low"),
            (0.486912, "a function"),
        ],
    ),
    "13.3": (
        twice_as_fast,
        [
            (lambda computing, gigabits: 2, "took no time"),
            (lambda computing, gigabits: 4, "too many"),
            (lambda computing, gigabits: twice_as_fast(computing, gigabits) or 64, "no number of workers"),
            (lambda computing, gigabits: 3, "too few"),
            (4, "a function"),
        ],
    ),
    "14.1": (
        black_words,
        [
            (lambda updates: [words for words in updates], "nothing yet to agree"),
            (lambda updates: [[] for _ in updates], "stays grey"),
            (lambda updates: [[], *updates[1:]], "changed"),
            (lambda updates: updates[1:], "as many lists"),
            (lambda updates: 3, "one list of words each"),
        ],
    ),
    "14.2": (
        lambda words, now: bool(words) and (now - words[-1].end >= 0.8 or now - words[0].start >= 25),
        [
            (lambda words, now: words[-1].end < now - 0.8, "IndexError"),
            (lambda words, now: False, "has ended"),
            (lambda words, now: bool(words) and now - words[0].end >= 0.8, "from the last word"),
            (lambda words, now: bool(words) and now - words[-1].start >= 0.8, "not from its start"),
            (lambda words, now: bool(words) and now - words[-1].end >= 0.8, "without a pause"),
            (lambda words, now: bool(words) and (now - words[-1].end >= 0.8 or now >= 25), "not at 0"),
            (lambda words, now: words, "True or False"),
        ],
    ),
    "14.3": (
        boosted_by(1 / math.log(10)),
        [
            (boosted_by(1), "divide by ln 10"),
            (boosted_by(1 / math.log(10), place=0), "end in the word"),
            (lambda grams, word, nats: {**grams}, "should be"),
            (lambda grams, word, nats: grams.update({(word,): (0.0, 0.0)}) or grams, "Make a new one"),
            (lambda grams, word, nats: {gram: 0.0 for gram in {(word,): 0, **grams}}, "2 numbers"),
            (lambda grams, word, nats: [], "dictionary"),
        ],
    ),
    "15.1": (
        PAGE_LINES,
        [
            (PAGE_LINES | {"hann": "0.5 - 0.5 * Math.cos((2 * Math.PI * i) / (window - 1))"}, "differs from its twin"),
            (PAGE_LINES | {"hz_to_mel": "Math.log(hz)"}, "hz_to_mel still differs"),
            (PAGE_LINES | {"hann": "0.5 - 0.5 * Math.cos(2 * Math.PI * i / 400)"}, "400 samples alone"),
            (PAGE_LINES | {"hann": "0.5 -"}, "cannot be computed"),
            ({"hann": "0"}, "with the keys"),
        ],
    ),
    "15.2": (
        in_bytes,
        [
            (lambda x: (x, 1.0), "whole numbers"),
            (lambda x: np.rint(x), "two things"),
            (lambda x: (np.rint(1000 * x), 0.001), "more than 256"),
            (lambda x: (np.rint(x), 1.0), "come closer"),
        ],
    ),
    "15.3": (
        a_third,
        [
            (lambda x: x[::3], "filter first"),
            (lambda x: np.zeros(len(x) // 3), "is lost"),
            (lambda x: np.roll(a_third(x), 2), "delayed"),
            (lambda x: x, "3200"),
        ],
    ),
    "effect": (
        telephone,
        [
            (lambda samples, rng: samples, "one recording, not many"),
            (lambda samples, rng: samples * np.float32(rng.uniform(0.5, 1)), "too mild"),
            (lambda samples, rng: effects.noise(samples / 9, -5, rng), "too strong"),
            (lambda samples, rng: samples + rng.normal(size=len(samples)), "float32"),
            (lambda samples, rng: samples[1:], "shape"),
        ],
    ),
    "decoder": (Late(with_language_model), [(greedy, "half of the errors"), (lambda x: 3, "text")]),
    "language": (
        None,
        [
            ((shipped_model(), MINI / "test-mini"), "English"),
            (shipped_model(), "two paths"),
            (("nowhere.onnx", MINI), "no such file"),
            ((1, 2), "*paths*"),
        ],
    ),
    "model": (None, [(shipped_model(), "MB"), ("nowhere.tflite", "no such file"), (3, "path")]),
}
RIGHT = [number for number, (right, _) in CASES.items() if right is not None]
CHOICES = ("effect", "decoder")  # functions


def test_every_exercise_has_its_cases():
    assert CASES.keys() == judging.JUDGES.keys()


@pytest.mark.parametrize("agreed", [black_words, nb14._agreed])
@pytest.mark.parametrize(("updates", "black"), AGREED)
def test_two_updates_agree(agreed, updates, black):
    assert agreed([text.split() for text in updates]) == [text.split() for text in black]


@pytest.mark.parametrize("number", RIGHT)
def test_a_right_answer(number):
    right, words = judging.verdict(number, answer(CASES[number][0]))
    assert right, words
    assert words.endswith(".")


@pytest.mark.parametrize(
    ("number", "wrong", "hint"),
    [
        pytest.param(number, wrong, hint, id=f"{number}-{hint}")
        for number, (_, wrongs) in CASES.items()
        for wrong, hint in wrongs
    ],
)
def test_a_wrong_answer_gets_the_hint_that_fits(number, wrong, hint):
    right, words = judging.verdict(number, answer(wrong))
    assert not right and hint in words


@pytest.mark.parametrize("nonsense", NONSENSE, ids=lambda nonsense: type(nonsense).__name__)
@pytest.mark.parametrize("number", CASES)
def test_nonsense_gets_a_line_too(number, nonsense):
    right, words = judging.verdict(number, nonsense)
    assert not right and words and "\n" not in words


@pytest.mark.parametrize("number", [number for number in RIGHT if number not in CHOICES])
def test_no_hint_reveals_a_number_that_is_the_answer(number):
    value = answer(CASES[number][0])
    if isinstance(value, (int, float)):
        hints = [judging.verdict(number, answer(wrong))[1] for wrong, _ in CASES[number][1]]
        assert not any(re.search(rf"\b{re.escape(f'{value:g}')}\b", words) for words in hints)


@pytest.mark.parametrize(("share", "accepted", "words"), [(1.0, True, "WER"), (0.5, False, "the most")])
def test_a_model_of_ones_own(tmp_path, monkeypatch, share, accepted, words):
    path = tmp_path / "mine.onnx"
    path.write_bytes(b"0" * 1000)
    monkeypatch.setattr(Recognizer, "load", lambda path: model_that_hears(share))
    right, said = judging.verdict("model", path)
    assert right is accepted and words in said


@pytest.mark.parametrize(("share", "accepted", "words"), [(1.0, True, "WER 0.0%"), (0.5, False, "25% is the most")])
def test_a_language_of_ones_own(monkeypatch, share, accepted, words):
    monkeypatch.setattr(Recognizer, "load", lambda path: model_that_hears(share, GERMAN))
    right, said = judging.verdict("language", ("a.onnx", MINI / "test-mini"))
    assert right is accepted and words in said


def test_a_language_of_a_few_sentences_is_refused(monkeypatch):
    monkeypatch.setattr(Recognizer, "load", lambda path: model_that_hears(1.0, GERMAN))
    monkeypatch.setattr(capstones, "load_corpus", lambda folder, alphabet: Corpus(TEST[:9], []))
    right, said = judging.verdict("language", ("a.onnx", MINI / "test-mini"))
    assert not right and "9 sentences" in said


def model_that_hears(share, its_alphabet=ENGLISH):
    """Stand in for a recogniser that gets a share of the test clips right and is silent at the others."""
    texts = iter([each.text if place < share * len(TEST) else "" for place, each in enumerate(TEST)] * 9)

    class Heard:
        alphabet = its_alphabet
        transcribe = staticmethod(lambda samples: next(texts))

    return Heard


def test_the_line_that_a_learner_sees(capsys):
    teaching.check("05.2", ...)
    teaching.check("05.2", 9)
    teaching.check("05.2", 12)
    nothing, wrong, right = capsys.readouterr().out.splitlines()
    assert "nothing here yet" in nothing
    assert wrong.startswith("05.2 ✘") and right.startswith("05.2 ✔ right")
    with pytest.raises(ValueError, match=r"no exercise is called '5\.2'; there are 00\.1"):
        teaching.check("5.2", 12)


def test_checks_need_no_tensorflow():
    code = "import asr_helpers.teaching.checks as c, sys; c.verdict('00.2', 'A'); c.verdict('08.3', (0.2, 1))"
    code += "; print('tensorflow' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
