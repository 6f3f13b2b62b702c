"""Random effects through the estimator: results, predictions, saved fits."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy import sparse
from sklearn.base import clone
from skops import io as skops_io

from sknnmm import NNMMRegressor
from sknnmm.effects import Fixed, Random
from sknnmm.persistence import TRUSTED_TYPES
from sknnmm.relationship import Pedigree, Relationship

N, N_LEVELS = 120, 12


@pytest.fixture(scope="module")
def herds():
    """Return X, y, an omic, covariates, and the true effects of herds on y (SD 2)."""
    rng = np.random.default_rng(7)
    X = rng.integers(0, 3, (N, 30)).astype(np.int8)
    codes = np.arange(N) % N_LEVELS
    effects = 2 * rng.standard_normal(N_LEVELS)
    sex = np.where(np.arange(N) % 2, "male", "female")
    omics = pd.DataFrame({"HDL": 5 + X[:, 0] + rng.standard_normal(N)})
    omics.iloc[::5] = np.nan
    y = 100 + X[:, 1] + effects[codes] + (sex == "male") + rng.standard_normal(N)
    covariates = pd.DataFrame(
        {
            "herd": np.array([f"herd {k:02d}" for k in range(N_LEVELS)], object)[codes],
            "sex": sex,
            "age": rng.uniform(-1, 1, N),
        }
    )
    return X, y, omics, covariates, effects


def model(**parameters):
    chain = {"n_iter": 300, "burn_in": 100, "n_chains": 2, "random_state": 0}
    return NNMMRegressor(**(chain | parameters))


@pytest.fixture(scope="module")
def fitted(herds):
    X, y, omics, covariates, _ = herds
    effects = [Fixed("sex"), Random("herd"), Random("herd", slope="age", name="growth")]
    return model(effects=effects).fit(X, y, omics=omics, covariates=covariates)


def test_effects_of_levels_are_found(herds, fitted):
    """In units of y, by level and response, close to the truth and shrunken."""
    table = fitted.random_effects_["herd"]
    assert list(table.index) == [f"herd {k:02d}" for k in range(N_LEVELS)]
    assert list(table.columns) == [
        ("y", "mean"), ("y", "sd"), ("y", "reliability"),
        ("HDL", "mean"), ("HDL", "sd"), ("HDL", "reliability"),
    ]  # fmt: skip
    variance = fitted.posterior_.draws["herd_variance"].mean()
    assert_allclose(table["y", "reliability"], 1 - table["y", "sd"] ** 2 / variance)
    assert table["y", "reliability"].min() > 0.5
    mean = table["y", "mean"]
    truth = herds[4] - herds[4].mean()
    assert np.corrcoef(mean, truth)[0, 1] > 0.9
    assert np.abs(table["HDL", "mean"]).max() < 1


def test_variance_components_add_up(fitted):
    """Shares of a response add up to one; the components are those of the draws."""
    table = fitted.variance_components_
    assert_allclose(table["share"].groupby(level=[0, 1]).sum(), 1)
    posterior = fitted.posterior_.draws
    weights = posterior["omics_weights"][..., 0] / fitted.omics_scale_[0]
    through = weights**2 * posterior["omics_herd_variance"][..., 0]
    draws = posterior["herd_variance"] + through
    row = table.loc["phenotype", "y", "herd"]
    assert_allclose([row["mean"], row["50%"]], [draws.mean(), np.median(draws)])
    assert through.mean() > 0
    genetic = fitted.posterior_.draws["genetic_variance"].mean()
    assert_allclose(table.loc[("phenotype", "y", "SNPs"), "mean"], genetic)
    assert 1 < row["mean"] < 12  # 4
    assert fitted.diagnostics_.loc["herd_variance", "target"]


def test_predictions_use_the_levels(herds, fitted):
    """A level adds its effect; one that is new or missing adds nothing, and its variance."""
    X, _, omics, covariates, _ = herds
    rows = slice(0, N_LEVELS)
    known, sd = fitted.predict(
        X[rows], omics=omics[rows], covariates=covariates[rows], return_std=True
    )
    new = covariates[rows].assign(herd="none of these")
    unknown, unknown_sd = fitted.predict(
        X[rows], omics=omics[rows], covariates=new, return_std=True
    )
    missing = fitted.predict(X[rows], omics=omics[rows], covariates=new.assign(herd=None))
    assert_allclose(missing, unknown)
    given = omics[rows].notna().to_numpy().ravel()  # else herds act through the omic too
    effects = fitted.random_effects_
    added = effects["herd"]["y", "mean"] + covariates["age"][:N_LEVELS].to_numpy() * (
        effects["growth"]["y", "mean"].to_numpy()
    )
    assert_allclose((known - unknown)[given], added.to_numpy()[given], atol=1e-8)
    assert (unknown_sd > sd).all()


def test_records_of_a_new_level_share_its_effect(herds, fitted):
    """Posterior predictive draws are joint; missing levels are all different."""
    X, _, omics, covariates, _ = herds
    complete = np.flatnonzero(omics["HDL"].notna())[:6]
    rows = np.repeat(complete[:1], 6)
    new = covariates.iloc[rows].assign(herd=["a", "a", "b", "b", None, None], age=0.0)
    draws = fitted.sample_posterior_predictive(
        X[rows], omics=omics.iloc[rows], covariates=new, n_draws=4000, random_state=0
    )
    correlations = np.corrcoef(draws)
    row = fitted.variance_components_.loc["phenotype", "y"]["mean"]
    direct = fitted.posterior_.draws["herd_variance"].mean()
    expected = direct / (direct + row["residual"])
    assert abs(correlations[0, 1] - expected) < 0.15
    assert abs(correlations[2, 3] - expected) < 0.15
    assert np.abs(correlations[[0, 0, 4], [2, 4, 5]]).max() < 0.15


def test_missing_omics_get_the_effects_of_their_levels(herds):
    """With nothing given, y moves by weight times effect on the omic, in every draw."""
    X, y, omics, covariates, _ = herds
    own = [Random("herd", layer="omics")]
    fit = model(effects=own, direct_effects=False).fit(
        X, y, omics=omics, covariates=covariates[["herd"]]
    )
    new = pd.DataFrame({"herd": ["none of these"] * N_LEVELS})
    difference = fit.predict(X[:N_LEVELS], covariates=covariates[["herd"]][:N_LEVELS])
    difference -= fit.predict(X[:N_LEVELS], covariates=new)
    draws = fit.posterior_.draws
    weights = draws["omics_weights"][..., 0] / fit.omics_scale_[0]
    expected = (weights[..., None] * draws["omics_herd_effects"][..., 0]).mean(axis=(0, 1))
    assert_allclose(difference, expected, rtol=1e-5)
    assert list(fit.random_effects_["herd"].columns.levels[0]) == ["HDL"]


def test_a_saved_model_predicts_the_same(herds, fitted):
    X, _, omics, covariates, _ = herds
    loaded = skops_io.loads(skops_io.dumps(fitted), trusted=TRUSTED_TYPES)
    predicted = [m.predict(X, omics=omics, covariates=covariates) for m in (fitted, loaded)]
    np.testing.assert_array_equal(*predicted)
    pd.testing.assert_frame_equal(loaded.random_effects_["herd"], fitted.random_effects_["herd"])


def bulls_of(n_sires):
    return [f"bull {s}" for s in range(n_sires)]


@pytest.mark.parametrize("dense", [False, True])
def test_relatives_without_records_have_effects(dense):
    """Of a pedigree: the effect of a parent without records is that of its records' offspring."""
    n_sires, n_offspring = 15, 8
    rng = np.random.default_rng(2)
    sires = np.repeat(np.arange(n_sires), n_offspring)
    true = rng.standard_normal(n_sires)
    ids = [f"calf {k}" for k in range(len(sires))]
    table = pd.DataFrame(
        {
            "id": ids,
            "sire": np.array(bulls_of(n_sires))[sires],
            "dam": [f"cow {k}" for k in range(len(ids))],
        }
    )
    pedigree = Pedigree.from_frame(table, "id", "sire", "dam")
    relationship = pedigree
    if dense:
        relationship = Relationship(np.asarray(pedigree.relationship()), pedigree.ids)
    y = 1.5 * true[sires] + rng.standard_normal(len(sires))
    X = rng.integers(0, 3, (len(sires), 3)).astype(np.int8)
    fit = model(effects=[Random("animal", relationship=relationship)]).fit(
        X, y, covariates=pd.DataFrame({"animal": ids})
    )
    effects = fit.random_effects_["animal"]["y", "mean"]
    bulls = effects[bulls_of(n_sires)].to_numpy()
    assert np.corrcoef(bulls, true)[0, 1] > 0.8
    assert len(effects) == len(pedigree.ids)
    table = fit.random_effects_["animal"]["y"]
    of_level = fit.posterior_.draws["animal_variance"].mean() * relationship.diagonal
    assert_allclose(table["reliability"], np.maximum(1 - table["sd"] ** 2 / of_level, 0))
    assert table["reliability"][bulls_of(n_sires)].mean() > 0.3
    parents = fit.predict(X[:1], covariates=pd.DataFrame({"animal": ["bull 3"]}))
    unrelated = fit.predict(X[:1], covariates=pd.DataFrame({"animal": ["a stranger"]}))
    assert_allclose(parents - unrelated, effects["bull 3"], atol=1e-8)


