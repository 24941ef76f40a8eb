"""Give a learner a copy to work in: python notebooks/tools/learn.py copies the notebooks to work/, which git ignores.

Run it again after `git pull`. An unchanged copy is replaced by the new version. A copy that was run or edited stays,
and the new version is written beside it as NAME.2.ipynb. Only unchanged copies are ever overwritten.
"""

import hashlib
import itertools
import json
from pathlib import Path

from asr_helpers.system import files

NOTEBOOKS = Path(__file__).resolve().parents[1]
WORK = NOTEBOOKS.parent / "work"
GIVEN = ".given.json"  # in work/: {name of a copy: digest of the version copied}


def digest(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def hand_out(source: Path = NOTEBOOKS, work: Path = WORK) -> dict[str, Path]:
    """Copy each notebook of `source` to the folder `work`; return {notebook: path of its newest version}."""
    work.mkdir(exist_ok=True)
    record = work / GIVEN
    given = json.loads(record.read_text()) if record.exists() else {}
    places = {}
    for notebook in sorted(source.glob("*.ipynb")):
        version = digest(notebook)
        for number in itertools.count(1):
            copy = work / (notebook.name if number == 1 else f"{notebook.stem}.{number}.ipynb")
            if copy.exists() and given.get(copy.name) == version:
                break  # this version, perhaps with work in it
            if not copy.exists() or digest(copy) == given.get(copy.name):
                files.write(copy, notebook.read_bytes())
                given[copy.name] = version
                break
        places[notebook.name] = copy
    files.write(record, json.dumps(given, indent=1).encode())
    return places


def main() -> None:
    places = hand_out()
    for name, copy in places.items():
        if copy.name != name:
            print(f"{name}: yours stays as it is; the new version is work/{copy.name}")
    print(f"{len(places)} notebooks in {WORK}; git ignores them")


if __name__ == "__main__":
    main()
