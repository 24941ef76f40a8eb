"""The vocabulary as a trie in arrays: its nodes are prefixes of words."""

from dataclasses import dataclass

import numpy as np

from asr_helpers.text import Alphabet
from asr_helpers.words.fast.automaton import Automaton
from asr_helpers.words.fast.compiling import EMPTY, compiled


@dataclass(frozen=True)
class WordTrie:
    """The prefixes of a vocabulary's words, one node each; node 0 is the empty prefix.

    Attributes:
        children: int32 (nodes, letters), the node to which each letter leads, or EMPTY.
        word: int32 (nodes,), the number of the word that ends here, or EMPTY.
        best: float64 (nodes,), log10 P of the most frequent word with this prefix.
    """

    children: np.ndarray
    word: np.ndarray
    best: np.ndarray

    @classmethod
    def of(cls, model: Automaton, known: dict[str, float], alphabet: Alphabet) -> "WordTrie":
        """Return the trie of a language model's words.

        `model` numbers the words, `known` is {word: log10 probability}, and `alphabet` spells the words.
        """
        # In alphabetical order, a word adds the nodes beyond the prefix that it shares with the previous word.
        words = sorted(known)
        labels = alphabet.encode("".join(words))
        ends = np.cumsum([0, *map(len, words)])
        numbers = np.array([model.numbers[word] for word in words], np.int64)
        log_probs = np.array([known[word] for word in words], np.float64)
        nodes = _count(labels, ends)
        children = np.full((nodes, len(alphabet.characters)), EMPTY, np.int32)
        word, best = np.full(nodes, EMPTY, np.int32), np.full(nodes, -np.inf)
        _grow(labels, ends, numbers, log_probs, children, word, best)
        return cls(children, word, best)


@compiled
def _count(flat, ends):
    """Return the number of prefixes of sorted words, the empty one included."""
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
    """Fill the arrays of a `WordTrie`; word i is `flat[ends[i] : ends[i + 1]]`."""
    nodes = 1
    for each in range(len(numbers)):
        node = 0
        best[node] = max(best[node], log_probs[each])
        for label in flat[ends[each] : ends[each + 1]]:
            if children[node, label] == EMPTY:
                children[node, label] = nodes
                nodes += 1
            node = children[node, label]
            best[node] = max(best[node], log_probs[each])
        word[node] = numbers[each]
