"""Expected genotypes by pedigree: against dense matrices, untouched rows, IDs, in a pipeline."""

import pickle
from functools import cache

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline

from sknnmm import NNMMRegressor
from sknnmm.genotypes.plink_bits import PackedGenotypes
from sknnmm.preprocessing import PedigreeImputer, _pedigree_imputer
from sknnmm.relationship import Pedigree
from tests.helpers.pedigrees import random_parents, tabular

N, P = 120, 9
RNG = np.random.default_rng(6)
PARENTS = random_parents(RNG, N, unknown=0.15, window=40, selfing=0.05)
A = tabular(*PARENTS)
GENOTYPED = np.sort(RNG.choice(np.arange(10, N), 45, replace=False))
OTHERS = np.setdiff1d(np.arange(N), GENOTYPED)
DOSAGES = RNG.binomial(2, 0.4, (45, P)).astype(np.int8)
X = pd.DataFrame(DOSAGES, GENOTYPED).add_prefix("rs").rename_axis("animal")
A_GG_INVERSE = np.linalg.inv(A[np.ix_(GENOTYPED, GENOTYPED)])
REGRESSION = A[:, GENOTYPED] @ A_GG_INVERSE


@cache  # where it is needed: it compiles
def pedigree():
    return Pedigree(np.arange(N), *PARENTS)


def expected_densely(dosages):
    """Return the expected dosages of all animals, by the matrix A."""
    mean = A_GG_INVERSE.sum(axis=0) @ dosages / A_GG_INVERSE.sum()
    return mean + REGRESSION @ (dosages - mean), mean


def with_rows_missing(ids):
    """Return X of all animals, those of `ids` without genotypes, in another order."""
    missing = pd.DataFrame(-1, pd.Index(ids, name="animal"), X.columns, np.int8)
    return pd.concat([X, missing]).sample(frac=1, random_state=0)


def test_equals_the_dense_computation(monkeypatch):
    monkeypatch.setattr(_pedigree_imputer, "SNPS_AT_ONCE", 4)
    wanted, mean = expected_densely(DOSAGES)
    table = with_rows_missing(OTHERS)
    imputer = PedigreeImputer(pedigree()).fit(table)
    assert set(imputer.genotyped_ids_) == set(GENOTYPED.astype(str))
    assert_allclose(imputer.base_mean_, mean, rtol=1e-10)
    assert_allclose(imputer.impute(range(N)), wanted, atol=1e-10)
    imputed = imputer.transform(table)
    assert (imputed.dtypes == np.float32).all() and imputed.columns.equals(X.columns)
    assert imputed.index.equals(table.index)
    assert_allclose(imputed.loc[range(N)], wanted, atol=1e-6)
    assert_array_equal(imputed.loc[GENOTYPED], DOSAGES)


def test_a_mother_is_told_by_her_mate_and_their_calf():
    pedigree = Pedigree(["bull", "cow", "calf", "aunt"], [-1, -1, 0, -1], [-1, -1, 1, -1])
    imputer = PedigreeImputer(pedigree).fit(pd.DataFrame({"rs": [2, 1]}, ["bull", "calf"]))
    # Weights of A_ng A_gg^-1 are -1/3 and 2/3, those of the mean 1/2 and 1/2.
    assert_allclose(imputer.base_mean_, 1.5)
    assert_allclose(imputer.impute(["cow", "aunt", "bull"])["rs"], [1, 1.5, 2])
    assert_allclose(imputer.centring_covariate(["cow", "aunt", "bull"]), [-1 / 3, 0, -1])


def test_what_is_asked_for_others_does_not_matter():
    imputer = PedigreeImputer(pedigree()).fit(X)
    of_all = imputer.impute(range(N))
    for some in (OTHERS[:1], OTHERS[-3:], [N - 1, 0, N - 1], GENOTYPED[:2]):
        assert_allclose(imputer.impute(some), of_all.loc[some], atol=1e-12)


