"""SNPs near a feature of the genome: masks from positions."""

from numbers import Real

import numpy as np
import pandas as pd
from scipy.sparse import csc_array, get_index_dtype

from sknnmm.common.messages import some
from sknnmm.inputs.chromosomes import chromosome_codes
from sknnmm.inputs.tables import as_doubles, refuse_infinite

_COLUMNS = {
    "chromosome": {"chromosome", "chrom", "chr"},
    "position": {"position", "pos", "bp"},
    "start": {"start"},
    "end": {"end"},
}


def cis_mask(snp_positions: pd.DataFrame, omic_positions: pd.DataFrame, window: float) -> csc_array:
    """Connect each omic to the SNPs near its gene, protein or other feature.

    A SNP is connected if it is on the chromosome of the feature and
    ``start - window <= position <= end + window``, both ends included.

    Parameters
    ----------
    snp_positions : DataFrame of n_snps rows
        Columns chromosome (or chrom, chr) and position (or pos, bp), in upper or lower case; other
        columns are ignored. Rows in the order of the columns of X.
    omic_positions : DataFrame of n_omics rows
        Columns chromosome and either position, or start and end; which of them is larger does not
        matter, so features of both strands are given alike. Rows in the order of the omics.
    window : float
        Distance from either end of the feature, in the unit of the positions; 0 or more,
        ``np.inf`` for the whole chromosome.

    Returns
    -------
    csc_array of bool of shape (n_snps, n_omics)
        A `mask` for `NNMMRegressor`, with sorted indices. A column without SNPs is no error here:
        `NNMMRegressor.fit` names such omics.

    Raises
    ------
    TypeError
        If a table is not a DataFrame.
    ValueError
        If columns are missing or ambiguous, positions not numbers, or `window` negative; also if
        the tables have no chromosome in common.

    Warns
    -----
    UserWarning
        If chromosomes 23 to 26 are read as X, Y, XY and MT (see Notes).

    Notes
    -----
    Chromosomes may be numbers, strings or categories. Upper and lower case, leading zeros and a
    beginning "chr", "chrom" or "chromosome" (also as "Chr_1" or "chr 1") make no difference: 1,
    1.0, "01" and "chr1" are the same, and so are "1A" and "Chr 01A", or "M", "MT" and
    "mitochondrion". Other names, as of scaffolds, must be the same in both tables.

    PLINK's numbers 23 to 26 of human chromosomes are "X", "Y", "XY" and "MT", but other species
    have autosomes of these numbers (cattle, sheep, chickens). They are read as those letters, with
    a warning, if one table has such numbers without such letters and the other has such letters
    without such numbers; never if either table has a number above 26, "Z", "W" or a name like "2L".

    SNPs and features with a missing position or chromosome (also 0, "Un", "NA" and ".") are
    connected to nothing.

    Examples
    --------
    >>> import pandas as pd
    >>> from sknnmm import cis_mask
    >>> snps = pd.DataFrame(
    ...     {"chromosome": [1, 1, 1, 2], "position": [100, 5000, 9000, 100]},
    ...     index=["rs1", "rs2", "rs3", "rs4"],
    ... )
    >>> genes = pd.DataFrame(
    ...     {"chromosome": ["chr1", "chr2"], "start": [4000, 50], "end": [8000, 90]},
    ...     index=["GENE1", "GENE2"],
    ... )
    >>> mask = cis_mask(snps, genes, window=1000)
    >>> mask.toarray()
    array([[False, False],
           [ True, False],
           [ True, False],
           [False,  True]])

    By position, as here, a mask must have one row per SNP that the estimator sees. If a step of a
    Pipeline selects SNPs before, give it their names; it stays sparse:

    >>> by_name = pd.DataFrame.sparse.from_spmatrix(mask, index=snps.index, columns=genes.index)
    >>> print(by_name.astype(int))
         GENE1  GENE2
    rs1      0      0
    rs2      1      0
    rs3      1      0
    rs4      0      1
    """
    if not isinstance(window, Real) or isinstance(window, bool) or not window >= 0:
        raise ValueError(f"window must be a number, 0 or more, in base pairs; got {window!r}.")
    snps = _read(snp_positions, "snp_positions", intervals=False)
    omics = _read(omic_positions, "omic_positions", intervals=True)
    snp_chromosomes, omic_chromosomes = _chromosome_codes(snps, omics)
    snp_chromosomes[np.isnan(snps["start"])] = -1
    omic_chromosomes[np.isnan(omics["start"])] = -1

    # SNPs in the order of the genome: those near a feature are order[first : first + count].
    order = np.lexsort([snps["start"], snp_chromosomes])
    positions = snps["start"][order]
    features = np.argsort(omic_chromosomes, kind="stable")
    codes = np.arange(max(snp_chromosomes.max(initial=-1), 0) + 2)
    snp_bounds = np.searchsorted(snp_chromosomes[order], codes)
    feature_bounds = np.searchsorted(omic_chromosomes[features], codes)
    first, last = np.zeros((2, len(features)), dtype=np.int64)
    for code in codes[:-1]:
        here = features[feature_bounds[code] : feature_bounds[code + 1]]
        offset = snp_bounds[code]
        of_chromosome = positions[offset : snp_bounds[code + 1]]
        lowest, highest = omics["start"][here] - window, omics["end"][here] + window
        first[here] = offset + np.searchsorted(of_chromosome, lowest, "left")
        last[here] = offset + np.searchsorted(of_chromosome, highest, "right")

    counts = last - first
    indptr = np.concatenate([[0], np.cumsum(counts)])
    indices = order[np.arange(indptr[-1]) + np.repeat(first - indptr[:-1], counts)]
    narrow = get_index_dtype(maxval=max(len(order), len(indices)))
    mask = csc_array(
        (np.ones(len(indices), bool), indices.astype(narrow), indptr.astype(narrow)),
        shape=(len(order), len(features)),
    )
    mask.sort_indices()
    return mask


