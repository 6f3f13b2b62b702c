"""Every form of a mask gives the same connections, and every misuse says what to do."""

import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from scipy import sparse

from sknnmm.inputs.masks import resolve_mask

SNPS = np.array([f"rs{j}" for j in range(6)], dtype=object)
OMICS = np.array(["a", "b", "c"], dtype=object)
# One node per SNP, so that labels can say it too; rs4 feeds none.
ONE_EACH = np.array([[1, 0, 0], [0, 1, 0], [1, 0, 0], [0, 0, 1], [0, 0, 0], [0, 1, 0]], dtype=bool)
TABLE = pd.DataFrame(ONE_EACH, SNPS, OMICS)
LABELS = ["a", "b", "a", "c", None, "b"]
SHUFFLED = [3, 0, 5, 4, 1, 2]


def resolve(mask, n_latent=0, snps=SNPS, omics=OMICS):
    latent = [f"latent_{k}" for k in range(n_latent)]
    return resolve_mask(mask, snps, np.array([*omics, *latent], dtype=object), n_latent)


def assert_resolves(mask, expected, **settings):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        resolved = resolve(mask, **settings)
    assert type(resolved) is sparse.csc_array
    assert resolved.dtype == bool and resolved.data.all()
    assert resolved.indices.dtype == resolved.indptr.dtype == np.int32
    for column in np.split(resolved.indices, resolved.indptr[1:-1]):
        assert (np.diff(column) > 0).all()
    assert_array_equal(resolved.toarray(), expected)


def with_zeros(table):
    """Return a sparse array with every entry explicit, zeros included."""
    snps, omics = np.indices(table.shape).reshape(2, -1)
    return sparse.coo_array((table.ravel().astype(float), (snps, omics)), shape=table.shape)


