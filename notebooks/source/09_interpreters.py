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
# You will see one network run by Keras, LiteRT and ONNX Runtime: the same sound, nearly the same words, and very
# different milliseconds and megabytes.
#
# | | |
# |---|---|
# | **Objectives** | read a real-time factor · measure speed, start-up and memory fairly · know why the smallest file need not be the fastest · handle sound of any length · choose a runtime for a laptop, a phone, a server |
# | **Needs** | [08 · Quantization](08_quantization.ipynb); the shipped model; no network, no GPU |
# | **Minutes** | ci: under 1 · fast, workshop, full: 2 (the clips that come with the series in every profile) |

# %%
import os
import platform
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path

import keras
import numpy as np
import onnxruntime
import soundfile
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter
from IPython.display import Markdown
from scipy.signal import resample_poly

from asr_helpers.corpus import data_dir, load_corpus
from asr_helpers.export import VARIANTS, quantize
from asr_helpers.recognizer import Recognizer, compare, window_starts
from asr_helpers.show import plots
from asr_helpers.show.widgets import player
from asr_helpers.sound import SAMPLE_RATE, features, limit, log_mel, read_audio
from asr_helpers.teaching import check
from asr_helpers.words import greedy, word_errors

# %%
PROFILE = os.environ.get("ASR_PROFILE", "fast")
RUN = Path(os.path.relpath(data_dir().parent / "runs" / "09-variants"))
plots.style()
print(f"profile {PROFILE}, TensorFlow {tf.__version__}, {platform.machine()}, {os.cpu_count()} cores")

# %% [markdown]
# First the files, as in notebook 08, and a sentence to work with. The forty clips of `data/real` are people reading
# aloud; the harbour radio has its turn further down.

