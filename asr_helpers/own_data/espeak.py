"""Text to speech in more than a hundred languages, offline: eSpeak NG, from the extra `language`.

eSpeak NG is free software under the GNU General Public License, version 3. It is not part of this project: the package
espeakng-loader provides the library and its data, and this module calls it.
"""

import ctypes
import functools
import re
import threading
from pathlib import Path

import numpy as np
import soxr

from asr_helpers.sound.audio import SAMPLE_RATE
from asr_helpers.system.errors import OneLineError

# From the library's C interface, speak_lib.h.
_SYNCHRONOUS, _DO_NOT_EXIT, _UTF8, _IPA = 2, 0x8000, 1, 0x02
_RATE, _PITCH = 1, 3
_SYNTH_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


class SpeechError(OneLineError):
    """Speech cannot be synthesised."""


def speak(text: str, language: str, variant: str = "", speed: int = 170, pitch: int = 50) -> np.ndarray:
    """Return `text` as eSpeak NG speaks it: float32 (samples,), mono at 16 kHz.

    The voice varies a little, so two calls differ slightly; the same calls in a new process give the same samples.

    Args:
        text: what to speak.
        language: one of eSpeak's names, such as "de", "pt-br", "en-gb-scotland".
        variant: another voice for the same language, such as "m1" to "m8", "f1" to "f5"; "" is the language's own.
        speed: words per minute, 80 to 450.
        pitch: 0 (low) to 99 (high).

    Raises:
        SpeechError: the extra `language` is not installed, or there is no such language or variant.
    """
    with _turn:
        library, rate, sound = _library()
        _choose(library, language, variant)
        library.espeak_SetParameter(_RATE, speed, 0)
        library.espeak_SetParameter(_PITCH, pitch, 0)
        content = text.replace("\0", " ").encode() + b"\0"
        sound.clear()
        library.espeak_Synth(content, ctypes.c_size_t(len(content)), 0, 0, 0, _UTF8, None, None)
        samples = np.concatenate([np.zeros(0, np.int16), *sound])
    return soxr.resample(samples.astype(np.float32) / 32768, rate, SAMPLE_RATE)


def sounds(text: str, language: str) -> str:
    """Return eSpeak NG's pronunciation of `text`, in the International Phonetic Alphabet.

    Raises:
        SpeechError: as `speak`.
    """
    with _turn:
        library, _, _ = _library()
        _choose(library, language, "")
        rest, clauses = ctypes.c_char_p(text.replace("\0", " ").encode()), []
        while rest.value is not None:
            clauses.append(library.espeak_TextToPhonemes(ctypes.byref(rest), _UTF8, _IPA).decode())
    return " ".join(" ".join(clauses).split())


_turn = threading.RLock()  # the library keeps voice, text and sound in global variables: one caller at a time


@functools.cache
def _library() -> tuple[ctypes.CDLL, int, list[np.ndarray]]:
    """Return the library, initialised once per process; its sample rate; and the list that receives its samples.

    Raises:
        SpeechError: the extra `language` is not installed, or does not work.
    """
    try:
        import espeakng_loader
    except ModuleNotFoundError:
        raise SpeechError("speech needs a package that is missing: pip install espeakng-loader") from None
    try:
        library = ctypes.CDLL(espeakng_loader.get_library_path())
    except OSError as error:
        raise SpeechError(f"eSpeak NG cannot be loaded ({error}); install espeakng-loader again") from None
    library.espeak_TextToPhonemes.restype = ctypes.c_char_p
    library.espeak_TextToPhonemes.argtypes = [ctypes.POINTER(ctypes.c_char_p), ctypes.c_int, ctypes.c_int]
    data = espeakng_loader.get_data_path()
    rate = library.espeak_Initialize(_SYNCHRONOUS, 0, data.encode(), _DO_NOT_EXIT)
    if rate <= 0:
        raise SpeechError(
            f"{data}: eSpeak NG cannot read its data; install espeakng-loader in a folder with a shorter path"
        )
    library.espeak_ng_SetRandSeed(ctypes.c_long(1))  # the default seed is the time
    sound: list[np.ndarray] = []

    @_SYNTH_CALLBACK
    def receive(samples, count, events):
        if samples and count:
            sound.append(np.ctypeslib.as_array(samples, (count,)).copy())
        return 0

    library.espeak_SetSynthCallback(receive)
    library.receive = receive  # keeps it alive: the library calls it later
    return library, rate, sound


def _choose(library: ctypes.CDLL, language: str, variant: str) -> None:
    """Select a voice.

    Raises:
        SpeechError: there is no such language or variant.
    """
    import espeakng_loader

    variants = Path(espeakng_loader.get_data_path()) / "voices" / "!v"
    if variant and (Path(variant).name != variant or not (variants / variant).is_file()):
        raise SpeechError(f"eSpeak NG has no variant {variant!r}; try m1 to m8 or f1 to f5")
    voice = f"{language}+{variant}" if variant else language
    if not re.fullmatch(r"\w+(-\w+)*", language) or library.espeak_SetVoiceByName(voice.encode()):
        raise SpeechError(f"eSpeak NG does not speak {language!r}; try a code such as 'de', 'es' or 'pt-br'")
