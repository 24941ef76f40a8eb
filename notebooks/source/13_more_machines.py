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
# You will let two processes train one network, and see that they learn what one process learns.

# %% jupyter={"source_hidden": true}
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

# %% jupyter={"source_hidden": true}
measured = json.loads((data_dir().parent / "benchmarks" / "scaling.json").read_text(encoding="utf-8"))["measured"]
timeline = measured["timeline_of_the_two"]
alt = "two lanes of six bars, one lane for each worker: the bars of both begin and end at the same times"
caption = "Six steps of two workers on a core each. A step ends for both at once, so the slower worker sets the pace."
figure, ax = plots.new(size=(7, 2.2), alt=alt, caption=caption)
for rank, steps in enumerate(timeline):
    spans = [(begin, end - begin) for begin, end in steps]
    ax.broken_barh(spans, (rank - 0.35, 0.7), color=[plots.BLUE, plots.SKY], edgecolor="white", linewidth=1.5)
for number, (begin, end) in enumerate(timeline[0], start=1):
    ax.text(
        (begin + end) / 2,
        0,
        f"step {number}",
        ha="center",
        va="center",
        fontsize=9,
        color=["black", "white"][number % 2],
    )
ax.set_yticks([0, 1], ["worker 0", "worker 1"])
ax.invert_yaxis()
ax.set(xlabel="time (s)", xlim=(0, timeline[0][-1][1]))
plots.save(figure, "13_two_workers")

# %% [markdown] tags=["about"]
# Each worker has its own half of every batch. At the end of a step they add up what they have learned. What exactly do
# they add, and when do more of them stop helping?
#
# | | |
# |---|---|
# | **Objectives** | split a batch among workers without changing the step · start one training on several machines · recognise three classic faults · estimate beforehand what more machines will bring |
# | **Needs** | notebooks [05](05_crnn_and_ctc.ipynb) and [06](06_training.ipynb); no network, no GPU, no second machine: two processes of this one stand in |
# | **Minutes** | under 1 |

# %% [markdown]
# ## What does each worker do?
#
# On two CPU cores, the 100 hours of train-clean-100 would take [an estimated 52 hours](../notebooks/CLUSTER.md), and all of
# LibriSpeech has ten times as much. The usual way out is *data parallelism*:
#
# 1. Each *worker*, a process on some machine, has a **copy** of the whole network.
# 2. Each takes **different rows** of the same batch, and computes the gradient of their loss.
# 3. The gradients are **summed** over all workers, and each gets the sum. This is called an *all-reduce*.
# 4. Each makes the same step with the same sum. So the copies stay equal, and no weights need to be sent.
#
# Is that the same step that one process makes with the whole batch? Take one batch, and two workers with half of its rows
# each.

# %%
speech = load_speech(data_dir() / "mini" / "dev-mini")
features, targets = next(batch for batch in training_batches(speech, 30) if len(batch[0]) % 2 == 0)
model = build_model(1, 32, (8, 16), dropout=0.0, bidirectional=FastBidirectional)
print(f"{len(features)} rows of up to {features.shape[1] / 100:.1f} s")


# %%
def gradient(rows, training=False):
    """Return the mean loss of some rows of the batch, and its gradient as one long vector."""
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
# The mean of the two halves is the whole: the loss is a mean over rows, and the gradient of a sum is the sum of the
# gradients. Nothing is lost but the last digits of float32.
#
# ## What if the halves differ in size?
#
# Five rows on two workers make shares of three and two. What is the mean of the means then?

# %%
three, two = slice(0, 3), slice(3, 5)
of_five, by_three, by_two = (gradient(rows)[0] for rows in (slice(0, 5), three, two))
print(f"mean of five {of_five:.4f}, mean of the two means {(by_three + by_two) / 2:.4f}")
weights = 2 * 3 / 5, 2 * 2 / 5  # 2 workers, 5 rows
weighted = (weights[0] * by_three + weights[1] * by_two) / 2
assert np.isclose(weighted, of_five, rtol=1e-5)

