"""Genotypes and tables from files: what is read is what was written, aligned by ID."""

import codecs
import gzip
import sys
import tracemalloc
import warnings
import zipfile

import numpy as np
import pandas as pd
import pytest
from bed_reader import to_bed
from numpy.testing import assert_allclose, assert_array_equal
from pandas.testing import assert_frame_equal, assert_series_equal

from sknnmm import cis_mask
from sknnmm.inputs.genotypes import check_genotypes, stored_dosages
from sknnmm.io import align, open_plink, read_plink, read_table

NAN = np.nan

# --- read_plink ---------------------------------------------------------------------------------

FAM = """\
f1 a#1 0 0 1 -9
f1 007 0 0 2 -9.000
f2 NA a#1 007 0 1.5
0 "d a#1 0 -9 NA
f2 e f g 1 0
"""
BIM = """\
1 rs#1 0 1200 A G
X rs2 0.5 0 C T
0\trs3 2.25 9 0  TTA
"""
# Two bits per individual, the first one's lowest: 00 = two A1, 10 = one, 11 = none, 01 = missing.
BED = bytes([0x6C, 0x1B, 0x01])
BED += bytes([0b01_11_10_00, 0b10, 0b11_11_11_00, 0b01, 0b11_11_11_11, 0b11])


@pytest.fixture
def written(tmp_path):
    """Return the prefix of three files written byte by byte."""
    for suffix, text in {"fam": FAM, "bim": BIM}.items():
        (tmp_path / f"mice.qc.{suffix}").write_text(text)
    (tmp_path / "mice.qc.bed").write_bytes(BED)
    return tmp_path / "mice.qc"


def test_bits_become_copies_of_the_first_allele(written):
    genotypes = read_plink(written).genotypes
    expected = [[2, 2, 0], [1, 0, 0], [0, 0, 0], [-1, 0, 0], [1, -1, 0]]
    assert_array_equal(genotypes, expected)
    assert set(genotypes.dtypes) == {np.dtype(np.int8)}


def test_tables_keep_names_and_mark_the_unknown(written):
    data = read_plink(written)
    nan = np.nan
    samples = pd.DataFrame(
        {
            "family": ["f1", "f1", "f2", nan, "f2"],
            "father": [nan, nan, "a#1", "a#1", "f"],
            "mother": [nan, nan, "007", nan, "g"],
            "sex": [1, 2, nan, nan, 1],
            "phenotype": [nan, nan, 1.5, nan, 0],
        },
        index=pd.Index(["a#1", "007", "NA", '"d', "e"], name="individual"),
    )
    variants = pd.DataFrame(
        {
            "chromosome": ["1", "X", nan],
            "cM": [0, 0.5, 2.25],
            "position": [1200, nan, 9],
            "counted_allele": ["A", "C", nan],
            "other_allele": ["G", "T", "TTA"],
        },
        index=pd.Index(["rs#1", "rs2", "rs3"], name="snp"),
    )
    assert_frame_equal(data.samples, samples)
    assert_frame_equal(data.variants, variants)
    assert data.genotypes.index.equals(samples.index)
    assert data.genotypes.columns.equals(variants.index)


def test_prefix_may_be_text_and_end_as_one_of_the_files(written):
    expected = read_plink(written).genotypes
    for prefix in (str(written), f"{written}.bed", f"{written}.bim", f"{written}.fam"):
        assert_frame_equal(read_plink(prefix).genotypes, expected)


def test_files_in_capitals(written):
    expected = read_plink(written).genotypes
    for suffix in ("fam", "bim", "bed"):
        written.with_name(f"mice.qc.{suffix}").rename(f"{written}.{suffix.upper()}")
    assert_frame_equal(read_plink(f"{written}.BED").genotypes, expected)


def test_individual_major(written):
    written.with_name("mice.qc.bed").write_bytes(
        # The same as BED, one byte of three SNPs per individual.
        bytes([0x6C, 0x1B, 0, 0b11_00_00, 0b11_11_10, 0b11_11_11, 0b11_11_01, 0b11_01_10])
    )
    expected = [[2, 2, 0], [1, 0, 0], [0, 0, 0], [-1, 0, 0], [1, -1, 0]]
    assert_array_equal(read_plink(written).genotypes, expected)
    with pytest.raises(ValueError, match=r"mice\.qc\.bed is individual-major; rewrite it"):
        open_plink(written)


def test_variants_serve_cis_mask(written):
    genes = pd.DataFrame({"chromosome": ["chr1", "X"], "start": [1000, 0], "end": [1100, 50]})
    mask = cis_mask(read_plink(written).variants, genes, 100)
    assert_array_equal(mask.toarray(), [[True, False], [False, False], [False, False]])


def plink_files(prefix, dosages, **properties):
    """Write dosages, -1 = missing, with bed-reader."""
    coded = np.where(dosages < 0, -127, dosages).astype(np.int8)
    names = {
        "iid": [f"i{i}" for i in range(len(coded))],
        "sid": [f"rs{j}" for j in range(coded.shape[1])],
    }
    to_bed(f"{prefix}.bed", coded, properties={**names, **properties})
    return prefix


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """Return a prefix and the dosages written there."""
    dosages = np.random.default_rng(3).integers(-1, 3, (4001, 1000), dtype=np.int8)
    return plink_files(tmp_path_factory.mktemp("large") / "large", dosages), dosages


def test_round_trip_makes_no_second_copy(large):
    prefix, dosages = large
    read_plink(prefix)  # imports are not to be counted
    tracemalloc.start()
    genotypes = read_plink(prefix).genotypes
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert_array_equal(genotypes, dosages)
    assert peak < 1.5 * dosages.nbytes


def test_sampler_gets_the_array_that_was_read(large, short):
    genotypes = read_plink(large[0]).genotypes
    aligned = align(genotypes, pd.Series([1.0, 2.0], index=["i7", "i2"])).genotypes
    stored = stored_dosages(check_genotypes(aligned, "NNMMRegressor"), np.float32)
    assert stored.dtype == np.int8
    assert stored.flags.f_contiguous
    assert np.shares_memory(stored, genotypes.to_numpy())


def test_rows_that_are_selected_stay_narrow_and_contiguous_by_snp(large, short):
    genotypes = read_plink(large[0]).genotypes
    phenotypes = pd.Series(1.0, index=genotypes.index[::3])
    aligned = align(genotypes, phenotypes=phenotypes, how="phenotyped").genotypes
    values = aligned.to_numpy()
    assert values.dtype == np.int8 and values.flags.f_contiguous
    assert_array_equal(values, large[1][::3])
    stored = stored_dosages(check_genotypes(aligned, "NNMMRegressor"), np.float32)
    assert np.shares_memory(stored, values)


@pytest.mark.parametrize("suffix", ["fam", "bim", "bed"])
def test_absent_file_is_named(written, suffix):
    written.with_name(f"mice.qc.{suffix}").unlink()
    with pytest.raises(FileNotFoundError, match=rf"mice\.qc\.{suffix}"):
        read_plink(written)


