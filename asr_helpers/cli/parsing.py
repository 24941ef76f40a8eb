"""The arguments of every `asr` command: one small function per command, in the order of the help."""

import argparse
from collections.abc import Callable
from pathlib import Path

from asr_helpers.cli import data, live, measure, models, speech

ANY_RECORDING = "any sound file, any rate; - is standard input; video and M4A if ffmpeg is installed"


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one line on stderr."""

    def error(self, message: str):
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")


def build_parser() -> Parser:
    """Return the parser of the `asr` command; `options.run(options)` runs what was parsed."""
    parser = Parser(prog="asr", description="Train, shrink and run an English speech recogniser.")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for function, help, add_arguments in COMMANDS:
        command = commands.add_parser(function.__name__.rstrip("_"), help=help, description=function.__doc__)
        command.set_defaults(run=function)
        add_arguments(command)
    return parser


# --------------------------------------------------------------------------------------------- kinds of argument


def count(text: str) -> int:
    """Return `text` as a number of at least 1."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is not 1 or more")
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


def add_path(command: argparse._ActionsContainer, name: str, metavar: str, help: str | None = None, **more) -> None:
    command.add_argument(name, metavar=metavar, type=Path, help=help, **more)


def add_count(command: Parser, name: str, help: str, **more) -> None:
    command.add_argument(name, metavar="N", type=count, help=help, **more)


def add_switch(command: argparse._ActionsContainer, name: str, help: str) -> None:
    command.add_argument(name, action="store_true", help=help)


def add_model(command: Parser) -> None:
    add_path(command, "--model", "PATH", "default: the shipped one")


def add_hotwords(command: Parser) -> None:
    what = "names and phrases to expect; or a file, one a line, if need be with a tab and a boost in nats; comes last"
    command.add_argument("--hotwords", metavar="FILE|WORD", nargs="+", action="extend", default=[], help=what)


def add_language_model(command: Parser, default: str = "the shipped one") -> None:
    language_model = command.add_mutually_exclusive_group()
    add_path(language_model, "--lm", "FILE", f".lm or ARPA; default: {default}")
    add_switch(language_model, "--no-lm", "the network alone, greedily decoded")


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
    add_path(command, "--to", "DIR", "default: data", default=Path("data"))


def convert(command: Parser) -> None:
    add_path(command, "source", "SRC")
    add_path(command, "destination", "DST")
    add_count(command, "--workers", "processes; default: one per core")
    add_switch(command, "--resample", "also convert other rates, channels and formats, to 16 kHz mono")
    add_share(command)


def import_(command: Parser) -> None:
    add_path(command, "source", "SOURCE", "its folder; or a manifest, or a .tsv")
    add_path(command, "--out", "CORPUS", required=True)
    command.add_argument("--language", metavar="TAG", default="en", help="of the texts: en, de, pt-BR; default: en")
    add_count(command, "--workers", "processes; default: one per core")


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
    add_path(command, "--start", "MODEL", "begin with the weights of this .keras file")
    add_path(command, "--splice", "MODEL", "make new sentences from each speaker's own, cut with this model")
    add_alphabet(command, "that of --start or --resume, else English")


def evaluate(command: Parser) -> None:
    from asr_helpers.words.fusion import WEIGHT, WORD_BONUS
    from asr_helpers.words.prefix_beam_search import BEAM_WIDTH

    add_path(command, "model", "MODEL", ".keras, .tflite or .onnx")
    add_path(command, "corpora", "CORPUS", nargs="+")
    command.add_argument("--decoder", choices=["greedy", "beam"], default="greedy")
    add_path(command, "--lm", "FILE", "for the beam: .lm, or ARPA, plain or .gz")
    add_count(command, "--width", "of the beam", default=BEAM_WIDTH)
    command.add_argument("--lm-weight", metavar="X", type=finite, default=WEIGHT)
    command.add_argument("--word-bonus", metavar="X", type=finite, default=WORD_BONUS)
    add_hotwords(command)
    add_limit(command)
    add_json(command)


def transcribe(command: Parser) -> None:
    add_path(command, "audio", "AUDIO", ANY_RECORDING, nargs="+")
    add_model(command)
    add_language_model(command)
    add_hotwords(command)
    formats = "json: a line with one object per recording; srt, vtt: captions; ctm: NIST's word times"
    command.add_argument("--format", choices=["text", "json", "srt", "vtt", "ctm"], default="text", help=formats)
    add_switch(command, "--words", "a line per word: start, end, confidence, word")


def listen(command: Parser) -> None:
    sources = command.add_mutually_exclusive_group()
    raw = "-: raw samples on standard input, signed 16-bit little-endian, mono, 16 kHz; default: the microphone"
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
    command.add_argument("text", metavar="TEXT", help="the words, or the name of a file that holds them")
    add_model(command)


def lm(command: Parser) -> None:
    add_path(command, "sources", "SOURCE", "a corpus, or a text file", nargs="+")
    add_path(command, "--out", "FILE", ".lm (the smallest), .arpa or .arpa.gz", required=True)
    add_count(command, "--order", "words in the longest n-gram; default: 3", default=3)
    add_count(command, "--vocabulary", "keep only the N most frequent words")
    add_count(command, "--keep", "prune to at most N n-grams, words included")
    add_alphabet(command, "English")


def quantize(command: Parser) -> None:
    add_path(command, "model", "MODEL")
    add_path(command, "--out", "DIR", required=True)
    add_path(command, "--calibrate", "CORPUS", "training speech; 100 clips are used", required=True)


def web(command: Parser) -> None:
    from asr_helpers.web.page import LM_MEGABYTES

    add_path(command, "model", "MODEL", ".keras, or its crnn.fast.onnx")
    add_path(command, "--out", "DIR", "new or empty, or a page to write anew", required=True)
    add_language_model(command, "for English the shipped one, for others none")
    help = f"prune the language model to X million bytes; default: {LM_MEGABYTES}"
    command.add_argument("--lm-megabytes", metavar="X", type=finite, default=LM_MEGABYTES, help=help)


def compare(command: Parser) -> None:
    add_path(command, "folder", "DIR", "written by asr quantize")
    add_path(command, "corpus", "CORPUS")
    command.add_argument("--threads", metavar="N", type=count, nargs="+", default=[1, 2])
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
    (speech.align, "when each word of a known text was said, as CTM", align),
    (models.lm, "estimate a language model from transcripts and texts", lm),
    (models.quantize, "a .keras model to every smaller variant, with a report of what became int8", quantize),
    (models.web, "the recogniser as a page: a folder of static files, offline, on a phone", web),
    (measure.compare, "size, speed, memory and error rate of every variant, on this machine", compare),
]
