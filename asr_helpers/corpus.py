"""Speech corpora in LibriSpeech's layout: read, check, convert to WAV, download.

A corpus is any folder. Every `*.trans.txt` beneath it counts; each of its lines is `<id> <TRANSCRIPT>`, and
the audio lies beside it as `<id>.flac` or `<id>.wav`, where an id is `<speaker>-<chapter>-<number>`.
"""

import gzip
import hashlib
import io
import multiprocessing
import os
import re
import shlex
import shutil
import tarfile
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

import numpy as np
import soundfile
from tqdm.auto import tqdm

from asr_helpers import files
from asr_helpers.containers import missing_bytes
from asr_helpers.processes import deaf_children, end_with
from asr_helpers.text import (
    ENGLISH,
    Alphabet,
    OneLineError,
    TextError,
    first_line,
    printable,
    read_transcript,
)

SAMPLE_RATE = 16_000
MIN_SAMPLES = SAMPLE_RATE * 25 // 1000  # one 25 ms analysis window

_ID = re.compile(r"[^\W_]+-[^\W_]+-[^\W_]+")
CLIPS = (".wav", ".flac")  # of a corpus
MORE = (".mp3", ".ogg", ".opus", ".aiff", ".aif", ".au", ".sph", ".m4a", ".aac", ".wma", ".webm", ".mp4")
SOUND = CLIPS + MORE  # what `recordings` reads, by its usual names
_BLOCK = 2**22  # samples read at once
_UNKNOWN_LENGTH = 2**62  # libsndfile reports about 2**63 samples where a header leaves the length open


class CorpusError(OneLineError):
    """A corpus, clip or download is unusable; the message is one line that names the file and the mend."""


@dataclass(frozen=True)
class Utterance:
    """One clip and its normalised transcript; `samples` is the length that the audio's header states."""

    id: str
    path: Path
    text: str
    samples: int

    @property
    def speaker(self) -> str:
        return self.id.split("-")[0]

    @property
    def chapter(self) -> str:
        return self.id.split("-")[1]

    @property
    def seconds(self) -> float:
        return self.samples / SAMPLE_RATE


@dataclass(frozen=True)
class Corpus:
    """The usable utterances of a corpus, sorted by id, and one line about each that was left out."""

    utterances: list[Utterance]
    problems: list[str]

    def __len__(self) -> int:
        return len(self.utterances)

    def __iter__(self) -> Iterator[Utterance]:
        return iter(self.utterances)


def data_dir() -> Path:
    """Return the folder that holds the embedded corpus and the shipped models: the repository's `data/`.

    The environment variable `ASR_DATA` names another, for a package installed outside its repository.

    Raises:
        CorpusError: neither is there.
    """
    folder = Path(os.environ.get("ASR_DATA") or Path(__file__).resolve().parent.parent / "data")
    if not folder.is_dir():
        raise CorpusError(f"{folder}: no such folder; set ASR_DATA to the data/ folder of the repository")
    return folder


# ---------------------------------------------------------------------------------------------------- reading


def read_audio(path: Path | str, start: int = 0, end: int | None = None) -> np.ndarray:
    """Return the clip at `path`, or its samples `start` to `end`, as float32 (samples,), in [-1, 1), at `SAMPLE_RATE`.

    Raises:
        CorpusError: the file is missing, unreadable, cut off, empty, not mono, or of another sample rate.
    """
    path = Path(path)
    with _open_audio(path) as audio:
        _check_format(path, audio)
        samples = _read(path, audio, "float32", start, end)
    if not np.isfinite(samples).all():
        raise CorpusError(f"{path}: holds samples that are not numbers; replace the file")
    return samples


def to_pcm16(samples: np.ndarray) -> np.ndarray:
    """Return float samples as 16-bit integers; what is at full scale or beyond is clipped, not wrapped round."""
    return np.clip(np.round(samples * 32768), -32768, 32767).astype("<i2")


