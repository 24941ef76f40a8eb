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
# You will see how a speech corpus is laid out, what FLAC saves and why it loses nothing, and how a whole corpus becomes
# WAV files in a way that survives being stopped half-way.
#
# | | |
# |---|---|
# | **Objectives** | walk a LibriSpeech tree and read an id · prove that a conversion is bit-exact · convert a corpus in parallel and resume it · read a corpus's statistics before training on it · tell the four classic corpus faults apart |
# | **Needs** | [00 · Start here](00_start_here.ipynb); no network, no GPU, about 100 MB of free disk |
# | **Minutes** | ci, fast, workshop, full: under 1 (all use the embedded corpus) |

# %%
import io
import os
import shutil
import time
import zlib
from collections import Counter
from importlib.metadata import version
from pathlib import Path

import numpy as np
import soundfile
from IPython.display import HTML

from asr_helpers.corpus import convert, data_dir, load_corpus
from asr_helpers.show import plots
from asr_helpers.show.widgets import Explorer, player, player_html
from asr_helpers.sound import loudness, read_audio
from asr_helpers.teaching import check

PROFILE = os.environ.get("ASR_PROFILE", "fast")
MINI = data_dir() / "mini"
RUN = Path(os.path.relpath(data_dir().parent / "runs" / "01-conversion"))
shutil.rmtree(RUN, ignore_errors=True)
plots.style()
print("profile", PROFILE, *(f"· {name} {version(name)}" for name in ("numpy", "soundfile", "matplotlib")))

# %% [markdown]
# ## What does a corpus look like on disk?
#
# LibriSpeech is read audiobooks, and its layout has become the usual one: one folder for a *subset*, in it one for each
# speaker, in it one for each chapter. The corpus in this repository follows it, so all that works here works there.

# %%
for subset in sorted(path for path in MINI.iterdir() if path.is_dir()):
    clips = list(subset.glob("*/*/*.flac"))
    speakers = {clip.parent.parent for clip in clips}
    chapters = {clip.parent for clip in clips}
    print(f"{subset.name:11} {len(speakers):3} speakers {len(chapters):3} chapters {len(clips):4} clips")

# %% [markdown]
# And one chapter from the inside?

# %%
chapter = MINI / "test-mini" / "9002" / "1"
for file in sorted(chapter.iterdir())[:3] + sorted(chapter.glob("*.txt")):
    print(file.relative_to(MINI), f"{file.stat().st_size:6} bytes")

# %% [markdown]
# The audio is called `<speaker>-<chapter>-<number>`, and one text file for each chapter holds the words, a clip a line:
# the id, a space, the transcript in capitals, without punctuation. Numbers are spelt out, because that is how they sound.

# %%
transcript = (chapter / "9002-1.trans.txt").read_text()
print("\n".join(transcript.splitlines()[:4]))

# %% [markdown]
# Reading it back takes three lines. Does the helper find the same words?

# %%
lines = [line.split(maxsplit=1) for line in transcript.splitlines()]
texts = {clip: text for clip, text in lines}
corpus = load_corpus(chapter)

assert texts == {utterance.id: utterance.text for utterance in corpus}
corpus.utterances[0].id, corpus.utterances[0].speaker, corpus.utterances[0].text

# %% [markdown]
# `load_corpus` takes any folder, finds every `*.trans.txt` beneath it, and looks into the header of each sound file. So
# it knows the length of a clip before a single sample is decoded.

# %%
utterance = corpus.utterances[0]
samples = read_audio(utterance.path)
assert len(samples) == utterance.samples
player(samples, utterance.text.lower())

# %% [markdown]
# ## What does FLAC buy?
#
# A second of this speech is 16 000 numbers of 16 bits. A WAV file is just that: a header of 44 bytes, then the numbers.
# FLAC holds the same numbers in less room. How much less, next to a general compressor (zip) and to MP3?


