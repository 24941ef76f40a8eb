"""The site goes where nothing is lost, and shows headings as text."""

import os
import sys
from pathlib import Path

import nbformat
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "notebooks" / "tools"))

import publish

from asr_helpers.system import NotOursError


@pytest.fixture
def page(monkeypatch):
    """A site of one notebook; return a function that writes its heading.

    Pages have addresses within the repository, so the notebook lies there, under a name of this process's own: with
    pytest-xdist, several processes test at once.
    """
    path = publish.ROOT / "notebooks" / f".test-publish-{os.getpid()}.ipynb"

    def write(heading):
        nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(heading)]), path)

    monkeypatch.setattr(publish, "sources", lambda: [path])
    write("# A page")
    yield write
    path.unlink()


@pytest.mark.parametrize("name", ["thesis.txt", "index.html", "folder/a.txt"])
def test_a_folder_with_other_files_is_refused(page, tmp_path, capsys, monkeypatch, name):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("mine")
    with pytest.raises(NotOursError, match=r"`publish\.py` did not make it"):
        publish.build(tmp_path)
    monkeypatch.setattr(sys, "argv", ["publish.py", str(tmp_path)])
    with pytest.raises(SystemExit) as stop:
        publish.main()
    assert stop.value.code == 2 and capsys.readouterr().err.count("\n") == 1
    assert (tmp_path / name).read_text() == "mine"


def test_a_site_is_replaced_and_what_was_added_stays(page, tmp_path):
    site = tmp_path / "site"
    publish.build(site)
    first = publish.listed(site)
    (site / "CNAME").write_text("mine")
    (site / "notebooks" / "old.html").write_text("a page of an earlier series")
    record = site / publish.WRITTEN
    record.write_text(record.read_text().replace("[", '["notebooks/old.html",', 1))
    publish.build(site)
    assert publish.listed(site) == first | {"CNAME"} and (site / "CNAME").read_text() == "mine"


@pytest.mark.parametrize("heading", ["&lt;script&gt;alert(1)&lt;/script&gt;", "`<script>a</script>`", "a &lt; b"])
def test_a_heading_stands_as_text_in_title_and_list(page, tmp_path, heading):
    page(f"# {heading}")
    publish.build(tmp_path)
    html = next(tmp_path.rglob("*.html")).read_text()
    head = html.partition("<main>")[0]
    assert "<title>" in head and "<script" not in head and "&lt;" in head.partition("</title>")[0]
