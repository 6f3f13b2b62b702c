"""Evidence along the genome."""

from collections.abc import Sequence
from numbers import Integral
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd
from sklearn.utils import check_scalar

from sknnmm.association import snp_table, windows
from sknnmm.common.typing import Table
from sknnmm.inputs.positions import LONGEST_MAP
from sknnmm.plotting._genome import genome_of
from sknnmm.plotting._style import (
    BLUE,
    SKY,
    axes_of,
    characters_along,
    plain,
    refuse_many_panels,
    text_of,
    without_frame,
)
from sknnmm.prediction.effect_draws import EffectDraws

if TYPE_CHECKING:
    from sknnmm.estimators.classifier import NNMMClassifier
    from sknnmm.estimators.regressor import NNMMRegressor

ON_Y = ("total", "mediated", "direct")
FEW = 2000  # points, which are drawn larger
PROBABILITIES = ("wppa", "inclusion_probability")
ERROR_RATES = ("lfdr", "fdr", "lfsr")  # of which the lowest stand out
AXIS_LABELS = {
    "effect": "effect per allele",
    "sd": "SD of the effect",
    "lfdr": "local false discovery rate",
    "fdr": "false discovery rate",
    "lfsr": "local false sign rate",
}
OUTSTANDING = 0.2  # of the highest value: what gets a name has more
APART = 0.05  # of the width: points closer than that do not both get a label
LONGEST_LABEL = 24  # characters
CHOOSE = (
    'Choose some with the argument response, for example response=["total", "direct"]; '
    "sknnmm.mediation.omics_table says which omics carry most."
)


