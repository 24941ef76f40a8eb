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
# # 01 · Conversion: from FLAC to samples
#
# You will hear the voices of a speech corpus, find out how FLAC shrinks it without losing a bit, and convert all of it
# in a way that can be interrupted.

# %% jupyter={"source_hidden": true}
import io
import os
import shutil
import time
import zlib
from collections import Counter
from pathlib import Path

import numpy as np
import soundfile
from IPython.display import HTML

from asr_helpers.corpus import convert, data_dir, load_corpus
from asr_helpers.show import plots
from asr_helpers.show.widgets import Explorer, player, player_html
from asr_helpers.sound import read_audio
from asr_helpers.teaching import check

PROFILE = os.environ.get("ASR_PROFILE", "fast")
MINI = data_dir() / "mini"
RUN = Path(os.path.relpath(data_dir().parent / "runs" / "01-conversion"))
shutil.rmtree(RUN, ignore_errors=True)
plots.style()

# %% jupyter={"source_hidden": true}
subsets = {name: load_corpus(MINI / name).utterances for name in ("train-mini", "dev-mini", "test-mini")}
voices = {each.speaker: each for each in subsets["train-mini"][::-1]}
some = [voices[speaker] for speaker in sorted(voices)[::3]]
HTML("".join(player_html(read_audio(each.path), f"{each.speaker}: {each.text.lower()}") for each in some))

# %% [markdown] tags=["about"]
# Four of the twelve voices of the harbour radio, the corpus in this repository.
#
# | | |
# |---|---|
# | **Objectives** | walk a LibriSpeech tree and read an id · read a corpus's statistics before training on it · prove that a conversion is bit-exact · convert a corpus and resume it · tell the four classic corpus faults apart |
# | **Needs** | [00 · Start here](00_start_here.ipynb); no network, no GPU, about 100 MB of free disk |
# | **Minutes** | 1 |

# %% [markdown]
# ## What does a corpus look like on disk?
#
# LibriSpeech is a corpus of audiobooks, and its layout has become the usual one: one folder for each *subset*, inside
# it one for each speaker, and inside that one for each chapter. The corpus in this repository follows it, so
# everything that works here works there.

# %%
for subset in sorted(path for path in MINI.iterdir() if path.is_dir()):
    clips = list(subset.glob("*/*/*.flac"))
    speakers = {clip.parent.parent for clip in clips}
    chapters = {clip.parent for clip in clips}
    print(f"{subset.name:11} {len(speakers):3} speakers {len(chapters):3} chapters {len(clips):4} clips")

# %% [markdown]
# What is in a chapter?

# %%
chapter = MINI / "test-mini" / "9002" / "1"
for file in sorted(chapter.iterdir())[:3] + sorted(chapter.glob("*.txt")):
    print(file.relative_to(MINI), f"{file.stat().st_size:6} bytes")

# %% [markdown]
# An audio file is called `<speaker>-<chapter>-<number>`. One text file for each chapter holds the words, one clip per
# line: the id, a space, and the transcript in capitals without punctuation. Numbers are spelt out, because that is how
# they sound.

# %%
transcript = (chapter / "9002-1.trans.txt").read_text()
print("\n".join(transcript.splitlines()[:4]))

# %% [markdown]
# Reading it takes three lines. Does the helper find the same words?

# %%
lines = [line.split(maxsplit=1) for line in transcript.splitlines()]
texts = {clip: text for clip, text in lines}
corpus = load_corpus(chapter)

assert texts == {utterance.id: utterance.text for utterance in corpus}
corpus.utterances[0].id, corpus.utterances[0].speaker, corpus.utterances[0].text

# %% [markdown]
# `load_corpus` takes any folder, finds every `*.trans.txt` beneath it, and reads the header of each sound file. So it
# knows the length of a clip before it decodes a single sample.

# %%
utterance = corpus.utterances[0]
samples = read_audio(utterance.path)
assert len(samples) == utterance.samples
player(samples, utterance.text.lower())

# %% [markdown]
# ## What is in the corpus?
#
# Listen and look before you train: a model learns whatever is in its corpus. Pick a speaker and go through the list.
# What would you not want to learn English from?

