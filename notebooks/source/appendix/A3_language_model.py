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
# # A3 · Appendix: a language model for real speech
#
# You will see what ever more text buys, how two million n-grams fit into four megabytes, and how a good explanation fell
# to a simple control.

# %% jupyter={"source_hidden": true}
import itertools
import json
import math
import os
from collections import Counter

import numpy as np

from asr_helpers.corpus import data_dir, load_corpus
from asr_helpers.recognizer import Recognizer, shipped_model
from asr_helpers.show import plots, word_diff
from asr_helpers.sound import read_audio
from asr_helpers.words import FastBeamSearch, beam_search, best_text, estimate, greedy, shipped_lm, word_errors

PROFILE = os.environ.get("ASR_PROFILE", "fast")
BENCHMARKS = data_dir().parent / "benchmarks"
plots.style()

# %% jupyter={"source_hidden": true}
law = json.loads((BENCHMARKS / "lm_scaling.json").read_text())
rows, greedy_wer = law["scaling"], law["greedy_wer"]
words, wer = (np.array([row[key] for row in rows]) for key in ("words", "wer"))
alt = "word error rate against words of text: from 44 % without a model to 37 % with 15 thousand words, 21 % with 37 million"
figure, ax = plots.new(
    size=(7, 3), alt=alt, caption="The first million words of text buy most; the next 36 million buy little."
)
ax.plot(words, 100 * wer, "o-")
ax.axhline(100 * greedy_wer, color=plots.GREY, linestyle="--")
ax.text(words[-1], 100 * greedy_wer - 0.7, "no language model", color=plots.GREY, ha="right", va="top")
ax.set(xscale="log", xlabel="words of text", ylabel="word error rate (%)", ylim=(0, 48))
plots.save(figure, "A3_text")

# %% [markdown] tags=["about"]
# | | |
# |---|---|
# | **Objectives** | estimate modified Kneser-Ney by hand · distrust a fitted law · prune by entropy · tune a decoder · test an explanation with a control |
# | **Needs** | [07 · Decoding](07_decoding.ipynb); no network, no GPU |
# | **Minutes** | ci, fast, workshop, full: 1 |

# %% [markdown]
# ## How much text does it take?
#
# `benchmarks/lm_scaling.py` estimated models from ever more text, doubling it each time: first the transcripts of
# other audiobooks, then books. Each model decoded the same four speakers. The figure above shows the result. (These
# models were decoded with letter bigrams in place of the letter bonus that ships now; below we measure the
# difference.)

# %%
print(f"{law['utterances']} utterances; without a language model WER {greedy_wer:.1%}")
for row in rows[::2]:
    print(
        f"{row['words']:10,} words: {row['unknown']:5.1%} of the spoken ones are unknown; "
        f"perplexity {row['perplexity']:4.0f}; WER {row['wer']:.1%}"
    )

# %% [markdown]
# Read perplexity with care. Small models know few words, and all others are one `<unk>` to them, which is easy to guess.
#
# What would still more text bring? Take the first million words only, fit two laws, and follow both to 37 million. Either
# each doubling takes the same number of *points* off, a straight line over the logarithm. Or it takes the same *share*
# off, above a floor of errors that no text can repair.

# %%
fitted = words <= law["transcribed_words"]
line = np.polyval(np.polyfit(np.log2(words[fitted]), wer[fitted], 1), np.log2(words))


def with_floor(exponent):
    """Return the best floor + factor · words ** -exponent, and the floor."""
    terms = np.stack([np.ones(len(words)), words**-exponent], axis=1)
    factors = np.linalg.lstsq(terms[fitted], wer[fitted], rcond=None)[0]
    return terms @ factors, factors[0]


curve, floor = min(map(with_floor, np.arange(0.02, 1.5, 0.01)), key=lambda c: sum((c[0] - wer)[fitted] ** 2))
print(f"for {words[-1]:,} words the line promises {line[-1]:.1%}, the curve {curve[-1]:.1%} (floor {floor:.1%})")
print(f"measured: {wer[-1]:.1%}")

# %% jupyter={"source_hidden": true}
alt = "two laws fitted to a million words fit equally well; at 37 million the line is nine points too low"
caption = "Both laws fit the blue points. Only one survives the orange ones."
figure, ax = plots.new(size=(7, 3), alt=alt, caption=caption)
ax.plot(words, 100 * line, color=plots.GREY, linestyle=":", label="line")
ax.plot(words, 100 * curve, color=plots.GREY, linestyle="--", label="with a floor")
ax.scatter(words[fitted], 100 * wer[fitted], label="fitted", zorder=3)
ax.scatter(words[~fitted], 100 * wer[~fitted], color=plots.ORANGE, label="not fitted", zorder=3)
ax.set(xscale="log", xlabel="words of text", ylabel="word error rate (%)")
ax.legend()
plots.save(figure, "A3_laws")

