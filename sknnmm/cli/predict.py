"""``sknnmm predict``."""

from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Any

import pandas as pd

from sknnmm.cli.folder import check_results, new_folder
from sknnmm.cli.genotypes import genotypes_from
from sknnmm.cli.inputs import ANIMAL
from sknnmm.cli.journal import current
from sknnmm.cli.omics import read_omics
from sknnmm.cli.options import Common, Results, TableFormat, option
from sknnmm.cli.outcomes import predictions
from sknnmm.cli.stored import breeding_values, has_pedigree, load_model
from sknnmm.cli.tables import naming, read, write
from sknnmm.common.messages import some
from sknnmm.io import align, harmonise


def predict(
    form: TableFormat,
    results: Results,
    common: Common,
    *,
    model: Annotated[Path, option("Folder that sknnmm fit has written.")],
    genotypes: Annotated[Path, option("Genotypes of the new individuals, of any format.")],
    omics: Annotated[Path | None, option("Omics of the new individuals, if measured.")] = None,
    covariates: Annotated[Path | None, option("Their covariates.")] = None,
    dosages: Annotated[bool, option("Read expected dosages from VCF, BCF or .pgen.")] = False,
    flip: Annotated[bool, option("Use SNPs whose alleles agree only on the other strand.")] = False,
    ambiguous: Annotated[bool, option("Use A/T and C/G SNPs, as if on the same strand.")] = False,
) -> None:
    """Predict phenotypes and breeding values of new individuals.

    sknnmm predict --model results --genotypes new.vcf.gz --out new

    SNPs are matched by name and allele; those that are lacking count as their mean.
    """
    check_results(results, common.overwrite, "predict")
    network, reference = load_model(model)
    new = genotypes_from(genotypes, "--genotypes", form.encoding, dosages=dosages)
    X = _harmonised(new, reference, genotypes, flip, ambiguous)
    limits: Any = network.detection_limits or {}
    z = None if omics is None else read_omics(omics, form, limits)
    c = None if covariates is None else read(covariates, form)
    for name, path, table in (("omics", omics, z), ("covariates", covariates, c)):
        if table is not None:
            with naming(path):
                align(X, **{name: table})
    aligned = align(X, z, covariates=c)
    c = _with_ids(network, aligned)
    if z is not None:
        _check_names(omics, z.columns, network.omics_names_[: network.n_omics_])
        aligned.omics = aligned.omics[list(network.omics_names_[: network.n_omics_])]
    if c is None and len(network.covariates_mean_):
        raise ValueError(f"{model} was fitted with covariates: pass --covariates.")
    with naming(covariates) if covariates else nullcontext():
        tables = {
            "predictions": predictions(network, X, aligned.omics, c),
            "breeding_values": breeding_values(network, X, c),
        }
    current().step(f"predictions.{results.format}: {len(X)} individuals")
    with new_folder(results.out) as folder:
        for name, table in tables.items():
            write(table, folder, name, results.format)
        current().write(folder)
    current().results(results.out, f"the tables {' and '.join(tables)}")


def _harmonised(new, reference, path, flip, ambiguous):
    """Return the genotypes with the SNPs and counted alleles of the model."""
    if not new.variants.index.isin(reference.index).any():
        raise ValueError(
            f"{path}: SNPs are matched by name, and none has a name that the model knows. The file "
            f"has {some(new.variants.index)}; the model {some(reference.index)}. Rename those of "
            "the file."
        )
    with naming(path):
        plan = harmonise(
            new.variants,
            reference,
            other_strand="flip" if flip else "drop",
            ambiguous="keep" if ambiguous else "drop",
        )
    for finding, actions in plan.report.iterrows():
        for action, count in actions.items():
            if count:
                current().step(f"SNPs with {finding}: {count} ({action})")
    if len(plan.lacking):
        current().step(f"SNPs of the model without genotypes: {len(plan.lacking)} (as their mean)")
    return plan.apply(new.genotypes)


def _with_ids(network, aligned):
    """Return the covariates, with the IDs for an effect by pedigree."""
    if not has_pedigree(network):
        return aligned.covariates
    index = aligned.genotypes.index
    ids = pd.DataFrame({ANIMAL: index}, index=index)
    return ids if aligned.covariates is None else aligned.covariates.assign(**ids)


def _check_names(path, given, known):
    lacking = [name for name in known if name not in given]
    if lacking:
        raise ValueError(
            f"{path}, line 1: no column {lacking[0]}, an omic of the model. Add it, empty if it "
            "was not measured."
        )
