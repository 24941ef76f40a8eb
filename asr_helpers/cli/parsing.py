"""The arguments of every `asr` command: one small function per command, in the order of the help."""

import argparse
import difflib
import re
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from asr_helpers.cli import data, live, measure, models, speech
from asr_helpers.cli.formats import SUFFIXES

ANY_RECORDING = "any sound file, any rate; - is standard input; video and M4A if ffmpeg is installed"
EXAMPLES = "examples:\n"  # begins an epilog, whose lines stay as they are
SHIPPED_WER = 22, 44  # per cent on people it never heard, with and without the language model; see RESULTS.md
SHIPPED = "the shipped model, for English read aloud: {} %% of the words wrong on new speakers, {} %% with --no-lm"
MODELS = ".keras", ".tflite", ".onnx"


class HelpFormatter(argparse.HelpFormatter):
    """A formatter that leaves the lines of examples as they are."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return text.rstrip() if text.startswith(EXAMPLES) else super()._fill_text(text, width, indent)


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one line on stderr, with the command or option that was probably meant."""

    def parse_known_args(self, args=None, namespace=None):
        options, unknown = super().parse_known_args(args, namespace)
        for argument in unknown:
            if argument.startswith("--"):
                name = argument.partition("=")[0]
                self.error(f"no option is called {name}{meant(name, self._option_string_actions)}")
        return options, unknown

    def error(self, message: str):
        unknown = re.match(r"argument COMMAND: invalid choice: '(.*)' \(", message)
        if unknown:
            message = f"no command is called {unknown[1]!r}{meant(unknown[1], (name(each) for each, *_ in COMMANDS))}"
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")


def meant(name: str, known) -> str:
    """Return a question about the known name that resembles `name` most; "" if none does."""
    close = difflib.get_close_matches(name, known, 1)
    return f"; did you mean {close[0]}?" if close else ""


def name(function: Callable) -> str:
    """Return the name of the command that a function runs."""
    return function.__name__.rstrip("_")


def build_parser() -> Parser:
    """Return the parser of the `asr` command; `options.run(options)` runs what was parsed."""
    parser = Parser(
        prog="asr",
        description="Train, shrink and run an English speech recogniser.",
        epilog=EXAMPLES + EVERYDAY,
        formatter_class=HelpFormatter,
    )
    parser.add_argument("--version", action="version", version=installed_version())
    parser.set_defaults(run=lambda options: parser.print_help())
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    for function, help, add_arguments in COMMANDS:
        epilog = EXAMPLES + "".join(f"  {line}\n" for line in EXAMPLES_OF[name(function)])
        command = commands.add_parser(
            name(function), help=help, description=function.__doc__, epilog=epilog, formatter_class=HelpFormatter
        )
        command.set_defaults(run=function)
        add_arguments(command)
    return parser


def installed_version() -> str:
    """Return the name and version of the installed package."""
    try:
        return f"asr_helpers {version('asr_helpers')}"
    except PackageNotFoundError:  # run from a checkout
        return "asr_helpers, not installed"


# --------------------------------------------------------------------------------------------- kinds of argument


