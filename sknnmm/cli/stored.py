"""The model in a folder of results."""

import zipfile
from pathlib import Path

import pandas as pd

from sknnmm.cli.inputs import ANIMAL
from sknnmm.cli.options import Format
from sknnmm.cli.outcomes import Network
from sknnmm.cli.tables import read_result, write
from sknnmm.common.optional import import_optional
from sknnmm.persistence import TRUSTED_TYPES

MODEL, VARIANTS = "model.skops", "variants"


def save_model(model: Network, variants: pd.DataFrame, folder: Path, form: Format) -> None:
    """Write the model and the SNPs that it knows."""
    import_optional("skops.io", "Storing the model").dump(model, folder / MODEL)
    write(variants, folder, VARIANTS, form)


def load_model(folder: Path) -> tuple[Network, pd.DataFrame]:
    """Return the model and its table of SNPs."""
    if not (folder / MODEL).is_file():
        raise ValueError(f"{folder / MODEL} does not exist. Pass the --out folder of sknnmm fit.")
    io = import_optional("skops.io", "Reading the model")
    try:
        model = io.load(folder / MODEL, trusted=TRUSTED_TYPES)
    except (zipfile.BadZipFile, KeyError, EOFError, TypeError) as error:
        raise ValueError(f"{folder / MODEL} is damaged ({error}). Run sknnmm fit again.") from error
    text = dict.fromkeys(("snp", "chromosome", "counted_allele", "other_allele"), str)
    return model, read_result(folder, VARIANTS, **text).set_index("snp")


def has_pedigree(model: Network) -> bool:
    """Return whether the model has the random effect that --pedigree adds."""
    return any(getattr(term, "column", None) == ANIMAL for term in model.effects or [])


def breeding_values(
    model: Network, X: pd.DataFrame, covariates: pd.DataFrame | None
) -> pd.DataFrame:
    """Return breeding values, with the effects by pedigree if there are any."""
    return model.breeding_values(X, covariates if has_pedigree(model) else None)
