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
# # 07 · Decoding
#
# Click a word to hear it. This notebook turns the network's probabilities into those words, and finds when each was said.

# %% jupyter={"source_hidden": true}
import itertools
import json
import math
import os
import time
from collections import Counter, defaultdict

import jiwer
import numpy as np

from asr_helpers.corpus import data_dir, load_corpus
from asr_helpers.recognizer import Recognizer, shipped_model
from asr_helpers.show import plots, word_diff
from asr_helpers.show.widgets import instrument
from asr_helpers.sound import features, log_mel, read_audio
from asr_helpers.teaching import check
from asr_helpers.text import ALPHABET, BLANK, NUM_CLASSES, decode, encode

PROFILE = os.environ.get("ASR_PROFILE", "fast")
SYMBOLS = ALPHABET.replace(" ", "␣") + "–"  # in print, – is the blank
plots.style()

# %% jupyter={"source_hidden": true}
from asr_helpers.words import (
    FRAME_SECONDS,
    PLATT,
    WEIGHT,
    FastBeamSearch,
    Fusion,
    advance,
    align,
    beam_search,
    collapse,
    default_decoder,
    estimate,
    greedy,
    log_likelihood,
    paired_difference,
    shipped_lm,
    viterbi,
    word_errors,
)

# %%
recognizer, decoder = Recognizer.load(shipped_model()), default_decoder()
people = load_corpus(data_dir() / "real").utterances
clip = next(each for each in people if "CRUCIFIX" in each.text)
samples = read_audio(clip.path)
outputs = recognizer.audio_log_probs(samples)
picture = plots.words_in_time(align(outputs, decoder(outputs)), log_mel(samples), "as the recogniser heard it")
instrument(samples, recognizer, label="a sentence from an audiobook", picture=picture, unfolded=True)

# %% [markdown] tags=["about"]
# | | |
# |---|---|
# | **Objectives** | read a text off the network's output by hand · build prefix beam search · estimate an n-gram and fuse it with the search · compare two decoders with a paired interval · align words with sound and judge their confidence |
# | **Needs** | the idea of CTC ([notebook 05](05_crnn_and_ctc.ipynb)); the shipped models; no network, no GPU |
# | **Minutes** | ci, fast, workshop, full: 1 |

# %% [markdown]
# A wavy line marks a word that the recogniser doubts; point at a word to read how probably it is right. What was said, and
# what does the network alone make of it?

# %%
word_diff(clip.text, {"network alone": greedy(outputs), "as above": decoder(outputs)})

# %% [markdown]
# The network knows letters, not words. What lies between the two rows is this notebook's subject.
#
# ## What does the network say, moment by moment?
#
# For each 40 ms it gives the probabilities of 28 characters and the blank. The harbour radio of the embedded corpus is
# easier to begin with. The network hears 55 of its sentences once; most of this notebook works on the numbers that come out.

# %%
dev = load_corpus(data_dir() / "mini" / "dev-mini").utterances[:: 4 if PROFILE == "ci" else 1]
inputs = [features(read_audio(each.path)) for each in dev]
outputs = [recognizer.log_probs(each) for each in inputs]
references = [each.text for each in dev]
print(len(dev), "clips; the first:", inputs[0].shape, "→", outputs[0].shape)

# %% [markdown]
# We look closely at a clip that greedy decoding gets wrong and `default_decoder`, the default of `asr transcribe`, gets
# right.

# %% jupyter={"source_hidden": true}
greedy_texts = [greedy(each) for each in outputs]
beam_texts = [beam_search(each, 64)[0].text for each in outputs]
improved = [i for i, said in enumerate(references) if greedy_texts[i] != said == decoder(outputs[i])]
assert improved, "no clip is wrong by greedy decoding and right by the default decoder"
chosen = max(improved, key=lambda i: beam_texts[i] != greedy_texts[i])  # best one where plain beam search differs, too

# %%
samples, log_probs = read_audio(dev[chosen].path), outputs[chosen]
picture = plots.save(plots.posteriors(log_probs, inputs[chosen], references[chosen]), "07_posteriors")
instrument(samples, recognizer, label=references[chosen].lower(), picture=picture, unfolded=True)

