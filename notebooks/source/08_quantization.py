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
# You will see a trained recogniser shrink to a quarter of its size, with every multiplication done in whole
# numbers from -128 to 127, and still spell the same words; and four ways in which that goes wrong.
#
# | | |
# |---|---|
# | **Objectives** | compute a scale and a zero point, and know what they cost · tell per-tensor from per-channel · calibrate activations on real speech · read an op report · find the layer that loses precision · judge a smaller model by its words, with an interval · recognise the classic failures |
# | **Needs** | notebooks 02 and 05; the shipped model; no network, no GPU |
# | **Minutes** | ci: under 1 · fast, workshop, full: 3 (the embedded corpus in every profile) |

# %%
import json
import os
import re
import warnings
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter

from asr_helpers import export
from asr_helpers.corpus import data_dir, load_corpus
from asr_helpers.export import FusableLSTM, fold_norms, format_report, op_report, quantize
from asr_helpers.network import rebuild
from asr_helpers.recognizer import Recognizer
from asr_helpers.show import plots
from asr_helpers.sound import features, read_audio
from asr_helpers.teaching import check
from asr_helpers.text import ALPHABET, BLANK, decode, encode
from asr_helpers.words import collapse, greedy, log_likelihood, paired_difference, word_errors

# %%
PROFILE = os.environ.get("ASR_PROFILE", "fast")
RUN = Path(os.path.relpath(data_dir().parent / "runs" / "08-variants"))
plots.style()
tf.get_logger().setLevel("ERROR")  # the converter reports every temporary file
warnings.filterwarnings("ignore", message=".*preserve_all_tensors")  # wanted here, and named with its path
print(f"profile {PROFILE}, TensorFlow {tf.__version__}, Keras {keras.__version__}")

# %%
SHIPPED = data_dir() / "models" / "crnn.keras"
model = keras.saving.load_model(SHIPPED, compile=False)
weights = model.get_layer("lstm1").get_weights()[0]
print(f"{model.count_params():,} numbers of 4 bytes: {model.count_params() * 4 / 1e6:.1f} MB")
print(f"one matrix of them: {weights.shape}, from {weights.min():.2f} to {weights.max():.2f}")

# %% [markdown]
# ## What does int8 mean?
#
# A float32 number has four bytes and can be almost anything. An int8 has one byte and is one of 256 whole
# numbers, -128 to 127. To store a weight in it, choose a *scale*, the width of one step, and a *zero point*,
# the integer that stands for 0.0. Then count steps:
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
print(f"for -1 to 3: scale {scale:.5f}, zero point {zero_point}")
for x in (-1.0, 0.0, 0.01, 1.234, 3.0, 50.0):
    q = quantise(np.array(x), scale, zero_point)
    print(f"{x:7.3f} → {q:4d} → {dequantise(q, scale, zero_point):7.4f}")

# %% [markdown]
# Zero comes back as exactly zero: padding and ReLU depend on it. What lies outside the range is clipped. And in
# between? Three bits make it visible:

# %%
line = np.linspace(-1.5, 3.5, 1000)
steps = grid(-1, 3, bits=3)
stairs = dequantise(quantise(line, *steps, bits=3), *steps)

# %%
figure, (left, right) = plots.new(1, 2, alt="a staircase of eight steps, and its error, a saw")
left.plot(line, line, color=plots.GREY, linewidth=1)
left.plot(line, stairs)
left.set(title="a number, stored in 3 bits", xlabel="before", ylabel="after")
right.plot(line, stairs - line, color=plots.ORANGE)
right.axvspan(-1.5, stairs.min(), color=plots.GREY, alpha=0.2)
right.axvspan(stairs.max(), 3.5, color=plots.GREY, alpha=0.2)
right.set(title="error: half a step, more where it clips (grey)", xlabel="before", ylabel="after - before")
plots.save(figure, "08_stairs")

# %% [markdown]
# So there are two errors, and they pull in opposite directions: a wide range rounds coarsely, a narrow one
# clips. All of quantization is about choosing ranges.
#
# ## How many bits does a weight need?
#
# Round the real matrix to fewer and fewer bits. Weights lie on both sides of zero, so their zero point is 0 and
# only the scale is left to choose:


# %%
def rounded(x, bits, axis=None):
    """Return x after a trip to `bits` and back, with one scale for all, or one for each channel."""
    scale = np.abs(x).max(axis=axis, keepdims=True) / (2 ** (bits - 1) - 1)
    return np.round(x / scale) * scale


def snr(x, y):
    return 10 * np.log10(np.mean(x**2) / np.mean((y - x) ** 2))


