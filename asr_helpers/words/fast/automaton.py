"""A back-off n-gram model as a finite-state automaton in arrays, and fast readers of its files."""

import gzip
import math
import os
import re
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np

from asr_helpers.words.arpa import LanguageModelError
from asr_helpers.words.fast.compiling import EMPTY, compiled, get, place_of, table
from asr_helpers.words.ngram import END, START, UNKNOWN, NGram
from asr_helpers.words.packed import NGramTrie, is_packed, read_packed

WORD_BITS = 22  # of a word's number; the rest of the 63 bits is the state's
BLOCK_BYTES = 1 << 20
MAX_COMPRESSION = 20  # largest ratio of an ARPA file to its gzipped form; three is usual


class States(NamedTuple):
    """The automaton in arrays. Its states are the listed n-grams; state 0 is the empty n-gram.

    Attributes:
        keys, values: hash table of the transitions, (state << WORD_BITS | word number) -> next state.
        log_probs: float32 (states,), log10 P(last word | words before).
        backoffs: float32 (states,), log10 back-off weight.
        shorter: int32 (states,), the back-off state (longest proper suffix that is listed).
        whole: bool (states,), True for n-grams of full order, which have no successors.
    """

    keys: np.ndarray
    values: np.ndarray
    log_probs: np.ndarray
    backoffs: np.ndarray
    shorter: np.ndarray
    whole: np.ndarray


@dataclass(frozen=True)
class Automaton:
    """A back-off n-gram model as a finite-state automaton: the compiled twin of `NGram`.

    Attributes:
        order: words in the longest n-gram.
        words: the vocabulary with its marks; a word's number is its index.
        states: one entry per state.
        numbers: word -> number.
    """

    order: int
    words: list[str]
    states: States
    numbers: dict[str, int] = field(default_factory=dict)

    def __post_init__(self):
        self.numbers.update(zip(self.words, range(len(self.words)), strict=True))

    @classmethod
    def read(cls, path: Path | str) -> "Automaton":
        """Return the model of a file, as `NGram.read` does: ten times as fast, and as strict.

        Raises:
            TextError: the file is missing or cannot be read.
            LanguageModelError: it is cut off, or neither packed nor ARPA, or it lists an n-gram without its prefix.
        """
        if is_packed(path):
            return cls.of_trie(read_packed(path))
        return parse_arpa(arpa_bytes(path)) or cls.of(NGram.read(path), path)

    @classmethod
    def of(cls, ngram: NGram, name: Path | str = "the language model") -> "Automaton":
        """Return the automaton of `ngram`; error messages call it `name`.

        Raises:
            LanguageModelError: `ngram` lists an n-gram without its prefix.
        """
        grams = sorted(ngram.grams, key=lambda gram: (len(gram), gram))
        sizes = np.bincount([len(gram) for gram in grams], minlength=ngram.order + 1)[1:].tolist()
        words = [gram[0] for gram in grams[: sizes[0]]]
        numbers = {word: number for number, word in enumerate(words)}
        states = _empty(sizes)
        for state, gram in enumerate(grams, start=1):
            if not enter(states, np.array([numbers[word] for word in gram]), *ngram.grams[gram], state):
                raise LanguageModelError(
                    f"{name}: lists {' '.join(gram)!r} without its beginning; make it again with `asr lm`"
                )
        return cls(ngram.order, words, states)

    @classmethod
    def of_trie(cls, trie: NGramTrie) -> "Automaton":
        """Return the automaton of a model in arrays."""
        states = _empty(list(map(len, trie.levels)))
        above, first = 0, 1
        for level in trie.levels:
            end = first + len(level)
            states.log_probs[first:end], states.backoffs[first:end] = level.log_prob, level.backoff
            _add_level(states, above + level.context, level.word, first)
            above, first = first, end
        return cls(len(trie.levels), trie.words, states)

    @property
    def unknown(self) -> int:
        """The number of `<unk>`."""
        return self.numbers[UNKNOWN]

    @property
    def end(self) -> int:
        """The number of `</s>`."""
        return self.numbers.get(END, self.unknown)

    @property
    def start(self) -> int:
        """The state before a sentence's first word."""
        return get(self.states.keys, self.states.values, self.numbers[START]) if START in self.numbers else 0

    @property
    def vocabulary(self) -> list[str]:
        """The words, without the marks for start, end and unknown words."""
        return [word for word in self.words if word not in (START, END, UNKNOWN)]

    @property
    def unigrams(self) -> np.ndarray:
        """Each word's log10 probability without context, by number: float64 (words,)."""
        return _unigrams(self.states, len(self.words))

    def score(self, state: int, word: str) -> tuple[float, int]:
        """Return log10 P(word | state) and the state after it, as `NGram.score` does."""
        return score_word(self.states, state, self.numbers.get(word, self.unknown))


