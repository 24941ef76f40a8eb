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
# You will read sentences to a prompter that notices a word you left out, make a corpus of them, and teach the shipped
# recogniser your voice in minutes. Then you will measure what it gained, and what it forgot.
#
# | | |
# |---|---|
# | **Objectives** | tell whether a text was said · record a corpus of your own · adapt a trained network to a voice · say with an interval what that gained, and what it cost others |
# | **Needs** | notebooks 06 and 07; a microphone, if you like: without one a voice of the corpus stands in; no network, no GPU |
# | **Minutes** | ci: 1 · fast, workshop, full: 4 |

# %%
import os
import shutil
from dataclasses import replace

import numpy as np

from asr_helpers.batches import load_speech
from asr_helpers.corpus import data_dir, load_corpus
from asr_helpers.own_data import VoiceCorpus
from asr_helpers.recognizer import Recognizer, shipped_model
from asr_helpers.show import plots
from asr_helpers.show.plots import live_curves
from asr_helpers.show.widgets import PrompterBench, player
from asr_helpers.sound import read_audio
from asr_helpers.teaching import check
from asr_helpers.text import encode
from asr_helpers.training import PROFILES, train
from asr_helpers.words import align, default_decoder, paired_difference, word_errors

PROFILE = os.environ.get("ASR_PROFILE", "fast")
CI = PROFILE == "ci"
RUNS = data_dir().parent / "runs"
plots.style()
print("profile", PROFILE)

# %% [markdown]
# ## Who is a stranger?
#
# The shipped model has heard eleven of the harbour's twelve voices in training, in other sentences. The twelfth, 9007, it
# has never heard. Is it harder?

# %%
test = load_corpus(data_dir() / "mini" / "test-mini").utterances
recognizer = Recognizer.load(shipped_model())
outputs = {clip.id: recognizer.audio_log_probs(read_audio(clip.path)) for clip in test}
voices = {}
for clip in test:
    voices.setdefault(clip.speaker, []).append(clip)

# %%
rates = {
    voice: word_errors([c.text for c in clips], [recognizer.greedy(outputs[c.id]) for c in clips])
    for voice, clips in voices.items()
}
alt = "word error rate of each of the twelve voices, with intervals; the voice that was never heard stands out"
figure, ax = plots.new(size=(8, 2.4), alt=alt)
values = np.array([rate.rate for rate in rates.values()])
ends = np.array([rate.interval() for rate in rates.values()]).T
colours = [plots.ORANGE if voice == "9007" else plots.BLUE for voice in rates]
ax.bar(list(rates), 100 * values, color=colours)
ax.errorbar(list(rates), 100 * values, 100 * np.abs(ends - values), fmt="none", color=plots.GREY, capsize=3)
ax.set(xlabel="voice", ylabel="word error rate (%)")
plots.save(figure, "12_voices")

# %% [markdown]
# Six sentences of a voice say little, as the grey intervals show. But the orange voice has twenty-eight, and it is a
# stranger. So will you be.
#
# ## Was it said?
#
# A model is adapted on recordings and their texts. Where the reader slipped, the text is wrong, and the model learns
# nonsense. Who listens to all recordings again? The model itself could, by *forced alignment* (notebook 07). Here is a
# sentence of the stranger, first with its own text, then with a word too many:

# %%
clip = voices["9007"][2]
log_probs = outputs[clip.id]
words = clip.text.split()
longer = [*words[:2], "SEVEN", *words[2:]]
for text in (clip.text, " ".join(longer)):
    print(*(f"{word.text.lower()} {word.confidence:.2f}" for word in align(log_probs, text)), sep="   ")

# %%
player(read_audio(clip.path), clip.text.lower())

# %% [markdown]
# The alignment finds a place for everything, also for *seven*. It was forced to. And the *confidence* falls for others as
# well: the word too many takes their place in the sound. Which one was not said?
#
# A better question is: *what else would fit?* Let one word of the text be anything at all: in its place each frame says
# what it likes best. How much better does the whole sentence fit then? If little, the word was said. If much, the word was
# in the way.

# %%
from asr_helpers.words import viterbi

wild = np.hstack([log_probs.max(axis=1, keepdims=True), log_probs])  # class 0: whatever fits best


def fit(labels):
    """Return the log-probability of the best path that spells `labels`."""
    path = viterbi(wild, labels)
    states = np.full(2 * len(labels) + 1, wild.shape[1] - 1)  # blanks, and between them the labels
    states[1::2] = labels
    return wild[np.arange(len(path)), states[path]].sum()


