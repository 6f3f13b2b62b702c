"""Relationship matrices of GCTA and omics of AnnData and MuData objects."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse

from sknnmm.io import omics_from_anndata, read_grm

# --- GRM ----------------------------------------------------------------------------------------


def write_grm(prefix, matrix, ids):
    matrix[np.tril_indices(len(matrix))].astype("<f4").tofile(f"{prefix}.grm.bin")
    prefix.with_name(f"{prefix.name}.grm.id").write_text("".join(f"{line}\n" for line in ids))
    return prefix


@pytest.fixture
def singular():
    """Return the matrix of centred genotypes of 40 individuals at 500 SNPs."""
    genotypes = np.random.default_rng(2).integers(0, 3, (40, 500)).astype(float)
    genotypes -= genotypes.mean(axis=0)
    return genotypes @ genotypes.T / 400


def test_matrix_comes_back(tmp_path, singular):
    ids = [f"f{i % 3} m{i}" for i in range(40)]
    relationship = read_grm(write_grm(tmp_path / "herd", singular, ids))
    assert list(relationship.ids) == [f"m{i}" for i in range(40)]
    assert_allclose(relationship.matrix, singular, atol=3e-6)
    assert relationship.eigen[0].min() >= 0


@pytest.mark.parametrize("suffix", [".grm", ".grm.bin", ".grm.id"])
@pytest.mark.parametrize("ids", [["#FID IID", "f a", "f b"], ["#IID", "a", "b"], ["a", "b"]])
def test_headers_and_names(tmp_path, suffix, ids):
    write_grm(tmp_path / "herd", np.eye(2), ids)
    relationship = read_grm(f"{tmp_path / 'herd'}{suffix}")
    assert list(relationship.ids) == ["a", "b"]
    assert_allclose(relationship.matrix, np.eye(2), atol=1e-6)


def test_eigenvalues_below_zero(tmp_path):
    prefix = write_grm(tmp_path / "herd", np.array([[1.0, 1.01], [1.01, 1.0]]), ["f a", "f b"])
    with pytest.raises(ValueError, match=r"herd\.grm\.bin: .*-0\.01.*Pass add_to_diagonal"):
        read_grm(prefix)
    relationship = read_grm(prefix, add_to_diagonal=0.02)
    assert_allclose(relationship.matrix, [[1.02, 1.01], [1.01, 1.02]], atol=1e-6)


@pytest.mark.parametrize(
    ("ids", "cut", "message"),
    [
        (["f a", "f b"], 4, r"herd\.grm\.bin does not fit the 2 .* has 8 bytes, not 12"),
        (["f a", "f b", "f c"], 0, "has 12 bytes, not 24"),
        (["f a", "f"], 0, r"herd\.grm\.id must have .* in every line: line 2"),
        ([], 0, "it is empty"),
        (["f a", "g a"], 0, r"duplicated.*\(a\)"),
    ],
)
def test_broken_matrices(tmp_path, ids, cut, message):
    prefix = write_grm(tmp_path / "herd", np.eye(2), ids)
    path = tmp_path / "herd.grm.bin"
    path.write_bytes(path.read_bytes()[: 12 - cut])
    with pytest.raises(ValueError, match=message):
        read_grm(prefix)


def test_number_to_add_is_checked(tmp_path):
    with pytest.raises(ValueError, match=r"add_to_diagonal must be a number from 0; got -1"):
        read_grm(tmp_path / "herd", add_to_diagonal=-1)


# --- AnnData ------------------------------------------------------------------------------------


def anndata(values, obs, var, **layers):
    """Return what has the attributes of an AnnData object that are read."""
    return SimpleNamespace(
        X=values, layers=layers, obs_names=pd.Index(obs), var_names=pd.Index(var)
    )


def test_values_and_layers():
    values = np.array([[1.0, 2.0], [np.nan, 4.0]])
    data = anndata(values, ["a", "b"], ["HDL", "LDL"], counts=sparse.csr_matrix([[0, 3], [1, 0]]))
    omics = omics_from_anndata(data)
    assert_array_equal(omics, values)
    assert list(omics.index) == ["a", "b"] and list(omics) == ["HDL", "LDL"]
    assert_array_equal(omics_from_anndata(data, "counts"), [[0, 3], [1, 0]])


@pytest.mark.parametrize(
    ("second", "names"),
    [(["P1"], ["g1", "g2", "P1"]), (["g1"], ["rna:g1", "rna:g2", "protein:g1"])],
)
def test_modalities_side_by_side(second, names):
    rna = anndata(np.array([[1.0, 2.0], [3.0, 4.0]]), ["a", "b"], ["g1", "g2"])
    protein = anndata(np.array([[5.0], [6.0]]), ["c", "b"], second)
    data = SimpleNamespace(
        mod={"rna": rna, "protein": protein}, obs_names=pd.Index(["c", "a", "b"])
    )
    omics = omics_from_anndata(data)
    nan = np.nan
    assert_array_equal(omics, [[nan, nan, 5], [1, 2, nan], [3, 4, 6]])
    assert list(omics) == names and list(omics.index) == ["c", "a", "b"]


def test_what_is_no_anndata():
    with pytest.raises(TypeError, match="must be an AnnData or MuData object; got DataFrame"):
        omics_from_anndata(pd.DataFrame({"HDL": [1.0]}))
    data = anndata(None, ["a"], ["HDL"], log=np.ones((1, 1)))
    with pytest.raises(ValueError, match="data has no X. Pass layer, one of: log"):
        omics_from_anndata(data)
    with pytest.raises(ValueError, match="data has no layer 'raw'; its layers are: log"):
        omics_from_anndata(data, "raw")
