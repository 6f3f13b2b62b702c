"""The contract of a term: one part of the expected response of a layer.

A term holds what never changes during a fit; what does is its state, one per chain. It knows no
other term: what it is to explain, the response minus everything else, comes as a `Target`
(sampling/residual.py).
"""

from abc import ABC, abstractmethod


class Term(ABC):
    """One part of the expected response of a layer, for its C responses.

    Parameters
    ----------
    name : str
        Of its state, unique in the layer.
    layer : str
        Name of the layer.
    """

    acts_by_snps = False  # whether an SNPUpdate draws it (sampling/snp/)
    source = None  # name of the layer on whose responses it acts
    informs_residual_variance = False  # whether its prior is in units of that variance

    def __init__(self, name, layer):
        self.name = name
        self.layer = layer

    def of(self, chain):
        """Return the state of this term."""
        return chain.layers[self.layer].terms[self.name]

    @abstractmethod
    def contribution(self, state):
        """Return this part of the expected response of every row, (n, C)."""

    @abstractmethod
    def variables(self, layer):
        """Return the Variables of this term."""

    @abstractmethod
    def values(self, state):
        """Return the present values of the variables of which every draw is kept, in order.

        Each with the responses as its last dimension, of length C.
        """

    def prior_terms(self, state):
        """Return degrees of freedom and sums of squares (C,) that inform the residual variance.

        Asked for if the term `informs_residual_variance`.
        """
        raise NotImplementedError


class DrawnTerm(Term):
    """A term that draws itself, given what it is to explain."""

    predictors = None  # (n, m), contribution = predictors @ coefficients(state); None: they change

    @property
    def left_out(self):
        """Return the terms that are not taken off the response for a draw of this one."""
        return (self,)

    @abstractmethod
    def start(self, layer, responses, keeps_rows):
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
    def draw(self, state, target, residual_variance, rng):
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
    def products_of_rows(self, rows):
        """Return what a draw needs to know of its target, given that row by row, (n, C)."""

    def products_of_sums(self, sums, state):
        """Return the same from a SummedResidual; asked for if there are `predictors`."""
        raise NotImplementedError

    def coefficients(self, state):
        """Return the effects of the `predictors`, (m, C)."""
        raise NotImplementedError