TABLES = {
    "bool": ONE_EACH,
    "integers": ONE_EACH.astype(int),
    "floats": ONE_EACH.astype(np.float32),
    "objects": ONE_EACH.astype(object),
    "fortran": np.asfortranarray(ONE_EACH),
    "list": ONE_EACH.astype(int).tolist(),
    "list of arrays": list(ONE_EACH),
    "matrix": sparse.csr_matrix(ONE_EACH).todense(),
    "csc": sparse.csc_array(ONE_EACH),
    "csr of floats": sparse.csr_array(ONE_EACH.astype(float)),
    "coo": sparse.coo_array(ONE_EACH),
    "lil": sparse.lil_array(ONE_EACH),
    "sparse matrix": sparse.csr_matrix(ONE_EACH.astype(np.int8)),
    "explicit zeros": with_zeros(ONE_EACH),
    "frame": TABLE,
    "frame of numbers": TABLE.astype(float),
    "frame of objects": TABLE.astype(object),
    "frame of nullable": TABLE.astype({"a": "boolean", "b": "Int8"}),
    "frame of sparse": pd.DataFrame.sparse.from_spmatrix(sparse.csc_array(TABLE), SNPS, OMICS),
    "frame of sparse numbers": TABLE.astype(pd.SparseDtype(float, 0)),
    "frame of sparse, filled": TABLE.astype(pd.SparseDtype(bool, True)),
    "frame of some sparse": TABLE.astype({"a": pd.SparseDtype(bool, False)}),
    "frame in another order": TABLE.iloc[SHUFFLED, [2, 0, 1]],
    "frame without some SNPs": TABLE.iloc[SHUFFLED].drop(index="rs4"),
    "frame with categorical index": TABLE.set_axis(pd.CategoricalIndex(SNPS)),
    "positional frame": pd.DataFrame(ONE_EACH),
    "positional rows": TABLE.reset_index(drop=True).iloc[SHUFFLED],
    "positional columns": pd.DataFrame(ONE_EACH, SNPS)[[2, 0, 1]],
}
LABEL_FORMS = {
    "list": LABELS,
    "tuple": tuple(LABELS),
    "array of objects": np.array(LABELS, dtype=object),
    "NaN": [label or np.nan for label in LABELS],
    "NA": [label or pd.NA for label in LABELS],
    "-1": [label or -1 for label in LABELS],
    "series": pd.Series(LABELS),
    "strings": pd.Series(LABELS, dtype="string"),
    "categorical": pd.Categorical(LABELS, categories=["other", "c", "b", "a"]),
    "series of categories": pd.Series(LABELS, dtype="category"),
    "index": pd.Index(LABELS),
    "by name": pd.Series(LABELS, SNPS).iloc[SHUFFLED],
    "by name without some": pd.Series(LABELS, SNPS).dropna().iloc[::-1],
    "by position": pd.Series(LABELS).iloc[SHUFFLED],
    "indices": [0, 1, 0, 2, -1, 1],
    "array of indices": np.array([0, 1, 0, 2, -1, 1], dtype=np.int8),
    "floats": np.array([0, 1, 0, 2, np.nan, 1]),
    "narrow floats": np.array([0, 1, 0, 2, -1, 1], dtype=np.float32),
    "indices and None": [0, 1, 0, 2, None, 1],
    "nullable": pd.array([0, 1, 0, 2, None, 1], dtype="Int64"),
    "category of indices": pd.Categorical([0, 1, 0, 2, -1, 1]),
}
MAPPINGS = {
    "names": {"a": ["rs0", "rs2"], "b": ["rs1", "rs5"], "c": ["rs3"]},
    "one name": {"a": ["rs0", "rs2"], "b": ["rs1", "rs5"], "c": "rs3"},
    "another order": {"c": ["rs3"], "b": ["rs5", "rs1"], "a": ("rs2", "rs0")},
    "repeated names": {"a": ["rs0", "rs2", "rs0"], "b": ["rs1", "rs5"], "c": ["rs3", "rs3"]},
    "arrays": {"a": np.array(["rs0", "rs2"]), "b": pd.Index(["rs1", "rs5"]), "c": {"rs3"}},
    "series": {"a": pd.Series(["rs0", "rs2"]), "b": pd.Categorical(["rs1", "rs5"]), "c": "rs3"},
    "indices": {"a": [0, 2], "b": np.array([1, 5], dtype=np.uint8), "c": 3},
    "nullable": {"a": pd.array([0, 2], dtype="Int64"), "b": range(1, 6, 4), "c": np.int64(3)},
    "slices": {"a": slice(0, 3, 2), "b": slice(-5, None, 4), "c": slice(3, 4)},
    "reversed slice": {"a": slice(2, None, -2), "b": slice(1, 99, 4), "c": [3]},
    "booleans": {"a": ONE_EACH[:, 0], "b": ONE_EACH[:, 1].tolist(), "c": TABLE["c"].iloc[::-1]},
    "positional booleans": {"a": ONE_EACH[:, 0], "b": [1, 5], "c": pd.Series(ONE_EACH[:, 2])[::-1]},
    "mixed values": {"a": [0, 2], "b": ["rs1", "rs5"], "c": ONE_EACH[:, 2]},
    "positional keys": {0: ["rs0", "rs2"], np.int64(2): "rs3", 1: ["rs1", "rs5"]},
    "groups": pd.Series(SNPS, SNPS).groupby(LABELS).groups,
    "indices of groups": pd.Series(SNPS).groupby(LABELS).indices,
}


@pytest.mark.parametrize("mask", TABLES.values(), ids=TABLES)
def test_tables(mask):
    assert_resolves(mask, ONE_EACH)


@pytest.mark.parametrize("mask", LABEL_FORMS.values(), ids=LABEL_FORMS)
def test_labels(mask):
    assert_resolves(mask, ONE_EACH)


@pytest.mark.parametrize("mask", MAPPINGS.values(), ids=MAPPINGS)
def test_mappings(mask):
    assert_resolves(mask, ONE_EACH)


def test_random_mask_in_every_form_that_lets_a_snp_feed_several_nodes():
    rng = np.random.default_rng(3)
    p, n_omics = 40, 7
    table = rng.random((p, n_omics)) < 0.3
    snps = np.array([f"s{j}" for j in rng.permutation(p)], dtype=object)
    omics = np.array([f"o{k}" for k in rng.permutation(n_omics)], dtype=object)
    frame = pd.DataFrame(table, snps, omics)
    rows, columns = rng.permutation(p), rng.permutation(n_omics)
    for mask in (
        table,
        sparse.csr_array(table),
        frame.iloc[rows, columns],
        {omics[k]: rng.permutation(snps[table[:, k]]) for k in columns},
        {int(k): rng.permutation(np.flatnonzero(table[:, k])) for k in columns},
    ):
        assert_resolves(mask, table, snps=snps, omics=omics)