# %%
figure, axes = plots.new(1, 4, (10, 2.6), "a corner of a weight matrix in float32, 8, 4 and 2 bits")
limit = np.abs(weights[:40, :40]).max()
for ax, bits in zip(axes, (None, 8, 4, 2), strict=True):
    corner = (rounded(weights, bits) if bits else weights)[:40, :40]
    title = f"{bits} bits: SNR {snr(weights, rounded(weights, bits)):.0f} dB" if bits else "float32"
    ax.imshow(corner, cmap="PuOr", vmin=-limit, vmax=limit, interpolation="nearest")
    ax.set(title=title, xticks=[], yticks=[])
figure

# %%
bits = np.arange(2, 13)
ratios = [snr(weights, rounded(weights, each)) for each in bits]
slope = np.polyfit(bits[3:], ratios[3:], 1)[0]

# %%
figure, ax = plots.new(size=(8, 2.6), alt="signal-to-noise ratio over bits: a straight line")
ax.plot(bits, ratios, marker="o")
ax.axvline(8, color=plots.GREY, linewidth=1)
ax.set(title=f"{slope:.1f} dB more for each bit", xlabel="bits", ylabel="SNR (dB)")
figure

# %% [markdown]
# Each bit halves the step, and half the error is 6 dB. At 8 bits the picture cannot be told from the original;
# at 2 bits nearly all weights are gone.
#
# ## One scale, or one for each channel?
#
# A single large weight stretches the range for the whole matrix. The kernel of the first convolution, with its
# BatchNorm multiplied in, is such a case. How wide is each of its channels?

# %%
gamma, _, _, variance = model.get_layer("conv1_norm").get_weights()
kernel = model.get_layer("conv1").get_weights()[0] * gamma / np.sqrt(variance + 1e-3)
kernel = kernel.reshape(-1, kernel.shape[-1])  # (9 weights, channels)
kernel = kernel[:, np.argsort(np.abs(kernel).max(axis=0))]
widths = np.abs(kernel).max(axis=0)
print(f"the widest channel is {widths[-1] / widths[0]:.0f} times as wide as the narrowest")

# %%
kept = {}
for name, axis in {"one scale each": 0, "one scale for all": None}.items():
    back = rounded(kernel, 8, axis)
    kept[name] = [snr(a, b) for a, b in zip(kernel.T, back.T, strict=True)]

# %%
figure, (left, right) = plots.new(1, 2, alt="the narrower a channel, the more it loses under a common scale")
left.bar(range(len(widths)), widths, color=plots.BLUE)
left.set(title="largest weight of each channel", xlabel="channel, narrow to wide")
for name, ratios in kept.items():
    right.plot(ratios, label=name, marker=".")
right.set(title="what rounding leaves of each (SNR, dB)", xlabel="channel, narrow to wide", ylim=(0, None))
right.legend(loc="lower right")
plots.save(figure, "08_channels")

# %% [markdown]
# Per channel costs one float per channel and gives every channel the full 256 steps. TFLite does so for the
# weights of convolutions and dense layers. An LSTM's weights get one scale for each of its gates.
#
# ## And what flows between the layers?
#
# Weights are known when the file is made. Activations are not: their ranges depend on what is said into the
# microphone. So run real speech through the network once and write down the smallest and largest value
# everywhere. This is *calibration*.

