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
# # 09 · Interpreters
#
# You will see one network in eight files: nearly the same words, at very different speeds.

# %% jupyter={"source_hidden": true}
import os
import platform
import time
from dataclasses import asdict
from pathlib import Path

import keras
import numpy as np
import onnxruntime
import soundfile
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter
from IPython.display import Markdown, display
from scipy.signal import resample_poly

from asr_helpers.corpus import data_dir, load_corpus
from asr_helpers.export import VARIANTS, quantize
from asr_helpers.recognizer import Recognizer, compare
from asr_helpers.show import plots, word_diff
from asr_helpers.show.widgets import player
from asr_helpers.sound import SAMPLE_RATE, features, limit, log_mel, read_audio
from asr_helpers.teaching import check
from asr_helpers.words import greedy, word_errors

# %% jupyter={"source_hidden": true}
PROFILE = os.environ.get("ASR_PROFILE", "fast")
RUN = Path(os.path.relpath(data_dir().parent / "runs" / "09-variants"))
COUNT = 8 if PROFILE == "ci" else 100
plots.style()
needed = VARIANTS if PROFILE != "ci" else ("crnn.dynamic.tflite", "crnn.int8.tflite", "crnn.fast.onnx")
train = load_corpus(data_dir() / "mini" / "train-mini").utterances
calibration = [features(read_audio(each.path)) for each in train[:: len(train) // COUNT][:COUNT]]
quantize(data_dir() / "models" / "crnn.keras", RUN, calibration, needed)
test = load_corpus(data_dir() / "real").utterances
result = compare(RUN, test[::10] if PROFILE == "ci" else test, (1,), other_modes=True)
variants = {form.name: form for form in result.variants}

# %% jupyter={"source_hidden": true}
plots.save(plots.error_against_speed(asdict(result)["variants"]), "09_error_against_speed")

# %% [markdown] tags=["about"]
# The files are those of notebook 08; the speech is the forty clips of `data/real`, people who read aloud. Why is the
# smallest file not the fastest?
#
# | | |
# |---|---|
# | **Objectives** | read a real-time factor · measure speed, start-up and memory fairly · know why the smallest file need not be the fastest · handle sound of any length · choose a file for a laptop or a server |
# | **Needs** | [08 · Quantization](08_quantization.ipynb); no network, no GPU |
# | **Minutes** | ci: 1 · fast, workshop, full: 3 |

# %% [markdown]
# ## How fast is fast enough?
#
# Divide the time that the computer took by the length of the sound: that is the *real-time factor*. Below 1 the computer
# keeps up; at 0.01 it could listen to a hundred people. Times 1000, it is milliseconds per second of audio, which is easier
# to compare. Every measurement here discards the first call, which allocates and traces, and takes the median of the rest.


# %%
clip = next(each for each in test if each.id == "672-122797-0069")
samples = read_audio(clip.path)
heard = features(samples)


def milliseconds(call, repeat=5):
    """Return the milliseconds that `call` takes per second of audio in `clip`."""
    call()
    times = []
    for _ in range(repeat):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return 1000 * np.median(times) / clip.seconds


# %% [markdown]
# ## Keras, three ways
#
# Called as `model(x)`, Keras runs Python for every op of every time step of every LSTM. `predict` compiles the model, then
# sets up a data pipeline and callbacks for a single clip. A `tf.function` is only the compiled graph. Beside them, two of
# our small files:

# %%
model = keras.saving.load_model(RUN / "crnn.keras", compile=False)
graph = tf.function(lambda x: model(x, training=False), input_signature=[tf.TensorSpec((1, None, 80, 1))])
small, fast = (Recognizer.load(RUN / name) for name in ("crnn.dynamic.tflite", "crnn.fast.onnx"))
x = heard[None, :, :, None]

# %%
ways = {
    "model(x)": lambda: model(x, training=False),
    "model.predict(x)": lambda: model.predict(x, verbose=0),
    "tf.function": lambda: graph(x),
    "LiteRT, dynamic": lambda: small.log_probs(heard),
    "ONNX Runtime, fast": lambda: fast.log_probs(heard),
}
speeds = {name: milliseconds(call) for name, call in ways.items()}

# %% jupyter={"source_hidden": true}
figure, ax = plots.new(size=(7, 2.8))
bars = ax.barh(list(speeds), list(speeds.values()), color=[plots.GREY] * 3 + [plots.BLUE] * 2)
ax.bar_label(bars, [f" {value:,.0f}" if value >= 100 else f" {value:.3g}" for value in speeds.values()])
ax.axvline(1000, color=plots.ORANGE, linestyle="--")
ax.invert_yaxis()
ax.set(xscale="log", xlabel="milliseconds per second of audio (log scale; dashed: real time)", xlim=(1, 3000))
figure.alt = "bars: " + ", ".join(f"{name} {value:,.1f} ms" for name, value in speeds.items())
figure.caption = "One network. If you time model(x), you measure Python, not the network."
figure

# %% [markdown]
# ## All of them, fairly
#
# `asr compare` starts a fresh process for each file, feeds it the same clips on one thread, and counts the time from
# samples to text. The process is fresh because memory is counted too, and because two runtimes in one process compete
# for the cores. Keras runs in its best form here, the `tf.function`.


# %% jupyter={"source_hidden": true}
def table(head, rows):
    """Return a Markdown table; the first column is left-aligned."""
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *rows]
    return Markdown("\n".join("| " + " | ".join(line) + " |" for line in lines))


words, costs = [], []
for name, form in variants.items():
    short, ends = name.removeprefix("crnn."), (100 * end for end in form.wer_change_ci95)
    change = [f"{100 * form.wer_change:+.1f}", "{:+.1f} to {:+.1f}".format(*ends)]
    words.append([short, f"{100 * form.wer:.1f}", *(change if name != "crnn.keras" else ["–", "–"])])
    memory = f"{form.peak_rss_mb:.0f}" if form.peak_rss_mb else "–"
    costs.append([short, f"{form.ms_per_audio_second['1']:.1f}", f"{form.load_seconds:.2f}", memory])
display(table(["file", "WER %", "change", "95 % interval"], words))
low, high = variants["crnn.keras"].wer_ci95
print(f"{result.utterances} clips, {result.audio_seconds:.0f} s; WER of Keras alone, 95 %: {low:.1%} to {high:.1%}")

# %% [markdown]
# The change is paired with Keras, clip by clip. Every interval contains 0: on these clips, no file is shown to be
# worse. The differences in cost are not small:

# %% jupyter={"source_hidden": true}
table(["file", "ms/s", "load s", "RAM MB"], costs)

# %% jupyter={"source_hidden": true}
others = {f"{form.name}, {mode}": by["1"] for form in variants.values() for mode, by in form.other_modes.items()}
print(f"on {platform.machine()}, one thread, in ms per second of audio:")
for name, value in sorted(others.items(), key=lambda each: each[1]):
    print(f"  {name:32} {value:6.1f}")

# %% [markdown]
# The smallest file is the slowest. Why?
#
# - The *full-int8* file computes each LSTM in one fused integer op. On x86 processors that op is plain, unoptimised code:
#   correct, small, slow.
# - The *dynamic* file keeps the LSTM's loop, and hands each matrix product, with int8 weights, to kernels that use the
#   processor's vector instructions.
# - *ONNX Runtime* has an optimised LSTM op for both directions, float or with int8 weights. It lays the weights out for
#   vector instructions when it loads the file, and multiplies the inputs of all frames at once. Only the recurrent product
#   goes frame by frame. *fast* adds an int8 convolution.
# - Without *XNNPACK*, its library of fast kernels, LiteRT falls back on plainer ones.
# - *float16* is unpacked to float32 before use: half the download, and on this processor no faster.
#
# "Quantised" is not "faster". It is faster where somebody wrote the kernel, so measure on the machine that counts. More
# threads help little, because each step of an LSTM waits for the one before it.
#
# The weights are a small part of the memory; the runtime is the rest. And a command line loads for every file: Keras must
# import TensorFlow first. A `.tflite` file needs ai-edge-litert, an `.onnx` file needs onnxruntime; neither needs TensorFlow.
#
# ## Sound of any length
#
# A TFLite file has one input shape at a time. `resize_tensor_input` sets another, and the interpreter allocates its memory
# again. What does that cost?


# %%
def resize(x):
    interpreter.resize_tensor_input(source, x.shape)
    interpreter.allocate_tensors()


def invoke(x):
    interpreter.set_tensor(source, x)
    interpreter.invoke()


# %%
interpreter = Interpreter(str(RUN / "crnn.dynamic.tflite"))
source = interpreter.get_input_details()[0]["index"]
inputs = [features(read_audio(each.path)) for each in test[:20]]
spent = []
for x in inputs:
    times = [time.perf_counter()]
    for step in (resize, invoke):
        step(x[None, :, :, None])
        times.append(time.perf_counter())
    spent.append(np.diff(times) * 1000)
print("resize {:.1f} ms, invoke {:.1f} ms".format(*np.median(spent[1:], axis=0)))

# %% [markdown]
# The alternative is one fixed length, with shorter clips padded with zeros. The Keras model masks padding away (notebook
# 05). The small files have no mask. What happens to the end of a clip?

# %%
padded = np.pad(heard, [(0, 200), (0, 0)])
frames = len(heard) // 4
changes = {}
for name in ("crnn.keras", "crnn.dynamic.tflite"):
    recognizer = Recognizer.load(RUN / name)
    change = recognizer.log_probs(padded)[:frames] - recognizer.log_probs(heard)
    changes[name] = np.abs(change).max(axis=-1)

# %% jupyter={"source_hidden": true}
figure, ax = plots.new(size=(7, 2.8))
for (name, change), style in zip(changes.items(), ("--", "-"), strict=True):
    ax.plot(np.arange(frames) * 0.04, change, style, label=name)
ax.set(xlabel="time in the clip (s)", ylabel="largest change (nats)")
ax.legend(loc="upper left")
figure.alt = "change of the log-probabilities over time: zero for Keras; for the small file it rises towards the end"
figure.caption = "Two seconds of padding change what the small file says, most of all at the end of the clip."
plots.save(figure, "09_padding")

# %%
changed = total = 0
for x in inputs:
    alone = small.log_probs(x).argmax(axis=-1)
    padded = small.log_probs(np.pad(x, [(0, 200), (0, 0)])).argmax(axis=-1)
    changed += np.sum(padded[: len(alone)] != alone)
    total += len(alone)
print(f"{changed} of {total} frames have another label because of the padding")

# %% [markdown]
# The backward LSTM starts in the padding, and carries into the clip what it has made of the padding. Resizing is the
# better choice: one file, exact lengths.
#
# ## A minute at once
#
# The network was trained on single sentences. What does it make of a minute of harbour radio, clip after clip?
# `Recognizer` cuts a recording of more than 30 s at its pauses, and normalises each piece as if it were an utterance.
# Where there is no pause for long, it takes windows of 20 s that overlap by four, and joins the answers in the middle
# of the overlap.

# %%
radio = load_corpus(data_dir() / "mini" / "test-mini").utterances
radio = radio[: np.searchsorted(np.cumsum([each.seconds for each in radio]), 60) + 1]
said, pieces = [each.text for each in radio], [read_audio(each.path) for each in radio]
minute = np.concatenate(pieces)
cuts = [minute[start : start + 20 * SAMPLE_RATE] for start in range(0, len(minute), 20 * SAMPLE_RATE)]

# %%
ways = {
    "cut at pauses": small.transcribe(minute),
    "cut every 20 s": " ".join(map(small.transcribe, cuts)),
    "all in one piece": greedy(small.log_probs(features(minute))),
}
print(
    f"{len(said)} sentences, one by one: WER {word_errors(said, [small.transcribe(each) for each in pieces]).rate:.1%}"
)
for name, text in ways.items():
    print(f"{name:16} WER {word_errors([' '.join(said)], [text]).rate:.1%}")

# %% [markdown]
# The difference from single sentences is the price of not knowing where they begin: one normalisation serves several
# voices, and sentences touch. Cuts at fixed times go through the middle of words. Pieces also limit the memory: an hour
# needs no more of it than a minute.
#
# ## Could it write while you speak?
#
# Pieces are not streaming: their text comes after their end. The backward LSTMs read from the future, so each answer needs
# some sound behind it. Captions could therefore lag by about a second, at the cost of recomputing every window.
# [Notebook 14](14_live.ipynb) does this, and measures the delay. It also cuts the file into a *latency-controlled* graph,
# which recomputes only the look-ahead.
#
# ## Which file to choose
#
# | where | file | because |
# |---|---|---|
# | laptop, x86 | `fast.onnx` | fastest, small, no TensorFlow; `asr transcribe` uses it |
# | server | `fast.onnx` or `float32.onnx` | takes batches, loads quickly |
# | research | `.keras` | can be trained further; use a `tf.function` |
# | phone | `dynamic.tflite` | *not tested here*: measure it on the phone |
# | no float unit | `int8.tflite` | *not tested here*: integers only, but many such chips need a fixed length |
#
# Does the slowest file hear as well as the fastest? One more clip:

# %%
smallest = Recognizer.load(RUN / "crnn.int8.tflite")
other = read_audio(test[16].path)
word_diff(test[16].text, {"int8.tflite": smallest.transcribe(other), "fast.onnx": fast.transcribe(other)})

# %% [markdown]
# ## Break it: floats for an integer model
#
# The input of the int8 file is int8. Give it the features as they are, then make the error message go away:

# %%
interpreter = Interpreter(str(RUN / "crnn.int8.tflite"))
source, target = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
interpreter.resize_tensor_input(source["index"], (1, len(heard), 80, 1))
interpreter.allocate_tensors()
try:
    interpreter.set_tensor(source["index"], heard[None, :, :, None])
except ValueError as error:
    print("ValueError:", str(error).split(" for input")[0])

# %%
scale, zero_point = source["quantization"]
quantised = np.clip(np.round(heard / scale) + zero_point, -128, 127).astype(np.int8)
texts = {}
for name, x in {"astype(int8)": heard.astype(np.int8), "quantised": quantised}.items():
    interpreter.reset_all_variables()
    interpreter.set_tensor(source["index"], x[None, :, :, None])
    interpreter.invoke()
    texts[name] = greedy(interpreter.get_tensor(target["index"])[0])
word_diff(clip.text, texts)

# %% [markdown]
# *Diagnosis.* `astype` cuts 1.7 down to 1, so only a handful of different values are left. The error message was right and
# the fix was wrong. Scale and zero point are in the file: use them. (Greedy decoding takes the integer logits as they are,
# because a common scale moves no maximum.)
#
# ## Break it: the wrong sample rate
#
# A recording at 44.1 kHz, passed on as if it were 16 kHz. The model hears this:

# %%
wrong = resample_poly(samples, 441, 160).astype(np.float32)
player(wrong, "44.1 kHz taken for 16 kHz")

# %% jupyter={"source_hidden": true}
figure, (above, below) = plots.new(2, 1, (7, 5))
top = log_mel(samples).max()
plots.spectrogram(log_mel(samples), above, "16 kHz", unit="", vmin=top - 12, vmax=top)
plots.spectrogram(log_mel(wrong), below, "44.1 kHz taken for 16 kHz", unit="", vmin=top - 12, vmax=top)
figure.alt = "above, the spectrogram of the clip; below, of the wrong rate: three times as long and dark above 2900 Hz"
figure.caption = "At the wrong rate, speech is slow, and nothing is left above 2900 Hz."
plots.save(figure, "09_wrong_rate")

# %%
soundfile.write(RUN / "wrong.wav", wrong, 44100)
try:
    read_audio(RUN / "wrong.wav")
except ValueError as error:
    print(str(error).split(";")[0])
word_diff(clip.text, {"right rate": small.transcribe(samples), "wrong rate": small.transcribe(wrong)})

# %% [markdown]
# *Diagnosis.* The voice of a giant, nearly three times too slow. An array of samples does not know its rate, so no
# model can complain. The file does know it, and `read_audio` refuses. Check where sound enters; `asr convert` changes
# the rate.
#
# ## Break it: the missing batch dimension
#
# The model wants `(1, frames, 80, 1)`. The features are `(frames, 80)`:

# %%
interpreter = Interpreter(str(RUN / "crnn.dynamic.tflite"))
source = interpreter.get_input_details()[0]["index"]
resize(heard[None, :, :, None])
try:
    invoke(heard)
except ValueError as error:
    print(str(error).split(" for input")[0])

# %% [markdown]
# *Diagnosis.* The message says which shape it got and which it wants. A `reshape` until the error is gone is worse:
# `heard.reshape(1, 80, -1, 1)` has the right number of dimensions and scrambles the picture. Only `[None, :, :, None]` adds
# dimensions and moves nothing.
#
# ## Exercises
#
# Write into the empty cells and let `check` judge: it says what is right, and gives a hint where something is not.
# [All of them solved](../notebooks/solutions/09_interpreters.ipynb).

# %% [markdown] tags=["exercise"]
# ### Exercise 09.1 · Two ears
#
# *medium · 10 minutes*
#
# Does it help to ask two models? Write a function of `ears`, a list of recognisers, and `x`, the features of a clip, that
# averages their log-probabilities and returns the text. Then compare the dynamic file, the int8 file and both on the first
# 20 clips. `answer` is the function.


# %% tags=["solution"]
def together(ears, x):
    return greedy(np.mean([ear.log_probs(x) for ear in ears], axis=0))


answer = together

# %% tags=["solution"]
texts = [each.text for each in test[:20]]
for name, ears in {"dynamic": [small], "int8": [smallest], "both": [small, smallest]}.items():
    print(f"{name:8} WER {word_errors(texts, [together(ears, x) for x in inputs]).rate:.1%}")

# %% tags=["check"]
check("09.1", answer)

# %% [markdown] tags=["exercise"]
# ### Exercise 09.2 · Batches
#
# *medium · 12 minutes*
#
# The ONNX file takes `(batch, frames, 80, 1)`, under the name `log_mel`. Take the first second (100 frames) of the first
# eight of `inputs` that are long enough, and open an `onnxruntime.InferenceSession` on `crnn.fast.onnx`. Is one call of
# eight faster than eight calls of one? `answer` is the output of the one call, for all eight.

# %% tags=["solution"]
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
session = onnxruntime.InferenceSession(RUN / "crnn.fast.onnx", options)
batch = np.stack([x[:100] for x in inputs if len(x) >= 100][:8])[..., None]
answer = session.run(None, {"log_mel": batch})[0]

# %% tags=["solution"]
one_call = milliseconds(lambda: session.run(None, {"log_mel": batch}))
many_calls = milliseconds(lambda: [session.run(None, {"log_mel": x[None]}) for x in batch])
print(f"one call of eight takes {one_call / many_calls:.2f} of the time of eight calls of one")

# %% tags=["check"]
check("09.2", answer)

# %% [markdown] tags=["exercise"]
# ### Exercise 09.3 · Where does the time go?
#
# *easy · 8 minutes*
#
# Split `transcribe` into its three parts, for the fast file. `answer` is a dict with the keys `features`, `network` and
# `decoding`: milliseconds per second of audio. Is the network still the slow part?

# %% tags=["solution"]
log_probs = fast.log_probs(heard)
parts = {
    "features": lambda: features(samples),
    "network": lambda: fast.log_probs(heard),
    "decoding": lambda: greedy(log_probs),
}
answer = {name: milliseconds(call, repeat=20) for name, call in parts.items()}
for name, value in answer.items():
    print(f"{name:9} {value:6.2f} ms per second of audio")

# %% tags=["check"]
check("09.3", answer)

# %% [markdown]
# ### Open task · Your machine, your choice
#
# *20 minutes, alone or in pairs*
#
# Somebody wants to caption eight phone lines at once on the computer in front of you. Which file, and how many threads? A
# good answer has three parts:
#
# | | |
# |---|---|
# | **a prediction** | from the tables above, before you run anything: how many lines can one core serve? |
# | **a measurement** | two files, one and two threads, each three times, with the spread, and what else was running |
# | **a decision** | one file, with the reason, and what would make you change your mind |

# %% [markdown] tags=["exercise"]
# ## Capstone
#
# ### Exercise effect · An effect of your own
#
# *hard · 60 minutes*
#
# Choose one of three capstones; each has a threshold to pass. The first: write `effect(samples, rng)`, an effect that
# `Augmenter` does not have (a telephone, a codec, a passing car, a hand over the mouth). It draws every random number from
# `rng`, and returns as many samples as it received, float32, within [-1, 1]. On clips of the test set it must cost the
# shipped model 3 to 40 points of WER: enough to learn from, and still words. `answer` is the function.


# %% tags=["solution"]
from scipy.signal import butter, sosfilt


def bad_telephone(samples, rng):
    """A band-pass with edges that differ from line to line: no depth and no hiss is left."""
    edges = rng.uniform(300, 600), rng.uniform(2100, 2700)
    return limit(sosfilt(butter(6, edges, "bandpass", fs=SAMPLE_RATE, output="sos"), samples))


answer = bad_telephone
player(answer(samples, np.random.default_rng(0)), "A bad telephone")

# %% tags=["check"]
check("effect", answer)

# %% [markdown] tags=["exercise"]
# ### Exercise decoder · A decoder of your own
#
# *hard · 45 minutes*
#
# The second: write a function from log-probabilities `(frames, 29)` to a text that makes at most half of greedy decoding's
# word errors on the whole test set. Notebook 07 has the parts: a language model of the training sentences, a beam, a
# weight. You may read the sentences of train-mini, not those of the test set.

# %% tags=["solution"]
from asr_helpers.words import Fusion, beam_search, estimate

language = Fusion(estimate([each.text for each in train]), weight=0.6)


def answer(log_probs):
    return beam_search(log_probs, width=8, fusion=language)[0].text


# %% tags=["check"]
check("decoder", answer)

# %% [markdown] tags=["exercise"]
# ### Exercise model · A model of your own
#
# *hard · 30 minutes, and training on top*
#
# The third: train a model from random weights whose file has at most 2 MB, with a WER of at most 35 % on `test-mini`. Use a
# terminal: these two commands are one way, and the 40 epochs take about ten minutes. `answer` is the file's path.
#
# ```
# asr train --train data/mini/train-mini --valid data/mini/dev-mini --run runs/capstone
# asr quantize runs/capstone/best.keras --out runs/capstone/variants --calibrate data/mini/train-mini
# ```

# %% tags=["solution"]
path = data_dir().parent / "runs" / "capstone" / "variants" / "crnn.fast.onnx"
answer = path if path.exists() else ...  # trained first, as above

# %% tags=["check"]
check("model", answer)

# %% [markdown] tags=["quiz"]
# ## Quiz
#
# **1. A real-time factor of 0.02 means …**
#
# - [ ] that a second of computing handles 20 ms of speech | The other way round: that would be a factor of 50.
# - [x] that a second of speech takes 20 ms | The computer could listen to fifty people at once.
# - [ ] that the text comes 0.02 s after the speaker | The delay is another matter: the clip must end first.
#
# **2. The smallest file is …**
#
# - [ ] the fastest, since there is least to read | Only if somebody wrote a fast kernel for it.
# - [x] not always the fastest: speed is in the kernels | Its integer LSTM is plain code on x86.
# - [ ] the worst at spelling | The differences in WER are within the confidence intervals.
#
# **3. Why is the first call not counted?**
#
# - [x] it allocates and traces, once | A server pays that at its start and never again.
# - [ ] its answer is less accurate | Its answer is the same.
# - [ ] the first clip is always the longest | It may be any clip. A command line, which makes only one call, should count it.
#
# **4. Why is each file measured in a process of its own?**
#
# - [ ] an interpreter can load only one file | It can load many.
# - [x] memory is counted for one, and two runtimes would compete for the cores | Measure one thing at a time.
# - [ ] so that the files are read from disk again | They are probably in the disk cache in any case.
#
# **5. How is an hour of sound transcribed?**
#
# - [ ] all at once | Memory grows with the length, and one normalisation would serve all voices.
# - [ ] in pieces of equal length, one after the other | The cuts go through words.
# - [x] in pieces cut at pauses, or in windows that overlap | A word is whole in at least one of them.

# %% [markdown]
# ## Recap
#
# - The real-time factor is computing time over the length of the sound. Measure after a first call, in a fresh
#   process, and say how many threads it used.
# - All files hear nearly the same. They differ in speed, size, start-up and memory.
# - Speed is in the kernels, not in the format: on x86 the full-int8 file is the smallest and the slowest.
# - Exact lengths beat padding. Cut long sound at its pauses.
#
# The same from a terminal, for any model and any corpus in LibriSpeech's layout (`evaluate` decodes with the shipped
# language model; `--no-lm` is greedy decoding):
#
# ```
# asr quantize MODEL.keras --out DIR --calibrate data/mini/train-mini
# asr compare DIR data/mini/test-mini --threads 1 2 --other-modes
# asr evaluate DIR/crnn.int8.tflite data/mini/test-mini
# asr evaluate DIR/crnn.int8.tflite data/mini/test-mini --no-lm
# asr transcribe RECORDING.wav --model DIR/crnn.fast.onnx
# ```
#
# ## Further reading
#
# - [ONNX Runtime: performance](https://onnxruntime.ai/docs/performance/): threads, graph optimisations, profiling.
# - [LiteRT](https://ai.google.dev/edge/litert): the interpreter, on phones too.
# - [XNNPACK](https://github.com/google/XNNPACK): the kernels behind it, and the processors that they support.
# - [He and others (2018), streaming speech recognition](https://arxiv.org/abs/1811.06621): a recogniser that writes while you speak, on a phone.
#
# Next: [10 · Pretrained](10_pretrained.ipynb), the same road with half a million hours behind it.