def _read(table, argument, *, intervals):
    """Return chromosome, start and end of every row; start = end for a position."""
    if not isinstance(table, pd.DataFrame):
        raise TypeError(
            f"{argument} must be a DataFrame with columns chromosome and position; got "
            f"{type(table).__name__}."
        )
    columns = {role: _column(table, role, argument) for role in _COLUMNS}
    has_interval = intervals and not (columns["start"] is None and columns["end"] is None)
    if has_interval and columns["position"] is not None:
        raise ValueError(
            f"{argument} has a position as well as start or end; keep one or the other."
        )
    needed = ["chromosome", *(("start", "end") if has_interval else ("position",))]
    missing = [role for role in needed if columns[role] is None]
    if missing:
        either = " or start and end" if intervals and missing[-1] == "position" else ""
        raise ValueError(
            f"{argument} has no column {' and no column '.join(missing)}{either}; its columns are "
            f"{', '.join(map(str, table.columns))}."
        )
    ends = [_numbers(columns[role], f"{argument}[{role!r}]") for role in needed[1:]]
    return {
        "chromosome": columns["chromosome"],
        "start": np.minimum(ends[0], ends[-1]),
        "end": np.maximum(ends[0], ends[-1]),
    }


def _column(table, role, argument):
    found = [k for k, name in enumerate(table.columns) if _plain(name) in _COLUMNS[role]]
    if len(found) > 1:
        names = ", ".join(str(table.columns[k]) for k in found)
        raise ValueError(f"{argument} has several columns for {role}: {names}. Keep one.")
    return table.iloc[:, found[0]] if found else None


def _plain(name):
    return str(name).lstrip("#").lower()  # VCF and PLINK 2 headers begin with #CHROM


def _numbers(column, what):
    numbers = as_doubles(column, what)
    refuse_infinite(numbers, what)
    return numbers


def _chromosome_codes(snps, omics):
    """Return integer codes of the chromosomes of both tables, -1 for missing ones."""
    names = [table["chromosome"] for table in (snps, omics)]
    codes = chromosome_codes(*names)
    if all(map(len, codes)) and not set(codes[0]) & set(codes[1]) - {-1}:
        shown = [some(column.dropna().unique()) or "none" for column in names]
        tables = ("snp_positions", "omic_positions")
        unplaced = [
            f"{table} ({what})"
            for table, what, own in zip(tables, shown, codes, strict=True)
            if (own < 0).all()
        ]
        if unplaced:
            raise ValueError(
                f"All chromosomes of {' and '.join(unplaced)} are missing or unplaced, so no SNP "
                "is near any feature. Fill in the chromosomes."
            )
        raise ValueError(
            "snp_positions and omic_positions have no chromosome in common. snp_positions: "
            f"{shown[0]}; omic_positions: {shown[1]}. Write them alike in both."
        )
    return codes