# %%
def as_file(samples, **kind):
    """Return int16 samples as the bytes of a sound file."""
    file = io.BytesIO()
    soundfile.write(file, samples, 16000, **kind)
    return file.getvalue()


integers, rate = soundfile.read(utterance.path, dtype="int16")
files = {"WAV": as_file(integers, format="WAV"), "FLAC": as_file(integers, format="FLAC")}
files |= {"zipped WAV": zlib.compress(files["WAV"], 9), "MP3 (lossy)": as_file(integers, format="MP3")}

# %%
figure, ax = plots.new(size=(8, 2.2), alt="bytes of one clip as WAV, zipped WAV, FLAC and MP3")
names = ["WAV", "zipped WAV", "FLAC", "MP3 (lossy)"]
bars = ax.barh(names, [len(files[name]) / 1e3 for name in names])
bars[-1].set_color(plots.GREY)
ax.bar_label(bars, [f"{len(files[name]) / len(files['WAV']):.0%}" for name in names], padding=4)
ax.invert_yaxis()
ax.set(xlabel="kB", title=f"one clip of {utterance.seconds:.1f} s in four kinds of file")
plots.save(figure, "01_formats")

# %% [markdown]
# FLAC is well ahead of zip. Is there anything special about these numbers?

# %%
print(integers[10000:10010], "all multiples of", np.gcd.reduce(integers.astype(int)))

# %% [markdown]
# To keep this repository small, its corpus was rounded to 10 of the 16 bits. FLAC sees that the last six are empty and
# leaves them out. LibriSpeech uses all 16, and its chapter 19-198 takes 61 % of the WAV (exercise 1 shows why).
#
# The rest of the trick works on every recording: sound is smooth. FLAC *predicts* each sample from the ones before it
# and stores only by how much the guess was wrong. The simplest such guess is a straight line through the last two:

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


figure, ax = plots.new(size=(8, 2.8), alt="histograms: samples, wide and flat; prediction errors, narrow and tall")
bins = np.arange(-60.5, 61)
ax.hist(steps, bins, color=plots.GREY, label=f"samples: {bits_each(steps):.1f} bits each")
ax.hist(error, bins, color=plots.BLUE, alpha=0.7, label=f"errors of the guess: {bits_each(error):.1f} bits each")
ax.set(
    xlabel="value", ylabel="how often", xlim=(-60, 60), title="errors are smaller than samples, so they take fewer bits"
)
ax.legend()
figure

# %% [markdown]
# FLAC fits a longer prediction, and a new one every few thousand samples. What does the whole file come to?

# %%
print(f"{8 * len(files['FLAC']) / len(integers):.1f} bits for each sample, where the WAV has 16")

# %% [markdown]
# ## Is nothing lost?
#
# "Lossless" is a claim, and a claim about data is worth a check: FLAC to integers, integers to WAV, WAV to integers.

# %%
back, _ = soundfile.read(io.BytesIO(files["WAV"]), dtype="int16")
print("equal:", np.array_equal(integers, back))

# %% [markdown]
# The same library wrote and read that file, so it might be wrong twice. The bytes after the WAV's 44-byte header should
# *be* the samples, and need no library at all.

# %%
raw = np.frombuffer(files["WAV"][44:], dtype="<i2")
assert np.array_equal(integers, raw)
assert np.array_equal(integers / np.float32(32768), samples)  # what read_audio gives, in [-1, 1)

# %% [markdown]
# And the MP3? Close to the ear, but not the same numbers.

# %%
lossy, _ = soundfile.read(io.BytesIO(files["MP3 (lossy)"]), dtype="int16")
shared = min(len(lossy), len(integers))
print(f"{np.mean(lossy[:shared] == integers[:shared]):.0%} of the samples are equal")

