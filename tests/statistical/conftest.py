import sys
from pathlib import Path

import pytest

from sknnmm.sampling.chains.parallel import one_blas_thread

sys.path.insert(0, str(Path(__file__).parent))  # the helpers of these tests
sys.path.insert(0, str(Path(__file__).parents[2]))  # benchmarks, for the reference sampler


@pytest.fixture(autouse=True)
def _one_blas_thread():
    with one_blas_thread():
        yield
