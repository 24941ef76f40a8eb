import json
import math
import shutil
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import soundfile
import tensorflow as tf

from asr_helpers.batches import (
    batches_per_epoch,
    load_speech,
    missing_shards,
    training_batches,
    validation_batches,
    write_records,
)
from asr_helpers.corpus import CorpusError, load_corpus
from asr_helpers.sound import (
    EFFECTS,
    FILL,
    Augmenter,
    SpecAugment,
    features,
    num_frames,
    output_frames,
    read_audio,
    to_pcm16,
)
from asr_helpers.text import decode

pytestmark = pytest.mark.slow


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


def test_clips_with_silence_around_share_a_batch_with_others_of_that_length(dev):
    quiet = Augmenter(**{f"{name}_probability": name == "silence" for name in EFFECTS})
    steps = batches_per_epoch(dev, 20, augmenter=quiet)
    assert steps > 2 * batches_per_epoch(dev, 20)  # clips of 3 s have 3 s more now
    batches = [(x.numpy(), y.numpy()) for x, y in training_batches(dev, 20, 0, quiet).take(steps)]
    real = [(x != 0).any(axis=(2, 3)).sum(axis=1) for x, _ in batches]
    for (_, targets), frames in zip(batches, real, strict=True):
        assert np.array_equal(targets[:, 0], output_frames(frames))
    assert 1 - sum(map(np.sum, real)) / sum(x.shape[0] * x.shape[1] for x, _ in batches) < 0.15
    again = [x.numpy() for x, _ in training_batches(dev, 20, 0, quiet).take(3)]
    assert all(np.array_equal(x, y) for x, (y, _) in zip(again, batches, strict=False))


def test_two_views_are_the_same_clips_under_other_masks(dev):
    masks = SpecAugment()
    (views, targets), (once, _) = (one_epoch(dev, spec_augment=masks, views=n)[0] for n in (2, 1))
    first, second = np.split(views, 2)
    np.testing.assert_array_equal(first, once)
    np.testing.assert_array_equal(*np.split(targets, 2))
    hidden = [(view == FILL) & (first != second) for view in (first, second)]
    assert all(np.mean(places) > 0.01 for places in hidden)
    np.testing.assert_array_equal(first[~(hidden[0] | hidden[1])], second[~(hidden[0] | hidden[1])])


def test_the_shares_of_the_workers_are_the_batch(dev):
    options = {"spec_augment": SpecAugment(), "views": 2}
    whole = one_epoch(dev, worker=(0, 1), **options)
    stream = [iter(training_batches(dev, 20, 0, worker=(rank, 2), **options)) for rank in (0, 1)]
    for batch in whole:
        if len(batch[0]) == 2:  # one row in two views
            continue
        shares = [[array.numpy() for array in next(each)] for each in stream]
        for rank, share in enumerate(shares):
            for ours, all_rows in zip(share[:2], batch, strict=True):
                for own, view in zip(np.split(ours, 2), np.split(all_rows, 2), strict=True):
                    np.testing.assert_array_equal(own, view[rank::2])
            assert share[2] == pytest.approx(2 * len(share[2]) / len(batch[0]))


