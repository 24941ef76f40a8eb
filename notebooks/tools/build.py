"""Execute the notebooks: python notebooks/tools/build.py [NAME...] runs source/NAME.py once and writes two notebooks.

NAME.ipynb is the learner's: in place of each solution it has an empty cell and a check. solutions/NAME.ipynb holds the
solved exercises. Both come from one run. They have stable cell ids and neither timestamps nor widget state, so they
change only when their content does. Edit a notebook only in source/, where tags mark the cells: `about` the
objectives, needs and minutes, `exercise` the question, `solution` (one cell or more), `check` the line that judges the
answer. `python notebooks/tools/build.py --stale` lists the notebooks that an edited source or another shipped model
has left behind; its status is 0 if there are none.
"""

import hashlib
import json
import os
import re
import sys
import time
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient
from pages import exercise_minutes, quiz_page, reading_minutes, with_about, with_links

from asr_helpers.corpus import data_dir
from asr_helpers.system import NotOursError, files
from asr_helpers.teaching.doctor import training_speed

NOTEBOOKS = Path(__file__).resolve().parents[1]
NATIVE_LOG = re.compile(
    r"[IWE]\d{4} |WARNING: All log messages before absl|To enable the following instructions"
    r"|INFO: Created TensorFlow Lite|compiling the beam search|fully_quantize:|\s*\[\[\{\{node |\s*$"
)
GUARD = """\
import importlib.util

if importlib.util.find_spec("asr_helpers") is None:
    raise SystemExit(
        "This notebook is one of a series and needs the folder around it: fetch the whole repository, "
        "and run `make lab` there. Where you have no terminal: %pip install -e PATH_OF_THE_REPOSITORY"
    )"""
DIGEST = "sources_sha256"  # in a notebook's metadata
MODELS = "models_sha256"  # there, too: {file of data/models: first digits of its SHA-256}
NAMES = sorted(path.stem for path in (NOTEBOOKS / "source").glob("*.py"))
APPENDIX = sorted(path.stem for path in (NOTEBOOKS / "source" / "appendix").glob("*.py"))  # no map, exercises or quiz


def read_cells(name: str) -> list[nbformat.NotebookNode]:
    """Return the cells of source/`name`.py as they were written."""
    return jupytext.read(NOTEBOOKS / "source" / ("appendix" if name in APPENDIX else "") / f"{name}.py").cells


def read_source(name: str) -> nbformat.NotebookNode:
    """Return source/`name`.py as a notebook without outputs that holds the learner's cells and the solutions."""
    notebook = nbformat.v4.new_notebook(cells=read_cells(name))
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    notebook.cells = with_turns(furnished(notebook.cells, name))
    guard(notebook.cells)
    for number, cell in enumerate(notebook.cells):
        cell.id = f"{name.split('_')[0]}-{number:03d}"
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    return notebook


def tagged(cell: nbformat.NotebookNode, *tags: str) -> bool:
    """Say whether a cell has one of `tags`."""
    return any(tag in tags for tag in cell.metadata.get("tags", []))


def guard(cells: list[nbformat.NotebookNode]) -> None:
    """Insert a first code cell that says what to do if the notebook was opened without the repository."""
    first = next(place for place, cell in enumerate(cells) if cell.cell_type == "code")
    cells.insert(first, nbformat.v4.new_code_cell(GUARD, metadata={"jupyter": {"source_hidden": True}}))


def folded(cell: nbformat.NotebookNode) -> bool:
    """Say whether a code cell shows only its outputs until somebody opens it."""
    return cell.metadata.get("jupyter", {}).get("source_hidden", False)


def furnished(cells: list[nbformat.NotebookNode], name: str) -> list[nbformat.NotebookNode]:
    """Add to the cells of the notebook `name` its map, its minutes, its links into the glossary, and its quiz.

    The map goes into the cell tagged `about`; without one, into that of the title.
    """
    minutes = minutes_of(cells)
    for cell in cells:
        if tagged(cell, "quiz"):
            cell.source = quiz_page(cell.source)
    markdown = [cell for cell in cells if cell.cell_type == "markdown"]
    about = next((cell for cell in markdown if tagged(cell, "about")), None)
    about = about or next(cell for cell in markdown if cell.source.startswith("# "))
    if name in NAMES:
        prose = [cell for cell in markdown if not tagged(cell, "quiz", "exercise", "about")]
        for cell, source in zip(prose, with_links([cell.source for cell in prose]), strict=True):
            cell.source = source
    about.source = with_about(about.source, name, minutes)
    return cells


