"""The process that measures one model for `compare`: `python -m asr_helpers.recognizer MODEL THREADS [MODE]`.

It reads a JSON list of sound files from stdin and prints a `Measurement` as one JSON object. For a file that
cannot be used, it prints one line on stderr and exits with status 2.
"""

import json
import sys
from dataclasses import asdict

from asr_helpers.recognizer.comparison import measure
from asr_helpers.system.errors import OneLineError
from asr_helpers.system.processes import MISTAKE


def main(model: str, threads: str, mode: str = "") -> int:
    try:
        found = measure(model, int(threads), json.load(sys.stdin), mode)
    except OneLineError as error:
        print(error, file=sys.stderr)
        return MISTAKE
    print(json.dumps(asdict(found)))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
