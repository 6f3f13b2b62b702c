"""The model in a folder of results."""

import zipfile
import zlib
from pathlib import Path

import pandas as pd

from sknnmm.cli.inputs import ANIMAL
from sknnmm.cli.options import Format
from sknnmm.cli.outcomes import Network
from sknnmm.cli.tables import find_result, read_result, write
from sknnmm.common.optional import import_optional
from sknnmm.persistence import TRUSTED_TYPES

MODEL, VARIANTS = "model.skops", "variants"
DAMAGE = (  # what skops and zipfile raise for a file that is not whole
    zipfile.BadZipFile,
    zlib.error,
    NotImplementedError,
    KeyError,
    EOFError,
    TypeError,
    ValueError,
)


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
    except DAMAGE as error:
        raise ValueError(f"{folder / MODEL} is damaged ({error}). Run sknnmm fit again.") from error
    if not (isinstance(model, Network) and hasattr(model, "n_features_in_")):
        raise ValueError(f"{folder / MODEL} is no fitted network. Run sknnmm fit again.")
    variants = read_result(folder, VARIANTS, "snp")
    if len(variants) != model.n_features_in_:
        raise ValueError(
            f"{find_result(folder, VARIANTS)} is damaged ({len(variants)} SNPs, but "
            f"{model.n_features_in_} in the model). Run sknnmm fit again."
        )
    return model, variants.set_index("snp")


def has_pedigree(model: Network) -> bool:
    """Return whether the model has the random effect that --pedigree adds."""
    return any(getattr(term, "column", None) == ANIMAL for term in model.effects or [])


def breeding_values(
    model: Network, X: pd.DataFrame, covariates: pd.DataFrame | None
) -> pd.DataFrame:
    """Return breeding values, with the effects by pedigree if there are any."""
    return model.breeding_values(X, covariates if has_pedigree(model) else None)
