import json
import sys

import keras
import numpy as np
import onnx
import onnxruntime
import pytest
from ai_edge_litert.interpreter import Interpreter
from ai_edge_litert.tools import flatbuffer_utils

from asr_helpers import export
from asr_helpers.export import REFERENCE, VARIANTS, ExportError, fold_norms, op_report, quantize, variants
from asr_helpers.export.folding import _clip
from asr_helpers.network import build_model, rebuild

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def calibration():
    rng = np.random.default_rng(3)
    return [rng.normal(size=(frames, 80)).astype(np.float32) for frames in (120, 77, 201, 64)]


def small_crnn(**size) -> keras.Model:
    """A CRNN whose every weight and statistic is off its starting value, as after training."""
    keras.utils.set_random_seed(1)
    rng = np.random.default_rng(1)
    model = build_model(**size)
    for variable in model.variables:
        if "float" in variable.dtype:
            variable.assign(variable + np.abs(rng.normal(size=variable.shape) * 0.1))
    return model


@pytest.fixture(scope="module")
def model():
    return small_crnn(lstm_layers=2, lstm_units=16, filters=(8, 16))


@pytest.fixture(scope="module")
def trained(model, tmp_path_factory):
    path = tmp_path_factory.mktemp("trained") / "epoch-7.keras"
    model.save(path)
    return path


@pytest.fixture(scope="module")
def exported(trained, calibration, tmp_path_factory):
    """The folder of all variants, and their reports."""
    folder = tmp_path_factory.mktemp("exported") / "new"
    return folder, {report["name"]: report for report in quantize(trained, folder, calibration)}


def kinds(report: dict, op: str) -> set:
    return {(entry["inputs"], entry["weights"]) for entry in report["ops"] if entry["op"] == op}


def test_every_variant_stands_beside_the_reference(exported, trained):
    folder, reports = exported
    assert sorted(path.name for path in folder.iterdir()) == sorted([REFERENCE, "made-by-asr-quantize", *VARIANTS])
    assert (folder / REFERENCE).read_bytes() == trained.read_bytes()
    assert tuple(reports) == VARIANTS
    assert all(report["bytes"] == (folder / name).stat().st_size for name, report in reports.items())
    size = {name: report["bytes"] for name, report in reports.items()}
    assert size["crnn.float16.tflite"] < 0.7 * size["crnn.float32.tflite"]
    assert size["crnn.int8.tflite"] < 0.4 * size["crnn.float32.tflite"]


def test_int8_is_int8_throughout(exported):
    report = exported[1]["crnn.int8.tflite"]
    assert report["subgraphs"] == 1
    assert report["custom_ops"] == [] and report["float_compute_ops"] == []
    assert {entry["inputs"] for entry in report["ops"]} == {"int8"}
    assert kinds(report, "CONV_2D") == kinds(report, "UNIDIRECTIONAL_SEQUENCE_LSTM") == {("int8", "int8")}
    assert sum(op["count"] for op in report["ops"] if op["op"] == "UNIDIRECTIONAL_SEQUENCE_LSTM") == 4
    assert report["input"]["dtype"] == report["output"]["dtype"] == "int8"
    # A norm left behind would be a MUL, and give the LSTM before it a scale other than 1/128.
    assert not {"MUL", "QUANTIZE", "DEQUANTIZE"} & {op["op"] for op in report["ops"]}


def test_int8_input_covers_the_calibration(exported, calibration):
    scheme = exported[1]["crnn.int8.tflite"]["input"]
    values = np.concatenate(calibration)
    assert scheme["scale"] == pytest.approx((values.max() - values.min()) / 255, rel=1e-4)
    assert (-128 - scheme["zero_point"]) * scheme["scale"] == pytest.approx(values.min(), abs=scheme["scale"])


@pytest.mark.parametrize(
    ("precision", "weights"), [("float32", "float32"), ("float16", "float16"), ("dynamic", "int8")]
)
def test_other_tflite_variants_differ_in_their_weights(exported, precision, weights):
    report = exported[1][f"crnn.{precision}.tflite"]
    assert report["custom_ops"] == []
    assert ("float32", weights) in kinds(report, "FULLY_CONNECTED")
    assert report["float_compute_ops"] == ["CONV_2D", "FULLY_CONNECTED"]
    assert report["input"] == {"dtype": "float32", "scale": None, "zero_point": None}


