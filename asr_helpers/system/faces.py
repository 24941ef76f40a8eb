"""A room's face: its public names, each loaded on first use (PEP 562)."""

import sys
from collections.abc import Callable
from importlib import import_module


def face(
    room: str, modules: dict[str, list[str]]
) -> tuple[list[str], Callable[[str], object], Callable[[], list[str]]]:
    """Return `__all__`, `__getattr__` and `__dir__` for the package `room`.

    `modules` lists the public names of each module of the room. Importing the room loads none of these modules, so
    that `asr_helpers.sound` costs no TensorFlow. No module may share its name with a public name, because the import
    system would put the module in the name's place.

    Example:
        >>> names, get, _ = face("asr_helpers.sound", {"audio": ["SAMPLE_RATE"]})
        >>> get("SAMPLE_RATE")
        16000
    """
    home = {name: module for module, names in modules.items() for name in names}

    def get(name: str):
        if name not in home:
            raise AttributeError(f"module {room!r} has no attribute {name!r}")
        value = getattr(import_module(f"{room}.{home[name]}"), name)
        setattr(sys.modules[room], name, value)
        return value

    names = sorted(home)
    return names, get, lambda: names
