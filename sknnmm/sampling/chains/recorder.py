"""What a chain keeps: every draw of the small quantities, moments and some draws of the large."""

import math
from dataclasses import dataclass

import numpy as np

from sknnmm.common.compiled import njit
from sknnmm.sampling.chains.effects_record import EffectsMoments, effects_record
from sknnmm.sampling.chains.thinned_draws import ThinnedDraws
from sknnmm.sampling.chains.variance_shares import SharesFromSums, variance_shares
from sknnmm.sampling.resume.snapshot import copy_into


@dataclass
class ChainResult:
    """Kept quantities of one chain, on the standardised scale."""

    n_kept: int
    draws: dict  # name -> (n_kept, ...)
    snp: EffectsMoments | None
    direct: EffectsMoments | None
    weights_included: np.ndarray  # (K,) share of draws
    omics_total: np.ndarray  # (n, n_observed) sums over kept draws
    omics_squares: np.ndarray
    step_size: object  # of Hamiltonian Monte Carlo, or None
    stored: ThinnedDraws
    state: dict | None = None  # from which the chain could go on, if asked for


class Recorder:
    """Collects the kept draws of one chain."""

    def __init__(self, sampler, n_kept, effects_budget):
        self._sampler = sampler
        self._n_kept = n_kept
        self._n_recorded = 0
        self._draws = {}
        self._effects = {
            path: effects_record(update, path, sampler.model)
            for update in sampler.snp_updates
            for path in update.paths
        }
        self._names = {sampler.node_path: "snp", sampler.direct_path: "direct"}
        self._stored = ThinnedDraws(effects_budget)
        model = sampler.model
        self._weights_included = np.zeros(model.n_nodes)
        self._omics_total = np.zeros((model.n_samples, model.n_observed_nodes))
        self._omics_squares = np.zeros_like(self._omics_total)
        self._uninformative = np.flatnonzero(~model.informative)
        self._from_sums = SharesFromSums(sampler) if SharesFromSums.applies(sampler) else None

    def record(self, chain, rng):
        """Keep the present state."""
        model, sampler = self._sampler.model, self._sampler
        weights = chain.weights.effects[:, 0].astype(float) if sampler.has_weights else None
        store = self._stored.wants(self._n_recorded)
        effects, fits = {}, {}
        for path, record in self._effects.items():
            state = path.state(chain)
            mediated = path is sampler.node_path and sampler.has_weights
            on_y = weights if mediated else np.zeros(path.n_columns)
            effects[path] = record.add(state, on_y, store, rng)
            if not self._from_sums:
                fits[path] = record.update.fit_everywhere(state, rng, effects[path])
        if store:
            self._stored.add(
                self._n_recorded,
                {
                    self._names[path]: self._effects[path].storable(drawn)
                    for path, drawn in effects.items()
                },
            )
        snp_fit, direct_fit = fits.get(sampler.node_path), fits.get(sampler.direct_path)
        if self._from_sums:
            shares = self._from_sums(chain)
        else:
            shares = variance_shares(model, chain, snp_fit, direct_fit)
        for name in ("heritability", "genetic_mean"):  # any value that is not finite reaches them
            if not math.isfinite(shares[name]):
                raise FloatingPointError(f"{name} became {shares[name]}.")
        self._keep(_small_quantities(sampler, chain) | shares)
        if sampler.has_weights:
            self._weights_included += weights != 0
        if model.n_nodes:
            self._add_omics(chain, snp_fit)
        self._n_recorded += 1

    def _keep(self, quantities):
        for name, value in quantities.items():
            if name not in self._draws:
                self._draws[name] = np.empty((self._n_kept, *np.shape(value)))
            self._draws[name][self._n_recorded] = value

    def _add_omics(self, chain, snp_fit):
        n_observed = self._omics_total.shape[1]
        _add_moments(chain.omics, self._omics_total, self._omics_squares)
        rows = self._uninformative
        if rows.size:
            # Outside the chain: their moments given the other parameters are known.
            fixed = self._sampler.omics_fixed.fitted(chain.omics_fixed.coefficients)
            mean = (snp_fit + fixed)[rows, :n_observed]
            self._omics_total[rows] += mean
            self._omics_squares[rows] += mean**2 + chain.omics_residual_variance[:n_observed]

    @property
    def _sums(self):
        return {
            "weights_included": self._weights_included,
            "omics_total": self._omics_total,
            "omics_squares": self._omics_squares,
        }

    def contents(self):
        """Return all that was recorded, as plain data."""
        return {
            "n_recorded": self._n_recorded,
            "draws": {name: kept[: self._n_recorded] for name, kept in self._draws.items()},
            "effects": {
                self._names[path]: {"count": record.count, "sums": record.sums}
                for path, record in self._effects.items()
            },
            "stored": self._stored.contents(),
            "sums": self._sums,
        }

    def restore(self, saved):
        """Put back what `contents` returned; there may be more draws to come than there were."""
        self._n_recorded = saved["n_recorded"]
        for name, kept in saved["draws"].items():
            self._draws[name] = np.empty((self._n_kept, *kept.shape[1:]))
            self._draws[name][: self._n_recorded] = kept
        for path, record in self._effects.items():
            of_path = saved["effects"][self._names[path]]
            record.count = of_path["count"]
            copy_into(record.sums, of_path["sums"])
        self._stored.restore(saved["stored"])
        copy_into(self._sums, saved["sums"])

    def result(self, chain):
        """Return the ChainResult, given the last state."""
        sampler = self._sampler
        moments = {path: record.moments(self._n_kept) for path, record in self._effects.items()}
        return ChainResult(
            n_kept=self._n_kept,
            draws=self._draws,
            snp=moments.get(sampler.node_path),
            direct=moments.get(sampler.direct_path),
            weights_included=self._weights_included / self._n_kept,
            omics_total=self._omics_total,
            omics_squares=self._omics_squares,
            step_size=chain.step_size,
            stored=self._stored,
        )


def _small_quantities(sampler, chain):
    """Return scalars, weights, variances and fixed effects by name."""
    model = sampler.model
    kept = {
        "residual_variance": chain.residual_variance[0],
        "centred_intercept": chain.fixed.coefficients[0, 0],
        "covariate_effects": chain.fixed.coefficients[1:, 0],
    }
    layers = [("direct_", "direct_effects", chain.direct, model.direct_prior)]
    if model.n_nodes:
        kept |= {
            "omics_residual_variance": chain.omics_residual_variance,
            "omics_centred_intercept": chain.omics_fixed.coefficients[0],
            "omics_covariate_effects": chain.omics_fixed.coefficients[1:],
        }
        layers.append(("", "snp_effects", chain.snp, model.snp_prior))
    if sampler.has_weights:
        kept["omics_weights"] = chain.weights.effects[:, 0]
        layers.append(("omics_", "omics_weights", chain.weights, model.weight_prior))
    for prefix, effects, state, prior in layers:
        if state is None:
            continue
        scalar = effects != "snp_effects"  # one column
        common = state.hyper.variance.ndim == 2 and len(state.hyper.variance) == 1
        if common and not prior.relative_to_residual:
            variance = state.hyper.variance[0]
            kept[f"{effects}_variance"] = variance[0] if scalar else variance
        pi = prior.zero_weight(state.hyper)
        if pi is not None:
            kept[f"{prefix}pi"] = pi[0] if scalar else pi
    return kept


@njit(nogil=True, cache=True)
def _add_moments(values, total, squares):
    """Add the first columns of `values` and their squares to running sums."""
    for i in range(total.shape[0]):
        for c in range(total.shape[1]):
            value = float(values[i, c])
            total[i, c] += value
            squares[i, c] += value * value
