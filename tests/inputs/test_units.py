"""Any unit gives the same fit, or an error that names the argument before sampling."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from sknnmm.common.constant import mean_and_sd
from sknnmm.inputs.phenotype import Phenotype
from sknnmm.inputs.scales import Scales

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

LINEAR = {"activation": "linear"}
TANH = {"activation": "tanh", "n_latent": 1}
DOUBLE = {"precision": "double", "method": "BayesR"}
NORMAL = {"method": "RR-BLUP", "omics_method": "RR-BLUP"}


def results(data, model, y=1.0, omics=1.0, covariates=1.0, X=1.0):
    """Return what a fit gives in the units of the data, from data in other units."""
    genotypes = np.where(data.X < 0, np.nan, data.X) * X
    C = data.covariates * covariates
    model.fit(genotypes, data.y * y, omics=data.gappy * omics, covariates=C)
    predicted, sd = model.predict(genotypes, covariates=C, return_std=True)
    value, value_sd = model.breeding_value(genotypes, return_std=True)
    sample = model.sample_posterior_predictive(genotypes, 3, covariates=C, random_state=0)
    of_y = predicted, sd, value, value_sd, sample
    of_y += (model.predict(genotypes, data.gappy * omics, C), model.omics_weights_)
    return [values / y for values in of_y] + [
        model.predict_omics(genotypes)[:, :3] / omics,
        model.omics_imputed_ / omics,
        model.snp_effects_std_[:, :3] / omics * X,
        model.direct_effects_std_ / y * X,
        model.covariate_effects_ / y * covariates,
        model.omics_covariate_effects_[:, :3] / omics * np.reshape(covariates, (-1, 1)),
        model.residual_variance_ / y / y,
        model.heritability_,
    ]


@pytest.fixture(scope="module")
def in_given_units(data, short):
    made = {}

    def get(options):
        key = str(options)
        if key not in made:
            made[key] = results(data, short(**options))
        return made[key]

    return get


@pytest.mark.parametrize(
    ("options", "units"),
    [
        *((LINEAR, {"y": factor}) for factor in (1e-70, 1e-40, 1e-20, 1e20, 1e40, 1e70)),
        *((TANH, {"omics": factor}) for factor in (1e-46, 1e-20, 1e20, 1e39)),
        *((LINEAR, {"covariates": factor}) for factor in (1e-70, 1e-20, 1e20, 1e70)),
        *((LINEAR, {"X": factor}) for factor in (1e-9, 1e-3, 1e3, 1e9)),
        pytest.param(DOUBLE, {"y": 1e40, "omics": 1e-40, "X": 1e-6}, marks=pytest.mark.slow),
        (NORMAL, {"y": 1e-40, "omics": 1e40, "X": 1e6}),
        (LINEAR, {"omics": np.array([1e-40, 1, 1e40]), "covariates": np.array([1e-40, 1e40])}),
    ],
    ids=str,
)
def test_units_do_not_matter(options, units, data, short, in_given_units):
    for values, expected in zip(
        results(data, short(**options), **units), in_given_units(options), strict=True
    ):
        assert_allclose(values, expected, rtol=2e-3, atol=2e-3 * np.abs(expected).max())


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"y": 1e300}, r"y has a standard deviation of \S+e\+30\d, whose square"),
        ({"y": 1e-300}, "y has a standard deviation"),
        ({"omics": 1e160}, "omics has a standard deviation of .* in column 0"),
        ({"omics": np.array([1, 1e-300, 1])}, "omics has a standard deviation of .* in column 1"),
        ({"covariates": 1e160}, "covariates has a standard deviation"),
        ({"X": 1e-200}, "X has columns that the sampler cannot hold"),
        ({"X": 1e-25}, "X has columns that the sampler cannot hold"),
        ({"X": 1e15}, "X has columns that the sampler cannot hold"),
        ({"X": 1e200}, "X has columns that the sampler cannot hold"),
        ({"X": np.where(np.arange(24) == 7, 1e13, 1)}, r"cannot hold \(7\)"),
    ],
)
@pytest.mark.parametrize("precision", ["single", "double"])
def test_units_beyond_reach_are_refused(changed, message, precision, data, short):
    with pytest.raises(ValueError, match=message):
        results(data, short(precision=precision), **changed)


def test_large_offsets_do_not_matter(data, short):
    expected = short().fit(data.X, data.y, omics=data.gappy).predict(data.X)
    moved = short().fit(data.X, data.y + 1e9, omics=data.gappy - 1e8).predict(data.X)
    assert_allclose(moved - 1e9, expected, atol=1e-3 * expected.std())


def test_dosages_far_from_zero_are_refused(data, short):
    with pytest.raises(ValueError, match="X has columns that the sampler cannot hold"):
        short().fit(data.X.astype(float) + 1e9, data.y)


def test_scales_keep_their_bits_in_other_binary_units():
    values = np.random.default_rng(0).normal(5, 2, (50, 3))
    values[3, 1] = np.nan
    mean, sd = mean_and_sd(values)
    np.testing.assert_array_equal(mean, np.nanmean(values, axis=0))
    np.testing.assert_array_equal(sd, np.nanstd(values, axis=0))
    for exponent in (-900, 900):
        of_unit = mean_and_sd(np.ldexp(values, exponent))
        np.testing.assert_array_equal(of_unit, np.ldexp([mean, sd], exponent))


def test_constant_columns_have_scale_one():
    record = Phenotype(np.arange(4.0)).check(4, None)
    constant = np.full((4, 1), 0.1)
    scales = Scales.of(record, np.empty((4, 0)), 2, {"phenotype": constant})
    assert scales.covariates_scale["phenotype"] == [1]
    assert scales.covariates_mean["phenotype"] == pytest.approx([0.1])
    np.testing.assert_array_equal(scales.omics_scale, [1, 1])
    assert scales.y_scale == pytest.approx(np.sqrt(1.25), rel=1e-15)
