"""``sknnmm report``."""

import json
import os
from pathlib import Path
from typing import Annotated

import pandas as pd

from sknnmm.cli import figures
from sknnmm.cli.cv import FROM_GENOTYPES, WITH_OMICS
from sknnmm.cli.folder import REPORT
from sknnmm.cli.journal import SUMMARY, current
from sknnmm.cli.options import Common, Family, option
from sknnmm.cli.tables import find_result, read_result
from sknnmm.common.optional import import_optional
from sknnmm.posterior.diagnostics import has_failed, r_hat_limits

ROWS = 10  # of tables that show only the top
TEMPLATE = Path(__file__).with_name("report.html.j2")


def report(
    common: Common,
    *,
    model: Annotated[Path, option("Folder that sknnmm fit has written.")],
    cv: Annotated[Path | None, option("Folder that sknnmm cv has written.")] = None,
    out: Annotated[
        Path | None, option("The HTML file; by default report.html in the folder of the model.")
    ] = None,
) -> None:
    """Write one HTML file about a fit, which needs no network.

    sknnmm report --model results --cv folds
    """
    out = out or model / REPORT
    if not out.absolute().parent.is_dir():
        raise ValueError(f"--out {out}: the folder {out.parent} does not exist. Make it first.")
    if out.is_dir():
        raise ValueError(f"--out {out} is a folder. Pass the name of a file.")
    if out.exists() and not common.overwrite:
        raise ValueError(f"--out {out} exists. Pass another name, or --overwrite.")
    jinja2 = import_optional("jinja2", "The report")
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    markup = import_optional("markupsafe", "The report").Markup
    environment.globals |= {"number": _number, "table": lambda t: markup(_html(t))}
    content = _content(model, cv)
    content |= {k: markup(v) for k, v in content.items() if k.endswith("_figure")}
    text = environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(**content)
    partial = out.with_name(f".{out.name}.{os.getpid()}")
    partial.write_text(text, encoding="utf-8")
    partial.replace(out)
    current().results(out, "to be opened in a browser")


def _content(model, cv):
    """Return what the template shows."""
    needed = "trait", "family", "warnings", "steps", "heritability", "chains", "min_ess"
    run = _summary(model, "fit", *needed)
    trait = run["trait"]
    of_targets = "quantity", "r_hat", "ess_bulk", "target"
    diagnostics = read_result(model, "diagnostics", *of_targets).set_index("quantity")
    snps = read_result(model, "snp_effects", "snp", "response", "variance", "lfdr")
    snps = snps.query("response == 'total'")
    components = read_result(model, "variance_components", "layer", "response", "term", "share")
    of_animals = "breeding_value", "sd", "reliability"
    values = read_result(model, "breeding_values", "individual", *of_animals)
    values = values.set_index("individual")[list(of_animals)]
    content = {
        "run": run,
        "trait": trait,
        "is_measured": run["family"] == Family.GAUSSIAN,
        "warnings": run["warnings"],
        "convergence": in_words(diagnostics, run["chains"], run["min_ess"]),
        "slowest": _targets(diagnostics).nsmallest(ROWS, "ess_bulk").drop(columns="target"),
        "values": values.sort_values("breeding_value", ascending=False).head(ROWS),
        "n_values": len(values),
        "components": components.set_index("layer"),
        "components_figure": figures.variances(
            components.set_index(["layer", "response", "term"]), trait
        ),
        "snps": _columns(
            snps.sort_values("variance", ascending=False).head(ROWS).set_index("snp"),
            ["chromosome", "position", "effect", "sd", "inclusion_probability", "variance_share"],
        ),
        "snps_figure": figures.manhattan(snps.reset_index(drop=True), trait),
        "mediation": None,
        "windows": None,
        "accuracy": None,
    }
    if find_result(model, "mediation"):
        table = read_result(model, "mediation", "path", "genetic_share")
        content["mediation"] = _columns(
            table.set_index("path"),
            ["genetic_share", "genetic_share_low", "genetic_share_high", "effect", "heritability"],
        )
        content["mediation_figure"] = figures.mediation(table, trait)
    if find_result(model, "windows"):
        content["windows"] = _columns(
            read_result(model, "windows", "first_snp", "share")
            .sort_values("share", ascending=False)
            .head(ROWS)
            .set_index("first_snp"),
            [
                *("last_snp", "chromosome", "start", "end", "n_snps"),
                *("share", "share_low", "share_high", "wppa"),
            ],
        )
    return content if cv is None else content | _of_folds(run, cv)


