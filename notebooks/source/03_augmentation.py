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
# # 03 · Augmentation
#
# You will hear one sentence in a gale, in a bare hall, through a bad line and at another pace, and see what
# each does to the picture that the recogniser reads, and to the words that it writes.
#
# | | |
# |---|---|
# | **Objectives** | build noise and reverb yourself, and say what their numbers mean · hear what each of seven effects does, and when it does harm · draw them so that a run can be repeated · mask features with SpecAugment · measure at which strength a recogniser gives up |
# | **Needs** | [02 · Spectrograms](02_spectrograms.ipynb); no network, no GPU |
# | **Minutes** | ci, fast, workshop, full: 1 to 3 (a few clips of the embedded corpus in every profile) |

# %%
import os

import numpy as np
import tensorflow as tf
from IPython.display import HTML

from asr_helpers.corpus import data_dir, load_corpus
from asr_helpers.recognizer import Recognizer, shipped_model
from asr_helpers.show import plots
from asr_helpers.show.widgets import AugmentationBench, describe, player, player_html
from asr_helpers.sound import Augmenter, SpecAugment, augment, effects, features, log_mel, num_frames, read_audio
from asr_helpers.teaching import check
from asr_helpers.text import encode
from asr_helpers.words import min_frames, word_errors

PROFILE = os.environ.get("ASR_PROFILE", "fast")
plots.style()
print(f"profile {PROFILE}, NumPy {np.__version__}, TensorFlow {tf.__version__}")

# %% [markdown]
# ## Why spoil good recordings?
#
# The harbour radio has a dozen voices, and nobody was recorded for it: no room, no microphone, no neighbour's dog. A
# recogniser that only ever heard those fails in the first kitchen. So each time training takes a clip, it may change
# the sound, never the text. Here is the clip, as clean as it gets:

# %%
corpus = load_corpus(data_dir() / "mini" / "test-mini")
utterance = next(each for each in corpus if each.id == "9002-1-0002")
samples = read_audio(utterance.path)
player(samples, utterance.text.capitalize())

# %% [markdown]
# ## Noise: how loud is 5 dB?
#
# White noise is a random number for each sample. How loud it is counts only beside the speech: the
# *signal-to-noise ratio* is speech power over noise power, in decibels. Three lines:

# %%
rng = np.random.default_rng(0)
hiss = rng.standard_normal(len(samples), dtype=np.float32)
gain = np.sqrt(np.mean(samples**2) / np.mean(hiss**2) / 10 ** (5 / 10))
noisy = samples + gain * hiss
np.testing.assert_allclose(noisy, effects.noise(samples, 5, np.random.default_rng(0)), atol=1e-6)
player(noisy, "Noise, 5 dB below the speech")

# %%
figure = plots.compare_spectrograms(samples, noisy, "noise at 5 dB")
plots.save(figure, "03_noise", "noise fills the pauses and the quiet high frequencies; loud vowels stand out")

# %% [markdown]
# The difference on the right is orange where the noise won, white where the speech did. What goes first? The
# pauses, then the quiet sounds at the top: F, S, the burst of a K. The stripes of the vowels stay.
#
# White noise is rare outside of electronics. Rain, fans and traffic are closer to *pink*: the power falls with the
# frequency, each octave holds the same. And in a canteen the noise is *babble*, other people. Add up four voices, each
# from a random place on, and set the whole crowd 5 dB below the speech:

# %%
others = [each for each in corpus if each.id.endswith("-0003") and each.speaker != utterance.speaker][:4]
voices = [read_audio(each.path) for each in others]
rng = np.random.default_rng(0)
crowd = np.zeros(len(samples), np.float32)
for voice in voices:
    place = rng.integers(len(voice))
    crowd += np.resize(np.roll(voice, -place), len(samples)) / np.sqrt(np.mean(voice**2))
np.testing.assert_allclose(crowd, effects.babble(voices, len(samples), np.random.default_rng(0)))

