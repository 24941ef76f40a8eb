"""A recording with its words drawn in time: click a word to hear it, in any browser, with no kernel and no network."""

import base64
from html import escape

import numpy as np

from asr_helpers import plots
from asr_helpers.alignment import Word
from asr_helpers.features import SAMPLE_RATE, log_mel
from asr_helpers.widgets.players import mp3

MARGIN = 0.06  # seconds heard before and after a word: CTC marks a word's core, not its edges
MP3_DELAY = 1105 / SAMPLE_RATE  # the encoder's and the decoder's, in samples: nothing in the file says it
HEIGHT = 150  # pixels

# One handler for all words: it plays from the word's start and leaves its end to the next one.
_PLAY = """
const word = event.target.closest('button'), sound = this.querySelector('audio');
if (word) {
  sound.currentTime = Number(word.dataset.start);
  sound.until = Number(word.dataset.end);
  sound.only = word;
  sound.play();
}
"""
# While the sound runs, each drawn frame looks at the clock: the browser's own "pause at this time" is too coarse for a
# short word. The word that is heard is framed; where two share a margin, the later one, unless the other was asked for.
_WATCH = """
const sound = this, words = [...sound.parentElement.querySelectorAll('button')];
const mark = now => words.forEach(word => {
  word.style.outline = word === now ? '3px solid #d55e00' : '';
  word.ariaCurrent = word === now ? 'true' : null;
});
const watch = () => {
  const time = sound.currentTime;
  if (sound.only && time >= sound.until) sound.pause();
  if (sound.paused) { sound.only = null; return mark(null); }
  const heard = words.filter(word => word.dataset.start <= time && time < word.dataset.end).pop();
  mark(sound.only || heard || null);
  requestAnimationFrame(watch);
};
watch();
"""


def word_player_html(samples: np.ndarray, words: list[Word], label: str = "recording") -> str:
    """Return HTML: the spectrogram of mono samples at 16 kHz, a button over each word, and a player of the whole.

    The darker a button's name stands on its ground, the surer the model is of the word.
    """
    seconds = len(samples) / SAMPLE_RATE
    sound, picture = (base64.b64encode(data).decode() for data in (mp3(samples), _picture(samples)))
    buttons = "".join(_button(word, place, seconds) for place, word in enumerate(words))
    return (
        f'<div onclick="{escape(" ".join(_PLAY.split()))}" style="max-width:900px">'
        f'<div style="position:relative;height:{HEIGHT + 52}px">'
        f'<img alt="spectrogram of {escape(label)}" src="data:image/png;base64,{picture}" '
        f'style="width:100%;max-width:none;height:{HEIGHT}px;display:block;margin:0">{buttons}</div>'
        f'<audio controls preload="auto" aria-label="{escape(label)}" onplay="{escape(" ".join(_WATCH.split()))}" '
        f'src="data:audio/mpeg;base64,{sound}"></audio>'
        "</div>"
    )


def word_player(samples: np.ndarray, words: list[Word], label: str = "recording"):
    """Return the player of `word_player_html`, for a cell to end with."""
    from IPython.display import HTML

    return HTML(word_player_html(samples, words, label))


def _button(word: Word, place: int, seconds: float) -> str:
    """A box over the word's stretch of the spectrogram, its name below, neighbours' names at two heights."""
    left, width = 100 * word.start / seconds, 100 * (word.end - word.start) / seconds
    start, end = max(0.0, word.start - MARGIN) + MP3_DELAY, min(seconds, word.end + MARGIN) + MP3_DELAY
    title = f"{word.start:.2f} to {word.end:.2f} s, confidence {word.confidence:.2f}"
    return (
        f'<button type="button" title="{title}" data-start="{start:.3f}" data-end="{end:.3f}" '
        f'style="position:absolute;top:0;left:{left:.2f}%;width:{width:.2f}%;height:{HEIGHT}px;padding:0;'
        'background:rgba(255,255,255,0.12);border:1px solid #fff;cursor:pointer;overflow:visible">'
        f'<span style="position:absolute;top:{HEIGHT + 2 + 22 * (place % 2)}px;left:50%;transform:translateX(-50%);'
        f"font:13px sans-serif;color:#222;background:rgba(86,180,233,{0.1 + 0.7 * word.confidence:.2f});"
        f'padding:1px 3px;border-radius:3px">{escape(word.text)}</span></button>'
    )


def _picture(samples: np.ndarray) -> bytes:
    """Return the spectrogram alone, without axes, as a PNG: what lies at which height of time is for the boxes."""
    figure, ax = plots.new(size=(9, HEIGHT / 100), alt="spectrogram")
    figure.set_layout_engine("none")
    ax.set_position([0, 0, 1, 1])
    ax.imshow(log_mel(samples).T, origin="lower", aspect="auto", interpolation="nearest")
    ax.set_axis_off()
    return plots.png(figure)
