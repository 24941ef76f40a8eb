"""Wrong text under right sound, and one odd row among good ones: a row that does not fit has its line."""

import json
import os

import numpy as np
import pytest
import soundfile

from asr_helpers.corpus import CorpusError, load_corpus
from asr_helpers.own_data import importing, list_clips, spell_out
from asr_helpers.own_data.importing import import_corpus
from asr_helpers.own_data.lj_columns import is_same_text
from asr_helpers.system import NotOursError

NOISE = (0.1 * np.random.default_rng(0).normal(size=32000)).astype(np.float32)  # two seconds


@pytest.fixture(autouse=True)
def no_processes(monkeypatch):
    monkeypatch.setattr(importing, "map_processes", lambda function, jobs, *_, **__: map(function, jobs))


def sound(path, samples=NOISE, **how):
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples, 16000, **how)


def manifest(folder, *entries):
    """Write JSON lines; an entry is an object, or a line as it stands."""
    sound(folder / "a.wav")
    sound(folder / "b.wav", np.tile(NOISE, 5))
    lines = (entry if isinstance(entry, str) else json.dumps({"audio_filepath": "b.wav", **entry}) for entry in entries)
    (folder / "m.json").write_text("\n".join(lines) + "\n", encoding="utf-8", errors="surrogatepass")
    return folder / "m.json"


def table(folder, rows, header=b"client_id\tpath\tsentence"):
    folder = folder / "en"
    for name in ("a", "b", "c"):
        sound(folder / "clips" / f"{name}.wav")
    (folder / "validated.tsv").write_bytes(b"\n".join([header, *rows]) + b"\n")
    return folder


def imported(source, out):
    """Return ({name: (text, seconds)}, problems) of an import."""
    problems = import_corpus(source, out, workers=1).problems
    assert all(line.isprintable() and len(line) < 5000 for line in problems)
    found = load_corpus(out)
    assert found.problems == []
    return {each.id.split("-")[2]: (each.text, each.seconds) for each in found}, problems


