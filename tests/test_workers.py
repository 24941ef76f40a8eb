"""Two processes on this machine train the same network as one."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import tensorflow as tf

from asr_helpers.cli.parsing import build_parser
from asr_helpers.training import Workers, WorkersError, parse_tf_config

pytestmark = pytest.mark.slow

SCRIPT = Path(__file__).with_name("worker.py")


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def config(addresses: list[str], rank: int, **cluster) -> str:
    task = {"type": "worker", "index": rank}
    return json.dumps({"cluster": {"worker": addresses, **cluster}, "task": task})


def start(folder, *arguments, tf_config="") -> subprocess.Popen:
    environment = os.environ | {"TF_CONFIG": tf_config, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, SCRIPT, folder, *arguments]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def start_two(folder, *arguments, second=()) -> list[subprocess.Popen]:
    addresses = [f"127.0.0.1:{port}" for port in free_ports(2)]
    return [start(folder, *arguments, *own, tf_config=config(addresses, rank)) for rank, own in enumerate(((), second))]


def histories(processes: list[subprocess.Popen]) -> list[list[dict]]:
    outputs = [process.communicate(timeout=600) for process in processes]
    assert [process.returncode for process in processes] == [0] * len(processes), outputs
    return [json.loads(out.splitlines()[-1]) for out, _ in outputs]


def test_two_workers_train_as_one_killed_or_not(tmp_path):
    first, second = histories(start_two(tmp_path / "two"))
    (alone,) = histories([start(tmp_path / "one")])
    assert first == second
    for ours, its in zip(first, alone, strict=True):
        assert ours == pytest.approx(its, rel=1e-4)

    survivor, killed = start_two(tmp_path / "killed", second=["--kill", "2"])
    _, error = survivor.communicate(timeout=600)
    killed.communicate()
    assert survivor.returncode == 1
    assert "asr: worker 0 of 2: another worker is gone; start all again with --resume" in error.splitlines()
    again, _ = histories(start_two(tmp_path / "killed", "--resume"))
    assert again == first


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "cannot be understood"),
        ('{"cluster": {}}', "cannot be understood"),
        (config(["here:1", "there:1"], 2), "cannot be understood"),
        (config(["here", "there"], 0), "HOST:PORT"),
    ],
)
def test_a_strange_configuration_is_one_line(monkeypatch, text, reason):
    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(WorkersError, match=f"^TF_CONFIG.*{reason}") as caught:
        Workers()
    assert "\n" not in str(caught.value)


def test_a_port_in_use_is_named(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setenv("TF_CONFIG", config([f"127.0.0.1:{port}", "127.0.0.1:9"], 0))
        with pytest.raises(WorkersError, match=f"port {port} of this worker cannot be used"):
            Workers()


def test_the_chief_comes_first_and_one_alone_sums_nothing(monkeypatch):
    monkeypatch.setenv("TF_CONFIG", config(["here:1"], 0))
    alone = Workers()
    assert (alone.rank, alone.count, alone.chief, alone.strategy) == (0, 1, True, None)
    assert alone.total(1, 2.5) == [1, 2.5]
    alone.agree("speech", 16 * "f")


def test_workers_with_other_speech_are_refused(monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    workers = Workers()
    workers.count = 2
    monkeypatch.setattr(workers, "total", lambda *numbers: [2 * number + 1 for number in numbers])
    with pytest.raises(WorkersError, match=r"worker 0 of 2: speech of the workers differ"):
        workers.agree("speech", 16 * "a")


@pytest.mark.parametrize("kind", [tf.errors.UnavailableError, tf.errors.InternalError])
def test_a_worker_gone_before_the_first_batch_is_one_line(monkeypatch, kind):
    def run(*_, **__):
        raise kind(None, None, "Connection reset by peer\nAdditional GRPC error information:\n{}")

    monkeypatch.delenv("TF_CONFIG", raising=False)
    workers = Workers()
    workers.count, workers.strategy = 2, SimpleNamespace(run=run)
    with pytest.raises(WorkersError, match=r"^worker 0 of 2: another worker is gone; start all again"):
        workers.agree("speech", 16 * "f")


def test_a_worker_with_several_gpus_says_how_to_start_more(monkeypatch):
    addresses = [f"127.0.0.1:{port}" for port in free_ports(2)]
    monkeypatch.setenv("TF_CONFIG", config(addresses, 0))
    several = SimpleNamespace(num_replicas_in_sync=8)
    monkeypatch.setattr(tf.distribute, "MultiWorkerMirroredStrategy", lambda: several)
    with pytest.raises(WorkersError, match=r"a worker takes one GPU; .* CUDA_VISIBLE_DEVICES"):
        Workers()


STAND_INS = {
    "scontrol": "printf 'node%s\\n' 07 08",
    "srun": 'shift; exec "$@"',
    "asr": 'echo "$TF_CONFIG"; echo "$@" >&2',
}


@pytest.mark.skipif(not shutil.which("bash"), reason="bash is not installed")
@pytest.mark.parametrize("resumed", [False, True])
def test_the_script_for_slurm_tells_each_worker_who_the_others_are(tmp_path, resumed):
    page = (SCRIPT.parents[1] / "notebooks" / "CLUSTER.md").read_text()
    (script,) = (block for block in re.findall(r"```bash\n(.+?)```", page, re.DOTALL) if "TF_CONFIG" in block)
    for name, body in STAND_INS.items():
        (tmp_path / name).write_text(f"#!/bin/bash\n{body}\n")
        (tmp_path / name).chmod(0o755)
    if resumed:
        (tmp_path / "runs" / "full").mkdir(parents=True)
        (tmp_path / "runs" / "full" / "state.json").touch()
    slurm = {"SLURM_JOB_ID": "123456", "SLURM_PROCID": "1", "SLURM_JOB_NODELIST": "node[07-08]"}
    slurm["PATH"] = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", script], env=os.environ | slurm, cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert parse_tf_config(done.stdout) == (["node07:23456", "node08:23456"], 1)
    options = build_parser().parse_args(done.stderr.split())
    assert options.resume is resumed and options.folder == Path("runs/full")
