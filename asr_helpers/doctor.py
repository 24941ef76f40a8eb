"""What this machine has of what the notebooks need, and how long each of them will take on it.

The minutes come from the run that made the notebooks: `notebooks/minutes.json` holds how long each took then, and how
fast the harbour network was trained on that machine at that time. Here the same network is trained for a few steps.
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

from asr_helpers.corpus import data_dir

DISK = 2e9  # bytes: what the notebooks write under runs/, and some room
MEMORY = 4e9  # bytes: notebook 06's process and the browser
SOUND = Path("/proc/asound/pcm")  # Linux's list of sound devices


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at: its name, "ok", "note" or "missing", and a line about it."""

    name: str
    state: str
    line: str


def findings() -> Iterator[Finding]:
    """Yield what was found on this machine, all but its speed."""
    yield python()
    yield packages()
    yield disk()
    yield memory()
    yield microphone()
    yield chromium()
    yield espeak()


def python() -> Finding:
    version = platform.python_version()
    if (3, 11) <= sys.version_info < (3, 14):
        return Finding("Python", "ok", version)
    return Finding("Python", "missing", f"{version}; 3.11 to 3.13 is needed: make PYTHON=python3.12 …")


def packages(distribution: str = "asr-helpers") -> Finding:
    """Compare what is installed with what `distribution` asks for."""
    from packaging.requirements import Requirement

    try:
        wanted = [Requirement(line) for line in importlib.metadata.requires(distribution) or []]
    except importlib.metadata.PackageNotFoundError:
        return Finding(
            "packages", "missing", f"{distribution} is not installed: make lab, or pip install -e ."
        )
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
    return Finding(
        "packages", "ok", f"all {len(wanted)}, TensorFlow {importlib.metadata.version('tensorflow')}"
    )


def disk() -> Finding:
    free = shutil.disk_usage(data_dir()).free
    line = f"{free / 1e9:.0f} GB free beside the notebooks"
    if free < DISK:
        return Finding("disk", "missing", f"{line}; {DISK / 1e9:.0f} GB are needed")
    return Finding("disk", "ok", line)


def memory() -> Finding:
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return Finding("memory", "note", "its size cannot be read here; 4 GB are enough")
    line = f"{total / 1e9:.0f} GB"
    return Finding("memory", *(("ok", line) if total >= MEMORY else ("note", f"{line}; 4 GB are better")))


def microphone() -> Finding:
    """Look for a device that records. The browser uses it, which may run on another machine than this process."""
    elsewhere = "notebook 00 takes a sound file as well"
    if "microsoft" in platform.release().lower():
        return Finding("microphone", "note", f"this is WSL: the browser asks Windows for it; {elsewhere}")
    if platform.system() != "Linux":
        return Finding(
            "microphone", "note", "the browser asks for it, and shows which; record in notebook 00 to test"
        )
    found = (
        re.findall(r"^[\d-]+: ([^:]+):.*capture", SOUND.read_text(), re.MULTILINE) if SOUND.exists() else []
    )
    if found:
        return Finding(
            "microphone", "ok", f"{', '.join(each.strip() for each in found)}; the browser will ask for it"
        )
    return Finding("microphone", "note", f"none is seen on this machine; {elsewhere}")


def chromium() -> Finding:
    path = next(filter(None, map(shutil.which, ("chromium", "google-chrome"))), None)
    if path:
        return Finding("Chromium", "ok", path)
    return Finding("Chromium", "note", "not found; only the browser's part of make test needs it")


def espeak() -> Finding:
    """Look for the synthesiser of notebook 11, an extra."""
    try:
        return Finding("eSpeak NG", "ok", f"espeakng-loader {importlib.metadata.version('espeakng-loader')}")
    except importlib.metadata.PackageNotFoundError:
        line = "not installed; only notebook 11 needs it: pip install espeakng-loader"
        return Finding("eSpeak NG", "note", line)


def training_speed(steps: int = 5, batch: int = 8, frames: int = 250) -> float:
    """Return how many seconds of audio a second the harbour network is trained on, here and now.

    The median of `steps` steps, after one that compiles; of clips of 2.5 s, as long as the harbour radio's.
    """
    from asr_helpers.ctc import pack_targets
    from asr_helpers.features import HOP, MELS, SAMPLE_RATE, TIME_POOLING
    from asr_helpers.training import PROFILES, new_model

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
    """Return (notebook, minutes to expect) in the profile `fast`, on a machine that trains at `speed`.

    Whatever a notebook does is taken to be slower or faster as training is: a rule of thumb, to plan with.
    """
    path = path or data_dir().parent / "notebooks" / "minutes.json"
    measured = json.loads(path.read_text())
    return [(name, row["run"] * row["speed"] / speed) for name, row in measured.items()]


def in_words(minutes: float) -> str:
    """Return minutes as one plans with them: "under 1", or the next whole number."""
    return "under 1" if minutes < 1 else f"{int(np.ceil(minutes))}"
