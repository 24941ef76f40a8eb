"""What every notebook gets when it is built: the map, the links into the glossary, the quiz."""

import re
import sys
from pathlib import Path

import jupytext
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "notebooks" / "tools"))

import build
import pages

GLOSSARY = (pages.NOTEBOOKS / "GLOSSARY.md").read_text()


def prose(name):
    return [cell.source for cell in build.read_source(name).cells if cell.cell_type == "markdown"]


@pytest.mark.parametrize("name", build.NAMES)
def test_the_map_shows_where_we_are(name):
    strip = pages.the_map(name).splitlines()[0]
    (here,) = re.findall(r"\*\*▸ ([\w ]+)\*\*", strip)
    assert name in pages.WAY[here] and len(pages.WAY) == 5
    about = next((c for c in build.read_source(name).cells if build.tagged(c, "about")), None)
    assert strip in (about.source if about else prose(name)[0])
    firsts = {notebooks[0] for stage, notebooks in pages.WAY.items() if stage != here}
    assert set(re.findall(r"\]\((\w+)\.ipynb\)", strip)) == firsts


def test_the_map_knows_the_series():
    known = [name for notebooks in pages.WAY.values() for name in notebooks]
    assert known == sorted(known) and set(build.NAMES) <= set(known) and pages.USES.keys() == set(known)


def test_the_objectives_are_folded_and_the_minutes_are_a_line():
    table = "| | |\n|---|---|\n| **Objectives** | see `a` · hear |\n| **Needs** | nothing |\n| **Minutes** | 1 |"
    made = pages.with_about(f"# 01 · T\n\nOne.\n\n{table}", "01_conversion", (22, 10))
    assert made.startswith("# 01 · T\n\nOne.\n\n> **▸ sound** → [features]")
    assert "to run: 1 · to read: about 20 · for the exercises: 10  \n**Needs** · nothing" in made
    assert made.endswith("<summary>Objectives</summary><ul><li>see <code>a</code></li><li>hear</li></ul></details>")
    appendix = pages.with_about(f"# A2 · T\n\n{table}", "A2_more", (1, 0))
    assert "→" not in appendix and "to read: about 5  \n" in appendix


def test_only_open_code_takes_time_by_the_line():
    def cell(**metadata):
        return build.nbformat.v4.new_code_cell("1\n\n2", metadata=metadata)

    read = [build.minutes_of([cell(**each)])[0] for each in ({}, {"jupyter": {"source_hidden": True}})]
    assert read == pytest.approx([17 / 60, 5 / 60])
    words = build.nbformat.v4.new_markdown_cell("[a](b.ipynb) `c` " * 150)
    assert build.minutes_of([words]) == (2, 0)


def test_the_networks_have_the_sizes_that_the_map_tells():
    from asr_helpers.training import PROFILES, new_model

    for profile, layers, parameters in pages.NETWORKS.values():
        settings = PROFILES[profile]
        assert layers == f"{settings.lstm_layers} × BiLSTM-{settings.lstm_units}"
        assert new_model(settings).count_params() == parameters


def test_the_glossary_is_sorted_and_every_term_is_explained():
    terms = re.findall(r"^### (.+)$", GLOSSARY, re.MULTILINE)
    assert terms == sorted(terms, key=str.lower)
    for entry in re.split(r"^### .+$", GLOSSARY, flags=re.MULTILINE)[1:]:
        (numbers,) = re.findall(r"→ ([A\d, ]+)$", entry.strip())
        names = [*build.NAMES, *build.APPENDIX]
        assert all(any(name.startswith(number) for name in names) for number in numbers.split(", "))


@pytest.mark.parametrize("name", build.NAMES)
def test_a_term_is_linked_once_and_the_links_arrive(name):
    links = re.findall(r"\(\.\./notebooks/GLOSSARY\.md#([\w-]+)\)", "\n".join(prose(name)))
    assert len(links) >= 2 and len(links) == len(set(links))
    assert set(links) <= set(pages.glossary().values())


