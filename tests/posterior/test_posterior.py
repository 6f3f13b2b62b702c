"""Tables of a posterior, its export to ArviZ, and its file."""

import zipfile

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse

from sknnmm import NNMMRegressor
from sknnmm.common import archive
from sknnmm.datasets import make_omics_network
from sknnmm.effects import Random
from sknnmm.posterior import files
from sknnmm.posterior.draws import Posterior

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture(scope="module")
def model():
    """Return a model with groups, a latent node and a random effect; every fourth draw is held."""
    data = make_omics_network(80, 30, 2, missing_omics=0.3, random_state=0)
    rng = np.random.default_rng(0)
    covariates = pd.DataFrame({"sex": rng.choice(["F", "M"], 80), "cage": rng.integers(3, 9, 80)})
    model = NNMMRegressor(
        n_latent=1,
        method={"near": "BayesC", "far": "RR-BLUP"},
        snp_groups={"near": slice(0, 10), "far": slice(10, 30)},
        effects=[Random("cage")],
        n_iter=100,
        burn_in=20,
        effects_memory=0.012,
        random_state=0,
    )
    return model.fit(data.X, data.y, omics=data.omics, covariates=covariates)


@pytest.fixture(scope="module")
def sparse_model():
    """Return a model whose SNP effects are mostly zero, without omics."""
    data = make_omics_network(80, 30, 1, random_state=0)
    genotypes = pd.DataFrame(data.X, columns=[f"rs{j}" for j in range(30)])
    return NNMMRegressor(n_iter=100, burn_in=20, random_state=0).fit(genotypes, data.y)


# --- tables -------------------------------------------------------------------------------------


def test_variables_have_the_dims_and_the_number_of_their_draws(model):
    posterior = model.posterior_
    table = posterior.variables
    assert set(table.index) == set(posterior.draws)
    for name, row in table.iterrows():
        lengths = tuple(len(posterior.coords[dim]) for dim in row["dims"])
        assert posterior.draws[name].shape == (2, row["n_draws"], *lengths)
    assert table.loc["snp_effects", "n_draws"] == len(posterior.effects_draw) < 80
    units = {
        "residual_variance": "y^2",
        "omics_residual_variance": "omic^2",
        "direct_effects": "y / allele",
        "omics_covariate_effects": "omic / covariate",
        "heritability": "1",
    }
    assert table.loc[list(units), "unit"].to_list() == list(units.values())
    assert list(table.index[table["target"]]) == [
        v.name for v in posterior.registry.values() if v.is_target
    ]


def test_summary_is_the_diagnostics_with_quantiles(model):
    summary, diagnostics = model.posterior_.summary(), model.diagnostics_
    pd.testing.assert_frame_equal(summary[diagnostics.columns], diagnostics)
    weights = model.posterior_.draws["omics_weights"][:, :, 1]
    columns = ["5%", "50%", "95%"]
    expected = np.quantile(weights, [0.05, 0.5, 0.95])
    assert_allclose(summary.loc["omics_weights[omic_1]", columns].to_numpy(float), expected)
    assert not summary.loc["omics_weights[latent_0]", "target"]
    assert summary.loc["omics_weights[omic_1]", "target"]


def test_summary_of_effects_of_levels_groups_and_sparse_snps(model, sparse_model):
    summary = model.posterior_.summary(["cage_effects", "direct_pi"], quantiles=[])
    assert list(summary.index[:2]) == ["cage_effects[3]", "cage_effects[4]"]
    assert summary.index[-1] == "direct_pi[near]"  # RR-BLUP has none
    draws = sparse_model.posterior_.draws["direct_effects"]
    assert sparse.issparse(draws)
    summary = sparse_model.posterior_.summary(["direct_effects"])
    dense = draws.toarray().astype(float)
    assert_allclose(summary["mean"], dense.mean(axis=(0, 1)), rtol=1e-12, atol=1e-15)
    assert_allclose(summary["95%"], np.quantile(dense, 0.95, axis=(0, 1)), rtol=1e-6)
    assert summary.index[7] == "direct_effects[rs7]"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"names": ["no_such"]}, "names must be a sequence of residual_variance.*got no_such"),
        ({"names": "heritability"}, r"names must be a sequence of names: write \['heritability'\]"),
        ({"quantiles": [0.5, 5]}, r"quantiles must lie between 0 and 1; got \[0.5, 5\]"),
    ],
)
def test_summary_refuses(model, arguments, message):
    with pytest.raises(ValueError, match=message):
        model.posterior_.summary(**arguments)


# --- ArviZ --------------------------------------------------------------------------------------


def test_data_tree_has_the_draws_under_their_names(model):
    pytest.importorskip("xarray")
    posterior = model.posterior_
    tree = posterior.to_datatree("all")
    assert_array_equal(
        tree["posterior"]["omics_weights"].sel(omic="omic_1"),
        posterior.draws["omics_weights"][:, :, 1],
    )
    effects = tree["effects"]["snp_effects"].sel(snp="snp_12", omic="omic_0")
    assert_array_equal(effects, posterior.draws["snp_effects"][:, :, 12, 0])
    assert_array_equal(effects["draw"], posterior.effects_draw)
    assert tree["effects"]["cage_effects"].sel(cage_level="3").shape == effects.shape
    attributes = tree["posterior"]["residual_variance"].attrs
    assert (attributes["units"], attributes["target"]) == ("y^2", 0)
    assert set(tree["posterior"].data_vars) | set(tree["effects"].data_vars) == set(
        posterior.variables.index
    )


