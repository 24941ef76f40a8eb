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
# # 12 · Your voice
#
# Meet a speaker that the recogniser does not understand. After a few minutes of training it makes half as many errors
# with that voice, and hardly more with everybody else. Then read to a prompter, and do the same for yourself.

# %% jupyter={"source_hidden": true}
import numpy as np
from IPython.display import HTML, display

from asr_helpers.own_data import speak
from asr_helpers.recognizer import Recognizer, shipped_model
from asr_helpers.show import word_diff
from asr_helpers.show.widgets import player_html
from asr_helpers.words import default_decoder

recognizer, with_words = Recognizer.load(shipped_model()), default_decoder()
paces = np.random.default_rng(12)


def stranger(text):
    """Return `text` as the stranger reads it, each time a little faster or slower, higher or lower."""
    speed, pitch = int(paces.integers(150, 191)), int(paces.integers(40, 61))
    return np.pad(speak(text.lower(), "en-029", "Reed", speed, pitch), 3200)


def said_and_heard(samples, text, hearers):
    """Return a player of `samples`, and below it what each of `hearers` writes with its language model."""
    heard = {name: with_words(hearer.audio_log_probs(samples)) for name, hearer in hearers.items()}
    return player_html(samples, "the stranger") + word_diff(text, heard).data


text = "JUMP IN HAZEL THE GOLDEN DOLPHIN WON'T WAIT"
HTML(said_and_heard(stranger(text), text, {"heard": recognizer}))

# %% [markdown] tags=["about"]
# | | |
# |---|---|
# | **Objectives** | tell whether a text was said · record a corpus of your own · adapt a trained network to a voice · keep what it knew, by interpolating weights · say with an interval what that gained, and what it cost others |
# | **Needs** | notebooks 06 and 07; the extra `language`, which `make lab` installs, for the stranger's voice; a microphone, if you like; no network, no GPU |
# | **Minutes** | ci: 1 · fast, workshop, full: 4 |

# %% [markdown]
# The next cell holds the imports and the set-up.

# %% jupyter={"source_hidden": true}
import os
import shutil
from dataclasses import replace

import keras

from asr_helpers.batches import load_speech
from asr_helpers.corpus import data_dir, load_corpus
from asr_helpers.own_data import VoiceCorpus
from asr_helpers.show import plots
from asr_helpers.show.plots import live_curves
from asr_helpers.show.widgets import PrompterBench
from asr_helpers.sound import read_audio
from asr_helpers.teaching import check
from asr_helpers.text import encode
from asr_helpers.training import PROFILES, train
from asr_helpers.words import MISSING_THRESHOLD, missing_words, paired_difference, word_errors

PROFILE = os.environ.get("ASR_PROFILE", "fast")
CI = PROFILE == "ci"
MINI, RUNS = data_dir() / "mini", data_dir().parent / "runs"
plots.style()
print("profile", PROFILE)

# %% [markdown]
# ## How far away is a stranger?
#
# The stranger above is a machine, because recording a person takes that person's consent. It is eSpeak NG's Caribbean
# English, in the voice *Reed*. The training speech holds five other voices of eSpeak, but neither this voice nor this
# accent. A machine repeats itself more exactly than you do, so expect a smaller gain for your own voice.
#
# We compare it with the twelve voices of the test set. The network was trained on eleven of them, in other sentences.

# %%
test = load_corpus(MINI / "test-mini").utterances
outputs = {clip.id: recognizer.audio_log_probs(read_audio(clip.path)) for clip in test}
voices = {}
for clip in test:
    voices.setdefault(clip.speaker, []).append((clip.text, recognizer.greedy(outputs[clip.id])))

unheard = [clip for clip in test if clip.speaker == "9007"]
known = [clip for clip in test if clip.speaker != "9007"]
voices["stranger"] = [(c.text, recognizer.greedy(recognizer.audio_log_probs(stranger(c.text)))) for c in unheard]
rates = {voice: word_errors(*map(list, zip(*pairs, strict=True))) for voice, pairs in voices.items()}

