"""What does another's pretraining buy? A CTC head on Whisper's frozen encoder, on ever more hours. Needs `whisper`.

    python benchmarks/take_over.py TRAIN... --valid VALID --cache DIR [--hours 0.1667 1 5] [--out FILE]

The encoder of tiny.en hears each clip once, at its own length; what it makes of them is kept in DIR as float16 (139 MB
an hour). On pairs of its frames a head is trained with CTC, of one layer and of two, always for as many steps, on
nested subsets of TRAIN and on the harbour radio. Each head is measured on VALID, on data/real and on test-mini,
greedily and with the shipped language model. `benchmarks/take_over.json` is what notebook 10 draws.
"""

import argparse
import itertools
import json
import time
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from ladder import subset
from tqdm import tqdm

from asr_helpers import decoding, files, whisper
from asr_helpers.corpus import data_dir, load_corpus, read_audio
from asr_helpers.ctc import ctc_loss, pack_targets
from asr_helpers.features import HOP
from asr_helpers.metrics import word_errors
from asr_helpers.pipeline import load_speech
from asr_helpers.text import ENGLISH

STEPS, BATCH_FRAMES, RATE = 300, 2000, 5e-3  # a batch is 80 s of speech


class Listener:
    """Whisper's encoder, which hears every clip once."""

    def __init__(self, cache: Path):
        self.cache, self.encoder = cache, None

    def __call__(self, name: str, clips: list) -> dict[str, np.ndarray]:
        """Return {id: float16 (frames, 768)} of the clips, which are all of the corpus `name`: a frame is 40 ms."""
        kept = self.cache / f"{name}.npz"
        if not kept.exists():
            self.cache.mkdir(parents=True, exist_ok=True)
            heard = {each.id: self.hear(read_audio(each.path)) for each in tqdm(clips, name)}
            with files.whole(kept) as part, part.open("wb") as file:
                np.savez(file, **heard)
        with np.load(kept) as stored:
            return {key: pairs(value) for key, value in stored.items()}

    def hear(self, samples: np.ndarray) -> np.ndarray:
        if self.encoder is None:
            model = whisper.build_encoder(whisper.read_weights(whisper.tiny_en() / "model.bin"))
            signature = [tf.TensorSpec((None, None, 80))]
            self.encoder = tf.function(lambda mels: model(mels, training=False), signature)
        most = whisper.FRAMES * HOP  # no longer: what a clip is cut into there costs a word at most
        pieces = [samples[start : start + most] for start in range(0, len(samples), most)]
        heard = [self.encoder(whisper.log_mel(piece, None)[None])[0] for piece in pieces]
        return np.concatenate(heard).astype(np.float16)