def test_a_part_is_what_its_times_say_also_at_the_beginning(tmp_path):
    entries = [{"text": "one", "offset": 0, "duration": 2.5}, {"text": "two", "offset": 3, "duration": 1.5}]
    entries += [{"text": "three", "offset": 8, "duration": None}, {"text": "four", "offset": None, "duration": 1}]
    entries += [{"text": "five", "offset": "9.5", "duration": "0.75"}]  # rounded: behind the end by less than 0.5 s
    found, problems = imported(manifest(tmp_path, *entries), tmp_path / "out")
    assert found == {
        "b": ("ONE", 2.5),
        "bx2": ("TWO", 1.5),
        "bx3": ("THREE", 2.0),
        "bx4": ("FOUR", 1.0),
        "bx5": ("FIVE", 0.5),
    }
    assert problems == []
    whole, part = np.tile(NOISE, 5), soundfile.read(tmp_path / "out/m/1/m-1-bx2.flac")[0]
    assert part == pytest.approx(whole[48000:72000], abs=1e-4)


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ({"text": None}, "its text is missing"),
        ({"text": 5}, "its text is 5, no text"),
        ({"text": ["a"]}, "no text"),
        ({"text": " "}, "its text is empty"),
        ({"text": "None"}, "as programs write a missing one"),
        ({"text": "a" * 200_000}, "200000 characters"),
        ({"text": "hi\rthere"}, "carriage return"),
        ({"text": "hi\0"}, "NUL"),
        ('{"audio_filepath": "b.wav", "text": "hi\\ud800"}', "not UTF-8"),
        ({"text": "hi", "audio_filepath": ""}, "its path is empty"),
        ({"text": "hi", "audio_filepath": 3}, "its path is 3"),
        ({"text": "hi", "audio_filepath": "x" * 300_000}, "its path has"),
        ({"text": "hi", "audio_filepath": "b\0.wav"}, "NUL"),
        ({"text": "hi", "audio_filepath": "c.wav"}, "no such file"),
        ({"text": "hi", "speaker": ["anna"]}, "its speaker is"),
        ({"text": "hi", "speaker": True}, "its speaker is True"),
        ({"text": "hi", "offset": float("nan")}, "its start is nan"),
        ({"text": "hi", "offset": float("inf")}, "its start is inf"),
        ({"text": "hi", "offset": -0.5, "duration": 1}, "its start is -0.5"),
        ({"text": "hi", "offset": True, "duration": 1}, "its start is True"),
        ({"text": "hi", "offset": "1_0", "duration": 1}, "its start is 1_0"),
        ({"text": "hi", "duration": float("inf")}, "its length is inf"),
        ({"text": "hi", "offset": 1, "duration": -1.0}, "its length is -1.0"),
        ({"text": "hi", "offset": 1, "duration": 0}, "ends at 1 s, but begins at 1 s"),
        ('{"audio_filepath": "b.wav", "text": "hi", "offset": %s}' % ("9" * 400), "its start is 999"),
        ({"text": "hi", "start": 1, "end": 2}, "has end, which is not read"),
        ({"text": "hi", "offset": 9, "duration": 2}, "lasts 10.00 s, its part goes to 11.00 s"),
        ({"text": "hi", "offset": 11}, "lasts 10.00 s"),
        ('{"audio_filepath": "b.wav", "text": "hi", "text": "ho"}', "a key is there twice"),
        ("[" * 100_000, "is no JSON object"),
        ('"hi"', "is no JSON object"),
        ({"text": "1" * 400 + "st"}, "number of 400 digits"),
        ({"text": "0." + "1" * 400}, "digits"),
    ],
    ids=str,
)  # fmt: skip
def test_a_row_that_does_not_fit_has_its_line_and_the_rest_is_imported(tmp_path, row, why):
    found, problems = imported(manifest(tmp_path, row, {"audio_filepath": "a.wav", "text": "good"}), tmp_path / "out")
    assert found == {"a": ("GOOD", 2.0)}
    assert len(problems) == 1 and why in problems[0] and f"{tmp_path / 'm.json'}: line 1: " in problems[0]


@pytest.mark.parametrize(
    ("row", "why"),
    [
        (b"s\ta.wav", "only 2 of the header's 3 fields"),
        (b"s\ta.wav\thello\tworld", "4 fields, the header 3"),
        (b"s\ta.wav\thello\rworld", "carriage return"),
        (b"s\ta.wav\t" + b"hello " * 40_000, "characters"),
        (b"s\ta.wav\t" + b"x" * 11_000_000, "characters"),
        (b"s\ta.wav\tna\xefve", "not UTF-8"),
        (b"s\ta.wav\tnan", "missing"),
        (b"s\ta.wav\t", "its text is empty"),
        (b"s\t\thello", "its path is empty"),
        (b"s\ta\0.wav\thello", "NUL"),
    ],
    ids=lambda value: str(value[:30]),
)
def test_an_odd_line_of_a_table_costs_only_itself(tmp_path, row, why):
    found, problems = imported(table(tmp_path, [b"s\tb.wav\tfine", row, b"s\tc.wav\tgood"]), tmp_path / "out")
    assert found == {"b": ("FINE", 2.0), "c": ("GOOD", 2.0)}
    assert len(problems) == 1 and why in problems[0] and "validated.tsv: line 3: " in problems[0]


def test_a_spreadsheet_may_drop_empty_fields_at_the_end_of_a_row(tmp_path):
    source = table(tmp_path, [b"s\ta.wav\tfine"], b"client_id\tpath\tsentence\tage\tgender")
    assert imported(source, tmp_path / "out")[0] == {"a": ("FINE", 2.0)}