# %% jupyter={"source_hidden": true}
lines = (data_dir() / "mini" / "SPEAKERS.TXT").read_text().splitlines()
names = {line.split("|")[0].strip(): line.split("|")[-1].strip() for line in lines}
alt = "word error rates by ear: the trained voices are below ten per cent, the stranger far above all of them"
figure, ax = plots.new(size=(7, 4), alt=alt, caption="No voice of the test set is nearly as far away as the stranger.")
for row, (voice, rate) in enumerate(rates.items()):
    colour = {"9007": plots.SKY, "stranger": plots.ORANGE}.get(voice, plots.BLUE)
    low, high = rate.interval() if rate.errors.any() else (0, 3 / rate.lengths.sum())
    ax.plot([100 * low, 100 * high], [row, row], color=colour, linewidth=2)
    ax.plot(100 * rate.rate, row, "o", color=colour)
ax.set_yticks(range(len(rates)), [f"{names[v]}" if v in names else "the stranger" for v in rates])
place = 100 * rates["9007"].interval()[1] + 2, list(rates).index("9007")
ax.text(*place, "not in the training either", va="center", color=plots.SKY)
ax.invert_yaxis()
ax.set(xlabel="word error rate by ear, % (lines: 95 % intervals)", xlim=(0, None))
ax.set_ylabel("synthesiser and voice")
plots.save(figure, "12_voices")

# %% [markdown]
# *By ear* means without a language model, as the network alone spells. Where a voice has no error at all, its line ends at
# the *rule of three*: with no error in N words, the true rate is below 3/N, with 95 % confidence.
#
# ## Was it said?
#
# We adapt a model to recordings and their texts. Where the reader slipped, the text is wrong, and the model learns the
# mistake. Nobody wants to check every recording by ear. *Forced alignment* (notebook 07) looks like a way out. Here is a
# recording, aligned with its own text, and then with one word too many:

# %%
from asr_helpers.words import align

clip = unheard[2]
log_probs = outputs[clip.id]
words = clip.text.split()
longer = [*words[:2], "SEVEN", *words[2:]]
for text in (clip.text, " ".join(longer)):
    print(*(f"{word.text.lower()} {word.confidence:.2f}" for word in align(log_probs, text)), sep="   ")

# %% [markdown]
# The alignment finds a place even for *seven*, because it is forced to. And the confidence of other words falls as well:
# the extra word takes their frames. Which one was not said?
#
# A better question is *what else would fit?* Replace one word by a wildcard: a class that is as probable, in every frame, as
# the most probable label there. If the sentence then fits a little better, the word was said. If it fits much better, the
# word was in the way.

# %%
from asr_helpers.words import pronunciation_scores, viterbi

wild = np.hstack([log_probs.max(axis=1, keepdims=True), log_probs])  # class 0 is the wildcard


def fit(labels):
    """Return the log-probability of the best path that spells `labels`."""
    path = viterbi(wild, labels)
    states = np.full(2 * len(labels) + 1, wild.shape[1] - 1)  # blanks, and between them the labels
    states[1::2] = labels
    return wild[np.arange(len(path)), states[path]].sum()


# %%
labels = encode(" ".join(longer)) + 1  # the wildcard has moved every class by one
begin, doubted = 0, []
for word in longer:
    end = begin + len(word)
    without = np.concatenate([labels[:begin], [0], labels[end:]])
    doubted.append((fit(without) - fit(labels)) / (len(word) + 1))
    begin = end + 1
assert np.allclose(doubted, pronunciation_scores(log_probs, " ".join(longer)))

# %% [markdown]
# The doubt is a difference of log-probabilities, in nats, divided by the number of characters. It is a relative of the
# *goodness of pronunciation* (Witt and Young), which language tutors compute for each phone. The helper
# `pronunciation_scores` gives the same numbers. How does the doubt change if we drop the most doubtful word?

