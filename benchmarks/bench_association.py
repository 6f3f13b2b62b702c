"""Association and mediation: false discoveries and coverage, the mice's HDL, time and memory.

Three parts. `simulated`: genotypes in linkage disequilibrium, with few loci, with many, and with
none; what SNPs, windows and credible sets find, and how much of it is false. `mice`: HDL of the
mice with the other blood traits as omics; the top windows, and which traits mediate them. `cost`:
time and memory of `windows`. One thread. Run from the root of the repository::

    python -m benchmarks.bench_association --data-home DIR      # all of it
    python -m benchmarks.bench_association --parts simulated
    python -m benchmarks.bench_association --quick              # small data, to see that it runs
"""

import argparse
import time
import warnings
from dataclasses import dataclass
from threading import Event, Thread
from types import SimpleNamespace

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.stats import norm

from benchmarks.bench_memory import memory_status
from benchmarks.reporting import as_table, describe_machine
from sknnmm import NNMMRegressor
from sknnmm.association import credible_sets, snp_table, windows
from sknnmm.datasets import fetch_hs_mice
from sknnmm.mediation import omics_table, snp_paths

PARTS = ("simulated", "mice", "cost")
HDL = "Biochem.HDL"
CONTAIN_HDL = ("Biochem.LDL", "Biochem.Tot.Cholesterol")
# 171.2 Mb of build 37. The map of the mice is a genetic one: SNPs whose names carry 166.20 and
# 176.82 Mb are at 82.6 and 94.2 cM.
APOA2 = (1, 88.0)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--data-home", help="where the mice are, or are to be stored")
    parser.add_argument("--simulations", type=int, default=20)
    parser.add_argument("--n-iter", type=int, default=2000, help="a fifth of it burn-in")
    parser.add_argument("--quick", action="store_true", help="small data, to see that it runs")
    options = parser.parse_args()
    if options.quick:
        options.simulations, options.n_iter = 2, 100
    warnings.simplefilter("ignore")  # short chains
    for part in options.parts:
        print(f"\n## {part}\n", flush=True)
        {"simulated": simulated, "mice": mice, "cost": cost}[part](options)
    print(f"\n{describe_machine()}")


def fitted(options, X, y, omics=None, covariates=None, **parameters):
    model = NNMMRegressor(
        n_iter=options.n_iter, burn_in=options.n_iter // 5, random_state=0, **parameters
    )
    return model.fit(X, y, omics=omics, covariates=covariates)


# Simulated ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Genome:
    """Individuals, chromosomes of SNPs 20 kb apart, and correlation of neighbours."""

    n: int = 1000
    chromosomes: int = 10
    snps: int = 100  # of a chromosome
    correlation: float = 0.95

    @property
    def variants(self):
        """Return chromosome and position of every SNP."""
        chromosome, snp = np.divmod(np.arange(self.chromosomes * self.snps), self.snps)
        return pd.DataFrame({"chromosome": chromosome + 1, "position": snp * 20_000.0})

    def draw(self, rng):
        """Return genotypes (n, p): normal variates along the chromosome, cut at frequencies."""
        shape = (2 * self.n, self.chromosomes, self.snps)
        z = rng.standard_normal(shape)
        for j in range(1, self.snps):
            z[..., j] *= np.sqrt(1 - self.correlation**2)
            z[..., j] += self.correlation * z[..., j - 1]
        frequency = rng.uniform(0.1, 0.5, shape[1:])
        alleles = (z < norm.ppf(frequency)).reshape(2, self.n, -1)
        return np.asfortranarray(alleles.sum(axis=0).astype(np.int8))


SCENARIOS = {  # number of loci, their heritability
    "no locus": (0, 0.0),
    "5 loci, h2 0.3": (5, 0.3),
    "20 loci, h2 0.5": (20, 0.5),
    "500 loci, h2 0.5": (500, 0.5),
}


