"""One of the processes of test_workers: python worker.py RUN EPOCHS [--resume] [--kill EPOCH]; prints its history."""

import argparse
import json
import os
import signal
from dataclasses import replace

import keras
import tensorflow as tf

from asr_helpers.batches import load_speech
from asr_helpers.corpus import data_dir
from asr_helpers.system import OneLineError
from asr_helpers.training import Profile, train


class Kill(keras.callbacks.Callback):
    """Ends the process as `kill -9` does, in the middle of an epoch."""

    def __init__(self, epoch: int):
        super().__init__()
        self.last = epoch

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch + 1

    def on_train_batch_begin(self, batch, logs=None):
        if self.epoch == self.last and batch == 1:
            os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("run")
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--kill", type=int)
    options = parser.parse_args()
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.experimental.enable_op_determinism()
    speech = load_speech(data_dir() / "mini" / "dev-mini")
    few = replace(speech, utterances=speech.utterances[:7] * 2)  # no batch is left with a single row
    valid = replace(speech, utterances=speech.utterances[24:27])
    # Dropout alone differs between the workers.
    profile = Profile(
        lstm_layers=2,
        lstm_units=8,
        filters=(4, 8),
        dropout=0.0,
        epochs=options.epochs,
        batch_seconds=20,
        learning_rate=2e-3,
        averaged_epochs=2,
        intermediate_weight=0.3,
        consistency_weight=0.2,
    )
    kill = [Kill(options.kill)] if options.kill else []
    try:
        history = train(few, valid, options.run, profile, options.resume, callbacks=kill)
    except OneLineError as error:
        raise SystemExit(f"asr: {error}") from None
    print(json.dumps(history))
