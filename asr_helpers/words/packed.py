"""A back-off n-gram model in a small file, which a web page reads, too: `.lm`, a third of the size of its ARPA.

The file is gzipped (browsers can unpack that); a reader also takes it unpacked, since some web servers do that.
Unpacked, it is, whole numbers being little-endian:

| bytes | content |
|---|---|
| 4 | `ASRL` |
| 4 | the length of the header, uint32 |
| | the header: a JSON object in UTF-8 |
| | the parts, one after the other |

The header:

| key | value |
|---|---|
| `version` | 1 |
| `order` | the number of words in the longest n-gram, N |
| `letters` | the characters of the words, sorted: it names the language to people, and no reader needs it |
| `steps` | the number of different values that each part of values may hold, 2 to 256 |
| `counts` | the number of n-grams of each length, N numbers; the first is the number of words, V |
| `scales` | for each part of values, [low, step] |
| `sizes` | the bytes of each part |

The parts, 1 + (2N − 1) + 2(N − 1) of them:

1. The words, in UTF-8, with a line feed between each two. The first three are `<s>`, `</s>` and `<unk>`, then the more
   probable come first. A word's number is its index.
2. Values, a byte each: log10 probabilities of the single words, their log10 back-off weights, probabilities of the
   pairs, back-off weights of the pairs, and so on; the longest n-grams have probabilities only. Byte b stands for
   low + step · b, as float32. A probability is at least 10^-9.9. That of `<s>`, which follows nothing, has no meaning.
3. For each length from 2 on, two parts. The first says how many n-grams each n-gram one word shorter begins, in their
   order. The second has the last words of those n-grams, in ascending order: of the first its number, of each other
   its number less the previous number less 1. Both are unsigned LEB128 numbers (seven bits a byte, low bits first, the
   high bit set on all but the last byte), of four bytes at most.

So the n-grams form a trie: n-grams that begin alike stand together, and each is listed with its beginning (all but its
last word) and its end (all but its first).
"""

import gzip
import itertools
import json
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from asr_helpers.system import files
from asr_helpers.system.text_files import TextError
from asr_helpers.words.arpa import END, LOG10_ZERO, MAKER, START, UNKNOWN, LanguageModelError, write_arpa

Gram = tuple[str, ...]
MAGIC, VERSION = b"ASRL", 1
GZIP = b"\x1f\x8b"
MARKS = [START, END, UNKNOWN]
STEPS = 256
LEAST_LOG10 = -9.9  # of a probability; half of the steps of a scale down to ARPA's -99 would lie where nothing is
MAX_WORDS = 1 << 22  # the compiled search has as many bits for a word's number
MAX_ORDER = 9
MAX_COMPRESSION = 50  # largest ratio of the content to the gzipped file; two is usual


@dataclass(frozen=True)
class Level:
    """The n-grams of one length, sorted by context and word; an entry for each.

    Attributes:
        context: int32, the index, in the level below, of the n-gram without its last word; 0 for single words.
        word: int32, the number of the last word.
        log_prob: log10 P(last word | words before).
        backoff: log10 back-off weight; 0 for the longest n-grams.
    """

    context: np.ndarray
    word: np.ndarray
    log_prob: np.ndarray
    backoff: np.ndarray

    def __len__(self) -> int:
        return len(self.word)


