"""Training: profiles, callbacks, and a run folder from which a killed training goes on."""

import csv
import hashlib
import io
import json
import re
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from tqdm import tqdm

from asr_helpers import files, records
from asr_helpers.augment import Augmenter, SpecAugment
from asr_helpers.corpus import CorpusError
from asr_helpers.ctc import HelpedCTC, ctc_loss, own_ctc_loss
from asr_helpers.decoding import greedy
from asr_helpers.fast_lstm import FastBidirectional, has_bfloat16
from asr_helpers.metrics import character_errors, word_errors
from asr_helpers.model import alphabet_of, build_model, rebuild
from asr_helpers.pipeline import Speech, batches_per_epoch, training_batches, validation_batches
from asr_helpers.splicing import Splicer, cut_speech, read_cuts
from asr_helpers.text import ALPHABET, ENGLISH, Alphabet, OneLineError, first_line
from asr_helpers.workers import Workers


class TrainingError(OneLineError):
    """A run folder cannot be used as asked; the message is one line that says what to do."""


@dataclass(frozen=True)
class Profile:
    """A recipe: how large a network, for how long, on how much changed speech."""

    lstm_layers: int
    lstm_units: int
    filters: tuple[int, int]
    dropout: float
    epochs: int
    batch_seconds: float
    learning_rate: float
    augmenter: Augmenter | None = Augmenter()
    spec_augment: SpecAugment | None = SpecAugment()
    average: int = 1  # epochs whose weights are averaged into the model that is measured and kept
    # What helps where there is little speech (`ctc.HelpedCTC`; it takes two LSTMs), each with its weight in the loss:
    second: float = 0.0  # a second output, one LSTM below the last
    smooth: float = 0.0  # posteriors drawn towards their neighbours in time
    consistent: float = 0.0  # each clip is heard twice, with other masks, and both times alike
    plateau: bool = False  # ReduceLROnPlateau on the validation loss, instead of a decay planned beforehand

    @property
    def helped(self) -> bool:
        return max(self.second, self.smooth, self.consistent) > 0


SECOND_OUTPUT = "second"  # its layer's name, in training only
LIGHT_MASKS = SpecAugment(time_masks=1, frequency_masks=1, frequency_width=10)
PROFILES = {
    "ci": Profile(1, 32, (8, 16), dropout=0.1, epochs=2, batch_seconds=40, learning_rate=2e-3),
    # Little to learn and no time: small batches, many steps, light masks. The helpers spare a voice that was never
    # heard a seventh of its errors (`benchmarks/unheard_voice.py`).
    "fast": Profile(
        2,
        128,
        (16, 32),
        dropout=0.1,
        epochs=50,
        batch_seconds=20,
        learning_rate=2.5e-3,
        spec_augment=LIGHT_MASKS,
        second=0.3,
        smooth=0.2,
    ),
    # The real network for fifteen epochs: long before it could overfit, so light masks and little dropout.
    "workshop": Profile(
        3,
        256,
        (32, 64),
        dropout=0.1,
        epochs=15,
        batch_seconds=100,
        learning_rate=1.5e-3,
        spec_augment=LIGHT_MASKS,
        average=2,
    ),
    # Speech that is heard so often that it could be learnt by heart: heavy masks, two views. A batch holds 320 s.
    # Not smoothed: that costs words (notebook 06's ladder), and leaves a language model less to choose from.
    "full": Profile(
        3,
        256,
        (32, 64),
        dropout=0.2,
        epochs=60,
        batch_seconds=160,
        learning_rate=1.5e-3,
        spec_augment=SpecAugment(time_masks=5, time_share=0.25),
        average=5,
        second=0.3,
        consistent=0.2,
    ),
}


