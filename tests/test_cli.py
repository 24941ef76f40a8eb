"""The command line. All in one process, because each import of TensorFlow costs seconds."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import numba
import numpy as np
import pytest
import soundfile
import soxr

from asr_helpers.cli import measure, parsing
from asr_helpers.cli.entry import main
from asr_helpers.cli.parsing import build_parser
from asr_helpers.corpus import data_dir
from asr_helpers.recognizer import Recognizer, shipped_model
from asr_helpers.sound import read_audio
from asr_helpers.system import OneLineError
from asr_helpers.words import shipped_lm
from asr_helpers.words.fast import compiling


def run(capsys, *arguments):
    """Return (exit status, stdout, stderr) of one command."""
    capsys.readouterr()
    try:
        status = main([str(argument) for argument in arguments])
    except SystemExit as stop:
        status = stop.code
    captured = capsys.readouterr()
    lines = captured.err.splitlines(keepends=True)
    return status, captured.out, "".join(line for line in lines if not line.startswith("compiling the beam search"))


@pytest.fixture(scope="module")
def model(mini):
    return mini.parent / "models" / "crnn.keras"


@pytest.fixture(scope="module")
def chapter(mini, tmp_path_factory):
    """A corpus of one chapter of dev-mini."""
    source = sorted((mini / "dev-mini").glob("*/*"))[0]
    folder = tmp_path_factory.mktemp("corpus")
    shutil.copytree(source, folder / source.parent.name / source.name)
    return folder


def test_convert_says_what_it_did_and_goes_on(capsys, chapter, tmp_path):
    count = len(list(chapter.rglob("*.flac")))
    status, out, _ = run(capsys, "convert", chapter, tmp_path, "--workers", 1)
    assert status == 0 and out == f"{count} files converted, 0 already there, 0 problems\n"
    next(tmp_path.rglob("*.wav")).unlink()
    assert f"1 files converted, {count - 1} already there" in run(capsys, "convert", chapter, tmp_path)[1]


def test_convert_and_prepare_say_in_their_status_that_a_file_failed(capsys, chapter, tmp_path):
    corpus = shutil.copytree(chapter, tmp_path / "corpus")
    clips = sorted(corpus.rglob("*.flac"))
    clips[0].write_bytes(clips[0].read_bytes()[:9000])
    status, out, err = run(capsys, "convert", corpus, tmp_path / "wav", "--workers", 1)
    assert status == 1 and out.startswith(f"{len(clips) - 1} files converted") and str(clips[0]) in err
    status, out, err = run(capsys, "prepare", corpus, "--out", tmp_path / "records")
    assert status == 1 and out.endswith(f"{len(clips) - 1} utterances\n") and str(clips[0]) in err


@pytest.mark.parametrize("command", [["convert", "a", "b"], ["prepare", "a", "--out", "b"]])
@pytest.mark.parametrize("shard", ["", "0/2", "3/2", "1", "1/0", "-1/2", "a/b", "1/2/3"])
def test_a_share_that_is_none_is_one_line(capsys, command, shard):
    with pytest.raises(SystemExit) as stop:
        build_parser().parse_args([*command, f"--shard={shard}"])
    assert stop.value.code == 2
    assert f"{shard!r} is not I/N" in capsys.readouterr().err


def test_corpora_are_converted_and_prepared_in_shares(capsys, chapter, tmp_path, monkeypatch):
    monkeypatch.setattr("asr_helpers.batches.tfrecords.PER_SHARD", 2)
    count = len(list(chapter.rglob("*.flac")))
    done = 0
    for shard in ("2/2", "1/2"):
        status, out, _ = run(capsys, "convert", chapter, tmp_path / "wav", "--workers", 1, "--shard", shard)
        assert status == 0
        done += int(out.split()[0])
    assert done == count
    assert run(capsys, "convert", chapter, tmp_path / "wav")[1].startswith(f"0 files converted, {count} already there")
    assert len(list((tmp_path / "wav").rglob("*.trans.txt"))) == len(list(chapter.rglob("*.trans.txt")))

    prepare = ["prepare", tmp_path / "wav", "--out", tmp_path / "records", "--shard"]
    assert "still to come" in run(capsys, *prepare, "1/2")[1]
    train = ["train", "--train", tmp_path / "records", "--valid", chapter, "--run", tmp_path / "run"]
    status, _, err = run(capsys, *train)
    assert status == 2 and len(err.splitlines()) == 1
    assert "unfinished records, 0001-of-" in err and "run `asr prepare` again" in err
    assert run(capsys, *prepare, "2/2")[1].endswith(f"{count} utterances\n")


@pytest.mark.slow
def test_train_then_evaluate_then_quantize_then_compare(capsys, chapter, tmp_path, monkeypatch):
    monkeypatch.setenv("ASR_PROFILE", "ci")
    folder = tmp_path / "run"
    train = ["train", "--train", chapter, "--valid", chapter, "--run", folder, "--epochs"]
    status, out, _ = run(capsys, *train, 1)
    assert status == 0 and "best.keras: WER" in out
    assert run(capsys, *train, 1)[0] == 2
    (last,) = folder.glob("epoch-*.keras")  # with a layer of our own
    assert run(capsys, "evaluate", last, chapter, "--limit", 2)[0] == 0
    assert run(capsys, *train, 2, "--resume")[0] == 0

    best = folder / "best.keras"
    status, out, _ = run(capsys, "evaluate", best, chapter, "--json", "--limit", 2)
    result = json.loads(out)
    assert {"wer", "cer", "wer_ci95", "utterances", "audio_seconds", "real_time_factor"} <= result.keys()
    assert status == 0 and result["utterances"] == 2 and result["audio_seconds"] > 2

    variants = tmp_path / "variants"
    status, out, _ = run(capsys, "quantize", best, "--out", variants, "--calibrate", chapter)
    assert status == 0 and "crnn.int8.tflite" in out
    figure = tmp_path / "comparison.png"
    status, out, _ = run(
        capsys, "compare", variants, chapter, "--limit", 2, "--threads", 1, "--json", "--figure", figure
    )
    table = json.loads(out)["variants"]
    assert status == 0 and {row["name"] for row in table} >= {"crnn.keras", "crnn.int8.tflite", "crnn.float32.onnx"}
    keys = {"name", "bytes", "wer", "cer", "frame_agreement", "ms_per_audio_second", "peak_rss_mb"}
    assert all(keys <= row.keys() for row in table)
    assert figure.read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_prepared_records_train(capsys, chapter, tmp_path, monkeypatch):
    monkeypatch.setenv("ASR_PROFILE", "ci")
    assert run(capsys, "prepare", chapter, "--out", tmp_path / "records")[0] == 0
    records = tmp_path / "records"
    status, _, _ = run(
        capsys, "train", "--train", records, "--valid", chapter, "--run", tmp_path / "run", "--epochs", 1
    )
    assert status == 0


@pytest.mark.slow
def test_evaluate_by_beam_and_transcribe(capsys, chapter, model):
    evaluate = ["evaluate", shipped_model(), chapter, "--json"]
    greedy, named = (json.loads(run(capsys, *evaluate, *more)[1]) for more in (["--no-lm"], ["--decoder", "greedy"]))
    assert greedy["decoder"] == named["decoder"] == "greedy" and greedy["wer"] == named["wer"] and "lm" not in greedy
    beam = json.loads(run(capsys, *evaluate, "--decoder", "beam", "--no-lm")[1])
    assert beam["decoder"] == "beam" and "lm" not in beam and beam["cer"] <= greedy["cer"] + 0.05
    default, named = (json.loads(run(capsys, *evaluate, *more)[1]) for more in ([], ["--decoder", "beam"]))
    assert default["lm"] == named["lm"] == str(shipped_lm()) and default["wer"] == named["wer"]
    assert "decoded by beam search with" in run(capsys, *evaluate[:-1])[1]
    clips = sorted(chapter.rglob("*.flac"))[:2]
    status, out, _ = run(capsys, "transcribe", *clips, "--model", model)
    assert status == 0 and len(out.splitlines()) == 2
    fused = run(capsys, "transcribe", clips[0])[1]  # the shipped models
    assert fused == run(capsys, "transcribe", clips[0], "--lm", shipped_lm())[1] != "\n"
    alone = run(capsys, "transcribe", clips[0], "--no-lm")[1].strip()
    assert alone == Recognizer.load(shipped_model()).transcribe(read_audio(clips[0]))
    assert run(capsys, "transcribe", clips[0], "--no-lm", "--lm", "x.arpa")[0] == 2


@pytest.fixture(scope="module")
def lm_file(mini, tmp_path_factory):
    path = tmp_path_factory.mktemp("lm") / "mini.lm"
    assert main(["lm", str(mini / "train-mini"), "--out", str(path)]) == 0
    return path


@pytest.mark.slow
def test_lm_then_evaluate_with_it(capsys, mini, model, lm_file):
    evaluate = ["evaluate", model, mini / "test-mini" / "9007", "--json"]  # a voice that is not read without errors
    greedy = json.loads(run(capsys, *evaluate, "--no-lm")[1])
    fused = json.loads(run(capsys, *evaluate, "--lm", lm_file, "--width", 32)[1])
    assert fused["wer"] < greedy["wer"]
    assert fused["decoder"] == "beam" and fused["lm"] == str(lm_file)
    assert 0 < fused["decoder_ms_per_audio_second"] < 1000 * fused["real_time_factor"]
    status, _, err = run(capsys, *evaluate, "--decoder", "greedy", "--lm", lm_file)
    assert status == 2 and "leave --decoder greedy out" in err


def test_hotwords_are_found_and_said_to_be_useless_without_a_language_model(capsys, mini, chapter, lm_file, tmp_path):
    clip = next((mini.parent / "real").rglob("5639-40744-0007.flac"))
    listed = tmp_path / "names.txt"
    listed.write_text("leocadia\t7\n")
    plain, found = (
        run(capsys, "transcribe", clip, "--lm", lm_file, *more) for more in ([], ["--hotwords", listed, "N°5"])
    )
    assert found[0] == 0 and "LEOCADIA" in found[1] and "LEOCADIA" not in plain[1]
    assert found[2].splitlines()[-1].startswith("asr: hotwords left out: 'N°5' (") and "LEOCADIA" not in found[2]
    for options in (["--no-lm", "--hotwords", "Leocadia"], ["--lm", lm_file, "--hotwords", "N°5", "7"]):
        status, out, err = run(capsys, "transcribe", clip, *options)
        assert (status, out, len(err.splitlines())) == (2, "", 1) and "otwords" in err
    status, _, err = run(capsys, "evaluate", shipped_model(), chapter, "--no-lm", "--hotwords", "Leocadia")
    assert status == 2 and "--hotwords needs a language model" in err


def test_words_have_times_and_confidence(capsys, chapter, lm_file):
    clip = sorted(chapter.rglob("*.flac"))[0]
    text = run(capsys, "transcribe", clip)[1].strip()
    status, out, _ = run(capsys, "transcribe", clip, "--words")
    rows = [line.split("\t") for line in out.splitlines()]
    assert status == 0 and [row[3] for row in rows] == text.split()
    assert all(0 <= float(start) < float(end) and 0 < float(sure) <= 1 for start, end, sure, _ in rows)
    status, out, _ = run(capsys, "transcribe", clip, clip, "--words", "--lm", lm_file)
    assert status == 0 and {line.split("\t")[0] for line in out.splitlines()} == {str(clip)}


def test_align_prints_ctm(capsys, chapter, tmp_path):
    line = next(chapter.rglob("*.trans.txt")).read_text().splitlines()[0]
    key, text = line.split(maxsplit=1)
    clip, file = next(chapter.rglob(f"{key}.flac")), tmp_path / "words.txt"
    file.write_text(text.lower())
    status, out, _ = run(capsys, "align", clip, text)
    rows = [line.split() for line in out.splitlines()]
    assert status == 0 and [row[4] for row in rows] == text.split()
    assert all(row[0] == key and row[1] == "1" for row in rows)
    starts = [float(row[2]) for row in rows]
    assert starts == sorted(starts)
    assert run(capsys, "align", clip, file)[1] == out
    captions = run(capsys, "align", clip, file, "--format", "srt")[1]
    assert captions.startswith("1\n00:00:00,") and text.split()[-1] in captions
    assert run(capsys, "align", clip, file, "--format", "text")[1] == text + "\n"


def test_align_reads_a_text_as_import_does(capsys, chapter, mini):
    clip = sorted(chapter.rglob("*.flac"))[0]
    _, out, _ = run(capsys, "align", clip, "“Channel 16”, please: it’s 2nd.", "--format", "text")
    assert out == "CHANNEL SIXTEEN PLEASE IT'S SECOND\n"


def test_align_warns_of_a_text_that_was_not_said(capsys, mini):
    """The second half alone is wrong; its words are named, and its place."""
    folder = mini / "test-mini/9001/1"
    said, other = (line.split(maxsplit=1)[1] for line in (folder / "9001-1.trans.txt").read_text().splitlines()[:2])
    clip = folder / "9001-1-0000.flac"
    assert run(capsys, "align", clip, said)[0] == 0
    status, out, err = run(capsys, "align", clip, other)
    assert status == 1 and len(out.splitlines()) == len(other.split())
    assert len(err.splitlines()) == 1 and f"{len(other.split())} of {len(other.split())} words do not fit" in err
    half = " ".join([*said.split()[:3], "QUICK", "BROWN", "FOXES", "LEAP", "HIGH"])
    status, _, err = run(capsys, "align", clip, half)
    assert status == 1 and "QUICK BROWN FOXES" in err and "HAZEL" not in err


@pytest.mark.parametrize(("text", "complaint"), [("HARBOUR " * 99, "too long"), ("COSTS $5", "in several ways")])
def test_a_text_that_cannot_be_aligned_is_one_line(capsys, chapter, text, complaint):
    clip = sorted(chapter.rglob("*.flac"))[0]
    status, _, err = run(capsys, "align", clip, text)
    assert status == 2 and complaint in err and len(err.splitlines()) == 1


def test_captions_json_and_ctm(capsys, chapter, tmp_path):
    clip = sorted(chapter.rglob("*.flac"))[0]
    text = run(capsys, "transcribe", clip)[1].split()
    status, out, _ = run(capsys, "transcribe", clip, clip, "--format", "json")
    assert status == 0
    for line in map(json.loads, out.splitlines()):
        assert line["recording"] == str(clip) and [word["text"] for word in line["words"]] == text
    out = run(capsys, "transcribe", clip, "--format", "ctm")[1]
    assert [line.split()[0] for line in out.splitlines()] == [clip.stem] * len(text)
    assert run(capsys, "transcribe", clip, "--format", "vtt")[1].startswith("WEBVTT\n\n00:00:00.")
    assert run(capsys, "transcribe", clip, "--format", "srt")[1].startswith("1\n00:00:00,")
    status, out, err = run(capsys, "transcribe", clip, clip, "--format", "srt")
    assert (status, out) == (2, "") and "--output-dir" in err


def test_files_in_several_formats_and_whose_they_are(capsys, mini, tmp_path):
    folder, texts = mini / "test-mini/9001/1", tmp_path / "texts"
    clips = sorted(folder.glob("*.flac"))[:2]
    transcribe = ["transcribe", "--no-lm", "--lower"]
    into = ["--output-dir", texts, "--format", "text", "--format", "srt", "--words"]
    names = [f"{clip.stem}{suffix}" for clip in clips for suffix in (".txt", ".srt", ".tsv")]
    missing = tmp_path / "missing.wav"
    status, out, err = run(capsys, *transcribe, *clips, missing, *into)
    assert status == 1 and str(missing) in err
    assert out.splitlines() == [str(texts / name) for name in names]
    assert {path.name for path in texts.iterdir()} == {*names, "made-by-asr-transcribe"}
    text = (texts / names[0]).read_text()
    assert text == run(capsys, *transcribe, clips[0])[1] == text.lower() and len(text.split()) > 3
    assert [line.split("\t")[3] for line in (texts / names[2]).read_text().splitlines()] == text.split()
    assert run(capsys, *transcribe, clips[0], *into)[0] == 0  # the folder is its own

    theirs = tmp_path / "theirs"
    theirs.mkdir()
    (theirs / names[0]).write_text("mine")
    status, out, err = run(capsys, *transcribe, clips[0], "--output-dir", theirs)
    assert (status, out) == (2, "") and "`asr transcribe` did not make it" in err
    assert (theirs / names[0]).read_text() == "mine" and len(list(theirs.iterdir())) == 1
    other = tmp_path / f"{clips[0].stem}.wav"
    status, _, err = run(capsys, *transcribe, clips[0], other, *into)
    assert status == 2 and "would both write" in err
    status, _, err = run(capsys, *transcribe, clips[0], "--format", "srt", "--format", "vtt")
    assert status == 2 and "several formats need --output-dir" in err


@pytest.mark.skipif(os.name != "posix", reason="needs names that Windows has not")
@pytest.mark.parametrize("form", ["text", "json", "ctm"])
def test_names_are_printed_as_text(capsys, chapter, tmp_path, form):
    clip = sorted(chapter.rglob("*.flac"))[0]
    odd = [os.fsdecode(os.fsencode(tmp_path) + name) for name in (b"/two\nlines.flac", b"/not \xff utf-8.flac")]
    for name in odd:
        shutil.copy(clip, name)
    status, out, _ = run(capsys, "transcribe", *odd, "--format", form, "--no-lm")
    assert status == 0 and out.encode() and r"not" in out
    if form != "ctm":
        assert len(out.splitlines()) == 2


@pytest.mark.slow
def test_any_recording_of_any_length(capsys, chapter, tmp_path):
    """A minute and a half at 44.1 kHz in stereo: the words' times go on beyond the first stretch."""
    clips = [read_audio(clip) for clip in sorted(chapter.rglob("*.flac"))]
    sound = np.resize(np.concatenate(clips), 90 * 16000)
    soundfile.write(tmp_path / "long.mp3", np.stack([soxr.resample(sound, 16000, 44100)] * 2, 1), 44100)
    status, out, err = run(capsys, "transcribe", tmp_path / "long.mp3", "--format", "ctm")
    assert status == 0 and err.count("\n") == 1 and "the mean of 2 channels was heard" in err
    starts = [float(line.split()[2]) for line in out.splitlines()]
    assert starts == sorted(starts) and 85 < starts[-1] < 90
    text = run(capsys, "transcribe", tmp_path / "long.mp3")[1]
    assert text.split() == [line.split()[4] for line in out.splitlines()]
    assert run(capsys, "align", tmp_path / "long.mp3", text)[0] == 0


