# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 13 · More machines
#
# You will let two processes train one network and see that they learn what one process learns. You will know what is
# copied, what is summed, and when more machines stop to help.
#
# | | |
# |---|---|
# | **Objectives** | split a batch among workers without changing the step · start one training on several machines · recognise three classic faults by their signs · say beforehand what more machines will bring |
# | **Needs** | notebooks 05 and 06; no network, no GPU, no second machine: two processes of this one stand in |
# | **Minutes** | ci, fast, workshop, full: under 1 |

# %%
import csv
import json
import os
import shutil
import socket
import subprocess
import sys

import numpy as np
import tensorflow as tf

from asr_helpers.batches import batches_per_epoch, load_speech, training_batches
from asr_helpers.corpus import data_dir
from asr_helpers.network import FastBidirectional, build_model, ctc_loss
from asr_helpers.show import plots
from asr_helpers.teaching import check
from asr_helpers.text import decode

PROFILE = os.environ.get("ASR_PROFILE", "fast")
RUNS = data_dir().parent / "runs"
plots.style()
print("profile", PROFILE, "· TensorFlow", tf.__version__)

# %% [markdown]
# ## Who does what?
#
# The network of these notebooks learned from 12 hours of speech in some hours on two cores. All of LibriSpeech has 80 times
# as much. Nobody waits for that. The usual way out is *data parallelism*:
#
# 1. Each *worker*, a process on some machine, has a **copy** of the whole network.
# 2. Each takes **other rows** of the same batch, and computes the gradient of their loss.
# 3. The gradients are **summed** over all workers, and each gets the sum. This is called an *all-reduce*.
# 4. Each makes the same step with the same sum. So the copies stay equal, and no weights need to be sent.
#
# Is that the same step as one process makes with the whole batch? Take one batch, and two workers with half of its rows each.

# %%
speech = load_speech(data_dir() / "mini" / "dev-mini")
features, targets = next(batch for batch in training_batches(speech, 30) if len(batch[0]) % 2 == 0)
model = build_model(1, 32, (8, 16), dropout=0.0, bidirectional=FastBidirectional)
print(f"{len(features)} rows of up to {features.shape[1] / 100:.1f} s")


# %%
def gradient(rows, training=False):
    """Return the loss of some rows of the batch, a mean, and its gradient, one long vector."""
    with tf.GradientTape() as tape:
        logits = model(features[rows], training=training)
        loss = tf.reduce_mean(ctc_loss(targets[rows], logits))
    parts = tape.gradient(loss, model.trainable_variables)
    return float(loss), np.concatenate([np.ravel(part) for part in parts])


EVERY, FIRST, SECOND = slice(None), slice(0, None, 2), slice(1, None, 2)

# %%
loss, whole = gradient(EVERY)
(loss_0, part_0), (loss_1, part_1) = gradient(FIRST), gradient(SECOND)
print(f"loss {loss:.4f}; of the halves {loss_0:.4f} and {loss_1:.4f}, their mean {(loss_0 + loss_1) / 2:.4f}")
assert np.allclose((part_0 + part_1) / 2, whole, atol=1e-4 * np.abs(whole).max())

# %% [markdown]
# Two halves, summed and halved, are the whole: the loss is a mean over rows, and the gradient of a sum is the sum of the
# gradients. There is nothing to be lost, up to the last digits of float32.
#
# ## And if the halves are no halves?
#
# Five rows on two workers are three and two. What is the mean of the means then?

# %%
three, two = slice(0, 3), slice(3, 5)
of_five, (by_three, by_two) = gradient(slice(0, 5))[0], (gradient(rows)[0] for rows in (three, two))
print(f"mean of five {of_five:.4f}, mean of the two means {(by_three + by_two) / 2:.4f}")
weights = 2 * 3 / 5, 2 * 2 / 5  # of 2 workers, 5 rows
weighted = (weights[0] * by_three + weights[1] * by_two) / 2
assert np.isclose(weighted, of_five, rtol=1e-5)

# %% [markdown]
# A row of the smaller share would count more than one of the larger. So each mean is weighted by the rows that it is of.
# `training_batches(worker=(1, 2))` gives worker 1 of 2 its rows, and these weights as a third array.
#
# ## Break it: a norm that only knows its own rows
#
# Until now the network was not in training: *BatchNorm* used the means that it had stored. In training it measures them
# on the batch. On which batch, if there are two workers?

