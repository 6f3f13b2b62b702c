"""A chain that meets a value that is not finite raises."""

import numpy as np
import pytest

from sknnmm.priors import ScaledInverseChi2
from sknnmm.sampling.gibbs import Sampler
from sknnmm.sampling.residual_variances import ResidualVariances

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def test_nonfinite_state_stops_the_chain(data, short, monkeypatch):
    def draw(self, state, residual, rng):
        state.residual_variance[:] = np.nan

    monkeypatch.setattr(ResidualVariances, "draw", draw)
    with pytest.raises(FloatingPointError, match=r"residual_variance became .*nan.* iteration 1"):
        short().fit(data.X, data.y)


@pytest.mark.parametrize("method", ["BayesC", "RR-BLUP"])
@pytest.mark.parametrize(
    ("part", "omics"),
    [
        *(
            (part, omics)
            for part in (
                ("omics", "snp_effects"),
                ("phenotype", "direct_effects"),
                ("phenotype", "omics_weights"),
            )
            for omics in ("gappy", "omics")
        ),
        (("phenotype", "direct_effects"), None),
    ],
)
def test_nonfinite_effects_stop_the_chain_with_fixed_residual_variances(
    part, omics, method, data, short, monkeypatch
):
    iterate, done = Sampler.iterate, []

    def broken(self, chain, rng, tuning):
        iterate(self, chain, rng, tuning)
        done.append(0)
        if len(done) >= 30:
            layer, term = part
            state = chain.layers[layer].terms[term]
            state.effects[0] = np.nan
            if getattr(state, "fit", None) is not None:
                state.fit[:] = np.nan

    monkeypatch.setattr(Sampler, "iterate", broken)
    model = short(
        method=method,
        omics_method="RR-BLUP",
        residual_prior=ScaledInverseChi2(scale=0.5, estimate_variance=False),
    )
    with pytest.raises(FloatingPointError, match=r"nan.* iteration 3[01]|iteration 3[01] .*nan"):
        model.fit(data.X, data.y, omics=omics and getattr(data, omics))
