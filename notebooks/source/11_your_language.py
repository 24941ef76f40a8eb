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
# # 11 · Your language
#
# You will hear a dozen voices speak sentences of a grammar that fits on one page, in a language of your choice, and watch
# a network learn to write them down from random weights, with the letters that English lacks.
#
# | | |
# |---|---|
# | **Objectives** | write a small grammar and make a corpus of it · find an alphabet, and know what breaks without it · train, decode and shrink a recogniser of another language · see which letters are hard, and why · tell what a low error rate does not say |
# | **Needs** | notebooks 05 to 08; the extra `language`, which `make lab` installs (eSpeak NG, GPL 3); no network, no GPU |
# | **Minutes** | ci: under 1 · fast, workshop, full: 3 (the same small network in all three) |

# %%
import os
import random
import re
import shutil
import time
import unicodedata
from collections import Counter
from dataclasses import replace
from pathlib import Path

import jiwer
import numpy as np
import soundfile
from IPython.display import HTML

from asr_helpers.batches import load_speech
from asr_helpers.corpus import data_dir, load_corpus
from asr_helpers.export import quantize
from asr_helpers.own_data import sounds, speak
from asr_helpers.recognizer import Recognizer

# %%
from asr_helpers.show import plots
from asr_helpers.show.plots import live_curves
from asr_helpers.show.widgets import player_html
from asr_helpers.sound import features, read_audio
from asr_helpers.teaching import check
from asr_helpers.text import ENGLISH, Alphabet
from asr_helpers.training import PROFILES, train
from asr_helpers.words import FastBeamSearch, best_text, estimate, score, shipped_lm

# %% [markdown]
# Here is the one line to change. German is worked through below; `es` (Spanish), `fr` (French), `pl` (Polish), `tr`
# (Turkish) and `uk` (Ukrainian) have a grammar, too. Change it, then *Run → Run All Cells*.

# %%
LANGUAGE = "de"

# %%
PROFILE = os.environ.get("ASR_PROFILE", "fast")
RUN = Path(os.path.relpath(data_dir().parent / "runs" / f"11-{LANGUAGE}-{PROFILE}"))
TRAIN, VALID, TEST = (24, 12, 12) if PROFILE == "ci" else (360, 48, 96)
shutil.rmtree(RUN, ignore_errors=True)
plots.style()
print(f"profile {PROFILE}, language {LANGUAGE}: {TRAIN} sentences to learn from")

# %% [markdown]
# ## What shall it understand?
#
# A network learns from speech and its text. Who has none can make some: a *grammar* says what sentences look like, and a
# speech synthesiser says them. Here is the whole grammar.

# %%
grammar = (data_dir() / "grammars" / f"{LANGUAGE}.txt").read_text(encoding="utf-8")
print(grammar)


# %% [markdown]
# Each line is a slot and what may stand in it. To make a sentence, fill the slot `sentence`, then the slots in what came
# out, until none is left.


# %%
def read_grammar(text):
    """Return {slot: its alternatives}; a slot may have several lines."""
    rules = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            slot, _, alternatives = line.partition(": ")
            rules.setdefault(slot, []).extend(alternatives.split(" | "))
    return rules


def say(rules, rng, text="{sentence}"):
    """Return `text` with every slot filled at random."""
    return re.sub(r"{(\w+)}", lambda slot: say(rules, rng, rng.choice(rules[slot[1]])), text)


# %%
rules, rng = read_grammar(grammar), random.Random(11)
sentences = []
while len(sentences) < TRAIN + VALID + 2 * TEST:
    sentence = say(rules, rng)
    if sentence not in sentences:
        sentences.append(sentence)
rng.shuffle(sentences)  # the short rules are used up first
print(*sentences[:6], sep="\n")

# %% [markdown]
# No sentence comes twice. So those that we test on later were never in the training, though all of their words were.
# A hundred words, thousands of sentences: exercise 11.1 counts them.
#
# ## Who speaks?
#
# eSpeak NG speaks more than a hundred languages, all with the same voices: *m1* to *m8* and *f1* to *f4* are twelve that
# we train on. Two others are kept for the end, as strangers: *f5* is built like the twelve, *klatt* by another method, of
# 1980. Listen to the twelve, and to the strangers.

