"""Rounds: their lengths as a function of what the draws say, and of nothing else."""

import random
from types import SimpleNamespace

from sknnmm.sampling.chains.chain import ChainSettings
from sknnmm.sampling.chains.length import UntilConverged


def rounds(verdicts, burn_in=500, thin=1, max_iter=50_000):
    """Return the ChainSettings of every round, given whether its draws will do."""
    told, burning = iter(verdicts), []

    def judge(results, is_burn_in):
        burning.append(is_burn_in)
        return next(told), "so so"

    length = UntilConverged(burn_in, thin, max_iter, judge)
    settings, ran = length.first([SimpleNamespace(saved=None)] * 2), []
    while settings is not None:
        ran.append(settings)
        settings, remark = length.after(settings, [])
        assert remark.endswith(": so so")
        kind = "burn-in" if burning[-1] else "sampling"
        assert remark.startswith(f"after round {len(ran)} ({kind})")
    assert next(told, None) is None
    assert burning == [s.n_iter == s.burn_in for s in ran]
    return ran


def numbers(ran):
    return [(s.n_iter, s.burn_in, s.skipped) for s in ran]


def test_chains_that_agree_at_once():
    assert numbers(rounds([True, True])) == [(500, 500, 250), (1000, 500, 500)]


def test_burn_in_doubles_until_chains_agree_and_draws_grow_until_there_are_enough():
    ran = rounds([False, False, True, False, True])
    assert numbers(ran) == [
        (500, 500, 250), (1000, 1000, 500), (2000, 2000, 1000), (4000, 2000, 2000),
        (4500, 2000, 2000),
    ]  # fmt: skip
    assert [s.round for s in ran] == [1, 2, 3, 4, 5]


def test_max_iter_ends_it():
    ran = rounds([True, False, False, False], max_iter=1200)
    assert numbers(ran)[1:] == [(1000, 500, 500), (1125, 500, 500), (1200, 500, 500)]


def test_burn_in_takes_half_of_max_iter_at_most():
    ran = rounds([False] * 4, max_iter=2200)
    assert numbers(ran)[1:] == [(1000, 1000, 500), (2000, 1000, 1000), (2200, 1000, 1000)]


def test_thinned_draws_are_judged_when_there_are_some():
    (_, second) = rounds([True, True], thin=20)
    assert (second.n_iter, second.n_kept) == (1500, 50)


def test_any_verdicts_and_limits_leave_draws_and_end():
    rng = random.Random(0)
    for _ in range(2000):
        max_iter = rng.randrange(2, 5000)
        burn_in = rng.randrange(max_iter)
        thin = rng.randrange(1, max_iter - burn_in + 1)
        share = rng.random()

        def judge(results, is_burn_in, share=share):
            return rng.random() < share, ""

        length = UntilConverged(burn_in, thin, max_iter, judge)
        ran = [length.first([])]
        while (settings := length.after(ran[-1], [])[0]) is not None:
            ran.append(settings)
        ends = [s.n_iter for s in ran]
        assert ends == sorted(set(ends))
        last = ran[-1]
        assert burn_in <= last.burn_in == last.skipped < last.n_iter <= max_iter
        assert last.n_kept >= 1


def test_chains_go_on_in_the_last_round_that_any_has_begun():
    ran = rounds([False, True, True])
    states = [{"settings": vars(settings)} for settings in (ran[2], ran[0])]
    length = UntilConverged(500, 1, 50_000, None)
    origins = [SimpleNamespace(saved=state) for state in (*states, None)]
    assert length.first(origins) == ran[2]


def test_a_larger_max_iter_continues_the_same_series_of_rounds():
    """Those after a round that a smaller max_iter cut are the ones it would have had without."""
    cut, free = (
        UntilConverged(100, 1, n, lambda results, is_burn_in: (False, "")) for n in (777, 9999)
    )
    settings = ChainSettings(777, 200, 1, 200, keep_state=True, round=9)
    assert cut.after(settings, [])[0] is None
    following, lengths = free.after(settings, [])[0], []
    settings = ChainSettings(400, 200, 1, 200, keep_state=True, round=3)  # the first that is kept
    while settings.n_iter < following.n_iter:
        settings = free.after(settings, [])[0]
        lengths.append(settings.n_iter)
    assert lengths[-1] == following.n_iter
