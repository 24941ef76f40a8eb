"""How do the posteriors of one clip change from epoch to epoch? Reads checkpoints, writes a small file.

    python benchmarks/epoch_posteriors.py RUN_CHECKPOINTS [--epochs 1 2 4 8 11] [--clip N] [--out FILE]

RUN_CHECKPOINTS is a folder of `epoch-NNNN.keras` files, as `asr train` writes them. A run keeps only the last one, so
copy each of them while it trains. Epochs without a checkpoint are skipped. Notebook 05 draws the file
(`plots.by_epoch`).
"""

from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from common import arguments

import asr_helpers.training  # noqa: F401  registers the layer that checkpoints of a CPU run hold
from asr_helpers.corpus import data_dir, load_corpus
from asr_helpers.sound import features, read_audio
from asr_helpers.system import files


def main() -> None:
    parser = arguments(__doc__, __file__)
    parser.add_argument("checkpoints", type=Path)
    parser.add_argument("--epochs", type=int, nargs="+", default=[1, 2, 4, 8, 11])
    parser.add_argument("--clip", type=int, default=3, help="position in data/mini/test-mini")
    parser.add_argument("--out", type=Path, default=data_dir() / "epoch_posteriors.npz")
    options = parser.parse_args()

    paths = {epoch: options.checkpoints / f"epoch-{epoch:04d}.keras" for epoch in options.epochs}
    paths = {epoch: path for epoch, path in paths.items() if path.exists()}
    if not paths:
        parser.error(f"{options.checkpoints}: holds none of the epochs {options.epochs}")
    clip = load_corpus(data_dir() / "mini" / "test-mini").utterances[options.clip]
    frames = features(read_audio(clip.path))[None, ..., None]
    rows = []
    for path in paths.values():
        model = keras.saving.load_model(path, compile=False)
        rows.append(tf.nn.log_softmax(model(frames)[0]).numpy().astype(np.float16))
    with files.atomic_write(options.out) as part:
        np.savez_compressed(part, epochs=list(paths), log_probs=np.stack(rows), clip=clip.id, text=clip.text)
    print(f"{options.out.name}: epochs {list(paths)}, {options.out.stat().st_size / 1e3:.0f} kB, {clip.text}")


if __name__ == "__main__":
    main()
