"""Audio players and interactive widgets for the notebooks."""

from asr_helpers.system.faces import face

__all__, __getattr__, __dir__ = face(
    __name__,
    {
        "augmentation": ["AugmentationBench", "describe"],
        "doubtful_words": ["words_html"],
        "explorer": ["Explorer"],
        "instrument_view": ["instrument"],
        "live_bench": ["LiveBench"],
        "players": ["mp3", "player", "player_html"],
        "prompter": ["PrompterBench"],
        "recorder": ["Recorder", "RecorderBench"],
        "spectrogram": ["SpectrogramBench"],
        "trellis": ["Trellis"],
    },
)
