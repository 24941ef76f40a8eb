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
# You will watch a beam search grow a tree of texts, give it a language model that you estimate in a second, see which
# words were wrong and why, and click on a word to hear it.
#
# | | |
# |---|---|
# | **Objectives** | read a text off the model's output by hand · build prefix beam search · estimate an n-gram and let it speak in the search · tune it without fooling yourself · tell kinds of errors apart · align a known text with its sound |
# | **Needs** | the idea of CTC ([notebook 05](05_crnn_and_ctc.ipynb)); the shipped models; no network, no GPU |
# | **Minutes** | ci, fast, workshop, full: 1 |

# %%
import itertools
import json
import math
import os
import time
from collections import Counter, defaultdict
from importlib.metadata import version

import jiwer
import numpy as np

from asr_helpers.corpus import data_dir, load_corpus
from asr_helpers.recognizer import Recognizer, shipped_model
from asr_helpers.show import plots
from asr_helpers.show.widgets import player, word_player
from asr_helpers.sound import features, log_mel, read_audio
from asr_helpers.teaching import check
from asr_helpers.text import ALPHABET, BLANK, ENGLISH, NUM_CLASSES, decode, encode
from asr_helpers.words import FastBeamSearch, Fusion, beam_search, collapse, default_decoder, greedy, word_errors
from asr_helpers.words.fast import Automaton

PROFILE = os.environ.get("ASR_PROFILE", "fast")
plots.style()
print("profile", PROFILE, *(f"· {name} {version(name)}" for name in ("ai-edge-litert", "jiwer", "numpy")))

# %% [markdown]
# ## What does the model say, moment by moment?
#
# The shipped model hears the clips of dev-mini, once. Everything below works on what it answers: for each 40 ms, the
# log-probabilities of 28 characters and the blank.

# %%
recognizer = Recognizer.load(shipped_model())
dev = load_corpus(data_dir() / "mini" / "dev-mini").utterances
inputs = [features(read_audio(each.path)) for each in dev]
outputs = [recognizer.log_probs(each) for each in inputs]
references = [each.text for each in dev]
print(len(dev), "clips; the first:", inputs[0].shape, "→", outputs[0].shape)

# %% [markdown]
# For a close look, take a clip that shows what this notebook is about: the simplest decoder reads it wrong, and the best
# one, `default_decoder`, which is what `asr transcribe` uses, reads it right. Best of all one in which plain beam search
# differs from the simplest, too.

# %%
greedy_texts = [greedy(each) for each in outputs]
default_texts = [default_decoder()(each) for each in outputs]
mended = [i for i, said in enumerate(references) if greedy_texts[i] != said == default_texts[i]]
assert mended, "no clip is wrong by the simplest decoder and right by the best"
chosen = max(mended, key=lambda i: beam_search(outputs[i], 64)[0].text != greedy_texts[i])

# %%
some = sorted({chosen, *range(0, len(dev), 4)}) if PROFILE == "ci" else range(len(dev))
chosen = list(some).index(chosen)
dev, inputs, outputs, references, greedy_texts = (
    [values[i] for i in some] for values in (dev, inputs, outputs, references, greedy_texts)
)
beam_texts = [beam_search(each, 64)[0].text for each in outputs]

# %%
log_probs = outputs[chosen]
player(read_audio(dev[chosen].path), references[chosen].lower())

# %%
plots.save(plots.posteriors(log_probs, inputs[chosen], references[chosen]), "07_posteriors")

# %% [markdown]
# ## How do you read a text off that?
#
# The simplest way: at each frame believe the character with the highest probability. That is one symbol every 40 ms.
# In print, `–` is the blank.

# %%
SYMBOLS = ALPHABET.replace(" ", "␣") + "–"
path = log_probs.argmax(axis=1)
print("".join(SYMBOLS[k] for k in path))

# %% [markdown]
# A character held over several frames is *one* character, so first merge what repeats. The blanks have then done their
# work of parting, and can go.

# %%
merged = [k for k, _ in itertools.groupby(path)]
print("".join(SYMBOLS[k] for k in merged))

kept = [k for k in merged if k != BLANK]
print("".join(SYMBOLS[k] for k in kept))

# %% [markdown]
# That is *greedy decoding*. The helper does the same:

# %%
assert decode(kept) == greedy(log_probs)
print("said ", references[chosen])
print("heard", decode(kept))

# %% [markdown]
# ## Is the best path the best text?
#
# Take a toy: two frames, in which the model knows only A and the blank, and thinks the blank a little more probable.

# %%
frames = [{"A": 0.4, "–": 0.6}, {"A": 0.4, "–": 0.6}]
worth = defaultdict(float)
for first, second in itertools.product("A–", repeat=2):
    text = "A" if "A" in (first, second) else ""
    worth[text] += frames[0][first] * frames[1][second]
    print(first + second, f"{frames[0][first] * frames[1][second]:.2f}", f"spells “{text}”")
print({text: round(value, 2) for text, value in worth.items()})

# %% [markdown]
# The best single path is two blanks, so greedy decoding says nothing. But three of the four paths spell A, and together
# they are worth more. **A text is worth the sum of its paths.** Where the model is sure, one path has nearly all of the
# sum, and greedy is right. Where it hesitates, the sum decides.

# %%
toy = np.full((2, NUM_CLASSES), -math.inf)  # the same, as log-probabilities of all 29 classes
toy[:, ALPHABET.index("A")], toy[:, BLANK] = math.log(0.4), math.log(0.6)
best = beam_search(toy)[0]
assert np.isclose(math.exp(best.score), worth["A"])
print(f"greedy: “{greedy(toy)}” · beam search: “{best.text}”, worth {math.exp(best.score):.2f}")

# %% [markdown]
# ## Can all paths be summed?
#
# How many are there for this clip?

