"""Genotypes from files of all formats: the same ones and tables; broken files are named."""

import gzip
import warnings

import numpy as np
import pandas as pd
import pytest
from bgen import BgenWriter
from cyvcf2 import VCF, Writer
from numpy.testing import assert_allclose, assert_array_equal
from pandas.testing import assert_frame_equal
from pgenlib import PgenWriter

from sknnmm.io import (
    _collect,
    align,
    harmonise,
    read_bgen,
    read_genotypes,
    read_hapmap,
    read_pgen,
    read_plink,
    read_plink_raw,
    read_vcf,
)
from tests.helpers.genotype_files import (
    FIRST_OF_RAW,
    FIRST_OF_VCF,
    hapmap_lines,
    variants_of,
    vcf_lines,
    write_bed,
    write_bgen,
    write_format,
    write_lines,
    write_pgen,
    write_raw,
    write_vcf,
)

NAN = np.nan
FORMATS = ["bed", "pgen", "bgen", "vcf", "raw", "hapmap"]
IDS = [f"m{i}" for i in range(7)]
DOSAGES = np.random.default_rng(5).integers(-1, 3, (7, 30))
DOSAGES[:, 3], DOSAGES[1:, 4] = 0, -1


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    """Let a file have several blocks, the last one shorter."""
    monkeypatch.setattr(_collect, "GENOTYPES_AT_ONCE", 8 * 7)


@pytest.fixture(params=FORMATS)
def written(request, tmp_path):
    return write_format(request.param, tmp_path, DOSAGES, IDS, variants_of(30))


def calls(genotypes):
    """Return dosages with -1 = missing, of int8 or of float32 with NaN = missing."""
    values = genotypes.to_numpy()
    return values if values.dtype == np.int8 else np.where(np.isnan(values), -1, values)


# --- every format -------------------------------------------------------------------------------


def test_every_format_gives_the_same(written):
    data = read_genotypes(written)
    assert_array_equal(calls(data.genotypes), DOSAGES)
    is_bgen = written.suffix == ".bgen"
    assert data.genotypes.to_numpy().dtype == (np.float32 if is_bgen else np.int8)
    assert data.genotypes.to_numpy().flags.f_contiguous
    assert list(data.samples.index) == list(data.genotypes.index) == IDS
    assert list(data.samples) == ["family", "father", "mother", "sex", "phenotype"]
    assert data.samples.isna().all().all()
    expected = variants_of(30)
    if written.suffix == ".raw":
        expected[["chromosome", "position"]] = NAN
    compared = ["position", "counted_allele", "other_allele"]
    assert list(data.variants) == list(expected)
    assert_frame_equal(data.variants[compared], expected[compared], check_dtype=False)
    assert data.genotypes.columns.equals(data.variants.index)


def test_quality_and_filters(written):
    everything = read_genotypes(written)
    known = DOSAGES >= 0
    missing = 1 - known.mean(axis=0)
    frequency = np.where(known, DOSAGES, 0).sum(axis=0) / (2 * known.sum(axis=0))
    maf = np.minimum(frequency, 1 - frequency)
    assert_allclose(everything.quality["missing_rate"], missing)
    assert_allclose(everything.quality["maf"], maf)
    assert everything.quality["dropped"].isna().all()
    p_values = everything.quality["hwe_p"].to_numpy()

    data = read_genotypes(written, max_missing=0.3, min_maf=0.2, min_hwe_p=0.3)
    reasons = np.select(
        [missing > 0.3, maf < 0.2, p_values < 0.3], ["max_missing", "min_maf", "min_hwe_p"], "kept"
    )
    kept = reasons == "kept"
    assert_array_equal(calls(data.genotypes), DOSAGES[:, kept])
    assert_array_equal(data.quality["dropped"].fillna("kept"), reasons)
    assert list(data.variants.index) == [f"rs{j}" for j in np.flatnonzero(kept)]
    counts = {name: (reasons == name).sum() for name in np.unique(reasons)}
    assert len(counts) == 4  # every filter drops some, and some are left
    expected = {"read": 30, "multiallelic": 0, "duplicate": 0, **counts}
    assert data.report.to_dict() == expected


