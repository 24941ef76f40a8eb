import errno
import hashlib
import io
import os
import shutil
import subprocess
import sys
import tarfile
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import numpy as np
import pytest
import soundfile

from asr_helpers import corpus
from asr_helpers.corpus import CorpusError, Utterance, convert, download, load_corpus, openslr
from asr_helpers.own_data import read_recording
from asr_helpers.sound import AudioError, read_audio

NOISE = (np.random.default_rng(0).normal(size=16_000) * 3000).astype(np.int16)


def write_clip(path, samples=NOISE, rate=16_000, subtype="PCM_16"):
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples, rate, subtype)
    return path


@pytest.fixture
def library(tmp_path):
    """A corpus of two chapters with two clips each, one of them WAV."""
    root = tmp_path / "LibriSpeech"
    for chapter, suffix in (("19/198", "flac"), ("7/5", "wav")):
        name = chapter.replace("/", "-")
        for number in (0, 1):
            write_clip(root / chapter / f"{name}-000{number}.{suffix}", NOISE[number * 100 :])
        (root / chapter / f"{name}.trans.txt").write_text(f"{name}-0000 THE FIRST\n{name}-0001 AND A SECOND\n")
    (root / "SPEAKERS.TXT").write_text("19 | F | ...\n")
    return root


def one_line(error):
    assert "\n" not in str(error.value)
    return str(error.value)


# ---------------------------------------------------------------------------------------------------- reading


def test_load_corpus_reads_every_chapter_sorted_by_id(library):
    found = load_corpus(library)
    assert [utterance.id for utterance in found] == ["19-198-0000", "19-198-0001", "7-5-0000", "7-5-0001"]
    assert len(found) == 4 and found.problems == []
    path = library / "19/198/19-198-0001.flac"
    assert found.utterances[1] == Utterance("19-198-0001", path, "AND A SECOND", 15_900)
    assert found.utterances[1].speaker == "19" and found.utterances[1].chapter == "198"
    assert found.utterances[0].seconds == 1.0


def test_load_corpus_of_several_folders(library):
    found = load_corpus(library / "7", library / "19")
    assert found == load_corpus(library)


def test_load_corpus_follows_links(library, tmp_path):
    (tmp_path / "linked/files").mkdir(parents=True)
    for file in (library / "7/5").iterdir():
        (tmp_path / "linked/files" / file.name).symlink_to(file)
    (tmp_path / "linked/folder").symlink_to(library / "19")
    assert len(load_corpus(tmp_path / "linked")) == 4


def test_transcripts_are_normalised(library):
    (library / "7/5/7-5.trans.txt").write_bytes("\ufeff7-5-0000\tWell-known  café’s\r\n\r\n".encode())
    found = load_corpus(library / "7")
    assert "É" in found.problems[0]
    (library / "7/5/7-5.trans.txt").write_bytes("\ufeff7-5-0000\tWell-known  cat’s\r\n\r\n".encode())
    assert load_corpus(library / "7").utterances[0].text == "WELL KNOWN CAT'S"


def spoil(library, name, damage):
    transcript = library / "7/5/7-5.trans.txt"
    clip = library / "7/5/7-5-0000.wav"
    lines = transcript.read_text().splitlines()
    if damage == "no audio":
        clip.unlink()
    elif damage == "no transcript":
        transcript.write_text(lines[1])
    elif damage in ("7-5-0000", "7-5-0000 ROOM 101", "../7-5-0000 UP"):
        transcript.write_text(f"{damage}\n{lines[1]}")
        if damage.startswith(".."):
            clip.unlink()
    elif damage == "junk":
        clip.write_bytes(b"not sound" * 100)
    elif damage == "empty":
        write_clip(clip, NOISE[:0])
    elif damage == "cut off":
        clip.write_bytes(clip.read_bytes()[:10_000])
    elif damage == "stereo":
        write_clip(clip, np.stack([NOISE, NOISE], 1))
    elif damage == "8 kHz":
        write_clip(clip, rate=8000)
    elif damage == "short":
        write_clip(clip, NOISE[:399])


