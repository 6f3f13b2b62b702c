"""How much of the genetic variance of y comes from which SNPs, by way of which omic."""

import numpy as np
import pandas as pd
from scipy import sparse

from sknnmm.genotypes.centred import Genotypes
from sknnmm.inputs.positions import positions_of_snps
from sknnmm.plotting._genome import natural_order
from sknnmm.prediction.effect_draws import DIRECT, TOTAL, EffectDraws

UNPLACED = "no chromosome"


def genetic_flows(model, X, groups):
    """Return posterior mean shares of the genetic variance of y, a DataFrame (groups, paths).

    A share is the covariance, over the individuals of X, of the genetic values by the SNPs of a
    group by way of a path with all genetic values, over the variance of these. All of them sum to
    1. Paths are the nodes and "direct". From the draws whose SNP effects are held; nonlinear
    networks are linearised.
    """
    draws = EffectDraws(model)
    (total,) = draws.chosen([TOTAL])
    kind = "chromosome" if isinstance(groups, pd.DataFrame) else getattr(groups, "name", None)
    codes, names = groups_of_snps(model, groups, draws.n_snps)
    per_effect = _shares_per_effect(draws.effects(total), Genotypes(X))
    slopes = draws.slopes() if draws.nodes else None
    columns = {}
    for path in [r for r in draws.responses if r in draws.nodes or r == DIRECT]:
        own = _dense(draws.effects(path))
        if path in draws.nodes:
            own = own * slopes[:, draws.nodes.index(path)]
        of_snps = np.einsum("js,js->j", own, per_effect) / draws.n_draws
        columns[path] = np.bincount(codes, weights=of_snps, minlength=len(names))
    return pd.DataFrame(columns, index=pd.Index(names, name=kind))


def groups_of_snps(model, groups, n_snps):
    """Return the number of the group of each SNP, and the names of the groups in order."""
    if groups is None:
        return np.zeros(n_snps, int), ["SNPs"]
    if isinstance(groups, pd.DataFrame):
        positions = positions_of_snps(model, groups)
        labels = positions["chromosome"].astype(object).where(positions["chromosome"].notna())
        labels = labels.fillna(UNPLACED).to_numpy()
        names = sorted(dict.fromkeys(labels), key=natural_order)
    else:
        labels = np.asarray(groups, dtype=object)
        if labels.shape != (n_snps,):
            raise ValueError(
                f"groups must have a label for each of the {n_snps} SNPs of the model, or be a "
                f"DataFrame with their chromosomes; its shape is {labels.shape}."
            )
        names = list(dict.fromkeys(labels))
    return pd.Index(names, dtype=object).get_indexer(pd.Index(labels, dtype=object)), names


def _shares_per_effect(total, genotypes):
    """Return the share that an effect of 1 of a SNP adds in each draw, (p, draws)."""
    total = _dense(total)
    values = genotypes.dot(total)
    sums = np.einsum("is,is->s", values, values)
    per_sum = np.divide(1, sums, out=np.zeros_like(sums), where=sums > 0)
    return genotypes.transpose_dot(values) * per_sum


def _dense(effects):
    return np.asarray(effects.toarray() if sparse.issparse(effects) else effects)
