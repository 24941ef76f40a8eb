"""The files that set the project up say the same thing."""

import itertools
import json
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def name(requirement: str) -> str:
    return re.split(r"[^\w-]", requirement)[0].lower()


def test_environment_installs_the_package_and_lists_nothing_itself():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    *conda, pip = environment["dependencies"]
    assert [name(requirement) for requirement in conda] == ["python", "pip"]
    assert conda[0].removeprefix("python") == PROJECT["requires-python"]
    (requirement,) = pip["pip"]
    extras = re.fullmatch(r"-e \.\[(.*)\]", requirement).group(1).split(",")
    assert set(extras) <= PROJECT["optional-dependencies"].keys()


def test_the_dev_container_is_set_up_by_the_makefile():
    container = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text())
    make, target = container["postCreateCommand"].split()
    assert make == "make" and re.search(r"^READY := (.*)$", (ROOT / "Makefile").read_text(), re.M)[1] == target
    lowest, above = re.findall(r"3\.\d+", PROJECT["requires-python"])
    assert int(lowest[2:]) <= int(re.match(r"python:3\.(\d+)-", container["image"])[1]) < int(above[2:])


def test_lock_pins_every_dependency_and_names_no_index():
    text = (ROOT / "requirements.lock").read_text().replace(" \\\n", "")  # one line for each package
    pin = r"[\w.-]+==[\w.+]+( ;[^\\]*?)?(    --hash=sha256:[0-9a-f]{64})+"
    assert all(re.fullmatch(pin, line) for line in text.splitlines())
    locked = {name(line) for line in text.splitlines()}
    extras = {name: packages for name, packages in PROJECT["optional-dependencies"].items() if name != "pretrained"}
    wanted = [*PROJECT["dependencies"], *itertools.chain(*extras.values())]
    assert {name(requirement) for requirement in wanted} <= locked


def test_sizes_stay_cloneable():
    files = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if files.returncode:
        pytest.skip("not a git checkout")
    limits = {
        "data/mini": 20e6,
        "data/real": 5e6,
        "data/models": 48e6,
        "data/models/english.3gram": 5e6,
        "data": 80e6,
        "notebooks": 14e6,
        "figures": 5e6,
    }
    for folder, limit in limits.items():
        paths = [ROOT / path for path in files.stdout.split("\0") if path.startswith(folder)]
        assert sum(path.stat().st_size for path in paths if path.exists()) <= limit, folder
