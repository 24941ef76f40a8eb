"""Child processes: run a module, spread jobs over workers, end with the parent, ignore Ctrl-C."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from asr_helpers.system.errors import OneLineError

MISTAKE = 2  # exit status of a child whose input is at fault; Python's own, after a traceback, is 1
_PR_SET_PDEATHSIG = 1  # of Linux's prctl


class ChildMistake(OneLineError):
    """A child process refused its input; the message is the line that it printed."""


class ChildCrash(OneLineError):
    """A child process crashed in native code, or was killed.

    Attributes:
        status: its exit status, negative if a signal ended it.
    """

    def __init__(self, module: str, status: int):
        super().__init__(f"{module}: crashed (exit status {status}); run it again, or leave this input out")
        self.status = status


def run_module(
    module: str, *arguments: str | os.PathLike, stdin: Any = None, env: Mapping[str, str] | None = None
) -> Any:
    """Run `module` like `python -m` in a fresh process and return the JSON that it prints on stdout, parsed.

    The child measures the time and memory of one runtime alone, and a crash in native code ends only the child.

    Args:
        module: its dotted name. It prints JSON; if its input is at fault, it prints one line on stderr and exits with
            `MISTAKE`.
        *arguments: its command line.
        stdin: sent to the child as JSON.
        env: variables to add to this process's environment.

    Raises:
        ChildMistake: the child exited with `MISTAKE`; the message is its last line on stderr.
        ChildCrash: the child crashed or was killed.
        RuntimeError: the child ended with a traceback, which the message holds.
    """
    done = subprocess.run(
        child_command(module, *arguments),
        input=json.dumps(stdin),
        capture_output=True,
        text=True,
        env=os.environ | (env or {}),
    )
    if done.returncode == MISTAKE:
        raise ChildMistake((done.stderr.strip() or f"{module}: refused its input").splitlines()[-1])
    if done.returncode == 1:
        raise RuntimeError(f"{' '.join(map(str, (module, *arguments)))}: failed\n{done.stderr}")
    if done.returncode:
        raise ChildCrash(module, done.returncode)
    return json.loads(done.stdout)


def map_processes(
    function: Callable[[Any], Any], jobs: Iterable[Any], workers: int, died: Exception, chunksize: int = 1
) -> Iterator[Any]:
    """Yield `function(job)` for each of `jobs`, in their order, computed by `workers` child processes.

    Processes are spawned, because forking a process with running threads (TensorFlow's, in a notebook) may hang. A
    script that calls this guards its own code with `if __name__ == "__main__":`, as multiprocessing requires.

    Args:
        function: a top-level function, because it is pickled; its exceptions are raised here.
        jobs: its arguments, one per call.
        workers: number of processes.
        died: the exception to raise when a worker process dies, most often for lack of memory.
        chunksize: jobs sent to a process at a time.
    """
    import multiprocessing  # here, because every measuring child imports this module
    from concurrent.futures import ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool

    context = multiprocessing.get_context("spawn")
    try:
        with ProcessPoolExecutor(workers, context, initializer=die_with_parent, initargs=(os.getpid(),)) as pool:
            with sigint_blocked():
                outcomes = pool.map(function, jobs, chunksize=chunksize)
            yield from outcomes
    except BrokenProcessPool:
        raise died from None


def child_command(module: str, *arguments: str | os.PathLike) -> list[str | os.PathLike]:
    """Return the command line that runs `module` like `python -m` in a child that ends with this process."""
    code = (
        f"from asr_helpers.system.processes import die_with_parent; die_with_parent({os.getpid()}); "
        f"import runpy; runpy.run_module({module!r}, run_name='__main__', alter_sys=True)"
    )
    return [sys.executable, "-c", code, *arguments]


def die_with_parent(parent: int) -> None:
    """End this process as soon as its parent, process id `parent`, has ended, even if it was killed."""

    def watch():
        while os.getppid() == parent:
            time.sleep(0.2)
        os._exit(1)

    if sys.platform == "linux":  # at once, even while a library keeps Python from running
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.name == "posix":
        threading.Thread(target=watch, daemon=True).start()


@contextmanager
def sigint_blocked() -> Iterator[None]:
    """Start child processes that ignore Ctrl-C; this process receives it on leaving the block.

    A terminal sends the signal to every process, and a Python that is just starting prints a traceback.
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