# %% [markdown]
# ## Convert it all
#
# Why convert at all, if FLAC is smaller and loses nothing? Training reads every clip again in every epoch, and each time a
# FLAC must be decoded, where a WAV's bytes *are* the samples. Whether that pays, you will measure. And whoever has
# decoded everything once knows that every file is whole, before an epoch is spent on it.
#
# `convert` goes through a corpus with several processes, writes each WAV under a hidden temporary name, and renames it
# when it is whole. On a command line it is `asr convert data/mini runs/mini-wav`.


# %%
def timed(destination, workers=None):
    """Convert the embedded corpus; return what happened and how many seconds it took."""
    start = time.perf_counter()
    result = convert(MINI, destination, workers)
    return result, time.perf_counter() - start


WAV = RUN / "wav"
timed(WAV)[0]

# %% [markdown]
# How much room do all of them take, before and after?


# %%
def megabytes(folder, kind):
    return sum(file.stat().st_size for file in folder.rglob(kind)) / 1e6


flac, wav = megabytes(MINI, "*.flac"), megabytes(WAV, "*.wav")
print(f"FLAC {flac:.1f} MB, WAV {wav:.1f} MB: FLAC takes {flac / wav:.0%}")

# %% [markdown]
# Now the check from above for every clip. The transcripts came along, so the new tree is a corpus like the old one.

# %%
before, after = load_corpus(MINI), load_corpus(WAV)
for old, new in zip(before, after, strict=True):
    assert (old.id, old.text) == (new.id, new.text)
    assert np.array_equal(soundfile.read(old.path, dtype="int16")[0], soundfile.read(new.path, dtype="int16")[0])
print(f"{len(after)} clips equal, bit for bit")

# %% [markdown]
# And what is gained, where the samples are needed again and again?


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
# WAV is read faster, and it hardly matters: a network trains on a few hundred seconds of audio a second at most
# (notebook 04). Convert where the disk is fast and the processor busy, or where another tool wants WAV; training reads
# both alike.

# %% [markdown]
# ## What if it is stopped half-way?
#
# On 100 hours of speech, somebody will close the laptop. Take that for granted: delete 100 of the WAVs, cut one short,
# and run the same line again.

# %%
written = sorted(WAV.rglob("*.wav"))
for path in written[:100]:
    path.unlink()
written[100].write_bytes(written[100].read_bytes()[:5000])
timed(WAV)[0]

# %% [markdown]
# 101 were written anew: the 100 missing ones, and the one that was there but too short. A WAV counts as done only if it
# is as long as its source says.
#
# ## Do two workers take half the time?

# %%
seconds = {}
for workers in (1, 2):
    shutil.rmtree(WAV)
    seconds[workers] = [timed(WAV, workers)[1] for _ in ("everything to do", "nothing left to do")]

# %%
figure, ax = plots.new(size=(8, 2), alt="seconds with 1 and 2 workers, with everything and with nothing left to do")
for shift, (workers, values), colour in zip((-0.2, 0.2), seconds.items(), (plots.GREY, plots.BLUE), strict=True):
    bars = ax.barh(np.arange(2) + shift, values, 0.36, color=colour, label=f"{workers} worker{'s'[: workers - 1]}")
    ax.bar_label(bars, fmt="%.1f s", padding=4)
ax.set_yticks(range(2), ["everything to do", "nothing left to do"])
ax.invert_yaxis()
ax.set(xlabel="seconds")
ax.legend(loc="lower right")
figure

# %% [markdown]
# Look at the lower pair first: with nothing left to decode, what remains is starting the worker processes and looking
# into each file. Each worker costs that start, so on a corpus as small as this one a second worker gains little or even
# loses, on some machines. LibriSpeech's 100 hours take minutes of decoding, and there the start no longer matters.
#
# ## What is in the corpus?
#
# Listen and look before you train: a model will know what its corpus knew. Pick a speaker and go through the list. What
# would you not want to learn English from?

# %%
subsets = {name: load_corpus(MINI / name).utterances for name in ("train-mini", "dev-mini", "test-mini")}
Explorer(subsets["train-mini"])

