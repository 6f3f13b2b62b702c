"""Messages of the library in the words of the command line: options instead of arguments."""

import re
from dataclasses import fields

from sknnmm.cli.options import Data, Model

OPTIONS = {
    field.name: f"--{field.name.replace('_', '-')}"
    for kind in (Data, Model)
    for field in fields(kind)
}
OTHER_NAMES = {
    "X": "--genotypes",
    "y": "--trait",
    "y_upper": "--trait-upper",
    "id_column": "--id",
    "sample_weight": "--weight",
    "random_state": "--seed",
    "n_jobs": "--jobs",
    "checkpoint": "--checkpoint",
    "missing_omics": "--missing-omics",
    "estimate_pi": "--set method__estimate_pi",
    "diagnostics_": "the table diagnostics",
}
PHRASES = {  # regular expressions, replaced before names are
    # The parameters, which a grid search needs.
    r"\bNNMM\w+\(.*\): (?=R-hat|bulk ESS|\d+ kept draws)": "",
    r"The '(\w+)' parameter of (?:NNMM\w+|make_omics_network) must": r"\1= must",
    r"which NNMMRegressor takes for": "which are taken for",
    r"NNMMClassifier\(ordered=True\)": "--family ordinal",
    r"([Uu]se) NNMMClassifier": r"\1 --family binary",
    r"Fixed\('(.*?)'\)": r"--fixed \1",
    r"Random\('(.*?)'\)": r"--random \1",
    r"a str among \{(.*?)\}": r"one of \1",
    r"an instance of 'bool' or an instance of 'numpy\.bool\w*'": "true or false",
    r"(,| or) (an instance of '[\w.]+\.[\w.]+'|a callable)": "",  # objects of Python
    r"an int in the range \[(\d+), inf\)( or None)?": r"a whole number, \1 or more",
    r"an int in the range \[(\d+), (\d+)\]( or None)?": r"a whole number from \1 to \2",
    r", an int in the range \(-inf, -1\] or None": " (or -1: as many as there are cores)",
    r" For tables of genotypes see read_table\.": "",
    r"warm_start=True": "--set warm_start=true",
    r"\bn_splits=(\d+)": r"--folds \1",  # of scikit-learn
    r"pass dosages=False": "leave out --dosages",
    r"With dosages=False": "Without --dosages",
    r"\b(?:pass|use) (-inf)\b": r"write \1",
    r"\buse NaN for (missing \w+|a missing y)\.": r"leave the field empty for \1.",
    r"\bor NaN in both if nothing is\b": "or leave both empty if nothing is",
    r",? or pass (id_column=None|sample_path)": "",  # the command line has no such option
}
OUTSIDE_NAMES = r"(?<![\w/.\\-]){}(?![\w/\\-]|\.\w)"  # of files, and of longer names
VALUE = r"(?:r?(?P<quote>['\"])(?P<quoted>.*?)(?P=quote)|(?P<plain>[\w.+-]*\w))?"
# A word of English is an option before an equals sign or after "pass"; other names always are.
ASSIGNMENT = re.compile(r"(?<![\w/.-])(?P<name>[a-z]\w*)=" + VALUE)
PASSED = re.compile(r"\b(?P<verb>[Pp]ass(?: another)?) (?P<name>[a-z_]+)\b(?![=/.]\w)")
NO_ENGLISH = {name: option for name, option in {**OPTIONS, **OTHER_NAMES}.items() if "_" in name}
TYPED = re.compile(r"(--set \S+)")  # on the command line
CHROMOSOME = r"(?<!chromosome )", r"(?!, Y| \+)"  # X may be one


def in_options(message: str) -> str:
    """Return a message with the options of the command line for the arguments of Python."""
    return "".join(
        part if part.startswith("--set ") else _in_options(part) for part in TYPED.split(message)
    )


def _in_options(message):
    for pattern, text in PHRASES.items():
        message = re.sub(pattern, text, message)
    message = ASSIGNMENT.sub(_assigned, message)
    message = PASSED.sub(lambda m: f"{m['verb']} {OPTIONS.get(m['name'], m['name'])}", message)
    for name, option in NO_ENGLISH.items():
        message = re.sub(OUTSIDE_NAMES.format(name), option, message)
    before, after = CHROMOSOME
    message = re.sub(before + OUTSIDE_NAMES.format("X") + after, OTHER_NAMES["X"], message)
    return re.sub(OUTSIDE_NAMES.format("y"), OTHER_NAMES["y"], message)


def _assigned(match):
    """Return --name value for name=value."""
    option = {**OPTIONS, **OTHER_NAMES}.get(match["name"])
    if option is None:
        return match[0]
    if match["plain"] in ("True", "False") and not option.startswith("--set"):
        return option if match["plain"] == "True" else f"--no-{option[2:]}"
    if option.startswith("--set"):
        return f"{option}={(match['plain'] or match['quoted']).lower()}"
    value = match["plain"] or match["quoted"] or ""
    if match["quote"] and not re.fullmatch(r"[\w.-]+", value):
        value = f"'{value}'"
    return f"{option} {value}".rstrip()
