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

# %% jupyter={"source_hidden": true}
import os

import librosa
import numpy as np
from IPython.display import HTML

from asr_helpers.corpus import data_dir, load_corpus
from asr_helpers.recognizer import Recognizer, shipped_model
from asr_helpers.show import plots, word_diff
from asr_helpers.show.widgets import SpectrogramBench, instrument, player, player_html
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

# %% jupyter={"source_hidden": true}
people = load_corpus(data_dir() / "real").utterances
utterance = next(each for each in people if each.id == "5105-28240-0017")
samples = read_audio(utterance.path)
player(samples, utterance.text.capitalize())

# %% jupyter={"source_hidden": true}
figure, (above, below) = plots.new(2, 1, (7, 4.4), sharex=True, height_ratios=(1, 2))
plots.waveform(samples, above)
plots.spectrogram(log_mel(samples), below, unit="")
above.set(xlabel="")
alt = "above, a waveform; below, its spectrogram: stripes in the vowels, bright columns at each S, dark pauses"
figure.alt, figure.caption = alt, "From the upper picture to the lower one: that is this notebook."
figure

# %% [markdown] tags=["about"]
# Which of the two pictures can you read words from? The recogniser prefers the lower one, too.
#
# | | |
# |---|---|
# | **Objectives** | say what a window, a hop, a mel filter and a log do, and why · build the features in NumPy, equal to `asr_helpers.sound.features` and to librosa · turn every setting and hear what is lost · read an S, a vowel and a pause off a spectrogram |
# | **Needs** | [01 · Conversion](01_conversion.ipynb); no network, no GPU |
# | **Minutes** | 1 |

# %% [markdown]
# ## What does the computer have?
#
# A column of numbers, 16 000 for each second. The sentence comes from a book and is rich in bursts and hisses.

# %%
print(len(samples), "numbers:", samples[8000:8008])

# %% [markdown]
# For comparison, here is a bulletin of the harbour radio, read by a speech synthesiser. In the bench further down you
# can choose it, and see and hear everything for it.

# %%
radio = load_corpus(data_dir() / "mini" / "test-mini").utterances
bulletin = next(each for each in radio if each.id == "9002-1-0002")
player(read_audio(bulletin.path), bulletin.text.capitalize())

# %% [markdown]
# The waveform shows where somebody speaks, and how loudly. It does not tell you which letter is which.
#
# ## What is in 25 milliseconds?
#
# Speech changes all the time, but hardly within 25 ms (400 samples). Cut the clip into such windows, one every 10 ms, and
# look at two: the loudest one, and the one whose curve crosses zero most often.

# %%
windows = np.lib.stride_tricks.sliding_window_view(samples, 400)[::160]
energy = (windows**2).mean(axis=1)
crossings = (np.diff(np.sign(windows), axis=1) != 0).sum(axis=1)
vowel = windows[energy.argmax()]
hiss = windows[np.argmax(crossings * (energy > 0.01 * energy.max()))]

# %% jupyter={"source_hidden": true}
alt = "25 ms of a vowel, which repeats its shape; below, 25 ms of an S, which does not"
figure, (above, below) = plots.new(2, 1, (7, 4), alt, "A vowel repeats itself; an S repeats nothing.", sharex=True)
plots.waveform(vowel, above, "the loudest window: a vowel")
plots.waveform(hiss, below, "the most zero crossings: an S", plots.ORANGE)
above.set(xlabel="")
figure

# %% [markdown]
# The vocal cords open and shut at an even pace, so the vowel repeats its shape. The S is air rushing past the teeth.
# How fast do the cords vibrate? Slide the vowel over itself: it fits best one period later. A voice has 64 to 320
# periods a second, so look for a shift of 50 to 250 samples.

# %%
fit = np.correlate(vowel, vowel, "full")[399:]  # fit[k]: how well it fits, shifted by k samples
period = 50 + fit[50:250].argmax()
print(f"one period: {period} samples, {16000 / period:.0f} periods a second: the pitch of the voice")

