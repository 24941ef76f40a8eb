"""Processes that neither outlive their parent nor answer the Ctrl-C that was meant for it."""

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

_PR_SET_PDEATHSIG = 1  # of Linux's prctl


def end_with(parent: int) -> None:
    """End this process when `parent`, the id of its parent, ends, however that was killed: nobody needs it then."""

    def watch():
        while os.getppid() == parent:
            time.sleep(0.2)
        os._exit(1)

    if sys.platform == "linux":  # at once, even while a library keeps Python from running
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.name == "posix":
        threading.Thread(target=watch, daemon=True).start()


def command(module: str, *arguments: str | os.PathLike) -> list:
    """Return the command that runs `module` like `python -m` in a child that ends with this process."""
    code = (
        f"from asr_helpers.processes import end_with; end_with({os.getpid()}); "
        f"import runpy; runpy.run_module({module!r}, run_name='__main__', alter_sys=True)"
    )
    return [sys.executable, "-c", code, *arguments]


@contextmanager
def deaf_children() -> Iterator[None]:
    """Processes started within do not hear Ctrl-C; this one hears it when it leaves.

    A terminal sends the signal to all of them, and a Python that is just starting answers with a traceback.
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
