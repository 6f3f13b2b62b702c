"""Pedigrees: relationships against the tabular method; tables as people have them."""

import copy
import pickle

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone

from sknnmm.relationship import Pedigree
from sknnmm.relationship import _pedigree as pedigree_module
from tests.helpers.pedigrees import random_parents, tabular

# Example 2.1 of Mrode (2014), Linear models for the prediction of animal breeding values.
MRODE = pd.DataFrame({"id": [3, 4, 5, 6], "sire": [1, 1, 4, 5], "dam": [2, 0, 3, 2]})
MRODE_A = np.array(
    [
        [1, 0, 0.5, 0.5, 0.5, 0.25],
        [0, 1, 0.5, 0, 0.25, 0.625],
        [0.5, 0.5, 1, 0.25, 0.625, 0.5625],
        [0.5, 0, 0.25, 1, 0.625, 0.3125],
        [0.5, 0.25, 0.625, 0.625, 1.125, 0.6875],
        [0.25, 0.625, 0.5625, 0.3125, 0.6875, 1.125],
    ]
)


def read(table, **roles):
    return Pedigree.from_frame(table, **({"id": "id", "sire": "sire", "dam": "dam"} | roles))


def by_text(*rows):
    """Return the table of rows such as "calf bull cow"."""
    return pd.DataFrame([row.split() for row in rows], columns=["id", "sire", "dam"])


# Relationships


def test_textbook_pedigree():
    pedigree = read(MRODE)
    assert pedigree.ids.tolist() == list("123456")
    assert_array_equal(pedigree.inbreeding, [0, 0, 0, 0, 0.125, 0.125])
    assert_array_equal(pedigree.mendelian_variance, [1, 1, 0.5, 0.75, 0.5, 0.5 - 0.125 / 4])
    assert_array_equal(pedigree.relationship(), MRODE_A)
    inverse = pedigree.relationship_inverse.toarray()
    of_6 = 1 / 0.46875
    assert_allclose(inverse[5], [0, -of_6 / 2, 0, 0, -of_6 / 2, of_6])
    assert_allclose(inverse[4, 4], 1 / 0.5 + of_6 / 4)
    assert_allclose(inverse @ MRODE_A, np.eye(6), atol=1e-14)


def test_selfing_halves_heterozygosity():
    pedigree = read(by_text("b a a", "c b b", "d c c", "e d ."))
    assert_array_equal(pedigree.inbreeding, [0, 1 / 2, 3 / 4, 7 / 8, 0])
    assert_array_equal(pedigree.mendelian_variance[1:4], [1 / 2, 1 / 4, 1 / 8])


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"unknown": 0, "window": 12},
        {"unknown": 0.05, "selfing": 0.3},
        {"selfing": 1, "window": 5},
    ],
    ids=str,
)
def test_agrees_with_the_tabular_method(how):
    rng = np.random.default_rng(3)
    sires, dams = random_parents(rng, 150, **how)
    A = tabular(sires, dams)
    pedigree = Pedigree(np.arange(150), sires, dams)
    assert_allclose(pedigree.inbreeding, A.diagonal() - 1, rtol=1e-12, atol=1e-13)
    assert pedigree.inbreeding.max() > 0.1
    assert_allclose(pedigree.relationship(), A, rtol=1e-12)
    inverse = pedigree.relationship_inverse
    assert_allclose(inverse @ A, np.eye(150), atol=1e-8)
    assert_array_equal(inverse.toarray(), inverse.T.toarray())
    some = rng.permutation(150)[:70].astype(str)
    rows = some.astype(int)
    assert_allclose(pedigree.relationship(some), A[np.ix_(rows, rows)], rtol=1e-12)


def test_few_sires_or_few_dams_give_the_same():
    sires, dams = random_parents(np.random.default_rng(1), 300, window=40)
    sires[sires >= 0] -= sires[sires >= 0] % 7
    one, other = Pedigree(np.arange(300), sires, dams), Pedigree(np.arange(300), dams, sires)
    assert one.inbreeding.max() > 0.1
    assert_allclose(one.inbreeding, other.inbreeding, rtol=1e-12)
    assert_allclose(one.inbreeding, tabular(sires, dams).diagonal() - 1, rtol=1e-12, atol=1e-13)


def test_prune_keeps_ancestors_only():
    pedigree = read(MRODE)
    pruned = pedigree.prune([4, 3])
    assert pruned.ids.tolist() == list("1234")
    assert_array_equal(pruned.relationship(), MRODE_A[:4, :4])
    with pytest.raises(ValueError, match=r"ids has 1 levels that the Pedigree does not have \(7\)"):
        pedigree.prune([4, 7])


def test_columns_of_relationships_are_computed_in_parts(monkeypatch):
    monkeypatch.setattr(pedigree_module, "COLUMNS_AT_ONCE", 4)
    assert_array_equal(read(MRODE).relationship(), MRODE_A)