# %%
VOICES = [f"m{number}" for number in range(1, 9)] + [f"f{number}" for number in range(1, 5)]
STRANGERS = ["f5", "klatt"]
players = [player_html(speak(sentences[0], LANGUAGE, voice), voice) for voice in [*VOICES, *STRANGERS]]
HTML(f"<p>{sentences[0]}</p><div style='display:grid;grid-template-columns:1fr 1fr'>{''.join(players)}</div>")

# %% [markdown]
# These are not people. An error rate on them says whether the road is right; how well people are understood, only people's
# recordings can tell. The road is the same for both: with recordings of your own, begin at *Which letters?*.
#
# ## A corpus
#
# The voices take turns. Each sentence gets a pace and a pitch of its own, or the network would learn these by heart, too.
# Folders and files are laid out as LibriSpeech's are (notebook 01), so that all of `asr` can read them.


# %%
def written(sentence):
    return sentence.replace(",", "")  # commas are for the breath; a transcript has none


def record(name, sentences, voices):
    """Have the voices say their shares of the sentences, and file them as the corpus `name`."""
    for number, voice in enumerate(voices, start=1):
        chapter, lines = RUN / name / str(number) / "1", []
        chapter.mkdir(parents=True)
        for count, sentence in enumerate(sentences[number - 1 :: len(voices)]):
            samples = speak(sentence, LANGUAGE, voice, rng.randint(140, 200), rng.randint(30, 70))
            soundfile.write(chapter / f"{number}-1-{count:04d}.flac", np.pad(samples, 1600), 16000)
            lines.append(f"{number}-1-{count:04d} {written(sentence)}\n")
        (chapter / f"{number}-1.trans.txt").write_text("".join(lines), encoding="utf-8")


# %% [markdown]
# Five corpora: to learn from, to choose the weights by, and three to test on. The last one has the slot `new` of the
# grammar: a dozen everyday sentences, of words that the network has never heard.

# %%
start = time.perf_counter()
ends = np.cumsum([TRAIN, VALID, TEST, TEST])
shares = [sentences[end - size : end] for end, size in zip(ends, (TRAIN, VALID, TEST, TEST), strict=True)]
for name, share in zip(("train", "valid", "test"), shares, strict=False):
    record(name, share, VOICES)
record("strangers", shares[3], STRANGERS)
record("new words", [each for each in rules["new"] for _ in range(1 if PROFILE == "ci" else 4)], VOICES)
print(f"{sum(1 for _ in RUN.rglob('*.flac'))} clips, made in {time.perf_counter() - start:.0f} s")

# %% [markdown]
# ## Which letters?
#
# The network ends in one number for each letter, and one for the blank of CTC (notebook 05). So the letters must be known
# before it is built. The texts tell them. Text costs nothing here, so let us have three thousand sentences more: none is
# spoken, they are for the letters, and later for the language model.

# %%
more = [say(rules, rng) for _ in range(3000)]
texts = [written(sentence) for sentence in sentences + more + rules["new"]]
print("in the texts:         ", "".join(sorted(set("".join(texts)))))
print("in plain capitals:    ", "".join(sorted(set("".join(texts).upper()))))
alphabet = Alphabet.of_texts(texts)
print("what the helper finds:", alphabet.characters)

# %%
english = set(ENGLISH.characters)
print("English lacks:", *sorted(set(alphabet.characters) - english))
print("English alone has:", *sorted(english - set(alphabet.characters)))
print(f"{alphabet.classes} classes, the blank is the last: number {alphabet.blank}")

