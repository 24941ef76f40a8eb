"""`python -m asr_helpers` and the `asr` command."""

import signal

# Until `script` handles Ctrl-C, it ends the process quietly: during imports it would print a traceback.
signal.signal(signal.SIGINT, signal.SIG_DFL)

from asr_helpers.cli.entry import script  # noqa: E402

if __name__ == "__main__":
    script()
