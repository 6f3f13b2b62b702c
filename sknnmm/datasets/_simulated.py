"""Simulated genotypes, omics and phenotype with every true value known."""

from numbers import Integral, Real
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.stats import norm
from sklearn.utils import Bunch, gen_batches
from sklearn.utils._param_validation import Interval, StrOptions, validate_params

from sknnmm.activations import ACTIVATIONS
from sknnmm.common.random import generator
from sknnmm.common.typing import NodeFunction, RandomState
from sknnmm.datasets._measurement import measure
from sknnmm.datasets._outcome import record

MINOR_ALLELE_FREQUENCIES = (0.05, 0.5)
MISSING_GENOTYPE = -1
MIN_OBSERVED = 2  # per column: with fewer values neither a mean nor a variance can be estimated
QUADRATURE_NODES = 64
SNPS_PER_PRODUCT = 1024

DESCR = """\
Simulated genotype -> omics -> phenotype network
------------------------------------------------
SNPs in linkage disequilibrium drive omics, each its own consecutive block; the omics and
direct SNP effects drive the phenotype:

    z_k = X b_k + eps_k,                 eps_k ~ N(0, 1 - omics_heritability)
    y   = sum_k w_k g(z_k) + X a + e,    e ~ N(0, residual_variance)

with X b_k and X a as deviations from their means. Omics may come in modules of correlated ones and
be measured with batches, logarithms, outliers and detection limits.
See `sknnmm.datasets.make_omics_network`.
"""


