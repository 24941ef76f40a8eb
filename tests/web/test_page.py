"""The folder that `asr web` writes, and what it refuses."""

import gzip
import json
import re
import struct
import tomllib
from pathlib import Path

import numpy as np
import onnx
import pytest
from small_networks import small_network

from asr_helpers.cli.entry import main
from asr_helpers.corpus import load_corpus
from asr_helpers.recognizer import Recognizer
from asr_helpers.recognizer.recognizer import CERTAIN_LOGIT
from asr_helpers.sound import HOP, LOG_FLOOR, MELS, features, read_audio
from asr_helpers.sound.speech import SPEECH_DB
from asr_helpers.system import NotOursError
from asr_helpers.text import ENGLISH, Alphabet
from asr_helpers.web import Engine, Network, pack_model, pack_network, page, write_page
from asr_helpers.words import WORD_BONUS, estimate

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def static(monkeypatch, tmp_path) -> Path:
    """A page of two files stands for the real one."""
    folder = tmp_path / "static"
    folder.mkdir()
    (folder / "index.html").write_text("<!doctype html>")
    (folder / "sw.js").write_text('const VERSION = "@VERSION@", FILES = @FILES@;')
    monkeypatch.setattr(page, "STATIC", folder)
    return folder


@pytest.fixture(scope="module")
def network() -> Network:
    return pack_network(small_network(), Path("folder/crnn.fast.onnx"))


@pytest.fixture(scope="module")
def clips() -> list:
    return page.sample_clips(load_corpus(ROOT / "data" / "real").utterances)


