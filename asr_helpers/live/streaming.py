"""The shipped network, carried on from chunk to chunk: only the look-ahead is computed twice.

A bidirectional LSTM reads forward and backward. Forward, it can stop after a chunk and later go on from its state;
backward, it begins at the end of the look-ahead. This is the latency-controlled bidirectional LSTM (Zhang et al., 2016,
"Highway long short-term memory RNNs for distant speech recognition"). The weights stay as they were trained.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from asr_helpers.recognizer.recognizer import Recognizer
from asr_helpers.recognizer.runtimes import onnx_session
from asr_helpers.sound.audio import HOP
from asr_helpers.sound.mel import (
    LEVEL,
    LOG_FLOOR,
    MELS,
    QUIETEST,
    TIME_POOLING,
    mel_filterbank,
    normalize_mel_bins,
    power_spectrogram,
)
from asr_helpers.sound.speech import frame_power, speech_frames
from asr_helpers.text import ENGLISH, Alphabet

if TYPE_CHECKING:
    import onnx

BOTH_DIRECTIONS = (1, 2, 3, 8, 9, 10, 11)  # inputs of an LSTM: kernels, bias, and the steps of int8 kernels
INITIAL_STATES = slice(5, 7)  # its inputs: output and cell before the first frame
CONVOLVED = 1  # output frames before the first new one that the convolutions need
REHEARD = 40  # frames after silence that are heard again with each chunk: at first the features know too little
TOUCHED = 3  # feature frames at the end of the sound that will change with more of it: the power is of ± 3 hops
EVERYTHING = 2**40  # frames


class StreamingNetwork:
    """A network that goes on from where it was."""

    window_frames = 350  # 14 s: with features over 4 s, one word in a hundred more was wrong on dev-clean-tune

    def __init__(self, path: Path | str, alphabet: Alphabet = ENGLISH):
        """Load an ONNX file of `asr quantize`, and its alphabet."""
        import onnx

        self.alphabet = alphabet
        self._session = onnx_session(streaming_graph(onnx.load(path)).SerializeToString())
        self.forget()

    def forget(self) -> None:
        """Begin again, after silence."""
        self._known, self._known_start = np.zeros((0, 1 + MELS), np.float32), 0  # power and mel power of old frames
        self._onset: int | None = None  # the first frame after silence
        states = [each for each in self._session.get_inputs() if each.name[0] in "hc" and each.name != "chunk"]
        self._states = {each.name: np.zeros(each.shape, np.float32) for each in states}

    def __call__(self, samples: np.ndarray, start: int, new: int, chunk: int | None) -> tuple[int, np.ndarray]:
        """Return the log-probabilities from `new` on, float32 (frames, classes), or from an earlier frame; which one.

        Args:
            samples: past, chunk and look-ahead.
            start: the number of the first frame of `samples`.
            new: the number of the chunk's first frame.
            chunk: how many frames will not be heard again; None at the end of the sound.
        """
        spectrogram = self._features(samples, start * TIME_POOLING)
        self._onset = new if self._onset is None else self._onset
        first, states = new, self._states
        if new - self._onset < REHEARD:
            first, states = self._onset, {name: np.zeros_like(state) for name, state in states.items()}
        skip, end = min(CONVOLVED, first - start), len(spectrogram) // TIME_POOLING
        frames = spectrogram[(first - start - skip) * TIME_POOLING : end * TIME_POOLING]
        sizes = {"skip": skip, "chunk": end if chunk is None else new - first + chunk}
        inputs = {"log_mel": frames[None, :, :, None], **{name: np.array([size]) for name, size in sizes.items()}}
        logits, *after = self._session.run(None, inputs | states)
        self._states = dict(zip(states, after, strict=True))
        return first, logits[0] - np.logaddexp.reduce(logits[0], axis=1, keepdims=True)

    def _features(self, samples: np.ndarray, start: int) -> np.ndarray:
        """Return `features` of `samples`, which begin with feature frame `start`; only new frames are computed."""
        known = self._known[start - self._known_start :]
        first = max(0, len(known) - TOUCHED)
        new = samples[first * HOP :]
        mel = power_spectrogram(new - new.mean()) @ mel_filterbank()  # (frames, 80)
        both = np.column_stack([frame_power(new), mel])[len(known) - first :]
        both = np.concatenate([known, both.astype(np.float32)])  # (frames, 81)
        self._known, self._known_start = both[:-TOUCHED], start
        power, mel = both[:, 0], both[:, 1:]
        speech = speech_frames(power)
        gain = (LEVEL / max(np.sqrt(power[speech].mean()), QUIETEST)) ** 2
        return normalize_mel_bins(np.log(np.float32(gain) * mel + LOG_FLOOR), speech)


def best_network(recognizer: Recognizer) -> Recognizer | StreamingNetwork:
    """Return the streaming form of a recogniser that was loaded from an ONNX file, or else the recogniser itself."""
    if not recognizer.name.endswith(".onnx"):
        return recognizer
    try:
        return StreamingNetwork(recognizer.name, recognizer.alphabet)
    except ModuleNotFoundError:  # the package onnx, which a small device may lack
        return recognizer


def streaming_graph(model: "onnx.ModelProto") -> "onnx.ModelProto":
    """Return the graph of an ONNX file of `asr quantize` with its forward LSTMs cut after a chunk.

    Its inputs are `log_mel` (1, frames, 80, 1); `skip`, how many output frames at the start serve only the
    convolutions; `chunk`, how many frames after those are final; and the states `h0`, `c0`, … (1, 1, units) after the
    chunk before. Its outputs are the `logits` of chunk and look-ahead, and the states after the chunk.
    """
    from onnx import TensorProto, helper, numpy_helper

    old = {each.name: numpy_helper.to_array(each) for each in model.graph.initializer}
    new = {name: np.array([value]) for name, value in (("start", 0), ("end", EVERYTHING), ("time", 0))}
    inputs = [helper.make_tensor_value_info(name, TensorProto.INT64, [1]) for name in ("skip", "chunk")]
    nodes: list[onnx.NodeProto] = []
    outputs: list[onnx.ValueInfoProto] = []

    def add(op: str, *names: str, output: str, **attributes: int) -> None:
        nodes.append(helper.make_node(op, names, [output], **attributes))

    def add_lstm(both: "onnx.NodeProto", direction: int, source: str, states: list[str], made: list[str]) -> None:
        names = [*both.input, *[""] * (INITIAL_STATES.stop - len(both.input))]
        for place in BOTH_DIRECTIONS:
            if place < len(both.input):
                names[place] = f"{both.input[place]}_{direction}"
                new[names[place]] = old[both.input[place]][direction : direction + 1]
        names[0], names[INITIAL_STATES] = source, states
        settings = {each.name: helper.get_attribute_value(each) for each in both.attribute}
        settings["direction"] = ("forward", "reverse")[direction]
        nodes.append(helper.make_node(both.op_type, names, made, domain=both.domain, **settings))

    for node in model.graph.node:
        if not node.op_type.endswith("LSTM"):
            nodes.append(node)
            continue
        source, target = node.input[0], node.output[0]
        if not outputs:
            add("Slice", source, "skip", "end", "time", output="heard")
            source = "heard"
        states = [f"{kind}{len(outputs) // 2}" for kind in "hc"]
        after = [f"{state}_after" for state in states]
        add("Slice", source, "start", "chunk", "time", output=f"{target}_chunk")
        add("Slice", source, "chunk", "end", "time", output=f"{target}_ahead")
        add_lstm(node, 0, f"{target}_chunk", states, [f"{target}_forward", *after])
        add_lstm(node, 0, f"{target}_ahead", after, [f"{target}_further"])
        add_lstm(node, 1, source, ["", ""], [f"{target}_backward"])
        add("Concat", f"{target}_forward", f"{target}_further", output=f"{target}_forwards", axis=0)
        add("Concat", f"{target}_forwards", f"{target}_backward", output=target, axis=1)
        (units,) = (each.i for each in node.attribute if each.name == "hidden_size")
        for names, ends in ((states, inputs), (after, outputs)):
            ends += [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 1, units]) for name in names]

    used = {name for node in nodes for name in node.input}
    weights = [numpy_helper.from_array(np.ascontiguousarray(array), name) for name, array in new.items()]
    weights += [each for each in model.graph.initializer if each.name in used]
    graph = helper.make_graph(
        nodes, "streaming", [*model.graph.input, *inputs], [*model.graph.output, *outputs], weights
    )
    return helper.make_model(graph, opset_imports=model.opset_import, ir_version=model.ir_version)
