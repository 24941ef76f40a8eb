"""How does calibration affect the full-int8 model: how many utterances, and which?

    python benchmarks/calibration.py MODEL --calibrate CORPUS --test CORPUS [--limit N] [--json]

Converts MODEL with 1, 10, 100 and 300 utterances of the training corpus, with 100 augmented as in training, and with
100 clips of white noise. Each result is compared with the float model on N utterances of the test corpus, spread over
all speakers. Prints a table, or with --json one object; as `benchmarks/calibration.json`, notebook 08 draws it:

    python benchmarks/calibration.py data/models/crnn.keras --calibrate LibriSpeech/train-clean-100 \\
        --test LibriSpeech/dev-clean-valid --limit 80 --json > benchmarks/calibration.json.part
    mv benchmarks/calibration.json.part benchmarks/calibration.json
"""

import json
import tempfile
from pathlib import Path

import numpy as np
from common import arguments
from tqdm.auto import tqdm

from asr_helpers.corpus import load_corpus
from asr_helpers.export import op_report, quantize
from asr_helpers.recognizer import Recognizer
from asr_helpers.sound import SAMPLE_RATE, Augmenter, features, read_audio
from asr_helpers.words import ErrorRate, greedy, paired_difference, word_errors

CONDITIONS = (("clean", 1), ("clean", 10), ("clean", 100), ("clean", 300), ("augmented", 100), ("noise", 100))
INT8, FLOAT = "crnn.int8.tflite", "crnn.float32.onnx"


def spread(utterances: list, count: int) -> list:
    """Return `count` utterances at equal distances."""
    return [utterances[place] for place in np.linspace(0, len(utterances) - 1, count).astype(int)]


def calibration_set(kind: str, count: int, utterances: list) -> list[np.ndarray]:
    """Return the features of calibration clips, each (frames, 80).

    Args:
        kind: "clean", "augmented" or "noise".
        count: how many clips.
        utterances: of the training corpus.
    """
    rng = np.random.default_rng(0)
    if kind == "noise":
        return [features(0.1 * rng.standard_normal(10 * SAMPLE_RATE, np.float32)) for _ in range(count)]
    clips = (read_audio(utterance.path) for utterance in spread(utterances, count))
    augment = Augmenter()
    return [features(augment(clip, rng) if kind == "augmented" else clip) for clip in clips]


def labels_and_errors(model: Path, spectrograms: list[np.ndarray], texts: list[str]) -> tuple[np.ndarray, ErrorRate]:
    """Return the most probable label of every frame, (all frames,), and the word errors."""
    recognizer = Recognizer.load(model)
    log_probs = [recognizer.log_probs(each) for each in spectrograms]
    errors = word_errors(texts, [greedy(each) for each in log_probs])
    return np.concatenate([each.argmax(axis=-1) for each in log_probs]), errors


def measure(model: Path, training: Path, test: Path, limit: int) -> dict:
    """Return the result: each way to calibrate, compared with the float model."""
    utterances = load_corpus(training).utterances
    tested = load_corpus(test).utterances
    tested = spread(tested, min(limit or len(tested), len(tested)))
    texts = [utterance.text for utterance in tested]
    spectrograms = [features(read_audio(utterance.path)) for utterance in tested]
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        quantize(model, work, calibration_set("clean", 1, utterances), (FLOAT,))
        labels, floating = labels_and_errors(work / FLOAT, spectrograms, texts)
        for kind, count in tqdm(CONDITIONS, unit="model"):
            quantize(model, work, calibration_set(kind, count, utterances), (INT8,))
            mine, errors = labels_and_errors(work / INT8, spectrograms, texts)
            change, interval = paired_difference(floating, errors)
            rows.append(
                {
                    "calibration": kind,
                    "utterances": count,
                    "input_scale": op_report(work / INT8)["input"]["scale"],
                    "frame_agreement": float(np.mean(mine == labels)),
                    "wer": errors.rate,
                    "wer_change": change,
                    "wer_change_ci95": list(interval),
                }
            )
    corpora = {"calibrated_on": training.name, "tested_on": test.name, "utterances": len(tested)}
    return {**corpora, "frames": len(labels), "wer_float": floating.rate, "rows": rows}


def main() -> None:
    parser = arguments(__doc__, __file__, "json")
    parser.add_argument("model", metavar="MODEL", type=Path)
    parser.add_argument("--calibrate", metavar="CORPUS", type=Path, required=True)
    parser.add_argument("--test", metavar="CORPUS", type=Path, required=True)
    parser.add_argument("--limit", metavar="N", type=int, default=0, help="default: all utterances")
    options = parser.parse_args()
    found = measure(options.model, options.calibrate, options.test, options.limit)
    if options.json:
        print(json.dumps(found, indent=1))
        return
    print(f"{found['utterances']} utterances of {found['tested_on']}; float: WER {found['wer_float']:.1%}")
    for row in found["rows"]:
        low, high = row["wer_change_ci95"]
        print(
            f"{row['utterances']:4} {row['calibration']:10} same frames {row['frame_agreement']:6.1%}, WER change "
            f"{100 * row['wer_change']:+.2f} points (95 %: {100 * low:+.2f} to {100 * high:+.2f})"
        )


if __name__ == "__main__":
    main()
