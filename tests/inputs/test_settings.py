"""Parameters that contradict each other or the data are refused before sampling."""

import pytest

from sknnmm import NNMMRegressor
from sknnmm.priors import RRBLUP, BayesC, ScaledInverseChi2
from tests.helpers.inputs import fit_inputs

INVALID_PARAMETERS = {
    "method": (dict(method="BayesZ"), "'method'.*'RR-BLUP'.*'BayesZ'"),
    "omics_method": (dict(omics_method="BayesZ"), "'omics_method'.*'BayesC'.*'BayesZ'"),
    "activation": (dict(activation="cosine"), "'activation'.*'sigmoid'.*'cosine'"),
    "direct_effects": (dict(direct_effects="BayesC"), "'direct_effects'.*'BayesC'"),
    "residual_prior": (dict(residual_prior=RRBLUP()), "'residual_prior'.*ScaledInverseChi2"),
    "precision": (dict(precision="half"), "'precision'.*'single'.*'half'"),
    "n_latent": (dict(n_latent=-1), "'n_latent'.*-1"),
    "n_chains": (dict(n_chains=0), "'n_chains'.*0"),
    "thin": (dict(thin=0), "'thin'.*0"),
    "effects_memory": (dict(effects_memory=0), "'effects_memory'.* 0 "),
    "effects_memory in words": (dict(effects_memory="256MB"), "'effects_memory'.*'256MB'"),
    "n_iter": (dict(n_iter=10, burn_in=10), "n_iter=10 must be greater than burn_in=10.*total"),
    "thin too large": (
        dict(n_iter=20, burn_in=10, thin=11),
        "thin=11 keeps none of the 10 iterations.*Lower thin or raise n_iter",
    ),
    "n_iter name": (dict(n_iter="long"), "'n_iter'.*'auto'.*'long'"),
    "min_ess": (dict(min_ess=0), "'min_ess'.*0"),
    "max_iter": (dict(max_iter=1), "'max_iter'.*1"),
    "max_iter too small": (
        dict(n_iter="auto", max_iter=100, burn_in=100),
        "max_iter=100 must be greater than burn_in=100.*largest total",
    ),
    "min_ess too large": (
        dict(n_iter="auto", max_iter=200, burn_in=100, n_chains=3, thin=3, min_ess=100),
        "min_ess=100 cannot be reached.*at most 99 draws of n_chains=3.*Raise max_iter",
    ),
    "pi one": (dict(method=BayesC(pi=1)), "'pi' parameter of BayesC.* 1 "),
    "pi negative": (dict(direct_effects=BayesC(pi=-0.1)), "'pi' parameter of BayesC.*-0.1"),
    "df": (dict(omics_method=RRBLUP(df=0)), "'df' parameter of RRBLUP.* 0 "),
    "scale": (dict(method=RRBLUP(scale=-1)), "'scale' parameter of RRBLUP.*'auto'.*-1"),
    "scale name": (dict(method=BayesC(scale="big")), "'scale' parameter of BayesC.*'auto'.*'big'"),
    "residual df": (
        dict(residual_prior=ScaledInverseChi2(df=-2)),
        "'df' parameter of ScaledInverseChi2.*-2",
    ),
}


@pytest.mark.parametrize(
    ("parameters", "message"), INVALID_PARAMETERS.values(), ids=INVALID_PARAMETERS
)
@pytest.mark.usefixtures("no_sampling")
def test_invalid_parameters(parameters, message, data, short):
    with pytest.raises(ValueError, match=f"(?s){message}"):
        short(**parameters).fit(**fit_inputs(data))


@pytest.mark.usefixtures("no_sampling")
def test_nothing_connects_genotypes_and_phenotype(data, short):
    with pytest.raises(ValueError, match="direct_effects=False needs omics or n_latent > 0"):
        short(direct_effects=False).fit(data.X, data.y, covariates=data.covariates)


def test_unknown_method_in_set_params_lists_the_known_ones():
    with pytest.raises(ValueError, match=r"'BayesZ'.*RR-BLUP, .*BayesC"):
        NNMMRegressor().set_params(method="BayesZ", method__pi=0.1)
