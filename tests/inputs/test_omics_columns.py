"""Omics as columns of X: the same fit as with omics beside X, and no routing needed."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.compose import make_column_selector
from sklearn.inspection import permutation_importance
from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

OMICS = ["gene_a", "gene_b", "gene_c"]
SNPS = [f"rs{j}" for j in range(24)]

# Genotypes keep their memory layout, which pandas chooses; in single precision fits to different
# layouts differ by more than the tolerances here.
PRECISE = {"precision": "double"}


@pytest.fixture(scope="module")
def frame(data):
    """Return genotypes (int8) with the omics between them."""
    genotypes = pd.DataFrame(data.X, columns=SNPS)
    omics = pd.DataFrame(data.gappy, columns=OMICS)
    return pd.concat([genotypes.iloc[:, :10], omics, genotypes.iloc[:, 10:]], axis=1)


@pytest.fixture(scope="module")
def beside(data, short):
    return short(**PRECISE).fit(pd.DataFrame(data.X, columns=SNPS), data.y, omics=data.gappy)


CHOICES = {
    "names": OMICS,
    "names in another order": OMICS[::-1],
    "positions": [10, 11, 12],
    "from the end": [-15, -16, -17],
    "mask": np.isin(np.arange(27), [10, 11, 12]),
    "selector": make_column_selector(pattern="^gene_"),
    "prefix": lambda X: X.columns.str.startswith("gene_"),
}


@pytest.mark.parametrize("choice", CHOICES)
def test_same_fit_as_with_omics_beside(data, frame, beside, short, choice):
    model = short(omics_features=CHOICES[choice], **PRECISE).fit(frame, data.y)
    for name, array in beside.posterior_.draws.items():
        if isinstance(array, np.ndarray):
            assert_allclose(
                model.posterior_.draws[name], array, rtol=1e-9, atol=1e-12, err_msg=name
            )
    assert list(model.omics_names_) == OMICS
    assert list(model.snp_names_) == SNPS
    assert list(model.feature_names_in_) == list(frame.columns)
    assert model.n_features_in_ == 27
    assert model.snp_effects_.shape == (24, 3)
    genotypes = pd.DataFrame(data.X, columns=SNPS)
    assert_allclose(
        model.predict(frame), beside.predict(genotypes, omics=data.gappy), rtol=1e-12, atol=1e-14
    )
    assert_allclose(
        model.breeding_value(frame), beside.breeding_value(genotypes), rtol=1e-12, atol=1e-14
    )
    assert_allclose(
        model.predict_omics(frame), beside.predict_omics(genotypes), rtol=1e-12, atol=1e-14
    )


def test_arrays(data, frame, beside, short):
    X = np.where(frame.to_numpy() < 0, np.nan, frame.to_numpy())
    X[:, 10:13] = data.gappy
    model = short(omics_features=[10, 11, 12], **PRECISE).fit(X, data.y)
    assert list(model.omics_names_) == ["omic_0", "omic_1", "omic_2"]
    assert_array_equal(model.snp_names_, [f"snp_{j}" for j in range(24)])
    expected = beside.predict(pd.DataFrame(data.X, columns=SNPS), omics=data.gappy)
    assert_allclose(model.predict(X), expected, rtol=1e-12, atol=1e-14)


def test_absent_or_empty_omics_columns_mean_genotypes_only(data, frame, beside, short):
    model = short(omics_features=OMICS, **PRECISE).fit(frame, data.y)
    genotypes = pd.DataFrame(data.X, columns=SNPS)
    expected = beside.predict(genotypes)
    empty = frame.assign(**dict.fromkeys(OMICS, np.nan))
    assert_allclose(model.predict(empty), expected, rtol=1e-12, atol=1e-14)
    assert_allclose(model.predict(frame.drop(columns=OMICS)), expected, rtol=1e-12, atol=1e-14)
    one = frame.drop(columns=OMICS[1:])
    given = np.where([True, False, False], data.gappy, np.nan)
    assert_allclose(
        model.predict(one), beside.predict(genotypes, omics=given), rtol=1e-12, atol=1e-14
    )
    assert_allclose(
        model.breeding_value(one), beside.breeding_value(genotypes), rtol=1e-12, atol=1e-14
    )


@pytest.mark.parametrize(
    "change",
    [
        lambda X: X.drop(columns="rs3"),
        lambda X: X.drop(columns=["rs3", "gene_a"]),
        lambda X: X[[*X.columns[1:], X.columns[0]]],
        lambda X: X.drop(columns="gene_a").rename(columns={"rs0": "other"}),
    ],
)
def test_other_columns_at_predict_are_refused(data, frame, short, change):
    model = short(omics_features=OMICS).fit(frame, data.y)
    with pytest.raises(ValueError, match="feature names"):
        model.predict(change(frame))


def test_scikit_learn_needs_no_routing(data, frame, short):
    model = short(omics_features=OMICS, n_iter=60)
    scores = cross_val_score(model, frame, data.y, cv=3)
    without = cross_val_score(short(n_iter=60), frame.drop(columns=OMICS), data.y, cv=3)
    assert (scores > without).all()
    search = GridSearchCV(model, {"method": ["BayesC", "RR-BLUP"]}, cv=2).fit(frame, data.y)
    assert search.best_estimator_.predict(frame.drop(columns=OMICS)).shape == (80,)
    predicted = cross_val_predict(model, frame, data.y, cv=3)
    by_chance = 1 / np.sqrt(80)  # the SE of the correlation of unrelated variables
    assert np.corrcoef(predicted, data.y)[0, 1] > 4 * by_chance
    pipeline = make_pipeline(FunctionTransformer(), model).fit(frame, data.y)
    assert_array_equal(pipeline.predict(frame), model.fit(frame, data.y).predict(frame))
    importance = permutation_importance(model, frame, data.y, n_repeats=2, random_state=0)
    assert frame.columns[importance.importances_mean.argmax()] in OMICS


WRONG = {
    "unknown": (["gene_a", "gene_z"], "gene_z"),
    "out of range": ([40], "position 40"),
    "mask length": ([True, False], "length 2"),
    "none": ([], "selects no column"),
    "all": (slice(None), "omics_features"),
    "floats": ([1.5], "omics_features must be names"),
    "table": ([[1, 2]], "one-dimensional"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_choices_are_refused(data, frame, short, case):
    choice, message = WRONG[case]
    with pytest.raises((ValueError, TypeError), match=message):
        short(omics_features=choice).fit(frame, data.y)


def test_all_columns_are_refused(data, frame, short):
    with pytest.raises(ValueError, match="no SNP is left"):
        short(omics_features=lambda X: list(X.columns)).fit(frame, data.y)


def test_names_need_a_frame(data, short):
    with pytest.raises(ValueError, match="must be a DataFrame"):
        short(omics_features="gene_a").fit(data.X, data.y)


def test_omics_are_given_in_one_place(data, frame, short):
    model = short(omics_features=OMICS)
    with pytest.raises(ValueError, match="one of the two"):
        model.fit(frame, data.y, omics=data.gappy)
    model.fit(frame, data.y)
    with pytest.raises(ValueError, match="omics_features"):
        model.predict(frame, omics=data.gappy)


def test_refitting_without_the_columns(data, frame, short):
    model = short(omics_features=OMICS).fit(frame, data.y)
    model.set_params(omics_features=None).fit(data.X, data.y)
    assert model.n_features_in_ == 24
    assert model.predict(data.X).shape == (80,)
