"""What do more machines bring, and what does more speech cost?

    python benchmarks/scaling.py [--json]

- measured: the network of the profile `fast` on batches of 80 s of data/mini, in one run: one process on one core, one
  process on two cores, and two processes on one core each that train together, with `OneMachine`. Seconds per step,
  without the first ones; the difference of their losses (in the digits that bfloat16 rounds away).
- modelled: 1 to 64 workers, from one worker's time per batch, the decoding speed of a core, the bytes of the gradients
  and the assumptions in `MODEL`. A ring of N workers sends 2 (N - 1) / N times the bytes of what is summed.
- large: time and memory before the first batch of 10, 100 and 1 000 hours, in a process each. The records have their
  true sizes but no content (sparse files): only their index is read.
"""

import argparse
import json
import os
import random
import resource
import socket
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from common import arguments, finish, measure_apart, start_apart

BATCH_SECONDS = 80
WARM_UP = 5  # steps that trace graphs and fill buffers
MODEL = {
    "workers": [1, 2, 4, 8, 16, 32, 64],
    "gigabits_per_second": [1, 10],
    "seconds_per_message": 1e-4,  # over a switch, with what TensorFlow's gRPC adds
    # In `Workers.distribute`: two sums for each BatchNorm, one after the other, forwards and backwards; then gradients.
    "sums_after_one_another": "4 per BatchNorm + 1",
    "network": "workshop, full: 3 x BiLSTM-256",
    "batch_seconds": 320,
    # Seconds of audio that one worker trains in a second (`training_speed.py` measures it for two cores; of a GPU
    # nothing was measured), and how many cores decode, beside the training or before it on the same cores.
    "hardware": {
        "two CPU cores": {"trains": 250, "cores": 2, "beside": False},
        "a GPU (assumed)": {"trains": 5000, "cores": 8, "beside": True},
    },
}