@validate_params(
    {
        "n_samples": [Interval(Integral, 2, None, closed="left")],
        "n_snps": [Interval(Integral, 1, None, closed="left")],
        "n_omics": [Interval(Integral, 1, None, closed="left")],
        "omics_heritability": [Interval(Real, 0, 1, closed="right")],
        "genetic_variance": [Interval(Real, 0, None, closed="neither")],
        "direct_share": [Interval(Real, 0, 1, closed="both")],
        "residual_variance": [Interval(Real, 0, None, closed="left")],
        "ld": [Interval(Real, 0, 1, closed="left")],
        "missing_omics": [Interval(Real, 0, 1, closed="left")],
        "missing_y": [Interval(Real, 0, 1, closed="left")],
        "missing_genotypes": [Interval(Real, 0, 1, closed="left")],
        "activation": [StrOptions(ACTIVATIONS.keys()), callable],
        "n_modules": [Interval(Integral, 1, None, closed="left"), None],
        "module_correlation": [Interval(Real, 0, 1, closed="both")],
        "log_sd": [Interval(Real, 0, 20, closed="both")],
        "n_batches": [Interval(Integral, 1, None, closed="left")],
        "outlier_share": [Interval(Real, 0, 1, closed="left")],
        "detection_limits": [Interval(Real, 0, 1, closed="left"), "array-like"],
        "below_detection": [StrOptions({"missing", "limit", "-inf"})],
        "outcome": [StrOptions({"continuous", "binary", "ordinal", "censored"})],
        "prevalence": [Interval(Real, 0, 1, closed="neither"), "array-like", None],
        "censored_share": [Interval(Real, 0, 1, closed="neither"), None],
        "random_state": ["random_state", np.random.Generator],
    },
    prefer_skip_nested_validation=True,
)
def make_omics_network(
    n_samples: int = 1800,
    n_snps: int = 1000,
    n_omics: int = 10,
    *,
    omics_heritability: float = 0.3,
    genetic_variance: float = 0.5,
    direct_share: float = 0.2,
    residual_variance: float = 0.5,
    ld: float = 0.9,
    missing_omics: float = 0.0,
    missing_y: float = 0.0,
    missing_genotypes: float = 0.0,
    activation: str | NodeFunction = "linear",
    n_modules: int | None = None,
    module_correlation: float = 0.8,
    log_sd: float = 0.0,
    n_batches: int = 1,
    outlier_share: float = 0.0,
    detection_limits: float | npt.ArrayLike = 0.0,
    below_detection: Literal["missing", "limit", "-inf"] = "missing",
    outcome: Literal["continuous", "binary", "ordinal", "censored"] = "continuous",
    prevalence: float | npt.ArrayLike | None = None,
    censored_share: float | None = None,
    random_state: RandomState = None,
) -> Bunch:
    """Simulate a genotype -> omics -> phenotype network.

    The recipe of the published benchmark of the mixed-effect neural network [1]_. Every
    omic z_k is driven by all SNPs of its own consecutive block of the genome. The phenotype
    is the sum of the omics effects, direct SNP effects that bypass the omics, and noise::

        z_k = X b_k + eps_k,                 eps_k ~ N(0, 1 - omics_heritability)
        y   = sum_k w_k g(z_k) + X a + e,    e ~ N(0, residual_variance)

    with X b_k and X a as deviations from their means over the samples.

    The genetic value of an individual is its expected phenotype given its genotype: the mediated
    part sum_k w_k E[g(z_k) | x] plus the direct part x a. The two are exactly uncorrelated in the
    sample.

    With the default values the genetic variance and the variance of e are both 0.5, but the
    heritability of y is about 0.26: the non-genetic part of the omics also reaches y.

    By default the omics are clean: normal, independent given the genotypes, measured without
    error. Real ones come in modules that vary together (`n_modules`), and what is measured of an
    omic z is, in this order and with all of it off by default,

    1. shifted in every batch: z + N(0, 0.5) per batch and omic (`n_batches`),
    2. log-normal: exp(`log_sd` z),
    3. now and then far too large: 10 SDs of the omic times an exponential variate are added to a
       share of the cells (`outlier_share`),
    4. unknown below a detection limit (`detection_limits`).

    The phenotype depends on z itself, and not on the batch.

    What is recorded of the phenotype may be a class, of which it is the liability, or that it is
    larger than what could be observed (`outcome`).

    Parameters
    ----------
    n_samples : int, default=1800
        Number of individuals.

    n_snps : int, default=1000
        Number of SNPs, at least `n_omics`, or `n_modules` if that is given.

    n_omics : int, default=10
        Number of omics.

    omics_heritability : float, default=0.3
        Genetic variance of each omic, exact in the sample, in (0, 1]. The total variance of
        an omic is 1 in expectation.

    genetic_variance : float, default=0.5
        Variance of the genetic value of the phenotype, exact in the sample.

    direct_share : float, default=0.2
        Share of `genetic_variance` that does not pass through the omics, in [0, 1].

    residual_variance : float, default=0.5
        Variance of the noise e of the phenotype, in expectation.

    ld : float, default=0.9
        Linkage disequilibrium, in [0, 1): the correlation between neighbouring SNPs of the
        Gaussian first-order autoregression that is thresholded to give a haplotype. The
        correlation of the genotypes themselves is lower.

    missing_omics, missing_y, missing_genotypes : float, default=0.0
        Expected share of cells missing completely at random, in [0, 1). At least two values
        stay observed in `y` and in every column of `omics` and `X`.

    activation : {"linear", "sigmoid", "tanh", "relu", "leaky_relu"} or callable, \
            default="linear"
        The function g applied to the omics. A callable gets an (n_samples, n_omics) array
        and acts on each element; the slope of "leaky_relu" below zero is 0.01.

    n_modules : int or None, default=None
        Number of consecutive groups of omics that vary together, of equal sizes as far as
        possible, at most `n_omics`. All omics of a module are driven by the same block of SNPs.
        None: every omic has a block of its own, and omics are independent given the genotypes.

    module_correlation : float, default=0.8
        Correlation of the SNP effects of two omics of a module, and of their residuals, in [0, 1].
        That of the omics is near it.

    log_sd : float, default=0.0
        Standard deviation of the logarithms of omics as measured; with batches, of their part that
        is not batch; in [0, 20]. 0: omics are measured on their own scale. At 1 a value two SDs
        above the median is 7 times the median.

    n_batches : int, default=1
        Number of batches, at most `n_samples`, that individuals are randomly assigned to. Their
        sizes differ by one at most.

    outlier_share : float, default=0.0
        Expected share of cells with far too large a value, in [0, 1).

    detection_limits : float or array-like of shape (n_omics,), default=0.0
        Where detection limits are: the share of the measured values of each omic that lie below its
        limit, in [0, 1). At least two stay above it.

    below_detection : {"missing", "limit", "-inf"}, default="missing"
        Whether a value below the detection limit is NaN, the limit, or minus infinity, as
        `detection_limits` of the estimators has it.

    outcome : {"continuous", "binary", "ordinal", "censored"}, default="continuous"
        What is recorded of the phenotype: its value; its class, 0 and 1, or ordered from 0; or its
        value where that lies below the largest that can be observed, as of a time at which a study
        ends.

    prevalence : float, array-like or None, default=None
        Share of individuals in class 1 of a binary outcome (None: 0.5), or in each class of an
        ordinal one, from the lowest (None: 0.5, 0.3, 0.2). Shares are exact in `y_complete`, but
        for rounding.

    censored_share : float or None, default=None
        Share of individuals whose phenotype cannot be observed if the outcome is censored (None:
        0.3), in (0, 1).

    random_state : int, RandomState or Generator instance or None, default=None
        Pass an int for reproducible output. For one int the complete data do not depend on
        the missing rates and on how omics are measured, and a higher missing rate adds missing
        cells to those of a lower one.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        Dictionary-like object with the data as an analyst would see them:

        X : ndarray of shape (n_samples, n_snps), int8
            Allele dosages 0, 1, 2; -1 = missing. No SNP of `X_complete` is constant.
        y : ndarray of shape (n_samples,)
            Phenotype as recorded; NaN = missing. Of complete classes integers.
        y_upper : ndarray of shape (n_samples,)
            `y`, or infinity where the phenotype is larger than `y`, and censored there.
        omics : ndarray of shape (n_samples, n_omics)
            Omics as measured; NaN = missing; values below detection as `below_detection` says.
        batch : ndarray of shape (n_samples,), int
            From 0.

        and the true values behind them:

        X_complete, y_complete, omics_complete : ndarray
            The same without missing values; omics are z, as they act on the phenotype.
        liability : ndarray of shape (n_samples,)
            The phenotype itself: what lies behind its class, or its value had it been observed.
        thresholds : ndarray of shape (n_classes - 1,)
            Liabilities at which classes change; empty if the outcome is no class.
        genetic_value : ndarray of shape (n_samples,)
            `mediated_value` + `direct_value`, in units of the liability; deviations from the mean.
        mediated_value, direct_value : ndarray of shape (n_samples,)
            Genetic values through the omics and directly from the SNPs; deviations from
            their means.
        omics_genetic_value : ndarray of shape (n_samples, n_omics)
            Genetic values of the omics; deviations from their means.
        snp_effects : ndarray of shape (n_snps, n_omics)
            SNP effects b on the omics, in omic units per allele.
        omics_weights : ndarray of shape (n_omics,)
            Weights w, in y units per unit of g(z).
        direct_effects : ndarray of shape (n_snps,)
            Direct SNP effects a, in y units per allele.
        mask : ndarray of shape (n_snps, n_omics), bool
            Which SNPs drive which omic.
        module : ndarray of shape (n_omics,), int
            Module of every omic, from 0; its own position without modules.
        is_outlier, is_below_detection : ndarray of shape (n_samples, n_omics), bool
            Measured cells (not missing ones) with far too large a value, and below detection.
        detection_limits : ndarray of shape (n_omics,)
            In units of `omics`; -inf = none.
        heritability : float
            Variance of `genetic_value` over the variance of `liability`.
        residual_variance : float
            As passed.
        activation : str or callable
            As passed.
        DESCR : str
            Description of the data.

    References
    ----------
    .. [1] Zhao, T., Zeng, J. and Cheng, H. (2022). Extend mixed models to multilayer neural
       networks for genomic prediction including intermediate omics data. Genetics, 221(1),
       iyac034. https://doi.org/10.1093/genetics/iyac034

    Examples
    --------
    >>> from sknnmm.datasets import make_omics_network
    >>> data = make_omics_network(
    ...     n_samples=200, n_snps=60, n_omics=3, missing_omics=0.3, random_state=0
    ... )
    >>> data.X.shape, data.omics.shape
    ((200, 60), (200, 3))
    >>> print(f"{data.genetic_value.var():.2f}, of which {data.direct_value.var():.2f} direct")
    0.50, of which 0.10 direct

    Metabolites as an instrument reports them: log-normal, in four batches, a tenth of them below
    detection.

    >>> data = make_omics_network(
    ...     n_samples=200, n_snps=60, n_omics=3, log_sd=1, n_batches=4, detection_limits=0.1,
    ...     random_state=0,
    ... )
    >>> np.bincount(data.batch), np.isnan(data.omics).sum(axis=0)
    (array([50, 50, 50, 50]), array([20, 20, 20]))

    A disease of one individual in five; three grades; survival times of which a tenth are longer
    than the study:

    >>> def simulate(**options):
    ...     return make_omics_network(200, 60, 3, **options, random_state=0)
    >>> disease = simulate(outcome="binary", prevalence=0.2)
    >>> np.bincount(disease.y), disease.liability[disease.y == 1].min() > disease.thresholds[0]
    (array([160,  40]), np.True_)
    >>> np.bincount(simulate(outcome="ordinal").y)
    array([100,  60,  40])
    >>> times = simulate(outcome="censored", censored_share=0.1)
    >>> np.isinf(times.y_upper).sum(), (times.liability > times.y).sum()
    (np.int64(20), np.int64(20))
    """
    _check_sizes(n_samples, n_snps, n_omics, n_modules, n_batches)
    below_share = _shares_below(detection_limits, n_omics)
    rng = generator(random_state)

    X = _simulate_genotypes(rng, n_samples, n_snps, ld)
    module = _consecutive_groups(n_omics, n_modules or n_omics)
    mask = _consecutive_groups(n_snps, n_modules or n_omics)[:, None] == module
    shared = 0.0 if n_modules is None else module_correlation
    snp_effects, omics_genetic_value = _simulate_snp_effects(
        rng, X, mask, module, shared, omics_heritability
    )
    omics_noise_sd = np.sqrt(1 - omics_heritability)
    noise = _in_modules(rng, rng.standard_normal((n_samples, n_omics)), module, shared)
    omics = omics_genetic_value + omics_noise_sd * noise

    omics_weights, mediated_value = _simulate_omics_weights(
        rng, _expected_activation(activation, omics_genetic_value, omics_noise_sd)
    )
    direct_effects, direct_value = _simulate_direct_effects(rng, X, mediated_value, direct_share)
    mediated_sd = np.sqrt((1 - direct_share) * genetic_variance)
    direct_sd = np.sqrt(direct_share * genetic_variance)
    omics_weights, mediated_value = mediated_sd * omics_weights, mediated_sd * mediated_value
    direct_effects, direct_value = direct_sd * direct_effects, direct_sd * direct_value

    genetic_value = mediated_value + direct_value
    residual = np.sqrt(residual_variance) * rng.standard_normal(n_samples)
    liability = _activate(activation, omics) @ omics_weights + direct_value + residual
    recorded = record(liability, outcome, prevalence, censored_share)

    # The missing cells, and then how omics are measured, are drawn last, so that the complete data
    # do not depend on them.
    missing = _missing_cells(rng, omics.shape, missing_omics)
    missing_records = _missing_cells(rng, liability.shape, missing_y)
    X_with_gaps = _with_missing_genotypes(rng, X, missing_genotypes)
    measured = measure(
        rng, omics, missing, n_batches, log_sd, outlier_share, below_share, below_detection
    )
    return Bunch(
        omics=measured.omics,
        y=_with_gaps(recorded.y, missing_records),
        y_upper=_with_gaps(recorded.y_upper, missing_records),
        X=X_with_gaps,
        batch=measured.batch,
        omics_complete=omics,
        y_complete=recorded.y,
        X_complete=X,
        liability=liability,
        thresholds=recorded.thresholds,
        genetic_value=genetic_value,
        mediated_value=mediated_value,
        direct_value=direct_value,
        omics_genetic_value=omics_genetic_value,
        snp_effects=snp_effects,
        omics_weights=omics_weights,
        direct_effects=direct_effects,
        mask=mask,
        module=module,
        is_outlier=measured.is_outlier,
        is_below_detection=measured.is_below_detection,
        detection_limits=measured.detection_limits,
        heritability=float(genetic_value.var() / liability.var()),
        residual_variance=residual_variance,
        activation=activation,
        DESCR=DESCR,
    )