def test_validation_comes_in_one_order_and_ends(dev):
    first, second = ([y.numpy() for _, y in validation_batches(dev, 20)] for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    assert sum(len(y) for y in first) == len(dev.utterances)


def test_no_iterator_waits_for_the_autotuner(dev):
    streams = [training_batches(dev, 20), validation_batches(dev, 20).batches]
    assert [stream.options().autotune.enabled for stream in streams] == [False, False]


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


def test_a_listing_says_what_its_shard_holds_and_where_each_record_ends(dev, tmp_path):
    write_records(dev.utterances, tmp_path)
    (shard,) = tmp_path.glob("*.tfrecord")
    listing = json.loads(Path(f"{shard}.json").read_text())
    assert {entry[0]: entry[1] for entry in listing} == {each.id: each.text for each in dev.utterances}
    records = [len(record.numpy()) + 16 for record in tf.data.TFRecordDataset(str(shard))]
    assert [entry[-1] for entry in listing] == np.cumsum(records).tolist()


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
    import asr_helpers.batches.tfrecords as records

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
    with pytest.raises(CorpusError, match="holds unfinished records"):  # not taken for a corpus
        load_speech(tmp_path)
    write_records(utterances, tmp_path)
    assert len(calls) == 30 + len(utterances) - 20  # the first shard was kept
    index = records.read_index(tmp_path)
    assert len(index) == math.ceil(len(utterances) / 20)
    assert {u.id for held in index.values() for u in held} == {u.id for u in utterances}


@pytest.fixture
def grown(mini, tmp_path):
    """Return a corpus of one chapter, its transcript, and its clips, all free to be changed."""
    source = next((mini / "dev-mini").glob("*/*"))
    chapter = tmp_path / "corpus" / source.parent.name / source.name
    shutil.copytree(source, chapter)
    return tmp_path / "corpus", next(chapter.glob("*.trans.txt")), sorted(chapter.glob("*.flac"))


def held(folder):
    """Return the (id, text, samples) that a folder of records holds, and how many waveforms."""
    speech = load_speech(folder)
    waveforms = sum(len(targets) for _, targets in validation_batches(speech, 20))
    return sorted((u.id, u.text, u.samples) for u in speech.utterances), waveforms


def prepared(corpus, folder):
    problems = write_records(load_corpus(corpus).utterances, folder)
    expected = sorted((u.id, u.text, u.samples) for u in load_corpus(corpus).utterances)
    return problems, expected


def test_preparing_again_renews_what_has_changed(grown, tmp_path):
    corpus, transcript, clips = grown
    records = tmp_path / "records"
    prepared(corpus, records)
    transcript.write_text(transcript.read_text().replace(" ", " CORRECTED ", 1))
    _, expected = prepared(corpus, records)
    assert held(records) == (expected, len(clips)) and any("CORRECTED" in text for _, text, _ in expected)

    new = clips[0].with_name(f"{clips[0].stem[:-4]}0099.wav")  # one clip more, and so another order
    soundfile.write(new, np.random.default_rng(0).normal(size=64_000) * 0.1, 16_000)
    transcript.write_text(f"{transcript.read_text()}{new.stem} ONE MORE\n")
    _, expected = prepared(corpus, records)
    assert held(records) == (expected, len(clips) + 1)

    soundfile.write(new, np.random.default_rng(1).normal(size=64_000) * 0.1, 16_000)  # as large as before
    shard = next(records.glob("*.tfrecord")).read_bytes()
    prepared(corpus, records)
    assert next(records.glob("*.tfrecord")).read_bytes() != shard


def test_a_clip_that_was_unreadable_is_tried_again(grown, tmp_path):
    corpus, _, clips = grown
    whole = clips[0].read_bytes()
    clips[0].write_bytes(whole[:-4000])
    problems, _ = prepared(corpus, tmp_path / "records")
    assert len(problems) == 1 and held(tmp_path / "records")[1] == len(clips) - 1
    clips[0].write_bytes(whole)
    problems, expected = prepared(corpus, tmp_path / "records")
    assert problems == [] and held(tmp_path / "records") == (expected, len(clips))


def test_the_same_corpus_gives_the_same_bytes(grown, tmp_path):
    for name in "ab":
        prepared(grown[0], tmp_path / name)
    first, second = ([path.read_bytes() for path in sorted((tmp_path / name).iterdir())] for name in "ab")
    assert first == second


def test_full_scale_stays_full_scale_in_records():
    samples = np.array([1.0, 1.5, -1.5, -1.0, 0.5, 0.99999], np.float32)
    assert to_pcm16(samples).tolist() == [32767, 32767, -32768, -32768, 16384, 32767]


def damage(shard, how):
    content = shard.read_bytes()
    if how == "missing":
        return shard.unlink()
    if how == "no listing":
        return shard.with_name(f"{shard.name}.json").unlink()
    if how == "odd listing":
        return shard.with_name(f"{shard.name}.json").write_text('[["1-1-1", null]]')
    first = 16 + int.from_bytes(content[:8], "little")  # its length, the length's sum, the record, its sum
    kept = {"empty": 0, "cut in a record": len(content) * 3 // 4, "cut between records": first}[how]
    return shard.write_bytes(content[:kept])


@pytest.mark.parametrize(
    "how", ["missing", "empty", "cut in a record", "cut between records", "no listing", "odd listing"]
)
def test_a_damaged_shard_is_named_and_written_again(grown, tmp_path, how):
    records = tmp_path / "records"
    prepared(grown[0], records)
    (shard,) = records.glob("*.tfrecord")
    damage(shard, how)
    with pytest.raises(CorpusError, match=r"tfrecord: missing, cut off or damaged") as error:
        load_speech(records)
    assert str(error.value).startswith(str(shard)) and "\n" not in str(error.value)
    _, expected = prepared(grown[0], records)
    assert held(records) == (expected, len(grown[2]))


@pytest.mark.parametrize("content", ["", "null", "{}", "[1]", '["../../etc/passwd"]', "[" * 100_000])
def test_a_damaged_index_is_named(grown, tmp_path, content):
    prepared(grown[0], tmp_path / "records")
    (tmp_path / "records/index.json").write_text(content)
    with pytest.raises(CorpusError, match=r"index\.json: damaged"):
        load_speech(tmp_path / "records")


def test_every_epoch_begins_where_it_would_have_begun_without_unreadable_clips(grown):
    corpus, _, clips = grown
    clips[0].write_bytes(clips[0].read_bytes()[:-4000])
    speech, steps = load_speech(corpus), batches_per_epoch(load_speech(corpus), 4)
    unbroken = [x.numpy() for x, _ in training_batches(speech, 4, 0).take(2 * steps)][steps:]
    resumed = [x.numpy() for x, _ in training_batches(load_speech(corpus), 4, 1).take(steps)]
    assert len(unbroken) == len(resumed) == steps
    assert all(np.array_equal(a, b) for a, b in zip(unbroken, resumed, strict=True))


def test_an_epoch_of_which_nothing_is_left_is_an_error_and_no_endless_search(grown):
    corpus, _, clips = grown
    speech = load_speech(corpus)
    for clip in clips:
        clip.unlink()
    with pytest.raises(tf.errors.FailedPreconditionError):
        next(iter(training_batches(speech, 4)))
    assert len(speech.dropped) == len(clips)


def test_preparing_again_changes_nothing_and_another_corpus_is_refused(mini, tmp_path):
    write_records(load_corpus(mini / "dev-mini").utterances, tmp_path)
    before = {path.name: path.stat().st_mtime_ns for path in tmp_path.glob("*.tfrecord")}
    write_records(load_corpus(mini / "dev-mini").utterances, tmp_path)
    assert {path.name: path.stat().st_mtime_ns for path in tmp_path.glob("*.tfrecord")} == before
    with pytest.raises(CorpusError, match="another corpus"):
        write_records(load_corpus(mini / "test-mini").utterances, tmp_path)


@pytest.fixture
def small_shards(monkeypatch):
    monkeypatch.setattr("asr_helpers.batches.tfrecords.PER_SHARD", 10)


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_shares_make_the_records_that_one_process_makes(mini, tmp_path, small_shards):
    utterances = load_corpus(mini / "dev-mini").utterances
    assert math.ceil(len(utterances) / 10) == 6
    write_records(utterances, tmp_path / "one")
    write_records(utterances, tmp_path / "many", shard=(2, 3))
    with pytest.raises(CorpusError, match=r"unfinished records, 0000-of-0006.* and more missing; .*--shard"):
        load_speech(tmp_path / "many")
    write_records(utterances, tmp_path / "many", shard=(0, 3))
    assert missing_shards(tmp_path / "many") == ["0001-of-0006.tfrecord", "0004-of-0006.tfrecord"]
    for rank in (1, 0):  # with as many shares as there are machines now
        write_records(utterances, tmp_path / "many", shard=(rank, 2))
    assert contents(tmp_path / "many") == contents(tmp_path / "one")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "many").glob("*.tfrecord")}
    write_records(utterances, tmp_path / "many", shard=(1, 3))
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert contents(tmp_path / "many") == contents(tmp_path / "one")


