"""Masks from positions: both ends of a window, every way to name a chromosome, clear errors."""

import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from scipy import sparse

from sknnmm import cis_mask
from sknnmm.inputs.masks import resolve_mask


def snps_at(positions, chromosome=1):
    return pd.DataFrame({"chromosome": chromosome, "position": positions})


def features(start, end, chromosome=1):
    return pd.DataFrame({"chromosome": chromosome, "start": start, "end": end})


def connected(*args):
    mask = cis_mask(*args)
    assert type(mask) is sparse.csc_array
    assert mask.dtype == bool and mask.data.all()
    assert mask.indices.dtype == mask.indptr.dtype == np.int32
    assert mask.has_canonical_format
    return mask.toarray()


@pytest.mark.parametrize(("start", "end"), [(1000, 2000), (2000, 1000)])
@pytest.mark.parametrize(("window", "low", "high"), [(0, 1000, 2000), (100, 900, 2100)])
def test_both_ends_are_included(start, end, window, low, high):
    positions = [low - 1, low, low + 1, 1500, high - 1, high, high + 1]
    expected = [[False], [True], [True], [True], [True], [True], [False]]
    assert_array_equal(connected(snps_at(positions), features([start], [end]), window), expected)


def test_position_is_a_feature_of_one_base():
    genes = pd.DataFrame({"chr": [1], "pos": [500]})
    expected = [[False], [True], [True], [True], [False]]
    assert_array_equal(connected(snps_at([489, 490, 500, 510, 511]), genes, 10), expected)


def test_ends_far_out_on_a_chromosome_are_exact():
    far = 3_000_000_001  # float32 and int32 would blur it
    expected = [[False], [True], [True], [False]]
    snps = snps_at([far - 11, far - 10, far + 12, far + 13])
    assert_array_equal(connected(snps, features([far], [far + 2]), 10), expected)


def test_infinite_window_is_the_whole_chromosome():
    genes = features([5, 7], [6, 8], [1, 2])
    assert_array_equal(
        connected(snps_at([1, 10**9, 3], [1, 1, 2]), genes, np.inf),
        [[True, False], [True, False], [False, True]],
    )


def brute_force(snps, genes, window):
    position = snps["position"].to_numpy()[:, None]
    low = np.minimum(genes["start"], genes["end"]).to_numpy() - window
    high = np.maximum(genes["start"], genes["end"]).to_numpy() + window
    same = snps["chromosome"].to_numpy()[:, None] == genes["chromosome"].to_numpy()
    return same & (low <= position) & (position <= high)


@pytest.mark.parametrize("window", [0, 2, 25])
def test_every_pair(window):
    # Few positions, so that SNPs share them and many fall on an end; chromosome 4 has no feature
    # and chromosome 5 no SNP.
    rng = np.random.default_rng(8)
    snps = snps_at(rng.integers(0, 60, 300), rng.integers(1, 5, 300))
    genes = features(rng.integers(0, 60, 80), rng.integers(0, 60, 80), rng.choice([1, 2, 3, 5], 80))
    snps.loc[rng.random(300) < 0.1, "position"] = np.nan
    snps.loc[rng.random(300) < 0.1, "chromosome"] = np.nan
    genes.loc[rng.random(80) < 0.1, "start"] = np.nan
    genes.loc[rng.random(80) < 0.1, "chromosome"] = np.nan
    expected = brute_force(snps, genes, window)
    assert expected.any() and expected.any(axis=0).sum() < 80
    assert_array_equal(connected(snps, genes, window), expected)


def test_rows_keep_their_order_whatever_the_index():
    rng = np.random.default_rng(9)
    snps = snps_at(rng.integers(0, 99, 20)).set_axis(rng.permutation(20))
    genes = features(rng.integers(0, 99, 9), rng.integers(0, 99, 9)).set_axis([3] * 9)
    expected = brute_force(snps, genes, 5)
    assert_array_equal(connected(snps, genes, 5), expected)
    rows, columns = rng.permutation(20), rng.permutation(9)
    shuffled = connected(snps.iloc[rows], genes.iloc[columns], 5)
    assert_array_equal(shuffled, expected[np.ix_(rows, columns)])


