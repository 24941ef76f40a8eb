"""Train the CRNN in a run folder; a killed run resumes after its last complete epoch."""

import hashlib
import json
from collections.abc import Callable, Iterable
from contextlib import closing, nullcontext
from dataclasses import asdict
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from asr_helpers.batches import tfrecords
from asr_helpers.batches.pipeline import Speech, batches_per_epoch, training_batches
from asr_helpers.batches.splicing import Splicer, cut_speech, read_cuts
from asr_helpers.corpus.reading import CorpusError
from asr_helpers.system import files
from asr_helpers.system.errors import first_line
from asr_helpers.text import Alphabet
from asr_helpers.training.callbacks import Progress, TrainingError, WarmUpAndDecay, WeightAverage, WordErrorRate
from asr_helpers.training.network import add_intermediate_output, new_model
from asr_helpers.training.profiles import Profile
from asr_helpers.training.run_folder import MAKER, RunFolder
from asr_helpers.training.workers import Workers


def train(
    speech: Speech,
    valid: Speech,
    folder: Path | str,
    profile: Profile,
    resume: bool = False,
    start: Path | None = None,
    splice: Callable[[np.ndarray], np.ndarray] | None = None,
    seed: int = 0,
    sentences: int = 3,
    every: int = 1,
    callbacks: Iterable[keras.callbacks.Callback] = (),
) -> list[dict]:
    """Train the CRNN of `profile` in `folder` and return its history, one dict per epoch.

    The model with the lowest validation WER is `folder / "best.keras"`. The processes that TF_CONFIG names train
    together (`Workers`); all must see the folder, and only the first writes to it.

    Args:
        speech: the training speech.
        valid: the validation speech, measured after each epoch, in the same alphabet.
        folder: the run folder.
        profile: the recipe.
        resume: continue a run, killed or finished, after its last complete epoch, with the result of an unbroken run.
            `profile.epochs` may be larger than before.
        start: a `.keras` file of the profile's size to take the first weights from, instead of random ones: for more
            speech, another mixture, a new voice.
        splice: a recogniser as a function from samples (samples,) to log-probabilities (output frames, classes). With
            it, pieces of clips are replaced by others of the same speaker (`Splicer`). The recogniser finds the cuts,
            which are saved in `folder / "cuts.json"`.
        seed: of all random choices.
        sentences: how many validation sentences to print with an epoch's figures.
        every: print the figures of every n-th epoch; the first and the last are always printed.
        callbacks: more callbacks, which run after the project's own.

    Raises:
        TrainingError: the folder holds a run and `resume` is not set, or it holds none to resume; `start` is a model
            of another size; the speech can no longer be read; or the loss is no longer finite.
        NotOursError: the folder holds files named like a run's that `train` did not make.
        CorpusError: `speech` is a folder of records and cannot be spliced; or `cuts.json` is damaged.
        WorkersError: several workers cannot train together, or one of them has ended.

    Example:
        >>> history = train(speech, valid, "runs/mine", PROFILES["fast"])  # doctest: +SKIP
        >>> min(row["val_wer"] for row in history)  # doctest: +SKIP
    """
    if valid.alphabet != speech.alphabet:
        raise TrainingError(f"{valid.name}: its alphabet is not that of {speech.name}; give both the same")
    folder, workers = Path(folder), Workers()
    with closing(workers), files.exclusive(folder) if workers.chief else nullcontext(False) as waited:
        resume = _resumes(folder, resume, waited)
        if workers.chief and not resume:
            MAKER.claim_folder(folder, start)
        keras.utils.set_random_seed(seed + 1)  # with a global seed of 0, tf.data refuses seeds that are tensors
        config = _config(speech, valid, profile, seed, bool(splice))
        steps = batches_per_epoch(speech, profile.batch_seconds, workers.count, profile.augmenter)
        average = WeightAverage(profile.averaged_epochs)
        run = RunFolder(folder, config, _learning_rate(profile, steps), average, writes=workers.chief)
        model = run.load() if resume else _first_model(profile, start, speech.alphabet)
        workers.agree("speech, settings or versions", _fingerprint(config, run.epochs_done))
        workers.distribute(model)
        splicer = _splicer(splice, speech, folder / "cuts.json", workers) if splice else None
        batches = _batches(speech, profile, run.epochs_done, seed, workers, splicer)
        watcher = WordErrorRate(valid, profile.batch_seconds, average, workers)
        own = [average, watcher, run.rate, run]  # in this order: each uses what those before it set
        if workers.chief:
            own.append(Progress(speech, valid, watcher, sentences, every))
        _fit(model, batches, steps, run.epochs_done, profile.epochs, [*own, *callbacks], workers, speech)
        return run.state["history"]