# %%
print(f"{NUM_CLASSES} to the power of {len(log_probs)}: a number of {len(str(NUM_CLASSES ** len(log_probs)))} digits")

# %% [markdown]
# So no. *Prefix beam search* goes through the frames once and keeps only a few beginnings of texts, the *beam*. All
# paths that spell the same beginning are summed into one entry of it.
#
# One detail carries it. From AB, another B gives ABB if the path ended in a blank, but still AB if it ended in the B.
# So an entry is a beginning *and* the label that its paths end in.


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
beam = {("", BLANK): 1.0}
for probs in np.exp(toy):
    beam = step(beam, probs, width=3)
    shown = (f"“{text}” ending in {SYMBOLS[last]}: {value:.2f}" for (text, last), value in beam.items() if value)
    print(*shown, sep=" · ")

# %% [markdown]
# At the end the two entries of A are added up. And on real frames? The helper must find the same texts with the same
# probabilities. (It also takes care that spaces only part words; here is half a second without any.)

# %%
part = log_probs[12:24].astype(np.float64)
part[:, ALPHABET.index(" ")] = -math.inf
beam = {("", BLANK): 1.0}
for probs in np.exp(part):
    beam = step(beam, probs, width=16)

ours = defaultdict(float)
for (text, _), value in beam.items():
    ours[text] += value
theirs = beam_search(part, 16, min_log_prob=-math.inf, margin=math.inf)
assert {each.text for each in theirs} == set(ours)
assert all(np.isclose(math.exp(each.score), ours[each.text]) for each in theirs)
whole = sum(ours.values())
print(*(f"{math.exp(each.score) / whole:.1%} of the beam  {each.text}" for each in theirs[:4]), sep="\n")

# %% [markdown]
# The helper differs in two points only. It adds logarithms, since a product of thousands of probabilities is too small
# for a computer's numbers. And it does not try what is hopeless: labels below `min_log_prob` in a frame, and entries
# more than `margin` below the best one.
#
# ## How does the tree grow?
#
# Run a beam of eight over the word in which greedy decoding and beam search part company. Each line is a text for as
# long as it is in the beam, as thick as its share of it. Orange is what became of the winner.

# %%
letters = zip(greedy_texts[chosen], beam_texts[chosen], strict=False)
agreed = sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], letters))
spoken = [t for t in range(len(path)) if path[t] != BLANK and (t == 0 or path[t] != path[t - 1])]
parting = spoken[min(agreed, len(spoken) - 1)]
begin = max((t + 1 for t in range(parting) if SYMBOLS[path[t]] == "␣"), default=0)

# %%
beam, history = {("", BLANK): 1.0}, [{"": 1.0}]
for probs in np.exp(log_probs[begin : begin + 14].astype(np.float64)):
    beam = step(beam, probs, width=8)
    total = sum(beam.values())
    history.append(defaultdict(float))
    for (text, _), value in beam.items():
        history[-1][text] += value / total

# %%
from asr_helpers.words import FRAME_SECONDS

times = FRAME_SECONDS * np.arange(begin - 1, begin + len(history) - 1)
winner = max(history[-1], key=history[-1].get)
plots.save(plots.prefix_tree(history, times, winner), "07_prefix_tree")

# %% [markdown]
# Where the model is sure, one thick line runs alone. Where it hesitates, the tree branches, and the frames that follow
# settle the matter: a text may be thin for a while and win. Greedy decoding keeps one line only, so what it drops is
# gone at once.
#
# ## Does it pay?


# %%
def measure(decoder):
    """Return the texts of all clips and the milliseconds that a second of audio takes."""
    start = time.process_time()
    texts = [decoder(each) for each in outputs]
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
# Time grows with the width, the gain soon stops. Beam search *alone* seldom gains much: it sums the paths of a text
# better, but has nothing to go by except the same frames. It cannot know that a string of letters is no word.
#
# ## What is a language model?
#
# Something that says how probable a sentence is before anything was heard. The simplest that works guesses each word
# from the few before it, and learns by counting. Which words follow THE in the harbour's training sentences?

# %%
from asr_helpers.words import END, START

train = [each.text for each in load_corpus(data_dir() / "mini" / "train-mini")]
pairs = Counter()
for sentence in train:
    pairs.update(itertools.pairwise((START, *sentence.split(), END)))
after_the = Counter({second: times for (first, second), times in pairs.items() if first == "THE"})
print(sum(after_the.values()), "times THE, then", after_the.most_common(6), "…")

# %% [markdown]
# Counts alone would call any pair that they have not seen impossible. So take a little off each count, and give what is
# left over to all words. How little? Chen & Goodman compute it for pairs counted once, twice, and three or more times
# from how many of them there are:

# %%
n = Counter(pairs.values())
y = n[1] / (n[1] + 2 * n[2])
off_pairs = [0, *(count - (count + 1) * y * n[count + 1] / n[count] for count in (1, 2, 3))]
off_words = [0, 0.5, 1, 1.5]  # of words alone this text has too few kinds for the formula
print("off a pair counted 1, 2, 3+ times:", [round(value, 2) for value in off_pairs[1:]])

# %% [markdown]
# To which words does the rest go? Not to the frequent ones: a word that follows only one other, however often, is not
# what to expect elsewhere. **Kneser-Ney** counts for each word *how many different words* it follows. (A last little
# bit goes to all words alike, `<unk>` among them, which stands for any word never seen.)

# %%
kinds = Counter(second for _, second in pairs)  # how many different words stand before it
starts = Counter()
for (first, _), times in pairs.items():
    starts[first] += times


def unigram(word):
    left_over = sum(off_words[min(count, 3)] for count in kinds.values()) / len(pairs)
    return (kinds[word] - off_words[min(kinds[word], 3)]) / len(pairs) + left_over / (len(kinds) + 1)


