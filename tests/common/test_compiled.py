"""Compiled code that cannot be used is compiled again."""

import pytest
from numba.core.caching import FunctionCache

from sknnmm.common.compiled import njit


@pytest.mark.parametrize("error", [EOFError, ModuleNotFoundError("No module named 'moved'")])
def test_code_that_cannot_be_read_is_compiled_again(error, monkeypatch):
    def fail(*args):
        raise error

    monkeypatch.setattr(FunctionCache, "load_overload", fail)
    monkeypatch.setattr(FunctionCache, "save_overload", lambda *args: None)

    @njit(cache=True)
    def double(x):
        return 2 * x

    assert double(4) == 8
