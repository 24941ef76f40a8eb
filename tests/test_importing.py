import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from test_cli import run

from asr_helpers.corpus import CorpusError, load_corpus
from asr_helpers.own_data import import_corpus, list_clips, spell_out, spoken
from asr_helpers.own_data.importing import TABLE
from asr_helpers.sound import SAMPLE_RATE, as_flac, read_audio


def sound(path, rate=22050, seconds=0.5, channels=1, **how):
    path.parent.mkdir(parents=True, exist_ok=True)
    tone = 0.3 * np.sin(2 * np.pi * 440 * np.arange(round(rate * seconds)) / rate)
    soundfile.write(path, np.stack([tone] * channels, 1), rate, **how)


def common_voice(folder):
    for name in ("common_voice_en_1", "common_voice_en_2", "common_voice_en_3"):
        sound(folder / "clips" / f"{name}.mp3", 48000)
    rows = [
        ("client_id", "path", "sentence", "age"),
        ("a3f0" * 32, "common_voice_en_1.mp3", "“Hello,” she said.", ""),
        ("a3f0" * 32, "common_voice_en_2.mp3", "It’s 5 o'clock", "teens"),
        ("a3f1" * 32, "common_voice_en_3.mp3", "naïve", ""),
    ]
    (folder / "validated.tsv").write_text("\n".join("\t".join(row) for row in rows), encoding="utf-8")
    return folder


def lj_speech(folder):
    for name in ("LJ001-0001", "LJ001-0002"):
        sound(folder / "wavs" / f"{name}.wav")
    lines = ["LJ001-0001|in 1455|in fourteen fifty-five", "LJ001-0002|Printing, only.|"]
    (folder / "metadata.csv").write_text("\n".join(lines), encoding="utf-8")
    return folder


def json_lines(folder):
    sound(folder / "long.wav", 8000, 3, subtype="ULAW")
    sound(folder / "more/take.flac", 44100, channels=2)
    entries = [
        {"audio_filepath": "long.wav", "text": "one", "offset": 0.5, "duration": 1.0, "speaker": 17},
        {"audio_filepath": "long.wav", "text": "two", "offset": 2.0, "duration": 0.5, "speaker": 17},
        {"audio_filepath": str(folder / "more/take.flac"), "text": "three", "duration": 0.5},
    ]
    (folder / "manifest.json").write_text("\n".join(map(json.dumps, entries)))
    return folder / "manifest.json"


def kaldi(folder):
    sound(folder / "rec1.wav", 16000, 2)
    sound(folder / "rec2.wav", 16000, 1)
    (folder / "wav.scp").write_text(f"rec1 {folder}/rec1.wav\nrec2 rec2.wav\nrec3 sph2pipe -f wav x.sph |\n")
    (folder / "segments").write_text("u1 rec1 0.0 0.75\nu2 rec1 1.0 2.0\n")
    (folder / "text").write_text("u1 GOOD MORNING\nu2 NINETY NINE\nrec2 YES\n")
    (folder / "utt2spk").write_text("u1 anna\nu2 anna\nrec2 bert\n")
    return folder


def beside(folder):
    sound(folder / "Anna/take 1.ogg", 44100)
    sound(folder / "Anna/take_2.wav", 16000)
    sound(folder / "bert/x.flac", 16000)
    for name, text in (("Anna/take 1", "Hello\nthere"), ("Anna/take_2", "\ufeffHow are you?"), ("bert/x", "Fine.")):
        (folder / f"{name}.txt").write_text(text, encoding="utf-8")
    return folder


SAMPLES = {
    common_voice: {
        "a3f0a3f0a3f0-1-commonvoiceen1": "HELLO SHE SAID",
        "a3f0a3f0a3f0-1-commonvoiceen2": "IT'S FIVE O'CLOCK",
        "a3f1a3f1a3f1-1-commonvoiceen3": "NAIVE",
    },
    lj_speech: {"source-1-LJ0010001": "IN FOURTEEN FIFTY FIVE", "source-1-LJ0010002": "PRINTING ONLY"},
    json_lines: {"17-1-long": "ONE", "17-1-longx2": "TWO", "manifest-1-take": "THREE"},
    kaldi: {"anna-1-u1": "GOOD MORNING", "anna-1-u2": "NINETY NINE", "bert-1-rec2": "YES"},
    beside: {"Anna-1-take1": "HELLO THERE", "Anna-1-take2": "HOW ARE YOU", "bert-1-x": "FINE"},
}


