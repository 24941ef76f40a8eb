"""Sound is read whole, or a line says that it is not; and nothing is read that has no end."""

import http.server
import os
import shutil
import stat
import subprocess
import threading

import numpy as np
import pytest
import soundfile

from asr_helpers.own_data import any_audio, open_recording, read_recording
from asr_helpers.own_data.joined import find_parts
from asr_helpers.sound import AudioError

KINDS = {"WAV": None, "AIFF": None, "FLAC": None, "MP3": None, "VORBIS": "OGG", "OPUS": "OGG"}
needs_ffmpeg = pytest.mark.skipif(not shutil.which("ffmpeg"), reason="needs ffmpeg")


@pytest.fixture(scope="module")
def speech(mini):
    return soundfile.read(mini / "test-mini/9001/1/9001-1-0000.flac", dtype="float32")[0]


def write(path, samples, kind="WAV"):
    subtype = kind if KINDS.get(kind) else None
    soundfile.write(path, samples, 16000, subtype, format=KINDS.get(kind) or kind)
    return path


def parts_of(path, mp3):
    with open(path, "rb") as file:
        return find_parts(file, mp3)


@pytest.mark.parametrize("kind", KINDS)
def test_of_joined_files_each_is_read(tmp_path, speech, kind):
    one, two = write(tmp_path / "one", speech, kind), write(tmp_path / "two", speech[:20000][::-1], kind)
    (tmp_path / "both").write_bytes(one.read_bytes() + two.read_bytes() + one.read_bytes())
    parts = [read_recording(path) for path in (one, two, one)]
    assert np.array_equal(read_recording(tmp_path / "both"), np.concatenate(parts))
    with open_recording(tmp_path / "both") as recording:
        assert recording.seconds == pytest.approx(sum(map(len, parts)) / 16000, abs=0.01)
    assert [len(parts_of(path, mp3=kind == "MP3")) for path in (one, tmp_path / "both")] == [1, 3]


def without_length(path):
    """Return an MP3 of variable bit rate without the first frame, which holds its length."""
    content = path.read_bytes()
    (only,) = parts_of(path, mp3=True)
    second = content.index(b"\xff\xf3", only.start + 4)  # MPEG 2, layer III
    return content[second:]


@needs_ffmpeg
def test_an_mp3_of_no_stated_length_is_read_whole(tmp_path, speech):
    whole = write(tmp_path / "a.mp3", np.concatenate([speech, np.zeros(48000, np.float32), speech]), "MP3")
    (tmp_path / "b.mp3").write_bytes(without_length(whole))
    (part,) = parts_of(tmp_path / "b.mp3", mp3=True)
    assert soundfile.info(tmp_path / "b.mp3").frames < 0.6 * part.samples
    assert len(read_recording(tmp_path / "b.mp3")) == pytest.approx(part.samples, rel=0.01)


def test_without_ffmpeg_a_line_says_what_is_not_read(tmp_path, speech, monkeypatch):
    whole = write(tmp_path / "a.mp3", np.concatenate([speech, np.zeros(48000, np.float32), speech]), "MP3")
    (tmp_path / "b.mp3").write_bytes(without_length(whole))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(AudioError, match=r"b.mp3: libsndfile reads \d+ of \d+ samples; install ffmpeg"):
        read_recording(tmp_path / "b.mp3")
    assert len(read_recording(whole)) == 2 * len(speech) + 48000


def test_tags_and_rubbish_between_mp3s_do_no_harm(tmp_path, speech):
    content = write(tmp_path / "a.mp3", speech, "MP3").read_bytes()
    tag = b"ID3\x04\0\0" + bytes([0, 0, 10, 0]) + b"\xff\xf3" * 640
    (tmp_path / "b.mp3").write_bytes(tag + content + b"TAG" + b"x" * 125 + tag + content + b"\0" * 3000 + b"\xff\xfb")
    assert len(read_recording(tmp_path / "b.mp3")) == 2 * len(speech)


def test_the_name_of_a_wav_is_not_taken_for_its_format(tmp_path, speech):
    write(tmp_path / "a.wav", speech).rename(tmp_path / "a.raw")
    assert np.array_equal(read_recording(tmp_path / "a.raw"), speech)
    (tmp_path / "b.raw").write_bytes(b"\1\2" * 9999)
    with pytest.raises(AudioError, match=r"b.raw: not readable as audio"):
        read_recording(tmp_path / "b.raw")


@pytest.mark.parametrize("suffix", ["wav", pytest.param("m4a", marks=needs_ffmpeg)])
def test_channels_that_cancel_out_are_noticed(tmp_path, speech, suffix):
    soundfile.write(tmp_path / "a.wav", np.stack([speech, -0.9 * speech], 1), 16000)
    soundfile.write(tmp_path / "b.wav", np.stack([speech, np.roll(speech, 999)], 1), 16000)
    if suffix == "m4a":
        for name in "ab":
            command = ["ffmpeg", "-v", "error", "-i", tmp_path / f"{name}.wav", tmp_path / f"{name}.m4a"]
            subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    with pytest.raises(AudioError, match=rf"a.{suffix}: its channels cancel out in their mean; .*c0=c0"):
        read_recording(tmp_path / f"a.{suffix}")
    assert len(read_recording(tmp_path / f"b.{suffix}")) == pytest.approx(len(speech), abs=3000)