def test_filters_that_leave_nothing(tmp_path):
    path = write_format("hapmap", tmp_path, DOSAGES[:, 3:5], IDS, variants_of(2))
    message = r"herd\.hmp\.txt: none of its 2 variants is left \(1 by max_missing, 1 by min_maf\)"
    with pytest.raises(ValueError, match=message):
        read_genotypes(path, max_missing=0.5, min_maf=0.1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"min_maf": 0.6}, "min_maf must be a number from 0 to 0.5; got 0.6"),
        ({"max_missing": -1}, "max_missing must be a number from 0 to 1"),
        ({"min_hwe_p": "0.1"}, "min_hwe_p must be a number from 0 to 1; got '0.1'"),
    ],
)
def test_invalid_filters(tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        read_vcf(tmp_path / "absent.vcf", **options)


IN_LATIN_1 = {  # of each format, the file that is text
    "bed": "herd.fam", "pgen": "herd.pvar", "bgen": "herd.sample", "raw": "herd.raw",
    "hapmap": "herd.hmp.txt",
}  # fmt: skip


@pytest.mark.parametrize(("kind", "name"), IN_LATIN_1.items())
def test_names_in_another_encoding(kind, name, tmp_path):
    path = write_format(kind, tmp_path, DOSAGES, IDS, variants_of(30))
    old, new = ("rs2", "rsé") if kind == "pgen" else ("m3", "Kühne")
    if kind == "bgen":
        write_bgen(path, DOSAGES, None, variants_of(30))
        lines = ["ID_1 ID_2 missing", "0 0 0", *(f"{i} {i} 0" for i in IDS)]
        write_lines(tmp_path / name, lines)
    text = (tmp_path / name).read_text()
    assert old in text
    (tmp_path / name).write_bytes(text.replace(old, new).encode("latin-1"))
    with pytest.raises(ValueError, match=f"{name}, .*is not text in the encoding 'utf-8'"):
        read_genotypes(path)
    genotypes = read_genotypes(path, encoding="latin-1").genotypes
    assert new in (genotypes.columns if kind == "pgen" else genotypes.index)
    assert_array_equal(calls(genotypes), DOSAGES)
    for unknown in "klingon", "idna":
        with pytest.raises(ValueError, match=f"encoding='{unknown}' is not known"):
            read_genotypes(path, encoding=unknown)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32", "utf-8-sig"])
@pytest.mark.parametrize("kind", ["raw", "hapmap"])
def test_formats_are_known_in_wide_encodings_and_after_byte_order_marks(kind, encoding, tmp_path):
    path = write_format(kind, tmp_path, DOSAGES, IDS, variants_of(30))
    path.write_bytes(path.read_text().encode(encoding))
    if encoding == "utf-8-sig":
        encoding = "latin-1"  # the mark says more than what is passed
    else:
        with pytest.raises(ValueError, match=f"{path.name} is not text in the encoding 'UTF8'"):
            read_genotypes(path, encoding="UTF8")
    assert_array_equal(calls(read_genotypes(path, encoding=encoding).genotypes), DOSAGES)


@pytest.mark.parametrize(("kind", "name"), [("vcf", "herd.vcf"), ("pgen", "herd.pvar")])
def test_byte_order_marks_that_the_library_of_a_format_takes_for_text(kind, name, tmp_path):
    path = write_format(kind, tmp_path, DOSAGES, IDS, variants_of(30))
    (tmp_path / name).write_bytes((tmp_path / name).read_text().encode("utf-8-sig"))
    with pytest.raises(ValueError, match=f"{name} begins with a byte order mark"):
        read_genotypes(path)


def test_a_vcf_is_always_utf_8(tmp_path):
    path = write_format("vcf", tmp_path, DOSAGES, IDS, variants_of(30))
    assert list(read_genotypes(path, encoding="UTF8").genotypes.index) == IDS
    with pytest.raises(ValueError, match=r"encoding='latin-1': .*herd.vcf is a VCF .* iconv"):
        read_genotypes(path, encoding="latin-1")
    text = path.read_text()
    for name in "m3", "rs2\t", "\n1\t":  # an individual, a variant and a chromosome
        assert name in text
        path.write_bytes(text.replace(name, f"{name[:-1]}é{name[-1]}").encode("latin-1"))
        with pytest.raises(ValueError, match=r"herd.vcf: the (IDs|chromosome) .* UTF-8.* iconv"):
            read_genotypes(path)


@pytest.mark.parametrize("cut", [0.5, 0.95, 0.05])
def test_truncated_files(written, cut):
    content = written.read_bytes()
    written.write_bytes(content[: int(cut * len(content))])
    with pytest.raises(ValueError, match=written.name):
        read_genotypes(written)


def test_absent_files(written):
    written.unlink()
    with pytest.raises(FileNotFoundError, match=written.name):
        read_genotypes(written)


def test_samples_in_another_order(written, tmp_path):
    order = np.random.default_rng(0).permutation(7)
    other = tmp_path / "other"
    other.mkdir()
    ids = [IDS[i] for i in order]
    write_bed(other / "later", DOSAGES[order], ids, variants_of(30))
    later = read_plink(other / "later").genotypes
    first = read_genotypes(written).genotypes
    assert_array_equal(calls(first.loc[ids]), later)
    omics = pd.DataFrame({"HDL": np.arange(7.0)}, index=IDS)
    assert_array_equal(align(later, omics).omics["HDL"], order)


def test_names_may_lack_the_suffix_or_be_those_of_files_beside(written):
    expected = read_genotypes(written).genotypes
    beside = {".bed": [".bim", ".fam", ""], ".pgen": [".pvar", ".psam", ""]}
    for suffix in beside.get(written.suffix, []):
        assert_frame_equal(read_genotypes(str(written.with_suffix(suffix))).genotypes, expected)
    if written.suffix not in beside:
        plain = written.rename(written.with_name("without_suffix"))
        assert_frame_equal(read_genotypes(plain).genotypes, expected)


def test_two_files_for_one_prefix(tmp_path):
    for write in (write_bed, write_pgen):
        write(tmp_path / "herd", DOSAGES, IDS, variants_of(30))
    with pytest.raises(ValueError, match=r"Both .*herd\.bed and .*herd\.pgen exist"):
        read_genotypes(tmp_path / "herd")


def test_other_files_are_refused(tmp_path):
    path = tmp_path / "table.vcf"
    path.write_text("animal,milk\n1,2\n")
    with pytest.raises(ValueError, match=r"table\.vcf begins as no file of genotypes .*HapMap"):
        read_genotypes(path)


@pytest.mark.parametrize("kind", ["bed", "hapmap"])
def test_formats_without_dosages(tmp_path, kind):
    path = write_format(kind, tmp_path, DOSAGES, IDS, variants_of(30))
    with pytest.raises(ValueError, match=f"{path.name} has no dosages"):
        read_genotypes(path, dosages=True)


def test_files_serve_harmonise(tmp_path):
    ours = read_genotypes(write_format("vcf", tmp_path, DOSAGES, IDS, variants_of(30)))
    swapped = variants_of(30).rename(
        columns={"counted_allele": "other_allele", "other_allele": "counted_allele"}
    )
    theirs = read_plink(
        write_bed(tmp_path / "other", np.where(DOSAGES < 0, -1, 2 - DOSAGES), IDS, swapped)
    )
    plan = harmonise(theirs.variants, ours.variants)
    assert_array_equal(plan.apply(theirs.genotypes), ours.genotypes)


# --- VCF and BCF --------------------------------------------------------------------------------

FIRST = f"{FIRST_OF_VCF} a b c"


def record(position=10, name="rs1", ref="G", alt="A", form="GT", genotypes="0/0 0/1 1/1", on="1"):
    return f"{on} {position} {name} {ref} {alt} . . . {form} {genotypes}"


def test_multiallelic_variants_are_dropped_and_counted(tmp_path):
    lines = [
        FIRST,
        record(),
        record(20, "rs2", alt="A,T", genotypes="0/1 1/2 0/0"),
        record(30, "rs3"),
    ]
    with pytest.warns(UserWarning, match="1 multiallelic variants are dropped.*bcftools norm"):
        data = read_vcf(write_vcf(tmp_path / "a.vcf", lines))
    assert list(data.genotypes) == ["rs1", "rs3"]
    assert data.report["multiallelic"] == 1
    assert data.quality["dropped"].to_dict() == {"rs1": NAN, "rs2": "multiallelic", "rs3": NAN}
    assert data.quality.loc["rs2", ["missing_rate", "maf", "hwe_p"]].isna().all()


def test_missing_genotypes_and_half_calls(tmp_path):
    lines = [FIRST, record(genotypes="./. 0/. .|1"), record(20, "rs2", genotypes=". 0|1 1/0")]
    with pytest.warns(UserWarning, match=r"a\.vcf: 2 half calls"):
        data = read_vcf(write_vcf(tmp_path / "a.vcf", lines))
    assert_array_equal(data.genotypes, [[-1, -1], [-1, 1], [-1, 1]])


def test_haploid_genotypes_count_twice(tmp_path):
    lines = [FIRST, record(genotypes="0 1 0/1", on="X"), record(20, "rs2", genotypes="1 . 0")]
    data = read_vcf(write_vcf(tmp_path / "a.vcf", lines))
    assert_array_equal(data.genotypes, [[0, 2], [2, -1], [1, 0]])
    assert_array_equal(data.quality["hwe_p"], [1, NAN])  # of the heterozygote; of nobody


def test_duplicates_are_dropped_and_shared_names_replaced(tmp_path):
    lines = [
        FIRST,
        record(),
        record(genotypes="1/1 1/1 1/1"),
        record(alt="T", genotypes="0/0 0/0 0/1"),
        record(30, "."),
    ]
    with (
        pytest.warns(UserWarning, match="1 duplicate variants are dropped"),
        pytest.warns(UserWarning, match=r"same name \(rs1\)"),
    ):
        data = read_vcf(write_vcf(tmp_path / "a.vcf", lines))
    assert list(data.genotypes) == ["1:10:G:A", "1:10:G:T", "1:30:G:A"]
    assert_array_equal(data.genotypes, [[0, 0, 0], [1, 0, 1], [2, 1, 2]])
    assert data.report["duplicate"] == 1


def test_variants_without_alternative_allele(tmp_path):
    data = read_vcf(
        write_vcf(tmp_path / "a.vcf", [FIRST, record(alt=".", genotypes="0/0 ./. 0|0")])
    )
    assert_array_equal(data.genotypes, [[0], [-1], [0]])
    assert data.variants["counted_allele"].isna().all()


def test_expected_dosages(tmp_path):
    lines = [
        FIRST,
        record(form="GT:DS", genotypes="0/0:0.25 ./.:1.5 1/1:."),
        record(20, "rs2", form="DS", genotypes="2 0 0.5"),
        record(30, "rs3", form="GT:DS", genotypes="0:0.1 1:0.75 0/1:1.1"),
    ]
    path = write_vcf(tmp_path / "a.vcf", lines)
    data = read_genotypes(path, dosages=True)
    expected = [[0.25, 2, 0.2], [1.5, 0, 1.5], [NAN, 0.5, 1.1]]
    assert_allclose(data.genotypes, expected, rtol=1e-6)
    with pytest.raises(ValueError, match=r"a\.vcf, variant 1:20 \(rs2\), has no genotypes"):
        read_genotypes(path)


def compressed(path, mode):
    """Return a compressed copy, by bgzip (mode "wz") or as BCF ("wb")."""
    source = VCF(str(path))
    copy = path.with_suffix(".vcf.gz" if mode == "wz" else ".bcf")
    writer = Writer(str(copy), source, mode)
    for variant in source:
        writer.write_record(variant)
    writer.close()
    return copy


@pytest.mark.parametrize("mode", ["wz", "wb"])
def test_bgzip_and_bcf_without_index(tmp_path, mode):
    path = write_vcf(tmp_path / "a.vcf", vcf_lines(DOSAGES, IDS, variants_of(30)))
    copy = compressed(path, mode)
    assert len(list(tmp_path.iterdir())) == 2  # no index
    assert_frame_equal(read_genotypes(copy).genotypes, read_vcf(path).genotypes)


def test_bgzip_that_ends_between_blocks(tmp_path):
    path = write_vcf(tmp_path / "a.vcf", vcf_lines(DOSAGES, IDS, variants_of(30)))
    copy = compressed(path, "wz")
    copy.write_bytes(copy.read_bytes()[:-28])  # htslib would only warn
    with pytest.raises(ValueError, match=r"a\.vcf\.gz is truncated: the block that ends"):
        read_vcf(copy)


def test_plain_gzip(tmp_path):
    rng = np.random.default_rng(1)
    dosages = rng.integers(0, 3, (7, 400))
    path = write_vcf(tmp_path / "a.vcf", vcf_lines(dosages, IDS, variants_of(400)))
    packed = gzip.compress(path.read_bytes(), 1)
    copy = tmp_path / "b.vcf.gz"
    copy.write_bytes(packed)
    assert_array_equal(read_genotypes(copy).genotypes, dosages)
    copy.write_bytes(packed[:-200])
    with pytest.raises(ValueError, match=r"b\.vcf\.gz"):
        read_genotypes(copy)


@pytest.mark.parametrize(
    ("lines", "options", "message"),
    [
        ([FIRST_OF_VCF.removesuffix(" FORMAT")], {}, "has no individuals"),
        ([FIRST], {}, "has no variants"),
        ([FIRST, record(), record(20, genotypes="0/0 0/1")], {}, r"after variant 1:10 \(rs1\)"),
        ([FIRST, record(), record("x")], {}, r"after variant 1:10 \(rs1\)"),
        ([FIRST, record(genotypes="0/2 0/0 0/0")], {}, "has genotypes with the allele 2"),
        ([FIRST, record(genotypes="0/0/1/1 0 0/1")], {}, "more than two alleles per individual"),
        ([FIRST, record()], {"dosages": True}, r"1:10 \(rs1\), has no dosages \(DS\)"),
        ([FIRST, record(form="DS", genotypes="0 1 3")], {"dosages": True}, r"dosage \(DS\) of 3;"),
        (
            [FIRST, record(form="GT:DS", genotypes="0:0 1:2 0/1:1")],
            {"dosages": True},
            "0 to 1 where the genotype is haploid",
        ),
    ],
)  # fmt: skip
def test_broken_vcf_files(tmp_path, lines, options, message):
    with pytest.raises(ValueError, match=message) as caught:
        read_vcf(write_vcf(tmp_path / "broken.vcf", lines), **options)
    assert "broken.vcf" in str(caught.value)


# --- PLINK 2 ------------------------------------------------------------------------------------


def test_individuals_of_a_psam_file(tmp_path):
    path = write_pgen(tmp_path / "herd", DOSAGES, IDS, variants_of(30))
    rows = [
        f"f1 {i} 0 dam {k} {-9 if k else 1.5}"
        for i, k in zip(IDS, [0, 1, 2, 0, 1, 2, 0], strict=True)
    ]
    psam = path.with_suffix(".psam")
    write_lines(psam, ["##comment", "#FID IID PAT MAT SEX PHENO1", *rows])
    samples = read_pgen(path).samples
    assert list(samples.index) == IDS
    assert (samples["family"] == "f1").all() and (samples["mother"] == "dam").all()
    assert samples["father"].isna().all()
    assert_array_equal(samples["sex"], [NAN, 1, 2, NAN, 1, 2, NAN])
    assert_array_equal(samples["phenotype"], [1.5, NAN, NAN, 1.5, NAN, NAN, 1.5])
    write_lines(psam, rows)  # as a .fam file
    assert_frame_equal(read_pgen(path).samples, samples)


def test_multiallelic_variants_and_dosages_of_pgen(tmp_path):
    writer = PgenWriter(
        str(tmp_path / "a.pgen").encode(), 3, variant_ct=2, nonref_flags=False,
        allele_ct_limit=3, dosage_present=True,
    )  # fmt: skip
    writer.append_alleles(np.array([0, 1, 1, 2, 2, 2], np.int32))
    writer.append_dosages(np.array([0.25, 1.9, -9], np.float32))
    writer.close()
    write_lines(tmp_path / "a.pvar", ["#CHROM POS ID REF ALT", "1 10 rs1 G A,T", "1 20 rs2 G A"])
    write_lines(tmp_path / "a.psam", ["#IID", "a", "b", "c"])
    with pytest.warns(UserWarning, match="1 multiallelic variants are dropped"):
        data = read_genotypes(tmp_path / "a.pgen", dosages=True)
    assert_allclose(data.genotypes, [[0.25], [1.9], [NAN]], atol=1e-4)
    assert list(data.genotypes) == ["rs2"]
    with pytest.warns(UserWarning, match="1 multiallelic"):
        hard = read_genotypes(tmp_path / "a.pgen").genotypes
    assert_array_equal(hard, [[-1], [2], [-1]])  # 0.25 is too far from a whole number for PLINK 2


def test_pgen_in_the_layout_of_plink_1(tmp_path):
    bed = write_bed(tmp_path / "source", DOSAGES, IDS, variants_of(30))
    path = write_pgen(tmp_path / "herd", DOSAGES[:, ::-1], IDS, variants_of(30))
    path.write_bytes(bed.read_bytes())
    data = read_genotypes(path)
    assert_array_equal(data.genotypes, DOSAGES)
    assert_frame_equal(data.variants, read_pgen(path).variants)


def test_males_on_x_are_left_out_of_the_test(tmp_path):
    dosages = np.array([[0], [1], [2], [1], [0], [2], [0]])
    path = write_pgen(tmp_path / "herd", dosages, IDS, variants_of(1, "chrX"))
    everyone = read_pgen(path).quality["hwe_p"].iloc[0]
    write_lines(
        path.with_suffix(".psam"), ["#IID SEX", *(f"{i} {2 if i < 'm4' else 1}" for i in IDS)]
    )
    females = read_pgen(path).quality["hwe_p"].iloc[0]
    assert females == 1 and everyone < 1


@pytest.mark.parametrize(
    ("suffix", "lines", "message"),
    [
        (".psam", ["#IID", "m0"], "contains 7 samples"),
        (".psam", ["#IID"], r"herd\.psam has no individuals"),
        (".psam", ["#IID SEX", "m0 1", "m1"], r"herd\.psam: individual 2 has 1 columns"),
        (".pvar", ["#CHROM POS ID REF ALT", "1 10 rs1 G A"], "pvar"),
        (
            ".pvar",
            ["#CHROM POS ID REF ALT", "1 x rs1 G A"],
            r"Invalid POS on line 2 of .*herd\.pvar",
        ),
    ],
)
def test_pgen_files_that_do_not_fit(tmp_path, suffix, lines, message):
    path = write_pgen(tmp_path / "herd", DOSAGES, IDS, variants_of(30))
    write_lines(path.with_suffix(suffix), lines)
    with pytest.raises(ValueError, match=message):
        read_pgen(path)


@pytest.mark.parametrize("suffix", [".pvar", ".psam"])
def test_absent_parts_of_pgen(tmp_path, suffix):
    path = write_pgen(tmp_path / "herd", DOSAGES, IDS, variants_of(30))
    path.with_suffix(suffix).unlink()
    with pytest.raises(FileNotFoundError, match=rf"herd\{suffix}"):
        read_pgen(path)


# --- BGEN ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [{"compression": "zlib"}, {"compression": None}, {"layout": 1, "compression": "zlib"}],
)
def test_versions_of_bgen(tmp_path, options):
    path = write_bgen(tmp_path / "a.bgen", np.maximum(DOSAGES, 0), IDS, variants_of(30), **options)
    assert_allclose(read_bgen(path).genotypes, np.maximum(DOSAGES, 0), atol=1e-4)


