"""Convergence diagnostics of the small quantities of a posterior."""

from itertools import product

import numpy as np
import pandas as pd
from sklearn.exceptions import ConvergenceWarning

from sknnmm.common.user_warnings import warn

MAX_R_HAT = 1.05
MIN_ESS = 100


def diagnose(posterior, names):
    """Return the diagnostics table of the small variables.

    Parameters
    ----------
    posterior : Posterior
    names : dict of str to sequence of str
        Names along a dimension of the variables: of the nodes, "omic", and "covariate".

    Returns
    -------
    DataFrame
        Columns mean, sd, ess_bulk, ess_tail, r_hat, mcse (rank-normalised split R-hat and ESS,
        Vehtari et al. 2021, doi 10.1214/20-BA1221); NaN where a quantity is constant or there are
        too few draws or chains.
    """
    from arviz_stats.base import array_stats  # slow to import

    labels, columns = [], []
    for variable in posterior.variables.values():
        if variable.is_diagnosed:
            draws = posterior.draws[variable.name]
            labels += labels_of(variable, names)
            columns += list(np.moveaxis(draws.reshape(*draws.shape[:2], -1), -1, 0))
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


def labels_of(variable, names):
    """Return the labels of the values of a variable: its name, with those along its dimensions."""
    if not variable.dims:
        return [variable.name]
    along = product(*(names[dim] for dim in variable.dims))
    return [f"{variable.name}[{', '.join(map(str, each))}]" for each in along]


def unidentified_labels(posterior, names, nodes):
    """Return the labels of variables of nodes that are not identified, or do not vary."""
    return {
        label
        for variable in posterior.variables.values()
        if variable.is_diagnosed and "omic" in variable.dims
        for label in labels_of(variable, {**names, "omic": nodes})
    }


def warn_if_not_converged(table, posterior, names, excluded):
    """Warn with the worst targets if chains disagree or are too short.

    Those with a label in `excluded` are left out: their draws may differ between chains without
    any prediction differing.
    """
    targets = {
        label
        for variable in posterior.variables.values()
        if variable.is_target and variable.is_diagnosed
        for label in labels_of(variable, names)
    }
    judged = table.loc[[label in targets and label not in excluded for label in table.index]]
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
