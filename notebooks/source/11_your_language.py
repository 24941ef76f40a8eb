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
# Here are six languages, each from a grammar that fits on one page. Choose one, and watch a network learn to write it from
# random weights, with the letters that English lacks.

# %% jupyter={"source_hidden": true}
import random
import re

from IPython.display import HTML

from asr_helpers.corpus import data_dir
from asr_helpers.own_data import speak
from asr_helpers.show.widgets import player_html


def read_grammar(text):
    """Return {slot: its alternatives}; a slot may have several lines."""
    rules = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            slot, _, alternatives = line.partition(": ")
            rules.setdefault(slot, []).extend(alternatives.split(" | "))
    return rules


rows = []
for path in sorted((data_dir() / "grammars").glob("*.txt")):
    sentence = read_grammar(path.read_text(encoding="utf-8"))["new"][0]
    rows.append(f"<b>{path.stem}</b> {player_html(speak(sentence, path.stem, 'f2', speed=150), sentence)}")
HTML("<div style='display:grid;gap:4px'>" + "".join(rows) + "</div>")

# %% [markdown] tags=["about"]
# | | |
# |---|---|
# | **Objectives** | write a small grammar and make a corpus of it · find an alphabet, and know what breaks without it · train, decode and shrink a recogniser of another language · see which letters are hard, and why · say what a low error rate does not show |
# | **Needs** | notebooks 05 to 08; the extra `language`, which `make lab` installs (eSpeak NG, GPL 3); no network, no GPU |
# | **Minutes** | ci: under 1 · fast, workshop, full: 4 (the same small network in all three) |

# %% [markdown]
# The next two cells hold the imports.

# %% jupyter={"source_hidden": true}
import os
import shutil
import time
import unicodedata
from collections import Counter
from dataclasses import replace
from pathlib import Path

import jiwer
import numpy as np
import soundfile

from asr_helpers.batches import load_speech
from asr_helpers.corpus import load_corpus
from asr_helpers.export import quantize
from asr_helpers.own_data import sounds
from asr_helpers.recognizer import Recognizer

# %% jupyter={"source_hidden": true}
from asr_helpers.show import plots
from asr_helpers.show.plots import live_curves
from asr_helpers.sound import features, read_audio
from asr_helpers.teaching import check
from asr_helpers.text import ENGLISH, Alphabet
from asr_helpers.training import PROFILES, train
from asr_helpers.words import FastBeamSearch, best_text, character_errors, estimate, shipped_lm, word_errors

# %% [markdown]
# This is the one line to change. The text below follows German. `es` (Spanish), `fr` (French), `pl` (Polish), `tr`
# (Turkish) and `uk` (Ukrainian) work as well. Change the line, then choose *Run → Run All Cells*.

# %%
LANGUAGE = "de"

# %% jupyter={"source_hidden": true}
PROFILE = os.environ.get("ASR_PROFILE", "fast")
RUN = Path(os.path.relpath(data_dir().parent / "runs" / f"11-{LANGUAGE}-{PROFILE}"))
TRAIN, VALID, TEST = (24, 12, 12) if PROFILE == "ci" else (360, 48, 96)
shutil.rmtree(RUN, ignore_errors=True)
plots.style()
print(f"profile {PROFILE}, language {LANGUAGE}: {TRAIN} sentences to learn from")

# %% [markdown]
# ## What should it understand?
#
# A network learns from speech and its text. If you have neither, make some: a *grammar* defines the sentences, and a speech
# synthesiser says them. Here is the whole grammar.

# %%
grammar = (data_dir() / "grammars" / f"{LANGUAGE}.txt").read_text(encoding="utf-8")
print(grammar)


# %% [markdown]
# Each line is a slot and its alternatives; `read_grammar`, in the first cell, makes a dictionary of them. To make a
# sentence, fill the slot `sentence` with one of its alternatives, then every slot in that, until no slot is left.


# %%
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
# No sentence comes twice. So the test sentences are not in the training, although all of their words are. A hundred words
# make thousands of sentences: exercise 11.1 counts them.
#
# ## Who speaks?
#
# eSpeak NG speaks more than a hundred languages, all with the same voices. We train on twelve, *m1* to *m8* and *f1* to
# *f4*. Two more are kept for the test, as strangers: *f5* is built like the twelve, and *klatt* is another synthesiser, of
# 1980. Listen to the twelve, then to the strangers.

