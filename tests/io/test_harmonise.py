"""Genotypes of two files: the same SNPs, the same counted alleles, or none."""

import numpy as np
import pandas as pd
import pytest
from bed_reader import to_bed
from numpy.testing import assert_allclose, assert_array_equal
from pandas.testing import assert_frame_equal

from sknnmm.genotypes.plink_bits import PackedGenotypes
from sknnmm.io import harmonise, open_plink, read_plink

NAN = np.nan
COLUMNS = ["counted_allele", "other_allele"]


def variants(**alleles):
    """Return a table of SNPs from names and pairs of alleles."""
    pairs = [list(pair) for pair in alleles.values()]
    return pd.DataFrame(pairs, index=pd.Index(list(alleles), name="snp"), columns=COLUMNS)


# --- what is found ------------------------------------------------------------------------------

PAIRS = {  # ours, theirs, finding
    "same": ("AG", "AG", "same alleles"),
    "swapped": ("GA", "AG", "swapped alleles"),
    "lower case": ("ga", "AG", "swapped alleles"),
    "blanks": ([" A", "G "], "AG", "same alleles"),
    "other strand": ("TC", "AG", "other strand"),
    "other strand, swapped": ("CT", "AG", "other strand, swapped alleles"),
    "A/T": ("AT", "AT", "ambiguous strand"),
    "T/A": ("TA", "AT", "ambiguous strand, swapped alleles"),
    "C/G": ("CG", "CG", "ambiguous strand"),
    "G/C": ("GC", "CG", "ambiguous strand, swapped alleles"),
    "third allele": ("AC", "AG", "other alleles"),
    "nothing in common": ("AC", "GT", "other strand, swapped alleles"),
    "A/B": ("BA", "AB", "swapped alleles"),
    "numbers": ([2, 1], ["1", "2"], "swapped alleles"),
    "insertion": (["TTA", "T"], ["T", "TTA"], "swapped alleles"),
    "insertion, other strand": (["TAA", "A"], ["TTA", "T"], "other strand"),
    "I/D": ("DI", "ID", "swapped alleles"),
    "ambiguous bases": (["AC", "GT"], ["AC", "GT"], "ambiguous strand"),
    "the same on both strands": (["AT", "GC"], ["GC", "AT"], "swapped alleles"),
    # One of the alleles is unknown where a SNP does not vary.
    "counted unknown": ([NAN, "G"], "AG", "same alleles"),
    "counted unknown, swapped": (["0", "A"], "AG", "swapped alleles"),
    "other unknown": (["A", "."], "AG", "same alleles"),
    "other unknown, swapped": (["G", None], "AG", "swapped alleles"),
    "unknown in the reference": ("GA", [NAN, "G"], "swapped alleles"),
    "unknown in both": ([NAN, "G"], [NAN, "G"], "same alleles"),
    "unknown in both, swapped": (["G", NAN], [NAN, "G"], "swapped alleles"),
    "unknown, other strand": ([NAN, "C"], "AG", "other strand"),
    "one each": ([NAN, "A"], [NAN, "A"], "same alleles"),
    "one each, A or T": ([NAN, "A"], [NAN, "T"], "ambiguous strand, swapped alleles"),
    "one each, C or G": ([NAN, "C"], [NAN, "G"], "ambiguous strand, swapped alleles"),
    "one each, both counted": (["A", NAN], ["T", NAN], "ambiguous strand, swapped alleles"),
    "one each, crosswise": ([NAN, "A"], ["T", NAN], "ambiguous strand"),
    "one of several bases each": ([NAN, "AC"], [NAN, "GT"], "ambiguous strand, swapped alleles"),
    "one, other strand of two": ([NAN, "A"], "GT", "other strand"),
    "one each, others": ([NAN, "A"], [NAN, "C"], "unknown alleles"),
    "unknown, A/T": ([NAN, "A"], "AT", "ambiguous strand, swapped alleles"),
    "unknown, another": ([NAN, "C"], "AT", "unknown alleles"),
    "nothing known": ([NAN, NAN], "AG", "unknown alleles"),
    "nothing known in the reference": ("AG", ["0", "0"], "unknown alleles"),
    "not shared": ([NAN, "G"], ["A", NAN], "unknown alleles"),
    "one allele twice": ("AA", ["A", NAN], "unknown alleles"),
}
OK = {"ok": "AG"}


