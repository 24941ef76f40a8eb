"""The page's engine in Python: engine.wasm in wasmtime, without a browser, for tests and benchmarks."""

from pathlib import Path

import numpy as np

from asr_helpers.sound.mel import MELS, TIME_POOLING
from asr_helpers.web.pack import Network

WASM = Path(__file__).with_name("engine.wasm")


class Engine:
    """A network in the engine; called with features (frames, 80), it returns logits (frames // 4, classes)."""

    def __init__(self, network: Network, wasm: Path = WASM):
        """Compile the engine and give it the network, see `pack_model`. It needs the package wasmtime."""
        import wasmtime

        self._store, self._classes = wasmtime.Store(), network.alphabet.classes
        self.module = wasmtime.Module.from_file(self._store.engine, str(wasm))
        self._exports = wasmtime.Instance(self._store, self.module, []).exports(self._store)
        self._memory = self._exports["memory"]
        self._memory.write(self._store, network.content, self._exports["place"](self._store, len(network.content)))

    def __call__(self, features: np.ndarray) -> np.ndarray:
        """Return the logits, float32 (frames // 4, classes), of features (frames, 80)."""
        frames, mels = features.shape
        if mels != MELS:
            raise ValueError(f"features have {mels} values a frame where {MELS} are needed")
        start = self._exports["input"](self._store, frames)
        self._memory.write(self._store, features.astype("<f4").tobytes(), start)
        logits = self._exports["run"](self._store, start, frames)
        shape = (frames // TIME_POOLING, self._classes)
        content = self._memory.read(self._store, logits, logits + 4 * shape[0] * shape[1])
        return np.frombuffer(content, "<f4").reshape(shape)

    @property
    def memory_bytes(self) -> int:
        """The memory that the engine has, network included; it grows with the longest features so far."""
        return self._memory.data_len(self._store)
