"""Relationships by SNPs."""

from typing import Literal

import numpy as np
from scipy.linalg.blas import dsyrk
from sklearn.utils._param_validation import StrOptions, validate_params

from sknnmm.common.typing import Column, Table
from sknnmm.genotypes import Genotypes, ScaledGenotypes
from sknnmm.inputs.alignment import row_index
from sknnmm.inputs.genotypes import check_genotypes, stored_dosages
from sknnmm.inputs.tables import as_pandas
from sknnmm.relationship._matrix import Relationship

SNPS_AT_ONCE = 512


@validate_params(
    {
        "X": "no_validation",
        "method": [StrOptions({"VanRaden1", "VanRaden2"})],
        "ids": "no_validation",
    },
    prefer_skip_nested_validation=True,
)
def genomic_relationship(
    X: Table,
    method: Literal["VanRaden1", "VanRaden2"] = "VanRaden1",
    ids: Column | None = None,
) -> Relationship:
    """Compute the genomic relationship matrix of VanRaden.

    Parameters
    ----------
    X : array-like of shape (n, p)
        Allele dosages: floating with NaN = missing, or integer with negative = missing; also
        PackedGenotypes. Missing values count as the mean of their SNP.
    method : {"VanRaden1", "VanRaden2"}, default="VanRaden1"
        With z_j the dosages of SNP j centred at their mean and f_j its allele frequency:
        sum_j z_j z_j' / sum_j 2 f_j (1 - f_j), or the mean over SNPs of
        z_j z_j' / (2 f_j (1 - f_j)), in which rare alleles weigh more.
    ids : array-like of shape (n,), or None, default=None
        IDs of the individuals. None: the index of X, or the numbers of its rows.

    Returns
    -------
    Relationship
        Dense and singular, as genotypes are centred at the means of these individuals.

    Raises
    ------
    ValueError
        If X has values outside [0, 2], or no SNP with variance.

    See Also
    --------
    sknnmm.priors.GBLUP : VanRaden's second matrix without forming it, as a prior of SNP effects.

    Notes
    -----
    See [1]_. SNPs without variance are left out. If no value of X is above 1, as of inbred lines
    or haploids coded 0 and 1, f is the mean and f (1 - f) stands for 2 f (1 - f): relationships
    are then half of those of the same lines coded 0 and 2.

    Genotypes are widened a block of SNPs at a time, so memory is that of X and the result.

    References
    ----------
    .. [1] VanRaden, P. M. (2008). Efficient methods to compute genomic predictions. Journal of
       Dairy Science, 91, 4414-4423, doi 10.3168/jds.2007-0980.

    Examples
    --------
    >>> import numpy as np
    >>> from sknnmm.relationship import genomic_relationship
    >>> X = np.array([[0, 1, 2], [1, 1, 0], [2, 1, 1]])
    >>> G = genomic_relationship(X, ids=["a", "b", "c"])
    >>> G.matrix
    array([[ 2., -1., -1.],
           [-1.,  1.,  0.],
           [-1.,  0.,  1.]])
    """
    X = as_pandas(X)
    checked = check_genotypes(X, "genomic_relationship")
    if checked.low is not None and _outside(checked):
        raise ValueError(
            f"X has values from {checked.low.min():g} to {checked.high.max():g}, but allele "
            "dosages lie between 0 and 2: code missing genotypes as NaN, or in integers as -1."
        )
    genotypes = Genotypes(stored_dosages(checked, np.float64))
    if not genotypes.polymorphic.any():
        raise ValueError("X has no SNP with variance.")
    if method == "VanRaden1":
        matrix = _gram(genotypes) / genotypes.expected_variance[genotypes.polymorphic].sum()
    else:
        matrix = _gram(ScaledGenotypes(genotypes)) / genotypes.polymorphic.sum()
    return Relationship(matrix, row_index(X, len(matrix)) if ids is None else ids)


def _outside(X):
    """Return whether any observed dosage lies outside [0, 2]."""
    return X.high.max() > 2 or (X.low.dtype.kind == "f" and X.low.min() < 0)


def _gram(genotypes):
    """Return Z Z' (n, n) of centred genotypes; SNPs without variance are 0 in them."""
    n = genotypes.shape[0]
    upper = np.zeros((n, n), order="F")
    for _, block in genotypes.blocks(np.float64, SNPS_AT_ONCE):
        upper = dsyrk(1.0, block, beta=1.0, c=upper, overwrite_c=True)
    return upper + np.triu(upper, 1).T
