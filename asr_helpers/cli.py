"""The `asr` command. Figures and transcripts go to stdout; progress, problems and errors to stderr."""

import argparse
import json
import os
import signal
import sys
import time
from pathlib import Path

from tqdm import tqdm

ANY_RECORDING = "any sound file, any rate; - is standard input; video and M4A where ffmpeg is installed"


def count(text: str) -> int:
    """Return the number of at least 1 that `text` is."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is not 1 or more")
    return number


def share(text: str) -> tuple[int, int]:
    """Return (I - 1, N) of `text`, I/N: which of how many shares."""
    number, slash, total = text.partition("/")
    if not (slash and number.isdecimal() and total.isdecimal() and 1 <= int(number) <= int(total)):
        raise argparse.ArgumentTypeError(f"{text!r} is not I/N with I from 1 to N, such as 2/8")
    return int(number) - 1, int(total)


class Parser(argparse.ArgumentParser):
    def error(self, message):
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")


def build_parser() -> Parser:
    from asr_helpers import decoding
    from asr_helpers.corpus import LANGUAGE_MODELS, SUBSETS

    parser = Parser(prog="asr", description="Train, shrink and run an English speech recogniser.")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    def command(function, help):
        sub = commands.add_parser(function.__name__.rstrip("_"), help=help, description=function.__doc__)
        sub.set_defaults(run=function)
        return sub

    command(doctor, "what this machine has, and how long each notebook will take on it")

    sub = command(download, "fetch a LibriSpeech subset, or a language model, from OpenSLR")
    sub.add_argument("subset", metavar="SUBSET", help=", ".join(SUBSETS | LANGUAGE_MODELS))
    sub.add_argument("--to", metavar="DIR", type=Path, default=Path("data"), help="default: data")

    sub = command(convert, "FLAC corpus to the same corpus as WAV, bit for bit")
    sub.add_argument("source", metavar="SRC", type=Path)
    sub.add_argument("destination", metavar="DST", type=Path)
    sub.add_argument("--workers", metavar="N", type=count, help="processes; default: one per core")
    sub.add_argument(
        "--resample", action="store_true", help="other rates, channels and formats, too, to 16 kHz mono"
    )
    add_share(sub)

    sub = command(
        import_, "another data set to a corpus: Common Voice, LJSpeech, JSON lines, Kaldi, sound and text"
    )
    sub.add_argument("source", metavar="SOURCE", type=Path, help="its folder; or a manifest, or a .tsv")
    sub.add_argument("--out", metavar="CORPUS", type=Path, required=True)
    sub.add_argument(
        "--language", metavar="CODE", default="en", help="of the texts, for numbers; default: en"
    )
    sub.add_argument("--workers", metavar="N", type=int, help="processes; default: one per core")

    sub = command(prepare, "corpora to TFRecord shards")
    sub.add_argument("corpora", metavar="CORPUS", type=Path, nargs="+")
    sub.add_argument("--out", metavar="DIR", type=Path, required=True)
    add_share(sub)
    add_alphabet(sub, "English")

    sub = command(train, "train the CRNN; ASR_PROFILE=ci|fast|workshop|full sets its size")
    sub.add_argument(
        "--train",
        metavar="CORPUS",
        type=Path,
        nargs="+",
        required=True,
        help="named twice: heard twice as often",
    )
    sub.add_argument("--valid", metavar="CORPUS", type=Path, nargs="+", required=True)
    sub.add_argument(
        "--run", metavar="DIR", type=Path, required=True, dest="folder", help="checkpoints and history"
    )
    sub.add_argument("--epochs", metavar="N", type=count, help="default: the profile's")
    sub.add_argument("--resume", action="store_true", help="go on after the last whole epoch in DIR")
    sub.add_argument("--start", metavar="MODEL", type=Path, help="begin with the weights of this .keras file")
    sub.add_argument(
        "--splice",
        metavar="MODEL",
        type=Path,
        help="make new sentences of each speaker's, cut with this model",
    )
    add_alphabet(sub, "that of --start or --resume, else English")

    sub = command(evaluate, "word and character error rate of a model on corpora")
    sub.add_argument("model", metavar="MODEL", type=Path, help=".keras, .tflite or .onnx")
    sub.add_argument("corpora", metavar="CORPUS", type=Path, nargs="+")
    sub.add_argument("--decoder", choices=["greedy", "beam"], default="greedy")
    sub.add_argument("--lm", metavar="FILE", type=Path, help="for the beam: ARPA, plain or .gz")
    sub.add_argument("--width", metavar="N", type=int, default=decoding.WIDTH, help="of the beam")
    sub.add_argument("--lm-weight", metavar="X", type=float, default=decoding.WEIGHT)
    sub.add_argument("--word-bonus", metavar="X", type=float, default=decoding.WORD_BONUS)
    sub.add_argument("--limit", metavar="N", type=count, help="the first N utterances only")
    sub.add_argument("--json", action="store_true", help="one JSON object on stdout")

    sub = command(transcribe, "recordings to text, captions or words with their times")
    sub.add_argument("audio", metavar="AUDIO", type=Path, nargs="+", help=ANY_RECORDING)
    sub.add_argument("--model", metavar="PATH", type=Path, help="default: the shipped one")
    language = sub.add_mutually_exclusive_group()
    language.add_argument("--lm", metavar="FILE", type=Path, help="an ARPA file; default: the shipped one")
    language.add_argument("--no-lm", action="store_true", help="the network alone, greedily decoded")
    sub.add_argument(
        "--format",
        choices=["text", "json", "srt", "vtt", "ctm"],
        default="text",
        help="json: one object a line and recording; srt, vtt: captions; ctm: NIST's word times",
    )
    sub.add_argument("--words", action="store_true", help="a line a word: start, end, confidence, word")

    sub = command(align, "when each word of a known text was said, as CTM")
    sub.add_argument("audio", metavar="AUDIO", type=Path, help=ANY_RECORDING)
    sub.add_argument("text", metavar="TEXT", help="the words, or the name of a file that holds them")
    sub.add_argument("--model", metavar="PATH", type=Path, help="default: the shipped one")

    sub = command(lm, "estimate a language model from transcripts and texts")
    sub.add_argument("sources", metavar="SOURCE", type=Path, nargs="+", help="a corpus, or a text file")
    sub.add_argument("--out", metavar="FILE", type=Path, required=True, help=".arpa or .arpa.gz")
    sub.add_argument("--order", metavar="N", type=count, default=3, help="words in a row, default: 3")
    sub.add_argument("--vocabulary", metavar="N", type=count, help="know the N most frequent words only")
    sub.add_argument("--keep", metavar="N", type=count, help="prune to at most N n-grams, words included")
    add_alphabet(sub, "English")

    sub = command(quantize, "a .keras model to every smaller form, with a report of what became int8")
    sub.add_argument("model", metavar="MODEL", type=Path)
    sub.add_argument("--out", metavar="DIR", type=Path, required=True)
    sub.add_argument(
        "--calibrate", metavar="CORPUS", type=Path, required=True, help="training speech; 100 clips are used"
    )

    sub = command(compare, "size, speed, memory and error rate of every form, on this machine")
    sub.add_argument("folder", metavar="DIR", type=Path, help="written by asr quantize")
    sub.add_argument("corpus", metavar="CORPUS", type=Path)
    sub.add_argument("--threads", metavar="N", type=count, nargs="+", default=[1, 2])
    sub.add_argument("--limit", metavar="N", type=count, help="the first N utterances only")
    sub.add_argument(
        "--other-ways",
        action="store_true",
        help="also time Keras's predict and eager call, LiteRT without XNNPACK",
    )
    sub.add_argument("--figure", metavar="FILE", type=Path, help="also draw error against speed, as PNG")
    sub.add_argument("--json", action="store_true", help="one JSON object on stdout")
    return parser


def add_share(command: Parser) -> None:
    what = "do the I-th of N shares, where N processes or machines write into the same folder"
    command.add_argument("--shard", metavar="I/N", type=share, default=(0, 1), help=what)


def add_alphabet(command: Parser, default: str) -> None:
    what = f"auto: the letters of the texts; or a file that lists them, or a .keras model; default: {default}"
    command.add_argument("--alphabet", metavar="auto|FILE", help=what)


def doctor(options):
    """Look at Python, packages, disk, memory, microphone and Chromium, and train a few steps to tell the minutes."""
    from asr_helpers import doctor

    signs = {"ok": "✔", "note": "·", "missing": "✘"}
    found = []
    for each in doctor.findings():
        found.append(each.state)
        print(f"{signs[each.state]} {each.name:11} {each.line}", flush=True)
    if "missing" in found:
        print("mend what is marked ✘ first; then ask again for the minutes")
        return 1
    speed = doctor.training_speed()
    print(f"✔ {'training':11} {speed:.0f} seconds of audio a second")
    print("\nminutes to expect for each notebook, in the profile fast:")
    rows = doctor.minutes_table(speed)
    for name, minutes in rows:
        print(f"  {name:20}{doctor.in_words(minutes):>8}")
    print(f"  {'all, one by one':20}{doctor.in_words(sum(minutes for _, minutes in rows)):>8}")
    return 0


def download(options):
    """Fetch a subset or language model from OpenSLR (resumable, checksummed), and unpack a subset."""
    from asr_helpers import corpus
    from asr_helpers.text import printable

    print(printable(str(corpus.download(options.subset, options.to))))


def convert(options):
    """Write the corpus SRC again under DST with every FLAC as WAV; a killed run goes on where it stopped."""
    from asr_helpers import corpus, recordings

    read = recordings.read_recording if options.resample else None
    result = corpus.convert(options.source, options.destination, options.workers, read, options.shard)
    report(result.problems)
    print(f"{result.converted} files converted, {result.kept} there already, {len(result.problems)} problems")
    return 1 if result.problems else 0


def import_(options):
    """Write a data set as a corpus of 16 kHz FLAC and words; CORPUS/import.tsv says what was changed or left out."""
    from asr_helpers import importing

    found = importing.import_corpus(options.source, options.out, options.language, options.workers)
    report(found.problems)
    print(
        f"{options.out}: {found.clips} utterances of {found.speakers} speakers, {found.changed} texts changed, "
        f"{len(found.problems)} left out; see {options.out / importing.TABLE}"
    )
    return 1 if found.problems else 0


def prepare(options):
    """Write corpora as TFRecord shards of waveforms, in random order; `asr train` reads the folder."""
    from asr_helpers.corpus import load_corpus
    from asr_helpers.records import missing, read_index, write_records

    alphabet = chosen_alphabet(options.alphabet, *options.corpora)
    corpus = load_corpus(*options.corpora, alphabet=alphabet)
    unreadable = write_records(corpus.utterances, options.out, share=options.shard)
    problems = [*([] if options.shard[0] else corpus.problems), *unreadable]  # the first share tells of all
    report(problems)
    if lacking := missing(options.out):
        print(f"{options.out}: this share is written; {len(lacking)} files of other shares are still to come")
    else:
        print(f"{options.out}: {sum(map(len, read_index(options.out).values()))} utterances")
    return 1 if problems else 0


def train(options):
    """Train from scratch, or go on with --resume. The best model so far is DIR/best.keras."""
    from dataclasses import replace

    from asr_helpers.pipeline import load_speech
    from asr_helpers.recognizer import stored_alphabet
    from asr_helpers.training import PROFILES
    from asr_helpers.training import train as fit

    name = os.environ.get("ASR_PROFILE", "fast")
    if name not in PROFILES:
        raise ValueError(f"ASR_PROFILE={name}: choose one of {', '.join(PROFILES)}")
    if options.resume and options.start:
        raise ValueError("--resume goes on with the run's own weights: leave --start out")
    profile = replace(PROFILES[name], epochs=options.epochs or PROFILES[name].epochs)
    if options.alphabet is None and options.resume and (options.folder / "best.keras").is_file():
        alphabet = stored_alphabet(options.folder / "best.keras")
    elif options.alphabet is None and options.start:
        alphabet = stored_alphabet(options.start)
    else:
        alphabet = chosen_alphabet(options.alphabet, *options.train)
    speech, valid = (load_speech(*folders, alphabet=alphabet) for folders in (options.train, options.valid))
    print(speech.summary(), valid.summary(), sep="\n")
    history = fit(speech, valid, options.folder, profile, options.resume, options.start, options.splice)
    best = min(history, key=lambda row: row["val_wer"])
    figures = f"WER {best['val_wer']:.1%}, CER {best['val_cer']:.1%} (epoch {best['epoch']})"
    print(f"{options.folder / 'best.keras'}: {figures}")


def evaluate(options):
    """Transcribe corpora and compare with their transcripts; rates as fractions, with 95 % intervals."""
    from asr_helpers import decoding
    from asr_helpers.metrics import score
    from asr_helpers.recognizer import Recognizer

    recognizer = Recognizer.load(options.model)
    decode, spent = recognizer.greedy, [0.0]
    if options.decoder == "beam":
        settings = dict(weight=options.lm_weight, word_bonus=options.word_bonus) if options.lm else {}
        search = decoding.FastBeamSearch(options.lm, options.width, alphabet=recognizer.alphabet, **settings)
        decode = decoding.best_text(search)
    elif options.lm:
        raise ValueError("--lm goes with --decoder beam: greedy decoding has no use for it")

    def decoder(log_probs):
        start = time.perf_counter()
        text = decode(log_probs)
        spent.append(time.perf_counter() - start)
        return text

    utterances = usable(*options.corpora, alphabet=recognizer.alphabet)
    heard, hypotheses, seconds = [], [], 0.0
    clips = readable(utterances, options.limit)
    total = len(utterances[: options.limit])
    for utterance, samples in tqdm(clips, "transcribing", total, unit="utt", disable=None, delay=1):
        start = time.perf_counter()
        hypotheses.append(recognizer.transcribe(samples, decoder))
        seconds += time.perf_counter() - start
        heard.append(utterance)
    result = score([utterance.text for utterance in heard], hypotheses)
    audio = sum(utterance.seconds for utterance in heard)
    result |= {"audio_seconds": round(audio, 2), "real_time_factor": round(seconds / audio, 5)}
    result["decoder_ms_per_audio_second"] = round(1000 * sum(spent) / audio, 4)
    if options.json:
        used = {"model": str(options.model), "decoder": options.decoder}
        used |= {"lm": str(options.lm)} if options.lm else {}
        print(json.dumps(used | result))
        return
    for measure in ("wer", "cer"):
        low, high = result[f"{measure}_ci95"]
        print(f"{measure.upper()}  {result[measure]:6.1%}  (95 % interval {low:.1%} to {high:.1%})")
    print(
        f"{result['utterances']} utterances, {audio:.0f} s of audio, real-time factor {result['real_time_factor']:.3f}"
    )


def transcribe(options):
    """Print what is said in each recording: a line of text, or with --words or --format the words with their times."""
    from asr_helpers import alignment, captions, decoding
    from asr_helpers.recognizer import segments
    from asr_helpers.text import printable

    if options.format in ("srt", "vtt") and len(options.audio) > 1:
        raise ValueError(
            f"--format {options.format}: captions are of one recording; transcribe them one by one"
        )
    recognizer = load_model(options.model)
    alphabet = recognizer.alphabet
    decode = recognizer.greedy if options.no_lm else decoding.default_decoder(alphabet)
    if options.lm:
        decode = decoding.best_text(decoding.FastBeamSearch(options.lm, alphabet=alphabet))
    written = {"json": captions.json_line, "srt": captions.srt, "vtt": captions.vtt, "ctm": alignment.ctm}
    problems = []
    for path in options.audio:
        texts, words, name = [], [], printable(str(path))
        try:
            for first, log_probs in segments(heard(recognizer, path), alphabet):
                texts.append(decode(log_probs).strip())
                if options.words or options.format != "text":
                    words += alignment.align(log_probs, texts[-1], first, alphabet)
        except ValueError as error:
            problems.append(str(error))
            continue
        if options.format in written:
            print(written[options.format](words, path.stem if options.format == "ctm" else name), end="")
            continue
        lines = captions.tab_lines(words).splitlines() if options.words else [" ".join(filter(None, texts))]
        for line in lines:
            print(f"{name}\t{line}" if len(options.audio) > 1 else line, flush=True)
    report(problems)
    return problems and (1 if len(problems) < len(options.audio) else 2)


def align(options):
    """Print when each word of TEXT is said in AUDIO: CTM, with start and duration in seconds, and a confidence."""
    import numpy as np

    from asr_helpers import alignment
    from asr_helpers.text import read_lines

    recognizer = load_model(options.model)
    text = " ".join(read_lines(options.text)) if os.path.isfile(options.text) else options.text
    try:
        text = recognizer.alphabet.normalise(text)
    except ValueError as error:
        raise ValueError(
            f"{options.text[:60]}: {error}; write it as LibriSpeech does, numbers as words"
        ) from None
    log_probs = np.concatenate(list(heard(recognizer, options.audio)))
    try:
        words = alignment.align(log_probs, text, alphabet=recognizer.alphabet)
    except ValueError as error:
        raise ValueError(f"{options.audio}: {error}; check that the text belongs to it") from None
    print(alignment.ctm(words, options.audio.stem), end="")


def heard(recognizer, path):
    """Yield the log-probabilities of a recording as it is read, under a bar where that takes long."""
    from asr_helpers.recordings import open_recording

    with (
        open_recording(path) as recording,
        tqdm(desc=recording.name, total=recording.seconds, unit="s", disable=None, delay=2) as bar,
    ):
        bar.bar_format = "{l_bar}{bar}| {n:.0f}/{total:.0f} s" if recording.seconds else "{desc}: {n:.0f} s"

        def counted():
            for block in recording.blocks:
                yield block
                bar.update(len(block) / 16_000)

        yield from recognizer.stream(counted())
    if recording.remark:
        report([recording.remark])


def lm(options):
    """Estimate a word n-gram with Kneser-Ney smoothing; n-grams of three or more words count from the second on.

    SOURCE is a corpus, of which only the transcripts are read, or a text file, plain, .gz or .xz, a sentence a line.
    One named twice counts twice.
    """
    from asr_helpers import files
    from asr_helpers.lm import Estimate, read_sentences, read_texts
    from asr_helpers.text import Alphabet

    files.check_writable(options.out)
    if options.alphabet == "auto":
        alphabet = Alphabet.of_texts(text for _, _, text in read_texts(*options.sources))
    else:
        alphabet = chosen_alphabet(options.alphabet)
    sentences = read_sentences(*options.sources, alphabet=alphabet)
    sentences = tqdm(sentences, "reading", unit=" sentences", disable=None, delay=1)
    model = Estimate.of(sentences, options.order, vocabulary=options.vocabulary, keep=options.keep)
    model.write(options.out)
    size = options.out.stat().st_size / 1e6
    print(f"{options.out}: {len(model)} n-grams of {len(model.words) - 3} words, {size:.2f} MB")


def quantize(options):
    """Write four TFLite and three ONNX forms, from float32 to full int8, and report their operations."""
    from asr_helpers import export
    from asr_helpers.features import features
    from asr_helpers.recognizer import stored_alphabet

    utterances = usable(options.calibrate, alphabet=stored_alphabet(options.model))
    spread = utterances[:: max(1, len(utterances) // 100)]
    calibration = [features(samples) for _, samples in readable(spread, limit=100)]
    for operations in export.quantize(options.model, options.out, calibration):
        print(export.format_report(operations))


def compare(options):
    """Measure every form in DIR on CORPUS.

    "change" is that of the WER from the Keras model's, in points, with its paired 95 % interval; "same frames" the
    share labelled as by the Keras model; "ms/s" milliseconds per second of audio.
    """
    from asr_helpers import files, recognizer

    if options.figure:
        files.check_writable(options.figure)
    reference = options.folder / "crnn.keras"
    if not reference.is_file():
        raise ValueError(f"{options.folder}: holds no crnn.keras as the reference; run `asr quantize`")
    corpus = usable(options.corpus, alphabet=recognizer.stored_alphabet(reference))
    utterances = [utterance for utterance, _ in readable(corpus, options.limit)]
    result = recognizer.compare(options.folder, utterances, options.threads, options.other_ways)
    if options.figure:
        from asr_helpers import plots

        plots.style()
        picture = plots.png(plots.error_against_speed(result["variants"], options.threads[0]))
        files.write(options.figure, picture)
    if options.json:
        print(json.dumps(result))
        return
    print(f"{result['utterances']} utterances, {result['audio_seconds']:.0f} s of audio")
    speeds = "".join(f"{f'ms/s, {count} thr.':>14}" for count in options.threads)
    print(
        f"{'model':22}{'MB':>7}{'WER':>8}{'change':>24}{'CER':>8}{'same frames':>13}{speeds}"
        f"{'load s':>8}{'peak MB':>9}"
    )
    for row in result["variants"]:
        low, high = (100 * end for end in row["wer_change_ci95"])
        change = f"{100 * row['wer_change']:+.2f} ({low:+.2f} to {high:+.2f})"
        memory = f"{row['peak_rss_mb']:9.0f}" if row["peak_rss_mb"] else "        –"
        print(
            f"{row['name']:22}{row['bytes'] / 1e6:7.2f}{row['wer']:8.1%}{change:>24}{row['cer']:8.1%}"
            f"{row['frame_agreement']:13.1%}{milliseconds(row['ms_per_audio_second'])}"
            f"{row['load_seconds']:8.2f}{memory}"
        )
    for row in result["variants"]:
        for way, by_threads in row["other_ways"].items():
            print(f"{row['name'] + ', ' + way:82}{milliseconds(by_threads)}")


def milliseconds(by_threads: dict) -> str:
    return "".join(f"{value:14.1f}" for value in by_threads.values())


def load_model(path):
    """Return the recogniser of the model at `path`, or the shipped one."""
    from asr_helpers.recognizer import Recognizer, shipped_model

    return Recognizer.load(path or shipped_model())


def chosen_alphabet(name, *corpora):
    """Return the alphabet that --alphabet names: of the transcripts ("auto"), of a file, or English (None)."""
    from asr_helpers.recognizer import stored_alphabet
    from asr_helpers.text import ENGLISH, Alphabet

    if name == "auto":
        from asr_helpers.pipeline import find_alphabet

        return find_alphabet(*corpora)
    if name and name.endswith(".keras"):
        return stored_alphabet(name)
    return Alphabet.read(name) if name else ENGLISH


def usable(*folders, alphabet=None):
    """Return the corpora's utterances, with a line on stderr for each that is left out; English by default."""
    from asr_helpers.corpus import load_corpus
    from asr_helpers.text import ENGLISH

    corpus = load_corpus(*folders, alphabet=alphabet or ENGLISH)
    report(corpus.problems)
    return corpus.utterances