# %% jupyter={"source_hidden": true}
worst = int(np.argmax(doubted))
left = [*longer[:worst], *longer[worst + 1 :]]
again = np.insert(pronunciation_scores(log_probs, " ".join(left)), worst, np.nan)
alt = "doubt for each word: far above the limit for the word too many; without that word, close to zero for all others"
caption = "One word too many makes its neighbours doubtful. Without it, every word fits."
figure, ax = plots.new(size=(7, 3), alt=alt, caption=caption)
places = np.arange(len(longer))
bars = ax.bar(places - 0.2, doubted, 0.38, color=plots.ORANGE, label="with all words")
ax.bar_label(bars, ["" if value < 0.05 else f"{value:.1f}" for value in doubted], padding=2)
bars = ax.bar(places + 0.2, np.nan_to_num(again), 0.38, color=plots.BLUE, label=f"without {longer[worst].lower()!r}")
ax.bar_label(bars, ["" if np.isnan(value) else f"{value:.1f}" for value in again], padding=2)
ax.axhline(MISSING_THRESHOLD, color=plots.GREY, linestyle=":")
ax.text(len(longer) - 0.5, MISSING_THRESHOLD, "limit", ha="right", va="bottom", color=plots.GREY)
ax.set(ylabel="doubt (nats a character)")
ax.set_xticks(places, [word.lower() for word in longer])
ax.legend(loc="upper right")
plots.save(figure, "12_doubt")

# %% [markdown]
# A word that does not fit drags its neighbours along. So `missing_words` takes only the most doubtful word out of the text,
# asks again, and stops when no doubt is above the limit.

# %%
print("not heard:", *missing_words(log_probs, " ".join(longer)))

# %% [markdown]
# ## How often is that right?
#
# We give the prompter wrong texts on purpose. For each recording there are four: the right one, one with an extra word
# (*missing* in the sound), one with a word *replaced*, and *another* sentence. People are harder than synthesisers, so the
# forty sentences of real readers take part, too.

# %%
people = load_corpus(data_dir() / "real").utterances
for each in people:
    outputs[each.id] = recognizer.audio_log_probs(read_audio(each.path))
rng = np.random.default_rng(0)


def four_texts(clip, among):
    """Return the right text of `clip` and three wrong ones, with words and sentences from the clips `among`."""
    said, other = clip.text.split(), among[rng.integers(len(among))].text
    word = rng.choice([word for each in among for word in each.text.split() if word not in said])
    place = rng.integers(len(said))
    missing, replaced = ([*said[:place], word, *said[place + skip :]] for skip in (0, 1))
    return {"right": clip.text, "missing": " ".join(missing), "replaced": " ".join(replaced), "another": other}


# %%
few = 6 if CI else 1
groups = {"trained voices": known[::few], "9007, unheard": unheard[::few], "people": people[::few]}
sent_back = {}
for name, clips in groups.items():
    for clip in clips:
        among = [each for each in clips if each.text != clip.text]
        for kind, text in four_texts(clip, among).items():
            missed = missing_words(outputs[clip.id], text)
            sent_back.setdefault((name, kind), []).append(bool(missed))

# %% jupyter={"source_hidden": true}
kinds = "right", "missing", "replaced", "another"
print(f"{'sent back':18}", *(f"{kind:>9}" for kind in kinds))
for name in groups:
    print(f"{name:18}", *(f"{np.mean(sent_back[name, kind]):9.0%}" for kind in kinds))

# %% [markdown]
# The first column is the price, and the other three are what it buys. Few wrong texts get through. Right readings of people
# are sent back more often, because the model understands people less well. Reading a sentence again costs ten seconds; a
# wrong text in the corpus costs more. And you have the last word: the prompter below has a button *keep it anyway*.
#
# The limit was chosen on other recordings than these. On the clips that it was tuned on, a threshold always looks better
# than it is.
#
# ## Read
#
# There are seventy-two sentences: seventy of the corpus, and two that only you can say. Add your own.

# %%
prompts = [clip.text for clip in unheard]
prompts += ["This is my own voice", "And nobody else sounds quite like me"]
prompts += [clip.text for clip in load_corpus(MINI / "dev-mini")][:42]
print(f"{len(prompts)} sentences, such as:", *prompts[:3], sep="\n")

# %% [markdown]
# Press *record*, read the sentence aloud, press *stop*. If every word was heard, the recording is kept and the next sentence
# comes. If not, read it again, or keep it anyway: the corpus then notes which words were not heard. You can stop at any
# time, because finished sentences are not asked for again.

# %%
own = VoiceCorpus(RUNS / "voice", prompts)
PrompterBench(own)

