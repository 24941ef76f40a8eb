"""Build the series as static pages: python notebooks/publish.py [FOLDER] writes a site that opens without a server.

Every notebook as it was executed, its solutions, the README, the glossary and the other pages, with players,
figures, a list of pages, a search, light and dark. nbconvert turns cells into HTML; what is done here is the page
around them and the links between pages.
"""

import json
import os
import re
import shutil
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

import nbformat
from bs4 import BeautifulSoup
from nbconvert import HTMLExporter
from pygments.formatters import HtmlFormatter

ROOT = Path(__file__).resolve().parent.parent
SITE = ROOT / "runs" / "site"

CSS = """
:root { --ink: #1b1b1b; --paper: #fff; --faint: #f3f4f6; --line: #d5d8dd; --link: #0b5cad; color-scheme: light dark }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e4e4e4; --paper: #16181c; --faint: #22252b; --line: #3b4048; --link: #8ab8f0 }
}
* { box-sizing: border-box }
body { margin: 0; color: var(--ink); background: var(--paper); font: 17px/1.55 system-ui, sans-serif }
a { color: var(--link) } a.anchor-link { visibility: hidden; text-decoration: none; margin-left: .3em }
:is(h1, h2, h3):hover a.anchor-link { visibility: visible }
nav { padding: 1rem; border-bottom: 1px solid var(--line); background: var(--faint); font-size: 15px }
nav ol { list-style: none; margin: .5rem 0 0; padding: 0 } nav [aria-current] { font-weight: bold }
nav input { width: 100%; font: inherit; padding: .3em .5em } #found { margin: .5rem 0 0; padding-left: 1.2rem }
main { padding: 1rem; max-width: 60rem; margin: auto; overflow-wrap: break-word }
pre, table, .katex-display { display: block; max-width: 100%; overflow-x: auto }
pre { background: var(--faint); padding: .6em .8em; border-radius: 4px; font-size: 14px; line-height: 1.4 }
.output_area pre, .jp-OutputArea pre { background: none; border-left: 3px solid var(--line); border-radius: 0 }
code { font-size: .92em } table { border-collapse: collapse }
thead:not(:has(th:not(:empty))) { display: none }
td, th { padding: .3em .6em; border: 1px solid var(--line) }
img { max-width: 100%; height: auto; background: #fff } audio { max-width: 100% } div { max-width: 100% }
[style*="display:flex"] { flex-wrap: wrap } .prompt, .jp-InputPrompt, .jp-OutputPrompt { display: none }
blockquote { margin: 1em 0; padding: .1em 1em; border-left: 4px solid var(--line); background: var(--faint) }
summary { cursor: pointer } details p { margin: .2em 0 .8em 1.2em } footer { display: flex; gap: 1em; flex-wrap: wrap }
@media (min-width: 70rem) {
  body { display: grid; grid-template-columns: 17rem minmax(0, 1fr) }
  nav { border: 0; border-right: 1px solid var(--line); height: 100vh; overflow: auto; position: sticky; top: 0 }
}
"""
SEARCH = """
document.querySelector('nav details').open = matchMedia('(min-width: 70rem)').matches;
const box = document.getElementById('search'), list = document.getElementById('found');
box.addEventListener('input', () => {
  const words = box.value.toLowerCase().split(/\\s+/).filter(Boolean);
  list.replaceChildren();
  if (!words.length) return;
  for (const page of PAGES) {
    const text = page.text.toLowerCase();
    if (!words.every(word => text.includes(word))) continue;
    const at = text.indexOf(words[0]), item = document.createElement('li'), link = document.createElement('a');
    link.href = document.body.dataset.root + page.url;
    link.textContent = page.title;
    item.append(link, ' … ' + page.text.slice(Math.max(0, at - 40), at + 60) + ' …');
    list.append(item);
  }
  if (!list.children.length) list.textContent = 'nothing found';
});
"""


def sources() -> list[Path]:
    """Return what becomes a page, in the order in which it is read."""
    notebooks = sorted((ROOT / "notebooks").glob("*.ipynb"))
    solved = sorted((ROOT / "notebooks" / "solutions").glob("*.ipynb"))
    texts = [ROOT / "notebooks" / name for name in ("GLOSSARY.md", "TEACHING.md", "CLUSTER.md")]
    return [ROOT / "README.md", *notebooks, *texts, *solved, ROOT / "data" / "README.md"]


def address(source: Path) -> str:
    """Return where the page of `source` lies in the site."""
    if source == ROOT / "README.md":
        return "index.html"
    return source.relative_to(ROOT).with_suffix(".html").as_posix()


