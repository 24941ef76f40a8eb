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
# You will hear one sentence in a crowd, in a bare hall, over a bad line and at another pace, and read what the recogniser
# makes of it.

# %% jupyter={"source_hidden": true}
import os

import numpy as np
from IPython.display import display

from asr_helpers.corpus import data_dir, load_corpus
from asr_helpers.recognizer import Recognizer, shipped_model
from asr_helpers.show import plots, word_diff
from asr_helpers.show.widgets import AugmentationBench, describe, instrument, player
from asr_helpers.sound import Augmenter, SpecAugment, augment, effects, features, log_mel, num_frames, read_audio
from asr_helpers.teaching import check
from asr_helpers.text import encode
from asr_helpers.words import min_frames, paired_difference, word_errors

PROFILE = os.environ.get("ASR_PROFILE", "fast")
plots.style()

# %% jupyter={"source_hidden": true}
corpus = load_corpus(data_dir() / "mini" / "test-mini")
recognizer = Recognizer.load(shipped_model())
utterance = next(each for each in corpus if each.id == "9002-1-0002")
samples = read_audio(utterance.path)
others = [each for each in corpus if each.id.endswith("-0003") and each.speaker != utterance.speaker][:4]
voices = [read_audio(each.path) for each in others]
crowd = effects.babble(voices, len(samples), np.random.default_rng(0))
canteen = effects.noise(samples, 5, np.random.default_rng(0), crowd)
alt = "two spectrograms of a sentence: in the upper one the pauses are dark; in the lower one other voices fill them"
figure, axes = plots.new(2, 1, (7, 4), alt, "Alone, and among four other voices, 5 dB quieter.", sharex=True)
for ax, clip, name in zip(axes, (samples, canteen), ("alone", "in a crowd"), strict=True):
    plots.spectrogram(log_mel(clip), ax, name, unit="")
axes[0].set_xlabel("")
display(instrument(samples, recognizer, {"in a crowd": canteen}, label="alone", picture=figure, unfolded=True))
word_diff(utterance.text, {"alone": recognizer.transcribe(samples), "in a crowd": recognizer.transcribe(canteen)})

# %% [markdown] tags=["about"]
# You probably understood both. The recogniser did not, and this notebook is about the sounds that teach it to. The table
# spells the network's letters alone, and so do all counts below. The words under the picture come from a language model,
# too ([07](07_decoding.ipynb)): where little is heard, it guesses.
#
# | | |
# |---|---|
# | **Objectives** | build noise and reverb yourself, and say what their numbers mean · hear what each of seven effects does, and when it does harm · draw them so that a run can be repeated · mask features with SpecAugment · measure at which strength a recogniser gives up |
# | **Needs** | [02 · Spectrograms](02_spectrograms.ipynb); no network, no GPU |
# | **Minutes** | 1 |

# %% [markdown]
# ## Why spoil good recordings?
#
# The harbour radio is read by a dozen speech synthesisers: no room, no microphone, no neighbour's dog. A recogniser that
# has heard nothing else fails in the first kitchen. So whenever training takes a clip, it may change the sound, but never
# the text. That is *augmentation*.
#
# ## Noise: how loud is 5 dB?
#
# White noise is a random number for each sample. Its loudness matters only relative to the speech: the *signal-to-noise
# ratio* (SNR) is speech power over noise power, in decibels.

# %%
rng = np.random.default_rng(0)
hiss = rng.standard_normal(len(samples), dtype=np.float32)
gain = np.sqrt(np.mean(samples**2) / np.mean(hiss**2) / 10 ** (5 / 10))
noisy = samples + gain * hiss
np.testing.assert_allclose(noisy, effects.noise(samples, 5, np.random.default_rng(0)), atol=1e-6)

