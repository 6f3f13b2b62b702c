"""Chains are judged by what users read; a warning says what helps."""

import re
import warnings
from collections import Counter
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.signal import lfilter
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV

from sknnmm import NNMMRegressor
from sknnmm.estimators.convergence import Wanted, warn_unless_converged
from sknnmm.estimators.short_name import short_name
from sknnmm.posterior.diagnostics import MAX_R_HAT, has_failed, of_draws
from sknnmm.priors import BayesC
from sknnmm.sampling.chains.chain import ChainSettings


def messages(fit):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ConvergenceWarning)
        fit()
    return [str(w.message) for w in caught]


def autoregressive(ess, n_quantities, n_chains=2, n_draws=1500, seed=0):
    """Return draws (quantity, chain, draw) with this effective sample size."""
    ratio = ess / (n_chains * n_draws)
    correlation = (1 - ratio) / (1 + ratio)
    noise = np.random.default_rng(seed).standard_normal((n_quantities, n_chains, n_draws))
    noise[..., 0] /= np.sqrt(1 - correlation**2)
    return lfilter([1], [1, -correlation], noise)


# --- what is a target ---------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_targets_are_what_users_read(data, short):
    model = short(n_latent=1).fit(data.X, data.y, omics=data.gappy, covariates=data.covariates)
    targets = model.diagnostics_["target"]
    of_omics = ("omics_weights", "mediated_variance", "omics_heritability")
    expected = {"heritability"}
    expected |= {f"{name}[omic_{k}]" for name in of_omics for k in range(3)}
    expected |= {f"omics_residual_variance[omic_{k}]" for k in range(3)}
    expected |= {f"covariate_effects[covariate_{c}]" for c in range(2)}
    expected |= {f"genetic_values[{row}]" for row in model.posterior_.genetic_values_row}
    assert set(targets.index[targets]) == expected
    # With a latent node the data do not tell its residual variance from that of y.
    assert not targets["residual_variance"]
    assert short().fit(data.X, data.y).diagnostics_.loc["residual_variance", "target"]
    others = set(targets.index[~targets])
    assert {"pi[omic_0]", "omics_pi", "direct_pi", "omics_weights[latent_0]"} <= others
    assert {"snp_effects_variance[omic_0]", "omics_weights_variance"} <= others


# --- the verdict --------------------------------------------------------------------------------


FIXED_LENGTH = Wanted(100, "n_iter", "NNMMRegressor(n_iter=2000)")


def judged(quantities, wanted=FIXED_LENGTH, **specification):
    """Return the warnings of 2 x 1,500 kept draws of {label: (draws (chain, draw), target)}."""
    made = {"snp_prior": BayesC(), "weight_prior": BayesC(), "direct_prior": None, "n_latent": 0}
    made = SimpleNamespace(**made | specification)
    columns = [draws for draws, _ in quantities.values()]
    table = of_draws(columns)
    table.index, table["target"] = list(quantities), [target for _, target in quantities.values()]
    settings = ChainSettings(n_iter=2000, burn_in=500, thin=1, skipped=500)
    return messages(lambda: warn_unless_converged(table, columns, settings, made, wanted))


FAST, SLOW = autoregressive(1000, 1)[0], autoregressive(20, 1)[0]


def test_slow_hyperparameters_alone_are_no_reason_to_warn():
    assert judged({"direct_pi": (SLOW, False), "heritability": (FAST, True)}) == []
    (message,) = judged({"direct_pi": (FAST, False), "heritability": (SLOW, True)})
    assert message.startswith("NNMMRegressor(n_iter=2000): R-hat > 1.05 (beyond chance) or ")
    assert "in 1 of 1 targets; worst: heritability (R-hat" in message


def test_a_message_says_whether_predictions_can_be_used():
    values = {"genetic_values[0]": (FAST, True)}
    (message,) = judged({**values, "heritability": (SLOW, True)})
    assert "Genetic values have converged" in message
    (message,) = judged({"genetic_values[0]": (SLOW, True)})
    assert "Genetic values have converged" not in message


def test_advice_depends_on_what_is_slow():
    (of_weights,) = judged({"omics_weights[a]": (SLOW, True)})
    assert "models: omics_method='RR-BLUP'." in of_weights and "estimate_pi" not in of_weights
    (of_effects,) = judged({"heritability": (SLOW, True)})
    assert "models: method='RR-BLUP'; estimate_pi=False" in of_effects
    assert "omics_method" not in of_effects
    fixed = BayesC(estimate_pi=False)
    (of_fixed,) = judged({"heritability": (SLOW, True)}, snp_prior=fixed)
    assert "mix faster" not in of_fixed


def test_latent_nodes_beside_direct_effects_are_named_as_a_cause():
    slow = {"heritability": (SLOW, True)}
    for n_latent, direct_prior, is_cause in (
        (1, BayesC(), True),
        (1, None, False),
        (0, BayesC(), False),
    ):
        (message,) = judged(slow, n_latent=n_latent, direct_prior=direct_prior)
        assert ("set direct_effects=False, or n_latent=0" in message) is is_cause


def test_the_advised_length_follows_from_the_effective_sample_size():
    draws = autoregressive(60, 1)[0]
    (message,) = judged({"heritability": (draws, True)})
    ess = of_draws([draws])["ess_bulk"].item()
    n_iter = int(re.search(r"Try n_iter=(\d+)", message)[1])
    assert 0 <= n_iter - (500 + 1500 * 1.5 * 100 / ess) <= 1000


