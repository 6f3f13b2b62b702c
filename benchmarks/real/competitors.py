"""Competitors and ours behind one interface: a method maps a fold to predictions.

A method returns {GENOTYPES: predictions from genotypes only, OWN_OMICS: from both}, or one of them.
Penalties, and the weights of stacking, are tuned within the training individuals, over folds that
keep families apart as the outer ones do; trees have fixed settings.
"""

from dataclasses import replace

import numpy as np
from sklearn.base import clone
from sklearn.cross_decomposition import PLSRegression
from sklearn.decomposition import PCA
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestRegressor
from sklearn.linear_model import ElasticNetCV, LinearRegression, RidgeCV
from sklearn.model_selection import GridSearchCV, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks.real.blup import fit_blup
from benchmarks.real.cases import Fold
from sknnmm import NNMMRegressor

GENOTYPES, OWN_OMICS = "genotypes", "genotypes and own omics"
PENALTIES = np.geomspace(0.03, 30, 13)  # residual to genetic variance, as blocks have variance 1
MOST_SNPS = 1000  # evenly spaced, for methods whose time grows with every column


# Mixed models -----------------------------------------------------------------------------------


def blup(*blocks):
    """Return the BLUP of a kernel for each block of "snps" and "omics"."""

    def method(fold):
        pairs = [getattr(fold, block) for block in blocks]
        model = fit_blup(fold.train.y, [train @ train.T for train, _ in pairs])
        known = OWN_OMICS if "omics" in blocks else GENOTYPES
        return {known: model.predict([test @ train.T for train, test in pairs])}

    return method


# scikit-learn -----------------------------------------------------------------------------------


def regression(make, columns):
    """Return a scikit-learn regression, `make(inner folds)`, on columns of a fold."""

    def method(fold):
        predictions = {}
        for known, blocks in {GENOTYPES: ["snps"], OWN_OMICS: ["snps", "omics"]}.items():
            train, test = columns(fold, blocks)
            model = make(fold.inner).fit(train, fold.train.y)
            predictions[known] = model.predict(test)
        return predictions

    return method


def rotated(fold, blocks):
    """Return the blocks in the basis of the training rows: ridge and PLS cannot tell."""
    train, test = stacked(fold, blocks)
    values, vectors = np.linalg.eigh(train @ train.T)
    kept = values > 1e-8 * values[-1]
    roots = np.sqrt(values[kept])
    return vectors[:, kept] * roots, test @ (train.T @ (vectors[:, kept] / roots))


def stacked(fold, blocks):
    pairs = [getattr(fold, block) for block in blocks]
    return [np.hstack(part) for part in zip(*pairs, strict=True)]


def thinned(fold, blocks):
    """Return standardised columns, at most `MOST_SNPS` of them SNPs."""
    step = max(1, -(-fold.train.genotypes.shape[1] // MOST_SNPS))
    pairs = [getattr(fold, block) for block in blocks]
    pairs[0] = [part[:, ::step] for part in pairs[0]]
    train, test = [np.hstack(part) for part in zip(*pairs, strict=True)]
    sd = train.std(axis=0)
    sd[sd == 0] = 1
    return train / sd, test / sd


def ridge(inner):
    return RidgeCV(PENALTIES, cv=inner)


def elastic_net(inner):
    return ElasticNetCV(l1_ratio=0.5, eps=0.03, alphas=20, cv=inner, tol=1e-3)


def pls(inner):
    return GridSearchCV(PLSRegression(scale=False), {"n_components": [1, 2, 3, 5, 8]}, cv=inner)


def random_forest(inner):
    return RandomForestRegressor(50, max_features=1 / 3, min_samples_leaf=5, random_state=0)


def gradient_boosting(inner):
    return HistGradientBoostingRegressor(
        max_iter=60, learning_rate=0.05, max_leaf_nodes=4, max_features=0.1, random_state=0
    )


def stacking(fold):
    """Weight ridge on SNPs, ridge on omics and a random forest by predictions for new families."""
    members = [
        (ridge(fold.inner), rotated(fold, ["snps"])),
        (ridge(fold.inner), rotated(fold, ["omics"])),
        (random_forest(fold.inner), thinned(fold, ["snps", "omics"])),
    ]
    held_out, new = [], []
    for model, (train, test) in members:
        model.fit(train, fold.train.y)
        new.append(model.predict(test))
        if isinstance(model, RidgeCV):
            model = model.set_params(alphas=[model.alpha_], cv=None)
        held_out.append(cross_val_predict(clone(model), train, fold.train.y, cv=fold.inner))
    weights = LinearRegression(positive=True).fit(np.column_stack(held_out), fold.train.y)
    return {OWN_OMICS: weights.predict(np.column_stack(new))}


def on_components(n_components, method):
    """Return the method with principal components of the training omics in place of the omics."""

    def reduced(fold):
        scaler = make_pipeline(StandardScaler(), PCA(n_components, random_state=0))
        train = replace(fold.train, omics=scaler.fit_transform(fold.train.omics))
        test = replace(fold.test, omics=scaler.transform(fold.test.omics))
        return method(Fold(train, test, fold.inner, fold.test_rows))

    return reduced


def on_filled(method):
    """Return the method with omics whose gaps are filled as the competitors have them."""

    def filled(fold):
        train, test = fold.omics
        train, test = replace(fold.train, omics=train), replace(fold.test, omics=test)
        return method(Fold(train, test, fold.inner, fold.test_rows))

    return filled


COMPETITORS = {
    "GBLUP": blup("snps"),
    "BLUP of the omics": blup("omics"),
    "two-kernel BLUP": blup("snps", "omics"),
    "ridge": regression(ridge, rotated),
    "PLS": regression(pls, rotated),
    "elastic net": regression(elastic_net, thinned),
    "random forest": regression(random_forest, thinned),
    "gradient boosting": regression(gradient_boosting, thinned),
    "stacking": stacking,
}
LINEAR = ("GBLUP", "BLUP of the omics", "two-kernel BLUP", "ridge", "PLS")


# Ours -------------------------------------------------------------------------------------------


def networks(settings, n_iter):
    """Return methods of ours by name, {name: parameters}."""
    return {f"ours: {name}": network(n_iter, given) for name, given in settings.items()}


def network(n_iter, parameters):
    """Return a method that fits one chain and predicts without and with the own omics."""

    def method(fold):
        train, test = fold.train, fold.test
        model = fit(fold, train.omics, n_iter, **parameters)
        return {
            GENOTYPES: model.predict(test.genotypes),
            OWN_OMICS: model.predict(test.genotypes, omics=test.omics),
        }

    return method


def without_omics(n_iter):
    """Return RR-BLUP of the phenotype on the SNPs."""

    def method(fold):
        model = fit(fold, None, n_iter, method="RR-BLUP")
        return {GENOTYPES: model.predict(fold.test.genotypes)}

    return method


def fit(fold, omics, n_iter, **parameters):
    model = NNMMRegressor(
        n_iter=n_iter, burn_in=n_iter // 4, n_chains=1, random_state=0, **parameters
    )
    return model.fit(fold.train.genotypes, fold.train.y, omics=omics)