def test_dosages_of_bgen(tmp_path):
    path = tmp_path / "a.bgen"
    with BgenWriter(str(path), 2, samples=["a", "b"]) as writer:
        unphased = np.array([[0.5, 0.25, 0.25], [NAN, NAN, NAN]])
        writer.add_variant("v1", "", "1", 10, ["G", "A"], unphased, bit_depth=16)
        phased = np.array([[0.9, 0.1, 0.0, 1.0], [1.0, 0.0, 0.25, 0.75]])
        writer.add_variant("", "rs2", "1", 20, ["G", "A"], phased, phased=True, bit_depth=16)
        on_x = np.array([[0.25, 0.75, NAN], [0.0, 1.0, 0.0]])
        ploidy = np.array([1, 2], np.uint8)
        writer.add_variant("", "rs3", "X", 30, ["G", "A"], on_x, ploidy=ploidy, bit_depth=16)
        three = np.eye(6)[:2]
        writer.add_variant("", "rs4", "1", 40, ["G", "A", "T"], three)
    with pytest.warns(UserWarning, match="1 multiallelic"):
        data = read_bgen(path)
    assert_allclose(data.genotypes, [[0.75, 1.1, 1.5], [NAN, 0.75, 1]], atol=1e-3)
    assert list(data.genotypes) == ["v1", "rs2", "rs3"]
    assert data.quality["dropped"].iloc[3] == "multiallelic"


