"""Variances and posterior probabilities of windows, against those of every draw by itself."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from sknnmm.association import _window_moments, windows
from sknnmm.association._regions import regions_of
from sknnmm.genotypes.plink_bits import PackedGenotypes
from tests.helpers.association import P, draws_of, imputed, small_data, total_effects

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

LINEAR = ["selecting", "no selection", "published", "sparse mask", "groups"]
VARIANTS = pd.DataFrame(
    {"chromosome": np.repeat(["chr1", "chr2"], P // 2), "position": np.tile(np.arange(12), 2) * 1e5}
)
NUMBERS = ["wppa", "inclusion_probability", "share", "share_low", "share_high", "variance"]


def by_every_draw(X, effects, snps, threshold=0.01, interval=0.9):
    """Return what `windows` says of some SNPs, from effects (draws, p), draw by draw."""
    shares, variances, included = [], [], []
    for beta in effects:
        variances.append((X[:, snps] @ beta[snps]).var())
        total = (X @ beta).var()
        shares.append(variances[-1] / total if total > 0 else 0)
        included.append((beta[snps] != 0).any())
    low, high = np.quantile(shares, [(1 - interval) / 2, (1 + interval) / 2])
    probability = np.mean(np.array(shares) > threshold)
    return [probability, np.mean(included), np.mean(shares), low, high, np.mean(variances)]


@pytest.mark.parametrize("name", LINEAR)
@pytest.mark.parametrize("narrow", [True, False], ids=["covariances", "values"])
def test_windows_are_those_of_every_draw(model_of, name, narrow, monkeypatch):
    if not narrow:
        monkeypatch.setattr(_window_moments, "NARROW", 1)
        monkeypatch.setattr(_window_moments, "VALUES_AT_ONCE", 800)
    model, X = model_of(name), small_data()[0]
    table = windows(model, X, VARIANTS, "500kb", threshold=0.05, response=["omic_1", "total"])
    of_response = {"omic_1": draws_of(model, "snp_effects")[:, :, 1], "total": total_effects(model)}
    assert table["n_snps"].tolist() == [5, 5, 2, 5, 5, 2] * 2
    for response, effects in of_response.items():
        rows = table[table.response == response]
        for row, first in zip(rows.itertuples(), [0, 5, 10, 12, 17, 22], strict=True):
            snps = np.arange(first, first + row.n_snps)
            expected = by_every_draw(imputed(X), effects, snps, threshold=0.05)
            assert_allclose([getattr(row, n) for n in NUMBERS], expected, rtol=1e-5, atol=1e-9)
            assert (row.first_snp, row.last_snp) == (f"snp_{snps[0]}", f"snp_{snps[-1]}")
    assert 0 < table["wppa"].mean() < 1


def test_the_whole_genome_explains_all_of_it(model_of):
    X = small_data()[0]
    table = windows(model_of("tanh"), X, window=P, response=None)
    assert table["response"].tolist() == [
        "omic_0",
        "omic_1",
        "omic_2",
        "mediated",
        "direct",
        "total",
    ]
    of_direct = table["response"] == "direct"  # which in some draws have no SNP
    assert_allclose(table.loc[~of_direct, ["share_low", "share", "share_high"]], 1)
    share, included = (table[n][of_direct].item() for n in ("share", "inclusion_probability"))
    assert share == pytest.approx(included) and included < 1
    # the linearised values of the training rows vary about as the genetic values do
    assert table["variance"].iloc[-1] == pytest.approx(model_of("tanh").genetic_variance_, rel=0.2)
    linear = windows(model_of("selecting"), X, window=P)
    genetic = model_of("selecting").genetic_variance_
    assert linear["variance"].iloc[0] == pytest.approx(genetic, rel=1e-3)


def test_genetic_correlations_are_those_of_every_draw(model_of):
    model, X = model_of("selecting"), small_data()[0]
    table = windows(model, X, window=8, response="omic_1", correlated_with="total", interval=0.5)
    x, node, total = imputed(X), draws_of(model, "snp_effects")[:, :, 1], total_effects(model)
    for row, first in zip(table.itertuples(), [0, 8, 16], strict=True):
        snps = slice(first, first + 8)
        pairs = [
            (x[:, snps] @ a[snps], x[:, snps] @ b[snps]) for a, b in zip(node, total, strict=True)
        ]
        r = np.array([np.corrcoef(*pair)[0, 1] for pair in pairs if min(map(np.var, pair)) > 0])
        assert row.both == pytest.approx(len(r) / len(node))
        expected = [r.mean(), *np.quantile(r, [0.25, 0.75])]
        assert_allclose(
            [row.correlation, row.correlation_low, row.correlation_high], expected, rtol=1e-4
        )


def test_a_response_is_fully_correlated_with_itself(model_of):
    X = small_data()[0]
    table = windows(
        model_of("no selection"), X, window=5, response="direct", correlated_with="direct"
    )
    assert_allclose(table["correlation"], 1)
    assert_allclose(table["both"], 1)


@pytest.mark.filterwarnings("ignore:X has feature names")
@pytest.mark.parametrize(
    "storage",
    ["packed", "double", "memory map", pytest.param("single", marks=pytest.mark.slow)],
)
def test_every_storage_of_genotypes_gives_the_same(storage, model_of, tmp_path):
    model, X = model_of("selecting"), small_data()[0]
    expected = windows(model, X, window=5)[NUMBERS]
    codes = np.array([3, 2, 0, 1])[X]  # of 0, 1, 2 and -1, in PLINK's bits
    padded = np.zeros((P, -(-len(X) // 4), 4), int)
    padded.reshape(P, -1)[:, : len(X)] = codes.T
    packed = (padded << np.array([0, 2, 4, 6])).sum(axis=2).astype(np.uint8)
    names = [f"snp_{j}" for j in range(P)]
    with_nan = np.where(X < 0, np.nan, X)
    np.save(tmp_path / "X.npy", X)
    stored = {
        "packed": PackedGenotypes(packed, range(len(X)), names),
        "double": with_nan,
        "single": with_nan.astype(np.float32),
        "memory map": np.load(tmp_path / "X.npy", mmap_mode="r"),
    }[storage]
    assert_allclose(windows(model, stored, window=5)[NUMBERS], expected, rtol=1e-5, atol=1e-12)


def test_other_individuals_have_variances_of_their_own(model_of):
    model, X = model_of("selecting"), small_data()[0][:30]
    table = windows(model, X, window=12)
    expected = by_every_draw(imputed(X), total_effects(model), np.arange(12))
    assert_allclose(table.loc[0, NUMBERS].to_numpy(float), expected, rtol=1e-5)


def test_regions_of_a_table_may_overlap_and_be_empty():
    positions = pd.DataFrame(
        {"chromosome": ["2", "1", "1", "2", None], "position": [30.0, 20, 10, 10, 10]}
    )
    genes = pd.DataFrame(
        {
            "chromosome": ["chr1", "chr1", "chr2", "chr2"],
            "start": [5, 10, 0, 31],
            "end": [20, 10, 99, 40],
        },
        index=["A", "B", "C", "D"],
    )
    found = {r.name: r.snps.tolist() for r in regions_of(genes, positions, 5)}
    assert found == {"A": [2, 1], "B": [2], "C": [3, 0], "D": []}


def test_windows_follow_the_genome_not_the_columns():
    positions = pd.DataFrame(
        {"chromosome": [2, 1, 1, 2, 1, 1], "position": [5e5, 2.5e6, 1e5, 1.5e6, 9.9e5, 1e6]}
    )
    by_distance = regions_of("1 Mb", positions, 6)
    assert [(r.chromosome, r.start, r.end, r.snps.tolist()) for r in by_distance] == [
        (2, 0, 1e6, [0]),
        (2, 1e6, 2e6, [3]),
        (1, 0, 1e6, [2, 4]),
        (1, 1e6, 2e6, [5]),
        (1, 2e6, 3e6, [1]),
    ]
    by_number = regions_of(3, positions, 6)
    assert [r.snps.tolist() for r in by_number] == [[0, 3], [2, 4, 5], [1]]
    assert [r.snps.tolist() for r in regions_of(4, None, 6)] == [[0, 1, 2, 3], [4, 5]]


def test_snps_without_position_are_in_no_window_with_a_warning(model_of):
    variants = VARIANTS.astype({"position": float})
    variants.loc[[1, 20], "position"] = np.nan
    with pytest.warns(UserWarning, match="2 SNPs without chromosome or position"):
        table = windows(model_of("selecting"), small_data()[0], variants, 12)
    assert table["n_snps"].tolist() == [11, 11]


def test_windows_in_another_unit_than_positions_are_warned_of():
    bases = pd.DataFrame({"chromosome": 1, "position": [1e5, 5e6]})
    with pytest.warns(UserWarning, match=r"window='2cM'.*up to 5,000,000 look like bases"):
        regions_of("2cM", bases, 2)
    map_ = pd.DataFrame({"chromosome": 1, "position": [0.0, 118.2]})
    with pytest.warns(UserWarning, match=r"window='1Mb' holds whole chromosomes.*up to 118\.2"):
        regions_of("1Mb", map_, 2)


@pytest.mark.filterwarnings("error::UserWarning")
@pytest.mark.parametrize(("window", "furthest"), [("1Mb", 9e5), ("2cM", 118.2), ("500bp", 9_700)])
def test_windows_in_the_unit_of_positions_are_not_warned_of(window, furthest):
    positions = pd.DataFrame({"chromosome": 1, "position": [0.0, furthest]})
    assert regions_of(window, positions, 2)


@pytest.mark.parametrize("window", ["1 inch", "0Mb", "", 0, True, 1.5, None])
def test_what_is_no_window_is_refused(model_of, window):
    with pytest.raises(ValueError, match="window must be a distance"):
        windows(model_of("selecting"), small_data()[0], VARIANTS, window)


def test_errors_name_the_argument(model_of):
    model, X = model_of("selecting"), small_data()[0]
    with pytest.raises(ValueError, match="variants are needed"):
        windows(model, X)
    with pytest.raises(ValueError, match="threshold"):
        windows(model, X, window=5, threshold=1)
    with pytest.raises(ValueError, match="interval"):
        windows(model, X, window=5, interval=0)
    with pytest.raises(ValueError, match=r"response='HDL': the model has no effects on HDL.*total"):
        windows(model, X, window=5, response="HDL")
    with pytest.raises(ValueError, match="has 23 rows but the model 24 SNPs"):
        windows(model, X, VARIANTS[1:])
    with pytest.raises(TypeError, match="variants must be a DataFrame"):
        windows(model, X, VARIANTS.to_numpy())
    with pytest.raises(ValueError, match="features"):
        windows(model, X[:, 1:], window=5)
    with pytest.raises(ValueError, match="variants and window have no chromosome in common"):
        windows(model, X, VARIANTS, pd.DataFrame({"chromosome": [7], "start": [0], "end": [9]}))
