"""What do captions cost that come while somebody speaks: in words, in seconds, in computing?

    python benchmarks/live.py [--corpus CORPUS] [--every N] [--minutes M] [--json]

Feeds every N-th clip of a corpus (default: all of data/real) to `Listener` in blocks of 100 ms, as `asr listen` does,
with the shipped network, language model and voice detector, at a delay of 2 and of 1 second. Then M minutes of the
same clips in a row, at 1 second: does the delay grow? Then 30 seconds each of noise in which nobody speaks. Prints a
table, or with --json one object. Computing is in CPU time; delays are seconds of audio from a word's end until the
text up to it stands on the screen and no longer changes, without computing and sound card.
"""

import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import cycle, islice, zip_longest
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")  # NumPy's other threads would spin, which counts as CPU time

import numpy as np
from common import arguments
from tqdm.auto import tqdm

from asr_helpers.corpus import data_dir, load_corpus
from asr_helpers.live import Event, Final, Listener, StreamingNetwork, VoiceDetector
from asr_helpers.recognizer import Recognizer, shipped_model
from asr_helpers.sound import SAMPLE_RATE, read_audio
from asr_helpers.words import FastBeamSearch, Word, best_text, paired_difference, shipped_lm, word_errors

BLOCK = SAMPLE_RATE // 10
DELAYS = (2, 1)  # seconds
NOISE_SECONDS = 30


class Timed:
    """A function, with the CPU seconds that it has taken."""

    def __init__(self, function: Callable):
        self._function, self.seconds = function, 0.0

    def __call__(self, *arguments: Any) -> Any:
        began = time.process_time()
        found = self._function(*arguments)
        self.seconds += time.process_time() - began
        return found


class TimedNetwork(StreamingNetwork):
    """The streaming network, with the CPU seconds that it has taken, features included."""

    seconds = 0.0

    def __call__(self, *arguments: Any) -> tuple[int, np.ndarray]:
        began = time.process_time()
        found = super().__call__(*arguments)
        self.seconds += time.process_time() - began
        return found


@dataclass
class Session:
    """What a listener wrote."""

    words: list[Word] = field(default_factory=list)
    delays: list[float] = field(default_factory=list)  # of each word, in seconds
    answers: list[float] = field(default_factory=list)  # CPU seconds that the listener spent on each block
    doubtful: int = 0  # words that were marked
    changed: int = 0  # words on the screen that were replaced or taken away
    _screen: list[tuple[str, float]] = field(default_factory=list)  # each word since the last final one, and since when

    @property
    def text(self) -> str:
        return " ".join(word.text for word in self.words)

    def heed(self, when: float, events: list[Event]) -> None:
        """Add what the listener answered to one block; `when` is the time in seconds of sound."""
        for event in events:
            final = isinstance(event, Final)
            words = event.words if final else [*event.black, *event.grey]
            texts, shown = [word.text for word in words], [text for text, _ in self._screen]
            pairs = enumerate(zip_longest(texts, shown))
            same = next((place for place, (one, other) in pairs if one != other), len(texts))
            since = [when if place >= same else self._screen[place][1] for place in range(len(texts))]
            if final:
                self.words += words
                self.delays += [each - word.end for each, word in zip(since, words, strict=True)]
                self.doubtful += len(words) * event.doubtful
                if same == len(texts):  # the words behind it stay on the screen, in the next event
                    self._screen = self._screen[same:]
                    continue
            self.changed += sum(one != other for one, other in zip_longest(shown, texts[: len(shown)]))
            self._screen = [] if final else list(zip(texts, since, strict=True))
        if events and isinstance(events[-1], Final):
            self.changed += len(self._screen)
            self._screen = []


def follow(listener: Listener, samples: np.ndarray) -> Session:
    """Return what a listener writes that hears `samples` in blocks of 100 ms."""
    session, push = Session(), Timed(listener.push)
    for end in range(BLOCK, len(samples) + BLOCK, BLOCK):
        before = push.seconds
        session.heed(min(end, len(samples)) / SAMPLE_RATE, push(samples[end - BLOCK : end]))
        session.answers.append(push.seconds - before)
    session.heed(len(samples) / SAMPLE_RATE, listener.close())
    return session


def quantiles(values: list[float]) -> dict:
    return {"median": float(np.median(values)), "p95": float(np.quantile(values, 0.95))}


