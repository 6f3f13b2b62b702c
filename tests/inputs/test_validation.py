"""Every invalid input raises before sampling, names the argument and says what to do."""

import re
import warnings

import numpy as np
import pandas as pd
import pytest
from joblib import parallel_config
from numpy.testing import assert_array_equal
from scipy.sparse import csr_array
from sklearn.exceptions import ConvergenceWarning, DataConversionWarning, NotFittedError

from sknnmm import NNMMRegressor
from sknnmm.priors import RRBLUP, BayesC, ScaledInverseChi2
from sknnmm.sampling.chains import parallel

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning",
    "ignore:X does not have valid feature names",
)


@pytest.fixture
def no_sampling(monkeypatch):
    def sampled(*args, **kwargs):
        pytest.fail("sampling started")

    monkeypatch.setattr("sknnmm.estimators.regressor.run_chains", sampled)


def change(array, where, value, dtype=float):
    changed = np.array(array, dtype)
    changed[where] = value
    return changed


def frame(array, names):
    return pd.DataFrame(array, columns=list(names))


def fit_inputs(data):
    return {"X": data.X, "y": data.y, "omics": data.omics, "covariates": data.covariates}


EVERYTHING = slice(None)

INVALID_FIT = {
    "y None": (dict(y=lambda d: None), "y is None: pass a phenotype"),
    "y missing": (dict(y=lambda d: np.full(80, np.nan)), "y has no observed value"),
    "y constant": (dict(y=lambda d: np.full(80, 0.1)), "y has no variance.*must vary"),
    "y one observed": (
        dict(y=lambda d: change(np.full(80, np.nan), 3, 1.0)),
        "y has no variance over its 1 observed",
    ),
    "y infinite": (dict(y=lambda d: change(d.y, 0, -np.inf)), "y contains infinity; use NaN"),
    "y short": (dict(y=lambda d: d.y[1:]), "y has 79 values but X has 80.*one per row"),
    "y two columns": (dict(y=lambda d: d.omics[:, :2]), "y should be a 1d array"),
    "y text": (dict(y=lambda d: ["a"] * 80), "y must be numeric"),
    "one sample": (
        dict(X=lambda d: d.X[:1], y=lambda d: d.y[:1], omics=None, covariates=None),
        "n_samples = 1.*at least two samples",
    ),
    "omics unobserved": (
        dict(omics=lambda d: np.full((80, 2), np.nan)),
        "omics has no column with variance.*Leave omics out, or use n_latent",
    ),
    "omics constant or observed once": (
        dict(omics=lambda d: np.column_stack([np.full(80, 0.1), [1] + [np.nan] * 79])),
        "omics has no column with variance over at least two observed values",
    ),
    "omics same names": (
        dict(omics=lambda d: frame(d.omics, "aba")),
        r"omics has 1 duplicated column name \(a\). Rename",
    ),
    "omics rows": (
        dict(omics=lambda d: d.omics[1:]),
        "omics has 79 rows but X has 80 samples: rows must be",
    ),
    "omics infinite": (
        dict(omics=lambda d: change(d.omics, (0, 0), np.inf)),
        "omics contains infinity; use NaN",
    ),
    "omics vector": (dict(omics=lambda d: d.omics[:, 0]), "omics must have two dim.*reshape"),
    "omics series": (dict(omics=lambda d: pd.Series(d.y)), "omics must have two dim.*to_frame"),
    "omics text": (dict(omics=lambda d: [["a"]] * 80), "omics must be a numeric table"),
    "omics sparse": (dict(omics=lambda d: csr_array(d.omics)), "omics must be a numeric table"),
    "omics mixed names": (
        dict(omics=lambda d: frame(d.omics, ["a", 1, 2])),
        "omics must be a numeric table",
    ),
    "covariates missing": (
        dict(covariates=lambda d: change(d.covariates, (5, 1), np.nan)),
        "covariates has NaN or infinity in covariate_1.*impute.*or drop",
    ),
    "covariates infinite": (
        dict(covariates=lambda d: frame(change(d.covariates, (5, 1), np.inf), "uv")),
        "covariates has NaN or infinity in v.*impute.*or drop",
    ),
    "covariates rows": (
        dict(covariates=lambda d: d.covariates[1:]),
        "covariates has 79 rows but X has 80 samples",
    ),
    "covariates text": (
        dict(covariates=lambda d: frame([["F"], ["M"]] * 40, ["sex"])),
        "covariates must be a numeric table.*code categories",
    ),
    "X infinite": (dict(X=lambda d: change(d.X, (0, 0), np.inf)), "X contains infinity; use NaN"),
    "X vector": (dict(X=lambda d: d.X[:, 0]), "Expected 2D array"),
    "X same names": (
        dict(X=lambda d: frame(d.X, ["rs1"] * 24)),
        r"X has 1 duplicated column name \(rs1\). Rename",
    ),
    "X constant": (dict(X=lambda d: np.ones_like(d.X)), "X has no column with variance"),
    "X all missing": (dict(X=lambda d: np.full((80, 24), np.nan)), "X has no column with var"),
}


