"""How far may a word's confidence be read as the probability that the word is right?

    python benchmarks/confidence.py [--model MODEL] [--corpus CORPUS] [--tune CORPUS] [--lm FILE] [--limit N] [--json]

Every word that greedy decoding, and beam search with the language model, write of CORPUS is aligned with the sound and
counted as right or wrong. Measured are, for the raw confidence and for the probability that is shown:

- the calibration error: the words are sorted into ten bins of equal size; it is the mean distance, over the words,
  between a bin's mean probability and its share of right words (Naeini and others, 2015, "Obtaining well calibrated
  probabilities using Bayesian binning", AAAI);
- the same with ten bins of equal width;
- AUC: the probability that a right word has a higher value than a wrong one;
- how many words are marked as doubtful, how many of these are wrong, and how many of the wrong words are marked.

With --tune, slope and offset are fitted on that corpus by logistic regression and printed: `PLATT` in
asr_helpers/words/confidence.py holds those of dev-clean-tune.

    python benchmarks/confidence.py --tune LibriSpeech/dev-clean-tune --corpus LibriSpeech/dev-clean-valid \\
        --json > benchmarks/confidence.json
"""

import json
from pathlib import Path

import numpy as np
from common import arguments, listen, right_words
from scipy.optimize import minimize
from scipy.stats import rankdata

from asr_helpers.corpus import data_dir
from asr_helpers.recognizer import shipped_model
from asr_helpers.words import DOUBTFUL, PLATT, FastBeamSearch, align, best_text, greedy, probability, shipped_lm
from asr_helpers.words.confidence import log_odds

BINS = 10


def judged(model: Path, corpus: Path, lm: Path, limit: int | None) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return for each decoder the confidence of every word that it writes, and whether the word is right."""
    utterances, outputs = listen(model, corpus, limit)
    references, found = [each.text for each in utterances], {}
    for name, decode in (("greedy", greedy), ("beam", best_text(FastBeamSearch(lm)))):
        texts = [" ".join(decode(each).split()) for each in outputs]
        words = [word for each, text in zip(outputs, texts, strict=True) for word in align(each, text)]
        right = np.concatenate(right_words(references, texts))
        found[name] = np.array([word.confidence for word in words]), right
    return found


def fit(confidence: np.ndarray, right: np.ndarray) -> list[float]:
    """Return slope and offset of the logistic regression of `right` on the log-odds of `confidence`."""
    sign, odds = np.where(right, 1, -1), log_odds(confidence)
    return minimize(lambda line: np.logaddexp(0, -sign * (line[0] * odds + line[1])).mean(), [1.0, 0.0]).x.tolist()


def calibration_error(values: np.ndarray, right: np.ndarray, bins: np.ndarray) -> float:
    """Return the mean distance between the mean value and the share of right words of a word's bin."""
    sizes = np.maximum(np.bincount(bins, minlength=BINS), 1)
    distance = np.abs(np.bincount(bins, values, BINS) - np.bincount(bins, right, BINS)) / sizes
    return float(distance[bins].mean())


def quality(values: np.ndarray, right: np.ndarray) -> dict:
    """Return the calibration errors, the AUC, and the words and the right words in bins of equal width."""
    ranks = rankdata(values)
    by_rank = ((ranks - 0.5) / len(ranks) * BINS).astype(int)
    by_value = np.minimum((values * BINS).astype(int), BINS - 1)
    wins = ranks[right].sum() - right.sum() * (right.sum() + 1) / 2
    return {
        "calibration_error": calibration_error(values, right, by_rank),
        "calibration_error_equal_width": calibration_error(values, right, by_value),
        "auc": float(wins / max(1, right.sum() * (~right).sum())),
        "words": np.bincount(by_value, minlength=BINS).tolist(),
        "right": np.bincount(by_value, right, BINS).astype(int).tolist(),
    }


def measure(model: Path, corpus: Path, tune: Path | None, lm: Path, limit: int | None) -> dict:
    """Return for each decoder the quality of raw and shown values on `corpus`, and what is fitted on `tune`."""
    result = {"model": model.name, "lm": lm.name, "corpus": corpus.name, "tuned_on": tune and tune.name, "decoders": {}}
    fitted = {name: fit(*pairs) for name, pairs in judged(model, tune, lm, limit).items()} if tune else {}
    for name, (confidence, right) in judged(model, corpus, lm, limit).items():
        shown = probability(confidence, name)
        marked = shown < DOUBTFUL
        row = {"words": len(right), "right": float(right.mean()), "shown": float(shown.mean()), "platt": PLATT[name]}
        row |= {"fitted": fitted.get(name), "raw": quality(confidence, right), "calibrated": quality(shown, right)}
        row["marked"] = float(marked.mean())
        row["marked_wrong"] = float((~right[marked]).sum() / max(1, marked.sum()))
        row["wrong_marked"] = float((~right[marked]).sum() / max(1, (~right).sum()))
        result["decoders"][name] = row
    return result


def main() -> None:
    parser = arguments(__doc__, __file__, "json")
    parser.add_argument("--model", type=Path, default=shipped_model())
    parser.add_argument("--corpus", type=Path, default=data_dir() / "real")
    parser.add_argument("--tune", type=Path, metavar="CORPUS", help="fit slope and offset on it")
    parser.add_argument("--lm", type=Path, default=shipped_lm())
    parser.add_argument("--limit", type=int, metavar="N", help="the first N utterances of each only")
    options = parser.parse_args()
    found = measure(options.model, options.corpus, options.tune, options.lm, options.limit)
    if options.json:
        print(json.dumps(found, indent=1))
        return
    for name, row in found["decoders"].items():
        print(f"{found['corpus']}, {name}: {row['words']} words, {row['right']:.1%} right, shown {row['shown']:.1%}")
        for kind in ("raw", "calibrated"):
            values = row[kind]
            errors = f"{values['calibration_error']:.3f} ({values['calibration_error_equal_width']:.3f} by width)"
            print(f"  {kind:10}  calibration error {errors}  AUC {values['auc']:.3f}")
        wrong, found = row["marked_wrong"], row["wrong_marked"]
        print(
            f"  marked {row['marked']:.0%}, {wrong:.0%} of these are wrong; of all wrong words {found:.0%} are marked"
        )
        if row["fitted"]:
            slope, offset = row["fitted"]
            print(f'  PLATT["{name}"]: ({slope:.2f}, {offset:.2f}) fits best; in use {row["platt"]}')


if __name__ == "__main__":
    main()
