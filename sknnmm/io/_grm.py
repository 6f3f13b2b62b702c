"""Genomic relationship matrices of GCTA."""

import os
import re
from numbers import Real
from pathlib import Path

import numpy as np

from sknnmm.common.typing import FilePath
from sknnmm.io._text import open_text
from sknnmm.relationship import Relationship


def read_grm(
    prefix: FilePath, *, add_to_diagonal: float = 0.0, encoding: str = "utf-8"
) -> Relationship:
    r"""Read a genomic relationship matrix of GCTA or PLINK (.grm.bin and .grm.id).

    Parameters
    ----------
    prefix : str or path-like
        Path of the files without .grm.bin and .grm.id (or that of one of them).
    add_to_diagonal : float, default=0.0
        Number to add to the diagonal, where missing genotypes have left eigenvalues below 0.
    encoding : str, default="utf-8"
        Encoding of the .grm.id file.

    Returns
    -------
    Relationship
        The levels are the individual IDs, the second column of the .grm.id file, or its only one.

    Raises
    ------
    FileNotFoundError
        If one of the files does not exist.
    ValueError
        If the size of the .grm.bin file does not match the number of IDs, IDs are not unique, or
        the matrix has an eigenvalue below 0.

    See Also
    --------
    sknnmm.relationship.genomic_relationship : The matrix of genotypes in Python.

    Notes
    -----
    The file has single precision, and the matrix of centred genotypes is singular, so rounding
    leaves eigenvalues just below 0. What rounding may have done at most, 6e-8 times the Frobenius
    norm of the matrix, is added to the diagonal.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> import numpy as np
    >>> from sknnmm.io import read_grm
    >>> with TemporaryDirectory() as folder:
    ...     np.array([1.0, 0.5, 1.25], dtype="<f4").tofile(Path(folder) / "herd.grm.bin")
    ...     _ = (Path(folder) / "herd.grm.id").write_text("f1 m1\nf1 m2\n")
    ...     relationship = read_grm(Path(folder) / "herd")
    >>> relationship.ids
    Index(['m1', 'm2'], dtype=...)
    >>> relationship.matrix.round(4)
    array([[1.  , 0.5 ],
           [0.5 , 1.25]])
    """
    if not isinstance(add_to_diagonal, Real) or not 0 <= add_to_diagonal < np.inf:
        raise ValueError(f"add_to_diagonal must be a number from 0; got {add_to_diagonal!r}.")
    stem = re.sub(r"\.grm(\.bin|\.id)?$", "", os.fspath(prefix))
    bin_path, id_path = Path(f"{stem}.grm.bin"), Path(f"{stem}.grm.id")
    ids = _read_ids(id_path, encoding)
    n = len(ids)
    size, expected = bin_path.stat().st_size, 4 * n * (n + 1) // 2
    if size != expected:
        raise ValueError(
            f"{bin_path} does not fit the {n} individuals of {id_path}: it has {size} bytes, not "
            f"{expected}. It may be truncated, or belong to another .grm.id file."
        )
    matrix = np.empty((n, n))
    with bin_path.open("rb") as file:
        for row in range(n):
            matrix[row, : row + 1] = matrix[: row + 1, row] = np.fromfile(file, "<f4", row + 1)
    rounding = 2.0**-24 * np.linalg.norm(matrix)
    matrix[np.diag_indices(n)] += rounding + add_to_diagonal
    try:
        return Relationship(matrix, ids)
    except ValueError as error:
        raise ValueError(
            f"{bin_path}: {error} Pass add_to_diagonal, if an eigenvalue is just below 0."
        ) from error


def _read_ids(path, encoding):
    with open_text(path, encoding) as file:
        lines = [line.split() for line in file if line.strip()]
    if lines and lines[0][0].startswith("#"):  # the header of PLINK 2
        header = [name.lstrip("#") for name in lines.pop(0)]
        column = header.index("IID") if "IID" in header else len(header) - 1
    else:
        column = 1 if lines and len(lines[0]) > 1 else 0
    short = [number for number, line in enumerate(lines, start=1) if len(line) <= column]
    if short or not lines:
        where = f"line {short[0]}" if short else "it is empty"
        raise ValueError(f"{path} must have a family and an individual ID in every line: {where}.")
    return [line[column] for line in lines]