# %% [markdown]
# Each row below the spectrogram is a letter, and the last is the blank, –. Point at a letter, and its moments light up:
# most letters are heard for one frame or two, and a blank keeps the two Ls of *I'LL* apart. Compare the rows of A and O in
# the last word.

# %% [markdown]
# ## How do you read a text off that?
#
# The simplest way: take the most probable symbol of each frame.

# %%
path = log_probs.argmax(axis=1)
print("".join(SYMBOLS[k] for k in path))

# %% [markdown]
# A character held over several frames is *one* character, so first merge repeats. Then drop the blanks: they have
# separated what had to be kept apart.

# %%
merged = [k for k, _ in itertools.groupby(path)]
kept = [k for k in merged if k != BLANK]
print("".join(SYMBOLS[k] for k in merged))
print("".join(SYMBOLS[k] for k in kept))
assert decode(kept) == greedy(log_probs)

# %% [markdown]
# This is *greedy decoding*, and the helper `greedy` does the same.
#
# ## Is the best path the best text?
#
# Take a toy: two frames, two symbols, and the blank is a little more probable than A.

# %%
frames = [{"A": 0.4, "–": 0.6}, {"A": 0.4, "–": 0.6}]
total = defaultdict(float)
for first, second in itertools.product("A–", repeat=2):
    text = "A" if "A" in (first, second) else ""
    total[text] += frames[0][first] * frames[1][second]
    print(first + second, f"{frames[0][first] * frames[1][second]:.2f}", f"spells “{text}”")
print({text: round(value, 2) for text, value in total.items()})

# %% [markdown]
# The best single path is two blanks, so greedy decoding says nothing. But three of the four paths spell A, and together
# they are more probable. **A text's probability is the sum over its paths.** Where the network is sure, one path holds
# nearly all of the sum, and greedy is right. Where it hesitates, the sum decides.
#
# ## Can all paths be summed?
#
# Not one by one: with 29 symbols and 65 frames, the number of paths has 96 digits. *Prefix beam search* goes through the
# frames once and keeps only a few prefixes of texts, the *beam*. All paths that spell the same prefix are summed into one
# entry.
#
# One detail makes it work. From AB, another B gives ABB if the path ended in a blank, but still AB if it ended in the B.
# So an entry is a prefix *and* the label that its paths end in.


# %%
def step(beam, probs, width):
    """Take a beam, {(text, last label): probability}, one frame further."""
    after = defaultdict(float)
    for (text, last), probability in beam.items():
        for label, chance in enumerate(probs):
            same = label in (BLANK, last)  # the text stays as it is
            longer = text if same else text + ALPHABET[label]
            after[longer, label] += probability * chance
    best = sorted(after, key=lambda entry: (-after[entry], entry))
    return {entry: after[entry] for entry in best[:width]}


# %% [markdown]
# Watch it on the toy. It starts from the empty text, with probability 1.

# %%
toy = np.full((2, NUM_CLASSES), -math.inf)
toy[:, ALPHABET.index("A")], toy[:, BLANK] = math.log(0.4), math.log(0.6)
beam = {("", BLANK): 1.0}
for probs in np.exp(toy):
    beam = step(beam, probs, width=3)
    shown = (f"“{text}” ending in {SYMBOLS[last]}: {value:.2f}" for (text, last), value in beam.items() if value)
    print(*shown, sep=" · ")

# %% [markdown]
# The two entries of A add up to 0.64. On half a second of real frames the helper finds the same texts with the same
# probabilities (the folded cell compares them):

# %% jupyter={"source_hidden": true}
part = log_probs[12:24].astype(np.float64)
part[:, ALPHABET.index(" ")] = -math.inf  # the helper treats spaces with more care; here are none
beam, ours = {("", BLANK): 1.0}, defaultdict(float)
for probs in np.exp(part):
    beam = step(beam, probs, width=16)
for (text, _), value in beam.items():
    ours[text] += value
