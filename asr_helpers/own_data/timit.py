"""TIMIT's transcripts begin with two numbers: the first and the last sample of the sentence."""

import re
from typing import Any

from asr_helpers.own_data.rows import RowError
from asr_helpers.sound.opening import AudioError, open_audio

_TWO_NUMBERS = re.compile(r"\s*(\d{1,12})\s+(\d{1,12})\s+(?=\D)", re.ASCII)


def strip_sample_numbers(file, fields: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a row, without sample numbers before its text; in TIMIT the folder is the speaker.

    Raises:
        RowError: the text begins with two numbers which may be samples, but are not those of the sound.
    """
    found = _TWO_NUMBERS.match(fields["text"])
    if not found or int(found[1]) != 0 or int(found[2]) < 1000:  # "0 5 means love" is a text
        return fields
    try:
        with open_audio(file) as audio:
            frames = audio.frames
    except AudioError as error:
        raise RowError(str(error)) from None
    if not 0.9 * frames <= int(found[2]) <= 1.001 * frames:
        raise RowError(f"its text begins with 0 {found[2]}, but its sound has {frames} samples; correct the text")
    return fields | {"text": fields["text"][found.end() :], "speaker": file.parent.name}