def test_copies_of_inbred_lines_have_no_inverse():
    lines = [f"s{i + 1} s{i} s{i}" for i in range(60)]
    with pytest.raises(ValueError, match=r"parents are completely inbred .*Give copies one ID"):
        _ = read(by_text(*lines)).relationship_inverse


# Tables


@pytest.mark.parametrize("unknown", ["0", "", ".", "NA", "000", " ", None, np.nan, pd.NA, 0, 0.0])
def test_codes_of_unknown_parents(unknown):
    table = pd.DataFrame({"id": ["b", "c"], "sire": ["a", "a"], "dam": [unknown, "b"]})
    pedigree = read(table)
    assert pedigree.ids.tolist() == ["a", "b", "c"]
    assert_array_equal(pedigree.dams, [-1, -1, 1])
    assert_array_equal(pedigree.sires, [-1, 0, 0])


@pytest.mark.parametrize(
    "change",
    [
        lambda t: t.astype({"sire": float}),
        lambda t: t.astype(str),
        lambda t: t.astype({"id": str}),
        lambda t: t.astype({"dam": "category", "id": "Int64"}),
        lambda t: t.replace(0, np.nan).astype({"dam": "float64"}),
        lambda t: t.astype({"sire": object}).replace({"sire": {1: "1"}}),
        lambda t: pl.from_pandas(t),
        lambda t: pa.Table.from_pandas(t.astype(str)),
    ],
)
def test_12_and_its_text_are_one_individual(change):
    assert read(change(MRODE)) == read(MRODE)


def test_zeros_in_front_belong_to_the_id():
    assert read(by_text("12 012 .")).ids.tolist() == ["012", "12"]


def test_order_of_rows_is_kept_where_parents_come_first():
    rows = ["a . .", "b a .", "d x b", "c a b"]
    assert read(by_text(*rows)).ids.tolist() == ["x", "a", "b", "d", "c"]
    shuffled = read(by_text(*reversed(rows)))
    assert shuffled.ids.tolist() == ["x", "a", "b", "c", "d"]
    A = read(by_text(*rows)).relationship(list("abcdx"))
    assert shuffled.relationship(list("abcdx")).equals(A)


def test_unordered_tables_of_any_depth():
    n = 400
    sires, dams = random_parents(np.random.default_rng(5), n, unknown=0.02, window=6)
    name = np.append(1 + np.random.default_rng(0).permutation(n), 0)
    table = pd.DataFrame({"id": name[:n], "sire": name[sires], "dam": name[dams]})
    pedigree = read(table.sample(frac=1, random_state=0))
    assert (pedigree.sires < np.arange(n)).all() and (pedigree.dams < np.arange(n)).all()
    inbreeding = pd.Series(pedigree.inbreeding, pedigree.ids)[name[:n].astype(str)]
    assert_allclose(inbreeding, tabular(sires, dams).diagonal() - 1, rtol=1e-10, atol=1e-12)


REFUSED = {
    "own parent": (by_text("a a b"), "1 individuals that are their own ancestors .a.*: a <- a"),
    "loop": (
        by_text("a b .", "b . c", "c a .", "d a b"),
        r"3 individuals that are their own ancestors \(a, b, c\).*: a <- b <- c <- a\.",
    ),
    "contradiction": (
        by_text("a s d", "b s d", "a s e"),
        r"1 individuals with rows that contradict .*: a has sire s, dam d and sire s, dam e\.",
    ),
    "parents on one row only": (
        by_text("a s d", "a . ."),
        "a has sire s, dam d and sire unknown, dam unknown",
    ),
    "individual 0": (by_text("1 . .", "0 1 ."), r"'id' .* 1 rows without an ID .* from 1: 2\)"),
    "no id": (pd.DataFrame({"id": [None], "sire": 1, "dam": 2}), "without an ID"),
    "no column": (by_text("a b c").rename(columns={"dam": "mother"}), "no column 'dam'; .* mother"),
    "no rows": (by_text("a b c")[:0], "no rows"),
    "lost digits": (
        pd.DataFrame({"id": ["a", "b"], "sire": [840003012345678901, np.nan], "dam": 0}),
        "'sire' .* digits are lost: read IDs as text",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused_tables(case):
    table, message = REFUSED[case]
    with pytest.raises(ValueError, match=message):
        read(table)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ([["a", "b", "c"]], "table must be a table .* got list"),
        (pd.DataFrame({"id": [1.5], "sire": 0, "dam": 0}), "'id' .* has 1.5 of type float"),
        (pd.DataFrame({"id": [True], "sire": 0, "dam": 0}), "'id' .* has True"),
        (pd.DataFrame({"id": [1], "sire": pd.Timestamp(0), "dam": 0}), "'sire' .* Timestamp"),
    ],
)
def test_refused_types(table, message):
    with pytest.raises(TypeError, match=message):
        read(table)


