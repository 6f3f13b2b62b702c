"""Checks of omics, and warnings of values that predictions cannot rely on."""

import numpy as np

from sknnmm.common.constant import mean_and_sd
from sknnmm.common.messages import counted, some
from sknnmm.common.user_warnings import warn
from sknnmm.inputs.named_table import named_table

COLUMNS = 64  # of omics that are compared with y at a time
FEWEST_ALIKE = 10  # individuals by whom an omic is compared with y
SAME = 0.999  # correlation of an omic with y beyond which it is taken for y itself
FAR_SD = 5  # SDs beyond the range of fit from which a value counts as far outside
TAIL_SD = 4  # SDs from the mean from which a value counts as far from the others


def check_omics(omics, n_samples):
    """Return omics (n, n_omics) in double precision, and their names.

    NaN = missing; -inf = below the detection limit, see `check_below`.
    """
    values, names = named_table(omics, "omics", n_samples)
    if np.isposinf(values).any():
        raise ValueError("omics contains infinity; use NaN for missing values.")
    return values, names


def check_variation(varies, names):
    """Raise if no omic varies over its observed values; warn once of those that do not.

    Parameters
    ----------
    varies : ndarray of shape (n_omics,), bool
    names : ndarray of shape (n_omics,)
    """
    if len(varies) and not varies.any():
        raise ValueError(
            "omics has no column with variance over at least two observed values: nothing "
            "can be learned from it. Leave omics out, or use n_latent for nodes without data."
        )
    if not varies.all():
        warn(
            f"omics has {counted((~varies).sum(), 'column')} without variance over the observed "
            f"values ({some(names[~varies])}). Such columns are kept with weight zero (a network "
            "function gets them as constants)."
        )


def warn_of_phenotype_among_omics(y, omics, names):
    """Warn once of omics that are y itself, or nearly."""
    same = []
    for first in range(0, len(names), COLUMNS):
        own = slice(first, first + COLUMNS)
        same += list(names[own][np.abs(_correlations(y, omics[:, own])) > SAME])
    if same:
        warn(
            f"omics {some(same)} have a correlation with y beyond {SAME}: is the phenotype among "
            "the omics? It would explain itself, and nothing else would. Leave it out."
        )


def _correlations(y, omics):
    """Return the correlations of y with omics, (n_omics,); 0 where they cannot be compared."""
    both = ~np.isnan(y)[:, None] & ~np.isnan(omics)
    products, comparable = 1.0, both.sum(axis=0) >= FEWEST_ALIKE
    for values in (y[:, None], omics):
        values = np.where(both, values, np.nan)
        mean, sd = mean_and_sd(values)
        comparable &= sd > 0
        products = products * ((values - mean) / np.where(sd > 0, sd, 1))
    return np.where(comparable, np.nansum(products, axis=0), 0) / np.maximum(both.sum(axis=0), 1)


def warn_of_tails(omics, names):
    """Warn once of omics in which a few values carry most of the variance."""
    _, sd = mean_and_sd(omics)
    heavy = [names[k] for k in np.flatnonzero(sd) if _has_tails(omics[:, k])]
    if heavy:
        warn(
            f"omics {some(heavy)}: a few values, far outside the others, carry most of the "
            "variance. Predictions with such omics can be far off. Take logarithms or use "
            "PowerTransformer or QuantileTransformer of scikit-learn (see the page Preparing "
            'omics of the guide), or activation="tanh".'
        )


def _has_tails(column):
    observed = column[~np.isnan(column)]
    if ((observed == 0) | (observed == 1)).all():  # no transformation helps
        return False
    deviation = observed - observed.mean()
    squares = np.sort((deviation / np.abs(deviation).max()) ** 2)[::-1]
    few = max(3, len(squares) // 50)
    far = squares[0] > TAIL_SD**2 * squares.mean()
    return far and squares[:few].sum() > 0.5 * squares.sum()


def warn_of_far_omics(omics, fitted):
    """Warn once of values far outside the range seen in fit.

    Parameters
    ----------
    omics : ndarray of shape (n, n_omics)
    fitted : FittedColumns
    """
    low, high, scale = fitted.omics_low, fitted.omics_high, fitted.omics_scale
    with np.errstate(over="ignore"):
        beyond = np.maximum(low / scale - omics / scale, omics / scale - high / scale)
    far = beyond > FAR_SD  # False where NaN
    if not far.any():
        return
    rows, columns = np.flatnonzero(far.any(axis=1)), np.flatnonzero(far.any(axis=0))
    warn(
        f"omics has values far outside the range seen in fit, of {some(fitted.omics[columns])}, up "
        f"to {np.nanmax(beyond[:, columns]):.3g} SDs beyond it (rows {some(rows)}): "
        "predictions for these rows are extrapolations. Check their units, or transform the omics "
        "before the fit (see the page Preparing omics of the guide)."
    )
