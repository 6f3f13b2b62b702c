"""SNPs near a feature of the genome: masks from positions."""

from numbers import Real

import numpy as np
import pandas as pd
from scipy.sparse import csc_array, get_index_dtype

from sknnmm.inputs.positions import chromosomes_of_both, read_positions


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
    snps = read_positions(snp_positions, "snp_positions", intervals=False)
    omics = read_positions(omic_positions, "omic_positions", intervals=True)
    snp_chromosomes, omic_chromosomes = chromosomes_of_both(
        snps, omics, "snp_positions", "omic_positions"
    )
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
