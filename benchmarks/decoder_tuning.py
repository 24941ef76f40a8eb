"""What does a language model gain, at which settings, for how much time?

    python benchmarks/decoder_tuning.py MODEL --tune CORPUS --report CORPUS... [--lm FILE] [--out FILE]
    python benchmarks/decoder_tuning.py MODEL --tune CORPUS --report CORPUS... --control TRANSCRIPTS

The settings are chosen on the corpus `--tune` alone: for each letter bonus the language-model weight and the word bonus
from which no step on a grid gains, then the beam width (the narrowest within 1 % of the best WER). With them the
first held-out corpus `--report` is decoded greedily, by beam, and by beam with the language model; the latter once more
without look-ahead. The JSON holds the error rates of the settings tried, with intervals and kinds of errors for the
best, the commonest confusions, and sentences as each of the three decodes them; notebooks 07 and A3 draw it.

With `--control` it asks what the bonus for each letter is, and writes the answer to decoder_control.json. Four ways to
score a letter are tuned alike on `--tune`, with a wide range of strengths, and compared on each corpus `--report`:

- none: nothing;
- constant: the same bonus for each letter;
- words: minus ln P(letter | letter before it) in the language model's words, times a strength, as an estimate of what
  the network has learnt of English (its internal language model);
- transcripts: the same in TRANSCRIPTS, a corpus whose texts the network was trained on.

The model computes each utterance once: log-probabilities are cached in runs/ until the model's file changes.
"""

import json
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import jiwer
import numpy as np
from common import arguments, listen
from tqdm import tqdm

from asr_helpers.system import files
from asr_helpers.text import ENGLISH
from asr_helpers.words import (
    BEAM_WIDTH,
    FRAME_SECONDS,
    LETTER_BONUS,
    WEIGHT,
    WORD_BONUS,
    FastBeamSearch,
    Fusion,
    NGram,
    beam_search,
    best_text,
    greedy,
    paired_difference,
    read_sentences,
    score,
    shipped_lm,
    spellable,
    word_errors,
)
from asr_helpers.words.fast import Automaton

Settings = dict[str, float]
GRID = {
    "weight": (0.4, 0.6, 0.8, 1.0, 1.2, 1.4),
    "word_bonus": (-5.0, -4.0, -3.0, -2.0, -1.0, 0.0, 1.0, 2.0),
    "letter_bonus": (0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0),
}
START = {"weight": 1.0, "word_bonus": 0.0, "letter_bonus": 1.5}
STRENGTHS = (0.4, 0.6, 0.8, 1.0, 1.2)  # of a letter bigram
FLOOR = 0.01  # share of a letter's probability that is spread over all letters, so that none is impossible
WIDTHS = (4, 16, 64, 256, 512, 1024)
GRID_WIDTH = 128
READABLE = 10  # utterances that the readable search decodes too; it takes minutes


def read(search: Callable[[np.ndarray], str], outputs: list[np.ndarray]) -> tuple[list[str], float]:
    """Return the texts, and the milliseconds of processor time per second of audio."""
    start = time.process_time()
    texts = [search(each) for each in outputs]
    seconds = time.process_time() - start
    return texts, 1000 * seconds / (FRAME_SECONDS * sum(map(len, outputs)))