MALFORMED = {
    "line lacking in bim": ("bim", BIM[: BIM.index("0\t")], "does not fit the 5 .* and the 2 SNPs"),
    "line too much in bim": ("bim", BIM + BIM, "does not fit the 5 individuals .* the 6 SNPs"),
    "line lacking in fam": ("fam", FAM[: FAM.index("f2 e")], "does not fit the 4 individuals"),
    "five columns": ("bim", "1 rs1 0 1200 A\n", "qc.bim must have six columns: chromosome, snp"),
    "seven columns": ("bim", "1 rs1 0 1200 A G x\n", "qc.bim must have six columns: chromosome"),
    "short line in bim": ("bim", BIM + "1 rs4 0 1 A\n", "qc.bim must have six col.* Line 4"),
    "four columns": ("fam", "f1 a 0 0\n", "qc.fam must have six columns: family, ind.* Line 1"),
    "short line": ("fam", FAM + "f2 h 0 0\n", "qc.fam must have six columns.* Line 6 has another"),
    "long line": (
        "fam",
        FAM + "f2 h i 0 0 1 2\n",
        "qc.fam has lines with .*6 fields in line 6, saw 7",
    ),
    "long first line": ("fam", "f2 h i 0 0 1 2\n" + FAM, "qc.fam must have six columns.* Line 2"),
    "empty fam": ("fam", "", "qc.fam is empty"),
    "empty bim": ("bim", "\n", "qc.bim is empty"),
    "empty bed": ("bed", "", "qc.bed is not a PLINK 1 .bed file"),
    "not a bed": ("bed", "garbage", "qc.bed is not a PLINK 1 .bed file"),
    "truncated": ("bed", BED[:-1], "qc.bed does not fit the 5 .* it has 8 bytes, not 9"),
}


@pytest.mark.parametrize(("suffix", "text", "message"), MALFORMED.values(), ids=MALFORMED)
def test_malformed_files(written, suffix, text, message):
    path = written.with_name(f"mice.qc.{suffix}")
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    for read in (read_plink, open_plink):
        with pytest.raises(ValueError, match=message):
            read(written)


def test_size_is_checked_before_memory_is_taken(written):
    # 30,000 individuals by 15,000 SNPs would need 450 MB.
    written.with_name("mice.qc.fam").write_text("f i 0 0 1 2\n" * 30_000)
    written.with_name("mice.qc.bim").write_text("1 rs 0 1 A G\n" * 15_000)
    tracemalloc.start()
    with pytest.raises(ValueError, match="it has 9 bytes, not 112500003"):
        read_plink(written)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1e8


def phenotypes_of(written, *endings):
    lines = [f"f i{k} 0 0 1{ending}\n" for k, ending in enumerate(endings)]
    written.with_name("mice.qc.fam").write_text("".join(lines))
    data = read_plink(written)
    assert_array_equal(data.genotypes.iloc[:, 0], [2, 1, 0, -1, 1])
    assert list(data.genotypes.index) == ["i0", "i1", "i2", "i3", "i4"]
    return data.samples["phenotype"]


@pytest.mark.parametrize("text", ["control", "nan", ".", "-", "", "inf", "1,5", "None", "TRUE"])
def test_phenotypes_that_are_no_numbers_are_missing(written, text):
    with pytest.warns(UserWarning, match="phenotype") as caught:
        phenotypes = phenotypes_of(written, " 2", f" {text}", " -9", " NA", " 1e-3")
    assert_array_equal(phenotypes, [2, NAN, NAN, NAN, 1e-3])
    (warning,) = caught
    assert f"mice.qc.fam: the phenotype of 1 line is not a number ({text!r})" in str(
        warning.message
    )


def test_fam_without_phenotypes(written):
    with pytest.warns(UserWarning, match=r"mice\.qc\.fam: the phenotype of 5 lines"):
        assert phenotypes_of(written, *[""] * 5).isna().all()


def test_fam_with_more_columns(written):
    with pytest.warns(UserWarning, match=r"mice\.qc\.fam has 8 columns. The first six") as caught:
        phenotypes = phenotypes_of(written, *[f" {k}.5 -9 x" for k in range(5)])
    assert len(caught) == 1
    assert_array_equal(phenotypes, [0.5, 1.5, 2.5, 3.5, 4.5])


HEADERS = {
    "fam": ("fam", "FID IID PAT MAT SEX PHENO"),
    "fam of PLINK 2": ("fam", "#FID\tIID\tPAT\tMAT\tSEX\tPHENO1"),
    "fam in lower case": ("fam", "\nfid iid father mother sex phenotype"),
    "bim": ("bim", "CHR SNP CM BP A1 A2"),
    "bim of PLINK 2": ("bim", "#CHROM\tID\tCM\tPOS\tALT\tREF"),
}


@pytest.mark.parametrize(("suffix", "header"), HEADERS.values(), ids=HEADERS)
@pytest.mark.parametrize("read", [read_plink, open_plink])
def test_headers_are_no_individuals_and_no_snps(written, suffix, header, read):
    expected = read_plink(written)
    rows = {"fam": FAM, "bim": BIM}[suffix]
    written.with_name(f"mice.qc.{suffix}").write_text(f"{header}\n{rows}")
    with pytest.warns(
        UserWarning, match=rf"qc\.{suffix} has a header \({header.split()[0]}"
    ) as all_:
        data = read(written)
    assert {warning.filename for warning in all_} == {__file__}
    assert_frame_equal(data.samples, expected.samples)
    assert_frame_equal(data.variants, expected.variants)
    assert_array_equal(np.asarray(data.genotypes[:]), expected.genotypes)


def test_line_of_an_error_below_a_header(written):
    written.with_name("mice.qc.bim").write_text(f"CHR SNP CM BP A1 A2\n{BIM}1 rs4 0 1 A\n")
    with (
        pytest.warns(UserWarning, match="header"),
        pytest.raises(ValueError, match="six columns.* Line 5 has"),
    ):
        read_plink(written)


def sexes_of(written, *codes):
    lines = [f"f i{k} 0 0 {code} 1\n" for k, code in enumerate(codes)]
    written.with_name("mice.qc.fam").write_text("".join(lines))
    return read_plink(written).samples["sex"]


def test_spellings_of_a_sex(written):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert_array_equal(sexes_of(written, "M", "f", "Male", "FEMALE", "1"), [1, 2, 1, 2, 1])
        assert_array_equal(sexes_of(written, "1.0", "02", "0", "-9", "NA"), [1, 2, NAN, NAN, NAN])
        assert_array_equal(sexes_of(written, "01", "2.0", "na", "m", "F"), [1, 2, NAN, 1, 2])
    with pytest.warns(
        UserWarning, match=r"qc\.fam: the sex of 3 lines .*\('boar', 'U', '3'\)"
    ) as all_:
        assert_array_equal(sexes_of(written, "boar", "U", "3", "1", "2"), [NAN, NAN, NAN, 1, 2])
    (warning,) = all_
    assert warning.filename == __file__


def test_only_ascii_blanks_separate_columns(written):
    ids = ["a\u00a0b", "c", "d\u2003e", "f", "g"]
    lines = [f"f\u00a01 {i} 0 0 1 2\n" for i in ids]
    for order in (slice(None), slice(None, None, -1)):
        written.with_name("mice.qc.fam").write_text("".join(lines[order]), encoding="utf-8")
        assert list(read_plink(written).samples.index) == ids[order]


def test_fam_without_families(written):
    written.with_name("mice.qc.fam").write_text("".join(f"a{k} 0 0 1 2\n" for k in range(5)))
    with pytest.raises(ValueError, match=r"qc\.fam has several individuals with the ID 0.*family"):
        read_plink(written)


@pytest.mark.parametrize("prefix", [b"mice", 3, None])
def test_prefix_is_text(prefix):
    with pytest.raises(TypeError, match="prefix must be a str or path-like; got (bytes|int|None)"):
        read_plink(prefix)


def test_positions_that_are_no_numbers_are_missing(written):
    written.with_name("mice.qc.bim").write_text(BIM.replace("1200", "1.2kb").replace("0.5", "x"))
    with pytest.warns(UserWarning, match="is not a number") as caught:
        variants = read_plink(written).variants
    assert_array_equal(variants["position"], [NAN, NAN, 9])
    assert_array_equal(variants["cM"], [0, NAN, 2.25])
    messages = "\n".join(str(warning.message) for warning in caught)
    assert "mice.qc.bim: the cM of 1 line is not a number ('x')" in messages
    assert "mice.qc.bim: the position of 1 line is not a number ('1.2kb')" in messages
    assert {warning.filename for warning in caught} == {__file__}


@pytest.mark.parametrize("read", [read_plink, open_plink])
@pytest.mark.parametrize(("suffix", "line"), [("fam", 2), ("bim", 3)])
def test_names_in_another_encoding(written, read, suffix, line):
    text = {"fam": FAM.replace("007", "Björk"), "bim": BIM.replace("rs3", "rsé")}[suffix]
    written.with_name(f"mice.qc.{suffix}").write_bytes(text.encode("latin-1"))
    with pytest.raises(
        ValueError, match=rf"qc\.{suffix}, line {line}, is not text.*'utf-8'.*latin-1"
    ):
        read(written)
    data = read(written, encoding="latin-1")
    names = [*data.samples.index, *data.variants.index]
    assert {"fam": "Björk", "bim": "rsé"}[suffix] in names
    with pytest.raises(ValueError, match="encoding='klingon' is not known"):
        read(written, encoding="klingon")


def test_bed_reader_is_asked_for(written, monkeypatch):
    monkeypatch.setitem(sys.modules, "bed_reader", None)
    with pytest.raises(
        ImportError, match="PLINK.*needs the library bed-reader.*pip install bed-reader$"
    ):
        read_plink(written)


# --- read_table ---------------------------------------------------------------------------------

OMICS = pd.DataFrame(
    {"HDL": [1.5, np.nan, 3.25], "LDL": [1, 2, 3]},
    index=pd.Index(["007", "8", "A 1"], name="mouse"),
)


@pytest.mark.parametrize(
    ("name", "sep"),
    [
        ("omics.csv", None),
        ("omics.v2.CSV", None),
        ("omics.tsv", None),
        ("omics.csv.gz", None),
        ("omics.tsv.xz", None),
        ("omics.txt", ";"),
        ("omics.csv", ";"),
        ("omics.parquet", None),
    ],
)
def test_table_comes_back(tmp_path, name, sep):
    path = tmp_path / name
    if name.endswith("parquet"):
        OMICS.reset_index()[["LDL", "mouse", "HDL"]].to_parquet(path)
    else:
        separator = sep or ("\t" if ".tsv" in name else ",")
        OMICS.reset_index()[["LDL", "mouse", "HDL"]].to_csv(path, sep=separator, index=False)
    expected = OMICS[["LDL", "HDL"]]
    assert_frame_equal(read_table(path, "mouse", sep=sep), expected)
    assert_frame_equal(read_table(str(path), "mouse", sep=sep), expected)


def test_blanks_as_separators(tmp_path):
    path = tmp_path / "traits.phen"
    path.write_text("ID   weight\n  01  20.5\n\n 2   NA\n")
    table = read_table(path, "ID", sep=r"\s+")
    assert list(table.index) == ["01", "2"]
    assert_array_equal(table["weight"], [20.5, np.nan])


def test_ids_lose_the_blanks_around_them(tmp_path):
    path = tmp_path / "omics.csv"
    path.write_text("ID,HDL\n  101,1\n 99 ,2\n")
    assert list(read_table(path, "ID").index) == ["101", "99"]


def test_values_lose_the_blanks_around_them(tmp_path):
    """Blanks make no further levels; they hide neither missing values nor, so, numbers."""
    path = tmp_path / "t.csv"
    rows = '1;F ; ;NA ; True;"a; b "', "2; F;3,5;-9 ;False;-9", "3;M; 2,5 ;1;;c"
    path.write_text("\n".join(["id;sex;HDL;LDL;sick;herd", *rows, ""]))
    read = read_table(path, "id", sep=";", decimal=",", na_values=["-9"])
    expected = {
        "sex": ["F", "F", "M"],
        "HDL": [np.nan, 3.5, 2.5],
        "LDL": [np.nan, np.nan, 1],
        "sick": [True, False, np.nan],
        "herd": ["a; b", np.nan, "c"],
    }
    assert_frame_equal(read, pd.DataFrame(expected, pd.Index(["1", "2", "3"], name="id")))


def test_blanks_around_text_of_several_lines(tmp_path):
    """A file of Windows, or of an old Macintosh; the values are written and read once more."""
    path = tmp_path / "t.csv"
    path.write_bytes(b'id,note,HDL\n1," a\rb", 1\n2,"c\r\nd ",NA \n')
    read = read_table(path, "id")
    assert list(read["note"]) == ["a\rb", "c\r\nd"]
    assert_array_equal(read["HDL"], [1, np.nan])


def test_a_blank_late_in_a_large_file_leaves_numbers(tmp_path):
    """Pandas reads such a file in parts, of which the last alone would be text."""
    path = tmp_path / "t.csv"
    values = 100_000 * ["1,5"] + [" "]
    path.write_text("id;HDL\n" + "".join(f"{i};{value}\n" for i, value in enumerate(values)))
    with warnings.catch_warnings(action="error"):
        read = read_table(path, "id", sep=";", decimal=",")["HDL"]
    assert read.dtype == float and read.sum() == 150_000


def test_parquet_with_the_ids_as_index(tmp_path):
    path = tmp_path / "omics.parquet"
    OMICS.to_parquet(path)
    assert_frame_equal(read_table(path, "mouse"), OMICS)


def test_values_of_parquet_lose_the_blanks_around_them(tmp_path):
    """As those of a text file do: blanks make no further levels, and hide no missing values."""
    levels = pd.CategoricalDtype(["low", " high", "high ", " "], ordered=True)
    values = {
        " id ": [" 1", "2 ", "3"],
        "sex ": [" F", "F", None],
        "herd": ["a b ", " ", ""],
        "yield": pd.Series(["high ", " high", " "], dtype=levels),
        "HDL": [1.5, 2, 3],
        "kept": pd.Series(["x", "y", "x"], dtype="category"),
        "nullable": pd.array(["x ", None, ""], "string"),
    }
    pd.DataFrame(values).to_parquet(tmp_path / "t.parquet", index=False)
    expected = {
        "sex": ["F", "F", None],
        "herd": ["a b", None, None],
        "yield": pd.Categorical(["high", "high", None], ["low", "high"], ordered=True),
        "HDL": [1.5, 2, 3],
        "kept": pd.Categorical(["x", "y", "x"]),
        "nullable": pd.array(["x", None, None], "string"),
    }
    read = read_table(tmp_path / "t.parquet", "id")
    assert_frame_equal(read, pd.DataFrame(expected, pd.Index(["1", "2", "3"], name="id")))
    pd.DataFrame({"id": ["1"], "a": [1], "a ": [2]}).to_parquet(tmp_path / "t.parquet")
    with pytest.raises(ValueError, match=r"t\.parquet has 1 duplicated column name.* \(a\)"):
        read_table(tmp_path / "t.parquet", "id")