@pytest.mark.parametrize(
    ("damage", "file", "says"),
    [
        ("no audio", "7-5.trans.txt", "no 7-5-0000.flac or 7-5-0000.wav"),
        ("no transcript", "7-5-0000.wav", "no transcript"),
        ("7-5-0000", "7-5.trans.txt", "7-5-0000: the transcript is empty"),
        ("7-5-0000 ROOM 101", "7-5.trans.txt", "7-5-0000: '0 1' is outside the alphabet"),
        ("../7-5-0000 UP", "7-5.trans.txt", "the id is not <speaker>-<chapter>-<number>"),
        ("junk", "7-5-0000.wav", "not readable as audio"),
        ("empty", "7-5-0000.wav", "no samples"),
        ("cut off", "7-5-0000.wav", "cut off"),
        ("stereo", "7-5-0000.wav", "16000 Hz, 2 channels"),
        ("8 kHz", "7-5-0000.wav", "ffmpeg -i"),
        ("short", "7-5-0000.wav", "399 samples, less than one 25 ms window"),
    ],
)
def test_a_bad_clip_is_one_problem_and_the_others_stay(library, damage, file, says):
    spoil(library, "7-5-0000", damage)
    found = load_corpus(library)
    assert [utterance.id for utterance in found] == ["19-198-0000", "19-198-0001", "7-5-0001"]
    (problem,) = found.problems
    assert problem.startswith(f"{library / '7/5' / file}: ") and says in problem and "\n" not in problem


def test_a_transcript_that_is_not_utf8_is_a_problem(library):
    (library / "7/5/7-5.trans.txt").write_bytes(b"7-5-0000 CAF\xc9\n")
    found = load_corpus(library)
    assert len(found) == 2
    assert "7-5.trans.txt: not readable as UTF-8" in found.problems[0]


def test_the_first_of_two_equal_ids_is_kept(library, tmp_path):
    again = write_clip(tmp_path / "again/7-5-0000.flac")
    (tmp_path / "again/x.trans.txt").write_text("7-5-0000 ANOTHER\n")
    found = load_corpus(library, tmp_path / "again")
    assert len(found) == 4 and "ANOTHER" not in [utterance.text for utterance in found]
    assert found.problems == [f"{again}: same id as {library / '7/5/7-5-0000.wav'}, which is kept; rename it"]


def test_a_clip_that_is_listed_twice_keeps_its_first_text(library):
    transcript = library / "7/5/7-5.trans.txt"
    transcript.write_text(transcript.read_text() + "7-5-0000 ANOTHER\n")
    found = load_corpus(library)
    assert len(found) == 4 and "ANOTHER" not in [utterance.text for utterance in found]
    assert found.problems == [f"{library / '7/5/7-5-0000.wav'}: listed twice; the first text is kept"]


def test_hidden_files_are_no_part_of_a_corpus(library):
    (library / "7/5/._7-5-0000.wav").write_bytes(b"a Mac's resource fork")
    (library / "7/5/.7-5-0002.wav.part").write_bytes(b"half a conversion")
    assert load_corpus(library).problems == []


def test_a_folder_that_is_no_corpus_is_an_error(library, tmp_path):
    with pytest.raises(CorpusError, match="no such folder") as error:
        load_corpus(library, tmp_path / "missing")
    assert one_line(error).startswith(str(tmp_path / "missing"))
    (tmp_path / "bare").mkdir()
    with pytest.raises(CorpusError, match=r"holds no \*.trans.txt") as error:
        load_corpus(tmp_path / "bare")
    assert one_line(error).startswith(str(tmp_path / "bare"))


@pytest.mark.parametrize("suffix", ["flac", "wav"])
def test_read_audio_scales_sixteen_bits_to_one(tmp_path, suffix):
    extremes = np.array([-32768, -1, 0, 1, 32767], np.int16)
    samples = read_audio(write_clip(tmp_path / f"a.{suffix}", extremes))
    assert samples.dtype == np.float32
    assert (samples * 32768).tolist() == extremes.tolist()


@pytest.mark.parametrize("share", [0.002, 0.05, 0.5, 0.999])
@pytest.mark.parametrize("suffix", ["flac", "wav"])
def test_read_audio_refuses_a_file_that_is_cut_off(tmp_path, suffix, share):
    path = write_clip(tmp_path / f"a.{suffix}")
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(AudioError) as error:
        read_audio(path)
    assert one_line(error).startswith(f"{path}: ")


def test_a_flac_that_does_not_state_its_length_is_refused(tmp_path):
    path = write_clip(tmp_path / "a.flac")
    content = bytearray(path.read_bytes())
    content[21] &= 0xF0  # the 36 bits of STREAMINFO that count the samples
    content[22:26] = bytes(4)
    path.write_bytes(content)
    with pytest.raises(AudioError, match="does not state the length"):
        read_audio(path)
    assert "does not state the length" in convert(tmp_path, tmp_path.with_name(f"{tmp_path.name}-out"), 1).problems[0]