@dataclass(frozen=True)
class NGramTrie:
    """The n-grams of a back-off model in arrays.

    Attributes:
        words: the vocabulary with its marks; a word's number is its index.
        levels: the n-grams of each length, single words first; entry i there is word i.
    """

    words: list[str]
    levels: list[Level]

    def __len__(self) -> int:
        return sum(map(len, self.levels))

    @classmethod
    def of(cls, order: int, grams: dict[Gram, tuple[float, float]], score: Callable) -> "NGramTrie":
        """Return the model of an `NGram`'s order, n-grams and method `score`; see `NGram.trie`."""
        found = {(mark,): (LOG10_ZERO, 0.0) for mark in MARKS} | grams
        for gram in sorted(grams, key=len, reverse=True):  # some programs list an n-gram without its end
            while len(gram) > 2 and gram[1:] not in found:
                gram = gram[1:]
                found[gram] = score(gram[:-1], gram[-1])[0], 0.0
        numbers = {word: number for number, (word,) in enumerate(sorted(gram for gram in found if len(gram) == 1))}
        levels: list[Level] = []
        places: dict[Gram, int] = {(): 0}
        for length in range(1, order + 1):
            level = sorted(gram for gram in found if len(gram) == length)
            try:
                contexts, words = ([places[gram[:-1]] for gram in level], [numbers[gram[-1]] for gram in level])
            except KeyError:
                raise LanguageModelError("a language model lists an n-gram without its beginning") from None
            values = np.array([found[gram] for gram in level]).reshape(-1, 2)
            levels.append(Level(np.array(contexts, np.int32), np.array(words, np.int32), *values.T))
            places = {gram: place for place, gram in enumerate(level)}
        return cls(list(numbers), levels)

    def grams(self) -> dict[Gram, tuple[float, float]]:
        """Return the n-grams with log10 probability and log10 back-off weight, as `NGram` has them."""
        found: dict[Gram, tuple[float, float]] = {}
        contexts: list[Gram] = [()]
        for level in self.levels:
            pairs = zip(level.context.tolist(), level.word.tolist(), strict=True)
            contexts = [(*contexts[context], self.words[word]) for context, word in pairs]
            found |= zip(contexts, zip(level.log_prob.tolist(), level.backoff.tolist(), strict=True), strict=True)
        return found

    def write(self, path: Path | str) -> None:
        """Write the model: packed if the name ends in `.lm`, otherwise as ARPA, gzipped if it ends in `.gz`.

        Raises:
            NotOursError: the file exists, and is no model that this method wrote.
        """
        if Path(path).suffix == ".lm":
            MAKER.check_file(path)
            files.write(path, pack(self))
        else:
            write_arpa(path, list(map(len, self.levels)), self._sections())

    def _sections(self):
        texts = [""]
        for level in self.levels:
            texts = [
                f"{texts[context]} {self.words[word]}".lstrip()
                for context, word in zip(level.context.tolist(), level.word.tolist(), strict=True)
            ]
            yield zip(level.log_prob.tolist(), texts, level.backoff.tolist(), strict=True)


def pack(model: NGramTrie, steps: int = STEPS) -> bytes:
    """Return the content of a packed file; its values are rounded to one of `steps`, 256 at the most.

    Raises:
        LanguageModelError: the model is too large for the format.
    """
    if len(model.words) > MAX_WORDS or len(model.levels) > MAX_ORDER:
        raise LanguageModelError(f"a packed language model has at most {MAX_WORDS} words and an order of {MAX_ORDER}")
    single = model.levels[0]
    frequent = np.argsort(-single.log_prob, kind="stable").tolist()
    marks = [model.words.index(mark) for mark in MARKS]
    new_order = np.array([*marks, *(number for number in frequent if number not in marks)])
    words = [model.words[number] for number in new_order]
    rank = np.argsort(new_order)  # old number -> new number

    values, trie, place, above = [], [], np.zeros(1, np.int64), 1
    for length, level in enumerate(model.levels, start=1):
        keys = place[level.context] * len(words) + rank[level.word]
        sequence = np.argsort(keys)
        context, word = np.divmod(keys[sequence], len(words))
        log_prob = np.maximum(level.log_prob[sequence], LEAST_LOG10)
        if length == 1:
            log_prob[0] = log_prob[1:].min()
        else:
            delta = np.diff(word, prepend=0) - 1
            first = np.flatnonzero(np.diff(context, prepend=-1))
            delta[first] = word[first]
            trie += [_varints(np.bincount(context, minlength=above)), _varints(delta)]
        values.append(_rounded(log_prob, steps))
        if length < len(model.levels):
            values.append(_rounded(np.clip(level.backoff[sequence], LEAST_LOG10, -LEAST_LOG10), steps))
        place, above = np.argsort(sequence), len(level)

    parts = ["\n".join(words).encode(), *(part for part, _ in values), *trie]
    header = {
        "version": VERSION,
        "order": len(model.levels),
        "letters": "".join(sorted(set().union(*words[len(MARKS) :]))),
        "steps": steps,
        "counts": list(map(len, model.levels)),
        "scales": [scale for _, scale in values],
        "sizes": list(map(len, parts)),
    }
    head = json.dumps(header, ensure_ascii=False).encode()
    return gzip.compress(b"".join([MAGIC, len(head).to_bytes(4, "little"), head, *parts]), 9, mtime=0)


