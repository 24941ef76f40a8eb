"""What does another's pretraining buy? Letters spelt from Whisper's encoder, after ever more hours. Needs `whisper`.

    python benchmarks/take_over.py TRAIN... --valid VALID --run DIR [--hours 0.1667 1 5] [--out FILE]

The encoder of tiny.en hears each clip once, at its own length; what it makes of them is kept in DIR as float16 (139 MB
an hour). On pairs of its frames heads are trained with CTC:

- one layer, on each of the encoder's layers in turn, with an hour of TRAIN: which of them knows letters?
- one layer, and three convolutions, on nested subsets of TRAIN and on the harbour radio;
- for comparison the small CRNN, from random weights, for as much computing as the hour's convolutions took, the
  encoder's included;
- the hour's convolutions and the encoder, both learning: that hour once more, then the harbour radio.

Each is measured on VALID, on data/real and on test-mini, greedily and with the shipped language model. Whatever FILE
holds already is not done again. `benchmarks/take_over.json` is what notebook 10 draws.
"""

import argparse
import itertools
import json
import time
from functools import partial
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from ladder import subset
from tqdm import tqdm

from asr_helpers import decoding, files, whisper
from asr_helpers.corpus import data_dir, load_corpus, read_audio
from asr_helpers.ctc import ctc_loss, pack_targets
from asr_helpers.fast_lstm import has_bfloat16
from asr_helpers.features import HOP, MELS, features
from asr_helpers.metrics import word_errors
from asr_helpers.pipeline import Speech, load_speech, training_batches
from asr_helpers.text import ENGLISH
from asr_helpers.training import PROFILES, new_model

HEADS = ("one layer", "convolutions")
# How long each learns: a frame is 40 ms, so that a batch of 500 is 20 s of speech.
HEAD = {"steps": 1200, "batch_frames": 500, "rate": 2e-3}
UNFROZEN = {"steps": 240, "batch_frames": 500, "rate": 1e-4}
HARBOUR = {"steps": 80, "batch_frames": 500, "rate": 1e-4}
SCRATCH_SECONDS = (
    90  # of computing: what the encoder takes to hear an hour, and the convolutions to learn from it
)


def hear(encoder, clips: list, kept: Path) -> dict[str, np.ndarray]:
    """Return {id: float16 (frames, …)} of what the encoder makes of clips, a frame for 20 ms; kept in a file."""
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        listen = of_any_length(encoder)
        heard = {
            each.id: listen(mels(each)[None])[0].numpy().astype(np.float16) for each in tqdm(clips, kept.stem)
        }
        with files.whole(kept) as part, part.open("wb") as file:
            np.savez(file, **heard)
    with np.load(kept) as stored:
        return {each.id: stored[each.id] for each in clips}