SAME_CHROMOSOMES = {
    "integers": [1, 2, 10],
    "floats": [1.0, 2.0, 10.0],
    "narrow floats": np.array([1, 2, 10], dtype=np.float32),
    "strings": ["1", "2", "10"],
    "prefixed": ["chr1", "Chr2", "CHR10"],
    "padded": ["01", "chr02", " 10 "],
    "separated": ["Chr_1", "chr 2", "CHR-10"],
    "long": ["chromosome1", "Chromosome 2", "CHROM10"],
    "long and padded": ["chrom_01", "Chr.02", "chromosome:010"],
    "strings of floats": ["1.0", "2.0", "10.0"],
    "mixed": [1, "chr2", 10.0],
    "categories": pd.Categorical(["1", "2", "10"], categories=["10", "2", "1", "X"]),
    "categories of integers": pd.Categorical([1, 2, 10]),
    "nullable": pd.array([1, 2, 10], dtype="Int64"),
    "nullable strings": pd.array(["1", "2", "chr10"], dtype="string"),
}


@pytest.mark.parametrize("of_snps", SAME_CHROMOSOMES.values(), ids=SAME_CHROMOSOMES)
@pytest.mark.parametrize("of_genes", SAME_CHROMOSOMES.values(), ids=SAME_CHROMOSOMES)
def test_names_of_the_same_chromosomes(of_snps, of_genes):
    mask = connected(snps_at([5, 5, 5], of_snps), features([1] * 3, [9] * 3, of_genes), 0)
    assert_array_equal(mask, np.eye(3))


def test_chromosomes_with_letters():
    snps = snps_at([5] * 7, ["X", "chrx", "Y", "MT", "chrmt", "2L", "LG2"])
    genes = features([1] * 6, [9] * 6, ["x", "chrY", "mt", "2l", "2", "chr"])
    expected = np.zeros((7, 6), bool)
    expected[[0, 1, 2, 3, 4, 5], [0, 0, 1, 2, 2, 3]] = True
    assert_array_equal(connected(snps, genes, 0), expected)


def shared(of_snps, of_genes):
    """Return which of the chromosomes are the same."""
    snps = snps_at([5] * len(of_snps), of_snps)
    return connected(snps, features([1] * len(of_genes), [9] * len(of_genes), of_genes), 0)


AS_HUMAN = "Chromosomes 23 to 26 of one table were read as X, Y, XY and MT"
LETTERS = ["22", "X", "Y", "XY", "MT"]
NUMBERS = [22, 23, 24, 25, 26]


@pytest.mark.parametrize(
    "of_genes",
    [
        LETTERS,
        ["chr22", "chrX", "chrY", "chrXY", "chrM"],
        [22.0, "x"],
    ],
)
def test_numbers_of_plink_are_letters(of_genes):
    same = np.eye(5)[:, : len(of_genes)]
    for tables, expected in (((NUMBERS, of_genes), same), ((of_genes, NUMBERS), same.T)):
        with pytest.warns(UserWarning, match=AS_HUMAN) as warned:
            assert_array_equal(shared(*tables), expected)
        assert [w.filename for w in warned] == [__file__]
    with warnings.catch_warnings(action="error"):
        assert_array_equal(shared(LETTERS, of_genes), same)
        assert_array_equal(shared(NUMBERS, NUMBERS), np.eye(5))


@pytest.mark.parametrize(
    ("of_snps", "of_genes"),
    [
        ([1, 23, 29], [1, "X"]),  # cattle: an autosome above 26 in one table
        ([1, 23], [1, "X", "chr27"]),
        ([1, 23], [1, 23, "X"]),  # sheep: both in one table
        ([1, 26], [1, 23, "MT"]),
        ([1, "X", 24], [1, 23]),
        ([1, 25, 26], ["MT", "Z", 1]),  # birds
        ([1, 26, "W"], ["MT", 1]),
        ([1, 23, "4A"], ["1", "X"]),
        ([*range(1, 27), "X"], ["X", "MT", 26]),  # sheep
        ([1, 26], [1, 2]),
    ],
)
def test_numbers_of_autosomes_stay_numbers(of_snps, of_genes):
    expected = [[str(a) == str(b) for b in of_genes] for a in of_snps]
    with warnings.catch_warnings(action="error"):
        assert_array_equal(shared(of_snps, of_genes), expected)
        assert_array_equal(shared(of_genes, of_snps), np.transpose(expected))