def test_parquet_with_an_index_of_two_levels(tmp_path):
    path = tmp_path / "omics.parquet"
    OMICS.assign(herd=["x", "y", "z"]).set_index("herd", append=True).to_parquet(path)
    assert_frame_equal(read_table(path, "mouse")[["HDL", "LDL"]], OMICS)
    with pytest.raises(ValueError, match=r"no column 'cow'.*'mouse', 'herd', 'HDL', 'LDL'\.$"):
        read_table(path, "cow")


def test_whole_numbers_as_ids_in_parquet(tmp_path):
    path = tmp_path / "omics.parquet"
    pd.DataFrame({"id": [10, 9], "HDL": [1.0, 2.0]}).to_parquet(path)
    assert list(read_table(path, "id").index) == ["10", "9"]


INVALID_TABLES = {
    "no such column": ("HDL,LDL\n1,2\n", {}, "t.csv has no column 'ID'; its columns are 'HDL', 'L"),
    "other separator": (
        "ID;LDL\n1;2\n",
        {},
        "no column 'ID'; its columns are 'ID;LDL'. .* pass sep",
    ),
    "many columns": (",".join("abcdefghijklmnopqrstuvwxyz"), {}, "'s', 't', ..."),
    "duplicates": ("ID,A\n1,2\n3,4\n1,5\n3,4\n3,3\n", {}, r"t.csv has 2 duplicated IDs \(1, 3\)"),
    "duplicates but for blanks": ("ID,A\n1,2\n 1,5\n", {}, r"has 1 duplicated ID \(1\)"),
    "missing": ("ID,A\n1,2\n,5\nNA,2\n", {}, r"t.csv has 2 rows without an ID .*: 2, 3\)"),
    "empty": ("ID,A\n1,2\n  ,5\n", {}, r"t.csv has 1 row with an empty ID .*: 2\)"),
}


@pytest.mark.parametrize(
    ("text", "options", "message"), INVALID_TABLES.values(), ids=INVALID_TABLES
)
def test_invalid_tables(tmp_path, text, options, message):
    path = tmp_path / "t.csv"
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        read_table(path, "ID", **options)


def table(tmp_path, text, id_column="cow", *, name="t.csv", encoding="utf-8", **options):
    """Write bytes or text as they are and read them."""
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
    return read_table(path, id_column, **options)


MILK = pd.DataFrame({"milk": [20.5, NAN, 21]}, index=pd.Index(["c1", "02", "3"], name="cow"))
SAME_TABLE = {
    "plain": ("cow,milk\nc1,20.5\n02,\n3,21\n", {}),
    "rows end in the separator": ("cow,milk\nc1,20.5,\n02,,\n3,21,\n", {}),
    "some rows do": ("cow,milk\nc1,20.5,\n02,NA\n3,21\n", {}),
    "all lines do": ("cow,milk,\nc1,20.5,\n02,,\n3,21,\n", {}),
    "the header does": ("cow,milk,,\nc1,20.5\n02,\n3,21\n", {}),
    "several separators, and blanks": ("cow,milk\nc1,20.5,, ,\n02,,,\n3,21\n", {}),
    "tabs": ("cow\tmilk\nc1\t20.5\t\n02\t\t\n3\t21\t\n", {"sep": "\t"}),
    "semicolons": ("cow;milk\nc1;20,5;\n02;;\n3;21;\n", {"sep": ";", "decimal": ","}),
    "blanks": (" cow  milk \nc1 \t20.5\n\n 02 NA \n3 21\n", {"sep": r"\s+"}),
    "longer separator": ("cow::milk\nc1::20.5::\n02::\n3::21\n", {"sep": "::"}),
    "regular expression": ("cow ; milk\nc1 ;20.5\n02 ;NA\n3; 21\n", {"sep": r" *; *"}),
    "short row": ("cow,milk\nc1,20.5\n02\n3,21\n", {}),
    "Windows": ("\ufeffcow,milk\r\nc1,20.5\r\n\r\n02,\r\n3,21", {}),
    "old Macintosh": ("cow,milk\rc1,20.5\r02,\r3,21\r", {}),
    "row names of R": ('"cow","milk"\n"1","c1",20.5\n"2","02",NA\n"3","3",21\n', {}),
    "R, numbers as IDs": ('"cow" "milk"\n"7" c1 20.5\n"9" 02 NA\n"8" 3 21\n', {"sep": " "}),
    "R, no quotes": ("cow,milk\nr1,c1,20.5\nr2,02,NA\nr3,3,21\n", {}),
    "R, write.csv": ('"","cow","milk"\n"1","c1",20.5\n"2","02",NA\n"3","3",21\n', {}),
    "index of pandas": (",cow,milk\n0,c1,20.5\n1,02,\n2,3,21\n", {}),
    "R, text as row names": ('"cow","milk"\n"x","c1",20.5\n"z","02",NA\n"y","3",21\n', {}),
    "R, no quotes, numbers": (
        "cow\tmilk\n1\tc1\t20.5\n2\t02\tNA\n3\t3\t21\n",
        {"sep": "\t"},
    ),
    "R, no quotes, filtered": ("cow\tmilk\n2\tc1\t20.5\n5\t02\tNA\n9\t3\t21\n", {"sep": "\t"}),
    "R, no quotes, text": ("cow\tmilk\nann\tc1\t20.5\nbo\t02\tNA\nc\t3\t21\n", {"sep": "\t"}),
    "R, regular expression": ("cow,milk\n1,c1,20.5\n2,02,NA\n3,3,21\n", {"sep": "[,]"}),
    "blanks around names": (" cow, milk \nc1,20.5\n02,\n3,21\n", {}),
    "regular expression, ends": ("cow,milk\n\nc1,20.5,\n02,,\n3,21,,\n", {"sep": "[,]"}),
    "IDs are row names of R": ('"milk"\n"c1",20.5\n"02",NA\n"3",21\n', {"id_column": None}),
    "without quotes": ("milk\nc1,20.5\n02,NA\n3,21\n", {"id_column": None}),
    "of write.csv": ('"","milk"\n"c1",20.5\n"02",NA\n"3",21\n', {"id_column": None}),
    "by their name in pandas": (",milk\nc1,20.5\n02,\n3,21\n", {"id_column": "Unnamed: 0"}),
}


@pytest.mark.parametrize(("text", "options"), SAME_TABLE.values(), ids=SAME_TABLE)
def test_ways_to_write_a_table(tmp_path, text, options):
    read = table(tmp_path, text, **options)
    assert_frame_equal(read, MILK, check_names=options.get("id_column", "cow") == "cow")


def test_row_names_that_count_the_rows(tmp_path):
    # Fields 2 and 3 could be 101,20, but R puts the numbers of rows in quotes.
    read = table(tmp_path, '"cow","milk"\n"1",101,20\n"2",102,22\n')
    assert list(read.index) == ["101", "102"]
    assert_array_equal(read["milk"], [20, 22])


def test_row_names_beside_text_of_two_lines(tmp_path):
    read = table(tmp_path, '"cow" "note"\n"x" "c1" "a\nb"\n"y" "c2" "c"\n', sep=" ")
    assert list(read.index) == ["c1", "c2"]
    assert list(read["note"]) == ["a\nb", "c"]


def test_row_names_in_text_without_quotes_are_read_if_asked_for(tmp_path):
    text = "cow;milk\nx;c1;20.5\nz;c2;21\n"
    with pytest.raises(ValueError, match=r"t\.csv, line 2, has 3 fields .* pass id_column=None"):
        table(tmp_path, text, sep=";")
    read = table(tmp_path, text, None, sep=";")
    assert list(read.index) == ["x", "z"]
    assert list(read["cow"]) == ["c1", "c2"]


