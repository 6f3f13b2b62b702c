"""One Markov chain from its seed, or a saved state, to its result."""

import math
from contextlib import contextmanager
from dataclasses import asdict, dataclass

import numpy as np
from numba import types

from sknnmm.sampling.chains.genetic_values import followed_rows
from sknnmm.sampling.chains.recorder import Recorder
from sknnmm.sampling.chains.start import starting_state
from sknnmm.sampling.gibbs import REFRESH_EVERY
from sknnmm.sampling.resume import snapshot

#: What reading a saved state raises that is of another model, or of no model at all.
FOREIGN = (AttributeError, IndexError, KeyError, TypeError, ValueError)


class Stream(np.random.Generator):
    """A Generator that numba recognises at once, not by inspecting it in every call."""

    _numba_type_ = types.npy_rng


@dataclass(frozen=True)
class ChainSettings:
    """Length of a chain: total iterations, how many of them are burn-in, and thinning."""

    n_iter: int
    burn_in: int  # in which the sampler is tuned
    thin: int
    skipped: int  # iterations before the first that may be kept: burn-in, if that is over
    keep_state: bool = False  # the last one, for a longer chain to continue from
    round: int = 1  # that ends here

    @property
    def is_burn_in(self):
        """Return whether all of it is burn-in, kept to see whether the chains agree."""
        return self.burn_in == self.n_iter

    @property
    def n_kept(self):
        """Return the number of kept draws."""
        return self.kept_by(self.n_iter)

    def kept_by(self, iteration):
        """Return how many draws are kept by the end of `iteration`."""
        return max(0, iteration - self.skipped) // self.thin

    def keeps(self, iteration):
        """Return whether the state after `iteration` (from 1) is kept."""
        return iteration > self.skipped and (iteration - self.skipped) % self.thin == 0


@dataclass(frozen=True)
class Stopped:
    """What is left of a chain that saw a StopSign: the iterations done. Its state is saved."""

    iteration: int


def run_chain(sampler, origin, settings, effects_budget, progress, stop):
    """Run one chain.

    Parameters
    ----------
    sampler : Sampler
    origin : ChainOrigin
    settings : ChainSettings
    effects_budget : float
        Bytes for draws of SNP effects.
    progress : callable
        Called with the number of iterations done.
    stop : StopSign

    Returns
    -------
    ChainResult or Stopped

    Notes
    -----
    What is recorded has random numbers of its own, so that the iterations do not depend on it.
    """
    if stop.is_up:
        return Stopped(origin.saved["iteration"] if origin.saved else 0)
    rngs = {"iterations": _stream(origin.seed), "recording": _stream(_child(origin.seed))}
    rng = rngs["iterations"]
    chain = starting_state(sampler, rng)
    rows = followed_rows(origin.seed.entropy, len(sampler.layers[-1].record))
    budget = 0 if settings.is_burn_in else effects_budget
    recorder = Recorder(sampler, settings.n_kept, budget, rows)
    done = 0
    if origin.saved is not None:
        done = _restore(origin, chain, recorder, rngs, settings)

    def state(iteration):
        return snapshot.take(iteration, asdict(settings), chain, recorder, rngs)

    watched = _watched(sampler.network, chain)
    for iteration in range(done + 1, settings.n_iter + 1):
        with _named(iteration):
            sampler.iterate(chain, rng, tuning=iteration <= settings.burn_in)
        _check_finite(watched, iteration)
        if iteration % REFRESH_EVERY == 0:
            sampler.refresh(chain)
        if settings.keeps(iteration):
            with _named(iteration):
                recorder.record(chain, rngs["recording"])
        progress(iteration)
        stopped = stop.is_up
        ends = stopped or iteration == settings.n_iter
        if origin.checkpoint and (ends or origin.checkpoint.is_due()):
            origin.checkpoint.save(state(iteration))
        if stopped:
            return Stopped(iteration)
    # In a stream of its own: a longer chain goes on as if it had not ended here.
    result = recorder.result(chain, Stream(rng.bit_generator.jumped()))
    if settings.keep_state:
        result.state = state(settings.n_iter)
    return result


def _stream(seed):
    return Stream(np.random.PCG64(seed))


def _child(seed):
    """Return a seed that is another than any of the chains."""
    return np.random.SeedSequence(seed.entropy, spawn_key=(*seed.spawn_key, 0))


def _restore(origin, chain, recorder, rngs, settings):
    """Put back a saved state, which may come from anywhere; return the iterations done.

    What it has recorded is left if that has turned out to be burn-in.
    """
    saved = origin.saved
    try:
        done = snapshot.restore_chain(saved, chain, rngs["iterations"])
        if not 0 < done <= settings.n_iter:
            raise ValueError(f"iteration is {done}, n_iter={settings.n_iter}.")
        if saved["settings"]["skipped"] == settings.skipped:
            if saved["recorder"]["n_recorded"] != settings.kept_by(done):
                raise ValueError(f"n_recorded does not belong to iteration {done}.")
            snapshot.restore_recorder(saved, recorder, rngs["recording"])
        elif done > settings.skipped:
            raise ValueError(f"draws are kept after iteration {saved['settings']['skipped']}.")
    except FOREIGN as error:
        raise _not_of_this_model(origin, error) from error
    return done


def saved_settings(origin):
    """Return the ChainSettings of the round in which a state was saved."""
    try:
        settings = ChainSettings(**origin.saved["settings"])
        if not 0 <= settings.skipped <= settings.burn_in <= settings.n_iter or settings.thin < 1:
            raise ValueError(f"{settings} is no length.")
    except FOREIGN as error:
        raise _not_of_this_model(origin, error) from error
    return settings


def _not_of_this_model(origin, error):
    where, advice = "warm_start=True", "Set warm_start=False"
    if origin.checkpoint:
        where, advice = f"checkpoint in {origin.checkpoint.directory}", "Pass another directory"
    return ValueError(
        f"{where}: the saved state of a chain does not belong to this model ({error!r}). "
        f"{advice} to start anew."
    )


@contextmanager
def _named(iteration):
    """Say in which iteration a value was not finite."""
    try:
        yield
    except FloatingPointError as error:
        raise FloatingPointError(
            f"At iteration {iteration} the chain cannot continue: {error}"
        ) from error


def _watched(network, chain):
    """Return what any value that is not finite reaches within one iteration, by name.

    The fixed effects are drawn given all other parts of a layer; variances may be kept fixed. Views
    of the state, which is drawn in place.
    """
    watched = {}
    for layer in network.layers:
        state = chain.layers[layer.name]
        watched[f"{layer.prefix}residual_variance"] = state.residual_variance
        for term in layer.terms:
            if not term.acts_by_snps:
                name = f"the {term.name} effects of the layer {layer.name}"
                watched[name] = term.coefficients(state.terms[term.name])
    return watched


def _check_finite(watched, iteration):
    """Raise unless all that is watched is finite."""
    if math.isfinite(sum(values.sum() for values in watched.values())):
        return
    name = next(name for name, values in watched.items() if not np.isfinite(values).all())
    raise FloatingPointError(
        f"{name} became {watched[name].ravel()} at iteration {iteration}: the chain cannot "
        "continue. Look for extreme values in the data and for priors far from the data (scales "
        "refer to standardised y and omics), or use precision='double'."
    )
