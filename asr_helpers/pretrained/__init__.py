"""Whisper, read from a wheel and rebuilt in Keras. Notebook 10 builds this in the open."""

from asr_helpers.system.faces import face

__all__, __getattr__, __dir__ = face(__name__, {})