class WarmUpAndDecay(keras.callbacks.Callback):
    """Raises the learning rate over the first twentieth of all steps, holds it, and lowers it over the last half.

    A callback and not an optimizer schedule, so that it counts the optimizer's own steps over all epochs, and
    a resumed run stands where it was.
    """

    def __init__(self, peak: float, steps: int):
        super().__init__()
        self.peak = peak
        self.steps = steps

    def on_train_batch_begin(self, batch, logs=None):
        done = int(self.model.optimizer.iterations) / self.steps
        self.model.optimizer.learning_rate = self.peak * max(
            0.002, min(1, (done + 1e-3) * 20, (1 - done) * 2)
        )

    def on_epoch_end(self, epoch, logs=None):
        logs["learning_rate"] = float(self.model.optimizer.learning_rate)


class WeightAverage(keras.callbacks.Callback):
    """After each epoch, sets `mean` to the average of the weights that the last `epochs` epochs ended with.

    At a high learning rate the weights stagger around a good place that none of them hits; their mean is nearer
    to it (Polyak & Juditsky 1992, SIAM Journal on Control and Optimization; Izmailov et al. 2018,
    arXiv:1803.05407). Training itself goes on from the last weights. Stands before what uses `mean`.
    """

    def __init__(self, epochs: int):
        super().__init__()
        self.epochs = epochs
        self.recent: list[list[np.ndarray]] = []  # weights, the oldest first

    def on_train_begin(self, logs=None):
        self.mean = rebuild(self.model, bidirectional=type(self.model.get_layer("lstm1")))

    def on_epoch_end(self, epoch, logs=None):
        layers = [self.model.get_layer(layer.name) for layer in self.mean.layers]
        weights = [array for layer in layers for array in layer.get_weights()]
        self.recent = [*self.recent, weights][-self.epochs :]
        columns = zip(*self.recent, strict=True)
        self.mean.set_weights(
            # Only dropout's random state is no float, and an average of that would mean nothing.
            [np.mean(each, axis=0) if each[0].dtype == np.float32 else each[-1] for each in columns]
        )


class WordErrorRate(keras.callbacks.Callback):
    """Measures loss, WER and CER (greedy) on validation speech after each epoch, and adds them to the logs.

    Stands before every callback that watches `val_wer`, `val_cer` or `val_loss`. Several `workers` measure a share of
    the speech each, and count together. Raises TrainingError if there is nothing to measure on.
    """

    def __init__(self, valid: Speech, batch_seconds: float, average: WeightAverage, workers: Workers):
        super().__init__()
        mine = valid.utterances[workers.rank :: workers.count]
        self.batches = validation_batches(replace(valid, utterances=mine), batch_seconds) if mine else []
        self.average = average
        self.workers = workers
        self.pairs: list[tuple[str, str]] = []  # (reference, hypothesis) of the last epoch

    def on_train_begin(self, logs=None):
        # With any length in its signature, the graph is built once and not for each new shape of batch.
        shape, model = tf.TensorSpec(self.model.input_shape, tf.float32), self.average.mean
        self.forward = tf.function(lambda batch: model(batch, training=False), input_signature=[shape])

    def on_epoch_end(self, epoch, logs=None):
        losses, self.pairs, alphabet = [], [], alphabet_of(self.model)
        for features, targets in self.batches:
            logits = self.forward(features)
            losses.extend(ctc_loss(targets, logits).numpy())
            for row, row_logits in zip(targets.numpy(), logits.numpy(), strict=True):
                labels = row[1:]
                heard = greedy(row_logits[: row[0]], alphabet)
                self.pairs.append((alphabet.decode(labels[labels >= 0]), heard))
        count, loss, *edits = self.workers.total(len(self.pairs), float(np.sum(losses)), *self.edits())
        if not count:
            raise TrainingError(
                "no clip of the validation speech can be read any more; bring it back, then --resume"
            )
        # What the history calls loss is of the output that is kept, so that training and validation compare.
        if logs.pop("own_ctc_loss", None) is not None:
            metrics = [each for some in self.model.metrics for each in getattr(some, "metrics", [some])]
            own = next(metric for metric in metrics if metric.name == "own_ctc_loss")
            total, rows = self.workers.total(float(own.total), float(own.count))
            logs["loss"] = total / rows
        logs |= {"val_loss": loss / count, "val_wer": edits[0] / edits[1], "val_cer": edits[2] / edits[3]}

    def edits(self) -> list[int]:
        """Return word errors, words, character errors and characters of the last epoch."""
        if not self.pairs:
            return [0, 0, 0, 0]
        references, hypotheses = map(list, zip(*self.pairs, strict=True))
        rates = [count(references, hypotheses) for count in (word_errors, character_errors)]
        return [int(number.sum()) for rate in rates for number in (rate.errors, rate.lengths)]