# %% [markdown]
# A row of the smaller share would count more than a row of the larger one. So each mean is weighted by its number of rows.
# `training_batches(worker=(1, 2))` gives worker 1 of 2 its rows, and these weights as a third array.
#
# ## Break it: a norm that knows only its own rows
#
# So far the network was not in training: *BatchNorm* used its stored means. In training it measures them on the batch. On
# which batch, if there are two workers?

# %%
_, whole = gradient(EVERY, training=True)
(_, part_0), (_, part_1) = gradient(FIRST, training=True), gradient(SECOND, training=True)
off = np.linalg.norm((part_0 + part_1) / 2 - whole) / np.linalg.norm(whole)
print(f"the sum of the gradients is wrong by {off:.0%} of its length")
assert off > 0.01

# %% [markdown]
# *Diagnosis.* Each worker gave its channels mean 0 and deviation 1 over *its own* rows. So the same recording became
# another input, depending on which rows were beside it. Nothing crashes. The fewer rows a worker has, the less its
# means say about the whole batch.
#
# The remedy is *synchronised BatchNorm*. What must be summed over the workers for it? Not the deviations:

# %%
x = np.random.default_rng(0).normal(size=(6, 100)) * np.arange(1, 7)[:, None] + np.arange(6)[:, None]
halves = x[:3], x[3:]
print(f"variance {x.var():.2f}, mean of the halves' variances {np.mean([half.var() for half in halves]):.2f}")
count = sum(half.size for half in halves)
mean = sum(half.sum() for half in halves) / count
variance = sum(np.square(half - mean).sum() for half in halves) / count
assert np.allclose([mean, variance], [x.mean(), x.var()])

# %% [markdown]
# First the counts and sums, which give the common mean. Then the sums of squares around *that* mean.
# `asr_helpers.training.workers` does this in each norm, and leaves out the padding.
#
# ## Two real workers
#
# How does a process learn that there are others? From the variable `TF_CONFIG`: it lists all workers, and says which of
# them this process is. On a cluster, the launcher sets it. Two processes on one machine will do here.
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


# %% jupyter={"source_hidden": true}
ports = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]  # two that are free
addresses = [f"127.0.0.1:{port.getsockname()[1]}" for port in ports]
for port in ports:
    port.close()

# %%
cluster = {"worker": addresses}
configs = [json.dumps({"cluster": cluster, "task": {"type": "worker", "index": rank}}) for rank in range(2)]
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
# The losses of both epochs agree to better than a thousandth. `asr train` does the same as this script if `TF_CONFIG` is
# set. The script leaves out dropout, because each worker draws its own random numbers for it. Augmentation stays in: it is
# drawn from (seed, epoch, number of the clip), so it does not matter which worker hears a clip. Only the first worker, the
# *chief*, writes the folder of the run.
#
# A step ends when the last gradient has arrived, as in the figure at the top. So the slowest worker sets the pace, and if
# one stops, all stop. (`asr train` says so in one line, and `--resume` continues where they stopped.)
#
# ## Break it: a share that is heard twice
#
# Somebody starts both processes with the same index, or cuts the corpus in two and gives both the same half. How would you
# notice?


# %%
def heard(rank):
    """Return the texts that worker `rank` of 2 hears in the first epoch."""
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
# *Diagnosis.* Nothing crashes, and half of the speech is never heard. Look at two things: the workers' losses *before* they
# are summed (equal to the last digit means equal rows), and the number of different clips in an epoch. `asr train` compares
# what all workers are about to do before it begins, and takes the rank from `TF_CONFIG`, in which no address occurs twice.
#
# ## Break it: many workers, the old learning rate
#
# The batch above was shared, so the step was the same. You can also give each worker a batch *of its own*. Then the batch
# grows with the workers, and an epoch has fewer steps. A toy shows what follows: a line is fitted to 4 096 points in one
# epoch, by one worker with batches of 16, or by 16 workers.

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


