"""How effects follow the mixture weights of their prior while their quantiles are held.

An effect b > 0 of a mixture with weights w_m and standard deviations s_m has the upper quantile
q = sum_m w_m (1 - Phi(b / s_m)); one of zero has a q that is uniform between that of the smallest
effects and 1/2, and a fair sign. The q are independent of the weights a priori. Given other
weights the same q give other effects: those near zero leave the model or enter it.
"""

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from sknnmm.common.compiled import njit
from sknnmm.priors._normal_tail import normal_tail, normal_tail_inverse

if TYPE_CHECKING:
    from sknnmm.priors._base import Hyperparameters

MAX_NEWTON = 60
CLOSE = 1e-12  # a step of Newton's method, relative to effect and SD, after which it ends


class Change(NamedTuple):
    """Effects of C columns that change, column after column."""

    indptr: np.ndarray  # (C + 1,), where those of each column begin, and the end
    entries: np.ndarray  # their places in the flattened array of effects
    values: np.ndarray  # what they become
    amounts: np.ndarray  # what is added to them


class QuantileMap:
    """Coordinates of the weights of a mixture prior, and the effects that follow these.

    The coordinates of a column are the logarithms of its mixture weights over the first of them.

    Parameters
    ----------
    multipliers : tuple of float
        Of the prior.
    """

    def __init__(self, multipliers: tuple[float, ...]) -> None:
        self._multipliers = np.array(multipliers)

    def coordinates(self, hyper: "Hyperparameters") -> np.ndarray:
        """Return the present coordinates, (C, M - 1)."""
        return log_ratios(hyper.weights)

    def put_weights(self, hyper: "Hyperparameters", coordinates: np.ndarray) -> None:
        """Change the weights alone to those at coordinates (C, M - 1), in place."""
        hyper.weights[:] = weights_at(coordinates)[0]

    def log_density(self, coordinates: np.ndarray) -> np.ndarray:
        """Return the log density of coordinates (C, M - 1) under a uniform prior, (C,)."""
        return weights_at(coordinates)[1]

    def follow(
        self,
        hyper: "Hyperparameters",
        effects: np.ndarray,
        component: np.ndarray,
        coordinates: np.ndarray,
        rng: np.random.Generator,
    ) -> Change:
        """Return how the effects change with the coordinates (C, M - 1), their quantiles held."""
        return Change(
            *follow(
                effects.reshape(-1),
                component.reshape(-1),
                *hyper.layout.places(),
                self._multipliers,
                hyper.variance.reshape(-1),
                hyper.weights,
                weights_at(coordinates)[0],
                rng,
            )
        )

    def put(
        self,
        hyper: "Hyperparameters",
        effects: np.ndarray,
        component: np.ndarray,
        coordinates: np.ndarray,
        change: Change,
        accepted: np.ndarray,
        rng: np.random.Generator,
    ) -> None:
        """Change weights and effects of some columns, `accepted` (C,), in place.

        Mixture components are drawn given both.
        """
        hyper.weights[:, accepted] = weights_at(coordinates[accepted])[0]
        put(
            effects.reshape(-1),
            component.reshape(-1),
            self._multipliers,
            hyper.variance.reshape(-1),
            hyper.weights,
            change.indptr,
            change.entries,
            change.values,
            accepted,
            rng,
        )


@njit(nogil=True, cache=True, error_model="numpy")
def log_ratios(weights: np.ndarray) -> np.ndarray:
    """Return the logarithms of mixture weights (M, C) over the first of them, (C, M - 1)."""
    n_components, n_columns = weights.shape
    ratios = np.empty((n_columns, n_components - 1))
    for c in range(n_columns):
        for m in range(1, n_components):
            ratios[c, m - 1] = math.log(weights[m, c] / weights[0, c])
    return ratios


