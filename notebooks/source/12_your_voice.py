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
# Meet a speaker whom the recogniser does not understand. Three minutes of training later it does, and everybody else is
# understood as before. Then read to a prompter, and do the same for yourself.

# %% jupyter={"source_hidden": true}
import numpy as np
from IPython.display import HTML, display

from asr_helpers.own_data import speak
from asr_helpers.recognizer import Recognizer, shipped_model
from asr_helpers.show.widgets import hypothesis_html, player_html
from asr_helpers.words import default_decoder

recognizer, with_words = Recognizer.load(shipped_model()), default_decoder()
paces = np.random.default_rng(12)


def stranger(text):
    """Return `text` as the stranger reads it, each time a little faster or slower, higher or lower."""
    speed, pitch = int(paces.integers(140, 191)), int(paces.integers(40, 61))
    return np.pad(speak(text.lower(), "en-029", "klatt", speed, pitch), 3200)


def said_and_heard(samples, text, hearers):
    """Return a player of `samples`, and below it what each of `hearers` writes with its language model."""
    rows = [f"<tr><th>said</th><td style='text-align:left'>{text}</td></tr>"]
    for name, hearer in hearers.items():
        heard = hypothesis_html(text, with_words(hearer.audio_log_probs(samples)))
        rows.append(f"<tr><th>{name}</th><td style='text-align:left'>{heard}</td></tr>")
    return f"{player_html(samples, 'the stranger')}<table>{''.join(rows)}</table>"


text = "JUMP IN HAZEL THE GOLDEN DOLPHIN WON'T WAIT"
HTML(said_and_heard(stranger(text), text, {"heard": recognizer}))

# %% [markdown] tags=["about"]
# | | |
# |---|---|
# | **Objectives** | tell whether a text was said · record a corpus of your own · adapt a trained network to a voice · keep what it knew, by interpolating weights · say with an interval what that gained, and what it cost others |
# | **Needs** | notebooks 06 and 07; the extra `language`, which `make lab` installs, for the stranger's voice; a microphone, if you like; no network, no GPU |
# | **Minutes** | ci: 1 · fast, workshop, full: 6 |

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
from asr_helpers.words import (
    MISSING_THRESHOLD,
    align,
    missing_words,
    paired_difference,
    pronunciation_scores,
    viterbi,
    word_errors,
)

PROFILE = os.environ.get("ASR_PROFILE", "fast")
CI = PROFILE == "ci"
MINI, RUNS = data_dir() / "mini", data_dir().parent / "runs"
plots.style()
print("profile", PROFILE)

# %% [markdown]
# ## How far away is a stranger?
#
# The stranger above is a machine, because recording a person takes that person's consent. It is eSpeak NG: the English of
# the Caribbean, through Klatt's synthesiser of 1980. The network has met neither. A machine repeats itself more exactly
# than you do, so expect a smaller gain for your own voice.
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
rates = {voice: word_errors(*zip(*pairs, strict=True)) for voice, pairs in voices.items()}

# %% jupyter={"source_hidden": true}
lines = (data_dir() / "mini" / "SPEAKERS.TXT").read_text().splitlines()
names = {line.split("|")[0].strip(): line.split("|")[-1].strip() for line in lines}
alt = "word error rates by ear: the trained voices lie below ten per cent, the stranger far above all of them"
figure, ax = plots.new(size=(8, 3.8), alt=alt)
for row, (voice, rate) in enumerate(rates.items()):
    colour = {"9007": plots.SKY, "stranger": plots.ORANGE}.get(voice, plots.BLUE)
    low, high = rate.interval() if rate.errors.any() else (0, 3 / rate.lengths.sum())
    ax.plot([100 * low, 100 * high], [row, row], color=colour, linewidth=2)
    ax.plot(100 * rate.rate, row, "o", color=colour)
ax.set_yticks(range(len(rates)), [f"{names[v]}" if v in names else "the stranger" for v in rates])
ax.text(100 * rates["9007"].interval()[1] + 2, len(rates) - 2, "not in the training", va="center", color=plots.SKY)
ax.invert_yaxis()
ax.set(xlabel="word error rate by ear, % (lines: 95 % intervals)", xlim=(0, None))
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
# A better question is *what else would fit?* Replace one word by a wildcard: a class that costs whatever each frame likes
# best. If the sentence fits little better, the word was said. If it fits much better, the word was in the way.

# %%
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
figure, ax = plots.new(size=(8, 2.6), alt=alt)
places = np.arange(len(longer))
bars = ax.bar(places - 0.2, doubted, 0.38, color=plots.ORANGE, label="with all words")
ax.bar_label(bars, fmt="%.1f", padding=2)
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
# adapted to you still knows your voice, so delete that as well: it is in `runs/12-adapted`.
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
voice = stand_in  # once you have read some sentences: voice = own

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
# - The steps are smaller: large ones would destroy what is there before anything better came.
# - The new voice is a minute long. Alone, the network would learn it by heart. So it hears the old voices in between, which
#   is called *rehearsal*.

