"""asr listen."""

from __future__ import annotations

import shutil
import signal
import sys
import textwrap
import time
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from io import BufferedReader
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from asr_helpers.cli.common import load_model, report
from asr_helpers.cli.speech import chosen_decoder
from asr_helpers.system.errors import OneLineError

if TYPE_CHECKING:
    import numpy as np

    from asr_helpers.live.listener import Event, Listener
    from asr_helpers.words.alignment import Word

GREY, PLAIN, CLEAR_BELOW = "\x1b[90m", "\x1b[0m", "\x1b[J"
DOUBT = " (?)"  # after words that perhaps nobody said


def listen(options: Namespace) -> int:
    """Print captions while somebody speaks: into the microphone, or into a pipe. Ctrl-C ends it."""
    from asr_helpers.live.listener import Listener
    from asr_helpers.live.sources import microphone
    from asr_helpers.live.streaming import best_network
    from asr_helpers.live.voice import VoiceDetector

    recognizer = load_model(options.model)
    detector = VoiceDetector() if options.vad == "silero" else None
    decoder = chosen_decoder(options, recognizer)
    listener = Listener(best_network(recognizer), decoder, options.delay, detector)
    with ExitStack() as opened:
        show = [terminal_captions() if sys.stdout.isatty() else print_final]
        if options.vtt:
            show.append(vtt_writer(opened.enter_context(new_file(options.vtt))))
        source = None
        if options.file:
            blocks = opened.enter_context(file_blocks(options.file, options.realtime))
        elif options.source == "-":
            blocks = opened.enter_context(pipe_blocks(sys.stdin.buffer))
        else:
            source = opened.enter_context(microphone(options.device))
            blocks = source.blocks
            report([f"listening to {source.name}; Ctrl-C ends"])
        for event in events(listener, until_interrupted(blocks)):
            for each in show:
                each(event)
    if source and source.overflows:
        report([f"{source.overflows} times sound was lost, because this machine was too busy; try --delay 2"])
    return 0


def events(listener: Listener, blocks: Iterator[np.ndarray]) -> Iterator[Event]:
    """Yield the events of all blocks, and those of the end."""
    for block in blocks:
        yield from listener.push(block)
    yield from listener.close()


def until_interrupted(blocks: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
    """Yield blocks until Ctrl-C, which ends the wait for the next block, but not the work on the last."""
    waiting = asked = False

    def interrupt(*_: Any) -> None:
        nonlocal asked
        asked = True
        if waiting:
            raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, interrupt)
    try:
        while not asked:
            waiting = True
            block = next(blocks, None)
            waiting = False
            if block is None:
                return
            yield block
    except KeyboardInterrupt:
        return
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def pipe_blocks(pipe: BufferedReader) -> Iterator[Iterator[np.ndarray]]:
    """Open standard input, raw samples or a WAV, as blocks that come as they arrive.

    Raises:
        OneLineError: it holds another format.
    """
    from asr_helpers.live.sources import raw_blocks

    begin = pipe.peek(4)[:4]
    if begin == b"RIFF":
        with file_blocks(Path("-"), False) as blocks:
            yield blocks
    elif begin in (b"fLaC", b"OggS") or begin[:3] == b"ID3":
        remedy = "decode it first, as with ffmpeg -i talk.mp3 -f wav - | asr listen -"
        raise OneLineError(f"standard input: neither raw samples nor a WAV ({begin.decode()}); {remedy}")
    else:
        yield raw_blocks(pipe)


@contextmanager
def file_blocks(path: Path, realtime: bool) -> Iterator[Iterator[np.ndarray]]:
    """Open a recording as blocks of 100 ms, as from a microphone; `realtime` yields each when it would have arrived."""
    from asr_helpers.live.sources import BLOCK_SECONDS
    from asr_helpers.own_data.any_audio import open_recording
    from asr_helpers.sound.audio import SAMPLE_RATE

    with open_recording(path) as recording:

        def blocks() -> Iterator[np.ndarray]:
            began, sent, size = time.monotonic(), 0, int(BLOCK_SECONDS * SAMPLE_RATE)
            for long in recording.blocks:
                for start in range(0, len(long), size):
                    block = long[start : start + size]
                    sent += len(block)
                    if realtime:
                        time.sleep(max(0.0, began + sent / SAMPLE_RATE - time.monotonic()))
                    yield block

        yield blocks()


@contextmanager
def new_file(path: Path) -> Iterator[TextIO]:
    """Open a new text file; one that is there already is never replaced.

    Raises:
        OneLineError: there is a file of this name.
    """
    try:
        with open(path, "x", encoding="utf-8") as file:
            yield file
    except FileExistsError:
        raise OneLineError(f"{path}: is there already; name another file, or remove it first") from None


def vtt_writer(file: TextIO) -> Callable[[Event], None]:
    """Return a function that appends final words to a WebVTT file; the file is whole after each of them."""
    from asr_helpers.live.listener import Final
    from asr_helpers.words.captions import vtt

    header = "WEBVTT\n"

    def write(event: Event) -> None:
        if isinstance(event, Final) and not event.doubtful:
            file.write(vtt(event.words).removeprefix(header))
            file.flush()

    file.write(header)
    file.flush()
    return write


def print_final(event: Event) -> None:
    """Print final words as a line."""
    from asr_helpers.live.listener import Final

    if isinstance(event, Final):
        print(spelt(event.words) + DOUBT * event.doubtful, flush=True)


def terminal_captions() -> Callable[[Event], None]:
    """Return a function that redraws the words since the last pause in place; what may still change is grey."""
    from asr_helpers.live.listener import Final

    drawn = 0  # lines that are redrawn

    def draw(event: Event) -> None:
        nonlocal drawn
        if final := isinstance(event, Final):
            black, grey = ([], event.words) if event.doubtful else (event.words, [])
        else:
            black, grey = event.black, event.grey
        size = shutil.get_terminal_size()
        lines = wrapped(spelt(black), spelt(grey) + DOUBT * event.doubtful, size.columns - 1)
        lines = lines if final else lines[-(size.lines - 1) :]  # the cursor cannot go up beyond the screen
        up = f"\x1b[{drawn - 1}A" if drawn > 1 else ""
        print(f"\r{up}{CLEAR_BELOW}" + "\n".join(lines), end="\n" if final else "", flush=True)
        drawn = 0 if final else len(lines)

    return draw


def wrapped(black: str, grey: str, columns: int) -> list[str]:
    """Return a black text and the grey one after it as lines of at most `columns` characters."""
    lines, left = [], len(black)  # black characters that are still to come
    for line in textwrap.wrap(f"{black} {grey}".strip(), columns):
        lines.append(line[:left] + (f"{GREY}{line[left:]}{PLAIN}" if len(line) > left else ""))
        left = max(0, left - len(line) - 1)
    return lines


def spelt(words: list[Word]) -> str:
    """Return the words as text."""
    return " ".join(word.text for word in words)