# %% jupyter={"source_hidden": true}
alt = (
    "spectrograms before and with white noise; below, the change: orange in the pauses and at the top, white in vowels"
)
caption = "Noise fills the pauses and the high frequencies. The loud vowels stay as they were."
figure = plots.save(plots.compare_spectrograms(samples, noisy, "with white noise", alt, caption), "03_noise")
instrument(samples, changed={"white noise, 5 dB": noisy}, label="the sentence", picture=figure, unfolded=True)

# %% [markdown]
# Change between *A* and *B* while it plays. The pauses go first, then the quiet sounds at the top: the S, and the burst of
# a K. The loud vowels stay as they were.
#
# White noise is rare outside electronics. Rain, fans and traffic are closer to *pink* noise, whose power falls with the
# frequency, so that each octave has the same. In a canteen the noise is *babble*: other people. Add four voices, each
# starting at a random point. You have heard the result above.

# %%
rng = np.random.default_rng(0)
by_hand = np.zeros(len(samples), np.float32)
for voice in voices:
    start = rng.integers(len(voice))
    by_hand += np.resize(np.roll(voice, -start), len(samples)) / np.sqrt(np.mean(voice**2))
np.testing.assert_allclose(by_hand, crowd)

# %%
pink = effects.noise(samples, 5, np.random.default_rng(0), "pink")
noises = {"white": noisy, "pink": pink, "babble": canteen}

# %% jupyter={"source_hidden": true}
high = log_mel(samples).max()
alt = "three spectrograms: white noise fills the top, pink noise the pauses, babble adds the stripes of other voices"
caption = "The same power in three places: at the top, in the pauses, and wherever speech is."
figure, axes = plots.new(3, 1, (7, 5.6), alt, caption, sharex=True)
for ax, (name, clip) in zip(axes, noises.items(), strict=True):
    plots.spectrogram(log_mel(clip), ax, name, unit="", vmin=high - 12, vmax=high)
    ax.set(xlabel="time (s)" if ax is axes[-1] else "", ylabel="frequency (Hz)" if ax is axes[1] else "")
instrument(samples, changed=noises, label="the sentence", picture=figure, unfolded=True)

# %% [markdown]
# Which one hides most? Take the places where the speech is at most 40 dB below its loudest, and count those where the
# noise is louder still.

# %%
speech = log_mel(samples)
audible = speech > speech.max() - 4 * np.log(10)
for name, clip in noises.items():
    hidden = log_mel(clip - samples) > speech
    low, high_up = (hidden[:, bins][audible[:, bins]].mean() for bins in (slice(0, 27), slice(55, 80)))
    print(f"{name:7} hides {low:4.0%} of the speech below 1000 Hz, and {high_up:4.0%} above 3000 Hz")

# %% [markdown]
# The same power, in three places. White noise covers most of the top, where the S and the bursts are. Pink noise hides
# the least: even the low vowels stay mostly visible. Babble hides more of the low range than either, and it hides it under
# the stripes of other vowels, which look like words because they are.
#
# ## How many words does it cost?
#
# One sentence is an anecdote. From here on we count the wrong words of a fixed set of sentences from all voices. An effect
# is a name and its settings, as `Augmenter` applies them.

# %%
fixed = corpus.utterances[:: 16 if PROFILE == "ci" else 3]
clips, texts = [read_audio(each.path) for each in fixed], [each.text for each in fixed]


def errors(plan):
    rngs = [np.random.default_rng((3, number)) for number in range(len(clips))]
    spoilt = [Augmenter().apply(clip, plan, rng) for clip, rng in zip(clips, rngs, strict=True)]
    return word_errors(texts, [recognizer.transcribe(clip) for clip in spoilt])


clean = errors([])
print(f"{len(clips)} sentences, {clean.lengths.sum()} words; as recorded, WER {clean.rate:.1%}")

# %%
for name, sound in {"white": "white", "pink": "pink", "babble": crowd}.items():
    found = errors([("noise", {"snr_db": 5, "sound": sound})])
    low, high_end = found.interval()
    print(f"{name:7} at 5 dB: WER {found.rate:.0%}, 95 % interval {low:.0%} to {high_end:.0%}")

