"""Real data as cases: genotypes, omics, a phenotype, and folds that no family spans."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product

import numpy as np
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import GroupKFold

from sknnmm.datasets import fetch_hs_mice, fetch_maize_hybrids, fetch_wheat_htp

MISSING_GENOTYPE = -1
N_INNER_PARTS = 2
MAIZE_TRAITS = ("GTM", "GTS", "RPR", "FETT", "XZ", "STA", "ADL")


@dataclass(frozen=True)
class Individuals:
    """Genotypes (n, p), int8, -1 missing; omics (n, K), NaN missing; phenotype (n,)."""

    genotypes: np.ndarray
    omics: np.ndarray
    y: np.ndarray

    def __getitem__(self, rows):
        return Individuals(self.genotypes[rows], self.omics[rows], self.y[rows])


@dataclass
class Fold:
    """Individuals to train on and to predict, and folds of the training individuals for tuning."""

    train: Individuals
    test: Individuals
    inner: list
    test_rows: np.ndarray

    @cached_property
    def snps(self):
        """SNPs of both: centred, gaps at the mean, divided so that all together have variance 1."""
        train, means = dosages(self.train.genotypes)
        return balanced(train, dosages(self.test.genotypes, means)[0], scale=False)

    @cached_property
    def omics(self):
        """Omics of both: gaps predicted from the SNPs, standardised, all together of variance 1."""
        gaps = [np.isnan(part.omics) for part in (self.train, self.test)]
        omics = [part.omics for part in (self.train, self.test)]
        if any(gap.any() for gap in gaps):
            predicted = self._predicted_omics()
            omics = [np.where(gap, p, o) for gap, p, o in zip(gaps, predicted, omics, strict=True)]
        return balanced(*omics, scale=True)

    def _predicted_omics(self):
        """Return the omics of both by ridge regression on the SNPs, one omic after the other.

        Omics that are missing in the same individuals share a fit.
        """
        train, test = self.snps
        seen = ~np.isnan(self.train.omics)
        predicted = [np.empty_like(part.omics) for part in (self.train, self.test)]
        patterns, members = np.unique(seen, axis=1, return_inverse=True)
        for number, rows in enumerate(patterns.T):
            omics = np.flatnonzero(members == number)
            ridge = RidgeCV(np.geomspace(0.1, 30, 6)).fit(
                train[rows], self.train.omics[np.ix_(rows, omics)]
            )
            for values, features in zip(predicted, (train, test), strict=True):
                values[:, omics] = ridge.predict(features).reshape(-1, len(omics))
        return predicted


def balanced(train, *others, scale):
    """Return arrays centred, `scale`: standardised, by the first; its total variance is then 1."""
    mean, sd = train.mean(axis=0), np.ones(train.shape[1])
    if scale:
        sd = train.std(axis=0)
        sd[sd == 0] = 1
    total = np.sqrt((train / sd).var(axis=0).sum())
    return [(part - mean) / sd / total for part in (train, *others)]


def dosages(genotypes, means=None):
    """Return genotypes as floats, missing ones at the means of the SNPs."""
    genotypes = np.where(genotypes == MISSING_GENOTYPE, np.nan, genotypes)
    means = np.nanmean(genotypes, axis=0) if means is None else means
    return np.where(np.isnan(genotypes), means, genotypes), means


@dataclass(frozen=True)
class Case:
    """A phenotype with the individuals, and `split`: rows, number of parts -> folds of these rows.

    `names` says for each individual under which name it is scored.
    """

    individuals: Individuals
    names: np.ndarray
    split: Callable
    n_parts: int
    confounder: np.ndarray | None = None  # a factor: phenotype and omics are adjusted for it

    def folds(self):
        """Yield the folds; the training individuals of each can be split in the same way."""
        for train, test in self.split(np.arange(len(self.names)), self.n_parts):
            individuals = self.adjusted(train)
            inner = self.split(train, N_INNER_PARTS)
            yield Fold(individuals[train], individuals[test], inner, test)

    def adjusted(self, train):
        """Return the individuals, omics and y as deviations from the training means of groups."""
        if self.confounder is None:
            return self.individuals
        omics, y = self.individuals.omics.copy(), self.individuals.y.copy()
        for group in np.unique(self.confounder):
            rows = self.confounder == group
            known = np.intersect1d(np.flatnonzero(rows), train)
            omics[rows] -= np.nanmean(omics[known], axis=0)
            y[rows] -= y[known].mean()
        return replace(self.individuals, omics=omics, y=y)


# Maize ------------------------------------------------------------------------------------------


def maize(data_home, trait, hybrids="core", n_parts=3, seed=0):
    """Return a trait of the hybrids, "core" (transcripts of both parents known) or "all".

    The dent and the flint parents are each dealt into `n_parts` sets. A fold predicts the hybrids
    between a set of dent and a set of flint parents, and is trained on those that have no parent in
    either ("T0"). The sets of "core" and of "all" are the same.
    """
    data = fetch_maize_hybrids(data_home)
    core = data.omics.notna().all(axis=1).to_numpy()
    sets = dealt(data.parents.to_numpy(), core, n_parts, seed)
    kept = core if hybrids == "core" else np.ones(len(core), dtype=bool)
    parents, sets, core = data.parents.to_numpy()[kept], sets[kept], core[kept]

    def split(rows, parts):
        every = len(rows) == len(sets)
        return new_parents(sets if every else dealt(parents[rows], core[rows], parts, seed), parts)

    individuals = Individuals(
        data.genotypes.to_numpy()[kept],
        data.omics.to_numpy()[kept],
        data.phenotypes[trait].to_numpy()[kept],
    )
    names = np.where(core, trait, f"{trait}, no transcripts")
    return Case(individuals, names, split, n_parts)


def dealt(parents, core, n_parts, seed):
    """Return the sets, (n, 2), into which both parents of each hybrid are dealt, core first."""
    rng = np.random.default_rng(seed)
    sets = np.empty(parents.shape, dtype=int)
    for pool, lines in enumerate(parents.T):
        first = np.unique(lines[core])
        others = np.setdiff1d(lines, first)
        order = [*rng.permutation(first), *rng.permutation(others)]
        set_of = {line: i % n_parts for i, line in enumerate(order)}
        sets[:, pool] = [set_of[line] for line in lines]
    return sets


def new_parents(sets, n_parts):
    """Return the folds between every set of dent and every set of flint parents."""
    pairs = product(range(n_parts), repeat=2)
    return [
        (np.flatnonzero((sets != pair).all(axis=1)), np.flatnonzero((sets == pair).all(axis=1)))
        for pair in pairs
    ]


def one_out(data_home, trait, n_sampled, seed=0):
    """Return a trait of the core hybrids, with a fold for each of a sample of them.

    Each is predicted from all hybrids that share no parent with it.
    """
    case = maize(data_home, trait)
    data = fetch_maize_hybrids(data_home)
    parents = data.parents[data.omics.notna().all(axis=1)].to_numpy()
    sampled = np.random.default_rng(seed).choice(len(parents), n_sampled, replace=False)

    def split(rows, parts):
        if len(rows) < len(parents):
            return case.split(rows, parts)
        return [(np.flatnonzero((parents != parents[i]).all(axis=1)), [i]) for i in sampled]

    return replace(case, split=split)


# Wheat and mice ---------------------------------------------------------------------------------


def wheat(data_home, environment="E1"):
    """Return the yield of the wheat lines in one environment, omics: their reflectances in E1.

    Folds are those of the data, seven whole trials each.
    """
    data = fetch_wheat_htp(data_home)
    individuals = Individuals(
        data.genotypes.to_numpy(), data.reflectances.to_numpy(), data.yields[environment].to_numpy()
    )
    folds, trials = data.folds.to_numpy(), data.trials.to_numpy()

    def split(rows, parts):
        groups = folds if len(rows) == len(folds) else trials[rows]
        return list(GroupKFold(parts).split(rows, groups=groups))

    return Case(individuals, np.full(len(folds), f"wheat {environment}"), split, 4)


def mice(data_home, trait="HDL"):
    """Return a trait of the mice, omics: other blood traits; both adjusted for sex.

    Folds keep litters together.
    """
    data = fetch_hs_mice(data_home)
    blood = data.omics.drop(columns="Biochem.Potassium")  # measured in few mice
    y = data.BMI if trait == "BMI" else blood[f"Biochem.{trait}"]
    if trait == "HDL":  # which total cholesterol and LDL contain
        blood = blood.drop(columns=["Biochem.HDL", "Biochem.LDL", "Biochem.Tot.Cholesterol"])
    seen = y.notna().to_numpy()
    individuals = Individuals(
        data.genotypes.to_numpy()[seen], blood.to_numpy()[seen], y.to_numpy()[seen]
    )
    litters = data.litter.to_numpy()[seen]

    def split(rows, parts):
        return list(GroupKFold(parts).split(rows, groups=litters[rows]))

    sex = data.sex.to_numpy()[seen]
    return Case(individuals, np.full(len(sex), f"mice {trait}"), split, 3, confounder=sex)