class Progress(keras.callbacks.Callback):
    """Prints a bar while an epoch runs, then what proved unreadable, one line of figures, and sentences as heard."""

    def __init__(self, speech: Speech, valid: Speech, watcher: WordErrorRate, sentences: int, every: int):
        super().__init__()
        self.seconds = speech.seconds  # of audio in one epoch
        self.known = {id(each): (each, len(each.dropped)) for each in (speech, valid)}
        self.watcher = watcher
        self.sentences = sentences
        self.every = every

    def on_epoch_begin(self, epoch, logs=None):
        title = f"epoch {epoch + 1}/{self.params['epochs']}"
        self.start = time.perf_counter()
        self.bar = tqdm(desc=title, unit="batch", total=self.params["steps"], leave=False, disable=None)

    def on_train_batch_end(self, batch, logs=None):
        self.bar.update()
        self.bar.set_postfix(loss=f"{logs['loss']:.3f}")

    def on_epoch_end(self, epoch, logs=None):
        self.bar.close()
        self.report_unreadable()
        if epoch and (epoch + 1) % self.every and epoch + 1 < self.params["epochs"]:
            return
        took = time.perf_counter() - self.start
        print(
            f"epoch {epoch + 1:3d}/{self.params['epochs']}  loss {logs['loss']:.3f}  "
            f"valid: loss {logs['val_loss']:.3f}  WER {logs['val_wer']:6.1%}  CER {logs['val_cer']:6.1%}  "
            f"learning rate {logs['learning_rate']:.1e}  ({took:.0f} s, {self.seconds / took:.0f} audio-s/s)"
        )
        apart = max(1, len(self.watcher.pairs) // max(1, self.sentences))
        for reference, hypothesis in self.watcher.pairs[::apart][: self.sentences]:
            print(f"    said   {reference}\n    heard  {hypothesis}")

    def report_unreadable(self):
        for key, (speech, before) in self.known.items():
            new = speech.dropped[before:]
            self.known[key] = speech, len(speech.dropped)
            for line in [*new[:3], *([f"{speech.name}: {len(new) - 3} more"] if len(new) > 3 else [])]:
                print(f"left out: {line}", file=sys.stderr)


class RunFolder(keras.callbacks.Callback):
    """Keeps a run on disk after each epoch: like ModelCheckpoint, but no kill and no power cut loses anything.

    - `best.keras`: the lowest validation WER so far, weights averaged; stock Keras layers, no optimizer
    - `epoch-NNNN.keras`: the last epoch with its optimizer, to go on from
    - `weights-NNNN.npz`: the last epochs' weights, where an average is made of them
    - `state.json`: which epoch that is, the history, and what Keras's checkpoints leave out: the plateau's
      patience, the best so far, where dropout's random numbers stand. Renamed into place last, it is the
      moment at which an epoch counts as done; what belongs to the epoch before goes only then.
    - `history.csv`: loss, WER, CER and learning rate of each epoch
    """

    def __init__(
        self,
        folder: Path,
        config: dict,
        rate: keras.callbacks.Callback,
        average: WeightAverage,
        writes: bool = True,
    ):
        super().__init__()
        self.folder = folder
        self.writes = writes  # of several workers one does
        self.average = average
        self.rate = rate  # what steers the learning rate
        self.state = {
            "config": config,
            "checkpoint": None,
            "weights": [],
            "best": None,
            "history": [],
            "plateau": {},
            "dropout": [],
        }

    def load(self) -> keras.Model:
        """Return the model and optimizer to go on with, and take over the run's state.

        Raises:
            TrainingError: the folder holds no run, one with other settings or other speech, or a damaged file.
        """
        path = self.folder / "state.json"
        if not path.exists():
            raise TrainingError(f"{self.folder}: no run to resume here; leave --resume out to start one")
        with self._reading("state.json"):
            state = json.loads(path.read_text())
            _check_state(state)
        asked, kept = self.state["config"], {"alphabet": ALPHABET, "splice": False} | state["config"]
        changed = [name for name, value in asked.items() if name in kept and kept[name] != value]
        if changed:
            raise TrainingError(
                f"{self.folder}: was trained with another {', '.join(changed)}; bring that back, or use a new folder"
            )
        self.state = self.state | state
        with self._reading(state["checkpoint"]) as path:
            losses = {loss.__name__: loss for loss in (ctc_loss, own_ctc_loss)}
            model = keras.saving.load_model(path, custom_objects=losses)
        with self._reading("state.json"):
            for variable, value in zip(_dropout_states(model), state["dropout"], strict=True):
                variable.assign(value)
        kept = [layer for layer in model.layers if layer.name != SECOND_OUTPUT]
        shapes = [weights.shape for layer in kept for weights in layer.get_weights()]
        for name in state["weights"]:
            with self._reading(name) as path, np.load(path) as arrays:
                self.average.recent.append(list(arrays.values()))
                if [weights.shape for weights in self.average.recent[-1]] != shapes:
                    raise ValueError("weights of another network")
        return model

    @contextmanager
    def _reading(self, name: str) -> Iterator[Path]:
        path = self.folder / name
        try:
            if not path.is_file():
                raise ValueError("there is no such file")
            yield path
        except Exception as error:  # whatever a library makes of a damaged file
            mend = "restore it, or begin a new run with --start …/best.keras"
            raise TrainingError(f"{path}: missing or damaged; {mend}") from error

    @property
    def epochs_done(self) -> int:
        return len(self.state["history"])

    def on_train_begin(self, logs=None):
        # The plateau callback has just forgotten everything; it stands before this one.
        for name, value in self.state["plateau"].items():
            setattr(self.rate, name, value)

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        if not np.isfinite(logs["loss"]):  # before such weights are written over good ones
            raise TrainingError(
                f"{self.folder}: the loss is no finite number any more (epoch {self.epoch + 1}, batch {batch + 1}); "
                "what was saved is still good: go on in a new folder with --start …/best.keras, or learn more slowly"
            )

    def on_epoch_end(self, epoch, logs=None):
        row = {"epoch": epoch + 1} | {name: float(value) for name, value in logs.items()}
        self.state["history"].append(row)
        if isinstance(self.rate, keras.callbacks.ReduceLROnPlateau):
            self.state["plateau"] = {
                name: getattr(self.rate, name) for name in ("wait", "best", "cooldown_counter")
            }
        self.state["dropout"] = [variable.numpy().tolist() for variable in _dropout_states(self.model)]
        best = self.state["best"] is None or row["val_wer"] < self.state["best"]
        if best:
            self.state["best"] = row["val_wer"]
        if not self.writes:
            return
        if best:
            with self._writing("best.keras") as part:
                rebuild(self.average.mean, bidirectional=keras.layers.Bidirectional).save(part)
        self.state["checkpoint"] = f"epoch-{epoch + 1:04d}.keras"
        with self._writing(self.state["checkpoint"]) as part:
            self.model.save(part)
        if self.average.epochs > 1:
            name = f"weights-{epoch + 1:04d}.npz"
            with self._writing(name) as part:
                np.savez(part, *self.average.recent[-1])
            self.state["weights"] = [*self.state["weights"], name][-self.average.epochs :]
        with self._writing("state.json") as part:
            part.write_text(json.dumps(self.state, indent=1))
        with self._writing("history.csv") as part:
            part.write_text(_as_csv(self.state["history"]))
        self._clear()

    @contextmanager
    def _writing(self, name: str) -> Iterator[Path]:
        path = self.folder / name
        try:
            with files.whole(path) as part:
                yield part
        except Exception as error:  # HDF5, zip files and NumPy have a way each to say that the disk is full
            reason = getattr(error, "strerror", None) or error
            raise TrainingError(
                f"{path}: cannot be written ({reason}); make room, and go on with --resume: what was kept is whole"
            ) from error

    def _clear(self) -> None:
        """Remove what belongs to no epoch any more, or was half-written when a run was killed."""
        files.clear(self.folder)
        for path in [*self.folder.glob("epoch-*.keras"), *self.folder.glob("weights-*.npz")]:
            if path.name not in (self.state["checkpoint"], *self.state["weights"]):
                path.unlink(missing_ok=True)


def _check_state(state: dict) -> None:
    """Raise some exception if this is not what `RunFolder` writes as its state."""
    history, names = state["history"], [state["checkpoint"], *state["weights"]]
    sound = (
        isinstance(state["config"], dict)
        and isinstance(history, list)
        and all({"epoch", "loss", "val_wer"} <= row.keys() == history[0].keys() for row in history)
        and all(type(value) in (int, float) for row in history for value in row.values())
        and type(state["best"]) in (int, float, type(None))
        and all(re.fullmatch(r"(epoch-\d+\.keras|weights-\d+\.npz)", name) for name in names)
        and state["plateau"].keys() <= {"wait", "best", "cooldown_counter"}
        and all(type(value) in (int, float) for value in state["plateau"].values())
    )
    if not sound or not _as_csv(history):
        raise ValueError("not the state of a run")


def _dropout_states(model: keras.Model) -> list:
    return [variable for variable in model.non_trainable_variables if "seed_generator" in variable.path]


def _as_csv(history: list[dict]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(history[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: f"{value:.6g}" for name, value in row.items()} for row in history)
    return text.getvalue()


def train(
    speech: Speech,
    valid: Speech,
    folder,
    profile: Profile,
    resume: bool = False,
    start: Path | None = None,
    splice: Path | None = None,
    seed: int = 0,
    sentences: int = 3,
    every: int = 1,
    callbacks: Iterable[keras.callbacks.Callback] = (),
) -> list[dict]:
    """Train the CRNN of `profile` in `folder` and return its history, one dict per epoch.

    The model with the lowest validation WER is `folder / "best.keras"`. With `resume`, an earlier call that
    was killed goes on after its last whole epoch and ends as if nothing had happened; `profile.epochs` may be
    larger than before. Several processes that TF_CONFIG names train together (`workers`): the chief alone writes the
    folder, which all can read. With `start`, a `.keras` file of the profile's size, training begins with its weights
    instead of random ones: for more speech, another mixture, a new voice. With `splice`, a recogniser's file, pieces of
    clips are replaced by others of the same speaker (`splicing`); that recogniser says where to cut, and
    `folder / "cuts.json"` keeps it. The first epoch, the last and one in `every` print their figures and some
    validation `sentences`. `callbacks` come after the project's own.

    Raises:
        TrainingError: the folder holds a run and `resume` is not set, or the other way round; `start` is a model
            of another size; or the loss is no finite number any more.
        CorpusError: to be spliced, `speech` is a folder of records; or `cuts.json` is damaged.
        WorkersError: several workers cannot train together, or one of them is gone.
    """
    folder, workers = Path(folder), Workers()
    if valid.alphabet != speech.alphabet:
        raise TrainingError(
            f"{valid.name}: was read by another alphabet than {speech.name}; give both the same"
        )
    with files.alone(folder) if workers.chief else nullcontext(False) as waited:
        started = (folder / "state.json").exists()
        if started and not resume and not waited:
            raise TrainingError(
                f"{folder}: holds a run already; go on with --resume, or choose another folder"
            )
        # Whoever waited for a training with the same settings goes on with it; for another one, `load` refuses.
        resume = resume or started
        keras.utils.set_random_seed(
            seed + 1
        )  # with a global seed of 0, tf.data refuses seeds that are tensors
        settings = {name: value for name, value in asdict(profile).items() if name != "epochs"}
        names = {"train": speech.name, "valid": valid.name, "seed": seed}
        names |= {"alphabet": speech.alphabet.characters, "splice": bool(splice)}
        contents = {
            f"{name} speech": _digest(each) for name, each in (("training", speech), ("validation", valid))
        }
        config = json.loads(json.dumps(settings | names | contents))

        steps = batches_per_epoch(speech, profile.batch_seconds, workers.count)
        average = WeightAverage(profile.average)
        watcher = WordErrorRate(valid, profile.batch_seconds, average, workers)
        if profile.plateau:
            rate = keras.callbacks.ReduceLROnPlateau(monitor="val_loss", factor=0.5, patience=2, min_lr=1e-5)
        else:
            rate = WarmUpAndDecay(profile.learning_rate, steps * profile.epochs)
        run = RunFolder(folder, config, rate, average, writes=workers.chief)
        if resume:
            model = run.load()
        else:
            model = new_model(profile, start, speech.alphabet)
            model = with_helpers(model, profile) if profile.helped else model
        workers.agree("speech, settings or versions", _fingerprint(config, run.epochs_done))
        workers.share(model)
        for variable in _dropout_states(model):  # each worker drops other values
            variable.assign(variable + np.array([workers.rank, 0], variable.dtype))
        splicer = None
        if splice:
            if workers.chief:
                cut_speech(splice, speech, folder / "cuts.json")
            workers.total(0)  # the others wait for the file
            splicer = Splicer(read_cuts(folder / "cuts.json", speech), speech)
        progress = [Progress(speech, valid, watcher, sentences, every)] if workers.chief else []
        batches = training_batches(
            speech,
            profile.batch_seconds,
            run.epochs_done,
            profile.augmenter,
            profile.spec_augment,
            seed,
            views=2 if profile.consistent else 1,
            share=(workers.rank, workers.count),
            splicer=splicer,
        )
        try:
            model.fit(
                batches,
                steps_per_epoch=steps,
                initial_epoch=run.epochs_done,
                epochs=profile.epochs,
                callbacks=[average, watcher, rate, run, *progress, *callbacks],
                shuffle=False,  # the stream is shuffled already
                verbose=0,
            )
            workers.total(0)  # the others wait until the chief has written its last epoch
        except tf.errors.OpError as error:
            workers.check(error)
            raise _data_error(error, speech) from error
        except CorpusError as error:  # of the validation speech's records
            raise TrainingError(f"{error}, then go on with --resume") from error
        return run.state["history"]


def _fingerprint(config: dict, epochs_done: int) -> str:
    versions = [keras.__version__, tf.__version__, np.__version__]
    return hashlib.sha256(json.dumps([config, epochs_done, versions]).encode()).hexdigest()


def _digest(speech: Speech) -> str:
    """Return what tells whether speech has changed: its ids, lengths and texts, in a number."""
    digest = hashlib.sha256()
    for utterance in speech.utterances:
        digest.update(f"{utterance.id} {utterance.samples} {utterance.text}\n".encode())
    return digest.hexdigest()


def _data_error(error: tf.errors.OpError, speech: Speech) -> TrainingError:
    """Return what is wrong with the speech, where TensorFlow says only that a batch could not be made."""
    mend = "bring the speech back, then go on with --resume"
    if damage := records.damage(speech.shards):
        return TrainingError(f"{damage}, then go on with --resume")
    if isinstance(error, tf.errors.FailedPreconditionError) and speech.dropped:
        return TrainingError(
            f"{speech.name}: not one clip can be read any more ({speech.dropped[-1]}); {mend}"
        )
    return TrainingError(f"{speech.name}: {first_line(error.message)}; {mend}")


def new_model(profile: Profile, start: Path | None = None, alphabet: Alphabet = ENGLISH) -> keras.Model:
    """Return the compiled CRNN of `profile`, untrained or with the weights of the model file `start`.

    Its LSTMs are those that train fastest here, with the same weights: see `recurrent_layers`.

    Raises:
        TrainingError: `start` cannot be loaded, or is a model of another size or alphabet.
    """
    model = build_model(
        profile.lstm_layers,
        profile.lstm_units,
        profile.filters,
        profile.dropout,
        alphabet=alphabet,
        **recurrent_layers(gpu_capability()),
    )
    if start:
        source = _load(start)
        if alphabet_of(source) != alphabet:
            raise TrainingError(
                f"{start}: writes {alphabet_of(source)}; the speech is to be written with {alphabet}"
            )
        try:
            model.set_weights(source.get_weights())
        except (ValueError, IndexError):
            raise TrainingError(
                f"{start}: {source.count_params()} weights, where the profile has {model.count_params()}; "
                "choose the ASR_PROFILE it was trained with"
            ) from None
    return _compiled(model, profile, ctc_loss)


def gpu_capability() -> tuple[int, int] | None:
    """Return the compute capability of the first GPU that TensorFlow sees, such as (8, 0); None where it sees none."""
    gpus = tf.config.list_physical_devices("GPU")
    if not gpus:
        return None
    return tf.config.experimental.get_device_details(gpus[0]).get("compute_capability", (0, 0))


def recurrent_layers(capability: tuple[int, int] | None) -> dict:
    """Return the layers for `build_model` to train with, on a GPU of this compute capability or on a CPU (None).

    A CPU takes the faster LSTM of `fast_lstm`, a GPU Keras's own, which is cuDNN's there. Matrix products are of
    bfloat16 numbers where the hardware has them (GPUs from 8.0 on): they have the range of float32, so that no loss
    needs to be scaled. Weights and all other layers are float32.
    """
    if capability is None:
        kind = "mixed_bfloat16" if has_bfloat16() else "float32"
        return {"bidirectional": partial(FastBidirectional, dtype=kind)}
    kind = "mixed_bfloat16" if capability >= (8, 0) else "float32"
    return {"lstm": partial(keras.layers.LSTM, dtype=kind)}


def with_helpers(model: keras.Model, profile: Profile) -> keras.Model:
    """Return `model` compiled with `ctc.HelpedCTC`, a second output's logits behind its own."""
    below = model.get_layer(f"lstm{profile.lstm_layers - 1}_norm").output
    # Like the model's own output, it sheds Keras's mask, which every loss would multiply itself by.
    unmasked = keras.ops.multiply(below, 1.0)
    second = keras.layers.Dense(model.output.shape[-1], name=SECOND_OUTPUT)(unmasked)
    both = keras.ops.concatenate([model.output, second], axis=-1)
    helped = keras.Model(model.input, both, name=model.name)
    loss = HelpedCTC(profile.second, profile.smooth, profile.consistent)
    return _compiled(helped, profile, loss, [own_ctc_loss])


def _compiled(model: keras.Model, profile: Profile, loss, metrics=()) -> keras.Model:
    # The CTC kernel does not compile under XLA. Clipping keeps the first steps, far from any alignment, small.
    optimizer = keras.optimizers.Adam(profile.learning_rate, global_clipnorm=1.0)
    model.compile(optimizer, loss=loss, metrics=list(metrics), jit_compile=False)
    return model


def _load(path: Path) -> keras.Model:
    try:
        return keras.saving.load_model(path, compile=False)
    except Exception as error:  # Keras has a dozen ways to refuse a file
        raise TrainingError(
            f"{path}: cannot be loaded ({first_line(error)}); choose a .keras file of `asr train`"
        ) from None
