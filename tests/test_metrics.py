import json

import numpy as np
import pytest

from asr_helpers.words import ErrorRate, character_errors, paired_difference, score, word_errors

REFERENCES = ["THE CAT SAT", "ON THE MAT", "AND SLEPT"]
HYPOTHESES = ["THE CAT SAT", "ON A MAT TOO", "AND"]  # right; one replaced and one added; one lost


def test_word_errors_known_answer():
    words = word_errors(REFERENCES, HYPOTHESES)
    assert words.errors.tolist() == [0, 2, 1]
    assert words.lengths.tolist() == [3, 3, 2]
    assert words.rate == 3 / 8


def test_character_errors_known_answer():
    characters = character_errors(["KITTEN", "A B"], ["SITTING", "AB"])
    assert characters.errors.tolist() == [3, 1]
    assert characters.lengths.tolist() == [6, 3]


def test_errors_equal_a_textbook_edit_distance():
    def edits(reference, hypothesis):
        row = list(range(len(hypothesis) + 1))
        for i, unit in enumerate(reference, 1):
            diagonal, row[0] = row[0], i
            for j, other in enumerate(hypothesis, 1):
                best = min(row[j] + 1, row[j - 1] + 1, diagonal + (unit != other))
                diagonal, row[j] = row[j], best
        return row[-1]

    rng = np.random.default_rng(0)
    references = [" ".join(rng.choice(list("ABCD"), rng.integers(1, 12))) for _ in range(100)]
    hypotheses = [" ".join(rng.choice(list("ABCD"), rng.integers(0, 12))) for _ in range(100)]
    expected = [edits(r.split(), h.split()) for r, h in zip(references, hypotheses, strict=True)]
    assert word_errors(references, hypotheses).errors.tolist() == expected


def test_empty_hypothesis_is_all_deletions():
    assert word_errors(["A B C", "D"], ["", "D"]).errors.tolist() == [3, 0]
    assert character_errors(["AB C"], [""]).rate == 1


def test_rate_can_exceed_one():
    assert word_errors(["A"], ["B C D"]).rate == 3


@pytest.mark.parametrize("measure", [word_errors, character_errors, score])
@pytest.mark.parametrize(
    ("references", "hypotheses", "words"),
    [
        (["A", "B"], ["A"], "2 references but 1 hypotheses"),
        ([], [], "nothing to score"),
        (["A", " "], ["A", "B"], "reference 1 is empty"),
    ],
)
def test_bad_pairs_are_refused(measure, references, hypotheses, words):
    with pytest.raises(ValueError, match=words):
        measure(references, hypotheses)


def test_interval_approaches_the_normal_approximation():
    rng = np.random.default_rng(1)
    errors = rng.binomial(10, 0.2, size=2000)
    words = ErrorRate(errors, np.full(2000, 10))
    low, high = words.interval()
    half = 1.96 * np.std(errors / 10) / np.sqrt(2000)
    assert low == pytest.approx(words.rate - half, abs=0.15 * half)
    assert high == pytest.approx(words.rate + half, abs=0.15 * half)


def test_interval_is_repeatable_and_follows_the_seed():
    words = word_errors(REFERENCES * 10, HYPOTHESES * 10)
    assert words.interval() == words.interval()
    assert words.interval(seed=1, samples=100) != words.interval(seed=2, samples=100)


@pytest.mark.parametrize(("utterances", "words", "bound"), [(100, 3, 0.01), (1, 6, 0.5), (1, 2, 1.0)])
def test_interval_of_no_errors_is_the_rule_of_three(utterances, words, bound):
    spotless = ErrorRate(np.zeros(utterances, int), np.full(utterances, words))
    assert spotless.interval() == (0, bound) and spotless.interval_by == "rule of three"


def test_score_without_errors_bounds_both_rates():
    found = score(["A BIRD", "SINGS"], ["A BIRD", "SINGS"])
    assert found["wer_ci95"] == [0, 1.0] and found["cer_ci95"] == [0, 3 / 11]
    assert found["wer_ci95_by"] == found["cer_ci95_by"] == "rule of three"


def test_summary_bounds_the_rate_where_no_error_was_found():
    spotless = ErrorRate(np.zeros(100, int), np.full(100, 3))
    assert spotless.summary() == "no error in 300 words: below 1.0%"
    assert pytest.approx(0.05, abs=0.001) == (1 - 3 / 300) ** 300  # what such a rate makes of 300 words
    low, high = (f"{end:.1%}" for end in word_errors(REFERENCES, HYPOTHESES).interval())
    assert word_errors(REFERENCES, HYPOTHESES).summary() == f"37.5% ({low} to {high})"


def test_score_is_what_the_command_line_prints():
    result = json.loads(json.dumps(score(REFERENCES, HYPOTHESES)))
    assert result["wer"] == 3 / 8
    assert result["cer"] == pytest.approx((0 + 3 + 4 + 6) / (11 + 10 + 9))
    assert result["utterances"] == 3
    for rate in ("wer", "cer"):
        low, high = result[f"{rate}_ci95"]
        assert 0 <= low <= result[rate] <= high


def test_paired_difference_sees_what_separate_intervals_hide():
    rng = np.random.default_rng(2)
    lengths = np.full(100, 10)
    hard = rng.integers(1, 9, size=100)  # utterances differ much more than the systems do
    first, second = ErrorRate(hard, lengths), ErrorRate(hard - (rng.random(100) < 0.3), lengths)
    difference, (low, high) = paired_difference(first, second)
    assert difference == pytest.approx(second.rate - first.rate)
    assert low < difference < high < 0
    assert first.interval()[0] < second.interval()[1]  # the two intervals overlap


def test_paired_difference_of_a_system_with_itself_is_zero():
    words = word_errors(REFERENCES, HYPOTHESES)
    assert paired_difference(words, words) == (0, (0, 0))


def test_paired_difference_needs_the_same_references():
    with pytest.raises(ValueError, match="same references"):
        paired_difference(word_errors(["A B"], [""]), word_errors(["A"], [""]))