# %%
pink = effects.noise(samples, 5, np.random.default_rng(0), "pink")
canteen = effects.noise(samples, 5, np.random.default_rng(0), crowd)
HTML(player_html(pink, "Pink noise, 5 dB below") + player_html(canteen, "Four voices, 5 dB below"))

# %%
figure, axes = plots.new(1, 3, (10, 2.8), "white noise hides the top, pink noise the bottom, babble all", sharey=True)
high = log_mel(samples).max()
for ax, (name, clip) in zip(axes, {"white": noisy, "pink": pink, "babble": canteen}.items(), strict=True):
    plots.spectrogram(log_mel(clip), ax, f"{name}, 5 dB", unit="", vmin=high - 12, vmax=high)
figure

# %% [markdown]
# The same power, three places: white hides the consonants, pink the low vowels, and babble has the stripes of other
# vowels, which look like words because they are.
#
# ## Reverb: how long is a room?
#
# Clap in a room, and the walls answer: thousands of echoes, ever later, ever quieter. A room's *RT60* is the
# time until they have fallen by 60 dB: about half a second between carpets and curtains, several seconds in a
# cathedral. So a simple room is noise that dies away:

# %%
rng = np.random.default_rng(0)
seconds = np.arange(round(1.2 * 0.8 * 16000)) / 16000
echoes = rng.standard_normal(len(seconds)) * 10 ** (-3 * seconds / 0.8)
echoes = (echoes / np.linalg.norm(echoes)).astype(np.float32)
np.testing.assert_allclose(echoes, effects.room_response(0.8, np.random.default_rng(0)), atol=1e-6)

# %% [markdown]
# Does it really fall by 60 dB in 0.8 s? Schroeder's answer (1965): sum up the energy that is still to come.

# %%
figure, (left, right) = plots.new(1, 2, alt="echoes that die away, and a straight line through -60 dB at 0.8 s")
plots.waveform(echoes, left, "the room's answer to a clap")
still_to_come = np.cumsum(echoes[::-1] ** 2)[::-1]
right.plot(seconds, 10 * np.log10(still_to_come), color=plots.BLUE)
right.plot([0.8], [-60], "o", color=plots.ORANGE)
right.set(title="energy still to come", xlabel="time (s)", ylabel="dB", ylim=(-80, 0))
figure

# %% [markdown]
# Speech is a row of small claps, each answered by the room. Adding up all the answers is a *convolution*.

# %%
wet = 0.6 * samples + 0.4 * np.convolve(samples, echoes)[: len(samples)]
helper = effects.reverb(samples, rt60=0.8, mix=0.4, rng=np.random.default_rng(0))
np.testing.assert_allclose(wet, helper, atol=1e-5)
player(wet, "Reverb: RT60 0.8 s, mix 0.4")

# %%
plots.compare_spectrograms(samples, wet, "reverb, 0.8 s")

# %% [markdown]
# Each sound smears to the right, into the pause where a P or a K should be silent.
#
# ## Pace: faster, and not higher?
#
# The cheap way to slow a clip down is to read it more slowly, as a record on the wrong speed:

# %%
places = np.arange(0, len(samples), 0.75)
slow_record = np.interp(places, np.arange(len(samples)), samples).astype(np.float32)
player(slow_record, "0.75 times as fast, as a record")

# %% [markdown]
# Slower and lower: another speaker, who yawns. That is worth having too, since new speakers are what a small corpus
# lacks: it is *speed perturbation* (Ko and others, 2015), and `effects.speed` does it with a proper resampler, so that
# no tone is folded back from above 8 kHz. The [phase vocoder](https://doi.org/10.1002/j.1538-7305.1966.tb01706.x) takes the spectrogram apart, spreads its columns and mends
# the phases, so that only the pace changes. (Where the mended phases do not quite fit, neighbouring columns cancel each
# other and the sound gets quieter; `effects.time_stretch` turns it up again.)

# %%
slower = effects.time_stretch(samples, 0.75)
player(slower, "0.75 times as fast, phase vocoder")


