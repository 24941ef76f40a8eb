"""Two processes on this machine train the same network as one."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest
import tensorflow as tf

from asr_helpers.cli.parsing import build_parser
from asr_helpers.training import OneMachine, Workers, WorkersError, is_loopback, parse_tf_config

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


def start_two(folder, *arguments, second=(), host="127.0.0.1") -> list[subprocess.Popen]:
    addresses = [f"{host}:{port}" for port in free_ports(2)]
    return [start(folder, *arguments, *own, tf_config=config(addresses, rank)) for rank, own in enumerate(((), second))]


def own_name() -> str:
    """Return the name of this machine, or 127.0.0.1 if it cannot be looked up here."""
    try:
        socket.gethostbyname(socket.gethostname())
    except OSError:
        return "127.0.0.1"
    return socket.gethostname()


def histories(processes: list[subprocess.Popen]) -> list[list[dict]]:
    outputs = [process.communicate(timeout=600) for process in processes]
    assert [process.returncode for process in processes] == [0] * len(processes), outputs
    return [json.loads(out.splitlines()[-1]) for out, _ in outputs]


def test_two_workers_train_as_one_killed_or_not(tmp_path):
    """A name that is not localhost makes TensorFlow's own strategy sum: to the last digit what `OneMachine` sums."""
    first, second = histories(start_two(tmp_path / "two"))
    (alone,) = histories([start(tmp_path / "one")])
    assert first == second
    for ours, its in zip(first, alone, strict=True):
        assert ours == pytest.approx(its, rel=1e-4)

    host = own_name()
    survivor, killed = start_two(tmp_path / "killed", second=["--kill", "2"], host=host)
    _, error = survivor.communicate(timeout=600)
    killed.communicate()
    assert survivor.returncode == 1
    assert "asr: worker 0 of 2: another worker is gone; start all again with --resume" in error.splitlines()
    warnings = error.count("asr: TF_CONFIG: anyone who reaches a worker's port can read and write files as you")
    assert warnings == (host != "127.0.0.1")
    again, _ = histories(start_two(tmp_path / "killed", "--resume"))
    assert again == first


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "cannot be understood"),
        ("[]", "cannot be understood"),
        (
            '{"cluster": {"worker": ["here:1"]}, "task": {"type": "evaluator", "index": 0}}',
            "'evaluator' does not train",
        ),
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


@pytest.mark.parametrize("text", ["{}", '{"cluster": {}}', '{"task": {"type": "worker", "index": 0}}'])
def test_without_a_cluster_a_process_trains_alone(text):
    assert parse_tf_config(text) == ([], 0)


@pytest.mark.parametrize("address", ["127.0.0.1:1", "127.8.8.8:1", "[::1]:1", "localhost:1", "LOCALHOST:1"])
def test_an_address_of_the_loopback(address):
    assert is_loopback(address)


@pytest.mark.parametrize("address", ["192.0.2.2:1", "[::]:1", "0.0.0.0:1", ":1", "node07:1", "127.0.0.1.example.org:1"])
def test_an_address_that_others_may_reach(address):
    assert not is_loopback(address)


@pytest.fixture
def pair(monkeypatch):
    """The chief and the other of two workers of this machine, as threads of this process, in a temporary folder."""
    addresses = [f"127.0.0.1:{port}" for port in free_ports(2)]
    monkeypatch.setenv("TF_CONFIG", config(addresses, 0))
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(1) as thread:
        monkeypatch.setattr(tempfile, "tempdir", folder)
        private = Path(folder) / f"asr-{os.getuid()}"
        private.mkdir(0o700)
        with socket.socket(socket.AF_UNIX) as killed:  # the last chief of this name was killed, and left its socket
            killed.bind(str(private / addresses[0]))
        other = OneMachine(addresses, 1)
        connected = thread.submit(other.connect)
        with closing(Workers()) as chief, closing(other):
            connected.result()
            yield chief, other, thread


