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
# # A1 · Appendix: inside an int8 file
#
# You will see a file that holds the right numbers and reads all of them wrongly.

# %% jupyter={"source_hidden": true}
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
from asr_helpers.export import FusableLSTM, fold_norms
from asr_helpers.network import rebuild
from asr_helpers.show import plots
from asr_helpers.sound import features, read_audio

PROFILE = os.environ.get("ASR_PROFILE", "fast")
RUN = Path(os.path.relpath(data_dir().parent / "runs" / "A1-converter"))
RUN.mkdir(parents=True, exist_ok=True)
plots.style()
tf.get_logger().setLevel("ERROR")  # the converter reports every temporary file
warnings.filterwarnings("ignore", message=".*preserve_all_tensors")  # wanted here

# %% jupyter={"source_hidden": true}
model = keras.saving.load_model(data_dir() / "models" / "crnn.keras", compile=False)
lstms = [layer.name for layer in model.layers if isinstance(layer, keras.layers.Bidirectional)]
COUNT = 8 if PROFILE == "ci" else 100
train, test = (load_corpus(data_dir() / "mini" / f"{name}-mini").utterances for name in ("train", "test"))
calibration = [features(read_audio(each.path)) for each in train[:: len(train) // COUNT][:COUNT]]
heard = [features(read_audio(each.path)) for each in test[:: len(test) // 8][:8]]


def convert(model):
    """Return the bytes of a full-int8 TFLite file."""
    signature = [tf.TensorSpec((1, None, 80, 1), tf.float32)]
    function = tf.function(lambda x: model(x, training=False), input_signature=signature)
    holder = tf.Module()
    holder.variables_of_model = [variable.value for variable in model.variables]
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function.get_concrete_function()], holder)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([x[None, :, :, None]] for x in calibration)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    return converter.convert()


# %% jupyter={"source_hidden": true}
folded, clipped = fold_norms(model), fold_norms(model)
export.clip_kernels(clipped, model)
unfolded = rebuild(fold_norms(model, lstms=False), masked=False, conv_norms=False, batch=1, lstm=FusableLSTM)
for name, network in {"unfolded": unfolded, "folded": folded, "clipped": clipped}.items():
    (RUN / f"{name}.tflite").write_bytes(convert(network))


# %% jupyter={"source_hidden": true}
def outputs_of(name):
    """Return {LSTM: (scale, zero point) of its joined output} of the int8 file `name`."""
    tensors = Interpreter(str(RUN / f"{name}.tflite")).get_tensor_details()
    found = {re.search(r"(lstm\d)[^/]*/concat$", each["name"]): each["quantization"] for each in tensors}
    return {place[1]: grid for place, grid in found.items() if place}


def inside(name, x):
    """Return {LSTM: values} from inside the int8 file `name`, as floats, for features x (frames, 80)."""
    interpreter = Interpreter(str(RUN / f"{name}.tflite"), experimental_preserve_all_tensors=True)
    source = interpreter.get_input_details()[0]
    interpreter.resize_tensor_input(source["index"], (1, len(x), 80, 1))
    interpreter.allocate_tensors()
    scale, zero_point = source["quantization"]
    quantised = np.clip(np.round(x / scale) + zero_point, -128, 127).astype(np.int8)
    interpreter.set_tensor(source["index"], quantised[None, :, :, None])
    interpreter.invoke()
    found = {}
    for tensor in interpreter.get_tensor_details():
        if place := re.search(r"(lstm\d)[^/]*/concat$", tensor["name"]):
            scale, zero_point = tensor["quantization"]
            found[place[1]] = (interpreter.get_tensor(tensor["index"])[0].astype(float) - zero_point) * scale
    return found


# %% jupyter={"source_hidden": true}
between = tf.function(
    keras.Model(folded.input, [folded.get_layer(name).output for name in lstms]),
    input_signature=[tf.TensorSpec((1, None, 80, 1))],
)
truth = [dict(zip(lstms, [y[0].numpy() for y in between(x[None, :, :, None])], strict=True)) for x in heard]


def together(answers, name):
    """Return the values of the layer `name` over all clips, (frames, outputs)."""
    return np.concatenate([each[name] for each in answers])


true = together(truth, "lstm1").ravel()
read = {name: together([inside(name, x) for x in heard], "lstm1").ravel() for name in ("folded", "unfolded")}
some = np.random.default_rng(0).choice(len(true), 3000, replace=False)
figure, ax = plots.new(size=(7, 3.6))
for (name, values), color in zip(read.items(), (plots.BLUE, plots.ORANGE), strict=True):
    ax.plot(true[some], values[some], ".", markersize=3, color=color, label=name)
ax.set(xlabel="value in the float network", ylabel="value in the int8 file")
ax.legend(markerscale=4)
figure.alt = (
    "values of the first LSTM: the folded file lies on the diagonal, the unfolded one on a line many times as steep"
)
figure.caption = (
    "A steep line, not a cloud: the unfolded file loses no precision. It reads its numbers in the wrong unit."
)
figure

# %% [markdown] tags=["about"]
# [Notebook 08](08_quantization.ipynb) met three faults of int8 files. Here you find their causes, with a method that works
# for any network. You do not need this to build a recogniser.
#
# | | |
# |---|---|
# | **Objectives** | tell lost precision from a wrong reading · say what folding does to weights, and derive the best clip · find a fault of one step |
# | **Needs** | [08 · Quantization](08_quantization.ipynb); no network, no GPU |
# | **Minutes** | ci, fast, workshop, full: 2 |

# %% [markdown]
# ## Lost precision, or a wrong reading?
#
# In the unfolded file, the first LSTM's output carries the coarse scale of the BatchNorm that follows it, and its error is
# larger than the signal. But a coarse scale alone leaves a small error. So fit a line through the values over the true
# ones, and compare its slope with the scale:


# %%
def snr(x, y):
    return 10 * np.log10(np.mean(x**2) / np.mean((y - x) ** 2))


# %%
for name, values in read.items():
    slope, offset = np.polyfit(true, values, 1)
    scale, _ = outputs_of(name)["lstm1"]
    print(f"{name:9} SNR {snr(true, values):4.0f} dB; {slope:.2f} × the true values {offset:+.2f}", end="")
    print(f", SNR without that {snr(true, (values - offset) / slope):.0f} dB")
    print(
        f"{'':9} the file says a step is {scale:.4f}; divided by the slope, {scale / slope:.5f} = 1/{slope / scale:.0f}"
    )

# %% [markdown]
# Undo the line, and the unfolded file is as precise as the folded one. Divide the file's step by the slope, and the true
# step appears: about 1/128 in both. So the kernel of the fused LSTM writes steps of 1/128, whatever scale the file gives. The
# layer that follows believes the file, and reads values many times too large. If you look only at the scale, you blame the
# rounding.
#
# ## What does folding do to weights?
#
# A norm computes `x · s + t` for each input, where `s` is `gamma` over the input's deviation. Folded into the next layer,
# it multiplies that layer's weights:
#
# ```text
# W (x · s + t) + b  =  (s W) x + (b + t W)
# ```
#
# So the less an input varies, the larger its weights become:

# %% jupyter={"source_hidden": true}
_, _, mean, variance = model.get_layer("lstm1_norm").get_weights()
kernel = folded.get_layer("lstm2").get_weights()[0]
largest = np.abs(kernel).max(axis=1)
figure, ax = plots.new(size=(7, 3.4))
ax.loglog(np.sqrt(variance), largest, ".", color=plots.BLUE)
ax.axhline(largest.max() / 127, color=plots.ORANGE)
ax.text(np.sqrt(variance).min(), largest.max() / 127, "one int8 step", va="bottom", color=plots.ORANGE)
ax.set(xlabel="deviation of the input", ylabel="its largest weight")
figure.alt = (
    "largest folded weight of each input over its deviation: it falls; for most inputs it is about one int8 step"
)
figure.caption = "Inputs that hardly vary (left) get the largest weights, and these set the step for all others."
figure

# %% [markdown]
# One step serves a whole gate. Clipping the largest weights makes it smaller. Where is the best clip? The output's error is
# the error of the weights times the input. For independent inputs, its variance is the sum of the squared weight errors,
# each times the variance of its input. So try clips, and take the one with the smallest sum:

# %%
gate = kernel[:, :256]  # the input gate of the forward LSTM
shares = np.linspace(0.05, 1, 96)
steps = shares * np.abs(gate).max() / 127
tried = [np.clip(np.rint(gate / step), -127, 127) * step for step in steps]
errors = np.array([variance @ np.square(each - gate).sum(axis=1) for each in tried])
best = tried[errors.argmin()]
print(f"best at {shares[errors.argmin()]:.0%} of the largest weight: {errors[-1] / errors.min():.0f} times less error")
np.testing.assert_allclose(best, clipped.get_layer("lstm2").get_weights()[0][:, :256], rtol=1e-5)

# %% [markdown]
# The last line shows that `clip_kernels` does the same. Clipping also shifts the mean of the output, by the inputs' mean
# times the error of the weights. That is a constant, so the bias can absorb it
# ([Nagel and others 2019](https://arxiv.org/abs/1906.04721)).
#
# ## A fault of one step
#
# Rounding errors should average to zero. Average them over time, for each output of the LSTMs, in the clipped file, and in
# the same file after `one_grid`:

# %%
(RUN / "one grid.tflite").write_bytes(export.one_grid((RUN / "clipped.tflite").read_bytes()))
means = {}
for file in ("clipped", "one grid"):
    answers = [inside(file, x) for x in heard]
    apart = [together(answers, name) - together(truth, name) for name in lstms]
    means[file] = 128 * np.concatenate([each.mean(axis=0) for each in apart])

# %% jupyter={"source_hidden": true}
figure, axes = plots.new(2, 1, (7, 4.6), sharex=True, sharey=True)
for ax, (name, values) in zip(axes, means.items(), strict=True):
    ax.plot(values, ".", markersize=3, color=plots.BLUE)
    ax.axhline(0, color=plots.GREY, linewidth=1)
    ax.set(title=name, ylabel="mean error (steps)", ylim=(-3, 3))
axes[1].set_xticks(np.arange(6) * 256 + 128, [f"{name}\n{way}" for name in lstms for way in ("forwards", "backwards")])
figure.alt = "mean error of each LSTM output before and after one_grid, grouped by LSTM and direction"
figure.caption = (
    "Where two zero points disagree, a whole direction lies about a step off (above). One grid corrects it."
)
figure


# %%
def zero_points(name):
    tensors = Interpreter(str(RUN / f"{name}.tflite")).get_tensor_details()
    kept = [each for each in tensors if re.search(r"sequence_lstm|lstm\d.*/(Rev|concat)", each["name"])]
    return [each["quantization"][1] for each in kept]


for name in means:
    print(f"{name:9} zero points {zero_points(name)}")

# %% [markdown]
# The values of an LSTM lie between −1 and 1. The middle of such a range lies between two integers, so the last digit
# of the calibration decides whether the zero point is 0 or −1. Three ops have a zero point: the kernel that writes,
# the op that reverses the backward LSTM's output, and the op that joins both directions. None of them converts: the
# integers are copied. Where the zero points disagree, all values are read one step too high or too low. Which LSTM is
# hit, if any, changes with the calibration set. One step is little, but large folded weights multiply it. `one_grid`
# gives all of them the grid that the next layer reads.
#
# ## Recap
#
# - Compare an int8 file with its float network layer by layer, and look at the values, not only at the error: a line
#   through them tells a wrong reading from rounding.
# - Folding a norm makes large weights where inputs hardly vary. Clip them where the error, weighted by variance, is least.
# - The mean of an error should be zero. Where it is a whole step, two ops disagree about a zero point.