def test_what_is_given_stays_as_it_is():
    given = sparse.csc_array(([1, 0, 1, 1, 1, 1], [2, 1, 0, 5, 1, 3], [0, 3, 5, 6]), shape=(6, 3))
    before = given.copy()
    assert_resolves(given, ONE_EACH)
    for name in ("data", "indices", "indptr"):
        assert_array_equal(getattr(given, name), getattr(before, name))


def test_integers_are_positions_even_if_they_could_be_names():
    reversed_names = np.array(list("543210"), dtype=object)
    omics = np.array(list("210"), dtype=object)
    for mask in (
        {0: [0, 2], 1: [1, 5], 2: [3]},
        [0, 1, 0, 2, -1, 1],
        pd.DataFrame(ONE_EACH),
        {"2": ["5", "3"], "1": ["4", "0"], "0": ["2"]},
        ["2", "1", "2", "0", None, "1"],
    ):
        assert_resolves(mask, ONE_EACH, snps=reversed_names, omics=omics)


# --- fully connected ---------------------------------------------------------------------------

FULL = {
    "None": None,
    "array": np.ones((6, 3)),
    "sparse": sparse.csr_array(np.ones((6, 3))),
    "frame": pd.DataFrame(True, SNPS[::-1], OMICS),
    "mapping": dict.fromkeys("abc", slice(None)),
}


@pytest.mark.parametrize("mask", FULL.values(), ids=FULL)
def test_everything_connected_is_no_mask(mask):
    assert resolve(mask) is None
    assert resolve(mask, n_latent=2) is None


def test_all_labels_alike_are_no_mask():
    assert resolve(["a"] * 6, omics=["a"]) is None


def test_no_mask_without_nodes():
    assert resolve(None, omics=[]) is None


# --- latent nodes ------------------------------------------------------------------------------

WITH_LATENT = np.column_stack([ONE_EACH, np.ones((6, 2), bool)])
ONLY_OBSERVED = {
    "array": ONE_EACH,
    "sparse": sparse.csc_array(ONE_EACH),
    "frame": TABLE,
    "positional frame": pd.DataFrame(ONE_EACH),
    "labels": LABELS,
    "mapping": MAPPINGS["names"],
}


@pytest.mark.parametrize("mask", ONLY_OBSERVED.values(), ids=ONLY_OBSERVED)
def test_latent_nodes_not_mentioned_are_fully_connected(mask):
    assert_resolves(mask, WITH_LATENT, n_latent=2)


SECOND_LATENT = WITH_LATENT.copy()
SECOND_LATENT[:, 4] = [0, 0, 0, 0, 1, 0]
MENTIONED = {
    "array": SECOND_LATENT,
    "sparse": sparse.csc_array(SECOND_LATENT),
    "frame": TABLE.assign(latent_1=SECOND_LATENT[:, 4]),
    "labels": [*LABELS[:4], "latent_1", "b"],
    "indices": [0, 1, 0, 2, 4, 1],
    "mapping": {"latent_1": "rs4"} | MAPPINGS["names"],
    "positional mapping": {4: 4, 0: [0, 2], 1: [1, 5], 2: [3]},
}


@pytest.mark.parametrize("mask", MENTIONED.values(), ids=MENTIONED)
def test_latent_nodes_mentioned_are_masked(mask):
    assert_resolves(mask, SECOND_LATENT, n_latent=2)


def test_only_latent_nodes():
    table = np.column_stack([ONE_EACH[:, 0], np.ones(6, bool)])
    for mask in (
        table,
        {"latent_0": [0, 2]},
        [0, -1, 0, -1, -1, -1],
        table[:, :1] * [[1, 0]] + [0, 1],
    ):
        assert_resolves(mask, table, n_latent=2, omics=[])
    assert resolve({}, n_latent=2, omics=[]) is None


# --- SNPs that X lacks -------------------------------------------------------------------------

LACKING = ["rs4", "rs5", "rs7", "rs8", "rs9", "rs10", "rs11"]
FILTERED = [0, 1, 2, 3]


def frame_of_more():
    more = pd.DataFrame(True, [*LACKING[2:]], OMICS)
    return pd.concat([more, TABLE])


