"""The run folder: checkpoints from which a killed run resumes without loss."""

import csv
import io
import json
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import keras
import numpy as np

from asr_helpers.network.keras_private import PLATEAU_STATE, dropout_states, load_model
from asr_helpers.network.loss import RegularizedCTC, ctc_loss, main_ctc_loss
from asr_helpers.network.model import rebuild
from asr_helpers.system import files
from asr_helpers.system.claims import Maker
from asr_helpers.text import ALPHABET
from asr_helpers.training.callbacks import TrainingError, WeightAverage
from asr_helpers.training.profiles import INTERMEDIATE

# By their names in checkpoints; the last two date from before December 2026.
_LOSSES = {
    "ctc_loss": ctc_loss,
    "main_ctc_loss": main_ctc_loss,
    "own_ctc_loss": main_ctc_loss,
    "asr_helpers>HelpedCTC": RegularizedCTC,
}
# Settings by their names in runs from before December 2026.
_RENAMED_SETTINGS = {
    "second": "intermediate_weight",
    "smooth": "smoothness_weight",
    "consistent": "consistency_weight",
    "average": "averaged_epochs",
    "plateau": "reduce_on_plateau",
    "frequency_mask_centre": "frequency_mask_center",
}
# What the libraries raise on a damaged file; not TypeError or AttributeError, which would be bugs of ours.
_DAMAGE = (
    OSError,
    ValueError,  # JSON, UTF-8, `ModelFileError`, and the checks below
    KeyError,  # zip: a member is missing
    EOFError,  # NumPy: an empty file
    RuntimeError,  # JSON nested too deeply; zip: encrypted, or an unknown compression
    zipfile.BadZipFile,
    zlib.error,
)


MAKER = Maker(
    "asr train",
    ("state.json", "history.csv", "best.keras", "cuts.json", "epoch-*.keras", "weights-*.npz"),
    signs=(("state.json", b'{\n "config"'),),
)


class RunFolder(keras.callbacks.Callback):
    """Saves a run after each epoch: like ModelCheckpoint, but neither a kill nor a power cut loses a finished epoch.

    - `best.keras`: the lowest validation WER so far, weights averaged; stock Keras layers, no optimiser
    - `epoch-NNNN.keras`: the last epoch with its optimiser, from which a resumed run continues
    - `weights-NNNN.npz`: the weights of the last epochs, if they are averaged
    - `state.json`: the names of these files, the history, and what Keras's checkpoints omit: the plateau's
      patience, the best WER so far, the states of dropout's random generators. Once it is in place, the epoch
      counts as done, and the files of the previous epoch are deleted.
    - `history.csv`: loss, WER, CER and learning rate of each epoch

    Args:
        folder: the run's; it must exist.
        config: the settings and digests that a resumed run must share.
        rate: the callback that sets the learning rate.
        average: the callback that averages weights.
        writes: False for all but one of several workers.
    """

    def __init__(
        self, folder: Path, config: dict, rate: keras.callbacks.Callback, average: WeightAverage, writes: bool = True
    ):
        super().__init__()
        self.folder = folder
        self.writes = writes
        self.average = average
        self.rate = rate
        self.state: dict[str, Any] = {
            "config": config,
            "checkpoint": None,
            "weights": [],
            "best": None,
            "history": [],
            "plateau": {},
            "dropout": [],
        }

    def load(self) -> keras.Model:
        """Return the model with its optimiser as the last epoch left it, and restore the run's state.

        Raises:
            TrainingError: the folder holds no run, a run with other settings or speech, or a damaged file.
        """
        path = self.folder / "state.json"
        if not path.exists():
            raise TrainingError(f"{self.folder}: no run to resume here; leave --resume out to start one")
        with self._reading("state.json"):
            state = json.loads(path.read_text())
            _check_state(state)
        self._check_config(state["config"])
        self.state = self.state | state | {"config": self.state["config"]}
        with self._reading(state["checkpoint"]) as path:
            model = load_model(path, custom_objects=_LOSSES)
        with self._reading("state.json"):
            for variable, value in zip(dropout_states(model), state["dropout"], strict=True):
                variable.assign(value)
        averaged = [layer for layer in model.layers if layer.name != INTERMEDIATE]
        shapes = [weights.shape for layer in averaged for weights in layer.get_weights()]
        for name in state["weights"]:
            with self._reading(name) as path, np.load(path) as arrays:
                self.average.recent.append(list(arrays.values()))
                if [weights.shape for weights in self.average.recent[-1]] != shapes:
                    raise ValueError("weights of another network")
        return model

    def _check_config(self, config: dict) -> None:
        """Raise TrainingError if the run was trained with another config; settings newer than the run are ignored."""
        ours = _current_names(self.state["config"])
        theirs = {"alphabet": ALPHABET, "splice": False} | _current_names(config)
        changed = [name for name, value in ours.items() if name in theirs and _differs(theirs[name], value)]
        if changed:
            raise TrainingError(
                f"{self.folder}: was trained with another {', '.join(changed)}; restore that, or use a new folder"
            )

    @contextmanager
    def _reading(self, name: str) -> Iterator[Path]:
        """Yield the path of a file of the run; turn any of `_DAMAGE` that the block raises into a TrainingError."""
        path = self.folder / name
        try:
            if not path.is_file():
                raise ValueError("there is no such file")
            yield path
        except _DAMAGE as error:
            remedy = "restore it, or begin a new run with --start …/best.keras"
            raise TrainingError(f"{path}: missing or damaged; {remedy}") from error

    @property
    def epochs_done(self) -> int:
        return len(self.state["history"])

    def on_train_begin(self, logs=None):
        # The plateau callback, which precedes this one, has just reset itself.
        for name, value in self.state["plateau"].items():
            setattr(self.rate, name, value)

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        if not np.isfinite(logs["loss"]):  # before such weights replace good ones
            raise TrainingError(
                f"{self.folder}: the loss is no longer finite (epoch {self.epoch + 1}, batch {batch + 1}); "
                "the saved files are intact: use a new folder with --start …/best.keras, or a lower learning rate"
            )

    def on_epoch_end(self, epoch, logs=None):
        row = {"epoch": epoch + 1} | {name: float(value) for name, value in logs.items()}
        self.state["history"].append(row)
        if isinstance(self.rate, keras.callbacks.ReduceLROnPlateau):
            self.state["plateau"] = {name: getattr(self.rate, name) for name in PLATEAU_STATE}
        self.state["dropout"] = [variable.numpy().tolist() for variable in dropout_states(self.model)]
        best = self.state["best"] is None or row["val_wer"] < self.state["best"]
        if best:
            self.state["best"] = row["val_wer"]
        if not self.writes:
            return
        if best:
            model = rebuild(self.average.mean, bidirectional=keras.layers.Bidirectional)
            with self._writing("best.keras") as part:
                model.save(part)
        self.state["checkpoint"] = _checkpoint_name(epoch + 1)
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
        """Yield a temporary path that replaces a file of the run; raise TrainingError if it cannot be written."""
        path = self.folder / name
        try:
            with files.atomic_write(path) as part:
                yield part
        except (OSError, RuntimeError) as error:  # HDF5 may report a full disk as a RuntimeError
            reason = getattr(error, "strerror", None) or error
            raise TrainingError(
                f"{path}: cannot be written ({reason}); free some space, then --resume; the saved epoch is intact"
            ) from error

    def _clear(self) -> None:
        """Remove checkpoints of earlier epochs, and files that a killed run left half-written."""
        files.remove_partials(self.folder)
        (self.folder / MAKER.marker).unlink(missing_ok=True)  # state.json shows whose the folder is
        for path in [*self.folder.glob("epoch-*.keras"), *self.folder.glob("weights-*.npz")]:
            if path.name not in (self.state["checkpoint"], *self.state["weights"]):
                path.unlink(missing_ok=True)


