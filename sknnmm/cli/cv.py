"""``sknnmm cv``."""

from shlex import quote
from typing import Annotated

import numpy as np
import pandas as pd
from sklearn.model_selection import GroupKFold, KFold, StratifiedGroupKFold, StratifiedKFold

from sknnmm.cli.folder import check_results, new_folder
from sknnmm.cli.inputs import ANIMAL, is_in_formula, note_unnamed, read_inputs, unnamed
from sknnmm.cli.journal import current
from sknnmm.cli.model import estimator, fitted
from sknnmm.cli.options import Common, Data, Family, Model, Results, option
from sknnmm.cli.outcomes import PROBABILITY, predictions, scores
from sknnmm.cli.phenotypes import exact
from sknnmm.cli.tables import read, write
from sknnmm.common.messages import some
from sknnmm.effects import Fixed

FROM_GENOTYPES, WITH_OMICS = "genotypes", "genotypes and omics"


def cv(
    data: Data,
    model: Model,
    results: Results,
    common: Common,
    *,
    folds: Annotated[int, option("Number of folds.")] = 5,
    group: Annotated[
        str | None,
        option("Column of covariates or phenotypes whose groups (families) stay in one fold."),
    ] = None,
) -> None:
    """Cross-validate: how good predictions are, with and without omics.

    sknnmm cv --config run.toml --folds 5 --group family --out folds

    Individuals without the phenotype are in the training part of every fold. Of a measured trait
    the results are accuracy, dispersion and bias; of classes AUC, log loss and accuracy.
    """
    check_results(results, common.overwrite, "cv")
    inputs = read_inputs(data)
    others = unnamed(data, inputs.covariates)
    if group in others:  # it would be a fixed effect, of which new groups have no estimate
        inputs.parameters.setdefault("effects", []).append(Fixed(group, layer=None))
        others.remove(group)
    note_unnamed(data, others)
    observed = np.flatnonzero(inputs.y.notna())
    splits = _splits(inputs, observed, data, folds, group)
    _check_levels(inputs, data, splits)
    table = pd.concat(
        _of_fold(k, validation, inputs, data, model) for k, validation in enumerate(splits, 1)
    )
    if inputs.family is not Family.GAUSSIAN:  # training parts may lack a class
        columns = [PROBABILITY(label) for label in inputs.y.cat.categories]
        table = table.reindex(columns=[*table.columns.drop(columns, "ignore"), *columns])
        table[columns] = table[columns].fillna(0)
    of_folds = _of_folds(table)
    current().step(f"{folds} folds{f' by {group}' if group else ''}: {len(observed)} individuals")
    tables = {"predictions": table, "folds": of_folds, "accuracy": _summary(of_folds)}
    with new_folder(results.out) as folder:
        for name, made in tables.items():
            write(made, folder, name, results.format)
        current().write(folder)
    current().results(
        results.out,
        f"the tables {some(tables)}, which sknnmm report reads by --cv {quote(str(results.out))}",
    )


def _splits(inputs, observed, data, folds, group):
    """Return the rows of every fold."""
    if not 2 <= folds <= len(observed) // 2:
        raise ValueError(
            f"--folds {folds}: give 2 to {len(observed) // 2}, for two phenotypes in each fold."
        )
    is_measured = inputs.family is Family.GAUSSIAN
    classes = None if is_measured else inputs.y.iloc[observed].cat.codes
    if group is None:
        kind = KFold if is_measured else StratifiedKFold
        made = kind(folds, shuffle=True, random_state=0).split(observed, classes)
    else:
        groups = _groups(inputs, observed, data, group)
        if groups.nunique() < folds:
            raise ValueError(
                f"--group {group} has {groups.nunique()} groups, fewer than --folds {folds}. "
                "Lower --folds."
            )
        grouped = GroupKFold(folds) if is_measured else StratifiedGroupKFold(folds)
        made = grouped.split(observed, classes, groups)
    made = list(made)
    for k, (training, _) in enumerate(made, 1):
        kinds = range(len(training)) if is_measured else set(classes.iloc[training])
        if len(kinds) < 2:
            what = "individual has a phenotype" if is_measured else "class is left"
            advice = "Take another --group." if group else "A class needs two individuals or more."
            raise ValueError(
                f"--folds {folds}: outside fold {k} only one {what}, of which nothing can be "
                f"learned. {advice}"
            )
    return [observed[validation] for _, validation in made]