theirs = {each.text: math.exp(each.score) for each in beam_search(part, 16, -math.inf, margin=math.inf)}
assert theirs.keys() == ours.keys() and all(np.isclose(theirs[text], ours[text]) for text in ours)
print({text: f"{value / sum(ours.values()):.0%}" for text, value in list(theirs.items())[:4]})

# %% [markdown]
# The helper adds logarithms, because a product of thousands of probabilities underflows. And it prunes: it skips labels
# below `min_log_prob` in a frame and entries more than `margin` below the best one.
#
# ## Does it help?
#
# `measure`, folded here, decodes all clips and measures the time; `show` prints the word error rate with its interval.


# %% jupyter={"source_hidden": true}
def measure(decode):
    """Return the texts of all clips and the milliseconds that a second of audio takes."""
    start = time.process_time()
    texts = [decode(each) for each in outputs]
    return texts, 1000 * (time.process_time() - start) / sum(each.seconds for each in dev)


def show(name, texts, ms):
    errors = word_errors(references, texts)
    low, high = errors.interval()
    print(f"{name:10} WER {errors.rate:6.1%}  (95 % interval {low:.1%} to {high:.1%})  {ms:6.2f} ms per second")


# %%
show("greedy", *measure(greedy))
for width in (1, 4, 16):
    show(f"beam of {width}", *measure(lambda each, width=width: beam_search(each, width)[0].text))

# %% [markdown]
# Beam search *alone* gains little. It sums the paths of a text better, but it has nothing to go by except the same
# frames. It cannot know that a string of letters is no word.
#
# ## What is a language model?
#
# It says how probable a sentence is before anything is heard. The simplest useful one, an *n-gram* model, predicts each
# word from the few before it, and learns by counting. Which words follow THE in the harbour's training sentences?

# %%
train = [each.text for each in load_corpus(data_dir() / "mini" / "train-mini")]
pairs = Counter()
for sentence in train:
    pairs.update(itertools.pairwise(("<s>", *sentence.split(), "</s>")))
after_the = Counter({second: times for (first, second), times in pairs.items() if first == "THE"})
print(after_the.total(), "times THE, then", after_the.most_common(6), "…")

# %% [markdown]
# Bare counts would call every unseen pair impossible. So we *discount*: we take something off each count and *back off*,
# that is, we give what is left over to all words by their own frequency.

# %%
single, discount = Counter(word for sentence in train for word in sentence.split()), 0.5


def bigram(first, second):
    followers = [times for (a, _), times in pairs.items() if a == first]
    left_over = discount * len(followers) / sum(followers)
    seen = max(pairs[first, second] - discount, 0) / sum(followers)
    return seen + left_over * (single[second] + 1) / (single.total() + len(single) + 1)  # + 1: for unknown words


print({word: f"{bigram('THE', word):.5f}" for word in ("COOK", "SOUP", "THE", "ZEBRA")})

# %% [markdown]
# The helper `estimate` does this for n-grams of any length, with better discounts, *modified Kneser-Ney*
# ([A3](A3_language_model.ipynb) builds them). How well does each length predict dev-mini? *Perplexity* is the number of
# equally probable words that would be as hard to guess from.

# %%
models = {order: estimate(train, order, min_counts=(1,)) for order in (1, 2, 3, 4)}
for order, each in models.items():
    print(f"{order}-gram: {len(each.grams):5} n-grams, perplexity {each.perplexity(references):6.1f}")
lm = models[3]

# %% [markdown]
# ## How do we combine it with the search?
#
# While searching: this is *[shallow fusion](https://arxiv.org/abs/1503.03535)*. The score of a text becomes
#
# > ln P(text | sound) + weight · ln P(words) + word bonus · words + letter bonus · letters
#
# Each word costs some probability, and so does each letter. Without the bonuses the search would prefer short texts of
# few words. The weight and both bonuses are tuned on speech set aside for that. An unknown word scores P(`<unk>`)
# times a constant for each letter, so longer ones cost more.

