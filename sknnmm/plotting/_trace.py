"""How the chains have moved."""

from collections.abc import Mapping, Sequence
from numbers import Integral
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from pandas.api.types import is_list_like
from sklearn.utils import check_scalar

from sknnmm.common.fitted import check_is_fitted_network
from sknnmm.common.messages import some
from sknnmm.plotting._style import IN_TURN, axes_of, text_of, without_frame
from sknnmm.posterior.diagnostics import quantities
from sknnmm.posterior.tables import unit_of

if TYPE_CHECKING:
    from sknnmm.estimators.classifier import NNMMClassifier
    from sknnmm.estimators.regressor import NNMMRegressor

BINS = 20
LONGEST_LABEL = 24  # characters of a line
CHOOSE = "Choose with the argument labels, or max_quantities."


class TraceDisplay:
    """Traces of quantities and the ranks of their draws, a colour for each chain.

    Chains that agree have rank histograms that are all flat; one whose ranks pile up at an end
    stays too low or too high (Vehtari et al. 2021).

    Parameters
    ----------
    draws : mapping of str to ndarray of shape (chain, draw)
        By the labels that the y axes get.

    Attributes
    ----------
    ax_ : ndarray of Axes of shape (quantity, 2)
        Traces on the left, ranks on the right.
    figure_ : Figure
    ranks_ : dict of str to ndarray of shape (chain, 20)
        Numbers of draws in each bin of ranks. Equal draws, such as the zeros of a prior that
        selects, are ranked at random. Of a single chain its halves are compared.

    References
    ----------
    Vehtari et al. (2021), doi 10.1214/20-BA1221.

    Examples
    --------
    >>> from sknnmm import NNMMRegressor
    >>> from sknnmm.datasets import make_omics_network
    >>> from sknnmm.plotting import TraceDisplay
    >>> data = make_omics_network(n_samples=200, n_snps=30, n_omics=2, random_state=0)
    >>> model = NNMMRegressor(n_iter=300, burn_in=100, random_state=0)
    >>> model = model.fit(data.X, data.y, omics=data.omics)
    >>> display = TraceDisplay.from_estimator(model, ["heritability"])
    >>> display.ranks_["heritability"].sum(axis=1)
    array([200, 200])
    """

    def __init__(self, draws: Mapping[str, np.ndarray]) -> None:
        self.draws = draws

    @classmethod
    def from_estimator(
        cls,
        model: "NNMMRegressor | NNMMClassifier",
        labels: Sequence[str] | None = None,
        *,
        max_quantities: int = 4,
        ax: Any = None,
    ) -> Self:
        """Draw some of the quantities of `diagnostics_`.

        Parameters
        ----------
        model : NNMMRegressor or NNMMClassifier
            Fitted.
        labels : sequence of str or None, default=None
            Their labels in `diagnostics_`. None: those of the largest R-hat among the targets,
            which chains are judged by.
        max_quantities : int, default=4
            How many, if `labels` are not given.
        ax : array-like of Axes or None, default=None
            Two for each quantity. None: of a new figure.

        Returns
        -------
        TraceDisplay

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        TypeError
            If `model` is no NNMMRegressor or NNMMClassifier.
        ValueError
            If a label is not one of `diagnostics_`, or more than 30 are to be drawn and `ax` is
            None.
        """
        check_is_fitted_network(model)
        check_scalar(max_quantities, "max_quantities", Integral, min_val=1)
        diagnostics, posterior = model.diagnostics_, model.posterior_
        if labels is not None and not is_list_like(labels):
            hint = f": write [{labels!r}]" if isinstance(labels, str) else f"; got {labels!r}"
            raise ValueError(f"labels must be a sequence of labels of diagnostics_{hint}.")
        if labels is None:
            worst = diagnostics.loc[diagnostics["target"].to_numpy(bool), "r_hat"]
            labels = worst.sort_values(ascending=False).index[:max_quantities]
        known, _, columns = quantities(
            posterior.draws, posterior.registry, posterior.coords, judged={}
        )
        of_label = dict(zip(known, columns, strict=True))
        unknown = [label for label in labels if label not in of_label]
        if unknown or not len(labels):
            raise ValueError(
                "labels must be a sequence of labels of diagnostics_"
                + (f", which has no {some(unknown)}." if unknown else ".")
            )
        return cls({_with_unit(posterior, label): of_label[label] for label in labels}).plot(ax)

    def plot(self, ax: Any = None) -> Self:
        """Draw traces and ranks.

        Parameters
        ----------
        ax : array-like of Axes or None, default=None
            Two for each quantity. None: of a new figure.

        Returns
        -------
        TraceDisplay
        """
        axes = axes_of(ax, (len(self.draws), 2), (9, 0.6 + 1.7 * len(self.draws)), CHOOSE)
        self.ranks_ = {}
        for (trace, ranks), (label, draws) in zip(axes, self.draws.items(), strict=True):
            parts, starts = _parts(np.asarray(draws))
            self.ranks_[label] = _counts_of_ranks(parts)
            edges = np.linspace(0, parts.size, BINS + 1)
            for k, (own, start) in enumerate(zip(parts, starts, strict=True)):
                colour = IN_TURN[k % len(IN_TURN)]
                at = np.arange(start, start + len(own))
                trace.plot(at, own, color=colour, lw=0.6, alpha=0.8)
                ranks.stairs(self.ranks_[label][k], edges, baseline=None, color=colour, label=k)
            ranks.axhline(parts.shape[1] / BINS, color="0.5", ls="--", lw=0.8)
            ranks.set_ylim(0, None)
            ranks.locator_params(axis="x", nbins=5)
            lines = label.replace("[", "\n[", 1).split("\n")
            lines = [text_of(line, LONGEST_LABEL) for line in lines]
            trace.set_ylabel("\n".join(lines), fontsize="small")
            ranks.set_ylabel("draws in the bin", fontsize="small")
            without_frame(trace)
            without_frame(ranks)
        axes[-1, 0].set_xlabel("kept draw")
        one_chain = len(next(iter(self.draws.values()))) == 1
        axes[-1, 1].set_xlabel("rank among all draws")
        axes[0, 1].legend(
            title="half of the chain" if one_chain else "chain",
            ncols=8,
            fontsize="small",
            loc="lower right",
            bbox_to_anchor=(1, 1),
            frameon=False,
        )
        self.ax_, self.figure_ = axes, axes[0, 0].figure
        return self


def _parts(draws):
    """Return what is compared, chains or the halves of the only one, and where each starts."""
    if len(draws) > 1:
        return draws, [0] * len(draws)
    half = draws.shape[1] // 2
    return draws[:, : 2 * half].reshape(2, half), [0, half]


def _counts_of_ranks(draws):
    """Return how many draws of every chain have a rank in each of BINS bins, (chain, BINS).

    Equal draws, such as zeros of a weight, are ranked at random, so that no chain is below another.
    """
    among_equals = np.random.default_rng(0).random(draws.size)
    ranks = np.empty(draws.size)
    ranks[np.lexsort([among_equals, draws.ravel()])] = np.arange(draws.size) + 0.5
    bins = np.floor(ranks.reshape(draws.shape) / draws.size * BINS).astype(int)
    return np.stack([np.bincount(own, minlength=BINS) for own in bins])


def _with_unit(posterior, label):
    unit = unit_of(posterior.registry[label.partition("[")[0]])
    return label if unit == "1" else f"{label}\n({unit})"
