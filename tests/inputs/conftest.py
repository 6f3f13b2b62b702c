import pytest


@pytest.fixture
def no_sampling(monkeypatch):
    def sampled(*args, **kwargs):
        pytest.fail("sampling started")

    monkeypatch.setattr("sknnmm.estimators.base.run_chains", sampled)
