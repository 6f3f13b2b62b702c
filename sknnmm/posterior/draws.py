"""Posterior draws and summaries on the original scale, from the results of the chains."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
from scipy import sparse

from sknnmm.common.optional import import_optional
from sknnmm.common.row_blocks import row_blocks
from sknnmm.common.typing import FilePath
from sknnmm.model.variables import Variable
from sknnmm.posterior.data_tree import data_tree
from sknnmm.posterior.files import read_posterior, write_posterior
from sknnmm.posterior.tables import summary_table, variables_table
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
    variables : DataFrame
        What the draws are: one row for each name, with its dims, its unit ("1": none; "y", of a
        classifier "liability"; "omic"; hyperparameters are on the standardised scale), whether
        chains are judged by it (target), the number of draws of a chain, and a description.
    registry : dict of str to Variable
        The same, as the package reads it.
    coords : dict of str to ndarray
        Names along the dims: of SNPs, omics, covariates, groups, rows, levels of random effects.
    effects_draw : ndarray of int
        The kept draws whose SNP effects are held.
    genetic_values_row : ndarray of int
        The training rows, counted from 0, whose genetic values are in ``draws["genetic_values"]``.
    """

    def __init__(
        self,
        results: Sequence["ChainResult"],
        registry: dict[str, Variable],
        units: Units,
        coords: dict[str, np.ndarray],
        judged: dict[str, np.ndarray],
    ) -> None:
        self.registry = registry
        self.coords = {dim: _plain_names(names) for dim, names in coords.items()}
        self._judged = judged
        self._sparse: dict[str, dict[str, Any]] = {}
        self.genetic_values_row = results[0].rows
        self.draws = {
            name: units.restore(registry[name], np.stack([r.draws[name] for r in results]))
            for name in registry
            if name in results[0].draws
        }
        self._add_effects(results, units, len(coords["snp"]))

    def _add_effects(self, results, units, n_snps):
        spacing = max(result.stored.spacing for result in results)
        for result in results:
            result.stored.thin(spacing)
        stored = [result.stored.draws for result in results]
        self.effects_draw = np.array(list(stored[0]))
        for name in results[0].effects:
            variable = self.registry[name]
            columns = units.of_response(variable)
            chains = [[draw[name] for draw in chain.values()] for chain in stored]
            n_effects = n_snps if "snp" in variable.dims else len(results[0].effects[name].mean)
            # Layers with one response have no axis of responses.
            shape = (n_effects, len(columns))[: len(variable.dims)]
            stack = _stack_sparse if isinstance(chains[0][0], tuple) else _stack_dense
            self._add(name, stack(chains, shape, columns))

    def _add(self, name, stored):
        """Add draws, an array or the parts of a sparse one."""
        if isinstance(stored, dict):
            self._sparse[name] = stored
            stored = _of_parts(**stored)
        self.draws[name] = stored

    # Secure file formats store sparse arrays of two dimensions only: take those of more apart. The
    # parts are the same arrays each time: such a file has them once, however many refer to them.

    def __getstate__(self):
        state = {**vars(self), "draws": {**self.draws, **self._sparse}}
        state["coords"] = {dim: _packed(names) for dim, names in self.coords.items()}
        del state["_sparse"]
        return state

    def __setstate__(self, state):
        coords = {dim: _unpacked(names) for dim, names in state["coords"].items()}
        vars(self).update({**state, "coords": coords, "draws": {}, "_sparse": {}})
        for name, stored in state["draws"].items():
            self._add(name, stored)

    def __repr__(self) -> str:
        n_kept = self.draws["residual_variance"].shape[1]
        lines = [
            f"  {name}: {array.shape}"
            + (f", {array.shape[1]} of {n_kept} draws" if array.shape[1] < n_kept else "")
            for name, array in self.draws.items()
        ]
        return "Posterior draws (chain, draw, ...)\n" + "\n".join(lines)

    @property
    def variables(self) -> pd.DataFrame:
        """What the draws are."""
        return variables_table(self.registry, self.draws)

    def summary(
        self,
        names: Sequence[str] | None = None,
        quantiles: Sequence[float] = (0.05, 0.5, 0.95),
    ) -> pd.DataFrame:
        """Return the summary of variables, a row for each of their values.

        Parameters
        ----------
        names : sequence of str or None
            Names of `variables`; None: those of `diagnostics_`. Effects of SNPs are summarised by
            the draws that are held; with many SNPs that takes long, and the fitted attributes
            have their means and SDs.
        quantiles : sequence of float, default=(0.05, 0.5, 0.95)
            Between 0 and 1.

        Returns
        -------
        DataFrame
            Index ``residual_variance``, ``omics_weights[HDL]``, ...; columns mean, sd, the
            quantiles, ess_bulk, ess_tail, r_hat, mcse (Vehtari et al. 2021, doi 10.1214/20-BA1221;
            NaN where a value is constant or draws are too few) and target, whether chains are
            judged by it.

        Raises
        ------
        ValueError
            If a name is not one of `variables`, or a quantile is not between 0 and 1.

        Examples
        --------
        >>> from sknnmm import NNMMRegressor
        >>> from sknnmm.datasets import make_omics_network
        >>> data = make_omics_network(n_samples=60, n_snps=30, n_omics=2, random_state=0)
        >>> model = NNMMRegressor("RR-BLUP", n_iter=300, burn_in=100, random_state=0)
        >>> posterior = model.fit(data.X, data.y, omics=data.omics).posterior_
        >>> posterior.summary(["omics_weights"], quantiles=[0.1, 0.9]).columns.to_list()
        ['mean', 'sd', '10%', '90%', 'ess_bulk', 'ess_tail', 'r_hat', 'mcse', 'target']
        >>> posterior.variables.loc["omics_weights", ["dims", "unit"]].to_list()
        [('omic',), 'y']
        """
        if names is None:
            chosen = [v for v in self.registry.values() if v.is_diagnosed]
        else:
            if isinstance(names, str):
                raise ValueError(f"names must be a sequence of names: write [{names!r}].")
            unknown = [name for name in names if name not in self.draws]
            if unknown:
                raise ValueError(
                    f"names must be a sequence of {', '.join(self.draws)}; got "
                    f"{', '.join(map(str, unknown))}."
                )
            chosen = [self.registry[name] for name in names]
        if not all(0 <= q <= 1 for q in quantiles):
            raise ValueError(f"quantiles must lie between 0 and 1; got {list(quantiles)}.")
        return summary_table(self.draws, chosen, self.coords, self._judged, quantiles)

    def to_datatree(self, snps: int | Literal["all"] | Sequence[str] = 100) -> Any:
        """Return the draws as a DataTree of xarray, as ArviZ reads it.

        Needs the library xarray, which ``pip install sknnmm[arviz]`` brings with ArviZ.

        Parameters
        ----------
        snps : int, "all" or sequence of str, default=100
            The SNPs whose effects are exported: those that most often have one in the draws, of
            equals those with the largest mean in SDs; all; or by name. Effects are dense there:
            chains times draws times SNPs times omics.

        Returns
        -------
        xarray.DataTree
            The group "posterior" has what every kept draw is held of; the group "effects" effects
            of SNPs and of the levels of random effects, whose `draw` counts the kept draws. Dims
            are chain, draw, snp, omic, row, ... with their names as coordinates; every variable
            has attributes long_name, units and target.

        Raises
        ------
        ImportError
            If xarray is not installed.
        ValueError
            If `snps` is none of these, or names SNPs that the model does not have.

        Examples
        --------
        >>> tree = model.posterior_.to_datatree()  # doctest: +SKIP
        >>> arviz_plots.plot_trace(tree, var_names=["heritability"])  # doctest: +SKIP
        >>> arviz_plots.plot_forest(
        ...     tree, group="effects", var_names=["direct_effects"]
        ... )  # doctest: +SKIP
        """
        return data_tree(self, snps)

    def to_netcdf(self, path: FilePath, snps: int | Literal["all"] | Sequence[str] = 100) -> None:
        """Write the DataTree to a netCDF file, which ``xarray.open_datatree`` reads.

        Needs the libraries xarray and h5netcdf: ``pip install sknnmm[arviz]``.

        Parameters
        ----------
        path : str or path-like
        snps : int, "all" or sequence of str, default=100
            As in `to_datatree`.

        Raises
        ------
        ImportError
            If a library is not installed.
        """
        import_optional("h5netcdf", "A netCDF file")
        self.to_datatree(snps).to_netcdf(path, engine="h5netcdf")

    def save(self, path: FilePath) -> None:
        """Write all draws to a file, without pickle; `load` returns them to the bit.

        Parameters
        ----------
        path : str or path-like
            An npz archive, usually with the suffix .npz.
        """
        write_posterior(path, self.__getstate__())

    @classmethod
    def load(cls, path: FilePath) -> "Posterior":
        """Return the Posterior that `save` has written; no code of the file is run.

        Parameters
        ----------
        path : str or path-like

        Returns
        -------
        Posterior

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        ValueError
            If the file is damaged, or was written by another version or by something else.

        Examples
        --------
        >>> from sknnmm.posterior.draws import Posterior
        >>> model.posterior_.save("hdl.npz")  # doctest: +SKIP
        >>> Posterior.load("hdl.npz").summary()  # doctest: +SKIP
        """
        posterior = cls.__new__(cls)
        posterior.__setstate__(read_posterior(path))
        return posterior

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