def _of_folds(run, cv):
    """Return what the template shows of a cross-validation."""
    other = _summary(cv, "cv", "trait", "family", "warnings")
    for name in ("trait", "family"):
        if other[name] != run[name]:
            raise ValueError(
                f"--cv {cv} is of the {name} {other[name]}, but the model of {run[name]}. Pass a "
                "cross-validation of the same."
            )
    table = read_result(cv, "predictions", "from", "observed", "predicted")
    kinds = set(table["from"])
    shown = WITH_OMICS if WITH_OMICS in kinds else FROM_GENOTYPES
    table = table[table["from"] == shown]
    if run["family"] == Family.GAUSSIAN:
        figure = figures.held_out(table, run["trait"])
    else:
        figure = figures.liability_of_classes(table, run["classes"], run["trait"])
    of_folds = [f"Cross-validation: {text}" for text in other["warnings"]]
    return {
        "warnings": run["warnings"] + of_folds,
        "accuracy": read_result(cv, "accuracy", "from", "measure", "mean").set_index("from"),
        "accuracy_figure": figure,
        "is_censored": table["observed"].isna().any(),
        "shown": shown,
    }


def in_words(diagnostics: pd.DataFrame, n_chains: int, min_ess: float) -> str:
    """Return in plain words what the diagnostics say, by the rule of the estimator's warning."""
    targets = _targets(diagnostics)
    r_hat, ess = targets["r_hat"], targets["ess_bulk"]
    if ess.isna().all():
        return "There are too few draws to tell. Run more iterations, or --n-iter auto."
    if has_failed(targets, n_chains, len(targets), min_ess).any():
        return _what_failed(targets, n_chains, min_ess)
    draws = f"at least {ess.min():.0f} effective draws of every target"
    if r_hat.isna().all():
        return f"Yes, as far as one chain can tell. It has {draws}."
    return f"Yes. The chains agree (R-hat at most {r_hat.max():.2f}), with {draws}."


def _what_failed(targets, n_chains, min_ess):
    """Return what to do with results of which some targets have not converged."""
    r_hat, ess = targets["r_hat"], targets["ess_bulk"]
    values = targets[targets.index.str.startswith("genetic_values[")]
    are_good = len(values) and not has_failed(values, n_chains, len(targets), min_ess).any()
    begins, what = (
        ("Not all have. Breeding values and predictions can be used, but the", "its value")
        if are_good
        else ("No. The", "these results")
    )
    limits = r_hat_limits(ess, n_chains, len(targets))
    if (r_hat > limits).any():
        worst = (r_hat - limits).idxmax()
        return (
            f"{begins} chains disagree about {worst} (R-hat {r_hat[worst]:.2f}; it should be at "
            f"most {limits[worst]:.2f}). Do not use {what}: run more iterations, or --n-iter auto."
        )
    return (
        f"{begins} chains say little about {ess.idxmin()}: it has {ess.min():.0f} effective "
        f"draws, fewer than {min_ess:g}. Run more iterations, or --n-iter auto."
    )


def _targets(diagnostics):
    chosen = diagnostics[diagnostics["target"].astype(bool)]
    return chosen if len(chosen) else diagnostics


def _summary(folder, command, *needed):
    """Return what a command has noted in its folder."""
    path = folder / SUMMARY
    if not path.is_file():
        raise ValueError(f"{path} does not exist. Pass the --out folder of sknnmm {command}.")
    try:
        summary = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(summary, dict) or "command" not in summary:
            raise ValueError("no command")
        lacking = [name for name in needed if name not in summary]
        if lacking and summary["command"] == command:
            raise ValueError(f"no {lacking[0]}")
    except ValueError as error:
        raise ValueError(f"{path} is damaged ({error}). Run sknnmm {command} again.") from error
    if summary["command"] != command:
        raise ValueError(
            f"{folder} is of sknnmm {summary['command']}: pass that of sknnmm {command}."
        )
    return summary


def _columns(table, names):
    return table[[name for name in names if name in table]]


def _html(table):
    return table.rename_axis(None).to_html(
        border=0, float_format=_number, na_rep="", classes=None, index_names=False
    )


def _number(value):
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