def test_continued_fit_is_that_of_one(herds, tmp_path):
    """A warm start and a checkpoint end with the bits of one fit, for any number of jobs."""
    X, y, omics, covariates, _ = herds
    effects = [Random("herd")]
    data = {"X": X, "y": y, "omics": omics, "covariates": covariates[["herd"]]}
    one = model(effects=effects, n_iter=60, burn_in=20, n_jobs=2).fit(**data)
    two = model(effects=effects, n_iter=40, burn_in=20, warm_start=True, checkpoint=tmp_path)
    two.fit(**data)
    two.set_params(n_iter=60).fit(**data)
    for name in ("herd_effects", "omics_herd_effects", "herd_variance"):
        np.testing.assert_array_equal(one.posterior_.draws[name], two.posterior_.draws[name])
    other = covariates[["herd"]].iloc[::-1].reset_index(drop=True)
    with pytest.raises(ValueError, match="covariates"):
        two.set_params(n_iter=80).fit(X, y, omics=omics, covariates=other)


def test_levels_are_told_apart_by_value_and_type(herds):
    """Large whole numbers keep their digits; numbers that were text are refused in predict."""
    X, y, _, _, _ = herds
    numbers = pd.DataFrame({"herd": 2**53 + np.arange(N) % N_LEVELS})
    fit = model(effects=[Random("herd")], n_iter=30, burn_in=10).fit(X, y, covariates=numbers)
    assert len(fit.random_effects_["herd"]) == N_LEVELS
    text = model(effects=[Random("herd")], n_iter=30, burn_in=10)
    text.fit(X, y, covariates=numbers.astype(str))
    with pytest.raises(ValueError, match=r"no level of the fit.*same type"):
        text.predict(X, covariates=numbers)
    with pytest.raises(ValueError, match="digits are lost"):
        model(effects=[Random("herd")]).fit(X, y, covariates=numbers * 1.5)
    days = pd.Categorical(pd.Timestamp("2026-01-01") + pd.to_timedelta(np.arange(N) % 3, "D"))
    fit = model(effects=[Random("day")], n_iter=30, burn_in=10)
    fit.fit(X, y, covariates=pd.DataFrame({"day": days}))
    skops_io.loads(skops_io.dumps(fit), trusted=TRUSTED_TYPES)
    assert fit.random_effects_["day"].index[0].startswith("2026-01-01")


