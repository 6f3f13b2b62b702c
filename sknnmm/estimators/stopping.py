"""Whether chains have run for long enough: the rule that ends rounds of `n_iter="auto"`."""

import numpy as np

from sknnmm.estimators.convergence import MAX_R_HAT
from sknnmm.posterior.diagnostics import diagnose
from sknnmm.sampling.chains.length import Verdict


class StoppingRule:
    """Judges all chains together by their targets.

    The halves of a single chain are compared as if they were two.

    Parameters
    ----------
    variables : dict
    diagnosed : callable
        Given the rows whose genetic values are followed, returns `names` and `judged` of
        `diagnose`.
    min_ess : float
        Bulk effective sample size that every target is to reach.
    """

    def __init__(self, variables, diagnosed, min_ess):
        self._variables, self._diagnosed = variables, diagnosed
        self._min_ess = min_ess

    def __call__(self, results):
        """Return the Verdict on ChainResults."""
        draws = {name: _as_chains([r.draws[name] for r in results]) for name in results[0].draws}
        table = diagnose(
            draws, self._variables, *self._diagnosed(results[0].rows), targets_only=True
        )
        # NaN: a quantity that does not vary.
        agree = not (table["r_hat"] > MAX_R_HAT).any()
        enough = not (table["ess_bulk"] < self._min_ess).any()
        return Verdict(agree, enough, self._summary(table.fillna({"r_hat": 1, "ess_bulk": np.inf})))

    def _summary(self, table):
        apart, slowest = table["r_hat"].idxmax(), table["ess_bulk"].idxmin()
        return (
            f"R-hat {table['r_hat'].max():.2f} ({apart}), "
            f"ESS {table['ess_bulk'].min():.0f}/{self._min_ess:g} ({slowest})"
        )


def _as_chains(draws):
    """Return draws (chain, draw, ...) of at least two chains."""
    if len(draws) > 1:
        return np.stack(draws)
    half = len(draws[0]) // 2
    return np.stack([draws[0][:half], draws[0][len(draws[0]) - half :]])
