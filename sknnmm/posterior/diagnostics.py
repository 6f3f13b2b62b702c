"""Convergence diagnostics of the small quantities of a posterior."""

import numpy as np
import pandas as pd
from sklearn.exceptions import ConvergenceWarning

from sknnmm.common.user_warnings import warn

MAX_R_HAT = 1.05
MIN_ESS = 100
# What a model is about. Internal draws (covariate effects apart) are left out.
QUANTITIES = (
    "residual_variance",
    "centred_intercept",
    "covariate_effects",
    "heritability",
    "direct_pi",
    "direct_effects_variance",
    "omics_pi",
    "omics_weights_variance",
    "omics_weights",
    "omics_residual_variance",
    "omics_heritability",
    "mediated_variance",
    "pi",
    "snp_effects_variance",
)


def diagnose(draws, node_names, covariate_names):
    """Return the diagnostics table.

    Parameters
    ----------
    draws : dict of str to ndarray (chain, draw) or (chain, draw, K)
    node_names, covariate_names : sequence of str
        Labels of quantities with one value per node or covariate.

    Returns
    -------
    DataFrame
        Columns mean, sd, ess_bulk, ess_tail, r_hat, mcse (rank-normalised split R-hat and ESS,
        Vehtari et al. 2021, doi 10.1214/20-BA1221); NaN where a quantity is constant or there are
        too few draws or chains.
    """
    from arviz_stats.base import array_stats  # slow to import

    labels, columns = [], []
    for name in QUANTITIES:
        if name not in draws:
            continue
        values = draws[name]
        if values.ndim == 2:
            labels.append(name)
            columns.append(values)
            continue
        names = covariate_names if name == "covariate_effects" else node_names
        labels += [f"{name}[{label}]" for label in names]
        columns += list(np.moveaxis(values, -1, 0))
    values = np.stack(columns)  # (quantity, chain, draw)
    # Relative to the largest draw: squares of extreme units would overflow.
    unit = np.abs(values).max(axis=(1, 2))
    values = values / np.where(unit > 0, unit, 1)[:, None, None]
    table = pd.DataFrame(
        {"mean": unit * values.mean(axis=(1, 2)), "sd": unit * values.std(axis=(1, 2))},
        index=labels,
    )
    varies = np.ptp(values, axis=(1, 2)) > 0
    statistics = {
        "ess_bulk": lambda v: array_stats.ess(v, method="bulk"),
        "ess_tail": lambda v: array_stats.ess(v, method="tail", prob=(0.05, 0.95)),
        "r_hat": array_stats.rhat,
        "mcse": array_stats.mcse,
    }
    for name, statistic in statistics.items():
        table[name] = np.nan
        if varies.any():
            with np.errstate(all="ignore"):
                table.loc[varies, name] = statistic(values[varies])
    table["mcse"] *= unit
    return table


def warn_if_not_converged(table, unidentified):
    """Warn with the worst quantities if chains disagree or are too short.

    `unidentified` quantities (all of a latent node) are left out: their draws may differ between
    chains without any prediction differing.
    """
    judged = table[[label not in unidentified for label in table.index]]
    bad = judged[(judged["r_hat"] > MAX_R_HAT) | (judged["ess_bulk"] < MIN_ESS)]
    if bad.empty:
        return
    worst = bad.sort_values("ess_bulk").head(5)
    listing = ", ".join(
        f"{label} (R-hat {row.r_hat:.2f}, bulk ESS {row.ess_bulk:.0f})"
        for label, row in worst.iterrows()
    )
    warn(
        f"{len(bad)} of {len(judged)} quantities have R-hat > {MAX_R_HAT} or bulk ESS < {MIN_ESS}; "
        f"worst: {listing}. Raise n_iter (and burn_in), or look at diagnostics_.",
        ConvergenceWarning,
    )
