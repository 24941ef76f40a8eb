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
# # A4 · Appendix: a borrowed encoder
#
# You will read what Whisper's encoder writes when our alphabet is put on top of it, after seconds of training.

# %% jupyter={"source_hidden": true}
import json
import os

import keras
import numpy as np
import tensorflow as tf
from IPython.display import display

from asr_helpers.corpus import data_dir, load_corpus
from asr_helpers.network import ctc_loss, pack_targets
from asr_helpers.pretrained import whisper
from asr_helpers.show import plots, word_diff
from asr_helpers.show.widgets import player
from asr_helpers.sound import read_audio
from asr_helpers.text import encode
from asr_helpers.words import character_errors, greedy

PROFILE = os.environ.get("ASR_PROFILE", "fast")
BENCHMARKS = data_dir().parent / "benchmarks"
plots.style()
try:
    BOX = whisper.tiny_en()
except whisper.WhisperError as error:
    BOX = None
    print(error)

# %% jupyter={"source_hidden": true}
every, most = {"ci": (30, 12)}.get(PROFILE, (3, None))
if BOX:
    encoder = whisper.build_encoder(whisper.read_weights(BOX / "model.bin"))
    hears = tf.function(lambda mels: encoder(mels, training=False), [tf.TensorSpec((None, None, 80))])
    clips = {name: load_corpus(data_dir() / name).utterances for name in ("mini/train-mini", "mini/test-mini", "real")}
    taught, harbour, people = (
        listed[::step][:most] for listed, step in zip(clips.values(), (every, 2, 1), strict=True)
    )
    heard = {}
    for each in [*taught, *harbour, *people]:
        sound = hears(whisper.whisper_log_mel(read_audio(each.path), None)[None])[0].numpy()
        heard[each.id] = sound[: len(sound) // 2 * 2].reshape(-1, 768)
    seconds = sum(len(each) for each in heard.values()) / 25


# %% jupyter={"source_hidden": true}
def batch(clips):
    frames = [len(heard[each.id]) for each in clips]
    padded = [np.pad(heard[each.id], [(0, max(frames) - len(heard[each.id])), (0, 0)]) for each in clips]
    return np.stack(padded), pack_targets([encode(each.text) for each in clips], frames)


if BOX:
    keras.utils.set_random_seed(0)
    everything = np.concatenate([heard[each.id] for each in taught])
    known = keras.layers.Normalization(mean=everything.mean(axis=0), variance=everything.var(axis=0))
    head = keras.Sequential([keras.Input((None, 768)), known, keras.layers.Dense(29)])
    head.compile(keras.optimizers.Adam(5e-3), ctc_loss, jit_compile=False)
    taught.sort(key=lambda each: len(heard[each.id]))
    batches = [batch(taught[place : place + 16]) for place in range(0, len(taught), 16)]

# %% jupyter={"source_hidden": true}
if BOX:
    for _ in range(1 if PROFILE == "ci" else 8):
        losses = [head.train_on_batch(*batches[place]) for place in np.random.permutation(len(batches))]
    wrote = {each.id: greedy(head(heard[each.id][None])[0].numpy()) for each in [*harbour, *people]}
    for each in (harbour[0], people[0]):
        display(player(read_audio(each.path), each.text.capitalize()), word_diff(each.text, wrote[each.id]))

# %% [markdown] tags=["about"]
# Above, a bulletin of the harbour radio; below, a person; the new layer was never trained on people. Read the second
# text aloud.
#
# | | |
# |---|---|
# | **Objectives** | train an output layer on a frozen encoder · choose an encoder's layer · see forgetting · distil a teacher |
# | **Needs** | [10 · Pretrained](10_pretrained.ipynb); no network, no GPU. Without Whisper's weights, the stored studies remain |
# | **Minutes** | ci, fast, workshop, full: 1 |

# %% [markdown]
# ## One layer on top
#
# How were these made? Whisper's encoder is *frozen*: its weights stay as they are. It hears every third of the radio's
# training clips once, at its own length. Two neighbouring frames are joined, so that a frame lasts 40 ms, as in our
# network. On top is a single layer, 768 numbers in and 29 logits out, trained with CTC ([05](05_crnn_and_ctc.ipynb)).
# Nothing else is trained:
#
# ```python
# head = keras.Sequential([keras.Input((None, 768)), known, keras.layers.Dense(29)])
# head.compile(keras.optimizers.Adam(5e-3), ctc_loss, jit_compile=False)
# ```

# %%
if BOX:
    print(
        f"{seconds / 60:.0f} minutes heard, tests included; weights that are trained: {head.layers[-1].count_params():,}"
    )
    for name, clips in {"harbour radio": harbour, "people": people}.items():
        errors = character_errors([each.text for each in clips], [wrote[each.id] for each in clips])
        low, high = errors.interval()
        print(f"{name:14} {errors.rate:.1%} of the characters wrong ({low:.1%} to {high:.1%})")

# %% [markdown]
# Characters, not words: one wrong letter spoils a word, so a layer that spells by ear gets nearly every word wrong, and a word
# error rate near 100 % hides all progress. The encoder has heard many voices before. The layer only had to learn which sound
# belongs to which letter, and it knows nothing of neighbouring letters or of words.
#
# The rest of this appendix reads stored results: the computing takes from a quarter of an hour to an hour.
#
# ## Which layer knows letters?
#
# The encoder's last layer was trained for a decoder that writes pieces of words. Perhaps letters are clearer further down, as
# in networks of wav2vec 2.0's kind ([Pasad and others, 2021](https://arxiv.org/abs/2107.04734)). So train the same single
# layer on twenty minutes of people (LibriSpeech), first on the output of the two convolutions, then on that of each layer.
# All are measured on `data/real`. What do you expect?

# %% jupyter={"source_hidden": true}
by_layer = json.loads((BENCHMARKS / "take_over_layers.json").read_text())["runs"]
scores = [run["tests"]["real"]["greedy"] for run in by_layer]
names = ["convolutions", *(f"layer {number}" for number in range(1, len(scores) - 1)), "layer 4,\nnormalised"]
rates = 100 * np.array([each["cer"] for each in scores])
bars = np.abs(100 * np.array([each["cer_ci95"] for each in scores]).T - rates)
figure, ax = plots.new(size=(7, 3.4))
ax.errorbar(names, rates, bars, fmt="o-", color=plots.BLUE, capsize=4)
for place, rate in enumerate(rates):
    ax.annotate(f"{rate:.0f} %", (place, rate), (8, 6), textcoords="offset points")
ax.set(ylabel="character error rate (%)", ylim=(0, 1.2 * rates.max()), xlim=(-0.4, len(rates) - 0.4))
figure.alt = "character error rate by layer: " + ", ".join(f"{rate:.0f} %" for rate in rates) + ", from the bottom up"
figure.caption = "From layer 1 on, each layer spells better than the one below it, up to the last."
plots.save(figure, "A4_layers")

# %% [markdown]
# From layer 1 on, letters become clearer with every layer, up to the last. Whisper learned from texts; wav2vec 2.0 saw none
# while it was pretrained. The bump at layer 1 is not explained. Five passes over twenty minutes may be too few for it: in a
# longer study, with an hour of speech, which counted only words, layer 1 was better than the convolutions (104 against 115 %).
#
# ## How much speech does it replace?
#
# Two kinds of head were trained on the last layer, with ten minutes, one hour and five hours of people: the single layer, and
# three convolutions of 256 channels, each of which sees five frames, 200 ms. For comparison, the small network of the
# series started from random weights and computed for as long as the convolutions needed for the hour, which is 90 seconds.
# All are decoded with our language model, which turns letters that are nearly right into words.

# %% jupyter={"source_hidden": true}
taken = json.loads((BENCHMARKS / "take_over.json").read_text())
tuned = json.loads((BENCHMARKS / "decoder_tuning.json").read_text())["tuning"]


def points(study):
    runs = [run for run in taken["runs"] if run["study"] == study and run["train"] != "train-mini"]
    return zip(*[(run["hours"], 100 * run["tests"][taken["valid"]]["lm"]["wer"]) for run in runs], strict=True)


figure, ax = plots.new(size=(7, 4.4))
ax.plot(*points("from scratch"), "s-", color=plots.ORANGE, label="small network, random start, 90 s")
ax.plot(*points("one layer"), "^-", color=plots.SKY, label="Whisper's encoder, one layer")
ax.plot(*points("convolutions"), "o-", color=plots.BLUE, label="Whisper's encoder, convolutions")
ax.plot(12.1, 100 * min(tuned["width_wer"]), "*", color=plots.ORANGE, markersize=15, label="the network that ships")
ax.set(xscale="log", ylim=(0, 134), yticks=range(0, 101, 20), xlabel="transcribed speech", ylabel="word error rate (%)")
ax.set_xticks([1 / 6, 1, 5, 12], ["10 min", "1 h", "5 h", "12 h"])
ax.minorticks_off()
ax.legend(loc="upper right")
figure.alt = (
    "with the encoder, 51 to 20 % from ten minutes to five hours; from random weights 80 to 92 %; what ships has 18 %"
)
figure.caption = (
    "With a borrowed encoder, one hour of speech comes within five points of what ships, which learned from twelve."
)
plots.save(figure, "A4_hours")

# %% jupyter={"source_hidden": true}
runs = {(run["study"], round(run["hours"], 1), run["train"] == "train-mini"): run for run in taken["runs"]}
shipped = min(tuned["width_wer"])
for hours in (0.2, 1.0, 5.0):
    score = runs["convolutions", hours, False]["tests"][taken["valid"]]["lm"]
    low, high = score["wer_ci95"]
    print(f"convolutions, {hours:.1f} h: {score['wer']:.1%} ({low:.1%} to {high:.1%}); what ships: {shipped:.1%}")

# %% [markdown]
# Compare the orange squares with care: ninety seconds of computing are not enough for random weights, however much speech there
# is. The star had hours of computing and twelve hours of speech, and the language model's settings were tuned on these four
# speakers. From one hour to five the heads gain little in the same number of steps: they have learned what this frozen
# encoder knows about letters.
#
# This is a tiny encoder, which was trained for a decoder that we threw away. Whisper whole gets 5.5 % of the words of
# `data/real` wrong. And wav2vec 2.0, whose large encoder learned from 53 000 hours without text and is then trained as a
# whole, reaches 4.8 and 8.2 % on LibriSpeech's test sets with ten minutes of transcripts
# ([Baevski and others, 2020](https://arxiv.org/abs/2006.11477)).
#
# ## Unfreeze, and forget
#
# To get more out of the encoder, let it learn, too: eight million weights, at a small learning rate, starting from the
# hour's convolutions. First with that hour of people again, and then with a few minutes of the harbour radio alone.

# %% jupyter={"source_hidden": true}
steps = {
    ("convolutions", 1.0, False): "encoder frozen, 1 h of people",
    ("unfrozen", 1.0, False): "all trained, that hour again",
    ("then the harbour", 0.6, True): "all trained, harbour radio",
}
figure, ax = plots.new(size=(7, 3.2))
for corpus, label, style in (("real", "people", "o-"), ("test-mini", "harbour radio", "s-")):
    rates = [100 * runs[step]["tests"][corpus]["lm"]["wer"] for step in steps]
    ax.plot(list(steps.values()), rates, style, color=plots.BLUE if corpus == "real" else plots.ORANGE, label=label)
    for place, rate in enumerate(rates):
        ax.annotate(f"{rate:.0f} %", (place, rate), (0, 8), textcoords="offset points", ha="center")
ax.set(ylabel="word error rate (%)", ylim=(0, 55), xlim=(-0.3, 2.3))
ax.set_xticks(range(3), [each.replace(", ", ",\n") for each in steps.values()])
ax.legend()
figure.alt = "word error rates with the language model: people 24, 24, 30 %; harbour radio 46, 41, 8 %"
figure.caption = "Learning the radio costs six points on people: that is forgetting."
plots.save(figure, "A4_forgetting")

# %% [markdown]
# One more pass over the hour with everything trainable changes little on people: an hour is not much beside half a million. A
# few minutes of the radio remove most of its errors, and add errors on people. That is *forgetting*, and the training loss does
# not show it, because it falls all the while. When you adapt a network, mix in old data, freeze what you can, and always
# measure both ([12](12_your_voice.ipynb)).
#
# ## Let it teach
#
# Most recorded speech has no transcripts. Can Whisper be a teacher? Ten minutes of people have their transcripts here, and
# nearly two hours more have none. The small network, which knows only the harbour radio, trains for the same number of steps
#
# - on the ten minutes alone,
# - or also on the rest, with the words that Whisper tiny.en wrote (*pseudo-labels*, without the suspicious ones),
# - or with a head's *posteriors*: how probable each letter is in each frame. The head is the convolutions from above,
#   trained on the same ten minutes (*distillation*),
# - or, to see how much could be gained at best, with the transcripts that we hid.

# %% jupyter={"source_hidden": true}
lessons = json.loads((BENCHMARKS / "distil.json").read_text())
ways = {
    "labels": "10 minutes of transcripts",
    "texts": "+ Whisper's words",
    "posteriors": "+ a head's posteriors",
    "truth": "+ hidden transcripts",
}
figure, axes = plots.new(2, 1, (7, 4.6), sharex=True)
for ax, corpus in zip(axes, (lessons["valid"], "real"), strict=True):
    rates = [100 * run["tests"][corpus]["cer"] for run in lessons["runs"]]
    colours = [plots.GREY, plots.BLUE, plots.BLUE, plots.SKY]
    bars = ax.barh([ways[run["way"]] for run in lessons["runs"]], rates, color=colours)
    ax.bar_label(bars, fmt="%.1f", padding=3)
    ax.set(title="four speakers of dev-clean" if corpus != "real" else "data/real", xlim=(0, 65))
    ax.invert_yaxis()
axes[1].set(xlabel="character error rate (%)")
figure.alt = "bars, on both sets of people: 56 % of characters wrong with ten minutes alone, 45 to 48 % with any teacher or the truth"
figure.caption = "Either teacher is worth about ten points, as much as the hidden transcripts."
plots.save(figure, "A4_taught")

# %% jupyter={"source_hidden": true}
print("{kept} of {clips} of Whisper's texts kept; {wer:.1%} of their words are wrong".format(**lessons["written"]))
for run in lessons["runs"][1:]:
    found = run["tests"][lessons["valid"]]
    low, high = (100 * each for each in found["cer_change_ci95"])
    print(f"{ways[run['way']]:24} {100 * found['cer_change']:+.1f} points ({low:+.1f} to {high:+.1f}, paired)")

# %% [markdown]
# Whisper's words, of which six in a hundred are wrong, teach as much as the true transcripts, as far as these sentences can
# tell. The posteriors do as well, although their teacher had only ten minutes itself: they say what else a frame might have
# been, so an unsure wrong guess does little harm. In all four rows hardly a whole word is right: minutes of training are too
# few for words.
#
# The network that ships had no teacher: it learned from the transcripts of all the speech that we have. A teacher adds
# something only with speech that nobody has written down, and with more computing.
#
# The same from a terminal:
#
# ```
# pip install -e ".[whisper]"
# python benchmarks/take_over.py TRAIN... --valid VALID --run DIR
# python benchmarks/distil.py TRAIN... --valid VALID --start MODEL --run DIR
# ```
#
# ## Further reading
#
# - [Pasad and others (2021)](https://arxiv.org/abs/2107.04734): which layer of wav2vec 2.0 knows what.
# - [Baevski and others (2020), wav2vec 2.0](https://arxiv.org/abs/2006.11477): an encoder trained without transcripts.
# - [Hinton and others (2015), distillation](https://arxiv.org/abs/1503.02531): why a teacher's doubts are worth more than its verdicts.
#
# Back to [10 · Pretrained](10_pretrained.ipynb).