def _check_sizes(n_samples, n_snps, n_omics, n_modules, n_batches):
    """Raise where more of something are asked for than there can be."""
    if n_modules is not None and n_modules > n_omics:
        raise ValueError(
            f"n_modules={n_modules} is more than n_omics={n_omics}: every module needs at least "
            "one omic. Raise n_omics or lower n_modules."
        )
    driven, name = (n_omics, "n_omics") if n_modules is None else (n_modules, "n_modules")
    if n_snps < driven:
        raise ValueError(
            f"n_snps={n_snps} is less than {name}={driven}: each needs at least one SNP of its "
            f"own. Raise n_snps or lower {name}."
        )
    if n_batches > n_samples:
        raise ValueError(
            f"n_batches={n_batches} is more than n_samples={n_samples}: every batch needs at least "
            "one individual. Raise n_samples or lower n_batches."
        )


def _shares_below(shares, n_omics):
    """Return the share of every omic that lies below its detection limit, (n_omics,)."""
    shares = np.asarray(shares, float)
    if shares.ndim and shares.shape != (n_omics,):
        raise ValueError(
            f"detection_limits has shape {shares.shape}: give one share, or one for each of the "
            f"{n_omics} omics."
        )
    if not ((shares >= 0) & (shares < 1)).all():
        raise ValueError("detection_limits must be shares in [0, 1), of the values below them.")
    return np.broadcast_to(shares, n_omics)


