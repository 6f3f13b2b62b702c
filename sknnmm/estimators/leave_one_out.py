"""Leave-one-out predictive densities of a fitted model, by importance sampling."""

import numpy as np
from scipy.special import logsumexp

from sknnmm.common.messages import some
from sknnmm.common.optional import import_optional
from sknnmm.common.user_warnings import warn
from sknnmm.posterior.rank_statistics import rank_statistics

CELLS = 2**22  # of draws times records that are held at a time
PURPOSE = "Leave-one-out cross-validation"
LIBRARIES = ("xarray", "xarray_einstats", "arviz_base", "arviz_stats")  # the last needs the others


def leave_one_out(log_likelihood, names, n_samples):
    """Return the `arviz_stats.ELPDData` of some records.

    Parameters
    ----------
    log_likelihood : callable
        Of a slice of the records to their log likelihood (chain, draw, n).
    names : ndarray of shape (n,)
        Of the records.
    n_samples : int
        Number of draws of all chains.
    """
    xarray, *_, stats = (import_optional(library, PURPOSE) for library in LIBRARIES)
    step = max(1, CELLS // n_samples)
    parts = [slice(first, first + step) for first in range(0, len(names), step)]
    columns = [_of_records(stats.base.array_stats, log_likelihood(part)) for part in parts]
    elpd, pareto_k, p = np.concatenate(columns, axis=1)
    good_k = min(1 - 1 / np.log10(n_samples), 0.7)
    unreliable = ~(pareto_k <= good_k)
    if unreliable.any():
        _warn_of(names[unreliable], len(names), good_k)
    of_records = {"dims": ["record"], "coords": {"record": names}}
    return stats.ELPDData(
        kind="loo",
        elpd=elpd.sum(),
        se=np.sqrt(len(elpd) * elpd.var()),
        p=p.sum(),
        n_samples=n_samples,
        n_data_points=len(names),
        scale="log",
        warning=bool(unreliable.any()),
        good_k=good_k,
        elpd_i=xarray.DataArray(elpd, name="elpd_i", **of_records),
        pareto_k=xarray.DataArray(pareto_k, name="pareto_k", **of_records),
    )


def _of_records(array_stats, values):
    """Return log densities, Pareto k and effective numbers of parameters of records, (3, n)."""
    values = np.moveaxis(values, -1, 0)
    likelihoods = np.exp(values - values.max(axis=(1, 2), keepdims=True))
    efficiency = rank_statistics(likelihoods)["ess_mean"] / values[0].size
    elpd, pareto_k = np.empty((2, len(values)))
    for i, of_record in enumerate(values):
        r_eff = efficiency[i] if efficiency[i] > 0 else 1.0
        elpd[i], pareto_k[i], _ = array_stats.loo(of_record, r_eff=r_eff)
    predicted = logsumexp(values, axis=(1, 2)) - np.log(values[0].size)
    return np.stack([elpd, pareto_k, predicted - elpd])


def _warn_of(names, n_records, good_k):
    warn(
        f"loo: Pareto k is above {good_k:.2f} for {len(names)} of {n_records} records "
        f"({some(names)}): without such a record the posterior is another one, and its "
        "leave-one-out density is not reliable. If there are many, use cross-validation."
    )
