"""A data set whose posterior has many modes that no chain leaves, and that no user could miss."""

import numpy as np

from sknnmm.priors import BayesC, ScaledInverseChi2

N_RECORDED, N_CANDIDATES, N_SNPS = 50, 50, 40


def bimodal_case():
    """Return genotypes, y and parameters of NNMMRegressor for which chains truly disagree.

    All SNPs are copies of one in the rows with y, but not in the rows without. The prior lets in
    one of them, and any will do: a chain takes one in its first iterations, which cuts the residual
    variance in half, and no other has a chance from then on. So chains agree on the genetic values
    of the rows with y (the first N_RECORDED), and not on those of the others, which are as
    identified as any prediction is. That two chains take the same SNP has a probability of a few
    per cent.

    Returns
    -------
    X : ndarray of shape (100, 40), int8
    y : ndarray of shape (100,)
        NaN in the last 50 rows.
    parameters : dict
    """
    rng = np.random.default_rng(0)
    causal = rng.permutation(np.repeat([0, 1, 2], [10, 26, 14]))
    X = np.empty((N_RECORDED + N_CANDIDATES, N_SNPS), np.int8)
    X[:N_RECORDED] = causal[:, None]
    X[N_RECORDED:] = rng.permuted(np.repeat(X[:N_RECORDED, :1], N_SNPS, axis=1), axis=0)
    y = np.full(len(X), np.nan)
    y[:N_RECORDED] = causal + 0.1 * rng.standard_normal(N_RECORDED)
    parameters = {
        "method": BayesC(pi=1 - 2**-52, estimate_pi=False, scale=1.0, estimate_variance=False),
        "residual_prior": ScaledInverseChi2(df=50, scale=0.7),
        "n_iter": 300,
        "burn_in": 100,
    }
    return X, y, parameters
