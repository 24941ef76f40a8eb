"""Answers to the notebooks' exercises: `check("02.2", answer)` says right, or hints at what went wrong.

No answer stands here: each judge computes the right one as the exercise asks, from the corpus, the shipped files and
the helpers, and compares. A judge returns what there is to say to a right answer, and raises `Hint` for any other. A
hint fits the mistake (the wrong unit, off by the hop, too high), and never tells the answer. TensorFlow is not needed.
"""

import io
import json
import math
import unicodedata
import zipfile
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path

import numpy as np

from asr_helpers import augment, decoding
from asr_helpers.alignment import MOST_DOUBT, align, doubts
from asr_helpers.augment import EFFECTS, Augmenter
from asr_helpers.corpus import SAMPLE_RATE, Utterance, data_dir, load_corpus, read_audio
from asr_helpers.features import (
    FFT,
    HOP,
    MELS,
    TIME_POOLING,
    analysis_window,
    features,
    mel_filterbank,
    mel_to_hz,
    num_frames,
)
from asr_helpers.features import hz_to_mel as to_mel
from asr_helpers.importing import spoken
from asr_helpers.metrics import character_errors, paired_difference, word_errors
from asr_helpers.recognizer import Recognizer, RecognizerError, shipped_model
from asr_helpers.text import ALPHABET, BLANK, ENGLISH, Alphabet, OneLineError, encode, min_frames


class Hint(Exception):
    """What is wrong with an answer, for the learner to read."""


JUDGES: dict[str, Callable[[object], str]] = {}  # exercise number → the judge of its answer


def check(number: str, answer: object) -> None:
    """Print whether `answer` solves exercise `number`, such as "02.1", and if not, a hint.

    Raises:
        ValueError: there is no such exercise.
    """
    right, words = verdict(number, answer)
    print(f"{number} {'✔ right' if right else '✘ not yet'}: {words}")


def verdict(number: str, answer: object) -> tuple[bool, str]:
    """Return what `check` prints: whether the answer is right, and the words.

    Raises:
        ValueError: there is no such exercise.
    """
    if number not in JUDGES:
        raise ValueError(f"no exercise is called {number!r}; there are {', '.join(sorted(JUDGES))}")
    if answer is None or answer is ...:
        return False, "nothing here yet. Put what you found into `answer` and run both cells again."
    try:
        return True, JUDGES[number](answer)
    except Hint as hint:
        return False, str(hint)


def judge(number: str):
    """Enter a function as the judge of the exercise `number`."""

    def enter(function):
        JUDGES[number] = function
        return function

    return enter


# ------------------------------------------------------------------------------------------ what answers are like


def a_number(answer) -> float:
    """Return `answer` as a float, or hint at what it is instead."""
    if isinstance(answer, str):
        raise Hint(f"a number is wanted, and {answer[:30]!r} is text.")
    if np.ndim(answer) or isinstance(answer, (bool, np.bool_)) or not np.isreal(answer):
        raise Hint(f"one number is wanted, not a {type(answer).__name__}.")
    try:
        value = float(answer)
    except (TypeError, ValueError):
        raise Hint(f"a number is wanted, not a {type(answer).__name__}.") from None
    if not math.isfinite(value):
        raise Hint(f"{value} is not a number one can compare. Is there a division by zero?")
    return value


def a_text(answer) -> str:
    if not isinstance(answer, str):
        raise Hint(f"a text is wanted (a str), not a {type(answer).__name__}.")
    return answer


def numbers(answer, count: int, names: str) -> list[float]:
    """Return `answer`, a sequence of `count` numbers that are called `names`, as floats."""
    if isinstance(answer, str) or not isinstance(answer, Iterable) or isinstance(answer, dict):
        raise Hint(f"{count} numbers are wanted, {names}, as in `answer = (…, …)`.")
    values = list(answer)
    if len(values) != count:
        raise Hint(f"{count} numbers are wanted, {names}; there are {len(values)}.")
    return [a_number(value) for value in values]


def an_array(answer, shape: tuple, what: str) -> np.ndarray:
    """Return `answer` as a float array of `shape`; None in it stands for any size."""
    try:
        array = np.asarray(answer, dtype=np.float64)
    except (TypeError, ValueError):
        raise Hint(f"{what} is wanted: an array of numbers, not a {type(answer).__name__}.") from None
    if array.ndim != len(shape) or any(
        want not in (None, have) for want, have in zip(shape, array.shape, strict=True)
    ):
        wanted = " × ".join("any" if size is None else str(size) for size in shape)
        raise Hint(f"{what} should have the shape {wanted}, and this has {array.shape}.")
    if not np.isfinite(array).all():
        raise Hint("there are values in it that are no numbers (nan or infinity).")
    return array


def called(answer, *arguments):
    """Return what the function `answer` gives for `arguments`, or hint at why it gives nothing."""
    if not callable(answer):
        raise Hint(f"a function is wanted, not a {type(answer).__name__}: its name alone, without brackets.")
    try:
        result = answer(*arguments)
    except Exception as error:  # whatever a learner's function does wrong is a hint, not a traceback
        raise Hint(f"your function stops with {type(error).__name__}: {error}") from None
    if result is None:
        raise Hint("your function returns nothing. Is the `return` missing?")
    return result


SLIPS = {  # the factors by which answers are wrong when a unit is
    100: "that looks like percent: a fraction is wanted, 0.25 for 25 %.",
    0.01: "off by a factor of 100: is it a fraction where percent, or points, are wanted?",
    1000: "1000 times too high: look at the unit.",
    0.001: "1000 times too low: look at the unit.",
    1e6: "a million times too high: look at the unit.",
    1e-6: "a million times too low: look at the unit.",
    HOP: f"off by the hop: {HOP} samples make one frame.",
    1 / HOP: f"off by the hop: {HOP} samples make one frame.",
    SAMPLE_RATE: f"off by the sample rate: {SAMPLE_RATE} samples make one second.",
    1 / SAMPLE_RATE: f"off by the sample rate: {SAMPLE_RATE} samples make one second.",
    60: "60 times too high: seconds or minutes?",
    1 / 60: "60 times too low: seconds or minutes?",
    8: "8 times too high: bits or bytes?",
    1 / 8: "8 times too low: bits or bytes?",
    -1: "the size is right, the sign is not.",
}


