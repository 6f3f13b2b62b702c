"""Seeds from every kind of random_state."""

import numpy as np
import pytest

from sknnmm.common.random import generator, seed_sequence


def test_an_integer_gives_the_same_numbers():
    assert seed_sequence(3).entropy == seed_sequence(np.int64(3)).entropy == 3
    assert generator(3).random() == np.random.default_rng(3).random() != generator(4).random()


@pytest.mark.parametrize("make", [np.random.RandomState, np.random.default_rng])
def test_an_instance_gives_other_numbers_every_time(make):
    one, two = make(5), make(5)
    first = seed_sequence(one).entropy
    assert first == seed_sequence(two).entropy
    assert first != seed_sequence(one).entropy


def test_none_gives_other_numbers_every_time():
    assert seed_sequence(None).entropy != seed_sequence(None).entropy


def test_a_negative_seed_is_refused():
    with pytest.raises(ValueError, match="random_state must not be negative; got -1"):
        seed_sequence(-1)