def load_corpus(*folders: Path | str, alphabet: Alphabet = ENGLISH) -> Corpus:
    """Return every usable utterance beneath `folders`, sorted by id, and what was left out and why.

    Only headers are read, so a FLAC that is cut off shows no sooner than in `read_audio`. An id that occurs
    twice is kept once, where it came first. A transcript must be spelt in `alphabet`.

    Raises:
        CorpusError: a folder does not exist, may not be listed, or holds no `*.trans.txt`.
    """
    found: dict[str, Utterance] = {}
    problems: list[str] = []
    for folder in map(Path, folders):
        chapters = [listed for _, listed in _walk(folder, problems)]
        if not any(_is_transcript(file) for listed in chapters for file in listed):
            raise CorpusError(f"{folder}: holds no *.trans.txt; the transcripts belong beside the audio")
        for listed in tqdm(chapters, f"checking {folder.name}", unit="folder", delay=2):
            for utterance in _read_chapter(listed, problems, alphabet):
                first = found.setdefault(utterance.id, utterance)
                if first is not utterance:
                    line = f"{utterance.path}: same id as {first.path}, which is kept; rename it"
                    problems.append(printable(line))
    return Corpus([found[key] for key in sorted(found)], problems)


def find_transcripts(folder: Path | str) -> list[Path]:
    """Return every `*.trans.txt` beneath `folder`, whether or not audio lies beside it.

    Raises:
        CorpusError: the folder does not exist or holds none.
    """
    found = [file for _, listed in _walk(Path(folder), []) for file in listed if _is_transcript(file)]
    if not found:
        raise CorpusError(f"{folder}: holds no *.trans.txt; the transcripts belong beside the audio")
    return found


def _check_folder(folder: Path) -> None:
    if not folder.is_dir():
        raise CorpusError(f"{folder}: no such folder; check the path, or fetch a corpus with `asr download`")


def _walk(top: Path, problems: list[str], lenient: bool = False) -> Iterator[tuple[Path, list[Path]]]:
    """Yield every folder in and beneath `top` with its files, in sorted order, hidden ones left out.

    Links are followed, but each folder comes once, so that a link that leads back to it does no harm. What is
    called like a clip or a text and is no file (a pipe, a link to nowhere) gets a line in `problems`.

    Raises:
        CorpusError: `top` is no folder; or one may not be listed, and nobody knows how much is in it. If `lenient`,
            that, too, is a line in `problems`.
    """
    _check_folder(top)
    seen, waiting = set(), [top]
    while waiting:
        folder = waiting.pop()
        try:
            status = folder.stat()
            identity = status.st_dev, status.st_ino
            with os.scandir(folder) as listing:
                entries = sorted((e for e in listing if not e.name.startswith(".")), key=lambda e: e.name)
        except OSError as error:
            unlisted = CorpusError(f"{folder}: cannot be listed ({error.strerror}); mend its permissions")
            if not lenient or folder == top:
                raise unlisted from None
            problems.append(str(unlisted))
            continue
        if identity in seen:
            continue
        seen.add(identity)
        folders = [folder / entry.name for entry in entries if _is_kind(entry, "dir")]
        files = [folder / entry.name for entry in entries if _is_kind(entry, "file")]
        waiting += reversed(folders)
        for path in sorted({folder / entry.name for entry in entries} - {*folders, *files}):
            if path.suffix.lower() in (".flac", ".wav", ".txt"):
                problems.append(printable(f"{path}: is no file (a pipe, or a link to nowhere); remove it"))
        yield folder, files


def _is_kind(entry: os.DirEntry, kind: str) -> bool:
    try:
        return entry.is_dir() if kind == "dir" else entry.is_file()
    except OSError:  # a link to itself
        return False


def _is_transcript(file: Path) -> bool:
    return file.name.endswith(".trans.txt")


def _audio_by_id(listed: list[Path], kinds: tuple[str, ...] = CLIPS) -> dict[str, Path]:
    """Return the audio of one folder; of one name, a WAV goes before a FLAC, and both before other `kinds`."""
    found = [file for file in listed if file.suffix.lower() in kinds]
    return {file.stem: file for file in sorted(found, key=lambda file: -kinds.index(file.suffix.lower()))}


