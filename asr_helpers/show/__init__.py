"""Figures (`show.plots`), widgets (`show.widgets`), and what was said beside what was heard, for the notebooks."""

from asr_helpers.system.faces import face

__all__, __getattr__, __dir__ = face(__name__, {"said_and_heard": ["word_diff"]})
