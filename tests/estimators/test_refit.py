"""The fitted state changes all at once, and only when a fit has succeeded."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def fitted_state(model):
    return {name: id(value) for name, value in vars(model).items()}


@pytest.fixture
def model(data, short):
    return short(warm_start=True).fit(data.X[:, :3], data.y)


def test_a_refused_fit_leaves_the_last_one_whole(data, model):
    before, predicted = fitted_state(model), model.predict(data.X[:, :3])
    for X, y in ((data.X, np.ones(80)), (data.X, data.y[1:]), (data.X[:, :0], data.y)):
        with pytest.raises(ValueError, match="y has|feature"):
            model.fit(X, y)
    with pytest.raises(ValueError, match="n_iter=80 must be greater"):
        model.fit(data.X[:, :3], data.y)
    assert fitted_state(model) == before
    assert_array_equal(model.predict(data.X[:, :3]), predicted)
    with pytest.raises(ValueError, match="24 features"):
        model.predict(data.X)


@pytest.mark.parametrize("error", [KeyboardInterrupt, FloatingPointError])
@pytest.mark.parametrize("where", ["base.run_chains", "attributes.diagnose"])
def test_an_interrupted_fit_leaves_the_last_one_whole(data, model, monkeypatch, where, error):
    before = fitted_state(model)

    def interrupted(*args, **kwargs):
        raise error

    monkeypatch.setattr(f"sknnmm.estimators.{where}", interrupted)
    with pytest.raises(error):
        model.set_params(warm_start=False).fit(data.X, data.y, omics=data.omics)
    assert fitted_state(model.set_params(warm_start=True)) == before


def test_an_unfitted_model_stays_unfitted(data, short):
    model = short()
    with pytest.raises(ValueError, match="no variance"):
        model.fit(data.X, np.ones(80))
    assert vars(model).keys() == model.get_params().keys()


def test_attributes_of_another_activation_go(data, short):
    model = short().fit(data.X, data.y, omics=data.omics)
    assert model.coef_.shape == (24,)
    model.set_params(activation=lambda z: z[:, 0]).fit(data.X, data.y, omics=data.omics)
    for name in ("coef_", "omics_weights_", "mediated_variance_"):
        assert not hasattr(model, name)
