"""Build the series as static pages: python notebooks/tools/publish.py [FOLDER] writes a site that needs no server.

It holds every notebook as executed, its solutions, the README, the glossary and the other pages, with players,
figures, a list of pages, a search, light and dark. nbconvert turns cells into HTML; this script adds the page around
them (site/) and adapts the links between pages. FOLDER is new or empty, or an earlier site, of which only the files
that this script wrote are replaced.
"""

import contextlib
import io
import json
import os
import re
import shutil
import sys
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

import jinja2
import nbformat
from bs4 import BeautifulSoup
from build import folded, tagged
from nbconvert import HTMLExporter
from pages import slug
from pygments.formatters import HtmlFormatter

from asr_helpers.cli.entry import main as asr
from asr_helpers.recognizer import shipped_model
from asr_helpers.show.plots.drawing import STYLE_SHEET
from asr_helpers.system import files
from asr_helpers.system.claims import Maker
from asr_helpers.system.errors import OneLineError

ROOT = Path(__file__).resolve().parents[2]
SITE = ROOT / "runs" / "site"
MAKER = Maker("publish.py", ("*",))
WRITTEN = ".written.json"  # in the site: the paths of its files
PARTS = Path(__file__).resolve().parent / "site"
TEMPLATE = jinja2.Environment(
    loader=jinja2.FileSystemLoader(PARTS), autoescape=True, keep_trailing_newline=True
).get_template("page.html.j2")
TEXTS = "GLOSSARY.md", "TEACHING.md", "COMMAND_LINE.md", "RESULTS.md", "PACKAGE.md", "CLUSTER.md"
RECOGNISER = "recogniser"  # folder of the page that `asr web` writes; the first page of the site shows it
# Pictures that stand there without JavaScript or a server, and which part of the recogniser's page replaces each.
LIVE = {"page.png": "", "spectrogram_bench.png": "#bench", "augmentation_bench.png": "#bench"}


class Entry(NamedTuple):
    """A page in the list of pages: its address in the site, its title, and the address of a notebook's solutions."""

    address: str
    title: str
    solutions: str = ""


def sources() -> list[Path]:
    """Return the files that become pages, in reading order."""
    notebooks = sorted((ROOT / "notebooks").glob("*.ipynb"))
    solved = sorted((ROOT / "notebooks" / "solutions").glob("*.ipynb"))
    texts = [ROOT / "notebooks" / name for name in TEXTS]
    return [ROOT / "README.md", *notebooks, *texts, *solved, ROOT / "data" / "README.md"]


def address(source: Path) -> str:
    """Return the path of the page of `source`, relative to the site."""
    if source == ROOT / "README.md":
        return "index.html"
    return source.relative_to(ROOT).with_suffix(".html").as_posix()


def body(source: Path) -> BeautifulSoup:
    """Return the HTML of a notebook's cells, or of a Markdown file."""
    text = source.read_text(encoding="utf-8")
    if source.suffix == ".md":
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(text, id="text")])
    else:
        notebook = nbformat.reads(text, as_version=4)
        for cell in notebook.cells:
            if tagged(cell, "your-turn"):
                cell.outputs = []  # "not yet", which no reader of a page can change
    html, _ = HTMLExporter(template_name="basic").from_notebook_node(notebook)
    page = BeautifulSoup(html, "html.parser")
    for cell in notebook.cells:
        if cell.cell_type == "code" and folded(cell):
            fold(page, page.find(id=f"cell-id={cell.id}").find(class_="input"))
    return page


def fold(page: BeautifulSoup, code) -> None:
    """Wrap `code`, an element of `page`, in a `<details>` that opens on a click."""
    details, summary = page.new_tag("details", **{"class": "code"}), page.new_tag("summary")
    summary.string = "code"
    code.wrap(details)
    details.insert(0, summary)


def build(site: Path = SITE) -> Path:
    """Write the site into the folder `site`, in place of an earlier one, and return the path of its first page.

    Raises:
        ValueError: a link or a picture leads nowhere; the message names the page and the link.
        NotOursError: `site` holds files, and this function has not written there.
    """
    MAKER.claim_folder(site)
    record = site / WRITTEN
    for name in json.loads(record.read_text()) if record.exists() else []:
        (site / name).unlink(missing_ok=True)
    # `asr web` writes into no folder that it did not make, so the emptied ones go.
    for folder in sorted((site / RECOGNISER).glob("**/"), reverse=True):
        with contextlib.suppress(OSError):
            folder.rmdir()  # if nothing is left in it
    others = listed(site)
    pages = {source: body(source) for source in sources()}
    titles = {source: title_of(page, source) for source, page in pages.items()}
    reading = [source for source in pages if source.parent.name != "solutions"]
    entries = [Entry(address(source), titles[source], solutions_of(source)) for source in reading]
    index = []
    for source, page in pages.items():
        with_anchors(page)
        for tag, attribute in (("a", "href"), ("img", "src")):
            for element in page.find_all(tag, **{attribute: True}):
                element[attribute] = moved(element[attribute], source, site)
        for image in page.find_all("img"):
            image["alt"] = described(image)
        with_recogniser(page, "../" * address(source).count("/"))
        index.append({"title": titles[source], "url": address(source), "text": page.get_text(" ", strip=True)})
        write(site / address(source), render(page, entries, source))
    styles = "".join(
        f"@media (prefers-color-scheme: {mode}) {{ {HtmlFormatter(style=style).get_style_defs('.highlight')} }}\n"
        for mode, style in (("light", "default"), ("dark", "github-dark"))
    )
    sheets = [path.read_text(encoding="utf-8") for path in (STYLE_SHEET, PARTS / "site.css")]
    write(site / "site.css", "\n".join([styles, *sheets]))
    if ROOT / "README.md" in pages:
        web(site / RECOGNISER)
        write(site / "recogniser.js", (PARTS / "recogniser.js").read_text(encoding="utf-8"))
    search = (PARTS / "search.js").read_text(encoding="utf-8")
    write(site / "search.js", f"const PAGES = {json.dumps(index, ensure_ascii=False)};\n\n{search}")
    files.write(record, json.dumps(sorted(listed(site) - others), indent=1))
    return site / "index.html"