def simulated(options):
    """Print what is found and how much of it is false."""
    genome = Genome(n=200, chromosomes=3, snps=40) if options.quick else Genome()
    rows = [["", "method", "found", "false", "expected", "share false", "loci found"]]
    sizes = []
    for name, (n_loci, h2) in SCENARIOS.items():
        results = []
        for seed in range(options.simulations):
            found, of_sets = one_simulation(genome, n_loci, h2, seed, options)
            results.append(found)
            sizes += [[name, *row] for row in of_sets]
        for method in results[0]:
            found, false, expected, loci = np.sum([r[method] for r in results], axis=0)
            share = f"{false / found:.3f}" if found else ""
            power = f"{loci / (n_loci * options.simulations):.2f}" if n_loci else ""
            rows.append([name, method, f"{found:g}", f"{false:g}", f"{expected:.1f}", share, power])
    print(as_table(rows))
    table = pd.DataFrame(sizes, columns=["scenario", "n_snps", "true"])
    if len(table):
        summary = table.groupby("scenario", sort=False).agg(
            sets=("true", "size"), coverage=("true", "mean"), median_size=("n_snps", "median")
        )
        print(f"\nCredible sets: coverage 0.95 is asked for\n\n{summary.to_string()}")


def one_simulation(genome, n_loci, h2, seed, options):
    """Return counts (see there) by method, and (size, holds a locus) of the sets."""
    rng = np.random.default_rng(seed)
    X, variants = genome.draw(rng), genome.variants
    n_loci = min(n_loci, X.shape[1] // 2)
    loci = rng.choice(X.shape[1], n_loci, replace=False)
    effects = rng.choice([-1, 1], n_loci) / np.maximum(X[:, loci].std(axis=0), 0.1)
    value = (X[:, loci] - X[:, loci].mean(axis=0)) @ effects
    y = rng.normal(size=len(X)) * np.sqrt(1 - h2)
    if n_loci:
        y += value / value.std() * np.sqrt(h2)
    model = fitted(options, X, y)
    is_locus = np.isin(np.arange(X.shape[1]), loci)
    snp = {f"snp_{j}": j for j in range(X.shape[1])}
    table = snp_table(model)
    by_snp = np.flatnonzero(table["fdr"] <= 0.1)
    lfdr = table["lfdr"].to_numpy()[by_snp]
    result = {"SNPs, fdr 0.1": counts([[j] for j in by_snp], lfdr, is_locus)}
    of_windows = windows(model, X, variants, "400kb")
    for label, needed in (("windows, WPPA 0.9", 0.9), ("windows, WPPA 0.95", 0.95)):
        chosen = of_windows[of_windows["wppa"] >= needed]
        members = [range(snp[r.first_snp], snp[r.last_snp] + 1) for r in chosen.itertuples()]
        result[label] = counts(members, 1 - chosen["wppa"], is_locus)
    sets = credible_sets(model, X, variants)
    members = [[snp[name] for name in names] for names in sets["snps"]]
    result["credible sets"] = counts(members, 1 - sets["probability"], is_locus)
    return result, [(len(own), is_locus[own].any()) for own in members]


def counts(members, doubts, is_locus):
    """Return the number of sets of SNPs, of those without a locus, their expectation, and loci.

    `doubts` are the probabilities that a set is false.
    """
    true = [is_locus[list(own)].any() for own in members]
    loci = {j for own in members for j in own if is_locus[j]}
    return np.array([len(true), len(true) - sum(true), np.sum(doubts), len(loci)], float)


# Mice ---------------------------------------------------------------------------------------------


def mice(options):
    """Print the top windows of HDL and what mediates them."""
    data = fetch_hs_mice(options.data_home)
    seen = data.omics[HDL].notna()
    omics = data.omics.loc[seen].drop(columns=[HDL, *CONTAIN_HDL, "Biochem.Potassium"])
    omics = omics.rename(columns=lambda name: name.removeprefix("Biochem."))
    genotypes, y = data.genotypes[seen], data.omics.loc[seen, HDL]
    variants = data.map.set_index("snp_id").rename(columns={"chr": "chromosome"})
    variants = variants.rename(columns={"mbp": "position"})[["chromosome", "position"]]
    start = time.process_time()
    model = fitted(options, genotypes, y, omics, data.sex[seen].to_frame(), thin=4)
    print(f"fit: {time.process_time() - start:.0f} s; {model.posterior_!r}\n")

    total = windows(model, genotypes, variants, "2cM", response=["total", "direct", "mediated"])
    for response, table in total.groupby("response", sort=False):
        top = table.sort_values("wppa", ascending=False)[:6]
        print(f"{response}: windows of 2 cM\n\n{shown(top)}\n")
    sets = credible_sets(model, genotypes, variants, response=["total", "direct"])
    print(f"credible sets\n\n{sets.drop(columns='snps')[:8].round(3).to_string()}\n")
    print(f"omics\n\n{omics_table(model).round(3).to_string()}\n")
    print(f"paths\n\n{snp_paths(model, variants, top=8).round(4).to_string()}\n")
    around = pd.DataFrame(
        {"chromosome": [APOA2[0]], "start": [APOA2[1] - 5], "end": [APOA2[1] + 5]},
        index=["Apoa2 +- 5 cM"],
    )
    locus = windows(model, genotypes, variants, around, response=None, correlated_with="total")
    columns = ["response", "wppa", "share", "share_low", "share_high", "correlation", "both"]
    print(f"Apoa2, 5 cM on each side\n\n{locus[columns].round(3).to_string(index=False)}")


def shown(table):
    columns = ["chromosome", "start", "end", "n_snps", "wppa", "share", "share_low", "share_high"]
    return table[columns].round(3).to_string(index=False)


# Cost ---------------------------------------------------------------------------------------------


def cost(options):
    """Print time and memory of `windows` on the sizes of the mice and of a large data set."""
    rows = [["", "draws", "MB of draws", "seconds of CPU", "MB on top"]]
    cases = {
        "1,800 x 10,346, 14 responses": (1800, 10_346, 13, 400, 0.02),
        "2,000 x 50,000, 101 responses": (2000, 50_000, 100, 70, 0.02),
        "2,000 x 50,000, 101 responses, no selection": (2000, 50_000, 100, 12, 1.0),
    }
    for name, (n, p, n_omics, n_draws, share) in cases.items():
        if options.quick:
            n, p, n_omics, n_draws = n // 10, p // 10, 3, 4
        rows.append([name, *of_case(n, p, n_omics, n_draws, share)])
    print(as_table(rows))


def of_case(n, p, n_omics, n_draws, share):
    """Return what `windows` takes with draws made up, for all responses together."""
    rng = np.random.default_rng(0)
    X = np.empty((n, p), np.int8, order="F")
    for j in range(p):
        X[:, j] = rng.binomial(2, 0.3, n)
    short = SimpleNamespace(n_iter=10)
    model = fitted(short, X[:, :40], rng.normal(size=n), rng.normal(size=(n, n_omics)), n_chains=1)
    windows(model, X[:, :40], window=20)  # compiles
    windows(model, X[:, :40], window=20, response="omic_0", correlated_with="total")
    make_up(model, X, rng, n_draws, share)
    with Peak() as peak:
        start = time.process_time()
        table = windows(model, X, window=20, response=None)
        seconds = time.process_time() - start
    assert len(table) == (n_omics + 3) * -(-p // 20)
    held = [model.posterior_.draws[name] for name in ("snp_effects", "direct_effects")]
    size = sum(d.nnz * 36 if sparse.issparse(d) else d.nbytes for d in held)
    return [f"{n_draws}", f"{size / 1e6:.0f}", f"{seconds:.0f}", f"{peak.above / 1e6:.0f}"]


def make_up(model, X, rng, n_draws, share):
    """Replace the draws of a fit, in place, by random ones of all SNPs of X."""
    posterior, network, n_snps = model.posterior_, model._network, X.shape[1]
    for name, kept in posterior.draws.items():
        if not name.endswith("_effects"):
            posterior.draws[name] = np.repeat(kept[:, -1:], n_draws, axis=1)
    posterior.effects_draw = np.arange(n_draws)
    for name, shape in (("snp_effects", (len(model.omics_names_),)), ("direct_effects", ())):
        full = (1, n_draws, n_snps, *shape)
        if share == 1:
            posterior.draws[name] = rng.standard_normal(full, np.float32)
            continue
        flat = np.sort(rng.choice(np.prod(full), int(share * np.prod(full)), replace=False))
        effects = rng.standard_normal(len(flat), np.float32)
        posterior.draws[name] = sparse.coo_array((effects, np.unravel_index(flat, full)), full)
    posterior.draws["omics_weights"] = rng.standard_normal((1, n_draws, len(model.omics_names_)))
    network.genotypes_variance = np.full(n_snps, 0.42)
    model.n_features_in_, model.snp_names_ = n_snps, np.array([f"snp_{j}" for j in range(n_snps)])


class Peak:
    """The most private memory in use, above that at the start."""

    def __enter__(self):
        self._start = self._most = memory_status("RssAnon")
        self._stop = Event()
        self._thread = Thread(target=self._look, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *error):
        self._stop.set()
        self._thread.join()

    @property
    def above(self):
        """Return bytes."""
        return self._most - self._start

    def _look(self):
        while not self._stop.wait(0.01):
            self._most = max(self._most, memory_status("RssAnon"))


if __name__ == "__main__":
    main()