def test_ids_of_a_sample_file(tmp_path):
    path = tmp_path / "a.bgen"
    with BgenWriter(str(path), 3) as writer:
        writer.add_variant("", "rs1", "1", 10, ["G", "A"], np.eye(3))
    with pytest.raises(FileNotFoundError, match=r"a\.bgen has no IDs .* pass sample_path"):
        read_bgen(path)
    rows = ["ID_1 ID_2 missing sex", "0 0 0 D", "f a 0 1", "f b 0 2", "f c 0 0"]
    write_lines(tmp_path / "a.sample", rows)
    data = read_bgen(path)
    assert list(data.genotypes.index) == ["a", "b", "c"]
    assert_array_equal(data.samples["sex"], [1, 2, NAN])
    write_lines(tmp_path / "b.sample", rows[:-1])
    with pytest.raises(ValueError, match=r"b\.sample has 2 individuals, .*a\.bgen has 3"):
        read_bgen(path, tmp_path / "b.sample")
    write_lines(tmp_path / "b.sample", rows[:1])
    with pytest.raises(ValueError, match=r"b\.sample must have two header lines"):
        read_bgen(path, tmp_path / "b.sample")


def test_sample_file_in_another_order(tmp_path):
    path = write_bgen(tmp_path / "a.bgen", DOSAGES, IDS, variants_of(30))
    order = [*IDS[:2], *IDS[:1:-1]]
    write_lines(tmp_path / "b.sample", ["ID_1", "0", *order])
    with pytest.raises(ValueError, match="number 3 is m6 in the former, m2 in the latter"):
        read_bgen(path, tmp_path / "b.sample")


