"""What does each trick buy, and what do more hours of speech? Trains one small network again and again.

    python benchmarks/ladder.py tricks TRAIN... --valid VALID --start MODEL --run DIR --heard 36
    python benchmarks/ladder.py hours  TRAIN... --valid VALID --start MODEL --run DIR --heard 48

tricks: the same two hours of TRAIN every time, with one trick more from rung to rung.
hours:  the whole recipe on a quarter, a half and all of TRAIN.

Within a study every run hears the same amount of audio (--heard hours, however often that goes through its speech), so
all take the same time. MODEL is a network of the `fast` profile, `runs/06-fast/best.keras` for one: beginning where
notebook 06 ends, no run spends half its time on finding the first letters. Killed, a study goes on where it was.
DIR/tricks.json and DIR/hours.json hold each finished run's history; kept as `benchmarks/ladder_tricks.json` and
`benchmarks/ladder_hours.json`, they are what notebook 06 draws.
"""

import argparse
import hashlib
import json
from dataclasses import replace
from pathlib import Path

from asr_helpers import files
from asr_helpers.pipeline import Speech, load_speech
from asr_helpers.training import PROFILES, Profile, train

# Utterances of real speech are long: batches of 80 s keep both cores busy.
RECIPE = replace(PROFILES["fast"], batch_seconds=80, learning_rate=2e-3, average=2, second=0, smooth=0)
BARE = replace(RECIPE, plateau=True, spec_augment=None, augmenter=None, average=1)
TRICKS = {  # what each rung adds to the one before
    "dropout, plateau": {},
    "+ warm-up, decay": {"plateau": False},
    "+ SpecAugment": {"spec_augment": RECIPE.spec_augment},
    "+ Augmenter": {"augmenter": RECIPE.augmenter},
    "+ averaging": {"average": RECIPE.average},
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
        part, profile, planned = subset(speech, SUBSET_HOURS), BARE, {}
        for name, trick in TRICKS.items():
            profile = replace(profile, **trick)
            planned[name] = (part, profile)
        return planned
    parts = [subset(speech, speech.seconds / 3600 * share) for share in SHARES]
    return {f"{part.seconds / 3600:.1f} h": (part, RECIPE) for part in parts}


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
    result = []
    for number, (name, (part, profile)) in enumerate(runs(options.study, speech).items(), 1):
        print(f"\n{name}: {part.summary()}", flush=True)
        folder = options.run / f"{options.study}-{number}"
        history = train(
            part,
            valid,
            folder,
            replace(profile, epochs=max(1, round(options.heard * 3600 / part.seconds))),
            resume=(folder / "state.json").exists(),
            start=options.start,
            sentences=1,
        )
        row = {"run": name, "hours": round(part.seconds / 3600, 2), "history": history}
        result.append(row)
        kept = json.dumps({"train": speech.name, "valid": valid.name, "runs": result}, indent=1)
        files.write(options.run / f"{options.study}.json", kept)


if __name__ == "__main__":
    main()