# %%
_, whole = gradient(EVERY, training=True)
(_, part_0), (_, part_1) = gradient(FIRST, training=True), gradient(SECOND, training=True)
off = np.linalg.norm((part_0 + part_1) / 2 - whole) / np.linalg.norm(whole)
print(f"the sum of the gradients is wrong by {off:.0%} of its length")
assert off > 0.01

# %% [markdown]
# **Diagnosis.** Each worker gave its channels mean 0 and deviation 1 over *its* rows. So the same recording was another
# input, depending on its company. Nothing crashes, and with large shares it hardly matters. With a row or two a worker it
# does. The sign: training and validation loss differ more, the more workers there are.
#
# The mend is a *synchronised BatchNorm*. What must be summed over the workers for it? Not the deviations:

# %%
x = np.random.default_rng(0).normal(size=(6, 100)) * np.arange(1, 7)[:, None] + np.arange(6)[:, None]
halves = x[:3], x[3:]
print(f"variance {x.var():.2f}, mean of the halves' variances {np.mean([half.var() for half in halves]):.2f}")
count = sum(half.size for half in halves)
mean = sum(half.sum() for half in halves) / count
variance = sum(np.square(half - mean).sum() for half in halves) / count
assert np.allclose([mean, variance], [x.mean(), x.var()])

# %% [markdown]
# Counts and sums first, which make the common mean. Then the sums of squares around *that*. This is what
# `asr_helpers.training.workers` puts into each norm, where it leaves the padding out, as well.
#
# ## The real thing
#
# How does a process learn that there are others? By the variable `TF_CONFIG`: who all are, and which of them it is. The
# launchers of clusters set it. Two processes on one machine will do.
#
# Here all addresses are 127.0.0.1, so the workers connect through a file of yours, a *Unix socket*, and open no port. On
# several machines TensorFlow opens a port on each, and anyone who reaches it can read and write files as you. So the
# network must let only the machines of the training reach these ports, and nobody else may read or change what they send.

# %%
SCRIPT = """
import sys
from dataclasses import replace
from asr_helpers.corpus import data_dir
from asr_helpers.batches import load_speech
from asr_helpers.training import PROFILES, train

speech = load_speech(data_dir() / "mini" / "dev-mini")
few = replace(speech, utterances=2 * speech.utterances[:7])
valid = replace(speech, utterances=speech.utterances[24:27])
profile = replace(PROFILES["ci"], dropout=0.0, epochs=2, batch_seconds=20)
train(few, valid, sys.argv[1], profile, sentences=0)
"""


def begin(run, config=""):
    """Start a process that trains in the folder `run`."""
    shutil.rmtree(RUNS / run, ignore_errors=True)
    command = [sys.executable, "-c", SCRIPT, RUNS / run]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.Popen(command, env=os.environ | {"TF_CONFIG": config}, **quiet)


# %%
ports = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]  # two that are free
addresses = [f"127.0.0.1:{port.getsockname()[1]}" for port in ports]
for port in ports:
    port.close()
configs = [
    json.dumps({"cluster": {"worker": addresses}, "task": {"type": "worker", "index": rank}}) for rank in range(2)
]
print(configs[1].replace(addresses[0], "HOST:PORT").replace(addresses[1], "HOST:PORT"))

# %%
workers = [begin("13-two", config) for config in configs]
alone = begin("13-alone")
assert [process.wait(timeout=600) for process in (*workers, alone)] == [0, 0, 0]

# %%
histories = {}
for run in ("13-alone", "13-two"):
    with open(RUNS / run / "history.csv", encoding="utf-8") as file:
        histories[run] = [[float(row[name]) for name in ("loss", "val_loss")] for row in csv.DictReader(file)]
    print(f"{run:9}", *(f"loss {loss:.4f}, validation {valid:.4f};" for loss, valid in histories[run]))
assert np.allclose(histories["13-alone"], histories["13-two"], rtol=1e-3)

# %% [markdown]
# One curve. That is what the script does with `train`, and `asr train` with the same variable; the script leaves dropout
# out, whose random numbers each worker draws for itself. Augmentation stays in: it is drawn from (seed, epoch, number of
# the clip), so it does not matter which worker hears a clip. Only the first worker, the *chief*, writes the run's folder.
#
# What do two workers do with their time? The picture was measured on two cores, one for each
# (`python benchmarks/scaling.py --json`):