# %% jupyter={"source_hidden": true}
tries = {
    "16 workers, 70 times the rate": (16, 2.1, plots.PINK, (0.57, 250)),
    "16 workers, the old rate": (16, 0.03, plots.ORANGE, (0.6, 28)),
    "1 worker": (1, 0.03, plots.BLUE, (0.33, 0.4)),
    "16 workers, 16 times the rate": (16, 0.48, plots.GREEN, (0.5, 0.04)),
}
alt = "error over the epoch: with one worker it falls; with sixteen it hardly falls at the old rate, falls as fast at 16 times the rate, and grows at 70 times"
caption = (
    "Sixteen workers need a higher rate (green) to do in one epoch what one worker does. Too high, and it diverges."
)
figure, ax = plots.new(size=(7, 3.6), alt=alt, caption=caption)
for name, (workers_there, rate, color, place) in tries.items():
    errors = epoch(workers_there, rate)
    ax.plot(np.arange(1, len(errors) + 1) / len(errors), errors, color=color)
    ax.text(*place, name, color=color)
ax.set(yscale="log", ylim=(5e-3, 1e3), xlim=(0, 1), xlabel="share of the epoch", ylabel="mean squared error")
plots.save(figure, "13_learning_rate")

# %% [markdown]
# *Diagnosis.* A sixteenth of the steps, each as short as before, go a sixteenth of the way. It looks like a network that
# learns slowly and needs more data. A batch that is *n* times as large has a less noisy gradient, so a step may be up to
# *n* times as long: the *linear scaling rule*. It ends where the valley of the error is too narrow for the step (the pink
# line), and it needs a warm-up. For Adam, which divides by the gradient's size, the square root of *n* is the better guess.
#
# `asr train` shares the batch of the profile, so nothing needs to be scaled. If you make the batch larger
# (`replace(profile, batch_seconds=…)`), set `learning_rate`, too.
#
# ## When do more machines stop helping?
#
# First, what was measured in one run of `python benchmarks/scaling.py --json`: the same batches on one core, on two cores
# in one process, and in two processes.

# %%
for name, row in measured["runs"].items():
    print(f"{name:30} {row['seconds_per_step']:.2f} s a step, {row['speed']:.2f} times as fast")
print(f"summed in each step: {measured['summed_bytes_per_step'] / 1e6:.1f} MB, the gradients of all weights")

# %% [markdown]
# Two processes are hardly slower than one process on both cores, so the sums cost little here. But neither is twice as
# fast as one core. One reason is the input: each worker of `asr train` reads and augments *whole* batches, because the
# longest row of the whole batch decides the padding, which the norms see.
#
# For more machines we can only calculate. **This is a model, not a measurement.** The computation of a step is divided by
# *N*. The sums are not: in a ring of *N* workers, each sends 2(*N* − 1)/*N* times all gradients. Suppose that a GPU needs
# 68 ms for a batch of 320 s (as [measured on an H200](../notebooks/CLUSTER.md)), and that the network carries 10 gigabits a
# second.

# %%
NUMBERS = 6.34e6  # the gradients of the shipped network


def sums(workers, gigabits=10, number_bytes=4):
    """Return the seconds in which a ring sums all gradients."""
    return 2 * (workers - 1) / workers * NUMBERS * number_bytes * 8 / (gigabits * 1e9)


for workers_there in (1, 2, 8, 64):
    print(
        f"{workers_there:2} GPUs: {68 / workers_there:4.1f} ms of computing, {1000 * sums(workers_there):4.1f} ms of sums"
    )

# %% [markdown]
# Training on clusters, with Horovod or PyTorch's DDP, usually does three things that `asr train` does not:
#
# - It **shards the input**: each worker reads only its own rows.
# - It **overlaps** the sums with the backward pass: the gradients of the last layers are sent while those of the first
#   are still being computed. The backward pass is about two thirds of the computation.
# - It can send gradients in **16 bits**, which halves the bytes.


# %%
def overlapped(workers, computing, **network):
    """Return the seconds of a step in which the sums run beside the backward pass."""
    forward, backward = computing / workers / 3, 2 * computing / workers / 3
    return forward + max(backward, sums(workers, number_bytes=2, **network))


for workers_there in (2, 8, 64):
    plain = 0.068 / workers_there + sums(workers_there)
    best = overlapped(workers_there, 0.068)
    print(
        f"{workers_there:2} GPUs: {0.068 / plain:.1f} times as fast, with overlap and 16 bits {0.068 / best:.1f} times"
    )