def test_of_automatic_length_max_iter_is_to_blame():
    draws = autoregressive(300, 1)[0]
    assert judged({"heritability": (draws, True)}) == []
    (message,) = judged({"heritability": (draws, True)}, Wanted(400, "max_iter", ""))
    assert "bulk ESS < 400 in 1" in message and "'auto' stopped at max_iter=2000.\n" in message
    ess = of_draws([draws])["ess_bulk"].item()
    assert 0 <= int(re.search(r"Try max_iter=(\d+)", message)[1]) - (500 + 1500 * 600 / ess) <= 1000


def test_scales_that_differ_between_chains_are_found():
    draws = autoregressive(1000, 1)[0] * [[1], [2]]
    (message,) = judged({"heritability": (draws, True)})
    assert "seldom change from one mode" in message and "Try n_iter=" in message


def test_too_few_draws_are_not_taken_for_converged(data, short):
    (message,) = messages(lambda: short(n_iter=4, burn_in=2, n_chains=2).fit(data.X, data.y))
    expected = (
        "NNMMRegressor(n_iter=4, burn_in=2, random_state=0): 2 kept draws per chain are too few"
    )
    assert message.startswith(expected)


def test_chance_does_not_make_chains_disagree():
    # With an effective sample size of 130, the largest R-hat of 100 quantities exceeds 1.05 in
    # nearly all fits.
    tables = [of_draws(autoregressive(130, 100, seed=seed)) for seed in range(8)]
    by_chance = [(table["r_hat"] > MAX_R_HAT).any() for table in tables]
    assert sum(by_chance) >= 4
    assert not any(has_failed(table, 2, 100, min_ess=0).any() for table in tables)
    assert not has_failed(of_draws(autoregressive(400, 100)), 2, 100).any()


# --- fits ---------------------------------------------------------------------------------------


def test_following_the_advice_of_a_short_fit_is_enough(data):
    chain = {"burn_in": 50, "n_chains": 2, "random_state": 0}
    (message,) = messages(lambda: NNMMRegressor(n_iter=150, **chain).fit(data.X, data.y))
    n_iter = int(re.search(r"Try n_iter=(\d+)", message)[1])
    assert n_iter < 2000
    assert messages(lambda: NNMMRegressor(n_iter=n_iter, **chain).fit(data.X, data.y)) == []


def test_the_warning_of_one_chain_points_at_the_line_of_the_fit(data, short):
    with pytest.warns(ConvergenceWarning, match=r"worst: [^(]+\(bulk ESS \d+\)") as caught:
        short().fit(data.X, data.y)
    assert caught[0].filename == __file__


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.UndefinedMetricWarning")
def test_each_candidate_of_a_grid_search_is_named(data, short):
    grid = {"method": ["BayesC", BayesC(pi=0.9)], "activation": ["linear", "tanh"]}
    search = GridSearchCV(short(n_iter=25, verbose=0), grid, cv=2, refit=False)
    said = messages(lambda: search.fit(data.X, data.y))
    names = [message.partition(": ")[0] for message in said]
    chain = "n_iter=25, burn_in=20, n_chains=1, random_state=0)"
    assert Counter(names) == {
        f"NNMMRegressor({chain}": 2,
        f"NNMMRegressor(activation='tanh', {chain}": 2,
        f"NNMMRegressor(method=BayesC(pi=0.9), {chain}": 2,
        f"NNMMRegressor(method=BayesC(pi=0.9), activation='tanh', {chain}": 2,
    }


def test_the_name_of_an_estimator_is_short():
    assert short_name(NNMMRegressor(n_jobs=2, verbose=1, checkpoint="x")) == "NNMMRegressor()"
    mask = np.ones((50, 3), bool)
    name = short_name(NNMMRegressor(mask=mask, omics_features=["a"] * 100, n_iter="auto"))
    assert name == (
        "NNMMRegressor(mask=array([[ True, True, True], [ True,  ..., "
        "omics_features=['a', 'a', 'a', 'a', 'a', 'a', 'a',  ..., n_iter='auto')"
    )


def test_chains_in_different_modes_are_told_from_short_ones():
    """Of two omics that are nearly one, each chain gives the weight to either, for good."""
    rng = np.random.default_rng(0)
    X = rng.binomial(2, 0.4, (150, 10)).astype(np.int8)
    node = X[:, :5].sum(axis=1) + rng.standard_normal(150)
    twin = node + 0.01 * rng.standard_normal(150)
    omics, y = np.column_stack([node, twin]), node + 0.5 * rng.standard_normal(150)
    prior = BayesC(pi=0.999, estimate_pi=False)
    one_of_them = NNMMRegressor(
        omics_method=prior, n_iter=200, burn_in=60, n_chains=8, random_state=0
    )
    (message,) = messages(lambda: one_of_them.fit(X, y, omics))
    assert "omics_weights[omic_0]" in message and "seldom change" in message
    assert "Genetic values have converged" in message
    assert "omics_method='RR-BLUP'" in message
    both = NNMMRegressor(omics_method="RR-BLUP", n_iter=800, burn_in=100, random_state=0)
    assert messages(lambda: both.fit(X, y, omics)) == []


def test_latent_nodes_do_not_cause_convergence_warnings(data, short):
    (message,) = messages(
        lambda: short(n_latent=2, n_chains=2).fit(data.X, data.y, omics=data.omics)
    )
    assert "latent_" not in message