# %% [markdown]
# ## Which frequencies are in it?
#
# The Fourier transform says how much of each frequency these 400 samples hold.


# %%
def decibels(window):
    return 20 * np.log10(np.abs(np.fft.rfft(window * np.hanning(401)[:-1], 512)) + 1e-4)


hz = np.linspace(0, 8000, 257)

# %% jupyter={"source_hidden": true}
alt = "level over frequency: the vowel is a comb of peaks, strong below 4000 Hz; the S is strong above"
figure, ax = plots.new(alt=alt, caption="The vowel is strong below 4000 Hz, the S above.")
ax.plot(hz, decibels(vowel), label="vowel")
ax.plot(hz, decibels(hiss), label="S")
ax.set(xlabel="frequency (Hz)", ylabel="level (dB)")
ax.legend()
figure

# %% [markdown]
# Now the two could hardly differ more. The comb of narrow peaks in the vowel is the pitch and its multiples, the
# *harmonics*. The broad hills are the *formants*: they come from the shape of the mouth, and tell an A from an E.
#
# `np.hanning` fades the window in and out. What if we just cut? Here is one pure tone of 1010 Hz, cut and faded:

# %%
tone = np.sin(2 * np.pi * 1010 * np.arange(400) / 16000)
cut = 20 * np.log10(np.abs(np.fft.rfft(tone, 512)) + 1e-4)

# %% jupyter={"source_hidden": true}
alt = "a tone that was cut leaks into every frequency; one that was faded stays a narrow peak"
figure, ax = plots.new(alt=alt, caption="Hard edges leak into every frequency; a faded window keeps the tone in place.")
ax.plot(hz, cut, label="cut", color=plots.ORANGE)
ax.plot(hz, decibels(tone), label="faded (Hann)", color=plots.BLUE)
ax.set(xlabel="frequency (Hz)", ylabel="level (dB)", title="one tone")
ax.legend()
figure

# %% [markdown]
# The leak would drown a quiet sound beside a loud one.
#
# ## And over time?
#
# Fade each window, transform it, and put the columns side by side: the *short-time Fourier transform*. The clip is padded
# first, so that column `t` is centred on 10 ms × `t`.


