"""Random effects: what they cost, how they mix, and whether their intervals hold the truth.

    python -m benchmarks.bench_mixed                       # some eight minutes
    python -m benchmarks.bench_mixed --parts mice pedigree # or coverage
    python -m benchmarks.bench_mixed --quick               # small: to see that it runs

- `mice`: milliseconds per iteration of BMI with 13 blood traits as omics, without and with random
  effects of 523 cages and 169 families in both layers, in turns in one process.
- `pedigree`: milliseconds per iteration that the random effects of a pedigree of 100,000 animals
  take in the phenotype layer, and effective draws of their variance.
- `coverage`: simulated animal models with SNPs, pedigree and litters; how often the 90 % interval
  of a variance component holds its true value.
- `single_step`: breeding values of animals without genotypes or phenotype, by the pedigree alone,
  by genotypes expected from relatives, and where all animals are genotyped; simulated herds. Their
  accuracy, and that which their reliabilities promise.

Seconds are processor time of one thread.
"""

import argparse
import warnings
from dataclasses import replace
from time import process_time

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning

from benchmarks.bench_pedigree import herd
from benchmarks.reporting import as_table, describe_machine
from sknnmm import NNMMRegressor
from sknnmm.activations import ACTIVATIONS
from sknnmm.common.layer_names import OMICS, PHENOTYPE
from sknnmm.datasets import fetch_hs_mice
from sknnmm.effects import Fixed, Random
from sknnmm.estimators.specification import NNMM, RandomEffect
from sknnmm.genotypes import Genotypes
from sknnmm.posterior.rank_statistics import rank_statistics
from sknnmm.preprocessing import PedigreeImputer
from sknnmm.priors import RRBLUP, BayesC, ScaledInverseChi2
from sknnmm.relationship import Pedigree
from sknnmm.sampling.chains.chain import Stream
from sknnmm.sampling.chains.parallel import one_blas_thread
from sknnmm.sampling.chains.start import starting_state
from sknnmm.sampling.gibbs import Sampler
from sknnmm.terms import Levels

