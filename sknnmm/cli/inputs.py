"""From the files that options name to the arguments of the estimator."""

import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sknnmm.cli.genotypes import genotypes_from
from sknnmm.cli.journal import current
from sknnmm.cli.omics import check_limits, read_limits, read_omics
from sknnmm.cli.options import Data, Family
from sknnmm.cli.phenotypes import exact, read_phenotypes
from sknnmm.cli.tables import lacks_header, naming, place, read, read_text
from sknnmm.common.messages import counted, some
from sknnmm.effects import Fixed, Random
from sknnmm.inputs.cis import cis_mask
from sknnmm.io import align
from sknnmm.relationship import Pedigree

HEADERS = {"omics": "id,omic1,omic2", "phenotypes": "id,trait", "covariates": "id,sex"}
ANIMAL = "animal"  # the random effect that --pedigree adds, and its column of IDs


@dataclass
class Inputs:
    """Aligned tables, the genotyped individuals as rows, and parameters that need files."""

    family: Family
    genotypes: pd.DataFrame
    y: pd.Series
    y_upper: pd.Series | None
    omics: pd.DataFrame | None
    covariates: pd.DataFrame | None
    weight: pd.Series | None
    variants: pd.DataFrame
    parameters: dict[str, Any] = field(default_factory=dict)  # effects, mask, detection_limits


def read_inputs(data: Data) -> Inputs:
    """Read, check and align all files."""
    herd = genotypes_from(
        data.genotypes,
        "--genotypes",
        data.encoding,
        dosages=data.dosages,
        min_maf=data.min_maf,
        max_missing=data.max_missing,
        min_hwe_p=data.min_hwe_p,
    )
    phenotypes = read_phenotypes(data)
    limits = None if data.detection_limits is None else read_limits(data.detection_limits, data)
    omics = None if data.omics is None else read_omics(data.omics, data, limits or {})
    if omics is not None and data.trait in omics:
        raise ValueError(
            f"{data.omics}, line 1: an omic is called {data.trait}, as the trait is. Leave out "
            "that column if it holds the trait; else rename it."
        )
    covariates = None if data.covariates is None else read(data.covariates, data)
    _check_terms(data, covariates)
    if data.cis_window is not None and data.mask is None:
        raise ValueError("--cis-window is the distance to the features in --mask: pass --mask.")
    tables = {"omics": omics, "phenotypes": phenotypes, "covariates": covariates}
    for name, table in tables.items():  # each by itself, so that an error names its file
        if table is not None:
            path = getattr(data, name)
            if table.index.name in herd.genotypes.index:
                raise lacks_header(path, f"{table.index.name} is an individual", HEADERS[name])
            with naming(path):
                align(herd.genotypes, **{name: table})
    aligned = align(herd.genotypes, **tables)
    _note(data, aligned)
    effects, relatives = _effects(data), None
    covariates = aligned.covariates
    if data.pedigree is not None:
        relatives = _pedigree(data, aligned.genotypes.index)
        effects.append(Random(ANIMAL, relationship=relatives))
        ids = pd.DataFrame({ANIMAL: aligned.genotypes.index}, index=aligned.genotypes.index)
        covariates = ids if covariates is None else covariates.assign(**ids)
    _check_complete(data, covariates, aligned.phenotypes["y"])
    parameters: dict[str, Any] = {"effects": effects} if effects else {}
    if data.mask is not None:
        parameters["mask"] = _mask(data, herd.variants, omics)
    if limits is not None:
        check_limits(limits, data, omics)
        parameters["detection_limits"] = limits
    return Inputs(
        family=data.family,
        genotypes=aligned.genotypes,
        y=aligned.phenotypes["y"],
        y_upper=aligned.phenotypes.get("y_upper"),
        omics=aligned.omics,
        covariates=covariates,
        weight=aligned.phenotypes["weight"].fillna(0) if data.weight else None,
        variants=herd.variants,
        parameters=parameters,
    )


def _note(data, aligned):
    """Note how many rows of each table were used, and why others were not."""
    files = {name: getattr(data, name) for name in aligned.report.index}
    for name, counts in aligned.report.iterrows():
        if name != "genotypes":
            current().step(
                f"--{name} {files[name]}: {counts.given} rows read, {counts.kept} kept, "
                f"{counts.not_genotyped} dropped (not genotyped); "
                f"{counts.absent} genotyped individuals are not in it"
            )
    observed = int(aligned.phenotypes["y"].notna().sum())
    current().step(f"{data.trait}: {observed} of {len(aligned.genotypes)} individuals have it")
    if (upper := aligned.phenotypes.get("y_upper")) is not None:
        n = observed - int(exact(aligned.phenotypes["y"], upper).notna().sum())
        current().step(f"{data.trait}: {n} of them are censored")
    if aligned.omics is not None and (n := int(np.isneginf(aligned.omics).sum().sum())):
        current().step(f"--omics {data.omics}: {counted(n, 'value')} below the detection limit")
    current().facts |= {"trait": data.trait, "family": data.family}
    current().facts["individuals"] = {
        "genotyped": len(aligned.genotypes),
        "with phenotype": observed,
        **(
            {}
            if aligned.omics is None
            else {"with omics": int(aligned.omics.notna().any(axis=1).sum())}
        ),
    }
    current().facts["tables"] = {
        f"{name} ({files[name]})": {k: int(n) for k, n in counts.items()}
        for name, counts in aligned.report.iterrows()
    }