# %%
VOICES = [f"m{number}" for number in range(1, 9)] + [f"f{number}" for number in range(1, 5)]
STRANGERS = ["f5", "klatt"]
players = [player_html(speak(sentences[0], LANGUAGE, voice), voice) for voice in [*VOICES, *STRANGERS]]
HTML(f"<p>{sentences[0]}</p><div style='display:grid;grid-template-columns:1fr 1fr'>{''.join(players)}</div>")

# %% [markdown]
# These are not people. Synthetic error rates show that the pipeline works; only human recordings show how well it works.
# The pipeline is the same for both: with recordings of your own, begin at *Which letters?*.
#
# ## A corpus
#
# The voices take turns. Each sentence gets its own pace and pitch, or the network would learn those by heart, too. Folders
# and files follow LibriSpeech's layout (notebook 01), so that every `asr` command can read them.


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
# We make five corpora: one to learn from, one to choose the weights with, and three to test on. The last one takes the slot
# `new` of the grammar: a dozen everyday sentences whose words the network has never heard.

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
# The network's last layer has one output for each letter, and one for the blank of CTC (notebook 05). So we must know the
# letters before we build it. We take them from the texts. Text costs nothing here, so let us make three thousand more
# sentences. None is spoken: they are for the letters, and later for the language model.

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
# We keep capitals only, as LibriSpeech does, because nobody hears whether a letter is a capital. German *ß* becomes
# SS. Turkish needs more care: its *i* becomes İ, because I is the capital of another letter (*ı*). Python's `upper`
# does not know that, and the helper does. Where *in plain capitals* and *what the helper finds* differ, this is why.
#
# From here on the alphabet travels with the model. The `.keras` file stores it, and so does every smaller file made from
# that.
#
# ## Break it: one letter or two?
#
# What looks like one letter can be stored as two characters: a letter, and a mark to put on it. We take a word of the
# grammar apart. (Unicode calls the composed form NFC and the decomposed form NFD.)

# %%
whole = next(word for word in " ".join(texts).split() if len(unicodedata.normalize("NFD", word)) > len(word))
pieces = unicodedata.normalize("NFD", whole)
print(whole, len(whole), "·", pieces, len(pieces), "· equal:", whole == pieces)
print("as transcripts:", alphabet.normalize(whole) == alphabet.normalize(pieces))

# %% [markdown]
# *Diagnosis.* Both look the same on the screen, and are different texts. Some systems decompose letters and others do not,
# so a corpus from several sources holds both forms. The network then has to learn two spellings of one sound, and whichever
# it writes is sometimes an error. So the helper composes every text first.
#
# ## Break it: with English letters
#
# What if we forget the alphabet, and read the corpus as an English one?

# %%
mine, theirs = load_corpus(RUN / "train", alphabet=alphabet), load_corpus(RUN / "train")
print(f"{len(mine)} clips with its own letters, {len(theirs)} with the English ones")
print(theirs.problems[0] if theirs.problems else "nothing was left out")

# %% [markdown]
# *Diagnosis.* Every clip that cannot be spelt is left out, with a line that says why. Nothing stops: if a few sentences need
# none of these letters, a network can train on those few. So read the lines. From a terminal, `asr train … --alphabet auto`
# finds the letters as above.
#
# ## Train
#
# This is the small network of notebook 06, with one output for each class, and the same recipe. Its weights are random.

# %%
recipe = replace(PROFILES["ci" if PROFILE == "ci" else "fast"], epochs=2 if PROFILE == "ci" else 16)
speech, valid = (load_speech(RUN / name, alphabet=alphabet) for name in ("train", "valid"))
print(speech.summary(), valid.summary(), sep="\n")

# %%
start = time.perf_counter()
history = train(speech, valid, RUN / "model", recipe, sentences=1, every=4, callbacks=[live_curves(RUN / "model")])
seconds = time.perf_counter() - start
heard = speech.seconds * recipe.epochs
saved = plots.save(plots.learning_curves(history), "11_curves")
print(f"{seconds / 60:.1f} minutes for {heard / 60:.0f} minutes of sound: {heard / seconds:.0f} seconds a second")

# %% [markdown]
# ## What was learned?
#
# There are three tests: new sentences by the twelve voices, new sentences by the two strangers, and sentences of new words.

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
    rates = {name: word_errors(said[name], texts[name]) for name in texts}
    for name, rate in rates.items():
        letters = character_errors(said[name], texts[name])
        print(f"{name:15} WER {rate.summary()}; CER {letters.rate:.1%}")
    return texts, rates


