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
# | **You will be able to** | walk a LibriSpeech tree and read an id · prove that a conversion is bit-exact · convert a corpus in parallel and resume it · read a corpus's statistics before training on it · tell the four classic corpus faults apart |
# | **Needs** | [00 · Start here](00_start_here.ipynb); no network, no GPU, about 100 MB of free disk |
# | **Minutes** | ci under 1 · fast under 1 · workshop under 1 · full under 1 (the embedded corpus in every profile) |

# %%
import io
import os
import shutil
import time
import zlib
from importlib.metadata import version
from pathlib import Path

import numpy as np
import soundfile
from IPython.utils.capture import capture_output

from asr_helpers import plots
from asr_helpers.corpus import convert, data_dir, load_corpus, read_audio
from asr_helpers.widgets import player

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
# Zip looks for strings of bytes that come again, and sound never repeats itself to the bit. FLAC knows that sound is
# smooth: it *predicts* each sample from the ones before it and stores only by how much the guess was wrong. The simplest
# such guess is a straight line through the last two samples.

# %%
wide = integers.astype(int)
guess = 2 * wide[1:-1] - wide[:-2]
error = wide[2:] - guess
print(f"typical sample ±{wide.std():.0f}, typical error ±{error.std():.0f}")

# %% [markdown]
# How many bits does a number need on average, if frequent numbers get short codes? That is the *entropy*.


# %%
def bits_each(numbers):
    """Return the entropy of a sequence of integers in bits."""
    counts = np.unique(numbers, return_counts=True)[1]
    share = counts / counts.sum()
    return -(share * np.log2(share)).sum()


figure, ax = plots.new(size=(8, 2.8), alt="histogram of samples, wide, and of prediction errors, narrow")
bins = np.arange(-2500, 2501, 50)
ax.hist(wide, bins, color=plots.GREY, label=f"samples: {bits_each(wide):.1f} bits each")
ax.hist(error, bins, color=plots.BLUE, alpha=0.7, label=f"errors of the guess: {bits_each(error):.1f} bits each")
ax.set(yscale="log", xlabel="value", ylabel="how often", title="what is left to store is small")
ax.legend()
figure

# %% [markdown]
# FLAC itself fits a longer prediction anew to every few thousand samples, and gets down to

# %%
f"{8 * len(files['FLAC']) / len(integers):.1f} bits a sample, where the WAV has 16"

# %% [markdown]
# ## Is nothing lost?
#
# "Lossless" is a claim, and a claim about data is worth a check: FLAC to integers, integers to WAV, WAV to integers.

# %%
back, _ = soundfile.read(io.BytesIO(files["WAV"]), dtype="int16")
np.array_equal(integers, back)

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
f"{np.mean(lossy[:shared] == integers[:shared]):.0%} of the samples are equal"

# %% [markdown]
# ## Convert it all
#
# Why convert at all, if FLAC is smaller and loses nothing? Because training reads every clip in every epoch, and
# TensorFlow can decode WAV inside its own pipeline but has no FLAC decoder. Decoding once is cheaper than decoding each time.
#
# `convert` goes through a corpus with several processes, writes each WAV under a hidden temporary name, and renames it
# when it is whole. On a command line it is `asr convert data/mini runs/mini-wav`.


# %%
def timed(destination, workers=None):
    """Convert the embedded corpus; return what happened and how many seconds it took."""
    start = time.perf_counter()
    with capture_output():  # the progress bar is of no use in a saved notebook
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
# 101 were written anew: the missing ones, and the one that was there but too short. A file counts as done only if its
# header and its length agree with the source.
#
# ## Do two workers take half the time?

# %%
seconds = {}
for workers in (1, 2):
    shutil.rmtree(WAV)
    seconds[workers] = [timed(WAV, workers)[1], timed(WAV, workers)[1]]  # all to do, then nothing to do

# %%
figure, ax = plots.new(size=(8, 2.2), alt="seconds to convert with one and with two workers")
names = [f"{workers} worker{'s' * (workers > 1)}" for workers in seconds]
for label, values, colour in zip(
    ("everything to convert", "nothing left to convert"), zip(*seconds.values()), (plots.BLUE, plots.GREY)
):
    ax.bar_label(ax.barh(names, values, height=0.6 if colour == plots.BLUE else 0.3, color=colour, label=label), fmt="%.1f s", padding=4)
ax.invert_yaxis()
ax.set(xlabel="seconds")
ax.legend(loc="upper left", bbox_to_anchor=(1, 1))
figure