def test_shares_written_at_the_same_time_agree(mini, tmp_path, small_shards):
    utterances = load_corpus(mini / "dev-mini").utterances
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda rank: write_records(utterances, tmp_path / "many", shard=(rank, 3)), range(3)))
    write_records(utterances, tmp_path / "one")
    assert contents(tmp_path / "many") == contents(tmp_path / "one")


def test_shares_of_different_corpora_are_refused(mini, tmp_path, small_shards):
    utterances = load_corpus(mini / "dev-mini").utterances
    write_records(utterances, tmp_path, shard=(0, 2))
    with pytest.raises(CorpusError, match=r"started with other corpora.* give every --shard the same") as error:
        write_records(utterances[1:], tmp_path, shard=(1, 2))
    assert "\n" not in str(error.value)
    write_records(utterances[1:], tmp_path)  # one process needs to agree with nobody
    assert len(load_speech(tmp_path).utterances) == len(utterances) - 1
    # What is finished may be made anew of a changed corpus.
    write_records(utterances, tmp_path, shard=(1, 2))
    assert missing_shards(tmp_path) and not (tmp_path / "index.json").exists()
    write_records(utterances, tmp_path, shard=(0, 2))
    assert len(load_speech(tmp_path).utterances) == len(utterances)


def test_a_large_corpus_costs_little_before_its_first_batch(dev, monkeypatch):
    # Autograph, where it converts the loops over utterances, takes half a minute for 1 000 hours.
    of_utterances = []

    def noting(samples):
        of_utterances.append(tf.__internal__.autograph.control_status_ctx().status.name)
        return num_frames(samples)

    monkeypatch.setattr("asr_helpers.batches.pipeline.num_frames", noting)
    training_batches(dev, 160)
    assert of_utterances.count("DISABLED") == len(dev.utterances)  # in the stream's own function
