"""``sknnmm cv``."""

import re
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
from sklearn.model_selection import GroupKFold, KFold

from sknnmm.cli.folder import check_free, new_folder
from sknnmm.cli.inputs import read_inputs
from sknnmm.cli.journal import current
from sknnmm.cli.model import estimator, fitted
from sknnmm.cli.options import Common, Data, Model, option
from sknnmm.cli.tables import read
from sknnmm.effects import Fixed
from sknnmm.metrics import prediction_bias, prediction_dispersion, predictive_correlation

MEASURES = {
    "accuracy": predictive_correlation,
    "dispersion": prediction_dispersion,
    "bias": prediction_bias,
}
FROM_GENOTYPES, WITH_OMICS = "genotypes", "genotypes and omics"


def cv(
    data: Data,
    model: Model,
    common: Common,
    *,
    out: Annotated[Path, option("Folder of the results.")],
    folds: Annotated[int, option("Number of folds.")] = 5,
    group: Annotated[
        str | None,
        option("Column of covariates or phenotypes whose groups (families) stay in one fold."),
    ] = None,
) -> None:
    """Cross-validate: accuracy, dispersion and bias of predictions, with and without omics.

    sknnmm cv --config run.toml --folds 5 --group family --out folds

    Individuals without the phenotype are in the training part of every fold.
    """
    check_free(out, common.overwrite)
    inputs = read_inputs(data)
    if group is not None and _is_no_term(group, inputs, data):
        inputs.parameters.setdefault("effects", []).append(Fixed(group, layer=None))
    observed = np.flatnonzero(inputs.y.notna())
    predictions = [
        _of_fold(k, validation, inputs, data, estimator(model, inputs))
        for k, validation in enumerate(_splits(inputs, observed, data, folds, group), 1)
    ]
    table = pd.concat(predictions)
    scores = _scores(table)
    summary = _summary(scores)
    current().step(f"{folds} folds{f' by {group}' if group else ''}: {len(table)} individuals")
    with new_folder(out) as folder:
        table.to_csv(folder / "predictions.csv")
        scores.to_csv(folder / "folds.csv", index=False)
        summary.to_csv(folder / "accuracy.csv", index=False)
        current().write(folder)


def _is_no_term(group, inputs, data):
    """Return whether the groups are a covariate that no term names.

    It would be a fixed effect, of which those of new groups cannot be predicted.
    """
    if inputs.covariates is None or group not in inputs.covariates:
        return False
    named = re.compile(rf"\b{re.escape(group)}\b")
    return group not in (data.random or []) and not any(map(named.search, data.fixed or []))


def _splits(inputs, observed, data, folds, group):
    """Return the rows of every fold."""
    if not 2 <= folds <= len(observed) // 2:
        raise ValueError(
            f"--folds {folds}: give 2 to {len(observed) // 2}, for two phenotypes in each fold."
        )
    if group is None:
        made = KFold(folds, shuffle=True, random_state=0).split(observed)
    else:
        groups = _groups(inputs, observed, data, group)
        if groups.nunique() < folds:
            raise ValueError(
                f"--group {group} has {groups.nunique()} groups, fewer than --folds {folds}. "
                "Lower --folds."
            )
        made = GroupKFold(folds).split(observed, groups=groups)
    return [observed[validation] for _, validation in made]


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
    names = " and ".join(map(str, paths))
    raise ValueError(f"--group {group}: no such column in {names}. Write one of their columns.")


def _of_fold(k, validation, inputs, data, model):
    """Return predictions of one fold by a fit of all others."""
    training = np.setdiff1d(np.arange(len(inputs.y)), validation)
    fitted(model, inputs, data, training)
    X = inputs.genotypes.iloc[validation]
    c = None if inputs.covariates is None else inputs.covariates.iloc[validation]
    table = {"fold": k, "observed": inputs.y.iloc[validation]}
    table[FROM_GENOTYPES] = model.predict(X, covariates=c)
    if inputs.omics is not None:
        table[WITH_OMICS] = model.predict(X, inputs.omics.iloc[validation], c)
    return pd.DataFrame(table, index=X.index)


def _scores(table):
    """Return a row for each fold and kind of prediction."""
    kinds = [kind for kind in (FROM_GENOTYPES, WITH_OMICS) if kind in table]
    return pd.DataFrame(
        [
            {"fold": k, "from": kind, "individuals": len(part)}
            | {name: of(part["observed"], part[kind]) for name, of in MEASURES.items()}
            for k, part in table.groupby("fold")
            for kind in kinds
        ]
    )


def _summary(scores):
    """Return means over folds and their standard errors, SD over the root of their number."""
    rows = []
    for kind, part in scores.groupby("from", sort=False):
        for name in MEASURES:
            values = part[name]
            error = values.std() / np.sqrt(len(values))
            rows.append({"from": kind, "measure": name, "mean": values.mean(), "se": error})
    return pd.DataFrame(rows)