def slug(title: str) -> str:
    """Return the anchor that GitHub gives a heading: our links are made for it."""
    return re.sub(r"[^\w -]", "", title.strip().lower()).replace(" ", "-")


def body(source: Path) -> BeautifulSoup:
    """Return the cells of a notebook, or a Markdown file, as HTML."""
    text = source.read_text(encoding="utf-8")
    if source.suffix == ".md":
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(text)])
    else:
        notebook = nbformat.reads(text, as_version=4)
    html, _ = HTMLExporter(template_name="basic").from_notebook_node(notebook)
    return BeautifulSoup(html, "html.parser")


def build(site: Path = SITE) -> Path:
    """Write the site into the folder `site`, which is emptied before; return its first page.

    Raises:
        ValueError: a link or a picture leads nowhere; the message names the page and the link.
    """
    shutil.rmtree(site, ignore_errors=True)
    pages = {source: body(source) for source in sources()}
    titles = {source: title_of(page, source) for source, page in pages.items()}
    order, index = list(pages), []
    for source, page in pages.items():
        with_anchors(page)
        for tag, attribute in (("a", "href"), ("img", "src")):
            for element in page.find_all(tag, **{attribute: True}):
                element[attribute] = moved(element[attribute], source, site)
        for image in page.find_all("img"):
            image["alt"] = described(image)
        index.append(
            {"title": titles[source], "url": address(source), "text": page.get_text(" ", strip=True)}
        )
        place = order.index(source)
        beside = [order[place - 1] if place else None, order[place + 1] if place + 1 < len(order) else None]
        write(site / address(source), around(source, page, titles, beside))
    styles = "".join(
        f"@media (prefers-color-scheme: {mode}) {{ {HtmlFormatter(style=style).get_style_defs('.highlight')} }}\n"
        for mode, style in (("light", "default"), ("dark", "github-dark"))
    )
    write(site / "site.css", styles + CSS)
    write(site / "search.js", f"const PAGES = {json.dumps(index, ensure_ascii=False)};\n{SEARCH}")
    return site / "index.html"


def title_of(page: BeautifulSoup, source: Path) -> str:
    heading = page.find("h1")
    return heading.get_text().rstrip("¶ ") if heading else source.stem


def with_anchors(page: BeautifulSoup) -> None:
    """Give each heading the anchor that the series' links ask for."""
    for heading in page.find_all(re.compile(r"^h[1-6]$")):
        heading["id"] = slug(heading.get_text().rstrip("¶ "))
        for link in heading.find_all("a", class_="anchor-link"):
            link["href"], link["aria-label"] = f"#{heading['id']}", "link to this heading"


def described(image) -> str:
    """Return the text of a picture: its own, or the caption that a notebook shows below it."""
    alt = image.get("alt", "")
    if alt and not alt.startswith("No description"):
        return alt
    output = image.find_parent(class_=re.compile("output"))
    below = image.find_next("p") if output else None
    return below.get_text() if below else "figure"


def moved(link: str, source: Path, site: Path) -> str:
    """Return a relative `link` of `source` as it must be in the site; a file that is no page is copied into it.

    Raises:
        ValueError: it leads nowhere.
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
    return os.path.relpath(place, start).replace(os.sep, "/") + (
        f"#{parts.fragment}" if parts.fragment else ""
    )


def around(source: Path, page: BeautifulSoup, titles: dict[Path, str], beside: list[Path | None]) -> str:
    """Return the whole page: the list of pages, the search, `page` itself, and what comes before and after it."""
    root = "../" * address(source).count("/")

    def link(to, text=None, here=False):
        current = ' aria-current="page"' if here else ""
        return f'<a href="{root}{address(to)}"{current}>{text or titles[to]}</a>'

    items = "".join(f"<li>{link(each, here=each == source)}</li>" for each in titles)
    before, after = beside
    ends = [link(before, f"← {titles[before]}")] if before else []
    ends += [link(after, f"{titles[after]} →")] if after else []
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{titles[source]}</title><link rel="stylesheet" href="{root}site.css"></head>
<body data-root="{root}"><nav aria-label="pages">
<input id="search" type="search" placeholder="Search" aria-label="Search all pages">
<ul id="found" aria-live="polite"></ul>
<details><summary>All pages</summary><ol>{items}</ol></details></nav>
<main>{page}<footer>{" ".join(ends)}</footer></main><script src="{root}search.js"></script></body></html>
"""


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    print(f"open {build(Path(sys.argv[1]) if len(sys.argv) > 1 else SITE)}")
