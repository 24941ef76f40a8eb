"""Compile asr_helpers/web/engine.c to the file that is named: `python .ci/build_engine.py engine.wasm`.

The compiler is clang in the wheel `ziglang`, exactly the version of .ci/wasm.txt: other versions give other bytes.
"""

import subprocess
import sys
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[1] / "asr_helpers" / "web" / "engine.c"
FLAGS = [
    *("-target", "wasm32-freestanding", "-mcpu=generic+simd128+bulk_memory", "-O3", "-nostdlib"),
    *("-Wall", "-Wextra", "-Werror"),
    *("-Wl,--no-entry", "-Wl,--strip-all", "-Wl,--export-memory", "-Wl,-z,stack-size=16384"),
]

if __name__ == "__main__":
    command = [sys.executable, "-m", "ziglang", "cc", *FLAGS, "-o", sys.argv[1], SOURCE]
    sys.exit(subprocess.run(command).returncode)