def test_one_bad_file_is_one_line_and_the_others_are_transcribed(capsys, chapter, model, tmp_path):
    clip = sorted(chapter.rglob("*.flac"))[0]
    stereo, fast, silent = (tmp_path / f"{name}.wav" for name in ("stereo", "fast", "silent"))
    soundfile.write(stereo, np.full((16000, 2), 0.1), 16000)
    soundfile.write(fast, np.full(44100, 0.1), 44100)
    soundfile.write(silent, np.zeros(16000), 16000)
    cut = tmp_path / "cut.flac"
    cut.write_bytes(clip.read_bytes()[: clip.stat().st_size // 2])
    missing = tmp_path / "missing.wav"
    status, out, err = run(capsys, "transcribe", stereo, clip, fast, cut, missing, silent, "--model", model)
    assert status == 1
    assert [line.split("\t")[0] for line in out.splitlines()] == [str(stereo), str(clip), str(fast), str(silent)]
    lines = [line for line in err.splitlines() if line.startswith("asr: ")]
    remarks = [line for line in lines if "the mean of 2 channels was heard" in line]
    assert len(remarks) == 1 and str(stereo) in remarks[0]
    lines.remove(remarks[0])
    assert len(lines) == 2
    for path, line in zip((cut, missing), lines, strict=True):
        assert str(path) in line
    assert run(capsys, "transcribe", cut, missing)[0] == 2


def test_a_cut_off_clip_does_not_stop_an_evaluation(capsys, chapter, model, tmp_path):
    corpus = tmp_path / "corpus"
    shutil.copytree(chapter, corpus)
    clips = sorted(corpus.rglob("*.flac"))
    clips[0].write_bytes(clips[0].read_bytes()[:-4000])
    status, out, err = run(capsys, "evaluate", model, corpus, "--json", "--no-lm")
    assert status == 0 and json.loads(out)["utterances"] == len(clips) - 1
    assert str(clips[0]) in err
    for clip in clips[1:]:
        clip.unlink()
    status, _, err = run(capsys, "evaluate", shipped_model(), corpus, "--no-lm")
    assert status == 2 and err.splitlines()[-1].endswith("no usable utterance")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["evaluate", "no.keras", "{corpus}"], "no.keras"),
        (["evaluate", "{model}", "nowhere"], "nowhere: no such folder"),
        (["evaluate", "{model}", "{empty}"], "no *.trans.txt"),
        (["download", "train-clean-99"], "train-clean-100"),
        (["convert", "nowhere", "{empty}"], "nowhere"),
        (["train", "--train", "{corpus}", "--valid", "{corpus}", "--run", "{empty}", "--resume"], "no run to resume"),
        (["compare", "{empty}", "{corpus}"], "crnn.keras"),
        (["lm", "{empty}", "--out", "{empty}/x.arpa"], "no *.trans.txt"),
        (["lm", "no.txt", "--out", "{empty}/x.arpa"], "no.txt: no such file"),
        (["evaluate", "{model}", "{corpus}", "--decoder", "beam", "--lm", "no.arpa"], "no.arpa: no such file"),
        (["evaluate", "{model}", "{corpus}", "--decoder", "beam", "--lm", "{model}"], "not readable"),
        (["evaluate", "{model}", "{corpus}", "--decoder", "beam", "--width", "0"], "0 is not 1 or more"),
        (["evaluate", "{model}", "{corpus}", "--decoder", "beam", "--lm-weight", "nan"], "nan is not a number within"),
        (["evaluate", "{model}", "{corpus}", "--decoder", "beam", "--lm", "{empty}/foreign.arpa"], "no word"),
        (["import", "{corpus}", "--out", "{empty}", "--workers", "-1"], "-1 is not 1 or more"),
        (["import", "{corpus}", "--out", "{empty}", "--workers", "257"], "257 is more than 256"),
        (["transcribe", "no.wav", "--threads", "99999"], "99999 is more than 256"),
        (["compare", "{empty}", "{corpus}", "--threads", "1", "99999"], "99999 is more than 256"),
        (["lm", "{empty}/digits.txt", "--out", "{empty}/x.arpa", "--alphabet", "auto"], "digits.txt: holds no letter"),
        (["align", "no.wav", "HELLO"], "no.wav"),
        (["align", "no.wav", ""], "TEXT: holds no word"),
        (["quantize", "no.keras", "--out", "{empty}", "--calibrate", "{corpus}"], "no.keras"),
        (["evaluate", "{model}", "{corpus}", "--limit", "-90"], "-90 is not 1 or more"),
        (["train", "--train", "{corpus}", "--valid", "{corpus}", "--run", "{empty}", "--epochs", "-1"], "-1 is"),
        (
            ["train", "--train", "x", "--valid", "x", "--run", "{empty}", "--resume", "--start", "no.keras"],
            "leave --start out",
        ),
        (["compare", "{empty}", "{corpus}", "--figure", "{model}/x.png"], "crnn.keras: File exists"),
        (["evaluate", "no\x1b[31m\n.keras", "{corpus}"], r"no\x1b[31m\n.keras"),
        (["evaluate"], "required"),
        (["transcrib", "x.wav"], "no command is called 'transcrib'; did you mean transcribe?"),
        (["transcribe", "x.wav", "--fromat", "srt"], "no option is called --fromat; did you mean --format?"),
        (["--verson"], "did you mean --version?"),
        (["quantize", "x.onnx", "--out", "{empty}", "--calibrate", "{corpus}"], "x.onnx: needs a name in .keras"),
    ],
)
def test_a_mistake_is_one_clear_line(capsys, arguments, words, chapter, model, tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    (empty / "digits.txt").write_text("11\n")
    marks = "\\data\\\nngram 1=3\n\n\\1-grams:\n-1 </s>\n-99 <s> 0\n-1 <unk>\n\n\\end\\\n"
    (empty / "foreign.arpa").write_text(marks)
    filled = [part.format(corpus=chapter, model=model, empty=empty) for part in arguments]
    status, _, err = run(capsys, *filled)
    assert status == 2
    assert words in err and len(err.strip().splitlines()) == 1


def test_a_corpus_in_other_letters_is_not_prepared(capsys, chapter, tmp_path):
    (tmp_path / "abc.txt").write_text("A\nB\nC\n")
    status, _, err = run(capsys, "prepare", chapter, "--out", tmp_path / "out", "--alphabet", tmp_path / "abc.txt")
    assert status == 2 and err.splitlines()[-1].startswith(f"asr: {chapter}: holds no usable utterance")


def test_stderr_is_ours_alone(chapter, tmp_path):
    command = [sys.executable, "-m", "asr_helpers", "evaluate", tmp_path / "no.keras", chapter]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 2 and len(result.stderr.splitlines()) == 1


INTERRUPT = """
import os, signal, sys
sys.argv = ["asr", "convert", sys.argv[1], sys.argv[2]]
from asr_helpers.cli import entry

class Finder:  # Ctrl-C while NumPy is imported, which makes an ImportError of it
    def find_spec(self, name, *rest):
        if name == "numpy":
            try:
                os.kill(os.getpid(), signal.SIGINT)
                for _ in range(10**6): pass
            except KeyboardInterrupt:
                raise ImportError("cannot load module more than once per process")

sys.meta_path.insert(0, Finder())
entry.script()
"""


def test_ctrl_c_in_the_middle_of_an_import_is_one_line(chapter, tmp_path):
    command = [sys.executable, "-c", INTERRUPT, chapter, tmp_path]
    result = subprocess.run(command, capture_output=True, text=True)
    assert (result.returncode, result.stderr) == (130, "asr: stopped; what was finished is kept\n")


BUSY = """
import threading, time
from asr_helpers.cli import entry

def main():
    threading.Thread(target=time.sleep, args=[60]).start()
    print("done")
    return 3

entry.main = main
entry.script()
"""


def test_the_command_ends_although_a_library_has_not(tmp_path):
    result = subprocess.run([sys.executable, "-c", BUSY], capture_output=True, text=True, timeout=30)
    assert (result.returncode, result.stdout) == (3, "done\n")


@pytest.mark.parametrize(
    ("redirected", "status", "complaint"),
    [
        ("transcribe {clip} >&-", 0, ""),
        ("transcribe - <&-", 2, "asr: standard input: not readable as audio"),
        ("transcribe {clip} 2>&-", 0, ""),
        ("transcribe {clip} >/dev/full", 2, "asr: No space left on device; free some space and run this again"),
        ("evaluate {model} {corpus} --limit 1 --no-lm --json | true; exit ${{PIPESTATUS[0]}}", 141, ""),
    ],
)
def test_closed_and_full_streams_are_no_bugs(redirected, status, complaint):
    people = data_dir() / "real"
    clip = min(people.rglob("*.flac"))
    command = f"{sys.executable} -m asr_helpers " + redirected.format(clip=clip, model=shipped_model(), corpus=people)
    result = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=120)
    assert result.returncode == status and "Traceback" not in result.stderr
    assert result.stderr.startswith(complaint) and result.stderr.count("\n") <= 1