# %%
greedy_texts, greedy_rates = measure(model.greedy)
for name in tests:
    print(f"\n{name}\n    said   {said[name][4]}\n    heard  {greedy_texts[name][4]}")

# %% [markdown]
# You would put the first line on a poster. The last line shows what it is worth: the network knows a hundred words by their
# sound, and cannot spell. A test in which every word is known does not show the difference. The same is true of human
# speech, where it is harder to notice. So ask of every error rate which words the test shares with the training.
#
# The strangers are in between. A thirteenth voice of the same kind is hardly a stranger at all. Another synthesiser is
# one: twelve voices of one kind were too few for it. (Where a test has no error, the *rule of three* bounds its rate:
# with no error in N words, it is below 3/N with 95 % confidence.)
#
# ## A language model of its own
#
# We estimate it from the three thousand sentences, without those that we test on. From a terminal, for a text file: `asr lm
# TEXT --alphabet MODEL.keras --out FILE`.

# %%
tested = set(shares[2] + shares[3])
material = [alphabet.normalize(written(sentence)) for sentence in more if sentence not in tested]
own = RUN / "own.arpa.gz"
estimate(material).write(own)
fused = best_text(FastBeamSearch(own, alphabet=alphabet))
fused_texts, fused_rates = measure(fused)

# %% jupyter={"source_hidden": true}
alt = "word error rates: near zero for known voices, high for klatt, highest for new words; the n-gram helps all but these"
caption = "An n-gram corrects words that it knows. Nothing corrects words that nobody taught."
figure, ax = plots.new(size=(7, 3), alt=alt, caption=caption)
places = np.arange(len(tests))
for shift, rates, label in ((-0.2, greedy_rates, "greedy"), (0.2, fused_rates, "with its n-gram")):
    values = [100 * rate.rate for rate in rates.values()]
    ends = [rate.interval() if rate.errors.any() else (0, 3 / rate.lengths.sum()) for rate in rates.values()]
    bars = ax.barh(places + shift, values, 0.38, label=label)
    for place, value, (low, high) in zip(places + shift, values, ends, strict=True):
        ax.plot([100 * low, 100 * high], [place, place], color=plots.GREY)
        ax.text(max(100 * high, value) + 1, place, f"{value:.0f}", va="center")
ax.set_yticks(places, list(tests))
ax.set(xlabel="word error rate, % (grey: 95 % intervals)", xlim=(0, 115))
ax.invert_yaxis()
ax.legend(loc="upper right")
plots.save(figure, "11_error_rates")

# %% [markdown]
# Where the words are known, the n-gram corrects most of the remaining errors. Where they are not, it can only write known
# words instead:

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
# *Diagnosis.* It is refused, in one line. That needs a rule, because English words *can* be spelt with German letters. What
# gives them away is that sixty thousand words contain not one Ä, Ö or Ü. Without the rule, the search would write English
# words and never complain.
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
    size, rate = (RUN / "small" / name).stat().st_size / 1e6, word_errors(said["known voices"], heard)
    print(f"{name:20} {size:5.2f} MB   WER {rate.summary()}")

# %% [markdown]
# The smallest file has a quarter of the bytes, and the letters inside. Let any voice say something to it:

# %%
recognizer = Recognizer.load(RUN / "small" / "crnn.fast.onnx")
sentence = say(rules, rng)
samples = speak(sentence, LANGUAGE, "f5", speed=150)
print(recognizer.transcribe(samples, fused))
HTML(player_html(samples, sentence))

# %% [markdown]
# It runs in a web page, too. `asr web` writes a folder of static files with your own language's recogniser in it: put it on
# any web server, open it on a phone, and speak. Notebook 15 shows how that works.
#
# ## Which letters are hard?
#
# The new words answer that, because only the ear helps with them. `jiwer` finds a shortest alignment of what was said and
# what was heard. We count for each letter how often it was lost, and how often it was taken for which other letter.


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


# %% jupyter={"source_hidden": true}
found = confusions(said["new words"], greedy_texts["new words"])
total, lost, others = Counter(), Counter(), {}
for (letter, heard), times in found.items():
    total[letter] += times
    if heard == "":
        lost[letter] += times
    elif heard != letter:
        others.setdefault(letter, Counter())[heard] += times