# %% [markdown]
# Babble costs by far the most words. White noise and pink noise cannot be ranked: their intervals overlap.
#
# ## Reverb: how long is a room?
#
# Clap in a room, and the walls answer with thousands of echoes, ever later and ever quieter. A room's *RT60* is the time
# until they have fallen by 60 dB: about half a second between carpets and curtains, several seconds in a cathedral. So
# a simple room is noise that dies away:

# %%
rng = np.random.default_rng(0)
seconds = np.arange(round(1.2 * 0.8 * 16000)) / 16000
echoes = rng.standard_normal(len(seconds)) * 10 ** (-3 * seconds / 0.8)
echoes = (echoes / np.linalg.norm(echoes)).astype(np.float32)
np.testing.assert_allclose(echoes, effects.room_response(0.8, np.random.default_rng(0)), atol=1e-6)

# %% [markdown]
# Does it really fall by 60 dB in 0.8 s? Schroeder's method (1965): sum the energy that is still to come.

# %%
still_to_come = 10 * np.log10(np.cumsum(echoes[::-1] ** 2)[::-1])
print(f"after 0.8 s: {still_to_come[round(0.8 * 16000)]:.0f} dB")

# %% jupyter={"source_hidden": true}
alt = "above, noise that dies away within half a second; below, its remaining energy, a straight line through -60 dB at 0.8 s"
caption = "The room's answer to a clap. In decibels, echoes fall along a straight line."
figure, (above, below) = plots.new(2, 1, (7, 4.2), alt, caption, sharex=True)
plots.waveform(echoes, above)
below.plot(seconds, still_to_come, color=plots.BLUE)
below.plot([0.8], [-60], "o", color=plots.ORANGE)
below.annotate("RT60", (0.8, -60), (6, 6), textcoords="offset points", color=plots.ORANGE)
below.set(xlabel="time (s)", ylabel="energy left (dB)", ylim=(-80, 0))
above.set_xlabel("")
figure

# %% [markdown]
# Speech is a row of small claps, and the room answers each of them. The sum of all answers is a *convolution*.

# %%
wet = 0.6 * samples + 0.4 * np.convolve(samples, echoes)[: len(samples)]
helper = effects.reverb(samples, rt60=0.8, mix=0.4, rng=np.random.default_rng(0))
np.testing.assert_allclose(wet, helper, atol=1e-5)

# %% jupyter={"source_hidden": true}
alt = "spectrograms before and after reverberation; below, the change: orange to the right of each sound"
caption = "Each sound smears to the right, into the silence before the next P or K."
figure = plots.compare_spectrograms(samples, wet, "with reverb, RT60 0.8 s", alt, caption)
instrument(samples, changed={"reverb, 0.8 s": wet}, label="the sentence", picture=figure, unfolded=True)

# %% [markdown]
# ## Pace: faster, but not higher?
#
# The simple way to slow a clip down is to play it more slowly, like a record at the wrong speed:

# %%
places = np.arange(0, len(samples), 0.75)
slow_record = np.interp(places, np.arange(len(samples)), samples).astype(np.float32)
player(slow_record, "0.75 times as fast, like a record")

# %% [markdown]
# Slower and lower: another speaker, who yawns. New speakers are what a small corpus lacks, so this is useful too. It is
# called *speed perturbation* (Ko and others, 2015); `effects.speed` uses a proper resampler. To change the pace alone, the
# [phase vocoder](https://doi.org/10.1002/j.1538-7305.1966.tb01706.x) spreads the columns of the spectrogram and corrects
# their phases.

# %%
slower = effects.time_stretch(samples, 0.75)

