"""What does each trick buy, and what do more hours of speech? Trains one network again and again.

    python benchmarks/ladder.py tricks TRAIN... --valid VALID --start MODEL --run DIR --heard 8
    python benchmarks/ladder.py hours  TRAIN... --valid VALID --start MODEL --run DIR --heard 48

tricks: the real network goes on from MODEL, which `workshop` trained, with two hours of TRAIN: the same every time.
hours:  a small network on a quarter, a half and all of TRAIN; MODEL is `runs/06-fast/best.keras` for one: then no run
        spends half its time on finding the first letters.

Within a study every run hears the same amount of audio (--heard hours, however often that goes through its speech; who
hears each clip twice goes through it half as often), so all take the same time. Killed, a study goes on where it was.
DIR/tricks.json and DIR/hours.json hold each finished run's history, error rates also with the shipped language model,
and what it hears of three sentences; kept as `benchmarks/ladder_tricks.json` and `benchmarks/ladder_hours.json`, they
are what notebook 06 draws.
"""

import argparse
import hashlib
import json
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np

from asr_helpers import decoding, files
from asr_helpers.augment import SpecAugment
from asr_helpers.corpus import read_audio
from asr_helpers.features import features
from asr_helpers.metrics import character_errors, word_errors
from asr_helpers.pipeline import Speech, batches_per_epoch, load_speech
from asr_helpers.recognizer import Recognizer
from asr_helpers.training import PROFILES, Profile, WarmUpAndDecay, train


class WeightNoise(keras.callbacks.Callback):
    """Every step is made a little beside where the weights are: what needs them exact does not last (Graves 2011)."""

    def __init__(self, deviation: float = 0.01):
        super().__init__()
        self.deviation, self.rng = deviation, np.random.default_rng(0)

    def on_train_batch_begin(self, batch, logs=None):
        kernels = [weights for weights in self.model.trainable_variables if len(weights.shape) > 1]
        self.moved = [
            (weights, self.deviation * self.rng.standard_normal(weights.shape, np.float32))
            for weights in kernels
        ]
        for weights, noise in self.moved:
            weights.assign_add(noise)

    def on_train_batch_end(self, batch, logs=None):
        for weights, noise in self.moved:
            weights.assign_sub(noise)


class HighRate(WarmUpAndDecay):
    """The learning rate warms up and stays."""

    def on_train_batch_begin(self, batch, logs=None):
        done = int(self.model.optimizer.iterations) / self.steps
        self.model.optimizer.learning_rate = self.peak * min(1, (done + 1e-3) * 20)


# Utterances of real speech are long: batches of 80 s keep both cores busy.
SMALL = replace(PROFILES["fast"], batch_seconds=80, learning_rate=2e-3, average=2, second=0, smooth=0)
PLAIN = replace(PROFILES["workshop"], batch_seconds=80, learning_rate=1e-3, average=1)
HEAVY = SpecAugment(time_masks=5, time_share=0.25)
TWICE = {"consistent": 0.2, "batch_seconds": PLAIN.batch_seconds / 2}  # as much audio in a batch
TRICKS = {  # the first three are steps of one way; each of the others is added to the third, alone
    "nothing": {"spec_augment": None, "augmenter": None},
    "SpecAugment": {"augmenter": None},
    "SpecAugment, Augmenter": {},
    "… dropout 0.2, five masks": {"dropout": 0.2, "spec_augment": HEAVY},
    "… noise on the weights": {},
    "… a second output": {"second": 0.3},
    "… smoothed posteriors": {"smooth": 0.2},
    "… two views that agree": TWICE,
    "… a high rate, averaged": {"average": 3},
    "… heavy masks, two views": {"dropout": 0.2, "spec_augment": HEAVY, **TWICE},
    "… spliced": {},
}
SUBSET_HOURS = 2
SHARES = (1 / 4, 1 / 2, 1)


def subset(speech: Speech, hours: float) -> Speech:
    """Return `hours` of `speech`: always the same utterances, strewn over all speakers by a hash of their names."""
    by_hash = sorted(speech.utterances, key=lambda clip: hashlib.md5(clip.id.encode()).digest())
    chosen, seconds = [], 0.0
    for clip in by_hash:
        if seconds + clip.seconds <= hours * 3600:
            chosen.append(clip)
            seconds += clip.seconds
    return replace(speech, name=f"{hours:.1f} h of {speech.name}", utterances=chosen, dropped=[])


def runs(study: str, speech: Speech) -> dict[str, tuple[Speech, Profile]]:
    """Return each run of a study: its name, its speech, its recipe."""
    if study == "tricks":
        part = subset(speech, SUBSET_HOURS)
        return {name: (part, replace(PLAIN, **trick)) for name, trick in TRICKS.items()}
    parts = [subset(speech, speech.seconds / 3600 * share) for share in SHARES]
    return {f"{part.seconds / 3600:.1f} h": (part, SMALL) for part in parts}


def callbacks(name: str, profile: Profile, steps: int) -> list[keras.callbacks.Callback]:
    """Return what a run of this name needs beside its profile."""
    if name == "… noise on the weights":
        return [WeightNoise()]
    if name == "… a high rate, averaged":
        return [HighRate(profile.learning_rate, steps)]
    return []


def measure(path: Path, valid: Speech, search) -> dict:
    """Return a model's error rates, greedily and with the language model, and what it hears of three sentences."""
    model, clips = Recognizer.load(path), valid.utterances
    outputs = [model.log_probs(features(read_audio(clip.path))) for clip in clips]
    texts, result = [clip.text for clip in clips], {}
    for name, decode in {"greedy": decoding.greedy, "lm": search}.items():
        heard = [decode(each) for each in outputs]
        result[name] = {"wer": word_errors(texts, heard).rate, "cer": character_errors(texts, heard).rate}
        result[name]["errors"] = word_errors(texts, heard).errors.tolist()
        result[name]["heard"] = heard[:: len(heard) // 3][:3]
    return result | {"said": texts[:: len(texts) // 3][:3]}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("study", choices=["tricks", "hours"])
    parser.add_argument("train", metavar="TRAIN", type=Path, nargs="+")
    parser.add_argument("--valid", type=Path, required=True)
    parser.add_argument("--start", metavar="MODEL", type=Path, required=True)
    parser.add_argument("--run", metavar="DIR", type=Path, required=True)
    parser.add_argument("--heard", metavar="HOURS", type=float, required=True, help="of audio in each run")
    options = parser.parse_args()
    speech, valid = load_speech(*options.train), load_speech(options.valid)
    if speech.shards:
        parser.error(
            f"{options.train[0]}: is a folder of records, heard whole; name the corpus it was made of"
        )
    search = decoding.best_text(decoding.FastBeamSearch(decoding.shipped_lm()))
    result = []
    if options.study == "tricks":
        result.append({"run": "before", "hours": 0, **measure(options.start, valid, search)})
    for number, (name, (part, profile)) in enumerate(runs(options.study, speech).items(), 1):
        print(f"\n{name}: {part.summary()}", flush=True)
        folder = options.run / f"{options.study}-{number}"
        views = 2 if profile.consistent else 1
        profile = replace(profile, epochs=max(1, round(options.heard * 3600 / part.seconds / views)))
        steps = profile.epochs * batches_per_epoch(part, profile.batch_seconds)
        history = train(
            part,
            valid,
            folder,
            profile,
            resume=(folder / "state.json").exists(),
            start=options.start,
            splice=options.start if name == "… spliced" else None,
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
