# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 00 · Start here
#
# You will hear a sentence, see it as a recogniser sees it, and read what a recogniser trained from scratch writes.
# Then you speak.

# %% jupyter={"source_hidden": true}
import os
import tempfile
from importlib.metadata import version
from pathlib import Path

import numpy as np
import soundfile
from IPython.display import display

from asr_helpers.corpus import data_dir, load_corpus
from asr_helpers.recognizer import Recognizer, shipped_model
from asr_helpers.show import plots, word_diff
from asr_helpers.show.widgets import RecorderBench, player
from asr_helpers.sound import AudioError, log_mel, read_audio
from asr_helpers.teaching import check
from asr_helpers.words import default_decoder, greedy, score

PROFILE = os.environ.get("ASR_PROFILE", "fast")
plots.style()

# %% jupyter={"source_hidden": true}
people = load_corpus(data_dir() / "real").utterances
clip = next(each for each in people if each.id == "672-122797-0069")
samples = read_audio(clip.path)
player(samples, clip.text.lower())

# %% jupyter={"source_hidden": true}
figure = plots.spectrogram(log_mel(samples), title=clip.text.lower(), unit="")
arrow = {"color": "white", "fontweight": "bold", "arrowprops": {"arrowstyle": "->", "color": "white", "lw": 1.5}}
figure.axes[0].annotate("S: a cloud", (0.79, 70), (1.1, 66), **arrow)
figure.axes[0].annotate("S", (4.36, 68), (4.62, 66), **arrow)
figure.axes[0].annotate("vowels:\nstripes", (1.25, 14), (2.15, 16), **arrow)
figure.axes[0].annotate("", (2.95, 10), (2.75, 14), **arrow)
alt = f"spectrogram of “{clip.text.lower()}”: bright clouds at the top at each S, bright stripes below in the vowels"
plots.save(figure, "00_spectrogram", alt, "Time runs to the right, pitch upwards; bright is loud.")

# %% [markdown] tags=["about"]
# This is all that the recogniser sees of the sentence. By the end of the series you will have built everything between
# the sound and the words yourself.
#
# | | |
# |---|---|
# | **Objectives** | check that everything works on your machine · follow one sentence from sound to text · do it with your own voice · know what each notebook is about |
# | **Needs** | no network, no GPU; a microphone or a sound file, if you like |
# | **Minutes** | under 1 |

# %% [markdown]
# ## Hear
#
# The sentence comes from an audiobook. It is one of forty in this repository, read by twenty people; no model in this
# series was trained on any of them. Folded cells, like those above, hold imports and drawing: click on them to look
# inside.
#
# The second corpus is a harbour radio: bulletins read by twelve synthetic voices, none of which sounds natural. It is
# small enough to train on within minutes, so you will meet it often.

# %%
test = load_corpus(data_dir() / "mini" / "test-mini").utterances
bulletin = next(each for each in test if each.speaker == "9002")
player(read_audio(bulletin.path), bulletin.text.lower())

# %% [markdown]
# ## See
#
# To the computer, the sentence is a list of numbers, 16 000 for each second:

# %%
print(len(samples), "numbers, among them", np.round(samples[8000:8006], 4))
figure = plots.waveform(samples, title=clip.text.lower())
figure.caption = "Loud and quiet can be seen; letters cannot."
figure

# %% [markdown]
# Can you read the words in this curve? Hardly, and the recogniser does not try. It reads the picture at the top, the
# *log-mel spectrogram*: how strong each pitch is at each moment. You will build it in
# [notebook 02](02_spectrograms.ipynb).
#
# ## Write
#
# The shipped model learned from the harbour radio and from twelve hours of people reading aloud (notebook 06). One
# line loads it, and another transcribes. On its own it spells what it hears, letter by letter. A *language model*,
# which knows what people write, corrects the spelling (notebook 07):

# %%
recognizer = Recognizer.load(shipped_model())
decoder = default_decoder()
heard = {
    "letter by letter": recognizer.transcribe(samples),
    "with language model": recognizer.transcribe(samples, decoder),
}
word_diff(clip.text, heard)

# %% [markdown]
# CORONER is how the network heard the word, and NETEALS is no word at all. The language model hears nothing: it
# corrects both because it knows what people write. A word that was said but not recognised is struck through; what the
# model wrote instead is bold.
#
# How often is it right? Four more people, then four of the harbour's voices:

# %%
for each in people[5::10] + test[5::24]:
    display(word_diff(each.text, recognizer.transcribe(read_audio(each.path), decoder)))

# %% [markdown]
# The *word error rate* (WER) counts the words replaced, inserted and deleted, and divides by the words that were said.
# A few sentences give a rough number, so it comes with the interval in which it plausibly lies:

# %%
for name, corpus in {"people": people, "harbour radio": test}.items():
    for way, spell in {"letter by letter": greedy, "with language model": decoder}.items():
        heard = [recognizer.transcribe(read_audio(each.path), spell) for each in corpus]
        result = score([each.text for each in corpus], heard)
        low, high = (f"{100 * end:.0f}" for end in result["wer_ci95"])
        print(f"{name:13}  {way:19}  WER {100 * result['wer']:2.0f} %, 95 % interval {low} to {high} %")

# %% [markdown]
# People are harder for two reasons: no two of them speak alike, and a book may use any word, while the harbour uses 218.
#
# ## You
#
# Press *record*, speak for a few seconds, press *stop*; or drop a sound file onto the field. The sound stays on this
# machine: your browser sends 16 000 numbers a second to the notebook's kernel, and nowhere else.

# %%
RecorderBench()

# %% [markdown]
# <details><summary>No kernel running? This is what it looks like.</summary>
#
# ![a record button, a player, a spectrogram and the words that were heard](../figures/recorder.png)
#
# </details>
#
# A browser grants the microphone only after asking, and only to pages from `localhost` or `https`. VS Code never grants
# it to notebooks; upload a file there instead. Expect more errors than above: your voice, your room and your microphone
# were not in the training data. A plain, slow sentence close to the microphone works best.
#
# ## Break it: a recording of another kind
#
# The model takes 16 000 samples a second on one channel. What does `read_audio` say to a stereo recording at 44 100?

# %%
path = Path(tempfile.mkdtemp()) / "holiday.wav"
soundfile.write(path, np.random.default_rng(0).normal(size=(44100, 2)) * 0.1, 44100)
try:
    read_audio(path)
except AudioError as error:
    print(str(error).replace(f"{path.parent}/", ""))

# %% [markdown]
# The error is one line, which names the file and the fix. Every error in this series is reported that way.
#
# ## Where to go
#
# | | |
# |---|---|
# | [01 · Conversion](01_conversion.ipynb) | how a corpus is laid out; FLAC to WAV, bit for bit |
# | [02 · Spectrograms](02_spectrograms.ipynb) | from numbers to the picture above, step by step |
# | [03 · Augmentation](03_augmentation.ipynb) | noise, rooms, other speeds: hear what the model is trained on |
# | [04 · Input pipeline](04_input_pipeline.ipynb) | batches that neither wait nor waste |
# | [05 · CRNN and CTC](05_crnn_and_ctc.ipynb) | the network, and learning without knowing when |
# | [06 · Training](06_training.ipynb) | from noise to sentences in minutes |
# | [07 · Decoding](07_decoding.ipynb) | from frames to words |
# | [08 · Quantization](08_quantization.ipynb) | a quarter of the size |
# | [09 · Interpreters](09_interpreters.ipynb) | the same words, but how fast? |
# | [10 · Pretrained models](10_pretrained.ipynb) | Whisper, taken apart and compared with yours |
# | [11 · Your language](11_your_language.ipynb) | other letters, other words, the same recipe |
# | [12 · Your voice](12_your_voice.ipynb) | a corpus of your own, and a recogniser that learns it |
# | [13 · More machines](13_more_machines.ipynb) | one training on several machines, and what that brings |
# | [14 · Live](14_live.ipynb) | captions while you speak |
# | [15 · In a page](15_in_a_page.ipynb) | the recogniser in a web page, and on your phone |
#
# Each notebook runs on its own, in any order. Read a question, guess, run the cell. The "Break it" cells fail on
# purpose. Each exercise has an empty cell to write in and a check that gives hints. A quiz closes each notebook, and
# the [glossary](../notebooks/GLOSSARY.md) explains the technical terms.
#
# Work in a copy: `make learn` makes one in `work/` and updates it later without touching what you wrote. The environment
# variable `ASR_PROFILE` sets the size of everything: `ci` for a quick test, `fast` by default, `workshop` for Mini
# LibriSpeech, `full` for train-clean-100. This is what you are running:

# %%
print("profile", PROFILE, *(f"· {name} {version(name)}" for name in ("tensorflow", "keras", "librosa", "numpy")))

# %% [markdown]
# ## Exercises
#
# Write into the empty cells and let `check` judge: it says what is right, and gives a hint where something is not.
# [All of them solved](../notebooks/solutions/00_start_here.ipynb).

# %% [markdown] tags=["exercise"]
# ### Exercise 00.1 · The voice it never heard
#
# *easy · 5 minutes*
#
# No clip of speaker 9007 was used in training. How much harder is that voice? Transcribe the speaker's first eight clips
# in `test`, letter by letter (without the language model). Put the list of the eight transcripts into `answer`; the
# check scores them.