def train_worker(steps: int) -> None:
    """Train `steps` steps as one worker of TF_CONFIG; print start, end and loss of each."""
    import keras

    from asr_helpers.batches import batches_per_epoch, load_speech
    from asr_helpers.corpus import data_dir
    from asr_helpers.training import PROFILES, train

    class Times(keras.callbacks.Callback):
        def __init__(self):
            super().__init__()
            self.rows = []

        def on_train_batch_begin(self, batch, logs=None):
            self.start = time.perf_counter()

        def on_train_batch_end(self, batch, logs=None):
            self.rows.append([self.start, time.perf_counter(), float(logs["loss"])])

    speech = load_speech(data_dir() / "mini" / "train-mini")
    valid = replace(speech, utterances=speech.utterances[:2])
    speech.utterances = in_full_batches(speech.utterances)
    epochs = -(-steps // batches_per_epoch(speech, BATCH_SECONDS))
    # Without dropout, whose random numbers are each worker's own, the losses can be compared.
    profile = replace(PROFILES["fast"], batch_seconds=BATCH_SECONDS, epochs=epochs, dropout=0.0)
    times = Times()
    with tempfile.TemporaryDirectory() as folder:
        train(speech, valid, Path(folder), profile, sentences=0, callbacks=[times])
        print(json.dumps(times.rows[:steps]))


def in_full_batches(utterances: list) -> list:
    """Return the utterances that fill batches: two workers drop a batch of one row."""
    import numpy as np

    from asr_helpers.batches import buckets
    from asr_helpers.sound import num_frames

    bounds, sizes = buckets(BATCH_SECONDS)
    bucket = np.searchsorted(bounds, [num_frames(each.samples) for each in utterances], side="right")
    members = [[utterances[place] for place in np.flatnonzero(bucket == number)] for number in range(len(sizes))]
    return [each for held, size in zip(members, sizes, strict=True) for each in held[: len(held) // size * size]]


def measure_steps(steps: int) -> dict:
    """Return the seconds per step of one process on one core and on two, and of two processes on one core each."""
    first, second = sorted(os.sched_getaffinity(0))[:2]
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    addresses = [f"127.0.0.1:{each.getsockname()[1]}" for each in sockets]
    for each in sockets:
        each.close()
    configs = [{"cluster": {"worker": addresses}, "task": {"type": "worker", "index": rank}} for rank in range(2)]

    def start(cores: set[int], config: dict | None = None):
        tf_config = json.dumps(config) if config else ""
        return start_apart(__file__, "--worker", str(steps), cores=cores, TF_CONFIG=tf_config, TF_CPP_MIN_LOG_LEVEL="3")

    runs = {
        "one process, one core": finish(start({first})),
        "one process, two cores": finish(start({first, second})),
        "two processes, one core each": finish(start({first}, configs[0]), start({second}, configs[1])),
    }
    rows = {}
    for name, (chief, *_) in runs.items():
        after = chief[WARM_UP:]
        rows[name] = {
            "seconds_per_step": round(statistics.mean(end - begin for begin, end, _ in after), 4),
            "last_loss": chief[-1][2],
        }
    alone = rows["one process, one core"]
    for row in rows.values():
        row["speed"] = round(alone["seconds_per_step"] / row["seconds_per_step"], 3)
        difference = abs(row["last_loss"] / alone["last_loss"] - 1)
        row["loss_differs_by"] = float(f"{difference:.1e}")
    pair = runs["two processes, one core each"]
    begin = min(worker[WARM_UP][0] for worker in pair)
    timeline = [
        [[round(b - begin, 4), round(e - begin, 4)] for b, e, _ in worker[WARM_UP : WARM_UP + 6]] for worker in pair
    ]
    return {
        "batch_seconds": BATCH_SECONDS,
        "steps": len(pair[0]) - WARM_UP,
        "runs": rows,
        "timeline_of_the_two": timeline,
        "summed_bytes_per_step": summed_bytes("fast")[0],
    }


def summed_bytes(profile: str) -> tuple[int, int]:
    """Return the bytes that the workers of a profile sum in each step, and the number of BatchNorms in its network."""
    import keras
    import numpy as np

    from asr_helpers.training import PROFILES, add_intermediate_output, new_model

    settings = PROFILES[profile]
    model = new_model(settings)
    model = add_intermediate_output(model, settings) if settings.uses_regularizers else model
    norms = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    weights = sum(int(np.prod(variable.shape)) for variable in model.trainable_variables)
    # Forwards each norm sums three numbers a channel (count twice, sum, squares); backwards those of them that learn.
    moments = sum(6 * int(layer.gamma.shape[0]) for layer in norms)
    return 4 * (weights + moments + 1), len(norms)


def decoding_speed(batches: int = 12) -> int:
    """Return the seconds of audio that a core reads, augments and transforms in a second of processor time."""
    from asr_helpers.batches import load_speech, training_batches
    from asr_helpers.corpus import data_dir
    from asr_helpers.sound import Augmenter, SpecAugment

    stream = iter(training_batches(load_speech(data_dir() / "mini" / "train-mini"), 80, 0, Augmenter(), SpecAugment()))
    next(stream)
    begin, seconds = time.process_time(), 0.0
    for _ in range(batches):
        features, _ = next(stream)
        seconds += float((features.numpy() != 0).any(axis=(2, 3)).sum()) / 100
    return round(seconds / (time.process_time() - begin))


def modelled(decodes: int) -> dict:
    """Return the speed-up of N workers over one, by hardware, network, and which batch size is kept.

    Each worker decodes whole batches; a core decodes `decodes` seconds of audio per second.
    """
    size, norms = summed_bytes("workshop")
    rounds = 4 * norms + 1
    curves = []
    for hardware, one in MODEL["hardware"].items():
        for gigabits in MODEL["gigabits_per_second"]:
            for kept in ("batch", "batch of each worker"):
                seconds = []  # a step's, for each second of audio in its batch
                for n in MODEL["workers"]:
                    audio = MODEL["batch_seconds"] * (n if kept == "batch of each worker" else 1)
                    sums = 2 * (n - 1) / n * size * 8 / (gigabits * 1e9)
                    waits = rounds * 2 * (n - 1) * MODEL["seconds_per_message"]
                    trained, decoded = (audio / n / one["trains"] + sums + waits, audio / decodes / one["cores"])
                    step = max(trained, decoded) if one["beside"] else trained + decoded
                    seconds.append(step / audio)
                speeds = [round(seconds[0] / each, 2) for each in seconds]
                curves.append({"hardware": hardware, "gigabits": gigabits, "kept": kept, "times_faster": speeds})
    found = {"summed_bytes_per_step": size, "rounds_per_step": rounds, "decoded_by_a_core": decodes}
    return {"assumed": MODEL | found, "curves": curves}


def write_index(folder: Path, hours: int) -> None:
    """Write the index of `hours` of records shaped like LibriSpeech's; the records themselves are sparse files."""
    from asr_helpers.batches.tfrecords import INDEX, PER_SHARD

    rng = random.Random(0)
    words = ["".join(rng.choices("ETAOINSHRDLU", k=rng.randint(1, 9))) for _ in range(5000)]
    count = hours * 281  # utterances an hour of train-clean-100
    total, names = -(-count // PER_SHARD), []
    for shard in range(total):
        held, end = [], 0
        for number in range(shard * PER_SHARD, min(count, (shard + 1) * PER_SHARD)):
            seconds = rng.uniform(9, 16.5)
            text = " ".join(rng.choices(words, k=int(seconds * 2.7)))
            samples = int(seconds * 16_000)
            end += 2 * samples + 300
            held.append([f"{number // 100}-{number // 10}-{number}", text, samples, 0, 0, end])
        names.append(f"{shard:04d}-of-{total:04d}.tfrecord")
        with open(folder / names[-1], "wb") as file:
            file.truncate(end)
        (folder / f"{names[-1]}.json").write_text(json.dumps(held))
    (folder / INDEX).write_text(json.dumps(names))


def start_up(folder: str) -> None:
    """Prepare a folder of records as `asr train` does before its first batch; print the time and memory."""
    from asr_helpers.batches import load_speech, training_batches
    from asr_helpers.sound import Augmenter, SpecAugment
    from asr_helpers.training.fit import digest

    before, peak_before, begin = resident(), peak(), time.process_time()
    speech = load_speech(folder)
    digest(speech)
    iter(training_batches(speech, 160, 0, Augmenter(), SpecAugment()))
    spent = time.process_time() - begin
    more = max(resident() - before, peak() - peak_before)  # the imports before may have had a higher peak
    print(json.dumps({"utterances": len(speech.utterances), "cpu_seconds": round(spent, 2), "megabytes": round(more)}))


def peak() -> float:
    """Return the peak memory of this process, in megabytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def resident() -> float:
    """Return the current memory of this process, in megabytes (Linux)."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 2**20


def measure_large() -> list[dict]:
    """Return time and memory before the first batch, for ever more hours."""
    rows = []
    for hours in (10, 100, 1000):
        with tempfile.TemporaryDirectory() as folder:
            write_index(Path(folder), hours)
            found = measure_apart(__file__, "--start-up", folder, TF_CPP_MIN_LOG_LEVEL="3")
        rows.append({"hours": hours} | found)
    return rows


def main() -> None:
    parser = arguments(__doc__, __file__, "json")
    parser.add_argument("--steps", type=int, default=20, help="timed steps of each")
    parser.add_argument("--worker", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--start-up", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        return train_worker(options.worker)
    if options.start_up:
        return start_up(options.start_up)
    result = {
        "measured": measure_steps(options.steps + WARM_UP),
        "modelled": modelled(decoding_speed()),
        "large": measure_large(),
    }
    if options.json:
        return print(json.dumps(result, indent=1))
    for name, row in result["measured"]["runs"].items():
        print(f"{name:30}{row['seconds_per_step']:8.3f} s a step{row['speed']:7.2f} times one core's speed")
    print(f"{result['measured']['summed_bytes_per_step'] / 1e6:.2f} MB summed in each step")
    for curve in result["modelled"]["curves"]:
        speeds = "".join(f"{speed:7.1f}" for speed in curve["times_faster"])
        print(f"{curve['hardware']:18}{curve['gigabits']:3} Gbit/s, same {curve['kept']:21}{speeds}")
    for row in result["large"]:
        print(f"{row['hours']:5} hours{row['cpu_seconds']:7.2f} s{row['megabytes']:6} MB before the first batch")


if __name__ == "__main__":
    main()