def _read_chapter(listed: list[Path], problems: list[str], alphabet: Alphabet) -> Iterator[Utterance]:
    """Yield the usable utterances among the files of a folder; add a line to `problems` for the others."""
    audio = _audio_by_id(listed)
    spoken = set()
    for transcript in filter(_is_transcript, listed):
        try:
            lines = list(read_transcript(transcript))
        except TextError as error:
            problems.append(str(error))
            continue
        for _, key, text in lines:
            spoken.add(key)
            try:
                yield _read_utterance(key, text, audio, alphabet)
            except CorpusError as error:
                problems.append(str(error))
            except ValueError as error:
                problems.append(printable(f"{transcript}: {key}: {error}; correct the line"))
    for key in sorted(audio.keys() - spoken):
        problems.append(printable(f"{audio[key]}: no transcript; add its words to a .trans.txt beside it"))


def _read_utterance(key: str, text: str, audio: dict[str, Path], alphabet: Alphabet) -> Utterance:
    if not _ID.fullmatch(key):
        raise ValueError("the id is not <speaker>-<chapter>-<number>")
    text = alphabet.normalise(text)
    if key not in audio:
        raise ValueError(f"no {key}.flac or {key}.wav lies beside it")
    with _open_audio(audio[key]) as file:
        _check_format(audio[key], file)
        samples = file.frames
    if samples < MIN_SAMPLES:
        raise CorpusError(f"{audio[key]}: {samples} samples, less than one 25 ms window; remove the clip")
    return Utterance(key, audio[key], text, samples)


def _open_audio(path: Path) -> soundfile.SoundFile:
    """Open a sound file whose header states how long it is, and which is not visibly cut off."""
    if not path.is_file():
        wrong = "is a folder or a pipe; name a file" if path.exists() else "no such file; check the path"
        raise CorpusError(f"{path}: {wrong}")
    try:
        missing = missing_bytes(path)
        audio = sound_file(path)
    except OSError as error:
        raise CorpusError(f"{path}: cannot be read ({error.strerror}); mend its permissions") from None
    except soundfile.SoundFileError as error:
        raise CorpusError(f"{path}: not readable as audio ({_reason(error)}); replace the file") from None
    if audio.frames > _UNKNOWN_LENGTH:
        audio.close()
        raise CorpusError(f"{path}: the header does not state the length; write the file anew with ffmpeg")
    if missing:
        audio.close()
        raise CorpusError(
            f"{path}: cut off, the header promises {missing} more bytes; fetch or convert it again"
        )
    return audio


def sound_file(path: Path) -> soundfile.SoundFile:
    """Open a sound file by the bytes of its name, which need not be UTF-8."""
    return soundfile.SoundFile(os.fsencode(path) if os.name == "posix" else path)


def _check_format(path: Path, audio: soundfile.SoundFile) -> None:
    if (audio.samplerate, audio.channels) != (SAMPLE_RATE, 1):
        other, kind = f"{path}.16k", "flac" if path.suffix.lower() == ".flac" else "wav"
        # "file:", for ffmpeg takes 12:30.wav for a protocol; then in place of the clip, where its transcript is.
        mend = [
            "ffmpeg",
            "-i",
            f"file:{path}",
            "-ac",
            "1",
            "-ar",
            str(SAMPLE_RATE),
            "-f",
            kind,
            f"file:{other}",
        ]
        moves = ["mv", "--", str(path), f"{path}.orig"], ["mv", "--", other, str(path)]
        mend = " && ".join(map(shlex.join, [mend, *moves]))
        found = f"{audio.samplerate} Hz, {audio.channels} channel{'s' * (audio.channels > 1)}"
        raise CorpusError(f"{path}: {found} where {SAMPLE_RATE} Hz mono is needed; run {mend}")
    if audio.frames == 0:
        raise CorpusError(f"{path}: holds no samples; remove or replace the file")


