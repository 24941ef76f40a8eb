"""One interface over every runtime: Keras, TFLite, ONNX Runtime; and what each of them costs and gets wrong.

Needs TensorFlow for `.keras` files only: a `.tflite` file takes ai-edge-litert, NumPy and soundfile.
"""

import json
import mmap
import os
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np

from asr_helpers import processes
from asr_helpers.corpus import MIN_SAMPLES, Utterance, data_dir, read_audio
from asr_helpers.decoding import greedy
from asr_helpers.features import HOP, MELS, OUTPUT_HOP, SAMPLE_RATE, TIME_POOLING, features, num_frames
from asr_helpers.metrics import paired_difference, score, word_errors
from asr_helpers.text import ALPHABET_KEY, ENGLISH, Alphabet, OneLineError, first_line

LONGEST = 30 * SAMPLE_RATE  # beyond what the model was trained on, audio is cut into windows
WINDOW = 20 * SAMPLE_RATE
OVERLAP = 4 * SAMPLE_RATE
PATIENCE = 10  # seconds, beside twice the audio's length, after which an ONNX file is taken to hang
SILENCE_LOGIT = 20.0  # the blank's in silence, where all others are 0


class RecognizerError(OneLineError):
    """A model cannot be loaded or compared; the message is one line that names the file and the mend."""