@pytest.mark.parametrize(("changes", "message"), INVALID_FIT.values(), ids=INVALID_FIT)
@pytest.mark.usefixtures("no_sampling")
def test_invalid_data_at_fit(changes, message, data, short):
    inputs = fit_inputs(data) | {name: make and make(data) for name, make in changes.items()}
    with pytest.raises(ValueError, match=f"(?s){message}"):
        short().fit(**inputs)


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
    "n_iter": (dict(n_iter=10, burn_in=10), "n_iter=10 must be greater than burn_in=10.*total"),
    "thin too large": (
        dict(n_iter=20, burn_in=10, thin=11),
        "thin=11 keeps none of the 10 iterations.*Lower thin or raise n_iter",
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


@pytest.mark.usefixtures("no_sampling")
def test_omic_named_like_a_latent_node(data, short):
    omics = frame(data.omics, ["a", "b", "latent_0"])
    with pytest.raises(ValueError, match="omics .*latent_0"):
        short(n_latent=1).fit(data.X, data.y, omics)


def test_unknown_method_in_set_params_lists_the_known_ones():
    with pytest.raises(ValueError, match=r"'BayesZ'.*RR-BLUP, .*BayesC"):
        NNMMRegressor().set_params(method="BayesZ", method__pi=0.1)


@pytest.mark.parametrize("shuffled", ["y", "omics", "covariates"])
@pytest.mark.usefixtures("no_sampling")
def test_rows_must_be_the_same_individuals(shuffled, data, short):
    labels = pd.Index([f"id{i}" for i in range(80)])
    inputs = {
        name: (pd.Series if name == "y" else pd.DataFrame)(array, index=labels)
        for name, array in fit_inputs(data).items()
    }
    inputs[shuffled] = inputs[shuffled].iloc[::-1]
    with pytest.raises(ValueError, match=f"{shuffled} and X have different indexes.*Align"):
        short().fit(**inputs)


# --- accepted with a warning ------------------------------------------------------------------


def test_column_vector_is_ravelled(data, short):
    with pytest.warns(DataConversionWarning, match="column-vector y"):
        model = short().fit(data.X, data.y[:, None])
    assert_array_equal(model.predict(data.X), short().fit(data.X, data.y).predict(data.X))


@pytest.mark.parametrize("method", ["BayesC", "RR-BLUP"])
def test_snps_without_variance_have_no_effect(method, data, short):
    X = change(data.X, (EVERYTHING, [2, 7]), [1, -1], np.int8)  # one constant, one all missing
    with pytest.warns(UserWarning, match=r"X has 2 columns without variance \(2, 7\)") as caught:
        model = short(method=method).fit(X, data.y, omics=data.omics)
    assert len([w for w in caught if "without variance" in str(w.message)]) == 1
    assert caught[0].filename == __file__
    for name in ("snp_effects", "direct_effects", "snp_effects_std", "direct_effects_std"):
        effects = getattr(model, f"{name}_")
        assert_array_equal(effects[[2, 7]], 0)
        assert np.mean(np.delete(effects, [2, 7], axis=0) != 0) > 0.9
    for inclusion in (model.inclusion_probability_, model.direct_inclusion_probability_):
        assert_array_equal(inclusion[[2, 7]], 0)
    assert_array_equal(model.coef_[[2, 7]], 0)


def test_minus_one_coding_warns_once_at_fit(data, short):
    X = np.maximum(data.X, 0) - 1
    with pytest.warns(UserWarning, match=r"looks like -1/0/1.*Recode to 0/1/2") as caught:
        model = short().fit(X, data.y)
    warned = [w for w in caught if "-1/0/1" in str(w.message)]
    assert len(warned) == 1 and warned[0].filename == __file__
    with warnings.catch_warnings():  # one individual may well have a gap and no 2
        warnings.simplefilter("error")
        model.predict(X[:1])


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
    assert int(judged[1]) == np.count_nonzero(~of_latent)


# --- predict ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def fitted(data, short):
    """Return a model fitted on frames with names, and its inputs."""
    inputs = {
        "X": frame(data.X, [f"rs{j}" for j in range(24)]),
        "omics": frame(data.gappy, "abc"),
        "covariates": frame(data.covariates, ["age", "sex"]),
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return short().fit(inputs["X"], data.y, inputs["omics"], inputs["covariates"]), inputs


INVALID_PREDICT = {
    "omics columns": (
        dict(omics=lambda t: t.to_numpy()[:, :2]),
        "omics has 2 columns but the model was fitted with 3: a, b, c",
    ),
    "omics order": (
        dict(omics=lambda t: t[["b", "a", "c"]]),
        "omics must have the columns seen in fit, in that order: a, b, c; got b, a, c",
    ),
    "omics names": (dict(omics=lambda t: t.rename(columns={"a": "q"})), "a, b, c; got q, b, c"),
    "omics rows": (dict(omics=lambda t: t.to_numpy()[1:]), "omics has 79 rows but X has 80"),
    "omics infinite": (dict(omics=lambda t: t.replace(t.iloc[5, 0], np.inf)), "omics contains inf"),
    "omics other individuals": (
        dict(omics=lambda t: t.iloc[::-1]),
        "omics and X have different indexes.*Align",
    ),
    "covariates left out": (
        dict(covariates=lambda t: None),
        r"covariates are missing.*\['age', 'sex'\].*predict needs them",
    ),
    "covariates order": (
        dict(covariates=lambda t: t[["sex", "age"]]),
        "covariates must have the columns seen in fit, in that order: age, sex",
    ),
    "covariates columns": (
        dict(covariates=lambda t: t.to_numpy()[:, :1]),
        "covariates has 1 columns but the model was fitted with 2: age, sex",
    ),
    "covariates missing": (
        dict(covariates=lambda t: t.mask(t["age"] > 50)),
        "covariates has NaN or infinity in age",
    ),
    "X columns": (dict(X=lambda t: t.to_numpy()[:, 1:]), "X has 23 features, but .* expecting 24"),
    "X names": (dict(X=lambda t: t.rename(columns={"rs0": "q"})), "(?s)feature names.*q"),
    "X infinite": (dict(X=lambda t: t.replace(2, np.inf)), "X contains infinity; use NaN"),
}


@pytest.mark.parametrize(("changes", "message"), INVALID_PREDICT.values(), ids=INVALID_PREDICT)
def test_invalid_data_at_predict(changes, message, fitted, data):
    model, inputs = fitted
    inputs = inputs | {name: make(inputs[name]) for name, make in changes.items()}
    with pytest.raises(ValueError, match=message):
        model.predict(**inputs)
    with pytest.raises(ValueError, match=message):
        model.score(inputs.pop("X"), data.y, **inputs)


def test_tables_that_the_model_was_fitted_without(data, short):
    model = short().fit(data.X, data.y)
    with pytest.raises(ValueError, match="omics .*the model was fitted without omics"):
        model.predict(data.X, omics=data.omics)
    with pytest.raises(ValueError, match="covariates .*the model was fitted without covariates"):
        model.predict(data.X, covariates=data.covariates)
    with pytest.raises(ValueError, match="predict_omics needs a model fitted with omics or latent"):
        model.predict_omics(data.X)


@pytest.mark.parametrize("method", ["predict", "predict_omics", "breeding_value"])
def test_unfitted(method, data):
    with pytest.raises(NotFittedError, match="not fitted"):
        getattr(NNMMRegressor(), method)(data.X)


# --- output -----------------------------------------------------------------------------------


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_one_progress_bar_or_nothing(n_jobs, data, short, capfd):
    model = short(n_chains=2, n_jobs=n_jobs)
    with parallel_config(backend="loky"):
        model.fit(data.X, data.y, omics=data.gappy)
        model.predict(data.X)
        assert tuple(capfd.readouterr()) == ("", "")
        model.set_params(verbose=1).fit(data.X, data.y, omics=data.gappy)
    out, err = capfd.readouterr()
    assert out == ""
    states = [state for state in re.split(r"[\r\n]", err) if state.strip()]
    assert all(state.startswith("NN-MM, 2 chains:") for state in states)
    assert "160/160" in states[-1]
    assert err.count("\n") == 1


def test_progress_bar_is_closed_when_a_chain_fails(data, short, capfd, monkeypatch):
    def fail(*args):
        raise FloatingPointError("stopped")

    monkeypatch.setattr(parallel, "run_chain", fail)
    with pytest.raises(FloatingPointError, match="stopped"):
        short(verbose=1).fit(data.X, data.y)
    assert capfd.readouterr().err.endswith("\n")


def test_nonfinite_state_stops_the_chain(data, short, monkeypatch):
    from sknnmm.sampling.residual_variances import ResidualVariances

    def draw(self, state, residual, rng):
        state.residual_variance[:] = np.nan

    monkeypatch.setattr(ResidualVariances, "draw", draw)
    with pytest.raises(FloatingPointError, match=r"residual_variance became .*nan.* iteration 1"):
        short().fit(data.X, data.y)


def with_r_na(values, dtype):
    """Return values with R's NA for NaN, which warns in every calculation, of either precision."""
    missing = np.isnan(values)
    values = np.where(missing, 0, values).astype(dtype)
    bits = {np.float64: 0x7FF00000000007A2, np.float32: 0x7F8007A2}[dtype]
    values.view(f"u{values.itemsize}")[missing] = bits
    return values


@pytest.mark.parametrize("wrap", [np.asarray, pd.DataFrame])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("scale", [1, 0.9], ids=["dosages", "fractions"])
def test_missing_values_of_r_are_missing_values(dtype, scale, wrap, data, short):
    # RuntimeWarnings are errors here, see pyproject.toml.
    X = np.where(data.X < 0, np.nan, data.X) * scale
    y = np.where(np.arange(80) % 9 == 0, np.nan, data.y)
    results = []
    for convert in (lambda v, _: v.astype(dtype), with_r_na):
        given = [wrap(convert(v, dtype)) for v in (X, data.gappy)]
        model = short().fit(given[0], convert(y, dtype), omics=given[1])
        predicted = model.predict(given[0], omics=given[1])
        results.append([predicted, model.score(given[0], convert(y, dtype))])
    assert_array_equal(results[1][0], results[0][0])
    assert results[1][1] == results[0][1]


@pytest.mark.parametrize("method", ["BayesC", "RR-BLUP"])
@pytest.mark.parametrize(
    ("part", "omics"),
    [
        *(
            (part, omics)
            for part in (
                ("omics", "snp_effects"),
                ("phenotype", "direct_effects"),
                ("phenotype", "omics_weights"),
            )
            for omics in ("gappy", "omics")
        ),
        (("phenotype", "direct_effects"), None),
    ],
)
def test_nonfinite_effects_stop_the_chain_with_fixed_residual_variances(
    part, omics, method, data, short, monkeypatch
):
    from sknnmm.sampling.gibbs import Sampler

    iterate, done = Sampler.iterate, []

    def broken(self, chain, rng, tuning):
        iterate(self, chain, rng, tuning)
        done.append(0)
        if len(done) >= 30:
            layer, term = part
            state = chain.layers[layer].terms[term]
            state.effects[0] = np.nan
            if getattr(state, "fit", None) is not None:
                state.fit[:] = np.nan

    monkeypatch.setattr(Sampler, "iterate", broken)
    model = short(
        method=method,
        omics_method="RR-BLUP",
        residual_prior=ScaledInverseChi2(scale=0.5, estimate_variance=False),
    )
    with pytest.raises(FloatingPointError, match=r"nan.* iteration 3[01]|iteration 3[01] .*nan"):
        model.fit(data.X, data.y, omics=omics and getattr(data, omics))
