"""What a sweep leaves unexplained of the responses, to weigh further changes of the effects.

Both forms have one interface. With r the residual of a column, b its effects and d a change of
these, `weigh` returns the gain d'X'Wr - d'X'WXd / 2, which is that of the log likelihood times the
residual variance; then, for effects times a factor, l = b'X'Wr and q = b'X'WXb, before and after
the change: a factor t gains (t - 1) l - (t - 1)^2 q / 2. `take` makes the change last weighed in
some columns; `scale` multiplies the effects of columns; `settle`, in the end, updates what is
maintained. `of_group` returns the same of a group of the effects, whose target is what the other
effects leave: r is the same, so what changes in a group changes in the whole.
"""

from abc import ABC, abstractmethod

import numpy as np

from sknnmm.common.cached import cached
from sknnmm.common.compiled import njit
from sknnmm.genotypes.memory_map import read_only
from sknnmm.kernels.cross_products import add_changes, add_rows
from sknnmm.kernels.passes import add_connections
from sknnmm.priors import Change

# Costs in the time of one multiplication with a genotype, as measured in sweeps.
CALLS_OF_MOVE, CALLS_OF_ITERATION = 1.5e6, 1e6  # from Python
PER_DRAW = 350  # to prepare that of an effect
PER_EFFECT, PER_CHANGE = 80, 800  # to look whether an effect changes, and to find its quantile
PASS = 1.5  # to subtract a change from a residual


class Unexplained(ABC):
    """What both forms have in common.

    Parameters
    ----------
    state : SNPState
    work : float
        What an iteration costs.
    """

    def __init__(self, state, work):
        self._state, self._work = state, work
        self._is_empty = np.zeros(state.hyper.n_columns, bool)

    def weigh(self, change):
        """Return the gain of a Change, and l, q before and after it, each (C,)."""
        self._change = change
        self._empty = without_effects(self._state.effects.reshape(-1), *change)
        gain, *of_scales = self._weigh(change)
        for value, empty in zip(of_scales, np.repeat(self._empty, 2, axis=0), strict=True):
            value[empty] = 0  # not what rounding leaves
        return gain, *of_scales

    def take(self, accepted):
        """Make the change last weighed in some columns, (C,) bool."""
        self._is_empty = np.where(accepted, *self._empty[::-1])
        self._take(accepted)

    def scale(self, factor):
        """Multiply the effects of every column by a factor (C,), before the state does."""
        self._scale(np.where(self._is_empty, 0, factor))  # nor may rounding grow

    @abstractmethod
    def _weigh(self, change): ...

    @abstractmethod
    def _take(self, accepted): ...

    @abstractmethod
    def _weigh_scale(self): ...

    @abstractmethod
    def _scale(self, factor): ...

    def weigh_scale(self):
        """Return l and q, each (C,)."""
        has_effects = self._state.hyper.layout.sum(self._state.effects != 0) > 0
        self._is_empty = ~has_effects
        return tuple(np.where(has_effects, value, 0) for value in self._weigh_scale())

    @abstractmethod
    def cost(self, change):
        """Return the cost of weighing a Change over that of an iteration."""

    @abstractmethod
    def settle(self):
        """Bring up to date what is maintained of the state."""

    @abstractmethod
    def of_group(self, state):
        """Return the Unexplained of a group, given a state of its effects alone."""


class UnexplainedRows(Unexplained):
    """Residuals row by row.

    Parameters
    ----------
    state : SNPState
    target : ndarray of shape (n, C)
    residual : ndarray of shape (C, n)
        Changed in place.
    row_weight : ndarray of shape (n,)
    times : callable, optional
        Returns genotypes times a Change of the effects, (C, n); where changes are weighed.
    work : float, optional
        What an iteration costs; where changes are weighed.
    """

    def __init__(self, state, target, residual, row_weight, times=None, work=None):
        super().__init__(state, work)
        self._target, self._residual = target, residual
        self._row_weight, self._times = row_weight, times

    def _weigh(self, change):
        self._product = self._times(change)
        return self._gains(self._product)

    def _gains(self, product):
        target = np.ascontiguousarray(self._target.T)  # of one layout, as kernels are compiled for
        return gains_of_rows(product, target, self._residual, self._row_weight)

    def cost(self, change):
        """Return the cost of weighing a Change over that of an iteration."""
        n_effects, n_changes = self._state.effects.size, len(change.values)
        return work_of_move(n_effects, n_changes, len(self._target)) / self._work

    def _take(self, accepted):
        self._residual[accepted] -= self._product[accepted]

    def take_back(self, refused):
        """Return to the fit of the state in some columns, (C,) bool: as before the sweep."""
        before = self._target[:, refused] - self._state.fit[:, refused]
        self._residual[refused] = before.T

    def _weigh_scale(self):
        none = np.zeros(self._residual.shape, self._residual.dtype)
        return self._gains(none)[1:3]

    def _scale(self, factor):
        more = (factor - 1).astype(self._residual.dtype)[:, None]
        self._residual -= more * (self._target.T - self._residual)

    def settle(self):
        """Write the fit of the state."""
        np.subtract(self._target, self._residual.T, out=self._state.fit)

    def of_group(self, state):
        """Return the Unexplained of a group (see Unexplained)."""
        return _RowsOfGroup(self, state)


