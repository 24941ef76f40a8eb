"""Can Whisper teach our network from speech without transcripts? Needs the extra `whisper`.

    python benchmarks/distil.py TRAIN... --valid VALID --start MODEL --run DIR [--hours 0.1667 2] [--out FILE]

Two hours of TRAIN are used; only ten minutes keep their transcripts. The small CRNN starts from MODEL, a network of
the profile `fast` that knows the harbour radio only (such as `runs/06-fast/best.keras`), and learns

- `labels`: from the ten minutes alone;
- `texts`: also from Whisper tiny.en's transcripts of the rest, without suspicious ones;
- `posteriors`: also, frame by frame, from the posteriors of a head on Whisper's encoder: the three convolutions of
  `take_over.py`, trained on the ten minutes;
- `truth`: also from the hidden transcripts, the upper bound of any teacher.

All take the same number of steps with batches of the same size. Each network is measured greedily on VALID and on
data/real; differences are paired with `labels`. Results that FILE already holds are not computed again. Whisper's
outputs are cached in DIR, which may be that of `take_over.py`. Notebook 10 draws `benchmarks/distil.json`.
"""

import json
import time
from dataclasses import replace
from itertools import groupby
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from common import Batch, arguments, batches, hear, in_turns, of_any_length, pairs, planned, subset
from pretrained import whisper_tiny_en
from take_over import train_head
from tqdm import tqdm

from asr_helpers.batches import load_speech
from asr_helpers.corpus import Utterance, data_dir, load_corpus
from asr_helpers.network import ctc_loss
from asr_helpers.own_data import spoken
from asr_helpers.pretrained import whisper
from asr_helpers.sound import MELS, features, output_frames, read_audio
from asr_helpers.system import files
from asr_helpers.text import ENGLISH
from asr_helpers.training import PROFILES, new_model
from asr_helpers.words import character_errors, greedy_decoding, min_frames, paired_difference, word_errors

STEPS, BATCH_FRAMES, RATE = 1500, 500, 1e-3  # a batch is 20 s
LETTERS_PER_SECOND = (5, 25)  # of plausible speech


def written(clips: list, kept: Path) -> dict[str, str]:
    """Return {id: Whisper tiny.en's transcript}, cached in the file `kept`."""
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
    """Return whether nobody can have said `text` in `seconds`, or CTC cannot spell it."""
    repeats = max((len(list(same)) for _, same in groupby(text.split())), default=0)
    low, high = LETTERS_PER_SECOND
    if set(text) - set(ENGLISH.characters) or repeats > 3 or not low < len(text) / seconds < high:
        return True
    return min_frames(ENGLISH.encode(text)) > output_frames(int(100 * seconds))


def learn(start: Path, lessons: list[Batch]) -> keras.Model:
    """Return the network that starts from the file `start`, after STEPS batches."""
    keras.utils.set_random_seed(1)
    model = new_model(PROFILES["fast"], start)
    optimizer = planned(STEPS, RATE)
    optimizer.build(model.trainable_variables)

    def step(arrays, targets):
        spectrograms = tf.reshape(arrays[..., : 4 * MELS], (tf.shape(arrays)[0], -1, MELS, 1))
        with tf.GradientTape() as tape:
            logits = model(spectrograms, training=True)
            taught = arrays.shape[-1] > 4 * MELS
            loss = divergence(targets, arrays[..., 4 * MELS :], logits) if taught else ctc_loss(targets, logits)
            loss = tf.reduce_mean(loss)
        optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)

    def graph(width):
        signature = [tf.TensorSpec((None, None, width)), tf.TensorSpec((None, None), tf.int32)]
        return tf.function(step, signature, autograph=False)

    graphs = {width: graph(width) for width in {arrays.shape[-1] for arrays, _ in lessons}}
    for arrays, targets in in_turns(lessons, STEPS):
        graphs[arrays.shape[-1]](arrays, targets)
    return model


