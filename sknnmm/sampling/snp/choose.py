"""The rule that chooses how SNP effects are drawn, by priors and the shape of the data."""

import numpy as np

from sknnmm.sampling.snp.blocked import BlockedSweep
from sknnmm.sampling.snp.cross_products import ConnectionCrossProductSweep, CrossProductSweep
from sknnmm.sampling.snp.passes import ConnectionSweep, OneColumnSweep
from sknnmm.sampling.snp.spectral import SpectralDraw


def choose_updates(network, by_rows=False):
    """Return the SNPUpdates of all terms of SNPs.

    Spectral where the prior allows; connections one by one where they are few; from cross-products
    where these are small; blocked sweeps of all the rest, but for a single column.

    Parameters
    ----------
    network : Network
    by_rows : bool
        Keep to the updates that read the genotypes of every row, even where sums over the rows
        would do: to compare with the others.
    """
    updates, swept, summed, spectral = [], [], [], []
    for layer in network.layers:
        for term in layer.terms:
            if not term.acts_by_snps:
                continue
            from_sums = layer.is_constant and not by_rows
            # The blocked sweep knows unscaled genotypes only.
            connections = term.connections
            few = connections is not None and (connections.few or term.prior.scales_genotypes)
            if few and from_sums and ConnectionCrossProductSweep.pays(network, term):
                updates.append(ConnectionCrossProductSweep(network, [term]))
            elif few:
                updates.append(ConnectionSweep(network, [term]))
            elif term.prior.jointly_normal and connections is None:
                spectral.append((term, from_sums))
            elif not by_rows and CrossProductSweep.pays(network, [term]):
                summed.append((term, from_sums))
            else:
                swept.append(term)
    for terms, from_sums in _alike(spectral):
        updates.append(SpectralDraw(network, terms, from_sums))
    for terms, from_sums in _alike(summed):
        updates.append(CrossProductSweep(network, terms, from_sums))
    for terms in BlockedSweep.groups(swept):
        kind = OneColumnSweep if OneColumnSweep.pays(terms) else BlockedSweep
        updates.append(kind(network, terms))
    return updates


def _alike(summed):
    """Return (terms, from_sums) of terms with the same rows and SNPs that read them alike."""
    groups = []
    for term, from_sums in summed:
        for terms, same in groups:
            if (
                same == from_sums
                and terms[0].prior.scales_genotypes == term.prior.scales_genotypes
                and np.array_equal(terms[0].row_weight, term.row_weight)
            ):
                terms.append(term)
                break
        else:
            groups.append(([term], from_sums))
    return groups