def test_onnx_has_whole_lstms_and_int8_quantises_them(exported):
    plain, int8 = exported[1]["crnn.float32.onnx"], exported[1]["crnn.int8.onnx"]
    assert plain["float_compute_ops"] == ["Conv", "LSTM", "MatMul"]
    assert kinds(plain, "LSTM") == {("float32", "float32")}
    assert kinds(int8, "DynamicQuantizeLSTM") == {("float32", "int8")}
    assert plain["custom_ops"] == int8["custom_ops"] == []


def test_the_fast_model_is_int8_where_it_pays(exported):
    report = exported[1]["crnn.fast.onnx"]
    assert kinds(report, "QLinearConv") == {("uint8", "int8")}
    assert kinds(report, "DynamicQuantizeLSTM") == {("float32", "int8")}
    assert kinds(report, "Conv") == kinds(report, "MatMul") == {("float32", "float32")}
    assert report["custom_ops"] == []


def test_onnx_runtime_pools_before_it_quantises(exported, tmp_path):
    """Its optimiser likes to move the QuantizeLinear up, and pooling integers channel by channel is slow."""
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "optimised.onnx")
    onnxruntime.InferenceSession(exported[0] / "crnn.fast.onnx", options)
    ops = [node.op_type for node in onnx.load(tmp_path / "optimised.onnx").graph.node]
    assert ops.index("MaxPool") < ops.index("QuantizeLinear") < ops.index("QLinearConv")


def test_multiplications_are_counted(exported):
    # Of a second, 100 frames of 80 bins: two 3x3 convolutions, 2 x 2 LSTMs of 16 units on 25 frames, 29 logits.
    convs = [100 * 80 * 9 * 8, 50 * 40 * 9 * 8 * 16]
    lstms = [25 * 2 * 4 * 16 * (20 * 16 + 16), 25 * 2 * 4 * 16 * (2 * 16 + 16)]
    logits = 25 * 2 * 16 * 29
    total = sum(convs) + sum(lstms) + logits
    share = {"int8.tflite": total, "int8.onnx": sum(lstms), "fast.onnx": convs[1] + sum(lstms), "float32.onnx": 0}
    for name, integers in share.items():
        report = exported[1][f"crnn.{name}"]
        assert report["macs_per_second"] == total
        assert report["int8_mac_share"] == pytest.approx(integers / total)


def test_report_names_the_ops_left_in_float(exported):
    assert exported[1]["crnn.int8.tflite"]["float_ops"] == []
    assert {"LOGISTIC", "TANH", "FULLY_CONNECTED"} < set(exported[1]["crnn.dynamic.tflite"]["float_ops"])
    assert "QLinearConv" not in exported[1]["crnn.fast.onnx"]["float_ops"]


def test_report_as_text_tells_what_multiplies(exported):
    report = exported[1]["crnn.int8.tflite"]
    lines = export.format_report(report).splitlines()
    assert lines[0].startswith("crnn.int8.tflite: 0.") and "1 subgraph(s), int8 input (scale 0.0" in lines[0]
    assert f"zero point {report['output']['zero_point']})" in lines[0]
    assert lines[1].startswith("  100.0% of ")
    assert "  4 UNIDIRECTIONAL_SEQUENCE_LSTM: int8 inputs, int8 weights" in lines
    lines = export.format_report(exported[1]["crnn.float32.onnx"]).splitlines()
    assert "  2 LSTM: float32 inputs, float32 weights" in lines


@pytest.mark.parametrize("lstm_layers", [1, 3])
def test_folding_the_norms_changes_no_logit(calibration, lstm_layers):
    model = small_crnn(lstm_layers=lstm_layers, lstm_units=8, filters=(4, 6))
    folded = fold_norms(model)
    names = {layer.name for layer in folded.layers}
    assert f"lstm{lstm_layers}" in names and not {"lstm1_norm", f"lstm{lstm_layers}_norm"} & names
    for features in calibration[:2]:
        x = features[None, :, :, None]
        assert folded(x).numpy() == pytest.approx(model(x).numpy(), abs=1e-4)


def test_forgetting_to_fold_would_show(model, calibration):
    x = calibration[0][None, :, :, None]
    dropped = rebuild(model, masked=False, lstm_norms=False)
    assert np.abs(dropped(x).numpy() - model(x).numpy()).max() > 0.1