# %% [markdown]
# Over a few doublings both look like laws; beyond them they part. The line would one day promise less than no errors. If
# you plan by a law, ask first where it must end. And neither law could know that another kind of text follows: books.
#
# ## How are the counts discounted?
#
# [07](07_decoding.ipynb) took half a count off everything. Chen & Goodman compute the discounts for n-grams counted once,
# twice, and three or more times from how many of them there are. The harbour's sentences again:

# %%
train = [each.text for each in load_corpus(data_dir() / "mini" / "train-mini")]
pairs = Counter()
for sentence in train:
    pairs.update(itertools.pairwise(("<s>", *sentence.split(), "</s>")))
n = Counter(pairs.values())
y = n[1] / (n[1] + 2 * n[2])
off_pairs = [0, *(count - (count + 1) * y * n[count + 1] / n[count] for count in (1, 2, 3))]
off_words = [0, 0.5, 1, 1.5]  # this text has too few words for the formula
print("off a pair counted 1, 2, 3+ times:", [round(value, 2) for value in off_pairs[1:]])

# %% [markdown]
# Which words get the rest? Not the frequent ones: a word that follows only one other, however often, is improbable
# elsewhere. **Kneser-Ney** counts for each word *how many different words* it follows. A last small share goes to all
# words alike, `<unk>` among them.

# %%
kinds = Counter(second for _, second in pairs)  # how many different words precede it
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


# %%
helper = estimate(train, order=2)
vocabulary = [*kinds, "<unk>"]
assert np.isclose(sum(bigram("THE", word) for word in vocabulary), 1)
for word in vocabulary:
    assert np.isclose(math.log10(bigram("THE", word)), helper.score(("THE",), word)[0])
print({word: f"{bigram('THE', word):.5f}" for word in ("COOK", "SOUP", "THE", "ZEBRA")})

# %% [markdown]
# ## Does it fit into a pocket?
#
# 37 million words have 17 million different triples. Those seen once are dropped, and of the rest most say little: the
# shorter n-gram, to which the model backs off without them, gives nearly the same probability. *Entropy pruning*
# ([Stolcke 1998](https://arxiv.org/abs/cs/0006025)) measures for each n-gram how far the model moves without it,
#
# > Σ P(context) · P(word | context) · ln (P(word | context) / P′(word | context)), summed over all words,
#
# and first drops those that change it least. `asr lm --keep 2000000` made the shipped file in this way. What would
# fewer do?

# %%
for row in law["pruning"]:
    size = f"{row['n_grams']:9,} n-grams, {row['bytes'] / 1e6:5.1f} MB as ARPA"
    print(f"{size}: perplexity {row['perplexity']:4.0f}, WER {row['wer']:.1%}")

# %% [markdown]
# Packed (`asr_helpers/words/packed.py`), the shipped model takes 4.2 MB, because its values are rounded to 256 steps. The
# [page](../data/README.md) gets one pruned to 1.8 MB; `benchmarks/lm_sizes.py` chose that size.
#
# Would longer n-grams help, or more of them? `asr lm` with `--order 4` or `--keep 8000000` made these from the same text, and
# `python benchmarks/lm_sizes.py MODEL CORPUS... --beside FILE...` compared them with the shipped model: the change of the
# WER in points, with its paired 95 % interval.
#
# | n-grams | size | `dev-clean-tune` | `dev-clean-valid` |
# |---|---|---|---|
# | 3-grams, 2 million (shipped) | 4.2 MB | WER 18.0 % | WER 22.2 % |
# | 4-grams, 2 million | 4.3 MB | +0.0 (−0.3 to +0.4) | −0.0 (−0.4 to +0.4) |
# | 3-grams, 8 million | 13.8 MB | −0.7 (−1.3 to −0.2) | −0.8 (−1.3 to −0.3) |
# | 4-grams, 8 million | 15.6 MB | −0.7 (−1.1 to −0.2) | −0.8 (−1.4 to −0.2) |
#
# More n-grams help; longer ones do not. Ten more megabytes for less than a point is a bad bargain for a download, so the
# small model ships.
#
# ## Which settings?
#
# `benchmarks/decoder_tuning.py` tried weights and bonuses on four *tuning* speakers:

# %%
measured = json.loads((BENCHMARKS / "decoder_tuning.json").read_text())
tuned, reported = measured["tuning"], measured["report"]
alt = (
    "word error rate by language-model weight and word bonus: the best is framed, and its neighbours are nearly as good"
)
figure = plots.heat_map(100 * np.array(tuned["wer"]), tuned["weights"], tuned["word_bonuses"], title="WER (%)")
figure.axes[0].set(xlabel="word bonus (nats)", ylabel="weight of the language model")
plots.save(figure, "A3_tuning", alt, "The best setting is framed. Its neighbours are nearly as good.")