def test_all_genotyped_is_the_same_to_the_bit():
    frame = X.astype(float)
    frame.iloc[3, 2] = np.nan  # a single gap is left to the model
    names = X.index.astype(str)
    codes = np.array([3, 2, 0, 1], np.uint8)[np.pad(DOSAGES, ((0, 3), (0, 0)))]
    four = np.stack([codes[k::4] for k in range(4)], axis=2)
    packed = (four << np.array([0, 2, 4, 6], np.uint8)).sum(2, dtype=np.uint8).T
    packed = PackedGenotypes(np.ascontiguousarray(packed), names, X.columns)
    for form in (X, frame, packed):
        assert PedigreeImputer(pedigree()).fit_transform(form) is form
    imputed = PedigreeImputer(pedigree()).fit(packed).impute(OTHERS)
    assert_array_equal(imputed, PedigreeImputer(pedigree()).fit(X).impute(OTHERS))
    mixed = pd.concat([frame, X[:1].set_axis(["x"]) * np.nan])
    with pytest.raises(ValueError, match=r"X, in rows without genotypes, has 1 levels .* \(x\)"):
        PedigreeImputer(pedigree()).fit(X).transform(mixed)


def test_single_gaps_stay_and_count_as_the_mean():
    table = with_rows_missing(OTHERS)
    gap = (GENOTYPED[7], "rs3")
    table.loc[gap] = -1
    imputed = PedigreeImputer(pedigree()).fit_transform(table)
    assert np.isnan(imputed.loc[gap]) and imputed.isna().sum().sum() == 1
    filled = DOSAGES.astype(float)
    filled[7, 3] = np.delete(DOSAGES[:, 3], 7).mean()
    assert_allclose(imputed.loc[OTHERS], expected_densely(filled)[0][OTHERS], atol=1e-6)


def test_centring_covariate_and_residual():
    imputer = PedigreeImputer(pedigree()).fit(X)
    J = imputer.centring_covariate(range(N))
    assert_allclose(J, -REGRESSION.sum(axis=1), atol=1e-12)
    assert_allclose(J[GENOTYPED], -1)
    residual = imputer.imputation_residual()
    assert_array_equal(residual.ids, OTHERS.astype(str))
    assert "_factor" not in vars(residual)  # would take minutes for 100,000 animals
    missed = A - REGRESSION @ A[GENOTYPED]
    missed = missed[np.ix_(OTHERS, OTHERS)]
    assert_allclose(residual.relationship_inverse @ missed, np.eye(len(OTHERS)), atol=1e-8)
    assert_allclose(residual.diagonal, missed.diagonal(), atol=1e-12)
    alone = PedigreeImputer(Pedigree(["a"], [-1], [-1])).fit(X[:1].set_axis(["a"]))
    with pytest.raises(ValueError, match="All animals of the pedigree are genotyped"):
        alone.imputation_residual()


def test_animals_genotyped_in_the_fit_only():
    imputer = PedigreeImputer(pedigree()).fit(X)
    new = pd.DataFrame(np.nan, [GENOTYPED[5], OTHERS[0]], X.columns).rename_axis("animal")
    imputed = imputer.transform(new)
    assert_array_equal(imputed.iloc[0], DOSAGES[5])
    assert_allclose(imputed.iloc[1], expected_densely(DOSAGES)[0][OTHERS[0]])


def test_genotyped_animals_without_pedigree_pass_and_inform_nobody():
    more = pd.concat([X.set_axis(X.index.astype(str)), X[:2].set_axis(["u", "v"])])
    with pytest.warns(UserWarning, match=r"lacks 2 animals with genotypes \(u, v\)"):
        imputer = PedigreeImputer(pedigree()).fit(more)
    assert_array_equal(imputer.impute(OTHERS), PedigreeImputer(pedigree()).fit(X).impute(OTHERS))
    assert imputer.transform(more) is more
    with pytest.raises(ValueError, match="The pedigree has none of the 2 animals"):
        PedigreeImputer(pedigree()).fit(more[-2:])