@pytest.mark.skipif(os.name != "posix", reason="needs devices")
@pytest.mark.parametrize("device", ["/dev/zero", "/dev/null"])
def test_a_device_is_refused(device):
    with pytest.raises(AudioError, match=f"{device}: a device"):
        read_recording(device)


@needs_ffmpeg
def test_ffmpeg_opens_no_other_file_and_no_address(tmp_path, speech):
    asked = []

    class Server(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, *_):
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    write(tmp_path / "a.wav", speech)
    address = f"http://127.0.0.1:{server.server_port}"
    lists = {
        "live.m3u8": "#EXTM3U\n#EXT-X-TARGETDURATION:99999\n#EXTINF:9,\na.wav\n",
        "far.m3u8": f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{address}/a.ts\n#EXT-X-ENDLIST\n",
        "list.ffconcat": "ffconcat version 1.0\nfile a.wav\n",
        "far.mpd": f'<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"><BaseURL>{address}/</BaseURL></MPD>',
        "far.sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 5004 RTP/AVP 0\n",
    }
    for name, content in lists.items():
        (tmp_path / name).write_text(content)
        with pytest.raises(AudioError, match=f"{name}: not readable as audio"):
            read_recording(tmp_path / name)
    server.shutdown()
    assert asked == []


@pytest.mark.skipif(os.name != "posix", reason="needs a shell")
def test_ffmpeg_is_not_waited_for_without_end(tmp_path, monkeypatch):
    (tmp_path / "ffmpeg").write_text("#!/bin/sh\nexec sleep 600\n")
    (tmp_path / "ffmpeg").chmod(stat.S_IRWXU)
    (tmp_path / "film.mp4").write_bytes(b"\0" * 999)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(any_audio, "FFMPEG_SECONDS", 0.05)
    with pytest.raises(AudioError, match=r"film.mp4: ffmpeg read no sound for 0.05 s"):
        read_recording(tmp_path / "film.mp4")


@pytest.mark.parametrize("kind", ["WAV", "AIFF", "MP3", "VORBIS", "OPUS"])
def test_what_is_cut_off_is_refused_also_behind_another(tmp_path, speech, kind):
    content = write(tmp_path / "one", speech, kind).read_bytes()
    for name, before in (("alone", b""), ("joined", content)):
        if kind == "MP3" and before:
            continue  # of joined ones, no length is stated that could be missed
        (tmp_path / name).write_bytes(before + content[: len(content) * 3 // 4 - 5])
        with pytest.raises(AudioError, match=rf"{name}: cut off, \d+ bytes of sound are missing; fetch it again"):
            read_recording(tmp_path / name)


def test_a_header_that_counts_too_little_is_noticed(tmp_path, speech):
    content = bytearray(write(tmp_path / "a.wav", speech).read_bytes())
    place = content.index(b"data") + 4
    for behind in (b"", b"\0" * 9999, b"LIST\x04\0\0\0abcd", b"TAG" + b"x" * 9999, b"rubbish\xff" * 99):
        (tmp_path / "a.wav").write_bytes(content + behind)
        assert len(read_recording(tmp_path / "a.wav")) == len(speech)
    content[place : place + 4] = (1000).to_bytes(4, "little")
    (tmp_path / "b.wav").write_bytes(content)
    why = f"b.wav: its header does not count {2 * len(speech) - 1000} bytes at the end"
    with pytest.raises(AudioError, match=why):
        read_recording(tmp_path / "b.wav")


@pytest.mark.parametrize("kind", ["AU", "NIST", "CAF", "W64"])
def test_frames_of_an_mp3_are_looked_for_in_mp3s_only(tmp_path, kind, monkeypatch):
    noise = np.random.default_rng(0).normal(size=16000) / 1000  # 0xff and much like a frame's header are everywhere
    soundfile.write(tmp_path / "a", noise, 16000, "PCM_16", format=kind)
    monkeypatch.setattr("asr_helpers.own_data.joined._mp3_frame", None)  # calling it fails
    assert len(read_recording(tmp_path / "a")) == len(noise)


@pytest.mark.parametrize("begin", [b"OggS", b"RIFF", b"FORM", b"fLaC"])
def test_a_file_without_a_whole_header_has_no_parts(tmp_path, begin):
    (tmp_path / "damaged").write_bytes(begin + bytes(100))
    assert all(part.end > part.start for part in parts_of(tmp_path / "damaged", mp3=True))
    if begin == b"OggS":
        assert parts_of(tmp_path / "damaged", mp3=False) == []
