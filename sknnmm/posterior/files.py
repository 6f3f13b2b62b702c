"""A posterior in a file, without pickle."""

import os
from dataclasses import asdict
from pathlib import Path

from sknnmm.common import archive
from sknnmm.common.typing import FilePath
from sknnmm.model.variables import Variable

FORMAT = 2  # of what is in a file; raise it when older files no longer fit
KIND = "posterior"


def write_posterior(path: FilePath, state: dict) -> None:
    """Write the state of a Posterior; the file is complete or it is not there."""
    path = Path(path)
    registry = {name: asdict(variable) for name, variable in state["registry"].items()}
    content = {"kind": KIND, "format": FORMAT}
    content["state"] = {**state, "registry": registry}
    unfinished = path.with_name(f"{path.name}.unfinished")
    try:
        with unfinished.open("w+b") as file:
            archive.write(file, content)
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)


def read_posterior(path: FilePath) -> dict:
    """Return the state of a Posterior.

    Raises
    ------
    ValueError
        If the file is damaged, or is not of a posterior of this format.
    """
    try:
        with Path(path).open("rb") as file:
            content = archive.read(file)
    except archive.ForeignError as error:
        raise ValueError(f"{path} was not written by Posterior.save.") from error
    except archive.DamagedError as error:
        raise ValueError(f"{path} is damaged, or was not written by Posterior.save.") from error
    if not isinstance(content, dict) or content.get("kind") != KIND:
        raise ValueError(f"{path} was not written by Posterior.save.")
    if content["format"] != FORMAT:
        raise ValueError(
            f"{path} has format {content['format']}, but this version of sknnmm reads format "
            f"{FORMAT}: load it with the version that saved it."
        )
    state = content["state"]
    state["registry"] = {
        name: Variable(**{**fields, "dims": tuple(fields["dims"])})
        for name, fields in state["registry"].items()
    }
    return state