# %%
Explorer(load_corpus(MINI / "train-mini").utterances)

# %% [markdown]
# <details><summary>No kernel running? This is what it looks like.</summary>
#
# ![two lists, of speakers and of clips, a button, a player, a waveform and its transcript](../figures/explorer.png)
#
# </details>
#
# Ears find what statistics hide: a hum, a cut-off end, a wrong transcript. Statistics find what tired ears miss. How
# long are the clips, and who speaks how much?

# %% jupyter={"source_hidden": true}
before = load_corpus(MINI)
speakers = sorted({each.speaker for each in before})
alt = "above, clip lengths, most of them 2 to 4 seconds; below, minutes by speaker: 9007 is in the test set alone"
figure, (above, below) = plots.new(2, 1, (7, 5), alt, "Short clips, and one voice, 9007, that is kept for the test.")
lengths = [[each.seconds for each in subset] for subset in subsets.values()]
above.hist(lengths, 30, stacked=True, label=list(subsets))
title = f"{len(before)} clips, {sum(map(sum, lengths)) / 60:.1f} minutes"
above.set(xlabel="length of a clip (s)", ylabel="clips", title=title)
above.legend()
bottom = np.zeros(len(speakers))
for subset in subsets.values():
    minutes = [sum(each.seconds for each in subset if each.speaker == speaker) / 60 for speaker in speakers]
    below.bar([speaker[-2:] for speaker in speakers], minutes, bottom=bottom)
    bottom += minutes
below.set(xlabel="speaker 90…", ylabel="minutes")
figure

# %% [markdown]
# In LibriSpeech most clips last 12 to 16 seconds. And *no* speaker is in two subsets, which makes its test sets harder
# and more honest. Here, only voice 9007 is kept out of the training in this way.
#
# Which words are there, and which characters?

# %% jupyter={"source_hidden": true}
words = Counter(word for each in before for word in each.text.split())
characters = Counter("".join(each.text for each in before))
share = sum(times for _, times in words.most_common(20)) / words.total()
alt = "above, the characters by frequency, from the space to Z; below, the 20 most common words"
caption = f"Of {len(words)} words, 20 make up {100 * share:.0f} % of all that is said."
figure, (above, below) = plots.new(2, 1, (7, 7.6), alt, caption, height_ratios=(1, 2))
above.bar(*zip(*[("␣" if c == " " else c, n) for c, n in characters.most_common()], strict=True))
above.set(ylabel="times", title=f"all {len(characters)} characters")
below.barh(*zip(*words.most_common(20)[::-1], strict=True))
below.set(xlabel="times", title="the most common words")
plots.save(figure, "01_words_and_characters")

# %% [markdown]
# A few words make up much of what is said, as in every language. This model spells, so characters matter more to it: it
# cannot learn a letter it never hears. Does the test set hold words or sentences that training does not?

# %%
known = {word for each in subsets["train-mini"] for word in each.text.split()}
heard = {each.text for each in subsets["train-mini"]}
new_words = {word for each in subsets["test-mini"] for word in each.text.split()} - known
print(f"{len(new_words)} new words, {sum(each.text not in heard for each in subsets['test-mini'])} new sentences")

# %% [markdown]
# Known words in new sentences. With so few words, a low error rate here says little about English at large.
#
# One more number matters for training. The network gives 25 answers a second, and it needs at least one for each
# character ([notebook 05](05_crnn_and_ctc.ipynb) explains why). Does anybody here speak too fast for that?

# %%
fastest = max(len(each.text) / each.seconds for each in before)
print(f"the fastest clip: {fastest:.0f} characters a second, {25 / fastest:.1f} answers for each")

# %% [markdown]
# ## What does FLAC save?
#
# A second of this speech is 16 000 numbers of 16 bits. A WAV file is just that: a header of 44 bytes, then the numbers.
# FLAC stores the same numbers in less space. How much less, next to a general compressor (zip) and to MP3?


# %%
def as_file(samples, **kind):
    """Return int16 samples as the bytes of a sound file."""
    file = io.BytesIO()
    soundfile.write(file, samples, 16000, **kind)
    return file.getvalue()


