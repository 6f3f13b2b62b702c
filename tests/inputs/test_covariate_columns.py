"""Covariates as columns of X: the same fit as with covariates beside X, and no routing needed."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn
from numpy.testing import assert_array_equal
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.feature_selection import SelectFromModel
from sklearn.model_selection import cross_val_score, cross_validate
from sklearn.pipeline import make_pipeline

from sknnmm.effects import Fixed
from sknnmm.metrics import predictive_correlation_scorer
from sknnmm.preprocessing import MinorAlleleFrequencySelector

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

SNPS = [f"rs{j}" for j in range(24)]
OMICS = ["gene_a", "gene_b", "gene_c"]
COVARIATES = ["sex", "age"]
CHOICES = {
    "names": COVARIATES,
    "names in another order": COVARIATES[::-1],
    "positions": [10, 28],
    "from the end": [-1, -19],
    "mask": np.isin(np.arange(29), [10, 28]),
    "selector": make_column_selector(pattern="^sex$|^age$"),
}


@pytest.fixture(scope="module")
def tables(data):
    """Return genotypes, omics and covariates."""
    covariates = pd.DataFrame(
        {
            "sex": np.array(["F", "M"])[data.covariates[:, 1].astype(int)],
            "age": data.covariates[:, 0],
        }
    )
    return pd.DataFrame(data.X, columns=SNPS), pd.DataFrame(data.gappy, columns=OMICS), covariates


@pytest.fixture(scope="module")
def frame(tables):
    """Return all in one table, the covariates apart from each other."""
    genotypes, omics, covariates = tables
    parts = [genotypes.iloc[:, :10], covariates[["sex"]], omics, genotypes.iloc[:, 10:]]
    return pd.concat([*parts, covariates[["age"]]], axis=1)


@pytest.fixture(scope="module")
def beside(tables, data, short):
    genotypes, omics, covariates = tables
    model = short(effects=[Fixed("sex * age")])
    return model.fit(genotypes, data.y, omics, covariates), genotypes, omics, covariates


@pytest.mark.parametrize("choice", CHOICES)
def test_same_fit_as_with_covariates_beside(choice, data, frame, beside, short):
    expected, genotypes, omics, covariates = beside
    model = short(
        effects=[Fixed("sex * age")], omics_features=OMICS, covariate_features=CHOICES[choice]
    ).fit(frame, data.y)
    assert_array_equal(model.coef_, expected.coef_)
    assert model.fixed_effects_.shape == (3, 8)
    assert list(model.snp_names_) == SNPS and list(model.omics_names_) == OMICS
    assert list(model.feature_names_in_) == list(frame) and model.n_features_in_ == 29
    assert_array_equal(model.predict(frame), expected.predict(genotypes, omics, covariates))
    unmeasured = frame.drop(columns=OMICS)
    assert_array_equal(
        model.predict(unmeasured), expected.predict(genotypes, covariates=covariates)
    )
    assert model.score(frame, data.y) == expected.score(genotypes, data.y, omics, covariates)
    for X in (frame, unmeasured, genotypes, frame.drop(columns="age")):
        assert_array_equal(model.breeding_value(X), expected.breeding_value(genotypes))
        assert_array_equal(model.predict_omics(X), expected.predict_omics(genotypes))


def test_tables_of_polars_and_arrays_of_objects(data, frame, tables, short):
    genotypes, omics, covariates = tables
    choice = {"omics_features": [11, 12, 13], "covariate_features": [10, 28]}
    pl.Series(["M", "F"], dtype=pl.Categorical)  # the order of their first appearance is not used
    categories = pl.from_pandas(frame).cast({"sex": pl.Categorical})
    model = short(**choice).fit(categories, data.y)
    assert_array_equal(model.predict(pl.from_pandas(frame)), model.predict(frame))
    by_name = short().fit(genotypes, data.y, omics, covariates)
    assert_array_equal(model.coef_, by_name.coef_)
    array = frame.where(frame.notna(), np.nan).to_numpy(object)
    model = short(**choice).fit(array, data.y)
    assert list(model.fixed_effects_.index) == ["covariate_0[T.M]", "covariate_1"]
    assert_array_equal(model.coef_, by_name.coef_)
    assert_array_equal(model.predict(array), by_name.predict(genotypes, omics, covariates))


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"covariate_features": ["sex", "herd"]}, "covariate_features has names that are not"),
        ({"covariate_features": []}, "selects no column of X; pass None if there are no covar"),
        ({"covariate_features": [29]}, "covariate_features has position 29 but X has 29 columns"),
        ({"covariate_features": [True]}, "covariate_features is a mask of length 1"),
        ({"covariate_features": [1.5]}, "covariate_features must be names, integer positions"),
        (
            {"covariate_features": ["sex", "age"], "omics_features": [*OMICS, "age"]},
            "omics_features and covariate_features both name the column 'age'",
        ),
        (
            {"covariate_features": slice(None, 14), "omics_features": slice(14, None)},
            "omics_features and covariate_features selects every column of X",
        ),
    ],
)
@pytest.mark.usefixtures("no_sampling")
def test_wrong_choices_are_named(parameters, message, data, frame, short):
    with pytest.raises(ValueError, match=message):
        short(**parameters).fit(frame, data.y)


@pytest.mark.usefixtures("no_sampling")
def test_covariates_in_two_places_are_refused(data, frame, tables, short):
    model = short(covariate_features=COVARIATES)
    with pytest.raises(ValueError, match="covariates were passed to fit, but covariate_features"):
        model.fit(frame.drop(columns=OMICS), data.y, covariates=tables[2])


def test_what_predict_refuses(data, frame, tables, short):
    model = short(covariate_features=COVARIATES, omics_features=OMICS).fit(frame, data.y)
    with pytest.raises(ValueError, match=r"(?s)feature names.*missing.*age"):
        model.predict(frame.drop(columns="age"))
    with pytest.raises(ValueError, match=r"covariates were passed beside X.*covariate_features"):
        model.predict(frame, covariates=tables[2])
    with pytest.raises(ValueError, match=r"'sex' has levels without data in fit: Q \(rows 3\)"):
        model.predict(frame.assign(sex=np.where(frame.index == 3, "Q", frame["sex"])))


def test_scikit_learn_needs_no_routing(data, frame, short):
    """The scores are those with omics and covariates beside X and routing."""
    model = short(omics_features=OMICS, covariate_features=COVARIATES)
    scores = cross_val_score(model, frame, data.y, cv=2, scoring=predictive_correlation_scorer)
    assert (scores > 0.5).all()
    with sklearn.config_context(enable_metadata_routing=True):
        routed = cross_validate(
            short().set_fit_request(omics=True, covariates=True),
            frame[SNPS],
            data.y,
            cv=2,
            params={"omics": frame[OMICS], "covariates": frame[COVARIATES]},
            scoring=predictive_correlation_scorer.set_score_request(omics=True, covariates=True),
        )
    assert_array_equal(scores, routed["test_score"])


def test_pipelines_select_the_snps_alone(data, frame, short):
    select = make_column_transformer(
        (MinorAlleleFrequencySelector(0.3), SNPS),
        remainder="passthrough",
        verbose_feature_names_out=False,
    ).set_output(transform="pandas")
    model = short(omics_features=OMICS, covariate_features=COVARIATES)
    pipeline = make_pipeline(select, model).fit(frame, data.y)
    kept = pipeline[-1].snp_names_
    assert 5 < len(kept) < 24
    alone = short().fit(frame[kept], data.y, frame[OMICS], frame[COVARIATES])
    assert_array_equal(
        pipeline.predict(frame), alone.predict(frame[kept], frame[OMICS], frame[COVARIATES])
    )


def test_selectors_by_importance_are_refused(data, frame, short):
    model = short(omics_features=OMICS, covariate_features=COVARIATES)
    with pytest.raises(ValueError, match="covariate_features names have no importance"):
        SelectFromModel(model).fit(frame, data.y).transform(frame)
    assert not hasattr(model.fit(frame, data.y), "feature_importances_")
