"""Every notebook runs in the ci profile, solved and unsolved, and every .ipynb is its source, executed."""

import ast
import os
import re
import statistics
import subprocess
import sys
from html import escape
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "notebooks" / "tools"))

import build  # noqa: E402

from asr_helpers.pretrained import whisper  # noqa: E402
from asr_helpers.teaching.checks.judging import JUDGES  # noqa: E402

TITLE = re.compile(r"^### Exercise (\S+) · (.+)\n\n\*(easy|medium|hard) · (\d+) minutes", re.MULTILINE)
UNSOLVED = {"model", "language"}  # these capstones take a training, which no run in the profile `ci` makes
MINUTES = 30  # to read a notebook, at most
# What a notebook needs beyond the package's own dependencies.
EXTRAS = {"11_your_language": "espeakng_loader", "12_your_voice": "espeakng_loader"}


def code(notebook):
    return [cell.source for cell in notebook.cells if cell.cell_type == "code"]


@pytest.fixture(params=build.NAMES)
def name(request):
    return request.param


def test_the_series_is_complete():
    numbers = [int(name[:2]) for name in build.NAMES]
    assert numbers == list(range(len(numbers))) and len(numbers) >= 14


def test_the_executed_notebooks_are_of_todays_sources_and_models():
    assert build.stale() == {}, "run make notebooks NAMES=… for these"


@pytest.mark.parametrize("name", build.NAMES + build.APPENDIX)
def test_it_is_read_in_half_an_hour(name):
    reading, _ = build.minutes_of(build.read_cells(name))
    assert reading <= MINUTES, f"{reading:.0f} minutes"


@pytest.mark.parametrize("name", build.NAMES + build.APPENDIX)
def test_the_notebooks_are_their_source_executed(name):
    source = build.read_source(name)
    both = {".": build.learner(source)}
    if name in build.NAMES:
        both["solutions"] = build.solutions(source, name)
    for folder, made in both.items():
        path = build.NOTEBOOKS / folder / f"{name}.ipynb"
        committed = nbformat.read(path, as_version=4)
        assert [(cell.id, cell.cell_type, cell.source) for cell in committed.cells] == [
            (cell.id, cell.cell_type, cell.source) for cell in made.cells
        ], f"{path} is older than its source: run make notebooks NAMES={name}"
        assert any(cell.get("outputs") for cell in committed.cells)
        text = path.read_text()
        assert len(text) < 2_000_000
        assert not re.search(r"/(work|root|home|tmp)/", text), "an output names a path of the machine it ran on"
        assert "Traceback" not in text


def test_the_learner_gets_a_cell_to_write_in_and_no_solution(name):
    source = build.read_source(name)
    theirs = build.learner(source).cells
    assert not any(build.tagged(cell, "solution", "check") for cell in theirs)
    for place, cell in enumerate(theirs):
        if build.tagged(cell, "exercise"):
            write, judge = theirs[place + 1 : place + 3]
            assert write.source == "# your turn\nanswer = ..."
            assert judge.source == f'check("{TITLE.search(cell.source)[1]}", answer)'


def test_the_solutions_stand_under_their_questions_and_can_be_run(name):
    source = build.read_source(name)
    head, setup, *solved = build.solutions(source, name).cells
    assert f"(../{name}.ipynb)" in head.source and f"../{name}.ipynb" in setup.source
    assert not any(build.tagged(cell, "your-turn") for cell in solved)
    kinds = [next(tag for tag in cell.metadata.tags) for cell in solved]
    assert re.fullmatch(r"(exercise (solution )+check )+", " ".join(kinds) + " ")
    links = re.findall(r"\]\(([^)#]+)", "".join(c.source for c in solved if c.cell_type == "markdown"))
    assert all(link.startswith("https://") for link in links), "a link from two folders: which is meant?"


def test_the_first_cell_of_the_solutions_runs_the_notebook_up_to_its_exercises(tmp_path, monkeypatch):
    cells = [nbformat.v4.new_code_cell(source) for source in ("found = [1]", "found.append(2)", "found.append(3)")]
    cells.insert(2, nbformat.v4.new_markdown_cell("### Exercise", metadata={"tags": ["exercise"]}))
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "any.ipynb")
    (tmp_path / "solutions").mkdir()
    monkeypatch.chdir(tmp_path / "solutions")
    names = {}
    exec(build.SETUP.format(name="any"), names)
    assert names["found"] == [1, 2]


