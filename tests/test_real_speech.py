"""The promises of the real speech (data/README.md), checked on the files that are shipped."""

import hashlib
import re
from collections import Counter
from pathlib import Path

import pytest

from asr_helpers.corpus import load_corpus
from asr_helpers.sound import read_audio

ROOT = Path(__file__).parents[1]
REAL = ROOT / "data" / "real"
# of "<SHA-256 of the file>  <its name>\n" for every file, as `sha256sum` prints them, sorted by name
CHECKSUM = "1e2dc0af7d276240b0c87067a5a1792ff9fdb47f0f261a53ef8af766954b9d83"

TRAINS = re.compile(r"\b(?:train|prepare|lm|quantize|load_speech|write_records|new_model)\b")


@pytest.fixture(scope="module")
def people():
    return load_corpus(REAL)


def test_every_file_is_as_it_was_published():
    files = sorted(path.relative_to(REAL).as_posix() for path in REAL.rglob("*") if path.is_file())
    lines = (f"{hashlib.sha256((REAL / name).read_bytes()).hexdigest()}  {name}\n" for name in files)
    assert hashlib.sha256("".join(lines).encode()).hexdigest() == CHECKSUM


def test_forty_sentences_by_twenty_readers(people):
    assert not people.problems and len(people) == 40
    assert set(Counter(each.speaker for each in people).values()) == {2}
    assert 205 < sum(each.seconds for each in people) < 210
    assert all(3 <= each.seconds <= 8 for each in people)
    assert all(len(read_audio(each.path)) == each.samples for each in people)


def test_ten_women_and_ten_men_are_named_with_the_licence(people):
    lines = [line for line in (REAL / "SPEAKERS.TXT").read_text().splitlines() if not line.startswith(";")]
    rows = [[field.strip() for field in line.split("|")] for line in lines]
    assert {row[0] for row in rows} == {each.speaker for each in people}
    assert Counter(row[1] for row in rows) == {"F": 10, "M": 10}
    assert "Creative Commons Attribution 4.0" in (REAL / "LICENSE.TXT").read_text()


@pytest.mark.parametrize("page", ["README.md", "data/README.md"])
def test_the_licence_and_the_authors_are_named(page):
    text = (ROOT / page).read_text()
    assert "CC BY 4.0" in text and "Panayotov" in text


def commands():
    """Yield every line of the project that could train, tune, count or calibrate: (file, the whole command)."""
    kinds = ("Makefile", "README.md", "data/README.md", "notebooks/source/*.py", "benchmarks/*.py")
    for path in (path for kind in kinds for path in ROOT.glob(kind)):
        for line in path.read_text().replace("\\\n", " ").splitlines():
            if TRAINS.search(line):
                yield path.relative_to(ROOT), line


def test_nothing_is_trained_or_tuned_on_it():
    assert any("--train" in line for _, line in commands())
    for path, line in commands():
        assert "data/real" not in line and '"real"' not in line, f"{path}: {line}"
