"""The grammars of notebook 11: each is whole, small, and says thousands of sentences that eSpeak's voices can speak."""

import math
import re

import pytest

from asr_helpers.text import Alphabet

LANGUAGES = {"de": "Ä", "es": "Ñ", "fr": "É", "pl": "Ł", "tr": "İ", "uk": "Ї"}  # and a letter that English lacks


@pytest.fixture(params=LANGUAGES)
def language(request):
    return request.param


@pytest.fixture
def rules(mini, language):
    found = {}
    for line in (mini.parent / "grammars" / f"{language}.txt").read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            assert re.fullmatch(r"\w+: \S.*\S", line)
            slot, alternatives = line.split(": ", 1)
            found.setdefault(slot, []).extend(alternatives.split(" | "))
    return found


def slots(text):
    return re.findall(r"{(\w+)}", text)


def ways(rules, text="{sentence}"):
    return math.prod(sum(ways(rules, each) for each in rules[slot]) for slot in slots(text))


def words(alternatives):
    return set(re.sub(r"{\w+}|,", "", " ".join(alternatives)).split())


def test_there_is_a_grammar_for_each_language(mini):
    assert sorted(path.stem for path in (mini.parent / "grammars").iterdir()) == sorted(LANGUAGES)


def test_every_slot_is_filled_and_used_and_nothing_is_there_twice(rules):
    used = {slot for alternatives in rules.values() for text in alternatives for slot in slots(text)}
    assert used | {"sentence", "new"} == rules.keys()
    assert all(len(set(alternatives)) == len(alternatives) for alternatives in rules.values())


def test_it_is_a_page_of_words_and_thousands_of_sentences(rules, language):
    new = words(rules.pop("new"))
    known = words(text for alternatives in rules.values() for text in alternatives)
    assert 60 <= len(known) <= 130 and ways(rules) > 3000
    assert len(new - known) > 2 * len(new & known)
    letters = Alphabet.of_texts(known).characters
    assert LANGUAGES[language] in letters
    assert set(Alphabet.of_texts(new | known).characters) == set(letters), "a letter that is never trained on"
