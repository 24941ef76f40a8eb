"""No control character of a file's content or name reaches the terminal."""

import io
import shutil
import sys

import pytest

from asr_helpers.cli.entry import main
from asr_helpers.system.terminal import PlainText
from asr_helpers.text import Alphabet, AlphabetError


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("grün\n\tl·l", "grün\n\tl·l"),
        ("\x1b[31mred", r"\x1b[31mred"),
        ("\x1b]0;title\x07", r"\x1b]0;title\x07"),
        ("a\rb\x00\x7f\x9b", r"a\rb\x00\x7f\x9b"),
        ("half \ud800", r"half \ud800"),
    ],
)
def test_control_characters_are_shown_as_escapes(text, shown):
    stream = io.StringIO()
    assert PlainText(stream).write(text) == len(text)
    assert stream.getvalue() == shown


def test_progress_bars_are_drawn():
    stream = io.StringIO()
    PlainText(stream, "\r", "\x1b[A").write("\r 50%\x1b[A\x1b[31m")
    assert stream.getvalue() == "\r 50%\x1b[A" + r"\x1b[31m"


def test_the_rest_is_the_stream_itself():
    assert PlainText(sys.__stderr__).encoding == sys.__stderr__.encoding


@pytest.mark.parametrize("character", ["\x1b", "\x00", "\r", "\x9b", "\udc80"])
def test_a_control_character_is_no_letter(character):
    with pytest.raises(AlphabetError, match="control characters are not letters"):
        Alphabet(f" AB{character}")
    with pytest.raises(AlphabetError, match="control characters are not letters"):
        Alphabet.of_model_name(f"crnn-20-41-{ord(character):x}")


@pytest.mark.parametrize("character", ["\u200c", "\u00b7", "\u0301"])
def test_what_joins_letters_is_one(character):
    assert Alphabet(f" AB{character}").classes == 5


def test_an_alphabet_with_an_escape_sequence_is_one_plain_line(capsys, mini, tmp_path):
    (tmp_path / "abc.txt").write_text("A\nB\n\x1b\n[\n")
    corpus = mini / "dev-mini/9001"
    assert main(["prepare", str(corpus), "--out", str(tmp_path / "out"), "--alphabet", str(tmp_path / "abc.txt")]) == 2
    out, err = capsys.readouterr()
    assert out == "" and r"\x1b" in err and "\x1b" not in err and err.count("\n") == 1


def test_a_name_with_an_escape_sequence_is_shown_as_text(capsys, mini, tmp_path):
    folder = tmp_path / "red\x1b[31m"
    shutil.copytree(next((mini / "dev-mini").iterdir()), folder)
    assert main(["prepare", str(folder), "--out", f"{folder}-records"]) == 0
    out, err = capsys.readouterr()
    assert r"red\x1b[31m-records: " in out and "\x1b" not in out + err
