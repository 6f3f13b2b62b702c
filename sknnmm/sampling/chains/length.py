"""How long chains run: a given number of iterations, or in rounds until they have converged."""

import math

from sknnmm.sampling.chains.chain import ChainSettings, saved_settings

SHORTEST_BURN_IN = 100  # iterations before the chains are first compared
GROWTH = 1.25  # of the kept iterations, from round to round
FIRST_DRAWS = 50  # of a chain: with fewer, nothing is judged


class FixedLength:
    """One round of `n_iter` iterations."""

    def __init__(self, n_iter, burn_in, thin, keep_state):
        self._settings = ChainSettings(n_iter, burn_in, thin, burn_in, keep_state)
        self.n_iter = n_iter

    def first(self, origins):
        """Return the ChainSettings of the round in which the chains are, given ChainOrigins."""
        return self._settings

    def after(self, settings, results):
        """Return the ChainSettings of the next round, None if there is none; and a remark."""
        return None, ""

    def name(self, settings):
        """Return what a round is called."""
        return ""


class UntilConverged:
    """Rounds until burn-in is over, then until the chains have converged.

    Burn-in is doubled until the draws of its second half will do; it takes no more than half of
    `max_iter`. Then kept iterations are added, a quarter of those there are, until all kept draws
    will do, or `max_iter` is reached.

    What a chain does depends on the two numbers only, iterations and burn-in, that come out of
    this: a fit of that fixed length is the same to the bit. And what comes out depends on the draws
    only, so that chains that were stopped anywhere come to the same end.

    Parameters
    ----------
    burn_in : int
        At least.
    thin, max_iter : int
    judge : callable
        Takes the ChainResults, and whether they are of burn-in. Returns whether they will do, and a
        summary for the progress bar.
    """

    n_iter = None  # not known before

    def __init__(self, burn_in, thin, max_iter, judge):
        self._thin, self._max_iter, self._judge = thin, max_iter, judge
        self._longest_burn_in = max(burn_in, min(max_iter // 2, max_iter - thin))
        self._first_burn_in = max(burn_in, min(SHORTEST_BURN_IN, self._longest_burn_in))

    def first(self, origins):
        """Return the ChainSettings of the round in which the chains are, given ChainOrigins.

        That is the last one that any of them has begun: others may have been saved before.
        """
        rounds = [saved_settings(origin) for origin in origins if origin.saved is not None]
        if rounds:
            return max(rounds, key=lambda settings: settings.n_iter)
        return self._burning_in(self._first_burn_in, 1)

    def after(self, settings, results):
        """Return the ChainSettings of the next round, None if there is none; and a remark."""
        will_do, summary = self._judge(results, settings.is_burn_in)
        return self._next(settings, will_do), f"after {self.name(settings)}: {summary}"

    def name(self, settings):
        """Return what a round is called."""
        return f"round {settings.round} ({'burn-in' if settings.is_burn_in else 'sampling'})"

    def _next(self, settings, will_do):
        burn_in, following = settings.burn_in, settings.round + 1
        if settings.is_burn_in:
            if not will_do and 2 * burn_in <= self._longest_burn_in:
                return self._burning_in(2 * burn_in, following)
            return self._sampling(burn_in, self._least_kept(burn_in), following)
        if will_do or settings.n_iter >= self._max_iter:
            return None
        kept = self._least_kept(burn_in)
        while kept <= settings.n_iter - burn_in:  # also after a round that a smaller max_iter cut
            kept = math.ceil(GROWTH * kept)
        return self._sampling(burn_in, kept, following)

    def _least_kept(self, burn_in):
        return max(burn_in, self._thin * FIRST_DRAWS)

    def _burning_in(self, n_iter, number):
        return ChainSettings(n_iter, n_iter, 1, n_iter // 2, keep_state=True, round=number)

    def _sampling(self, burn_in, kept, number):
        n_iter = min(burn_in + kept, self._max_iter)
        return ChainSettings(n_iter, burn_in, self._thin, burn_in, keep_state=True, round=number)