def _resumes(folder: Path, resume: bool, waited: bool) -> bool:
    """Return whether to resume. A process that waited for another with the same settings continues its run."""
    started = (folder / "state.json").exists()
    if started and not resume and not waited:
        raise TrainingError(f"{folder}: already holds a run; continue with --resume, or choose another folder")
    return resume or started


def _config(speech: Speech, valid: Speech, profile: Profile, seed: int, splice: bool) -> dict:
    """Return the settings and the digests of the speech, all of which a resumed run must share, as JSON reads them."""
    settings = {name: value for name, value in asdict(profile).items() if name != "epochs"}
    names = {"train": speech.name, "valid": valid.name, "seed": seed}
    names |= {"alphabet": speech.alphabet.characters, "splice": splice}
    digests = {"training speech": digest(speech), "validation speech": digest(valid)}
    return json.loads(json.dumps(settings | names | digests))


def _learning_rate(profile: Profile, steps: int) -> keras.callbacks.Callback:
    if profile.reduce_on_plateau:
        return keras.callbacks.ReduceLROnPlateau(monitor="val_loss", factor=0.5, patience=2, min_lr=1e-5)
    return WarmUpAndDecay(profile.learning_rate, steps * profile.epochs)


def _first_model(profile: Profile, start: Path | None, alphabet: Alphabet) -> keras.Model:
    model = new_model(profile, start, alphabet)
    return add_intermediate_output(model, profile) if profile.uses_regularizers else model


def _splicer(log_probs: Callable, speech: Speech, file: Path, workers: Workers) -> Splicer:
    """Return the splicer; the chief cuts the speech and writes the cuts to `file`, the others wait for them."""
    if workers.chief:
        cut_speech(log_probs, speech, file)
    workers.barrier()
    return Splicer(read_cuts(file, speech), speech)


def _batches(
    speech: Speech, profile: Profile, first_epoch: int, seed: int, workers: Workers, splicer: Splicer | None
) -> tf.data.Dataset:
    return training_batches(
        speech,
        profile.batch_seconds,
        first_epoch,
        profile.augmenter,
        profile.spec_augment,
        seed,
        views=2 if profile.consistency_weight else 1,
        worker=(workers.rank, workers.count),
        splicer=splicer,
    )


def _fit(
    model: keras.Model,
    batches: tf.data.Dataset,
    steps: int,
    first_epoch: int,
    epochs: int,
    callbacks: list[keras.callbacks.Callback],
    workers: Workers,
    speech: Speech,
) -> None:
    """Run `model.fit`; raise TrainingError or WorkersError where TensorFlow reports that data or a worker failed."""
    try:
        model.fit(
            batches,
            steps_per_epoch=steps,
            initial_epoch=first_epoch,
            epochs=epochs,
            callbacks=callbacks,
            shuffle=False,  # the stream is shuffled already
            verbose=0,
        )
        workers.barrier()  # until the chief has written its last epoch
    except tf.errors.OpError as error:
        workers.check(error)
        raise _data_error(error, speech) from error
    except CorpusError as error:  # of the validation speech's records
        raise TrainingError(f"{error}, then continue with --resume") from error


def _fingerprint(config: dict, epochs_done: int) -> str:
    """Return a digest of what all workers must share."""
    versions = [keras.__version__, tf.__version__, np.__version__]
    return hashlib.sha256(json.dumps([config, epochs_done, versions]).encode()).hexdigest()


def digest(speech: Speech) -> str:
    """Return a digest of the ids, lengths and texts, by which a resumed run detects changed speech.

    Example:
        >>> digest(Speech("no speech", []))[:8]
        'e3b0c442'
    """
    sha256 = hashlib.sha256()
    for utterance in speech.utterances:
        sha256.update(f"{utterance.id} {utterance.samples} {utterance.text}\n".encode())
    return sha256.hexdigest()


def _data_error(error: tf.errors.OpError, speech: Speech) -> TrainingError:
    """Return an error that names the speech at fault: TensorFlow's says only that no batch could be made."""
    remedy = "bring the speech back, then continue with --resume"
    if damage := tfrecords.damage(speech.shards):
        return TrainingError(f"{damage}, then continue with --resume")
    if isinstance(error, tf.errors.FailedPreconditionError) and speech.dropped:
        return TrainingError(f"{speech.name}: not one clip can be read any more ({speech.dropped[-1]}); {remedy}")
    return TrainingError(f"{speech.name}: {first_line(error.message)}; {remedy}")
