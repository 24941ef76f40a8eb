"""Compare every variant of a model: size, error rates, speed and memory, each measured in a fresh process."""

import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from asr_helpers.corpus.reading import Utterance
from asr_helpers.recognizer.recognizer import Recognizer
from asr_helpers.recognizer.runtimes import ALTERNATIVE_MODES, LOADERS, RecognizerError
from asr_helpers.sound.audio import SAMPLE_RATE, read_audio
from asr_helpers.system.processes import ChildCrash, ChildMistake, run_module
from asr_helpers.words.metrics import paired_difference, score, word_errors

REFERENCE = "crnn.keras"
MODE_CLIPS = 10  # the number of utterances on which the alternative modes are timed


@dataclass
class Variant:
    """One variant of the model. Rates are fractions, intervals [low, high]; "by threads" is a dict by "1", "2", …

    Attributes:
        name, bytes: name and size of the file.
        wer, wer_ci95, cer, cer_ci95: error rates, greedily decoded, and their 95 % intervals.
        wer_ci95_by, cer_ci95_by: "bootstrap", or "rule of three" without any error.
        wer_change, wer_change_ci95: difference from the reference's WER, paired by utterance.
        frame_agreement: fraction of output frames whose most probable label is the reference's.
        ms_per_audio_second: by threads, from samples to text, the median over the utterances.
        ms_quartiles: by threads, the first and third quartile of the same.
        other_modes: {mode: milliseconds by threads} of `ALTERNATIVE_MODES`, if requested.
        load_seconds: time to import the runtime and load the model, with the first number of threads.
        peak_rss_mb: peak memory of that process after its first utterance; None on Windows.
    """

    name: str
    bytes: int
    wer: float
    wer_ci95: list[float]
    wer_ci95_by: str
    cer: float
    cer_ci95: list[float]
    cer_ci95_by: str
    wer_change: float
    wer_change_ci95: list[float]
    frame_agreement: float
    ms_per_audio_second: dict[str, float]
    ms_quartiles: dict[str, list[float]]
    other_modes: dict[str, dict[str, float]]
    load_seconds: float
    peak_rss_mb: float | None


@dataclass
class Comparison:
    """The variants of a model in one folder, measured on the same utterances; the reference comes first."""

    utterances: int
    audio_seconds: float
    variants: list[Variant]
    problems: list[str] = field(default_factory=list)  # one line for each model that failed


@dataclass
class Measurement:
    """What one process measured of one model: its output on the clips, and milliseconds per second of audio."""

    load_seconds: float
    peak_rss_mb: float | None
    texts: list[str] = field(default_factory=list)
    labels: list[list[int]] = field(default_factory=list)  # of each clip, the most probable label of each frame
    ms: float = 0.0
    ms_quartiles: list[float] = field(default_factory=list)


def compare(
    folder: Path | str, utterances: list[Utterance], threads: tuple[int, ...] = (1, 2), other_modes: bool = False
) -> Comparison:
    """Return the size, errors, speed and memory of every model in `folder`, on the CPU.

    Each model runs in a fresh process for each number of threads.

    Args:
        folder: holds the models; the first of `find_models` is the reference.
        utterances: the clips to measure on.
        threads: numbers of threads.
        other_modes: also time the `ALTERNATIVE_MODES` of each model, on the first ten utterances.

    Raises:
        RecognizerError: the folder holds no model, there are no utterances, or the reference fails. Another model that
            fails has its line in `problems`.
    """
    folder, utterances = Path(folder), list(utterances)
    if not utterances:
        raise RecognizerError("there is no utterance to compare on")
    models = find_models(folder)
    runs, failed = _measure_all(models, utterances, threads, other_modes)
    spoken = [utterance.text for utterance in utterances]
    reference = runs[models[0], ""][threads[0]]
    reference_labels, reference_errors = np.concatenate(reference.labels), word_errors(spoken, reference.texts)
    variants = []
    for path in (each for each in models if each not in failed):
        by_threads = runs[path, ""]
        first = by_threads[threads[0]]
        change, interval = paired_difference(reference_errors, word_errors(spoken, first.texts))
        rates = score(spoken, first.texts)
        variants.append(
            Variant(
                name=path.name,
                bytes=path.stat().st_size,
                **{key: value for key, value in rates.items() if key != "utterances"},
                wer_change=change,
                wer_change_ci95=list(interval),
                frame_agreement=float(np.mean(np.concatenate(first.labels) == reference_labels)),
                ms_per_audio_second=_milliseconds(by_threads),
                ms_quartiles={str(count): run.ms_quartiles for count, run in by_threads.items()},
                other_modes={mode: _milliseconds(run) for (each, mode), run in runs.items() if each == path and mode},
                load_seconds=first.load_seconds,
                peak_rss_mb=first.peak_rss_mb,
            )
        )
    return Comparison(
        len(utterances), sum(utterance.seconds for utterance in utterances), variants, list(failed.values())
    )