def _read(
    path: Path, audio: soundfile.SoundFile, dtype: str, start: int = 0, end: int | None = None
) -> np.ndarray:
    """Return the samples of the open file from `start` on, to `end` or all.

    Raises:
        CorpusError: the decoder fails, or gives fewer samples than the header promises.
    """
    mend = "fetch or convert it again"
    missing = (audio.frames if end is None else min(end, audio.frames)) - start
    blocks = []
    try:
        if start:
            audio.seek(start)
        while missing or not blocks:
            # Not at once: a damaged header may promise more than fits in memory.
            blocks.append(audio.read(min(missing, _BLOCK), dtype))
            missing -= len(blocks[-1])
            if missing and not len(blocks[-1]):
                raise CorpusError(f"{path}: cut off, {missing} of {audio.frames} samples are missing; {mend}")
    except soundfile.SoundFileError as error:
        raise CorpusError(f"{path}: not decodable ({_reason(error)}); {mend}") from None
    return np.concatenate(blocks) if len(blocks) > 1 else blocks[0]


def _reason(error: soundfile.SoundFileError) -> str:
    return str(getattr(error, "error_string", error)).strip().rstrip(".")


# ------------------------------------------------------------------------------------------------- converting


@dataclass(frozen=True)
class Conversion:
    """How many files `convert` wrote, how many it found done, and one line about each that failed."""

    converted: int
    kept: int
    problems: list[str]


def convert(
    source: Path | str,
    destination: Path | str,
    workers: int | None = None,
    read: Callable[[Path], np.ndarray] | None = None,
    share: tuple[int, int] = (0, 1),
) -> Conversion:
    """Decode every FLAC beneath `source` to a WAV of the same samples, in the same tree at `destination`.

    WAV files and text files (transcripts, SPEAKERS.TXT) are copied along. A WAV that is there, complete and as
    old as what it was made from is kept, so a run that was killed goes on where it stopped; a file that cannot be
    read is reported and the rest goes on. The work is spread over `workers` processes (by default one for each
    core); a script calls this under `if __name__ == "__main__":`, as multiprocessing asks.

    Args:
        read: `recordings.read_recording`, to bring other sound (another rate, two channels, MP3 …) to 16 kHz mono
            of 16 bits; without it such a WAV is copied as it is, and other kinds are passed over.
        share: (r, n), where n machines that all see `destination` convert every n-th file each, this one from the
            r-th on.

    Raises:
        CorpusError: `source` is no folder, `destination` lies in it, or `destination` cannot be written.
    """
    source, destination = Path(source), Path(destination)
    _check_folder(source)
    if destination.resolve().is_relative_to(source.resolve()):
        raise CorpusError(f"{destination}: lies in the source folder; choose a folder outside {source}")
    problems = []
    try:
        with files.alone(destination, f"share-{share[0] + 1}-of-{share[1]}" if share[1] > 1 else ""):
            jobs = _prepare_tree(source, destination, problems, SOUND if read else CLIPS, share)
            outcomes = _run_jobs(jobs, workers or os.cpu_count(), read)
            files.flush()
    except OSError as error:
        raise _disk_error(error, destination) from None
    except BrokenProcessPool:
        mend = (
            "free memory, or guard your script with `if __name__ == '__main__':`, and run this again to go on"
        )
        raise CorpusError(f"{destination}: a worker process died; {mend}") from None
    problems += [outcome for outcome in outcomes if outcome not in ("converted", "kept")]
    return Conversion(outcomes.count("converted"), outcomes.count("kept"), problems)


def _prepare_tree(
    source: Path, destination: Path, problems: list[str], kinds: tuple[str, ...], share: tuple[int, int]
) -> list[tuple[Path, Path]]:
    """Make the folders, copy the text files, and return the (audio, WAV to write) pairs: of all, this `share`."""
    first, every = share
    texts, jobs = [], []
    for folder, listed in _walk(source, problems, lenient=True):
        target = destination / folder.relative_to(source)
        target.mkdir(parents=True, exist_ok=True)
        if every == 1:  # else it might be what another process is writing
            files.clear(target)
        texts += [(file, target / file.name) for file in listed if file.suffix.lower() == ".txt"]
        jobs += [(file, target / f"{key}.wav") for key, file in _audio_by_id(listed, kinds).items()]
    for file, copy in texts[first::every]:
        try:
            content = _read_bytes(file)
        except CorpusError as error:
            problems.append(str(error))
        else:
            files.write(copy, content, bulk=True)
    return jobs[first::every]