def divergence(targets: tf.Tensor, posteriors: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    """Return the KL divergence of the network from its teacher, (batch,), in nats per character.

    Args:
        targets: of `pack_targets`, (batch, 1 + characters).
        posteriors: the teacher's, (batch, frames, classes).
        logits: the network's, (batch, frames, classes).
    """
    log_probs = tf.nn.log_softmax(logits)
    each = tf.reduce_sum(posteriors * (tf.math.log(posteriors + 1e-10) - log_probs), axis=-1)
    own = tf.sequence_mask(targets[:, 0], tf.shape(each)[1], each.dtype)
    letters = tf.reduce_sum(tf.cast(targets[:, 1:] >= 0, each.dtype), axis=1)
    return tf.reduce_sum(each * own, axis=1) / letters


def in_fours(clip: Utterance) -> np.ndarray:
    """Return the features of a clip, four frames joined, (model frames, 4 * 80)."""
    frames = features(read_audio(clip.path))
    return frames[: 4 * output_frames(len(frames))].reshape(-1, 4 * MELS)


def lessons_of(clips: list, inputs: dict[str, np.ndarray]) -> list[Batch]:
    """Return batches of clips, padded with 0, which the CRNN recognises as padding."""
    made = batches(clips, inputs, BATCH_FRAMES)
    for arrays, targets in made:
        for row, (frames, *_) in zip(arrays, targets, strict=True):
            row[frames:] = 0
    return made


def taught(clips: list, inputs: dict[str, np.ndarray], head: keras.Model, heard: dict[str, np.ndarray]) -> list:
    """Return batches of clips that hold the teacher's posteriors beside the features, and its transcripts as texts.

    Args:
        clips: to be taught.
        inputs: {id: features, (model frames, 4 * 80)}.
        head: the teacher's head.
        heard: {id: the encoder's output, (frames, values)}.
    """
    spell, both, read = of_any_length(head), {}, []
    for clip in clips:
        posteriors = tf.nn.softmax(spell(pairs(heard[clip.id])[None].astype(np.float32)))[0].numpy()
        text = greedy_decoding.greedy(np.log(posteriors + 1e-10))
        frames = min(len(posteriors), len(inputs[clip.id]))
        both[clip.id] = np.concatenate([inputs[clip.id][:frames], posteriors[:frames]], axis=1)
        if text:
            read.append(replace(clip, text=text))
    return lessons_of(read, both)


def main() -> None:
    parser = arguments(__doc__, __file__, "train", "valid", "start", "run", "out")
    parser.add_argument("--hours", type=float, nargs=2, default=[1 / 6, 2], help="with transcripts; in all")
    options = parser.parse_args()
    result = json.loads(options.out.read_text()) if options.out.exists() else {"runs": []}

    tests = {each.name: load_corpus(each).utterances for each in (options.valid, data_dir() / "real")}
    speech = load_speech(*options.train)
    first, everything = (subset(speech, hours).utterances for hours in options.hours)
    known = {clip.id for clip in first}
    hidden = [clip for clip in everything if clip.id not in known]
    inputs = {clip.id: in_fours(clip) for clip in tqdm([*first, *hidden], "features")}
    labelled = lessons_of(first, inputs)

    def transcribed() -> list[Batch]:
        written_texts = written(hidden, options.run / "written.json")
        kept = [
            replace(clip, text=written_texts[clip.id])
            for clip in hidden
            if not suspicious(written_texts[clip.id], clip.seconds)
        ]
        truth = {clip.id: clip.text for clip in hidden}
        errors = word_errors([truth[clip.id] for clip in kept], [clip.text for clip in kept])
        result["written"] = {"clips": len(hidden), "kept": len(kept), "wer": errors.rate}
        return labelled + lessons_of(kept, inputs)

    def posteriors() -> list[Batch]:
        encoder = whisper.build_encoder(whisper.read_weights(whisper.tiny_en() / "model.bin"))
        heard = hear(encoder, [*first, *hidden], options.run / "taught.npz")
        part = replace(speech, utterances=first)
        head = train_head("convolutions", {name: pairs(each) for name, each in heard.items()}, part)
        return labelled + taught(hidden, inputs, head, heard)

    ways = {
        "labels": lambda: labelled,
        "texts": transcribed,
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
            run["texts"][name] = [greedy_decoding.greedy(each) for each in logits]
        result["runs"].append(run)
        score(result["runs"], tests)
        print(way, run["tests"], flush=True)
        result |= {"train": speech.name, "valid": options.valid.name, "steps": STEPS, "hours": options.hours}
        files.write(options.out, json.dumps(result, indent=1) + "\n")


def score(runs: list[dict], tests: dict[str, list]) -> None:
    """Add to each run its error rates and their differences from those of the first run."""
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