# %% [markdown]
# No kernel running? It looks like this, and below is one clip of each of four voices:
#
# ![two lists, of speakers and of clips, a button, a player, a waveform and its transcript](../figures/explorer.png)

# %%
voices = {each.speaker: each for each in subsets["train-mini"][::-1]}
some = [voices[speaker] for speaker in sorted(voices)[::3]]
HTML("".join(player_html(read_audio(each.path), f"{each.speaker}: {each.text.lower()}") for each in some))

# %% [markdown]
# Ears find what statistics hide: a hum, a cut-off end, a wrong transcript. Statistics find what ears tire of. How long are
# the clips?

# %%
figure, ax = plots.new(size=(8, 2.6), alt="histogram of clip lengths in three subsets")
lengths = [[each.seconds for each in subset] for subset in subsets.values()]
ax.hist(lengths, 30, stacked=True, label=list(subsets))
ax.set(xlabel="length of a clip (s)", ylabel="clips", title=f"{sum(map(sum, lengths)) / 60:.1f} minutes in all")
ax.legend()
figure

# %% [markdown]
# Short ones: in LibriSpeech most take 12 to 16 seconds. Who speaks, and how much?

# %%
speakers = sorted({each.speaker for each in before})
figure, ax = plots.new(size=(8, 2.6), alt="minutes of each speaker by subset; speaker 9007 is in the test set alone")
bottom = np.zeros(len(speakers))
for name, subset in subsets.items():
    minutes = [sum(each.seconds for each in subset if each.speaker == speaker) / 60 for speaker in speakers]
    ax.bar(speakers, minutes, bottom=bottom, label=name)
    bottom += minutes
ax.set(xlabel="speaker", ylabel="minutes")
ax.legend(ncols=3)
figure

# %% [markdown]
# One voice, 9007, is in the test set alone: with it you will see how a model does on a speaker it has never heard. In
# LibriSpeech *no* speaker is in two subsets, which makes its test sets harder and more honest.
#
# How loud are they, and how fast do they speak? That needs the samples, not the headers alone.

# %%
levels = {speaker: [] for speaker in speakers}
for each in before:
    levels[each.speaker].append(loudness(read_audio(each.path)))
paces = [[len(u.text) / u.seconds for u in before if u.speaker == speaker] for speaker in speakers]

# %%
figure, (left, right) = plots.new(1, 2, (10, 3.2), "loudness and pace of each speaker: a box for the middle half")
look = {"sym": ".", "medianprops": {"color": plots.ORANGE}, "flierprops": {"markersize": 3}}
left.boxplot(list(levels.values()), **look)
left.set(ylabel="dB (0 is full scale)", title="loudness of each clip")
right.boxplot(paces, **look)
right.set(ylabel="characters a second", title="pace of each clip", ylim=(0, None))
for ax in (left, right):
    ax.set_xticks(range(1, len(speakers) + 1), speakers, rotation=45)
plots.save(figure, "01_loudness_and_pace", figure.alt)

# %%
fastest = max(each for pace in paces for each in pace)
print(f"the fastest clip: {fastest:.0f} characters a second, {25 / fastest:.1f} answers of the network for each")

# %% [markdown]
# A spread in loudness is no harm: notebook 02 shows that the features do not hear it. Pace is another matter: the network
# answers 25 times a second, and it needs at least one answer for each character (notebook 05).
#
# Which words are there, and which characters?

# %%
words = Counter(word for each in before for word in each.text.split())
characters = Counter("".join(each.text for each in before))
figure, (left, right) = plots.new(1, 2, (9, 3.6), alt="the 20 most common words; all characters by frequency")
left.barh(*zip(*words.most_common(20)[::-1], strict=True))
share = sum(times for _, times in words.most_common(20)) / words.total()
left.set(xlabel="times", title=f"20 of {len(words)} words, {share:.0%} of all that is said")
right.bar(*zip(*[("␣" if c == " " else c, n) for c, n in characters.most_common()], strict=True))
right.set(ylabel="times", title=f"all {len(characters)} characters of the alphabet")
plots.save(figure, "01_words_and_characters")