# %%
fusion = Fusion(lm)
best = beam_search(log_probs, 64, fusion=fusion)[0]
said = best.text.split()
by_ear = log_likelihood(log_probs, encode(best.text))
by_language = fusion.weight * math.log(10) * lm.sentence(said)
bonus = fusion.word_bonus * len(said) + fusion.letter_bonus * len("".join(said))
print(f"sound {by_ear:.2f} + language {by_language:.2f} + bonuses {bonus:.2f} = {by_ear + by_language + bonus:.2f}")
print(f"the search found {best.score:.2f}: {best.text}")

# %% [markdown]
# The search finds a little less, because the paths that it pruned are missing from its sum.
#
# ## How does the tree grow?
#
# The search scores a prefix of a word with the best word that begins so ([look-ahead](../notebooks/GLOSSARY.md#look-ahead)).
# This is all that the language model adds to the loop:


# %%
def grow(log_probs, width, fusion=None):
    """Return the beam after each frame, {text: (score of its sound, score of its language)}."""
    beam, states, history = {("", BLANK): 0.0}, {"": fusion and fusion.start}, []
    for frame in log_probs:
        beam = advance(beam, frame, -5.0)  # the `step` above, in logarithms
        for text, _ in beam:
            if fusion and text not in states:
                states[text] = fusion.extend(states[text[:-1]], text[-1])
        language = {text: fusion.lookahead_score(states[text]) if fusion else 0.0 for text, _ in beam}
        best = sorted(beam, key=lambda entry: -beam[entry] - language[entry[0]])[:width]
        beam, sound = {entry: beam[entry] for entry in best}, defaultdict(lambda: -math.inf)
        for text, last in best:
            sound[text] = np.logaddexp(sound[text], beam[text, last])
        history.append({text: (sound[text], language[text]) for text in sound})
    return history


# %% jupyter={"source_hidden": true}
def shares(texts):
    """Return each text's share of the beam's probability."""
    total = np.logaddexp.reduce([sum(scores) for scores in texts.values()])
    return {text: math.exp(sum(scores) - total) for text, scores in texts.items()}


begin = max(i for i, k in enumerate(path) if SYMBOLS[k] == "␣")  # the last word
before = references[chosen].rsplit(" ", 1)[0] + " "
times = FRAME_SECONDS * np.arange(begin, len(path))
figure, axes = plots.new(
    2, 1, (8, 5.2), "without a language model a word wins that does not exist; with it the right one"
)
for ax, model, title in ((axes[0], None, "the sound alone"), (axes[1], fusion, "with the language model")):
    history = [
        {t.removeprefix(before): p for t, p in shares(now).items() if t.startswith(before)}
        for now in grow(log_probs.astype(float), 8, model)[begin:]
    ]
    plots.prefix_tree(history, times, max(history[-1], key=history[-1].get).strip(), ax, title)
axes[0].set_xlabel("")
plots.save(figure, "07_prefix_tree")

# %% [markdown]
# Each letter stands where its prefix enters the beam; the orange line is the winner. Where the network is sure, one thick
# line runs alone. Where it hesitates, the tree branches, and what follows decides. Greedy decoding keeps a single line,
# so what it drops is lost.
#
# What did each candidate lose, and where? The *sound* column is ln P of its paths so far. The *language* column is what the
# model and the bonuses add. Below the instrument, unfold the beam and step through its frames.

# %%
beam = grow(log_probs.astype(float), 8, fusion)
for frame in (-4, -1):
    print("frame", len(beam) + frame + 1)
    for text, (sound, language) in sorted(beam[frame].items(), key=lambda each: -sum(each[1]))[:3]:
        print(f"  sound {sound:6.2f} + language {language:6.2f} = {sound + language:6.2f}  {text}")

# %% jupyter={"source_hidden": true}
picture = plots.posteriors(log_probs[begin:], inputs[chosen][4 * begin :], references[chosen].split()[-1])
instrument(samples, recognizer, label=references[chosen].lower(), beam=beam, picture=picture)

# %% [markdown]
# Three frames before the end, *SO* leads. In the last frame the language model still prefers *SOUP* to *SALT*, but the sound
# outweighs it. And over all clips?

