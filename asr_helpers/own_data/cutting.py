"""Cut parts out of a recording while it is read, in bounded memory: eight hours of it need not fit."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from asr_helpers.corpus.reading import CorpusError
from asr_helpers.own_data.any_audio import open_recording
from asr_helpers.sound.audio import SAMPLE_RATE
from asr_helpers.system.errors import OneLineError

MAX_PART_SECONDS = 3600
OVERSHOOT_SECONDS = 0.5  # that a part may end behind the recording: times are rounded, and Kaldi allows as much


@dataclass
class _Part:
    key: str
    first: int  # sample
    last: int | None
    pieces: list[np.ndarray] = field(default_factory=list)


def cut(
    path: Path, times: Mapping[str, tuple[float, float | None]], encode: Callable[[str, np.ndarray], bytes]
) -> dict[str, bytes | OneLineError]:
    """Return {key: what `encode` makes of (key, samples)} of the parts of a recording, or why there is none.

    Nothing is returned of a recording that turns out to be damaged: a decoder that skips what it cannot read moves all
    behind it.

    Args:
        path: of the recording.
        times: {key: (start, end)} in seconds; None is the end of the recording.
        encode: called as soon as a part is read; the sound itself is then dropped.

    Raises:
        AudioError: the recording is unusable.
    """
    waiting = [
        _Part(key, round(start * SAMPLE_RATE), None if end is None else round(end * SAMPLE_RATE))
        for key, (start, end) in times.items()
    ]
    waiting.sort(key=lambda part: -part.first)  # the next one is the last
    active: list[_Part] = []
    done: dict[str, bytes | OneLineError] = {}
    place = 0

    def finish(part: _Part) -> None:
        try:
            end = part.first if part.last is None else part.last
            if end - place > OVERSHOOT_SECONDS * SAMPLE_RATE or not part.pieces:
                found = f"lasts {place / SAMPLE_RATE:.2f} s, its part goes to {end / SAMPLE_RATE:.2f} s"
                raise CorpusError(f"{path}: {found}; correct the times; left out")
            done[part.key] = encode(part.key, np.concatenate(part.pieces))
        except OneLineError as error:
            done[part.key] = error

    with open_recording(path) as recording:
        for block in recording.blocks:
            before, place = place, place + len(block)
            while waiting and waiting[-1].first < place:
                active.append(waiting.pop())
            for part in list(active):
                last = None if part.last is None else part.last - before
                part.pieces.append(block[max(0, part.first - before) : last])
                if part.last is not None and part.last <= place:
                    active.remove(part)
                    finish(part)
                elif place - part.first > MAX_PART_SECONDS * SAMPLE_RATE:
                    active.remove(part)
                    why = "a clip of more than an hour; cut it, or list its parts with times; left out"
                    done[part.key] = CorpusError(f"{path}: {why}")
            if not (active or waiting or any(isinstance(outcome, bytes) for outcome in done.values())):
                break
    for part in active + waiting:
        finish(part)
    return done
