"""Chains that have not converged are a warning."""

import re

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def test_convergence_warning_names_quantities_and_points_here(data, short):
    with pytest.warns(ConvergenceWarning, match=r"worst: .*bulk ESS.*Raise n_iter") as caught:
        short().fit(data.X, data.y)
    assert caught[0].filename == __file__


def test_latent_nodes_do_not_cause_convergence_warnings(data, short):
    with pytest.warns(ConvergenceWarning) as caught:
        short(n_latent=2, n_chains=2).fit(data.X, data.y, omics=data.omics)
    (message,) = [str(w.message) for w in caught]
    model = short(n_latent=2).fit(data.X, data.y, omics=data.omics)
    of_latent = model.diagnostics_.index.str.contains("latent_")
    assert of_latent.sum() > 2
    assert "latent_" not in message
    judged = re.search(r"of (\d+) quantities", message)
    assert int(judged[1]) == np.count_nonzero(model.diagnostics_["target"])