# %%
def power_spectrogram(samples, window=400, hop=160, fft=512):
    taper = np.pad(np.hanning(window + 1)[:-1], (fft - window) // 2)
    frames = np.lib.stride_tricks.sliding_window_view(np.pad(samples, fft // 2), fft)[::hop]
    return np.abs(np.fft.rfft(frames * taper)) ** 2


power = power_spectrogram(samples)
print(f"{power.shape[0]} columns of {power.shape[1]} frequencies")


# %% jupyter={"source_hidden": true}
def draw(power, ax, title):
    image = 10 * np.log10(power.T / power.max() + 1e-7)
    extent = (0, len(samples) / 16000, 0, 8000)
    ax.imshow(image, origin="lower", aspect="auto", extent=extent, vmin=-60)
    ax.set(title=title, xlabel="time (s)", ylabel="frequency (Hz)")


alt = "spectrogram: dark pauses, stripes of vowels below, bright columns of S above"
figure, ax = plots.new(alt=alt, caption="Read it like a score: time runs to the right, pitch upwards; bright is loud.")
draw(power, ax, f"{power.shape[0]} columns of {power.shape[1]} frequencies")
figure

# %% [markdown]
# Bright columns at the top are S and SH, stripes at the bottom are vowels, and a black gap before a burst is the closed
# mouth of a P or a K.
#
# Why 25 ms? Try a fifth of it, and four times as much, and look closely at half a second:

# %% jupyter={"source_hidden": true}
alt = (
    "half a second three times: 5 ms show pulses and no harmonics, 25 ms both, 100 ms fine harmonics and smeared bursts"
)
figure, axes = plots.new(3, 1, (7, 6.6), alt, "Short windows blur frequency; long windows blur time.", sharex=True)
for ax, window, fft in zip(axes, (80, 400, 1600), (512, 512, 2048), strict=True):
    draw(power_spectrogram(samples, window, hop=32, fft=fft), ax, f"{window / 16:.0f} ms")
    ax.set(xlim=(2.75, 3.25), ylim=(0, 4000), xlabel="", ylabel="")
axes[1].set(ylabel="frequency (Hz)")
axes[2].set(xlabel="time (s)")
figure

# %% [markdown]
# A window of 5 ms shows every pulse of the voice as an upright line, but no harmonics. One of 100 ms shows fine
# harmonics but smears the bursts. There is no way around this trade-off: time and frequency cannot both be sharp.
# Speech recognisers settle at 20 to 30 ms.
#
# ## What would an ear keep?
#
# An ear easily tells 500 Hz from 600 Hz, but hardly 7000 Hz from 7100 Hz. The *mel* scale turns frequencies into steps
# that sound equally large. There are several mel scales; this is Slaney's (1998), which librosa uses too: linear up to
# 1000 Hz, logarithmic above. How far apart are two tones 500 Hz from each other?

# %%
for low in (0, 500, 1000, 4000, 7000):
    print(f"{low:5} to {low + 500:4} Hz: {hz_to_mel(low + 500) - hz_to_mel(low):4.1f} mels")

# %% [markdown]
# So 80 filters at equal steps in mels are narrow at the bottom and wide at the top. Each is a triangle that begins where
# its left neighbour peaks, ends where its right neighbour peaks, and has area 1.

# %%
edges = mel_to_hz(np.linspace(0, hz_to_mel(8000), 82))
triangles = [np.interp(hz, edges[k : k + 3], [0, 2 / (edges[k + 2] - edges[k]), 0], left=0, right=0) for k in range(80)]
filters = np.stack(triangles, axis=1)
np.testing.assert_allclose(filters, mel_filterbank(), atol=1e-7)
print("equal to the helper's:", filters.shape)

# %% jupyter={"source_hidden": true}
alt = "ten triangles over frequency, narrow and tall below 1000 Hz, wide and low above; dots mark the FFT's frequencies"
caption = (
    "Narrow below, wide above. The low triangles look ragged: they span only two or three of the FFT's frequencies."
)
figure, ax = plots.new(alt=alt, caption=caption)
for number in range(4, 80, 8):
    true = [0, 2000 / (edges[number + 2] - edges[number]), 0]
    (line,) = ax.plot(edges[number : number + 3], true, linewidth=1)
    used = filters[:, number] > 0
    ax.plot(hz[used], 1000 * filters[used, number], ".", color=line.get_color())
ax.set(xlabel="frequency (Hz)", ylabel="weight (1/kHz)", title="one in eight of the mel filters", xlim=(0, 8000))
figure

# %% [markdown]
# One matrix product turns 257 frequencies into 80 mel bins.
#
# ## Why the logarithm?

# %%
mels = power @ filters
logs = np.log(mels + 1e-6)
low, high = np.percentile(mels, [1, 99])
print(f"99 in 100 values are above {low:.1g}, 1 in 100 is above {high:.1g}: {high / low:,.0f} times as much")

# %% jupyter={"source_hidden": true}
figure, (above, below) = plots.new(2, 1, (7, 5), sharex=True)
plots.spectrogram(mels, above, "mels", unit="power")
plots.spectrogram(logs, below, "log-mels")
above.set(xlabel="")
alt = "the same spectrogram twice: without the logarithm a few specks on black, with it all of the speech"
plots.save(figure, "02_why_the_log", alt, "Without the logarithm, only the loudest sounds are seen.")

# %% [markdown]
# Ears work with ratios, too. The 1e-6 is a floor, because there is no logarithm of zero.
#
# Is the result the same as the helper's, and as librosa's, the reference in this field?

# %%
np.testing.assert_allclose(logs, log_mel(samples), atol=1e-4)
settings = {"sr": 16000, "n_fft": 512, "win_length": 400, "hop_length": 160, "n_mels": 80}
theirs = librosa.feature.melspectrogram(y=samples, **settings)
np.testing.assert_allclose(logs, np.log(theirs.T + 1e-6), atol=1e-4)
print("equal, to 1e-4:", logs.shape)

# %% [markdown]
# ## What about loudness, and the microphone?
#
# Neither says anything about the words, so both are removed:
#
# 1. **Level.** The clip is brought to mean 0 and to one loudness. Otherwise a quiet speaker's soft sounds would drown in
#    the floor.
# 2. **Each mel bin.** A dull microphone lowers some bins. So each bin loses its mean and is divided by its standard
#    deviation (plus 0.1, so that an empty bin is not blown up).
#
# Over which frames are these statistics taken? If silence counted, a word would look different after a long wait. So only
# frames near speech count. A frame is speech if its power is 9 dB above the quietest tenth of the clip (but this limit
# stays 20 to 35 dB below the loudest 0.2 s). The 20 frames on either side count as well, for a soft F or TH.

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
print(f"{100 * speech.mean():.0f} % of the frames are speech, or near it")

# %%
for gain in (0.5, 0.01):
    changed = np.abs(log_mel(gain * samples) - log_mel(samples)).mean()
    remains = np.abs(features(gain * samples) - features(samples)).mean()
    print(f"at {gain} times the amplitude, log-mels move by {changed:.2f}, features by {remains:.6f}")

# %% jupyter={"source_hidden": true}
figure = plots.spectrogram(ours, title="what the recogniser reads", unit="standard deviations")
alt = "normalised log-mels: columns of S at the top, stripes of vowels below"
plots.save(figure, "02_features", alt, "The model's whole input: 80 numbers, 100 times a second.")

# %% [markdown]
# ## Is its twin the same?
#
# Training computes the features inside TensorFlow's input pipeline (notebook 04), with `features_tf`. The recogniser
# computes them in NumPy, so that it needs no TensorFlow. Two definitions of one thing drift apart unless they are
# compared. Compare them on one clip of each reader and of each voice of the harbour radio:

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
# The phase is gone, and most of the pitch. Is it still speech? First spread each mel bin over the frequencies it was
# summed from. Then guess phases, turn the guess into sound, take that sound's phases for the next guess, and so on: what
# does not fit together dies away. This is the idea of Griffin and Lim (1984):

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
# It is rougher, but the words are there: you can do without what the picture lost. Can the recogniser? Switch between
# the two with *A* and *B*, and click anywhere to play from there:

# %%
recognizer = Recognizer.load(shipped_model())
instrument(samples, recognizer, again, label="the sentence, recorded and played back from its log-mels")

# %%
word_diff(utterance.text, {"recorded": recognizer.transcribe(samples), "played back": recognizer.transcribe(again)})

# %% [markdown]
# ## The bench
#
# Now change everything at once: the window, the hop, the length of the FFT, the number of mel bins, the colours. The
# blue fields are the words, where the recogniser places them. The last player plays the sound that can be rebuilt from
# the mel bins alone. How few bins can you still follow? What happens to 160 bins in an FFT of 512? How short a window
# still shows the harmonics?

# %%
SpectrogramBench([utterance, *{each.speaker: each for each in people + radio}.values()])

# %% [markdown]
# <details><summary>No kernel running? This is what it looks like.</summary>
#
# ![sliders above a spectrogram and a mel spectrogram, and under both the words](../figures/spectrogram_bench.png)
#
# </details>
#
# And this is what the number of mel bins does, seen and heard:

# %%
counts = (80, 20, 8)
coarse = [power @ mel_filterbank(count) for count in counts]
HTML("".join(player_html(play_back(c, 400, 160, 512), f"from {len(c.T)} mel bins") for c in coarse))

# %% jupyter={"source_hidden": true}
alt = "the sentence in 80 mel bins, with stripes; in 20, only hills; in 8, hardly more than loud and quiet"
figure, axes = plots.new(3, 1, (7, 6), alt, "With fewer bins the harmonics go first, then the formants.", sharex=True)
for ax, image in zip(axes, coarse, strict=True):
    bins = image.shape[1]
    extent = (0, len(samples) / 16000, 0.5, bins + 0.5)
    drawn = {"origin": "lower", "aspect": "auto", "interpolation": "nearest", "vmin": -12, "vmax": 0}
    ax.imshow(np.log(image + 1e-6).T, extent=extent, **drawn)
    ax.set(title=f"{bins} mel bins", yticks=[1, bins // 2, bins], ylabel="bin")
axes[2].set(xlabel="time (s)")
plots.save(figure, "02_mel_bins")

# %% [markdown]
# And what does the window's length buy? Two bursts closer than the window melt into one. So do two tones closer than
# 2/*T*, where *T* is the window length (1/*T* without the fade). How close may they be for 25 ms?

# %%
seconds = np.arange(400) / 16000
for apart in (40, 60, 80, 100):
    pair = np.sin(2 * np.pi * 1000 * seconds) + np.cos(2 * np.pi * (1000 + apart) * seconds)  # no lucky beat
    fine = np.abs(np.fft.rfft(pair * np.hanning(401)[:-1], 16000))[900:1250]  # one value a Hz
    peaks = np.sum((fine[1:-1] > fine[:-2]) & (fine[1:-1] > fine[2:]) & (fine[1:-1] > 0.3 * fine.max()))
    print(f"tones {apart:3} Hz apart: {peaks} peak{'s'[: peaks - 1]}")

# %% [markdown]
# So a 25 ms window separates the harmonics of all but the deepest voices, and bursts 25 ms apart. The hop decides how often
# we look: at 100 frames a second, each 40 ms output of the network covers four frames.
#
# ## Break it: press *record*, and wait
#
# Put five seconds of an empty room before and after each of the forty sentences of `data/real`, 40 dB below the speech.
# Take the level, means and deviations over all frames, and compare with those over the speech alone:


# %%
from asr_helpers.sound import effects


def of_all_frames(samples):
    levelled = (samples - samples.mean()) * 0.05 / samples.std()
    return recognizer.greedy(recognizer.log_probs(normalize_mel_bins(log_mel(levelled))))


# %%
said, clips = [each.text for each in people], [read_audio(each.path) for each in people]
waited = [effects.silence(clip, 5, 5, -40, 1, np.random.default_rng(0)) for clip in clips]
for name, heard in {"all frames": of_all_frames, "the speech": recognizer.transcribe}.items():
    rates = [100 * word_errors(said, [heard(sound) for sound in sounds]).rate for sounds in (clips, waited)]
    print(f"statistics over {name}: {rates[0]:.1f} % of the words wrong, {rates[1]:.1f} % with silence around them")

# %% [markdown]
# *Diagnosis.* Two thirds of the frames are silence now. They lower each bin's mean and change its deviation, so every
# word looks different from what it was in training. `python benchmarks/silence.py` measures this with the language
# model, and for long recordings.
#
# ## Break it: silence without a floor
#
# A digital silence, such as a muted microphone's, is all zeros. Leave the floor out:

# %%
muted = np.concatenate([np.zeros(8000, np.float32), samples])
with np.errstate(divide="ignore", invalid="ignore"):
    broken = normalize_mel_bins(np.log(power_spectrogram(muted) @ filters))
print(f"not numbers, without the floor: {100 * np.isnan(broken).mean():.0f} %")
print(f"not numbers, with the floor:    {100 * np.isnan(features(muted)).mean():.0f} %")

# %% [markdown]
# *Diagnosis.* log 0 is −∞, a mean with −∞ in it is −∞, and −∞ − (−∞) is not a number. Half a second of silence poisons
# the clip, then the loss, then every weight. A loss of `nan` in the first steps of training is the symptom; a floor
# inside the logarithm is the cure.
#
# ## Break it: another sample rate
#
# A telephone records 8000 samples a second. What if a program passes them on as if they were 16 000?

# %%
telephone = samples[::2]  # every other sample: 8000 a second (and no filter against aliasing)
player(telephone, "8 kHz taken for 16 kHz")

# %% jupyter={"source_hidden": true}
alt = "the spectrogram as it should be; below, the same at the wrong rate: half as long, and shifted upwards"
figure, (above, below) = plots.new(2, 1, (7, 4.8), alt, "At the wrong rate, speech is twice as fast and twice as high.")
plots.spectrogram(log_mel(samples), above, "as it should be", unit="")
plots.spectrogram(log_mel(telephone), below, "8 kHz taken for 16 kHz", unit="")
below.set_xlim(above.get_xlim())
above.set(xlabel="")
figure

# %%
word_diff(utterance.text, recognizer.transcribe(telephone))

# %% [markdown]
# *Diagnosis.* Nothing fails, and hardly a word is recognised. The features are valid, but they describe another sound:
# twice as fast and an octave up. So `read_audio` looks at the rate in the file and refuses any other, with a line that
# says how to convert it.
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
# Which frames have more than half of their power above 3000 Hz? (`power` has 257 frequencies, 31.25 Hz apart, so these
# are the columns from 96 on.) Leave out frames with less than a thousandth of the loudest frame's power. `answer` is one
# True or False for each frame. Mark the frames on the spectrogram: does each mark sit on an S, or on a sound like it?

# %% tags=["solution"]
total = power.sum(axis=1)
answer = (power[:, 96:].sum(axis=1) > 0.5 * total) & (total > 1e-3 * total.max())
figure = plots.spectrogram(logs, title="dots: most of the power is above 3000 Hz")
figure.axes[0].plot(np.flatnonzero(answer) / 100, np.full(answer.sum(), 77), "c.")
figure

# %% tags=["check"]
check("02.1", answer)

# %% [markdown] tags=["exercise"]
# ### Exercise 02.2 · A filter bank of your own
#
# *medium · 8 minutes*
#
# Write a function of a number of bins that returns their mel filters, (257, bins), as above for 80. Then look: how many
# of the 80 bins have their middle below 1000 Hz, an eighth of the frequencies? The answer is the function.


# %% tags=["solution"]
def mel_filters(bins):
    edges = mel_to_hz(np.linspace(0, hz_to_mel(8000), bins + 2))
    heights = 2 / (edges[2:] - edges[:-2])
    return np.stack([np.interp(hz, edges[k : k + 3], [0, heights[k], 0]) for k in range(bins)], axis=1)


answer = mel_filters
print(np.sum(edges[1:-1] < 1000), "of 80 bins are below 1000 Hz")

# %% tags=["check"]
check("02.2", answer)

# %% [markdown] tags=["exercise"]
# ### Exercise 02.3 · Hear less
#
# *medium · 10 minutes*
#
# How few mel bins can the *recogniser* get by with? Take the first four clips of speaker 9002 of the harbour radio, a
# voice it knows. Play them back from 40, 20, 10 and 5 bins (`mel_filterbank(20)`, then `play_back`), and transcribe them.
# `answer` is a dictionary: {number of bins: fraction of the words that are right, from `word_errors`}.

# %% tags=["solution"]
clips = [each for each in radio if each.speaker == "9002"][:4]
powers = [power_spectrogram(read_audio(each.path)) for each in clips]
answer = {}
for count in (40, 20, 10, 5):
    sounds = [play_back(each @ mel_filterbank(count), 400, 160, 512) for each in powers]
    texts = [recognizer.transcribe(sound) for sound in sounds]
    answer[count] = 1 - word_errors([each.text for each in clips], texts).rate
    print(f"{count:2} bins: {100 * answer[count]:3.0f} % of the words right, as in {texts[0]}")

# %% tags=["check"]
check("02.3", answer)

# %% [markdown]
# ### Open task · Read a stranger's spectrogram
#
# *15 minutes, in pairs*
#
# Draw the spectrogram of a clip that your partner has not heard (or that you pick by number, without listening), and
# write down what you can read off it. Then play it. A good answer has four parts:
#
# | | |
# |---|---|
# | **marks** | each S or SH, each long vowel and each pause, with its time |
# | **a count** | how many syllables, and how you counted them |
# | **one guess** | the pitch of the voice, from the distance between two harmonics |
# | **the check** | after listening: what was right, and which mark misled you, and why |

# %% [markdown] tags=["quiz"]
# ## Quiz
#
# **1. Windows last 25 ms, and one begins every 10 ms. About how many are in a second?**
#
# - [ ] 40 | That would be true if they did not overlap.
# - [x] 100 | One every 10 ms: the hop counts, not the length.
# - [ ] 35 | The two lengths do not add up: windows overlap.
#
# **2. You make the window four times as long. What happens?**
#
# - [x] tones come out sharper, bursts blur | Time and frequency cannot both be sharp.
# - [ ] tones blur, bursts come out sharper | The other way round: a long window sees more periods of a tone.
# - [ ] both come out sharper, but it takes longer to compute | No amount of computing escapes the trade.
#
# **3. Why are the mel filters wide at the top?**
#
# - [x] because an ear hardly tells high tones apart | A step of 100 Hz is large below and small above.
# - [ ] because speech has most of its power there | Most of its power is below 4000 Hz.
# - [ ] because the FFT is coarser there | The FFT's steps are equal everywhere.
#
# **4. Why take the logarithm?**
#
# - [ ] so that all values are positive | Most logarithms here are negative.
# - [x] so that quiet sounds are seen beside loud ones | Equal ratios become equal steps, as for an ear.
# - [ ] so that the filters have equal area | They have, before any logarithm is taken.
#
# **5. What is the small number added before the logarithm for?**
#
# - [ ] it removes the noise | Noise is far above it.
# - [x] there is no logarithm of zero | Digital silence would give minus infinity, and then not-a-number everywhere.
# - [ ] it makes loud and quiet speakers alike | Levelling and normalising do that.

# %% [markdown]
# ## Recap
#
# - A window of 25 ms every 10 ms, faded at its ends, Fourier-transformed: sharp enough in time and in frequency.
# - 80 mel filters keep what an ear tells apart; the logarithm shows quiet sounds beside loud ones, above a floor.
# - Levelled and normalised bin by bin over the speech alone, the features do not depend on loudness, on the microphone, or
#   on the silence around the words.
# - Training and recognition use one definition of the features, equal to librosa's.
#
# ## Further reading
#
# - [Jack Schaedler, *Seeing Circles, Sines and Signals*](https://jackschaedler.github.io/circles-sines-signals/): the Fourier transform, drawn, to play with.
# - [librosa's `melspectrogram`](https://librosa.org/doc/latest/generated/librosa.feature.melspectrogram.html): the reference definition, and ours.
# - [Slaney (1998), *Auditory Toolbox*](https://engineering.purdue.edu/~malcolm/interval/1998-010/): where this mel scale comes from.
# - [Griffin & Lim (1984)](https://doi.org/10.1109/TASSP.1984.1164317): sound from a spectrogram without phases.
#
# Next: [03 · Augmentation](03_augmentation.ipynb), where one recording becomes many.
