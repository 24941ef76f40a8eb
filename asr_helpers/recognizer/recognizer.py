"""One interface over every runtime: audio to log-probabilities and text, with Keras, LiteRT or ONNX Runtime.

Only a `.keras` file needs TensorFlow. A `.tflite` file needs ai-edge-litert, NumPy and soundfile.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from asr_helpers.corpus.reading import Utterance, data_dir
from asr_helpers.recognizer.runtimes import check_logits, load_model
from asr_helpers.recognizer.windows import pieces
from asr_helpers.sound.audio import MIN_SAMPLES, num_frames, read_audio
from asr_helpers.sound.mel import MELS, OUTPUT_HOP, TIME_POOLING, features
from asr_helpers.sound.speech import frame_power, speech_frames
from asr_helpers.text import ENGLISH, Alphabet
from asr_helpers.words.greedy_decoding import greedy

if TYPE_CHECKING:
    from asr_helpers.recognizer.evaluation import Evaluation

CERTAIN_LOGIT = 20.0  # of the blank in silence, and of the space in a cut, where every other logit is 0


class Recognizer:
    """A model in any runtime. `log_probs` and `transcribe` mean the same on each.

    Example:
        >>> recognizer = Recognizer.load(shipped_model())
        >>> recognizer.transcribe(read_audio(data_dir() / "mini/test-mini/9001/1/9001-1-0000.flac"))
        "JUMP IN HAZEL THE GOLDEN DOLPHIN WON'T WAIT"
    """

    def __init__(
        self, logits: Callable[[np.ndarray], np.ndarray], alphabet: Alphabet = ENGLISH, name: str = "the model"
    ):
        """Make a recogniser from a function.

        Args:
            logits: from features, float32 (frames, 80), to logits, float32 (frames // 4, classes).
            alphabet: of these classes.
            name: the file's, for messages.
        """
        self._logits, self.alphabet, self.name = logits, alphabet, name

    @classmethod
    def load(cls, path: Path | str, threads: int = 1, mode: str = "") -> Recognizer:
        """Return the recogniser of a `.keras`, `.tflite` or `.onnx` file.

        Args:
            path: the model's file.
            threads: of the runtime; Keras ignores it, because TensorFlow has one setting for the whole process.
            mode: an alternative, slower execution path, kept for benchmarking: "predict" or "eager" (Keras),
                "no XNNPACK" (LiteRT).

        Raises:
            RecognizerError: the file is missing, damaged or of another kind, or its runtime is not installed.
            ValueError: there is no such mode.

        Example:
            >>> Recognizer.load(shipped_model()).name.endswith("crnn.fast.onnx")
            True
        """
        logits, alphabet = load_model(Path(path), threads, mode)
        return cls(logits, alphabet, str(path))

    def log_probs(self, features: np.ndarray) -> np.ndarray:
        """Return the log-probabilities for `features` (frames, 80): float32 (frames // 4, classes).

        Digital silence, whose features never change, is all blanks. Three frames or fewer give no output frame.

        Raises:
            ValueError: `features` is of another shape, or holds no frame.
            RecognizerError: the model fails, or is not of `build_model`'s kind.

        Example:
            >>> stand_in = Recognizer(lambda features: np.zeros((len(features) // 4, 29)))
            >>> stand_in.log_probs(np.eye(100, 80)).shape
            (25, 29)
        """
        if np.ndim(features) != 2 or np.shape(features)[1] != MELS or not len(features):
            raise ValueError(f"features have shape {np.shape(features)} where (frames, {MELS}) is needed")
        if len(features) < TIME_POOLING or (features == features[0]).all():
            return self._certain(len(features) // TIME_POOLING, self.alphabet.blank)
        logits = self._logits(features.astype(np.float32))  # (frames // 4, classes)
        check_logits(logits, len(features) // TIME_POOLING, self.alphabet.classes, self.name)
        return _log_softmax(logits)

    def _certain(self, frames: int, label: int) -> np.ndarray:
        """Return the log-probabilities of output frames whose label is certain, float32 (frames, classes)."""
        logits = np.zeros((frames, self.alphabet.classes), np.float32)
        logits[:, label] = CERTAIN_LOGIT
        return _log_softmax(logits)

    def audio_log_probs(self, samples: np.ndarray) -> np.ndarray:
        """Return the log-probabilities for mono float32 audio at 16 kHz, one frame for every 40 ms.

        Audio of more than 30 s is cut in pauses, and the features of each piece are normalised on their own, as in
        training. Where there is no pause, windows of 20 s overlap by 4 s and are joined in the middle of the overlap,
        so every frame comes from a window that reaches at least 2 s beyond it on either side.

        Raises:
            ValueError: the audio is not one channel, or shorter than 25 ms.
            RecognizerError: as `log_probs`.

        Example:
            >>> Recognizer.load(shipped_model()).audio_log_probs(np.zeros(16_000, np.float32)).shape
            (25, 29)
        """
        return np.concatenate(list(self.stream([samples])))

    def stream(self, blocks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """Yield the output of `audio_log_probs`, a piece at a time, for audio that arrives in `blocks`.

        The last frame before a cut in a pause is a space, because the cut parts two words.

        Example:
            >>> blocks = np.zeros((70, 16_000), np.float32)  # 70 s without a pause, a second a block
            >>> [len(piece) for piece in Recognizer.load(shipped_model()).stream(blocks)]
            [450, 400, 400, 500]
        """
        for piece in pieces(blocks):
            log_probs = self._piece(piece.samples)
            log_probs = log_probs[piece.before // OUTPUT_HOP : len(log_probs) - piece.after // OUTPUT_HOP]
            if piece.in_pause and " " in self.alphabet.characters:
                log_probs[-1:] = self._certain(1, self.alphabet.characters.index(" "))
            yield log_probs

    def _piece(self, samples: np.ndarray) -> np.ndarray:
        """Return the log-probabilities of one piece, blanks where nobody speaks before and after.

        The network sees no long silence: in most training clips speech begins at once.
        """
        silence = self._certain(num_frames(len(samples)) // TIME_POOLING, self.alphabet.blank)
        if len(samples) >= MIN_SAMPLES and samples.min() == samples.max():
            return silence
        power = frame_power(samples)
        spectrogram, speech = features(samples, power), np.flatnonzero(speech_frames(power))
        first, end = speech[0] // TIME_POOLING, -(-(speech[-1] + 1) // TIME_POOLING)  # in output frames
        inner = self.log_probs(spectrogram[first * TIME_POOLING : end * TIME_POOLING])
        inner = inner[: len(silence) - first]  # some runtimes give a frame more
        silence[first : first + len(inner)] = inner
        return silence

    def transcribe(self, samples: np.ndarray, decoder: Callable[[np.ndarray], str] | None = None) -> str:
        """Return the text of mono float32 audio at 16 kHz, of any length; raises as `audio_log_probs`.

        `decoder` takes log-probabilities (frames, classes) to text; None is greedy decoding.

        Example:
            >>> Recognizer.load(shipped_model()).transcribe(np.zeros(16_000, np.float32))
            ''
        """
        return (decoder or self.greedy)(self.audio_log_probs(samples))

    def greedy(self, log_probs: np.ndarray) -> str:
        """Return the greedily decoded text of log-probabilities (frames, classes), in the model's alphabet.

        Example:
            >>> Recognizer(lambda features: features).greedy(np.eye(29)[[9, 9, 28, 10]])
            'HI'
        """
        return greedy(log_probs, self.alphabet)

    def evaluate(
        self, utterances: Iterable[Utterance], decoder: Callable[[np.ndarray], str] | None = None
    ) -> Evaluation:
        """Return the error rates and the speed of the model on `utterances`; `decoder` as in `transcribe`.

        Raises:
            AudioError: a clip cannot be read.
            ValueError: there is no utterance.

        Example:
            >>> from asr_helpers.corpus import load_corpus
            >>> clips = load_corpus(data_dir() / "mini/test-mini/9001/1").utterances[:2]
            >>> Recognizer.load(shipped_model()).evaluate(clips).utterances
            2
        """
        from asr_helpers.recognizer.evaluation import evaluate

        return evaluate(self, ((each, read_audio(each.path)) for each in utterances), decoder)


def _log_softmax(logits: np.ndarray) -> np.ndarray:
    peak = logits.max(axis=-1, keepdims=True)
    return logits - peak - np.log(np.exp(logits - peak).sum(axis=-1, keepdims=True))


def shipped_model() -> Path:
    """Return the path of the shipped model: the fastest variant, which needs no TensorFlow.

    Example:
        >>> shipped_model().name
        'crnn.fast.onnx'
    """
    return data_dir() / "models" / "crnn.fast.onnx"
