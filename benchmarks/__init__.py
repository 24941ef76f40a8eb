"""Benchmarks: what this project measured, and how. `python -m benchmarks.NAME` is `python benchmarks/NAME.py`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # as for a script: both ways find `common` under that name
