"""Shares of the genetic variance of y that are due to groups of SNPs and of omics."""

import numpy as np
import pandas as pd

from sknnmm.prediction.parts import SNPsPart, at_held

MAX_DRAWS = 100  # that are used, evenly spaced
NEGLIGIBLE = 1e-10  # of the variance of y
AT_ONCE = 10  # draws whose products with the genotypes are computed together
ALL, DIRECT, OMICS = "all", "direct", "omics"  # sums, the direct path, omics without groups


def group_variances(network, genotypes, snp_groups, omics_groups):
    """Return posterior mean and SD of the shares as tables, SNPs by omics.

    In each draw the share of a part is the covariance of its genetic values with those of all parts
    together, over the variance of the latter.

    Parameters
    ----------
    network : FittedNetwork
    genotypes : Genotypes
        Of the training rows.
    snp_groups, omics_groups : Groups or None

    Returns
    -------
    mean, sd : DataFrame
        A row for each group of SNPs and "all"; a column for each group of omics, or "omics"
        together, "direct" and "all".
    """
    shares = _Shares(network, genotypes, snp_groups, omics_groups)
    n_held = len(at_held(network.phenotype.posterior, network.phenotype.residual))
    chosen = np.unique(np.linspace(0, n_held - 1, min(n_held, MAX_DRAWS)).astype(int))
    of_draws = []
    for first in range(0, len(chosen), AT_ONCE):
        of_draws += shares.of_draws(chosen[first : first + AT_ONCE])
    tables = np.mean(of_draws, axis=0), np.std(of_draws, axis=0)
    return tuple(pd.DataFrame(table, shares.rows, shares.columns) for table in tables)


class _Shares:
    """The shares in single draws; parameters are those of `group_variances`."""

    def __init__(self, network, genotypes, snp_groups, omics_groups):
        phenotype = network.phenotype
        self._direct = next((p for p in phenotype.parts if isinstance(p, SNPsPart)), None)
        self._nodes, self._genotypes = phenotype.nodes, genotypes
        self._phenotype_scale = phenotype.scale[0]
        self._training = network.genetic_rows(genotypes.dosages)
        self._snp_groups = snp_groups
        self.rows = [*(() if snp_groups is None else snp_groups.names), ALL]
        self._paths, self._of_nodes = [], None
        if self._nodes is not None:
            self._paths = [OMICS] if omics_groups is None else list(omics_groups.names)
            group_of = 0 if omics_groups is None else omics_groups.of[:, None]
            n_terms = self._nodes.n_terms
            self._of_nodes = np.broadcast_to(
                group_of == np.arange(len(self._paths)), (n_terms, len(self._paths))
            ).astype(float)
        self.columns = [*self._paths, *([] if self._direct is None else [DIRECT]), ALL]

    def of_draws(self, held):
        """Return the shares (rows, columns) in each of some held draws."""
        batches = [slice(draw, draw + 1) for draw in held]
        # By path, the effects of SNPs (p, draws) that add up, or their genetic values (n, draws).
        effects, values = [], []
        if self._nodes is not None and self._nodes.activation.is_linear:
            effects += self._through_nodes(batches)
        elif self._nodes is not None:
            values += self._of_curved_nodes(batches)
        if self._direct is not None:
            effects.append(np.hstack([_dense(self._direct.snp_effects(b)) for b in batches]))
        genetic = sum(values) if values else 0.0
        if effects:
            genetic = genetic + self._genotypes.dot(np.asarray(sum(effects), float))
        genetic = genetic - genetic.mean(axis=0)
        total = (genetic * genetic).sum(axis=0)
        shares = np.full((len(held), len(self.rows), len(self.columns)), np.nan)
        for column, of_path in enumerate(values):
            shares[:, -1, column] = (of_path * genetic).sum(axis=0)
        products = self._genotypes.transpose_dot(genetic) if effects else None
        for column, of_path in enumerate(effects, start=len(values)):
            of_snps = of_path * products
            for row in range(len(self.rows) - 1):
                shares[:, row, column] = of_snps[self._snp_groups.of == row].sum(axis=0)
            shares[:, -1, column] = of_snps.sum(axis=0)
        shares[:, :, -1] = shares[:, :, :-1].sum(axis=2)
        # Without genetic variance, but for rounding errors, there is nothing to share out.
        scale = self._phenotype_scale**2
        total = np.where(total > NEGLIGIBLE * scale * len(genetic), total, np.inf)
        return list(shares / total[:, None, None])

    def _through_nodes(self, batches):
        """Return the effects (p, draws) by way of each group of linear nodes."""
        below = next(p for p in self._nodes.layer_below.parts if isinstance(p, SNPsPart))
        effects = []
        for batch in batches:
            slopes = self._nodes.slopes(None, batch)[0, :, :1]  # (K, 1)
            effects.append(_dense(below.snp_effects(batch) @ (slopes * self._of_nodes)))
        return list(np.moveaxis(np.array(effects), 0, 2).swapaxes(0, 1))

    def _of_curved_nodes(self, batches):
        """Return the genetic values (n, draws) by way of each group of nodes."""
        values = [self._nodes.terms(self._training, b)[:, 0] @ self._of_nodes for b in batches]
        return list(np.moveaxis(np.array(values), 0, 2).swapaxes(0, 1))


def _dense(effects):
    return effects.toarray() if hasattr(effects, "toarray") else effects