# %% jupyter={"source_hidden": true}
names = [1, 2, 4, 8, 16, 32, 64]
computing = 68 / np.array(names)
alt = "bars of the time of a step for 1 to 64 GPUs: the computation shrinks to nothing, the sums stay near 40 ms, or near 20"
caption = (
    "A model: more workers shrink the computation (blue), but not the sums (orange). Overlap and 16 bits halve them."
)
figure, axes = plots.new(2, 1, (7, 4.6), alt, caption, sharex=True, sharey=True)
waits = [[1000 * sums(n) for n in names], [1000 * overlapped(n, 0.068) - 68 / n for n in names]]
titles = ["sums after the computation, 32 bits", "sums beside the backward pass, 16 bits"]
for ax, wait, title in zip(axes, waits, titles, strict=True):
    ax.bar(range(len(names)), computing, color=plots.BLUE, label="computing")
    ax.bar(range(len(names)), wait, bottom=computing, color=plots.ORANGE, label="waiting for sums")
    ax.set(title=title, ylabel="ms a step")
axes[0].legend(loc="upper right")
axes[1].set_xticks(range(len(names)), names)
axes[1].set_xlabel("GPUs, which share one batch")
plots.save(figure, "13_scaling")

# %% [markdown]
# What holds in every such model:
#
# - The faster a worker is, the sooner the network between the machines is the bottleneck. CPUs, which need seconds for what
#   a GPU does in milliseconds, gain from more workers for longer. So use all GPUs of one machine first.
# - If the workers share one batch, each has less to compute, and at some number more workers no longer help. If each has a
#   batch of its own, they gain for longer, but the training changes (above).
# - The model leaves out the latency of each message and the input. The input must keep up, too: the pipeline of this series
#   would not feed that GPU from two CPU cores.
#
# The commands for train-clean-100 on one GPU and on a Slurm cluster, with the hours and disk space to expect, are on
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
# Of a batch with 7 rows, worker 0 of 3 takes every third from the first, worker 1 every third from the second, and so on.
# Write a function of the number of rows and the number of workers that returns a weight for each worker: the sum of the
# weighted means, divided by the number of workers, must be the mean over all rows. `answer` is the function.


# %% tags=["solution"]
def answer(rows, workers):
    return [workers * len(range(rank, rows, workers)) / rows for rank in range(workers)]


print(*(f"{weight:.3f}" for weight in answer(7, 3)))

# %% tags=["check"]
check("13.1", answer)

# %% [markdown] tags=["exercise"]
# ### Exercise 13.2 · A server instead of a ring
#
# *medium · 8 minutes*
#
# Suppose that all workers send their gradients to one more machine, which sums them and sends the sum back to each worker.
# Its link carries one direction at a time. Write a function of the number of workers and the gigabits a second that returns
# the seconds for one step, for gradients of `NUMBERS` numbers of four bytes. Compare it with `sums`. `answer` is the
# function.


# %% tags=["solution"]
def answer(workers, gigabits):
    return 2 * workers * NUMBERS * 4 * 8 / (gigabits * 1e9)


for number in (2, 8, 64):
    print(f"{number:2} workers: a server {answer(number, 10):.2f} s, a ring {sums(number):.2f} s")

# %% tags=["check"]
check("13.2", answer)

# %% [markdown] tags=["exercise"]
# ### Exercise 13.3 · How many for twice the speed?
#
# *medium · 10 minutes*
#
# One worker computes a step in `computing` seconds; the batch is shared among the workers, and the sums come after the
# computation, as in `sums`. Write a function of `computing` and `gigabits` that returns the smallest number of workers that
# is at least twice as fast, or 0 if no number up to 64 is. Then try a CPU (1.28 s) and the GPU (0.068 s), at 1 and at 10
# gigabits a second. `answer` is the function.


# %% tags=["solution"]
def answer(computing, gigabits):
    steps = {n: computing / n + sums(n, gigabits) for n in range(1, 65)}
    return next((n for n, seconds in steps.items() if seconds <= computing / 2), 0)


for computing, gigabits in ((1.28, 1), (1.28, 10), (0.068, 1), (0.068, 10)):
    print(f"{computing} s at {gigabits} Gbit/s: {answer(computing, gigabits)} workers")

