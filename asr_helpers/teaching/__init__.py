"""Checks of the exercises (`check`), and `asr doctor`."""

from asr_helpers.system.faces import face

__all__, __getattr__, __dir__ = face(__name__, {"checks.judging": ["check"]})
