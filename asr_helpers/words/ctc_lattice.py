"""CTC's lattice in NumPy: its states, the forward-backward sums over all alignments, and a text's likelihood."""

import numpy as np


def lattice(log_probs: np.ndarray, labels: np.ndarray, blank: int = -1) -> tuple[np.ndarray, np.ndarray]:
    """Return the forward and backward log-probabilities of CTC's lattice, two float64 (frames, 2 * characters + 1).

    The states are the labels with a blank before, between and after: (blank, l1, blank, l2, …, blank).
    `forward[t, s]` sums all paths that are in state s at frame t, including that frame. `backward[t, s]` sums all paths
    from there to the end, excluding that frame. So `logsumexp(forward[t] + backward[t])` is log P(text) at every t,
    and `exp(forward + backward - log P)` is the probability of being in a state (Graves et al., 2006, ICML).

    Args:
        log_probs: (frames, classes) natural logarithms.
        labels: (characters,) indices.
        blank: the blank's index; by default the last class.

    Example:
        >>> forward, backward = lattice(np.log(np.full((2, 3), 1 / 3)), [0])
        >>> np.exp(forward + backward).sum(axis=1).round(3)  # 3 of the 9 alignments spell label 0
        array([0.333, 0.333])
    """
    log_probs = np.asarray(log_probs, dtype=np.float64)
    states, may_skip = ctc_states(labels, range(log_probs.shape[1])[blank])
    forward = np.full((len(log_probs), len(states)), -np.inf)  # (frames, states)
    forward[0, :2] = log_probs[0, states[:2]]
    for t in range(1, len(log_probs)):
        forward[t] = _arrivals(forward[t - 1], may_skip) + log_probs[t, states]

    backward = np.full_like(forward, -np.inf)  # (frames, states)
    backward[-1, -2:] = 0
    # Reversed in time and order the lattice has the same form: shift `may_skip` to the states where skips start.
    may_skip_back = np.append(may_skip[2:], [False, False])[: len(states)][::-1]
    for t in range(len(log_probs) - 2, -1, -1):
        onward = backward[t + 1] + log_probs[t + 1, states]
        backward[t] = _arrivals(onward[::-1], may_skip_back)[::-1]
    return forward, backward


def _arrivals(previous: np.ndarray, may_skip: np.ndarray) -> np.ndarray:
    """Return each state's log-sum over staying, advancing by one and, where allowed, by two: (states,)."""
    one = np.append(-np.inf, previous[:-1])
    two = np.where(may_skip, np.append([-np.inf, -np.inf], previous)[: len(previous)], -np.inf)
    return np.logaddexp(np.logaddexp(previous, one), two)


def log_likelihood(log_probs: np.ndarray, labels: np.ndarray, blank: int = -1) -> float:
    """Return log P(labels | audio), in nats: minus the CTC loss of one utterance (not per character).

    The arguments are those of `lattice`.

    Example:
        >>> round(log_likelihood(np.log(np.full((2, 3), 1 / 3)), [0]), 3)  # ln(3 / 9)
        -1.099
    """
    forward, _ = lattice(log_probs, labels, blank)
    return float(np.logaddexp.reduce(forward[-1, -2:]))


def ctc_states(labels: np.ndarray, blank: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the lattice's states for a text: each one's class, and whether a path may skip the state before it.

    Both have shape (2 * characters + 1,): the labels with a blank before, between and after. Only a blank may be
    skipped, and not the one between two equal letters.

    Example:
        >>> ctc_states([5, 5], blank=9)[0].tolist()
        [9, 5, 9, 5, 9]
    """
    states = np.full(2 * len(labels) + 1, blank)
    states[1::2] = labels
    may_skip = np.zeros(len(states), dtype=bool)
    may_skip[3::2] = states[3::2] != states[1:-2:2]
    return states, may_skip


def min_frames(labels: np.ndarray) -> int:
    """Return the fewest output frames in which CTC can spell `labels`.

    That is one frame per character, and one blank between equal neighbours (Graves et al., 2006, ICML).

    Example:
        >>> min_frames([3, 5, 5])
        4
    """
    labels = np.asarray(labels)
    return len(labels) + int(np.sum(labels[1:] == labels[:-1]))
