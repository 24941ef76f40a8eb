"""What several test files share: the embedded corpus, and a tone that is never quite the same twice."""

from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def mini() -> Path:
    return ROOT / "data" / "mini"


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20)
