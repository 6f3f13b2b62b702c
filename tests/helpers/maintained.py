"""What a sampler maintains between updates, against its definition after every one of them."""

import numpy as np
from numpy.testing import assert_allclose

from tests.helpers.networks import table_of_effects


def assert_maintained(sampler, chain, X, covariates, atol):
    """Assert that responses, activated nodes and fits are what their definition says.

    X are the genotypes, centred.
    """
    design = np.column_stack([np.ones(len(X)), covariates])
    for layer in sampler.layers:
        state = chain.layers[layer.name]
        seen = layer.observed
        assert_allclose(state.response[seen], layer.record[seen], atol=atol)
        for term in layer.terms:
            of_term = state.terms[term.name]
            if term.source:
                activated = term.activation.value(chain.layers[term.source].response)
                assert_allclose(of_term.activated, activated, atol=atol)
            elif not term.acts_by_snps:
                if of_term.fit is not None:
                    assert_allclose(of_term.fit, design @ of_term.coefficients, atol=atol)
            else:
                effects = table_of_effects(sampler, term, chain, np.random.default_rng(0))
                if of_term.fit is not None:
                    rows = layer.informed
                    assert_allclose(of_term.fit[rows], (X @ effects)[rows], atol=atol)
                if of_term.fit_products is not None:
                    products = X.T @ (layer.row_weight[:, None] * (X @ effects))
                    assert_allclose(of_term.fit_products, products.T, atol=20 * atol)


def every_update(sampler):
    """Return all that moves a chain in one iteration, as objects with a method `draw`."""
    updates = list(sampler.snp_updates)
    for layer in sampler.layers:
        updates += [term for term in layer.terms if not term.acts_by_snps]
        if layer.name not in sampler.collapsed:
            updates.append(sampler.variances[layer.name])
        updates += sampler.moves[layer.name]
        if layer.name in sampler.missing:
            updates.append(sampler.missing[layer.name])
    return updates


def watch(monkeypatch, updates, after):
    """Call `after` at the end of every draw of some updates."""

    def watched(draw):
        def call(*args, **kwargs):
            result = draw(*args, **kwargs)
            after()
            return result

        return call

    for update in updates:
        monkeypatch.setattr(update, "draw", watched(update.draw))
