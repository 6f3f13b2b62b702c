"""Groups of effects with priors of their own: one mixture to the sweeps, many priors to the rest.

A sweep sees one mixture: its components are those of all groups, and every effect has its own
variance and its own weights of the components, 0 of those that its group does not have. All else,
the draws of the hyperparameters and how effects move with them, is left to the prior of each group,
which gets the effects of its group alone.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from sknnmm.priors._base import GENETIC_SHARE, Hyperparameters, Prior
from sknnmm.priors._layout import Layout


@dataclass
class GroupedHyperparameters:
    """The Hyperparameters of every group, by its name."""

    layout: Layout  # of all effects; those of the groups are parts of it
    groups: dict[str, Hyperparameters]
    acts: np.ndarray  # (groups, C), bool: where not, nothing depends on the hyperparameters

    @property
    def n_columns(self) -> int:
        """Return C."""
        return next(iter(self.groups.values())).n_columns


@dataclass
class EffectGroup:
    """One group: its prior, and which of all effects are its own."""

    name: str
    prior: Prior
    hyper: Hyperparameters
    per_allele: np.ndarray | None  # of the effects, over those that the prior is of; None: the same
    to_all: np.ndarray  # number of each component in the mixture of all, and -1 at the end, for -1
    to_own: np.ndarray  # the other way around, -1 of those that the group does not have

    def take(self, effects: np.ndarray, component: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return copies of the own effects and of their components, given all."""
        members = self.hyper.layout.members
        return effects[members], self.to_own[component[members]]

    def put(
        self, own: tuple[np.ndarray, np.ndarray], effects: np.ndarray, component: np.ndarray
    ) -> None:
        """Write own effects and components to those of all."""
        members = self.hyper.layout.members
        effects[members], component[members] = own[0], self.to_all[own[1]]

    def draw_hyperparameters(
        self,
        effects: np.ndarray,
        component: np.ndarray,
        residual_variance: np.ndarray,
        rng: np.random.Generator,
    ) -> None:
        """Draw the hyperparameters given all effects, in place."""
        own_effects, own_component = self.take(effects, component)
        if self.per_allele is not None:
            own_effects = own_effects / self.per_allele
        self.prior.update(self.hyper, own_effects, own_component, residual_variance, rng)

    def write_variances(self, residual_variance: np.ndarray, variances: np.ndarray) -> None:
        """Write the variances of the own effects to those of all."""
        layout = self.hyper.layout
        own = self.prior.effect_variances(self.hyper, residual_variance)
        if own.ndim > len(layout.shape):  # (1, C), where effects are those of connections
            own = layout.spread(own[0])
        variances[layout.members] = own if self.per_allele is None else own * self.per_allele**2

    def write_weights(self, weights: np.ndarray) -> None:
        """Write the mixture weights of the own effects to those of all, (M, ...)."""
        own = self.prior.effect_weights(self.hyper)
        for of_component, component in zip(own, self.to_all[:-1], strict=True):
            weights[component, self.hyper.layout.members] = of_component