# %%
measured = json.loads((data_dir().parent / "benchmarks" / "scaling.json").read_text(encoding="utf-8"))
alt = "six steps of two workers one below the other: both begin and end each step together"
figure, ax = plots.new(size=(8, 1.6), alt=alt)
for rank, steps in enumerate(measured["measured"]["timeline_of_the_two"]):
    spans = [(begin, end - begin) for begin, end in steps]
    ax.broken_barh(spans, (rank - 0.35, 0.7), color=[plots.BLUE, plots.SKY], edgecolor="white")
ax.set_yticks([0, 1], ["worker 0", "worker 1"])
ax.invert_yaxis()
ax.set(xlabel="seconds")
plots.save(figure, "13_two_workers")

# %% [markdown]
# Nobody is ahead: a step ends when the last gradient has come. So the slowest worker sets the pace, and one that is gone
# stops all. (`asr train` says so in a line, and goes on with `--resume` where all stood.)
#
# ## Break it: a share that is heard twice
#
# Somebody starts both processes with the same index, or cuts the corpus in two and gives both the same half. What is the
# sign of that?


# %%
def heard(rank):
    """Return the texts of the first epoch that worker `rank` of 2 hears."""
    steps = batches_per_epoch(speech, 20, workers=2)
    batches = training_batches(speech, 20, worker=(rank, 2)).take(steps)
    return [decode(row[1:][row[1:] >= 0]) for _, targets, _ in batches for row in targets.numpy()]


zero, one = heard(0), heard(1)
print(f"as it should be: {len(zero + one)} heard, {len({*zero, *one})} of them different")
print(f"the same twice:  {len(zero + zero)} heard, {len({*zero, *zero})} of them different")

# %%
print("losses of the workers on one batch:", f"{loss_0:.4f} and {loss_1:.4f}")
print("the same share twice:              ", f"{loss_0:.4f} and {loss_0:.4f}")
assert np.allclose((part_0 + part_0) / 2, part_0)  # and the step is that of one worker

# %% [markdown]
# **Diagnosis.** The training loss falls beautifully: it is that of half of the speech. The validation loss is what one
# worker alone would reach. Look at two things: the workers' losses *before* they are summed (equal to the last digit means
# equal rows), and the number of different clips of an epoch. `asr train` compares what all workers are about to do before
# it begins, and takes the rank from `TF_CONFIG`, where no address stands twice.
#
# ## Break it: many workers, the old learning rate
#
# The batch above was shared, so that the step was the same. One may also give each worker a batch *of its own*. Then the
# batch grows with the workers, and an epoch has fewer steps. A toy shows what follows: a line is fitted to 4 096 points,
# one epoch, by one worker with batches of 16, or by 16 workers.

# %%
rng = np.random.default_rng(1)
inputs = rng.normal(size=(4096, 20))
answers = inputs @ rng.normal(size=20) + rng.normal(size=4096) * 0.1


def epoch(workers, rate):
    """Return the error after each step of one epoch, with 16 rows for each worker."""
    line, errors = np.zeros(20), []
    for start in range(0, 4096, 16 * workers):
        rows = slice(start, start + 16 * workers)
        wrong = inputs[rows] @ line - answers[rows]
        line -= rate * inputs[rows].T @ wrong / len(wrong)
        errors.append(np.mean((inputs @ line - answers) ** 2))
    return errors


# %%
tries = {
    "1 worker": (1, 0.03),
    "16 workers, the old rate": (16, 0.03),
    "16 workers, 16 times the rate": (16, 0.48),
    "16 workers, 70 times the rate": (16, 2.1),
}
alt = "error over the epoch: one worker falls; sixteen at the old rate hardly; at 16 times the rate as one; at 70 times it grows"
figure, ax = plots.new(size=(8, 2.8), alt=alt)
for name, (workers, rate) in tries.items():
    errors = epoch(workers, rate)
    ax.plot(np.arange(1, len(errors) + 1) / len(errors), errors, label=name)
ax.set(yscale="log", ylim=(5e-3, 1e3), xlabel="share of the epoch", ylabel="mean squared error")
ax.legend()
plots.save(figure, "13_learning_rate")

