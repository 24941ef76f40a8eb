"""The folder that `asr web` writes: static files that any web server can serve, and that work offline.

| file | content |
|---|---|
| `index.html`, `*.js`, `icon-*`, … | the page itself, as in `web/static` |
| `sw.js` | its service worker, with the list of all files and a version, the hash of their contents |
| `engine.wasm` | what computes the network, compiled from engine.c |
| `model.bin.gz` | the network, see `pack` |
| `lm.bin.gz` | the language model, see `words.packed`; without one, the page shows the letters only |
| `clips/` | recordings to try it with |
| `recogniser.json` | the alphabet, all settings, and the names and sizes of these files |

The settings are Python's constants of the same names, so that the page computes what Python does:

| key | content |
|---|---|
| `format` | 1 |
| `name` | of the model's file, to show |
| `alphabet` | a character for each class; the blank is the class after the last |
| `features` | the numbers of `sound.mel` and `sound.speech` |
| `windows` | those of `recognizer.windows` and `recognizer.recognizer` |
| `confidence` | the numbers of `words.confidence` |
| `decoder` | the arguments and constants of the beam search, of `Fusion` and of `words.hotwords` |
| `engine`, `network`, `language_model` | names of files; `language_model` may be null |
| `bytes` | of each of these files, for a progress bar |
| `clips` | a list of {"file": its name, "text": its words} |
| `files` | the names of all files in the folder |
"""

import gzip
import hashlib
import json
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from types import ModuleType

from asr_helpers.corpus.reading import Utterance
from asr_helpers.recognizer import recognizer, windows
from asr_helpers.sound import mel, speech
from asr_helpers.system import files
from asr_helpers.system.claims import Maker
from asr_helpers.web.engine import WASM
from asr_helpers.web.pack import Network
from asr_helpers.words import confidence, fusion, hotwords, prefix_beam_search

STATIC = Path(__file__).with_name("static")
SETTINGS, WORKER = "recogniser.json", "sw.js"
ENGINE, NETWORK, LANGUAGE_MODEL = "engine.wasm", "model.bin.gz", "lm.bin.gz"
FORMAT = 1
LM_MEGABYTES = 1.8
MAKER = Maker("asr web", ("*",), signs=((SETTINGS, b'{\n "format": '),))
CLIPS, CLIP_SECONDS = 4, 4.0  # how many are shipped with the page, and about how long


def write_page(
    network: Network, out: Path | str, lm: bytes | None = None, clips: Iterable[Utterance] = ()
) -> dict[str, int]:
    """Write the page to the folder `out`, and return the size of each of its files in bytes.

    The same arguments give the same bytes. In a folder that this function wrote before, what the new page does not
    need is removed.

    Args:
        network: see `pack_model`.
        out: a new or empty folder, or one with a page.
        lm: the content of the language model, see `pack_language_model`.
        clips: recordings to try the page with.

    Raises:
        NotOursError: the folder holds something else.
    """
    out = Path(out)
    MAKER.check_folder(out)
    static = [path for path in sorted(STATIC.glob("[!.]*")) if path.name != WORKER]
    made = {path.name: path.read_bytes() for path in [*static, WASM]}
    made[NETWORK] = gzip.compress(network.content, mtime=0)
    if lm is not None:
        made[LANGUAGE_MODEL] = lm
    listed = []
    for number, clip in enumerate(clips, start=1):
        name = f"clips/{number}{clip.path.suffix}"
        made[name] = clip.path.read_bytes()
        listed.append({"file": name, "text": clip.text})
    settings = _settings(network, made, listed)
    made[SETTINGS] = (json.dumps(settings, ensure_ascii=False, indent=1) + "\n").encode()
    made[WORKER] = _worker(made)
    _write(out, made)
    return {name: len(content) for name, content in made.items()}


