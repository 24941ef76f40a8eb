"""`asr doctor`: whether this machine can run the notebooks, and how long each notebook will take on it.

`notebooks/minutes.json` holds how long each notebook took when it was built, and how fast that machine trained the
harbour network at the time. A few training steps of the same network give the speed of this machine relative to it.
"""

import importlib.metadata
import json
import os
import platform
import re
import shutil
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from asr_helpers.corpus.reading import data_dir

MIN_DISK_BYTES = 2e9  # what the notebooks write under runs/, with a margin
MIN_MEMORY_BYTES = 4e9  # notebook 06 and the browser
SOUND = Path("/proc/asound/pcm")  # Linux's list of sound devices


@dataclass(frozen=True)
class Finding:
    """The result of one check: its name, its state ("ok", "note" or "missing") and one line for the user."""

    name: str
    state: str
    line: str


def findings() -> Iterator[Finding]:
    """Yield the findings about this machine, without its speed."""
    yield python()
    yield packages()
    yield disk()
    yield memory()
    yield microphone()
    yield chromium()
    yield espeak()


def python() -> Finding:
    """Check Python's version."""
    version = platform.python_version()
    if (3, 11) <= sys.version_info < (3, 14):
        return Finding("Python", "ok", version)
    return Finding("Python", "missing", f"{version}; 3.11 to 3.13 is needed: make PYTHON=python3.12 …")


def packages(distribution: str = "asr-helpers") -> Finding:
    """Check that the packages that `distribution` requires are installed in accepted versions."""
    from packaging.requirements import Requirement

    try:
        wanted = [Requirement(line) for line in importlib.metadata.requires(distribution) or []]
    except importlib.metadata.PackageNotFoundError:
        return Finding("packages", "missing", f"{distribution} is not installed: make lab, or pip install -e .")
    wanted = [each for each in wanted if not each.marker or each.marker.evaluate({"extra": ""})]
    wrong = []
    for each in wanted:
        try:
            version = importlib.metadata.version(each.name)
        except importlib.metadata.PackageNotFoundError:
            wrong.append(each.name)
            continue
        if version not in each.specifier:
            wrong.append(f"{each.name} {version} (needs {each.specifier})")
    if wrong:
        return Finding("packages", "missing", f"{', '.join(wrong)}: make lab, or pip install -e .")
    return Finding("packages", "ok", f"all {len(wanted)}, TensorFlow {importlib.metadata.version('tensorflow')}")


def disk() -> Finding:
    """Check the free space on the disk that holds the notebooks."""
    free = shutil.disk_usage(data_dir()).free
    line = f"{free / 1e9:.0f} GB free beside the notebooks"
    if free < MIN_DISK_BYTES:
        return Finding("disk", "missing", f"{line}; {MIN_DISK_BYTES / 1e9:.0f} GB are needed")
    return Finding("disk", "ok", line)


def memory() -> Finding:
    """Check the size of the memory."""
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return Finding("memory", "note", "its size cannot be read here; 4 GB are enough")
    line = f"{total / 1e9:.0f} GB"
    if total < MIN_MEMORY_BYTES:
        return Finding("memory", "note", f"{line}; 4 GB are better")
    return Finding("memory", "ok", line)


def microphone() -> Finding:
    """Look for a recording device. It is the browser that uses it, perhaps on another machine."""
    elsewhere = "notebook 00 takes a sound file as well"
    if "microsoft" in platform.release().lower():
        return Finding("microphone", "note", f"this is WSL: the browser asks Windows for it; {elsewhere}")
    if platform.system() != "Linux":
        return Finding("microphone", "note", "the browser asks for it, and shows which; record in notebook 00 to test")
    found = re.findall(r"^[\d-]+: ([^:]+):.*capture", SOUND.read_text(), re.MULTILINE) if SOUND.exists() else []
    if found:
        return Finding("microphone", "ok", f"{', '.join(each.strip() for each in found)}; the browser will ask for it")
    return Finding("microphone", "note", f"none is seen on this machine; {elsewhere}")


def chromium() -> Finding:
    """Look for Chromium, which the browser tests need."""
    path = next(filter(None, map(shutil.which, ("chromium", "google-chrome"))), None)
    if path:
        return Finding("Chromium", "ok", path)
    return Finding("Chromium", "note", "not found; only the browser's part of make test needs it")


def espeak() -> Finding:
    """Look for eSpeak NG, an optional extra: the synthesiser of notebook 11."""
    try:
        return Finding("eSpeak NG", "ok", f"espeakng-loader {importlib.metadata.version('espeakng-loader')}")
    except importlib.metadata.PackageNotFoundError:
        line = "not installed; only notebook 11 needs it: pip install espeakng-loader"
        return Finding("eSpeak NG", "note", line)


def training_speed(steps: int = 5, batch: int = 8, frames: int = 250) -> float:
    """Return the training speed of the harbour network on this machine, in seconds of audio per second.

    The median over `steps` steps, after one step that compiles. 250 frames are 2.5 s, the length of the harbour radio's
    clips.
    """
    from asr_helpers.network.loss import pack_targets
    from asr_helpers.sound.audio import HOP, SAMPLE_RATE
    from asr_helpers.sound.mel import MELS, TIME_POOLING
    from asr_helpers.training.network import new_model
    from asr_helpers.training.profiles import PROFILES

    rng = np.random.default_rng(0)
    features = rng.normal(size=(batch, frames, MELS, 1)).astype(np.float32)
    answers = frames // TIME_POOLING
    targets = pack_targets([rng.integers(28, size=answers // 3) for _ in range(batch)], [answers] * batch)
    model, times = new_model(PROFILES["fast"]), []
    for _ in range(steps + 1):
        start = time.perf_counter()
        model.train_on_batch(features, targets)
        times.append(time.perf_counter() - start)
    return batch * frames * HOP / SAMPLE_RATE / float(np.median(times[1:]))


def minutes_table(speed: float, path: Path | None = None) -> list[tuple[str, float]]:
    """Return (notebook, expected minutes) in the profile `fast`, on a machine that trains at `speed`.

    As a rule of thumb, all work of a notebook is assumed to scale with `training_speed`. `path` replaces the
    repository's minutes.json.
    """
    path = path or data_dir().parent / "notebooks" / "minutes.json"
    measured = json.loads(path.read_text())
    return [(name, row["run"] * row["speed"] / speed) for name, row in measured.items()]


def in_words(minutes: float) -> str:
    """Return minutes as text, rounded up, or "under 1"."""
    return "under 1" if minutes < 1 else f"{int(np.ceil(minutes))}"