class Tuner:
    """Measures the word error rate of settings on the tuning corpus, each setting once."""

    def __init__(self, lm: Path, references: list[str], outputs: list[np.ndarray]):
        self.lm, self.references, self.outputs = lm, references, outputs
        self.rates: dict[tuple, float] = {}
        self.bar = tqdm(desc="tuning", unit="run")

    def measure(self, width: int = GRID_WIDTH, **settings) -> tuple[float, float]:
        """Return the word error rate and the milliseconds per second of audio."""
        texts, ms = read(best_text(FastBeamSearch(self.lm, width, **settings)), self.outputs)
        self.bar.update()
        return word_errors(self.references, texts).rate, ms

    def rate(self, letters: np.ndarray | None = None, **settings: float) -> float:
        """Return the word error rate at settings; with `letters`, their `letter_bonus` multiplies it."""
        key = tuple(sorted(settings.items()))
        if key not in self.rates:
            bonus = settings.pop("letter_bonus")
            self.rates[key], _ = self.measure(letter_bonus=bonus if letters is None else bonus * letters, **settings)
        return self.rates[key]

    def climb(self, start: Settings, grid: dict, letters: np.ndarray | None = None) -> Settings:
        """Return the settings from which no step along one axis of the grid gains."""
        best, moved = dict(start), True
        while moved:
            moved = False
            for name, values in grid.items():
                place = values.index(best[name])
                near = (best | {name: value} for value in values[max(0, place - 1) : place + 2])
                found = min(near, key=lambda each: self.rate(letters, **each))
                if self.rate(letters, **found) < self.rate(letters, **best):
                    best, moved = found, True
        return best

    def by_strength(self, values: tuple, start: Settings, letters: np.ndarray | None = None) -> tuple[Settings, list]:
        """Return the best settings of all, and for each value of `letter_bonus` the lowest rate with it."""
        grid = {name: GRID[name] for name in ("weight", "word_bonus")}
        found = [start]
        for value in values:
            found.append(self.climb(found[-1] | {"letter_bonus": value}, grid, letters))
        del found[0]
        rates = [self.rate(letters, **each) for each in found]
        return found[int(np.argmin(rates))], rates


def tune(lm: Path, references: list[str], outputs: list[np.ndarray]) -> dict:
    """Return the error rates of the settings tried, and the best settings."""
    tuner = Tuner(lm, references, outputs)
    best, by_letter_bonus = tuner.by_strength(GRID["letter_bonus"], START)
    weights, bonuses = (around(best[name], GRID[name]) for name in ("weight", "word_bonus"))
    grid = [[tuner.rate(**best | {"weight": w, "word_bonus": bonus}) for bonus in bonuses] for w in weights]
    widths = [tuner.measure(width, **best) for width in WIDTHS]
    without = [tuner.measure(width, look_ahead=False, **best)[0] for width in WIDTHS]
    tuner.bar.close()
    good = 1.01 * min(rate for rate, _ in widths)
    width = next(width for width, (rate, _) in zip(WIDTHS, widths, strict=True) if rate <= good)
    return {
        "utterances": len(references),
        "weights": weights,
        "word_bonuses": bonuses,
        "wer": np.round(grid, 5).tolist(),
        "letter_bonuses": GRID["letter_bonus"],
        "letter_bonus_wer": np.round(by_letter_bonus, 5).tolist(),
        "widths": WIDTHS,
        "width_wer": [round(rate, 5) for rate, _ in widths],
        "width_wer_without_look_ahead": np.round(without, 5).tolist(),
        "width_ms_per_audio_second": [round(ms, 3) for _, ms in widths],
        "best": best | {"width": width},
    }


def around(value: float, values: tuple) -> tuple:
    """Return one of the values of a grid with its neighbours."""
    place = values.index(value)
    return values[max(0, place - 1) : place + 2]


