"""The prompter: shows sentences, records them, and keeps verified recordings as your own corpus."""

from collections.abc import Sequence
from html import escape
from pathlib import Path

import ipywidgets
import numpy as np

from asr_helpers.own_data.voice_corpus import VoiceCorpus
from asr_helpers.show.widgets.page import RecognizerPage, show
from asr_helpers.show.widgets.players import player_html
from asr_helpers.show.widgets.recorder import Recorder
from asr_helpers.sound.audio import SAMPLE_RATE
from asr_helpers.text import Alphabet
from asr_helpers.words.alignment import missing_words

MAX_SENTENCE_SECONDS = 15


class PrompterBench(RecognizerPage):
    """Shows the missing sentences of `corpus` one by one, and keeps a recording if the model hears every word.

    The reader may keep any other recording, too; the corpus then notes which words were not heard.

    Args:
        corpus: the sentences and their recordings.
        model: path of a model file, loaded at the first recording; None stands for the shipped model.

    Attributes:
        sentence: the sentence shown, or None.
        recorder, anyway, skip, delete, sure, rather_not: the controls.
        prompt, sound, place: the outputs.
    """

    def __init__(self, corpus: VoiceCorpus, model: Path | str | None = None):
        self.corpus, self.model = corpus, model
        self.recorder = Recorder(longest=MAX_SENTENCE_SECONDS)
        self.prompt, self.sound, self.place = (ipywidgets.HTML() for _ in range(3))
        self.anyway = _button("keep it anyway", "if it was read as written; the corpus notes what was not heard")
        self.skip = _button("another sentence", "this one comes again at the end")
        self.delete = _button("delete my recordings", "asks once more before it does")
        self.sure = _button("yes, delete them all", "there is no way back", button_style="danger")
        self.rather_not = _button("no, keep them", "nothing is deleted")
        self._question = ipywidgets.HBox([self.sure, self.rather_not])
        row = ipywidgets.HBox([self.anyway, self.skip, self.delete, self._question], layout={"flex_flow": "row wrap"})
        super().__init__([self.prompt, self.recorder, self.sound, row, self.place], "asr-prompter-bench", alt="")
        self._waiting = corpus.waiting()
        self._question.layout.display = "none"
        self._refuse()
        self._next()
        self.recorder.observe(self.answering(self._take, self.sound), "samples")
        self.anyway.on_click(self.answering(self._keep_anyway))
        self.skip.on_click(self.answering(self._skip))
        self.delete.on_click(self.answering(lambda: self._ask(True)))
        self.rather_not.on_click(self.answering(lambda: self._ask(False)))
        self.sure.on_click(self.answering(self._delete))

    @property
    def sentence(self) -> str | None:
        """The sentence to read, or None if all are recorded."""
        return self._waiting[0] if self._waiting else None

    def _take(self):
        """Keep the recording, or show which words were not heard."""
        show(self.sound, "")
        self._refuse()
        if self.recorder.samples is None or self.sentence is None:
            return
        samples, sentence = self.recorder.speech(), self.sentence
        show(self.sound, player_html(samples, f"what was recorded, {len(samples) / SAMPLE_RATE:.1f} s"))
        log_probs = self.recognizer.audio_log_probs(samples)
        missing = missing_words(log_probs, sentence, self.recognizer.alphabet)
        if missing:
            self._refuse(missing)
            return self._next(_read_again(missing, sentence, self.corpus.alphabet))
        self._keep(samples)

    def _keep(self, samples: np.ndarray, missing: Sequence[str] = ()):
        self.corpus.keep(self.sentence, samples, missing)
        self._waiting.pop(0)
        self._next("Kept.")

    def _refuse(self, missing: Sequence[str] = ()):
        """Offer to keep the recording although the words `missing` were not heard; offer nothing if there are none."""
        self._missing = missing
        self.anyway.layout.display = None if missing else "none"

    def _keep_anyway(self):
        self._keep(self.recorder.speech(), self._missing)
        self._refuse()
        (self.delete if self.skip.disabled else self.skip).focus()  # a hidden button would lose the focus

    def _skip(self):
        self._refuse()
        self._waiting = [*self._waiting[1:], *self._waiting[:1]]
        self._next()

    def _next(self, verdict: str = ""):
        """Show `verdict` (HTML), the next sentence to read, and the number and folder of the recordings."""
        total = len(self.corpus.sentences)
        done = total - len(self._waiting)
        read = f"Read aloud, sentence {done + 1} of {total}:" if self.sentence else f"All {total} are kept."
        text = self.sentence or "THANK YOU"
        text = escape(text[0] + self.corpus.alphabet.lower(text)[1:])
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
        """Show or hide the question whether to delete, and focus a button on which Enter does no harm."""
        self._question.layout.display = "flex" if sure else "none"
        (self.rather_not if sure else self.skip).focus()

    def _delete(self):
        self.corpus.delete()
        self._refuse()
        self._waiting = self.corpus.waiting()
        show(self.sound, "")
        self._next("All recordings are deleted.")
        self._ask(False)


def _button(name: str, tooltip: str, **more) -> ipywidgets.Button:
    return ipywidgets.Button(description=name, tooltip=tooltip, layout={"width": "auto"}, **more)


def _read_again(missing: list[str], sentence: str, alphabet: Alphabet) -> str:
    """Return the HTML that names the words that were not heard."""
    if 2 * len(missing) > len(sentence.split()):
        return "<b>Most of it was not heard.</b> Was it this sentence?"
    words = " and ".join(f"<i>{escape(alphabet.lower(word))}</i>" for word in dict.fromkeys(missing))
    return f"<b>Read again: {words} {'was' if len(missing) == 1 else 'were'} not heard.</b>"
