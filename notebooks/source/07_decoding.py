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
# You will see what a trained model says every 40 ms, watch a beam search weigh several texts at once, and learn how to
# tell whether one way of reading is better than another.
#
# | | |
# |---|---|
# | **Objectives** | read a text off the model's output by hand · know when the best path is not the best text · build prefix beam search · compare decoders with intervals · read an alignment and count kinds of errors |
# | **Needs** | the idea of CTC ([notebook 05](05_crnn_and_ctc.ipynb)); the shipped model; no network, no GPU |
# | **Minutes** | ci, fast, workshop, full: under 1 |

# %%
import itertools
import math
import os
import time
from collections import Counter, defaultdict
from importlib.metadata import version

import jiwer
import numpy as np

from asr_helpers import decoding, plots
from asr_helpers.corpus import data_dir, load_corpus, read_audio
from asr_helpers.features import features
from asr_helpers.metrics import character_errors, paired_difference, word_errors
from asr_helpers.recognizer import Recognizer
from asr_helpers.text import ALPHABET, BLANK, NUM_CLASSES, decode
from asr_helpers.widgets import player

PROFILE = os.environ.get("ASR_PROFILE", "fast")
plots.style()
print("profile", PROFILE, *(f"· {name} {version(name)}" for name in ("tensorflow", "jiwer", "numpy")))

# %% [markdown]
# ## What does the model say, moment by moment?
#
# The shipped model hears the clips of dev-mini, once. Everything below works on what it answers: for each 40 ms, the
# log-probabilities of 28 characters and the blank.

# %%
recognizer = Recognizer.load(data_dir() / "models" / "crnn.keras")
dev = load_corpus(data_dir() / "mini" / "dev-mini").utterances[:: 4 if PROFILE == "ci" else 1]
inputs = [features(read_audio(each.path)) for each in dev]
outputs = [recognizer.log_probs(each) for each in inputs]
references = [each.text for each in dev]
print(len(dev), "clips; the first:", inputs[0].shape, "→", outputs[0].shape)

# %% [markdown]
# For a close look, take a clip in which the model hesitates: one that two decoders, met below, read differently.

# %%
greedy_texts = [decoding.greedy(each) for each in outputs]
beam_texts = [decoding.beam_search(each)[0].text for each in outputs]
pairs = enumerate(zip(greedy_texts, beam_texts, strict=True))
chosen = next((i for i, (a, b) in pairs if a != b), 0)
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
assert decode(kept) == decoding.greedy(log_probs)
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
best = decoding.beam_search(toy)[0]
assert np.isclose(math.exp(best.score), worth["A"])
print(f"greedy: “{decoding.greedy(toy)}” · beam search: “{best.text}”, worth {math.exp(best.score):.2f}")

# %% [markdown]
# ## Can all paths be summed?
#
# How many are there for this clip?

# %%
print(
    f"{NUM_CLASSES} to the power of {len(log_probs)}: a number of {len(str(NUM_CLASSES ** len(log_probs)))} digits"
)

# %% [markdown]
# So no. *Prefix beam search* goes through the frames once and keeps only a few beginnings of texts, the *beam*. All
# paths that spell the same beginning are summed into one entry of it.
#
# One detail carries it. From AB, another B gives ABB if the path ended in a blank, but still AB if it ended in the B.
# So each entry keeps two sums: over paths that end in a blank, and over paths that end in its last character.


# %%
def step(beam, probs, width):
    """Take a beam, {prefix: [ends in a blank, ends in its last character]}, one frame further."""
    after = defaultdict(lambda: [0.0, 0.0])
    for prefix, (blank, character) in beam.items():
        last = prefix[-1] if prefix else None
        after[prefix][0] += (blank + character) * probs[BLANK]
        if prefix:
            after[prefix][1] += character * probs[last]  # the last character goes on
        for new in range(BLANK):
            before = blank if new == last else blank + character
            after[(*prefix, new)][1] += before * probs[new]
    best = sorted(after, key=lambda prefix: (-sum(after[prefix]), prefix))
    return {prefix: after[prefix] for prefix in best[:width]}


# %% [markdown]
# Watch it on the toy. It starts from the empty text, with probability 1.

# %%
beam = {(): [1.0, 0.0]}
for probs in np.exp(toy):
    beam = step(beam, probs, width=2)
    print({decode(prefix): [round(float(part), 2) for part in parts] for prefix, parts in beam.items()})

