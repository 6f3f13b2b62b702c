"""What a chain keeps: every draw of the small variables, moments and some draws of the large."""

from dataclasses import dataclass

import numpy as np

from sknnmm.sampling.chains.effects_record import (
    EffectsMoments,
    LevelsRecord,
    add_moments_at,
    effects_record,
)
from sknnmm.sampling.chains.genetic_values import GeneticMoments
from sknnmm.sampling.chains.thinned_draws import ThinnedDraws
from sknnmm.sampling.chains.variance_shares import SharesFromRows, SharesFromSums
from sknnmm.sampling.resume.snapshot import copy_into


@dataclass
class ChainResult:
    """Kept quantities of one chain, on the standardised scale."""

    n_kept: int
    draws: dict  # name of a variable -> (n_kept, ...)
    effects: dict[str, EffectsMoments]  # of SNPs and of random levels, by the variable's name
    weights_included: dict  # share of draws (K, C), by the name of a term of nodes
    responses: dict  # of every layer of nodes, by name: ResponseMoments
    genetic_values: GeneticMoments
    rows: np.ndarray  # of which every draw of the genetic values is kept
    step_sizes: dict  # of Hamiltonian Monte Carlo, by layer
    stored: ThinnedDraws
    state: dict | None = None  # from which the chain can continue, if asked for


class ResponseMoments:
    """Moments over kept draws of the recorded responses of a layer of nodes.

    Only of those that change are draws added up: the cells that are drawn, and the rows outside
    the chain. `finish` makes of all the sums `total` and `squares`, (n, n_recorded).
    """

    def __init__(self, layer):
        self._layer = layer
        self._drawn = layer.drawn[:, : layer.n_recorded]
        rows, columns = np.nonzero(self._drawn)
        self._flat = rows * layer.n_responses + columns
        self._uninformed = np.flatnonzero(~layer.informed)
        self._of_drawn = np.zeros((2, self._flat.size))
        self._of_uninformed = np.zeros((2, self._uninformed.size, layer.n_recorded))
        self.total = self.squares = None

    def add(self, state, snp_fits):
        """Add a draw: the LayerState, and genotypes times effects (n, C) by the name of a term."""
        if self._flat.size:
            add_moments_at(state.response, self._flat, *self._of_drawn)
        rows, n = self._uninformed, self._layer.n_recorded
        if rows.size:
            # Outside the chain: their moments given the other parameters are known.
            mean = 0.0
            for term in self._layer.terms:
                of_term = state.terms[term.name]
                part = snp_fits[term.name] if term.acts_by_snps else term.contribution(of_term)
                mean = mean + part
            mean = mean[rows, :n]
            total, squares = self._of_uninformed
            total += mean
            squares += mean**2 + state.residual_variance[:n]

    def finish(self, state, n_kept):
        """Make the sums over all draws, given the last state."""
        self.total = n_kept * state.response[:, : self._layer.n_recorded].astype(float)
        self.squares = self.total**2 / n_kept
        for sums, *changing in zip(
            (self.total, self.squares), self._of_drawn, self._of_uninformed, strict=True
        ):
            sums[self._drawn], sums[self._uninformed] = changing

    @property
    def sums(self):
        """Return the arrays that draws are added to, by name."""
        return {"drawn": self._of_drawn, "uninformed": self._of_uninformed}