# %%
print("best:", tuned["best"])
for name, row in reported["decoders"].items():
    low, high = row["wer_ci95"]
    kinds = ", ".join(f"{row[kind]} {kind}" for kind in ("substitutions", "deletions", "insertions"))
    print(f"{name:10} WER {row['wer']:.1%} ({low:.1%} to {high:.1%})  {kinds}")

# %% [markdown]
# The ground around the best is flat: no neighbour is a whole point worse. The second cell reports four *other* speakers.
# To report the tuning speakers would be a small lie: the settings were chosen to suit them.
#
# ## What does look-ahead buy?
#
# The language model judges whole words, but the beam is pruned after every frame. A prefix of no real word looks as good
# as any other until its last letter; by then it may have pushed the right prefix out of the beam. *Look-ahead* (Ortmanns,
# Ney & Eiden, ICSLP 1996) gives each prefix the probability of the most frequent word that begins so. (Theirs also
# conditions on the previous word.) Final scores are unchanged; only pruning is. Without it, at the same settings, the beam
# fills with strings that no word continues: each letter earns its bonus at once, and the word's cost comes later.

# %% jupyter={"source_hidden": true}
alt = "with look-ahead the error falls until a width of a few hundred; without it two words in three are wrong at any"
caption = "With look-ahead, a beam of 64 comes within a point of the best. Without it, no width does."
figure, (left, right) = plots.new(2, 1, (7, 5), alt, caption)
widths = [str(width) for width in tuned["widths"]]
left.plot(
    widths, 100 * np.array(tuned["width_wer_without_look_ahead"]), "s:", color=plots.GREY, label="without look-ahead"
)
left.plot(widths, 100 * np.array(tuned["width_wer"]), "o-", color=plots.BLUE, label="with look-ahead")
left.set(title="word error rate (%), tuning speakers", ylim=(0, None))
left.legend()
bars = right.bar(widths, tuned["width_ms_per_audio_second"], color=plots.ORANGE)
right.bar_label(bars, fmt="%.1f")
right.set(xlabel="width of the beam", title="milliseconds per second of audio, compiled")
plots.save(figure, "A3_look_ahead")

# %% [markdown]
# ## Why does a letter need a bonus?
#
# An appealing explanation: the network has learned to spell from its transcripts. It knows that E follows TH far more
# often than Q. So its output contains an *internal language model*, and with an external one this knowledge counts twice.
# Bayes' rule divides out the prior probability of the text:
#
# > P(sound | text) ∝ P(text | sound) / P(text)
#
# The field does so in several ways: the *density ratio* ([McDermott and others 2019](https://arxiv.org/abs/2002.11268))
# uses a language model of the transcripts, *internal language model estimation*
# ([Meng and others 2020](https://arxiv.org/abs/2011.01991)) the network itself, and *LODR*
# ([Zheng and others 2022](https://arxiv.org/abs/2203.16776)) a bigram. This recogniser, too, once subtracted letter
# bigrams. Its error rate fell, and the explanation was believed.
#
# An explanation is not a measurement. The **control** is a term with the same length and no knowledge: a constant for
# each letter. `benchmarks/decoder_tuning.py --control` tunes each way alike and reports speakers that it was not tuned on:

# %%
control = json.loads((BENCHMARKS / "decoder_control.json").read_text())["ways"]
named = {
    "none": "nothing",
    "constant": "a constant per letter",
    "words": "letter bigrams of the language model",
    "transcripts": "letter bigrams of the transcripts",
}
for way, name in named.items():
    for corpus, row in control[way]["report"].items():
        low, high = row["minus_constant_ci95"]
        gap = f"{100 * row['minus_constant']:+.2f} points ({100 * low:+.2f} to {100 * high:+.2f})"
        print(f"{name:37} {corpus:15} WER {row['wer']:.1%}  minus constant {gap}")

# %% jupyter={"source_hidden": true}
corpora = list(control["none"]["report"])
figure, ax = plots.new(
    size=(7, 3.2),
    alt="word error rate by what each letter adds: nothing is four points worse; a constant and two bigrams are alike",
    caption="A constant does what the letter statistics do. Adding nothing costs four points.",
)
for place, way in enumerate(named):
    row = control[way]["report"][corpora[0]]
    low, high = row["wer_ci95"]
    ax.barh(
        place,
        100 * row["wer"],
        color=plots.GREY if way == "none" else plots.ORANGE if way == "constant" else plots.BLUE,
    )
    ax.plot([100 * low, 100 * high], [place, place], color="black", linewidth=1.5)