def _check_terms(data, covariates):
    if covariates is None:
        for name in ("fixed", "random"):
            if getattr(data, name):
                raise ValueError(f"--{name} needs the table of its columns: pass --covariates.")
        return
    if data.pedigree is not None and ANIMAL in covariates.columns:
        raise ValueError(
            f"{data.covariates}, line 1: --pedigree needs the name {ANIMAL} for itself. "
            "Rename that column."
        )
    for name in data.random or []:
        if name not in covariates.columns:
            names = ", ".join(map(str, covariates.columns))
            raise ValueError(
                f"--random {name}: {data.covariates}, line 1, has no such column. It has {names}."
            )


def _effects(data):
    """Return the terms; columns of covariates that none names stay fixed effects."""
    return [*map(Fixed, data.fixed or []), *map(Random, data.random or [])]


def unnamed(data: Data, covariates: pd.DataFrame | None) -> list[str]:
    """Return the columns of covariates that no option names: fixed effects all the same."""
    if covariates is None:
        return []
    known = {*(data.random or []), ANIMAL}
    return [
        name for name in covariates.columns if name not in known and not is_in_formula(name, data)
    ]


def is_in_formula(name: str, data: Data) -> bool:
    """Return whether a formula of --fixed names a column."""
    named = re.compile(rf"\b{re.escape(name)}\b")
    return any(map(named.search, data.fixed or []))


def note_unnamed(data: Data, names: list[str]) -> None:
    """Note columns that became fixed effects although no option names them."""
    if names:
        current().step(
            f"--covariates {data.covariates}: {some(names)}, which no option names, "
            f"{'is a fixed effect' if len(names) == 1 else 'are fixed effects'}"
        )


def _check_complete(data, covariates, y):
    """Raise if a covariate is missing where the phenotype is not."""
    if data.covariates is None:
        return
    random = {*(data.random or []), ANIMAL}
    fixed = covariates[[name for name in covariates if name not in random]]
    missing = fixed.isna().to_numpy() & y.notna().to_numpy()[:, None]
    if missing.any():
        row, k = np.argwhere(missing)[0]
        who, table = covariates.index[row], read(data.covariates, data)
        at = place(data.covariates, table.index.get_loc(who)) if who in table.index else None
        raise ValueError(
            f"{at or data.covariates}: individual {who} has a phenotype but no {fixed.columns[k]}. "
            "Fill it in, or drop the column."
        )


def _pedigree(data, individuals):
    table = read(data.pedigree, data).reset_index()
    if table.shape[1] < 3:
        raise ValueError(
            f"{data.pedigree}, line 1: a pedigree needs three columns: individual, sire and dam."
        )
    own, sire, dam = table.columns[:3]
    if own in individuals:
        raise lacks_header(data.pedigree, f"{own} is an individual", "id,sire,dam")
    with naming(data.pedigree):
        pedigree = Pedigree.from_frame(table, own, sire, dam)
        lacking = pd.Index(individuals).difference(pd.Index(pedigree.ids).astype(str))
        if len(lacking):
            raise ValueError(
                f"{len(lacking)} genotyped individuals are not in the pedigree, the first "
                f"{lacking[0]}. Add a line for each, with parents 0 if unknown."
            )
    founders = int(((pedigree.sires < 0) & (pedigree.dams < 0)).sum())
    current().step(
        f"--pedigree {data.pedigree}: {len(pedigree.ids)} animals, {founders} without parents"
    )
    return pedigree


def _mask(data, variants, omics):
    if omics is None:
        raise ValueError(f"--mask {data.mask} says which SNPs act on which omics: pass --omics.")
    if data.cis_window is not None:
        features = read(data.mask, replace(data, id=None))  # the first column: omics
        lacking = [name for name in omics.columns if name not in features.index]
        if lacking:
            raise ValueError(f"{data.mask}: no line for the omic {lacking[0]}. Add its position.")
        with naming(data.mask):
            return cis_mask(variants, features.loc[omics.columns], data.cis_window)
    pairs = read_text(data.mask, data)
    if pairs.shape[1] < 2:
        raise ValueError(f"{data.mask}, line 1: two columns are needed, SNP and omic.")
    if pairs.columns[1] in omics.columns:
        raise lacks_header(data.mask, f"{pairs.columns[1]} is an omic", "snp,omic")
    snps, nodes = pairs.iloc[:, 0], pairs.iloc[:, 1]
    for values, known, what in ((snps, variants.index, "SNP"), (nodes, omics.columns, "omic")):
        unknown = ~values.isin(known)
        if unknown.any() and (what == "omic" or unknown.all()):
            row = int(np.flatnonzero(unknown)[0])
            raise ValueError(
                f"{place(data.mask, row)}: there is no {what} {values.iloc[row]}. "
                f"Write the names of {'--genotypes' if what == 'SNP' else '--omics'}."
            )
    current().step(f"--mask {data.mask}: {len(pairs)} connections")
    known = snps.isin(variants.index)
    return {name: list(snps[known & (nodes == name)]) for name in omics.columns}


def path_of(message: str, data: Data) -> Path | None:
    """Return the file behind the argument of `fit` that a message names first."""
    found = re.search(r"\b(X|y|omics|covariates|mask|sample_weight)\b", message)
    if found is None or message.startswith("checkpoint"):
        return None
    own_names = {"X": "genotypes", "y": "phenotypes", "sample_weight": "phenotypes"}
    return getattr(data, own_names.get(found[0], found[0]))