def test_light_modules_do_not_import_tensorflow():
    modules = [
        "text",
        "sound.mel",
        "corpus.reading",
        "words.decoders",
        "words.alignment",
        "words.captions",
        "words.kneser_ney",
        "words.metrics",
        "own_data.any_audio",
        "recognizer",
        "recognizer.recognizer",
        "recognizer.evaluation",
        "cli.entry",
    ]
    code = f"import {', '.join('asr_helpers.' + name for name in modules)}, sys; assert 'tensorflow' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


COMMANDS = [
    "doctor",
    "download",
    "convert",
    "import",
    "prepare",
    "train",
    "evaluate",
    "transcribe",
    "listen",
    "align",
    "lm",
    "quantize",
    "web",
    "compare",
]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself_by_examples_that_it_understands(capsys, command):
    status, out, _ = run(capsys, command, "--help")
    assert status == 0 and "\nexamples:\n" in out
    examples = out.split("\nexamples:\n")[1].splitlines()
    for line in examples:
        arguments = shlex.split(line.split("|")[-1])
        assert line.startswith("  ") and arguments[:2] == ["asr", command]
        build_parser().parse_args(arguments[1:])


def test_compiling_is_announced_when_something_is_compiled(capsys, monkeypatch):
    monkeypatch.setattr(compiling._Announcer, "SECONDS", 0.0)
    function = numba.njit(lambda x: x + 1)
    lines = []
    for _ in range(2):
        with compiling.announced():
            assert function(1) == 2
        lines.append(capsys.readouterr().err)
    assert lines == ["compiling the beam search for this machine; the next start will be fast\n", ""]


