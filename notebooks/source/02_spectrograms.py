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
# # 02 · Spectrograms
#
# You will hear one sentence read aloud, watch it become the picture that the recogniser reads, and then hear that
# picture played back.
#
# | | |
# |---|---|
# | **Objectives** | say what a window, a hop, a mel filter and a log do, and why · build the features in NumPy, equal to `asr_helpers.sound.features` and to librosa · turn every setting and hear what is lost · read an S, a vowel and a pause off a spectrogram |
# | **Needs** | [01 · Conversion](01_conversion.ipynb); no network, no GPU |
# | **Minutes** | ci, fast, workshop, full: under 1 (one clip in every profile) |

# %%
import os

import librosa
import numpy as np
from IPython.display import HTML

from asr_helpers.corpus import data_dir, load_corpus
from asr_helpers.recognizer import Recognizer, shipped_model
from asr_helpers.show import plots
from asr_helpers.show.widgets import SpectrogramBench, player, player_html
from asr_helpers.sound import (
    features,
    hz_to_mel,
    log_mel,
    mel_filterbank,
    mel_to_hz,
    normalize_mel_bins,
    play_back,
    read_audio,
)
from asr_helpers.teaching import check
from asr_helpers.words import word_errors

PROFILE = os.environ.get("ASR_PROFILE", "fast")
plots.style()
print(f"profile {PROFILE}, NumPy {np.__version__}, librosa {librosa.__version__}")

# %% [markdown]
# ## What does the computer have?
#
# A sentence from a book, with bursts and hisses in it. It is a column of numbers, 16 000 for each second.
# Can you find the words in them?

# %%
people = load_corpus(data_dir() / "real").utterances
utterance = next(each for each in people if each.id == "5105-28240-0017")
samples = read_audio(utterance.path)
print(utterance.text)
print(len(samples), "numbers:", samples[8000:8008])

# %%
player(samples, utterance.text.capitalize())

# %% [markdown]
# And for comparison a bulletin of the harbour radio, by a speech synthesiser. All that follows can be heard with it, too:
# in the bench below you can choose.

# %%
radio = load_corpus(data_dir() / "mini" / "test-mini").utterances
bulletin = next(each for each in radio if each.id == "9002-1-0002")
player(read_audio(bulletin.path), bulletin.text.capitalize())

# %%
plots.waveform(samples, title=utterance.text)

# %% [markdown]
# The waveform shows where somebody speaks, and how loudly. Which letter is which, it does not tell.
#
# ## What is in 25 milliseconds?
#
# Speech changes all the time, but hardly within 25 ms (400 samples). Cut the clip into such windows, one
# every 10 ms, and look at two: the loudest one, and the one whose curve crosses zero most often.

# %%
windows = np.lib.stride_tricks.sliding_window_view(samples, 400)[::160]
energy = (windows**2).mean(axis=1)
crossings = (np.diff(np.sign(windows), axis=1) != 0).sum(axis=1)
vowel = windows[energy.argmax()]
hiss = windows[np.argmax(crossings * (energy > 0.01 * energy.max()))]

# %%
figure, (left, right) = plots.new(1, 2, alt="25 ms of a vowel: it repeats itself; of an S: it does not")
plots.waveform(vowel, left, "loudest window: a vowel")
plots.waveform(hiss, right, "most zero crossings: an S", plots.ORANGE)

# %% [markdown]
# The vowel repeats itself: the vocal cords open and shut at an even pace. The S is air rushing past the
# teeth, and repeats nothing. How fast do the cords go? Slide the vowel over itself; it fits best one period
# later.

# %%
fit = np.correlate(vowel, vowel, "full")[399:]
period = 50 + fit[50:250].argmax()
print(f"one period: {period} samples, {16000 / period:.0f} periods a second: the pitch of the voice")

# %% [markdown]
# ## Which frequencies are in it?
#
# The Fourier transform answers that: how much of each frequency is needed to make up these 400 samples?


# %%
def decibels(window):
    return 20 * np.log10(np.abs(np.fft.rfft(window * np.hanning(401)[:-1], 512)) + 1e-4)


figure, ax = plots.new(alt="the vowel is strong below 4000 Hz, in a comb of peaks; the S above")
hz = np.linspace(0, 8000, 257)
ax.plot(hz, decibels(vowel), label="vowel")
ax.plot(hz, decibels(hiss), label="S")
ax.set(xlabel="frequency (Hz)", ylabel="level (dB)")
ax.legend()
figure

