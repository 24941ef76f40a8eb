"""Word error rate with silence around each clip, and of clips of several readers in one recording.

    python benchmarks/silence.py [CORPUS...] [--json]

Each clip gets 0, 1, 2 or 5 seconds of pink noise before and after it, 40 dB below its power. The other rows join the
clips with half a second of such noise, a reader after the other and all readers in turn, and compare with clip by clip.
The recogniser is the shipped one with its language model; the default corpus is data/real.
"""

import json
from itertools import zip_longest
from pathlib import Path

import numpy as np
from common import arguments

from asr_helpers.corpus import Utterance, data_dir, load_corpus
from asr_helpers.recognizer import Recognizer, segments, shipped_model
from asr_helpers.sound import effects, read_audio
from asr_helpers.words import default_decoder, word_errors

SECONDS = 0, 1, 2, 5
LEVEL_DB = -40
GAP = 0.25  # seconds at each end of a clip in a longer recording


def surrounded(utterance: Utterance, seconds: float, number: int) -> np.ndarray:
    """Return a clip with `seconds` of room noise on each side, float32 (samples,); the noise depends on `number`."""
    samples, rng = read_audio(utterance.path), np.random.default_rng(number)
    return effects.silence(samples, seconds, seconds, LEVEL_DB, tilt=1, rng=rng)


def in_turn(utterances: list[Utterance]) -> list[Utterance]:
    """Return the utterances of several speakers, one of each in turn."""
    by_speaker: dict[str, list[Utterance]] = {}
    for each in utterances:
        by_speaker.setdefault(each.speaker, []).append(each)
    return [each for row in zip_longest(*by_speaker.values()) for each in row if each]


def measure(utterances: list[Utterance]) -> dict[str, float]:
    """Return the word error rate of each condition, as a fraction."""
    recognizer = Recognizer.load(shipped_model())
    decode = default_decoder(recognizer.alphabet)
    said = [each.text for each in utterances]
    rates = {}
    for seconds in SECONDS:
        sounds = (surrounded(each, seconds, number) for number, each in enumerate(utterances))
        rates[f"{seconds} s on each side"] = word_errors(said, [recognizer.transcribe(x, decode) for x in sounds]).rate
    for name, ordered in (("reader after reader", utterances), ("readers in turn", in_turn(utterances))):
        blocks = [surrounded(each, GAP, number) for number, each in enumerate(ordered)]
        texts = [decode(part) for _, part in segments(recognizer.stream(blocks), recognizer.alphabet)]
        joined = " ".join(filter(None, texts))
        rates[f"one recording, {name}"] = word_errors([" ".join(each.text for each in ordered)], [joined]).rate
    return rates


def main() -> None:
    parser = arguments(__doc__, __file__, "json")
    parser.add_argument("corpus", metavar="CORPUS", type=Path, nargs="*", default=[data_dir() / "real"])
    options = parser.parse_args()
    found = {str(corpus): measure(load_corpus(corpus).utterances) for corpus in options.corpus}
    if options.json:
        print(json.dumps(found))
        return
    for corpus, rates in found.items():
        print(f"\n{corpus}, shipped recogniser and language model\n\n| | WER |\n|---|---:|")
        for name, rate in rates.items():
            print(f"| {name} | {rate:.1%} |")


if __name__ == "__main__":
    main()