def bigram(first, second):
    left_over = sum(off_pairs[min(times, 3)] for (a, _), times in pairs.items() if a == first) / starts[first]
    count = pairs[first, second]
    return (count - off_pairs[min(count, 3)]) / starts[first] + left_over * unigram(second)


# %% [markdown]
# The probabilities after any word must sum to one, and the helper must find the same:

# %%
from asr_helpers.words import estimate

helper = estimate(train, order=2)
vocabulary = [*kinds, "<unk>"]
assert np.isclose(sum(bigram("THE", word) for word in vocabulary), 1)
for word in vocabulary:
    assert np.isclose(math.log10(bigram("THE", word)), helper.score(("THE",), word)[0])
print(*(f"P({word} | THE) = {bigram('THE', word):.5f}" for word in ("COOK", "SOUP", "THE", "ZEBRA")), sep="\n")

# %% [markdown]
# The helper does so for any length, each falling back on the next shorter one. How well does each length guess the
# sentences of dev-mini? *Perplexity* is the number of equally probable words that would be as hard to guess from.

# %%
start = time.perf_counter()
models = {order: estimate(train, order, min_counts=(1,)) for order in (1, 2, 3, 4)}
print(f"four models in {time.perf_counter() - start:.1f} s")
for order, each in models.items():
    print(f"{order}-gram: {len(each.grams):5} n-grams, perplexity {each.perplexity(references):6.1f}")

# %%
lm = models[3]
for sentence in (references[chosen], " ".join(reversed(references[chosen].split()))):
    print(f"log10 P = {lm.sentence(sentence.split()):6.1f}  {sentence}")

# %% [markdown]
# ## How does it get a say?
#
# While searching (*[shallow fusion](https://arxiv.org/abs/1503.03535)*). Whenever a text in the beam completes a word, it gains
#
# > weight · ln P(word | the words before it) + word bonus
#
# The *weight* is how far to trust the model against the ear; the *bonus*, tuned with it, balances few long words against
# many short ones, and may well be negative. A word outside the vocabulary is not forbidden: it has the probability of
# `<unk>` times that of its letters, each after the one before it, so it is the less probable the longer it is. (And
# `prior`? That comes further down, in *Hearing or expecting?*, and what a word's beginning is worth in *Looking ahead*.)
# So what is the score of a text?

# %%
from asr_helpers.words import lattice

fusion = Fusion(lm, internal_lm_weight=0)
heard = beam_search(log_probs, 64, fusion=fusion)[0]
forward, backward = lattice(log_probs, encode(heard.text))
by_ear = np.logaddexp.reduce(forward[-1, -2:])
by_language = fusion.weight * math.log(10) * lm.sentence(heard.text.split())
words = heard.text.split()
bonus = fusion.word_bonus * len(words)
labels = [encode(f" {word} ") for word in words if word not in lm]
spelling = fusion.weight * sum(fusion.pairs[each[:-1], each[1:]].sum() for each in labels)

# %%
total = by_ear + by_language + bonus + spelling
print(f"ear {by_ear:.2f} + language {by_language:.2f} + bonus {bonus:.2f} + unknown {spelling:.2f} = {total:.2f}")
print(f"the search found {heard.score:.2f}: {heard.text}")
assert total - 0.5 < heard.score < total + 0.01

# %% [markdown]
# The search's figure can only be a little below, by the paths that it dropped on its way. And all clips together?

# %%
from asr_helpers.words import paired_difference

fused_texts, ms = measure(lambda each: beam_search(each, 64, fusion=fusion)[0].text)
show("greedy", *measure(greedy))
show("beam", beam_texts, measure(lambda each: beam_search(each, 64)[0].text)[1])
show("beam + LM", fused_texts, ms)
difference, (low, high) = paired_difference(word_errors(references, greedy_texts), word_errors(references, fused_texts))
print(
    f"with the LM − greedy: {100 * difference:+.1f} points (paired 95 % interval {100 * low:+.1f} to {100 * high:+.1f})"
)

# %% [markdown]
# The interval that counts is the *paired* one: a clip that is hard is hard for both. Listen to the clips that gained
# most, and read what each decoder made of them.

# %%
gain = word_errors(references, greedy_texts).errors - word_errors(references, fused_texts).errors
shown = np.argsort(-gain, kind="stable")[:3]
for i in shown:
    print("said     ", references[i])
    for name, texts in (("greedy", greedy_texts), ("beam", beam_texts), ("beam + LM", fused_texts)):
        print(f"{name:9}", texts[i])
    print()
player(read_audio(dev[shown[0]].path), references[shown[0]].lower())

# %% [markdown]
# A caution: the harbour's sentences come from templates, so a model of its training text knows much of dev-mini by
# heart. On people's speech about anything such a gain needs a model of far more text. The shipped one was estimated
# from 37 million words, nearly all of them from books (`data/README.md`). Forty sentences that twenty people read, none
# of them ever used to train or tune:

# %%
people = load_corpus(data_dir() / "real").utterances[:: 4 if PROFILE == "ci" else 1]
said = [each.text for each in people]
heard_people = [recognizer.audio_log_probs(read_audio(each.path)) for each in people]
by_name = {"greedy": greedy, "beam + LM": default_decoder()}
read = {name: [decoder(each) for each in heard_people] for name, decoder in by_name.items()}
for name, texts in read.items():
    low, high = (errors := word_errors(said, texts)).interval()
    print(f"{name:10} WER {errors.rate:6.1%}  (95 % interval {low:.1%} to {high:.1%})")

# %%
gained = word_errors(said, read["greedy"]).errors - word_errors(said, read["beam + LM"]).errors
best = int(np.argmax(gained))
print("said     ", said[best])
for name, texts in read.items():
    print(f"{name:9}", texts[best])