# %%
times, every = (1, 60) if CI else (4, 6)
speech = load_speech(MINI / "train-mini")
speech.utterances = times * learn + speech.utterances[::every]
valid = load_speech(MINI / "dev-mini")
valid.utterances += chooser
print(speech.summary(), valid.summary(), sep="\n")

# %%
profile = replace(PROFILES["workshop"], averaged_epochs=1)  # the size of the shipped network
profile = replace(profile, epochs=1 if CI else 6, batch_seconds=25, learning_rate=2e-4)
start, run = data_dir() / "models" / "crnn.keras", RUNS / "12-adapted"
shutil.rmtree(run, ignore_errors=True)
history = train(speech, valid, run, profile, start=start, sentences=0, every=3, callbacks=[live_curves(run)])

# %% [markdown]
# The kept weights are those with the fewest errors on `dev-mini`, the old voices, and on the ten sentences aside. The
# held-out half decides nothing, or it could not judge.
#
# ## What was gained, and what was forgotten?
#
# Two groups tell: the stranger's held-out sentences, and the people of `data/real`. Nobody rehearsed the people.

# %%
judges = {"stranger": held_out.utterances, "trained voices": groups["trained voices"], "people": groups["people"]}


def errors(hearer, clips, spell=recognizer.greedy):
    """Return the word errors of a recogniser on `clips`, by ear or with another decoder."""
    heard = [spell(hearer.audio_log_probs(read_audio(clip.path))) for clip in clips]
    return word_errors([clip.text for clip in clips], heard)


def show_change(group, before, after):
    change, (low, high) = paired_difference(before, after)
    print(f"{group:15} WER {before.rate:5.1%} → {after.summary()}", end="; ")
    print(f"change {100 * change:+.1f} points ({100 * low:+.1f} to {100 * high:+.1f})")


# %%
shipped = {group: errors(Recognizer.load(start), clips) for group, clips in judges.items()}
adapted = {group: errors(Recognizer.load(run / "best.keras"), clips) for group, clips in judges.items()}
for group in judges:
    show_change(group, shipped[group], adapted[group])

# %% [markdown]
# The intervals are a *paired bootstrap*: both networks are scored on the same drawn sentences, so the difficulty of a
# sentence cancels out (notebook 07). An interval without 0 shows a real change. It draws sentences, not speakers: it says
# how well *this* stranger is understood.
#
# The stranger is understood, and people are understood worse than before. What a network does not hear any more, it
# forgets, a little with every step.
#
# ## Keep both: half the way
#
# There is a remedy that costs one line. Wortsman and others (2022) found that you can *interpolate* the weights themselves.
# Each weight goes the fraction α of the way from its shipped value to its adapted one. They call it WiSE-FT.

# %%
network = keras.saving.load_model(start, compile=False)
old, new = network.get_weights(), keras.saving.load_model(run / "best.keras", compile=False).get_weights()


def between(alpha):
    """Return the recogniser whose weights lie the fraction `alpha` of the way from the shipped to the adapted ones."""
    network.set_weights([(1 - alpha) * a + alpha * b for a, b in zip(old, new, strict=True)])
    network.save(run / "between.keras")
    return Recognizer.load(run / "between.keras")


# %% [markdown]
# Nobody promised that a network half way between two good ones is good. Two networks trained from different random weights
# have nothing sensible between them. Here one began where the other ended, and the road between is level.
#
# Which α? The ten sentences aside choose: we take the smallest α that keeps nine tenths of the gain on them. A small α means
# small changes for everybody else. Then we draw the whole curve, to see whether the choice was good.

# %%
alphas = (0, 0.5, 1) if CI else (0, 0.25, 0.5, 0.75, 1)
curve = {alpha: {group: errors(between(alpha), clips) for group, clips in judges.items()} for alpha in alphas}
choice = {alpha: errors(between(alpha), chooser).rate for alpha in alphas}
enough = choice[0] - 0.9 * (choice[0] - choice[1])
best = min(alpha for alpha in alphas if choice[alpha] <= enough)
print({alpha: f"{rate:.0%}" for alpha, rate in choice.items()}, "→ α =", best)

# %% jupyter={"source_hidden": true}
alt = "errors of the stranger against errors of people, for each α: the curve sags far below the straight line between its ends"
figure, ax = plots.new(size=(6.4, 4.2), alt=alt)
x, y = (np.array([100 * curve[alpha][group].rate for alpha in alphas]) for group in ("people", "stranger"))
ax.plot(x[[0, -1]], y[[0, -1]], ":", color=plots.GREY, label="if errors were interpolated, too")
ax.plot(x, y, "o-", color=plots.BLUE, label="weights interpolated")
chosen = alphas.index(best)
ax.plot(x[chosen], y[chosen], "o", color=plots.ORANGE, markersize=11, zorder=3)
for place, alpha in enumerate(alphas):
    name = {0: "α = 0, shipped", 1: "α = 1, adapted"}.get(alpha, f"α = {alpha}")
    ax.annotate(name, (x[place], y[place]), xytext=(9, 5), textcoords="offset points", fontsize=10)
