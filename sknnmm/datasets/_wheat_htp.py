"""CIMMYT wheat lines: real genotypes, hyperspectral reflectance and yield in four environments."""

import os

import numpy as np
import pandas as pd
from sklearn.utils import Bunch
from sklearn.utils._param_validation import validate_params

from sknnmm.common.typing import FilePath
from sknnmm.datasets._r_files import (
    Repository,
    RFile,
    names_along,
    read_r_file,
    table,
    with_shared_docs,
)

FILE = RFile(
    Repository("cran/SFSI", "d36d57c6dd2ad6f2fef220e82490e3b5fe21eba7"),
    "data/wheatHTP.RData",
    sha256="d685147f9152a40d8a5a7a6de3ca929ed7ea5a994481cb1d2e16369650ebd331",
    folder="wheat_htp",
)

ENVIRONMENTS = ["E1", "E2", "E3", "E4"]
MISSING_GENOTYPE = -1


@validate_params({"data_home": [str, os.PathLike, None]}, prefer_skip_nested_validation=True)
@with_shared_docs()
def fetch_wheat_htp(data_home: FilePath | None = None) -> Bunch:
    """Load the CIMMYT wheat lines seen from the air (SNPs, reflectances, yield).

    776 inbred wheat lines in 28 trials near Ciudad Obregon, Mexico, 2013-2014, each grown in four
    environments and photographed by a hyperspectral camera from an aircraft [1]_. Size of the
    file: 1.5 MB.

    The data are those of the R package SFSI 1.4.1, which is under the GPL-3. The file is downloaded
    from CRAN's mirror of SFSI on GitHub at first use.
    {rdata}

    Parameters
    ----------
    {data_home}
        The file of this data set is in its subfolder `wheat_htp`.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        Dictionary-like object. The rows of all tables are the lines, in the order of `ids`.

        genotypes : DataFrame of shape (776, 3438), int8
            Dosages 0, 1, 2 of the allele that is the major one by [1]_ (not always so among these
            lines); -1 = missing. The file has means of the SNP for the missing 9 %. SNPs have no
            names in the file; the columns are "snp_1" to "snp_3438".
        yields : DataFrame of shape (776, 4)
            Grain yield in t/ha, adjusted by the authors for trial, replicate and sub-block, without
            gaps. E1 is drought (sown on the flat, drip irrigation of 180 mm); E2 and E3 are two and
            five irrigations, E4 early heat (30 days early, five irrigations), all on beds. The
            file has no unit: t/ha is read off the magnitudes.
        reflectances : DataFrame of shape (776, 250)
            Reflectance at 250 wavelengths in environment E1, on the last of nine flights, adjusted
            like the yields, without gaps; in the units of the file. The columns are "wl392" to
            "wl851".
        wavelengths : Series of shape (250,)
            Wavelength in nm of each column of `reflectances`, as its name has it.
        vegetation_indices : DataFrame of shape (776, 2)
            Green and red normalised difference vegetation index (GNDVI, RNDVI) of the same flight.
        trials : Series of shape (776,)
            Number of the trial of each line.
        folds : Series of shape (776,)
            The fold, 1 to 4, of each line in the cross-validation of SFSI: seven whole trials each.
        ids : Index of shape (776,)
            Names of the lines.
        DESCR : str
            This description.

    Raises
    ------
    {raises}

    References
    ----------
    .. [1] Lopez-Cruz, M. et al. (2020). Regularized selection indices for breeding value
       prediction using hyper-spectral image data. Scientific Reports, 10, 8195.
       https://doi.org/10.1038/s41598-020-65011-2

    Examples
    --------
    >>> from sknnmm.datasets import fetch_wheat_htp
    >>> wheat = fetch_wheat_htp()  # doctest: +SKIP
    >>> wheat.genotypes.shape, wheat.reflectances.shape  # doctest: +SKIP
    ((776, 3438), (776, 250))
    """
    return _as_bunch(read_r_file(FILE, data_home))


def _as_bunch(contents):
    """Arrange the R objects of the file.

    Only the yields have names of lines in the file: the other tables are in their order.
    """
    records = contents["Y"]
    ids = pd.Index(records["gid"].astype(str).to_numpy(), dtype=str)
    records = records.set_axis(ids)
    reflectances, indices = contents["X_E1"], contents["VI_E1"]
    bands = names_along(reflectances, 1)
    return Bunch(
        genotypes=_genotypes(contents["M"], ids),
        yields=records[ENVIRONMENTS],
        reflectances=table(reflectances, ids, bands),
        wavelengths=pd.Series(
            bands.str.removeprefix("wl").astype(np.int64), index=bands, name="wavelength"
        ),
        vegetation_indices=table(indices, ids, names_along(indices, 1)),
        trials=records["trial"].astype(np.int64),
        folds=records["CV"].astype(np.int64).rename("fold"),
        ids=ids,
        DESCR=fetch_wheat_htp.__doc__,
    )


def _genotypes(markers, ids):
    """Return dosages of markers coded -1, 0, 1, where any other number is an imputed mean."""
    markers = markers.to_numpy()
    observed = markers == np.rint(markers)
    dosages = np.where(observed, markers + 1, MISSING_GENOTYPE).astype(np.int8)
    columns = [f"snp_{j}" for j in range(1, dosages.shape[1] + 1)]
    return pd.DataFrame(dosages, index=ids, columns=columns, copy=False)