def find_models(folder: Path) -> list[Path]:
    """Return the models of a folder: the reference, then ONNX and TFLite, the larger ones first.

    The reference is `crnn.keras`, of which only the variants are compared. In a folder without one, all models are
    compared with the first.

    Raises:
        RecognizerError: the folder holds no model.
    """
    reference = [folder / REFERENCE] if (folder / REFERENCE).is_file() else []
    others = [path for path in folder.glob("crnn.*.*" if reference else "*") if path.suffix in LOADERS]
    if not reference and not others:
        raise RecognizerError(f"{folder}: holds no model, neither {REFERENCE} nor another; run `asr quantize`")
    others.sort(key=lambda path: (path.suffix, -path.stat().st_size))
    return [*reference, *others]


def _milliseconds(by_threads: dict[int, Measurement]) -> dict[str, float]:
    return {str(count): run.ms for count, run in by_threads.items()}


def _measure_all(
    models: list[Path], utterances: list[Utterance], threads: tuple[int, ...], other_modes: bool
) -> tuple[dict[tuple[Path, str], dict[int, Measurement]], dict[Path, str]]:
    """Return the measurements of each (model, mode) by number of threads, and a line for each model that failed.

    The mode "" is the default one. The first model is the reference, so its failure is raised.
    """
    from tqdm.auto import tqdm

    modes = {path: ("", *(ALTERNATIVE_MODES[path.suffix] if other_modes else ())) for path in models}
    jobs = [(path, mode, count) for path in models for mode in modes[path] for count in threads]
    found: dict[tuple[Path, str], dict[int, Measurement]] = {}
    failed: dict[Path, str] = {}
    with tqdm(jobs, unit="run") as bar:
        for path, mode, count in bar:
            if path in failed:
                continue
            bar.set_description(f"{path.name} {mode} on {count} thread(s)")
            clips = [utterance.path for utterance in utterances[: MODE_CLIPS if mode else None]]
            try:
                found.setdefault((path, mode), {})[count] = measure_apart(path, count, clips, mode)
            except RecognizerError as error:
                if path == models[0]:
                    raise
                failed[path] = str(error)
    return found, failed


def measure_apart(model: Path, threads: int, clips: list[Path], mode: str = "") -> Measurement:
    """Return `measure` from a fresh process, with one runtime in memory, on the CPU.

    Raises:
        RecognizerError: the model or a clip cannot be read, or the runtime crashes.
        RuntimeError: the process ended with a traceback.
    """
    environment = {
        "CUDA_VISIBLE_DEVICES": "-1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "TF_NUM_INTRAOP_THREADS": str(threads),
        "TF_NUM_INTEROP_THREADS": "1",
        "OMP_NUM_THREADS": str(threads),
    }
    paths = [str(clip) for clip in clips]
    try:
        found = run_module("asr_helpers.recognizer", model, str(threads), mode, stdin=paths, env=environment)
    except ChildMistake as error:
        raise RecognizerError(str(error)) from None
    except ChildCrash as error:
        raise RecognizerError(f"{model}: its runtime crashed (exit status {error.status}); make it again") from None
    return Measurement(**found)


def measure(model: Path | str, threads: int, clips: list[str], mode: str = "") -> Measurement:
    """Return the texts, labels, speed and memory of `model` on sound files, measured in this process."""
    start = time.perf_counter()
    recognizer = Recognizer.load(model, threads, mode)
    load_seconds = time.perf_counter() - start
    recognizer.transcribe(read_audio(clips[0]))  # warms up: the first run allocates, and Keras traces
    found, times = Measurement(load_seconds, peak_rss_mb()), []
    for clip in clips:
        samples = read_audio(clip)
        start = time.perf_counter()
        log_probs = recognizer.audio_log_probs(samples)
        found.texts.append(recognizer.greedy(log_probs))
        times.append(1000 * (time.perf_counter() - start) * SAMPLE_RATE / len(samples))
        found.labels.append(log_probs.argmax(axis=-1).tolist())
    low, found.ms, high = np.quantile(times, [0.25, 0.5, 0.75]).tolist()
    found.ms_quartiles = [low, high]
    return found


def peak_rss_mb() -> float | None:
    """Return the peak resident memory of this process so far, in megabytes; None on Windows."""
    status = Path("/proc/self/status")
    if status.is_file():  # on Linux, getrusage includes the parent's peak
        return next(int(line.split()[1]) for line in status.open() if line.startswith("VmHWM")) * 1024 / 1e6
    try:
        import resource
    except ModuleNotFoundError:
        return None
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6  # macOS, in bytes