@pytest.mark.parametrize(
    ("samples", "rate", "says"),
    [(NOISE, 44_100, "44100 Hz, 1 channel where"), (NOISE.reshape(-1, 2), 16_000, "16000 Hz, 2 channels where")],
)
def test_read_audio_tells_how_to_mend_the_format(tmp_path, samples, rate, says):
    path = write_clip(tmp_path / "a b.wav", samples, rate)
    with pytest.raises(AudioError, match=says) as error:
        read_audio(path)
    assert f"run ffmpeg -i 'file:{path}' -ac 1 -ar 16000 -f wav 'file:{path}.16k' && mv" in one_line(error)


def test_read_audio_refuses_what_holds_no_sound(tmp_path):
    with pytest.raises(AudioError, match="no samples"):
        read_audio(write_clip(tmp_path / "a.wav", NOISE[:0]))
    with pytest.raises(AudioError, match="no such file"):
        read_audio(tmp_path / "missing.wav")
    with pytest.raises(AudioError, match="a folder or a pipe"):
        read_audio(tmp_path)
    with pytest.raises(AudioError, match="not numbers"):
        read_audio(write_clip(tmp_path / "b.wav", np.array([0, np.nan, 0]), subtype="FLOAT"))


def test_a_folder_that_may_not_be_listed_is_an_error(library, monkeypatch, tmp_path):
    real = os.scandir

    def scandir(folder):
        if Path(folder).name == "198":
            raise PermissionError(errno.EACCES, "Permission denied", str(folder))
        return real(folder)

    monkeypatch.setattr(os, "scandir", scandir)
    with pytest.raises(CorpusError, match="198: cannot be listed"):
        load_corpus(library)
    done = convert(library, tmp_path / "wav", workers=1)
    assert done.converted == 2 and "198: cannot be listed" in done.problems[0]


def test_links_in_a_circle_give_each_clip_once(library, tmp_path):
    for name in ("a", "b"):
        (library / "7" / name).symlink_to(library)
    (library / "7/self").symlink_to("self")
    found = load_corpus(library)
    assert len(found) == 4 and found.problems == []
    assert convert(library, tmp_path / "wav", workers=1).converted == 4


def test_what_is_no_file_is_named_and_not_waited_for(library, tmp_path):
    os.mkfifo(library / "7/5/7-5-0002.wav")
    os.mkfifo(library / "7/5/pipe.trans.txt")
    (library / "7/5/gone.txt").symlink_to("nowhere")
    found = load_corpus(library)
    assert len(found) == 4 and len(found.problems) == 3
    assert all("is not a file" in problem for problem in found.problems)
    done = convert(library, tmp_path / "wav", workers=1)
    assert done.converted == 4 and len(done.problems) == 3
    with pytest.raises(AudioError, match="a folder or a pipe"):
        read_audio(library / "7/5/7-5-0002.wav")


def test_a_name_that_is_not_utf8_is_read_and_shown_escaped(library, tmp_path):
    name = os.fsdecode(b"\xe9-1-1.flac")
    (library / "19/198/19-198-0000.flac").rename(library / "19/198" / name)
    assert len(read_audio(library / "19/198" / name)) == 16_000
    problems = load_corpus(library).problems
    assert len(problems) == 2 and any(r"\udce9-1-1.flac: no transcript" in problem for problem in problems)
    assert convert(library, tmp_path / "wav", workers=1).converted == 4


def resized(content, size, riff=None):
    """Return a WAV whose data chunk, and whose whole, say that they are so large."""
    content = bytearray(content)
    place = content.index(b"data") + 4
    content[place : place + 4] = size.to_bytes(4, "little")
    content[4:8] = (min(size + 36, 2**32 - 1) if riff is None else riff).to_bytes(4, "little")
    return bytes(content)


@pytest.mark.parametrize("size", [2**32 - 1, 0x7FFFF000, 0x80000000, 0x7FFFFFFF, 2**32 - 60])
def test_a_wav_from_a_pipe_does_not_know_its_size(tmp_path, size):
    path = write_clip(tmp_path / "a.wav")
    path.write_bytes(resized(path.read_bytes(), size))
    assert len(read_audio(path)) == len(NOISE)


def test_only_the_sound_has_to_be_whole(tmp_path):
    path = write_clip(tmp_path / "a.wav")
    whole = path.read_bytes()
    path.write_bytes(resized(whole, len(whole) - 44, riff=len(whole)))  # 8 too many, as some writers count
    assert len(read_audio(path)) == len(NOISE)
    path.write_bytes(resized(whole, len(whole) - 44, riff=40) + b"LIST\xff\xff\0\0cut off")
    assert len(read_audio(path)) == len(NOISE)


