"""Confidence as a probability: calibrated, in the formats, and marked where it is low."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from asr_helpers.cli import speech
from asr_helpers.cli.entry import main
from asr_helpers.show.widgets import words_html
from asr_helpers.text import ENGLISH, Alphabet
from asr_helpers.words import (
    DOUBTFUL,
    PLATT,
    Word,
    ctm,
    default_kind,
    json_line,
    probability,
    tab_lines,
    with_probability,
)

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "benchmarks"))

WORDS = [Word("IT'S", 0.5, 0.9, 0.99), Word("<ODD>", 1.2, 1.9, 0.2)]


def odds(value):
    return value / (1 - value)


@pytest.mark.parametrize("decoder", PLATT)
def test_the_odds_are_a_power_of_the_confidences_odds(decoder):
    slope, offset = PLATT[decoder]
    for confidence in (0.05, 0.5, 0.9):
        found = probability(confidence, decoder)
        assert odds(found) == pytest.approx(np.exp(offset) * odds(confidence) ** slope)
    ends = probability(np.array([0.0, 1e-9, 1.0]), decoder)
    assert (ends > 0).all() and (ends < 1).all() and ends[0] == ends[1] < ends[2]


def test_the_constants_are_those_that_were_fitted_and_are_well_calibrated():
    measured = json.loads((Path(__file__).resolve().parents[1] / "benchmarks" / "confidence.json").read_text())
    for decoder, row in measured["decoders"].items():
        assert PLATT[decoder] == pytest.approx(row["fitted"], abs=0.006)
        assert row["calibrated"]["calibration_error"] <= 0.04 < row["raw"]["calibration_error"]


def test_words_keep_the_raw_number_and_show_the_other():
    shown = with_probability(WORDS, "greedy")
    assert [(word.text, word.confidence) for word in shown] == [(word.text, word.confidence) for word in WORDS]
    expected = probability(np.array([0.99, 0.2]), "greedy")
    assert [word.shown for word in shown] == [word.probability for word in shown] == pytest.approx(expected)
    assert [word.shown for word in WORDS] == [0.99, 0.2]
    read = json.loads(json_line(shown, "a.wav"))["words"]
    assert [word["confidence"] for word in read] == pytest.approx(expected, abs=5e-4)
    numbers = [f"{value:.3f}" for value in expected]
    assert [line.split("\t")[2] for line in tab_lines(shown).splitlines()] == numbers
    assert [line.split()[5] for line in ctm(shown, "a").splitlines()] == numbers


def test_the_default_decoder_of_other_alphabets_is_greedy():
    assert (default_kind(ENGLISH), default_kind(Alphabet(" ÄB"))) == ("beam", "greedy")


def test_doubtful_words_are_dotted_and_say_how_probable_they_are():
    sure, odd = with_probability(WORDS, "beam")
    assert sure.probability > DOUBTFUL > odd.probability
    html = words_html([sure, odd])
    assert html.count("underline dotted") == 1 and html.startswith("IT&#x27;S <span")
    assert f'title="probably right: {100 * odd.probability:.0f} %">&lt;ODD&gt;</span>' in html and "misheard" in html
    assert words_html([sure]) == words_html(WORDS[:1]) == "IT&#x27;S" and words_html([]) == ""
    assert "underline" not in words_html(WORDS)  # without a probability, nothing is marked


@pytest.mark.parametrize("terminal", [True, False])
def test_doubtful_words_are_underlined_in_a_terminal_alone(monkeypatch, capsys, mini, terminal):
    monkeypatch.setattr(speech.sys.stdout, "isatty", lambda: terminal, raising=False)
    clip = str(next((mini.parent / "real").rglob("5639-40744-0007.flac")))
    texts, read = [], []
    for options in (["--no-lm"], ["--no-lm", "--format", "json"]):
        assert main(["transcribe", clip, *options]) == 0
        texts.append(capsys.readouterr().out.strip())
    for word in json.loads(texts[1])["words"]:
        doubt = terminal and word["confidence"] < DOUBTFUL
        read.append(f"\x1b[4m{word['text']}\x1b[24m" if doubt else word["text"])
    assert texts[0] == " ".join(read) and ("\x1b" in texts[0]) == terminal and "\x1b" not in texts[1]


def test_the_benchmark_fits_and_measures_what_it_says():
    import confidence as benchmark

    rng = np.random.default_rng(0)
    raw = rng.uniform(0.02, 0.98, 20_000)
    true = 1 / (1 + np.exp(-(0.6 * np.log(odds(raw)) + 0.9)))
    right = rng.random(len(raw)) < true
    assert benchmark.fit(raw, right) == pytest.approx([0.6, 0.9], abs=0.06)
    assert benchmark.quality(true, right)["calibration_error"] < 0.015
    off = benchmark.quality(np.full(10, 0.8), np.arange(10) < 5)
    assert off["calibration_error"] == off["calibration_error_equal_width"] == pytest.approx(0.3)
    assert off["auc"] == 0.5 and off["words"][8] == 10 and off["right"][8] == 5
    assert benchmark.quality(np.array([0.1, 0.2, 0.3]), np.array([False, False, True]))["auc"] == 1