# %%
COUNT = 8 if PROFILE == "ci" else 100
needed = VARIANTS if PROFILE != "ci" else ("crnn.dynamic.tflite", "crnn.int8.tflite", "crnn.fast.onnx")
train = load_corpus(data_dir() / "mini" / "train-mini").utterances
calibration = [features(read_audio(each.path)) for each in train[:: len(train) // COUNT][:COUNT]]
for report in quantize(data_dir() / "models" / "crnn.keras", RUN, calibration, needed):
    print(f"{report['name']:22} {report['bytes'] / 1e6:5.2f} MB")

# %%
test = load_corpus(data_dir() / "real").utterances
clip = next(each for each in test if each.id == "672-122797-0069")
samples = read_audio(clip.path)
heard = features(samples)
player(samples, clip.text.capitalize())

# %% [markdown]
# ## How fast is fast enough?
#
# Divide the time that the computer took by the time that the speaker took: the *real-time factor*. Below 1 the
# computer keeps up; at 0.01 it could listen to a hundred people. The same number times 1000 is milliseconds per
# second of audio, which is easier to compare. Every measurement here throws the first call away (it allocates
# and traces) and takes the median of the others.


# %%
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
# Called as `model(x)`, Keras runs Python for every op of every time step of every LSTM. `predict` compiles
# the model, then brings a data pipeline and callbacks along for a single clip. A `tf.function` is only the
# compiled graph. And beside them, two of our small files:

# %%
model = keras.saving.load_model(RUN / "crnn.keras", compile=False)
graph = tf.function(lambda x: model(x, training=False), input_signature=[tf.TensorSpec((1, None, 80, 1))])
small, fast = (Recognizer.load(RUN / name) for name in ("crnn.dynamic.tflite", "crnn.fast.onnx"))
x = heard[None, :, :, None]
for each in (small, fast):
    assert np.mean(graph(x)[0].numpy().argmax(axis=-1) == each.log_probs(heard).argmax(axis=-1)) > 0.9

# %%
ways = {
    "model(x)": lambda: model(x, training=False),
    "model.predict(x)": lambda: model.predict(x, verbose=0),
    "tf.function": lambda: graph(x),
    "LiteRT, dynamic": lambda: small.log_probs(heard),
    "ONNX Runtime, fast": lambda: fast.log_probs(heard),
}
speeds = {name: milliseconds(call) for name, call in ways.items()}

# %%
figure, ax = plots.new(size=(8, 2.4), alt="log scale: eager Keras is slowest by far, our small files fastest")
bars = ax.barh(list(speeds), list(speeds.values()), color=[plots.GREY] * 3 + [plots.BLUE] * 2)
ax.bar_label(bars, [f"{value:.3g}" for value in speeds.values()], padding=4)
ax.axvline(1000, color=plots.ORANGE)
ax.invert_yaxis()
ax.set(xscale="log", xlabel="milliseconds per second of audio (orange: real time)")
figure

# %% [markdown]
# Who measures `model(x)` and concludes that the network is slow has measured Python.
#
# ## All of them, fairly
#
# `asr compare` starts a fresh process for each file and each number of threads, feeds it the same clips, and counts
# the time from samples to text. A fresh process, because memory is counted too, and because two runtimes in one
# process fight over the cores. Keras gets its best form here, the `tf.function`; its other ways, and LiteRT without
# XNNPACK (its library of fast float and int8 kernels), are timed besides.

# %%
threads = (1,) if PROFILE == "ci" else (1, 2)
result = compare(RUN, test[::10] if PROFILE == "ci" else test, threads, other_modes=True)
variants = {form.name: form for form in result.variants}
print(f"{result.utterances} utterances, {result.audio_seconds:.0f} s of audio")


# %%
def table(head, rows):
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *rows]
    return Markdown("\n".join("| " + " | ".join(line) + " |" for line in lines))


# %%
def percent(rate, interval):
    return f"{rate:.1%} ({100 * interval[0]:.1f}–{100 * interval[1]:.1f})"


# %%
rows = []
for name, form in variants.items():
    rates = [percent(*each) for each in ((form.wer, form.wer_ci95), (form.cer, form.cer_ci95))]
    low, high = (100 * end for end in form.wer_change_ci95)
    change = f"{100 * form.wer_change:+.1f} ({low:+.1f} to {high:+.1f})"
    rows.append([name, f"{form.bytes / 1e6:.2f}", *rates, change, f"{form.frame_agreement:.1%}"])
table(["file", "MB", "WER (95 %)", "CER (95 %)", "WER change, paired", "same frames"], rows)

# %% [markdown]
# The same words, more or less. And what do they cost? Between the brackets lie the middle half of the clips; the
# real-time factor is for one thread:

# %%
rows = []
for name, form in variants.items():
    speeds = form.ms_per_audio_second
    quartiles = form.ms_quartiles
    cells = [f"{speeds[n]:.1f} ({quartiles[n][0]:.1f}–{quartiles[n][1]:.1f})" for n in speeds]
    memory = f"{form.peak_rss_mb:.0f}" if form.peak_rss_mb else "–"
    rows.append([name, *cells, f"{speeds['1'] / 1000:.4f}", f"{form.load_seconds:.2f}", memory])
table(["file", *[f"ms/s, threads: {n}" for n in speeds], "RTF", "load s", "peak MB"], rows)

# %%
ways = {f"{name}, {mode}": by for name, form in variants.items() for mode, by in form.other_modes.items()}
rows = [[name, *[f"{value:.1f}" for value in by_threads.values()]] for name, by_threads in ways.items()]
table(["other ways to run them", *[f"ms/s, threads: {n}" for n in speeds]], rows)

# %%
figure = plots.error_against_speed(asdict(result)["variants"])
plots.save(figure, "09_error_against_speed")

# %% [markdown]
# The fastest is on top. What does it say?

# %%
speed = {name: form.ms_per_audio_second["1"] for name, form in variants.items()}
order = sorted(speed, key=speed.get)
print("fast to slow:  ", ", ".join(order))
print("small to large:", ", ".join(sorted(variants, key=lambda name: variants[name].bytes)))

# %%
rates = [form.wer for form in variants.values()]
low, high = variants["crnn.keras"].wer_ci95
print(f"WER: {min(rates):.1%} to {max(rates):.1%}; the 95 % interval of Keras alone: {low:.1%} to {high:.1%}")
print(f"{platform.machine()}, one thread; the fast file is faster than …")
others = speed | {name: by_threads["1"] for name, by_threads in ways.items()}
for name in sorted(others.keys() - {"crnn.fast.onnx"}, key=others.get):
    print(f"  {name:32} {others[name] / speed['crnn.fast.onnx']:6.1f} times")

# %% [markdown]
# The differences in errors are far smaller than what chance leaves open: all files hear nearly the same. Those in speed
# are large, and the smallest file is not the fastest. Why?
#
# - The *full-int8* file computes each LSTM in one fused integer op. On x86 processors that op is plain,
#   unoptimised code: correct, small, slow. It exists for chips with integer units and nothing else.
# - The *dynamic* file keeps the LSTM's loop and hands each matrix product, with int8 weights, to kernels that use
#   the processor's vector instructions. A quarter of the bytes to read from memory, and fast arithmetic.
# - *ONNX Runtime* has an LSTM op of its own, one for both directions, float or with int8 weights, and it is
#   optimised: the weights are laid out for the vector instructions when the file is loaded, the inputs of all
#   frames are multiplied at once, and only the recurrent product goes frame by frame. *fast* adds an int8
#   convolution to it.
# - Without *XNNPACK*, LiteRT falls back on plainer kernels. A second *thread* is not a second model:
#   an LSTM's steps wait for one another.
# - *float16* is unpacked to float32 before it is used: half the download, not a bit faster.
#
# "Quantised" is not "faster". It is faster where somebody wrote the kernel. Measure on the machine that counts.
#
# ## From nothing to the first word
#
# A server starts once; a command line starts for every file. How long until the first text, and how much
# memory, for a process that has just begun?

# %%
SCRIPT = """
import sys, time
start = time.perf_counter()
from asr_helpers.recognizer import Recognizer
from asr_helpers.sound import read_audio
recognizer = Recognizer.load(sys.argv[1])
loaded = time.perf_counter()
recognizer.transcribe(read_audio(sys.argv[2]))
print(loaded - start, time.perf_counter() - loaded, "tensorflow" in sys.modules)
"""


# %%
def fresh(name):
    command = [sys.executable, "-c", SCRIPT, RUN / name, clip.path]
    load, first, needs = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    return float(load), float(first), needs


# %%
chosen = ["crnn.keras", "crnn.dynamic.tflite", "crnn.int8.tflite", "crnn.fast.onnx"]
starts = {name: fresh(name) for name in chosen}
for name, (load, first, needs) in starts.items():
    print(f"{name:20} {load:5.2f} s to load, {first:5.2f} s for the first clip, TensorFlow imported: {needs}")

# %%
alt = "the Keras process takes many times the time and memory"
figure, (left, right) = plots.new(1, 2, (10, 2.4), alt, sharey=True)
loads, firsts = [load for load, *_ in starts.values()], [first for _, first, _ in starts.values()]
left.barh(chosen, loads, color=plots.BLUE, label="imports, load")
left.barh(chosen, firsts, left=loads, color=plots.ORANGE, label="first clip")
left.set(title="until the first text", xlabel="seconds")
left.legend()
right.barh(chosen, [variants[name].peak_rss_mb or 0 for name in chosen], color=plots.BLUE)
right.set(title="peak memory of the process", xlabel="MB")
left.invert_yaxis()
plots.save(figure, "09_start_and_memory")

# %% [markdown]
# The weights are a small part of the memory; the runtime is the rest. A `.tflite` file needs NumPy, soundfile
# and ai-edge-litert, an `.onnx` file NumPy, soundfile and onnxruntime; neither needs TensorFlow.
#
# ## Sound of any length
#
# A TFLite file has one input shape at a time. `resize_tensor_input` sets another, and the interpreter lays out
# its memory anew. What does that cost?


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
costs = []
for x in inputs:
    times = [time.perf_counter()]
    for step in (resize, invoke):
        step(x[None, :, :, None])
        times.append(time.perf_counter())
    costs.append(np.diff(times) * 1000)

# %%
resizing, invoking = np.median(costs[1:], axis=0)
print(f"resize {resizing:.1f} ms, invoke {invoking:.1f} ms")

# %% [markdown]
# The other way: one fixed length, shorter clips padded with zeros. The Keras model masks padding away
# (notebook 05). The small files have no mask. What happens at the end of a clip?

# %%
padded = np.pad(heard, [(0, 200), (0, 0)])
frames = len(heard) // 4
changes = {}
for name in ("crnn.keras", "crnn.dynamic.tflite"):
    recognizer = Recognizer.load(RUN / name)
    change = recognizer.log_probs(padded)[:frames] - recognizer.log_probs(heard)
    changes[name] = np.abs(change).max(axis=-1)

# %%
figure, ax = plots.new(size=(8, 2.6), alt="padding changes the answers of the small file, most at the end")
for name, change in changes.items():
    ax.plot(np.arange(frames) * 0.04, change, label=name)
ax.set(title="what two seconds of padding change", xlabel="time (s)", ylabel="log-probability, at most")
ax.legend()
plots.save(figure, "09_padding")

# %%
changed, total = 0, 0
for x in inputs:
    alone = small.log_probs(x).argmax(axis=-1)
    padded = small.log_probs(np.pad(x, [(0, 200), (0, 0)])).argmax(axis=-1)
    changed += np.sum(padded[: len(alone)] != alone)
    total += len(alone)
print(f"{changed} of {total} frames have another label because of the padding")

# %% [markdown]
# The backward LSTM starts in the padding, and what it makes of it travels back through the clip: most at the
# end, fainter the earlier. The resize is the better price: one file, exact lengths.
#
# ## A minute at once
#
# The network was trained on single sentences. What does it make of a minute on the harbour radio? Clip after clip:

# %%
radio = load_corpus(data_dir() / "mini" / "test-mini").utterances
radio = radio[: np.searchsorted(np.cumsum([each.seconds for each in radio]), 60) + 1]
said, pieces = [each.text for each in radio], [read_audio(each.path) for each in radio]
minute = np.concatenate(pieces)
print(f"{len(said)} sentences, {len(minute) / 16000:.1f} s")

# %% [markdown]
# `Recognizer` cuts a recording of more than 30 s in its pauses and normalises each piece as if it were an utterance. Where
# nobody pauses for long, it takes windows of 20 s that overlap by four, and joins the answers in the middle of each
# overlap. These would be the windows of our minute:

# %%
starts = np.array(window_starts(len(minute))) / 16000
figure, ax = plots.new(size=(8, 2.6), alt="four windows of 20 seconds over a minute of sound, overlapping")
plots.waveform(minute, ax, f"{len(starts)} windows over {len(minute) / 16000:.0f} s")
heights = np.abs(minute).max() * (1.15 + 0.12 * (np.arange(len(starts)) % 2))
ax.hlines(heights, starts, starts + 20, color=plots.ORANGE, linewidth=4)
figure

# %%
text = small.transcribe(minute)
cuts = [minute[start : start + 20 * 16000] for start in range(0, len(minute), 20 * 16000)]
hard = " ".join(small.transcribe(cut) for cut in cuts)
whole = greedy(small.log_probs(features(minute)))
alone = [small.transcribe(each) for each in pieces]
print(text[:300].lower(), "…")

# %%
print(f"sentence by sentence: WER {word_errors(said, alone).rate:.1%}")
for name, each in {"pauses and windows": text, "cut every 20 s": hard, "all in one piece": whole}.items():
    print(f"{name + ':':21} WER {word_errors([' '.join(said)], [each]).rate:.1%}")

# %% [markdown]
# The difference to the sentences alone is the price of not knowing where they begin: one normalisation for several
# voices, and sentences that touch. Cuts at fixed times go through the middle of words. Pieces also bound the memory: an
# hour needs no more of it than a minute.
#
# ## Could it write while you speak?
#
# Windows are not streaming: the text of a window comes after its end. Could the same network answer earlier? Its
# backward LSTMs read from the future. Stop a clip at many places and ask: how far from the stop are the answers those
# of the whole clip?

# %%
NEAR = 50  # output frames before the stop, 2 s
same = []
for x in inputs:
    truth = fast.log_probs(x).argmax(axis=-1)
    for stop in range(NEAR, len(truth) - 10, 4):
        cut = fast.log_probs(x[: 4 * stop]).argmax(axis=-1)
        same.append((cut == truth[:stop])[-NEAR:])

# %%
figure, ax = plots.new(
    size=(8, 2.6), alt="the last frames before the stop are often wrong, those well before it are not"
)
ax.plot(np.arange(NEAR)[::-1] * 0.04, 100 * np.mean(same, axis=0), marker=".")
ax.invert_xaxis()
ax.set(title=f"{len(same)} stops", xlabel="seconds from the stop", ylabel="% as in the whole clip")
plots.save(figure, "09_future")

# %%
wrong = np.flatnonzero(np.mean(same, axis=0) < 0.95)
delay = (NEAR - wrong[0]) * 0.04
print(f"what lies {delay:.1f} s or more before the stop is at least 95 % as in the whole clip")

# %% [markdown]
# So captions could follow with that delay, in windows that are computed over and over, each time the whole window:
# that is the price of two directions. (And of the features, whose mean and deviation are the whole utterance's;
# here they were known.) A network made for streaming reads forwards only, keeps the fused LSTM's state between
# invocations on purpose, and normalises with a running mean; it spells worse, and answers at once.
#
# ## The smallest file, five sentences

# %%
smallest = Recognizer.load(RUN / "crnn.int8.tflite")
for each in test[:: len(test) // 5][:5]:
    print(f"said   {each.text}\nheard  {smallest.transcribe(read_audio(each.path))}\n")

# %% [markdown]
# ## Which one, then?
#
# | where | file | because |
# |---|---|---|
# | laptop, x86 | `fast.onnx` | fastest on a single thread, a quarter of the size, no TensorFlow; `asr transcribe` uses it |
# | phone | `dynamic.tflite`; measure `int8.tflite` | the download is small, and phone chips have their own integer kernels |
# | NPU, DSP | `int8.tflite` | integers only, one graph, no dynamic ranges (for a microcontroller it is far too large: those have a megabyte at most) |
# | server | `fast.onnx`, or `float32.onnx` where every digit counts | takes batches, starts quickly, and one session serves many threads |
# | research | `.keras` | can be trained further; through a `tf.function`, not `model(x)` |
#
# ## Break it: floats for an integer model
#
# The input of the int8 file is int8. Give it the features as they are, then "mend" the error message:

# %%
interpreter = Interpreter(str(RUN / "crnn.int8.tflite"))
source, target = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
interpreter.resize_tensor_input(source["index"], (1, len(heard), 80, 1))
interpreter.allocate_tensors()

# %%
try:
    interpreter.set_tensor(source["index"], heard[None, :, :, None])
except ValueError as error:
    print("ValueError:", str(error).split(" for input")[0])

# %%
scale, zero_point = source["quantization"]
quantised = np.clip(np.round(heard / scale) + zero_point, -128, 127).astype(np.int8)
for name, x in {"astype(int8)": heard.astype(np.int8), "quantised": quantised}.items():
    interpreter.reset_all_variables()
    interpreter.set_tensor(source["index"], x[None, :, :, None])
    interpreter.invoke()
    print(f"{name:12} → {greedy(interpreter.get_tensor(target['index'])[0])!r}")

# %% [markdown]
# *Diagnosis.* `astype` cuts 1.7 down to 1: a handful of different values are left, all on one side of the zero
# point. The error message was right and the mend was wrong. Scale and zero point are in the file: use them.
# (Greedy decoding takes the integer logits as they are: a common scale changes no maximum.)
#
# ## Break it: the wrong sample rate
#
# A recording at 44.1 kHz, passed on as if it were 16 kHz. This is what the model hears:

# %%
wrong = resample_poly(samples, 441, 160).astype(np.float32)
player(wrong, "44.1 kHz taken for 16 kHz")

# %%
figure, (left, right) = plots.new(1, 2, (10, 3), "the wrong rate: slow, and low frequencies only", sharey=True)
high = log_mel(samples).max()
plots.spectrogram(log_mel(samples), left, "16 kHz", unit="", vmin=high - 12, vmax=high)
plots.spectrogram(log_mel(wrong), right, "44.1 kHz taken for 16 kHz", vmin=high - 12, vmax=high)
plots.save(figure, "09_wrong_rate")

# %%
print("right rate:", small.transcribe(samples))
print("wrong rate:", small.transcribe(wrong))

# %%
soundfile.write(RUN / "wrong.wav", wrong, 44100)
try:
    read_audio(RUN / "wrong.wav")
except ValueError as error:
    print(error)

# %% [markdown]
# *Diagnosis.* A giant, nearly three times too slow, and silent above 2900 Hz. An array of samples does not know
# its rate, so no model can complain; the file does know it, and `read_audio` refuses. Check where sound enters.
#
# ## Break it: the missing batch dimension
#
# The model wants `(1, frames, 80, 1)`. The features are `(frames, 80)`. LiteRT is given these; `Recognizer`, which
# adds the dimensions itself, is given those:

# %%
interpreter = Interpreter(str(RUN / "crnn.dynamic.tflite"))
source = interpreter.get_input_details()[0]["index"]
resize(heard[None, :, :, None])
try:
    invoke(heard)
except ValueError as error:
    print("LiteRT:    ", str(error).split(" for input")[0])

# %%
try:
    small.log_probs(heard[None, :, :, None])
except ValueError as error:
    print("Recognizer:", error)

# %% [markdown]
# *Diagnosis.* Both say which shape they got and which they want. Worse is the mend that reshapes until the error is
# gone: `heard.reshape(1, 80, -1, 1)` has the right number of dimensions and turns the picture into porridge. Only
# `[None, :, :, None]` adds dimensions and moves nothing.
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
# averages their log-probabilities and returns the text. The answer is the function. Then compare the dynamic file, the
# int8 file and both on the first 20 test sentences.


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
# eight of `inputs` that have one, and open an `onnxruntime.InferenceSession` on `crnn.fast.onnx`. `answer` is what one
# call says to all eight. Is one call of eight faster than eight calls of one? Who has batches, and who has none?

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

# %% [markdown] tags=["exercise"]
# ## Capstone
#
# ### Exercise effect · An effect of your own
#
# *hard · 60 minutes*
#
# Choose one of three capstones; each has a threshold to pass. The first: write `effect(samples, rng)`, an effect that
# `Augmenter` does not have (a telephone, a codec, a passing car, a hand before the mouth). All that is random comes from
# `rng`, and what comes out is as long as what went in, float32, within [-1, 1]. On clips of the test set it must cost the
# shipped model 3 to 40 points of WER: enough to learn from, and still words. The answer is the function.


# %% tags=["solution"]
from scipy.signal import butter, sosfilt


def bad_telephone(samples, rng):
    """Neither depth nor hiss is left: a band-pass whose edges lie elsewhere on each line."""
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
# The second: a function from log-probabilities `(frames, 29)` to a text that leaves at most half of greedy decoding's word
# errors on the whole test set. Notebook 07 has the parts: a language model of the training sentences, a beam, a weight. The
# sentences of the test set are not to be read; those of train-mini are.

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
# The third: a model file of at most 2 MB, trained by you from random weights, with a WER of at most 35 % on `test-mini`.
# From a terminal; `make run` is one way there, and its 40 epochs take about ten minutes. The answer is the file's path.
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
# - [ ] that 2 % of the words are wrong | It says nothing about words.
# - [x] that a second of speech takes 20 ms | It could listen to fifty people at once.
# - [ ] that the text comes 0.02 s after the speaker | The delay is another matter: the end of the clip must have come first.
#
# **2. The smallest file is …**
#
# - [ ] the fastest, since there is least to read | Only if somebody wrote a fast kernel for it.
# - [x] not always the fastest: speed is in the kernels | Its integer LSTM is plain code on x86.
# - [ ] the worst at spelling | All files hear nearly the same words.
#
# **3. Why is the first call not counted?**
#
# - [x] it allocates and traces, once | A server pays that at its start and never again.
# - [ ] it is always wrong | Its answer is the same.
# - [ ] to make the numbers look better | That would be so if every use were a first one, as on a command line: there, count it.
#
# **4. Why is each file measured in a process of its own?**
#
# - [ ] the files would overwrite each other | They are only read.
# - [x] memory is counted for one, and two runtimes would fight over the cores | What is measured should be one thing.
# - [ ] the interpreters forbid it | They run side by side, and slow each other down.
#
# **5. How is an hour of sound transcribed?**
#
# - [ ] all at once | Memory grows with the length, and one normalisation would serve all voices.
# - [ ] in pieces that touch | The cuts go through words.
# - [x] in windows that overlap | They are joined in the middle of the overlap, where both have heard enough.

# %% [markdown]
# ## Recap
#
# - The real-time factor is computing time over speaking time; measure warm, in a fresh process, threads named.
# - All files hear nearly the same; they differ in speed, size, start-up and memory, each for a reason.
# - On x86 the full-int8 file is the smallest and not the fastest: speed is in the kernels, not in the format.
# - Exact lengths beat padding; long sound goes through overlapping windows.
#
# The same from a terminal, for any model and any corpus in LibriSpeech's layout:
#
# ```
# asr quantize MODEL.keras --out DIR --calibrate data/mini/train-mini
# asr compare DIR data/mini/test-mini --threads 1 2 --other-modes
# asr evaluate DIR/crnn.int8.tflite data/mini/test-mini --decoder beam
# asr transcribe RECORDING.wav --model DIR/crnn.fast.onnx
# ```
#
# ## Further reading
#
# - [ONNX Runtime: performance](https://onnxruntime.ai/docs/performance/): threads, graph optimisations, profiling.
# - [LiteRT](https://ai.google.dev/edge/litert): the interpreter, on phones too.
# - [XNNPACK](https://github.com/google/XNNPACK): the kernels behind it, and which processors they are for.
# - [He and others (2018), streaming speech recognition](https://arxiv.org/abs/1811.06621): a recogniser that writes while you speak, on a phone.
#
# Next: [10 · Pretrained](10_pretrained.ipynb), the same road with half a million hours behind it.
