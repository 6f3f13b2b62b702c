"""What own omics add to predictions for new families, and what tells it beforehand.

The gain is the accuracy of the two-kernel BLUP minus that of GBLUP. It is measured in folds of new
families, and within the training individuals of each of these folds by cross-validation, as a user
would: over folds of new families, and over random folds. For phenotypes simulated on the same
genotypes and omics the truth is known.
"""

from typing import NamedTuple

import numpy as np
from sklearn.model_selection import KFold

from benchmarks.real.blup import fit_blup
from benchmarks.real.cases import balanced, dosages
from benchmarks.reporting import as_table

INNER_PARTS = 2
RANDOM_FOLDS = 4
HERITABILITY = 0.6
N_COMPONENTS = (1, 2, 5, 10, 20, 40)
THROUGH_OMICS = {"none": 0.0, "half": 0.5, "all": 1.0}


def print_gains(cases):
    """Print the gain in folds of new families, and that seen within their training individuals.

    `cases` maps names of phenotypes to cases of the same individuals, with different folds.
    """
    rows = [["", "GBLUP", "gain", "seen: new families", "seen: random folds", "omics share"]]
    for name, dealings in cases.items():
        pair, y = kernels(dealings[0]), dealings[0].individuals.y
        found = []
        for case in dealings:
            for train, test in outer_folds(case):
                fold = gain(y, pair, train, test)
                ways = [
                    case.split(train, INNER_PARTS),
                    KFold(RANDOM_FOLDS, shuffle=True, random_state=0).split(np.arange(len(train))),
                ]
                within = [kernel[np.ix_(train, train)] for kernel in pair]
                seen = [np.mean([gain(y[train], within, *f).gain for f in way]) for way in ways]
                found.append([fold.gain, *seen, fold.gblup, fold.omics_share])
        *gains, gblup, share = np.transpose(found)
        rows.append([name, f"{gblup.mean():.3f}", *map(mean_and_se, gains), f"{share.mean():.2f}"])
    print(f"\nWhat own omics add to GBLUP: mean ± SE over folds\n\n{as_table(rows)}", flush=True)


def print_components(cases):
    """Print the gain by the number of principal components, standardised, in place of the omics."""
    rows = [["", "all omics", *map(str, N_COMPONENTS)]]
    for name, dealings in cases.items():
        snps, omics = blocks(dealings[0])
        components = np.linalg.svd(omics, full_matrices=False)[0]
        kinds = [omics, *(components[:, :n] * np.sqrt(len(omics) / n) for n in N_COMPONENTS)]
        pairs = [(snps @ snps.T, kind @ kind.T) for kind in kinds]
        y = dealings[0].individuals.y
        folds = [fold for case in dealings for fold in outer_folds(case)]
        rows.append([name])
        rows[-1] += [mean_and_se([gain(y, pair, *fold).gain for fold in folds]) for pair in pairs]
    print(
        "\nWhat own omics, or their first principal components, add to GBLUP: mean ± SE over "
        f"folds\n\n{as_table(rows)}",
        flush=True,
    )


def mean_and_se(values):
    return f"{np.mean(values):+.3f} ± {np.std(values, ddof=1) / np.sqrt(len(values)):.3f}"


def print_known_truth(case, n_simulations):
    """Print the gain for phenotypes simulated on the genotypes and omics of a case."""
    features, pair = blocks(case), kernels(case)
    rows = [["genetic variance through omics", "GBLUP", "gain", "its SD", "10 %", "90 %"]]
    rows[0] += ["omics share, SD"]
    for name, through_omics in THROUGH_OMICS.items():
        found = []
        for seed in range(n_simulations):
            y = simulated(features, through_omics, np.random.default_rng(seed))
            found.append(np.mean([gain(y, pair, *fold) for fold in outer_folds(case)], axis=0))
        (gblup, mean, share), (_, sd, share_sd) = np.mean(found, axis=0), np.std(found, axis=0)
        limits = np.quantile([each[1] for each in found], [0.1, 0.9])
        rows.append([name, f"{gblup:.3f}", f"{mean:+.3f}", f"{sd:.3f}"])
        rows[-1] += [*(f"{limit:+.3f}" for limit in limits), f"{share:.2f}, {share_sd:.2f}"]
    print(
        f"\nWhat own omics add to GBLUP, phenotypes of heritability {HERITABILITY} simulated "
        f"on the same hybrids: {n_simulations} simulations\n\n{as_table(rows)}",
        flush=True,
    )


def outer_folds(case):
    return case.split(np.arange(len(case.names)), case.n_parts)


def blocks(case):
    """Return SNPs and omics, centred and each of variance 1 in all.

    A kernel centred by more than the training individuals predicts the same: the mean absorbs it.
    """
    (snps,) = balanced(dosages(case.individuals.genotypes)[0], scale=False)
    (omics,) = balanced(case.individuals.omics, scale=True)
    return snps, omics


def kernels(case):
    return [block @ block.T for block in blocks(case)]


class Gain(NamedTuple):
    """Of one fold."""

    gblup: float
    gain: float
    omics_share: float


def gain(y, pair, train, test):
    """Return the accuracy of GBLUP, what the omics add, and their share of the variance."""
    accuracies = []
    for kernels in (pair[:1], pair):
        model = fit_blup(y[train], [kernel[np.ix_(train, train)] for kernel in kernels])
        predicted = model.predict([kernel[np.ix_(test, train)] for kernel in kernels])
        accuracies.append(np.corrcoef(predicted, y[test])[0, 1])
    return Gain(accuracies[0], accuracies[1] - accuracies[0], model.shares()[1])


def simulated(features, through_omics, rng):
    """Return a phenotype; `through_omics` of its genetic variance acts through the omics."""
    direct, mediated = (x @ rng.standard_normal(x.shape[1]) for x in features)
    genetic = np.sqrt(1 - through_omics) * direct + np.sqrt(through_omics) * mediated
    noise = rng.standard_normal(len(genetic))
    return np.sqrt(HERITABILITY) * genetic / genetic.std() + np.sqrt(1 - HERITABILITY) * noise
