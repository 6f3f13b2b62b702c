"""Genotypes packed in two bits, as in a .bed file: read by the kernels as they are."""

from collections.abc import Hashable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from numba import typeof, types
from numba.extending import (
    NativeValue,
    make_attribute_wrapper,
    models,
    register_model,
    typeof_impl,
    unbox,
)
from sklearn.utils import gen_batches

from sknnmm.common.compiled import inlined, njit
from sknnmm.genotypes.memory_map import StoredArray, read_only

DOSAGES = np.array([2, -1, 1, 0], np.int8)  # of the codes 0 to 3 in PLINK 1 files; -1 = missing
ROWS_AT_ONCE = 64  # unpacked in an iteration


class PackedGenotypes:
    """Genotypes of n individuals at p SNPs in two bits each, in memory or in a file.

    `NNMMRegressor` takes it as X, in `fit` and in every prediction, and reads it block by block; so
    do the selectors of `sknnmm.preprocessing` and `sknnmm.io.align`.

    Indexing chooses individuals, SNPs or both and gives PackedGenotypes: ``genotypes[rows]``,
    ``genotypes[:, snps]``, ``genotypes[rows, snps]``. Both are positions, a slice or a boolean
    mask; SNPs may be a list of names, too. A mask that is a Series must have the IDs, or the
    names, in the same order as its index. With both, every chosen individual has every chosen
    SNP, as with ``DataFrame.iloc``. The result is packed in memory;
    neighbouring SNPs of all individuals stay where they are, in the file.

    ``np.asarray(genotypes)`` unpacks all of them to dosages (n, p): int8 with -1 = missing, as
    `read_plink` gives, or NaN = missing if a floating dtype is asked for, as estimators need it
    that do not know this code. Iteration yields rows of int8. NumPy's functions and operators
    refuse packed genotypes, since -1 is not a dosage.

    Parameters
    ----------
    packed : ndarray of shape (p, ceil(n / 4)), uint8
        Four individuals per byte, the first one's bits lowest. Code 0 is dosage 2, 2 is 1, 3 is 0,
        and 1 is missing. May be a read-only memory map.
    index : Index of length n
        IDs of the individuals.
    columns : Index of length p
        Names of the SNPs.

    Attributes
    ----------
    shape : tuple
        (n, p).
    size : int
        n p.
    dtype : dtype
        int8, of the dosages with -1 = missing.
    index, columns : Index
        May be replaced by others of the same length.

    Raises
    ------
    ValueError
        If `packed` is not of that dtype, or not of the shape that `index` and `columns` tell.

    Examples
    --------
    >>> import numpy as np
    >>> from sknnmm.genotypes.plink_bits import PackedGenotypes
    >>> packed = np.array([[0b01_11_10_00], [0b11_11_00_10]], dtype=np.uint8)
    >>> genotypes = PackedGenotypes(packed, ["m1", "m2", "m3", "m4"], ["rs1", "rs2"])
    >>> np.asarray(genotypes)
    array([[ 2,  1],
           [ 1,  2],
           [ 0,  0],
           [-1,  0]], dtype=int8)
    >>> np.asarray(genotypes[2:], np.float32)
    array([[ 0.,  0.],
           [nan,  0.]], dtype=float32)
    >>> genotypes[1:, ["rs2"]]
    PackedGenotypes(3 individuals, 1 SNPs)
    """

    dtype = np.dtype(np.int8)
    ndim = 2

    def __init__(
        self,
        packed: np.ndarray,
        index: Sequence[Hashable] | pd.Index,
        columns: Sequence[Hashable] | pd.Index,
    ) -> None:
        self._stored = StoredArray(packed)
        self._index, self._columns = pd.Index(index), pd.Index(columns)
        self._check()

    def _check(self):
        """Raise unless compiled code may read what the shape says."""
        n, p = self.shape
        packed, needed = self._stored.description, (p, -(-n // 4))
        if getattr(packed, "dtype", None) != np.uint8:
            kind = getattr(packed, "dtype", type(packed).__name__)
            raise ValueError(f"packed must be an array of uint8; got {kind}.")
        if packed.shape != needed:
            raise ValueError(
                f"packed must have the shape {needed} for the {n} individuals of index and the "
                f"{p} SNPs of columns, four individuals per byte; its shape is {packed.shape}."
            )

    @property
    def packed(self) -> np.ndarray:
        """Return the bytes (p, ceil(n / 4)), uint8, read-only."""
        return self._stored.values

    @property
    def index(self) -> pd.Index:
        """Return the IDs of the individuals."""
        return self._index

    @index.setter
    def index(self, index: Sequence[Hashable] | pd.Index) -> None:
        self._index = _of_length(index, len(self._index), "index")

    @property
    def columns(self) -> pd.Index:
        """Return the names of the SNPs."""
        return self._columns

    @columns.setter
    def columns(self, columns: Sequence[Hashable] | pd.Index) -> None:
        self._columns = _of_length(columns, len(self._columns), "columns")

    @property
    def shape(self) -> tuple[int, int]:
        """Return (n, p)."""
        return len(self._index), len(self._columns)

    @property
    def size(self) -> int:
        """Return the number of genotypes, n p."""
        return len(self._index) * len(self._columns)

    def __len__(self) -> int:
        return len(self._index)

    def __repr__(self) -> str:
        return f"PackedGenotypes({self.shape[0]} individuals, {self.shape[1]} SNPs)"

    def __getitem__(self, key: Any) -> "PackedGenotypes":
        rows, snps = self._axes(key)
        self.check_file()
        packed, columns = self.packed, self._columns
        if not _is_all(snps):
            positions = self._positions_of(snps)
            # Neighbours are a view: they stay in the file.
            packed = packed[_as_slice(positions)]
            columns = columns[positions]
        elif _is_all(rows):
            return self
        if _is_all(rows):
            return PackedGenotypes(packed, self._index, columns)
        if isinstance(rows, str) or _are_names(rows):
            raise IndexError(
                "Individuals are chosen by positions, a slice or a boolean mask, not by names. "
                "genotypes[:, names] chooses SNPs."
            )
        individuals = _positions(rows, self._index, "individuals")
        taken = _take(read_only(packed), np.ascontiguousarray(individuals))
        return PackedGenotypes(taken, self._index[individuals], columns)

    def _axes(self, key):
        """Return what is chosen of individuals and of SNPs."""
        if not isinstance(key, tuple):
            key = (key, ...)
        if len(key) != 2:
            raise IndexError(f"Index by individuals and SNPs; got {len(key)} indices.")
        return [slice(None) if part is Ellipsis else part for part in key]

    def _positions_of(self, snps):
        if not _are_names(snps):
            return _positions(snps, self._columns, "SNPs")
        if not self._columns.is_unique:
            raise KeyError("The names of the SNPs are not unique: choose SNPs by positions.")
        positions = self._columns.get_indexer(pd.Index(snps))
        if (positions < 0).any():
            absent = np.asarray(snps, dtype=object)[positions < 0]
            raise KeyError(f"{len(absent)} SNPs are not among the columns, e.g. {absent[0]!r}.")
        return positions

    def snps(self, positions: npt.ArrayLike | slice) -> np.ndarray:
        """Return the dosages of some SNPs.

        Parameters
        ----------
        positions : array-like of shape (m,), int, or slice, or boolean mask of shape (p,)
            Negative positions count from the end.

        Returns
        -------
        ndarray of shape (n, m), int8
            -1 = missing; each SNP contiguous.

        Raises
        ------
        IndexError
            If a position is out of range, or a mask of another length or with another index.
        """
        self.check_file()
        positions = np.ascontiguousarray(_positions(positions, self._columns, "SNPs"))
        return _unpack(self.packed, positions, len(self)).T

    def check_file(self) -> None:
        """Raise OSError if the .bed file was cut short or rewritten since it was opened."""
        self._stored.check_file()

    # As an array ----------------------------------------------------------------------------

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> np.ndarray:
        dtype = self.dtype if dtype is None else np.dtype(dtype)
        if copy is False:
            raise ValueError("Packed genotypes cannot be an array without a copy.")
        if dtype.kind not in "fi":
            raise TypeError(
                f"Packed genotypes cannot be unpacked to {dtype}: ask for signed integers "
                "(-1 = missing) or a floating dtype (NaN = missing)."
            )
        dosages = self.snps(slice(None))
        unpacked = dosages.astype(dtype, copy=False)
        if dtype.kind == "f":
            unpacked[dosages < 0] = np.nan
        return unpacked

    def __iter__(self) -> Iterator[np.ndarray]:
        for rows in gen_batches(len(self), ROWS_AT_ONCE) if len(self) else ():
            yield from np.asarray(self[rows])

    def __reversed__(self) -> Iterator[np.ndarray]:
        return iter(self[::-1])

    def __array_function__(self, function, types, args, kwargs):
        if function in (np.shape, np.ndim):
            return getattr(self, function.__name__)
        return self._refuse()

    def _refuse(self, *args, **kwargs):
        raise TypeError(
            "Packed genotypes are no array to calculate with, as their missing values have a code: "
            "np.asarray(genotypes) unpacks them to int8 with -1 = missing, "
            "np.asarray(genotypes, float) to floats with NaN."
        )

    def __eq__(self, other):
        return False if other is None else self._refuse()

    __array_ufunc__ = _refuse
    __hash__ = object.__hash__

    # A copy in another process reads the same file.

    def __setstate__(self, state):
        vars(self).update(state)
        self._check()


def _of_length(labels, length, name):
    labels = pd.Index(labels)
    if len(labels) != length:
        raise ValueError(f"{name} must have {length} values, as before; got {len(labels)}.")
    return labels


def _is_all(key):
    return isinstance(key, slice) and key == slice(None)


def _are_names(key):
    named = pd.api.types.is_list_like(key) and len(key) > 0
    return named and all(isinstance(name, str) for name in key)


def _positions(key, labels, what):
    """Return positions (m,) that are in range, as NumPy understands positions, slices and masks."""
    length = len(labels)
    if not isinstance(key, slice):
        if not pd.api.types.is_list_like(key) or np.ndim(key) != 1:
            raise IndexError(f"Choose several {what}: positions, a slice or a boolean mask.")
        if _is_mask_with_labels(key) and not key.index.equals(labels):
            raise IndexError(
                f"The index of a mask of {what} must be theirs, in the same order: reindex the "
                "Series, or pass mask.to_numpy() to choose by position."
            )
        key = list(key) if isinstance(key, tuple) else key
        key = pd.api.indexers.check_array_indexer(np.empty(length, bool), key)
    return np.arange(length)[key]


def _is_mask_with_labels(key):
    return isinstance(key, pd.Series) and pd.api.types.is_bool_dtype(key)


def _as_slice(positions):
    """Return neighbouring positions as a slice; others as they are."""
    first, length = positions[:1].sum(), len(positions)
    consecutive = np.array_equal(positions, np.arange(first, first + length))
    return slice(first, first + length) if consecutive else positions


@inlined()
def decode_snp(stored, values, out):
    """Write values[code] of every individual of one packed SNP to `out`."""
    whole = out.size // 4
    for b in range(whole):
        byte = stored[b]
        out[4 * b] = values[byte & 3]
        out[4 * b + 1] = values[(byte >> 2) & 3]
        out[4 * b + 2] = values[(byte >> 4) & 3]
        out[4 * b + 3] = values[byte >> 6]
    for i in range(4 * whole, out.size):
        out[i] = values[code_at(stored, i)]


@njit(nogil=True, cache=True, inline="always")
def code_at(stored, i):
    """Return the code of individual i of one packed SNP."""
    return (stored[i >> 2] >> (2 * (i & 3))) & 3


@njit(nogil=True, cache=True)
def _unpack(packed, positions, n):
    dosages = np.empty((positions.size, n), np.int8)
    for j in range(positions.size):
        decode_snp(packed[positions[j]], DOSAGES, dosages[j])
    return dosages


@njit(nogil=True, cache=True)
def _take(packed, rows):
    taken = np.zeros((packed.shape[0], (rows.size + 3) // 4), np.uint8)
    for j in range(packed.shape[0]):
        for i in range(rows.size):
            taken[j, i >> 2] |= code_at(packed[j], rows[i]) << (2 * (i & 3))
    return taken


# What compiled code sees: a structure with `packed` and the number of individuals -----------------


class PackedType(types.Type):
    """Numba's type of PackedGenotypes; its layout is neither of those of arrays."""

    layout = "packed"

    def __init__(self, packed):
        self.packed = packed
        super().__init__(f"PackedGenotypes({packed})")


@register_model(PackedType)
class _PackedModel(models.StructModel):
    def __init__(self, manager, fe_type):
        members = [("packed", fe_type.packed), ("shape", types.UniTuple(types.intp, 2))]
        super().__init__(manager, fe_type, members)


make_attribute_wrapper(PackedType, "packed", "packed")
make_attribute_wrapper(PackedType, "shape", "shape")


@typeof_impl.register(PackedGenotypes)
def _typeof(genotypes, context):
    return PackedType(typeof(genotypes.packed))


@unbox(PackedType)
def _unbox(numba_type, obj, context):
    from numba.core import cgutils

    structure = cgutils.create_struct_proxy(numba_type)(context.context, context.builder)
    failed = cgutils.alloca_once_value(context.builder, cgutils.false_bit)
    for name, member in (
        ("packed", numba_type.packed),
        ("shape", types.UniTuple(types.intp, 2)),
    ):
        attribute = context.pyapi.object_getattr_string(obj, name)
        native = context.unbox(member, attribute)
        context.pyapi.decref(attribute)
        setattr(structure, name, native.value)
        with context.builder.if_then(native.is_error):
            context.builder.store(cgutils.true_bit, failed)
    return NativeValue(structure._getvalue(), is_error=context.builder.load(failed))


# The other allele counted, for genotypes of several files -----------------------------------------

_CODES = np.arange(256)[:, None] >> np.arange(0, 8, 2) & 3  # of four individuals, by byte
_SWAPPED = (np.array([3, 1, 2, 0])[_CODES] << np.arange(0, 8, 2)).sum(axis=1).astype(np.uint8)
_ALL_MISSING = np.uint8(0b01010101)


def take_snps(genotypes, positions, swapped, names):
    """Return some SNPs, also such as count the other allele, packed in memory.

    Parameters
    ----------
    genotypes : PackedGenotypes of shape (n, p)
    positions : ndarray of shape (m,), int
        -1: a SNP that is missing in every individual.
    swapped : ndarray of shape (m,), bool
        Which to count by their other allele.
    names : Index of length m

    Returns
    -------
    PackedGenotypes of shape (n, m)
    """
    genotypes.check_file()
    packed = genotypes.packed[positions]
    packed[swapped] = _SWAPPED[packed[swapped]]
    packed[positions < 0] = _ALL_MISSING
    beyond = -len(genotypes) % 4  # individuals that the last byte could hold
    packed[:, -1] &= np.uint8(0xFF >> 2 * beyond)
    return PackedGenotypes(packed, genotypes.index, names)
