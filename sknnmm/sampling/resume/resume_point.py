"""Where chains resume, from a checkpoint or the last fit, and whether that was the same fit."""

from dataclasses import dataclass
from numbers import Real

import numpy as np

from sknnmm.sampling.resume.files import Checkpoint, read_chains

MAY_GROW = {"n_iter", "min_ess", "max_iter"}  # in a warm start: parameters that limit the length


@dataclass(frozen=True)
class ChainOrigin:
    """Where a chain begins: at its seed, or at a state that was saved of it."""

    seed: np.random.SeedSequence
    saved: dict | None = None  # see sampling/resume/snapshot.py
    checkpoint: Checkpoint | None = None  # where its states are saved

    def going_on(self, state):
        """Return the origin of the next round of the same chain."""
        if self.checkpoint is not None:
            self.checkpoint.wait()
        return ChainOrigin(self.seed, state, self.checkpoint)


@dataclass
class ResumePoint:
    """Where the chains of a fit start or resume: at their seeds, or at saved states."""

    fit: dict  # as described, with the entropy of the seeds
    states: list  # of every chain; None: it starts at its seed

    def origins(self, checkpoint):
        """Return the ChainOrigins, whose states are saved in `checkpoint` unless that is None."""
        seeds = np.random.SeedSequence(self.fit["entropy"]).spawn(len(self.states))
        saved = [None] * len(seeds)
        if checkpoint is not None:
            saved = [Checkpoint(checkpoint, chain, self.fit) for chain in range(len(seeds))]
        return [ChainOrigin(*parts) for parts in zip(seeds, self.states, saved, strict=True)]


def find_resume_point(fit, checkpoint, warm_start, last):
    """Return the ResumePoint of a fit.

    Parameters
    ----------
    fit : dict
        From `describe_fit`.
    checkpoint : Path or None
        Directory to look into first.
    warm_start : bool
        Whether the saved chains may be shorter: what limits their length may be larger now.
    last : dict or None
        Fit and states of the last fit, which a warm start continues.

    Raises
    ------
    ValueError
        If what there is to continue belongs to another fit, naming the differences.
    """
    n_chains = fit["parameters"]["n_chains"]
    if checkpoint is not None:
        found = read_chains(checkpoint, n_chains)
        if any(found):
            advice = "Pass another directory, or delete this one to start anew."
            if not warm_start:
                advice += " (With warm_start=True, n_iter, min_ess and max_iter may be larger.)"
            advice += (
                " In a cross-validation or a grid search every fit needs a directory of its own, "
                "or none."
            )
            return _continue(fit, found, f"checkpoint={str(checkpoint)!r}", warm_start, advice)
    if warm_start and last is not None:
        done, n_iter = last["fit"]["parameters"]["n_iter"], fit["parameters"]["n_iter"]
        if isinstance(n_iter, int) and isinstance(done, int) and n_iter <= done:
            raise ValueError(
                f"n_iter={n_iter} must be greater than the {done} iterations of the last fit, "
                "which warm_start=True continues."
            )
        found = [(last["fit"], state) for state in last["states"]]
        advice = "Set warm_start=False to start anew."
        return _continue(fit, found, "warm_start=True", warm_start, advice)
    return ResumePoint(fit, [None] * n_chains)


def _continue(fit, found, where, may_grow, advice):
    """Return the ResumePoint from (fit, state) of every chain, None where nothing was found."""
    found_fits = [saved[0] for saved in found if saved]
    if not all(_is_description(old) for old in found_fits):
        raise ValueError(f"{where} was not written by a fit. {advice}")
    if fit["parameters"]["random_state"] is None:  # the seeds of the saved fit count
        fit = fit | {"entropy": found_fits[0]["entropy"]}
    for old in found_fits:
        if differences := _differences(old, fit, may_grow):
            raise ValueError(
                f"{where} cannot continue another fit: {'; '.join(differences)}. {advice}"
            )
    return ResumePoint(fit, [saved and saved[1] for saved in found])


def _is_larger(new, old):
    return isinstance(new, Real) and isinstance(old, Real) and new > old


def _is_description(fit):
    """Return whether plain data could be what `describe_fit` returned, in any version."""
    kinds = {"sknnmm": str, "format": int, "entropy": int | list, "parameters": dict, "data": dict}
    return fit.keys() >= kinds.keys() and all(
        isinstance(fit[name], kind) for name, kind in kinds.items()
    )


def _differences(old, new, may_grow):
    if old["format"] != new["format"]:  # and hashes may be taken in another way
        return [f"format was {old['format']!r}, is {new['format']!r}"]
    before, now = old["parameters"], new["parameters"]
    changed = [
        (name, before[name], now[name])
        for name in before
        if name in now
        and before[name] != now[name]
        and not (may_grow and name in MAY_GROW and _is_larger(now[name], before[name]))
    ]
    changed += [(n, old[n], new[n]) for n in ("sknnmm", "entropy") if old[n] != new[n]]
    data = old["data"].keys() | new["data"].keys()
    return [f"{name} was {a!r}, is {b!r}" for name, a, b in changed] + [
        f"{name} differs in values, type or memory layout"
        for name in sorted(data)
        if old["data"].get(name) != new["data"].get(name)
    ]