def _simulate_genotypes(rng, n_samples, n_snps, ld):
    """Draw allele dosages; column-major, because analyses read them SNP by SNP."""
    thresholds = norm.ppf(rng.uniform(*MINOR_ALLELE_FREQUENCIES, size=n_snps))
    dosages = np.empty((n_samples, n_snps), dtype=np.int8, order="F")
    haplotypes = rng.standard_normal((n_samples, 2))
    for j, threshold in enumerate(thresholds):
        if j > 0:
            innovation = rng.standard_normal(haplotypes.shape)
            haplotypes = ld * haplotypes + np.sqrt(1 - ld**2) * innovation
        alleles = haplotypes < threshold
        if np.ptp(alleles.sum(axis=1)) == 0:
            # A rare allele may be absent from a small sample: give it to the haplotype that
            # came closest to carrying it.
            closest = np.abs(haplotypes - threshold).argmin()
            alleles.flat[closest] = ~alleles.flat[closest]
        dosages[:, j] = alleles.sum(axis=1)
    return dosages


def _consecutive_groups(n_items, n_groups):
    """Return the group of every item (n_items,), from 0, of sizes as equal as possible."""
    sizes = [len(group) for group in np.array_split(np.arange(n_items), n_groups)]
    return np.repeat(np.arange(n_groups), sizes)


