"""Posterior draws and summaries on the original scale, from the results of the chains."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from sknnmm.common.row_blocks import row_blocks
from sknnmm.model.variables import Variable
from sknnmm.posterior.units import Units

if TYPE_CHECKING:
    from sknnmm.sampling.chains.recorder import ChainResult


class Posterior:
    """Kept draws of all chains on the original scale.

    Attributes
    ----------
    draws : dict of str to array
        (chain, draw, ...) arrays named like the fitted attributes without the underscore: every
        kept draw of scalars, weights, variances and fixed effects. "snp_effects" (chain, draw, p,
        K) and "direct_effects" (chain, draw, p) hold evenly spaced draws within `effects_memory`,
        as scipy.sparse.coo_array where the prior selects or few pairs are connected.
        "genetic_values" (chain, draw, row) are those of up to 50 training rows, as deviations from
        the mean of all training rows.
        "centred_intercept" and "omics_centred_intercept" are intercepts at the training mean of
        genotypes and covariates. Hyperparameters of the priors are on the standardised scale:
        ``*_variance`` of effects is their common prior variance, ``*_scale`` the scale of their
        variances (BayesA, BayesB), ``*_squared_penalty`` lambda^2 of BayesL. With groups of SNPs
        or omics, theirs and pi are (chain, draw, group, ...), NaN of a group that has none.
    variables : dict of str to Variable
        What the draws are: dimensions, unit, description.
    effects_draw : ndarray of int
        The kept draws whose SNP effects are held.
    genetic_values_row : ndarray of int
        The training rows, counted from 0, whose genetic values are in ``draws["genetic_values"]``.
    """

    def __init__(
        self,
        results: Sequence["ChainResult"],
        variables: dict[str, Variable],
        units: Units,
        n_snps: int,
    ) -> None:
        self.variables = variables
        self.genetic_values_row = results[0].rows
        self.draws = {
            name: units.restore(variables[name], np.stack([r.draws[name] for r in results]))
            for name in variables
            if name in results[0].draws
        }
        self._add_effects(results, units, n_snps)

    def _add_effects(self, results, units, n_snps):
        spacing = max(result.stored.spacing for result in results)
        for result in results:
            result.stored.thin(spacing)
        stored = [result.stored.draws for result in results]
        self.effects_draw = np.array(list(stored[0]))
        for name in results[0].effects:
            variable = self.variables[name]
            columns = units.of_response(variable)
            chains = [[draw[name] for draw in chain.values()] for chain in stored]
            n_effects = n_snps if "snp" in variable.dims else len(results[0].effects[name].mean)
            array = _stack_draws(chains, (n_effects, len(columns)), columns)
            if len(variable.dims) == 1:  # of a layer with one response
                array = array.reshape(array.shape[:-1])
            self.draws[name] = array

    # Secure file formats store sparse arrays of two dimensions only: take those of more apart.

    def __getstate__(self):
        draws = {
            name: {"coords": np.stack(array.coords), "data": array.data, "shape": array.shape}
            if sparse.issparse(array)
            else array
            for name, array in self.draws.items()
        }
        return {**vars(self), "draws": draws}

    def __setstate__(self, state):
        draws = {
            name: sparse.coo_array((parts["data"], tuple(parts["coords"])), shape=parts["shape"])
            if isinstance(parts, dict)
            else parts
            for name, parts in state["draws"].items()
        }
        vars(self).update({**state, "draws": draws})

    def __repr__(self) -> str:
        n_kept = self.draws["residual_variance"].shape[1]
        lines = [
            f"  {name}: {array.shape}"
            + (f", {array.shape[1]} of {n_kept} draws" if array.shape[1] < n_kept else "")
            for name, array in self.draws.items()
        ]
        return "Posterior draws (chain, draw, ...)\n" + "\n".join(lines)

    def at_stored(self, name: str) -> np.ndarray:
        """Return the draws of a small quantity that belong to the held SNP effects, (S, ...)."""
        draws = self.draws[name][:, self.effects_draw]
        return np.concatenate(draws)

    def mean(self, name: str) -> np.ndarray:
        """Return the mean over all draws and chains."""
        return self.draws[name].mean(axis=(0, 1))

    def sd(self, name: str) -> np.ndarray:
        """Return the standard deviation over all draws and chains."""
        return self.draws[name].std(axis=(0, 1))


def _dtype_for(units, dtype):
    """Return the dtype of effects in these units: double where single precision is too narrow."""
    ordinary = (units > 1e-15) & (units < 1e15)
    return dtype if ordinary.all() else np.dtype(float)


def _stack_draws(chains, shape, columns):
    """Return (chain, draw, p, C) effects in original units; `columns` are the units."""
    full = (len(chains), len(chains[0]), *shape)
    if not isinstance(chains[0][0], tuple):
        dtype = _dtype_for(columns, chains[0][0].dtype)
        stacked, units = np.empty(full, dtype), columns.astype(dtype)
        for of_chain, draws in zip(stacked, chains, strict=True):
            for of_draw, drawn in zip(of_chain, draws, strict=True):
                np.multiply(drawn, units, out=of_draw)
        return stacked
    nonzero = sum(len(indices) for draws in chains for indices, _ in draws)
    coords = np.empty((4, nonzero), np.int64)  # SciPy's type for more than two dimensions
    dtype = _dtype_for(columns, chains[0][0][1].dtype)
    values = np.empty(nonzero, dtype)
    last = 0
    for chain, draws in enumerate(chains):
        for draw, (indices, of_draw) in enumerate(draws):
            own = slice(last, last := last + len(indices))
            coords[0, own], coords[1, own] = chain, draw
            coords[2, own], coords[3, own] = np.unravel_index(indices, shape)
            values[own] = of_draw * columns.astype(dtype)[coords[3, own]]
    stacked = sparse.coo_array(full, dtype=dtype)
    stacked.coords, stacked.data = tuple(coords), values  # its constructor would copy them twice
    return stacked


def pooled_moments(results, name, units, weighted_unit):
    """Return mean, SD, inclusion and weighted means of the effects of a term over all chains.

    (p, C), or (m,) of connections; weighted means in a list, for each response of the reader.

    Parameters
    ----------
    results : list of ChainResult
    name : str
        Of the variable of the effects.
    units : float or ndarray
        Of the effects, broadcasts to their shape; those in a unit of 0 are not included.
    weighted_unit : float
        Of the weighted effects.
    """
    moments = [result.effects[name] for result in results]
    n_chains, count = len(moments), sum(m.count for m in moments)
    by_response = zip(*(m.weighted_mean for m in moments), strict=True)
    return (
        _mean([m.mean for m in moments], n_chains, units),
        _sd([m.total for m in moments], [m.squares for m in moments], count, units),
        _mean([m.included for m in moments], count, np.not_equal(units, 0)),
        [_mean(of_chains, n_chains, weighted_unit) for of_chains in by_response],
    )


def pooled_effects(results, name):
    """Return mean and SD of the effects of levels over all chains, (L, C)."""
    moments = [result.effects[name] for result in results]
    count = sum(m.count for m in moments)
    mean = sum(m.total for m in moments) / count
    return mean, np.sqrt(np.maximum(sum(m.squares for m in moments) / count - mean**2, 0))


def _mean(sums, count, units):
    """Return the sum of tables over a number, in units and double precision."""
    mean = np.empty(sums[0].shape)
    units = np.broadcast_to(units, mean.shape)
    for rows in row_blocks(mean):
        own = mean[rows]
        own[:] = sums[0][rows]
        for other in sums[1:]:
            own += other[rows]
        own /= count
        own *= units[rows]
    return mean


def _sd(totals, squares, count, units):
    """Return SDs in units, given sums of values and of their squares over `count` draws."""
    sd = np.empty(totals[0].shape)
    units = np.broadcast_to(units, sd.shape)
    for rows in row_blocks(sd):
        center = sum(total[rows] for total in totals) / count
        variance = sum(of_chain[rows] for of_chain in squares) / count
        variance -= np.square(center, out=center)
        own = np.sqrt(np.maximum(variance, 0, out=variance), out=sd[rows])
        own *= units[rows]
    return sd


def pooled_genetic_values(results):
    """Return mean and SD of the genetic values of all training rows over all chains, (n, C)."""
    moments = [result.genetic_values for result in results]
    count = sum(m.count for m in moments)
    mean = sum(m.total for m in moments) / count
    return mean, np.sqrt(np.maximum(sum(m.squares for m in moments) / count - mean**2, 0))


def pooled_responses(results, layer):
    """Return mean and SD of the responses of a layer of nodes over all chains, (n, n_recorded)."""
    n_draws = sum(result.n_kept for result in results)
    mean = sum(result.responses[layer].total for result in results) / n_draws
    squares = sum(result.responses[layer].squares for result in results) / n_draws
    return mean, np.sqrt(np.maximum(squares - mean**2, 0))