# %%
COUNT = 8 if PROFILE == "ci" else 100
train = load_corpus(data_dir() / "mini" / "train-mini").utterances
calibration = [features(read_audio(each.path)) for each in train[:: len(train) // COUNT][:COUNT]]

# %%
low, high = min(each.min() for each in calibration), max(each.max() for each in calibration)
scale, zero_point = grid(low, high)
print(f"{len(calibration)} spectrograms, from {low:.2f} to {high:.2f}")
print(f"scale {scale:.5f}, zero point {zero_point}")

# %%
lstms = [layer.name for layer in model.layers if isinstance(layer, keras.layers.Bidirectional)]
behind = [name for lstm in lstms for name in (lstm, f"{lstm}_norm")]
names = ["log_mel", "conv1_relu", "conv2_relu", *behind, "logits"]
probe = keras.Model(model.input, [model.get_layer(name).output for name in names])


# %%
def ranges(spectrograms):
    """Return the (low, high) of each layer in `names` over all spectrograms."""
    parts = [probe(x[None, ..., None]) for x in spectrograms]
    lows = np.min([[part.numpy().min() for part in each] for each in parts], axis=0)
    highs = np.max([[part.numpy().max() for part in each] for each in parts], axis=0)
    return np.stack([lows, highs], axis=1)


speech = ranges(calibration[:8])

# %%
figure, ax = plots.new(size=(8, 3), alt="range of each layer: LSTMs stay within 1, norms reach far")
ax.barh(names, speech[:, 1] - speech[:, 0], left=speech[:, 0], color=plots.BLUE)
ax.invert_yaxis()
ax.axvline(0, color=plots.GREY, linewidth=1)
ax.set(title="eight sentences: what each layer's 256 steps must cover", xlabel="value")
plots.save(figure, "08_ranges")

# %% [markdown]
# Look at the LSTMs: their output is a tanh times a sigmoid and never leaves -1 to 1. The BatchNorm behind each of them
# stretches this. By how much?

# %%
width = dict(zip(names, speech[:, 1] - speech[:, 0], strict=True))
for name in lstms:
    print(f"{name}: its norm is {width[f'{name}_norm'] / width[name]:.1f} times as wide as its output")

# %% [markdown]
# Keep that in mind.
#
# ## Make the small models
#
# `quantize` writes four TFLite files and three ONNX files. (It runs TFLite's converter in a process of its own,
# because the converter sometimes takes its process down with it.)

# %%
reports = {report["name"]: report for report in quantize(SHIPPED, RUN, calibration)}
sizes = {name: report["bytes"] / 1e6 for name, report in reports.items()}
colours = [plots.GREY if "float" in name else plots.BLUE for name in sizes]
for name, megabytes in sizes.items():
    print(f"{name:22} {megabytes:6.2f} MB")

# %%
figure, ax = plots.new(size=(8, 2.6), alt="file sizes: float16 is half of float32, the int8 files a quarter")
bars = ax.barh(list(sizes), list(sizes.values()), color=colours)
shares = [f"{size / sizes['crnn.float32.tflite']:.0%}" for size in sizes.values()]
ax.bar_label(bars, shares, padding=4)
ax.invert_yaxis()
ax.set(title="size, and share of the float32 TFLite file", xlabel="MB")
plots.save(figure, "08_sizes")

# %% [markdown]
# Three kinds of small: *float16* halves the storage and computes in float32. *dynamic* stores int8 weights and
# quantises the input of each matrix product on the fly, when its true range is known; everything in between
# stays float. *int8* is integers all the way, with ranges fixed by calibration. What is really inside? A report
# counts the operations by their input's format, and how much of the multiplying is done with int8 weights:

# %%
print(format_report(reports["crnn.dynamic.tflite"]))

# %%
report = reports["crnn.int8.tflite"]
print(format_report(report))
assert report["subgraphs"] == 1 and not report["float_compute_ops"] and not report["custom_ops"]
assert report["input"]["dtype"] == report["output"]["dtype"] == "int8"
assert {op["inputs"] for op in report["ops"] if op["weights"]} == {"int8"}

# %% [markdown]
# One graph, no loops, no op borrowed from TensorFlow ("flex"), and no product that takes a float: this file
# needs no floating point unit. Did the converter find the same input grid as we did?

# %%
print(f"ours: {scale:.6f}, {zero_point} · the file's: {report['input']['scale']:.6f}, {report['input']['zero_point']}")
np.testing.assert_allclose(scale, report["input"]["scale"], rtol=1e-4)
assert zero_point == report["input"]["zero_point"]

# %% [markdown]
# ## And the fast one?
#
# *fast* is for the processors of laptops and servers, which are good at floats, too. So it is int8 in everything
# that pays, and in nothing else. What pays?

# %%
print(format_report(reports["crnn.fast.onnx"]))

# %% [markdown]
# The second convolution and the LSTMs are nearly all of the work: they have int8 weights, each channel with a step
# of its own. The first convolution has a single input channel. There is little to multiply, and ONNX Runtime's
# kernel for integers takes several times as long over it as the one for floats. The last product is smaller still,
# and it decides between letters: it keeps its floats. In between, the LSTMs' sigmoids and tanhs stay exact.
# Notebook 09 holds the stopwatch.
#
# ## Feed it
#
# The input is int8 now, so the features go through our `quantise`, and the answer comes back through
# `dequantise`. `Recognizer` does the same, for every kind of file:


# %%
def run(interpreter, x, reset=True):
    """Return the float logits (frames // 4, 29) that an int8 model gives for features (frames, 80)."""
    source, target = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    if source["shape"][1] != len(x):
        interpreter.resize_tensor_input(source["index"], (1, len(x), 80, 1))
        interpreter.allocate_tensors()
    if reset:
        interpreter.reset_all_variables()
    interpreter.set_tensor(source["index"], quantise(x, *source["quantization"])[None, :, :, None])
    interpreter.invoke()
    return dequantise(interpreter.get_tensor(target["index"]), *target["quantization"])[0]


# %%
test = load_corpus(data_dir() / "mini" / "test-mini").utterances
test = test[:: len(test) // 8][:8] if PROFILE == "ci" else test
heard = [features(read_audio(each.path)) for each in test]
integer = Recognizer.load(RUN / "crnn.int8.tflite")
logits = run(Interpreter(str(RUN / "crnn.int8.tflite")), heard[0])
np.testing.assert_allclose(tf.nn.log_softmax(logits), integer.log_probs(heard[0]), atol=1e-5)

# %%
figure, axes = plots.new(2, 1, (8, 4), "probabilities of the float and the int8 model, hardly different", sharex=True)
for ax, name in zip(axes, ("crnn.keras", "crnn.int8.tflite"), strict=True):
    log_probs = Recognizer.load(RUN / name).log_probs(heard[0])
    ax.plot(np.exp(log_probs[:, :BLANK]), linewidth=1)
    ax.set(title=name, ylabel="probability", ylim=(0, 1.05))
ax.set(xlabel="model frame (40 ms), one line a character, blank left out")
plots.save(figure, "08_float_and_int8")

# %% [markdown]
# ## Same words?
#
# Two questions. *Frame agreement*: in how many frames is the most probable label the one that the float model
# has? And, since only that counts in the end: how does the word error rate change?


# %%
def listen(recognizer):
    """Return the most probable label of every frame, and the word errors of every utterance."""
    log_probs = [recognizer.log_probs(each) for each in heard]
    words = word_errors([each.text for each in test], [greedy(each) for each in log_probs])
    return np.concatenate([each.argmax(axis=-1) for each in log_probs]), words


labels, floating = listen(Recognizer.load(RUN / "crnn.keras"))


# %%
def verdict(name, path):
    mine, errors = listen(Recognizer.load(path))
    change, (low, high) = paired_difference(floating, errors)
    print(f"{name:22} same label in {np.mean(mine == labels):6.1%} of frames, WER {errors.rate:6.1%}", end="")
    print(f", {100 * change:+.1f} points (95 %: {100 * low:+.1f} to {100 * high:+.1f})")
    return np.mean(mine == labels)


# %%
print(f"{len(test)} utterances, {len(labels)} frames; float Keras model: WER {floating.rate:.1%}")
agreement = {name: verdict(name, RUN / name) for name in reports}
assert agreement["crnn.int8.tflite"] > 0.9

# %% [markdown]
# The interval is *paired*: both models are scored on the same drawn sentences, so that hard sentences cancel
# out. Where it holds 0, this test set cannot tell the two models apart; where it does not, look how far from 0 it
# ends. A few frames do flip in the int8 model, mostly near-ties at the edges of letters, where either label spells
# the same word. Watch the words, not the frames.
#
# And people, who speak less alike than synthesisers? The forty clips of `data/real`:

# %%
people = load_corpus(data_dir() / "real").utterances[:: 10 if PROFILE == "ci" else 1]
clips, spoken = [features(read_audio(each.path)) for each in people], [each.text for each in people]
real = {}
for name in ("crnn.keras", "crnn.int8.tflite", "crnn.fast.onnx"):
    recognizer = Recognizer.load(RUN / name)
    real[name] = word_errors(spoken, [greedy(recognizer.log_probs(each)) for each in clips])
    change, (low, high) = paired_difference(real["crnn.keras"], real[name])
    told = f"{100 * change:+.1f} points (95 %: {100 * low:+.1f} to {100 * high:+.1f})"
    print(f"{name:22} WER {real[name].rate:6.1%}, {told}")

# %% [markdown]
# ## Break it: BatchNorm left in place
#
# `quantize` did something quietly: it *folded* the BatchNorm behind each LSTM into the weights of the next
# layer, before converting. Why bother? Convert once with and once without. The recipe, in the open:


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


# %%
folded = fold_norms(model)
convs_folded = fold_norms(model, lstms=False)
unfolded = rebuild(convs_folded, masked=False, conv_norms=False, batch=1, lstm=FusableLSTM)
x = heard[0][None, :, :, None]
np.testing.assert_allclose(folded(x), unfolded(x), atol=1e-3)

# %%
for name, network in {"folded": folded, "unfolded": unfolded}.items():
    (RUN / f"{name}.tflite").write_bytes(convert(network, calibration))
    agreement[name] = verdict(name, RUN / f"{name}.tflite")
assert agreement["unfolded"] < agreement["folded"]


# %%
def lstm_steps(path):
    """Return the scale of each concatenated LSTM output in a TFLite file."""
    tensors = Interpreter(str(path)).get_tensor_details()
    return [each["quantization"][0] for each in tensors if each["name"].endswith("/concat")]


# %%
for name in ("folded", "unfolded"):
    for layer, step in enumerate(lstm_steps(RUN / f"{name}.tflite"), start=1):
        print(f"{name:9} lstm{layer}: the file says that a step is {step:.4f} = 1/{1 / step:.0f}")

# %% [markdown]
# *Diagnosis.* In float both networks are the same. An LSTM's output lies between -1 and 1 and needs steps of 1/128.
# In the unfolded file, the converter gives it the far coarser scale of the BatchNorm that follows. Nothing warns: the file
# has the right size and the right ops. Folding moves the norm into the weights:
#
# ```text
# W (x · s + t) + b  =  (s W) x + (b + t W)
# ```
#
# ## Where does the error come from?
#
# An interpreter can be told to keep what flows between the layers. Compare it, layer by layer, with the float
# network's: how far is the signal above the error?


# %%
def inside(path, x):
    """Return {layer: values} from inside an int8 model, as floats, for features x (frames, 80)."""
    interpreter = Interpreter(str(path), experimental_preserve_all_tensors=True)
    found = {"logits": run(interpreter, x)}
    for tensor in interpreter.get_tensor_details():
        if place := re.search(r"(conv\d_pool|lstm\d)[^/]*/(MaxPool2d|concat)$", tensor["name"]):
            values = interpreter.get_tensor(tensor["index"])
            found[place[1]] = dequantise(values, *tensor["quantization"])[0]
    return found


def all_inside(name):
    return [inside(RUN / f"{name}.tflite", x) for x in heard[:8]]


found = {name: all_inside(name) for name in ("folded", "unfolded")}


# %%
layers = ["conv1_pool", "conv2_pool", *lstms, "logits"]
between = keras.Model(folded.input, [folded.get_layer(name).output for name in layers])
truth = [[y[0].numpy() for y in between(x[None, :, :, None])] for x in heard[:8]]


# %%
def snr_by_layer(answers):
    """Return the SNR in dB at each of `layers`, over all clips; `answers` has a list of arrays for each clip."""
    columns = zip(zip(*truth, strict=True), zip(*answers, strict=True), strict=True)
    return [snr(*(np.concatenate([each.ravel() for each in side]) for side in pair)) for pair in columns]


# %%
quality = {
    f"all int8, {name}": snr_by_layer([[each[layer] for layer in layers] for each in answers])
    for name, answers in found.items()
}

# %% [markdown]
# And how much of that is due to the weights alone? Round them, and leave everything else in float:

# %%
exact = folded.get_weights()
folded.set_weights([rounded(w, 8, tuple(range(w.ndim - 1))) if w.ndim > 1 else w for w in exact])
answers = [[y[0].numpy() for y in between(x[None, :, :, None])] for x in heard[:8]]
folded.set_weights(exact)
quality["int8 weights, float activations"] = snr_by_layer(answers)

# %%
figure, ax = plots.new(size=(8, 3), alt="signal-to-noise by layer: the unfolded model collapses at the first LSTM")
for (name, values), style in zip(quality.items(), ("o-", "s--", "^:"), strict=True):
    ax.plot(layers, values, style, label=name)
ax.axhline(0, color=plots.GREY, linewidth=1)
ax.set(title="how far the signal is above the error of int8 (below 0, the error is larger)", ylabel="SNR (dB)")
ax.legend(loc="lower left")
plots.save(figure, "08_snr_by_layer")

# %%
assert quality["all int8, unfolded"][-1] < quality["all int8, folded"][-1]
for name, values in quality.items():
    print(f"{name:32}", "  ".join(f"{layer} {value:.0f}" for layer, value in zip(layers, values, strict=True)))

# %% [markdown]
# Every 6 dB are one bit. Rounded weights alone cost less than the activations do. Up to the first LSTM, folded and
# unfolded are equal; there the unfolded model falls, and no later layer brings it back. This is how to look for
# the culprit in any network: not in the words at the end, but at the first layer where the curve falls.
#
# (A coarse scale alone leaves a small error, not one that is larger than the signal. What does? The
# [appendix](A1_converter.ipynb) finds out.)
#
# ## What folding leaves behind
#
# The folded model falls, too, at the second LSTM: the first to read folded weights. Look at them.

# %%
norm = model.get_layer("lstm1_norm")
gamma, beta, mean, variance = norm.get_weights()
largest = np.abs(folded.get_layer("lstm2").get_weights()[0]).max(axis=1)
figure, ax = plots.new(size=(8, 2.8), alt="the less an input moves, the larger its folded weights")
ax.loglog(np.sqrt(variance), largest, ".", color=plots.BLUE)
ax.axhline(largest.max() / 127, color=plots.ORANGE, label="one int8 step of the largest")
ax.set(title="the inputs of the second LSTM, folded", xlabel="deviation of the input", ylabel="its largest weight")
ax.legend()
figure

# %% [markdown]
# A norm makes all inputs equally lively. Folded, it pays for that with weights: whoever hardly moves gets large ones. One
# step serves a whole gate, and these few set it, so that the many are rounded to a handful of levels. Clip the
# few instead: their inputs hardly move, so it costs little. Where best? Where the squared error behind inputs of this
# deviation is least; and what clipping does to the mean can be taken off the bias
# ([Nagel et al. 2019](https://arxiv.org/abs/1906.04721)). `clip_kernels` does both.

# %%
clipped = fold_norms(model)
export.clip_kernels(clipped, model)
(RUN / "clipped.tflite").write_bytes(convert(clipped, calibration))

# %% [markdown]
# One fault more is left, and it took longer to find: where two ops disagree about a zero point, everything an LSTM writes
# is read one step too low. `one_grid` writes one zero point for all of them; the [appendix](A1_converter.ipynb) shows
# how it was found. What do both repairs bring?

# %%
(RUN / "mended.tflite").write_bytes(export.one_grid((RUN / "clipped.tflite").read_bytes()))
for name in ("clipped", "mended"):
    found[name] = all_inside(name)
    agreement[name] = verdict(name, RUN / f"{name}.tflite")

# %%
for name in ("clipped", "mended"):
    quality[name] = snr_by_layer([[each[layer] for layer in layers] for each in found[name]])
figure, ax = plots.new(size=(8, 3), alt="signal-to-noise by layer rises with each of the two repairs")
for name, style in {"all int8, folded": "o-", "clipped": "s--", "mended": "^-"}.items():
    ax.plot(layers, quality[name], style, label=name)
ax.set(title="how far the signal is above the error of int8", ylabel="SNR (dB)", ylim=(0, None))
ax.legend(loc="lower left")
plots.save(figure, "08_repairs")

# %%
assert quality["all int8, folded"][-1] + 3 < quality["clipped"][-1] < quality["mended"][-1] + 0.5
for name in ("all int8, folded", "clipped", "mended"):
    print(f"{name:16} SNR of the logits {quality[name][-1]:.1f} dB")

# %% [markdown]
# `asr quantize` mends the same two things. Its file differs in one more detail, hence by a frame in a thousand: it hands
# the last product to the converter as a matrix, so that the bias goes into the integer sum and is rounded once.
#
# ## Break it: no calibration
#
# Ask for integers everywhere, and keep the speech to yourself:

# %%
for attempt in (lambda: convert(folded, []), lambda: quantize(SHIPPED, RUN, [], ("crnn.int8.tflite",))):
    try:
        attempt()
    except ValueError as error:
        print("ValueError:", error)

# %% [markdown]
# *Diagnosis.* The converter cannot guess ranges, and says so; `quantize` says so before it starts. Beware of
# the other case: without `supported_ops` and the int8 input and output types, the converter takes `DEFAULT` to
# mean dynamic range, says nothing, and writes a file that looks quantised and takes floats.
#
# ## Break it: calibrate on noise
#
# Any sound has features with mean 0 and deviation 1. So why collect speech? Calibrate on white noise:

# %%
rng = np.random.default_rng(0)
noise = [features(0.1 * rng.standard_normal(48000, dtype=np.float32)) for _ in calibration]
(RUN / "noise.tflite").write_bytes(export.one_grid(convert(clipped, noise)))
agreement["noise"] = verdict("calibrated on noise", RUN / "noise.tflite")
assert agreement["noise"] < agreement["crnn.int8.tflite"]
on_people = [greedy(Recognizer.load(RUN / "noise.tflite").log_probs(each)) for each in clips]
print(f"on people: WER {word_errors(spoken, on_people).rate:.1%} instead of {real['crnn.int8.tflite'].rate:.1%}")

# %%
figure, ax = plots.new(
    size=(8, 3), alt="noise covers other ranges than speech: high features and high logits are missing"
)
places = np.arange(len(names))
for name, seen, shift in (("speech", speech, -0.2), ("white noise", ranges(noise[:8]), 0.2)):
    ax.barh(places + shift, seen[:, 1] - seen[:, 0], 0.4, seen[:, 0], label=name)
ax.set_yticks(places, names)
ax.invert_yaxis()
ax.set(title="what calibration sees", xlabel="value")
ax.legend(loc="upper right")
plots.save(figure, "08_noise_ranges")

# %% [markdown]
# *Diagnosis.* White noise has the same mean and deviation, but not the same extremes: no vowel rises out of it,
# and the network is never sure of a letter. So the ranges end too early, at the top of the features and of the
# logits, and speech is clipped there. How much is lost depends on who speaks: people come through better than the harbour's
# clear voices, here and in the experiment below. Calibrate on what the model will hear, and on training speech, never on the test set.
#
# ## How much speech, and which?
#
# The same question as an experiment on real speech: the shipped network calibrated on 1, 10, 100 and 300 training
# utterances, on 100 augmented as in training, and on 100 of noise. It takes longer than a notebook should, so this draws
# what `python benchmarks/calibration.py` wrote:

# %%
experiment = json.loads((data_dir().parent / "benchmarks" / "calibration.json").read_text())
rows = experiment["rows"]
kinds = [f"{row['utterances']} {row['calibration']}" for row in rows]
colours = [{"clean": plots.BLUE, "augmented": plots.GREEN}.get(row["calibration"], plots.ORANGE) for row in rows]
print(
    f"calibrated on {experiment['calibrated_on']}, {experiment['utterances']} utterances of {experiment['tested_on']}"
)

# %%
figure, (left, right) = plots.new(1, 2, (10, 3), "agreement and change in WER by calibration set", sharey=True)
bars = left.barh(kinds, [100 * row["frame_agreement"] for row in rows], color=colours)
left.bar_label(bars, fmt="%.1f", padding=4)
left.set(title="same label as the float model (% of frames)", xlim=(0, 112))
changes = np.array([[row["wer_change"], *row["wer_change_ci95"]] for row in rows]) * 100
for place, (change, low, high) in enumerate(changes):
    right.plot([low, high], [place, place], color=colours[place], linewidth=3)
    right.plot(change, place, "o", color=colours[place])
right.axvline(0, color=plots.GREY, linewidth=1)
right.set(title="change in WER (points, 95 % interval)")
right.invert_yaxis()
plots.save(figure, "08_calibration")

# %%
speech_rows = {row["utterances"]: row for row in rows if row["calibration"] == "clean"}
for count, row in speech_rows.items():
    print(f"{count:4} utterances: same label in {row['frame_agreement']:.1%}, input scale {row['input_scale']:.4f}")

# %% [markdown]
# Ranges are made by extremes, and extremes are found quickly: see from where on more speech changes nothing. What
# the speech is matters more than how much of it there is.
#
# ## Break it: state that survives
#
# The fused LSTM op keeps its state in the interpreter, ready for streaming. Our model is not streamed: every
# piece of sound should start from zero. Feed the first second of each clip, one after the other, with and
# without a reset:

# %%
windows = [each[:101] for each in heard if len(each) > 101]
outputs = {}
for reset in (True, False):
    interpreter = Interpreter(str(RUN / "crnn.int8.tflite"))
    outputs[reset] = np.array([run(interpreter, each, reset).argmax(axis=-1) for each in windows])

# %%
changed = (outputs[True] != outputs[False])[1:]
assert changed.mean() > 0.1
print(f"without a reset, {changed.mean():.0%} of the frames have another label")

# %%
figure, ax = plots.new(size=(8, 2.4), alt="labels change most at the beginning of a window, and at its end")
times = np.arange(changed.shape[1]) * 0.04
ax.bar(times, 100 * changed.mean(axis=0), width=0.03, color=plots.ORANGE)
ax.set(title="windows whose label changes at this place", xlabel="time in the window (s)", ylabel="%")
figure

# %%
for reset, rows in outputs.items():
    print(f"reset {reset!s:5}:", " · ".join(decode(collapse(row)) for row in rows[1:5]))

# %% [markdown]
# *Diagnosis.* Each window begins where the last one ended: the forward LSTM at its start, the backward LSTM at
# its end. The fault hides well: a resize allocates the tensors anew and clears the state, so that a test with
# clips of different lengths passes, and the first live microphone with windows of equal length fails. Hence
# `reset_all_variables()` before every piece of sound that stands alone.
#
# ## Logits, not probabilities
#
# Why does the file end in logits, and leave the softmax to us? TFLite's int8 softmax has steps of 1/256: what is
# less probable than half a step becomes 0, and its logarithm minus infinity. Take a frame in doubt:


# %%
def in_256_steps(log_probs):
    with np.errstate(divide="ignore"):
        return np.log(np.round(np.exp(log_probs) * 256) / 256)


# %%
log_probs = integer.log_probs(heard[0])
frame = log_probs[log_probs.max(axis=-1).argmin()]
coarse = in_256_steps(frame)
for label in frame.argsort()[::-1][:8]:
    print(f"{(ALPHABET + '–')[label]!r}  float {frame[label]:6.2f}   int8 softmax {coarse[label]:6.2f}")

# %% [markdown]
# Greedy decoding looks only at the first row and does not care. A search looks further down. Can it still find the
# true text?

# %%
lost, zeros = 0, []
for each, x in zip(test, heard, strict=True):
    coarse = in_256_steps(integer.log_probs(x))
    zeros.append(np.mean(np.isinf(coarse)))
    lost += np.isinf(log_likelihood(coarse, encode(each.text)))

# %%
print(f"{np.mean(zeros):.0%} of all log-probabilities are minus infinity")
print(f"and so is that of the true text, in {lost} of {len(test)} utterances; from int8 logits, in none")

# %% [markdown]
# Beam search and a language model exist to bring back what the network found improbable. They cannot bring back
# a zero.
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
# Add a single value of 1000 to one of the calibration spectrograms: a click, a dropped microphone. Convert `folded` and
# judge it. What is the scale of the input now (`op_report(path)["input"]["scale"]`)?

# %% tags=["solution"]
clicked = [each.copy() for each in calibration]
clicked[0][0, 0] = 1000
(RUN / "click.tflite").write_bytes(convert(folded, clicked))
verdict("one click", RUN / "click.tflite")
answer = op_report(RUN / "click.tflite")["input"]["scale"]
print(f"one step is {answer:.2f}: speech, with a deviation of 1, is left with one or two values")

# %% tags=["check"]
check("08.1", answer)

# %% [markdown] tags=["exercise"]
# ### Exercise 08.2 · Clip on purpose
#
# *hard · 15 minutes*
#
# For the matrix `weights`, a scale below `max / 127` clips the largest weights and rounds all others more finely. At which
# share of the maximum is the SNR best, at 8, 4 and 3 bits? When does clipping pay? `answer` is the best share at *3* bits.

# %% tags=["solution"]
shares = np.linspace(0.05, 1, 39)
for bits in (8, 4, 3):
    top = 2 ** (bits - 1) - 1
    steps = shares * np.abs(weights).max() / top
    ratios = [snr(weights, np.clip(np.round(weights / step), -top, top) * step) for step in steps]
    answer = shares[np.argmax(ratios)]
    print(f"{bits} bits: {max(ratios) - ratios[-1]:.1f} dB gained at {answer:.0%} of the maximum")

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

# %% [markdown] tags=["quiz"]
# ## Quiz
#
# **1. What is the scale of an int8 tensor?**
#
# - [ ] its largest value | That, divided by the number of steps.
# - [x] the width of one step | Value ≈ (integer − zero point) · scale.
# - [ ] the number of its values | That is always 256.
#
# **2. What is the zero point for?**
#
# - [x] it is the integer that stands for 0.0 | So a range need not lie evenly around zero, and zero is met exactly.
# - [ ] it is the smallest value | The smallest value has −128.
# - [ ] it marks where a layer begins | It has to do with values only.
#
# **3. Which ranges need calibration?**
#
# - [ ] those of the weights | They are known when the file is made.
# - [x] those of the activations | They depend on what is heard.
# - [ ] none: the converter knows them | It refuses, or falls back on something else, if it sees no speech.
#
# **4. Why one scale for each channel?**
#
# - [x] one wide channel would coarsen the steps of all others | Each channel gets its own 256 values.
# - [ ] it makes the file smaller | It adds a few numbers.
# - [ ] because integers cannot be shared | They could; the loss is in precision.
#
# **5. Two per cent of the frames have another label, and the WER has not moved. What has happened?**
#
# - [ ] the measurement is wrong | Both can be true.
# - [x] near-ties flipped at the edges of letters | The text is the same. Watch the words, not the frames.
# - [ ] the test set is too easy | Harder speech has more such ties, not fewer.

# %% [markdown]
# ## Recap
#
# - An int8 tensor is integers, a scale and a zero point; too wide a range rounds, too narrow a range clips.
# - Weights bring their ranges along; activations get theirs from calibration on real speech.
# - A BatchNorm behind an LSTM is folded into the next layer, or the LSTM's output is read in the wrong scale; the large
#   weights that this makes are clipped, and all that an LSTM writes gets one grid.
# - Signal-to-noise, layer by layer, shows where precision is lost: look for the first layer that falls.
# - The op report says what became integer; agreement and the paired change in WER say whether it still hears.
#
# ## Further reading
#
# - [Jacob and others (2017)](https://arxiv.org/abs/1712.05877): integers all the way, as TFLite does it.
# - [Krishnamoorthi (2018)](https://arxiv.org/abs/1806.08342): a white paper with the practice: per channel, calibration, what it costs.
# - [Nagel and others (2021)](https://arxiv.org/abs/2106.08295): a newer one, on how to find the layer that hurts.
# - [LiteRT's quantization specification](https://ai.google.dev/edge/litert/models/quantization_spec): which scale each operation may have.
#
# Next: [09 · Interpreters](09_interpreters.ipynb): the same words from eight files, and which of them is fast.