def web(folder: Path) -> None:
    """Write the page of the shipped recogniser into `folder`."""
    with contextlib.redirect_stdout(io.StringIO()):  # how to serve the page alone
        status = asr(["web", str(shipped_model()), "--out", str(folder)])
    if status:
        raise OneLineError(f"{folder}: `asr web` ended with status {status}")


def with_recogniser(page: BeautifulSoup, root: str) -> None:
    """Put a frame for the recogniser after each picture of it; site/recogniser.js opens it where there is a server.

    `root` leads from the page to the site.
    """
    for image in page.find_all("img", src=re.compile(r"figures/\w+\.png$")):
        part = LIVE.get(Path(image["src"]).name)
        if part is None:
            continue
        what = "change the sound, and watch the words" if part else "speak, and see your letters"
        frame = page.new_tag("iframe", title=f"The recogniser: {what}", allow="microphone", loading="lazy")
        frame["data-src"], frame["hidden"] = f"{root}{RECOGNISER}/index.html{part}", ""
        image.insert_after(frame)
        for details in image.find_parents("details"):
            details["open"] = ""  # a frame in a closed fold is never loaded


def listed(site: Path) -> set[str]:
    """Return the files beneath `site`, each by its path there, without hidden ones."""
    return {path.relative_to(site).as_posix() for path in site.rglob("[!.]*") if path.is_file()}


def title_of(page: BeautifulSoup, source: Path) -> str:
    """Return a page's first heading, or the file's name if it has none."""
    heading = page.find("h1")
    return text_of(heading) if heading else source.stem


def text_of(heading) -> str:
    """Return the text of a heading, without the sign that links to it."""
    return heading.get_text().rstrip("¶ ")


def with_anchors(page: BeautifulSoup) -> None:
    """Set each heading's id to its GitHub anchor, which the links of the series use."""
    for heading in page.find_all(re.compile(r"^h[1-6]$")):
        heading["id"] = slug(text_of(heading))
        for link in heading.find_all("a", class_="anchor-link"):
            link["href"], link["aria-label"] = f"#{heading['id']}", "link to this heading"


def described(image) -> str:
    """Return the alt text of a picture: its own, or that in the caption that a notebook shows below it."""
    alt = image.get("alt", "")
    if alt and not alt.startswith("No description"):
        return alt
    output = image.find_parent(class_=re.compile("output"))
    below = image.find_next("p") if output else None
    if below and (spoken := below.find(class_="alt")):
        return spoken.extract().get_text().strip()
    return below.get_text() if below else "figure"


def moved(link: str, source: Path, site: Path) -> str:
    """Return a relative `link` of `source`, adapted to the site; copy its target there if that is not a page.

    Raises:
        ValueError: the link leads nowhere.
    """
    parts = urlsplit(link)
    if parts.scheme or not parts.path:
        return link
    target = (source.parent / unquote(parts.path)).resolve()
    if target.is_dir():
        inside = [each for each in sources() if each.parent == target]
        target = inside[0] if inside else target / "README.md"
    if not target.exists() or not target.is_relative_to(ROOT):
        raise ValueError(f"{source.relative_to(ROOT)}: {link} leads nowhere")
    if target in sources():
        place = address(target)
    else:
        place = target.relative_to(ROOT).as_posix()
        (site / place).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(target, site / place)
    start = Path(address(source)).parent
    return os.path.relpath(place, start).replace(os.sep, "/") + (f"#{parts.fragment}" if parts.fragment else "")


def solutions_of(source: Path) -> str:
    """Return the address of the page with the solutions to a notebook's exercises; "" if there is none."""
    solved = source.parent / "solutions" / source.name
    return address(solved) if solved.exists() else ""


def render(page: BeautifulSoup, entries: list[Entry], source: Path) -> str:
    """Return the whole HTML of the page of `source`: list of pages, search, contents, `page`, and its neighbours."""
    addresses, here = [entry.address for entry in entries], address(source)
    if here in addresses:
        place = addresses.index(here)
        before, after = entries[place - 1] if place else None, entries[place + 1] if place + 1 < len(entries) else None
    else:  # solutions: back to their notebook
        before, after = next((entry for entry in entries if entry.solutions == here), None), None
    return TEMPLATE.render(
        title=title_of(page, source),
        address=here,
        root="../" * here.count("/"),
        pages=entries,
        contents=[(heading["id"], text_of(heading)) for heading in page.find_all("h2")],
        content=str(page),
        before=before,
        after=after,
    )


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def main() -> None:
    try:
        print(f"open {build(Path(sys.argv[1]) if len(sys.argv) > 1 else SITE)}")
    except OneLineError as error:
        print(f"publish.py: {error}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
