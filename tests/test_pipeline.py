import math
import shutil
from collections import Counter

import numpy as np
import pytest
import soundfile

from asr_helpers.augment import Augmenter, SpecAugment
from asr_helpers.corpus import CorpusError, load_corpus, read_audio
from asr_helpers.features import features, num_frames
from asr_helpers.model import output_frames
from asr_helpers.pipeline import batches_per_epoch, load_speech, training_batches, validation_batches
from asr_helpers.records import write_records
from asr_helpers.text import decode


@pytest.fixture(scope="module")
def dev(mini):
    return load_speech(mini / "dev-mini")


def one_epoch(speech, epoch=0, **options):
    stream = training_batches(speech, 20, epoch, **options)
    return [(x.numpy(), y.numpy()) for x, y in stream.take(batches_per_epoch(speech, 20))]


def texts(batches):
    return [decode(row[1:][row[1:] >= 0]) for _, targets in batches for row in targets]


def test_every_utterance_once_an_epoch_with_its_own_features_and_true_length(dev):
    batches = one_epoch(dev)
    by_text = {utterance.text: utterance for utterance in dev.utterances}
    assert sorted(texts(batches)) == sorted(utterance.text for utterance in dev.utterances)
    for x, targets in batches:
        for row, target in zip(x, targets, strict=True):
            utterance = by_text[decode(target[1:][target[1:] >= 0])]
            frames = num_frames(utterance.samples)
            assert target[0] == output_frames(frames)
            assert row[:frames, :, 0] == pytest.approx(features(read_audio(utterance.path)), abs=2e-4)
            assert not row[frames:].any()


def test_batches_hold_about_as_much_audio_each_and_little_padding(dev):
    batches = one_epoch(dev)
    full = sum(x.shape[0] * x.shape[1] for x, _ in batches)
    real = sum(num_frames(utterance.samples) for utterance in dev.utterances)
    assert max(x.shape[0] * x.shape[1] for x, _ in batches) <= 2000  # 20 s of frames
    assert 1 - real / full < 0.15


def test_epochs_differ_and_a_later_start_gives_the_same_as_going_on(dev):
    stream = training_batches(dev, 20, 0, Augmenter(), SpecAugment(), seed=3)
    steps = batches_per_epoch(dev, 20)
    unbroken = [(x.numpy(), y.numpy()) for x, y in stream.take(2 * steps)]
    resumed = one_epoch(dev, epoch=1, augmenter=Augmenter(), spec_augment=SpecAugment(), seed=3)
    for (x, y), (x_again, y_again) in zip(unbroken[steps:], resumed, strict=True):
        assert np.array_equal(x, x_again) and np.array_equal(y, y_again)
    assert texts(unbroken[:steps]) != texts(resumed)
    assert texts(one_epoch(dev, seed=4)) != texts(unbroken[:steps])