def near(answer: float, truth: float, tolerance: float, mistakes: dict[float, str] | None = None) -> None:
    """Do nothing if `answer` lies within `tolerance` of `truth`; else hint.

    `mistakes` holds what a typical slip leads to, and the hint for each; units are looked at in any case.
    """
    if abs(answer - truth) <= tolerance:
        return
    slips = {truth * factor: hint for factor, hint in SLIPS.items() if truth}
    for wrong, hint in [*(mistakes or {}).items(), *slips.items()]:
        if abs(answer - wrong) <= max(
            1e-9, min(tolerance * max(1.0, abs(wrong / (truth or 1))), abs(wrong) / 20)
        ):
            raise Hint(hint)
    raise Hint("too high." if answer > truth else "too low.")


# ------------------------------------------------------------------------------------------ what is computed with


@cache
def _recognizer() -> Recognizer:
    return Recognizer.load(shipped_model())


@cache
def _clips(folder: str) -> list[Utterance]:
    return load_corpus(data_dir() / folder).utterances


@cache
def _clip(key: str) -> Utterance:
    return next(each for each in _clips("mini/test-mini") + _clips("real") if each.id == key)


@cache
def _log_probs(key: str) -> np.ndarray:
    return _recognizer().audio_log_probs(read_audio(_clip(key).path))


def _heard(key: str) -> str:
    return decoding.greedy(_log_probs(key))


def _rate(utterances, count=word_errors, heard=None) -> float:
    texts = [_heard(each.id) for each in utterances] if heard is None else heard
    return count([each.text for each in utterances], texts).rate


@cache
def _steps() -> tuple[np.ndarray, np.ndarray]:
    """Return the clip of notebook 01 as 16-bit integers, and in steps of its ten bits."""
    import soundfile

    clip = next(each for each in _clips("mini/test-mini") if each.speaker == "9002")
    integers, _ = soundfile.read(clip.path, dtype="int16")
    return integers, integers.astype(int) // np.gcd.reduce(integers.astype(int))


# the clips that notebooks 00, 02 and 03 look at
READER, HISSES, BULLETIN = "672-122797-0069", "5105-28240-0017", "9002-1-0002"