# %% tags=["solution"]
unheard = [each for each in test if each.speaker == "9007"][:8]
answer = [recognizer.transcribe(read_audio(each.path)) for each in unheard]
word_diff(unheard[0].text, answer[0])

# %% tags=["check"]
check("00.1", answer)

# %% [markdown] tags=["exercise"]
# ### Exercise 00.2 · Nonsense
#
# *easy · 3 minutes*
#
# Reverse `samples` (`samples[::-1]`) and transcribe the result, letter by letter. What does the model write? (`[::-1]` is
# a view; `.copy()` makes a contiguous array, which every runtime accepts.)

# %% tags=["solution"]
answer = recognizer.transcribe(samples[::-1].copy())
print(answer)

# %% tags=["check"]
check("00.2", answer)

# %% [markdown] tags=["exercise"]
# ### Exercise 00.3 · A sound of your own
#
# *easy · 5 minutes*
#
# Make two seconds of a pure tone of 440 Hz, in the form the model takes: one channel, 16 000 samples a second, values
# between −1 and 1. `answer` is the array. Listen with `player(answer)`. What does the model write for it?

# %% tags=["solution"]
seconds = np.arange(2 * 16000) / 16000
answer = (0.3 * np.sin(2 * np.pi * 440 * seconds)).astype(np.float32)
print(repr(recognizer.transcribe(answer)))

# %% tags=["check"]
check("00.3", answer)

# %% [markdown]
# ### Open task · Catch it out
#
# *10 minutes, alone or in pairs*
#
# Find a sentence that you understand at once and the recogniser does not. Record it above, or search the forty clips.
# A good answer has three parts:
#
# | | |
# |---|---|
# | **the pair** | what was said and what was heard, shown with `word_diff` |
# | **a cause** | one guess (the voice, the room, the pace, a rare word) and why you believe it |
# | **a test** | the same sentence with only that cause removed: were you right? |

# %% [markdown] tags=["quiz"]
# ## Quiz
#
# **1. What does the recogniser read?**
#
# - [ ] the 16 000 numbers a second, as they are | The waveform shows where somebody speaks, but hardly which letter it is.
# - [x] how strong each pitch is at each moment | That is the spectrogram: 80 numbers, a hundred times a second.
# - [ ] how loud each word is | Loudness is removed on purpose: it says nothing about the words.
#
# **2. Of ten words, two are replaced and one is left out. What is the word error rate?**
#
# - [ ] 20 % | A word left out is an error, too.
# - [x] 30 % | Three errors, divided by the ten words that were said.
# - [ ] 70 % | That is the fraction that was right.
#
# **3. Can a word error rate be above 100 %?**
#
# - [ ] no: if nothing is recognised, it is exactly 100 % | An empty transcript has 100 %. A transcript can be worse than empty.
# - [x] yes | Inserted words count as well: nine made-up words for one that was said make 900 %.
# - [ ] no: there cannot be more errors than words | There can: inserted words are errors without a word that was said.
#
# **4. Why does the rate come with an interval?**
#
# - [ ] because the model writes something else each time | It does not: the same sound gives the same text.
# - [x] because other sentences would have given another rate | A few sentences are a sample. The interval says how far another sample might lie.
# - [ ] because some recordings are noisier than others | Noise raises the rate itself. The interval says how well we know it.
#
# **5. Where does your recording go?**
#
# - [x] to the kernel on your machine, and nowhere else | The browser sends 16 000 numbers a second, and the kernel does the rest.
# - [ ] to a server that transcribes it | There is none: the model is a file in this repository.
# - [ ] into the training data | Nothing is trained on it, unless you do that yourself.

# %% [markdown]
# ## Recap
#
# - Sound is a list of numbers; a spectrogram makes speech visible; a network spells it.
# - A language model corrects the spelling.
# - A model is judged on sentences it was not trained on, by a rate with an interval.
#
# ## Further reading
#
# - [Jurafsky & Martin, *Speech and Language Processing*](https://web.stanford.edu/~jurafsky/slp3/): a free textbook; its chapter on speech recognition has the theory of what you will build.
# - [Bisani & Ney (2004), bootstrap intervals for error rates](https://doi.org/10.1109/ICASSP.2004.1326009): where the interval after each WER comes from.
# - [Mozilla Common Voice](https://commonvoice.mozilla.org): speech donated by volunteers in more than a hundred languages; hear how different people sound.
#
# Next: [01 · Conversion](01_conversion.ipynb).