def readable(utterances, limit=None):
    """Yield the first `limit` clips as (utterance, samples), with a line on stderr for each cut-off one.

    Raises:
        CorpusError: there is none.
    """
    from asr_helpers.corpus import CorpusError, read_audio

    found = 0
    for utterance in utterances:
        if found == limit:
            return
        try:
            samples = read_audio(utterance.path)
        except CorpusError as error:
            report([str(error)])
            continue
        found += 1
        yield utterance, samples
    if not found:
        raise CorpusError("the corpus holds no usable utterance")


def report(problems: list[str]) -> None:
    from asr_helpers.text import printable

    for problem in problems:
        print(f"asr: {printable(problem)}", file=sys.stderr)


def stopped() -> int:
    """Answer Ctrl-C, without an import that it may have broken off."""
    print("asr: stopped; what was finished is kept", file=sys.stderr)
    return 130


def silence_native_logs() -> None:
    """Keep the start-up chatter of TensorFlow's C++ part off stderr, where one line of ours should be all.

    Its loggers write to file descriptor 2 whatever their level is set to, so Python's stderr moves elsewhere
    and the descriptor is pointed at nothing. TF_CPP_MIN_LOG_LEVEL=0 asks for everything, and gets it.
    """
    if os.environ.get("TF_CPP_MIN_LOG_LEVEL") != "0":
        sys.stderr = os.fdopen(os.dup(2), "w", buffering=1, errors="backslashreplace")
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return 0, 1 where some of many files failed, 2 after a line on stderr for a mistake."""
    try:
        options = build_parser().parse_args(arguments)
        return options.run(options) or 0
    except OSError as error:
        report([f"{error.filename}: {error.strerror}" if error.filename and error.strerror else str(error)])
        return 2
    except (ValueError, MemoryError) as error:
        report([str(error).strip() or type(error).__name__])
        return 2
    except KeyboardInterrupt:
        return stopped()


def script() -> None:
    """The installed `asr` command."""
    interrupts = []

    def interrupt(*_):
        interrupts.append(True)
        raise KeyboardInterrupt

    signal.signal(signal.SIGINT, interrupt)  # until here, __main__ lets it end the process quietly
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that children and half files go, too
    silence_native_logs()
    try:
        status = main()
    except SystemExit as stop:
        status = stop.code or 0
    except Exception:  # a library that is interrupted while it is imported makes another error of it
        if not interrupts:
            raise
        status = stopped()
    try:
        sys.stdout.flush()
    except OSError as error:
        report([f"standard output: {error.strerror}"])
        status = 2
    sys.stderr.flush()
    os._exit(
        status
    )  # an epoch that was broken off leaves threads of TensorFlow's, for which Python would wait
