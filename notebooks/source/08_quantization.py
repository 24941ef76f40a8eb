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
# # 08 · Quantization
#
# You will hear one sentence, and see it written down by a network of 25 MB and by the same network in 6 MB.

# %% jupyter={"source_hidden": true}
import json
import os
import re
import warnings
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter
from IPython.display import display

from asr_helpers import export
from asr_helpers.corpus import data_dir, load_corpus
from asr_helpers.export import VARIANTS, FusableLSTM, fold_norms, format_report, op_report, quantize
from asr_helpers.network import rebuild
from asr_helpers.recognizer import Recognizer
from asr_helpers.show import plots, word_diff
from asr_helpers.show.widgets import player
from asr_helpers.sound import features, read_audio
from asr_helpers.teaching import check
from asr_helpers.text import ALPHABET, decode, encode
from asr_helpers.words import collapse, greedy, log_likelihood, paired_difference, word_errors

# %% jupyter={"source_hidden": true}
PROFILE = os.environ.get("ASR_PROFILE", "fast")
RUN = Path(os.path.relpath(data_dir().parent / "runs" / "08-variants"))
SHIPPED = data_dir() / "models" / "crnn.keras"
plots.style()
tf.get_logger().setLevel("ERROR")  # the converter reports every temporary file
warnings.filterwarnings("ignore", message=".*preserve_all_tensors")  # wanted here, and named with its path
train = load_corpus(data_dir() / "mini" / "train-mini").utterances
COUNT = 8 if PROFILE == "ci" else 100
calibration = [features(read_audio(each.path)) for each in train[:: len(train) // COUNT][:COUNT]]
four = ("crnn.float16.tflite", "crnn.dynamic.tflite", "crnn.int8.tflite", "crnn.fast.onnx")
needed = VARIANTS if PROFILE != "ci" else four
reports = {report["name"]: report for report in quantize(SHIPPED, RUN, calibration, needed)}
sizes = {name: report["bytes"] / 1e6 for name, report in reports.items()}

# %% jupyter={"source_hidden": true}
people = load_corpus(data_dir() / "real").utterances
reading = next(each for each in people if each.id == "672-122797-0069")
samples = read_audio(reading.path)
both = {"float32": "crnn.keras", "int8": "crnn.int8.tflite"}
megabytes = {kind: (RUN / name).stat().st_size / 1e6 for kind, name in both.items()}
written = {f"{megabytes[kind]:.0f} MB, {kind}": Recognizer.load(RUN / name) for kind, name in both.items()}
display(player(samples, reading.text.capitalize()))
word_diff(reading.text, {label: each.transcribe(samples) for label, each in written.items()})

# %% [markdown] tags=["about"]
# The small file does every multiplication in whole numbers from −128 to 127. This notebook shows how, what it costs, and
# four ways in which it goes wrong.
#
# | | |
# |---|---|
# | **Objectives** | compute a scale and a zero point, and know what they cost · tell per-tensor from per-channel · calibrate activations · read an op report · find the layer that loses precision · judge a smaller model by its words, with an interval · recognise the classic failures |
# | **Needs** | notebooks [02](02_spectrograms.ipynb) and [05](05_crnn_and_ctc.ipynb); no network, no GPU |
# | **Minutes** | ci: 1 · fast, workshop, full: 3 |

# %% [markdown]
# ## What does int8 mean?
#
# A float32 number has four bytes and can be almost anything. An int8 has one byte and is one of 256 whole numbers, −128 to
# 127. To store a weight in it, choose a *scale*, the width of one step, and a *zero point*, the integer that represents
# 0.0. Then count steps:
#
# ```text
# q = round(x / scale) + zero point
# x ≈ (q − zero point) · scale
# ```


# %%
def grid(low, high, bits=8):
    """Return the scale and the zero point that spread the integers of `bits` from low to high."""
    scale = (high - low) / (2**bits - 1)
    return scale, round(-(2 ** (bits - 1)) - low / scale)


# %%
def quantise(x, scale, zero_point, bits=8):
    q = np.round(x / scale) + zero_point
    return np.clip(q, -(2 ** (bits - 1)), 2 ** (bits - 1) - 1).astype(np.int8)


# %%
def dequantise(q, scale, zero_point):
    return (q.astype(np.float32) - zero_point) * np.float32(scale)


# %%
scale, zero_point = grid(-1.0, 3.0)
print(f"for −1 to 3: scale {scale:.5f}, zero point {zero_point}")
for x in (-1.0, 0.0, 0.01, 1.234, 3.0, 50.0):
    q = quantise(np.array(x), scale, zero_point)
    print(f"{x:7.3f} → {q:4d} → {dequantise(q, scale, zero_point):7.4f}")

# %% [markdown]
# Zero comes back as exactly zero: padding and ReLU depend on it. Values outside the range are clipped. Three bits make
# both errors visible:

# %% jupyter={"source_hidden": true}
line = np.linspace(-1.5, 3.5, 1000)
steps = grid(-1, 3, bits=3)
stairs = dequantise(quantise(line, *steps, bits=3), *steps)
figure, (above, below) = plots.new(2, 1, (7, 4.4), sharex=True)
above.plot(line, line, color=plots.GREY, linewidth=1)
above.plot(line, stairs)
above.set(title="a number, stored in 3 bits", ylabel="after")
below.plot(line, stairs - line, color=plots.ORANGE)
for start, end in ((-1.5, stairs.min()), (stairs.max(), 3.5)):
    below.axvspan(start, end, color=plots.GREY, alpha=0.2)
below.set(title="the error", xlabel="before", ylabel="after − before")
figure.alt = (
    "above, a staircase of eight steps along the diagonal; below, its error, a saw that grows at both grey ends"
)
figure.caption = "Inside the range the error is at most half a step; outside it (grey), the error grows without limit."
plots.save(figure, "08_stairs")

# %% [markdown]
# A wide range rounds coarsely, and a narrow one clips. All of quantization is about choosing ranges.
#
# ## How many bits does a weight need?
#
# Take a real matrix, and round it to fewer and fewer bits. Weights lie on both sides of zero, so the zero point is 0 and
# only the scale is left to choose. The error is measured as a *signal-to-noise ratio* (SNR):


# %%
def rounded(x, bits, axis=None):
    """Return x after a trip to `bits` and back, with one scale for all, or one for each channel."""
    scale = np.abs(x).max(axis=axis, keepdims=True) / (2 ** (bits - 1) - 1)
    return np.round(x / scale) * scale


def snr(x, y):
    return 10 * np.log10(np.mean(x**2) / np.mean((y - x) ** 2))


# %%
model = keras.saving.load_model(SHIPPED, compile=False)
weights = model.get_layer("lstm1").get_weights()[0]
ratios = {bits: snr(weights, rounded(weights, bits)) for bits in (12, 8, 6, 4, 2)}
print(*(f"{bits} bits: {ratio:.0f} dB" for bits, ratio in ratios.items()), sep=", ")

# %% jupyter={"source_hidden": true}
figure, axes = plots.new(2, 2, (7, 7.4))
limit = np.quantile(np.abs(weights[:40, :40]), 0.99)
for ax, bits in zip(axes.flat, (None, 8, 4, 2), strict=True):
    corner = (rounded(weights, bits) if bits else weights)[:40, :40]
    title = f"{bits} bits, SNR {ratios[bits]:.0f} dB" if bits else "float32"
    ax.imshow(corner, cmap="PuOr", vmin=-limit, vmax=limit, interpolation="nearest")
    ax.set(title=title, xticks=[], yticks=[])
figure.alt = "a corner of a weight matrix in float32, 8, 4 and 2 bits: 8 bits looks the same, 2 bits is nearly blank"
figure.caption = "At 8 bits the picture looks like the original; at 2 bits nearly all weights are gone."
figure

# %% [markdown]
# Each bit halves the step, and half the error is 6 dB.
#
# ## One scale, or one for each channel?
#
# A single large weight stretches the range of the whole matrix. The kernel of the first convolution, with its BatchNorm
# multiplied in, is such a case. Compare one scale for the whole kernel with one scale for each channel:

# %%
gamma, _, _, variance = model.get_layer("conv1_norm").get_weights()
kernel = model.get_layer("conv1").get_weights()[0] * gamma / np.sqrt(variance + 1e-3)
kernel = kernel.reshape(-1, kernel.shape[-1])  # (9 weights, channels)
kernel = kernel[:, np.argsort(np.abs(kernel).max(axis=0))]
kept = {}
for name, axis in {"one scale each": 0, "one scale for all": None}.items():
    kept[name] = [snr(a, b) for a, b in zip(kernel.T, rounded(kernel, 8, axis).T, strict=True)]

# %% jupyter={"source_hidden": true}
widths = np.abs(kernel).max(axis=0)
figure, (above, below) = plots.new(2, 1, (7, 4.6), sharex=True)
above.bar(range(len(widths)), widths, color=plots.BLUE)
above.set(title="largest weight of each channel")
for (name, values), style in zip(kept.items(), ("o-", "s--"), strict=True):
    below.plot(values, style, label=name, markersize=4)
below.set(title="SNR after rounding to 8 bits (dB)", xlabel="channel, from narrow to wide", ylim=(0, None))
below.legend(loc="lower right")
figure.alt = f"the widest channel is {widths[-1] / widths[0]:.0f} times as wide as the narrowest, which loses most under a common scale"
figure.caption = "Under a common scale, narrow channels lose precision. With a scale each, all channels keep it."
plots.save(figure, "08_channels")

# %% [markdown]
# *Per channel* costs one float per channel, and gives every channel all 256 steps. TFLite does this for convolutions and
# dense layers. In an LSTM, each gate has one scale.
#
# ## And what flows between the layers?
#
# Weights are known when the file is made. *Activations* are not: their ranges depend on the sound. So run some speech
# through the network, and write down the smallest and the largest value of each layer. This is *calibration*. Ours uses
# these training clips:

# %%
low, high = min(each.min() for each in calibration), max(each.max() for each in calibration)
scale, zero_point = grid(low, high)
print(f"{len(calibration)} spectrograms, from {low:.2f} to {high:.2f}: scale {scale:.5f}, zero point {zero_point}")

# %% jupyter={"source_hidden": true}
lstms = [layer.name for layer in model.layers if isinstance(layer, keras.layers.Bidirectional)]
behind = [name for lstm in lstms for name in (lstm, f"{lstm}_norm")]
names = ["log_mel", "conv1_relu", "conv2_relu", *behind, "logits"]
probe = tf.function(
    keras.Model(model.input, [model.get_layer(name).output for name in names]),
    input_signature=[tf.TensorSpec((None, None, 80, 1))],
)


def ranges(spectrograms):
    """Return the lowest and the highest value of each layer in `names`, over all spectrograms."""
    parts = [probe(x[None, ..., None]) for x in spectrograms]
    lows = np.min([[part.numpy().min() for part in each] for each in parts], axis=0)
    return lows, np.max([[part.numpy().max() for part in each] for each in parts], axis=0)


# %% jupyter={"source_hidden": true}
lows, highs = ranges(calibration[:8])
figure, ax = plots.new(size=(7, 3.6))
colours = [plots.ORANGE if name in lstms else plots.BLUE for name in names]
ax.barh(names, highs - lows, left=lows, color=colours)
ax.invert_yaxis()
ax.axvline(0, color=plots.GREY, linewidth=1)
ax.set(xlabel="value, over eight sentences", xlim=(lows.min() - 1, highs.max() + 1))
figure.alt = "range of each layer as a bar: the LSTMs stay within −1 and 1, the norm behind the first reaches far"
figure.caption = "What 256 steps must cover in each layer. LSTMs (orange) stay within ±1; the norms behind them do not."
plots.save(figure, "08_ranges")

# %% [markdown]
# An LSTM's output is a tanh times a sigmoid, so it never leaves −1 to 1. The BatchNorm behind it stretches that range, the
# first one most of all. This will matter.
#
# ## The small files
#
# The cells at the top called `quantize`, which writes four TFLite files and three ONNX files.

# %% jupyter={"source_hidden": true}
figure, ax = plots.new(size=(7, 3.2))
bars = ax.barh(list(sizes), list(sizes.values()), color=[plots.GREY if "float" in n else plots.BLUE for n in sizes])
ax.bar_label(bars, [f" {size:.1f}" for size in sizes.values()])
ax.invert_yaxis()
ax.set(xlabel="MB", xlim=(0, 29))
figure.alt = "bars: " + ", ".join(f"{name} {size:.1f} MB" for name, size in sizes.items())
figure.caption = "float16 halves the size; the files with int8 weights (blue) are a quarter."
plots.save(figure, "08_sizes")

# %% [markdown]
# There are several kinds of small file. *float16* halves the storage and computes in float32. *dynamic* stores int8
# weights, and quantises the input of each matrix product on the fly. *int8* uses integers throughout, with ranges
# fixed by calibration. What is really inside? A report counts the operations by the format of their inputs:

# %%
report = reports["crnn.int8.tflite"]
print(format_report(report))
assert not report["float_compute_ops"] and report["input"]["dtype"] == report["output"]["dtype"] == "int8"
np.testing.assert_allclose(scale, report["input"]["scale"], rtol=1e-4)  # the converter found our grid

# %% [markdown]
# No product takes a float, so this file needs no floating-point unit. *fast* is for laptops and servers, which are good at
# floats, too. It uses int8 only where int8 is faster:

# %%
print(format_report(reports["crnn.fast.onnx"]))

# %% [markdown]
# The second convolution and the LSTMs are nearly all of the work, and they have int8 weights. The first convolution and
# the last product are small, so they keep their floats. Notebook 09 measures the speed.
#
# ## Same words?
#
# Two questions. *Frame agreement*: in how many frames is the most probable label the same as the float model's? And how
# does the word error rate change, on the harbour radio and on people?

# %%
test = load_corpus(data_dir() / "mini" / "test-mini").utterances
test, readers = (test[:: len(test) // 8][:8], people[::10]) if PROFILE == "ci" else (test, people)
speech = {"harbour": test, "people": readers}
heard = {who: [features(read_audio(each.path)) for each in clips] for who, clips in speech.items()}


# %%
def listen(name, who):
    """Return the most probable label of every frame, and the word errors of every utterance."""
    recognizer = Recognizer.load(RUN / name)
    log_probs = [recognizer.log_probs(each) for each in heard[who]]
    words = word_errors([each.text for each in speech[who]], [greedy(each) for each in log_probs])
    return np.concatenate([each.argmax(axis=-1) for each in log_probs]), words


floating = {who: listen("crnn.keras", who) for who in speech}
changes = {}


# %% jupyter={"source_hidden": true}
def verdict(name):
    """Print, and note in `changes`, how the file `name` differs from the float model."""
    for who, (labels, errors) in floating.items():
        mine, words = listen(name, who)
        change, ends = paired_difference(errors, words)
        low, high = (100 * end for end in ends)
        changes[name, who] = 100 * change, low, high
        print(
            f"{name:19} {who:7} WER {words.rate:6.1%}, {100 * change:+5.1f} points ({low:+.1f} to {high:+.1f})", end=""
        )
        print(f", same label in {np.mean(mine == labels):.1%}")


# %%
for who, (labels, errors) in floating.items():
    print(f"float model, {who}: {len(speech[who])} utterances, {len(labels)} frames, WER {errors.rate:.1%}")
for name in four:
    verdict(name)

# %% [markdown]
# The interval is *paired*: both models are scored on the same drawn sentences, so hard sentences cancel out. Where it
# contains 0, these clips cannot tell the two models apart. A few frames do flip in the int8 model, mostly near-ties at
# the edges of letters, where either label spells the same word. Watch the words, not the frames.
#
# ## Break it: BatchNorm left in place
#
# `quantize` does something quietly before it converts: it *folds* the BatchNorm behind each LSTM into the weights of the
# next layer, and *clips* a few of these. Why bother? Here is the recipe without both:


# %%
def convert(model, calibration):
    """Return the bytes of a full-int8 TFLite file."""
    signature = [tf.TensorSpec((1, None, 80, 1), tf.float32)]
    function = tf.function(lambda x: model(x, training=False), input_signature=signature)
    holder = tf.Module()
    holder.variables_of_model = [variable.value for variable in model.variables]
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function.get_concrete_function()], holder)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if calibration:
        converter.representative_dataset = lambda: ([x[None, :, :, None]] for x in calibration)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    return converter.convert()


# %% [markdown]
# Three networks: unfolded, folded, and folded with the largest weights clipped. In float, the first two are equal.

# %%
unfolded = rebuild(fold_norms(model, lstms=False), masked=False, conv_norms=False, batch=1, lstm=FusableLSTM)
folded, clipped = fold_norms(model), fold_norms(model)
export.clip_kernels(clipped, model)
x = heard["harbour"][0][None, :, :, None]
np.testing.assert_allclose(folded(x), unfolded(x), atol=1e-3)

# %%
for name, network in {"unfolded": unfolded, "folded": folded, "clipped": clipped}.items():
    (RUN / f"{name}.tflite").write_bytes(convert(network, calibration))
    verdict(f"{name}.tflite")
assert changes["unfolded.tflite", "people"][0] > changes["folded.tflite", "people"][0]
assert PROFILE == "ci" or changes["folded.tflite", "people"][1] > changes["clipped.tflite", "people"][0]


# %% jupyter={"source_hidden": true}
def lstm_steps(name):
    """Return the scale of each LSTM's output in a TFLite file."""
    tensors = Interpreter(str(RUN / name)).get_tensor_details()
    return [each["quantization"][0] for each in tensors if each["name"].endswith("/concat")]


for name in ("unfolded.tflite", "folded.tflite"):
    print(f"{name:15} one step of each LSTM:", ", ".join(f"{step:.4f}" for step in lstm_steps(name)))

# %% [markdown]
# *Diagnosis.* An LSTM's output lies between −1 and 1 and needs steps of 1/128 = 0.0078. In the unfolded file, the converter
# gives it the far coarser scale of the BatchNorm that follows. Nothing warns: the file has the right size and the right
# ops. Folding moves the norm into the weights of the next layer:
#
# ```text
# W (x · s + t) + b  =  (s W) x + (b + t W)
# ```
#
# Folding alone is not enough, as the lines on people show. Where is the rest lost?
#
# ## Where does the error come from?
#
# An interpreter can keep what flows between the layers. Compare it with the float network, layer by layer: how far is the
# signal above the error?


# %%
def feed(interpreter, x):
    """Give an int8 model features (frames, 80), and return its logits (frames // 4, 29) as floats."""
    source, target = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    interpreter.resize_tensor_input(source["index"], (1, len(x), 80, 1))
    interpreter.allocate_tensors()
    interpreter.set_tensor(source["index"], quantise(x, *source["quantization"])[None, :, :, None])
    interpreter.invoke()
    return dequantise(interpreter.get_tensor(target["index"]), *target["quantization"])[0]


# %%
def inside(name, x):
    """Return {layer: values} from inside an int8 model, as floats."""
    interpreter = Interpreter(str(RUN / name), experimental_preserve_all_tensors=True)
    found = {"logits": feed(interpreter, x)}
    for tensor in interpreter.get_tensor_details():
        if place := re.search(r"(conv\d_pool|lstm\d)[^/]*/(MaxPool2d|concat)$", tensor["name"]):
            found[place[1]] = dequantise(interpreter.get_tensor(tensor["index"]), *tensor["quantization"])[0]
    return found


# %% jupyter={"source_hidden": true}
layers = ["conv1_pool", "conv2_pool", *lstms, "logits"]
between = tf.function(
    keras.Model(folded.input, [folded.get_layer(name).output for name in layers]),
    input_signature=[tf.TensorSpec((1, None, 80, 1))],
)
eight = heard["harbour"][:8]


def in_float():
    """Return the values of the float network `folded` at each of `layers`, for each clip."""
    return [[y[0].numpy() for y in between(x[None, :, :, None])] for x in eight]


truth = in_float()


def snr_by_layer(answers):
    """Return the SNR in dB at each of `layers`, over all clips; `answers` has a list of arrays for each clip."""
    columns = zip(zip(*truth, strict=True), zip(*answers, strict=True), strict=True)
    return [snr(*(np.concatenate([each.ravel() for each in side]) for side in pair)) for pair in columns]


# %%
quality = {}
for name in ("unfolded", "folded", "clipped"):
    found = [inside(f"{name}.tflite", x) for x in eight]
    quality[name] = snr_by_layer([[each[layer] for layer in layers] for each in found])

# %% jupyter={"source_hidden": true}
figure, ax = plots.new(size=(7, 3.6))
for (name, values), style in zip(quality.items(), ("s--", "o-", "^-"), strict=True):
    ax.plot(layers, values, style, label=name)
ax.axhline(0, color=plots.GREY, linewidth=1)
ax.set(ylabel="SNR (dB)")
ax.legend(loc="lower left")
figure.alt = "SNR by layer: unfolded falls below 0 at the first LSTM, folded falls at the second, clipped stays high"
figure.caption = "Look for the first layer that falls. Below 0 dB, the error is larger than the signal."
plots.save(figure, "08_snr_by_layer")

# %%
for name, values in quality.items():
    print(f"{name:8}", "  ".join(f"{layer} {value:.0f}" for layer, value in zip(layers, values, strict=True)))

# %% [markdown]
# This is how to find the culprit in any network: not in the words at the end, but at the first layer where the curve falls.
# The unfolded file falls at the first LSTM, and no later layer recovers what is lost. The folded file falls at the second,
# the first to read folded weights. (TFLite has a tool for this search,
# [`QuantizationDebugger`](https://ai.google.dev/edge/litert/conversion/tensorflow/quantization/quantization_debugger). It
# can also leave the worst layers in float.)
#
# What is wrong with folded weights? A norm gives every input unit variance. Once folded, inputs with little variance
# get large weights. These few set the step of the whole gate, so all other weights are rounded to a handful of levels.
# Clipping these few costs little, because their inputs hardly vary. On people it removes nearly all of the damage:
# compare *folded* and *clipped* above.
#
# The [appendix](A1_converter.ipynb) derives the clip, and finds a last fault that `quantize` corrects: a zero point that is
# one step off.
#
# ## Roads not taken
#
# - *16x8*: activations in 16 bits, weights in 8. TFLite has it, for LSTMs too; the file grows little, but fewer chips
#   support it.
# - *Quantization-aware training*: round weights and activations in the forward pass of training, so that the network learns
#   to live with it. It needs the training data and a GPU for a while.
# - *Mixed precision*: leave in float what the curve above shows to be delicate.
#
# We tried none of them: the words of the clipped int8 file are already as good as the float model's, within the interval.
#
# ## Break it: no calibration
#
# Ask for integers everywhere, and give no speech:

# %%
try:
    convert(folded, [])
except ValueError as error:
    print("ValueError:", error)

# %% [markdown]
# *Diagnosis.* The converter cannot guess ranges, and says so. Beware of the other case: without `supported_ops` and the
# int8 input and output types, it takes `DEFAULT` to mean dynamic range. It says nothing, and writes a file that looks
# quantised and takes floats.
#
# ## Break it: calibrate on noise
#
# The features of any sound have mean 0 and deviation 1. So why collect speech? Calibrate on white noise instead:

# %%
rng = np.random.default_rng(0)
noise = [features(0.1 * rng.standard_normal(48000, dtype=np.float32)) for _ in calibration]
(RUN / "noise.tflite").write_bytes(export.one_grid(convert(clipped, noise)))
verdict("noise.tflite")
assert PROFILE == "ci" or changes["noise.tflite", "harbour"][1] > changes["noise.tflite", "people"][2]

# %% jupyter={"source_hidden": true}
for name, clips in {"noise": noise[:8], **{who: each[:8] for who, each in heard.items()}}.items():
    top = dict(zip(names, ranges(clips)[1], strict=True))
    print(f"{name:8} highest feature {top['log_mel']:.1f}, highest logit {top['logits']:.1f}")

# %% [markdown]
# *Diagnosis.* White noise has the same mean and deviation as speech, but not the same extremes. No vowel rises out of it,
# and the network is never sure of a letter. So the ranges end too early, and what lies above them is clipped. The harbour's
# clear synthetic voices lose most by this; people lose far less.
#
# How much speech does calibration take, then, and of which kind? `python benchmarks/calibration.py` calibrated the
# same network on 1 to 300 clips of LibriSpeech, on augmented clips, and on noise, and measured 80 other clips of
# LibriSpeech. Its results, together with our two of noise:

# %% jupyter={"source_hidden": true}
experiment = json.loads((data_dir().parent / "benchmarks" / "calibration.json").read_text())
measured = {}
for row in experiment["rows"]:
    count = "1 clip" if row["utterances"] == 1 else f"{row['utterances']} clips"
    kind = {"clean": count, "augmented": f"{count}, augmented"}.get(row["calibration"], "noise")
    numbers = [row["wer_change"], *row["wer_change_ci95"]]
    measured[f"LibriSpeech: {kind}"] = [100 * each for each in numbers]
measured["data/real: noise"] = changes["noise.tflite", "people"]
measured["harbour: noise"] = changes["noise.tflite", "harbour"]
figure, ax = plots.new(size=(7, 3.6))
for name, (change, low, high) in measured.items():
    color = plots.ORANGE if name.startswith("harbour") else plots.BLUE
    ax.plot([low, high], [name, name], color=color, linewidth=3)
    ax.plot(change, name, "o", color=color)
ax.axvline(0, color=plots.GREY, linewidth=1)
ax.invert_yaxis()
ax.set(xlabel="change in WER (points, 95 % interval)")
figure.alt = "eight intervals: six of LibriSpeech contain 0, whatever the calibration; after noise, that of data/real is above 0, and the harbour's far above"
figure.caption = "Speech of any kind and amount will do. Noise is a gamble: harmless, harmful or ruinous."
plots.save(figure, "08_calibration")

# %% [markdown]
# On those 80 clips every interval contains 0, even after noise: neither the amount nor the kind of calibration makes a
# difference that they can show. But `data/real` is LibriSpeech, too, and there noise costs several points. On the
# harbour radio it costs far more. No one could have known that before measuring. A few clips of what the model will
# hear are cheap insurance. Take them from the training data, never from the test set.
#
# ## Break it: state that survives
#
# The fused LSTM op keeps its state in the interpreter. Our model should start each sound from zero. Feed the first second
# of each clip, one after the other, with and without a reset:

# %%
windows = [each[:101] for each in heard["harbour"] if len(each) > 101]
outputs = {}
for reset in (True, False):
    interpreter = Interpreter(str(RUN / "crnn.int8.tflite"))
    feed(interpreter, windows[0])
    source, target = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    outputs[reset] = []
    for each in windows:
        if reset:
            interpreter.reset_all_variables()
        interpreter.set_tensor(source["index"], quantise(each, *source["quantization"])[None, :, :, None])
        interpreter.invoke()
        outputs[reset].append(interpreter.get_tensor(target["index"])[0].argmax(axis=-1))

# %%
changed = np.mean(np.array(outputs[True])[1:] != np.array(outputs[False])[1:])
assert changed > 0.1
for reset, rows in outputs.items():
    print(f"reset {reset!s:5}:", " · ".join(decode(collapse(row)) for row in rows[1:5]))
print(f"without a reset, {changed:.0%} of the frames have another label")

# %% [markdown]
# *Diagnosis.* Each window begins where the last one ended. The fault hides well: a resize clears the state, so a test with
# clips of different lengths passes, and the first live microphone, with windows of equal length, fails. Call
# `reset_all_variables()` before every sound.
#
# ## Logits, not probabilities
#
# Why does the file end in logits, and leave the softmax to us? TFLite's int8 softmax has steps of 1/256. What is less
# probable than half a step becomes 0, and its logarithm minus infinity. Here is a frame in doubt:


# %%
def in_256_steps(log_probs):
    with np.errstate(divide="ignore"):
        return np.log(np.round(np.exp(log_probs) * 256) / 256)


# %%
integer = Recognizer.load(RUN / "crnn.int8.tflite")
log_probs = integer.log_probs(heard["people"][0])
frame = log_probs[np.abs(log_probs.max(axis=-1) - np.log(0.6)).argmin()]
for label in frame.argsort()[::-1][:8]:
    print(f"{(ALPHABET + '–')[label]!r} logits {frame[label]:6.2f}   int8 softmax {in_256_steps(frame)[label]:6.2f}")

# %% [markdown]
# Greedy decoding looks only at the first row, and does not care. A beam search with a language model reads further down, to
# recover what the network thought unlikely. Can it still reach the true text? It cannot if one letter has probability zero.

# %%
for who, clips in speech.items():
    answers = [integer.log_probs(x) for x in heard[who]]
    texts = [encode(each.text) for each in clips]
    for kind, change in {"logits": lambda each: each, "softmax": in_256_steps}.items():
        lost = sum(np.isinf(log_likelihood(change(each), text)) for each, text in zip(answers, texts, strict=True))
        print(f"{who:8} int8 {kind:8} the true text is impossible in {lost} of {len(texts)} clips")

# %% [markdown]
# On the harbour radio the fault stays hidden, because the network is nearly always right there. On people, where the
# search is needed most, the true text is often lost before the search begins.
#
# ## Exercises
#
# Write into the empty cells and let `check` judge: it says what is right, and gives a hint where something is not.
# [All of them solved](../notebooks/solutions/08_quantization.ipynb).

# %% [markdown] tags=["exercise"]
# ### Exercise 08.1 · One click
#
# *medium · 10 minutes*
#
# Write calibration as a function: it takes a list of spectrograms, and returns the scale and the zero point of the input.
# Then put a click into the calibration, a single value of 1000, convert `clipped` with it, and judge the file with
# `verdict`. `answer` is the function.


# %% tags=["solution"]
def answer(spectrograms):
    return grid(min(each.min() for each in spectrograms), max(each.max() for each in spectrograms))


# %% tags=["solution"]
clicked = [each.copy() for each in calibration]
clicked[0][0, 0] = 1000
(RUN / "click.tflite").write_bytes(convert(clipped, clicked))
verdict("click.tflite")
print(answer(clicked), "is the file's:", op_report(RUN / "click.tflite")["input"])

# %% tags=["check"]
check("08.1", answer)

# %% [markdown] tags=["exercise"]
# ### Exercise 08.2 · Clip on purpose
#
# *hard · 15 minutes*
#
# A scale below `max / 127` clips the largest weights of a matrix, and rounds all others more finely. Write a function of a
# matrix and a number of bits that returns the share of the maximum, between 0 and 1, at which the SNR is best. When does
# clipping pay? `answer` is the function; try it on `weights` with 8, 4 and 3 bits.


# %% tags=["solution"]
def answer(matrix, bits):
    top = 2 ** (bits - 1) - 1
    shares = np.linspace(0.05, 1, 39)
    steps = shares * np.abs(matrix).max() / top
    ratios = [snr(matrix, np.clip(np.round(matrix / step), -top, top) * step) for step in steps]
    return shares[np.argmax(ratios)]


# %% tags=["solution"]
for bits in (8, 4, 3):
    print(f"{bits} bits: best at {answer(weights, bits):.0%} of the maximum")

# %% tags=["check"]
check("08.2", answer)

# %% [markdown] tags=["exercise"]
# ### Exercise 08.3 · A grid by hand
#
# *easy · 5 minutes*
#
# A layer's values reach from −2 to 4. Which scale and which zero point spread the int8 range over them? Try it on paper
# first. `answer` holds both.

# %% tags=["solution"]
answer = grid(-2, 4)
print(f"scale {answer[0]:.5f}, zero point {answer[1]}")

# %% tags=["check"]
check("08.3", answer)

# %% [markdown]
# ### Open task · Four bits
#
# *20 minutes, alone or in pairs*
#
# Round the weights of `folded` to 4 bits with `rounded`, all layers or some, and keep the activations in float
# (`set_weights`; `folded(x)` then gives the logits). Which layer can bear it? A good answer has three parts:
#
# | | |
# |---|---|
# | **a prediction** | the layer that loses most, with a reason from this notebook, written down before you run anything |
# | **a measurement** | the WER on people with one layer rounded at a time, with paired intervals, as a table |
# | **a file** | which layers you would store in 4 bits, how many MB that saves, and what it costs in words |

# %% [markdown] tags=["quiz"]
# ## Quiz
#
# **1. What is the scale of an int8 tensor?**
#
# - [ ] its largest value | That value also depends on how many steps it is away from 0.
# - [x] the width of one step | Value ≈ (integer − zero point) · scale.
# - [ ] the range from its lowest to its highest value | That range, divided by 255, is the scale.
#
# **2. What is the zero point for?**
#
# - [x] it is the integer that represents 0.0 | So a range need not be symmetric, and zero itself is exact.
# - [ ] it is the integer of the smallest value | The smallest value has −128.
# - [ ] it is subtracted so that the mean becomes zero | It has to do with the ends of the range, not with the mean.
#
# **3. Which ranges need calibration?**
#
# - [ ] those of the weights | They are known when the file is made.
# - [x] those of the activations | They depend on the sound.
# - [ ] both, because both become int8 | Both do, but a weight's range can be read from the weight.
#
# **4. Why one scale for each channel?**
#
# - [x] one wide channel would coarsen the steps of all others | Each channel gets its own 256 values.
# - [ ] it makes the file smaller | It adds one float per channel.
# - [ ] it needs no calibration | Weights never do, with one scale or with many.
#
# **5. Two per cent of the frames have another label, and the WER has not moved. What has happened?**
#
# - [ ] the errors in the frames cancelled out by chance | Most of them never reached a word.
# - [x] near-ties flipped at the edges of letters | The text is the same. Watch the words, not the frames.
# - [ ] the test set is too easy | Harder speech has more near-ties, and the same happens there.

# %% [markdown]
# ## Recap
#
# - An int8 tensor is integers, a scale and a zero point. Too wide a range rounds; too narrow a range clips.
# - The ranges of weights are known. Those of activations come from calibration.
# - Fold a BatchNorm behind an LSTM into the next layer, and clip the few large weights that this makes.
# - The SNR, layer by layer, shows where precision is lost: look for the first layer that falls.
# - Judge a small file by the paired change in WER, on the speech that it will hear.
#
# ## Further reading
#
# - [Jacob and others (2017)](https://arxiv.org/abs/1712.05877): integers all the way, as TFLite does it.
# - [Krishnamoorthi (2018)](https://arxiv.org/abs/1806.08342): the practice: per channel, calibration, quantization-aware training.
# - [Nagel and others (2021)](https://arxiv.org/abs/2106.08295): a newer white paper, on how to find the layer that hurts.
# - [LiteRT's quantization specification](https://ai.google.dev/edge/litert/models/quantization_spec): which scale each operation may have.
#
# Next: [09 · Interpreters](09_interpreters.ipynb): the same words from eight files, and which of them is fast.
