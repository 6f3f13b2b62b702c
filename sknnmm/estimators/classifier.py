"""The classifier: a phenotype of two classes, or of more if they are ordered."""

from collections.abc import Mapping, Sequence
from numbers import Integral
from typing import Any, Literal, Self

import numpy as np
import pandas as pd
from sklearn.base import ClassifierMixin, _fit_context
from sklearn.utils import check_scalar
from sklearn.utils.validation import check_is_fitted

from sknnmm.common.random import generator
from sknnmm.common.typing import (
    Column,
    ColumnChoice,
    FilePath,
    Groups,
    Limits,
    Mask,
    NodeFunction,
    RandomState,
    Table,
)
from sknnmm.effects import Fixed, Random
from sknnmm.estimators.base import NNMMBase
from sknnmm.estimators.documentation import with_entries_of
from sknnmm.estimators.model_comparison import log_likelihood_of, loo_of, records_of
from sknnmm.inputs.classes import Classes, KnownClasses, labels_of
from sknnmm.inputs.weights import check_weights
from sknnmm.prediction.classes import class_probabilities, sample_classes
from sknnmm.priors import Prior, ScaledInverseChi2


@with_entries_of(NNMMBase)
class NNMMClassifier(ClassifierMixin, NNMMBase):
    """Mixed-effect neural network: SNP genotypes -> omics -> classes, fitted jointly by MCMC.

    For phenotypes that are not measured but fall into classes: healthy or diseased, calving ease,
    a score. The threshold model (probit): individual i has a liability l_i, of which its class is
    an interval between thresholds 0 = t_1 < t_2 < ...; for two classes its sign. The liability is
    the phenotype of the network (see `NNMMRegressor`)::

        z_ik = mu_k + c_i' gamma_k + u_ik + sum_j x_ij b_jk + eps_ik,         eps_ik ~ N(0, s2_k)
        l_i  = mu + c_i' gamma + u_i + sum_k w_k g(z_ik) + sum_j x_ij a_j + e_i,  e_i ~ N(0, 1)

    Its unit is the SD of its residual, of a record of average weight. Wherever parameters and
    attributes say y, that is the liability. What SNPs, omics and random effects explain of it is
    expected to have variance 1 a priori.

    Any value of X, omics or y may be missing, as for `NNMMRegressor`: the class of a record is
    missing where it is NaN, None or NA, in y of any type that can hold these. Splitters of
    scikit-learn that stratify refuse such a y.

    Parameters
    ----------
    {method to effects}

    residual_prior : ScaledInverseChi2 or None, default=None
        Prior of the residual variances of the nodes; None is ``ScaledInverseChi2()``. That of the
        liability is fixed.

    {n_iter to effects_memory}

    ordered : bool, default=False
        Whether the labels, sorted, are in the order of the liability. More than two classes must
        be ordered: so, or as ordered categories of pandas. For classes without an order use
        `sklearn.multiclass.OneVsRestClassifier`.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Labels of the classes that occur in y, in the order of the liability: sorted, or in the
        order of the categories.
    thresholds_ : ndarray of shape (n_classes - 1,)
        Posterior means of the thresholds of the liability between the classes; the first is 0.
    {snp_effects_, snp_effects_std_ to feature_names_in_}

    See Also
    --------
    NNMMRegressor : For phenotypes that are measured.
    sknnmm.metrics.observed_heritability : `heritability_`, that of the liability, on the scale of
        0 and 1.

    Notes
    -----
    There is no ``class_weight``: weights that balance the classes change the likelihood, and the
    probabilities would be those of a population with another prevalence. Where classes are rare,
    compare `predict_proba` with another limit than 1/2. If the sample has another prevalence than
    the population, as cases and controls have, the probabilities are those of the sample.

    A fixed effect that separates the classes completely (all individuals of one sex are healthy)
    has no finite estimate under its flat prior.

    References
    ----------
    Gianola & Foulley (1983), doi 10.1186/1297-9686-15-2-201. Albert & Chib (1993),
    doi 10.1080/01621459.1993.10476321. Cowles (1996), doi 10.1007/BF00162520. Zhao, Zeng & Cheng
    (2022), doi 10.1093/genetics/iyac034.

    Examples
    --------
    >>> from sknnmm import NNMMClassifier
    >>> from sknnmm.datasets import make_omics_network
    >>> data = make_omics_network(n_samples=200, n_snps=50, n_omics=3, random_state=0)
    >>> disease = (data.y > 1).astype(int)
    >>> model = NNMMClassifier(n_iter=600, burn_in=200, random_state=0)
    >>> model.fit(data.X, disease, omics=data.omics).predict_proba(data.X[:2]).shape
    (2, 2)
    >>> model.classes_
    array([0, 1])
    """

    _parameter_constraints = {**NNMMBase._parameter_constraints, "ordered": ["boolean"]}

    def __init__(
        self,
        method: str | Prior | Mapping[Any, str | Prior] = "BayesC",
        activation: str | NodeFunction = "linear",
        *,
        omics_method: str | Prior | Mapping[Any, str | Prior] = "BayesC",
        direct_effects: bool | Prior | Mapping[Any, str | Prior] = True,
        n_latent: int = 0,
        mask: Mask = None,
        snp_groups: Groups = None,
        omics_groups: Groups = None,
        omics_features: ColumnChoice = None,
        covariate_features: ColumnChoice = None,
        detection_limits: Limits = None,
        effects: Sequence[Fixed | Random] | None = None,
        residual_prior: ScaledInverseChi2 | None = None,
        n_iter: int | Literal["auto"] = 2000,
        burn_in: int = 500,
        thin: int = 1,
        n_chains: int = 2,
        min_ess: float = 400,
        max_iter: int = 50_000,
        latent_sampler: Literal["auto", "gibbs", "hmc", "slice"] = "auto",
        precision: Literal["single", "double"] = "single",
        n_jobs: int | None = None,
        random_state: RandomState = None,
        verbose: int = 0,
        warm_start: bool = False,
        checkpoint: FilePath | None = None,
        effects_memory: float = 256,
        ordered: bool = False,
    ) -> None:
        super().__init__(
            method,
            activation,
            omics_method=omics_method,
            direct_effects=direct_effects,
            n_latent=n_latent,
            mask=mask,
            snp_groups=snp_groups,
            omics_groups=omics_groups,
            omics_features=omics_features,
            covariate_features=covariate_features,
            detection_limits=detection_limits,
            effects=effects,
            residual_prior=residual_prior,
            n_iter=n_iter,
            burn_in=burn_in,
            thin=thin,
            n_chains=n_chains,
            min_ess=min_ess,
            max_iter=max_iter,
            latent_sampler=latent_sampler,
            precision=precision,
            n_jobs=n_jobs,
            random_state=random_state,
            verbose=verbose,
            warm_start=warm_start,
            checkpoint=checkpoint,
            effects_memory=effects_memory,
        )
        self.ordered = ordered

    @_fit_context(prefer_skip_nested_validation=False)
    @with_entries_of(NNMMBase._fit)
    def fit(
        self,
        X: Table,
        y: Column,
        omics: Table | None = None,
        covariates: Table | None = None,
        sample_weight: Column | None = None,
    ) -> Self:
        """Fit the network by Markov chain Monte Carlo.

        Parameters
        ----------
        {X}
        y : array-like of shape (n,)
            Labels of the classes: numbers, text, booleans or categories of pandas; NaN, None or NA
            = missing. Categories of which there is no record are left out with a warning.
        {omics, covariates, sample_weight}

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
            If chains disagree, or draws are too few, in what users read (see `NNMMRegressor`).
        """
        return self._fit(X, Classes(y, self.ordered), omics, covariates, sample_weight)

    @with_entries_of(NNMMBase._rows)
    def predict_proba(
        self, X: Table, omics: Table | None = None, covariates: Table | None = None
    ) -> np.ndarray:
        """Predict the probabilities of the classes: P(y | x, the omics given).

        The posterior predictive distribution: the mean, over the draws whose SNP effects are held
        (see `posterior_`), of the probability that the liability lies between the thresholds. In
        every draw it is normal, exactly so in a network with linear nodes; elsewhere a normal
        distribution of its mean and variance stands for it where omics are not given.

        Parameters
        ----------
        {X, omics, covariates}

        Returns
        -------
        ndarray of shape (n, n_classes)
            In the order of `classes_`; of a new record of average weight.
        """
        rows = self._rows(X, omics, covariates)
        return class_probabilities(self._network, rows)

    def predict(
        self, X: Table, omics: Table | None = None, covariates: Table | None = None
    ) -> np.ndarray:
        """Predict the most probable class.

        Parameters
        ----------
        X, omics, covariates : array-like
            As in `predict_proba`.

        Returns
        -------
        ndarray of shape (n,)
            Labels, as in `classes_`.
        """
        most_probable = self.predict_proba(X, omics, covariates).argmax(axis=1)
        return self.classes_[most_probable]

    def decision_function(
        self, X: Table, omics: Table | None = None, covariates: Table | None = None
    ) -> np.ndarray:
        """Predict the liability: E[l | x, the omics given], averaged over the posterior.

        Parameters
        ----------
        X, omics, covariates : array-like
            As in `predict_proba`.

        Returns
        -------
        ndarray of shape (n,)
            In residual SDs of the liability, whatever the number of classes. Of two classes it is
            above 0 where the second is the more probable one; nearly so, since the probability
            counts what is not known of the liability. For the same reason the two may order
            individuals differently whose probabilities nearly agree.
        """
        rows = self._rows(X, omics, covariates)
        return self._network.expected_phenotype(rows)[:, 0]

    def sample_posterior_predictive(
        self,
        X: Table,
        n_draws: int,
        omics: Table | None = None,
        covariates: Table | None = None,
        random_state: RandomState = None,
    ) -> np.ndarray:
        """Draw classes from their posterior predictive distribution.

        Each draw takes the parameters of one posterior draw, draws the omics that are not given,
        then the liability, with its residual and a normal deviation for the genotypes that are
        missing.

        Parameters
        ----------
        X : array-like of shape (n, p)
        n_draws : int
            Number of draws per individual.
        omics, covariates : array-like or None
            As in `predict_proba`.
        random_state : int, RandomState or Generator instance or None, default=None
            Pass an int for the same draws in every call.

        Returns
        -------
        ndarray of shape (n, n_draws)
            Labels. A column is one joint draw of all individuals.
        """
        check_scalar(n_draws, "n_draws", Integral, min_val=1)
        rows, rng = self._rows(X, omics, covariates), generator(random_state)
        numbers = sample_classes(self._network, rows, n_draws, rng)
        return self.classes_[numbers]

    def score(
        self,
        X: Table,
        y: Column,
        omics: Table | None = None,
        covariates: Table | None = None,
        sample_weight: Column | None = None,
    ) -> float:
        """Return the accuracy of the predictions over the rows whose y is observed.

        Parameters
        ----------
        X : array-like of shape (n, p)
        y : array-like of shape (n,)
            Labels; NaN, None or NA = missing.
        omics, covariates : array-like or None
            As in `predict_proba`.
        sample_weight : array-like of shape (n,) or None
            Weights of the records.

        Returns
        -------
        float
            Share of the records whose class is predicted.
        """
        inputs = self._check_predict_inputs(X, omics, covariates, y=y, sample_weight=sample_weight)
        weight = check_weights(sample_weight, len(inputs.dosages))
        labels, _ = labels_of(y, len(inputs.dosages))
        observed = ~pd.isna(labels)
        if not observed.any():
            raise ValueError("y has no observed value: all are missing.")
        if not np.isin(labels[observed].tolist(), self.classes_.tolist()).any():
            raise ValueError(f"y has none of the classes of fit, {self.classes_.tolist()}.")
        rows = self._network.rows(*inputs)
        probabilities = class_probabilities(self._network, rows)
        predicted = self.classes_[probabilities.argmax(axis=1)]
        is_right = labels[observed] == predicted[observed]
        return float(np.average(is_right, weights=None if weight is None else weight[observed]))

    @with_entries_of(records_of)
    def log_likelihood(
        self,
        X: Table,
        y: Column,
        omics: Table | None = None,
        covariates: Table | None = None,
        sample_weight: Column | None = None,
    ) -> np.ndarray:
        """Return the log probability of the class of every record in posterior draws.

        Given the genotypes, the covariates and the omics that are given. Omics that are not, and
        latent nodes, are integrated over given the parameters of the draw: exactly if the
        activation is linear, otherwise with 128 fixed normal draws. For the data of `fit` it is the
        likelihood of the records, by which `loo` compares models. For other individuals the log of
        the mean over the draws is the log predictive probability; minus its mean over the records
        is the log loss.

        Parameters
        ----------
        {X}
        y : array-like of shape (n,)
            Labels, of the classes of fit; NaN, None or NA = missing.
        {omics, covariates to sample_weight}

        Returns
        -------
        ndarray of shape (n_chains, draws, n)
            NaN where y is missing or the weight 0. The draws are those whose SNP effects are held,
            ``posterior_.effects_draw`` of the kept ones.

        See Also
        --------
        loo : Leave-one-out predictive probabilities.

        Examples
        --------
        >>> from scipy.special import logsumexp
        >>> from sknnmm import NNMMClassifier
        >>> from sknnmm.datasets import make_omics_network
        >>> data = make_omics_network(80, 30, 2, outcome="binary", random_state=0)
        >>> model = NNMMClassifier("RR-BLUP", n_iter=300, burn_in=100, random_state=0)
        >>> model = model.fit(data.X[:70], data.y[:70], omics=data.omics[:70])
        >>> densities = model.log_likelihood(data.X[70:], data.y[70:], omics=data.omics[70:])
        >>> densities.shape
        (2, 200, 10)
        >>> predictive = logsumexp(densities, axis=(0, 1)) - np.log(2 * 200)
        """
        records = self._records(X, y, omics, covariates, sample_weight)
        return log_likelihood_of(self, records)

    def loo(
        self,
        X: Table,
        y: Column,
        omics: Table | None = None,
        covariates: Table | None = None,
        sample_weight: Column | None = None,
    ) -> Any:
        """Return the leave-one-out predictive probability of the classes, without another fit.

        The sum over the records of the log probability of the class of i given all other records,
        x_i and the omics of i; computed from `log_likelihood` as `NNMMRegressor.loo` does it, where
        the notes say what it answers and what not.

        Needs the library ArviZ: ``pip install sknnmm[arviz]``.

        Parameters
        ----------
        X, y, omics, covariates, sample_weight : array-like or None
            What was passed to fit. Records whose y is missing do not count.

        Returns
        -------
        arviz_stats.ELPDData
            elpd (the sum), se (its standard error), p (effective number of parameters), elpd_i
            and pareto_k (of each record). Models of the same records can be compared; a
            regression on the labels cannot, as its densities are none of classes.

        Warns
        -----
        UserWarning
            If Pareto k says of some records that importance sampling is not reliable.

        See Also
        --------
        log_likelihood : What it is computed from.

        Examples
        --------
        >>> from sknnmm import NNMMClassifier
        >>> from sknnmm.datasets import make_omics_network
        >>> data = make_omics_network(100, 30, 2, outcome="binary", random_state=0)
        >>> model = NNMMClassifier("RR-BLUP", n_iter=600, burn_in=100, random_state=0)
        >>> model = model.fit(data.X, data.y, omics=data.omics)
        >>> predicted = model.loo(data.X, data.y, omics=data.omics)  # doctest: +SKIP
        """
        records = self._records(X, y, omics, covariates, sample_weight)
        return loo_of(self, X, records)

    def _records(self, X, y, omics, covariates, sample_weight):
        """Return the Records of individuals."""
        check_is_fitted(self)
        known = KnownClasses(y, self.classes_)
        return records_of(self, X, known, omics, covariates, sample_weight)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = self.ordered
        return tags