def test_text_with_separators_and_line_ends(tmp_path):
    read = table(tmp_path, 'cow,name\n1,"a, b"\n2,"x\ny, z"\n')
    assert list(read["name"]) == ["a, b", "x\ny, z"]


MORE_FIELDS = {
    "decimal comma": ("cow,milk\n1,21,5\n", 2, 3),
    "in every row": ("cow,milk\n1,21,5\n2,22,4\n3,19,1\n", 2, 3),
    "in some rows": ("cow,milk\n1,20\n2,21,5\n3,19\n", 3, 3),
    "text as IDs": ("cow,milk\nc1,21,5\nc2,19,4\n", 2, 3),
    "IDs in quotes": ('"cow","milk"\n"c1",21,5\n"c2",22,4\n', 2, 3),
    "ID last": ("milk,cow\n21,5,c1\n19,4,c2\n", 2, 3),
    "two numbers": ("cow,milk,fat\n1,21,5,4,1\n2,19,4,4,0\n", 2, 5),
    "one of two": ("cow,milk,fat\n1,21,5,4\n2,19,4,5\n", 2, 4),
    "negative, with exponents": ("cow,gain\n1,-21,5e-3\n2,+3,1E2\n", 2, 3),
    "and a separator at the end": ("cow,milk\n1,21,5,\n2,19,4,\n", 2, 3),
    "and one in the header": ("cow,milk,\n1,21,5\n2,19,4\n", 2, 3),
    "under row names": ('"","cow","milk"\n"1","c1",21,5\n', 2, 4),
    "after blank lines": ("\ncow,milk\n\n1,20\n\n2,21,5\n", 6, 3),
    "after a text of two lines": ('cow,name\n1,"a\nb"\n2,c,d\n', 4, 3),
    "remark in one row": ("cow,milk\n1,20.5,\n2,21.5,ill\n", 3, 3),
    "row names twice": ("cow milk\nred 1 20\nred 2 21\n", 2, 3, r"\s+"),
    "comma in IDs": ("cow,milk\nSmith, J,5\nMiller, K,6\n", 2, 3),
    "comma in IDs, no blank": ("cow,milk\nSmith,J,5\nMiller,K,6\n", 2, 3),
    "comma in text": ("cow,breed,milk\n1,Holstein, red,5\n", 2, 4),
    "comma in text, rows counted": ("cow,breed,milk\n1,Holstein, red,5\n2,Angus, red,6\n", 2, 4),
    "comma in text, one row": ("cow,breed,milk\n1,Holstein,red,5\n", 2, 4),
    "semicolon in IDs": ("cow;milk\na;b;5\nb;c;6\n", 2, 3, ";"),
    "tab in one ID": ("cow\tmilk\na\tb\t5\nc\t6\n", 2, 3, "\t"),
    "blank in IDs": ("cow milk\nSmith J 5\nMiller K 6\n", 2, 3, r"\s+"),
    "header alone in quotes": ('"cow","milk"\nSmith,J,5\n', 2, 3),
    "IDs alone in quotes": ('cow;milk\n"a";b;5\n"b";c;6\n', 2, 3, ";"),
    "regular expression": ("cow,milk\na,b,5\n", 2, 3, "[,]"),
    "decimal comma, regular expression": ("cow,milk\n1,21,5\n2,22,4\n", 2, 3, "[,]"),
    "semicolons": ("cow;milk\n1;21;5\n2;22\n", 2, 3, ";"),
    "longer separator": ("cow::milk\n1::2\n3::4::5\n", 3, 3, "::"),
}


@pytest.mark.parametrize("case", MORE_FIELDS.values(), ids=MORE_FIELDS)
def test_more_fields_than_the_header(tmp_path, case):
    text, line, fields, *sep = case
    with pytest.raises(
        ValueError, match=rf"t\.csv, line {line}, has {fields} fields but .* decimal"
    ):
        table(tmp_path, text, sep=sep[0] if sep else None)


UNREADABLE = {
    "empty": ("", {}, "t.csv has no names of columns"),
    "header only": ("cow,milk\n", {}, "t.csv has a header but no rows"),
    "names twice": (
        "cow,milk,fat,milk\n1,2,3,4\n",
        {},
        r"has 1 duplicated column name \(milk\)",
    ),
    "names twice but for blanks": (
        "cow,milk, milk\n1,2,3\n",
        {},
        r"has 1 duplicated column name \(milk\)",
    ),
    "cut off": ("cow,a,b\n1,2,3\n2,4", {}, "t.csv, line 3, ends in the middle: it has 2 fields"),
    "fewer fields": ("cow a b\n1 2\n", {"sep": r"\s+"}, "t.csv, line 2, has 2 fields but .* 3"),
    "same mark": ("cow,a\n1,2\n", {"decimal": ","}, "decimal=',' is also what separates .*';'"),
    "open quotes": ('cow,a\n1,"2\n3,4\n', {}, "t.csv cannot be read: .*EOF inside string"),
    "open quotes, long": ('cow,a\n1,"' + "2,3\n" * 50_000, {}, "t.csv, line .* field limit"),
    "latin-1": ("cow,a\n1,b\n2,é\n".encode("latin-1"), {}, "t.csv, line 3, is not text .*utf-8"),
    "latin-1 header": ("cow,é\n1,b\n".encode("latin-1"), {}, "t.csv, line 1, .*encoding='latin-1'"),
    "UTF-16": ("cow,a\n".encode("utf-16"), {}, "t.csv.* is not text .*encoding='utf-16'"),
    "unknown encoding": ("cow,a\n", {"encoding": "utf-9"}, "encoding='utf-9' is not known"),
    "not compressed": ("cow,a\n1,2\n", {"name": "t.csv.gz"}, "t.csv.gz cannot be unpacked"),
    "names of columns without one": (
        ",Unnamed: 0,cow,a\n0,0,1,2\n",
        {},
        "t.csv has 1 duplicated column name .Unnamed",
    ),
    "of row names": (
        '"Unnamed: 0","cow"\n"1",0,1\n',
        {},
        "t.csv has 1 duplicated column name .Unnamed: 0",
    ),
    "no regular expression": ("cow,a\n1,2\n", {"sep": "(("}, r"sep='\(\(' is read as a regular"),
    "no decimal mark": ("cow,a\n1,2\n", {"decimal": ""}, "decimal must be one character; got ''"),
    **{
        f"encoding {name!r}": ("cow,a\n", {"encoding": name}, "encoding=.* is not known")
        for name in ("base64", "rot13", "utf\0", "undefined", "")
    },
    "no row names": ("milk\n1\n", {"id_column": None}, "t.csv has no first column without a name"),
}


@pytest.mark.parametrize(("text", "options", "message"), UNREADABLE.values(), ids=UNREADABLE)
def test_unreadable_tables(tmp_path, text, options, message):
    options = dict(options)
    path = tmp_path / options.pop("name", "t.csv")
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ValueError, match=message):
        read_table(path, options.pop("id_column", "cow"), **options)


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "utf-8", "utf-16"])
def test_encodings(tmp_path, encoding):
    path = tmp_path / "t.csv"
    path.write_bytes("kuh,größe\nBjörk,1.5\n".encode(encoding))
    read = read_table(path, "kuh", encoding=encoding)
    assert read.loc["Björk", "größe"] == 1.5