player(read_audio(people[best].path), said[best].lower())

# %% [markdown]
# ## How much text does it take?
#
# `benchmarks/lm_scaling.py` estimated models from ever more text, each time from twice as much, and let each decode the
# same four speakers. First from the transcripts of other people's audio books, a million words:

# %%
law = json.loads((data_dir().parent / "benchmarks" / "lm_scaling.json").read_text())
rows, greedy_wer = law["scaling"], law["greedy_wer"]
print(f"{law['utterances']} utterances; without a language model WER {greedy_wer:.1%}")
for row in rows:
    print(
        f"{row['words']:10,} words: {row['vocabulary']:6,} known, {row['unknown']:5.1%} of the spoken ones are not; "
        f"perplexity {row['perplexity']:4.0f}; WER {row['wer']:.1%}"
    )

# %% [markdown]
# What would still more text bring? Fit a law to the transcripts alone, and follow it to the 37 million words of the
# shipped model, most of them from books. Two laws are at hand: each doubling takes as many *points* off as the one
# before, a straight line over the logarithm; or it takes the same *share* off what more text can mend at all, above a
# floor of errors that the ear makes.

# %%
words, wer = (np.array([row[key] for row in rows]) for key in ("words", "wer"))
fitted = words <= law["transcribed_words"]
line = np.polyval(np.polyfit(np.log2(words[fitted]), wer[fitted], 1), np.log2(words))


def with_floor(exponent):
    """Return the best floor + factor · words ** -exponent, and the floor."""
    terms = np.stack([np.ones(len(words)), words**-exponent], axis=1)
    factors = np.linalg.lstsq(terms[fitted], wer[fitted], rcond=None)[0]
    return terms @ factors, factors[0]


curve, floor = min(map(with_floor, np.arange(0.02, 1.5, 0.01)), key=lambda c: sum((c[0] - wer)[fitted] ** 2))
print(f"for {words[-1]:,} words the line promises WER {line[-1]:.1%}, the curve {curve[-1]:.1%}, floor {floor:.1%}")
print(f"measured: {wer[-1]:.1%}")

# %%
figure, axes = plots.new(
    1, 3, (10, 2.8), alt="word error rate with two fitted laws, unknown words, perplexity, against words of text"
)
axes[0].plot(words, 100 * line, color=plots.GREY, linestyle=":", label="line")
axes[0].plot(words, 100 * curve, color=plots.GREY, linestyle="--", label="with a floor")
axes[0].scatter(words[fitted], 100 * wer[fitted], label="fitted", zorder=3)
axes[0].scatter(words[~fitted], 100 * wer[~fitted], color=plots.ORANGE, label="not fitted", zorder=3)
axes[1].plot(words, [100 * row["unknown"] for row in rows], marker="o")
axes[2].plot(words, [row["perplexity"] for row in rows], marker="o")
for ax, title in zip(axes, ("WER (%)", "unknown words (%)", "perplexity"), strict=True):
    ax.set(xscale="log", xlabel="words of text", title=title)
axes[0].legend(fontsize=8)
plots.save(figure, "07_scaling")

# %% [markdown]
# Over the few doublings at hand both look like laws; beyond them they part. The straight line would one day promise less
# than no errors: whoever plans by a law asks first where it must end. And neither could know that books, another kind of
# text, come after the transcripts.
#
# The unknown words tell a part of it: what the model does not know it cannot propose. Read perplexity with care: small
# models know few words, and all others are one `<unk>` to them, which is easy to guess.
#
# ## Does it fit into a pocket?
#
# 37 million words have 17 million different triples. Those seen once are not kept, and of the rest most say next to
# nothing: the shorter n-gram, to which the model falls back without them, gives nearly the same probability. *Entropy
# pruning* ([Stolcke 1998](https://arxiv.org/abs/cs/0006025)) measures for each n-gram how far the model without it is from the model with it,
#
# > Σ P(context) · P(word | context) · ln (P(word | context) / P′(word | context)), summed over all words,
#
# and drops those first that change it least. `asr lm --keep 2000000` made the shipped file so. What would less do?

# %%
for row in law["pruning"]:
    print(
        f"{row['n_grams']:9,} n-grams, {row['bytes'] / 1e6:5.1f} MB: perplexity {row['perplexity']:4.0f}, WER {row['wer']:.1%}"
    )

# %% [markdown]
# ## Which settings?
#
# `benchmarks/decoder_tuning.py` measured the shipped 3-gram with the shipped network. First the grid of weight and
# bonus, on the *tuning* speakers:

# %%
measured = json.loads((data_dir().parent / "benchmarks" / "decoder_tuning.json").read_text())
tuned, reported = measured["tuning"], measured["report"]
figure = plots.heat_map(
    100 * np.array(tuned["wer"]), tuned["weights"], tuned["word_bonuses"], title="word error rate (%), tuning speakers"
)
figure.axes[0].set(xlabel="word bonus", ylabel="weight of the language model")
plots.save(figure, "07_tuning", alt="word error rate by weight of the language model and word bonus, the best framed")

# %% [markdown]
# The higher the weight, the larger the bonus that goes with it, because each word costs more: the good settings lie on a
# slope, and the ground around the best is flat.
#
# ## Looking ahead
#
# The language model judges whole words; the beam is pruned after every frame, in the midst of them. So a beginning that
# only an unheard-of word has looks as good as any, until its last letter; by then it may have crowded out the right one.
# The remedy of the nineties, [look-ahead](../notebooks/GLOSSARY.md#look-ahead) (Ortmanns, Ney & Eiden, ICSLP 1996): give
# each beginning at once what the *most frequent word that begins so* would add, and put the true figure in its place when
# the word is whole. (Theirs minds the word before, too.) Nothing changes in what a finished text is worth, only who
# survives until then.