def test_asr_alone_is_its_help_and_the_version_is_the_packages(capsys):
    status, out, err = run(capsys)
    assert (status, err) == (0, "") and "examples:\n  asr transcribe talk.mp3" in out
    assert all(f"\n    {command}" in out for command in COMMANDS)
    assert run(capsys, "--version")[:2] == (0, f"asr_helpers {version('asr_helpers')}\n")


def test_the_help_tells_the_error_rates_of_the_results(capsys):
    results = (Path(__file__).parents[1] / "notebooks/RESULTS.md").read_text()
    greedy, fused = (
        float(re.search(rf"^\| {row}.*?\| (\d+\.\d) %", results, re.MULTILINE)[1])
        for row in ("dev-clean, 4 speakers", "the same with the shipped language model, the default")
    )
    assert (round(fused), round(greedy)) == parsing.SHIPPED_WER
    words = " ".join(run(capsys, "transcribe", "--help")[1].split())
    assert f"{round(fused)} % of the words wrong on new speakers, {round(greedy)} % with --no-lm" in words


def test_compare_takes_models_of_others_and_says_that_the_machine_is_busy(capsys, chapter, tmp_path, monkeypatch):
    for name in ("a.onnx", "b.onnx"):
        shutil.copy(shipped_model(), tmp_path / name)
    compare = ["compare", tmp_path, chapter, "--threads", 1, "--limit", 1, "--json"]
    monkeypatch.setattr(os, "getloadavg", lambda: (0.0, 0.0, 0.0))
    status, out, err = run(capsys, *compare)
    assert status == 0 and [row["name"] for row in json.loads(out)["variants"]] == ["a.onnx", "b.onnx"]
    assert "busy" not in err
    monkeypatch.setattr(os, "getloadavg", lambda: (99.0, 0.0, 0.0))
    assert "this machine is busy (load 99.0 on" in measure.busy()[0]


