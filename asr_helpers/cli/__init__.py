"""The `asr` command: one file per group of commands; commands only parse and print."""

from asr_helpers.system.faces import face

__all__, __getattr__, __dir__ = face(__name__, {})