def content(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def worker(folder: Path) -> tuple[str, list[str]]:
    version, names = re.fullmatch(r'const VERSION = "(\w{16})", FILES = (.*);', (folder / "sw.js").read_text()).groups()
    return version, json.loads(names)


def changed(change, path: Path) -> Path:
    """Write a model after `change(model)` to a file."""
    model = onnx.load_model_from_string(small_network())
    change(model)
    path.write_bytes(model.SerializeToString())
    return path


def test_the_folder_holds_what_the_page_loads(tmp_path, clips, network):
    sizes = write_page(network, tmp_path / "page", lm=b"a language model", clips=clips)
    found = content(tmp_path / "page")
    assert {name: len(each) for name, each in found.items()} == sizes
    settings = json.loads(found["recogniser.json"])
    assert settings["alphabet"] == ENGLISH.characters and settings["name"] == "crnn.fast.onnx"
    assert settings["features"] | {"mels": MELS, "hop": HOP, "log_floor": LOG_FLOOR} == settings["features"]
    assert settings["features"]["speech_db"] == list(SPEECH_DB)
    assert settings["windows"]["window_samples"] == 320_000 and settings["windows"]["certain_logit"] == CERTAIN_LOGIT
    assert settings["decoder"]["width"] == 1024 and settings["decoder"]["word_bonus"] == WORD_BONUS
    loaded = {settings[key] for key in ("engine", "network", "language_model")}
    assert settings["bytes"] == {name: len(found[name]) for name in loaded}
    assert gzip.decompress(found["model.bin.gz"]) == network.content
    assert found["lm.bin.gz"] == b"a language model" and found["engine.wasm"].startswith(b"\0asm")
    assert [found[clip["file"]] for clip in settings["clips"]] == [clip.path.read_bytes() for clip in clips]
    assert [clip["text"] for clip in settings["clips"]] == [clip.text for clip in clips]
    assert sorted(found) == settings["files"]


def test_the_service_worker_lists_all_files_and_knows_their_hash(tmp_path, static, network):
    write_page(network, tmp_path / "page")
    version, names = worker(tmp_path / "page")
    assert names == ["./", *sorted(content(tmp_path / "page").keys() - {"sw.js"})]
    write_page(network, tmp_path / "again")
    assert content(tmp_path / "again") == content(tmp_path / "page")  # the same bytes each time
    (static / "index.html").write_text("<!doctype html> ")
    write_page(network, tmp_path / "again")
    assert worker(tmp_path / "again")[0] != version


def test_without_a_language_model_the_page_is_told_that_there_is_none(tmp_path, network):
    write_page(network, tmp_path / "page")
    settings = json.loads((tmp_path / "page" / "recogniser.json").read_text())
    assert settings["language_model"] is None and "lm.bin.gz" not in settings["bytes"]
    assert not (tmp_path / "page" / "lm.bin.gz").exists()


def test_a_page_written_anew_leaves_nothing_of_the_old_one(tmp_path, clips, network):
    out = tmp_path / "page"
    write_page(network, out, lm=b"a language model", clips=clips)
    (out / "CNAME").write_text("the owner's")
    (out / "clips" / ".part-2.flac").write_text("what a killed run left")
    sizes = write_page(network, out, clips=clips[:1])
    assert content(out).keys() == {*sizes, "CNAME"}


def test_a_list_of_old_files_reaches_nothing_outside(tmp_path, network):
    out, precious = tmp_path / "page", tmp_path / "precious"
    write_page(network, out)
    precious.write_text("dear")
    settings = json.loads((out / "recogniser.json").read_text())
    settings["files"] += ["../precious", "clips/../../precious", str(precious)]
    (out / "recogniser.json").write_text(json.dumps(settings, indent=1))
    write_page(network, out)
    assert precious.read_text() == "dear"


def test_a_folder_with_other_things_is_refused(tmp_path, network):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(NotOursError, match=r"notes\.txt: exists, and `asr web` did not make it"):
        write_page(network, tmp_path)
    with pytest.raises(FileExistsError):
        write_page(network, tmp_path / "notes.txt")
    assert not (tmp_path / "recogniser.json").exists()


def test_clips_are_of_different_speakers_and_of_about_the_same_length(clips):
    assert len({clip.speaker for clip in clips}) == page.CLIPS
    assert all(3.5 < clip.seconds < 4.5 for clip in clips)
    longest = [max(map(len, clip.text.split())) for clip in clips]
    assert longest == sorted(longest)
    one_voice = [clip for clip in load_corpus(ROOT / "data" / "mini" / "test-mini" / "9001").utterances]
    assert len(page.sample_clips(one_voice)) == page.CLIPS


def pool_by_the_mean(model):
    model.graph.node[2].op_type = "AveragePool"


def move_a_zero_point(model):
    replace(model, "quantizelinear5_weight1", lambda zero: zero + 1)


def cut_a_kernel(model):
    replace(model, "conv1_weight0", lambda kernel: kernel[:, :, 1:])


def use_an_unknown_number_format(model):
    model.graph.initializer[0].data_type = 99


def replace(model, name, change):
    (tensor,) = (each for each in model.graph.initializer if each.name == name)
    tensor.CopyFrom(onnx.numpy_helper.from_array(change(onnx.numpy_helper.to_array(tensor)), name))


def name_another_alphabet(model):
    onnx.helper.set_model_props(model, {"alphabet": " AB"})


def spoil_the_alphabet(model):
    onnx.helper.set_model_props(model, {"alphabet": "AA"})


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (pool_by_the_mean, "not the fast form"),
        (move_a_zero_point, "not the fast form"),
        (cut_a_kernel, "not the fast form"),
        (use_an_unknown_number_format, "cannot be read"),
        (name_another_alphabet, "29 classes, and its alphabet 4"),
        (spoil_the_alphabet, "cannot be read"),
    ],
)
def test_another_network_is_refused_in_one_line(tmp_path, capsys, change, complaint):
    model = changed(change, tmp_path / "other.onnx")
    assert main(["web", str(model), "--out", str(tmp_path / "page")]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and str(model) in error and complaint in error
    assert not (tmp_path / "page").exists()


@pytest.mark.parametrize("name", ["absent.onnx", "absent.keras", "noise.onnx", "model.tflite"])
def test_what_is_no_model_for_a_page_is_refused_in_one_line(tmp_path, capsys, name):
    if not name.startswith("absent"):
        (tmp_path / name).write_bytes(b"\x9c no model")
    try:
        status = main(["web", str(tmp_path / name), "--out", str(tmp_path / "page")])
    except SystemExit as end:  # the name alone is enough to refuse it
        status = end.code
    error = capsys.readouterr().err
    assert status == 2 and error.count("\n") == 1 and name in error and ";" in error


@pytest.fixture
def model(tmp_path) -> str:
    path = tmp_path / "crnn.fast.onnx"
    path.write_bytes(small_network())
    return str(path)


@pytest.fixture
def arpa(tmp_path) -> str:
    pytest.importorskip("asr_helpers.words.pruning", reason="language models cannot be pruned to a size yet")
    estimate(["A CAB", "A CAT", "A CAT"]).write(tmp_path / "cats.arpa")
    return str(tmp_path / "cats.arpa")


def test_the_command_packs_the_model_and_a_language_model(tmp_path, capsys, model, arpa, clips):
    from asr_helpers.words.packed import unpack

    out = tmp_path / "page"
    assert main(["web", model, "--lm", arpa, "--out", str(out)]) == 0
    megabytes = sum(map(len, content(out).values())) / 1e6
    assert f"{out}: {len(content(out))} files, {megabytes:.2f} MB" in capsys.readouterr().out
    assert sorted(unpack((out / "lm.bin.gz").read_bytes()).words) == ["</s>", "<s>", "<unk>", "A", "CAB", "CAT"]
    settings = json.loads((out / "recogniser.json").read_text())
    assert [clip["text"] for clip in settings["clips"]] == [clip.text for clip in clips]


def test_a_model_of_another_language_gets_no_english(tmp_path, capsys, arpa):
    path = tmp_path / "greek.onnx"
    path.write_bytes(small_network(alphabet=" ΑΒΓΔ"))
    assert main(["web", str(path), "--out", str(tmp_path / "page")]) == 0
    settings = json.loads((tmp_path / "page" / "recogniser.json").read_text())
    assert settings["language_model"] is None and settings["clips"] == []
    assert main(["web", str(path), "--lm", arpa, "--out", str(tmp_path / "other")]) == 2
    assert "cannot be spelt" in capsys.readouterr().err


def test_no_lm_leaves_it_out(tmp_path, model):
    assert main(["web", model, "--no-lm", "--out", str(tmp_path / "page")]) == 0
    assert not (tmp_path / "page" / "lm.bin.gz").exists()


@pytest.mark.parametrize(
    ("arguments", "complaint"), [(["--lm", "absent.arpa"], "absent.arpa"), (["--lm-megabytes", "0.00001"], "too small")]
)
def test_a_language_model_that_cannot_be_had_is_one_line(tmp_path, capsys, model, arpa, arguments, complaint):
    if "--lm" not in arguments:
        arguments = [*arguments, "--lm", arpa]
    assert main(["web", model, "--out", str(tmp_path / "page"), *arguments]) == 2
    assert complaint in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.slow
def test_a_keras_model_is_converted(tmp_path):
    from asr_helpers.network import build_model

    alphabet, path = Alphabet(" ÄÖÜ"), tmp_path / "mine.keras"
    build_model(lstm_layers=1, lstm_units=8, filters=(4, 8), alphabet=alphabet).save(path)
    network = pack_model(path)
    assert network.name == "mine.keras" and network.alphabet == alphabet
    heard = features(read_audio(ROOT / "data/mini/test-mini/9001/1/9001-1-0000.flac"))
    got = Engine(network)(heard)
    wanted = Recognizer.load(path)._logits(heard)[: len(got)]
    assert np.corrcoef(got.ravel(), wanted.ravel())[0, 1] > 0.99


def test_the_page_can_be_installed_on_a_phone():
    """Browsers ask for a name, an address to start at, a way to show it, and icons of 192 and 512 points."""
    folder = page.WASM.with_name("static")
    manifest = json.loads((folder / "manifest.webmanifest").read_text())
    assert manifest["name"] and manifest["start_url"] == "./" and manifest["display"] == "standalone"
    pictures = {icon["sizes"]: (folder / icon["src"]).read_bytes() for icon in manifest["icons"]}
    assert pictures.pop("any").startswith(b"<svg")
    assert pictures.keys() == {"192x192", "512x512"}
    for sizes, picture in pictures.items():  # a PNG's width and height stand after its first chunk's name
        assert picture.startswith(b"\x89PNG") and "x".join(map(str, struct.unpack(">II", picture[16:24]))) == sizes


def test_the_package_holds_the_page():
    tools = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]
    assert tools["setuptools"]["package-data"]["asr_helpers.web"] == ["engine.wasm", "static/*"]
    assert all(path.is_file() for path in page.WASM.with_name("static").iterdir())  # `static/*` reaches no folder
