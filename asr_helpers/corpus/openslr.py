"""Download LibriSpeech subsets and language models from OpenSLR: checksummed, resumable."""

import gzip
import hashlib
import shutil
import tarfile
import time
import zlib
from pathlib import Path, PurePosixPath

from tqdm.auto import tqdm

from asr_helpers.corpus.reading import CorpusError, audio_by_id, disk_error, is_transcript, walk
from asr_helpers.system import files
from asr_helpers.system.errors import first_line
from asr_helpers.system.text_files import TextError, read_transcript

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

# LibriSpeech's own word 3-grams (openslr.org/11), from 14 500 books; a smaller pruning threshold gives a larger file.
LANGUAGE_MODELS = {
    "3-gram.pruned.3e-7": ("11/3-gram.pruned.3e-7.arpa.gz", "8f67ec741827742eee05799ab7605b50"),
    "3-gram.pruned.1e-7": ("11/3-gram.pruned.1e-7.arpa.gz", "9a0f1325bcaf3a0f7b7be4be10823c2a"),
}


ATTEMPTS = 4  # to go on after breaks, in a row, each of which brought less than PROGRESS_BYTES
PROGRESS_BYTES = 1 << 20
PAUSE_SECONDS = 1.0  # after a break; doubled while attempts bring too little


def download(subset: str, destination: Path | str, base_url: str = OPENSLR) -> Path:
    """Fetch a subset, check it, unpack it, and return its folder, `destination/LibriSpeech/<subset>`.

    A language model stays compressed, as every decoder reads it: the result is `destination/<name>.arpa.gz`. A subset
    that exists is not fetched again; an interrupted download resumes where it stopped.

    `subset` is one of `SUBSETS` or `LANGUAGE_MODELS`; `base_url` may be that of a mirror of OpenSLR.

    Raises:
        CorpusError: the subset is unknown, network or disk fails, the archive is not the published one, or the
            subset's folder exists and is incomplete.
    """
    if subset not in SUBSETS | LANGUAGE_MODELS:
        raise CorpusError(f"{subset}: no such subset; choose one of {', '.join(SUBSETS | LANGUAGE_MODELS)}")
    destination = Path(destination)
    folder = destination / "LibriSpeech" / subset
    try:
        with files.exclusive(destination, subset):
            if folder.is_dir() and any(folder.iterdir()):
                _check_clips(folder)
                return folder
            archive = _fetch(subset, destination, base_url)
            if subset in LANGUAGE_MODELS:
                return archive
            _unpack(archive, subset, destination)
            archive.unlink()
    except OSError as error:
        raise disk_error(error, destination) from None
    return folder


def _check_clips(folder: Path) -> None:
    """Check that every clip in the transcripts lies beside them: a folder that exists may be incomplete.

    Raises:
        CorpusError: a clip or transcript is missing or empty.
    """
    clips = 0
    for _, listed in walk(folder, []):
        sizes = {file.stem: file.stat().st_size for file in audio_by_id(listed).values()}
        for transcript in filter(is_transcript, listed):
            try:
                keys = [key for _, key, _ in read_transcript(transcript)]
            except TextError as error:
                raise CorpusError(f"{folder}: incomplete ({error}); delete it and run this again") from None
            missing = [key for key in keys if not sizes.get(key)]
            if missing or not keys:
                fault = f"{transcript.parent / missing[0]}.flac is missing" if missing else f"{transcript} is empty"
                raise CorpusError(f"{folder}: incomplete, {fault}; delete the folder and run this again")
            clips += len(keys)
    if not clips:
        raise CorpusError(f"{folder}: holds no transcripts; delete it and run this again")


def _fetch(subset: str, destination: Path, base_url: str) -> Path:
    """Return the subset's archive in `destination`, with its checksum verified; download it if needed.

    Raises:
        CorpusError: the download failed, or its checksum is wrong.
    """
    import requests
    import urllib3

    name, md5 = (SUBSETS | LANGUAGE_MODELS)[subset]
    url, archive = f"{base_url}/{name}", destination / Path(name).name
    if archive.is_file() and archive.stat().st_size:
        if _md5(archive) == md5:
            return archive
        raise CorpusError(f"{archive}: its checksum is not the published one; delete it or choose another folder")
    part = archive.with_name(f"{archive.name}.part")
    try:
        _fetch_resumable(url, part)
    except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
        status = getattr(getattr(error, "response", None), "status_code", None)
        reason = f"the server answers {status}" if status else type(error).__name__
        remedy = "check the network and run this again to go on"
        raise CorpusError(f"{url}: download failed ({reason}); {remedy}") from None
    if _md5(part) != md5:
        part.unlink()
        raise CorpusError(f"{url}: the checksum is wrong, the download was deleted; run this again")
    files.replace_durably(part, archive)
    return archive