# %% [markdown]
# **Diagnosis.** A sixteenth of the steps, each as short as before: it gets a sixteenth of the way. It looks like a network
# that learns slowly, and like more data would help. A batch that is *n* times as large has a gradient with less noise, so
# a step may be up to *n* times as long: the *linear scaling rule*. It ends where the error's valley is too narrow for the
# step (the last curve), and it needs a warm-up. For Adam, which divides by the gradient's size, the root of *n* is the
# better guess.
#
# `asr train` shares the profile's batch, so nothing needs to be scaled. Whoever makes the batch larger
# (`replace(profile, batch_seconds=…)`) sets `learning_rate`, too.
#
# ## When do more machines stop to help?
#
# First what was measured, in one run: the same batches on one core, on two cores in one process, and on two processes.

# %%
for name, row in measured["measured"]["runs"].items():
    print(f"{name:30} {row['seconds_per_step']:.2f} s a step, {row['speed']:.2f} times as fast")
sent = measured["measured"]["summed_bytes_per_step"]
print(f"summed in each step: {sent / 1e6:.1f} MB, the gradients of all weights")

# %% [markdown]
# A step of two processes sends as many bytes as there are gradients, and loses hardly anything by that. What it loses, it
# loses to the data: each worker reads and augments *whole* batches here, for the longest row of all says how far each row is
# padded, and the norms see the padding. (The cores had a little other work at that time. It was the same for all three.)
#
# Then a model for more of them. A step takes the computing, divided by *N*; the sums, which in a ring of *N* workers make
# each of them send 2(*N* − 1)/*N* times the gradients; a wait for each message; and the decoding, which is not divided.

# %%
assumed, names = measured["modelled"]["assumed"], measured["modelled"]["assumed"]["workers"]
alt = (
    "times faster against workers, for a kept batch and for a batch per worker, at 1 and 10 gigabits a second; all bend"
)
figure, axes = plots.new(1, 2, (8, 3), alt, sharey=True)
for ax, hardware in zip(axes, assumed["hardware"], strict=True):
    for curve in (each for each in measured["modelled"]["curves"] if each["hardware"] == hardware):
        colour = plots.BLUE if curve["gigabits"] == 10 else plots.ORANGE
        style = "-" if curve["kept"] == "batch" else "--"
        label = f"{curve['gigabits']} Gbit/s, the same {curve['kept']}"
        ax.plot(names, curve["times_faster"], style, color=colour, label=label)
    ax.plot(names, names, ":", color=plots.GREY)
    ax.set(xscale="log", yscale="log", title=f"each worker: {hardware}", xlabel="workers", ylim=(0.05, 64))
    ax.set_xticks(names, names)
axes[0].legend(fontsize=7)
axes[0].set_ylabel("times as fast as one")
plots.save(figure, "13_scaling")

# %%
for name in ("batch_seconds", "summed_bytes_per_step", "rounds_per_step", "seconds_per_message", "decoded_by_a_core"):
    print(f"{name:22} {assumed[name]:>12,}")
for hardware, one in assumed["hardware"].items():
    where = "beside the training" if one["beside"] else "before each step"
    print(f"{hardware:22} trains {one['trains']} s of audio a second; {one['cores']} cores decode, {where}")

# %% [markdown]
# These are guesses with their reasons, not measurements: no cluster was at hand. What they say is the same everywhere:
#
# - The faster a worker is, the sooner the network between the machines is what one waits for. Eight processors on 1 Gbit/s
#   help each other; eight GPUs on it hinder each other. So fill one machine first.
# - A kept batch has an optimum, after which more workers are slower. A batch per worker goes further, and changes the
#   training (above).
# - Somewhere the data do not come fast enough: here because each worker decodes everything. A larger network, which
#   computes longer for each second of sound, moves that limit away.
#
# The commands for train-clean-100 on one GPU and on a Slurm cluster, with hours and disk to expect, are on
# [a page of their own](../notebooks/CLUSTER.md).
#
# ## Exercises
#
# Write into the empty cells and let `check` judge: it says what is right, and gives a hint where something is not.
# [All of them solved](../notebooks/solutions/13_more_machines.ipynb).

# %% [markdown] tags=["exercise"]
# ### Exercise 13.1 · Seven rows, three workers
#
# *easy · 5 minutes*
#
# Of a batch with 7 rows, worker 0 takes every third from the first, worker 1 every third from the second, and so on. With
# which three weights is the sum of the workers' mean losses, divided by 3, the mean over all rows?

# %% tags=["solution"]
answer = [3 * len(range(rank, 7, 3)) / 7 for rank in range(3)]
print(*(f"{weight:.3f}" for weight in answer))

