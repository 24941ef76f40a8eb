"""What was said in a recording, in the formats of `asr transcribe` and `asr align`: printed, or written to files."""

from __future__ import annotations

import glob
import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from asr_helpers.cli.common import say
from asr_helpers.system import files
from asr_helpers.system.claims import Maker
from asr_helpers.system.errors import OneLineError, printable

if TYPE_CHECKING:
    from asr_helpers.words.alignment import Word

SUFFIXES = {"text": ".txt", "words": ".tsv", "json": ".json", "srt": ".srt", "vtt": ".vtt", "ctm": ".ctm"}
MAKER = Maker("asr transcribe")


@dataclass(frozen=True)
class Transcript:
    """The text of a recording, its words with their times, and where the sound ends, in seconds."""

    path: Path
    text: str
    words: list[Word]
    end: float = math.inf

    def rendered(self, form: str) -> str:
        """Return the transcript in one of `SUFFIXES`' formats."""
        from asr_helpers.words import alignment, captions

        if form == "text":
            return f"{self.text}\n"
        if form == "ctm":
            return alignment.ctm(self.words, self.path.stem)
        if form == "words":
            return captions.tab_lines(self.words)
        rendering = {"json": captions.json_line, "srt": captions.srt, "vtt": captions.vtt}[form]
        return rendering(self.words, printable(str(self.path)), self.end)


class OutputFolder:
    """The folder of --output-dir: for each recording a file in each format, named after the recording.

    Raises:
        OneLineError: two recordings would write the same file, or the folder holds a file that it did not make.
        OSError: the folder cannot be written.
    """

    def __init__(self, folder: Path, recordings: Iterable[Path], formats: list[str]):
        self._folder, self._formats = folder, formats
        recordings, known = list(recordings), {}
        for path in recordings:
            for target in self._targets(path).values():
                if target in known:
                    raise OneLineError(f"{known[target]} and {path} would both write {target}; use a folder for each")
                known[target] = path
        maker = MAKER.writing(*(glob.escape(target.name) for target in known))
        maker.claim_folder(folder, *recordings)

    def _targets(self, recording: Path) -> dict[str, Path]:
        stem = "standard-input" if str(recording) == "-" else recording.stem
        return {form: self._folder / (stem + SUFFIXES[form]) for form in self._formats}

    def write(self, transcript: Transcript) -> None:
        """Write the files of one recording, and print their names."""
        for form, target in self._targets(transcript.path).items():
            files.write(target, transcript.rendered(form))
            say(str(target))
