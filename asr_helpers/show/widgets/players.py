"""Audio players that carry their sound in the page."""

import base64
import io
from html import escape

import numpy as np
from IPython.display import HTML

from asr_helpers.sound import effects
from asr_helpers.sound.audio import SAMPLE_RATE


def mp3(samples: np.ndarray) -> bytes:
    """Return the bytes of a mono MP3 file, 40 kB for 10 s; sound beyond full scale is first attenuated."""
    import soundfile

    file = io.BytesIO()
    soundfile.write(
        file,
        effects.limit(np.asarray(samples, np.float32)),
        SAMPLE_RATE,
        format="MP3",
        bitrate_mode="CONSTANT",
        compression_level=0.85,
    )
    return file.getvalue()


def player_html(samples: np.ndarray, label: str = "recording") -> str:
    """Return the HTML of an audio player with embedded sound, and `label` as visible text and accessible name."""
    data = base64.b64encode(mp3(samples)).decode()
    return (
        f'<div style="display:flex;align-items:center;gap:1em">'
        f'<audio controls preload="metadata" aria-label="{escape(label)}" '
        f'src="data:audio/mpeg;base64,{data}"></audio><span>{escape(label)}</span></div>'
    )


def player(samples: np.ndarray, label: str = "recording") -> HTML:
    """Return an audio player of mono samples at 16 kHz, (samples,), that a notebook displays."""
    return HTML(player_html(samples, label))
