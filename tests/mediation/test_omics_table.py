"""What omics carry, against the draws."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from sknnmm import NNMMRegressor
from sknnmm.mediation import omics_table
from tests.helpers.association import K, draws_of, imputed, small_data

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def of(model, **options):
    return omics_table(model, **options).set_index("path")


@pytest.mark.parametrize("name", ["selecting", "no selection", "sparse mask", "tanh"])
def test_shares_are_the_attributes_and_sum_to_one(model_of, name):
    model, table = model_of(name), of(model_of(name))
    nodes = [f"omic_{k}" for k in range(K)]
    assert_allclose(table.loc[nodes, "genetic_share"], model.mediated_variance_)
    assert_allclose(table.loc[nodes, "heritability"], model.omics_heritability_)
    assert_allclose(table.loc[nodes, "weight"], model.omics_weights_)
    assert_allclose(table.loc[nodes, "inclusion_probability"], model.omics_inclusion_probability_)
    assert table.loc["mediated", "genetic_share"] == pytest.approx(model.mediated_variance_.sum())
    assert table.loc[["mediated", "direct"], "genetic_share"].sum() == pytest.approx(1)
    assert table.loc["total", "phenotypic_share"] == pytest.approx(model.heritability_)
    assert table.loc[["mediated", "direct"], "weight"].isna().all()
    shares = table.loc[[*nodes, "direct"], "phenotypic_share"].sum()
    assert shares == pytest.approx(model.heritability_)


def test_numbers_are_those_of_every_draw(model_of):
    model, table = model_of("selecting"), of(model_of("selecting"), interval=0.5)
    X, draws = imputed(small_data()[0]), model.posterior_.draws
    weights = draws["omics_weights"].reshape(-1, K)
    direct = X @ draws_of(model, "direct_effects").T
    by_node = [
        X @ draws_of(model, "snp_effects")[:, :, k].T * weights[:, k] / model.omics_scale_[k]
        for k in range(K)
    ]
    genetic = sum(by_node) + direct
    for k, values in enumerate(by_node):
        row = table.loc[f"omic_{k}"]
        effect = np.sign(weights[:, k]) * values.std(axis=0)
        assert_allclose(row["effect"], effect.mean(), rtol=1e-3)
        assert_allclose(
            row[["effect_low", "effect_high"]].astype(float),
            np.quantile(effect, [0.25, 0.75]),
            rtol=2e-3,
        )
        assert row["sign_probability"] == max((effect > 0).mean(), (effect < 0).mean())
        assert_allclose(
            row["share_alone"], (values.var(axis=0) / genetic.var(axis=0)).mean(), rtol=1e-3
        )
    share = [np.cov(d, g, ddof=0)[0, 1] / g.var() for d, g in zip(direct.T, genetic.T, strict=True)]
    assert_allclose(table.loc["direct", "genetic_share"], np.mean(share), atol=1e-3)
    ends = table.loc["direct", ["genetic_share_low", "genetic_share_high"]].astype(float)
    assert_allclose(ends, np.quantile(share, [0.25, 0.75]), atol=1e-3)


def test_a_path_against_the_others_has_a_negative_share():
    rng = np.random.default_rng(3)
    X = rng.binomial(2, 0.5, (300, 12)).astype(np.int8)
    common = X[:, :6].sum(axis=1)
    omics = np.column_stack([common, common + X[:, 6:9].sum(axis=1)]) + 0.5 * rng.normal(
        size=(300, 2)
    )
    y = 2 * omics[:, 0] - 0.8 * omics[:, 1] + rng.normal(size=300)
    model = NNMMRegressor(direct_effects=False, n_iter=300, burn_in=100, random_state=0)
    table = of(model.fit(X, y, omics=omics))
    # 0.9 * var(X[:, :6]) - 0.8 * var(X[:, 6:9]) and so on, of 12 SNPs of variance 0.5
    shared, own = 3.0, 1.5
    total = 1.2**2 * shared + 0.8**2 * own
    expected = -0.8 * (1.2 * shared - 0.8 * own) / total
    assert table.loc["omic_1", "genetic_share_high"] < 0 < table.loc["omic_1", "share_alone"]
    assert table.loc["omic_1", "genetic_share"] == pytest.approx(expected, abs=0.1)
    alone = 0.8**2 * (shared + own) / total
    assert table.loc["omic_1", "share_alone"] == pytest.approx(alone, abs=0.12)
    assert "direct" not in table.index


def test_a_network_function_has_effects_but_no_shares_of_nodes(model_of):
    table = of(model_of("network function"))
    nodes = [f"omic_{k}" for k in range(K)]
    assert table.loc[[*nodes, "mediated", "direct"], "genetic_share"].isna().all()
    assert table.loc[nodes, ["weight", "inclusion_probability"]].isna().all(axis=None)
    assert (table.loc[nodes, "effect"].abs() > 0).all()
    assert table.loc["total", "phenotypic_share"] == model_of("network function").heritability_


def test_errors_say_what_is_needed():
    X, y, _ = small_data()
    model = NNMMRegressor(n_iter=20, burn_in=10, random_state=0).fit(X, y)
    with pytest.raises(ValueError, match="omics_table needs a model fitted with omics"):
        omics_table(model)
    with pytest.raises(ValueError, match="interval"):
        omics_table(model, interval=1)
    with pytest.raises(
        TypeError, match="model must be a fitted NNMMRegressor or NNMMClassifier; got Data"
    ):
        omics_table(pd.DataFrame())
