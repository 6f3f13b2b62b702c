"""Leave-one-out predictive densities from one fit, beside cross-validation.

Models with and without omics, of other activations and priors, on simulated individuals, on the
mice and on maize hybrids. For each model the expected log predictive density (elpd) of all records
by `NNMMRegressor.loo`, by 10 random folds, and by folds that no family spans. The parts "binary",
"ordinal" and "censored" are simulated too, with a fifth of the omics missing: there the density of
a record is the probability of its class or, of the four in ten that are censored, of larger values.
Run from the root of the repository::

    python -m benchmarks.bench_comparison                  # some 15 minutes
    python -m benchmarks.bench_comparison --parts mice     # one part
    python -m benchmarks.bench_comparison --quick          # short chains: only to see that it runs

One thread. The mice have one SNP in five. The 1,323 transcripts of the maize hybrids are complete,
so the phenotype depends on them alone, not on what SNPs do to them: their weights, with an RR-BLUP
prior, are a random effect of the hybrids whose relationship is the products of their transcripts.
"""

import argparse
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import logsumexp
from sklearn.model_selection import KFold
from sklearn.utils import _safe_indexing
from threadpoolctl import threadpool_limits

from benchmarks.real.cases import balanced, maize, mice
from benchmarks.reporting import as_table, describe_machine
from sknnmm import NNMMClassifier, NNMMRegressor
from sknnmm.datasets import make_omics_network
from sknnmm.effects import Random
from sknnmm.relationship import Relationship

WITHOUT = "genotypes only"
N_FOLDS = 10
EVERY = 5  # SNP of the mice
OUTCOMES = ["binary", "ordinal", "censored"]


@dataclass
class Comparison:
    """Individuals, the models that are compared, and families that folds may keep together."""

    genotypes: np.ndarray
    record: dict  # y, and y_upper if some are censored
    omics: dict  # the argument of `fit` by which models get them, and its array
    models: dict  # name: (whether it has the omics, parameters)
    family_folds: list | None = None  # (train, test)
    estimator: type = NNMMRegressor

    def inputs(self, with_omics, rows):
        """Return the arguments of `fit`, and of what compares records with it."""
        tables = {"X": self.genotypes, **self.record, **(self.omics if with_omics else {})}
        return {name: _safe_indexing(table, rows) for name, table in tables.items()}

    def random_folds(self):
        """Return folds (train, test) that do not know of families."""
        return list(KFold(N_FOLDS, shuffle=True, random_state=0).split(self.genotypes))


def simulated():
    data = make_omics_network(n_samples=400, n_snps=300, n_omics=3, random_state=0)
    models = {
        WITHOUT: (False, {"method": "RR-BLUP"}),
        "genotypes only, BayesC": (False, {"method": "BayesC"}),
        "omics": (True, {"method": "RR-BLUP"}),
        "omics, tanh": (True, {"method": "RR-BLUP", "activation": "tanh"}),
    }
    return Comparison(data.X, {"y": data.y}, {"omics": data.omics}, models)


def simulated_outcome(outcome):
    """Return individuals with classes, or with censored phenotypes."""
    data = make_omics_network(
        n_samples=400,
        n_snps=300,
        n_omics=3,
        missing_omics=0.2,
        outcome=outcome,
        censored_share=0.4 if outcome == "censored" else None,
        random_state=0,
    )
    parameters = {"method": "RR-BLUP"}
    record, estimator = {"y": data.y}, NNMMClassifier
    if outcome == "ordinal":
        parameters["ordered"] = True
    if outcome == "censored":
        record["y_upper"], estimator = data.y_upper, NNMMRegressor
    models = {WITHOUT: (False, parameters), "omics": (True, parameters)}
    return Comparison(data.X, record, {"omics": data.omics}, models, estimator=estimator)


def of_mice(data_home):
    case = mice(data_home)
    individuals = case.adjusted(np.arange(len(case.names)))
    models = {
        WITHOUT: (False, {"method": "RR-BLUP"}),
        "omics": (True, {"method": "RR-BLUP"}),
    }
    genotypes = individuals.genotypes[:, ::EVERY]
    return Comparison(genotypes, {"y": individuals.y}, {"omics": individuals.omics}, models)