@pytest.mark.parametrize(("ours", "theirs", "finding"), PAIRS.values(), ids=PAIRS)
def test_findings(ours, theirs, finding):
    plan = harmonise(variants(rs=list(ours), **OK), variants(rs=list(theirs), **OK))
    assert plan.snps.loc["rs", "finding"] == finding
    expected = {"same alleles": "keep", "swapped alleles": "swap"}.get(finding, "drop")
    assert plan.snps.loc["rs", "action"] == expected
    assert plan.report.loc[finding, expected] == (2 if finding == "same alleles" else 1)
    assert plan.report.to_numpy().sum() == 2


@pytest.mark.parametrize(
    ("options", "actions"),
    [
        ({}, ["drop", "drop", "drop", "drop"]),
        ({"other_strand": "flip"}, ["keep", "swap", "drop", "drop"]),
        ({"ambiguous": "keep"}, ["drop", "drop", "keep", "swap"]),
        ({"other_strand": "flip", "ambiguous": "keep"}, ["keep", "swap", "keep", "swap"]),
    ],
)
def test_parameters_decide_on_strands(options, actions):
    ours = variants(a=["T", "C"], b=["C", "T"], c=["A", "T"], d=["C", "G"], **OK)
    theirs = variants(a=["A", "G"], b=["A", "G"], c=["A", "T"], d=["G", "C"], **OK)
    plan = harmonise(ours, theirs, **options)
    assert plan.snps["action"].tolist() == [*actions, "keep"]
    assert list(plan.lacking) == [s for s, a in zip("abcd", actions, strict=True) if a == "drop"]


def test_one_allele_each_and_no_strand():
    ours = variants(a=["0", "A"], b=["0", "C"], c=["A", "0"], **OK)
    theirs = variants(a=["0", "T"], b=["0", "G"], c=["0", "T"], **OK)
    plan = harmonise(ours, theirs, other_strand="flip")
    assert plan.snps["action"].tolist() == ["drop", "drop", "drop", "keep"]
    # On the same strand these are A/T and C/G, of which a and b count different alleles.
    plan = harmonise(ours, theirs, ambiguous="keep")
    assert plan.snps["action"].tolist() == ["swap", "swap", "keep", "keep"]


def test_position_and_chromosome_must_agree_where_both_are_known():
    pairs = dict.fromkeys("abcdef", "AG")
    ours = variants(**pairs).assign(
        chromosome=["1", "chr1", "2", NAN, "X", "1"], position=[5, 5, 5, 5, NAN, 6]
    )
    theirs = variants(**pairs).assign(chromosome=["1", 1, 1, 1, "chrX", 1], position=5)
    plan = harmonise(ours, theirs)
    assert plan.snps.index[plan.snps["finding"] == "other position"].tolist() == ["c", "f"]
    assert (plan.snps["finding"] == "same alleles").sum() == 4
    assert (harmonise(ours[COLUMNS], theirs).snps["action"] == "keep").all()


def test_positions_that_are_no_numbers_are_named():
    ours = variants(a="AG").assign(position=1)
    theirs = variants(a="AG").assign(position="1 kb")
    for tables, name in (((ours, theirs), "reference"), ((theirs, ours), "variants")):
        with pytest.raises(ValueError, match=f"column 'position' of {name} must be numeric"):
            harmonise(*tables)


