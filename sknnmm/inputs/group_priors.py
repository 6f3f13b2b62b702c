"""Priors of effects as parameters give them: one for all, or one for each group."""

from collections.abc import Mapping

from sknnmm.common.messages import some
from sknnmm.priors import METHODS, GroupedPrior, Prior, as_prior

#: The parameters that take priors of effects, and those that say which groups these have.
GROUPS_OF = {
    "method": "snp_groups",
    "direct_effects": "snp_groups",
    "omics_method": "omics_groups",
}


def check_priors(value, argument, groups):
    """Raise a ValueError unless a parameter that takes priors holds valid ones.

    Parameters
    ----------
    value : str, bool, Prior or mapping
    argument : str
        Its name.
    groups : None, or as passed
        The parameter that names the groups.
    """
    if not isinstance(value, Mapping):
        if isinstance(value, Prior):
            value.check()
        return
    if groups is None:
        raise ValueError(
            f"{argument} has priors of groups ({some(value)}), but {GROUPS_OF[argument]} does not "
            "say what is in them: pass it, or one prior for all."
        )
    for group, prior in value.items():
        if not isinstance(prior, Prior) and (not isinstance(prior, str) or prior not in METHODS):
            raise ValueError(
                f"{argument}[{group!r}] must be a prior or one of {', '.join(METHODS)}; got "
                f"{prior!r}."
            )
        as_prior(prior).check()


def prior_of_groups(value, argument, groups, per_allele=None):
    """Return the prior of all effects.

    Parameters
    ----------
    value : str, Prior or mapping
        Checked.
    argument : str
        The parameter that holds it.
    groups : Groups or None
    per_allele : ndarray of shape (p,), optional
        What turns effects of scaled SNPs into those per allele.

    Raises
    ------
    ValueError
        If the priors are not those of the groups.
    """
    if groups is None:
        return as_prior(value)
    priors = dict.fromkeys(groups.names, value)
    if isinstance(value, Mapping):
        priors = {str(name): prior for name, prior in value.items()}
    unknown = [name for name in priors if name not in groups.names]
    if unknown:
        raise ValueError(
            f"{argument} has priors of unknown groups: {some(unknown)}. Those of "
            f"{GROUPS_OF[argument]} are {some(groups.names)}."
        )
    without = [name for name in groups.names if name not in priors]
    if without:
        raise ValueError(f"{argument} has no prior of the groups {some(without)}: give each one.")
    priors = {name: as_prior(priors[name]) for name in groups.names}
    if len(priors) == 1:  # one group is all effects
        return priors[groups.names[0]]
    return GroupedPrior(priors, groups.of, per_allele)