def snapshot(folder):
    return {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("made", SAMPLES, ids=lambda made: made.__name__)
def test_a_data_set_becomes_a_corpus(made, tmp_path):
    source = made(tmp_path / "source")
    before = snapshot(tmp_path / "source")
    result = import_corpus(source, tmp_path / "out", workers=1)
    corpus = load_corpus(tmp_path / "out")
    assert {each.id: each.text for each in corpus} == SAMPLES[made]
    assert (result.problems, corpus.problems, result.clips) == ([], [], len(corpus))
    assert result.speakers == len({each.speaker for each in corpus})
    for each in corpus:
        assert np.abs(read_audio(each.path)).max() == pytest.approx(0.3, abs=0.03)
    assert snapshot(tmp_path / "source") == before


def test_parts_of_a_recording_have_their_length(tmp_path):
    import_corpus(kaldi(tmp_path / "source"), tmp_path / "out", workers=1)
    lengths = {each.id: each.seconds for each in load_corpus(tmp_path / "out")}
    assert lengths == {"anna-1-u1": 0.75, "anna-1-u2": 1.0, "bert-1-rec2": 1.0}


def test_a_run_goes_on_and_notices_what_changed(tmp_path):
    source, out = beside(tmp_path / "source"), tmp_path / "out"
    import_corpus(source, out, workers=1)
    written = {path: path.stat().st_mtime_ns for path in out.rglob("*.flac")}
    lost, half, _ = sorted(written)
    lost.unlink()
    half.write_bytes(half.read_bytes()[:50])
    sound(source / "bert/x.flac", 16000, 0.75)
    import_corpus(source, out, workers=1)
    assert {each.id: each.seconds for each in load_corpus(out)}["bert-1-x"] == 0.75
    now = {path: path.stat().st_mtime_ns for path in out.rglob("*.flac")}
    assert now.keys() == written.keys() and all(now[path] != written[path] for path in written)
    import_corpus(source, out, workers=1)
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*.flac")} == now


def test_what_is_left_out_has_its_line_and_its_row(tmp_path, capsys):
    source = beside(tmp_path / "source")
    (source / "bert/x.txt").write_text("[laughs] $5")
    (source / "Anna/take 1.ogg").write_bytes(b"rubbish")
    sound(source / "bert/alone.wav")
    status, out, err = run(capsys, "import", source, "--out", tmp_path / "out", "--workers", 1)
    assert status == 1 and "1 utterances of 1 speakers, 1 texts changed, 3 left out" in out
    lines = [line for line in err.splitlines() if line.startswith("asr: ")]
    assert len(lines) == 3 and all(any(name in line for line in lines) for name in ("x.flac", "take 1.ogg", "alone"))
    rows = [line.split("\t") for line in (tmp_path / "out" / TABLE).read_text().splitlines()]
    assert rows[0] == ["id", "file", "was", "is", "changed"]
    assert [row[4].split(":")[0] for row in rows[1:]] == ["left out", "punctuation", "left out"]
    assert [each.text for each in load_corpus(tmp_path / "out")] == ["HOW ARE YOU"]


def test_another_language_keeps_its_letters(tmp_path):
    source = beside(tmp_path / "source")
    (source / "bert/x.txt").write_text("Übermorgen um 12 Uhr!", encoding="utf-8")
    import_corpus(source, tmp_path / "out", "de", workers=1)
    lines = (tmp_path / "out/bert/1/bert-1.trans.txt").read_text(encoding="utf-8")
    assert lines == "bert-1-x ÜBERMORGEN UM ZWÖLF UHR\n"


def test_commands_in_kaldis_wav_scp_are_not_run(tmp_path):
    source = kaldi(tmp_path / "source")
    (source / "text").write_text("rec3 NO\nrec4 NO\nrec2 YES\n")
    clips, problems = list_clips(source)
    assert [clip.name for clip in clips] == ["rec2"]
    assert "rec3: is a command" in problems[0] and "rec4: names no recording" in problems[1]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("missing", None, "no such file"),
        ("list.tsv", "a\tb\n1\t2\n", "client_id, path and sentence"),
        ("m.jsonl", "not json\n[1]\n", "line 1: is no JSON object"),
        ("empty/readme.md", "", "lists no clip"),
        ("lj/metadata.csv", "no bar here\n", "line 1: no |"),
    ],
)
def test_no_data_set_is_one_line(tmp_path, name, content, message):
    path = tmp_path / name
    if content is not None:
        path.parent.mkdir(exist_ok=True)
        path.write_text(content)
    source = path if path.parent == tmp_path else path.parent
    with pytest.raises(CorpusError) as caught:
        import_corpus(source, tmp_path / "out")
    assert message in str(caught.value) and str(source) in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("segments", "u1\nu2 rec1 1.0 2.0\n"),
        ("segments", "u1 rec1 nan 1\nu2 rec1 1.0 2.0\n"),
        ("segments", "u1 rec1 0 1e999\nu2 rec1 1.0 2.0\n"),
        ("segments", "u1 rec1 -1 1\nu2 rec1 1.0 2.0\n"),
        ("wav.scp", "rec1 \0.wav\nrec2 rec2.wav\n"),
        ("text", f"u1 {'9' * 5000}TH\nu2 NINETY NINE\nrec2 YES\n"),
    ],
)
def test_an_odd_row_has_its_line_and_the_rest_goes_on(tmp_path, capsys, name, content):
    source = kaldi(tmp_path)
    (source / name).write_text(content)
    status, out, err = run(capsys, "import", source, "--out", tmp_path.with_name(f"{tmp_path.name}-out"))
    assert status == 1 and "left out" in err
    assert int(out.split(": ")[1].split()[0]) >= 1


