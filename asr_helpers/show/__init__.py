"""Figures (`show.plots`) and widgets (`show.widgets`) for the notebooks."""

from asr_helpers.system.faces import face

__all__, __getattr__, __dir__ = face(__name__, {})
