"""The recogniser while somebody speaks: captions that follow the voice."""

from asr_helpers.system.faces import face

__all__, __getattr__, __dir__ = face(
    __name__,
    {
        "hearing": ["Hearing"],
        "listener": ["Event", "Final", "Listener", "Partial", "after", "agreement"],
        "sources": ["Microphone", "SourceError", "microphone", "raw_blocks"],
        "voice": ["VoiceDetector"],
    },
)
