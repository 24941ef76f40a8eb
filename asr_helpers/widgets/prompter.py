"""A prompter: shows sentences, records them, and keeps what the model believes as a corpus of your own."""

from collections.abc import Iterable
from contextlib import suppress
from html import escape
from itertools import count
from pathlib import Path

import ipywidgets
import numpy as np

from asr_helpers import files
from asr_helpers.alignment import unheard
from asr_helpers.corpus import SAMPLE_RATE
from asr_helpers.importing import as_flac
from asr_helpers.text import ENGLISH, Alphabet, read_transcript
from asr_helpers.widgets.page import Bench, show
from asr_helpers.widgets.players import player_html
from asr_helpers.widgets.recorder import Recorder

LONGEST = 15  # seconds a sentence may take


class VoiceCorpus:
    """What one speaker has read of `sentences`: a corpus in LibriSpeech's layout, which grows by each recording.

    Recordings go by turns into two chapters, so that one half can be learned from and the other tell what that was
    worth: the folders `halves`, each a corpus of its own. Every file is whole at any moment, and what is there counts
    again when a corpus is made of the same `folder`: nothing else is remembered.

    Raises:
        ValueError: a sentence is empty, or has a character outside `alphabet`.
    """

    def __init__(
        self,
        folder: Path | str,
        sentences: Iterable[str],
        speaker: str = "9101",
        alphabet: Alphabet = ENGLISH,
    ):
        self.sentences = list(dict.fromkeys(map(alphabet.normalise, sentences)))
        self.folder, self.speaker = Path(folder) / speaker, speaker
        self.halves = self.folder / "1", self.folder / "2"

    def kept(self) -> dict[str, Path]:
        """Return {sentence: its FLAC} of all that was recorded, whether it is still among `sentences` or not."""
        return {text: path for half in self.halves for path, text in self._read(half)}

    def waiting(self) -> list[str]:
        """Return the sentences that were not recorded yet, in their order."""
        kept = self.kept()
        return [sentence for sentence in self.sentences if sentence not in kept]

    def keep(self, sentence: str, samples: np.ndarray) -> Path:
        """Write float32 samples at 16 kHz as the recording of one of `sentences`, and return its FLAC.

        It goes to the half that has fewer. The sound is on the disk before the transcript names it.

        Raises:
            OSError: it cannot be written; what was kept before is whole.
        """
        with files.alone(self.folder):
            half = min(self.halves, key=lambda half: len(self._read(half)))
            before = self._read(half)
            names = (half / f"{self.speaker}-{half.name}-{number:04d}.flac" for number in count())
            path = next(path for path in names if path not in dict(before))
            path.parent.mkdir(parents=True, exist_ok=True)
            files.write(path, as_flac(samples))
            lines = [f"{path.stem} {text}\n" for path, text in [*before, (path, sentence)]]
            files.write(self._transcript(half), "".join(lines))
        return path

    def delete(self) -> None:
        """Remove every recording and transcript of this speaker, and the folders that are empty then."""
        with files.alone(self.folder):
            for half in self.halves:
                files.clear(half)
                for path in half.glob(f"{self.speaker}-{half.name}-*.flac"):
                    path.unlink()
                self._transcript(half).unlink(missing_ok=True)
        for folder in (*self.halves, self.folder):
            with suppress(OSError):  # not there, or something of somebody else's is in it
                folder.rmdir()

    def _transcript(self, half: Path) -> Path:
        return half / f"{self.speaker}-{half.name}.trans.txt"

    def _read(self, half: Path) -> list[tuple[Path, str]]:
        """Return (FLAC, sentence) of what is in `half`; a line whose sound was taken away counts no more."""
        transcript = self._transcript(half)
        if not transcript.exists():
            return []
        found = [(half / f"{key}.flac", text) for _, key, text in read_transcript(transcript)]
        return [(path, text) for path, text in found if path.exists()]