integers, rate = soundfile.read(utterance.path, dtype="int16")
files = {"WAV": as_file(integers, format="WAV"), "FLAC": as_file(integers, format="FLAC")}
files |= {"zipped WAV": zlib.compress(files["WAV"], 9), "MP3 (lossy)": as_file(integers, format="MP3")}

# %% jupyter={"source_hidden": true}
names = ["WAV", "zipped WAV", "FLAC", "MP3 (lossy)"]
sizes = [len(files[name]) for name in names]
figure, ax = plots.new(size=(7, 2.4), alt="bars: bytes of one clip as WAV, zipped WAV, FLAC and MP3")
bars = ax.barh(names, [size / 1e3 for size in sizes])
bars[-1].set_color(plots.GREY)
ax.bar_label(bars, [f"{100 * size / sizes[0]:.0f} %" for size in sizes], padding=4)
ax.invert_yaxis()
ax.set(xlabel="kB", xlim=(0, 1.15 * sizes[0] / 1e3), title=f"one clip of {utterance.seconds:.1f} s in four formats")
plots.save(figure, "01_formats", caption="FLAC saves much more than zip, and loses nothing.")

# %% [markdown]
# Why is FLAC so far ahead of zip? Look at a few of the numbers:

# %%
print(integers[10000:10010], "all multiples of", np.gcd.reduce(integers.astype(int)))

# %% [markdown]
# To keep this repository small, its corpus was rounded to 10 of the 16 bits. FLAC sees that the last six are empty and
# leaves them out. Real recordings use all 16 bits. How much does FLAC save on the forty that come with the series?

# %%
people = load_corpus(data_dir() / "real").utterances
flac = sum(each.path.stat().st_size for each in people)
print(f"FLAC takes {100 * flac / sum(44 + 2 * each.samples for each in people):.0f} % of the WAV")

# %% [markdown]
# The rest of the trick works on every recording: sound is smooth. FLAC *predicts* each sample from those before it, and
# stores only the error of the prediction. The simplest prediction is a straight line through the last two samples:

# %%
steps = integers.astype(int) // np.gcd.reduce(integers.astype(int))  # without the empty bits
guess = 2 * steps[1:-1] - steps[:-2]
error = steps[2:] - guess
print(f"typical sample ±{steps.std():.1f}, typical error ±{error.std():.1f}")

# %% [markdown]
# How many bits does a number need on average, if frequent numbers get short codes? That is the *entropy*.


# %%
def bits_each(numbers):
    """Return the entropy of a sequence of integers in bits."""
    share = np.unique(numbers, return_counts=True)[1] / len(numbers)
    return -(share * np.log2(share)).sum()


print(f"FLAC: {8 * len(files['FLAC']) / len(integers):.1f} bits for each sample; the WAV: 16")

# %% jupyter={"source_hidden": true}
alt = "two histograms: samples, spread wide; prediction errors, a narrow peak at zero"
figure, ax = plots.new(alt=alt, caption="Errors are smaller than samples, so they take fewer bits.")
bins = np.arange(-60.5, 61)
ax.hist(steps, bins, color=plots.GREY, label=f"samples: {bits_each(steps):.1f} bits each")
ax.hist(error, bins, color=plots.BLUE, alpha=0.7, label=f"errors of the line: {bits_each(error):.1f} bits each")
ax.set(xlabel="value", ylabel="how often", xlim=(-60, 60), title="samples, and errors of the prediction")
ax.legend()
figure

# %% [markdown]
# FLAC uses longer predictors than this, and fits a new one every few thousand samples.
#
# ## Is nothing lost?
#
# "Lossless" is a claim worth checking: FLAC to integers, integers to WAV, WAV to integers.

# %%
back, _ = soundfile.read(io.BytesIO(files["WAV"]), dtype="int16")
print("equal:", np.array_equal(integers, back))

# %% [markdown]
# One library wrote and read that file, so it might be wrong both times. But the bytes after the WAV's 44-byte header
# should *be* the samples, and reading them needs no library at all.