class _RowsOfGroup(UnexplainedRows):
    """The same of a group of effects.

    Parameters
    ----------
    whole : UnexplainedRows
    state : SNPState
        Of the group.
    """

    def __init__(self, whole, state):
        Unexplained.__init__(self, state, whole._work)
        self._residual, self._row_weight = whole._residual, whole._row_weight
        self._of_whole = whole._times

    def _times(self, change):
        placed = self._state.hyper.layout.place(change.entries)
        return self._of_whole(change._replace(entries=placed))

    @cached
    def _target(self):
        return (self._residual + self._times(all_effects(self._state))).T

    def cost(self, change):
        """Return the cost of weighing a Change, that of the target included."""
        work = PASS * len(self._row_weight) * np.count_nonzero(self._state.effects)
        return super().cost(change) + work / self._work


class UnexplainedProducts(Unexplained):
    """Products X'W residual.

    Parameters
    ----------
    state : SNPState
    target : ndarray of shape (C, p)
        X'W target.
    gram : ndarray of shape (p, p)
    settle : callable
        Given the state, brings up to date what else is maintained.
    work : float
        What an iteration costs, but for cross-products.
    """

    def __init__(self, state, target, gram, settle, work):
        super().__init__(state, work)
        self._target, self._gram, self._settle = target, gram, settle

    @property
    def _effects(self):
        """Return the effects, (p, C)."""
        return self._state.effects

    @property
    def _fit_products(self):
        """Return X'WX times these, (C, p)."""
        return self._state.fit_products

    def _weigh(self, change):
        self._product = np.zeros_like(self._target)
        return gains_of_products(
            self._gram,
            self._target,
            self._fit_products,
            self._effects,
            self._product,
            change.indptr,
            self._snps_of(change),
            change.amounts,
        )

    def cost(self, change):
        """Return the cost of weighing a Change over that of an iteration."""
        n_effects, n_changes, n_snps = self._state.effects.size, len(change.values), len(self._gram)
        of_move = work_of_move(n_effects, n_changes, n_snps)
        return of_move / (self._work + n_changes * n_snps)

    def _snps_of(self, change):
        return change.entries // len(self._target)

    def _take(self, accepted):
        self._fit_products[accepted] += self._product[accepted]

    def _weigh_scale(self):
        effects = self._effects.T.astype(float)
        quadratic = (effects * self._fit_products).sum(axis=1)
        return (effects * self._target).sum(axis=1) - quadratic, quadratic

    def _scale(self, factor):
        self._fit_products[:] *= factor.astype(self._target.dtype)[:, None]

    def settle(self):
        """Bring up to date what is maintained."""
        self._settle(self._state)

    def of_group(self, state):
        """Return the Unexplained of a group (see Unexplained)."""
        return _ProductsOfGroup(self, state)