class Recorder:
    """Collects the kept draws of one chain.

    Parameters
    ----------
    sampler : Sampler
    n_kept : int
    effects_budget : float
        Bytes for draws of SNP effects.
    rows : ndarray of int
        Those of which every draw of the genetic values is kept.
    """

    def __init__(self, sampler, n_kept, effects_budget, rows):
        self._network = network = sampler.network
        self._n_kept = n_kept
        self._n_recorded = 0
        self._draws = {}
        self._present = {}  # the small variables, views where the state is drawn in place
        self._stored = ThinnedDraws(effects_budget)
        self._terms = [(layer, term) for layer in network.layers for term in layer.terms]
        self._are_views = all(term.values_are_views for _, term in self._terms)
        names = (effects_name(layer, term) for layer, term in self._terms)
        self._with_effects = [
            (name, layer, term)
            for name, (layer, term) in zip(names, self._terms, strict=True)
            if name is not None
        ]
        self._effects, self._readers = {}, {}
        for name, layer, term in self._with_effects:
            reader, nodes = network.reading(layer)
            self._readers[name] = nodes if nodes and nodes.has_weights else None
            n_weighted = 1 if reader is None else reader.n_responses
            if term.acts_by_snps:
                record = effects_record(sampler.update_of(term), term, n_weighted)
            else:
                record = LevelsRecord(term, n_weighted)
            self._effects[name] = record
        self._names = [
            (layer, term, [v.name for v in term.variables(layer) if v.every])
            for layer, term in self._terms
        ]
        self._nodes = [term for _, term in self._terms if term.source and term.has_weights]
        self._weights_included = {
            nodes.name: np.zeros((nodes.n_nodes, nodes.n_responses)) for nodes in self._nodes
        }
        self._responses = {
            layer.name: ResponseMoments(layer)
            for layer in network.layers
            if network.reading(layer)[0]
        }
        shares = SharesFromSums if SharesFromSums.applies(sampler) else SharesFromRows
        self._shares = shares(sampler)
        self._rows = rows
        self._genetic_values = self._shares.genetic_values(rows)

    def record(self, chain, rng):
        """Keep the present state."""
        store = self._stored.wants(self._n_recorded)
        kept, n_bytes, fits = {}, 0, {}
        for name, _, term in self._with_effects:
            record, state = self._effects[name], term.of(chain)
            drawn = record.add(state, self._weights_of(name, term, chain), rng)
            if term.acts_by_snps and self._shares.by_rows:
                fits[name] = record.update.fit_everywhere(state, rng, drawn)
            if store:
                kept[name] = record.storable(drawn, state)
                n_bytes += record.n_bytes(kept[name])
        if store:
            self._stored.add(self._n_recorded, kept, n_bytes)
        shares, genetic = self._shares(chain, fits)
        reached = shares["heritability"] + shares["genetic_mean"]  # by any that is not finite
        if not np.isfinite(reached).all():
            raise FloatingPointError(
                f"heritability became {shares['heritability']}, the mean genetic value "
                f"{shares['genetic_mean']}."
            )
        if not self._present or not self._are_views:
            self._present = self._views(chain)
        self._keep(self._present)
        self._keep(shares)
        of_rows = self._genetic_values.add(genetic)
        self._keep({"genetic_values": self._network.layers[-1].squeezed(of_rows)})
        for nodes in self._nodes:
            self._weights_included[nodes.name] += nodes.of(chain).effects != 0
        for name, moments in self._responses.items():
            moments.add(chain.layers[name], fits)
        self._n_recorded += 1

    def _weights_of(self, name, term, chain):
        """Return the weights that the responses of a term have on those of the reader, (C, R)."""
        nodes = self._readers[name]
        if nodes is None:
            return np.zeros((term.n_responses, 1))
        return nodes.of(chain).effects.astype(float)

    def _views(self, chain):
        """Return the variables of which every draw is kept, by name."""
        views = {}
        for layer in self._network.layers:
            name = f"{layer.prefix}residual_variance"
            views[name] = layer.squeezed(chain.layers[layer.name].residual_variance)
            names = [variable.name for variable in layer.family.variables(layer)]
            values = layer.family.values(chain.layers[layer.name].family)
            views |= dict(zip(names, values, strict=True))
        for layer, term, names in self._names:
            for name, values in zip(names, term.values(term.of(chain)), strict=True):
                views[name] = layer.squeezed(values)
        return views

    def _keep(self, quantities):
        for name, value in quantities.items():
            if name not in self._draws:
                self._draws[name] = np.empty((self._n_kept, *np.shape(value)))
            self._draws[name][self._n_recorded] = value

    def contents(self):
        """Return all that was recorded, as plain data."""
        return {
            "n_recorded": self._n_recorded,
            "draws": {name: kept[: self._n_recorded] for name, kept in self._draws.items()},
            "effects": {
                name: {"count": record.count, "sums": record.sums}
                for name, record in self._effects.items()
            },
            "stored": self._stored.contents(),
            "responses": {name: moments.sums for name, moments in self._responses.items()},
            "weights_included": self._weights_included,
            "genetic_values": self._genetic_values.sums,
        }

    def restore(self, saved):
        """Put back what `contents` returned; there may be more draws to come than there were."""
        self._n_recorded = saved["n_recorded"]
        for name, kept in saved["draws"].items():
            self._draws[name] = np.empty((self._n_kept, *kept.shape[1:]))
            self._draws[name][: self._n_recorded] = kept
        for name, record in self._effects.items():
            record.count = saved["effects"][name]["count"]
            copy_into(record.sums, saved["effects"][name]["sums"])
        self._stored.restore(saved["stored"])
        for name, moments in self._responses.items():
            copy_into(moments.sums, saved["responses"][name])
        copy_into(self._weights_included, saved["weights_included"])
        copy_into(self._genetic_values.sums, saved["genetic_values"])
        self._genetic_values.n_seen = self._n_recorded

    def result(self, chain, rng):
        """Return the ChainResult, given the last state."""
        stored, effects = self._stored.copy(), {}
        for name, record in self._effects.items():
            kept, effects[name] = record.finish(stored.of(name), self._n_kept, rng)
            stored.put(name, kept)
        for name, moments in self._responses.items():
            moments.finish(chain.layers[name], self._n_kept)
        step_sizes = {name: layer.step_size for name, layer in chain.layers.items()}
        return ChainResult(
            n_kept=self._n_kept,
            draws=self._draws,
            effects=effects,
            weights_included={n: sums / self._n_kept for n, sums in self._weights_included.items()},
            responses=self._responses,
            genetic_values=self._genetic_values.moments(),
            rows=self._rows,
            step_sizes={name: size for name, size in step_sizes.items() if size is not None},
            stored=stored,
        )


def effects_name(layer, term):
    """Return the name of the variable of a term that is kept in moments, or None."""
    return next((v.name for v in term.variables(layer) if not v.every), None)
