"""Whisper out of a wheel: the file read by hand, the network in Keras; against its own runtime where there is one."""

import struct
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from asr_helpers.corpus import load_corpus
from asr_helpers.pretrained import whisper
from asr_helpers.sound import read_audio

ROOT = Path(__file__).resolve().parent.parent
installed = pytest.mark.skipif(
    find_spec(whisper.PACKAGE) is None or find_spec("ctranslate2") is None, reason=whisper.INSTALL
)


def little_whisper(units=8, vocabulary=12):
    """Weights of a Whisper of one layer, at random."""
    rng = np.random.default_rng(0)

    def linear(name, into, out):
        return {f"{name}/weight": (out, into), f"{name}/bias": (out,)}

    def norm(name):
        return {f"{name}/gamma": (units,), f"{name}/beta": (units,)}

    def attention(name, *sizes):
        made = norm(f"{name}/layer_norm")
        for number, size in enumerate(sizes):
            made |= linear(f"{name}/linear_{number}", units, size)
        return made

    shapes = {}
    for half, places in (("encoder", 1500), ("decoder", 448)):
        layer = f"{half}/layer_0"
        shapes |= {f"{half}/position_encodings/encodings": (places, units)} | norm(f"{half}/layer_norm")
        shapes |= attention(f"{layer}/self_attention", 3 * units, units) | norm(f"{layer}/ffn/layer_norm")
        shapes |= linear(f"{layer}/ffn/linear_0", units, 16) | linear(f"{layer}/ffn/linear_1", 16, units)
    shapes |= {"encoder/conv1/weight": (units, 80, 3), "encoder/conv1/bias": (units,)}
    shapes |= {"encoder/conv2/weight": (units, units, 3), "encoder/conv2/bias": (units,)}
    shapes |= attention("decoder/layer_0/attention", units, 2 * units, units)
    shapes |= {"decoder/embeddings/weight": (vocabulary, units)}
    weights = {name: rng.normal(size=shape).astype(np.float16) for name, shape in shapes.items()}
    return weights | {f"{half}/num_heads": np.array(2, np.int16) for half in ("encoder", "decoder")}


def as_file(weights):
    def name(text):
        return struct.pack("<H", len(text) + 1) + text.encode() + b"\0"

    data = struct.pack("<I", 6) + name("WhisperSpec") + struct.pack("<II", 3, len(weights))
    for key, value in weights.items():
        data += name(key) + struct.pack(f"<B{value.ndim}I", value.ndim, *value.shape)
        data += struct.pack("<BI", 4 if value.dtype == np.float16 else 2, value.nbytes) + value.tobytes()
    return data


def test_a_file_describes_itself(tmp_path):
    weights = little_whisper()
    (tmp_path / "model.bin").write_bytes(as_file(weights))
    read = whisper.read_weights(tmp_path / "model.bin")
    assert read.keys() == weights.keys()
    for name, value in weights.items():
        np.testing.assert_array_equal(read[name], value)
        assert read[name].dtype == (np.float32 if value.dtype == np.float16 else np.int16)


