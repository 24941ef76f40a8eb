"""The parts that every notebook receives when it is built: map, links into the glossary, quiz."""

import re
from html import escape
from pathlib import Path

NOTEBOOKS = Path(__file__).resolve().parents[1]

# Stations from sound to words, each with the notebook that builds it; then the extensions.
WAY = {
    "sound": "00_start_here",
    "corpus": "01_conversion",
    "spectrogram": "02_spectrograms",
    "augment": "03_augmentation",
    "batches": "04_input_pipeline",
    "CRNN": "05_crnn_and_ctc",
    "CTC": "05_crnn_and_ctc",
    "train": "06_training",
    "decode": "07_decoding",
    "quantize": "08_quantization",
    "run": "09_interpreters",
    "others": "10_pretrained",
    "language": "11_your_language",
    "adapt": "12_your_voice",
    "scale": "13_more_machines",
}
# The networks of the series: profile, layers, number of parameters (a test counts them).
NETWORKS = {
    "small": ("ci", "1 × BiLSTM-32", 93_829),
    "harbour": ("fast", "2 × BiLSTM-128", 1_196_141),
    "shipped": ("workshop", "3 × BiLSTM-256", 6_337_725),
}
USES = {  # notebook: {network: what happens to it there}
    "00_start_here": {"shipped": "writes down what it hears"},
    "01_conversion": {},
    "02_spectrograms": {"shipped": "writes down what it hears"},
    "03_augmentation": {"shipped": "shows what each effect costs"},
    "04_input_pipeline": {},
    "05_crnn_and_ctc": {"harbour": "is taken apart, untrained", "shipped": "shows an alignment"},
    "06_training": {
        "harbour": "is trained from random weights",
        "small": "is killed and resumed",
        "shipped": "has its log drawn",
    },
    "07_decoding": {"shipped": "says what is decoded"},
    "08_quantization": {"shipped": "is made small"},
    "09_interpreters": {"shipped": "is run in every way"},
    "10_pretrained": {"shipped": "is put beside others"},
    "11_your_language": {"harbour": "learns another language, with the letters of that"},
    "12_your_voice": {"shipped": "learns a new voice"},
    "13_more_machines": {"small": "is trained by two processes"},
}


def the_map(name: str) -> str:
    """Return the strip at the top of the notebook `name`, as Markdown: all stations, this one, and its networks."""
    stations = [
        f"**▸ {station}**" if notebook == name else f"[{station}]({notebook}.ipynb)"
        for station, notebook in WAY.items()
    ]
    lines = [f"> *You are here:* {' → '.join(stations)}"]
    for network, does in USES[name].items():
        _, layers, parameters = NETWORKS[network]
        count = f"{parameters / 1e6:.1f} million" if parameters > 1e6 else f"{parameters / 1e3:.0f} thousand"
        size = f"{layers}, {count} parameters, {4 * parameters / 1e6:.1f} MB as float32"
        lines.append(f"> The **{network}** network ({size}) {does}.")
    if not USES[name]:
        lines.append("> No network is needed yet.")
    return "  \n".join(lines)


def with_map(source: str, name: str, minutes: tuple[int, int]) -> str:
    """Return the first cell of a notebook with the map under its title, and with the minutes to read and to practise.

    Args:
        source: the first cell, Markdown.
        name: the notebook's.
        minutes: to read it, and to do its exercises.
    """
    title, rest = source.split("\n", 1)
    reading, exercises = minutes
    row = rf"| **Minutes** | to run: \1 · **to read: about {reading}** · for the exercises: {exercises} |"
    rest = re.sub(r"^\| \*\*Minutes\*\* \| (.+) \|$", row, rest, flags=re.MULTILINE)
    return f"{title}\n\n{the_map(name)}\n{rest}"


def reading_minutes(prose: list[str], code: list[str]) -> int:
    """Return the reading time, rounded to five minutes.

    120 words a minute, because many readers have another first language; three seconds a line of code; ten seconds
    for the output of a cell.
    """
    words = sum(len(re.sub(r"\]\([^)]*\)|[`|*]", "", text).split()) for text in prose)
    lines = sum(1 for source in code for line in source.splitlines() if line.strip())
    return max(5, 5 * round((words / 120 + lines / 20 + len(code) / 6) / 5))


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


def quiz_page(source: str) -> str:
    """Return a quiz as Markdown in which each answer is a `<details>` element that opens on a click.

    In `source` a question is bold; below it stand lines `- [x] answer | why` and `- [ ] answer | why not`. A
    `<details>` needs neither kernel nor script: it opens in JupyterLab, on GitHub and on a static page, also from the
    keyboard, and reads as plain text.

    Raises:
        ValueError: a list item is not an answer, or a question has not exactly one right answer.
    """
    lines, right = [], []
    for line in source.splitlines():
        option = OPTION.fullmatch(line)
        if option:
            right[-1] += option[1] == "x"
            verdict = "✔ Right." if option[1] == "x" else "✘ No."
            lines.append(
                f"<details><summary>{_inline(option[2])}</summary><p>{verdict} {_inline(option[3])}</p></details>"
            )
        elif line.startswith("**"):
            right.append(0)
            lines.append(line)
        elif line.startswith("- "):
            raise ValueError(f"not an answer of a quiz: {line!r}")
        else:
            lines.append(line)
    if any(count != 1 for count in right):
        raise ValueError(f"each question has one right answer, not {right}")
    lines.insert(1, "\nClick on an answer, or press Enter on it, to see whether it is right, and why.")
    return "\n".join(lines)


def _inline(text: str) -> str:
    """Return Markdown code and emphasis as HTML, because Markdown is not parsed inside HTML."""
    text = re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text, quote=False))
    return re.sub(r"\*([^*]+)\*", r"<em>\1</em>", text)