class PrompterBench(Bench):
    """Shows the sentences of `corpus` that wait, one by one, and keeps a recording if the model hears every word.

    `model` is loaded when the first recording comes; the shipped one, if not given. Attributes: `corpus`,
    `sentence`, the one that is shown, or None, `recorder`, and on the page `prompt`, `sound`, `skip`, `place`,
    `delete`, `sure`, `rather_not`.
    """

    def __init__(self, corpus: VoiceCorpus, model: Path | str | None = None):
        self.corpus, self.model = corpus, model
        self.recorder = Recorder(longest=LONGEST)
        self.prompt, self.sound, self.place = (ipywidgets.HTML() for _ in range(3))
        self.skip = _button("another sentence", "this one comes again at the end")
        self.delete = _button("delete my recordings", "asks once more before it does")
        self.sure = _button("yes, delete them all", "there is no way back", button_style="danger")
        self.rather_not = _button("no, keep them", "nothing is deleted")
        self._question = ipywidgets.HBox([self.sure, self.rather_not])
        row = ipywidgets.HBox([self.skip, self.delete, self._question], layout={"flex_flow": "row wrap"})
        super().__init__(
            [self.prompt, self.recorder, self.sound, row, self.place], "asr-prompter-bench", alt=""
        )
        self._waiting = corpus.waiting()
        self._question.layout.display = "none"
        self._next()
        self.recorder.observe(self.answering(self._take, self.sound), "samples")
        self.skip.on_click(self.answering(self._skip))
        self.delete.on_click(self.answering(lambda: self._ask(True)))
        self.rather_not.on_click(self.answering(lambda: self._ask(False)))
        self.sure.on_click(self.answering(self._delete))

    @property
    def sentence(self) -> str | None:
        return self._waiting[0] if self._waiting else None

    def _take(self):
        """Keep what was recorded, or say which words were not heard."""
        show(self.sound, "")
        if self.recorder.samples is None or self.sentence is None:
            return
        samples, sentence = self.recorder.speech(), self.sentence
        show(self.sound, player_html(samples, f"what was recorded, {len(samples) / SAMPLE_RATE:.1f} s"))
        log_probs = self.recognizer.audio_log_probs(samples)
        missing = unheard(log_probs, sentence, self.recognizer.alphabet)
        if missing:
            return self._next(_read_again(missing, sentence))
        self.corpus.keep(sentence, samples)
        self._waiting.pop(0)
        self._next("Kept.")

    def _skip(self):
        self._waiting = [*self._waiting[1:], *self._waiting[:1]]
        self._next()

    def _next(self, verdict: str = ""):
        """Show `verdict`, HTML, and the sentence to read now; and what there is of recordings, and where."""
        total = len(self.corpus.sentences)
        done = total - len(self._waiting)
        read = f"Read aloud, sentence {done + 1} of {total}:" if self.sentence else f"All {total} are kept."
        text = escape((self.sentence or "Thank you").capitalize())
        show(
            self.prompt,
            f'<div aria-live="polite"><div>{verdict} {read}</div><div style="font-size:1.6em">{text}.</div></div>',
        )
        self.skip.disabled = len(self._waiting) < 2
        kept = len(self.corpus.kept())
        self.delete.disabled = not kept
        are = f"{kept} recording{'s are' if kept > 1 else ' is'}" if kept else "Recordings will be"
        where = f"<code>{escape(str(self.corpus.folder.resolve()))}</code>"
        show(self.place, f"{are} in {where}, on the machine where the kernel runs, and nowhere else.")

    def _ask(self, sure: bool):
        """Show the question whether to delete, or take it away. Either way the focus goes where Enter does no harm."""
        self._question.layout.display = "flex" if sure else "none"
        (self.rather_not if sure else self.skip).focus()

    def _delete(self):
        self.corpus.delete()
        self._waiting = self.corpus.waiting()
        show(self.sound, "")
        self._next("All recordings are deleted.")
        self._ask(False)


def _button(name: str, tooltip: str, **more) -> ipywidgets.Button:
    return ipywidgets.Button(description=name, tooltip=tooltip, layout={"width": "auto"}, **more)


def _read_again(missing: list[str], sentence: str) -> str:
    """Return, as HTML, which words were not heard."""
    if 2 * len(missing) > len(sentence.split()):
        return "<b>Most of it was not heard.</b> Was it this sentence?"
    words = " and ".join(f"<i>{escape(word.lower())}</i>" for word in dict.fromkeys(missing))
    return f"<b>Read again: {words} {'was' if len(missing) == 1 else 'were'} not heard.</b>"
