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
# %% [markdown]
# # A1 · Appendix: what the converter does
#
# You will look into int8 files that went wrong without a warning, find out who is to blame, and see a red line that
# means less than it says. Nobody needs this to build a recogniser; it is here for whoever must find such a fault.
#
# | | |
# |---|---|
# | **Objectives** | read what flows between the layers of an int8 file · tell lost precision from a wrong reading · find a fault of one step |
# | **Needs** | [08 · Quantization](08_quantization.ipynb), whose functions return here; no network, no GPU |
# | **Minutes** | ci, fast, workshop, full: about 2 to run |

# %%
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
print(f"profile {PROFILE}, TensorFlow {tf.__version__}, Keras {keras.__version__}")

# %% [markdown]
# The shipped network, speech to calibrate with and speech to look at, and the conversion of notebook 08:

# %%
model = keras.saving.load_model(data_dir() / "models" / "crnn.keras", compile=False)
lstms = [layer.name for layer in model.layers if isinstance(layer, keras.layers.Bidirectional)]
COUNT = 8 if PROFILE == "ci" else 100
train, test = (load_corpus(data_dir() / "mini" / f"{name}-mini").utterances for name in ("train", "test"))
calibration = [features(read_audio(each.path)) for each in train[:: len(train) // COUNT][:COUNT]]
heard = [features(read_audio(each.path)) for each in test[:: len(test) // 8][:8]]


# %%
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


# %% [markdown]
# Three networks, equal in float: with the BatchNorms left behind the LSTMs; with them folded into the layer that follows;
# and folded, with the few very large weights clipped.

# %%
folded, clipped = fold_norms(model), fold_norms(model)
export.clip_kernels(clipped, model)
convs_folded = fold_norms(model, lstms=False)
unfolded = rebuild(convs_folded, masked=False, conv_norms=False, batch=1, lstm=FusableLSTM)
for name, network in {"unfolded": unfolded, "folded": folded, "clipped": clipped}.items():
    (RUN / f"{name}.tflite").write_bytes(convert(network))


# %%
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


# %%
between = keras.Model(folded.input, [folded.get_layer(name).output for name in lstms])
truth = [dict(zip(lstms, [y[0].numpy() for y in between(x[None, :, :, None])], strict=True)) for x in heard]


def together(answers, name):
    """Return the values of the layer `name` over all clips, (frames, outputs)."""
    return np.concatenate([each[name] for each in answers])


def snr(x, y):
    return 10 * np.log10(np.mean(x**2) / np.mean((y - x) ** 2))


# %% [markdown]
# ## Lost precision, or a wrong reading?
#
# In the unfolded file the first LSTM's output has the coarse scale of the BatchNorm that follows it, and the error there
# is larger than the signal. But a coarse scale alone leaves a small error. So what is in that output? Fit a line through
# its values over the true ones:

# %%
true = together(truth, "lstm1").ravel()
for name in ("folded", "unfolded"):
    mine = together([inside(name, x) for x in heard], "lstm1").ravel()
    factor, offset = np.polyfit(true, mine, 1)
    print(f"{name:9} {len(np.unique(mine)):3} different values, SNR {snr(true, mine):4.0f} dB", end="")
    print(f" · {factor:.2f} × the true ones {offset:+.2f}: but for that {snr(true, (mine - offset) / factor):.0f} dB")

# %% [markdown]
# No precision is lost at all. The kernel of the fused LSTM writes steps of 1/128 around its own zero point, whatever the
# file says; the layer that follows believes the file, and reads values many times too large, and shifted. Who looks at the
# scale alone blames the rounding.
#
# ## A fault of one step
#
# Rounding errors should average to nothing. Average them over time, for each output of the LSTMs, in the clipped file; and
# in the same file after `one_grid`:

# %%
(RUN / "mended.tflite").write_bytes(export.one_grid((RUN / "clipped.tflite").read_bytes()))
errors = {}
for file in ("clipped", "mended"):
    answers = [inside(file, x) for x in heard]
    apart = [together(answers, name) - together(truth, name) for name in lstms]
    errors[file] = 128 * np.concatenate([each.mean(axis=0) for each in apart])

# %%
alt = "mean error of each LSTM output: where two zero points disagree, a whole direction lies a step too low"
figure, axes = plots.new(1, 2, (9, 2.8), alt, sharey=True)
for ax, (name, values) in zip(axes, errors.items(), strict=True):
    ax.plot(values, ".", markersize=3, color=plots.BLUE)
    ax.axhline(0, color=plots.GREY, linewidth=1)
    ax.set(title=name, xlabel="output of " + ", ".join(lstms) + ": forwards, backwards", ylim=(-3, 3))
axes[0].set_ylabel("mean error (steps)")
figure


# %%
def zero_points(name):
    tensors = Interpreter(str(RUN / f"{name}.tflite")).get_tensor_details()
    kept = [each for each in tensors if re.search(r"sequence_lstm|lstm\d.*/(Rev|concat)", each["name"])]
    return [each["quantization"][1] for each in kept]


for name in ("clipped", "mended"):
    print(name, "zero points", zero_points(name))

# %% [markdown]
# The values of an LSTM reach from -1 to 1. The middle of such a range lies between two integers, so the last digit of
# the calibration decides whether its zero point is 0 or -1: for the kernel, which writes; for the op that turns the
# backward LSTM's output round again; for the one that joins both. None of them converts: the integers are copied. Where
# the zero points disagree, all values are read one step too low. Which LSTM is hit, if any, changes with the calibration
# set. One step is little, but large folded weights make it much: if it hits the first LSTM, it costs more than all
# rounding. `one_grid` gives all of them the grid that is read.
#
# ## A red line: dropout and the layout optimizer
#
# Dropout between convolutions, on a GPU, has long made TensorFlow log in red `layout failed: INVALID_ARGUMENT: Size of
# values 0 does not match size of permutation 4`, reported from 2.0 to 2.21 (tensorflow issues #34499, #61324, #98985),
# with plain Dropout too. Grappler, which rewrites graphs, wants NHWC as NCHW for the GPU and stumbles over dropout's
# select; as reported, training goes on, without that rewriting. The recipe this series grew from worked around it. The
# switch is below: does it change what is computed?


# %%
def conv_and_dropout(layout):
    x = np.random.default_rng(0).normal(size=(1, 160, 80, 1)).astype(np.float32)
    tf.config.optimizer.set_experimental_options({"layout_optimizer": layout})
    keras.utils.set_random_seed(5)
    conv = keras.layers.Conv2D(8, 3, padding="same")
    drop = keras.layers.SpatialDropout2D(0.5, seed=5)
    return tf.function(lambda x: drop(conv(x), training=True))(x).numpy()


on, off = conv_and_dropout(True), conv_and_dropout(False)
tf.config.optimizer.set_experimental_options({"layout_optimizer": True})
print("GPUs:", len(tf.config.list_physical_devices("GPU")), "· equal:", np.allclose(on, off, atol=1e-5))
print("share of channels dropped whole:", np.mean((on == 0).all((0, 1, 2))))

# %% [markdown]
# Where no GPU is counted, nothing fails and nothing changes: this notebook was run on a CPU, so the red line was not
# seen here, only read about. Should it appear on yours, it is a lost optimisation and not a wrong result.
#
# ## Recap
#
# - Compare an int8 file with its float network layer by layer, and the values themselves, not only the error: a line
#   through them tells a wrong reading from rounding.
# - The mean of an error should be nothing. Where it is a whole step, two ops disagree about a zero point.
# - A log line in red is not yet a wrong result: compute both ways, and compare.