# %% [markdown]
# A few words make up much of what is said, as in every language. For this model the characters matter more, since it
# spells: a letter that it never hears it cannot learn. Is there a word, or a sentence, in the test set that was not in
# training?

# %%
known = {word for each in subsets["train-mini"] for word in each.text.split()}
heard = {each.text for each in subsets["train-mini"]}
new_words = {word for each in subsets["test-mini"] for word in each.text.split()} - known
print(f"{len(new_words)} new words, {sum(each.text not in heard for each in subsets['test-mini'])} new sentences")

# %% [markdown]
# Known words in new sentences. With only 218 of them, a low error rate here says little about English at large, and for
# that there is the real corpus.
#
# ## The real corpus
#
# LibriSpeech is fetched by one command, which goes on where it stopped, compares the MD5 checksum with the published one,
# and unpacks. It is described here and not run, since this notebook needs no network.
#
# | command | hours | size of the archive | profile |
# |---|---|---|---|
# | `asr download dev-clean-2` and `asr download train-clean-5` | 2 and 5 | 126 MB and 332 MB | workshop |
# | `asr download dev-clean` and `asr download train-clean-100` | 5 and 100 | 337 MB and 6.3 GB | full |
# | `asr download test-clean` | 5 | 346 MB | the final score, once |
#
# Each lands in `data/LibriSpeech/<subset>`, in the layout above. From there on only the path changes:
# `asr convert data/LibriSpeech/train-clean-5 runs/train-clean-5-wav`.
# %% [markdown]
# ## Break it
#
# Four faults that every collection of speech has sooner or later. To make them, take one chapter apart, each time in a
# fresh copy.


# %%
def copy_of_chapter():
    # the six clips of a fresh copy
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
# A download broke, or a disk was full. The header still promises the whole length, and a look at headers finds no fault:

# %%
clips = copy_of_chapter()
clips[0].write_bytes(clips[0].read_bytes()[:9000])
look()

# %% [markdown]
# It shows only where the samples are decoded. Conversion decodes everything, so it finds such files *before* an epoch is
# spent on them. Does one bad file stop the others?

# %%
result = convert(RUN / "broken", RUN / "from-broken", workers=1)
print(f"{result.converted} converted", *result.problems, sep="\n")

# %% [markdown]
# ### A stereo recording
#
# Which of the two channels is the speech? The helper does not guess. Its line ends in the command that mends the file.

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
# "7" may be said as SEVEN or SEVENTH, and only someone who listens can tell. A program that drops it silently teaches
# the model to stay silent at a spoken word.
#
# All four faults have one thing in common: the line names the file, and the rest of the corpus stays usable.
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
# Fill the six empty bits of `integers` with random ones, as a recording of 16 bits would have noise there. Which share of
# the WAV's bytes does the FLAC take now? And why does the WAV not change?

# %% tags=["solution"]
filled = integers + np.random.default_rng(0).integers(0, 64, len(integers)).astype(np.int16)
wav, flac = as_file(filled, format="WAV"), as_file(filled, format="FLAC")
answer = len(flac) / len(wav)
print(f"FLAC {len(files['FLAC']) / len(files['WAV']):.0%} → {answer:.0%} of the WAV, 16 bits for any number")

# %% tags=["check"]
check("01.1", answer)

# %% [markdown] tags=["exercise"]
# ### Exercise 01.2 · A longer guess
#
# *medium · 8 minutes*
#
# FLAC has *longer* predictions, too. The cubic one is `4a − 6b + 4c − d`, where *a* is the step just before and *d* the
# fourth before. How many bits does each of its errors take (`bits_each`)? Are they smaller than the straight line's?

