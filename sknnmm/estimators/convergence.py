"""Whether chains have converged: judged by the targets, what users read, and by nothing else."""

from math import ceil, log10

import numpy as np
from scipy.stats import chi2
from sklearn.exceptions import ConvergenceWarning

from sknnmm.common.user_warnings import warn
from sknnmm.posterior.diagnostics import ess_within_chains

MAX_R_HAT = 1.05
MIN_ESS = 100
FALSE_ALARMS = 0.01  # of fits whose chains agree, R-hat alone
MUCH_LONGER = 10  # times; then another prior is the better advice
WEIGHTS = ("omics_weights", "mediated_variance")


def warn_unless_converged(table, columns, settings, specification):
    """Warn of targets whose chains disagree or are too short, and say what would help.

    Parameters
    ----------
    table : DataFrame
        Of `diagnose`.
    columns : list of ndarray of shape (chain, draw)
        Draws of the quantities of the table.
    settings : ChainSettings
    specification : NNMM
    """
    n_chains, _ = columns[0].shape
    targets = table[table["target"]]
    bad = targets[has_not_converged(targets, n_chains)].sort_values("ess_bulk")
    if bad.empty:
        return
    listing = ", ".join(
        f"{label} (R-hat {row.r_hat:.2f}, bulk ESS {row.ess_bulk:.0f})"
        for label, row in bad.head(5).iterrows()
    )
    numbers = dict(zip(table.index, range(len(table)), strict=True))
    within = ess_within_chains([columns[numbers[label]] for label in bad.index])
    cause = _cause(bad, within, settings)
    warn(
        f"{len(bad)} of {len(targets)} targets have R-hat > {MAX_R_HAT} or bulk ESS < {MIN_ESS}; "
        f"worst: {listing}. {cause} {_advice(bad, settings, specification)}",
        ConvergenceWarning,
    )
