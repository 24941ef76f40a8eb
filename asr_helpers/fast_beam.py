"""The beam search of `decoding`, compiled: the same entries and scores in arrays, some hundred times as fast.

Numba translates the functions marked `@compiled` to machine code when they are first called, and keeps that on disk:
the first call of all takes some seconds. Read `decoding.beam_search` and `decoding.Fusion` first; tests hold the two to
the same texts and scores.

- A language model is an automaton (`Automaton`). Its states are the n-grams that the model lists, and state 0 is the
  one without words; from each, words lead on.
- A vocabulary is a tree (`Tree`), whose nodes are the beginnings of words; from each, letters lead on.
- The texts of the search are a tree, too: an entry of the beam is a node of it, and how its alignments end.
"""

import gzip
import math
import os
import re
import sys
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numba
import numpy as np

from asr_helpers.decoding import LN10
from asr_helpers.lm import END, START, UNKNOWN, LanguageModelError, NGram
from asr_helpers.text import Alphabet

WORD_BITS = 22  # a word's number; the rest of 63 bits is left for a state's
NOBODY = -1
PIECE = 1 << 20  # bytes
DENSEST = 20  # times as large as its packed file an ARPA file may be; usual is three times
IN_BLANK, IN_LETTER = 0, 1  # how an entry's alignments end


def compiled(function):
    """Return `function` to be compiled; what comes out is kept on disk, where some place can be written to."""
    try:
        return numba.njit(cache=True)(function)
    except RuntimeError:
        return numba.njit(function)


@contextmanager
def announced() -> Iterator[None]:
    """Say what the waiting is for, where it is long: these functions' very first calls, while they are compiled."""
    line = "compiling the beam search for this machine; the next time it is there"
    timer = threading.Timer(4, print, [line], {"file": sys.stderr})
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


# ------------------------------------------------------------------------------------------- tables of integers


@compiled
def _place(keys, key):
    """Return where `key` is in a table, or where it belongs: by its hash, or at the next free place."""
    mixed = key * np.int64(-7046029254386353131)
    place = (mixed ^ (mixed >> np.int64(29))) & (len(keys) - 1)
    while keys[place] != NOBODY and keys[place] != key:
        place = (place + 1) & (len(keys) - 1)
    return place


@compiled
def _get(keys, values, key):
    place = _place(keys, key)
    return values[place] if keys[place] == key else np.int32(NOBODY)