# %%
from asr_helpers.words import pronunciation_scores

labels = encode(" ".join(longer)) + 1  # every class has moved by one
begin, doubted = 0, []
for word in longer:
    end = begin + len(word)
    without = np.concatenate([labels[:begin], [0], labels[end:]])
    doubted.append((fit(without) - fit(labels)) / (len(word) + 1))
    begin = end + 1
assert np.allclose(doubted, pronunciation_scores(log_probs, " ".join(longer)))

# %% [markdown]
# That is a difference of logarithms, so it is in *nats*, and it is divided by the letters of the word, with the space after
# it. Phoneticians call it the *goodness of pronunciation*. The helper `pronunciation_scores` does the same. How great is the doubt about
# each word; and how great is it if the worst is left out of the text?

# %%
from asr_helpers.words import MISSING_THRESHOLD

worst = int(np.argmax(doubted))
left = [*longer[:worst], *longer[worst + 1 :]]
again = np.insert(pronunciation_scores(log_probs, " ".join(left)), worst, 0)
alt = "doubts about each word: high for the word too many and its neighbours; without it, low for all"
figure, axes = plots.new(2, 1, (8, 3.6), alt, sharex=True, sharey=True)
titles = "every word must be there", "the worst is left out"
for ax, values, title in zip(axes, (doubted, again), titles, strict=True):
    colours = [plots.ORANGE if place == worst else plots.BLUE for place in range(len(longer))]
    ax.bar(range(len(longer)), values, color=colours)
    ax.axhline(MISSING_THRESHOLD, color=plots.GREY, linestyle=":")
    ax.set(title=title, ylabel="nats a character")
axes[1].set_xticks(range(len(longer)), [word.lower() for word in longer])
plots.save(figure, "12_doubt")

# %% [markdown]
# A word that does not fit drags its neighbours along. So only the worst is taken for missing. Let another word stand in
# its place, or none, and ask again, until no doubt is above the dotted line: `missing_words` does it.

# %%
from asr_helpers.words import missing_words

print("not heard:", *missing_words(log_probs, " ".join(longer)))

# %% [markdown]
# ## How often is that right?
#
# To count it, lie about the text. For each recording there are four texts: the right one, one with a word too many (so it
# is *missing* in the sound), one with a word *replaced*, and *another* sentence. And because people are not synthesisers,
# do it to the forty sentences of real readers, too.

# %%
people = load_corpus(data_dir() / "real").utterances
for each in people:
    outputs[each.id] = recognizer.audio_log_probs(read_audio(each.path))
rng = np.random.default_rng(0)


def lies(clip, among):
    """Return the four texts of `clip`; words and sentences to lie with come from the clips `among`."""
    said, other = clip.text.split(), among[rng.integers(len(among))].text
    word = rng.choice([word for each in among for word in each.text.split() if word not in said])
    place = rng.integers(len(said))
    missing = [*said[:place], word, *said[place:]]
    replaced = [*said[:place], word, *said[place + 1 :]]
    return {"right": clip.text, "missing": " ".join(missing), "replaced": " ".join(replaced), "another": other}


# %%
few = 6 if CI else 1
groups = {
    "voices it knows": [c for c in test if c.speaker != "9007"][::few],
    "the stranger": voices["9007"][::few],
    "people": people[::few],
}
sent_back = {}
for name, clips in groups.items():
    for clip in clips:
        among = [each for each in clips if each.text != clip.text]
        for kind, text in lies(clip, among).items():
            missed = missing_words(outputs[clip.id], text)
            sent_back.setdefault((name, kind), []).append(bool(missed))

# %%
print(f"{'sent back':18}", *(f"{kind:>9}" for kind in ("right", "missing", "replaced", "another")))
for name in groups:
    shares = (np.mean(sent_back[name, kind]) for kind in ("right", "missing", "replaced", "another"))
    print(f"{name:18}", *(f"{share:9.0%}" for share in shares))

# %% [markdown]
# Read the first column as the price, and the other three as what it buys. Few lies get through. People are sent back
# more often, although they read well: the model is weaker there, so it doubts more. Reading a sentence once more costs ten
# seconds. A wrong text in the corpus costs more.
#
# The line was drawn on other recordings than these. A threshold that is tuned on the clips it is counted on looks better
# than it is.

# %% [markdown]
# ## Read
#
# Thirty sentences: those that the stranger reads in the corpus, and two that only you can say. Add your own, of letters and
# apostrophes.

