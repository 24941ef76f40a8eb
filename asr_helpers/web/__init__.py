"""The recogniser in a page: a folder of static files, offline, on a phone."""

from asr_helpers.system.faces import face

__all__, __getattr__, __dir__ = face(
    __name__,
    {
        "engine": ["Engine"],
        "pack": ["Network", "PackError", "pack_language_model", "pack_model", "pack_network"],
        "page": ["LM_MEGABYTES", "sample_clips", "write_page"],
    },
)