def _rounded(values: np.ndarray, steps: int) -> tuple[bytes, list[float]]:
    """Return the values as bytes, and the scale [low, step] that gives them back."""
    low, high = (float(values.min()), float(values.max())) if len(values) else (0.0, 0.0)
    step = (high - low) / (steps - 1) or 1.0
    return np.round((values - low) / step).astype(np.uint8).tobytes(), [low, step if high > low else 0.0]


def _varints(values: np.ndarray) -> bytes:
    """Return numbers below 2^28 in unsigned LEB128."""
    septets = values[:, None] >> np.arange(0, 28, 7)
    used = septets > 0
    used[:, 0] = True
    continued = np.roll(used, -1, axis=1)
    continued[:, -1] = False
    return (septets & 127 | continued << 7).astype(np.uint8)[used].tobytes()


def is_packed(path: Path | str) -> bool:
    """Return whether a file is a packed model, by its first bytes; False if it cannot be read."""
    try:
        with open(path, "rb") as file:
            start = file.read(1 << 10)
        if start.startswith(GZIP):
            start = zlib.decompressobj(31).decompress(start, len(MAGIC))
    except (OSError, zlib.error):
        return False
    return start.startswith(MAGIC)


def read_packed(path: Path | str) -> NGramTrie:
    """Return the model of a packed file.

    Raises:
        TextError: the file is missing or cannot be read.
        LanguageModelError: it is cut off or damaged, or a later version of the program wrote it.
    """
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise TextError(f"{path}: cannot be read ({error.strerror}); check the path") from None
    try:
        return unpack(content)
    except _Damaged as error:
        raise LanguageModelError(f"{path}: {error}") from None


class _Damaged(ValueError):
    """The content is no packed model."""


def _require(condition: bool, what: str) -> None:
    if not condition:
        raise _Damaged(f"damaged, or cut off: {what}; fetch or make it again")


def unpack(content: bytes) -> NGramTrie:
    """Return the model in the content of a packed file; a ValueError says what is wrong with it."""
    if content.startswith(GZIP):
        unpacker = zlib.decompressobj(31)
        try:
            content = unpacker.decompress(content, MAX_COMPRESSION * len(content))
        except zlib.error as error:
            raise _Damaged(f"damaged: {error}; fetch or make it again") from None
        _require(unpacker.eof and not unpacker.unused_data, "its gzip stream does not end where it should")
    counts, scales, parts = _parts(content)
    order = len(counts)
    try:
        words = parts[0].tobytes().decode().split("\n")
    except UnicodeDecodeError:
        raise _Damaged("damaged: its words are not UTF-8; fetch or make it again") from None
    _require(len(words) == len(set(words)) == counts[0], "its words are not as many as its header says")
    _require(words[: len(MARKS)] == MARKS and " ".join(words).split() == words, "its words are no words")

    values = [_values(part, scale) for part, scale in zip(parts[1 : 2 * order], scales, strict=True)]
    values.append(np.zeros(counts[-1], np.float32))
    values[0][0] = LOG10_ZERO
    levels = []
    for length, count in enumerate(counts, start=1):
        if length == 1:
            context, word = np.zeros(count, np.int32), np.arange(count, dtype=np.int32)
        else:
            followers, deltas = parts[2 * (order + length) - 4 : 2 * (order + length) - 2]
            context, word = _children(_numbers(followers, counts[length - 2]), _numbers(deltas, count))
            _require(word.max(initial=0) < counts[0], "it has n-grams of words that it does not list")
        log_prob, backoff = values[2 * length - 2 : 2 * length]
        _require(log_prob.max(initial=0) <= 1e-5, "it has probabilities above 1")
        levels.append(Level(context, word, np.minimum(log_prob, 0), backoff))
    return NGramTrie(words, levels)


