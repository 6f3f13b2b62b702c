"""The progress bar."""

import re

import pytest
from joblib import parallel_config

from sknnmm.sampling.chains import parallel

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture(autouse=True)
def as_wide_as_needed(monkeypatch):
    """Do not cut lines at the width of the terminal that runs the tests."""
    monkeypatch.delenv("COLUMNS", raising=False)


@pytest.mark.parametrize("n_jobs", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_one_progress_bar_or_nothing(n_jobs, data, short, capfd):
    model = short(n_chains=2, n_jobs=n_jobs)
    with parallel_config(backend="loky"):
        model.fit(data.X, data.y, omics=data.gappy)
        model.predict(data.X)
        assert tuple(capfd.readouterr()) == ("", "")
        model.set_params(verbose=1).fit(data.X, data.y, omics=data.gappy)
    out, err = capfd.readouterr()
    assert out == ""
    states = [state for state in re.split(r"[\r\n]", err) if state.strip()]
    assert all(state.startswith("NN-MM, 2 chains:") for state in states)
    assert "| 80/80 iterations each [" in states[-1]
    assert err.count("\n") == 1


def test_rounds_show_what_they_wait_for(data, short, capfd):
    model = short(method="RR-BLUP", n_iter="auto", n_chains=2, min_ess=30, verbose=1)
    model.fit(data.X, data.y)
    states = [s for s in re.split(r"[\r\n]", capfd.readouterr().err) if s.strip()]
    assert any("round 1 (burn-in)" in state and "ESS" not in state for state in states)
    assert any("after round 1 (burn-in): ESS " in state for state in states)
    assert states[-1].startswith(f"NN-MM, 2 chains of {model.n_iter_} iterations, after round ")
    target = model.diagnostics_.query("target")
    slowest = target["ess_bulk"].idxmin()
    assert f"(sampling): ESS {target.loc[slowest, 'ess_bulk']:.0f}/30 ({slowest})" in states[-1]
    apart = target["r_hat"].idxmax()
    assert f"R-hat {target.loc[apart, 'r_hat']:.2f} ({apart})" in states[-1]


def test_progress_never_goes_back(data, short, capfd):
    # A first burn-in of 20 iterations, and draws for an ESS of 60: several rounds.
    model = short(n_iter="auto", n_chains=3, min_ess=60, max_iter=600, verbose=1)
    model.fit(data.X, data.y, omics=data.gappy)
    shown = re.findall(r"3 chains of (\d+) iterations", capfd.readouterr().err)
    iterations = [int(number) for number in shown]
    assert len(set(iterations)) > 3
    assert iterations == sorted(iterations)
    assert iterations[-1] == model.n_iter_


def test_progress_bar_is_closed_when_a_chain_fails(data, short, capfd, monkeypatch):
    def fail(*args):
        raise FloatingPointError("stopped")

    monkeypatch.setattr(parallel, "run_chain", fail)
    with pytest.raises(FloatingPointError, match="stopped"):
        short(verbose=1).fit(data.X, data.y)
    assert capfd.readouterr().err.endswith("\n")