@pytest.mark.parametrize("shape", [(1, 4), (1, 7), (1, 99), (3, 202)])
@pytest.mark.parametrize(("name", "error"), [("float32", 1e-4), ("int8", 0.1), ("fast", 0.1)])
def test_onnx_logits_equal_keras_at_any_length_and_batch_size(exported, model, rng, name, error, shape):
    session = onnxruntime.InferenceSession(exported[0] / f"crnn.{name}.onnx")
    x = rng.normal(size=(*shape, 80, 1)).astype(np.float32)
    assert session.run(["logits"], {"log_mel": x})[0] == pytest.approx(model(x).numpy(), abs=error)


def test_a_single_variant_leaves_the_others_alone(exported, trained, calibration, tmp_path):
    (tmp_path / "crnn.dynamic.tflite").write_bytes(b"of another day")
    (report,) = quantize(trained, tmp_path, calibration, variants=("crnn.float32.onnx",))
    assert report == op_report(exported[0] / "crnn.float32.onnx")
    assert (tmp_path / "crnn.dynamic.tflite").read_bytes() == b"of another day"
    assert len(list(tmp_path.glob("crnn.*"))) == 3


def test_an_unreadable_model_is_one_clear_line_and_costs_nothing(tmp_path, calibration):
    broken = tmp_path / "broken.keras"
    broken.write_text("not a model")
    out = tmp_path / "out"
    out.mkdir()
    (out / REFERENCE).write_bytes(b"the good one")
    (out / "made-by-asr-quantize").touch()
    with pytest.raises(ExportError, match="cannot be loaded") as caught:
        quantize(broken, out, calibration)
    assert str(broken) in str(caught.value) and "\n" not in str(caught.value)
    assert sorted(path.name for path in out.iterdir()) == [REFERENCE, "made-by-asr-quantize"]
    assert (out / REFERENCE).read_bytes() == b"the good one"


def test_another_kind_of_network_is_one_clear_line(tmp_path, calibration):
    keras.Sequential([keras.Input((None, 80)), keras.layers.Dense(29)]).save(tmp_path / "dense.keras")
    with pytest.raises(ExportError, match=r"dense\.keras: crnn\.float32\.onnx failed: .*conv1") as caught:
        quantize(tmp_path / "dense.keras", tmp_path / "out", calibration, variants=("crnn.float32.onnx",))
    assert "\n" not in str(caught.value)


def test_a_crash_of_the_converter_is_one_clear_line(tmp_path):
    said = r'{"bytes": 3}\nabc{"bytes": 9}\nhalf'
    script = f"import os, signal; print({said!r}, end='', flush=True); os.kill(os.getpid(), signal.SIGSEGV)"
    (tmp_path / "m.keras").write_bytes(b"a model")
    made = []
    with pytest.raises(ExportError, match=r"m\.keras: b crashed the converter \(SIGSEGV\)"):
        command = [sys.executable, "-c", script.replace("\\\\n", "\\n")]
        for name, content in variants.convert_apart(command, tmp_path / "m.keras", [], ["a", "b"]):
            made.append((name, content))
    assert made == [("a", b"abc")]


def test_a_bug_in_the_converting_process_is_a_traceback(tmp_path):
    said = json.dumps({"traceback": "Traceback …\nValueError: shapes (2,) (3,)"})
    (tmp_path / "m.keras").write_bytes(b"a model")
    with pytest.raises(RuntimeError, match=r"(?s)m\.keras.*ValueError: shapes") as caught:
        command = [sys.executable, "-c", f"print({said!r})"]
        list(variants.convert_apart(command, tmp_path / "m.keras", [], ["a"]))
    assert not isinstance(caught.value, ExportError)


