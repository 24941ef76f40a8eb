"""The page's engine against ONNX Runtime, and its bytes against its source."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from small_networks import small_network

from asr_helpers.corpus import load_corpus
from asr_helpers.recognizer import Recognizer, shipped_model
from asr_helpers.sound import features, read_audio
from asr_helpers.web import Engine, pack_model
from asr_helpers.web.engine import WASM

ROOT = Path(__file__).resolve().parents[2]
GREEK = " ΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣΤΥΦΧΨΩ"


@pytest.fixture(scope="module")
def shipped() -> Engine:
    return Engine(pack_model(shipped_model()))


@pytest.fixture(scope="module")
def reference() -> Recognizer:
    return Recognizer.load(shipped_model())


def test_it_is_small_and_asks_for_nothing(shipped):
    assert WASM.stat().st_size < 20_000
    assert list(shipped.module.imports) == []
    assert {each.name for each in shipped.module.exports} == {"memory", "place", "input", "run"}


def test_people_reading_get_the_letters_of_onnx_runtime(shipped, reference):
    """The logits differ by up to 0.4, as those of two builds of ONNX Runtime do: rounding becomes whole steps."""
    same = []
    for clip in load_corpus(ROOT / "data" / "real").utterances[::5]:
        heard = features(read_audio(clip.path))
        got, wanted = shipped(heard), reference._logits(heard)
        same += list(got.argmax(axis=1) == wanted[: len(got)].argmax(axis=1))
        assert np.abs(got - wanted[: len(got)]).mean() < 0.05
    assert len(same) > 900 and np.mean(same) >= 0.995


@pytest.mark.parametrize("frames", [4, 5, 6, 7, 8, 31])
def test_any_number_of_frames_is_cut_to_whole_fours(shipped, reference, rng, frames):
    heard = rng.normal(size=(frames, 80)).astype(np.float32)
    got = shipped(heard)
    assert np.allclose(got, reference._logits(heard)[: len(got)], atol=0.2)


def test_too_few_frames_give_nothing(shipped):
    assert [len(shipped(np.ones((frames, 80)))) for frames in (0, 1, 3)] == [0, 0, 0]


def test_a_call_leaves_no_trace_in_the_next(shipped, rng):
    long, short = (rng.normal(size=(frames, 80)) for frames in (400, 90))
    first, _, second = shipped(short).copy(), shipped(long), shipped(short)
    assert (first == second).all()


def test_half_a_minute_needs_little_memory(shipped):
    shipped(np.zeros((3001, 80)))
    assert shipped.memory_bytes < 25e6


@pytest.mark.parametrize(
    "size",
    [
        {"units": 128, "filters": (16, 32), "layers": 2},  # of `make run`
        {"units": 13, "filters": (3, 10), "layers": 1, "alphabet": GREEK},  # nothing can be divided by eight
        {"units": 20, "filters": (8, 12), "layers": 3, "alphabet": " ÄÖ"},
    ],
    ids=["fast profile", "odd sizes, Greek", "few letters"],
)
def test_a_network_of_any_size_and_alphabet_gets_the_logits_of_onnx_runtime(size, rng, tmp_path):
    path = tmp_path / "crnn.fast.onnx"
    path.write_bytes(small_network(**size))
    reference, network = Recognizer.load(path), pack_model(path)
    heard = rng.normal(size=(203, 80)).astype(np.float32)
    got, wanted = Engine(network)(heard), reference._logits(heard)[:50]
    assert got.shape == (50, reference.alphabet.classes) and network.alphabet == reference.alphabet
    assert np.abs(got - wanted).max() < 0.02 * wanted.std()  # a value between two steps may fall to either


def test_the_compiler_is_pinned_and_learners_do_not_install_it():
    pinned = (ROOT / ".ci" / "wasm.txt").read_text().replace(" \\\n", "")
    assert re.fullmatch(r"ziglang==[\d.]+(    --hash=sha256:[0-9a-f]{64})+\n", pinned)
    assert "ziglang" not in (ROOT / "requirements.lock").read_text()


@pytest.mark.skipif(
    not importlib.util.find_spec("ziglang"), reason="the compiler is missing; `make compiler` installs ziglang"
)
def test_it_is_what_its_source_compiles_to(tmp_path):
    made = tmp_path / "engine.wasm"
    subprocess.run([sys.executable, ROOT / ".ci" / "build_engine.py", made], check=True)
    assert made.read_bytes() == WASM.read_bytes(), "run `make wasm`"