def test_validation_comes_in_one_order_and_ends(dev):
    first, second = ([y.numpy() for _, y in validation_batches(dev, 20)] for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    assert sum(len(y) for y in first) == len(dev.utterances)


def test_records_give_the_same_examples_as_files(dev, tmp_path):
    assert write_records(dev.utterances, tmp_path) == []
    packed = load_speech(tmp_path)
    assert packed.seconds == dev.seconds
    from_files = {y.tobytes(): x for x, y in map(by_row, rows(one_epoch(dev)))}
    from_records = {y.tobytes(): x for x, y in map(by_row, rows(one_epoch(packed)))}
    assert from_files.keys() == from_records.keys()
    for key, x in from_files.items():
        assert x == pytest.approx(from_records[key], abs=1e-5)


def rows(batches):
    return [(row, target) for x, y in batches for row, target in zip(x, y, strict=True)]


def by_row(pair):
    """Return the features and targets of one row without the batch's padding."""
    row, target = pair
    return row[row.any(axis=(1, 2))], target[target >= 0]


def test_what_is_left_out_is_named_with_the_reason(mini, tmp_path):
    source = next((mini / "dev-mini").glob("*/*"))
    chapter = tmp_path / source.parent.name / source.name
    shutil.copytree(source, chapter)
    files = sorted(chapter.glob("*.flac"))
    name = files[0].stem
    transcript = next(chapter.glob("*.trans.txt"))
    lines = transcript.read_text().splitlines()
    lines[0] = f"{name} {'TOO MUCH TEXT FOR THE TIME ' * 20}"
    transcript.write_text("\n".join(lines) + "\n")
    whole = len(files)
    files[1].write_bytes(files[1].read_bytes()[:-4000])  # truncated: only decoding shows it
    soundfile.write(files[2], np.zeros((16000, 2)), 16000)
    speech = load_speech(tmp_path)
    assert len(speech.utterances) == whole - 2
    assert any(line.startswith(f"{name}: ") and "frames needed" in line for line in speech.dropped)
    assert f"{whole - 2} of {whole} utterances" in speech.summary()
    batches = one_epoch(speech)
    assert len(set(texts(batches))) == whole - 3
    assert any(files[1].name in line for line in speech.dropped)


def test_a_corpus_named_twice_is_heard_twice(mini, dev):
    speech = load_speech(mini / "dev-mini", mini / "test-mini", mini / "dev-mini")
    assert speech.name == "2 x dev-mini, test-mini"
    test = load_speech(mini / "test-mini")
    assert speech.seconds == pytest.approx(2 * dev.seconds + test.seconds)
    heard = Counter(texts(one_epoch(speech)))
    assert heard == Counter(2 * [u.text for u in dev.utterances] + [u.text for u in test.utterances])


def test_records_are_named_once(dev, tmp_path):
    write_records(dev.utterances, tmp_path)
    with pytest.raises(CorpusError, match="prepare all corpora into one such folder"):
        load_speech(tmp_path, tmp_path)


def test_long_clips_are_left_out_and_nothing_left_is_an_error(mini):
    with pytest.raises(CorpusError, match="no usable utterance"):
        load_speech(mini / "dev-mini", max_seconds=0.5)


def test_stretching_never_leaves_too_few_frames_to_spell(dev):
    fast = Augmenter(time_stretch_probability=1.0, time_stretch_rate=(3.0, 3.0))
    for _, targets in one_epoch(dev, augmenter=fast):
        for row in targets:
            labels = row[1:][row[1:] >= 0]
            assert row[0] >= len(labels) + np.sum(labels[1:] == labels[:-1])


def test_a_killed_preparation_goes_on(mini, tmp_path, monkeypatch):
    import asr_helpers.records as records

    monkeypatch.setattr(records, "PER_SHARD", 20)
    utterances = load_corpus(mini / "dev-mini").utterances
    real, calls = records.read_audio, []

    def dies(path):
        calls.append(path)
        if len(calls) == 30:
            raise KeyboardInterrupt
        return real(path)

    monkeypatch.setattr(records, "read_audio", dies)
    with pytest.raises(KeyboardInterrupt):
        write_records(utterances, tmp_path)
    assert records.read_index(tmp_path) is None  # unfinished: not taken for a corpus
    write_records(utterances, tmp_path)
    assert len(calls) == 30 + len(utterances) - 20  # the first shard was kept
    index = records.read_index(tmp_path)
    assert len(index) == math.ceil(len(utterances) / 20)
    assert {u.id for held in index.values() for u in held} == {u.id for u in utterances}


def test_preparing_again_changes_nothing_and_another_corpus_is_refused(mini, tmp_path):
    write_records(load_corpus(mini / "dev-mini").utterances, tmp_path)
    before = {path.name: path.stat().st_mtime_ns for path in tmp_path.glob("*.tfrecord")}
    write_records(load_corpus(mini / "dev-mini").utterances, tmp_path)
    assert {path.name: path.stat().st_mtime_ns for path in tmp_path.glob("*.tfrecord")} == before
    with pytest.raises(CorpusError, match="another corpus"):
        write_records(load_corpus(mini / "test-mini").utterances, tmp_path)
