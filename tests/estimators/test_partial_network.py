"""NNMMRegressor with a mask: what it sets, what it predicts, what it refuses."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.feature_selection import VarianceThreshold
from sklearn.pipeline import make_pipeline

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

N_SNPS = 24  # of the data fixture, which has 3 omics
LABELS = np.repeat(["omic_0", "omic_1", "omic_2"], 8)
MASK = LABELS[:, None] == ["omic_0", "omic_1", "omic_2"]
SNPS = [f"snp_{j}" for j in range(N_SNPS)]
METHODS = ["BayesA", "BayesB", "BayesC", "BayesL", "BayesR", "RR-BLUP", "GBLUP"]


def draws(model):
    return {
        name: array for name, array in model.posterior_.draws.items() if not sparse.issparse(array)
    }


def assert_same_draws(first, second):
    a, b = draws(first), draws(second)
    assert a.keys() == b.keys()
    for name in a:
        assert_array_equal(a[name], b[name], err_msg=name)


@pytest.mark.parametrize("method", METHODS)
def test_full_mask_is_no_mask(data, short, method):
    full = short(method=method, mask=np.ones((N_SNPS, 3), bool))
    none = short(method=method)
    for model in (full, none):
        model.fit(data.X, data.y, omics=data.gappy)
    assert_same_draws(full, none)


FORMS = {
    "sparse": sparse.csr_array(MASK),
    "numbers": MASK.astype(float),
    "frame": pd.DataFrame(MASK, SNPS, ["omic_0", "omic_1", "omic_2"]).iloc[::-1, [2, 0, 1]],
    "labels": list(LABELS),
    "positions": np.repeat([0, 1, 2], 8),
    "mapping": {"omic_1": slice(8, 16), "omic_0": SNPS[:8], "omic_2": np.arange(16, 24)},
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_fit(data, short, form):
    model = short(mask=FORMS[form]).fit(data.X, data.y, omics=data.gappy)
    dense = short(mask=MASK).fit(data.X, data.y, omics=data.gappy)
    assert_same_draws(model, dense)
    assert sparse.issparse(model.snp_effects_) == (form in ("sparse", "mapping"))
    for name in ("snp_effects_", "snp_effects_std_", "inclusion_probability_"):
        value = getattr(model, name)
        value = value.toarray() if sparse.issparse(value) else value
        assert_array_equal(value, getattr(dense, name), err_msg=name)
    assert_allclose(model.predict(data.X), dense.predict(data.X), rtol=1e-12)


@pytest.mark.parametrize(
    ("method", "few"),
    [
        pytest.param(
            method,
            few,
            id=f"{method}, {'connections' if few else 'blocks'}",
            marks=[] if few or method in ("BayesB", "RR-BLUP") else [pytest.mark.slow],
        )
        for method in METHODS
        for few in (True, False)
    ],
)
def test_effects_are_zero_where_not_connected(data, short, method, few):
    mask = MASK if few else ~MASK  # a third of the pairs counts as few
    mask = mask & (np.arange(N_SNPS) % 4 > 0)[:, None] if few else mask
    model = short(method=method, mask=mask, n_iter=320).fit(data.X, data.y, omics=data.gappy)
    for name in ("snp_effects_", "snp_effects_std_", "inclusion_probability_"):
        value = getattr(model, name)
        assert_array_equal(value[~mask], 0, err_msg=name)
        assert (value[mask] != 0).mean() > 0.7, name  # BayesB leaves some out of 300 draws
    assert np.count_nonzero(model.direct_effects_) > 0.9 * N_SNPS  # never masked
    held = model.posterior_.draws["snp_effects"]
    held = held.toarray() if sparse.issparse(held) else held
    if method not in ("RR-BLUP", "GBLUP") or few:
        assert_allclose(held.mean(axis=(0, 1)), model.snp_effects_, rtol=1e-4, atol=1e-6)
    assert_array_equal(held[:, :, ~mask], 0)


@pytest.mark.parametrize("activation", ["linear", "tanh", lambda z: z[:, 0] * z[:, 1]])
def test_sparse_and_dense_results_predict_the_same(data, short, activation):
    models = [
        short(mask=mask, activation=activation, method="BayesA").fit(
            data.X, data.y, omics=data.gappy
        )
        for mask in (MASK, sparse.csc_array(MASK))
    ]
    for predict in ("predict", "predict_omics", "breeding_value"):
        dense, few = (getattr(model, predict)(data.X[:20]) for model in models)
        assert_allclose(few, dense, rtol=1e-9, err_msg=predict)
    if activation == "linear":
        again = pickle.loads(pickle.dumps(models[1]))
        assert_array_equal(again.predict(data.X), models[1].predict(data.X))
        assert_allclose(models[1].coef_, models[0].coef_, rtol=1e-9)
        expected = models[1].omics_intercept_ + np.maximum(data.X, 0) @ models[1].snp_effects_
        complete = (data.X >= 0).all(axis=1)
        assert_allclose(models[1].predict_omics(data.X)[complete], expected[complete], rtol=1e-9)


def test_uncovered_latent_node_is_fully_connected(data, short):
    model = short(method="RR-BLUP", mask=MASK, n_latent=1).fit(data.X, data.y, omics=data.gappy)
    assert_array_equal(model.snp_effects_[:, 3] != 0, True)
    assert_array_equal(model.snp_effects_[:, :3] != 0, MASK)


def test_names_survive_a_filter_of_snps(data, short):
    """The SNPs that a filter leaves stay with their omics; those it removed are told of once."""
    X = pd.DataFrame(np.maximum(data.X, 0), columns=SNPS)
    X[["snp_3", "snp_12"]] = 1
    mask = pd.DataFrame(MASK, SNPS, ["omic_0", "omic_1", "omic_2"])
    filtered = make_pipeline(VarianceThreshold().set_output(transform="pandas"), short(mask=mask))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        filtered.fit(X, data.y, nnmmregressor__omics=data.gappy)
    about = [w for w in caught if "not in X" in str(w.message)]
    assert len(about) == 1
    assert "2 SNPs" in str(about[0].message)
    assert "snp_3" in str(about[0].message)
    kept = [j for j in range(N_SNPS) if j not in (3, 12)]
    direct = short(mask=MASK[kept]).fit(X.iloc[:, kept], data.y, omics=data.gappy)
    assert_same_draws(filtered[-1], direct)


def test_warning_points_at_the_call_of_fit(data, short):
    mask = {"omic_0": ["snp_0", "gone"], "omic_1": ["snp_9"], "omic_2": [17]}
    with pytest.warns(UserWarning, match="gone") as caught:
        short(mask=mask).fit(data.X, data.y, omics=data.gappy)
    assert caught[0].filename == __file__


@pytest.mark.slow  # it starts processes
@pytest.mark.parametrize("order", ["F", "C"])
def test_same_bits_for_any_number_of_jobs(data, short, order):
    X = np.asarray(data.X, order=order)
    one, two = (
        short(mask=MASK, n_chains=2, n_jobs=n_jobs).fit(X, data.y, omics=data.gappy)
        for n_jobs in (1, 2)
    )
    assert_same_draws(one, two)


def test_storage_changes_rounding_only(data, short):
    row_major, column_major = (
        short(mask=MASK, n_iter=3, burn_in=0, precision="double").fit(
            np.asarray(data.X, order=order), data.y, omics=data.gappy
        )
        for order in "CF"
    )
    assert_allclose(row_major.snp_effects_, column_major.snp_effects_, rtol=1e-9)


def test_node_without_polymorphic_snps_is_refused(data, short):
    X = data.X.copy()
    X[:, 2] = 1
    with (
        pytest.warns(UserWarning, match="without variance"),
        pytest.raises(ValueError, match="omic_1 to SNPs without variance"),
    ):
        short(mask={0: [0, 1], 1: [2], 2: [3]}).fit(X, data.y, omics=data.gappy)


def test_mask_without_nodes_is_refused(data, short):
    with pytest.raises(ValueError, match="pass omics or n_latent"):
        short(mask=MASK).fit(data.X, data.y)
