"""What the estimators share: inputs, network, chains, attributes. They do not sample."""

import os
from collections.abc import Mapping, Sequence
from functools import partial
from numbers import Integral, Real
from typing import Any, Literal, Self, overload

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from sknnmm.activations import ACTIVATIONS
from sknnmm.common.layer_names import OMICS, PHENOTYPE
from sknnmm.common.random import seed_sequence
from sknnmm.common.typing import (
    ColumnChoice,
    FilePath,
    Groups,
    Limits,
    Mask,
    NodeFunction,
    RandomState,
    Table,
)
from sknnmm.common.user_warnings import called_by
from sknnmm.effects import Fixed, Random
from sknnmm.estimators.attributes import diagnosed, fitted_attributes, fixed_effects
from sknnmm.estimators.convergence import Wanted
from sknnmm.estimators.describe import describe
from sknnmm.estimators.effect_parameters import of_effects, with_effects
from sknnmm.estimators.fingerprint import describe_fit
from sknnmm.estimators.prior_parameters import of_groups, replaced
from sknnmm.estimators.short_name import short_name
from sknnmm.estimators.stopping import StoppingRule
from sknnmm.estimators.variance_components import (
    random_effects,
    variance_besides_snps,
    variance_components,
)
from sknnmm.inputs.alignment import row_index
from sknnmm.inputs.checkpoint_directory import check_directory
from sknnmm.inputs.fit_inputs import check_fit_inputs
from sknnmm.inputs.group_priors import GROUPS_OF
from sknnmm.inputs.predict_inputs import (
    check_genetic_inputs,
    check_predict_genotypes,
    check_predict_inputs,
)
from sknnmm.inputs.settings import check_settings
from sknnmm.model.variables import registry
from sknnmm.posterior.diagnostics import MIN_ESS
from sknnmm.prediction.spread import genetic_sd
from sknnmm.priors import METHODS, Prior, ScaledInverseChi2
from sknnmm.sampling.chains.interruption import ends_process_when_terminated
from sknnmm.sampling.chains.length import FixedLength, UntilConverged
from sknnmm.sampling.chains.parallel import one_blas_thread, run_chains
from sknnmm.sampling.gibbs import Sampler
from sknnmm.sampling.missing.choose import LATENT_SAMPLERS
from sknnmm.sampling.resume.directory_lock import only_fit_in
from sknnmm.sampling.resume.resume_point import ResumePoint, find_resume_point

NOT_ALWAYS_SET = (  # by a fit
    "feature_names_in_",
    # a network function has no weights
    "omics_weights_",
    "omics_weights_std_",
    "omics_inclusion_probability_",
    "mediated_variance_",
    "_group_variance",  # only with groups
)
PRECISIONS = {"single": np.float32, "double": np.float64}


