"""What each omic carries of the genetics of y."""

from numbers import Real
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from sklearn.utils import check_scalar

from sknnmm.prediction.effect_draws import DIRECT, MEDIATED, TOTAL, EffectDraws, mean_and_interval

if TYPE_CHECKING:
    from sknnmm.estimators.classifier import NNMMClassifier
    from sknnmm.estimators.regressor import NNMMRegressor

NEGLIGIBLE = 1e-10  # genetic variance, of the variance of y


def omics_table(model: "NNMMRegressor | NNMMClassifier", *, interval: float = 0.9) -> pd.DataFrame:
    """Return what each omic, all of them and the direct effects carry of the genetics of y.

    Parameters
    ----------
    model : NNMMRegressor or NNMMClassifier
        Fitted with omics or latent nodes.
    interval : float, default=0.9
        Probability of the intervals, which leave as much below as above.

    Returns
    -------
    DataFrame
        A row for each node; for "mediated", all nodes together; for "direct", if the model has
        direct effects; and for "total". ``path`` has these names. Of a node alone (elsewhere NaN):

        - ``weight``, ``weight_sd``: posterior mean and SD of its weight, y units per unit of g (per
          SD of the omic if g is linear). NaN for a network function.
        - ``inclusion_probability``: that the weight is not zero; 1 for priors without selection,
          NaN for a network function.
        - ``heritability``, ``heritability_low``, ``heritability_high``: of the node.
        - ``effect``, ``effect_low``, ``effect_high``: its indirect genetic effect, the change of y
          by one genetic standard deviation of the node, y units.
        - ``sign_probability``: of the more probable sign of this effect.
        - ``share_alone``: what would be the share of the genetic variance if the values by way of
          this node were uncorrelated with all others, effect^2 over the genetic variance.

        And of every row:

        - ``genetic_share``, ``genetic_share_low``, ``genetic_share_high``: the covariance of the
          genetic values by this path with the genetic values, over the genetic variance. Those of
          all nodes and "direct" sum to 1. NaN for a network function, which is no sum over nodes.
        - ``phenotypic_share``, ``phenotypic_share_low``, ``phenotypic_share_high``: the same over
          the variance of y given covariates and random effects: `genetic_share` times the
          heritability of y in each draw. What an omic carries that is not genetic is not in it.

    Raises
    ------
    TypeError, ValueError
        If `model` is no fitted estimator or has no nodes.

    See Also
    --------
    snp_paths : The SNPs behind these numbers.

    Notes
    -----
    **A share may be negative.** A path whose genetic values are negatively correlated with those
    of the others lowers the genetic variance: without it the variance would be larger. Then
    `share_alone` is positive and `genetic_share` is not. It is no error of estimation as long as
    the interval is below zero; where it spans zero, chains often could not tell the path from
    another one that is correlated with it.

    ``effect`` and ``share_alone`` of a nonlinear network are those of its linearisation in each
    held draw, at the mean slope of y by the node over the training rows. Everything else is from
    all kept draws, and not linearised. Of latent nodes the sign, and so `weight` and `effect`, is
    not identified.

    These are shares of variance in a fitted model. When they may be read as causal: the guide on
    mediation.

    Examples
    --------
    >>> from sknnmm import NNMMRegressor
    >>> from sknnmm.datasets import make_omics_network
    >>> from sknnmm.mediation import omics_table
    >>> data = make_omics_network(n_samples=200, n_snps=30, n_omics=2, random_state=0)
    >>> model = NNMMRegressor(n_iter=300, burn_in=100, random_state=0)
    >>> table = omics_table(model.fit(data.X, data.y, omics=data.omics))
    >>> table["path"].tolist()
    ['omic_0', 'omic_1', 'mediated', 'direct', 'total']
    >>> round(float(table["genetic_share"].iloc[[0, 1, 3]].sum()), 6)
    1.0
    """
    check_scalar(interval, "interval", Real, min_val=0, max_val=1, include_boundaries="neither")
    draws = EffectDraws(model)
    if not draws.nodes:
        raise ValueError("omics_table needs a model fitted with omics or latent nodes.")
    table = _of_nodes(model, draws, interval)
    shares = _shares(model, draws)
    heritability = draws.posterior.draws["heritability"].reshape(-1)
    rows = [
        {
            "path": path,
            **mean_and_interval("genetic_share", share, interval),
            **mean_and_interval("phenotypic_share", share * heritability, interval),
        }
        for path, share in shares.items()
    ]
    return table.join(pd.DataFrame(rows).set_index("path"), how="right").reset_index()


def _of_nodes(model, draws, interval):
    """Return what concerns nodes alone, by their names."""
    posterior, n_nodes = draws.posterior, len(draws.nodes)
    is_linear = model._network.activation.is_linear
    genetic = np.column_stack([draws.genetic_variance(node) for node in draws.nodes])
    of_y = draws.genetic_variance(TOTAL)
    if is_linear:
        slopes = posterior.draws["omics_weights"].reshape(-1, n_nodes) / model.omics_scale_
    else:
        slopes = draws.slopes()
        genetic, of_y = draws.at_held(genetic), draws.at_held(of_y)
    effects = slopes * np.sqrt(genetic)
    alone = np.divide(
        effects**2, of_y[:, None], out=np.zeros_like(effects), where=of_y[:, None] > 0
    )
    heritability = posterior.draws["omics_heritability"].reshape(-1, n_nodes)
    weight = dict.fromkeys(
        ("weight", "weight_sd", "inclusion_probability"), np.full(n_nodes, np.nan)
    )
    if "omics_weights" in posterior.draws:  # a network function has none
        weight = {
            "weight": model.omics_weights_,
            "weight_sd": model.omics_weights_std_,
            "inclusion_probability": model.omics_inclusion_probability_,
        }
    rows = []
    for k in range(n_nodes):
        positive, negative = (effects[:, k] > 0).mean(), (effects[:, k] < 0).mean()
        rows.append(
            {
                **{name: values[k] for name, values in weight.items()},
                **mean_and_interval("heritability", heritability[:, k], interval),
                **mean_and_interval("effect", effects[:, k], interval),
                "sign_probability": max(positive, negative),
                "share_alone": alone[:, k].mean(),
            }
        )
    return pd.DataFrame(rows, index=pd.Index(draws.nodes, name="path"))


def _shares(model, draws):
    """Return the shares of the genetic variance in every kept draw, by path."""
    posterior, n_nodes = draws.posterior, len(draws.nodes)
    of_y = draws.genetic_variance(TOTAL)
    varies = of_y > NEGLIGIBLE * model._network.phenotype.scale[0] ** 2
    if "mediated_variance" in posterior.draws:
        by_node = posterior.draws["mediated_variance"].reshape(-1, n_nodes)
    else:  # a network function
        by_node = np.full((len(of_y), n_nodes), np.nan)
    mediated = by_node.sum(axis=1)
    shares = dict(zip(draws.nodes, by_node.T, strict=True)) | {MEDIATED: mediated}
    if DIRECT in draws.responses:
        shares[DIRECT] = np.where(varies, 1 - mediated, 0)
    return shares | {TOTAL: np.where(varies, 1.0, 0)}