# %%
ahead = Fusion(lm, internal_lm_weight=0).ahead
print(f"{'so far':8} worth beforehand")
for beginning in ("T", "TH", "THE", "TI", "TID", "TIDE"):
    print(f"{beginning:8} {ahead[beginning]:6.2f}")

# %% [markdown]
# What does it buy, and what does the width of the beam? (The solid line has the prior, too, of the section after next.)

# %%
figure, (left, right) = plots.new(
    1, 2, (9, 3), alt="without look-ahead four words in ten and more are wrong at any width, with it two"
)
widths = [str(width) for width in tuned["widths"]]
seen = tuned["look_ahead_without_prior"]
left.plot(widths, 100 * np.array(seen["without"]), "s:", color=plots.GREY, label="without look-ahead")
left.plot(widths, 100 * np.array(seen["with"]), "o--", color=plots.BLUE, label="with look-ahead")
left.plot(widths, 100 * np.array(tuned["width_wer"]), "o-", color=plots.BLUE, label="… and with the prior")
left.set(xlabel="width of the beam", title="word error rate (%), tuning speakers", ylim=(0, None))
left.legend(fontsize=8)
bars = right.bar(widths, tuned["width_ms_per_audio_second"], color=plots.ORANGE)
right.bar_label(bars, fmt="%.1f", fontsize=8)
right.set(xlabel="width of the beam", title="milliseconds per second of audio, compiled")
plots.save(figure, "07_look_ahead")

# %%
print("chosen:", tuned["best"])

# %% [markdown]
# Without look-ahead even two thousand texts are too few: most of them go on with letters that no word has, and have not
# paid for it yet. With it, a few hundred hold nearly all that matters.
#
# With these settings, and only then, read the speakers that *nothing* was tuned on:

# %%
print(f"{reported['utterances']} utterances, {reported['audio_seconds'] / 60:.0f} minutes")
for name, row in reported["decoders"].items():
    low, high = row["wer_ci95"]
    kinds = ", ".join(f"{row[kind]} {kind}" for kind in ("substitutions", "deletions", "insertions"))
    print(f"{name:10} WER {row['wer']:.1%} ({low:.1%} to {high:.1%})  {row['ms_per_audio_second']:5.2f} ms/s  {kinds}")
low, high = reported["difference_ci95"]
print(
    f"{reported['relative_reduction']:.0%} fewer errors than greedy (paired: {100 * low:+.1f} to {100 * high:+.1f} points)"
)

# %% [markdown]
# Reporting the tuning speakers instead would be a small lie: the settings were chosen to suit them. The times are those
# of `FastBeamSearch`: the same search over arrays, which [Numba](https://numba.pydata.org) makes machine code
# of (`asr_helpers/words/fast/`). Is it the same?

# %%
print(
    f"readable and fast decoder: the same text for {reported['readable_agreement']:.1%} "
    f"of the first {reported['readable_utterances']} utterances"
)
print(f"readable {reported['readable_ms_per_audio_second']:.0f} ms per second of audio")
for example in reported["examples"][:3]:
    print(*(f"\n{name:9} {text}" for name, text in example.items() if name != "id"), sep="", end="\n")

# %% [markdown]
# ## Hearing or expecting?
#
# The network, too, has read: the transcripts it learned from. It knows that after TH comes E far more often than Q, and
# where a sound is unclear it bets on what is common. So what it says is part hearing and part expectation; and with a
# language model, expectation counts twice. Bayes' rule takes it off again, by what was to be expected before anything was
# heard, the [prior](../notebooks/GLOSSARY.md#prior):
#
# > P(sound | text) ∝ P(text | sound) / P(text)
#
# What the network expects we cannot see from outside, but the simplest part of it we can count: how probable a text is
# letter by letter, each after the one before it, in the words of the language model. As that is not all of it, and as all
# is only about so, divide by a power of it, `prior`, tuned like the rest. (Kanda and others, Interspeech 2016, for whom it
# was a model of whole sequences of labels.)

# %%
from asr_helpers.words import letter_bigrams, shipped_lm, spellable

shipped = Automaton.read(shipped_lm())
known = {w: shipped.score(0, w)[0] for w in spellable(shipped.vocabulary, ENGLISH)}
pairs = letter_bigrams(known, ENGLISH)
letters = [letter.replace(" ", "␣") for letter in ENGLISH.characters]
figure, (left, right) = plots.new(
    1, 2, (10, 4), "how probable each letter is after each; word error rate against the prior, lowest well above 0"
)
drawn = left.imshow(100 * np.exp(pairs), cmap="viridis", vmax=40)
left.set_xticks(range(len(letters)), letters, fontsize=7)
left.set_yticks(range(len(letters)), letters, fontsize=7)
left.set(xlabel="the next letter", ylabel="a letter", title="probability (%), in 60 000 words")
figure.colorbar(drawn, ax=left, pad=0.02)
right.plot(tuned["priors"], 100 * np.array(tuned["prior_wer"]), marker="o")
right.set(xlabel="prior", title="word error rate (%), tuning speakers")
plots.save(figure, "07_prior")

# %%
from asr_helpers.words import INTERNAL_LM_WEIGHT

h, w = (np.exp(pairs[tuple(encode(pair))]) for pair in ("TH", "TW"))
print(
    f"after T: H {h:.0%}, W {w:.1%}: a W that is heard there counts {(h / w) ** INTERNAL_LM_WEIGHT:.0f} times as much"
)
bought = reported["prior"]
low, high = bought["difference_ci95"]
print(
    f"reported speakers: WER {bought['wer_without']:.1%} without, {reported['decoders']['beam + LM']['wer']:.1%} with it: "
    f"{100 * bought['difference']:+.1f} points (paired: {100 * low:+.1f} to {100 * high:+.1f})"
)