def test_report_counts_all_snps():
    ours = variants(a="AG", b="GA", c="TC", d="AT", e="AC", f="AG", g=[NAN, NAN])
    theirs = variants(a="AG", b="AG", c="AG", d="AT", e="AG", g="AG", h="AG", i="AG")
    plan = harmonise(ours, theirs)
    assert list(plan.report.columns) == ["keep", "swap", "drop"]
    counts = plan.report.sum(axis=1)
    assert counts[counts > 0].to_dict() == {
        "same alleles": 1,
        "swapped alleles": 1,
        "other strand": 1,
        "ambiguous strand": 1,
        "other alleles": 1,
        "unknown alleles": 1,
        "not in reference": 1,
    }
    assert list(plan.lacking) == ["c", "d", "e", "g", "h", "i"]
    assert repr(plan) == "Harmonisation(1 SNPs kept, 1 swapped, 5 dropped)"


AG = variants(rs1="AG", rs2="AG")
INVALID = {
    "no frame": ((AG.to_numpy(), AG), {}, TypeError, "'variants' parameter of harmonise"),
    "no alleles": ((AG[["other_allele"]], AG), {}, ValueError, "variants has no column counted_al"),
    "reference": ((AG, AG[[]]), {}, ValueError, "reference has no column counted_allele and no"),
    "twice": ((AG, AG.iloc[[0, 1, 1]]), {}, ValueError, r"reference has 1 dupl.* SNP \(rs2\)"),
    "other names": ((AG, variants(x="AG")), {}, ValueError, "no SNP in common. variants: rs1, rs2"),
    "all dropped": ((variants(a="AC"), variants(a="AG")), {}, ValueError, "can be used: other all"),
    "other build": (
        (AG.assign(position=1), AG.assign(position=2)),
        {},
        ValueError,
        "No SNP of variants can be used: other position. .* leave the column position out",
    ),
    "parameter": ((AG, AG), {"ambiguous": "flip"}, ValueError, "'ambiguous' parameter of harmon"),
}


@pytest.mark.parametrize("case", INVALID.values(), ids=INVALID)
def test_invalid_variants(case):
    args, options, error, message = case
    with pytest.raises(error, match=message):
        harmonise(*args, **options)


# --- genotypes ----------------------------------------------------------------------------------

NEW = variants(rs4="GA", rs1="AG", rs2="CA", rs5="AG", rs3="GA")
OLD = variants(rs1="AG", rs2="AG", rs3="AG", rs4="AG", rs6="AG")
DOSAGES = pd.DataFrame(
    [[0, 1, 0, 0, 2], [1, -1, 1, 0, -1], [2, 2, 2, 0, 1]],
    index=["i", "j", "k"],
    columns=NEW.index,
)
EXPECTED = pd.DataFrame(
    [[1, NAN, 0, 2, NAN], [NAN, NAN, NAN, 1, NAN], [2, NAN, 1, 0, NAN]],
    index=["i", "j", "k"],
    columns=OLD.index,
    dtype=float,
)
TYPES = {
    "int8": ("int8", "int8"),
    "int64": ("int64", "int64"),
    "float32": ("float32", "float32"),
    "float64": ("float64", "float64"),
    "nullable": ("Int8", "Int8"),
    "nullable floats": ("Float32", "Float32"),
    "Arrow": ("int64[pyarrow]", "int64[pyarrow]"),
    "objects": ("object", "float64"),
}


@pytest.mark.parametrize(("given", "expected"), TYPES.values(), ids=TYPES)
def test_tables_keep_their_types(given, expected):
    genotypes = DOSAGES
    if given not in ("int8", "int64"):
        genotypes = DOSAGES.astype("Float64").mask(DOSAGES < 0)
    genotypes = genotypes.astype(given)
    before = genotypes.copy()
    result = harmonise(NEW, OLD).apply(genotypes)
    assert {str(dtype) for dtype in result.dtypes} == {expected}
    numbers = result.astype("Float64").astype(float)
    assert_frame_equal(numbers.where(numbers >= 0), EXPECTED)
    assert_frame_equal(genotypes, before)