def _parts(content: bytes) -> tuple[list[int], list[list[float]], list[np.ndarray]]:
    """Return the counts, the scales and the parts, in bytes, all of them as many and as long as they must be."""
    size = int.from_bytes(content[4:8], "little")
    _require(content.startswith(MAGIC) and 8 + size <= len(content), "it does not hold its header")
    try:
        header = json.loads(content[8 : 8 + size].decode())
        version, order, counts, scales, sizes = (
            header[key] for key in ("version", "order", "counts", "scales", "sizes")
        )
    except (ValueError, TypeError, KeyError, RecursionError):
        raise _Damaged("damaged: its header is unreadable; fetch or make it again") from None
    if version != VERSION:
        raise _Damaged(f"has version {version!r:.20} of the format, and this program reads {VERSION}; update it")
    _require(type(order) is int and 1 <= order <= MAX_ORDER, "its header has no order")
    _require(_whole(counts, order) and _whole(sizes, 4 * order - 2), "its header does not have the counts it needs")
    _require(len(MARKS) <= counts[0] <= MAX_WORDS, "its number of words is impossible")
    _require(8 + size + sum(sizes) == len(content), "it is not as long as its header says")
    needed = [each for each in counts for _ in range(2)][:-1]
    _require(sizes[1 : 2 * order] == needed, "its header contradicts itself")
    for at, (above, count) in enumerate(itertools.pairwise(counts)):
        followers, deltas = sizes[2 * order + 2 * at :][:2]
        _require(above <= followers <= 4 * above and count <= deltas <= 4 * count, "its header contradicts itself")
    _require(isinstance(scales, list) and len(scales) == len(needed), "its header has no scales")
    _require(all(isinstance(scale, list) and len(scale) == 2 for scale in scales), "its header has no scales")
    numbers = itertools.chain(*scales)
    _require(all(type(each) in (int, float) and abs(each) < 1000 for each in numbers), "its scales are no numbers")
    ends = list(itertools.accumulate(sizes, initial=8 + size))
    flat = np.frombuffer(content, np.uint8)
    return counts, scales, [flat[start:end] for start, end in itertools.pairwise(ends)]


def _whole(values: object, length: int) -> bool:
    """Return whether `values` are `length` whole numbers, none below 0."""
    return isinstance(values, list) and len(values) == length and all(type(n) is int and n >= 0 for n in values)


def _values(part: np.ndarray, scale: list[float]) -> np.ndarray:
    low, step = scale
    return (low + step * np.arange(256)).astype(np.float32)[part]


def _numbers(part: np.ndarray, count: int) -> np.ndarray:
    """Return the `count` numbers, int32, that LEB128 stores in `part`."""
    ends = np.flatnonzero(part < 128)
    _require(len(ends) == count and ends.max(initial=-1) == len(part) - 1, "it lacks numbers")
    starts = np.concatenate([[0], ends[:-1] + 1])[:count]
    lengths = ends - starts
    _require(lengths.max(initial=0) < 4, "it has numbers that are too large")
    numbers = (part[starts] & 127).astype(np.int32)
    for byte in range(1, 4):
        longer = np.flatnonzero(lengths >= byte)
        numbers[longer] |= (part[starts[longer] + byte] & 127).astype(np.int32) << 7 * byte
    return numbers


def _children(followers: np.ndarray, deltas: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return context and word of each n-gram from the numbers that the file has for them."""
    first = np.cumsum(followers, dtype=np.int64)
    _require((first[-1] if len(first) else 0) == len(deltas), "it has not as many n-grams as its contexts need")
    sums = np.cumsum(deltas + np.int64(1))
    before = np.concatenate([[0], sums])[first - followers]
    word = sums - np.repeat(before, followers) - 1
    context = np.repeat(np.arange(len(followers), dtype=np.int32), followers)
    return context, np.minimum(word, MAX_WORDS).astype(np.int32)
