"""The same genotypes in files of every format: dosages (n, p), negative = missing."""

import numpy as np
import pandas as pd
from bed_reader import to_bed
from bgen import BgenWriter
from pgenlib import PgenWriter

VCF_HEADER = """\
##fileformat=VCFv4.3
##contig=<ID=1>
##contig=<ID=X>
##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">
##FORMAT=<ID=DS,Number=A,Type=Float,Description="Dosage">
"""
FIRST_OF_VCF = "#CHROM POS ID REF ALT QUAL FILTER INFO FORMAT"
FIRST_OF_HAPMAP = (
    "rs# alleles chrom pos strand assembly# center protLSID assayLSID panelLSID QCcode"
)
FIRST_OF_RAW = "FID IID PAT MAT SEX PHENOTYPE"


def variants_of(p, chromosome="1"):
    """Return a table of p variants in which G is the other and A the counted allele."""
    return pd.DataFrame(
        {
            "chromosome": chromosome,
            "cM": np.nan,
            "position": 1000.0 * np.arange(1, p + 1),
            "counted_allele": "A",
            "other_allele": "G",
        },
        index=pd.Index([f"rs{j}" for j in range(p)], name="snp"),
    )


def write_lines(path, lines):
    """Write lines of fields that are separated by blanks, with tabs."""
    path.write_text("".join(line.replace(" ", "\t") + "\n" for line in lines))
    return path


def vcf_lines(dosages, ids, variants):
    codes = np.array(["0/0", "0/1", "1/1", "./."])
    yield f"{FIRST_OF_VCF} {' '.join(ids)}"
    for (name, v), column in zip(variants.iterrows(), dosages.T, strict=True):
        place = f"{v.chromosome} {v.position:.0f} {name} {v.other_allele} {v.counted_allele}"
        yield f"{place} . . . GT {' '.join(codes[column])}"


def write_vcf(path, lines):
    """Write the lines of a VCF file after its header, the first of them the names of columns."""
    path.write_text(VCF_HEADER + "".join(line.replace(" ", "\t") + "\n" for line in lines))
    return path


def write_bed(prefix, dosages, ids, variants):
    properties = {
        "iid": ids,
        "pheno": [-9] * len(ids),
        "sid": list(variants.index),
        "chromosome": list(variants["chromosome"]),
        "bp_position": variants["position"].astype(int),
        "allele_1": list(variants["counted_allele"]),
        "allele_2": list(variants["other_allele"]),
    }
    to_bed(f"{prefix}.bed", np.where(dosages < 0, -127, dosages).astype(np.int8), properties)
    return prefix.with_suffix(".bed")


def write_pgen(prefix, dosages, ids, variants):
    n, p = dosages.shape
    writer = PgenWriter(f"{prefix}.pgen".encode(), n, variant_ct=p, nonref_flags=False)
    coded = np.where(dosages < 0, -9, dosages).astype(np.int8)
    writer.append_biallelic_batch(np.ascontiguousarray(coded.T))
    writer.close()
    rows = [
        f"{v.chromosome} {v.position:.0f} {name} {v.other_allele} {v.counted_allele}"
        for name, v in variants.iterrows()
    ]
    write_lines(prefix.with_suffix(".pvar"), ["#CHROM POS ID REF ALT", *rows])
    write_lines(prefix.with_suffix(".psam"), ["#IID SEX", *(f"{i} NA" for i in ids)])
    return prefix.with_suffix(".pgen")


def write_bgen(path, dosages, ids, variants, **options):
    """Write certain genotypes, without IDs if they are None; `options` are those of BgenWriter."""
    with BgenWriter(str(path), len(dosages), samples=ids and list(ids), **options) as writer:
        for (name, v), column in zip(variants.iterrows(), dosages.T, strict=True):
            probabilities = np.vstack([np.eye(3), np.full(3, np.nan)])[column]
            alleles = [v.other_allele, v.counted_allele]
            place = ("", name, v.chromosome, int(v.position), alleles)
            writer.add_variant(*place, probabilities)
    return path


def write_raw(path, dosages, ids, variants):
    names = [f"{name}_{v.counted_allele}(/{v.other_allele})" for name, v in variants.iterrows()]
    rows = [
        f"0 {i} 0 0 0 -9 {' '.join('NA' if d < 0 else str(d) for d in row)}"
        for i, row in zip(ids, dosages, strict=True)
    ]
    return write_lines(path, [f"{FIRST_OF_RAW} {' '.join(names)}", *rows])


def hapmap_lines(dosages, ids, variants):
    yield f"{FIRST_OF_HAPMAP} {' '.join(ids)}"
    codes = np.array(["GG", "AG", "AA", "NN"])
    for (name, v), column in zip(variants.iterrows(), dosages.T, strict=True):
        place = f"{name} G/A {v.chromosome} {v.position:.0f}"
        yield f"{place} + NA NA NA NA NA NA {' '.join(codes[column])}"


def write_hapmap(path, dosages, ids, variants):
    return write_lines(path, hapmap_lines(dosages, ids, variants))


def write_format(kind, folder, dosages, ids, variants):
    """Write the genotypes in a format and return the path of the file."""
    given = (dosages, ids, variants)
    if kind == "vcf":
        return write_vcf(folder / "herd.vcf", vcf_lines(*given))
    writers = {
        "bed": (write_bed, "herd"),
        "pgen": (write_pgen, "herd"),
        "bgen": (write_bgen, "herd.bgen"),
        "raw": (write_raw, "herd.raw"),
        "hapmap": (write_hapmap, "herd.hmp.txt"),
    }
    write, name = writers[kind]
    return write(folder / name, *given)