# ------------------------------------------------------------------------------------------ bugs look like bugs


def mismatch(*_, **__):
    """Stand in for a helper with a bug: NumPy's own error for arrays of different shapes, a ValueError."""
    return np.zeros(2) + np.zeros(3)


@pytest.mark.parametrize("debug", ["", "1"])
@pytest.mark.parametrize(
    ("arguments", "helper"),
    [
        (["transcribe", "{clip}"], "recognizer.recognizer.features"),
        (["transcribe", "{clip}", "--words"], "words.alignment.align"),
        (["transcribe", "{clip}", "--no-lm"], "recognizer.recognizer.greedy"),
        (["align", "{clip}", "HELLO"], "words.alignment.viterbi"),
        (["evaluate", "{fast}", "{corpus}", "--no-lm"], "recognizer.recognizer.features"),
        (["evaluate", "{fast}", "{corpus}", "--no-lm"], "recognizer.evaluation.score"),
        (["lm", "{corpus}", "--out", "{empty}/x.arpa", "--alphabet", "auto"], "words.sentences.read_transcript"),
    ],
)
def test_a_bug_in_a_helper_is_not_reported_as_the_users_mistake(
    capsys, chapter, monkeypatch, tmp_path, arguments, helper, debug
):
    monkeypatch.setenv("ASR_DEBUG", debug)
    monkeypatch.setattr(f"asr_helpers.{helper}", mismatch)
    clip = sorted(chapter.rglob("*.flac"))[0]
    filled = [part.format(clip=clip, fast=shipped_model(), corpus=chapter, empty=tmp_path) for part in arguments]
    with pytest.raises(ValueError, match="could not be broadcast together"):
        main(filled)
    assert not [line for line in capsys.readouterr().err.splitlines() if line.startswith("asr: ")]