def _check_levels(inputs, data, splits):
    """Raise if a fixed effect of a validation part could not be learned from the training part."""
    if inputs.covariates is None:
        return
    effects = inputs.parameters.get("effects", [])
    no_terms = [e.formula for e in effects if isinstance(e, Fixed) and e.layer is None]
    random = [name for name in data.random or [] if not is_in_formula(name, data)]
    others = [*random, ANIMAL, *no_terms]
    for name, values in inputs.covariates.drop(columns=others, errors="ignore").items():
        if pd.api.types.is_numeric_dtype(values):
            continue
        for k, validation in enumerate(splits, 1):
            training = np.delete(values.to_numpy(object), validation)
            lacking = values.iloc[validation][~values.iloc[validation].isin(training)]
            if len(lacking):
                raise ValueError(
                    f"{data.covariates}: {name} {lacking.iloc[0]} is in fold {k} only, so its "
                    f"fixed effect is not known without it. Have --random {name} instead of a "
                    "fixed effect, or other folds."
                )


def _groups(inputs, observed, data, group):
    """Return the group of every individual with a phenotype."""
    paths = [path for path in (data.covariates, data.phenotypes) if path is not None]
    for path in paths:
        table = read(path, data)
        if group in table.columns:
            groups = table[group].reindex(inputs.y.index[observed])
            if groups.isna().any():
                raise ValueError(
                    f"{path}: individual {groups.index[groups.isna()][0]} has no {group}, which "
                    "--group needs. Fill it in."
                )
            return groups.astype(str)
    found = " and ".join(f"{path} ({some(read(path, data).columns)})" for path in paths)
    raise ValueError(f"--group {group}: no such column in {found}.")


def _of_fold(k, validation, inputs, data, model):
    """Return predictions of one fold by a fit of all others."""
    training = np.setdiff1d(np.arange(len(inputs.y)), validation)
    with current().fold(k):
        network = fitted(estimator(model, inputs), inputs, data, model, training)
        X = inputs.genotypes.iloc[validation]
        c = None if inputs.covariates is None else inputs.covariates.iloc[validation]
        made = {FROM_GENOTYPES: predictions(network, X, None, c)}
        if inputs.omics is not None:
            made[WITH_OMICS] = predictions(network, X, inputs.omics.iloc[validation], c)
    observed = exact(inputs.y, inputs.y_upper).iloc[validation]
    tables = []
    for kind, table in made.items():
        first = pd.DataFrame({"fold": k, "from": kind, "observed": observed}, index=X.index)
        tables.append(first.join(table))
    return pd.concat(tables)


def _of_folds(table):
    """Return a row for each fold and kind of prediction."""
    rows = []
    for (k, kind), part in table.groupby(["fold", "from"], sort=False):
        known = part[part["observed"].notna()]
        rows.append({"fold": k, "from": kind, "individuals": len(known), **scores(known)})
    return pd.DataFrame(rows).set_index("fold")


def _summary(of_folds):
    """Return means over folds and their standard errors, SD over the root of their number."""
    rows = []
    for kind, part in of_folds.groupby("from", sort=False):
        for name in part.columns.drop(["from", "individuals"]):
            values = part[name].dropna()
            error = values.std() / np.sqrt(len(values))
            rows.append({"from": kind, "measure": name, "mean": values.mean(), "se": error})
    return pd.DataFrame(rows).set_index("from")