@njit(nogil=True, cache=True, error_model="numpy")
def weights_at(coordinates: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return mixture weights (M, C) by their log ratios (C, M - 1); the log Jacobian, (C,)."""
    n_columns, n_ratios = coordinates.shape
    weights, log_jacobian = np.empty((n_ratios + 1, n_columns)), np.zeros(n_columns)
    for c in range(n_columns):
        largest = 0.0
        for m in range(n_ratios):
            largest = max(largest, coordinates[c, m])
        total = weights[0, c] = math.exp(-largest)
        for m in range(n_ratios):
            weights[m + 1, c] = math.exp(coordinates[c, m] - largest)
            total += weights[m + 1, c]
        for m in range(n_ratios + 1):
            weights[m, c] /= total
            log_jacobian[c] += math.log(weights[m, c])
    return weights, log_jacobian


@njit(nogil=True, cache=True, error_model="numpy")
def follow(
    effects: np.ndarray,
    component: np.ndarray,
    starts: np.ndarray,
    stride: int,
    counts: np.ndarray,
    multipliers: np.ndarray,
    variance: np.ndarray,
    weights: np.ndarray,
    new_weights: np.ndarray,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return the fields of a Change.

    Parameters
    ----------
    effects, component : flat
    starts, stride, counts : of every column, where it begins in these, the distance between its
        effects, and how many they are
    multipliers : (M,)
    variance : (C,), or of every effect
    weights, new_weights : (M, C)
    """
    n_columns, first = starts.size, 1 if multipliers[0] == 0 else 0
    indptr = np.zeros(n_columns + 1, np.int64)
    entries, values = np.empty(effects.size, np.int64), np.empty_like(effects)
    amounts = np.empty_like(effects)
    at = 0
    for c in range(n_columns):
        of_column = variance.size == n_columns
        old, new = weights[:, c], new_weights[:, c]
        slab, new_slab = old[first:].sum(), new[first:].sum()
        entering = 0.0
        if first == 1 and new[0] < old[0]:
            entering = (old[0] - new[0]) / old[0]
        left = zeros_until_next(entering, rng)
        for k in range(counts[c]):
            j = starts[c] + k * stride
            m = component[j]
            if m < 0 or (multipliers[m] == 0 and left > 0):
                left -= m >= 0
                continue
            size = math.sqrt(variance[c if of_column else j])
            if multipliers[m] == 0:
                left = zeros_until_next(entering, rng)
                q = 0.5 * (slab + (new_slab - slab) * rng.random())
                value = quantile(q, new, multipliers, size, 0.0)
                if rng.random() < 0.5:
                    value = -value
            else:
                b = abs(float(effects[j]))
                q = tail(b, old, multipliers, size)
                if q >= 0.5 * new_slab:
                    value = 0.0
                else:
                    value = quantile(q, new, multipliers, size, b)
                    value = math.copysign(value, effects[j])
            entries[at], values[at] = j, value
            amounts[at] = values[at] - effects[j]
            at += 1
        indptr[c + 1] = at
    return indptr, entries[:at], values[:at], amounts[:at]


@njit(nogil=True, cache=True, error_model="numpy")
def zeros_until_next(probability: float, rng: np.random.Generator) -> float:
    """Return how many zero effects stay zero before the next one that enters."""
    if probability <= 0:
        return np.inf
    return float(math.floor(-rng.standard_exponential() / math.log1p(-probability)))


@njit(nogil=True, cache=True, error_model="numpy")
def tail(b: float, weights: np.ndarray, multipliers: np.ndarray, size: float) -> float:
    """Return the upper quantile of an effect b >= 0."""
    q = 0.0
    for m in range(multipliers.size):
        if multipliers[m] > 0:
            q += weights[m] * normal_tail(b / (size * math.sqrt(multipliers[m])))
    return q


@njit(nogil=True, cache=True, error_model="numpy")
def quantile(
    q: float, weights: np.ndarray, multipliers: np.ndarray, size: float, near: float
) -> float:
    """Return the effect >= 0 with an upper quantile q; NaN if it is too far out.

    `near`: an effect close to it.
    """
    if multipliers.size == 1 or (multipliers.size == 2 and multipliers[0] == 0):
        return normal_tail_inverse(q / weights[-1]) * size * math.sqrt(multipliers[-1])
    # Newton's method: the tail is convex, so from below it never goes beyond the solution.
    b, first = near, 1 if multipliers[0] == 0 else 0
    least = size * math.sqrt(multipliers[first])
    for _ in range(MAX_NEWTON):
        excess, slope = -q, 0.0
        for m in range(first, multipliers.size):
            sd = size * math.sqrt(multipliers[m])
            excess += weights[m] * normal_tail(b / sd)
            slope += weights[m] * normal_density(b, sd)
        step = excess / slope
        b = max(b + step, 0.0)
        if abs(step) <= CLOSE * (b + least):
            return b
    return np.nan


@njit(nogil=True, cache=True, error_model="numpy")
def normal_density(b: float, sd: float) -> float:
    """Return the density of N(0, sd^2) at b."""
    return math.exp(-0.5 * (b / sd) ** 2) / (sd * math.sqrt(2 * math.pi))


@njit(nogil=True, cache=True, error_model="numpy")
def put(
    effects: np.ndarray,
    component: np.ndarray,
    multipliers: np.ndarray,
    variance: np.ndarray,
    weights: np.ndarray,
    indptr: np.ndarray,
    entries: np.ndarray,
    values: np.ndarray,
    accepted: np.ndarray,
    rng: np.random.Generator,
) -> None:
    """Write the values of accepted columns to `effects`, and draw the components of the columns."""
    n_columns, first = accepted.size, 1 if multipliers[0] == 0 else 0
    several = multipliers.size - first > 1
    odds = np.zeros(multipliers.size)
    for c in range(n_columns):
        if not accepted[c]:
            continue
        for t in range(indptr[c], indptr[c + 1]):
            j, b = entries[t], float(values[t])
            effects[j] = values[t]
            if b == 0:
                component[j] = 0
                continue
            component[j] = multipliers.size - 1
            if several:
                v, largest = variance[c if variance.size == n_columns else j], -np.inf
                for m in range(first, multipliers.size):
                    odds[m] = math.log(weights[m, c]) - 0.5 * (
                        math.log(multipliers[m]) + b * b / (multipliers[m] * v)
                    )
                    largest = max(largest, odds[m])
                total = 0.0
                for m in range(first, multipliers.size):
                    odds[m] = math.exp(odds[m] - largest)
                    total += odds[m]
                total *= rng.random()
                for m in range(first, multipliers.size):
                    total -= odds[m]
                    if total <= 0:
                        component[j] = m
                        break