# %%
raw = np.frombuffer(files["WAV"][44:], dtype="<i2")
assert np.array_equal(integers, raw)
assert np.array_equal(integers / np.float32(32768), samples)  # what read_audio returns, in [-1, 1)

# %% [markdown]
# And the MP3? It sounds alike, but the numbers differ.

# %%
lossy, _ = soundfile.read(io.BytesIO(files["MP3 (lossy)"]), dtype="int16")
shared = min(len(lossy), len(integers))
print(f"{100 * np.mean(lossy[:shared] == integers[:shared]):.0f} % of the samples are equal")

# %% [markdown]
# ## Convert it all
#
# Why convert at all, if FLAC is smaller and loses nothing? Training reads every clip in every epoch, and each time a FLAC
# must be decoded, while a WAV's bytes *are* the samples. And once everything has been decoded, you know every file is
# intact before you spend an epoch on it.
#
# `convert` works through a corpus with several processes. It writes each WAV under a hidden temporary name and renames it
# when it is complete. On the command line it is `asr convert data/mini runs/mini-wav`.

# %%
WAV = RUN / "wav"
convert(MINI, WAV)

# %% [markdown]
# How much space do the files take, before and after?


# %%
def megabytes(folder, kind):
    return sum(file.stat().st_size for file in folder.rglob(kind)) / 1e6


flac, wav = megabytes(MINI, "*.flac"), megabytes(WAV, "*.wav")
print(f"FLAC {flac:.1f} MB, WAV {wav:.1f} MB: FLAC takes {100 * flac / wav:.0f} %")

# %% [markdown]
# Now repeat the check from above for every clip. The transcripts were copied too, so the new tree is a corpus like the
# old one.

# %%
after = load_corpus(WAV)
for old, new in zip(before, after, strict=True):
    assert (old.id, old.text) == (new.id, new.text)
    assert np.array_equal(soundfile.read(old.path, dtype="int16")[0], soundfile.read(new.path, dtype="int16")[0])
print(f"{len(after)} clips equal, bit for bit")

# %% [markdown]
# How much faster can training read them?


# %%
def reading_speed(corpus):
    """Return how many seconds of audio `read_audio` reads in a second."""
    some = corpus.utterances[::4]
    start = time.perf_counter()
    for each in some:
        read_audio(each.path)
    return sum(each.seconds for each in some) / (time.perf_counter() - start)


for name, corpus in (("FLAC", before), ("WAV", after)):
    print(f"{name:4} {max(reading_speed(corpus) for _ in range(3)):7,.0f} seconds of audio in a second")

# %% [markdown]
# WAV is read faster, but that hardly matters: on a laptop's processor a network trains on tens to hundreds of seconds
# of audio in a second (notebook 06). Training accepts both formats. Convert where another tool wants WAV, or where the
# processor has no time to spare.
#
# ## What if it is stopped half-way?
#
# On 100 hours of speech, somebody will close the laptop. Delete 100 of the WAVs, cut one short, and run the same line
# again:

# %%
written = sorted(WAV.rglob("*.wav"))
for path in written[:100]:
    path.unlink()
written[100].write_bytes(written[100].read_bytes()[:5000])
convert(MINI, WAV)

# %% [markdown]
# 101 were rewritten: the 100 missing ones, and the one that was too short. A WAV counts as done only if it is as long as
# its source says.
#
# ## The real corpus
#
# One command fetches LibriSpeech. It resumes where it stopped, compares the MD5 checksum with the published one, and
# unpacks. It is not run here, because this notebook needs no network.
#
# | command | hours | size of the archive | profile |
# |---|---|---|---|
# | `asr download dev-clean-2` and `asr download train-clean-5` | 2 and 5 | 126 MB and 332 MB | workshop |
# | `asr download dev-clean` and `asr download train-clean-100` | 5 and 100 | 337 MB and 6.3 GB | full |
# | `asr download test-clean` | 5 | 346 MB | the final score, once |
#
# Each lands in `data/LibriSpeech/<subset>`, in the layout above. From there on only the path changes:
# `asr convert data/LibriSpeech/train-clean-5 runs/train-clean-5-wav`.
#
# ## Break it
#
# Every collection of speech has these four faults sooner or later. Here, each is made on purpose in a fresh copy of
# one chapter.


