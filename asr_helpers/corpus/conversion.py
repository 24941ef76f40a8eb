"""Convert a corpus to WAV, bit for bit, in parallel; a killed run resumes where it stopped."""

import io
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import soundfile
from tqdm.auto import tqdm

from asr_helpers.corpus.reading import CorpusError, audio_by_id, check_folder, disk_error, walk
from asr_helpers.sound.audio import CORPUS_SUFFIXES, SAMPLE_RATE, SOUND_SUFFIXES, to_pcm16
from asr_helpers.sound.opening import AudioError, check_format, open_audio, read_samples
from asr_helpers.system import files
from asr_helpers.system.claims import Maker
from asr_helpers.system.errors import OneLineError
from asr_helpers.system.processes import map_processes

MAKER = Maker("asr convert", ("*",))


@dataclass(frozen=True)
class Conversion:
    """Result of `convert`: counts of files converted and kept; `problems`, one line for each file that failed."""

    converted: int
    kept: int
    problems: list[str]


def convert(
    source: Path | str,
    destination: Path | str,
    workers: int | None = None,
    read: Callable[[Path], np.ndarray] | None = None,
    shard: tuple[int, int] = (0, 1),
) -> Conversion:
    """Decode every FLAC beneath `source` to a WAV with the same samples, in the same tree at `destination`.

    WAV files and text files (transcripts, SPEAKERS.TXT) are copied. A complete WAV with its source's time stamp is
    kept, so a killed run resumes where it stopped. A file that cannot be read is reported and skipped. A script calls
    this under `if __name__ == "__main__":`, as multiprocessing requires.

    Args:
        source: the corpus.
        destination: folder to write to, outside `source`.
        workers: number of processes; None starts one for each core.
        read: `own_data.read_recording`, to convert other sound (another rate, two channels, MP3 …) to 16-bit 16 kHz
            mono. Without it such a WAV is copied unchanged, and other formats are skipped.
        shard: (r, n): process r of n, all of which see `destination`, converts files r, r+n, …

    Raises:
        CorpusError: `source` is not a folder, `destination` lies in it or cannot be written, or a worker process dies.
        NotOursError: `destination` holds files, and `convert` has not written there.
    """
    source, destination = Path(source), Path(destination)
    check_folder(source)
    if destination.resolve().is_relative_to(source.resolve()):
        raise CorpusError(f"{destination}: lies in the source folder; choose a folder outside {source}")
    problems: list[str] = []
    remedy = "free memory, or guard your script with `if __name__ == '__main__':`, and run this again to go on"
    died = CorpusError(f"{destination}: a worker process died; {remedy}")
    work = partial(_convert_job, read=read)
    try:
        MAKER.claim_folder(destination, source)
        with files.exclusive(destination, f"share-{shard[0] + 1}-of-{shard[1]}" if shard[1] > 1 else ""):
            jobs = _prepare_tree(source, destination, problems, SOUND_SUFFIXES if read else CORPUS_SUFFIXES, shard)
            done = map_processes(work, jobs, workers or os.cpu_count() or 1, died, chunksize=16)
            outcomes = list(tqdm(done, "converting", total=len(jobs), unit="file", delay=1))
            files.sync_disks()
    except OSError as error:
        raise disk_error(error, destination) from None
    problems += [outcome for outcome in outcomes if outcome not in ("converted", "kept")]
    return Conversion(outcomes.count("converted"), outcomes.count("kept"), problems)


def _prepare_tree(
    source: Path, destination: Path, problems: list[str], kinds: tuple[str, ...], shard: tuple[int, int]
) -> list[tuple[Path, Path]]:
    """Create the folders, copy this part's text files, and return its jobs: (audio, WAV to write).

    `problems` receives a line for each text or folder that cannot be read; `kinds` are suffixes of the audio.
    """
    first, every = shard
    texts, jobs = [], []
    for folder, listed in walk(source, problems, lenient=True):
        target = destination / folder.relative_to(source)
        target.mkdir(parents=True, exist_ok=True)
        if every == 1:  # with several parts, another process may be writing such a file
            files.remove_partials(target)
        texts += [(file, target / file.name) for file in listed if file.suffix.lower() == ".txt"]
        jobs += [(file, target / f"{key}.wav") for key, file in audio_by_id(listed, kinds).items()]
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
        raise CorpusError(f"{path}: cannot be read ({error.strerror}); correct its permissions") from None


def _convert_job(job: tuple[Path, Path], read: Callable[[Path], np.ndarray] | None) -> str:
    return convert_file(*job, read)


def convert_file(source: Path, target: Path, read: Callable[[Path], np.ndarray] | None = None) -> str:
    """Write `target` as a WAV with the samples of `source`; return "converted", "kept" or the error message."""
    try:
        if read and not _is_clip(source):
            age = source.stat().st_mtime_ns
            if _is_clip(target) and target.stat().st_mtime_ns == age:
                return "kept"
            content = _clip_as_wav(read(source))
        else:
            with open_audio(source) as audio:
                age = source.stat().st_mtime_ns  # the WAV's time stamp: shows a replaced source
                if _is_complete(target, audio.frames, age):
                    return "kept"
                content = _read_bytes(source) if source.suffix.lower() == ".wav" else _as_wav(source, audio)
        with files.atomic_write(target, bulk=True) as part:
            part.write_bytes(content)
            os.utime(part, ns=(age, age))
        return "converted"
    except OneLineError as error:
        return str(error)
    except MemoryError:
        return str(CorpusError(f"{source}: too long for the memory; cut it into pieces, or use fewer --workers"))


def _is_clip(path: Path) -> bool:
    """Return whether a file is a clip in a corpus's format, by its name and header."""
    try:
        with open_audio(path) as audio:
            check_format(path, audio, SAMPLE_RATE)
        return path.suffix.lower() in CORPUS_SUFFIXES
    except AudioError:
        return False


def _clip_as_wav(samples: np.ndarray) -> bytes:
    """Return float samples at 16 kHz as the bytes of a 16-bit WAV."""
    buffer = io.BytesIO()
    soundfile.write(buffer, to_pcm16(samples), SAMPLE_RATE, "PCM_16", format="WAV")
    return buffer.getvalue()


def _is_complete(path: Path, frames: int, age: int) -> bool:
    """Return whether a WAV is complete, with this length in samples and this time stamp in nanoseconds."""
    try:
        with open_audio(path) as audio:
            return audio.frames == frames and path.stat().st_mtime_ns == age
    except AudioError:
        return False


def _as_wav(path: Path, audio: soundfile.SoundFile) -> bytes:
    """Return the open FLAC as the bytes of a WAV file of the same bit depth."""
    # 32-bit integers hold every bit depth of FLAC, left-aligned. WAV stores 8 bits unsigned.
    samples = read_samples(path, audio, "int32")
    subtype = {"PCM_S8": "PCM_U8"}.get(audio.subtype, audio.subtype)
    if not soundfile.check_format("WAV", subtype):
        raise CorpusError(f"{path}: {audio.subtype} inside, which a WAV cannot hold; convert it with ffmpeg")
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, audio.samplerate, subtype, format="WAV")
    return buffer.getvalue()
