"""Breeding values that are more than those of the SNPs: polygenic effects, single-step."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from sknnmm import NNMMRegressor
from sknnmm.effects import Fixed, Random
from sknnmm.relationship import Pedigree

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
N, P = 60, 8


@pytest.fixture(scope="module")
def family():
    """Return X, y, covariates and an omic of offspring of eight sires, and their pedigree."""
    rng = np.random.default_rng(5)
    ids = [f"calf {k}" for k in range(N)]
    sires = [f"bull {s}" for s in rng.integers(0, 8, N)]
    table = pd.DataFrame({"id": ids, "sire": sires, "dam": None})
    pedigree = Pedigree.from_frame(table, "id", "sire", "dam")
    X = pd.DataFrame(rng.integers(0, 3, (N, P)).astype(np.int8), ids).add_prefix("rs")
    polygenic = pedigree.factor_product(rng.standard_normal(len(pedigree)))
    own = polygenic[pedigree.levels(ids)]
    y = pd.Series(X["rs0"] + 1.5 * own + rng.standard_normal(N), ids)
    covariates = pd.DataFrame(
        {"animal": ids, "J": rng.uniform(-1, 0, N), "pen": np.arange(N) % 6}, ids
    )
    omics = pd.DataFrame({"HDL": X["rs1"] + own + rng.standard_normal(N)}, ids)
    return X, y, covariates, omics, pedigree


def fitted(X, y, covariates, pedigree, omics=None, **settings):
    effects = [Fixed("J"), Random("animal", relationship=pedigree), Random("pen")]
    chain = {"n_iter": 300, "burn_in": 100, "n_chains": 1, "random_state": 0}
    model = NNMMRegressor("RR-BLUP", effects=effects, precision="double", **(chain | settings))
    return model.fit(X, y, omics=omics, covariates=covariates)


@pytest.fixture(scope="module")
def model(family):
    X, y, covariates, _, pedigree = family
    return fitted(X, y, covariates, pedigree)


def test_total_is_that_of_the_draws(family, model):
    """Mean and SD of SNPs and polygenic effect together; reliability by the components."""
    X, _, covariates, _, pedigree = family
    table = model.breeding_values(X, covariates)
    draws = model.posterior_.draws
    effects = draws["direct_effects"].reshape(-1, P)
    total = (X.to_numpy() - X.to_numpy().mean(axis=0)) @ effects.T
    total += draws["animal_effects"].reshape(len(effects), -1)[:, pedigree.levels(X.index)].T
    assert_allclose(table["breeding_value"], total.mean(axis=1), atol=1e-5)
    assert_allclose(table["sd"], total.std(axis=1), rtol=1e-5)
    components = model.variance_components_.loc["phenotype", "y"]["mean"]
    variance = components["SNPs"] + components["animal"] * pedigree.diagonal[-N:].mean()
    assert_allclose(table["reliability"], np.maximum(1 - table["sd"] ** 2 / variance, 0))
    assert_allclose(table["direct"], table["breeding_value"], rtol=1e-12)
    of_snps = model.breeding_values(X)["reliability"]
    assert table["reliability"].mean() > 0.3
    assert not np.allclose(of_snps, table["reliability"])


def test_levels_that_are_missing_or_new(family, model):
    """A missing one has no effect, as of genotyped animals in single-step; of a new one nothing
    is known but its variance.
    """
    X, _, covariates, _, pedigree = family
    alone = model.breeding_values(X)
    missing = model.breeding_values(X, covariates.assign(animal=None))
    assert_allclose(missing["sd"], alone["sd"])
    assert_allclose(missing["breeding_value"], alone["breeding_value"])
    new = model.breeding_values(X, covariates.assign(animal="a stranger"))
    assert_allclose(new["breeding_value"], alone["breeding_value"])
    variance = model.posterior_.draws["animal_variance"].mean() * pedigree.diagonal.mean()
    assert_allclose(new["sd"] ** 2, alone["sd"] ** 2 + variance, rtol=1e-6)


def test_what_is_genetic_can_be_named(family, model):
    """Of the covariates, J alone is read then; without a relationship a name is needed."""
    X, _, covariates, _, _ = family
    alone, table = (
        model.breeding_values(X, *how)["breeding_value"] for how in ((), (covariates[["J"]], ["J"]))
    )
    effect = model.fixed_effects_.loc["J", ("y", "mean")]
    assert_allclose(table - alone, effect * (covariates["J"] - covariates["J"].mean()), atol=1e-8)
    pens = model.breeding_values(X, covariates, ["pen"])["breeding_value"] - alone
    expected = model.random_effects_["pen"]["y", "mean"][covariates["pen"]]
    assert_allclose(pens, expected.to_numpy(), atol=1e-8)


@pytest.mark.parametrize("activation", ["linear", "tanh"])
def test_effects_on_omics_are_mediated(family, activation):
    """The total is a difference of predictions; of a nonlinear network without reliability."""
    X, y, covariates, omics, pedigree = family
    model = fitted(X, y, covariates, pedigree, omics, activation=activation)
    table = model.breeding_values(X, covariates)
    alone = model.breeding_values(X)
    assert_allclose(table["direct"] + table["mediated"], table["breeding_value"], atol=1e-8)
    assert table["reliability"].isna().all() == (activation == "tanh")
    assert (table["mediated"] - alone["mediated"]).std() > 0
    if activation == "linear":
        known = model.predict(X, covariates=covariates)
        unknown = model.predict(X, covariates=covariates.assign(animal=None))
        assert_allclose(table["breeding_value"] - alone["breeding_value"], known - unknown)
        assert table["reliability"].between(0.05, 1).all()


def test_columns_of_x(family):
    """With covariate_features the columns of X count once a genetic term is named."""
    X, y, covariates, _, pedigree = family
    X_all = pd.concat([X, covariates], axis=1)
    model = fitted(X_all, y, None, pedigree, covariate_features=["animal", "J", "pen"])
    beside = fitted(X, y, covariates, pedigree)
    pd.testing.assert_frame_equal(model.breeding_values(X_all), beside.breeding_values(X))
    pd.testing.assert_frame_equal(
        model.breeding_values(X_all, genetic=["animal"]), beside.breeding_values(X, covariates)
    )


@pytest.mark.parametrize(
    ("covariates", "genetic", "message"),
    [
        (lambda t: None, ["animal"], "covariates are missing: pass a table with the columns 'anim"),
        (lambda t: t[["J"]], None, "covariates lacks the columns 'animal'"),
        (lambda t: t, ["herd"], "genetic has 'herd', but the model has random effects .*animal"),
        (lambda t: t.assign(J=np.nan), ["J"], "covariates has NaN or infinity in J"),
        (lambda t: t.iloc[::-1], None, "different indexes"),
    ],
)
def test_what_is_refused(covariates, genetic, message, family, model):
    X, _, table, _, _ = family
    with pytest.raises(ValueError, match=message):
        model.breeding_values(X, covariates(table), genetic)
    with pytest.raises(TypeError, match="list of names"):
        model.breeding_values(X, table, "animal")


def test_without_a_relationship_nothing_is_genetic(family):
    X, y, covariates, _, _ = family
    model = NNMMRegressor(effects=[Random("pen")], n_iter=20, burn_in=10, n_chains=1)
    model.fit(X, y, covariates=covariates[["pen"]])
    with pytest.raises(ValueError, match="no random effect of the model has a relationship"):
        model.breeding_values(X, covariates[["pen"]])