def minutes_of(cells: list[nbformat.NotebookNode]) -> tuple[float, int]:
    """Return the minutes to read a notebook as in its source, and the minutes to do its exercises.

    The exercises with their solutions and the quiz are not reading; the recap is.
    """
    apart = ("exercise", "solution", "check", "your-turn", "quiz", "about")
    code = [cell for cell in cells if cell.cell_type == "code" and not tagged(cell, *apart)]
    prose = [cell.source for cell in cells if cell.cell_type == "markdown" and not tagged(cell, *apart)]
    reading = reading_minutes(prose, [cell.source for cell in code if not folded(cell)], len(code))
    return reading, exercise_minutes([cell.source for cell in cells if tagged(cell, "exercise")])


def with_turns(cells: list[nbformat.NotebookNode]) -> list[nbformat.NotebookNode]:
    """Insert before each solution the learner's two cells: one to write in, and the check.

    All cells run in one kernel, so a single run tests both notebooks.
    """
    expanded = []
    for place, cell in enumerate(cells):
        if tagged(cell, "solution") and not tagged(cells[place - 1], "solution"):
            check = next(later for later in cells[place:] if tagged(later, "check"))
            for source in ("# your turn\nanswer = ...", check.source):
                expanded.append(nbformat.v4.new_code_cell(source, metadata={"tags": ["your-turn"]}))
        expanded.append(cell)
    return expanded


def learner(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Return the learner's notebook: the exercises without solutions."""
    kept = [cell for cell in notebook.cells if not tagged(cell, "solution", "check")]
    return nbformat.NotebookNode({**notebook, "cells": kept})


SETUP = """\
import json

# What the notebook computes before its exercises. It takes as long as the notebook does.
with open("../{name}.ipynb", encoding="utf-8") as file:
    cells = json.load(file)["cells"]
for cell in cells:
    if "exercise" in cell["metadata"].get("tags", []):
        break
    if cell["cell_type"] == "code":
        exec("".join(cell["source"]))"""


def solutions(notebook: nbformat.NotebookNode, name: str) -> nbformat.NotebookNode:
    """Return a notebook of the exercises of the notebook `name` with their solutions.

    Its first code cell executes the cells that precede the exercises, so that the solutions run without a copy of
    those cells.
    """
    title = notebook.cells[0].source.splitlines()[0].removeprefix("# ")
    head = nbformat.v4.new_markdown_cell(
        f"# {title}: solutions\n\nThe exercises of [the notebook](../{name}.ipynb), solved. Try them there first: the "
        "check gives hints. To run a solution, run the first cell before it."
    )
    setup = nbformat.v4.new_code_cell(SETUP.format(name=name))
    head.id, setup.id = (f"{name.split('_')[0]}-{part}" for part in ("head", "setup"))
    solved = [cell for cell in notebook.cells if tagged(cell, "exercise", "solution", "check")]
    return nbformat.NotebookNode({**notebook, "cells": [head, setup, *solved]})


def execute(name: str, timeout: int = 3600) -> nbformat.NotebookNode:
    """Run the notebook `name` in the current ASR_PROFILE and return it with its outputs."""
    notebook = read_source(name)
    client = NotebookClient(
        notebook,
        timeout=timeout,
        kernel_name="python3",
        resources={"metadata": {"path": str(NOTEBOOKS)}},
        record_timing=False,
        store_widget_state=False,
    )
    client.execute()
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = clean(cell.outputs)
    notebook.metadata["language_info"] = {"name": "python"}  # the kernel adds its exact version
    return notebook


def clean(outputs: list[nbformat.NotebookNode]) -> list[nbformat.NotebookNode]:
    """Return a cell's outputs without those that differ from run to run.

    Live widgets are dropped: they are dead without a kernel, their ids are random, and a static figure stands below
    each. So are the start-up logs of TensorFlow's C++ part, which contain times.
    """
    kept = []
    for output in outputs:
        if output.output_type == "stream" and output.name == "stderr":
            output.text = "".join(line for line in output.text.splitlines(True) if not NATIVE_LOG.match(line))
            if not output.text:
                continue
        if "application/vnd.jupyter.widget-view+json" in output.get("data", {}):
            continue
        if kept and output.output_type == "stream" and output.get("name") == kept[-1].get("name"):
            kept[-1].text += output.text  # join the text before and after a dropped line
        else:
            kept.append(output)
    return kept


def digest(notebook: nbformat.NotebookNode) -> str:
    """Return the SHA-256 of the cells' sources, in hexadecimal."""
    return hashlib.sha256(json.dumps([cell.source for cell in notebook.cells]).encode()).hexdigest()


def models() -> dict[str, str]:
    """Return {name: first 12 hexadecimal digits of the SHA-256} of the files in data/models."""
    paths = sorted(path for path in (data_dir() / "models").iterdir() if path.is_file())
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest()[:12] for path in paths}