# %% [markdown]
# Capitals alone, as in LibriSpeech: nobody hears whether a letter is large. For German's *ß* that means SS. For Turkish it
# is not so simple: there *i* becomes İ, because I is another letter (*ı*). `upper` of Python does not know that; the
# helper does, and that is the one difference between the last two lines, where there is one.
#
# From here on the alphabet travels with the model. It is stored in the `.keras` file, and in every smaller form of it, so
# that nobody can lose it.
#
# ## Break it: one letter or two?
#
# What looks like one letter can be stored as two: the letter, and a mark to put on it. Take a word of the grammar apart
# (Unicode calls the whole form NFC, the one in pieces NFD):

# %%
whole = next(word for word in " ".join(texts).split() if len(unicodedata.normalize("NFD", word)) > len(word))
pieces = unicodedata.normalize("NFD", whole)
print(whole, len(whole), "·", pieces, len(pieces), "· equal:", whole == pieces)
print("as transcripts:", alphabet.normalize(whole) == alphabet.normalize(pieces))

# %% [markdown]
# *Diagnosis.* Both look the same on the screen, and are different texts. Some systems write in pieces, others do not, and
# a corpus put together from both holds both. Then the network has to learn two spellings of one sound, and whichever it
# writes, some count as errors. So texts are composed before anything else looks at them.
#
# ## Break it: with English letters
#
# What if nobody asks for an alphabet, and the corpus is read as an English one?

# %%
mine, theirs = load_corpus(RUN / "train", alphabet=alphabet), load_corpus(RUN / "train")
print(f"{len(mine)} clips with its own letters, {len(theirs)} with the English ones")
print(theirs.problems[0] if theirs.problems else "nothing was left out")

# %% [markdown]
# *Diagnosis.* Each clip that cannot be spelt is left out, with a line that says why. Nothing stops: if a few
# sentences do without such letters, a network can be trained on these few. Read the lines. From a terminal,
# `asr train … --alphabet auto` finds the letters as above.
#
# ## Train
#
# This is the small network of notebook 06, with as many outputs as there are classes, and the same recipe. It has never
# heard a sound.

# %%
recipe = replace(PROFILES["ci" if PROFILE == "ci" else "fast"], epochs=2 if PROFILE == "ci" else 16)
speech, valid = (load_speech(RUN / name, alphabet=alphabet) for name in ("train", "valid"))
print(speech.summary(), valid.summary(), sep="\n")

# %%
start = time.perf_counter()
history = train(speech, valid, RUN / "model", recipe, sentences=1, every=4, callbacks=[live_curves(RUN / "model")])
seconds = time.perf_counter() - start
heard = speech.seconds * recipe.epochs
print(f"{seconds / 60:.1f} minutes for {heard / 60:.0f} minutes of sound: {heard / seconds:.0f} seconds a second")

# %%
plots.save(plots.learning_curves(history), "11_curves")

# %% [markdown]
# ## What was learned?
#
# There are three tests: new sentences of the twelve voices, new sentences of the two strangers, and sentences whose words
# are new.

# %%
model = Recognizer.load(RUN / "model" / "best.keras")
clips = {name: load_corpus(RUN / name, alphabet=alphabet).utterances for name in ("test", "strangers", "new words")}
voices = {f"stranger {voice}": str(number) for number, voice in enumerate(STRANGERS, start=1)}
tests = {"known voices": clips["test"]}
tests |= {name: [clip for clip in clips["strangers"] if clip.speaker == key] for name, key in voices.items()}
tests["new words"] = clips["new words"]
said = {name: [clip.text for clip in test] for name, test in tests.items()}
answers = {name: [model.audio_log_probs(read_audio(clip.path)) for clip in test] for name, test in tests.items()}


# %%
def measure(decode):
    """Print the error rates of the four tests, and return the texts and the word error rates."""
    texts = {name: list(map(decode, outputs)) for name, outputs in answers.items()}
    scores = {name: score(said[name], texts[name]) for name in texts}
    for name, rates in scores.items():
        low, high = rates["wer_ci95"]
        print(f"{name:15} WER {rates['wer']:6.1%} ({low:.1%} to {high:.1%})   CER {rates['cer']:6.1%}")
    return texts, {name: rates["wer"] for name, rates in scores.items()}


