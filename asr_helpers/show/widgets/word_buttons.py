"""The word player: a recording whose words can be clicked and heard in any browser, without a kernel or network."""

import base64
from html import escape
from pathlib import Path

import numpy as np
from IPython.display import HTML

from asr_helpers.show import plots
from asr_helpers.show.widgets.players import mp3
from asr_helpers.sound.audio import SAMPLE_RATE
from asr_helpers.sound.mel import log_mel
from asr_helpers.words.alignment import Word
from asr_helpers.words.confidence import doubtful

MARGIN_SECONDS = 0.06  # played before and after a word: CTC marks a word's core, not its edges
MP3_DELAY = 1105 / SAMPLE_RATE  # seconds, of encoder and decoder together; the file does not state it
HEIGHT = 150  # pixels
DOTTED = "text-decoration:underline dotted 2px;text-underline-offset:3px"  # doubtful words

HANDLER = Path(__file__).with_name("word_player.js")


def word_player_html(samples: np.ndarray, words: list[Word], label: str = "recording") -> str:
    """Return the HTML of a spectrogram with a button over each word, and an audio player of the whole recording.

    The darker the background of a word, the higher its confidence; a doubtful word is underlined. `words` come from
    `words.align`, or with their probabilities from `words.with_probability`; `label` names the recording, also in the
    alt text.
    """
    seconds = len(samples) / SAMPLE_RATE
    sound, picture = (base64.b64encode(data).decode() for data in (mp3(samples), _picture(samples)))
    buttons = "".join(_button(word, place, seconds) for place, word in enumerate(words))
    return (
        f'<div onclick="{escape(HANDLER.read_text(encoding="utf-8"))}" style="max-width:900px">'
        f'<div style="position:relative;height:{HEIGHT + 52}px">'
        f'<img alt="spectrogram of {escape(label)}" src="data:image/png;base64,{picture}" '
        f'style="width:100%;max-width:none;height:{HEIGHT}px;display:block;margin:0">{buttons}</div>'
        f'<audio controls preload="auto" aria-label="{escape(label)}" onplay="this.parentElement.onclick(event)" '
        f'src="data:audio/mpeg;base64,{sound}"></audio>'
        "</div>"
    )


def word_player(samples: np.ndarray, words: list[Word], label: str = "recording") -> HTML:
    """Return `word_player_html` as an object that a notebook displays."""
    return HTML(word_player_html(samples, words, label))


def _button(word: Word, place: int, seconds: float) -> str:
    """Return the button over a word's part of the spectrogram, with the word below; neighbours alternate in height."""
    left, width = 100 * word.start / seconds, 100 * (word.end - word.start) / seconds
    start, end = max(0.0, word.start - MARGIN_SECONDS) + MP3_DELAY, min(seconds, word.end + MARGIN_SECONDS) + MP3_DELAY
    title = f"{word.start:.2f} to {word.end:.2f} s, {_certainty(word)}"
    underline = f";{DOTTED}" if doubtful(word) else ""
    return (
        f'<button type="button" title="{title}" data-start="{start:.3f}" data-end="{end:.3f}" '
        f'style="position:absolute;top:0;left:{left:.2f}%;width:{width:.2f}%;height:{HEIGHT}px;padding:0;'
        'background:rgba(255,255,255,0.12);border:1px solid #fff;cursor:pointer;overflow:visible">'
        f'<span style="position:absolute;top:{HEIGHT + 2 + 22 * (place % 2)}px;left:50%;transform:translateX(-50%);'
        f"font:13px sans-serif;color:#222;background:rgba(86,180,233,{0.1 + 0.7 * word.shown:.2f});"
        f'padding:1px 3px;border-radius:3px{underline}">{escape(word.text)}</span></button>'
    )


def words_html(words: list[Word]) -> str:
    """Return the HTML of a text; doubtful words have a dotted underline, and say when pointed at how probable they are.

    A line explains the underline, if there is one.
    """
    text = " ".join(
        f'<span style="{DOTTED}" title="{_certainty(word)}">{escape(word.text)}</span>'
        if doubtful(word)
        else escape(word.text)
        for word in words
    )
    explained = '<div style="font-size:small">dotted: perhaps misheard; point at the word</div>'
    return text + explained * any(map(doubtful, words))


def _certainty(word: Word) -> str:
    return (
        f"confidence {word.confidence:.2f}"
        if word.probability is None
        else f"probably right: {100 * word.probability:.0f} %"
    )


def _picture(samples: np.ndarray) -> bytes:
    """Return the PNG of the spectrogram without axes, so that the buttons can be placed in per cent of its width."""
    figure, ax = plots.new(size=(9, HEIGHT / 100), alt="spectrogram")
    figure.set_layout_engine("none")
    ax.set_position([0, 0, 1, 1])
    ax.imshow(log_mel(samples).T, origin="lower", aspect="auto", interpolation="nearest")
    ax.set_axis_off()
    return plots.png(figure)
