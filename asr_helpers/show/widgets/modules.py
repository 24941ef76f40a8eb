"""ES modules joined into one: a widget in a notebook is a single module, the page's files are many."""

import re
from pathlib import Path

STATIC = Path(__file__).resolve().parents[2] / "web" / "static"  # the page's modules, which widgets share

IMPORT = re.compile(r'^import (\{[^}]*\}) from "([^"]+)";\n', re.MULTILINE)
EXPORT = re.compile(r"^export (?=(?:async )?(?:const|function|class) (\w+))", re.MULTILINE)
DEFAULT = "export default "


def joined(entry: Path) -> str:
    """Return one ES module that does what the file `entry` does with all that it imports, in order of need.

    The files may import names, `import { name } from "./file.js"`, and export declarations of one name each; `entry`
    alone has a default export. Each file becomes a function that runs once, so that files may use the same private
    names.

    Raises:
        FileNotFoundError: a file that is imported does not exist.
        ValueError: a name that is imported is not exported.

    Example:
        >>> joined(STATIC / "confidence.js").startswith("const modules = {};")
        True
    """
    paths: list[Path] = []
    _collect(entry.resolve(), paths)
    return "\n".join(
        ["const modules = {};", *map(_wrapped, paths), f'export default modules["{_key(entry.resolve())}"].default;\n']
    )


def _collect(path: Path, paths: list[Path]) -> None:
    """Append to `paths` what a file needs, then the file itself."""
    for names, address in IMPORT.findall(path.read_text(encoding="utf-8")):
        needed = (path.parent / address).resolve()
        if needed not in paths:
            _collect(needed, paths)
        exported = EXPORT.findall(needed.read_text(encoding="utf-8"))
        if missing := set(re.findall(r"\w+", names)) - {*exported}:
            raise ValueError(f"{path.name} imports {', '.join(sorted(missing))}, which {needed.name} does not export")
    paths.append(path)


def _key(path: Path) -> str:
    """Return the name of a file's module: two folders may have files of the same name."""
    return f"{path.parent.name}/{path.name}"


def _wrapped(path: Path) -> str:
    """Return a file as a function that is called at once and returns its exports."""
    text = path.read_text(encoding="utf-8")
    exports = EXPORT.findall(text)
    text = IMPORT.sub(
        lambda found: f'const {found[1]} = modules["{_key((path.parent / found[2]).resolve())}"];\n', text
    )
    text = EXPORT.sub("", text)
    if DEFAULT in text:
        text, exports = text.replace(DEFAULT, "const theDefault = "), [*exports, "default: theDefault"]
    return f'modules["{_key(path)}"] = (() => {{\n{text}return {{ {", ".join(exports)} }};\n}})();'