# %% jupyter={"source_hidden": true}
wrong = {letter: (lost[letter] + others.get(letter, Counter()).total()) / total[letter] for letter in total}
often = [letter for letter in total if letter != " " and total[letter] >= len(tests["new words"]) / 5]
hardest = sorted(often, key=wrong.get, reverse=True)[:12]
gone = [100 * lost[letter] / total[letter] for letter in hardest]
taken = [100 * wrong[letter] - share for letter, share in zip(hardest, gone, strict=True)]

# %% jupyter={"source_hidden": true}
alt = f"the hardest letters in new words, {' '.join(hardest)}: what share of each is lost or taken for another letter"
figure, ax = plots.new(size=(7, 4), alt=alt, caption="A few letters nearly always go wrong in new words.")
ax.barh(hardest, gone, color=plots.GREY, label="lost")
ax.barh(hardest, taken, left=gone, color=plots.ORANGE, label="taken for another (→ the most frequent one)")
for place, letter in enumerate(hardest):
    for other, _ in others.get(letter, Counter()).most_common(1):
        ax.text(100 * wrong[letter] + 1, place, f"→ {other if other != ' ' else 'space'}", va="center")
ax.invert_yaxis()
ax.set(xlabel="errors in a hundred such letters, in new words", xlim=(0, 112))
figure.legend(loc="outside upper left", ncols=2)
plots.save(figure, "11_hard_letters")

# %% [markdown]
# A few letters nearly always go wrong, and many of these are not written at all. Why these? First guess: they were rare in
# the training.

# %%
practice = Counter("".join(clip.text for clip in mine.utterances))
for letter in hardest[:8]:
    print(f"{letter}: {practice[letter]:5} times in the training, {wrong[letter]:.0%} wrong in new words")

# %% [markdown]
# That is only a part of the answer: in German, G came twice as often as K, and does worse. Second guess: the network knows
# a letter only in contexts it was trained on, such as the T of *Tür* before an Ü. Does a letter do better if some word of
# the training has it between the same two neighbours?

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
# It does much better. So the network did not learn letters. It learned pieces of a hundred words. This corpus has
# enough sentences and enough voices. It lacks *words*.
#
# Third guess: the ear was right, and the spelling does not follow the sound. eSpeak can list the sounds that it makes, in
# the International Phonetic Alphabet (IPA). Which wrong words sound exactly like the right ones?


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
# That explains only a few of the errors, but no other cause is as stubborn. In German, a D at the end of a word is
# spoken as T. Nobody can hear the difference: you write UND because you know the word. More voices do not help here,
# only text does. That is what a language model of many texts is for (notebook 07).
#
# Every language has its own traps of this kind. French is full of silent letters. Polish writes one sound as RZ and as Ż.
# In Spanish, B and V are one sound. Change the line at the top and look.
#
# ## Exercises
#
# Write into the empty cells and let `check` judge your answer. It says what is right, and gives a hint where something is
# not. [All of them solved](../notebooks/solutions/11_your_language.ipynb).

# %% [markdown] tags=["exercise"]
# ### Exercise 11.1 · How many sentences?
#
# *medium · 10 minutes*
#
# In how many ways can the slot `sentence` be filled? Write a function of `rules`, as `read_grammar` returns them, that
# counts each way once. The answer is the function. Then ask it about `rules`.


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
# `Alphabet`. It replaces each letter that the alphabet lacks by the same letter without its marks, if the alphabet has that
# letter, and leaves all others unchanged. NFD puts the bare letter first. The answer is the function.


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
# By how many parameters does a network grow if its alphabet gains one letter? Write a function of the units of the last
# BiLSTM (128 here). The answer is the function. Think first. Then compare it with what
# `new_model(PROFILES["fast"], alphabet=…)` of `asr_helpers.training` counts for two alphabets.

# %% tags=["solution"]
from asr_helpers.training import new_model


def one_more_letter(units):
    return 2 * units + 1  # a weight for each direction's units, and a bias


answer = one_more_letter
sizes = [new_model(PROFILES["fast"], alphabet=Alphabet(letters)).count_params() for letters in (" AB", " ABC")]
print(one_more_letter(128), "of", f"{sizes[1]:,}; measured: {sizes[1] - sizes[0]}")

# %% tags=["check"]
check("11.3", answer)

# %% [markdown] tags=["exercise"]
# ## Capstone
#
# ### Exercise language · A language that is not on the list
#
# *hard · 60 minutes, and training on top*
#
# eSpeak NG speaks Finnish, Greek, Swahili, Vietnamese, and a hundred more. Write a grammar for a language that you know:
# `xx.txt` in `data/grammars`, with eSpeak's code of the language for `xx`, and with a slot `new`. Change the line at the
# top, run all cells, and look at the hard letters. Are they the ones that children find hard? The answer is two paths: the
# model, and the folder of its test corpus. That needs at least 30 sentences of at least 40 different words, and at most a
# quarter of the words may be wrong.

