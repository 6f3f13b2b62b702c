"""Types that the signatures of several modules share."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from os import PathLike
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse

#: Individuals by columns: arrays, lists, PackedGenotypes, and tables of pandas, polars and Arrow.
Table = npt.ArrayLike | pd.DataFrame

#: One value per individual: arrays, lists, and columns of pandas, polars and Arrow.
Column = npt.ArrayLike | pd.Series

#: A number, or "auto" for the one that the expected shares of variance imply.
Auto = float | Literal["auto"]

#: A function of the user, of nodes (n, K): their activation (n, K), or the network function (n,).
NodeFunction = Callable[[np.ndarray], npt.ArrayLike]

#: Which SNPs act on which nodes; see sknnmm/inputs/masks.py.
Mask = Table | sparse.sparray | sparse.spmatrix | Sequence[Hashable] | Mapping[Any, Any] | None

#: The group of every SNP or omic; see sknnmm/inputs/groups.py.
Groups = Sequence[Hashable] | npt.ArrayLike | pd.Series | Mapping[Any, Any] | None

#: Detection limits of omics, for each or by name; see sknnmm/inputs/detection_limits.py.
Limits = npt.ArrayLike | pd.Series | Mapping[Any, float] | None

#: Which columns of a table, as `sklearn.compose.ColumnTransformer` takes them; None: none.
ColumnChoice = str | int | slice | npt.ArrayLike | Callable[[Any], Any] | None

FilePath = str | PathLike[str]
RandomState = int | np.random.RandomState | np.random.Generator | None