ax.set(xlabel="people: word error rate by ear, %", ylabel="the stranger: word error rate by ear, %")
ax.set(ylim=(0, None), xlim=(x.min() - 0.5, x.max() + 1.8))
ax.legend(loc="upper right")
plots.save(figure, "12_interpolation")

# %% [markdown]
# Lower is better for the stranger, further left is better for people. If interpolating only traded one for the other, the
# points would lie on the dotted line. They lie far below it: the first steps towards the adapted network bring most of the
# gain and little of the harm. The orange point is the choice.
#
# Now the claim, on the held-out sentences, by ear and with the language model:

# %%
yours = between(best)
decoders = {"by ear": recognizer.greedy, "with language model": with_words}
for way, spell in decoders.items():
    print(f"{way}, α = {best}")
    for group, clips in judges.items():
        show_change(group, errors(Recognizer.load(start), clips, spell), errors(yours, clips, spell))

# %%
for clip in held_out.utterances[:2]:
    display(HTML(said_and_heard(read_audio(clip.path), clip.text, {"shipped": recognizer, "adapted": yours})))

# %% [markdown]
# ## Break it: nothing but the new
#
# The same number of steps, but without rehearsal. What do you expect of each group? And does interpolation help here, too?

# %%
alone = load_speech(voice.halves[0])
alone.utterances = (2 if CI else 9) * learn
shutil.rmtree(RUNS / "12-alone", ignore_errors=True)
train(alone, valid, RUNS / "12-alone", profile, start=start, sentences=0, every=3)
hearer = Recognizer.load(RUNS / "12-alone" / "best.keras")
for group, clips in judges.items():
    show_change(group, shipped[group], errors(hearer, clips))

# %%
new = keras.saving.load_model(RUNS / "12-alone" / "best.keras", compile=False).get_weights()
half = between(0.5)
for group, clips in judges.items():
    show_change(group, shipped[group], errors(half, clips))

# %% [markdown]
# Losing what was learned before is called *catastrophic forgetting*, and it is as old as neural networks. TBD
#
# ## From a terminal
#
# A corpus that is named several times is heard as often. `best.keras` goes wherever a model goes: `asr transcribe
# --model`, or `asr quantize`.
#
# ```
# HALF=runs/voice/9101/1
# ASR_PROFILE=workshop asr train --train $HALF $HALF $HALF $HALF data/mini/train-mini --valid data/mini/dev-mini \
#     --start data/models/crnn.keras --epochs 6 --run runs/mine
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
# language (`en-029`) or the variant (`klatt`) in the first cell. Write half a page for a reader who has not seen this
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
# **2. Why is half of the recordings held out?**
#
# - [ ] to save time | Another minute of speech costs little time.
# - [x] sentences that the network learned from say nothing about new ones | It may know them by heart.
# - [ ] to choose α with | Then they could no longer judge: ten other sentences are set aside for that.
#
# **3. Why does the network hear old speech while it learns the new?**
#
# - [ ] the old speech has words that the new voice does not say | That may help, but it is not the reason.
# - [ ] training on so little speech is unstable | It is stable: the network learns that minute by heart.
# - [x] it would forget the old voices | Each step moves the weights towards the present speech, whatever they were good for.
#
# **4. Half way between the shipped and the adapted weights, why is the network any good?**
#
# - [ ] the average of any two good networks is good | Start them from different random weights, and it is useless.
# - [x] one was trained from the other, so they lie close together | Along the line between them the loss stays low.
# - [ ] the language model corrects it | The curve was measured by ear.
#
# **5. The change is −10 points, and its interval is −21 to +1. What was shown?**
#
# - [ ] a gain of 10 points | It may be luck: other sentences could show none.
# - [x] that more sentences are needed | The interval holds 0. It narrows with the square root of their number.
# - [ ] that the adaptation failed | Nothing shows that either.
#
# **6. You delete your recordings. What is left of your voice?**
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
# - [Witt & Young (2000), *Phone-level pronunciation scoring*](https://doi.org/10.1016/S0167-6393%2899%2900044-8): the goodness of pronunciation, for each phone.
# - [McCloskey & Cohen (1989), *Catastrophic interference*](https://doi.org/10.1016/S0079-7421%2808%2960536-8): the first network that was seen to forget.
# - [Robins (1995), *Catastrophic forgetting, rehearsal and pseudorehearsal*](https://doi.org/10.1080/09540099550039318): the old beside the new, and why a little of it is enough.
# - [Bell and others (2021), *Adaptation algorithms for neural network-based speech recognition*](https://arxiv.org/abs/2008.06580): an overview of what was tried for new speakers, rooms and subjects.
# - [Mozilla Common Voice](https://commonvoice.mozilla.org): give your sentences to everybody.
#
# Next: [13 · More machines](13_more_machines.ipynb), for when one machine is too slow.
