import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from asr_helpers.system import files


def test_a_file_is_there_whole_and_nothing_else_is(tmp_path):
    for content in ("grün", b"bytes"):
        files.write(tmp_path / "a.txt", content)
    assert (tmp_path / "a.txt").read_bytes() == b"bytes"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_bytes_are_on_the_disk_before_the_name_and_the_name_before_it_returns(tmp_path, monkeypatch):
    done = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: done.append(os.readlink(f"/proc/self/fd/{descriptor}")))
    real = os.replace
    monkeypatch.setattr(os, "replace", lambda a, b: (done.append(f"{a} -> {b}"), real(a, b)))
    files.write(tmp_path / "a", b"x")
    part = tmp_path / ".part-a"
    assert done == [str(part), f"{part} -> {tmp_path / 'a'}", str(tmp_path)]
    done.clear()
    files.write(tmp_path / "a", b"x", bulk=True)  # one `sync_disks` comes for many of these
    assert len(done) == 1


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
def test_after_an_error_the_old_file_stays_and_no_part(tmp_path, error):
    (tmp_path / "a").write_text("old")
    with pytest.raises(type(error)) as caught, files.atomic_write(tmp_path / "a") as part:
        part.write_text("half")
        raise error
    assert os.listdir(tmp_path) == ["a"] and (tmp_path / "a").read_text() == "old"
    if isinstance(error, OSError):
        assert caught.value.filename == str(tmp_path / "a")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs a pipe")
def test_the_longest_name_can_be_written(tmp_path):
    """The temporary file and the lock have longer names than the file."""
    path = tmp_path / ("é" * 125 + ".json")
    files.check_writable(path)
    files.write(path, "{}")
    assert os.listdir(tmp_path) == [path.name] and path.read_text() == "{}"


@pytest.mark.parametrize("name", ["pipe", "link"])
def test_a_pipe_or_device_is_not_replaced(tmp_path, name):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("/dev/null")
    with pytest.raises(OSError, match="is not a regular file"):
        files.write(tmp_path / name, "x")
    assert sorted(os.listdir(tmp_path)) == ["link", "pipe"] and not (tmp_path / name).is_file()


def test_where_one_is_alone_a_file_needs_no_lock_of_its_own(tmp_path):
    with files.exclusive(tmp_path), files.atomic_write(tmp_path / "a") as part:
        part.touch()
        assert sorted(os.listdir(tmp_path)) == [".lock", ".part-a"]
    with files.atomic_write(tmp_path / "a") as part:
        part.touch()
        assert sorted(os.listdir(tmp_path)) == [".lock-a", ".part-a", "a"]
    assert os.listdir(tmp_path) == ["a"]


def test_what_a_killed_run_left_is_cleared(tmp_path):
    (tmp_path / ".part-a.wav").write_text("half")
    (tmp_path / ".part-folder.txt").mkdir()
    (tmp_path / "b.wav").touch()
    files.remove_partials(tmp_path)
    assert sorted(os.listdir(tmp_path)) == [".part-folder.txt", "b.wav"]


def test_a_writable_path_gets_its_folder_and_nothing_else(tmp_path):
    files.check_writable(tmp_path / "new/a.png")
    assert os.listdir(tmp_path / "new") == []


@pytest.mark.parametrize("name", ["", "file/a.png"])
def test_what_cannot_be_written_shows_before_the_work(tmp_path, name):
    (tmp_path / "file").touch()
    with pytest.raises(OSError):
        files.check_writable(tmp_path / name)


WORK = """
import sys, time
from asr_helpers.system import files
with files.exclusive(sys.argv[1]) as waited:
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
    assert line == f"asr: {tmp_path / 'run'}: another process is working here; waiting for it to finish\n"
    assert second.poll() is None
    first.kill()
    out, err = second.communicate(timeout=30)
    first.communicate()
    assert out == "in True\nout\n" and err == ""
    assert os.listdir(tmp_path / "run") == []  # the lock leaves nothing


def test_the_caller_is_notified_before_a_wait(tmp_path, capsys):
    first = worker(tmp_path, 60)
    assert first.stdout.readline() == "in False\n"
    lines = []

    def notify(line):
        lines.append(line)
        first.kill()

    with files.exclusive(tmp_path, notify=notify) as waited:
        assert waited
    first.communicate()
    (line,) = lines
    assert str(tmp_path) in line and "\n" not in line and capsys.readouterr().err == ""
