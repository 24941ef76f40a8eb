"""The benchmarks start as scripts and as modules, and find every name that they import."""

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "benchmarks"))

import common

pytestmark = pytest.mark.slow

FOLDER = Path(common.__file__).parent
NAMES = sorted(path.stem for path in FOLDER.glob("*.py") if path.stem not in ("__init__", "common"))


@pytest.mark.slow
@pytest.mark.parametrize("start", [["benchmarks/lm_scaling.py"], ["-m", "benchmarks.lm_scaling"]])
def test_it_starts_as_a_script_and_as_a_module(start):
    done = subprocess.run([sys.executable, *start, "--help"], cwd=FOLDER.parent, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("usage:") and "python benchmarks/lm_scaling.py" in done.stdout


@pytest.mark.slow
def test_all_can_be_imported_as_modules():
    code = f"import {', '.join(f'benchmarks.{name}' for name in NAMES)}"
    done = subprocess.run([sys.executable, "-c", code], cwd=FOLDER.parent, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", NAMES)
def test_the_package_has_what_it_imports(name):
    nodes = ast.walk(ast.parse((FOLDER / f"{name}.py").read_text()))
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and node.module.startswith("asr_helpers"):
            module = importlib.import_module(node.module)
            for each in node.names:
                found = hasattr(module, each.name) or importlib.import_module(f"{node.module}.{each.name}")
                assert found, f"{node.module} has no {each.name}"


def test_a_measuring_process_returns_its_last_line(tmp_path):
    script = tmp_path / "measure.py"
    script.write_text(
        "import json, os, sys\nprint('a log line')\nprint(json.dumps([json.load(sys.stdin), sys.argv[1]]))"
    )
    assert common.measure_apart(str(script), "x", stdin={"a": 1}) == [{"a": 1}, "x"]
    script.write_text("raise SystemExit('no such corpus')")
    with pytest.raises(SystemExit, match="no such corpus"):
        common.measure_apart(str(script))
