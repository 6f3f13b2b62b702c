"""numba's `njit`, but without an error if compiled code cannot be kept.

Compiled code is loaded from a directory that can be read and saved in one that can be written. What
cannot be saved is compiled again by the next process.
"""

import multiprocessing
import os
import pickle
import warnings
from pathlib import Path

import numba
from numba.core.caching import CompileResultCacheImpl, FunctionCache, NullCache
from numba.core.compiler_lock import global_compiler_lock

#: Where numba keeps compiled code, in this order; the names of these classes depend on its version.
FROM_USER, IN_TREE, *OTHERS = CompileResultCacheImpl._locator_classes

#: Raised by code that was cut off by a full disk, or that refers to what was moved since.
UNREADABLE = (OSError, EOFError, pickle.UnpicklingError, ImportError, AttributeError)


def njit(*, cache=False, **options):
    """As `numba.njit`; with `cache`, compiled code is kept where a directory can be written.

    Without what would let C call the function, which takes time to compile.
    """

    def decorate(function):
        compiled = numba.njit(no_cfunc_wrapper=True, **options)(function)
        if cache:
            compiled._cache = _cache_of(function)
        return compiled

    return decorate


def inlined(**options):
    """As `numba.njit`, for a part of kernels that LLVM inlines; Python cannot call it.

    What would let Python call it may take as long to compile as the part itself.
    """
    options |= {"forceinline": True, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}
    return numba.njit(**options)


class _NotWritable:
    """Allows a directory that cannot be written, if it holds code that was compiled before."""

    def ensure_cache_path(self):
        if not any(Path(self.get_cache_path()).glob("*.nbi")):
            raise FileNotFoundError(self.get_cache_path())


class _ReadFromUser(_NotWritable, FROM_USER):
    """The directory NUMBA_CACHE_DIR."""


class _ReadInTree(_NotWritable, IN_TREE):
    """The folder of the package."""


class _Directories(CompileResultCacheImpl):
    _locator_classes = [FROM_USER, _ReadFromUser, IN_TREE, *OTHERS, _ReadInTree]


class _Cache(FunctionCache):
    """Compiled code of one function; if the disk fails, it is compiled again."""

    _impl_class = _Directories

    def load_overload(self, sig, target_context):
        try:
            return super().load_overload(sig, target_context)
        except UNREADABLE:
            return None

    def save_overload(self, sig, data):
        try:
            super().save_overload(sig, data)
        except UNREADABLE as error:
            _warn_once(error)


class _NoCache(NullCache):
    def save_overload(self, sig, data):
        _warn_once("no directory for it can be written")


def _cache_of(function):
    try:
        return _Cache(function)
    except RuntimeError:  # there is no such directory
        return _NoCache()


_warned = False


def _warn_once(reason):
    """Warn that the next process compiles again; only the parent of worker processes warns."""
    global _warned
    if _warned or multiprocessing.parent_process() is not None:
        return
    _warned = True
    warnings.warn(
        f"Compiled code cannot be kept ({reason}): every new process compiles again. Set "
        "the environment variable NUMBA_CACHE_DIR to a directory that you can write to, before "
        "Python starts.",
        stacklevel=2,
    )


if isinstance(_cache_of(njit), _NoCache):  # already for this package's folder
    _warn_once("no directory for it can be written")

# A process that is forked while another thread compiles would wait for that thread for ever.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=global_compiler_lock.acquire,
        after_in_parent=global_compiler_lock.release,
        after_in_child=global_compiler_lock.release,
    )