def control(lm: Path, transcripts: Path, tuning: tuple, reports: dict[str, tuple]) -> dict:
    """Return what each way of scoring letters reaches, tuned alike, and the paired differences from the constant.

    Args:
        lm: the language model's file.
        transcripts: a corpus; its texts are those that the network was trained on.
        tuning: the references and the log-probabilities of the tuning corpus.
        reports: the same for held-out corpora, by name.
    """
    model = Automaton.read(lm)
    log10 = model.unigrams
    words = {word: 10 ** log10[model.numbers[word]] for word in spellable(model.vocabulary, ENGLISH)}
    said = Counter(word for text in read_sentences(transcripts) for word in text.split())
    ways = {
        "none": ((0.0,), None),
        "constant": (GRID["letter_bonus"], None),
        "words": (STRENGTHS, -letter_bigrams(words)),
        "transcripts": (STRENGTHS, -letter_bigrams({word: said[word] for word in spellable(said, ENGLISH)})),
    }
    result, errors = {}, {}
    for name, (strengths, letters) in ways.items():
        tuner = Tuner(lm, *tuning)
        best, rates = tuner.by_strength(strengths, START, letters)
        tuner.bar.close()
        result[name] = {"strengths": strengths, "wer": np.round(rates, 5).tolist(), "best": best, "report": {}}
        bonus = best["letter_bonus"] if letters is None else best["letter_bonus"] * letters
        search = best_text(FastBeamSearch(lm, **best | {"letter_bonus": bonus}))
        for corpus, (references, outputs) in reports.items():
            errors[name, corpus] = found = word_errors(references, [search(each) for each in outputs])
            result[name]["report"][corpus] = {"wer": found.rate, "wer_ci95": found.interval()}
    for name in ways:
        for corpus in reports:
            difference, interval = paired_difference(errors["constant", corpus], errors[name, corpus])
            result[name]["report"][corpus] |= {"minus_constant": difference, "minus_constant_ci95": interval}
    return result


def letter_bigrams(words: dict[str, float]) -> np.ndarray:
    """Return ln P(letter | letter before it) in words of these frequencies, float64 (letters, letters).

    A space stands before and after each word.
    """
    size = len(ENGLISH.characters)
    counts = np.zeros((size, size))
    for word, times in words.items():
        labels = ENGLISH.encode(f" {word} ")
        np.add.at(counts, (labels[:-1], labels[1:]), times)
    totals = counts.sum(axis=1, keepdims=True)
    shares = np.divide(counts, totals, out=np.full_like(counts, 1 / size), where=totals > 0)
    return np.log((1 - FLOOR) * shares + FLOOR / size)


def report(lm: Path, best: dict, utterances: list, outputs: list[np.ndarray]) -> dict:
    """Return the errors of the three decoders, and what else notebook 07 draws.

    Args:
        lm: the language model's file.
        best: the best settings.
        utterances: of the held-out corpus.
        outputs: the model's log-probabilities of each.
    """
    references = [each.text for each in utterances]
    settings = dict(best)
    width = settings.pop("width")
    ways = {
        "greedy": greedy,
        "beam": best_text(FastBeamSearch(width=width)),
        "beam + LM": best_text(FastBeamSearch(lm, width, **settings)),
    }
    texts, result = {}, {"decoders": {}}
    for name, search in ways.items():
        texts[name], ms = read(search, outputs)
        counts = jiwer.process_words(references, texts[name])
        kinds = {kind: getattr(counts, kind) for kind in ("substitutions", "insertions", "deletions")}
        result["decoders"][name] = score(references, texts[name]) | kinds | {"ms_per_audio_second": ms}
    first, last = (word_errors(references, texts[name]) for name in ("greedy", "beam + LM"))
    difference, interval = paired_difference(first, last)
    relative = -difference / first.rate
    result |= {"difference": difference, "difference_ci95": interval, "relative_reduction": relative}

    blind, _ = read(best_text(FastBeamSearch(lm, width, look_ahead=False, **settings)), outputs)
    result["wer_without_look_ahead"] = word_errors(references, blind).rate

    fusion = Fusion(NGram.read(lm), **settings)
    readable, ms = read(best_text(lambda each: beam_search(each, width, fusion=fusion)), outputs[:READABLE])
    agreement = np.mean([a == b for a, b in zip(readable, texts["beam + LM"][:READABLE], strict=True)])
    result |= {"readable_agreement": float(agreement), "readable_ms_per_audio_second": ms}
    result["readable_utterances"] = len(readable)

    result["confused_words"] = confusions(jiwer.process_words(references, texts["beam + LM"]), 15)
    result["confused_characters"] = confusions(jiwer.process_characters(references, texts["greedy"]), 15)
    gains = first.errors - last.errors
    shown = [*np.argsort(-gains, kind="stable")[:5], *np.argsort(gains, kind="stable")[:2]]
    result["examples"] = [
        {"id": utterances[i].id, "said": references[i]} | {name: texts[name][i] for name in ways} for i in shown
    ]
    return {"utterances": len(utterances), "audio_seconds": sum(each.seconds for each in utterances)} | result


