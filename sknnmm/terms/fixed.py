"""Intercepts and covariate effects with flat priors, drawn exactly and jointly per column."""

import numpy as np

from sknnmm.sampling.state import FixedState


class FixedEffects:
    """Draws of the intercept and covariate effects of several columns.

    Every column is drawn in an orthonormal basis of its own design, the constant first, so that
    the draws are independent normals. A direction that the column's data cannot estimate
    (collinear covariates; a covariate that does not vary where the omic is measured) has no basis
    vector, hence no effect.

    Parameters
    ----------
    covariates : ndarray of shape (n, q)
        Centred.
    row_weight : ndarray of shape (n,)
        Weights of the rows in the conditional, 0 for rows that do not enter it.
    estimable : ndarray of shape (n, C), bool
        Rows that decide what each column can estimate; a column without any has no effects.
    intercept_variance : float
        Prior variance of the intercept at the mean covariates; infinite = flat.
    dtype : floating type

    Attributes
    ----------
    keeps_fit : bool
        Whether the fitted values of the rows are part of the state.
    """

    keeps_fit = True

    def __init__(self, covariates, row_weight, estimable, intercept_variance, dtype):
        self._design = np.column_stack([np.ones(len(covariates)), covariates])
        self._shape = (self._design.shape[1], estimable.shape[1])
        self._dtype = dtype
        self.groups = []  # (columns, basis (n, r), coefficients from basis (1 + q, r))
        for columns, rows in _columns_alike(covariates, estimable):
            basis, back = _orthonormal_basis(self._design, row_weight, rows)
            self.groups.append((columns, basis.astype(dtype), back))
        self._design = self._design.astype(dtype)
        self._constant_precision = 1 / (np.sum(row_weight) * intercept_variance)

    def shrinkage(self, rank, residual_variance):
        """Return likelihood over posterior precision of the coordinates: (r, C), or 1 if flat."""
        if self._constant_precision == 0:
            return 1
        shrinkage = np.ones((rank, len(residual_variance)))
        shrinkage[0] = 1 / (1 + residual_variance * self._constant_precision)
        return shrinkage

    def draw(self, target, residual_variance, state, rng):
        """Draw all coefficients given `target` (n, C), which is without the fixed part."""
        products = [basis.T @ target[:, columns] for columns, basis, _ in self.groups]
        self.draw_given(products, residual_variance, state, rng)

    def draw_given(self, products, residual_variance, state, rng):
        """Draw all coefficients given basis'target (r, C) of every group."""
        for (columns, basis, back), product in zip(self.groups, products, strict=True):
            s2 = residual_variance[columns]
            shrinkage = self.shrinkage(basis.shape[1], s2)
            mean = shrinkage * product
            coordinates = mean + np.sqrt(s2 * shrinkage) * rng.standard_normal(mean.shape)
            state.coefficients[:, columns] = back @ coordinates
        if self.keeps_fit:
            state.fit[:] = self.fitted(state.coefficients)

    def fitted(self, coefficients):
        """Return the fitted values of all rows, (n, C), or what broadcasts to them."""
        if len(coefficients) == 1:  # the product takes ten times as long
            return coefficients
        return self._design @ coefficients.astype(self._dtype)

    def start(self):
        """Return coefficients and fit of zero."""
        shape = (len(self._design), self._shape[1])
        return FixedState(
            coefficients=np.zeros(self._shape),
            fit=np.zeros(shape, self._dtype) if self.keeps_fit else None,
        )


def _columns_alike(covariates, estimable):
    """Yield (columns, rows) for groups of columns that can estimate the same effects."""
    columns = np.flatnonzero(estimable.any(axis=0))
    if covariates.shape[1] == 0:
        alike = [columns] if columns.size else []
    else:
        everywhere = np.ones(len(covariates), bool)
        rank = _directions(covariates, everywhere).shape[1]
        full = [k for k in columns if _directions(covariates, estimable[:, k]).shape[1] == rank]
        alike = [[k] for k in columns if k not in set(full)] + ([full] if full else [])
    for group in alike:
        yield _as_slice(np.asarray(group)), estimable[:, group[0]]


def _as_slice(columns):
    """Return neighbouring columns as a slice, which indexes without a copy."""
    first, last = columns[0], columns[-1] + 1
    return slice(first, last) if last - first == len(columns) else columns


def _directions(covariates, rows):
    """Return orthonormal directions (q, r) in which the covariates vary within `rows`."""
    within = covariates[rows]
    _, singular, directions = np.linalg.svd(within - within.mean(axis=0), full_matrices=False)
    # Relative to all rows: within some, all that is left may be rounding error.
    tolerance = len(covariates) * np.finfo(float).eps * np.linalg.norm(covariates)
    return directions[singular > tolerance].T


def _orthonormal_basis(design, row_weight, rows):
    """Return a basis (n, r), zero off the informative rows, and its way back.

    The basis is sqrt(W) Q with orthonormal Q, which spans sqrt(W) times the constant and the
    directions of the covariates that vary within `rows`: its products with a target are the
    coordinates of the weighted fit. These times the second result (1 + q, r) are coefficients of
    the design.
    """
    directions = _directions(design[:, 1:], rows)
    # Covariates centred within `rows`, so that effects dropped there leave the intercept alone.
    to_design = np.zeros((design.shape[1], 1 + directions.shape[1]))
    to_design[0, 0] = 1
    to_design[0, 1:] = -design[rows, 1:].mean(axis=0) @ directions
    to_design[1:, 1:] = directions
    basis = np.zeros((len(design), to_design.shape[1]))
    informative = np.flatnonzero(row_weight)
    root = np.sqrt(np.asarray(row_weight, float)[informative])[:, None]
    orthonormal, triangular = np.linalg.qr(root * (design[informative] @ to_design))
    basis[informative] = root * orthonormal
    return basis, to_design @ np.linalg.inv(triangular)