def test_repeated_records_of_an_animal():
    twice = pd.concat([X, X[:5]])
    once = PedigreeImputer(pedigree()).fit(X)
    assert_array_equal(PedigreeImputer(pedigree()).fit(twice).impute(OTHERS), once.impute(OTHERS))
    asked = with_rows_missing([OTHERS[0], OTHERS[0]])
    assert_array_equal(*once.transform(asked).loc[OTHERS[0]].to_numpy())


def test_rows_of_an_animal_must_agree():
    """Or have no genotypes at all; a gap is a difference."""
    of_one = X.iloc[[0]].astype(float)
    gaps = pd.concat([X.astype(float), of_one * np.nan])
    assert_array_equal(
        PedigreeImputer(pedigree()).fit(gaps).impute(OTHERS),
        PedigreeImputer(pedigree()).fit(X).impute(OTHERS),
    )
    for other in (2 - of_one, of_one.assign(rs0=np.nan)):
        changed = pd.concat([X.astype(float), of_one, other])
        message = f"1 animals with rows of different genotypes .{X.index[0]}.: keep one"
        with pytest.raises(ValueError, match=message):
            PedigreeImputer(pedigree()).fit(changed)


@pytest.mark.parametrize(
    ("table", "error", "message"),
    [
        (DOSAGES, TypeError, "X must be a DataFrame or PackedGenotypes .*ndarray"),
        (X.reset_index(drop=True), ValueError, "X has no IDs: its index has no name"),
        (pl.DataFrame(DOSAGES), ValueError, "X has no IDs"),
        (X.set_axis([None, *range(44)]), ValueError, "index of X has 1 missing IDs"),
        (X.astype(float) * np.nan, ValueError, "no row with genotypes"),
        (X.astype(str), ValueError, "X column 'rs0' must be numeric"),
    ],
)
def test_refused_tables(table, error, message):
    imputer = PedigreeImputer(pedigree()).fit(X)
    before = dict(vars(imputer))
    with pytest.raises(error, match=message):
        imputer.fit(table)
    assert vars(imputer) == before


def test_other_columns_are_refused():
    with pytest.raises(ValueError, match="feature names should match"):
        PedigreeImputer(pedigree()).fit(X).transform(X.add_prefix("other_"))
    with pytest.raises(ValueError, match="'pedigree' parameter of PedigreeImputer"):
        PedigreeImputer("pedigree").fit(X)


def test_copies_of_the_imputer():
    imputer = PedigreeImputer(pedigree()).fit(X)
    wanted = imputer.impute(OTHERS)
    assert_array_equal(pickle.loads(pickle.dumps(imputer)).impute(OTHERS), wanted)
    assert clone(imputer).pedigree is pedigree()
    assert imputer.get_feature_names_out().tolist() == X.columns.tolist()
    as_frame = clone(imputer).set_output(transform="pandas").fit_transform(with_rows_missing([0]))
    assert_allclose(as_frame.loc[0], wanted.loc[0], rtol=1e-6)


@pytest.mark.filterwarnings("ignore", category=ConvergenceWarning)
def test_in_a_pipeline():
    table = with_rows_missing(OTHERS)
    y = np.random.default_rng(0).normal(size=len(table))
    network = NNMMRegressor("RR-BLUP", n_iter=20, burn_in=10, random_state=0)
    pipeline = make_pipeline(PedigreeImputer(pedigree()), network)
    assert np.isfinite(cross_val_score(pipeline, table, y, cv=2)).all()
    pipeline.fit(table, y)
    by_hand = clone(network).fit(PedigreeImputer(pedigree()).fit_transform(table), y)
    assert_array_equal(pipeline[-1].coef_, by_hand.coef_)
    plain = clone(network).fit(X, y[: len(X)])
    assert_array_equal(pipeline.fit(X, y[: len(X)])[-1].coef_, plain.coef_)