# %% [markdown]
# Much, for so simple an expectation: each letter heard against the odds is worth more, and a long word that is heard in
# full is no longer beaten by a short one for having more letters to pay for. What does it change? The people from above,
# read at the settings that are best without it, and with it:

# %%
from asr_helpers.words import best_text

plain = best_text(FastBeamSearch(shipped_lm(), **tuned["best_without_prior"]))
without = [plain(each) for each in heard_people]
errors = [word_errors(said, texts) for texts in (without, read["beam + LM"])]
print(f"WER {errors[0].rate:.1%} without, {errors[1].rate:.1%} with it")
for i in np.argsort(errors[1].errors - errors[0].errors, kind="stable")[:3]:
    print(f"\nsaid    {said[i]}\nwithout {without[i]}\nwith    {read['beam + LM'][i]}")

# %% [markdown]
# ## What about a name that no book holds?
#
# The language model has never read *Leocadia*. So she is an unknown word, which is charged letter by letter, and some
# known word that sounds a little like her wins. *Hotwords* are an edit of the language model, and the search stays as it
# is: a new name becomes a rare word, and every n-gram that ends in a hotword gains a *boost*, some nats. Look-ahead then
# favours its beginning, too, and takes the boost back where the word goes on differently.

# %%
novel = next(each for each in load_corpus(data_dir() / "real").utterances if "LEOCADIA" in each.text)
heard_novel = recognizer.audio_log_probs(read_audio(novel.path))
print("said     ", novel.text)
for name, hotwords in (("heard", []), ("expected", ["Leocadia", "Rodolfo"])):
    print(f"{name:9}", FastBeamSearch(shipped_lm(), hotwords=hotwords)(heard_novel)[0].text)

# %% [markdown]
# One of the two names comes. Of the other the network heard too little: a boost chooses among what was heard, it adds no
# letters.
#
# Now your own name: record a sentence that holds it, and try `asr transcribe me.wav --hotwords "Your Name"`, with it and
# without. A phrase is an n-gram: its boost counts only where all of it is said. Too high a boost writes the name where
# nobody said it; `benchmarks/hotwords.py` counts both.
#
# ## What went wrong?
#
# The word error rate counts the fewest words that must be replaced, dropped or put in to make the reference out of the
# hypothesis. "Fewest" is a small table, filled row by row:


# %%
def edits(reference, hypothesis):
    """Return the fewest substitutions, deletions and insertions between two sequences (Levenshtein distance)."""
    row = list(range(len(hypothesis) + 1))
    for i, said in enumerate(reference, start=1):
        above, row = row, [i]
        for j, heard in enumerate(hypothesis, start=1):
            row.append(min(above[j] + 1, row[-1] + 1, above[j - 1] + (said != heard)))
    return row[-1]


counts = [edits(a.split(), b.split()) for a, b in zip(references, greedy_texts, strict=True)]
assert np.array_equal(counts, word_errors(references, greedy_texts).errors)
assert edits("KITTEN", "SITTING") == 3

# %% [markdown]
# Of which kind are the errors? A lost space, for instance, costs two: a substitution and a deletion.

# %%
figure, axes = plots.new(1, 2, (9, 2.4), alt="substitutions, deletions and insertions by decoder")
here = {"greedy": greedy_texts, "beam": beam_texts, "beam + LM": fused_texts}
found = {name: vars(jiwer.process_words(references, texts)) for name, texts in here.items()}
for ax, rows, title in (
    (axes[0], found, "dev-mini"),
    (axes[1], reported["decoders"], "real speech, reported speakers"),
):
    left = np.zeros(len(rows))
    for kind in ("substitutions", "deletions", "insertions"):
        values = np.array([row[kind] for row in rows.values()])
        ax.barh(list(rows), values, left=left, label=kind)
        left += values
    ax.invert_yaxis()
    ax.set(title=f"{title}: errors in words")
axes[0].legend(loc="lower right")
plots.save(figure, "07_errors")

# %% [markdown]
# Which characters does the ear take for others, and which words are still taken for others with the language model?
# (Real speech, substitutions only.)

# %%
figure, axes = plots.new(1, 2, (9, 3.2), alt="the commonest confusions of characters and of words")
for ax, key, title in zip(axes, ("confused_characters", "confused_words"), ("greedy", "beam + LM"), strict=True):
    rows = reported[key][:12]
    names = [f"{a.replace(' ', '␣')} → {b.replace(' ', '␣')}" for a, b, _ in rows]
    ax.bar_label(ax.barh(names, [times for *_, times in rows]), padding=2, fontsize=8)
    ax.invert_yaxis()
    ax.set(title=f"{key.replace('_', ' ')}, {title}", xlabel="times")
plots.save(figure, "07_confusions")

# %% [markdown]
# Small words lead the list of words: they are said fast, sound alike, and the sentence is good with either.
#
# ## When was each word said?
#
# A text has many paths. *Forced alignment* takes the best one (Viterbi): the sums of CTC's lattice become maxima, and
# each state remembers where its maximum came from. Take the text of the clip that gained most as known:

# %%
from asr_helpers.words import viterbi

