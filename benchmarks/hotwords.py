"""Which boost finds names that the language model does not know, without writing them where nobody said them?

    python benchmarks/hotwords.py [--model MODEL] [--corpus CORPUS] [--lm FILE] [--limit N] [--json]

The list holds every word of the corpus that is new to the language model or rare in it (log10 P below `RARE`). So it is
the best list that there could be: real ones lack some names and hold others. Each row is a boost; the first is the
search without a list, and boost 0 merely makes the words known. Counted are:

- found: how many of the new (and of the rare) words said are written where they were said;
- false: listed words written where they were not said, and their share of all words said;
- the word error rate of all clips, and of those in which no listed word is said: they should not change.

`BOOST` and `NEW_WORD` in asr_helpers/words/hotwords.py are those that find most on dev-clean-tune with at most one
false word in a thousand. With hotwords the search also considers letters that are less probable; the row "wider" has
that alone. Prints a table, or with --json one object:

    python benchmarks/hotwords.py --corpus LibriSpeech/dev-clean-tune
    python benchmarks/hotwords.py --corpus LibriSpeech/dev-clean-valid --json > benchmarks/hotwords.json
"""

import json
from pathlib import Path

import numpy as np
from common import arguments, listen, right_words
from tqdm import tqdm

from asr_helpers.corpus import data_dir
from asr_helpers.recognizer import shipped_model
from asr_helpers.words import HOTWORD_MIN_LOG_PROB, FastBeamSearch, shipped_lm, word_errors
from asr_helpers.words.fast import Automaton

BOOSTS = (None, "wider", 0.0, 2.0, 4.0, 5.5, 7.0)  # nats; None is no list, "wider" neither, in the search for one
RARE = -5.5  # log10 P


def find_list(lm: Path, references: list[str]) -> tuple[set[str], set[str]]:
    """Return the words of the texts that are new to a language model, and those that are rare in it."""
    model = Automaton.read(lm)
    log10, said = model.unigrams, {word for text in references for word in text.split()}
    new = {word for word in said if word not in model.numbers}
    return new, {word for word in said - new if log10[model.numbers[word]] < RARE}


def count(references: list[str], texts: list[str], listed: set[str]) -> tuple[int, int, int]:
    """Return how many of the `listed` words are said, are found, and are written without being said."""
    said = sum(word in listed for text in references for word in text.split())
    right = np.concatenate(right_words(references, texts))
    written = np.array([word in listed for text in texts for word in text.split()])
    return said, int((written & right).sum()), int((written & ~right).sum())


def measure(model: Path, corpus: Path, lm: Path, limit: int | None) -> dict:
    """Return the sizes of the list and of the corpus, and a row for each boost."""
    utterances, outputs = listen(model, corpus, limit)
    references = [each.text for each in utterances]
    new, rare = find_list(lm, references)
    hotwords, words = sorted(new | rare), sum(len(text.split()) for text in references)
    other = [place for place, text in enumerate(references) if not (new | rare).intersection(text.split())]
    rows = []
    for boost in tqdm(BOOSTS, unit="boost"):
        if boost is None or boost == "wider":
            search = FastBeamSearch(lm, min_log_prob=HOTWORD_MIN_LOG_PROB if boost else None)
        else:
            search = FastBeamSearch(lm, hotwords=hotwords, boost=boost)
        texts = [search(each)[0].text for each in outputs]
        row = {"boost": boost, "wer": word_errors(references, texts).rate}
        if other:
            row["wer_other_clips"] = word_errors([references[i] for i in other], [texts[i] for i in other]).rate
        for kind, listed in (("new", new), ("rare", rare)):
            row[f"{kind}_said"], row[f"{kind}_found"], row[f"{kind}_false"] = count(references, texts, listed)
        row["false_share"] = (row["new_false"] + row["rare_false"]) / words
        rows.append(row)
    sizes = {"clips": len(references), "words": words, "listed": len(hotwords), "other_clips": len(other)}
    return {"model": model.name, "lm": lm.name, "corpus": corpus.name} | sizes | {"rows": rows}


def main() -> None:
    parser = arguments(__doc__, __file__, "json")
    parser.add_argument("--model", type=Path, default=shipped_model())
    parser.add_argument("--corpus", type=Path, default=data_dir() / "real")
    parser.add_argument("--lm", type=Path, default=shipped_lm())
    parser.add_argument("--limit", type=int, metavar="N", help="the first N utterances only")
    options = parser.parse_args()
    found = measure(options.model, options.corpus, options.lm, options.limit)
    if options.json:
        print(json.dumps(found, indent=1))
        return
    print(f"{found['corpus']}: {found['clips']} clips, {found['words']} words, {found['listed']} of them listed")
    print(f"boost    WER  {found['other_clips']:4} other clips   new found  rare found   false")
    for row in found["rows"]:
        boost = f"{row['boost']:g}" if isinstance(row["boost"], float) else row["boost"] or "none"
        other = f"{row['wer_other_clips']:.2%}" if "wer_other_clips" in row else "–"
        new, rare = (f"{row[f'{kind}_found']}/{row[f'{kind}_said']}" for kind in ("new", "rare"))
        false = f"{row['new_false'] + row['rare_false']} ({row['false_share']:.2%})"
        print(f"{boost:>5} {row['wer']:7.2%} {other:>16} {new:>11} {rare:>11} {false:>11}")


if __name__ == "__main__":
    main()