# %% [markdown]
# No kernel running? It looks like this:
#
# ![a sentence to read, a record button, a player, the verdict, and buttons to skip a sentence and to delete all](../figures/prompter.png)
#
# **Your recordings are yours.** They stay in the folder that the page names, on the machine where the kernel runs. Git
# ignores that folder, and nothing here sends them anywhere. The button deletes them, after it has asked. A model that was
# adapted to you still knows your voice, so delete those as well: everything in `runs` that begins with `12-`.
#
# ## Until you have read: the stranger
#
# The stranger reads the same sentences. Every second one goes to the half that we *learn* from; the other half is *held
# out* for the final test. We set ten sentences of the first half aside, too, because there will be one number to choose.

# %%
stand_in = VoiceCorpus(RUNS / "12-stranger", prompts)
stand_in.delete()
for sentence in stand_in.sentences[:: 6 if CI else 1]:
    stand_in.keep(sentence, stranger(sentence))
voice = stand_in  # once you have read thirty sentences or more: voice = own

# %%
first_half, held_out = (load_speech(half) for half in voice.halves)
aside = 2 if CI else 10
chooser = first_half.utterances[:aside]
learn = first_half.utterances[aside:]
print(f"{len(learn)} to learn from, {len(chooser)} to choose with, {len(held_out.utterances)} held out")

# %% [markdown]
# ## Learn the new beside the old
#
# To go on training a network on other speech is called *fine-tuning*. Three things differ from training from scratch
# (notebook 06):
#
# - It begins with the shipped weights, not with random ones.
# - The steps are smaller: large ones would destroy what the network knows before it learned anything better.
# - The new voice is a minute long. Alone, the network would learn it by heart. So it hears the old voices in between, which
#   is called *rehearsal*.

# %%
times, every = (1, 60) if CI else (5, 8)
speech = load_speech(MINI / "train-mini")
speech.utterances = times * learn + speech.utterances[::every]
valid = load_speech(MINI / "dev-mini")
valid.utterances += chooser
print(speech.summary(), valid.summary(), sep="\n")

# %%
profile = replace(PROFILES["workshop"], averaged_epochs=1)  # the size of the shipped network
profile = replace(profile, epochs=1 if CI else 3, batch_seconds=25, learning_rate=2e-4)
start, run = data_dir() / "models" / "crnn.keras", RUNS / "12-adapted"
shutil.rmtree(run, ignore_errors=True)
history = train(speech, valid, run, profile, start=start, sentences=0, callbacks=[live_curves(run)])

# %% [markdown]
# The kept weights are those with the fewest errors on `dev-mini`, the old voices, and on the ten sentences aside. The
# held-out half decides nothing, or it could not judge.
#
# ## What was gained, and what was forgotten?
#
# Three groups tell. The trained voices were rehearsed; the people of `data/real` were not.

# %%
groups = {"stranger": held_out.utterances, "trained voices": known[::few], "people": people[::few], "aside": chooser}


def listen(hearer):
    """Return the log-probabilities of every clip of every group."""
    return {name: [hearer.audio_log_probs(read_audio(clip.path)) for clip in clips] for name, clips in groups.items()}


def errors(heard, name, spell=recognizer.greedy):
    """Return the word errors of a group: by ear, or with another decoder."""
    return word_errors([clip.text for clip in groups[name]], [spell(each) for each in heard[name]])


# %%
def show_changes(before, after, spell=recognizer.greedy):
    for name in ("stranger", "trained voices", "people"):
        old, new = errors(before, name, spell), errors(after, name, spell)
        change, (low, high) = (100 * np.array(each) for each in paired_difference(old, new))
        points = (
            f"change {change:+.1f} points ({low:+.1f} to {high:+.1f})" if any(old.errors != new.errors) else "no change"
        )
        print(f"{name:15} WER {old.rate:5.1%} → {new.summary()}; {points}")


shipped, adapted = (listen(Recognizer.load(path)) for path in (start, run / "best.keras"))
show_changes(shipped, adapted)