MARKED = {
    "UTF-16, little": (codecs.BOM_UTF16_LE, "utf-16-le", "utf-16-le"),
    "UTF-16, big": (codecs.BOM_UTF16_BE, "utf-16-be", "UTF-16BE"),
    "UTF-32": (codecs.BOM_UTF32_LE, "utf-32-le", "utf-32-le"),
    "UTF-8 as latin-1": (codecs.BOM_UTF8, "utf-8", "latin-1"),
    "UTF-8 as cp1252": (codecs.BOM_UTF8, "utf-8", "cp1252"),
    "UTF-8": (codecs.BOM_UTF8, "utf-8", "utf-8"),
}


@pytest.mark.parametrize(("mark", "written", "passed"), MARKED.values(), ids=MARKED)
@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz"])
def test_byte_order_marks_are_no_part_of_a_name(tmp_path, mark, written, passed, name):
    content = mark + "kuh,größe\nBjörk,1.5\n".encode(written)
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    read = read_table(tmp_path / name, "kuh", encoding=passed)
    assert read.loc["Björk", "größe"] == 1.5


@pytest.mark.parametrize("compression", ["gz", "bz2", "xz", "zip"])
def test_compressed_tables(tmp_path, compression):
    path = tmp_path / f"t.csv.{compression}"
    OMICS.to_csv(path)
    assert_frame_equal(read_table(path, "mouse"), OMICS)


def test_folders_and_macintosh_entries_in_a_zip(tmp_path):
    with zipfile.ZipFile(tmp_path / "t.csv.zip", "w") as archive:
        archive.writestr("data/", "")
        archive.writestr("data/t.csv", "mouse,HDL\n1,2\n")
        archive.writestr("__MACOSX/data/._t.csv", "x")
    assert list(read_table(tmp_path / "t.csv.zip", "mouse").index) == ["1"]


@pytest.mark.parametrize(
    ("place", "value", "message"), [(6, 1, "encrypted"), (8, 99, "compression method")]
)
def test_zip_files_that_python_cannot_unpack(tmp_path, place, value, message):
    path = tmp_path / "t.csv.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("t.csv", "mouse,HDL\n1,2\n")
    content = bytearray(path.read_bytes())
    content[place] = content[content.index(b"PK\1\2") + place + 2] = value  # flags, or method
    path.write_bytes(content)
    with pytest.raises(ValueError, match=rf"t\.csv\.zip cannot be unpacked: .*{message}"):
        read_table(path, "mouse")


def test_absent_tables_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none\.csv"):
        read_table(tmp_path / "none.csv", "ID")
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(IsADirectoryError, match=r"folder\.csv"):
        read_table(tmp_path / "folder.csv", "ID")


@pytest.mark.parametrize("name", ["t.txt", "t", "t.gz"])
def test_separator_is_not_guessed(tmp_path, name):
    with pytest.raises(ValueError, match=f"The name {name} does not say .*pass sep"):
        read_table(tmp_path / name, "ID")


def test_floating_ids_are_refused(tmp_path):
    path = tmp_path / "omics.parquet"
    pd.DataFrame({"id": [10.0, 9.0], "HDL": [1.0, 2.0]}).to_parquet(path)
    with pytest.raises(TypeError, match=r"those of omics.parquet are floating \(10.0, 9.0\)"):
        read_table(path, "id")


def test_pyarrow_is_asked_for(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ImportError, match=r"omics.parquet.*pyarrow.*pip install pyarrow$"):
        read_table(tmp_path / "omics.parquet", "id")


# --- align --------------------------------------------------------------------------------------

GENOTYPES = pd.DataFrame(
    np.arange(10, dtype=np.int8).reshape(5, 2) % 3, index=list("abcde"), columns=["rs1", "rs2"]
)
# d has no phenotype, b a missing one; a and e have no omics, c a missing one; x and y no genotype.
ALIGN_OMICS = pd.DataFrame(
    {"P": [4.0, 3.0, 2.0, 9.0], "Q": [40.0, NAN, 20.0, 90.0]}, index=list("dcbx")
)
PHENOTYPES = pd.DataFrame(
    {"w": [5.0, 8.0, NAN, 3.0, 1.0, 7.0], "h": [50.0, NAN, NAN, 30.0, 10.0, 70.0]},
    index=list("eybcax"),
)
COVARIATES = pd.DataFrame({"sex": [0, 1, 0, 1], "age": [9.0, 8, NAN, 7]}, index=list("abce"))
COLUMNS = ["given", "kept", "not_genotyped", "left_out", "absent"]


def report(data):
    assert list(data.report.columns) == COLUMNS
    given, kept, not_genotyped, left_out, absent = data.report.to_numpy().T
    assert_array_equal(given, kept + not_genotyped + left_out)
    assert_array_equal(kept + absent, len(data.genotypes))
    return {name: row.tolist() for name, row in data.report.iterrows()}


def test_genotyped_individuals_are_kept_in_their_order():
    data = align(GENOTYPES, ALIGN_OMICS, PHENOTYPES)
    assert data.genotypes is GENOTYPES
    assert_frame_equal(
        data.omics,
        pd.DataFrame({"P": [NAN, 2, 3, 4, NAN], "Q": [NAN, 20, NAN, 40, NAN]}, index=list("abcde")),
    )
    assert_frame_equal(
        data.phenotypes,
        pd.DataFrame({"w": [1, NAN, 3, NAN, 5], "h": [10, NAN, 30, NAN, 50]}, index=list("abcde")),
    )
    assert data.covariates is None
    assert report(data) == {
        "genotypes": [5, 5, 0, 0, 0],
        "omics": [4, 3, 1, 0, 2],
        "phenotypes": [6, 4, 2, 0, 1],
    }


def test_individuals_with_a_phenotype():
    data = align(GENOTYPES, ALIGN_OMICS, PHENOTYPES, how="phenotyped")
    assert_frame_equal(data.genotypes, GENOTYPES.loc[list("ace")])
    assert_array_equal(data.omics["P"], [NAN, 3, NAN])
    assert_array_equal(data.phenotypes["w"], [1, 3, 5])
    assert report(data) == {
        "genotypes": [5, 3, 0, 2, 0],
        "omics": [4, 1, 1, 2, 2],
        "phenotypes": [6, 3, 2, 1, 0],
    }


def test_one_of_several_phenotypes_is_enough():
    traits = PHENOTYPES.assign(h=[NAN, NAN, 20.0, NAN, NAN, NAN])
    assert list(align(GENOTYPES, None, traits, how="phenotyped").genotypes.index) == list("abce")
    assert list(align(GENOTYPES, None, traits["h"], how="phenotyped").genotypes.index) == ["b"]


def test_complete_individuals():
    data = align(GENOTYPES, ALIGN_OMICS[["P"]], PHENOTYPES, how="complete")
    assert list(data.genotypes.index) == list(data.omics.index) == ["c"]
    assert report(data)["omics"] == [4, 1, 1, 2, 0]
    data = align(GENOTYPES, ALIGN_OMICS, covariates=COVARIATES, how="complete")
    assert list(data.covariates.index) == ["b"]
    assert data.phenotypes is None
    with pytest.raises(ValueError, match="No individual is left: with how='complete'"):
        align(GENOTYPES, ALIGN_OMICS, PHENOTYPES, how="complete")


