"""Relationship matrices: what a term of random effects reads from each kind, checks, G by SNPs."""

import copy
import pickle
from functools import cache

import numpy as np
import pandas as pd
import polars as pl
import pytest
import skops.io
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse

from sknnmm.genotypes.plink_bits import PackedGenotypes
from sknnmm.persistence import TRUSTED_TYPES
from sknnmm.relationship import Pedigree, Relationship, _genomic, genomic_relationship
from tests.helpers.pedigrees import random_parents, tabular

N = 90
PARENTS = random_parents(np.random.default_rng(2), N, unknown=0.1, selfing=0.1)
A = tabular(*PARENTS)
IDS = pd.Index(np.arange(N).astype(str))
KINDS = "pedigree", "dense", "dense inverse", "sparse", "sparse inverse"


@cache
def of_kind(kind):
    """Return the relationship; made where it is needed, as pedigrees compile."""
    if kind == "pedigree":
        return Pedigree(np.arange(N), *PARENTS)
    if kind == "sparse inverse":
        return Relationship(of_kind("pedigree").relationship_inverse, IDS, inverse=True)
    matrix = {
        "dense": A,
        "dense inverse": np.linalg.inv(A),
        "sparse": sparse.csr_array(A),
    }[kind]
    return Relationship(matrix, IDS, inverse=kind == "dense inverse")


@pytest.fixture(params=KINDS)
def relationship(request):
    return of_kind(request.param)


IS_SINGULAR = r"matrix is singular \(1 of 3 .*add a small number to its diagonal"


def test_what_terms_read(relationship):
    factor = relationship.factor_product(np.eye(N))
    assert_allclose(factor @ factor.T, A, atol=1e-10)
    vector = np.linspace(-1, 1, N)
    assert_allclose(relationship.factor_product(vector), factor @ vector, atol=1e-12)
    inverse = relationship.relationship_inverse
    assert sparse.issparse(inverse) == (relationship.eigen is None)
    assert_allclose(inverse @ A, np.eye(N), atol=1e-9)
    assert_allclose(relationship.diagonal, A.diagonal(), rtol=1e-10)
    assert_allclose(relationship.log_determinant, np.linalg.slogdet(A)[1], rtol=1e-10)
    assert_array_equal(relationship.levels([7, None, "x"]), [7, -1, -1])
    assert len(relationship) == N
    if relationship.eigen is not None:
        values, vectors = relationship.eigen
        assert_allclose((vectors * values) @ vectors.T, A, atol=1e-10)
        assert (np.diff(values) >= 0).all()


def test_pickles_and_copies(relationship):
    _ = relationship.eigen, relationship.diagonal
    assert copy.deepcopy(relationship) is relationship
    again = skops.io.loads(skops.io.dumps(relationship), trusted=TRUSTED_TYPES)
    assert again == relationship and again.ids.equals(IDS)
    again = pickle.loads(pickle.dumps(relationship))
    assert again == relationship
    assert [other == relationship for other in map(of_kind, KINDS)].count(True) == 1
    assert_array_equal(again.factor_product(np.ones(N)), relationship.factor_product(np.ones(N)))


def test_blocks_of_a_sparse_matrix_stay_sparse():
    families = sparse.block_diag([np.full((5, 5), 0.5) + np.eye(5) / 2] * 30)
    inverse = Relationship(families, range(150)).relationship_inverse
    assert inverse.nnz == 30 * 25
    assert_allclose((inverse @ families).toarray(), np.eye(150), atol=1e-12)


def test_a_singular_matrix_has_draws_but_no_inverse():
    loadings = np.random.default_rng(0).normal(size=(3, 2))
    singular = Relationship(loadings @ loadings.T, ["a", "b", "c"])
    factor = singular.factor_product(np.eye(3))
    assert_allclose(factor @ factor.T, loadings @ loadings.T, atol=1e-12)
    assert singular.eigen[0][0] == 0
    with pytest.raises(ValueError, match=IS_SINGULAR):
        _ = singular.relationship_inverse
    with pytest.raises(ValueError, match=IS_SINGULAR):
        _ = singular.log_determinant


def test_the_matrix_is_a_copy():
    matrix = np.eye(2)
    relationship = Relationship(matrix, ["a", "b"])
    matrix[0, 1] = 9
    assert_array_equal(relationship.matrix, np.eye(2))
    assert not relationship.matrix.flags.writeable


def test_labels_of_a_frame():
    frame = pd.DataFrame(A, IDS, IDS)
    assert Relationship(frame, IDS) == of_kind("dense")
    assert Relationship(pd.DataFrame(A), IDS) == of_kind("dense")
    with pytest.raises(ValueError, match=r"index of matrix and ids differ.*matrix.loc\[ids, ids\]"):
        Relationship(frame, IDS[::-1])
    with pytest.raises(ValueError, match="columns of matrix and ids differ"):
        Relationship(frame.set_axis(IDS[::-1], axis=1), IDS)


def test_representation():
    assert repr(of_kind("dense")) == "Relationship(90 levels, dense)"
    assert repr(of_kind("sparse inverse")) == "Relationship(90 levels, sparse, inverse)"