# %%
greedy_texts, greedy_rates = measure(model.greedy)
for name in tests:
    print(f"\n{name}\n    said   {said[name][4]}\n    heard  {greedy_texts[name][4]}")

# %% [markdown]
# The first line is what one would put on a poster. The last one is what it is worth: the network knows a hundred words by
# their sound, and not how to spell. A test in which every word is known cannot tell the two apart. It is the same with
# people's speech, only less plain to see: ask of every error rate which words the test shares with the training.
#
# Strangers lie between. One more voice of the same kind is hardly a stranger at all; for one of another kind, twelve
# voices were all too few.
#
# ## A language model of its own
#
# It is estimated from the three thousand sentences, but for those that are tested on. From a terminal, for a text file:
# `asr lm TEXT --alphabet MODEL.keras --out FILE`.

# %%
tested = set(shares[2] + shares[3])
material = [alphabet.normalize(written(sentence)) for sentence in more if sentence not in tested]
own = RUN / "own.arpa.gz"
estimate(material).write(own)
fused = best_text(FastBeamSearch(own, alphabet=alphabet))
fused_texts, fused_rates = measure(fused)

# %%
figure, ax = plots.new(
    size=(8, 2.8), alt="word error rates: low for known voices, high for klatt, highest for new words"
)
places = np.arange(len(tests))
for shift, rates, label in ((-0.2, greedy_rates, "greedy"), (0.2, fused_rates, "with its n-gram")):
    bars = ax.barh(places + shift, [100 * rate for rate in rates.values()], 0.38, label=label)
    ax.bar_label(bars, fmt="%.0f", padding=3)
ax.set_yticks(places, list(tests))
ax.set(title="word error rate (%)", xlim=(0, 110))
ax.invert_yaxis()
ax.legend(loc="upper right")
plots.save(figure, "11_error_rates")

# %% [markdown]
# The n-gram mends what is left where the words are known. Where they are not, it can only put known ones in their place:

# %%
for text, plain, with_words in list(
    zip(said["new words"], greedy_texts["new words"], fused_texts["new words"], strict=True)
)[:3]:
    print(f"said    {text}\ngreedy  {plain}\nn-gram  {with_words}\n")

# %% [markdown]
# ## Break it: with English words
#
# The project ships an English n-gram. What does it make of this model?

# %%
try:
    FastBeamSearch(os.path.relpath(shipped_lm()), alphabet=alphabet)
except ValueError as error:
    print("ValueError:", error)

# %% [markdown]
# *Diagnosis.* It is refused, in one line. That is not as simple as it sounds, for English words *can* be spelt with German
# letters. What gives them away is that sixty thousand words do without a single Ä, Ö or Ü. A search with them would find
# English words, and never complain.
#
# ## Make it small

# %%
calibration = [features(read_audio(clip.path)) for clip in mine.utterances[::4]]
small = ("crnn.dynamic.tflite", "crnn.fast.onnx")
reports = quantize(RUN / "model" / "best.keras", RUN / "small", calibration, small)
for name in ("crnn.keras", *small):
    each = Recognizer.load(RUN / "small" / name)
    assert each.alphabet == alphabet
    heard = [each.transcribe(read_audio(clip.path)) for clip in tests["known voices"]]
    size, rate = (RUN / "small" / name).stat().st_size / 1e6, score(said["known voices"], heard)["wer"]
    print(f"{name:20} {size:5.2f} MB   WER {rate:.1%}")

# %% [markdown]
# A quarter of the bytes, the same words, and its letters inside. Say something to it, in any voice you like:

# %%
recognizer = Recognizer.load(RUN / "small" / "crnn.fast.onnx")
sentence = say(rules, rng)
samples = speak(sentence, LANGUAGE, "f5", speed=150)
print(recognizer.transcribe(samples, fused))
HTML(player_html(samples, sentence))

