"""The progress bar."""

import re

import pytest
from joblib import parallel_config

from sknnmm.sampling.chains import parallel

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.mark.parametrize("n_jobs", [1, 2])
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
    assert "160/160" in states[-1]
    assert err.count("\n") == 1


def test_rounds_show_what_they_wait_for(data, short, capfd):
    model = short(method="RR-BLUP", n_iter="auto", n_chains=2, min_ess=30, verbose=1)
    model.fit(data.X, data.y)
    states = [s for s in re.split(r"[\r\n]", capfd.readouterr().err) if s.strip()]
    assert any("/200 [" in state and "round" not in state for state in states)
    assert any("round 1 (burn-in): R-hat " in state for state in states)
    assert f"{2 * model.n_iter_}/{2 * model.n_iter_}" in states[-1]
    target = model.diagnostics_.query("target")["ess_bulk"]
    assert "(sampling): R-hat 1.0" in states[-1]
    assert f"ESS {target.min():.0f}/30 ({target.idxmin()})" in states[-1]


def test_progress_bar_is_closed_when_a_chain_fails(data, short, capfd, monkeypatch):
    def fail(*args):
        raise FloatingPointError("stopped")

    monkeypatch.setattr(parallel, "run_chain", fail)
    with pytest.raises(FloatingPointError, match="stopped"):
        short(verbose=1).fit(data.X, data.y)
    assert capfd.readouterr().err.endswith("\n")