ONE = np.eye(2)
NEGATIVE = [[1, 2], [2, 1]]
REFUSED = [
    (ONE, "abc", "a row and a column for each of the 3 ids"),
    (np.ones((2, 3)), "ab", r"shape is \(2, 3\)"),
    (ONE, "aa", r"ids has 1 duplicated ID \(a\)"),
    (ONE, [1, "1"], r"ids has 1 duplicated ID \(1\)"),
    (ONE, ["a", None], "ids has 1 missing values"),
    ([[1, np.nan], [np.nan, 1]], "ab", "missing or infinite"),
    ([[1, 0.5], [0.4, 1]], "ab", "symmetric, but has 0.5 in row a, column b and 0.4 in row b"),
    (sparse.csr_array([[1, 0.5], [0.4, 1]]), "ab", "symmetric, but has 0.5 in row a"),
    (NEGATIVE, "ab", "eigenvalue of -1, but R may have none below 0.*small number to its diag"),
    (sparse.csr_array(NEGATIVE), "ab", "sparse and not positive definite"),
    (sparse.csr_array(np.ones((2, 2))), "ab", "sparse and not positive definite: pass a dense"),
    (-ONE, "ab", "eigenvalue of -1"),
    (0 * ONE, "ab", "zeros only: such effects have no variance.*relationship=None"),
    (np.diag([1, -0.01]), "ab", "eigenvalue of -0.01, but R may have none below 0"),
    ([["x", "y"], ["y", "z"]], "ab", "matrix must be numeric"),
]


@pytest.mark.parametrize(("matrix", "ids", "message"), REFUSED)
def test_refused_matrices(matrix, ids, message):
    with pytest.raises(ValueError, match=message):
        Relationship(matrix, list(ids))


def test_an_inverse_must_not_be_singular():
    with pytest.raises(ValueError, match="an inverse must be positive definite"):
        Relationship(np.ones((2, 2)), ["a", "b"], inverse=True)


def test_rounding_below_zero_is_no_error():
    matrix = np.array([[1, 1 + 1e-9], [1 + 1e-9, 1]])
    assert_allclose(Relationship(matrix, ["a", "b"]).eigen[0], [0, 2], atol=1e-8)


@pytest.mark.parametrize("rounded", [lambda G: G.round(4), lambda G: G.astype(np.float32)])
def test_matrices_of_few_digits_count_as_singular(X, rounded):
    """With a warning: eigenvalues just below 0 count as 0."""
    G = genomic_relationship(X[:, :20]).matrix
    few = rounded(G)
    assert np.linalg.eigvalsh(few.astype(float))[0] < -2e-8
    with pytest.warns(UserWarning, match="eigenvalues down to -.*those below 0 count as 0"):
        relationship = Relationship(few, range(len(G)))
    values, vectors = relationship.eigen
    assert values[0] == 0
    assert_allclose((vectors * values) @ vectors.T, G, atol=1e-3)


# By SNPs


@pytest.fixture(scope="module")
def X():
    rng = np.random.default_rng(4)
    X = rng.binomial(2, rng.uniform(0.1, 0.9, 150), (40, 150)).astype(np.int8)
    X[rng.random(X.shape) < 0.05] = -1
    X[:, 7] = 1
    return X


def van_raden(X, method, copies=2):
    X = np.where(X < 0, np.nan, X)
    X = X[:, np.nanstd(X, axis=0) > 0]
    mean = np.nanmean(X, axis=0)
    Z, variance = np.nan_to_num(X - mean), mean * (1 - mean / copies)
    if method == "VanRaden1":
        return Z @ Z.T / variance.sum()
    return (Z / variance) @ Z.T / X.shape[1]


@pytest.mark.parametrize("method", ["VanRaden1", "VanRaden2"])
def test_genomic_relationships(X, method, monkeypatch):
    monkeypatch.setattr(_genomic, "SNPS_AT_ONCE", 32)
    wanted = van_raden(X, method)
    names = [f"id{i}" for i in range(len(X))]
    frame = pd.DataFrame(X, names)
    codes = np.array([3, 2, 0, 1], np.uint8)[X]  # -1 is the last
    four = np.stack([codes[k::4] for k in range(4)], axis=2)
    packed = (four << np.array([0, 2, 4, 6], np.uint8)).sum(2, dtype=np.uint8).T
    packed = PackedGenotypes(np.ascontiguousarray(packed), names, range(150))
    floating = np.where(X < 0, np.nan, X)
    for form in (frame, packed, X, np.asfortranarray(X), floating, pl.DataFrame(X)):
        G = genomic_relationship(form, method)
        assert_allclose(G.matrix, wanted, atol=1e-12)
        assert_array_equal(G.matrix, G.matrix.T)
    assert genomic_relationship(packed, method).ids.tolist() == names
    assert genomic_relationship(X, method).ids.tolist() == [str(i) for i in range(len(X))]
    assert genomic_relationship(frame, method, ids=range(40)).ids[3] == "3"


@pytest.mark.parametrize("method", ["VanRaden1", "VanRaden2"])
def test_inbred_lines_coded_0_and_1(X, method):
    lines = np.minimum(X, 1)
    G = genomic_relationship(lines, method).matrix
    assert_allclose(G, van_raden(lines, method, copies=1), atol=1e-12)
    coded_0_and_2 = np.where(lines > 0, 2, lines)
    assert_allclose(2 * G, genomic_relationship(coded_0_and_2, method).matrix, atol=1e-12)


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (np.array([[0, 1], [9, 1]]), "values from 0 to 9, but allele dosages lie between 0 and 2"),
        (np.array([[-1.0, 1], [1, 0]]), "values from -1 to 1"),
        (np.ones((3, 4), np.int8), "no SNP with variance"),
        ([["A", "C"]], "X column 0 must be numeric"),
    ],
)
def test_refused_genotypes(X, message):
    with pytest.raises(ValueError, match=message):
        genomic_relationship(X)


def test_unknown_methods_are_refused(X):
    with pytest.raises(ValueError, match="'method' parameter of genomic_relationship"):
        genomic_relationship(X, "Yang")
