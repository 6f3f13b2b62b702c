"""The network, with lines as wide as what passes along them."""

from collections.abc import Sequence
from numbers import Integral
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd
from sklearn.utils import check_scalar

from sknnmm.common.fitted import check_is_fitted_network
from sknnmm.common.optional import import_optional
from sknnmm.common.typing import Table
from sknnmm.plotting._flows import genetic_flows
from sknnmm.plotting._style import (
    BLUE,
    GREEN,
    VERMILION,
    axes_of,
    characters_along,
    text_of,
    wrapped,
)

if TYPE_CHECKING:
    from sknnmm.estimators.classifier import NNMMClassifier
    from sknnmm.estimators.regressor import NNMMRegressor

FULL = 40.0  # points that a share of 1 is wide
LEAST = 0.002  # share below which there is no line
BOX = 0.5  # width of the boxes of the middle layer; layers are 1 apart
LEFT, RIGHT = -0.25, 2.3  # of the axes
DIRECT = "direct"


class NetworkDisplay:
    """Groups of SNPs, omics and y, joined by lines as wide as the genetic variance they carry.

    Parameters
    ----------
    shares : DataFrame of shape (groups, paths)
        Shares of the genetic variance of y that come from a group of SNPs (index) by way of an
        omic, or of "direct" (columns).
    y_name : str, default="y"
        What y is called.

    Attributes
    ----------
    ax_ : Axes
    figure_ : Figure
    shares_ : DataFrame
        The shares that are drawn: omics beyond `max_omics` and groups beyond `max_groups` are
        summed up.
    lines_ : dict of (str, str) to PathPatch
        By the names at both ends. Shares below 0.002 have no line.

    Notes
    -----
    A share is the covariance of the genetic values by way of a line with all genetic values, over
    the variance of the latter, so that all of them sum to 1; on its way through an omic nothing is
    lost. A negative one is a path that works against the others: red and dashed
    (`sknnmm.mediation.omics_table` explains them). Nonlinear networks are linearised.

    Examples
    --------
    >>> from sknnmm import NNMMRegressor
    >>> from sknnmm.datasets import make_omics_network
    >>> from sknnmm.plotting import NetworkDisplay
    >>> data = make_omics_network(n_samples=200, n_snps=30, n_omics=2, random_state=0)
    >>> model = NNMMRegressor(n_iter=300, burn_in=100, random_state=0)
    >>> model = model.fit(data.X, data.y, omics=data.omics)
    >>> display = NetworkDisplay.from_estimator(model, data.X, ["left"] * 15 + ["right"] * 15)
    >>> display.shares_.shape
    (2, 3)
    >>> round(float(display.shares_.to_numpy().sum()), 4)
    1.0
    """

    def __init__(self, shares: pd.DataFrame, *, y_name: str = "y") -> None:
        self.shares, self.y_name = shares, y_name

    @classmethod
    def from_estimator(
        cls,
        model: "NNMMRegressor | NNMMClassifier",
        X: Table,
        groups: pd.DataFrame | Sequence[Any] | None = None,
        *,
        y_name: str = "y",
        max_omics: int = 12,
        max_groups: int = 40,
        ax: Any = None,
    ) -> Self:
        """Draw a fitted network.

        Parameters
        ----------
        model : NNMMRegressor or NNMMClassifier
            Fitted.
        X : array-like of shape (n, p)
            Genotypes of the individuals over whom variances are taken: usually those of `fit`.
        groups : DataFrame, sequence of length p or None, default=None
            A table of variants, whose chromosomes are the groups (see
            `sknnmm.association.snp_table`), or a label of each SNP; the name of a Series says what
            they are. None: all SNPs are one group.
        y_name : str, default="y"
            What y is called.
        max_omics : int, default=12
            Number of omics that are drawn, those of the largest absolute share; the others are
            summed up.
        max_groups : int, default=40
            Number of groups that are drawn, in the same way.
        ax : Axes or None, default=None
            None: of a new figure.

        Returns
        -------
        NetworkDisplay

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        TypeError, ValueError
            If the model is not fitted, or X or groups do not fit to it.
        """
        check_is_fitted_network(model)
        genotypes = model._check_predict_genotypes(X)
        shares = genetic_flows(model, genotypes, groups)
        return cls(shares, y_name=y_name).plot(ax, max_omics=max_omics, max_groups=max_groups)

    def plot(self, ax: Any = None, *, max_omics: int = 12, max_groups: int = 40) -> Self:
        """Draw the shares.

        Parameters
        ----------
        ax : Axes or None, default=None
            None: of a new figure.
        max_omics : int, default=12
            Number of omics that are drawn; the others are summed up.
        max_groups : int, default=40
            Number of groups that are drawn; the others are summed up.

        Returns
        -------
        NetworkDisplay
        """
        check_scalar(max_omics, "max_omics", Integral, min_val=0)
        check_scalar(max_groups, "max_groups", Integral, min_val=0)
        shares = _summed_up(_summed_up(self.shares, max_omics).T, max_groups).T
        self.shares_ = shares
        height = max(2.6, 0.26 * len(shares), 0.62 * shares.shape[1]) + 0.6
        ax = axes_of(ax, (1, 1), (8, height))[0, 0]
        patches = import_optional("matplotlib.patches", "A figure")
        tall = 0.4 / (height - 0.6)  # two lines of text
        longest = max(8, int(characters_along(ax, 8.3) * BOX / (RIGHT - LEFT)))
        groups = dict(zip(shares.index, _even(len(shares)), strict=True))
        paths = dict(zip(shares, _even(shares.shape[1]), strict=True))
        self.lines_: dict[tuple[str, str], Any] = {}
        for path, y in paths.items():
            for group, start in groups.items():
                self._line(ax, (group, path), (0, start), (1 - BOX / 2, y), shares.loc[group, path])
            ends = (1 + BOX / 2, y), (2, 0.5)
            self._line(ax, (path, self.y_name), *ends, shares[path].sum())
        for group, y in groups.items():
            ax.text(-0.02, y, text_of(group, longest), ha="right", va="center", fontsize="small")
        for path, y in paths.items():
            name = text_of(path, longest)
            if path == DIRECT and len(paths) > 1:
                name = "past the omics"
            text = f"{name}\n{_rounded(shares[path].sum())}"
            edge = GREEN if path == DIRECT else BLUE
            box = patches.Rectangle((1 - BOX / 2, y - tall / 2), BOX, tall, fc="white", ec=edge)
            ax.add_patch(box).set_zorder(3)
            ax.text(1, y, text, ha="center", va="center", fontsize="small", zorder=4)
        if shares.index.name:
            ax.text(-0.02, 1.01, shares.index.name, ha="right", fontsize="small", style="italic")
        ax.text(2.02, 0.5, wrapped(self.y_name, 14), ha="left", va="center", weight="bold")
        self._explain(ax)
        ax.set(xlim=(LEFT, RIGHT), ylim=(-0.02, 1.02))
        ax.axis("off")
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _line(self, ax, names, start, end, share):
        """Draw a line as wide as a share."""
        if abs(share) < LEAST:
            return
        patches = import_optional("matplotlib.patches", "A figure")
        paths = import_optional("matplotlib.path", "A figure")
        middle = (start[0] + end[0]) / 2
        curve = paths.Path([start, (middle, start[1]), (middle, end[1]), end], [1, 4, 4, 4])
        colour = VERMILION if share < 0 else GREEN if DIRECT in names else BLUE
        patch = patches.PathPatch(
            curve,
            fc="none",
            ec=colour,
            lw=FULL * abs(share),
            ls=(0, (2, 0.6)) if share < 0 else "-",
            alpha=0.55,
            capstyle="butt",
        )
        self.lines_[names] = ax.add_patch(patch)

    def _explain(self, ax):
        lines = import_optional("matplotlib.lines", "A figure")
        keys = [lines.Line2D([], [], color=BLUE, lw=FULL * 0.1, alpha=0.55, label="share 0.1")]
        if any(line.get_linestyle() != "-" for line in self.lines_.values()):
            keys.append(lines.Line2D([], [], color=VERMILION, lw=2, ls="--", label="negative"))
        ax.legend(
            handles=keys,
            title=wrapped(f"of the genetic variance of {self.y_name}", 60),
            loc="lower center",
            bbox_to_anchor=(0.5, 1),
            ncols=2,
            frameon=False,
            fontsize="small",
            title_fontsize="small",
        )


def _summed_up(shares, n_kept):
    """Return the shares with the columns that carry least, but for "direct", in one column."""
    columns = shares.drop(columns=DIRECT, errors="ignore")
    if columns.shape[1] <= n_kept:
        return shares
    kept = columns.sum().abs().nlargest(n_kept).index
    kept = [name for name in columns if name in kept]
    others = columns.drop(columns=kept)
    parts = [columns[kept], others.sum(axis=1).rename(f"{others.shape[1]} others")]
    if DIRECT in shares:
        parts.append(shares[DIRECT])
    return pd.concat(parts, axis=1).rename_axis(columns=shares.columns.name)


def _even(n):
    """Return the heights of n nodes, from the top."""
    return 1 - (np.arange(n) + 0.5) / n


def _rounded(share):
    text = f"{share:.2f}"
    return text.replace("-0.00", "0.00")