@compiled
def score_word(states, state, word):
    """Return log10 P(word | state) and the state after it; `word` is a number."""
    keys, values, log_probs, backoffs, shorter, whole = states
    backed_off = 0.0
    while True:
        after = get(keys, values, np.int64(state) << WORD_BITS | word)
        if after >= 0:
            return backed_off + log_probs[after], shorter[after] if whole[after] else after
        backed_off += backoffs[state]
        state = shorter[state]


@compiled
def _unigrams(states, words):
    return np.array([score_word(states, 0, word)[0] for word in range(words)])


@compiled
def enter(states, words, log_prob, backoff, state):
    """Enter an n-gram (its word numbers) as `state`; return False if it is a duplicate or its prefix is not listed."""
    keys, values, log_probs, backoffs, shorter, _ = states
    prefix = follow(keys, values, words, 0, len(words) - 1)
    if prefix < 0:
        return False
    key = np.int64(prefix) << WORD_BITS | words[-1]
    place = place_of(keys, key)
    if keys[place] == key:
        return False
    suffix, first = EMPTY, 0
    while suffix < 0:  # the empty suffix is always listed
        first += 1
        suffix = follow(keys, values, words, first, len(words))
    keys[place], values[place] = key, state
    log_probs[state], backoffs[state], shorter[state] = log_prob, backoff, suffix
    return True


@compiled
def _add_level(states, prefixes, words, first):
    """Enter the n-grams of a length, in order, from state `first` on; all shorter ones are entered."""
    keys, values, _, _, shorter, _ = states
    for i in range(len(words)):
        prefix, word = np.int64(prefixes[i]), np.int64(words[i])
        backed_off, suffix = np.int64(shorter[prefix]), EMPTY
        while backed_off > 0 and suffix < 0:
            suffix = get(keys, values, backed_off << WORD_BITS | word)
            backed_off = np.int64(shorter[backed_off])
        if suffix < 0:  # of a single word, the empty n-gram; else the last word
            suffix = 1 + word if prefix > 0 else 0
        place = place_of(keys, prefix << WORD_BITS | word)
        keys[place], values[place] = prefix << WORD_BITS | word, first + i
        shorter[first + i] = suffix


@compiled
def follow(keys, values, words, first, end):
    """Return the state of the n-gram `words[first:end]`, word numbers, or EMPTY if it is not listed."""
    state = np.int64(0)
    while state >= 0 and first < end:
        state = np.int64(get(keys, values, state << WORD_BITS | words[first]))
        first += 1
    return state


def _empty(sizes: list[int]) -> States:
    """Return the arrays for `sizes` n-grams of each length: state 0, one state each, and a spare one for `<unk>`."""
    count = sum(sizes) + 2
    whole = np.zeros(count, bool)
    whole[1 + sum(sizes[:-1]) : 1 + sum(sizes)] = True
    log_probs, backoffs = np.zeros(count, np.float32), np.zeros(count, np.float32)
    return States(*table(count), log_probs, backoffs, np.zeros(count, np.int32), whole)


def arpa_bytes(path: Path | str) -> bytearray:
    """Return the bytes of an ARPA file, or no bytes if it is damaged: `NGram.read` then says what is wrong.

    The file is read block by block into one array, because joining blocks would take twice the memory.
    """
    content, end = bytearray(), 0
    try:
        with gzip.open(path) if Path(path).suffix == ".gz" else open(path, "rb") as file:
            while True:
                content.extend(bytes(end + BLOCK_BYTES - len(content)))
                count = file.readinto(memoryview(content)[end:])
                end += count
                if not count:
                    break
                if end > MAX_COMPRESSION * os.path.getsize(path):
                    return bytearray()
    except (OSError, EOFError, zlib.error):
        return bytearray()
    del content[end:]
    return content


