"""What to say of chains that have not converged, and what helps."""

from dataclasses import dataclass
from math import ceil, floor, log10

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from sknnmm.common.user_warnings import warn
from sknnmm.posterior.diagnostics import (
    LEAST_DRAWS,
    MAX_R_HAT,
    MIN_ESS,
    ess_within_chains,
    has_failed,
    r_hat_by_chance,
)

MARGIN = 1.5  # of the advised n_iter, as effective sample sizes are estimates
MANY_TIMES = 10  # longer


@dataclass(frozen=True)
class Wanted:
    """What an estimator wants of its chains."""

    min_ess: float  # bulk ESS that every target is to reach
    argument: str  # that limits iterations
    by: str  # the estimator, in a few words


def warn_unless_converged(table, columns, settings, specification, wanted):
    """Warn of targets whose chains disagree or are too short.

    Parameters
    ----------
    table : DataFrame
        Of `diagnose`.
    columns : list of ndarray of shape (chain, draw)
        Draws of the quantities in the table.
    settings : ChainSettings
    specification : NNMM
    wanted : Wanted
    """
    n_targets, (n_chains, n_draws) = np.count_nonzero(table["target"]), columns[0].shape
    if n_draws < LEAST_DRAWS:
        warn(
            f"{wanted.by}: {n_draws} kept draws per chain are too few to see whether chains have "
            f"converged. Raise {wanted.argument}, or lower thin.",
            ConvergenceWarning,
        )
        return
    failed = np.flatnonzero(
        table["target"] & has_failed(table, n_chains, n_targets, wanted.min_ess)
    )
    if not failed.size:
        return
    failed = failed[np.argsort(table["ess_bulk"].to_numpy()[failed])]
    bad, variables = table.iloc[failed], {label.partition("[")[0] for label in table.index[failed]}
    worst = ", ".join(_numbers(label, row) for label, row in bad.head(5).iterrows())
    limits = f"R-hat > {MAX_R_HAT} (beyond chance) or " if n_chains > 1 else ""
    apart = np.zeros(len(bad), bool)
    if n_chains > 1:
        within = ess_within_chains([columns[i] for i in failed])
        apart = (within >= MIN_ESS) & (bad["r_hat"] > r_hat_by_chance(within, n_chains, len(bad)))
    message = [
        f"{wanted.by}: {limits}bulk ESS < {wanted.min_ess:g} in {len(bad)} of {n_targets} targets; "
        f"worst: {worst}."
    ]
    if wanted.argument == "max_iter":
        message.append(f"n_iter='auto' stopped at max_iter={settings.n_iter}.")
    if "genetic_values" not in variables:
        message.append("Genetic values have converged, and with them predictions.")
    message.append(_on_length(bad["ess_bulk"].min(), settings, wanted))
    if apart.any():
        message.append(
            "Each chain by itself moves well, but they disagree: they seldom change from one mode "
            "of the posterior to another, or never. If longer chains disagree too, choose a prior "
            "that mixes faster."
        )
    if specification.n_latent and specification.direct_prior is not None:
        message.append(
            "Latent nodes and direct effects explain y equally well, so the posterior has several "
            "modes, between which chains seldom change: set direct_effects=False, or n_latent=0."
        )
    message += _on_priors(variables, specification)
    message.append("See diagnostics_, and 'Reading the diagnostics' in the guide.")
    warn("\n".join(message), ConvergenceWarning)


def _numbers(label, row):
    r_hat = "" if np.isnan(row["r_hat"]) else f"R-hat {row['r_hat']:.2f}, "
    return f"{label} ({r_hat}bulk ESS {row['ess_bulk']:.0f})"


def _on_length(ess, settings, wanted):
    """Say which n_iter (or max_iter) would do, by the smallest effective sample size."""
    times = MARGIN * max(wanted.min_ess / ess, 1)
    n_iter = settings.burn_in + times * (settings.n_iter - settings.burn_in)
    unit = 10 ** max(0, floor(log10(n_iter)) - 1)  # two digits are enough
    n_iter = ceil(n_iter / unit) * unit
    if times > MANY_TIMES:
        return f"At this rate it takes {wanted.argument}={n_iter} or more."
    return f"Try {wanted.argument}={n_iter}."


def _on_priors(variables, specification):
    """Say which settings mix better, by the names of the variables that have not converged."""
    advice = []
    of_terms = [specification.snp_prior, specification.direct_prior]
    priors = [prior for of_term in of_terms if of_term for prior in of_term.parts]
    if variables - {"omics_weights"} and any(getattr(p, "estimate_pi", False) for p in priors):
        advice += ["method='RR-BLUP'", "estimate_pi=False with a pi near its estimate"]
    if "omics_weights" in variables and specification.weight_prior.selects:
        advice.append("omics_method='RR-BLUP'")
    return [f"These mix faster, but are other models: {'; '.join(advice)}."] if advice else []
