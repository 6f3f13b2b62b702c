"""The contract of a term: one part of the expected response of a layer.

A term holds what never changes during a fit; what does is its state, one per chain. It knows no
other term: what it is to explain, the response minus everything else, comes as a `Target`
(sampling/residual.py).
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np

if TYPE_CHECKING:
    from sknnmm.model.network import Layer
    from sknnmm.model.variables import Variable
    from sknnmm.sampling.residual import SummedResidual, Target
    from sknnmm.sampling.state import ChainState, LayerState

State = TypeVar("State")  # of a chain, a class of each term's own


class Term(ABC, Generic[State]):
    """One part of the expected response of a layer, for its C responses.

    Parameters
    ----------
    name : str
        Of its state, unique in the layer.
    layer : str
        Name of the layer.
    """

    acts_by_snps = False  # whether an SNPUpdate draws it (sampling/snp/)
    source: str | None = None  # name of the layer on whose responses it acts
    #: (n, m), where contribution = predictors @ coefficients(state); None where they change.
    predictors: np.ndarray | None = None
    has_weights = False  # whether it learns a weight of each response of its source
    values_are_views = True  # whether `values` are of the state, which is drawn in place
    reads_latent = False  # whether responses of its source have no data

    def __init__(self, name: str, layer: str) -> None:
        self.name = name
        self.layer = layer

    @property
    def informs_residual_variance(self) -> bool:
        """Return whether its prior is in units of the residual variance."""
        return False

    @property
    def fixes_scale(self) -> bool:
        """Return whether its prior holds the scale of its contribution."""
        return False

    @property
    def not_subtracted(self) -> tuple["Term", ...]:
        """Return the terms that are not subtracted from the response to make its `Target`.

        Itself, for most. A term that integrates others out names these; they are drawn next, so
        they follow it in the layer.
        """
        return (self,)

    def of(self, chain: "ChainState") -> State:
        """Return the state of this term."""
        return chain.layers[self.layer].terms[self.name]

    @abstractmethod
    def contribution(self, state: State) -> np.ndarray:
        """Return this part of the expected response of every row, (n, C)."""

    @abstractmethod
    def variables(self, layer: "Layer") -> list["Variable"]:
        """Return the Variables of this term."""

    @abstractmethod
    def values(self, state: State) -> Sequence[np.ndarray]:
        """Return the values of the variables of which every draw is kept, in order.

        Views of the state, if `values_are_views`; with the responses as the last dimension.
        """

    def prior_terms(self, state: State) -> tuple[np.ndarray, np.ndarray]:
        """Return degrees of freedom and sums of squares (C,) that inform the residual variance.

        Asked for if the term `informs_residual_variance`.
        """
        raise NotImplementedError

    @abstractmethod
    def rescale(self, state: State, response: int, factor: float) -> None:
        """Multiply the contribution to one response, and its SD a priori, by a factor.

        For joint moves of a latent node with all that it is made of (sampling/missing/).
        """

    def scale_terms(self, state: State, response: int) -> tuple[float, float]:
        """Return (a, b): a `rescale` by t changes the prior density by t^(-2 a) exp(-b / t^2).

        But for factors of t that the Jacobian of the move cancels.
        """
        return 0.0, 0.0

    def scale_density(
        self, state: State, residual_variance: np.ndarray
    ) -> tuple[float, float, float]:
        """Return (a, b, c): log t has the prior density t^a exp(-b t^2 - c / t^2).

        t is a factor of the contribution to the only response, and of the hyperparameters that
        `multiply` moves with it.
        """
        raise NotImplementedError

    def multiply(self, state: State, factor: float) -> None:
        """Multiply the contribution to the only response (see `scale_density`), in place."""
        raise NotImplementedError


class DrawnTerm(Term[State]):
    """A term that draws itself, given what it is to explain."""

    @abstractmethod
    def start(self, layer: "Layer", responses: dict[str, np.ndarray], keeps_rows: bool) -> State:
        """Return the state to start from.

        Parameters
        ----------
        layer : Layer
            Its own.
        responses : dict
            Starting responses by layer, of this and of earlier ones.
        keeps_rows : bool
            Whether contributions are read row by row.
        """

    @abstractmethod
    def draw(
        self,
        state: State,
        target: "Target",
        residual_variance: np.ndarray,
        rng: np.random.Generator,
    ) -> None:
        """Draw the parameters, in place.

        Parameters
        ----------
        state
            As `start` returns it.
        target : Target
            The response minus everything else (sampling/residual.py).
        residual_variance : ndarray of shape (C,)
        rng : numpy.random.Generator
        """

    @abstractmethod
    def products_of_rows(self, rows: np.ndarray) -> Any:
        """Return what a draw needs to know of its target, given that row by row, (n, C)."""

    def products_of_sums(self, sums: "SummedResidual", state: "LayerState") -> Any:
        """Return the same from a SummedResidual; asked for if there are `predictors`."""
        raise NotImplementedError

    @abstractmethod
    def coefficients(self, state: State) -> np.ndarray:
        """Return its effects (m, C), of the `predictors` if it has any: a view of the state."""