class GroupedPrior(Prior[GroupedHyperparameters]):  # type: ignore[type-var]  # all is overridden
    """Priors of groups of predictors, each group with hyperparameters of its own.

    Parameters
    ----------
    priors : mapping of str to Prior
        By the names of the groups.
    group_of : ndarray of int of shape (m,)
        Number of the group of every predictor.
    per_allele : ndarray of shape (m,), optional
        What turns effects of scaled SNPs into those per allele, for priors of the former.
    """

    def __init__(
        self,
        priors: Mapping[str, Prior],
        group_of: np.ndarray,
        per_allele: np.ndarray | None = None,
    ) -> None:
        self.groups, self._priors = tuple(priors), tuple(priors.values())
        self.group_of, self._per_allele = group_of, per_allele
        self._multipliers = tuple(sorted({float(c) for p in self._priors for c in p.multipliers}))
        self.keeps = tuple(dict.fromkeys(name for prior in self._priors for name in prior.keeps))
        self.relative_to_residual = any(prior.relative_to_residual for prior in self._priors)
        self._numbers = [self._numbers_of(prior) for prior in self._priors]

    @property
    def multipliers(self) -> tuple[float, ...]:
        """Return those of all groups, increasing."""
        return self._multipliers

    @property
    def parts(self) -> tuple[Prior, ...]:
        """Return the priors of the groups."""
        return self._priors

    @property
    def fixes_scale(self) -> bool:
        """Return whether any prior holds the scale of its effects."""
        return any(prior.fixes_scale for prior in self._priors)

    def expected_variance(
        self,
        share: float,
        variances: np.ndarray,
        sums: Callable[[np.ndarray], np.ndarray],
    ) -> np.ndarray:
        """Return the expected variances (groups, C): all groups have the same share (see Prior).

        Infinite where no predictor of a group that varies acts on a column.
        """
        share /= len(self._priors)
        sums_of_groups = []
        for number, prior in enumerate(self._priors):
            per_allele = self._scaling(prior)
            of_prior = variances if per_allele is None else variances * per_allele**2
            sums_of_groups.append(sums(np.where(self.group_of == number, of_prior, 0)))
        with np.errstate(divide="ignore"):
            return share / np.array(sums_of_groups)

    def of_predictors(self, expected_variance: np.ndarray) -> np.ndarray:
        """Return the expected variance of every predictor, (m, C) (see Prior)."""
        return _finite(expected_variance)[self.group_of]

    def start(
        self,
        expected_variance: np.ndarray,
        layout: Layout,
        residual_variance: float = 1 - GENETIC_SHARE,
    ) -> GroupedHyperparameters:
        """Return starting hyperparameters, given (groups, C) variances (see Prior)."""
        group_of = layout.of_predictors(self.group_of)
        parts = (layout.part(np.flatnonzero(group_of == g)) for g in range(len(self.groups)))
        hypers = (
            prior.start(expected, part, residual_variance)
            for prior, expected, part in zip(
                self._priors, _finite(expected_variance), parts, strict=True
            )
        )
        by_name = dict(zip(self.groups, hypers, strict=True))
        return GroupedHyperparameters(layout, by_name, np.isfinite(expected_variance))

    def group(self, number: int, hyper: GroupedHyperparameters) -> EffectGroup:
        """Return a group by its number."""
        name, prior = self.groups[number], self._priors[number]
        own, per_allele = hyper.groups[name], self._scaling(prior)
        if per_allele is not None:
            per_allele = hyper.layout.of_predictors(per_allele)[own.layout.members]
            per_allele = per_allele.reshape(-1, *np.ones(len(own.layout.shape) - 1, int))
        return EffectGroup(name, prior, own, per_allele, *self._numbers[number])

    def each(self, hyper: GroupedHyperparameters) -> Iterator[EffectGroup]:
        """Yield the groups."""
        return (self.group(number, hyper) for number in range(len(self.groups)))

    def _numbers_of(self, prior: Prior) -> tuple[np.ndarray, np.ndarray]:
        """Return `to_all` and `to_own` of an EffectGroup."""
        to_all = np.array([*map(self._multipliers.index, prior.multipliers), -1], np.int8)
        to_own = np.full(len(self._multipliers) + 1, -1, np.int8)
        to_own[to_all[:-1]] = np.arange(len(to_all) - 1)
        return to_all, to_own

    def _scaling(self, prior: Prior) -> np.ndarray | None:
        return self._per_allele if prior.scales_genotypes else None

    def starting_component(self, hyper: GroupedHyperparameters) -> np.ndarray:
        """Return components of effects that are not zero (see Prior)."""
        component = np.empty(hyper.layout.shape, np.int8)
        for group in self.each(hyper):
            own = group.prior.starting_component(group.hyper)
            component[group.hyper.layout.members] = group.to_all[own]
        return component

    def update(
        self,
        hyper: GroupedHyperparameters,
        effects: np.ndarray,
        component: np.ndarray,
        residual_variance: np.ndarray,
        rng: np.random.Generator,
    ) -> None:
        """Draw the hyperparameters of every group given its effects (see Prior)."""
        for group in self.each(hyper):
            group.draw_hyperparameters(effects, component, residual_variance, rng)

    def effect_variances(
        self, hyper: GroupedHyperparameters, residual_variance: np.ndarray
    ) -> np.ndarray:
        """Return the variances of all effects (see Prior)."""
        variances = np.empty(hyper.layout.shape)
        for group in self.each(hyper):
            group.write_variances(residual_variance, variances)
        return variances

    def effect_weights(self, hyper: GroupedHyperparameters) -> np.ndarray:
        """Return the mixture weights of all effects, (M, ...) (see Prior)."""
        weights = np.zeros((len(self._multipliers), *hyper.layout.shape))
        for group in self.each(hyper):
            group.write_weights(weights)
        return weights

    def residual_terms(
        self, hyper: GroupedHyperparameters, effects: np.ndarray, component: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return what groups in units of the residual variance say of it (see Prior)."""
        df, squares = np.zeros((2, hyper.n_columns))
        for group in self.each(hyper):
            if group.prior.relative_to_residual:
                own = group.take(effects, component)
                of_group = group.prior.residual_terms(group.hyper, *own)
                df, squares = df + of_group[0], squares + of_group[1]
        return df, squares

    def scale_terms(self, hyper: GroupedHyperparameters, column: int) -> tuple[float, float]:
        """Return the sums over the groups (see Prior)."""
        terms = [group.prior.scale_terms(group.hyper, column) for group in self.each(hyper)]
        return sum(df for df, _ in terms), sum(of_scale for _, of_scale in terms)

    def rescale_column(self, hyper: GroupedHyperparameters, column: int, factor: float) -> None:
        """Multiply the SDs of the effects of one column (see Prior)."""
        for group in self.each(hyper):
            group.prior.rescale_column(group.hyper, column, factor)

    def kept(self, hyper: GroupedHyperparameters) -> list[np.ndarray]:
        """Return the hyperparameters named in `keeps`, each (groups, C).

        NaN where a group has no such hyperparameter, or does not act on a column.
        """
        kept = np.full((len(self.keeps), len(self.groups), hyper.n_columns), np.nan)
        for number, group in enumerate(self.each(hyper)):
            for name, values in zip(group.prior.keeps, group.prior.kept(group.hyper), strict=True):
                kept[self.keeps.index(name), number] = values
        kept[:, ~hyper.acts] = np.nan
        return list(kept)

    def zero_weight(self, hyper: GroupedHyperparameters) -> np.ndarray | None:
        """Return pi (groups, C), NaN as in `kept`; None where no prior has it."""
        if not self.selects:
            return None
        pi = np.full((len(self.groups), hyper.n_columns), np.nan)
        for number, group in enumerate(self.each(hyper)):
            of_group = group.prior.zero_weight(group.hyper)
            if of_group is not None:
                pi[number] = of_group
        pi[~hyper.acts] = np.nan
        return pi


def _finite(expected_variance: np.ndarray) -> np.ndarray:
    """Return expected variances, 1 where nothing depends on them."""
    return np.where(np.isfinite(expected_variance), expected_variance, 1)