def pairs(heard: np.ndarray) -> np.ndarray:
    """Return two neighbouring frames as one: 40 ms is enough to tell letters apart, and CTC takes half the time."""
    return heard[: len(heard) // 2 * 2].reshape(-1, 2 * heard.shape[1])


def batches(clips: list, heard: dict[str, np.ndarray]) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return (features, targets) of clips of like length, padded."""
    made, group = [], []
    by_length = sorted(clips, key=lambda each: len(heard[each.id]))
    for each, longer in zip(by_length, [*by_length[1:], None], strict=True):
        group.append(each)
        if longer is None or len(heard[longer.id]) * (len(group) + 1) > BATCH_FRAMES:
            frames = [len(heard[clip.id]) for clip in group]
            padded = np.zeros((len(group), max(frames), heard[each.id].shape[1]), np.float16)
            for row, clip in zip(padded, group, strict=True):
                row[: len(heard[clip.id])] = heard[clip.id]
            made.append((padded, pack_targets([ENGLISH.encode(clip.text) for clip in group], frames)))
            group = []
    return made


def build_head(layers: int, mean: np.ndarray, variance: np.ndarray) -> keras.Model:
    """Return what is trained: one layer, or two of which the second sees five frames, 200 ms."""
    known = [keras.Input((None, len(mean))), keras.layers.Normalization(mean=mean, variance=variance)]
    if layers == 1:
        return keras.Sequential([*known, keras.layers.Dense(29)])
    hidden, drop = keras.layers.Dense(256, activation="relu"), keras.layers.Dropout(0.1)
    return keras.Sequential([*known, drop, hidden, keras.layers.Conv1D(29, 5, padding="same")])


def train_head(layers: int, clips: list, heard: dict[str, np.ndarray], steps: int = STEPS) -> keras.Model:
    """Return a head that has learned to spell what the encoder heard."""
    keras.utils.set_random_seed(0)
    sample = np.concatenate([heard[each.id] for each in clips[:200]]).astype(np.float32)
    head = build_head(layers, sample.mean(axis=0), sample.var(axis=0))
    rate = keras.optimizers.schedules.CosineDecay(0.0, steps, warmup_target=RATE, warmup_steps=steps // 20)
    head.compile(keras.optimizers.Adam(rate), ctc_loss, jit_compile=False)
    made, rng = batches(clips, heard), np.random.default_rng(0)
    order = [place for _ in range(-(-steps // len(made))) for place in rng.permutation(len(made))]
    for place in order[:steps]:
        features, targets = made[place]
        head.train_on_batch(features.astype(np.float32), targets)
    return head


def measure(head: keras.Model, clips: list, heard: dict[str, np.ndarray], search) -> dict:
    """Return the head's word errors on clips, without and with the language model."""
    spell, texts = (
        tf.function(lambda x: tf.nn.log_softmax(head(x, training=False))),
        [each.text for each in clips],
    )
    spell = spell.get_concrete_function(tf.TensorSpec((None, None, head.input_shape[-1])))
    outputs = [spell(tf.constant(heard[each.id][None], tf.float32))[0].numpy() for each in clips]
    rates = {}
    for name, decode in {"greedy": decoding.greedy, "lm": search}.items():
        errors = word_errors(texts, [decode(each) for each in outputs])
        rates[name] = {"wer": errors.rate, "wer_ci95": errors.interval()}
    return rates


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("train", nargs="+", type=Path)
    parser.add_argument("--valid", type=Path, required=True)
    parser.add_argument("--cache", metavar="DIR", type=Path, required=True)
    parser.add_argument("--hours", type=float, nargs="+", default=[1 / 6, 1, 5])
    parser.add_argument("--out", type=Path, default=Path(__file__).with_suffix(".json"))
    options = parser.parse_args()

    listen, mini = Listener(options.cache), data_dir() / "mini"
    tests = {
        each.name: load_corpus(each).utterances
        for each in (options.valid, data_dir() / "real", mini / "test-mini")
    }
    ears = {name: listen(name, clips) for name, clips in tests.items()}
    search = decoding.best_text(decoding.FastBeamSearch(decoding.shipped_lm()))
    speech, harbour = load_speech(*options.train), load_speech(mini / "train-mini")
    largest = subset(speech, max(options.hours))
    heard = listen(f"{max(options.hours):g}-hours", largest.utterances)
    planned = [(subset(largest, hours), heard) for hours in options.hours]
    planned.append((harbour, listen("train-mini", harbour.utterances)))
    runs = []
    for layers, (part, known) in itertools.product((1, 2), planned):
        start = time.process_time()
        head = train_head(layers, part.utterances, known)
        run = {
            "train": part.name,
            "hours": part.seconds / 3600,
            "layers": layers,
            "weights": head.count_params(),
        }
        run["seconds"] = time.process_time() - start
        run["tests"] = {name: measure(head, clips, ears[name], search) for name, clips in tests.items()}
        print(json.dumps(run), flush=True)
        runs.append(run)
    result = {"train": speech.name, "valid": options.valid.name, "steps": STEPS, "runs": runs}
    files.write(options.out, json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
