"""What a fit says does not depend on the order of its inputs, or on which allele is counted.

Units: tests/inputs/test_units.py; those of weights: test_sample_weight.py.
"""

from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from tests.helpers.moments import assert_same_distribution

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

MODELS = {
    "BayesC": {},
    "RR-BLUP, tanh": {"method": "RR-BLUP", "activation": "tanh", "omics_method": "RR-BLUP"},
}
AS_GIVEN = {"rows": np.arange(80), "snps": np.arange(24), "omics": np.arange(3), "swapped": False}
SHUFFLE = np.random.default_rng(7).permutation
CHANGES = {
    "rows": {"rows": SHUFFLE(80)},
    "SNPs": {"snps": SHUFFLE(24)},
    "omics": {"omics": np.array([1, 2, 0])},
    "alleles": {"swapped": np.arange(24) % 3 > 0},
}
MASK = np.arange(24)[:, None] % 4 != np.arange(3)  # no omic has the SNPs of another
INDIVIDUALS = [0, 1, 7, 20, 41, 79]


def fit(short, data, parameters, seed, rows, snps, omics, swapped):
    """Return a fit to rows, SNPs and omics in this order, with the alleles of some SNPs swapped."""
    X = np.where(swapped & (data.X >= 0), 2 - data.X, data.X)
    model = short(n_iter=1400, burn_in=200, random_state=seed, mask=MASK[snps][:, omics])
    model.set_params(**parameters)
    return model.fit(
        X[rows][:, snps],
        data.y[rows],
        omics=data.gappy[rows][:, omics],
        covariates=data.covariates[rows],
        sample_weight=np.linspace(0.5, 2, 80)[rows],
    )


def quantities(model, data, rows, snps, omics, swapped):
    """Return draws (n, d) of identified quantities, and imputed omics, in the order of data."""
    draws = {
        name: values.todense() if hasattr(values, "todense") else values
        for name, values in model.posterior_.draws.items()
    }
    back, nodes = np.argsort(snps), np.argsort(omics)
    sign = np.where(np.broadcast_to(swapped, 24), -1, 1)
    X = np.where(data.X < 0, np.nan, data.X)[INDIVIDUALS]
    X = np.nan_to_num(X - np.mean(np.maximum(data.X, 0), axis=0)) * sign
    of_omics = np.einsum("ij,sjk->sik", X, draws["snp_effects"][0][:, back][:, :, nodes])
    return SimpleNamespace(
        draws=np.hstack(
            [
                of_omics.reshape(len(of_omics), -1),
                draws["direct_effects"][0][:, back] @ X.T,
                draws["omics_weights"][0][:, nodes],
                draws["mediated_variance"][0][:, nodes],
                draws["omics_heritability"][0][:, nodes],
                np.log(draws["omics_residual_variance"][0][:, nodes]),
                np.log(draws["residual_variance"]).T,
                draws["heritability"].T,
                draws["covariate_effects"][0],
            ]
        ),
        imputed=model.omics_imputed_[np.argsort(rows)][:, nodes],
        sd=model.omics_imputed_std_[np.argsort(rows)][:, nodes],
        ess=model.diagnostics_["ess_bulk"].min(),
    )


def assert_same_posterior(one, other):
    assert_same_distribution(one.draws, other.draws)
    error = np.sqrt(one.sd**2 / one.ess + other.sd**2 / other.ess)
    missing = error > 0  # 100 values or so, none of which mixes more slowly than the parameters
    assert (np.abs(one.imputed - other.imputed)[missing] < 5 * error[missing]).all()
    assert_array_equal(one.imputed[~missing], other.imputed[~missing])


@pytest.fixture(scope="module")
def as_given(request, data, short):
    """Return the parameters of a model and its posterior from the data as they are."""
    parameters = MODELS[request.param]
    model = fit(short, data, parameters, 0, **AS_GIVEN)
    return parameters, quantities(model, data, **AS_GIVEN)


@pytest.mark.parametrize(
    ("as_given", "change"),
    [
        ("BayesC", "alleles"),
        *(
            pytest.param(*others, marks=pytest.mark.slow)
            for others in (
                ("BayesC", "SNPs"),
                ("BayesC", "rows"),
                ("BayesC", "omics"),
                ("RR-BLUP, tanh", "rows"),
                ("RR-BLUP, tanh", "omics"),
                ("RR-BLUP, tanh", "SNPs"),
                ("RR-BLUP, tanh", "alleles"),
            )
        ),
    ],
    indirect=["as_given"],
)
def test_order_and_alleles_do_not_matter(change, as_given, data, short):
    """The same seed gives other random numbers to every part: distributions are the same."""
    parameters, expected = as_given
    changed = AS_GIVEN | CHANGES[change]
    model = fit(short, data, parameters, 1, **changed)
    assert_same_posterior(expected, quantities(model, data, **changed))
    with pytest.raises(AssertionError):  # the comparison notices what is not put back
        assert_same_posterior(expected, quantities(model, data, **AS_GIVEN))


@pytest.mark.parametrize("dtype", [np.int8, float])
@pytest.mark.parametrize("parameters", MODELS.values(), ids=MODELS)
def test_memory_layout_does_not_matter(parameters, dtype, data, short):
    def strided(array):
        return np.repeat(array, 2, axis=-1)[..., ::2]

    weight = np.linspace(0.5, 2, 80)
    X = np.where(data.X < 0, -1 if dtype is np.int8 else np.nan, data.X).astype(dtype)
    found = []
    for layout in (np.ascontiguousarray, np.asfortranarray, strided):
        given = {"X": X, "omics": data.gappy, "covariates": data.covariates}
        given = {name: layout(array) for name, array in given.items()}
        model = short(**parameters).fit(y=layout(data.y), sample_weight=layout(weight), **given)
        predicted = model.predict(**given, return_std=True)
        found.append([model.direct_effects_, model.omics_imputed_, *predicted])
    for other in found[1:]:
        for value, expected in zip(other, found[0], strict=True):
            assert_array_equal(value, expected)


@pytest.mark.parametrize("method", ["GBLUP", "RR-BLUP"])
@pytest.mark.parametrize("n_snps", [24, 120], ids=["fewer SNPs than rows", "more"])
@pytest.mark.parametrize("most", [1, 2], ids=["0/1", "0/1/2"])
def test_blup_has_the_same_draws_whichever_allele_is_counted(data, short, method, n_snps, most):
    rng = np.random.default_rng(4)
    X = rng.binomial(most, rng.uniform(0.2, 0.8, n_snps), (80, n_snps)).astype(np.int8)
    if most == 2:  # 0/1 with -1 would look like -1/0/1
        X[3, 5] = -1
    expected = short(method=method, precision="double").fit(X, data.y, omics=data.gappy)
    for swapped in (np.ones(n_snps, bool), rng.random(n_snps) < 0.5):
        other = np.where(swapped & (X >= 0), most - X, X)
        model = short(method=method, precision="double").fit(other, data.y, omics=data.gappy)
        assert_allclose(model.predict(other), expected.predict(X), rtol=1e-9)
        sign = np.where(swapped, -1, 1)
        assert_allclose(model.coef_ * sign, expected.coef_, rtol=1e-6, atol=1e-9)
