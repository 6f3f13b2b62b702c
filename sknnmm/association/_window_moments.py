"""Variances and covariances of the genetic values of some SNPs, in many draws."""

import numpy as np
from scipy import sparse

from sknnmm.genotypes import row_products
from sknnmm.genotypes.dosages import columns_of

NARROW = 128  # SNPs, of which the covariance matrix is kept
VALUES_AT_ONCE = 2**23  # of individuals times draws


class WindowMoments:
    """Moments over the rows of genotypes, missing ones at the mean of these rows.

    The effects of draws are (p, draws), dense or csr. What narrow windows explain is taken from the
    covariances of their SNPs, b' C b; of others the genetic values are formed, a few draws at a
    time.

    Parameters
    ----------
    genotypes : Genotypes
    """

    def __init__(self, genotypes):
        self._genotypes = genotypes
        self._covariances = {}  # of the SNPs of narrow windows, by these SNPs

    def total(self, effects):
        """Return the variance of the genetic values in each draw, (draws,)."""
        return self._of_values(slice(None), effects, effects)

    def covariance(self, snps, first, second):
        """Return the covariance of the values of some SNPs by two effects in each draw, (draws,).

        Parameters
        ----------
        snps : ndarray of int
        first, second : array of shape (p, draws)
        """
        if not len(snps):
            return np.zeros(first.shape[1])
        if len(snps) > NARROW:
            return self._of_values(snps, first, second)
        b = _dense(first, snps)
        other = b if second is first else _dense(second, snps)
        return np.einsum("js,js->s", b, self._covariance_of(snps) @ other)

    def _covariance_of(self, snps):
        key = snps.tobytes()
        if key not in self._covariances:
            x = self._genotypes.columns(snps, np.float64)
            self._covariances[key] = x.T @ x / len(x)
        return self._covariances[key]

    def _of_values(self, snps, first, second):
        """Return the covariance from the genetic values themselves."""
        if not isinstance(snps, slice) and (np.diff(snps) == 1).all():
            snps = slice(snps[0], snps[-1] + 1)  # a view
        dosages = columns_of(self._genotypes.dosages, snps)
        mean, n_draws = self._genotypes.mean[snps], first.shape[1]
        at_once = max(1, VALUES_AT_ONCE // len(dosages))
        covariance = np.empty(n_draws)
        for start in range(0, n_draws, at_once):
            some = slice(start, start + at_once)
            values = row_products(dosages, mean, _columns(first[snps], some))
            others = values
            if second is not first:
                others = row_products(dosages, mean, _columns(second[snps], some))
            covariance[some] = np.einsum("is,is->s", values, others) / len(dosages)
        return covariance


def _dense(effects, snps):
    rows = effects[snps]
    return (rows.toarray() if sparse.issparse(rows) else rows).astype(float)


def _columns(effects, some):
    columns = effects[:, some]
    return columns.tocsc() if sparse.issparse(columns) else columns