def count(text: str) -> int:
    """Return `text` as a number of at least 1."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is not 1 or more")
    return number


def parallel(text: str) -> int:
    """Return `text` as a number of threads or processes, from 1 to 256: tens of thousands hang in the runtime."""
    number = count(text)
    if number > 256:
        raise argparse.ArgumentTypeError(f"{number} is more than 256")
    return number


def finite(text: str) -> float:
    """Return the number that `text` is, within ±1 million: no NaN, no infinity."""
    number = float(text)
    if not abs(number) <= 1e6:
        raise argparse.ArgumentTypeError(f"{text} is not a number within ±1 million")
    return number


def share(text: str) -> tuple[int, int]:
    """Return (I - 1, N) for `text`, "I/N"."""
    number, slash, total = text.partition("/")
    if not (slash and number.isdecimal() and total.isdecimal() and 1 <= int(number) <= int(total)):
        raise argparse.ArgumentTypeError(f"{text!r} is not I/N with I from 1 to N, such as 2/8")
    return int(number) - 1, int(total)


def named(*suffixes: str) -> Callable[[str], Path]:
    """Return a kind of argument: the path of a file whose name ends in one of `suffixes`."""

    def path(text: str) -> Path:
        if not text.endswith(suffixes):
            raise argparse.ArgumentTypeError(f"{text}: needs a name in {' or '.join(suffixes)}; name such a file")
        return Path(text)

    return path


def add_path(command: argparse._ActionsContainer, name: str, metavar: str, help: str | None = None, **more) -> None:
    command.add_argument(name, metavar=metavar, help=help, **{"type": Path, **more})


def add_count(command: Parser, name: str, help: str, **more) -> None:
    help += "; default: %(default)s" if "default" in more else ""
    command.add_argument(name, metavar="N", help=help, **{"type": count, **more})


def add_number(command: Parser, name: str, help: str, default: float) -> None:
    command.add_argument(name, metavar="X", type=finite, default=default, help=f"{help}; default: %(default)s")


def add_switch(command: argparse._ActionsContainer, name: str, help: str) -> None:
    command.add_argument(name, action="store_true", help=help)


def add_model(command: Parser) -> None:
    shipped = SHIPPED.format(*SHIPPED_WER)
    add_path(command, "--model", "PATH", f".keras, .tflite or .onnx; default: {shipped}", type=named(*MODELS))


def add_hotwords(command: Parser) -> None:
    what = "names and phrases to expect; or a file, one a line, optionally with a tab and a boost in nats; comes last"
    command.add_argument("--hotwords", metavar="FILE|WORD", nargs="+", action="extend", default=[], help=what)


def add_language_model(command: Parser, default: str = "for English the shipped one, else none") -> None:
    language_model = command.add_mutually_exclusive_group()
    add_path(language_model, "--lm", "FILE", f".lm or ARPA; default: {default}")
    add_switch(language_model, "--no-lm", "the network alone, decoded greedily")


def add_limit(command: Parser) -> None:
    add_count(command, "--limit", "the first N utterances only")


def add_json(command: Parser) -> None:
    add_switch(command, "--json", "one JSON object on stdout")


def add_share(command: Parser) -> None:
    what = "do the I-th of N parts, when N processes or machines write to the same folder"
    command.add_argument("--shard", metavar="I/N", type=share, default=(0, 1), help=what)


def add_alphabet(command: Parser, default: str) -> None:
    what = f"auto: the letters of the texts; or a file that lists them, or a .keras model; default: {default}"
    command.add_argument("--alphabet", metavar="auto|FILE", help=what)


# ------------------------------------------------------------------------------------------------- the commands


def doctor(command: Parser) -> None:
    """`asr doctor` takes no arguments."""


def download(command: Parser) -> None:
    from asr_helpers.corpus.openslr import LANGUAGE_MODELS, SUBSETS

    command.add_argument("subset", metavar="SUBSET", help=", ".join(SUBSETS | LANGUAGE_MODELS))
    add_path(command, "--to", "DIR", "default: %(default)s", default=Path("data"))


def convert(command: Parser) -> None:
    add_path(command, "source", "SRC")
    add_path(command, "destination", "DST")
    add_count(command, "--workers", "processes; default: one per core", type=parallel)
    add_switch(command, "--resample", "also convert other rates, channels and formats, to 16 kHz mono")
    add_share(command)


def import_(command: Parser) -> None:
    add_path(command, "source", "SOURCE", "its folder; or a manifest, or a .tsv")
    add_path(command, "--out", "CORPUS", required=True)
    command.add_argument(
        "--language", metavar="TAG", default="en", help="of the texts: en, de, pt-BR; default: %(default)s"
    )
    add_count(command, "--workers", "processes; default: one per core", type=parallel)


def prepare(command: Parser) -> None:
    add_path(command, "corpora", "CORPUS", nargs="+")
    add_path(command, "--out", "DIR", required=True)
    add_share(command)
    add_alphabet(command, "English")


def train(command: Parser) -> None:
    add_path(command, "--train", "CORPUS", "one named twice is used twice per epoch", nargs="+", required=True)
    add_path(command, "--valid", "CORPUS", nargs="+", required=True)
    add_path(command, "--run", "DIR", "checkpoints and history", required=True, dest="folder")
    add_count(command, "--epochs", "default: the profile's")
    add_switch(command, "--resume", "continue after the last complete epoch in DIR")
    add_path(command, "--start", "MODEL", "begin with the weights of this .keras file", type=named(".keras"))
    add_path(command, "--splice", "MODEL", "make new sentences from each speaker's own, cut with this model")
    add_alphabet(command, "that of --start or --resume, else English")


def evaluate(command: Parser) -> None:
    from asr_helpers.words.fusion import WEIGHT, WORD_BONUS
    from asr_helpers.words.prefix_beam_search import BEAM_WIDTH

    add_path(command, "model", "MODEL", ".keras, .tflite or .onnx", type=named(*MODELS))
    add_path(command, "corpora", "CORPUS", nargs="+")
    decoder = "default: beam with a language model, greedy without one, as in asr transcribe"
    command.add_argument("--decoder", choices=["greedy", "beam"], help=decoder)
    add_language_model(command)
    add_count(command, "--width", "of the beam", default=BEAM_WIDTH)
    add_number(command, "--lm-weight", "of the language model's score", WEIGHT)
    add_number(command, "--word-bonus", "nats for each word", WORD_BONUS)
    add_hotwords(command)
    add_limit(command)
    add_json(command)


def transcribe(command: Parser) -> None:
    add_path(command, "audio", "AUDIO", ANY_RECORDING, nargs="+")
    add_model(command)
    add_language_model(command)
    add_hotwords(command)
    formats = (
        "text (the default); words: a line per word with start, end, confidence; json: an object per recording; "
        "srt, vtt: captions; ctm: NIST's word times. Several with --output-dir"
    )
    command.add_argument("--format", choices=list(SUFFIXES), action="append", default=[], help=formats)
    what = "the same as --format words"
    command.add_argument("--words", action="append_const", dest="format", const="words", help=what)
    add_path(command, "--output-dir", "DIR", "write a file for each recording and format, such as DIR/talk.srt")
    add_switch(command, "--lower", "small letters instead of capitals")
    add_count(command, "--threads", "of the model's runtime; Keras ignores it", default=1, type=parallel)


def listen(command: Parser) -> None:
    sources = command.add_mutually_exclusive_group()
    raw = "-: standard input, a WAV or raw samples (s16le, mono, 16 kHz), as they arrive; default: the microphone"
    sources.add_argument("source", metavar="-", nargs="?", choices=["-"], help=raw)
    add_path(sources, "--file", "FILE", "listen to a recording instead")
    add_switch(command, "--realtime", "with --file: no faster than it was spoken")
    device = "the microphone's number, or a part of its name; `python -m sounddevice` lists them"
    sources.add_argument("--device", metavar="N", help=device)
    delay = "seconds from a word's end to the screen, at most; with 1 more of them change once; default: 2"
    command.add_argument("--delay", type=int, choices=[1, 2], default=2, help=delay)
    vad = "what tells speech from music and noise; none: the recogniser alone; default: silero"
    command.add_argument("--vad", choices=["none", "silero"], default="silero", help=vad)
    add_model(command)
    add_language_model(command)
    add_hotwords(command)
    add_path(command, "--vtt", "FILE", "also write captions into a new file, as they come")


def align(command: Parser) -> None:
    add_path(command, "audio", "AUDIO", ANY_RECORDING)
    command.add_argument("text", metavar="TEXT", help="the text, or the name of a file that holds it")
    add_model(command)
    language = (
        "of the text, such as de: reads numbers and drops punctuation as asr import does; default: en for English"
    )
    command.add_argument("--language", metavar="TAG", help=language)
    formats = "as in asr transcribe; default: %(default)s"
    command.add_argument("--format", choices=list(SUFFIXES), default="ctm", help=formats)


def lm(command: Parser) -> None:
    add_path(command, "sources", "SOURCE", "a corpus, or a text file", nargs="+")
    add_path(command, "--out", "FILE", ".lm (the smallest), .arpa or .arpa.gz", required=True)
    add_count(command, "--order", "words in the longest n-gram", default=3)
    add_count(command, "--vocabulary", "keep only the N most frequent words")
    add_count(command, "--keep", "prune to at most N n-grams, words included")
    add_alphabet(command, "English")


def quantize(command: Parser) -> None:
    add_path(command, "model", "MODEL", ".keras", type=named(".keras"))
    add_path(command, "--out", "DIR", required=True)
    add_path(command, "--calibrate", "CORPUS", "training speech; 100 clips are used", required=True)


def web(command: Parser) -> None:
    from asr_helpers.web.page import LM_MEGABYTES

    add_path(command, "model", "MODEL", ".keras, or its crnn.fast.onnx", type=named(".keras", ".onnx"))
    add_path(command, "--out", "DIR", "new or empty, or a page to replace", required=True)
    add_language_model(command, "for English the shipped one, for others none")
    add_number(command, "--lm-megabytes", "prune the language model to X million bytes", LM_MEGABYTES)


def compare(command: Parser) -> None:
    add_path(command, "folder", "DIR", "written by asr quantize, or any folder of .keras, .tflite and .onnx models")
    add_path(command, "corpus", "CORPUS")
    threads = "measure with each of these numbers of threads; default: 1 2"
    command.add_argument("--threads", metavar="N", type=parallel, nargs="+", default=[1, 2], help=threads)
    add_limit(command)
    add_switch(command, "--other-modes", "also time Keras's predict and eager calls, and LiteRT without XNNPACK")
    add_path(command, "--figure", "FILE", "also draw error against speed, as PNG")
    add_json(command)


COMMANDS: list[tuple[Callable, str, Callable[[Parser], None]]] = [
    (data.doctor, "what this machine has, and how long each notebook will take on it", doctor),
    (data.download, "fetch a LibriSpeech subset, or a language model, from OpenSLR", download),
    (data.convert, "FLAC corpus to the same corpus as WAV, bit for bit", convert),
    (data.import_, "data set to corpus: Common Voice, LJSpeech, JSON lines, Kaldi, sound and text", import_),
    (data.prepare, "corpora to TFRecord shards", prepare),
    (models.train, "train the CRNN; ASR_PROFILE=ci|fast|workshop|full sets its size", train),
    (measure.evaluate, "word and character error rate of a model on corpora", evaluate),
    (speech.transcribe, "recordings to text, captions or words with their times", transcribe),
    (live.listen, "captions while you speak, or of raw samples as they arrive", listen),
    (speech.align, "when each word of a known text was said", align),
    (models.lm, "estimate a language model from transcripts and texts", lm),
    (models.quantize, "a .keras model to every smaller variant, with a report of what became int8", quantize),
    (models.web, "the recogniser as a page: a folder of static files, offline, on a phone", web),
    (measure.compare, "size, speed, memory and error rate of every variant, on this machine", compare),
]

EVERYDAY = """\
  asr transcribe talk.mp3                                  any recording to text
  asr transcribe talk.mp4 --format vtt > talk.vtt          captions
  asr listen                                               captions while you speak
  asr evaluate data/models/crnn.fast.onnx data/real        word error rate of a model on a corpus