# %%
fused_texts, ms = measure(lambda each: beam_search(each, 64, fusion=fusion)[0].text)
show("greedy", *measure(greedy))
show("beam + LM", fused_texts, ms)
difference, (low, high) = paired_difference(word_errors(references, greedy_texts), word_errors(references, fused_texts))
print(f"difference {100 * difference:+.1f} points (paired 95 % interval {100 * low:+.1f} to {100 * high:+.1f})")

# %% [markdown]
# The interval that counts is the *paired* one: a clip that is hard is hard for both decoders.
#
# ## Does it work on people?
#
# The harbour's sentences come from templates, so a model of its training text knows much of dev-mini by heart. Open
# speech needs far more text. The shipped model was estimated from 37 million words, nearly all from books
# ([data/README.md](../data/README.md)). Here are forty sentences that twenty people read. None was used to train or tune.

# %%
people = people[:: 4 if PROFILE == "ci" else 1]
said = [each.text for each in people]
heard_people = [recognizer.audio_log_probs(read_audio(each.path)) for each in people]
read = {"greedy": [greedy(each) for each in heard_people], "beam + LM": [decoder(each) for each in heard_people]}
errors = {name: word_errors(said, texts) for name, texts in read.items()}
for name, each in errors.items():
    low, high = each.interval()
    print(f"{name:10} WER {each.rate:6.1%}  (95 % interval {low:.1%} to {high:.1%})")

# %%
gained = errors["greedy"].errors - errors["beam + LM"].errors
most = max((i for i, each in enumerate(people) if each.id != clip.id), key=lambda i: gained[i])
word_diff(said[most], {name: texts[most] for name, texts in read.items()})

# %% jupyter={"source_hidden": true}
picture = plots.words_in_time(
    align(heard_people[most], read["beam + LM"][most]),
    log_mel(read_audio(people[most].path)),
    "as heard with the model",
)
instrument(read_audio(people[most].path), recognizer, label=said[most].lower(), picture=picture)

# %% [markdown]
# The language model halves the errors. [A3](A3_language_model.ipynb) measures how much text that takes, how the model fits
# into 4 MB, how the settings were tuned, and what the letter bonus really is.
#
# The search here is `FastBeamSearch`: the same search over arrays, which [Numba](https://numba.pydata.org) compiles to
# machine code (`asr_helpers/words/fast/`). `benchmarks/decoder_tuning.py` compared the two on speakers with whom no
# setting was tuned:

# %% jupyter={"source_hidden": true}
measured = json.loads((data_dir().parent / "benchmarks" / "decoder_tuning.json").read_text())["report"]
for name, row in measured["decoders"].items():
    low, high = row["wer_ci95"]
    print(f"{name:10} WER {row['wer']:.1%} ({low:.1%} to {high:.1%})  {row['ms_per_audio_second']:5.2f} ms per second")
same, count = measured["readable_agreement"], measured["readable_utterances"]
print(f"readable search: {measured['readable_ms_per_audio_second']:.0f} ms; the same text in {same:.0%} of {count}")

# %% [markdown]
# ## What about a name that the model never read?
#
# The language model has never read *Leocadia*. The name is an unknown word, charged letter by letter, so a known word that
# sounds a little like it wins. *Hotwords* are an edit of the language model: a new name becomes a rare word, and every
# n-gram that ends in a hotword gains a *boost* of some nats. The search itself does not change.

# %%
novel = next(each for each in load_corpus(data_dir() / "real").utterances if "LEOCADIA" in each.text)
heard_novel = recognizer.audio_log_probs(read_audio(novel.path))
expecting = FastBeamSearch(shipped_lm(), hotwords=["Leocadia", "Rodolfo"])
word_diff(novel.text, {"without": decoder(heard_novel), "with hotwords": expecting(heard_novel)[0].text})

# %% [markdown]
# A boost chooses among what was heard; it adds no letters. Try your own name: record a sentence with it and run
# `asr transcribe me.wav --hotwords "Your Name"`. Too high a boost writes the name where nobody said it;
# `benchmarks/hotwords.py` counts both.
#
# ## When was each word said?
#
# A text has many paths. *Forced alignment* takes the best one, with the *Viterbi* algorithm: the sums of CTC's lattice
# become maxima, and each state remembers where its maximum came from.

