"""Diagnostics of the small quantities of a posterior, and which of them chains are judged by."""

from itertools import product

import numpy as np
import pandas as pd
from scipy.stats import chi2

from sknnmm.posterior.rank_statistics import rank_statistics

BATCH = 32  # quantities at a time, which stay in cache
MAX_R_HAT = 1.05
MIN_ESS = 100
LEAST_DRAWS = 4  # of a chain, for an R-hat
FALSE_ALARMS = 0.01  # share of fits in which an R-hat exceeds its limit though chains agree


def diagnose(draws, variables, names, judged, *, targets_only=False):
    """Return the diagnostics table of the small variables.

    Parameters
    ----------
    draws : dict of str to ndarray
        Draws (chain, draw, ...) by the name of a variable; those of the sampler will do, as units
        change neither R-hat nor effective sample sizes.
    variables : dict of str to Variable
    names : dict of str to sequence of str
        Names along a dimension of the variables: of the nodes, "omic", of "covariate" and "row".
    judged : dict of str to ndarray of bool
        Which entries along a dimension can be targets, where not all can.
    targets_only : bool
        Whether to leave out quantities that chains are not judged by.

    Returns
    -------
    DataFrame
        That of `of_draws`, with the labels of the quantities as index, and a column target.
    """
    labels, is_target, columns = quantities(draws, variables, names, judged)
    chosen = np.flatnonzero(is_target) if targets_only else np.arange(len(labels))
    table = of_draws([columns[i] for i in chosen])
    table.index = [labels[i] for i in chosen]
    table["target"] = is_target[chosen]
    return table


def quantities(draws, variables, names, judged):
    """Return labels, targets (Q,) bool and draws (chain, draw) of all diagnosed quantities.

    Parameters are those of `diagnose`.
    """
    labels, is_target, columns = [], [], []
    for variable in variables.values():
        if variable.is_diagnosed:
            of_variable = draws[variable.name]
            labels += labels_of(variable, names)
            columns += list(np.moveaxis(of_variable.reshape(*of_variable.shape[:2], -1), -1, 0))
            is_target.append(targets(variable, of_variable.shape[2:], judged).ravel())
    return _without_absent(labels, np.concatenate(is_target), columns)


def _without_absent(labels, is_target, columns):
    """Return quantities but those that are NaN: hyperparameters that a group does not have."""
    present = [i for i, column in enumerate(columns) if not np.isnan(column[0, 0])]
    if len(present) == len(columns):
        return labels, is_target, columns
    return [labels[i] for i in present], is_target[present], [columns[i] for i in present]


def labels_of(variable, names):
    """Return the labels of the values of a variable: its name, with those along its dimensions."""
    if not variable.dims:
        return [variable.name]
    along = product(*(names[dim] for dim in variable.dims))
    return [f"{variable.name}[{', '.join(map(str, each))}]" for each in along]


def targets(variable, shape, judged):
    """Return which values of a variable are targets, in its shape."""
    targets = np.full(shape, variable.is_target)
    for axis, dim in enumerate(variable.dims):
        if dim in judged:
            targets &= np.expand_dims(judged[dim], [a for a in range(len(shape)) if a != axis])
    return targets


def of_draws(columns):
    """Return the diagnostics of quantities.

    Parameters
    ----------
    columns : sequence of ndarray of shape (chain, draw)
        Draws of each quantity.

    Returns
    -------
    DataFrame
        Columns mean, sd, ess_bulk, ess_tail, r_hat, mcse (rank-normalised split R-hat and ESS,
        Vehtari et al. 2021, doi 10.1214/20-BA1221); NaN where a quantity is constant or there are
        too few draws or chains.
    """
    batches = [columns[i : i + BATCH] for i in range(0, len(columns), BATCH)]
    return pd.concat([of_batch(np.stack(batch)) for batch in batches], ignore_index=True)


def has_failed(table, n_chains, n_targets, min_ess=MIN_ESS):
    """Return which rows of a table of `of_draws` have too small an ESS or too large an R-hat."""
    limits = r_hat_limits(table["ess_bulk"], n_chains, n_targets)
    return (table["ess_bulk"] < min_ess) | (table["r_hat"] > limits)


def r_hat_limits(ess, n_chains, n_targets):
    """Return limits of R-hat: MAX_R_HAT, or what chance makes the largest of so many targets."""
    return np.fmax(MAX_R_HAT, r_hat_by_chance(ess, n_chains, n_targets))


def r_hat_by_chance(ess, n_chains, n_targets):
    """Return what the largest R-hat of chains that agree exceeds with probability FALSE_ALARMS.

    The mean of half of a chain has the variance 2 n_chains / ess in units of that of the draws. An
    R-hat is the larger one of two.
    """
    freedom = 2 * n_chains - 1
    deviation = chi2.isf(FALSE_ALARMS / (2 * n_targets), freedom) / freedom
    return np.sqrt(1 + deviation * 2 * n_chains / ess)


def ess_within_chains(columns):
    """Return the sums over the chains of the bulk ESS that each has by itself, (Q,).

    Large where every chain moves well, whether or not it is where the others are. A chain that is
    constant, as of a weight that it leaves out, counts with all of its draws.
    """
    n_chains, n_draws = columns[0].shape
    by_chain = [column[[chain]] for column in columns for chain in range(n_chains)]
    ess = of_draws(by_chain)["ess_bulk"].to_numpy().reshape(-1, n_chains)
    return np.where(np.isnan(ess), n_draws, ess).sum(axis=1)


def of_batch(values):
    """Return the diagnostics of a few quantities (quantity, chain, draw)."""
    # Relative to the largest draw: squares of extreme units would overflow.
    unit = np.abs(values).max(axis=(1, 2))
    unit[unit == 0] = 1
    values = values / unit[:, None, None]
    statistics = rank_statistics(values)
    n_draws = values[0].size
    sd = unit * values.std(axis=(1, 2))
    table = pd.DataFrame(
        {
            "mean": unit * values.mean(axis=(1, 2)),
            "sd": sd,
            **{name: statistics[name] for name in ("ess_bulk", "ess_tail", "r_hat")},
            "mcse": sd * np.sqrt(n_draws / max(n_draws - 1, 1) / statistics["ess_mean"]),
        }
    )
    table.loc[np.ptp(values, axis=(1, 2)) == 0, "ess_bulk":] = np.nan
    return table
