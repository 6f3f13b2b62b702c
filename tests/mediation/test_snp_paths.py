"""Paths of SNPs through omics, against the draws."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from sknnmm import NNMMRegressor
from sknnmm.association import snp_table
from sknnmm.mediation import snp_paths
from tests.helpers.association import K, P, draws_of, imputed, small_data

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.mark.parametrize("name", ["selecting", "no selection", "sparse mask"])
def test_paths_are_products_in_every_draw(model_of, name):
    model, table = model_of(name), snp_paths(model_of(name), top=None, interval=0.5)
    weights = model.posterior_.draws["omics_weights"][:, model.posterior_.effects_draw]
    slopes = weights.reshape(-1, K) / model.omics_scale_
    products = draws_of(model, "snp_effects") * slopes[:, None]  # (draws, p, K)
    assert len(table) == (products != 0).any(axis=0).sum() > 10
    strength = np.abs(products.mean(axis=0)) * imputed(small_data()[0]).std(axis=0)[:, None]
    order = np.sort(strength.ravel())[::-1][: len(table)]
    for row, expected in zip(table.itertuples(), order, strict=True):
        j, k = int(row.snp[4:]), int(row.omic[5:])
        values = products[:, j, k]
        numbers = [row.effect, row.sd, row.low, row.high]
        low_high = np.quantile(values, [0.25, 0.75])
        assert_allclose(numbers, [values.mean(), values.std(), *low_high], rtol=1e-4, atol=1e-6)
        assert row.inclusion_probability == pytest.approx((values != 0).mean())
        assert row.sign_probability == pytest.approx(max((values > 0).mean(), (values < 0).mean()))
        assert row.slope == pytest.approx(slopes[:, k].mean())
        assert_allclose(strength[j, k], expected, rtol=1e-4)


def test_the_strongest_paths_of_some_omics(model_of):
    model = model_of("selecting")
    every = snp_paths(model, top=None)
    pd.testing.assert_frame_equal(snp_paths(model, top=5), every[:5])
    of_two = every[every.omic.isin(["omic_0", "omic_2"])][:7].reset_index(drop=True)
    pd.testing.assert_frame_equal(snp_paths(model, top=7, omics=["omic_2", "omic_0"]), of_two)


@pytest.mark.parametrize("name", ["selecting", "tanh", "network function"])
def test_paths_of_a_snp_sum_to_what_is_mediated(model_of, name):
    by_snp = snp_paths(model_of(name), top=None).groupby("snp")["effect"].sum()
    mediated = snp_table(model_of(name), response="mediated").set_index("snp")["effect"]
    assert_allclose(by_snp.reindex(mediated.index, fill_value=0), mediated, rtol=1e-4, atol=1e-6)


def test_positions_and_errors(model_of):
    model = model_of("selecting")
    variants = pd.DataFrame({"chromosome": 3, "position": np.arange(P)})
    table = snp_paths(model, variants, top=4)
    assert list(table.columns[:4]) == ["snp", "omic", "chromosome", "position"]
    assert table["snp"].tolist() == [f"snp_{j}" for j in table["position"].astype(int)]
    with pytest.raises(ValueError, match="the nodes of the model are omic_0, omic_1, omic_2"):
        snp_paths(model, omics="HDL")
    with pytest.raises(ValueError, match="top"):
        snp_paths(model, top=0)
    X, y, _ = small_data()
    with pytest.raises(ValueError, match="snp_paths needs a model fitted with omics"):
        snp_paths(NNMMRegressor(n_iter=20, burn_in=10, random_state=0).fit(X, y))