def of_maize(data_home, trait):
    case = maize(data_home, trait)
    individuals, every = case.individuals, np.arange(len(case.names))
    (transcripts,) = balanced(individuals.omics, scale=True)
    relationship = Relationship(transcripts @ transcripts.T * len(every), every)
    hybrid = Random("hybrid", relationship=relationship, layer="phenotype")
    models = {
        WITHOUT: (False, {"method": "RR-BLUP"}),
        "omics": (True, {"method": "RR-BLUP", "effects": [hybrid]}),
    }
    folds = case.split(every, case.n_parts)
    hybrids = {"covariates": pd.DataFrame({"hybrid": every})}
    return Comparison(individuals.genotypes, {"y": individuals.y}, hybrids, models, folds)


def compare(comparison, n_iter, burn_in):
    """Print the elpd of every model in three ways, and its differences from the first model."""
    folds = {f"{N_FOLDS} random folds": comparison.random_folds()}
    if comparison.family_folds is not None:
        folds["folds of families"] = comparison.family_folds
    chains = {"n_iter": n_iter, "burn_in": burn_in, "random_state": 0}
    every = np.arange(len(comparison.genotypes))
    elpd, notes = {}, {}
    for name, (with_omics, parameters) in comparison.models.items():
        inputs = comparison.inputs(with_omics, every)
        loo = comparison.estimator(**parameters, **chains).fit(**inputs).loo(**inputs)
        unreliable = int((loo.pareto_k > loo.good_k).sum())
        notes[name] = f"{loo.p:.0f}", str(unreliable)
        elpd[name] = {"LOO": loo.elpd_i.to_numpy()}
        for kind, parts in folds.items():
            model = comparison.estimator(**parameters, **chains, n_chains=1)
            elpd[name][kind] = held_out(model, comparison, with_omics, parts)
    print_table(elpd, notes)


def held_out(model, comparison, with_omics, folds):
    """Return the log predictive density of every record from the folds that it is not in."""
    densities = np.empty(len(comparison.genotypes))
    for train, test in folds:
        model.fit(**comparison.inputs(with_omics, train))
        of_draws = model.log_likelihood(**comparison.inputs(with_omics, test))
        densities[test] = logsumexp(of_draws, axis=(0, 1)) - np.log(of_draws[..., 0].size)
    return densities


def print_table(elpd, notes):
    first = next(iter(elpd))
    kinds = list(elpd[first])
    rows = [["model", *kinds, "p (LOO)", "unreliable"]]
    rows += [
        [name, *(f"{of_model[kind].sum():.1f}" for kind in kinds), *notes[name]]
        for name, of_model in elpd.items()
    ]
    print("\nelpd, all records; effective parameters; records with a large Pareto k")
    print(as_table(rows))
    rows = [[f"minus {first}", *kinds, "correlation"]]
    for name, of_model in list(elpd.items())[1:]:
        gains = [of_model[kind] - elpd[first][kind] for kind in kinds]
        cells = [f"{g.sum():+.1f} ± {np.sqrt(len(g)) * g.std():.1f}" for g in gains]
        rows.append([name, *cells, f"{np.corrcoef(gains[0], gains[1])[0, 1]:.3f}"])
    print("\ndifference ± standard error; correlation of LOO and random folds over the records")
    print(as_table(rows))


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parts = ["simulated", *OUTCOMES, "mice", "maize"]
    parser.add_argument("--parts", nargs="+", choices=parts, default=parts)
    parser.add_argument("--traits", nargs="+", default=["STA", "GTM"], help="of maize")
    parser.add_argument("--data-home", type=Path)
    parser.add_argument("--quick", action="store_true")
    return parser.parse_args()


def main():
    options = parse_options()
    n_iter, burn_in = (60, 20) if options.quick else (1500, 500)
    warnings.simplefilter("ignore", UserWarning)  # chains of folds are short
    print(describe_machine())
    with threadpool_limits(1):
        for part in options.parts:
            if part == "simulated":
                print("\nSimulated: 400 individuals, 300 SNPs, 3 omics")
                compare(simulated(), n_iter, burn_in)
            elif part in OUTCOMES:
                print(f"\nSimulated, {part}: 400 individuals, 300 SNPs, 3 omics, 20 % missing")
                compare(simulated_outcome(part), n_iter, burn_in)
            elif part == "mice":
                print("\nMice, HDL, adjusted for sex")
                compare(of_mice(options.data_home), n_iter, burn_in)
            else:
                for trait in options.traits:
                    print(f"\nMaize hybrids, {trait}; families: new dent and flint parents")
                    compare(of_maize(options.data_home, trait), n_iter, burn_in)


if __name__ == "__main__":
    main()