@pytest.mark.parametrize(
    "times", ['"offset": NaN', '"offset": -1', '"offset": 1e999', '"offset": 1, "duration": 1e999']
)
def test_an_impossible_time_in_a_manifest_is_left_out(tmp_path, times):
    manifest = json_lines(tmp_path)
    row = f'{{"audio_filepath": "long.wav", "text": "four", {times}}}'
    manifest.write_text(manifest.read_text() + "\n" + row)
    clips, problems = list_clips(manifest)
    assert [clip.text for clip in clips] == ["one", "two", "three"] and "line 4" in problems[0]


def test_the_source_is_not_written_into(tmp_path):
    with pytest.raises(CorpusError, match="lies in the source"):
        import_corpus(beside(tmp_path / "source"), tmp_path / "source" / "out")


@pytest.mark.parametrize(
    ("text", "spoken", "changes"),
    [
        ("HELLO", "HELLO", []),
        ("Hello — she’s “in”!", "HELLO SHE'S IN", ["punctuation"]),
        ("'Twas the dogs' day", "TWAS THE DOGS DAY", ["punctuation"]),
        ("1,234 of 2.5", "ONE THOUSAND TWO HUNDRED AND THIRTY FOUR OF TWO POINT FIVE", ["numbers", "punctuation"]),
        ("the 21st, in 1984", "THE TWENTY FIRST IN NINETEEN EIGHTY FOUR", ["numbers", "punctuation"]),
        ("007", "ZERO ZERO SEVEN", ["numbers"]),
        ("R&D, 50%", "R AND D FIFTY PERCENT", ["symbols", "numbers", "punctuation"]),
        ("café", "CAFE", ["accents"]),
        ("the U.S.A.", "THE U S A", ["punctuation"]),
    ],
)
def test_texts_become_what_was_said(text, spoken, changes):
    assert spell_out(text) == (spoken, changes)


@pytest.mark.parametrize(
    ("text", "language", "spoken"),
    [
        ("1.234,5 Öfen", "de", "EINTAUSENDZWEIHUNDERTVIERUNDDREISSIG KOMMA FÜNF ÖFEN"),
        ("el 3 de mayo", "es", "EL TRES DE MAYO"),
        ("l’été", "fr", "L'ÉTÉ"),
        ("в 12 раз", "uk", "В ДВАНАДЦЯТЬ РАЗ"),
        ("ısı iyi", "tr", "ISI İYİ"),
    ],
)
def test_other_languages_have_their_own_numbers_and_letters(text, language, spoken):
    assert spell_out(text, language)[0] == spoken


@pytest.mark.parametrize(
    ("text", "language", "message"),
    [
        ("[noise]", "en", "several ways"),
        ("$5", "en", "several ways"),
        ("1/2", "en", "several ways"),
        ("привет", "en", "several ways"),
        ("...", "en", "no word"),
        ("5 things", "xx", "no language 'xx'"),
    ],
)
def test_what_may_be_read_in_several_ways_is_left_out(text, language, message):
    with pytest.raises(ValueError, match=message):
        spell_out(text, language)


def test_loud_samples_are_clipped(tmp_path):
    (tmp_path / "a.flac").write_bytes(as_flac(np.array([1.0, -1.0, 1.5, -3.0, 0.5]).repeat(100)))
    assert read_audio(Path(tmp_path, "a.flac"))[::100].tolist() == [32767 / 32768, -1, 32767 / 32768, -1, 0.5]
    assert soundfile.info(tmp_path / "a.flac").samplerate == SAMPLE_RATE


@pytest.mark.parametrize(
    "written, said",
    [
        ("Mr. Smith's £5, on the 3rd of May!", "MISTER SMITH'S FIVE POUNDS ON THE THIRD OF MAY"),
        ("MISTER SMITH'S", "MISTER SMITH'S"),
        ("It’s 50% — café [music] (laughs)", "IT'S FIFTY PERCENT CAFE"),
        ("a 1/2 mile @ noon", "A ONE TWO MILE NOON"),
        ("你好 hello", "HELLO"),
        ("[BLANK_AUDIO]", ""),
        ("...", ""),
        ("", ""),
    ],
)  # fmt: skip
def test_what_a_recogniser_wrote_for_readers_as_words(written, said):
    assert spoken(written) == said
