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
