"""Random numbers from what scikit-learn accepts as `random_state`."""

from numbers import Integral

import numpy as np
from sklearn.utils import check_random_state


def seed_sequence(random_state):
    """Return a fresh SeedSequence.

    Parameters
    ----------
    random_state : int, RandomState or Generator instance or None
        Drawn from if it is an instance; None takes entropy from the operating system.

    Returns
    -------
    SeedSequence

    Raises
    ------
    ValueError
        If an integer is negative.
    """
    if isinstance(random_state, Integral) and random_state < 0:
        raise ValueError(f"random_state must not be negative; got {random_state}.")
    if isinstance(random_state, Integral) or random_state is None:
        return np.random.SeedSequence(random_state)
    if isinstance(random_state, np.random.Generator):
        return np.random.SeedSequence(random_state.integers(2**32, size=4).tolist())
    entropy = check_random_state(random_state).randint(2**32, size=4, dtype=np.uint32)
    return np.random.SeedSequence(entropy.tolist())


def generator(random_state):
    """Return a new Generator, seeded by `seed_sequence`."""
    return np.random.default_rng(seed_sequence(random_state))