# %%
prompts = [clip.text for clip in test if clip.speaker == "9007"]
prompts += ["This is my own voice", "And nobody else sounds quite like me"]
print(f"{len(prompts)} sentences, such as:", *prompts[:3], sep="\n")

# %% [markdown]
# Press *record*, read the sentence aloud, press *stop*. What was heard whole is kept, and the next sentence comes. You need
# not read all thirty today: what was kept is not asked for again.

# %%
own = VoiceCorpus(RUNS / "voice", prompts)
PrompterBench(own)

# %% [markdown]
# No kernel running? It looks like this:
#
# ![a sentence to read, a record button, a player, what was decided, and buttons to skip a sentence and to delete all](../figures/prompter.png)
#
# **Your recordings are yours.** They lie in the folder that the page names, on the machine where the kernel runs. Git
# ignores that folder, and nothing here sends them anywhere. The button deletes them, after it has asked. A model that was
# adapted to you still knows your voice, so delete it as well: it is in `runs/12-adapted`.
#
# ## Nobody there?
#
# Then the stranger stands in for you. Its recordings become a corpus in the same way. Every second sentence goes to the
# half that is learned from; the others are *held out*, to tell what that was worth.

# %%
stand_in = VoiceCorpus(RUNS / "12-stand-in", prompts)
stand_in.delete()
for clip in voices["9007"]:
    stand_in.keep(clip.text, read_audio(clip.path))
voice = stand_in  # after you have read some yourself: voice = own
learn, held_out = (load_corpus(half).utterances for half in voice.halves)
print(len(learn), "sentences to learn from,", len(held_out), "to test on; the first files:")
print(*sorted(path.name for path in voice.halves[0].iterdir())[:3], sep="\n")

# %% [markdown]
# (Would a person not be the better stand-in? Twenty people read in `data/real`, two sentences each. One to learn from and
# one to test on would tell nothing.)
#
# ## Learn the new beside the old
#
# To go on training a network on other speech is called *fine-tuning*. Three things are different from training from
# scratch (notebook 06):
#
# - it begins with the shipped weights, not with random ones;
# - the steps are smaller: what is there is good, and large steps would break it before anything better came;
# - the new voice is a minute long. Alone, it would be learned by heart, and all other voices would be lost. So it is heard
#   beside the old, the harbour's training speech: this is called *rehearsal*.

# %%
MINI = data_dir() / "mini"
times, every = (1, 60) if CI else (12, 3)
speech = load_speech(*times * [voice.halves[0]])
new_seconds = speech.seconds
speech.utterances += load_speech(MINI / "train-mini").utterances[::every]
valid = load_speech(MINI / "dev-mini", voice.halves[0])
print(f"an epoch: {speech.seconds / 60:.1f} minutes, {new_seconds / speech.seconds:.0%} of it the new voice")

# %% [markdown]
# The weights that are kept are those with the fewest errors on `dev-mini`, the *old* voices, and on what was learned from.
# The held-out half decides nothing, or it could not judge.

# %%
profile = replace(
    PROFILES["workshop"],  # the size of the shipped network
    epochs=1 if CI else 12,
    batch_seconds=25,
    learning_rate=3e-4,
    averaged_epochs=1,
)

# %%
start, run = data_dir() / "models" / "crnn.keras", RUNS / "12-adapted"
shutil.rmtree(run, ignore_errors=True)
history = train(speech, valid, run, profile, start=start, sentences=0, every=5, callbacks=[live_curves(run)])

# %% [markdown]
# ## What was gained?

# %%
hearers = {"shipped": Recognizer.load(start), "adapted": Recognizer.load(run / "best.keras")}
judges = {"the new voice": held_out[::few], "the old voices": groups["voices it knows"], "people": groups["people"]}


ways = {"by ear": recognizer.greedy, "with language model": default_decoder()}


def errors(hearer):
    """Return the word errors of a recogniser on each group, read in both ways."""
    scores = {}
    for group, clips in judges.items():
        heard = [hearer.audio_log_probs(read_audio(clip.path)) for clip in clips]
        for way, spell in ways.items():
            scores[group, way] = word_errors([c.text for c in clips], [spell(each) for each in heard])
    return scores


found = {name: errors(hearer) for name, hearer in hearers.items()}

# %%
changes = {row: paired_difference(before, found["adapted"][row]) for row, before in found["shipped"].items()}
for (group, way), (change, (low, high)) in changes.items():
    before, after = (found[name][group, way].rate for name in ("shipped", "adapted"))
    print(f"{group:14} {way:19}  WER {before:5.1%} → {after:5.1%}", end=", ")
    print(f"{100 * change:+5.1f} points, 95 % interval {100 * low:+.1f} to {100 * high:+.1f}")

