from functools import cache

import pytest

from tests.helpers.association import fitted


@pytest.fixture(scope="session")
def model_of():
    """Return a function of the name of one of the MODELS to it, fitted once."""
    return cache(fitted)