@pytest.mark.parametrize("kind", ["WAV", "WAVEX", "RF64", "W64", "AIFF", "AU", "NIST", "CAF"])
def test_every_container_is_refused_where_it_is_cut_off(tmp_path, kind):
    path = tmp_path / "a.wav"
    soundfile.write(path, NOISE, 16_000, "PCM_16", format=kind)
    assert len(read_audio(path)) == len(NOISE)
    path.write_bytes(path.read_bytes()[:20_000])
    with pytest.raises(AudioError) as error:
        read_audio(path)
    assert one_line(error).startswith(f"{path}: ")


def test_a_clip_that_cannot_be_sought_in_is_read(tmp_path):
    path = write_clip(tmp_path / "a.wav", subtype="GSM610")
    assert len(read_audio(path)) == 16_000


def test_one_flipped_bit_costs_one_file(library, tmp_path):
    clip = library / "19/198/19-198-0000.flac"
    content = bytearray(clip.read_bytes())
    content[21] ^= 0x08  # of the count of samples: now 34 thousand million
    clip.write_bytes(content)
    with pytest.raises(AudioError, match=r"samples are missing|not decodable") as error:
        read_audio(clip)
    one_line(error)
    done = convert(library, tmp_path / "wav", workers=1)
    assert done.converted == 3 and len(done.problems) == 1 and str(clip) in done.problems[0]


@pytest.mark.skipif(not shutil.which("ffmpeg"), reason="ffmpeg is not installed")
@pytest.mark.parametrize("name", ["7-5-0000.wav", "12:30.wav", "-take1.wav", "it's $5.wav", "a.flac"])
def test_the_mend_that_is_offered_mends(library, name):
    clip = write_clip(library / "7/5" / name, rate=48_000)
    with pytest.raises(AudioError) as error:
        read_audio(clip)
    command = one_line(error).partition("; run ")[2]
    subprocess.run(command, shell=True, check=True, stdin=subprocess.DEVNULL, capture_output=True)
    assert len(read_audio(clip)) == pytest.approx(16_000 / 3, abs=200)
    assert not [problem for problem in load_corpus(library).problems if "no transcript" not in problem]
    assert Path(f"{clip}.orig").exists()


# ------------------------------------------------------------------------------------------------- converting


def test_convert_is_bit_exact_and_mirrors_the_tree(library, tmp_path):
    write_clip(library / "19/198/deep.flac", NOISE.astype(np.int32) * 65_536 + 256 * 77, subtype="PCM_24")
    write_clip(library / "19/198/shallow.flac", NOISE, subtype="PCM_S8")
    out = tmp_path / "wav"
    done = convert(library, out, workers=2)
    assert (done.converted, done.kept, done.problems) == (6, 0, [])
    for original in library.rglob("*.*"):
        copy = out / original.relative_to(library)
        if original.suffix != ".flac":
            assert copy.read_bytes() == original.read_bytes()
            continue
        copy = copy.with_suffix(".wav")
        before, after = soundfile.read(original, dtype="int32"), soundfile.read(copy, dtype="int32")
        assert np.array_equal(before[0], after[0]) and before[1] == after[1]
    subtypes = {name: soundfile.info(out / f"19/198/{name}.wav").subtype for name in ("deep", "shallow")}
    assert subtypes == {"deep": "PCM_24", "shallow": "PCM_U8"}
    assert [u.text for u in load_corpus(out)] == [u.text for u in load_corpus(library)]


def test_a_killed_run_leaves_no_half_files_and_no_workers(library, tmp_path):
    long = write_clip(library / "7/5/7-5-0002.flac", np.tile(NOISE, 5))
    for number in range(3, 300):
        long.with_name(f"7-5-{number:04}.flac").symlink_to(long)
    out, script = tmp_path / "wav", tmp_path / "script.py"
    script.write_text(
        "import sys\nfrom asr_helpers.corpus import convert\n"
        "if __name__ == '__main__':\n    convert(sys.argv[1], sys.argv[2], workers=2)\n"
    )
    run = subprocess.Popen([sys.executable, script, library, out], stdout=subprocess.PIPE)
    started = time.monotonic()
    while not any(out.rglob("7-5-*.wav")):
        assert time.monotonic() - started < 60
        time.sleep(0.005)
    run.kill()
    run.communicate(timeout=60)  # ends when the last worker has closed the pipe it inherited
    done = list(out.rglob("[!.]*.wav"))
    assert 0 < len(done) < 302
    assert all(len(read_audio(path)) in (80_000, 16_000, 15_900) for path in done)
    again = convert(library, out)
    assert (again.converted, again.kept, again.problems) == (302 - len(done), len(done), [])
    assert len(list(out.rglob("*.wav"))) == 302 and list(out.rglob(".*")) == []