# %% tags=["check"]
check("13.3", answer)

# %% [markdown]
# ### Open task · A cluster for your corpus
#
# *20 minutes, alone or in pairs*
#
# You have 1 000 hours of speech, a week, and machines that you can name: rented GPUs, or the computers of a classroom at
# night. A good answer has three parts:
#
# | | |
# |---|---|
# | **an estimate** | the hours of training with 1, 4 and 16 workers, with the speed, the network and the sources of both numbers |
# | **a bottleneck** | what limits 16 workers (computing, sums or input), and the number that shows it |
# | **a test** | the cheapest experiment that would show that your estimate is wrong |

# %% [markdown] tags=["quiz"]
# ## Quiz
#
# **1. What do data-parallel workers send each other in every step?**
#
# - [ ] their weights | They are equal already, because all made the same steps.
# - [x] their gradients, to sum them | And what the norms measure. Every worker then makes the same step.
# - [ ] their rows of the batch | Each reads its own; the audio would be far more to send.
#
# **2. One worker of four is half as fast as the others. How fast are they all together?**
#
# - [x] as fast as four slow ones | A step ends when the last gradient has arrived.
# - [ ] as fast as three and a half | Nobody takes over rows from it.
# - [ ] as fast as three | The others wait for it; they do not leave it out.
#
# **3. Twice the workers, each with the batch that one had, the learning rate as before. What happens?**
#
# - [ ] the same curve, epoch by epoch | An epoch has half the steps now.
# - [ ] the loss becomes infinite | That is what too high a rate does.
# - [x] an epoch learns less | It has half the steps, each as long as before.
#
# **4. Both workers print the same loss, to the last digit, for each of their shares. Good?**
#
# - [ ] yes, that is what the all-reduce is for | After the sum they must be equal; before it they belong to different rows.
# - [x] no, they have the same rows | Half of the corpus is never heard.
# - [ ] it happens if the network is good | Not in seven digits, batch after batch.
#
# **5. 16 fast GPUs, one in each machine of an office (1 gigabit a second), share one batch. What do you expect?**
#
# - [ ] nearly 16 times the speed | That would need sums that take far less time than a sixteenth of the computation.
# - [ ] about 8 times, because half of each step is sums | In the model above, the sums of a step take several times as long as one GPU's whole step.
# - [x] perhaps less than one of them alone | At 1 Gbit/s, the ring needs 0.38 s per step; one H200 computes the whole batch in 0.07 s.

# %% [markdown]
# ## Recap
#
# - The network is copied, the batch is shared, the gradients are summed: the step is that of one process.
# - Means need weights if shares differ, and norms need common sums.
# - Faults here do not crash. Compare losses before they are summed, and count different clips.
# - A larger batch needs a higher rate; a shared batch needs no change.
# - More machines help until the sums, or the input, take longer than the computation.
#
# ## Further reading
#
# - [Goyal and others (2017), ImageNet in one hour](https://arxiv.org/abs/1706.02677): the linear scaling rule, and its warm-up.
# - [Patarasuk & Yuan (2009), the ring](https://doi.org/10.1016/j.jpdc.2008.09.002): why no all-reduce sends less than 2(N − 1)/N.
# - [Sergeev & Del Balso (2018), Horovod](https://arxiv.org/abs/1802.05799): the ring in practice, for TensorFlow.
# - [Li and others (2020), PyTorch Distributed](https://arxiv.org/abs/2006.15704): how DDP overlaps sums and the backward pass.
# - [Malladi and others (2022), the square root for Adam](https://arxiv.org/abs/2205.10287): how to scale an adaptive optimizer.
# - [Shallue and others (2018), large batches](https://arxiv.org/abs/1811.03600): how far each model can be scaled, measured.
# - [TensorFlow, several workers with Keras](https://www.tensorflow.org/tutorials/distribute/multi_worker_with_keras): the makers of `TF_CONFIG` explain it.
#
# Next: [14 · Live](14_live.ipynb), captions while you speak. Or look into int8 files that went wrong, in [appendix
# A1](A1_converter.ipynb).