asr COMMAND --help has more.
"""
EXAMPLES_OF = {
    "doctor": ["asr doctor"],
    "download": ["asr download train-clean-5", "asr download test-clean --to /data"],
    "convert": ["asr convert data/LibriSpeech/dev-clean-2 runs/wav", "asr convert talks runs/talks --resample"],
    "import": ["asr import cv-corpus/de --out data/german --language de", "asr import LJSpeech-1.1 --out data/lj"],
    "prepare": ["asr prepare data/LibriSpeech/train-clean-100 --out data/records/train-clean-100"],
    "train": ["asr train --train data/mini/train-mini --valid data/mini/dev-mini --run runs/mine"],
    "evaluate": [
        "asr evaluate data/models/crnn.fast.onnx data/real",
        "asr evaluate runs/mine/best.keras data/mini/test-mini --no-lm",
        "asr evaluate runs/mine/best.keras data/mini/test-mini --lm runs/mini.lm --json",
    ],
    "transcribe": [
        "asr transcribe talk.mp3",
        "asr transcribe *.wav --output-dir texts --format text --format srt",
        'asr transcribe scene.wav --hotwords Leonato "Count Orsino"',
        "ffmpeg -i film.mkv -f wav - | asr transcribe -",
    ],
    "listen": [
        "asr listen",
        "asr listen --file talk.mp3 --realtime",
        "arecord -f S16_LE -r 16000 -t raw | asr listen -",
    ],
    "align": ['asr align clip.wav "It was 5 o\'clock."', "asr align chapter.mp3 chapter.txt --format srt"],
    "lm": ["asr lm data/mini/train-mini --out runs/mini.lm", "asr lm books.txt.xz --out books.arpa.gz --order 4"],
    "quantize": ["asr quantize runs/mine/best.keras --out runs/mine/variants --calibrate data/mini/train-mini"],
    "web": ["asr web data/models/crnn.fast.onnx --out runs/page"],
    "compare": ["asr compare runs/mine/variants data/mini/test-mini --threads 1 --figure runs/comparison.png"],
}