# %% [markdown]
# And on real frames? The helper must find the same texts with the same probabilities.

# %%
part = log_probs[:30]
beam = {(): [1.0, 0.0]}
for probs in np.exp(part.astype(np.float64)):
    beam = step(beam, probs, width=8)

theirs = decoding.beam_search(part, width=8, min_log_prob=-math.inf)
assert [decode(prefix) for prefix in beam] == [each.text for each in theirs]
assert np.allclose([math.log(sum(parts)) for parts in beam.values()], [each.score for each in theirs])
print(*(f"{math.exp(each.score):.3f}  {each.text}" for each in theirs[:4]), sep="\n")

# %% [markdown]
# The helper differs in two points only. It adds logarithms, since a product of thousands of probabilities is too small
# for a computer's numbers. And it offers each frame only the characters that are not hopeless (`min_log_prob`): most of
# the 28 are, most of the time. What does that save, and what does it cost?


# %%
def measure(decoder):
    """Return the texts of all clips and the milliseconds that a second of audio takes."""
    start = time.perf_counter()
    texts = [decoder(each) for each in outputs]
    return texts, 1000 * (time.perf_counter() - start) / sum(each.seconds for each in dev)


# %%
for limit in (-math.inf, -8.0, -5.0, -2.0):
    texts, ms = measure(lambda each, limit=limit: decoding.beam_search(each, min_log_prob=limit)[0].text)
    print(
        f"min_log_prob {limit:5}  {ms:5.1f} ms per second of audio   WER {word_errors(references, texts).rate:.2%}"
    )

# %% [markdown]
# ## What goes on in the beam?
#
# Take the word in which greedy decoding and beam search part company, and let a beam run over its frames alone. Each
# column is the beam after one frame, the most probable beginning on top; the darker, the larger its share.


# %%
def beams(log_probs, width):
    """Return the beam after each frame as a list of (text, share of the whole beam)."""
    beam, history = {(): [1.0, 0.0]}, []
    for probs in np.exp(log_probs.astype(np.float64)):
        beam = step(beam, probs, width)
        total = sum(map(sum, beam.values()))
        history.append([(decode(prefix), sum(parts) / total) for prefix, parts in beam.items()])
    return history


# %%
letters = zip(greedy_texts[chosen], beam_texts[chosen], strict=False)
agreed = sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], letters))
spoken = [t for t in range(len(path)) if path[t] != BLANK and (t == 0 or path[t] != path[t - 1])]
parting = spoken[min(agreed, len(spoken) - 1)]
begin = max((t + 1 for t in range(parting) if SYMBOLS[path[t]] == "␣"), default=0)
history = beams(log_probs[begin : begin + 12], width=8)

# %%
figure, ax = plots.new(
    size=(10, 2.4), alt="the five most probable prefixes after each of 12 frames of a word"
)
shares = np.array([[share for _, share in (beam + [("", 0)] * 5)[:5]] for beam in history]).T
ax.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
for column, beam in enumerate(history):
    for rank, (text, share) in enumerate(beam[:5]):
        shade = "white" if share > 0.5 else "black" if share > 0.02 else plots.GREY
        ax.text(
            column,
            rank,
            text.replace(" ", "␣") or "(empty)",
            ha="center",
            va="center",
            fontsize=8,
            color=shade,
        )
ax.set_xticks(range(len(history)), [f"{t * 0.04:.2f}" for t in range(begin, begin + len(history))])
ax.set(yticks=range(5), yticklabels=range(1, 6), xlabel="time (s)", ylabel="rank")
plots.save(figure, "07_beam")

# %% [markdown]
# Where the model is sure, one beginning holds the whole column. Where it hesitates, several live side by side, and the
# frames that follow settle the matter: a text may be second for a while and come out first. Greedy decoding has no
# second row, so what it drops is gone at once.
#
# ## Does it pay?
#
# Both decoders on the same clips, with the *word error rate* and its 95 % interval, and with the time they take:

# %%
for name, decoder in (("greedy", decoding.greedy), ("beam", lambda each: decoding.beam_search(each)[0].text)):
    texts, ms = measure(decoder)
    errors = word_errors(references, texts)
    low, high = errors.interval()
    print(
        f"{name:6}  WER {errors.rate:.1%}  (95 % interval {low:.1%} to {high:.1%})  {ms:.3f} ms per second of audio"
    )

