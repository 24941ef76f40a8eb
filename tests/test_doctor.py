"""What `asr doctor` finds, says and expects."""

import json
import platform
import shutil
from collections import namedtuple

import pytest

from asr_helpers.cli import entry
from asr_helpers.teaching import doctor


def test_it_finds_this_machine_fit_and_prints_the_minutes(capsys, monkeypatch):
    monkeypatch.setattr(doctor, "training_speed", lambda: 78.0)
    assert entry.main(["doctor"]) == 0
    out = capsys.readouterr().out
    for word in ("✔ Python", "✔ packages", "✔ disk", "memory", "microphone", "Chromium", "78 seconds of audio"):
        assert word in out
    expected = dict(doctor.minutes_table(78.0))
    assert f"06_training{doctor.in_words(expected['06_training']):>17}" in out
    assert "all, one by one" in out


def test_what_is_missing_is_named_with_the_remedy(capsys, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: namedtuple("usage", "free")(1e9))
    monkeypatch.setattr(doctor, "training_speed", lambda: pytest.fail("no training on a machine that is not ready"))
    assert entry.main(["doctor"]) == 1
    assert "✘ disk        1 GB free beside the notebooks; 2 GB are needed" in capsys.readouterr().out


def test_another_python(monkeypatch):
    monkeypatch.setattr("sys.version_info", (3, 10, 1))
    assert doctor.python().state == "missing" and "3.11 to 3.13" in doctor.python().line


def test_packages_that_are_old_or_not_there(monkeypatch):
    wanted = ["numpy>=99", "nosuchpackage>=1", 'pytest>=1; extra == "dev"', "keras>=1"]
    monkeypatch.setattr(doctor.importlib.metadata, "requires", lambda name: wanted)
    line = doctor.packages().line
    assert line.startswith("numpy ") and "(needs >=99), nosuchpackage:" in line and "keras" not in line
    monkeypatch.undo()
    assert "is not installed" in doctor.packages("nobody-made-this").line


def test_the_synthesiser_of_notebook_11_is_a_note_where_it_is_not(monkeypatch):
    monkeypatch.setattr(doctor.importlib.metadata, "version", lambda name: "0.2.4")
    assert doctor.espeak() == doctor.Finding("eSpeak NG", "ok", "espeakng-loader 0.2.4")

    def absent(name):
        raise doctor.importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(doctor.importlib.metadata, "version", absent)
    assert doctor.espeak().state == "note" and "pip install espeakng-loader" in doctor.espeak().line


def test_a_microphone_where_there_is_one(tmp_path, monkeypatch):
    monkeypatch.setattr(platform, "system", lambda: "Linux")
    monkeypatch.setattr(platform, "release", lambda: "6.1.0")
    cards = tmp_path / "pcm"
    monkeypatch.setattr(doctor, "SOUND", cards)
    assert doctor.microphone().state == "note"
    cards.write_text(
        "00-00: ALC257 Analog : ALC257 Analog : playback 1 : capture 1\n00-03: HDMI 0 : HDMI 0 : playback 1\n"
    )
    assert doctor.microphone().state == "ok" and doctor.microphone().line.startswith("ALC257 Analog;")
    monkeypatch.setattr(platform, "release", lambda: "5.15.1-microsoft-standard-WSL2")
    assert "WSL" in doctor.microphone().line


def test_minutes_grow_as_training_slows(tmp_path):
    path = tmp_path / "minutes.json"
    path.write_text(json.dumps({"00_a": {"run": 0.5, "speed": 100}, "06_b": {"run": 11, "speed": 100}}))
    rows = doctor.minutes_table(50.0, path)
    assert rows == [("00_a", 1.0), ("06_b", 22.0)]
    assert [doctor.in_words(each) for each in (0.3, 1.0, 10.2)] == ["under 1", "1", "11"]


@pytest.mark.slow
def test_a_few_steps_are_trained():
    assert 1 < doctor.training_speed(steps=1, batch=2, frames=60) < 1e5
