"""A learner's copies: made once, brought up to date while untouched, never overwritten."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "notebooks" / "tools"))

import learn


@pytest.fixture
def given(tmp_path):
    """Two notebooks, and a function that publishes them, perhaps in a new version, and hands them out."""
    source, work = tmp_path / "notebooks", tmp_path / "work"
    source.mkdir()

    def publish(text="one", name="00_start.ipynb"):
        for each in {name, "01_more.ipynb"}:
            if each == name or not (source / each).exists():
                (source / each).write_text(text)
        learn.hand_out(source, work)
        return work

    return publish


def files(work):
    return {path.name: path.read_text() for path in work.iterdir() if not path.name.startswith(".")}


def test_the_first_time_all_is_copied(given):
    assert files(given()) == {"00_start.ipynb": "one", "01_more.ipynb": "one"}


def test_an_untouched_copy_follows_the_newer_version(given):
    given("one")
    assert files(given("two")) == {"00_start.ipynb": "two", "01_more.ipynb": "one"}


def test_what_a_learner_wrote_stays_and_the_new_version_lies_beside_it(given):
    work = given("one")
    (work / "00_start.ipynb").write_text("one, and my answers")
    assert files(given("one"))["00_start.ipynb"] == "one, and my answers"
    for _ in range(2):  # again, and nothing more happens
        found = files(given("two"))
        assert found["00_start.ipynb"] == "one, and my answers" and found["00_start.2.ipynb"] == "two"
        assert len(found) == 3


def test_a_third_version_spares_both(given):
    work = given("one")
    (work / "00_start.ipynb").write_text("my answers")
    given("two")
    (work / "00_start.2.ipynb").write_text("more of my answers")
    found = files(given("three"))
    assert [found[f"00_start{n}.ipynb"] for n in ("", ".2", ".3")] == ["my answers", "more of my answers", "three"]


def test_a_file_that_we_never_made_is_the_learners(given):
    work = given("one")
    (work / learn.GIVEN).unlink()  # a folder from elsewhere, or a record that was lost
    (work / "00_start.ipynb").write_text("mine")
    assert files(given("two"))["00_start.ipynb"] == "mine"


def test_what_was_deleted_comes_back(given):
    work = given("one")
    (work / "00_start.ipynb").unlink()
    assert files(given("one"))["00_start.ipynb"] == "one"


def test_git_does_not_see_them():
    assert "work/" in (learn.NOTEBOOKS.parent / ".gitignore").read_text().split()
