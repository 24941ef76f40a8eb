"""Hotwords in the automaton: the compiled twin of `hotwords.boosted`."""

from collections.abc import Mapping

import numpy as np

from asr_helpers.words.fast.automaton import WORD_BITS, Automaton, States, enter, follow, score_word
from asr_helpers.words.fast.compiling import EMPTY, compiled, place_of, table
from asr_helpers.words.hotwords import NEW_WORD, Phrase
from asr_helpers.words.ngram import LN10


def boosted(model: Automaton, boosts: Mapping[Phrase, float]) -> Automaton:
    """Return a copy of a language model in which each n-gram that ends in one of `boosts` gains it, in nats."""
    new = [phrase[0] for phrase in boosts if len(phrase) == 1 and phrase[0] not in model.numbers]
    states = _with_room(model.states, sum(map(len, boosts)))
    larger = Automaton(model.order, [*model.words, *new], states)
    spelt = {phrase: np.array([larger.numbers[word] for word in phrase]) for phrase in sorted(boosts, key=len)}
    added = []  # (word numbers, state) of the n-grams that were not listed
    for words in spelt.values():
        for length in range(1, len(words) + 1):
            gram, state = words[:length], len(model.states.log_probs) + len(added)
            if _state(states, gram) == EMPTY:
                log10 = score_word(states, _state(states, gram[:-1]), gram[-1])[0] if length > 1 else NEW_WORD
                enter(states, gram, log10, 0.0, state)
                states.whole[state] = length == model.order
                added.append((gram, state))
    endings = _Endings(states, {words[-1] for words in spelt.values()} | {gram[-1] for gram, _ in added})
    for gram, state in sorted(added, key=lambda each: len(each[0])):
        longer = endings.of(gram)
        # A longer n-gram whose back-off state was that of the new one now backs off to the new one.
        longer = longer[(longer != state) & (states.shorter[longer] == states.shorter[state])]
        states.shorter[longer] = state
    for phrase, words in spelt.items():
        states.log_probs[endings.of(words)] += boosts[phrase] / LN10
    return larger


class _Endings:
    """Finds the states whose n-gram ends in given words."""

    def __init__(self, states: States, last: set):
        """Select the transitions that end in one of the word numbers `last`."""
        self.states = states
        words = states.keys & ((1 << WORD_BITS) - 1)
        used = np.flatnonzero((states.keys != EMPTY) & np.isin(words, list(last)))
        self.words, self.before, self.after = words[used], states.keys[used] >> WORD_BITS, states.values[used]

    def of(self, gram: np.ndarray) -> np.ndarray:
        """Return the states, int32, whose last words are `gram`, word numbers."""
        chosen = self.words == gram[-1]
        before, context = self.before[chosen], _state(self.states, gram[:-1])
        ends = before == context
        while before.any():  # the back-off states of an n-gram are all its listed endings
            before = self.states.shorter[before]
            ends |= before == context
        return self.after[chosen][ends]


def _state(states: States, gram: np.ndarray) -> int:
    return follow(states.keys, states.values, gram, 0, len(gram))


def _with_room(states: States, more: int) -> States:
    """Return a copy of `states` with room for `more`."""
    keys, values = table(len(states.log_probs) + more)
    _copy(states.keys, states.values, keys, values)
    return States(keys, values, *(np.concatenate([array, np.zeros(more, array.dtype)]) for array in states[2:]))


@compiled
def _copy(keys, values, new_keys, new_values):
    for i in range(len(keys)):
        if keys[i] != EMPTY:
            place = place_of(new_keys, keys[i])
            new_keys[place], new_values[place] = keys[i], values[i]
