"""Child processes: run apart, spread over workers, ended with their parent."""

import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from asr_helpers.system import OneLineError, processes

ROOT = Path(__file__).parent.parent
PIPES = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}


def module(tmp_path, code):
    (tmp_path / "apart.py").write_text(f"import json, os, sys\n{code}\n")
    return {"PYTHONPATH": f"{ROOT}{os.pathsep}{tmp_path}"}


def test_a_module_runs_apart_and_answers_in_json(tmp_path):
    code = "print(json.dumps([os.getpid(), sys.argv[1:], json.load(sys.stdin), os.environ['SHADE']]))"
    environment = module(tmp_path, code) | {"SHADE": "grün"}
    pid, arguments, sent, shade = processes.run_module("apart", "a", Path("b c"), stdin={"x": [1]}, env=environment)
    assert pid != os.getpid()
    assert (arguments, sent, shade) == (["a", "b c"], {"x": [1]}, "grün")
    assert "SHADE" not in os.environ


@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [
        ("print('warning\\na.wav: empty', file=sys.stderr); sys.exit(2)", processes.ChildMistake, "a.wav: empty"),
        ("raise KeyError('here')", RuntimeError, "Traceback"),
        ("os.abort()", processes.ChildCrash, "exit status -6"),
        ("os._exit(7)", processes.ChildCrash, "exit status 7"),
    ],
)
def test_how_a_module_ends_decides_the_error(tmp_path, code, kind, words):
    with pytest.raises(kind, match=words) as caught:
        processes.run_module("apart", env=module(tmp_path, code))
    assert isinstance(caught.value, OneLineError) == (kind is not RuntimeError)


def test_jobs_are_spread_over_processes_and_keep_their_order():
    done = list(processes.map_processes(partial(pow, 2), range(20), 2, RuntimeError("died"), chunksize=3))
    assert done == [2**n for n in range(20)]
    assert list(processes.map_processes(abs, [], 2, RuntimeError("died"))) == []


def test_a_worker_that_dies_raises_the_callers_error():
    with pytest.raises(RuntimeError, match="died"):
        list(processes.map_processes(os._exit, [1], 1, RuntimeError("died")))


def test_what_a_worker_raises_is_raised():
    with pytest.raises(ZeroDivisionError):
        list(processes.map_processes(partial(divmod, 1), [0], 1, RuntimeError("died")))


@pytest.mark.skipif(os.name != "posix", reason="a child of Windows does not notice its parent's end")
def test_a_child_ends_with_its_parent(tmp_path):
    (tmp_path / "sleeper.py").write_text("import os, time; print(os.getpid(), flush=True); time.sleep(60)")
    code = (
        "import subprocess, time; from asr_helpers.system import processes; "
        "subprocess.Popen(processes.child_command('sleeper')); time.sleep(60)"
    )
    environment = os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{tmp_path}"}
    parent = subprocess.Popen([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, text=True)
    child = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    start = time.monotonic()
    while alive(child) and time.monotonic() - start < 5:
        time.sleep(0.02)
    assert not alive(child)
    parent.communicate()


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_children_started_with_sigint_blocked_ignore_ctrl_c():
    with processes.sigint_blocked():
        child = subprocess.Popen([sys.executable, "-c", "print(1, flush=True); input(); print(2)"], **PIPES)
    assert child.stdout.readline() == "1\n"
    child.send_signal(signal.SIGINT)
    time.sleep(0.2)
    assert child.communicate("\n", timeout=30)[0] == "2\n"
