"""Timed words as captions (SubRip, WebVTT), JSON or lines of text; CTM is in `alignment`.

Captions follow the usual guidelines (BBC Subtitle Guidelines; Netflix Timed Text Style Guide): two lines of at most 42
characters, on screen for one to six seconds, broken where the speaker pauses.
"""

import html
import json
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import accumulate

from asr_helpers.words.alignment import Word

MAX_LINE_CHARACTERS = 42
MAX_SECONDS = 6.0  # that a caption is shown
MIN_SECONDS = 1.0
PAUSE_SECONDS = 0.8  # of silence between two words: always ends a caption


@dataclass(frozen=True)
class Caption:
    """One or two lines of text, shown from `start` to `end` in seconds."""

    start: float
    end: float
    lines: list[str]


def split_captions(words: Iterable[Word], end: float = math.inf) -> Iterator[Caption]:
    """Yield the captions of `words`, which are in order of time; between two pauses, captions have similar lengths.

    No caption stays after `end`, the end of the sound in seconds.
    """
    waiting = None
    for stretch in _stretches(words):
        for part in _split(stretch):
            shown_until = min(max(part[-1].end, part[0].start + MIN_SECONDS), end)
            caption = Caption(part[0].start, shown_until, _lines(part))
            if waiting:
                yield Caption(waiting.start, min(waiting.end, caption.start), waiting.lines)
            waiting = caption
    if waiting:
        yield waiting


def _stretches(words: Iterable[Word]) -> Iterator[list[Word]]:
    """Yield the stretches of words between pauses."""
    stretch = []
    for word in words:
        if stretch and word.start - stretch[-1].end >= PAUSE_SECONDS:
            yield stretch
            stretch = []
        stretch.append(word)
    if stretch:
        yield stretch


def _split(words: list[Word]) -> Iterator[list[Word]]:
    """Yield `words` in parts that fit a caption each, split at the longest silence near the middle."""
    if len(words) == 1 or _fits(words):
        yield words
        return
    *before, total = accumulate(len(word.text) + 1 for word in words)  # characters before each word but the first
    shares = [characters / total for characters in before]
    places = range(1, len(words))
    middle = [place for place in places if 1 / 3 <= shares[place - 1] <= 2 / 3]
    nearest = min(places, key=lambda place: abs(shares[place - 1] - 1 / 2))
    best = max(middle or [nearest], key=lambda place: words[place].start - words[place - 1].end)
    yield from _split(words[:best])
    yield from _split(words[best:])


def _fits(words: list[Word]) -> bool:
    """Return whether the words fit a caption."""
    if words[-1].end - words[0].start > MAX_SECONDS or len(words) > 2 * MAX_LINE_CHARACTERS:
        return False
    return max(map(len, _lines(words))) <= MAX_LINE_CHARACTERS


def _lines(words: list[Word]) -> list[str]:
    """Return the text as one line or, if that is too long, as two of the most similar lengths."""
    if len(_text(words)) <= MAX_LINE_CHARACTERS or len(words) == 1:
        return [_text(words)]
    splits = [[_text(words[:place]), _text(words[place:])] for place in range(1, len(words))]
    return min(splits, key=lambda lines: max(map(len, lines)))


def _text(words: list[Word]) -> str:
    return " ".join(word.text for word in words)


def srt(words: list[Word], recording: str = "", end: float = math.inf) -> str:
    """Return `words` as SubRip captions, none after `end`; `recording` is unused; all formats share a signature."""
    cues = [
        f"{number}\n{_clock(each.start, ',')} --> {_clock(each.end, ',')}\n" + "\n".join(each.lines) + "\n"
        for number, each in enumerate(split_captions(words, end), start=1)
    ]
    return "\n".join(cues)


def vtt(words: list[Word], recording: str = "", end: float = math.inf) -> str:
    """Return `words` as WebVTT captions (W3C), none after `end`; `recording` is unused."""
    cues = [
        f"{_clock(each.start, '.')} --> {_clock(each.end, '.')}\n"
        + "".join(html.escape(line, quote=False) + "\n" for line in each.lines)
        for each in split_captions(words, end)
    ]
    return "\n".join(["WEBVTT\n", *cues])


def _clock(seconds: float, point: str) -> str:
    milliseconds = round(1000 * seconds)
    minutes, seconds = divmod(milliseconds // 1000, 60)
    return f"{minutes // 60:02}:{minutes % 60:02}:{seconds:02}{point}{milliseconds % 1000:03}"


def json_line(words: list[Word], recording: str, end: float = math.inf) -> str:
    """Return `words` as a line of JSON: {recording, text, words: [{text, start, end, confidence}]}, in seconds.

    `end` is unused.

    Here and in `tab_lines`, the confidence is the probability that the word is right, where it is known.
    """
    rows = [
        {
            "text": word.text,
            "start": round(word.start, 3),
            "end": round(word.end, 3),
            "confidence": round(word.shown, 3),
        }
        for word in words
    ]
    return json.dumps({"recording": recording, "text": _text(words), "words": rows}, ensure_ascii=False) + "\n"


def tab_lines(words: list[Word], recording: str = "") -> str:
    """Return a line for each word: start, end, confidence and word, separated by tabs; `recording` is unused."""
    return "".join(f"{word.start:.2f}\t{word.end:.2f}\t{word.shown:.3f}\t{word.text}\n" for word in words)