def test_debugging_raises_a_users_mistake_too(capsys, monkeypatch):
    monkeypatch.setenv("ASR_DEBUG", "1")
    with pytest.raises(OneLineError, match=r"no\.onnx"):
        main(["evaluate", "no.onnx", "nowhere"])
    assert capsys.readouterr().err == ""


def test_the_command_ends_a_bug_with_a_traceback_and_status_1():
    code = "from asr_helpers.cli import entry; entry.build_parser = lambda: 1 / 0; entry.script()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30)
    assert done.returncode == 1
    assert done.stderr.startswith("Traceback") and done.stderr.endswith("ZeroDivisionError: division by zero\n")


@pytest.mark.parametrize(("command", "helper"), [("transcribe", "segments"), ("align", "stream")])
def test_too_little_memory_is_one_line(capsys, chapter, monkeypatch, command, helper):
    def exhausted(*_, **__):
        raise MemoryError("Unable to allocate 40 GiB")

    target = {"segments": "recognizer.windows.segments", "stream": "recognizer.recognizer.Recognizer.stream"}[helper]
    monkeypatch.setattr(f"asr_helpers.{target}", exhausted)
    status, _, err = run(capsys, command, sorted(chapter.rglob("*.flac"))[0], *(["HELLO"] * (command == "align")))
    assert status == 2 and len(err.splitlines()) == 1 and "40 GiB" in err
