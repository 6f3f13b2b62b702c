"""The contract of a part of a prediction, and the parts without nodes.

A layer's expected responses are the sum of its parts, one for each of its terms. To add a term to
predictions: write one subclass of `Part`, and put it into its layer in `fitted_network`.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from scipy import sparse

from sknnmm.genotypes import row_products
from sknnmm.posterior.draws import Posterior

DRAWS_AT_ONCE = 32


@dataclass(frozen=True)
class NewRows:
    """Individuals to predict: what is known of them, all on the scale that parts read."""

    dosages: np.ndarray  # (n, p), or PackedGenotypes
    # Name of a layer: its design matrix (n, q), as deviations from the training means.
    covariates: dict
    # Name of a layer: its responses (n, C), standardised; NaN where they are not given, minus
    # infinity where all that is known is that they lie below their detection limit.
    given: dict = field(default_factory=dict)
    # Name of a term of random effects: the levels (n,), -1 if missing or new, and what the effects
    # are multiplied by (n,).
    levels: dict = field(default_factory=dict)

    def __len__(self):
        return len(self.dosages)

    @property
    def has_more_than_genotypes(self):
        """Return whether there are levels, or covariates that are not at their mean."""
        return bool(self.levels) or any(values.any() for values in self.covariates.values())

    def take(self, rows):
        """Return some of the rows (a mask or a slice)."""
        covariates, given = (
            {name: values[rows] for name, values in tables.items()}
            for tables in (self.covariates, self.given)
        )
        levels = {name: (codes[rows], by[rows]) for name, (codes, by) in self.levels.items()}
        return NewRows(self.dosages[rows], covariates, given, levels)


@dataclass(eq=False)
class Part(ABC):
    """What one term adds to the expected responses of a layer, in their unit.

    Each row is computed on its own: its numbers do not depend, to the bit, on the rows beside it.
    A batch is a slice of the held draws, those of which the posterior has the SNP effects.
    """

    posterior: Posterior
    scale: np.ndarray  # (C,) training SDs of the layer's responses

    acts_by_snps: ClassVar[bool] = False

    @property
    def n_responses(self):
        """Return C."""
        return len(self.scale)

    @abstractmethod
    def mean(self, rows):
        """Return the posterior mean, (n, C)."""

    @abstractmethod
    def of_draws(self, rows, batch):
        """Return the mean in each draw (n, draws, C) and its variance, which broadcasts to it.

        The variance is of what is not known of a row; not of its missing genotypes, which act
        through several parts at once (see `missing_genotypes`).
        """

    def sampler(self, rows, batch):
        """Return a function of a draw of the batch and a Generator to values (n, C)."""
        mean, variance = self.of_draws(rows, batch)
        if not np.any(variance):
            return lambda draw, rng: mean[:, draw]
        sd = np.broadcast_to(np.sqrt(variance), mean.shape)
        return lambda draw, rng: (
            mean[:, draw] + sd[:, draw] * rng.standard_normal(sd[:, draw].shape)
        )

    def weighted_mean(self, rows, weights):
        """Return E[weight times the contribution in training SDs], (n, C, C of the next layer).

        `weights` names a variable of the posterior, (chain, draw, C of both layers). Over the held
        draws, unless a part knows the mean over all.
        """
        weights = at_held(self.posterior, weights, self.n_responses, -1)
        total = 0.0
        for batch in batches(len(weights)):
            mean, _ = self.of_draws(rows, batch)
            for draw, of_draw in enumerate(weights[batch] / self.scale[:, None]):
                total = total + mean[:, draw, :, None] * of_draw
        return total / len(weights)

    def training_mean(self, average):
        """Return the mean over the training rows, covariates at their mean, (C,).

        `average` is a row of mean genotypes and covariates: the answer of every linear part.
        """
        return self.mean(average).mean(axis=0)

    def training_mean_of_draws(self, average, batch):
        """Return the same in each draw, (draws, C)."""
        return self.of_draws(average, batch)[0].mean(axis=0)

    def snp_effects(self, batch):
        """Return own effects of SNPs as a matrix (p, draws * C), dense or csc; None without."""
        return None

    @property
    def layer_below(self):
        """Return the layer whose responses this part reads, or None."""
        return None

    def comparing_draws(self):
        """Return this part with the same Monte Carlo error in every draw."""
        return self


@dataclass(eq=False)
class FixedPart(Part):
    """Intercept and covariate effects, as deviation from the mean of the responses."""

    layer: str
    location: np.ndarray  # (C,) training means of the responses
    intercept: str  # names of variables
    covariate_effects: str

    def mean(self, rows):
        """Return the posterior mean, (n, C)."""
        intercept = self.posterior.mean(self.intercept) - self.location
        effects = self.posterior.mean(self.covariate_effects)
        products = plain_products(rows.covariates[self.layer], effects)
        return intercept + products.reshape(-1, self.n_responses)

    def of_draws(self, rows, batch):
        """Return the contribution in each draw, (n, draws, C), and no variance."""
        covariates = rows.covariates[self.layer]
        effects = self._held(self.covariate_effects, covariates.shape[1])[batch]
        products = plain_products(covariates, np.moveaxis(effects, 1, 0))
        intercepts = self._held(self.intercept)[batch] - self.location
        return by_draw(products, len(intercepts)) + intercepts, 0.0

    def weighted_mean(self, rows, weights):
        """Return E[weight times the contribution in training SDs], over all draws."""
        draws, covariates = self.posterior.draws, rows.covariates[self.layer]
        n_draws = draws[weights].shape[:2]
        weights = draws[weights].reshape(*n_draws, self.n_responses, -1)
        intercepts = draws[self.intercept].reshape(*n_draws, -1)
        intercepts = (intercepts - self.location) / self.scale
        effects = draws[self.covariate_effects]
        effects = effects.reshape(*n_draws, covariates.shape[1], self.n_responses) / self.scale
        mean_effects = (weights[:, :, None] * effects[..., None]).mean(axis=(0, 1))
        products = plain_products(covariates, mean_effects)
        products = products.reshape(len(rows), *weights.shape[2:])
        return products + (weights * intercepts[..., None]).mean(axis=(0, 1))

    def _held(self, name, *shape):
        return at_held(self.posterior, name, *shape, self.n_responses)


@dataclass(eq=False)
class SNPsPart(Part):
    """Centred genotypes times SNP effects."""

    acts_by_snps: ClassVar[bool] = True
    draws: str  # name of the variable
    genotypes_mean: np.ndarray  # (p,)
    effects: np.ndarray  # (p, C) posterior mean over all draws, dense or csc
    # E[weight times effect in training SDs], (p, C * C of the next layer), dense or csc
    weighted_effects: np.ndarray | None = None

    def mean(self, rows):
        """Return the posterior mean, (n, C)."""
        return row_products(rows.dosages, self.genotypes_mean, self.effects)

    def of_draws(self, rows, batch):
        """Return the contribution in each draw, (n, draws, C), and no variance."""
        products = row_products(rows.dosages, self.genotypes_mean, self.snp_effects(batch))
        return by_draw(products, batch.stop - batch.start), 0.0

    def weighted_mean(self, rows, weights):
        """Return E[weight times the contribution in training SDs], over all draws if known."""
        if self.weighted_effects is None:
            return super().weighted_mean(rows, weights)
        products = row_products(rows.dosages, self.genotypes_mean, self.weighted_effects)
        return products.reshape(len(rows), self.n_responses, -1)

    def training_mean_of_draws(self, average, batch):
        """Return zeros: genotypes are centred."""
        return np.zeros((batch.stop - batch.start, self.n_responses))

    def snp_effects(self, batch):
        """Return the effects in a batch of draws, (p, draws * C), dense or csc."""
        draws = self.posterior.draws[self.draws]
        n_snps, n_responses = draws.shape[2], self.n_responses
        if not sparse.issparse(draws):
            of_batch = draws.reshape(-1, n_snps, n_responses)[batch]
            return of_batch.transpose(0, 2, 1).reshape(-1, n_snps).T
        # Entries are in the order of chains and draws.
        own = slice(_first_entry(draws, batch.start), _first_entry(draws, batch.stop))
        chain, draw, snp, *response = (axis[own] for axis in draws.coords)
        column = (chain * draws.shape[1] + draw - batch.start) * n_responses
        if response:
            column = column + response[-1]
        shape = (n_snps, (batch.stop - batch.start) * n_responses)
        return sparse.csc_array((draws.data[own], (snp, column)), shape=shape)


def batches(n_draws):
    """Yield slices of a few held draws, which bound the memory taken."""
    for first in range(0, n_draws, DRAWS_AT_ONCE):
        yield slice(first, min(first + DRAWS_AT_ONCE, n_draws))


def at_held(posterior, name, *shape):
    """Return the held draws of a variable as (draws, *shape).

    A variable of one response may lack the axis of responses.
    """
    draws = posterior.at_stored(name)
    return draws.reshape(len(draws), *shape)


def by_draw(products, n_draws):
    """Return products (n, draws * C) as (n, draws, C), a view of what `row_products` returns."""
    n, n_columns = products.shape
    return np.moveaxis(products.T.reshape(n_draws, n_columns // n_draws, n), 2, 0)


def plain_products(values, effects):
    """Return values @ effects, (n, columns of all other axes), each row on its own to the bit."""
    effects = effects.reshape(len(effects), int(np.prod(effects.shape[1:])))
    return row_products(values, np.zeros(values.shape[1]), effects)


def _first_entry(draws, held):
    """Return the position of the first entry of a held draw, counted over chains."""
    chain, draw = divmod(held, draws.shape[1])
    first, last = np.searchsorted(draws.coords[0], [chain, chain + 1])
    return first + np.searchsorted(draws.coords[1][first:last], draw)