def test_individuals_without_covariates_are_kept():
    data = align(GENOTYPES, ALIGN_OMICS, PHENOTYPES, COVARIATES)
    assert data.genotypes is GENOTYPES
    assert_frame_equal(
        data.covariates,
        pd.DataFrame({"sex": [0, 1, 0, NAN, 1], "age": [9, 8, NAN, NAN, 7]}, index=list("abcde")),
    )
    assert_array_equal(data.phenotypes["w"], [1, NAN, 3, NAN, 5])
    assert report(data) == {
        "genotypes": [5, 5, 0, 0, 0],
        "omics": [4, 3, 1, 0, 2],
        "phenotypes": [6, 4, 2, 0, 1],
        "covariates": [4, 4, 0, 0, 1],
    }
    data = align(GENOTYPES, None, PHENOTYPES, COVARIATES, how="phenotyped")
    assert list(data.genotypes.index) == list("ace")
    assert_array_equal(data.covariates["age"], [9, NAN, 7])
    assert report(data)["covariates"] == [4, 3, 0, 1, 0]
    data = align(GENOTYPES, None, PHENOTYPES, COVARIATES, how="complete")
    assert list(data.genotypes.index) == list("ae")


def test_covariates_of_other_types_keep_them():
    covariates = pd.DataFrame(
        {
            "breed": pd.Categorical(["x", "y", "x"]),
            "farm": ["north", None, "south"],
            "parity": pd.array([1, None, 3], dtype="Int64"),
        },
        index=list("cab"),
    )
    data = align(GENOTYPES, covariates=covariates)
    assert data.covariates["breed"].dtype == covariates["breed"].dtype
    assert data.covariates["parity"].dtype == "Int64"
    assert data.covariates["breed"].tolist() == ["y", "x", "x", NAN, NAN]
    assert data.covariates["farm"].dropna().to_dict() == {"b": "south", "c": "north"}
    assert data.covariates["parity"].dropna().to_dict() == {"b": 3, "c": 1}


def test_series():
    data = align(GENOTYPES, ALIGN_OMICS["P"], PHENOTYPES["w"], PHENOTYPES["h"], how="complete")
    assert_frame_equal(data.omics, pd.DataFrame({"P": [3.0]}, index=["c"]))
    assert_series_equal(data.phenotypes, pd.Series([3.0], index=["c"], name="w"))
    assert_frame_equal(data.covariates, pd.DataFrame({"h": [30.0]}, index=["c"]))


def test_genotypes_alone():
    data = align(GENOTYPES)
    assert data.genotypes is GENOTYPES
    assert data.omics is data.phenotypes is data.covariates is None
    assert report(data) == {"genotypes": [5, 5, 0, 0, 0]}


def test_tables_passed_are_not_changed():
    before = [table.copy() for table in (GENOTYPES, ALIGN_OMICS, PHENOTYPES)]
    data = align(GENOTYPES, ALIGN_OMICS, PHENOTYPES, how="phenotyped")
    data.genotypes.iloc[:] = 0
    data.omics.iloc[:] = 0
    for table, was in zip((GENOTYPES, ALIGN_OMICS, PHENOTYPES), before, strict=True):
        assert_frame_equal(table, was)


SAME_IDS = {
    "integers": [3, 1, 2],
    "narrow integers": np.array([3, 1, 2], dtype=np.int16),
    "nullable": pd.array([3, 1, 2], dtype="Int64"),
    "text": ["3", "1", "2"],
    "blanks": [" 3", "1 ", "2"],
    "text arrays": pd.array(["3", "1", "2"], dtype="string"),
    "categories": pd.Categorical(["3", "1", "2"]),
    "mixed": pd.Index([3, "1", "2"], dtype=object),
}


@pytest.mark.parametrize("of_genotypes", SAME_IDS.values(), ids=SAME_IDS)
@pytest.mark.parametrize("of_omics", SAME_IDS.values(), ids=SAME_IDS)
def test_numbers_and_text_are_the_same_ids(of_genotypes, of_omics):
    genotypes = GENOTYPES.iloc[:3].set_axis(pd.Index(of_genotypes, name="id"), axis=0)
    omics = pd.DataFrame({"P": [3.0, 1, 2]}, pd.Index(of_omics, name="mouse")).iloc[::-1]
    data = align(genotypes, omics)
    assert_array_equal(data.omics["P"], [3, 1, 2])
    assert data.omics.index.equals(genotypes.index)
    assert data.omics.index.name == "id"


def test_leading_zeros_are_part_of_an_id():
    genotypes = GENOTYPES.set_axis(["007", "7", "07", "8", "9"], axis=0)
    phenotypes = pd.Series([1.0, 2.0], index=pd.Index([7, 8], name="id"))
    assert_array_equal(align(genotypes, None, phenotypes).phenotypes, [NAN, 1, NAN, 2, NAN])
    with pytest.raises(
        ValueError,
        match="phenotypes and genotypes have no ID in common. phen.*: 7, 8; gen.*: 007",
    ):
        align(genotypes.iloc[[0]], None, phenotypes)


def indexed(index):
    return pd.DataFrame({"P": np.arange(float(len(index)))}, index=index)


COUNTED = indexed(pd.RangeIndex(4))
INVALID = {
    "array": ((GENOTYPES.to_numpy(),), TypeError, "'genotypes' parameter of align must be"),
    "list": ((GENOTYPES, [1.0]), TypeError, "'omics' parameter of align must be"),
    "how": ((GENOTYPES,), {"how": "left"}, ValueError, "'how' parameter of align must be a str"),
    "genotypes twice": (
        (GENOTYPES.iloc[[0, 1, 1, 2, 2]],),
        ValueError,
        r"genotypes has 2 duplicated IDs \(b, c\)",
    ),
    "omics twice": ((GENOTYPES, indexed(list("abca"))), ValueError, r"omics has 1 dup.* \(a\)"),
    "not genotyped twice": ((GENOTYPES, indexed(list("axx"))), ValueError, "omics has 1 duplic"),
    "number and text": (
        (GENOTYPES, indexed(pd.Index([7, "7", "a"], dtype=object))),
        ValueError,
        r"omics has 1 duplicated ID \(7\)",
    ),
    "missing": (
        (GENOTYPES, None, indexed(["a", None])),
        ValueError,
        "phenotypes has 1 row without an ID",
    ),
    "counted rows": ((COUNTED,), ValueError, "genotypes has no IDs: its index has no name"),
    "counted omics": ((GENOTYPES, COUNTED), ValueError, "omics has no IDs"),
    "floating": ((GENOTYPES, indexed([1.0, 2.0])), TypeError, "those of omics are floating"),
    "dates": (
        (GENOTYPES, indexed(pd.date_range("2020-01-01", periods=2))),
        TypeError,
        "those of omics are datetime",
    ),
    "two levels": (
        (GENOTYPES, indexed(pd.MultiIndex.from_tuples([("f", "a")]))),
        ValueError,
        "omics has an index of 2 levels",
    ),
    "nothing in common": (
        (GENOTYPES, indexed(list("xyz"))),
        ValueError,
        "omics and genotypes have no ID in common. omics: x, y, z; genotypes: a, b, c, d, e",
    ),
    "no rows": ((GENOTYPES, indexed([])), ValueError, "omics and genotypes have no ID in common"),
    "no phenotypes": (
        (GENOTYPES, ALIGN_OMICS),
        {"how": "phenotyped"},
        ValueError,
        "how='phenotyped' needs phenotypes",
    ),
    "all missing": (
        (GENOTYPES, None, PHENOTYPES * NAN),
        {"how": "phenotyped"},
        ValueError,
        "No individual is left",
    ),
}