def test_a_bug_while_converting_is_sent_as_a_traceback(trained, calibration):
    """A stand-in for `to_onnx` adds arrays of different shapes, in the process that converts."""
    script = (
        "import numpy as np; from asr_helpers.export import __main__ as child;"
        "child.to_onnx = lambda *_: np.zeros(2) + np.zeros(3); child.main('crnn.float32.onnx')"
    )
    command = [sys.executable, "-c", script]
    with pytest.raises(RuntimeError, match="could not be broadcast together"):
        list(variants.convert_apart(command, trained, calibration, [REFERENCE, "crnn.float32.onnx"]))


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"variants": ("crnn.int4.tflite",)}, ValueError, "unknown variant crnn.int4.tflite"),
        ({"calibration": []}, ValueError, "at least one utterance"),
        ({"calibration": [np.zeros((80, 10), np.float32)]}, ValueError, r"each \(frames, 80\)"),
        ({"model_path": "nowhere.keras"}, ExportError, "nowhere.keras: no such file"),
    ],
)
def test_bad_input_is_refused_before_anything_starts(trained, calibration, tmp_path, changes, error, message):
    arguments = {"model_path": trained, "out": tmp_path / "out", "calibration": calibration, **changes}
    with pytest.raises(error, match=message):
        quantize(**arguments)
    assert not (tmp_path / "out").exists()


def test_clipping_spares_the_many_from_the_few(rng):
    """A norm has made one input's weights a hundred times larger; the input itself hardly moves."""
    kernel = rng.normal(size=(64, 32)).astype(np.float32)
    kernel[0] *= 100
    mean, variance = rng.normal(size=64), np.ones(64)
    variance[0] = 1e-4
    inputs = mean + np.sqrt(variance) * rng.normal(size=(1000, 64))
    bias = np.zeros(32, np.float32)
    clipped, _, moved = _clip(kernel, None, bias, mean, variance)

    def rounded(weights):
        steps = np.abs(weights).max() / 127
        return np.rint(weights / steps) * steps

    exact = inputs @ kernel
    for gate in np.split(np.arange(32), 4):
        assert clipped[:, gate] == pytest.approx(rounded(clipped[:, gate]), abs=1e-4)  # on int8 steps already
        ours = np.abs(inputs @ clipped[:, gate] + moved[gate] - exact[:, gate]).mean()
        plain = np.abs(inputs @ rounded(kernel[:, gate]) - exact[:, gate]).mean()
        assert ours < 0.5 * plain
    assert (inputs @ clipped + moved).mean(axis=0) == pytest.approx(exact.mean(axis=0), abs=0.1)


def test_all_that_an_lstm_writes_has_one_grid(exported):
    model = flatbuffer_utils.read_model(exported[0] / "crnn.int8.tflite")
    names = [flatbuffer_utils.opcode_to_name(model, index) for index in range(len(model.operatorCodes))]
    graph = model.subgraphs[0]

    def grids(tensors):
        found = [graph.tensors[tensor].quantization for tensor in tensors]
        return {(float(each.scale[0]), int(each.zeroPoint[0])) for each in found}

    lstms, joined = (
        [op for op in graph.operators if names[op.opcodeIndex] == name]
        for name in ("UNIDIRECTIONAL_SEQUENCE_LSTM", "CONCATENATION")
    )
    for layer, join in enumerate(joined):
        pair = lstms[2 * layer : 2 * layer + 2]
        written = [tensor for op in pair for tensor in (op.inputs[18], op.intermediates[4], *op.outputs)]
        assert len(grids([*written, *join.inputs, *join.outputs])) == 1


def test_an_lstm_on_one_grid_is_not_a_step_too_low(exported, model, calibration):
    folded = fold_norms(model)
    exact = keras.Model(folded.input, folded.get_layer("lstm1").output)
    interpreter = Interpreter(str(exported[0] / "crnn.int8.tflite"), experimental_preserve_all_tensors=True)
    entry = interpreter.get_input_details()[0]
    scale, zero_point = entry["quantization"]
    x = np.clip(np.rint(calibration[2] / scale) + zero_point, -128, 127)
    interpreter.resize_tensor_input(entry["index"], (1, *x.shape, 1))
    interpreter.allocate_tensors()
    interpreter.set_tensor(entry["index"], x[None, :, :, None].astype(np.int8))
    interpreter.invoke()
    (joined,) = (t for t in interpreter.get_tensor_details() if t["name"].endswith("lstm1_1/concat"))
    scale, zero_point = joined["quantization"]
    found = scale * (interpreter.get_tensor(joined["index"])[0].astype(int) - zero_point)
    error = (found - exact(calibration[2][None, :, :, None])[0].numpy()).mean(axis=0) / scale
    assert np.abs(np.median(error[:16])) < 0.4 and np.abs(np.median(error[16:])) < 0.4