# %%
text = references[chosen]
states = viterbi(log_probs, encode(text))
spelt = [BLANK if state % 2 == 0 else encode(text)[state // 2] for state in states]
assert decode(collapse(spelt)) == text
print("".join(SYMBOLS[k] for k in spelt))

# %% [markdown]
# A word lasts from its first character to its last. Its *confidence* is the geometric mean of the probabilities that the
# network gave its characters.

# %%
words = align(log_probs, text)
print(
    *(f"{each.start:.2f} to {each.end:.2f} s, confidence {each.confidence:.2f}  {each.text}" for each in words),
    sep="\n",
)

# %% jupyter={"source_hidden": true}
picture = plots.save(plots.words_in_time(words, log_mel(samples), text.lower()), "07_words")
instrument(samples, recognizer, text=text, label=text.lower(), picture=picture, unfolded=True)

# %% [markdown]
# How exact are these times? CTC decides *that* a character was said and hardly cares *when*: it peaks for a frame or two
# somewhere in the sound ([Zeyer and others 2021](https://arxiv.org/abs/2105.14849)). eSpeak NG, a synthesiser, reports
# when it begins each word. We compared 1053 words in three of its voices (`benchmarks/word_times.py`): the alignment
# begins a word 45 ms late (median), and nine words in ten are off by at most 86 ms: enough for subtitles, not for
# phonetics. (The network was trained on eSpeak's voices; on people it may be less exact.)
#
# On the command line it is `asr align AUDIO TEXT`, and `asr transcribe --format ctm` writes the times of what was heard.

# %% [markdown]
# ## Can the confidence be believed?
#
# A confidence of 0.9 should mean that nine such words in ten are right. It does not: the confidence says how well the
# letters fit the sound, and the language model often writes words that fit badly and are right. *Platt scaling*, a
# logistic regression with two numbers, turns it into a probability. They were fitted on four speakers; here are four
# others.

# %%
slope, offset = PLATT["beam"]
for confidence in (0.2, 0.5, 0.9):
    odds = slope * math.log(confidence / (1 - confidence)) + offset
    print(f"confidence {confidence:.1f} → probability {1 / (1 + math.exp(-odds)):.2f}")

# %% jupyter={"source_hidden": true}
sure = json.loads((data_dir().parent / "benchmarks" / "confidence.json").read_text())["decoders"]["beam"]
alt = "share of right words against confidence: raw bars above the diagonal, calibrated bars near it"
figure, axes = plots.new(1, 2, (8, 3.2), alt, sharey=True)
for ax, kind, title in ((axes[0], "raw", "confidence"), (axes[1], "calibrated", "probability")):
    count, right = (np.array(sure[kind][key]) for key in ("words", "right"))
    ax.bar(np.arange(10) / 10 + 0.05, right / np.maximum(count, 1), width=0.09)
    ax.plot([0, 1], [0, 1], color=plots.ORANGE, linestyle="--")
    ax.set(title=f"{title}: off by {sure[kind]['calibration_error']:.3f} on average", xlabel=title, ylim=(0, 1))
axes[0].set_ylabel("share of words that were right")
print(f"{sure['words']} words; a right word has more confidence than a wrong one in {sure['raw']['auc']:.0%} of pairs")
plots.save(figure, "07_confidence")

# %% [markdown]
# A bar above the dashed line: *underconfident*, right more often than claimed. A bar below it: *overconfident*. Calibrated
# or not, the order of the words stays the same: it tells which to check first, and some sure words are still wrong.
#
# ## Break it: another blank
#
# PyTorch's CTC takes class 0 as the blank by default; this network takes the last one. What does a decoder write that
# expects the blank first?

# %%
mistaken = [ALPHABET[k - 1] for k, _ in itertools.groupby(path) if k != 0]
print("right ", greedy(log_probs))
print("wrong ", "".join(mistaken))

# %% [markdown]
# *Diagnosis.* Each letter is the one before it in the alphabet, the spaces are gone, and the real blank comes out as Z.
# When output looks like a secret code, compare the two alphabets first.
#
# ## Break it: first drop, then merge


# %%
def drop_then_merge(log_probs):
    kept = [k for k in log_probs.argmax(axis=1) if k != BLANK]
    return decode([k for k, _ in itertools.groupby(kept)])


texts, _ = measure(drop_then_merge)
print(f"WER {word_errors(references, greedy_texts).rate:.1%} → {word_errors(references, texts).rate:.1%}")
print(next((f"{a} → {b}" for a, b in zip(greedy_texts, texts, strict=True) if a != b), "no difference"))

# %% [markdown]
# *Diagnosis.* Double letters are gone: without the blanks nothing separates them. Most words look right, so the fault
# can survive for a long time.
#
# ## Break it: believe the language model alone
#
# What if its weight is far too high? The folded cell tries four weights. It counts substitutions, deletions and insertions,
# and the words that are in no dictionary.

# %% jupyter={"source_hidden": true}
for weight in (WEIGHT, 3.0, 10.0, 30.0):
    deaf = Fusion(lm, weight=weight)
    texts, _ = measure(lambda each, deaf=deaf: beam_search(each, 16, fusion=deaf)[0].text)
    found = jiwer.process_words(references, texts)
    kinds = f"S {found.substitutions:3} D {found.deletions:3} I {found.insertions:3}"
    strange = sum(word not in lm for text in texts for word in text.split())
    print(f"weight {weight:4}  WER {found.wer:6.1%}  {kinds}  {strange:3} unknown words  {texts[chosen]}")

# %% [markdown]
# *Diagnosis.* Each word now costs so much that the search writes fewer: it runs words together into strings that do not
# exist, and pays for one word instead of two. Substitutions and deletions rise together; nonsense words are the mark of it.
#
# ## Exercises
#
# Write into the empty cells and let `check` judge: it says what is right, and gives a hint where something is not.
# [All of them solved](../notebooks/solutions/07_decoding.ipynb).


# %% jupyter={"source_hidden": true}
def errors_of(reference, text):
    """Return the fewest words to replace, drop or insert that turn the text into the reference."""
    return int(word_errors([reference], [text]).errors[0])


# %% [markdown] tags=["exercise"]
# ### Exercise 07.1 · When to say nothing
#
# *easy · 5 minutes*
#
# In the toy, let the blank have probability *b* in both frames. Greedy decoding says nothing as soon as *b* is above 0.5.
# When is it *right* to say nothing? Write a function of *b* that returns True where the empty text is the most probable
# one. The answer is the function.


# %% tags=["solution"]
def nothing_wins(b):
    return b * b > 1 - b * b  # nothing has one path, A has the other three


answer = nothing_wins
for b in (0.70, 0.71):
    toy[:, ALPHABET.index("A")], toy[:, BLANK] = math.log(1 - b), math.log(b)
    print(b, f"“{beam_search(toy)[0].text}”", nothing_wins(b))

# %% tags=["check"]
check("07.1", answer)

# %% [markdown] tags=["exercise"]
# ### Exercise 07.2 · The oracle
#
# *medium · 12 minutes*
#
# `beam_search` returns a list. If somebody who knows the answer picked the best text of each list, what would the word
# error rate be? This *oracle* bounds what any re-ranking can reach. Write it as a function of `lists` (of texts, one list
# for each clip) and `references`; `errors_of` counts a text's errors. The answer is the function. Then try it without and
# with the language model.


# %% tags=["solution"]
def oracle(lists, references):
    """Return the word error rate of the best text of each list."""
    fewest = [min(errors_of(said, text) for text in texts) for texts, said in zip(lists, references, strict=True)]
    return sum(fewest) / sum(len(said.split()) for said in references)


answer = oracle

# %% tags=["solution"]
for name, texts, model in (("beam", beam_texts, None), ("with the LM", fused_texts, fusion)):
    lists = [[each.text for each in beam_search(output, 64, fusion=model)] for output in outputs]
    print(f"{name}: first {word_errors(references, texts).rate:.1%}, oracle {oracle(lists, references):.1%}")

# %% tags=["check"]
check("07.2", answer)

# %% [markdown] tags=["exercise"]
# ### Exercise 07.3 · Whose words?
#
# *hard · 15 minutes*
#
# Align a clip with a text that is *not* its own: which figure gives it away? Write a function that takes the words of an
# alignment, a list as `align` returns it, and returns True if the text belongs to the sound. It is tried on clips that
# you have not seen. The answer is the function.


# %% tags=["solution"]
def belongs(words):
    return np.mean([word.confidence for word in words]) > 0.5


answer = belongs
other = min((each for each in references if each != text), key=lambda each: abs(len(each) - len(text)))
for claimed in (text, other):
    words = align(log_probs, claimed)
    print(belongs(words), f"mean confidence {np.mean([word.confidence for word in words]):.3f}  {claimed}")
# each word is found somewhere, but hardly anything was heard there

# %% tags=["check"]
check("07.3", answer)

# %% [markdown]
# ### An open task · A language model of your own
#
# *as long as you like; nothing checks it*
#
# Take a text whose words you would like to be heard, such as a song or a play, and build a language model with
# `asr lm`. Record yourself reading ten sentences of it that the model has *not* seen, and compare `asr transcribe --lm`
# with the shipped model.
#
# | | weak | good | excellent |
# |---|---|---|---|
# | **Test** | sentences come from the model's text | sentences held out | … and a second text of another kind |
# | **Numbers** | one rate each | paired difference with its interval | … and what would change with ten times the text |
# | **Explanation** | "it got better" | names three errors and their cause | predicts an error before looking |

# %% [markdown] tags=["quiz"]
# ## Quiz
#
# **1. What does greedy decoding find?**
#
# - [x] the best path | It takes the best symbol of each frame.
# - [ ] the best text | A text's probability is the sum over its paths, and greedy sees one of them.
# - [ ] the most probable words | It knows characters only.
#
# **2. What does prefix beam search add up?**
#
# - [ ] the words of a sentence | It adds probabilities.
# - [x] all paths that spell the same prefix | So the text counts, not one way to it.
# - [ ] the errors of the best path | It does not know the errors.
#
# **3. The weight of the language model is far too high. What do you see?**
#
# - [x] words run together into strings that do not exist | Each word costs, so the search pays for one instead of two.
# - [ ] many short common words | Each word costs, so the search writes as few as it can.
# - [ ] the same text, only later | The text changes: count substitutions and deletions.
#
# **4. On which speech are weight and bonuses chosen?**
#
# - [ ] on the training speech | The network is too sure there, so the language model would seem useless.
# - [ ] on the speech that is reported | Then they suit it better than any other, and the report flatters.
# - [x] on speech that is neither | Tune on some speakers, report on others.
#
# **5. What does forced alignment need besides the sound?**
#
# - [x] the text | It finds when each word was said, not which.
# - [ ] a language model | The words are known.
# - [ ] times marked by a listener | The network's frames are enough.

# %% [markdown]
# ## Recap
#
# - Greedy decoding reads the best path. A text's probability is the sum over its paths; prefix beam search finds it.
# - A word n-gram counts, discounts and backs off. In the search it scores words as they grow.
# - Settings are tuned on speakers that are not reported, and a gain comes with a paired interval.
# - Viterbi finds when each word was said; calibration turns confidence into a probability.
#
# ## Further reading
#
# - [Hannun and others (2014)](https://arxiv.org/abs/1408.2873): prefix beam search with a language model, as here.
# - [Chen & Goodman (1999)](https://doi.org/10.1006/csla.1999.0128): smoothing compared, and modified Kneser-Ney.
# - [KenLM](https://kheafield.com/code/kenlm/): n-grams of billions of words, fast and small.
# - [Kürzinger and others (2020)](https://arxiv.org/abs/2007.09127): CTC segmentation, forced alignment of hours of speech.
#
# Next: [08 · Quantization](08_quantization.ipynb). For the curious: [A3 · A language model for real speech](A3_language_model.ipynb)