# %% [markdown]
# Now they could hardly be more different: the vowel is strong up to 4000 Hz, the S above. The comb of narrow
# peaks in the vowel is the pitch and its multiples; its broad hills, the *formants*, are the shape of the
# mouth, and they tell an A from an E.
#
# `np.hanning` in there fades the window in and out. What if we just cut? Here is one pure tone of 1010 Hz:

# %%
tone = np.sin(2 * np.pi * 1010 * np.arange(400) / 16000)
cut = 20 * np.log10(np.abs(np.fft.rfft(tone, 512)) + 1e-4)
figure, ax = plots.new(alt="a cut tone leaks into every frequency; a faded one stays a narrow peak")
ax.plot(hz, cut, label="cut", color=plots.ORANGE)
ax.plot(hz, decibels(tone), label="faded (Hann)", color=plots.BLUE)
ax.set(xlabel="frequency (Hz)", ylabel="level (dB)", title="one tone")
ax.legend()
figure

# %% [markdown]
# The two hard edges leak into every frequency, and would drown a quiet sound beside a loud one.
#
# ## And over time?
#
# Fade each window, transform it, put the columns side by side: the *short-time Fourier transform*. The clip
# is padded first, so that column `t` is centred on 10 ms × `t`.


# %%
def power_spectrogram(samples, window=400, hop=160, fft=512):
    taper = np.pad(np.hanning(window + 1)[:-1], (fft - window) // 2)
    frames = np.lib.stride_tricks.sliding_window_view(np.pad(samples, fft // 2), fft)[::hop]
    return np.abs(np.fft.rfft(frames * taper)) ** 2


def draw(power, ax, title):
    image = 10 * np.log10(power.T / power.max() + 1e-7)
    extent = (0, len(samples) / 16000, 0, 8000)
    ax.imshow(image, origin="lower", aspect="auto", extent=extent, vmin=-60)
    ax.set(title=title, xlabel="time (s)", ylabel="frequency (Hz)")


# %%
power = power_spectrogram(samples)
figure, ax = plots.new(alt="spectrogram: dark pauses, stripes of vowels below, bright columns of S above")
draw(power, ax, f"{power.shape[0]} columns of {power.shape[1]} frequencies")
figure

# %% [markdown]
# Read it like a score: time to the right, pitch upwards, bright is loud. Bright columns at the top are S and
# SH, stripes at the bottom are vowels, a black gap before a burst is the closed mouth of a P or a K.
#
# Why 25 ms? Try a fifth of it, and four times as much, and look closely at half a second:

# %%
figure, axes = plots.new(1, 3, (10, 3), "short windows blur frequencies, long windows blur time", sharey=True)
for ax, window, fft in zip(axes, (80, 400, 1600), (512, 512, 2048), strict=True):
    draw(power_spectrogram(samples, window, hop=32, fft=fft), ax, f"{window / 16:.0f} ms")
    ax.set(xlim=(2.75, 3.25), ylim=(0, 4000))
figure

# %% [markdown]
# Five milliseconds see every pulse of the voice but no stripes; a hundred see fine stripes but smear the
# bursts. Nobody escapes that trade: time and frequency cannot both be sharp. Speech recognisers settle at 20
# to 30 ms.
#
# ## What would an ear keep?
#
# An ear tells 500 Hz from 600 Hz easily, and 7000 Hz from 7100 Hz hardly. The *mel* scale is Hz bent to that measure.
# There are several; this is Slaney's (1998), which librosa uses too: linear up to 1000 Hz, logarithmic above. How far
# apart are two tones, 500 Hz from each other?

# %%
for low in (0, 500, 1000, 4000, 7000):
    print(f"{low:5} to {low + 500:4} Hz: {hz_to_mel(low + 500) - hz_to_mel(low):4.1f} mels")

# %% [markdown]
# So 80 filters at equal steps in mels are narrow at the bottom and wide at the top. Each is a triangle that
# begins where its left neighbour peaks, ends where its right one does, and has area 1.

# %%
edges = mel_to_hz(np.linspace(0, hz_to_mel(8000), 82))
triangles = [np.interp(hz, edges[k : k + 3], [0, 2 / (edges[k + 2] - edges[k]), 0], left=0, right=0) for k in range(80)]
filters = np.stack(triangles, axis=1)
np.testing.assert_allclose(filters, mel_filterbank(), atol=1e-7)
print("our filters are the helper's:", filters.shape)

# %%
plots.mel_filters()

# %% [markdown]
# One product of matrices, and 257 frequencies are 80 mel bins.
#
# ## Why the logarithm?
#
# Here are the same mels, as they are and as logarithms:

# %%
mels = power @ filters
logs = np.log(mels + 1e-6)
figure, (above, below) = plots.new(2, 1, (8, 5))
plots.spectrogram(mels, above, "mels", unit="power")
plots.spectrogram(logs, below, "log-mels")
plots.save(figure, "02_why_the_log", "without the log a few specks on black; with it all of the speech")

# %% [markdown]
# The loudest sounds have a million times the power of the quietest, so without the log only they are seen.
# Ears work with ratios, too. The 1e-6 is a floor: there is no logarithm of silence.
#
# Is it the same as the helper's, and as librosa's, on which the field agrees?

# %%
np.testing.assert_allclose(logs, log_mel(samples), atol=1e-4)
settings = {"sr": 16000, "n_fft": 512, "win_length": 400, "hop_length": 160, "n_mels": 80}
theirs = librosa.feature.melspectrogram(y=samples, **settings)
np.testing.assert_allclose(logs, np.log(theirs.T + 1e-6), atol=1e-4)
print("equal, to 1e-4:", logs.shape)

# %% [markdown]
# ## What about loudness, and the microphone?
#
# Speak half as loudly, and every log-mel goes down by the same amount, except where the floor holds it: the soft sounds of
# a quiet speaker drown there. So each clip is first brought to one level, that of read speech, and to mean 0, since a
# cheap converter may add a constant. A dull microphone lowers each bin by an amount of its own, which says nothing about
# the words either. So we subtract each bin's mean and divide by its deviation (plus 0.1, so that a bin in which nothing
# happens is not blown up).
#
# Of which frames do we take level, mean and deviation? If silence counts, the features of a word depend on how long the
# speaker waited before it. So we first find the frames that are speech. Their power is at least 9 dB above the quietest
# tenth of the clip, within limits of 35 and 20 dB below its loudest 0.2 s. The 20 frames on either side count as well, for
# a soft F or TH.

# %%
from asr_helpers.sound import frame_power, speech_frames

centred = samples - samples.mean()
loudness = np.array([np.mean(centred[max(0, at - 480) : at + 480] ** 2) for at in range(0, len(samples) + 1, 160)])
loudest, quiet = np.sort(loudness)[-20], np.sort(loudness)[len(loudness) // 10]
loud_enough = loudness >= np.clip(10**0.9 * quiet, 10**-3.5 * loudest, 10**-2 * loudest)
speech = np.convolve(loud_enough, np.ones(41), "same") > 0.5
np.testing.assert_array_equal(speech, speech_frames(frame_power(samples)))

# %%
levelled = centred * 0.05 / np.sqrt(loudness[speech].mean())
at_level = np.log(power_spectrogram(levelled) @ filters + 1e-6)
ours = (at_level - at_level[speech].mean(axis=0)) / (at_level[speech].std(axis=0) + 0.1)
np.testing.assert_allclose(ours, features(samples), atol=1e-3)
print(f"{speech.mean():.0%} of the frames are speech, or near it")

# %%
for gain in (0.5, 0.01):
    changed = np.abs(log_mel(gain * samples) - log_mel(samples)).mean()
    remains = np.abs(features(gain * samples) - features(samples)).mean()
    print(f"at {gain} times the amplitude, log-mels move by {changed:.2f}, features by {remains:.6f}")

# %%
figure = plots.spectrogram(ours, title="what the recogniser reads", unit="deviations")
plots.save(figure, "02_features", "normalised log-mels: columns of S at the top, stripes of vowels below")

# %% [markdown]
# That is the model's whole input: 80 numbers, 100 times a second.
#
# ## Is its twin the same?
#
# Training computes the features inside TensorFlow's input pipeline (notebook 04), with `features_tf`; the recogniser
# computes them in NumPy, so that it needs no TensorFlow. Two definitions of one thing drift apart, unless they are
# compared. On one clip of each reader, and of each voice of the harbour radio:

# %%
import tensorflow as tf

from asr_helpers.sound import features_tf

for each in {each.speaker: each for each in people + radio}.values():
    clip = read_audio(each.path)
    apart = np.abs(features_tf(tf.constant(clip)).numpy() - features(clip)).max()
    assert apart < 1e-3, each.id
print(f"the last one: at most {apart:.6f} apart, in values from {ours.min():.0f} to {ours.max():.0f}")

# %% [markdown]
# ## What does the recogniser hear?
#
# Gone are the phase, and most of the pitch. Is it still speech? First spread each mel bin over the frequencies it was
# summed from. Then guess phases, turn the guess into sound, take that sound's phases for the next guess, and so on:
# whatever does not fit together dies away. That is the idea of Griffin and Lim (1984):

# %%
mels = np.exp(logs)
size = np.sqrt(np.maximum(mels @ np.linalg.pinv(filters), 0)).T
settings = {"n_fft": 512, "win_length": 400, "hop_length": 160}
phase = np.exp(2j * np.pi * np.random.default_rng(0).random(size.shape))
for _ in range(16):
    guess = librosa.istft(size * phase, **settings)
    phase = np.exp(1j * np.angle(librosa.stft(guess, **settings)))
again = librosa.istft(size * phase, **settings)
np.testing.assert_allclose(again, play_back(mels, 400, 160, 512), atol=1e-3)

# %%
player(again, "Played back from the log-mels")

# %% [markdown]
# Rougher, but the words are there. What the picture lost, you can do without. Can the recogniser?

# %%
recognizer = Recognizer.load(shipped_model())
print("recorded   ", recognizer.transcribe(samples))
print("played back", recognizer.transcribe(again))

# %% [markdown]
# ## The bench
#
# Now turn everything at once: the window, the hop, the length of the FFT, the number of mel bins, the colours. The blue
# fields are the words, where the recogniser places them. The last player holds what the mel bins alone can be turned
# back into. With how few can you still follow? What happens to 160 bins in an FFT of 512? How short a window still
# shows the stripes?

# %%
SpectrogramBench([utterance, *{each.speaker: each for each in people + radio}.values()])

# %% [markdown]
# No kernel running? The bench looks like this, here with 40 mel bins, normalised:
#
# ![sliders above a waveform with its words, a spectrogram and a mel spectrogram](../figures/spectrogram_bench.png)
#
# And this is the number of mel bins, seen and heard:

# %%
figure, axes = plots.new(1, 3, (10, 3), "80 mel bins show stripes, 20 only hills, 8 hardly more than loud and quiet")
sounds = {}
for ax, count in zip(axes, (80, 20, 8), strict=True):
    coarse = power @ mel_filterbank(count)
    extent = (0, len(samples) / 16000, 0, count)
    image = {"origin": "lower", "aspect": "auto", "interpolation": "nearest", "vmin": -12, "vmax": 0}
    ax.imshow(np.log(coarse + 1e-6).T, extent=extent, **image)
    ax.set(title=f"{count} mel bins", xlabel="time (s)", ylabel="bin")
    sounds[f"Played back from {count} mel bins"] = play_back(coarse, 400, 160, 512)
plots.save(figure, "02_mel_bins", figure.alt)

# %%
HTML("".join(player_html(sound, name) for name, sound in sounds.items()))

# %% [markdown]
# And what the window buys? Two bursts that are closer than the window melt into one, and so do two tones that are closer
# than two over its length (one over it, were the window not faded at its ends). How close may they be, for 25 ms?

# %%
seconds = np.arange(400) / 16000
for apart in (40, 60, 80, 100):
    pair = np.sin(2 * np.pi * 1000 * seconds) + np.cos(2 * np.pi * (1000 + apart) * seconds)  # no lucky beat
    fine = np.abs(np.fft.rfft(pair * np.hanning(401)[:-1], 16000))[900:1250]  # one value a Hz
    peaks = np.sum((fine[1:-1] > fine[:-2]) & (fine[1:-1] > fine[2:]) & (fine[1:-1] > 0.3 * fine.max()))
    print(f"tones {apart:3} Hz apart: {peaks} peak{'s'[: peaks - 1]}")

# %% [markdown]
# So 25 ms part the harmonics of most voices, but not of the deepest, and bursts a fortieth of a second apart. The hop
# decides how often we look: 100 times a second gives the 40 milliseconds of one of the network's answers four looks.
#
# ## Break it: press *record*, and wait
#
# Put five seconds of an empty room before and after each of the forty sentences of `data/real`, 40 dB below the speech. Take
# level, mean and deviation over all frames, and compare with those over the speech:


# %%
from asr_helpers.sound import effects


def of_all_frames(samples):
    levelled = (samples - samples.mean()) * 0.05 / samples.std()
    return recognizer.greedy(recognizer.log_probs(normalize_mel_bins(log_mel(levelled))))


# %%
said, clips = [each.text for each in people], [read_audio(each.path) for each in people]
waited = [effects.silence(clip, 5, 5, -40, 1, np.random.default_rng(0)) for clip in clips]
for name, heard in {"all frames": of_all_frames, "the speech": recognizer.transcribe}.items():
    rates = [word_errors(said, [heard(sound) for sound in sounds]).rate for sounds in (clips, waited)]
    print(f"statistics over {name}: {rates[0]:.1%} of the words wrong, {rates[1]:.1%} with silence around them")

# %% [markdown]
# *Diagnosis.* Two thirds of the frames are silence now. They lower each bin's mean and change its deviation, so every word
# has another picture than in training. Where only the speech counts, silence changes nothing. `python benchmarks/silence.py`
# measures this with the language model, and for long recordings.
#
# ## Break it: silence without a floor
#
# A digital silence, such as a muted microphone's, is all zeros. Leave the floor out:

# %%
muted = np.concatenate([np.zeros(8000, np.float32), samples])
with np.errstate(divide="ignore", invalid="ignore"):
    broken = normalize_mel_bins(np.log(power_spectrogram(muted) @ filters))
print(f"not numbers, without the floor: {np.isnan(broken).mean():.0%}")
print(f"not numbers, with the floor:    {np.isnan(features(muted)).mean():.0%}")

# %% [markdown]
# *Diagnosis.* log 0 is −∞, a mean with −∞ in it is −∞, and −∞ − (−∞) is not a number. Half a second of
# silence poisons the clip, then the loss, then every weight. A loss of `nan` in the first steps of a
# training run is the symptom; a floor inside the log is the cure.
#
# ## Break it: another sample rate
#
# A telephone records 8000 samples a second. What if a program hands them over as if they were 16 000?

# %%
telephone = samples[::2]  # every other sample: 8000 a second (and no filter against aliasing)
player(telephone, "8 kHz taken for 16 kHz")

# %%
figure, (above, below) = plots.new(2, 1, (8, 4.5), "at the wrong rate speech is twice as fast and high")
plots.spectrogram(log_mel(samples), above, "as it should be")
plots.spectrogram(log_mel(telephone), below, "8 kHz taken for 16 kHz")
below.set_xlim(above.get_xlim())
figure

# %% [markdown]
# *Diagnosis.* Nothing fails, and nothing is recognised: the features are valid and mean another sound, twice
# as fast and an octave up. That is why `read_audio` looks at the rate in the file and refuses any other, with
# a line that says how to convert.
#
# ## Exercises
#
# Write into the empty cells and let `check` judge: it says what is right, and gives a hint where something is not.
# [All of them solved](../notebooks/solutions/02_spectrograms.ipynb).

# %% [markdown] tags=["exercise"]
# ### Exercise 02.1 · Where is the S?
#
# *medium · 10 minutes*
#
# In which frames lies more than half of the power above 3000 Hz? (`power` has 257 frequencies, 31.25 Hz apart, so these
# are the columns from 96 on.) Leave out the frames that have less than a thousandth of the loudest one's power. `answer`
# is one True or False for each frame. Mark them on the spectrogram: does each mark sit on an S, or on a cousin of it?

# %% tags=["solution"]
total = power.sum(axis=1)
answer = (power[:, 96:].sum(axis=1) > 0.5 * total) & (total > 1e-3 * total.max())
figure = plots.spectrogram(logs, title=utterance.text)
figure.axes[0].plot(np.flatnonzero(answer) / 100, np.full(answer.sum(), 77), "c.")
figure

# %% tags=["check"]
check("02.1", answer)

# %% [markdown] tags=["exercise"]
# ### Exercise 02.2 · Where are the bins?
#
# *easy · 5 minutes*
#
# 16 000 numbers a second go in, 8000 come out. How many of the 80 mel bins have their middle (`edges[1:-1]`) below
# 1000 Hz, an eighth of the frequencies?

# %% tags=["solution"]
answer = np.sum(edges[1:-1] < 1000)
print(f"{answer} of 80 bins are below 1000 Hz")

# %% tags=["check"]
check("02.2", answer)

# %% [markdown] tags=["exercise"]
# ### Exercise 02.3 · Hear less
#
# *medium · 10 minutes*
#
# With how few mel bins does the *recogniser* get along? Take the first four clips of speaker 9002 of the harbour radio, whom it knows. Play
# them back from 40, 20, 10 and 5 bins (`mel_filterbank(20)`, then `play_back`), and let it write them down. The answer is
# the smallest of these four numbers with which it gets at least half of the words right.

# %% tags=["solution"]
clips = [each for each in radio if each.speaker == "9002"][:4]
powers = [power_spectrogram(read_audio(each.path)) for each in clips]
right = {}
for count in (40, 20, 10, 5):
    sounds = [play_back(each @ mel_filterbank(count), 400, 160, 512) for each in powers]
    texts = [recognizer.transcribe(sound) for sound in sounds]
    right[count] = 1 - word_errors([each.text for each in clips], texts).rate
    print(f"{count:2} bins: {right[count]:4.0%} of the words right, as in {texts[0]}")
answer = min(count for count, share in right.items() if share >= 0.5)

# %% tags=["check"]
check("02.3", answer)

# %% [markdown] tags=["quiz"]
# ## Quiz
#
# **1. Windows last 25 ms, and one begins every 10 ms. About how many are in a second?**
#
# - [ ] 40 | So it would be if they stood side by side. They overlap.
# - [x] 100 | One every 10 ms: the hop counts, not the length.
# - [ ] 16 000 | Those are the samples.
#
# **2. You make the window four times as long. What happens?**
#
# - [x] tones come out sharper, bursts blur | Time and frequency cannot both be sharp.
# - [ ] both come out sharper | Nobody escapes the trade.
# - [ ] the spectrogram becomes brighter, and that is all | Look at the three pictures again: the stripes part, the bursts smear.
#
# **3. Why are the mel filters wide at the top?**
#
# - [x] because an ear hardly tells high tones apart | The same step in Hz is a large one below and a small one above.
# - [ ] because there is more speech at the top | Most of speech lies below 4000 Hz.
# - [ ] because the FFT is coarser there | The FFT's steps are equal everywhere.
#
# **4. Why take the logarithm?**
#
# - [ ] so that all numbers are positive | Most logarithms here are negative.
# - [x] so that quiet sounds are seen beside loud ones | Equal ratios become equal steps, as for an ear.
# - [ ] so that it can be computed faster | It costs time.
#
# **5. What is the small number for that is added before the logarithm?**
#
# - [ ] it removes the noise | Noise is far above it.
# - [x] there is no logarithm of zero | Digital silence would give minus infinity, and then not-a-number everywhere.
# - [ ] it makes loud and quiet speakers alike | That is what levelling and normalising do.

# %% [markdown]
# ## Recap
#
# - A window of 25 ms every 10 ms, faded at its ends, Fourier-transformed: time and frequency, sharp enough.
# - 80 mel filters keep what an ear tells apart; the log shows quiet sounds beside loud ones, above a floor.
# - Brought to one level and normalised bin by bin, over the speech alone, the features do not depend on loudness, on the
#   microphone, or on the silence around the words.
# - One definition of the features, held equal to librosa's: whoever trains and whoever listens use the same.
#
# ## Further reading
#
# - [Jack Schaedler, *Seeing Circles, Sines and Signals*](https://jackschaedler.github.io/circles-sines-signals/): the Fourier transform, drawn, to play with.
# - [librosa's `melspectrogram`](https://librosa.org/doc/latest/generated/librosa.feature.melspectrogram.html): the definition that the field agrees on, and ours.
# - [Slaney (1998), *Auditory Toolbox*](https://engineering.purdue.edu/~malcolm/interval/1998-010/): where this mel scale comes from.
# - [Griffin & Lim (1984)](https://doi.org/10.1109/TASSP.1984.1164317): sound from a spectrogram without phases.
#
# Next: [03 · Augmentation](03_augmentation.ipynb), where one recording becomes many.