def sample_clips(utterances: Iterable[Utterance]) -> list[Utterance]:
    """Return `CLIPS` of `utterances`, each about `CLIP_SECONDS` long, of different speakers if there are enough.

    The one whose longest word is the shortest comes first: long words are rare, and recognisers often get rare words
    wrong.
    """
    ordered = sorted(utterances, key=lambda clip: (abs(clip.seconds - CLIP_SECONDS), clip.id))
    first_of = {clip.speaker: clip for clip in reversed(ordered)}
    chosen = sorted(ordered, key=lambda clip: clip is not first_of[clip.speaker])[:CLIPS]
    return sorted(chosen, key=lambda clip: max(map(len, clip.text.split())))


def _settings(network: Network, made: dict[str, bytes], clips: list[dict]) -> dict:
    """Return the content of recogniser.json, for files that are `made`."""
    loaded = [each for each in (ENGINE, NETWORK, LANGUAGE_MODEL) if each in made]
    return {
        "format": FORMAT,
        "name": network.name,
        "alphabet": network.alphabet.characters,
        "features": _numbers(mel, speech),
        "windows": _numbers(windows, recognizer),
        "confidence": {"doubtful": confidence.DOUBTFUL, "platt": confidence.PLATT, "limits": confidence.LIMITS},
        "decoder": {
            "width": prefix_beam_search.BEAM_WIDTH,
            "margin": prefix_beam_search.BEAM_MARGIN,
            "min_log_prob": prefix_beam_search.MIN_LOG_PROB,
            **_numbers(fusion, hotwords),
        },
        "engine": ENGINE,
        "network": NETWORK,
        "language_model": LANGUAGE_MODEL if LANGUAGE_MODEL in made else None,
        "bytes": {each: len(made[each]) for each in loaded},
        "clips": clips,
        "files": sorted([*made, SETTINGS, WORKER]),
    }


def _numbers(*modules: ModuleType) -> dict[str, float | tuple[float, ...]]:
    """Return the constants of modules that are numbers, or tuples of numbers, by their names in lower case."""
    constants = {name: each for module in modules for name, each in vars(module).items() if name.isupper()}
    return {
        name.lower(): each
        for name, each in constants.items()
        if all(type(part) in (int, float) for part in (each if isinstance(each, tuple) else (each,)))
    }


def _worker(made: dict[str, bytes]) -> bytes:
    """Return the service worker for files that are `made`."""
    template = (STATIC / WORKER).read_text(encoding="utf-8")
    version = hashlib.sha256(template.encode())
    for name in sorted(made):
        version.update(f"{name} {len(made[name])}\n".encode() + made[name])
    names = json.dumps(["./", *sorted(made)])
    return template.replace("@VERSION@", version.hexdigest()[:16]).replace("@FILES@", names).encode()


def _written_before(out: Path) -> list[str] | None:
    """Return the names of the files of the page in a folder; None if it holds no page."""
    try:
        settings = json.loads((out / SETTINGS).read_text(encoding="utf-8"))
        names = settings["files"] if settings["format"] == FORMAT else None
    except (OSError, ValueError, LookupError, TypeError):
        return None
    return names if isinstance(names, list) and all(isinstance(name, str) for name in names) else None


def _write(out: Path, made: dict[str, bytes]) -> None:
    """Write the files, and remove those of an earlier page that are not among them."""
    with files.exclusive(out):
        for folder in (out, out / "clips"):
            files.remove_partials(folder)
        for name in _written_before(out) or []:
            path = PurePosixPath(name)
            inside = len(path.parts) == 1 or (len(path.parts) == 2 and path.parts[0] == "clips")
            if name not in made and inside and (out / name).is_file():
                (out / name).unlink()
        # The settings first: they make the folder ours. The service worker last: browsers then fetch the page again.
        for name in sorted(made, key=lambda name: (name == WORKER, name != SETTINGS, name)):
            (out / name).parent.mkdir(exist_ok=True)
            files.write(out / name, made[name])
