"""Checks of parameters against each other; scikit-learn has checked each by itself."""

from collections.abc import Mapping

from sknnmm.inputs.group_priors import GROUPS_OF, check_priors
from sknnmm.priors import GBLUP


def check_settings(estimator):
    """Raise a ValueError unless the parameters of an NNMMRegressor make a fit."""
    for name, of_groups in GROUPS_OF.items():
        check_priors(getattr(estimator, name), name, getattr(estimator, of_groups))
    if estimator.residual_prior is not None:
        estimator.residual_prior.check()
    for name in ("min_ess", "effects_memory"):
        if isinstance(getattr(estimator, name), bool):
            raise TypeError(f"{name}={getattr(estimator, name)} must be a number.")
    weights = estimator.omics_method
    weights = weights.values() if isinstance(weights, Mapping) else [weights]
    if any(prior == "GBLUP" or isinstance(prior, GBLUP) for prior in weights):
        raise ValueError(
            "omics_method='GBLUP' is refused: the relationship matrix of the omics would "
            "change in every iteration when omics are missing. Use 'RR-BLUP', its equivalent."
        )
    if estimator.n_iter == "auto":
        _check_rounds(estimator)
    else:
        _check_length(estimator.n_iter, estimator.burn_in, estimator.thin)


def _check_length(n_iter, burn_in, thin):
    if n_iter <= burn_in:
        raise ValueError(
            f"n_iter={n_iter} must be greater than burn_in={burn_in}: n_iter is the total, burn-in "
            "included."
        )
    if n_iter - burn_in < thin:
        raise ValueError(
            f"thin={thin} keeps none of the {n_iter - burn_in} iterations after burn_in. Lower "
            "thin or raise n_iter."
        )


def _check_rounds(estimator):
    max_iter, burn_in, thin = estimator.max_iter, estimator.burn_in, estimator.thin
    if max_iter <= burn_in:
        raise ValueError(
            f"max_iter={max_iter} must be greater than burn_in={burn_in}: it is the largest total, "
            "burn-in included."
        )
    kept = estimator.n_chains * ((max_iter - burn_in) // thin)
    if estimator.min_ess > kept:
        raise ValueError(
            f"min_ess={estimator.min_ess} cannot be reached: max_iter={max_iter}, "
            f"burn_in={burn_in} and thin={thin} leave at most {kept} draws of n_chains="
            f"{estimator.n_chains}. Raise max_iter, or lower min_ess or thin."
        )
