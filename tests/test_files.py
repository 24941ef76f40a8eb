import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from asr_helpers import files, processes


def test_a_file_is_there_whole_and_nothing_else_is(tmp_path):
    for content in ("grün", b"bytes"):
        files.write(tmp_path / "a.txt", content)
    assert (tmp_path / "a.txt").read_bytes() == b"bytes"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_bytes_are_on_the_disk_before_the_name_and_the_name_before_it_returns(tmp_path, monkeypatch):
    done = []
    monkeypatch.setattr(
        os, "fsync", lambda descriptor: done.append(os.readlink(f"/proc/self/fd/{descriptor}"))
    )
    real = os.replace
    monkeypatch.setattr(os, "replace", lambda a, b: (done.append(f"{a} -> {b}"), real(a, b)))
    files.write(tmp_path / "a", b"x")
    part = tmp_path / ".part-a"
    assert done == [str(part), f"{part} -> {tmp_path / 'a'}", str(tmp_path)]
    done.clear()
    files.write(tmp_path / "a", b"x", bulk=True)  # one `flush` comes for many of these
    assert len(done) == 1


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
def test_after_an_error_the_old_file_stays_and_no_part(tmp_path, error):
    (tmp_path / "a").write_text("old")
    with pytest.raises(type(error)) as caught, files.whole(tmp_path / "a") as part:
        part.write_text("half")
        raise error
    assert os.listdir(tmp_path) == ["a"] and (tmp_path / "a").read_text() == "old"
    if isinstance(error, OSError):
        assert caught.value.filename == str(tmp_path / "a")


def test_where_one_is_alone_a_file_needs_no_lock_of_its_own(tmp_path):
    with files.alone(tmp_path), files.whole(tmp_path / "a") as part:
        part.touch()
        assert sorted(os.listdir(tmp_path)) == [".lock", ".part-a"]
    with files.whole(tmp_path / "a") as part:
        part.touch()
        assert sorted(os.listdir(tmp_path)) == [".lock-a", ".part-a", "a"]
    assert os.listdir(tmp_path) == ["a"]


def test_what_a_killed_run_left_is_cleared(tmp_path):
    (tmp_path / ".part-a.wav").write_text("half")
    (tmp_path / ".part-folder.txt").mkdir()
    (tmp_path / "b.wav").touch()
    files.clear(tmp_path)
    assert sorted(os.listdir(tmp_path)) == [".part-folder.txt", "b.wav"]


def test_what_cannot_be_written_shows_before_the_work(tmp_path):
    files.check_writable(tmp_path / "new/a.png")
    assert os.listdir(tmp_path / "new") == []
    (tmp_path / "file").touch()
    for path in (tmp_path, tmp_path / "file/a.png"):
        with pytest.raises(OSError):
            files.check_writable(path)


WORK = """
import sys, time
from asr_helpers import files
with files.alone(sys.argv[1]) as waited:
    print("in", waited, flush=True)
    time.sleep(float(sys.argv[2]))
print("out", flush=True)
"""


def worker(folder, seconds):
    command = [sys.executable, "-c", WORK, str(folder), str(seconds)]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parent.parent)}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, env=environment, **pipes)


def test_the_second_waits_with_one_line_and_a_kill_lets_it_in(tmp_path):
    first = worker(tmp_path / "run", 60)
    assert first.stdout.readline() == "in False\n"
    second = worker(tmp_path / "run", 0)
    line = second.stderr.readline()
    assert line == f"asr: {tmp_path / 'run'}: another process works here; waiting for its end\n"
    assert second.poll() is None
    first.kill()
    out, err = second.communicate(timeout=30)
    first.communicate()
    assert out == "in True\nout\n" and err == ""
    assert os.listdir(tmp_path / "run") == []  # the lock leaves nothing


@pytest.mark.skipif(os.name != "posix", reason="a child of Windows does not hear of its parent's end")
def test_a_child_ends_with_its_parent(tmp_path):
    (tmp_path / "sleeper.py").write_text("import os, time; print(os.getpid(), flush=True); time.sleep(60)")
    code = (
        "import subprocess, time; from asr_helpers import processes; "
        "subprocess.Popen(processes.command('sleeper')); time.sleep(60)"
    )
    environment = os.environ | {"PYTHONPATH": f"{Path(__file__).parent.parent}{os.pathsep}{tmp_path}"}
    parent = subprocess.Popen(
        [sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, text=True
    )
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


def test_children_started_deaf_do_not_hear_ctrl_c():
    with processes.deaf_children():
        child = subprocess.Popen([sys.executable, "-c", "print(1, flush=True); input(); print(2)"], **PIPES)
    assert child.stdout.readline() == "1\n"
    child.send_signal(signal.SIGINT)
    time.sleep(0.2)
    assert child.communicate("\n", timeout=30)[0] == "2\n"


PIPES = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