# %% [markdown]
# The intervals are a *paired bootstrap*: both networks are scored on the same drawn sentences, so the difficulty of a
# sentence cancels out (notebook 07). An interval without 0 shows a real change. It draws sentences, not speakers: it says
# how well *this* stranger is understood.
#
# The stranger is understood far better now, and people are understood worse than before. A network forgets what it no
# longer hears, a little with every step.
#
# ## Keep both: interpolate
#
# There is a remedy that takes one line. Wortsman and others (2022) *interpolate* the weights themselves: each weight goes
# the fraction α of the way from its shipped value to its adapted one. They call it WiSE-FT.

# %%
network = keras.saving.load_model(start, compile=False)
old = network.get_weights()


def between(alpha, path):
    """Return the recogniser whose weights lie the fraction `alpha` of the way from the shipped ones to those in `path`."""
    new = keras.saving.load_model(path, compile=False).get_weights()
    network.set_weights([(1 - alpha) * a + alpha * b for a, b in zip(old, new, strict=True)])
    network.save(RUNS / "12-between.keras")
    return Recognizer.load(RUNS / "12-between.keras")


# %% [markdown]
# Nothing guarantees that a network half way between two good ones is good. Between two networks that were trained from
# different random weights, it is usually useless (Frankle and others, 2020). But here one began where the other ended.
#
# Which α? The ten sentences aside decide: we take the smallest α that keeps a third of the gain on them. The smaller α is,
# the less changes for everybody else, and people should hardly pay for the stranger. Then we draw the whole curve, and see
# whether that was a good choice.

# %%
middle = (0.5,) if CI else (0.25, 0.5, 0.75)
curve = {0: shipped} | {alpha: listen(between(alpha, run / "best.keras")) for alpha in middle} | {1: adapted}
aside = {alpha: errors(heard, "aside").rate for alpha, heard in curve.items()}
enough = aside[0] - (aside[0] - aside[1]) / 3
best = min(alpha for alpha, rate in aside.items() if rate <= enough)
print("errors aside:", *(f"{rate:.0%} at {alpha}" for alpha, rate in aside.items()), "→ α =", best)

# %% jupyter={"source_hidden": true}
alt = "errors of the stranger against those of people, for each α: the curve sags below the straight line between its ends"
caption = "Half of the way keeps most of the gain, and less than half of the harm."
figure, ax = plots.new(size=(6.4, 4.2), alt=alt, caption=caption)
x, y = (np.array([100 * errors(heard, name).rate for heard in curve.values()]) for name in ("people", "stranger"))
ax.plot(x[[0, -1]], y[[0, -1]], ":", color=plots.GREY, label="if errors were interpolated")
ax.plot(x, y, "o-", color=plots.BLUE, label="weights interpolated")
chosen = list(curve).index(best)
ax.plot(x[chosen], y[chosen], "o", color=plots.ORANGE, markersize=11, zorder=3)
for place, alpha in enumerate(curve):
    name = {0: "α = 0, shipped", 1: "α = 1, adapted"}.get(alpha, f"α = {alpha}")
    ax.annotate(name, (x[place], y[place]), xytext=(9, 5), textcoords="offset points", fontsize=10)
ax.set(xlabel="people: word error rate by ear, %", ylabel="the stranger: word error rate by ear, %")
ax.set(ylim=(0, None), xlim=(x.min() - 0.5, x.max() + 1.8))
ax.legend(loc="upper right")
plots.save(figure, "12_interpolation")

# %% [markdown]
# Down is better for the stranger, left is better for people. If interpolating only traded one for the other, the
# points would be on the dotted line. They are below it: half of the way brings most of the gain, and less than half of
# the harm. The orange point is the choice. The curve shows whether ten sentences chose well.
#
# Now the claim, by ear and with the language model:

# %%
for way, spell in {"by ear": recognizer.greedy, "with the language model": with_words}.items():
    print(f"{way}, α = {best}")
    show_changes(shipped, curve[best], spell)

# %%
hearers = {"shipped": recognizer, "adapted": between(best, run / "best.keras")}
network.save(RUNS / "12-your-voice.keras")  # the one to use
for clip in held_out.utterances[:2]:
    display(HTML(said_and_heard(read_audio(clip.path), clip.text, hearers)))

# %% [markdown]
# That is a gain you can hear. Read the table row by row: the stranger's interval is far from 0. An interval that
# contains 0 does not show that nothing was lost. It shows that the loss, if there is any, is probably no larger than
# its upper end.
#
# ## Break it: nothing but the new
#
# We take a third of the steps, without rehearsal. What do you expect for each group? And does interpolation help here, too?

