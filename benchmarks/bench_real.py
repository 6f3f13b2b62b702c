"""Real data with real omics: ours beside BLUP, scikit-learn's regressions and stacking.

Maize hybrids of parents that no training hybrid has, wheat lines of other trials, mice of other
litters. Run from the root of the repository::

    python -m benchmarks.bench_real                  # some half an hour
    python -m benchmarks.bench_real --parts wheat    # one part
    python -m benchmarks.bench_real --quick          # short chains: only to see that it runs

The parts: "maize", the 685 hybrids with transcripts of both parents; "incomplete", all 1,521;
"one-out", a sample of hybrids, each predicted from all that share no parent with it, as published;
"wheat"; "mice"; "families", what tells beforehand whether own omics help; "truth", the same for
phenotypes simulated on the maize. One thread, one chain per fit.
"""

import argparse
import warnings
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from benchmarks.real.cases import MAIZE_TRAITS, maize, mice, one_out, wheat
from benchmarks.real.competitors import (
    COMPETITORS,
    GENOTYPES,
    LINEAR,
    OWN_OMICS,
    networks,
    on_components,
    on_filled,
    without_omics,
)
from benchmarks.real.families import (
    blocks,
    print_components,
    print_gains,
    print_known_truth,
    simulated,
)
from benchmarks.real.scores import predictions, print_pooled, print_seconds, print_tables, scores
from benchmarks.reporting import describe_machine
from sknnmm import priors

LINEAR_COMPETITORS = {name: COMPETITORS[name] for name in LINEAR}
OURS = "RR-BLUP, weights RR-BLUP"
RRBLUP = {"method": "RR-BLUP", "omics_method": "RR-BLUP"}
BAYESC_WEIGHTS = {"RR-BLUP, weights BayesC": {**RRBLUP, "omics_method": "BayesC"}}
HELD = {
    "RR-BLUP, weights of held variance": {
        **RRBLUP,
        "omics_method": priors.RRBLUP(estimate_variance=False),
    }
}
NO_DIRECT = {"RR-BLUP, no direct effects": {**RRBLUP, "direct_effects": False}}
N_COMPONENTS = 5
SIMULATED_FOLDS = 3

# The traits with networks of all 1,323 transcripts; the others get what is cheap.
LONG_TRAITS = ("GTM", "STA")
BLUPS = ("GBLUP", "BLUP of the omics", "two-kernel BLUP")
WHEAT_NETWORKS = {
    OURS: RRBLUP,
    **BAYESC_WEIGHTS,
    "RR-BLUP, weights BayesL": {**RRBLUP, "omics_method": "BayesL"},
    "RR-BLUP, weights BayesR": {**RRBLUP, "omics_method": "BayesR"},
    **NO_DIRECT,
    "BayesC, weights BayesC (default)": {},
}
MICE_NETWORKS = {
    OURS: RRBLUP,
    **NO_DIRECT,
    "GBLUP, weights RR-BLUP": {**RRBLUP, "method": "GBLUP"},
    "BayesC, weights BayesC (default)": {},
    "BayesB, weights BayesB": {"method": "BayesB", "omics_method": "BayesB"},
    "BayesL, weights BayesL": {"method": "BayesL", "omics_method": "BayesL"},
    "BayesR, weights BayesR": {"method": "BayesR", "omics_method": "BayesR"},
}


def main():
    options = parse_options()
    # Short chains, SNPs without variance in a fold, omics with rare large values: known here.
    warnings.simplefilter("ignore", UserWarning)
    with threadpool_limits(1):
        for part in options.parts:
            print(f"\n{part}", flush=True)
            scored = PARTS[part](options)
            if scored is not None and options.scores:
                scored.to_csv(Path(options.scores) / f"{part}.csv")
    print(f"\n{describe_machine()}")


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--data-home", help="folder of the data (default: scikit-learn's)")
    parser.add_argument("--traits", nargs="+", choices=MAIZE_TRAITS, default=MAIZE_TRAITS)
    parser.add_argument("--n-iter", type=int, default=160, help="a quarter of it burn-in")
    parser.add_argument("--folds", type=int, help="at most, of every case (default: all)")
    parser.add_argument("--hybrids", type=int, default=60, help='sampled in "one-out"')
    parser.add_argument("--dealings", type=int, default=3, help='of the parents, in "families"')
    parser.add_argument("--simulations", type=int, default=30, help='of "truth"')
    parser.add_argument("--scores", help="folder to save the scores of each fold in")
    parser.add_argument("--quick", action="store_true", help="short: only to see that it runs")
    options = parser.parse_args()
    if options.quick:
        vars(options).update(
            n_iter=8, folds=1, hybrids=3, simulations=1, dealings=1, traits=["STA"]
        )
    return options


def compare_maize(options):
    return report(
        [
            predictions(
                maize(options.data_home, trait), maize_methods(trait, options.n_iter), options.folds
            )
            for trait in options.traits
        ]
    )


def maize_methods(trait, n_iter):
    """Return competitors, networks of the transcripts, and of their principal components."""
    methods = LINEAR_COMPETITORS
    if trait in LONG_TRAITS:
        methods = COMPETITORS | networks({OURS: RRBLUP, **BAYESC_WEIGHTS, **HELD}, n_iter)
        methods["ours: RR-BLUP, no omics"] = without_omics(n_iter)
    on_few = {"two-kernel BLUP": COMPETITORS["two-kernel BLUP"]}
    on_few |= networks({OURS: RRBLUP, **NO_DIRECT}, n_iter)
    return methods | {
        f"{name}, {N_COMPONENTS} components": on_components(N_COMPONENTS, method)
        for name, method in on_few.items()
    }


def compare_incomplete(options):
    ours = networks({OURS: RRBLUP, **HELD}, options.n_iter)
    methods = LINEAR_COMPETITORS | ours
    methods[f"ours: {OURS}, gaps filled"] = on_filled(ours[f"ours: {OURS}"])
    case = maize(options.data_home, "GTM", "all")
    return report([predictions(case, methods, options.folds)])


def compare_one_out(options):
    methods = {name: COMPETITORS[name] for name in BLUPS}
    parts = [
        predictions(one_out(options.data_home, trait, options.hybrids), methods)
        for trait in options.traits
        if trait in LONG_TRAITS
    ]
    print_pooled(pd.concat(parts))


def compare(load, settings, options):
    methods = COMPETITORS | networks(settings, options.n_iter)
    methods["ours: RR-BLUP, no omics"] = without_omics(options.n_iter)
    return report([predictions(load(options.data_home), methods, options.folds)])


def report(parts):
    """Print the tables and return the scores."""
    scored = scores(pd.concat(parts))
    print_tables(scored, COMPETITORS, GENOTYPES)
    print_tables(scored, COMPETITORS, OWN_OMICS)
    print_seconds(scored)
    return scored


def look_at_families(options):
    cases = {
        trait: [maize(options.data_home, trait, seed=seed) for seed in range(options.dealings)]
        for trait in options.traits
    }
    print_gains(cases)
    print_components(cases)


def compare_simulated(options):
    """Phenotypes that act through the SNPs, or through the omics: one of each, and many by BLUP."""
    case = maize(options.data_home, "STA")
    print_known_truth(case, options.simulations)
    methods = {name: COMPETITORS[name] for name in ("GBLUP", "two-kernel BLUP")}
    methods |= networks({OURS: RRBLUP}, options.n_iter)
    parts = []
    for name, through_omics in (("by SNPs", 0.0), ("by omics", 1.0)):
        y = simulated(blocks(case), through_omics, np.random.default_rng(0))
        known = replace(
            case,
            individuals=replace(case.individuals, y=y),
            names=np.full(len(y), f"simulated, {name}"),
        )
        parts.append(predictions(known, methods, options.folds or SIMULATED_FOLDS))
    return report(parts)


PARTS = {
    "maize": compare_maize,
    "incomplete": compare_incomplete,
    "one-out": compare_one_out,
    "wheat": partial(compare, wheat, WHEAT_NETWORKS),
    "mice": partial(compare, mice, MICE_NETWORKS),
    "families": look_at_families,
    "truth": compare_simulated,
}

if __name__ == "__main__":
    main()