def parse_arpa(content: bytes | bytearray) -> Automaton | None:
    """Return the model in the bytes of an ARPA file, or None if the file is unusual or invalid."""
    header = re.match(rb"(?:#[^\n]*\n)?\\data\\\s*\n((?:ngram [1-9]=[0-9]{1,9}\n)+)", content)
    named = [line.split(b"=") for line in header[1].split()[1::2]] if header else []
    sizes = [int(size) for _, size in named]
    if [int(length) for length, _ in named] != list(range(1, len(named) + 1)):
        return None
    if not sizes or not sizes[0] or sum(sizes) * 4 > len(content) or sizes[0] >= 1 << WORD_BITS:
        return None
    states = _empty(sizes)
    known = table(sizes[0])
    spans = np.zeros((sizes[0], 2), np.int64)
    text = np.frombuffer(content, np.uint8)
    if not _parse(text, header.end(), np.array(sizes), states, known[0], known[1], spans):
        return None
    try:
        words = [content[start:end].decode() for start, end in spans]
    except UnicodeDecodeError:
        return None
    if "<UNK>" in words or any(len(word.split()) != 1 for word in words):
        return None
    if UNKNOWN not in words:  # all but impossible, as in KenLM
        words.append(UNKNOWN)
        enter(states, np.array([len(words) - 1]), -100.0, 0.0, sum(sizes) + 1)
    return Automaton(len(sizes), words, states)


@compiled
def _parse(text, at, sizes, states, hashes, numbers, spans):
    """Enter all n-grams of an ARPA file into `states`, from byte `at` on; return whether the file is well formed.

    Fills `hashes` and `numbers`, a table from word hash to word number, and `spans`, each word's first and last byte.
    """
    state = 0
    for length in range(1, len(sizes) + 1):
        at = _blank(text, at, True)
        for byte in (92, 48 + length, 45, 103, 114, 97, 109, 115, 58):  # \N-grams:
            if at >= len(text) or text[at] != byte:
                return False
            at += 1
        words = np.empty(length, np.int64)
        for line in range(sizes[length - 1]):
            state += 1
            at, log_prob = _parse_float(text, _blank(text, at, True))
            if not log_prob <= 0:
                return False
            for place in range(length):
                start = _blank(text, at, False)
                at, code = start, np.int64(1469598103934665603)
                while at < len(text) and text[at] > 32:
                    code = (code ^ text[at]) * np.int64(1099511628211)
                    at += 1
                if at == start:
                    return False
                code &= np.int64(0x7FFFFFFFFFFFFFFF)
                found = place_of(hashes, code)
                if length == 1:
                    if hashes[found] == code:
                        return False
                    hashes[found], numbers[found] = code, line
                    spans[line, 0], spans[line, 1] = start, at
                elif hashes[found] != code:
                    return False
                words[place] = numbers[found]
            at, backoff = _blank(text, at, False), 0.0
            if at < len(text) and text[at] != 10:
                at, backoff = _parse_float(text, at)
                at = _blank(text, at, False)
                if not math.isfinite(backoff):
                    return False
            if at >= len(text) or text[at] != 10 or not enter(states, words, log_prob, backoff, state):
                return False
    at = _blank(text, at, True)
    for byte in (92, 101, 110, 100, 92):  # \end\
        if at >= len(text) or text[at] != byte:
            return False
        at += 1
    return _blank(text, at, True) == len(text)


@compiled
def _blank(text, at, lines):
    """Return the position after the blanks from `at` on; with `lines`, line ends count as blanks."""
    while at < len(text) and (text[at] in (9, 13, 32) or (lines and text[at] == 10)):
        at += 1
    return at


@compiled
def _parse_float(text, at):
    """Parse the decimal number at `at`; return the position after it and the number, nan if there is none."""
    sign, value, scale, digits = 1.0, 0.0, 0, 0
    if at < len(text) and text[at] in (43, 45):
        sign = -1.0 if text[at] == 45 else 1.0
        at += 1
    point = False
    while at < len(text) and (48 <= text[at] <= 57 or (text[at] == 46 and not point)):
        if text[at] == 46:
            point = True
        else:
            value = value * 10 + (text[at] - 48)
            if point:
                scale += 1
            digits += 1
        at += 1
    exponent = 0.0
    if digits and at < len(text) and text[at] in (69, 101):
        negative, at, first = False, at + 1, at + 1
        if at < len(text) and text[at] in (43, 45):
            negative, at, first = text[at] == 45, at + 1, at + 1
        while at < len(text) and 48 <= text[at] <= 57:
            exponent = exponent * 10 + (text[at] - 48)
            at += 1
        if at == first:
            return at, np.nan
        exponent = -exponent if negative else exponent
    if not digits or (at < len(text) and text[at] > 32):
        return at, np.nan
    return at, sign * value * 10.0 ** (exponent - scale)
