"""Keras callbacks: learning-rate schedule, weight averaging, word error rate, progress."""

import sys
import time
from dataclasses import replace

import keras
import numpy as np
import tensorflow as tf
from tqdm import tqdm

from asr_helpers.batches.pipeline import Speech, validation_batches
from asr_helpers.network.keras_private import metric_of
from asr_helpers.network.loss import ctc_loss
from asr_helpers.network.model import alphabet_of, rebuild
from asr_helpers.system.errors import OneLineError
from asr_helpers.training.workers import Workers
from asr_helpers.words.greedy_decoding import greedy
from asr_helpers.words.metrics import character_errors, word_errors


class TrainingError(OneLineError):
    """A run cannot start or continue: the run folder, the speech or the settings do not allow it."""


def trapezoid(done: float) -> float:
    """Return the learning rate, relative to its peak, when the fraction `done` of all steps is done.

    It rises over the first twentieth of the steps, stays at 1, and falls over the last half.

    Example:
        >>> [round(trapezoid(done), 3) for done in (0, 0.02, 0.25, 0.75, 1)]
        [0.02, 0.42, 1, 0.5, 0.002]
    """
    return max(0.002, min(1, (done + 1e-3) * 20, (1 - done) * 2))


class WarmUpAndDecay(keras.callbacks.Callback):
    """Sets the learning rate to `peak * trapezoid(done)`, for `steps` steps in all epochs together.

    It is a callback, not an optimiser schedule. It reads the optimiser's own count of steps, which a checkpoint holds,
    so a resumed run continues at the right rate.
    """

    def __init__(self, peak: float, steps: int):
        super().__init__()
        self.peak = peak
        self.steps = steps

    def on_train_batch_begin(self, batch, logs=None):
        done = int(self.model.optimizer.iterations) / self.steps
        self.model.optimizer.learning_rate = self.peak * trapezoid(done)

    def on_epoch_end(self, epoch, logs=None):
        logs["learning_rate"] = float(self.model.optimizer.learning_rate)


class WeightAverage(keras.callbacks.Callback):
    """After each epoch, sets `mean` to a model whose weights are averaged over the ends of the last `epochs` epochs.

    At a high learning rate the weights oscillate around a minimum, and their mean is nearer to it (Polyak & Juditsky
    1992, SIAM Journal on Control and Optimization; Izmailov et al. 2018, arXiv:1803.05407). Training itself continues
    from the last weights. In the list of callbacks it must precede those that use `mean`.
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
            # Dropout's random states are integers, whose average would be meaningless.
            [np.mean(each, axis=0) if each[0].dtype == np.float32 else each[-1] for each in columns]
        )


class WordErrorRate(keras.callbacks.Callback):
    """Measures loss, WER and CER (greedy) on validation speech after each epoch, and adds them to the logs.

    In the list of callbacks it must precede those that watch `val_wer`, `val_cer` or `val_loss`. Each of several
    workers measures a part of the speech, and their counts are summed. Raises TrainingError if no clip can be read.
    """

    def __init__(self, valid: Speech, batch_seconds: float, average: WeightAverage, workers: Workers):
        super().__init__()
        mine = valid.utterances[workers.rank :: workers.count]
        self.batches = validation_batches(replace(valid, utterances=mine), batch_seconds) if mine else []
        self.average = average
        self.workers = workers
        self.pairs: list[tuple[str, str]] = []  # (reference, hypothesis) of the last epoch

    def on_train_begin(self, logs=None):
        # The signature leaves the length open, so the graph is built once and not for each new shape of batch.
        shape, model = tf.TensorSpec(self.model.input_shape, tf.float32), self.average.mean
        self.forward = tf.function(lambda batch: model(batch, training=False), input_signature=[shape])

    def on_epoch_end(self, epoch, logs=None):
        losses, self.pairs, alphabet = [], [], alphabet_of(self.model)
        for features, targets in self.batches:
            logits = self.forward(features)
            losses.extend(ctc_loss(targets, logits).numpy())
            for row, row_logits in zip(targets.numpy(), logits.numpy(), strict=True):
                labels = row[1:]
                hypothesis = greedy(row_logits[: row[0]], alphabet)  # (own output frames, classes)
                self.pairs.append((alphabet.decode(labels[labels >= 0]), hypothesis))
        count, loss, *edits = self.workers.total(len(self.pairs), float(np.sum(losses)), *self.edits())
        if not count:
            raise TrainingError("no clip of the validation speech can be read any more; restore it, then --resume")
        # The history's training loss is that of the main output, so that it is comparable with the validation loss.
        if logs.pop("main_ctc_loss", None) is not None:
            metric = metric_of(self.model, "main_ctc_loss")
            total, rows = self.workers.total(float(metric.total), float(metric.count))
            logs["loss"] = total / rows
        logs |= {"val_loss": loss / count, "val_wer": edits[0] / edits[1], "val_cer": edits[2] / edits[3]}

    def edits(self) -> list[int]:
        """Return the numbers of word errors, words, character errors and characters of the last epoch."""
        if not self.pairs:
            return [0, 0, 0, 0]
        references, hypotheses = map(list, zip(*self.pairs, strict=True))
        rates = [count(references, hypotheses) for count in (word_errors, character_errors)]
        return [int(number.sum()) for rate in rates for number in (rate.errors, rate.lengths)]


class Progress(keras.callbacks.Callback):
    """Shows a bar during each epoch; after it, prints unreadable clips, a line of figures, and some sentences.

    Args:
        speech: the training speech.
        valid: the validation speech.
        watcher: the callback that measured the epoch.
        sentences: how many validation sentences to print with their transcriptions.
        every: print figures and sentences of every n-th epoch; the first and the last are always printed.
    """

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
            lines = new[:3]
            if len(new) > 3:
                lines.append(f"{speech.name}: {len(new) - 3} more")
            for line in lines:
                print(f"left out: {line}", file=sys.stderr)