class _ProductsOfGroup(UnexplainedProducts):
    """The same of a group of effects; those of the other SNPs count as zero.

    Parameters
    ----------
    whole : UnexplainedProducts
    state : SNPState
        Of the group.
    """

    def __init__(self, whole, state):
        Unexplained.__init__(self, state, whole._work)
        self._whole, self._gram = whole, whole._gram

    @property
    def _effects(self):
        target = self._whole._target
        effects = np.zeros(target.shape[::-1], target.dtype)
        effects[self._state.hyper.layout.members] = self._state.effects
        return effects

    @cached
    def _fit_products(self):
        products, change = np.zeros_like(self._whole._target), all_effects(self._state)
        snps = self._snps_of(change)
        add_changes(self._gram, change.indptr, snps, change.amounts, products)
        return products

    @cached
    def _target(self):
        return self._whole._target - (self._whole._fit_products - self._fit_products)

    def _snps_of(self, change):
        return self._state.hyper.layout.place(change.entries) // len(self._whole._target)

    def _take(self, accepted):
        super()._take(accepted)
        self._whole._fit_products[accepted] += self._product[accepted]

    def _scale(self, factor):
        more = (factor - 1).astype(self._gram.dtype)[:, None]
        self._whole._fit_products[:] += more * self._fit_products
        super()._scale(factor)

    def cost(self, change):
        """Return the cost of weighing a Change, that of the target included."""
        n_snps = len(self._gram)
        work = PASS * n_snps * np.count_nonzero(self._state.effects)
        return super().cost(change) + work / (self._work + len(change.values) * n_snps)


def all_effects(state):
    """Return the Change by which all effects of a state that are not zero become what they are."""
    indptr, entries = state.hyper.layout.nonzero(state.effects)
    values = state.effects.reshape(-1)[entries]
    return Change(indptr, entries, values, values)


def work_of_iteration(n_effects, work):
    """Return what an iteration costs, given the multiplications of its sweep."""
    return CALLS_OF_ITERATION + PER_DRAW * n_effects + work


def work_of_move(n_effects, n_changes, per_change):
    """Return what a move costs that multiplies so often for each effect that changes."""
    per_change = PER_CHANGE + PASS * per_change
    return CALLS_OF_MOVE + PER_EFFECT * n_effects + per_change * n_changes


def times_change(genotypes, mean, any_missing, snps, change):
    """Return genotypes times a Change of effects, of SNPs `snps`, (C, n)."""
    product = np.zeros((len(change.indptr) - 1, genotypes.shape[0]), change.amounts.dtype)
    add_connections(
        genotypes.dosages,
        any_missing,
        mean,
        read_only(change.indptr),  # as those of a mask are
        read_only(snps.astype(np.int32)),
        change.amounts,
        product,
    )
    return product


@njit(nogil=True, cache=True)
def without_effects(effects, indptr, entries, values, amounts):
    """Return which columns have no effect before a Change and after it, (2, C) bool."""
    empty = np.ones((2, indptr.size - 1), np.bool_)
    for c in range(indptr.size - 1):
        for t in range(indptr[c], indptr[c + 1]):
            empty[0, c] &= effects[entries[t]] == 0
            empty[1, c] &= values[t] == 0
    return empty


@njit(nogil=True, cache=True)
def gains_of_rows(product, target, residual, row_weight):
    """Return what UnexplainedRows.weigh does, given genotypes times the change; all are (C, n)."""
    sums = np.zeros((5, len(product)))
    for c in range(len(product)):
        for i in range(row_weight.size):
            change, left, weight = float(product[c, i]), float(residual[c, i]), row_weight[i]
            fit = target[c, i] - left
            sums[0, c] += weight * change * (left - 0.5 * change)
            sums[1, c] += weight * fit * left
            sums[2, c] += weight * fit * fit
            fit, left = fit + change, left - change
            sums[3, c] += weight * fit * left
            sums[4, c] += weight * fit * fit
    return sums[0], sums[1], sums[2], sums[3], sums[4]


@njit(nogil=True, cache=True)
def gains_of_products(gram, target, fit_products, effects, product, indptr, snps, amounts):
    """Return what UnexplainedProducts.weigh does; add X'WX times the change to `product`."""
    sums = np.zeros((5, len(product)))
    for c in range(len(product)):
        own = slice(indptr[c], indptr[c + 1])
        add_rows(gram, snps[own], amounts[own], product[c])
        with_target = new_with_target = 0.0
        for j in range(len(effects)):
            b, fit = float(effects[j, c]), float(fit_products[c, j])
            with_target += b * target[c, j]
            sums[2, c] += b * fit
            sums[4, c] += b * (fit + product[c, j])
        new_with_target = with_target
        for t in range(indptr[c], indptr[c + 1]):
            j, d = snps[t], float(amounts[t])
            fit = float(fit_products[c, j])
            sums[0, c] += d * (target[c, j] - fit - 0.5 * product[c, j])
            new_with_target += d * target[c, j]
            sums[4, c] += d * (fit + product[c, j])
        sums[1, c] = with_target - sums[2, c]
        sums[3, c] = new_with_target - sums[4, c]
    return sums[0], sums[1], sums[2], sums[3], sums[4]
