"""Sound in the page."""

import base64
import io
from html import escape

import numpy as np

from asr_helpers import augment
from asr_helpers.features import SAMPLE_RATE


def mp3(samples: np.ndarray) -> bytes:
    """Return `samples` as a mono MP3 file, 40 kB for 10 s; what exceeds full scale is turned down first."""
    import soundfile

    file = io.BytesIO()
    soundfile.write(
        file,
        augment.limit(np.asarray(samples, np.float32)),
        SAMPLE_RATE,
        format="MP3",
        bitrate_mode="CONSTANT",
        compression_level=0.85,
    )
    return file.getvalue()


def player_html(samples: np.ndarray, label: str = "recording") -> str:
    """Return an HTML audio player that carries its sound in the page, named `label` for eye and ear."""
    data = base64.b64encode(mp3(samples)).decode()
    return (
        f'<div style="display:flex;align-items:center;gap:1em">'
        f'<audio controls preload="metadata" aria-label="{escape(label)}" '
        f'src="data:audio/mpeg;base64,{data}"></audio><span>{escape(label)}</span></div>'
    )


def player(samples: np.ndarray, label: str = "recording"):
    """Return a player of mono samples at 16 kHz, for a cell to end with."""
    from IPython.display import HTML

    return HTML(player_html(samples, label))