def _read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CorpusError(f"{path}: cannot be read ({error.strerror}); mend its permissions") from None


def _run_jobs(jobs: list[tuple[Path, Path]], workers: int, read: Callable | None) -> list[str]:
    # "spawn", because forking a process whose threads run (TensorFlow's, in a notebook) may hang.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context, end_with, [os.getpid()]) as pool:
        with deaf_children():
            work = partial(_convert_file, read=read)
            outcomes = pool.map(work, *zip(*jobs, strict=True), chunksize=16) if jobs else ()
        return list(tqdm(outcomes, "converting", total=len(jobs), unit="file", delay=1))


def _convert_file(source: Path, target: Path, read: Callable[[Path], np.ndarray] | None = None) -> str:
    """Write `target` as WAV with the samples of `source`; return "converted", "kept" or what is wrong."""
    try:
        if read and not _is_clip(source):
            age = source.stat().st_mtime_ns
            if _is_clip(target) and target.stat().st_mtime_ns == age:
                return "kept"
            content = _clip_as_wav(read(source))
        else:
            with _open_audio(source) as audio:
                age = source.stat().st_mtime_ns  # recorded as the WAV's own: a source that was replaced shows
                if _is_complete(target, audio.frames, age):
                    return "kept"
                content = _read_bytes(source) if source.suffix.lower() == ".wav" else _as_wav(source, audio)
        with files.whole(target, bulk=True) as part:
            part.write_bytes(content)
            os.utime(part, ns=(age, age))
        return "converted"
    except CorpusError as error:
        return str(error)
    except MemoryError:
        return str(
            CorpusError(f"{source}: too long for the memory; cut it into pieces, or use fewer --workers")
        )


def _is_clip(path: Path) -> bool:
    """Whether the file is sound as a corpus has it, by its name and header."""
    try:
        with _open_audio(path) as audio:
            _check_format(path, audio)
        return path.suffix.lower() in CLIPS
    except CorpusError:
        return False


def _clip_as_wav(samples: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, to_pcm16(samples), SAMPLE_RATE, "PCM_16", format="WAV")
    return buffer.getvalue()


def _is_complete(path: Path, frames: int, age: int) -> bool:
    try:
        with _open_audio(path) as audio:
            return audio.frames == frames and path.stat().st_mtime_ns == age
    except CorpusError:
        return False


def _as_wav(path: Path, audio: soundfile.SoundFile) -> bytes:
    """Return the open FLAC as the bytes of a WAV file of the same bit depth."""
    # 32-bit integers carry every depth FLAC has, left-aligned. WAV keeps 8 bits unsigned.
    samples = _read(path, audio, "int32")
    subtype = {"PCM_S8": "PCM_U8"}.get(audio.subtype, audio.subtype)
    if not soundfile.check_format("WAV", subtype):
        raise CorpusError(f"{path}: {audio.subtype} inside, which no WAV holds; convert it with ffmpeg")
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, audio.samplerate, subtype, format="WAV")
    return buffer.getvalue()


# ------------------------------------------------------------------------------------------------ downloading

OPENSLR = "https://www.openslr.org/resources"

# LibriSpeech (openslr.org/12) and Mini LibriSpeech (openslr.org/31): archive and the MD5 published beside it.
SUBSETS = {
    "dev-clean": ("12/dev-clean.tar.gz", "42e2234ba48799c1f50f24a7926300a1"),
    "dev-other": ("12/dev-other.tar.gz", "c8d0bcc9cca99d4f8b62fcc847357931"),
    "test-clean": ("12/test-clean.tar.gz", "32fa31d27d2e1cad72775fee3f4849a9"),
    "test-other": ("12/test-other.tar.gz", "fb5a50374b501bb3bac4815ee91d3135"),
    "train-clean-100": ("12/train-clean-100.tar.gz", "2a93770f6d5c6c964bc36631d331a522"),
    "train-clean-360": ("12/train-clean-360.tar.gz", "c0e676e450a7ff2f54aeade5171606fa"),
    "train-other-500": ("12/train-other-500.tar.gz", "d1a0fd59409feb2c614ce4d30c387708"),
    "dev-clean-2": ("31/dev-clean-2.tar.gz", "6d7ab67ac6a1d2c993d050e16d61080d"),
    "train-clean-5": ("31/train-clean-5.tar.gz", "5df7d4e78065366204ca6845bb08f490"),
}