WHOLE = as_file(little_whisper())
DAMAGED = {f"{part} of 20 parts": WHOLE[: len(WHOLE) * part // 20] for part in range(20)}
DAMAGED |= {"version": b"\x07" + WHOLE[1:], "kind": WHOLE.replace(b"WhisperSpec", b"WhisperSpaz")}
DAMAGED |= {"text": b"no model\n" * 30}


@pytest.mark.parametrize("damage", DAMAGED)
def test_a_damaged_file_is_one_line(tmp_path, damage):
    path = tmp_path / "model.bin"
    path.write_bytes(DAMAGED[damage])
    with pytest.raises(whisper.WhisperError, match=r"model\.bin: .*format 6.*pip install"):
        whisper.read_weights(path)


def test_a_missing_file_is_one_line(tmp_path):
    with pytest.raises(whisper.WhisperError, match="No such file"):
        whisper.read_weights(tmp_path / "nowhere.bin")


def test_without_the_extra_one_line_says_what_to_install(monkeypatch):
    monkeypatch.setattr(whisper, "find_spec", lambda name: None)
    with pytest.raises(whisper.WhisperError, match=r"not installed: pip install -e"):
        whisper.tiny_en()


def test_tokens_are_bytes(tmp_path):
    (tmp_path / "vocabulary.txt").write_text("He\nĠwent\nĠto\nĠcaf\nÃ©\nĊ\n<|endoftext|>\n", encoding="utf-8")
    tokens = whisper.read_tokens(tmp_path)
    assert tokens[1] == " went" and tokens[5] == "\n" and len(tokens) == 7
    assert whisper.spell([0, 1, 2, 3, 4, 6], tokens) == "He went to café"


def test_what_whisper_hears(rng):
    samples = rng.uniform(-0.5, 0.5, 16_050).astype(np.float32)
    whole = whisper.whisper_log_mel(samples)
    assert whole.shape == (3000, 80) and whole.dtype == np.float32
    assert whole.max() - whole.min() <= 2.0 + 1e-6  # 80 dB in decimal logarithms of power, over 4
    assert (whole[200:] == whole.min()).all()  # silence behind the clip
    alone = whisper.whisper_log_mel(samples, None)
    assert alone.shape == (102, 80)  # its own length, made even
    np.testing.assert_allclose(alone[:98], whole[:98], atol=1e-5)
    assert whisper.whisper_log_mel(np.tile(samples, 40)).shape == (3000, 80)


def test_the_networks_have_the_shapes_that_they_promise():
    weights = {name: value.astype(np.float32) for name, value in little_whisper().items()}
    encoder, decoder = whisper.build_encoder(weights), whisper.build_decoder(weights)
    sound = encoder(np.zeros((2, 20, 80), np.float32)).numpy()
    assert sound.shape == (2, 10, 8)
    levels = whisper.build_encoder(weights, every_layer=True)(np.zeros((2, 20, 80), np.float32)).numpy()
    assert levels.shape == (2, 10, 3, 8)  # the convolutions', its one layer's, that normalised
    np.testing.assert_array_equal(levels[:, :, -1], sound)
    assert np.abs(levels[:, :, 0] - levels[:, :, 1]).max() > 0.1
    logits, looks = decoder([np.array([[1, 2, 3]] * 2), sound])
    assert logits.shape == (2, 3, 12) and looks.shape == (2, 1, 2, 3, 10)
    np.testing.assert_allclose(looks.numpy().sum(axis=-1), 1, rtol=1e-5)
    before, _ = decoder([np.array([[1, 2, 9]] * 2), sound])  # no token sees those after it
    np.testing.assert_allclose(before[:, :2], logits[:, :2], rtol=1e-4, atol=1e-5)


@installed
def test_our_encoder_and_decoder_are_those_of_the_runtime():
    from ctranslate2 import StorageView
    from ctranslate2.models import Whisper

    folder = whisper.tiny_en()
    weights, tokens = whisper.read_weights(folder / "model.bin"), whisper.read_tokens(folder)
    assert len(weights) == 148 and len(tokens) == 51_864
    encoder, decoder = whisper.build_encoder(weights), whisper.build_decoder(weights)
    runtime = Whisper(str(folder), compute_type="float32")
    clip = next(each for each in load_corpus(ROOT / "data" / "real") if each.id == "672-122797-0069")
    mels = whisper.whisper_log_mel(read_audio(clip.path))
    view = StorageView.from_array(np.ascontiguousarray(mels.T[None]))
    sound = encoder(mels[None])[0].numpy()
    np.testing.assert_allclose(sound, np.array(runtime.encode(view))[0], atol=1e-3)
    ids, looks = whisper.write_down(decoder, sound, folder)
    start = ["<|startoftranscript|>", "<|notimestamps|>"]
    (theirs,) = runtime.generate(view, [start], beam_size=1)
    assert ids == [index for index in theirs.sequences_ids[0] if not tokens[index].startswith("<|")]
    assert whisper.spell(ids, tokens) == "It was in a corner that he lay, among weeds and nettles."
    assert looks.shape == (len(ids), 1500)
    first, where = whisper.write_down(decoder, sound, folder, most=3)
    assert first == ids[:3] and where.shape == (3, 1500)
    where = looks[:, :250].argmax(axis=1) * 0.02  # the attention follows the sound
    assert np.mean(np.diff(where) >= -0.1) > 0.8