# %% tags=["check"]
check("13.1", answer)

# %% [markdown] tags=["exercise"]
# ### Exercise 13.2 · How long does the sum take?
#
# *easy · 5 minutes*
#
# The gradients of the shipped network have 25.4 million bytes. Eight workers form a ring, and each can send 10 gigabits
# (10 000 million bits) a second. How many milliseconds does each of them send in a step? Leave the waits out.

# %% tags=["solution"]
answer = 1000 * 2 * (8 - 1) / 8 * 25.4e6 * 8 / 10e9
print(f"{answer:.1f} ms")

# %% tags=["check"]
check("13.2", answer)

# %% [markdown] tags=["exercise"]
# ### Exercise 13.3 · How many for twice the speed?
#
# *medium · 10 minutes*
#
# The same gradients on a network of 1 Gbit/s. One worker takes 1.28 seconds for a batch, which is kept and shared out.
# Again without the waits: how many workers are needed to be at least twice as fast?

# %% tags=["solution"]
step = {n: 1.28 / n + 2 * (n - 1) / n * 25.4e6 * 8 / 1e9 for n in range(1, 65)}
answer = next(n for n, seconds in step.items() if seconds <= 1.28 / 2)
print(f"{answer} workers; 64 of them are {1.28 / step[64]:.1f} times as fast")

# %% tags=["check"]
check("13.3", answer)

# %% [markdown] tags=["quiz"]
# ## Quiz
#
# **1. What do data-parallel workers send each other in every step?**
#
# - [ ] their weights | They are equal already, because all made the same steps.
# - [x] their gradients, to sum them | And what the norms measure. Every worker then makes the same step.
# - [ ] their rows of the batch | Each reads its own; the audio would be far more to send.
#
# **2. One worker of four is twice as slow as the others. How fast are they all together?**
#
# - [x] as fast as four slow ones | A step ends when the last gradient has come.
# - [ ] as fast as three and a half | Nobody takes over rows from it.
# - [ ] as fast as three | It is waited for, not left out.
#
# **3. Twice the workers, each with the batch that one had, the learning rate as before. What is seen?**
#
# - [ ] the same curve, epoch by epoch | An epoch has half the steps now.
# - [ ] a loss that is no number | That is what too high a rate does.
# - [x] an epoch that learns less | Half the steps, each as long as before.
#
# **4. Both workers print the same loss, to the last digit, for each of their shares. Good?**
#
# - [ ] yes, that is what the all-reduce is for | After the sum they must be equal; before it they are of other rows.
# - [x] no, they have the same rows | Half of the corpus is never heard.
# - [ ] it happens, if the network is good | Not in seven digits, batch after batch.
#
# **5. 16 GPUs on an ordinary office network, and a kept batch. What do you expect?**
#
# - [ ] nearly 16 times the speed | That would need a network that is as fast as the GPUs.
# - [ ] about 8 times | The sums take the same time for 2 or for 16.
# - [x] perhaps less than one of them alone | A GPU has its share of the batch done long before the gradients have been sent.

# %% [markdown]
# ## Recap
#
# - The network is copied, the batch is shared out, the gradients are summed: the step is that of one process.
# - Means need weights where shares differ, and norms need common sums.
# - Faults here do not crash. Compare losses before they are summed, and count different clips.
# - A larger batch wants a higher rate; a shared batch wants nothing.
# - More machines help until the sums, or the data, take longer than the computing.
#
# ## Further reading
#
# - [Goyal and others (2017), ImageNet in one hour](https://arxiv.org/abs/1706.02677): the linear scaling rule, and its warm-up.
# - [Patarasuk & Yuan (2009), the ring](https://doi.org/10.1016/j.jpdc.2008.09.002): why nobody can send less than 2(N − 1)/N.
# - [Malladi and others (2022), the square root for Adam](https://arxiv.org/abs/2205.10287): how to scale an adaptive optimizer.
# - [Shallue and others (2018), large batches](https://arxiv.org/abs/1811.03600): how far each model can be scaled, measured.
# - [TensorFlow, several workers with Keras](https://www.tensorflow.org/tutorials/distribute/multi_worker_with_keras): `TF_CONFIG` from its makers.
#
# Back to the beginning: [00 · Start here](00_start_here.ipynb). Or look into int8 files that went wrong, in the
# [appendix](A1_converter.ipynb).