@pytest.mark.parametrize("case", INVALID.values(), ids=INVALID)
def test_invalid_alignments(case):
    args, *options, error, message = case
    with pytest.raises(error, match=message):
        align(*args, **(options[0] if options else {}))


def test_numbered_individuals_whose_index_has_a_name():
    genotypes = GENOTYPES.set_axis(pd.RangeIndex(5, name="id"), axis=0)
    assert_array_equal(align(genotypes, indexed(["4", "0"])).omics["P"], [1, NAN, NAN, NAN, 0])


COUNTS = {
    "counted from 1": pd.RangeIndex(1, 5),
    "a part": pd.RangeIndex(150_000, 150_004),
    "every second": pd.RangeIndex(0, 8, 2),
    "shuffled": [3, 0, 2, 1],
    "filtered": [5, 17, 80],
    "filtered from a long table": [17, 250_000, 1_000_000],
    "narrow": np.array([3, 0, 2], np.uint8),
    "nullable": pd.array([3, 0, 2], dtype="Int64"),
    "objects": pd.Index([3, 0, 2], dtype=object),
    "categories": pd.Categorical([3, 0, 2]),
    "one": [4],
}


@pytest.mark.parametrize("index", COUNTS.values(), ids=COUNTS)
@pytest.mark.parametrize("place", ["genotypes", "omics", "phenotypes", "covariates"])
def test_leftover_numbers_of_rows_are_no_ids(index, place):
    index = pd.Index(index)
    numbers = index.tolist()
    # A join by position in one table and by number in the other would succeed.
    ids = pd.Index(numbers, name="id")
    tables = {"genotypes": indexed(ids), place: indexed(index)}
    if place == "phenotypes":
        tables[place] = tables[place]["P"]
    message = rf"{place} has no IDs: its index has no name.*id_column.*set_index.*rename_axis"
    with pytest.raises(ValueError, match=message):
        align(**tables)
    aligned = align(**{name: table.rename_axis("id") for name, table in tables.items()})
    assert_array_equal(np.ravel(aligned[place]), np.arange(len(numbers)))


TEXT_COUNTS = {
    "of pandas": ["0", "1", "2"],
    "of R": ["1", "2", "3"],
    "shuffled": ["2", "0", "1"],
    "blanks": ["0 ", " 1", "2"],
    "text array": pd.array(["0", "1", "2"], dtype="string"),
    "beside text": pd.Index([0, 1, 2, "m4"], dtype=object),
    "from 1, beside text": pd.Index(["m4", 2, 1], dtype=object),
}


@pytest.mark.parametrize("index", TEXT_COUNTS.values(), ids=TEXT_COUNTS)
def test_counts_as_text_are_no_ids(index):
    rows = indexed(pd.Index(index))
    ids = rows.rename_axis("id")
    for tables in ((rows, ids), (ids, rows)):
        with pytest.raises(ValueError, match=r"has no IDs: its index has no name.*rename_axis"):
            align(*tables)
    assert_array_equal(align(ids, ids).omics["P"], rows["P"])


@pytest.mark.parametrize("index", [["0", "2", "3"], ["01", "02"], ["2", "3"], ["1", "2", "m3"]])
def test_other_text_without_a_name_are_ids(index):
    assert_array_equal(
        align(indexed(index), indexed(index[::-1])).omics["P"][::-1], range(len(index))
    )


def test_tables_saved_without_ids_are_not_joined(tmp_path):
    indexed(list("abc")).reset_index(drop=True).to_csv(tmp_path / "g.csv")
    indexed(list("cba")).reset_index(drop=True).to_csv(tmp_path / "y.csv")
    genotypes, y = (read_table(tmp_path / name, None) for name in ("g.csv", "y.csv"))
    with pytest.raises(ValueError, match="genotypes has no IDs"):
        align(genotypes, None, y)


def test_filter_sort_and_shuffle_leave_no_ids():
    records = pd.DataFrame({"animal": list("dcbae"), "w": [4.0, 3, 2, 1, 5]})
    for table in (
        records[records["w"] > 2],
        records.sort_values("animal"),
        records.sample(frac=1, random_state=0),
        records.drop(0),
    ):
        with pytest.raises(ValueError, match="phenotypes has no IDs"):
            align(GENOTYPES, phenotypes=table["w"])
        by_id = table.set_index("animal")["w"]
        assert_array_equal(
            align(GENOTYPES, phenotypes=by_id).phenotypes.dropna(),
            by_id.sort_index(),
        )


@pytest.mark.parametrize("first", [102_345, 840_003_012_345_678])
def test_numbers_of_a_herd_book_need_no_name(first):
    numbers = pd.Index([first + 5, first, first + 17])
    data = align(indexed(numbers), indexed(numbers[[2, 0]].astype("Int64")))
    assert_array_equal(data.omics["P"], [1, NAN, 0])


# --- from files to predictions ------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_from_files_to_predictions(data, short, tmp_path):
    ids = np.array([f"{i:03d}" for i in range(80)])
    rng = np.random.default_rng(5)
    prefix = plink_files(tmp_path / "herd", data.X, iid=ids)
    omics = pd.DataFrame(data.gappy, columns=list("ABC")).assign(animal=ids)
    measured = rng.permutation(80)[:70]
    omics.iloc[measured].to_csv(tmp_path / "omics.csv", index=False)
    traits = pd.DataFrame({"animal": ids, "sex": data.covariates[:, 1], "y": data.y})
    traits.loc[60:, "y"] = np.nan
    traits.iloc[rng.permutation(80)].to_csv(tmp_path / "traits.tsv", index=False, sep="\t")

    traits = read_table(tmp_path / "traits.tsv", "animal")
    herd = align(
        read_plink(prefix).genotypes,
        omics=read_table(tmp_path / "omics.csv", "animal"),
        phenotypes=traits["y"],
        covariates=traits["sex"],
    )
    assert report(herd)["omics"] == [70, 70, 0, 0, 10]
    model = short().fit(
        herd.genotypes, herd.phenotypes, omics=herd.omics, covariates=herd.covariates
    )
    new = herd.phenotypes.index[herd.phenotypes.isna()]
    assert list(new) == list(ids[60:])
    predicted = model.predict(
        herd.genotypes.loc[new], omics=herd.omics.loc[new], covariates=herd.covariates.loc[new]
    )

    by_hand = np.full((80, 3), np.nan)
    by_hand[measured] = data.gappy[measured]
    y = np.where(np.arange(80) < 60, data.y, np.nan)
    sex = data.covariates[:, [1]]
    same = short().fit(data.X, y, omics=by_hand, covariates=sex)
    expected = same.predict(data.X[60:], omics=by_hand[60:], covariates=sex[60:])
    assert_allclose(predicted, expected, rtol=1e-4)


def test_more_codes_for_missing_values(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("cow,milk,fat\n-9,1.5,.\n2,-9,3\n")
    table = read_table(path, "cow", na_values=["-9", "."])
    assert list(table.index) == ["-9", "2"]
    assert_array_equal(table, [[1.5, np.nan], [np.nan, 3]])
    assert all(dtype.kind == "f" for dtype in table.dtypes)


def test_codes_for_missing_values_between_blanks(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("cow;milk;fat;herd\n-9; -9 ; -9,0;3\n2; 3 ; 4,5; 4 \n3;-9;-99,5 ;5\n")
    table = read_table(path, "cow", sep=";", decimal=",", na_values=["-9", "-99,5"])
    assert_array_equal(table, [[np.nan, np.nan, 3], [3, 4.5, 4], [np.nan, np.nan, 5]])
    assert table["herd"].dtype == int