# %% [markdown]
# ## Which letters are hard?
#
# The new words tell, because nothing else than the ear is of any help there. Lay what was said beside what was heard
# (`jiwer` finds the shortest way from one to the other), and count for each letter how often it was lost, and how often
# taken for which other.


# %%
def confusions(said, heard):
    """Return {(letter said, letter heard): how often}, "" where nothing was heard; right ones among them."""
    found = Counter()
    output = jiwer.process_characters(said, heard)
    for chunks, a, b in zip(output.alignments, output.references, output.hypotheses, strict=True):
        for chunk in chunks:
            one = a[chunk.ref_start_idx : chunk.ref_end_idx]
            other = b[chunk.hyp_start_idx : chunk.hyp_end_idx] or [""] * len(one)
            found.update(zip(one, other, strict=False))
    return found


# %%
found = confusions(said["new words"], greedy_texts["new words"])
total, lost, others = Counter(), Counter(), {}
for (letter, heard), times in found.items():
    total[letter] += times
    if heard == "":
        lost[letter] += times
    elif heard != letter:
        others.setdefault(letter, Counter())[heard] += times

# %%
wrong = {letter: (lost[letter] + others.get(letter, Counter()).total()) / total[letter] for letter in total}
often = [letter for letter in total if letter != " " and total[letter] >= len(tests["new words"]) / 5]
hardest = sorted(often, key=wrong.get, reverse=True)[:12]
gone = [100 * lost[letter] / total[letter] for letter in hardest]
taken = [100 * wrong[letter] - share for letter, share in zip(hardest, gone, strict=True)]

# %%
alt = f"the hardest letters, and how many of a hundred are lost or taken for others: {' '.join(hardest)}"
figure, ax = plots.new(size=(8, 3.8), alt=alt)
ax.barh(hardest, gone, color=plots.GREY, label="lost")
ax.barh(hardest, taken, left=gone, color=plots.ORANGE, label="taken for another (often for …)")
for place, letter in enumerate(hardest):
    for other, times in others.get(letter, Counter()).most_common(1):
        if times > 0.15 * total[letter]:
            ax.text(100 * wrong[letter] + 1, place, other, va="center", color=plots.ORANGE)
ax.invert_yaxis()
ax.set(title="of a hundred such letters in new words, so many go wrong", xlim=(0, 105))
ax.legend(loc="lower right")
plots.save(figure, "11_hard_letters")

# %% [markdown]
# A few letters go wrong nearly always, and many of these are simply not written. But why these? First guess: they were
# rare in the training.

# %%
practice = Counter("".join(clip.text for clip in mine.utterances))
for letter in hardest[:8]:
    print(f"{letter}: {practice[letter]:5} times in the training, {wrong[letter]:.0%} wrong in new words")

# %% [markdown]
# That is a part of it, no more: German's G came twice as often as its K, and is worse. Second guess: it knows a letter only
# in the company that it met it in, the T of *Tür* before an Ü. Is a letter better off if some word of the training has it
# between the same two neighbours?

# %%
words = {word for clip in mine.utterances for word in clip.text.split()}
met = {f" {word} "[place : place + 3] for word in words for place in range(len(word))}
company = {True: [], False: []}
output = jiwer.process_characters(said["new words"], greedy_texts["new words"])
for chunks, letters in zip(output.alignments, output.references, strict=True):
    right = {n for chunk in chunks if chunk.type == "equal" for n in range(chunk.ref_start_idx, chunk.ref_end_idx)}
    text = f" {''.join(letters)} "
    for place, letter in enumerate(letters):
        if letter != " ":
            company[text[place : place + 3] in met].append(place not in right)

# %%
for known, mistakes in company.items():
    neighbours = "neighbours as in training" if known else "new neighbours"
    print(f"{neighbours:26} {np.mean(mistakes):.0%} of {len(mistakes)} letters wrong")

# %% [markdown]
# Much better. So it did not learn letters. It learned pieces of a hundred words, and a letter between strangers is a
# stranger. What this corpus lacks is neither sentences nor voices, but *words*.
#
# Third guess: the ear was right, and the spelling is not what one hears. eSpeak can tell which sounds it made, in the
# letters of the International Phonetic Alphabet (IPA). Which wrong words sound exactly like the right ones?


