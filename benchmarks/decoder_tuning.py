"""What does a language model gain, at which settings, for how much time?

    python benchmarks/decoder_tuning.py MODEL --tune CORPUS --report CORPUS [--lm FILE] [--out FILE]

The settings are chosen on the corpus `--tune` alone: language-model weight, word bonus and weight of the internal
language model (the prior) on a grid, then the beam width (the narrowest within 1.5 % of the best WER). With them the
held-out corpus `--report` is decoded greedily, by beam, and by beam with the language model. It is decoded once more
without the prior, at the settings that are best then; these also show the gain of look-ahead. The JSON holds the grids,
the error rates with intervals and kinds of errors, the commonest confusions, the calibration of confidence, and
sentences as each of the three decodes them; notebook 07 draws it.

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
from asr_helpers.words import (
    BEAM_WIDTH,
    FRAME_SECONDS,
    INTERNAL_LM_WEIGHT,
    WEIGHT,
    WORD_BONUS,
    FastBeamSearch,
    Fusion,
    NGram,
    align,
    beam_search,
    best_text,
    greedy,
    paired_difference,
    score,
    shipped_lm,
    word_errors,
)

WEIGHTS = (0.4, 0.6, 0.8, 1.0, 1.2, 1.4)
BONUSES = (-4.0, -3.0, -2.0, -1.0, 0.0, 1.0, 2.0)
PRIORS = (0.0, 0.2, 0.4, 0.6, 0.8)
WIDTHS = (4, 16, 64, 128, 256, 512, 1024, 2048)
GRID_WIDTH = 256
READABLE = 30  # utterances that the readable search decodes too; it takes minutes


def read(search: Callable[[np.ndarray], str], outputs: list[np.ndarray]) -> tuple[list[str], float]:
    """Return the texts, and the milliseconds of processor time per second of audio."""
    start = time.process_time()
    texts = [search(each) for each in outputs]
    seconds = time.process_time() - start
    return texts, 1000 * seconds / (FRAME_SECONDS * sum(map(len, outputs)))


def tune(lm: Path, references: list[str], outputs: list[np.ndarray]) -> dict:
    """Return the grids and the best settings."""

    def measure(width=GRID_WIDTH, **settings):
        texts, ms = read(best_text(FastBeamSearch(lm, width, **settings)), outputs)
        bar.update()
        return word_errors(references, texts).rate, ms

    runs = len(PRIORS) * len(WEIGHTS) * len(BONUSES) + 3 * len(WIDTHS) + 1
    with tqdm(total=runs, desc="tuning", unit="run") as bar:
        grids = np.array(
            [
                [
                    [measure(internal_lm_weight=prior, weight=weight, word_bonus=bonus)[0] for bonus in BONUSES]
                    for weight in WEIGHTS
                ]
                for prior in PRIORS
            ]
        )
        best = _settings(grids, int(grids.min(axis=(1, 2)).argmin()))
        widths = [measure(width, **best) for width in WIDTHS]
        blind = measure(look_ahead=False, **best)[0]
        plain = _settings(grids, 0)
        ahead = {
            name: [measure(width, look_ahead=seen, **plain)[0] for width in WIDTHS]
            for name, seen in (("with", True), ("without", False))
        }
    good = 1.015 * min(rate for rate, _ in widths)
    best["width"] = next(width for width, (rate, _) in zip(WIDTHS, widths, strict=True) if rate <= good)
    return {
        "utterances": len(references),
        "weights": WEIGHTS,
        "word_bonuses": BONUSES,
        "wer": grids[PRIORS.index(best["internal_lm_weight"])].round(5).tolist(),
        "priors": PRIORS,
        "prior_wer": grids.min(axis=(1, 2)).round(5).tolist(),
        "widths": WIDTHS,
        "width_wer": [round(rate, 5) for rate, _ in widths],
        "wer_without_look_ahead": round(blind, 5),
        "look_ahead_without_prior": ahead,
        "width_ms_per_audio_second": [round(ms, 3) for _, ms in widths],
        "best": best,
        "best_without_prior": plain | {"width": best["width"]},
    }


def _settings(grids: np.ndarray, prior: int) -> dict:
    """Return the best weight and word bonus at one of the PRIORS."""
    weight, bonus = np.unravel_index(grids[prior].argmin(), grids[prior].shape)
    return {"internal_lm_weight": PRIORS[prior], "weight": WEIGHTS[weight], "word_bonus": BONUSES[bonus]}


def report(lm: Path, best: dict, plain: dict, utterances: list, outputs: list[np.ndarray]) -> dict:
    """Return the errors of the three decoders, and what else notebook 07 draws.

    Args:
        lm: the language model's file.
        best: the best settings.
        plain: the best settings without the prior.
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

    without, _ = read(best_text(FastBeamSearch(lm, **plain)), outputs)
    without = word_errors(references, without)
    gain, interval = paired_difference(without, last)
    result["prior"] = {"wer_without": without.rate, "difference": gain, "difference_ci95": interval}

    fusion = Fusion(NGram.read(lm), **settings)
    readable, ms = read(best_text(lambda each: beam_search(each, width, fusion=fusion)), outputs[:READABLE])
    agreement = np.mean([a == b for a, b in zip(readable, texts["beam + LM"][:READABLE], strict=True)])
    result |= {"readable_agreement": float(agreement), "readable_ms_per_audio_second": ms}
    result["readable_utterances"] = len(readable)

    result["confused_words"] = confusions(jiwer.process_words(references, texts["beam + LM"]), 15)
    result["confused_characters"] = confusions(jiwer.process_characters(references, texts["greedy"]), 15)
    result["confidence"] = confidence(references, texts["beam + LM"], outputs)
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