def stale() -> dict[str, str]:
    """Return {notebook: why} for the executed notebooks that differ from today's sources or shipped models."""
    found, today = {}, models()
    for name in [*NAMES, *APPENDIX]:
        path = NOTEBOOKS / f"{name}.ipynb"
        if not path.exists():
            found[name] = "not executed"
            continue
        executed = nbformat.read(path, as_version=4)
        stamps = executed.metadata.get(MODELS, {})
        changed = [model for model in sorted(today | stamps) if today.get(model) != stamps.get(model)]
        if digest(executed) != digest(learner(read_source(name))):
            found[name] = "another source"
        elif changed:
            found[name] = f"another {', '.join(changed)}"
    return found


def check_unedited(path: Path) -> None:
    """Check that no one has edited the cells of a notebook since `write` wrote it.

    Raises:
        NotOursError: somebody has.
    """
    if path.exists():
        notebook = nbformat.read(path, as_version=4)
        if notebook.metadata.get(DIGEST, digest(notebook)) != digest(notebook):
            raise NotOursError(f"{path}: was edited since it was built; rename your copy, then build again")


def write(notebook: nbformat.NotebookNode, path: Path) -> None:
    """Write a notebook atomically, with its `digest` and the `models` in the metadata."""
    notebook.metadata |= {DIGEST: digest(notebook), MODELS: models()}
    with files.atomic_write(path) as part:
        nbformat.write(notebook, part)


def note_minutes(name: str, minutes: float, speed: float) -> None:
    """Write to minutes.json how long a notebook took and how fast this machine trains, for `asr doctor`.

    The minutes are rounded to halves. The entry stays unchanged if minutes × speed has changed by less than a third:
    it is a rule of thumb.

    Args:
        name: the notebook's.
        minutes: how long it ran.
        speed: seconds of audio trained in a second, from `training_speed`.
    """
    path = NOTEBOOKS / "minutes.json"
    noted = json.loads(path.read_text())
    row = {"run": max(0.5, round(2 * minutes) / 2), "speed": round(speed)}
    before = noted.get(name, {"run": 0, "speed": 0})
    if not 0.75 < row["run"] * row["speed"] / max(1, before["run"] * before["speed"]) < 1.33:
        files.write(path, json.dumps(dict(sorted((noted | {name: row}).items())), indent=1) + "\n")


def main(names: list[str]) -> None:
    """Execute and write the notebooks `names`, or all of them; with --stale, list those that need it."""
    if names == ["--stale"]:
        needed = stale()
        print(*(f"{name}: {why}" for name, why in needed.items()), sep="\n")
        sys.exit(bool(needed))
    unknown = set(names) - {*NAMES, *APPENDIX}
    if unknown:
        sys.exit(f"no such notebook: {', '.join(sorted(unknown))}; there are {', '.join([*NAMES, *APPENDIX])}")
    built = [
        NOTEBOOKS / folder / f"{name}.ipynb" for name in names or [*NAMES, *APPENDIX] for folder in ("", "solutions")
    ]
    try:
        for path in built:
            check_unedited(path)
    except NotOursError as error:
        sys.exit(str(error))
    speed = training_speed() if os.environ.get("ASR_PROFILE", "fast") == "fast" else None
    for name in names or [*NAMES, *APPENDIX]:
        start = time.monotonic()
        notebook = execute(name)
        minutes = (time.monotonic() - start) / 60
        write(learner(notebook), NOTEBOOKS / f"{name}.ipynb")
        if name in NAMES:
            write(solutions(notebook, name), NOTEBOOKS / "solutions" / f"{name}.ipynb")
        if speed and name in NAMES:
            note_minutes(name, minutes, speed)
        print(f"{name}: {minutes:.1f} minutes", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