# %% [markdown]
# The two intervals overlap widely. Does that mean that the two cannot be told apart? No: both read the *same* clips, and
# a clip that is hard is hard for both. The interval of the difference, clip by clip, is the one to look at.

# %%
difference, (low, high) = paired_difference(
    word_errors(references, greedy_texts), word_errors(references, beam_texts)
)
verdict = "includes 0: these clips cannot tell" if low <= 0 <= high else "excludes 0: hardly chance"
print(f"beam − greedy: {100 * difference:+.1f} points (95 % interval {100 * low:+.1f} to {100 * high:+.1f})")
print("The interval", verdict)

# %% [markdown]
# Beam search *alone* seldom gains much, and whether this gain holds on other clips is for exercise 2 to find out. It sums
# the paths of a text better, but has nothing to go by except the same frames: it cannot know that a string of letters is
# no word. (Language models, which do know, come in a later version of this series.)
#
# ## How wide must the beam be?

# %%
widths = (1, 4, 16) if PROFILE == "ci" else (1, 2, 4, 8, 16, 32, 64)
table = []
for width in widths:
    texts, ms = measure(lambda each, width=width: decoding.beam_search(each, width)[0].text)
    errors = word_errors(references, texts)
    table.append((errors.rate, *errors.interval(), ms))

# %%
figure, (left, right) = plots.new(1, 2, alt="word error rate and time against the width of the beam")
wer, low, high, ms = 100 * np.array(table).T
left.plot(widths, wer, marker="o", label="beam search")
left.fill_between(widths, low, high, alpha=0.15, label="95 % interval")
left.axhline(
    100 * word_errors(references, greedy_texts).rate, color=plots.GREY, linestyle="--", label="greedy"
)
left.set(xscale="log", xlabel="width of the beam", ylabel="%", title="word error rate", ylim=(0, None))
left.legend(loc="lower right")
left.set_xticks(widths, widths)
left.minorticks_off()
right.bar_label(right.bar([str(width) for width in widths], ms / 100, color=plots.ORANGE), fmt="%.1f")
right.set(xlabel="width of the beam", title="milliseconds per second of audio")
plots.save(figure, "07_beam_width")

# %% [markdown]
# Time grows with the width, the gain soon stops: what is worth finding is among the first few. (A beam of width 1 is
# still not greedy decoding, since its one entry sums several paths.)
#
# ## What does the word error rate count?
#
# It counts the fewest words that must be replaced, dropped or put in to make the reference out of the hypothesis, and
# divides by the words of the reference. "Fewest" is a small table, filled row by row:


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
# Which word stands against which? jiwer keeps the way back through that table. Here is a clip with errors of several
# kinds: S is a substitution, D a deletion, I an insertion.

# %%
words = jiwer.process_words(references, greedy_texts)
kinds = [len({chunk.type for chunk in chunks}) for chunks in words.alignments]
mixed = max(range(len(dev)), key=lambda i: (kinds[i], counts[i]))
one = jiwer.process_words(references[mixed], greedy_texts[mixed])
print("\n".join(jiwer.visualize_alignment(one, show_measures=False).splitlines()[2:5]))

# %% [markdown]
# A lost space costs two errors, a substitution and a deletion, and one wrong letter makes a whole word wrong. So words
# judge harder than letters:

# %%
letters = jiwer.process_characters(references, greedy_texts)
assert np.isclose(words.wer, word_errors(references, greedy_texts).rate)
assert np.isclose(letters.cer, character_errors(references, greedy_texts).rate)
print(f"word error rate {words.wer:.1%}, character error rate {letters.cer:.1%}")

# %% [markdown]
# Of which kind are the errors?

# %%
figure, axes = plots.new(
    1, 2, (8, 1.9), alt="substitutions, deletions and insertions of words and of characters"
)
for ax, found, title in ((axes[0], words, "errors in words"), (axes[1], letters, "errors in characters")):
    bars = ax.barh(
        ["substituted", "deleted", "inserted"], [found.substitutions, found.deletions, found.insertions]
    )
    ax.bar_label(bars, padding=3)
    ax.invert_yaxis()
    ax.set(title=title, xlabel="times")
figure

# %% [markdown]
# And which characters does the model lose most often?

# %%
lost = Counter()
for text, chunks in zip(references, letters.alignments, strict=True):
    for chunk in chunks:
        if chunk.type == "delete":
            lost.update(text[chunk.ref_start_idx : chunk.ref_end_idx].replace(" ", "␣"))
