"""asr doctor, download, convert, import, prepare."""

from argparse import Namespace

from asr_helpers.cli.common import chosen_alphabet, report, say


def doctor(options: Namespace) -> int:
    """Look at Python, packages, disk, memory, microphone and Chromium, and time a few training steps."""
    from asr_helpers.teaching import doctor

    signs = {"ok": "✔", "note": "·", "missing": "✘"}
    states = []
    for finding in doctor.findings():
        states.append(finding.state)
        print(f"{signs[finding.state]} {finding.name:11} {finding.line}", flush=True)
    if "missing" in states:
        print("fix what is marked ✘, then run `asr doctor` again for the minutes")
        return 1
    speed = doctor.training_speed()
    print(f"✔ {'training':11} {speed:.0f} seconds of audio per second")
    print("\nminutes to expect for each notebook, in the profile fast:")
    rows = doctor.minutes_table(speed)
    for name, minutes in [*rows, ("all, one by one", sum(minutes for _, minutes in rows))]:
        print(f"  {name:20}{doctor.in_words(minutes):>8}")
    return 0


def download(options: Namespace) -> None:
    """Fetch a subset or language model from OpenSLR (resumable, checksummed), and unpack a subset."""
    from asr_helpers.corpus.openslr import download

    say(str(download(options.subset, options.to)))


def convert(options: Namespace) -> int:
    """Copy the corpus SRC to DST with every FLAC as WAV; a killed run resumes where it stopped."""
    from asr_helpers.corpus.conversion import convert
    from asr_helpers.own_data.any_audio import read_recording

    read = read_recording if options.resample else None
    result = convert(options.source, options.destination, options.workers, read, options.shard)
    report(result.problems)
    print(f"{result.converted} files converted, {result.kept} already there, {len(result.problems)} problems")
    return 1 if result.problems else 0


def import_(options: Namespace) -> int:
    """Write a data set as a corpus of 16 kHz FLAC and words; CORPUS/import.tsv lists what was changed or left out."""
    from asr_helpers.own_data.importing import TABLE, import_corpus

    found = import_corpus(options.source, options.out, options.language, options.workers)
    report(found.problems)
    say(
        f"{options.out}: {found.clips} utterances of {found.speakers} speakers, {found.changed} texts changed, "
        f"{len(found.problems)} left out; see {options.out / TABLE}"
    )
    return 1 if found.problems else 0


def prepare(options: Namespace) -> int:
    """Write corpora as TFRecord shards of waveforms, in random order; `asr train` reads the folder."""
    from asr_helpers.batches.tfrecords import MAKER, missing_shards, read_index, write_records
    from asr_helpers.corpus.reading import CorpusError, load_corpus

    MAKER.check_folder(options.out)
    alphabet = chosen_alphabet(options.alphabet, *options.corpora)
    corpus = load_corpus(*options.corpora, alphabet=alphabet)
    if not corpus.utterances:
        report(corpus.problems)
        raise CorpusError(f"{options.corpora[0]}: holds no usable utterance; see the lines above")
    unreadable = write_records(corpus.utterances, options.out, shard=options.shard)
    first_shard = options.shard[0] == 0  # every process reads the whole corpus; only one reports its problems
    problems = [*corpus.problems, *unreadable] if first_shard else unreadable
    report(problems)
    missing = missing_shards(options.out)
    if missing:
        say(f"{options.out}: this part is written; {len(missing)} files of other parts are still to come")
    else:
        say(f"{options.out}: {sum(map(len, read_index(options.out).values()))} utterances")
    return 1 if problems else 0