def _table(size: int) -> tuple[np.ndarray, np.ndarray]:
    """Return keys and values with room for `size` of them, a quarter of it and more left free."""
    room = 1 << (size * 4 // 3 + 1).bit_length()
    return np.full(room, NOBODY, np.int64), np.zeros(room, np.int32)


# ---------------------------------------------------------------------------------------------- language model


@dataclass(frozen=True)
class Automaton:
    """A back-off n-gram model, ready for `score`.

    Of the state (a, b, c): `log_probs`, that of c after a, b, in log10, and `backoffs`; `shorter`, the state of the
    longest end of b, c that the model lists; `whole`, whether it is `order` words already, so that none can follow.
    `keys` and `values` are a table from (state << WORD_BITS | number of a word) to the state that the word leads to.
    """

    order: int
    words: list[str]  # by number
    keys: np.ndarray
    values: np.ndarray
    log_probs: np.ndarray
    backoffs: np.ndarray
    shorter: np.ndarray
    whole: np.ndarray
    numbers: dict[str, int] = field(default_factory=dict)

    def __post_init__(self):
        self.numbers.update((word, number) for number, word in enumerate(self.words))

    @classmethod
    def read(cls, path: Path | str) -> "Automaton":
        """Return the model of an ARPA file, plain or gzipped: ten times as fast as `NGram.read`, and as strict.

        Raises:
            ValueError: as `NGram.read`, and where an n-gram is listed without its beginning.
        """
        return _from_arpa(_content(path)) or cls.of(NGram.read(path), path)

    @classmethod
    def of(cls, ngram: NGram, name: Path | str = "the language model") -> "Automaton":
        """Return the same model; `name` is what an error calls it."""
        grams = sorted(ngram.grams, key=lambda gram: (len(gram), gram))
        sizes = np.bincount([len(gram) for gram in grams], minlength=ngram.order + 1)[1:].tolist()
        words = [gram[0] for gram in grams[: sizes[0]]]
        numbers = {word: number for number, word in enumerate(words)}
        model = _empty(sizes)
        for state, gram in enumerate(grams, start=1):
            if not _add(model, np.array([numbers[word] for word in gram]), *ngram.grams[gram], state):
                raise LanguageModelError(
                    f"{name}: lists {' '.join(gram)!r} without its beginning; make it anew with `asr lm`"
                )
        return cls(ngram.order, words, *model)

    @property
    def unknown(self) -> int:
        return self.numbers[UNKNOWN]

    @property
    def end(self) -> int:
        return self.numbers.get(END, self.unknown)

    @property
    def start(self) -> int:
        """The state before a sentence's first word."""
        return _get(self.keys, self.values, self.numbers[START]) if START in self.numbers else 0

    @property
    def vocabulary(self) -> list[str]:
        """The words, without the marks for start, end and unknown words."""
        return [word for word in self.words if word not in (START, END, UNKNOWN)]

    @property
    def unigrams(self) -> np.ndarray:
        """Log10 of each word's probability, whatever came before, by its number."""
        return _unigrams(self.arrays, len(self.words))

    def score(self, state: int, word: str) -> tuple[float, int]:
        """Return log10 P(word | state) and the state after it, as `NGram.score` does."""
        return _score(self.arrays, state, self.numbers.get(word, self.unknown))

    @property
    def arrays(self) -> tuple:
        return self.keys, self.values, self.log_probs, self.backoffs, self.shorter, self.whole


@compiled
def _score(model, state, word):
    keys, values, log_probs, backoffs, shorter, whole = model
    price = 0.0
    while True:
        after = _get(keys, values, np.int64(state) << WORD_BITS | word)
        if after >= 0:
            return price + log_probs[after], shorter[after] if whole[after] else after
        price += backoffs[state]
        state = shorter[state]


@compiled
def _unigrams(model, words):
    return np.array([_score(model, 0, word)[0] for word in range(words)])


@compiled
def _add(model, words, log_prob, backoff, state):
    """Enter an n-gram, the numbers of its words, as the state of this number; return whether that could be done."""
    keys, values, log_probs, backoffs, shorter, _ = model
    before = 0
    for word in words[:-1]:
        before = _get(keys, values, np.int64(before) << WORD_BITS | word)
        if before < 0:
            return False
    key = np.int64(before) << WORD_BITS | words[-1]
    place = _place(keys, key)
    if keys[place] == key:
        return False
    for first in range(1, len(words) + 1):  # what is left when words are dropped from its beginning
        less = 0
        for word in words[first:]:
            less = _get(keys, values, np.int64(less) << WORD_BITS | word)
            if less < 0:
                break
        if less >= 0:
            break
    keys[place], values[place] = key, state
    log_probs[state], backoffs[state], shorter[state] = log_prob, backoff, less
    return True


def _empty(sizes: list[int]) -> tuple:
    """Return the arrays of a model with so many n-grams of each length: state 0, theirs, and one to spare."""
    states = sum(sizes) + 2
    whole = np.zeros(states, bool)
    whole[1 + sum(sizes[:-1]) : 1 + sum(sizes)] = True
    numbers = np.zeros(states, np.int32)
    return *_table(states), np.zeros(states, np.float32), np.zeros(states, np.float32), numbers, whole


def _content(path: Path | str) -> bytearray:
    """Return what is in an ARPA file, or nothing where another reader should say what is wrong with it.

    It is read piece by piece into its place: to join pieces would take twice the memory.
    """
    content, end = bytearray(), 0
    try:
        with gzip.open(path) if Path(path).suffix == ".gz" else open(path, "rb") as file:
            while True:
                content.extend(bytes(end + PIECE - len(content)))
                count = file.readinto(memoryview(content)[end:])
                end += count
                if not count:
                    break
                if end > DENSEST * os.path.getsize(path):
                    return bytearray()
    except (OSError, EOFError, zlib.error):
        return bytearray()
    del content[end:]
    return content


def _from_arpa(content: bytes | bytearray) -> Automaton | None:
    """Return the model in the bytes of an ARPA file, or None where it is written in any but the usual way."""
    header = re.match(rb"\\data\\\s*\n((?:ngram [1-9]=[0-9]{1,9}\n)+)", content)
    named = [line.split(b"=") for line in header[1].split()[1::2]] if header else []
    sizes = [int(size) for _, size in named]
    if [int(length) for length, _ in named] != list(range(1, len(named) + 1)):
        return None
    if not sizes or not sizes[0] or sum(sizes) * 4 > len(content) or sizes[0] >= 1 << WORD_BITS:
        return None
    model = _empty(sizes)
    known = _table(sizes[0])
    spans = np.zeros((sizes[0], 2), np.int64)
    text = np.frombuffer(content, np.uint8)
    if not _parse(text, header.end(), np.array(sizes), model, known[0], known[1], spans):
        return None
    try:
        words = [content[start:end].decode() for start, end in spans]
    except UnicodeDecodeError:
        return None
    if "<UNK>" in words or any(len(word.split()) != 1 for word in words):
        return None
    if UNKNOWN not in words:  # all but impossible then, as KenLM has it
        words.append(UNKNOWN)
        _add(model, np.array([len(words) - 1]), -100.0, 0.0, sum(sizes) + 1)
    return Automaton(len(sizes), words, *model)


@compiled
def _parse(text, at, sizes, model, hashes, numbers, spans):
    """Enter all n-grams of an ARPA file from byte `at` on; return whether it is written as it should be.

    `hashes` and `numbers` become a table of the words, and `spans` where they stand.
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
            at, log_prob = _number(text, _blank(text, at, True))
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
                found = _place(hashes, code)
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
                at, backoff = _number(text, at)
                at = _blank(text, at, False)
                if not math.isfinite(backoff):
                    return False
            if at >= len(text) or text[at] != 10 or not _add(model, words, log_prob, backoff, state):
                return False
    at = _blank(text, at, True)
    for byte in (92, 101, 110, 100, 92):  # \end\
        if at >= len(text) or text[at] != byte:
            return False
        at += 1
    return _blank(text, at, True) == len(text)


@compiled
def _blank(text, at, lines):
    """Return where blanks, from `at` on, end; `lines`: and ends of lines."""
    while at < len(text) and (text[at] in (9, 13, 32) or (lines and text[at] == 10)):
        at += 1
    return at


@compiled
def _number(text, at):
    """Return where a decimal number that begins at `at` ends, and the number: nan if it is none."""
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
            scale += point
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


# ------------------------------------------------------------------------------------------------ vocabulary


@dataclass(frozen=True)
class Tree:
    """The beginnings of words; node 0 is the empty one."""

    children: np.ndarray  # int32 (nodes, letters): where each letter leads, NOBODY where no word goes on so
    word: np.ndarray  # int32 (nodes,): the number of the word that ends here, or NOBODY
    best: np.ndarray  # float64 (nodes,), log10: the probability of the most frequent word that begins so

    @property
    def arrays(self) -> tuple:
        return self.children, self.word

    @classmethod
    def of(cls, model: Automaton, known: dict[str, float], alphabet: Alphabet) -> "Tree":
        """Return the tree of words of a language model, `known` with their log10 probabilities, spelt in `alphabet`."""
        # In order, each word's new nodes are those beyond what it shares with the one before.
        words = sorted(known)
        labels = alphabet.encode("".join(words))
        ends = np.cumsum([0, *map(len, words)])
        numbers = np.array([model.numbers[word] for word in words], np.int64)
        log_probs = np.array([known[word] for word in words], np.float64)
        nodes = _count(labels, ends)
        children = np.full((nodes, len(alphabet.characters)), NOBODY, np.int32)
        word, best = np.full(nodes, NOBODY, np.int32), np.full(nodes, -np.inf)
        _grow(labels, ends, numbers, log_probs, children, word, best)
        return cls(children, word, best)


@compiled
def _count(flat, ends):
    """Return how many beginnings sorted words have, the empty one among them."""
    nodes = 1
    for each in range(len(ends) - 1):
        start, before, shared = ends[each], ends[max(0, each - 1)], 0
        while (
            start + shared < ends[each + 1]
            and before + shared < start
            and flat[start + shared] == flat[before + shared]
        ):
            shared += 1
        nodes += ends[each + 1] - start - shared
    return nodes


@compiled
def _grow(flat, ends, numbers, log_probs, children, word, best):
    nodes = 1
    for each in range(len(numbers)):
        node = 0
        best[node] = max(best[node], log_probs[each])
        for label in flat[ends[each] : ends[each + 1]]:
            if children[node, label] == NOBODY:
                children[node, label] = nodes
                nodes += 1
            node = children[node, label]
            best[node] = max(best[node], log_probs[each])
        word[node] = numbers[each]


# ---------------------------------------------------------------------------------------------------- search


@compiled
def _log_add(a, b):
    if a < b:
        a, b = b, a
    return a if b == -np.inf else a + math.log1p(math.exp(b - a))


@compiled
def _longer(array, size):
    longer = np.empty(size, array.dtype)
    longer[: len(array)] = array
    return longer


@compiled
def _end_word(model, tree, place, state, spelling, last, terms):
    """Return what the word that ends at a place in the tree adds to the score, and the state after it.

    `spelling` is of its letters, and `last` of the space after them.
    """
    weight, bonus, price, unknown, _ = terms
    number = tree[1][place] if place >= 0 else NOBODY
    by_letters = 0.0
    if number == NOBODY:
        number, by_letters = unknown, spelling + last
    log10_prob, state = _score(model, state, number)
    return weight * (LN10 * log10_prob + by_letters) + bonus - price * last, state


@compiled
def search(
    log_probs,
    width,
    min_log_prob,
    margin,
    space,
    fused,
    model,
    tree,
    pairs,
    terms,
    ahead,
    unknown_ahead,
    start,
    end,
):
    """Return the entries that are left, merged to texts: (parents, letters, nodes, scores).

    Texts are nodes of a tree: `letters` of a node and its `parents`, up to node 0, spell it backwards. `nodes` are
    those that are left, with their `scores`.

    Args:
        log_probs: float64 (frames, classes), the blank last. space: its label.
        fused: whether there is a language model: `model` and `tree`, the arrays of an `Automaton` and a `Tree`;
            `pairs`, as of `decoding.letter_pairs`; `terms`: weight, word bonus, weight · prior, the number of <unk>,
            whether to look ahead; `ahead`, what each place in the tree is worth beforehand, and `unknown_ahead`, what a
            place outside it is, but for its letters; `start`, the state before the first word; `end`, the number of
            </s>.
    """
    frames, classes = log_probs.shape
    blank = classes - 1
    # Of each text: where it is in the tree of texts, in that of words (its last one), and in the language model; the
    # score of its words and letters, that with what its last word may come to, ln of that word's letters' probability;
    # and what its alignments are worth so far, by how they end.
    size = 1 << 12
    parents, letters = np.empty(size, np.int32), np.empty(size, np.int16)
    first, sibling = np.empty(size, np.int32), np.empty(size, np.int32)
    places, states = np.empty(size, np.int32), np.empty(size, np.int32)
    said, so_far, spellings = np.empty(size), np.empty(size), np.empty(size)
    sums, seen = np.empty((size, 2)), np.empty(size, np.int32)
    parents[0], letters[0], first[0], sibling[0], seen[0] = NOBODY, space, NOBODY, NOBODY, NOBODY
    places[0], states[0], said[0], spellings[0] = 0, start, 0.0, 0.0
    so_far[0] = ahead[0] if fused and terms[4] else 0.0
    texts = 1

    beam, ends, scores = np.zeros(1, np.int32), np.full(1, IN_BLANK, np.int8), np.zeros(1, np.float64)
    offered = np.empty(classes, np.int64)
    for t in range(frames):
        offers, top = 0, log_probs[t].max()
        for label in range(classes):
            if log_probs[t, label] >= min_log_prob or log_probs[t, label] == top:
                offered[offers] = label
                offers += 1
        most = len(beam) * offers
        if texts + most > size:
            size = 2 * (texts + most)
            parents, letters = _longer(parents, size), _longer(letters, size)
            first, sibling = _longer(first, size), _longer(sibling, size)
            places, states = _longer(places, size), _longer(states, size)
            said, so_far = _longer(said, size), _longer(so_far, size)
            spellings, seen = _longer(spellings, size), _longer(seen, size)
            sums = np.empty((size, 2))

        # Every entry goes on with every label on offer (`decoding.advance`).
        reached, count = np.empty(most, np.int32), 0
        for entry in range(len(beam)):
            text, end_of, last = beam[entry], ends[entry], letters[beam[entry]]
            for offer in range(offers):
                label = offered[offer]
                value = scores[entry] + log_probs[t, label]
                if label == blank or (label == last and (end_of == IN_LETTER or label == space)):
                    after = text
                else:
                    after = first[text]
                    while after != NOBODY and letters[after] != label:
                        after = sibling[after]
                    if after == NOBODY:
                        after, texts = texts, texts + 1
                        parents[after], letters[after], first[after] = text, label, NOBODY
                        sibling[after], first[text], seen[after] = first[text], after, NOBODY
                        places[after], states[after], said[after] = 0, states[text], said[text]
                        spellings[after], so_far[after] = 0.0, 0.0
                        if fused:
                            place, pair = places[text], pairs[letters[text], label]
                            if label == space:
                                added, states[after] = _end_word(
                                    model, tree, place, states[text], spellings[text], pair, terms
                                )
                            else:
                                places[after] = tree[0][place, label] if place >= 0 else NOBODY
                                spellings[after], added = spellings[text] + pair, -terms[2] * pair
                            said[after] += added
                            so_far[after] = said[after]
                            if terms[4]:
                                place = places[after]
                                by_letters = unknown_ahead + terms[0] * spellings[after]
                                so_far[after] += ahead[place] if place >= 0 else by_letters
                if seen[after] != t:
                    seen[after], reached[count], count = t, after, count + 1
                    sums[after, 0] = sums[after, 1] = -np.inf
                how = IN_BLANK if label == blank else IN_LETTER
                sums[after, how] = _log_add(sums[after, how], value)

        # Those stay that are near the best, `width` of them at the most.
        totals = np.empty((count, 2), np.float64)
        for i in range(count):
            for how in range(2):
                totals[i, how] = sums[reached[i], how] + so_far[reached[i]]
        flat = totals.reshape(-1)
        kept = np.flatnonzero(flat >= max(flat.max() - margin, -1e300))
        if len(kept) > width:
            least = np.partition(flat[kept], len(kept) - width)[len(kept) - width]
            kept = kept[flat[kept] >= least][:width]
        beam, ends, scores = np.empty(len(kept), np.int32), np.empty(len(kept), np.int8), np.empty(len(kept))
        for i in range(len(kept)):
            text, how = reached[kept[i] // 2], kept[i] % 2
            beam[i], ends[i], scores[i] = text, how, sums[text, how]

    # A text with a space at the end and without it are one (`decoding._finish`).
    sums[:texts, 0] = -np.inf
    nodes, count = np.empty(len(beam), np.int32), 0
    for entry in range(len(beam)):
        text = beam[entry]
        if text > 0 and letters[text] == space:
            text = parents[text]
        if sums[text, 0] == -np.inf:
            nodes[count], count = text, count + 1
        sums[text, 0] = _log_add(sums[text, 0], scores[entry])
    nodes = nodes[:count]
    found = np.empty(count, np.float64)
    for i in range(count):
        text = nodes[i]
        found[i] = sums[text, 0] + said[text]
        if fused:
            state = states[text]
            if text > 0:
                pair = pairs[letters[text], space]
                added, state = _end_word(model, tree, places[text], state, spellings[text], pair, terms)
                found[i] += added
            found[i] += terms[0] * LN10 * _score(model, state, end)[0]
    return parents[:texts], letters[:texts], nodes, found