def ends_right(texts: list[str], found: list[str], place: int) -> int:
    """Return how many texts have the right first (0) or last (-1) word."""
    pairs = zip(texts, found, strict=True)
    return sum(bool(other.split()) and text.split()[place] == other.split()[place] for text, other in pairs)


class Bench:
    """The shipped recogniser, as `asr listen` uses it."""

    def __init__(self):
        recognizer = Recognizer.load(shipped_model())
        self.offline = Timed(recognizer.audio_log_probs)
        self.network = TimedNetwork(shipped_model())
        self.decoder = Timed(best_text(FastBeamSearch(shipped_lm())))

    def listener(self, delay: int, vad: bool = True) -> Listener:
        return Listener(self.network, self.decoder, delay, VoiceDetector() if vad else None)


def measure_speech(bench: Bench, clips: list[np.ndarray], texts: list[str]) -> dict:
    """Return errors, delays and computing of clips, live beside offline."""
    seconds = sum(map(len, clips)) / SAMPLE_RATE
    offline = [bench.decoder(bench.offline(clip)).strip() for clip in tqdm(clips, "offline")]
    whole = word_errors(texts, offline)
    ends = {"first": ends_right(texts, offline, 0), "last": ends_right(texts, offline, -1)}
    rows = [{"delay": None, "wer": whole.rate, "network_ms": 1000 * bench.offline.seconds / seconds, "right": ends}]
    for delay in DELAYS:
        bench.network.seconds = bench.decoder.seconds = 0.0
        sessions = [follow(bench.listener(delay), clip) for clip in tqdm(clips, f"delay {delay} s")]
        found = [session.text for session in sessions]
        errors = word_errors(texts, found)
        change, interval = paired_difference(whole, errors)
        rows.append(
            {
                "delay": delay,
                "wer": errors.rate,
                "wer_change": change,
                "wer_change_ci95": list(interval),
                "stable_seconds": quantiles([each for session in sessions for each in session.delays]),
                "changes_per_word": sum(each.changed for each in sessions) / sum(len(each.words) for each in sessions),
                "network_ms": 1000 * bench.network.seconds / seconds,
                "decoder_ms": 1000 * bench.decoder.seconds / seconds,
                "answer_ms": quantiles([1000 * each for session in sessions for each in session.answers]),
                "right": {"first": ends_right(texts, found, 0), "last": ends_right(texts, found, -1)},
            }
        )
    return {"clips": len(clips), "seconds": seconds, "rows": rows}