# %%
def ipa(word):
    return re.sub("[ˈˌː]", "", sounds(word.lower(), LANGUAGE))  # without stress and length


# %%
output = jiwer.process_words(said["new words"], greedy_texts["new words"])
swapped = Counter()
for chunks, a, b in zip(output.alignments, output.references, output.hypotheses, strict=True):
    for chunk in chunks:
        if chunk.type == "substitute":
            swapped.update(zip(a[chunk.ref_start_idx : chunk.ref_end_idx], b[chunk.hyp_start_idx :], strict=False))
alike = {pair: times for pair, times in swapped.items() if ipa(pair[0]) == ipa(pair[1])}

# %%
print(f"{sum(alike.values())} of {swapped.total()} wrong words sound exactly like what was said")
for (word, heard), times in sorted(alike.items(), key=lambda pair: -pair[1])[:8]:
    print(f"  {times:2} × {word} → {heard}   [{ipa(word)}]")

# %% [markdown]
# In German a D at the end of a word is spoken as T. Nobody can hear the difference: who writes UND has learned the word.
# Here no voice helps, only text. That is what a language model of many texts is for (notebook 07).
#
# Each language has its own traps of that kind. French is full of letters that nobody says. Polish writes one sound as RZ
# and as Ż. In Spanish, B and V are one sound. Change the line at the top and look.
#
# ## Exercises
#
# Write into the empty cells and let `check` judge: it says what is right, and gives a hint where something is not.
# [All of them solved](../notebooks/solutions/11_your_language.ipynb).

# %% [markdown] tags=["exercise"]
# ### Exercise 11.1 · How many sentences?
#
# *medium · 10 minutes*
#
# How many ways are there to fill the slot `sentence`? Write a function of `rules`, as `read_grammar` returns them, that
# counts them, each way of filling once. The answer is the function. Then ask it about `rules`.


# %% tags=["solution"]
def count(rules, text="{sentence}"):
    ways = 1
    for slot in re.findall(r"{(\w+)}", text):
        ways *= sum(count(rules, each) for each in rules[slot])
    return ways


answer = count
print(f"{count(rules):,} sentences")

# %% tags=["check"]
check("11.1", answer)

# %% [markdown] tags=["exercise"]
# ### Exercise 11.2 · A letter from abroad
#
# *medium · 12 minutes*
#
# A German corpus has the word CAFÉ, and É is not in its alphabet. Write a function of a text (in capitals) and an
# `Alphabet`. It replaces each letter that the alphabet lacks by the same letter without its marks, where the alphabet has
# that, and leaves all others alone. NFD puts the bare letter first. The answer is the function.


# %% tags=["solution"]
def fold(text, alphabet):
    bare = {character: unicodedata.normalize("NFD", character)[0] for character in text}
    known = set(alphabet.characters)
    return "".join(bare[c] if c not in known and bare[c] in known else c for c in text)


answer = fold
print(fold("CAFÉ", alphabet), fold("SEÑOR", alphabet), fold("MÜNCHEN", alphabet))

# %% tags=["check"]
check("11.2", answer)

# %% [markdown] tags=["exercise"]
# ### Exercise 11.3 · What does a letter cost?
#
# *easy · 5 minutes*
#
# By how many parameters does the network of this notebook (2 × BiLSTM-128) grow if the alphabet gets one letter more?
# Think first. Then ask `new_model(PROFILES["fast"], alphabet=…)` of `asr_helpers.training`, with two alphabets.

# %% tags=["solution"]
from asr_helpers.training import new_model

sizes = [new_model(PROFILES["fast"], alphabet=Alphabet(letters)).count_params() for letters in (" AB", " ABC")]
answer = sizes[1] - sizes[0]
print(answer, "of", f"{sizes[1]:,}")

# %% tags=["check"]
check("11.3", answer)

