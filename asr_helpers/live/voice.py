"""Speech or music? A small network that knows, Silero VAD 6.2 (MIT), in ONNX Runtime."""

from pathlib import Path

import numpy as np

from asr_helpers.corpus.reading import data_dir
from asr_helpers.recognizer.runtimes import RecognizerError, onnx_session

FRAME_SAMPLES = 512  # that one probability stands for, 32 ms
CONTEXT_SAMPLES = 64  # of the frame before, which the network also reads
UNITS = 128  # of its LSTM


class VoiceDetector:
    """The probability that somebody speaks, for each 32 ms of a stream; its state goes on from call to call."""

    def __init__(self, path: Path | None = None):
        """Load the network; `path` is the file's, by default the shipped one.

        Raises:
            RecognizerError: the file is missing or damaged, or ONNX Runtime is not installed.
        """
        path = path or data_dir() / "models" / "silero_vad.onnx"
        try:
            import onnxruntime  # noqa: F401
        except ModuleNotFoundError:
            raise RecognizerError("voice detection needs onnxruntime: pip install onnxruntime, or --vad none") from None
        if not path.is_file():
            raise RecognizerError(f"{path}: no such file; check out the repository's data folder, or use --vad none")
        try:
            self._session = onnx_session(path)
        except Exception:  # ONNX Runtime's errors share no other base
            raise RecognizerError(f"{path}: cannot be loaded; fetch it again, or use --vad none") from None
        self._state = [np.zeros((1, 1, UNITS), np.float32)] * 2
        self._rest = np.zeros(CONTEXT_SAMPLES, np.float32)  # the context, and samples short of a frame

    def __call__(self, samples: np.ndarray) -> np.ndarray:
        """Return the probabilities of the frames that `samples`, float32 at 16 kHz, complete: float32 (frames,)."""
        held = np.append(self._rest, samples.astype(np.float32))
        frames = (len(held) - CONTEXT_SAMPLES) // FRAME_SAMPLES
        self._rest = held[frames * FRAME_SAMPLES :]
        if not frames:
            return np.zeros(0, np.float32)
        width = CONTEXT_SAMPLES + FRAME_SAMPLES
        inputs = np.lib.stride_tricks.sliding_window_view(held, width)[::FRAME_SAMPLES]  # (frames, width)
        names = ("h", "c")
        probabilities, *self._state = self._session.run(
            None, {"input": np.ascontiguousarray(inputs), **dict(zip(names, self._state, strict=True))}
        )
        return probabilities