def kaldi(folder, **files):
    sound(folder / "r1.wav", np.tile(NOISE, 5))
    sound(folder / "r2.wav")
    texts = {"wav.scp": "r1 r1.wav\nr2 r2.wav\n", "text": "u1 ONE\nr2 TWO\n", "segments": "u1 r1 3 -1\n"}
    for name, content in (texts | {name.replace("_", "."): content for name, content in files.items()}).items():
        (folder / name).write_text(content)
    return folder


def test_kaldis_segment_may_go_to_the_end(tmp_path):
    assert imported(kaldi(tmp_path), tmp_path.with_name(f"{tmp_path.name}-out"))[0] == {
        "u1": ("ONE", 7.0),
        "r2": ("TWO", 2.0),
    }


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ({"segments": "u1 r1 3 -2\n"}, "its end is -2"),
        ({"segments": "u1 r1 inf inf\n"}, "its start is inf"),
        ({"segments": "u1 r1 3 2\n"}, "ends at 2 s, but begins at 3 s"),
        ({"segments": "u1 r1 3 5 A\n"}, "3 times in segments"),
        ({"segments": "u1 r1 3 5\nu1 r1 6 7\n"}, "is listed twice"),
        ({"segments": "u1 r1 3 5\ru3 r1 6 7\n"}, "times in segments"),
        ({"text": "u1 ONE\nr2 TWO\nu1 OTHER\n"}, "is listed twice"),
        ({"text": "u1\ru3 ONE\nr2 TWO\n"}, "names no recording"),
        ({"text": "u1\nr2 TWO\n"}, "its text is empty"),
        ({"wav_scp": f"r2 r2.wav\nr1 {'x' * 300_000}\n"}, "its path has"),
        ({"wav_scp": "r2 r2.wav\nr1 cat r1.wav |\n"}, "is a command"),
        ({"wav_scp": "r2 r2.wav\n"}, "names no recording"),
    ],
    ids=str,
)
def test_an_odd_row_of_kaldi_costs_only_itself(tmp_path, files, why):
    found, problems = imported(kaldi(tmp_path, **files), tmp_path.with_name(f"{tmp_path.name}-out"))
    assert found == {"r2": ("TWO", 2.0)}
    assert len(problems) == 1 and why in problems[0] and "line " in problems[0]


def test_of_two_files_of_one_name_none_is_guessed(tmp_path, monkeypatch):
    source = kaldi(tmp_path / "source")
    sound(tmp_path / "r2.wav", NOISE[::-1])
    monkeypatch.chdir(tmp_path)
    clips, problems = list_clips(source)
    assert [clip.name for clip in clips] == ["u1"] and "write the whole path" in problems[0]


def lj(folder, *lines):
    for line in lines:
        sound(folder / "wavs" / f"{line.split('|')[0]}.wav")
    (folder / "metadata.csv").write_text("\n".join(lines) + "\n")
    return folder


def test_a_third_column_is_the_text_only_if_it_is_the_text_again(tmp_path):
    clips, problems = list_clips(lj(tmp_path / "one", "a|hello there|anna", "b|good bye|anna", "c|see you|bert"))
    assert [clip.text for clip in clips] == ["hello there", "good bye", "see you"]
    assert "metadata.csv: the third column is not the text again" in problems[0]
    rows = ["a|in 1455|in fourteen fifty-five", "b|good bye|see you later", "c|Dr. Who|Doctor Who", "d|so|"]
    clips, problems = list_clips(lj(tmp_path / "two", *rows))
    assert [clip.text for clip in clips] == ["in fourteen fifty-five", "Doctor Who", "so"]
    assert len(problems) == 1 and "line 2" in problems[0] and "is not the text again" in problems[0]
    assert is_same_text("1455", "fourteen fifty-five") and not is_same_text("hello", "2.75")


def test_lines_may_end_as_on_an_old_mac(tmp_path):
    source = lj(tmp_path, "a|one", "b|two")
    (source / "metadata.csv").write_bytes(b"a|hello there\rb|good bye\r")
    assert [clip.text for clip in list_clips(source)[0]] == ["hello there", "good bye"]


