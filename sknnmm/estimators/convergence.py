"""Whether chains have converged: by the targets, what users read, and nothing else."""

from sklearn.exceptions import ConvergenceWarning

from sknnmm.common.user_warnings import warn

MAX_R_HAT = 1.05
MIN_ESS = 100


def warn_unless_converged(table, min_ess, advice):
    """Warn with the worst targets of a table of `diagnose` if chains disagree or are too short."""
    targets = table[table["target"]]
    bad = targets[(targets["r_hat"] > MAX_R_HAT) | (targets["ess_bulk"] < min_ess)]
    if bad.empty:
        return
    worst = bad.sort_values("ess_bulk").head(5)
    listing = ", ".join(
        f"{label} (R-hat {row.r_hat:.2f}, bulk ESS {row.ess_bulk:.0f})"
        for label, row in worst.iterrows()
    )
    warn(
        f"{len(bad)} of {len(targets)} quantities have R-hat > {MAX_R_HAT} or bulk ESS < "
        f"{min_ess:g}; worst: {listing}. {advice}, or look at diagnostics_.",
        ConvergenceWarning,
    )