# %%
def copy_of_chapter():
    """Return the paths of the six clips of a fresh copy."""
    shutil.rmtree(RUN / "broken", ignore_errors=True)
    shutil.copytree(chapter, RUN / "broken")
    return sorted((RUN / "broken").glob("*.flac"))


def look():
    report = load_corpus(RUN / "broken")
    print(f"{len(report)} usable", *report.problems, sep="\n")


copy_of_chapter()
look()

# %% [markdown]
# ### A FLAC that is cut off
#
# A download broke, or a disk was full. The header still promises the whole length, so reading headers finds no fault:

# %%
clips = copy_of_chapter()
clips[0].write_bytes(clips[0].read_bytes()[:9000])
look()

# %% [markdown]
# The fault shows only when the samples are decoded. Conversion decodes everything, so it finds such files *before* an
# epoch is spent on them. Does one bad file stop the others?

# %%
result = convert(RUN / "broken", RUN / "from-broken", workers=1)
print(f"{result.converted} converted", *result.problems, sep="\n")

# %% [markdown]
# ### A stereo recording
#
# Which of the two channels is the speech? The helper does not guess. Its line ends in the command that fixes the file.

# %%
clips = copy_of_chapter()
soundfile.write(clips[1], np.stack([integers, integers], axis=1), 16000)
look()

# %% [markdown]
# ### A transcript without audio

# %%
copy_of_chapter()[2].unlink()
look()

# %% [markdown]
# ### A character outside the alphabet
#
# The model can write A to Z, space and apostrophe. What should it do with a digit?

# %%
words_of = copy_of_chapter()[0].with_name("9002-1.trans.txt")
words_of.write_text(words_of.read_text().replace("GOOD MORNING", "GOOD MORNING 7"))
look()

# %% [markdown]
# "7" may be read as SEVEN or SEVENTH, and only someone who listens can tell. A program that drops it silently teaches
# the model to stay silent at a spoken word.
#
# All four faults have one thing in common: one line names the file, and the rest of the corpus stays usable.
#
# ## Exercises
#
# Write into the empty cells and let `check` judge: it says what is right, and gives a hint where something is not.
# [All of them solved](../notebooks/solutions/01_conversion.ipynb).

# %% [markdown] tags=["exercise"]
# ### Exercise 01.1 · Sixteen bits
#
# *medium · 8 minutes*
#
# Fill the six empty bits of `integers` with random ones: a recording of 16 bits has noise there. `answer` is the new
# array, int16. What fraction of the WAV's size is the FLAC now? And why does the WAV not grow?

# %% tags=["solution"]
answer = integers + np.random.default_rng(0).integers(0, 64, len(integers)).astype(np.int16)
share = len(as_file(answer, format="FLAC")) / len(as_file(answer, format="WAV"))
print(f"FLAC {100 * len(files['FLAC']) / len(files['WAV']):.0f} % → {100 * share:.0f} % of the WAV")

# %% tags=["check"]
check("01.1", answer)

# %% [markdown] tags=["exercise"]
# ### Exercise 01.2 · A longer prediction
#
# *medium · 8 minutes*
#
# FLAC has longer predictions, too. The cubic one is `4a − 6b + 4c − d`, where *a* is the sample just before and *d* the
# fourth before. `answer` is the array of its errors on `steps`. Compare `bits_each` of it with the straight line's.

# %% tags=["solution"]
answer = steps[4:] - (4 * steps[3:-1] - 6 * steps[2:-2] + 4 * steps[1:-3] - steps[:-4])
print(f"line {bits_each(error):.2f} bits, cubic {bits_each(answer):.2f} bits")

# %% tags=["check"]
check("01.2", answer)

# %% [markdown] tags=["exercise"]
# ### Exercise 01.3 · A check of your own
#
# *hard · 10 minutes*
#
# Write a function of a folder (a `Path`) that returns the set of ids that lack their other half: a line in a `*.trans.txt`
# without a `.flac`, or a `.flac` without a line, anywhere beneath the folder. `answer` is the function.


