import base64
import io
import re

import numpy as np
import soundfile

from asr_helpers.show.widgets import word_player, word_player_html
from asr_helpers.show.widgets.word_buttons import MARGIN_SECONDS, MP3_DELAY
from asr_helpers.words import Word

WORDS = [Word("IT'S", 0.5, 0.9, 1.0), Word("<ODD>", 1.2, 1.96, 0.2)]
TONE = 0.3 * np.sin(np.arange(32000) / 5).astype(np.float32)


def test_each_word_is_a_button_over_its_stretch_of_the_sound():
    html = word_player_html(TONE, WORDS, "a & b")
    buttons = re.findall(r'data-start="([\d.]+)" data-end="([\d.]+)" style="[^"]*left:([\d.]+)%;width:([\d.]+)%', html)
    assert len(buttons) == len(WORDS)
    for word, (start, end, left, width) in zip(WORDS, buttons, strict=True):
        assert abs(float(start) - (word.start - MARGIN_SECONDS + MP3_DELAY)) < 0.001
        assert abs(float(end) - (min(2.0, word.end + MARGIN_SECONDS) + MP3_DELAY)) < 0.001
        assert float(left) == round(50 * word.start, 2) and float(width) == round(50 * (word.end - word.start), 2)
    assert "IT&#x27;S" in html and "&lt;ODD&gt;" in html and "<ODD>" not in html and "a &amp; b" in html
    assert not re.search(r"https?://|<script", html)


def test_the_sound_is_in_the_page_and_starts_on_time():
    html = word_player(np.concatenate([np.zeros(16000, np.float32), TONE]), WORDS).data
    data = base64.b64decode(re.search(r"data:audio/mpeg;base64,([^\"]+)", html).group(1))
    heard, rate = soundfile.read(io.BytesIO(data))
    onset = np.flatnonzero(np.abs(heard) > 0.1)[0] / rate
    assert abs(onset - 1 - MP3_DELAY) < 0.005