# %%
alt = "change of the word error rate: the new voice errs less by ear; the old voices change little, and people err more"
figure, ax = plots.new(size=(8, 2.6), alt=alt)
for row, ((_, way), (change, (low, high))) in enumerate(changes.items()):
    colour = plots.BLUE if way == "by ear" else plots.ORANGE
    ax.plot([100 * low, 100 * high], [row, row], color=colour, linewidth=2)
    ax.plot(100 * change, row, "o", color=colour)
ax.axvline(0, color=plots.GREY, linestyle=":")
ax.set_yticks(range(len(changes)), [", ".join(row) for row in changes])
ax.invert_yaxis()
ax.set(xlabel="change of the word error rate (points); left is better")
plots.save(figure, "12_gained_and_forgotten")

# %% [markdown]
# Each line is a *paired bootstrap*: both networks are scored on the same drawn sentences, so what makes a sentence hard
# cancels out (notebook 07). A line that crosses the dotted one may be luck. Fourteen held-out sentences make a long line:
# still, it tells a gain from none. Blue is what the network spells by ear, orange what a language model makes of that, as
# `asr transcribe` does.
#
# By ear, one in five of the new voice's errors is gone, and the blue line reaches well across the dotted one: fourteen
# sentences cannot tell so little from luck. Of the orange one's errors hardly any was left to take: the language model had
# mended nearly all of them before. (Networks that shipped before this one began at 44 % and at 15 % with this voice, and
# came to 21 and to 9 % with the same minute. The more a network has heard, the less a minute can add.) Adapting pays where
# there is something to adapt to: your accent, your microphone, your room may be further off than this stranger. The same
# lines will tell.
#
# The old voices were heard beside it, and their line crosses the dotted one: rehearsal did its work. And *people*? Nobody
# rehearsed them, and their blue line lies to the right of it, all of it. What a network does not hear any more, it forgets,
# a little with every step, and this one had much to forget. (A third of the rate forgot as much, and learned nothing.)
# Whoever has read speech, such as Mini LibriSpeech, adds it to the old, and keeps both.

# %%
for clip in held_out[:3]:
    print("said   ", clip.text)
    for name, hearer in hearers.items():
        print(f"{name:8}", hearer.transcribe(read_audio(clip.path)))

# %% [markdown]
# ## Break it: nothing but the new
#
# The same rate, but without rehearsal, and fewer epochs: there is little to learn. What do you expect of each of the three
# groups?

# %%
alone = load_speech(*times * [voice.halves[0]])
shutil.rmtree(RUNS / "12-alone", ignore_errors=True)
short = replace(profile, epochs=1 if CI else 4)
train(alone, alone, RUNS / "12-alone", short, start=start, sentences=0, every=2)
hearers["alone"] = Recognizer.load(RUNS / "12-alone" / "best.keras")
found["alone"] = errors(hearers["alone"])

# %%
print(f"{'WER by ear':15}", *(f"{name:>8}" for name in found))
for group in judges:
    print(f"{group:15}", *(f"{scores[group, 'by ear'].rate:8.1%}" for scores in found.values()))

# %% [markdown]
# It learned its few sentences by heart and got worse with everybody else. This is called *catastrophic forgetting*, and it
# is as old as neural networks. Look at the first row, too: the old speech also teaches what words there are, and a minute
# of speech holds few of them. (The validation speech was the training speech here: nothing was left that could have warned
# it.) The people of the last row were rehearsed in neither case.
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
# Write into the empty cells and let `check` judge: it says what is right, and gives a hint where something is not.
# [All of them solved](../notebooks/solutions/12_your_voice.ipynb).

# %% [markdown] tags=["exercise"]
# ### Exercise 12.1 · A stricter prompter
#
# *easy · 5 minutes*
#
# Draw the line at a doubt of 2 instead of `MISSING_THRESHOLD`. What share of the stranger's 28 recordings (`voices["9007"]`, with
# their `outputs`) would be sent back, although each was read as it stands there?

# %% tags=["solution"]
highest = [max(pronunciation_scores(outputs[clip.id], clip.text)) for clip in voices["9007"]]
answer = np.mean([each > 2 for each in highest])
print(f"{answer:.0%} would be sent back, {np.mean([each > MISSING_THRESHOLD for each in highest]):.0%} are")

