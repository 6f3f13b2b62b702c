"""Outcomes that are not normal, and omics below their detection limit.

Run from the root of the repository::

    python -m benchmarks.bench_outcomes --data-home DIR     # all parts
    python -m benchmarks.bench_outcomes --parts limits --figure limits.png
    python -m benchmarks.bench_outcomes --quick             # only to see that it runs

The parts: "classes", a disease of the mice beside classifiers of scikit-learn (three minutes);
"probit", a binary trait of the wheat lines beside another sampler (a minute); "limits", omics
below their detection limit (three minutes); "truncated", draws from truncated normal distributions
beside those of SciPy (seconds). One thread, one chain per fit.
"""

import argparse

from benchmarks.outcomes import classes, limits, probit, truncated
from benchmarks.reporting import describe_machine

PARTS = {
    "classes": classes.run,
    "probit": probit.run,
    "limits": limits.run,
    "truncated": truncated.run,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--data-home", help="folder of the real data (default: scikit-learn's)")
    parser.add_argument("--quick", action="store_true", help="small data, to see that it runs")
    parser.add_argument("--seeds", type=int, default=20, help="simulations")
    parser.add_argument("--repetitions", type=int, default=1, help="of the part probit")
    parser.add_argument("--figure", help="file for the figure of the part limits")
    options = parser.parse_args()
    for part in options.parts:
        print(f"\n{part}\n", flush=True)
        PARTS[part](options)
    print(f"\n{describe_machine()}")


if __name__ == "__main__":
    main()
