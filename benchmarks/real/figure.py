"""The figure of the accuracies: ``python -m benchmarks.real.figure SCORES FILE.png``.

SCORES is the folder that ``python -m benchmarks.bench_real --scores SCORES`` has filled.
"""

import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from benchmarks.real.cases import MAIZE_TRAITS
from benchmarks.real.competitors import GENOTYPES, OWN_OMICS

SHOWN = {  # method, what is known -> label, marker, colour
    ("GBLUP", GENOTYPES): ("GBLUP", "s", "0.55"),
    ("ours: RR-BLUP, weights RR-BLUP", GENOTYPES): ("network, genotypes only", "o", "C0"),
    ("two-kernel BLUP", OWN_OMICS): ("two-kernel BLUP, own omics", "s", "0.15"),
    ("stacking", OWN_OMICS): ("stacking, own omics", "^", "C1"),
    ("ours: RR-BLUP, weights RR-BLUP", OWN_OMICS): ("network, own omics", "o", "C2"),
}


def main():
    folder, path = sys.argv[1:]
    tables = [pd.read_csv(Path(folder) / f"{part}.csv") for part in ("maize", "wheat", "mice")]
    draw(pd.concat(tables), path)


def draw(scored, path):
    """Save the accuracies in each case, mean and standard error over folds."""
    by_case = scored.groupby(["case", "method", "known"], sort=False)["accuracy"]
    mean, se = by_case.mean(), by_case.sem()
    cases = [case for case in scored["case"].unique() if (case, *list(SHOWN)[-1]) in mean.index]
    figure, ax = plt.subplots(figsize=(1.5 * len(cases) + 2, 4.2))
    shifts = np.linspace(-0.28, 0.28, len(SHOWN))
    for ((method, known), (label, marker, colour)), shift in zip(
        SHOWN.items(), shifts, strict=True
    ):
        keys = [(case, method, known) for case in cases]
        ax.errorbar(
            np.arange(len(cases)) + shift,
            mean.reindex(keys),
            yerr=se.reindex(keys),
            fmt=marker,
            color=colour,
            label=label,
        )
    ax.set_xticks(
        range(len(cases)), [f"maize, {case}" if case in MAIZE_TRAITS else case for case in cases]
    )
    ax.set_xlabel("phenotype")
    ax.set_ylabel("correlation with the phenotype of new families\n(mean ± SE over folds)")
    ax.grid(axis="y", color="0.92")
    ax.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="upper center", ncols=3, frameon=False)
    figure.tight_layout(rect=(0, 0, 1, 0.87))
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    main()
