"""Options from a TOML file, and options into one."""

import json
import tomllib
from pathlib import Path

import typer


def read_config(context: typer.Context, path: Path | None) -> Path | None:
    """Let the options in a file be the defaults of the command."""
    if path is None:
        return None
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except ValueError as error:  # of TOML, or of UTF-8
        raise ValueError(
            f"{path} is no TOML file: {error}. Write lines such as seed = 1."
        ) from error
    known = {p.name: p for p in context.command.params if p.name != "config"}
    options = {}
    for key, value in table.items():
        name = key.replace("-", "_")
        if name not in known:
            names = ", ".join(sorted(known)).replace("_", "-")
            raise ValueError(f"{path}, line {_line(path, key)}: no option {key}. Options: {names}.")
        if isinstance(value, list) and not known[name].multiple:
            raise ValueError(
                f"{path}, line {_line(path, key)}: {key} takes one value. Leave out the brackets."
            )
        is_one_of_many = known[name].multiple and not isinstance(value, list)
        options[name] = _as_typed([value] if is_one_of_many else value)
    context.default_map = options
    return path


def _as_typed(value):
    """Return a value as if typed on the command line: so n-iter = 5000 is one, as "auto" is."""
    if isinstance(value, list):
        return [_as_typed(item) for item in value]
    return value if isinstance(value, bool) else str(value)


def _line(path, key):
    for number, line in enumerate(path.read_text(encoding="utf-8-sig").splitlines(), 1):
        if line.strip().lstrip("[\"'").startswith(key):
            return number
    return 1


def as_toml(options: dict) -> str:
    """Return options as the text of a TOML file; those that are None are left out."""
    lines = [
        f"{name.replace('_', '-')} = {_value(value)}"
        for name, value in options.items()
        if value is not None
    ]
    return "\n".join(lines) + "\n"


def _value(value):
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, float):
        return repr(value)  # inf, for which JSON has no number
    return json.dumps(str(value) if isinstance(value, Path) else value, ensure_ascii=False)