def test_columns_of_different_types():
    genotypes = DOSAGES.astype({"rs1": "int8", "rs3": "Int8"}).astype({"rs4": float})
    result = harmonise(NEW, OLD).apply(genotypes)
    assert result[["rs1", "rs3", "rs4"]].dtypes.astype(str).tolist() == ["int8", "Int8", "float64"]
    numbers = result.astype("Float64").astype(float)
    assert_frame_equal(numbers.where(numbers >= 0), EXPECTED)


@pytest.mark.parametrize("dtype", ["Sparse[int]", "Sparse[int8]", "Sparse[float]"])
def test_sparse_columns(dtype):
    dosages = DOSAGES.where(DOSAGES >= 0) if dtype == "Sparse[float]" else DOSAGES
    result = harmonise(NEW, OLD).apply(dosages.astype(dtype)).astype(float)
    assert_frame_equal(result.where(result >= 0), EXPECTED)


@pytest.mark.parametrize("dtype", ["uint8", "bool", "boolean", "UInt8"])
def test_types_that_cannot_be_negative(dtype):
    lines = DOSAGES.clip(0, 1).astype(dtype)
    result = harmonise(NEW, OLD).apply(lines, max_dosage=1, lacking="missing")
    assert_array_equal(result[["rs1", "rs3", "rs4"]].astype(int), [[1, 0, 1], [0, 1, 0], [1, 0, 0]])
    assert (result["rs6"].isna() | (result["rs6"] < 0).fillna(False)).all()


def test_narrow_tables_stay_narrow_and_contiguous_by_snp():
    values = harmonise(NEW, OLD).apply(DOSAGES.astype(np.int8)).to_numpy()
    assert values.dtype == np.int8 and values.flags.f_contiguous


def test_columns_are_found_by_name():
    shuffled = DOSAGES[["rs5", "rs2", "rs1", "rs4", "rs3"]].astype(np.int8)
    expected = harmonise(NEW, OLD).apply(DOSAGES.astype(np.int8))
    assert_frame_equal(harmonise(NEW, OLD).apply(shuffled), expected)


def test_lacking_snps_may_be_dropped():
    result = harmonise(NEW, OLD).apply(DOSAGES, lacking="drop")
    assert list(result.columns) == ["rs1", "rs3", "rs4"]
    assert_array_equal(result, [[1, 0, 2], [-1, -1, 1], [2, 1, 0]])


def test_lines_coded_0_and_1():
    lines = DOSAGES.clip(upper=1)
    result = harmonise(NEW, OLD).apply(lines, max_dosage=1)
    assert_array_equal(result["rs4"], [1, 0, 0])
    assert_array_equal(result["rs3"], [0, -1, 0])
    with pytest.warns(UserWarning, match="no value above 1.*pass max_dosage=1") as caught:
        result = harmonise(NEW, OLD).apply(lines)
    assert caught[0].filename == __file__
    assert_array_equal(result["rs4"], [2, 1, 1])