# %% jupyter={"source_hidden": true}
paces = {"like a record": slow_record, "phase vocoder": slower}
alt = "three spectrograms: as recorded; like a record, with lower stripes; by the phase vocoder, with stripes as before"
figure, axes = plots.new(3, 1, (7, 5.6), alt, "The record lowers the stripes; the phase vocoder does not.", sharex=True)
for ax, (name, clip) in zip(axes, {"as recorded": samples, **paces}.items(), strict=True):
    plots.spectrogram(log_mel(clip), ax, name, unit="", vmin=high - 12, vmax=high)
    ax.set(xlabel="time (s)" if ax is axes[-1] else "", ylabel="frequency (Hz)" if ax is axes[1] else "")
axes[0].set_xlim(0, len(slower) / 16000)
instrument(samples, changed=paces, label="the sentence", picture=figure)

# %% [markdown]
# The stripes are the voice's harmonics. On the record they lie lower and closer together; the phase vocoder leaves them
# where they were. How high is the voice?


# %%
def pitch(clip):
    window = clip[len(clip) // 10 :][:1600]
    fit = np.correlate(window, window, "full")[1599:]
    return 16000 / (80 + fit[80:300].argmax())


record = effects.speed(samples, 0.75)
for name, clip in {"original": samples, "like a record": record, "phase vocoder": slower}.items():
    print(f"{name:14} {len(clip) / 16000:.2f} s, {pitch(clip):.0f} Hz")

# %% [markdown]
# How fast may a sentence become? The network gives one answer every four frames (40 ms), and its loss,
# [CTC](05_crnn_and_ctc.ipynb), needs at least one answer for each letter.

# %%
needed = min_frames(encode(utterance.text))
for rate in (0.9, 1.1, 1.5, 2.0):
    answers = num_frames(len(effects.time_stretch(samples, rate))) // 4
    print(f"rate {rate}: {answers} answers for {needed} letters", "" if answers >= needed else "<- impossible")

# %% [markdown]
# The pipeline of notebook 04 checks lengths *after* augmentation and drops such clips.
#
# ## Holes, gaps and swapped pieces
#
# A cheap microphone, a phone line, a hand in front of the mouth: some frequencies never arrive. A band-stop filter removes
# a band. A bad line loses packets, or delivers them in the wrong order. Here every two neighbouring pieces of 20 ms change
# places:

# %%
pairs = samples[: len(samples) // 640 * 640].reshape(-1, 2, 320)
swapped = pairs[:, ::-1].reshape(-1)
helper = effects.segment_shuffle(samples, 0.02, np.random.default_rng(0), share=1)
np.testing.assert_array_equal(swapped, helper[: len(swapped)])

# %% [markdown]
# Here are seven effects. Choose one, and change between *A* and *B*: below the spectrogram stand the letters that the
# network hears, and the words. A wavy line marks a word that the recogniser doubts.

# %%
changed = {
    "noise, 5 dB": noisy,
    "reverb, 0.8 s": wet,
    "speed, 0.75": record,
    "time stretch, 0.75": slower,
    "without 1000 to 3000 Hz": effects.frequency_mask(samples, center=2000, width=2000),
    "pieces of 20 ms swapped": swapped,
    "six gaps of 80 ms": effects.gaps(samples, count=6, seconds=0.08, rng=np.random.default_rng(0)),
}

# %% jupyter={"source_hidden": true}
alt = "eight spectrograms of one sentence: as recorded, and after each of the seven effects"
caption = "Seven ways to spoil a sentence. What they leave is all that the recogniser has."
figure, axes = plots.new(4, 2, (7, 7.6), alt, caption, sharey=True)
for ax, (name, clip) in zip(axes.flat, {"as recorded": samples, **changed}.items(), strict=True):
    plots.spectrogram(log_mel(clip), ax, name, unit="", vmin=high - 12, vmax=high)
    ax.set(xlabel="", ylabel="")
figure.supxlabel("time (s)", fontsize=11)
figure.supylabel("frequency (Hz)", fontsize=11)
figure = plots.save(figure, "03_effects")
instrument(samples, recognizer, changed, label="the sentence", picture=figure)

# %%
word_diff(utterance.text, {name: recognizer.transcribe(clip) for name, clip in changed.items()})

# %% [markdown]
# A gap is turned down by 60 dB, not to zero. No recording has exact zeros, so they would tell the network that something
# was cut. And if the sum of speech and noise exceeds full scale, `effects.limit` turns the whole clip down: 16-bit numbers
# that are too large wrap around to the other side, with a crack.
#
# ## Break it: pieces as long as words
#
# Take pieces of 0.4 s instead of 0.02 s:

# %%
long_pieces = effects.segment_shuffle(samples, 0.4, np.random.default_rng(0), share=1)
figure = plots.spectrogram(log_mel(long_pieces), title="pieces of 0.4 s swapped")
display(instrument(samples, recognizer, {"pieces of 0.4 s swapped": long_pieces}, label="the sentence", picture=figure))
word_diff(utterance.text, recognizer.transcribe(long_pieces))

# %% [markdown]
# *Diagnosis.* Now the words come in another order, and the transcript does not know. The network would learn to spell what
# was not said. An effect is allowed only as long as a careful listener would still write down the same text. So `Augmenter`
# swaps pieces of 10 to 30 ms, a tenth of them, in one clip in fifty.
#
# ## The bench
#
# Try all of them here, with the recogniser next to it. Choose an effect, move its sliders with the mouse or the arrow keys,
# and press *Roll again* for another draw. *Chain* draws from all effects, as training does. Which setting makes *soup*
# unintelligible first: to the model, and to you? (`AugmentationBench(…, model="path")` takes a model that you have trained.)

# %%
people = load_corpus(data_dir() / "real").utterances
AugmentationBench([utterance, *{each.speaker: each for each in corpus.utterances + people}.values()])

# %% [markdown]
# <details><summary>No kernel running? This is what it looks like.</summary>
#
# ![buttons for the effects, a slider, a spectrogram with letters and words, the texts heard before and after](../figures/augmentation_bench.png)
#
# </details>
#
# ## How much is too much?
#
# Now raise one knob at a time, and count the wrong words of the fixed set at each setting:


# %%
def turn(effect, knob, settings, **fixed_settings):
    settings = settings[::3] if PROFILE == "ci" else settings
    return {value: errors([(effect, {knob: value, **fixed_settings})]) for value in settings}


curves = {
    "noise": turn("noise", "snr_db", [30, 20, 15, 10, 5, 0, -5]),
    "reverb": turn("reverb", "rt60", [0.1, 0.3, 0.5, 0.8, 1.2, 2.0], mix=0.4),
    "time stretch": turn("time_stretch", "rate", [0.5, 0.7, 0.9, 1.1, 1.3, 1.6, 2.0]),
    "frequency mask": turn("frequency_mask", "width", [100, 500, 1000, 1500, 2000, 2500], center=1500),
}

# %% jupyter={"source_hidden": true}
knobs = {"noise": "snr_db", "reverb": "rt60", "time stretch": "rate", "frequency mask": "width"}
labels = ["SNR (dB), noisier to the right", "RT60 (s)", "rate", "width around 1500 Hz (Hz)"]
caption = "Errors rise when a knob is turned beyond what training draws (green). Shaded blue: 95 % interval."
figure, axes = plots.new(2, 2, (7, 5.8), caption=caption, sharey=True)
for ax, (name, rates), label in zip(axes.flat, curves.items(), labels, strict=True):
    low, high_end = zip(*(100 * np.array(each.interval()) for each in rates.values()), strict=True)
    ax.axvspan(*Augmenter().ranges(name.replace(" ", "_"))[knobs[name]], color=plots.GREEN, alpha=0.2, linewidth=0)
    ax.fill_between(list(rates), low, high_end, alpha=0.2, linewidth=0)
    ax.plot(list(rates), [100 * each.rate for each in rates.values()], "o-")
    ax.axhline(100 * clean.rate, color="#555555", linestyle=":")
    ax.set(title=name, xlabel=label, ylim=(0, 105))
axes[0, 0].invert_xaxis()
figure.supylabel("word error rate (%)", fontsize=11)
handles = [axes[0, 0].patches[0], axes[0, 0].lines[0], axes[0, 0].lines[1]]
figure.legend(handles, ["drawn in training", "word error rate", "as recorded"], loc="outside upper center", ncols=3)
figure.alt = "four curves of the word error rate; " + "; ".join(
    f"{name}: at most {max(each.rate for each in rates.values()):.0%}" for name, rates in curves.items()
)
plots.save(figure, "03_wer_against_effects")

# %% [markdown]
# How many more words are wrong at the hardest setting that training draws, compared with the recordings as they are?

# %%
hardest = {
    "noise": {"snr_db": 10},
    "reverb": {"rt60": 0.5, "mix": 0.4},
    "time_stretch": {"rate": 1.1},
    "frequency_mask": {"center": 1500, "width": 500},
}
for name, settings in hardest.items():
    change, (low, high_end) = paired_difference(clean, errors([(name, settings)]))
    print(f"{name:15} {100 * change:+5.1f} points, 95 % interval {100 * low:+.1f} to {100 * high_end:+.1f}")

# %% [markdown]
# Noise, rooms and a faster pace cost words, so training practises what is hard. For the hole in the spectrum, the interval
# contains 0: the hardest mask that training draws is no harder than the recording itself. That does not prove that it is
# useless. This network was trained on the green ranges, so it may simply have learned to cope. To find out, train once with
# the effect and once without. Settings far beyond the green would ask for the text of sentences that nobody could
# transcribe.
#
# ## Who decides?
#
# `Augmenter` has a probability for each effect, and a range for each of its settings. It first draws a plan, then applies
# it in the order in which sound travels: speaker, room, noise, microphone, line. What would it do to our clip in the first
# epochs?

# %%
augmenter = Augmenter()
for epoch in range(6):
    plan = augmenter.draw(np.random.default_rng((35, epoch, 0)))
    print(f"epoch {epoch}: {describe(plan)}")

# %% [markdown]
# The three numbers are the seed of the run, the epoch and the clip's index. Nothing else decides, so a run that is killed
# and resumed in epoch 3 draws what it would have drawn:

# %%
once = augmenter(samples, np.random.default_rng((35, 3, 0)))
again = augmenter(samples, np.random.default_rng((35, 3, 0)))
print("the same bytes:", once.tobytes() == again.tobytes())

# %% [markdown]
# ## Break it: a seed without the epoch
#
# Leave the epoch out of the seed, and the run can still be repeated. What is lost?

# %%
for epoch in range(3):
    print(f"epoch {epoch}: {describe(augmenter.draw(np.random.default_rng((35, 2))))}")

# %% [markdown]
# *Diagnosis.* Every epoch hears the same spoilt clip: not more recordings, only worse ones. Nothing fails. You notice it
# only if you compare two epochs of one clip.
#
# ## SpecAugment: cover parts of the picture
#
# Park and others (2019) skip the sound and cover parts of the features: bands of frequency, and stretches of time. The
# model must guess from what is left, as you do on a bad line. By hand:

# %%
picture = features(samples)
covered = picture.copy()
covered[90:110] = 1e-3  # 0.2 s
covered[:, 30:42] = 1e-3  # 12 of 80 mel bins

# %% [markdown]
# The features have mean 0, so 0 would be the natural value for "nothing special here". Why 0.001, then? You will see below.
# `SpecAugment` does the same in TensorFlow, with places and widths drawn from a seed of two numbers:

# %%
spec_augment = SpecAugment()
draws = [spec_augment(picture, (1, draw)).numpy() for draw in range(2)]

# %% jupyter={"source_hidden": true}
alt = "three spectrograms with bands of time and frequency covered: one by hand, two drawn by SpecAugment"
caption = "Masks (light blue) cover bands of time and of frequency; each draw covers others."
figure, axes = plots.new(3, 1, (7, 5.6), alt, caption, sharex=True)
for ax, image, name in zip(axes, [covered, *draws], ["by hand", "seed (1, 0)", "seed (1, 1)"], strict=True):
    ax.set_facecolor(plots.SKY)
    plots.spectrogram(np.ma.masked_equal(image, np.float32(1e-3)), ax, name, unit="", vmin=-2, vmax=4)
    ax.set(xlabel="time (s)" if ax is axes[-1] else "", ylabel="frequency (Hz)" if ax is axes[1] else "")
plots.save(figure, "03_specaugment")


# %%
def share_covered(draw):
    return np.mean(np.all(spec_augment(picture, (2, draw)).numpy() == np.float32(1e-3), axis=1))


shares = [share_covered(draw) for draw in range(200)]
print(f"time covered: {np.mean(shares):.0%} on average, {np.max(shares):.0%} at most in 200 draws")

# %% [markdown]
# Two time masks together cover at most a fifth of an utterance, however short: half of *IT'S TEN* would be another
# sentence.
#
# ## Break it: zeros that mean something else
#
# Back to the 0.001. Batches are padded with zeros, and the model takes a frame of exact zeros for padding. Cover with exact
# zeros, and count the frames that the model would see:

# %%
zeroed = picture.copy()
zeroed[90:110] = 0
for name, each in {"as it was": picture, "covered with 0.001": covered, "covered with 0": zeroed}.items():
    print(f"{name:19} {np.any(each != 0, axis=1).sum()} frames")

# %% [markdown]
# *Diagnosis.* Twenty frames vanish from the middle of the sentence, and the rest counts as one shorter clip. Nothing fails.
# A value that means "no data" must never be a value that data can take.
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
# A telephone passes 300 to 3400 Hz. Write that effect: a function of `samples` that returns them filtered
# (`scipy.signal.butter` with `btype="bandpass"` and `fs=16000`, then `sosfiltfilt`), as float32. Listen to the sentence.
# Which of its sounds loses most? `answer` is the function; the check calls it with two clips.

# %% tags=["solution"]
from scipy.signal import butter, sosfiltfilt


def answer(samples):
    sections = butter(4, [300, 3400], btype="bandpass", fs=16000, output="sos")
    return sosfiltfilt(sections, samples).astype(np.float32)


player(answer(samples), "Telephone")  # the S of SOUP loses most: nearly all of it is above 3400 Hz

# %% tags=["check"]
check("03.1", answer)

# %% [markdown] tags=["exercise"]
# ### Exercise 03.2 · Your own time mask
#
# *medium · 10 minutes*
#
# Write SpecAugment's time mask in NumPy: a function of features (frames × 80) and a random generator. It returns a copy in
# which one stretch, as long as the generator says, but at most a fifth of the frames, is covered with 0.001. `answer` is
# the function; the check calls it many times.


# %% tags=["solution"]
def answer(picture, rng):
    covered = picture.copy()
    width = rng.integers(1, len(picture) // 5 + 1)
    start = rng.integers(0, len(picture) - width + 1)
    covered[start : start + width] = 1e-3
    return covered


# %% tags=["check"]
check("03.2", answer)

# %% [markdown] tags=["exercise"]
# ### Exercise 03.3 · Left alone
#
# *medium · 8 minutes*
#
# How often does training hear a clip as it was recorded? Write a function of an `Augmenter` that computes it from the
# probabilities, as a fraction. `augment.EFFECTS` has the names of the effects, and `getattr(augmenter,
# "noise_probability")` is one of the probabilities. Then count over 2000 draws whether it is true. `answer` is the function.


# %% tags=["solution"]
def answer(augmenter):
    chances = [getattr(augmenter, f"{name}_probability") for name in augment.EFFECTS]
    return np.prod(1 - np.array(chances))


untouched = [not augmenter.draw(np.random.default_rng(seed)) for seed in range(2000)]
print(f"computed {answer(augmenter):.1%}, counted {np.mean(untouched):.1%}")

# %% tags=["check"]
check("03.3", answer)

# %% [markdown]
# ### Open task · An effect for a place you know
#
# *20 minutes, alone or in pairs*
#
# Choose a place where people would use a recogniser: a car, a swimming pool, a helmet. Build its sound from the effects
# above, or record its noise (`effects.noise(…, sound=your_recording)`). A good answer has three parts:
#
# | | |
# |---|---|
# | **a description** | which effects, in which order, with which ranges, and why the text stays the same |
# | **a measurement** | the word error rate of the fixed set at three strengths, each with its interval, and a plot |
# | **a decision** | the range that you would train with, and how you would find out whether it helped |

# %% [markdown] tags=["quiz"]
# ## Quiz
#
# **1. The signal-to-noise ratio is 0 dB. What does that mean?**
#
# - [ ] there is no noise | Then the ratio would be infinite.
# - [x] the noise has as much power as the speech | The logarithm of 1 is 0.
# - [ ] the speech can no longer be understood | People understand much of it, and so does a recogniser that was trained for it.
#
# **2. A hall has a longer RT60 than a bedroom. What is longer?**
#
# - [x] the time until its echoes have fallen by 60 dB | Stone walls reflect sound; curtains absorb it.
# - [ ] the way from the speaker to the microphone | It matters too, but that is the mix of echoes and direct sound.
# - [ ] the time before the first echo | It depends on the distance of the nearest wall, not on how fast the echoes decay.
#
# **3. Which change may training not make?**
#
# - [ ] the clip becomes 10 % faster | A listener writes down the same text.
# - [ ] other people talk in the background | That is hard, but a listener still follows the loud voice.
# - [x] two words change places | The transcript would be wrong, and the network would learn to write what was not said.
#
# **4. The effects of a clip are drawn from (seed, epoch, clip). What is gained?**
#
# - [x] every epoch is different, and a resumed run draws the same again | Both at once: variety and repeatability.
# - [ ] every epoch hears the same effects | That is what leaving the epoch out would do.
# - [ ] clips of the same speaker get the same effects | Each clip has its own index, so it has its own draw.
#
# **5. Why does SpecAugment cover with 0.001 and not with 0?**
#
# - [ ] because there is no logarithm of 0 | The features *are* logarithms; no other is taken.
# - [x] because a frame of exact zeros means padding | A value that means "no data" must never be one that data can take.
# - [ ] because 0.001 is the mean of the features | The mean is 0.

# %% [markdown]
# ## Recap
#
# - Augmentation changes the sound and keeps the text: if a listener would write something else, it is too much.
# - Noise is measured against the speech (SNR in dB), a room by its RT60, a pace by its rate.
# - Measure what a recogniser tolerates one knob at a time, on a fixed set, with an interval.
# - Seeded by (run, epoch, clip), every draw is new in each epoch and the same when the run is repeated.
# - SpecAugment covers the features themselves, with a value that cannot be taken for padding.
#
# ## Further reading
#
# - [Park and others (2019), SpecAugment](https://arxiv.org/abs/1904.08779): two kinds of masks, and how much they helped.
# - [Ko and others (2015), speed perturbation](https://www.danielpovey.com/files/2015_interspeech_augmentation.pdf): the simplest effect, and one of the best.
# - [Ko and others (2017), reverberant speech](https://www.danielpovey.com/files/2017_icassp_reverberation.pdf): rooms and noise, synthetic and measured.
# - [Schroeder (1965), measuring reverberation time](https://doi.org/10.1121/1.1909343): the backward sum of the energy.
# - [audiomentations](https://github.com/iver56/audiomentations): many more effects, ready to use.
#
# Next: [04 · Input pipeline](04_input_pipeline.ipynb), which does all this while the model is training.