def measure_growth(bench: Bench, clips: list[np.ndarray], minutes: int) -> dict:
    """Return the delays in the first and the last third of one long recording, and their growth per hour."""
    length = minutes * 60 * SAMPLE_RATE
    repeated = islice(cycle(clips), -(-length * len(clips) // sum(map(len, clips))))
    session = follow(bench.listener(1), np.concatenate(list(repeated))[:length])
    ends, delays = np.array([word.end for word in session.words]), np.array(session.delays)
    third = minutes * 20
    return {
        "minutes": minutes,
        "first_third": quantiles(delays[ends < third]),
        "last_third": quantiles(delays[ends >= 2 * third]),
        "growth_seconds_per_hour": float(np.polyfit(ends / 3600, delays, 1)[0]),
    }


def noises(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Return sounds in which nobody speaks, each float32 (samples,)."""
    count = NOISE_SECONDS * SAMPLE_RATE
    seconds = np.arange(count) / SAMPLE_RATE
    spectrum = np.fft.rfft(rng.standard_normal(count))
    pink = np.fft.irfft(spectrum / np.sqrt(np.maximum(1, np.arange(len(spectrum)))), count)
    hum = sum(np.sin(2 * np.pi * 50 * k * seconds) / k for k in (1, 2, 3, 5, 7)) + 0.05 * rng.standard_normal(count)
    sounds = {
        "zero": np.zeros(count),
        "dither": rng.integers(-1, 2, count) / 32768,
        "white": 0.001 * rng.standard_normal(count),
        "pink": 0.01 * pink / pink.std(),
        "hum": 0.01 * hum,
        "clicks": 0.05 * clicks(count, rng),
        "music": 0.05 * music(count, rng),
    }
    return {name: sound.astype(np.float32) for name, sound in sounds.items()}


def clicks(count: int, rng: np.random.Generator) -> np.ndarray:
    """Return bursts of noise as from a keyboard, of unit deviation."""
    sound, length = np.zeros(count), SAMPLE_RATE // 20
    decay = np.exp(-200 * np.arange(length) / SAMPLE_RATE)
    for place in (np.cumsum(rng.uniform(0.08, 0.4, count // 1280)) * SAMPLE_RATE).astype(int):
        if place + length < count:
            sound[place : place + length] += rng.standard_normal(length) * decay * rng.uniform(0.4, 1)
    return sound / sound.std()


def music(count: int, rng: np.random.Generator) -> np.ndarray:
    """Return chords, a melody and a drum, of unit deviation."""
    sound, beat = np.zeros(count), SAMPLE_RATE // 2
    seconds = np.arange(beat) / SAMPLE_RATE
    struck = np.exp(-3 * seconds) * (1 - np.exp(-200 * seconds))
    for number in range(count // beat):
        root = (220, 174.6, 261.6, 196)[number // 4 % 4]
        notes = [root, root * (5 / 4 if number // 4 % 2 else 6 / 5), root * 3 / 2]
        notes.append(2 * root * rng.choice([1, 9 / 8, 5 / 4, 3 / 2]))
        part = sound[number * beat : (number + 1) * beat]
        for note in notes:
            part += sum(struck * np.sin(2 * np.pi * note * k * seconds) / k**1.3 for k in range(1, 8))
        if number % 2 == 0:
            part += 1.5 * np.exp(-40 * seconds) * rng.standard_normal(beat)
    return sound / sound.std()


def measure_noise(bench: Bench) -> list[dict]:
    """Return the words a minute on each noise, with the voice detector and without."""
    rows = []
    for name, sound in tqdm(noises(np.random.default_rng(5)).items(), "noise"):
        row: dict = {"noise": name}
        for vad in (True, False):
            session = follow(bench.listener(2, vad), sound)
            per_minute = 60 / NOISE_SECONDS
            row["silero" if vad else "none"] = {
                "words_per_minute": len(session.words) * per_minute,
                "of_these_doubtful": session.doubtful * per_minute,
                "text": session.text,
            }
        rows.append(row)
    return rows


def main() -> None:
    parser = arguments(__doc__, __file__, "json")
    parser.add_argument("--corpus", metavar="CORPUS", type=Path, default=data_dir() / "real")
    parser.add_argument("--every", metavar="N", type=int, default=1, help="every N-th clip; default: all")
    parser.add_argument("--minutes", metavar="M", type=int, default=30, help="of the long recording; default: 30")
    options = parser.parse_args()
    utterances = load_corpus(options.corpus).utterances[:: options.every]
    clips, texts = [read_audio(each.path) for each in utterances], [each.text for each in utterances]
    bench = Bench()
    found = {
        "corpus": options.corpus.name,
        "speech": measure_speech(bench, clips, texts),
        "noise": measure_noise(bench),
        "growth": measure_growth(bench, clips, options.minutes) if options.minutes else None,
    }
    if options.json:
        print(json.dumps(found, indent=1))
        return
    speech = found["speech"]
    print(f"{speech['clips']} clips of {found['corpus']}, {speech['seconds']:.0f} s")
    for row in speech["rows"]:
        if row["delay"] is None:
            print(f"offline   WER {row['wer']:.1%}, network {row['network_ms']:.1f} ms/s, right {row['right']}")
            continue
        low, high = row["wer_change_ci95"]
        print(
            f"delay {row['delay']} s WER {row['wer']:.1%} ({100 * row['wer_change']:+.2f}, 95 %: {100 * low:+.2f} to "
            f"{100 * high:+.2f}), stable after {row['stable_seconds']['median']:.2f} s (95 %: "
            f"{row['stable_seconds']['p95']:.2f}), {row['changes_per_word']:.2f} changes a word, network "
            f"{row['network_ms']:.1f} and decoder {row['decoder_ms']:.1f} ms/s, a block of 100 ms answered in "
            f"{row['answer_ms']['median']:.1f} ms (95 %: {row['answer_ms']['p95']:.1f}), right {row['right']}"
        )
    for row in found["noise"]:
        said = {vad: f"{row[vad]['words_per_minute']:.0f} ({row[vad]['text'][:40]})" for vad in ("silero", "none")}
        print(f"{row['noise']:8} words a minute: {said['silero']}; without silero {said['none']}")
    print(f"long recording: {found['growth']}")


if __name__ == "__main__":
    main()