# --- .raw ---------------------------------------------------------------------------------------


def test_columns_of_a_raw_file(tmp_path):
    path = tmp_path / "a.raw"
    lines = [
        f"{FIRST_OF_RAW} rs_1_A rs2_TTA rs2_HET",
        "f a 0 dam 1 2.5 0  NA 1",
        "f b a 0 2 -9 2 1 0",
    ]
    path.write_text("\n".join(lines))
    data = read_plink_raw(path)
    assert_array_equal(data.genotypes, [[0, -1], [2, 1]])
    assert list(data.genotypes) == ["rs_1", "rs2"]
    assert list(data.variants["counted_allele"]) == ["A", "TTA"]
    assert_array_equal(data.samples["phenotype"], [2.5, NAN])
    assert_array_equal(data.samples["sex"], [1, 2])
    assert data.samples["mother"].iloc[0] == "dam"


def test_dosages_of_a_raw_file(tmp_path):
    lines = [f"{FIRST_OF_RAW} rs1_A rs2_C", "f a 0 0 0 -9 0 NA", "f b 0 0 0 -9 1.25 2"]
    data = read_genotypes(write_lines(tmp_path / "a.raw", lines))
    assert data.genotypes.to_numpy().dtype == np.float32
    assert_array_equal(data.genotypes, [[0, NAN], [1.25, 2]])


