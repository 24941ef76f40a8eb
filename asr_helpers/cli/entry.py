"""The `asr` command. Figures and transcripts go to stdout; progress, problems and errors to stderr."""

import errno
import os
import signal
import sys
import traceback
from contextlib import redirect_stderr

from asr_helpers.cli.common import report
from asr_helpers.cli.parsing import build_parser
from asr_helpers.system.errors import OneLineError, first_line
from asr_helpers.system.terminal import PlainText

UNREAD = 128 + 13  # the exit status when the reader of a pipe, such as `head`, has seen enough: as after SIGPIPE
REMEDIES = {  # for errors of the system that say nothing of them
    errno.ENOSPC: "free some space and run this again",
    errno.EROFS: "choose another place to write to",
    errno.EACCES: "check the permissions",
}


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit status: 0, 1 if some of many files failed, 2 for a user's mistake.

    A mistake is one line on stderr. Any other error is a bug and shows its traceback; with ASR_DEBUG=1 every error
    does.
    """
    try:
        with redirect_stderr(PlainText(sys.stderr, "\r", "\x1b[A")):  # which draw progress bars
            options = build_parser().parse_args(arguments)
            return options.run(options) or 0
    except (OneLineError, OSError, MemoryError, KeyboardInterrupt) as error:
        if os.environ.get("ASR_DEBUG") == "1":
            raise
        if isinstance(error, KeyboardInterrupt):
            return stopped()
        if isinstance(error, BrokenPipeError):
            return UNREAD
        report([one_line(error)])
        return 2


def one_line(error: BaseException) -> str:
    """Return what `main` prints for an error: the file's name, if the system knows it, and what is wrong."""
    if isinstance(error, OSError) and error.strerror:
        remedy = REMEDIES.get(error.errno, "")
        name = f"{error.filename}: " if error.filename else ""
        return f"{name}{error.strerror}{remedy and '; '}{remedy}"
    if isinstance(error, MemoryError):
        return f"out of memory ({first_line(error)}); use less input at once, such as a part of a long recording"
    return str(error).strip() or type(error).__name__


def open_closed_streams() -> None:
    """Open those of standard input, output and error that the caller has closed (`>&-`), at nothing.

    Otherwise Python has None in their place, and the next file that is opened gets their number.
    """
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # which takes the lowest free number
            setattr(sys, name, os.fdopen(number, mode))


def stopped() -> int:
    """Report Ctrl-C and return its exit status; imports nothing, because Ctrl-C may have interrupted an import."""
    print("asr: stopped; what was finished is kept", file=sys.stderr)
    return 130


def script() -> None:
    """Run the installed `asr` command and end the process with its exit status."""
    interrupts = []

    def interrupt(*_) -> None:
        interrupts.append(True)
        raise KeyboardInterrupt

    signal.signal(signal.SIGINT, interrupt)  # before this, __main__ lets Ctrl-C end the process quietly
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # an exit also removes child processes and partial files
    open_closed_streams()
    silence_native_logs()
    try:
        status = main()
    except SystemExit as stop:
        status = stop.code or 0
    except Exception:
        if interrupts:  # Ctrl-C during an import surfaces as another error
            status = stopped()
        else:
            traceback.print_exc()
            status = 1
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        status = UNREAD
    except OSError as error:
        report([f"standard output: {error.strerror}"])
        status = 2
    sys.stderr.flush()
    os._exit(status)  # an interrupted epoch leaves TensorFlow's threads behind, and Python would wait for them


def silence_native_logs() -> None:
    """Keep the start-up messages of TensorFlow's C++ code off stderr, which is for our own lines.

    Its loggers write to file descriptor 2 regardless of their level. So Python's stderr moves to another descriptor,
    and descriptor 2 is pointed at nothing. With TF_CPP_MIN_LOG_LEVEL=0, all messages are kept.
    """
    if os.environ.get("TF_CPP_MIN_LOG_LEVEL") != "0":
        sys.stderr = os.fdopen(os.dup(2), "w", buffering=1, errors="backslashreplace")
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
