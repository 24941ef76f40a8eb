"""Give a learner a copy to work in: python notebooks/learn.py copies the notebooks to work/, which git ignores.

Run it again after `git pull`: a copy that nobody touched is brought up to date, one that was run or written in stays
as it is, and the new version comes to lie beside it, as NAME.2.ipynb. Nothing is ever overwritten but our own copy.
"""

import hashlib
import itertools
import json
from pathlib import Path

from asr_helpers import files

HERE = Path(__file__).resolve().parent
WORK = HERE.parent / "work"
GIVEN = ".given.json"  # in work/: name of a copy → digest of what was copied


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def hand_out(source: Path = HERE, work: Path = WORK) -> dict[str, Path]:
    """Copy each notebook of `source` to the folder `work`; return {notebook: where its newest version lies}."""
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
    print(f"{len(places)} notebooks in {WORK}; they are yours, git does not see them")


if __name__ == "__main__":
    main()
