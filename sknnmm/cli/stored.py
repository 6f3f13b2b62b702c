"""The model in a folder of results."""

import zipfile
from pathlib import Path

import pandas as pd

from sknnmm.cli.inputs import ANIMAL
from sknnmm.common.optional import import_optional
from sknnmm.estimators.regressor import NNMMRegressor
from sknnmm.persistence import TRUSTED_TYPES

MODEL, VARIANTS = "model.skops", "variants.csv"


def save_model(model: NNMMRegressor, variants: pd.DataFrame, folder: Path) -> None:
    """Write the model and the SNPs that it knows."""
    import_optional("skops.io", "Storing the model").dump(model, folder / MODEL)
    variants.to_csv(folder / VARIANTS)


def load_model(folder: Path) -> tuple[NNMMRegressor, pd.DataFrame]:
    """Return the model and its table of SNPs."""
    if not (folder / MODEL).is_file():
        raise ValueError(f"{folder / MODEL} does not exist. Pass the --out folder of sknnmm fit.")
    io = import_optional("skops.io", "Reading the model")
    try:
        model = io.load(folder / MODEL, trusted=TRUSTED_TYPES)
    except (zipfile.BadZipFile, KeyError, EOFError, TypeError) as error:
        raise ValueError(f"{folder / MODEL} is damaged ({error}). Run sknnmm fit again.") from error
    text = {"snp": str, "chromosome": str, "counted_allele": str, "other_allele": str}
    table = pd.read_csv(folder / VARIANTS, dtype=text, keep_default_na=False, na_values=[""])
    return model, table.set_index("snp")


def has_pedigree(model: NNMMRegressor) -> bool:
    """Return whether the model has the random effect that --pedigree adds."""
    return any(getattr(term, "column", None) == ANIMAL for term in model.effects or [])


def breeding_values(
    model: NNMMRegressor, X: pd.DataFrame, covariates: pd.DataFrame | None
) -> pd.DataFrame:
    """Return breeding values, with the effects by pedigree if there are any."""
    return model.breeding_values(X, covariates if has_pedigree(model) else None)
