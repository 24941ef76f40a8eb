"""No command replaces what it reads, what another command made, or what nobody here made."""

import ast
import gzip
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile

import asr_helpers
from asr_helpers.batches import tfrecords
from asr_helpers.cli import measure
from asr_helpers.cli.entry import main
from asr_helpers.corpus import convert, load_corpus
from asr_helpers.own_data import VoiceCorpus, importing
from asr_helpers.recognizer import comparison
from asr_helpers.sound import as_flac
from asr_helpers.system.claims import Maker, NotOursError
from asr_helpers.training import run_folder

PACKAGE = Path(asr_helpers.__file__).parent
REASONS = (
    "would replace it",
    "did not make it",
    "lies in the source folder",
    "not a regular file",
    "a directory",
    "exists",
)
TEXT = "HELLO WORLD\nTHE TIDE IS HIGH\n"


def run(capsys, *arguments) -> tuple[int, str]:
    """Run `asr`; return its exit status and its lines on stderr."""
    status = main([str(argument) for argument in arguments])
    return status, "".join(line for line in capsys.readouterr().err.splitlines(True) if line.startswith("asr: "))


def contents(folder: Path) -> dict[str, bytes | str]:
    """Return {path: content} of all files and links beneath a folder, without the lock files."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_symlink():
            found[str(path.relative_to(folder))] = os.readlink(path)
        elif path.is_file():
            found[str(path.relative_to(folder))] = path.read_bytes()
    return found


@pytest.fixture
def home(tmp_path, mini):
    """Return a folder with things that one would not like to lose."""
    home = tmp_path / "home"
    chapter = home / "corpus/9001/1"
    chapter.mkdir(parents=True)
    clips = sorted((mini / "test-mini/9001/1").glob("*.flac"))[:2]
    for clip in clips:
        shutil.copy(clip, chapter)
    words = (mini / "test-mini/9001/1/9001-1.trans.txt").read_text().splitlines()[:2]
    (chapter / "9001-1.trans.txt").write_text("\n".join(words) + "\n")
    (home / "book.txt").write_text(TEXT)
    (home / "README.md").write_text("# Mine\n\nmade by hand\n")
    (home / "letters.txt").write_text("".join(f"{letter}\n" for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ'"))
    (home / "theirs.arpa").write_text("\\data\\\nngram 1=1\n\n\\1-grams:\n-1\tA\n\n\\end\\\n")
    with gzip.open(home / "theirs.arpa.gz", "wt") as file:
        file.write((home / "theirs.arpa").read_text())
    (home / "models").mkdir()
    (home / "models/crnn.keras").write_bytes(b"PK a model of somebody's")
    (home / "models/crnn.fast.onnx").write_bytes(b"another")
    (home / "voice").mkdir()
    soundfile.write(home / "voice/hello.wav", 0.1 * np.sin(np.arange(16000)), 16000)
    (home / "voice/hello.txt").write_text("HELLO\n")
    (home / "table.tsv").write_text("client_id\tpath\tsentence\nann\thello.wav\tHELLO\n")
    (home / "clips").mkdir()
    shutil.copy(home / "voice/hello.wav", home / "clips")
    (home / "manifest.json").write_text('{"audio_filepath": "voice/hello.wav", "text": "HELLO"}\n')
    (home / "records").mkdir()
    (home / "records/0000-of-0001.tfrecord").write_bytes(b"somebody's records")
    (home / "web").mkdir()
    (home / "web/index.json").write_text("[]")
    (home / "run").mkdir()
    (home / "run/weights-0001.npz").write_bytes(b"somebody's weights")
    (home / "other run").mkdir()
    (home / "other run/best.keras").write_bytes(b"PK best")
    (home / "link.arpa").symlink_to("book.txt")
    (home / "dangling.arpa").symlink_to("nowhere")
    os.link(home / "book.txt", home / "hard.txt")
    os.mkfifo(home / "pipe")
    return home


@pytest.mark.skipif(os.name != "posix", reason="makes a pipe")
@pytest.mark.parametrize(
    "command",
    [
        "lm {home}/book.txt --out {home}/book.txt",
        "lm {home}/book.txt --out {home}/link.arpa",
        "lm {home}/link.arpa --out {home}/book.txt",
        "lm {home}/book.txt --out {home}/hard.txt",
        "lm {home}/book.txt --out {home}/../home/book.txt",
        "lm {home}/book.txt --out {home}/dangling.arpa",
        "lm {home}/book.txt --out {home}/README.md",
        "lm {home}/book.txt --out {home}/theirs.arpa",
        "lm {home}/book.txt --out {home}/theirs.arpa.gz",
        "lm {home}/book.txt --out {home}/letters.txt --alphabet {home}/letters.txt",
        "lm {home}/book.txt --out {home}/pipe",
        "lm {home}/book.txt --out /dev/null",
        "lm {home}/corpus --out {home}/corpus/9001/1/9001-1.trans.txt",
        "lm {home}/book.txt --out {home}/models/crnn.keras",
        "lm {home}/book.txt --out {home}/corpus",
        "compare {home}/models {home}/corpus --figure {home}/models/crnn.keras",
        "compare {home}/models {home}/corpus --figure {home}/models/crnn.fast.onnx",
        "compare {home}/models {home}/corpus --figure {home}/corpus/9001/1/9001-1-0000.flac",
        "compare {home}/models {home}/corpus --figure {home}/corpus/9001/1/9001-1.trans.txt",
        "compare {home}/models {home}/corpus --figure {home}/README.md",
        "compare {home}/models {home}/corpus --figure {home}/link.arpa",
        "quantize {home}/models/crnn.keras --out {home}/models --calibrate {home}/corpus",
        "quantize {shipped} --out {home}/models --calibrate {home}/corpus",
        "quantize {shipped} --out {home}/book.txt --calibrate {home}/corpus",
        "convert {home}/corpus {home}/voice",
        "convert {home}/corpus {home}",
        "convert {home}/corpus {home}/corpus",
        "convert {home}/corpus/9001 {home}/corpus",
        "import {home}/voice --out {home}/voice",
        "import {home}/voice --out {home}",
        "import {home}/manifest.json --out {home}/voice",
        "import {home}/manifest.json --out {home}",
        "import {home}/table.tsv --out {home}/table.tsv",
        "import {home}/table.tsv --out {home}/clips",
        "import {home}/table.tsv --out {home}/corpus",
        "prepare {home}/corpus --out {home}/records",
        "prepare {home}/corpus --out {home}/web",
        "train --train {home}/corpus --valid {home}/corpus --run {home}/run",
        "train --train {home}/corpus --valid {home}/corpus --run {home}/other~run",
        "train --train {home}/corpus --valid {home}/corpus --start {home}/other~run/best.keras --run {home}/other~run",
    ],
)
def test_what_is_not_ours_stays(capsys, home, mini, command):
    before = contents(home)
    shipped = mini.parent / "models/crnn.keras"
    filled = [part.format(home=home, shipped=shipped).replace("~", " ") for part in command.split()]
    status, lines = run(capsys, *filled)
    assert status == 2 and lines.count("\n") == 1 and any(reason in lines for reason in REASONS)
    assert contents(home) == before
    assert Path("/dev/null").is_char_device()


def test_the_line_names_the_file_the_reason_and_the_remedy(capsys, home):
    command = ["lm", home / "book.txt", "--out"]
    line = f"asr: {home}/book.txt: `asr lm` reads this file and would replace it; give the output another name\n"
    assert run(capsys, *command, home / "book.txt") == (2, line)
    line = f"asr: {home}/README.md: exists, and `asr lm` did not make it; give the output another name, or delete "
    assert run(capsys, *command, home / "README.md") == (2, line + "that file\n")
    line = f"asr: {home}/voice/hello.wav: exists, and `asr convert` did not make it; choose another folder to write to"
    line = line.replace("hello.wav", "hello.txt") + ", or delete that\n"
    assert run(capsys, "convert", home / "corpus", home / "voice") == (2, line)


@pytest.mark.parametrize("name", ["lm.arpa", "lm.arpa.gz", "lm.lm", "corpus/lm.arpa", "empty.arpa", "new/lm.arpa"])
def test_ones_own_language_model_is_made_again(capsys, home, name):
    (home / "empty.arpa").touch()
    sizes = []
    for text in (TEXT, TEXT + "ANOTHER LINE\n"):
        (home / "book.txt").write_text(text)
        assert run(capsys, "lm", home / "book.txt", home / "corpus", "--out", home / name) == (0, "")
        sizes.append((home / name).stat().st_size)
    assert sizes[0] < sizes[1]


def test_ones_own_language_model_is_not_a_text_to_be_replaced(capsys, home):
    assert run(capsys, "lm", home / "book.txt", "--out", home / "lm.arpa")[0] == 0
    before = contents(home)
    assert "reads this file" in run(capsys, "lm", home / "lm.arpa", "--out", home / "lm.arpa")[1]
    assert contents(home) == before


def test_ones_own_folders_are_written_again_and_by_their_makers_only(home, tmp_path):
    wav, records, made = (tmp_path / name for name in ("wav", "records", "imported"))
    utterances = load_corpus(home / "corpus").utterances
    for _ in range(2):
        convert(home / "corpus", wav, workers=1)
        tfrecords.write_records(utterances, records)
        importing.import_corpus(home / "manifest.json", made, workers=1)
    for folder in (records, made):
        with pytest.raises(NotOursError, match="`asr convert` did not make it"):
            convert(home / "corpus", folder, workers=1)
    for folder in (wav, records):
        with pytest.raises(NotOursError, match="`asr import` did not make it"):
            importing.import_corpus(home / "manifest.json", folder, workers=1)


def test_an_imported_corpus_is_not_written_over_the_clips_that_its_manifest_names(home, tmp_path):
    made = tmp_path / "imported"
    importing.import_corpus(home / "manifest.json", made, workers=1)
    clip = next(made.rglob("*.flac"))
    (home / "again.json").write_text(f'{{"audio_filepath": "{clip}", "text": "HELLO", "speaker": "ann"}}\n')
    (tmp_path / "linked").symlink_to(made)
    before = contents(made)
    for out in (made, tmp_path / "linked"):
        with pytest.raises(NotOursError, match="reads this and would replace it"):
            importing.import_corpus(home / "again.json", out, workers=1)
    assert contents(made) == before


@pytest.mark.parametrize(
    ("name", "first", "kept"),
    [
        ("import.tsv", "id\tfile\twas\tis\tchanged\n", "import"),
        ("0000-of-0001.tfrecord.json", '[["9001-1-0000", "A", 16000, 1, 2, 3]]', "prepare"),
        ("state.json", '{\n "config": {}}', "train"),
    ],
)
def test_a_folder_of_an_older_version_is_known_by_what_it_holds(tmp_path, name, first, kept):
    makers = {"import": importing.MAKER, "prepare": tfrecords.MAKER, "train": run_folder.MAKER}
    (tmp_path / "best.keras").write_text("x")
    (tmp_path / "index.json").write_text("[]")
    (tmp_path / name).write_text("somebody's")
    with pytest.raises(NotOursError):
        makers[kept].check_folder(tmp_path)
    (tmp_path / name).write_text(first)
    makers[kept].check_folder(tmp_path)


def test_an_empty_folder_locks_and_hidden_files_are_free(tmp_path):
    maker = Maker("asr convert", ("*",))
    for name in (".DS_Store", ".lock-x", ".part-a.wav"):
        (tmp_path / name).write_text("x")
    maker.check_folder(tmp_path)
    assert sorted(os.listdir(tmp_path)) == [".DS_Store", ".lock-x", ".part-a.wav"]  # a question leaves nothing
    maker.claim_folder(tmp_path / "new/folder")
    assert os.listdir(tmp_path / "new/folder") == ["made-by-asr-convert"]


@pytest.mark.parametrize("read", [None, "-", "no such file", "a\0b", "\udcff"])
def test_a_name_that_is_no_file_is_not_read(tmp_path, read):
    maker = Maker("asr lm", ("*",))
    (tmp_path / "out").write_text(maker.signature)
    maker.check_file(tmp_path / "out", read)
    maker.check_folder(tmp_path / "folder", read)


def test_the_figure_of_compare_is_signed_and_stays_a_picture(tmp_path, monkeypatch):
    from matplotlib.figure import Figure
    from PIL import Image

    from asr_helpers.show import plots

    monkeypatch.setattr(plots, "error_against_speed", lambda *_: Figure())
    path, found = tmp_path / "a.png", comparison.Comparison(0, 0, [])
    for _ in range(2):
        measure.draw_comparison(path, found, 1)
    assert Image.open(path).text["Software"] == "made by `asr compare` of asr_helpers"
    path.write_bytes(b"a picture of mine")
    with pytest.raises(NotOursError):
        measure.draw_comparison(path, found, 1)


def test_a_recording_does_not_replace_a_clip_that_is_not_listed(tmp_path):
    corpus = VoiceCorpus(tmp_path, ["HELLO"])
    theirs = corpus.halves[0] / "9101-1-0000.flac"
    theirs.parent.mkdir(parents=True)
    theirs.write_bytes(as_flac(np.zeros(16000)))
    before = theirs.read_bytes()
    assert corpus.keep("HELLO", np.ones(16000) / 10).name == "9101-1-0001.flac" and theirs.read_bytes() == before


# Modules that write files and ask for nobody: they choose names that nothing has, or write into a folder of their own.
UNASKED = {
    "batches/splicing.py": "cuts.json in the run folder, which `train` has claimed",
    "corpus/openslr.py": "an archive or subset that exists is kept or refused",
    "own_data/voice_corpus.py": "a recording gets a name that nothing has",
    "show/plots/drawing.py": "figures/ of this repository",
    "system/files.py": "the writing itself",
}


def test_every_module_that_writes_asks():
    asked, written = set(), set()
    for path in PACKAGE.rglob("*.py"):
        name = path.relative_to(PACKAGE).as_posix()
        calls = [node.func for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
        called = {call.attr for call in calls if isinstance(call, ast.Attribute)} | {
            call.id for call in calls if isinstance(call, ast.Name)
        }
        if called & {"atomic_write", "replace_durably"} or any(
            isinstance(call, ast.Attribute) and call.attr == "write" and ast.unparse(call.value) == "files"
            for call in calls
        ):
            written.add(name)
        if called & {"Maker", "check_file"}:
            asked.add(name)
    assert written - asked - UNASKED.keys() == set()