def _plain_names(names):
    """Return names as numbers, or as an object array of text."""
    names = np.asarray(names)
    if names.dtype.kind in "iuf":
        return names
    return np.array([str(name) for name in names], dtype=object)


def _packed(names):
    """Return names as they are stored: text in one piece."""
    return json.dumps(names.tolist()) if names.dtype == object else names


def _unpacked(names):
    """Return names as `_plain_names` does, given what `_packed` returns."""
    return np.array(json.loads(names), dtype=object) if isinstance(names, str) else names


def _dtype_for(units, dtype):
    """Return the dtype of effects in these units: double where single precision is too narrow."""
    ordinary = (units > 1e-15) & (units < 1e15)
    return dtype if ordinary.all() else np.dtype(float)


def _stack_dense(chains, shape, columns):
    """Return effects (chain, draw, *shape) in original units, `columns`, given draws (p, C)."""
    dtype = _dtype_for(columns, chains[0][0].dtype)
    stacked = np.empty((len(chains), len(chains[0]), shape[0], len(columns)), dtype)
    units = columns.astype(dtype)
    for of_chain, draws in zip(stacked, chains, strict=True):
        for of_draw, drawn in zip(of_chain, draws, strict=True):
            np.multiply(drawn, units, out=of_draw)
    return stacked.reshape(*stacked.shape[:2], *shape)


def _stack_sparse(chains, shape, columns):
    """Return the parts of such an array, given (flat indices in (p, C), values) of draws."""
    nonzero = sum(len(indices) for draws in chains for indices, _ in draws)
    coords = np.empty((2 + len(shape), nonzero), np.int64)  # SciPy's type for more than two dims
    dtype = _dtype_for(columns, chains[0][0][1].dtype)
    values = np.empty(nonzero, dtype)
    last = 0
    for chain, draws in enumerate(chains):
        for draw, (indices, of_draw) in enumerate(draws):
            own = slice(last, last := last + len(indices))
            coords[0, own], coords[1, own] = chain, draw
            coords[2:, own] = np.unravel_index(indices, shape)
            values[own] = of_draw * columns.astype(dtype)[indices % len(columns)]
    return {"coords": coords, "data": values, "shape": (len(chains), len(chains[0]), *shape)}


def _of_parts(coords, data, shape):
    """Return the sparse array with these parts."""
    array = sparse.coo_array(tuple(shape), dtype=data.dtype)
    array.coords, array.data = tuple(coords), data  # its constructor would copy them twice
    return array


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
