"""Intercepts and covariate effects with flat priors, drawn exactly and jointly per response."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sknnmm.kernels.fits import repeat_row
from sknnmm.model.variables import Variable
from sknnmm.terms.base import DrawnTerm

if TYPE_CHECKING:
    from sknnmm.model.network import Layer
    from sknnmm.sampling.residual import SummedResidual, Target
    from sknnmm.sampling.state import LayerState

Index = slice | np.ndarray  # of responses


@dataclass
class FixedState:
    """Intercepts (at the training mean of the covariates) and covariate effects."""

    coefficients: np.ndarray  # (1 + q, C)
    fit: np.ndarray | None  # (n, C); None: no update reads it


class Fixed(DrawnTerm[FixedState]):
    """Intercept and covariate effects of the responses of a layer.

    Every response is drawn in an orthonormal basis of its own design, the constant first, so that
    the draws are independent normals. A direction that its data cannot estimate (collinear
    covariates; a covariate that does not vary where the omic is measured) has no basis vector,
    hence no effect.

    Parameters
    ----------
    layer : str
    covariates : ndarray of shape (n, q)
        Centred.
    row_weight : ndarray of shape (n,)
        Weights of the rows in the conditional, 0 for rows that do not enter it.
    estimable : ndarray of shape (n, C), bool
        Rows that decide what each response can estimate; one without any has no effects.
    intercept_variance : float
        Prior variance of the intercept at the mean covariates; infinite = flat.
    dtype : floating type
    """

    def __init__(
        self,
        layer: str,
        covariates: np.ndarray,
        row_weight: np.ndarray,
        estimable: np.ndarray,
        intercept_variance: float,
        dtype: type[np.floating],
    ) -> None:
        super().__init__("fixed", layer)
        self.predictors = np.column_stack([np.ones(len(covariates)), covariates])  # (n, 1 + q)
        self._shape = (1 + covariates.shape[1], estimable.shape[1])
        self._dtype = dtype
        # (responses, basis (n, r), coefficients from basis (1 + q, r))
        self.groups: list[tuple[Index, np.ndarray, np.ndarray]] = []
        for responses, rows in _alike(covariates, estimable):
            basis, back = _orthonormal_basis(self.predictors, row_weight, rows)
            self.groups.append((responses, basis.astype(dtype), back))
        self._design = self.predictors.astype(dtype)
        self._constant_precision = 1 / (np.sum(row_weight) * intercept_variance)

    def coefficients(self, state: FixedState) -> np.ndarray:
        """Return the coefficients (see DrawnTerm)."""
        return state.coefficients

    def start(
        self, layer: "Layer", responses: dict[str, np.ndarray], keeps_rows: bool
    ) -> FixedState:
        """Return coefficients and fit of zero (see DrawnTerm)."""
        fit = np.zeros((len(self._design), self._shape[1]), self._dtype) if keeps_rows else None
        return FixedState(np.zeros(self._shape), fit)

    def draw(
        self,
        state: FixedState,
        target: "Target",
        residual_variance: np.ndarray,
        rng: np.random.Generator,
    ) -> None:
        """Draw all coefficients (see DrawnTerm)."""
        products = target.products()
        for (responses, basis, back), product in zip(self.groups, products, strict=True):
            s2 = residual_variance[responses]
            shrinkage = self.shrinkage(basis.shape[1], s2)
            mean = shrinkage * product
            coordinates = mean + np.sqrt(s2 * shrinkage) * rng.standard_normal(mean.shape)
            state.coefficients[:, responses] = back @ coordinates
        if state.fit is not None and len(state.coefficients) == 1:
            repeat_row(state.coefficients, state.fit)
        elif state.fit is not None:
            state.fit[:] = self.fitted(state.coefficients)

    def products_of_rows(self, rows: np.ndarray) -> list[np.ndarray]:
        """Return basis'rows (r, C) of every group (see DrawnTerm)."""
        return [basis.T @ rows[:, responses] for responses, basis, _ in self.groups]

    def products_of_sums(self, sums: "SummedResidual", state: "LayerState") -> list[np.ndarray]:
        """Return the same from sums (see DrawnTerm)."""
        inner = sums.inner(state, without=self.not_subtracted, of=sums.own(self))
        return [back.T @ inner[:, responses] for responses, _, back in self.groups]

    @property
    def is_flat(self) -> bool:
        """Return whether the prior of the intercept is flat."""
        return bool(self._constant_precision == 0)

    def shrinkage(self, rank: int, residual_variance: np.ndarray) -> np.ndarray | int:
        """Return likelihood over posterior precision of the coordinates: (r, C), or 1 if flat."""
        if self.is_flat:
            return 1
        shrinkage = np.ones((rank, len(residual_variance)))
        shrinkage[0] = 1 / (1 + residual_variance * self._constant_precision)
        return shrinkage

    def rescale(self, state: FixedState, response: int, factor: float) -> None:
        """Multiply the effects on one response (see Term); a latent node has none."""
        state.coefficients[:, response] *= factor
        if state.fit is not None:
            state.fit[:, response] *= factor

    def scale_density(
        self, state: FixedState, residual_variance: np.ndarray
    ) -> tuple[float, float, float]:
        """Return that of the coordinates, all flat but for the intercept's (see Term)."""
        ((_, basis, _),) = self.groups
        return float(basis.shape[1]), -self.log_prior(state), 0.0

    def multiply(self, state: FixedState, factor: float) -> None:
        """Multiply the effects (see Term)."""
        self.rescale(state, 0, factor)

    def shift(self, state: FixedState, amount: float) -> None:
        """Add to the intercept of the only response, in place."""
        state.coefficients[0] += amount
        state.fit[:] += self._dtype(amount)

    def log_prior(self, state: FixedState, shift: float = 0.0) -> float:
        """Return the log prior density of the only intercept, maybe shifted, up to a constant."""
        if self.is_flat:
            return 0.0
        ((_, basis, _),) = self.groups
        informed = np.flatnonzero(basis[:, 0])
        coordinate = basis[informed, 0] @ (state.fit[informed, 0].astype(float) + shift)
        return -0.5 * float(self._constant_precision * coordinate**2)

    def contribution(self, state: FixedState) -> np.ndarray:
        """Return the fitted values (see Term)."""
        return self.fitted(state.coefficients) if state.fit is None else state.fit

    def fitted(self, coefficients: np.ndarray) -> np.ndarray:
        """Return the fitted values of all rows, (n, C), or what broadcasts to them."""
        if len(coefficients) == 1:  # the product takes ten times as long
            return coefficients
        return self._design @ coefficients.astype(self._dtype)

    def variables(self, layer: "Layer") -> list[Variable]:
        """Return the intercepts and the covariate effects (see DrawnTerm)."""
        shown = layer.response_dim is None
        return [
            Variable(
                f"{layer.prefix}centred_intercept",
                layer.name,
                "intercept at the training mean of genotypes and covariates",
                layer.dims(),
                power=1,
                is_location=True,
                is_diagnosed=shown,
            ),
            Variable(
                f"{layer.prefix}covariate_effects",
                layer.name,
                "effects of the covariates",
                layer.dims(f"{layer.prefix}covariate"),
                power=1,
                per_covariate=True,
                is_target=shown,
                is_diagnosed=shown,
            ),
        ]

    def values(self, state: FixedState) -> tuple[np.ndarray, np.ndarray]:
        """Return intercepts and covariate effects (see DrawnTerm)."""
        return (state.coefficients[0], state.coefficients[1:])