ax.set_yticks(range(len(named)), named.values())
ax.invert_yaxis()
ax.set(xlabel="word error rate (%), held-out speakers", title="what is added to the score for each letter")
plots.save(figure, "A3_control")

# %% [markdown]
# The constant does the work. What the letter statistics add to it is a few tenths of a point, and every interval
# contains 0, with either bigram, on both sets of speakers. So the simpler term ships: a *bonus per letter*. A constant
# knows nothing of spelling; all it can change is length. This does not refute internal language models. It says that a
# letter bigram is not worth its code *here*; larger networks, trained on more text, know more.
#
# Is it length, then? Count the letters that are written in the forty sentences of people, with the best settings without
# the bonus and with it:

# %%
people = load_corpus(data_dir() / "real").utterances[:: 4 if PROFILE == "ci" else 1]
recognizer = Recognizer.load(shipped_model())
heard = [recognizer.audio_log_probs(read_audio(each.path)) for each in people]
said, texts = [each.text for each in people], {}
for way in ("none", "constant"):
    search = best_text(FastBeamSearch(shipped_lm(), **control[way]["best"]))
    texts[way] = [search(each) for each in heard]
errors = {way: word_errors(said, each) for way, each in texts.items()}
letters = {way: len("".join(each).replace(" ", "")) for way, each in {"said": said, **texts}.items()}
print({way: f"WER {each.rate:.1%}" for way, each in errors.items()}, "letters", letters)

# %%
gained = errors["constant"].errors - errors["none"].errors
i = int(np.argmin(gained))
word_diff(said[i], {"without": texts["none"][i], "with": texts["constant"][i]})

# %% [markdown]
# ## Which errors remain?
#
# On the left the characters that greedy decoding confuses, on the right the words that are confused even with the
# language model (the four reported speakers, substitutions only).

# %% jupyter={"source_hidden": true}
alt = "bars, the ten most frequent confusions: of characters, mostly vowels; of words, mostly short function words"
caption = "By ear, vowels are taken for each other. With the language model, short words are."
figure, axes = plots.new(2, 1, (7, 6.4), alt, caption)
for ax, key, title in zip(axes, ("confused_characters", "confused_words"), ("greedy", "beam + LM"), strict=True):
    rows = reported[key][:10]
    names = [f"{a.replace(' ', '␣')} → {b.replace(' ', '␣')}" for a, b, _ in rows]
    ax.bar_label(ax.barh(names, [times for *_, times in rows]), padding=2)
    ax.invert_yaxis()
    ax.set(title=f"{key.replace('_', ' ')}, {title}", xlabel="times")
plots.save(figure, "A3_confusions")

# %% [markdown]
# Short function words lead the list: they are spoken quickly, sound alike, and either one fits the sentence.
#
# ## Break it: softmax twice
#
# Some models end in a softmax, some in logits, as this one does. Take probabilities for logits, apply softmax once more,
# and nothing fails:


# %%
def softmax_again(log_probs):
    exponentials = np.exp(np.exp(log_probs))  # probabilities taken for logits
    return np.log(exponentials / exponentials.sum(axis=1, keepdims=True))


some = range(0, len(heard), 4)
flat = [softmax_again(heard[i]) for i in some]
assert [greedy(each) for each in flat] == [greedy(heard[i]) for i in some]
for name, outputs in (("right", [heard[i] for i in some]), ("twice", flat)):
    found = word_errors([said[i] for i in some], [beam_search(each, 8)[0].text for each in outputs])
    print(f"{name}: largest probability {np.exp(max(map(np.max, outputs))):.3f}, beam search WER {found.rate:.1%}")

# %% [markdown]
# **Diagnosis.** Greedy decoding does not notice, because the order of the characters is unchanged. But no probability can
# exceed e / (e + 28), about 9 %, and a beam search that weighs *sums* goes astray. If beam search is *worse* than greedy,
# look at the numbers that go in: each row of `np.exp(log_probs)` should sum to 1, and in most rows the largest should be
# near 1.
#
# ## Recap
#
# - Early doublings of text pay most. Two laws can fit the same points and disagree by nine points of WER.
# - Entropy pruning keeps the n-grams that the shorter ones cannot replace.
# - Look-ahead decides which prefixes survive; it costs nothing in the final score.
# - A term that helps may help for another reason than its explanation. Run the control.
#
# ## Further reading
#
# - [Chen & Goodman (1999)](https://doi.org/10.1006/csla.1999.0128): smoothing compared; the discounts used here.
# - [Kaplan and others (2020)](https://arxiv.org/abs/2001.08361): scaling laws where they made headlines.
# - [Meng and others (2020)](https://arxiv.org/abs/2011.01991): internal language models of end-to-end networks.
#
# Back to [07 · Decoding](07_decoding.ipynb)
