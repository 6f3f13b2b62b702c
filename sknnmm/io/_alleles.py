"""Alleles of the same SNPs in two files: which one is counted, read from which strand."""

import numpy as np
import pandas as pd

ALLELES = ["counted_allele", "other_allele"]
UNKNOWN = {"", "0", ".", "NA", "NAN", "NONE", "<NA>"}
COMPLEMENT = str.maketrans("ACGT", "TGCA")


def compare_alleles(ours, theirs):
    """Return the finding for each SNP of two tables of the same rows (m,)."""
    pairs, complements = _codes([table[name] for table in (ours, theirs) for name in ALLELES])
    ours, other_strand, theirs = pairs[:, :2], complements[:, :2], pairs[:, 2:]
    same, swapped = _agree(ours, theirs), _agree(ours[:, ::-1], theirs)
    strand, strand_swapped = _agree(other_strand, theirs), _agree(other_strand[:, ::-1], theirs)
    unknown = (pairs < 0).any(axis=1)
    # Of one allele each, complements may be one allele on two strands, or the two of A/T or C/G.
    one_each = ((ours >= 0).sum(axis=1) == 1) & ((theirs >= 0).sum(axis=1) == 1)
    return np.select(
        [
            same & swapped,  # the same allele twice
            same & strand_swapped,
            swapped & strand,
            same,
            swapped,
            strand_swapped & one_each,  # on the same strand, the two count the same
            strand & one_each,
            strand,
            strand_swapped,
            unknown,
        ],
        [
            "unknown alleles",
            "ambiguous strand",
            "ambiguous strand, swapped alleles",
            "same alleles",
            "swapped alleles",
            "ambiguous strand",
            "ambiguous strand, swapped alleles",
            "other strand",
            "other strand, swapped alleles",
            "unknown alleles",
        ],
        "other alleles",
    ).astype(object)


def _codes(columns):
    """Return codes of alleles and of their complements (m, number of columns), -1 = unknown.

    The complement of an allele that occurs nowhere has a code that no other has.
    """
    raw, distinct = pd.factorize(pd.concat(columns).astype(object))
    texts = [str(allele).strip().upper() for allele in distinct]
    known = sorted(set(texts) - UNKNOWN)
    code = {text: k for k, text in enumerate(known)}
    code_of_raw = np.array([*(code.get(text, -1) for text in texts), -1])
    complement = [code.get(_other_strand(text), len(known) + k) for k, text in enumerate(known)]
    codes = code_of_raw[raw].reshape(len(columns), -1).T
    return codes, np.array([*complement, -1])[codes]


def _other_strand(allele):
    return allele.translate(COMPLEMENT)[::-1] if set(allele) <= set("ACGT") else None


def _agree(alleles, reference):
    """Return where the alleles known to both agree, at least one of them (m,)."""
    both = (alleles >= 0) & (reference >= 0)
    return both.any(axis=1) & (~both | (alleles == reference)).all(axis=1)
