"""What does pretraining by others buy? CTC heads on Whisper's encoder, with ever more hours. Needs `whisper`.

    python benchmarks/take_over.py TRAIN... --valid VALID --run DIR [--hours 0.1667 1 5] [--layers] [--out FILE]

The encoder of tiny.en encodes each clip once, at the clip's own length; its outputs are cached in DIR as float16
(139 MB an hour). CTC heads are trained on pairs of its frames:

- one layer, on each of the encoder's layers in turn, with an hour of TRAIN: which of them knows letters?
- one layer, and three convolutions, on nested subsets of TRAIN and on the harbour radio;
- for comparison the small CRNN, from random weights, for as much computing as the convolutions took for the hour,
  encoding included;
- the hour's convolutions together with the encoder, both trainable: that hour again, then the harbour radio.

Each is measured on VALID, on data/real and on test-mini, greedily and with the shipped language model. Results that
FILE already holds are not computed again. `--layers` stops after the first of the three studies. Appendix A4 draws
`benchmarks/take_over.json`, and of the layers a smaller run, measured in characters on the forty clips of people:

    python benchmarks/take_over.py train-clean-100 --valid PEOPLE --hours 0.3333 --layers --run DIR \
        --out benchmarks/take_over_layers.json
"""

import itertools
import json
import time
from functools import partial

import keras
import numpy as np
from common import arguments, batches, hear, in_turns, mels, of_any_length, pairs, planned, subset

from asr_helpers.batches import Speech, load_speech, training_batches
from asr_helpers.corpus import data_dir, load_corpus
from asr_helpers.network import ctc_loss, has_bfloat16
from asr_helpers.pretrained import whisper
from asr_helpers.sound import features, read_audio
from asr_helpers.system import files
from asr_helpers.training import PROFILES, new_model, trapezoid
from asr_helpers.words import FastBeamSearch, best_text, character_errors, greedy, shipped_lm, word_errors

HEADS = ("one layer", "convolutions")
# A frame is 40 ms, so a batch of 500 frames is 20 s of speech.
HEAD = {"steps": 1200, "batch_frames": 500, "rate": 2e-3}
LAYERS = HEAD | {"steps": 300}  # in the smaller run, which passes five times over twenty minutes
UNFROZEN = {"steps": 240, "batch_frames": 500, "rate": 1e-4}
HARBOUR = {"steps": 80, "batch_frames": 500, "rate": 1e-4}
SCRATCH_SECONDS = 90  # of computing: to encode an hour, and to train the convolutions on it


def build_head(kind: str, mean: np.ndarray, variance: np.ndarray) -> keras.Model:
    """Return an untrained head: one layer, or three convolutions, each of which sees 100 ms to either side.

    Args:
        kind: one of HEADS.
        mean: of the inputs, (values,).
        variance: of the inputs, (values,).
    """
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


def learn(model: keras.Model, inputs: dict[str, np.ndarray], settings: dict, speech: Speech) -> keras.Model:
    """Train the model and return it.

    Args:
        model: it is compiled here.
        inputs: {id of a clip: (frames, values)}.
        settings: steps, batch_frames and rate.
        speech: the clips.
    """
    steps = settings["steps"]
    model.compile(planned(steps, settings["rate"]), ctc_loss, jit_compile=False)
    made = batches(speech.utterances, inputs, settings["batch_frames"])
    for arrays, targets in in_turns(made, steps):
        model.train_on_batch(arrays.astype(np.float32), targets)
    return model


def train_head(kind: str, heard: dict[str, np.ndarray], settings: dict, speech: Speech) -> keras.Model:
    """Return a new head of one of HEADS, trained on `heard` ({id: (frames, values)}); for `settings` see `learn`."""
    keras.utils.set_random_seed(0)
    sample = np.concatenate([heard[each.id] for each in speech.utterances[:200]]).astype(np.float32)
    return learn(build_head(kind, sample.mean(axis=0), sample.var(axis=0)), heard, settings, speech)


def whole(weights: dict[str, np.ndarray], head: keras.Model) -> keras.Model:
    """Return encoder and head as one trainable model, from (batch, 4 n, 80) to (batch, n, 29)."""
    if has_bfloat16():  # for the Transformer's products: a third less time
        keras.config.set_dtype_policy("mixed_bfloat16")
    encoder = whisper.build_encoder(weights)
    keras.config.set_dtype_policy("float32")
    x = keras.ops.cast(encoder.output, "float32")
    return keras.Model(encoder.input, head(keras.layers.Reshape((-1, head.input_shape[-1]))(x)))


class ByTheClock(keras.callbacks.Callback):
    """Stops training after `seconds` of computing; meanwhile the learning rate falls from its peak to 0."""

    def __init__(self, seconds: float, peak: float):
        super().__init__()
        self.seconds, self.peak, self.start = seconds, peak, time.process_time()

    def on_train_batch_begin(self, batch, logs=None):
        passed = (time.process_time() - self.start) / self.seconds
        self.model.stop_training = passed >= 1
        self.model.optimizer.learning_rate = self.peak * trapezoid(passed)