def confidence(references: list[str], texts: list[str], outputs: list[np.ndarray]) -> dict:
    """Return the number of words, and of right words, at ten levels of confidence.

    `auc` is the probability that a right word has more confidence than a wrong one.
    """
    sure, right = [], []
    for heard, chunks, log_probs in zip(texts, jiwer.process_words(references, texts).alignments, outputs, strict=True):
        correct = np.zeros(len(heard.split()), dtype=bool)
        for chunk in chunks:
            if chunk.type == "equal":
                correct[chunk.hyp_start_idx : chunk.hyp_end_idx] = True
        sure.extend(word.confidence for word in align(log_probs, heard))
        right.extend(correct)
    sure, right = np.array(sure), np.array(right)
    ranks = sure.argsort().argsort()
    wins = ranks[right].sum() - right.sum() * (right.sum() - 1) / 2
    level = np.minimum((10 * sure).astype(int), 9)
    return {
        "words": np.bincount(level, minlength=10).tolist(),
        "right": np.bincount(level, right, minlength=10).astype(int).tolist(),
        "auc": float(wins / max(1, right.sum() * (~right).sum())),
    }


def main() -> None:
    parser = arguments(__doc__, __file__, "out")
    parser.add_argument("model", type=Path)
    parser.add_argument("--tune", type=Path, required=True)
    parser.add_argument("--report", type=Path, required=True)
    parser.add_argument("--lm", type=Path, default=shipped_lm())
    parser.add_argument("--limit", type=int, metavar="N", help="the first N utterances of each only")
    options = parser.parse_args()

    utterances, outputs = listen(options.model, options.tune, options.limit)
    tuned = tune(options.lm, [each.text for each in utterances], outputs)
    found = report(
        options.lm, tuned["best"], tuned["best_without_prior"], *listen(options.model, options.report, options.limit)
    )
    result = {"model": options.model.name, "lm": options.lm.name, "tuning": tuned, "report": found}
    files.write(options.out, json.dumps(result, indent=1) + "\n")

    print(f"{options.tune.name}: {tuned['best']}")
    for name, row in found["decoders"].items():
        low, high = row["wer_ci95"]
        print(
            f"{options.report.name}: {name:10} WER {row['wer']:6.2%} ({low:.2%} to {high:.2%})"
            f"  CER {row['cer']:6.2%}  {row['ms_per_audio_second']:6.3f} ms per second of audio"
        )
    print(f"fewer word errors: {found['relative_reduction']:.1%}; AUC of confidence {found['confidence']['auc']:.3f}")
    print(f"the readable decoder reads {found['readable_agreement']:.1%} of the utterances the same")
    best = tuned["best"]
    constants = {
        "BEAM_WIDTH": best["width"],
        "WEIGHT": best["weight"],
        "WORD_BONUS": best["word_bonus"],
        "INTERNAL_LM_WEIGHT": best["internal_lm_weight"],
    }
    today = {
        "BEAM_WIDTH": BEAM_WIDTH,
        "WEIGHT": WEIGHT,
        "WORD_BONUS": WORD_BONUS,
        "INTERNAL_LM_WEIGHT": INTERNAL_LM_WEIGHT,
    }
    if constants != today:
        print("in asr_helpers/words set", ", ".join(f"{name} = {value}" for name, value in constants.items()))


if __name__ == "__main__":
    main()