def test_levels_without_records_say_nothing(herds):
    """With a warning; the effects follow their prior."""
    X, y, _, covariates, _ = herds
    own = covariates[["herd"]].assign(herd=np.where(np.arange(N) < 20, covariates["herd"], None))
    y = np.where(np.arange(N) < 20, np.nan, y)
    with pytest.warns(UserWarning, match="say nothing"):
        fit = model(effects=[Random("herd")]).fit(X, y, covariates=own)
    effects = fit.random_effects_["herd"]["y"]
    assert np.abs(effects["mean"] / effects["sd"]).max() < 0.5


def test_components_of_a_network_without_genetic_variance(herds):
    """Draws in which no SNP has an effect count."""
    X, _, omics, _, _ = herds
    y = np.random.default_rng(0).standard_normal(N)
    fit = model(n_chains=1).fit(X[:, :3], y, omics=omics)
    assert (fit.posterior_.draws["genetic_variance"] == 0).any()
    table = fit.variance_components_
    assert table.notna().all(axis=None)
    assert_allclose(table.loc["phenotype", "y"]["share"].sum(), 1)


@pytest.mark.parametrize(
    ("effects", "message"),
    [
        ([Random("herd"), Random("herd")], "several Random terms called"),
        ([Random("herd", name="residual")], "name of another part"),
        ([Random("herd", name="SNPs")], "name of another part"),
        ([Random("herd", name="omics_herd")], "name of another part"),
        ([Random("barn")], "barn"),
        ([Random("herd", slope="sex")], "must be numeric"),
        ([Random("herd", relationship=Relationship(np.eye(2), ["a", "b"]))], "does not"),
    ],
)
def test_refused_before_sampling(herds, effects, message):
    X, y, omics, covariates, _ = herds
    with pytest.raises(ValueError, match=message):
        model(effects=effects).fit(X, y, omics=omics, covariates=covariates)


