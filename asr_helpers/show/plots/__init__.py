"""Figures for the notebooks: each function takes data and returns a matplotlib figure.

With an `ax`, a function draws there. Without one it makes its own figure, which a notebook shows if it is the
last value of a cell.
"""

from asr_helpers.system.faces import face

__all__, __getattr__, __dir__ = face(
    __name__,
    {
        "lessons": ["collapse", "ctc_lattice", "lstm_cell", "network", "prefix_tree", "reach", "spelling", "trellis"],
        "live": ["live_curves"],
        "results": ["by_epoch", "error_against_speed", "heat_map", "learning_curves"],
        "signals": ["compare_spectrograms", "mel_filters", "posteriors", "spectrogram", "waveform", "words_in_time"],
        "drawing": [
            "BLUE",
            "FIGURES",
            "GREEN",
            "GREY",
            "ORANGE",
            "PINK",
            "Picture",
            "SIZE",
            "SKY",
            "as_text",
            "caption",
            "new",
            "png",
            "save",
            "style",
        ],
    },
)
