"""asr train, lm, quantize, web."""

from __future__ import annotations

import functools
import os
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from tqdm import tqdm

from asr_helpers.cli.common import chosen_alphabet, load_utterances, read_clips, report, say
from asr_helpers.system.errors import OneLineError

if TYPE_CHECKING:
    import numpy as np

    from asr_helpers.text import Alphabet

CALIBRATION_CLIPS = 100


def train(options: Namespace) -> None:
    """Train from scratch, or continue with --resume. The best model so far is DIR/best.keras."""
    from dataclasses import replace

    from asr_helpers.batches.pipeline import load_speech
    from asr_helpers.training.fit import train
    from asr_helpers.training.profiles import PROFILES
    from asr_helpers.training.run_folder import MAKER

    name = os.environ.get("ASR_PROFILE", "fast")
    if name not in PROFILES:
        raise OneLineError(f"ASR_PROFILE={name}: choose one of {', '.join(PROFILES)}")
    if options.resume and options.start:
        raise OneLineError("--resume continues with the run's own weights: leave --start out")
    if not options.resume:
        MAKER.check_folder(options.folder, options.start, options.splice)
    profile = replace(PROFILES[name], epochs=options.epochs or PROFILES[name].epochs)
    alphabet = training_alphabet(options)
    speech, valid = (load_speech(*folders, alphabet=alphabet) for folders in (options.train, options.valid))
    say(speech.summary())
    say(valid.summary())
    splice = aligner(options.splice, alphabet) if options.splice else None
    history = train(speech, valid, options.folder, profile, options.resume, options.start, splice)
    best = min(history, key=lambda row: row["val_wer"])
    figures = f"WER {best['val_wer']:.1%}, CER {best['val_cer']:.1%} (epoch {best['epoch']})"
    say(f"{options.folder / 'best.keras'}: {figures}")


def training_alphabet(options: Namespace) -> Alphabet:
    """Return the alphabet of `asr train`: --alphabet's, else that of the model that --resume or --start continues."""
    from asr_helpers.recognizer.runtimes import stored_alphabet

    best = options.folder / "best.keras"
    if options.alphabet is None and options.resume and best.is_file():
        return stored_alphabet(best)
    if options.alphabet is None and options.start:
        return stored_alphabet(options.start)
    return chosen_alphabet(options.alphabet, *options.train)


def aligner(model: Path, alphabet: Alphabet) -> Callable[[np.ndarray], np.ndarray]:
    """Return a function from samples to log-probabilities: the recogniser of `model`, loaded when first called."""

    @functools.cache
    def recognizer():
        from asr_helpers.recognizer.recognizer import Recognizer

        loaded = Recognizer.load(model)
        if loaded.alphabet != alphabet:
            raise OneLineError(f"{model}: writes {loaded.alphabet}; the speech needs {alphabet}")
        return loaded

    return lambda samples: recognizer().audio_log_probs(samples)


def lm(options: Namespace) -> None:
    """Estimate a word n-gram model with Kneser-Ney smoothing; n-grams of three or more words must occur twice.

    SOURCE is a corpus, of which only the transcripts are read, or a text file (plain, .gz or .xz) with one sentence per
    line. One named twice counts twice.
    """
    from asr_helpers.system import files
    from asr_helpers.words.arpa import MAKER
    from asr_helpers.words.kneser_ney import KneserNey
    from asr_helpers.words.sentences import read_sentences

    MAKER.check_file(options.out, *options.sources, options.alphabet)
    files.check_writable(options.out)
    alphabet = alphabet_of_texts(options.sources) if options.alphabet == "auto" else chosen_alphabet(options.alphabet)
    sentences = read_sentences(*options.sources, alphabet=alphabet)
    sentences = tqdm(sentences, "reading", unit=" sentences", disable=None, delay=1)
    model = KneserNey.of(sentences, options.order, vocabulary=options.vocabulary, keep=options.keep)
    model.write(options.out)
    size = options.out.stat().st_size / 1e6
    say(f"{options.out}: {len(model)} n-grams of {len(model.words) - 3} words, {size:.2f} MB")


def alphabet_of_texts(sources: list[Path]) -> Alphabet:
    """Return the alphabet that corpora and text files are written in.

    Raises:
        OneLineError: a source cannot be read, or none holds a letter.
    """
    from asr_helpers.text import Alphabet
    from asr_helpers.words.sentences import read_texts

    found_letter = False

    def texts():
        nonlocal found_letter
        for _, _, text in read_texts(*sources):
            found_letter = found_letter or any(map(str.isalpha, text))
            yield text
        if not found_letter:
            raise OneLineError(f"{sources[0]}: holds no letter; choose a text")

    return Alphabet.of_texts(texts())


def quantize(options: Namespace) -> None:
    """Write four TFLite and three ONNX variants, from float32 to full int8, and report their operations."""
    from asr_helpers.export.report import format_report
    from asr_helpers.export.variants import MAKER, quantize
    from asr_helpers.recognizer.runtimes import stored_alphabet
    from asr_helpers.sound.mel import features

    MAKER.check_folder(options.out, options.model)
    utterances = load_utterances(options.calibrate, alphabet=stored_alphabet(options.model))
    spread = utterances[:: max(1, len(utterances) // CALIBRATION_CLIPS)]
    calibration = [features(samples) for _, samples in read_clips(spread, limit=CALIBRATION_CLIPS)]
    for variant in quantize(options.model, options.out, calibration):
        print(format_report(variant))


def web(options: Namespace) -> None:
    """Write the recogniser as a web page: a folder of static files that works offline once it has been opened.

    English models get the shipped language model, unless another is named, and clips of people reading.
    """
    from asr_helpers.corpus.reading import data_dir, load_corpus
    from asr_helpers.text import ENGLISH
    from asr_helpers.web import page
    from asr_helpers.web.pack import pack_language_model, pack_model
    from asr_helpers.words.decoders import shipped_lm

    page.MAKER.check_folder(options.out, options.model, options.lm)
    network = pack_model(options.model)
    lm, clips = options.lm, []
    if network.alphabet == ENGLISH:
        lm = lm or shipped_lm()
        clips = page.sample_clips(load_corpus(data_dir() / "real").utterances)
    if lm and not options.no_lm:
        report([f"{lm}: reading it, and pruning it to {options.lm_megabytes:g} MB"])
        packed = pack_language_model(lm, options.lm_megabytes, network.alphabet)
    else:
        packed = None
    sizes = page.write_page(network, options.out, packed, clips)
    print(f"{options.out}: {len(sizes)} files, {sum(sizes.values()) / 1e6:.2f} MB")
    print(f"to open it: python -m http.server -d {options.out}, then http://localhost:8000")
