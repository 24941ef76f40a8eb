"""How small may the page's language model be?

    python benchmarks/lm_sizes.py MODEL CORPUS... [--lm FILE] [--megabytes X...] [--steps N] [--beside FILE...] [--json]

The language model is pruned to each size and rounded to `--steps`, as `asr_helpers.words.prune` does. Each of these
decodes the corpora with the shipped settings; its word error rate stands beside that of the whole model, with the
paired difference in points and its 95 % interval. The page's size was chosen on dev-clean-tune. `--beside` names other
packed models, of more words, longer n-grams or more of them, to compare as they are instead of the pruned ones.
"""

import json
import tempfile
from pathlib import Path

from common import arguments, listen
from tqdm import tqdm

from asr_helpers.words import (
    FastBeamSearch,
    best_text,
    pack,
    paired_difference,
    prune,
    read_trie,
    shipped_lm,
    word_errors,
)
from asr_helpers.words.packed import unpack

MEGABYTES = (2.5, 1.8, 1.4, 1.0, 0.5)


def main() -> None:
    parser = arguments(__doc__, __file__, "json")
    parser.add_argument("model", type=Path)
    parser.add_argument("corpora", metavar="CORPUS", type=Path, nargs="+")
    parser.add_argument("--lm", type=Path, default=shipped_lm())
    parser.add_argument("--megabytes", type=float, nargs="+", default=MEGABYTES)
    parser.add_argument("--steps", type=int, default=32)
    parser.add_argument("--beside", metavar="FILE", type=Path, nargs="+", default=[])
    options = parser.parse_args()

    files = {"whole": options.lm.read_bytes()}
    if options.beside:
        files.update((path.name, path.read_bytes()) for path in options.beside)
    else:
        whole = read_trie(options.lm)
        files[f"whole, {options.steps} steps"] = pack(whole, options.steps)
        for megabytes in tqdm(options.megabytes, "pruning", unit="size"):
            files[f"{megabytes} MB"] = prune(whole, megabytes, options.steps)
    rows = {name: {"bytes": len(content), "n_grams": len(unpack(content))} for name, content in files.items()}
    for corpus in options.corpora:
        utterances, outputs = listen(options.model, corpus, None)
        errors = {}
        for name, content in tqdm(files.items(), corpus.name, unit="size"):
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder, "model.lm")
                path.write_bytes(content)
                search = best_text(FastBeamSearch(path))
            errors[name] = word_errors([each.text for each in utterances], [search(each) for each in outputs])
            difference, (low, high) = paired_difference(errors["whole"], errors[name])
            rows[name][corpus.name] = {"wer": errors[name].rate, "difference": difference, "ci95": [low, high]}
    if options.json:
        print(json.dumps({"model": options.model.name, "lm": options.lm.name, "rows": rows}))
        return
    for name, row in rows.items():
        rates = [
            f"{corpus.name} {100 * found['wer']:.2f} ({100 * found['difference']:+.2f}: "
            f"{100 * found['ci95'][0]:+.2f} to {100 * found['ci95'][1]:+.2f})"
            for corpus in options.corpora
            for found in [row[corpus.name]]
        ]
        print(f"{name:18} {row['bytes'] / 1e6:5.2f} MB {row['n_grams']:9,} n-grams", *rates, sep=" | ")


if __name__ == "__main__":
    main()
