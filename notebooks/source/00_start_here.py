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
# You will hear a sentence, see what a recogniser sees of it, and have it written down by one that was trained from
# scratch with the code of this series. Then you speak.
#
# | | |
# |---|---|
# | **Objectives** | check that everything works on your machine · follow one sentence from sound to text · do it with your own voice · know what comes in which notebook |
# | **Needs** | nothing: no network, no GPU; a microphone or a sound file, if you like |
# | **Minutes** | ci, fast, workshop, full: under 1 |

# %%
import os
import tempfile
from importlib.metadata import version
from pathlib import Path

import numpy as np
import soundfile

from asr_helpers.corpus import data_dir, load_corpus
from asr_helpers.recognizer import Recognizer, shipped_model
from asr_helpers.show import plots
from asr_helpers.show.widgets import RecorderBench, player
from asr_helpers.sound import AudioError, log_mel, read_audio
from asr_helpers.teaching import check
from asr_helpers.words import default_decoder, greedy, score

PROFILE = os.environ.get("ASR_PROFILE", "fast")
plots.style()
print("profile", PROFILE, *(f"· {name} {version(name)}" for name in ("tensorflow", "keras", "librosa", "numpy")))

# %% [markdown]
# ## Hear
#
# Somebody reads a book aloud. The sentence is one of forty that come with the series, by twenty people; no model here
# was trained on any of them.

# %%
people = load_corpus(data_dir() / "real").utterances
clip = next(each for each in people if each.id == "672-122797-0069")
samples = read_audio(clip.path)
player(samples, clip.text.lower())

# %% [markdown]
# There is a second corpus, with one voice less natural than the other: the bulletins of a harbour radio, by twelve
# speech synthesisers. It is small enough to train on within minutes, so you will meet it often.

# %%
test = load_corpus(data_dir() / "mini" / "test-mini").utterances
bulletin = next(each for each in test if each.speaker == "9002")
player(read_audio(bulletin.path), bulletin.text.lower())

# %% [markdown]
# ## See
#
# To the computer the book is a list of numbers, 16 000 for each second:

# %%
print(len(samples), "numbers, among them", np.round(samples[8000:8006], 4))
plots.waveform(samples, title=clip.text)

# %% [markdown]
# Can you read the words in it? Hardly. The recogniser does not try either. It looks at how strong each pitch is at each
# moment, the *log-mel spectrogram*, in which vowels are stripes and an S is a cloud at the top:

# %%
plots.save(plots.spectrogram(log_mel(samples), title=clip.text), "00_spectrogram")

# %% [markdown]
# ## Write down
#
# The shipped model was trained as in notebook 06, on the harbour radio and on hours of other people reading aloud, and
# shrunk for CPUs as in notebook 08. One line loads it, one transcribes. It spells by ear; a *language model*, which knows
# what people write (notebook 07), helps:

# %%
recognizer = Recognizer.load(shipped_model())
decoder = default_decoder()
print("said               ", clip.text)
print("heard, by ear      ", recognizer.transcribe(samples))
print("with language model", recognizer.transcribe(samples, decoder))

# %% [markdown]
# How often is it right? Four more people, then four of the harbour's voices:

# %%
for each in people[5::10] + test[5::24]:
    print(f"said   {each.text}\nheard  {recognizer.transcribe(read_audio(each.path), decoder)}\n")

# %% [markdown]
# The *word error rate* (WER) counts the words to be replaced, inserted and deleted, and divides by the words that were
# said. With so few sentences it is a rough number, so it comes with the interval in which it plausibly lies:

# %%
for name, corpus in {"people": people, "harbour radio": test}.items():
    for way, spell in {"by ear": greedy, "with language model": decoder}.items():
        heard = [recognizer.transcribe(read_audio(each.path), spell) for each in corpus]
        result = score([each.text for each in corpus], heard)
        low, high = (f"{end:.0%}" for end in result["wer_ci95"])
        print(f"{name:13}  {way:19}  WER {result['wer']:4.0%}, 95 % interval {low} to {high}")

# %% [markdown]
# People are harder, for two reasons: no two of them speak alike, and a book may say anything, while the harbour has 218
# words.

# %% [markdown]
# ## You
#
# Press *record*, speak for some seconds, press *stop*; or drop a sound file of any kind onto the field. The sound stays on
# this machine: the browser turns it into 16 000 numbers a second, and the kernel does the rest.

# %%
RecorderBench()

# %% [markdown]
# No kernel running? It looks like this, here with a sentence of the corpus:
#
# ![a record button, a player, a spectrogram and the words that were heard](../figures/recorder.png)
#
# A browser gives out the microphone only after asking, and only to pages from `localhost` or `https`; VS Code gives it to
# no notebook. There a sound file is the way. Expect more errors than above: your voice, your room and your microphone
# were not in the training data. Closer to the microphone is better, and so is a plain, slow sentence.
#
# ## Break it: a recording of another kind
#
# Models are picky: 16 000 samples a second, one channel. A stereo recording at 44 100 would sound like another language
# to it. What does the helper say to one?

# %%
path = Path(tempfile.mkdtemp()) / "holiday.wav"
soundfile.write(path, np.random.default_rng(0).normal(size=(44100, 2)) * 0.1, 44100)
try:
    read_audio(path)
