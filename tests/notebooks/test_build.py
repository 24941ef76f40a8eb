"""Building replaces the notebooks that it wrote, and none that a learner has edited."""

import sys
from pathlib import Path

import nbformat
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "notebooks" / "tools"))

import build

from asr_helpers.system import NotOursError


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "a.ipynb"
    build.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("answer = ...")]), path)
    return path


def test_a_notebook_as_it_was_built_is_replaced(path):
    build.check_unedited(path)
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[0].outputs = [nbformat.v4.new_output("stream", text="42")]  # run, not edited
    nbformat.write(notebook, path)
    build.check_unedited(path)
    build.check_unedited(path.with_name("new.ipynb"))


def test_a_notebook_of_an_older_version_is_replaced(path):
    notebook = nbformat.read(path, as_version=4)
    del notebook.metadata[build.DIGEST]
    nbformat.write(notebook, path)
    build.check_unedited(path)


@pytest.fixture
def series(tmp_path, monkeypatch):
    """A series of one notebook, executed with today's models; returns the path of its source."""
    source = tmp_path / "source" / "00_one.py"
    source.parent.mkdir()
    source.write_text("# %% [markdown]\n# # 00 · One\n\n# %%\n1 + 1\n")
    for name, value in {"NOTEBOOKS": tmp_path, "NAMES": [], "APPENDIX": ["00_one"]}.items():
        monkeypatch.setattr(build, name, value)
    (tmp_path / "source" / "appendix").symlink_to(tmp_path / "source")
    assert build.stale() == {"00_one": "not executed"}
    build.write(build.read_source("00_one"), tmp_path / "00_one.ipynb")
    return source


def test_a_notebook_is_stale_when_its_source_or_a_shipped_model_has_changed(series, monkeypatch, capsys):
    assert build.stale() == {}
    before = build.models()
    monkeypatch.setattr(build, "models", lambda: {**before, "crnn.keras": "0"})
    assert build.stale() == {"00_one": "another crnn.keras"}
    monkeypatch.undo()


def test_an_edited_source_makes_its_notebook_stale(series, capsys):
    series.write_text(series.read_text().replace("1 + 1", "1 + 2"))
    with pytest.raises(SystemExit, match="True"):
        build.main(["--stale"])
    assert capsys.readouterr().out == "00_one: another source\n"


def test_an_answer_is_not_replaced(path, monkeypatch):
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[0].source = "answer = 42"
    nbformat.write(notebook, path)
    with pytest.raises(NotOursError, match="was edited since it was built"):
        build.check_unedited(path)
    monkeypatch.setattr(build, "NOTEBOOKS", path.parent)
    monkeypatch.setattr(build, "NAMES", ["a"])
    monkeypatch.setattr(build, "training_speed", lambda: pytest.fail("the work has begun"))
    with pytest.raises(SystemExit, match="was edited"):
        build.main(["a"])
