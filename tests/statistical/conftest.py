import pytest

from sknnmm.sampling.chains.parallel import one_blas_thread


@pytest.fixture(autouse=True)
def _one_blas_thread():
    with one_blas_thread():
        yield