def test_where_a_term_is_linked_and_where_not():
    here = "../notebooks/GLOSSARY.md"
    assert pages.with_links(["# CTC\nCTC, and CTC", "a *hop* and a hop"]) == [
        f"# CTC\n[CTC]({here}#ctc), and CTC",
        f"a [*hop*]({here}#hop) and a hop",
    ]
    left = ["`CTC` and [CTC](x.ipynb)", "| CTC |", "a *nothing known*", "$CTC$", "CTCs"]
    assert pages.with_links(left) == left


@pytest.mark.parametrize("name", build.NAMES)
def test_five_questions_and_every_answer_explained(name):
    (cell,) = [c for c in jupytext.read(build.NOTEBOOKS / "source" / f"{name}.py").cells if build.tagged(c, "quiz")]
    questions = re.split(r"^\*\*\d\. .+\*\*$", cell.source, flags=re.MULTILINE)[1:]
    assert len(questions) == 5
    for question in questions:
        options = pages.OPTION.findall(question)
        assert len(options) >= 3 and sum(mark == "x" for mark, *_ in options) == 1
    places = [[mark for mark, *_ in pages.OPTION.findall(question)].index("x") for question in questions]
    assert len(set(places)) > 1, "the right answer is always at the same place"
    page = pages.quiz_page(cell.source)
    assert (
        page.count("<details ")
        == page.count("✔ Right.</strong>") + page.count("✘ No.</strong>")
        == sum(map(len, [pages.OPTION.findall(question) for question in questions]))
    )
    assert page.count("✔ Right.") == 5


def test_a_quiz_is_text_that_shows_nothing_by_itself():
    page = pages.quiz_page("## Quiz\n\n**1. `a < b`?**\n\n- [x] `1 < 2` | so *it* is\n- [ ] no | look")
    right = '<details class="quiz-right"><summary><code>1 &lt; 2</code></summary><p style='
    assert right in page and "<strong>✔ Right.</strong> so <em>it</em> is</p></details>" in page
    assert '<details class="quiz-wrong"><summary>no</summary>' in page
    assert " open" not in page and page.endswith('<p class="quiz-score"></p>')


@pytest.mark.parametrize("bad", ["**1. a?**\n- [ ] b | c", "**1. a?**\n- [x] b | c\n- [x] d | e", "**1. a?**\n- [x] b"])
def test_a_quiz_that_is_none_stops_the_build(bad):
    with pytest.raises(ValueError, match=r"right answer|not an answer"):
        pages.quiz_page(bad)


def test_the_readme_has_the_same_minutes():
    readme = (pages.NOTEBOOKS.parent / "README.md").read_text()
    row = r"^\| \d\d \| \[.+\]\(notebooks/(\w+)\.ipynb\) \|.+\| (\d+) \| (\d+) \|$"
    rows = re.findall(row, readme, re.MULTILINE)
    assert [name for name, *_ in rows] == build.NAMES
    for name, read, work in rows:
        reading, exercises = build.minutes_of(build.read_cells(name))
        assert abs(int(read) - reading) <= 5, f"{name}: to read takes {reading} minutes now"  # a few words more or less
        assert int(work) == exercises, name


def test_the_teachers_page_leads_somewhere():
    page = (pages.NOTEBOOKS / "TEACHING.md").read_text()
    titles = re.findall(r"^## (.+)$", page, re.MULTILINE)
    anchors = set(map(pages.slug, titles))
    for link in re.findall(r"\]\(([^)]+)\)", page):
        path, _, anchor = link.partition("#")
        there = (pages.NOTEBOOKS / path).resolve().exists() or "solutions" in path
        assert there if path else anchor in anchors, link
    headings = {name[:2]: "\n".join(prose(name)) for name in build.NAMES}
    for number, place in re.findall(r"\b(0\d)[,:] \*([^*→]+)\*", page):
        assert place in headings[number], f"{number} has no place that is called {place!r}"
    for number in re.findall(r"\b0\d\.\d\b", page):
        assert f"### Exercise {number} " in headings[number[:2]]
