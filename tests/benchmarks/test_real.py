"""`benchmarks/bench_real.py`: its mixed models, its folds and what all competitors are given."""

import numpy as np
import pytest
from scipy.optimize import check_grad
from scipy.stats import multivariate_normal

from benchmarks.real.blup import Problem, fit_blup
from benchmarks.real.cases import balanced, dealt, dosages, new_parents
from benchmarks.real.competitors import rotated


@pytest.fixture
def data():
    """A phenotype of 60 hybrids of a few parents, and kernels of fewer dimensions than that."""
    rng = np.random.default_rng(0)
    parents = rng.integers(0, 2, size=(15, 40)).astype(float)
    snps = parents[rng.integers(0, 7, 60)] + parents[rng.integers(7, 15, 60)]
    omics = snps @ rng.standard_normal((40, 12))
    kernels = [
        block @ block.T for block in (balanced(snps, scale=False) + balanced(omics, scale=True))
    ]
    covariance = 0.5 * kernels[0] + 0.5 * kernels[1] + np.eye(60)
    return 3 + multivariate_normal(cov=covariance).rvs(random_state=1), kernels


def test_blup_has_the_form_of_the_dense_mixed_model_equations(data):
    y, kernels = data
    model = fit_blup(y, kernels)
    V = np.eye(60) + sum(r * kernel for r, kernel in zip(model.ratios, kernels, strict=True))
    inverse = np.linalg.inv(V)
    mean = inverse.sum(axis=0) @ y / inverse.sum()
    assert model.mean == pytest.approx(mean)
    np.testing.assert_allclose(model.weighted_residual, inverse @ (y - mean), atol=1e-9)
    np.testing.assert_allclose(
        model.predict(kernels), mean + (V - np.eye(60)) @ inverse @ (y - mean), atol=1e-9
    )


def test_the_restricted_likelihood_is_that_of_contrasts(data):
    y, kernels = data
    problem = Problem(y, kernels)
    assert problem.basis.shape[1] < 60
    contrasts = np.linalg.qr(np.ones((60, 1)), mode="complete")[0][:, 1:]

    def dense(log_ratios):  # -2 log density of the contrasts, maximised over the variance
        V = np.eye(60) + sum(np.exp(r) * k for r, k in zip(log_ratios, kernels, strict=True))
        V, z = contrasts.T @ V @ contrasts, contrasts.T @ y
        scale = z @ np.linalg.solve(V, z) / 59
        return -2 * multivariate_normal(cov=scale * V).logpdf(z)

    points = [np.array([-0.5, 0.3]), np.array([1.0, -2.0])]
    values = np.array([[problem.deviance(x)[0], dense(x)] for x in points])
    assert np.diff(values[:, 0]) == pytest.approx(np.diff(values[:, 1]))
    for x in points:
        error = check_grad(lambda p: problem.deviance(p)[0], lambda p: problem.deviance(p)[1], x)
        assert error < 1e-3
    found = np.log(fit_blup(y, kernels).ratios)
    assert all(
        dense(found) <= dense(found + step) + 1e-6 for step in ([0.1, 0], [0, 0.1], [0, -0.1])
    )


def test_test_hybrids_share_no_parent_with_training_and_are_tested_once():
    rng = np.random.default_rng(0)
    parents = np.column_stack([rng.integers(0, 12, 80), rng.integers(100, 109, 80)])
    core = parents[:, 0] < 8
    sets = dealt(parents, core, 3, seed=0)
    folds = new_parents(sets, 3)
    for train, test in folds:
        assert len(train) > 0
        assert not np.isin(parents[train], parents[test]).any()
    np.testing.assert_array_equal(np.sort(np.concatenate([t for _, t in folds])), np.arange(80))


def test_blocks_have_variance_one_and_use_training_means_only():
    train = np.array([[0, 2, -1], [2, 2, 1], [1, 0, 0]], dtype=np.int8)
    filled, means = dosages(train)
    assert filled[0, 2] == means[2] == 0.5
    block, new = balanced(filled, np.array([[1.0, 1.0, 0.5]]), scale=True)
    assert block.var(axis=0).sum() == pytest.approx(1)
    np.testing.assert_allclose(block.mean(axis=0), 0, atol=1e-12)
    assert new[0, 0] == new[0, 2] == 0


def test_rotation_keeps_all_products():
    rng = np.random.default_rng(0)

    class Fold:
        snps = rng.standard_normal((8, 30)), rng.standard_normal((3, 30))

    train, test = rotated(Fold, ["snps"])
    np.testing.assert_allclose(train @ train.T, Fold.snps[0] @ Fold.snps[0].T, atol=1e-9)
    np.testing.assert_allclose(test @ train.T, Fold.snps[1] @ Fold.snps[0].T, atol=1e-9)
