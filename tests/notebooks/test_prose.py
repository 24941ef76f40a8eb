"""Plain English: phrasings that a native technical editor would change are in no text that a learner reads."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BANNED = (
    "mend|mends|mended|mending",  # fix, repair, correct
    "told|so many|whoever|anew|such a one|which share of|less room",
    "who does|as it has it|what was to be|gets? along",
    "stands? (above|below|beside|there|under|here)",  # is
)
PHRASE = re.compile(rf"\b({'|'.join(BANNED)})\b", re.IGNORECASE)
TEXTS = (
    "*.md",
    "data/*.md",
    "notebooks/*.md",
    "notebooks/source/**/*.py",
    "asr_helpers/**/*.py",
    "asr_helpers/**/*.js",
)


def banned(text: str) -> list[str]:
    """Return the banned phrases in a text, also across the ends of lines in Markdown and in comments."""
    return [found[0] for found in PHRASE.finditer(re.sub(r"\n[#/* ]*", " ", text))]


def texts() -> list[Path]:
    return sorted(path for pattern in TEXTS for path in ROOT.glob(pattern))


@pytest.mark.parametrize("path", texts(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_banned_phrase(path):
    assert banned(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [("It mends the\n# file.", ["mends"]), ("Mendelssohn, untold", []), ("what was\n# to be read", ["what was to be"])],
)
def test_whole_words_across_lines(text, found):
    assert banned(text) == found