def test_timits_sample_numbers_are_no_words(tmp_path):
    folder = tmp_path / "TRAIN/DR1/FCJF0"
    for name, text in (("SA1", "0 32000 She had"), ("SA2", "0 99999 your dark"), ("SA3", "0 5 suit")):
        sound(folder / f"{name}.WAV", format="NIST", subtype="PCM_16")
        (folder / f"{name}.TXT").write_text(f"{text}\n")
    clips, problems = list_clips(tmp_path)
    assert [(clip.text, clip.speaker) for clip in clips] == [("She had", "FCJF0"), ("0 5 suit", "TRAIN")]
    assert "SA2.WAV: its text begins with 0 99999, but its sound has 32000 samples" in problems[0]


def test_different_texts_for_the_same_sound_are_both_left_out(tmp_path):
    rows = [b"s\ta.wav\thello", b"s\ta.wav\tgood bye", b"s\tb.wav\tSame.", b"s\tb.wav\tsame"]
    found, problems = imported(table(tmp_path, rows), tmp_path / "out")
    assert found == {"b": ("SAME", 2.0), "bx2": ("SAME", 2.0)}
    assert len(problems) == 2 and all("different texts" in line for line in problems)


def test_a_file_under_two_names_is_one_sound(tmp_path):
    source = manifest(tmp_path, {"text": "one"}, {"text": "two", "audio_filepath": f"../{tmp_path.name}/link.wav"})
    (tmp_path / "link.wav").symlink_to("b.wav")
    (tmp_path / "m.json").write_text(source.read_text() + '{"audio_filepath": "a.wav", "text": "hi"}\n')
    found, problems = imported(source, tmp_path / "out")
    assert found == {"a": ("HI", 2.0)} and all("different texts" in line for line in problems) and len(problems) == 2


@pytest.mark.parametrize(
    ("samples", "rate", "why"),
    [
        (np.full(32000, 0.3), 16000, "silence"),
        (np.full(88200, 0.3), 44100, "silence"),
        (np.float32(30000 * NOISE), 16000, "exceed ±10"),
    ],
)
def test_an_offset_is_no_sound_and_floats_end_at_one(tmp_path, samples, rate, why):
    source = manifest(tmp_path, {"text": "one"}, {"text": "two", "audio_filepath": "a.wav"})
    soundfile.write(tmp_path / "b.wav", samples, rate, "FLOAT")
    found, problems = imported(source, tmp_path / "out")
    assert found == {"a": ("TWO", 2.0)} and why in problems[0] and len(problems) == 1


def test_silence_with_a_text_is_left_out(tmp_path):
    source = table(tmp_path, [b"s\ta.wav\thello", b"s\tb.wav\thello", b"s\tc.wav\tfine"])
    sound(source / "clips/a.wav", np.zeros(16000))
    sound(source / "clips/b.wav", np.stack([NOISE, -NOISE], 1))
    found, problems = imported(source, tmp_path / "out")
    assert found == {"c": ("FINE", 2.0)}
    assert "a.wav: silence" in problems[0] and "b.wav: its channels cancel out" in problems[1]


def test_what_the_source_no_longer_lists_is_removed(tmp_path):
    rows = [b"anna\ta.wav\thello", b"bert\tb.wav\twrong", b"anna\tc.wav\twrong too"]
    source, out = table(tmp_path, rows), tmp_path / "out"
    assert len(imported(source, out)[0]) == 3
    own = out / "anna/1/anna-1-mine.flac"
    sound(own)  # somebody's own clip, with its own transcript, stays
    (out / "anna/1/mine.trans.txt").write_text("anna-1-mine MINE\n")
    table(tmp_path, rows[:1])
    assert imported(source, out)[0] == {"a": ("HELLO", 2.0), "mine": ("MINE", 2.0)}
    assert not (out / "bert").exists() and own.is_file()


