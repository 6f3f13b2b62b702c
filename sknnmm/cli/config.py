"""Options from a TOML file, and options into one."""

import json
import tomllib
from pathlib import Path

import typer


def read_config(context: typer.Context, path: Path | None) -> Path | None:
    """Let the options in a file be the defaults of the command.

    Those of other commands are passed over: one file serves all, also the config.toml of results.
    """
    if path is None:
        return None
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except ValueError as error:  # of TOML, or of UTF-8
        raise ValueError(
            f"{path} is no TOML file: {error}. Write lines such as seed = 1."
        ) from error
    known = _options(context.command)
    of_others = {name for c in _all_commands(context) for name in _options(c)}
    options = {}
    for key, value in table.items():
        name, place = key.replace("-", "_"), f"{path}, line {_line(path, key)}"
        if name not in known:
            if name in of_others:
                continue
            names = ", ".join(sorted(known)).replace("_", "-")
            raise ValueError(f"{place}: no option {key}. Options: {names}.")
        if isinstance(value, list) and not known[name].multiple:
            raise ValueError(f"{place}: {key} takes one value. Leave out the brackets.")
        is_one_of_many = known[name].multiple and not isinstance(value, list)
        options[name] = _as_typed([value] if is_one_of_many else value)
    context.default_map = options
    return path


def _options(command):
    return {p.name: p for p in command.params if p.name != "config"}


def _all_commands(context):
    return context.parent.command.commands.values()


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