except AudioError as error:
    print(str(error).replace(f"{path.parent}/", ""))

# %% [markdown]
# One line that names the file and the mend. It is how every mistake is answered in this series.
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
# | [09 · Interpreters](09_interpreters.ipynb) | the same words, how fast? |
# | [12 · Your voice](12_your_voice.ipynb) | a corpus of your own, and a recogniser that learns it |
# | [13 · More machines](13_more_machines.ipynb) | one training on several machines, and what that brings |
#
# Each notebook runs alone, in any order. Read a question, guess, run the cell. The "Break it" cells fail on purpose.
# Each exercise has an empty cell to write in and a check that hints; five questions close each notebook. The words of the
# field stand in the [glossary](../notebooks/GLOSSARY.md).
#
# Work in a copy: `make learn` makes one in `work/`, and brings it up to date later without touching what you wrote.
#
# The environment variable `ASR_PROFILE` chooses the size of everything: `ci`, `fast` (if you set nothing), `workshop`
# for Mini LibriSpeech, `full` for train-clean-100.
#
# ## Exercises
#
# Write into the empty cells and let `check` judge: it says what is right, and gives a hint where something is not.
# [All of them solved](../notebooks/solutions/00_start_here.ipynb).

# %% [markdown] tags=["exercise"]
# ### Exercise 00.1 · The voice that was kept out
#
# *easy · 5 minutes*
#
# No clip of speaker 9007 was in the training. How much worse does the model hear that voice? Transcribe its first eight
# clips in `test`, by ear (without the language model), and put their word error rate, a fraction, into `answer`.

# %% tags=["solution"]
unheard = [each for each in test if each.speaker == "9007"][:8]
texts = [recognizer.transcribe(read_audio(each.path)) for each in unheard]
answer = score([each.text for each in unheard], texts)["wer"]
print(f"WER {answer:.0%}:", unheard[0].text, "→", texts[0])

# %% tags=["check"]
check("00.1", answer)

# %% [markdown] tags=["exercise"]
# ### Exercise 00.2 · Nonsense
#
# *easy · 3 minutes*
#
# Turn `samples` round (`samples[::-1]`) and transcribe that, by ear. What does the model write for it? (A turned array is a view
# from the other end; `.copy()` makes an array of it that every runtime takes.)

# %% tags=["solution"]
answer = recognizer.transcribe(samples[::-1].copy())
print(answer)

# %% tags=["check"]
check("00.2", answer)

# %% [markdown] tags=["exercise"]
# ### Exercise 00.3 · Ten minutes
#
# *easy · 2 minutes*
#
# Of how many numbers is a recording of ten minutes made, as the model wants it?

# %% tags=["solution"]
answer = 10 * 60 * 16000
print(f"{answer:,}")

# %% tags=["check"]
check("00.3", answer)

# %% [markdown] tags=["quiz"]
# ## Quiz
#
# **1. What does the recogniser read?**
#
# - [ ] the 16 000 numbers a second, as they are | The waveform tells where somebody speaks, and hardly which letter it is.
# - [x] how strong each pitch is at each moment | That is the spectrogram: 80 numbers, a hundred times a second.
# - [ ] how loud each word is | Loudness is taken out on purpose: it says nothing about the words.
#
# **2. Of ten words two are replaced and one is left out. What is the word error rate?**
#
# - [ ] 20 % | A word that is left out is an error, too.
# - [x] 30 % | Three errors, divided by the ten words that were said.
# - [ ] 70 % | That is the share that was right.
#
# **3. Can a word error rate be above 100 %?**
#
# - [ ] no, there are no more errors than words | Words that were put in count as well, and there may be any number of them.
# - [x] yes | Nine made-up words for one that was said are 900 %.
# - [ ] only if the language is another | It can be so in any language: one noisy second is enough.
#
# **4. Why does the rate come with an interval?**
#
# - [ ] because the model writes something else each time | It does not: the same sound gives the same text.
# - [x] because other sentences would have given another rate | A few sentences are a sample. The interval says how far another sample might lie.
# - [ ] because microphones differ | They do, but all of these clips are what they are.
#
# **5. Where does your recording go?**
#
# - [x] to the kernel on your machine, and nowhere else | The browser hands over 16 000 numbers a second, and the kernel does the rest.
# - [ ] to a server that transcribes it | There is none: the model is a file of this repository.
# - [ ] into the training data | Nothing here is trained on it, unless you do that yourself.

# %% [markdown]
# ## Recap
#
# - Sound is a list of numbers; a spectrogram makes speech visible; a network spells it.
# - A model is judged on sentences it was not trained on, and by a rate with an interval.
#
# ## Further reading
#
# - [Jurafsky & Martin, *Speech and Language Processing*](https://web.stanford.edu/~jurafsky/slp3/): a free textbook; its chapter on speech recognition has the theory of what you will build.
# - [Bisani & Ney (2004), bootstrap intervals for error rates](https://doi.org/10.1109/ICASSP.2004.1326009): where the interval after each WER comes from.
# - [Mozilla Common Voice](https://commonvoice.mozilla.org): speech that volunteers gave, in more than a hundred languages; listen how different people sound.
#
# Next: [01 · Conversion](01_conversion.ipynb).
