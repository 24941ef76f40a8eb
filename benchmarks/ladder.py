"""What does each trick buy, and what do more hours of speech? Trains one network again and again.

    python benchmarks/ladder.py tricks TRAIN... --valid VALID --start MODEL --run DIR --heard 8
    python benchmarks/ladder.py hours  TRAIN... --valid VALID --start MODEL --run DIR --heard 48

tricks: the real network, starting from MODEL (trained in the profile `workshop`), on the same two hours of TRAIN.
hours:  a small network on a quarter, a half and all of TRAIN. MODEL may be `runs/06-fast/best.keras`: then no run
        spends half its time on the first letters.

Within a study every run trains on the same amount of audio (--heard hours, whatever the number of epochs; two views of
a clip count twice), so all take the same time. A killed study resumes. DIR/tricks.json and DIR/hours.json hold the
history of each finished run, its error rates (also with the shipped language model) and its transcripts of three
sentences. Appendix A2 draws them as `benchmarks/ladder_tricks.json` and `benchmarks/ladder_hours.json`.
"""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
from common import arguments, subset

from asr_helpers.batches import Speech, batches_per_epoch, load_speech
from asr_helpers.recognizer import Recognizer
from asr_helpers.sound import SpecAugment, features, read_audio
from asr_helpers.system import files
from asr_helpers.training import PROFILES, Profile, WarmUpAndDecay, train, trapezoid
from asr_helpers.words import FastBeamSearch, best_text, character_errors, greedy, shipped_lm, word_errors


class WeightNoise(keras.callbacks.Callback):
    """Adds Gaussian noise to the weights during each step, which favours flat minima (Graves 2011)."""

    def __init__(self, deviation: float = 0.01):
        super().__init__()
        self.deviation, self.rng = deviation, np.random.default_rng(0)

    def on_train_batch_begin(self, batch, logs=None):
        kernels = [weights for weights in self.model.trainable_variables if len(weights.shape) > 1]
        self.moved = [
            (weights, self.deviation * self.rng.standard_normal(weights.shape, np.float32)) for weights in kernels
        ]
        for weights, noise in self.moved:
            weights.assign_add(noise)

    def on_train_batch_end(self, batch, logs=None):
        for weights, noise in self.moved:
            weights.assign_sub(noise)


class HighRate(WarmUpAndDecay):
    """The learning rate warms up and then stays constant."""

    def on_train_batch_begin(self, batch, logs=None):
        done = int(self.model.optimizer.iterations) / self.steps
        self.model.optimizer.learning_rate = self.peak * trapezoid(min(done, 0.5))  # never falls


# Utterances of real speech are long: batches of 80 s keep both cores busy.
SMALL = replace(
    PROFILES["fast"],
    batch_seconds=80,
    learning_rate=2e-3,
    averaged_epochs=2,
    intermediate_weight=0,
    smoothness_weight=0,
)
PLAIN = replace(PROFILES["workshop"], batch_seconds=80, learning_rate=1e-3, averaged_epochs=1)
HEAVY = SpecAugment(time_masks=5, time_share=0.25)
TWICE = {"consistency_weight": 0.2, "batch_seconds": PLAIN.batch_seconds / 2}  # the same audio in a batch
TRICKS = {  # the first three build on each other; each of the others is added to the third alone
    "nothing": {"spec_augment": None, "augmenter": None},
    "SpecAugment": {"augmenter": None},
    "SpecAugment, Augmenter": {},
    "… dropout 0.2, five masks": {"dropout": 0.2, "spec_augment": HEAVY},
    "… noise on the weights": {},
    "… a second output": {"intermediate_weight": 0.3},
    "… smoothed posteriors": {"smoothness_weight": 0.2},
    "… two views that agree": TWICE,
    "… a high rate, averaged": {"averaged_epochs": 3},
    "… heavy masks, two views": {"dropout": 0.2, "spec_augment": HEAVY, **TWICE},
    "… spliced": {},
}
SUBSET_HOURS = 2
SHARES = (1 / 4, 1 / 2, 1)


def runs(study: str, speech: Speech) -> dict[str, tuple[Speech, Profile]]:
    """Return {name of a run: (its speech, its profile)} of a study."""
    if study == "tricks":
        part = subset(speech, SUBSET_HOURS)
        return {name: (part, replace(PLAIN, **trick)) for name, trick in TRICKS.items()}
    parts = [subset(speech, speech.seconds / 3600 * share) for share in SHARES]
    return {f"{part.seconds / 3600:.1f} h": (part, SMALL) for part in parts}


def callbacks(name: str, profile: Profile, steps: int) -> list[keras.callbacks.Callback]:
    """Return the callbacks of the run `name`, which no profile expresses."""
    if name == "… noise on the weights":
        return [WeightNoise()]
    if name == "… a high rate, averaged":
        return [HighRate(profile.learning_rate, steps)]
    return []


def measure(path: Path, valid: Speech, search: Callable[[np.ndarray], str]) -> dict:
    """Return a model's error rates, greedily and by `search`, and its transcripts of three sentences."""
    model, clips = Recognizer.load(path), valid.utterances
    outputs = [model.log_probs(features(read_audio(clip.path))) for clip in clips]
    texts, result = [clip.text for clip in clips], {}
    for name, decode in {"greedy": greedy, "lm": search}.items():
        heard = [decode(each) for each in outputs]
        result[name] = {"wer": word_errors(texts, heard).rate, "cer": character_errors(texts, heard).rate}
        result[name]["errors"] = word_errors(texts, heard).errors.tolist()
        result[name]["heard"] = heard[:: len(heard) // 3][:3]
    return result | {"said": texts[:: len(texts) // 3][:3]}


def main() -> None:
    parser = arguments(__doc__, __file__, "valid", "start", "run")
    parser.add_argument("study", choices=["tricks", "hours"])
    parser.add_argument("train", metavar="TRAIN", type=Path, nargs="+")
    parser.add_argument("--heard", metavar="HOURS", type=float, required=True, help="of audio in each run")
    options = parser.parse_args()
    speech, valid = load_speech(*options.train), load_speech(options.valid)
    if speech.shards:
        parser.error(
            f"{options.train[0]}: is a folder of records, which has no subsets; name the corpus that it was made of"
        )
    search = best_text(FastBeamSearch(shipped_lm()))
    result = []
    if options.study == "tricks":
        result.append({"run": "before", "hours": 0, **measure(options.start, valid, search)})
    for number, (name, (part, profile)) in enumerate(runs(options.study, speech).items(), 1):
        print(f"\n{name}: {part.summary()}", flush=True)
        folder = options.run / f"{options.study}-{number}"
        views = 2 if profile.consistency_weight else 1
        profile = replace(profile, epochs=max(1, round(options.heard * 3600 / part.seconds / views)))
        steps = profile.epochs * batches_per_epoch(part, profile.batch_seconds)
        history = train(
            part,
            valid,
            folder,
            profile,
            resume=(folder / "state.json").exists(),
            start=options.start,
            splice=Recognizer.load(options.start).audio_log_probs if name == "… spliced" else None,
            sentences=1,
            callbacks=callbacks(name, profile, steps),
        )
        row = {"run": name, "hours": round(part.seconds / 3600, 2), "steps": steps, "history": history}
        result.append(row | measure(folder / "best.keras", valid, search))
        words = [len(clip.text.split()) for clip in valid.utterances]
        kept = {"train": speech.name, "valid": valid.name, "words": words, "runs": result}
        files.write(options.run / f"{options.study}.json", json.dumps(kept))


if __name__ == "__main__":
    main()
