"""What does more text buy a language model, and what does pruning cost it?

python benchmarks/lm_scaling.py MODEL --report CORPUS --text TRANSCRIPTS BOOKS... [--out FILE]

Text is taken in doublings, in random order: first from TRANSCRIPTS, then, where they end, from BOOKS. Each model is
estimated as the shipped one is (at most 60 000 words and 2 million n-grams) and decodes CORPUS, which tuned nothing,
with the settings that ship. The JSON holds for each how many words of CORPUS it does not know, its perplexity
(unknown words counted as <unk>) and the word error rate; then the same for the last model pruned further and further;
notebook 07 draws it.
"""

import argparse
import json
import random
import tempfile
from pathlib import Path

from decoder_tuning import listen
from tqdm import tqdm

from asr_helpers import decoding, files
from asr_helpers.lm import Estimate, read_sentences
from asr_helpers.metrics import word_errors

VOCABULARY, KEEP = 60_000, 2_000_000
DOUBLINGS = 6  # below all transcripts
PRUNED = (1_000_000, 500_000, 250_000, 125_000)


def parts(transcripts: Path, books: list[Path]):
    """Yield (words, sentences) of each doubling."""
    sources = [list(read_sentences(transcripts)), list(read_sentences(*books))]
    for sentences in sources:
        random.Random(0).shuffle(sentences)
    counts = [[len(each.split()) for each in sentences] for sentences in sources]
    sentences, counts = [*sources[0], *sources[1]], [*counts[0], *counts[1]]
    goal, words = sum(counts[: len(sources[0])]) / 2**DOUBLINGS, 0
    for number, count in enumerate(counts, start=1):
        words += count
        if words >= goal or number == len(counts):
            yield words, sentences[:number]
            goal *= 2


def measure(model: Estimate, utterances: list, outputs: list) -> dict:
    """Return what one model is worth."""
    references = [each.text for each in utterances]
    spoken = " ".join(references).split()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.arpa.gz")
        model.write(path)
        size = path.stat().st_size
        search = decoding.best_text(decoding.FastBeamSearch(path))
    known = set(model.words)
    return {
        "n_grams": len(model),
        "vocabulary": len(model.words) - 3,
        "bytes": size,
        "unknown": sum(word not in known for word in spoken) / len(spoken),
        "perplexity": model.ngram().perplexity(references),
        "wer": word_errors(references, [search(each) for each in outputs]).rate,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("--report", type=Path, required=True, metavar="CORPUS")
    parser.add_argument("--text", type=Path, nargs="+", required=True)
    parser.add_argument("--out", type=Path, default=Path(__file__).with_suffix(".json"))
    options = parser.parse_args()

    heard = listen(options.model, options.report, None)
    scaling, pruning = [], []
    for words, sentences in tqdm(parts(options.text[0], options.text[1:]), "doubling"):
        model = Estimate.of(sentences, vocabulary=VOCABULARY, keep=KEEP)
        scaling.append({"words": words} | measure(model, *heard))
        print(scaling[-1], flush=True)
    for keep in PRUNED:
        model.prune(keep)
        pruning.append(measure(model, *heard))
        print(pruning[-1], flush=True)
    texts = [decoding.greedy(each) for each in heard[1]]
    result = {
        "corpus": options.report.name,
        "utterances": len(texts),
        "settings": {
            name: getattr(decoding, name.upper()) for name in ("width", "weight", "word_bonus", "prior")
        },
        "greedy_wer": word_errors([each.text for each in heard[0]], texts).rate,
        "transcribed_words": scaling[DOUBLINGS]["words"],
        "scaling": scaling,
        "pruning": [scaling[-1], *pruning],
    }
    files.write(options.out, json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