def test_the_most_included_snps_are_exported(sparse_model):
    pytest.importorskip("xarray")
    posterior = sparse_model.posterior_
    effects = posterior.to_datatree(4)["effects"]["direct_effects"]
    best = np.sort(np.argsort(-sparse_model.direct_inclusion_probability_)[:4])
    assert list(effects["snp"].values) == [f"rs{j}" for j in best]
    assert_array_equal(effects, posterior.draws["direct_effects"].toarray()[:, :, best])
    named = posterior.to_datatree(["rs9", "rs2"])["effects"]["direct_effects"]
    assert list(named["snp"].values) == ["rs2", "rs9"]


def test_of_effects_without_selection_those_far_from_zero_are_exported():
    pytest.importorskip("xarray")
    data = make_omics_network(80, 30, 1, random_state=0)
    model = NNMMRegressor("RR-BLUP", n_iter=100, burn_in=20, random_state=0).fit(data.X, data.y)
    draws = model.posterior_.draws["direct_effects"].astype(float)
    far = np.abs(draws.mean(axis=(0, 1))) / draws.std(axis=(0, 1))
    expected = [f"snp_{j}" for j in np.sort(np.argsort(-far)[:3])]
    assert list(model.posterior_.to_datatree(3)["effects"]["snp"].values) == expected


@pytest.mark.parametrize(
    ("snps", "message"),
    [
        ("every", "snps must be a number, \"all\" or names of SNPs; got 'every'"),
        (-1, "snps must be 0 or more; got -1"),
        (["rs1", "rs99"], "snps names SNPs that the model does not have: rs99"),
    ],
)
def test_data_tree_refuses(sparse_model, snps, message):
    pytest.importorskip("xarray")
    with pytest.raises(ValueError, match=message):
        sparse_model.posterior_.to_datatree(snps)


def test_netcdf_returns_the_data_tree(model, tmp_path):
    xarray = pytest.importorskip("xarray")
    pytest.importorskip("h5netcdf")
    model.posterior_.to_netcdf(tmp_path / "posterior.nc", snps=5)
    with xarray.open_datatree(tmp_path / "posterior.nc", engine="h5netcdf") as tree:
        xarray.testing.assert_identical(tree.load(), model.posterior_.to_datatree(5))


def test_arviz_plots_and_summarises_the_data_tree(model):
    pytest.importorskip("arviz_plots")
    import arviz_plots
    import arviz_stats
    import matplotlib

    matplotlib.use("Agg")
    tree = model.posterior_.to_datatree(3)
    for plot in (arviz_plots.plot_trace, arviz_plots.plot_rank):
        panels = plot(tree, var_names=["omics_weights", "heritability"], backend="matplotlib")
        titles = {axis.get_title() for axis in panels.viz["figure"].item().axes}
        assert {"heritability", "omics_weights\nomic_1", "omics_weights\nlatent_0"} <= titles
    forest = arviz_plots.plot_forest(
        tree, group="effects", var_names=["direct_effects"], backend="matplotlib"
    )
    labels = [text.get_text() for axis in forest.viz["figure"].item().axes for text in axis.texts]
    assert set(tree["effects"]["snp"].values) <= set(labels)
    theirs = arviz_stats.summary(tree, var_names=["heritability"], round_to="none")
    ours = model.posterior_.summary(["heritability"])
    assert_allclose(theirs.loc["heritability", "mean"], ours.loc["heritability", "mean"])
    assert_allclose(theirs.loc["heritability", "ess_bulk"], ours.loc["heritability", "ess_bulk"])


# --- files --------------------------------------------------------------------------------------


@pytest.mark.parametrize("which", ["model", "sparse_model"])
def test_a_saved_posterior_is_the_same_to_the_bit(which, request, tmp_path):
    posterior = request.getfixturevalue(which).posterior_
    posterior.save(tmp_path / "posterior.npz")
    loaded = Posterior.load(tmp_path / "posterior.npz")
    assert list(loaded.draws) == list(posterior.draws)
    for name, draws in posterior.draws.items():
        same = loaded.draws[name]
        assert type(same) is type(draws) and same.dtype == draws.dtype
        if sparse.issparse(draws):
            assert_array_equal(np.stack(same.coords), np.stack(draws.coords))
            draws, same = draws.data, same.data
        assert same.tobytes() == draws.tobytes()
    assert loaded.registry == posterior.registry
    pd.testing.assert_frame_equal(loaded.summary(), posterior.summary())
    assert {dim: names.tolist() for dim, names in loaded.coords.items()} == {
        dim: names.tolist() for dim, names in posterior.coords.items()
    }
    assert [path.name for path in tmp_path.iterdir()] == ["posterior.npz"]


def test_nothing_in_the_file_is_pickled(model, tmp_path):
    model.posterior_.save(tmp_path / "posterior.npz")
    with np.load(tmp_path / "posterior.npz", allow_pickle=False) as members:
        assert all(members[name].dtype.kind in "biuf" for name in members.files)


def of_another_format(path, posterior):
    posterior.save(path)
    with path.open("rb") as file:
        content = archive.read(file)
    with path.open("w+b") as file:
        archive.write(file, content | {"format": files.FORMAT + 1})


def torn(path, posterior):
    posterior.save(path)
    path.write_bytes(path.read_bytes()[:-100])


def another_archive(path, posterior):
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("something", "else")


def another_content(path, posterior):
    with path.open("w+b") as file:
        archive.write(file, {"fit": {}, "state": {}})


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (of_another_format, r"has format 3, but this version of sknnmm reads format 2"),
        (torn, "is damaged"),
        (another_archive, "was not written by Posterior.save"),
        (another_content, "was not written by Posterior.save"),
    ],
)
def test_other_files_are_refused(write, message, model, tmp_path):
    write(tmp_path / "file.npz", model.posterior_)
    with pytest.raises(ValueError, match=r"file\.npz " + message):
        Posterior.load(tmp_path / "file.npz")
