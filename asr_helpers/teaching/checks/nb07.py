"""Judges of notebook 07's exercises."""

import math

from asr_helpers.teaching.checks.given import clips_of, log_probs_of
from asr_helpers.teaching.checks.judging import Hint, as_number, call_answer, expect_close, judge
from asr_helpers.text import encode
from asr_helpers.words.alignment import align
from asr_helpers.words.ctc_lattice import min_frames


@judge("07.1")
def right_to_say_nothing(answer):
    said = {b: bool(call_answer(answer, b)) for b in (0.1, 0.3, 0.45, 0.55, 0.65, 0.7, 0.72, 0.8, 0.95)}
    for limit, slip in (
        (0.5, "from b = 0.5 on the greedy decoder says nothing. But three of the four paths spell A: add them up."),
        (0.6, "b = 0.6 is the original toy, in which A wins."),
    ):
        if all(value == (b > limit) for b, value in said.items()):
            raise Hint(slip)
    if all(value == (b < math.sqrt(0.5)) for b, value in said.items()):
        raise Hint("it is the other way round: True where the empty text wins.")
    wrong = [b for b, value in said.items() if value != (b > math.sqrt(0.5))]
    if wrong:
        b = wrong[0]
        raise Hint(f"for b = {b}, nothing has probability {b * b:.3f} and A the rest; your function says {said[b]}.")
    return "nothing has probability b², A all the rest."


@judge("07.2")
def oracle(answer):
    references = ["THE TIDE IS LOW", "GOOD MORNING"]
    lists = [["THE TIED IS LO", "THE TIDE IS LO", "A TIE"], ["GOOD MORNING", "GOOD"]]
    value = as_number(call_answer(answer, lists, references))
    slips = {
        2 / 6: "that is the error rate of the first text of each list.",
        1 / 8: "that is the mean of two rates. Count the errors of all, then divide by all words.",
        1.0: "that is one error for each reference: compare words, not whole texts.",
        0.0: "an oracle chooses from the list only: it cannot say what is not in it.",
    }
    expect_close(value, 1 / 6, 1e-6, slips)
    if as_number(call_answer(answer, [["A B"], ["A"]], ["A B", "A"])) != 0:
        raise Hint("where the right text is in the list, the oracle makes no error.")
    return "no re-ranking of these lists can do better."


@judge("07.3")
def does_the_text_belong(answer):
    clips = clips_of("mini/test-mini")[::9]
    outputs = [log_probs_of(each.id) for each in clips]
    right = strange = 0
    for place, (each, log_probs) in enumerate(zip(clips, outputs, strict=True)):
        fitting = [other for other in clips if min_frames(encode(other.text)) <= len(log_probs)]
        other = fitting[(place + 1) % len(fitting)].text
        if other == each.text:
            other = fitting[(place + 2) % len(fitting)].text
        right += bool(call_answer(answer, align(log_probs, each.text)))
        strange += not call_answer(answer, align(log_probs, other))
    if right == len(clips) and not strange:
        raise Hint("it takes every text for the clip's own.")
    if strange == len(clips) and not right:
        raise Hint("it takes no text for the clip's own.")
    if right + strange < len(clips):
        raise Hint("it is wrong more often than a coin toss. Is the comparison the right way round?")
    if min(right, strange) < 0.8 * len(clips):
        kind = "its own text" if right < strange else "a strange one"
        raise Hint(f"it is wrong too often about {kind}. Look at the figures of both kinds, and move the limit.")
    return f"of {len(clips)} clips, {right} know their own text, and {strange} refuse a strange one."