def test_nothing_outside_needs_what_a_solution_made(name):
    """Else the learner's notebook would stop where the executed one, which has the solutions, does not."""
    made, solved, used = set(), set(), set()
    for cell in build.read_source(name).cells:
        if cell.cell_type == "code" and not build.tagged(cell, "your-turn"):
            names = [node for node in ast.walk(ast.parse(cell.source)) if isinstance(node, ast.Name)]
            stored = {node.id for node in names if isinstance(node.ctx, ast.Store)}
            if build.tagged(cell, "solution"):
                solved |= stored - made
            else:
                used |= {node.id for node in names if node.id in solved - stored}
                made |= stored
    assert used <= {"answer"}


def test_the_exercises(name):
    source = build.read_source(name)
    titles = [TITLE.search(cell.source) for cell in source.cells if build.tagged(cell, "exercise")]
    assert all(titles)
    numbers = [title[1] for title in titles if title[1][0].isdigit()]
    assert len(numbers) >= 3
    assert numbers == [f"{name[:2]}.{count}" for count in range(1, len(numbers) + 1)]


def test_every_judge_has_its_exercise():
    sources = "".join((build.NOTEBOOKS / "source" / f"{name}.py").read_text() for name in build.NAMES)
    assert set(re.findall(r'^check\("(\S+)", answer\)$', sources, re.MULTILINE)) == JUDGES.keys()


def test_its_anatomy(name):
    notebook = build.read_source(name)
    assert notebook.cells[0].source.startswith(f"# {name[:2]} · ")
    about = next((cell for cell in notebook.cells if build.tagged(cell, "about")), notebook.cells[0]).source
    for word in ("Objectives", "Needs", "Minutes"):
        assert word in about
    lengths = [len([line for line in source.splitlines() if line.strip()]) for source in code(notebook)]
    assert statistics.median(lengths) <= 6
    assert max(lengths) <= 25
    prose = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    for heading in ("Break it", "Exercises", "Quiz", "Recap", "Further reading"):
        assert re.search(f"^## {heading}", prose, re.MULTILINE), heading
    for link in re.findall(r"\]\((\w\d_\w+)\.ipynb\)", prose):
        assert link in build.NAMES + build.APPENDIX


@pytest.mark.parametrize("name", build.NAMES + build.APPENDIX)
def test_it_runs(name, monkeypatch):
    if name in EXTRAS:
        pytest.importorskip(EXTRAS[name], reason=f"the extra that {name} needs is not installed")
    monkeypatch.setenv("ASR_PROFILE", "ci")
    notebook = build.execute(name, timeout=300)
    assert all(cell.execution_count for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip())
    for cell in notebook.cells:
        if cell.source.startswith("check("):
            number, said = (cell.source.split('"')[1], "".join(output.get("text", "") for output in cell.outputs))
            unsolved = build.tagged(cell, "your-turn") or number in UNSOLVED
            assert ("nothing here yet" if unsolved else "✔ right") in said, said
        pictures = [place for place, out in enumerate(cell.get("outputs", [])) if "image/png" in out.get("data", {})]
        for place in pictures:  # described in words, which every reader finds
            alt = cell.outputs[place].metadata["image/png"]["alt"]
            assert alt and escape(alt) in cell.outputs[place + 1].data["text/html"], cell.source


def test_without_whispers_weights_one_line_says_what_to_install(tmp_path, monkeypatch):
    (tmp_path / "sitecustomize.py").write_text(f"import sys; sys.modules['{whisper.PACKAGE}'] = None")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]))
    monkeypatch.setenv("ASR_PROFILE", "ci")
    cells = build.execute("10_pretrained", timeout=300).cells
    outputs = [output for cell in cells if cell.cell_type == "code" for output in cell.outputs]
    assert "".join(output.get("text", "") for output in outputs).count(whisper.INSTALL) == 1
    assert sum("image/png" in output.get("data", {}) for output in outputs) >= 4


def test_a_notebook_opened_alone_says_what_to_do(name):
    first, second = code(build.read_source(name))[:2]
    assert first == build.GUARD and "import" in second
    alone = subprocess.run([sys.executable, "-I", "-S", "-c", first], capture_output=True, text=True)  # no packages
    assert alone.returncode == 1 and "fetch the whole repository" in alone.stderr
    assert len(alone.stderr.splitlines()) == 1


def test_outputs_carry_no_clocks_and_no_dead_widgets():
    log = nbformat.v4.new_output("stream", name="stderr", text="I0000 00:00:1795 port.cc] oneDNN\nmind the gap\n")
    widget = nbformat.v4.new_output("display_data", {"application/vnd.jupyter.widget-view+json": {"model_id": "x"}})
    kept = build.clean([log, widget])
    assert [output.text for output in kept] == ["mind the gap\n"]
