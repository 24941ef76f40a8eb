"""Speech corpora in LibriSpeech's layout: read, convert, download. Notebook 01 builds this in the open."""

from asr_helpers.system.faces import face

__all__, __getattr__, __dir__ = face(
    __name__,
    {
        "conversion": ["Conversion", "convert"],
        "openslr": ["LANGUAGE_MODELS", "OPENSLR", "SUBSETS", "download"],
        "reading": ["Corpus", "CorpusError", "Utterance", "data_dir", "find_transcripts", "load_corpus"],
    },
)