# LibriSpeech's own word 3-grams (openslr.org/11), from 14 500 books: the smaller the number, the larger the file.
LANGUAGE_MODELS = {
    "3-gram.pruned.3e-7": ("11/3-gram.pruned.3e-7.arpa.gz", "8f67ec741827742eee05799ab7605b50"),
    "3-gram.pruned.1e-7": ("11/3-gram.pruned.1e-7.arpa.gz", "9a0f1325bcaf3a0f7b7be4be10823c2a"),
}


def download(subset: str, destination: Path | str, base_url: str = OPENSLR) -> Path:
    """Fetch a subset, check it, unpack it, and return its folder, `destination/LibriSpeech/<subset>`.

    A language model stays packed, as every decoder reads it: its path is returned, `destination/<name>.arpa.gz`.
    What is there already is not fetched again; a download that broke off goes on where it stopped.

    Raises:
        CorpusError: the subset is unknown, network or disk fails, the archive is not the published one, or the
            subset's folder is there and not whole.
    """
    if subset not in SUBSETS | LANGUAGE_MODELS:
        raise CorpusError(f"{subset}: no such subset; choose one of {', '.join(SUBSETS | LANGUAGE_MODELS)}")
    destination = Path(destination)
    folder = destination / "LibriSpeech" / subset
    try:
        with files.alone(destination, subset):
            if folder.is_dir() and any(folder.iterdir()):
                _check_clips(folder)
                return folder
            archive = _fetch(subset, destination, base_url)
            if subset in LANGUAGE_MODELS:
                return archive
            _unpack(archive, subset, destination)
            archive.unlink()
    except OSError as error:
        raise _disk_error(error, destination) from None
    return folder


def _check_clips(folder: Path) -> None:
    """See that every clip that a transcript names lies beside it: a folder that is there need not be whole.

    Raises:
        CorpusError: one is missing or empty, or there is no transcript.
    """
    named = 0
    for _, listed in _walk(folder, []):
        sizes = {file.stem: file.stat().st_size for file in _audio_by_id(listed).values()}
        for transcript in filter(_is_transcript, listed):
            try:
                keys = [key for _, key, _ in read_transcript(transcript)]
            except TextError as error:
                raise CorpusError(f"{folder}: not whole ({error}); delete it and run this again") from None
            lacking = [key for key in keys if not sizes.get(key)]
            if lacking or not keys:
                lack = (
                    f"{transcript.parent / lacking[0]}.flac is missing"
                    if lacking
                    else f"{transcript} is empty"
                )
                raise CorpusError(f"{folder}: not whole, {lack}; delete the folder and run this again")
            named += len(keys)
    if not named:
        raise CorpusError(f"{folder}: holds no transcripts; delete it and run this again")


def _disk_error(error: OSError, folder: Path) -> CorpusError:
    reason = error.strerror or type(error).__name__
    return CorpusError(f"{error.filename or folder}: {reason}; mend that and run this again to go on")


def _fetch(subset: str, destination: Path, base_url: str) -> Path:
    """Return the subset's archive in `destination`, its checksum verified, fetched unless it is there."""
    import requests
    import urllib3

    name, md5 = (SUBSETS | LANGUAGE_MODELS)[subset]
    url, archive = f"{base_url}/{name}", destination / Path(name).name
    if archive.is_file() and _md5(archive) == md5:
        return archive
    part = archive.with_name(f"{archive.name}.part")
    try:
        _fetch_resumable(url, part)
    except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
        status = getattr(getattr(error, "response", None), "status_code", None)
        reason = f"the server answers {status}" if status else type(error).__name__
        mend = "check the network and run this again to go on"
        raise CorpusError(f"{url}: download failed ({reason}); {mend}") from None
    if _md5(part) != md5:
        part.unlink()
        raise CorpusError(f"{url}: the checksum is wrong, the download was deleted; run this again")
    files.settle(part, archive)
    return archive


