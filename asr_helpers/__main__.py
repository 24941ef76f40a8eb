"""`python -m asr_helpers` and the `asr` command."""

import signal

# Until `script` answers Ctrl-C with a line, it ends this quietly: imports would answer it with a traceback.
signal.signal(signal.SIGINT, signal.SIG_DFL)

from asr_helpers.cli import script  # noqa: E402

if __name__ == "__main__":
    script()