def test_convert_goes_on_where_a_run_stopped(library, tmp_path):
    out = tmp_path / "wav"
    convert(library, out, workers=1)
    whole, cut, missing = (out / "19/198/19-198-0000.wav", out / "19/198/19-198-0001.wav", out / "7/5/7-5-0000.wav")
    expected = cut.read_bytes()
    cut.write_bytes(expected[:5000])
    missing.rename(missing.with_name(f".part-{missing.name}"))
    age = whole.stat().st_mtime_ns
    done = convert(library, out, workers=1)
    assert (done.converted, done.kept, done.problems) == (2, 2, [])
    assert cut.read_bytes() == expected and whole.stat().st_mtime_ns == age
    assert list(out.rglob(".*")) == []


def test_convert_reports_a_bad_file_and_finishes_the_rest(library, tmp_path):
    bad = library / "19/198/19-198-0000.flac"
    bad.write_bytes(bad.read_bytes()[:9000])
    done = convert(library, tmp_path / "wav", workers=1)
    assert done.converted == 3 and len(done.problems) == 1
    assert done.problems[0].startswith(f"{bad}: ") and "\n" not in done.problems[0]
    assert not (tmp_path / "wav/19/198/19-198-0000.wav").exists()


def test_a_source_that_was_replaced_is_converted_again(library, tmp_path):
    convert(library, tmp_path / "wav", workers=1)
    clip = write_clip(library / "19/198/19-198-0000.flac", NOISE[::-1])  # as long as before
    assert convert(library, tmp_path / "wav", workers=1).converted == 1
    assert np.array_equal(read_audio(tmp_path / "wav/19/198/19-198-0000.wav"), read_audio(clip))


def test_a_text_that_cannot_be_read_is_one_problem(library, tmp_path, monkeypatch):
    real = Path.read_bytes

    def read_bytes(path):
        if path.name == "7-5.trans.txt":
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(Path, "read_bytes", read_bytes)
    done = convert(library, tmp_path / "wav", workers=1)
    assert done.converted == 4 and "7-5.trans.txt: cannot be read (Permission denied)" in done.problems[0]


def test_two_conversions_at_once_are_one_after_the_other(library, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "import sys\nfrom asr_helpers.corpus import convert\n"
        "if __name__ == '__main__':\n    print(convert(sys.argv[1], sys.argv[2], workers=1))\n"
    )
    command = [sys.executable, script, library, tmp_path / "wav"]
    runs = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(2)]
    said = sorted(run.communicate(timeout=120)[0] for run in runs)
    assert [run.returncode for run in runs] == [0, 0]
    assert b"converted=0, kept=4" in said[0] and b"converted=4, kept=0" in said[1]
    assert list((tmp_path / "wav").rglob(".*")) == []


@pytest.mark.parametrize("name", ["", "wav"])
def test_convert_refuses_to_write_into_its_source(library, name):
    with pytest.raises(CorpusError, match="choose a folder outside"):
        convert(library, library / name)
    assert not (library / "wav").exists()


def test_convert_names_a_folder_it_cannot_use(library, tmp_path):
    with pytest.raises(CorpusError, match="no such folder"):
        convert(tmp_path / "missing", tmp_path / "wav")
    (tmp_path / "wav").write_text("a file where the folder should be")
    with pytest.raises(CorpusError, match="File exists") as error:
        convert(library, tmp_path / "wav")
    assert one_line(error).startswith(str(tmp_path / "wav"))


def test_a_full_disk_is_an_error_that_leaves_no_half_file(library, tmp_path, monkeypatch):
    def fill(path, content):
        path.touch()
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr(Path, "write_bytes", fill)
    with pytest.raises(CorpusError, match="No space left on device") as error:
        convert(library, tmp_path / "wav", workers=1)
    assert "run this again" in one_line(error)
    left = [path.name for path in (tmp_path / "wav").rglob("*") if path.is_file()]
    assert left == ["made-by-asr-convert"]