RAW = [f"{FIRST_OF_RAW} rs1_A rs2_C", "f a 0 0 0 -9 0 1", "f b 0 0 0 -9 1 2"]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["FID IID rs1_A", *RAW[1:]], "its first line must be FID IID PAT"),
        (RAW[:1], "has no individuals"),
        ([*RAW, "f c 0 0"], "line 4, has only 4 columns"),
        ([*RAW, "f c 0 0 0 -9 1"], "line 4, has the dosages of 1 SNPs, the header names 2"),
        ([*RAW, "f c 0 0 0 -9 1 3"], "line 4, has the dosage 3"),
        ([*RAW, "f c 0 0 0 -9 1 A"], "line 4: dosages must be numbers or NA"),
        ([f"{FIRST_OF_RAW} rs1 rs2_C", *RAW[1:]], "column rs1 does not end in an underscore"),
        ([f"{FIRST_OF_RAW} rs1_A rs1_C", *RAW[1:]], r"1 duplicated variant name \(rs1\)"),
    ],
)
def test_broken_raw_files(tmp_path, lines, message):
    with pytest.raises(ValueError, match=message) as caught:
        read_plink_raw(write_lines(tmp_path / "broken.raw", lines))
    assert "broken.raw" in str(caught.value)


# --- HapMap -------------------------------------------------------------------------------------