# %% [markdown] tags=["exercise"]
# ## Capstone
#
# ### Exercise language · A language that is not on the list
#
# *hard · 60 minutes, and training on top*
#
# eSpeak NG speaks Finnish, Greek, Swahili, Vietnamese, and a hundred more. Write a grammar for one that you know: `xx.txt`
# in `data/grammars`, with the code that eSpeak knows the language by, and with a slot `new`. Change the line at the top,
# run it all, and look at the hard letters. Are they the ones that children find hard? The answer is two paths, of the
# model and of the folder of its test corpus. At least 30 sentences with 40 words, and at most a quarter of the words
# wrong.

# %% tags=["solution"]
trained = PROFILE != "ci"  # here, the language of above stands in
answer = (RUN / "small" / "crnn.fast.onnx", RUN / "test") if trained else ...

# %% tags=["check"]
check("language", answer)

# %% [markdown] tags=["quiz"]
# ## Quiz
#
# **1. Why must the alphabet be known before the network is built?**
#
# - [ ] so that it can be trained faster | The speed hardly depends on it.
# - [x] the last layer has one output for each letter | And one for the blank, the last.
# - [ ] the spectrogram depends on it | It knows no letters.
#
# **2. A corpus holds Ü both as one character and as U with a mark. What happens, if nobody composes them?**
#
# - [x] the same sound has two spellings | The network must guess which one, and half of the guesses count as errors.
# - [ ] nothing: they look the same | To the eye. To the computer they are different texts.
# - [ ] the program stops | It would be better if it did.
#
# **3. WER is 3 % on new sentences, and 90 % on new words. What has the network learned?**
#
# - [ ] nothing: one of the figures is wrong | Both are right.
# - [ ] the language | Then it could spell new words, too.
# - [x] to tell the words of the grammar apart | A test with known words only cannot see the difference.
#
# **4. It writes UNT for UND. Which remedy helps most?**
#
# - [ ] more voices | They all say it with a T.
# - [x] more text: a language model that knows the word | The ear is right; what is missing is the spelling.
# - [ ] a better microphone | There is no difference to be heard.
#
# **5. Why is an English language model refused for a German model?**
#
# - [x] none of its words has a letter that German has and English lacks | So it is of another language, although its words could be spelt.
# - [ ] it has too many words | That would only be slow.
# - [ ] its file has another format | Both formats are read.

# %% [markdown]
# ## Recap
#
# - A page of grammar and a synthesiser make a corpus for any of a hundred languages, in a minute.
# - The alphabet comes from the transcripts, composed and in capitals; it travels inside the model's file.
# - A model and a language model have to be of one language; one line says so if they are not.
# - New sentences of known words are easy. New words show what has been learned.
# - A letter is hard where it is rare, where its neighbours are new, and where it is not spelt as it sounds. Against the
#   last, text helps, not sound.
#
# With recordings of your own language, from a terminal:
#
# ```
# asr import COMMON_VOICE --out corpus --language de
# asr train --train corpus --valid more --run runs/de --alphabet auto
# asr lm TEXT --alphabet runs/de/best.keras --out runs/de.arpa.gz
# asr transcribe RECORDING --model runs/de/best.keras --lm runs/de.arpa.gz
# ```
#
# ## Further reading
#
# - [eSpeak NG](https://github.com/espeak-ng/espeak-ng): the synthesiser, its languages and how to add one.
# - [Common Voice](https://commonvoice.mozilla.org): recordings of people in more than a hundred languages, to download.
# - [Unicode normalization forms](https://unicode.org/reports/tr15/): when two texts are the same.
# - [Pratap and others (2020), *MLS*](https://arxiv.org/abs/2012.03411): read books in eight languages, as LibriSpeech.
# - [Pratap and others (2023), *MMS*](https://arxiv.org/abs/2305.13516): one network for a thousand languages, with CTC and letters.
#
# Next: [12 · Your voice](12_your_voice.ipynb), the English network again, and one person whom it does not understand yet.
