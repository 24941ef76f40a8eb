"""The explorer of a corpus."""

from html import escape

import ipywidgets

from asr_helpers.corpus.reading import Utterance
from asr_helpers.show import plots
from asr_helpers.show.widgets.page import WIDE, Page, dropdown, picture, show
from asr_helpers.show.widgets.players import player_html
from asr_helpers.sound.audio import read_audio
from asr_helpers.sound.inverse import loudness


class Explorer(Page):
    """Choose a speaker and an utterance; hear it, read it and see its waveform.

    Attributes:
        speaker, clip, next: the controls.
        utterance, samples: the chosen utterance and its samples.
        sound, facts, picture: the outputs.
    """

    def __init__(self, utterances: list[Utterance]):
        self.utterances = utterances
        self.speaker = dropdown(sorted({each.speaker for each in utterances}), "speaker", "whose voice")
        self.clip = dropdown([], "utterance", "what is said", **WIDE)
        self.next = ipywidgets.Button(description="next", tooltip="this speaker's next utterance", icon="step-forward")
        self.sound, self.facts = ipywidgets.HTML(), ipywidgets.HTML()
        self.picture = picture()
        choices = ipywidgets.Box([self.speaker, self.clip, self.next], layout={"flex_flow": "row wrap"})
        answers = self.sound, self.facts, self.picture
        super().__init__([choices, *answers], "asr-explorer", "waveform of the clip")
        self.next.on_click(self._next)
        self.clip.observe(self.answering(self._show, *answers), "value")
        self.speaker.observe(self._list, "value")
        self._list()

    def _list(self, _=None):
        theirs = [each for each in self.utterances if each.speaker == self.speaker.value]
        self.clip.options = [(f"{each.id}: {each.text.lower()}", each.id) for each in theirs]
        self.clip.index = 0

    def _next(self, _=None):
        self.clip.index = (self.clip.index + 1) % len(self.clip.options)

    def _show(self):
        self.utterance = next(each for each in self.utterances if each.id == self.clip.value)
        self.samples = read_audio(self.utterance.path)
        text, seconds = self.utterance.text, self.utterance.seconds
        show(self.sound, player_html(self.samples, self.utterance.id))
        show(
            self.facts,
            f'<div style="font-size:1.2em">{escape(text)}</div>{seconds:.1f} s · {len(text.split())} words · '
            f"{len(text) / seconds:.0f} characters a second · {loudness(self.samples):.0f} dBFS",
        )
        show(self.picture, plots.png(plots.waveform(self.samples, title=text)))