NO_SNPS = RRBLUP(scale=1e-8, estimate_variance=False)
PARTS = ("mice", "pedigree", "coverage", "single_step")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--data-home", help="folder of the mice (default: scikit-learn's)")
    parser.add_argument("--animals", type=int, default=100_000)
    parser.add_argument("--repeats", type=int, default=40, help="simulations, part coverage")
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    if options.quick:
        options.animals, options.repeats = 5000, 3
    print(describe_machine() + "\n")
    parts = {
        "mice": mice,
        "pedigree": pedigree,
        "coverage": coverage,
        "single_step": single_step,
    }
    with one_blas_thread():
        for part in options.parts:
            parts[part](options)


def mice(options):
    """Print milliseconds per iteration without and with random effects."""
    data = fetch_hs_mice(options.data_home)
    blood = data.omics.drop(columns=["Biochem.Potassium", "Biochem.LDL", "Biochem.Tot.Cholesterol"])
    omics = blood.iloc[:, :13].to_numpy()
    without = network_of(data.genotypes.to_numpy(), data.BMI.to_numpy(), omics)
    effects = tuple(
        RandomEffect(name, (OMICS, PHENOTYPE), levels_of(data[name]), ScaledInverseChi2())
        for name in ("cage", "family")
    )
    models = {"without": without, "cages and families": replace(without, random=effects)}
    turns = alternate(models, n_turns=2 if options.quick else 8, n_iter=25)
    first = np.array(turns["without"])
    rows = [["mice", "ms per iteration", "ratio, median of turns"]]
    for name, seconds in turns.items():
        ratio = np.median(np.array(seconds) / first)
        rows.append([name, f"{1000 * np.min(seconds):.1f}", f"{ratio:.2f}"])
    print(as_table(rows) + "\n")


def network_of(dosages, y, omics):
    """Return a linear network with BayesC priors, without random effects."""
    return NNMM(
        Genotypes(np.asfortranarray(dosages)),
        standardised(y),
        standardised(omics) if omics.size else omics,
        0,
        np.zeros((len(y), 0)),
        ACTIVATIONS["linear"],
        BayesC(),
        BayesC(),
        BayesC(),
        ScaledInverseChi2(),
    )


def standardised(values):
    """Return columns of mean 0 and variance 1, NaN left out."""
    return (values - np.nanmean(values, axis=0)) / np.nanstd(values, axis=0)


def levels_of(column):
    """Return the Levels of a column of labels, independent."""
    codes, labels = pd.factorize(column)
    return Levels(codes, len(labels))


def alternate(models, n_turns, n_iter):
    """Return {name: seconds per iteration of every turn}, models by turns."""
    samplers = {name: Sampler(model.network(), n_moves=0) for name, model in models.items()}
    rngs = {name: Stream(np.random.PCG64(0)) for name in models}
    chains = {name: starting_state(samplers[name], rngs[name]) for name in models}
    seconds = {name: [] for name in models}
    for turn in range(n_turns + 1):
        for name, sampler in samplers.items():
            start = process_time()
            for _ in range(n_iter if turn else 2 * n_iter):  # at first effects are many
                sampler.iterate(chains[name], rngs[name], tuning=turn == 0)
            if turn:
                seconds[name].append((process_time() - start) / n_iter)
    return seconds


def pedigree(options):
    """Print milliseconds per iteration of a large pedigree and how its variance mixes."""
    table = herd(options.animals, 0.01, 0.5, 10)
    animals = Pedigree.from_frame(table, "id", "sire", "dam")
    rng = np.random.default_rng(0)
    true = np.sqrt(0.4) * animals.factor_product(rng.standard_normal(len(animals)))
    recorded = rng.permutation(len(animals))[: len(animals) // 2]
    y = true[recorded] + np.sqrt(0.6) * rng.standard_normal(len(recorded))
    levels = Levels(
        recorded,
        len(animals),
        inverse=sparse.csr_array(animals.relationship_inverse),
        diagonal=animals.diagonal,
    )
    dosages = rng.integers(0, 3, (len(recorded), 20)).astype(np.int8)
    without = network_of(dosages, y, np.empty((len(y), 0)))
    effect = RandomEffect("animal", (PHENOTYPE,), levels, ScaledInverseChi2())
    model = replace(without, random=(effect,))
    turns = alternate({"without": without, "with": model}, n_turns=4, n_iter=10)
    took = 1000 * (np.min(turns["with"]) - np.min(turns["without"]))
    n_iter = 100 if options.quick else 2000
    draws = variances_of(model, n_iter)
    kept = draws[n_iter // 4 :]
    ess = rank_statistics(kept[None, None])["ess_bulk"][0]
    rows = [
        ["animals, records", "ms per iteration", "h2 (true)", "SD", "ESS of the variance"],
        [
            f"{len(animals)}, {len(y)}",
            f"{took:.1f}",
            f"{kept.mean():.3f} (0.400)",
            f"{kept.std():.3f}",
            f"{ess:.0f} of {len(kept)}",
        ],
    ]
    print(as_table(rows) + "\n")


def variances_of(model, n_iter):
    """Return draws of the share of variance of the animals."""
    sampler, rng = Sampler(model.network()), Stream(np.random.PCG64(1))
    chain = starting_state(sampler, rng)
    draws = np.empty(n_iter)
    for iteration in range(n_iter):
        sampler.iterate(chain, rng, tuning=iteration < n_iter // 4)
        state = chain.layers[PHENOTYPE]
        variance = state.terms["animal"].variance[0]
        draws[iteration] = variance / (variance + state.residual_variance[0])
    return draws


def coverage(options):
    """Print how often 90 % intervals of variance components hold the true values."""
    warnings.simplefilter("ignore", ConvergenceWarning)
    true = {"SNPs": 1.0, "animal": 1.0, "litter": 0.5, "residual": 2.0}
    held, means = dict.fromkeys(true, 0), {term: [] for term in true}
    for seed in range(options.repeats):
        table = components(seed, true)
        for term, value in true.items():
            row = table.loc["phenotype", "y", term]
            held[term] += row["5%"] <= value <= row["95%"]
            means[term].append(row["mean"])
    rows = [["term", "true", "mean of estimates", "SD of estimates", "held in the 90 % interval"]]
    for term, value in true.items():
        estimates = np.array(means[term])
        rows.append(
            [
                term,
                f"{value}",
                f"{estimates.mean():.2f}",
                f"{estimates.std():.2f}",
                f"{held[term]} of {options.repeats}",
            ]
        )
    print(as_table(rows) + "\n")


def components(seed, true):
    """Return the variance components of one simulated data set."""
    rng = np.random.default_rng(seed)
    table = herd(900, 0.1, 0.5, 3, seed)
    animals = Pedigree.from_frame(table, "id", "sire", "dam")
    recorded = np.arange(300, 900)  # two generations
    X = rng.integers(0, 3, (600, 100)).astype(np.int8)
    genetic = X @ rng.standard_normal(100)
    genetic *= np.sqrt(true["SNPs"]) / genetic.std()
    polygenic = animals.factor_product(rng.standard_normal(len(animals)))[recorded]
    litter = np.arange(600) // 5
    y = (
        genetic
        + np.sqrt(true["animal"]) * polygenic
        + np.sqrt(true["litter"]) * rng.standard_normal(120)[litter]
        + np.sqrt(true["residual"]) * rng.standard_normal(600)
    )
    covariates = pd.DataFrame({"animal": animals.ids[recorded], "litter": litter})
    effects = [Random("animal", relationship=animals), Random("litter")]
    model = NNMMRegressor("RR-BLUP", effects=effects, random_state=seed)
    return model.fit(X, y, covariates=covariates).variance_components_


def single_step(options):
    """Print accuracies of breeding values of animals without genotypes."""
    warnings.simplefilter("ignore", ConvergenceWarning)
    herds = [of_herd(seed) for seed in range(1 if options.quick else 5)]
    rows = [["breeding values by", "accuracy", "SE over herds", "by reliabilities"]]
    for name in herds[0]:
        accuracies, expected = np.transpose([of_methods[name] for of_methods in herds])
        error = accuracies.std(ddof=1) / np.sqrt(len(herds)) if len(herds) > 1 else np.nan
        rows.append([name, f"{accuracies.mean():.3f}", f"{error:.3f}", f"{expected.mean():.3f}"])
    print(as_table(rows) + "\n")


def of_herd(seed, n_animals=1500, n_snps=300):
    """Return the accuracy of each method in one herd, and that which its reliabilities promise.

    Two thirds of the animals of all generations but the last are genotyped. The animals of the last
    generation have neither genotypes nor a phenotype.
    """
    rng = np.random.default_rng(seed)
    pedigree = Pedigree.from_frame(herd(n_animals, 0.05, 0.5, 5, seed), "id", "sire", "dam")
    X = dropped_genes(pedigree, n_snps, rng)
    true = X @ rng.standard_normal(n_snps)
    true = (true - true.mean()) / true.std()
    y = pd.Series(true + rng.standard_normal(n_animals), pedigree.ids)
    youngest = np.arange(n_animals) >= 4 * n_animals // 5
    y[youngest] = np.nan
    typed = ~youngest & (rng.random(n_animals) < 2 / 3)
    complete = pd.DataFrame(X, pedigree.ids).astype(float)
    X = complete[typed].reindex(complete.index)
    chain = {"n_iter": 1000, "burn_in": 250, "random_state": seed}

    imputer = PedigreeImputer(pedigree).fit(X)
    covariates = imputer.centring_covariate(pedigree.ids).to_frame("J")
    covariates["animal"] = np.where(typed, None, pedigree.ids)
    missed = Random("animal", relationship=imputer.imputation_residual())
    model = NNMMRegressor("RR-BLUP", effects=[Fixed("J"), missed], **chain)
    X = imputer.transform(X)
    model.fit(X, y, covariates=covariates)
    tables = {
        "expected genotypes": model.breeding_values(X, covariates, genetic=["J"]),
        "and what they miss": model.breeding_values(X, covariates, genetic=["J", "animal"]),
    }
    animals = pd.DataFrame({"animal": pedigree.ids}, pedigree.ids)
    nothing = pd.DataFrame({"rs": rng.integers(0, 3, n_animals)}, pedigree.ids)
    known = [Random("animal", relationship=pedigree)]
    by_pedigree = NNMMRegressor(NO_SNPS, effects=known, **chain)
    by_pedigree.fit(nothing, y, covariates=animals)
    tables = {"pedigree alone": by_pedigree.breeding_values(nothing, animals), **tables}
    all_typed = NNMMRegressor("RR-BLUP", **chain).fit(complete, y)
    tables["genotypes of all"] = all_typed.breeding_values(complete)
    return {name: accuracy(table[youngest], true[youngest]) for name, table in tables.items()}


def accuracy(table, true):
    """Return the correlation of breeding values with the true ones, and that by reliabilities."""
    correlation = np.corrcoef(table["breeding_value"], true)[0, 1]
    return correlation, np.sqrt(table["reliability"].mean())


def dropped_genes(pedigree, n_snps, rng):
    """Return dosages (n, n_snps) of unlinked SNPs by Mendel's rules, founders at random."""
    frequency = rng.uniform(0.1, 0.9, n_snps)
    genes = rng.random((len(pedigree), 2, n_snps)) < frequency
    for animal, (sire, dam) in enumerate(zip(pedigree.sires, pedigree.dams, strict=True)):
        for gene, parent in enumerate((sire, dam)):
            if parent >= 0:
                which = rng.integers(0, 2, n_snps)
                genes[animal, gene] = genes[parent, which, np.arange(n_snps)]
    return genes.sum(axis=1).astype(np.int8)


if __name__ == "__main__":
    main()