# %% tags=["solution"]
cubic = steps[4:] - (4 * steps[3:-1] - 6 * steps[2:-2] + 4 * steps[1:-3] - steps[:-4])
answer = bits_each(cubic)
print(f"line {bits_each(error):.2f} bits, cubic {answer:.2f} bits")

# %% tags=["check"]
check("01.2", answer)

# %% [markdown] tags=["exercise"]
# ### Exercise 01.3 · Hours a minute
#
# *hard · 10 minutes*
#
# `seconds[1]` holds the seconds of two runs with one worker: with everything to do, and with nothing left to do. Write a
# function of three numbers, those two and the seconds of audio, that returns how many *hours* of speech are converted in
# a *minute*, once the worker has started. The answer is the function.


# %% tags=["solution"]
def hours_a_minute(busy, idle, audio):
    return (audio / 3600) / ((busy - idle) / 60)


answer = hours_a_minute
print(f"{answer(*seconds[1], sum(each.seconds for each in before)):.0f} hours a minute with one worker, here")

# %% tags=["check"]
check("01.3", answer)

# %% [markdown] tags=["quiz"]
# ## Quiz
#
# **1. You decode a FLAC and compare it with the WAV it was made from. How alike are they?**
#
# - [ ] so alike that no ear tells them apart | That is said of a good MP3. FLAC does better.
# - [x] equal, sample by sample | Lossless: the same numbers in less room.
# - [ ] equal, if it is speech | It holds for any sound; only the size depends on it.
#
# **2. How does FLAC save room?**
#
# - [x] it predicts each sample and stores the small error | Sound is smooth, so errors are small, and small numbers need few bits.
# - [ ] it leaves out what the ear does not hear | That is what MP3 does, and it cannot be undone.
# - [ ] it zips the file | A zip knows nothing of sound. You have seen how much less it saves.
#
# **3. An utterance is called 84-121123-0005. What is 84?**
#
# - [x] the speaker | Then the chapter, then the number of the clip in it.
# - [ ] the book | A chapter has a number, and that is the second one.
# - [ ] the length in seconds | The length stands in the header of the sound file.
#
# **4. A conversion was killed. You start the same command again. What happens?**
#
# - [ ] it begins anew | That would cost all that was done.
# - [ ] every file that exists counts as done | Then a file that was cut short would stay so.
# - [x] what is missing or too short is done, the rest is kept | A file is whole if it is as long as its source says.
#
# **5. Why should no speaker of the test set be in the training set?**
#
# - [ ] the training would take longer | One speaker more or less is not noticed.
# - [x] because the rate would then be one for known voices | Users are strangers. A test with friends flatters.
# - [ ] because the licence forbids it | It is no question of licences.

# %% [markdown]
# ## Recap
#
# - A corpus is a tree of `<speaker>-<chapter>-<number>` files and one `.trans.txt` for each chapter.
# - FLAC predicts and stores the errors: smaller than WAV, and equal to the bit, which you have checked.
# - Conversion is done once, in parallel, and can be stopped at any time: what is whole is kept.
# - Bad files are named, one line each, and the rest goes on.
# - Statistics first: lengths, speakers, words, characters, and what the test set has that training had not.
#
# ## Further reading
#
# - [Panayotov and others (2015), LibriSpeech](https://www.danielpovey.com/files/2015_icassp_librispeech.pdf): how a thousand hours of audiobooks were cut and checked.
# - [OpenSLR 12](https://www.openslr.org/12) and [31](https://www.openslr.org/31): LibriSpeech and Mini LibriSpeech themselves.
# - [RFC 9639](https://www.rfc-editor.org/rfc/rfc9639): FLAC, bit by bit; its predictors are short to read.
# - [Gebru and others (2018), *Datasheets for Datasets*](https://arxiv.org/abs/1803.09010): what to ask of any corpus before you train on it.
#
# Next: [02 · Spectrograms](02_spectrograms.ipynb), from samples to a picture of sound.
