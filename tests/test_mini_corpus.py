"""The promises of the embedded corpus (data/README.md), checked on the files that are shipped."""

import importlib.util
import re
import string
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

pytestmark = pytest.mark.slow

DATA = Path(__file__).parents[1] / "data"
MINI = DATA / "mini"
SUBSETS = ("train-mini", "dev-mini", "test-mini")
UNSEEN_SPEAKER = "9007"


@pytest.fixture(scope="module")
def transcripts() -> dict[str, dict[Path, str]]:
    """subset → {FLAC file: its transcript}."""
    found = {subset: {} for subset in SUBSETS}
    for path in sorted(MINI.glob("*/*/*/*.trans.txt")):
        for line in path.read_text().splitlines():
            utterance, text = line.split(" ", 1)
            found[path.relative_to(MINI).parts[0]][path.parent / f"{utterance}.flac"] = text
    return found


@pytest.fixture(scope="module")
def headers(transcripts) -> dict[Path, object]:
    return {flac: sf.info(flac) for files in transcripts.values() for flac in files}


@pytest.fixture(scope="module")
def make_mini():
    spec = importlib.util.spec_from_file_location("make_mini", DATA / "make_mini.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def words_of(texts) -> Counter:
    return Counter(word for text in texts for word in text.split())


def test_layout_is_librispeechs(transcripts):
    listed = {flac for files in transcripts.values() for flac in files}
    assert listed == set(MINI.rglob("*.flac"))
    for flac in listed:
        subset, speaker, chapter, name = flac.relative_to(MINI).parts
        assert subset in SUBSETS
        assert re.fullmatch(rf"{speaker}-{chapter}-\d{{4}}\.flac", name) and f"{speaker}{chapter}".isdigit()
    others = {path for path in MINI.glob("*/*/*/*") if path.suffix != ".flac"}
    assert all(path.name.endswith(".trans.txt") for path in others)


def test_speakers_file_names_every_speaker(transcripts):
    lines = [line for line in (MINI / "SPEAKERS.TXT").read_text().splitlines() if not line.startswith(";")]
    rows = [[field.strip() for field in line.split("|")] for line in lines]
    heard = {(subset, flac.parts[-3]) for subset, files in transcripts.items() for flac in files}
    assert {(row[2], row[0]) for row in rows} == heard
    assert all(row[1] in ("M", "F") and float(row[3]) > 0 and row[4] for row in rows)


def test_audio_is_16_khz_mono_16_bit_flac(headers):
    kinds = {(i.samplerate, i.channels, i.format, i.subtype) for i in headers.values()}
    assert kinds == {(16_000, 1, "FLAC", "PCM_16")}


def test_durations_and_sizes(transcripts, headers):
    seconds = {s: [headers[flac].duration for flac in transcripts[s]] for s in SUBSETS}
    minutes = {s: sum(d) / 60 for s, d in seconds.items()}
    assert 35 <= sum(minutes.values()) <= 45
    assert 33 <= minutes["train-mini"] <= 36
    assert 2 <= minutes["dev-mini"] <= 4
    assert 4 <= minutes["test-mini"] <= 5
    for durations in seconds.values():
        assert min(durations) >= 1.4 and max(durations) <= 6.5
    assert sum(p.stat().st_size for p in MINI.rglob("*") if p.is_file()) <= 20e6


def test_no_sentence_is_spoken_twice(transcripts):
    sentences = Counter(text for files in transcripts.values() for text in files.values())
    assert sentences.most_common(1)[0][1] == 1


def test_every_word_is_heard_often_in_training(transcripts):
    train = words_of(transcripts["train-mini"].values())
    assert 200 <= len(train) <= 300
    assert min(train.values()) >= 15
    for subset in ("dev-mini", "test-mini"):
        assert words_of(transcripts[subset].values()).keys() <= train.keys()


def test_all_letters_and_the_apostrophe_are_learnable(transcripts):
    letters = Counter("".join(transcripts["train-mini"].values()))
    assert set(letters) == {*string.ascii_uppercase, "'", " "}
    assert min(letters.values()) >= 100


def test_one_voice_is_heard_in_the_test_alone(transcripts):
    speakers = {s: {flac.parts[-3] for flac in transcripts[s]} for s in SUBSETS}
    assert speakers["test-mini"] - speakers["train-mini"] == {UNSEEN_SPEAKER}
    assert speakers["dev-mini"] <= speakers["train-mini"]
    assert len(speakers["test-mini"]) >= 8


def test_sound_is_neither_clipped_nor_silent_nor_cut_off(transcripts):
    """Every tenth clip: level, peaks, no digital silence, speech beginning and ending inside the clip."""
    for flac in [flac for files in transcripts.values() for flac in files][::10]:
        samples, _ = sf.read(flac)
        level = 20 * np.log10(np.sqrt(np.mean(samples**2)))
        assert -30 < level < -23, flac
        assert np.abs(samples).max() < 0.95, flac
        frames = samples[: len(samples) // 160 * 160].reshape(-1, 160)
        decibels = 20 * np.log10(np.sqrt(np.mean(frames**2, axis=1)) + 1e-12)
        assert decibels.min() > -80, flac
        assert max(decibels[:2].max(), decibels[-2:].max()) < -50, flac
        loud = np.flatnonzero(decibels > level - 27)
        assert loud[0] <= 25 and len(decibels) - loud[-1] <= 25, flac


def test_the_grammar_writes_the_same_sentences_again(transcripts, make_mini):
    planned = {f"{clip.stem}.flac": make_mini.transcript(clip.sentence) for clip in make_mini.plan()}
    listed = {flac: text for files in transcripts.values() for flac, text in files.items()}
    shipped = {flac.relative_to(MINI).as_posix(): text for flac, text in listed.items()}
    assert planned == shipped


def test_another_seed_writes_other_sentences(make_mini):
    assert make_mini.plan(seed=1) != make_mini.plan()


def test_a_missing_engine_is_named_with_its_package(make_mini, monkeypatch):
    monkeypatch.setitem(make_mini.PACKAGES, "festvox-kdlpc16k", "/nowhere/ked_diphone")
    with pytest.raises(SystemExit, match=r"apt install .*festvox-kdlpc16k"):
        make_mini.check_engines()


def test_a_folder_with_other_sentences_is_left_alone(make_mini, tmp_path):
    clips = make_mini.plan()[:3]
    make_mini.write_transcripts(clips, tmp_path)
    make_mini.write_transcripts(clips, tmp_path)  # the same again is fine
    with pytest.raises(SystemExit, match="other sentences"):
        make_mini.write_transcripts([clip._replace(sentence="Fog.") for clip in clips], tmp_path)
