import numpy as np
import pytest

from asr_helpers.text import ALPHABET, BLANK, NUM_CLASSES, decode, encode, min_frames, normalise


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
    ],
)
def test_normalise(raw, clean):
    assert normalise(raw) == clean
    assert normalise(clean) == clean


@pytest.mark.parametrize("text", ["", "  \t", "-", "—"])
def test_normalise_refuses_nothing(text):
    with pytest.raises(ValueError, match="empty"):
        normalise(text)


def test_normalise_names_every_stranger():
    with pytest.raises(ValueError, match=r"! 2 É"):
        normalise("café 22!")


@pytest.mark.parametrize(
    ("text", "frames"), [("", 0), ("A", 1), ("CAT", 3), ("HELLO", 6), ("AAA", 5), ("OFF FORM", 9)]
)
def test_min_frames(text, frames):
    assert min_frames(encode(text)) == frames