# %% tags=["solution"]
trained = PROFILE != "ci"  # here, the language of above stands in
answer = (RUN / "small" / "crnn.fast.onnx", RUN / "test") if trained else ...

# %% tags=["check"]
check("language", answer)

# %% [markdown]
# ### Open task · What would it take for people?
#
# *40 minutes; no check can judge it, so let somebody read it*
#
# This notebook's network understands synthetic voices and a hundred words. Write a plan of one page that takes your language
# from here to a recogniser for people. Measure at least one thing for it: the words of a text that the grammar lacks, the
# letters of a Common Voice transcript, the minutes that `asr doctor` predicts.
#
# | A good answer | Points |
# |---|---|
# | says how much speech and text there is for the language, with the source and the licence of each | 3 |
# | describes a test set: which speakers, which words, and why none of it is in the training | 3 |
# | has a measurement of its own, with the command that made it | 2 |
# | names the three letters or spellings that it expects to be hard, and what each needs: speech, words or text | 2 |

# %% [markdown] tags=["quiz"]
# ## Quiz
#
# **1. Why must the alphabet be known before the network is built?**
#
# - [ ] so that it can be trained faster | The speed hardly depends on it.
# - [x] the last layer has one output for each letter | And a last one for the blank.
# - [ ] the spectrogram depends on it | It knows no letters.
#
# **2. A corpus contains Ü both as one character and as U with a mark. What happens if nobody composes them?**
#
# - [x] the same sound has two spellings | The network must guess between them, and wrong guesses count as errors.
# - [ ] nothing: they look the same | To the eye. To the computer they are different texts.
# - [ ] the program stops | It would be better if it did.
#
# **3. WER is 3 % on new sentences, and 90 % on new words. What has the network learned?**
#
# - [ ] nothing: one of the numbers must be wrong | Both are right.
# - [ ] the language | Then it could spell new words, too.
# - [x] to tell the words of the grammar apart | A test of known words alone cannot show the difference.
#
# **4. It writes UNT for UND. Which remedy helps most?**
#
# - [ ] more voices | They all say it with a T.
# - [x] more text: a language model that knows the word | The ear is right; only the spelling is missing.
# - [ ] a better microphone | There is no difference to hear.
#
# **5. Why is an English language model refused for a German model?**
#
# - [x] none of its words has a letter that German has and English lacks | So it belongs to another language, although its words could be spelt.
# - [ ] it has too many words | That would only be slow.
# - [ ] its file has another format | Both formats are read.

# %% [markdown]
# ## Recap
#
# - A page of grammar and a synthesiser make a corpus in any of a hundred languages, in a minute.
# - The alphabet comes from the transcripts, composed and in capitals. It travels inside the model's file.
# - A model and its language model must share a language. If they do not, one line says so.
# - New sentences of known words are easy. New words show what the network has learned.
# - A letter is hard where it is rare, where its neighbours are new, and where the spelling does not follow the sound. In the
#   last case text helps, and sound does not.
#
# With recordings of your own language, from a terminal:
#
# ```
# asr import COMMON_VOICE --out corpus --language de
# asr train --train corpus --valid more --run runs/de --alphabet auto
# asr lm TEXT --alphabet runs/de/best.keras --out runs/de.arpa.gz
# asr transcribe RECORDING --model runs/de/best.keras --lm runs/de.arpa.gz
# asr web runs/de/best.keras --lm runs/de.arpa.gz --out page
# ```
#
# ## Further reading
#
# - [eSpeak NG](https://github.com/espeak-ng/espeak-ng): the synthesiser, its languages and how to add one.
# - [Common Voice](https://commonvoice.mozilla.org): recordings of people in more than a hundred languages, to download.
# - [Unicode normalization forms](https://unicode.org/reports/tr15/): when two texts count as equal.
# - [Pratap and others (2020), *MLS*](https://arxiv.org/abs/2012.03411): books read aloud in eight languages, as in LibriSpeech.
# - [Pratap and others (2023), *MMS*](https://arxiv.org/abs/2305.13516): one network for a thousand languages, with CTC and letters.
#
# Next: [12 · Your voice](12_your_voice.ipynb), with the English network again, and a speaker that it does not
# understand yet.
