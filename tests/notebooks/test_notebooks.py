"""Every notebook runs in the ci profile, and every .ipynb is its source, executed."""

import re
import statistics
import sys
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "notebooks"))

import build  # noqa: E402


def code(notebook):
    return [cell.source for cell in notebook.cells if cell.cell_type == "code"]


@pytest.fixture(params=build.NAMES)
def name(request):
    return request.param


def test_the_series_is_complete():
    assert [name[:2] for name in build.NAMES] == [f"{number:02d}" for number in range(len(build.NAMES))]
    assert len(build.NAMES) >= 10


def test_the_notebook_is_its_source_executed(name):
    committed = nbformat.read(build.HERE / f"{name}.ipynb", as_version=4)
    source = build.read_source(name)
    assert [(cell.cell_type, cell.source) for cell in committed.cells] == [
        (cell.cell_type, cell.source) for cell in source.cells
    ], f"{name}.ipynb is older than its source: run make notebooks NAMES={name}"
    assert any(cell.get("outputs") for cell in committed.cells)
    text = (build.HERE / f"{name}.ipynb").read_text()
    assert len(text) < 2_000_000
    assert not re.search(r"/(work|root|home|tmp)/", text), "an output names a path of the machine it ran on"
    assert "Traceback" not in text


def test_its_anatomy(name):
    notebook = build.read_source(name)
    first = notebook.cells[0].source
    assert first.startswith(f"# {name[:2]} · ")
    for word in ("Objectives", "Needs", "Minutes"):
        assert word in first
    lengths = [len([line for line in source.splitlines() if line.strip()]) for source in code(notebook)]
    assert statistics.median(lengths) <= 6
    assert max(lengths) <= 25
    prose = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    for heading in ("Break it", "Exercises", "Recap"):
        assert re.search(f"^## {heading}", prose, re.MULTILINE), heading
    assert any("solution" in cell.metadata.get("tags", []) for cell in notebook.cells)
    for link in re.findall(r"\]\((\d\d_\w+)\.ipynb\)", prose):
        assert link in build.NAMES


def test_it_runs(name, monkeypatch):
    monkeypatch.setenv("ASR_PROFILE", "ci")
    notebook = build.execute(name, timeout=300)
    assert all(
        cell.execution_count for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()
    )


def test_outputs_carry_no_clocks_and_no_dead_widgets():
    log = nbformat.v4.new_output(
        "stream", name="stderr", text="I0000 00:00:1795 port.cc] oneDNN\nmind the gap\n"
    )
    widget = nbformat.v4.new_output(
        "display_data", {"application/vnd.jupyter.widget-view+json": {"model_id": "x"}}
    )
    kept = build.clean([log, widget])
    assert [output.text for output in kept] == ["mind the gap\n"]
