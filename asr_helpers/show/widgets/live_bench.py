"""The live bench: speak, and captions grow under the spectrogram (live_bench.js is the browser's part)."""

import time
from collections.abc import Callable
from pathlib import Path

import anywidget
import numpy as np
import traitlets

from asr_helpers.live import Final, Listener, Partial, VoiceDetector, best_network
from asr_helpers.recognizer.recognizer import Recognizer, shipped_model
from asr_helpers.show.widgets.instrument_view import css, esm, settings
from asr_helpers.show.widgets.page import Page
from asr_helpers.sound.audio import HOP, SAMPLE_RATE
from asr_helpers.sound.mel import MELS, log_mel
from asr_helpers.text import AlphabetError
from asr_helpers.words.alignment import Word
from asr_helpers.words.confidence import default_kind, doubtful, with_probability
from asr_helpers.words.decoders import FastBeamSearch, best_text, default_decoder, shipped_lm

COLUMNS_BEFORE = 4  # frames before a block, whose windows reach into it
RATES = range(8_000, 384_001)  # of sound cards, in Hz


class LiveInput(anywidget.AnyWidget):
    """A microphone whose blocks of 100 ms `receive` answers.

    Attributes:
        example: a recording to play instead of a microphone's sound, 16-bit samples at 16 kHz.
        receive: called with a message's content and its buffers; returns the answer's.
    """

    _esm = esm("live_bench.js")
    _css = css()
    settings = traitlets.Dict().tag(sync=True)
    problem = traitlets.Unicode().tag(sync=True)
    example = traitlets.Bytes().tag(sync=True)
    hotwords = traitlets.Unicode(help="as typed: names, separated by commas").tag(sync=True)

    def __init__(self, receive: Callable[[dict, list], tuple[dict, list]], **more):
        super().__init__(settings=settings(), **more)
        self.receive = receive
        self.on_msg(self._answer)

    def _answer(self, _, content: dict, buffers: list) -> None:
        try:
            answer, made = self.receive(content, buffers)
        except Exception as error:  # no running cell could show it
            kind = "" if isinstance(error, ValueError) else f"{type(error).__name__}: "
            answer, made = {"problem": kind + str(error)}, []
        self.send(answer, made)


class LiveBench(Page):
    """Speak into it: grey words may still change, black ones do not. Names can be typed in.

    Args:
        example: a recording, float32 (samples,) at 16 kHz, for those who have no microphone.
        hotwords: names to expect.
        delay: see `Listener`.
        model: path of a model file, loaded at the first sound; None stands for the shipped model.

    Attributes:
        input: the `LiveInput`.
        lines: the final texts since the last start.
        milliseconds: how long each answer has taken.
    """

    def __init__(
        self, example: np.ndarray | None = None, hotwords: str = "", delay: int = 1, model: Path | str | None = None
    ):
        recording = np.zeros(0) if example is None else np.clip(32768 * example, -32768, 32767)
        self._model, self._delay, self._parts, self._listener = model, delay, None, None
        self._decoders: dict[str, Callable[[np.ndarray], str]] = {}
        self.lines: list[str] = []
        self.milliseconds: list[float] = []
        self.input = LiveInput(self._receive, example=recording.astype("<i2").tobytes(), hotwords=hotwords)
        super().__init__([self.input], "asr-live-bench", "")

    def _receive(self, content: dict, buffers: list) -> tuple[dict, list]:
        began = time.perf_counter()
        kind = content.get("kind")
        if kind == "begin":
            return self._begin(int(content["rate"]), str(content["hotwords"])), []
        if kind not in ("block", "end") or self._listener is None:
            raise ValueError("nothing listens; start again")
        samples = np.frombuffer(buffers[0] if buffers else b"", "<i2").astype(np.float32) / 32768
        heard = self._resample(samples, kind == "end")
        events = self._listener.push(heard) + (self._listener.close() if kind == "end" else [])
        answer = {"finals": [], "shown": None}
        for event in events:
            if isinstance(event, Final):
                self.lines.append(" ".join(word.text for word in event.words))
                answer["finals"].append({"words": self._marked(event.words), "doubtful": event.doubtful})
                event = Partial([], [])
            answer["shown"] = {
                "black": self._marked(event.black),
                "grey": self._marked(event.grey),
                "doubtful": event.doubtful,
            }
        columns = self._columns(heard)
        self.milliseconds.append(1000 * (time.perf_counter() - began))
        answer |= {"ms": self.milliseconds[-1], "ended": kind == "end", "rate": self._rate}
        return answer, [columns.tobytes()]

    def _begin(self, rate: int, hotwords: str) -> dict:
        """Start a new session."""
        self._listener = None
        if rate not in RATES:
            raise ValueError(f"a microphone at {rate} Hz cannot be used; choose another one in the browser")
        if self._parts is None:
            recognizer = Recognizer.load(self._model or shipped_model())
            self._parts = recognizer, best_network(recognizer)
        recognizer, network = self._parts
        decoder, remark = self._decoder(hotwords, recognizer)
        self._listener = Listener(network, decoder, self._delay, VoiceDetector())
        self._rate, self._resample = rate, resampler(rate)
        self._held = np.zeros(COLUMNS_BEFORE * HOP, np.float32)
        self.lines.clear()
        self.milliseconds.clear()
        return {"ready": True, "remark": remark}

    def _decoder(self, hotwords: str, recognizer: Recognizer) -> tuple[Callable[[np.ndarray], str], str]:
        """Return the decoder that expects names, and a remark on those that cannot be used."""
        found, remarks = [], []
        for name in filter(None, map(str.strip, hotwords.split(","))):
            try:
                found.append(recognizer.alphabet.normalize(name))
            except AlphabetError as error:
                remarks.append(f"{name!r} ({error})")
        remark = f"left out: {', '.join(remarks)}" if remarks else ""
        if not found:
            return default_decoder(recognizer.alphabet), remark
        key = "\n".join(found)
        if key not in self._decoders:
            search = FastBeamSearch(shipped_lm(), alphabet=recognizer.alphabet, hotwords=found)
            self._decoders = {key: best_text(search)}  # the last one only: each holds a language model
        return self._decoders[key], remark

    def _marked(self, words: list[Word]) -> list[tuple[str, bool]]:
        """Return each word's text, and whether it is doubtful."""
        kind = default_kind(self._parts[0].alphabet)
        return [(word.text, doubtful(word)) for word in with_probability(words, kind)]

    def _columns(self, samples: np.ndarray) -> np.ndarray:
        """Return the next columns of the log-mel spectrogram, float32 (columns, mels)."""
        held = np.append(self._held, samples)
        count = len(held) // HOP - COLUMNS_BEFORE
        self._held = held[count * HOP :]
        if count < 1:
            return np.zeros((0, MELS), np.float32)
        return log_mel(held)[COLUMNS_BEFORE // 2 : COLUMNS_BEFORE // 2 + count].astype("<f4")


def resampler(rate: int) -> Callable[[np.ndarray, bool], np.ndarray]:
    """Return a function from the next samples at `rate` Hz, and whether they are the last, to those at 16 kHz."""
    if rate == SAMPLE_RATE:
        return lambda samples, last: samples
    import soxr

    stream = soxr.ResampleStream(rate, SAMPLE_RATE, 1, dtype="float32")
    return lambda samples, last: stream.resample_chunk(samples, last=last)
