"""Whether chains have run for long enough: the rule that ends rounds of `n_iter="auto"`."""

import numpy as np

from sknnmm.posterior.diagnostics import LEAST_DRAWS, MAX_R_HAT, diagnose, has_failed

ESS_OF_BURN_IN = 50  # with fewer effective draws chains far from home may seem to agree


class StoppingRule:
    """Judges all chains together by the R-hat and the effective sample sizes of their targets.

    The halves of a single chain are compared as if they were two.

    Parameters
    ----------
    variables : dict
    diagnosed : callable
        Given the rows whose genetic values are followed, returns `names` and `judged` of
        `diagnose`.
    min_ess : float
        Bulk effective sample size that every target is to reach after burn-in.
    """

    def __init__(self, variables, diagnosed, min_ess):
        self._variables, self._diagnosed = variables, diagnosed
        self._min_ess = min_ess

    def __call__(self, results, is_burn_in):
        """Return whether the draws of ChainResults will do, and a summary of their diagnostics."""
        draws = {name: _as_chains([r.draws[name] for r in results]) for name in results[0].draws}
        n_chains, n_draws = next(iter(draws.values())).shape[:2]
        if n_draws < LEAST_DRAWS:
            return False, f"{n_draws} draws per chain"
        table = diagnose(
            draws, self._variables, *self._diagnosed(results[0].rows), targets_only=True
        )
        needed = ESS_OF_BURN_IN if is_burn_in else self._min_ess
        will_do = not has_failed(table, n_chains, len(table), needed).any()
        table = table.fillna({"r_hat": 1, "ess_bulk": np.inf})  # of what does not vary
        r_hat, ess = table["r_hat"].max(), table["ess_bulk"].min()
        if is_burn_in:  # whatever chance does to R-hat of so few draws
            will_do = will_do and r_hat <= MAX_R_HAT
        summary = (
            f"ESS {ess:.0f}/{needed:g} ({table['ess_bulk'].idxmin()}), "
            f"R-hat {r_hat:.2f} ({table['r_hat'].idxmax()})"
        )
        return will_do, summary


def _as_chains(draws):
    """Return draws (chain, draw, ...) of at least two chains."""
    if len(draws) > 1:
        return np.stack(draws)
    half = len(draws[0]) // 2
    return np.stack([draws[0][:half], draws[0][len(draws[0]) - half :]])