BEYOND_X = {
    "frame": (frame_of_more(), LACKING[2:] + LACKING[:2]),
    "labels": (pd.concat([pd.Series("a", LACKING), pd.Series(LABELS[:4], SNPS[:4])]), LACKING),
    "mapping": (
        {"a": ["rs0", *LACKING, "rs2"], "b": [*LACKING, "rs1"], "c": ["rs3"]},
        LACKING,
    ),
    "booleans": (
        {"a": TABLE["a"], "b": frame_of_more()["b"], "c": ["rs3", "rs4"]},
        [*LACKING[2:], "rs5", "rs4"],
    ),
}


@pytest.mark.parametrize(("mask", "lacking"), BEYOND_X.values(), ids=BEYOND_X)
def test_names_that_X_lacks_are_dropped_with_one_warning(mask, lacking):
    with pytest.warns(UserWarning, match="mask names") as caught:
        resolved = resolve(mask, snps=SNPS[FILTERED])
    assert_array_equal(resolved.toarray(), ONE_EACH[FILTERED])
    (warned,) = caught
    shown = ", ".join(lacking[:5])
    assert f"mask names {len(lacking)} SNPs not in X ({shown}, ...)" in str(warned.message)


# --- errors ------------------------------------------------------------------------------------

CSC = sparse.csc_array(ONE_EACH.astype(int))
INVALID = {
    "type": (3, TypeError, "None; .*DataFrame.*sequence.*mapping omic -> SNPs; got int"),
    "text": ("a", TypeError, "got str"),
    "set": ({"a", "b"}, TypeError, "got set"),
    "transposed": (
        ONE_EACH.T,
        ValueError,
        r"shape \(3, 6\) but X has 6 SNPs.*must have .*\(6, 3\)",
    ),
    "sparse rows": (CSC[:5], ValueError, r"shape \(5, 3\) .*\(6, 3\). A table.*needs names"),
    "sparse vector": (sparse.coo_array(np.ones(6)), ValueError, r"shape \(6,\).*\(6, 3\)"),
    "three dimensions": (ONE_EACH[None], ValueError, r"shape \(1, 6, 3\)"),
    "no dimension": (np.array(True), ValueError, r"shape \(\)"),
    "ragged": ([[1, 0, 0], [1, 0]] * 3, ValueError, r"shape \(6,\)"),
    "two": (ONE_EACH * 2, ValueError, "True/False or 0/1 but has 2"),
    "half": (ONE_EACH * 0.5, ValueError, "0/1 but has 0.5"),
    "negative": (-ONE_EACH.astype(int), ValueError, "0/1 but has -1"),
    "NaN": (np.where(ONE_EACH, 1, np.nan), ValueError, "0/1 but has nan"),
    "text entries": (ONE_EACH.astype(int).astype(str), ValueError, "0/1 but has 1"),
    "labels in a table": (np.array([LABELS[:3]] * 6), ValueError, "0/1 but has a.*one dimension"),
    "sparse two": (CSC * 2, ValueError, "0/1 but has 2"),
    "sparse NaN": (CSC * np.nan, ValueError, "0/1 but has nan"),
    "sparse twice": (
        sparse.coo_array(([1, 1], ([0, 0], [0, 0])), shape=(6, 3)),
        ValueError,
        "0/1 but has 2",
    ),
    "frame two": (TABLE * 2, ValueError, "0/1 but has 2"),
    "frame missing": (TABLE.astype("boolean").replace(True, pd.NA), ValueError, "has <NA>"),
    "frame filled with NaN": (
        TABLE.astype(float).replace(0, np.nan).astype(pd.SparseDtype(float)),
        ValueError,
        "has nan",
    ),
    "frame sparse two": ((TABLE * 2).astype(pd.SparseDtype(int, 0)), ValueError, "has 2"),
    "frame rows": (
        pd.DataFrame(ONE_EACH[:5]),
        ValueError,
        "mask has 5 rows but X has 6 SNPs: .*order of X, or an index of SNP names",
    ),
    "frame row position": (
        TABLE.set_axis(range(1, 7)),
        ValueError,
        "has the SNP position 6; positions go from 0 to 5",
    ),
    "frame columns": (
        TABLE.rename(columns={"b": "q", "c": "r"}),
        ValueError,
        "unknown omics: q, r. The omics and latent nodes are a, b, c",
    ),
    "frame column position": (
        pd.DataFrame(ONE_EACH, columns=[0, 1, -1]),
        ValueError,
        "has the omic position -1; positions go from 0 to 2",
    ),
    "frame too many columns": (pd.DataFrame(np.ones((6, 4))), ValueError, "omic position 3"),
    "frame duplicated SNPs": (
        TABLE.rename({"rs2": "rs1"}),
        ValueError,
        r"1 duplicated SNP label \(rs1\). Give each once",
    ),
    "frame duplicated rows": (
        TABLE.set_axis([0, 1, 1, 3, 4, 5]),
        ValueError,
        r"duplicated SNP label \(1",
    ),
    "frame duplicated omics": (TABLE.set_axis([*"aba"], axis=1), ValueError, r"omic label \(a\)"),
    "frame mixed index": (
        TABLE.rename({"rs2": 2}),
        ValueError,
        "the index of mask must be all names or all integer positions, but has mixed-integer",
    ),
    "frame missing name": (TABLE.rename({"rs2": None}), ValueError, "index of mask .* mixed"),
    "frame levels": (
        TABLE.set_axis(pd.MultiIndex.from_product([[1, 2], [*"xyz"]])),
        ValueError,
        "the index of mask must be all names or all integer positions",
    ),
    "frame of no SNP of X": (
        TABLE.add_prefix("chip_", axis=0),
        ValueError,
        r"mask names 6 SNPs, none of them in X \(chip_rs0, .*\.\.\.\); X has rs0, rs1, .*\.\.\.",
    ),
    "frame omic missing": (TABLE[["a", "c"]], ValueError, r"1 of 3 nodes without SNPs \(b\)"),
    "labels count": (LABELS[:5], ValueError, "mask has 5 rows but X has 6 SNPs"),
    "labels none": ([], ValueError, "mask has 0 rows but X has 6 SNPs"),
    "labels unknown": ([*LABELS[:5], "q"], ValueError, "unknown omics: q"),
    "labels empty": (["", *LABELS[1:]], ValueError, "unknown omics: "),
    "labels position": ([0, 1, 0, 3, -1, 1], ValueError, "has the omic position 3"),
    "labels negative": ([0, 1, 0, 2, -2, 1], ValueError, "has the omic position -2"),
    "labels fraction": ([0, 1, 0, 1.5, -1, 1], ValueError, "omics of mask .*has mixed"),
    "labels boolean": (ONE_EACH[:, 0], ValueError, "omics of mask must .* has boolean"),
    "labels mixed": (["a", "b", "a", 2, None, 1], ValueError, "omics of mask .*mixed-integer"),
    "labels nested": ([None, ["a"], ["a", "b"], "c", "c", "a"], ValueError, "pass a mapping"),
    "labels duplicated": (
        pd.Series(LABELS, ["rs0", "rs0", *SNPS[2:]]),
        ValueError,
        r"duplicated SNP label \(rs0",
    ),
    "labels of no SNP of X": (
        pd.Series(LABELS, list("uvwxyz")),
        ValueError,
        "mask names 6 SNPs, none of them in X",
    ),
    "labels leave omics": (
        ["b", None, None, None, None, None],
        ValueError,
        r"2 of 3 nodes without SNPs \(a, c\): connect each",
    ),
    "mapping omic": ({"a": [0], "q": [1]}, ValueError, "unknown omics: q"),
    "mapping of SNPs": (dict(zip(SNPS, LABELS, strict=True)), ValueError, "unknown omics: rs0, "),
    "mapping position": ({"a": [0, 6], "b": 1, "c": 2}, ValueError, "has the SNP position 6"),
    "mapping negative": ({"a": [0, -1], "b": 1, "c": 2}, ValueError, "has the SNP position -1"),
    "mapping key": ({3: [0]}, ValueError, "has the omic position 3"),
    "mapping negative key": ({-1: [0]}, ValueError, "has the omic position -1"),
    "mapping mixed keys": ({"a": 0, 1: 1, 2: 2}, ValueError, "omics of mask .*mixed-integer"),
    "mapping boolean key": ({True: [0]}, ValueError, "omics of mask .*boolean"),
    "mapping mixed": ({"a": ["rs0", 2]}, ValueError, r"mask\['a'\] must .*mixed-integer"),
    "mapping missing": ({"a": ["rs0", None]}, ValueError, r"mask\['a'\] must .*mixed"),
    "mapping floats": ({"a": [0.0, 2.0]}, ValueError, r"mask\['a'\] must .*floating"),
    "mapping nested": ({"a": [["rs0"], ["rs1"]]}, ValueError, r"mask\['a'\] must .*mixed"),
    "mapping table": ({"a": np.array([[0], [1]])}, ValueError, r"mask\['a'\] must .*nested"),
    "mapping None": ({"a": None}, ValueError, r"mask\['a'\] must hold names .*; got None"),
    "mapping float": ({0: 1.0}, ValueError, r"mask\[0\] must hold names .*; got 1.0"),
    "mapping booleans": (
        {"a": [True] * 5},
        ValueError,
        r"mask\['a'\] has 5 booleans but .* 6 SNPs",
    ),
    "mapping Boolean": ({"a": True}, ValueError, r"mask\['a'\] has 1 booleans but .* 6 SNPs"),
    "mapping boolean series": (
        {"a": pd.Series([True] * 7)},
        ValueError,
        r"mask\['a'\] has 7 booleans but X has 6 SNPs",
    ),
    "mapping slice of names": (
        {"a": slice("rs0", "rs2")},
        ValueError,
        r"mask\['a'\] must be a slice of integer positions",
    ),
    "mapping empty slice": (
        {"a": slice(6, 9), "b": 1, "c": 2},
        ValueError,
        r"1 of 3 nodes without SNPs \(a\)",
    ),
    "mapping empty": ({}, ValueError, r"3 of 3 nodes without SNPs \(a, b, c\)"),
    "mapping empty array": ({"a": np.array([]), "b": [], "c": 2}, ValueError, r"\(a, b\)"),
    "mapping of no SNP of X": (
        {"a": ["u", "v"], "b": "u", "c": [1]},
        ValueError,
        r"mask names 2 SNPs, none of them in X \(u, v\)",
    ),
}