def _alike(covariates: np.ndarray, estimable: np.ndarray) -> Iterator[tuple[Index, np.ndarray]]:
    """Yield (responses, rows) for groups of responses that can estimate the same effects."""
    columns = np.flatnonzero(estimable.any(axis=0))
    alike: list
    if covariates.shape[1] == 0:
        alike = [columns] if columns.size else []
    else:
        everywhere = np.ones(len(covariates), bool)
        rank = _directions(covariates, everywhere).shape[1]
        full = [k for k in columns if _directions(covariates, estimable[:, k]).shape[1] == rank]
        alike = [[k] for k in columns if k not in set(full)] + ([full] if full else [])
    for group in alike:
        yield _as_slice(np.asarray(group)), estimable[:, group[0]]


def _as_slice(columns: np.ndarray) -> Index:
    """Return neighbouring columns as a slice, which indexes without a copy."""
    first, last = columns[0], columns[-1] + 1
    return slice(first, last) if last - first == len(columns) else columns


def _directions(covariates: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return orthonormal directions (q, r) in which the covariates vary within `rows`."""
    within = covariates[rows]
    _, singular, directions = np.linalg.svd(within - within.mean(axis=0), full_matrices=False)
    # Relative to all rows: within some, all that is left may be rounding error.
    tolerance = len(covariates) * np.finfo(float).eps * np.linalg.norm(covariates)
    return directions[singular > tolerance].T


def _orthonormal_basis(
    design: np.ndarray, row_weight: np.ndarray, rows: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
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
