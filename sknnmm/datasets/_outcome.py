"""What is recorded of a simulated phenotype: its value, a class, or that it lies above the last."""

from dataclasses import dataclass

import numpy as np

CLASS_SHARES = {"binary": 0.5, "ordinal": (0.5, 0.3, 0.2)}  # unless others are asked for
CENSORED_SHARE = 0.3


@dataclass(frozen=True)
class Outcome:
    """The record of a phenotype, n individuals."""

    y: np.ndarray  # (n,)
    y_upper: np.ndarray  # (n,), the phenotype lies between y and this
    thresholds: (
        np.ndarray
    )  # between classes, in units of the phenotype; empty if it is no liability


def record(liability, outcome, prevalence, censored_share):
    """Return the Outcome of phenotypes (n,); parameters are those of `make_omics_network`.

    Raises
    ------
    ValueError
        For shares that are none, that leave a class without individuals, or that another outcome
        has.
    """
    if prevalence is not None and outcome not in CLASS_SHARES:
        raise ValueError(
            f"prevalence={prevalence} is that of classes, but outcome={outcome!r} has none: leave "
            "prevalence out, or use outcome='binary' or 'ordinal'."
        )
    if censored_share is not None and outcome != "censored":
        raise ValueError(
            f"censored_share={censored_share}, but outcome={outcome!r} is not censored: leave "
            "censored_share out, or use outcome='censored'."
        )
    if outcome == "continuous":
        return Outcome(liability, liability, np.empty(0))
    if outcome == "censored":
        end = np.quantile(liability, 1 - (censored_share or CENSORED_SHARE))
        is_censored = liability > end
        y = np.where(is_censored, end, liability)
        return Outcome(y, np.where(is_censored, np.inf, y), np.empty(0))
    shares = CLASS_SHARES[outcome] if prevalence is None else prevalence
    thresholds = np.quantile(liability, _lower_shares(np.asarray(shares, float), outcome))
    y = np.searchsorted(thresholds, liability)
    n_classes = len(thresholds) + 1
    if len(np.unique(y)) < n_classes:
        raise ValueError(
            f"prevalence={shares} leaves a class without any of the {len(liability)} "
            "individuals: raise n_samples, or use other shares."
        )
    return Outcome(y, y, thresholds)


def _lower_shares(shares, outcome):
    """Return the share of individuals below each threshold."""
    if outcome == "binary":
        if shares.ndim or not 0 < shares < 1:
            raise ValueError(
                f"prevalence={shares} must be a share between 0 and 1, that of class 1, if "
                "outcome='binary'."
            )
        return [1 - shares]
    is_shares = shares.ndim == 1 and len(shares) >= 2 and (shares > 0).all()
    if not is_shares or abs(shares.sum() - 1) > 1e-9:
        raise ValueError(
            f"prevalence={shares} must have the share of every class, from the lowest, positive "
            "and with a sum of 1, if outcome='ordinal'."
        )
    return shares.cumsum()[:-1]
