"""Lines are as wide as the shares that they stand for."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from sknnmm.mediation import omics_table
from sknnmm.plotting import NetworkDisplay
from sknnmm.plotting._style import BLUE, GREEN, VERMILION
from tests.helpers.association import P, draws_of, imputed, small_data, total_effects


@pytest.mark.parametrize("name", ["selecting", "published", "no selection", "latent node"])
def test_shares_are_those_of_the_omics_table(name, model_of):
    model, (X, _, _) = model_of[name], small_data()
    groups = pd.Series(np.arange(P) % 3, name="pathway")
    shares = NetworkDisplay.from_estimator(model, X, groups).shares_
    assert shares.index.tolist() == [0, 1, 2]
    assert shares.index.name == "pathway"
    table = omics_table(model).set_index("path")["genetic_share"]
    np.testing.assert_allclose(shares.sum(), table[shares.columns], atol=2e-4)
    np.testing.assert_allclose(shares.to_numpy().sum(), 1, rtol=1e-5)


def test_shares_of_groups_are_covariances_of_genetic_values(model_of):
    model, (X, _, _) = model_of["selecting"], small_data()
    variants = pd.DataFrame({"chromosome": np.repeat([11, 2], P // 2), "position": np.arange(P)})
    display = NetworkDisplay.from_estimator(model, X, variants, y_name="HDL")
    assert display.shares_.index.tolist() == [2, 11]
    x = imputed(X)
    values = total_effects(model) @ x.T
    values -= values.mean(axis=1, keepdims=True)
    direct = draws_of(model, "direct_effects")[:, P // 2 :] @ x[:, P // 2 :].T  # chromosome 2
    expected = ((direct * values).sum(axis=1) / (values**2).sum(axis=1)).mean()
    assert display.shares_.loc[2, "direct"] == pytest.approx(expected, rel=1e-4)


def shares_of_example():
    return pd.DataFrame(
        {"gene A": [0.5, 0.1], "gene B": [-0.2, 0.001], "direct": [0.3, 0.299]},
        index=pd.Index(["1", "2"], name="chromosome"),
    )


def test_lines_have_widths_and_colours_of_shares():
    display = NetworkDisplay(shares_of_example(), y_name="HDL").plot()
    lines = display.lines_
    assert lines["1", "gene A"].get_linewidth() == pytest.approx(20)
    assert lines["gene A", "HDL"].get_linewidth() == pytest.approx(24)
    assert lines["gene B", "HDL"].get_linewidth() == pytest.approx(40 * 0.199)
    assert ("2", "gene B") not in lines  # too little
    colours = {names: to_hex(line.get_edgecolor()).upper() for names, line in lines.items()}
    assert colours["1", "gene A"] == BLUE
    assert colours["1", "gene B"] == colours["gene B", "HDL"] == VERMILION
    assert colours["direct", "HDL"] == GREEN
    texts = {text.get_text(): text.get_position() for text in display.ax_.texts}
    assert {"1", "2", "gene A\n0.60", "gene B\n-0.20", "past the omics\n0.60", "HDL"} < set(texts)
    assert "chromosome" in texts
    start, *_, end = lines["2", "direct"].get_path().vertices
    assert start[1] == pytest.approx(texts["2"][1])
    assert end[1] == pytest.approx(texts["past the omics\n0.60"][1])


def test_omics_that_carry_little_are_summed_up():
    display = NetworkDisplay(shares_of_example().assign(other=0.0)).plot(max_omics=1)
    assert display.shares_.columns.tolist() == ["gene A", "2 others", "direct"]
    np.testing.assert_allclose(display.shares_["2 others"], [-0.2, 0.001])


def test_groups_that_carry_little_are_summed_up():
    shares = pd.concat([shares_of_example(), shares_of_example() / 10])
    shares.index = pd.Index(["1", "2", "3", "4"], name="chromosome")
    display = NetworkDisplay(shares).plot(max_groups=2)
    assert display.shares_.index.tolist() == ["1", "2", "2 others"]
    assert display.shares_.index.name == "chromosome"
    np.testing.assert_allclose(display.shares_.loc["2 others"], [0.06, -0.0199, 0.0599])


def test_groups_need_a_label_of_every_snp(model_of):
    with pytest.raises(ValueError, match=r"groups must have a label for each of the 24 SNPs"):
        NetworkDisplay.from_estimator(model_of["selecting"], small_data()[0], ["a", "b"])