class ManhattanDisplay:
    """What the posterior says along the genome, one panel for each response.

    Parameters
    ----------
    table : DataFrame
        That of `sknnmm.association.snp_table` or `sknnmm.association.windows`, with positions or
        without. Rows without chromosome or position are not drawn if others have them.
    value : str or None, default=None
        The column on the y axis. None: "wppa" of windows, "inclusion_probability" of SNPs.
    y_name : str, default="y"
        What y is called.

    Attributes
    ----------
    ax_ : Axes, or ndarray of Axes with several responses
    figure_ : Figure
    points_ : list of PathCollection
        The points of each panel, in the order of the table.
    texts_ : list of list of Annotation
        The labels of each panel.

    See Also
    --------
    sknnmm.association.snp_table, sknnmm.association.windows : The numbers.

    Notes
    -----
    Neighbouring chromosomes have different blues. Points are drawn as pixels also in PDF and SVG,
    which stay small with a million SNPs.

    Examples
    --------
    >>> import pandas as pd
    >>> from sknnmm import NNMMRegressor
    >>> from sknnmm.datasets import make_omics_network
    >>> from sknnmm.plotting import ManhattanDisplay
    >>> data = make_omics_network(n_samples=200, n_snps=30, n_omics=2, random_state=0)
    >>> model = NNMMRegressor(n_iter=300, burn_in=100, random_state=0)
    >>> model = model.fit(data.X, data.y, omics=data.omics)
    >>> variants = pd.DataFrame({"chromosome": [1, 2] * 15, "position": range(30)})
    >>> display = ManhattanDisplay.from_estimator(model, variants, y_name="HDL")
    >>> display.ax_.get_ylabel()
    'inclusion probability'
    >>> display.ax_.get_title(loc="left")
    'total effect on HDL'
    """

    def __init__(self, table: pd.DataFrame, *, value: str | None = None, y_name: str = "y") -> None:
        self.table = table
        self.value = value or ("wppa" if "wppa" in table else "inclusion_probability")
        self.y_name = y_name

    @classmethod
    def from_estimator(
        cls,
        model: "NNMMRegressor | NNMMClassifier",
        variants: pd.DataFrame | None = None,
        response: str | Sequence[str] | None = "total",
        *,
        X: Table | None = None,
        window: str | int | pd.DataFrame | None = None,
        threshold: float = 0.01,
        value: str | None = None,
        y_name: str = "y",
        n_labels: int = 3,
        ax: Any = None,
    ) -> Self:
        """Draw SNPs, or windows if `window` is given.

        Parameters
        ----------
        model : NNMMRegressor or NNMMClassifier
            Fitted.
        variants : DataFrame or None, default=None
            Chromosome and position of the SNPs, as in `sknnmm.association.snp_table`. None: SNPs
            are drawn in the order of the fit.
        response : str, sequence of str or None, default="total"
            The name of an omic, "direct", "mediated" or "total"; several are stacked, up to 30.
            None: all.
        X : array-like of shape (n, p) or None, default=None
            Genotypes, for windows.
        window, threshold
            As in `sknnmm.association.windows`.
        value : str or None, default=None
            The column on the y axis. None: "wppa" of windows, "inclusion_probability" of SNPs.
        y_name : str, default="y"
            What y is called.
        n_labels : int, default=3
            Number of points in each panel that get their names.
        ax : Axes, sequence of Axes or None, default=None
            Axes to draw in, one for each response. None: of a new figure.

        Returns
        -------
        ManhattanDisplay

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If a window is given without X, there would be more than 30 panels and `ax` is None,
            the table has no such column, or the inclusion probability is 1 by the prior and a false
            discovery impossible; and as `snp_table` and `windows` do.
        """
        names = EffectDraws(model).chosen(response)
        if ax is None:
            refuse_many_panels(len(names), CHOOSE)
        if window is None:
            table = snp_table(model, variants, response)
        elif X is None:
            raise ValueError("X is needed for windows: pass the genotypes, usually those of fit.")
        else:
            table = windows(model, X, variants, window, threshold=threshold, response=response)
        table.attrs["threshold"] = threshold
        return cls(table, value=value, y_name=y_name).plot(ax, n_labels=n_labels)

    def plot(self, ax: Any = None, *, n_labels: int = 3) -> Self:
        """Draw the table.

        Parameters
        ----------
        ax : Axes, sequence of Axes or None, default=None
            One for each response. None: of a new figure.
        n_labels : int, default=3
            Number of points in each panel that get their names: the highest, of effects by their
            absolute value, of error rates the lowest; but not those next to a higher one, and none
            below a fifth of the highest.

        Returns
        -------
        ManhattanDisplay
        """
        check_scalar(n_labels, "n_labels", Integral, min_val=0)
        self._check()
        responses = list(dict.fromkeys(self.table["response"]))
        axes = axes_of(ax, (len(responses), 1), (9, 1.2 + 1.9 * len(responses)), CHOOSE)[:, 0]
        self.points_: list[Any] = []
        self.texts_: list[list[Any]] = []
        for own_ax, response in zip(axes, responses, strict=True):
            self._draw(own_ax, response, n_labels)
        for own_ax in axes[:-1]:
            own_ax.set_xlabel("")
        self.ax_ = axes if len(responses) > 1 else axes[0]
        self.figure_ = axes[0].figure
        return self

    def _check(self):
        numbers = self.table.select_dtypes("number").columns
        if self.value not in numbers:
            raise ValueError(f"value={self.value!r}: the table has {', '.join(numbers)}.")
        if self.value in ("inclusion_probability", "lfdr", "fdr") and "lfdr" in self.table:
            by_prior = self.table["lfdr"].isna().groupby(self.table["response"]).all()
            if by_prior.any():
                raise ValueError(
                    f"The prior of effects on {by_prior.idxmax()} lets none be zero: every "
                    "inclusion probability is 1, and there are no false discoveries. Show windows, "
                    'or value="variance_share" or "lfsr".'
                )

    def _draw(self, ax, response, n_labels):
        table = self.table[self.table["response"] == response].reset_index(drop=True)
        genome, values = genome_of(table), table[self.value].to_numpy(float)
        self.points_.append(
            ax.scatter(
                genome.x,
                values,
                s=14 if len(table) <= FEW else 5,
                c=np.where(genome.chromosome % 2, SKY, BLUE),
                linewidths=0,
                rasterized=True,
                clip_on=False,
            )
        )
        width = np.nanmax(genome.x) - np.nanmin(genome.x) or 1.0
        ax.set_xlim(np.nanmin(genome.x) - 0.01 * width, np.nanmax(genome.x) + 0.01 * width)
        low, top = values.min(initial=0), values.max(initial=0)
        if self.value in PROBABILITIES:
            top = 1.0
            ax.set_yticks([0, 0.25, 0.5, 0.75, 1])
        room = 0.15 * (top - low) or 1.0  # for labels
        ax.set_ylim(low - room if low < 0 else 0, top + room)
        if genome.ticks:
            ax.set_xticks(genome.ticks, _apart(genome, width / characters_along(ax)))
            ax.tick_params(axis="x", length=0)
        ax.set_xlabel(genome.label)
        ax.set_ylabel(self._label())
        title = f"{response} effect on {self.y_name}" if response in ON_Y else text_of(response)
        ax.set_title(title, loc="left", fontsize="medium")
        without_frame(ax)
        names = _Names(table, width / characters_along(ax, 8.3))
        strength = 1 - values if self.value in ERROR_RATES else np.abs(values)
        peaks = _peaks(genome.x, strength, names, APART * width, n_labels)
        along = (genome.x - np.nanmin(genome.x)) / width
        self.texts_.append(
            [
                ax.annotate(
                    names.of(row),
                    (genome.x[row], values[row]),
                    (0, 4 if values[row] >= 0 else -4),
                    textcoords="offset points",
                    va="baseline" if values[row] >= 0 else "top",
                    ha="left" if along[row] < 0.05 else "right" if along[row] > 0.95 else "center",
                    fontsize="small",
                )
                for row in peaks
            ]
        )

    def _label(self):
        if self.value != "wppa":
            return AXIS_LABELS.get(self.value, self.value.replace("_", " "))
        threshold = self.table.attrs.get("threshold")
        return "WPPA" if threshold is None else f"WPPA\n(share > {threshold:g})"