def listening() -> set[str]:
    """Return local address and state of all TCP sockets that listen (0A) on this machine (Linux)."""
    tables = [Path(f"/proc/net/{name}") for name in ("tcp", "tcp6")]
    rows = [line.split() for table in tables if table.exists() for line in table.read_text().splitlines()[1:]]
    own = {os.readlink(link) for link in Path("/proc/self/fd").iterdir() if link.is_symlink()}
    return {row[1] for row in rows if row[3] == "0A" and f"socket:[{row[9]}]" in own}


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="only Linux lists its sockets there")
def test_the_workers_of_one_machine_listen_on_no_address(pair):
    assert listening() == set()


def own_addresses() -> set[str]:
    """Return addresses of this machine: of the loopback, and the one that other machines know it by."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing: chooses the network card
            return {"127.0.0.1", "127.0.0.2", probe.getsockname()[0]}
        except OSError:  # there is no network
            return {"127.0.0.1", "127.0.0.2"}


def test_a_workers_port_is_refused_from_every_address(pair):
    for address in pair[0].addresses:
        for host in own_addresses():
            with pytest.raises(OSError):
                socket.create_connection((host, int(address.rpartition(":")[2])), timeout=5).close()


def test_a_port_that_a_worker_holds_is_no_other_workers(pair):
    with pytest.raises(WorkersError, match=r"port \d+ of this worker cannot be used"):
        Workers()


def test_the_workers_of_one_machine_sum_numbers_and_gradients(pair):
    chief, other, thread = pair

    @tf.function
    def step(machine, x, weight):
        with tf.GradientTape() as tape:
            tape.watch(x)
            first, second = machine.sum([x, 10 * x[:2]])
            loss = weight * tf.reduce_sum(first * first) + tf.reduce_sum(second)
        return first, second, tape.gradient(loss, x)

    there = thread.submit(step, other, tf.constant([10.0, 20.0, 30.0]), 5.0)
    for first, second, gradient in (step(chief.strategy, tf.constant([1.0, 2.0, 3.0]), 1.0), there.result()):
        assert first.numpy().tolist() == [11, 22, 33]
        assert second.numpy().tolist() == [110, 220]
        # The sum of what both losses say: (1 + 5) * 2 * first, and 10 of each loss for the second
        assert gradient.numpy().tolist() == [12 * 11 + 20, 12 * 22 + 20, 12 * 33]


def test_another_worker_of_one_machine_that_ends_is_one_line(pair):
    chief, other, _ = pair
    other.close()
    with pytest.raises(tf.errors.OpError) as caught:  # within `fit`
        tf.function(chief.strategy.sum)(tf.constant([1.0]))
    for attempt in (lambda: chief.check(caught.value), chief.barrier):
        with pytest.raises(WorkersError, match=r"^worker 0 of 2: another worker is gone; start all again"):
            attempt()


def test_only_its_user_enters_the_folder_of_the_workers(pair):
    folder = Path(tempfile.gettempdir()) / f"asr-{os.getuid()}"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert list(folder.iterdir()) == []  # and nothing stays in it


@pytest.mark.parametrize("others", ["may enter", "made a link"])
def test_a_folder_that_others_can_enter_is_refused(monkeypatch, tmp_path, others):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    folder = tmp_path / f"asr-{os.getuid()}"
    if others == "may enter":
        folder.mkdir()
        folder.chmod(0o755)
    else:
        (tmp_path / "theirs").mkdir(0o700)
        folder.symlink_to(tmp_path / "theirs")
    machine = OneMachine([f"127.0.0.1:{port}" for port in free_ports(2)], 1)
    with closing(machine), pytest.raises(WorkersError, match="not a folder of yours that only you can enter"):
        machine.connect()


@pytest.mark.parametrize("rank", [0, 1])
def test_the_chief_says_once_who_must_not_reach_the_ports_of_several_machines(monkeypatch, capsys, rank):
    monkeypatch.setenv("TF_CONFIG", config([f"node{n}:{port}" for n, port in enumerate(free_ports(2))], rank))
    monkeypatch.setattr(tf.distribute, "MultiWorkerMirroredStrategy", SimpleNamespace)
    Workers()
    lines = capsys.readouterr().err.splitlines()
    assert [line for line in lines if "can read and write files as you" in line] == lines[: 1 - rank]
    assert len(lines) == 1 - rank


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
    monkeypatch.setattr(tf.config, "get_visible_devices", lambda kind: [kind, kind])
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