# %%
def pitch(clip):
    window = clip[(len(clip) // 10) :][:1600]
    fit = np.correlate(window, window, "full")[1599:]
    return 16000 / (80 + fit[80:300].argmax())


record = effects.speed(samples, 0.75)
for name, clip in {"original": samples, "as a record": record, "phase vocoder": slower}.items():
    print(f"{name:14} {len(clip) / 16000:.2f} s, {pitch(clip):.0f} Hz")

# %%
plots.compare_spectrograms(samples, slower, "time stretch, rate 0.75")

# %% [markdown]
# ## Break it: too fast for CTC
#
# The model learns by *CTC* (notebook 05), which needs a word beforehand. Nobody has marked when each letter is spoken. So
# the network says one symbol at every step, a letter or "nothing new"; repeated letters are merged, and what is left is the
# text. Many ways of saying it give the same text, and CTC adds them all up. For that, there must be at least as many steps
# as letters.
#
# Both ways of changing the pace change the length. The model gives one answer every four frames (40 ms), and
# CTC needs at least one answer for each letter. How fast may this sentence be?

# %%
needed = min_frames(encode(utterance.text))
for rate in (0.9, 1.1, 1.5, 2.0):
    answers = num_frames(len(effects.time_stretch(samples, rate))) // 4
    print(f"rate {rate}: {answers} answers for {needed} letters", "" if answers >= needed else "<- impossible")

# %% [markdown]
# *Diagnosis.* No path through so few answers spells the text: its probability is zero, its loss infinite.
# The pipeline of notebook 04 checks lengths *after* augmentation and drops such clips. How far does `Augmenter` go? Where
# it draws both, speed and stretch, the two multiply:

# %%
usual = Augmenter()
for place, name in ((0, "slowest"), (1, "fastest")):
    speed, stretch = usual.speed_factor[place], usual.time_stretch_rate[place]
    print(f"{name}: speed {speed} × stretch {stretch} = {speed * stretch:.2f}")

# %% [markdown]
# ## A hole in the spectrum
#
# A cheap microphone, a phone line, a hand before the mouth: some frequencies never arrive. A band-stop filter
# removes one band, here 2000 Hz wide:

# %%
masked = effects.frequency_mask(samples, center=2000, width=2000)
player(masked, "Without 1000 to 3000 Hz")

# %%
plots.compare_spectrograms(samples, masked, "without 1000 to 3000 Hz")

# %% [markdown]
# It sounds hollow and is still understood: speech says everything more than once. A recogniser should learn
# to listen for the rest.
#
# ## Lost and swapped pieces
#
# A bad line loses packets (*gaps*), or delivers them in the wrong order (*segment shuffle*). What does a
# swap of neighbouring 20 ms pieces sound like, all along the clip?

# %%
pairs = samples[: len(samples) // 640 * 640].reshape(-1, 2, 320)
swapped = pairs[:, ::-1].reshape(-1)
helper = effects.segment_shuffle(samples, 0.02, np.random.default_rng(0), share=1)
np.testing.assert_array_equal(swapped, helper[: len(swapped)])
player(swapped, "Every two pieces of 20 ms swapped")

# %%
lossy = effects.gaps(samples, count=6, seconds=0.08, rng=np.random.default_rng(0))
player(lossy, "Six gaps of 80 ms")

# %%
plots.compare_spectrograms(samples, lossy, "six gaps of 80 ms")

# %% [markdown]
# A gap is turned down by 60 dB, not to zero: exact zeros would give away, by a sound that no recording has,
# that something was cut.
#
# ## Break it: pieces as long as words
#
# Take pieces of 0.4 s instead of 0.02 s:

# %%
player(effects.segment_shuffle(samples, 0.4, np.random.default_rng(0), share=1), "Pieces of 0.4 s swapped")

# %% [markdown]
# *Diagnosis.* Now the words come in another order, and the transcript does not know. CTC would learn to
# spell what was not said. An effect is allowed only while a careful listener would still write down the same
# text. So `Augmenter` swaps pieces of 10 to 30 ms, a tenth of them, in one clip of fifty.
#
# ## The bench
#
# All of them on one bench, and the recogniser beside it. Choose an effect, move its sliders with the mouse or the arrow
# keys, roll the dice again. *Chain* draws from all seven, as training does. Under the pictures stands what the shipped
# model writes down, wrong words underlined, and the code that makes the very same samples. Which setting makes *soup*
# unintelligible first: to the model, to you? (`AugmentationBench(…, model="path")` takes a model that you trained.)

# %%
people = load_corpus(data_dir() / "real").utterances
AugmentationBench([utterance, *{each.speaker: each for each in corpus.utterances + people}.values()])

# %% [markdown]
# No kernel running? It looks like this, here with four other voices talking:
#
# ![buttons for the effects, sliders, two players, three spectrograms, the words heard](../figures/augmentation_bench.png)
#
# And here are the seven, side by side:

# %%
rng = np.random.default_rng(0)
changed = {
    "noise, 5 dB": noisy,
    "reverb, 0.8 s": wet,
    "speed, 0.75": record,
    "time stretch, 0.75": slower,
    "frequency mask, 1000 to 3000 Hz": masked,
    "segment shuffle, 20 ms": swapped,
    "six gaps of 80 ms": lossy,
}
HTML("".join(player_html(clip, name) for name, clip in changed.items()))

# %%
figure, axes = plots.new(2, 4, (12, 4.5), sharey=True)
for ax, (name, clip) in zip(axes.flat, {"original": samples, **changed}.items(), strict=True):
    plots.spectrogram(log_mel(clip), ax, name, unit="", vmin=high - 12, vmax=high)
    ax.set(xlabel="", ylabel="")
plots.save(figure, "03_effects", "spectrograms of one sentence before and after each of the seven effects")

# %%
recognizer = Recognizer.load(shipped_model())
assert recognizer.transcribe(samples) == utterance.text  # or the bench would open on a clip that is heard wrong
for name, clip in {"original": samples, **changed, "pink noise": pink, "babble": canteen}.items():
    print(f"{name:32} {recognizer.transcribe(clip)}")

# %% [markdown]
# ## How much is too much?
#
# One sentence is an anecdote. Take a fixed set of sentences from all voices, raise one knob at a time, and count the
# wrong words at every step:

# %%
fixed = corpus.utterances[:: 16 if PROFILE == "ci" else 3]
clips, texts = [read_audio(each.path) for each in fixed], [each.text for each in fixed]


def errors(plan):
    rngs = [np.random.default_rng((3, number)) for number in range(len(clips))]
    spoilt = [Augmenter().apply(clip, plan, rng) for clip, rng in zip(clips, rngs, strict=True)]
    return word_errors(texts, [recognizer.transcribe(clip) for clip in spoilt])


clean = errors([])
print(f"{len(clips)} sentences, {clean.lengths.sum()} words; as recorded, WER {clean.rate:.0%}")

# %%
knobs = {  # effect: (what is turned, its settings, what stays, the name of the axis)
    "noise": ("snr_db", [30, 20, 15, 10, 5, 0, -5], {}, "SNR (dB)"),
    "reverb": ("rt60", [0.1, 0.3, 0.5, 0.8, 1.2, 2.0], {"mix": 0.4}, "RT60 (s), mix 0.4"),
    "time_stretch": ("rate", [0.5, 0.7, 0.9, 1.1, 1.3, 1.6, 2.0], {}, "rate of the time stretch"),
    "frequency_mask": ("width", [100, 500, 1000, 1500, 2000, 2500], {"center": 1500}, "Hz removed around 1500 Hz"),
}
step = 3 if PROFILE == "ci" else 1
found = {
    name: {value: errors([(name, {key: value, **rest})]) for value in settings[::step]}
    for name, (key, settings, rest, _) in knobs.items()
}

# %%
figure, axes = plots.new(1, 4, (11, 3), sharey=True)
for ax, (name, rates) in zip(axes, found.items(), strict=True):
    key, _, _, label = knobs[name]
    low, high = zip(*(100 * np.array(each.interval()) for each in rates.values()), strict=True)
    ax.fill_between(list(rates), low, high, alpha=0.2, linewidth=0)
    ax.plot(list(rates), [100 * each.rate for each in rates.values()], "o-")
    ax.axhline(100 * clean.rate, color=plots.GREY, linestyle=":")
    ax.axvspan(*Augmenter().ranges(name)[key], color=plots.GREEN, alpha=0.12, linewidth=0)
    ax.set(xlabel=label, ylim=(0, None))
axes[0].invert_xaxis()
axes[0].set_ylabel("word error rate (%)")
plots.save(figure, "03_wer_against_effects", "word error rate rising with noise, reverberation, pace, removed band")

# %% [markdown]
# Blue is the rate with its 95 % interval, the dotted line the rate as recorded, green what training draws. Read each
# curve from the mild side: where does it leave the dotted line? Milder than there teaches nothing new; much stronger would
# teach from sentences that nobody can write down. So training goes to where errors become more frequent, and not to where
# little else is left. How much harder is the hardest of what it draws, among the settings above?

# %%
for name, rates in found.items():
    low, high = Augmenter().ranges(name)[knobs[name][0]]
    drawn = [rate.rate for value, rate in rates.items() if low <= value <= high]
    told = f"{max(drawn) / clean.rate:.1f} times as recorded" if drawn and clean.rate else "not measured here"
    print(f"{name:15} hardest drawn: {told}; worst of all: WER {max(each.rate for each in rates.values()):.0%}")

# %% [markdown]
# ## Who decides?
#
# `Augmenter` has, for each effect, a probability and a range for each number. It first draws a plan, then
# applies it in the order in which sound travels: speaker, room, noise, microphone, line. What would it do to
# our clip in the first epochs?

# %%
augmenter = Augmenter()
for epoch in range(6):
    plan = augmenter.draw(np.random.default_rng((35, epoch, 0)))
    print(f"epoch {epoch}: {describe(plan)}")

# %%
figure, axes = plots.new(2, 2, (10, 4.5), "the same sentence, different in each of four epochs", sharey=True)
for epoch, ax in enumerate(axes.flat):
    clip = augmenter(samples, np.random.default_rng((35, epoch, 0)))
    plots.spectrogram(features(clip), ax, f"epoch {epoch}", unit="", vmin=-2, vmax=4)
figure

# %% [markdown]
# The three numbers are the seed of the run, the epoch and the clip's index. Nothing else decides, so a run
# that is killed and resumed in epoch 3 draws what it would have drawn:

# %%
once = augmenter(samples, np.random.default_rng((35, 3, 0)))
again = augmenter(samples, np.random.default_rng((35, 3, 0)))
print("the same bytes:", once.tobytes() == again.tobytes())

# %% [markdown]
# ## Break it: a seed without the epoch
#
# Leave the epoch out of the seed, and everything can still be repeated. What is lost?

# %%
for epoch in range(3):
    print(f"epoch {epoch}: {describe(augmenter.draw(np.random.default_rng((35, 2))))}")

# %% [markdown]
# *Diagnosis.* Every epoch hears the same spoilt clip: not more recordings, only worse ones. Nothing fails,
# and the run can even be repeated; only a look at two epochs of one clip shows it.
#
# ## Break it: louder than full scale
#
# Add noise with twice the amplitude of the speech, and store the sum as 16-bit numbers, as a WAV file does:

# %%
loud = effects.noise(samples / np.abs(samples).max(), -6, np.random.default_rng(0))
wrapped = ((loud * 32767).astype(np.int32).astype(np.int16) / 32767).astype(np.float32)
peak = slice(np.abs(loud).argmax() - 60, np.abs(loud).argmax() + 60)
figure, ax = plots.new(alt="where the sum exceeds full scale, its 16-bit copy jumps to the other side")
plots.waveform(wrapped[peak], ax, color=plots.ORANGE)
plots.waveform(loud[peak], ax, "7.5 ms around the peak: the sum (blue), stored in 16 bits (orange)")

# %%
player(wrapped, "Wrapped around")

# %% [markdown]
# *Diagnosis.* 16 bits end at ±1. What exceeds them comes out on the other side, as a crack. Clipping at ±1
# would distort, too. `effects.limit` turns down the whole clip instead, and only if it must: the features do
# not hear loudness.
#
# ## SpecAugment: cover parts of the picture
#
# Park and others (2019) skip the sound and paint over the features: bands of frequency, and stretches of
# time. With part of the picture covered, the model must guess from what is left, as you do on a bad line. By
# hand:

# %%
picture = features(samples)
covered = picture.copy()
covered[90:110] = 1e-3  # 0.2 s
covered[:, 30:42] = 1e-3  # 12 of 80 mel bins
plots.spectrogram(covered, title="a time mask and a frequency mask", unit="deviations")

# %% [markdown]
# The features have mean 0, so 0 would be "nothing special here". Why 0.001, then? `SpecAugment` does the
# same in TensorFlow, with places and widths drawn from a seed of two numbers:

# %%
spec_augment = SpecAugment()
figure, axes = plots.new(1, 3, (10, 3), "three draws of SpecAugment", sharey=True)
for draw, ax in enumerate(axes):
    plots.spectrogram(spec_augment(picture, (1, draw)).numpy(), ax, f"seed (1, {draw})", unit="")
plots.save(figure, "03_specaugment", "three draws of SpecAugment: bands of time and of frequency are covered")


# %%
def share_covered(draw):
    return np.mean(np.all(spec_augment(picture, (2, draw)).numpy() == np.float32(1e-3), axis=1))


shares = [share_covered(draw) for draw in range(200)]
print(f"time covered: {np.mean(shares):.0%} on average, never more than {np.max(shares):.0%}")

# %% [markdown]
# Two time masks together cover at most a fifth of an utterance, however short: half of *IT'S TEN* would be
# another sentence.
#
# ## Break it: zeros that mean something else
#
# Back to the 0.001. Batches are padded with zeros, and the model takes a frame of exact zeros for padding.
# Cover with exact zeros, and count the frames it would see:

# %%
zeroed = picture.copy()
zeroed[90:110] = 0
for name, each in {"as it was": picture, "covered with 0.001": covered, "covered with 0": zeroed}.items():
    print(f"{name:19} {np.any(each != 0, axis=1).sum()} frames")

# %% [markdown]
# *Diagnosis.* Twenty frames vanish from the middle of the sentence: what stands before and what comes after
# are counted as one shorter clip. Nothing fails. A value that means "no data" must never be a value that
# data can take.
#
# ## Exercises
#
# Write into the empty cells and let `check` judge: it says what is right, and gives a hint where something is not.
# [All of them solved](../notebooks/solutions/03_augmentation.ipynb).

# %% [markdown] tags=["exercise"]
# ### Exercise 03.1 · A telephone
#
# *medium · 10 minutes*
#
# A telephone passes 300 to 3400 Hz. Make that effect (`scipy.signal.butter` with `btype="bandpass"` and `fs=16000`, then
# `sosfiltfilt`), and listen. Which letters of this sentence does it turn into each other? `answer` is the filtered
# `samples`.

# %% tags=["solution"]
from scipy.signal import butter, sosfiltfilt

sections = butter(4, [300, 3400], btype="bandpass", fs=16000, output="sos")
answer = sosfiltfilt(sections, samples).astype(np.float32)
player(answer, "Telephone")

# %% tags=["solution"]
plots.compare_spectrograms(samples, answer, "telephone")  # S and F differ mostly above 3400 Hz, and now sound alike

# %% tags=["check"]
check("03.1", answer)

# %% [markdown] tags=["exercise"]
# ### Exercise 03.2 · Which noise is the worst?
#
# *easy · 8 minutes*
#
# At 5 dB, let the recogniser write down the fixed set under white noise, pink noise and babble (`errors` takes a plan;
# `noise` has a parameter `sound`). Guess first, by ear. `answer` is `"white"`, `"pink"` or `"babble"`.

# %% tags=["solution"]
rates = {}
for name, sound in {"white": "white", "pink": "pink", "babble": crowd}.items():
    rates[name] = errors([("noise", {"snr_db": 5, "sound": sound})])
    low, high = rates[name].interval()
    print(f"{name:7} WER {rates[name].rate:.0%}, 95 % interval {low:.0%} to {high:.0%}")
answer = max(rates, key=lambda name: rates[name].rate)

# %% tags=["check"]
check("03.2", answer)

# %% [markdown] tags=["exercise"]
# ### Exercise 03.3 · Left alone
#
# *medium · 8 minutes*
#
# How often does training hear a clip as it was recorded? Compute it from the probabilities of `Augmenter()`, as a
# fraction; then count it over 2000 draws.

# %% tags=["solution"]
chances = [getattr(augmenter, f"{name}_probability") for name in augment.EFFECTS]
untouched = [not augmenter.draw(np.random.default_rng(seed)) for seed in range(2000)]
answer = np.prod(1 - np.array(chances))
print(f"expected {answer:.1%}, counted {np.mean(untouched):.1%}")

# %% tags=["check"]
check("03.3", answer)

# %% [markdown] tags=["quiz"]
# ## Quiz
#
# **1. The signal-to-noise ratio is 0 dB. What does that mean?**
#
# - [ ] there is no noise | Then the ratio would be infinite.
# - [x] the noise has as much power as the speech | The logarithm of 1 is 0.
# - [ ] there is no speech | Then it would be minus infinity.
#
# **2. A hall has a longer RT60 than a bedroom. What is longer?**
#
# - [x] the time until its echoes have fallen by 60 dB | Walls of stone give sound back; curtains swallow it.
# - [ ] the way from the speaker to the microphone | It matters too, but that is the mix of echoes and direct sound.
# - [ ] the words | No: each sound is followed by its echoes, and its pace stays.
#
# **3. Which change may training not make?**
#
# - [ ] the clip becomes 10 % faster | A listener writes down the same text.
# - [ ] other people talk in the background | Hard, but a listener still follows the loud voice.
# - [x] two words change places | The transcript would be wrong, and the network would learn to write what was not said.
#
# **4. The effects of a clip are drawn from (seed, epoch, clip). What is gained?**
#
# - [x] every epoch is different, and a resumed run draws the same again | Both at once: variety and repeatability.
# - [ ] every epoch hears the same effects | That is what leaving the epoch out would do.
# - [ ] the effects are stronger | Their strength comes from the ranges.
#
# **5. Why does SpecAugment cover with 0.001 and not with 0?**
#
# - [ ] because there is no logarithm of 0 | The features *are* logarithms; no other is taken.
# - [x] because a frame of exact zeros means padding | A value that means "no data" must never be one that data can take.
# - [ ] because 0.001 is the mean of the features | The mean is 0.

# %% [markdown]
# ## Recap
#
# - Augmentation changes the sound and keeps the text: what a listener would spell differently is too much.
# - Noise is measured against the speech (SNR in dB), a room by its RT60, a pace by its rate.
# - How much a recogniser bears is measured knob by knob, on a fixed set, with an interval.
# - Seeded by (run, epoch, clip), every draw is new in each epoch and the same in each repetition.
# - SpecAugment covers the features themselves, with a value that cannot be taken for padding.
#
# ## Further reading
#
# - [Park and others (2019), SpecAugment](https://arxiv.org/abs/1904.08779): two kinds of masks, and how much they bought.
# - [Ko and others (2015), speed perturbation](https://www.danielpovey.com/files/2015_interspeech_augmentation.pdf): the simplest effect, and one of the best.
# - [Ko and others (2017), reverberant speech](https://www.danielpovey.com/files/2017_icassp_reverberation.pdf): rooms and noise, made and measured.
# - [Schroeder (1965), measuring reverberation time](https://doi.org/10.1121/1.1909343): the backward sum of the energy.
# - [audiomentations](https://github.com/iver56/audiomentations): many more effects, ready to use.
#
# Next: [04 · Input pipeline](04_input_pipeline.ipynb), which does all this while the model is training.