# %% tags=["check"]
check("12.1", answer)

# %% [markdown] tags=["exercise"]
# ### Exercise 12.2 · How often must one say it?
#
# *medium · 8 minutes*
#
# Beside the *whole* of `train-mini`, how many times must the stranger's half be named (`learn`, every second of the 28
# sentences) so that at least a quarter of what is heard in an epoch is the new voice?

# %% tags=["solution"]
old = sum(clip.seconds for clip in load_corpus(data_dir() / "mini" / "train-mini"))
new = sum(clip.seconds for clip in voices["9007"][::2])
answer = int(np.ceil(old / 3 / new))  # new / (new + old) = 1 / 4 where new is a third of old
print(f"{answer} times {new:.0f} s beside {old:.0f} s")

# %% tags=["check"]
check("12.2", answer)

# %% [markdown] tags=["exercise"]
# ### Exercise 12.3 · Would a language model have done?
#
# *medium · 10 minutes*
#
# No training at all: read the stranger's 28 `outputs` once with `recognizer.greedy` and once with `default_decoder()`. By how many *points* does the word error rate change, and between which ends does the paired
# interval lie? `answer` is (change, low, high).

# %% tags=["solution"]
texts = [clip.text for clip in voices["9007"]]
by_ear, helped = (
    word_errors(texts, [spell(outputs[clip.id]) for clip in voices["9007"]])
    for spell in (recognizer.greedy, default_decoder())
)
change, (low, high) = paired_difference(by_ear, helped)
answer = 100 * change, 100 * low, 100 * high
print("{:+.1f} points, {:+.1f} to {:+.1f}".format(*answer))

# %% tags=["check"]
check("12.3", answer)

# %% [markdown] tags=["quiz"]
# ## Quiz
#
# **1. Forced alignment finds a place for every word of a text. What does that prove?**
#
# - [ ] that each was said | It finds a place for a word that was not said, too: it is forced to.
# - [x] nothing by itself; it must be compared with what else would fit | If anything at all fits much better there, the word was not said.
# - [ ] that the text is long enough | A text that is too long for the sound is the one thing it refuses.
#
# **2. Why is every second sentence held out?**
#
# - [ ] to save time | A minute of speech costs no time.
# - [x] sentences that were learned from say nothing about new ones | The network may know them by heart.
# - [ ] because the validation speech needs it | That is other speech: here, the old voices.
#
# **3. Why is the old speech heard again?**
#
# - [ ] it has the words that the new voice does not say | It may help with that, but that is not the reason.
# - [ ] the network needs more data to be stable | It is stable with a minute of speech: and learns that by heart.
# - [x] else it would be forgotten | No weight remembers for whom it was set; each step moves it to where the present speech wants it.
#
# **4. The change is −10 points, its interval −21 to +1. What was shown?**
#
# - [ ] a gain of 10 points | It might be luck: other sentences could have shown none.
# - [x] that more sentences are needed | The interval holds 0, and it narrows with the root of their number.
# - [ ] that the adaptation failed | Nothing speaks for that either.
#
# **5. You delete your recordings. What is left of your voice?**
#
# - [ ] nothing | Something was made from them.
# - [x] the weights that were adapted to it | Whoever has them can tell how well they know a voice. Delete them, too.
# - [ ] a copy in the browser | It hands over its 16 000 numbers a second, and keeps none.

# %% [markdown]
# ## Recap
#
# - Ask not whether a text can be aligned, but what else would fit: a word in doubt is read again.
# - Fine-tuning: from the trained weights, with small steps, the new beside the old.
# - Hold out half of the new to measure the gain, and old speech to measure what it cost.
# - What is not rehearsed is forgotten.
#
# ## Further reading
#
# - [Witt & Young (2000), goodness of pronunciation](https://doi.org/10.1016/S0167-6393%2899%2900044-8): how well was it said, asked of a recogniser.
# - [McCloskey & Cohen (1989), catastrophic interference](https://doi.org/10.1016/S0079-7421%2808%2960536-8): the first network that was seen to forget.
# - [Robins (1995), rehearsal](https://doi.org/10.1080/09540099550039318): the old beside the new, and why a little of it is enough.
# - [Bell and others (2021), adaptation of speech recognisers](https://arxiv.org/abs/2008.06580): all that was tried for a new speaker, room or subject.
# - [Mozilla Common Voice](https://commonvoice.mozilla.org): give your sentences to everybody.
#
# Next: [13 · More machines](13_more_machines.ipynb), for when there is more to learn than one of them can hear.