class _Names:
    """What the rows of a table are called, and how wide that is along the axis."""

    def __init__(self, table, character):
        self.table, self.character = table, character

    def of(self, row):
        """Return the name of a row."""
        return text_of(_name(self.table.iloc[row]), LONGEST_LABEL)

    def width(self, row):
        """Return the width of the name."""
        return self.character * len(self.of(row))


def _peaks(x, values, names, apart, n_peaks):
    """Return the rows of the highest values that stand out and are not next to a higher one."""
    least = OUTSTANDING * values[np.isfinite(x)].max(initial=0)
    rows = []
    for row in np.argsort(-np.nan_to_num(values), kind="stable"):
        if len(rows) == n_peaks or not values[row] > least:
            break
        room = [max(apart, (names.width(row) + names.width(other)) / 2) for other in rows]
        if np.isfinite(x[row]) and (np.abs(x[row] - x[rows]) > room).all():
            rows.append(row)
    return rows


def _apart(genome, character):
    """Return the labels of chromosomes; that of one too close to the one before it is empty."""
    labels, end = [], -np.inf
    for middle, label in zip(genome.ticks, genome.tick_labels, strict=True):
        half = character * (len(label) + 1) / 2
        fits = middle - half >= end
        labels.append(text_of(label) if fits else "")
        end = middle + half if fits else end
    return labels


def _name(row):
    """Return what a SNP or window is called."""
    if "snp" in row:
        return str(row["snp"])
    if isinstance(row["window"], str):
        return row["window"]
    if pd.isna(row["start"]):
        return f"{row['first_snp']} to {row['last_snp']}"
    unit, label = (1e6, " Mb") if row["end"] > LONGEST_MAP else (1, "")
    return f"{plain(row['chromosome'])}: {row['start'] / unit:g} to {row['end'] / unit:g}{label}"