def train_crnn(speech: Speech) -> keras.Model:
    """Return the small network of the `fast` profile from random weights, after SCRATCH_SECONDS of computing."""
    keras.utils.set_random_seed(1)
    profile = PROFILES["fast"]
    model = new_model(profile)
    stream = training_batches(speech, 40, spec_augment=profile.spec_augment)
    clock = ByTheClock(SCRATCH_SECONDS, profile.learning_rate)
    model.fit(stream, epochs=1, steps_per_epoch=10**6, callbacks=[clock], verbose=0)
    return model


def measure(model: keras.Model, clips: list, inputs: dict[str, np.ndarray], decoders: dict) -> dict:
    """Return the error rates of words and of characters on clips, by each decoder.

    Args:
        model: from (1, frames, …) to logits.
        clips: with their texts.
        inputs: {id: the model's input}.
        decoders: {name: log-probabilities → text}.
    """
    spell, texts = of_any_length(model), [each.text for each in clips]
    logits = [spell(inputs[each.id][None].astype(np.float32))[0].numpy() for each in clips]
    outputs = [each - np.logaddexp.reduce(each, axis=-1, keepdims=True) for each in logits]
    rates = {}
    for name, decode in decoders.items():
        heard, rates[name] = [decode(each) for each in outputs], {}
        for rate, count in (("wer", word_errors), ("cer", character_errors)):
            errors = count(texts, heard)
            rates[name] |= {rate: errors.rate, f"{rate}_ci95": errors.interval()}
    return rates


def main() -> None:
    parser = arguments(__doc__, __file__, "train", "valid", "run", "out")
    parser.add_argument("--hours", type=float, nargs="+", default=[1 / 6, 1, 5])
    parser.add_argument("--layers", action="store_true", help="only compare the encoder's layers")
    options = parser.parse_args()

    mini = data_dir() / "mini"
    tests = {
        each.name: load_corpus(each).utterances for each in (options.valid, data_dir() / "real", mini / "test-mini")
    }
    decoders = {"greedy": greedy, "lm": best_text(FastBeamSearch(shipped_lm()))}
    speech, harbour = load_speech(*options.train), load_speech(mini / "train-mini")
    largest = subset(speech, max(options.hours))
    parts = [subset(largest, hours) for hours in options.hours]
    hour = min(parts, key=lambda each: abs(each.seconds - 3600))
    runs = json.loads(options.out.read_text())["runs"] if options.out.exists() else []

    def missing(study: str, part: Speech) -> bool:
        return all((run["study"], run["train"]) != (study, part.name) for run in runs)

    def once(study: str, part: Speech, train, inputs, ways=decoders, corpora=tuple(tests)) -> None:
        """Train, measure and store one run, unless the results hold it already."""
        if not missing(study, part):
            return
        start = time.process_time()
        model = train(part)
        run = {"study": study, "train": part.name, "hours": part.seconds / 3600, "weights": model.count_params()}
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
    greedily, valid = {"greedy": greedy}, [options.valid.name]
    for level in range(levels):
        heard = {name: pairs(each[:, level]) for name, each in layers.items()}
        settings = LAYERS if options.layers else HEAD
        once(f"layer {level}", hour, partial(train_head, "one layer", heard, settings), heard, greedily, valid)
    if options.layers:
        return

    encoder, heard = whisper.build_encoder(weights), {}
    groups = {**tests, f"{max(options.hours):g}-hours": largest.utterances, "train-mini": harbour.utterances}
    for name, clips in groups.items():
        kept = hear(encoder, clips, options.run / f"{name}.npz")
        heard |= {name: pairs(each) for name, each in kept.items()}
    for kind, part in itertools.product(HEADS, (*parts, harbour)):
        once(kind, part, partial(train_head, kind, heard, HEAD), heard)

    if missing("then the harbour", harbour):
        runs = [run for run in runs if run["study"] != "unfrozen"]  # the second starts from the first
        clips = [*hour.utterances, *harbour.utterances, *itertools.chain(*tests.values())]
        spoken = {each.id: mels(each) for each in clips}
        model = whole(weights, keras.saving.load_model(options.run / f"convolutions, {hour.name}.keras", compile=False))
        once("unfrozen", hour, partial(learn, model, spoken, UNFROZEN), spoken)
        once("then the harbour", harbour, partial(learn, model, spoken, HARBOUR), spoken)

    clips = itertools.chain(*tests.values())
    spectrograms = {each.id: features(read_audio(each.path))[..., None] for each in clips}
    for part in parts:
        once("from scratch", part, train_crnn, spectrograms)


if __name__ == "__main__":
    main()