@pytest.mark.parametrize(("mask", "error", "message"), INVALID.values(), ids=INVALID)
def test_invalid_masks(mask, error, message):
    with pytest.raises(error, match=f"(?s)mask.*{message}" if "mask" not in message else message):
        resolve(mask)


def test_shape_error_with_latent_nodes_gives_both_shapes():
    with pytest.raises(ValueError, match=r"3 of them latent.*shape \(6, 6\) or \(6, 3\)"):
        resolve(np.ones((6, 4)), n_latent=3)
    with pytest.raises(ValueError, match=r"must have shape \(6, 2\)\."):
        resolve(np.ones((6, 0)), n_latent=2, omics=[])


def test_latent_node_mentioned_without_snps():
    for mask in (
        WITH_LATENT & [True, True, True, False, True],
        {"latent_0": [], **MAPPINGS["names"]},
        TABLE.assign(latent_0=False),
    ):
        with pytest.raises(ValueError, match=r"1 of 5 nodes without SNPs \(latent_0\)"):
            resolve(mask, n_latent=2)


@pytest.mark.parametrize("mask", [np.ones((6, 0)), [None] * 6, {}])
def test_mask_without_nodes(mask):
    with pytest.raises(ValueError, match="mask connects .* pass omics or n_latent"):
        resolve(mask, omics=[])


@pytest.mark.filterwarnings("ignore:mask names")
def test_omic_left_without_snps_by_a_filter():
    with pytest.raises(ValueError, match=r"1 of 3 nodes without SNPs \(c\)"):
        resolve(MAPPINGS["names"], snps=SNPS[[0, 1, 4]])


def test_many_nodes_are_named_in_part():
    with pytest.raises(ValueError, match=r"9 of 10 nodes without SNPs \(b, c, d, e, f, \.\.\.\)"):
        resolve(["a"] * 6, omics=list("abcdefghij"))


def test_large_sparse_mask_is_never_dense():
    p, n_omics = 300_000, 100_000  # 30 GB as booleans
    snps = np.arange(p).astype(str).astype(object)
    omics = np.char.add("o", np.arange(n_omics).astype(str)).astype(object)
    owner = np.arange(p) % n_omics
    resolved = resolve(sparse.coo_array((np.ones(p), (np.arange(p), owner))), 0, snps, omics)
    by_label = resolve(owner, 0, snps, omics)
    for mask in (resolved, by_label):
        assert_array_equal(np.diff(mask.indptr), p // n_omics)
        assert_array_equal(mask.indices[:3], [0, n_omics, 2 * n_omics])
