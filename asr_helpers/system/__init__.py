"""One-line errors, atomic writes, child processes: what must not fail. Not the place to start reading."""

from asr_helpers.system.faces import face

__all__, __getattr__, __dir__ = face(
    __name__,
    {
        "claims": ["Maker", "NotOursError"],
        "errors": ["OneLineError", "first_line", "printable"],
        "files": ["atomic_write", "exclusive"],
        "processes": ["map_processes", "run_module"],
        "terminal": ["PlainText"],
        "text_files": ["TextError", "read_lines", "read_transcript"],
    },
)
