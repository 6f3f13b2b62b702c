"""The regressor: a phenotype that is measured, exactly or within bounds."""

from numbers import Integral
from typing import Any, Literal, Self, overload

import numpy as np
from sklearn.base import RegressorMixin, _fit_context
from sklearn.metrics import r2_score
from sklearn.utils import check_scalar
from sklearn.utils.validation import check_is_fitted

from sknnmm.common.random import generator
from sknnmm.common.typing import Column, RandomState, Table
from sknnmm.common.user_warnings import warn
from sknnmm.estimators.base import NNMMBase
from sknnmm.estimators.documentation import with_entries_of
from sknnmm.estimators.model_comparison import log_likelihood_of, loo_of, records_of
from sknnmm.families import Censored
from sknnmm.inputs.phenotype import Phenotype, check_phenotype
from sknnmm.inputs.weights import check_weights
from sknnmm.prediction.spread import predictive_sd, sample_phenotypes


@with_entries_of(NNMMBase)
class NNMMRegressor(RegressorMixin, NNMMBase):
    """Mixed-effect neural network: SNP genotypes -> omics -> phenotype, fitted jointly by MCMC.

    For individual i, SNP j and node k of the middle layer (the observed omics, then `n_latent`
    nodes without data)::

        z_ik = mu_k + c_i' gamma_k + u_ik + sum_j x_ij b_jk + eps_ik,         eps_ik ~ N(0, s2_k)
        y_i  = mu + c_i' gamma + u_i + sum_k w_k g(z_ik) + sum_j x_ij a_j + e_i,  e_i ~ N(0, s2_e)

    with x the allele dosage centred at its training mean, b the SNP effects, w the omics weights,
    g the activation, a the direct SNP effects, c the covariates and u the random effects of their
    levels, if `effects` asks for any. Sampling runs on standardised
    y and omics; fitted attributes and predictions are on the original scale.

    Any value of X, omics or y may be missing: genotypes are imputed by their mean, omics are drawn
    in every iteration, and a row without y informs the SNP effects on the omics only. Without
    omics and latent nodes the model is y = mu + X a + e, the classical Bayesian alphabet.

    Parameters
    ----------
    {method to effects}

    residual_prior : ScaledInverseChi2 or None, default=None
        Prior of the residual variances of both layers; None is ``ScaledInverseChi2()``.

    {n_iter to effects_memory}

    Attributes
    ----------
    {snp_effects_, snp_effects_std_ to feature_names_in_}

    See Also
    --------
    NNMMClassifier : For phenotypes that are classes: diseases, scores.

    References
    ----------
    Zhao, Fernando & Cheng (2021), doi 10.1093/g3journal/jkab228.
    Zhao, Zeng & Cheng (2022), doi 10.1093/genetics/iyac034.

    Examples
    --------
    >>> from sknnmm import NNMMRegressor
    >>> from sknnmm.datasets import make_omics_network
    >>> data = make_omics_network(
    ...     n_samples=200, n_snps=50, n_omics=3, missing_omics=0.3, random_state=0)
    >>> model = NNMMRegressor(n_iter=600, burn_in=200, random_state=0)
    >>> model.fit(data.X, data.y, omics=data.omics).predict(data.X[:2]).shape
    (2,)
    >>> model.omics_imputed_.shape
    (200, 3)
    """

    @_fit_context(prefer_skip_nested_validation=False)
    @with_entries_of(NNMMBase._fit)
    def fit(
        self,
        X: Table,
        y: Column,
        omics: Table | None = None,
        covariates: Table | None = None,
        sample_weight: Column | None = None,
        y_upper: Column | None = None,
    ) -> Self:
        """Fit the network by Markov chain Monte Carlo.

        Parameters
        ----------
        {X}
        y : array-like of shape (n,)
            Phenotype, NaN = missing; with `y_upper` the lower ends of the intervals in which it
            lies.
        {omics, covariates, sample_weight}
        y_upper : array-like of shape (n,) or None
            Upper ends of these intervals; NaN, or the same as y: not censored. Left censored: y is
            -inf. Right censored: y_upper is inf, as of an animal still alive. The value is drawn
            in every iteration. y is then standardised by the normal distribution that fits all
            records best, exact and censored ones, without regard to anything else. An interval
            that holds no value is an error in every row, also in one of weight 0.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            For invalid parameters or data, naming the argument, before any sampling; also if
            `checkpoint` or `warm_start` would continue a fit of other data or parameters.
        FloatingPointError
            If a chain meets a value that is not finite.

        Warns
        -----
        ConvergenceWarning
            If chains disagree, or draws are too few, in what users read. It names the parameters
            that are not at their defaults, so that it is seen which candidate of a grid search it
            belongs to.
        UserWarning
            If y has two values only, or few whole ones, which are probably classes.
        """
        return self._fit(X, Phenotype(y, y_upper), omics, covariates, sample_weight)

    @overload
    def predict(
        self,
        X: Table,
        omics: Table | None = None,
        covariates: Table | None = None,
        return_std: Literal[False] = False,
    ) -> np.ndarray: ...

    @overload
    def predict(
        self,
        X: Table,
        omics: Table | None = None,
        covariates: Table | None = None,
        *,
        return_std: Literal[True],
    ) -> tuple[np.ndarray, np.ndarray]: ...

    @with_entries_of(NNMMBase._rows)
    def predict(
        self,
        X: Table,
        omics: Table | None = None,
        covariates: Table | None = None,
        return_std: bool = False,
    ) -> np.ndarray | tuple[np.ndarray, np.ndarray]:
        """Predict the phenotype: E[y | x, the omics given], averaged over the posterior.

        Parameters
        ----------
        {X, omics, covariates}
        return_std : bool, default=False
            Whether to return the posterior predictive standard deviation of y too: of the
            parameters, the omics and genotypes that are not given, and the residual of an average
            training record. From the draws whose SNP effects are held (see `posterior_`).

        Returns
        -------
        y_mean : ndarray of shape (n,)
            In units of y.
        y_std : ndarray of shape (n,)
            Only with `return_std`.
        """
        rows = self._rows(X, omics, covariates)
        mean = self._network.expected_phenotype(rows)[:, 0]
        return (mean, predictive_sd(self._network, rows)[:, 0]) if return_std else mean

    def sample_posterior_predictive(
        self,
        X: Table,
        n_draws: int,
        omics: Table | None = None,
        covariates: Table | None = None,
        random_state: RandomState = None,
    ) -> np.ndarray:
        """Draw phenotypes from their posterior predictive distribution.

        Each draw takes the parameters of one posterior draw, draws the omics that are not given,
        then y, with its residual and a normal deviation for the genotypes that are missing.

        Parameters
        ----------
        X : array-like of shape (n, p)
        n_draws : int
            Number of draws per individual.
        omics, covariates : array-like or None
            As in predict.
        random_state : int, RandomState or Generator instance or None, default=None
            Pass an int for the same draws in every call.

        Returns
        -------
        ndarray of shape (n, n_draws)
            In units of y. A column is one joint draw of all individuals.
        """
        check_scalar(n_draws, "n_draws", Integral, min_val=1)
        rows = self._rows(X, omics, covariates)
        sample, _ = sample_phenotypes(self._network, rows, n_draws, generator(random_state))
        return sample[:, :, 0]

    def score(
        self,
        X: Table,
        y: Column,
        omics: Table | None = None,
        covariates: Table | None = None,
        sample_weight: Column | None = None,
    ) -> float:
        """Return R^2 of the predictions over the rows whose y is observed.

        A censored y is none: pass NaN for it.

        Parameters
        ----------
        X : array-like of shape (n, p)
        y : array-like of shape (n,)
            NaN = missing.
        omics, covariates : array-like or None
            As in predict.
        sample_weight : array-like of shape (n,) or None
            Weights of the squared errors.

        Returns
        -------
        float
        """
        inputs = self._check_predict_inputs(X, omics, covariates, y=y, sample_weight=sample_weight)
        n_samples = len(inputs.dosages)
        weight = check_weights(sample_weight, n_samples)
        y = check_phenotype(y, n_samples, weight)
        predicted = self._network.expected_phenotype(self._network.rows(*inputs))[:, 0]
        observed = ~np.isnan(y)
        weight = None if weight is None else weight[observed]
        return r2_score(y[observed], predicted[observed], sample_weight=weight)

    @with_entries_of(records_of)
    def log_likelihood(
        self,
        X: Table,
        y: Column,
        omics: Table | None = None,
        covariates: Table | None = None,
        sample_weight: Column | None = None,
        y_upper: Column | None = None,
    ) -> np.ndarray:
        """Return the log density of every record of y in posterior draws.

        The density of y given the genotypes, the covariates and the omics that are given; the
        probability of its interval if y is censored. Omics that are not given, and latent nodes,
        are integrated over given the parameters of the draw: exactly if the activation is linear,
        otherwise with 128 fixed normal draws. For the data of `fit` it is the likelihood of the
        records, by which `loo` compares models. For other individuals the log of the mean density
        over the draws is the log predictive density.

        Parameters
        ----------
        {X}
        y : array-like of shape (n,)
            NaN = missing; with `y_upper` the lower ends of intervals.
        {omics, covariates to sample_weight}
        y_upper : array-like of shape (n,) or None
            Upper ends of the intervals, as in fit; NaN, or the same as y: not censored.

        Returns
        -------
        ndarray of shape (n_chains, draws, n)
            Log of densities per unit of y, and of probabilities where y is censored; NaN where y is
            missing or the weight 0. The draws are those whose SNP effects are held,
            ``posterior_.effects_draw`` of the kept ones.

        Warns
        -----
        UserWarning
            If the model was fitted with `y_upper` and gets none here: every y counts as measured.

        See Also
        --------
        loo : Leave-one-out predictive densities.

        Examples
        --------
        >>> from scipy.special import logsumexp
        >>> from sknnmm import NNMMRegressor
        >>> from sknnmm.datasets import make_omics_network
        >>> data = make_omics_network(n_samples=60, n_snps=30, n_omics=2, random_state=0)
        >>> model = NNMMRegressor("RR-BLUP", n_iter=300, burn_in=100, random_state=0)
        >>> model = model.fit(data.X[:50], data.y[:50], omics=data.omics[:50])
        >>> densities = model.log_likelihood(data.X[50:], data.y[50:], omics=data.omics[50:])
        >>> densities.shape
        (2, 200, 10)
        >>> predictive = logsumexp(densities, axis=(0, 1)) - np.log(2 * 200)
        """
        records = self._records(X, y, omics, covariates, sample_weight, y_upper)
        return log_likelihood_of(self, records)

    def loo(
        self,
        X: Table,
        y: Column,
        omics: Table | None = None,
        covariates: Table | None = None,
        sample_weight: Column | None = None,
        y_upper: Column | None = None,
    ) -> Any:
        """Return the leave-one-out predictive density of the records, without another fit.

        The sum over the records of the log density of y_i given all other records, x_i and the
        omics of i: how well the phenotype of a new individual is predicted, from genotypes and
        omics as these individuals have them, whose relatives are in the data as theirs are. It is
        computed from `log_likelihood` by Pareto smoothed importance sampling. ``arviz_stats.
        compare({"a": loo_a, "b": loo_b})`` compares models of the same records.

        Needs the library ArviZ: ``pip install sknnmm[arviz]``.

        Parameters
        ----------
        X, y, omics, covariates, sample_weight, y_upper : array-like or None
            What was passed to fit. Records whose y is missing do not count; of those that are
            censored the density is a probability.

        Returns
        -------
        arviz_stats.ELPDData
            elpd (the sum), se (its standard error), p (effective number of parameters), elpd_i
            and pareto_k (of each record).

        Warns
        -----
        UserWarning
            If Pareto k says of some records that importance sampling is not reliable. Models with
            about as many effective parameters as records, as with a random effect for each, have
            many of these. If the model was fitted with `y_upper` and gets none here: every y counts
            as measured.

        See Also
        --------
        log_likelihood : What it is computed from.

        Notes
        -----
        The omics of a record are not left out with its y. That is another question than how well
        candidates are predicted that have genotypes only; see the guide, "Comparing models".

        References
        ----------
        Vehtari, Gelman & Gabry (2017), doi 10.1007/s11222-016-9696-4. Vehtari, Simpson, Gelman,
        Yao & Gabry (2024), https://jmlr.org/papers/v25/19-556.html.

        Examples
        --------
        >>> from sknnmm import NNMMRegressor
        >>> from sknnmm.datasets import make_omics_network
        >>> data = make_omics_network(n_samples=100, n_snps=30, n_omics=2, random_state=0)
        >>> with_omics = NNMMRegressor("RR-BLUP", n_iter=600, burn_in=100, random_state=0)
        >>> with_omics = with_omics.fit(data.X, data.y, omics=data.omics)
        >>> without = NNMMRegressor("RR-BLUP", n_iter=600, burn_in=100, random_state=0)
        >>> without = without.fit(data.X, data.y)
        >>> gain = with_omics.loo(data.X, data.y, omics=data.omics)  # doctest: +SKIP
        """
        records = self._records(X, y, omics, covariates, sample_weight, y_upper)
        return loo_of(self, X, records)

    def _records(self, X, y, omics, covariates, sample_weight, y_upper):
        """Return the Records of individuals."""
        check_is_fitted(self)
        if y_upper is None and isinstance(self._network.phenotype.family, Censored):
            warn(
                "The model was fitted with y_upper, and gets none here: every y counts as measured."
            )
        return records_of(self, X, Phenotype(y, y_upper), omics, covariates, sample_weight)
