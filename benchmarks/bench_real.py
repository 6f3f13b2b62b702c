"""Real data with real omics: ours beside BLUP, scikit-learn's regressions and stacking.

Maize hybrids of parents that no training hybrid has, wheat lines of other trials, mice of other
litters. Run from the root of the repository::

    python -m benchmarks.bench_real                  # some 20 minutes
    python -m benchmarks.bench_real --parts wheat    # one part
    python -m benchmarks.bench_real --quick          # short chains: only to see that it runs

The parts: "maize", the 685 hybrids with transcripts of both parents; "incomplete", all 1,521;
"one-out", a sample of hybrids, each predicted from all that share no parent with it, as published;
"wheat"; "mice"; "families", what tells beforehand whether own omics help; "truth", the same for
phenotypes simulated on the maize. One thread, one chain per fit.
"""

import argparse
from functools import partial

import pandas as pd
from threadpoolctl import threadpool_limits

from benchmarks.real.cases import MAIZE_TRAITS, maize, mice, one_out, wheat
from benchmarks.real.competitors import COMPETITORS, GENOTYPES, LINEAR, OWN_OMICS, networks
from benchmarks.real.families import print_known_truth, print_warning_signs
from benchmarks.real.figure import draw
from benchmarks.real.scores import predictions, print_pooled, print_seconds, print_tables, scores
from benchmarks.reporting import describe_machine

LINEAR_COMPETITORS = {name: COMPETITORS[name] for name in LINEAR}
OURS = "RR-BLUP, weights RR-BLUP"
RRBLUP = {OURS: {"method": "RR-BLUP", "omics_method": "RR-BLUP"}}
# K = 1,323: by trait, others get the cheap competitors only.
MAIZE_NETWORKS = {
    "GTM": {
        **RRBLUP,
        "RR-BLUP, weights BayesC": {"method": "RR-BLUP", "omics_method": "BayesC"},
        "RR-BLUP, no direct effects": {**RRBLUP[OURS], "direct_effects": False},
    },
    "GTS": RRBLUP,
    "RPR": RRBLUP,
}
MAIZE_NETWORKS["STA"] = MAIZE_NETWORKS["GTM"]
NETWORKS = {
    **RRBLUP,
    "BayesC, weights BayesC (default)": {},
    "GBLUP, weights RR-BLUP": {"method": "GBLUP", "omics_method": "RR-BLUP"},
    "BayesL, weights BayesL": {"method": "BayesL", "omics_method": "BayesL"},
    "BayesR, weights BayesR": {"method": "BayesR", "omics_method": "BayesR"},
    "BayesB, weights BayesB": {"method": "BayesB", "omics_method": "BayesB"},
    "RR-BLUP, no direct effects": {**RRBLUP[OURS], "direct_effects": False},
}


def main():
    options = parse_options()
    scored = []
    with threadpool_limits(1):
        for part in options.parts:
            print(f"\n{part}", flush=True)
            scored.append(PARTS[part](options))
    if options.figure:
        draw(pd.concat(scored), options.figure)
    print(f"\n{describe_machine()}")


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--data-home", help="folder of the data (default: scikit-learn's)")
    parser.add_argument("--traits", nargs="+", choices=MAIZE_TRAITS, default=MAIZE_TRAITS)
    parser.add_argument("--n-iter", type=int, default=500, help="a quarter of it burn-in")
    parser.add_argument("--hybrids", type=int, default=60, help='sampled in "one-out"')
    parser.add_argument("--simulations", type=int, default=30, help='of "truth"')
    parser.add_argument("--figure", help="file to draw accuracies of maize, wheat and mice into")
    parser.add_argument("--quick", action="store_true", help="short: only to see that it runs")
    options = parser.parse_args()
    if options.quick:
        vars(options).update(n_iter=8, hybrids=3, simulations=1, traits=["STA"])
    return options


def compare_maize(options):
    return report(
        [
            predictions(
                maize(options.data_home, trait),
                (COMPETITORS if trait in MAIZE_NETWORKS else LINEAR_COMPETITORS)
                | networks(MAIZE_NETWORKS.get(trait, {}), options.n_iter),
            )
            for trait in options.traits
        ]
    )


def compare_incomplete(options):
    methods = LINEAR_COMPETITORS | networks(RRBLUP, options.n_iter)
    case = maize(options.data_home, "GTM", "all")
    return report([predictions(case, methods)])


def compare_one_out(options):
    parts = [
        predictions(one_out(options.data_home, trait, options.hybrids), LINEAR_COMPETITORS)
        for trait in options.traits
    ]
    print_pooled(pd.concat(parts))


def compare(load, options):
    methods = COMPETITORS | networks(NETWORKS, options.n_iter)
    return report([predictions(load(options.data_home), methods)])


def report(parts):
    """Print the tables and return the scores."""
    scored = scores(pd.concat(parts))
    print_tables(scored, COMPETITORS, GENOTYPES)
    print_tables(scored, COMPETITORS, OWN_OMICS)
    print_seconds(scored)
    return scored


def look_for_signs(options):
    print_warning_signs({trait: maize(options.data_home, trait) for trait in options.traits})


def simulate(options):
    print_known_truth(maize(options.data_home, "STA"), options.simulations)


PARTS = {
    "maize": compare_maize,
    "incomplete": compare_incomplete,
    "one-out": compare_one_out,
    "wheat": partial(compare, wheat),
    "mice": partial(compare, mice),
    "families": look_for_signs,
    "truth": simulate,
}

if __name__ == "__main__":
    main()
