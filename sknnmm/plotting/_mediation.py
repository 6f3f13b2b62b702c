"""What each omic carries, as bars."""

from numbers import Integral
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd
from sklearn.utils import check_scalar

from sknnmm.mediation import omics_table
from sknnmm.plotting._style import (
    BLUE,
    GREEN,
    SKY,
    axes_of,
    room_along,
    text_of,
    without_frame,
    wrapped,
)

if TYPE_CHECKING:
    from sknnmm.estimators.classifier import NNMMClassifier
    from sknnmm.estimators.regressor import NNMMRegressor

OF_ALL = {"mediated": SKY, "direct": GREEN}  # rows of omics_table that are no omic
LABELS = {
    "genetic_share": "share of the genetic variance of {}",
    "phenotypic_share": "share of the variance of {}",
    "effect": "change of {} by one genetic SD of the omic",
    "heritability": "heritability",
}


class MediationDisplay:
    """What each omic carries of the genetics of y: bars of posterior means, with intervals.

    Parameters
    ----------
    table : DataFrame
        That of `sknnmm.mediation.omics_table`.
    value : {"genetic_share", "phenotypic_share", "effect", "heritability"}, default="genetic_share"
        The columns that are drawn.
    interval : float, default=0.9
        Probability of the intervals of the table, for the label.
    y_name : str, default="y"
        What y is called.

    Attributes
    ----------
    ax_ : Axes
    figure_ : Figure
    bars_ : BarContainer
        From the top: all omics together, direct effects, then omics by their absolute value.
    intervals_ : ErrorbarContainer

    See Also
    --------
    sknnmm.mediation.omics_table : The numbers; why shares may be negative.

    Examples
    --------
    >>> from sknnmm import NNMMRegressor
    >>> from sknnmm.datasets import make_omics_network
    >>> from sknnmm.plotting import MediationDisplay
    >>> data = make_omics_network(n_samples=200, n_snps=30, n_omics=2, random_state=0)
    >>> model = NNMMRegressor(n_iter=300, burn_in=100, random_state=0)
    >>> model = model.fit(data.X, data.y, omics=data.omics)
    >>> display = MediationDisplay.from_estimator(model, y_name="HDL")
    >>> display.ax_.get_xlabel()
    'share of the genetic variance of HDL (mean, 90 % interval)'
    """

    def __init__(
        self,
        table: pd.DataFrame,
        *,
        value: str = "genetic_share",
        interval: float = 0.9,
        y_name: str = "y",
    ) -> None:
        self.table, self.value, self.interval, self.y_name = table, value, interval, y_name

    @classmethod
    def from_estimator(
        cls,
        model: "NNMMRegressor | NNMMClassifier",
        *,
        value: str = "genetic_share",
        interval: float = 0.9,
        y_name: str = "y",
        max_omics: int = 20,
        ax: Any = None,
    ) -> Self:
        """Draw the omics of a fitted model.

        Parameters
        ----------
        model : NNMMRegressor or NNMMClassifier
            Fitted with omics or latent nodes.
        value, interval, y_name
            As in the class.
        max_omics : int, default=20
            Number of omics that are drawn, those of the largest absolute value.
        ax : Axes or None, default=None
            None: of a new figure.

        Returns
        -------
        MediationDisplay

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        TypeError, ValueError
            If the model has no omics, or no such value.
        """
        table = omics_table(model, interval=interval)
        return cls(table, value=value, interval=interval, y_name=y_name).plot(
            ax, max_omics=max_omics
        )

    def plot(self, ax: Any = None, *, max_omics: int = 20) -> Self:
        """Draw the table.

        Parameters
        ----------
        ax : Axes or None, default=None
            None: of a new figure.
        max_omics : int, default=20
            Number of omics that are drawn, those of the largest absolute value.

        Returns
        -------
        MediationDisplay
        """
        check_scalar(max_omics, "max_omics", Integral, min_val=0)
        if self.value not in LABELS:
            raise ValueError(f"value={self.value!r} must be one of {', '.join(LABELS)}.")
        rows = self._rows(max_omics)
        if rows.empty:
            raise ValueError(
                f"value={self.value!r} has no numbers: a network function is no sum over omics. "
                'Show value="effect" or "heritability".'
            )
        mean, low, high = (
            rows[f"{self.value}{end}"].to_numpy(float) for end in ("", "_low", "_high")
        )
        ax = axes_of(ax, (1, 1), (7, 1.1 + 0.32 * len(rows)))[0, 0]
        at = np.arange(len(rows))
        self.bars_ = ax.barh(at, mean, color=[OF_ALL.get(p, BLUE) for p in rows["path"]])
        # about its middle: the mean of a skewed posterior may lie outside its interval
        self.intervals_ = ax.errorbar(
            (low + high) / 2, at, xerr=(high - low) / 2, fmt="none", ecolor="black", capsize=2
        )
        ax.axvline(0, color="0.5", lw=0.8)
        names = {"mediated": "all omics", "direct": "past the omics"}
        ax.set_yticks(at, [names.get(path, text_of(path)) for path in rows["path"]])
        ax.set_ylim(len(rows) - 0.4, -0.6)
        what = LABELS[self.value].format(self.y_name)
        label = f"{what} (mean, {100 * self.interval:g} % interval)"
        ax.set_xlabel(wrapped(label, min(70, room_along(ax))))
        without_frame(ax)
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _rows(self, max_omics):
        """Return the rows that are drawn, from the top."""
        table = self.table[self.table["path"] != "total"].dropna(subset=self.value)
        is_omic = ~table["path"].isin(OF_ALL)
        order = table.loc[is_omic, self.value].abs().sort_values(ascending=False, kind="stable")
        return pd.concat([table[~is_omic], table.loc[order.index[:max_omics]]])