def _md5(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "md5").hexdigest()


def _fetch_resumable(url: str, part: Path) -> None:
    """Download `url` to `part`, which a failure leaves in place.

    A broken connection is resumed after a pause, unless the first attempt brings nothing, or `ATTEMPTS` in a row bring
    little. A server that does not support ranges starts again each time, so only the longest part counts.
    """
    import requests
    import urllib3

    first = most = _size(part)
    vain = 0
    while True:
        try:
            return _fetch_rest(url, part, _size(part))
        except requests.HTTPError:  # the server's answer
            raise
        except (requests.RequestException, urllib3.exceptions.HTTPError):
            vain = 0 if _size(part) >= most + PROGRESS_BYTES else vain + 1
            most = max(most, _size(part))
            if most == first or vain == ATTEMPTS:
                raise
        time.sleep(PAUSE_SECONDS * 2**vain)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _fetch_rest(url: str, part: Path, start: int) -> None:
    """Append the bytes of `url` from `start` on to `part`, or start again if the server does not support ranges."""
    import requests

    headers = {"Range": f"bytes={start}-", "Accept-Encoding": "identity"}
    with requests.get(url, headers=headers, stream=True, timeout=30) as response:
        if response.status_code == 416:  # range not satisfiable: the part is complete
            return
        response.raise_for_status()
        start = start if response.status_code == 206 else 0
        total = start + int(response.headers.get("Content-Length", 0))
        _check_space(part.parent, total - start + total)  # the rest of the archive, and its content
        with open(part, "ab" if start else "wb") as file, _byte_bar(part.stem, start, total) as bar:
            # Not decoded: some servers declare the archive's own compression as an encoding.
            for block in response.raw.stream(1 << 16, decode_content=False):  # a broken connection loses one block
                file.write(block)
                bar.update(len(block))


def _byte_bar(name: str, start: int, total: int) -> tqdm:
    return tqdm(desc=name, initial=start, total=total, unit="B", unit_scale=True, delay=1)


def _check_space(folder: Path, needed: int) -> None:
    """Check that the disk of `folder` has `needed` bytes free.

    Raises:
        CorpusError: there is less.
    """
    free = shutil.disk_usage(folder).free
    if free < needed:
        found = f"{needed / 1e9:.1f} GB needed, {free / 1e9:.1f} GB free"
        raise CorpusError(f"{folder}: {found}; free some space or choose another folder")


def _unpack(archive: Path, subset: str, destination: Path) -> None:
    """Unpack atomically: into a temporary folder, which is then renamed to the subset's.

    Raises:
        CorpusError: the archive is damaged, holds no such subset, or holds something other than files and folders.
        OSError: the disk fails.
    """
    temporary = destination / f".{subset}.unpacking"
    shutil.rmtree(temporary, ignore_errors=True)
    try:
        with tarfile.open(archive) as tar:
            for member in tqdm(tar, "unpacking", unit="file", delay=1):
                _extract(tar, member, temporary)
        unpacked = temporary / "LibriSpeech"
        if not (unpacked / subset).is_dir():
            raise CorpusError(f"{archive}: holds no LibriSpeech/{subset}; delete it and run this again")
        files.sync_disks()
        target = destination / "LibriSpeech"
        target.mkdir(exist_ok=True)
        for file in unpacked.glob("*.TXT"):
            if not (target / file.name).exists():  # of another subset, with the same content, or the user's
                file.replace(target / file.name)
        files.replace_durably(unpacked / subset, target / subset)
    except (tarfile.TarError, EOFError, ValueError, OverflowError, zlib.error, gzip.BadGzipFile) as error:
        if isinstance(error, CorpusError):
            raise
        reason = first_line(error).rstrip(":")
        raise CorpusError(f"{archive}: cannot be unpacked ({reason}); delete it and run this again") from None
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _extract(tar: tarfile.TarFile, member: tarfile.TarInfo, target: Path) -> None:
    """Write one regular file, or create one folder, below `target`.

    A corpus holds nothing else; links, devices and sparse files are refused. (tarfile's own filter for that had a
    hole, CVE-2025-4517, and old releases lack it.)

    Raises:
        tarfile.TarError: the member is neither, or its name leads outside `target`.
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