def test_reliability_needs_the_variance_of_the_levels(herds):
    """Which is not computed of a sparse inverse, unless the prior needs it."""
    X, y, _, covariates, _ = herds
    levels = sorted(set(covariates["herd"]))
    inverse = Relationship(sparse.eye_array(N_LEVELS, format="csc"), levels, inverse=True)
    for scale in (0.5, "auto"):
        effect = Random("herd", relationship=inverse, scale=scale)
        fit = model(effects=[effect], n_iter=30, burn_in=10)
        table = fit.fit(X, y, covariates=covariates[["herd"]]).random_effects_["herd"]["y"]
        assert table["reliability"].isna().all() == (scale == 0.5)


def test_terms_that_are_switched_off(herds):
    """With layer=None the columns are not used, whatever they hold, and not needed in predict."""
    X, y, _, covariates, _ = herds
    chain = {"n_iter": 30, "burn_in": 10}
    without = model(effects=[Random("herd")], **chain).fit(X, y, covariates=covariates[["herd"]])
    off = [Fixed("sex + age", layer=None), Random("herd"), Random("pen", layer=None)]
    gaps = covariates.assign(age=np.nan, pen=None)
    fit = model(effects=off, **chain).fit(X, y, covariates=gaps)
    np.testing.assert_array_equal(fit.genetic_values_, without.genetic_values_)
    assert list(fit.random_effects_) == ["herd"] and fit.fixed_effects_.empty
    new = covariates[["herd"]]
    np.testing.assert_array_equal(
        fit.predict(X, covariates=new), without.predict(X, covariates=new)
    )
    on = clone(fit).set_params(effects__1__layer=None).fit(X, y, covariates=gaps)
    assert not on.random_effects_
    np.testing.assert_array_equal(on.predict(X), model(**chain).fit(X, y).predict(X))