def test_reading_and_converting_need_no_tensorflow():
    code = (
        "import sys; from asr_helpers import text; from asr_helpers.corpus import convert, download, load_corpus; "
        "from asr_helpers.words import beam_search, greedy, score; from asr_helpers.own_data import spell_out; "
        "sys.exit(any(name in sys.modules for name in ('tensorflow', 'jiwer', 'librosa', 'scipy', 'requests')))"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0


# ------------------------------------------------------------------------------------------------ downloading


class Mirror(BaseHTTPRequestHandler):
    """Serves `content` with ranges; breaks off after `allowance` bytes while `failures` last."""

    content, allowance, failures, ranges, requests, encoding = b"", 0, 0, True, [], None

    def do_GET(self):
        cls = type(self)
        cls.requests.append(self.headers["Range"])
        if not self.path.endswith("/31/dev-clean-2.tar.gz"):
            return self.send_error(404)
        start = int(self.headers["Range"].removeprefix("bytes=").removesuffix("-")) if self.ranges else 0
        if start >= len(self.content):
            return self.send_error(416)
        self.send_response(206 if self.ranges else 200)
        self.send_header("Content-Length", str(len(self.content) - start))
        if self.encoding:
            self.send_header("Content-Encoding", self.encoding)
        self.end_headers()
        end = len(self.content)
        if cls.failures:
            cls.failures -= 1
            end = start + self.allowance
        self.wfile.write(self.content[start:end])

    def log_message(self, *_):
        pass


def pack(files):
    """Return a tar.gz of {name: bytes}, or of members as they are."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, content in files.items():
            if isinstance(content, tarfile.TarInfo):
                tar.addfile(content)
                continue
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


@pytest.fixture
def mirror(tmp_path, monkeypatch):
    """A local server with dev-clean-2 made of noise; yields (handler class, base URL, publish)."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(openslr, "PAUSE_SECONDS", 0)

    class Handler(Mirror):
        requests = []  # noqa: RUF012

    def publish(files):
        Handler.content = pack(files)
        Handler.allowance = len(Handler.content) // 3
        digest = hashlib.md5(Handler.content).hexdigest()
        monkeypatch.setitem(corpus.SUBSETS, "dev-clean-2", ("31/dev-clean-2.tar.gz", digest))

    clip = write_clip(tmp_path / "clip.flac", np.tile(NOISE, 10)).read_bytes()
    publish(
        {
            "LibriSpeech/README.TXT": b"About it\n",
            "LibriSpeech/dev-clean-2/19/198/19-198.trans.txt": b"19-198-0000 THE FIRST\n",
            "LibriSpeech/dev-clean-2/19/198/19-198-0000.flac": clip,
        }
    )
    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield Handler, f"http://127.0.0.1:{server.server_port}", publish
    server.shutdown()
    thread.join()
    server.server_close()


def leftovers(folder):
    return sorted(path.name for path in folder.iterdir() if path.name != "LibriSpeech")


def test_download_fetches_checks_and_unpacks(mirror, tmp_path):
    handler, url, _ = mirror
    folder = download("dev-clean-2", tmp_path / "data", url)
    assert folder == tmp_path / "data/LibriSpeech/dev-clean-2"
    assert [utterance.text for utterance in load_corpus(folder)] == ["THE FIRST"]
    assert (folder.parent / "README.TXT").read_text() == "About it\n"
    assert leftovers(tmp_path / "data") == []
    assert download("dev-clean-2", tmp_path / "data", url) == folder
    assert len(handler.requests) == 1  # what is unpacked is not fetched again


def test_a_language_model_is_fetched_and_stays_packed(mirror, tmp_path, monkeypatch):
    handler, url, _ = mirror
    served = ("31/dev-clean-2.tar.gz", hashlib.md5(handler.content).hexdigest())  # the one file the mirror has
    monkeypatch.setitem(corpus.LANGUAGE_MODELS, "3-gram.pruned.3e-7", served)
    for _ in range(2):
        path = download("3-gram.pruned.3e-7", tmp_path / "data", url)
        assert path == tmp_path / "data" / "dev-clean-2.tar.gz" and path.read_bytes() == handler.content
    assert len(handler.requests) == 1 and leftovers(tmp_path / "data") == [path.name]


def test_download_goes_on_after_breaks(mirror, tmp_path):
    handler, url, _ = mirror
    handler.failures = 2
    download("dev-clean-2", tmp_path / "data", url)
    third = handler.allowance
    assert handler.requests == [f"bytes={start}-" for start in (0, third, 2 * third)]  # no byte comes twice


@pytest.mark.parametrize("ranges", [True, False])
def test_a_server_that_always_breaks_is_given_up(mirror, tmp_path, monkeypatch, ranges):
    handler, url, _ = mirror
    handler.failures, handler.ranges, handler.allowance = 10**6, ranges, 100
    pauses = []
    monkeypatch.setattr(openslr.time, "sleep", pauses.append)
    monkeypatch.setattr(openslr, "PAUSE_SECONDS", 1)
    with pytest.raises(CorpusError, match="download failed") as error:
        download("dev-clean-2", tmp_path / "data", url)
    one_line(error)
    assert len(handler.requests) == openslr.ATTEMPTS and pauses == [2, 4, 8]


def test_a_slow_server_that_brings_enough_is_not_given_up(mirror, tmp_path, monkeypatch):
    handler, url, _ = mirror
    handler.failures, handler.allowance = 9, len(handler.content) // 10
    monkeypatch.setattr(openslr, "PROGRESS_BYTES", handler.allowance)
    assert download("dev-clean-2", tmp_path / "data", url).is_dir()
    assert len(handler.requests) == 10


def test_what_is_there_and_not_the_archive_stays(mirror, tmp_path):
    handler, url, _ = mirror
    archive, about = tmp_path / "data/dev-clean-2.tar.gz", tmp_path / "data/LibriSpeech/README.TXT"
    about.parent.mkdir(parents=True)
    for mine in (archive, about):
        mine.write_text("mine")
    with pytest.raises(CorpusError, match="checksum is not the published one") as error:
        download("dev-clean-2", tmp_path / "data", url)
    assert one_line(error).startswith(f"{archive}: ") and archive.read_text() == "mine" and handler.requests == []
    archive.unlink()
    download("dev-clean-2", tmp_path / "data", url)
    assert about.read_text() == "mine"


def test_a_later_download_goes_on_from_the_part(mirror, tmp_path):
    handler, url, _ = mirror
    handler.failures, handler.allowance = 1, 0
    part = tmp_path / "data/dev-clean-2.tar.gz.part"
    part.parent.mkdir()
    part.write_bytes(handler.content[:700])
    with pytest.raises(CorpusError, match="download failed") as error:
        download("dev-clean-2", tmp_path / "data", url)
    assert "run this again to go on" in one_line(error)
    assert part.read_bytes() == handler.content[:700]
    folder = download("dev-clean-2", tmp_path / "data", url)
    assert handler.requests == ["bytes=700-", "bytes=700-"]
    assert len(load_corpus(folder)) == 1


def test_a_part_that_is_whole_is_used(mirror, tmp_path):
    handler, url, _ = mirror
    (tmp_path / "data").mkdir()
    (tmp_path / "data/dev-clean-2.tar.gz.part").write_bytes(handler.content)
    assert download("dev-clean-2", tmp_path / "data", url).is_dir()


def test_a_server_without_ranges_starts_over(mirror, tmp_path):
    handler, url, _ = mirror
    handler.ranges = False
    (tmp_path / "data").mkdir()
    (tmp_path / "data/dev-clean-2.tar.gz.part").write_bytes(b"x" * 700)
    assert download("dev-clean-2", tmp_path / "data", url).is_dir()


def test_a_wrong_checksum_is_refused(mirror, tmp_path):
    handler, url, _ = mirror
    handler.content = handler.content[:-1] + b"x"
    with pytest.raises(CorpusError, match="checksum is wrong") as error:
        download("dev-clean-2", tmp_path / "data", url)
    assert one_line(error).startswith(f"{url}/31/dev-clean-2.tar.gz: ")
    assert leftovers(tmp_path / "data") == []  # or the next run would go on from bad bytes


@pytest.mark.parametrize("kind", ["empty", "without a clip", "with an empty clip", "without transcripts"])
def test_a_folder_that_is_there_is_not_thereby_whole(mirror, tmp_path, kind):
    handler, url, _ = mirror
    folder = download("dev-clean-2", tmp_path / "data", url)
    clip = folder / "19/198/19-198-0000.flac"
    if kind == "empty":
        shutil.rmtree(folder)
        folder.mkdir()
        assert download("dev-clean-2", tmp_path / "data", url) == folder and clip.exists()
        assert len(handler.requests) == 2
        return
    if kind == "without a clip":
        clip.unlink()
    elif kind == "with an empty clip":
        clip.write_bytes(b"")
    else:
        (folder / "19/198/19-198.trans.txt").unlink()
    with pytest.raises(CorpusError, match=r"incomplete|no transcripts") as error:
        download("dev-clean-2", tmp_path / "data", url)
    assert one_line(error).startswith(f"{folder}: ") and "delete" in one_line(error)


def test_an_archive_called_an_encoding_is_kept_as_sent(mirror, tmp_path):
    handler, url, _ = mirror
    handler.encoding = "x-gzip"
    assert len(load_corpus(download("dev-clean-2", tmp_path / "data", url))) == 1


def special(kind, **details):
    member = tarfile.TarInfo("LibriSpeech/dev-clean-2/special")
    member.type = kind
    for name, value in details.items():
        setattr(member, name, value)
    return member


@pytest.mark.parametrize(
    "member",
    [
        special(tarfile.SYMTYPE, linkname="/etc/passwd"),
        special(tarfile.SYMTYPE, linkname="19"),
        special(tarfile.LNKTYPE, linkname="LibriSpeech/dev-clean-2/a.txt"),
        special(tarfile.CHRTYPE, devmajor=1, devminor=3),
        special(tarfile.FIFOTYPE),
        special(tarfile.GNUTYPE_SPARSE),
    ],
    ids=["link out", "link", "hard link", "device", "pipe", "sparse"],
)
def test_an_archive_holds_files_and_folders(mirror, tmp_path, member):
    _, url, publish = mirror
    publish({"LibriSpeech/dev-clean-2/a.txt": b"", "special": member})
    with pytest.raises(CorpusError, match="cannot be unpacked") as error:
        download("dev-clean-2", tmp_path / "data", url)
    one_line(error)
    assert leftovers(tmp_path / "data") == ["dev-clean-2.tar.gz"]


@pytest.mark.parametrize("name", ["../outside.txt", "/outside.txt", "LibriSpeech/../../../outside.txt"])
def test_an_archive_that_reaches_outside_is_refused(mirror, tmp_path, name):
    _, url, publish = mirror
    publish({"LibriSpeech/dev-clean-2/a.txt": b"", name: b"harm"})
    target = tmp_path / "data"
    with pytest.raises(CorpusError, match="cannot be unpacked") as error:
        download("dev-clean-2", target, url)
    one_line(error)
    assert leftovers(target) == ["dev-clean-2.tar.gz"]
    assert not (tmp_path / "outside.txt").exists() and not Path("/outside.txt").exists()


def test_an_archive_without_the_subset_is_refused(mirror, tmp_path):
    _, url, publish = mirror
    publish({"LibriSpeech/other/a.txt": b""})
    with pytest.raises(CorpusError, match="holds no LibriSpeech/dev-clean-2"):
        download("dev-clean-2", tmp_path / "data", url)


@pytest.mark.parametrize(
    ("subset", "mirrored", "says"),
    [
        ("dev-cleen", True, "dev-clean, dev-other, test-clean"),
        ("dev-clean", True, "the server answers 404"),
        ("dev-clean", False, "check the network"),
    ],
)
def test_download_errors_are_one_line(mirror, tmp_path, subset, mirrored, says):
    with pytest.raises(CorpusError, match=says) as error:
        download(subset, tmp_path, mirror[1] if mirrored else "http://127.0.0.1:1")
    one_line(error)


def test_a_destination_that_is_a_file_is_one_line(mirror, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(CorpusError, match=r"file: File exists; .*run this again") as error:
        download("dev-clean-2", tmp_path / "file", mirror[1])
    one_line(error)


def test_a_download_that_the_disk_cannot_hold_is_one_line(mirror, tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: type("Usage", (), {"free": 1000})())
    with pytest.raises(CorpusError, match=r"needed, 0\.0 GB free; free some space") as error:
        download("dev-clean-2", tmp_path, mirror[1])
    one_line(error)


# ----------------------------------------------------------------------------------------------- other sound


@pytest.fixture
def mixed(tmp_path):
    """A chapter of a FLAC and a WAV as they should be, a loud stereo WAV at 48 kHz, and an MP3."""
    folder = tmp_path / "source/1/1"
    folder.mkdir(parents=True)
    tone = np.sin(2 * np.pi * 440 * np.arange(48000) / 48000)
    soundfile.write(folder / "1-1-0000.flac", tone[::3], 16000)
    soundfile.write(folder / "1-1-0001.wav", tone[::3], 16000)
    soundfile.write(folder / "1-1-0002.wav", 1.2 * np.stack([tone, tone], 1), 48000, "FLOAT")
    soundfile.write(folder / "1-1-0003.mp3", tone, 48000)
    (folder / "1-1.trans.txt").write_text("".join(f"1-1-{n:04} TONE\n" for n in range(4)))
    return tmp_path / "source"


def test_convert_brings_other_sound_to_the_corpus_format(mixed, tmp_path):
    done = tmp_path / "done"
    convert(mixed, done, workers=1)
    assert len(load_corpus(done)) == 2  # the stereo one is copied as it is, the MP3 passed over
    result = convert(mixed, done, workers=1, read=read_recording)
    assert (result.converted, result.kept, result.problems) == (2, 2, [])
    found = load_corpus(done)
    assert [each.seconds for each in found] == pytest.approx([1, 1, 1, 1], abs=0.1) and found.problems == []
    assert np.array_equal(read_audio(done / "1/1/1-1-0000.wav"), read_audio(mixed / "1/1/1-1-0000.flac"))
    loud = read_audio(done / "1/1/1-1-0002.wav")
    assert loud.max() == pytest.approx(32767 / 32768) and loud.min() == -1  # clipped, and no sign turned
    assert convert(mixed, done, workers=1, read=read_recording).kept == 4
    os.utime(mixed / "1/1/1-1-0003.mp3")
    assert convert(mixed, done, workers=1, read=read_recording).converted == 1
