"""The parts that every notebook receives when it is built: map, links into the glossary, quiz."""

import re
from html import escape
from pathlib import Path

NOTEBOOKS = Path(__file__).resolve().parents[1]

# Five stages from sound to a recogniser of one's own, each with its notebooks. A stage links to its first.
WAY = {
    "sound": ("00_start_here", "01_conversion"),
    "features": ("02_spectrograms", "03_augmentation", "04_input_pipeline"),
    "network": ("05_crnn_and_ctc", "06_training"),
    "words": ("07_decoding",),
    "in your hands": (
        "08_quantization",
        "09_interpreters",
        "10_pretrained",
        "11_your_language",
        "12_your_voice",
        "13_more_machines",
        "14_live",
        "15_in_a_page",
    ),
}
# The networks of the series: profile, layers, number of parameters (a test counts them).
NETWORKS = {
    "small": ("ci", "1 × BiLSTM-32", 93_829),
    "harbour": ("fast", "2 × BiLSTM-128", 1_196_141),
    "shipped": ("workshop", "3 × BiLSTM-256", 6_337_725),
}
USES = {  # notebook: {network: what happens to it there}
    "00_start_here": {"shipped": "transcribes speech"},
    "01_conversion": {},
    "02_spectrograms": {"shipped": "transcribes speech"},
    "03_augmentation": {"shipped": "shows what each effect costs"},
    "04_input_pipeline": {},
    "05_crnn_and_ctc": {"harbour": "is built, untrained", "shipped": "shows an alignment"},
    "06_training": {"harbour": "is trained from random weights", "small": "is killed and resumed"},
    "07_decoding": {"shipped": "is decoded"},
    "08_quantization": {"shipped": "is made small"},
    "09_interpreters": {"shipped": "runs in every format"},
    "10_pretrained": {"shipped": "is compared with others"},
    "11_your_language": {"harbour": "learns another language"},
    "12_your_voice": {"shipped": "learns a new voice"},
    "13_more_machines": {"small": "is trained by two processes"},
    "14_live": {"shipped": "transcribes while you speak"},
    "15_in_a_page": {"shipped": "runs in a web page"},
}


def the_map(name: str) -> str:
    """Return the strip of the notebook `name`, as Markdown: the five stages, this one bold, and its networks."""
    stages = [
        f"**▸ {stage}**" if name in notebooks else f"[{stage}]({notebooks[0]}.ipynb)"
        for stage, notebooks in WAY.items()
    ]
    lines = [f"> {' → '.join(stages)}"]
    for network, does in USES[name].items():
        _, layers, parameters = NETWORKS[network]
        count = f"{parameters / 1e6:.1f} million" if parameters > 1e6 else f"{parameters / 1e3:.0f} thousand"
        lines.append(f"> The **{network}** network ({layers}, {count} parameters) {does}.")
    return "  \n".join(lines)


ROW = re.compile(r"^\| \*\*(\w+)\*\* \| (.+) \|\n?", re.MULTILINE)
HEAD = re.compile(r"^\| \| \|\n\|---\|---\|\n", re.MULTILINE)


def with_about(source: str, name: str, minutes: tuple[float, int]) -> str:
    """Return the `about` cell of a notebook with the map, and with its table as a line and a fold.

    An appendix, which has no map, keeps its minutes alone.

    Args:
        source: Markdown, with a table of objectives, needs and minutes to run; a title stays above the map.
        name: the notebook's.
        minutes: to read it, and to do its exercises.
    """
    rows = dict(ROW.findall(source))
    title, _, rest = source.partition("\n") if source.startswith("# ") else ("", "", source)
    rest = ROW.sub("", HEAD.sub("", rest)).strip()
    reading, exercises = minutes
    run = f"to run: {rows['Minutes']} · " if "Minutes" in rows else ""
    spent = f"**Minutes** · {run}to read: about {5 * max(1, round(reading / 5))}"
    if exercises:
        spent += f" · for the exercises: {exercises}"
    if "Needs" in rows:
        spent += f"  \n**Needs** · {rows['Needs']}"
    parts = [title, rest, the_map(name) if name in USES else "", spent]
    if "Objectives" in rows:
        aims = "".join(f"<li>{_inline(each)}</li>" for each in rows["Objectives"].split(" · "))
        parts.append(f"<details><summary>Objectives</summary><ul>{aims}</ul></details>")
    return "\n\n".join(filter(None, parts))


WORDS_A_MINUTE = 150  # a technical text in a language that many readers have learnt second
SECONDS_A_LINE = 6  # of code that stands open
SECONDS_AN_OUTPUT = 5  # of any code cell, folded or not: a line takes two, a figure or a sound ten


def reading_minutes(prose: list[str], open_code: list[str], outputs: int) -> float:
    """Return the minutes to read Markdown and code, and to look at as many `outputs`."""
    words = sum(len(re.sub(r"\]\([^)]*\)|<[^>]*>|[`|*]", "", text).split()) for text in prose)
    lines = sum(1 for source in open_code for line in source.splitlines() if line.strip())
    return words / WORDS_A_MINUTE + (lines * SECONDS_A_LINE + outputs * SECONDS_AN_OUTPUT) / 60


