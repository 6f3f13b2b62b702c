"""One Markov chain from its seed to its result."""

import math
from dataclasses import dataclass

import numpy as np
from numba import types

from sknnmm.sampling.recorder import Recorder
from sknnmm.sampling.sampler import REFRESH_EVERY
from sknnmm.sampling.start import starting_state


class Stream(np.random.Generator):
    """A Generator that numba recognises at once, not by inspecting it in every call."""

    _numba_type_ = types.npy_rng


@dataclass(frozen=True)
class ChainSettings:
    """Length of a chain: total iterations, how many of them are burn-in, and thinning."""

    n_iter: int
    burn_in: int
    thin: int

    @property
    def n_kept(self):
        """Return the number of kept draws."""
        return (self.n_iter - self.burn_in) // self.thin

    def keeps(self, iteration):
        """Return whether the state after `iteration` (from 1) is kept."""
        return iteration > self.burn_in and (iteration - self.burn_in) % self.thin == 0


def run_chain(sampler, seed, settings, effects_budget, progress):
    """Run one chain.

    Parameters
    ----------
    sampler : Sampler
    seed : numpy.random.SeedSequence
    settings : ChainSettings
    effects_budget : int
        Bytes for draws of SNP effects.
    progress : callable
        Called with the number of iterations done.

    Returns
    -------
    ChainResult
    """
    rng = Stream(np.random.PCG64(seed))
    chain = starting_state(sampler, rng)
    recorder = Recorder(sampler, settings.n_kept, effects_budget)
    for iteration in range(1, settings.n_iter + 1):
        sampler.iterate(chain, rng, tuning=iteration <= settings.burn_in)
        _check_finite(chain, iteration)
        if iteration % REFRESH_EVERY == 0:
            sampler.refresh(chain)
        if settings.keeps(iteration):
            recorder.record(chain, rng)
        progress(iteration)
    return recorder.result(chain)


def _check_finite(chain, iteration):
    """Stop a chain whose residual variances, which any bad value reaches, are not finite."""
    for name in ("residual_variance", "omics_residual_variance"):
        values = getattr(chain, name)
        if not math.isfinite(values[0] if len(values) == 1 else values.sum()):
            raise FloatingPointError(
                f"{name} became {getattr(chain, name)} at iteration {iteration}: the chain cannot "
                "go on. Check the data for extreme values, or use precision='double'."
            )