aligned = int(shown[0])
samples, text = read_audio(dev[aligned].path), references[aligned]
states = viterbi(outputs[aligned], encode(text))
spelt = [BLANK if state % 2 == 0 else encode(text)[state // 2] for state in states]
assert decode(collapse(spelt)) == text
print("".join(SYMBOLS[k] for k in spelt))

# %% [markdown]
# A word lasts from its first character to its last one. Its *confidence* here is the geometric mean of what the model
# gave its characters.

# %%
from asr_helpers.words import align

words = align(outputs[aligned], text)
plots.save(plots.words_in_time(words, log_mel(samples), text.lower()), "07_words")

# %% [markdown]
# Click a word:

# %%
word_player(samples, words, text.lower())

# %% [markdown]
# CTC decides *that* a character was said and is free about *when*: it lights up for a frame or two somewhere in the
# sound. So such boundaries are good to some 50–100 ms, enough for subtitles, not for phonetics.
#
# Is the best path typical of all paths? The lattice knows: the probability of each state at each frame, summed over
# *all* paths that spell the text.

# %%
forward, backward = lattice(outputs[aligned], encode(text))
posterior = np.exp(forward + backward - np.logaddexp.reduce(forward[-1, -2:]))
first = len(" ".join(text.split()[:2]))
figure = plots.ctc_lattice(posterior[:, : 2 * first + 1], text[:first], title="all paths, and the best one")
stretch = np.flatnonzero(states <= 2 * first)
figure.axes[0].plot(stretch, states[stretch], color=plots.SKY, linewidth=1.5)
figure.axes[0].set_xlim(-0.5, stretch[-1] + 0.5)
on_path = posterior[np.arange(len(states)), states]
print(f"the path's state holds {on_path.mean():.0%} of the probability, on average over the frames")
figure

# %% [markdown]
# The same as a file that other programs read, NIST's CTM: recording, channel, start, duration, word, confidence. On the
# command line it is `asr align AUDIO TEXT`; and `asr transcribe --words` does it with what was heard.

# %%
from asr_helpers.words import ctm

print(ctm(words, dev[aligned].id), end="")

# %% [markdown]
# ## Can the confidence be believed?
#
# Words of the real speech, sorted by confidence: of those that the model gave 0.9 or more, how many were right?

# %%
sure = reported["confidence"]
level, right = np.array(sure["words"]), np.array(sure["right"])
figure, ax = plots.new(size=(7, 2.8), alt="share of right words against confidence, with the number of words")
ax.bar(np.arange(10) / 10 + 0.05, right / np.maximum(level, 1), width=0.09)
ax.plot([0, 1], [0, 1], color=plots.GREY, linestyle="--", label="as believed")
for at, count in enumerate(level):
    ax.text(at / 10 + 0.05, 0.02, count, ha="center", fontsize=7, color="white" if right[at] else "black")
ax.set(xlabel="confidence", ylabel="share that was right", ylim=(0, 1.02))
ax.legend()
print(f"a right word has more confidence than a wrong one in {sure['auc']:.0%} of all pairs; a coin: 50 %")
believed = ((np.arange(10) / 10 + 0.05) * level).sum() / level.sum()
print(f"mean confidence about {believed:.0%}, right {right.sum() / level.sum():.0%}")
figure

# %% [markdown]
# A bar that ends *below* the dashed line: the model was surer than it had a right to be (overconfident). One that ends
# *above*: it was right more often than it believed, as where the language model mended what the ear had not heard well.
# The bars rise, so confidence tells which words to check first; but at every level some words are wrong, and what hurts
# are those on the far right: the model is sure, and mistaken.
#
# ## Break it: another blank
#
# PyTorch's CTC takes class 0 as the blank by default, this model the last one. What does a decoder say that has the
# blank first and its letters from class 1 on?

# %%
mistaken = [ALPHABET[k - 1] for k, _ in itertools.groupby(path) if k != 0]
print("heard", greedy(log_probs))
print("shown", "".join(mistaken))

# %% [markdown]
# Each letter is the one before it in the alphabet (THE turns into SGD, and A into an apostrophe), the spaces are gone,
# because they are the class 0 that is dropped, and the real blank comes out as Z. Whenever output looks like a secret
# code, compare the two alphabets first.
#
# ## Break it: first drop, then merge
#
# Merge and drop look as if their order did not matter.

# %%
for word in ("B–AL–LO–ON", "–BAA–L–LL–OO–O–N"):
    right = "".join(k for k, _ in itertools.groupby(word) if k != "–")
    wrong = "".join(k for k, _ in itertools.groupby(word.replace("–", "")))
    print(f"{word}: {right}, but the other way round {wrong}")

# %% [markdown]
# Once the blanks are gone, nothing parts a double letter any more. In most words this cannot be seen, and so it stays
# unseen for long. What does it cost on dev-mini?


# %%
def drop_then_merge(log_probs):
    kept = [k for k in log_probs.argmax(axis=1) if k != BLANK]
    return decode([k for k, _ in itertools.groupby(kept)])


texts, _ = measure(drop_then_merge)
print(f"WER {word_errors(references, greedy_texts).rate:.1%} → {word_errors(references, texts).rate:.1%}")
print(next((f"{a} → {b}" for a, b in zip(greedy_texts, texts, strict=True) if a != b), "no difference"))

# %% [markdown]
# ## Break it: believe the language model alone
#
# What if the weight is far too high?

# %%
from asr_helpers.words import WEIGHT

for weight in (WEIGHT, 3.0, 10.0):
    deaf = Fusion(lm, weight=weight)
    texts, _ = measure(lambda each, deaf=deaf: beam_search(each, 16, fusion=deaf)[0].text)
    print(f"weight {weight:4}  WER {word_errors(references, texts).rate:6.1%}  {texts[chosen]}")

# %% [markdown]
# Each word then costs so much that the search does with as few as it can: words run together into ones that do not
# exist, or drop out. Many deletions are the mark of a weight too high, or of a bonus too small for it.
#
# ## Break it: softmax twice
#
# Some models end in a softmax, some in logits, as this one does. Take probabilities for logits, apply softmax once
# more, and nothing fails:


# %%
def softmax_again(log_probs):
    exponentials = np.exp(np.exp(log_probs))  # probabilities taken for logits
    return np.log(exponentials / exponentials.sum(axis=1, keepdims=True))


flat = softmax_again(log_probs)
assert greedy(flat) == greedy(log_probs)
print(f"the largest probability of all frames: {np.exp(log_probs).max():.3f}, now {np.exp(flat).max():.3f}")

# %% [markdown]
# Greedy decoding does not notice, because the order of the characters stays the same. But none of them can be more
# probable than e / (e + 28), about 9 %, and a beam search that weighs *sums* gets lost:

# %%
texts, _ = measure(lambda each: beam_search(softmax_again(each), 8)[0].text)
before, _ = measure(lambda each: beam_search(each, 8)[0].text)
print(f"beam search WER {word_errors(references, before).rate:.1%} → {word_errors(references, texts).rate:.1%}")
print(texts[chosen])

# %% [markdown]
# So if a beam search is *worse* than greedy decoding, look at the numbers that go into it: in each row of
# `np.exp(log_probs)` the sum should be 1, and in most rows the largest should be close to 1.
#
# ## Exercises
#
# Write into the empty cells and let `check` judge: it says what is right, and gives a hint where something is not.
# [All of them solved](../notebooks/solutions/07_decoding.ipynb).

# %% [markdown] tags=["exercise"]
# ### Exercise 07.1 · When to say nothing
#
# *easy · 5 minutes*
#
# In the toy, let the blank have probability *b* in both frames. Greedy decoding says nothing as soon as *b* is above 0.5.
# From which *b* on is it *right* to say nothing?

# %% tags=["solution"]
# nothing is worth b², A is worth 1 − b²: they are equal at b² = 1/2
answer = math.sqrt(0.5)
for b in (0.70, 0.71):
    toy[:, ALPHABET.index("A")], toy[:, BLANK] = math.log(1 - b), math.log(b)
    print(b, f"“{beam_search(toy)[0].text}”", f"threshold {answer:.4f}")

# %% tags=["check"]
check("07.1", answer)

# %% [markdown] tags=["exercise"]
# ### Exercise 07.2 · The oracle
#
# *medium · 12 minutes*
#
# `beam_search` returns a list. If somebody who knows the answer picked the best of each list, what would the word error
# rate be? This *oracle* bounds what any re-ranking can reach. Write it as a function of `lists` (of texts, one list for
# each clip) and `references`; `edits` counts errors. The answer is the function. Then try it without and with the
# language model.


# %% tags=["solution"]
def oracle(lists, references):
    """Return the word error rate of the best text of each list."""
    fewest = [
        min(edits(said.split(), text.split()) for text in texts) for texts, said in zip(lists, references, strict=True)
    ]
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
# Align a clip with a text that is *not* its own: which figure tells you? Write a function that takes the words of an
# alignment, a list as `align` returns it, and says whether the text belongs to the sound, True or False. It is tried on
# clips that you have not seen. The answer is the function.


# %% tags=["solution"]
def belongs(words):
    return np.mean([word.confidence for word in words]) > 0.5


answer = belongs
other = min((each for each in references if each != text), key=lambda each: abs(len(each) - len(text)))
for said in (text, other):
    words = align(outputs[aligned], said)
    print(belongs(words), f"mean confidence {np.mean([word.confidence for word in words]):.3f}  {said}")
# each word is found somewhere, but hardly anything was heard there

# %% tags=["check"]
check("07.3", answer)

# %% [markdown] tags=["quiz"]
# ## Quiz
#
# **1. What does greedy decoding look for?**
#
# - [x] the best path | The best symbol of each frame, one after the other.
# - [ ] the best text | A text is worth the sum of its paths, and greedy sees one.
# - [ ] the most probable words | It knows no words, only characters.
#
# **2. What does prefix beam search add up?**
#
# - [ ] the words of a sentence | It adds probabilities.
# - [x] all paths that spell the same beginning | So what counts is the text, not the way to it.
# - [ ] the errors of the best path | It does not know what the errors are.
#
# **3. The weight of the language model is far too high. What do you see?**
#
# - [ ] nonsense words | Those come when it is too low.
# - [x] words drop out, and what remains is common | Each word costs, so the search does with few.
# - [ ] it takes longer, and nothing else | The text changes at once.
#
# **4. On which speech are weight and bonus chosen?**
#
# - [ ] on the training speech | There the network is too sure: the language model would seem useless.
# - [ ] on the speech that is reported | Then they suit it better than any other, and the report flatters.
# - [x] on speech that is in neither | Tune on some speakers, report on others.
#
# **5. What does forced alignment need besides the sound?**
#
# - [x] the text | It asks when each word was said, not which.
# - [ ] a language model | The words are known.
# - [ ] marks of a listener | Nobody has marked anything: the network's frames are enough.

# %% [markdown]
# ## Recap
#
# - Greedy decoding reads the best path; a text is worth the sum of its paths, and prefix beam search finds that sum.
# - A word n-gram is counting, discounting and backing off. In the search it pays for words as they are completed.
# - Weight, bonus and width are tuned on speakers that are not reported, and a gain is a paired interval.
# - Viterbi on the lattice says when each word was said, and the model's probabilities how far to believe it.
#
# ## Further reading
#
# - [Hannun and others (2014), prefix beam search](https://arxiv.org/abs/1408.2873): the search of this notebook, with a language model in it.
# - [Chen & Goodman (1996), smoothing](https://aclanthology.org/P96-1041/): why Kneser-Ney wins, measured carefully.
# - [KenLM](https://kheafield.com/code/kenlm/): n-grams of billions of words, fast and small.
# - [Kürzinger and others (2020), CTC segmentation](https://arxiv.org/abs/2007.09127): forced alignment of hours of speech.
#
# Next: [08 · Quantization](08_quantization.ipynb)
