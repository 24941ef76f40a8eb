"""One recogniser for every runtime, and what each runtime costs. Notebook 09 builds this in the open."""

from asr_helpers.system.faces import face

__all__, __getattr__, __dir__ = face(
    __name__,
    {
        "comparison": ["Comparison", "Variant", "compare", "peak_rss_mb"],
        "evaluation": ["Evaluation", "evaluate"],
        "recognizer": ["Recognizer", "shipped_model"],
        "runtimes": ["ALTERNATIVE_MODES", "RecognizerError", "stored_alphabet"],
        "windows": ["MAX_UNCUT_SAMPLES", "OVERLAP_SAMPLES", "WINDOW_SAMPLES", "segments", "window_starts"],
    },
)