class Recognizer:
    """A model, whichever runtime it needs. `log_probs` and `transcribe` mean the same on each."""

    def __init__(
        self,
        logits: Callable[[np.ndarray], np.ndarray],
        alphabet: Alphabet = ENGLISH,
        name: str = "the model",
    ):
        """`logits` takes features, float32 (frames, 80), to logits, float32 (frames // 4, the alphabet's classes).

        `name` is for messages.
        """
        self._logits, self.alphabet, self.name = logits, alphabet, name

    @classmethod
    def load(cls, path: Path | str, threads: int = 1, way: str = "") -> "Recognizer":
        """Return the recogniser of a `.keras`, `.tflite` or `.onnx` file.

        Args:
            threads: of the runtime. TensorFlow has one setting for the whole process: Keras ignores this one.
            way: one of `OTHER_WAYS` of running such a file, all slower and here to be measured: Keras's
                "predict" or "eager" call instead of a `tf.function`, LiteRT with "no XNNPACK".

        Raises:
            RecognizerError: the file is missing, of another kind or broken, or its runtime is not installed.
            ValueError: there is no such way of running it.
        """
        path = Path(path)
        if path.suffix not in _LOADERS:
            raise RecognizerError(f"{path}: not a model; expected a name in {', '.join(_LOADERS)}")
        if not path.is_file():
            raise RecognizerError(f"{path}: no such file; check the path, or make it with `asr quantize`")
        if way and way not in OTHER_WAYS[path.suffix]:
            raise ValueError(f"{path}: no way to run it is called {way!r}")
        try:
            logits, alphabet = _LOADERS[path.suffix](path, threads, way)
            return cls(logits, alphabet, str(path))
        except ModuleNotFoundError as error:
            package = _PACKAGES.get(str(error.name).split(".")[0], error.name)
            raise RecognizerError(f"{path}: needs a package that is missing: pip install {package}") from None
        except Exception as error:  # each runtime has its own ways to refuse a file
            raise RecognizerError(f"{path}: cannot be loaded ({first_line(error)}); make it anew") from error

    def log_probs(self, features: np.ndarray) -> np.ndarray:
        """Return the log-probabilities for `features` (frames, 80): float32 (frames // 4, classes).

        Digital silence, whose features never change, is all blanks; three frames or fewer are no output frame.

        Raises:
            ValueError: `features` is of another shape, or holds no frame.
            RecognizerError: the model fails, or is of another kind than `build_model`'s.
        """
        if np.ndim(features) != 2 or np.shape(features)[1] != MELS or not len(features):
            raise ValueError(f"features have shape {np.shape(features)} where (frames, {MELS}) is needed")
        if len(features) >= 4 and (features != features[0]).any():
            logits = self._run(features.astype(np.float32))
        else:
            logits = self._silence(len(features))
        return _log_softmax(logits)

    def _silence(self, frames: int) -> np.ndarray:
        logits = np.zeros((frames // TIME_POOLING, self.alphabet.classes), np.float32)
        logits[:, self.alphabet.blank] = SILENCE_LOGIT
        return logits

    def _run(self, features: np.ndarray) -> np.ndarray:
        try:
            logits = self._logits(features)
        except Exception as error:  # a file may load well and fall apart when it runs
            raise RecognizerError(
                f"{self.name}: fails when it runs ({first_line(error)}); make it anew"
            ) from error
        expected = (len(features) // TIME_POOLING, self.alphabet.classes)
        shape = np.shape(logits)
        # A last frame of three or fewer feature frames may be there or not.
        if len(shape) != 2 or shape[1] != expected[1] or not 0 <= shape[0] - expected[0] <= 1:
            raise RecognizerError(
                f"{self.name}: gives {shape} where {expected} is needed; is it a model of `asr train`?"
            )
        if not np.isfinite(logits).all():
            raise RecognizerError(f"{self.name}: gives what is no number; make it anew")
        return logits

    def audio_log_probs(self, samples: np.ndarray) -> np.ndarray:
        """Return the log-probabilities for mono float32 audio at 16 kHz, one frame for every 40 ms.

        Audio of more than 30 s is cut into windows of 20 s, each with features normalised on its own, as the
        model knows them. Neighbours overlap by 4 s or more and meet in the middle of it, so that every frame
        comes from a window that hears at least 2 s beyond it on either side.

        Raises:
            ValueError: the audio is not one channel, or shorter than 25 ms.
        """
        return np.concatenate(list(self.stream([samples])))

    def stream(self, blocks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """Yield, window by window, what `audio_log_probs` returns of audio that arrives in `blocks`."""
        # A window's log-probabilities, its first frame, and how many frames went out.
        waiting, at, given = None, 0, 0
        for start, samples in _windows(blocks):
            window, first = self._window(samples), start // OUTPUT_HOP
            if waiting is not None:
                meet = (at + len(waiting) + first) // 2
                yield waiting[given - at : meet - at]
                given = meet
            waiting, at = window, first
        yield waiting[given - at :]

    def _window(self, samples: np.ndarray) -> np.ndarray:
        """Return `log_probs` of the samples' features; where nothing moves, without the features."""
        if len(samples) >= MIN_SAMPLES and samples.min() == samples.max():
            return _log_softmax(self._silence(num_frames(len(samples))))
        return self.log_probs(features(samples))

    def transcribe(self, samples: np.ndarray, decoder: Callable[[np.ndarray], str] | None = None) -> str:
        """Return the text of mono float32 audio at 16 kHz, of any length; raises as `audio_log_probs`.

        `decoder` is `greedy` for None.
        """
        return (decoder or self.greedy)(self.audio_log_probs(samples))

    def greedy(self, log_probs: np.ndarray) -> str:
        """Return what `decoding.greedy` makes of the model's log-probabilities, in its alphabet."""
        return greedy(log_probs, self.alphabet)


def _log_softmax(logits: np.ndarray) -> np.ndarray:
    peak = logits.max(axis=-1, keepdims=True)
    return logits - peak - np.log(np.exp(logits - peak).sum(axis=-1, keepdims=True))


def stored_alphabet(path: Path | str) -> Alphabet:
    """Return the alphabet of a `.keras` file, which is not loaded for that.

    Raises:
        RecognizerError: the file is missing, or is no model that Keras wrote.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return Alphabet.of_model_name(json.loads(archive.read("config.json"))["config"]["name"])
    except FileNotFoundError:
        raise RecognizerError(f"{path}: no such file; check the path") from None
    except (OSError, ValueError, LookupError, TypeError, RecursionError, zipfile.BadZipFile) as error:
        raise RecognizerError(f"{path}: cannot be loaded ({first_line(error)}); make it anew") from None


def shipped_model() -> Path:
    """Return the path of the model that ships with the project: the fastest form, which needs no TensorFlow."""
    return data_dir() / "models" / "crnn.fast.onnx"


def window_starts(samples: int) -> list[int]:
    """Return where the windows of a long recording start, in samples, each on an output frame.

    The last one is moved back to have its full length too: on a short rest the features' mean and deviation
    would be poor.
    """
    last = -(-(samples - WINDOW) // OUTPUT_HOP) * OUTPUT_HOP
    return [*range(0, last, WINDOW - OVERLAP), last]


def _windows(blocks: Iterable[np.ndarray]) -> Iterator[tuple[int, np.ndarray]]:
    """Yield (start, samples) of each window of `window_starts`, as soon as enough has arrived.

    What is held reaches back to the last window's start, because the end may move its successor back.
    """
    held, at, due = np.zeros(0, np.float32), 0, 0
    for block in blocks:
        held = np.append(held, block) if len(held) else block
        while at + len(held) > max(LONGEST, due + WINDOW):
            held, at = held[due - at :], due
            yield at, held[:WINDOW]
            due += WINDOW - OVERLAP
    samples = at + len(held)
    last = window_starts(samples)[-1] if samples > LONGEST else 0
    yield last, held[last - at :]


def segments(pieces: Iterable[np.ndarray], alphabet: Alphabet = ENGLISH) -> Iterator[tuple[int, np.ndarray]]:
    """Yield (first frame, log-probabilities) of stretches of `LONGEST` at most, cut in pauses.

    So a long recording is decoded and aligned in bounded memory, and its text comes while it is still read.
    A pause is where the model hears nothing but blanks and a space between words; the longest one is cut in two.
    """
    held, at, most = None, 0, LONGEST // OUTPUT_HOP
    for piece in pieces:
        held = piece if held is None else np.concatenate([held, piece])
        while len(held) > most:
            cut = _longest_pause(held[:most], most // 3, alphabet)
            yield at, held[:cut]
            held, at = held[cut:], at + cut
    if held is not None:
        yield at, held


def _longest_pause(log_probs: np.ndarray, earliest: int, alphabet: Alphabet) -> int:
    """Return the frame in the middle of the longest pause from `earliest` on; the end, where there is none."""
    best = log_probs[earliest:].argmax(axis=1)
    space = best == alphabet.characters.index(" ")
    silent = space | (best == alphabet.blank)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], silent, [False]]).astype(int)))
    runs = edges.reshape(-1, 2).tolist()
    if not runs:
        return len(log_probs)
    # Blanks stand within words, too: a run without a space is cut only where there is no other.
    start, end = max(runs, key=lambda run: (space[run[0] : run[1]].any(), run[1] - run[0], run[0]))
    return earliest + (start + end + 1) // 2


# --------------------------------------------------------------------------------------------------- runtimes


def _load_keras(path: Path, threads: int, way: str):
    import keras
    import tensorflow as tf

    from asr_helpers import fast_lstm  # noqa: F401  a training's own checkpoints hold its layer

    model = keras.saving.load_model(path, compile=False)
    alphabet = Alphabet.of_model_name(model.name)
    if way == "predict":
        return (lambda features: model.predict(features[None, :, :, None], verbose=0)[0]), alphabet
    if way == "eager":
        return (lambda features: model(features[None, :, :, None], training=False).numpy()[0]), alphabet
    signature = [tf.TensorSpec((1, None, MELS, 1), tf.float32)]  # one trace serves every length
    function = tf.function(lambda x: model(x, training=False), input_signature=signature)
    return (lambda features: function(features[None, :, :, None]).numpy()[0]), alphabet


def _load_tflite(path: Path, threads: int, way: str):
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    kernels = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES if way == "no XNNPACK" else OpResolverType.AUTO
    interpreter = Interpreter(str(path), num_threads=threads, experimental_op_resolver_type=kernels)

    def logits(features: np.ndarray) -> np.ndarray:
        source, target = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
        x = features[None, :, :, None]
        if tuple(source["shape"]) != x.shape:
            interpreter.resize_tensor_input(source["index"], x.shape)
            interpreter.allocate_tensors()
        interpreter.reset_all_variables()  # a fused LSTM would go on from where the last utterance ended
        interpreter.set_tensor(source["index"], _to_integers(x, source))
        interpreter.invoke()
        return _to_floats(interpreter.get_tensor(target["index"]), target)[0]

    return logits, _tflite_alphabet(path)


def _tflite_alphabet(path: Path) -> Alphabet:
    """Return the alphabet in the file's metadata. Nothing but that is unpacked of it."""
    from ai_edge_litert import schema_py_generated as schema

    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        model = schema.Model.GetRootAs(content)
        for entry in map(model.Metadata, range(model.MetadataLength())):
            if entry.Name() == ALPHABET_KEY.encode():
                buffer = model.Buffers(entry.Buffer())
                return Alphabet(bytes(map(buffer.Data, range(buffer.DataLength()))).decode())
    return ENGLISH


def _to_integers(x: np.ndarray, details: dict) -> np.ndarray:
    if details["dtype"] == np.float32:
        return x
    scale, zero_point = details["quantization"]
    limits = np.iinfo(details["dtype"])
    return np.clip(np.round(x / scale) + zero_point, limits.min, limits.max).astype(details["dtype"])


def _to_floats(y: np.ndarray, details: dict) -> np.ndarray:
    if details["dtype"] == np.float32:
        return y
    scale, zero_point = details["quantization"]
    return (y.astype(np.float32) - zero_point) * np.float32(scale)


def _load_onnx(path: Path, threads: int, way: str):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])

    def logits(features: np.ndarray) -> np.ndarray:
        patience, run = PATIENCE + 2 * len(features) * HOP / SAMPLE_RATE, onnxruntime.RunOptions()
        watch = threading.Timer(patience, setattr, (run, "terminate", True))
        watch.daemon = True
        watch.start()
        try:
            return session.run(None, {"log_mel": features[None, :, :, None]}, run)[0][0]
        finally:
            watch.cancel()

    stored = session.get_modelmeta().custom_metadata_map.get(ALPHABET_KEY)
    return logits, Alphabet(stored) if stored else ENGLISH


_LOADERS = {".keras": _load_keras, ".tflite": _load_tflite, ".onnx": _load_onnx}
OTHER_WAYS = {".keras": ("predict", "eager"), ".tflite": ("no XNNPACK",), ".onnx": ()}
_PACKAGES = {"ai_edge_litert": "ai-edge-litert"}  # where the import's name is not the package's


# ------------------------------------------------------------------------------------------------- comparison


def compare(
    folder: Path | str,
    utterances: list[Utterance],
    threads: tuple[int, ...] = (1, 2),
    other_ways: bool = False,
) -> dict:
    """Return the size, errors, speed and memory of every model in `folder`, on the CPU.

    Each model runs in a fresh process for each number of threads. The reference is `crnn.keras`.

    Args:
        other_ways: also time `OTHER_WAYS` of running a model, on the first ten utterances.

    Returns:
        utterances, audio_seconds, and variants: a list of
        name, bytes; wer, cer and their wer_ci95, cer_ci95 (greedy decoding);
        wer_change, wer_change_ci95: from the reference, paired by utterance;
        frame_agreement: the share of output frames whose most probable label is the reference's;
        ms_per_audio_second: by number of threads, as text; from samples to text, median over the utterances;
        ms_quartiles: likewise, the first and the third quartile;
        other_ways: {way: ms_per_audio_second}, where asked for;
        load_seconds: until the model is loaded, its runtime's import included, with the first of `threads`;
        peak_rss_mb: of the process after its first utterance, likewise; None on Windows.

    Raises:
        RecognizerError: the folder holds no `crnn.keras`, there are no utterances, or a model fails.
    """
    from tqdm.auto import tqdm

    folder, utterances = Path(folder), list(utterances)
    if not utterances:
        raise RecognizerError("there is no utterance to compare on")
    if not (folder / "crnn.keras").is_file():
        raise RecognizerError(f"{folder}: holds no crnn.keras as the reference; run `asr quantize`")
    others = [path for path in folder.glob("crnn.*.*") if path.suffix in _LOADERS]
    others.sort(key=lambda path: (path.suffix, -path.stat().st_size))
    models = [folder / "crnn.keras", *others]
    jobs = [(path, way) for path in models for way in ("", *(OTHER_WAYS[path.suffix] if other_ways else ()))]
    variants, spoken = [], [utterance.text for utterance in utterances]
    with tqdm(total=len(jobs) * len(threads), unit="run") as bar:
        for path, way in jobs:
            runs = {}
            for count in threads:
                bar.set_description(f"{path.name} {way} on {count} thread(s)")
                runs[str(count)] = _measure_apart(path, count, utterances[:10] if way else utterances, way)
                bar.update()
            speeds = {count: run["ms"] for count, run in runs.items()}
            if way:
                variants[-1]["other_ways"][way] = speeds
                continue
            first = runs[str(threads[0])]
            labels, errors = np.concatenate(first["labels"]), word_errors(spoken, first["texts"])
            if not variants:
                reference, floating = labels, errors
            scores, (change, interval) = score(spoken, first["texts"]), paired_difference(floating, errors)
            variants.append(
                {
                    "name": path.name,
                    "bytes": path.stat().st_size,
                    **{key: scores[key] for key in ("wer", "wer_ci95", "cer", "cer_ci95")},
                    "wer_change": change,
                    "wer_change_ci95": list(interval),
                    "frame_agreement": float(np.mean(labels == reference)),
                    "ms_per_audio_second": speeds,
                    "ms_quartiles": {count: run["ms_quartiles"] for count, run in runs.items()},
                    "other_ways": {},
                    "load_seconds": first["load_seconds"],
                    "peak_rss_mb": first["peak_rss_mb"],
                }
            )
    seconds = sum(utterance.seconds for utterance in utterances)
    return {"utterances": len(utterances), "audio_seconds": seconds, "variants": variants}


def _measure_apart(model: Path, threads: int, utterances: list[Utterance], way: str = "") -> dict:
    """Return what `_measure` finds in a fresh process, which has only one runtime in its memory."""
    count = str(threads)
    environment = {
        **os.environ,
        "CUDA_VISIBLE_DEVICES": "-1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "TF_NUM_INTRAOP_THREADS": count,
        "TF_NUM_INTEROP_THREADS": "1",
        "OMP_NUM_THREADS": count,
    }
    done = subprocess.run(
        processes.command("asr_helpers.recognizer", model, count, way),
        input=json.dumps([str(utterance.path) for utterance in utterances]),
        capture_output=True,
        text=True,
        env=environment,
    )
    if done.returncode:
        crash = f"{model}: its runtime crashed (exit status {done.returncode})"
        raise RecognizerError(done.stderr.strip().splitlines()[-1] if done.returncode == 1 else crash)
    return json.loads(done.stdout)


def _measure(model: str, threads: int, clips: list[str], way: str) -> dict:
    start = time.perf_counter()
    recognizer = Recognizer.load(model, threads, way)
    load_seconds = time.perf_counter() - start
    recognizer.transcribe(read_audio(clips[0]))  # warms up: the first run allocates, and Keras traces
    found = {"load_seconds": load_seconds, "peak_rss_mb": peak_rss_mb(), "texts": [], "labels": []}
    times = []
    for clip in clips:
        samples = read_audio(clip)
        start = time.perf_counter()
        log_probs = recognizer.audio_log_probs(samples)
        found["texts"].append(recognizer.greedy(log_probs))
        times.append(1000 * (time.perf_counter() - start) * SAMPLE_RATE / len(samples))
        found["labels"].append(log_probs.argmax(axis=-1).tolist())
    low, middle, high = np.quantile(times, [0.25, 0.5, 0.75]).tolist()
    return {**found, "ms": middle, "ms_quartiles": [low, high]}


def peak_rss_mb() -> float | None:
    """Return the most memory that this process has held so far, in megabytes."""
    status = Path("/proc/self/status")
    if status.is_file():  # on Linux, getrusage would go on from the parent's peak
        return next(int(line.split()[1]) for line in status.open() if line.startswith("VmHWM")) * 1024 / 1e6
    try:
        import resource
    except ModuleNotFoundError:
        return None
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6  # macOS, in bytes


if __name__ == "__main__":
    try:
        print(json.dumps(_measure(sys.argv[1], int(sys.argv[2]), json.load(sys.stdin), sys.argv[3])))
    except ValueError as problem:  # a model or a clip, named in the message
        sys.exit(str(problem))