def _in_modules(rng, own, module, correlation):
    """Return normal columns (rows, n_omics) correlated within modules, given independent ones."""
    if correlation == 0:
        return own
    common = rng.standard_normal((len(own), module[-1] + 1))[:, module]
    return np.sqrt(correlation) * common + np.sqrt(1 - correlation) * own


def _simulate_snp_effects(rng, X, mask, module, correlation, heritability):
    """Draw normal effects within the mask and scale them to the heritability in the sample."""
    snp_effects = np.zeros(mask.shape)
    genetic_value = np.empty((X.shape[0], mask.shape[1]))
    for k, connected in enumerate(mask.T):
        snp_effects[connected, k] = rng.standard_normal(connected.sum())
    snp_effects = np.where(mask, _in_modules(rng, snp_effects, module, correlation), 0)
    for k, connected in enumerate(mask.T):
        effects = snp_effects[connected, k]
        value = _genetic_value(X[:, connected], effects)
        scale = np.sqrt(heritability) / value.std()
        snp_effects[connected, k] = scale * effects
        genetic_value[:, k] = scale * value
    return snp_effects, genetic_value


def _simulate_omics_weights(rng, expected_activation):
    """Draw normal weights for which the mediated value has variance 1 in the sample."""
    weights = rng.standard_normal(expected_activation.shape[1])
    mediated_value = expected_activation @ weights
    mediated_value -= mediated_value.mean()
    sd = mediated_value.std()
    if not _is_positive(sd, compared_to=np.abs(expected_activation).max()):
        raise ValueError(
            "activation must vary with the genetic values of the omics: its expectation given "
            "the genotypes is constant. Use an activation that is not constant."
        )
    return weights / sd, mediated_value / sd


