import gzip
import tracemalloc

import numpy as np
import pytest

from asr_helpers.system import TextError, printable, read_lines, read_transcript
from asr_helpers.text import ALPHABET, BLANK, NUM_CLASSES, decode, encode, normalize
from asr_helpers.words import min_frames, read_sentences


def test_alphabet_is_the_contract():
    assert len(ALPHABET) == 28 and BLANK == 28 and NUM_CLASSES == 29
    assert ALPHABET[0] == " " and ALPHABET[1] == "'" and ALPHABET[2] == "A" and ALPHABET[27] == "Z"


def test_encode_known_answer():
    labels = encode("IT'S A Z")
    assert labels.dtype == np.int32
    assert labels.tolist() == [10, 21, 1, 20, 0, 2, 0, 27]


def test_decode_inverts_encode():
    assert decode(encode(ALPHABET)) == ALPHABET
    assert decode(encode("")) == ""


@pytest.mark.parametrize("text", ["abc", "A-B", "É", "1"])
def test_encode_refuses_what_is_not_normalised(text):
    with pytest.raises(ValueError, match="outside the alphabet"):
        encode(text)


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("Hello world", "HELLO WORLD"),
        ("  two \t spaces\n", "TWO SPACES"),
        ("it’s ‘quoted’", "IT'S 'QUOTED'"),
        ("well-known – and — more", "WELL KNOWN AND MORE"),
        ("NORTHANGER ABBEY", "NORTHANGER ABBEY"),
        ("don\u02bct \u2018n\u02bb don\uff07t", "DON'T 'N' DON'T"),
        ("a\u2010b c\u05bed", "A B C D"),
        ("so\u00adft\u200b \ufeffw\u2060ord\u200f\ufe0f", "SOFT WORD"),
        ("\uff28\uff45llo \ufb01ne", "HELLO FINE"),
        ("\u0130stanbul", "ISTANBUL"),
    ],
)
def test_normalise(raw, clean):
    assert normalize(raw) == clean
    assert normalize(clean) == clean


@pytest.mark.parametrize("text", ["", "  \t", "-", "—"])
def test_normalise_refuses_nothing(text):
    with pytest.raises(ValueError, match="empty"):
        normalize(text)


def test_normalise_names_every_stranger():
    with pytest.raises(ValueError, match=r"! 2 É"):
        normalize("café 22!")


@pytest.mark.parametrize(("text", "frames"), [("", 0), ("A", 1), ("CAT", 3), ("HELLO", 6), ("AAA", 5), ("OFF FORM", 9)])
def test_min_frames(text, frames):
    assert min_frames(encode(text)) == frames


def test_lines_end_where_an_editor_ends_them(tmp_path):
    file = tmp_path / "a.txt"
    file.write_bytes("\ufeffONE\r\nTWO\x0bA\x0cB\u2028C\x85D\rE\n\nTHREE".encode())
    lines = ["ONE", "TWO\x0bA\x0cB\u2028C\x85D\rE", "", "THREE"]
    assert list(read_lines(file)) == lines
    packed = tmp_path / "a.txt.gz"
    packed.write_bytes(gzip.compress(file.read_bytes()))
    assert list(read_lines(packed)) == lines


def test_joined_files_and_lines_of_nothing(tmp_path):
    (tmp_path / "a.txt").write_text("\ufeffONE\r\n\ufeffTWO\n\u200b \u2014\n---\nTHREE\u2019S\n", encoding="utf-8")
    assert list(read_sentences(tmp_path / "a.txt")) == ["ONE", "TWO", "THREE'S"]
    (tmp_path / "1-1.trans.txt").write_text("1-1-0 ONE\n\ufeff1-1-1 TWO\n", encoding="utf-8")
    assert [key for _, key, _ in read_transcript(tmp_path / "1-1.trans.txt")] == ["1-1-0", "1-1-1"]


def test_any_whitespace_parts_an_id_from_its_text(tmp_path):
    file = tmp_path / "1-1.trans.txt"
    file.write_bytes(b"1-1-0\tJUMP IN\n\n 1-1-1   HAZEL \n1-1-2\n")
    assert list(read_transcript(file)) == [(1, "1-1-0", "JUMP IN"), (3, "1-1-1", "HAZEL "), (4, "1-1-2", "")]


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("missing.txt", None, "no such file"),
        ("latin.txt", b"CAF\xc9\n", "not readable as UTF-8"),
        ("utf16.txt", "HELLO".encode("utf-16"), "not readable as UTF-8"),
        ("flipped.gz", gzip.compress(bytes(99))[:10] + b"\xff" * 20, "cannot be read"),
        ("plain.gz", b"HELLO\n", "cannot be read"),
        ("cut.gz", gzip.compress(b"HELLO\n" * 99)[:-20], "cannot be read"),
        ("bomb.gz", gzip.compress(b"A" * 50_000_000, 1), "holds a line of"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_text_is_one_line_and_little_memory(tmp_path, name, content, says):
    if content:
        (tmp_path / name).write_bytes(content)
    tracemalloc.start()
    with pytest.raises(TextError, match=says) as error:
        list(read_lines(tmp_path / name))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert str(error.value).startswith(f"{tmp_path / name}: ") and "\n" not in str(error.value)
    assert peak < 40e6


def test_what_is_shown_is_one_line_of_what_a_terminal_only_shows():
    shown = printable("a\nb\x1b[31m\u202e\udce9 c’É日")
    assert shown == r"a\nb\x1b[31m\u202e\udce9 c’É日"
    assert str(TextError("two\nlines")) == r"two\nlines"
