"""The network as the sampler sees it: layers from genotypes to phenotype, each a list of terms.

A layer has responses (the nodes; the phenotype), terms whose contributions add up to the expected
response, residual variances, and a family that links the responses to their record. Everything is
on the sampling scale: standardised responses (but liabilities), centred genotypes.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sknnmm.common.cached import cached
from sknnmm.common.normal_below import hazard
from sknnmm.genotypes import Genotypes
from sknnmm.model.variables import Variable
from sknnmm.priors import ScaledInverseChi2

if TYPE_CHECKING:
    from sknnmm.families import Family
    from sknnmm.terms import Term


@dataclass(frozen=True)
class Layer:
    """C responses of n individuals and what their expectation is made of."""

    name: str
    record: np.ndarray  # (n, C), NaN = missing; all NaN for latent nodes, which come last
    row_weight: np.ndarray  # (n,), residual variance s2 / weight; 0: the row informs nothing here
    terms: tuple["Term", ...]  # in the order in which they are drawn
    family: "Family"
    residual_prior: ScaledInverseChi2
    dtype: type[np.floating]
    response_dim: str | None  # what its responses are called; None: it can have one only
    prefix: str = ""  # of the names of its variables
    n_latent: int = 0
    #: (n, C), what responses without a value lie below; elsewhere infinite. None: nothing is known.
    limits: np.ndarray | None = None
    upper: np.ndarray | None = None  # (n, C), upper ends of records that are intervals

    def __post_init__(self) -> None:
        """Refuse an order of terms in which one that is integrated out is not drawn next."""
        for i, term in enumerate(self.terms):
            for other in (o for o in term.not_subtracted if o is not term):
                following = self.terms[i + 1 :]
                between = following[: following.index(other)] if other in following else None
                if between is None or any(other not in t.not_subtracted for t in between):
                    raise ValueError(
                        f"{other.name} is integrated out for {term.name}: it has to follow it, and "
                        "terms between them have to do the same."
                    )

    @property
    def n_responses(self) -> int:
        """Return C."""
        return self.record.shape[1]

    @property
    def n_recorded(self) -> int:
        """Return the number of responses with data, the first ones."""
        return self.n_responses - self.n_latent

    @cached
    def observed(self) -> np.ndarray:
        """Return the cells with data, (n, C) bool."""
        return ~np.isnan(self.record)

    @cached
    def informed(self) -> np.ndarray:
        """Return the rows that enter the conditionals of this layer, (n,) bool."""
        return self.row_weight > 0

    @cached
    def starting_response(self) -> np.ndarray:
        """Return the responses in the working precision, missing as 0 or below their limit."""
        start = self.family.start(self.record, self.upper).astype(self.dtype)
        if self.limits is not None:
            below = np.isfinite(self.limits)
            limits = self.limits[below].astype(self.dtype)
            start[below] = np.minimum(-hazard(limits), limits)  # the mean of N(0, 1) there
        return start

    @cached
    def bounded(self) -> np.ndarray:
        """Return the responses of informed rows that the record bounds only, (n, C) bool."""
        return self.informed[:, None] & self.family.is_bounded(self.record, self.upper)

    @cached
    def drawn(self) -> np.ndarray:
        """Return the responses of informed rows that are drawn, (n, C) bool."""
        return self.bounded | (self.informed[:, None] & ~self.observed)

    @property
    def is_drawn(self) -> bool:
        """Return whether any response of an informed row is drawn."""
        return bool(self.drawn.any())

    @property
    def drawn_share(self) -> float:
        """Return the share of the responses of informed rows that are drawn."""
        return float(self.drawn[self.informed].mean())

    @cached
    def is_constant(self) -> bool:
        """Return whether nothing that a regression on SNPs needs of the rows ever changes."""
        snps = [term for term in self.terms if term.acts_by_snps]
        others = [term for term in self.terms if not term.acts_by_snps]
        return (
            not self.is_drawn
            and len(snps) == 1
            and all(term.predictors is not None for term in others)
        )

    @cached
    def mean_inverse_weight(self) -> float:
        """Return the mean of 1 / weight over the informed rows: their residual variance over s2."""
        return float((1 / self.row_weight[self.informed]).mean())

    @property
    def has_equal_weights(self) -> bool:
        """Return whether every informed row has weight 1."""
        return bool((self.row_weight[self.informed] == 1).all())

    def term(self, name: str) -> "Term | None":
        """Return the term of this name, or None."""
        return next((term for term in self.terms if term.name == name), None)

    def dims(self, *leading: str) -> tuple[str, ...]:
        """Return the dims of a variable with one value per response."""
        return leading if self.response_dim is None else (*leading, self.response_dim)

    def squeezed(self, values: np.ndarray) -> np.ndarray:
        """Return values with the responses as their last dimension in the `dims` of a variable."""
        return values if self.response_dim else values[..., 0]

    @property
    def variables(self) -> list[Variable]:
        """Return the Variables of this layer and its terms."""
        return [
            Variable(
                f"{self.prefix}residual_variance",
                self.name,
                "residual variance, of a record of weight 1",
                self.dims(),
                power=2,
                # With a latent node it shares a part that the data do not split.
                is_target=not any(term.reads_latent for term in self.terms)
                and not self.family.residual_variance_is_fixed,
                is_diagnosed=True,
                is_record_variance=True,
            ),
            *self.family.variables(self),
            *(variable for term in self.terms for variable in term.variables(self)),
        ]


@dataclass(frozen=True)
class Network:
    """The layers in the order in which individuals express them, and the genotypes of all."""

    genotypes: Genotypes  # (n, p)
    layers: tuple[Layer, ...]
    dtype: type[np.floating]
    latent_sampler: str = "auto"

    def __post_init__(self) -> None:
        """Refuse what no sampler serves: two readers of a layer, a reader of drawn records."""
        for layer in self.layers:
            readers = [t for other in self.layers for t in other.terms if t.source == layer.name]
            if len(readers) > 1:
                raise ValueError(f"the layer {layer.name!r} is read by more than one term.")
            if readers and layer.bounded.any():
                raise ValueError(f"the responses of {layer.name!r} are read: they must be normal.")

    def layer(self, name: str) -> Layer | None:
        """Return the layer of this name, or None."""
        return next((layer for layer in self.layers if layer.name == name), None)

    def reading(self, layer: Layer) -> "tuple[Layer, Term] | tuple[None, None]":
        """Return the layer with a term on the responses of `layer`, and this term."""
        for other in self.layers:
            for term in other.terms:
                if term.source == layer.name:
                    return other, term
        return None, None
