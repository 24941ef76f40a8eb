"""The recogniser while somebody speaks: captions that follow the voice."""

from asr_helpers.system.faces import face

__all__, __getattr__, __dir__ = face(
    __name__,
    {
        "hearing": ["Hearing", "SIZES", "Sizes", "Windows"],
        "listener": ["Event", "Final", "Listener", "Partial", "after", "agreement"],
        "streaming": ["StreamingNetwork", "best_network", "streaming_graph"],
        "sources": ["Microphone", "SourceError", "microphone", "raw_blocks"],
        "voice": ["VoiceDetector"],
    },
)
