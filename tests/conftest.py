"""What several test files share: the embedded corpus, and a tone that is never quite the same twice."""

from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parent.parent


def pytest_collection_modifyitems(items):
    """Run the browser's tests last: Playwright keeps an event loop running, in which widgets answer later."""
    items.sort(key=lambda item: "browser" in item.path.parts)
    for item in items:
        if {"browser", "notebooks"} & set(item.path.parts):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def mini() -> Path:
    return ROOT / "data" / "mini"


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20)