def test_long_loops_are_shown_in_part():
    rows = [f"{100 + i} {100 + (i + 1) % 30} ." for i in range(30)]
    with pytest.raises(ValueError, match=r"100 <- 101 <- 102 <- 103 <- 104 <- \.\.\. <- 100\."):
        read(by_text(*rows))


def test_repeated_rows_count_once():
    rows = by_text("a s d", "b a d", "a s d", "a s d", "b a d")
    with pytest.warns(UserWarning, match=r"2 individuals with more than one row \(a, b\)"):
        pedigree = read(rows)
    assert pedigree == read(rows[:2])


def test_a_sire_that_is_a_dam_elsewhere_is_named(recwarn):
    with pytest.warns(UserWarning, match=r"1 individuals that are a sire in one row .*\(b\)"):
        read(by_text("c a b", "d b a2", "e b ."))
    recwarn.clear()
    read(by_text("c a b", "d b a", "e b b"))  # selfing: hermaphrodites
    assert not recwarn


# The object


@pytest.mark.parametrize(
    ("values", "positions"),
    [
        ([6, 1, 1], [5, 0, 0]),
        ([6.0, np.nan, 2.0], [5, -1, 1]),
        (pd.Series(["6", None, " 3"]), [5, -1, 2]),
        (pd.Series([5, 5, 99], dtype="category"), [4, 4, -1]),
        (np.array(["06", "6"]), [-1, 5]),
        ([], []),
    ],
)
def test_levels(values, positions):
    assert_array_equal(read(MRODE).levels(values), positions)


def test_unknown_levels_are_named():
    assert_array_equal(read(MRODE).levels([None, 6], "Column 'animal'"), [-1, 5])
    with pytest.raises(ValueError, match=r"Column 'animal' has 2 levels .* \(77, 8\)"):
        read(MRODE).levels([77, 1, 8, 77], "Column 'animal'")


def test_copies_and_pickles():
    pedigree = read(MRODE)
    _ = pedigree.relationship_inverse, pedigree.inbreeding
    assert copy.deepcopy(pedigree) is pedigree and clone(pedigree, safe=False) is pedigree
    again = pickle.loads(pickle.dumps(pedigree))
    assert again == pedigree and not again.sires.flags.writeable
    assert_array_equal(again.inbreeding, pedigree.inbreeding)
    assert len(pickle.dumps(pedigree)) == len(pickle.dumps(read(MRODE)))


def test_equality():
    pedigree = read(MRODE)
    assert pedigree != read(MRODE.replace({"dam": {0: 2}}))
    assert pedigree != read(MRODE.replace(6, 7))
    assert pedigree != "pedigree"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((["a", "b"], [-1, 1], [-1, -1]), "sires must hold positions of parents before"),
        ((["a", "b"], [-1, -1], [-2, -1]), "dams must hold positions"),
        ((["a", "b"], [-1.0, 0.0], [-1, -1]), "sires must hold 2 whole numbers.* float64"),
        ((["a", "b"], [-1], [-1, -1]), r"sires must hold 2 .* shape \(1,\)"),
        ((["a", "a"], [-1, 0], [-1, -1]), r"ids has 1 duplicated ID \(a\)"),
    ],
)
def test_refused_positions(arguments, message):
    with pytest.raises(ValueError, match=message):
        Pedigree(*arguments)


def test_births_before_that_of_a_parent_are_named(recwarn):
    """By dates or years; relationships do not change, unknown births are no error."""
    table = pd.DataFrame(
        {
            "id": ["bull", "calf", "heifer", "cow"],
            "sire": ["0", "bull", "bull", "grandsire"],
            "dam": ["0", "cow", "cow", "0"],
            "born": [2019, 2020, 2024, 2022],
        }
    )
    plain = Pedigree.from_frame(table, "id", "sire", "dam")
    dates = pd.to_datetime(table["born"].astype(str))
    for births in (table["born"], dates, dates.mask(table["id"] == "bull")):
        with pytest.warns(UserWarning, match=r"1 births before that of a parent \(calf before cow"):
            checked = Pedigree.from_frame(
                table.assign(born=births), "id", "sire", "dam", birth="born"
            )
        assert checked == plain
    recwarn.clear()
    right = table.assign(born=[2019, 2022, 2024, 2020])
    Pedigree.from_frame(pl.from_pandas(right), "id", "sire", "dam", birth="born")
    assert not recwarn
    with pytest.raises(ValueError, match="'born' of the pedigree must hold births as dates or num"):
        Pedigree.from_frame(right.astype({"born": str}), "id", "sire", "dam", birth="born")
    with pytest.raises(ValueError, match="no column 'birth'"):
        Pedigree.from_frame(right, "id", "sire", "dam", birth="birth")
