"""A disease of the mice, HDL above its 80 % quantile within sex: ours beside scikit-learn.

The folds are those of `bench_real`: they keep litters together, and omics, the other blood traits,
are adjusted for sex. Penalties are tuned by log loss in such folds of the training mice; trees have
fixed settings.
"""

import warnings

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegressionCV
from sklearn.metrics import log_loss, roc_auc_score
from threadpoolctl import threadpool_limits

from benchmarks.real.cases import mice
from benchmarks.real.competitors import GENOTYPES, OWN_OMICS, rotated, thinned
from benchmarks.reporting import as_table
from sknnmm import NNMMClassifier

QUANTILE = 0.8
PENALTIES = np.geomspace(0.03, 300, 13)  # blocks have variance 1
RRBLUP = {"method": "RR-BLUP", "omics_method": "RR-BLUP"}


def run(options):
    warnings.simplefilter("ignore", UserWarning)  # SNPs without variance in a fold, short chains
    warnings.simplefilter("ignore", FutureWarning)  # of defaults of LogisticRegressionCV
    n_iter = 20 if options.quick else 500
    methods = COMPETITORS | {
        "ours: RR-BLUP, weights RR-BLUP": network(n_iter, RRBLUP),
        "ours: BayesC, weights BayesC (default)": network(n_iter, {}),
        "ours: BayesC, no omics": without_omics(n_iter),
    }
    case = mice(options.data_home, "HDL")
    sick = above_quantile(case.individuals.y, case.confounder)
    found = {name: {GENOTYPES: [], OWN_OMICS: []} for name in methods}
    with threadpool_limits(1):
        for fold in list(case.folds())[: 1 if options.quick else None]:
            train = np.setdiff1d(np.arange(len(sick)), fold.test_rows)
            for name, method in methods.items():
                for known, p in method(fold, sick[train]).items():
                    found[name][known].append(measures(sick[fold.test_rows], p))
    print(f"{len(sick)} mice, {sick.sum()} of them sick; predicted as the training mice: ", end="")
    print(f"log loss {log_loss(sick, np.full(len(sick), sick.mean())):.3f}\n")
    print(table_of(found))


def above_quantile(y, groups):
    """Return 1 for those whose y is above the quantile of their group, else 0."""
    quantiles = {group: np.quantile(y[groups == group], QUANTILE) for group in np.unique(groups)}
    return (y > np.array([quantiles[group] for group in groups])).astype(int)


def measures(sick, probability):
    return roc_auc_score(sick, probability), log_loss(sick, probability)


def table_of(found):
    """Return means over the folds, and the differences from the first method ± standard error."""
    first = next(iter(found.values()))
    header = [f"{known}: {measure}" for known in first for measure in ("AUC", "log loss")]
    rows = [["", *header]]
    for name, by_known in found.items():
        row = [name]
        for known, values in by_known.items():
            for m in range(2):
                row.append(cell(np.array(values), np.array(first[known]), m, by_known is first))
        rows.append(row)
    return as_table(rows)


def cell(values, first, measure, is_first):
    if not len(values):
        return ""
    mean = f"{values[:, measure].mean():.3f}"
    if is_first or len(values) < 2:
        return mean
    gain = (values - first)[:, measure]
    return f"{mean} ({gain.mean():+.3f} ± {gain.std(ddof=1) / np.sqrt(len(gain)):.3f})"


# Methods: a fold and the classes of its training mice -> probabilities of disease ----------------


def classifier(make, columns):
    """Return a classifier of scikit-learn, `make(inner folds)`, on columns of a fold."""

    def method(fold, sick):
        probabilities = {}
        for known, blocks in {GENOTYPES: ["snps"], OWN_OMICS: ["snps", "omics"]}.items():
            train, test = columns(fold, blocks)
            probabilities[known] = make(fold.inner).fit(train, sick).predict_proba(test)[:, 1]
        return probabilities

    return method


def logistic(inner):
    return LogisticRegressionCV(Cs=PENALTIES, cv=inner, scoring="neg_log_loss", max_iter=1000)


def random_forest(inner):
    return RandomForestClassifier(500, max_features=1 / 3, min_samples_leaf=5, random_state=0)


def gradient_boosting(inner):
    return HistGradientBoostingClassifier(
        max_iter=60, learning_rate=0.05, max_leaf_nodes=4, max_features=0.1, random_state=0
    )


COMPETITORS = {
    "logistic regression": classifier(logistic, rotated),
    "random forest": classifier(random_forest, thinned),
    "gradient boosting": classifier(gradient_boosting, thinned),
}


def network(n_iter, parameters):
    """Return a method that fits one chain and predicts without and with the own omics."""

    def method(fold, sick):
        model = fit(fold, sick, fold.train.omics, n_iter, parameters)
        test = fold.test
        return {
            GENOTYPES: model.predict_proba(test.genotypes)[:, 1],
            OWN_OMICS: model.predict_proba(test.genotypes, omics=test.omics)[:, 1],
        }

    return method


def without_omics(n_iter):
    def method(fold, sick):
        model = fit(fold, sick, None, n_iter, {})
        return {GENOTYPES: model.predict_proba(fold.test.genotypes)[:, 1]}

    return method


def fit(fold, sick, omics, n_iter, parameters):
    model = NNMMClassifier(
        n_iter=n_iter, burn_in=n_iter // 4, n_chains=1, random_state=0, **parameters
    )
    return model.fit(fold.train.genotypes, sick, omics=omics)