@cache
def _power(key: str) -> np.ndarray:
    """Return the power spectrogram of a clip, (frames, 257)."""
    padded = np.pad(read_audio(_clip(key).path), FFT // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, FFT)[::HOP]
    return np.abs(np.fft.rfft(frames * analysis_window())) ** 2


# -------------------------------------------------------------------------------------------------- 00 Start here


@judge("00.1")
def the_voice_kept_out(answer):
    theirs = [each for each in _clips("mini/test-mini") if each.speaker == "9007"]
    truth = _rate(theirs[:8])
    near(
        a_number(answer),
        truth,
        0.005,
        {
            _rate(
                theirs[:8], character_errors
            ): "that is the rate of characters (cer); the words are wanted.",
            _rate(theirs): "that is the rate over all clips of 9007; the first eight are wanted.",
            _rate(
                _clips("mini/test-mini")[:8]
            ): "those are the first eight clips of the test set, of another speaker.",
            1 - truth: "that is the share that was right.",
            _rate(theirs[:1]): "that is one clip. Eight are wanted, scored together.",
        },
    )
    return (
        "several times as many errors as on voices it knows. A new voice is the hardest test there is here."
    )


@judge("00.2")
def nonsense(answer):
    text = a_text(answer)
    clip = _clip(READER)
    samples = read_audio(clip.path)
    if text == _recognizer().transcribe(samples[::-1].copy()):
        return "letters, even words, out of nonsense: the model cannot say that it did not understand."
    if text in (_heard(clip.id), clip.text):
        raise Hint("that is the sentence forwards: turn the samples round, then transcribe.")
    if text[::-1] in (_heard(clip.id), clip.text):
        raise Hint("you turned the letters round. Turn the sound round, and let the model spell it.")
    raise Hint("the model hears something else. Is it the clip `samples`, all of it, turned by [::-1]?")


@judge("00.3")
def numbers_of_ten_minutes(answer):
    truth = 10 * 60 * SAMPLE_RATE
    near(
        a_number(answer),
        truth,
        0.5,
        {
            2 * truth: "those are bytes of 16 bits, or two channels. Count numbers.",
            10 * 60 * 44100: "that is for a CD. How many numbers a second are there here?",
        },
    )
    return "and the network reads them all, 16 000 for every second."


# -------------------------------------------------------------------------------------------------- 01 Conversion


def _flac_share(integers: np.ndarray) -> float:
    import soundfile

    def size(kind):
        file = io.BytesIO()
        soundfile.write(file, integers, SAMPLE_RATE, format=kind)
        return len(file.getvalue())

    return size("FLAC") / size("WAV")


@judge("01.1")
def six_bits_filled(answer):
    integers, _ = _steps()
    noise = np.random.default_rng(1).integers(0, 64, len(integers)).astype(np.int16)
    truth = _flac_share(integers + noise)
    near(
        a_number(answer),
        truth,
        0.015,
        {
            _flac_share(integers): "so large it was before. Are the six bits still empty?",
            1 / truth: "upside down: FLAC's bytes over the WAV's.",
            1 - truth: "that is what FLAC saves; what it takes is wanted.",
        },
    )
    return "noise cannot be predicted, so it is stored bit by bit. The WAV has 16 bits for any number."


def _bits_each(values: np.ndarray) -> float:
    share = np.unique(values, return_counts=True)[1] / len(values)
    return float(-(share * np.log2(share)).sum())


@judge("01.2")
def cubic_prediction(answer):
    _, steps = _steps()
    truth = _bits_each(np.diff(steps, n=4))
    near(
        a_number(answer),
        truth,
        0.02,
        {
            _bits_each(np.diff(steps, n=2)): "those are the errors of the straight line.",
            _bits_each(
                np.diff(steps, n=3)
            ): "those are the errors of the guess 3a − 3b + c: one step further.",
            _bits_each(steps): "those are the samples themselves; the errors of the guess are wanted.",
        },
    )
    return "more bits than the line's: noise is in every step, and the cubic guess adds up more of it."


@judge("01.3")
def hours_a_minute(answer):
    for busy, idle, audio in ((3.0, 1.0, 7200.0), (10.0, 4.0, 600.0)):
        near(
            a_number(called(answer, busy, idle, audio)),
            audio / 3600 / ((busy - idle) / 60),
            1e-6,
            {
                audio / 3600 / (busy / 60): "the start of the worker is still in it. Take `idle` off.",
                audio / 3600 / (busy - idle): "that is hours of speech in a second of work, not in a minute.",
                audio / ((busy - idle) / 60): "those are seconds of speech, not hours.",
            },
        )
    return "a second worker halves `busy - idle` and adds an `idle` of its own."


# ------------------------------------------------------------------------------------------------ 02 Spectrograms


@judge("02.1")
def where_the_s_is(answer):
    power = _power(HISSES)
    total = power.sum(axis=1)
    high = power[:, 96:].sum(axis=1) > 0.5 * total
    truth = high & (total > 1e-3 * total.max())
    found = np.asarray(answer)
    if found.dtype == bool:
        found = np.flatnonzero(found)
        if np.shape(answer) != truth.shape:
            raise Hint(f"one True or False for each of the {len(truth)} frames is wanted.")
    found = an_array(found, (None,), "a list of frames")
    if len(found) and not np.allclose(found, np.round(found)):
        raise Hint("frames are counted in whole numbers. Are those seconds? A frame begins every 10 ms.")
    if len(found) and found.max() >= len(truth):
        raise Hint(f"there are only {len(truth)} frames. Are those samples? {HOP} of them make a frame.")
    wrong = np.setxor1d(found, np.flatnonzero(truth))
    if len(wrong) <= 3:
        return "look at the picture again: S, SH and the burst of a T all live up there."
    if len(np.setxor1d(found, np.flatnonzero(high))) <= 3:
        raise Hint("the pauses are in it, too: their hiss has no low sounds. Ask for some power as well.")
    if any(len(np.setxor1d(found + off, np.flatnonzero(truth))) <= 3 for off in (-1, 1)):
        raise Hint("off by one frame, all along.")
    if len(np.intersect1d(found, np.flatnonzero(truth))) < truth.sum() / 3:
        raise Hint("most frames of an S are not among these. Which columns of `power` lie above 3000 Hz?")
    raise Hint("too many frames." if len(found) > truth.sum() else "too few frames.")


@judge("02.2")
def bins_below_1000(answer):
    centres = mel_to_hz(np.linspace(0, to_mel(SAMPLE_RATE / 2), MELS + 2))[1:-1]
    htk = 700 * (10 ** (np.linspace(0, 2595 * np.log10(1 + 8000 / 700), MELS + 2) / 2595) - 1)[1:-1]
    near(
        a_number(answer),
        int(np.sum(centres < 1000)),
        0,
        {
            MELS / 8: "so it would be if the bins were equally wide in Hz. They are equally wide in mels.",
            int(np.sum(htk < 1000)): "that is another mel scale (HTK's). Use `mel_to_hz`.",
            int(np.sum(np.linspace(0, 8000, FFT // 2 + 1) < 1000)): "those are the FFT's frequencies.",
        },
    )
    return "a third of the bins for an eighth of the frequencies: vowels live there."


@cache
def _share_right(mels: int) -> float:
    """Return the share of words that the recogniser gets right of four clips, played back from `mels` bins."""
    from asr_helpers.widgets import play_back

    clips = [each for each in _clips("mini/test-mini") if each.speaker == "9002"][:4]
    sounds = [play_back(_power(each.id) @ mel_filterbank(mels), 400, HOP, FFT) for each in clips]
    return 1 - _rate(clips, heard=[_recognizer().transcribe(sound) for sound in sounds])


@judge("02.3")
def hear_less(answer):
    value = a_number(answer)
    counts = (40, 20, 10, 5)
    if value not in counts:
        raise Hint("one of 40, 20, 10 and 5 is wanted: a number of bins.")
    enough = [count for count in counts if _share_right(count) >= 0.5]
    if value not in enough:
        raise Hint("with so few it gets less than half of the words right. Count them, with `word_errors`.")
    if value != min(enough):
        raise Hint("it gets along with that, but also with fewer.")
    return "and it was trained on 80. Much of what the picture holds is said twice."


# ------------------------------------------------------------------------------------------------ 03 Augmentation


@judge("03.1")
def telephone(answer):
    samples = read_audio(_clip(BULLETIN).path)
    sound = an_array(answer, (len(samples),), "the clip, filtered,")

    def gain(low, high):
        inside = slice(int(low * len(samples) / SAMPLE_RATE), int(high * len(samples) / SAMPLE_RATE))
        before, after = (np.sum(np.abs(np.fft.rfft(each)[inside]) ** 2) for each in (samples, sound))
        return 10 * math.log10((after + 1e-12) / (before + 1e-12))

    if gain(500, 3000) < -3:
        raise Hint("what a telephone passes is gone. Is `fs=16000` given, and `btype` a bandpass?")
    if gain(500, 3000) > 3:
        raise Hint("it is louder than before: a filter only takes away.")
    if gain(4500, 7900) > -15:
        raise Hint("there is still much above 3400 Hz.")
    if gain(20, 150) > -15:
        raise Hint("there is still much below 300 Hz.")
    if np.argmax(np.correlate(sound[8000:16000], samples[8000:16000], "full")) != 7999:
        raise Hint("it comes later than the original. `sosfiltfilt` goes both ways, and so has no delay.")
    return "F and S differ mostly above 3400 Hz: that is why one spells names on the telephone."


@judge("03.2")
def worst_noise(answer):
    text = a_text(answer).strip().lower()
    kinds = ("white", "pink", "babble")
    if text not in kinds:
        raise Hint(f"one of {', '.join(kinds)} is wanted, as a text.")
    clips = _clips("mini/test-mini")[::6]
    others = [
        each for each in _clips("mini/test-mini") if each.id.endswith("-0003") and each.speaker != "9002"
    ][:4]
    voices = [read_audio(each.path) for each in others]
    rates = {}
    for kind in kinds:
        heard = []
        for number, each in enumerate(clips):
            samples, rng = read_audio(each.path), np.random.default_rng((3, number))
            sound = augment.babble(voices, len(samples), rng) if kind == "babble" else kind
            heard.append(_recognizer().transcribe(augment.noise(samples, 5, rng, sound)))
        rates[kind] = _rate(clips, heard=heard)
    if text != max(rates, key=rates.get):
        raise Hint("another one does more harm. Was each at 5 dB, and was the set larger than one clip?")
    return "its stripes look like words, because they are words."


@judge("03.3")
def left_alone(answer):
    chances = np.array([getattr(Augmenter(), f"{name}_probability") for name in EFFECTS])
    truth = float(np.prod(1 - chances))
    near(
        a_number(answer),
        truth,
        0.002,
        {
            1 - truth: "that is how often something happens to it.",
            float(1 - chances.sum()): "chances of independent effects do not add up: two may come together.",
            float(np.prod(chances)): "that is how often all seven come at once.",
            float(1 - chances.mean()): "the mean of the chances does not tell it: all seven must stay away.",
        },
    )
    return "all seven must stay away, so the chances that they do are multiplied."


# ---------------------------------------------------------------------------------------------- 04 Input pipeline


@judge("04.1")
def padding_when_sorted(answer):
    lengths = np.array([num_frames(each.samples) for each in _clips("mini/dev-mini")])

    def padding(order):
        batches = [order[start : start + 14] for start in range(0, len(order), 14)]
        return 1 - sum(map(sum, batches)) / sum(len(each) * max(each) for each in batches)

    truth = padding(np.sort(lengths))
    near(
        a_number(answer),
        truth,
        0.003,
        {
            1 - truth: "that is the share of speech.",
            padding(lengths): "those batches are in the corpus's order: sort the lengths first.",
            float(1 - lengths.mean() / lengths.max()): "that is one batch of all. Cut it into batches of 14.",
        },
    )
    return "as little as buckets leave, or less. But each epoch's batches are the same, long ones always together."


@judge("04.2")
def epochs_a_minute(answer):
    seconds, epochs = numbers(answer, 2, "the seconds of one epoch, and the epochs in a minute")
    if not 0.01 < seconds < 600:
        raise Hint("so long no epoch of this corpus takes. Is the first number in seconds?")
    near(
        epochs,
        60 / seconds,
        0.05 * 60 / seconds,
        {
            1 / seconds: "that is epochs in a second.",
            seconds / 60: "upside down: that is minutes for an epoch.",
            seconds * 60: "the longer an epoch takes, the fewer fit.",
        },
    )
    return (
        "compare it with notebook 06: the network takes far longer, so the pipeline is not what holds it up."
    )


@judge("04.3")
def memory_of_a_buffer(answer):
    megabytes = 500 * 12.7 * 100 * MELS * 4 / 1e6
    near(
        a_number(answer),
        megabytes,
        2,
        {
            megabytes / 4: "those are numbers, each of which takes four bytes.",
            500 * 12.7 * SAMPLE_RATE * 4 / 1e6: "that is for waveforms, or for numbers of eight bytes.",
            500 * 12.7 * 100 * (FFT // 2 + 1) * 4 / 1e6: "a frame has 80 mel bins, not 257 frequencies.",
            megabytes / 100: "a second has 100 frames.",
        },
    )
    return "for half a thousand clips out of 28 539: a small buffer mixes little and still costs much."


# ------------------------------------------------------------------------------------------------ 05 CRNN and CTC


@judge("05.1")
def nothing_at_all(answer):
    paths, probability = numbers(answer, 2, "the number of paths, and their probability")
    table = np.random.default_rng(4).dirichlet(np.ones(4), size=5)
    truth = float(np.prod(table[:, 3]))
    if paths != 1:
        raise Hint("the number of paths is too high: merge and drop, and look at what is left of each.")
    near(
        probability,
        truth,
        truth / 50,
        {
            float(np.prod(table[:, 2])): "the blank is the last of the four symbols.",
            float(table[:, 3].sum()): "along a path, probabilities are multiplied.",
            1 / 1024: "the paths are not all equally probable: look into `table`.",
            math.log(truth): "that is its logarithm.",
        },
    )
    return "five blanks: any letter at all would be read."


@judge("05.2")
def double_letters(answer):
    word = "COMMITTEE"
    near(
        a_number(answer),
        min_frames(encode(word)),
        0,
        {
            len(word): "that is the number of letters. What does CTC need between two equal ones?",
            2 * len(word) + 1: "that is the number of states; a path may skip most of the blanks.",
            len(word) + 1: "there is more than one double letter.",
            min_frames(encode(word))
            * TIME_POOLING: "those are frames of the spectrogram, before the pooling.",
        },
    )
    return "one frame for each letter, and a blank in the middle of each double one."


@judge("05.3")
def least_certain(answer):
    value = a_number(answer)
    # The notebook's file: the fast one hesitates elsewhere, where two letters are about as doubtful.
    recognizer = Recognizer.load(data_dir() / "models" / "crnn.keras")
    log_probs = recognizer.audio_log_probs(read_audio(_clips("mini/test-mini")[3].path))
    best = log_probs.argmax(-1)
    starts = [t for t in range(len(best)) if best[t] != BLANK and (t == 0 or best[t] != best[t - 1])]
    order = sorted(starts, key=lambda t: log_probs[t].max())
    close = [t for t in order if log_probs[t].max() < log_probs[order[0]].max() + 0.15]
    if any(abs(value - 0.04 * t) < 0.021 for t in close):
        return "there the model hesitated, and there its mistakes are."
    if any(value == t for t in close):
        raise Hint("that is the frame. One frame of the network's output lasts 40 ms.")
    if any(abs(value - 0.01 * t) < 0.006 for t in close):
        raise Hint("off by the pooling: four frames of 10 ms make one of the output.")
    if abs(value - 0.04 * order[-1]) < 0.021:
        raise Hint("there it is surest.")
    if any(abs(value - 0.04 * t) < 0.021 for t in range(len(best)) if t not in starts):
        raise Hint("no letter begins there: leave out blanks, and frames that hold a letter on.")
    raise Hint("another letter is less certain.")


# --------------------------------------------------------------------------------------------------- 06 Training


@judge("06.1")
def without_augmentation(answer):
    plain, augmented = numbers(answer, 2, "the gap without augmentation, and the gap with it")
    if abs(plain) > 10 or abs(augmented) > 10:
        raise Hint("a gap of that size? Subtract the losses of the *last* epoch, in nats per character.")
    if plain < augmented:
        raise Hint(
            "then augmentation widens the gap. Is it validation less training, and the plain run first?"
        )
    if plain == augmented:
        raise Hint("equal to the last digit: is it the same run twice?")
    return "what is heard once more in the same words and sounds is learnt by heart sooner."


@judge("06.2")
def untrained(answer):
    text = a_text(answer)
    said = _clips("mini/test-mini")[0].text
    if not text:
        raise Hint("not a letter? Look at what `transcribe` returned.")
    if set(text) - set(ALPHABET):
        raise Hint("there are characters in it that the network cannot write.")
    if set(text.split()) & {word for word in said.split() if len(word) > 2}:
        raise Hint("words! That network has been trained. `model` is the one that has not.")
    return "it starts with the habits of random weights: a few letters, over and over, whatever is said."


@judge("06.3")
def what_averaging_bought(answer):
    import csv

    with open(data_dir() / "models" / "history.csv", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["mean_wer"] and row["val_wer"]]
    gains = np.array([100 * (float(row["val_wer"]) - float(row["mean_wer"])) for row in rows])
    near(
        a_number(answer),
        gains.max(),
        0.06,
        {
            gains[-1]: "that is the last epoch, when the learning rate had fallen.",
            float(gains.mean()): "that is the mean over the epochs; the largest is wanted.",
            gains.min(): "that is the smallest.",
        },
    )
    return "for nothing but a mean of weights. And where the rate falls, nothing: it has then done the same work."


# --------------------------------------------------------------------------------------------------- 07 Decoding


@judge("07.1")
def right_to_say_nothing(answer):
    near(
        a_number(answer),
        math.sqrt(0.5),
        0.003,
        {
            0.5: "from there on the greedy decoder says nothing. The text is worth the sum of its paths.",
            0.25: "that is what two blanks are worth when b is 0.5.",
            0.6: "that is the toy as it was; there A wins.",
        },
    )
    return "nothing is worth b², A all the rest."


@judge("07.2")
def oracle(answer):
    references = ["THE TIDE IS LOW", "GOOD MORNING"]
    lists = [["THE TIED IS LO", "THE TIDE IS LO", "A TIE"], ["GOOD MORNING", "GOOD"]]
    value = a_number(called(answer, lists, references))
    near(
        value,
        1 / 6,
        1e-6,
        {
            2 / 6: "that is the error rate of the first text of each list.",
            1 / 8: "that is the mean of two rates. Count the errors of all, then divide by all words.",
            1.0: "that is one error for each reference: compare words, not whole texts.",
            0.0: "an oracle chooses from the list only: it cannot say what is not in it.",
        },
    )
    if a_number(called(answer, [["A B"], ["A"]], ["A B", "A"])) != 0:
        raise Hint("where the right text is in the list, the oracle makes no error.")
    return "no re-ranking of these lists can do better."


@judge("07.3")
def does_the_text_belong(answer):
    clips = _clips("mini/test-mini")[::9]
    outputs = [_log_probs(each.id) for each in clips]
    right = strange = 0
    for place, (each, log_probs) in enumerate(zip(clips, outputs, strict=True)):
        fitting = [other for other in clips if min_frames(encode(other.text)) <= len(log_probs)]
        other = fitting[(place + 1) % len(fitting)].text
        if other == each.text:
            other = fitting[(place + 2) % len(fitting)].text
        right += bool(called(answer, align(log_probs, each.text)))
        strange += not called(answer, align(log_probs, other))
    if right == len(clips) and not strange:
        raise Hint("it takes every text for the clip's own.")
    if strange == len(clips) and not right:
        raise Hint("it takes no text for the clip's own.")
    if right + strange < len(clips):
        raise Hint("it is wrong more often than a coin. Is the comparison the right way round?")
    if min(right, strange) < 0.8 * len(clips):
        kind = "its own text" if right < strange else "a strange one"
        raise Hint(
            f"it is wrong too often about {kind}. Look at the figures of both kinds, and move the limit."
        )
    return f"of {len(clips)} clips, {right} know their own text, and {strange} refuse a strange one."


# ------------------------------------------------------------------------------------------------ 08 Quantization


@judge("08.1")
def one_click(answer):
    speech = [features(read_audio(each.path)) for each in _clips("mini/train-mini")[::91]]
    low, high = min(each.min() for each in speech), max(each.max() for each in speech)
    truth = float(1000 - low) / 255
    near(
        a_number(answer),
        truth,
        truth / 50,
        {
            1000 / 127: "that is for a range on both sides of zero. The input has a zero point.",
            float(high - low) / 255: "that is the scale without the click.",
            1 / truth: "upside down: the scale is the width of one step.",
            1000 / 16: "a range of 8 bits has 255 steps.",
        },
    )
    return (
        "one step, and speech has a deviation of 1: a single value decides what the other millions are worth."
    )


@cache
def _lstm_kernel() -> np.ndarray:
    """Return the first LSTM's kernel, read from the shipped .keras file (a zip with an HDF5 file in it)."""
    import h5py

    with zipfile.ZipFile(data_dir() / "models" / "crnn.keras") as archive:
        weights = h5py.File(io.BytesIO(archive.read("model.weights.h5")))
        return weights["layers/bidirectional/forward_layer/cell/vars/0"][()]


@cache
def _clipped_snr(bits: int) -> tuple[np.ndarray, np.ndarray]:
    """Return shares of the maximum, and the SNR in dB of the kernel rounded to `bits` when clipped there."""
    weights, top = _lstm_kernel(), 2 ** (bits - 1) - 1
    shares = np.linspace(0.05, 1, 39)
    ratios = []
    for step in shares * np.abs(weights).max() / top:
        back = np.clip(np.round(weights / step), -top, top) * step
        ratios.append(10 * np.log10(np.mean(weights**2) / np.mean((back - weights) ** 2)))
    return shares, np.array(ratios)


@judge("08.2")
def clip_on_purpose(answer):
    shares, ratios = _clipped_snr(3)
    near(
        a_number(answer),
        shares[ratios.argmax()],
        0.04,
        {
            shares[_clipped_snr(8)[1].argmax()]: "that is the best share at 8 bits.",
            shares[_clipped_snr(4)[1].argmax()]: "that is the best share at 4 bits.",
            ratios.max() - ratios[-1]: "that is the gain in dB. The share of the maximum is wanted.",
            1.0: "at the whole maximum nothing is clipped, and the steps are coarse.",
        },
    )
    return "the fewer the bits, the harder one clips: few large weights are spoilt, all others gain."


@judge("08.3")
def grid_by_hand(answer):
    scale, zero_point = numbers(answer, 2, "the scale and the zero point")
    near(
        scale,
        6 / 255,
        1e-5,
        {
            6 / 256: "256 values have 255 steps between them.",
            4 / 127: "that is a grid on both sides of zero: without a zero point, a third of it is wasted.",
            4 / 255: "the range begins at −2, not at 0.",
            255 / 6: "upside down: the scale is the width of one step.",
        },
    )
    near(
        zero_point,
        round(-128 + 2 / (6 / 255)),
        0,
        {
            round(2 / (6 / 255)): "that is the zero point of a uint8, 0 to 255. An int8 begins at −128.",
            round(-128 - 2 / (6 / 255)): "it lies outside of −128 to 127: look at the sign of `low`.",
            0: "then half of the integers below zero would stand for values that never come.",
        },
    )
    return "zero itself is met exactly, and nothing of the range is wasted."


# ------------------------------------------------------------------------------------------------ 09 Interpreters


class _Ear:
    """Stands for a recogniser: its answer is what it was made with."""

    def __init__(self, log_probs):
        self._log_probs = log_probs

    def log_probs(self, x):
        return self._log_probs


@judge("09.1")
def two_ears(answer):
    def ear(*labels, sure):
        """Log-probabilities of an ear that gives each label of `labels` the probability `sure`."""
        probs = np.full((len(labels), BLANK + 1), (1 - sure) / BLANK)
        probs[np.arange(len(labels)), labels] = sure
        return _Ear(np.log(probs))

    a, b, c = encode("ABC")
    cases = [
        ([ear(a, b, sure=0.9), ear(a, c, sure=0.5)], "AB"),
        ([ear(a, b, sure=0.4), ear(a, c, sure=0.8)], "AC"),
    ]
    texts = [called(answer, ears, np.zeros((8, MELS), np.float32)) for ears, _ in cases]
    for text in texts:
        a_text(text)
    if texts == [right for _, right in cases]:
        return "the surer of the two ears decides, frame by frame."
    if texts in (["AB", "AB"], ["AC", "AC"]):
        raise Hint("one of the ears is not listened to.")
    raise Hint(
        "the surer ear should win. Average the log-probabilities over the ears (axis 0), then `greedy`."
    )


@judge("09.2")
def one_batch(answer):
    clips = [features(read_audio(each.path)) for each in _clips("real")[:20]]
    batch = [x[:100] for x in clips if len(x) >= 100][:8]
    logits = an_array(answer, (8, 25, BLANK + 1), "what the network says to the batch")
    alone = np.array([_recognizer().log_probs(x) for x in batch])
    same = np.mean(logits.argmax(-1) == alone.argmax(-1))
    if same < 0.9:
        raise Hint(
            "those are not the answers to these clips: is it the first second of the first eight that have one?"
        )
    return "the same answers as one by one. The TFLite files were made for a batch of one, and have no other."


@judge("09.3")
def where_the_time_goes(answer):
    wanted = ("features", "network", "decoding")
    if not isinstance(answer, dict) or set(answer) != set(wanted):
        raise Hint(f"a dict is wanted, with the keys {', '.join(wanted)}.")
    times = {name: a_number(answer[name]) for name in wanted}
    if min(times.values()) <= 0:
        raise Hint("nothing takes no time, or less.")
    if times["network"] < 0.02:
        raise Hint("so fast it is nowhere. Is it milliseconds, and per second of audio?")
    if times["network"] > 500:
        raise Hint("so slow it is nowhere. Is it milliseconds, per second of audio, and the fast file?")
    if times["decoding"] > times["network"]:
        raise Hint("greedy decoding is one argmax. Is the network computed inside of it once more?")
    share = times["network"] / sum(times.values())
    return f"the network takes {share:.0%} of the time here. What is left to gain elsewhere is little."


# ----------------------------------------------------------------------------------------------- 10 Pretrained


@cache
def _others() -> tuple[str, dict[str, dict[str, list[str]]]]:
    """Return which system is the reference of benchmarks/pretrained.json, and what each wrote of each corpus."""
    log = json.loads((data_dir().parent / "benchmarks" / "pretrained.json").read_text())
    return log["reference"], {row["name"]: row["texts"] for row in log["systems"]}


def _errors_of(system: str, corpus: str) -> np.ndarray:
    """Return the word errors in each clip of what a system wrote."""
    clips = _clips("mini/test-mini" if corpus == "harbour" else "real")
    heard = [spoken(text) for text in _others()[1][system][corpus]]
    return word_errors([spoken(each.text) for each in clips], heard).errors


@judge("10.1")
def no_error_where_others_err(answer):
    own, other = (_errors_of(name, "harbour") for name in (_others()[0], "Whisper tiny.en"))
    slips = {
        float(np.sum(own == 0)): "those are all that ours writes without an error. And where Whisper errs?",
        float(np.sum(own < other)): "an error fewer is not yet none at all.",
        float(
            np.sum((own > 0) & (other == 0))
        ): "the other way round: ours without an error, Whisper with one.",
    }
    near(a_number(answer), float(np.sum((own == 0) & (other > 0))), 0.5, slips)
    return "sentences of its own world. Half a million hours of other people's do not hold them."


@judge("10.2")
def the_better_of_two(answer):
    first, second = (_errors_of(name, "people") for name in ("Whisper tiny.en", "Moonshine tiny"))
    words = sum(len(each.text.split()) for each in _clips("real"))
    slips = {
        min(first.sum(), second.sum()) / words: "that is the better system. Choose anew for each clip.",
        float(
            np.minimum(first, second).sum()
        ): "those are errors. The rate divides them by the words that were said.",
    }
    near(a_number(answer), np.minimum(first, second).sum() / words, 0.002, slips)
    return "they err in different places, so something that knew which to trust would be better than both."


@judge("10.3")
def when_each_token_begins(answer):
    rng = np.random.default_rng(10)
    for rows, frames in ((1, 5), (4, 4), (5, 30), (8, 60)):
        looks = rng.random((rows, frames)) ** 4
        given = called(answer, looks.copy())
        starts = an_array(given, (rows,), "a list of the frames where the tokens begin")
        if (starts != np.round(starts)).any() or starts.min() < 0 or starts.max() >= frames:
            raise Hint(f"frames are whole numbers from 0 to {frames - 1} here.")
        if starts[0] != 0:
            raise Hint("the first token begins with frame 0: every frame belongs to one.")
        if (np.diff(starts) < 1).any():
            raise Hint("each token has a frame at least, and none begins before the one in front of it.")
        owner = np.searchsorted(starts, np.arange(frames), side="right") - 1
        best = np.full(rows, -np.inf)
        best[0] = 0
        for frame, column in enumerate(looks.T):
            best = (np.maximum(best, np.append(-np.inf, best[:-1])) if frame else best) + column
        if looks[owner, np.arange(frames)].sum() < best[-1] - 1e-6:
            raise Hint(
                "there is a better way through: it may be worth to wait. Keep the best sum for each token."
            )
    return "dynamic time warping. With it, recognisers that only look tell when each word was said."


# ------------------------------------------------------------------------------------------------ 11 your language


@judge("11.1")
def sentences_of_a_grammar(answer):
    slots = {"who": ["Ute", "Max", "Jörg"], "what": ["Tee", "Kaffee"], "order": ["{who}: {what}", "nichts"]}
    for sentences, right, hint in (
        (["ja", "nein"], 2, "a line without a slot is one sentence."),
        (["{who} trinkt {what}"], 6, "each alternative of one slot goes with each of the other."),
        (["{who} kommt", "{what} fehlt"], 5, "the lines of a slot are alternatives: their numbers add up."),
        (["{who} grüßt {who}"], 9, "a slot that stands twice is filled twice, each time anew."),
        (["{order}, bitte"], 7, "an alternative may have slots of its own. Does your function call itself?"),
    ):
        count = a_number(called(answer, {"sentence": list(sentences), **slots}))
        if count != right:
            raise Hint(f"wrong for {' | '.join(sentences)!r}: {hint}")
    return "a page of rules, thousands of sentences: that is why a grammar is the cheapest corpus there is."


@judge("11.2")
def without_its_marks(answer):
    german, polish = (Alphabet(f" ABCDEFGHIJKLMNOPQRSTUVWXYZ{more}") for more in ("ÄÖÜ", "ÓĄĆĘŁŃŚŹŻ"))
    for text, alphabet, right in (
        ("ZUG NACH KÖLN", german, "ZUG NACH KÖLN"),
        ("CAFÉ", german, "CAFE"),
        ("SEÑOR MÜLLER", german, "SENOR MÜLLER"),
        ("MÜLLER ŁÓDŹ", polish, "MULLER ŁÓDŹ"),
        ("ŁÓDŹ", german, "ŁODZ"),
    ):
        folded = a_text(called(answer, text, alphabet))
        if any(unicodedata.combining(character) for character in folded):
            raise Hint(f"{text}: a mark is left over. Keep the first character of what NFD gives.")
        if folded == _bare(text) != right:
            raise Hint(f"{text}: a letter that the alphabet has must stay as it is.")
        if folded != right:
            raise Hint(f"{text} becomes {folded!r}. What cannot be mended stays, for others to see.")
    return "a clip more is kept, for a letter less. What it costs: é and e sound different."


def _bare(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))


@judge("11.3")
def one_letter_more(answer):
    units = 128
    near(
        a_number(answer),
        2 * units + 1,
        0.5,
        {
            2 * units: "each class has one number more, which is added whatever is heard (the bias).",
            units + 1: "the last LSTM reads in both directions.",
            units: "the last LSTM reads in both directions.",
            4 * (2 * units + 1): "those are bytes.",
        },
    )
    return "next to a million that listen: the alphabet is the cheapest part of a model."


# ------------------------------------------------------------------------------------------------ 12 Your voice


def _stranger() -> list[Utterance]:
    return [each for each in _clips("mini/test-mini") if each.speaker == "9007"]


@cache
def _highest_doubts() -> np.ndarray:
    return np.array([max(doubts(_log_probs(each.id), each.text)) for each in _stranger()])


@judge("12.1")
def a_stricter_prompter(answer):
    truth = float(np.mean(_highest_doubts() > 2))
    near(
        a_number(answer),
        truth,
        0.005,
        {
            float(np.mean(_highest_doubts() > MOST_DOUBT)): "that is the share at `MOST_DOUBT`.",
            truth * len(_stranger()): "that is how many; the share of them is wanted, a fraction.",
            1 - truth: "that is the share that would be kept.",
        },
    )
    return "a stricter line costs right readings, of a voice that the model does not know above all."


@judge("12.2")
def how_often_to_say_it(answer):
    old = sum(each.seconds for each in _clips("mini/train-mini"))
    whole = [each.seconds for each in _stranger()]
    near(
        a_number(answer),
        math.ceil(old / 3 / sum(whole[::2])),
        0.01,
        {
            math.ceil(
                old / 4 / sum(whole[::2])
            ): "then the new is a quarter of the old, and a fifth of both.",
            math.ceil(
                old / 3 / sum(whole)
            ): "that is for all 28 sentences; only half of them are learned from.",
            old
            / 3
            / sum(whole[::2]): "nobody can be named a fraction of a time: which whole number is enough?",
        },
    )
    return "so often does an epoch bring each sentence, and augmentation makes each time another."


@judge("12.3")
def a_language_model_instead(answer):
    change, low, high = numbers(answer, 3, "the change in points and the two ends of its interval")
    clips = _stranger()
    first, second = (
        word_errors([each.text for each in clips], [spell(_log_probs(each.id)) for each in clips])
        for spell in (decoding.greedy, decoding.default_decoder())
    )
    truth, ends = paired_difference(first, second)
    if abs(change - truth) < 0.005:
        raise Hint("those are fractions; points are wanted, a hundred to one.")
    near(
        change,
        100 * truth,
        0.1,
        {
            -100 * truth: "the sign: paired_difference takes the one before first, and less is better.",
            100 * second.rate: "that is the rate with the language model; the change is wanted.",
        },
    )
    for value, end in zip((low, high), ends, strict=True):
        near(value, 100 * end, 1.0)
    return "it knows the harbour's sentences, and needs no recording. Both together go further still."


# ----------------------------------------------------------------------------------------------- 13 More machines

GRADIENTS = 25.4e6  # bytes, as the exercises say


def _ring(workers: int, gigabits: float) -> float:
    """Return the seconds in which a ring of workers sums the gradients."""
    return 2 * (workers - 1) / workers * GRADIENTS * 8 / (gigabits * 1e9)


@judge("13.1")
def seven_rows_three_workers(answer):
    found = numbers(answer, 3, "a weight for each worker")
    rows = np.array([3, 2, 2])
    truth = 3 * rows / rows.sum()
    slips = {
        "those are the shares of the rows; the sum of the weighted means is still divided by 3.": truth / 3,
        "with equal weights, a row of worker 1 counts more than one of worker 0.": np.ones(3),
        "those are how many rows each has. Weigh them so that equal shares would get 1 each.": rows,
        "the other way round: the worker with more rows must count more.": 1 / truth,
        "worker 0 takes rows 0, 3 and 6: which worker has most?": truth[::-1],
    }
    for hint, slip in slips.items():
        if np.allclose(found, slip, rtol=0.01):
            raise Hint(hint)
    for value, right in zip(found, truth, strict=True):
        near(value, right, 0.005)
    return "their sum is the number of workers, and no row counts more than another."


@judge("13.2")
def how_long_the_sum_takes(answer):
    truth = 1000 * _ring(8, 10)
    near(
        a_number(answer),
        truth,
        0.1,
        {
            truth / 8: "10 gigabits are 1.25 gigabytes: bytes and bits are mixed.",
            1000
            * GRADIENTS
            * 8
            / 10e9: "that is to send all gradients once; a ring sends nearly twice as much.",
            2000 * GRADIENTS * 8 / 10e9: "nearly: nobody needs to send what is its own, (N - 1)/N is left.",
            truth * 8: "that is what all eight send, but they send at the same time.",
        },
    )
    return "with a hundred workers it would hardly be longer: that is what the ring is for."


@judge("13.3")
def how_many_for_twice_the_speed(answer):
    truth = next(n for n in range(1, 65) if 1.28 / n + _ring(n, 1) <= 1.28 / 2)
    near(
        a_number(answer),
        truth,
        0.01,
        {
            2: "two would do if the sum took no time. How long does it take on this network?",
            3: "nearly twice as fast, but not yet: the sum takes longer than with two.",
            1: "one worker is as fast as one worker.",
        },
    )
    return "and at three times the speed it is over, however many there are: the sums take two fifths of a second."


# ------------------------------------------------------------------------------------------------------ capstone


@judge("effect")
def effect_of_your_own(answer):
    clips = _clips("mini/test-mini")[2::12]
    heard = []
    for number, each in enumerate(clips):
        samples = read_audio(each.path)
        first, again, *others = (
            called(answer, samples.copy(), np.random.default_rng(seed))
            for seed in (number, number, 100, 101, 102)
        )
        if getattr(first, "dtype", None) != np.float32:
            raise Hint("it should return float32: `.astype(np.float32)` at the end.")
        sound = an_array(first, (len(samples),), "the sound after the effect")
        if np.abs(sound).max() > 1:
            raise Hint("it leaves [-1, 1]: `augment.limit` turns it down.")
        if not np.array_equal(first, again):
            raise Hint("the same `rng` should give the same sound: draw all that is random from it.")
        if all(np.array_equal(first, other) for other in others):
            raise Hint("another `rng` gives the same sound: then it is one recording more, not many.")
        heard.append(_recognizer().transcribe(first))
    clean, spoilt = _rate(clips), _rate(clips, heard=heard)
    if spoilt < clean + 0.03:
        raise Hint(f"too mild: WER {clean:.0%} before and {spoilt:.0%} after. It would teach nothing new.")
    if spoilt > clean + 0.4:
        raise Hint(
            f"too strong: WER {clean:.0%} before and {spoilt:.0%} after. Would you still write it all down?"
        )
    return f"WER {clean:.0%} before, {spoilt:.0%} after: hard, and still the same words. Train with it (notebook 06)."


@judge("decoder")
def decoder_of_your_own(answer):
    clips = _clips("mini/test-mini")
    outputs = [_log_probs(each.id) for each in clips]
    texts = [a_text(called(answer, each)) for each in outputs]
    before, after = _rate(clips), _rate(clips, heard=texts)
    figures = f"WER {before:.1%} with greedy decoding, {after:.1%} with yours"
    if after > before / 2:
        raise Hint(f"{figures}: half of the errors must go.")
    return f"{figures}."


LARGEST_MODEL = 2e6  # bytes
WORST_MODEL = 0.35  # WER on test-mini


@judge("model")
def model_of_your_own(answer):
    if not isinstance(answer, (str, Path)):
        raise Hint(f"the path of a model file is wanted, not a {type(answer).__name__}.")
    try:
        recognizer = Recognizer.load(answer)
    except RecognizerError as error:
        raise Hint(f"{error}.") from None
    size = Path(answer).stat().st_size
    if size > LARGEST_MODEL:
        raise Hint(f"{size / 1e6:.1f} MB: {LARGEST_MODEL / 1e6:.0f} MB is the most.")
    clips = _clips("mini/test-mini")
    rate = _rate(clips, heard=[recognizer.transcribe(read_audio(each.path)) for each in clips])
    if rate > WORST_MODEL:
        raise Hint(f"WER {rate:.1%} on test-mini: {WORST_MODEL:.0%} is the most. More epochs?")
    return f"{size / 1e6:.2f} MB, WER {rate:.1%} on test-mini. It is yours, from random weights."


HARDEST_LANGUAGE = 0.25  # WER


@judge("language")
def language_of_your_own(answer):
    if isinstance(answer, str) or not isinstance(answer, Iterable) or len(paths := list(answer)) != 2:
        raise Hint(
            "two paths are wanted, as in `answer = (MODEL, FOLDER)`: a model file and its test corpus."
        )
    if not all(isinstance(path, (str, Path)) for path in paths):
        raise Hint("two *paths* are wanted, of a model file and of a folder.")
    try:
        recognizer = Recognizer.load(paths[0])
        clips = load_corpus(paths[1], alphabet=recognizer.alphabet).utterances
    except OneLineError as error:
        raise Hint(f"{error}.") from None
    if recognizer.alphabet == ENGLISH:
        raise Hint("it writes the English alphabet: A to Z and the apostrophe.")
    words = len({word for clip in clips for word in clip.text.split()})
    if len(clips) < 30 or words < 40:
        raise Hint(f"{len(clips)} sentences with {words} words: 30 and 40 are the least, or luck decides.")
    rate = _rate(clips, heard=[recognizer.transcribe(read_audio(each.path)) for each in clips])
    if rate > HARDEST_LANGUAGE:
        raise Hint(f"WER {rate:.1%}: {HARDEST_LANGUAGE:.0%} is the most. More sentences, or more epochs?")
    return (
        f"WER {rate:.1%} with the letters {recognizer.alphabet}. A language more that a machine writes down."
    )
