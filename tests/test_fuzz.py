"""A sample of `tests/fuzz.py`; `make fuzz` sets FUZZ=1 and runs the whole, as SECURITY.md counts it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

TRIALS = {
    "audio": 1350,
    "transcripts": 600,
    "arpa": 1200,
    "packed": 600,
    "runs": 600,
    "importer": 400,
    "captions": 1500,
}


@pytest.mark.skipif(sys.platform != "linux", reason="the limits of a trial are Linux's")
@pytest.mark.parametrize("kind", TRIALS)
def test_damaged_input_is_one_line_and_no_crash(kind):
    trials = TRIALS[kind] if os.environ.get("FUZZ") else TRIALS[kind] // 15
    script = Path(__file__).with_name("fuzz.py")
    environment = {**os.environ, "PYTHONPATH": str(script.parent.parent), "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, script, kind, str(trials)]
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert done.returncode == 0, done.stdout[-3000:]
