"""asr evaluate, compare."""

from __future__ import annotations

import json
import os
from argparse import Namespace
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from tqdm import tqdm

from asr_helpers.cli.common import load_utterances, read_clips, report, say
from asr_helpers.cli.decoding import chosen_decoder, chosen_kind, chosen_lm
from asr_helpers.system.claims import Maker

if TYPE_CHECKING:
    from asr_helpers.recognizer.comparison import Comparison, Variant
    from asr_helpers.recognizer.evaluation import Evaluation

FIGURE_MAKER = Maker("asr compare")


def evaluate(options: Namespace) -> None:
    """Transcribe corpora and print the error rates with their 95 % intervals."""
    from asr_helpers.recognizer.evaluation import evaluate
    from asr_helpers.recognizer.recognizer import Recognizer

    recognizer = Recognizer.load(options.model)
    alphabet = recognizer.alphabet
    kind = chosen_kind(options, alphabet, options.decoder)
    lm = chosen_lm(options, alphabet) if kind == "beam" else None
    utterances = load_utterances(*options.corpora, alphabet=alphabet)
    settings = {"weight": options.lm_weight, "word_bonus": options.word_bonus} if lm else {}
    decoder = chosen_decoder(options, recognizer, options.decoder, width=options.width, **settings)
    clips, total = read_clips(utterances, options.limit), len(utterances[: options.limit])
    found = evaluate(recognizer, tqdm(clips, "transcribing", total, unit="utt", disable=None, delay=1), decoder)
    if options.json:
        used = {"model": str(options.model), "decoder": kind}
        if lm:
            used["lm"] = str(lm)
        if options.hotwords:
            used["hotwords"] = options.hotwords
        print(json.dumps(used | asdict(found)))
    else:
        print_evaluation(found)
        with_lm = f"with {lm}" if lm else "without a language model"
        say("decoded greedily" if kind == "greedy" else f"decoded by beam search {with_lm}")


def print_evaluation(found: Evaluation) -> None:
    for name, rate, (low, high), by in (
        ("WER", found.wer, found.wer_ci95, found.wer_ci95_by),
        ("CER", found.cer, found.cer_ci95, found.cer_ci95_by),
    ):
        if by == "rule of three":
            print(f"{name}  {rate:6.1%}  (no error found: below {high:.2%} with 95 % confidence, by the rule of three)")
        else:
            print(f"{name}  {rate:6.1%}  (95 % interval {low:.1%} to {high:.1%})")
    print(
        f"{found.utterances} utterances, {found.audio_seconds:.0f} s of audio, "
        f"real-time factor {found.real_time_factor:.3f}"
    )


def compare(options: Namespace) -> int:
    """Measure every model in DIR on CORPUS, decoded greedily.

    "change" is the WER minus that of the first row, in points, with its paired 95 % interval; "same frames" is the
    fraction labelled as by the first row; "ms/s" is milliseconds per second of audio.
    """
    from asr_helpers.recognizer.comparison import compare, find_models
    from asr_helpers.recognizer.recognizer import Recognizer
    from asr_helpers.recognizer.runtimes import stored_alphabet
    from asr_helpers.system import files

    if options.figure:
        FIGURE_MAKER.check_file(options.figure)
        files.check_writable(options.figure)
    reference, *_ = find_models(options.folder)
    alphabet = stored_alphabet(reference) if reference.suffix == ".keras" else Recognizer.load(reference).alphabet
    corpus = load_utterances(options.corpus, alphabet=alphabet)
    utterances = [utterance for utterance, _ in read_clips(corpus, options.limit)]
    report(busy())
    found = compare(options.folder, utterances, options.threads, options.other_modes)
    if options.figure:
        draw_comparison(options.figure, found, options.threads[0])
    if options.json:
        print(json.dumps(asdict(found)))
    else:
        print_comparison(found, options.threads)
    report(found.problems)
    return 1 if found.problems else 0


def busy() -> list[str]:
    """Return a line of warning if more programs want to compute than there are cores."""
    cores = os.cpu_count() or 1
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    if load <= cores:
        return []
    return [
        f"this machine is busy (load {load:.1f} on {cores} cores): the times will be too long; compare when it is idle"
    ]


def draw_comparison(path: Path, found: Comparison, threads: int) -> None:
    """Write the figure of error against speed, as PNG."""
    import io

    from PIL import Image, PngImagePlugin

    from asr_helpers.show import plots
    from asr_helpers.system import files

    plots.style()
    picture = Image.open(io.BytesIO(plots.png(plots.error_against_speed(asdict(found)["variants"], threads))))
    signed = PngImagePlugin.PngInfo()
    signed.add_text("Software", FIGURE_MAKER.signature)
    FIGURE_MAKER.check_file(path)
    with files.atomic_write(path) as part:
        picture.save(part, "png", pnginfo=signed, optimize=True)


def print_comparison(found: Comparison, threads: list[int]) -> None:
    print(f"{found.utterances} utterances, {found.audio_seconds:.0f} s of audio")
    columns = [f"{'model':22}", f"{'MB':>7}", f"{'WER':>8}", f"{'change':>24}", f"{'CER':>8}", f"{'same frames':>13}"]
    columns += [f"{f'ms/s, {count} thr.':>14}" for count in threads]
    print("".join([*columns, f"{'load s':>8}", f"{'peak MB':>9}"]))
    for variant in found.variants:
        say(table_row(variant))
    for variant in found.variants:
        for mode, by_threads in variant.other_modes.items():
            say(f"{variant.name + ', ' + mode:82}{milliseconds(by_threads)}")


def table_row(variant: Variant) -> str:
    """Return a variant's line in the table of `print_comparison`."""
    low, high = (100 * end for end in variant.wer_change_ci95)
    change = f"{100 * variant.wer_change:+.2f} ({low:+.2f} to {high:+.2f})"
    memory = f"{variant.peak_rss_mb:.0f}" if variant.peak_rss_mb else "–"
    return (
        f"{variant.name:22}{variant.bytes / 1e6:7.2f}{variant.wer:8.1%}{change:>24}{variant.cer:8.1%}"
        f"{variant.frame_agreement:13.1%}{milliseconds(variant.ms_per_audio_second)}"
        f"{variant.load_seconds:8.2f}{memory:>9}"
    )


def milliseconds(by_threads: dict[str, float]) -> str:
    return "".join(f"{value:14.1f}" for value in by_threads.values())
