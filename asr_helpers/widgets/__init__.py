"""Players and widgets for the notebooks: sound in the page, and controls that redraw in place."""

from asr_helpers.widgets.augmentation import AugmentationBench, describe, hypothesis_html
from asr_helpers.widgets.explorer import Explorer, loudness
from asr_helpers.widgets.page import live_curves
from asr_helpers.widgets.players import mp3, player, player_html
from asr_helpers.widgets.prompter import PrompterBench, VoiceCorpus
from asr_helpers.widgets.recorder import Recorder, RecorderBench
from asr_helpers.widgets.spectrogram import SpectrogramBench, play_back, play_features, spectra
from asr_helpers.widgets.word_player import word_player, word_player_html

__all__ = [
    "AugmentationBench",
    "Explorer",
    "PrompterBench",
    "Recorder",
    "RecorderBench",
    "SpectrogramBench",
    "VoiceCorpus",
    "describe",
    "hypothesis_html",
    "live_curves",
    "loudness",
    "mp3",
    "play_back",
    "play_features",
    "player",
    "player_html",
    "spectra",
    "word_player",
    "word_player_html",
]