class NNMMBase(BaseEstimator):
    """What both estimators are: their parameters, how they are fitted, and their attributes.

    A subclass says what y is: it has `fit`, predictions of y and `score`. Its docstring takes
    entries of this one (`documentation.py`); y is there the phenotype or its liability.

    Parameters
    ----------
    method : {"BayesA", "BayesB", "BayesC", "BayesL", "BayesR", "RR-BLUP", "GBLUP"}, Prior or \
            mapping, default="BayesC"
        Prior of the SNP effects. A string means the object with its defaults; a mapping gives each
        of the `snp_groups` a prior.

    activation : {"linear", "sigmoid", "tanh", "softplus", "relu", "leaky_relu"} or callable, \
            default="linear"
        The function g from a standardised node to the phenotype; the slope of "leaky_relu" below
        zero is 0.01. A callable takes a read-only (n, K) array, n >= 1, and returns a new one,
        finite, of which a row depends on no other row; its shape decides its role. Shape
        (n, K): an elementwise activation of standardised nodes with learned weights
        (``sknnmm.activations.Activation(function, derivative)`` adds a derivative for Hamiltonian
        Monte Carlo). Shape (n,): the whole network function, from omics on their original scale
        (latent nodes as they are) to y units, without weights; `omics_weights_`, `coef_` and
        `mediated_variance_` are then not set.

    omics_method : {"BayesA", "BayesB", "BayesC", "BayesL", "BayesR", "RR-BLUP"}, Prior or \
            mapping, default="BayesC"
        Prior of the omics weights; a mapping gives each of the `omics_groups` one. GBLUP is
        refused: the relationship matrix of the omics would change in every iteration when omics
        are missing.

    direct_effects : bool, Prior or mapping, default=True
        Whether SNPs also act on y past the omics (the published NN-MM: False). A Prior is that of
        the direct effects, a mapping has those of the `snp_groups`; True takes the prior of
        `method`.

    n_latent : int, default=0
        Number of nodes without data. Of a latent node only its contribution is identified:
        predictions, breeding values, variance explained. Not identified are the sign and the
        order of latent nodes, the split of scale between a node and its weight and that of the
        residual between node and y. So attributes of a latent node (weight, SNP effects, residual
        variance) and `residual_variance_` depend on the chain and are left out of the convergence
        warning. Direct effects explain y as well as a latent node does: with both, chains seldom
        change between the modes of the posterior, so set ``direct_effects=False``. A latent node
        has no intercept and no covariate effects.

    mask : None, array, sparse array, DataFrame, sequence or mapping, default=None
        Which SNPs act on which nodes; None: all on all. A boolean array (p, K), dense or sparse; a
        DataFrame by SNP names (index) and omics names (columns); a sequence of length p with the
        omic each SNP feeds (a name or position; None, NaN or -1: none); or a mapping from omics to
        their SNPs (names, positions or slices). Integers are positions. SNPs that are not
        mentioned feed no node; names that X lacks are dropped with a warning (an earlier step of
        a Pipeline may have removed them). Latent nodes that are not mentioned are fully
        connected. Direct effects are never masked. See also `sknnmm.cis_mask`.

    snp_groups : None, mapping, sequence or Series, default=None
        Groups of SNPs whose effects have priors of their own, each with its own variance and pi:
        annotation classes, chromosomes. A mapping from groups to their SNPs (names, positions,
        slices or boolean arrays); a sequence of length p with the group of each SNP; or a Series
        of groups by SNP name. Every SNP is in one group. Names that X lacks are dropped with a
        warning, as those of `mask`. A single prior holds for every group. Groups have equal
        shares of the variance that SNPs explain a priori. Direct effects have the same groups.

    omics_groups : None, mapping, sequence or Series, default=None
        The same of the omics and their weights, by names or positions of omics. Latent nodes that
        are not mentioned make the group "latent".

    omics_features : str, int, slice, sequence, boolean mask, callable or None, default=None
        Which columns of X are omics: names (X a DataFrame), positions, a mask, or a callable that
        gets X and returns one of these. Positions and masks count the columns that `fit` gets:
        behind steps of a Pipeline that move or remove columns use names. Cross-validation, grid
        searches and pipelines then carry the omics inside X and need no metadata routing, and
        `omics` is not passed. In predict, NaN, or in a DataFrame an absent column, means not
        measured. None: all columns are SNPs.

    covariate_features : str, int, slice, sequence, boolean mask, callable or None, default=None
        Which columns of X are covariates, in the same ways as `omics_features`, of any type in a
        DataFrame: cross-validation then carries the covariates inside X. In predict they must be
        there. None: covariates are passed beside X, if there are any.

    detection_limits : None, mapping, Series or array-like of shape (n_omics,), default=None
        Detection limits of omics, in their unit: a mapping or Series from omics (names, or
        positions, which count the omics alone and not the other columns of X) to limits, or an
        array (NaN or -inf: none). A cell of the omics that is -inf was measured and lies below the
        limit of its omic; it is drawn from the distribution below it, and is not part of the mean
        and SD by which the omic is standardised. NaN remains a value of which nothing is known.
        Omics are normal given the genotypes on the scale on which they are passed: of logarithms
        pass the logarithms of the limits.

    effects : list of Fixed and Random, or None, default=None
        Terms on the columns of the covariates, from `sknnmm.effects`, e.g.
        ``[Fixed("sex * age"), Fixed("season", layer="phenotype")]``. Columns that no term names,
        by default all, are fixed effects in both layers: numeric ones as regressions; text,
        categories and booleans as factors.

    residual_prior : ScaledInverseChi2 or None, default=None
        Prior of the residual variances of both layers; None is ``ScaledInverseChi2()``.

    n_iter : int or "auto", default=2000
        Iterations per chain, burn-in included. "auto": chains continue, in rounds, until every
        target of the convergence warning has R-hat of at most 1.05 (or what chance explains) and a
        bulk effective sample size of at least `min_ess`, both over all chains, or until `max_iter`
        iterations. Then `n_iter_`
        is what it took, and with ``n_iter=n_iter_, burn_in=burn_in_`` another fit of the same data
        is the same to the bit.

    burn_in : int, default=500
        Iterations discarded at the start of each chain, less than `n_iter`. With "auto" the least:
        burn-in is doubled until in its second half R-hat of every target is at most 1.05, with
        enough effective draws (50) to rely on it, but takes no more than half of `max_iter`.

    thin : int, default=1
        Every `thin`-th iteration after burn-in is kept.

    n_chains : int, default=2
        Independent chains; with one chain R-hat is not available. With ``n_iter="auto"`` the halves
        of a single chain are then compared.

    min_ess : float, default=400
        Bulk effective sample size, over all chains, that ends ``n_iter="auto"``. 100 per chain is
        usual (Vehtari et al. 2021, doi 10.1214/20-BA1221, advise 400 for four). Monte Carlo errors
        of posterior means are then at most a twentieth of the posterior SD.

    max_iter : int, default=50000
        Iterations per chain at which ``n_iter="auto"`` stops with a ConvergenceWarning.

    latent_sampler : {"auto", "gibbs", "hmc", "slice"}, default="auto"
        How missing omics and latent nodes are drawn: exactly ("gibbs", linear only), by
        Hamiltonian Monte Carlo ("hmc", needs a derivative) or by elliptical slice sampling
        ("slice"). "auto" takes the first of them that serves the activation.

    precision : {"single", "double"}, default="single"
        Floating precision of the sampler. Predictions are always computed in double.

    n_jobs : int or None, default=None
        Chains run at the same time, through joblib. The numbers do not depend on it.

    random_state : int, RandomState or Generator instance or None, default=None
        Pass an int for the same numbers, to the bit, in every fit on one machine. With an instance
        every fit has other numbers.

    verbose : int, default=0
        1 shows the iterations per chain, the mean of all chains. With ``n_iter="auto"``, where
        it is not known how many there will be, also the last round, its slowest target with the
        effective sample size and the one needed, and the largest R-hat.

    warm_start : bool, default=False
        Whether another `fit` with a larger `n_iter`, on the same data and with the same other
        parameters, continues where the last one ended; the result is that of one long run, to the
        bit. With ``n_iter="auto"`` it is `min_ess` or `max_iter` that may be larger; the result is
        that of one fit, unless chains were still apart after half of the smaller `max_iter`.
        Anything else that differs is an error. Only then are the states of the chains kept, which
        hold the draws of SNP effects a second time.

    checkpoint : str, path or None, default=None
        Directory for the states of the chains, written when they begin and end, about every 30
        seconds between, and on Ctrl-C, SIGTERM and SIGHUP. The same `fit` after a run that was
        killed continues from there, to the same bits; once it is done, it returns its result
        without sampling. Other data or parameters are an error, and so is another fit in this
        directory at the same time. With ``random_state=None`` the seeds of the first run count. For
        one fit only, not for cross-validation. A relative path counts from the working directory at
        the start of `fit`.

    effects_memory : float, default=256
        Memory for draws of SNP effects in `posterior_`, of all chains together, in MiB. When they
        outgrow it, every second draw is dropped, as often as needed, but for one draw of each
        chain. `predict` and `breeding_value` take their standard deviations, and a network with a
        curved activation its means, from the draws that are held; ``repr(posterior_)`` says how
        many. Means of effects use all draws.

    Attributes
    ----------
    snp_effects_, snp_effects_std_ : ndarray of shape (p, K)
        Posterior mean and SD of the SNP effects on the nodes, omic units per allele; zero where
        not connected. A `scipy.sparse.csc_array`, like `inclusion_probability_`, if `mask` is a
        sparse array, a mapping or a sparse DataFrame.
    inclusion_probability_ : ndarray of shape (p, K)
        Posterior probability that the effect is not zero (1 for priors without selection).
    direct_effects_, direct_effects_std_, direct_inclusion_probability_ : ndarray of shape (p,)
        The same for the direct effects, y units per allele; zeros if there are none.
    omics_weights_, omics_weights_std_, omics_inclusion_probability_ : ndarray of shape (K,)
        The same for the weights, y units per unit of g, which acts on the standardised node
        (linear: y units per SD of the omic).
    coef_ : ndarray of shape (p,)
        Total SNP effect on y, E[sum_k w_k b_jk + a_j]; only with the linear activation.
    feature_importances_ : ndarray of shape (number of columns of X,)
        Only with `omics_features`, the linear activation and without `covariate_features`: the SD
        of y that goes with a column of X, ``abs(coef_)`` times the SD of a SNP, or
        ``abs(omics_weights_)`` of an omic. `SelectFromModel` of scikit-learn reads it.
    intercept_ : float
        For uncentred genotypes and covariates at their training mean: with all omics given,
        ``predict = intercept_ + g((Z - omics_mean_) / omics_scale_) @ omics_weights_
        + X @ direct_effects_ + (C - covariates_mean_) @ covariate_effects_``, C being the design
        matrix of the covariates: numbers as they are, factors as 0/1 columns.
    omics_intercept_ : ndarray of shape (K,)
        ``predict_omics(X) = omics_intercept_ + X @ snp_effects_``.
    fixed_effects_ : DataFrame
        Posterior mean and SD of the effects of the covariates, in units of the response: a row for
        each column of the design matrix (``age``, ``sex[T.M]``: M against the first level,
        ``sex[T.M]:age``), columns (response, "mean" or "sd") with the responses "y" (given the
        nodes) and the omics. NaN where a term does not act on a response.
    random_effects_ : dict of str to DataFrame
        By the name of a term of `effects`: posterior mean and SD of the effects, in units of the
        response (per unit of the slope), and their reliability, 1 - sd^2 over the variance of the
        level: a row for each level, also those of a relationship that no record has, columns
        (response, "mean", "sd" or "reliability"). Reliabilities are NaN where the variances of
        levels are not computed: with a number as `scale`, and a relationship by a sparse inverse.
    variance_components_ : DataFrame
        A row for each layer, response and term ("SNPs": the genetic values; "omics": what nodes
        add to y beyond SNPs, covariates and random effects; random effects by name; "residual"):
        mean, sd and quantiles of the variance, and its share of the variance of a record. What
        random effects do to y through linear omics is part of theirs on y.
    covariate_effects_ : ndarray of shape (q,)
        The effects on y: the mean in `fixed_effects_`, of the q terms of the phenotype.
    omics_covariate_effects_ : ndarray of shape (q, K)
        Effects on the nodes, of the q terms of the omics (the same, but for `layer` in `effects`).
    covariates_mean_ : ndarray of shape (q,)
        Training means of the columns of the design matrix of the phenotype.
    omics_mean_, omics_scale_ : ndarray of shape (K,)
        Mean and SD of the observed training values; 0 and 1 for latent nodes.
    residual_variance_ : float
        Residual variance of y, of a record of weight 1.
    omics_residual_variance_ : ndarray of shape (K,)
        Residual variance of each node.
    pi_ : ndarray of shape (K,), or (n_snp_groups, K)
        Probability of no effect of a SNP on each node; NaN for priors without it. With two or more
        `snp_groups` that of every group.
    omics_pi_, direct_pi_ : float, or ndarray of shape (n_omics_groups,), (n_snp_groups,)
        The same of a node on y, and of a SNP on y directly.
    snp_group_names_, omics_group_names_ : ndarray
        Names of the groups, in the order of their hyperparameters; empty without groups.
    group_variance_, group_variance_std_ : DataFrame
        Only with groups: posterior mean and SD of the share of the genetic variance of y that is
        due to a group of SNPs (rows) by way of a group of omics or directly (columns), with sums
        over both ("all"). In each draw the covariance of that part of the genetic values with
        all of them, over their variance, in the training rows: shares sum to 1, and one may be
        negative. From up to 100 of the draws whose SNP effects are held. What passes through
        curved activations cannot be split by SNPs: NaN.
    heritability_ : float
        Share of the variance of y, given fixed and random effects, that is genetic, over the
        training rows; the residual variance is the mean of the records, with their weights.
    genetic_variance_ : float
        Variance of the genetic values of y over the training rows.
    genetic_values_, genetic_values_std_ : ndarray of shape (n,)
        Posterior mean and SD of the genetic value of every row passed to fit, in y units, as
        deviation from their mean; missing genotypes count as the training mean. From all kept
        draws, where `breeding_value` has those whose SNP effects are held. With linear nodes, if n
        times p exceeds a million, SDs may be from every second to sixteenth draw.
    omics_heritability_ : ndarray of shape (K,)
        The same share for each node.
    mediated_variance_ : ndarray of shape (K,)
        Share of the genetic variance of y that passes through each node; with the direct share
        they sum to 1.
    omics_imputed_, omics_imputed_std_ : ndarray of shape (n, n_omics)
        Posterior mean and SD of the omics of every row passed to fit; observed values have SD 0,
        those below their detection limit have not.
    omics_names_ : ndarray of shape (K,)
        Names of the nodes: columns of `omics` or omic_0, ..., then latent_0, ...
    snp_names_ : ndarray of shape (p,)
        Column names of X or snp_0, ...
    diagnostics_ : DataFrame
        Mean, sd, ess_bulk, ess_tail, r_hat and mcse of scalars, weights, variances and the genetic
        values of up to 50 training rows, which `random_state` chooses. Chains are judged by the
        quantities whose column target is True.
    latent_sampler_diagnostics_ : DataFrame
        One row per chain of Hamiltonian Monte Carlo: acceptance_rate and divergences after
        burn-in, step_size. Empty for the other samplers.
    n_iter_, burn_in_ : int
        Iterations per chain, burn-in included, and those of burn-in.
    posterior_ : Posterior
        ``posterior_.draws[name]`` are (chain, draw, ...) arrays named like the attributes.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (p,)
        Only if X has string column names.
    """

    # Options are keys of dictionaries, which messages list in their order.
    _parameter_constraints = {
        "method": [StrOptions(METHODS.keys()), Prior, Mapping],
        "activation": [StrOptions(ACTIVATIONS.keys()), callable],
        "omics_method": [StrOptions(METHODS.keys()), Prior, Mapping],
        "direct_effects": ["boolean", Prior, Mapping],
        "n_latent": [Interval(Integral, 0, None, closed="left")],
        "mask": "no_validation",  # many forms: see sknnmm.inputs.masks
        "snp_groups": "no_validation",  # see sknnmm.inputs.groups
        "omics_groups": "no_validation",
        "omics_features": [None, str, Integral, slice, "array-like", callable],
        "covariate_features": [None, str, Integral, slice, "array-like", callable],
        "detection_limits": "no_validation",  # see sknnmm.inputs.detection_limits
        "effects": "no_validation",  # see sknnmm.inputs.covariate_terms
        "residual_prior": [ScaledInverseChi2, None],
        "n_iter": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})],
        "burn_in": [Interval(Integral, 0, None, closed="left")],
        "thin": [Interval(Integral, 1, None, closed="left")],
        "latent_sampler": [StrOptions({"auto": None, **LATENT_SAMPLERS}.keys())],
        "n_chains": [Interval(Integral, 1, None, closed="left")],
        "min_ess": [Interval(Real, 0, None, closed="neither")],
        "max_iter": [Interval(Integral, 2, None, closed="left")],
        "precision": [StrOptions(PRECISIONS.keys())],
        "n_jobs": [
            Interval(Integral, 1, None, closed="left"),
            Interval(Integral, None, -1, closed="right"),
            None,
        ],
        "random_state": ["random_state", np.random.Generator],
        "verbose": ["verbose"],
        "warm_start": ["boolean"],
        "checkpoint": [str, os.PathLike, None],
        "effects_memory": [Interval(Real, 0, None, closed="right")],
    }

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
    ) -> None:
        self.method = method
        self.activation = activation
        self.omics_method = omics_method
        self.direct_effects = direct_effects
        self.n_latent = n_latent
        self.mask = mask
        self.snp_groups = snp_groups
        self.omics_groups = omics_groups
        self.omics_features = omics_features
        self.covariate_features = covariate_features
        self.detection_limits = detection_limits
        self.effects = effects
        self.residual_prior = residual_prior
        self.n_iter = n_iter
        self.burn_in = burn_in
        self.thin = thin
        self.n_chains = n_chains
        self.min_ess = min_ess
        self.max_iter = max_iter
        self.latent_sampler = latent_sampler
        self.precision = precision
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose
        self.warm_start = warm_start
        self.checkpoint = checkpoint
        self.effects_memory = effects_memory

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters.

        Parameters
        ----------
        deep : bool, default=True
            Whether to return those of priors, also of those of groups, and of the terms of
            `effects` too.

        Returns
        -------
        dict
        """
        params = super().get_params(deep)
        if deep:
            for name in GROUPS_OF:
                if isinstance(params[name], Mapping):
                    params |= of_groups(name, params[name])
            if isinstance(self.effects, list | tuple):
                params |= of_effects(self.effects)
        return params

    def set_params(self, **params: Any) -> Self:
        """Set parameters; ``method__pi`` and the like work when `method` is a string too.

        A string (or None, for `residual_prior`) is replaced by the prior it stands for before a
        nested name is applied. ``method__coding`` and ``method__coding__pi`` are the prior of a
        group and its parameters, ``effects__0`` and ``effects__0__layer`` the first term of
        `effects` and its.

        Parameters
        ----------
        **params : dict
            Parameter names and values.

        Returns
        -------
        self
        """
        for name in GROUPS_OF:
            params = replaced(name, getattr(self, name), params)
        params = with_effects(self.effects, params)
        if any(key.startswith("residual_prior__") for key in params):
            prior = params.get("residual_prior", self.residual_prior)
            params["residual_prior"] = prior or ScaledInverseChi2()
        return super().set_params(**params)

    def _fit(self, X, y, omics, covariates, sample_weight):
        """Fit the network by Markov chain Monte Carlo.

        Parameters
        ----------
        X : array-like of shape (n, p)
            Allele dosages: floating with NaN = missing, or integer with negative = missing. With
            `omics_features` and `covariate_features` also omics and covariates. A read-only memory
            map (int8, or floating as `precision`) and the genotypes of `sknnmm.io.open_plink` are
            read from their file block by block.
        y : Phenotype or Classes
            What was passed as y.
        omics : array-like of shape (n, n_omics) or None
            Omics, NaN = missing, -inf = below the detection limit (`detection_limits`), in any
            pattern. A column without variance, or with fewer than two observed values, is kept with
            weight zero and a warning.
        covariates : array-like or None
            A table of n rows: numbers, text, categories and booleans. Fixed effects with flat
            priors in both layers, unless `effects` says otherwise, as by random effects. Columns of
            fixed effects must be complete where y is observed; a row without y and with missing
            covariates (NaN) informs nothing and is kept for the results. Collinear columns share
            one effect, with a warning that names them; columns without variance have none.
        sample_weight : array-like of shape (n,) or None
            Inverse residual variances of y: a record of weight 2 has residual variance
            `residual_variance_` / 2, as a mean of two records has. Only their ratios matter, but
            for `residual_variance_`, that of a record of weight 1: weights 1 / variance in squared
            units of y, times any constant, give the same predictions and heritability. They are
            not repetition counts; weight 0 is the same as a missing y. The omics layer does not
            depend on them.
        """
        check_settings(self)
        checkpoint = check_directory(self.checkpoint, "checkpoint")
        dtype = PRECISIONS[self.precision]
        inputs = check_fit_inputs(self, X, y, omics, covariates, sample_weight, dtype)
        specification = describe(self, inputs, dtype)
        network = specification.network()
        length = self._length(network, inputs)
        start, settings, results = self._run_chains(
            specification, network, inputs, length, checkpoint
        )
        auto, name = self.n_iter == "auto", short_name(self)
        wanted = Wanted(self.min_ess, "max_iter", name) if auto else Wanted(MIN_ESS, "n_iter", name)
        attributes = fitted_attributes(
            results, settings, specification, network, inputs, self.mask, wanted
        )
        attributes |= {"n_iter_": settings.n_iter, "burn_in_": settings.burn_in, "_chains": None}
        if self.warm_start:
            states = [result.state for result in results]
            attributes["_chains"] = {"fit": start.fit, "states": states}
        # The estimator changes all at once, and only when the fit has succeeded.
        kept = {name: value for name, value in vars(self).items() if name not in NOT_ALWAYS_SET}
        self.__dict__ = kept | attributes
        return self

    def _length(self, network, inputs):
        """Return what decides how long the chains run."""
        if self.n_iter != "auto":
            return FixedLength(self.n_iter, self.burn_in, self.thin, self.warm_start)
        rule = StoppingRule(registry(network), partial(diagnosed, inputs), self.min_ess)
        return UntilConverged(self.burn_in, self.thin, self.max_iter, rule)

    def _run_chains(self, specification, network, inputs, length, checkpoint):
        """Return where the chains began, how long they ran, and their results."""
        with ends_process_when_terminated(), only_fit_in(checkpoint), one_blas_thread():
            start = self._start(specification, inputs.compared, checkpoint)
            origins = start.origins(checkpoint)
            # The sampler's matrices are not kept while summarising.
            ran = run_chains(
                Sampler(network), origins, length, self.effects_memory, self.n_jobs, self.verbose
            )
        return start, *ran

    def _start(self, specification, data, checkpoint):
        """Return where the chains begin."""
        last = getattr(self, "_chains", None) if self.warm_start else None
        if last and isinstance(self.random_state, np.random.RandomState | np.random.Generator):
            entropy = last["fit"]["entropy"]  # the instance has moved on
        else:
            entropy = seed_sequence(self.random_state).entropy
        if checkpoint is None and not self.warm_start:
            return ResumePoint({"entropy": entropy}, [None] * self.n_chains)
        fit = describe_fit(self, entropy, specification, data)
        return find_resume_point(fit, checkpoint, self.warm_start, last)

    @property
    def coef_(self) -> np.ndarray:
        """Total SNP effects."""
        if getattr(self, "_coef", None) is None:
            raise AttributeError("coef_ is set by a fit with the linear activation.")
        # Scikit-learn's selectors read importances by position: with omics among the columns of
        # X they must find those of the columns, not the effects of the SNPs alone.
        if self._fitted_columns.positions and called_by("sklearn.feature_selection"):
            raise AttributeError("coef_ has SNPs only: use feature_importances_.")
        return self._coef

    @property
    def feature_importances_(self) -> np.ndarray:
        """Importance of every column of X."""
        check_is_fitted(self)
        selector = called_by("sklearn.feature_selection")
        if selector and self._coef is None:
            raise ValueError(
                "Importances of columns need the linear activation: in a nonlinear network the "
                "effect of a column depends on all others. Use permutation_importance of "
                "scikit-learn."
            )
        positions = self._fitted_columns.positions
        if selector and "covariates" in positions:
            raise ValueError(
                "Columns that covariate_features names have no importance, and a selector would "
                "remove them: select SNPs in a step before, with a ColumnTransformer."
            )
        if self._coef is None or list(positions) != ["omics"]:
            raise AttributeError(
                "feature_importances_ is set by a fit with omics_features and the linear "
                "activation, without covariate_features; without omics_features use coef_."
            )
        if called_by("sklearn.feature_selection._rfe"):
            raise ValueError(
                "RFE cannot be used with omics_features: it removes columns of X and fits again, "
                "and omics_features would then name other columns. Use SelectFromModel."
            )
        is_omic = np.zeros(self.n_features_in_, bool)
        is_omic[positions["omics"]] = True
        importances = np.empty(self.n_features_in_)
        importances[is_omic] = np.abs(self.omics_weights_[: self.n_omics_])
        importances[~is_omic] = np.abs(self._coef) * np.sqrt(self._network.genotypes_variance)
        return importances

    @property
    def diagnostics_(self) -> pd.DataFrame:
        """Diagnostics of the chains."""
        return pd.DataFrame(**self._diagnostics)

    @property
    def fixed_effects_(self) -> pd.DataFrame:
        """Fixed effects of the covariates by name."""
        check_is_fitted(self)
        omics = self.omics_names_[: self.n_omics_]
        return fixed_effects(self.posterior_, self._fitted_columns.fixed, omics)

    @property
    def random_effects_(self) -> dict[str, pd.DataFrame]:
        """Random effects by term and level."""
        check_is_fitted(self)
        return random_effects(self._random, self._responses())

    @property
    def variance_components_(self) -> pd.DataFrame:
        """Variances of every term on every response."""
        check_is_fitted(self)
        weight = self._network.phenotype.mean_inverse_weight
        responses = self._responses()
        return variance_components(
            self.posterior_, self._random, responses, weight, self._per_unit()
        )

    def _per_unit(self):
        """Return what a unit of each linear node adds to y per weight; None if not linear."""
        nodes = self._network.phenotype.nodes
        is_linear = nodes is not None and nodes.activation.is_linear
        return 1 / self.omics_scale_ if is_linear else None

    def _responses(self):
        """Return the names of the responses of each layer."""
        nodes = {OMICS: self.omics_names_} if len(self.omics_names_) else {}
        return {PHENOTYPE: ["y"], **nodes}

    @property
    def group_variance_(self) -> pd.DataFrame:
        """Shares of the genetic variance."""
        return self._group_table("mean")

    @property
    def group_variance_std_(self) -> pd.DataFrame:
        """Their posterior SDs."""
        return self._group_table("sd")

    def _group_table(self, which):
        if not hasattr(self, "_group_variance"):
            raise AttributeError("group_variance_ is set by a fit with groups.")
        table = pd.DataFrame(**self._group_variance[which])
        return table.rename_axis(index="snp_group", columns="omics_group")

    @property
    def latent_sampler_diagnostics_(self) -> pd.DataFrame:
        """Diagnostics of Hamiltonian Monte Carlo."""
        columns = ["acceptance_rate", "step_size", "divergences"]
        table = pd.DataFrame(self._latent_sampler_diagnostics, columns=columns)
        return table.rename_axis("chain")

    def _rows(self, X, omics, covariates):
        """Return individuals to predict, as the fitted network reads them.

        Parameters
        ----------
        X : array-like of shape (n, p)
            Genotypes as in fit; missing values count as the training mean, and their variance
            counts in the standard deviation.
        omics : array-like of shape (n, n_omics) or None
            The observed omics of these individuals; NaN (or None: all) are integrated over given
            the genotypes. So are columns that a DataFrame lacks, and values of -inf, over the
            distribution below their limit (`detection_limits`).
        covariates : array-like or None
            Required, with the columns of fit, if the model was fitted with covariates beside X. For
            a fixed effect a missing value, or a level that fit has not seen, is an error; a random
            effect then counts 0, and its variance is part of the standard deviation.
        """
        inputs = self._check_predict_inputs(X, omics, covariates)
        return self._network.rows(*inputs)

    def _check_predict_inputs(self, X, omics, covariates, **tables):
        """Return dosages (n, p), omics (n, n_omics) and covariates (n, q) as arrays."""
        check_is_fitted(self)
        return check_predict_inputs(self, self._fitted_columns, X, omics, covariates, **tables)

    def _check_predict_genotypes(self, X):
        """Return dosages (n, p)."""
        check_is_fitted(self)
        return check_predict_genotypes(self, self._fitted_columns, X)

    def predict_omics(self, X: Table) -> np.ndarray:
        """Predict the nodes from genotypes: E[z | x], covariates at their training mean.

        Parameters
        ----------
        X : array-like of shape (n, p)

        Returns
        -------
        ndarray of shape (n, K)
            In omic units; latent nodes last.
        """
        dosages = self._check_predict_genotypes(X)
        if not len(self.omics_names_):
            raise ValueError("predict_omics needs a model fitted with omics or latent nodes.")
        return self._network.expected_omics(dosages)

    @overload
    def breeding_value(self, X: Table, return_std: Literal[False] = False) -> np.ndarray: ...

    @overload
    def breeding_value(
        self, X: Table, return_std: Literal[True]
    ) -> tuple[np.ndarray, np.ndarray]: ...

    def breeding_value(
        self, X: Table, return_std: bool = False
    ) -> np.ndarray | tuple[np.ndarray, np.ndarray]:
        """Return the genetic value, mediated and direct, as deviation from its training mean.

        ``sum_k w_k E[g(z_k) | x] + x' a`` averaged over the posterior; it never uses the omics or
        the phenotype of these individuals. Covariates are at their training mean.

        Parameters
        ----------
        X : array-like of shape (n, p)
        return_std : bool, default=False
            Whether to return the posterior standard deviation of the genetic values too. Missing
            genotypes are uncertainty: without any genotype it is the genetic standard deviation,
            the root of `genetic_variance_`. With some, the share of that variance is added that
            the missing SNPs have in ``sum_j var(x_j) beta_j^2``, beta_j the total effect of SNP j
            in a draw (of a nonlinear network: at the mean slopes of its activation). What is added
            never raises the variance above `genetic_variance_`. On average over individuals it is
            larger the more genotypes are missing.

        Returns
        -------
        value : ndarray of shape (n,)
            In units of y.
        value_std : ndarray of shape (n,)
            Only with `return_std`.
        """
        dosages = self._check_predict_genotypes(X)
        rows = self._network.genetic_rows(dosages)
        value = self._network.genetic_value(rows)[:, 0]
        return (value, genetic_sd(self._network, rows)[:, 0]) if return_std else value

    def breeding_values(
        self, X: Table, covariates: Table | None = None, genetic: Sequence[str] | None = None
    ) -> pd.DataFrame:
        """Return breeding values with their reliability and their parts, a table.

        Those of the SNPs, as `breeding_value` returns them. With `covariates`, or `genetic`, they
        are the sum of these and of the effects of other genetic terms: a polygenic effect with a
        pedigree, or what imputation misses in a single-step model.

        Parameters
        ----------
        X : array-like of shape (n, p)
            Genotypes; the index of a DataFrame is that of the table.
        covariates : array-like or None
            Columns of the terms that are genetic; others are not read. A level that is missing has
            no effect. One that is new counts 0, and its variance in the standard deviation. With
            `covariate_features` the columns of X.
        genetic : list of str, or None
            Names of random effects, and of numeric covariates such as J of a single-step model,
            that are part of the breeding value. None: the random effects with a relationship.

        Returns
        -------
        DataFrame of n rows
            ``breeding_value`` and its posterior ``sd``, in units of y; ``reliability``, 1 - sd^2
            over the genetic variance, 0 at least; ``direct`` and ``mediated``, which add up to the
            breeding value; and one column for each node, what it mediates. Of a nonlinear network
            the columns of the nodes are deviations from an individual of mean genotypes, and add
            up to ``mediated`` but for a constant; a network function has none.

            The genetic variance is `genetic_variance_` and the variance that the random effects
            that are counted add to it, on average over the training rows (NaN of effects on omics
            in a nonlinear network). Breeding values of SNPs and covariates are deviations
            from their training mean, random effects are as in `random_effects_`.

        Examples
        --------
        >>> from sknnmm import NNMMRegressor
        >>> from sknnmm.datasets import make_omics_network
        >>> data = make_omics_network(n_samples=60, n_snps=30, n_omics=2, random_state=0)
        >>> model = NNMMRegressor("RR-BLUP", n_iter=300, burn_in=100, random_state=0)
        >>> table = model.fit(data.X, data.y, omics=data.omics).breeding_values(data.X)
        >>> list(table.columns)
        ['breeding_value', 'sd', 'reliability', 'direct', 'mediated', 'omic_0', 'omic_1']
        """
        network, variance = self._network, self.genetic_variance_
        if covariates is None and genetic is None:
            rows = network.genetic_rows(self._check_predict_genotypes(X))
        else:
            check_is_fitted(self)
            rows = network.genetic_rows(
                *check_genetic_inputs(self, self._fitted_columns, X, covariates, genetic)
            )
            variance = variance + variance_besides_snps(
                self.posterior_, self._random, rows.levels, self._per_unit()
            )
        value, sd = network.genetic_value(rows)[:, 0], genetic_sd(network, rows)[:, 0]
        direct, mediated, by_node = network.genetic_parts(rows)
        reliability = np.full(len(value), np.nan if np.isnan(variance) else 0.0)
        if variance > 0:
            reliability = np.maximum(1 - sd**2 / variance, 0)
        columns = {
            "breeding_value": value,
            "sd": sd,
            "reliability": reliability,
            "direct": direct[:, 0],
            "mediated": mediated[:, 0],
        }
        table = pd.DataFrame(columns, index=row_index(X, len(value)))
        if by_node is None or not by_node.shape[1]:
            return table
        nodes = pd.DataFrame(by_node[:, :, 0], index=table.index, columns=self.omics_names_)
        return pd.concat([table, nodes], axis=1)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags
