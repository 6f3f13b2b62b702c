"""What makes up the variance of y and of the omics."""

from numbers import Integral
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd
from sklearn.utils import check_scalar

from sknnmm.common.fitted import check_is_fitted_network
from sknnmm.plotting._style import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
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

COLOURS = {"SNPs": BLUE, "omics": ORANGE, "residual": GREY}
OF_RANDOM = (GREEN, PURPLE, SKY)  # random effects, in turn
NAMES = {"omics": "omics, not genetic"}


class VariancePartitionDisplay:
    """Shares of the variance of y and of every omic by the terms of the model, as stacked bars.

    Parameters
    ----------
    table : DataFrame
        `variance_components_` of a fitted `NNMMRegressor`.
    y_name : str, default="y"
        What y is called.

    Attributes
    ----------
    ax_ : Axes
    figure_ : Figure
    bars_ : dict of str to BarContainer
        By term; rows are the responses, y first.

    Examples
    --------
    >>> from sknnmm import NNMMRegressor
    >>> from sknnmm.datasets import make_omics_network
    >>> from sknnmm.plotting import VariancePartitionDisplay
    >>> data = make_omics_network(n_samples=200, n_snps=30, n_omics=2, random_state=0)
    >>> model = NNMMRegressor(n_iter=300, burn_in=100, random_state=0)
    >>> model = model.fit(data.X, data.y, omics=data.omics)
    >>> display = VariancePartitionDisplay.from_estimator(model, y_name="HDL")
    >>> [label.get_text() for label in display.ax_.get_yticklabels()]
    ['HDL', 'omic_0', 'omic_1']
    """

    def __init__(self, table: pd.DataFrame, *, y_name: str = "y") -> None:
        self.table, self.y_name = table, y_name

    @classmethod
    def from_estimator(
        cls,
        model: "NNMMRegressor | NNMMClassifier",
        *,
        y_name: str = "y",
        max_omics: int = 30,
        ax: Any = None,
    ) -> Self:
        """Draw the variance components of a fitted model.

        Parameters
        ----------
        model : NNMMRegressor or NNMMClassifier
            Fitted.
        y_name : str, default="y"
            What y is called.
        max_omics : int, default=30
            Number of omics that are drawn, the first ones.
        ax : Axes or None, default=None
            None: of a new figure.

        Returns
        -------
        VariancePartitionDisplay

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        TypeError
            If `model` is no NNMMRegressor or NNMMClassifier.
        """
        check_is_fitted_network(model)
        return cls(model.variance_components_, y_name=y_name).plot(ax, max_omics=max_omics)

    def plot(self, ax: Any = None, *, max_omics: int = 30) -> Self:
        """Draw the table.

        Parameters
        ----------
        ax : Axes or None, default=None
            None: of a new figure.
        max_omics : int, default=30
            Number of omics that are drawn, the first ones.

        Returns
        -------
        VariancePartitionDisplay
        """
        check_scalar(max_omics, "max_omics", Integral, min_val=0)
        shares = self.table["share"].unstack("term", sort=False).fillna(0)
        shares = shares.iloc[: 1 + max_omics]
        terms = [str(term) for term in shares if term != "residual"] + ["residual"]
        others = [term for term in terms if term not in COLOURS]
        ax = axes_of(ax, (1, 1), (7, 1.5 + 0.32 * len(shares)))[0, 0]
        at, left = np.arange(len(shares)), np.zeros(len(shares))
        self.bars_ = {}
        for term in terms:
            colour = COLOURS.get(term)
            if colour is None:
                colour = OF_RANDOM[others.index(term) % len(OF_RANDOM)]
            width = shares[term].to_numpy()
            self.bars_[term] = ax.barh(
                at, width, left=left, color=colour, edgecolor="white", lw=0.5
            )
            left = left + width
        responses = [text_of(response) for _, response in shares.index]
        ax.set_yticks(at, [wrapped(self.y_name, 30), *responses[1:]])
        ax.set(xlim=(0, 1), ylim=(len(shares) - 0.4, -0.6), xlabel="share of the variance")
        labels = [NAMES.get(term, text_of(term, 24)) for term in terms]
        room, widths = room_along(ax), [len(label) + 5 for label in labels]
        columns = len(terms) if sum(widths) <= room else room // max(widths)
        ax.legend(
            self.bars_.values(),
            labels,
            loc="lower left",
            bbox_to_anchor=(0, 1),
            ncols=max(1, columns),
            frameon=False,
            borderpad=0.2,
        )
        without_frame(ax)
        self.ax_, self.figure_ = ax, ax.figure
        return self
