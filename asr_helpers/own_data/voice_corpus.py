"""A corpus of your own voice, which grows with each recording and is valid at any moment."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from contextlib import suppress
from itertools import count
from pathlib import Path

import numpy as np

from asr_helpers.corpus.reading import CorpusError
from asr_helpers.sound.audio import as_flac
from asr_helpers.sound.opening import flac_comment
from asr_helpers.system import files
from asr_helpers.system.text_files import read_transcript
from asr_helpers.text import ENGLISH, Alphabet

_NOTE = "a recording of VoiceCorpus"  # in each FLAC; without it, the file is somebody else's


class VoiceCorpus:
    """One speaker's recordings of `sentences`: a corpus in LibriSpeech's layout, which grows with each recording.

    Recordings go alternately into two chapters, one for training and one to measure the gain: the folders `halves`,
    each a corpus of its own. The files are the only state, and each is written atomically. One of them, `doubts.tsv`,
    lists the recordings that were kept although some of their words were not heard.

    Args:
        folder: holds the speaker's folder.
        sentences: what to read; duplicates are dropped.
        speaker: name of the speaker's folder, and first part of the ids: letters and digits.
        alphabet: of the transcripts.

    Raises:
        AlphabetError: a sentence is empty, or has a character outside `alphabet`.
        CorpusError: `speaker` is no part of an id: letters and digits.
    """

    def __init__(
        self, folder: Path | str, sentences: Iterable[str], speaker: str = "9101", alphabet: Alphabet = ENGLISH
    ):
        speaker = unicodedata.normalize("NFC", speaker)
        if not re.fullmatch(r"[^\W_]+", speaker):
            plain = re.sub(r"[\W_]", "", speaker) or "anna"
            raise CorpusError(
                f"{speaker!r}: a speaker's name has letters and digits only; choose another, like {plain}"
            )
        self.alphabet = alphabet
        self.sentences = list(dict.fromkeys(map(alphabet.normalize, sentences)))
        self.folder, self.speaker = Path(folder) / speaker, speaker
        self.halves = self.folder / "1", self.folder / "2"
        self._log = self.folder / "doubts.tsv"

    def kept(self) -> dict[str, Path]:
        """Return {sentence: its FLAC} of all recordings, even of sentences that are no longer in `sentences`."""
        return {text: path for half in self.halves for path, text in self._read(half)}

    def waiting(self) -> list[str]:
        """Return the sentences that are not recorded yet, in order."""
        kept = self.kept()
        return [sentence for sentence in self.sentences if sentence not in kept]

    def doubts(self) -> dict[str, str]:
        """Return {id: the words that were not heard} of the recordings that were kept nevertheless."""
        if not self._log.exists():
            return {}
        rows = (line.partition("\t") for line in self._log.read_text(encoding="utf-8").splitlines())
        kept = {path.stem for path in self.kept().values()}
        return {key: words for key, _, words in rows if key in kept}

    def keep(self, sentence: str, samples: np.ndarray, missing: Sequence[str] = ()) -> Path:
        """Write float32 samples at 16 kHz as the recording of one of `sentences`, and return its FLAC.

        It goes to the half with fewer recordings. The sound is on the disk before the transcript lists it.

        Args:
            sentence: what was read.
            samples: the recording.
            missing: the words that a recogniser did not hear; the log lists them (`doubts`).

        Raises:
            OSError: the write failed; earlier recordings are unharmed.
        """
        with files.exclusive(self.folder):
            half = min(self.halves, key=lambda half: len(self._read(half)))
            before = self._read(half)
            names = (half / f"{self.speaker}-{half.name}-{number:04d}.flac" for number in count())
            path = next(path for path in names if not path.exists() or _is_left_over(path, before))
            path.parent.mkdir(parents=True, exist_ok=True)
            doubts = self.doubts() | ({path.stem: " ".join(missing)} if missing else {})
            files.write(path, as_flac(samples, _NOTE))
            if doubts or self._log.exists():
                files.write(self._log, "".join(f"{key}\t{words}\n" for key, words in doubts.items()))
            lines = [f"{path.stem} {text}\n" for path, text in [*before, (path, sentence)]]
            files.write(self._transcript(half), "".join(lines))
        return path

    def delete(self) -> None:
        """Remove every recording, transcript and log of this speaker, and the folders that this leaves empty."""
        with files.exclusive(self.folder):
            files.remove_partials(self.folder)
            self._log.unlink(missing_ok=True)
            for half in self.halves:
                files.remove_partials(half)
                for path in half.glob(f"{self.speaker}-{half.name}-*.flac"):
                    path.unlink()
                self._transcript(half).unlink(missing_ok=True)
        for folder in (*self.halves, self.folder):
            with suppress(OSError):  # missing, or another program's file is in it
                folder.rmdir()

    def _transcript(self, half: Path) -> Path:
        return half / f"{self.speaker}-{half.name}.trans.txt"

    def _read(self, half: Path) -> list[tuple[Path, str]]:
        """Return (FLAC, sentence) of each recording in `half`; lines whose FLAC is missing are skipped."""
        transcript = self._transcript(half)
        if not transcript.exists():
            return []
        found = [(half / f"{key}.flac", text) for _, key, text in read_transcript(transcript)]
        return [(path, text) for path, text in found if path.exists()]


def _is_left_over(path: Path, listed: list[tuple[Path, str]]) -> bool:
    """Return whether a FLAC is a recording of ours that a killed process did not list."""
    return path not in dict(listed) and flac_comment(path) == _NOTE
