"""How exactly does alignment find when each word begins?

    python benchmarks/word_times.py [--model MODEL] [--json]

eSpeak NG speaks the sentences of dev-mini in three voices and reports when it begins each word. `align` gets the same
sound and the text. The difference is positive where the alignment is late. It needs the extra `language`; the shipped
network was trained on voices of eSpeak NG, so on others it may be worse.
"""

import ctypes
import json
from pathlib import Path

import numpy as np
from common import arguments

from asr_helpers.corpus import data_dir, load_corpus
from asr_helpers.own_data import espeak
from asr_helpers.recognizer import Recognizer, shipped_model
from asr_helpers.words import align

VOICES = ("", "f2", "m3")
WORD = 1  # eSpeak's number of the event
END = 0


class Event(ctypes.Structure):
    """espeak_EVENT of speak_lib.h."""

    _fields_ = (
        ("type", ctypes.c_int),
        ("identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("milliseconds", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("content", ctypes.c_char * 8),
    )


def spoken(text: str, voice: str) -> tuple[np.ndarray, list[float]]:
    """Return the samples of `text`, at 16 kHz, and when each word begins, in seconds."""
    library, rate, sound = espeak._library()
    starts = []

    @ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(Event))
    def receive(samples, count, events):
        if samples and count:
            sound.append(np.ctypeslib.as_array(samples, (count,)).copy())
        place = 0
        while events[place].type != END:
            if events[place].type == WORD:
                starts.append(events[place].sample / rate)
            place += 1
        return 0

    library.espeak_SetSynthCallback(receive)
    try:
        return espeak.speak(text.lower(), "en-us", voice, speed=150), starts
    finally:
        library.espeak_SetSynthCallback(library.receive)


def main() -> None:
    parser = arguments(__doc__, __file__, "json")
    parser.add_argument("--model", type=Path, default=shipped_model())
    options = parser.parse_args()
    recognizer, late = Recognizer.load(options.model), []
    texts = sorted({each.text for each in load_corpus(data_dir() / "mini" / "dev-mini")})
    for voice in VOICES:
        for text in texts:
            samples, starts = spoken(text, voice)
            if len(starts) == len(text.split()):  # eSpeak joins some words, such as "of the", into one
                words = align(recognizer.audio_log_probs(samples), text)
                late += [1000 * (word.start - start) for word, start in zip(words, starts, strict=True)]
    found = {"words": len(late), "median_ms": float(np.median(late))}
    found |= {f"within_ms_{share}": float(np.percentile(np.abs(late), share)) for share in (50, 90, 95)}
    if options.json:
        print(json.dumps(found))
        return
    print(f"{found['words']} words; the alignment is {found['median_ms']:+.0f} ms late (median)")
    print("off by at most", *(f"{found[f'within_ms_{share}']:.0f} ms for {share} %" for share in (50, 90, 95)))


if __name__ == "__main__":
    main()