def mels(clip) -> np.ndarray:
    """Return what Whisper hears of a clip, (4 n, 80): no more than the half minute that it has places for."""
    heard = whisper.log_mel(read_audio(clip.path)[: whisper.FRAMES * HOP], None)
    return heard[: len(heard) // 4 * 4]


def pairs(heard: np.ndarray) -> np.ndarray:
    """Return two neighbouring frames as one: 40 ms is enough to tell letters apart, and CTC takes half the time."""
    return heard[: len(heard) // 2 * 2].reshape(-1, 2 * heard.shape[1])


def batches(clips: list, inputs: dict[str, np.ndarray], most: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return (inputs, targets) of clips of like length, padded, of at most so many model frames."""
    apart = (
        4 if inputs[clips[0].id].shape[1] == MELS else 1
    )  # a spectrogram has four frames where a model has one
    made, group = [], []
    by_length = sorted(clips, key=lambda each: len(inputs[each.id]))
    for each, longer in zip(by_length, [*by_length[1:], None], strict=True):
        group.append(each)
        if longer is None or len(inputs[longer.id]) // apart * (len(group) + 1) > most:
            longest, arrays = len(inputs[each.id]), [inputs[clip.id] for clip in group]
            padded = [np.pad(array, [(0, longest - len(array)), (0, 0)], "edge") for array in arrays]
            labels = [ENGLISH.encode(clip.text) for clip in group]
            made.append((np.stack(padded), pack_targets(labels, [len(array) // apart for array in arrays])))
            group = []
    return made


def build_head(kind: str, mean: np.ndarray, variance: np.ndarray) -> keras.Model:
    """Return what is to learn to spell: one layer; or three convolutions, each of which looks 100 ms either way."""
    heard = keras.Input((None, len(mean)))
    x = keras.layers.Normalization(mean=mean, variance=variance)(heard)
    if kind == "one layer":
        return keras.Model(heard, keras.layers.Dense(29)(x))
    x = keras.layers.Dense(256, activation="relu")(keras.layers.Dropout(0.3)(x))
    for _ in range(2):
        y = keras.layers.Dropout(0.3)(keras.layers.LayerNormalization()(x))
        x = x + keras.layers.Conv1D(256, 5, padding="same", activation="relu")(y)
    x = keras.layers.Dropout(0.3)(keras.layers.LayerNormalization()(x))
    return keras.Model(heard, keras.layers.Conv1D(29, 5, padding="same")(x))


def planned(steps: int, rate: float) -> keras.optimizers.Adam:
    """Return an optimizer whose rate rises to `rate` and then falls to 0 in so many steps."""
    falling = keras.optimizers.schedules.CosineDecay(0.0, steps, warmup_target=rate, warmup_steps=steps // 20)
    return keras.optimizers.Adam(falling, global_clipnorm=1.0)


def in_turns(made: list, steps: int):
    """Yield so many of the batches, with a bar: pass after pass, in an order drawn anew for each."""
    rng = np.random.default_rng(0)
    order = [place for _ in range(-(-steps // len(made))) for place in rng.permutation(len(made))]
    for place in tqdm(order[:steps], leave=False):
        yield made[place]


def learn(model: keras.Model, inputs: dict[str, np.ndarray], settings: dict, speech: Speech) -> keras.Model:
    """Return the model, trained by `settings`."""
    steps = settings["steps"]
    model.compile(planned(steps, settings["rate"]), ctc_loss, jit_compile=False)
    made = batches(speech.utterances, inputs, settings["batch_frames"])
    for arrays, targets in in_turns(made, steps):
        model.train_on_batch(arrays.astype(np.float32), targets)
    return model


def train_head(kind: str, heard: dict[str, np.ndarray], speech: Speech) -> keras.Model:
    keras.utils.set_random_seed(0)
    sample = np.concatenate([heard[each.id] for each in speech.utterances[:200]]).astype(np.float32)
    return learn(build_head(kind, sample.mean(axis=0), sample.var(axis=0)), heard, HEAD, speech)


def whole(weights: dict[str, np.ndarray], head: keras.Model) -> keras.Model:
    """Return encoder and head as one model, from (batch, 4 n, 80) to (batch, n, 29), which learns as a whole."""
    if has_bfloat16():  # the Transformer's products; a third less time
        keras.config.set_dtype_policy("mixed_bfloat16")
    encoder = whisper.build_encoder(weights)
    keras.config.set_dtype_policy("float32")
    x = keras.ops.cast(encoder.output, "float32")
    return keras.Model(encoder.input, head(keras.layers.Reshape((-1, head.input_shape[-1]))(x)))


class ByTheClock(keras.callbacks.Callback):
    """Stops after so many seconds of computing; the learning rate falls from its peak to 0 as they pass."""

    def __init__(self, seconds: float, peak: float):
        super().__init__()
        self.seconds, self.peak, self.start = seconds, peak, time.process_time()

    def on_train_batch_begin(self, batch, logs=None):
        passed = (time.process_time() - self.start) / self.seconds
        self.model.stop_training = passed >= 1
        self.model.optimizer.learning_rate = self.peak * max(
            0.002, min(1, 20 * passed + 0.01, 2 - 2 * passed)
        )


def train_crnn(speech: Speech) -> keras.Model:
    """Return the small network of the `fast` profile from random weights, after SCRATCH_SECONDS of computing."""
    keras.utils.set_random_seed(1)
    profile = PROFILES["fast"]
    model = new_model(profile)
    stream = training_batches(speech, 40, spec_augment=profile.spec_augment)
    clock = ByTheClock(SCRATCH_SECONDS, profile.learning_rate)
    model.fit(stream, epochs=1, steps_per_epoch=10**6, callbacks=[clock], verbose=0)
    return model


def of_any_length(model: keras.Model):
    """Return the model as a graph that is built once, and not for each length anew."""
    signature = [tf.TensorSpec(model.input_shape)]
    return tf.function(lambda x: model(x, training=False), signature, autograph=False)


def measure(model: keras.Model, clips: list, inputs, decoders: dict) -> dict:
    """Return the word errors on clips by each decoder; `inputs` holds what the model takes, by the clip's name."""
    spell, texts = of_any_length(model), [each.text for each in clips]
    logits = [spell(inputs[each.id][None].astype(np.float32))[0].numpy() for each in clips]
    outputs = [each - np.logaddexp.reduce(each, axis=-1, keepdims=True) for each in logits]
    rates = {}
    for name, decode in decoders.items():
        errors = word_errors(texts, [decode(each) for each in outputs])
        rates[name] = {"wer": errors.rate, "wer_ci95": errors.interval()}
    return rates


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("train", nargs="+", type=Path)
    parser.add_argument("--valid", type=Path, required=True)
    parser.add_argument("--run", metavar="DIR", type=Path, required=True)
    parser.add_argument("--hours", type=float, nargs="+", default=[1 / 6, 1, 5])
    parser.add_argument("--out", type=Path, default=Path(__file__).with_suffix(".json"))
    options = parser.parse_args()

    mini = data_dir() / "mini"
    tests = {
        each.name: load_corpus(each).utterances
        for each in (options.valid, data_dir() / "real", mini / "test-mini")
    }
    decoders = {
        "greedy": decoding.greedy,
        "lm": decoding.best_text(decoding.FastBeamSearch(decoding.shipped_lm())),
    }
    speech, harbour = load_speech(*options.train), load_speech(mini / "train-mini")
    largest = subset(speech, max(options.hours))
    parts = [subset(largest, hours) for hours in options.hours]
    hour = min(parts, key=lambda each: abs(each.seconds - 3600))
    runs = json.loads(options.out.read_text())["runs"] if options.out.exists() else []

    def missing(study: str, part: Speech) -> bool:
        return all((run["study"], run["train"]) != (study, part.name) for run in runs)

    def once(study: str, part: Speech, train, inputs, ways=decoders, corpora=tuple(tests)) -> None:
        """Add to the results what `train` makes of speech, measured, unless it is there."""
        if not missing(study, part):
            return
        start = time.process_time()
        model = train(part)
        run = {
            "study": study,
            "train": part.name,
            "hours": part.seconds / 3600,
            "weights": model.count_params(),
        }
        run["seconds"] = time.process_time() - start
        model.save(options.run / f"{study}, {part.name}.keras")
        run["tests"] = {name: measure(model, tests[name], inputs, ways) for name in corpora}
        print(json.dumps(run), flush=True)
        runs.append(run)
        result = {"train": speech.name, "valid": options.valid.name, "runs": runs}
        files.write(options.out, json.dumps(result, indent=1) + "\n")

    weights = whisper.read_weights(whisper.tiny_en() / "model.bin")
    encoder = whisper.build_encoder(weights, every_layer=True)
    layers, levels = {}, encoder.output.shape[2]
    for name, clips in ((options.valid.name, tests[options.valid.name]), ("hour", hour.utterances)):
        layers |= hear(encoder, clips, options.run / f"layers-{name}.npz")
    greedily, valid = {"greedy": decoding.greedy}, [options.valid.name]
    for level in range(levels):
        heard = {name: pairs(each[:, level]) for name, each in layers.items()}
        once(f"layer {level}", hour, partial(train_head, "one layer", heard), heard, greedily, valid)

    encoder, heard = whisper.build_encoder(weights), {}
    groups = {**tests, f"{max(options.hours):g}-hours": largest.utterances, "train-mini": harbour.utterances}
    for name, clips in groups.items():
        kept = hear(encoder, clips, options.run / f"{name}.npz")
        heard |= {name: pairs(each) for name, each in kept.items()}
    for kind, part in itertools.product(HEADS, (*parts, harbour)):
        once(kind, part, partial(train_head, kind, heard), heard)

    if missing("then the harbour", harbour):
        runs = [run for run in runs if run["study"] != "unfrozen"]  # one goes on where the other ends
        clips = [*hour.utterances, *harbour.utterances, *itertools.chain(*tests.values())]
        spoken = {each.id: mels(each) for each in clips}
        model = whole(
            weights, keras.saving.load_model(options.run / f"convolutions, {hour.name}.keras", compile=False)
        )
        once("unfrozen", hour, partial(learn, model, spoken, UNFROZEN), spoken)
        once("then the harbour", harbour, partial(learn, model, spoken, HARBOUR), spoken)

    clips = itertools.chain(*tests.values())
    spectrograms = {each.id: features(read_audio(each.path))[..., None] for each in clips}
    for part in parts:
        once("from scratch", part, train_crnn, spectrograms)


if __name__ == "__main__":
    main()