HAPMAP = list(hapmap_lines(np.array([[0, 1], [2, -1]]), ["a", "b"], variants_of(2)))
FIELDS = "+ NA NA NA NA NA NA"


@pytest.mark.parametrize(
    ("alleles", "genotypes", "dosages"),
    [
        ("A/G", "A R G N", [0, 1, 2, -1]),
        ("T/C", "TT CT TC NC", [0, 1, 1, -1]),
        ("+/-", "+ 0 - N", [0, 1, 2, -1]),
        ("A/-", "AA A- -- NN", [0, 1, 2, -1]),
        ("A/G", "AA -- 00 GG", [0, -1, -1, 2]),
        ("A", "AA NN AA AA", [0, -1, 0, 0]),
        ("a/g", "aa ag gg nn", [0, 1, 2, -1]),
    ],
)
def test_codes_of_hapmap(tmp_path, alleles, genotypes, dosages):
    lines = [f"{HAPMAP[0]} c d", f"rs1 {alleles} 1 10 {FIELDS} {genotypes}"]
    data = read_hapmap(write_lines(tmp_path / "a.hmp.txt", lines))
    assert_array_equal(data.genotypes["rs1"], dosages)


def test_multiallelic_variants_of_hapmap(tmp_path):
    lines = [*HAPMAP, f"rs9 A/G/T 1 10 {FIELDS} AT GG"]
    with pytest.warns(UserWarning, match="1 multiallelic"):
        data = read_hapmap(write_lines(tmp_path / "a.hmp.txt", lines))
    assert list(data.genotypes) == ["rs0", "rs1"]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["rs# alleles chrom", *HAPMAP[1:]], "its first line must be eleven names"),
        (HAPMAP[:1], "has no variants"),
        (
            [*HAPMAP, f"rs9 A/G 1 10 {FIELDS} AA"],
            "line 4, must have 13 columns as the .* has 12",
        ),
        ([*HAPMAP, f"rs9 A/GT 1 10 {FIELDS} AA GG"], "line 4, must have alleles of one letter"),
        ([*HAPMAP, f"rs9 A/G 1 x {FIELDS} AA GG"], "line 4, has the position 'x'"),
        ([*HAPMAP, f"rs9 A/G 1 10 {FIELDS} AA CC"], "line 4, has the genotype CC in column 13"),
        (
            [*HAPMAP, f"rs9 A/G 1 10 {FIELDS} AA G"],
            "line 4, must have genotypes that are all",
        ),
    ],
)
def test_broken_hapmap_files(tmp_path, lines, message):
    with pytest.raises(ValueError, match=message) as caught:
        read_hapmap(write_lines(tmp_path / "broken.hmp.txt", lines))
    assert "broken.hmp.txt" in str(caught.value)


def test_compressed_text(tmp_path):
    for write, name in ((write_raw, "a.raw"), (write_lines, "b.hmp.txt")):
        given = (DOSAGES, IDS, variants_of(30))
        path = write(tmp_path / name, *(given if write is write_raw else [hapmap_lines(*given)]))
        copy = path.with_name(f"{name}.gz")
        copy.write_bytes(gzip.compress(path.read_bytes()))
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert_array_equal(read_genotypes(copy).genotypes, DOSAGES)


def test_a_vcf_without_dosages_says_so(tmp_path):
    path = write_format("vcf", tmp_path, DOSAGES[:, :2], IDS, variants_of(2))
    with pytest.raises(ValueError, match=r"has no dosages \(DS\)"):
        read_genotypes(path, dosages=True)
