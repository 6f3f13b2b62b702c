"""Time and peak memory of reading the same genotypes from files of every format.

Each file is written to a temporary folder and read in a process of its own. From the root of the
repository, on Linux, with the extras bgen, io, pgen and vcf::

    python -m benchmarks.bench_formats                     # 100,000 variants, 2,000 individuals
    python -m benchmarks.bench_formats --formats vcf bgen
    python -m benchmarks.bench_formats --quick             # small data: to see that it runs
"""

import argparse
import gzip
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from time import process_time

import numpy as np

from benchmarks.bench_memory import memory_status, simulated_blocks, write_bed
from benchmarks.reporting import as_table, describe_machine
from sknnmm.genotypes.quality import snp_quality
from sknnmm.io import read_genotypes

MB = 1e6
FIRST_OF_VCF = "#CHROM POS ID REF ALT QUAL FILTER INFO FORMAT"
FIRST_OF_HAPMAP = (
    "rs# alleles chrom pos strand assembly# center protLSID assayLSID panelLSID QCcode"
)
VCF_HEADER = (
    "##fileformat=VCFv4.3\n##contig=<ID=1>\n"
    '##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">\n'
)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--formats", nargs="+", choices=WRITERS, default=list(WRITERS))
    parser.add_argument("--variants", type=int, default=100_000)
    parser.add_argument("--samples", type=int, default=2000)
    parser.add_argument("--folder", default=None, help="for the files")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--read", help=argparse.SUPPRESS)  # what a process of its own is to read
    options = parser.parse_args()
    if options.read:
        print(json.dumps(measure(options.read)))
        return
    n, p = (200, 2000) if options.quick else (options.samples, options.variants)
    print(f"{describe_machine()}\n\n{p} variants, {n} individuals:\n")
    rows = [["", "file", "genotypes", "CPU seconds", "peak memory", "beyond before and genotypes"]]
    for name in options.formats:
        with tempfile.TemporaryDirectory(dir=options.folder) as folder:
            path = Path(folder) / name
            WRITERS[name](path, n, p)
            size = path.stat().st_size
            measured = in_own_process(path)
        row = [f"{size / MB:.0f} MB", f"{measured['genotypes'] / MB:.0f} MB"]
        row += [f"{measured['seconds']:.1f}", f"{measured['peak'] / MB:.0f} MB"]
        rows.append([name.partition(".")[2], *row, f"{measured['beyond'] / MB:.0f} MB"])
    print(as_table(rows))


def in_own_process(path):
    command = [sys.executable, "-m", "benchmarks.bench_formats", "--read", str(path)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def measure(path):
    """Read a file; return CPU seconds and bytes: of the genotypes and of memory at its peak.

    "beyond" is what the peak exceeds the memory before reading and the genotypes by. It has the
    tables of variants, the library of the format, and blocks.
    """
    for dtype in (np.int8, np.float32):
        snp_quality(np.zeros((1, 1), dtype))  # loads compiled code
    before, started = memory_status("VmHWM"), process_time()
    genotypes = read_genotypes(path).genotypes.to_numpy()
    seconds, peak = process_time() - started, memory_status("VmHWM")
    beyond = peak - before - genotypes.nbytes
    return {"seconds": seconds, "genotypes": genotypes.nbytes, "peak": peak, "beyond": beyond}


# Writing ----------------------------------------------------------------------------------------


def write_vcf(path, n, p):
    with path.open("w") as file:
        write_vcf_lines(file, n, p)


def write_vcf_gz(path, n, p):
    with gzip.open(path, "wt", compresslevel=1) as file:
        write_vcf_lines(file, n, p)


def write_vcf_lines(file, n, p):
    names = " ".join(f"i{i}" for i in range(n))
    file.write(VCF_HEADER + f"{FIRST_OF_VCF} {names}\n".replace(" ", "\t"))
    codes = np.array(["0/0\t", "0/1\t", "1/1\t"])
    for j, column in enumerate(simulated_variants(n, p)):
        file.write(f"1\t{j + 1}\trs{j}\tG\tA\t.\t.\t.\tGT\t{''.join(codes[column])[:-1]}\n")


def write_bcf(path, n, p):
    from cyvcf2 import VCF, Writer

    text = path.with_suffix(".vcf")
    write_vcf(text, n, p)
    source = VCF(str(text))
    writer = Writer(str(path), source, "wb")
    for variant in source:
        writer.write_record(variant)
    writer.close()
    text.unlink()


def write_pgen(path, n, p):
    from pgenlib import PgenWriter

    writer = PgenWriter(str(path).encode(), n, variant_ct=p, nonref_flags=False)
    for block in simulated_blocks(n, p):
        writer.append_biallelic_batch(block)
    writer.close()
    with path.with_suffix(".pvar").open("w") as file:
        file.write("#CHROM\tPOS\tID\tREF\tALT\n")
        file.writelines(f"1\t{j + 1}\trs{j}\tG\tA\n" for j in range(p))
    path.with_suffix(".psam").write_text("#IID\n" + "".join(f"i{i}\n" for i in range(n)))


def write_bgen(path, n, p):
    from bgen import BgenWriter

    with BgenWriter(str(path), n, samples=[f"i{i}" for i in range(n)], compression="zlib") as file:
        for j, column in enumerate(simulated_variants(n, p)):
            file.add_variant("", f"rs{j}", "1", j + 1, ["G", "A"], np.eye(3)[column])


def write_raw(path, n, p):
    genotypes = np.concatenate(list(simulated_blocks(n, p)))
    with path.open("w") as file:
        names = " ".join(f"rs{j}_A" for j in range(p))
        file.write(f"FID IID PAT MAT SEX PHENOTYPE {names}\n")
        for i in range(n):
            text = np.full(2 * p, ord(" "), np.uint8)
            text[::2] = genotypes[:, i] + ord("0")
            file.write(f"0 i{i} 0 0 0 -9 {text.tobytes().decode().rstrip()}\n")


def write_hapmap(path, n, p):
    codes = np.array(["GG\t", "AG\t", "AA\t"])
    with path.open("w") as file:
        names = " ".join(f"i{i}" for i in range(n))
        file.write(f"{FIRST_OF_HAPMAP} {names}\n".replace(" ", "\t"))
        for j, column in enumerate(simulated_variants(n, p)):
            first = f"rs{j} G/A 1 {j + 1} + NA NA NA NA NA NA ".replace(" ", "\t")
            file.write(f"{first}{''.join(codes[column])[:-1]}\n")


def simulated_variants(n, p):
    """Yield the genotypes (n,) of each variant."""
    for block in simulated_blocks(n, p):
        yield from block


WRITERS = {
    "herd.bed": write_bed,
    "herd.pgen": write_pgen,
    "herd.bgen": write_bgen,
    "herd.bcf": write_bcf,
    "herd.vcf.gz": write_vcf_gz,
    "herd.vcf": write_vcf,
    "herd.raw": write_raw,
    "herd.hmp.txt": write_hapmap,
}

if __name__ == "__main__":
    main()
