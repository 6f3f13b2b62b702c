"""Genotypes packed in two bits, as in a .bed file: read by the kernels as they are."""

import numpy as np
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

from sknnmm.compiled import njit
from sknnmm.memory_map import mapped_parts, open_mapped, read_only

DOSAGES = np.array([2, -1, 1, 0], np.int8)  # of the codes 0 to 3 in PLINK 1 files; -1 = missing


class PackedGenotypes:
    """Genotypes of n individuals at p SNPs in two bits each, in memory or in a file.

    `NNMMRegressor` takes it as X, in `fit` and in every prediction, and reads it block by block.

    Indexing gives some individuals, by positions or a boolean mask, packed in memory:
    ``genotypes[rows]``. So it can be cross-validated, too.

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
    dtype : dtype
        int8, of the dosages.
    """

    dtype = np.dtype(np.int8)
    ndim = 2

    def __init__(self, packed, index, columns):
        self.packed = read_only(packed)
        self.index, self.columns = pd.Index(index), pd.Index(columns)
        self.shape = (len(self.index), len(self.columns))

    def __len__(self):
        return self.shape[0]

    def __repr__(self):
        return f"PackedGenotypes({self.shape[0]} individuals, {self.shape[1]} SNPs)"

    def __getitem__(self, rows):
        if isinstance(rows, tuple) and len(rows) == 2 and rows[1] is Ellipsis:  # scikit-learn's way
            rows = rows[0]
        if isinstance(rows, slice) and rows == slice(None):
            return self
        chosen = np.arange(len(self))[rows]
        if chosen.ndim != 1:
            raise IndexError("Index by several individuals: positions, a slice or a boolean mask.")
        return PackedGenotypes(_take(self.packed, chosen), self.index[chosen], self.columns)

    def snps(self, positions):
        """Return the dosages of some SNPs.

        Parameters
        ----------
        positions : array-like of shape (m,), int

        Returns
        -------
        ndarray of shape (n, m), int8
            -1 = missing; each SNP contiguous.
        """
        return _unpack(self.packed, np.asarray(positions, np.int64), len(self)).T

    # A copy in another process reads the same file.

    def __getstate__(self):
        return {**vars(self), "packed": mapped_parts(self.packed)}

    def __setstate__(self, state):
        vars(self).update({**state, "packed": read_only(open_mapped(state["packed"]))})


@njit(nogil=True, cache=True)
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