def _simulate_direct_effects(rng, X, mediated_value, direct_share):
    """Draw effects whose value has variance 1 and no covariance with the mediated value."""
    effects = rng.standard_normal(X.shape[1])
    if direct_share == 0:
        return np.zeros_like(effects), np.zeros_like(mediated_value)
    sd_drawn = _genetic_value(X, effects).std()
    # cov(X a, mediated) is a'c with c the covariance of each SNP with the mediated value, so
    # the nearest effects without that covariance are a minus its projection on c. Unlike
    # subtracting a multiple of the mediated SNP effects, this works for every activation.
    covariances = _snp_covariances(X, mediated_value)
    effects -= covariances * (covariances @ effects) / (covariances @ covariances)
    value = _genetic_value(X, effects)
    sd = value.std()
    if not _is_positive(sd, compared_to=sd_drawn):
        raise ValueError(
            f"direct_share={direct_share} is impossible with n_samples={X.shape[0]} and "
            f"n_snps={X.shape[1]}: no direct effects are uncorrelated with the mediated genetic "
            "value. Raise n_samples and n_snps, or use direct_share=0."
        )
    return effects / sd, value / sd


def _is_positive(sd, compared_to):
    """Whether a standard deviation is more than rounding error."""
    return sd > 1e-8 * compared_to


def _genetic_value(X, effects):
    """Return X @ effects as deviations from the mean.

    Genotypes are converted to floats a batch of SNPs at a time, never as a whole.
    """
    batches = gen_batches(X.shape[1], SNPS_PER_PRODUCT)
    value = sum(X[:, snps] @ effects[snps] for snps in batches)
    return value - value.mean()


def _snp_covariances(X, value):
    """Return the covariance of each SNP with a value of mean zero."""
    batches = gen_batches(X.shape[1], SNPS_PER_PRODUCT)
    return np.concatenate([value @ X[:, snps] for snps in batches]) / len(value)


def _activate(activation, z):
    """Return g(z) for a named or user-defined elementwise activation."""
    if activation in ACTIVATIONS:
        return ACTIVATIONS[activation].value(z)
    values = np.asarray(activation(z))
    if values.shape != z.shape:
        raise ValueError(
            "activation must act on each element of an (n_samples, n_omics) array: for an array "
            f"of shape {z.shape} it returned shape {values.shape}."
        )
    if not np.isfinite(values).all():
        raise ValueError("activation must return finite numbers; it returned NaN or infinity.")
    return values


def _expected_activation(activation, mean, sd):
    """Return E[g(z)] for z ~ N(mean, sd^2)."""
    if activation in ACTIVATIONS:
        return ACTIVATIONS[activation].normal_moments(mean, np.square(sd))[0]
    nodes, weights = np.polynomial.hermite_e.hermegauss(QUADRATURE_NODES)
    weights = weights / weights.sum()
    return sum(
        weight * _activate(activation, mean + sd * node)
        for node, weight in zip(nodes, weights, strict=True)
    )


def _missing_cells(rng, shape, rate):
    """Draw which cells are missing; `MIN_OBSERVED` cells of each column always stay."""
    order = rng.random(shape)
    last_to_go = np.partition(order, -MIN_OBSERVED, axis=0)[-MIN_OBSERVED]
    return (order < rate) & (order < last_to_go)


def _with_gaps(values, missing):
    """Return values with NaN where they are missing; integers where none is."""
    return np.where(missing, np.nan, values) if missing.any() else values


def _with_missing_genotypes(rng, X, rate):
    """Return a copy of X with missing cells, drawn SNP by SNP to spare memory."""
    X = X.copy(order="K")
    if rate > 0:
        for dosages in X.T:
            dosages[_missing_cells(rng, dosages.shape, rate)] = MISSING_GENOTYPE
    return X