@pytest.mark.parametrize(
    ("spellings", "name"),
    [
        (["M", "chrM", "mito", "mitochondria", "MtDNA", "Mitochondrion"], "MT"),
        (["01A", "chr1A", "Chr 01A", "chr_001a"], "1A"),
        (["02L", "Chr2l"], "2L"),
    ],
)
def test_spellings_of_one_chromosome(spellings, name):
    assert_array_equal(shared(spellings, [name, "1"]), [[True, False]] * len(spellings))


@pytest.mark.parametrize(
    "names",
    [["2L", "2R", "2"], ["1A", "1B", "1D", "7D"], ["LG1", "1", "HiC_scaffold_1", "Un_1"]],
)
def test_other_names_stay_themselves(names):
    assert_array_equal(shared(names, [f"chr{name}" for name in names]), np.eye(len(names)))


def test_no_shared_chromosome_is_an_error():
    with pytest.raises(
        ValueError, match=r"snp_positions: 1, 2; omic_positions: NC_01, LG2\. Write"
    ):
        shared([1, 2], ["NC_01", "LG2"])


@pytest.mark.parametrize(
    ("of_snps", "of_genes", "named"),
    [
        ([0, 0], ["0"], r"snp_positions \(0\) and omic_positions \(0\)"),
        (["0", None], ["1"], r"snp_positions \(0\)"),
        ([1], [None], r"omic_positions \(none\)"),
    ],
)
def test_only_unplaced_chromosomes_are_an_error(of_snps, of_genes, named):
    with pytest.raises(ValueError, match=f"All chromosomes of {named} are missing or unplaced"):
        shared(of_snps, of_genes)


@pytest.mark.parametrize(
    "missing",
    [None, np.nan, pd.NA, "", "chr", 0, 0.0, "0", "00", "chr0", "Un", "chrUn", "chr_Un", ".", "NA"],
)
def test_missing_chromosomes_are_not_the_same(missing):
    chromosomes = np.array(["1", missing], dtype=object)
    mask = connected(snps_at([5, 5], chromosomes), features([1] * 2, [9] * 2, chromosomes), 9)
    assert_array_equal(mask, [[True, False], [False, False]])


def test_missing_positions_are_connected_to_nothing():
    snps = snps_at(pd.array([5, None, 5], dtype="Int64"))
    genes = features([1, None, 1, None], [9, 9, None, None])
    expected = np.zeros((3, 4), bool)
    expected[[0, 2], 0] = True
    assert_array_equal(connected(snps, genes, np.inf), expected)


def test_nothing_is_near():
    snps, genes = snps_at([1, 2]), features([100, 3], [200, 4])
    assert_array_equal(connected(snps, genes, 1), [[False, False], [False, True]])
    assert_array_equal(connected(snps.assign(position=np.nan), genes, 1), np.zeros((2, 2)))
    assert connected(snps.iloc[:0], genes, 1).shape == (0, 2)
    assert connected(snps, genes.iloc[:0], 1).shape == (2, 0)


@pytest.mark.parametrize(
    ("of_snps", "of_genes"),
    [
        (["chrom", "bp"], ["CHR", "Start", "END"]),
        (["#CHROM", "POS"], ["Chromosome", "start", "end"]),
        (["Chr", "Position"], ["chrom", "START", "End"]),
    ],
)
def test_aliases_of_columns(of_snps, of_genes):
    snps = pd.DataFrame([[1, 10], [2, 10]], columns=of_snps).assign(maf=0.1, start=0)
    genes = pd.DataFrame([[2, 10, 12]], columns=of_genes).assign(strand="-")
    expected = [[False], [True]]
    assert_array_equal(connected(snps, genes, 0), expected)
    assert_array_equal(connected(snps[snps.columns[::-1]], genes[genes.columns[::-1]], 0), expected)