print(*(f"{character} {times}×" for character, times in lost.most_common(10)), sep=" · ")

# %% [markdown]
# ## Break it: another blank
#
# PyTorch's CTC takes class 0 as the blank by default, this model the last one. What does a decoder say that has the
# blank first and its letters from class 1 on?

# %%
mistaken = [ALPHABET[k - 1] for k, _ in itertools.groupby(path) if k != 0]
print("heard", decoding.greedy(log_probs))
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
print(next(f"{a} → {b}" for a, b in zip(greedy_texts, texts, strict=True) if a != b))

# %% [markdown]
# ## Break it: softmax twice
#
# Some models end in a softmax, some in logits, as this one does. Take probabilities for logits, apply softmax once
# more, and nothing fails:


# %%
def softmax_again(log_probs):
    exponentials = np.exp(np.exp(log_probs))  # probabilities taken for logits
    return np.log(exponentials / exponentials.sum(axis=1, keepdims=True))


flat = softmax_again(log_probs)
assert decoding.greedy(flat) == decoding.greedy(log_probs)
print(f"the largest probability of all frames: {np.exp(log_probs).max():.3f}, now {np.exp(flat).max():.3f}")

# %% [markdown]
# Greedy decoding does not notice, because the order of the characters stays the same. But none of them can be more
# probable than e / (e + 28), about 9 %, and a beam search that weighs *sums* gets lost:

# %%
texts, _ = measure(lambda each: decoding.beam_search(softmax_again(each))[0].text)
print(
    f"beam search WER {word_errors(references, beam_texts).rate:.1%} → {word_errors(references, texts).rate:.1%}"
)
print(texts[chosen])

# %% [markdown]
# So if a beam search is *worse* than greedy decoding, look at the numbers that go into it: in each row of
# `np.exp(log_probs)` the sum should be 1, and in most rows the largest should be close to 1.
#
# ## Exercises

# %% [markdown] tags=["exercise"]
# 1. In the toy, let the blank have probability *b* in both frames. Greedy decoding says nothing as soon as *b* is above
#    0.5. From which *b* on is it right to say nothing?
# 2. Is the gain of beam search the same on test-mini? Take its first 40 clips and the paired interval.
# 3. `beam_search` returns a list. If somebody who knows the answer picked the best of each list of 16, what would the
#    word error rate be? (This *oracle* bounds what any re-ranking of the list can reach.)

# %% tags=["solution"]
# nothing is worth b², A is worth 1 − b²: they are equal at b² = 1/2
for b in (0.70, 0.71):
    toy[:, ALPHABET.index("A")], toy[:, BLANK] = math.log(1 - b), math.log(b)
    print(b, f"“{decoding.beam_search(toy)[0].text}”", f"threshold {math.sqrt(0.5):.4f}")

# %% tags=["solution"]
test = load_corpus(data_dir() / "mini" / "test-mini").utterances[:40]
heard = [recognizer.log_probs(features(read_audio(each.path))) for each in test]
by_greedy = word_errors([each.text for each in test], [decoding.greedy(each) for each in heard])
by_beam = word_errors([each.text for each in test], [decoding.beam_search(each)[0].text for each in heard])
difference, (low, high) = paired_difference(by_greedy, by_beam)
print(f"{by_greedy.rate:.1%} → {by_beam.rate:.1%}")
print(f"{100 * difference:+.1f} points (95 % interval {100 * low:+.1f} to {100 * high:+.1f})")

# %% tags=["solution"]
picked = [
    min(
        (each.text for each in decoding.beam_search(output)),
        key=lambda text: edits(said.split(), text.split()),
    )
    for said, output in zip(references, outputs, strict=True)
]
print(
    f"first of the list {word_errors(references, beam_texts).rate:.1%}, best of it {word_errors(references, picked).rate:.1%}"
)

# %% [markdown]
# ## Recap
#
# - Greedy decoding takes the best symbol of each frame, merges repeats, then drops blanks, in that order.
# - A text is worth the sum of its paths; prefix beam search sums them for a few beginnings at a time.
# - The width buys little beyond a few entries, and costs time nearly in proportion.
# - Two decoders are compared on the same clips, by the interval of their difference.
# - The word error rate is an edit distance; an alignment tells which words it counted, and of which kind.
#
# Next: [08 · Quantization](08_quantization.ipynb), the same model in a quarter of the bytes.