# %% tags=["solution"]
def unmatched(folder):
    sounds = {path.stem for path in folder.rglob("*.flac")}
    lines = [line for path in folder.rglob("*.trans.txt") for line in path.read_text().splitlines()]
    return sounds ^ {line.split()[0] for line in lines if line.strip()}


answer = unmatched
copy_of_chapter()[2].unlink()
print(answer(RUN / "broken"))

# %% tags=["check"]
check("01.3", answer)

# %% [markdown]
# ### Open task · Would you train on it?
#
# *20 minutes, alone or in pairs*
#
# Take a collection of speech: the forty sentences of `data/real`, one of your own, or one that you find. Write the half
# page that its users need. A good answer has four parts:
#
# | | |
# |---|---|
# | **who and what** | speakers, hours, language, how it was recorded; a figure of one of them |
# | **three clips** | the best, a typical one, the worst: listened to, with a word on each |
# | **faults** | how you looked for each of the four faults above, and how often you found it |
# | **a verdict** | what a model trained on it would do badly, and which test would show it |

# %% [markdown] tags=["quiz"]
# ## Quiz
#
# **1. You decode a FLAC and compare it with the WAV it was made from. How alike are they?**
#
# - [ ] so alike that no ear tells them apart | That can be said of a good MP3. FLAC does better.
# - [x] equal, sample by sample | Lossless: the same numbers in less space.
# - [ ] equal, if it is speech | It holds for any sound; only the size depends on it.
#
# **2. How does FLAC save space?**
#
# - [x] it predicts each sample and stores the small error | Sound is smooth, so errors are small, and small numbers need few bits.
# - [ ] it leaves out what the ear does not hear | That is what MP3 does, and it cannot be undone.
# - [ ] it finds repeated pieces and stores them once | That is how zip works. You have seen how much less it saves here.
#
# **3. An utterance is called 84-121123-0005. What is 84?**
#
# - [x] the speaker | Then come the chapter and the number of the clip in it.
# - [ ] the chapter | The chapter is the second number.
# - [ ] the subset | The subset is the folder above, and no part of the id.
#
# **4. A conversion was killed. You start the same command again. What happens?**
#
# - [ ] it starts over | That would cost all that was done.
# - [ ] every file that exists counts as done | Then a file that was cut short would stay so.
# - [x] what is missing or too short is done, the rest is kept | A file is complete if it is as long as its source says.
#
# **5. Why should no speaker of the test set be in the training set?**
#
# - [ ] because the model would learn the speaker's sentences by heart | Not if the sentences differ. The voice alone makes it easier.
# - [x] because the rate would then be one for known voices | Users are strangers. A test with friends flatters.
# - [ ] because the training set would be smaller | It would be larger, and the test less honest.

# %% [markdown]
# ## Recap
#
# - A corpus is a tree of `<speaker>-<chapter>-<number>` files and one `.trans.txt` for each chapter.
# - Statistics first: lengths, speakers, words, characters, and what the test set has that training lacks.
# - FLAC predicts and stores the errors: smaller than WAV, and equal bit for bit, as you have checked.
# - Conversion can be stopped at any time: what is complete is kept.
# - Each bad file gets one line, and the rest is processed.
#
# ## Further reading
#
# - [Panayotov and others (2015), LibriSpeech](https://www.danielpovey.com/files/2015_icassp_librispeech.pdf): how a thousand hours of audiobooks were cut and checked.
# - [OpenSLR 12](https://www.openslr.org/12) and [31](https://www.openslr.org/31): LibriSpeech and Mini LibriSpeech themselves.
# - [RFC 9639](https://www.rfc-editor.org/rfc/rfc9639): FLAC, bit by bit; its predictors are short to read.
# - [Gebru and others (2018), *Datasheets for Datasets*](https://arxiv.org/abs/1803.09010): what to ask of any corpus before you train on it.
#
# Next: [02 · Spectrograms](02_spectrograms.ipynb), from samples to a picture of sound.
