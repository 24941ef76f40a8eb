"""Checks of the exercises: `check("02.2", answer)` prints "right" or a hint at the mistake.

Each notebook has a file of judges; importing this package registers them all.
"""

from asr_helpers.teaching.checks import (  # noqa: F401  each registers its judges
    capstones,
    nb00,
    nb01,
    nb02,
    nb03,
    nb04,
    nb05,
    nb06,
    nb07,
    nb08,
    nb09,
    nb10,
    nb11,
    nb12,
    nb13,
    nb14,
    nb15,
)
from asr_helpers.teaching.checks.judging import JUDGES, Hint, check, verdict

__all__ = ["JUDGES", "Hint", "check", "verdict"]
