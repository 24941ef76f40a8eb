"""Judges of notebook 11's exercises."""

import unicodedata

from asr_helpers.teaching.checks.judging import Hint, as_number, as_text, call_answer, expect_close, judge
from asr_helpers.text import Alphabet


@judge("11.1")
def sentences_of_a_grammar(answer):
    slots = {"who": ["Ute", "Max", "Jörg"], "what": ["Tee", "Kaffee"], "order": ["{who}: {what}", "nichts"]}
    for sentences, right, hint in (
        (["ja", "nein"], 2, "a line without a slot is one sentence."),
        (["{who} trinkt {what}"], 6, "each alternative of one slot goes with each of the other."),
        (["{who} kommt", "{what} fehlt"], 5, "the lines of a slot are alternatives: their numbers add up."),
        (["{who} grüßt {who}"], 9, "a slot that occurs twice is filled twice, independently."),
        (["{order}, bitte"], 7, "an alternative may have slots of its own. Does your function call itself?"),
    ):
        count = as_number(call_answer(answer, {"sentence": list(sentences), **slots}))
        if count != right:
            raise Hint(f"wrong for {' | '.join(sentences)!r}: {hint}")
    return "a page of rules, thousands of sentences: a grammar is the cheapest corpus there is."


@judge("11.2")
def without_its_marks(answer):
    german, polish = (Alphabet(f" ABCDEFGHIJKLMNOPQRSTUVWXYZ{more}") for more in ("ÄÖÜ", "ÓĄĆĘŁŃŚŹŻ"))
    for text, alphabet, right in (
        ("ZUG NACH KÖLN", german, "ZUG NACH KÖLN"),
        ("CAFÉ", german, "CAFE"),
        ("SEÑOR MÜLLER", german, "SENOR MÜLLER"),
        ("MÜLLER ŁÓDŹ", polish, "MULLER ŁÓDŹ"),
        ("ŁÓDŹ", german, "ŁODZ"),
    ):
        folded = as_text(call_answer(answer, text, alphabet))
        if any(unicodedata.combining(character) for character in folded):
            raise Hint(f"{text}: a mark is left over. Keep the first character of what NFD gives.")
        if folded == _bare(text) and folded != right:
            raise Hint(f"{text}: a letter that the alphabet has must stay as it is.")
        if folded != right:
            raise Hint(f"{text} becomes {folded!r}. A letter with no such spelling stays as it is.")
    return "the clip is kept, at the price of a mark. Remember that é and e sound different."


def _bare(text: str) -> str:
    """Return `text` without its combining marks."""
    return "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))


@judge("11.3")
def one_letter_more(answer):
    for units in (128, 40, 256):
        slips = {
            2 * units: f"{units} units: each class has one number more, its bias, which is added whatever is heard.",
            units + 1: f"{units} units: the last LSTM reads in both directions.",
            units: f"{units} units: the last LSTM reads in both directions.",
            4 * (2 * units + 1): f"{units} units: those are bytes.",
        }
        expect_close(as_number(call_answer(answer, units)), 2 * units + 1, 0.5, slips)
    return "little, beside a million parameters that listen: the alphabet is the cheapest part of a model."