# %%
alone = load_speech(voice.halves[0])
alone.utterances = (2 if CI else 9) * learn
shutil.rmtree(RUNS / "12-alone", ignore_errors=True)
_ = train(alone, valid, RUNS / "12-alone", replace(profile, epochs=1), start=start, sentences=0)

# %%
for alpha in (1, 0.5):
    print(f"nothing but the new, α = {alpha}")
    show_changes(shipped, listen(between(alpha, RUNS / "12-alone" / "best.keras")))

# %% [markdown]
# Losing what was learned before is called *catastrophic forgetting*, and it is as old as neural networks. Compare the
# rows for α = 1 with those of the rehearsed network above. Interpolation needs no old speech, so it helps even where
# there is nothing to rehearse.
#
# ## From a terminal
#
# The chosen network is `runs/12-your-voice.keras`. It works wherever a model does:
#
# ```
# asr transcribe RECORDING --model runs/12-your-voice.keras
# asr quantize runs/12-your-voice.keras --calibrate runs/voice/9101/1 --out runs/12-small
# asr web runs/12-your-voice.keras --out runs/12-page
# ```
#
# ## Exercises
#
# Write into the empty cells and let `check` judge your answer. It says what is right, and gives a hint where something is
# not. [All of them solved](../notebooks/solutions/12_your_voice.ipynb).

# %% [markdown] tags=["exercise"]
# ### Exercise 12.1 · A stricter prompter
#
# *easy · 5 minutes*
#
# Write a function of a limit in nats. It returns the share of the 28 recordings in `unheard` that the prompter would send
# back at that limit because of their most doubtful word, although each was read as written. (`outputs[clip.id]` holds the
# log-probabilities.) The answer is the function. Then ask it about 2 and about `MISSING_THRESHOLD`.


# %% tags=["solution"]
highest = np.array([max(pronunciation_scores(outputs[clip.id], clip.text)) for clip in unheard])


def share_sent_back(limit):
    return np.mean(highest > limit)


answer = share_sent_back
print(f"{share_sent_back(2):.0%} at 2, {share_sent_back(MISSING_THRESHOLD):.0%} at {MISSING_THRESHOLD}")

# %% tags=["check"]
check("12.1", answer)

# %% [markdown] tags=["exercise"]
# ### Exercise 12.2 · How often must the network hear it?
#
# *medium · 8 minutes*
#
# Write a function of three numbers: the seconds of old speech in an epoch, the seconds of new speech, and a share below 1.
# It returns how many times an epoch must repeat the new speech, at least, so that it makes up that share of the whole. The
# answer is the function. Then ask it about the whole of `train-mini`, the clips in `learn`, and a quarter.


# %% tags=["solution"]
def repetitions(old, new, share):
    return int(np.ceil(share / (1 - share) * old / new))  # n × new : old = share : (1 − share)


answer = repetitions
seconds = sum(clip.seconds for clip in load_corpus(MINI / "train-mini")), sum(clip.seconds for clip in learn)
print(f"{repetitions(*seconds, 0.25)} times {seconds[1]:.0f} s beside {seconds[0]:.0f} s")

# %% tags=["check"]
check("12.2", answer)

# %% [markdown] tags=["exercise"]
# ### Exercise 12.3 · Would a language model have done?
#
# *medium · 10 minutes*
#
# No training at all: decode the `outputs` of the 28 recordings in `unheard` once with `recognizer.greedy`, and once with
# `with_words`, the decoder with the language model. By how many *points* does the word error rate change, and what is the
# paired interval? `answer` is (change, low, high).

# %% tags=["solution"]
texts = [clip.text for clip in unheard]
by_ear, helped = (
    word_errors(texts, [spell(outputs[clip.id]) for clip in unheard]) for spell in (recognizer.greedy, with_words)
)
change, (low, high) = paired_difference(by_ear, helped)
answer = 100 * change, 100 * low, 100 * high
print("{:+.1f} points, {:+.1f} to {:+.1f}".format(*answer))

# %% tags=["check"]
check("12.3", answer)

