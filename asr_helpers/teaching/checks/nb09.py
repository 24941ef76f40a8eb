"""Judges of notebook 09's exercises."""

import numpy as np

from asr_helpers.sound.audio import read_audio
from asr_helpers.sound.mel import MELS, features
from asr_helpers.teaching.checks.given import clips_of, shipped_recognizer
from asr_helpers.teaching.checks.judging import Hint, as_array, as_number, as_text, call_answer, judge
from asr_helpers.text import BLANK, encode


class _Ear:
    """A stand-in for a recogniser that returns fixed log-probabilities."""

    def __init__(self, log_probs):
        self._log_probs = log_probs

    def log_probs(self, x):
        return self._log_probs


@judge("09.1")
def two_ears(answer):
    def ear(*labels, sure):
        """Return an ear that gives each of `labels`, frame by frame, the probability `sure`."""
        probs = np.full((len(labels), BLANK + 1), (1 - sure) / BLANK)
        probs[np.arange(len(labels)), labels] = sure
        return _Ear(np.log(probs))

    a, b, c = encode("ABC")
    cases = [([ear(a, b, sure=0.9), ear(a, c, sure=0.5)], "AB"), ([ear(a, b, sure=0.4), ear(a, c, sure=0.8)], "AC")]
    texts = [call_answer(answer, ears, np.zeros((8, MELS), np.float32)) for ears, _ in cases]
    for text in texts:
        as_text(text)
    if texts == [right for _, right in cases]:
        return "the surer of the two ears decides, frame by frame."
    if texts in (["AB", "AB"], ["AC", "AC"]):
        raise Hint("your function ignores one of the ears.")
    raise Hint("the surer ear should win. Average the log-probabilities over the ears (axis 0), then `greedy`.")


@judge("09.2")
def one_batch(answer):
    clips = [features(read_audio(each.path)) for each in clips_of("real")[:20]]
    batch = [x[:100] for x in clips if len(x) >= 100][:8]
    logits = as_array(answer, (8, 25, BLANK + 1), "the network's output for the batch")
    alone = np.array([shipped_recognizer().log_probs(x) for x in batch])
    same = np.mean(logits.argmax(-1) == alone.argmax(-1))
    if same < 0.9:
        raise Hint(
            "those are not the outputs for these clips. Take the first second of the first eight that are long enough."
        )
    return "the same outputs as one by one. The TFLite files accept only a batch of one."


@judge("09.3")
def where_the_time_goes(answer):
    wanted = ("features", "network", "decoding")
    if not isinstance(answer, dict) or set(answer) != set(wanted):
        raise Hint(f"a dict with the keys {', '.join(wanted)} is expected.")
    times = {name: as_number(answer[name]) for name in wanted}
    if min(times.values()) <= 0:
        raise Hint("every part takes more than zero time.")
    if times["network"] < 0.02:
        raise Hint("no machine is that fast. Is it milliseconds, and per second of audio?")
    if times["network"] > 500:
        raise Hint("no machine is that slow. Is it milliseconds, per second of audio, and the fast file?")
    if times["decoding"] > times["network"]:
        raise Hint("greedy decoding is one argmax. Does your `decoding` run the network again?")
    share = times["network"] / sum(times.values())
    return f"the network takes {share:.0%} of the time here. There is little to gain elsewhere."
