"""What does more text buy a language model, and what does pruning cost it?

    python benchmarks/lm_scaling.py MODEL --report CORPUS --text TRANSCRIPTS BOOKS... [--out FILE]

The amount of text is doubled again and again, in random order: first of TRANSCRIPTS, then of BOOKS. Each model is
estimated like the shipped one (at most 60 000 words and 2 million n-grams) and decodes the held-out CORPUS with the
shipped settings. The JSON holds the share of CORPUS's words that are unknown to each model, its perplexity (unknown
words count as <unk>) and the word error rate; then the same for the last model, pruned step by step. Notebook A3 draws
it.
"""

import json
import random
import tempfile
from collections.abc import Iterator
from pathlib import Path

from common import arguments, listen
from tqdm import tqdm

from asr_helpers.system import files
from asr_helpers.words import (
    BEAM_WIDTH,
    LETTER_BONUS,
    WEIGHT,
    WORD_BONUS,
    FastBeamSearch,
    KneserNey,
    best_text,
    greedy,
    read_sentences,
    word_errors,
)

VOCABULARY, KEEP = 60_000, 2_000_000
DOUBLINGS = 6  # from the first part to all transcripts
PRUNED = (1_000_000, 500_000, 250_000, 125_000)


def parts(transcripts: Path, books: list[Path]) -> Iterator[tuple[int, list[str]]]:
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


def measure(model: KneserNey, utterances: list, outputs: list) -> dict:
    """Return size, perplexity and word error rate of one model."""
    references = [each.text for each in utterances]
    spoken = " ".join(references).split()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.arpa.gz")
        model.write(path)
        size = path.stat().st_size
        search = best_text(FastBeamSearch(path))
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
    parser = arguments(__doc__, __file__, "out")
    parser.add_argument("model", type=Path)
    parser.add_argument("--report", type=Path, required=True, metavar="CORPUS")
    parser.add_argument("--text", type=Path, nargs="+", required=True)
    options = parser.parse_args()

    heard = listen(options.model, options.report, None)
    scaling, pruning = [], []
    for words, sentences in tqdm(parts(options.text[0], options.text[1:]), "doubling"):
        model = KneserNey.of(sentences, vocabulary=VOCABULARY, keep=KEEP)
        scaling.append({"words": words} | measure(model, *heard))
        print(scaling[-1], flush=True)
    for keep in PRUNED:
        model.prune(keep)
        pruning.append(measure(model, *heard))
        print(pruning[-1], flush=True)
    texts = [greedy(each) for each in heard[1]]
    result = {
        "corpus": options.report.name,
        "utterances": len(texts),
        "settings": {"width": BEAM_WIDTH, "weight": WEIGHT, "word_bonus": WORD_BONUS, "letter_bonus": LETTER_BONUS},
        "greedy_wer": word_errors([each.text for each in heard[0]], texts).rate,
        "transcribed_words": scaling[DOUBLINGS]["words"],
        "scaling": scaling,
        "pruning": [scaling[-1], *pruning],
    }
    files.write(options.out, json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