def test_a_killed_run_leaves_no_new_sound_under_an_old_text(tmp_path, monkeypatch):
    for name in ("x", "y"):
        sound(tmp_path / f"s/{name}/1.wav", NOISE * (1 if name == "x" else 0.5))
    rows = [{"audio_filepath": f"s/{name}/1.wav", "text": text} for name, text in (("x", "one"), ("y", "two"))]
    source, out = manifest(tmp_path, *rows), tmp_path / "out"
    assert [text for text, _ in imported(source, out)[0].values()] == ["ONE", "TWO"]
    manifest(tmp_path, rows[1])  # "two" now has the id that "one" had
    monkeypatch.setattr(importing, "_write_texts", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        import_corpus(source, out, workers=1)
    assert not list(out.rglob("*.trans.txt"))


def test_another_data_set_is_refused(tmp_path):
    first, second = manifest(tmp_path / "one", {"text": "one"}), manifest(tmp_path / "two", {"text": "two"})
    import_corpus(first, tmp_path / "out", workers=1)
    with pytest.raises(CorpusError, match=f"out: holds the import of {first}"):
        import_corpus(second, tmp_path / "out", workers=1)
    sound(tmp_path / "mine/1/1/1-1-1.wav")
    (tmp_path / "mine/1/1/1-1.trans.txt").write_text("1-1-1 MINE\n")
    with pytest.raises(NotOursError, match="mine/1: exists, and `asr import` did not make it"):
        import_corpus(second, tmp_path / "mine", workers=1)
    assert imported(first, tmp_path / "out")[0] == {"b": ("ONE", 10.0)}


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
@pytest.mark.parametrize("path", ["pipe", "/dev/zero", "/dev/tty", "folder"])
def test_only_files_are_imported(tmp_path, path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    rows = [{"audio_filepath": path, "text": "hi"}, {"audio_filepath": "a.wav", "text": "good"}]
    found, problems = imported(manifest(tmp_path, *rows), tmp_path / "out")
    assert found == {"a": ("GOOD", 2.0)} and "name a file" in problems[0]


@pytest.mark.parametrize("path", ["empty.wav", "/proc/kmsg"])
def test_an_empty_file_is_not_waited_for(tmp_path, path):
    if not os.path.lexists(path) and path.startswith("/"):
        pytest.skip("needs Linux")
    (tmp_path / "empty.wav").touch()
    rows = [{"audio_filepath": path, "text": "hi"}, {"audio_filepath": "a.wav", "text": "good"}]
    found, problems = imported(manifest(tmp_path, *rows), tmp_path / "out")
    assert found == {"a": ("GOOD", 2.0)} and "is empty; replace the file" in problems[0]


def test_a_clip_of_hours_does_not_fill_the_memory(tmp_path, monkeypatch):
    monkeypatch.setattr("asr_helpers.own_data.cutting.MAX_PART_SECONDS", 5)
    source = manifest(tmp_path, {"text": "hours"}, {"audio_filepath": "a.wav", "text": "good"})
    found, problems = imported(source, tmp_path / "out")
    assert found == {"a": ("GOOD", 2.0)} and "b.wav: a clip of more than an hour" in problems[0]


@pytest.mark.parametrize(
    ("text", "language"),
    [("1234567", "am"), ("1100", "am"), ("0,5", "cy"), ("1,05", "tr"), ("0,5", "ce"), ("1" * 250 + ",5", "vi")],
)
def test_a_number_that_cannot_be_said_is_left_out(text, language):
    with pytest.raises(ValueError, match=r"no word in|digits|several ways|wrongly"):
        spell_out(text, language)


def test_the_folder_above_common_voice_is_recognised(tmp_path):
    table(tmp_path, [b"s\ta.wav\thello"])
    with pytest.raises(CorpusError, match=f"name {tmp_path / 'en'}"):
        list_clips(tmp_path)
    (tmp_path / "en/validated.tsv").rename(tmp_path / "en/other.tsv")
    with pytest.raises(CorpusError, match=r"has none of validated.tsv.* name the table to read: .*other.tsv"):
        list_clips(tmp_path / "en")
