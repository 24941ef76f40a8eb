"""The house: who imports whom, how long a file is, what a face loads, and the afternoon route."""

import ast
import doctest
import importlib
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import asr_helpers

PACKAGE = Path(asr_helpers.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))
TABLE = {
    row[1]: set(row[2].replace(" ", "").split(",")) - {""}
    for row in re.finditer(r"^\| (\w+) \|([\w, ]*)\|$", asr_helpers.__doc__, re.MULTILINE)
    if row[1] != "room"
}
ROUTE = re.findall(
    r"[\w/]+", re.search(r"in this order: (.*?)\.\n", asr_helpers.__doc__, re.DOTALL)[1].replace("→", " ")
)
FACES = sorted({path.parent for path in FILES if path.name == "__init__.py"} - {PACKAGE})


def name(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_modules(path: Path) -> set[str]:
    """Return every module of the package that a file imports, at its top or inside a function."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module == "asr_helpers":
            found |= {f"asr_helpers.{each.name}" for each in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{name(path)}: a relative import"
            found.add(node.module)
        elif isinstance(node, ast.Import):
            found |= {each.name for each in node.names}
    return {module for module in found if module.startswith("asr_helpers.")}


def test_every_room_is_in_the_table():
    rooms = {room(path) for path in FILES} - {"__init__", "__main__"}
    assert rooms == TABLE.keys()
    assert set().union(*TABLE.values()) <= TABLE.keys()


@pytest.mark.parametrize("path", [path for path in FILES if room(path) in TABLE], ids=name)
def test_nothing_imports_upward(path):
    used = {module.split(".")[1] for module in imported_modules(path)}
    assert used <= TABLE[room(path)] | {room(path)}


def test_the_table_has_no_circle():
    below = dict(TABLE)
    while below:
        ground = {each for each, rooms in below.items() if not rooms & below.keys()}
        assert ground, f"a circle among {', '.join(below)}"
        below = {each: rooms for each, rooms in below.items() if each not in ground}


def test_no_module_imports_another_ones_private_name():
    private = [
        f"{name(path)}: {each.name}"
        for path in FILES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("asr_helpers")
        for each in node.names
        if each.name.startswith("_")
    ]
    assert private == []


@pytest.mark.parametrize("path", FILES, ids=name)
def test_no_file_is_longer_than_400_lines(path):
    assert len(path.read_text().splitlines()) <= 400


def test_the_route_is_read_in_an_afternoon():
    paths = [PACKAGE / f"{each}.py" for each in ROUTE]
    assert len(paths) == 16
    assert sum(len(path.read_text().splitlines()) for path in paths) <= 2600


def test_the_tools_know_the_house():
    tools = tomllib.loads((PACKAGE.parent / "pyproject.toml").read_text())["tool"]
    assert tools["mypy"]["files"] == [f"asr_helpers/{each}.py" for each in ROUTE]
    folders = {path.parent.relative_to(PACKAGE.parent) for path in FILES}
    assert sorted(tools["setuptools"]["packages"]) == sorted(".".join(folder.parts) for folder in folders)


@pytest.mark.parametrize("path", [*ROUTE, "system/faces"])
def test_the_examples_are_true(path):
    module = importlib.import_module(f"asr_helpers.{path.replace('/', '.')}")
    if "keras" in sys.modules:  # another test may have set the seed to 0, with which tf.data takes no seeds
        sys.modules["keras"].utils.set_random_seed(1)
    failed, tried = doctest.testmod(module)
    assert tried and not failed


@pytest.mark.parametrize("path", ROUTE)
def test_each_public_function_of_the_route_has_an_example(path):
    tree = ast.parse((PACKAGE / f"{path}.py").read_text())
    public = [each for each in tree.body if isinstance(each, ast.FunctionDef | ast.ClassDef) and each.name[0] != "_"]
    without = [each.name for each in public if ">>>" not in ast.get_docstring(each) and each.name[-5:] != "Error"]
    assert without == []


@pytest.mark.parametrize("face", FACES, ids=lambda face: face.relative_to(PACKAGE).as_posix())
def test_a_face_has_a_sentence_and_no_name_that_is_also_a_module(face):
    module = ast.parse((face / "__init__.py").read_text())
    assert ast.get_docstring(module)
    listed = {each.value for each in ast.walk(module) if isinstance(each, ast.Constant) and isinstance(each.value, str)}
    modules = {path.stem for path in face.glob("*.py")} | {path.name for path in face.iterdir() if path.is_dir()}
    exported = getattr(importlib.import_module(".".join(face.relative_to(PACKAGE.parent).parts)), "__all__", [])
    assert not set(exported) & modules
    assert set(exported) <= listed


def fresh(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


def test_no_face_loads_a_heavy_library():
    faces = [".".join(face.relative_to(PACKAGE.parent).parts) for face in FACES]
    heavy = ("tensorflow", "keras", "numba", "matplotlib", "onnxruntime", "librosa", "scipy", "jiwer")
    code = f"import sys, {', '.join(faces)}; print([each for each in {heavy} if each in sys.modules])"
    assert fresh(code).strip() == "[]"


def test_what_runs_on_a_small_device_needs_no_tensorflow():
    code = (
        "import sys\n"
        "from asr_helpers.recognizer import Recognizer, compare, segments\n"
        "from asr_helpers.sound import features, read_audio\n"
        "from asr_helpers.text import ENGLISH\n"
        "from asr_helpers.words import align, beam_search, greedy, word_errors\n"
        "from asr_helpers.teaching import check\n"
        "print([each for each in ('tensorflow', 'keras', 'numba', 'librosa', 'matplotlib') if each in sys.modules])"
    )
    assert fresh(code).strip() == "[]"


@pytest.mark.slow
def test_every_public_name_is_there():
    faces = [".".join(face.relative_to(PACKAGE.parent).parts) for face in FACES]
    code = (
        "import importlib\n"
        f"for face in {faces}:\n"
        "    room = importlib.import_module(face)\n"
        "    for name in getattr(room, '__all__', []):\n"
        "        assert not hasattr(getattr(room, name), '__path__'), name\n"
        "print('whole')"
    )
    assert fresh(code).strip() == "whole"


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(ImportError, match="no_such_name"):
        from asr_helpers.sound import no_such_name  # noqa: F401