# %% [markdown]
# ### Open task · A voice that matters to you
#
# *45 minutes; no check can judge it, so let somebody read it*
#
# Record yourself, or somebody who agrees to it, and adapt the network. Or choose another synthetic stranger: change the
# language (`en-029`) or the variant (`Reed`) in the first cell. Write half a page for a reader who has not seen this
# notebook: what was adapted, what it gained, what it cost, and would you ship it?
#
# | A good answer | Points |
# |---|---|
# | gives the gain with its paired interval, on sentences that neither training nor the choice of α has seen | 3 |
# | gives the cost for at least two other groups, with intervals, and says what an interval around 0 does not show | 3 |
# | compares with something cheaper: no rehearsal, fewer sentences, or the language model alone | 2 |
# | quotes two sentences before and after, one of them still wrong, and says why | 1 |
# | says what becomes of the recordings and of the adapted model | 1 |

# %% [markdown] tags=["quiz"]
# ## Quiz
#
# **1. Forced alignment finds a place for every word of a text. What does that prove?**
#
# - [ ] that each word was said | It finds a place for a word that was not said, too: it is forced to.
# - [x] nothing by itself; compare it with what else would fit | If anything else fits much better there, the word was not said.
# - [ ] that the text is long enough | Only a text that is too long for the sound is refused.
#
# **2. Why does the network hear old speech while it learns the new?**
#
# - [ ] the old speech has words that the new voice does not say | That may help, but it is not the reason.
# - [ ] training on so little speech is unstable | It is stable: the network learns that minute by heart.
# - [x] it would forget the old voices | Each step moves the weights towards the present speech, whatever they were good for.
#
# **3. Half way between the shipped and the adapted weights, why is the network any good?**
#
# - [ ] the average of any two good networks is good | If they began with different random weights, it is usually useless.
# - [x] one was trained from the other, so they lie close together | Along the line between them the loss stays low.
# - [ ] the language model corrects it | The curve was measured by ear.
#
# **4. The change is −10 points, and its interval is −21 to +1. What was shown?**
#
# - [ ] a gain of 10 points | It may be luck: other sentences could show none.
# - [x] that more sentences are needed | The interval contains 0. It narrows with the square root of their number.
# - [ ] that the adaptation failed | Nothing shows that either.
#
# **5. You delete your recordings. What is left of your voice?**
#
# - [ ] nothing | Something was made from them.
# - [x] the weights that were adapted to it | Anyone who has them can measure how well they know a voice. Delete them, too.
# - [ ] a copy in the browser | The browser hands its samples over and keeps none.

# %% [markdown]
# ## Recap
#
# - Ask not whether a text can be aligned, but what else would fit. A doubtful word is read again, or kept on your word.
# - Fine-tuning starts from trained weights and takes small steps, with the old speech beside the new.
# - What is not rehearsed is forgotten. Interpolated weights keep most of the gain and most of the old.
# - Some sentences choose α, others judge. Report the gain and the cost, each with an interval.
#
# ## Further reading
#
# - [Wortsman and others (2022), *Robust fine-tuning of zero-shot models*](https://arxiv.org/abs/2109.01903): WiSE-FT, which interpolates the weights.
# - [Frankle and others (2020), *Linear mode connectivity*](https://arxiv.org/abs/1912.05671): when the way between two networks is level.
# - [Witt & Young (2000), *Phone-level pronunciation scoring*](https://doi.org/10.1016/S0167-6393%2899%2900044-8): the goodness of pronunciation, for each phone.
# - [McCloskey & Cohen (1989), *Catastrophic interference*](https://doi.org/10.1016/S0079-7421%2808%2960536-8): the first network that was seen to forget.
# - [Robins (1995), *Catastrophic forgetting, rehearsal and pseudorehearsal*](https://doi.org/10.1080/09540099550039318): the old beside the new, and why a little of it is enough.
# - [Bell and others (2021), *Adaptation algorithms for neural network-based speech recognition*](https://arxiv.org/abs/2008.06580): an overview of what was tried for new speakers, rooms and subjects.
# - [Mozilla Common Voice](https://commonvoice.mozilla.org): give your sentences to everybody.
#
# Next: [13 · More machines](13_more_machines.ipynb), for when one machine is too slow.