def _current_names(config: dict) -> dict:
    """Return `config` with settings by their present names, in the nested dicts too."""
    return {
        _RENAMED_SETTINGS.get(name, name): _current_names(value) if isinstance(value, dict) else value
        for name, value in config.items()
    }


def _checkpoint_name(epochs: int) -> str:
    return f"epoch-{epochs:04d}.keras"


def _differs(theirs: Any, ours: Any) -> bool:
    """Return whether two settings differ, in a group of settings by those that both have."""
    if isinstance(theirs, dict) and isinstance(ours, dict):
        return any(_differs(theirs[name], ours[name]) for name in theirs.keys() & ours.keys())
    return theirs != ours


def _check_state(state: Any) -> None:
    """Raise ValueError if `state` is not as `RunFolder` writes it, KeyError if a part is missing."""
    _check(isinstance(state, dict), "no object")
    history, weights, dropout, plateau = (state[name] for name in ("history", "weights", "dropout", "plateau"))
    _check(isinstance(state["config"], dict), "config")
    _check(state["best"] is None or _is_rate(state["best"]), "best")
    _check(isinstance(history, list) and history and all(isinstance(row, dict) for row in history), "history")
    for row in history:
        _check({"epoch", "loss", "val_wer"} <= row.keys() == history[0].keys(), "history")
        _check(all(map(_is_number, row.values())) and _is_rate(row["val_wer"]), "history")
    _check(isinstance(weights, list), "weights")
    for name in [state["checkpoint"], *weights]:
        _check(isinstance(name, str) and re.fullmatch(r"(epoch-\d+\.keras|weights-\d+\.npz)", name), "file name")
    _check(state["checkpoint"] == _checkpoint_name(len(history)), "a checkpoint of another epoch")
    _check(isinstance(plateau, dict) and plateau.keys() <= set(PLATEAU_STATE), "plateau")
    _check(all(map(_is_number, plateau.values())), "plateau")
    _check(isinstance(dropout, list), "dropout")
    for pair in dropout:
        _check(isinstance(pair, list) and len(pair) == 2, "dropout")
        _check(all(type(number) is int and 0 <= number < 1 << 32 for number in pair), "dropout")


def _check(holds: object, what: str) -> None:
    if not holds:
        raise ValueError(f"not the state of a run: {what}")


def _is_rate(value: Any) -> bool:
    """Return whether a value is an error rate: a later one is compared with it, which NaN would always win."""
    return _is_number(value) and value >= 0


def _is_number(value: Any) -> bool:
    return type(value) is float or (type(value) is int and abs(value) < 1 << 53)


def _as_csv(history: list[dict]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(history[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: f"{value:.6g}" for name, value in row.items()} for row in history)
    return text.getvalue()
