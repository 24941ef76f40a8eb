"""Execute the notebooks: python notebooks/build.py [NAME...] writes source/NAME.py as NAME.ipynb with its outputs.

A notebook is edited only in source/; here it is run from the repository's root and written with stable cell ids,
without timestamps and widget state, so that it changes only when its content does.
"""

import os
import re
import sys
import time
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient

HERE = Path(__file__).resolve().parent
NATIVE_LOG = re.compile(
    r"[IWE]\d{4} |WARNING: All log messages before absl|To enable the following instructions"
    r"|INFO: Created TensorFlow Lite|fully_quantize:|\s*\[\[\{\{node |\s*$"
)
NAMES = sorted(path.stem for path in (HERE / "source").glob("*.py"))


def read_source(name: str) -> nbformat.NotebookNode:
    """Return source/`name`.py as a notebook without outputs."""
    notebook = jupytext.read(HERE / "source" / f"{name}.py")
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    for number, cell in enumerate(notebook.cells):
        cell.id = f"{name.split('_')[0]}-{number:03d}"
        if "solution" in cell.metadata.get("tags", []):
            cell.metadata["jupyter"] = {"source_hidden": True}
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    return notebook


def execute(name: str, timeout: int = 1800) -> nbformat.NotebookNode:
    """Return the notebook `name` with the outputs of a run in the current ASR_PROFILE."""
    notebook = read_source(name)
    client = NotebookClient(
        notebook,
        timeout=timeout,
        kernel_name="python3",
        resources={"metadata": {"path": str(HERE)}},
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
    """Return what a reader needs of a cell's outputs, the same after every run.

    Dropped are live widgets (dead without a kernel, and their ids are random; a static figure stands below
    each) and what TensorFlow's C++ part logs when it starts (it carries times).
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
            kept[-1].text += output.text  # what was printed before and after a dropped line belongs together
        else:
            kept.append(output)
    return kept


def main(names: list[str]) -> None:
    unknown = set(names) - set(NAMES)
    if unknown:
        sys.exit(f"no such notebook: {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
    for name in names or NAMES:
        start = time.monotonic()
        notebook = execute(name)
        part = HERE / f".{name}.part"
        nbformat.write(notebook, part)
        os.replace(part, HERE / f"{name}.ipynb")
        print(f"{name}: {(time.monotonic() - start) / 60:.1f} minutes", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