def exercise_minutes(prose: list[str]) -> int:
    """Return the sum of the minutes of all numbered exercises; capstones are not numbered."""
    found = re.findall(r"^### Exercise \d\S+ · .+\n\n\*\w+ · (\d+) minutes", "\n".join(prose), re.MULTILINE)
    return sum(map(int, found))


def slug(title: str) -> str:
    """Return the anchor that GitHub gives a heading."""
    return re.sub(r"[^\w -]", "", title.strip().lower()).replace(" ", "-")


def glossary() -> dict[str, str]:
    """Return {term: anchor} of GLOSSARY.md. Its headings are the terms; commas separate those that share an entry."""
    terms = {}
    for heading in re.findall(r"^### (.+)$", (NOTEBOOKS / "GLOSSARY.md").read_text(encoding="utf-8"), re.MULTILINE):
        terms |= dict.fromkeys(heading.split(", "), slug(heading))
    return terms


PROSE = re.compile(r"(`[^`]*`|\[[^\]]*\]\([^)]*\)|\$[^$]*\$|<[^>]*>)")  # splits prose from code, links, formulas
EMPHASIS = r"(?<![*\w])(?P<mark>\*\*?)(?P<term>[^*]+?)(?P=mark)(?![*\w])"


def with_links(sources: list[str]) -> list[str]:
    """Return Markdown cells in which the first use of each glossary term is a link to its entry.

    A use is the term in emphasis or, for a term with two capitals or more (CTC, BatchNorm), anywhere in prose. Code,
    headings, tables and quotations stay unchanged.
    """
    terms = glossary()
    named = "|".join(sorted((t for t in terms if sum(map(str.isupper, t)) > 1), key=len, reverse=True))
    use = re.compile(rf"{EMPHASIS}|\b(?P<name>{named})\b")
    anchors, linked = {term.lower(): anchor for term, anchor in terms.items()}, set()

    def link(found):
        anchor = anchors.get((found["term"] or found["name"]).lower())
        if anchor is None or anchor in linked:
            return found[0]
        linked.add(anchor)
        return f"[{found[0]}](../notebooks/GLOSSARY.md#{anchor})"

    def linked_line(line):
        if line.startswith(("#", "|", ">")):
            return line
        parts = PROSE.split(line)
        return "".join(part if place % 2 else use.sub(link, part) for place, part in enumerate(parts))

    return ["\n".join(map(linked_line, source.split("\n"))) for source in sources]


OPTION = re.compile(r"- \[([ x])\] (.+?) \| (.+)")


QUESTION = re.compile(r"\*\*\d+\. .+\*\*")
RIGHT, WRONG = "#009E73", "#D55E00"  # told apart by colour-blind readers, too; a sign and a word say the same


def quiz_page(source: str) -> str:
    """Return a quiz as Markdown in which each answer is a `<details>` element that opens on a click.

    In `source` a question is bold; below it stand lines `- [x] answer | why` and `- [ ] answer | why not`. A
    `<details>` needs neither kernel nor script: it opens in JupyterLab, on GitHub and on a static page, also from the
    keyboard, and reads as plain text. Colours and the score come from the style sheet `quiz.css`, where there is one.

    Raises:
        ValueError: a list item is not an answer, or a question has not exactly one right answer.
    """
    lines, right = [], []
    for line in source.splitlines():
        if option := OPTION.fullmatch(line):
            right[-1] += option[1] == "x"
            lines.append(_answer(option[1] == "x", option[2], option[3]))
        elif QUESTION.fullmatch(line):
            right.append(0)
            lines.append(f'<p style="margin:2.5em 0 0.5em 0"><strong>{_inline(line.strip("*"))}</strong></p>\n')
        elif line.startswith("- "):
            raise ValueError(f"not an answer of a quiz: {line!r}")
        else:
            lines.append(line)
    if any(count != 1 for count in right):
        raise ValueError(f"each question has one right answer, not {right}")
    lines.insert(1, "\nClick on an answer, or press Enter on it, to see whether it is right, and why.")
    return "\n".join([*lines, '\n<p class="quiz-score"></p>'])


def _answer(right: bool, text: str, why: str) -> str:
    kind, colour, verdict = ("right", RIGHT, "✔ Right.") if right else ("wrong", WRONG, "✘ No.")
    return (
        f'<details class="quiz-{kind}"><summary>{_inline(text)}</summary>'
        f'<p style="border-left:4px solid {colour};padding-left:0.6em;margin:0.3em 0 0.8em 1em">'
        f"<strong>{verdict}</strong> {_inline(why)}</p></details>"
    )


def _inline(text: str) -> str:
    """Return Markdown code, emphasis and links as HTML, because Markdown is not parsed inside HTML."""
    text = re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text, quote=False))
    text = re.sub(r"\[([^]]+)\]\(([^)]+)\)", r'<a href="\2">\1</a>', text)
    return re.sub(r"\*([^*]+)\*", r"<em>\1</em>", text)