@pytest.mark.parametrize("n", [4, 5, 6, 7])
def test_packed_genotypes_stay_packed(n):
    rng = np.random.default_rng(n)
    dosages = pd.DataFrame(rng.integers(-1, 3, (n, 5)), columns=NEW.index).astype(np.int8)
    codes = np.array([3, 2, 0, 1])[dosages.to_numpy().T]  # of 0, 1, 2 and -1
    padded = np.pad(codes, ((0, 0), (0, -n % 4))).reshape(5, -1, 4)
    packed = PackedGenotypes(
        (padded << np.array([0, 2, 4, 6])).sum(axis=2).astype(np.uint8),
        dosages.index,
        dosages.columns,
    )
    plan = harmonise(NEW, OLD)
    for lacking in ("missing", "drop"):
        expected = plan.apply(dosages, lacking=lacking)
        result = plan.apply(packed, lacking=lacking)
        assert isinstance(result, PackedGenotypes)
        assert result.columns.equals(expected.columns) and result.index.equals(expected.index)
        assert_array_equal(result.snps(range(result.shape[1])), expected)
        assert result.packed.nbytes == result.shape[1] * -(-n // 4)
        assert (result.packed[:, -1] >> 2 * (n % 4 or 4) == 0).all()  # unused bits, as in a .bed
    assert_array_equal(packed.snps(range(5)), dosages)


REFUSED = {
    "array": (DOSAGES.to_numpy(), {}, TypeError, "genotypes must be a DataFrame .*; got ndarray"),
    "other SNPs": (DOSAGES.add_prefix("x"), {}, ValueError, "not the 5 SNPs of variants.*: xrs4"),
    "fewer": (DOSAGES[["rs1"]], {}, ValueError, "genotypes has 1 columns that are not the 5 SNPs"),
    "twice": (DOSAGES.iloc[:, [0, 1, 2, 3, 3]], {}, ValueError, "are not the 5 SNPs"),
    "code 9": (DOSAGES.replace(-1, 9), {}, ValueError, "outside 0 to 2 in rs1, rs3: recode"),
    "code -1.0": (DOSAGES.astype(float), {}, ValueError, "outside 0 to 2 in rs1, rs3: recode"),
    "2 in lines": (DOSAGES, {"max_dosage": 1}, ValueError, "outside 0 to 1 in rs1, rs3, rs4"),
    "text": (DOSAGES.astype({"rs1": str}).replace("2", "AA"), {}, TypeError, "column 'rs1'"),
    "lacking": (DOSAGES, {"lacking": "nan"}, ValueError, "lacking must be 'missing' or 'drop'"),
    "max_dosage": (DOSAGES, {"max_dosage": 4}, ValueError, "max_dosage must be 1 or 2; got 4"),
}


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED)
def test_refused_genotypes(case):
    genotypes, options, error, message = case
    with pytest.raises(error, match=message):
        harmonise(NEW, OLD).apply(genotypes, **options)


def test_packed_lines_are_refused():
    packed = PackedGenotypes(np.zeros((5, 1), np.uint8), ["i"], NEW.index)
    with pytest.raises(ValueError, match="PackedGenotypes are always 0, 1, 2"):
        harmonise(NEW, OLD).apply(packed, max_dosage=1)


# --- from two files to the same predictions -----------------------------------------------------


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("read", [read_plink, open_plink])
def test_files_with_swapped_alleles_give_the_same_breeding_values(data, short, tmp_path, read):
    p = data.X.shape[1]
    rng = np.random.default_rng(2)
    alleles = np.array([["A", "G"], ["T", "C"]])[rng.integers(0, 2, p)]
    order = rng.permutation(p)
    coded = np.where(data.X < 0, -127, data.X).astype(np.int8)
    swapped = np.where(data.X < 0, -127, 2 - data.X).astype(np.int8)
    for name, dosages, pairs, snps in [
        ("old", coded, alleles, np.arange(p)),
        ("new", swapped, alleles[:, ::-1], order),
    ]:
        properties = {
            "sid": [f"rs{j}" for j in snps],
            "allele_1": pairs[snps, 0],
            "allele_2": pairs[snps, 1],
        }
        to_bed(tmp_path / f"{name}.bed", dosages[:, snps], properties=properties)
    old, new = read(tmp_path / "old"), read(tmp_path / "new")
    model = short().fit(old.genotypes, data.y, omics=data.gappy)
    expected = model.breeding_value(old.genotypes)
    plan = harmonise(new.variants, old.variants)
    assert plan.report.loc["swapped alleles", "swap"] == p
    assert_allclose(model.breeding_value(plan.apply(new.genotypes)), expected, rtol=1e-12)
