"""Posterior probabilities of SNPs and of sets of them, over data drawn from the prior.

Given the data, a reported SNP or set is true with the probability that is reported. So what is true
and the sum of the probabilities differ by chance alone, whichever of them are reported.
"""

import numpy as np
import pytest
from scipy.stats import norm

from sknnmm import NNMMRegressor
from sknnmm.association import credible_sets, snp_table, windows
from sknnmm.priors import BayesC, ScaledInverseChi2

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
]

N, P, PI, V, S2 = 150, 60, 0.95, 0.3, 1.0
SIMULATIONS = 60
WIDTH = 10  # of windows


def linked_genotypes(rng):
    """Return genotypes of three chromosomes with strongly correlated neighbours."""
    z = rng.standard_normal((2 * N, 3, P // 3))
    for j in range(1, P // 3):
        z[..., j] = 0.95 * z[..., j - 1] + np.sqrt(1 - 0.95**2) * z[..., j]
    alleles = z < norm.ppf(rng.uniform(0.2, 0.5, (3, P // 3)))
    return alleles.reshape(2, N, P).sum(axis=0).astype(np.int8)


def one_simulation(seed):
    """Return (probability, whether it is true) of the SNPs, the windows and the credible sets."""
    rng = np.random.default_rng(seed)
    X = linked_genotypes(rng)
    effects = np.where(rng.random(P) < PI, 0, rng.normal(size=P) * np.sqrt(V))
    y = X @ effects + rng.normal(size=N) * np.sqrt(S2)
    fixed = {"estimate_variance": False}
    model = NNMMRegressor(
        BayesC(pi=PI, estimate_pi=False, scale=V / y.var(), **fixed),
        residual_prior=ScaledInverseChi2(scale=S2 / y.var(), **fixed),
        n_iter=2000,
        burn_in=300,
        random_state=seed,
    ).fit(X, y)
    acts = effects != 0
    snps = snp_table(model)["inclusion_probability"], acts
    table = windows(model, X, window=WIDTH, threshold=0.1)
    x = X - X.mean(axis=0)
    of_windows = (x * effects).reshape(N, -1, WIDTH).sum(axis=2).var(axis=0)
    total = (x @ effects).var()
    explains = of_windows > 0.1 * total if total > 0 else np.zeros(P // WIDTH, bool)
    sets = credible_sets(model, X, coverage=0.9)
    holds = [acts[[int(name[4:]) for name in names]].any() for names in sets["snps"]]
    return snps, (table["wppa"], explains), (sets["probability"], holds)


@pytest.fixture(scope="module")
def results():
    simulations = [one_simulation(seed) for seed in range(SIMULATIONS)]
    return [
        tuple(np.concatenate(parts).astype(float) for parts in zip(*of_kind, strict=True))
        for of_kind in zip(*simulations, strict=True)
    ]


@pytest.mark.parametrize("kind", [0, 1, 2], ids=["SNPs", "windows", "credible sets"])
def test_what_is_probable_is_as_often_true(results, kind):
    probability, true = results[kind]
    for low, high in [(0, 1.01), (0.01, 0.5), (0.5, 0.9), (0.9, 1.01)]:
        own = (probability >= low) & (probability < high)
        if own.sum() < 20:
            continue
        p = np.clip(probability[own], 0.001, 0.999)
        assert abs(true[own].sum() - p.sum()) < 3.5 * np.sqrt((p * (1 - p)).sum()) + 1


def test_sets_are_found_and_hold_an_effect(results):
    probability, holds = results[2]
    assert len(probability) > SIMULATIONS / 2
    # 90 % are asked for; what is reported has more
    assert holds.mean() > 0.9