SNP, GENE = snps_at([5]), features([1], [9])
INVALID = {
    "window negative": ((SNP, GENE, -1), ValueError, "window must be a number, 0 .* got -1"),
    "window NaN": ((SNP, GENE, np.nan), ValueError, "window must .* got nan"),
    "window text": ((SNP, GENE, "1Mb"), ValueError, "window must .* got '1Mb'"),
    "window None": ((SNP, GENE, None), ValueError, "window must .* got None"),
    "window boolean": ((SNP, GENE, True), ValueError, "window must .* got True"),
    "SNPs array": ((SNP.to_numpy(), GENE, 0), TypeError, "snp_positions must be a DataFrame"),
    "omics mapping": ((SNP, dict(GENE), 0), TypeError, "omic_positions must .* got dict"),
    "no chromosome": (
        (SNP.rename(columns={"chromosome": "contig"}), GENE, 0),
        ValueError,
        "snp_positions has no column chromosome; its columns are contig, position",
    ),
    "no position": (
        (GENE, GENE, 0),
        ValueError,
        "snp_positions has no column position; its columns are chromosome, start, end",
    ),
    "nothing": ((SNP[[]], GENE, 0), ValueError, "no column chromosome and no column position;"),
    "no interval": (
        (SNP, GENE[["chromosome"]], 0),
        ValueError,
        "omic_positions has no column position or start and end; its columns are chromosome",
    ),
    "no end": ((SNP, GENE.drop(columns="end"), 0), ValueError, "omic_positions has no column end;"),
    "no start": ((SNP, GENE.drop(columns="start"), 0), ValueError, "has no column start;"),
    "two positions": (
        (SNP.assign(BP=1), GENE, 0),
        ValueError,
        "snp_positions has several columns for position: position, BP. Keep one",
    ),
    "two chromosomes": (
        (SNP, GENE.assign(chr=1), 0),
        ValueError,
        "omic_positions has several columns for chromosome: chromosome, chr",
    ),
    "same name twice": (
        (SNP.set_axis(["chr", "chr"], axis=1).assign(pos=1), GENE, 0),
        ValueError,
        "several columns for chromosome: chr, chr",
    ),
    "position and interval": (
        (SNP, GENE.assign(pos=3), 0),
        ValueError,
        "omic_positions has a position as well as start or end; keep one or the other",
    ),
    "position text": (
        (snps_at(["1,000"]), GENE, 0),
        ValueError,
        r"snp_positions\['position'\] must be numeric",
    ),
    "end text": ((SNP, features([1], ["q12"]), 0), ValueError, r"omic_positions\['end'\] must be"),
    "infinite": (
        (SNP, features([-np.inf], [9]), 0),
        ValueError,
        r"omic_positions\['start'\] contains infinity; use NaN",
    ),
}


@pytest.mark.parametrize(("args", "error", "message"), INVALID.values(), ids=INVALID)
def test_invalid_positions(args, error, message):
    with pytest.raises(error, match=message):
        cis_mask(*args)


def test_as_a_mask_by_position_and_by_name():
    snps = snps_at([5, 50, 500, 7]).set_axis(["rs1", "rs2", "rs3", "rs4"])
    genes = features([1, 40], [9, 60]).set_axis(["g1", "g2"])
    mask = cis_mask(snps, genes, 0)
    expected = [[True, False], [False, True], [False, False], [True, False]]
    assert_array_equal(resolve_mask(mask, snps.index, genes.index, 0).toarray(), expected)
    by_name = pd.DataFrame.sparse.from_spmatrix(mask, index=snps.index, columns=genes.index)
    kept = np.array(["rs4", "rs2", "rs1"])
    with pytest.warns(UserWarning, match=r"mask names 1 SNP not in X \(rs3\)"):
        resolved = resolve_mask(by_name, kept, np.array(["g2", "g1"]), 0)
    assert_array_equal(resolved.toarray(), [[False, True], [True, False], [False, True]])
