"""Your own recordings, data sets, language and voice. Notebooks 11 and 12 build this in the open."""

from asr_helpers.system.faces import face

__all__, __getattr__, __dir__ = face(
    __name__,
    {
        "any_audio": ["Recording", "open_recording", "read_recording"],
        "espeak": ["SpeechError", "sounds", "speak"],
        "formats": ["list_clips"],
        "importing": ["Import", "import_corpus"],
        "spelling": ["spell_out", "spoken"],
        "voice_corpus": ["VoiceCorpus"],
    },
)