def confusions(found, count: int) -> list[tuple[str, str, int]]:
    """Return the `count` commonest substitutions, as (said, heard, times)."""
    pairs = Counter()
    for said, heard, chunks in zip(found.references, found.hypotheses, found.alignments, strict=True):
        for chunk in chunks:
            if chunk.type == "substitute":
                a = said[chunk.ref_start_idx : chunk.ref_end_idx]
                b = heard[chunk.hyp_start_idx : chunk.hyp_end_idx]
                pairs.update(zip(a, b, strict=True))
    return [(*pair, times) for pair, times in pairs.most_common(count)]


def main() -> None:
    parser = arguments(__doc__, __file__, "out")
    parser.add_argument("model", type=Path)
    parser.add_argument("--tune", type=Path, required=True)
    parser.add_argument("--report", metavar="CORPUS", type=Path, nargs="+", required=True)
    parser.add_argument("--control", metavar="TRANSCRIPTS", type=Path, help="compare ways of scoring letters instead")
    parser.add_argument("--lm", type=Path, default=shipped_lm())
    parser.add_argument("--limit", type=int, metavar="N", help="the first N utterances of each only")
    options = parser.parse_args()

    corpora = {path.name: listen(options.model, path, options.limit) for path in (options.tune, *options.report)}
    texts = {name: ([each.text for each in heard], outputs) for name, (heard, outputs) in corpora.items()}
    made = {"model": options.model.name, "lm": options.lm.name, "tuned_on": options.tune.name}
    if options.control:
        tuning = texts.pop(options.tune.name)
        made["ways"] = control(options.lm, options.control, tuning, texts)
        files.write(options.out.with_name("decoder_control.json"), json.dumps(made, indent=1) + "\n")
        show_control(made["ways"])
        return
    tuned = tune(options.lm, *texts[options.tune.name])
    found = report(options.lm, tuned["best"], *corpora[options.report[0].name])
    files.write(options.out, json.dumps(made | {"tuning": tuned, "report": found}, indent=1) + "\n")
    show(options.tune.name, options.report[0].name, tuned["best"], found)


def show_control(ways: dict) -> None:
    for name, row in ways.items():
        print(f"{name}: {row['best']}, tuning WER {min(row['wer']):.2%}")
        for corpus, found in row["report"].items():
            low, high = found["minus_constant_ci95"]
            print(
                f"  {corpus}: WER {found['wer']:.2%}, minus constant {100 * found['minus_constant']:+.2f} points "
                f"({100 * low:+.2f} to {100 * high:+.2f})"
            )


def show(tuning: str, corpus: str, best: dict, found: dict) -> None:
    print(f"{tuning}: {best}")
    for name, row in found["decoders"].items():
        low, high = row["wer_ci95"]
        print(
            f"{corpus}: {name:10} WER {row['wer']:6.2%} ({low:.2%} to {high:.2%})"
            f"  CER {row['cer']:6.2%}  {row['ms_per_audio_second']:6.3f} ms per second of audio"
        )
    print(f"fewer word errors: {found['relative_reduction']:.1%}")
    print(f"the readable decoder reads {found['readable_agreement']:.1%} of the utterances the same")
    today = {"width": BEAM_WIDTH, "weight": WEIGHT, "word_bonus": WORD_BONUS, "letter_bonus": LETTER_BONUS}
    if best != today:
        print("in asr_helpers/words set", ", ".join(f"{name} = {value}" for name, value in best.items()))


if __name__ == "__main__":
    main()