def _md5(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "md5").hexdigest()


def _fetch_resumable(url: str, part: Path) -> None:
    """Download `url` to `part`, which outlives a failure; try again for as long as each attempt brings something."""
    import requests
    import urllib3

    while True:
        before = part.stat().st_size if part.exists() else 0
        try:
            return _fetch_rest(url, part, before)
        except (requests.RequestException, urllib3.exceptions.HTTPError):
            if not part.exists() or part.stat().st_size == before:
                raise


def _fetch_rest(url: str, part: Path, start: int) -> None:
    """Append to `part` what lies beyond its first `start` bytes, or begin anew where the server cannot."""
    import requests

    headers = {"Range": f"bytes={start}-", "Accept-Encoding": "identity"}
    with requests.get(url, headers=headers, stream=True, timeout=30) as response:
        if response.status_code == 416:  # nothing lies beyond: the part is whole
            return
        response.raise_for_status()
        start = start if response.status_code == 206 else 0
        total = start + int(response.headers.get("Content-Length", 0))
        _check_space(part.parent, total - start + total)  # the rest of the archive, and what it unpacks to
        with open(part, "ab" if start else "wb") as file, _byte_bar(part.stem, start, total) as bar:
            # As sent: some servers call the archive's own compression an encoding, which would be undone here.
            for block in response.raw.stream(
                1 << 16, decode_content=False
            ):  # a break loses the block under way
                file.write(block)
                bar.update(len(block))


def _byte_bar(name: str, start: int, total: int) -> tqdm:
    return tqdm(desc=name, initial=start, total=total, unit="B", unit_scale=True, delay=1)


def _check_space(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < needed:
        found = f"{needed / 1e9:.1f} GB needed, {free / 1e9:.1f} GB free"
        raise CorpusError(f"{folder}: {found}; make room or choose another folder")


def _unpack(archive: Path, subset: str, destination: Path) -> None:
    """Unpack beside the goal, then rename: the subset's folder is there whole or not at all."""
    temporary = destination / f".{subset}.unpacking"
    shutil.rmtree(temporary, ignore_errors=True)
    try:
        with tarfile.open(archive) as tar:
            for member in tqdm(tar, "unpacking", unit="file", delay=1):
                _extract(tar, member, temporary)
        unpacked = temporary / "LibriSpeech"
        if not (unpacked / subset).is_dir():
            raise CorpusError(f"{archive}: holds no LibriSpeech/{subset}; delete it and run this again")
        files.flush()
        goal = destination / "LibriSpeech"
        goal.mkdir(exist_ok=True)
        for file in unpacked.glob("*.TXT"):
            file.replace(goal / file.name)
        files.settle(unpacked / subset, goal / subset)
    except (tarfile.TarError, EOFError, ValueError, OverflowError, zlib.error, gzip.BadGzipFile) as error:
        if isinstance(error, CorpusError):
            raise
        reason = first_line(error).rstrip(":")
        raise CorpusError(f"{archive}: cannot be unpacked ({reason}); delete it and run this again") from None
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _extract(tar: tarfile.TarFile, member: tarfile.TarInfo, target: Path) -> None:
    """Write one regular file or make one folder below `target`.

    A corpus holds nothing else, and what is not made can lead nowhere: no link, device or sparse file. (The
    filter that tarfile has for that had a hole, CVE-2025-4517, and old releases lack it.)

    Raises:
        tarfile.TarError: the member is another kind of thing, or its name leads outside.
    """
    parts = PurePosixPath(member.name).parts
    if member.name.startswith("/") or ".." in parts:
        raise tarfile.TarError(f"{member.name!r} leads outside")
    path = target.joinpath(*parts)
    if member.isdir():
        path.mkdir(parents=True, exist_ok=True)
    elif member.isreg() and not member.issparse():
        path.parent.mkdir(parents=True, exist_ok=True)
        with tar.extractfile(member) as source, open(path, "wb") as file:
            shutil.copyfileobj(source, file)
    else:
        raise tarfile.TarError(f"{member.name!r} is neither a file nor a folder")
