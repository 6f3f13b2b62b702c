"""Tables of variance components and of random effects, on the original scale."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from sknnmm.common.layer_names import OMICS, PHENOTYPE

PREFIX = {OMICS: "omics_", PHENOTYPE: ""}  # of the names of variables
QUANTILES = {"5%": 0.05, "50%": 0.5, "95%": 0.95}


@dataclass(eq=False)
class FittedRandom:
    """A term of random effects in one layer: posterior moments (L, C) of the effects.

    Reliability is 1 - sd^2 / prior variance.
    """

    name: str
    layer: str
    levels: np.ndarray  # (L,) labels
    mean: np.ndarray
    sd: np.ndarray
    reliability: np.ndarray  # NaN where the prior variance is 0 or not known
    multiple: float  # mean variance of its contribution to a record, over s2_u
    multiple_of_rows: float  # to any row passed to fit, with a record or not


def random_effects(fitted, responses):
    """Return {name of the term: DataFrame of its effects, by level}.

    Parameters
    ----------
    fitted : list of FittedRandom
    responses : dict
        Names of the responses of each layer.
    """
    tables = {}
    for effect in sorted(fitted, key=lambda effect: list(responses).index(effect.layer)):
        columns = tables.setdefault(effect.name, {})
        for k, response in enumerate(responses[effect.layer]):
            columns[response, "mean"] = effect.mean[:, k]
            columns[response, "sd"] = effect.sd[:, k]
            columns[response, "reliability"] = effect.reliability[:, k]
    labels = {effect.name: effect.levels for effect in fitted}
    return {name: _by_level(columns, labels[name], name) for name, columns in tables.items()}


def _by_level(columns, levels, name):
    table = pd.DataFrame(columns, index=pd.Index(levels, name=name))
    table.columns = table.columns.set_names(["response", "statistic"])
    return table


def variance_components(posterior, fitted, responses, mean_inverse_weight, per_unit=None):
    """Return a DataFrame with one row for each layer, response and term.

    Parameters
    ----------
    posterior : Posterior
    fitted : list of FittedRandom
    responses : dict
        Names of the responses of each layer.
    mean_inverse_weight : float
        Mean over the records of their residual variance of y over that of weight 1.
    per_unit : ndarray of shape (K,), or None
        What a unit of each linear node adds to y per weight; None: nodes are not linear.
    """
    rows = {}
    for layer, of_layer in responses.items():
        parts = _parts(posterior.draws, layer, fitted, mean_inverse_weight, per_unit)
        total = sum(contribution for _, contribution in parts.values())
        for k, response in enumerate(of_layer):
            for term, (variance, contribution) in parts.items():
                with np.errstate(invalid="ignore", divide="ignore"):
                    share = contribution[:, k] / total[:, k]
                rows[layer, response, term] = _summary(variance[:, k], share)
    return pd.DataFrame(list(rows.values()), index=_in_order(list(rows)))


def variance_besides_snps(posterior, fitted, names, per_unit):
    """Return the mean variance of y in the training rows that random effects of these names make.

    With a record or not, as the genetic variance is that of all rows. NaN where they act through
    nodes that are not linear (`per_unit` is None).
    """
    own = [
        replace(effect, multiple=effect.multiple_of_rows)
        for effect in fitted
        if effect.name in names
    ]
    if per_unit is None and any(effect.layer == OMICS for effect in own):
        return np.nan
    parts = _parts(posterior.draws, PHENOTYPE, own, 1.0, per_unit)
    return sum(parts[name][1].mean() for name in {effect.name for effect in own})


def _in_order(keys):
    """Return an index of tuples; sorted as far as pandas can tell, so that it looks up quickly."""
    layers, responses, terms = (list(dict.fromkeys(values)) for values in zip(*keys, strict=True))
    terms = [term for term in terms if term != "residual"] + ["residual"]
    levels = layers, responses, terms
    codes = [[level.index(key[i]) for key in keys] for i, level in enumerate(levels)]
    return pd.MultiIndex(levels, codes, names=["layer", "response", "term"])


def _parts(draws, layer, fitted, mean_inverse_weight, per_unit):
    """Return {term: (variance, what it adds to the variance of a record)}, (draws, C) each."""

    def drawn(name):
        values = draws[f"{PREFIX[layer]}{name}"]
        return values.reshape(values.shape[0] * values.shape[1], -1)

    residual, heritability = drawn("residual_variance"), drawn("heritability")
    of_record = residual * (mean_inverse_weight if layer == PHENOTYPE else 1.0)
    if layer == PHENOTYPE:
        genetic = drawn("genetic_variance")
        parts = {"SNPs": (genetic, genetic)}
        if per_unit is not None:
            nodes = _through_omics(draws, "residual", per_unit)
            parts["omics"] = nodes, nodes
        elif "omics_heritability" in draws:
            # Not known of draws without genetic variance.
            known = np.where(genetic > 0, heritability, np.nan)
            nodes = np.maximum(genetic / known - genetic - of_record, 0)
            parts["omics"] = nodes, nodes
    else:
        genetic = heritability / (1 - heritability) * residual
        parts = {"SNPs": (genetic, genetic)}
    for effect in fitted:
        if effect.layer == layer:
            variance = drawn(f"{effect.name}_variance")
        elif layer == PHENOTYPE and per_unit is not None:
            variance = _through_omics(draws, effect.name, per_unit)
        else:
            continue
        before = parts.get(effect.name, (0.0, 0.0))
        parts[effect.name] = before[0] + variance, before[1] + effect.multiple * variance
    parts["residual"] = residual, of_record
    return parts


def _through_omics(draws, name, per_unit):
    """Return the variance of y that a term of linear omics makes, (draws, 1)."""
    weights = draws["omics_weights"].reshape(-1, len(per_unit)) * per_unit
    variance = draws[f"{PREFIX[OMICS]}{name}_variance"].reshape(-1, len(per_unit))
    return (weights**2 * variance).sum(axis=1, keepdims=True)


def _summary(variance, share):
    known = np.isfinite(variance + share)
    if not known.any():  # an omic without variance has no shares
        known = np.isfinite(variance)
    variance, share = variance[known], share[known]
    if not len(variance):
        return dict.fromkeys(("mean", "sd", *QUANTILES, "share"), np.nan)
    quantiles = {name: np.quantile(variance, at) for name, at in QUANTILES.items()}
    return {"mean": variance.mean(), "sd": variance.std(), **quantiles, "share": share.mean()}
